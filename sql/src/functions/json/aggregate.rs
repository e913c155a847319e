//! Gathering rows into one JSON value.
//!
//! Arguments are JSON already: the binder converts them, as for `json_build_array`.

use super::build::{json, jsonb};
use super::invalid;
use crate::error::Result;
use crate::functions::strings::MAX_RESULT_BYTES;
use crate::types::array::too_many_items;
use crate::types::json::{Json, quote};
use crate::types::{Datum, Type};

/// What was gathered so far.
#[derive(Clone, Debug)]
pub struct JsonAccumulator {
    /// Whether the result is jsonb.
    binary: bool,
    /// Whether the result is an object, and what is gathered pairs.
    object: bool,
    /// What stands between two values in the text of json.
    separator: &'static str,
    /// Keys and values in turns, or values: text for json, else jsonb.
    parts: Vec<Datum>,
    bytes: usize,
}

impl JsonAccumulator {
    /// For an aggregate whose argument has type `input`.
    pub fn new(binary: bool, object: bool, input: Type) -> JsonAccumulator {
        // Arrays and rows stand on lines of their own.
        let is_nested = input.is_array() || input.is_row();
        let separator = if is_nested && !object { ", \n " } else { ", " };
        JsonAccumulator { binary, object, separator, parts: Vec::new(), bytes: 0 }
    }

    /// Takes a row: the value, or key and value. What comes before them serves DISTINCT.
    ///
    /// # Errors
    /// If a key is NULL, or all is too large.
    pub fn push(&mut self, args: &[Datum]) -> Result<()> {
        let count = if self.object { 2 } else { 1 };
        let parts = args.get(args.len().saturating_sub(count)..).unwrap_or(args);
        if self.object && parts.first().is_none_or(Datum::is_null) {
            return Err(invalid("field name must not be null"));
        }
        for part in parts {
            self.bytes += match part {
                Datum::Text(text) => text.len(),
                Datum::Bytes(bytes) => bytes.len(),
                _ => 4,
            };
            self.parts.push(part.clone());
        }
        if self.bytes > MAX_RESULT_BYTES {
            return Err(too_many_items());
        }
        Ok(())
    }

    /// Takes what another one has saved.
    ///
    /// # Errors
    /// Like [`JsonAccumulator::push`].
    pub fn merge(&mut self, saved: &[Datum]) -> Result<()> {
        let count = if self.object { 2 } else { 1 };
        saved.chunks(count).try_for_each(|part| self.push(part))
    }

    /// All that was taken, for [`JsonAccumulator::merge`].
    pub fn save(&self) -> Vec<Datum> {
        self.parts.clone()
    }

    /// Rough size in memory.
    pub fn size_bytes(&self) -> usize {
        self.bytes + self.parts.len() * size_of::<Datum>()
    }

    /// The value; NULL of no rows.
    ///
    /// # Errors
    /// If it is too large.
    pub fn finish(&self) -> Result<Datum> {
        if self.parts.is_empty() {
            return Ok(Datum::Null);
        }
        match (self.binary, self.object) {
            (true, false) => {
                Json::Array(self.parts.iter().map(jsonb).collect::<Result<_>>()?).to_datum()
            }
            (true, true) => {
                let pairs =
                    self.pairs().map(|(key, value)| Ok((key.as_str()?.to_owned(), jsonb(value)?)));
                Json::object(pairs.collect::<Result<_>>()?).to_datum()
            }
            (false, false) => {
                let parts = self.parts.iter().map(json).collect::<Result<Vec<_>>>()?;
                Ok(Datum::Text(format!("[{}]", parts.join(self.separator))))
            }
            (false, true) => {
                let mut out = String::from("{ ");
                for (number, (key, value)) in self.pairs().enumerate() {
                    out.push_str(if number > 0 { self.separator } else { "" });
                    quote(key.as_str()?, &mut out);
                    out.push_str(" : ");
                    out.push_str(json(value)?);
                }
                out.push_str(" }");
                Ok(Datum::Text(out))
            }
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (&Datum, &Datum)> {
        self.parts.chunks(2).filter_map(|pair| match pair {
            [key, value] => Some((key, value)),
            _ => None,
        })
    }
}
