//! Strings and bytes.

use std::cell::RefCell;
use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use regex::{Regex, RegexBuilder};

use super::{Function, arg, pure};
use crate::error::{Error, Result, SqlState};
use crate::types::Type::{Bool, Bpchar, Bytea, Int4, Int8, Text, Uuid};
use crate::types::{Datum, Type};

/// Longest string a function may build.
pub(super) const MAX_RESULT_BYTES: usize = 256 << 20;

fn text(args: &[Datum], i: usize) -> Result<&str> {
    arg(args, i).as_str()
}

fn int(args: &[Datum], i: usize) -> Result<i64> {
    arg(args, i).as_i64()
}

fn make(value: impl Into<String>) -> Result<Datum> {
    Ok(Datum::Text(value.into()))
}

fn count(value: usize) -> Result<Datum> {
    i32::try_from(value).map(Datum::Int32).map_err(|_| too_large())
}

pub(super) fn too_large() -> Error {
    Error::new(SqlState::ProgramLimitExceeded, "requested length too large")
}

/// `LIKE`, with `escape` in front of literal characters.
pub fn like(text: &str, pattern: &str, escape: Option<char>) -> Result<bool> {
    let text: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            c if Some(c) == escape => match chars.next() {
                Some(literal) => Token::One(literal),
                None => {
                    return Err(Error::new(
                        SqlState::InvalidEscapeSequence,
                        "LIKE pattern must not end with escape character",
                    ));
                }
            },
            '%' => Token::Any,
            '_' => Token::Single,
            c => Token::One(c),
        });
    }
    Ok(matches(&text, &tokens))
}

enum Token {
    One(char),
    Single,
    Any,
}

/// Greedy matching that backtracks only to the last `%`: linear for each.
fn matches(text: &[char], tokens: &[Token]) -> bool {
    let (mut t, mut p) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match tokens.get(p) {
            Some(Token::Any) => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(Token::Single) => {
                p += 1;
                t += 1;
            }
            Some(Token::One(c)) if text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after, from)) => {
                    retry = Some((after, from + 1));
                    p = after;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    tokens.get(p..).unwrap_or_default().iter().all(|token| matches!(token, Token::Any))
}

thread_local! {
    static REGEXES: RefCell<HashMap<(String, bool), Regex>> = RefCell::new(HashMap::new());
}

const MAX_CACHED_REGEXES: usize = 64;

/// Runs `use_regex` with the compiled pattern.
pub(super) fn with_regex<T>(
    pattern: &str,
    insensitive: bool,
    use_regex: impl Fn(&Regex) -> T,
) -> Result<T> {
    REGEXES.with_borrow_mut(|cache| {
        let key = (pattern.to_owned(), insensitive);
        if let Some(regex) = cache.get(&key) {
            return Ok(use_regex(regex));
        }
        let regex = RegexBuilder::new(pattern)
            .case_insensitive(insensitive)
            .dot_matches_new_line(true)
            .size_limit(10 << 20)
            .build()
            .map_err(|error| {
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                // PostgreSQL's words, where it has the same complaint.
                let reason = match reason {
                    "unclosed group" | "unopened group" => "parentheses () not balanced",
                    "unclosed character class" => "brackets [] not balanced",
                    "repetition operator missing expression" => "quantifier operand invalid",
                    "unclosed counted repetition" => "braces {} not balanced",
                    other => other,
                };
                Error::new(
                    SqlState::InvalidRegularExpression,
                    format!("invalid regular expression: {reason}"),
                )
            })?;
        if cache.len() >= MAX_CACHED_REGEXES {
            cache.clear();
        }
        let result = use_regex(&regex);
        cache.insert(key, regex);
        Ok(result)
    })
}

/// A pattern under these options of PostgreSQL's, and whether letters match in either case.
pub(super) fn with_options(pattern: &str, options: &str) -> Result<(String, bool)> {
    let (mut insensitive, mut prefix, mut literal) = (false, String::new(), false);
    for option in options.chars() {
        match option {
            'g' | 's' | 't' | 'e' | 'b' => {}
            'i' => insensitive = true,
            'c' => insensitive = false,
            'm' | 'n' => prefix.push_str("(?m-s)"),
            'p' => prefix.push_str("(?-s)"),
            'w' => prefix.push_str("(?m)"),
            'x' => prefix.push_str("(?x)"),
            'q' => literal = true,
            other => {
                return Err(Error::new(
                    SqlState::InvalidParameterValue,
                    format!("invalid regular expression option: \"{other}\""),
                ));
            }
        }
    }
    let pattern = if literal { regex::escape(pattern) } else { pattern.to_owned() };
    Ok((prefix + &pattern, insensitive))
}

/// What is between the matches of a pattern. A match of nothing splits only where something is
/// behind it and no other match ends.
pub(super) fn regexp_pieces<'s>(
    subject: &'s str,
    pattern: &str,
    options: &str,
) -> Result<Vec<&'s str>> {
    let (pattern, insensitive) = with_options(pattern, options)?;
    with_regex(&pattern, insensitive, |regex| {
        let mut pieces = Vec::new();
        let mut from = 0;
        for found in regex.find_iter(subject) {
            if found.start() < subject.len() && found.end() > from {
                pieces.push(subject.get(from..found.start()).unwrap_or_default());
                from = found.end();
            }
        }
        pieces.push(subject.get(from..).unwrap_or_default());
        pieces
    })
}

fn regex_match(args: &[Datum], insensitive: bool, negate: bool) -> Result<Datum> {
    let subject = text(args, 0)?;
    let found = with_regex(text(args, 1)?, insensitive, |regex| regex.is_match(subject))?;
    Ok(Datum::Bool(found != negate))
}

/// `\1` becomes `${1}` and a dollar stands for itself.
fn replacement(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '$' => out.push_str("$$"),
            '\\' => match chars.next() {
                Some('&') => out.push_str("${0}"),
                Some(d) if d.is_ascii_digit() => {
                    out.push_str("${");
                    out.push(d);
                    out.push('}');
                }
                Some(c) => out.push(c),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

fn regexp_replace(args: &[Datum]) -> Result<Datum> {
    let flags = if args.len() > 3 { text(args, 3)? } else { "" };
    let subject = text(args, 0)?;
    let with = replacement(text(args, 2)?);
    let limit = if flags.contains('g') { 0 } else { 1 };
    with_regex(text(args, 1)?, flags.contains('i'), |regex| {
        Datum::Text(regex.replacen(subject, limit, with.as_str()).into_owned())
    })
}

fn like_operator(args: &[Datum], fold: bool, negate: bool) -> Result<Datum> {
    let escape = match args.get(2) {
        Some(escape) => {
            let mut chars = escape.as_str()?.chars();
            let first = chars.next();
            if chars.next().is_some() {
                return Err(Error::new(SqlState::InvalidEscapeSequence, "invalid escape string")
                    .hint("Escape string must be empty or one character."));
            }
            first
        }
        None => Some('\\'),
    };
    let matched = match fold {
        true => like(&text(args, 0)?.to_lowercase(), &text(args, 1)?.to_lowercase(), escape)?,
        false => like(text(args, 0)?, text(args, 1)?, escape)?,
    };
    Ok(Datum::Bool(matched != negate))
}

/// `substring(s from start for length)`: positions count from 1 and may lie outside.
fn substring(args: &[Datum]) -> Result<Datum> {
    let start = int(args, 1)?;
    let end = match args.get(2) {
        None => i64::MAX,
        Some(length) => {
            let length = length.as_i64()?;
            if length < 0 {
                let message = "negative substring length not allowed";
                return Err(Error::new(SqlState::SubstringError, message));
            }
            start.saturating_add(length)
        }
    };
    let skip = (start - 1).max(0) as usize;
    let take = end.saturating_sub(start.max(1)).max(0) as usize;
    match arg(args, 0) {
        Datum::Bytes(bytes) => {
            Ok(Datum::Bytes(bytes.iter().skip(skip).take(take).copied().collect()))
        }
        other => make(other.as_str()?.chars().skip(skip).take(take).collect::<String>()),
    }
}

fn pad(args: &[Datum], left: bool) -> Result<Datum> {
    let subject = text(args, 0)?;
    let length = int(args, 1)?.max(0) as usize;
    let fill: Vec<char> = if args.len() > 2 { text(args, 2)? } else { " " }.chars().collect();
    if length * 4 > MAX_RESULT_BYTES {
        return Err(too_large());
    }
    let have = subject.chars().count();
    if have >= length {
        return make(subject.chars().take(length).collect::<String>());
    }
    let padding: String =
        fill.iter().cycle().take(if fill.is_empty() { 0 } else { length - have }).collect();
    make(if left { padding + subject } else { subject.to_owned() + &padding })
}

fn trim(args: &[Datum], start: bool, end: bool) -> Result<Datum> {
    let chars: Vec<char> = if args.len() > 1 { text(args, 1)? } else { " " }.chars().collect();
    let mut subject = text(args, 0)?;
    if start {
        subject = subject.trim_start_matches(|c| chars.contains(&c));
    }
    if end {
        subject = subject.trim_end_matches(|c| chars.contains(&c));
    }
    make(subject)
}

fn initcap(subject: &str) -> String {
    let mut out = String::with_capacity(subject.len());
    let mut inside = false;
    for c in subject.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = c.is_alphanumeric();
    }
    out
}

fn split_part(args: &[Datum]) -> Result<Datum> {
    let (subject, delimiter, field) = (text(args, 0)?, text(args, 1)?, int(args, 2)?);
    if field == 0 {
        let message = "field position must not be zero";
        return Err(Error::new(SqlState::InvalidParameterValue, message));
    }
    let parts: Vec<&str> = match delimiter {
        "" => vec![subject],
        delimiter => subject.split(delimiter).collect(),
    };
    let index = if field > 0 { field - 1 } else { parts.len() as i64 + field };
    let part = usize::try_from(index).ok().and_then(|index| parts.get(index));
    make(part.copied().unwrap_or_default())
}

/// `quote_ident`.
pub fn quote_ident(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !crate::keywords::needs_quotes(name);
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// `quote_literal`.
pub fn quote_literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    match text.contains('\\') {
        true => format!("E'{}'", quoted.replace('\\', "\\\\")),
        false => format!("'{quoted}'"),
    }
}

fn format_function(args: &[Datum]) -> Result<Datum> {
    if arg(args, 0).is_null() {
        return Ok(Datum::Null);
    }
    let bad = |message: String| Error::new(SqlState::InvalidParameterValue, message);
    let mut out = String::new();
    let mut next = 1;
    let mut chars = text(args, 0)?.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut number = String::new();
        let mut minus = false;
        while let Some(c) =
            chars.peek().copied().filter(|c| c.is_ascii_digit() || matches!(c, '$' | '-'))
        {
            chars.next();
            match c {
                '$' => next = std::mem::take(&mut number).parse::<usize>().unwrap_or(1),
                '-' => minus = true,
                digit => number.push(digit),
            }
        }
        let conversion = chars.next().ok_or_else(|| {
            bad("unterminated format() type specifier".into())
                .hint("For a single \"%\" use \"%%\".")
        })?;
        if conversion == '%' {
            out.push('%');
            continue;
        }
        let value = args.get(next).ok_or_else(|| bad("too few arguments for format()".into()))?;
        next += 1;
        let piece = match (conversion, value) {
            ('s', Datum::Null) => String::new(),
            ('s', value) => value.as_str()?.to_owned(),
            ('I', Datum::Null) => {
                return Err(Error::new(
                    SqlState::NullValueNotAllowed,
                    "null values cannot be formatted as an SQL identifier",
                ));
            }
            ('I', value) => quote_ident(value.as_str()?),
            ('L', Datum::Null) => "NULL".into(),
            ('L', value) => quote_literal(value.as_str()?),
            (other, _) => {
                return Err(bad(format!("unrecognized format() type specifier \"{other}\""))
                    .hint("For a single \"%\" use \"%%\"."));
            }
        };
        let width: usize = number.parse().unwrap_or(0);
        let fill = " ".repeat(width.min(10_000).saturating_sub(piece.chars().count()));
        out.push_str(&if minus { piece + &fill } else { fill + &piece });
    }
    make(out)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn encode(args: &[Datum]) -> Result<Datum> {
    let bytes = arg(args, 0).as_bytes()?;
    match text(args, 1)?.to_ascii_lowercase().as_str() {
        "hex" => make(hex(bytes)),
        "base64" => {
            // Lines of 76 characters, as in MIME.
            let plain = BASE64.encode(bytes);
            let lines = plain.as_bytes().chunks(76).map(String::from_utf8_lossy);
            make(lines.collect::<Vec<_>>().join("\n"))
        }
        "escape" => make(
            bytes
                .iter()
                .map(|byte| match byte {
                    b'\\' => "\\\\".to_owned(),
                    0 | 0x80.. => format!("\\{byte:03o}"),
                    byte => char::from(*byte).to_string(),
                })
                .collect::<String>(),
        ),
        other => Err(Error::new(
            SqlState::InvalidParameterValue,
            format!("unrecognized encoding: \"{other}\""),
        )),
    }
}

fn decode(args: &[Datum]) -> Result<Datum> {
    let subject = text(args, 0)?;
    match text(args, 1)?.to_ascii_lowercase().as_str() {
        "hex" => Ok(Datum::Bytes(crate::types::io::parse_bytea(&format!("\\x{subject}"))?)),
        "base64" => {
            let plain: String = subject.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            BASE64.decode(plain).map(Datum::Bytes).map_err(|error| {
                if let base64::DecodeError::InvalidByte(_, byte) = error
                    && byte != b'='
                {
                    let symbol = char::from(byte);
                    return Error::new(
                        SqlState::InvalidParameterValue,
                        format!("invalid symbol \"{symbol}\" found while decoding base64 sequence"),
                    );
                }
                Error::new(SqlState::InvalidParameterValue, "invalid base64 end sequence")
                    .hint("Input data is missing padding, is truncated, or is otherwise corrupted.")
            })
        }
        "escape" => Ok(Datum::Bytes(crate::types::io::parse_bytea(subject)?)),
        other => Err(Error::new(
            SqlState::InvalidParameterValue,
            format!("unrecognized encoding: \"{other}\""),
        )),
    }
}

fn chr(args: &[Datum]) -> Result<Datum> {
    let code = int(args, 0)?;
    if code == 0 {
        let message = "null character not permitted";
        return Err(Error::new(SqlState::ProgramLimitExceeded, message));
    }
    if code < 0 {
        let message = "character number must be positive";
        return Err(Error::new(SqlState::InvalidParameterValue, message));
    }
    match u32::try_from(code).ok().and_then(char::from_u32) {
        Some(c) => make(c),
        None => Err(Error::new(
            SqlState::ProgramLimitExceeded,
            format!("requested character too large for encoding: {code}"),
        )),
    }
}

fn left_right(args: &[Datum], left: bool) -> Result<Datum> {
    let subject = text(args, 0)?;
    let total = subject.chars().count() as i64;
    let n = int(args, 1)?;
    let keep = if n >= 0 { n.min(total) } else { (total + n).max(0) } as usize;
    let skip = if left { 0 } else { total as usize - keep };
    make(subject.chars().skip(skip).take(keep).collect::<String>())
}

pub(super) fn register(all: &mut Vec<Function>) {
    const T1: &[Type] = &[Text];
    const T2: &[Type] = &[Text, Text];
    const T3: &[Type] = &[Text, Text, Text];
    const TI: &[Type] = &[Text, Int4];
    const TII: &[Type] = &[Text, Int4, Int4];
    for (name, fold, negate) in
        [("~~", false, false), ("!~~", false, true), ("~~*", true, false), ("!~~*", true, true)]
    {
        let kernel: super::Kernel = match (fold, negate) {
            (false, false) => |a| like_operator(a, false, false),
            (false, true) => |a| like_operator(a, false, true),
            (true, false) => |a| like_operator(a, true, false),
            (true, true) => |a| like_operator(a, true, true),
        };
        all.push(pure(name, T2, Bool, kernel));
        all.push(pure(name, T3, Bool, kernel));
    }
    all.extend([
        pure("||", T2, Text, |a| make(text(a, 0)?.to_owned() + text(a, 1)?)),
        pure("||", &[Bytea, Bytea], Bytea, |a| {
            Ok(Datum::Bytes([arg(a, 0).as_bytes()?, arg(a, 1).as_bytes()?].concat()))
        }),
        pure("~", T2, Bool, |a| regex_match(a, false, false)),
        pure("!~", T2, Bool, |a| regex_match(a, false, true)),
        pure("~*", T2, Bool, |a| regex_match(a, true, false)),
        pure("!~*", T2, Bool, |a| regex_match(a, true, true)),
        pure("regexp_replace", T3, Text, regexp_replace),
        pure("regexp_replace", &[Text, Text, Text, Text], Text, regexp_replace),
        pure("length", T1, Int4, |a| count(text(a, 0)?.chars().count())),
        pure("length", &[Bpchar], Int4, |a| {
            count(text(a, 0)?.trim_end_matches(' ').chars().count())
        }),
        pure("length", &[Bytea], Int4, |a| count(arg(a, 0).as_bytes()?.len())),
        pure("char_length", T1, Int4, |a| count(text(a, 0)?.chars().count())),
        pure("char_length", &[Bpchar], Int4, |a| {
            count(text(a, 0)?.trim_end_matches(' ').chars().count())
        }),
        pure("character_length", T1, Int4, |a| count(text(a, 0)?.chars().count())),
        pure("octet_length", T1, Int4, |a| count(text(a, 0)?.len())),
        pure("octet_length", &[Bpchar], Int4, |a| count(text(a, 0)?.len())),
        pure("octet_length", &[Bytea], Int4, |a| count(arg(a, 0).as_bytes()?.len())),
        pure("bit_length", T1, Int4, |a| count(text(a, 0)?.len() * 8)),
        pure("upper", T1, Text, |a| make(text(a, 0)?.to_uppercase())),
        pure("lower", T1, Text, |a| make(text(a, 0)?.to_lowercase())),
        pure("initcap", T1, Text, |a| make(initcap(text(a, 0)?))),
        pure("substring", TI, Text, substring),
        pure("substring", TII, Text, substring),
        pure("substring", &[Bytea, Int4], Bytea, substring),
        pure("substring", &[Bytea, Int4, Int4], Bytea, substring),
        pure("substr", TI, Text, substring),
        pure("substr", TII, Text, substring),
        pure("substring", T2, Text, |a| {
            let subject = text(a, 0)?;
            with_regex(text(a, 1)?, false, |regex| match regex.captures(subject) {
                None => Datum::Null,
                Some(found) => {
                    let part = found.get(1).or_else(|| found.get(0));
                    part.map_or(Datum::Null, |part| Datum::Text(part.as_str().into()))
                }
            })
        }),
        pure("position", T2, Int4, |a| strpos(text(a, 1)?, text(a, 0)?)),
        pure("strpos", T2, Int4, |a| strpos(text(a, 0)?, text(a, 1)?)),
        pure("btrim", T1, Text, |a| trim(a, true, true)),
        pure("btrim", T2, Text, |a| trim(a, true, true)),
        pure("ltrim", T1, Text, |a| trim(a, true, false)),
        pure("ltrim", T2, Text, |a| trim(a, true, false)),
        pure("rtrim", T1, Text, |a| trim(a, false, true)),
        pure("rtrim", T2, Text, |a| trim(a, false, true)),
        pure("left", TI, Text, |a| left_right(a, true)),
        pure("right", TI, Text, |a| left_right(a, false)),
        pure("repeat", TI, Text, |a| {
            let (subject, times) = (text(a, 0)?, int(a, 1)?.max(0) as usize);
            if subject.len().saturating_mul(times) > MAX_RESULT_BYTES {
                return Err(too_large());
            }
            make(subject.repeat(times))
        }),
        pure("replace", T3, Text, |a| match text(a, 1)? {
            "" => make(text(a, 0)?),
            from => {
                let (subject, to) = (text(a, 0)?, text(a, 2)?);
                let grown = subject.len() / from.len() * to.len();
                if grown > MAX_RESULT_BYTES
                    && subject.matches(from).count() * to.len() > MAX_RESULT_BYTES
                {
                    return Err(too_large());
                }
                make(subject.replace(from, to))
            }
        }),
        pure("reverse", T1, Text, |a| make(text(a, 0)?.chars().rev().collect::<String>())),
        pure("lpad", TI, Text, |a| pad(a, true)),
        pure("lpad", &[Text, Int4, Text], Text, |a| pad(a, true)),
        pure("rpad", TI, Text, |a| pad(a, false)),
        pure("rpad", &[Text, Int4, Text], Text, |a| pad(a, false)),
        pure("split_part", &[Text, Text, Int4], Text, split_part),
        pure("^@", T2, Bool, |a| Ok(Datum::Bool(text(a, 0)?.starts_with(text(a, 1)?)))),
        pure("starts_with", T2, Bool, |a| Ok(Datum::Bool(text(a, 0)?.starts_with(text(a, 1)?)))),
        pure("translate", T3, Text, |a| {
            let (from, to): (Vec<char>, Vec<char>) =
                (text(a, 1)?.chars().collect(), text(a, 2)?.chars().collect());
            let translated =
                text(a, 0)?.chars().filter_map(|c| match from.iter().position(|f| *f == c) {
                    Some(index) => to.get(index).copied(),
                    None => Some(c),
                });
            make(translated.collect::<String>())
        }),
        pure("md5", T1, Text, |a| make(format!("{:x}", md5::compute(text(a, 0)?)))),
        pure("md5", &[Bytea], Text, |a| make(format!("{:x}", md5::compute(arg(a, 0).as_bytes()?)))),
        pure("ascii", T1, Int4, |a| {
            Ok(Datum::Int32(text(a, 0)?.chars().next().map_or(0, |c| c as i32)))
        }),
        pure("chr", &[Int4], Text, chr),
        pure("to_hex", &[Int4], Text, |a| make(format!("{:x}", arg(a, 0).as_i32()?))),
        pure("to_hex", &[Int8], Text, |a| make(format!("{:x}", int(a, 0)?))),
        pure("quote_literal", T1, Text, |a| make(quote_literal(text(a, 0)?))),
        pure("quote_ident", T1, Text, |a| make(quote_ident(text(a, 0)?))),
        Function {
            strict: false,
            ..pure("quote_nullable", T1, Text, |a| match arg(a, 0) {
                Datum::Null => make("NULL"),
                value => make(quote_literal(value.as_str()?)),
            })
        },
        pure("encode", &[Bytea, Text], Text, encode),
        pure("decode", T2, Bytea, decode),
        Function {
            strict: false,
            variadic: true,
            ..pure("concat", &[Text], Text, |a| {
                let parts = a.iter().filter(|part| !part.is_null());
                make(parts.map(Datum::as_str).collect::<Result<String>>()?)
            })
        },
        Function {
            strict: false,
            variadic: true,
            ..pure("concat_ws", T2, Text, |a| {
                if arg(a, 0).is_null() {
                    return Ok(Datum::Null);
                }
                let parts = a.iter().skip(1).filter(|part| !part.is_null());
                make(parts.map(Datum::as_str).collect::<Result<Vec<_>>>()?.join(text(a, 0)?))
            })
        },
        Function { strict: false, variadic: true, ..pure("format", T2, Text, format_function) },
        Function { strict: false, ..pure("format", T1, Text, format_function) },
        Function {
            volatile: true,
            ..pure("gen_random_uuid", &[], Uuid, |_| {
                Ok(Datum::Bytes(uuid::Uuid::new_v4().as_bytes().to_vec()))
            })
        },
    ]);
}

fn strpos(subject: &str, part: &str) -> Result<Datum> {
    match subject.find(part) {
        Some(at) => count(subject.get(..at).unwrap_or_default().chars().count() + 1),
        None => Ok(Datum::Int32(0)),
    }
}
