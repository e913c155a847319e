//! The form of jsonb whose parts can be reached: each value says how long it is.

use super::{Json, MAX_DEPTH, compare_keys, corrupted, too_deep};
use crate::error::{Error, Result, SqlState};
use crate::types::{Datum, Numeric};

pub(super) const NULL: u8 = 1;
pub(super) const FALSE: u8 = 2;
pub(super) const TRUE: u8 = 3;
pub(super) const NUMBER: u8 = 4;
pub(super) const STRING: u8 = 5;
pub(super) const ARRAY: u8 = 6;
pub(super) const OBJECT: u8 = 7;

/// Most bytes of an array or object, as in PostgreSQL.
const MAX_CONTAINER_BYTES: usize = 0x0fff_ffff;

/// Appends a value.
pub(super) fn encode(json: &Json, out: &mut Vec<u8>) -> Result<()> {
    encode_at(json, 0, out)
}

fn encode_at(json: &Json, depth: usize, out: &mut Vec<u8>) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(too_deep());
    }
    match json {
        Json::Null => out.push(NULL),
        Json::Bool(value) => out.push(if *value { TRUE } else { FALSE }),
        Json::Number(value) => {
            out.push(NUMBER);
            sized(out, "jsonb number", |out| {
                out.extend(value.encode());
                Ok(())
            })?;
        }
        Json::String(text) => {
            out.push(STRING);
            sized(out, "jsonb string", |out| {
                out.extend(text.as_bytes());
                Ok(())
            })?;
        }
        Json::Array(items) => {
            out.push(ARRAY);
            sized(out, "jsonb array elements", |out| {
                items.iter().try_for_each(|item| encode_at(item, depth + 1, out))
            })?;
        }
        Json::Object(pairs) => {
            out.push(OBJECT);
            sized(out, "jsonb object elements", |out| {
                pairs.iter().try_for_each(|(key, value)| {
                    sized(out, "jsonb string", |out| {
                        out.extend(key.as_bytes());
                        Ok(())
                    })?;
                    encode_at(value, depth + 1, out)
                })
            })?;
        }
    }
    Ok(())
}

/// What `write` appends, with its length before it.
fn sized(
    out: &mut Vec<u8>,
    what: &str,
    write: impl FnOnce(&mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    let start = out.len();
    out.extend([0; 4]);
    write(out)?;
    let length = out.len() - start - 4;
    if length > MAX_CONTAINER_BYTES {
        return Err(Error::new(
            SqlState::ProgramLimitExceeded,
            format!("total size of {what} exceeds the maximum of {MAX_CONTAINER_BYTES} bytes"),
        ));
    }
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&(length as u32).to_le_bytes());
    }
    Ok(())
}

/// A value in its bytes.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the names are JSON's")]
pub enum View<'a> {
    Null,
    Bool(bool),
    /// The number's encoding.
    Number(&'a [u8]),
    String(&'a str),
    /// The elements.
    Array(&'a [u8]),
    /// The pairs.
    Object(&'a [u8]),
}

fn take_sized<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(corrupted)?;
    let length = u32::from_le_bytes(*length) as usize;
    let (payload, rest) = rest.split_at_checked(length).ok_or_else(corrupted)?;
    *bytes = rest;
    Ok(payload)
}

fn take_text<'a>(bytes: &mut &'a [u8]) -> Result<&'a str> {
    std::str::from_utf8(take_sized(bytes)?).map_err(|_| corrupted())
}

fn take_value<'a>(bytes: &mut &'a [u8]) -> Result<View<'a>> {
    let (tag, rest) = bytes.split_first().ok_or_else(corrupted)?;
    *bytes = rest;
    Ok(match *tag {
        NULL => View::Null,
        FALSE => View::Bool(false),
        TRUE => View::Bool(true),
        NUMBER => View::Number(take_sized(bytes)?),
        STRING => View::String(take_text(bytes)?),
        ARRAY => View::Array(take_sized(bytes)?),
        OBJECT => View::Object(take_sized(bytes)?),
        _ => return Err(corrupted()),
    })
}

impl<'a> View<'a> {
    /// Of a value of type jsonb.
    ///
    /// # Errors
    /// If the bytes are none whose parts can be reached.
    pub fn new(mut bytes: &'a [u8]) -> Result<View<'a>> {
        take_value(&mut bytes)
    }

    /// The elements of an array; of all else, none.
    pub fn items(self) -> Items<'a> {
        match self {
            View::Array(rest) => Items { rest },
            _ => Items { rest: &[] },
        }
    }

    /// The pairs of an object, in their order; of all else, none.
    pub fn pairs(self) -> Pairs<'a> {
        match self {
            View::Object(rest) => Pairs { rest },
            _ => Pairs { rest: &[] },
        }
    }

    /// The value of a key.
    ///
    /// # Errors
    /// If the bytes are unreadable.
    pub fn get(self, key: &str) -> Result<Option<View<'a>>> {
        for pair in self.pairs() {
            let (name, value) = pair?;
            match compare_keys(name, key) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Ok(Some(value)),
                std::cmp::Ordering::Greater => break,
            }
        }
        Ok(None)
    }

    /// The element at a place, counted from the end if negative.
    ///
    /// # Errors
    /// If the bytes are unreadable.
    pub fn item(self, place: i64) -> Result<Option<View<'a>>> {
        let place = match place {
            0.. => place as usize,
            _ => match super::place_in(place, self.items().count()) {
                Some(place) => place,
                None => return Ok(None),
            },
        };
        self.items().nth(place).transpose()
    }

    /// The whole value, read.
    ///
    /// # Errors
    /// If the bytes are unreadable.
    pub fn to_json(self) -> Result<Json> {
        Ok(match self {
            View::Null => Json::Null,
            View::Bool(value) => Json::Bool(value),
            View::Number(bytes) => Json::Number(Numeric::decode(bytes)?),
            View::String(text) => Json::String(text.to_owned()),
            View::Array(_) => {
                Json::Array(self.items().map(|item| item?.to_json()).collect::<Result<_>>()?)
            }
            View::Object(_) => {
                let pairs = self.pairs().map(|pair| {
                    let (key, value) = pair?;
                    Ok((key.to_owned(), value.to_json()?))
                });
                Json::Object(pairs.collect::<Result<_>>()?)
            }
        })
    }

    /// As a value of type jsonb.
    pub fn to_datum(self) -> Datum {
        let with = |tag: u8, payload: &[u8]| {
            let mut out = Vec::with_capacity(payload.len() + 5);
            out.push(tag);
            out.extend((payload.len() as u32).to_le_bytes());
            out.extend(payload);
            out
        };
        Datum::Bytes(match self {
            View::Null => vec![NULL],
            View::Bool(value) => vec![if value { TRUE } else { FALSE }],
            View::Number(bytes) => with(NUMBER, bytes),
            View::String(text) => with(STRING, text.as_bytes()),
            View::Array(bytes) => with(ARRAY, bytes),
            View::Object(bytes) => with(OBJECT, bytes),
        })
    }

    /// The text that `->>` gives: `None` for null.
    ///
    /// # Errors
    /// If the bytes are unreadable.
    pub fn as_text(self) -> Result<Option<String>> {
        Ok(match self {
            View::Null => None,
            View::String(text) => Some(text.to_owned()),
            _ => {
                let mut out = String::new();
                super::text::write(self, &mut out)?;
                Some(out)
            }
        })
    }

    /// The name of its type, as `jsonb_typeof` gives it.
    pub fn type_name(self) -> &'static str {
        match self {
            View::Null => "null",
            View::Bool(_) => "boolean",
            View::Number(_) => "number",
            View::String(_) => "string",
            View::Array(_) => "array",
            View::Object(_) => "object",
        }
    }

    /// Whether it is neither an array nor an object.
    pub fn is_scalar(self) -> bool {
        !matches!(self, View::Array(_) | View::Object(_))
    }
}

/// The elements of an array.
#[derive(Clone, Copy, Debug)]
pub struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<View<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let item = take_value(&mut self.rest);
        if item.is_err() {
            self.rest = &[];
        }
        Some(item)
    }
}

/// The pairs of an object.
#[derive(Clone, Copy, Debug)]
pub struct Pairs<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<(&'a str, View<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let pair = take_text(&mut self.rest).and_then(|key| Ok((key, take_value(&mut self.rest)?)));
        if pair.is_err() {
            self.rest = &[];
        }
        Some(pair)
    }
}
