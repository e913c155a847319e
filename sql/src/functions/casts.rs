//! Conversions between types: which exist, when they apply by themselves, and their code.

use super::Context;
use crate::error::{Error, Result, SqlState};
use crate::types::array::Array;
use crate::types::datetime::{self, TimeTz};
use crate::types::interval::{DAY_US, Interval};
use crate::types::io::{self, Style};
use crate::types::record::{self, Fields};
use crate::types::{Category, Datum, Numeric, Type, composite};

/// When a conversion applies, as in pg_cast.castcontext.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CastLevel {
    /// Anywhere.
    Implicit,
    /// When a value is stored into a column.
    Assignment,
    /// Only when written.
    Explicit,
}

use CastLevel::{Assignment, Explicit, Implicit};

/// The weakest context in which `from` converts to `to`; `None`: never.
pub fn level(from: Type, to: Type) -> Option<CastLevel> {
    use Type::*;
    let (from, to) = (from.base(), to.base());
    if from == to || from == Unknown {
        return Some(Implicit);
    }
    if to.is_polymorphic() || from.is_polymorphic() {
        return None;
    }
    if let (Some(from), Some(to)) = (from.element(), to.element()) {
        return level(from, to);
    }
    Some(match (from, to) {
        (_, Unknown | Void) | (Void, _) => return None,
        (Int2, Int4 | Int8 | Float4 | Float8 | Numeric | Oid) => Implicit,
        (Int4, Int8 | Float4 | Float8 | Numeric | Oid) => Implicit,
        (Int8, Float4 | Float8 | Numeric | Oid) => Implicit,
        (Numeric, Float4 | Float8) => Implicit,
        (Float4, Float8) => Implicit,
        (Int4, Int2) | (Int8, Int2 | Int4) => Assignment,
        (Numeric, Int2 | Int4 | Int8) => Assignment,
        (Float4 | Float8, Int2 | Int4 | Int8 | Numeric) | (Float8, Float4) => Assignment,
        (Oid, Int4 | Int8) => Assignment,
        (Composite(_), Record) => Implicit,
        (Record, Composite(_)) => Explicit,
        (Bool, Int4) | (Int4, Bool) => Explicit,
        (Json, Jsonb) | (Jsonb, Json) => Assignment,
        (Jsonb, Bool | Numeric | Int2 | Int4 | Int8 | Float4 | Float8) => Explicit,
        (reg, Oid) | (Oid, reg) if reg.is_reg() => Implicit,
        (Int2 | Int4 | Int8, reg) if reg.is_reg() => Implicit,
        (reg, Int4 | Int8) if reg.is_reg() => Assignment,
        (Regprocedure, Regproc) | (Regproc, Regprocedure) => Implicit,
        (Regoperator, Regoper) | (Regoper, Regoperator) => Implicit,
        (Text | Varchar, Regclass) => Implicit,
        (Char, Text) => Implicit,
        (Char, Varchar | Bpchar) => Assignment,
        (Text | Varchar | Bpchar, Char) => Assignment,
        (Char, Int4) | (Int4, Char) => Explicit,
        (NodeTree, Text) => Implicit,
        (Text | Varchar | Bpchar | Name, Text | Varchar | Bpchar) => Implicit,
        (Text | Varchar | Bpchar, Name) => Implicit,
        (Date, Timestamp | Timestamptz) | (Timestamp, Timestamptz) => Implicit,
        (Time, Interval | Timetz) => Implicit,
        (Timestamp, Date | Time) | (Timestamptz, Date | Time | Timetz | Timestamp) => Assignment,
        (Interval | Timetz, Time) => Assignment,
        // Through the text form: out of a string explicitly, into one on assignment.
        (from, _) if from.category() == Category::String => Explicit,
        (_, to) if to.category() == Category::String => Assignment,
        _ => return None,
    })
}

/// The context arguments that this conversion takes. They go second and third; [`super`]'s
/// `style_of` reads them.
pub fn context(from: Type, to: Type) -> &'static [Context] {
    use Type::*;
    // Of arrays, what their elements take.
    match (from.element().unwrap_or(from).base(), to.element().unwrap_or(to).base()) {
        (
            Text | Varchar | Bpchar | Name | Unknown,
            Date | Time | Timetz | Timestamp | Timestamptz,
        ) => &[Context::Zone, Context::Now, Context::Style],
        (Text | Varchar | Bpchar | Name | Unknown, Interval) => &[Context::Style],
        (
            Timestamp | Timestamptz | Date | Time | Timetz,
            Timestamptz | Timestamp | Date | Time | Timetz,
        ) => &[Context::Zone, Context::Now],
        (Timestamptz | Record, _) => &[Context::Zone, Context::Style],
        (Float4 | Float8 | Date | Timestamp | Interval | Bytea, Text | Varchar | Bpchar | Name) => {
            &[Context::Style]
        }
        (Composite(_), _) => &[Context::Zone, Context::Style],
        (_, Composite(_)) => &[Context::Zone, Context::Now, Context::Style],
        _ => &[],
    }
}

fn out_of_range(to: Type) -> Error {
    Error::new(SqlState::NumericValueOutOfRange, format!("{} out of range", to.name()))
}

fn integer(to: Type, value: i64) -> Result<Datum> {
    match to {
        Type::Int2 => i16::try_from(value).map(Datum::Int16).map_err(|_| out_of_range(to)),
        Type::Int4 => i32::try_from(value).map(Datum::Int32).map_err(|_| out_of_range(to)),
        kind if kind == Type::Oid || kind.is_reg() => match u32::try_from(value) {
            Ok(oid) => Ok(Datum::Int64(i64::from(oid))),
            Err(_) => Err(Error::new(SqlState::NumericValueOutOfRange, "OID out of range")),
        },
        _ => Ok(Datum::Int64(value)),
    }
}

/// Floats round half to even on their way to integers.
fn float_to_integer(to: Type, value: f64) -> Result<Datum> {
    let rounded = value.round_ties_even();
    let limit = 9_223_372_036_854_775_808.0;
    if !(-limit..limit).contains(&rounded) {
        return Err(out_of_range(to));
    }
    integer(to, rounded as i64)
}

fn numeric_to_integer(to: Type, value: &Numeric) -> Result<Datum> {
    match value {
        Numeric::NaN | Numeric::Infinity | Numeric::NegativeInfinity => {
            let what = if *value == Numeric::NaN { "NaN" } else { "infinity" };
            Err(Error::new(
                SqlState::FeatureNotSupported,
                format!("cannot convert {what} to {}", to.name()),
            ))
        }
        finite => integer(to, finite.to_i64().ok_or_else(|| out_of_range(to))?),
    }
}

/// Converts a non-NULL value. The binder has checked that the conversion exists.
pub fn cast(from: Type, to: Type, value: &Datum, style: &Style) -> Result<Datum> {
    use Type::*;
    let (from, to) = (from.base(), to.base());
    if from == to {
        return Ok(value.clone());
    }
    if let (Some(from), Some(to)) = (from.element(), to.element()) {
        let mut array = Array::read(value)?;
        for item in array.items.iter_mut().filter(|item| !item.is_null()) {
            *item = cast(from, to, item, style)?;
        }
        array.element = to;
        return Ok(array.to_datum());
    }
    Ok(match (from, to) {
        (from, to) if is_whole(from) && is_whole(to) => integer(to, value.as_i64()?)?,
        (Char, Int4) => {
            let byte = value.as_str()?.bytes().next().unwrap_or_default();
            Datum::Int32(i32::from(byte as i8))
        }
        (Int4, Char) => match u8::try_from(value.as_i32()?) {
            Ok(0) => Datum::Text(String::new()),
            Ok(byte) if byte.is_ascii() => Datum::Text(char::from(byte).to_string()),
            _ => {
                return Err(Error::new(SqlState::NumericValueOutOfRange, "\"char\" out of range"));
            }
        },
        (Int2 | Int4 | Int8, Float4) => Datum::Float32(value.as_i64()? as f32),
        (Int2 | Int4 | Int8, Float8) => Datum::Float64(value.as_i64()? as f64),
        (Int2 | Int4 | Int8, Numeric) => {
            Datum::Bytes(crate::types::Numeric::from_i64(value.as_i64()?).encode())
        }
        (Numeric, Int2 | Int4 | Int8) => {
            numeric_to_integer(to, &crate::types::Numeric::decode(value.as_bytes()?)?)?
        }
        (Numeric, Float4 | Float8) => {
            let number = crate::types::Numeric::decode(value.as_bytes()?)?;
            let value = number.to_f64();
            let lost = value == 0.0 && number.signum() != 0;
            float(to, if lost { f64::INFINITY } else { value }, || number.to_string())?
        }
        (Float4 | Float8, Int2 | Int4 | Int8) => float_to_integer(to, value.as_f64()?)?,
        (Float4, Numeric) => {
            Datum::Bytes(crate::types::Numeric::from_f64(value.as_f64()?, 6).encode())
        }
        (Float8, Numeric) => {
            Datum::Bytes(crate::types::Numeric::from_f64(value.as_f64()?, 15).encode())
        }
        (Float4, Float8) => Datum::Float64(value.as_f64()?),
        (Float8, Float4) => {
            let wide = value.as_f64()?;
            let narrow = wide as f32;
            if narrow.is_infinite() && wide.is_finite() {
                let text = "value out of range: overflow";
                return Err(Error::new(SqlState::NumericValueOutOfRange, text));
            }
            Datum::Float32(narrow)
        }
        (Composite(user), Record) => {
            let (mut kinds, mut values) = (Vec::new(), Vec::new());
            for field in composite::fields(user, value.as_bytes()?)? {
                let (attribute, value) = field?;
                kinds.push(attribute.ty.kind);
                values.push(value);
            }
            record::make(&record::head(&kinds), &values)
        }
        (Record, Composite(user)) => {
            let fields = Fields::new(value.as_bytes()?)?.collect::<Result<Vec<_>>>()?;
            if fields.len() != composite::visible(user).count() {
                return Err(Error::new(
                    SqlState::DatatypeMismatch,
                    format!("cannot cast type record to {}", to.name()),
                ));
            }
            let mut values = Vec::with_capacity(fields.len());
            for (attribute, (from, value)) in composite::visible(user).zip(fields) {
                values.push(match value.is_null() {
                    true => value,
                    false => {
                        let value = cast(from, attribute.ty.kind, &value, style)?;
                        io::apply_typmod(attribute.ty, value, true)?
                    }
                });
            }
            composite::make(user, values)
        }
        (Json, Jsonb) => io::from_text(to, value.as_str()?, style)?,
        (Jsonb, Json) => Datum::Text(io::to_text(from, value, style)?),
        (Jsonb, Bool | Numeric | Int2 | Int4 | Int8 | Float4 | Float8) => {
            super::json::from_jsonb(to, value)?
        }
        (Bool, Int4) => Datum::Int32(i32::from(value.as_bool()?)),
        (Int4, Bool) => Datum::Bool(value.as_i32()? != 0),
        (Bool, to) if to.is_string() => {
            Datum::Text(if value.as_bool()? { "true" } else { "false" }.into())
        }
        // A blank-padded value loses its padding when it becomes another kind of string.
        (Bpchar, Text | Varchar | Name) => {
            Datum::Text(value.as_str()?.trim_end_matches(' ').to_owned())
        }
        (_, Name) if from.is_string() => io::from_text(Name, value.as_str()?, style)?,
        (_, Text | Varchar | Bpchar) if from.is_string() => value.clone(),
        (Date, Timestamp) => Datum::Int64(datetime::date_to_timestamp(value.as_i32()?)?),
        (Date, Timestamptz) => {
            let local = datetime::date_to_timestamp(value.as_i32()?)?;
            to_utc(local, style).map_err(|_| {
                let message = "date out of range for timestamp";
                Error::new(SqlState::DatetimeFieldOverflow, message)
            })?
        }
        (Timestamp, Timestamptz) => to_utc(value.as_i64()?, style)?,
        (Timestamptz, Timestamp) => Datum::Int64(style.zone.to_local(value.as_i64()?)),
        (Timestamp | Timestamptz, Time | Timetz) if datetime::is_infinite(value.as_i64()?) => {
            Datum::Null
        }
        (Timestamptz, Timetz) => {
            let utc = value.as_i64()?;
            let time_us = style.zone.to_local(utc).rem_euclid(DAY_US);
            Datum::Bytes(TimeTz { time_us, east_s: style.zone.offset_at_utc(utc) }.encode())
        }
        // With the offset that the session's clock has at that time today.
        (Time, Timetz) => {
            let time_us = value.as_i64()?;
            let today = style.zone.to_local(style.now).div_euclid(DAY_US) * DAY_US;
            let east_s = style.zone.offset_at_local(today + time_us);
            Datum::Bytes(TimeTz { time_us, east_s }.encode())
        }
        (Timetz, Time) => Datum::Int64(TimeTz::decode(value.as_bytes()?)?.time_us),
        (Timestamp, Date) => Datum::Int32(datetime::timestamp_to_date(value.as_i64()?)),
        (Timestamptz, Date) => {
            Datum::Int32(datetime::timestamp_to_date(style.zone.to_local(value.as_i64()?)))
        }
        (Timestamp, Time) => Datum::Int64(value.as_i64()?.rem_euclid(DAY_US)),
        (Timestamptz, Time) => {
            Datum::Int64(style.zone.to_local(value.as_i64()?).rem_euclid(DAY_US))
        }
        (Time, Interval) => {
            let microseconds = value.as_i64()?;
            let interval = crate::types::interval::Interval { microseconds, ..Default::default() };
            Datum::Bytes(interval.encode())
        }
        (Interval, Time) => {
            let interval = interval(value)?;
            Datum::Int64(interval.microseconds.rem_euclid(DAY_US))
        }
        (_, to) if to.is_string() => {
            let text = io::to_text(from, value, style)?;
            if to == Name { io::from_text(Name, &text, style)? } else { Datum::Text(text) }
        }
        (from, to) if from.is_string() => io::from_text(to, value.as_str()?, style)?,
        _ => return Err(Error::internal(format!("no conversion from {from:?} to {to:?}"))),
    })
}

/// Whether values are whole numbers, those of objects among them.
fn is_whole(kind: Type) -> bool {
    matches!(kind, Type::Int2 | Type::Int4 | Type::Int8 | Type::Oid) || kind.is_reg()
}

fn interval(value: &Datum) -> Result<Interval> {
    Interval::decode(value.as_bytes()?)
}

fn to_utc(local: i64, style: &Style) -> Result<Datum> {
    Ok(Datum::Int64(datetime::checked_timestamp(style.zone.to_utc(local))?))
}

fn float(to: Type, value: f64, text: impl Fn() -> String) -> Result<Datum> {
    let narrowed = if to == Type::Float4 { f64::from(value as f32) } else { value };
    // Too small is out of range as well: the caller passes what it lost as infinite.
    if narrowed.is_infinite() && !text().contains("Inf") {
        return Err(Error::new(
            SqlState::NumericValueOutOfRange,
            format!("\"{}\" is out of range for type {}", text(), to.name()),
        ));
    }
    Ok(match to {
        Type::Float4 => Datum::Float32(value as f32),
        _ => Datum::Float64(value),
    })
}
