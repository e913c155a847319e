//! Dates, times and timestamps out of text.
//!
//! What PostgreSQL writes in style ISO is read without detours; all else goes through
//! [`super::scan`] and [`super::decode`].

use super::calendar::{Civil, days_in_month, days_of};
use super::decode::{self, Decoded, Surroundings};
use super::numbers::Bad;
use super::scan;
use super::timetz::TimeTz;
use super::{
    DATE_INFINITY, DATE_NEGATIVE_INFINITY, INFINITY, NEGATIVE_INFINITY, from_unix_us,
    is_date_in_range, is_timestamp_in_range, timestamp_to_date,
};
use crate::error::{Error, Result, SqlState};
use crate::types::Type;
use crate::types::interval::{DAY_US, HOUR_US, MINUTE_US, SECOND_US};

fn input_error(kind: &str, text: &str, bad: Bad) -> Error {
    let range = || {
        Error::new(
            SqlState::DatetimeFieldOverflow,
            format!("date/time field value out of range: \"{text}\""),
        )
    };
    match bad {
        Bad::Syntax => Error::new(
            SqlState::InvalidDatetimeFormat,
            format!("invalid input syntax for type {kind}: \"{text}\""),
        ),
        Bad::Range => range(),
        Bad::MonthOrDay => range().hint("Perhaps you need a different \"datestyle\" setting."),
        Bad::Displacement => Error::new(
            SqlState::InvalidTimeZoneDisplacementValue,
            format!("time zone displacement out of range: \"{text}\""),
        ),
        Bad::Zone(zone) => Error::new(
            SqlState::InvalidParameterValue,
            format!("time zone \"{zone}\" not recognized"),
        ),
    }
}

fn out_of_range(kind: &str, text: &str) -> Error {
    Error::new(SqlState::DatetimeFieldOverflow, format!("{kind} out of range: \"{text}\""))
}

fn decode_date_time(kind: &str, text: &str, around: &Surroundings) -> Result<Decoded> {
    let fields = scan::fields(text).ok_or(Bad::Syntax);
    let decoded = fields.and_then(|fields| decode::date_time(&fields, around));
    decoded.map_err(|bad| input_error(kind, text, bad))
}

/// Parses a `date`.
///
/// # Errors
/// If it is none.
pub fn parse_date(text: &str, around: &Surroundings) -> Result<i32> {
    if let Some((date, [])) = iso_date(text.as_bytes()) {
        return Ok(days_of(date.year, date.month, date.day) as i32);
    }
    match decode_date_time("date", text, around)? {
        Decoded::Infinity => Ok(DATE_INFINITY),
        Decoded::NegativeInfinity => Ok(DATE_NEGATIVE_INFINITY),
        Decoded::Epoch => Ok(timestamp_to_date(from_unix_us(0))),
        Decoded::At { date, .. } => {
            let days = days_of(date.year, date.month, date.day);
            match is_date_in_range(days) {
                true => Ok(days as i32),
                false => Err(out_of_range("date", text)),
            }
        }
    }
}

/// Whether a text means the same at any time and in every session.
pub fn is_absolute(kind: Type, text: &str) -> bool {
    let text = text.trim();
    let word = matches!(text, "infinity" | "-infinity" | "epoch");
    match kind {
        Type::Date => word || iso_date(text.as_bytes()).is_some_and(|(_, rest)| rest.is_empty()),
        // A time may be now, or lack a zone that depends on the date; its offset does not count.
        Type::Time => iso_time(text.as_bytes()).is_some_and(|(_, rest)| rest.is_empty()),
        Type::Timestamp => word || iso_timestamp(text.as_bytes()).is_some(),
        // With its offset.
        Type::Timestamptz => {
            word || iso_timestamp(text.as_bytes()).is_some_and(|(_, offset)| offset.is_some())
        }
        _ => false,
    }
}

fn decode_time(kind: &str, text: &str, around: &Surroundings) -> Result<(i64, i32)> {
    let fields = scan::fields(text).ok_or(Bad::Syntax);
    let decoded = fields.and_then(|fields| decode::time(&fields, around));
    match decoded.map_err(|bad| input_error(kind, text, bad))? {
        Decoded::At { time_us, east_s, .. } => Ok((time_us, east_s)),
        _ => Err(input_error(kind, text, Bad::Syntax)),
    }
}

/// Parses a `time`.
///
/// # Errors
/// If it is none.
pub fn parse_time_of_day(text: &str, around: &Surroundings) -> Result<i64> {
    if let Some((time, [])) = iso_time(text.as_bytes()) {
        return Ok(time);
    }
    decode_time("time", text, around).map(|(time, _)| time)
}

/// Parses a `time with time zone`.
///
/// # Errors
/// If it is none.
pub fn parse_timetz(text: &str, around: &Surroundings) -> Result<TimeTz> {
    let (time_us, east_s) = decode_time("time with time zone", text, around)?;
    Ok(TimeTz { time_us, east_s })
}

/// Parses a `timestamp` (`with_zone` false) or `timestamptz`.
///
/// # Errors
/// If it is none.
pub fn parse_timestamp(text: &str, with_zone: bool, around: &Surroundings) -> Result<i64> {
    if let Some((local, offset)) = iso_timestamp(text.as_bytes()) {
        return Ok(match (with_zone, offset) {
            (false, _) => local,
            (true, Some(east_s)) => local - i64::from(east_s) * SECOND_US,
            (true, None) => around.zone.to_utc(local),
        });
    }
    let kind = if with_zone { "timestamp with time zone" } else { "timestamp" };
    match decode_date_time(kind, text, around)? {
        Decoded::Infinity => Ok(INFINITY),
        Decoded::NegativeInfinity => Ok(NEGATIVE_INFINITY),
        Decoded::Epoch => Ok(from_unix_us(0)),
        Decoded::At { date, time_us, east_s } => {
            let local = days_of(date.year, date.month, date.day)
                .checked_mul(DAY_US)
                .and_then(|day| day.checked_add(time_us))
                .and_then(|local| match with_zone {
                    true => local.checked_sub(i64::from(east_s) * SECOND_US),
                    false => Some(local),
                });
            local
                .filter(|timestamp| is_timestamp_in_range(*timestamp))
                .ok_or_else(|| out_of_range("timestamp", text))
        }
    }
}

/// A number of exactly so many digits, and what follows.
fn number<const N: usize>(text: &[u8]) -> Option<(i64, &[u8])> {
    let (digits, rest) = text.split_first_chunk::<N>()?;
    let mut value = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(digit - b'0');
    }
    Some((value, rest))
}

fn behind(text: &[u8], byte: u8) -> Option<&[u8]> {
    match text.split_first() {
        Some((first, rest)) if *first == byte => Some(rest),
        _ => None,
    }
}

/// `yyyy-mm-dd`, if there is such a day, and what follows.
fn iso_date(text: &[u8]) -> Option<(Civil, &[u8])> {
    let (year, rest) = number::<4>(text)?;
    let (month, rest) = number::<2>(behind(rest, b'-')?)?;
    let (day, rest) = number::<2>(behind(rest, b'-')?)?;
    let date = Civil { year, month: month as u32, day: day as u32 };
    let exists = year > 0
        && (1..=12).contains(&month)
        && (1..=i64::from(days_in_month(year, date.month))).contains(&day);
    exists.then_some((date, rest))
}

/// `hh:mm:ss` with up to six more digits, and what follows.
fn iso_time(text: &[u8]) -> Option<(i64, &[u8])> {
    let (hour, rest) = number::<2>(text)?;
    let (minute, rest) = number::<2>(behind(rest, b':')?)?;
    let (second, mut rest) = number::<2>(behind(rest, b':')?)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut micros = 0;
    if let Some(digits) = behind(rest, b'.') {
        let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        if count > 6 {
            return None;
        }
        let (fraction, after) = digits.split_at_checked(count)?;
        for digit in fraction {
            micros = micros * 10 + i64::from(digit - b'0');
        }
        micros *= 10i64.pow(6 - count as u32);
        rest = after;
    }
    Some((hour * HOUR_US + minute * MINUTE_US + second * SECOND_US + micros, rest))
}

/// A whole ISO timestamp, with the offset if it has one of two or four digits.
fn iso_timestamp(text: &[u8]) -> Option<(i64, Option<i32>)> {
    let (date, rest) = iso_date(text)?;
    let midnight = days_of(date.year, date.month, date.day) * DAY_US;
    if rest.is_empty() {
        return Some((midnight, None));
    }
    let (time, rest) = iso_time(behind(rest, b' ').or_else(|| behind(rest, b'T'))?)?;
    let local = midnight + time;
    let sign = match rest.first() {
        None => return Some((local, None)),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    let (hours, rest) = number::<2>(rest.get(1..)?)?;
    let minutes = match rest {
        [] => 0,
        rest => match number::<2>(behind(rest, b':')?)? {
            (minutes, []) if minutes < 60 => minutes,
            _ => return None,
        },
    };
    (hours <= 15).then_some((local, Some(sign * (hours * 3600 + minutes * 60) as i32)))
}
