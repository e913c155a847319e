#!/usr/bin/env python3
"""SQL logic tests: the records of */*.slt on a server, a folder for each feature.

    run.py [--server SERVER] [--oracle SERVER] [--diff] [--known | --update] [FOLDER or FILE...]

A SERVER is `postgres` (a throwaway cluster of PostgreSQL 15), the path of a cairn program (a throwaway server on an
empty directory), or the URL of one that runs already, which is used as it is. Without --oracle, records are held to
what the files say; with --oracle that server is held to them as well, and has to give all of it. --update writes what
the oracle gives into the files, where it says what is right. Each file begins on an empty database. Prints a line a
folder,

    FOLDER SAME/RECORDS

and with --diff each record that differs. known.txt has, for each folder, how many records fail at present; --known
fails if a folder has more, and tells of those that have fewer. --note writes that file and the table in
docs/compatibility.md anew.
"""

import argparse
import glob
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

import servers
import slt

ROOT = os.path.join(HERE, "..", "..")
KNOWN = os.path.join(HERE, "known.txt")
DOCUMENT = os.path.join(ROOT, "docs", "compatibility.md")
BEGIN, END = "<!-- logic:begin -->", "<!-- logic:end -->"
LIMIT_S = 10
COLUMN, ROW = "\x1f", "\x1e"
PSQL_ARGUMENTS = ["-A", "-P", "footer=off", "-F", COLUMN, "-R", ROW, "-P", "null=NULL"]
ERROR = re.compile(r"^(?:ERROR|FATAL):  (.*)$", re.MULTILINE)
NOTICE = re.compile(r"^(?:NOTICE|WARNING|INFO|DETAIL|HINT|CONTEXT):  .*\n?", re.MULTILINE)


def outcome(record, output):
    """What a record gave, in the form of the files: what kind of record it is, and its lines."""
    error = ERROR.search(output)
    if error:
        return "statement error", [error.group(1)]
    if "no answer within" in output:
        return "nothing", [output]
    output = NOTICE.sub("", output)
    if not output:
        return "statement ok", []
    # The names of the columns come first, else an empty text would look like no row.
    _, *rows = output.split(ROW)
    rows = ["\t".join(value or "(empty)" for value in row.split(COLUMN)).replace("\n", "\\n") for row in rows]
    return "query", sorted(rows) if record.sorts else rows


def gives(record, found):
    """Whether that is what the file says."""
    kind, lines = found
    if kind != record.kind:
        return False
    return kind == "statement ok" or lines == (sorted(record.expected) if record.sorts else record.expected)


def run(server, records):
    """What each record gives, in one session."""
    server.reset()
    psql = servers.Psql(server, {"PGTZ": "UTC"}, LIMIT_S, PSQL_ARGUMENTS)
    try:
        # \g sends what there is, complete or not, where a semicolon within parentheses does not.
        return [outcome(record, psql.run(f"{record.sql}\n\\g")) if record.header else None for record in records]
    finally:
        psql.close()


def update(path, records, found):
    """Writes what the oracle gave. What was to fail has to fail, and nothing else."""
    for record, result in zip(records, found):
        if not record.header:
            continue
        kind, lines = result
        if kind != record.kind:
            raise SystemExit(f"{path}:{record.line}: {record.header}, but PostgreSQL gives {kind} {lines}\n{record.sql}")
        record.expected = lines
        if kind == "query":
            columns = {len(line.split("\t")) for line in lines}
            record.header = " ".join(["query", "T" * columns.pop() if columns else "T", *record.header.split()[2:]])
    slt.write(path, records)


def show(path, record, result):
    kind, lines = result
    print(f"\n{os.path.relpath(path, HERE)}:{record.line}: {record.header}\n{record.sql}\n----")
    if record.kind != "statement ok":
        print("\n".join(f"-{line}" for line in record.expected))
    print("\n".join(f"+{line}" for line in lines) if lines else f"+{kind}")


def known():
    with open(KNOWN) as file:
        return {folder: int(count) for folder, count in map(str.split, file)}


def note(results):
    """Writes how many records fail where it is kept, and the table of the document."""
    failing = known() | {folder: total - same for folder, (same, total) in results.items()}
    with open(KNOWN, "w") as file:
        file.writelines(f"{folder} {failing[folder]}\n" for folder in sorted(failing))
    areas = {}
    for folder, (same, total) in sorted(results.items()):
        area, _, name = folder.partition("/")
        areas.setdefault(area, []).append((name, same, total))
    lines = ["| records | the same | of each |", "|---|---:|---|"]
    for area, folders in areas.items():
        each = ", ".join(f"{name} {same}/{total}" for name, same, total in folders if name)
        lines.append(f"| {area} | {sum(same for _, same, _ in folders):,} of {sum(all for _, _, all in folders):,} | {each} |")
    same, total = map(sum, zip(*results.values()))
    lines.append(f"| all | {same:,} of {total:,} | |")
    with open(DOCUMENT) as file:
        text = file.read()
    table = "\n".join([BEGIN, *lines, END])
    with open(DOCUMENT, "w") as file:
        file.write(re.sub(f"{BEGIN}.*{END}", lambda _: table, text, flags=re.DOTALL))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server")
    parser.add_argument("--oracle")
    parser.add_argument("--diff", action="store_true")
    parser.add_argument("--known", action="store_true")
    parser.add_argument("--note", action="store_true")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("paths", nargs="*", help="folders or files, here all")
    options = parser.parse_args()
    names = [options.oracle or "postgres"] if options.update else [name for name in (options.server, options.oracle) if name]
    if not names:
        parser.error("no server")
    paths = [path for given in options.paths or [HERE] for path in files(given)]
    results, wrong = {}, 0
    sides = []
    try:
        for name in names:
            sides.append(servers.server(name))
            sides[-1].save()
        for path in paths:
            records = slt.read(path)
            with ThreadPoolExecutor(len(sides)) as threads:
                outcomes = list(threads.map(lambda side: run(side, records), sides))
            if options.update:
                update(path, records, outcomes[0])
                continue
            folder = os.path.relpath(os.path.dirname(os.path.abspath(path)), HERE)
            for side, (name, outcome) in enumerate(zip(names, outcomes)):
                checked = [(record, result) for record, result in zip(records, outcome) if record.header]
                differs = [(record, result) for record, result in checked if not gives(record, result)]
                if side == 0:
                    same, total = results.get(folder, (0, 0))
                    results[folder] = (same + len(checked) - len(differs), total + len(checked))
                else:
                    wrong += len(differs)
                if options.diff or side > 0:
                    for record, result in differs:
                        show(path, record, result)
    finally:
        for side in sides:
            side.stop()
    if options.update:
        return
    for folder, (same, total) in results.items():
        print(f"{folder} {same}/{total}")
    print("total {}/{}".format(*map(sum, zip(*results.values()))))
    if options.note:
        note(results)
    if wrong:
        sys.exit(f"{wrong} records are not what {options.oracle} gives")
    if options.known:
        expected = known()
        worse = []
        for folder, (same, total) in results.items():
            says = f"{folder}: {total - same} records fail, known.txt says {expected.get(folder, 0)}"
            if total - same > expected.get(folder, 0):
                worse.append(says)
            elif total - same < expected.get(folder, 0):
                print(f"# {says}: --note notes it", file=sys.stderr)
        if worse:
            sys.exit("more fails than known.txt says (--diff shows how):\n" + "\n".join(worse))


def files(path):
    path = path if os.path.exists(path) else os.path.join(HERE, path)
    if os.path.isfile(path):
        return [path]
    found = sorted(glob.glob(os.path.join(path, "**", "*.slt"), recursive=True))
    return found or sys.exit(f"no records in {path}")


if __name__ == "__main__":
    main()
