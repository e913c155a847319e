//! Patterns of SIMILAR TO, and of `substring(x SIMILAR p ESCAPE e)`, as regular expressions.

use regex::Regex;

use super::strings::with_regex;
use super::{Function, arg, pure};
use crate::error::{Error, Result, SqlState};
use crate::types::Datum;
use crate::types::Type::Text;

/// The escape character that a string names: none if it is empty.
fn escape_of(text: &str) -> Result<Option<char>> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (escape, None) => Ok(escape),
        _ => Err(Error::new(SqlState::InvalidEscapeSequence, "invalid escape string")
            .hint("Escape string must be empty or one character.")),
    }
}

/// The regular expression for a pattern. Where it is parted by `"` behind the escape character, the part
/// in the middle is a group, and that before it as short as possible.
fn to_regex(pattern: &str, escape: Option<char>) -> Result<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut part = String::new();
    let (mut escaped, mut in_class) = (false, false);
    for c in pattern.chars() {
        if escaped {
            escaped = false;
            if c != '"' || in_class {
                if !c.is_alphanumeric() {
                    part.push('\\');
                }
                part.push(c);
                continue;
            }
            if parts.len() == 2 {
                return Err(Error::new(
                    SqlState::InvalidUseOfEscapeCharacter,
                    "SQL regular expression may not contain more than two escape-double-quote separators",
                ));
            }
            parts.push(std::mem::take(&mut part));
            continue;
        }
        match c {
            c if Some(c) == escape => escaped = true,
            '\\' => part.push_str("\\\\"),
            c if in_class => {
                part.push(c);
                in_class = c != ']';
            }
            '[' => {
                part.push('[');
                in_class = true;
            }
            '%' => part.push_str(".*"),
            '_' => part.push('.'),
            '(' => part.push_str("(?:"),
            '.' | '^' | '$' => {
                part.push('\\');
                part.push(c);
            }
            c => part.push(c),
        }
    }
    parts.push(part);
    Ok(match parts.as_slice() {
        [all] => format!("^(?:{all})$"),
        [before, found] => format!("^(?U:{before})({found})$"),
        [before, found, behind] => format!("^(?U:{before})({found})(?:{behind})$"),
        _ => return Err(Error::internal("a pattern of too many parts")),
    })
}

fn similar_to_escape(args: &[Datum]) -> Result<Datum> {
    let escape = match args.get(1) {
        None => Some('\\'),
        Some(escape) => escape_of(escape.as_str()?)?,
    };
    to_regex(arg(args, 0).as_str()?, escape).map(Datum::Text)
}

/// The part of a string that a pattern marks, or all of it.
fn substring(args: &[Datum]) -> Result<Datum> {
    let escape = escape_of(arg(args, 2).as_str()?)?;
    let regex = to_regex(arg(args, 1).as_str()?, escape)?;
    let subject = arg(args, 0).as_str()?;
    with_regex(&regex, false, |regex: &Regex| match regex.captures(subject) {
        None => Datum::Null,
        Some(found) => match found.get(1).or_else(|| found.get(0)) {
            Some(part) => Datum::Text(part.as_str().to_owned()),
            None => Datum::Null,
        },
    })
}

pub(super) fn register(all: &mut Vec<Function>) {
    all.extend([
        pure("similar_to_escape", &[Text], Text, similar_to_escape),
        pure("similar_to_escape", &[Text, Text], Text, similar_to_escape),
        pure("substring", &[Text, Text, Text], Text, substring),
    ]);
}
