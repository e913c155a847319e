#!/usr/bin/env python3
"""PostgreSQL 15's regression scripts on two servers, statement by statement: how many give the same.

    run.py [--server SERVER] [--oracle SERVER] [--diff] [--reasons FILE] [--floor | --update] [SCRIPT...]

A SERVER is `postgres` (a throwaway cluster, the default oracle), the path of a cairn program (a throwaway server on
an empty directory, the default being target/release/cairn), or the URL of a server that runs already, which is used
as it is. SCRIPTs are names of files in PostgreSQL's src/test/regress/sql, or paths; without any, those in
scripts.txt. They are fetched once (see ../postgres_source.sh) into the directory --source.

Each script begins on an empty database after test_setup.sql. Prints a line a script,

    NAME SAME/STATEMENTS

and with --diff each statement that differs, with both outputs. Compared are rows, notices, and errors with SQLSTATE,
detail, hint and position. EXPLAIN does not count. Rows of a statement without ORDER BY may come in any order. A
statement may take 10 s. In the end, on stderr, come the reasons why statements differ, most frequent first
(--reasons FILE puts them there). Outputs are kept in SOURCE/results as NAME.expected and NAME.found.

--floor fails if a script gives the same less often than shares.txt says; --update writes that file and the table in
docs/compatibility.md anew. Exit status 0 if all ran, whatever came of them; 1 if it is less than the floor.
"""

import argparse
import difflib
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

import psql_script
import servers
from reasons import Reasons

TARGET = os.path.join(HERE, "..", "..", "target")
SHARES = os.path.join(HERE, "shares.txt")
DOCUMENT = os.path.join(HERE, "..", "..", "docs", "compatibility.md")
BEGIN, END = "<!-- regress:begin -->", "<!-- regress:end -->"
STATEMENT_LIMIT_S = 10
# As pg_regress has them.
PSQL_ARGUMENTS = ["-v", "HIDE_TABLEAM=on", "-v", "HIDE_TOAST_COMPRESSION=on"]
# Scripts that need what others make, according to PostgreSQL's parallel_schedule.
NEEDS = {"aggregates": ["create_aggregate"], "join": ["create_misc"], "with": ["create_misc"]}
SET_PATH = re.compile(r"^\\set\s+(\w+)\s+:(abs_srcdir|abs_builddir)\s+'([^']*)'")
COPY_PATH = re.compile(r"^\s*COPY\s+(.*?)\s+FROM\s+:'(\w+)'\s*(.*);$", re.IGNORECASE | re.DOTALL)
# Functions in C need a library that Debian does not ship, so no server gets them.
IN_C = re.compile(r"\blanguage\s+'?c\b", re.IGNORECASE)


def prepare(statement, files, directory, number):
    """What psql is to be sent for a statement."""
    if COPY_PATH.match(statement.text):
        # Both servers read files of data through the client.
        relation, name, options = COPY_PATH.match(statement.text).groups()
        return f"\\copy {relation} from '{files[name]}' {options}"
    if statement.data is None:
        # A COPY that is to fail may not, and wait for data. psql forgets what it took for the beginning of a statement.
        copies = psql_script.COPY_FROM_STDIN.match(statement.text)
        return f"{statement.text}\n\\.\n\\r" if copies else statement.text
    if len(statement.data) > 1:
        ends = ["\n".join([*rows, "\\."]) for rows in statement.data]
        return "\n".join([statement.text, *ends, "\\r"])
    # Read from a file, so that the rows are not taken for statements when COPY fails.
    path = os.path.join(directory, f"{number}.data")
    with open(path, "w", errors="surrogateescape") as file:
        file.writelines(f"{line}\n" for line in statement.data[0])
    before, options = psql_script.COPY_FROM_STDIN.match(statement.text.rstrip(";")).groups()
    return " ".join(f"\\copy {before} from '{path}' {options}".split("\n"))


def execute(psql, statements, source):
    """The output of each."""
    files, outputs = {}, []
    with tempfile.TemporaryDirectory() as directory:
        for number, statement in enumerate(statements):
            path = SET_PATH.match(statement.text)
            if path:
                files[path.group(1)] = source + path.group(3)
            if IN_C.search(statement.text):
                outputs.append("")
            else:
                outputs.append(psql.run(prepare(statement, files, directory, number)))
    return outputs


def equal(statement, expected, found):
    if expected == found:
        return True
    return not statement.has_order and sorted(expected.split("\n")) == sorted(found.split("\n"))


class Regress:
    """Both servers, prepared."""

    def __init__(self, options):
        self.options = options
        self.source = os.path.join(os.path.abspath(options.source), "regress")
        self.results = os.path.join(os.path.abspath(options.source), "results")
        os.makedirs(self.results, exist_ok=True)
        fetched = subprocess.run([os.path.join(HERE, "..", "postgres_source.sh"), options.source], check=False)
        if fetched.returncode:
            raise SystemExit("the scripts could not be fetched")
        self.sides = []
        try:
            for name in (options.oracle, options.server):
                self.sides.append(servers.server(name))
            self.environment = self.common_environment()
            self.reasons = Reasons()
            self.both(lambda side: self.scripts(side, ["test_setup"]))
            self.both(lambda side: side.save())
        except BaseException:
            self.stop()
            raise

    def stop(self):
        for side in self.sides:
            side.stop()

    def both(self, work):
        with ThreadPoolExecutor(2) as threads:
            return list(threads.map(work, self.sides))

    def common_environment(self):
        """Settings of pg_regress, as far as both servers have them."""
        environment = {
            "PG_ABS_SRCDIR": self.source,
            "PG_ABS_BUILDDIR": self.source,
            "PG_LIBDIR": "/nowhere",
            "PG_DLSUFFIX": ".so",
        }
        styles = {"PGTZ": "PST8PDT", "PGDATESTYLE": "Postgres, MDY", "PGOPTIONS": "-c intervalstyle=postgres_verbose"}
        for name, value in styles.items():
            works = [servers.Psql(side, {name: value}, STATEMENT_LIMIT_S) for side in self.sides]
            if all("FATAL" not in psql.run("SELECT 1;") for psql in works):
                environment[name] = value
            else:
                print(f"# without {name}={value}", file=sys.stderr)
            for psql in works:
                psql.close()
        return environment

    def scripts(self, side, names):
        """Runs them in one session each; the outputs of the last."""
        for name in names:
            psql = servers.Psql(side, self.environment, STATEMENT_LIMIT_S, PSQL_ARGUMENTS)
            try:
                statements = self.statements(name)
                outputs = execute(psql, statements, self.source)
            finally:
                psql.close()
        return psql, statements, outputs

    def statements(self, name):
        path = name if os.path.sep in name else os.path.join(self.source, "sql", f"{name}.sql")
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return psql_script.split(file.read())

    def compare(self, name):
        """Runs a script on both, prints how many statements give the same. Returns the two numbers."""
        self.both(lambda side: side.reset())
        needs = NEEDS.get(name, [])
        (_, statements, expected), (psql, _, found) = self.both(lambda side: self.scripts(side, [*needs, name]))
        name = os.path.basename(name).removesuffix(".sql")
        self.keep(f"{name}.expected", statements, expected)
        self.keep(f"{name}.found", statements, found)
        same = total = 0
        self.reasons.begin_script()
        for statement, expected, found in zip(statements, expected, found):
            if not statement.counts:
                continue
            total += 1
            if equal(statement, expected, found):
                same += 1
                continue
            where = f"{name}:{statement.line}"
            reason, follows = self.reasons.add(where, statement.text, expected, found)
            if self.options.diff:
                self.show(where, statement, expected, found, f"{'after: ' if follows else ''}{reason}")
        remarks = [f"{count} {what}" for count, what in [(psql.hangs, "hangs"), (psql.crashes, "crashes")] if count]
        print(" ".join([name, f"{same}/{total}", *remarks]), flush=True)
        return same, total

    def keep(self, name, statements, outputs):
        with open(os.path.join(self.results, name), "w", errors="surrogateescape") as file:
            for statement, output in zip(statements, outputs):
                file.write(f"{statement.text}\n{output}\n" if output else f"{statement.text}\n")

    @staticmethod
    def show(where, statement, expected, found, reason):
        print(f"\n=== {where}  [{reason}]\n{statement.text}")
        lines = difflib.unified_diff(expected.split("\n"), found.split("\n"), n=1000, lineterm="")
        print("\n".join(list(lines)[3:]))


def known_shares():
    with open(SHARES) as file:
        return {name: tuple(map(int, share.split("/"))) for name, share in map(str.split, file)}


def below_floor(results):
    """The scripts that give the same less often than they used to. Minor versions of PostgreSQL differ in totals."""
    known = known_shares()
    sunk = {}
    for name, (same, total) in results.items():
        known_same, known_total = known.get(name, (0, 1))
        if same * known_total < known_same * total:
            sunk[name] = f"{name} {same}/{total}, was {known_same}/{known_total}"
    return sunk


def say_what_rose(results):
    known = known_shares()
    for name, (same, total) in results.items():
        known_same, known_total = known.get(name, (0, 1))
        if same * known_total > known_same * total:
            print(f"# {name} {same}/{total}, was {known_same}/{known_total}: --update notes it", file=sys.stderr)


def percent(results):
    same, total = map(sum, zip(*results))
    return f"{100 * same / total:.0f} %" if same in (0, total) else f"{min(max(100 * same / total, 1), 99):.0f} %"


def update(results, groups):
    """Writes what came of each script to where it is kept, and to the document."""
    shares = known_shares() | results
    names = [name for group in groups.values() for name in group]
    with open(SHARES, "w") as file:
        file.writelines(f"{name} {shares[name][0]}/{shares[name][1]}\n" for name in names)
    same, total = map(sum, zip(*shares.values()))
    lines = ["| scripts | the same | of each |", "|---|---:|---|"]
    for group, members in groups.items():
        each = ", ".join(f"{name} {percent([shares[name]])}" for name in members)
        lines.append(f"| {group} | {percent([shares[name] for name in members])} | {each} |")
    lines.append(f"| all | {percent([(same, total)])} | {same:,} of {total:,} statements |")
    with open(DOCUMENT) as file:
        text = file.read()
    table = "\n".join([BEGIN, *lines, END])
    with open(DOCUMENT, "w") as file:
        file.write(re.sub(f"{BEGIN}.*{END}", lambda _: table, text, flags=re.DOTALL))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=os.path.join(TARGET, "release", "cairn"))
    parser.add_argument("--oracle", default="postgres")
    parser.add_argument("--source", default=os.path.join(TARGET, "postgres-source"))
    parser.add_argument("--diff", action="store_true")
    parser.add_argument("--reasons")
    parser.add_argument("--floor", action="store_true")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("scripts", nargs="*")
    options = parser.parse_args()
    with open(os.path.join(HERE, "scripts.txt")) as file:
        groups = {group: names.split() for group, names in (line.split(":") for line in file)}
    regress = Regress(options)
    try:
        scripts = options.scripts or [name for names in groups.values() for name in names]
        results = {name: regress.compare(name) for name in scripts}
        if options.floor:
            # Rows that are equal in ORDER BY come in the order in which threads finish, so a share may vary by a few.
            for name in below_floor(results):
                results[name] = max(results[name], regress.compare(name))
    finally:
        regress.stop()
    print("total {}/{}".format(*map(sum, zip(*results.values()))))
    reasons = "\n".join(regress.reasons.lines())
    if options.reasons:
        with open(options.reasons, "w") as file:
            file.write(f"{reasons}\n")
    elif not options.floor:
        print(reasons, file=sys.stderr)
    if options.update:
        update(results, groups)
    if options.floor:
        say_what_rose(results)
        sunk = below_floor(results)
        if sunk:
            sys.exit("less is the same than shares.txt says:\n" + "\n".join(sunk.values()))


if __name__ == "__main__":
    main()
