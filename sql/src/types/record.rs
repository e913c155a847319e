//! Records: values of several types in a row.
//!
//! A [`Datum`] holds a record as bytes that name the types of its fields:
//!
//! ```text
//! 1 <fields> (<handle>)... <values, as in a row>
//! 2 <key of each value>
//! ```
//!
//! A handle is the number of a built-in type, or [stands](Type::handle) for the definition of a user's.
//! The second is the form that equal records share. It sorts bytewise as PostgreSQL orders records: by
//! their first fields that differ, of which NULL is the greatest. Their fields cannot be had back.

use super::io::{self, Style};
use super::{Datum, Type};
use crate::codec::{self, RowReader};
use crate::error::{Error, Result, SqlState};

/// First byte of a record whose fields can be read.
const READABLE: u8 = 1;
/// First byte of the form that equal records share.
const ORDERED: u8 = 2;

fn corrupted() -> Error {
    Error::new(SqlState::DataCorrupted, "unreadable record")
}

/// The types of fields as the head of a record.
pub fn head(kinds: &[Type]) -> Vec<u8> {
    let mut head = vec![READABLE];
    head.extend((kinds.len() as u16).to_le_bytes());
    for kind in kinds {
        head.extend(kind.base().handle().to_le_bytes());
    }
    head
}

/// A record of these fields.
pub fn make(head: &[u8], values: &[Datum]) -> Datum {
    let mut record = head.to_vec();
    for value in values {
        codec::encode_datum(value, &mut record);
    }
    Datum::Bytes(record)
}

/// Reads the fields of a record with their types.
pub struct Fields<'a> {
    kinds: &'a [u8],
    values: RowReader<'a>,
}

impl<'a> Fields<'a> {
    /// Before the first field.
    ///
    /// # Errors
    /// If the bytes are no record whose fields can be read.
    pub fn new(bytes: &'a [u8]) -> Result<Fields<'a>> {
        let (head, rest) = bytes.split_first_chunk::<3>().ok_or_else(corrupted)?;
        let [READABLE, count @ ..] = *head else { return Err(corrupted()) };
        let kinds = usize::from(u16::from_le_bytes(count)) * 4;
        let (kinds, values) = rest.split_at_checked(kinds).ok_or_else(corrupted)?;
        Ok(Fields { kinds, values: RowReader::new(values) })
    }

    /// How many fields are left.
    fn len(&self) -> usize {
        self.kinds.len() / 4
    }
}

impl Iterator for Fields<'_> {
    type Item = Result<(Type, Datum)>;

    fn next(&mut self) -> Option<Self::Item> {
        let (oid, rest) = self.kinds.split_first_chunk::<4>()?;
        self.kinds = rest;
        let kind = Type::from_handle(u32::from_le_bytes(*oid)).ok_or_else(corrupted);
        Some(kind.and_then(|kind| Ok((kind, self.values.next_datum()?))))
    }
}

/// The field at a place; NULL if there is none.
///
/// # Errors
/// If the bytes are unreadable.
pub fn field(bytes: &[u8], index: usize) -> Result<Datum> {
    let field = Fields::new(bytes)?.nth(index).transpose()?;
    Ok(field.map_or(Datum::Null, |(_, value)| value))
}

/// The form that equal records share; of one that is in it already, the same. Bytes that are no
/// record stay as they are.
pub fn ordered(bytes: &[u8]) -> Vec<u8> {
    match bytes.first() {
        Some(&ORDERED) => bytes.to_vec(),
        _ => to_ordered(bytes).unwrap_or_else(|_| bytes.to_vec()),
    }
}

/// Whether a value is in that form.
pub(super) fn is_ordered(bytes: &[u8]) -> bool {
    bytes.first() == Some(&ORDERED)
}

/// What that form begins with.
pub(super) fn ordered_head() -> Vec<u8> {
    vec![ORDERED]
}

fn to_ordered(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = vec![ORDERED];
    for field in Fields::new(bytes)? {
        let (kind, value) = field?;
        // One that was dropped is no field any more.
        if kind != Type::Void {
            codec::encode_key(kind, &value, &mut out);
        }
    }
    Ok(out)
}

/// Appends the text form: `(1,"a b",)`.
///
/// # Errors
/// If the bytes are unreadable.
pub fn write_text(bytes: &[u8], style: &Style, out: &mut String) -> Result<()> {
    write_fields(Fields::new(bytes)?, style, out)
}

/// Appends the text form of these fields.
pub(super) fn write_fields(
    fields: impl Iterator<Item = Result<(Type, Datum)>>,
    style: &Style,
    out: &mut String,
) -> Result<()> {
    out.push('(');
    for (index, field) in fields.enumerate() {
        let (kind, value) = field?;
        if index > 0 {
            out.push(',');
        }
        if value.is_null() {
            continue;
        }
        let text = io::to_text(kind, &value, style)?;
        let needs_quotes = text.is_empty()
            || text.contains(|c: char| {
                "\"\\(),".contains(c) || c.is_ascii_whitespace() || c == '\x0b'
            });
        if !needs_quotes {
            out.push_str(&text);
            continue;
        }
        out.push('"');
        for c in text.chars() {
            if matches!(c, '"' | '\\') {
                out.push(c);
            }
            out.push(c);
        }
        out.push('"');
    }
    out.push(')');
    Ok(())
}

/// Appends the binary form.
///
/// # Errors
/// If the bytes are unreadable.
pub fn write_binary(bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let fields = Fields::new(bytes)?;
    let count = fields.len();
    write_binary_fields(count, fields, out)
}

/// Appends the binary form of so many fields.
pub(super) fn write_binary_fields(
    count: usize,
    fields: impl Iterator<Item = Result<(Type, Datum)>>,
    out: &mut Vec<u8>,
) -> Result<()> {
    out.extend((count as i32).to_be_bytes());
    for field in fields {
        let (kind, value) = field?;
        out.extend(kind.oid().to_be_bytes());
        if value.is_null() {
            out.extend((-1i32).to_be_bytes());
            continue;
        }
        let mut binary = Vec::new();
        io::write_binary(kind, &value, &mut binary)?;
        out.extend((binary.len() as i32).to_be_bytes());
        out.append(&mut binary);
    }
    Ok(())
}

/// The same fields with types that tell more of them than those of a stored value.
///
/// # Errors
/// If the bytes are unreadable.
pub fn with_types(kinds: &[Type], bytes: &[u8]) -> Result<Datum> {
    let values = Fields::new(bytes)?.map(|field| field.map(|(_, value)| value));
    Ok(make(&head(kinds), &values.collect::<Result<Vec<_>>>()?))
}
