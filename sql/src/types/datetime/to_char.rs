//! `to_char` of dates, times and intervals.

use super::calendar::{day_of_year, days_of, iso_week, iso_weekday, moment, weekday};
use super::output::{DAYS, MONTHS, write_offset};
use super::template::{self, Case, Key, Node, Ordinal, Pattern};
use super::{DAY_JULIAN_EPOCH, Zone, is_infinite};
use crate::error::{Error, Result, SqlState};
use crate::types::Datum;
use crate::types::interval::{HOUR_US, Interval, MINUTE_US, SECOND_US};

/// Roman numbers of months.
pub const ROMAN: [&str; 12] =
    ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];

/// What a template is filled from.
struct Fields {
    is_interval: bool,
    /// As people count it, if it is no interval's.
    year: i64,
    is_bc: bool,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    days: i64,
    day_of_year: i64,
    /// Offset and abbreviation.
    zone: Option<(i32, String)>,
}

/// `to_char(timestamp, text)`; with a zone, of a timestamptz.
///
/// # Errors
/// If the template asks for what there is not.
pub fn timestamp(timestamp: i64, zone: Option<Zone>, template: &str) -> Result<Datum> {
    if is_infinite(timestamp) || template.is_empty() {
        return Ok(Datum::Null);
    }
    let now = moment(zone.map_or(timestamp, |zone| zone.to_local(timestamp)));
    let year = now.date.year;
    let fields = Fields {
        is_interval: false,
        year: if year > 0 { year } else { 1 - year },
        is_bc: year <= 0,
        month: now.date.month.into(),
        day: now.date.day.into(),
        hour: now.time_us / HOUR_US,
        minute: now.time_us / MINUTE_US % 60,
        second: now.time_us / SECOND_US % 60,
        micros: now.time_us % SECOND_US,
        days: now.days,
        day_of_year: day_of_year(now.date),
        zone: zone.map(|zone| (zone.offset_at_utc(timestamp), zone.abbreviation(timestamp))),
    };
    fill(&fields, template)
}

/// `to_char(interval, text)`.
///
/// # Errors
/// If the template asks for what intervals do not have.
pub fn interval(value: &Interval, template: &str) -> Result<Datum> {
    if template.is_empty() {
        return Ok(Datum::Null);
    }
    let time = value.microseconds;
    let fields = Fields {
        is_interval: true,
        year: i64::from(value.months / 12),
        is_bc: false,
        month: i64::from(value.months % 12),
        day: value.days.into(),
        hour: time / HOUR_US,
        minute: time / MINUTE_US % 60,
        second: time / SECOND_US % 60,
        micros: time % SECOND_US,
        // Of the date that the parts would be one of, where they are; the month before the first is 0.
        days: days_of(i64::from(value.months / 12), (value.months % 12).max(0) as u32, 0)
            + i64::from(value.days),
        // About as many days as there are in all.
        day_of_year: i64::from(value.months) * 30 + i64::from(value.days),
        zone: None,
    };
    fill(&fields, template)
}

fn fill(fields: &Fields, template: &str) -> Result<Datum> {
    let mut out = String::with_capacity(template.len() * 2);
    for node in template::parse(template) {
        match node {
            Node::Separator(c) | Node::Space(c) | Node::Char(c) => out.push(c),
            Node::Field { key, fill, translated, ordinal } => {
                let start = out.len();
                fields.write(key, fill, translated, &mut out)?;
                if let Some(ordinal) = ordinal
                    && takes_ordinal(key.pattern)
                {
                    let ending = ending(out.get(start..).unwrap_or_default());
                    match ordinal {
                        Ordinal::Upper => out.push_str(&ending.to_ascii_uppercase()),
                        Ordinal::Lower => out.push_str(ending),
                    }
                }
            }
        }
    }
    Ok(Datum::Text(out))
}

fn takes_ordinal(pattern: Pattern) -> bool {
    !matches!(
        pattern,
        Pattern::Era { .. }
            | Pattern::Half { .. }
            | Pattern::DayName
            | Pattern::DayShort
            | Pattern::MonthName
            | Pattern::MonthShort
            | Pattern::MonthRoman
            | Pattern::Offset
            | Pattern::OffsetHours
            | Pattern::OffsetMinutes
            | Pattern::Zone
            | Pattern::Fixed
    )
}

fn ending(digits: &str) -> &'static str {
    let mut last = digits.bytes().rev();
    match (last.next(), last.next()) {
        (_, Some(b'1')) => "th",
        (Some(b'1'), _) => "st",
        (Some(b'2'), _) => "nd",
        (Some(b'3'), _) => "rd",
        _ => "th",
    }
}

fn cased(text: &str, case: Case) -> String {
    match case {
        Case::Upper => text.to_ascii_uppercase(),
        Case::Title => text.to_owned(),
        Case::Lower => text.to_ascii_lowercase(),
    }
}

impl Fields {
    /// So many last digits of a year. That of the value decides on the place of a sign.
    fn write_year(&self, year: i64, digits: u32, fill: bool, out: &mut String) {
        use std::fmt::Write as _;
        let width = digits as usize + usize::from(self.year < 0);
        let width = if fill { 0 } else { width };
        let year = last_digits(year, digits);
        let _ = write!(out, "{year:0width$}");
    }

    fn no_interval(&self) -> Result<()> {
        if !self.is_interval {
            return Ok(());
        }
        let message = "invalid format specification for an interval value";
        Err(Error::new(SqlState::InvalidDatetimeFormat, message)
            .hint("Intervals are not tied to specific calendar dates."))
    }

    fn write(&self, key: &Key, fill: bool, translated: bool, out: &mut String) -> Result<()> {
        use std::fmt::Write as _;
        // A sign takes a place of its own.
        let number = |value: i64, width: usize, out: &mut String| {
            let width = match (fill, value < 0) {
                (true, _) => 0,
                (false, true) => width + 1,
                (false, false) => width,
            };
            let _ = write!(out, "{value:0width$}");
        };
        let name = |text: &str, width: usize, out: &mut String| {
            let width = if fill || translated { 0 } else { width };
            let _ = write!(out, "{:width$}", cased(text, key.case()));
        };
        let of = |names: &[&'static str], index: i64| {
            usize::try_from(index).ok().and_then(|at| names.get(at)).copied().unwrap_or_default()
        };
        let short = |text: &'static str| text.get(..3).unwrap_or(text);
        let is_upper = key.case() == Case::Upper;
        match key.pattern {
            Pattern::Half { periods } => {
                let afternoon = self.hour % 24 >= 12;
                let text = match (afternoon, periods) {
                    (false, false) => "AM",
                    (true, false) => "PM",
                    (false, true) => "A.M.",
                    (true, true) => "P.M.",
                };
                out.push_str(&if is_upper { text.to_owned() } else { text.to_lowercase() });
            }
            Pattern::Era { periods } => {
                self.no_interval()?;
                let text = match (self.is_bc, periods) {
                    (false, false) => "AD",
                    (true, false) => "BC",
                    (false, true) => "A.D.",
                    (true, true) => "B.C.",
                };
                out.push_str(&if is_upper { text.to_owned() } else { text.to_lowercase() });
            }
            Pattern::Hour12 => {
                let hour = self.hour % 12;
                let width = if self.hour < 0 { 3 } else { 2 };
                let hour = if hour == 0 { 12 } else { hour };
                let width = if fill { 0 } else { width };
                let _ = write!(out, "{hour:0width$}");
            }
            Pattern::Hour24 => number(self.hour, 2, out),
            Pattern::Minute => number(self.minute, 2, out),
            Pattern::Second => number(self.second, 2, out),
            Pattern::Milliseconds => drop(write!(out, "{:03}", self.micros / 1000)),
            Pattern::Microseconds => drop(write!(out, "{:06}", self.micros)),
            Pattern::Fraction(digits) => {
                let unit = 10i64.pow(6 - digits.min(6));
                let width = digits as usize;
                let _ = write!(out, "{:0width$}", self.micros / unit);
            }
            Pattern::SecondsOfDay => {
                let seconds = self.hour * 3600 + self.minute * 60 + self.second;
                let _ = write!(out, "{seconds}");
            }
            Pattern::Zone => {
                self.no_interval()?;
                if let Some((_, name)) = &self.zone {
                    out.push_str(&if is_upper { name.clone() } else { name.to_lowercase() });
                }
            }
            Pattern::OffsetHours => {
                self.no_interval()?;
                let east_s = self.zone.as_ref().map_or(0, |zone| zone.0);
                let sign = if east_s >= 0 { '+' } else { '-' };
                let _ = write!(out, "{sign}{:02}", east_s.abs() / 3600);
            }
            Pattern::OffsetMinutes => {
                self.no_interval()?;
                let east_s = self.zone.as_ref().map_or(0, |zone| zone.0);
                let _ = write!(out, "{:02}", east_s.abs() / 60 % 60);
            }
            Pattern::Offset => {
                self.no_interval()?;
                let east_s = self.zone.as_ref().map_or(0, |zone| zone.0);
                let whole = east_s / 60 * 60;
                match fill {
                    false => write_offset(whole, out),
                    true => {
                        let sign = if east_s >= 0 { '+' } else { '-' };
                        let _ = write!(out, "{sign}{}", east_s.abs() / 3600);
                        if east_s.abs() / 60 % 60 != 0 {
                            let _ = write!(out, ":{:02}", east_s.abs() / 60 % 60);
                        }
                    }
                }
            }
            Pattern::MonthName => {
                self.no_interval()?;
                name(of(&MONTHS, self.month - 1), 9, out);
            }
            Pattern::MonthShort => {
                self.no_interval()?;
                name(short(of(&MONTHS, self.month - 1)), 0, out);
            }
            Pattern::Month => number(self.month, 2, out),
            Pattern::DayName => {
                self.no_interval()?;
                name(of(&DAYS, weekday(self.days).into()), 9, out);
            }
            Pattern::DayShort => {
                self.no_interval()?;
                name(short(of(&DAYS, weekday(self.days).into())), 0, out);
            }
            Pattern::DayOfYear => {
                let width = if fill { 0 } else { 3 };
                let _ = write!(out, "{:0width$}", self.day_of_year);
            }
            Pattern::IsoDayOfYear => {
                let (_, week) = iso_week(self.days);
                number(i64::from(week - 1) * 7 + i64::from(iso_weekday(self.days)), 3, out);
            }
            Pattern::Day => {
                let width = if fill { 0 } else { 2 };
                let _ = write!(out, "{:0width$}", self.day);
            }
            Pattern::DayOfWeek => {
                self.no_interval()?;
                number(i64::from(weekday(self.days)) + 1, 1, out);
            }
            Pattern::IsoDayOfWeek => {
                self.no_interval()?;
                number(iso_weekday(self.days).into(), 1, out);
            }
            Pattern::WeekOfYear => number((self.day_of_year - 1) / 7 + 1, 2, out),
            Pattern::IsoWeek => number(iso_week(self.days).1.into(), 2, out),
            Pattern::Quarter => {
                if self.month != 0 {
                    number((self.month - 1) / 3 + 1, 1, out);
                }
            }
            Pattern::Century => {
                let century = if self.is_interval {
                    self.year / 100
                } else if self.is_bc {
                    (1 - self.year) / 100 - 1
                } else {
                    (self.year - 1) / 100 + 1
                };
                number(century, 2, out);
            }
            Pattern::YearWithComma => {
                let _ = write!(out, "{},{:03}", self.year / 1000, self.year % 1000);
            }
            Pattern::Year(digits) => {
                self.write_year(self.year, digits, fill, out);
            }
            Pattern::IsoYear(digits) => {
                let year = match self.is_interval {
                    true => iso_week(self.days).0,
                    false => match iso_week(self.days).0 {
                        year if year > 0 => year,
                        year => 1 - year,
                    },
                };
                self.write_year(year, digits, fill, out);
            }
            Pattern::MonthRoman => {
                if self.month != 0 || self.year != 0 {
                    // Of negative months the last one is the first.
                    let index = match self.month {
                        0 if self.year >= 0 => 11,
                        0 => 0,
                        month if month < 0 => 12 + month,
                        month => month - 1,
                    };
                    let width = if fill { 0 } else { 4 };
                    let roman = of(&ROMAN, index);
                    let roman = if is_upper { roman.to_owned() } else { roman.to_lowercase() };
                    let _ = write!(out, "{roman:width$}");
                }
            }
            Pattern::WeekOfMonth => number((self.day - 1) / 7 + 1, 1, out),
            Pattern::Julian => drop(write!(out, "{}", self.days + DAY_JULIAN_EPOCH)),
            Pattern::Fixed => {}
        }
        Ok(())
    }
}

fn last_digits(year: i64, digits: u32) -> i64 {
    if digits >= 4 { year } else { year % 10i64.pow(digits) }
}
