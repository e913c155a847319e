//! Values of composite types: text and binary input and output.
//!
//! They are [`record`]s whose head says only which kinds of types their fields have, so that they can be
//! stored; what exactly these are, the type says. Dropped fields have a place, and are NULL.

use super::io::{self, Style};
use super::record::{self, Fields};
use super::user::Attribute;
use super::{Datum, Type, UserType};
use crate::codec;
use crate::error::{Error, Result, SqlState};

/// What the values of a composite type begin with.
pub fn head(user: UserType) -> Vec<u8> {
    let kinds: Vec<Type> = user
        .attributes()
        .iter()
        .map(|attribute| match attribute.dropped {
            true => Type::Void,
            false => attribute.ty.kind.erased(),
        })
        .collect();
    record::head(&kinds)
}

/// A value of these fields, of which those that were dropped are left out.
pub fn make(user: UserType, values: Vec<Datum>) -> Datum {
    let mut values = values.into_iter();
    let all = user.attributes().iter().map(|attribute| match attribute.dropped {
        true => Datum::Null,
        false => values.next().unwrap_or_default(),
    });
    record::make(&head(user), &all.collect::<Vec<_>>())
}

/// The fields of a type that names find.
pub fn visible(user: UserType) -> impl Iterator<Item = &'static Attribute> {
    user.attributes().iter().filter(|attribute| !attribute.dropped)
}

/// The fields of a value with their types. Those that it lacks, as they were added later, are NULL.
///
/// # Errors
/// If the bytes are unreadable.
pub fn fields(
    user: UserType,
    bytes: &[u8],
) -> Result<impl Iterator<Item = Result<(&'static Attribute, Datum)>>> {
    let mut values = Fields::new(bytes)?;
    let all = user.attributes().iter().map(move |attribute| {
        let value = values.next().transpose()?.map(|(_, value)| value);
        Ok((attribute, value.unwrap_or_default()))
    });
    Ok(all.filter(|field| field.as_ref().is_ok_and(|(a, _)| !a.dropped) || field.is_err()))
}

/// The form that equal values share: also of those that lack fields, or have dropped ones.
pub fn ordered(user: UserType, bytes: &[u8]) -> Vec<u8> {
    if record::is_ordered(bytes) {
        return bytes.to_vec();
    }
    let encode = || -> Result<Vec<u8>> {
        let mut out = record::ordered_head();
        for field in fields(user, bytes)? {
            let (attribute, value) = field?;
            codec::encode_key(attribute.ty.kind.base(), &value, &mut out);
        }
        Ok(out)
    };
    encode().unwrap_or_else(|_| bytes.to_vec())
}

fn typed(user: UserType, bytes: &[u8]) -> Result<impl Iterator<Item = Result<(Type, Datum)>>> {
    Ok(fields(user, bytes)?.map(|field| field.map(|(attribute, value)| (attribute.ty.kind, value))))
}

/// Appends the text form.
///
/// # Errors
/// If the bytes are unreadable.
pub fn write_text(user: UserType, bytes: &[u8], style: &Style, out: &mut String) -> Result<()> {
    record::write_fields(typed(user, bytes)?, style, out)
}

/// Appends the binary form.
///
/// # Errors
/// If the bytes are unreadable.
pub fn write_binary(user: UserType, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    record::write_binary_fields(visible(user).count(), typed(user, bytes)?, out)
}

/// Reads the text form.
///
/// # Errors
/// If it is malformed, or a field is.
pub fn from_text(user: UserType, text: &str, style: &Style) -> Result<Datum> {
    let malformed = |detail: &str| {
        Error::new(
            SqlState::InvalidTextRepresentation,
            format!("malformed record literal: \"{text}\""),
        )
        .detail(detail)
    };
    let is_space = |c: char| c.is_ascii_whitespace() || c == '\x0b';
    let Some(body) = text.trim_start_matches(is_space).strip_prefix('(') else {
        return Err(malformed("Missing left parenthesis."));
    };
    let mut chars = body.chars().peekable();
    let mut values = Vec::new();
    let mut needs_comma = false;
    for attribute in visible(user) {
        if needs_comma && chars.next_if_eq(&',').is_none() {
            return Err(malformed("Too few columns."));
        }
        needs_comma = true;
        if matches!(chars.peek(), Some(',' | ')')) {
            values.push(Datum::Null);
            continue;
        }
        let mut field = String::new();
        let mut in_quotes = false;
        while in_quotes || !matches!(chars.peek(), Some(',' | ')')) {
            let next = chars.next().ok_or_else(|| malformed("Unexpected end of input."))?;
            match next {
                '\\' => {
                    let escaped = chars.next();
                    field.push(escaped.ok_or_else(|| malformed("Unexpected end of input."))?);
                }
                '"' if !in_quotes => in_quotes = true,
                '"' if chars.next_if_eq(&'"').is_some() => field.push('"'),
                '"' => in_quotes = false,
                c => field.push(c),
            }
        }
        let value = io::from_text(attribute.ty.kind, &field, style)?;
        values.push(io::apply_typmod(attribute.ty, value, false)?);
    }
    if values.is_empty() {
        while chars.next_if(|c| is_space(*c)).is_some() {}
    }
    match chars.next() {
        Some(')') => {}
        _ => return Err(malformed("Too many columns.")),
    }
    match chars.all(is_space) {
        true => Ok(make(user, values)),
        false => Err(malformed("Junk after right parenthesis.")),
    }
}

/// Reads the binary form.
///
/// # Errors
/// If it is malformed, or a field is.
pub fn from_binary(user: UserType, bytes: &[u8]) -> Result<Datum> {
    let mut rest = bytes;
    let int = |rest: &mut &[u8]| -> Result<i32> {
        let (head, tail) = rest.split_first_chunk::<4>().ok_or_else(|| {
            Error::new(SqlState::ProtocolViolation, "insufficient data left in message")
        })?;
        *rest = tail;
        Ok(i32::from_be_bytes(*head))
    };
    let (count, expected) = (int(&mut rest)?, visible(user).count());
    if usize::try_from(count) != Ok(expected) {
        return Err(Error::new(
            SqlState::DatatypeMismatch,
            format!("wrong number of columns: {count}, expected {expected}"),
        ));
    }
    let mut values = Vec::with_capacity(expected);
    for (number, attribute) in visible(user).enumerate() {
        let (oid, kind) = (int(&mut rest)? as u32, attribute.ty.kind);
        if oid != kind.oid() {
            let found = Type::from_oid(oid).map_or("???", Type::name);
            return Err(Error::new(
                SqlState::DatatypeMismatch,
                format!(
                    "binary data has type {oid} ({found}) instead of expected {} ({}) in record column {}",
                    kind.oid(),
                    kind.name(),
                    number + 1
                ),
            ));
        }
        let length = int(&mut rest)?;
        if length == -1 {
            values.push(Datum::Null);
            continue;
        }
        let length = usize::try_from(length).ok();
        let field = length.and_then(|length| rest.split_at_checked(length));
        let (field, behind) = field.ok_or_else(|| {
            Error::new(SqlState::InvalidBinaryRepresentation, "insufficient data left in message")
        })?;
        rest = behind;
        let value = io::from_binary(kind, field)?;
        values.push(io::apply_typmod(attribute.ty, value, false)?);
    }
    match rest.is_empty() {
        true => Ok(make(user, values)),
        false => Err(Error::new(
            SqlState::InvalidBinaryRepresentation,
            "incorrect binary data format in bind parameter",
        )),
    }
}
