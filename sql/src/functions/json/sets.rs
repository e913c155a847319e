//! Functions that take a JSON value apart, a row for each part.

use super::{arg, invalid, text_or_null, view};
use crate::error::{Error, Result};
use crate::functions::sets::{SetFunction, SetKernel, SetRows, signature};
use crate::types::Type::{Json, Jsonb, Text};
use crate::types::json::{Node, Value, View, parse};
use crate::types::{Datum, Type};

fn rows(rows: Vec<Vec<Datum>>) -> SetRows {
    Box::new(rows.into_iter().map(Ok))
}

fn node_text(node: &Node<'_>) -> Datum {
    text_or_null(node.as_text().map(|text| text.into_owned()))
}

fn node_json(node: &Node<'_>) -> Datum {
    Datum::Text(node.text.to_owned())
}

fn json_each(args: &[Datum], part: fn(&Node<'_>) -> Datum) -> Result<SetRows> {
    match parse(arg(args, 0).as_str()?)?.value {
        Value::Object(pairs) => {
            let pairs = pairs.into_iter().map(|(key, value)| vec![Datum::Text(key), part(&value)]);
            Ok(rows(pairs.collect()))
        }
        Value::Array(_) => Err(invalid("cannot deconstruct an array as an object")),
        _ => Err(invalid("cannot deconstruct a scalar")),
    }
}

fn view_text(view: View<'_>) -> Result<Datum> {
    Ok(text_or_null(view.as_text()?))
}

fn view_json(view: View<'_>) -> Result<Datum> {
    Ok(view.to_datum())
}

fn jsonb_each(args: &[Datum], name: &str, part: fn(View<'_>) -> Result<Datum>) -> Result<SetRows> {
    let object @ View::Object(_) = view(args, 0)? else {
        return Err(invalid(format!("cannot call {name} on a non-object")));
    };
    let pairs = object.pairs().map(|pair| {
        let (key, value) = pair?;
        Ok(vec![Datum::Text(key.to_owned()), part(value)?])
    });
    Ok(rows(pairs.collect::<Result<_>>()?))
}

fn json_elements(args: &[Datum], name: &str, part: fn(&Node<'_>) -> Datum) -> Result<SetRows> {
    let what = match parse(arg(args, 0).as_str()?)?.value {
        Value::Array(items) => {
            return Ok(rows(items.iter().map(|item| vec![part(item)]).collect()));
        }
        Value::Object(_) => "a non-array",
        _ => "a scalar",
    };
    Err(invalid(format!("cannot call {name} on {what}")))
}

fn jsonb_elements(args: &[Datum], part: fn(View<'_>) -> Result<Datum>) -> Result<SetRows> {
    match view(args, 0)? {
        array @ View::Array(_) => {
            let items = array.items().map(|item| Ok(vec![part(item?)?]));
            Ok(rows(items.collect::<Result<_>>()?))
        }
        View::Object(_) => Err(invalid("cannot extract elements from an object")),
        _ => Err(invalid("cannot extract elements from a scalar")),
    }
}

fn no_keys(name: &str, is_array: bool) -> Error {
    let what = if is_array { "an array" } else { "a scalar" };
    invalid(format!("cannot call {name} on {what}"))
}

fn json_keys(args: &[Datum]) -> Result<SetRows> {
    match parse(arg(args, 0).as_str()?)?.value {
        Value::Object(pairs) => {
            Ok(rows(pairs.into_iter().map(|(key, _)| vec![Datum::Text(key)]).collect()))
        }
        other => Err(no_keys("json_object_keys", matches!(other, Value::Array(_)))),
    }
}

fn jsonb_keys(args: &[Datum]) -> Result<SetRows> {
    match view(args, 0)? {
        object @ View::Object(_) => {
            let keys = object.pairs().map(|pair| Ok(vec![Datum::Text(pair?.0.to_owned())]));
            Ok(rows(keys.collect::<Result<_>>()?))
        }
        other => Err(no_keys("jsonb_object_keys", matches!(other, View::Array(_)))),
    }
}

/// Adds these to the table of set-returning functions.
pub fn register(all: &mut Vec<SetFunction>) {
    const PAIR: &[(&str, Type)] = &[("key", Text), ("value", Json)];
    const PAIR_B: &[(&str, Type)] = &[("key", Text), ("value", Jsonb)];
    const PAIR_TEXT: &[(&str, Type)] = &[("key", Text), ("value", Text)];
    const VALUE: &[(&str, Type)] = &[("value", Json)];
    const VALUE_B: &[(&str, Type)] = &[("value", Jsonb)];
    const VALUE_TEXT: &[(&str, Type)] = &[("value", Text)];
    let mut add = |name, columns: &'static [(&str, Type)], rows: SetKernel| {
        let takes: &[Type] = if name_is_of_jsonb(name) { &[Jsonb] } else { &[Json] };
        let returns = columns.last().map_or(Text, |(_, kind)| *kind);
        let signature = signature(name, takes, returns);
        all.push(SetFunction { signature, rows, unbounded: false, columns });
    };
    add("json_each", PAIR, |args| json_each(args, node_json));
    add("json_each_text", PAIR_TEXT, |args| json_each(args, node_text));
    add("jsonb_each", PAIR_B, |args| jsonb_each(args, "jsonb_each", view_json));
    add("jsonb_each_text", PAIR_TEXT, |args| jsonb_each(args, "jsonb_each_text", view_text));
    add("json_array_elements", VALUE, |args| json_elements(args, "json_array_elements", node_json));
    add("json_array_elements_text", VALUE_TEXT, |args| {
        json_elements(args, "json_array_elements_text", node_text)
    });
    add("jsonb_array_elements", VALUE_B, |args| jsonb_elements(args, view_json));
    add("jsonb_array_elements_text", VALUE_TEXT, |args| jsonb_elements(args, view_text));
    add("json_object_keys", &[], json_keys);
    add("jsonb_object_keys", &[], jsonb_keys);
}

fn name_is_of_jsonb(name: &str) -> bool {
    name.starts_with("jsonb")
}
