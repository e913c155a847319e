//! Intervals: months, days and microseconds, kept apart as in PostgreSQL.
//!
//! Two intervals compare by their estimated length (a month is 30 days, a day 24 hours), so
//! `1 mon = 30 days` although they print differently. The encoding puts that length first:
//! sixteen bytes that sort and are canonical, then the parts.

mod input;
pub mod output;
pub mod range;

pub use input::{Malformed, parse};

use crate::error::{Error, Result, SqlState};

/// Days of a month, where one has to be assumed.
pub const DAYS_OF_MONTH: i32 = 30;

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
    pub fn sub(&self, other: &Interval) -> Result<Interval> {
        let difference = || {
            Some(Interval {
                months: self.months.checked_sub(other.months)?,
                days: self.days.checked_sub(other.days)?,
                microseconds: self.microseconds.checked_sub(other.microseconds)?,
            })
        };
        difference().ok_or_else(out_of_range)
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

    /// Whole 30-day periods become months.
    ///
    /// # Errors
    /// If there are too many.
    pub fn justify_days(&self) -> Result<Interval> {
        let months = self.days / DAYS_OF_MONTH;
        let whole = self.months.checked_add(months);
        let mut out = Interval {
            months: whole.ok_or_else(out_of_range)?,
            days: self.days - months * DAYS_OF_MONTH,
            ..*self
        };
        if out.months > 0 && out.days < 0 {
            out.days += DAYS_OF_MONTH;
            out.months -= 1;
        } else if out.months < 0 && out.days > 0 {
            out.days -= DAYS_OF_MONTH;
            out.months += 1;
        }
        Ok(out)
    }

    /// Both, and all parts get one sign.
    ///
    /// # Errors
    /// If a part is too large.
    pub fn justify(&self) -> Result<Interval> {
        let days = self.microseconds / DAY_US;
        let mut out = Interval { microseconds: self.microseconds - days * DAY_US, ..*self };
        let days = i64::from(self.days) + days;
        let months = days / i64::from(DAYS_OF_MONTH);
        out.days = (days % i64::from(DAYS_OF_MONTH)) as i32;
        let months = i64::from(self.months) + months;
        out.months = i32::try_from(months).map_err(|_| out_of_range())?;
        if out.months > 0 && (out.days < 0 || out.days == 0 && out.microseconds < 0) {
            out.days += DAYS_OF_MONTH;
            out.months -= 1;
        } else if out.months < 0 && (out.days > 0 || out.days == 0 && out.microseconds > 0) {
            out.days -= DAYS_OF_MONTH;
            out.months += 1;
        }
        if out.days > 0 && out.microseconds < 0 {
            out.microseconds += DAY_US;
            out.days -= 1;
        } else if out.days < 0 && out.microseconds > 0 {
            out.microseconds -= DAY_US;
            out.days += 1;
        }
        Ok(out)
    }

    /// From parts that may be too large.
    ///
    /// # Errors
    /// If they are.
    pub fn from_parts(months: i64, days: i64, microseconds: i64) -> Result<Interval> {
        let months = i32::try_from(months).map_err(|_| out_of_range())?;
        let days = i32::try_from(days).map_err(|_| out_of_range())?;
        Ok(Interval { months, days, microseconds })
    }
}

fn round6(value: f64) -> f64 {
    (value * 1e6).round_ties_even() / 1e6
}
