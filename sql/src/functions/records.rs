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
        }
    }

    /// Result type.
    pub fn returns(self) -> Type {
        match self {
            RecordForm::Make | RecordForm::MakeUnlessNull => Type::Record,
            RecordForm::Field(_, kind) => kind,
            RecordForm::Extend => Type::RecordArray,
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
            (RecordForm::Field(..), Datum::Null) => Ok(Datum::Null),
            (RecordForm::Field(index, _), value) => {
                record::field(value.as_bytes()?, usize::from(index))
            }
            (RecordForm::IsNull, Datum::Null) => Ok(Datum::Bool(true)),
            (RecordForm::IsNotNull, Datum::Null) => Ok(Datum::Bool(false)),
            (RecordForm::IsNull | RecordForm::IsNotNull, value) => {
                let wanted = self == RecordForm::IsNull;
                for field in Fields::new(value.as_bytes()?)? {
                    if field?.1.is_null() != wanted {
                        return Ok(Datum::Bool(false));
                    }
                }
                Ok(Datum::Bool(true))
            }
        }
    }
}
