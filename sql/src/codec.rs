//! Rows as bytes, in two forms.
//!
//! *Values* ([`encode_row`]) are compact and self-describing: a tag and the payload for each
//! column, walked to reach the wanted ones. *Keys* ([`encode_key`]) sort bytewise as
//! the datums sort: a NULL is last (or first, in a [`KeyOrder`] that says so), integers are big-endian with the sign flipped, strings escape
//! their zero bytes so that a prefix sorts first.

use datafusion::arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, SqlState};
use crate::types::interval::CANONICAL_BYTES;
use crate::types::{Datum, Numeric, Type, array, composite, json, record};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT16: u8 = 3;
const INT32: u8 = 4;
const INT64: u8 = 5;
const FLOAT32: u8 = 6;
const FLOAT64: u8 = 7;
const TEXT: u8 = 8;
const BYTES: u8 = 9;

fn corrupted() -> Error {
    Error::new(SqlState::DataCorrupted, "unreadable row")
}

/// Appends one datum of a value.
pub fn encode_datum(datum: &Datum, out: &mut Vec<u8>) {
    match datum {
        Datum::Null => out.push(NULL),
        Datum::Bool(false) => out.push(FALSE),
        Datum::Bool(true) => out.push(TRUE),
        Datum::Int16(v) => {
            out.push(INT16);
            out.extend(v.to_le_bytes());
        }
        Datum::Int32(v) => {
            out.push(INT32);
            out.extend(v.to_le_bytes());
        }
        Datum::Int64(v) => {
            out.push(INT64);
            out.extend(v.to_le_bytes());
        }
        Datum::Float32(v) => {
            out.push(FLOAT32);
            out.extend(v.to_le_bytes());
        }
        Datum::Float64(v) => {
            out.push(FLOAT64);
            out.extend(v.to_le_bytes());
        }
        Datum::Text(v) => {
            out.push(TEXT);
            encode_bytes(v.as_bytes(), out);
        }
        Datum::Bytes(v) => {
            out.push(BYTES);
            encode_bytes(v, out);
        }
    }
}

fn encode_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend(bytes);
}

/// A row's value.
pub fn encode_row(row: &[Datum]) -> Vec<u8> {
    let bytes = |datum: &Datum| match datum {
        Datum::Text(text) => text.len(),
        Datum::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    let mut out = Vec::with_capacity(row.len() * 9 + row.iter().map(bytes).sum::<usize>());
    for datum in row {
        encode_datum(datum, &mut out);
    }
    out
}

/// The value of an index entry that has `included` columns beside the key of its row.
pub fn encode_entry<'a>(row_key: &[u8], included: impl Iterator<Item = &'a Datum>) -> Vec<u8> {
    let mut out = Vec::with_capacity(row_key.len() + 32);
    encode_bytes(row_key, &mut out);
    for datum in included {
        encode_datum(datum, &mut out);
    }
    out
}

/// What [`encode_entry`] has put together: the row's key, and the included columns as in a row.
pub fn split_entry(value: &[u8]) -> Result<(&[u8], &[u8])> {
    let mut reader = RowReader::new(value);
    let row_key = reader.bytes()?;
    Ok((row_key, reader.rest))
}

/// Walks an encoded row.
pub struct RowReader<'a> {
    rest: &'a [u8],
}

impl<'a> RowReader<'a> {
    /// A reader at the first column.
    pub fn new(bytes: &'a [u8]) -> RowReader<'a> {
        RowReader { rest: bytes }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (head, tail) = self.rest.split_at_checked(count).ok_or_else(corrupted)?;
        self.rest = tail;
        Ok(head)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, tail) = self.rest.split_first_chunk::<N>().ok_or_else(corrupted)?;
        self.rest = tail;
        Ok(*head)
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let mut length = 0usize;
        let mut shift = 0;
        loop {
            let [byte] = self.fixed::<1>()?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return self.take(length);
            }
            shift += 7;
            if shift > 35 {
                return Err(corrupted());
            }
        }
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether all columns have been read.
    pub fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next column.
    pub fn next_datum(&mut self) -> Result<Datum> {
        let [tag] = self.fixed::<1>()?;
        Ok(match tag {
            NULL => Datum::Null,
            FALSE => Datum::Bool(false),
            TRUE => Datum::Bool(true),
            INT16 => Datum::Int16(i16::from_le_bytes(self.fixed()?)),
            INT32 => Datum::Int32(i32::from_le_bytes(self.fixed()?)),
            INT64 => Datum::Int64(i64::from_le_bytes(self.fixed()?)),
            FLOAT32 => Datum::Float32(f32::from_le_bytes(self.fixed()?)),
            FLOAT64 => Datum::Float64(f64::from_le_bytes(self.fixed()?)),
            TEXT => {
                let bytes = self.bytes()?;
                Datum::Text(String::from_utf8(bytes.to_vec()).map_err(|_| corrupted())?)
            }
            BYTES => Datum::Bytes(self.bytes()?.to_vec()),
            _ => return Err(corrupted()),
        })
    }

    /// Skips a column.
    pub fn skip(&mut self) -> Result<()> {
        let [tag] = self.fixed::<1>()?;
        match tag {
            NULL | FALSE | TRUE => {}
            INT16 => drop(self.take(2)?),
            INT32 | FLOAT32 => drop(self.take(4)?),
            INT64 | FLOAT64 => drop(self.take(8)?),
            TEXT | BYTES => drop(self.bytes()?),
            _ => return Err(corrupted()),
        }
        Ok(())
    }
}

/// The columns of a row at `wanted`, which rises. A row that ends before one of them has for it
/// what `missing` tells, a datum as it is stored.
pub fn decode_columns<'m>(
    bytes: &[u8],
    wanted: &[usize],
    out: &mut Vec<Datum>,
    missing: impl Fn(usize) -> Option<&'m [u8]>,
) -> Result<()> {
    let mut reader = RowReader::new(bytes);
    let mut at = 0;
    for column in wanted {
        while at < *column && !reader.is_done() {
            reader.skip()?;
            at += 1;
        }
        if reader.is_done() {
            let value = missing(*column).ok_or_else(corrupted)?;
            out.push(RowReader::new(value).next_datum()?);
        } else {
            out.push(reader.next_datum()?);
            at += 1;
        }
    }
    Ok(())
}

/// All that a row has: of a table's rows [`crate::catalog::Table::decode_row`] knows more.
pub fn decode_stored(bytes: &[u8]) -> Result<Vec<Datum>> {
    let mut reader = RowReader::new(bytes);
    let mut row = Vec::new();
    while !reader.is_done() {
        row.push(reader.next_datum()?);
    }
    Ok(row)
}

/// Key prefix byte of a value.
pub const KEY_VALUE: u8 = 1;
/// Of NULL, which sorts after all of them.
pub const KEY_NULL: u8 = 0xff;
/// Of NULL where it sorts before all of them.
const KEY_NULL_FIRST: u8 = 0;

/// In which order a column of a key is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyOrder {
    /// Greater values first: the bytes of values are inverted.
    #[serde(default)]
    pub descending: bool,
    /// NULLs before all values, in whichever order these are.
    #[serde(default)]
    pub nulls_first: bool,
}

/// Appends one column of a key in an order.
pub fn encode_key_in(kind: Type, datum: &Datum, order: KeyOrder, out: &mut Vec<u8>) {
    let at = out.len();
    encode_key(kind, datum, out);
    if order.nulls_first
        && let Some(tag @ &mut KEY_NULL) = out.get_mut(at)
    {
        *tag = KEY_NULL_FIRST;
    }
    if order.descending {
        out.iter_mut().skip(at + 1).for_each(|byte| *byte = !*byte);
    }
}

/// Appends one column of a key.
pub fn encode_key(kind: Type, datum: &Datum, out: &mut Vec<u8>) {
    out.push(if datum.is_null() { KEY_NULL } else { KEY_VALUE });
    match datum {
        Datum::Null => {}
        Datum::Bool(v) => out.push(u8::from(*v)),
        Datum::Int16(v) => out.extend((*v as u16 ^ (1 << 15)).to_be_bytes()),
        Datum::Int32(v) => out.extend((*v as u32 ^ (1 << 31)).to_be_bytes()),
        Datum::Int64(v) => out.extend((*v as u64 ^ (1 << 63)).to_be_bytes()),
        Datum::Float32(v) => encode_float_key(f64::from(*v), out),
        Datum::Float64(v) => encode_float_key(*v, out),
        Datum::Text(v) => {
            let text = if kind == Type::Bpchar { v.trim_end_matches(' ') } else { v };
            encode_key_bytes(text.as_bytes(), out);
        }
        Datum::Bytes(v) => match kind {
            Type::Numeric => encode_key_bytes(Numeric::canonical(v), out),
            Type::Interval => {
                encode_key_bytes(v.get(..CANONICAL_BYTES).unwrap_or(v), out);
            }
            Type::Jsonb => encode_key_bytes(&json::ordered(v), out),
            Type::Record => encode_key_bytes(&record::ordered(v), out),
            Type::Composite(user) => encode_key_bytes(&composite::ordered(user, v), out),
            kind if kind.is_array() || kind == Type::AnyArray => {
                encode_key_bytes(&array::ordered(v), out);
            }
            _ => encode_key_bytes(v, out),
        },
    }
}

/// Walks the columns of a key. Types that need a canonical form do not come back as they were, so
/// they can only be skipped.
pub struct KeyReader<'a> {
    rest: &'a [u8],
    /// What the bytes of the column at hand differ in from those of an ascending one.
    mask: u8,
}

impl<'a> KeyReader<'a> {
    /// A reader at the first column, which is behind `prefix_bytes`.
    pub fn new(key: &'a [u8], prefix_bytes: usize) -> Result<KeyReader<'a>> {
        Ok(KeyReader { rest: key.get(prefix_bytes..).ok_or_else(corrupted)?, mask: 0 })
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, tail) = self.rest.split_first_chunk::<N>().ok_or_else(corrupted)?;
        self.rest = tail;
        Ok(head.map(|byte| byte ^ self.mask))
    }

    fn bytes(&mut self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let mask = self.mask;
        loop {
            let zero = memchr::memchr(mask, self.rest).ok_or_else(corrupted)?;
            let (head, tail) = self.rest.split_at(zero);
            out.extend(head.iter().map(|byte| byte ^ mask));
            let (end, tail) = tail.split_first_chunk::<2>().ok_or_else(corrupted)?;
            self.rest = tail;
            match end.map(|byte| byte ^ mask) {
                [_, 0] => return Ok(out),
                _ => out.push(0),
            }
        }
    }

    /// The next column, of type `kind`.
    pub fn next_datum(&mut self, kind: Type, order: KeyOrder) -> Result<Datum> {
        self.mask = 0;
        let [tag] = self.fixed::<1>()?;
        if matches!(tag, KEY_NULL | KEY_NULL_FIRST) {
            return Ok(Datum::Null);
        }
        self.mask = if order.descending { 0xff } else { 0 };
        Ok(match kind.layout() {
            DataType::Boolean => Datum::Bool(self.fixed::<1>()? != [0]),
            DataType::Int16 => Datum::Int16((u16::from_be_bytes(self.fixed()?) ^ (1 << 15)) as i16),
            DataType::Int32 => Datum::Int32((u32::from_be_bytes(self.fixed()?) ^ (1 << 31)) as i32),
            DataType::Int64 => Datum::Int64((u64::from_be_bytes(self.fixed()?) ^ (1 << 63)) as i64),
            DataType::Float32 | DataType::Float64 => {
                self.fixed::<8>()?;
                Datum::Null
            }
            DataType::Utf8 => {
                Datum::Text(String::from_utf8(self.bytes()?).map_err(|_| corrupted())?)
            }
            _ => Datum::Bytes(self.bytes()?),
        })
    }
}

fn encode_float_key(value: f64, out: &mut Vec<u8>) {
    let value = match value {
        v if v.is_nan() => f64::NAN.abs(),
        0.0 => 0.0,
        v => v,
    };
    let bits = value.to_bits();
    let flipped = if bits >> 63 == 1 { !bits } else { bits | (1 << 63) };
    out.extend(flipped.to_be_bytes());
}

fn encode_key_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.push(*byte);
        if *byte == 0 {
            out.push(0xff);
        }
    }
    out.extend([0, 0]);
}

/// The form that equal values of a type share, itself a datum of the type's layout.
pub fn canonical(kind: Type, datum: Datum) -> Datum {
    match (kind.base(), datum) {
        (Type::Numeric, Datum::Bytes(mut v)) => {
            // The scale that it is shown with goes, its place stays: this may be done twice, as for
            // a key of an index.
            let length = Numeric::canonical(&v).len();
            v.iter_mut().skip(length).for_each(|byte| *byte = 0);
            Datum::Bytes(v)
        }
        (Type::Interval, Datum::Bytes(mut v)) => {
            v.truncate(CANONICAL_BYTES);
            Datum::Bytes(v)
        }
        (Type::Jsonb, Datum::Bytes(v)) => Datum::Bytes(json::ordered(&v).into_owned()),
        (Type::Record, Datum::Bytes(v)) => Datum::Bytes(record::ordered(&v)),
        (Type::Composite(user), Datum::Bytes(v)) => Datum::Bytes(composite::ordered(user, &v)),
        (kind, Datum::Bytes(v)) if kind.is_array() => Datum::Bytes(array::ordered(&v).into_owned()),
        (Type::Bpchar, Datum::Text(mut v)) => {
            v.truncate(v.trim_end_matches(' ').len());
            Datum::Text(v)
        }
        (_, Datum::Float32(0.0)) => Datum::Float32(0.0),
        (_, Datum::Float32(v)) if v.is_nan() => Datum::Float32(f32::NAN.abs()),
        (_, Datum::Float64(0.0)) => Datum::Float64(0.0),
        (_, Datum::Float64(v)) if v.is_nan() => Datum::Float64(f64::NAN.abs()),
        (_, datum) => datum,
    }
}
