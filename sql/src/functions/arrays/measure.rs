//! What arrays are like: dimensions, bounds, counts; and trim_array.

use super::{Function, arg, array, pure, subscripts};
use crate::error::Result;
use crate::types::Type::{AnyArray, Int4, Text};
use crate::types::array::{Array, Dimension, Reader, subscript_error};
use crate::types::{Datum, Type};

/// The dimensions of the first argument, which is not NULL.
fn dimensions(args: &[Datum]) -> Result<Vec<Dimension>> {
    Ok(Reader::new(arg(args, 0).as_bytes()?)?.dimensions)
}

/// Something of the dimension whose number is the second argument; NULL if there is none.
fn of_dimension(args: &[Datum], value: impl Fn(Dimension) -> i32) -> Result<Datum> {
    let number = usize::try_from(arg(args, 1).as_i32()?).unwrap_or(0);
    let dimensions = dimensions(args)?;
    let dimension = number.checked_sub(1).and_then(|index| dimensions.get(index));
    Ok(dimension.map_or(Datum::Null, |dimension| Datum::Int32(value(*dimension))))
}

fn trim(args: &[Datum]) -> Result<Datum> {
    let Some(array) = array(args, 0)? else { return Ok(Datum::Null) };
    let cut = arg(args, 1).as_i32()?;
    let first = array.dimensions.first().copied();
    let length = first.map_or(0, |dimension| dimension.length);
    if !(0..=length).contains(&cut) {
        return Err(subscript_error(format!(
            "number of elements to trim must be between 0 and {length}"
        )));
    }
    let Some(first) = first else { return Ok(Array::empty(array.element).to_datum()) };
    // The last subscript that is left may be out of an integer's range if none is.
    let upper = i64::from(first.upper()) - i64::from(cut);
    Ok(match i32::try_from(upper) {
        Ok(upper) => subscripts::slice_of(array, &[(None, Some(upper))]).to_datum(),
        Err(_) => Array::empty(array.element).to_datum(),
    })
}

pub(super) fn register(all: &mut Vec<Function>) {
    const ONE: &[Type] = &[AnyArray];
    const WITH_INT: &[Type] = &[AnyArray, Int4];
    all.extend([
        pure("array_ndims", ONE, Int4, |args| match dimensions(args)?.len() {
            0 => Ok(Datum::Null),
            count => Ok(Datum::Int32(count as i32)),
        }),
        pure("array_dims", ONE, Text, |args| {
            let dimensions = dimensions(args)?;
            let text = dimensions.iter().map(|d| format!("[{}:{}]", d.lower, d.upper()));
            let text: String = text.collect();
            Ok(if text.is_empty() { Datum::Null } else { Datum::Text(text) })
        }),
        pure("array_length", WITH_INT, Int4, |args| of_dimension(args, |d| d.length)),
        pure("array_lower", WITH_INT, Int4, |args| of_dimension(args, |d| d.lower)),
        pure("array_upper", WITH_INT, Int4, |args| of_dimension(args, Dimension::upper)),
        pure("cardinality", ONE, Int4, |args| {
            Ok(Datum::Int32(Reader::new(arg(args, 0).as_bytes()?)?.count as i32))
        }),
        pure("trim_array", WITH_INT, AnyArray, trim),
    ]);
}
