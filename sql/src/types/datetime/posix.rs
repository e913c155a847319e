//! Time zones that are written out as POSIX has them: `XYZ5ABC,M3.2.0,M11.1.0`.
//!
//! Offsets there count west of Greenwich, and summer time is an hour ahead unless said otherwise.

use super::calendar::{days_in_month, days_of, is_leap, moment, weekday};
use crate::types::interval::SECOND_US;

/// Longest abbreviation.
const MAX_NAME_BYTES: usize = 15;
/// Longest specification.
const MAX_BYTES: usize = 64;
/// Most hours of an offset or of the time of a change: those of a week.
const MAX_HOURS: i64 = 167;

/// A short text that can be copied.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Short<const N: usize> {
    bytes: [u8; N],
    length: u8,
}

/// An abbreviation of a zone's time.
type Name = Short<MAX_NAME_BYTES>;

impl<const N: usize> Short<N> {
    fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; N];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Short { bytes, length: text.len() as u8 })
    }

    fn as_str(&self) -> &str {
        let used = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(used).unwrap_or_default()
    }
}

/// The day of a change.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Day {
    /// `Jn`: the 29th of February is not counted.
    Julian(i64),
    /// `n`: days from the first of January.
    Zero(i64),
    /// `Mm.w.d`: a day of the week in a week of a month, of which the fifth is the last.
    Week { month: u32, week: i64, weekday: i64 },
}

/// When clocks change.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Change {
    day: Day,
    /// What clocks show then, in seconds from midnight.
    time_s: i64,
}

impl Change {
    /// What clocks show at the change in a year, as a timestamp.
    fn local(&self, year: i64) -> i64 {
        let first = days_of(year, 1, 1);
        let days = match self.day {
            Day::Julian(n) => first + n - 1 + i64::from(is_leap(year) && n >= 60),
            Day::Zero(n) => first + n,
            Day::Week { month, week, weekday: wanted } => {
                let start = days_of(year, month, 1);
                let to_first = (wanted - i64::from(weekday(start))).rem_euclid(7);
                let day = to_first + (week - 1) * 7;
                let last = i64::from(days_in_month(year, month));
                start + if day >= last { day - 7 } else { day }
            }
        };
        (days * 86_400 + self.time_s) * SECOND_US
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Summer {
    name: Name,
    /// Seconds east.
    east_s: i32,
    start: Change,
    end: Change,
}

/// A zone with rules of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PosixZone {
    /// As it was written, in upper case.
    specification: Short<MAX_BYTES>,
    name: Name,
    /// Seconds east.
    east_s: i32,
    summer: Option<Summer>,
}

impl PosixZone {
    /// Reads a specification, in letters of either case.
    pub fn parse(text: &str) -> Option<PosixZone> {
        if text.len() > MAX_BYTES || !text.is_ascii() {
            return None;
        }
        let upper = text.to_ascii_uppercase();
        let specification = Short::new(&upper)?;
        let mut reader = Reader { rest: &upper };
        let name = reader.name()?;
        let east_s = -i32::try_from(reader.time()?).ok()?;
        let mut zone = PosixZone { specification, name, east_s, summer: None };
        if reader.rest.is_empty() {
            return Some(zone);
        }
        let name = reader.name()?;
        if name.length == 0 {
            return None;
        }
        let east_s = match reader.rest.bytes().next() {
            None | Some(b',') => zone.east_s + 3600,
            Some(_) => -i32::try_from(reader.time()?).ok()?,
        };
        // The rules of the United States stand in for those that are missing.
        let rules = if reader.rest.is_empty() { ",M3.2.0,M11.1.0" } else { reader.rest };
        let mut rules = Reader { rest: rules };
        let (start, end) = (rules.change()?, rules.change()?);
        zone.summer = Some(Summer { name, east_s, start, end });
        rules.rest.is_empty().then_some(zone)
    }

    fn summer_at(&self, utc: i64) -> Option<&Summer> {
        let summer = self.summer.as_ref()?;
        let year = moment(utc + i64::from(self.east_s) * SECOND_US).date.year;
        let start = summer.start.local(year) - i64::from(self.east_s) * SECOND_US;
        let end = summer.end.local(year) - i64::from(summer.east_s) * SECOND_US;
        let inside = match start <= end {
            true => (start..end).contains(&utc),
            false => !(end..start).contains(&utc),
        };
        inside.then_some(summer)
    }

    /// Seconds east at a moment in UTC.
    pub fn offset_at_utc(&self, utc: i64) -> i32 {
        self.summer_at(utc).map_or(self.east_s, |summer| summer.east_s)
    }

    /// Whether it is summer at a moment in UTC.
    pub fn is_summer(&self, utc: i64) -> bool {
        self.summer_at(utc).is_some()
    }

    /// The abbreviation in use at a moment in UTC.
    pub fn abbreviation(&self, utc: i64) -> &str {
        self.summer_at(utc).map_or(self.name.as_str(), |summer| summer.name.as_str())
    }

    /// Whether its time has no abbreviation.
    pub fn is_nameless(&self) -> bool {
        self.name.length == 0
    }

    /// The offset, if it never changes.
    pub fn fixed(&self) -> Option<i32> {
        self.summer.is_none().then_some(self.east_s)
    }
}

impl std::fmt::Display for PosixZone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.specification.as_str())
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn while_(&mut self, keep: impl Fn(u8) -> bool) -> &'a str {
        let end = self.rest.bytes().position(|b| !keep(b)).unwrap_or(self.rest.len());
        let (head, tail) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = tail;
        head
    }

    fn eat(&mut self, prefix: char) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn name(&mut self) -> Option<Name> {
        if self.eat('<') {
            let name = self.while_(|b| b != b'>');
            return if self.eat('>') { Name::new(name) } else { None };
        }
        Name::new(self.while_(|b| !b.is_ascii_digit() && !matches!(b, b',' | b'-' | b'+')))
    }

    fn number(&mut self, most: i64) -> Option<i64> {
        let digits = self.while_(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|value| *value <= most)
    }

    /// Hours, and perhaps minutes and seconds, with a sign.
    fn time(&mut self) -> Option<i64> {
        let sign = if self.eat('-') {
            -1
        } else {
            self.eat('+');
            1
        };
        let mut seconds = self.number(MAX_HOURS)? * 3600;
        if self.eat(':') {
            seconds += self.number(59)? * 60;
            if self.eat(':') {
                seconds += self.number(60)?;
            }
        }
        Some(sign * seconds)
    }

    fn change(&mut self) -> Option<Change> {
        if !self.eat(',') && !self.eat(';') {
            return None;
        }
        let day = if self.eat('J') {
            Day::Julian(self.number(365).filter(|n| *n > 0)?)
        } else if self.eat('M') {
            let month = self.number(12).filter(|n| *n > 0)? as u32;
            let week = self.eat('.').then(|| self.number(5))?.filter(|n| *n > 0)?;
            let weekday = self.eat('.').then(|| self.number(6))??;
            Day::Week { month, week, weekday }
        } else {
            Day::Zero(self.number(365)?)
        };
        let time_s = if self.eat('/') { self.time()? } else { 7200 };
        Some(Change { day, time_s })
    }
}
