//! Tokens of JSON text, and the errors about them: where a token ends for a message, and how much of
//! the line is shown, is PostgreSQL's.

use crate::error::{Error, Result, SqlState};

/// Kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    String,
    Number,
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Comma,
    Colon,
    True,
    False,
    Null,
    End,
}

/// What stands where something else should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Value,
    String,
    ArrayNext,
    ObjectFirst,
    ObjectNext,
    Colon,
    End,
}

/// Most characters of a line that an error shows.
const SHOWN_BYTES: usize = 50;

const LONE: &str = "Unicode low surrogate must follow a high surrogate.";

/// Reads tokens one by one.
pub(super) struct Lexer<'a> {
    input: &'a str,
    /// The current token.
    pub(super) token: Token,
    /// Where it starts.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
    line: usize,
    line_start: usize,
    /// Whether strings are to be read, and not only looked through.
    unescape: bool,
    /// The value of the current token, if it is a string that was read.
    pub(super) string: String,
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

impl<'a> Lexer<'a> {
    pub(super) fn new(input: &'a str, unescape: bool) -> Lexer<'a> {
        Lexer {
            input,
            token: Token::Comma,
            start: 0,
            end: 0,
            line: 1,
            line_start: 0,
            unescape,
            string: String::new(),
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.input.as_bytes().get(at).copied()
    }

    /// The text between two places, both of which lie between characters.
    pub(super) fn text(&self, start: usize, end: usize) -> &'a str {
        self.input.get(start..end).unwrap_or_default()
    }

    /// The end of the character at a place.
    fn behind(&self, at: usize) -> usize {
        let rest = self.input.get(at..).unwrap_or_default();
        at + rest.chars().next().map_or(0, char::len_utf8)
    }

    /// Goes to the next token.
    pub(super) fn advance(&mut self) -> Result<()> {
        let mut at = self.end;
        while let Some(byte @ (b' ' | b'\t' | b'\n' | b'\r')) = self.byte(at) {
            at += 1;
            if byte == b'\n' {
                self.line += 1;
                self.line_start = at;
            }
        }
        self.start = at;
        let Some(byte) = self.byte(at) else {
            (self.token, self.end) = (Token::End, at);
            return Ok(());
        };
        let structural = match byte {
            b'{' => Some(Token::ObjectStart),
            b'}' => Some(Token::ObjectEnd),
            b'[' => Some(Token::ArrayStart),
            b']' => Some(Token::ArrayEnd),
            b',' => Some(Token::Comma),
            b':' => Some(Token::Colon),
            _ => None,
        };
        if let Some(token) = structural {
            (self.token, self.end) = (token, at + 1);
            return Ok(());
        }
        match byte {
            b'"' => self.read_string(),
            b'-' => self.read_number(at + 1),
            b'0'..=b'9' => self.read_number(at),
            _ => self.read_word(),
        }
    }

    fn read_word(&mut self) -> Result<()> {
        let mut at = self.start;
        while self.byte(at).is_some_and(is_word) {
            at += 1;
        }
        if at == self.start {
            self.end = self.behind(at);
            return Err(self.invalid_token());
        }
        self.end = at;
        self.token = match self.text(self.start, at) {
            "true" => Token::True,
            "false" => Token::False,
            "null" => Token::Null,
            _ => return Err(self.invalid_token()),
        };
        Ok(())
    }

    fn digits(&self, mut at: usize) -> (usize, bool) {
        let start = at;
        while self.byte(at).is_some_and(|byte| byte.is_ascii_digit()) {
            at += 1;
        }
        (at, at > start)
    }

    fn read_number(&mut self, start: usize) -> Result<()> {
        let (mut at, mut valid) = match self.byte(start) {
            Some(b'0') => (start + 1, true),
            _ => self.digits(start),
        };
        if self.byte(at) == Some(b'.') {
            let (end, found) = self.digits(at + 1);
            (at, valid) = (end, valid && found);
        }
        if let Some(b'e' | b'E') = self.byte(at) {
            at += 1;
            if let Some(b'+' | b'-') = self.byte(at) {
                at += 1;
            }
            let (end, found) = self.digits(at);
            (at, valid) = (end, valid && found);
        }
        // What follows without a break is taken for a part of it.
        while self.byte(at).is_some_and(is_word) {
            (at, valid) = (at + 1, false);
        }
        self.end = at;
        if !valid {
            return Err(self.invalid_token());
        }
        self.token = Token::Number;
        Ok(())
    }

    fn read_string(&mut self) -> Result<()> {
        self.string.clear();
        let mut high: Option<u32> = None;
        let mut at = self.start + 1;
        loop {
            let Some(byte) = self.byte(at) else {
                self.end = at;
                return Err(self.invalid_token());
            };
            match byte {
                b'"' => break,
                0..32 => {
                    self.end = at;
                    let detail = format!("Character with value 0x{byte:02x} must be escaped.");
                    return Err(self.error(&detail));
                }
                b'\\' => {
                    at += 1;
                    let Some(escaped) = self.byte(at) else {
                        self.end = at;
                        return Err(self.invalid_token());
                    };
                    if escaped == b'u' {
                        let code = self.hexadecimal(at + 1)?;
                        at += 5;
                        if self.unescape {
                            self.push_code(code, &mut high)
                                .map_err(|detail| self.unpaired(detail, at))?;
                        }
                        continue;
                    }
                    if high.is_some() {
                        return Err(self.unpaired(LONE, at + 1));
                    }
                    let value = match escaped {
                        b'"' | b'\\' | b'/' => char::from(escaped),
                        b'b' => '\u{8}',
                        b'f' => '\u{c}',
                        b'n' => '\n',
                        b'r' => '\r',
                        b't' => '\t',
                        _ => {
                            (self.start, self.end) = (at, self.behind(at));
                            let escape = self.text(self.start, self.end);
                            let detail = format!("Escape sequence \"\\{escape}\" is invalid.");
                            return Err(self.error(&detail));
                        }
                    };
                    if self.unescape {
                        self.string.push(value);
                    }
                    at += 1;
                }
                _ => {
                    if high.is_some() {
                        let end = self.behind(at);
                        return Err(self.unpaired(LONE, end));
                    }
                    let stop = self.input.as_bytes().get(at..).unwrap_or_default();
                    let plain = |byte: &u8| *byte >= 32 && *byte != b'"' && *byte != b'\\';
                    let length = stop.iter().take_while(|byte| plain(byte)).count();
                    if self.unescape {
                        let text = self.text(at, at + length);
                        self.string.push_str(text);
                    }
                    at += length;
                }
            }
        }
        if high.is_some() {
            return Err(self.unpaired(LONE, at + 1));
        }
        (self.token, self.end) = (Token::String, at + 1);
        Ok(())
    }

    fn hexadecimal(&mut self, start: usize) -> Result<u32> {
        let mut code = 0;
        for at in start..start + 4 {
            let Some(byte) = self.byte(at) else {
                self.end = at;
                return Err(self.invalid_token());
            };
            let Some(digit) = char::from(byte).to_digit(16) else {
                self.end = self.behind(at);
                let detail = "\"\\u\" must be followed by four hexadecimal digits.";
                return Err(self.error(detail));
            };
            code = code * 16 + digit;
        }
        Ok(code)
    }

    /// Takes a code of an escape, of which two may make one character. The error is its detail.
    fn push_code(
        &mut self,
        code: u32,
        high: &mut Option<u32>,
    ) -> std::result::Result<(), &'static str> {
        let code = match (code, high.take()) {
            (0xd800..=0xdbff, Some(_)) => {
                return Err("Unicode high surrogate must not follow a high surrogate.");
            }
            (0xd800..=0xdbff, None) => {
                *high = Some(code);
                return Ok(());
            }
            (0xdc00..=0xdfff, Some(high)) => 0x10000 + ((high & 0x3ff) << 10) + (code & 0x3ff),
            (0xdc00..=0xdfff, None) | (_, Some(_)) => {
                return Err(LONE);
            }
            (0, None) => return Err("\\u0000 cannot be converted to text."),
            (code, None) => code,
        };
        self.string.extend(char::from_u32(code));
        Ok(())
    }

    /// The error of an escape that ends at `end`, or lacks what should stand there.
    fn unpaired(&mut self, detail: &str, end: usize) -> Error {
        self.end = end;
        match detail.starts_with("\\u0000") {
            true => {
                Error::new(SqlState::UntranslatableCharacter, "unsupported Unicode escape sequence")
                    .detail(detail)
                    .context(self.shown())
            }
            false => self.error(detail),
        }
    }

    fn invalid_token(&self) -> Error {
        let token = self.text(self.start, self.end);
        self.error(&format!("Token \"{token}\" is invalid."))
    }

    /// The error of a token in the wrong place.
    pub(super) fn unexpected(&self, expected: Expected) -> Error {
        if self.token == Token::End && expected != Expected::End {
            return self.error("The input string ended unexpectedly.");
        }
        let what = match expected {
            Expected::Value => "JSON value",
            Expected::String => "string",
            Expected::ArrayNext => "\",\" or \"]\"",
            Expected::ObjectFirst => "string or \"}\"",
            Expected::ObjectNext => "\",\" or \"}\"",
            Expected::Colon => "\":\"",
            Expected::End => "end of input",
        };
        let found = self.text(self.start, self.end);
        self.error(&format!("Expected {what}, but found \"{found}\"."))
    }

    fn error(&self, detail: &str) -> Error {
        Error::new(SqlState::InvalidTextRepresentation, "invalid input syntax for type json")
            .detail(detail)
            .context(self.shown())
    }

    /// The line up to the token's end, if it is long without its start.
    fn shown(&self) -> String {
        let mut from = self.line_start;
        while self.end.saturating_sub(from) >= SHOWN_BYTES {
            from = self.behind(from);
        }
        if from - self.line_start <= 3 {
            from = self.line_start;
        }
        let before = if from > self.line_start { "..." } else { "" };
        let more = self.byte(self.end).is_some_and(|byte| byte != b'\n' && byte != b'\r');
        let after = if self.token != Token::End && more { "..." } else { "" };
        let text = self.text(from, self.end);
        format!("JSON data, line {}: {before}{text}{after}", self.line)
    }
}
