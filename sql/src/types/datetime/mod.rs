//! Dates, times and timestamps.
//!
//! A date is days, a timestamp microseconds since 2000-01-01, as in PostgreSQL; the extreme
//! integers stand for the infinities. The calendar is proleptic Gregorian. A `timestamptz` is
//! in UTC and meets a time zone only on its way in and out.

pub mod abbreviations;
mod arithmetic;
pub mod calendar;
mod decode;
mod from_char;
mod input;
mod numbers;
pub mod output;
pub mod parts;
mod posix;
pub mod scan;
pub mod style;
mod template;
pub mod timetz;
pub mod to_char;
pub mod words;
mod zone;

pub use arithmetic::{add_interval, add_interval_in_zone, age, bin, round_to_precision};
pub use decode::Surroundings;
pub use from_char::{to_date, to_timestamp};
pub use input::{is_absolute, parse_date, parse_time_of_day, parse_timestamp, parse_timetz};
pub use numbers::{Bad, clock, offset};
pub use output::{format_date, format_time, format_timestamp};
pub use style::{DateFormat, DateOrder, DateStyle, IntervalStyle};
pub use timetz::TimeTz;
pub use zone::{Place, Zone, is_summer_of, offset_of, to_chrono};

use super::interval::{DAY_US, SECOND_US};
use crate::error::{Error, Result, SqlState};

/// `infinity` as a date.
pub const DATE_INFINITY: i32 = i32::MAX;
/// `-infinity` as a date.
pub const DATE_NEGATIVE_INFINITY: i32 = i32::MIN;
/// `infinity` as a timestamp.
pub const INFINITY: i64 = i64::MAX;
/// `-infinity` as a timestamp.
pub const NEGATIVE_INFINITY: i64 = i64::MIN;
/// Seconds from the Unix epoch to 2000-01-01.
pub const EPOCH_SECONDS: i64 = 946_684_800;
/// The Julian day 2000-01-01.
pub const DAY_JULIAN_EPOCH: i64 = calendar::EPOCH_JULIAN;
/// The first day there is: 4714-11-24 BC.
const FIRST_DAY: i64 = -DAY_JULIAN_EPOCH;
/// The day after the last one of type date, which is 5874897-12-31.
const END_DATE: i64 = 2_145_031_949;
/// The first day that no timestamp reaches: 294277-01-01.
const END_TIMESTAMP: i64 = 106_751_983 * DAY_US;

/// The current time as a timestamptz.
pub fn now() -> i64 {
    from_unix_us(chrono::Utc::now().timestamp_micros())
}

/// Unix time as a timestamptz.
pub fn from_unix_us(microseconds: i64) -> i64 {
    microseconds - EPOCH_SECONDS * SECOND_US
}

/// A timestamptz as Unix time.
pub fn to_unix_us(timestamp: i64) -> i64 {
    timestamp + EPOCH_SECONDS * SECOND_US
}

/// Whether a timestamp is one of the infinities.
pub fn is_infinite(timestamp: i64) -> bool {
    timestamp == INFINITY || timestamp == NEGATIVE_INFINITY
}

/// Whether a date is one of the infinities.
pub fn is_infinite_date(date: i32) -> bool {
    date == DATE_INFINITY || date == DATE_NEGATIVE_INFINITY
}

/// Whether type date has this day.
pub fn is_date_in_range(days: i64) -> bool {
    (FIRST_DAY..END_DATE).contains(&days)
}

/// Whether the types of timestamps have this moment.
pub fn is_timestamp_in_range(timestamp: i64) -> bool {
    (FIRST_DAY * DAY_US..END_TIMESTAMP).contains(&timestamp)
}

fn out_of_range(message: &str) -> Error {
    Error::new(SqlState::DatetimeFieldOverflow, message)
}

/// The error of a timestamp that there is none of.
pub fn timestamp_out_of_range() -> Error {
    out_of_range("timestamp out of range")
}

/// The error of a date that there is none of.
pub fn date_out_of_range() -> Error {
    out_of_range("date out of range")
}

/// The day number of a calendar date, if there is such a date.
pub fn make_date(year: i64, month: u32, day: u32) -> Option<i32> {
    let exists =
        (1..=12).contains(&month) && (1..=calendar::days_in_month(year, month)).contains(&day);
    let days = calendar::days_of(year, month, day);
    (exists && is_date_in_range(days)).then_some(days as i32)
}

/// A date, if it is one that PostgreSQL has.
///
/// # Errors
/// If it is not.
pub fn checked_date(date: i32) -> Result<i32> {
    match is_infinite_date(date) || is_date_in_range(date.into()) {
        true => Ok(date),
        false => Err(date_out_of_range()),
    }
}

/// A timestamp, if it is one that PostgreSQL has.
///
/// # Errors
/// If it is not.
pub fn checked_timestamp(timestamp: i64) -> Result<i64> {
    match is_infinite(timestamp) || is_timestamp_in_range(timestamp) {
        true => Ok(timestamp),
        false => Err(timestamp_out_of_range()),
    }
}

/// Midnight of a date, as a timestamp.
///
/// # Errors
/// If there is no such timestamp.
pub fn date_to_timestamp(date: i32) -> Result<i64> {
    match date {
        DATE_INFINITY => Ok(INFINITY),
        DATE_NEGATIVE_INFINITY => Ok(NEGATIVE_INFINITY),
        date => i64::from(date)
            .checked_mul(DAY_US)
            .filter(|timestamp| is_timestamp_in_range(*timestamp))
            .ok_or_else(|| out_of_range("date out of range for timestamp")),
    }
}

/// The timestamp that compares with others as midnight of a date does: of a date that lies beyond
/// all timestamps, the infinity on its side.
pub fn date_to_comparable(date: i32) -> i64 {
    date_to_timestamp(date).unwrap_or(INFINITY)
}

/// The date part of a timestamp.
pub fn timestamp_to_date(timestamp: i64) -> i32 {
    match timestamp {
        INFINITY => DATE_INFINITY,
        NEGATIVE_INFINITY => DATE_NEGATIVE_INFINITY,
        timestamp => timestamp.div_euclid(DAY_US) as i32,
    }
}
