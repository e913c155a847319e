//! `time with time zone`: operators and functions.

use super::zones::{named_zone, offset};
use super::{Context, Function, contextual, int, interval, pure};
use crate::error::Result;
use crate::functions::arg;
use crate::types::Datum;
use crate::types::Type::{Date, Interval as IntervalType, Text, Timestamptz, Timetz};
use crate::types::datetime::timetz::TimeTz;
use crate::types::datetime::{self};
use crate::types::interval::DAY_US;

fn value(args: &[Datum], i: usize) -> Result<TimeTz> {
    TimeTz::decode(arg(args, i).as_bytes()?)
}

fn datum(value: TimeTz) -> Result<Datum> {
    Ok(Datum::Bytes(value.encode()))
}

/// The clock turned on; it wraps around at midnight.
pub(in crate::functions) fn shift(args: &[Datum], sign: i64) -> Result<Datum> {
    let (time, by) = (value(args, 0)?, interval(args, 1)?);
    let moved = time.time_us + sign * by.microseconds.rem_euclid(DAY_US);
    datum(TimeTz { time_us: moved.rem_euclid(DAY_US), ..time })
}

fn at_date(args: &[Datum]) -> Result<Datum> {
    let midnight = datetime::date_to_timestamp(arg(args, 0).as_i32()?)?;
    if datetime::is_infinite(midnight) {
        return Ok(Datum::Int64(midnight));
    }
    let utc = midnight.saturating_add(value(args, 1)?.utc_us());
    Ok(Datum::Int64(datetime::checked_timestamp(utc)?))
}

pub(super) fn register(all: &mut Vec<Function>) {
    const NOW: &[Context] = &[Context::Now];
    all.extend([
        pure("+", &[Timetz, IntervalType], Timetz, |a| shift(a, 1)),
        pure("+", &[IntervalType, Timetz], Timetz, |a| shift(&super::swapped(a), 1)),
        pure("-", &[Timetz, IntervalType], Timetz, |a| shift(a, -1)),
        pure("+", &[Date, Timetz], Timestamptz, at_date),
        pure("+", &[Timetz, Date], Timestamptz, |a| at_date(&super::swapped(a))),
        pure("timestamptz", &[Date, Timetz], Timestamptz, at_date),
        contextual("timezone", &[Text, Timetz], Timetz, NOW, |a| {
            let east_s = named_zone(a, 0)?.offset_at_utc(int(a, 2)?);
            datum(value(a, 1)?.at_offset(east_s))
        }),
        pure("timezone", &[IntervalType, Timetz], Timetz, |a| {
            let east_s = offset(a, 0)?.fixed_offset().unwrap_or(0);
            datum(value(a, 1)?.at_offset(east_s))
        }),
    ]);
}
