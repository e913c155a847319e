//! The proleptic Gregorian calendar: day numbers to years, months and days, and back.
//!
//! Days count from 2000-01-01. Years are astronomical: 0 is 1 BC. The arithmetic is that of
//! Howard Hinnant's `chrono`-compatible algorithms, in which a year begins in March.

use super::super::interval::DAY_US;

/// Days from 0000-03-01 to 2000-01-01.
const EPOCH: i64 = 730_425;
/// Days of 400 years, after which the calendar repeats.
pub const CYCLE_DAYS: i64 = 146_097;
/// 2000-01-01 as a Julian day.
pub const EPOCH_JULIAN: i64 = 2_451_545;

/// A date by year, month and day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// The year; 0 is 1 BC.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

/// A timestamp on the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The date.
    pub date: Civil,
    /// The date's day number.
    pub days: i64,
    /// The time of day.
    pub time_us: i64,
}

/// The number of a day. A day beyond the end of its month counts on into the next.
pub fn days_of(year: i64, month: u32, day: u32) -> i64 {
    let year = year - i64::from(month <= 2);
    let cycle = year.div_euclid(400);
    let of_cycle = year.rem_euclid(400);
    let from_march = (i64::from(month) + 9) % 12;
    let of_year = (153 * from_march + 2) / 5 + i64::from(day) - 1;
    cycle * CYCLE_DAYS + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year - EPOCH
}

/// The date that a day number means.
pub fn civil(days: i64) -> Civil {
    let days = days + EPOCH;
    let cycle = days.div_euclid(CYCLE_DAYS);
    let of_cycle = days.rem_euclid(CYCLE_DAYS);
    let year = (of_cycle - of_cycle / 1460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = (of_year - (153 * from_march + 2) / 5 + 1) as u32;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 } as u32;
    Civil { year: year + cycle * 400 + i64::from(month <= 2), month, day }
}

/// Takes a timestamp apart.
pub fn moment(timestamp: i64) -> Moment {
    let days = timestamp.div_euclid(DAY_US);
    Moment { date: civil(days), days, time_us: timestamp.rem_euclid(DAY_US) }
}

/// Whether a year has a 29th of February.
pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month.
pub fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The day of the week; 0 is Sunday.
pub fn weekday(days: i64) -> u32 {
    (days + 6).rem_euclid(7) as u32
}

/// The day of the week of ISO 8601: 1 is Monday, 7 Sunday.
pub fn iso_weekday(days: i64) -> u32 {
    (days + 5).rem_euclid(7) as u32 + 1
}

/// The number of a day in its year, from 1.
pub fn day_of_year(date: Civil) -> i64 {
    days_of(date.year, date.month, date.day) - days_of(date.year, 1, 1) + 1
}

/// The first day, a Monday, of an ISO year.
fn iso_year_start(year: i64) -> i64 {
    let fourth = days_of(year, 1, 4);
    fourth - i64::from(iso_weekday(fourth)) + 1
}

/// The ISO year and week that a day lies in.
pub fn iso_week(days: i64) -> (i64, u32) {
    let near = civil(days).year;
    let mut year = near + 1;
    while iso_year_start(year) > days {
        year -= 1;
    }
    (year, ((days - iso_year_start(year)) / 7 + 1) as u32)
}

/// The first day of a week of an ISO year.
pub fn iso_week_start(year: i64, week: i64) -> i64 {
    iso_year_start(year) + (week - 1) * 7
}

/// The year as people count it: there is none between 1 BC, which is -1, and 1.
pub fn shown_year(year: i64) -> i64 {
    if year > 0 { year } else { year - 1 }
}
