//! Arrays: elements of one type in up to six dimensions, each with a lower bound.
//!
//! A [`Datum`] holds an array as bytes that name the type of its elements, so that a function of any
//! array needs no more than the array:
//!
//! ```text
//! 1 <element oid> <dimensions> (<length> <lower bound>)... <elements, as in a row>
//! 2 <key of each element> 0 <dimensions> <length>... <lower bound>...
//! ```
//!
//! The second is the form that equal arrays share. It sorts bytewise as PostgreSQL orders arrays: by
//! their elements, of which NULL is the greatest; then by how many there are, and at last by their
//! dimensions. Comparisons, groups and keys use it. Its elements cannot be had back.

mod binary;
mod kinds;
mod text;

use std::borrow::Cow;

use super::{Datum, Type};
use crate::codec::{self, RowReader};
use crate::error::{Error, Result, SqlState};

pub use binary::{from_binary, write_binary};
pub(super) use kinds::{ARRAYS, array_of, element_of};
pub use text::{from_text, write_text};

/// Most dimensions, as in PostgreSQL.
pub const MAX_DIMENSIONS: usize = 6;
/// Most elements. In memory each takes some tens of bytes.
pub const MAX_ITEMS: usize = (1 << 24) - 1;

/// First byte of an array whose elements can be read.
const READABLE: u8 = 1;
/// First byte of the form that equal arrays share.
const ORDERED: u8 = 2;
/// Ends the keys of the elements: below what a key begins with.
const END: u8 = 0;

/// One dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// How many subscripts it has: at least one.
    pub length: i32,
    /// The first of them.
    pub lower: i32,
}

impl Dimension {
    /// The last subscript.
    pub fn upper(self) -> i32 {
        self.lower + (self.length - 1)
    }
}

/// An array. One without elements has no dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The type of the elements, which is no array. Of a user's type a stored array says only
    /// which kind it is.
    pub element: Type,
    /// From the outermost inwards.
    pub dimensions: Vec<Dimension>,
    /// In row-major order.
    pub items: Vec<Datum>,
}

fn corrupted() -> Error {
    Error::new(SqlState::DataCorrupted, "unreadable array")
}

/// An error about subscripts.
pub fn subscript_error(message: impl Into<String>) -> Error {
    Error::new(SqlState::ArraySubscriptError, message)
}

/// The error of an array that would have too many dimensions.
pub fn too_many_dimensions(count: usize) -> Error {
    Error::new(
        SqlState::ProgramLimitExceeded,
        format!(
            "number of array dimensions ({count}) exceeds the maximum allowed ({MAX_DIMENSIONS})"
        ),
    )
}

/// The error of an array that would have too many elements.
pub fn too_many_items() -> Error {
    Error::new(
        SqlState::ProgramLimitExceeded,
        format!("array size exceeds the maximum allowed ({MAX_ITEMS})"),
    )
}

/// How many elements an array of these dimensions has.
///
/// # Errors
/// If they are too many, or a subscript would be out of an integer's range.
pub fn count_items(dimensions: &[Dimension]) -> Result<usize> {
    if dimensions.is_empty() {
        return Ok(0);
    }
    if dimensions.len() > MAX_DIMENSIONS {
        return Err(too_many_dimensions(dimensions.len()));
    }
    let mut count = 1usize;
    for dimension in dimensions {
        let length = usize::try_from(dimension.length).map_err(|_| too_many_items())?;
        count = count.checked_mul(length).filter(|n| *n <= MAX_ITEMS).ok_or_else(too_many_items)?;
    }
    for dimension in dimensions {
        // The subscript behind the last one has to be an integer, too.
        if dimension.lower.checked_add(dimension.length).is_none() {
            return Err(Error::new(
                SqlState::ProgramLimitExceeded,
                format!("array lower bound is too large: {}", dimension.lower),
            ));
        }
    }
    Ok(count)
}

impl Array {
    /// One without elements.
    pub fn empty(element: Type) -> Array {
        Array { element, dimensions: Vec::new(), items: Vec::new() }
    }

    /// One of one dimension, with subscripts from 1.
    ///
    /// # Errors
    /// If the elements are too many.
    pub fn of(element: Type, items: Vec<Datum>) -> Result<Array> {
        let length = items.len();
        if length == 0 {
            return Ok(Array::empty(element));
        }
        if length > MAX_ITEMS {
            return Err(too_many_items());
        }
        let dimensions = vec![Dimension { length: length as i32, lower: 1 }];
        Ok(Array { element, dimensions, items })
    }

    /// As a value.
    pub fn to_datum(&self) -> Datum {
        let mut out = Vec::with_capacity(8 + 8 * self.dimensions.len() + 6 * self.items.len());
        out.push(READABLE);
        out.extend(self.element.erased().oid().to_le_bytes());
        out.push(self.dimensions.len() as u8);
        for dimension in &self.dimensions {
            out.extend(dimension.length.to_le_bytes());
            out.extend(dimension.lower.to_le_bytes());
        }
        for item in &self.items {
            codec::encode_datum(item, &mut out);
        }
        Datum::Bytes(out)
    }

    /// From a value.
    ///
    /// # Errors
    /// If it is none of ours.
    pub fn read(value: &Datum) -> Result<Array> {
        let mut reader = Reader::new(value.as_bytes()?)?;
        let items = reader.by_ref().collect::<Result<Vec<Datum>>>()?;
        match items.len() == reader.count {
            true => Ok(Array { element: reader.element, dimensions: reader.dimensions, items }),
            false => Err(corrupted()),
        }
    }
}

/// Reads an array from its front.
pub struct Reader<'a> {
    /// The type of the elements.
    pub element: Type,
    /// From the outermost inwards.
    pub dimensions: Vec<Dimension>,
    /// How many elements there are.
    pub count: usize,
    items: RowReader<'a>,
}

impl<'a> Reader<'a> {
    /// A reader at the first element.
    ///
    /// # Errors
    /// If the bytes are not an array whose elements can be read.
    pub fn new(bytes: &'a [u8]) -> Result<Reader<'a>> {
        let (head, mut rest) = bytes.split_first_chunk::<6>().ok_or_else(corrupted)?;
        let [READABLE, oid @ .., count] = *head else { return Err(corrupted()) };
        let element = Type::from_oid(u32::from_le_bytes(oid)).ok_or_else(corrupted)?;
        let mut dimensions = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let (length, behind) = rest.split_first_chunk::<4>().ok_or_else(corrupted)?;
            let (lower, behind) = behind.split_first_chunk::<4>().ok_or_else(corrupted)?;
            let (length, lower) = (i32::from_le_bytes(*length), i32::from_le_bytes(*lower));
            dimensions.push(Dimension { length, lower });
            rest = behind;
        }
        let count = count_items(&dimensions).map_err(|_| corrupted())?;
        Ok(Reader { element, dimensions, count, items: RowReader::new(rest) })
    }

    /// The element at a position in row-major order, counted from the next one.
    ///
    /// # Errors
    /// If the bytes are unreadable.
    pub fn nth_item(mut self, position: usize) -> Result<Datum> {
        for _ in 0..position {
            self.items.skip()?;
        }
        self.items.next_datum()
    }
}

impl Iterator for Reader<'_> {
    type Item = Result<Datum>;

    fn next(&mut self) -> Option<Result<Datum>> {
        (!self.items.is_done()).then(|| self.items.next_datum())
    }
}

/// The form that equal arrays share; of one that is in it already, the same. Bytes that are no
/// array stay as they are.
pub fn ordered(bytes: &[u8]) -> Cow<'_, [u8]> {
    match bytes.first() {
        Some(&ORDERED) => Cow::Borrowed(bytes),
        _ => to_ordered(bytes).map_or(Cow::Borrowed(bytes), Cow::Owned),
    }
}

fn to_ordered(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut reader = Reader::new(bytes)?;
    let (element, dimensions) = (reader.element, std::mem::take(&mut reader.dimensions));
    let mut out = Vec::with_capacity(bytes.len() + 8);
    out.push(ORDERED);
    for item in reader {
        codec::encode_key(element, &item?, &mut out);
    }
    out.push(END);
    out.push(dimensions.len() as u8);
    let sortable = |value: i32| (value as u32 ^ (1 << 31)).to_be_bytes();
    for dimension in &dimensions {
        out.extend(sortable(dimension.length));
    }
    for dimension in &dimensions {
        out.extend(sortable(dimension.lower));
    }
    Ok(out)
}
