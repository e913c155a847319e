"""asyncpg against a PostgreSQL-wire server.

    python asyncpg_test.py postgresql://postgres@127.0.0.1:PORT/postgres [SUBSTRING...]

Prints `ok NAME` or `FAIL NAME: ...` per case, then 'N passed, N failed'; exit
code 1 if a case failed.  With SUBSTRINGs, only the cases whose name holds one
of them are run.  Every case has its own connections and its own table
(ac_<case>), so that a failed case does not disturb the next one.

asyncpg sends parameters and asks for results in binary.  Two things of it are
not used here on purpose: pools and conn.reset(), which send `SELECT
pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;`, and types that are
not builtin scalars, which it looks up in the catalogs.  COPY is left out too
(psycopg_test.py has it).
"""

import asyncio
import datetime as dt
import math
import os
import struct
import sys
import time
import uuid
from decimal import Decimal

import asyncpg

URL = ""
CASE_TIMEOUT = 40  # seconds
LONG_QUERY = "SELECT count(*) FROM generate_series(1,100000000000)"
UTC = dt.timezone.utc

CASES = []  # (name, coroutine function)
OPEN = []  # connections of the running case
TASKS = []  # background tasks of the running case
TABLES = set()
CURRENT = ""


# ------------------------------------------------------------------ helpers


def case(fn):
    CASES.append((fn.__name__, fn))
    return fn


async def connect(**kw):
    conn = await asyncpg.connect(URL, timeout=10, **kw)
    OPEN.append(conn)
    return conn


async def table(conn, columns):
    """Create this case's table anew; returns its name."""
    name = "ac_" + CURRENT
    assert len(name) <= 63, name
    TABLES.add(name)
    await conn.execute(f"DROP TABLE IF EXISTS {name}")
    await conn.execute(f"CREATE TABLE {name} ({columns})")
    return name


async def raises(exc, awaitable):
    """Await what must raise exactly the asyncpg exception class exc."""
    try:
        await awaitable
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as e:
        if type(e) is not exc:
            raise AssertionError(
                f"expected {exc.__name__}, got {type(e).__name__} "
                f"{getattr(e, 'sqlstate', '')}: {e}"
            ) from e
        return e
    raise AssertionError(f"expected {exc.__name__}, nothing was raised")


def eq(got, want, what=""):
    assert got == want, f"{what + ': ' if what else ''}got {got!r}, want {want!r}"


class Background:
    """Runs a coroutine as a task; its result or exception is collected later."""

    def __init__(self, coro):
        self.task = asyncio.ensure_future(coro)
        TASKS.append(self.task)

    async def assert_blocked(self, seconds=0.5):
        done, _ = await asyncio.wait([self.task], timeout=seconds)
        if done:
            raise AssertionError(
                f"should be waiting, but ended: {self.task.exception() or self.task.result()!r}"
            )

    async def finish(self, seconds=20):
        done, _ = await asyncio.wait([self.task], timeout=seconds)
        assert done, "still waiting, should have gone on"

    async def result(self, seconds=20):
        await self.finish(seconds)
        return self.task.result()


def same(sqltype, got, want):
    """Equality that minds the Python type, NaN, the sign of zero."""
    if want is None or got is None:
        return got is None and want is None
    if isinstance(want, float):
        if type(got) is not float:
            return False
        if math.isnan(want):
            return math.isnan(got)
        fmt = "!f" if sqltype == "float4" else "!d"
        return struct.pack(fmt, got) == struct.pack(fmt, want)
    if isinstance(want, Decimal):
        # asyncpg makes 1E+4 of 10000; "f" minds the scale but not that
        return type(got) is Decimal and format(got, "f") == format(want, "f")
    if isinstance(want, dt.datetime):
        return got == want and (got.tzinfo is None) == (want.tzinfo is None)
    return isinstance(got, type(want)) and got == want


# ------------------------------------------------------------------- values

TZ = dt.timezone(dt.timedelta(hours=5, minutes=30))
U = uuid.UUID

# column, type in SQL, values.  asyncpg takes date.min/max and datetime.min/max
# for -infinity/infinity, hence the limits here are one off.
TYPES = [
    ("c_bool", "boolean", [True, False]),
    ("c_int2", "int2", [0, 1, -1, 32767, -32768]),
    ("c_int4", "int4", [0, 7, -40000, 2147483647, -2147483648]),
    ("c_int8", "int8", [0, 7, 40000, -3000000000, 2**63 - 1, -(2**63)]),
    (
        "c_float4",
        "float4",
        [0.0, -0.0, 1.5, -0.25, 0.10000000149011612, 3.4028234663852886e38,
         1.401298464324817e-45, math.inf, -math.inf, math.nan],
    ),
    (
        "c_float8",
        "float8",
        [0.0, -0.0, 0.1, -1.0 / 3.0, 1e15, 1e16, 1.7976931348623157e308,
         2.2250738585072014e-308, 5e-324, math.inf, -math.inf, math.nan],
    ),
    (
        "c_numeric",
        "numeric",
        [Decimal(s) for s in (
            "0", "0.00", "1", "-1", "10000", "0.0001", "-0.00012300", "1.10",
            "12345678901234567890.123456789", "-99999999.99990000",
            "1" + "0" * 1000, "-" + "9" * 300 + "." + "1234567890" * 20, "NaN",
        )],
    ),
    (
        "c_numeric_12_3",
        "numeric(12,3)",
        [Decimal("0.000"), Decimal("-123456789.125"), Decimal("999999999.999"), Decimal("NaN")],
    ),
    (
        "c_text",
        "text",
        ["", "a", "it's", 'back\\slash "quoted"', "tab\tnewline\nreturn\r", "NULL", "\\N",
         "žluťoučký kůň 日本語 🐎", "%s %% $1", "  blanks  ", "x" * 200000],
    ),
    ("c_varchar", "varchar(20)", ["", "abc", "trailing   ", "ěščřžýáíé", "x" * 20]),
    ("c_char", "char(10)", ["", "abc", "ten chars!", "日本"]),
    (
        "c_bytea",
        "bytea",
        [b"", b"\x00", b"\\x41", bytes(range(256)), b"\xff\xfe" * 50000],
    ),
    (
        "c_date",
        "date",
        [dt.date(1, 1, 2), dt.date(1970, 1, 1), dt.date(1999, 12, 31), dt.date(2000, 1, 1),
         dt.date(2024, 2, 29), dt.date(9999, 12, 30)],
    ),
    (
        "c_time",
        "time",
        [dt.time(0, 0), dt.time(12, 34, 56), dt.time(1, 2, 3, 4), dt.time(23, 59, 59, 999999)],
    ),
    (
        "c_timestamp",
        "timestamp",
        [dt.datetime(1, 1, 2), dt.datetime(1969, 12, 31, 23, 59, 59, 999999),
         dt.datetime(2000, 1, 1), dt.datetime(2024, 2, 29, 12, 34, 56, 120000),
         dt.datetime(9999, 12, 31, 23, 59, 59, 999998)],
    ),
    (
        "c_timestamptz",
        "timestamptz",
        [dt.datetime(2000, 1, 1, tzinfo=UTC), dt.datetime(1969, 7, 20, 20, 17, 40, 1, tzinfo=UTC),
         dt.datetime(2024, 2, 29, 1, 2, 3, 456789, tzinfo=TZ),
         dt.datetime(2024, 7, 1, 12, 0, tzinfo=dt.timezone(dt.timedelta(hours=-8)))],
    ),
    (
        "c_interval",
        "interval",
        [dt.timedelta(0), dt.timedelta(days=1), dt.timedelta(days=-1),
         dt.timedelta(days=400, hours=3, minutes=4, seconds=5, microseconds=6),
         dt.timedelta(hours=-1), dt.timedelta(seconds=-0.5), dt.timedelta(hours=23, microseconds=1)],
    ),
    (
        "c_uuid",
        "uuid",
        [U(int=0), U("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), U(int=2**128 - 1)],
    ),
]

ALL_COLUMNS = "id int4 PRIMARY KEY, " + ", ".join(f"{c} {t}" for c, t, _ in TYPES)


def short(v):
    r = repr(v)
    return r if len(r) < 80 else r[:60] + f"...({len(r)} chars)"


def check(sqltype, got, value, what):
    want = value.ljust(10) if sqltype == "char(10)" and value is not None else value
    assert same(sqltype, got, want), f"{what}: got {short(got)}, want {short(want)}"


async def check_cast(sqltype, values):
    conn = await connect()
    for v in list(values) + [None]:
        check(sqltype, await conn.fetchval(f"SELECT $1::{sqltype}", v), v, f"{sqltype} of {short(v)}")


async def check_column(sqltype, values):
    conn = await connect()
    t = await table(conn, f"id int4 PRIMARY KEY, v {sqltype}")
    for i, v in enumerate(list(values) + [None]):
        eq(await conn.execute(f"INSERT INTO {t} (id, v) VALUES ($1, $2)", i, v), "INSERT 0 1")
        got = await conn.fetchval(f"SELECT v FROM {t} WHERE id = $1", i)
        check(sqltype, got, v, f"stored {short(v)}")
    for i, v in enumerate(values):
        rows = await conn.fetch(f"SELECT id FROM {t} WHERE v = $1::{sqltype} ORDER BY id", v)
        got = [r["id"] for r in rows]
        assert i in got, f"WHERE v = {short(v)} found ids {got}, not {i}"
    eq(await conn.fetchval(f"SELECT count(*) FROM {t} WHERE v IS NULL"), 1)


for _c, _t, _v in TYPES:
    CASES.append((f"cast_{_c[2:]}", lambda t=_t, v=_v: check_cast(t, v)))
    CASES.append((f"column_{_c[2:]}", lambda t=_t, v=_v: check_column(t, v)))


def wide_rows():
    n = max(len(v) for _, _, v in TYPES)
    return [[i] + [vals[i] if i < len(vals) else None for _, _, vals in TYPES] for i in range(n)]


def check_wide(got, want):
    eq(len(got), len(want))
    for g, w in zip(got, want):
        eq(g["id"], w[0])
        for (c, sqltype, _), value in zip(TYPES, w[1:]):
            check(sqltype, g[c], value, c)


@case
async def wide_table_execute():
    conn = await connect()
    t = await table(conn, ALL_COLUMNS)
    marks = ", ".join(f"${i + 1}" for i in range(len(TYPES) + 1))
    for row in wide_rows():
        await conn.execute(f"INSERT INTO {t} VALUES ({marks})", *row)
    check_wide(await conn.fetch(f"SELECT * FROM {t} ORDER BY id"), wide_rows())


@case
async def wide_table_executemany():
    conn = await connect()
    t = await table(conn, ALL_COLUMNS)
    marks = ", ".join(f"${i + 1}" for i in range(len(TYPES) + 1))
    await conn.executemany(f"INSERT INTO {t} VALUES ({marks})", wide_rows())
    check_wide(await conn.fetch(f"SELECT * FROM {t} ORDER BY id"), wide_rows())


@case
async def infinite_dates_and_timestamps():
    conn = await connect()
    for sqltype, value, text in [
        ("date", dt.date.max, "infinity"),
        ("date", dt.date.min, "-infinity"),
        ("timestamp", dt.datetime.max, "infinity"),
        ("timestamp", dt.datetime.min, "-infinity"),
    ]:
        eq(await conn.fetchval(f"SELECT ($1::{sqltype})::text", value), text)
        eq(await conn.fetchval(f"SELECT $1::{sqltype}", value), value)


@case
async def text_of_binary_parameters():
    conn = await connect()
    for sqltype, value, text in [
        ("boolean", True, "true"),
        ("int8", -(2**63), "-9223372036854775808"),
        ("float4", 0.1, "0.1"),
        ("float8", 0.1, "0.1"),
        ("float8", 1e300, "1e+300"),
        ("float8", math.nan, "NaN"),
        ("float8", -math.inf, "-Infinity"),
        ("numeric", Decimal("-1234567.8900"), "-1234567.8900"),
        ("numeric", Decimal("NaN"), "NaN"),
        ("bytea", b"\x00\xffa", "\\x00ff61"),
        ("date", dt.date(2024, 2, 29), "2024-02-29"),
        ("time", dt.time(1, 2, 3, 400000), "01:02:03.4"),
        ("timestamp", dt.datetime(2024, 2, 29, 1, 2, 3), "2024-02-29 01:02:03"),
        ("interval", dt.timedelta(days=3, hours=4, seconds=5.5), "3 days 04:00:05.5"),
        ("uuid", U("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"), "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ]:
        eq(await conn.fetchval(f"SELECT ($1::{sqltype})::text", value), text, f"{sqltype} {value!r}")


@case
async def values_from_literals():
    conn = await connect()
    for query, want in [
        ("SELECT '1 year 2 months 3 days 04:05:06.7'::interval",
         dt.timedelta(days=365 + 60 + 3, hours=4, minutes=5, seconds=6.7)),
        ("SELECT '2024-02-29 12:00+02'::timestamptz", dt.datetime(2024, 2, 29, 10, tzinfo=UTC)),
        ("SELECT 1.50::numeric", Decimal("1.50")),
        ("SELECT 'x'", "x"),
        ("SELECT NULL", None),
        ("SELECT 1 = 1", True),
        ("SELECT 9223372036854775807", 2**63 - 1),
        ("SELECT 1e3", Decimal("1000")),
    ]:
        eq(await conn.fetchval(query), want, query)


# ------------------------------------------------------------------ connect


@case
async def connect_and_select():
    conn = await connect()
    eq(await conn.fetchval("SELECT 1"), 1)
    assert conn.get_server_pid() > 0
    assert not conn.is_in_transaction()
    assert conn.get_server_version().major >= 10, conn.get_server_version()
    await conn.close(timeout=5)
    assert conn.is_closed()


@case
async def connect_settings():
    conn = await connect(server_settings={"application_name": "clients test"})
    eq(await conn.fetchval("SHOW application_name"), "clients test")
    s = conn.get_settings()
    eq((s.server_encoding, s.client_encoding), ("UTF8", "UTF8"))
    eq((s.integer_datetimes, s.standard_conforming_strings), ("on", "on"))
    eq(s.application_name, "clients test")
    await conn.execute("SET application_name TO 'other'")
    eq(conn.get_settings().application_name, "other")


@case
async def connect_twenty_at_once():
    conns = await asyncio.gather(*[connect() for _ in range(20)])
    got = await asyncio.gather(*[c.fetchval("SELECT $1::int4", i) for i, c in enumerate(conns)])
    eq(got, list(range(20)))
    eq(len({c.get_server_pid() for c in conns}), 20, "distinct backend pids")


@case
async def connect_without_statement_cache():
    conn = await connect(statement_cache_size=0)
    for i in range(50):
        eq(await conn.fetchval("SELECT $1::int4 + 1", i), i + 1)


@case
async def statement_cache_evicts():
    conn = await connect(statement_cache_size=3)
    for _ in range(3):
        for k in range(10):
            eq(await conn.fetchval(f"SELECT $1::int4 + {k}", 1), 1 + k)


# ---------------------------------------------------- fetch and its relatives


@case
async def fetch_rows():
    conn = await connect()
    rows = await conn.fetch("SELECT g AS id, g * 2 AS twice FROM generate_series(1, $1::int4) AS g", 3)
    eq([tuple(r) for r in rows], [(1, 2), (2, 4), (3, 6)])
    eq(list(rows[0].keys()), ["id", "twice"])
    eq(rows[1]["twice"], 4)
    eq(await conn.fetch("SELECT 1 WHERE 1 = 0"), [])


@case
async def fetch_many_rows():
    conn = await connect()
    rows = await conn.fetch("SELECT g FROM generate_series(1, 20000) AS g")
    eq((len(rows), sum(r[0] for r in rows)), (20000, 20000 * 20001 // 2))


@case
async def fetchrow_and_fetchval():
    conn = await connect()
    eq(tuple(await conn.fetchrow("SELECT 1 AS a, 'x'::text AS b")), (1, "x"))
    eq(await conn.fetchrow("SELECT 1 WHERE 1 = 0"), None)
    eq(tuple(await conn.fetchrow("SELECT g FROM generate_series(1, 100) AS g ORDER BY g")), (1,))
    eq(await conn.fetchval("SELECT 1, $1::text", "second", column=1), "second")
    eq(await conn.fetchval("SELECT 1 WHERE 1 = 0"), None)
    eq(await conn.fetchval("SELECT NULL::int4"), None)


@case
async def insert_update_delete_status():
    conn = await connect()
    t = await table(conn, "id int4 PRIMARY KEY, v text")
    eq(await conn.execute(f"INSERT INTO {t} VALUES ($1, $2), ($3, $4)", 1, "a", 2, "b"), "INSERT 0 2")
    eq(await conn.execute(f"UPDATE {t} SET v = $1 WHERE id = $2", "c", 2), "UPDATE 1")
    eq([tuple(r) for r in await conn.fetch(f"SELECT * FROM {t} ORDER BY id")], [(1, "a"), (2, "c")])
    eq(await conn.execute(f"DELETE FROM {t} WHERE id >= $1", 1), "DELETE 2")
    eq(await conn.execute(f"SELECT * FROM {t}"), "SELECT 0")


@case
async def insert_returning():
    conn = await connect()
    t = await table(conn, "id int4 PRIMARY KEY, v text DEFAULT 'dflt'")
    eq(tuple(await conn.fetchrow(f"INSERT INTO {t} (id) VALUES ($1) RETURNING id, v", 5)), (5, "dflt"))


@case
async def execute_several_statements():
    conn = await connect()
    t = await table(conn, "id int4 PRIMARY KEY")
    status = await conn.execute(
        f"INSERT INTO {t} VALUES (1); INSERT INTO {t} VALUES (2), (3); SELECT * FROM {t}; "
        f"DELETE FROM {t} WHERE id = 1;"
    )
    eq(status, "DELETE 1")
    eq([r[0] for r in await conn.fetch(f"SELECT id FROM {t} ORDER BY id")], [2, 3])


@case
async def execute_several_statements_error():
    conn = await connect()
    t = await table(conn, "id int4 PRIMARY KEY")
    await raises(
        asyncpg.UniqueViolationError,
        conn.execute(f"INSERT INTO {t} VALUES (1); INSERT INTO {t} VALUES (1); INSERT INTO {t} VALUES (2)"),
    )
    eq(await conn.fetchval(f"SELECT count(*) FROM {t}"), 0)


@case
async def execute_several_statements_with_transaction():
    conn = await connect()
    t = await table(conn, "id int4 PRIMARY KEY")
    await conn.execute(
        f"BEGIN; INSERT INTO {t} VALUES (1); COMMIT; BEGIN; INSERT INTO {t} VALUES (2); ROLLBACK;"
    )
    assert not conn.is_in_transaction()
    eq([r[0] for r in await conn.fetch(f"SELECT id FROM {t}")], [1])


@case
async def prepare_of_several_statements_refused():
    conn = await connect()
    e = await raises(asyncpg.PostgresSyntaxError, conn.fetch("SELECT 1; SELECT 2"))
    eq(e.message, "cannot insert multiple commands into a prepared statement")


@case
async def fetch_of_empty_query():
    conn = await connect()  # no execute(""): asyncpg itself fails on it
    eq(await conn.fetch(""), [])
    eq(await conn.fetchval("SELECT 1"), 1)


@case
async def executemany_insert():
    conn = await connect()
    t = await table(conn, "id int4 PRIMARY KEY, v text")
    await conn.executemany(f"INSERT INTO {t} VALUES ($1, $2)", [(i, f"v{i}") for i in range(5000)])
    eq(await conn.fetchval(f"SELECT count(*) FROM {t}"), 5000)
    eq(await conn.fetchval(f"SELECT v FROM {t} WHERE id = 4999"), "v4999")


@case
async def executemany_error_leaves_nothing():
    conn = await connect()
    t = await table(conn, "id int4 PRIMARY KEY")
    await raises(
        asyncpg.UniqueViolationError,
        conn.executemany(f"INSERT INTO {t} VALUES ($1)", [(1,), (2,), (1,), (3,)]),
    )
    eq(await conn.fetchval(f"SELECT count(*) FROM {t}"), 0)
    await conn.executemany(f"INSERT INTO {t} VALUES ($1)", [(1,), (2,)])
    eq(await conn.fetchval(f"SELECT count(*) FROM {t}"), 2)


@case
async def fetchmany_returning():
    conn = await connect()
    t = await table(conn, "id int4 PRIMARY KEY")
    rows = await conn.fetchmany(f"INSERT INTO {t} VALUES ($1) RETURNING id * 10", [(1,), (2,), (3,)])
    eq([r[0] for r in rows], [10, 20, 30])


# ------------------------------------------------------ prepared statements


@case
async def prepared_many_executions():
    conn = await connect()
    t = await table(conn, "id int4 PRIMARY KEY, v text")
    insert = await conn.prepare(f"INSERT INTO {t} VALUES ($1, $2)")
    for i in range(1000):
        await insert.fetch(i, f"v{i}")
    eq(insert.get_statusmsg(), "INSERT 0 1")
    select = await conn.prepare(f"SELECT v FROM {t} WHERE id = $1")
    for i in range(1000):
        eq(await select.fetchval(i), f"v{i}")
    eq(await select.fetchrow(5000), None)


@case
async def prepared_get_parameters():
    conn = await connect()
    t = await table(conn, ALL_COLUMNS)
    st = await conn.prepare("SELECT $1::int4, $2::text, $3::numeric, $2 = 'x'")
    eq([(p.oid, p.name, p.kind, p.schema) for p in st.get_parameters()], [
        (23, "int4", "scalar", "pg_catalog"),
        (25, "text", "scalar", "pg_catalog"),
        (1700, "numeric", "scalar", "pg_catalog"),
    ])
    marks = ", ".join(f"${i + 1}" for i in range(len(TYPES) + 1))
    st = await conn.prepare(f"INSERT INTO {t} VALUES ({marks})")
    eq([p.oid for p in st.get_parameters()],
       [23, 16, 21, 23, 20, 700, 701, 1700, 1700, 25, 1043, 1042, 17, 1082, 1083, 1114, 1184, 1186, 2950])
    eq(st.get_attributes(), ())
    st = await conn.prepare(f"SELECT id FROM {t} WHERE c_uuid = $1 AND c_date < $2")
    eq([p.name for p in st.get_parameters()], ["uuid", "date"])
    eq((await conn.prepare("SELECT 1")).get_parameters(), ())


@case
async def prepared_get_attributes():
    conn = await connect()
    t = await table(conn, ALL_COLUMNS)
    st = await conn.prepare(f"SELECT * FROM {t}")
    eq([(a.name, a.type.oid) for a in st.get_attributes()], [
        ("id", 23), ("c_bool", 16), ("c_int2", 21), ("c_int4", 23), ("c_int8", 20),
        ("c_float4", 700), ("c_float8", 701), ("c_numeric", 1700), ("c_numeric_12_3", 1700),
        ("c_text", 25), ("c_varchar", 1043), ("c_char", 1042), ("c_bytea", 17), ("c_date", 1082),
        ("c_time", 1083), ("c_timestamp", 1114), ("c_timestamptz", 1184), ("c_interval", 1186),
        ("c_uuid", 2950),
    ])
    st = await conn.prepare("SELECT 1 AS one, count(*), 'x'::text || 'y', 1 = 1 AS yes")
    eq([(a.name, a.type.name) for a in st.get_attributes()],
       [("one", "int4"), ("count", "int8"), ("?column?", "text"), ("yes", "bool")])


@case
async def prepared_inferred_parameter_types():
    conn = await connect()
    t = await table(conn, "id int4 PRIMARY KEY, big int8, n numeric, v varchar(10)")
    for query, want in [
        (f"SELECT * FROM {t} WHERE big = $1", ["int8"]),
        (f"UPDATE {t} SET n = n + $1, v = $2 WHERE id = $3", ["numeric", "varchar", "int4"]),
        (f"SELECT * FROM {t} WHERE id BETWEEN $1 AND $2 LIMIT $3", ["int4", "int4", "int8"]),
        (f"SELECT * FROM {t} WHERE v LIKE $1", ["text"]),
        ("SELECT $1 || 'x'", ["text"]),
        ("SELECT $1", ["text"]),
        ("SELECT 1 + $1", ["int4"]),
    ]:
        st = await conn.prepare(query)
        eq([p.name for p in st.get_parameters()], want, query)


@case
async def prepared_undecidable_parameter_type():
    conn = await connect()
    e = await raises(asyncpg.AmbiguousFunctionError, conn.prepare("SELECT $1 + $2"))
    eq(e.sqlstate, "42725")
    e = await raises(asyncpg.IndeterminateDatatypeError, conn.prepare("SELECT $2::int4"))
    eq((e.sqlstate, e.message), ("42P18", "could not determine data type of parameter $1"))


@case
async def prepared_wrong_arguments_noticed_by_client():
    conn = await connect()
    st = await conn.prepare("SELECT $1::int4")
    await raises(asyncpg.InterfaceError, st.fetch())
    await raises(asyncpg.DataError, st.fetch("not an int"))
    eq(await st.fetchval(1), 1)


@case
async def prepared_executemany():
    conn = await connect()
    t = await table(conn, "id int4 PRIMARY KEY")
    st = await conn.prepare(f"INSERT INTO {t} VALUES ($1)")
    await st.executemany([(i,) for i in range(100)])
    eq(await conn.fetchval(f"SELECT sum(id) FROM {t}"), 4950)


@case
async def prepared_several_at_once():
    conn = await connect()
    sts = [await conn.prepare(f"SELECT $1::int4 * {k}") for k in range(20)]
    for i in range(5):
        for k, st in enumerate(sts):
            eq(await st.fetchval(i), i * k)


@case
async def prepared_named():
    conn = await connect()
    st = await conn.prepare("SELECT $1::int4 + 1", name="my statement")
    eq(st.get_name(), "my statement")
    eq(await st.fetchval(1), 2)


@case
async def prepared_survives_error():
    conn = await connect()
    st = await conn.prepare("SELECT 10 / $1::int4")
    for i in range(1, 6):
        eq(await st.fetchval(i), 10 // i)
        await raises(asyncpg.DivisionByZeroError, st.fetchval(0))


@case
async def prepared_sees_later_data():
    conn, other = await connect(), await connect()
    t = await table(conn, "id int4 PRIMARY KEY")
    st = await conn.prepare(f"SELECT count(*) FROM {t}")
    for i in range(20):
        await other.execute(f"INSERT INTO {t} VALUES ($1)", i)
        eq(await st.fetchval(), i + 1)


# ----------------------------------------------------------------- portals


@case
async def cursor_fetch_n():
    conn = await connect()
    async with conn.transaction():
        cur = await conn.cursor("SELECT g FROM generate_series(1, $1::int4) AS g", 10)
        eq([r[0] for r in await cur.fetch(3)], [1, 2, 3])
        eq((await cur.fetchrow())[0], 4)
        eq(await cur.forward(2), 2)
        eq([r[0] for r in await cur.fetch(2)], [7, 8])
        eq([r[0] for r in await cur.fetch(5)], [9, 10])
        eq(await cur.fetch(5), [])
        eq(await cur.fetchrow(), None)


@case
async def cursor_iteration_with_prefetch():
    conn = await connect()
    for prefetch in (1, 7, 50, 100, 1000):
        async with conn.transaction():
            got = [r[0] async for r in conn.cursor(
                "SELECT g FROM generate_series(1, 100) AS g", prefetch=prefetch)]
        eq(got, list(range(1, 101)), f"prefetch {prefetch}")


@case
async def cursor_iteration_default_prefetch_many_rows():
    conn = await connect()
    n = total = 0
    async with conn.transaction():
        async for r in conn.cursor("SELECT g FROM generate_series(1, 5000) AS g"):
            n, total = n + 1, total + r[0]
    eq((n, total), (5000, 5000 * 5001 // 2))


@case
async def cursor_over_table_all_types():
    conn = await connect()
    t = await table(conn, ALL_COLUMNS)
    marks = ", ".join(f"${i + 1}" for i in range(len(TYPES) + 1))
    await conn.executemany(f"INSERT INTO {t} VALUES ({marks})", wide_rows())
    async with conn.transaction():
        got = [r async for r in conn.cursor(f"SELECT * FROM {t} ORDER BY id", prefetch=2)]
    check_wide(got, wide_rows())


@case
async def cursor_two_interleaved():
    conn = await connect()
    async with conn.transaction():
        a = await conn.cursor("SELECT g FROM generate_series(1, 5) AS g")
        b = await conn.cursor("SELECT g * 10 FROM generate_series(1, $1::int4) AS g", 5)
        got = []
        for _ in range(5):
            got += [(await a.fetchrow())[0], (await b.fetchrow())[0]]
            eq(await conn.fetchval("SELECT 1"), 1)
        eq(got, [1, 10, 2, 20, 3, 30, 4, 40, 5, 50])


@case
async def cursor_of_prepared_statement():
    conn = await connect()
    st = await conn.prepare("SELECT g FROM generate_series(1, $1::int4) AS g")
    async with conn.transaction():
        a, b = await st.cursor(10), await st.cursor(3)
        eq(len(await a.fetch(6)), 6)
        eq(len(await b.fetch(6)), 3)
        eq(len(await a.fetch(6)), 4)
        eq([r[0] async for r in st.cursor(4, prefetch=3)], [1, 2, 3, 4])


@case
async def cursor_does_not_see_later_changes():
    conn = await connect()
    t = await table(conn, "id int4 PRIMARY KEY")
    await conn.execute(f"INSERT INTO {t} SELECT g FROM generate_series(1, 10) AS g")
    async with conn.transaction():
        cur = await conn.cursor(f"SELECT id FROM {t} ORDER BY id")
        eq(len(await cur.fetch(2)), 2)
        await conn.execute(f"DELETE FROM {t} WHERE id > 5")
        await conn.execute(f"INSERT INTO {t} VALUES (11)")
        eq([r[0] for r in await cur.fetch(100)], [3, 4, 5, 6, 7, 8, 9, 10])
    eq(await conn.fetchval(f"SELECT count(*) FROM {t}"), 6)


@case
async def cursor_error_while_fetching():
    conn = await connect()

    async def run():
        async with conn.transaction():
            cur = await conn.cursor("SELECT 100 / (5 - g) FROM generate_series(1, 10) AS g")
            eq([r[0] for r in await cur.fetch(3)], [25, 33, 50])
            await cur.fetch(3)

    await raises(asyncpg.DivisionByZeroError, run())
    eq(await conn.fetchval("SELECT 1"), 1)


@case
async def cursor_outside_transaction_refused_by_client():
    conn = await connect()

    async def run():
        async for _ in conn.cursor("SELECT 1"):
            pass

    await raises(asyncpg.NoActiveSQLTransactionError, run())
    eq(await conn.fetchval("SELECT 1"), 1)


@case
async def cursor_left_open_at_commit():
    conn = await connect()
    for _ in range(3):
        async with conn.transaction():
            cur = await conn.cursor("SELECT g FROM generate_series(1, 10) AS g")
            eq(len(await cur.fetch(2)), 2)
    eq(await conn.fetchval("SELECT 1"), 1)


# ------------------------------------------------------------- transactions


@case
async def transaction_commit():
    conn, other = await connect(), await connect()
    t = await table(conn, "id int4 PRIMARY KEY")
    async with conn.transaction():
        assert conn.is_in_transaction()
        await conn.execute(f"INSERT INTO {t} VALUES (1)")
        eq(await other.fetchval(f"SELECT count(*) FROM {t}"), 0, "uncommitted row seen")
    assert not conn.is_in_transaction()
    eq(await other.fetchval(f"SELECT count(*) FROM {t}"), 1)


@case
async def transaction_rollback():
    conn = await connect()
    t = await table(conn, "id int4 PRIMARY KEY")
    tr = conn.transaction()
    await tr.start()
    await conn.execute(f"INSERT INTO {t} VALUES (1)")
    await tr.rollback()
    try:
        async with conn.transaction():
            await conn.execute(f"INSERT INTO {t} VALUES (2)")
            raise KeyError("mine")
    except KeyError:
        pass
    eq(await conn.fetchval(f"SELECT count(*) FROM {t}"), 0)


@case
async def transaction_nested_savepoints():
    conn = await connect()
    t = await table(conn, "id int4 PRIMARY KEY")

    async def fails():
        async with conn.transaction():
            await conn.execute(f"INSERT INTO {t} VALUES (5)")
            await conn.execute(f"INSERT INTO {t} VALUES (1)")

    async with conn.transaction():
        await conn.execute(f"INSERT INTO {t} VALUES (1)")
        async with conn.transaction():
            await conn.execute(f"INSERT INTO {t} VALUES (2)")
            inner = conn.transaction()
            await inner.start()
            await conn.execute(f"INSERT INTO {t} VALUES (3)")
            await inner.rollback()
            await conn.execute(f"INSERT INTO {t} VALUES (4)")
        await raises(asyncpg.UniqueViolationError, fails())
        await conn.execute(f"INSERT INTO {t} VALUES (6)")
    eq([r[0] for r in await conn.fetch(f"SELECT id FROM {t} ORDER BY id")], [1, 2, 4, 6])


@case
async def transaction_repeatable_read_snapshot():
    conn, other = await connect(), await connect()
    t = await table(conn, "id int4 PRIMARY KEY")
    async with conn.transaction(isolation="repeatable_read"):
        eq(await conn.fetchval("SHOW transaction_isolation"), "repeatable read")
        eq(await conn.fetchval(f"SELECT count(*) FROM {t}"), 0)
        await other.execute(f"INSERT INTO {t} VALUES (1)")
        eq(await conn.fetchval(f"SELECT count(*) FROM {t}"), 0, "snapshot must not move")
    eq(await conn.fetchval(f"SELECT count(*) FROM {t}"), 1)


@case
async def transaction_read_committed_sees_new_rows():
    conn, other = await connect(), await connect()
    t = await table(conn, "id int4 PRIMARY KEY")
    async with conn.transaction(isolation="read_committed"):
        eq(await conn.fetchval(f"SELECT count(*) FROM {t}"), 0)
        await other.execute(f"INSERT INTO {t} VALUES (1)")
        eq(await conn.fetchval(f"SELECT count(*) FROM {t}"), 1)


@case
async def transaction_read_only():
    conn = await connect()
    t = await table(conn, "id int4 PRIMARY KEY")

    async def run(**kw):
        async with conn.transaction(readonly=True, **kw):
            eq(await conn.fetchval("SHOW transaction_read_only"), "on")
            await conn.execute(f"INSERT INTO {t} VALUES (1)")

    for kw in ({}, {"isolation": "repeatable_read"}):
        e = await raises(asyncpg.ReadOnlySQLTransactionError, run(**kw))
        eq((e.sqlstate, e.message), ("25006", "cannot execute INSERT in a read-only transaction"))
    await conn.execute(f"INSERT INTO {t} VALUES (1)")


# ------------------------------------------------------------------- errors


@case
async def error_unique_violation():
    conn = await connect()
    t = await table(conn, "id int4 PRIMARY KEY, a int4, b text, CONSTRAINT ac_ab_unique UNIQUE (a, b)")
    await conn.execute(f"INSERT INTO {t} VALUES (1, 10, 'x')")
    e = await raises(asyncpg.UniqueViolationError, conn.execute(f"INSERT INTO {t} VALUES ($1, 11, 'y')", 1))
    eq((e.sqlstate, e.severity), ("23505", "ERROR"))
    eq((e.constraint_name, e.table_name, e.schema_name), (f"{t}_pkey", t, "public"))
    eq(e.message, f'duplicate key value violates unique constraint "{t}_pkey"')
    eq(e.detail, "Key (id)=(1) already exists.")
    e = await raises(asyncpg.UniqueViolationError, conn.execute(f"INSERT INTO {t} VALUES (2, 10, 'x')"))
    eq((e.constraint_name, e.detail), ("ac_ab_unique", "Key (a, b)=(10, x) already exists."))


@case
async def error_not_null_violation():
    conn = await connect()
    t = await table(conn, "id int4 PRIMARY KEY, v text NOT NULL")
    e = await raises(asyncpg.NotNullViolationError, conn.execute(f"INSERT INTO {t} VALUES ($1, $2)", 1, None))
    eq((e.sqlstate, e.column_name, e.table_name, e.schema_name), ("23502", "v", t, "public"))
    eq(e.message, f'null value in column "v" of relation "{t}" violates not-null constraint')
    eq(e.detail, "Failing row contains (1, null).")


@case
async def error_syntax_position():
    conn = await connect()
    for query, token in [("SELECT 1 FRM x y", "x"), ("SELECT * FROM WHERE", "WHERE"), ("SELEC 1", "SELEC")]:
        for call in (conn.fetch, conn.execute):  # extended and simple protocol
            e = await raises(asyncpg.PostgresSyntaxError, call(query))
            eq((e.sqlstate, e.message), ("42601", f'syntax error at or near "{token}"'))
            eq(e.position, str(query.index(token) + 1), query)


@case
async def error_undefined_table():
    conn = await connect()
    for call in (conn.fetch, conn.execute, conn.prepare):
        e = await raises(asyncpg.UndefinedTableError, call("SELECT * FROM ac_no_such"))
        eq((e.sqlstate, e.message, e.position), ("42P01", 'relation "ac_no_such" does not exist', "15"))


@case
async def error_undefined_column():
    conn = await connect()
    t = await table(conn, "id int4")
    e = await raises(asyncpg.UndefinedColumnError, conn.fetch(f"SELECT nope FROM {t}"))
    eq((e.sqlstate, e.message, e.position), ("42703", 'column "nope" does not exist', "8"))


@case
async def error_division_by_zero():
    conn = await connect()
    for query, args in [("SELECT 1 / 0", ()), ("SELECT 1 / $1::int4", (0,)),
                        ("SELECT $1::numeric / 0", (Decimal(1),)), ("SELECT $1::float8 / 0", (1.0,))]:
        e = await raises(asyncpg.DivisionByZeroError, conn.fetch(query, *args))
        eq((e.sqlstate, e.message), ("22012", "division by zero"), query)


@case
async def error_invalid_text_representation():
    conn = await connect()
    for sqltype, name in [("int4", "integer"), ("uuid", "uuid"), ("boolean", "boolean"),
                          ("numeric", "numeric"), ("float8", "double precision")]:
        e = await raises(
            asyncpg.InvalidTextRepresentationError,
            conn.fetch(f"SELECT ($1::text)::{sqltype}", "oops"),
        )
        eq((e.sqlstate, e.message), ("22P02", f'invalid input syntax for type {name}: "oops"'))


@case
async def error_out_of_range_and_too_long():
    conn = await connect()
    t = await table(conn, "v varchar(3)")
    e = await raises(asyncpg.NumericValueOutOfRangeError, conn.fetch("SELECT ($1::int8)::int4", 2**40))
    eq((e.sqlstate, e.message), ("22003", "integer out of range"))
    e = await raises(asyncpg.StringDataRightTruncationError, conn.execute(f"INSERT INTO {t} VALUES ($1)", "abcd"))
    eq((e.sqlstate, e.message), ("22001", "value too long for type character varying(3)"))


@case
async def error_in_failed_transaction():
    conn = await connect()
    tr = conn.transaction()
    await tr.start()
    await raises(asyncpg.DivisionByZeroError, conn.fetch("SELECT 1/0"))
    for call in (conn.fetch, conn.execute):
        e = await raises(asyncpg.InFailedSQLTransactionError, call("SELECT 1"))
        eq(e.sqlstate, "25P02")
    await tr.rollback()
    eq(await conn.fetchval("SELECT 1"), 1)


@case
async def error_leaves_connection_usable():
    conn = await connect()
    for i in range(50):
        await raises(asyncpg.DivisionByZeroError, conn.fetch("SELECT $1::int4 / 0", i))
        eq(await conn.fetchval("SELECT $1::int4", i), i)


# ---------------------------------------------------------- cancel, notices


async def expect_timeout(awaitable):
    started = time.monotonic()
    try:
        await awaitable
    except asyncio.TimeoutError:
        assert time.monotonic() - started < 10
        return
    raise AssertionError("expected a timeout")


@case
async def cancel_by_timeout_extended_protocol():
    conn = await connect()
    for _ in range(3):
        await expect_timeout(conn.fetchval(LONG_QUERY, timeout=0.5))
        eq(await conn.fetchval("SELECT 1", timeout=10), 1)


@case
async def cancel_by_timeout_simple_protocol():
    conn = await connect()
    await expect_timeout(conn.execute(LONG_QUERY, timeout=0.5))
    eq(await conn.fetchval("SELECT 1", timeout=10), 1)


@case
async def cancel_of_task():
    conn = await connect()
    task = asyncio.ensure_future(conn.fetch(LONG_QUERY))
    await asyncio.sleep(0.5)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    eq(await conn.fetchval("SELECT 1", timeout=10), 1)


@case
async def cancel_inside_transaction_fails_it():
    conn = await connect()
    tr = conn.transaction()
    await tr.start()
    await expect_timeout(conn.fetchval(LONG_QUERY, timeout=0.5))
    await raises(asyncpg.InFailedSQLTransactionError, conn.fetchval("SELECT 1", timeout=10))
    await tr.rollback()
    eq(await conn.fetchval("SELECT 1"), 1)


@case
async def cancel_of_lock_wait():
    t, a, b = await pair()
    async with a.transaction():
        await a.execute(f"UPDATE {t} SET v = 1 WHERE id = 1")
        await expect_timeout(b.execute(f"UPDATE {t} SET v = 2 WHERE id = 1", timeout=0.5))
        eq(await b.fetchval("SELECT 1", timeout=10), 1)
    eq(await values(a, t), [1, 0])


@case
async def notices():
    conn = await connect()
    seen = []
    conn.add_log_listener(lambda c, m: seen.append((m.severity, m.sqlstate, m.message)))
    await conn.execute("DROP TABLE IF EXISTS ac_no_such")
    await conn.execute("COMMIT")
    await conn.fetch("ROLLBACK")
    for _ in range(20):  # listeners are called from the event loop
        if len(seen) >= 3:
            break
        await asyncio.sleep(0.05)
    eq(seen, [
        ("NOTICE", "00000", 'table "ac_no_such" does not exist, skipping'),
        ("WARNING", "25P01", "there is no transaction in progress"),
        ("WARNING", "25P01", "there is no transaction in progress"),
    ])


# -------------------------------------------------------------- concurrency


async def pair():
    """A fresh two-row table and two connections."""
    a, b = await connect(), await connect()
    t = await table(a, "id int4 PRIMARY KEY, v int4")
    await a.execute(f"INSERT INTO {t} VALUES (1, 0), (2, 0)")
    return t, a, b


async def values(conn, t):
    return [r[0] for r in await conn.fetch(f"SELECT v FROM {t} ORDER BY id")]


@case
async def concurrent_update_waits_then_proceeds():
    t, a, b = await pair()
    async with a.transaction():
        await a.execute(f"UPDATE {t} SET v = v + $1 WHERE id = 1", 1)
        waiting = Background(b.execute(f"UPDATE {t} SET v = v + $1 WHERE id = 1", 10))
        await waiting.assert_blocked()
    eq(await waiting.result(), "UPDATE 1")
    eq(await values(a, t), [11, 0])


@case
async def concurrent_update_waits_for_rollback():
    t, a, b = await pair()
    tr = a.transaction()
    await tr.start()
    await a.execute(f"UPDATE {t} SET v = 100 WHERE id = 1")
    waiting = Background(b.execute(f"UPDATE {t} SET v = v + 10 WHERE id = 1"))
    await waiting.assert_blocked()
    await tr.rollback()
    eq(await waiting.result(), "UPDATE 1")
    eq(await values(a, t), [10, 0])


@case
async def concurrent_update_rechecks_condition():
    t, a, b = await pair()
    async with a.transaction():
        await a.execute(f"UPDATE {t} SET v = 5 WHERE id = 1")
        waiting = Background(b.execute(f"UPDATE {t} SET v = 9 WHERE id = 1 AND v = $1", 0))
        await waiting.assert_blocked()
    eq(await waiting.result(), "UPDATE 0")
    eq(await values(a, t), [5, 0])


@case
async def concurrent_readers_do_not_wait():
    t, a, b = await pair()
    async with a.transaction():
        await a.execute(f"UPDATE {t} SET v = 1")
        eq(await Background(values(b, t)).result(5), [0, 0])
    eq(await values(b, t), [1, 1])


@case
async def serialization_failure_without_wait():
    t, a, b = await pair()

    async def run():
        async with b.transaction(isolation="repeatable_read"):
            eq(await values(b, t), [0, 0])
            await a.execute(f"UPDATE {t} SET v = 1 WHERE id = 1")
            await b.execute(f"UPDATE {t} SET v = 2 WHERE id = 1")

    e = await raises(asyncpg.SerializationError, run())
    eq((e.sqlstate, e.message), ("40001", "could not serialize access due to concurrent update"))
    eq(await values(b, t), [1, 0])


@case
async def serialization_failure_after_wait():
    t, a, b = await pair()
    trb = b.transaction(isolation="repeatable_read")
    await trb.start()
    eq(await values(b, t), [0, 0])
    async with a.transaction(isolation="repeatable_read"):
        await a.execute(f"UPDATE {t} SET v = 1 WHERE id = 1")
        waiting = Background(b.execute(f"UPDATE {t} SET v = 2 WHERE id = 1"))
        await waiting.assert_blocked()
    await raises(asyncpg.SerializationError, waiting.result())
    await trb.rollback()
    eq(await values(b, t), [1, 0])


@case
async def deadlock_detected():
    t, a, b = await pair()
    tra, trb = a.transaction(), b.transaction()
    await tra.start()
    await trb.start()
    await a.execute(f"UPDATE {t} SET v = v + 1 WHERE id = 1")
    await b.execute(f"UPDATE {t} SET v = v + 10 WHERE id = 2")
    qa = Background(a.execute(f"UPDATE {t} SET v = v + 1 WHERE id = 2"))
    await qa.assert_blocked(0.3)
    qb = Background(b.execute(f"UPDATE {t} SET v = v + 10 WHERE id = 1"))
    await qa.finish(30)
    await qb.finish(30)
    failed = [q.task.exception() for q in (qa, qb) if q.task.exception()]
    eq(len(failed), 1, f"victims {failed!r}")
    assert type(failed[0]) is asyncpg.DeadlockDetectedError, repr(failed[0])
    eq((failed[0].sqlstate, failed[0].message), ("40P01", "deadlock detected"))
    victim_is_a = qa.task.exception() is not None
    await (tra if victim_is_a else trb).rollback()
    await (trb if victim_is_a else tra).commit()
    eq(await values(a, t), [10, 10] if victim_is_a else [1, 1])


@case
async def select_for_update_blocks_update():
    t, a, b = await pair()
    async with a.transaction():
        eq(await a.fetchval(f"SELECT v FROM {t} WHERE id = $1 FOR UPDATE", 1), 0)
        waiting = Background(b.execute(f"UPDATE {t} SET v = v + 10 WHERE id = 1"))
        await waiting.assert_blocked()
        await a.execute(f"UPDATE {t} SET v = 5 WHERE id = 1")
    eq(await waiting.result(), "UPDATE 1")
    eq(await values(a, t), [15, 0])


@case
async def select_for_update_waits_and_sees_new_value():
    t, a, b = await pair()
    async with a.transaction():
        await a.execute(f"UPDATE {t} SET v = 7 WHERE id = 1")
        waiting = Background(b.fetchval(f"SELECT v FROM {t} WHERE id = 1 FOR UPDATE"))
        await waiting.assert_blocked()
    eq(await waiting.result(), 7)


@case
async def select_for_update_in_cursor():
    t, a, b = await pair()
    async with a.transaction():
        cur = await a.cursor(f"SELECT id, v FROM {t} WHERE id = 1 FOR UPDATE")
        eq([tuple(r) for r in await cur.fetch(10)], [(1, 0)])
        waiting = Background(b.execute(f"UPDATE {t} SET v = v + 1 WHERE id = 1"))
        await waiting.assert_blocked()
    eq(await waiting.result(), "UPDATE 1")
    eq(await values(a, t), [1, 0])


@case
async def concurrent_increments_are_not_lost():
    t, a, b = await pair()
    conns = [a, b] + [await connect() for _ in range(6)]

    async def work(c):
        for _ in range(50):
            await c.execute(f"UPDATE {t} SET v = v + $1 WHERE id = 1", 1)

    await asyncio.gather(*[work(c) for c in conns])
    eq(await values(a, t), [400, 0])


# --------------------------------------------------------------------- main


def cleanup():
    for c in OPEN:
        try:
            if not c.is_closed():
                c.terminate()
        except Exception:
            pass
    for t in TASKS:
        t.cancel()
    OPEN.clear()
    TASKS.clear()


async def close_all():
    """The friendly end of a case: Terminate message, then the socket."""
    for c in OPEN:
        await c.close(timeout=5)


async def run_case(fn):
    await fn()
    await close_all()


async def drop_tables():
    conn = await asyncpg.connect(URL, timeout=10)
    for t in sorted(TABLES):
        await conn.execute(f"DROP TABLE IF EXISTS {t}")
    await conn.close(timeout=5)


async def main():
    global CURRENT
    eq(len({n for n, _ in CASES}), len(CASES), "case names must be distinct")
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    wanted = sys.argv[2:]
    passed = failed = 0
    for name, fn in CASES:
        if wanted and not any(w in name for w in wanted):
            continue
        CURRENT = name
        # Not wait_for: it would wait on for a case that does not heed its cancellation.
        task = asyncio.ensure_future(run_case(fn))
        done, _ = await asyncio.wait([task], timeout=CASE_TIMEOUT)
        if not done:
            task.cancel()
            error = TimeoutError(f"no end within {CASE_TIMEOUT} s")
        else:
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None:
            passed += 1
            print(f"ok {name}", flush=True)
        else:
            failed += 1
            text = " ".join(str(error).split())
            print(f"FAIL {name}: {type(error).__name__}: {text[:600]}", flush=True)
        cleanup()
        await asyncio.sleep(0)
    try:
        await asyncio.wait_for(drop_tables(), CASE_TIMEOUT)
    except Exception as e:
        print(f"# tables not dropped: {e}")
    print(f"{passed} passed, {failed} failed", flush=True)
    os._exit(1 if failed else 0)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: asyncpg_test.py URL [SUBSTRING...]")
    URL = sys.argv[1]
    asyncio.run(main())
