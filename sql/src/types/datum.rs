//! A value in one of the eight shapes, and its passage to and from Arrow.

use std::cmp::Ordering;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, BooleanBuilder, Float32Builder, Float64Builder,
    Int16Builder, Int32Builder, Int64Builder, StringBuilder,
};
use datafusion::arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, UInt64Type,
};
use datafusion::scalar::ScalarValue;

use crate::error::{Error, Result};

/// A value. Its SQL type is known to whoever holds it.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the variants are the shapes")]
pub enum Datum {
    #[default]
    Null,
    Bool(bool),
    Int16(i16),
    Int32(i32),
    Int64(i64),
    Float32(f32),
    Float64(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Datum {
    /// Whether it is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Datum::Null)
    }

    /// As a condition: NULL is not true.
    pub fn is_true(&self) -> bool {
        matches!(self, Datum::Bool(true))
    }

    /// Any integer shape, widened.
    pub fn as_i64(&self) -> Result<i64> {
        match self {
            Datum::Int16(v) => Ok(i64::from(*v)),
            Datum::Int32(v) => Ok(i64::from(*v)),
            Datum::Int64(v) => Ok(*v),
            _ => Err(self.mismatch("an integer")),
        }
    }

    /// An `int4`, or the narrower `int2`.
    pub fn as_i32(&self) -> Result<i32> {
        match self {
            Datum::Int16(v) => Ok(i32::from(*v)),
            Datum::Int32(v) => Ok(*v),
            _ => Err(self.mismatch("an int4")),
        }
    }

    /// Either float shape, widened.
    pub fn as_f64(&self) -> Result<f64> {
        match self {
            Datum::Float32(v) => Ok(f64::from(*v)),
            Datum::Float64(v) => Ok(*v),
            _ => Err(self.mismatch("a float")),
        }
    }

    /// A boolean.
    pub fn as_bool(&self) -> Result<bool> {
        match self {
            Datum::Bool(v) => Ok(*v),
            _ => Err(self.mismatch("a boolean")),
        }
    }

    /// A string.
    pub fn as_str(&self) -> Result<&str> {
        match self {
            Datum::Text(v) => Ok(v),
            _ => Err(self.mismatch("text")),
        }
    }

    /// Bytes.
    pub fn as_bytes(&self) -> Result<&[u8]> {
        match self {
            Datum::Bytes(v) => Ok(v),
            _ => Err(self.mismatch("bytes")),
        }
    }

    fn mismatch(&self, expected: &str) -> Error {
        Error::internal(format!("expected {expected}, found {self:?}"))
    }

    /// Order of two non-NULL values of one type whose layout order is its value order. Floats
    /// order as in PostgreSQL: NaN equals itself and is greatest, zeros are equal.
    pub fn compare(&self, other: &Datum) -> Ordering {
        match (self, other) {
            (Datum::Bool(a), Datum::Bool(b)) => a.cmp(b),
            (Datum::Int16(a), Datum::Int16(b)) => a.cmp(b),
            (Datum::Int32(a), Datum::Int32(b)) => a.cmp(b),
            (Datum::Int64(a), Datum::Int64(b)) => a.cmp(b),
            (Datum::Float32(a), Datum::Float32(b)) => compare_floats(f64::from(*a), f64::from(*b)),
            (Datum::Float64(a), Datum::Float64(b)) => compare_floats(*a, *b),
            (Datum::Text(a), Datum::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Datum::Bytes(a), Datum::Bytes(b)) => a.cmp(b),
            (Datum::Null, Datum::Null) => Ordering::Equal,
            (Datum::Null, _) => Ordering::Greater,
            (_, Datum::Null) => Ordering::Less,
            _ => self.shape().cmp(&other.shape()),
        }
    }

    fn shape(&self) -> u8 {
        match self {
            Datum::Null => 0,
            Datum::Bool(_) => 1,
            Datum::Int16(_) => 2,
            Datum::Int32(_) => 3,
            Datum::Int64(_) => 4,
            Datum::Float32(_) => 5,
            Datum::Float64(_) => 6,
            Datum::Text(_) => 7,
            Datum::Bytes(_) => 8,
        }
    }

    /// As a literal of DataFusion's, NULL in the given layout.
    pub fn to_scalar(&self, layout: &DataType) -> Result<ScalarValue> {
        Ok(match self {
            Datum::Null => ScalarValue::try_new_null(layout)?,
            Datum::Bool(v) => ScalarValue::Boolean(Some(*v)),
            Datum::Int16(v) => ScalarValue::Int16(Some(*v)),
            Datum::Int32(v) => ScalarValue::Int32(Some(*v)),
            Datum::Int64(v) => ScalarValue::Int64(Some(*v)),
            Datum::Float32(v) => ScalarValue::Float32(Some(*v)),
            Datum::Float64(v) => ScalarValue::Float64(Some(*v)),
            Datum::Text(v) => ScalarValue::Utf8(Some(v.clone())),
            Datum::Bytes(v) => ScalarValue::Binary(Some(v.clone())),
        })
    }

    /// From a literal of DataFusion's.
    pub fn from_scalar(value: &ScalarValue) -> Result<Datum> {
        let datum = match value {
            ScalarValue::Boolean(v) => v.map(Datum::Bool),
            ScalarValue::Int16(v) => v.map(Datum::Int16),
            ScalarValue::Int32(v) => v.map(Datum::Int32),
            ScalarValue::Int64(v) => v.map(Datum::Int64),
            ScalarValue::UInt64(Some(v)) => Some(Datum::Int64(*v as i64)),
            ScalarValue::Float32(v) => v.map(Datum::Float32),
            ScalarValue::Float64(v) => v.map(Datum::Float64),
            ScalarValue::Utf8(v) => v.clone().map(Datum::Text),
            ScalarValue::Binary(v) => v.clone().map(Datum::Bytes),
            other if other.is_null() => None,
            other => return Err(Error::internal(format!("no shape for {}", other.data_type()))),
        };
        Ok(datum.unwrap_or(Datum::Null))
    }

    /// The value at `row` of an Arrow array.
    pub fn from_array(array: &dyn Array, row: usize) -> Result<Datum> {
        if array.is_null(row) {
            return Ok(Datum::Null);
        }
        Ok(match array.data_type() {
            DataType::Null => Datum::Null,
            DataType::Boolean => Datum::Bool(array.as_boolean().value(row)),
            DataType::Int16 => Datum::Int16(array.as_primitive::<Int16Type>().value(row)),
            DataType::Int32 => Datum::Int32(array.as_primitive::<Int32Type>().value(row)),
            DataType::Int64 => Datum::Int64(array.as_primitive::<Int64Type>().value(row)),
            DataType::UInt64 => Datum::Int64(array.as_primitive::<UInt64Type>().value(row) as i64),
            DataType::Float32 => Datum::Float32(array.as_primitive::<Float32Type>().value(row)),
            DataType::Float64 => Datum::Float64(array.as_primitive::<Float64Type>().value(row)),
            DataType::Utf8 => Datum::Text(array.as_string::<i32>().value(row).to_owned()),
            DataType::Utf8View => Datum::Text(array.as_string_view().value(row).to_owned()),
            DataType::Binary => Datum::Bytes(array.as_binary::<i32>().value(row).to_owned()),
            other => return Err(Error::internal(format!("no shape for {other}"))),
        })
    }
}

/// PostgreSQL's order of floats.
pub fn compare_floats(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
    }
}

/// Builds an Arrow array out of datums of one shape.
pub enum ArrayBuilder {
    /// Of `boolean`.
    Bool(BooleanBuilder),
    /// Of two bytes.
    Int16(Int16Builder),
    /// Of four bytes.
    Int32(Int32Builder),
    /// Of eight bytes.
    Int64(Int64Builder),
    /// Of single precision.
    Float32(Float32Builder),
    /// Of double precision.
    Float64(Float64Builder),
    /// Of strings.
    Text(StringBuilder),
    /// Of bytes.
    Bytes(BinaryBuilder),
}

impl ArrayBuilder {
    /// An empty builder for a layout.
    pub fn new(layout: &DataType) -> Result<ArrayBuilder> {
        Ok(match layout {
            DataType::Boolean => ArrayBuilder::Bool(BooleanBuilder::new()),
            DataType::Int16 => ArrayBuilder::Int16(Int16Builder::new()),
            DataType::Int32 => ArrayBuilder::Int32(Int32Builder::new()),
            DataType::Int64 => ArrayBuilder::Int64(Int64Builder::new()),
            DataType::Float32 => ArrayBuilder::Float32(Float32Builder::new()),
            DataType::Float64 => ArrayBuilder::Float64(Float64Builder::new()),
            DataType::Utf8 => ArrayBuilder::Text(StringBuilder::new()),
            DataType::Binary => ArrayBuilder::Bytes(BinaryBuilder::new()),
            other => return Err(Error::internal(format!("no builder for {other}"))),
        })
    }

    /// Appends a datum of the builder's shape.
    pub fn append(&mut self, datum: &Datum) -> Result<()> {
        match (self, datum) {
            (ArrayBuilder::Bool(b), Datum::Bool(v)) => b.append_value(*v),
            (ArrayBuilder::Int16(b), Datum::Int16(v)) => b.append_value(*v),
            (ArrayBuilder::Int32(b), Datum::Int32(v)) => b.append_value(*v),
            (ArrayBuilder::Int64(b), Datum::Int64(v)) => b.append_value(*v),
            (ArrayBuilder::Float32(b), Datum::Float32(v)) => b.append_value(*v),
            (ArrayBuilder::Float64(b), Datum::Float64(v)) => b.append_value(*v),
            (ArrayBuilder::Text(b), Datum::Text(v)) => b.append_value(v),
            (ArrayBuilder::Bytes(b), Datum::Bytes(v)) => b.append_value(v),
            (builder, Datum::Null) => builder.append_null(),
            (_, other) => return Err(Error::internal(format!("wrong shape: {other:?}"))),
        }
        Ok(())
    }

    fn append_null(&mut self) {
        match self {
            ArrayBuilder::Bool(b) => b.append_null(),
            ArrayBuilder::Int16(b) => b.append_null(),
            ArrayBuilder::Int32(b) => b.append_null(),
            ArrayBuilder::Int64(b) => b.append_null(),
            ArrayBuilder::Float32(b) => b.append_null(),
            ArrayBuilder::Float64(b) => b.append_null(),
            ArrayBuilder::Text(b) => b.append_null(),
            ArrayBuilder::Bytes(b) => b.append_null(),
        }
    }

    /// The array.
    pub fn finish(&mut self) -> ArrayRef {
        use std::sync::Arc;
        match self {
            ArrayBuilder::Bool(b) => Arc::new(b.finish()),
            ArrayBuilder::Int16(b) => Arc::new(b.finish()),
            ArrayBuilder::Int32(b) => Arc::new(b.finish()),
            ArrayBuilder::Int64(b) => Arc::new(b.finish()),
            ArrayBuilder::Float32(b) => Arc::new(b.finish()),
            ArrayBuilder::Float64(b) => Arc::new(b.finish()),
            ArrayBuilder::Text(b) => Arc::new(b.finish()),
            ArrayBuilder::Bytes(b) => Arc::new(b.finish()),
        }
    }
}
