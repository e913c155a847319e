//! Dates, times, intervals: operators and functions.

mod clock;
mod extract;
mod make;
mod text;
mod timetz;
mod zones;

use super::{Context, Function, arg, contextual, pure};
use crate::error::{Error, Result, SqlState};
use crate::types::Type::{
    Bool, Date, Float8, Int4, Interval as IntervalType, Time, Timestamp, Timestamptz,
};
use crate::types::datetime::{self, Zone};
use crate::types::interval::{DAY_US, Interval};
use crate::types::{Datum, Type};

fn int(args: &[Datum], i: usize) -> Result<i64> {
    arg(args, i).as_i64()
}

fn interval(args: &[Datum], i: usize) -> Result<Interval> {
    Interval::decode(arg(args, i).as_bytes()?)
}

fn make(value: Interval) -> Result<Datum> {
    Ok(Datum::Bytes(value.encode()))
}

/// The session's zone, as the context gives it.
fn zone(args: &[Datum], i: usize) -> Result<Zone> {
    let name = arg(args, i).as_str()?;
    Zone::parse(name).ok_or_else(|| zones::unknown_zone(name))
}

/// What compares with a timestamp as a date does.
pub const AS_TIMESTAMP: &str = "\0timestamp";
/// What compares with a timestamptz as a date or a timestamp does.
pub const AS_TIMESTAMPTZ: &str = "\0timestamptz";

const ZONE: &[Context] = &[Context::Zone];
const ZONE_NOW: &[Context] = &[Context::Zone, Context::Now];

fn timestamp_difference(a: i64, b: i64) -> Result<Datum> {
    if datetime::is_infinite(a) || datetime::is_infinite(b) {
        let message = "cannot subtract infinite timestamps";
        return Err(Error::new(SqlState::DatetimeFieldOverflow, message));
    }
    let difference = a
        .checked_sub(b)
        .ok_or_else(|| Error::new(SqlState::DatetimeFieldOverflow, "interval out of range"))?;
    make(Interval { microseconds: difference, ..Interval::default() }.justify_hours()?)
}

fn add_days(args: &[Datum], sign: i64) -> Result<Datum> {
    let date = arg(args, 0).as_i32()?;
    if datetime::is_infinite_date(date) {
        return Ok(Datum::Int32(date));
    }
    let sum = i64::from(date) + sign * int(args, 1)?;
    match datetime::is_date_in_range(sum) {
        true => Ok(Datum::Int32(sum as i32)),
        false => Err(datetime::date_out_of_range()),
    }
}

fn date_difference(args: &[Datum]) -> Result<Datum> {
    let (a, b) = (arg(args, 0).as_i32()?, arg(args, 1).as_i32()?);
    if datetime::is_infinite_date(a) || datetime::is_infinite_date(b) {
        let message = "cannot subtract infinite dates";
        return Err(Error::new(SqlState::DatetimeFieldOverflow, message));
    }
    Ok(Datum::Int32(a.wrapping_sub(b)))
}

fn at_time(args: &[Datum]) -> Result<Datum> {
    let midnight = datetime::date_to_timestamp(arg(args, 0).as_i32()?)?;
    if datetime::is_infinite(midnight) {
        return Ok(Datum::Int64(midnight));
    }
    Ok(Datum::Int64(datetime::checked_timestamp(midnight.saturating_add(int(args, 1)?))?))
}

pub(super) fn shift_timestamp(args: &[Datum], negate: bool) -> Result<Datum> {
    let by = interval(args, 1)?;
    let by = if negate { by.neg()? } else { by };
    Ok(Datum::Int64(datetime::add_interval(int(args, 0)?, &by)?))
}

fn shift_date(args: &[Datum], negate: bool) -> Result<Datum> {
    let by = interval(args, 1)?;
    let by = if negate { by.neg()? } else { by };
    let start = datetime::date_to_timestamp(arg(args, 0).as_i32()?)?;
    Ok(Datum::Int64(datetime::add_interval(start, &by)?))
}

pub(super) fn shift_timestamptz(args: &[Datum], negate: bool) -> Result<Datum> {
    let by = interval(args, 1)?;
    let by = if negate { by.neg()? } else { by };
    Ok(Datum::Int64(datetime::add_interval_in_zone(int(args, 0)?, &by, zone(args, 2)?)?))
}

pub(super) fn shift_time(args: &[Datum], sign: i64) -> Result<Datum> {
    let moved = int(args, 0)? + sign * interval(args, 1)?.microseconds.rem_euclid(DAY_US);
    Ok(Datum::Int64(moved.rem_euclid(DAY_US)))
}

/// The first two arguments the other way around.
fn swapped(args: &[Datum]) -> Vec<Datum> {
    let mut args = args.to_vec();
    if args.len() >= 2 {
        args.swap(0, 1);
    }
    args
}

pub(super) fn register(all: &mut Vec<Function>) {
    const I1: &[Type] = &[IntervalType];
    const I2: &[Type] = &[IntervalType, IntervalType];
    const IF: &[Type] = &[IntervalType, Float8];
    all.extend([
        pure("+", &[Date, Int4], Date, |a| add_days(a, 1)),
        pure("+", &[Int4, Date], Date, |a| add_days(&swapped(a), 1)),
        pure("-", &[Date, Int4], Date, |a| add_days(a, -1)),
        pure("-", &[Date, Date], Int4, date_difference),
        pure("+", &[Date, IntervalType], Timestamp, |a| shift_date(a, false)),
        pure("-", &[Date, IntervalType], Timestamp, |a| shift_date(a, true)),
        pure("+", &[IntervalType, Date], Timestamp, |a| shift_date(&swapped(a), false)),
        pure("+", &[Date, Time], Timestamp, at_time),
        pure("+", &[Time, Date], Timestamp, |a| at_time(&swapped(a))),
        pure("timestamp", &[Date, Time], Timestamp, at_time),
        contextual("timestamptz", &[Date, Time], Timestamptz, ZONE, |a| {
            let utc = zone(a, 2)?.to_utc(at_time(a)?.as_i64()?);
            Ok(Datum::Int64(datetime::checked_timestamp(utc)?))
        }),
        pure("+", &[Timestamp, IntervalType], Timestamp, |a| shift_timestamp(a, false)),
        pure("+", &[IntervalType, Timestamp], Timestamp, |a| shift_timestamp(&swapped(a), false)),
        pure("-", &[Timestamp, IntervalType], Timestamp, |a| shift_timestamp(a, true)),
        pure("-", &[Timestamp, Timestamp], IntervalType, |a| {
            timestamp_difference(int(a, 0)?, int(a, 1)?)
        }),
        contextual("+", &[Timestamptz, IntervalType], Timestamptz, ZONE, |a| {
            shift_timestamptz(a, false)
        }),
        contextual("-", &[Timestamptz, IntervalType], Timestamptz, ZONE, |a| {
            shift_timestamptz(a, true)
        }),
        pure("-", &[Timestamptz, Timestamptz], IntervalType, |a| {
            timestamp_difference(int(a, 0)?, int(a, 1)?)
        }),
        contextual("+", &[IntervalType, Timestamptz], Timestamptz, ZONE, |a| {
            shift_timestamptz(&swapped(a), false)
        }),
        pure("+", &[Time, IntervalType], Time, |a| shift_time(a, 1)),
        pure("+", &[IntervalType, Time], Time, |a| shift_time(&swapped(a), 1)),
        pure("-", &[Time, IntervalType], Time, |a| shift_time(a, -1)),
        pure("-", &[Time, Time], IntervalType, |a| {
            make(Interval { microseconds: int(a, 0)? - int(a, 1)?, ..Interval::default() })
        }),
        pure("+", I2, IntervalType, |a| make(interval(a, 0)?.add(&interval(a, 1)?)?)),
        pure("-", I2, IntervalType, |a| make(interval(a, 0)?.sub(&interval(a, 1)?)?)),
        pure("-", I1, IntervalType, |a| make(interval(a, 0)?.neg()?)),
        pure("*", IF, IntervalType, |a| make(interval(a, 0)?.mul(arg(a, 1).as_f64()?)?)),
        pure("*", &[Float8, IntervalType], IntervalType, |a| {
            make(interval(a, 1)?.mul(arg(a, 0).as_f64()?)?)
        }),
        pure("/", IF, IntervalType, |a| make(interval(a, 0)?.div(arg(a, 1).as_f64()?)?)),
        pure("age", &[Timestamp, Timestamp], IntervalType, |a| {
            make(datetime::age(int(a, 0)?, int(a, 1)?)?)
        }),
        contextual("age", &[Timestamptz, Timestamptz], IntervalType, ZONE, |a| {
            let zone = zone(a, 2)?;
            make(datetime::age(zone.to_local(int(a, 0)?), zone.to_local(int(a, 1)?))?)
        }),
        contextual("age", &[Timestamp], IntervalType, ZONE_NOW, |a| {
            let today = zone(a, 1)?.to_local(int(a, 2)?).div_euclid(DAY_US) * DAY_US;
            make(datetime::age(today, int(a, 0)?)?)
        }),
        contextual("age", &[Timestamptz], IntervalType, ZONE_NOW, |a| {
            let zone = zone(a, 1)?;
            let today = zone.to_local(int(a, 2)?).div_euclid(DAY_US) * DAY_US;
            make(datetime::age(today, zone.to_local(int(a, 0)?))?)
        }),
        pure("date_bin", &[IntervalType, Timestamp, Timestamp], Timestamp, |a| {
            Ok(Datum::Int64(datetime::bin(&interval(a, 0)?, int(a, 1)?, int(a, 2)?)?))
        }),
        pure("date_bin", &[IntervalType, Timestamptz, Timestamptz], Timestamptz, |a| {
            Ok(Datum::Int64(datetime::bin(&interval(a, 0)?, int(a, 1)?, int(a, 2)?)?))
        }),
        pure("isfinite", &[Date], Bool, |a| {
            Ok(Datum::Bool(!datetime::is_infinite_date(arg(a, 0).as_i32()?)))
        }),
        pure("isfinite", &[Timestamp], Bool, |a| {
            Ok(Datum::Bool(!datetime::is_infinite(int(a, 0)?)))
        }),
        pure("isfinite", &[Timestamptz], Bool, |a| {
            Ok(Datum::Bool(!datetime::is_infinite(int(a, 0)?)))
        }),
        pure("isfinite", I1, Bool, |_| Ok(Datum::Bool(true))),
        pure("justify_hours", I1, IntervalType, |a| make(interval(a, 0)?.justify_hours()?)),
        pure("justify_days", I1, IntervalType, |a| make(interval(a, 0)?.justify_days()?)),
        pure("justify_interval", I1, IntervalType, |a| make(interval(a, 0)?.justify()?)),
    ]);
    // Beyond the range of timestamps everything is infinite, for comparisons.
    all.extend([
        pure(AS_TIMESTAMP, &[Date], Timestamp, |a| {
            Ok(Datum::Int64(datetime::date_to_comparable(arg(a, 0).as_i32()?)))
        }),
        contextual(AS_TIMESTAMPTZ, &[Date], Timestamptz, ZONE, |a| {
            let local = datetime::date_to_comparable(arg(a, 0).as_i32()?);
            Ok(Datum::Int64(zone(a, 1)?.to_utc(local)))
        }),
        contextual(AS_TIMESTAMPTZ, &[Timestamp], Timestamptz, ZONE, |a| {
            Ok(Datum::Int64(zone(a, 1)?.to_utc(int(a, 0)?)))
        }),
    ]);
    clock::register(all);
    extract::register(all);
    make::register(all);
    text::register(all);
    timetz::register(all);
    zones::register(all);
}
