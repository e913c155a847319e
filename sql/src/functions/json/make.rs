//! `json_object`: an object out of arrays of texts.

use super::{Function, arg, pure};
use crate::error::{Error, Result, SqlState};
use crate::types::Type::{Json as JsonType, Jsonb, TextArray};
use crate::types::array::{Array, subscript_error};
use crate::types::json::{Json, quote};
use crate::types::{Datum, Type};

fn result(keys: &[Datum], values: &[Datum], binary: bool) -> Result<Datum> {
    let mut pairs = Vec::new();
    let mut text = String::from("{");
    for (number, (key, value)) in keys.iter().zip(values).enumerate() {
        if key.is_null() {
            let message = "null value not allowed for object key";
            return Err(Error::new(SqlState::NullValueNotAllowed, message));
        }
        let key = key.as_str()?;
        if binary {
            let value = match value {
                Datum::Null => Json::Null,
                value => Json::String(value.as_str()?.to_owned()),
            };
            pairs.push((key.to_owned(), value));
            continue;
        }
        text.push_str(if number > 0 { ", " } else { "" });
        quote(key, &mut text);
        text.push_str(" : ");
        match value {
            Datum::Null => text.push_str("null"),
            value => quote(value.as_str()?, &mut text),
        }
    }
    text.push('}');
    if binary { Json::object(pairs).to_datum() } else { Ok(Datum::Text(text)) }
}

/// Keys and values in turns, or pairs of them.
fn of_pairs(args: &[Datum], binary: bool) -> Result<Datum> {
    let array = Array::read(arg(args, 0))?;
    match array.dimensions.as_slice() {
        [] => {}
        [length] if length.length % 2 != 0 => {
            return Err(subscript_error("array must have even number of elements"));
        }
        [_] => {}
        [_, pair] if pair.length != 2 => {
            return Err(subscript_error("array must have two columns"));
        }
        [_, _] => {}
        _ => return Err(subscript_error("wrong number of array subscripts")),
    }
    let keys: Vec<Datum> = array.items.iter().step_by(2).cloned().collect();
    let values: Vec<Datum> = array.items.iter().skip(1).step_by(2).cloned().collect();
    result(&keys, &values, binary)
}

/// The keys, and the values.
fn of_two(args: &[Datum], binary: bool) -> Result<Datum> {
    let (keys, values) = (Array::read(arg(args, 0))?, Array::read(arg(args, 1))?);
    if keys.dimensions.len() > 1 || keys.dimensions.len() != values.dimensions.len() {
        return Err(subscript_error("wrong number of array subscripts"));
    }
    if keys.items.len() != values.items.len() {
        return Err(subscript_error("mismatched array dimensions"));
    }
    result(&keys.items, &values.items, binary)
}

pub(super) fn register(all: &mut Vec<Function>) {
    const ONE: &[Type] = &[TextArray];
    const TWO: &[Type] = &[TextArray, TextArray];
    all.extend([
        pure("json_object", ONE, JsonType, |args| of_pairs(args, false)),
        pure("json_object", TWO, JsonType, |args| of_two(args, false)),
        pure("jsonb_object", ONE, Jsonb, |args| of_pairs(args, true)),
        pure("jsonb_object", TWO, Jsonb, |args| of_two(args, true)),
    ]);
}
