//! Dates, times, intervals: operators and functions.

use super::{Context, Function, arg, contextual, pure};
use crate::error::{Error, Result, SqlState};
use crate::types::Type::{
    Bool, Date, Float8, Int4, Interval as IntervalType, Numeric as NumericType, Text, Time,
    Timestamp, Timestamptz,
};
use crate::types::datetime::{self, Zone};
use crate::types::interval::{DAY_US, Interval, SECOND_US};
use crate::types::{Datum, Numeric, Type, format};

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
    Zone::parse(name).ok_or_else(|| unknown_zone(name))
}

/// A zone that the statement names.
fn named_zone(args: &[Datum], i: usize) -> Result<Zone> {
    let name = arg(args, i).as_str()?;
    Zone::parse_name(name).ok_or_else(|| unknown_zone(name))
}

fn unknown_zone(name: &str) -> Error {
    Error::new(SqlState::InvalidParameterValue, format!("time zone \"{name}\" not recognized"))
}

fn infinite(timestamp: i64) -> bool {
    timestamp == datetime::INFINITY || timestamp == datetime::NEGATIVE_INFINITY
}

fn timestamp_difference(a: i64, b: i64) -> Result<Datum> {
    if infinite(a) || infinite(b) {
        let message = "cannot subtract infinite timestamps";
        return Err(Error::new(SqlState::DatetimeFieldOverflow, message));
    }
    let microseconds = a - b;
    make(Interval { microseconds, ..Interval::default() }.justify_hours()?)
}

fn add_days(args: &[Datum], sign: i64) -> Result<Datum> {
    let date = arg(args, 0).as_i32()?;
    if date == datetime::DATE_INFINITY || date == datetime::DATE_NEGATIVE_INFINITY {
        return Ok(Datum::Int32(date));
    }
    let sum = i64::from(date) + sign * int(args, 1)?;
    let in_range = i32::try_from(sum).ok().filter(|date| datetime::date_to_chrono(*date).is_some());
    in_range
        .map(Datum::Int32)
        .ok_or_else(|| Error::new(SqlState::DatetimeFieldOverflow, "date out of range"))
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

fn unknown_field(field: &str, kind: &str) -> Error {
    let state = SqlState::InvalidParameterValue;
    Error::new(state, format!("unit \"{field}\" not recognized for type {kind}"))
}

fn unsupported_field(field: &str, kind: &str) -> Error {
    let state = SqlState::FeatureNotSupported;
    Error::new(state, format!("unit \"{field}\" not supported for type {kind}"))
}

/// A count of millionths as `numeric` of the scale that `extract` gives the field.
fn extracted(field: &str, millionths: i64) -> Result<Datum> {
    let scale = match field {
        "second" | "seconds" | "epoch" => 6,
        "milliseconds" => 3,
        "julian" => return Ok(Datum::Bytes(julian(millionths).encode())),
        _ => 0,
    };
    Ok(Datum::Bytes(Numeric::new(millionths, 6).round(scale).encode()))
}

fn julian(millionths: i64) -> Numeric {
    let value = Numeric::new(millionths, 6);
    if millionths % 1_000_000 == 0 { value.round(0) } else { value }
}

fn extract_timestamp(field: &str, local: i64, offset_s: Option<i32>, kind: &str) -> Result<Datum> {
    let field = field.to_ascii_lowercase();
    if infinite(local) {
        return match field.as_str() {
            "epoch" | "year" | "years" | "decade" | "century" | "millennium" | "julian"
            | "isoyear" => {
                let value = if local > 0 { Numeric::Infinity } else { Numeric::NegativeInfinity };
                Ok(Datum::Bytes(value.encode()))
            }
            _ => Ok(Datum::Null),
        };
    }
    match datetime::extract(&field, local, offset_s) {
        Some(value) => extracted(&field, value),
        None => Err(unknown_field(&field, kind)),
    }
}

fn extract_interval(field: &str, value: &Interval) -> Result<Datum> {
    let field = field.to_ascii_lowercase();
    let whole = |value: i64| value * SECOND_US;
    let (months, time) = (i64::from(value.months), value.microseconds);
    let millionths = match field.as_str() {
        "epoch" => {
            // A year has 365.25 days here, a month 30.
            let days = i128::from(value.months / 12) * 36525
                + i128::from(value.months % 12) * 3000
                + i128::from(value.days) * 100;
            (days * i128::from(DAY_US) / 100 + i128::from(time)) as i64
        }
        "year" | "years" => whole(months / 12),
        "month" | "months" => whole(months % 12),
        "quarter" => whole(months % 12 / 3 + 1),
        "decade" => whole(months / 120),
        "century" => whole(months / 1200),
        "millennium" => whole(months / 12_000),
        "day" | "days" => whole(i64::from(value.days)),
        "hour" | "hours" => whole(time / 3_600_000_000),
        "minute" | "minutes" => whole(time / 60_000_000 % 60),
        "second" | "seconds" => time % 60_000_000,
        "milliseconds" => time % 60_000_000 * 1000,
        "microseconds" => whole(time % 60_000_000),
        _ => return Err(unknown_field(&field, "interval")),
    };
    extracted(&field, millionths)
}

fn as_float(value: Datum) -> Result<Datum> {
    match value {
        Datum::Bytes(bytes) => Ok(Datum::Float64(Numeric::decode(&bytes)?.to_f64())),
        other => Ok(other),
    }
}

fn truncate(field: &str, local: i64, kind: &str) -> Result<i64> {
    let field = field.to_ascii_lowercase();
    datetime::truncate(&field, local).ok_or_else(|| unknown_field(&field, kind))
}

fn truncate_interval(args: &[Datum]) -> Result<Datum> {
    let (field, value) = (arg(args, 0).as_str()?.to_ascii_lowercase(), interval(args, 1)?);
    let months = |unit: i32| Interval { months: value.months / unit * unit, ..Interval::default() };
    let time = |unit: i64| Interval { microseconds: value.microseconds / unit * unit, ..value };
    make(match field.as_str() {
        "year" | "years" => months(12),
        "quarter" => months(3),
        "month" | "months" => months(1),
        "decade" => months(120),
        "century" => months(1200),
        "day" | "days" => Interval { microseconds: 0, ..value },
        "hour" | "hours" => time(3_600_000_000),
        "minute" | "minutes" => time(60_000_000),
        "second" | "seconds" => time(SECOND_US),
        "milliseconds" => time(1000),
        "microseconds" => value,
        _ => return Err(unknown_field(&field, "interval")),
    })
}

fn make_date(args: &[Datum]) -> Result<Datum> {
    let (year, month, day) = (int(args, 0)?, int(args, 1)?, int(args, 2)?);
    // There is no year 0: -1 is 1 BC.
    let counted = if year < 0 { year + 1 } else { year };
    let date = || {
        datetime::make_date(counted.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?)
    };
    date().filter(|_| year != 0).map(Datum::Int32).ok_or_else(|| {
        Error::new(
            SqlState::DatetimeFieldOverflow,
            format!("date field value out of range: {year}-{month:02}-{day:02}"),
        )
    })
}

fn time_of(hour: i64, minute: i64, second: f64) -> Result<i64> {
    let micros = (second * 1e6).round_ties_even();
    if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0.0..=60e6).contains(&micros) {
        return Err(Error::new(
            SqlState::DatetimeFieldOverflow,
            format!("time field value out of range: {hour}:{minute:02}:{second:02}"),
        ));
    }
    Ok(hour * 3_600_000_000 + minute * 60_000_000 + micros as i64)
}

fn make_timestamp(args: &[Datum]) -> Result<i64> {
    let date = make_date(args)?.as_i32()?;
    let time = time_of(int(args, 3)?, int(args, 4)?, arg(args, 5).as_f64()?)?;
    Ok(datetime::date_to_timestamp(date)? + time)
}

pub(super) fn register(all: &mut Vec<Function>) {
    const ZONE: &[Context] = &[Context::Zone];
    const NOW: &[Context] = &[Context::Now];
    const I1: &[Type] = &[IntervalType];
    const I2: &[Type] = &[IntervalType, IntervalType];
    const IF: &[Type] = &[IntervalType, Float8];
    all.extend([
        pure("+", &[Date, Int4], Date, |a| add_days(a, 1)),
        pure("+", &[Int4, Date], Date, |a| add_days(&[arg(a, 1).clone(), arg(a, 0).clone()], 1)),
        pure("-", &[Date, Int4], Date, |a| add_days(a, -1)),
        pure("-", &[Date, Date], Int4, |a| Ok(Datum::Int32((int(a, 0)? - int(a, 1)?) as i32))),
        pure("+", &[Date, IntervalType], Timestamp, |a| shift_date(a, false)),
        pure("-", &[Date, IntervalType], Timestamp, |a| shift_date(a, true)),
        pure("+", &[Date, Time], Timestamp, |a| {
            Ok(Datum::Int64(datetime::date_to_timestamp(arg(a, 0).as_i32()?)? + int(a, 1)?))
        }),
        pure("+", &[Timestamp, IntervalType], Timestamp, |a| shift_timestamp(a, false)),
        pure("+", &[IntervalType, Timestamp], Timestamp, |a| {
            shift_timestamp(&[arg(a, 1).clone(), arg(a, 0).clone()], false)
        }),
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
            shift_timestamptz(&[arg(a, 1).clone(), arg(a, 0).clone(), arg(a, 2).clone()], false)
        }),
        pure("+", &[IntervalType, Date], Timestamp, |a| {
            shift_date(&[arg(a, 1).clone(), arg(a, 0).clone()], false)
        }),
        pure("+", &[Time, IntervalType], Time, |a| shift_time(a, 1)),
        pure("+", &[IntervalType, Time], Time, |a| {
            shift_time(&[arg(a, 1).clone(), arg(a, 0).clone()], 1)
        }),
        pure("-", &[Time, IntervalType], Time, |a| shift_time(a, -1)),
        pure("-", &[Time, Time], IntervalType, |a| {
            make(Interval { microseconds: int(a, 0)? - int(a, 1)?, ..Interval::default() })
        }),
        pure("+", I2, IntervalType, |a| make(interval(a, 0)?.add(&interval(a, 1)?)?)),
        pure("-", I2, IntervalType, |a| make(interval(a, 0)?.add(&interval(a, 1)?.neg()?)?)),
        pure("-", I1, IntervalType, |a| make(interval(a, 0)?.neg()?)),
        pure("*", IF, IntervalType, |a| make(interval(a, 0)?.mul(arg(a, 1).as_f64()?)?)),
        pure("*", &[Float8, IntervalType], IntervalType, |a| {
            make(interval(a, 1)?.mul(arg(a, 0).as_f64()?)?)
        }),
        pure("/", IF, IntervalType, |a| make(interval(a, 0)?.div(arg(a, 1).as_f64()?)?)),
        contextual("now", &[], Timestamptz, NOW, |a| Ok(arg(a, 0).clone())),
        contextual("transaction_timestamp", &[], Timestamptz, NOW, |a| Ok(arg(a, 0).clone())),
        contextual("statement_timestamp", &[], Timestamptz, NOW, |a| Ok(arg(a, 0).clone())),
        Function {
            volatile: true,
            ..pure("clock_timestamp", &[], Timestamptz, |_| {
                let now = chrono::Utc::now().timestamp_micros();
                Ok(Datum::Int64(datetime::from_unix_us(now)))
            })
        },
        pure("extract", &[Text, Timestamp], NumericType, |a| {
            extract_timestamp(arg(a, 0).as_str()?, int(a, 1)?, None, "timestamp without time zone")
        }),
        pure("extract", &[Text, Date], NumericType, |a| {
            let local = datetime::date_to_timestamp(arg(a, 1).as_i32()?)?;
            let field = arg(a, 0).as_str()?.to_ascii_lowercase();
            match field.trim_end_matches('s') {
                "hour" | "minute" | "second" | "millisecond" | "microsecond" => {
                    Err(unsupported_field(&field, "date"))
                }
                // A date has no fraction of a second.
                "epoch" if !infinite(local) => {
                    let seconds = datetime::to_unix_us(local) / SECOND_US;
                    Ok(Datum::Bytes(Numeric::from_i64(seconds).encode()))
                }
                _ => extract_timestamp(&field, local, None, "date"),
            }
        }),
        contextual("extract", &[Text, Timestamptz], NumericType, ZONE, |a| {
            let (zone, utc) = (zone(a, 2)?, int(a, 1)?);
            let offset = zone.offset_at_utc(utc);
            let kind = "timestamp with time zone";
            extract_timestamp(arg(a, 0).as_str()?, zone.to_local(utc), Some(offset), kind)
        }),
        pure("extract", &[Text, Time], NumericType, |a| {
            let field = arg(a, 0).as_str()?.to_ascii_lowercase();
            match field.as_str() {
                "hour" | "hours" | "minute" | "minutes" | "second" | "seconds" | "milliseconds"
                | "microseconds" => extract_timestamp(&field, int(a, 1)?, None, "time"),
                "epoch" => extracted("epoch", int(a, 1)?),
                "year" | "month" | "day" | "quarter" | "decade" | "century" | "week" => {
                    Err(unsupported_field(&field, "time without time zone"))
                }
                _ => Err(unknown_field(&field, "time without time zone")),
            }
        }),
        pure("extract", &[Text, IntervalType], NumericType, |a| {
            extract_interval(arg(a, 0).as_str()?, &interval(a, 1)?)
        }),
        pure("date_part", &[Text, Timestamp], Float8, |a| {
            as_float(extract_timestamp(
                arg(a, 0).as_str()?,
                int(a, 1)?,
                None,
                "timestamp without time zone",
            )?)
        }),
        contextual("date_part", &[Text, Timestamptz], Float8, ZONE, |a| {
            let (zone, utc) = (zone(a, 2)?, int(a, 1)?);
            let offset = zone.offset_at_utc(utc);
            let kind = "timestamp with time zone";
            as_float(extract_timestamp(
                arg(a, 0).as_str()?,
                zone.to_local(utc),
                Some(offset),
                kind,
            )?)
        }),
        pure("date_part", &[Text, IntervalType], Float8, |a| {
            as_float(extract_interval(arg(a, 0).as_str()?, &interval(a, 1)?)?)
        }),
        pure("date_trunc", &[Text, Timestamp], Timestamp, |a| {
            let kind = "timestamp without time zone";
            Ok(Datum::Int64(truncate(arg(a, 0).as_str()?, int(a, 1)?, kind)?))
        }),
        contextual("date_trunc", &[Text, Timestamptz], Timestamptz, ZONE, |a| {
            let zone = zone(a, 2)?;
            let kind = "timestamp with time zone";
            let local = truncate(arg(a, 0).as_str()?, zone.to_local(int(a, 1)?), kind)?;
            Ok(Datum::Int64(if infinite(local) { local } else { zone.to_utc(local) }))
        }),
        pure("date_trunc", &[Text, IntervalType], IntervalType, truncate_interval),
        pure("age", &[Timestamp, Timestamp], IntervalType, |a| {
            make(datetime::age(int(a, 0)?, int(a, 1)?)?)
        }),
        contextual("age", &[Timestamptz, Timestamptz], IntervalType, ZONE, |a| {
            let zone = zone(a, 2)?;
            make(datetime::age(zone.to_local(int(a, 0)?), zone.to_local(int(a, 1)?))?)
        }),
        contextual("age", &[Timestamp], IntervalType, &[Context::Zone, Context::Now], |a| {
            let today = zone(a, 1)?.to_local(int(a, 2)?).div_euclid(DAY_US) * DAY_US;
            make(datetime::age(today, int(a, 0)?)?)
        }),
        pure("make_date", &[Int4, Int4, Int4], Date, make_date),
        pure("make_time", &[Int4, Int4, Float8], Time, |a| {
            Ok(Datum::Int64(time_of(int(a, 0)?, int(a, 1)?, arg(a, 2).as_f64()?)?))
        }),
        pure("make_timestamp", &[Int4, Int4, Int4, Int4, Int4, Float8], Timestamp, |a| {
            Ok(Datum::Int64(make_timestamp(a)?))
        }),
        contextual(
            "make_timestamptz",
            &[Int4, Int4, Int4, Int4, Int4, Float8],
            Timestamptz,
            ZONE,
            |a| Ok(Datum::Int64(zone(a, 6)?.to_utc(make_timestamp(a)?))),
        ),
        pure("timezone", &[Text, Timestamptz], Timestamp, |a| {
            Ok(Datum::Int64(named_zone(a, 0)?.to_local(int(a, 1)?)))
        }),
        pure("timezone", &[Text, Timestamp], Timestamptz, |a| {
            let local = int(a, 1)?;
            let zone = named_zone(a, 0)?;
            Ok(Datum::Int64(if infinite(local) { local } else { zone.to_utc(local) }))
        }),
        pure("timezone", &[IntervalType, Timestamptz], Timestamp, |a| {
            let offset = interval(a, 0)?.microseconds / SECOND_US;
            Ok(Datum::Int64(Zone::Fixed(offset as i32).to_local(int(a, 1)?)))
        }),
        pure("timezone", &[IntervalType, Timestamp], Timestamptz, |a| {
            let offset = interval(a, 0)?.microseconds / SECOND_US;
            Ok(Datum::Int64(Zone::Fixed(offset as i32).to_utc(int(a, 1)?)))
        }),
        pure("to_timestamp", &[Float8], Timestamptz, |a| {
            let micros = (arg(a, 0).as_f64()? * 1e6).round_ties_even() as i64;
            Ok(Datum::Int64(datetime::from_unix_us(micros)))
        }),
        pure("isfinite", &[Date], Bool, |a| {
            let date = arg(a, 0).as_i32()?;
            Ok(Datum::Bool(
                date != datetime::DATE_INFINITY && date != datetime::DATE_NEGATIVE_INFINITY,
            ))
        }),
        pure("isfinite", &[Timestamp], Bool, |a| Ok(Datum::Bool(!infinite(int(a, 0)?)))),
        pure("isfinite", &[Timestamptz], Bool, |a| Ok(Datum::Bool(!infinite(int(a, 0)?)))),
        pure("isfinite", I1, Bool, |_| Ok(Datum::Bool(true))),
        pure("justify_hours", I1, IntervalType, |a| make(interval(a, 0)?.justify_hours()?)),
        pure("justify_days", I1, IntervalType, |a| {
            let value = interval(a, 0)?;
            make(Interval {
                months: value.months + value.days / 30,
                days: value.days % 30,
                ..value
            })
        }),
        pure("to_char", &[Timestamp, Text], Text, |a| {
            format::timestamp(int(a, 0)?, None, arg(a, 1).as_str()?)
        }),
        contextual("to_char", &[Timestamptz, Text], Text, ZONE, |a| {
            format::timestamp(int(a, 0)?, Some(zone(a, 2)?), arg(a, 1).as_str()?)
        }),
        pure("to_char", &[IntervalType, Text], Text, |a| {
            format::interval(&interval(a, 0)?, arg(a, 1).as_str()?)
        }),
        pure("to_char", &[NumericType, Text], Text, |a| {
            format::number(&Numeric::decode(arg(a, 0).as_bytes()?)?, arg(a, 1).as_str()?)
        }),
    ]);
}
