//! The text of a date, time or interval, cut into fields.

use super::words;

/// Most fields.
const MAX_FIELDS: usize = 25;
/// Longest text.
const MAX_BYTES: usize = 150;

/// What a field looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Digits, and perhaps a decimal point.
    Number,
    /// Digits and delimiters, or digits and text; also names of zones such as `america/new_york`.
    Date,
    /// Digits, colons, and perhaps a decimal point.
    Time,
    /// Letters.
    Word,
    /// A sign and letters.
    Special,
    /// A sign and digits: an offset, or a number.
    Offset,
}

/// A field, in lower case.
#[derive(Clone, Debug)]
pub struct Field {
    /// What it looks like.
    pub kind: Kind,
    /// Its text.
    pub text: String,
}

impl Field {
    /// Whether it begins with a digit.
    pub fn starts_with_digit(&self) -> bool {
        self.text.starts_with(|c: char| c.is_ascii_digit())
    }
}

/// Cuts a text into fields; `None` if something in it belongs to none.
pub fn fields(text: &str) -> Option<Vec<Field>> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
    let mut all = Vec::with_capacity(4);
    while let Some(byte) = scanner.peek() {
        let start = scanner.at;
        let kind = match byte {
            b' ' | b'\t'..=b'\r' => {
                scanner.at += 1;
                continue;
            }
            b'0'..=b'9' => scanner.number_or_date(),
            b'.' => {
                scanner.at += 1;
                scanner.skip(|b| b.is_ascii_digit());
                Kind::Number
            }
            b'a'..=b'z' | b'A'..=b'Z' => scanner.word_or_zone(),
            b'+' | b'-' => {
                // Blanks behind a sign do not count.
                scanner.at += 1;
                scanner.skip(is_space);
                let body = scanner.at;
                let kind = match scanner.peek()? {
                    b'0'..=b'9' => {
                        scanner.skip(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b'-'));
                        Kind::Offset
                    }
                    b'a'..=b'z' | b'A'..=b'Z' => {
                        scanner.skip(|b| b.is_ascii_alphabetic());
                        Kind::Special
                    }
                    _ => return None,
                };
                let rest = text.get(body..scanner.at)?.to_ascii_lowercase();
                let text = format!("{}{rest}", char::from(byte));
                push(&mut all, Field { kind, text })?;
                continue;
            }
            byte if byte.is_ascii_punctuation() => {
                scanner.at += 1;
                continue;
            }
            _ => return None,
        };
        let text = text.get(start..scanner.at)?.to_ascii_lowercase();
        push(&mut all, Field { kind, text })?;
    }
    Some(all)
}

fn push(all: &mut Vec<Field>, field: Field) -> Option<()> {
    (all.len() < MAX_FIELDS).then(|| all.push(field))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip(&mut self, more: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&more) {
            self.at += 1;
        }
    }

    fn number_or_date(&mut self) -> Kind {
        self.skip(|b| b.is_ascii_digit());
        match self.peek() {
            Some(b':') => {
                self.skip(|b| b.is_ascii_digit() || matches!(b, b':' | b'.'));
                Kind::Time
            }
            Some(delimiter @ (b'-' | b'/' | b'.')) => {
                self.at += 1;
                if !self.peek().is_some_and(|b| b.is_ascii_digit()) {
                    // A month by name.
                    self.skip(|b| b.is_ascii_alphanumeric() || b == delimiter);
                    return Kind::Date;
                }
                self.skip(|b| b.is_ascii_digit());
                // Only the same delimiter goes on with the date.
                if self.peek() == Some(delimiter) {
                    self.skip(|b| b.is_ascii_digit() || b == delimiter);
                    return Kind::Date;
                }
                if delimiter == b'.' { Kind::Number } else { Kind::Date }
            }
            _ => Kind::Number,
        }
    }

    /// Letters may begin a date such as `jan-08-1999` or the name of a zone, which goes on with a digit
    /// or sign only behind what is no word of dates.
    fn word_or_zone(&mut self) -> Kind {
        let start = self.at;
        self.skip(|b| b.is_ascii_alphabetic());
        let goes_on = match self.peek() {
            Some(b'-' | b'/' | b'.') => true,
            Some(b) if b == b'+' || b.is_ascii_digit() => {
                let word = self.bytes.get(start..self.at).unwrap_or_default();
                words::date_word(&String::from_utf8_lossy(word).to_ascii_lowercase()).is_none()
            }
            _ => false,
        };
        if !goes_on {
            return Kind::Word;
        }
        self.at += 1;
        self.skip(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'/' | b'_' | b'.' | b':')
        });
        Kind::Date
    }
}
