//! Looking for elements: positions, removal, replacement, and whether arrays have them in common.

use std::collections::HashSet;

use super::{Function, arg, array, check_copies, lenient, pure};
use crate::codec;
use crate::error::{Error, Result, SqlState};
use crate::types::Type::{AnyArray, AnyCompatible, AnyCompatibleArray, Bool, Int4};
use crate::types::array::{Array, subscript_error};
use crate::types::{Datum, Type};

fn multidimensional(what: &str) -> Error {
    Error::new(
        SqlState::FeatureNotSupported,
        format!("{what} multidimensional arrays is not supported"),
    )
}

/// A value as equal ones share it.
fn canonical(element: Type, value: &Datum) -> Datum {
    match element.needs_canonical_form() {
        true => codec::canonical(element, value.clone()),
        false => value.clone(),
    }
}

/// The places of the elements that are the second argument, or NULL as it is.
fn matches<'a>(array: &'a Array, wanted: &Datum) -> impl Iterator<Item = usize> + 'a {
    let element = array.element;
    let wanted = canonical(element, wanted);
    let items = array.items.iter().enumerate();
    let same = move |item: &Datum| match (item.is_null(), wanted.is_null()) {
        (true, true) => true,
        (false, false) => canonical(element, item).compare(&wanted).is_eq(),
        _ => false,
    };
    items.filter(move |(_, item)| same(item)).map(|(place, _)| place)
}

/// The first argument, which has one dimension at most, and its lower bound.
fn searched(args: &[Datum]) -> Result<Option<(Array, i64)>> {
    let Some(array) = array(args, 0)? else { return Ok(None) };
    if array.dimensions.len() > 1 {
        return Err(multidimensional("searching for elements in"));
    }
    let lower = array.dimensions.first().map_or(1, |dimension| i64::from(dimension.lower));
    Ok(Some((array, lower)))
}

fn position(args: &[Datum]) -> Result<Datum> {
    let Some((array, lower)) = searched(args)? else { return Ok(Datum::Null) };
    let start = match args.get(2) {
        None => lower,
        Some(Datum::Null) => {
            let message = "initial position must not be null";
            return Err(Error::new(SqlState::NullValueNotAllowed, message));
        }
        Some(start) => start.as_i64()?,
    };
    let mut places = matches(&array, arg(args, 1)).map(|place| lower + place as i64);
    let found = places.find(|position| *position >= start);
    Ok(found.map_or(Datum::Null, |position| Datum::Int32(position as i32)))
}

fn positions(args: &[Datum]) -> Result<Datum> {
    let Some((array, lower)) = searched(args)? else { return Ok(Datum::Null) };
    let places = matches(&array, arg(args, 1));
    let places = places.map(|place| Datum::Int32((lower + place as i64) as i32));
    Ok(Array::of(Int4, places.collect())?.to_datum())
}

fn remove(args: &[Datum]) -> Result<Datum> {
    let Some(mut array) = array(args, 0)? else { return Ok(Datum::Null) };
    if array.dimensions.len() > 1 {
        return Err(multidimensional("removing elements from"));
    }
    let gone: HashSet<usize> = matches(&array, arg(args, 1)).collect();
    let mut place = 0;
    array.items.retain(|_| {
        place += 1;
        !gone.contains(&(place - 1))
    });
    match (array.items.len(), array.dimensions.first_mut()) {
        (0, _) => array.dimensions.clear(),
        (left, Some(dimension)) => dimension.length = left as i32,
        _ => {}
    }
    Ok(array.to_datum())
}

fn replace(args: &[Datum]) -> Result<Datum> {
    let Some(mut array) = array(args, 0)? else { return Ok(Datum::Null) };
    let places: Vec<usize> = matches(&array, arg(args, 1)).collect();
    check_copies(arg(args, 2), places.len())?;
    for place in places {
        if let Some(item) = array.items.get_mut(place) {
            *item = arg(args, 2).clone();
        }
    }
    Ok(array.to_datum())
}

/// The elements as equal ones share them; NULL equals nothing.
fn keys(array: &Array) -> impl Iterator<Item = Option<Vec<u8>>> {
    array.items.iter().map(|item| {
        let value = canonical(array.element, item);
        (!item.is_null()).then(|| codec::encode_row(std::slice::from_ref(&value)))
    })
}

/// Whether the array `outer` has all elements of `inner`.
fn contains(args: &[Datum], outer: usize, inner: usize) -> Result<Datum> {
    let (Some(outer), Some(inner)) = (array(args, outer)?, array(args, inner)?) else {
        return Ok(Datum::Null);
    };
    let has: HashSet<Vec<u8>> = keys(&outer).flatten().collect();
    let all = keys(&inner).all(|key| key.is_some_and(|key| has.contains(&key)));
    Ok(Datum::Bool(all))
}

fn overlaps(args: &[Datum]) -> Result<Datum> {
    let (Some(a), Some(b)) = (array(args, 0)?, array(args, 1)?) else { return Ok(Datum::Null) };
    let has: HashSet<Vec<u8>> = keys(&a).flatten().collect();
    let any = keys(&b).flatten().any(|key| has.contains(&key));
    Ok(Datum::Bool(any))
}

/// `width_bucket(operand, thresholds)`: how many of these, which rise, are not above it.
fn width_bucket(args: &[Datum]) -> Result<Datum> {
    let Some(thresholds) = array(args, 1)? else { return Ok(Datum::Null) };
    if thresholds.dimensions.len() > 1 {
        return Err(subscript_error("thresholds must be one-dimensional array"));
    }
    if thresholds.items.iter().any(Datum::is_null) {
        let message = "thresholds array must not contain NULLs";
        return Err(Error::new(SqlState::NullValueNotAllowed, message));
    }
    let element = thresholds.element;
    let operand = canonical(element, arg(args, 0));
    let below = |item: &Datum| canonical(element, item).compare(&operand).is_le();
    Ok(Datum::Int32(thresholds.items.partition_point(below) as i32))
}

pub(super) fn register(all: &mut Vec<Function>) {
    const ONE: &[Type] = &[AnyCompatibleArray, AnyCompatible];
    const FROM: &[Type] = &[AnyCompatibleArray, AnyCompatible, Int4];
    const REPLACE: &[Type] = &[AnyCompatibleArray, AnyCompatible, AnyCompatible];
    const BOTH: &[Type] = &[AnyArray, AnyArray];
    all.extend([
        lenient("array_position", ONE, Int4, position),
        lenient("array_position", FROM, Int4, position),
        lenient("array_positions", ONE, Type::Int4Array, positions),
        lenient("array_remove", ONE, AnyCompatibleArray, remove),
        lenient("array_replace", REPLACE, AnyCompatibleArray, replace),
        pure("width_bucket", &[AnyCompatible, AnyCompatibleArray], Int4, width_bucket),
        pure("@>", BOTH, Bool, |args| contains(args, 0, 1)),
        pure("<@", BOTH, Bool, |args| contains(args, 1, 0)),
        pure("&&", BOTH, Bool, overlaps),
    ]);
}
