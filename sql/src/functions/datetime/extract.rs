//! `extract`, `date_part` and `date_trunc`: fields of dates, times and intervals.

use super::zones::{self, named_zone};
use super::{Function, ZONE, contextual, int, interval, make, pure, zone};
use crate::error::{Error, Result, SqlState};
use crate::functions::arg;
use crate::types::Type::{
    Date, Float8, Interval as IntervalType, Numeric as NumericType, Text, Time, Timestamp,
    Timestamptz, Timetz,
};
use crate::types::datetime::parts::{self, Part};
use crate::types::datetime::timetz::TimeTz;
use crate::types::datetime::words::{self, Unit};
use crate::types::datetime::{self, Zone};
use crate::types::interval::SECOND_US;
use crate::types::{Datum, Type};

fn unknown(name: &str, kind: Type) -> Error {
    let message = format!("unit \"{name}\" not recognized for type {}", kind.name());
    Error::new(SqlState::InvalidParameterValue, message)
}

fn unsupported(name: &str, kind: Type) -> Error {
    let message = format!("unit \"{name}\" not supported for type {}", kind.name());
    Error::new(SqlState::FeatureNotSupported, message)
}

/// The field that the first argument names.
fn unit(args: &[Datum], kind: Type) -> Result<(Unit, String)> {
    let name = arg(args, 0).as_str()?.to_ascii_lowercase();
    match words::field(&name) {
        Some(unit) => Ok((unit, name)),
        None => Err(unknown(&name, kind)),
    }
}

/// A field of a value, where `find` gives what the type has.
fn part(args: &[Datum], kind: Type, find: impl FnOnce(Unit) -> Option<Part>) -> Result<Part> {
    let (unit, name) = unit(args, kind)?;
    // Words such as `now` are no fields of types that know of no special dates.
    let timeless = matches!(kind, Time | Timetz | IntervalType);
    match find(unit) {
        Some(part) => Ok(part),
        None if timeless && unit == Unit::Reserved => Err(unknown(&name, kind)),
        None => Err(unsupported(&name, kind)),
    }
}

fn of_date(args: &[Datum]) -> Result<Part> {
    let date = arg(args, 1).as_i32()?;
    part(args, Date, |unit| match datetime::is_infinite_date(date) {
        // Not of a date: those of a time.
        true => parts::of_date(unit, 0).and_then(|_| parts::of_infinity(unit, date < 0)),
        false => parts::of_date(unit, date.into()),
    })
}

fn of_timestamp(args: &[Datum]) -> Result<Part> {
    let local = int(args, 1)?;
    part(args, Timestamp, |unit| match datetime::is_infinite(local) {
        true => parts::of_infinity(unit, local < 0),
        false => parts::of_timestamp(unit, local, None),
    })
}

fn of_timestamptz(args: &[Datum]) -> Result<Part> {
    let (utc, zone) = (int(args, 1)?, zone(args, 2)?);
    part(args, Timestamptz, |unit| match datetime::is_infinite(utc) {
        true => parts::of_infinity(unit, utc < 0),
        false => {
            let east_s = zone.offset_at_utc(utc);
            parts::of_timestamp(unit, zone.to_local(utc), Some(east_s))
        }
    })
}

fn of_time(args: &[Datum]) -> Result<Part> {
    let time = int(args, 1)?;
    part(args, Time, |unit| parts::of_time(unit, time))
}

fn of_timetz(args: &[Datum]) -> Result<Part> {
    let value = TimeTz::decode(arg(args, 1).as_bytes()?)?;
    part(args, Timetz, |unit| match unit {
        Unit::Epoch => Some(Part::Scaled(value.utc_us().into(), 6)),
        unit => {
            parts::of_time(unit, value.time_us).or_else(|| parts::of_offset(unit, value.east_s))
        }
    })
}

fn of_interval(args: &[Datum]) -> Result<Part> {
    let value = interval(args, 1)?;
    part(args, IntervalType, |unit| parts::of_interval(unit, &value))
}

fn numeric(part: Part) -> Result<Datum> {
    Ok(part.numeric()?.map_or(Datum::Null, |value| Datum::Bytes(value.encode())))
}

fn float(part: Part) -> Result<Datum> {
    Ok(part.float().map_or(Datum::Null, Datum::Float64))
}

fn truncate(args: &[Datum]) -> Result<Datum> {
    let local = int(args, 1)?;
    if datetime::is_infinite(local) {
        return Ok(Datum::Int64(local));
    }
    let (unit, name) = unit(args, Timestamp)?;
    match parts::truncate(unit, local) {
        Some(start) => Ok(Datum::Int64(datetime::checked_timestamp(start)?)),
        None => Err(unsupported(&name, Timestamp)),
    }
}

fn truncate_in(args: &[Datum], zone: Zone) -> Result<Datum> {
    let utc = int(args, 1)?;
    if datetime::is_infinite(utc) {
        return Ok(Datum::Int64(utc));
    }
    let (unit, name) = unit(args, Timestamptz)?;
    let local = zone.to_local(utc);
    let start = parts::truncate(unit, local).ok_or_else(|| unsupported(&name, Timestamptz))?;
    let start = match parts::keeps_date(unit) {
        true => start - i64::from(zone.offset_at_utc(utc)) * SECOND_US,
        false => zone.to_utc(start),
    };
    Ok(Datum::Int64(datetime::checked_timestamp(start)?))
}

fn truncate_interval(args: &[Datum]) -> Result<Datum> {
    let value = interval(args, 1)?;
    let (unit, name) = unit(args, IntervalType)?;
    match parts::truncate_interval(unit, &value) {
        Some(value) => make(value),
        None if unit == Unit::Week => {
            Err(unsupported(&name, IntervalType).detail("Months usually have fractional weeks."))
        }
        None if unit == Unit::Reserved || unit == Unit::Epoch => Err(unknown(&name, IntervalType)),
        None => Err(unsupported(&name, IntervalType)),
    }
}

pub(super) fn register(all: &mut Vec<Function>) {
    all.extend([
        pure("extract", &[Text, Date], NumericType, |a| numeric(of_date(a)?)),
        pure("extract", &[Text, Timestamp], NumericType, |a| numeric(of_timestamp(a)?)),
        contextual("extract", &[Text, Timestamptz], NumericType, ZONE, |a| {
            numeric(of_timestamptz(a)?)
        }),
        pure("extract", &[Text, Time], NumericType, |a| numeric(of_time(a)?)),
        pure("extract", &[Text, Timetz], NumericType, |a| numeric(of_timetz(a)?)),
        pure("extract", &[Text, IntervalType], NumericType, |a| numeric(of_interval(a)?)),
        pure("date_part", &[Text, Date], Float8, |a| {
            let local = datetime::date_to_timestamp(arg(a, 1).as_i32()?)?;
            float(of_timestamp(&[arg(a, 0).clone(), Datum::Int64(local)])?)
        }),
        pure("date_part", &[Text, Timestamp], Float8, |a| float(of_timestamp(a)?)),
        contextual("date_part", &[Text, Timestamptz], Float8, ZONE, |a| float(of_timestamptz(a)?)),
        pure("date_part", &[Text, Time], Float8, |a| float(of_time(a)?)),
        pure("date_part", &[Text, Timetz], Float8, |a| float(of_timetz(a)?)),
        pure("date_part", &[Text, IntervalType], Float8, |a| match of_interval(a)? {
            // The sum as PostgreSQL makes it, to the last bit.
            Part::Scaled(..) if unit(a, IntervalType)?.0 == Unit::Epoch => {
                let value = interval(a, 1)?;
                let mut seconds = value.microseconds as f64 / 1e6;
                seconds += 365.25 * 86_400.0 * f64::from(value.months / 12);
                seconds += 30.0 * 86_400.0 * f64::from(value.months % 12);
                seconds += 86_400.0 * f64::from(value.days);
                Ok(Datum::Float64(seconds))
            }
            part => float(part),
        }),
        pure("date_trunc", &[Text, Timestamp], Timestamp, truncate),
        contextual("date_trunc", &[Text, Timestamptz], Timestamptz, ZONE, |a| {
            truncate_in(a, zone(a, 2)?)
        }),
        pure("date_trunc", &[Text, Timestamptz, Text], Timestamptz, |a| {
            let place = named_zone(a, 2)?;
            truncate_in(a, zones::zone_at(place, int(a, 1)?))
        }),
        pure("date_trunc", &[Text, IntervalType], IntervalType, truncate_interval),
    ]);
}
