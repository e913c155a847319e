//! The CSV format: fields may be quoted, and a quoted one may contain anything, also ends of lines.

use memchr::memchr3;

use super::Fields;
use super::options::Format;
use crate::error::{Error, Result, SqlState};
use crate::types::io;

/// Where the search for the end of a line stands; a line may come in many pieces.
#[derive(Clone, Copy, Debug, Default)]
pub struct LineScan {
    /// Bytes of the line that have been looked at.
    at: usize,
    in_quote: bool,
    /// Whether the last byte was an escape within quotes.
    is_escaped: bool,
}

impl LineScan {
    /// Length of the first line of `input`, without its end: the first that is not within quotes.
    /// The input begins as it did in the last call that found none, with more behind it.
    pub fn line_end(&mut self, format: &Format, input: &[u8]) -> Option<usize> {
        let distinct_escape = format.escape != format.quote;
        while let Some(rest) = input.get(self.at..).filter(|rest| !rest.is_empty()) {
            if self.is_escaped {
                self.is_escaped = false;
                self.at += 1;
                continue;
            }
            let Some(skipped) = memchr3(b'\n', format.quote, format.escape, rest) else {
                self.at = input.len();
                return None;
            };
            let at = self.at + skipped;
            self.at = at + 1;
            match rest.get(skipped) {
                Some(b'\n') if !self.in_quote => {
                    *self = LineScan::default();
                    return Some(at);
                }
                Some(byte) if *byte == format.quote => self.in_quote = !self.in_quote,
                Some(byte) if *byte == format.escape => {
                    self.is_escaped = self.in_quote && distinct_escape;
                }
                _ => {}
            }
        }
        None
    }
}

/// Splits a line into its fields, without their quotes. `names` are those of the columns.
pub fn decode(format: &Format, line: &[u8], names: &[String], out: &mut Fields) -> Result<()> {
    out.clear();
    let mut rest = line;
    loop {
        let (start, mut was_quoted, mut in_quote, mut more) = (out.text.len(), false, false, false);
        while let Some((byte, tail)) = rest.split_first() {
            rest = tail;
            let next = rest.first().copied();
            if !in_quote {
                match *byte {
                    byte if byte == format.delimiter => {
                        more = true;
                        break;
                    }
                    byte if byte == format.quote => (was_quoted, in_quote) = (true, true),
                    byte => out.text.push(byte),
                }
            } else if *byte == format.escape
                && let Some(next) = next.filter(|n| *n == format.escape || *n == format.quote)
            {
                out.text.push(next);
                rest = rest.get(1..).unwrap_or_default();
            } else if *byte == format.quote {
                in_quote = false;
            } else {
                out.text.push(*byte);
            }
        }
        if in_quote {
            return Err(Error::new(SqlState::BadCopyFileFormat, "unterminated CSV quoted field"));
        }
        let is_null_text = out.text.get(start..) == Some(format.null.as_bytes());
        let name = names.get(out.len()).map(String::as_str).unwrap_or_default();
        let is_null = match was_quoted {
            true => format.force_null.has(name),
            false => !format.force_not_null.has(name),
        };
        out.end_field(start, is_null_text && is_null);
        if !more {
            break;
        }
    }
    io::utf8(&out.text).map(|_| ())
}

/// Appends a value, quoted if it must be. `alone`: it is the only one of its line.
pub fn encode(format: &Format, value: &str, force: bool, alone: bool, out: &mut String) {
    let special = |byte: &u8| {
        *byte == format.delimiter || *byte == format.quote || matches!(byte, b'\n' | b'\r')
    };
    let is_quoted = force
        || value == format.null
        // This alone on its line would end the data.
        || (alone && value == "\\.")
        || value.as_bytes().iter().any(special);
    if !is_quoted {
        out.push_str(value);
        return;
    }
    let (quote, escape) = (char::from(format.quote), char::from(format.escape));
    out.push(quote);
    for c in value.chars() {
        if c == quote || c == escape {
            out.push(escape);
        }
        out.push(c);
    }
    out.push(quote);
}
