//! The modifier of type interval: which fields it keeps, and how many digits of a second.

use super::{DAY_US, HOUR_US, Interval, MINUTE_US};
use crate::types::datetime::round_to_precision;
use crate::types::datetime::words::Unit;

/// The fields of an interval from one to a smaller one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range(i32);

const MONTH: i32 = 1 << 1;
const YEAR: i32 = 1 << 2;
const DAY: i32 = 1 << 3;
const HOUR: i32 = 1 << 10;
const MINUTE: i32 = 1 << 11;
const SECOND: i32 = 1 << 12;
/// In a modifier: no digits are asked for.
const FULL_PRECISION: i32 = 0xffff;

impl Range {
    /// All fields.
    pub const FULL: Range = Range(0x7fff);

    /// The range that `first` or `first TO last` names, in lower case.
    pub fn named(first: &str, last: Option<&str>) -> Option<Range> {
        Some(Range(match (first, last) {
            ("year", None) => YEAR,
            ("month", None) => MONTH,
            ("day", None) => DAY,
            ("hour", None) => HOUR,
            ("minute", None) => MINUTE,
            ("second", None) => SECOND,
            ("year", Some("month")) => YEAR | MONTH,
            ("day", Some("hour")) => DAY | HOUR,
            ("day", Some("minute")) => DAY | HOUR | MINUTE,
            ("day", Some("second")) => DAY | HOUR | MINUTE | SECOND,
            ("hour", Some("minute")) => HOUR | MINUTE,
            ("hour", Some("second")) => HOUR | MINUTE | SECOND,
            ("minute", Some("second")) => MINUTE | SECOND,
            _ => return None,
        }))
    }

    /// The range of a modifier.
    pub fn of_typmod(typmod: i32) -> Range {
        if typmod < 0 { Range::FULL } else { Range(typmod >> 16 & 0x7fff) }
    }

    /// The modifier of this range.
    pub fn typmod(self, precision: Option<u32>) -> i32 {
        self.0 << 16 | precision.map_or(FULL_PRECISION, |digits| digits as i32)
    }

    /// Whether it is `MINUTE TO SECOND`, in which two numbers are those.
    pub fn is_minute_to_second(self) -> bool {
        self.0 == MINUTE | SECOND
    }

    /// What a last number without unit counts.
    pub fn last_unit(self) -> Unit {
        if self == Range::FULL || self.0 & SECOND != 0 {
            Unit::Second
        } else if self.0 & MINUTE != 0 {
            Unit::Minute
        } else if self.0 & HOUR != 0 {
            Unit::Hour
        } else if self.0 & DAY != 0 {
            Unit::Day
        } else if self.0 & MONTH != 0 {
            Unit::Month
        } else {
            Unit::Year
        }
    }

    /// Its name as format_type shows it: empty for all fields.
    pub fn name(self) -> &'static str {
        const YEAR_MONTH: i32 = YEAR | MONTH;
        const DAY_HOUR: i32 = DAY | HOUR;
        const DAY_MINUTE: i32 = DAY_HOUR | MINUTE;
        const DAY_SECOND: i32 = DAY_MINUTE | SECOND;
        const HOUR_MINUTE: i32 = HOUR | MINUTE;
        const HOUR_SECOND: i32 = HOUR_MINUTE | SECOND;
        const MINUTE_SECOND: i32 = MINUTE | SECOND;
        match self.0 {
            YEAR => " year",
            MONTH => " month",
            DAY => " day",
            HOUR => " hour",
            MINUTE => " minute",
            SECOND => " second",
            YEAR_MONTH => " year to month",
            DAY_HOUR => " day to hour",
            DAY_MINUTE => " day to minute",
            DAY_SECOND => " day to second",
            HOUR_MINUTE => " hour to minute",
            HOUR_SECOND => " hour to second",
            MINUTE_SECOND => " minute to second",
            _ => "",
        }
    }
}

/// The digits of a second that a modifier asks for.
pub fn precision(typmod: i32) -> Option<i32> {
    let digits = typmod & FULL_PRECISION;
    (typmod >= 0 && digits != FULL_PRECISION).then_some(digits)
}

/// What a modifier makes of an interval: fields below the range are cut off.
pub fn apply(typmod: i32, value: Interval) -> Interval {
    if typmod < 0 {
        return value;
    }
    let range = Range::of_typmod(typmod);
    let down = |unit: i64| Interval { microseconds: value.microseconds / unit * unit, ..value };
    let cut = match range.last_unit() {
        Unit::Year => Interval { months: value.months / 12 * 12, days: 0, microseconds: 0 },
        Unit::Month => Interval { days: 0, microseconds: 0, ..value },
        Unit::Day => Interval { microseconds: 0, ..value },
        Unit::Hour => down(HOUR_US),
        Unit::Minute => down(MINUTE_US),
        _ => value,
    };
    match precision(typmod) {
        Some(digits) => {
            Interval { microseconds: round_to_precision(cut.microseconds, digits), ..cut }
        }
        None => cut,
    }
}

/// Microseconds of the units whose length is fixed.
pub fn length_us(unit: Unit) -> Option<i64> {
    Some(match unit {
        Unit::Microsecond => 1,
        Unit::Millisecond => 1000,
        Unit::Second => super::SECOND_US,
        Unit::Minute => MINUTE_US,
        Unit::Hour => HOUR_US,
        Unit::Day => DAY_US,
        _ => return None,
    })
}
