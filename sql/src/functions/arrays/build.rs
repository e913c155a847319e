//! Making arrays: of arrays, of what a query yields, of one value many times.

use super::{Function, array, check_copies, element_type, lenient};
use crate::error::{Error, Result, SqlState};
use crate::types::Type::{AnyArray, AnyElement};
use crate::types::array::{
    Array, Dimension, MAX_DIMENSIONS, MAX_ITEMS, count_items, subscript_error, too_many_dimensions,
    too_many_items,
};
use crate::types::{Datum, Type};

/// `ARRAY[...]` of arrays: one with a dimension more.
///
/// # Errors
/// If they are not of one shape.
pub fn nest(element: Type, arrays: &[Datum]) -> Result<Datum> {
    let mut inner: Option<Vec<Dimension>> = None;
    let mut items = Vec::new();
    let (mut filled, mut empty) = (0usize, 0usize);
    let uneven = || {
        subscript_error(
            "multidimensional arrays must have array expressions with matching dimensions",
        )
    };
    for value in arrays {
        if value.is_null() {
            empty += 1;
            continue;
        }
        let array = Array::read(value)?;
        if array.dimensions.is_empty() {
            empty += 1;
            continue;
        }
        match &inner {
            None if array.dimensions.len() >= MAX_DIMENSIONS => {
                return Err(too_many_dimensions(array.dimensions.len() + 1));
            }
            None => inner = Some(array.dimensions),
            Some(inner) if *inner != array.dimensions => return Err(uneven()),
            Some(_) => {}
        }
        filled += 1;
        if items.len() + array.items.len() > MAX_ITEMS {
            return Err(too_many_items());
        }
        items.extend(array.items);
    }
    let Some(inner) = inner else { return Ok(Array::empty(element).to_datum()) };
    if empty > 0 {
        return Err(uneven());
    }
    let mut dimensions = vec![Dimension { length: filled as i32, lower: 1 }];
    dimensions.extend(inner);
    Ok(Array { element, dimensions, items }.to_datum())
}

/// Gathers what a query yields into an array: `array_agg`, and `ARRAY(SELECT ...)`.
#[derive(Clone, Debug)]
pub struct ArrayAccumulator {
    element: Type,
    /// What is gathered are arrays of one shape, once the first was seen.
    nested: bool,
    inner: Vec<Dimension>,
    count: usize,
    items: Vec<Datum>,
}

impl ArrayAccumulator {
    /// For values of type `kind`.
    pub fn new(kind: Type) -> ArrayAccumulator {
        let (element, nested) = (kind.element().unwrap_or(kind), kind.is_array());
        ArrayAccumulator { element, nested, inner: Vec::new(), count: 0, items: Vec::new() }
    }

    /// Takes a value.
    ///
    /// # Errors
    /// If an array has not the shape of the others, or there are too many.
    pub fn push(&mut self, value: &Datum) -> Result<()> {
        if !self.nested {
            self.items.push(value.clone());
        } else {
            let message = "cannot accumulate null arrays";
            if value.is_null() {
                return Err(Error::new(SqlState::NullValueNotAllowed, message));
            }
            let array = Array::read(value)?;
            match (self.count, array.dimensions.len()) {
                (0, 0) => return Err(subscript_error("cannot accumulate empty arrays")),
                (0, count) if count >= MAX_DIMENSIONS => {
                    return Err(too_many_dimensions(count + 1));
                }
                (0, _) => self.inner = array.dimensions,
                _ if self.inner != array.dimensions => {
                    return Err(subscript_error(
                        "cannot accumulate arrays of different dimensionality",
                    ));
                }
                _ => {}
            }
            self.items.extend(array.items);
        }
        self.count += 1;
        if self.items.len() > MAX_ITEMS {
            return Err(too_many_items());
        }
        Ok(())
    }

    /// Takes what another one has gathered from arguments of the same type.
    ///
    /// # Errors
    /// Like [`ArrayAccumulator::push`].
    pub fn merge(&mut self, gathered: &Datum) -> Result<()> {
        let Array { element, dimensions, items } = Array::read(gathered)?;
        if !self.nested {
            return items.iter().try_for_each(|item| self.push(item));
        }
        let inner = dimensions.get(1..).unwrap_or_default().to_vec();
        let size = inner.iter().map(|dimension| dimension.length as usize).product::<usize>();
        for part in items.chunks(size.max(1)) {
            let array = Array { element, dimensions: inner.clone(), items: part.to_vec() };
            self.push(&array.to_datum())?;
        }
        Ok(())
    }

    /// Whether nothing was taken.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Rough size in memory.
    pub fn size_bytes(&self) -> usize {
        self.items.len() * (size_of::<Datum>() + 8)
    }

    /// The array of all that was taken.
    pub fn finish(&self) -> Datum {
        if self.count == 0 {
            return Array::empty(self.element).to_datum();
        }
        let mut dimensions = vec![Dimension { length: self.count as i32, lower: 1 }];
        dimensions.extend(&self.inner);
        Array { element: self.element, dimensions, items: self.items.clone() }.to_datum()
    }
}

/// The integers of an array that says dimensions or lower bounds.
fn integers(array: &Array) -> Result<Vec<i32>> {
    if array.dimensions.len() > 1 {
        return Err(subscript_error("wrong number of array subscripts")
            .detail("Dimension array must be one dimensional."));
    }
    let values = array.items.iter().map(|item| match item {
        Datum::Null => {
            let message = "dimension values cannot be null";
            Err(Error::new(SqlState::NullValueNotAllowed, message))
        }
        item => item.as_i32(),
    });
    values.collect()
}

/// `array_fill(value, lengths [, lower bounds])`
fn fill(args: &[Datum]) -> Result<Datum> {
    let element = element_type(args)?;
    let missing = || {
        let message = "dimension array or low bound array cannot be null";
        Error::new(SqlState::NullValueNotAllowed, message)
    };
    let lengths = array(args, 1)?.ok_or_else(missing)?;
    // Behind the arguments proper is the type.
    let lowers = match args.len() {
        4 => Some(array(args, 2)?.ok_or_else(missing)?),
        _ => None,
    };
    let lengths = integers(&lengths)?;
    if lengths.len() > MAX_DIMENSIONS {
        return Err(too_many_dimensions(lengths.len()));
    }
    let lowers = match lowers {
        Some(lowers) => integers(&lowers)?,
        None => vec![1; lengths.len()],
    };
    if lowers.len() != lengths.len() {
        return Err(subscript_error("wrong number of array subscripts")
            .detail("Low bound array has different size than dimensions array."));
    }
    let dimensions = lengths.into_iter().zip(lowers);
    let dimensions: Vec<Dimension> =
        dimensions.map(|(length, lower)| Dimension { length, lower }).collect();
    let count = count_items(&dimensions)?;
    if count == 0 {
        return Ok(Array::empty(element).to_datum());
    }
    let value = args.first().unwrap_or(&Datum::Null);
    check_copies(value, count)?;
    Ok(Array { element, dimensions, items: vec![value.clone(); count] }.to_datum())
}

pub(super) fn register(all: &mut Vec<Function>) {
    const INTS: Type = Type::Int4Array;
    for args in [&[AnyElement, INTS][..], &[AnyElement, INTS, INTS]] {
        all.push(Function { typed: true, ..lenient("array_fill", args, AnyArray, fill) });
    }
}
