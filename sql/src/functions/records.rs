//! What SQL has a syntax for on records: making them, taking fields, asking whether they are NULL.

use crate::error::{Error, Result};
use crate::types::array::Array;
use crate::types::record::{self, Fields};
use crate::types::{Datum, Type};

/// A form of expression on records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordForm {
    /// A record of the arguments behind the first, which is its head.
    Make,
    /// The same, but NULL if all of them are: a row that an outer join has made up.
    MakeUnlessNull,
    /// The field at a place, which is of a type.
    Field(u16, Type),
    /// Whether all fields are NULL, or it is NULL itself.
    IsNull,
    /// Whether no field is NULL.
    IsNotNull,
    /// An array of records with another at its end; without an array, one of only that.
    Extend,
    /// Whether a record is an element of an array of them.
    IsAmong,
    /// Bytes that tell records apart that are not the same, though they may be equal.
    Image,
}

impl RecordForm {
    /// For plans that people read.
    pub fn name(self) -> &'static str {
        match self {
            RecordForm::Make | RecordForm::MakeUnlessNull => "row",
            RecordForm::Field(..) => "field",
            RecordForm::IsNull => "row_is_null",
            RecordForm::IsNotNull => "row_is_not_null",
            RecordForm::Extend => "extend_path",
            RecordForm::IsAmong => "is_in_path",
            RecordForm::Image => "record_image",
        }
    }

    /// Result type.
    pub fn returns(self) -> Type {
        match self {
            RecordForm::Make | RecordForm::MakeUnlessNull => Type::Record,
            RecordForm::Field(_, kind) => kind,
            RecordForm::Extend => Type::RecordArray,
            RecordForm::Image => Type::Bytea,
            RecordForm::IsNull | RecordForm::IsNotNull | RecordForm::IsAmong => Type::Bool,
        }
    }

    /// The value for these arguments.
    pub(super) fn call(self, args: &[Datum]) -> Result<Datum> {
        let Some((first, values)) = args.split_first() else {
            return Err(Error::internal("a record form without arguments"));
        };
        match (self, first) {
            (RecordForm::MakeUnlessNull, _) if values.iter().all(Datum::is_null) => Ok(Datum::Null),
            (RecordForm::Make | RecordForm::MakeUnlessNull, head) => {
                Ok(record::make(head.as_bytes()?, values))
            }
            (RecordForm::Extend, last) => {
                let mut items = match values {
                    [] | [Datum::Null] => Vec::new(),
                    [path, ..] => Array::read(path)?.items,
                };
                items.push(last.clone());
                Ok(Array::of(Type::Record, items)?.to_datum())
            }
            (RecordForm::IsAmong, value) => {
                let [path @ Datum::Bytes(_)] = values else { return Ok(Datum::Null) };
                let wanted = record::ordered(value.as_bytes()?);
                for item in Array::read(path)?.items {
                    if record::ordered(item.as_bytes()?) == wanted {
                        return Ok(Datum::Bool(true));
                    }
                }
                Ok(Datum::Bool(false))
            }
            (RecordForm::Image, Datum::Null) => Ok(Datum::Null),
            (RecordForm::Image, value) => {
                let mut image = Vec::new();
                for field in Fields::new(value.as_bytes()?)? {
                    add_image(&field?.1, &mut image);
                }
                Ok(Datum::Bytes(image))
            }
            (RecordForm::Field(..), Datum::Null) => Ok(Datum::Null),
            (RecordForm::Field(index, _), value) => {
                record::field(value.as_bytes()?, usize::from(index))
            }
            (RecordForm::IsNull, Datum::Null) => Ok(Datum::Bool(true)),
            (RecordForm::IsNotNull, Datum::Null) => Ok(Datum::Bool(false)),
            (RecordForm::IsNull | RecordForm::IsNotNull, value) => {
                let wanted = self == RecordForm::IsNull;
                for field in Fields::new(value.as_bytes()?)? {
                    let (kind, value) = field?;
                    // One that was dropped is no field any more.
                    if kind != Type::Void && value.is_null() != wanted {
                        return Ok(Datum::Bool(false));
                    }
                }
                Ok(Datum::Bool(true))
            }
        }
    }
}

/// Appends what a value is as PostgreSQL's memory has it, so that images sort as there: numbers without
/// their signs, NULLs behind all else.
fn add_image(value: &Datum, image: &mut Vec<u8>) {
    let number = |value: i64, image: &mut Vec<u8>| {
        image.push(1);
        image.extend((value as u64).to_be_bytes());
    };
    match value {
        Datum::Null => image.push(u8::MAX),
        Datum::Bool(value) => number(i64::from(*value), image),
        Datum::Int16(value) => number(i64::from(*value), image),
        Datum::Int32(value) => number(i64::from(*value), image),
        Datum::Int64(value) => number(*value, image),
        Datum::Float32(value) => number(i64::from(value.to_bits() as i32), image),
        Datum::Float64(value) => number(value.to_bits() as i64, image),
        Datum::Text(text) => add_image_bytes(text.as_bytes(), image),
        Datum::Bytes(bytes) => add_image_bytes(bytes, image),
    }
}

fn add_image_bytes(bytes: &[u8], image: &mut Vec<u8>) {
    image.push(1);
    for byte in bytes {
        image.push(*byte);
        if *byte == 0 {
            image.push(u8::MAX);
        }
    }
    image.extend([0, 0]);
}
