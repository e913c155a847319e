//! Sums and differences of timestamps and intervals, on the calendar.

use super::calendar::{Civil, days_in_month, days_of, moment};
use super::{
    NEGATIVE_INFINITY, Zone, checked_timestamp, is_infinite, is_timestamp_in_range,
    timestamp_out_of_range,
};
use crate::error::{Error, Result, SqlState};
use crate::types::interval::{DAY_US, Interval};

/// Rounds the microseconds of a time or timestamp to `time(p)`'s digits.
pub fn round_to_precision(value: i64, precision: i32) -> i64 {
    if !(0..6).contains(&precision) || is_infinite(value) {
        return value;
    }
    let unit = 10i64.pow(6 - precision as u32);
    let half = unit / 2;
    match value >= 0 {
        true => (value + half) / unit * unit,
        false => -((half - value) / unit * unit),
    }
}

/// `timestamp + interval`: months, then days, then time.
///
/// # Errors
/// If the sum is out of range.
pub fn add_interval(timestamp: i64, interval: &Interval) -> Result<i64> {
    if is_infinite(timestamp) {
        return Ok(timestamp);
    }
    let mut local = timestamp;
    if interval.months != 0 {
        let now = moment(local);
        let months =
            now.date.year * 12 + i64::from(now.date.month) - 1 + i64::from(interval.months);
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) as u32 + 1);
        let day = now.date.day.min(days_in_month(year, month));
        let midnight = days_of(year, month, day).checked_mul(DAY_US);
        let moved = midnight.and_then(|midnight| midnight.checked_add(now.time_us));
        local = checked_timestamp(moved.ok_or_else(timestamp_out_of_range)?)?;
    }
    // Days may be more than the range of timestamps has.
    let moved = i128::from(local) + i128::from(interval.days) * i128::from(DAY_US);
    let moved = i64::try_from(moved).ok().filter(|moved| is_timestamp_in_range(*moved));
    let sum = moved.and_then(|moved| moved.checked_add(interval.microseconds));
    sum.filter(|sum| is_timestamp_in_range(*sum)).ok_or_else(timestamp_out_of_range)
}

/// `timestamptz + interval`: months and days are counted on the clocks of `zone`.
///
/// # Errors
/// If the sum is out of range.
pub fn add_interval_in_zone(timestamp: i64, interval: &Interval, zone: Zone) -> Result<i64> {
    let calendar = Interval { microseconds: 0, ..*interval };
    let moved = match interval.months == 0 && interval.days == 0 {
        true => timestamp,
        false => zone.to_utc(add_interval(zone.to_local(timestamp), &calendar)?),
    };
    add_interval(moved, &Interval { months: 0, days: 0, ..*interval })
}

/// `age(a, b)`: the difference in calendar years, months, days and time.
///
/// # Errors
/// If one is `-infinity`.
pub fn age(a: i64, b: i64) -> Result<Interval> {
    // As in PostgreSQL, `infinity` is the moment that it is kept as.
    if a == NEGATIVE_INFINITY || b == NEGATIVE_INFINITY {
        return Err(timestamp_out_of_range());
    }
    if a < b {
        return age(b, a)?.neg();
    }
    let (later, earlier) = (moment(a), moment(b));
    let (x, y): (Civil, Civil) = (later.date, earlier.date);
    let mut months = (x.year - y.year) * 12 + i64::from(x.month) - i64::from(y.month);
    let mut days = x.day as i32 - y.day as i32;
    let mut microseconds = later.time_us - earlier.time_us;
    if microseconds < 0 {
        microseconds += DAY_US;
        days -= 1;
    }
    if days < 0 {
        // Borrow the length of the month in which the earlier moment lies.
        days += days_in_month(y.year, y.month) as i32;
        months -= 1;
    }
    Ok(Interval { months: months as i32, days, microseconds })
}

/// `date_bin(stride, timestamp, origin)`
///
/// # Errors
/// If the stride is not positive or has months, or if the result is out of range.
pub fn bin(stride: &Interval, timestamp: i64, origin: i64) -> Result<i64> {
    if is_infinite(timestamp) {
        return Ok(timestamp);
    }
    let error = |state, message: &str| Err(Error::new(state, message));
    if is_infinite(origin) {
        return error(SqlState::DatetimeFieldOverflow, "origin out of range");
    }
    if stride.months != 0 {
        let message = "timestamps cannot be binned into intervals containing months or years";
        return error(SqlState::FeatureNotSupported, message);
    }
    let days = i64::from(stride.days).checked_mul(DAY_US);
    let Some(length) = days.and_then(|days| days.checked_add(stride.microseconds)) else {
        return error(SqlState::DatetimeFieldOverflow, "interval out of range");
    };
    if length <= 0 {
        let message = "stride must be greater than zero";
        return error(SqlState::DatetimeFieldOverflow, message);
    }
    let since = timestamp.checked_sub(origin);
    let Some(since) = since else {
        return error(SqlState::DatetimeFieldOverflow, "interval out of range");
    };
    let start = since.checked_sub(since.rem_euclid(length));
    let bin = start.and_then(|start| origin.checked_add(start));
    checked_timestamp(bin.ok_or_else(timestamp_out_of_range)?)
}
