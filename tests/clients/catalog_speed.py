"""How fast clients learn what is in a database with many tables, beside PostgreSQL.

    python catalog_speed.py CAIRN_URL POSTGRES_URL [TABLES]

Makes TABLES tables (1,000) where they are not there yet, then measures the queries of psql's `\\d table`
one by one, and SQLAlchemy's reflection of all tables.  Prints milliseconds of both and their ratio.
Needs psycopg and sqlalchemy, and psql, whose queries it takes from `psql -E`.
"""

import re
import subprocess
import sys
import time

import psycopg
import sqlalchemy

REPEATS = 5


def make(url, tables):
    with psycopg.connect(url) as conn:
        if conn.execute("SELECT to_regclass('speed_00000')").fetchone()[0] is not None:
            return
        for at in range(tables):
            parent = f", parent int REFERENCES speed_{at - 1:05}" if at % 5 else ""
            conn.execute(
                f"CREATE TABLE speed_{at:05} (id serial PRIMARY KEY, name text NOT NULL UNIQUE, "
                f"amount numeric(10,2) CHECK (amount > 0), made timestamptz DEFAULT now(){parent})"
            )
            conn.execute(f"CREATE INDEX ON speed_{at:05} (made)")
            if at % 100 == 99:
                conn.commit()


def describing(url, table):
    """The queries of psql's \\d, in which `{oid}` stands for the table."""
    psql = ["psql", "-X", "-E", "-d", url, "-c", f"\\d {table}"]
    shown = subprocess.run(psql, capture_output=True, text=True, check=True).stdout
    oid = re.search(r"oid = '(\d+)'", shown)[1]
    queries = re.findall(r"\*{5,} QUERY \*{5,}\n(.*?)\n\*{10,}", shown, re.S)
    return [query.replace(f"'{oid}'", "'{oid}'") for query in queries]


def describe_ms(url, table, queries):
    with psycopg.connect(url, autocommit=True) as conn:
        oid = conn.execute("SELECT %s::regclass::oid", (table,)).fetchone()[0]
        best = []
        for query in queries:
            query = query.replace("{oid}", str(oid))
            times = []
            for _ in range(REPEATS):
                start = time.perf_counter()
                conn.execute(query).fetchall()
                times.append((time.perf_counter() - start) * 1000)
            best.append(min(times))
        return best


def reflect_ms(url):
    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as conn:
        start = time.perf_counter()
        sqlalchemy.MetaData().reflect(conn)
        return (time.perf_counter() - start) * 1000


def line(what, cairn, postgres):
    print(f"{cairn:10.2f} {postgres:10.2f} {cairn / postgres:8.1f}  {what}")


def main():
    cairn, postgres = sys.argv[1:3]
    tables = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    for url in (cairn, postgres):
        make(url, tables)
    table = f"speed_{tables // 2 + 1:05}"
    queries = describing(postgres, table)
    ours, theirs = (describe_ms(url, table, queries) for url in (cairn, postgres))
    print("  cairn ms   postgres    ratio")
    for query, *both in zip(queries, ours, theirs):
        line(" ".join(query.split())[:70], *both)
    line("\\d in all", sum(ours), sum(theirs))
    line(f"reflection of {tables} tables", reflect_ms(cairn), reflect_ms(postgres))


if __name__ == "__main__":
    main()
