//! Reaching a part: by key, by place, by path.

use super::{Function, arg, pure, text_or_null, texts, view};
use crate::error::Result;
use crate::types::Type::{Int4, Json, Jsonb, Text, TextArray};
use crate::types::json::{Node, View, parse};
use crate::types::{Datum, Type};

/// How far a part is to be read.
#[derive(Clone, Copy)]
enum As {
    Json,
    Text,
}

fn node_result(node: Option<&Node<'_>>, form: As) -> Datum {
    match (node, form) {
        (None, _) => Datum::Null,
        (Some(node), As::Json) => Datum::Text(node.text.to_owned()),
        (Some(node), As::Text) => text_or_null(node.as_text().map(|text| text.into_owned())),
    }
}

fn view_result(view: Option<View<'_>>, form: As) -> Result<Datum> {
    Ok(match (view, form) {
        (None, _) => Datum::Null,
        (Some(view), As::Json) => view.to_datum(),
        (Some(view), As::Text) => text_or_null(view.as_text()?),
    })
}

fn json_field(args: &[Datum], form: As) -> Result<Datum> {
    let node = parse(arg(args, 0).as_str()?)?;
    Ok(node_result(node.get(arg(args, 1).as_str()?), form))
}

fn json_item(args: &[Datum], form: As) -> Result<Datum> {
    let node = parse(arg(args, 0).as_str()?)?;
    Ok(node_result(node.item(arg(args, 1).as_i64()?), form))
}

/// A scalar is an array of itself to these, as in PostgreSQL.
fn item_of(view: View<'_>, place: i64) -> Result<Option<View<'_>>> {
    match view {
        View::Array(_) => view.item(place),
        scalar if scalar.is_scalar() && matches!(place, 0 | -1) => Ok(Some(scalar)),
        _ => Ok(None),
    }
}

fn jsonb_field(args: &[Datum], form: As) -> Result<Datum> {
    view_result(view(args, 0)?.get(arg(args, 1).as_str()?)?, form)
}

fn jsonb_item(args: &[Datum], form: As) -> Result<Datum> {
    view_result(item_of(view(args, 0)?, arg(args, 1).as_i64()?)?, form)
}

/// The place that a step of a path names: C's `strtol` takes blanks and a sign before digits.
pub(super) fn place(step: &str) -> Option<i64> {
    let digits = step.trim_start_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    let digits = digits.strip_prefix('+').filter(|rest| !rest.starts_with('-')).unwrap_or(digits);
    digits.parse::<i32>().ok().map(i64::from)
}

fn json_path(text: &str, path: &[Option<String>], form: As) -> Result<Datum> {
    let root = parse(text)?;
    let mut node = Some(&root);
    for step in path {
        let (Some(current), Some(step)) = (node, step) else { return Ok(Datum::Null) };
        node = match current.value {
            crate::types::json::Value::Object(_) => current.get(step),
            _ => place(step).and_then(|place| current.item(place)),
        };
    }
    Ok(match (path, form) {
        // All of it, with what stands around it.
        ([], As::Json) => Datum::Text(text.to_owned()),
        _ => node_result(node, form),
    })
}

fn jsonb_path(root: View<'_>, path: &[Option<String>], form: As) -> Result<Datum> {
    let mut view = Some(root);
    for step in path {
        let (Some(current), Some(step)) = (view, step) else { return Ok(Datum::Null) };
        view = match (current, place(step)) {
            (View::Object(_), _) => current.get(step)?,
            (View::Array(_), Some(place)) => current.item(place)?,
            _ => None,
        };
    }
    view_result(view, form)
}

fn json_extract(args: &[Datum], form: As) -> Result<Datum> {
    json_path(arg(args, 0).as_str()?, &texts(args, 1)?, form)
}

fn jsonb_extract(args: &[Datum], form: As) -> Result<Datum> {
    jsonb_path(view(args, 0)?, &texts(args, 1)?, form)
}

/// The arguments behind the first one, as a path.
fn steps(args: &[Datum]) -> Result<Vec<Option<String>>> {
    let steps = args.iter().skip(1).map(|step| match step {
        Datum::Null => Ok(None),
        step => step.as_str().map(|step| Some(step.to_owned())),
    });
    steps.collect()
}

fn json_extract_steps(args: &[Datum], form: As) -> Result<Datum> {
    json_path(arg(args, 0).as_str()?, &steps(args)?, form)
}

fn jsonb_extract_steps(args: &[Datum], form: As) -> Result<Datum> {
    jsonb_path(view(args, 0)?, &steps(args)?, form)
}

pub(super) fn register(all: &mut Vec<Function>) {
    const JSON_PATH: &[Type] = &[Json, TextArray];
    const JSONB_PATH: &[Type] = &[Jsonb, TextArray];
    let steps = |function| Function { variadic: true, ..function };
    all.extend([
        pure("->", &[Json, Text], Json, |a| json_field(a, As::Json)),
        pure("->", &[Json, Int4], Json, |a| json_item(a, As::Json)),
        pure("->>", &[Json, Text], Text, |a| json_field(a, As::Text)),
        pure("->>", &[Json, Int4], Text, |a| json_item(a, As::Text)),
        pure("#>", JSON_PATH, Json, |a| json_extract(a, As::Json)),
        pure("#>>", JSON_PATH, Text, |a| json_extract(a, As::Text)),
        pure("->", &[Jsonb, Text], Jsonb, |a| jsonb_field(a, As::Json)),
        pure("->", &[Jsonb, Int4], Jsonb, |a| jsonb_item(a, As::Json)),
        pure("->>", &[Jsonb, Text], Text, |a| jsonb_field(a, As::Text)),
        pure("->>", &[Jsonb, Int4], Text, |a| jsonb_item(a, As::Text)),
        pure("#>", JSONB_PATH, Jsonb, |a| jsonb_extract(a, As::Json)),
        pure("#>>", JSONB_PATH, Text, |a| jsonb_extract(a, As::Text)),
        steps(pure("json_extract_path", &[Json, Text], Json, |a| json_extract_steps(a, As::Json))),
        steps(pure("json_extract_path_text", &[Json, Text], Text, |a| {
            json_extract_steps(a, As::Text)
        })),
        steps(pure("jsonb_extract_path", &[Jsonb, Text], Jsonb, |a| {
            jsonb_extract_steps(a, As::Json)
        })),
        steps(pure("jsonb_extract_path_text", &[Jsonb, Text], Text, |a| {
            jsonb_extract_steps(a, As::Text)
        })),
        pure("json_object_field", &[Json, Text], Json, |a| json_field(a, As::Json)),
        pure("json_object_field_text", &[Json, Text], Text, |a| json_field(a, As::Text)),
        pure("json_array_element", &[Json, Int4], Json, |a| json_item(a, As::Json)),
        pure("json_array_element_text", &[Json, Int4], Text, |a| json_item(a, As::Text)),
        pure("jsonb_object_field", &[Jsonb, Text], Jsonb, |a| jsonb_field(a, As::Json)),
        pure("jsonb_object_field_text", &[Jsonb, Text], Text, |a| jsonb_field(a, As::Text)),
        pure("jsonb_array_element", &[Jsonb, Int4], Jsonb, |a| jsonb_item(a, As::Json)),
        pure("jsonb_array_element_text", &[Jsonb, Int4], Text, |a| jsonb_item(a, As::Text)),
    ]);
}
