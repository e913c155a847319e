//! Intervals: months, days and microseconds, kept apart as in PostgreSQL.
//!
//! Two intervals compare by their estimated length (a month is 30 days, a day 24 hours), so
//! `1 mon = 30 days` although they print differently. The encoding puts that length first:
//! sixteen bytes that sort and are canonical, then the parts.

use crate::error::{Error, Result, SqlState};

/// Microseconds of a day.
pub const DAY_US: i64 = 86_400_000_000;
/// Microseconds of an hour.
pub const HOUR_US: i64 = 3_600_000_000;
/// Microseconds of a minute.
pub const MINUTE_US: i64 = 60_000_000;
/// Microseconds of a second.
pub const SECOND_US: i64 = 1_000_000;

/// Bytes of an encoding that decide its order.
pub const CANONICAL_BYTES: usize = 16;

/// An `interval` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Interval {
    /// Months, years included.
    pub months: i32,
    /// Days, weeks included.
    pub days: i32,
    /// The time part.
    pub microseconds: i64,
}

fn out_of_range() -> Error {
    Error::new(SqlState::DatetimeFieldOverflow, "interval out of range")
}

impl Interval {
    /// Estimated length, for comparisons.
    pub fn estimate_us(&self) -> i128 {
        let days = i128::from(self.months) * 30 + i128::from(self.days);
        days * i128::from(DAY_US) + i128::from(self.microseconds)
    }

    /// The sortable encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        out.extend((self.estimate_us() as u128 ^ (1 << 127)).to_be_bytes());
        out.extend(self.months.to_be_bytes());
        out.extend(self.days.to_be_bytes());
        out.extend(self.microseconds.to_be_bytes());
        out
    }

    /// Reads [`Interval::encode`]'s form.
    pub fn decode(bytes: &[u8]) -> Result<Interval> {
        let parts = bytes.get(CANONICAL_BYTES..).and_then(|rest| {
            let (months, rest) = rest.split_first_chunk::<4>()?;
            let (days, rest) = rest.split_first_chunk::<4>()?;
            let microseconds = rest.try_into().ok()?;
            Some(Interval {
                months: i32::from_be_bytes(*months),
                days: i32::from_be_bytes(*days),
                microseconds: i64::from_be_bytes(microseconds),
            })
        });
        parts.ok_or_else(|| Error::new(SqlState::DataCorrupted, "unreadable interval value"))
    }

    /// Field by field.
    pub fn add(&self, other: &Interval) -> Result<Interval> {
        let sum = || {
            Some(Interval {
                months: self.months.checked_add(other.months)?,
                days: self.days.checked_add(other.days)?,
                microseconds: self.microseconds.checked_add(other.microseconds)?,
            })
        };
        sum().ok_or_else(out_of_range)
    }

    /// Field by field.
    pub fn neg(&self) -> Result<Interval> {
        let negated = || {
            Some(Interval {
                months: self.months.checked_neg()?,
                days: self.days.checked_neg()?,
                microseconds: self.microseconds.checked_neg()?,
            })
        };
        negated().ok_or_else(out_of_range)
    }

    /// Fractions cascade from months to days and from days to time.
    pub fn mul(&self, factor: f64) -> Result<Interval> {
        let months = f64::from(self.months) * factor;
        let days = f64::from(self.days) * factor;
        let whole_months = months.trunc();
        let whole_days = days.trunc();
        let month_days = round6((months - whole_months) * 30.0);
        let seconds = round6((days - whole_days + month_days - month_days.trunc()) * 86_400.0);
        let time = self.microseconds as f64 * factor + seconds * SECOND_US as f64;
        let total_days = whole_days + month_days.trunc();
        let fits = whole_months.abs() <= f64::from(i32::MAX)
            && total_days.abs() <= f64::from(i32::MAX)
            && time.abs() <= i64::MAX as f64;
        if !fits {
            return Err(out_of_range());
        }
        Ok(Interval {
            months: whole_months as i32,
            days: total_days as i32,
            microseconds: time.round_ties_even() as i64,
        })
    }

    /// The reciprocal of [`Interval::mul`].
    pub fn div(&self, divisor: f64) -> Result<Interval> {
        if divisor == 0.0 {
            return Err(Error::new(SqlState::DivisionByZero, "division by zero"));
        }
        let months = f64::from(self.months) / divisor;
        let days = f64::from(self.days) / divisor;
        let month_days = round6((months - months.trunc()) * 30.0);
        let seconds = round6((days - days.trunc() + month_days - month_days.trunc()) * 86_400.0);
        let time = self.microseconds as f64 / divisor + seconds * SECOND_US as f64;
        Ok(Interval {
            months: months.trunc() as i32,
            days: (days.trunc() + month_days.trunc()) as i32,
            microseconds: time.round_ties_even() as i64,
        })
    }

    /// Whole 24-hour periods become days.
    pub fn justify_hours(&self) -> Interval {
        let days = self.microseconds / DAY_US;
        let mut out = Interval {
            months: self.months,
            days: self.days + days as i32,
            microseconds: self.microseconds - days * DAY_US,
        };
        if out.days > 0 && out.microseconds < 0 {
            out.microseconds += DAY_US;
            out.days -= 1;
        } else if out.days < 0 && out.microseconds > 0 {
            out.microseconds -= DAY_US;
            out.days += 1;
        }
        out
    }

    /// Parses PostgreSQL's input syntax and ISO 8601; `None` if malformed.
    pub fn parse(text: &str) -> Option<Interval> {
        let text = text.trim();
        if let Some(iso) = text.strip_prefix('P') {
            return parse_iso(iso);
        }
        let mut total = Parts::default();
        let mut ago = false;
        let spaced = separate_units(text);
        let mut words = spaced.split_whitespace().peekable();
        words.peek()?;
        let mut any = false;
        while let Some(word) = words.next() {
            if word == "@" {
                continue;
            }
            if word.eq_ignore_ascii_case("ago") {
                ago = true;
                continue;
            }
            any = true;
            if word.contains(':') {
                total.add_time(word)?;
                continue;
            }
            if let Some((years, months)) = year_month(word) {
                total.months += years * 12.0 + months;
                continue;
            }
            let value: f64 = word.parse().ok()?;
            let unit = match words.peek() {
                Some(next) if next.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                    if next.eq_ignore_ascii_case("ago") { "seconds" } else { words.next()? }
                }
                // `1 12:00:00` is a day and a time; a lone last number is seconds.
                Some(next) if next.contains(':') => "days",
                _ => "seconds",
            };
            total.add_unit(value, unit)?;
        }
        if !any {
            return None;
        }
        let interval = total.finish()?;
        if ago { interval.neg().ok() } else { Some(interval) }
    }
}

fn round6(value: f64) -> f64 {
    (value * 1e6).round_ties_even() / 1e6
}

/// `1day` is `1 day`.
fn separate_units(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut digit_before = false;
    for c in text.chars() {
        if c.is_ascii_alphabetic() && digit_before {
            out.push(' ');
        }
        digit_before = c.is_ascii_digit() || c == '.';
        out.push(c);
    }
    out
}

/// `1-2` is a year and two months.
fn year_month(word: &str) -> Option<(f64, f64)> {
    let (sign, body) = match word.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, word),
    };
    let (years, months) = body.split_once('-')?;
    let parse = |text: &str| text.parse::<u32>().ok().map(f64::from);
    Some((sign * parse(years)?, sign * parse(months)?))
}

#[derive(Default)]
struct Parts {
    months: f64,
    days: f64,
    microseconds: f64,
}

impl Parts {
    fn add_unit(&mut self, value: f64, unit: &str) -> Option<()> {
        let unit = unit.to_ascii_lowercase();
        match unit.as_str() {
            "microsecond" | "microseconds" | "us" | "usec" | "usecs" | "usecond" | "useconds" => {
                self.microseconds += value;
            }
            "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" | "msecond" | "mseconds" => {
                self.microseconds += value * 1e3;
            }
            "second" | "seconds" | "sec" | "secs" | "s" => self.microseconds += value * 1e6,
            "minute" | "minutes" | "min" | "mins" | "m" => self.microseconds += value * 6e7,
            "hour" | "hours" | "hr" | "hrs" | "h" => self.microseconds += value * 3.6e9,
            "day" | "days" | "d" => self.days += value,
            "week" | "weeks" | "w" => self.days += value * 7.0,
            "month" | "months" | "mon" | "mons" => self.months += value,
            "year" | "years" | "yr" | "yrs" | "y" => self.months += value * 12.0,
            "decade" | "decades" | "decs" | "dec" => self.months += value * 120.0,
            "century" | "centuries" | "cent" | "c" => self.months += value * 1200.0,
            "millennium" | "millennia" | "mil" | "mils" => self.months += value * 12_000.0,
            _ => return None,
        }
        Some(())
    }

    fn add_time(&mut self, word: &str) -> Option<()> {
        let (sign, body) = match word.strip_prefix('-') {
            Some(rest) => (-1.0, rest),
            None => (1.0, word.strip_prefix('+').unwrap_or(word)),
        };
        let mut fields = body.split(':');
        let hours: f64 = fields.next()?.parse::<u32>().ok()?.into();
        let minutes: f64 = fields.next()?.parse().ok()?;
        let seconds: f64 = fields.next().map_or(Some(0.0), |text| text.parse().ok())?;
        if fields.next().is_some() || minutes >= 60.0 || seconds >= 61.0 {
            return None;
        }
        self.microseconds += sign * (hours * 3.6e9 + minutes * 6e7 + seconds * 1e6);
        Some(())
    }

    /// Fractions of a month become days, fractions of a day become time.
    fn finish(self) -> Option<Interval> {
        let months = self.months.trunc();
        let days = self.days + round6((self.months - months) * 30.0);
        let whole_days = days.trunc();
        let time = self.microseconds + round6(days - whole_days) * DAY_US as f64;
        let fits = months.abs() <= f64::from(i32::MAX) && whole_days.abs() <= f64::from(i32::MAX);
        fits.then_some(Interval {
            months: months as i32,
            days: whole_days as i32,
            microseconds: time.round_ties_even() as i64,
        })
    }
}

fn parse_iso(text: &str) -> Option<Interval> {
    let mut parts = Parts::default();
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    for (section, is_time) in [(date, false), (time, true)] {
        let mut number = String::new();
        for c in section.chars() {
            if c.is_ascii_digit() || matches!(c, '.' | '-' | '+') {
                number.push(c);
                continue;
            }
            let value: f64 = number.parse().ok()?;
            number.clear();
            let unit = match (c, is_time) {
                ('Y', false) => "year",
                ('M', false) => "month",
                ('W', false) => "week",
                ('D', false) => "day",
                ('H', true) => "hour",
                ('M', true) => "minute",
                ('S', true) => "second",
                _ => return None,
            };
            parts.add_unit(value, unit)?;
        }
        if !number.is_empty() {
            return None;
        }
    }
    parts.finish()
}

/// The `postgres` interval style.
impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut first = true;
        let mut negative_before = false;
        let (years, months) = (self.months / 12, self.months % 12);
        for (value, unit) in [(years, "year"), (months, "mon"), (self.days, "day")] {
            if value == 0 {
                continue;
            }
            let space = if first { "" } else { " " };
            let plus = if negative_before && value > 0 { "+" } else { "" };
            let plural = if value == 1 { "" } else { "s" };
            write!(f, "{space}{plus}{value} {unit}{plural}")?;
            negative_before = value < 0;
            first = false;
        }
        if self.microseconds != 0 || first {
            let space = if first { "" } else { " " };
            let sign = match self.microseconds {
                us if us < 0 => "-",
                _ if negative_before => "+",
                _ => "",
            };
            let us = self.microseconds.unsigned_abs();
            let (hours, rest) = (us / HOUR_US as u64, us % HOUR_US as u64);
            let (minutes, rest) = (rest / MINUTE_US as u64, rest % MINUTE_US as u64);
            let (seconds, fraction) = (rest / SECOND_US as u64, rest % SECOND_US as u64);
            write!(f, "{space}{sign}{hours:02}:{minutes:02}:{seconds:02}")?;
            if fraction != 0 {
                write!(f, ".{}", format!("{fraction:06}").trim_end_matches('0'))?;
            }
        }
        Ok(())
    }
}
