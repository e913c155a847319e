//! Type names.

use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CharacterLength, DataType, ExactNumberInfo, TimezoneInfo,
};

use crate::error::{Error, Result, SqlState};
use crate::system::names::Names;
use crate::types::interval::range::Range;
use crate::types::{Type, TypeMod};

const MAX_VARCHAR_LENGTH: u64 = 10_485_760;
const MAX_NUMERIC_PRECISION: u64 = 1000;

fn string(kind: Type, name: &str, length: &Option<CharacterLength>) -> Result<TypeMod> {
    let length = match length {
        None if kind == Type::Bpchar => 1,
        None => return Ok(TypeMod::plain(kind)),
        Some(CharacterLength::IntegerLength { length, .. }) => *length,
        Some(CharacterLength::Max) => return Err(Error::unsupported("length MAX")),
    };
    let state = SqlState::InvalidParameterValue;
    match length {
        0 => Err(Error::new(state, format!("length for type {name} must be at least 1"))),
        length if length > MAX_VARCHAR_LENGTH => Err(Error::new(
            state,
            format!("length for type {name} cannot exceed {MAX_VARCHAR_LENGTH}"),
        )),
        length => Ok(TypeMod::with_length(kind, length as u32)),
    }
}

fn numeric(info: &ExactNumberInfo) -> Result<TypeMod> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => return Ok(TypeMod::plain(Type::Numeric)),
        ExactNumberInfo::Precision(precision) => (*precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (*precision, *scale),
    };
    let state = SqlState::InvalidParameterValue;
    if !(1..=MAX_NUMERIC_PRECISION).contains(&precision) {
        return Err(Error::new(
            state,
            format!("NUMERIC precision {precision} must be between 1 and {MAX_NUMERIC_PRECISION}"),
        ));
    }
    match u32::try_from(scale) {
        Ok(scale) if u64::from(scale) <= precision => Ok(TypeMod::numeric(precision as u32, scale)),
        _ => Err(Error::unsupported(format!("NUMERIC scale {scale} with precision {precision}"))),
    }
}

fn with_precision(kind: Type, precision: &Option<u64>) -> TypeMod {
    TypeMod { kind, typmod: precision.map_or(-1, |p| p.min(6) as i32) }
}

/// `interval` with fields such as `DAY TO SECOND`, and the digits of a second.
pub fn interval(fields: Option<&str>, precision: Option<u64>) -> Result<TypeMod> {
    let kind = Type::Interval;
    let range = match fields {
        None => Range::FULL,
        Some(fields) => {
            let fields = fields.to_lowercase();
            let (first, last) = match fields.split_once(" to ") {
                Some((first, last)) => (first, Some(last)),
                None => (fields.as_str(), None),
            };
            Range::named(first, last).ok_or_else(|| {
                let message = format!("syntax error at or near \"{}\"", last.unwrap_or(first));
                Error::new(SqlState::SyntaxError, message)
            })?
        }
    };
    if range == Range::FULL && precision.is_none() {
        return Ok(TypeMod::plain(kind));
    }
    Ok(TypeMod { kind, typmod: range.typmod(precision.map(|digits| digits.min(6) as u32)) })
}

/// The type that a name in SQL means; a user's is looked up in `names`.
pub fn type_of(data_type: &DataType, names: &Names) -> Result<TypeMod> {
    type_in(data_type, Some(names))
}

/// The built-in type that a name in SQL means.
pub fn built_in(data_type: &DataType) -> Result<TypeMod> {
    type_in(data_type, None)
}

fn type_in(data_type: &DataType, names: Option<&Names>) -> Result<TypeMod> {
    let plain = |kind| Ok(TypeMod::plain(kind));
    match data_type {
        DataType::Bool | DataType::Boolean => plain(Type::Bool),
        DataType::SmallInt(None) | DataType::Int2(None) => plain(Type::Int2),
        DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => plain(Type::Int4),
        DataType::BigInt(None) | DataType::Int8(None) => plain(Type::Int8),
        DataType::Real | DataType::Float4 => plain(Type::Float4),
        DataType::DoublePrecision | DataType::Float8 | DataType::Double(ExactNumberInfo::None) => {
            plain(Type::Float8)
        }
        DataType::Float(ExactNumberInfo::None) => plain(Type::Float8),
        DataType::Float(ExactNumberInfo::Precision(p)) if *p <= 24 => plain(Type::Float4),
        DataType::Float(_) => plain(Type::Float8),
        DataType::Numeric(info) | DataType::Decimal(info) | DataType::Dec(info) => numeric(info),
        DataType::Text => plain(Type::Text),
        DataType::Varchar(length)
        | DataType::CharacterVarying(length)
        | DataType::CharVarying(length) => string(Type::Varchar, "varchar", length),
        DataType::Char(length) | DataType::Character(length) => {
            string(Type::Bpchar, "char", length)
        }
        DataType::Bytea => plain(Type::Bytea),
        DataType::Date => plain(Type::Date),
        DataType::Time(precision, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
            Ok(with_precision(Type::Time, precision))
        }
        DataType::Time(precision, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => {
            Ok(with_precision(Type::Timetz, precision))
        }
        DataType::Timestamp(precision, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
            Ok(with_precision(Type::Timestamp, precision))
        }
        DataType::Timestamp(precision, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => {
            Ok(with_precision(Type::Timestamptz, precision))
        }
        DataType::Interval { fields, precision } => {
            interval(fields.as_ref().map(ToString::to_string).as_deref(), *precision)
        }
        DataType::Uuid => plain(Type::Uuid),
        DataType::Regclass => plain(Type::Regclass),
        DataType::JSON => plain(Type::Json),
        DataType::JSONB => plain(Type::Jsonb),
        DataType::Custom(name, modifiers) => {
            let parts = super::name_parts(name);
            let users = |schema: Option<&str>, name: &str| {
                names.and_then(|names| names.users_type(schema, name)).map(TypeMod::plain)
            };
            let last = match parts.as_slice() {
                [name] => name,
                [schema, name] if schema == "pg_catalog" => name,
                [schema, bare] => {
                    if let Some(names) = names {
                        names.check_schema_exists(schema)?;
                    }
                    let found = users(Some(schema), bare);
                    return found.ok_or_else(|| unknown_type(&parts.join(".")));
                }
                _ => return Err(unknown_type(&parts.join("."))),
            };
            // Without quotes it would be the type of SQL, which is none of these.
            let named = if last == "char" { Some(Type::Char) } else { Type::from_name(last) };
            let kind = named.filter(|kind| *kind != Type::Unknown);
            if let Some(kind) = kind.filter(|kind| kind.is_polymorphic()) {
                return Err(Error::unsupported(format!("type {}", kind.name())));
            }
            match (kind, modifiers.as_slice()) {
                (Some(kind), []) => plain(kind),
                (
                    Some(kind @ (Type::Time | Type::Timetz | Type::Timestamp | Type::Timestamptz)),
                    [precision],
                ) => {
                    let precision = precision.parse().map_err(|_| unknown_type(last))?;
                    Ok(with_precision(kind, &Some(precision)))
                }
                (Some(kind @ (Type::Bpchar | Type::Varchar)), [length]) => {
                    let length = length.parse().map_err(|_| unknown_type(last))?;
                    Ok(TypeMod::with_length(kind, length))
                }
                (None, []) => users(None, last).ok_or_else(|| unknown_type(last)),
                _ => Err(unknown_type(last)),
            }
        }
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => array_of(element, names),
        DataType::Int16 => plain(Type::Int2),
        DataType::SmallInt(Some(_))
        | DataType::Int2(Some(_))
        | DataType::Int(Some(_))
        | DataType::Integer(Some(_))
        | DataType::Int4(Some(_))
        | DataType::BigInt(Some(_))
        | DataType::Int8(Some(_)) => {
            Err(Error::new(SqlState::SyntaxError, "syntax error at or near \"(\""))
        }
        other => Err(Error::unsupported(format!("type {other}"))),
    }
}

/// Arrays of such elements. How many dimensions they have, and of which lengths, may be written and
/// means nothing.
fn array_of(mut element: &DataType, names: Option<&Names>) -> Result<TypeMod> {
    while let DataType::Array(ArrayElemTypeDef::SquareBracket(inner, _)) = element {
        element = inner;
    }
    let unknown = || unknown_type(&format!("{}[]", element.to_string().to_lowercase()));
    let element = type_in(element, names).map_err(|error| match error {
        Error::Report(report) if report.state == SqlState::UndefinedObject => unknown(),
        other => other,
    })?;
    match element.kind.array() {
        Some(kind) => Ok(TypeMod { kind, ..element }),
        None => Err(unknown()),
    }
}

fn unknown_type(name: &str) -> Error {
    Error::new(SqlState::UndefinedObject, format!("type \"{name}\" does not exist"))
}
