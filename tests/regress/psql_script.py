"""Cuts a psql script into statements, as psql itself would: what ends at a semicolon, or is a backslash command.

A runner needs them apart to compare them one by one, and psql does not say where one ends. Each is still run by
psql, so variables, quoting and output stay its business; only the ends are found here.
"""

import re
from dataclasses import dataclass

DOLLAR_QUOTE = re.compile(r"\$(?:[A-Za-z_\x80-\uffff][A-Za-z0-9_\x80-\uffff]*)?\$")
WORD = re.compile(r"[A-Za-z_\x80-\uffff][A-Za-z0-9_$\x80-\uffff]*")
# These end the statement before them and send it.
SENDS = re.compile(r"\\(?:g|gx|gset|gexec|gdesc|crosstabview|watch)(?![a-z])")
# Backslash commands that ask the server something, so their output is worth comparing.
ASKS = re.compile(r"\\(?:d[a-zA-Z]*[+S]*|l\+?|z|sf\+?|sv\+?|copy)(?![a-z])")
# Quoted text and comments, and parentheses that have no others inside.
PLAIN = re.compile(r"'[^']*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
PARENTHESES = re.compile(r"\([^()]*\)")
COPY_FROM_STDIN = re.compile(r"^\s*copy\b(.*?)\bfrom\s+(?:stdin|stdout)\b(.*)$", re.IGNORECASE | re.DOTALL)
STRINGS_ESCAPE = re.compile(r"^\s*set\s+(?:session\s+)?standard_conforming_strings\s*(?:=|to)\s*'?(on|off)", re.IGNORECASE)
# Rows of COPY do not look like this; what follows a COPY that is to fail does.
LOOKS_LIKE_SQL = re.compile(r"^(?:copy|insert|select|create|drop|begin|commit|alter|truncate|--)\b", re.IGNORECASE)


@dataclass
class Statement:
    """A piece of a script that psql runs before anything comes back."""

    text: str
    line: int
    # The rows that follow in the script, for each COPY ... FROM STDIN in the text.
    data: list = None

    @property
    def is_command(self):
        return self.text.startswith("\\")

    @property
    def counts(self):
        """Whether its output is the server's, and is to be the same. Plans are a matter of each server."""
        if re.search(r"\bexplain", self.text, re.IGNORECASE):
            return False
        return not self.is_command or ASKS.match(self.text) is not None

    @property
    def has_order(self):
        """Whether its rows come in an order, rather than those of a subquery or a window."""
        text, outside = PLAIN.sub("", self.text), None
        while text != outside:
            text, outside = PARENTHESES.sub("", text), text
        return re.search(r"\border\s+by\b", outside, re.IGNORECASE) is not None


class Splitter:
    """One pass over a script."""

    def __init__(self, script):
        self.script = script
        self.at = 0
        self.escapes = False

    def statements(self):
        found = []
        while True:
            self.skip_between()
            if self.at >= len(self.script):
                return found
            start = self.at
            line = self.script.count("\n", 0, start) + 1
            if self.script[start] == "\\":
                text = self.command()
            else:
                text = self.statement()
            statement = Statement(text.strip(), line)
            escape = STRINGS_ESCAPE.match(text)
            if escape:
                self.escapes = escape.group(1).lower() == "off"
            if not statement.is_command:
                copies = [part for part in text.split("\\;") if COPY_FROM_STDIN.match(part)]
                data = [self.copy_data() for _ in copies]
                statement.data = data if data and None not in data else None
            found.append(statement)

    def skip_between(self):
        """White space and comments, which psql does not wait for."""
        while self.at < len(self.script):
            if self.script[self.at].isspace():
                self.at += 1
            elif self.script.startswith("--", self.at):
                self.at = self.line_end()
            elif self.script.startswith("/*", self.at):
                self.at = self.comment_end(self.at)
            else:
                return

    def line_end(self):
        end = self.script.find("\n", self.at)
        return len(self.script) if end < 0 else end

    def comment_end(self, at):
        depth = 0
        while at < len(self.script):
            if self.script.startswith("/*", at):
                depth, at = depth + 1, at + 2
            elif self.script.startswith("*/", at):
                depth, at = depth - 1, at + 2
                if depth == 0:
                    return at
            else:
                at += 1
        return at

    def quote_end(self, at, quote, escapes):
        """After the quoted text that begins at `at`."""
        at += 1
        while at < len(self.script):
            if escapes and self.script[at] == "\\":
                at += 2
            elif self.script[at] == quote:
                return at + 1
            else:
                at += 1
        return at

    def command(self):
        """A backslash command ends with its line; \\if with its \\endif."""
        start, depth = self.at, 0
        while True:
            word = self.script[self.at : self.line_end()].strip().split(" ")[0]
            depth += {"\\if": 1, "\\endif": -1}.get(word, 0)
            self.at = self.line_end()
            if depth <= 0 or self.at >= len(self.script):
                return self.script[start : self.at]
            self.at += 1

    def statement(self):
        start, parentheses, blocks, words = self.at, 0, 0, []
        while self.at < len(self.script):
            char = self.script[self.at]
            if char == "'":
                before = self.script[self.at - 1 : self.at].lower() if self.at > start else ""
                apart = self.at - 2 < start or not (self.script[self.at - 2].isalnum() or self.script[self.at - 2] == "_")
                self.at = self.quote_end(self.at, "'", self.escapes or (before == "e" and apart))
            elif char == '"':
                self.at = self.quote_end(self.at, '"', False)
            elif char == "$" and DOLLAR_QUOTE.match(self.script, self.at):
                tag = DOLLAR_QUOTE.match(self.script, self.at).group()
                end = self.script.find(tag, self.at + len(tag))
                self.at = len(self.script) if end < 0 else end + len(tag)
            elif self.script.startswith("--", self.at):
                self.at = self.line_end()
            elif self.script.startswith("/*", self.at):
                self.at = self.comment_end(self.at)
            elif char == "\\":
                if SENDS.match(self.script, self.at):
                    self.at = self.line_end()
                    return self.script[start : self.at]
                self.at += 2
            elif char == ";" and parentheses == 0 and blocks == 0:
                self.at += 1
                return self.script[start : self.at]
            elif WORD.match(self.script, self.at):
                word = WORD.match(self.script, self.at).group()
                self.at += len(word)
                word = word.lower()
                words.append(word)
                # Bodies of BEGIN ATOMIC ... END have semicolons of their own.
                routine = words[0] == "create" and {"function", "procedure"} & set(words[1:4])
                if routine and (word in ("begin", "case") if blocks else words[-2:] == ["begin", "atomic"]):
                    blocks += 1
                elif routine and word == "end" and blocks > 0:
                    blocks -= 1
            else:
                parentheses += {"(": 1, ")": -1}.get(char, 0)
                parentheses = max(parentheses, 0)
                self.at += 1
        return self.script[start:]

    def copy_data(self):
        """The rows up to `\\.`, or None if the COPY is to fail and the script just goes on."""
        rest = self.script[self.line_end() + 1 :]
        end = re.search(r"^\\\.$", rest, re.MULTILINE)
        if end is None:
            return None
        lines = rest[: end.start()].split("\n")[:-1]
        if any(LOOKS_LIKE_SQL.match(line) for line in lines):
            return None
        self.at = self.line_end() + 1 + end.end()
        return lines


def split(script):
    """The statements of a script."""
    return Splitter(script).statements()
