//! Literals lifted out of a statement's text, so that statements which differ only in them share
//! a plan: drivers that inline values then cost what prepared statements cost.
//!
//! A number is lifted with its type, because the type is part of the plan; a string stays of
//! open type, as in the statement, and is read as what the plan makes of it. Where a literal is more
//! than a value it stays: ordinals of GROUP BY and ORDER BY, type modifiers, LIMIT, typed
//! strings (`date '...'`). This scanner knows just enough of SQL's tokens to tell; whatever it does
//! not know it leaves to the parser, by giving up. A statement that cannot be planned without its
//! literals is remembered as such by the caller.

use crate::error::Result;
use crate::types::io::{self, Style};
use crate::types::{Datum, Numeric, Type};

/// Longest text worth looking at: longer ones are bulk loads that come once.
const MAX_TEXT_BYTES: usize = 64 << 10;
/// Most literals.
const MAX_LITERALS: usize = 1000;

/// A literal in place of which a parameter stands.
pub(super) struct Literal {
    /// The type of a number; `None` for a string.
    pub kind: Option<Type>,
    text: String,
    /// Where it stands in the text, in bytes.
    at: usize,
}

/// A statement's text with `$1`, `$2`, ... for its literals.
pub(super) struct Lifted {
    pub text: String,
    pub literals: Vec<Literal>,
}

/// What stands before a place in the text.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// An operator, comma or parenthesis, or a key word that a value follows.
    Open,
    /// A value or name, or a key word that something else than a value follows.
    Closed,
}

/// Key words behind which a literal is a value like any other.
const VALUE_FOLLOWS: &[&str] = &[
    "and", "between", "else", "having", "ilike", "in", "like", "not", "or", "select", "then",
    "when", "where",
];
/// Names whose parentheses hold type modifiers.
const TYPES_WITH_MODIFIERS: &[&str] = &[
    "bit",
    "bpchar",
    "char",
    "character",
    "current_time",
    "current_timestamp",
    "dec",
    "decimal",
    "float",
    "interval",
    "localtime",
    "localtimestamp",
    "numeric",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "varchar",
    "varying",
];
/// Key words that end ORDER BY and GROUP BY.
const ENDS_BY: &[&str] =
    &["except", "fetch", "for", "having", "intersect", "limit", "offset", "union", "window"];

/// Lifts the literals out of a statement; `None` if it has none, or is not of a kind that gains.
pub(super) fn lift(sql: &str) -> Option<Lifted> {
    if sql.len() > MAX_TEXT_BYTES {
        return None;
    }
    let mut scanner = Scanner {
        sql,
        bytes: sql.as_bytes(),
        at: 0,
        lifted: Lifted { text: String::with_capacity(sql.len()), literals: Vec::new() },
        before: Before::Open,
        word: "",
        first: true,
        parentheses: Vec::new(),
        by: None,
    };
    scanner.scan()?;
    (!scanner.lifted.literals.is_empty()).then_some(scanner.lifted)
}

struct Scanner<'a> {
    sql: &'a str,
    bytes: &'a [u8],
    at: usize,
    lifted: Lifted,
    before: Before,
    /// The word that ended just now, if one did.
    word: &'a str,
    first: bool,
    /// Whether each open parenthesis holds type modifiers.
    parentheses: Vec<bool>,
    /// Depth of parentheses at which a list of sort or group keys is open.
    by: Option<usize>,
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn is_one_of(word: &str, list: &[&str]) -> bool {
    list.iter().any(|other| word.eq_ignore_ascii_case(other))
}

impl<'a> Scanner<'a> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn scan(&mut self) -> Option<()> {
        while self.at < self.bytes.len() {
            let byte = self.peek(0);
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => self.copy(1),
                // Comments and dollar quotes are the parser's business.
                b'-' if self.peek(1) == b'-' => return None,
                b'/' if self.peek(1) == b'*' => return None,
                b'$' | b'\\' | 0 => return None,
                b';' => {
                    let rest = self.sql.get(self.at + 1..)?;
                    return rest.trim().is_empty().then_some(());
                }
                b'"' => {
                    let length = self.sql.get(self.at + 1..)?.find('"')? + 2;
                    self.token(length, Before::Closed);
                }
                b'\'' => self.string()?,
                b'0'..=b'9' => self.number(self.at)?,
                b'.' if self.peek(1).is_ascii_digit() && self.before == Before::Open => {
                    self.number(self.at)?;
                }
                // A sign, unless it stands between values.
                b'-' if self.before == Before::Open
                    && self.may_lift()
                    && self.peek(1).is_ascii_digit() =>
                {
                    self.negative()?;
                }
                b'(' => {
                    let modifiers = is_one_of(self.word, TYPES_WITH_MODIFIERS);
                    // An ordinal may stand in parentheses of its own.
                    let starts_key = self.by == Some(self.parentheses.len())
                        && self.before == Before::Closed
                        && (self.word.is_empty() || self.word.eq_ignore_ascii_case("by"));
                    self.parentheses.push(modifiers);
                    self.token(1, if starts_key { Before::Closed } else { Before::Open });
                }
                b')' => {
                    self.parentheses.pop()?;
                    if self.by.is_some_and(|depth| depth > self.parentheses.len()) {
                        self.by = None;
                    }
                    self.token(1, Before::Closed);
                }
                // A key of a list is an ordinal where it is a number.
                b',' if self.by == Some(self.parentheses.len()) => self.token(1, Before::Closed),
                b']' => self.token(1, Before::Closed),
                byte if is_word_byte(byte) => self.word()?,
                _ => self.token(1, Before::Open),
            }
        }
        Some(())
    }

    fn copy(&mut self, length: usize) {
        if let Some(text) = self.sql.get(self.at..self.at + length) {
            self.lifted.text.push_str(text);
        }
        self.at += length;
    }

    fn token(&mut self, length: usize, before: Before) {
        self.copy(length);
        self.before = before;
        self.word = "";
    }

    fn word(&mut self) -> Option<()> {
        let rest = self.bytes.get(self.at..)?;
        let length = rest.iter().position(|byte| !is_word_byte(*byte)).unwrap_or(rest.len());
        let word = self.sql.get(self.at..self.at + length)?;
        // E'...' and its kin.
        if self.bytes.get(self.at + length) == Some(&b'\'') {
            return None;
        }
        if self.first {
            self.first = false;
            if !is_one_of(word, &["select", "insert", "update", "delete", "merge"]) {
                return None;
            }
        }
        // What these list has ordinals at any depth.
        let distinct_on =
            word.eq_ignore_ascii_case("on") && self.word.eq_ignore_ascii_case("distinct");
        if distinct_on || self.by.is_some() && is_one_of(word, &["cube", "rollup", "sets"]) {
            return None;
        }
        if word.eq_ignore_ascii_case("by") && is_one_of(self.word, &["order", "group"]) {
            self.by = Some(self.parentheses.len());
        } else if self.by == Some(self.parentheses.len()) && is_one_of(word, ENDS_BY) {
            self.by = None;
        }
        let follows = is_one_of(word, VALUE_FOLLOWS);
        self.token(length, if follows { Before::Open } else { Before::Closed });
        self.word = word;
        Some(())
    }

    fn may_lift(&self) -> bool {
        self.before == Before::Open && !self.parentheses.last().is_some_and(|modifiers| *modifiers)
    }

    fn put(&mut self, kind: Option<Type>, text: String, from: usize, end: usize) -> Option<()> {
        if self.lifted.literals.len() >= MAX_LITERALS {
            return None;
        }
        self.lifted.literals.push(Literal { kind, text, at: from });
        self.lifted.text.push('$');
        self.lifted.text.push_str(&self.lifted.literals.len().to_string());
        self.at = end;
        self.before = Before::Closed;
        self.word = "";
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        let start = self.at;
        let mut text = String::new();
        let mut at = start + 1;
        loop {
            let length = self.sql.get(at..)?.find('\'')?;
            text.push_str(self.sql.get(at..at + length)?);
            at += length + 1;
            if self.bytes.get(at) != Some(&b'\'') {
                break;
            }
            text.push('\'');
            at += 1;
        }
        // A string may go on in the next line.
        if self.sql.get(at..)?.trim_start().starts_with('\'') || text.contains('\0') {
            return None;
        }
        match self.may_lift() {
            true => self.put(None, text, start, at),
            false => {
                self.token(at - start, Before::Closed);
                Some(())
            }
        }
    }

    /// The end of the number that begins at `from`.
    fn end_of_number(&self, from: usize) -> Option<usize> {
        let digits = |mut at: usize| {
            while self.bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        let mut end = digits(from);
        if self.bytes.get(end) == Some(&b'.') {
            end = digits(end + 1);
        }
        if matches!(self.bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            if exponent == end + 1 + sign {
                return None;
            }
            end = exponent;
        }
        let glued = self.bytes.get(end).is_some_and(|byte| is_word_byte(*byte) || *byte == b'.');
        (!glued).then_some(end)
    }

    fn number(&mut self, from: usize) -> Option<()> {
        let end = self.end_of_number(from)?;
        if !self.may_lift() {
            self.token(end - from, Before::Closed);
            return Some(());
        }
        let text = self.sql.get(from..end)?.to_owned();
        self.put(Some(kind_of_number(&text)), text, from, end)
    }

    fn negative(&mut self) -> Option<()> {
        let end = self.end_of_number(self.at + 1)?;
        // A cast binds tighter than the sign.
        if self.sql.get(end..)?.trim_start().starts_with("::") {
            self.token(1, Before::Open);
            return Some(());
        }
        let text = self.sql.get(self.at..end)?.to_owned();
        self.put(Some(kind_of_number(&text)), text, self.at, end)
    }
}

/// The narrowest of int4, int8 and numeric, as for a literal.
fn kind_of_number(text: &str) -> Type {
    if text.parse::<i32>().is_ok() {
        Type::Int4
    } else if text.parse::<i64>().is_ok() {
        Type::Int8
    } else {
        Type::Numeric
    }
}

impl Literal {
    /// The value, as what the plan takes it for.
    pub fn value(&self, kind: Type, sql: &str, style: &Style) -> Result<Datum> {
        let value = match kind {
            Type::Int4 => self.text.parse().ok().map(Datum::Int32),
            Type::Text => Some(Datum::Text(self.text.clone())),
            Type::Numeric if self.kind.is_some() => match Numeric::parse(&self.text) {
                Some(value) => Some(Datum::Bytes(value.checked()?.encode())),
                None => None,
            },
            _ => None,
        };
        if let Some(value) = value {
            return Ok(value);
        }
        io::from_text(kind, &self.text, style).map_err(|error| {
            let before = sql.get(..self.at).unwrap_or_default();
            error.at(Some(before.chars().count() + 1))
        })
    }
}
