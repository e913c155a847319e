//! Intervals as text, in each IntervalStyle.

use std::fmt::Write as _;

use super::{HOUR_US, Interval, MINUTE_US, SECOND_US};
use crate::types::datetime::output::write_fraction;
use crate::types::datetime::style::IntervalStyle;

/// The fields of an interval. All of the time have one sign.
struct Parts {
    years: i64,
    months: i64,
    days: i64,
    hours: i64,
    minutes: i64,
    seconds: i64,
    micros: i64,
}

impl Parts {
    fn new(value: &Interval) -> Parts {
        let time = value.microseconds;
        Parts {
            years: i64::from(value.months / 12),
            months: i64::from(value.months % 12),
            days: i64::from(value.days),
            hours: time / HOUR_US,
            minutes: time / MINUTE_US % 60,
            seconds: time / SECOND_US % 60,
            micros: time % SECOND_US,
        }
    }

    fn all(&self) -> [i64; 7] {
        [self.years, self.months, self.days, self.hours, self.minutes, self.seconds, self.micros]
    }

    fn time(&self) -> [i64; 4] {
        [self.hours, self.minutes, self.seconds, self.micros]
    }

    fn has_time(&self) -> bool {
        self.time().iter().any(|value| *value != 0)
    }

    fn is_time_negative(&self) -> bool {
        self.time().iter().any(|value| *value < 0)
    }

    /// Minutes and seconds, each with its colon before it.
    fn write_clock(&self, out: &mut String) {
        let _ = write!(out, ":{:02}:{:02}", self.minutes.abs(), self.seconds.abs());
        write_fraction(self.micros.unsigned_abs() as u32, out);
    }

    /// Seconds with their fraction, without a sign.
    fn write_seconds(&self, out: &mut String) {
        let _ = write!(out, "{}", self.seconds.abs());
        write_fraction(self.micros.unsigned_abs() as u32, out);
    }
}

/// Appends an interval.
pub fn write(value: &Interval, style: IntervalStyle, out: &mut String) {
    let parts = Parts::new(value);
    match style {
        IntervalStyle::Postgres => postgres(&parts, out),
        IntervalStyle::PostgresVerbose => verbose(&parts, out),
        IntervalStyle::SqlStandard => sql_standard(&parts, out),
        IntervalStyle::Iso8601 => iso_8601(&parts, out),
    }
}

fn postgres(parts: &Parts, out: &mut String) {
    let start = out.len();
    let mut negative_before = false;
    for (value, unit) in [(parts.years, "year"), (parts.months, "mon"), (parts.days, "day")] {
        if value == 0 {
            continue;
        }
        let space = if out.len() == start { "" } else { " " };
        let plus = if negative_before && value > 0 { "+" } else { "" };
        let plural = if value == 1 { "" } else { "s" };
        let _ = write!(out, "{space}{plus}{value} {unit}{plural}");
        negative_before = value < 0;
    }
    if parts.has_time() || out.len() == start {
        if out.len() != start {
            out.push(' ');
        }
        if parts.is_time_negative() {
            out.push('-');
        } else if negative_before {
            out.push('+');
        }
        let _ = write!(out, "{:02}", parts.hours.abs());
        parts.write_clock(out);
    }
}

fn verbose(parts: &Parts, out: &mut String) {
    out.push('@');
    // The first field that is not zero says whether all is `ago`.
    let ago = parts.all().iter().find(|value| **value != 0).is_some_and(|value| *value < 0);
    let units = ["year", "mon", "day", "hour", "min"];
    let mut zero = true;
    for (value, unit) in parts.all().into_iter().zip(units) {
        if value != 0 {
            let value = if ago { -value } else { value };
            let plural = if value == 1 { "" } else { "s" };
            let _ = write!(out, " {value} {unit}{plural}");
            zero = false;
        }
    }
    if parts.seconds != 0 || parts.micros != 0 {
        out.push(' ');
        if (parts.seconds < 0 || parts.micros < 0) != ago {
            out.push('-');
        }
        parts.write_seconds(out);
        let plural = if parts.seconds.abs() == 1 && parts.micros == 0 { "" } else { "s" };
        let _ = write!(out, " sec{plural}");
        zero = false;
    }
    if zero {
        out.push_str(" 0");
    }
    if ago {
        out.push_str(" ago");
    }
}

fn sql_standard(parts: &Parts, out: &mut String) {
    let has_negative = parts.all().iter().any(|value| *value < 0);
    let has_positive = parts.all().iter().any(|value| *value > 0);
    let has_months = parts.years != 0 || parts.months != 0;
    let has_day_time = parts.days != 0 || parts.has_time();
    let mixed = has_negative && has_positive || has_months && has_day_time;
    if !has_negative && !has_positive {
        out.push('0');
    } else if mixed {
        let sign = |negative: bool| if negative { '-' } else { '+' };
        let _ = write!(
            out,
            "{}{}-{} {}{} {}{}",
            sign(parts.years < 0 || parts.months < 0),
            parts.years.abs(),
            parts.months.abs(),
            sign(parts.days < 0),
            parts.days.abs(),
            sign(parts.is_time_negative()),
            parts.hours.abs(),
        );
        parts.write_clock(out);
    } else {
        if has_negative {
            out.push('-');
        }
        if has_months {
            let _ = write!(out, "{}-{}", parts.years.abs(), parts.months.abs());
            return;
        }
        if parts.days != 0 {
            let _ = write!(out, "{} ", parts.days.abs());
        }
        let _ = write!(out, "{}", parts.hours.abs());
        parts.write_clock(out);
    }
}

fn iso_8601(parts: &Parts, out: &mut String) {
    if parts.all().iter().all(|value| *value == 0) {
        out.push_str("PT0S");
        return;
    }
    out.push('P');
    let put = |value: i64, unit: char, out: &mut String| {
        if value != 0 {
            let _ = write!(out, "{value}{unit}");
        }
    };
    put(parts.years, 'Y', out);
    put(parts.months, 'M', out);
    put(parts.days, 'D', out);
    if parts.has_time() {
        out.push('T');
    }
    put(parts.hours, 'H', out);
    put(parts.minutes, 'M', out);
    if parts.seconds != 0 || parts.micros != 0 {
        if parts.seconds < 0 || parts.micros < 0 {
            out.push('-');
        }
        parts.write_seconds(out);
        out.push('S');
    }
}

/// Style postgres.
impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = String::new();
        write(self, IntervalStyle::Postgres, &mut out);
        f.write_str(&out)
    }
}
