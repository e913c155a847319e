//! The text form of arrays: `{1,2}`, `{{a,"b c"},{NULL,d}}`, `[0:1]={1,2}`.
//!
//! The words of errors follow PostgreSQL 15, whose parser goes by what it saw last ([`State`]). One
//! thing it lets pass is refused here: sub-arrays of different depth, such as `{{1},{{2}}}`.

use super::{Array, Dimension, MAX_DIMENSIONS, MAX_ITEMS, Reader, count_items, subscript_error};
use super::{too_many_dimensions, too_many_items};
use crate::error::{Error, Result, SqlState};
use crate::types::io::{self, Style};
use crate::types::{Datum, Type};

/// What was seen last.
#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Nothing.
    Start,
    /// A left brace.
    Opened,
    /// A part of an element without quotes.
    Plain,
    /// A part of an element inside its quotes.
    Quoted,
    /// The quote that ends an element.
    QuoteEnded,
    /// A comma behind an element.
    ElementDelimited,
    /// A right brace.
    Closed,
    /// A comma behind a right brace.
    LevelDelimited,
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn skip_spaces(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii() && is_space(c as u8))
}

/// Reads the text form of an array of such elements.
///
/// # Errors
/// If it is malformed, or an element is.
pub fn from_text(element: Type, text: &str, style: &Style) -> Result<Array> {
    let malformed = |detail: String| {
        Error::new(
            SqlState::InvalidTextRepresentation,
            format!("malformed array literal: \"{text}\""),
        )
        .detail(detail)
    };
    let (given, body) = bounds(text, &malformed)?;
    if !body.starts_with('{') {
        return Err(malformed(match given.is_empty() {
            true => "Array value must start with \"{\" or dimension information.".into(),
            false => "Array contents must start with \"{\".".into(),
        }));
    }
    let mut parser = Parser::new(body, &malformed);
    parser.run()?;
    let found = parser.lengths();
    let dimensions = match given.is_empty() {
        true => found.into_iter().map(|length| Dimension { length, lower: 1 }).collect(),
        false if given.iter().map(|dimension| dimension.length).eq(found) => given,
        false => {
            let detail = "Specified array dimensions do not match array contents.";
            return Err(malformed(detail.into()));
        }
    };
    count_items(&dimensions)?;
    let items = parser.items.into_iter().map(|item| match item {
        None => Ok(Datum::Null),
        Some(item) => io::from_text(element, &item, style),
    });
    Ok(Array { element, dimensions, items: items.collect::<Result<_>>()? })
}

/// The dimensions that stand before the braces, and what follows them.
fn bounds<'t>(
    text: &'t str,
    malformed: &dyn Fn(String) -> Error,
) -> Result<(Vec<Dimension>, &'t str)> {
    let mut dimensions = Vec::new();
    let mut rest = skip_spaces(text);
    while let Some(inside) = rest.strip_prefix('[') {
        if dimensions.len() >= MAX_DIMENSIONS {
            return Err(too_many_dimensions(dimensions.len() + 1));
        }
        let (first, behind) = bound(inside).ok_or_else(|| {
            malformed("\"[\" must introduce explicitly-specified array dimensions.".into())
        })?;
        let (lower, upper, behind) = match behind.strip_prefix(':') {
            None => (1, first, behind),
            Some(behind) => {
                let missing = || malformed("Missing array dimension value.".into());
                let (upper, behind) = bound(behind).ok_or_else(missing)?;
                (first, upper, behind)
            }
        };
        let behind = behind
            .strip_prefix(']')
            .ok_or_else(|| malformed("Missing \"]\" after array dimensions.".into()))?;
        if upper < lower {
            return Err(subscript_error("upper bound cannot be less than lower bound"));
        }
        // One that is longer than an integer can say matches nothing.
        let length = i64::from(upper) - i64::from(lower) + 1;
        dimensions.push(Dimension { length: i32::try_from(length).unwrap_or(i32::MAX), lower });
        rest = skip_spaces(behind);
    }
    if dimensions.is_empty() {
        return Ok((dimensions, rest));
    }
    let body = rest
        .strip_prefix('=')
        .ok_or_else(|| malformed("Missing \"=\" after array dimensions.".into()))?;
    Ok((dimensions, skip_spaces(body)))
}

/// The integer that a text begins with, as C's `atoi` reads it among digits and signs, and what
/// follows them.
fn bound(text: &str) -> Option<(i32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '-' && c != '+');
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    if word.is_empty() {
        return None;
    }
    let (negative, digits) = match word.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, word.strip_prefix('+').unwrap_or(word)),
    };
    let digits = digits.split(['-', '+']).next().unwrap_or_default();
    let value = digits.bytes().fold(0i64, |value, digit| {
        value.saturating_mul(10).saturating_add(i64::from(digit - b'0'))
    });
    Some((if negative { -value } else { value } as i32, rest))
}

/// Walks the braces.
struct Parser<'t, 'm> {
    text: &'t str,
    malformed: &'m dyn Fn(String) -> Error,
    state: State,
    /// Braces that are open.
    depth: usize,
    /// At which depth the elements are, once there is one.
    leaf: Option<usize>,
    /// For each level that was closed once how many members it had.
    closed: [Option<usize>; MAX_DIMENSIONS],
    /// The same of those that are open.
    open: [usize; MAX_DIMENSIONS],
    /// `None` stands for NULL.
    items: Vec<Option<String>>,
    current: String,
    /// Bytes of `current` that stay although they end in blanks.
    fixed: usize,
    /// Whether `current` has or had quotes or a backslash, so that it is not NULL.
    literal: bool,
}

impl<'t, 'm> Parser<'t, 'm> {
    fn new(text: &'t str, malformed: &'m dyn Fn(String) -> Error) -> Parser<'t, 'm> {
        Parser {
            text,
            malformed,
            state: State::Start,
            depth: 0,
            leaf: None,
            closed: [None; MAX_DIMENSIONS],
            open: [0; MAX_DIMENSIONS],
            items: Vec::new(),
            current: String::new(),
            fixed: 0,
            literal: false,
        }
    }

    fn fail<T>(&self, detail: &str) -> Result<T> {
        Err((self.malformed)(detail.into()))
    }

    fn unexpected<T>(&self, c: char) -> Result<T> {
        self.fail(&format!("Unexpected \"{c}\" character."))
    }

    /// The length of each dimension; none of an array without elements.
    fn lengths(&self) -> Vec<i32> {
        let depth = self.leaf.unwrap_or(0);
        let lengths = self.closed.iter().take(depth);
        lengths.map(|length| length.unwrap_or(0).min(i32::MAX as usize) as i32).collect()
    }

    fn run(&mut self) -> Result<()> {
        let text = self.text;
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            match (c, self.state) {
                ('\\', state) => {
                    if !matches!(
                        state,
                        State::Opened | State::Plain | State::Quoted | State::ElementDelimited
                    ) {
                        return self.unexpected('\\');
                    }
                    let Some((_, escaped)) = chars.next() else { break };
                    if state != State::Quoted {
                        self.begin(State::Plain)?;
                    }
                    self.current.push(escaped);
                    self.fixed = self.current.len();
                    self.literal = true;
                }
                ('"', State::Quoted) => self.state = State::QuoteEnded,
                ('"', State::Opened | State::ElementDelimited) => {
                    self.begin(State::Quoted)?;
                    self.literal = true;
                }
                ('"', _) => return self.fail("Unexpected array element."),
                (c, State::Quoted) => {
                    self.current.push(c);
                    self.fixed = self.current.len();
                }
                ('{', _) => self.open()?,
                ('}', _) => {
                    self.close()?;
                    if self.depth == 0 {
                        let rest = text.get(at + 1..).unwrap_or_default();
                        return match skip_spaces(rest).is_empty() {
                            true => Ok(()),
                            false => self.fail("Junk after closing right brace."),
                        };
                    }
                }
                (',', State::Plain | State::QuoteEnded) => {
                    self.end_item()?;
                    self.state = State::ElementDelimited;
                }
                (',', State::Closed) => self.state = State::LevelDelimited,
                (',', _) => return self.unexpected(','),
                (c, state) if c.is_ascii() && is_space(c as u8) => {
                    if state == State::Plain {
                        self.current.push(c);
                    }
                }
                (c, State::Opened | State::Plain | State::ElementDelimited) => {
                    self.begin(State::Plain)?;
                    self.current.push(c);
                    self.fixed = self.current.len();
                }
                _ => return self.fail("Unexpected array element."),
            }
        }
        self.fail("Unexpected end of input.")
    }

    /// An element begins, or goes on.
    fn begin(&mut self, state: State) -> Result<()> {
        self.state = state;
        match self.leaf {
            Some(depth) if depth != self.depth => self.uneven(),
            _ => {
                self.leaf = Some(self.depth);
                Ok(())
            }
        }
    }

    fn uneven<T>(&self) -> Result<T> {
        self.fail("Multidimensional arrays must have sub-arrays with matching dimensions.")
    }

    fn open(&mut self) -> Result<()> {
        if !matches!(self.state, State::Start | State::Opened | State::LevelDelimited) {
            return self.unexpected('{');
        }
        self.state = State::Opened;
        match self.open.get_mut(self.depth) {
            Some(members) => *members = 0,
            None => return Err(too_many_dimensions(self.depth + 1)),
        }
        self.depth += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        match self.state {
            State::Plain | State::QuoteEnded => self.end_item()?,
            State::Closed => {}
            State::Opened if self.depth == 1 => {}
            _ => return self.unexpected('}'),
        }
        self.state = State::Closed;
        self.depth -= 1;
        let members = self.open.get(self.depth).copied().unwrap_or_default();
        match self.closed.get(self.depth).copied().flatten() {
            Some(before) if before != members => return self.uneven(),
            _ => {}
        }
        if let Some(slot) = self.closed.get_mut(self.depth) {
            *slot = Some(members);
        }
        self.add_member();
        Ok(())
    }

    /// What is complete counts in the level around it.
    fn add_member(&mut self) {
        if let Some(members) = self.depth.checked_sub(1).and_then(|at| self.open.get_mut(at)) {
            *members += 1;
        }
    }

    fn end_item(&mut self) -> Result<()> {
        if self.items.len() >= MAX_ITEMS {
            return Err(too_many_items());
        }
        let mut item = std::mem::take(&mut self.current);
        item.truncate(std::mem::take(&mut self.fixed));
        let literal = std::mem::take(&mut self.literal);
        let is_null = !literal && item.eq_ignore_ascii_case("null");
        self.items.push((!is_null).then_some(item));
        self.add_member();
        Ok(())
    }
}

/// Appends the text form of an array, whose elements are of a user's type if they are of `element`.
///
/// # Errors
/// If the bytes are none.
pub fn write_text(
    element: Option<Type>,
    bytes: &[u8],
    style: &Style,
    out: &mut String,
) -> Result<()> {
    use std::fmt::Write as _;
    let mut reader = Reader::new(bytes)?;
    let element = element.unwrap_or(reader.element);
    let dimensions = std::mem::take(&mut reader.dimensions);
    if dimensions.is_empty() {
        out.push_str("{}");
        return Ok(());
    }
    if dimensions.iter().any(|dimension| dimension.lower != 1) {
        for dimension in &dimensions {
            let _ = write!(out, "[{}:{}]", dimension.lower, dimension.upper());
        }
        out.push('=');
    }
    // How many elements each level has, from the innermost.
    let mut widths: Vec<usize> = Vec::with_capacity(dimensions.len());
    for dimension in dimensions.iter().rev() {
        let inner = widths.last().copied().unwrap_or(1);
        widths.push(inner.saturating_mul(dimension.length as usize));
    }
    let mut item = String::new();
    for (position, value) in reader.enumerate() {
        if position > 0 {
            out.push(',');
        }
        let starts = widths.iter().filter(|width| position.is_multiple_of(**width)).count();
        out.extend(std::iter::repeat_n('{', starts));
        match value? {
            Datum::Null => out.push_str("NULL"),
            value => {
                item.clear();
                io::write_text(element, &value, style, &mut item)?;
                quote(&item, out);
            }
        }
        let ends = widths.iter().filter(|width| (position + 1).is_multiple_of(**width)).count();
        out.extend(std::iter::repeat_n('}', ends));
    }
    Ok(())
}

/// An element in quotes, if it would be read as something else without.
fn quote(item: &str, out: &mut String) {
    let special = |byte: u8| matches!(byte, b'"' | b'\\' | b'{' | b'}' | b',') || is_space(byte);
    if !item.is_empty() && !item.eq_ignore_ascii_case("null") && !item.bytes().any(special) {
        out.push_str(item);
        return;
    }
    out.push('"');
    for c in item.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}
