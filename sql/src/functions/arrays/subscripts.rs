//! Subscripts and slices, read and assigned.

use super::form::Bounds;
use crate::error::{Error, Result, SqlState};
use crate::types::array::{Array, Dimension, Reader, count_items, subscript_error, too_many_items};
use crate::types::{Datum, Type};

fn wrong_number() -> Error {
    subscript_error("wrong number of array subscripts")
}

fn out_of_range() -> Error {
    subscript_error("array subscript out of range")
}

/// The place of an element in row-major order, if it is inside.
fn place(dimensions: &[Dimension], at: &[i32]) -> Option<usize> {
    let mut place = 0usize;
    for (dimension, at) in dimensions.iter().zip(at) {
        let offset = i64::from(*at) - i64::from(dimension.lower);
        let offset = usize::try_from(offset).ok().filter(|n| *n < dimension.length as usize)?;
        place = place * dimension.length as usize + offset;
    }
    Some(place)
}

/// The subscripts; `None` if one is NULL.
fn plain(subscripts: &[Datum]) -> Result<Option<Vec<i32>>> {
    let subscripts = subscripts.iter().map(|subscript| match subscript {
        Datum::Null => Ok(None),
        subscript => subscript.as_i32().map(Some),
    });
    subscripts.collect()
}

/// `a[i]`: NULL where there is none.
pub(super) fn item(array: &Datum, subscripts: &[Datum]) -> Result<Datum> {
    if array.is_null() {
        return Ok(Datum::Null);
    }
    let Some(at) = plain(subscripts)? else { return Ok(Datum::Null) };
    let reader = Reader::new(array.as_bytes()?)?;
    if reader.dimensions.is_empty() || reader.dimensions.len() != at.len() {
        return Ok(Datum::Null);
    }
    match place(&reader.dimensions, &at) {
        Some(place) => reader.nth_item(place),
        None => Ok(Datum::Null),
    }
}

/// A subscript's bounds, `None` where none is given.
type Range = (Option<i32>, Option<i32>);

/// The bounds of a slice; `None` if one that is given is NULL.
fn ranges(bounds: Bounds, subscripts: &[Datum]) -> Result<Option<Vec<Range>>> {
    let ranges = subscripts.chunks(2).enumerate().map(|(number, pair)| {
        let given = bounds.of(number);
        let bound = |given: bool, at: usize| match (given, pair.get(at)) {
            (false, _) => Ok(Some(None)),
            (true, None | Some(Datum::Null)) => Ok(None),
            (true, Some(value)) => value.as_i32().map(|value| Some(Some(value))),
        };
        let (lower, upper) = (bound(given.0, 0)?, bound(given.1, 1)?);
        Ok(lower.zip(upper))
    });
    ranges.collect()
}

/// The elements of `items` from `low` to `high` in each dimension, by their places.
fn places(dimensions: &[Dimension], ranges: &[(i32, i32)]) -> Vec<usize> {
    let mut places = vec![0usize];
    for (dimension, (low, high)) in dimensions.iter().zip(ranges) {
        let length = dimension.length as usize;
        let offset = |at: i32| (i64::from(at) - i64::from(dimension.lower)) as usize;
        let inside = offset(*low)..=offset(*high);
        places = places
            .iter()
            .flat_map(|place| inside.clone().map(move |offset| place * length + offset))
            .collect();
    }
    places
}

/// `a[i:j]`: what there is of it, with subscripts from 1.
pub(super) fn slice(array: &Datum, bounds: Bounds, subscripts: &[Datum]) -> Result<Datum> {
    if array.is_null() {
        return Ok(Datum::Null);
    }
    let Some(ranges) = ranges(bounds, subscripts)? else { return Ok(Datum::Null) };
    let array = Array::read(array)?;
    Ok(slice_of(array, &ranges).to_datum())
}

/// The part of an array between bounds; dimensions without bounds are taken whole.
pub(super) fn slice_of(array: Array, ranges: &[Range]) -> Array {
    let Array { element, dimensions, mut items } = array;
    if dimensions.len() < ranges.len() {
        return Array::empty(element);
    }
    let mut inside = Vec::with_capacity(dimensions.len());
    for (number, dimension) in dimensions.iter().enumerate() {
        let (low, high) = ranges.get(number).copied().unwrap_or_default();
        let low = low.map_or(dimension.lower, |low| low.max(dimension.lower));
        let high = high.map_or(dimension.upper(), |high| high.min(dimension.upper()));
        if low > high {
            return Array::empty(element);
        }
        inside.push((low, high));
    }
    let places = places(&dimensions, &inside);
    let items = places.into_iter().filter_map(|place| items.get_mut(place).map(std::mem::take));
    let dimensions = inside.iter().map(|(low, high)| {
        let length = (i64::from(*high) - i64::from(*low) + 1) as i32;
        Dimension { length, lower: 1 }
    });
    Array { element, dimensions: dimensions.collect(), items: items.collect() }
}

fn null_in_assignment() -> Error {
    Error::new(SqlState::NullValueNotAllowed, "array subscript in assignment must not be null")
}

fn array_or_empty(element: Type, array: &Datum) -> Result<Array> {
    match array {
        Datum::Null => Ok(Array::empty(element)),
        array => Array::read(array),
    }
}

/// Makes room in an array of one dimension for the subscripts from `low` to `high`; what lies
/// between them and the elements before is NULL.
fn extend(array: &mut Array, low: i32, high: i32) -> Result<()> {
    let Some(dimension) = array.dimensions.first_mut() else { return Ok(()) };
    let lower = dimension.lower.min(low);
    let upper = i64::from(dimension.upper()).max(i64::from(high));
    let length = i32::try_from(upper - i64::from(lower) + 1).map_err(|_| too_many_items())?;
    let before = (i64::from(dimension.lower) - i64::from(lower)) as usize;
    let wanted = Dimension { length, lower };
    count_items(&[wanted])?;
    *dimension = wanted;
    if before > 0 {
        array.items.splice(0..0, std::iter::repeat_n(Datum::Null, before));
    }
    array.items.resize(length as usize, Datum::Null);
    Ok(())
}

/// The array with one element set.
pub(super) fn set_item(
    element: Type,
    array: &Datum,
    value: &Datum,
    subscripts: &[Datum],
) -> Result<Datum> {
    let at = plain(subscripts)?.ok_or_else(null_in_assignment)?;
    let mut array = array_or_empty(element, array)?;
    set(&mut array, &at, value.clone())?;
    Ok(array.to_datum())
}

/// Sets one element.
///
/// # Errors
/// If an array of several dimensions does not have it, or too many elements would be added.
pub(super) fn set(array: &mut Array, at: &[i32], value: Datum) -> Result<()> {
    if array.dimensions.is_empty() {
        let dimensions: Vec<Dimension> =
            at.iter().map(|lower| Dimension { length: 1, lower: *lower }).collect();
        count_items(&dimensions)?;
        array.dimensions = dimensions;
        array.items = vec![value];
        return Ok(());
    }
    if array.dimensions.len() != at.len() {
        return Err(wrong_number());
    }
    if let [at] = at {
        extend(array, *at, *at)?;
    }
    let slot = place(&array.dimensions, at).and_then(|place| array.items.get_mut(place));
    *slot.ok_or_else(out_of_range)? = value;
    Ok(())
}

/// The array with a slice set.
pub(super) fn set_slice(
    element: Type,
    array: &Datum,
    value: &Datum,
    bounds: Bounds,
    subscripts: &[Datum],
) -> Result<Datum> {
    let ranges = ranges(bounds, subscripts)?.ok_or_else(null_in_assignment)?;
    let mut array = array_or_empty(element, array)?;
    // A slice of nothing sets nothing.
    if value.is_null() {
        return Ok(array.to_datum());
    }
    let source = Array::read(value)?.items;
    let too_small = || subscript_error("source array too small");
    if array.dimensions.is_empty() {
        let mut dimensions = Vec::with_capacity(ranges.len());
        for range in &ranges {
            let (Some(low), Some(high)) = *range else {
                return Err(subscript_error("array slice subscript must provide both boundaries")
                    .detail("When assigning to a slice of an empty array value, slice boundaries must be fully specified."));
            };
            let length = i32::try_from(i64::from(high) - i64::from(low) + 1);
            dimensions
                .push(Dimension { length: length.map_err(|_| too_many_items())?, lower: low });
        }
        let count = count_items(&dimensions)?;
        if source.len() < count {
            return Err(too_small());
        }
        if count == 0 {
            return Ok(Array::empty(element).to_datum());
        }
        let items = source.into_iter().take(count).collect();
        return Ok(Array { element, dimensions, items }.to_datum());
    }
    if array.dimensions.len() < ranges.len() {
        return Err(wrong_number());
    }
    let mut inside = Vec::with_capacity(array.dimensions.len());
    for (number, dimension) in array.dimensions.iter().enumerate() {
        let (low, high) = ranges.get(number).copied().unwrap_or_default();
        let (low, high) = (low.unwrap_or(dimension.lower), high.unwrap_or(dimension.upper()));
        if low > high {
            return Err(subscript_error("upper bound cannot be less than lower bound"));
        }
        inside.push((low, high));
    }
    if let ([_], [(low, high)]) = (array.dimensions.as_slice(), inside.as_slice()) {
        extend(&mut array, *low, *high)?;
    }
    let fits = |(dimension, (low, high)): (&Dimension, &(i32, i32))| {
        *low >= dimension.lower && *high <= dimension.upper()
    };
    if !array.dimensions.iter().zip(&inside).all(fits) {
        return Err(out_of_range());
    }
    let places = places(&array.dimensions, &inside);
    if source.len() < places.len() {
        return Err(too_small());
    }
    for (place, value) in places.into_iter().zip(source) {
        if let Some(slot) = array.items.get_mut(place) {
            *slot = value;
        }
    }
    Ok(array.to_datum())
}
