//! Dates, times and timestamps as text, in each DateStyle.

use std::fmt::Write as _;

use super::calendar::{Civil, civil, moment, weekday};
use super::style::{DateFormat, DateOrder, DateStyle};
use super::timetz::TimeTz;
use super::zone::Zone;
use super::{DATE_INFINITY, DATE_NEGATIVE_INFINITY, INFINITY, NEGATIVE_INFINITY};
use crate::types::interval::{HOUR_US, MINUTE_US, SECOND_US};

/// Names of months.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Names of days, from Sunday.
pub const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Two digits of a number below 100.
fn two(value: u32, out: &mut String) {
    out.push(char::from(b'0' + (value / 10 % 10) as u8));
    out.push(char::from(b'0' + (value % 10) as u8));
}

/// At least four digits; of years before Christ, as these are counted.
fn write_year(year: i64, out: &mut String) {
    let shown = if year > 0 { year } else { 1 - year };
    match shown {
        0..10_000 => {
            two((shown / 100) as u32, out);
            two((shown % 100) as u32, out);
        }
        _ => drop(write!(out, "{shown}")),
    }
}

fn write_era(year: i64, out: &mut String) {
    if year <= 0 {
        out.push_str(" BC");
    }
}

/// Day and month in the order of the style.
fn write_day_and_month(date: Civil, order: DateOrder, delimiter: char, out: &mut String) {
    let (first, second) = match order {
        DateOrder::Dmy => (date.day, date.month),
        _ => (date.month, date.day),
    };
    two(first, out);
    out.push(delimiter);
    two(second, out);
    out.push(delimiter);
}

fn write_civil(date: Civil, style: DateStyle, out: &mut String) {
    match style.format {
        DateFormat::Iso => {
            write_year(date.year, out);
            out.push('-');
            two(date.month, out);
            out.push('-');
            two(date.day, out);
            return;
        }
        DateFormat::Sql => write_day_and_month(date, style.order, '/', out),
        DateFormat::German => write_day_and_month(date, DateOrder::Dmy, '.', out),
        DateFormat::Postgres => write_day_and_month(date, style.order, '-', out),
    }
    write_year(date.year, out);
}

/// Appends a `date`.
pub fn write_date(date: i32, style: DateStyle, out: &mut String) {
    match date {
        DATE_INFINITY => out.push_str("infinity"),
        DATE_NEGATIVE_INFINITY => out.push_str("-infinity"),
        date => {
            let date = civil(date.into());
            write_civil(date, style, out);
            write_era(date.year, out);
        }
    }
}

/// Appends a fraction of a second, if there is one, without zeros at its end.
pub fn write_fraction(micros: u32, out: &mut String) {
    if micros == 0 {
        return;
    }
    out.push('.');
    for pair in [micros / 10_000, micros / 100 % 100, micros % 100] {
        two(pair, out);
    }
    out.truncate(out.trim_end_matches('0').len());
}

/// Appends a `time`.
pub fn write_time(time_us: i64, out: &mut String) {
    let (seconds, micros) = (time_us / SECOND_US, time_us % SECOND_US);
    two((time_us / HOUR_US) as u32, out);
    out.push(':');
    two((time_us / MINUTE_US % 60) as u32, out);
    out.push(':');
    two((seconds % 60) as u32, out);
    write_fraction(micros as u32, out);
}

/// Appends an offset: `+02`, `+05:30`, `-04:56:02`.
pub fn write_offset(east_s: i32, out: &mut String) {
    out.push(if east_s < 0 { '-' } else { '+' });
    let s = east_s.unsigned_abs();
    match s / 3600 {
        hours @ 0..100 => two(hours, out),
        hours => drop(write!(out, "{hours}")),
    }
    if !s.is_multiple_of(3600) {
        out.push(':');
        two(s / 60 % 60, out);
    }
    if !s.is_multiple_of(60) {
        out.push(':');
        two(s % 60, out);
    }
}

/// Appends a `time with time zone`.
pub fn write_timetz(value: TimeTz, out: &mut String) {
    write_time(value.time_us, out);
    write_offset(value.east_s, out);
}

/// Appends a `timestamp`, or with `zone` a `timestamptz`.
pub fn write_timestamp(timestamp: i64, zone: Option<Zone>, style: DateStyle, out: &mut String) {
    match timestamp {
        INFINITY => return out.push_str("infinity"),
        NEGATIVE_INFINITY => return out.push_str("-infinity"),
        _ => {}
    }
    let offset = zone.map(|zone| zone.offset_at_utc(timestamp));
    let local = timestamp.saturating_add(i64::from(offset.unwrap_or(0)) * SECOND_US);
    let now = moment(local);
    let year = now.date.year;
    if style.format == DateFormat::Postgres {
        let name = |names: &[&'static str], index: u32| {
            names.get(index as usize).and_then(|name| name.get(..3)).unwrap_or_default()
        };
        out.push_str(name(&DAYS, weekday(now.days)));
        out.push(' ');
        let month = name(&MONTHS, now.date.month - 1);
        if style.order == DateOrder::Dmy {
            two(now.date.day, out);
            out.push(' ');
            out.push_str(month);
        } else {
            out.push_str(month);
            out.push(' ');
            two(now.date.day, out);
        }
        out.push(' ');
        write_time(now.time_us, out);
        out.push(' ');
        write_year(year, out);
    } else {
        write_civil(now.date, style, out);
        out.push(' ');
        write_time(now.time_us, out);
    }
    match (zone, offset, style.format) {
        (Some(_), Some(east_s), DateFormat::Iso) => write_offset(east_s, out),
        (Some(zone), ..) => {
            out.push(' ');
            out.push_str(&zone.abbreviation(timestamp));
        }
        _ => {}
    }
    write_era(year, out);
}

/// Style ISO's form of a `date`.
pub fn format_date(date: i32) -> String {
    let mut out = String::with_capacity(10);
    write_date(date, DateStyle::default(), &mut out);
    out
}

/// The form of a `time`.
pub fn format_time(time: i64) -> String {
    let mut out = String::with_capacity(8);
    write_time(time, &mut out);
    out
}

/// Style ISO's form of a `timestamp`, or with `zone` of a `timestamptz`.
pub fn format_timestamp(timestamp: i64, zone: Option<Zone>) -> String {
    let mut out = String::with_capacity(32);
    write_timestamp(timestamp, zone, DateStyle::default(), &mut out);
    out
}
