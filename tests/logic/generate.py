#!/usr/bin/env python3
"""Writes the generated records: statements made by ./generators, and what PostgreSQL 15 gives for them.

    generate.py [FOLDER...]

Files that it writes say so in their first line. Others in the same folders are written by hand; what they are to give
comes from PostgreSQL as well, by `run.py --update`.
"""

import importlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.dirname(HERE), os.path.join(os.path.dirname(HERE), "regress")]

import psql_script
import run
import servers
import slt

GENERATORS = ["types", "casts", "functions", "datetime", "queries", "grouping", "changes", "definitions", "errors"]
HEAD = ["# Written by generate.py."]


def records(entries):
    """A record for each statement; a string that begins with # tells of the one after it."""
    found, comment = [slt.Record("", "", 0, HEAD)], []
    for entry in entries:
        if entry.startswith("#"):
            comment = [entry]
            continue
        found.append(slt.Record("any", entry.strip(), 0, comment))
        comment = []
    return found


def settle(record, result):
    """Makes of a statement the kind of record that PostgreSQL's answer makes it."""
    kind, lines = result
    if kind == "nothing":
        raise SystemExit(f"PostgreSQL gives {lines} for {record.sql}")
    record.header, record.expected = kind, lines
    if kind == "query":
        columns = lines[0].count("\t") + 1 if lines else 1
        record.header = f"query {'T' * columns}"
        if len(lines) > 1 and not psql_script.Statement(record.sql, 0).has_order:
            record.header += " rowsort"
            record.expected = sorted(lines)


def main():
    wanted = sys.argv[1:]
    oracle = servers.server("postgres")
    try:
        oracle.save()
        for name in GENERATORS:
            for path, entries in importlib.import_module(f"generators.{name}").files().items():
                if wanted and os.path.dirname(path) not in wanted:
                    continue
                made = records(entries)
                for record, result in zip(made, run.run(oracle, made)):
                    if record.header:
                        settle(record, result)
                os.makedirs(os.path.join(HERE, os.path.dirname(path)), exist_ok=True)
                slt.write(os.path.join(HERE, path), made)
                errors = sum(record.header == "statement error" for record in made)
                print(f"{path}: {len(made) - 1} records, {errors} of them errors")
    finally:
        oracle.stop()


if __name__ == "__main__":
    main()
