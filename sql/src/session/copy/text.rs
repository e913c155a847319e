//! The text format: a line a row, tabs between fields, backslashes before what would be mistaken.

use memchr::{memchr, memchr2};

use super::Fields;
use super::options::Format;
use crate::error::Result;
use crate::types::io;

/// What a delimiter may not be: it stands for something already.
pub const IN_USE: &[u8] = b"\\.abcdefghijklmnopqrstuvwxyz0123456789";

/// Length of the first line, without its end. `seen` of its bytes have been looked at in vain.
pub fn line_end(seen: &mut usize, input: &[u8]) -> Option<usize> {
    match memchr(b'\n', input.get(*seen..).unwrap_or_default()) {
        Some(at) => Some(std::mem::take(seen) + at),
        None => {
            *seen = input.len();
            None
        }
    }
}

/// Splits a line into its fields, without their escapes.
pub fn decode(format: &Format, line: &[u8], out: &mut Fields) -> Result<()> {
    out.clear();
    let mut rest = line;
    // What the field looked like before its escapes were resolved decides whether it is NULL.
    let (mut raw, mut start) = (line, 0);
    let finish = |out: &mut Fields, raw: &[u8], start: usize| {
        out.end_field(start, raw == format.null.as_bytes());
    };
    while let Some(at) = memchr2(format.delimiter, b'\\', rest) {
        let (plain, tail) = rest.split_at(at);
        out.text.extend(plain);
        let Some((byte, tail)) = tail.split_first() else { break };
        rest = tail;
        if *byte == format.delimiter {
            let length = raw.len() - rest.len() - 1;
            finish(out, raw.get(..length).unwrap_or_default(), start);
            (raw, start) = (rest, out.text.len());
        } else {
            unescape(&mut rest, &mut out.text);
        }
    }
    out.text.extend(rest);
    finish(out, raw, start);
    io::utf8(&out.text).map(|_| ())
}

/// What stands behind a backslash.
fn unescape(rest: &mut &[u8], out: &mut Vec<u8>) {
    let next = |rest: &mut &[u8]| {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        Some(*byte)
    };
    let digit =
        |rest: &&[u8], radix: u32| rest.first().and_then(|byte| char::from(*byte).to_digit(radix));
    let number = |rest: &mut &[u8], mut value: u32, radix: u32, most: usize| {
        for _ in 0..most {
            let Some(digit) = digit(rest, radix) else { break };
            value = value * radix + digit;
            next(rest);
        }
        value as u8
    };
    out.push(match next(rest) {
        None => b'\\',
        Some(b'b') => 8,
        Some(b'f') => 12,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'v') => 11,
        Some(octal @ b'0'..=b'7') => number(rest, u32::from(octal - b'0'), 8, 2),
        Some(b'x') if digit(rest, 16).is_some() => number(rest, 0, 16, 2),
        Some(other) => other,
    });
}

/// Appends a value with its escapes.
pub fn encode(format: &Format, value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\u{b}' => out.push_str("\\v"),
            c if c == char::from(format.delimiter) => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
}
