//! What `extract` and `date_trunc` give, by field.

use super::calendar::{
    civil, day_of_year, days_of, iso_week, iso_weekday, moment, shown_year, weekday,
};
use super::words::Unit;
use super::{DAY_JULIAN_EPOCH, to_unix_us};
use crate::error::Result;
use crate::types::Numeric;
use crate::types::interval::{DAY_US, HOUR_US, Interval, MINUTE_US, SECOND_US};

/// A field's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A whole number.
    Whole(i64),
    /// A number of so many decimal places, as a count of the last one.
    Scaled(i128, u32),
    /// The Julian day, and the microseconds of that day.
    Julian(i64, i64),
    /// What grows without end.
    Infinite {
        /// Whether it is `-infinity`.
        negative: bool,
    },
    /// What an infinite date or time does not have.
    Null,
}

impl Part {
    /// As `extract` gives it; `None` for NULL.
    ///
    /// # Errors
    /// None that a date can bring about.
    pub fn numeric(&self) -> Result<Option<Numeric>> {
        Ok(Some(match self {
            Part::Whole(value) => Numeric::from_i64(*value),
            Part::Scaled(value, scale) => Numeric::new(*value, *scale),
            Part::Julian(days, time_us) => {
                let share = Numeric::from_i64(*time_us).div(&Numeric::from_i64(DAY_US))?;
                Numeric::from_i64(*days).add(&share)
            }
            Part::Infinite { negative: false } => Numeric::Infinity,
            Part::Infinite { negative: true } => Numeric::NegativeInfinity,
            Part::Null => return Ok(None),
        }))
    }

    /// As `date_part` gives it; `None` for NULL.
    pub fn float(&self) -> Option<f64> {
        Some(match self {
            Part::Whole(value) => *value as f64,
            Part::Scaled(value, scale) => *value as f64 / 10f64.powi(*scale as i32),
            Part::Julian(days, time_us) => *days as f64 + *time_us as f64 / DAY_US as f64,
            Part::Infinite { negative: false } => f64::INFINITY,
            Part::Infinite { negative: true } => f64::NEG_INFINITY,
            Part::Null => return None,
        })
    }
}

/// A field of a date by its day number. `None`: dates have no such field.
pub fn of_date(unit: Unit, days: i64) -> Option<Part> {
    let date = civil(days);
    let year = date.year;
    Some(Part::Whole(match unit {
        Unit::Day => date.day.into(),
        Unit::Month => date.month.into(),
        Unit::Quarter => i64::from((date.month - 1) / 3 + 1),
        Unit::Week => iso_week(days).1.into(),
        Unit::Year => shown_year(year),
        Unit::Decade => year.div_euclid(10),
        Unit::Century if year > 0 => (year + 99) / 100,
        Unit::Century => -((99 - (year - 1)) / 100),
        Unit::Millennium if year > 0 => (year + 999) / 1000,
        Unit::Millennium => -((999 - (year - 1)) / 1000),
        Unit::Julian => days + DAY_JULIAN_EPOCH,
        Unit::IsoYear => shown_year(iso_week(days).0),
        Unit::DayOfWeek => weekday(days).into(),
        Unit::IsoDayOfWeek => iso_weekday(days).into(),
        Unit::DayOfYear => day_of_year(date),
        Unit::Epoch => to_unix_us(days * DAY_US) / SECOND_US,
        _ => return None,
    }))
}

/// A field of a time of day. `None`: it has no such field.
pub fn of_time(unit: Unit, time_us: i64) -> Option<Part> {
    let of_minute = time_us % MINUTE_US;
    Some(match unit {
        Unit::Microsecond => Part::Whole(of_minute),
        Unit::Millisecond => Part::Scaled(of_minute.into(), 3),
        Unit::Second => Part::Scaled(of_minute.into(), 6),
        Unit::Minute => Part::Whole(time_us / MINUTE_US % 60),
        Unit::Hour => Part::Whole(time_us / HOUR_US),
        Unit::Epoch => Part::Scaled(time_us.into(), 6),
        _ => return None,
    })
}

/// A field of an offset, in seconds east. `None`: it is another field.
pub fn of_offset(unit: Unit, east_s: i32) -> Option<Part> {
    Some(Part::Whole(i64::from(match unit {
        Unit::Timezone => east_s,
        Unit::TimezoneHour => east_s / 3600,
        Unit::TimezoneMinute => east_s / 60 % 60,
        _ => return None,
    })))
}

/// A field of a local timestamp, with its offset if it has one. `None`: it has no such field.
pub fn of_timestamp(unit: Unit, local: i64, east_s: Option<i32>) -> Option<Part> {
    let now = moment(local);
    if unit == Unit::Epoch {
        let utc = local - i64::from(east_s.unwrap_or(0)) * SECOND_US;
        return Some(Part::Scaled(i128::from(utc) + i128::from(to_unix_us(0)), 6));
    }
    if unit == Unit::Julian {
        return Some(Part::Julian(now.days + DAY_JULIAN_EPOCH, now.time_us));
    }
    let of_offset = || east_s.and_then(|east_s| of_offset(unit, east_s));
    of_time(unit, now.time_us).or_else(|| of_date(unit, now.days)).or_else(of_offset)
}

/// A field of an infinite timestamp or date. `None`: it has no such field.
pub fn of_infinity(unit: Unit, negative: bool) -> Option<Part> {
    match unit {
        Unit::Year
        | Unit::Decade
        | Unit::Century
        | Unit::Millennium
        | Unit::Julian
        | Unit::IsoYear
        | Unit::Epoch => Some(Part::Infinite { negative }),
        Unit::Time | Unit::Reserved => None,
        _ => Some(Part::Null),
    }
}

/// A field of an interval. `None`: it has no such field.
pub fn of_interval(unit: Unit, value: &Interval) -> Option<Part> {
    let (months, time) = (i64::from(value.months), value.microseconds);
    Some(match unit {
        Unit::Epoch => {
            // A year has 365.25 days here, a month 30.
            let quarters = months / 12 * 1461 + months % 12 * 120 + i64::from(value.days) * 4;
            let seconds = quarters * (86_400 / 4);
            let us = i128::from(seconds) * i128::from(SECOND_US) + i128::from(time);
            return Some(Part::Scaled(us, 6));
        }
        Unit::Year => Part::Whole(months / 12),
        Unit::Month => Part::Whole(months % 12),
        Unit::Quarter => Part::Whole(months % 12 / 3 + 1),
        Unit::Decade => Part::Whole(months / 120),
        Unit::Century => Part::Whole(months / 1200),
        Unit::Millennium => Part::Whole(months / 12_000),
        Unit::Day => Part::Whole(value.days.into()),
        unit => return of_time(unit, time),
    })
}

/// `date_trunc` on a local timestamp. `None`: it does not cut at such a field.
pub fn truncate(unit: Unit, local: i64) -> Option<i64> {
    let down = |unit: i64| local.div_euclid(unit) * unit;
    let now = moment(local);
    let start = |year: i64, month: u32| days_of(year, month, 1) * DAY_US;
    let (year, month) = (now.date.year, now.date.month);
    Some(match unit {
        Unit::Microsecond => local,
        Unit::Millisecond => down(1000),
        Unit::Second => down(SECOND_US),
        Unit::Minute => down(MINUTE_US),
        Unit::Hour => down(HOUR_US),
        Unit::Day => down(DAY_US),
        Unit::Week => (now.days + 1 - i64::from(iso_weekday(now.days))) * DAY_US,
        Unit::Month => start(year, month),
        Unit::Quarter => start(year, (month - 1) / 3 * 3 + 1),
        Unit::Year => start(year, 1),
        Unit::Decade => start(year.div_euclid(10) * 10, 1),
        Unit::Century => start((year - 1).div_euclid(100) * 100 + 1, 1),
        Unit::Millennium => start((year - 1).div_euclid(1000) * 1000 + 1, 1),
        _ => return None,
    })
}

/// Whether `date_trunc` to this field leaves the date as it is, and with it the offset of the clock.
pub fn keeps_date(unit: Unit) -> bool {
    matches!(unit, Unit::Microsecond | Unit::Millisecond | Unit::Second | Unit::Minute | Unit::Hour)
}

/// `date_trunc` on an interval. `None`: it does not cut at such a field.
pub fn truncate_interval(unit: Unit, value: &Interval) -> Option<Interval> {
    let months = |unit: i32| Interval { months: value.months / unit * unit, ..Interval::default() };
    let time = |unit: i64| Interval { microseconds: value.microseconds / unit * unit, ..*value };
    Some(match unit {
        Unit::Millennium => months(12_000),
        Unit::Century => months(1200),
        Unit::Decade => months(120),
        Unit::Year => months(12),
        Unit::Quarter => months(3),
        Unit::Month => months(1),
        Unit::Day => Interval { microseconds: 0, ..*value },
        Unit::Hour => time(HOUR_US),
        Unit::Minute => time(MINUTE_US),
        Unit::Second => time(SECOND_US),
        Unit::Millisecond => time(1000),
        Unit::Microsecond => *value,
        _ => return None,
    })
}
