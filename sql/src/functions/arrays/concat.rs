//! Putting arrays and elements together: `||`, array_append, array_prepend, array_cat.

use super::{Function, arg, array, element_type, lenient, subscripts};
use crate::error::{Error, Result, SqlState};
use crate::types::Type::{AnyCompatible, AnyCompatibleArray};
use crate::types::array::{Array, Dimension, count_items, subscript_error};
use crate::types::{Datum, Type};

/// An array that elements may be added to, and its one dimension, if it has elements.
fn one_dimensional(args: &[Datum], index: usize) -> Result<(Array, Option<Dimension>)> {
    let array = match array(args, index)? {
        Some(array) => array,
        None => Array::empty(element_type(args)?),
    };
    match *array.dimensions.as_slice() {
        [] => Ok((array, None)),
        [dimension] => Ok((array, Some(dimension))),
        _ => Err(Error::new(
            SqlState::DataException,
            "argument must be empty or one-dimensional array",
        )),
    }
}

fn integer_overflow() -> Error {
    Error::new(SqlState::NumericValueOutOfRange, "integer out of range")
}

fn append(args: &[Datum]) -> Result<Datum> {
    let (mut array, dimension) = one_dimensional(args, 0)?;
    let at = match dimension {
        None => 1,
        Some(dimension) => dimension.upper().checked_add(1).ok_or_else(integer_overflow)?,
    };
    subscripts::set(&mut array, &[at], arg(args, 1).clone())?;
    Ok(array.to_datum())
}

fn prepend(args: &[Datum]) -> Result<Datum> {
    let (mut array, dimension) = one_dimensional(args, 1)?;
    let at = match dimension {
        None => 1,
        Some(dimension) => dimension.lower.checked_sub(1).ok_or_else(integer_overflow)?,
    };
    subscripts::set(&mut array, &[at], arg(args, 0).clone())?;
    // The lower bound stays as it was.
    if let (Some(before), Some(now)) = (dimension, array.dimensions.first_mut()) {
        now.lower = before.lower;
    }
    count_items(&array.dimensions)?;
    Ok(array.to_datum())
}

/// Arrays one behind the other, or one as a member of the other.
fn concatenate(args: &[Datum]) -> Result<Datum> {
    let (a, b) = match (array(args, 0)?, array(args, 1)?) {
        (Some(a), Some(b)) => (a, b),
        (Some(array), None) | (None, Some(array)) => return Ok(array.to_datum()),
        (None, None) => return Ok(Datum::Null),
    };
    let (deep_a, deep_b) = (a.dimensions.len(), b.dimensions.len());
    if deep_b == 0 {
        return Ok(a.to_datum());
    }
    if deep_a == 0 {
        return Ok(b.to_datum());
    }
    let incompatible = |detail: String| {
        Err(subscript_error("cannot concatenate incompatible arrays").detail(detail))
    };
    let differing = |what: &str| {
        incompatible(format!("Arrays with differing {what} are not compatible for concatenation."))
    };
    let inner = |dimensions: &[Dimension]| dimensions.get(1..).unwrap_or_default().to_vec();
    let mut dimensions;
    if deep_a == deep_b {
        if inner(&a.dimensions) != inner(&b.dimensions) {
            return differing("element dimensions");
        }
        dimensions = a.dimensions;
        grow(&mut dimensions, b.dimensions.first().map_or(0, |dimension| dimension.length))?;
    } else if deep_a + 1 == deep_b {
        if a.dimensions != inner(&b.dimensions) {
            return differing("dimensions");
        }
        dimensions = b.dimensions;
        grow(&mut dimensions, 1)?;
    } else if deep_a == deep_b + 1 {
        if inner(&a.dimensions) != b.dimensions {
            return differing("dimensions");
        }
        dimensions = a.dimensions;
        grow(&mut dimensions, 1)?;
    } else {
        return incompatible(format!(
            "Arrays of {deep_a} and {deep_b} dimensions are not compatible for concatenation."
        ));
    }
    let mut items = a.items;
    items.extend(b.items);
    Ok(Array { element: a.element, dimensions, items }.to_datum())
}

/// Lengthens the outermost dimension.
fn grow(dimensions: &mut [Dimension], by: i32) -> Result<()> {
    if let Some(first) = dimensions.first_mut() {
        first.length = first.length.saturating_add(by);
    }
    count_items(dimensions).map(|_| ())
}

pub(super) fn register(all: &mut Vec<Function>) {
    const APPEND: &[Type] = &[AnyCompatibleArray, AnyCompatible];
    const PREPEND: &[Type] = &[AnyCompatible, AnyCompatibleArray];
    const CAT: &[Type] = &[AnyCompatibleArray, AnyCompatibleArray];
    for name in ["array_append", "||"] {
        let function = lenient(name, APPEND, AnyCompatibleArray, append);
        all.push(Function { typed: true, ..function });
    }
    for name in ["array_prepend", "||"] {
        let function = lenient(name, PREPEND, AnyCompatibleArray, prepend);
        all.push(Function { typed: true, ..function });
    }
    for name in ["array_cat", "||"] {
        all.push(lenient(name, CAT, AnyCompatibleArray, concatenate));
    }
}
