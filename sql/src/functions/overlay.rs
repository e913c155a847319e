//! `overlay`, and of bytes what strings also have: searching and trimming.

use super::strings::too_large;
use super::{Function, arg, pure};
use crate::error::{Error, Result, SqlState};
use crate::types::Datum;
use crate::types::Type::{Bytea, Int4, Text};

/// The parts of a string before and behind what is replaced, as counts of characters.
fn cut(args: &[Datum], replacement: usize) -> Result<(usize, usize)> {
    let from = arg(args, 2).as_i32()?;
    let length = match args.get(3) {
        Some(length) => length.as_i32()?,
        None => i32::try_from(replacement).map_err(|_| too_large())?,
    };
    if from <= 0 {
        let message = "negative substring length not allowed";
        return Err(Error::new(SqlState::SubstringError, message));
    }
    let behind = from
        .checked_add(length)
        .ok_or_else(|| Error::new(SqlState::NumericValueOutOfRange, "integer out of range"))?;
    Ok((from as usize - 1, (behind - 1).max(0) as usize))
}

fn overlay_text(args: &[Datum]) -> Result<Datum> {
    let (subject, new) = (arg(args, 0).as_str()?, arg(args, 1).as_str()?);
    let (before, behind) = cut(args, new.chars().count())?;
    let mut result: String = subject.chars().take(before).collect();
    result.push_str(new);
    result.extend(subject.chars().skip(behind));
    Ok(Datum::Text(result))
}

fn overlay_bytes(args: &[Datum]) -> Result<Datum> {
    let (subject, new) = (arg(args, 0).as_bytes()?, arg(args, 1).as_bytes()?);
    let (before, behind) = cut(args, new.len())?;
    let mut result: Vec<u8> = subject.iter().take(before).copied().collect();
    result.extend_from_slice(new);
    result.extend(subject.iter().skip(behind));
    Ok(Datum::Bytes(result))
}

/// `position(args[0] in args[1])`
fn position(args: &[Datum]) -> Result<Datum> {
    let (part, subject) = (arg(args, 0).as_bytes()?, arg(args, 1).as_bytes()?);
    let at = match part.len() {
        0 => Some(0),
        length => subject.windows(length).position(|window| window == part),
    };
    let found = at.map_or(Ok(0), |at| i32::try_from(at + 1));
    found.map(Datum::Int32).map_err(|_| too_large())
}

fn trim(args: &[Datum], start: bool, end: bool) -> Result<Datum> {
    let (mut rest, set) = (arg(args, 0).as_bytes()?, arg(args, 1).as_bytes()?);
    while start
        && let [first, behind @ ..] = rest
        && set.contains(first)
    {
        rest = behind;
    }
    while end
        && let [before @ .., last] = rest
        && set.contains(last)
    {
        rest = before;
    }
    Ok(Datum::Bytes(rest.to_vec()))
}

pub(super) fn register(all: &mut Vec<Function>) {
    all.extend([
        pure("overlay", &[Text, Text, Int4], Text, overlay_text),
        pure("overlay", &[Text, Text, Int4, Int4], Text, overlay_text),
        pure("overlay", &[Bytea, Bytea, Int4], Bytea, overlay_bytes),
        pure("overlay", &[Bytea, Bytea, Int4, Int4], Bytea, overlay_bytes),
        pure("position", &[Bytea, Bytea], Int4, position),
        pure("btrim", &[Bytea, Bytea], Bytea, |a| trim(a, true, true)),
        pure("ltrim", &[Bytea, Bytea], Bytea, |a| trim(a, true, false)),
        pure("rtrim", &[Bytea, Bytea], Bytea, |a| trim(a, false, true)),
    ]);
}
