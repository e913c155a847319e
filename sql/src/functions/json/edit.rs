//! Joining two jsonb, and leaving out keys and elements.

use super::{Function, arg, invalid, pure, texts};
use crate::error::Result;
use crate::types::Type::{Int4, Jsonb, Text, TextArray};
use crate::types::json::{Json, place_in};
use crate::types::{Datum, Type};

fn elements(json: Json) -> Vec<Json> {
    match json {
        Json::Array(items) => items,
        other => vec![other],
    }
}

/// Two objects become one, in which the second's values win; else the elements of both make an array.
fn concat(args: &[Datum]) -> Result<Datum> {
    let joined = match (Json::read(arg(args, 0))?, Json::read(arg(args, 1))?) {
        (Json::Object(mut pairs), Json::Object(more)) => {
            pairs.extend(more);
            Json::object(pairs)
        }
        (a, b) => {
            let mut items = elements(a);
            items.extend(elements(b));
            Json::Array(items)
        }
    };
    joined.to_datum()
}

fn without(json: Json, gone: impl Fn(&str) -> bool) -> Result<Datum> {
    let left = match json {
        Json::Object(mut pairs) => {
            pairs.retain(|(key, _)| !gone(key));
            Json::Object(pairs)
        }
        Json::Array(mut items) => {
            items.retain(|item| !matches!(item, Json::String(text) if gone(text)));
            Json::Array(items)
        }
        _ => return Err(invalid("cannot delete from scalar")),
    };
    left.to_datum()
}

fn delete_key(args: &[Datum]) -> Result<Datum> {
    let key = arg(args, 1).as_str()?;
    without(Json::read(arg(args, 0))?, |found| found == key)
}

fn delete_keys(args: &[Datum]) -> Result<Datum> {
    let keys: std::collections::HashSet<String> = texts(args, 1)?.into_iter().flatten().collect();
    without(Json::read(arg(args, 0))?, |found| keys.contains(found))
}

fn delete_item(args: &[Datum]) -> Result<Datum> {
    match Json::read(arg(args, 0))? {
        Json::Object(_) => Err(invalid("cannot delete from object using integer index")),
        Json::Array(mut items) => {
            if let Some(place) = place_in(arg(args, 1).as_i64()?, items.len()) {
                items.remove(place);
            }
            Json::Array(items).to_datum()
        }
        _ => Err(invalid("cannot delete from scalar")),
    }
}

pub(super) fn register(all: &mut Vec<Function>) {
    const BOTH: &[Type] = &[Jsonb, Jsonb];
    for name in ["||", "jsonb_concat"] {
        all.push(pure(name, BOTH, Jsonb, concat));
    }
    for name in ["-", "jsonb_delete"] {
        all.push(pure(name, &[Jsonb, Text], Jsonb, delete_key));
        all.push(pure(name, &[Jsonb, Int4], Jsonb, delete_item));
        all.push(pure(name, &[Jsonb, TextArray], Jsonb, delete_keys));
    }
}
