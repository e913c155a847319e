"""psycopg 3 against a PostgreSQL-wire server.

    python psycopg_test.py postgresql://postgres@127.0.0.1:PORT/postgres [SUBSTRING...]

Prints `ok NAME` or `FAIL NAME: ...` per case, then 'N passed, N failed'; exit
code 1 if a case failed.  With SUBSTRINGs, only the cases whose name holds one
of them are run.  Every case has its own connections and its own table
(pc_<case>), so that a failed case does not disturb the next one.

psycopg by itself sends: BEGIN [ISOLATION LEVEL ...] [READ ONLY], COMMIT,
ROLLBACK, SAVEPOINT / RELEASE / ROLLBACK TO "_pg3_N", and DEALLOCATE ALL after a
ROLLBACK, DROP or ALTER on a connection that has prepared statements.
"""

import datetime as dt
import logging
import math
import os
import signal
import socket
import struct
import sys
import threading
import time
import uuid
from decimal import Decimal

import psycopg
from psycopg import IsolationLevel, errors, pq
from psycopg.pq import TransactionStatus

URL = ""
CASE_TIMEOUT = 40  # seconds
LONG_QUERY = "SELECT count(*) FROM generate_series(1,100000000000)"
UTC = dt.timezone.utc

CASES = []  # (name, function)
OPEN = []  # connections of the running case
THREADS = []  # background threads of the running case
TABLES = set()
CURRENT = ""


class CaseTimeout(Exception):
    pass


# ------------------------------------------------------------------ helpers


def case(fn):
    CASES.append((fn.__name__, fn))
    return fn


def connect(autocommit=True, **kw):
    conn = psycopg.connect(URL, autocommit=autocommit, connect_timeout=10, **kw)
    OPEN.append(conn)
    return conn


def table(conn, columns):
    """Create this case's table anew; returns its name."""
    name = "pc_" + CURRENT
    assert len(name) <= 63, name
    TABLES.add(name)
    conn.execute(f"DROP TABLE IF EXISTS {name}")
    conn.execute(f"CREATE TABLE {name} ({columns})")
    return name


def raises(exc, fn, *args, **kw):
    """Call fn, which must raise exactly the psycopg error class exc."""
    try:
        fn(*args, **kw)
    except psycopg.Error as e:
        if type(e) is not exc:
            raise AssertionError(
                f"expected {exc.__name__}, got {type(e).__name__} {e.sqlstate}: {e}"
            ) from e
        return e
    raise AssertionError(f"expected {exc.__name__}, nothing was raised")


def eq(got, want, what=""):
    assert got == want, f"{what + ': ' if what else ''}got {got!r}, want {want!r}"


def one(conn, query, params=None, **kw):
    row = conn.execute(query, params, **kw).fetchone()
    assert row is not None, f"no row from {query}"
    assert len(row) == 1, row
    return row[0]


class Background:
    """Runs fn in a thread; its result or exception is collected later."""

    def __init__(self, fn, *args):
        self.value = self.error = None
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(fn, args), daemon=True)
        THREADS.append(self.thread)
        self.thread.start()

    def _run(self, fn, args):
        try:
            self.value = fn(*args)
        except BaseException as e:
            self.error = e
        finally:
            self.done.set()

    def assert_blocked(self, seconds=0.5):
        if self.done.wait(seconds):
            raise AssertionError(f"should be waiting, but ended: {self.error or self.value!r}")

    def finish(self, seconds=20):
        assert self.done.wait(seconds), "still waiting, should have gone on"

    def result(self, seconds=20):
        self.finish(seconds)
        if self.error:
            raise self.error
        return self.value


def same(sqltype, got, want):
    """Equality that minds the Python type, NaN, the sign of zero, the scale."""
    if want is None or got is None:
        return got is None and want is None
    if isinstance(want, float):
        if type(got) is not float:
            return False
        if math.isnan(want):
            return math.isnan(got)
        if sqltype == "float4":  # text gives the shortest decimal of a float4
            return struct.pack("!f", got) == struct.pack("!f", want)
        return struct.pack("!d", got) == struct.pack("!d", want)
    if isinstance(want, Decimal):
        return type(got) is Decimal and str(got) == str(want)
    if isinstance(want, dt.datetime):
        return got == want and (got.tzinfo is None) == (want.tzinfo is None)
    return type(got) is type(want) and got == want


# ------------------------------------------------------------------- values

TZ = dt.timezone(dt.timedelta(hours=5, minutes=30))
U = uuid.UUID

# column, type in SQL, type in casts (for `same`), values
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
        [dt.date(1, 1, 1), dt.date(1970, 1, 1), dt.date(1999, 12, 31), dt.date(2000, 1, 1),
         dt.date(2024, 2, 29), dt.date(9999, 12, 31)],
    ),
    (
        "c_time",
        "time",
        [dt.time(0, 0), dt.time(12, 34, 56), dt.time(1, 2, 3, 4), dt.time(23, 59, 59, 999999)],
    ),
    (
        "c_timestamp",
        "timestamp",
        [dt.datetime(1, 1, 1), dt.datetime(1969, 12, 31, 23, 59, 59, 999999),
         dt.datetime(2000, 1, 1), dt.datetime(2024, 2, 29, 12, 34, 56, 120000),
         dt.datetime(9999, 12, 31, 23, 59, 59, 999999)],
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


def expected(sqltype, value):
    if sqltype == "char(10)" and value is not None:
        return value.ljust(10)
    return value


def short(v):
    r = repr(v)
    return r if len(r) < 80 else r[:60] + f"...({len(r)} chars)"


def check(sqltype, got, value, what):
    want = expected(sqltype, value)
    assert same(sqltype, got, want), f"{what}: got {short(got)}, want {short(want)}"


def check_cast(sqltype, values, marker, binary):
    conn = connect()
    cur = conn.cursor(binary=binary)
    for v in list(values) + [None]:
        cur.execute(f"SELECT {marker}::{sqltype} AS v", [v])
        eq(cur.pgresult.fformat(0), 1 if binary else 0, "result format")
        eq(cur.description[0].name, "v")
        check(sqltype, cur.fetchone()[0], v, f"{sqltype} of {short(v)}")
        eq(cur.fetchone(), None)


def check_column(column, sqltype, values, marker, binary):
    conn = connect()
    t = table(conn, f"id int4 PRIMARY KEY, v {sqltype}")
    cur = conn.cursor(binary=binary)
    for i, v in enumerate(list(values) + [None]):
        cur.execute(f"INSERT INTO {t} (id, v) VALUES ({marker}, {marker})", [i, v])
        eq(cur.rowcount, 1)
        eq(cur.statusmessage, "INSERT 0 1")
        cur.execute(f"SELECT v FROM {t} WHERE id = {marker}", [i])
        check(sqltype, cur.fetchone()[0], v, f"stored {short(v)}")
    for i, v in enumerate(values):
        cur.execute(f"SELECT id FROM {t} WHERE v = {marker}::{sqltype} ORDER BY id", [v])
        got = [r[0] for r in cur.fetchall()]
        assert i in got, f"WHERE v = {short(v)} found ids {got}, not {i}"
    eq(one(conn, f"SELECT count(*) FROM {t} WHERE v IS NULL"), 1)


MARKERS = {"auto": "%s", "text": "%t", "binary": "%b"}
for _c, _t, _v in TYPES:
    for _m, _marker in MARKERS.items():
        for _r in (False, True):
            _suffix = f"{_c[2:]}_param_{_m}_result_{'binary' if _r else 'text'}"
            CASES.append((
                "cast_" + _suffix,
                lambda t=_t, v=_v, m=_marker, r=_r: check_cast(t, v, m, r),
            ))
            CASES.append((
                "column_" + _suffix,
                lambda c=_c, t=_t, v=_v, m=_marker, r=_r: check_column(c, t, v, m, r),
            ))


def check_wide_table(marker, binary):
    conn = connect()
    t = table(conn, ALL_COLUMNS)
    n = max(len(v) for _, _, v in TYPES)
    rows = [[vals[i] if i < len(vals) else None for _, _, vals in TYPES] for i in range(n)]
    names = ", ".join(c for c, _, _ in TYPES)
    marks = ", ".join([marker] * (len(TYPES) + 1))
    cur = conn.cursor(binary=binary)
    for i, row in enumerate(rows):
        cur.execute(f"INSERT INTO {t} (id, {names}) VALUES ({marks})", [i] + row)
    cur.execute(f"SELECT {names} FROM {t} ORDER BY id")
    got = cur.fetchall()
    eq(len(got), n)
    for row, want in zip(got, rows):
        for (c, sqltype, _), g, w in zip(TYPES, row, want):
            check(sqltype, g, w, c)


for _m, _marker in MARKERS.items():
    for _r in (False, True):
        CASES.append((
            f"wide_table_param_{_m}_result_{'binary' if _r else 'text'}",
            lambda m=_marker, r=_r: check_wide_table(m, r),
        ))


# ------------------------------------------------------------------ connect


@case
def connect_and_select():
    conn = connect()
    eq(one(conn, "SELECT 1"), 1)
    eq(conn.info.transaction_status, TransactionStatus.IDLE)
    assert conn.info.backend_pid > 0
    conn.close()
    assert conn.closed


@case
def connect_parameter_status():
    conn = connect()
    for name, want in [
        ("server_encoding", "UTF8"),
        ("client_encoding", "UTF8"),
        ("integer_datetimes", "on"),
        ("standard_conforming_strings", "on"),
        ("IntervalStyle", "postgres"),
    ]:
        eq(conn.info.parameter_status(name), want, name)
    assert conn.info.parameter_status("DateStyle").startswith("ISO"), "DateStyle"
    assert conn.info.parameter_status("TimeZone"), "TimeZone"
    assert conn.info.server_version >= 100000, conn.info.server_version


@case
def connect_application_name():
    conn = connect(application_name="clients test")
    eq(one(conn, "SHOW application_name"), "clients test")
    eq(conn.info.parameter_status("application_name"), "clients test")


@case
def connect_twenty_at_once():
    conns = [connect() for _ in range(20)]
    for i, c in enumerate(conns):
        eq(one(c, "SELECT %s::int4", [i]), i)
    eq(len({c.info.backend_pid for c in conns}), 20, "distinct backend pids")


@case
def set_changes_parameter_status():
    conn = connect()
    conn.execute("SET TIME ZONE 'UTC'")
    eq(conn.info.parameter_status("TimeZone"), "UTC")
    eq(str(conn.info.timezone), "UTC")
    got = one(conn, "SELECT '2024-07-01 12:00:00+02'::timestamptz")
    eq(got.utcoffset(), dt.timedelta(0))
    eq(got, dt.datetime(2024, 7, 1, 10, tzinfo=UTC))


# ------------------------------------------------------ queries and results


@case
def insert_select_update_delete():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY, v text")
    eq(conn.execute(f"INSERT INTO {t} VALUES (%s, %s), (%s, %s)", [1, "a", 2, "b"]).rowcount, 2)
    cur = conn.execute(f"UPDATE {t} SET v = %s WHERE id = %s", ["c", 2])
    eq((cur.rowcount, cur.statusmessage), (1, "UPDATE 1"))
    cur = conn.execute(f"SELECT id, v FROM {t} ORDER BY id")
    eq(cur.fetchall(), [(1, "a"), (2, "c")])
    eq((cur.rowcount, cur.statusmessage), (2, "SELECT 2"))
    cur = conn.execute(f"DELETE FROM {t} WHERE id > %s", [0])
    eq((cur.rowcount, cur.statusmessage), (2, "DELETE 2"))
    eq(conn.execute(f"SELECT id FROM {t}").fetchall(), [])


@case
def insert_returning():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY, v text")
    cur = conn.execute(f"INSERT INTO {t} VALUES (%s, %s) RETURNING id, v", [5, "five"])
    eq(cur.fetchone(), (5, "five"))
    eq(cur.statusmessage, "INSERT 0 1")


@case
def insert_default_and_null():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY, v text DEFAULT 'dflt', w int8")
    conn.execute(f"INSERT INTO {t} (id) VALUES (%s)", [1])
    conn.execute(f"INSERT INTO {t} (id, v, w) VALUES (%s, %s, %s)", [2, None, None])
    rows = conn.execute(f"SELECT * FROM {t} ORDER BY id").fetchall()
    eq(rows, [(1, "dflt", None), (2, None, None)])


@case
def named_parameters():
    conn = connect()
    got = conn.execute("SELECT %(a)s::int4, %(b)s::text, %(a)s::int4", {"a": 3, "b": "x"}).fetchone()
    eq(got, (3, "x", 3))


@case
def mixed_parameter_formats():
    conn = connect()
    for binary in (False, True):
        cur = conn.cursor(binary=binary)
        cur.execute("SELECT %b::int4, %t::text, %s::numeric, %b::text", [1, "t", Decimal("2.50"), "b"])
        eq(cur.fetchone(), (1, "t", Decimal("2.50"), "b"))


@case
def untyped_parameters_take_type_from_context():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY, d date, u uuid, n numeric")
    conn.execute(
        f"INSERT INTO {t} VALUES (%s, %s, %s, %s)",
        ["1", "2024-02-29", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "1.50"],
    )
    got = conn.execute(f"SELECT * FROM {t} WHERE d = %s AND id = %s", ["2024-02-29", "1"]).fetchone()
    eq(got, (1, dt.date(2024, 2, 29), U("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), Decimal("1.50")))


@case
def many_parameters():
    conn = connect()
    n = 500
    marks = ", ".join(["(%s::int4, %s::text)"] * n)
    params = [x for i in range(n) for x in (i, f"v{i}")]
    t = table(conn, "id int4 PRIMARY KEY, v text")
    eq(conn.execute(f"INSERT INTO {t} VALUES {marks}", params).rowcount, n)
    eq(one(conn, f"SELECT count(*) FROM {t}"), n)


@case
def description_names_types_modifiers():
    conn = connect()
    t = table(conn, ALL_COLUMNS)
    oids = dict(
        c_bool=16, c_int2=21, c_int4=23, c_int8=20, c_float4=700, c_float8=701, c_numeric=1700,
        c_numeric_12_3=1700, c_text=25, c_varchar=1043, c_char=1042, c_bytea=17, c_date=1082,
        c_time=1083, c_timestamp=1114, c_timestamptz=1184, c_interval=1186, c_uuid=2950,
    )
    for binary in (False, True):
        d = {c.name: c for c in conn.cursor(binary=binary).execute(f"SELECT * FROM {t}").description}
        eq({k: d[k].type_code for k in oids}, oids)
        eq(d["c_varchar"].display_size, 20)
        eq(d["c_char"].display_size, 10)
        eq((d["c_numeric_12_3"].precision, d["c_numeric_12_3"].scale), (12, 3))
        eq(d["c_numeric"].precision, None)
        eq((d["c_int2"].internal_size, d["c_int8"].internal_size), (2, 8))
        eq(d["c_text"].internal_size, None)


@case
def result_many_rows():
    conn = connect()
    for binary in (False, True):
        rows = conn.cursor(binary=binary).execute("SELECT g FROM generate_series(1, 20000) AS g").fetchall()
        eq(len(rows), 20000)
        eq(sum(r[0] for r in rows), 20000 * 20001 // 2)


@case
def result_without_columns_and_empty_query():
    conn = connect()
    cur = conn.execute("")
    eq(cur.description, None)
    eq(cur.pgresult.status, pq.ExecStatus.EMPTY_QUERY)
    eq(one(conn, "SELECT 1"), 1)


@case
def several_statements_in_one_execute():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY")
    cur = conn.execute(f"INSERT INTO {t} VALUES (1); SELECT id FROM {t}; INSERT INTO {t} VALUES (2)")
    eq(cur.statusmessage, "INSERT 0 1")
    assert cur.nextset()
    eq(cur.fetchall(), [(1,)])
    assert cur.nextset()
    eq(cur.statusmessage, "INSERT 0 1")
    assert not cur.nextset()


@case
def several_statements_error_rolls_back_all():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY")
    raises(errors.UniqueViolation, conn.execute, f"INSERT INTO {t} VALUES (1); INSERT INTO {t} VALUES (1)")
    eq(one(conn, f"SELECT count(*) FROM {t}"), 0)


@case
def several_statements_with_parameters_refused():
    conn = connect()
    raises(errors.SyntaxError, conn.execute, "SELECT %s::int4; SELECT 2", [1])
    eq(one(conn, "SELECT 1"), 1)


@case
def client_side_cursor_literals():
    conn = connect()
    cur = psycopg.ClientCursor(conn)
    for c, sqltype, values in TYPES:
        for v in values + [None]:
            if isinstance(v, float) and str(v) == "-0.0":
                continue  # the literal is a numeric first, which has no -0
            cur.execute(f"SELECT CAST(%s AS {sqltype})", [v])  # -1::int2 would be -(1::int2)
            check(sqltype, cur.fetchone()[0], v, f"{c} {short(v)}")


@case
def text_of_binary_parameters():
    """The server's own text for values that came in as binary."""
    conn = connect()
    for sqltype, value, text in [
        ("boolean", True, "true"),
        ("int8", -(2**63), "-9223372036854775808"),
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
        ("interval", dt.timedelta(hours=-1), "-1 days +23:00:00"),
        ("uuid", U("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"), "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ]:
        eq(one(conn, f"SELECT (%b::{sqltype})::text", [value]), text, f"{sqltype} {value!r}")


@case
def interval_with_months_and_years():
    conn = connect()
    for binary in (False, True):
        cur = conn.cursor(binary=binary)
        cur.execute("SELECT '1 year 2 months 3 days 04:05:06.7'::interval")
        want = dt.timedelta(days=365 + 60 + 3, hours=4, minutes=5, seconds=6.7)
        eq(cur.fetchone()[0], want, f"binary={binary}")


@case
def arrays_in_both_formats():
    conn = connect()
    values = [
        ("int4[]", [1, -2, None, 2147483647]),
        ("int8[]", [2**62, 1]),
        ("text[]", ["a", "", None, 'b "c" {d} \\ , e', "NULL"]),
        ("float8[]", [1.5, -0.25]),
        ("numeric[]", [Decimal("1.50"), Decimal("-3")]),
        ("bool[]", [True, False]),
        ("date[]", [dt.date(2020, 1, 2)]),
        ("timestamptz[]", [dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)]),
        ("uuid[]", [uuid.UUID(int=5)]),
        ("bytea[]", [b"\x00\xff", b""]),
        ("int4[]", [[1, 2], [None, 4]]),
        ("text[]", []),
    ]
    for kind, want in values:
        for param in ("%s", "%b", "%t"):
            for binary in (False, True):
                cur = conn.cursor(binary=binary)
                cur.execute(f"SELECT {param}::{kind}", [want])
                eq(cur.fetchone()[0], want, f"{kind} {param} binary={binary}")


@case
def arrays_in_tables():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY, tags text[], n int4[]")
    conn.execute(f"INSERT INTO {t} VALUES (1, %s, %s)", [["a", "b"], [1, 2]])
    conn.execute(f"INSERT INTO {t} VALUES (2, %s, %s)", [[], None])
    eq(conn.execute(f"SELECT tags, n FROM {t} ORDER BY id").fetchall(), [(["a", "b"], [1, 2]), ([], None)])
    eq(one(conn, f"SELECT id FROM {t} WHERE tags @> %s", [["b"]]), 1)
    eq(one(conn, f"UPDATE {t} SET n = n || %s WHERE id = 1 RETURNING n", [[3]]), [1, 2, 3])
    eq(one(conn, f"SELECT array_agg(id ORDER BY id) FROM {t}"), [1, 2])


@case
def any_of_a_list():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY, v text")
    conn.execute(f"INSERT INTO {t} SELECT x, 'v' || x FROM generate_series(1, 100) x")
    for ids in ([3, 1, 100, 101], [40000, 2], []):
        want = sorted(i for i in ids if i <= 100)
        got = conn.execute(f"SELECT id FROM {t} WHERE id = ANY(%s) ORDER BY id", [ids]).fetchall()
        eq([row[0] for row in got], want)
    eq(one(conn, f"SELECT count(*) FROM {t} WHERE v = ANY(%s)", [["v5", "v6", "x"]]), 2)
    eq(one(conn, f"SELECT count(*) FROM {t} WHERE id <> ALL(%s)", [[1, 2]]), 98)


@case
def executemany_insert():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY, v text")
    cur = conn.cursor()
    cur.executemany(f"INSERT INTO {t} VALUES (%s, %s)", [(i, f"v{i}") for i in range(1000)])
    eq(cur.rowcount, 1000)
    eq(one(conn, f"SELECT count(*) FROM {t}"), 1000)
    eq(one(conn, f"SELECT v FROM {t} WHERE id = 999"), "v999")


@case
def executemany_returning():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY, v text")
    cur = conn.cursor()
    cur.executemany(
        f"INSERT INTO {t} VALUES (%s, %s) RETURNING id", [(i, "x") for i in range(5)], returning=True
    )
    got = []
    while True:
        got.append(cur.fetchone()[0])
        if not cur.nextset():
            break
    eq(got, [0, 1, 2, 3, 4])


@case
def executemany_error_leaves_nothing():
    conn = connect(autocommit=False)
    with connect() as setup:
        t = table(setup, "id int4 PRIMARY KEY")
    raises(
        errors.UniqueViolation,
        conn.cursor().executemany, f"INSERT INTO {t} VALUES (%s)", [(1,), (2,), (1,), (3,)],
    )
    conn.rollback()
    eq(one(conn, f"SELECT count(*) FROM {t}"), 0)


# ----------------------------------------------------------------- pipeline


@case
def pipeline_results_in_order():
    conn = connect()
    with conn.pipeline():
        curs = [conn.execute("SELECT %s::int4 * 2", [i]) for i in range(50)]
    eq([c.fetchone()[0] for c in curs], [i * 2 for i in range(50)])


@case
def pipeline_transaction_commits():
    conn = connect(autocommit=False)
    t = table(conn, "id int4 PRIMARY KEY")
    conn.commit()
    with conn.pipeline():
        for i in range(10):
            conn.execute(f"INSERT INTO {t} VALUES (%s)", [i])
        conn.commit()
    other = connect()
    eq(one(other, f"SELECT count(*) FROM {t}"), 10)


@case
def pipeline_error_in_the_middle_autocommit():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY")

    def run():
        with conn.pipeline() as p:
            conn.execute(f"INSERT INTO {t} VALUES (%s)", [1])
            conn.execute(f"INSERT INTO {t} VALUES (%s)", [1])
            conn.execute(f"INSERT INTO {t} VALUES (%s)", [2])
            p.sync()

    e = raises(errors.UniqueViolation, run)
    eq(e.sqlstate, "23505")
    eq(conn.pgconn.pipeline_status, pq.PipelineStatus.OFF)
    eq(conn.info.transaction_status, TransactionStatus.IDLE)
    eq(one(conn, f"SELECT count(*) FROM {t}"), 0, "the failed pipeline must leave nothing")
    conn.execute(f"INSERT INTO {t} VALUES (%s)", [3])
    eq(conn.execute(f"SELECT id FROM {t}").fetchall(), [(3,)])


@case
def pipeline_sync_separates_transactions():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY")
    with conn.pipeline() as p:
        conn.execute(f"INSERT INTO {t} VALUES (%s)", [1])
        p.sync()
        conn.execute(f"INSERT INTO {t} VALUES (%s)", [2])
        raises(errors.DivisionByZero, lambda: (conn.execute("SELECT 1 / %s::int4", [0]), p.sync()))
        cur = conn.execute(f"INSERT INTO {t} VALUES (%s) RETURNING id", [3])
        eq(cur.fetchone(), (3,))
    eq(conn.execute(f"SELECT id FROM {t} ORDER BY id").fetchall(), [(1,), (3,)])


@case
def pipeline_statements_after_error_are_skipped():
    """On the protocol level: everything up to the Sync is skipped."""
    conn = connect()
    pg = conn.pgconn
    pg.enter_pipeline_mode()
    for v in (b"1", b"0", b"2"):
        pg.send_query_params(b"SELECT 10 / $1::int4", [v])
    pg.pipeline_sync()
    pg.send_query_params(b"SELECT 10 / $1::int4", [b"5"])
    pg.pipeline_sync()
    got = []
    while len(got) < 6:
        r = pg.get_result()
        if r is not None:  # None ends the results of one command
            got.append((pq.ExecStatus(r.status).name, r.get_value(0, 0) if r.ntuples else None))
    eq(got, [
        ("TUPLES_OK", b"10"), ("FATAL_ERROR", None), ("PIPELINE_ABORTED", None),
        ("PIPELINE_SYNC", None), ("TUPLES_OK", b"2"), ("PIPELINE_SYNC", None),
    ])
    pg.exit_pipeline_mode()
    eq(one(conn, "SELECT 1"), 1)


@case
def pipeline_error_inside_transaction_block():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY")

    def run():
        with conn.pipeline(), conn.transaction():
            conn.execute(f"INSERT INTO {t} VALUES (%s)", [1])
            conn.execute(f"INSERT INTO {t} VALUES (%s)", ["not a number"])
            conn.execute(f"INSERT INTO {t} VALUES (%s)", [2])

    raises(errors.InvalidTextRepresentation, run)
    eq(conn.info.transaction_status, TransactionStatus.IDLE)
    eq(one(conn, f"SELECT count(*) FROM {t}"), 0)


# ------------------------------------------------------------- transactions


@case
def transaction_commit():
    conn, other = connect(autocommit=False), connect()
    t = table(other, "id int4 PRIMARY KEY")
    conn.execute(f"INSERT INTO {t} VALUES (1)")
    eq(conn.info.transaction_status, TransactionStatus.INTRANS)
    eq(one(other, f"SELECT count(*) FROM {t}"), 0, "uncommitted row seen")
    conn.commit()
    eq(conn.info.transaction_status, TransactionStatus.IDLE)
    eq(one(other, f"SELECT count(*) FROM {t}"), 1)


@case
def transaction_rollback():
    conn = connect(autocommit=False)
    t = table(conn, "id int4 PRIMARY KEY")
    conn.commit()
    conn.execute(f"INSERT INTO {t} VALUES (1)")
    eq(one(conn, f"SELECT count(*) FROM {t}"), 1)
    conn.rollback()
    eq(one(conn, f"SELECT count(*) FROM {t}"), 0)


@case
def transaction_closing_connection_rolls_back():
    conn, other = connect(autocommit=False), connect()
    t = table(other, "id int4 PRIMARY KEY")
    conn.execute(f"INSERT INTO {t} VALUES (1)")
    conn.close()
    other.execute(f"INSERT INTO {t} VALUES (1)")
    eq(one(other, f"SELECT count(*) FROM {t}"), 1)


@case
def transaction_block_and_exception():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY")
    with conn.transaction():
        conn.execute(f"INSERT INTO {t} VALUES (1)")
    try:
        with conn.transaction():
            conn.execute(f"INSERT INTO {t} VALUES (2)")
            raise KeyError("mine")
    except KeyError:
        pass
    eq(conn.execute(f"SELECT id FROM {t}").fetchall(), [(1,)])


@case
def transaction_nested_savepoints():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY")
    with conn.transaction():
        conn.execute(f"INSERT INTO {t} VALUES (1)")
        with conn.transaction():
            conn.execute(f"INSERT INTO {t} VALUES (2)")
            with conn.transaction() as inner:
                conn.execute(f"INSERT INTO {t} VALUES (3)")
                raise psycopg.Rollback(inner)
            conn.execute(f"INSERT INTO {t} VALUES (4)")

        def fails():
            with conn.transaction():
                conn.execute(f"INSERT INTO {t} VALUES (5)")
                conn.execute(f"INSERT INTO {t} VALUES (1)")

        raises(errors.UniqueViolation, fails)
        eq(conn.info.transaction_status, TransactionStatus.INTRANS)
        conn.execute(f"INSERT INTO {t} VALUES (6)")
    eq([r[0] for r in conn.execute(f"SELECT id FROM {t} ORDER BY id")], [1, 2, 4, 6])


@case
def transaction_savepoint_statements():
    conn = connect(autocommit=False)
    t = table(conn, "id int4 PRIMARY KEY")
    conn.execute("SAVEPOINT a")
    conn.execute(f"INSERT INTO {t} VALUES (1)")
    conn.execute("SAVEPOINT b")
    conn.execute(f"INSERT INTO {t} VALUES (2)")
    conn.execute("ROLLBACK TO SAVEPOINT b")
    conn.execute("RELEASE SAVEPOINT a")
    raises(errors.InvalidSavepointSpecification, conn.execute, "ROLLBACK TO SAVEPOINT a")
    conn.rollback()
    with connect() as other:
        raises(errors.UndefinedTable, other.execute, f"SELECT * FROM {t}")


@case
def transaction_repeatable_read_snapshot():
    conn, other = connect(autocommit=False), connect()
    t = table(other, "id int4 PRIMARY KEY")
    conn.isolation_level = IsolationLevel.REPEATABLE_READ
    eq(one(conn, "SHOW transaction_isolation"), "repeatable read")
    eq(one(conn, f"SELECT count(*) FROM {t}"), 0)
    other.execute(f"INSERT INTO {t} VALUES (1)")
    eq(one(conn, f"SELECT count(*) FROM {t}"), 0, "snapshot must not move")
    conn.commit()
    eq(one(conn, f"SELECT count(*) FROM {t}"), 1)
    conn.rollback()


@case
def transaction_read_committed_sees_new_rows():
    conn, other = connect(autocommit=False), connect()
    t = table(other, "id int4 PRIMARY KEY")
    eq(one(conn, "SHOW transaction_isolation"), "read committed")
    eq(one(conn, f"SELECT count(*) FROM {t}"), 0)
    other.execute(f"INSERT INTO {t} VALUES (1)")
    eq(one(conn, f"SELECT count(*) FROM {t}"), 1)


@case
def transaction_read_only():
    conn, other = connect(autocommit=False), connect()
    t = table(other, "id int4 PRIMARY KEY")
    conn.read_only = True
    eq(one(conn, "SHOW transaction_read_only"), "on")
    e = raises(errors.ReadOnlySqlTransaction, conn.execute, f"INSERT INTO {t} VALUES (1)")
    eq(e.sqlstate, "25006")
    eq(str(e), "cannot execute INSERT in a read-only transaction")
    conn.rollback()
    conn.read_only = False
    conn.execute(f"INSERT INTO {t} VALUES (1)")
    conn.commit()
    eq(one(other, f"SELECT count(*) FROM {t}"), 1)


@case
def transaction_repeatable_read_and_read_only():
    conn = connect(autocommit=False)
    conn.isolation_level = IsolationLevel.REPEATABLE_READ
    conn.read_only = True
    eq(one(conn, "SHOW transaction_isolation"), "repeatable read")
    raises(errors.ReadOnlySqlTransaction, conn.execute, "CREATE TABLE pc_never (id int4)")
    conn.rollback()


# ------------------------------------------------------------------- errors


@case
def error_unique_violation():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY, a int4, b text, CONSTRAINT pc_ab_unique UNIQUE (a, b)")
    conn.execute(f"INSERT INTO {t} VALUES (1, 10, 'x')")
    e = raises(errors.UniqueViolation, conn.execute, f"INSERT INTO {t} VALUES (%s, 11, 'y')", [1])
    eq(e.sqlstate, "23505")
    eq(e.diag.severity, "ERROR")
    eq(e.diag.severity_nonlocalized, "ERROR")
    eq(e.diag.constraint_name, f"{t}_pkey")
    eq(e.diag.table_name, t)
    eq(e.diag.schema_name, "public")
    eq(e.diag.message_primary, f'duplicate key value violates unique constraint "{t}_pkey"')
    eq(e.diag.message_detail, "Key (id)=(1) already exists.")
    e = raises(errors.UniqueViolation, conn.execute, f"INSERT INTO {t} VALUES (2, 10, 'x')")
    eq(e.diag.constraint_name, "pc_ab_unique")
    eq(e.diag.message_detail, "Key (a, b)=(10, x) already exists.")


@case
def error_not_null_violation():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY, v text NOT NULL")
    e = raises(errors.NotNullViolation, conn.execute, f"INSERT INTO {t} VALUES (%s, %s)", [1, None])
    eq(e.sqlstate, "23502")
    eq(e.diag.column_name, "v")
    eq(e.diag.table_name, t)
    eq(e.diag.schema_name, "public")
    eq(e.diag.message_primary,
       f'null value in column "v" of relation "{t}" violates not-null constraint')
    eq(e.diag.message_detail, "Failing row contains (1, null).")


@case
def error_check_violation():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY, v int4 CONSTRAINT pc_v_positive CHECK (v > 0)")
    e = raises(errors.CheckViolation, conn.execute, f"INSERT INTO {t} VALUES (1, %s)", [-1])
    eq(e.sqlstate, "23514")
    eq((e.diag.constraint_name, e.diag.table_name), ("pc_v_positive", t))


@case
def error_syntax_position():
    conn = connect()
    for query in ("SELECT 1 FRM x y", "SELECT * FROM WHERE", "SELEC 1"):
        params = {"SELECT 1 FRM x y": "x", "SELECT * FROM WHERE": "WHERE", "SELEC 1": "SELEC"}
        token = params[query]
        e = raises(errors.SyntaxError, conn.execute, query)
        eq(e.sqlstate, "42601")
        eq(e.diag.message_primary, f'syntax error at or near "{token}"')
        eq(e.diag.statement_position, str(query.index(token) + 1), query)
    e = raises(errors.SyntaxError, conn.execute, "SELECT (1")
    eq(e.diag.message_primary, "syntax error at end of input")
    eq(e.diag.statement_position, "10")


@case
def error_position_counts_characters():
    conn = connect()
    e = raises(errors.UndefinedColumn, conn.execute, "SELECT 'žluťoučký', nowhere")
    eq(e.diag.statement_position, "21")
    e = raises(errors.UndefinedColumn, conn.execute, "SELECT 'kůň', %s::int4, nowhere", [1])
    eq(e.diag.statement_position, str("SELECT 'kůň', $1::int4, nowhere".index("nowhere") + 1))


@case
def error_undefined_table():
    conn = connect()
    for params in (None, [1]):
        e = raises(errors.UndefinedTable, conn.execute,
                   "SELECT * FROM pc_no_such" + (" WHERE id = %s" if params else ""), params)
        eq(e.sqlstate, "42P01")
        eq(e.diag.message_primary, 'relation "pc_no_such" does not exist')
        eq(e.diag.statement_position, "15")


@case
def error_undefined_column_and_function():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY")
    e = raises(errors.UndefinedColumn, conn.execute, f"SELECT nope FROM {t}")
    eq((e.sqlstate, e.diag.message_primary), ("42703", 'column "nope" does not exist'))
    e = raises(errors.UndefinedFunction, conn.execute, "SELECT no_such_function(1)")
    eq(e.sqlstate, "42883")


@case
def error_division_by_zero():
    conn = connect()
    for q, params in [("SELECT 1 / 0", None), ("SELECT 1 / %s::int4", [0]),
                      ("SELECT %s::numeric / 0", [Decimal(1)]), ("SELECT %s::float8 / 0", [1.0])]:
        e = raises(errors.DivisionByZero, conn.execute, q, params)
        eq((e.sqlstate, e.diag.message_primary), ("22012", "division by zero"), q)


@case
def error_invalid_text_representation():
    conn = connect()
    for sqltype, name in [("int4", "integer"), ("uuid", "uuid"), ("boolean", "boolean"),
                          ("numeric", "numeric"), ("float8", "double precision")]:
        e = raises(errors.InvalidTextRepresentation, conn.execute, f"SELECT %s::{sqltype}", ["oops"])
        eq(e.sqlstate, "22P02")
        eq(e.diag.message_primary, f'invalid input syntax for type {name}: "oops"')
    raises(errors.InvalidDatetimeFormat, conn.execute, "SELECT %s::date", ["oops"])


@case
def error_out_of_range_values():
    conn = connect()
    e = raises(errors.NumericValueOutOfRange, conn.execute, "SELECT %s::int4", [2**40])
    eq((e.sqlstate, e.diag.message_primary), ("22003", "integer out of range"))
    raises(errors.NumericValueOutOfRange, conn.execute, "SELECT %b::int2", [40000])
    raises(errors.NumericValueOutOfRange, conn.execute, "SELECT %b::numeric(4,2)", [Decimal("100")])
    raises(errors.DatetimeFieldOverflow, conn.execute, "SELECT %s::date", ["2023-02-29"])


@case
def error_string_too_long():
    conn = connect()
    t = table(conn, "v varchar(3), c char(3)")
    for column in ("v", "c"):
        e = raises(errors.StringDataRightTruncation, conn.execute,
                   f"INSERT INTO {t} ({column}) VALUES (%s)", ["abcd"])
        eq(e.sqlstate, "22001")
    eq(one(conn, "SELECT %s::varchar(3)", ["abcd"]), "abc")


@case
def error_in_failed_transaction():
    conn = connect(autocommit=False)
    raises(errors.DivisionByZero, conn.execute, "SELECT 1/0")
    eq(conn.info.transaction_status, TransactionStatus.INERROR)
    for params in (None, [1]):
        e = raises(errors.InFailedSqlTransaction, conn.execute,
                   "SELECT %s::int4" if params else "SELECT 1", params)
        eq(e.sqlstate, "25P02")
        eq(e.diag.message_primary,
           "current transaction is aborted, commands ignored until end of transaction block")
    conn.rollback()
    eq(one(conn, "SELECT 1"), 1)


@case
def error_commit_of_failed_transaction_rolls_back():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY")
    conn.execute("BEGIN")
    conn.execute(f"INSERT INTO {t} VALUES (1)")
    raises(errors.UniqueViolation, conn.execute, f"INSERT INTO {t} VALUES (1)")
    eq(conn.execute("COMMIT").statusmessage, "ROLLBACK")
    eq(one(conn, f"SELECT count(*) FROM {t}"), 0)


@case
def error_leaves_connection_usable():
    conn = connect()
    for i in range(50):
        raises(errors.DivisionByZero, conn.execute, "SELECT %s::int4 / 0", [i])
        eq(one(conn, "SELECT %s::int4", [i]), i)


@case
def error_duplicate_table():
    conn = connect()
    t = table(conn, "id int4")
    e = raises(errors.DuplicateTable, conn.execute, f"CREATE TABLE {t} (id int4)")
    eq((e.sqlstate, e.diag.message_primary), ("42P07", f'relation "{t}" already exists'))


# ------------------------------------------------------ prepared statements


@case
def prepared_many_executions():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY, v text")
    for i in range(1000):
        conn.execute(f"INSERT INTO {t} VALUES (%s, %s)", [i, f"v{i}"], prepare=True)
    for i in range(1000):
        eq(one(conn, f"SELECT v FROM {t} WHERE id = %s::int4", [i], prepare=True), f"v{i}")


@case
def prepared_binary_results():
    conn = connect()
    cur = conn.cursor(binary=True)
    for i in range(100):
        cur.execute("SELECT %b::int4 + 1, %b::text, %b::numeric", [i, f"é{i}", Decimal(i) / 8], prepare=True)
        eq(cur.fetchone(), (i + 1, f"é{i}", Decimal(i) / 8))


@case
def prepared_automatically_after_threshold():
    conn = connect(prepare_threshold=3)
    for i in range(20):
        eq(one(conn, "SELECT %s::int8 * 2", [i]), i * 2)
    eq(len(conn._prepared._names), 1)


@case
def prepared_many_statements_evicted():
    conn = connect(prepare_threshold=0)
    conn.prepared_max = 3
    for _ in range(3):
        for k in range(10):
            eq(one(conn, f"SELECT %s::int4 + {k}", [1]), 1 + k)


@case
def prepared_same_query_other_types():
    conn = connect()
    for v in (1, 40000, 2**40, Decimal("1.5"), 2.5, "7"):
        eq(one(conn, "SELECT %s::numeric + 1", [v], prepare=True), Decimal(str(v)) + 1)


@case
def prepared_survives_error_and_rollback():
    conn = connect(autocommit=False)
    t = table(conn, "id int4 PRIMARY KEY")
    conn.commit()
    for i in range(5):
        conn.execute(f"INSERT INTO {t} VALUES (%s)", [i], prepare=True)
        conn.commit()
        raises(errors.UniqueViolation, conn.execute, f"INSERT INTO {t} VALUES (%s)", [i], prepare=True)
        conn.rollback()
    eq(one(conn, f"SELECT count(*) FROM {t}", prepare=True), 5)


@case
def prepared_sees_later_data():
    conn, other = connect(), connect()
    t = table(conn, "id int4 PRIMARY KEY")
    for i in range(20):
        other.execute(f"INSERT INTO {t} VALUES (%s)", [i], prepare=True)
        eq(one(conn, f"SELECT count(*) FROM {t} WHERE id >= %s", [0], prepare=True), i + 1)


# ------------------------------------------------------------ row streaming


@case
def stream_rows():
    conn = connect()
    for binary in (False, True):
        total = n = 0
        for (v,) in conn.cursor().stream(
            "SELECT g FROM generate_series(1, %s::int4) AS g", [5000], binary=binary
        ):
            total, n = total + v, n + 1
        eq((n, total), (5000, 5000 * 5001 // 2))


@case
def stream_rows_in_chunks():
    if not psycopg.capabilities.has_stream_chunked():
        return
    conn = connect()
    got = [r[0] for r in conn.cursor().stream("SELECT g FROM generate_series(1, 1000) AS g", size=64)]
    eq(got, list(range(1, 1001)))


@case
def stream_left_early():
    conn = connect()
    for row in conn.cursor().stream("SELECT g FROM generate_series(1, 300000) AS g"):
        if row[0] == 3:
            break
    eq(one(conn, "SELECT 1"), 1)


@case
def stream_error_after_rows():
    conn = connect()
    got = []

    def run():
        for row in conn.cursor().stream("SELECT 100 / (5 - g) FROM generate_series(1, 10) AS g"):
            got.append(row[0])

    raises(errors.DivisionByZero, run)
    eq(got, [25, 33, 50, 100])
    eq(one(conn, "SELECT 1"), 1)


# --------------------------------------------------------------------- COPY


@case
def copy_from_stdin_rows():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY, v text, n numeric, d date, b boolean, x bytea")
    rows = [
        (1, "plain", Decimal("1.50"), dt.date(2024, 2, 29), True, b"\x00\\"),
        (2, "tab\tnl\nbs\\ cr\r", None, None, False, b""),
        (3, "", Decimal("NaN"), dt.date(1999, 1, 1), None, None),
        (4, "\\N", Decimal("-1"), None, None, bytes(range(256))),
        (5, None, None, None, None, None),
    ]
    cur = conn.cursor()
    with cur.copy(f"COPY {t} (id, v, n, d, b, x) FROM STDIN") as copy:
        for r in rows:
            copy.write_row(r)
    eq((cur.rowcount, cur.statusmessage), (5, "COPY 5"))
    got = conn.execute(f"SELECT * FROM {t} ORDER BY id").fetchall()
    eq(str(got), str(rows))


@case
def copy_from_stdin_raw_blocks():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY, v text")
    data = "".join(f"{i}\tvalue {i} é\n" for i in range(5000)).encode()
    with conn.cursor().copy(f"COPY {t} FROM STDIN") as copy:
        for i in range(0, len(data), 777):  # blocks end in the middle of rows
            copy.write(data[i : i + 777])
    eq(one(conn, f"SELECT count(*) FROM {t} WHERE v = 'value ' || id::text || ' é'"), 5000)


@case
def copy_to_stdout_rows():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY, v text, n numeric")
    conn.execute(f"INSERT INTO {t} VALUES (1, %s, 1.5), (2, '', NULL), (3, NULL, 'NaN')", ["a\tb\nc\\d"])
    with conn.cursor().copy(f"COPY {t} TO STDOUT") as copy:
        rows = list(copy.rows())
    eq(sorted(rows), [("1", "a\tb\nc\\d", "1.5"), ("2", "", None), ("3", None, "NaN")])


@case
def copy_to_stdout_rows_typed():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY, n numeric, ts timestamp")
    conn.execute(f"INSERT INTO {t} VALUES (1, 1.50, '2024-01-02 03:04:05')")
    with conn.cursor().copy(f"COPY {t} (ts, id, n) TO STDOUT") as copy:
        copy.set_types(["timestamp", "int4", "numeric"])
        eq(list(copy.rows()), [(dt.datetime(2024, 1, 2, 3, 4, 5), 1, Decimal("1.50"))])


@case
def copy_to_stdout_raw():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY, v text")
    conn.execute(f"INSERT INTO {t} VALUES (1, %s), (2, NULL)", ["x\ty\nz\\"])
    cur = conn.cursor()
    with cur.copy(f"COPY {t} TO STDOUT") as copy:
        data = b"".join(bytes(b) for b in copy)
    eq(data, b"1\tx\\ty\\nz\\\\\n2\t\\N\n")
    eq(cur.rowcount, 2)


@case
def copy_query_to_stdout():
    conn = connect()
    with conn.cursor().copy("COPY (SELECT g, g * 2 FROM generate_series(1, 1000) AS g) TO STDOUT") as copy:
        rows = [(int(a), int(b)) for a, b in copy.rows()]
    eq(rows, [(i, i * 2) for i in range(1, 1001)])


@case
def copy_round_trip_all_types():
    conn = connect()
    t = table(conn, ALL_COLUMNS)
    n = max(len(v) for _, _, v in TYPES)
    rows = [[vals[i] if i < len(vals) else None for _, _, vals in TYPES] for i in range(n)]
    with conn.cursor().copy(f"COPY {t} FROM STDIN") as copy:
        for i, r in enumerate(rows):
            copy.write_row([i] + r)
    with conn.cursor().copy(f"COPY {t} TO STDOUT") as copy:
        out = b"".join(bytes(b) for b in copy)
    conn.execute(f"DELETE FROM {t}")
    with conn.cursor().copy(f"COPY {t} FROM STDIN") as copy:
        copy.write(out)
    got = conn.execute(f"SELECT * FROM {t} ORDER BY id").fetchall()
    eq(len(got), n)
    for g, w in zip(got, rows):
        for (c, sqltype, _), gv, wv in zip(TYPES, g[1:], w):
            check(sqltype, gv, wv, c)


@case
def copy_from_bad_data():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY, v text")

    def load(data):
        with conn.cursor().copy(f"COPY {t} FROM STDIN") as copy:
            copy.write(data)

    e = raises(errors.InvalidTextRepresentation, load, b"1\ta\nx\tb\n")
    assert e.diag.context.startswith(f"COPY {t}, line 2, column id"), e.diag.context
    raises(errors.BadCopyFileFormat, load, b"1\n")
    raises(errors.BadCopyFileFormat, load, b"1\ta\tb\n")
    raises(errors.UniqueViolation, load, b"1\ta\n1\tb\n")
    eq(one(conn, f"SELECT count(*) FROM {t}"), 0)
    load(b"1\ta\n")
    eq(one(conn, f"SELECT count(*) FROM {t}"), 1)


@case
def copy_given_up_by_client():
    conn = connect()
    t = table(conn, "id int4 PRIMARY KEY")
    try:
        with conn.cursor().copy(f"COPY {t} FROM STDIN") as copy:
            copy.write("1\n2\n")
            raise KeyError("mine")
    except KeyError:
        pass
    eq(conn.info.transaction_status, TransactionStatus.IDLE)
    eq(one(conn, f"SELECT count(*) FROM {t}"), 0)


@case
def copy_inside_transaction():
    conn, other = connect(), connect()
    t = table(conn, "id int4 PRIMARY KEY")
    with conn.transaction(force_rollback=True):
        with conn.cursor().copy(f"COPY {t} FROM STDIN") as copy:
            copy.write_row((1,))
        eq(one(conn, f"SELECT count(*) FROM {t}"), 1)
        eq(one(other, f"SELECT count(*) FROM {t}"), 0)
    eq(one(conn, f"SELECT count(*) FROM {t}"), 0)


@case
def copy_unknown_table():
    conn = connect()

    def run():
        with conn.cursor().copy("COPY pc_no_such FROM STDIN"):
            pass

    raises(errors.UndefinedTable, run)
    eq(one(conn, "SELECT 1"), 1)


# ---------------------------------------------------------- cancel, notices


def check_cancel(cancel):
    conn = connect()
    started = time.monotonic()
    query = Background(conn.execute, LONG_QUERY)
    query.assert_blocked(0.5)
    cancel(conn)
    query.finish(10)
    e = query.error
    assert isinstance(e, errors.QueryCanceled), repr(e or query.value)
    eq(e.sqlstate, "57014")
    eq(e.diag.message_primary, "canceling statement due to user request")
    assert time.monotonic() - started < 10
    eq(one(conn, "SELECT 1"), 1)


@case
def cancel_long_query():
    check_cancel(lambda c: c.cancel())


@case
def cancel_safe_long_query():
    check_cancel(lambda c: c.cancel_safe(timeout=10))


@case
def cancel_long_query_extended_protocol():
    conn = connect()
    query = Background(
        lambda: conn.execute("SELECT count(*) FROM generate_series(1, %s::int8)", [100000000000])
    )
    query.assert_blocked(0.5)
    conn.cancel()
    query.finish(10)
    assert isinstance(query.error, errors.QueryCanceled), repr(query.error or query.value)
    eq(one(conn, "SELECT 1"), 1)


@case
def cancel_inside_transaction_fails_it():
    conn = connect(autocommit=False)
    conn.execute("SELECT 1")
    query = Background(conn.execute, LONG_QUERY)
    query.assert_blocked(0.5)
    conn.cancel()
    query.finish(10)
    assert isinstance(query.error, errors.QueryCanceled), repr(query.error or query.value)
    raises(errors.InFailedSqlTransaction, conn.execute, "SELECT 1")
    conn.rollback()
    eq(one(conn, "SELECT 1"), 1)


@case
def cancel_lock_wait():
    a, b = connect(autocommit=False), connect(autocommit=False)
    with connect() as setup:
        t = two_rows(setup)
    a.execute(f"UPDATE {t} SET v = 1 WHERE id = 1")
    waiting = Background(b.execute, f"UPDATE {t} SET v = 2 WHERE id = 1")
    waiting.assert_blocked()
    b.cancel()
    waiting.finish(10)
    assert isinstance(waiting.error, errors.QueryCanceled), repr(waiting.error or waiting.value)
    b.rollback()
    a.commit()
    eq(values(b, t), [1, 0])


@case
def cancel_when_idle_is_harmless():
    conn = connect()
    conn.cancel()
    time.sleep(0.2)
    eq(one(conn, "SELECT 1"), 1)


@case
def notice_drop_if_exists():
    conn = connect()
    seen = []
    conn.add_notice_handler(lambda d: seen.append((d.severity, d.sqlstate, d.message_primary)))
    conn.execute("DROP TABLE IF EXISTS pc_no_such")
    eq(seen, [("NOTICE", "00000", 'table "pc_no_such" does not exist, skipping')])


@case
def notice_create_if_not_exists():
    conn = connect()
    t = table(conn, "id int4")
    seen = []
    conn.add_notice_handler(lambda d: seen.append((d.severity, d.sqlstate, d.message_primary)))
    conn.execute(f"CREATE TABLE IF NOT EXISTS {t} (id int4)")
    eq(seen, [("NOTICE", "42P07", f'relation "{t}" already exists, skipping')])


@case
def notice_transaction_warnings():
    conn = connect()
    seen = []
    conn.add_notice_handler(lambda d: seen.append((d.severity, d.sqlstate, d.message_primary)))
    conn.execute("COMMIT")
    conn.execute("BEGIN")
    conn.execute("BEGIN")
    conn.execute("ROLLBACK")
    conn.execute("ROLLBACK")
    eq(seen, [
        ("WARNING", "25P01", "there is no transaction in progress"),
        ("WARNING", "25001", "there is already a transaction in progress"),
        ("WARNING", "25P01", "there is no transaction in progress"),
    ])


# -------------------------------------------------------------- concurrency


def two_rows(conn):
    t = table(conn, "id int4 PRIMARY KEY, v int4")
    conn.execute(f"INSERT INTO {t} VALUES (1, 0), (2, 0)")
    return t


def pair(isolation=None):
    """A fresh two-row table and two connections not in autocommit."""
    with connect() as setup:
        t = two_rows(setup)
    a, b = connect(autocommit=False), connect(autocommit=False)
    a.isolation_level = b.isolation_level = isolation
    return t, a, b


def values(conn, t):
    got = [r[0] for r in conn.execute(f"SELECT v FROM {t} ORDER BY id")]
    conn.commit()
    return got


@case
def concurrent_update_waits_then_proceeds():
    t, a, b = pair()
    a.execute(f"UPDATE {t} SET v = v + %s WHERE id = 1", [1])
    waiting = Background(b.execute, f"UPDATE {t} SET v = v + %s WHERE id = 1", [10])
    waiting.assert_blocked()
    a.commit()
    eq(waiting.result().rowcount, 1)
    b.commit()
    eq(values(a, t), [11, 0])


@case
def concurrent_update_waits_for_rollback():
    t, a, b = pair()
    a.execute(f"UPDATE {t} SET v = 100 WHERE id = 1")
    waiting = Background(b.execute, f"UPDATE {t} SET v = v + 10 WHERE id = 1")
    waiting.assert_blocked()
    a.rollback()
    eq(waiting.result().rowcount, 1)
    b.commit()
    eq(values(a, t), [10, 0])


@case
def concurrent_update_rechecks_condition():
    t, a, b = pair()
    a.execute(f"UPDATE {t} SET v = 5 WHERE id = 1")
    waiting = Background(b.execute, f"UPDATE {t} SET v = 9 WHERE id = 1 AND v = 0")
    waiting.assert_blocked()
    a.commit()
    eq(waiting.result().rowcount, 0)
    b.commit()
    eq(values(a, t), [5, 0])


@case
def concurrent_update_of_deleted_row():
    t, a, b = pair()
    a.execute(f"DELETE FROM {t} WHERE id = 1")
    waiting = Background(b.execute, f"UPDATE {t} SET v = 9 WHERE id = 1")
    waiting.assert_blocked()
    a.commit()
    eq(waiting.result().rowcount, 0)
    b.rollback()


@case
def concurrent_updates_of_different_rows_do_not_wait():
    t, a, b = pair()
    a.execute(f"UPDATE {t} SET v = 1 WHERE id = 1")
    eq(Background(b.execute, f"UPDATE {t} SET v = 2 WHERE id = 2").result(5).rowcount, 1)
    a.commit()
    b.commit()
    eq(values(a, t), [1, 2])


@case
def concurrent_readers_do_not_wait():
    t, a, b = pair()
    a.execute(f"UPDATE {t} SET v = 1 WHERE id = 1")
    eq(Background(values, b, t).result(5), [0, 0])
    a.commit()
    eq(values(b, t), [1, 0])


@case
def concurrent_insert_of_same_key_waits():
    t, a, b = pair()
    a.execute(f"INSERT INTO {t} VALUES (3, 3)")
    waiting = Background(b.execute, f"INSERT INTO {t} VALUES (3, 33)")
    waiting.assert_blocked()
    a.commit()
    raises(errors.UniqueViolation, waiting.result)
    b.rollback()
    a.execute(f"INSERT INTO {t} VALUES (4, 4)")
    waiting = Background(b.execute, f"INSERT INTO {t} VALUES (4, 44)")
    waiting.assert_blocked()
    a.rollback()
    eq(waiting.result().rowcount, 1)
    b.commit()
    eq(values(a, t), [0, 0, 3, 44])


@case
def serialization_failure_without_wait():
    t, a, b = pair(IsolationLevel.REPEATABLE_READ)
    eq(one(b, f"SELECT v FROM {t} WHERE id = 1"), 0)
    a.execute(f"UPDATE {t} SET v = 1 WHERE id = 1")
    a.commit()
    e = raises(errors.SerializationFailure, b.execute, f"UPDATE {t} SET v = 2 WHERE id = 1")
    eq(e.sqlstate, "40001")
    eq(e.diag.message_primary, "could not serialize access due to concurrent update")
    b.rollback()
    eq(values(b, t), [1, 0])


@case
def serialization_failure_after_wait():
    t, a, b = pair(IsolationLevel.REPEATABLE_READ)
    eq(one(b, f"SELECT v FROM {t} WHERE id = 1"), 0)
    a.execute(f"UPDATE {t} SET v = 1 WHERE id = 1")
    waiting = Background(b.execute, f"UPDATE {t} SET v = 2 WHERE id = 1")
    waiting.assert_blocked()
    a.commit()
    raises(errors.SerializationFailure, waiting.result)
    b.rollback()
    eq(values(b, t), [1, 0])


@case
def serialization_no_failure_after_rollback():
    t, a, b = pair(IsolationLevel.REPEATABLE_READ)
    eq(one(b, f"SELECT v FROM {t} WHERE id = 1"), 0)
    a.execute(f"UPDATE {t} SET v = 1 WHERE id = 1")
    waiting = Background(b.execute, f"UPDATE {t} SET v = 2 WHERE id = 1")
    waiting.assert_blocked()
    a.rollback()
    eq(waiting.result().rowcount, 1)
    b.commit()
    eq(values(b, t), [2, 0])


@case
def deadlock_detected():
    t, a, b = pair()
    a.execute(f"UPDATE {t} SET v = v + 1 WHERE id = 1")
    b.execute(f"UPDATE {t} SET v = v + 10 WHERE id = 2")
    qa = Background(a.execute, f"UPDATE {t} SET v = v + 1 WHERE id = 2")
    qa.assert_blocked(0.3)
    qb = Background(b.execute, f"UPDATE {t} SET v = v + 10 WHERE id = 1")
    qa.finish(30)
    qb.finish(30)
    failed = [q.error for q in (qa, qb) if q.error]
    eq(len(failed), 1, f"victims {failed!r}")
    assert isinstance(failed[0], errors.DeadlockDetected), repr(failed[0])
    eq(failed[0].sqlstate, "40P01")
    eq(failed[0].diag.message_primary, "deadlock detected")
    victim, survivor = (a, b) if qa.error else (b, a)
    eq(victim.info.transaction_status, TransactionStatus.INERROR)
    victim.rollback()
    survivor.commit()
    eq(values(a, t), [10, 10] if victim is a else [1, 1])


@case
def select_for_update_blocks_update():
    t, a, b = pair()
    eq(one(a, f"SELECT v FROM {t} WHERE id = %s FOR UPDATE", [1]), 0)
    waiting = Background(b.execute, f"UPDATE {t} SET v = v + 10 WHERE id = 1")
    waiting.assert_blocked()
    a.execute(f"UPDATE {t} SET v = 5 WHERE id = 1")
    a.commit()
    eq(waiting.result().rowcount, 1)
    b.commit()
    eq(values(a, t), [15, 0])


@case
def select_for_update_waits_and_sees_new_value():
    t, a, b = pair()
    a.execute(f"UPDATE {t} SET v = 7 WHERE id = 1")
    waiting = Background(one, b, f"SELECT v FROM {t} WHERE id = 1 FOR UPDATE")
    waiting.assert_blocked()
    a.commit()
    eq(waiting.result(), 7)
    b.rollback()


@case
def select_for_update_does_not_block_readers():
    t, a, b = pair()
    eq(len(a.execute(f"SELECT * FROM {t} FOR UPDATE").fetchall()), 2)
    eq(Background(values, b, t).result(5), [0, 0])
    a.rollback()


@case
def select_for_update_released_by_rollback():
    t, a, b = pair()
    a.execute(f"SELECT * FROM {t} WHERE id = 1 FOR UPDATE")
    waiting = Background(b.execute, f"SELECT * FROM {t} WHERE id = 1 FOR UPDATE")
    waiting.assert_blocked()
    a.rollback()
    eq(waiting.result().fetchall(), [(1, 0)])
    b.rollback()


@case
def select_for_update_repeatable_read_fails():
    t, a, b = pair(IsolationLevel.REPEATABLE_READ)
    eq(one(b, f"SELECT v FROM {t} WHERE id = 1"), 0)
    a.execute(f"UPDATE {t} SET v = 1 WHERE id = 1")
    a.commit()
    raises(errors.SerializationFailure, b.execute, f"SELECT v FROM {t} WHERE id = 1 FOR UPDATE")
    b.rollback()


@case
def concurrent_increments_are_not_lost():
    with connect() as setup:
        t = two_rows(setup)
    conns = [connect() for _ in range(8)]

    def work(c):
        for _ in range(50):
            c.execute(f"UPDATE {t} SET v = v + %s WHERE id = 1", [1])

    jobs = [Background(work, c) for c in conns]
    for j in jobs:
        j.result(40)
    eq(values(conns[0], t), [400, 0])


# --------------------------------------------------------------------- main


def cleanup():
    if any(t.is_alive() for t in THREADS):  # unblock what a failed case left waiting
        for c in OPEN:
            try:
                s = socket.socket(fileno=os.dup(c.fileno()))
                s.shutdown(socket.SHUT_RDWR)
                s.close()
            except Exception:
                pass
        for t in THREADS:
            t.join(2)
    for c in OPEN:
        try:
            c.close()
        except Exception:
            pass
    OPEN.clear()
    THREADS.clear()


def on_alarm(signum, frame):
    raise CaseTimeout(f"no end within {CASE_TIMEOUT} s")


def drop_tables():
    try:
        with psycopg.connect(URL, autocommit=True, connect_timeout=10) as conn:
            for t in sorted(TABLES):
                conn.execute(f"DROP TABLE IF EXISTS {t}")
    except Exception as e:
        print(f"# tables not dropped: {e}")


def main():
    global URL, CURRENT
    if len(sys.argv) < 2:
        sys.exit("usage: psycopg_test.py URL [SUBSTRING...]")
    URL, wanted = sys.argv[1], sys.argv[2:]
    eq(len({n for n, _ in CASES}), len(CASES), "case names must be distinct")
    signal.signal(signal.SIGALRM, on_alarm)
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    passed = failed = 0
    for name, fn in CASES:
        if wanted and not any(w in name for w in wanted):
            continue
        CURRENT = name
        try:
            signal.alarm(CASE_TIMEOUT)
            fn()
            signal.alarm(0)
            passed += 1
            print(f"ok {name}", flush=True)
        except Exception as e:
            signal.alarm(0)
            failed += 1
            text = " ".join(str(e).split())
            print(f"FAIL {name}: {type(e).__name__}: {text[:600]}", flush=True)
        finally:
            signal.alarm(0)
            cleanup()
    signal.alarm(CASE_TIMEOUT)
    drop_tables()
    signal.alarm(0)
    print(f"{passed} passed, {failed} failed", flush=True)
    os._exit(1 if failed else 0)  # do not wait for threads a broken server holds


if __name__ == "__main__":
    main()
