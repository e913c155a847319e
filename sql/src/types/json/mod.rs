//! JSON. A `json` is its text; a `jsonb` is a tree in bytes, in one of two forms:
//!
//! ```text
//! <tag> [<bytes> <payload>]      a value, whose parts can be reached without reading the others
//! <class> ...                    the form that equal values share
//! ```
//!
//! The payload of an array are its elements, that of an object pairs of a key and a value in
//! PostgreSQL's order: shorter keys first. The second form sorts bytewise as PostgreSQL orders
//! jsonb; comparisons, groups and keys of indexes use it, and its parts cannot be had back.

mod layout;
mod lexer;
mod ordered;
mod parser;
mod text;

pub use layout::View;
pub use ordered::ordered;
pub use parser::{MAX_DEPTH, Node, Value, check, parse, too_deep};
pub use text::{quote, write_pretty};

use std::cmp::Ordering;

use super::{Datum, Numeric};
use crate::error::{Error, Result, SqlState};

/// The version in the binary form of jsonb.
const BINARY_VERSION: u8 = 1;

/// A value of jsonb.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names are JSON's")]
pub enum Json {
    Null,
    Bool(bool),
    /// Finite.
    Number(Numeric),
    String(String),
    Array(Vec<Json>),
    /// Keys rise, in the order of [`compare_keys`].
    Object(Vec<(String, Json)>),
}

/// The order of keys in an object: the shorter ones first.
pub fn compare_keys(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.as_bytes().cmp(b.as_bytes()))
}

/// The index that a place means in an array, from the end if it is negative.
pub fn place_in(place: i64, length: usize) -> Option<usize> {
    let place = if place < 0 { place.checked_add(length as i64)? } else { place };
    usize::try_from(place).ok().filter(|place| *place < length)
}

fn corrupted() -> Error {
    Error::new(SqlState::DataCorrupted, "unreadable jsonb value")
}

impl Json {
    /// An object of pairs in any order: of several with one key the last one stays.
    pub fn object(mut pairs: Vec<(String, Json)>) -> Json {
        pairs.reverse();
        pairs.sort_by(|(a, _), (b, _)| compare_keys(a, b));
        pairs.dedup_by(|(later, _), (kept, _)| later == kept);
        Json::Object(pairs)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// If it is no JSON, or not all of it has a place in jsonb.
    pub fn parse(text: &str) -> Result<Json> {
        parse(text)?.into_json()
    }

    /// From a value of type jsonb.
    ///
    /// # Errors
    /// If it is none.
    pub fn read(value: &Datum) -> Result<Json> {
        View::new(value.as_bytes()?)?.to_json()
    }

    /// As a value of type jsonb.
    ///
    /// # Errors
    /// If it is too large.
    pub fn to_datum(&self) -> Result<Datum> {
        let mut out = Vec::new();
        layout::encode(self, &mut out)?;
        Ok(Datum::Bytes(out))
    }
}

/// Appends the text of a value of type jsonb.
///
/// # Errors
/// If it is none.
pub fn write_text(bytes: &[u8], out: &mut String) -> Result<()> {
    text::write(View::new(bytes)?, out)
}

/// Appends the binary form of a value of type jsonb.
///
/// # Errors
/// If it is none.
pub fn write_binary(bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let mut text = String::new();
    write_text(bytes, &mut text)?;
    out.push(BINARY_VERSION);
    out.extend(text.as_bytes());
    Ok(())
}

/// Reads the binary form of jsonb.
///
/// # Errors
/// If it has another version, or no JSON.
pub fn from_binary(bytes: &[u8]) -> Result<Datum> {
    let (version, text) = bytes
        .split_first()
        .ok_or_else(|| Error::new(SqlState::ProtocolViolation, "no data left in message"))?;
    if *version != BINARY_VERSION {
        let message = format!("unsupported jsonb version number {version}");
        return Err(Error::internal(message));
    }
    Json::parse(super::io::utf8(text)?)?.to_datum()
}
