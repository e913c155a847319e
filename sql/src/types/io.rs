//! Text and binary forms of every type, as PostgreSQL's input, output, receive and send
//! functions have them.

use super::datetime::{self, Zone};
use super::datetime::{DateStyle, IntervalStyle, Surroundings, TimeTz, output, style};
use super::interval::range::Range;
use super::interval::{self, Interval, Malformed};
use super::{Datum, Numeric, Type, TypeMod, array, composite, json, jsonpath, record};
use crate::error::{Error, Result, SqlState};
use crate::system::names::{self, Names};

/// Settings that input and output of values depend on.
#[derive(Clone, Debug, PartialEq)]
pub struct Style {
    /// TimeZone.
    pub zone: Zone,
    /// The transaction's start, for inputs such as `now`.
    pub now: i64,
    /// extra_float_digits.
    pub extra_float_digits: i32,
    /// bytea_output = escape.
    pub bytea_escape: bool,
    /// DateStyle.
    pub dates: DateStyle,
    /// IntervalStyle.
    pub intervals: IntervalStyle,
    /// What `regclass` looks names up in, where that is called for.
    pub names: Option<Names>,
}

impl Default for Style {
    fn default() -> Self {
        Style {
            zone: Zone::UTC,
            now: 0,
            extra_float_digits: 1,
            bytea_escape: false,
            dates: DateStyle::default(),
            intervals: IntervalStyle::default(),
            names: None,
        }
    }
}

/// Where a [`Style::packed`] has bytea_output.
const BYTEA_ESCAPE: i32 = 1 << 6;
/// Where it has extra_float_digits, which may be negative.
const FLOAT_DIGITS_SHIFT: i32 = 8;

impl Style {
    /// All that the text of a value depends on but for the zone and names, in one number, as plans are
    /// given it.
    pub fn packed(&self) -> i32 {
        let escape = if self.bytea_escape { BYTEA_ESCAPE } else { 0 };
        style::pack(self.dates, self.intervals)
            | escape
            | self.extra_float_digits << FLOAT_DIGITS_SHIFT
    }

    /// Takes over what [`Style::packed`] has put together.
    pub fn unpack(&mut self, packed: i32) {
        (self.dates, self.intervals) = style::unpack(packed);
        self.bytea_escape = packed & BYTEA_ESCAPE != 0;
        self.extra_float_digits = packed >> FLOAT_DIGITS_SHIFT;
    }

    /// What the input of dates and times depends on.
    pub fn surroundings(&self) -> Surroundings {
        Surroundings { zone: self.zone, now: self.now, order: self.dates.order }
    }
}

/// Reads an interval; a modifier says what a number without unit counts.
///
/// # Errors
/// If it is none.
pub fn parse_interval(text: &str, typmod: i32, style: &Style) -> Result<Interval> {
    let parsed = interval::parse(text, Range::of_typmod(typmod), style.intervals);
    parsed.map_err(|malformed| match malformed {
        Malformed::Field => Error::new(
            SqlState::IntervalFieldOverflow,
            format!("interval field value out of range: \"{text}\""),
        ),
        Malformed::Range => Error::new(SqlState::DatetimeFieldOverflow, "interval out of range"),
        Malformed::Syntax => Error::new(
            SqlState::InvalidDatetimeFormat,
            format!("invalid input syntax for type interval: \"{text}\""),
        ),
    })
}

fn invalid(kind: Type, text: &str) -> Error {
    let name = match kind {
        Type::Time => "time",
        other => other.name(),
    };
    Error::new(
        SqlState::InvalidTextRepresentation,
        format!("invalid input syntax for type {name}: \"{text}\""),
    )
}

fn out_of_range(kind: Type, text: &str) -> Error {
    Error::new(
        SqlState::NumericValueOutOfRange,
        format!("value \"{text}\" is out of range for type {}", kind.name()),
    )
}

fn parse_integer(kind: Type, text: &str, min: i64, max: i64) -> Result<i64> {
    let body = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let digits = body.strip_prefix(['-', '+']).unwrap_or(body);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(invalid(kind, text));
    }
    let value = body.strip_prefix('+').unwrap_or(body).parse::<i64>().ok();
    value.filter(|v| (min..=max).contains(v)).ok_or_else(|| out_of_range(kind, text))
}

fn parse_float(kind: Type, text: &str) -> Result<f64> {
    let body = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let lower = body.to_ascii_lowercase();
    match lower.as_str() {
        "nan" => return Ok(f64::NAN),
        "infinity" | "+infinity" | "inf" | "+inf" => return Ok(f64::INFINITY),
        "-infinity" | "-inf" => return Ok(f64::NEG_INFINITY),
        _ => {}
    }
    if !lower.bytes().all(|b| b.is_ascii_digit() || b"+-.e".contains(&b)) {
        return Err(invalid(kind, text));
    }
    let value: f64 = lower.parse().map_err(|_| invalid(kind, text))?;
    let is_zero_text = !lower.split('e').next().unwrap_or("").bytes().any(|b| b > b'0');
    let narrowed = if kind == Type::Float4 { f64::from(value as f32) } else { value };
    if narrowed.is_infinite() || (narrowed == 0.0 && !is_zero_text) {
        return Err(Error::new(
            SqlState::NumericValueOutOfRange,
            format!("\"{body}\" is out of range for type {}", kind.name()),
        ));
    }
    Ok(value)
}

/// A boolean by one of its words.
pub fn parse_bool(text: &str) -> Option<bool> {
    let word = text.trim_matches(|c: char| c.is_ascii_whitespace()).to_ascii_lowercase();
    let starts = |full: &str, least: usize| word.len() >= least && full.starts_with(&word);
    if starts("true", 1) || starts("yes", 1) || word == "on" || word == "1" {
        Some(true)
    } else if starts("false", 1) || starts("no", 1) || starts("off", 2) || word == "0" {
        Some(false)
    } else {
        None
    }
}

/// Reads `bytea` in hex or escape format.
pub fn parse_bytea(text: &str) -> Result<Vec<u8>> {
    let invalid_data = |message: String| Error::new(SqlState::InvalidParameterValue, message);
    if let Some(hex) = text.strip_prefix("\\x") {
        let mut out = Vec::with_capacity(hex.len() / 2);
        let mut high = None;
        for c in hex.chars().filter(|c| !c.is_ascii_whitespace()) {
            let digit = c
                .to_digit(16)
                .ok_or_else(|| invalid_data(format!("invalid hexadecimal digit: \"{c}\"")))?;
            match high.take() {
                None => high = Some(digit),
                Some(high) => out.push((high * 16 + digit) as u8),
            }
        }
        return match high {
            Some(_) => Err(invalid_data("invalid hexadecimal data: odd number of digits".into())),
            None => Ok(out),
        };
    }
    let bad =
        || Error::new(SqlState::InvalidTextRepresentation, "invalid input syntax for type bytea");
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        if *byte != b'\\' {
            out.push(*byte);
        } else if let Some((b'\\', tail)) = rest.split_first() {
            out.push(b'\\');
            rest = tail;
        } else {
            let (digits, tail) = rest.split_first_chunk::<3>().ok_or_else(bad)?;
            if !digits.iter().all(|d| (b'0'..=b'7').contains(d)) || digits[0] > b'3' {
                return Err(bad());
            }
            out.push(digits.iter().fold(0u8, |sum, d| (sum << 3) | (d - b'0')));
            rest = tail;
        }
    }
    Ok(out)
}

fn parse_uuid(text: &str) -> Result<Vec<u8>> {
    let body = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text);
    let hex: String = body.chars().filter(|c| *c != '-').collect();
    let dashes_fit = body.split('-').all(|group| group.len() % 4 == 0 && !group.is_empty());
    let value = u128::from_str_radix(&hex, 16).ok().filter(|_| hex.len() == 32 && dashes_fit);
    value.map(|v| v.to_be_bytes().to_vec()).ok_or_else(|| invalid(Type::Uuid, text))
}

/// Reads the text form of a type.
pub fn from_text(kind: Type, text: &str, style: &Style) -> Result<Datum> {
    Ok(match kind {
        Type::Domain(_) => return from_text(kind.base(), text, style),
        Type::Bool => Datum::Bool(parse_bool(text).ok_or_else(|| invalid(kind, text))?),
        Type::Int2 => {
            let value = parse_integer(kind, text, i64::from(i16::MIN), i64::from(i16::MAX))?;
            Datum::Int16(value as i16)
        }
        Type::Int4 => {
            let value = parse_integer(kind, text, i64::from(i32::MIN), i64::from(i32::MAX))?;
            Datum::Int32(value as i32)
        }
        Type::Int8 => Datum::Int64(parse_integer(kind, text, i64::MIN, i64::MAX)?),
        // A negative one wraps, as in PostgreSQL.
        Type::Oid => {
            let least = i64::from(i32::MIN);
            let value = parse_integer(kind, text, least, i64::from(u32::MAX))?;
            Datum::Int64(i64::from(value as u32))
        }
        kind if kind.is_reg() => match &style.names {
            Some(names) => names.parse(kind, text)?,
            None => names::parse_static(kind, text)?,
        },
        Type::Xid => Datum::Int64(parse_integer(kind, text, 0, i64::from(u32::MAX))?),
        // One byte; of more, the first.
        Type::Char => Datum::Text(text.chars().take(1).collect()),
        Type::Int2Vector | Type::OidVector => vector_from_text(kind, text, style)?,
        Type::Float4 => Datum::Float32(parse_float(kind, text)? as f32),
        Type::Float8 => Datum::Float64(parse_float(kind, text)?),
        Type::Numeric => {
            let trimmed = text.trim_matches(|c: char| c.is_ascii_whitespace());
            let value = Numeric::parse(trimmed).ok_or_else(|| match Numeric::is_huge(trimmed) {
                true => super::numeric::overflow(),
                false => invalid(kind, text),
            })?;
            Datum::Bytes(value.checked_input()?.encode())
        }
        Type::Text
        | Type::Varchar
        | Type::Bpchar
        | Type::AclItem
        | Type::NodeTree
        | Type::Unknown
        | Type::Void => Datum::Text(text.to_owned()),
        Type::Name => Datum::Text(truncate_name(text).to_owned()),
        Type::Bytea => Datum::Bytes(parse_bytea(text)?),
        Type::Date => Datum::Int32(datetime::parse_date(text, &style.surroundings())?),
        Type::Time => Datum::Int64(datetime::parse_time_of_day(text, &style.surroundings())?),
        Type::Timetz => Datum::Bytes(datetime::parse_timetz(text, &style.surroundings())?.encode()),
        Type::Timestamp => {
            Datum::Int64(datetime::parse_timestamp(text, false, &style.surroundings())?)
        }
        Type::Timestamptz => {
            Datum::Int64(datetime::parse_timestamp(text, true, &style.surroundings())?)
        }
        Type::Interval => Datum::Bytes(parse_interval(text, -1, style)?.encode()),
        Type::Uuid => Datum::Bytes(parse_uuid(text)?),
        Type::Json => {
            json::check(text)?;
            Datum::Text(text.to_owned())
        }
        Type::Jsonb => json::Json::parse(text)?.to_datum()?,
        Type::Jsonpath => Datum::Text(jsonpath::parse(text)?.to_string()),
        Type::Record => return Err(no_records()),
        Type::Enum(user) => user.value(text)?,
        Type::Composite(user) => composite::from_text(user, text, style)?,
        kind => match kind.element() {
            Some(element) => array::from_text(element, text, style)?.to_datum(),
            None => return Err(no_values(kind)),
        },
    })
}

/// Numbers with blanks between them: an array that counts from 0.
fn vector_from_text(kind: Type, text: &str, style: &Style) -> Result<Datum> {
    let element = kind.element().unwrap_or(Type::Int2);
    let items = text.split_whitespace().map(|item| from_text(element, item, style));
    let mut vector = array::Array::of(element, items.collect::<Result<_>>()?)?;
    for dimension in &mut vector.dimensions {
        dimension.lower = 0;
    }
    Ok(vector.to_datum())
}

fn write_vector(bytes: &[u8], style: &Style, out: &mut String) -> Result<()> {
    let reader = array::Reader::new(bytes)?;
    let element = reader.element;
    for (position, item) in reader.enumerate() {
        if position > 0 {
            out.push(' ');
        }
        write_text(element, &item?, style, out)?;
    }
    Ok(())
}

fn no_records() -> Error {
    let message = "input of anonymous composite types is not implemented";
    Error::new(SqlState::FeatureNotSupported, message)
}

fn no_values(kind: Type) -> Error {
    Error::new(
        SqlState::FeatureNotSupported,
        format!("cannot accept a value of type {}", kind.name()),
    )
}

/// A `name` keeps 63 bytes.
fn truncate_name(text: &str) -> &str {
    let mut end = text.len().min(63);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Shortest form that reads back the same, in C's notation.
pub fn format_float(value: f64, digits: &str, exponent_limit: i32) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    // `digits` is in the form d.ddde±x.
    let Some((mantissa, exponent)) = digits.split_once('e') else { return digits.to_owned() };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..exponent_limit).contains(&exponent) || value == 0.0 {
        return positional(mantissa, exponent);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

fn positional(mantissa: &str, exponent: i32) -> String {
    let (sign, body) = match mantissa.strip_prefix('-') {
        Some(body) => ("-", body),
        None => ("", mantissa),
    };
    let digits: String = body.chars().filter(char::is_ascii_digit).collect();
    if exponent < 0 {
        let zeros = "0".repeat((-exponent - 1) as usize);
        return format!("{sign}0.{zeros}{digits}");
    }
    let point = exponent as usize + 1;
    if digits.len() <= point {
        return format!("{sign}{digits}{}", "0".repeat(point - digits.len()));
    }
    let (whole, fraction) = digits.split_at(point);
    format!("{sign}{whole}.{fraction}")
}

fn float8_text(value: f64, style: &Style) -> String {
    if style.extra_float_digits > 0 {
        return format_float(value, &format!("{value:e}"), 15);
    }
    let digits = (15 + style.extra_float_digits).max(1) as usize;
    let rounded = trim_mantissa(&format!("{value:.*e}", digits - 1));
    format_float(value, &rounded, digits as i32)
}

fn float4_text(value: f32, style: &Style) -> String {
    let wide = f64::from(value);
    if style.extra_float_digits > 0 {
        return format_float(wide, &format!("{value:e}"), 6);
    }
    let digits = (6 + style.extra_float_digits).max(1) as usize;
    let rounded = trim_mantissa(&format!("{value:.*e}", digits - 1));
    format_float(wide, &rounded, digits as i32)
}

fn trim_mantissa(text: &str) -> String {
    match text.split_once('e') {
        Some((mantissa, exponent)) if mantissa.contains('.') => {
            let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
            format!("{mantissa}e{exponent}")
        }
        _ => text.to_owned(),
    }
}

/// The text form of a non-NULL value.
pub fn to_text(kind: Type, datum: &Datum, style: &Style) -> Result<String> {
    let mut out = String::new();
    write_text(kind, datum, style, &mut out)?;
    Ok(out)
}

/// Appends the text form of a non-NULL value.
pub fn write_text(kind: Type, datum: &Datum, style: &Style, out: &mut String) -> Result<()> {
    use std::fmt::Write as _;
    match (kind, datum) {
        (Type::Domain(_), _) => write_text(kind.base(), datum, style, out)?,
        (_, Datum::Bool(v)) => out.push(if *v { 't' } else { 'f' }),
        (Type::Date, Datum::Int32(v)) => output::write_date(*v, style.dates, out),
        (Type::Time, Datum::Int64(v)) => output::write_time(*v, out),
        (Type::Timestamp, Datum::Int64(v)) => {
            output::write_timestamp(*v, None, style.dates, out);
        }
        (Type::Timestamptz, Datum::Int64(v)) => {
            output::write_timestamp(*v, Some(style.zone), style.dates, out);
        }
        (Type::Timetz, Datum::Bytes(v)) => output::write_timetz(TimeTz::decode(v)?, out),
        (kind, Datum::Int64(v)) if kind.is_reg() => {
            let oid = *v as u32;
            match &style.names {
                Some(names) => out.push_str(&names.format(kind, oid)),
                None => match names::format_static(kind, oid) {
                    Some(name) => out.push_str(&name),
                    None => drop(write!(out, "{v}")),
                },
            }
        }
        (Type::Int2Vector | Type::OidVector, Datum::Bytes(v)) => write_vector(v, style, out)?,
        (_, Datum::Int16(v)) => drop(write!(out, "{v}")),
        (_, Datum::Int32(v)) => drop(write!(out, "{v}")),
        (_, Datum::Int64(v)) => drop(write!(out, "{v}")),
        (_, Datum::Float32(v)) => out.push_str(&float4_text(*v, style)),
        (_, Datum::Float64(v)) => out.push_str(&float8_text(*v, style)),
        (_, Datum::Text(v)) => out.push_str(v),
        (Type::Enum(user), Datum::Bytes(v)) => out.push_str(user.label(v)?),
        (Type::AnyEnum, _) => return Err(Error::unsupported("the text of such a value here")),
        (Type::UserArray(user), Datum::Bytes(v)) => {
            array::write_text(Some(user.kind()), v, style, out)?;
        }
        (kind, Datum::Bytes(v)) if kind.is_array() => array::write_text(None, v, style, out)?,
        (Type::Record, Datum::Bytes(v)) => record::write_text(v, style, out)?,
        (Type::Composite(user), Datum::Bytes(v)) => composite::write_text(user, v, style, out)?,
        (Type::Numeric, Datum::Bytes(v)) => drop(write!(out, "{}", Numeric::decode(v)?)),
        (Type::Interval, Datum::Bytes(v)) => {
            interval::output::write(&Interval::decode(v)?, style.intervals, out);
        }
        (Type::Jsonb, Datum::Bytes(v)) => json::write_text(v, out)?,
        (Type::Uuid, Datum::Bytes(v)) => {
            for (i, byte) in v.iter().enumerate() {
                if matches!(i, 4 | 6 | 8 | 10) {
                    out.push('-');
                }
                let _ = write!(out, "{byte:02x}");
            }
        }
        (_, Datum::Bytes(v)) if style.bytea_escape => {
            for byte in v {
                match byte {
                    b'\\' => out.push_str("\\\\"),
                    0x20..=0x7e => out.push(char::from(*byte)),
                    byte => drop(write!(out, "\\{byte:03o}")),
                }
            }
        }
        (_, Datum::Bytes(v)) => {
            out.push_str("\\x");
            for byte in v {
                let _ = write!(out, "{byte:02x}");
            }
        }
        (_, Datum::Null) => return Err(Error::internal("NULL has no text form")),
    }
    Ok(())
}

/// Appends the binary form of a non-NULL value.
pub fn write_binary(kind: Type, datum: &Datum, out: &mut Vec<u8>) -> Result<()> {
    match (kind, datum) {
        (Type::Domain(_), _) => write_binary(kind.base(), datum, out)?,
        (_, Datum::Bool(v)) => out.push(u8::from(*v)),
        (kind, Datum::Int64(v)) if is_oid(kind) => out.extend((*v as u32).to_be_bytes()),
        (_, Datum::Int16(v)) => out.extend(v.to_be_bytes()),
        (_, Datum::Int32(v)) => out.extend(v.to_be_bytes()),
        (_, Datum::Int64(v)) => out.extend(v.to_be_bytes()),
        (_, Datum::Float32(v)) => out.extend(v.to_be_bytes()),
        (_, Datum::Float64(v)) => out.extend(v.to_be_bytes()),
        (Type::Jsonpath, Datum::Text(v)) => {
            out.push(jsonpath::BINARY_VERSION);
            out.extend(v.as_bytes());
        }
        (_, Datum::Text(v)) => out.extend(v.as_bytes()),
        (Type::Enum(user), Datum::Bytes(v)) => out.extend(user.label(v)?.as_bytes()),
        (Type::UserArray(user), Datum::Bytes(v)) => {
            array::write_binary(Some(user.kind()), v, out)?;
        }
        (kind, Datum::Bytes(v)) if kind.is_array() => array::write_binary(None, v, out)?,
        (Type::Record, Datum::Bytes(v)) => record::write_binary(v, out)?,
        (Type::Composite(user), Datum::Bytes(v)) => composite::write_binary(user, v, out)?,
        (Type::Numeric, Datum::Bytes(v)) => Numeric::decode(v)?.to_binary(out),
        (Type::Interval, Datum::Bytes(v)) => {
            let interval = Interval::decode(v)?;
            out.extend(interval.microseconds.to_be_bytes());
            out.extend(interval.days.to_be_bytes());
            out.extend(interval.months.to_be_bytes());
        }
        (Type::Jsonb, Datum::Bytes(v)) => json::write_binary(v, out)?,
        (Type::Timetz, Datum::Bytes(v)) => TimeTz::decode(v)?.write_binary(out),
        (_, Datum::Bytes(v)) => out.extend(v),
        (_, Datum::Null) => return Err(Error::internal("NULL has no binary form")),
    }
    Ok(())
}

/// Whether values are numbers of objects, which have 32 bits.
fn is_oid(kind: Type) -> bool {
    matches!(kind, Type::Oid | Type::Xid) || kind.is_reg()
}

/// Reads the binary form of a type.
pub fn from_binary(kind: Type, bytes: &[u8]) -> Result<Datum> {
    fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
        if bytes.len() < N {
            let message = "insufficient data left in message";
            return Err(Error::new(SqlState::ProtocolViolation, message));
        }
        bytes.try_into().map_err(|_| {
            Error::new(
                SqlState::InvalidBinaryRepresentation,
                "incorrect binary data format in bind parameter",
            )
        })
    }
    let malformed = || {
        Error::new(
            SqlState::InvalidBinaryRepresentation,
            format!("invalid binary value for type {}", kind.name()),
        )
    };
    Ok(match kind {
        Type::Domain(_) => return from_binary(kind.base(), bytes),
        Type::Bool => Datum::Bool(fixed::<1>(bytes)? != [0]),
        Type::Int2 => Datum::Int16(i16::from_be_bytes(fixed(bytes)?)),
        Type::Int4 => Datum::Int32(i32::from_be_bytes(fixed(bytes)?)),
        Type::Date => Datum::Int32(datetime::checked_date(i32::from_be_bytes(fixed(bytes)?))?),
        kind if is_oid(kind) => Datum::Int64(i64::from(u32::from_be_bytes(fixed(bytes)?))),
        Type::Int8 => Datum::Int64(i64::from_be_bytes(fixed(bytes)?)),
        Type::Timestamp | Type::Timestamptz => {
            Datum::Int64(datetime::checked_timestamp(i64::from_be_bytes(fixed(bytes)?))?)
        }
        Type::Time => {
            let time = i64::from_be_bytes(fixed(bytes)?);
            if !(0..=super::interval::DAY_US).contains(&time) {
                return Err(Error::new(SqlState::DatetimeFieldOverflow, "time out of range"));
            }
            Datum::Int64(time)
        }
        Type::Timetz => Datum::Bytes(TimeTz::from_binary(fixed(bytes)?)?.encode()),
        Type::Float4 => Datum::Float32(f32::from_be_bytes(fixed(bytes)?)),
        Type::Float8 => Datum::Float64(f64::from_be_bytes(fixed(bytes)?)),
        Type::Numeric => {
            // The header counts the digits, two bytes each, that follow its eight bytes.
            let (count, _) = bytes.split_first_chunk::<2>().unwrap_or((&[0, 0], &[]));
            if bytes.len() < 8 + 2 * usize::from(u16::from_be_bytes(*count)) {
                let message = "insufficient data left in message";
                return Err(Error::new(SqlState::ProtocolViolation, message));
            }
            Datum::Bytes(Numeric::from_binary(bytes).ok_or_else(malformed)?.checked()?.encode())
        }
        Type::Text
        | Type::Varchar
        | Type::Bpchar
        | Type::Name
        | Type::Char
        | Type::AclItem
        | Type::NodeTree
        | Type::Unknown
        | Type::Void => Datum::Text(utf8(bytes)?.to_owned()),
        Type::Json => from_text(kind, utf8(bytes)?, &Style::default())?,
        Type::Jsonb => json::from_binary(bytes)?,
        Type::Jsonpath => jsonpath::from_binary(bytes)?,
        Type::Bytea => Datum::Bytes(bytes.to_vec()),
        Type::Record => return Err(no_records()),
        Type::Enum(user) => user.value(utf8(bytes)?)?,
        Type::Composite(user) => composite::from_binary(user, bytes)?,
        Type::Uuid => Datum::Bytes(fixed::<16>(bytes)?.to_vec()),
        Type::Interval => {
            let parts = fixed::<16>(bytes)?;
            let (microseconds, rest) = parts.split_first_chunk::<8>().ok_or_else(malformed)?;
            let (days, months) = rest.split_first_chunk::<4>().ok_or_else(malformed)?;
            let interval = Interval {
                months: i32::from_be_bytes(months.try_into().map_err(|_| malformed())?),
                days: i32::from_be_bytes(*days),
                microseconds: i64::from_be_bytes(*microseconds),
            };
            Datum::Bytes(interval.encode())
        }
        kind => match kind.element() {
            Some(element) => array::from_binary(element, bytes)?.to_datum(),
            None => return Err(no_values(kind)),
        },
    })
}

/// Text from a client: UTF-8 without zero bytes.
pub fn utf8(bytes: &[u8]) -> Result<&str> {
    let bad = |byte: u8| {
        Error::new(
            SqlState::CharacterNotInRepertoire,
            format!("invalid byte sequence for encoding \"UTF8\": 0x{byte:02x}"),
        )
    };
    let text = std::str::from_utf8(bytes)
        .map_err(|error| bad(bytes.get(error.valid_up_to()).copied().unwrap_or(0)))?;
    if text.contains('\0') { Err(bad(0)) } else { Ok(text) }
}

/// Fits a value into its column's modifier. An explicit cast cuts strings silently; an
/// assignment only cuts blanks.
pub fn apply_typmod(target: TypeMod, datum: Datum, explicit: bool) -> Result<Datum> {
    let target = target.base();
    if target.typmod < 0 {
        return Ok(datum);
    }
    match (target.kind, datum) {
        (Type::Varchar | Type::Bpchar, Datum::Text(mut text)) => {
            let Some(length) = target.length() else { return Ok(Datum::Text(text)) };
            let count = text.chars().count();
            if count <= length {
                if target.kind == Type::Bpchar && count < length {
                    text.push_str(&" ".repeat(length - count));
                }
                return Ok(Datum::Text(text));
            }
            let cut = text.char_indices().nth(length).map_or(text.len(), |(at, _)| at);
            let (kept, rest) = text.split_at(cut);
            if !explicit && !rest.chars().all(|c| c == ' ') {
                return Err(Error::new(
                    SqlState::StringDataRightTruncation,
                    format!("value too long for type {}", target.display()),
                ));
            }
            Ok(Datum::Text(kept.to_owned()))
        }
        (Type::Numeric, Datum::Bytes(bytes)) => {
            let Some((precision, scale)) = target.precision_scale() else {
                return Ok(Datum::Bytes(bytes));
            };
            let value = Numeric::decode(&bytes)?.with_typmod(precision, scale)?;
            Ok(Datum::Bytes(value.encode()))
        }
        (Type::Time | Type::Timestamp | Type::Timestamptz, Datum::Int64(value)) => {
            Ok(Datum::Int64(datetime::round_to_precision(value, target.typmod)))
        }
        (Type::Timetz, Datum::Bytes(bytes)) => {
            let value = TimeTz::decode(&bytes)?;
            let time_us = datetime::round_to_precision(value.time_us, target.typmod);
            Ok(Datum::Bytes(TimeTz { time_us, ..value }.encode()))
        }
        (Type::Interval, Datum::Bytes(bytes)) => {
            let value = interval::range::apply(target.typmod, Interval::decode(&bytes)?);
            Ok(Datum::Bytes(value.encode()))
        }
        (_, datum) => match (target.element(), &datum) {
            (Some(element), Datum::Bytes(_)) => {
                let mut value = array::Array::read(&datum)?;
                for item in &mut value.items {
                    *item = apply_typmod(element, std::mem::take(item), explicit)?;
                }
                Ok(value.to_datum())
            }
            _ => Ok(datum),
        },
    }
}
