//! Dates, times and timestamps.
//!
//! A date is days, a timestamp microseconds since 2000-01-01, as in PostgreSQL; the extreme
//! integers stand for the infinities. The calendar is proleptic Gregorian. A `timestamptz` is
//! in UTC and meets a time zone only on its way in and out.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Offset, TimeZone, Timelike};

use super::interval::{DAY_US, HOUR_US, Interval, MINUTE_US, SECOND_US};
use crate::error::{Error, Result, SqlState};

/// `infinity` as a date.
pub const DATE_INFINITY: i32 = i32::MAX;
/// `-infinity` as a date.
pub const DATE_NEGATIVE_INFINITY: i32 = i32::MIN;
/// `infinity` as a timestamp.
pub const INFINITY: i64 = i64::MAX;
/// `-infinity` as a timestamp.
pub const NEGATIVE_INFINITY: i64 = i64::MIN;
/// Seconds from the Unix epoch to 2000-01-01.
const EPOCH_SECONDS: i64 = 946_684_800;
/// 2000-01-01, counted from 0001-01-01 as day 1.
const EPOCH_DAYS_CE: i32 = 730_120;

/// A time zone: a named one, or a fixed offset east of Greenwich in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Zone {
    /// From the tz database.
    Named(chrono_tz::Tz),
    /// Seconds east.
    Fixed(i32),
}

impl Zone {
    /// UTC.
    pub const UTC: Zone = Zone::Named(chrono_tz::UTC);

    /// Finds a zone by name, abbreviation or offset.
    pub fn parse(text: &str) -> Option<Zone> {
        if let Some(offset) = parse_offset(text) {
            return Some(Zone::Fixed(offset));
        }
        let upper = text.to_ascii_uppercase();
        let fixed = match upper.as_str() {
            "Z" | "UTC" | "GMT" | "ZULU" | "UCT" => return Some(Zone::UTC),
            "EST" => -5,
            "EDT" => -4,
            "CST" => -6,
            "CDT" => -5,
            "MST" => -7,
            "MDT" => -6,
            "PST" => -8,
            "PDT" => -7,
            "CET" => 1,
            "CEST" => 2,
            "BST" => 1,
            "JST" => 9,
            _ => {
                let mut zones = chrono_tz::TZ_VARIANTS.iter();
                let exact = text.parse().ok();
                return exact
                    .or_else(|| zones.find(|z| z.name().eq_ignore_ascii_case(text)).copied())
                    .map(Zone::Named);
            }
        };
        Some(Zone::Fixed(fixed * 3600))
    }

    /// As [`Zone::parse`], but an offset is in POSIX's sense, west of Greenwich, as it is wherever
    /// PostgreSQL wants the name of a zone.
    pub fn parse_name(text: &str) -> Option<Zone> {
        match Zone::parse(text)? {
            Zone::Fixed(east) if text.starts_with(['+', '-']) => Some(Zone::Fixed(-east)),
            zone => Some(zone),
        }
    }

    /// The name that SHOW TimeZone gives.
    pub fn name(&self) -> String {
        match self {
            Zone::Named(zone) => zone.name().to_owned(),
            Zone::Fixed(seconds) => {
                let hours = seconds / 3600;
                format!("<{hours:+03}>{:+03}", -hours)
            }
        }
    }

    /// A name that [`Zone::parse`] reads back.
    pub fn name_for_input(&self) -> String {
        match self {
            Zone::Named(zone) => zone.name().to_owned(),
            Zone::Fixed(seconds) => {
                let sign = if *seconds < 0 { '-' } else { '+' };
                let s = seconds.abs();
                format!("{sign}{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
            }
        }
    }

    /// Seconds east of Greenwich at a moment in UTC.
    pub fn offset_at_utc(&self, timestamp: i64) -> i32 {
        match self {
            Zone::Fixed(seconds) => *seconds,
            Zone::Named(zone) => match to_chrono(timestamp) {
                Some(utc) => zone.offset_from_utc_datetime(&utc).fix().local_minus_utc(),
                None => 0,
            },
        }
    }

    /// The moment at which clocks there show `local`. A time skipped by a change of
    /// clocks is read with the offset before the change; one that occurs twice is the later, standard one.
    pub fn to_utc(&self, local: i64) -> i64 {
        let offset = match self {
            Zone::Fixed(seconds) => *seconds,
            Zone::Named(zone) => match to_chrono(local) {
                None => 0,
                Some(time) => match zone.offset_from_local_datetime(&time) {
                    chrono::LocalResult::Single(offset) => offset.fix().local_minus_utc(),
                    chrono::LocalResult::Ambiguous(_, later) => later.fix().local_minus_utc(),
                    chrono::LocalResult::None => self.offset_at_utc(local - DAY_US),
                },
            },
        };
        local - i64::from(offset) * SECOND_US
    }

    /// What clocks there show at a moment in UTC.
    pub fn to_local(&self, utc: i64) -> i64 {
        if utc == INFINITY || utc == NEGATIVE_INFINITY {
            return utc;
        }
        utc + i64::from(self.offset_at_utc(utc)) * SECOND_US
    }

    /// The abbreviation in use at a moment, such as CEST.
    pub fn abbreviation(&self, utc: i64) -> String {
        match (self, to_chrono(utc)) {
            (Zone::Named(zone), Some(time)) => zone.offset_from_utc_datetime(&time).to_string(),
            (zone, _) => format_offset(zone.offset_at_utc(utc)),
        }
    }
}

/// `+02`, `-03:30`, `+0530`.
fn parse_offset(text: &str) -> Option<i32> {
    let (sign, body) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let number = |text: &str| -> Option<i32> {
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let mut fields = body.split(':');
    let first = fields.next()?;
    let (hours, minutes) = match (first.len(), fields.next()) {
        (1 | 2, minutes) => (number(first)?, minutes.map_or(Some(0), number)?),
        (3 | 4, None) => {
            let (hours, minutes) = first.split_at(first.len() - 2);
            (number(hours)?, number(minutes)?)
        }
        _ => return None,
    };
    let seconds = fields.next().map_or(Some(0), number)?;
    (hours < 16 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60 + seconds))
}

/// `+02` or `+05:30`.
pub fn format_offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    match (minutes, seconds.abs() % 60) {
        (0, 0) => format!("{sign}{hours:02}"),
        (_, 0) => format!("{sign}{hours:02}:{minutes:02}"),
        (_, rest) => format!("{sign}{hours:02}:{minutes:02}:{rest:02}"),
    }
}

/// A timestamp as chrono's, if its year is in chrono's range.
pub fn to_chrono(timestamp: i64) -> Option<NaiveDateTime> {
    let seconds = timestamp.div_euclid(SECOND_US) + EPOCH_SECONDS;
    let nanos = (timestamp.rem_euclid(SECOND_US) * 1000) as u32;
    chrono::DateTime::from_timestamp(seconds, nanos).map(|utc| utc.naive_utc())
}

/// The calendar date of a day number.
pub fn date_to_chrono(date: i32) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(date.checked_add(EPOCH_DAYS_CE)?)
}

/// The day number of a calendar date, if there is such a date.
pub fn make_date(year: i32, month: u32, day: u32) -> Option<i32> {
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    Some(date.num_days_from_ce() - EPOCH_DAYS_CE)
}

/// The current time as a timestamptz.
pub fn now() -> i64 {
    from_unix_us(chrono::Utc::now().timestamp_micros())
}

/// Unix time as a timestamptz.
pub fn from_unix_us(microseconds: i64) -> i64 {
    microseconds - EPOCH_SECONDS * SECOND_US
}

/// A timestamptz as Unix time.
pub fn to_unix_us(timestamp: i64) -> i64 {
    timestamp + EPOCH_SECONDS * SECOND_US
}

/// The first moment there is: 4714-11-24 BC, as a day number.
const FIRST_DAY: i32 = -2_451_545;

/// A date, if it is one that PostgreSQL has (up to chrono's last year, which is earlier).
pub fn checked_date(date: i32) -> Result<i32> {
    let special = date == DATE_INFINITY || date == DATE_NEGATIVE_INFINITY;
    match special || date >= FIRST_DAY && date_to_chrono(date).is_some() {
        true => Ok(date),
        false => Err(Error::new(SqlState::DatetimeFieldOverflow, "date out of range")),
    }
}

/// A timestamp, if it is one that PostgreSQL has.
pub fn checked_timestamp(timestamp: i64) -> Result<i64> {
    let special = timestamp == INFINITY || timestamp == NEGATIVE_INFINITY;
    let first = i64::from(FIRST_DAY) * DAY_US;
    match special || timestamp >= first && to_chrono(timestamp).is_some() {
        true => Ok(timestamp),
        false => Err(Error::new(SqlState::DatetimeFieldOverflow, "timestamp out of range")),
    }
}

/// Midnight of a date, as a timestamp.
pub fn date_to_timestamp(date: i32) -> Result<i64> {
    match date {
        DATE_INFINITY => Ok(INFINITY),
        DATE_NEGATIVE_INFINITY => Ok(NEGATIVE_INFINITY),
        date => i64::from(date).checked_mul(DAY_US).ok_or_else(|| {
            Error::new(SqlState::DatetimeFieldOverflow, "date out of range for timestamp")
        }),
    }
}

/// The date part of a timestamp.
pub fn timestamp_to_date(timestamp: i64) -> i32 {
    match timestamp {
        INFINITY => DATE_INFINITY,
        NEGATIVE_INFINITY => DATE_NEGATIVE_INFINITY,
        timestamp => timestamp.div_euclid(DAY_US) as i32,
    }
}

/// What a string of date and time said.
#[derive(Debug, Default)]
struct Parsed {
    date: Option<(i32, u32, u32)>,
    time_us: Option<i64>,
    zone: Option<Zone>,
    special: Option<Special>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Special {
    Infinity,
    NegativeInfinity,
    Epoch,
    Now,
    Today,
    Tomorrow,
    Yesterday,
}

/// Why a string is not a date or time.
enum Bad {
    Syntax,
    Range,
    Zone(String),
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] =
    ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

fn month_number(word: &str) -> Option<u32> {
    let word = word.to_ascii_lowercase();
    let matches = |month: &&str| word.len() >= 3 && month.starts_with(&word);
    MONTHS.iter().position(matches).map(|index| index as u32 + 1)
}

fn parse_time(text: &str) -> std::result::Result<i64, Bad> {
    let mut fields = text.split(':');
    let whole = |text: Option<&str>| -> std::result::Result<i64, Bad> {
        let text = text.ok_or(Bad::Syntax)?;
        if text.is_empty() || text.len() > 2 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Bad::Syntax);
        }
        text.parse().map_err(|_| Bad::Syntax)
    };
    // ISO 8601's basic form: hhmmss, perhaps with a fraction.
    let basic = text.split('.').next().is_some_and(|digits| digits.len() == 6) && text.is_ascii();
    if basic && !text.contains(':') {
        let (hours, rest) = text.split_at(2);
        let (minutes, seconds) = rest.split_at(2);
        return parse_time(&format!("{hours}:{minutes}:{seconds}"));
    }
    let hours = whole(fields.next())?;
    let minutes = whole(fields.next())?;
    let (seconds, micros) = match fields.next() {
        None => (0, 0),
        Some(text) => {
            let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
            if !fraction.bytes().all(|b| b.is_ascii_digit()) {
                return Err(Bad::Syntax);
            }
            let micros = match fraction {
                "" => 0,
                digits => {
                    let value: f64 = format!("0.{digits}").parse().map_err(|_| Bad::Syntax)?;
                    (value * 1e6).round_ties_even() as i64
                }
            };
            (whole(Some(seconds))?, micros)
        }
    };
    if fields.next().is_some() {
        return Err(Bad::Syntax);
    }
    if hours > 24 || minutes > 59 || seconds > 60 {
        return Err(Bad::Range);
    }
    let total = hours * HOUR_US + minutes * MINUTE_US + seconds * SECOND_US + micros;
    if total > DAY_US { Err(Bad::Range) } else { Ok(total) }
}

fn full_year(text: &str) -> std::result::Result<i32, Bad> {
    let year: i32 = text.parse().map_err(|_| Bad::Syntax)?;
    Ok(match text.len() {
        1 | 2 if year < 70 => year + 2000,
        1 | 2 => year + 1900,
        _ => year,
    })
}

fn parse(text: &str) -> std::result::Result<Parsed, Bad> {
    let text = text.trim();
    let mut parsed = Parsed::default();
    let special = match text.to_ascii_lowercase().as_str() {
        "infinity" | "+infinity" => Some(Special::Infinity),
        "-infinity" => Some(Special::NegativeInfinity),
        "epoch" => Some(Special::Epoch),
        "now" => Some(Special::Now),
        "today" => Some(Special::Today),
        "tomorrow" => Some(Special::Tomorrow),
        "yesterday" => Some(Special::Yesterday),
        _ => None,
    };
    if special.is_some() {
        parsed.special = special;
        return Ok(parsed);
    }
    // `2020-01-02T03:04:05` and `2020-01-02 03:04:05+02` fall apart at the same places.
    let mut numbers: Vec<String> = Vec::new();
    let mut month_name = None;
    let mut bc = false;
    let mut afternoon = None;
    let spaced = text.replace(',', " ");
    for word in spaced.split_whitespace().flat_map(split_date_time) {
        let lower = word.to_ascii_lowercase();
        if word.contains(':') && word.starts_with(|c: char| c.is_ascii_digit()) {
            let zone_at = word.find(|c: char| c == '+' || c == '-' || c.is_ascii_alphabetic());
            let (time, zone) = word.split_at(zone_at.unwrap_or(word.len()));
            parsed.time_us = Some(parse_time(time)?);
            match zone.to_ascii_lowercase().as_str() {
                "" => {}
                "am" => afternoon = Some(false),
                "pm" => afternoon = Some(true),
                _ => parsed.zone = Some(Zone::parse(zone).ok_or_else(|| Bad::Zone(zone.into()))?),
            }
        } else if word.starts_with(['+', '-']) && parsed.time_us.is_some() {
            parsed.zone = Some(Zone::parse(word).ok_or(Bad::Syntax)?);
        } else if lower == "bc" {
            bc = true;
        } else if lower == "ad" {
        } else if lower == "am" || lower == "pm" {
            afternoon = Some(lower == "pm");
        } else if let Some(month) = month_number(word) {
            month_name = Some(month);
        } else if DAYS.iter().any(|day| lower.len() >= 3 && day.starts_with(&lower)) {
        } else if word.starts_with(|c: char| c.is_ascii_alphabetic()) {
            if parsed.time_us.is_none() && numbers.is_empty() && month_name.is_none() {
                return Err(Bad::Syntax);
            }
            parsed.zone = Some(Zone::parse(word).ok_or(Bad::Zone(lower))?);
        } else {
            for part in word.split(['-', '/', '.']) {
                match month_number(part) {
                    Some(month) => month_name = Some(month),
                    None if part.bytes().all(|b| b.is_ascii_digit()) && !part.is_empty() => {
                        numbers.push(part.to_owned());
                    }
                    None => return Err(Bad::Syntax),
                }
            }
        }
    }
    let number = |text: &String| text.parse::<u32>().map_err(|_| Bad::Syntax);
    // Before Christ two digits are all there is to a year.
    let full_year = |text: &str| match bc {
        true => text.parse().map_err(|_| Bad::Syntax),
        false => full_year(text),
    };
    parsed.date = match (numbers.as_slice(), month_name) {
        ([], None) => None,
        ([whole], None) if whole.len() == 8 => {
            let (year, rest) = whole.split_at(4);
            let (month, day) = rest.split_at(2);
            Some((full_year(year)?, number(&month.into())?, number(&day.into())?))
        }
        ([year, month, day], None) if year.len() > 2 => {
            Some((full_year(year)?, number(month)?, number(day)?))
        }
        ([month, day, year], None) => Some((full_year(year)?, number(month)?, number(day)?)),
        ([first, second], Some(month)) if first.len() > 2 => {
            Some((full_year(first)?, month, number(second)?))
        }
        ([day, year], Some(month)) => Some((full_year(year)?, month, number(day)?)),
        _ => return Err(Bad::Syntax),
    };
    if let Some((year, _, _)) = &mut parsed.date {
        if *year == 0 {
            return Err(Bad::Range);
        }
        if bc {
            *year = 1 - *year;
        }
    }
    if let (Some(afternoon), Some(time)) = (afternoon, &mut parsed.time_us) {
        let hours = *time / HOUR_US;
        if !(1..=12).contains(&hours) {
            return Err(Bad::Range);
        }
        *time += (if afternoon { 12 } else { 0 } - if hours == 12 { 12 } else { 0 }) * HOUR_US;
    }
    if parsed.date.is_none() && parsed.time_us.is_none() {
        return Err(Bad::Syntax);
    }
    Ok(parsed)
}

/// Cuts `2020-01-02T03:04` at the T.
fn split_date_time(word: &str) -> Vec<&str> {
    let is_iso = word.starts_with(|c: char| c.is_ascii_digit()) && word.contains(':');
    match word.find(['T', 't']).filter(|at| is_iso && *at >= 6) {
        Some(at) => vec![&word[..at], &word[at + 1..]],
        None => vec![word],
    }
}

fn input_error(kind: &str, text: &str, bad: Bad) -> Error {
    match bad {
        Bad::Syntax => Error::new(
            SqlState::InvalidDatetimeFormat,
            format!("invalid input syntax for type {kind}: \"{text}\""),
        ),
        Bad::Range => field_out_of_range(text),
        Bad::Zone(zone) => Error::new(
            SqlState::InvalidParameterValue,
            format!("time zone \"{zone}\" not recognized"),
        ),
    }
}

fn field_out_of_range(text: &str) -> Error {
    Error::new(
        SqlState::DatetimeFieldOverflow,
        format!("date/time field value out of range: \"{text}\""),
    )
    .hint("Perhaps you need a different \"datestyle\" setting.")
}

fn out_of_range(text: &str) -> Error {
    Error::new(
        SqlState::DatetimeFieldOverflow,
        format!("date/time field value out of range: \"{text}\""),
    )
}

fn day_number(date: (i32, u32, u32), text: &str) -> Result<i32> {
    let (year, month, day) = date;
    match make_date(year, month, day) {
        Some(date) if date < FIRST_DAY => {
            let message = format!("date out of range: \"{text}\"");
            Err(Error::new(SqlState::DatetimeFieldOverflow, message))
        }
        Some(date) => Ok(date),
        // PostgreSQL suspects another DateStyle only when a field is wild.
        None if month == 0 || month > 12 || day == 0 || day > 31 => Err(field_out_of_range(text)),
        None => Err(out_of_range(text)),
    }
}

/// Parses a `date`. `now` is the current timestamptz, for `today` and its kin.
pub fn parse_date(text: &str, zone: Zone, now: i64) -> Result<i32> {
    let parsed = parse(text).map_err(|bad| input_error("date", text, bad))?;
    let today = || timestamp_to_date(zone.to_local(now));
    match parsed.special {
        Some(Special::Infinity) => return Ok(DATE_INFINITY),
        Some(Special::NegativeInfinity) => return Ok(DATE_NEGATIVE_INFINITY),
        Some(Special::Epoch) => return Ok(timestamp_to_date(from_unix_us(0))),
        Some(Special::Now | Special::Today) => return Ok(today()),
        Some(Special::Tomorrow) => return Ok(today() + 1),
        Some(Special::Yesterday) => return Ok(today() - 1),
        None => {}
    }
    match parsed.date {
        Some(date) => day_number(date, text),
        None => Err(input_error("date", text, Bad::Syntax)),
    }
}

/// Parses a `time`.
pub fn parse_time_of_day(text: &str, zone: Zone, now: i64) -> Result<i64> {
    let parsed = parse(text).map_err(|bad| match bad {
        // A time has no field order that a DateStyle could change.
        Bad::Range => out_of_range(text),
        bad => input_error("time", text, bad),
    })?;
    match (parsed.special, parsed.time_us) {
        (Some(Special::Now), _) => Ok(zone.to_local(now).rem_euclid(DAY_US)),
        (_, Some(time)) => Ok(time),
        _ => Err(input_error("time", text, Bad::Syntax)),
    }
}

/// Parses a `timestamp` (`with_zone` false) or `timestamptz`.
pub fn parse_timestamp(text: &str, with_zone: bool, zone: Zone, now: i64) -> Result<i64> {
    let kind = if with_zone { "timestamp with time zone" } else { "timestamp" };
    let parsed = parse(text).map_err(|bad| input_error(kind, text, bad))?;
    let midnight = |offset_days: i64| {
        let local = zone.to_local(now).div_euclid(DAY_US) * DAY_US + offset_days * DAY_US;
        if with_zone { zone.to_utc(local) } else { local }
    };
    match parsed.special {
        Some(Special::Infinity) => return Ok(INFINITY),
        Some(Special::NegativeInfinity) => return Ok(NEGATIVE_INFINITY),
        Some(Special::Epoch) => return Ok(from_unix_us(0)),
        Some(Special::Now) => return Ok(if with_zone { now } else { zone.to_local(now) }),
        Some(Special::Today) => return Ok(midnight(0)),
        Some(Special::Tomorrow) => return Ok(midnight(1)),
        Some(Special::Yesterday) => return Ok(midnight(-1)),
        None => {}
    }
    let date = parsed.date.ok_or_else(|| input_error(kind, text, Bad::Syntax))?;
    let local = date_to_timestamp(day_number(date, text)?)? + parsed.time_us.unwrap_or(0);
    Ok(match with_zone {
        true => parsed.zone.unwrap_or(zone).to_utc(local),
        false => local,
    })
}

/// ISO format of a `date`.
pub fn format_date(date: i32) -> String {
    match date {
        DATE_INFINITY => "infinity".into(),
        DATE_NEGATIVE_INFINITY => "-infinity".into(),
        date => match date_to_chrono(date) {
            None => format!("{date} days"),
            Some(day) if day.year() <= 0 => {
                format!("{:04}-{:02}-{:02} BC", 1 - day.year(), day.month(), day.day())
            }
            Some(day) => format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day()),
        },
    }
}

/// ISO format of a `time`.
pub fn format_time(time: i64) -> String {
    let (hours, rest) = (time / HOUR_US, time % HOUR_US);
    let (minutes, rest) = (rest / MINUTE_US, rest % MINUTE_US);
    let (seconds, micros) = (rest / SECOND_US, rest % SECOND_US);
    let text = format!("{hours:02}:{minutes:02}:{seconds:02}");
    match micros {
        0 => text,
        micros => text + "." + format!("{micros:06}").trim_end_matches('0'),
    }
}

/// ISO format of a `timestamp`, or with `zone` of a `timestamptz`.
pub fn format_timestamp(timestamp: i64, zone: Option<Zone>) -> String {
    match timestamp {
        INFINITY => return "infinity".into(),
        NEGATIVE_INFINITY => return "-infinity".into(),
        _ => {}
    }
    let local = zone.map_or(timestamp, |zone| zone.to_local(timestamp));
    let date = format_date(timestamp_to_date(local));
    let (date, era) = match date.strip_suffix(" BC") {
        Some(date) => (date.to_owned(), " BC"),
        None => (date, ""),
    };
    let time = format_time(local.rem_euclid(DAY_US));
    let offset = zone.map(|zone| format_offset(zone.offset_at_utc(timestamp))).unwrap_or_default();
    format!("{date} {time}{offset}{era}")
}

/// Rounds the microseconds of a time or timestamp to `time(p)`'s digits.
pub fn round_to_precision(value: i64, precision: i32) -> i64 {
    if !(0..6).contains(&precision) || value == INFINITY || value == NEGATIVE_INFINITY {
        return value;
    }
    let unit = 10i64.pow(6 - precision as u32);
    let half = unit / 2;
    match value >= 0 {
        true => (value + half) / unit * unit,
        false => -((half - value) / unit * unit),
    }
}

/// `timestamp + interval`: months, then days, then time.
pub fn add_interval(timestamp: i64, interval: &Interval) -> Result<i64> {
    if timestamp == INFINITY || timestamp == NEGATIVE_INFINITY {
        return Ok(timestamp);
    }
    let overflow = || Error::new(SqlState::DatetimeFieldOverflow, "timestamp out of range");
    let mut local = timestamp;
    if interval.months != 0 {
        let day = to_chrono(local).ok_or_else(overflow)?.date();
        let months = i64::from(day.year()) * 12 + i64::from(day.month0());
        let months = months + i64::from(interval.months);
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) as u32 + 1);
        let year = i32::try_from(year).map_err(|_| overflow())?;
        let moved = (day.day().saturating_sub(3)..=day.day())
            .rev()
            .filter_map(|day| make_date(year, month, day));
        let date = moved.max().ok_or_else(overflow)?;
        local = date_to_timestamp(date)? + local.rem_euclid(DAY_US);
    }
    let days = i64::from(interval.days).checked_mul(DAY_US).ok_or_else(overflow)?;
    let sum = local.checked_add(days).and_then(|t| t.checked_add(interval.microseconds));
    checked_timestamp(sum.ok_or_else(overflow)?)
}

/// `timestamptz + interval`: months and days are counted on the clocks of `zone`.
pub fn add_interval_in_zone(timestamp: i64, interval: &Interval, zone: Zone) -> Result<i64> {
    let calendar = Interval { microseconds: 0, ..*interval };
    let moved = match interval.months == 0 && interval.days == 0 {
        true => timestamp,
        false => zone.to_utc(add_interval(zone.to_local(timestamp), &calendar)?),
    };
    add_interval(moved, &Interval { months: 0, days: 0, ..*interval })
}

/// `age(a, b)`: the difference in calendar years, months, days and time.
pub fn age(a: i64, b: i64) -> Result<Interval> {
    let overflow = || Error::new(SqlState::DatetimeFieldOverflow, "timestamp out of range");
    if a < b {
        return age(b, a)?.neg();
    }
    let (x, y) = (to_chrono(a).ok_or_else(overflow)?, to_chrono(b).ok_or_else(overflow)?);
    let mut months = (x.year() - y.year()) * 12 + x.month() as i32 - y.month() as i32;
    let mut days = x.day() as i32 - y.day() as i32;
    let mut time = a.rem_euclid(DAY_US) - b.rem_euclid(DAY_US);
    if time < 0 {
        time += DAY_US;
        days -= 1;
    }
    if days < 0 {
        // Borrow the length of the month in which the earlier moment lies.
        days += days_in_month(y.year(), y.month());
        months -= 1;
    }
    Ok(Interval { months, days, microseconds: time })
}

/// Days of a month.
pub fn days_in_month(year: i32, month: u32) -> i32 {
    match month {
        2 if NaiveDate::from_ymd_opt(year, 2, 29).is_some() => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `date_trunc` on a local timestamp; `None` for an unknown unit.
pub fn truncate(field: &str, timestamp: i64) -> Option<i64> {
    if timestamp == INFINITY || timestamp == NEGATIVE_INFINITY {
        return Some(timestamp);
    }
    let down = |unit: i64| timestamp.div_euclid(unit) * unit;
    let time = to_chrono(timestamp)?;
    let start = |year: i32, month: u32| Some(i64::from(make_date(year, month, 1)?) * DAY_US);
    let year = time.year();
    match field {
        "microseconds" => Some(timestamp),
        "milliseconds" => Some(down(1000)),
        "second" | "seconds" => Some(down(SECOND_US)),
        "minute" | "minutes" => Some(down(MINUTE_US)),
        "hour" | "hours" => Some(down(HOUR_US)),
        "day" | "days" => Some(down(DAY_US)),
        "week" => {
            let back = i64::from(time.weekday().num_days_from_monday());
            Some(down(DAY_US) - back * DAY_US)
        }
        "month" | "months" => start(year, time.month()),
        "quarter" => start(year, time.month0() / 3 * 3 + 1),
        "year" | "years" => start(year, 1),
        "decade" => start(year.div_euclid(10) * 10, 1),
        "century" => start((year - 1).div_euclid(100) * 100 + 1, 1),
        "millennium" => start((year - 1).div_euclid(1000) * 1000 + 1, 1),
        _ => None,
    }
}

/// `extract(field from timestamp)` in millionths; `None` for an unknown field. `offset_s`
/// is the zone's offset when the timestamp has one.
pub fn extract(field: &str, local: i64, offset_s: Option<i32>) -> Option<i64> {
    let time = to_chrono(local)?;
    let whole = |value: i64| Some(value * 1_000_000);
    let micros_of_minute = local.rem_euclid(MINUTE_US);
    let year = i64::from(time.year());
    // There is no year 0: 1 BC is -1.
    let shown_year = if year > 0 { year } else { year - 1 };
    match field {
        "microseconds" => whole(micros_of_minute),
        "milliseconds" => Some(micros_of_minute * 1000),
        "second" | "seconds" => Some(micros_of_minute),
        "minute" | "minutes" => whole(i64::from(time.minute())),
        "hour" | "hours" => whole(i64::from(time.hour())),
        "day" | "days" => whole(i64::from(time.day())),
        "dow" => whole(i64::from(time.weekday().num_days_from_sunday())),
        "isodow" => whole(i64::from(time.weekday().number_from_monday())),
        "doy" => whole(i64::from(time.ordinal())),
        "week" => whole(i64::from(time.iso_week().week())),
        "isoyear" => {
            let year = i64::from(time.iso_week().year());
            whole(if year > 0 { year } else { year - 1 })
        }
        "month" | "months" => whole(i64::from(time.month())),
        "quarter" => whole(i64::from(time.month0() / 3 + 1)),
        "year" | "years" => whole(shown_year),
        "decade" => whole(year.div_euclid(10)),
        "century" => whole(if year > 0 { (year + 99) / 100 } else { -((99 - (year - 1)) / 100) }),
        "millennium" => {
            whole(if year > 0 { (year + 999) / 1000 } else { -((999 - (year - 1)) / 1000) })
        }
        "epoch" => Some(to_unix_us(local) - i64::from(offset_s.unwrap_or(0)) * SECOND_US),
        "julian" => {
            let days = local.div_euclid(DAY_US) + 2_451_545;
            let fraction = local.rem_euclid(DAY_US) as i128 * 1_000_000 / i128::from(DAY_US);
            Some(days * 1_000_000 + fraction as i64)
        }
        "timezone" => whole(i64::from(offset_s?)),
        "timezone_hour" => whole(i64::from(offset_s? / 3600)),
        "timezone_minute" => whole(i64::from(offset_s? / 60 % 60)),
        _ => None,
    }
}
