//! Values of other types as JSON, and numbers and booleans out of it.

use super::invalid;
use crate::error::{Error, Result};
use crate::functions::Context;
use crate::functions::casts;
use crate::types::array::{Array, Dimension};
use crate::types::io::{self, Style};
use crate::types::json::{Json, View, check, quote};
use crate::types::record::Fields;
use crate::types::{Datum, Numeric, Type, composite};

use super::{build, populate, set_path};

/// What is bound for the types of its arguments, as a function of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JsonForm {
    /// The value as JSON.
    From {
        /// Its type.
        from: Type,
        /// Whether the result is jsonb.
        binary: bool,
        /// Whether elements of an array stand on lines of their own.
        lines: bool,
    },
    /// The value as key of an object: a text.
    Key {
        /// Its type.
        from: Type,
    },
    /// An array of JSON values.
    BuildArray {
        /// Whether it is jsonb.
        binary: bool,
    },
    /// An object of keys and JSON values, in turns.
    BuildObject {
        /// Whether it is jsonb.
        binary: bool,
    },
    /// A jsonb, a new part of it, and an array of the steps to there.
    Assign,
    /// A row of an object.
    Populate {
        /// The type of the row.
        kind: Type,
        /// The function's name.
        name: &'static str,
    },
}

impl JsonForm {
    /// For plans that people read.
    pub fn name(self) -> String {
        match self {
            JsonForm::From { from, .. } => format!("json_from_{from:?}").to_lowercase(),
            JsonForm::Key { from } => format!("json_key_{from:?}").to_lowercase(),
            JsonForm::BuildArray { .. } => "json_array".into(),
            JsonForm::BuildObject { .. } => "json_object".into(),
            JsonForm::Assign => "json_assign".into(),
            JsonForm::Populate { name, .. } => name.into(),
        }
    }

    /// Whether context arguments go behind the value.
    pub fn takes_style(self) -> bool {
        matches!(self, JsonForm::From { .. } | JsonForm::Key { .. })
    }

    /// Result type.
    pub fn returns(self) -> Type {
        match self {
            JsonForm::Key { .. } => Type::Text,
            JsonForm::Populate { kind, .. } => kind,
            JsonForm::From { binary: false, .. }
            | JsonForm::BuildArray { binary: false }
            | JsonForm::BuildObject { binary: false } => Type::Json,
            _ => Type::Jsonb,
        }
    }

    /// The value for these arguments.
    ///
    /// # Errors
    /// The form's own.
    pub fn call(self, args: &[Datum], style: &Style) -> Result<Datum> {
        match (self, args.first()) {
            (JsonForm::BuildArray { binary }, _) => build::array(args, binary),
            (JsonForm::BuildObject { binary }, _) => build::object(args, binary),
            (JsonForm::Assign, _) => set_path::assign(args),
            (JsonForm::Populate { kind, .. }, _) => populate::record(kind, args, style),
            (_, None | Some(Datum::Null)) => Ok(Datum::Null),
            (JsonForm::From { from, binary: true, .. }, Some(value)) => {
                to_json(from, value, style)?.to_datum()
            }
            (JsonForm::From { from, lines, .. }, Some(value)) => {
                let mut out = String::new();
                write(from, value, style, lines, &mut out)?;
                Ok(Datum::Text(out))
            }
            (JsonForm::Key { from }, Some(value)) => key(from, value, style).map(Datum::Text),
        }
    }
}

/// The context arguments that go behind a value of this type.
pub fn context(from: Type) -> &'static [Context] {
    match from.element().unwrap_or(from) {
        Type::Timestamptz => &[Context::Zone],
        Type::Record | Type::Composite(_) => &[Context::Zone, Context::Style],
        Type::Float4 | Type::Float8 | Type::Interval | Type::Bytea => &[Context::Style],
        _ => &[],
    }
}

fn output(from: Type, value: &Datum, style: &Style) -> Result<String> {
    match from {
        Type::Bool => Ok(if value.as_bool()? { "true" } else { "false" }.into()),
        Type::Date | Type::Timestamp | Type::Timestamptz => {
            // As XML Schema has it: the time behind a T, the zone with its minutes.
            let iso = Style { zone: style.zone, ..Style::default() };
            let mut text = io::to_text(from, value, &iso)?;
            if let Some(blank) = text.find(' ').filter(|_| text.contains(':')) {
                text.replace_range(blank..=blank, "T");
                let end = text.find(' ').unwrap_or(text.len());
                let zone = text.get(..end).and_then(|text| text.rfind(['+', '-']));
                if from == Type::Timestamptz && zone.is_some_and(|zone| end - zone == 3) {
                    text.insert_str(end, ":00");
                }
            }
            Ok(text)
        }
        _ => io::to_text(from, value, style),
    }
}

fn is_number(from: Type) -> bool {
    use Type::{Float4, Float8, Int2, Int4, Int8, Numeric};
    matches!(from, Int2 | Int4 | Int8 | Float4 | Float8 | Numeric)
}

/// A value as key of an object.
fn key(from: Type, value: &Datum, style: &Style) -> Result<String> {
    match from {
        Type::Json | Type::Jsonb => Err(no_key()),
        from if from.is_array() || from.is_row() => Err(no_key()),
        from => output(from, value, style),
    }
}

fn no_key() -> Error {
    invalid("key value must be scalar, not array, composite, or json")
}

/// The fields of a row with their names and types.
fn row_fields(from: Type, value: &Datum) -> Result<Vec<(String, Type, Datum)>> {
    let bytes = value.as_bytes()?;
    match from {
        Type::Composite(user) => {
            let fields = composite::fields(user, bytes)?;
            let fields = fields.map(|field| {
                field.map(|(attribute, value)| (attribute.name.clone(), attribute.ty.kind, value))
            });
            fields.collect()
        }
        _ => {
            let fields = Fields::new(bytes)?.enumerate();
            let fields = fields.map(|(at, field)| {
                field.map(|(kind, value)| (format!("f{}", at + 1), kind, value))
            });
            fields.collect()
        }
    }
}

/// Appends a value as JSON text.
fn write(from: Type, value: &Datum, style: &Style, lines: bool, out: &mut String) -> Result<()> {
    let from = from.base();
    if value.is_null() {
        out.push_str("null");
        return Ok(());
    }
    if let Some(element) = from.element() {
        let array = Array::read(value)?;
        let each = &mut |item: &Datum, out: &mut String| write(element, item, style, false, out);
        return write_dimensions(&array.dimensions, &array.items, lines, each, out);
    }
    if from.is_row() {
        out.push('{');
        for (number, (name, kind, value)) in row_fields(from, value)?.into_iter().enumerate() {
            if number > 0 {
                out.push_str(if lines { ",\n " } else { "," });
            }
            quote(&name, out);
            out.push(':');
            write(kind, &value, style, false, out)?;
        }
        out.push('}');
        return Ok(());
    }
    match from {
        Type::Json => out.push_str(value.as_str()?),
        Type::Bool | Type::Jsonb => out.push_str(&output(from, value, style)?),
        from => {
            let text = output(from, value, style)?;
            // Not a number and infinities are none in JSON.
            match is_number(from) && check(&text).is_ok() {
                true => out.push_str(&text),
                false => quote(&text, out),
            }
        }
    }
    Ok(())
}

fn write_dimensions(
    dimensions: &[Dimension],
    items: &[Datum],
    lines: bool,
    each: &mut dyn FnMut(&Datum, &mut String) -> Result<()>,
    out: &mut String,
) -> Result<()> {
    out.push('[');
    if let Some((first, inner)) = dimensions.split_first() {
        let size = items.len() / (first.length.max(1) as usize);
        for (number, part) in items.chunks(size.max(1)).enumerate() {
            if number > 0 {
                out.push_str(if lines { ",\n " } else { "," });
            }
            match (inner, part) {
                ([], [item]) => each(item, out)?,
                _ => write_dimensions(inner, part, false, each, out)?,
            }
        }
    }
    out.push(']');
    Ok(())
}

fn nested(dimensions: &[Dimension], items: Vec<Json>) -> Json {
    let Some((_, inner @ [_, ..])) = dimensions.split_first() else {
        return Json::Array(items);
    };
    let size = inner.iter().map(|dimension| dimension.length.max(1) as usize).product::<usize>();
    let mut rest = items.into_iter().peekable();
    let mut parts = Vec::new();
    while rest.peek().is_some() {
        parts.push(nested(inner, rest.by_ref().take(size).collect()));
    }
    Json::Array(parts)
}

/// A value as jsonb.
fn to_json(from: Type, value: &Datum, style: &Style) -> Result<Json> {
    let from = from.base();
    if value.is_null() {
        return Ok(Json::Null);
    }
    if let Some(element) = from.element() {
        let array = Array::read(value)?;
        let items = array.items.iter().map(|item| to_json(element, item, style));
        return Ok(nested(&array.dimensions, items.collect::<Result<_>>()?));
    }
    if from.is_row() {
        let fields = row_fields(from, value)?.into_iter();
        let pairs = fields.map(|(name, kind, value)| Ok((name, to_json(kind, &value, style)?)));
        return Ok(Json::object(pairs.collect::<Result<_>>()?));
    }
    Ok(match from {
        Type::Json => Json::parse(value.as_str()?)?,
        Type::Jsonb => Json::read(value)?,
        Type::Bool => Json::Bool(value.as_bool()?),
        from => {
            let text = output(from, value, style)?;
            match is_number(from) && check(&text).is_ok() {
                true => Json::parse(&text)?,
                false => Json::String(text),
            }
        }
    })
}

/// A cast out of jsonb.
///
/// # Errors
/// If the value is not of the kind that the type has.
pub fn from_jsonb(to: Type, value: &Datum) -> Result<Datum> {
    let view = View::new(value.as_bytes()?)?;
    match (view, to) {
        (View::Bool(value), Type::Bool) => Ok(Datum::Bool(value)),
        (View::Number(bytes), to) if to != Type::Bool => {
            let number = Datum::Bytes(Numeric::decode(bytes)?.encode());
            casts::cast(Type::Numeric, to, &number, &Style::default())
        }
        _ => {
            let kind = match view {
                View::Number(_) => "numeric",
                other => other.type_name(),
            };
            Err(invalid(format!("cannot cast jsonb {kind} to type {}", to.name())))
        }
    }
}
