"""Why statements differ: what the server said of them, or of the statement that they needed.

A table that could not be made fails whatever uses it. Such failures are put down to what failed first, so that the
list says what to do next rather than what hurts last.
"""

import re
from collections import Counter, defaultdict

ERROR = re.compile(r"^(?:ERROR|FATAL|PANIC):  (?:(\w{5}): )?(.*)$", re.MULTILINE)
CREATES = re.compile(
    r"^create\s+(?:or\s+replace\s+|global\s+|local\s+|temp(?:orary)?\s+|unlogged\s+|recursive\s+|materialized\s+|"
    r"unique\s+|constraint\s+|trusted\s+|procedural\s+|aggregate\s+)*"
    r"(?:table|view|type|domain|function|procedure|aggregate|sequence|schema|index|role|user|rule|trigger|operator|cast|"
    r"collation|language)\s+(?:concurrently\s+)?(?:if\s+not\s+exists\s+)?\"?([\w.]+)",
    re.IGNORECASE,
)
INTO = re.compile(r"^(?:with\b.*\)\s*)?select\b.*?\binto\s+(?:temp\s+|temporary\s+|table\s+|unlogged\s+)*\"?([\w.]+)", re.I | re.S)
CHANGES = re.compile(
    r"\b(?:insert\s+into|update|delete\s+from|merge\s+into|truncate(?:\s+table)?|copy|alter\s+\w+|comment\s+on\s+\w+|set)\s+"
    r"(?:only\s+|if\s+exists\s+)*\"?([\w.]+)",
    re.IGNORECASE,
)
NAMED = re.compile(r"^(?:prepare|declare|savepoint)\s+\"?(\w+)", re.IGNORECASE)
MISSING = re.compile(
    r"^(?:relation|type|schema|view|table|sequence|index|function|procedure|aggregate|role|prepared statement|cursor|"
    r"savepoint|domain|language|rule|trigger|operator|collation|column|portal) \"?([\w.]+)\"?.* does not exist"
)
VAGUE = re.compile(r"this (?:form|clause)|CREATE \w+ is not|syntax error")
CLAUSES = re.compile(
    r"\b(?:temp(?:orary)?|unlogged|inherits|inherit|partition\s+(?:by|of)|attach\s+partition|detach\s+partition|like|"
    r"on\s+commit|tablespace|exclude\s+using|grouping\s+sets|rollup|cube|distinct\s+on|window|lateral|with\s+ordinality|"
    r"tablesample|fetch\s+first|rows\s+from|only|recursive|concurrently|materialized|if\s+(?:not\s+)?exists|returning|into|"
    r"(?:add|drop|alter|rename|validate|set|owner|enable|disable)\s+(?:column|constraint|type|default|not\s+null|schema|to|"
    r"trigger|rule|statistics|storage|row)|collate|^create\s+table\s+\S+\s+as|(?<=\))\s*as\s+select|of\s+\w+)\b",
    re.IGNORECASE,
)
ABORTED = "current transaction is aborted"


def first_error(output):
    """The message of the first error in it."""
    found = ERROR.search(output)
    return found.group(2).strip() if found else None


def bare(name):
    return name.lower().split(".")[-1]


class Reasons:
    """Of all statements that differed, counted."""

    def __init__(self):
        self.direct = Counter()
        self.followed = Counter()
        self.examples = {}
        self.begin_script()

    def begin_script(self):
        # What the failure of an earlier statement took away or left as it was, by name.
        self.lacking = {}
        self.changed = {}
        self.last = None

    def add(self, where, text, expected, found):
        """Notes a statement whose outputs differ. Returns why, and whether something else is to blame."""
        reason, follows = self.why(text, expected, found)
        self.last = reason
        created = CREATES.match(text) or INTO.match(text) or NAMED.match(text)
        if first_error(found) and not first_error(expected):
            if created:
                self.lacking[bare(created.group(1))] = reason
            for changed in CHANGES.findall(text):
                self.changed.setdefault(bare(changed), reason)
        (self.followed if follows else self.direct)[reason] += 1
        self.examples.setdefault(reason, where)
        return reason, follows

    def why(self, text, expected, found):
        wanted, got = first_error(expected), first_error(found)
        if got is None:
            if "no answer within" in found:
                return "no answer in time", False
            if wanted is not None:
                blamed = self.blamed_for(text, self.changed)
                return (blamed, True) if blamed else (f"no error, but PostgreSQL has: {self.plain(wanted)}", False)
            blamed = self.blamed_for(text, self.changed) or self.blamed_for(text, self.lacking)
            return (blamed, True) if blamed else (self.how_rows_differ(expected, found), False)
        if got.startswith(ABORTED) and self.last and not (wanted or "").startswith(ABORTED):
            return self.last, True
        missing = MISSING.match(got)
        if missing:
            name = bare(missing.group(1))
            blamed = self.lacking.get(name) or self.changed.get(name) or self.blamed_for(text, self.lacking)
            blamed = blamed or self.blamed_for(text, self.changed)
            if blamed:
                return blamed, True
        if wanted is None:
            return self.plain(got, text), False
        if wanted != got:
            return f"another error: {self.plain(got)} | PostgreSQL: {self.plain(wanted)}", False
        return "the same error with another SQLSTATE, detail, hint or position", False

    @staticmethod
    def blamed_for(text, failures):
        words = re.findall(r"[a-z_0-9]+", text.lower())
        return next((failures[word] for word in words if word in failures), None)

    @staticmethod
    def how_rows_differ(expected, found):
        expected, found = expected.split("\n"), found.split("\n")
        if not any(found):
            return "no output where PostgreSQL has some"
        if not any(expected):
            return "output where PostgreSQL has none"
        if any("NOTICE" in line or "WARNING" in line for line in expected + found):
            return "notices or warnings differ"
        if expected[0].split() != found[0].split():
            return "names of columns differ"
        counts = [[line for line in lines if re.match(r"\(\d+ rows?\)", line)] for lines in (expected, found)]
        if counts[0] != counts[1]:
            return "the number of rows differs"
        if sorted(expected) == sorted(found):
            return "the order of rows differs"
        if [line.split() for line in expected] == [line.split() for line in found]:
            return "the width or alignment of columns differs"
        return "values differ"

    @staticmethod
    def plain(message, text=""):
        """Without what is peculiar to one statement, and with what a vague message may mean."""
        message = re.sub(r"\(.*\)(?= (?:STORED )?is not supported)", "(…)", message)
        message = re.sub(r"^(DECLARE|COMMENT ON|this form of DROP) \S+ is not", r"\1 … is not", message)
        message = re.sub(r'^(relation|column|table|view|type|cursor|prepared statement|function|role|constraint) "(?!pg_|information)[^"]*"', r"\1 …", message)
        message = re.sub(r"^column \S+ does not exist", "column … does not exist", message)
        message = re.sub(r'("(?!pg_)\w*\d\w*")', '"…"', message)
        if VAGUE.match(message):
            clauses = {" ".join(clause.lower().split()) for clause in CLAUSES.findall(text)}
            message += "".join(f" [{clause}]" for clause in sorted(clauses))
        return message[:150]

    def lines(self):
        """Most frequent first."""
        total = self.direct + self.followed
        yield "statements (of them because of an earlier one)  first found in  reason"
        for reason, count in sorted(total.items(), key=lambda item: (-item[1], item[0])):
            yield f"{count:5} ({self.followed[reason]:4})  {self.examples[reason]:24}  {reason}"
