//! What a value is: its type, its length, its text for people.

use super::{Function, arg, invalid, pure, view};
use crate::error::Result;
use crate::types::Datum;
use crate::types::Type::{Int4, Json, Jsonb, Text};
use crate::types::json::{self, Node, Value, View, parse, quote, write_pretty};

fn json_typeof(args: &[Datum]) -> Result<Datum> {
    let name = match parse(arg(args, 0).as_str()?)?.value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Ok(Datum::Text(name.into()))
}

fn length(array: Option<usize>, is_object: bool) -> Result<Datum> {
    match array {
        Some(length) => Ok(Datum::Int32(length as i32)),
        None if is_object => Err(invalid("cannot get array length of a non-array")),
        None => Err(invalid("cannot get array length of a scalar")),
    }
}

fn json_length(args: &[Datum]) -> Result<Datum> {
    match parse(arg(args, 0).as_str()?)?.value {
        Value::Array(items) => length(Some(items.len()), false),
        other => length(None, matches!(other, Value::Object(_))),
    }
}

fn jsonb_length(args: &[Datum]) -> Result<Datum> {
    match view(args, 0)? {
        array @ View::Array(_) => length(Some(array.items().count()), false),
        other => length(None, matches!(other, View::Object(_))),
    }
}

/// Appends a value without white space, and without the pairs whose value is null.
fn strip(node: &Node<'_>, out: &mut String) {
    match &node.value {
        Value::Array(items) => {
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                out.push_str(if number > 0 { "," } else { "" });
                strip(item, out);
            }
            out.push(']');
        }
        Value::Object(pairs) => {
            out.push('{');
            let kept = pairs.iter().filter(|(_, value)| !matches!(value.value, Value::Null));
            for (number, (key, value)) in kept.enumerate() {
                out.push_str(if number > 0 { "," } else { "" });
                quote(key, out);
                out.push(':');
                strip(value, out);
            }
            out.push('}');
        }
        Value::String(text) => quote(text, out),
        _ => out.push_str(node.text),
    }
}

fn json_strip_nulls(args: &[Datum]) -> Result<Datum> {
    let mut out = String::new();
    strip(&parse(arg(args, 0).as_str()?)?, &mut out);
    Ok(Datum::Text(out))
}

fn stripped(json: json::Json) -> json::Json {
    match json {
        json::Json::Array(items) => json::Json::Array(items.into_iter().map(stripped).collect()),
        json::Json::Object(pairs) => {
            let kept = pairs.into_iter().filter(|(_, value)| *value != json::Json::Null);
            json::Json::Object(kept.map(|(key, value)| (key, stripped(value))).collect())
        }
        other => other,
    }
}

fn jsonb_strip_nulls(args: &[Datum]) -> Result<Datum> {
    stripped(json::Json::read(arg(args, 0))?).to_datum()
}

fn pretty(args: &[Datum]) -> Result<Datum> {
    let mut out = String::new();
    write_pretty(view(args, 0)?, 0, &mut out)?;
    Ok(Datum::Text(out))
}

pub(super) fn register(all: &mut Vec<Function>) {
    all.extend([
        pure("json_typeof", &[Json], Text, json_typeof),
        pure("jsonb_typeof", &[Jsonb], Text, |args| {
            Ok(Datum::Text(view(args, 0)?.type_name().into()))
        }),
        pure("json_array_length", &[Json], Int4, json_length),
        pure("jsonb_array_length", &[Jsonb], Int4, jsonb_length),
        pure("json_strip_nulls", &[Json], Json, json_strip_nulls),
        pure("jsonb_strip_nulls", &[Jsonb], Jsonb, jsonb_strip_nulls),
        pure("jsonb_pretty", &[Jsonb], Text, pretty),
    ]);
}
