//! Dates, times and intervals out of numbers: `make_date` and its kin.

use super::zones::{unknown_zone, zone_at};
use super::{Function, ZONE, contextual, int, pure, zone};
use crate::error::{Error, Result, SqlState};
use crate::functions::arg;
use crate::types::Type::{
    Date, Float8, Int4, Interval as IntervalType, Text, Time, Timestamp, Timestamptz,
};
use crate::types::datetime::{self, Place, Zone};
use crate::types::interval::{DAY_US, HOUR_US, Interval, MINUTE_US, SECOND_US};
use crate::types::{Datum, Type};

fn overflow(message: String) -> Error {
    Error::new(SqlState::DatetimeFieldOverflow, message)
}

fn date(args: &[Datum]) -> Result<i32> {
    let (year, month, day) = (int(args, 0)?, int(args, 1)?, int(args, 2)?);
    let error = || overflow(format!("date field value out of range: {year}-{month:02}-{day:02}"));
    // There is no year 0: -1 is 1 BC.
    let counted = if year < 0 { year + 1 } else { year };
    let in_calendar = year != 0 && (1..=12).contains(&month) && (1..=31).contains(&day);
    let days = datetime::calendar::days_in_month(counted, month as u32);
    if !in_calendar || day > i64::from(days) {
        return Err(error());
    }
    datetime::make_date(counted, month as u32, day as u32)
        .ok_or_else(|| overflow(format!("date out of range: {year}-{month:02}-{day:02}")))
}

fn time(hour: i64, minute: i64, second: f64) -> Result<i64> {
    let micros = (second * 1e6).round_ties_even();
    let fits = (0..=24).contains(&hour)
        && (0..60).contains(&minute)
        && second >= 0.0
        && micros <= 60e6
        && (hour * HOUR_US + minute * MINUTE_US) as f64 + micros <= DAY_US as f64;
    if !fits {
        let second = format!("{second:02}");
        return Err(overflow(format!(
            "time field value out of range: {hour}:{minute:02}:{second:0>2}"
        )));
    }
    Ok(hour * HOUR_US + minute * MINUTE_US + micros as i64)
}

fn timestamp(args: &[Datum]) -> Result<i64> {
    let (year, month, day) = (int(args, 0)?, int(args, 1)?, int(args, 2)?);
    let days = date(args)?;
    let time = time(int(args, 3)?, int(args, 4)?, arg(args, 5).as_f64()?)?;
    let midnight = i64::from(days).checked_mul(DAY_US);
    let made = midnight.and_then(|midnight| midnight.checked_add(time));
    made.filter(|made| datetime::is_timestamp_in_range(*made)).ok_or_else(|| {
        let (hour, minute) = (int(args, 3).unwrap_or(0), int(args, 4).unwrap_or(0));
        let second = arg(args, 5).as_f64().unwrap_or(0.0);
        overflow(format!(
            "timestamp out of range: {year}-{month:02}-{day:02} {hour}:{minute:02}:{second:02}"
        ))
    })
}

/// The zone that `make_timestamptz` is given: a name, an abbreviation, or an offset east.
fn place(name: &str) -> Result<Place> {
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        let message = format!("invalid input syntax for type numeric time zone: \"{name}\"");
        return Err(Error::new(SqlState::InvalidParameterValue, message)
            .hint("Numeric time zones must have \"-\" or \"+\" as first character."));
    }
    if name.starts_with(['+', '-']) {
        return match datetime::offset(name) {
            Ok(east_s) => Ok(Place::Zone(Zone::Fixed(east_s))),
            Err(datetime::Bad::Displacement) => {
                let message = format!("numeric time zone \"{name}\" out of range");
                Err(Error::new(SqlState::InvalidParameterValue, message))
            }
            Err(_) => Err(unknown_zone(name)),
        };
    }
    Place::parse(name).ok_or_else(|| unknown_zone(name))
}

fn interval(args: &[Datum]) -> Result<Datum> {
    let number = |i: usize| arg(args, i).as_i64();
    let seconds = if args.len() > 6 { arg(args, 6).as_f64()? } else { 0.0 };
    let out_of_range = || overflow("interval out of range".into());
    if !seconds.is_finite() {
        return Err(out_of_range());
    }
    let of = |i: usize| if args.len() > i { number(i) } else { Ok(0) };
    let months = of(0)? * 12 + of(1)?;
    let days = of(2)? * 7 + of(3)?;
    let clock = of(4)? * HOUR_US + of(5)? * MINUTE_US;
    let micros = (seconds * SECOND_US as f64).round_ties_even();
    if !(-9.2e18..9.2e18).contains(&micros) {
        return Err(out_of_range());
    }
    let microseconds = clock.checked_add(micros as i64).ok_or_else(out_of_range)?;
    Ok(Datum::Bytes(Interval::from_parts(months, days, microseconds)?.encode()))
}

pub(super) fn register(all: &mut Vec<Function>) {
    static MOMENT: [Type; 7] = [Int4, Int4, Int4, Int4, Int4, Float8, Text];
    static PARTS: [Type; 7] = [Int4, Int4, Int4, Int4, Int4, Int4, Float8];
    let moment = MOMENT.split_at(6).0;
    all.extend([
        pure("make_date", &[Int4, Int4, Int4], Date, |a| Ok(Datum::Int32(date(a)?))),
        pure("make_time", &[Int4, Int4, Float8], Time, |a| {
            Ok(Datum::Int64(time(int(a, 0)?, int(a, 1)?, arg(a, 2).as_f64()?)?))
        }),
        pure("make_timestamp", moment, Timestamp, |a| Ok(Datum::Int64(timestamp(a)?))),
        contextual("make_timestamptz", moment, Timestamptz, ZONE, |a| {
            let utc = zone(a, 6)?.to_utc(timestamp(a)?);
            Ok(Datum::Int64(datetime::checked_timestamp(utc)?))
        }),
        pure("make_timestamptz", &MOMENT, Timestamptz, |a| {
            let local = timestamp(a)?;
            let place = place(arg(a, 6).as_str()?)?;
            let utc = match place {
                Place::Zone(zone) => zone.to_utc(local),
                place => zone_at(place, place.to_utc(local)).to_utc(local),
            };
            Ok(Datum::Int64(datetime::checked_timestamp(utc)?))
        }),
        pure("to_timestamp", &[Float8], Timestamptz, from_unix),
    ]);
    // Arguments that are left out are 0.
    let shorter = (0..=PARTS.len()).filter_map(|count| PARTS.get(..count));
    all.extend(shorter.map(|args| pure("make_interval", args, IntervalType, interval)));
}

fn from_unix(args: &[Datum]) -> Result<Datum> {
    let seconds = arg(args, 0).as_f64()?;
    if seconds.is_nan() {
        return Err(overflow("timestamp cannot be NaN".into()));
    }
    if seconds.is_infinite() {
        return Ok(Datum::Int64(match seconds > 0.0 {
            true => datetime::INFINITY,
            false => datetime::NEGATIVE_INFINITY,
        }));
    }
    let micros = (seconds - datetime::EPOCH_SECONDS as f64) * 1e6;
    let timestamp = micros.round_ties_even() as i64;
    match (-3e17..9.3e18).contains(&micros) && datetime::is_timestamp_in_range(timestamp) {
        true => Ok(Datum::Int64(timestamp)),
        false => {
            let shown = crate::types::io::format_float(seconds, &format!("{seconds:e}"), 6);
            Err(overflow(format!("timestamp out of range: \"{shown}\"")))
        }
    }
}
