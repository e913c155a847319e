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
        Interval::cascade(months, days, self.microseconds as f64 * factor)
    }

    /// The reciprocal of [`Interval::mul`].
    pub fn div(&self, divisor: f64) -> Result<Interval> {
        if divisor == 0.0 {
            return Err(Error::new(SqlState::DivisionByZero, "division by zero"));
        }
        let months = f64::from(self.months) / divisor;
        let days = f64::from(self.days) / divisor;
        Interval::cascade(months, days, self.microseconds as f64 / divisor)
    }

    /// Fractions of a month become days, fractions of a day become time.
    fn cascade(months: f64, days: f64, microseconds: f64) -> Result<Interval> {
        let mut month_days = round6(months.fract() * 30.0);
        let mut seconds = round6((days.fract() + month_days.fract()) * 86_400.0);
        // Rounding may have made a whole day of it.
        if seconds.abs() >= 86_400.0 {
            month_days = month_days.trunc() + (seconds / 86_400.0).trunc();
            seconds -= (seconds / 86_400.0).trunc() * 86_400.0;
        }
        let days = days.trunc() + month_days.trunc();
        let time = (microseconds + seconds * SECOND_US as f64).round_ties_even();
        let int4 = |value: f64| (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&value);
        // The largest float8 below 2^63 is the last that int8 holds.
        let int8 = (i64::MIN as f64..i64::MAX as f64).contains(&time);
        if !int4(months.trunc()) || !int4(days) || !int8 {
            return Err(out_of_range());
        }
        Ok(Interval { months: months.trunc() as i32, days: days as i32, microseconds: time as i64 })
    }

    /// Whole 24-hour periods become days.
    pub fn justify_hours(&self) -> Result<Interval> {
        let days = self.microseconds / DAY_US;
        let whole = i32::try_from(days).ok().and_then(|days| self.days.checked_add(days));
        let mut out = Interval {
            months: self.months,
            days: whole.ok_or_else(out_of_range)?,
            microseconds: self.microseconds - days * DAY_US,
        };
        if out.days > 0 && out.microseconds < 0 {
            out.microseconds += DAY_US;
            out.days -= 1;
        } else if out.days < 0 && out.microseconds > 0 {
            out.microseconds -= DAY_US;
            out.days += 1;
        }
        Ok(out)
    }

    /// Parses PostgreSQL's input syntax and ISO 8601.
    pub fn parse(text: &str) -> std::result::Result<Interval, Malformed> {
        let text = text.trim();
        if let Some(iso) = text.strip_prefix('P') {
            return parse_iso(iso);
        }
        let mut total = Parts::default();
        let mut ago = false;
        let mut negative = false;
        let spaced = separate_units(text);
        let mut words = spaced.split_whitespace().peekable();
        while let Some(word) = words.next() {
            match word {
                "@" => continue,
                "-" if !negative => {
                    negative = true;
                    continue;
                }
                _ if word.eq_ignore_ascii_case("ago") => {
                    ago = true;
                    continue;
                }
                _ => {}
            }
            let signed = if negative { format!("-{word}") } else { word.to_owned() };
            negative = false;
            if word.contains(':') {
                total.add_time(&signed)?;
                continue;
            }
            if let Some((years, months)) = year_month(&signed) {
                total.add(Unit::Month, Number { whole: years * 12 + months, fraction: 0.0 })?;
                continue;
            }
            let value = Number::parse(&signed)?;
            let unit = match words.peek() {
                Some(next) if next.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                    match next.eq_ignore_ascii_case("ago") {
                        true => Unit::Second,
                        false => unit(words.next().unwrap_or_default())?,
                    }
                }
                // `1 12:00:00` is a day and a time; only a last number is seconds.
                Some(next) if next.contains(':') => Unit::Day,
                None => Unit::Second,
                Some(_) => return Err(Malformed::Syntax),
            };
            total.add(unit, value)?;
        }
        if total.used == 0 || negative {
            return Err(Malformed::Syntax);
        }
        let interval = total.finish()?;
        if ago { interval.neg().map_err(|_| Malformed::Range) } else { Ok(interval) }
    }

    /// What is left when only this field and those above it count, as in
    /// `interval '1 day 2 hours' day`. `None` for a field that intervals do not have.
    pub fn truncate_to(self, field: &str) -> Option<Interval> {
        let down = |unit: i64| self.microseconds / unit * unit;
        Some(match field {
            "year" => Interval { months: self.months / 12 * 12, days: 0, microseconds: 0 },
            "month" => Interval { days: 0, microseconds: 0, ..self },
            "day" => Interval { microseconds: 0, ..self },
            "hour" => Interval { microseconds: down(HOUR_US), ..self },
            "minute" => Interval { microseconds: down(MINUTE_US), ..self },
            "second" => self,
            _ => return None,
        })
    }
}

/// Why a string is not an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It does not read as one.
    Syntax,
    /// A field is too large.
    Range,
}

fn round6(value: f64) -> f64 {
    (value * 1e6).round_ties_even() / 1e6
}

/// `1day` is `1 day`, and `1h30m` two such pairs.
fn separate_units(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    for c in text.chars() {
        let number = |c: char| c.is_ascii_digit() || c == '.';
        if c.is_ascii_alphabetic() && number(before) || before.is_ascii_alphabetic() && number(c) {
            out.push(' ');
        }
        before = c;
        out.push(c);
    }
    out
}

/// `1-2` is a year and two months.
fn year_month(word: &str) -> Option<(i64, i64)> {
    let (sign, body) = match word.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, word),
    };
    let (years, months) = body.split_once('-')?;
    let parse = |text: &str| text.parse::<u32>().ok().map(i64::from);
    Some((sign * parse(years)?, sign * parse(months)?))
}

/// A number of units: an exact whole, and a fraction of the same sign.
#[derive(Clone, Copy)]
struct Number {
    whole: i64,
    fraction: f64,
}

impl Number {
    fn parse(text: &str) -> std::result::Result<Number, Malformed> {
        let (sign, body) = match text.split_at_checked(1) {
            Some(("-", rest)) => (-1.0, rest),
            Some(("+", rest)) => (1.0, rest),
            _ => (1.0, text),
        };
        let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || whole.len() + fraction.len() == 0 {
            // Such as 1e3, which PostgreSQL takes as well.
            let value: f64 = text.parse().map_err(|_| Malformed::Syntax)?;
            let fits = value.abs() < i64::MAX as f64;
            let exact = Number { whole: value.trunc() as i64, fraction: value.fract() };
            return if fits { Ok(exact) } else { Err(Malformed::Range) };
        }
        let whole = match whole {
            "" => 0,
            // With its sign, because the least integer has no positive counterpart.
            _ if sign < 0.0 => format!("-{whole}").parse().map_err(|_| Malformed::Range)?,
            _ => whole.parse().map_err(|_| Malformed::Range)?,
        };
        let fraction: f64 = match fraction {
            "" => 0.0,
            digits => format!("0.{digits}").parse().map_err(|_| Malformed::Syntax)?,
        };
        Ok(Number { whole, fraction: sign * fraction })
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
    Decade,
    Century,
    Millennium,
}

fn unit(word: &str) -> std::result::Result<Unit, Malformed> {
    Ok(match word.to_ascii_lowercase().as_str() {
        "microsecond" | "microseconds" | "us" | "usec" | "usecs" | "usecond" | "useconds" => {
            Unit::Microsecond
        }
        "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" | "msecond" | "mseconds" => {
            Unit::Millisecond
        }
        "second" | "seconds" | "sec" | "secs" | "s" => Unit::Second,
        "minute" | "minutes" | "min" | "mins" | "m" => Unit::Minute,
        "hour" | "hours" | "hr" | "hrs" | "h" => Unit::Hour,
        "day" | "days" | "d" => Unit::Day,
        "week" | "weeks" | "w" => Unit::Week,
        "month" | "months" | "mon" | "mons" => Unit::Month,
        "year" | "years" | "yr" | "yrs" | "y" => Unit::Year,
        "decade" | "decades" | "decs" | "dec" => Unit::Decade,
        "century" | "centuries" | "cent" | "c" => Unit::Century,
        "millennium" | "millennia" | "mil" | "mils" => Unit::Millennium,
        _ => return Err(Malformed::Syntax),
    })
}

/// Fields summed up exactly; fractions cascade downwards unit by unit.
#[derive(Default)]
struct Parts {
    months: i64,
    days: i64,
    microseconds: i64,
    /// The units seen, one bit each: none may occur twice.
    used: u16,
}

impl Parts {
    fn add(&mut self, unit: Unit, value: Number) -> std::result::Result<(), Malformed> {
        let bit = 1 << unit as u16;
        if self.used & bit != 0 {
            return Err(Malformed::Syntax);
        }
        self.used |= bit;
        self.sum(unit, value).ok_or(Malformed::Range)
    }

    fn sum(&mut self, unit: Unit, value: Number) -> Option<()> {
        let Number { whole, fraction } = value;
        let scaled = |scale: i64| {
            let part = (fraction * scale as f64).round_ties_even() as i64;
            whole.checked_mul(scale)?.checked_add(part)
        };
        let mut days = 0.0;
        match unit {
            Unit::Microsecond => self.microseconds = self.microseconds.checked_add(scaled(1)?)?,
            Unit::Millisecond => {
                self.microseconds = self.microseconds.checked_add(scaled(1000)?)?
            }
            Unit::Second => {
                self.microseconds = self.microseconds.checked_add(scaled(SECOND_US)?)?
            }
            Unit::Minute => {
                self.microseconds = self.microseconds.checked_add(scaled(MINUTE_US)?)?
            }
            Unit::Hour => self.microseconds = self.microseconds.checked_add(scaled(HOUR_US)?)?,
            Unit::Day => {
                self.days = self.days.checked_add(whole)?;
                days = fraction;
            }
            Unit::Week => {
                self.days = self.days.checked_add(whole.checked_mul(7)?)?;
                days = fraction * 7.0;
            }
            Unit::Month => {
                self.months = self.months.checked_add(whole)?;
                days = fraction * 30.0;
            }
            Unit::Year => self.months = self.months.checked_add(scaled(12)?)?,
            Unit::Decade => self.months = self.months.checked_add(scaled(120)?)?,
            Unit::Century => self.months = self.months.checked_add(scaled(1200)?)?,
            Unit::Millennium => self.months = self.months.checked_add(scaled(12_000)?)?,
        }
        let days = round6(days);
        self.days = self.days.checked_add(days.trunc() as i64)?;
        let rest = (days.fract() * DAY_US as f64).round_ties_even() as i64;
        self.microseconds = self.microseconds.checked_add(rest)?;
        Some(())
    }

    fn add_time(&mut self, word: &str) -> std::result::Result<(), Malformed> {
        let (sign, body) = match word.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, word.strip_prefix('+').unwrap_or(word)),
        };
        let fields: Vec<&str> = body.split(':').collect();
        let (hours, minutes, seconds) = match fields.as_slice() {
            // With a fraction the last field is seconds, also of two.
            [minutes, seconds] if seconds.contains('.') => ("0", *minutes, *seconds),
            [hours, minutes] => (*hours, *minutes, "0"),
            [hours, minutes, seconds] => (*hours, *minutes, *seconds),
            _ => return Err(Malformed::Syntax),
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(hours) || !digits(minutes) {
            return Err(Malformed::Syntax);
        }
        let seconds = Number::parse(seconds)?;
        let minutes: i64 = minutes.parse().map_err(|_| Malformed::Range)?;
        if minutes > 59 || seconds.whole > 60 || seconds.fraction < 0.0 {
            return Err(Malformed::Range);
        }
        let hours: i64 = hours.parse().map_err(|_| Malformed::Range)?;
        for (unit, value) in [
            (Unit::Hour, Number { whole: sign * hours, fraction: 0.0 }),
            (Unit::Minute, Number { whole: sign * minutes, fraction: 0.0 }),
            (
                Unit::Second,
                Number { whole: sign * seconds.whole, fraction: sign as f64 * seconds.fraction },
            ),
        ] {
            self.add(unit, value)?;
        }
        Ok(())
    }

    fn finish(self) -> std::result::Result<Interval, Malformed> {
        Ok(Interval {
            months: self.months.try_into().map_err(|_| Malformed::Range)?,
            days: self.days.try_into().map_err(|_| Malformed::Range)?,
            microseconds: self.microseconds,
        })
    }
}

/// `1Y2M3DT4H5M6S`, or the alternative form `0001-02-03T04:05:06`.
fn parse_iso(text: &str) -> std::result::Result<Interval, Malformed> {
    let mut parts = Parts::default();
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    let mut alternative = date.split('-');
    if let (Some(years), Some(months), Some(days), None) =
        (alternative.next(), alternative.next(), alternative.next(), alternative.next())
        && !years.is_empty()
        && date.bytes().all(|b| b.is_ascii_digit() || b == b'-')
    {
        parts.add(Unit::Year, Number::parse(years)?)?;
        parts.add(Unit::Month, Number::parse(months)?)?;
        parts.add(Unit::Day, Number::parse(days)?)?;
        if !time.is_empty() {
            parts.add_time(time)?;
        }
        return parts.finish();
    }
    for (section, is_time) in [(date, false), (time, true)] {
        let mut number = String::new();
        for c in section.chars() {
            if c.is_ascii_digit() || matches!(c, '.' | '-' | '+') {
                number.push(c);
                continue;
            }
            let value = Number::parse(&number)?;
            number.clear();
            let unit = match (c, is_time) {
                ('Y', false) => Unit::Year,
                ('M', false) => Unit::Month,
                ('W', false) => Unit::Week,
                ('D', false) => Unit::Day,
                ('H', true) => Unit::Hour,
                ('M', true) => Unit::Minute,
                ('S', true) => Unit::Second,
                _ => return Err(Malformed::Syntax),
            };
            parts.add(unit, value)?;
        }
        if !number.is_empty() {
            return Err(Malformed::Syntax);
        }
    }
    if parts.used == 0 {
        return Err(Malformed::Syntax);
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
