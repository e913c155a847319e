//! Tokens of a jsonpath.

use crate::error::{Error, Result, SqlState};

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name or a key word.
    Word(String),
    /// A string in quotes.
    String(String),
    /// `$name`
    Variable(String),
    /// Digits.
    Number(String),
    /// A sign or an operator.
    Sign(&'static str),
    End,
}

/// Longer ones first.
const SIGNS: &[&str] = &[
    "&&", "||", "==", "!=", "<>", "<=", ">=", "**", "?", "%", "$", ".", "[", "]", "{", "}", "(",
    ")", "|", "&", "!", "=", "<", ">", "@", "#", ",", "*", ":", "-", "+", "/",
];

pub(super) fn syntax_error(near: Option<&str>) -> Error {
    Error::new(
        SqlState::SyntaxError,
        match near {
            Some(near) => format!("syntax error at or near \"{near}\" of jsonpath input"),
            None => "syntax error at end of jsonpath input".to_owned(),
        },
    )
}

fn is_sign(c: char) -> bool {
    "?%$.[]{}()|&!=<>@#,*:-+/".contains(c)
}

/// The tokens of a text, each with its text.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, &str)>> {
    let mut all = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
        if let Some(comment) = rest.strip_prefix("/*") {
            let Some((_, behind)) = comment.split_once("*/") else {
                let message = "unexpected end of comment at end of jsonpath input";
                return Err(Error::new(SqlState::SyntaxError, message));
            };
            rest = behind;
            continue;
        }
        let Some(first) = rest.chars().next() else { break };
        let (token, behind) = match first {
            '"' => {
                let (text, behind) = quoted(rest)?;
                (Token::String(text), behind)
            }
            '0'..='9' => number(rest)?,
            '.' if rest.get(1..).is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit())) => {
                number(rest)?
            }
            '$' => {
                let behind = rest.get(1..).unwrap_or_default();
                if behind.starts_with('"') {
                    let (name, behind) = quoted(behind)?;
                    (Token::Variable(name), behind)
                } else if behind.starts_with(|c: char| !is_sign(c) && !c.is_whitespace()) {
                    let (name, behind) = word(behind)?;
                    (Token::Variable(name), behind)
                } else {
                    (Token::Sign("$"), behind)
                }
            }
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (Token::Sign(sign), rest.get(sign.len()..).unwrap_or_default()),
                None => {
                    let (text, behind) = word(rest)?;
                    (Token::Word(text), behind)
                }
            },
        };
        all.push((token, rest.get(..rest.len() - behind.len()).unwrap_or_default()));
        rest = behind;
    }
    all.push((Token::End, ""));
    Ok(all)
}

fn number(text: &str) -> Result<(Token, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut length = digits(text);
    let from = |at: usize| text.get(at..).unwrap_or_default();
    if from(length).starts_with('.') {
        length += 1 + digits(from(length + 1));
    }
    if from(length).starts_with(['e', 'E']) {
        let sign = usize::from(from(length + 1).starts_with(['+', '-']));
        let exponent = digits(from(length + 1 + sign));
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    let rest = from(length);
    if let Some(next) = rest.chars().next()
        && !is_sign(next)
        && !next.is_whitespace()
        && next != '"'
    {
        let near = text.get(..length + next.len_utf8()).unwrap_or(text);
        return Err(Error::new(
            SqlState::SyntaxError,
            format!("trailing junk after numeric literal at or near \"{near}\" of jsonpath input"),
        ));
    }
    Ok((Token::Number(text.get(..length).unwrap_or(text).to_owned()), rest))
}

/// A name up to what cannot be part of one.
fn word(text: &str) -> Result<(String, &str)> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '\\' {
            rest = escape(rest, &mut out)?;
        } else if is_sign(c) || c == '"' || c.is_whitespace() {
            break;
        } else {
            out.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    Ok((out, rest))
}

fn quoted(text: &str) -> Result<(String, &str)> {
    let mut out = String::new();
    let mut rest = text.get(1..).unwrap_or_default();
    loop {
        match rest.chars().next() {
            None => {
                let message = "unexpected end of quoted string at end of jsonpath input";
                return Err(Error::new(SqlState::SyntaxError, message));
            }
            Some('"') => return Ok((out, rest.get(1..).unwrap_or_default())),
            Some('\\') => rest = escape(rest, &mut out)?,
            Some(c) => {
                out.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
    }
}

/// Reads what a backslash begins, and gives what is behind it.
fn escape<'a>(text: &'a str, out: &mut String) -> Result<&'a str> {
    let invalid = |what: &str| {
        let near = text.get(..text.len().min(6)).unwrap_or(text);
        Error::new(
            SqlState::SyntaxError,
            format!("invalid {what} at or near \"{near}\" of jsonpath input"),
        )
    };
    let behind = text.get(1..).unwrap_or_default();
    let Some(c) = behind.chars().next() else {
        let message = "unexpected end after backslash at end of jsonpath input";
        return Err(Error::new(SqlState::SyntaxError, message));
    };
    let rest = behind.get(c.len_utf8()..).unwrap_or_default();
    out.push(match c {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'x' => {
            let code = rest.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
            let code = code.filter(|code| *code != 0);
            out.push(char::from(code.ok_or_else(|| invalid("hexadecimal character sequence"))?));
            return Ok(rest.get(2..).unwrap_or_default());
        }
        'u' => {
            let (code, rest) = code(rest).ok_or_else(|| invalid("Unicode escape sequence"))?;
            let (code, rest) = match code {
                0xd800..=0xdbff => {
                    let low = rest.strip_prefix("\\u").and_then(self::code);
                    let low = low.filter(|(low, _)| (0xdc00..=0xdfff).contains(low));
                    let (low, rest) = low.ok_or_else(|| surrogate("low", "high"))?;
                    (0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff), rest)
                }
                code => (code, rest),
            };
            if code == 0 {
                return Err(Error::new(
                    SqlState::UntranslatableCharacter,
                    "unsupported Unicode escape sequence",
                )
                .detail("\\u0000 cannot be converted to text."));
            }
            out.push(char::from_u32(code).ok_or_else(|| surrogate("low", "high"))?);
            return Ok(rest);
        }
        other => other,
    });
    Ok(rest)
}

fn surrogate(which: &str, other: &str) -> Error {
    Error::new(SqlState::InvalidTextRepresentation, "invalid input syntax for type jsonpath")
        .detail(format!("Unicode {which} surrogate must follow a {other} surrogate."))
}

/// Four hexadecimal digits, or up to six in braces.
fn code(text: &str) -> Option<(u32, &str)> {
    if let Some(braced) = text.strip_prefix('{') {
        let (hex, rest) = braced.split_once('}')?;
        let fits = (1..=6).contains(&hex.len()) && hex.bytes().all(|b| b.is_ascii_hexdigit());
        return fits.then(|| u32::from_str_radix(hex, 16).ok())?.map(|code| (code, rest));
    }
    let hex = text.get(..4).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
    Some((u32::from_str_radix(hex, 16).ok()?, text.get(4..)?))
}
