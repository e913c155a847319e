//! The binary form of arrays, as drivers send and receive them: dimensions, a flag for NULLs, the
//! type of the elements, length and lower bound of each dimension, and the elements, each with its
//! length before it.

use super::{Array, Dimension, MAX_DIMENSIONS, Reader, count_items, too_many_dimensions};
use crate::error::{Error, Result, SqlState};
use crate::types::{Datum, Type, io};

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::InvalidBinaryRepresentation, message)
}

fn take<'b>(bytes: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
    let (head, tail) = bytes.split_at_checked(count)?;
    *bytes = tail;
    Some(head)
}

fn int(bytes: &mut &[u8]) -> Result<i32> {
    let (head, tail) = bytes.split_first_chunk::<4>().ok_or_else(|| {
        Error::new(SqlState::ProtocolViolation, "insufficient data left in message")
    })?;
    *bytes = tail;
    Ok(i32::from_be_bytes(*head))
}

/// `oid (name)`, as far as the type is known.
fn described(oid: u32) -> String {
    let name = Type::from_oid(oid).map_or("???", Type::name);
    format!("{oid} ({name})")
}

/// Reads the binary form of an array of such elements.
///
/// # Errors
/// If it is malformed, or an element is.
pub fn from_binary(element: Type, mut bytes: &[u8]) -> Result<Array> {
    let rest = &mut bytes;
    let count = int(rest)?;
    let dimensions = usize::try_from(count)
        .map_err(|_| invalid(format!("invalid number of dimensions: {count}")))?;
    if dimensions > MAX_DIMENSIONS {
        return Err(too_many_dimensions(dimensions));
    }
    if !matches!(int(rest)?, 0 | 1) {
        return Err(invalid("invalid array flags"));
    }
    let oid = int(rest)? as u32;
    if oid != element.oid() {
        return Err(Error::new(
            SqlState::DatatypeMismatch,
            format!(
                "binary data has array element type {} instead of expected {}",
                described(oid),
                described(element.oid())
            ),
        ));
    }
    let mut shape = Vec::with_capacity(dimensions);
    for _ in 0..dimensions {
        let (length, lower) = (int(rest)?, int(rest)?);
        shape.push(Dimension { length, lower });
    }
    let count = count_items(&shape)?;
    let mut items = Vec::with_capacity(count.min(rest.len() / 4));
    for number in 1..=count {
        let length = int(rest)?;
        if length == -1 {
            items.push(Datum::Null);
            continue;
        }
        let item = usize::try_from(length).ok().and_then(|length| take(rest, length));
        let item = item.ok_or_else(|| invalid("insufficient data left in message"))?;
        items.push(io::from_binary(element, item).map_err(|error| match error {
            Error::Report(report) if report.message.starts_with("incorrect binary data format") => {
                invalid(format!("improper binary format in array element {number}"))
            }
            other => other,
        })?);
    }
    if !rest.is_empty() {
        return Err(invalid("incorrect binary data format in bind parameter"));
    }
    match count {
        0 => Ok(Array::empty(element)),
        _ => Ok(Array { element, dimensions: shape, items }),
    }
}

/// Appends the binary form of an array, whose elements are of a user's type if they are of `element`.
///
/// # Errors
/// If the bytes are none.
pub fn write_binary(element: Option<Type>, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let reader = Reader::new(bytes)?;
    let element = element.unwrap_or(reader.element);
    out.extend((reader.dimensions.len() as i32).to_be_bytes());
    let flags = out.len();
    out.extend(0i32.to_be_bytes());
    out.extend(element.oid().to_be_bytes());
    for dimension in &reader.dimensions {
        out.extend(dimension.length.to_be_bytes());
        out.extend(dimension.lower.to_be_bytes());
    }
    let mut has_nulls = false;
    for item in reader {
        let start = out.len();
        out.extend((-1i32).to_be_bytes());
        match item? {
            Datum::Null => has_nulls = true,
            item => {
                io::write_binary(element, &item, out)?;
                let length = i32::try_from(out.len() - start - 4);
                let length = length.map_err(|_| Error::internal("value too large"))?;
                if let Some(place) = out.get_mut(start..start + 4) {
                    place.copy_from_slice(&length.to_be_bytes());
                }
            }
        }
    }
    if let Some(flag) = out.get_mut(flags + 3) {
        *flag = u8::from(has_nulls);
    }
    Ok(())
}
