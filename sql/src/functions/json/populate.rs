//! JSON objects as rows of composite types: `json_populate_record`, `json_to_record` and their kin.
//!
//! A jsonb is read as the text that it is shown as. What an object does not say stays as it is in a base row.

use std::sync::LazyLock;

use super::{arg, invalid};
use crate::error::{Error, Result, SqlState};
use crate::functions::sets::{SetFunction, SetRows, signature};
use crate::functions::style_of;
use crate::types::array::{Array, Dimension, MAX_DIMENSIONS, count_items, too_many_dimensions};
use crate::types::io::{self, Style};
use crate::types::json::{Json, Node, Value, parse};
use crate::types::{Datum, Type, TypeMod, UserType, composite};

/// Where in an object a value stands, for hints.
#[derive(Clone, Copy)]
struct Place<'a> {
    key: &'a str,
}

fn expected_array(place: Place<'_>, subscripts: &[usize]) -> Error {
    let error = Error::new(SqlState::InvalidTextRepresentation, "expected JSON array");
    let key = place.key;
    match subscripts {
        [] => error.hint(format!("See the value of key \"{key}\".")),
        subscripts => {
            let element: String = subscripts.iter().map(|at| format!("[{at}]")).collect();
            error.hint(format!("See the array element {element} of key \"{key}\"."))
        }
    }
}

/// The dimensions and elements of an array, as they are found.
struct Gathered<'n, 't> {
    /// How many dimensions there are, once an element was met.
    depth: Option<usize>,
    lengths: Vec<Option<usize>>,
    items: Vec<&'n Node<'t>>,
}

impl<'n, 't> Gathered<'n, 't> {
    fn take(
        &mut self,
        items: &'n [Node<'t>],
        place: Place<'_>,
        subscripts: &mut Vec<usize>,
    ) -> Result<()> {
        let level = subscripts.len();
        if level >= MAX_DIMENSIONS {
            return Err(too_many_dimensions(level + 1));
        }
        for (at, item) in items.iter().enumerate() {
            subscripts.push(at);
            let is_deepest = self.depth.is_some_and(|depth| level + 1 >= depth);
            match &item.value {
                Value::Array(inner) if !is_deepest => self.take(inner, place, subscripts)?,
                _ if self.depth.is_some() && !is_deepest => {
                    return Err(expected_array(place, subscripts));
                }
                _ => {
                    self.depth = Some(level + 1);
                    self.items.push(item);
                }
            }
            subscripts.pop();
        }
        if self.lengths.len() <= level {
            self.lengths.resize(level + 1, None);
        }
        let known = self.lengths.get_mut(level).and_then(|length| length.replace(items.len()));
        match known {
            Some(known) if known != items.len() => {
                Err(Error::new(SqlState::InvalidTextRepresentation, "malformed JSON array").detail(
                    "Multidimensional arrays must have sub-arrays with matching dimensions.",
                ))
            }
            _ => Ok(()),
        }
    }
}

fn array(element: TypeMod, items: &[Node<'_>], place: Place<'_>, style: &Style) -> Result<Datum> {
    let mut found = Gathered { depth: None, lengths: Vec::new(), items: Vec::new() };
    found.take(items, place, &mut Vec::new())?;
    if found.items.is_empty() {
        return Ok(Array::empty(element.kind).to_datum());
    }
    let lengths = found.lengths.iter().flatten();
    let dimensions = lengths.map(|length| Dimension { length: *length as i32, lower: 1 });
    let dimensions: Vec<Dimension> = dimensions.collect();
    count_items(&dimensions)?;
    let items = found.items.into_iter();
    let items = items.map(|item| field(element, item, &Datum::Null, place, style));
    Ok(Array { element: element.kind, dimensions, items: items.collect::<Result<_>>()? }.to_datum())
}

/// A value as one of a type.
fn field(
    ty: TypeMod,
    node: &Node<'_>,
    base: &Datum,
    place: Place<'_>,
    style: &Style,
) -> Result<Datum> {
    let ty = ty.base();
    let text = match &node.value {
        Value::Null => return Ok(Datum::Null),
        Value::String(text) => text.as_str(),
        _ => node.text,
    };
    let is_string = matches!(node.value, Value::String(_));
    match ty.kind {
        Type::Composite(user) if !is_string => {
            return object(user, node, base, "populate_composite", style);
        }
        Type::Json => return Ok(Datum::Text(node.text.to_owned())),
        Type::Jsonb => return Json::parse(node.text)?.to_datum(),
        _ => {}
    }
    if let (Some(element), false) = (ty.element(), is_string) {
        let Value::Array(items) = &node.value else { return Err(expected_array(place, &[])) };
        return array(element, items, place, style);
    }
    io::apply_typmod(ty, io::from_text(ty.kind, text, style)?, false)
}

/// An object as a row.
fn object(
    user: UserType,
    node: &Node<'_>,
    base: &Datum,
    name: &str,
    style: &Style,
) -> Result<Datum> {
    let refused = |what: &str| Err(invalid(format!("cannot call {name} on {what}")));
    match &node.value {
        Value::Object(_) => {}
        Value::Array(_) => return refused("an array"),
        _ => return refused("a scalar"),
    }
    let mut before: Vec<Datum> = match base {
        Datum::Bytes(bytes) => {
            let fields = composite::fields(user, bytes)?;
            fields.map(|field| field.map(|(_, value)| value)).collect::<Result<_>>()?
        }
        _ => Vec::new(),
    };
    let mut values = Vec::new();
    for (at, attribute) in composite::visible(user).enumerate() {
        let before = before.get_mut(at).map(std::mem::take).unwrap_or_default();
        values.push(match node.get(&attribute.name) {
            None => before,
            Some(value) => {
                let place = Place { key: &attribute.name };
                field(attribute.ty, value, &before, place, style)?
            }
        });
    }
    Ok(composite::make(user, values))
}

/// The text of a json or jsonb.
fn text_of(value: &Datum) -> Result<String> {
    match value {
        Datum::Text(text) => Ok(text.clone()),
        value => io::to_text(Type::Jsonb, value, &Style::default()),
    }
}

/// A row of the type `kind` for an object, on top of a base row. The arguments are the JSON, what its text
/// may depend on, and that row.
pub(super) fn record(kind: Type, args: &[Datum], style: &Style) -> Result<Datum> {
    let base = arg(args, 4);
    let Type::Composite(user) = kind.base() else {
        return Err(Error::internal(format!("{kind:?} has no fields")));
    };
    match arg(args, 0) {
        Datum::Null => Ok(base.clone()),
        value => object(user, &parse(&text_of(value)?)?, base, "populate_composite", style),
    }
}

/// A row for each object in an array. The arguments are as for one; behind them come a handle of the type
/// and the function's name.
fn records(args: &[Datum]) -> Result<SetRows> {
    let (base, handle, name) = (arg(args, 4), arg(args, 5).as_i64()?, arg(args, 6).as_str()?);
    let kind = Type::from_handle(handle as u32).map(Type::base);
    let Some(Type::Composite(user)) = kind else {
        return Err(Error::internal(format!("no composite type {handle}")));
    };
    if arg(args, 0).is_null() {
        return Ok(Box::new(std::iter::empty()));
    }
    let (text, style) = (text_of(arg(args, 0))?, style_of(args.get(..4).unwrap_or_default()));
    let node = parse(&text)?;
    let items = match &node.value {
        Value::Array(items) => items,
        Value::Object(_) => return Err(invalid(format!("cannot call {name} on an object"))),
        _ => return Err(invalid(format!("cannot call {name} on a scalar"))),
    };
    let mut rows = Vec::with_capacity(items.len());
    for item in items {
        if !matches!(item.value, Value::Object(_)) {
            let message = format!("argument of {name} must be an array of objects");
            return Err(invalid(message));
        }
        rows.push(Ok(vec![object(user, item, base, name, &style)?]));
    }
    Ok(Box::new(rows.into_iter()))
}

/// The function that gives rows for an array of objects. No name finds it: the binder knows its type.
pub static RECORDS: LazyLock<SetFunction> = LazyLock::new(|| SetFunction {
    signature: crate::functions::Function {
        strict: false,
        ..signature("json_populate_recordset", &[Type::Json], Type::Record)
    },
    rows: records,
    unbounded: false,
    columns: &[],
});
