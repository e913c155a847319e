"""Reads and writes files of sqllogictest records (https://www.sqlite.org/sqllogictest/doc/trunk/about.wiki).

As far as they are used here:

    statement ok            query TT rowsort        statement error
    CREATE TABLE t (a int)  SELECT a, b FROM t      SELECT 1 / 0
                            ----                    ----
                            1	x                   22012: division by zero

Records are apart by an empty line; lines that begin with # belong to the record below them. Columns of a row are
apart by a tab. NULL is NULL and an empty text (empty). An error is its SQLSTATE and message.
"""

from dataclasses import dataclass, field


@dataclass
class Record:
    """A statement and what it is to give."""

    header: str
    sql: str
    line: int
    comment: list = field(default_factory=list)
    # None if the file has none yet.
    expected: list = None

    @property
    def kind(self):
        return self.header if self.header.startswith("statement") else "query"

    @property
    def sorts(self):
        return "rowsort" in self.header.split()

    def text(self):
        lines = [*self.comment, self.header, self.sql]
        if self.kind != "statement ok" and self.expected is not None:
            lines += ["----", *self.expected]
        return "\n".join(lines) + "\n"


class Malformed(Exception):
    """What is wrong with a file."""


def read(path):
    """The records of a file."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    records, at = [], 0
    while at < len(lines):
        if not lines[at]:
            at += 1
            continue
        start = at
        while at < len(lines) and lines[at]:
            at += 1
        block = lines[start:at]
        head = next((index for index, line in enumerate(block) if not line.startswith("#")), None)
        if head is None:
            # A comment that stands alone, at the head of the file.
            records.append(Record("", "", start + 1, block))
            continue
        body = block[head + 1 :]
        cut = body.index("----") if "----" in body else None
        sql, expected = (body, None) if cut is None else (body[:cut], body[cut + 1 :])
        record = Record(block[head], "\n".join(sql), start + head + 1, block[:head], expected)
        if record.kind not in ("statement ok", "statement error", "query") or not sql:
            raise Malformed(f"{path}:{record.line}: no record: {record.header}")
        records.append(record)
    return records


def write(path, records):
    """Writes them as `read` reads them."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(record.text() if record.header else "\n".join(record.comment) + "\n" for record in records))
