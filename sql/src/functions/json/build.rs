//! `json_build_array` and `json_build_object`, over arguments that are JSON already.

use super::invalid;
use crate::error::Result;
use crate::types::Datum;
use crate::types::json::{Json, quote};

/// A jsonb, of which NULL is null.
pub(super) fn jsonb(value: &Datum) -> Result<Json> {
    if value.is_null() { Ok(Json::Null) } else { Json::read(value) }
}

/// The text of a json, of which NULL is null.
pub(super) fn json(value: &Datum) -> Result<&str> {
    if value.is_null() { Ok("null") } else { value.as_str() }
}

/// An array of all arguments.
pub(super) fn array(args: &[Datum], binary: bool) -> Result<Datum> {
    if binary {
        let items = args.iter().map(jsonb);
        return Json::Array(items.collect::<Result<_>>()?).to_datum();
    }
    let items = args.iter().map(json).collect::<Result<Vec<_>>>()?;
    Ok(Datum::Text(format!("[{}]", items.join(", "))))
}

/// An object of keys and values in turns.
pub(super) fn object(args: &[Datum], binary: bool) -> Result<Datum> {
    if !args.len().is_multiple_of(2) {
        let name = if binary { "jsonb_build_object" } else { "json_build_object" };
        return Err(invalid("argument list must have even number of elements").hint(format!(
            "The arguments of {name}() must consist of alternating keys and values."
        )));
    }
    let mut pairs = Vec::new();
    let mut text = String::from("{");
    for (number, pair) in args.chunks(2).enumerate() {
        let [key, value] = pair else { continue };
        let place = number * 2 + 1;
        if key.is_null() {
            return Err(match binary {
                true => invalid(format!("argument {place}: key must not be null")),
                false => invalid(format!("argument {place} cannot be null"))
                    .hint("Object keys should be text."),
            });
        }
        let key = key.as_str()?;
        if binary {
            pairs.push((key.to_owned(), jsonb(value)?));
            continue;
        }
        text.push_str(if number > 0 { ", " } else { "" });
        quote(key, &mut text);
        text.push_str(" : ");
        text.push_str(json(value)?);
    }
    text.push('}');
    if binary { Json::object(pairs).to_datum() } else { Ok(Datum::Text(text)) }
}
