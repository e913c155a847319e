//! The binary format: a header, rows as counted fields of a known length, and a trailer.

use super::Fields;
use crate::error::{Error, Result, SqlState};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Signature, flags, and the length of an extension that is empty.
pub const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// In place of a row's number of fields.
pub const TRAILER: &[u8] = &(-1i16).to_be_bytes();

/// Flags of which one that is not known makes the data unreadable.
const CRITICAL_FLAGS: u32 = 0xffff_0000;
const WITH_OIDS: u32 = 1 << 16;
/// Longest field, as in messages.
const MAX_FIELD_BYTES: usize = 1 << 30;

/// What the data begins with.
#[derive(Debug)]
pub enum Record {
    /// A row of so many bytes; its fields are where it was asked to put them.
    Row(usize),
    /// The end, of so many bytes.
    End(usize),
    /// Less than a whole record.
    Partial,
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(SqlState::BadCopyFileFormat, message)
}

fn number<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

/// Length of the header, if it is all there.
pub fn header(input: &[u8]) -> Result<Option<usize>> {
    let known = input.len().min(SIGNATURE.len());
    if input.get(..known) != SIGNATURE.get(..known) {
        return Err(bad("COPY file signature not recognized"));
    }
    let mut rest = input.get(SIGNATURE.len()..).unwrap_or_default();
    let Some(flags) = number(&mut rest).map(u32::from_be_bytes) else { return Ok(None) };
    if flags & WITH_OIDS != 0 {
        return Err(bad("invalid COPY file header (WITH OIDS)"));
    }
    if flags & CRITICAL_FLAGS != 0 {
        return Err(bad("unrecognized critical flags in COPY file header"));
    }
    let Some(extension) = number(&mut rest).map(i32::from_be_bytes) else { return Ok(None) };
    let extension =
        usize::try_from(extension).map_err(|_| bad("invalid COPY file header (missing length)"))?;
    let length = HEADER.len().saturating_add(extension);
    if extension > MAX_FIELD_BYTES {
        return Err(bad("invalid COPY file header (wrong length)"));
    }
    Ok((input.len() >= length).then_some(length))
}

/// Reads a row of `width` fields.
pub fn record(input: &[u8], width: usize, out: &mut Fields) -> Result<Record> {
    out.clear();
    let mut rest = input;
    let Some(count) = number(&mut rest).map(i16::from_be_bytes) else {
        return Ok(Record::Partial);
    };
    if count == -1 {
        return Ok(Record::End(input.len() - rest.len()));
    }
    if usize::try_from(count) != Ok(width) {
        return Err(bad(format!("row field count is {count}, expected {width}")));
    }
    // A row that is not all there is not copied yet: it may be long and come in many pieces.
    let mut ahead = rest;
    for _ in 0..width {
        let Some(length) = field_bytes(&mut ahead)? else { return Ok(Record::Partial) };
        match ahead.get(length.unwrap_or(0)..) {
            Some(tail) => ahead = tail,
            None => return Ok(Record::Partial),
        }
    }
    while out.len() < width
        && let Some(length) = field_bytes(&mut rest)?
    {
        let start = out.text.len();
        let (field, tail) = rest.split_at_checked(length.unwrap_or(0)).unwrap_or_default();
        out.text.extend(field);
        out.end_field(start, length.is_none());
        rest = tail;
    }
    Ok(Record::Row(input.len() - rest.len()))
}

/// The length in front of a field, if it is all there: none for NULL.
fn field_bytes(rest: &mut &[u8]) -> Result<Option<Option<usize>>> {
    let Some(length) = number(rest).map(i32::from_be_bytes) else { return Ok(None) };
    if length == -1 {
        return Ok(Some(None));
    }
    let length = usize::try_from(length).ok().filter(|length| *length <= MAX_FIELD_BYTES);
    length.map(|length| Some(Some(length))).ok_or_else(|| bad("invalid field size"))
}
