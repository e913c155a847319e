//! What the fields of a date or time mean, by PostgreSQL's rules (its appendix B.1).
//!
//! Fields are read from left to right; what a number means depends on what is known already and on the
//! order that DateStyle has.

use super::abbreviations::{self, Abbreviation};
use super::calendar::{Civil, civil, days_in_month, days_of};
use super::numbers::{Bad, Result, clock, digits, fraction, leading_number, offset};
use super::scan::{Field, Kind};
use super::style::DateOrder;
use super::words::{DateWord, Unit, date_word};
use super::zone::{Zone, offset_of};
use super::{DAY_JULIAN_EPOCH, timestamp_to_date};
use crate::types::interval::{DAY_US, HOUR_US, MINUTE_US, SECOND_US};

/// What reading depends on.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings {
    /// The session's zone.
    pub zone: Zone,
    /// The transaction's start.
    pub now: i64,
    /// The order of numbers in a date.
    pub order: DateOrder,
}

impl Surroundings {
    fn local_now(&self) -> i64 {
        self.zone.to_local(self.now)
    }
}

/// What a text says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decoded {
    /// `infinity`
    Infinity,
    /// `-infinity`
    NegativeInfinity,
    /// `epoch`
    Epoch,
    /// A date and a time of day.
    At {
        /// The date.
        date: Civil,
        /// The time of day.
        time_us: i64,
        /// Seconds east: those that were given, else those of the session's zone.
        east_s: i32,
    },
}

/// Which fields are known.
mod have {
    pub const YEAR: u32 = 1;
    pub const MONTH: u32 = 1 << 1;
    pub const DAY: u32 = 1 << 2;
    pub const DATE: u32 = YEAR | MONTH | DAY;
    pub const HOUR: u32 = 1 << 3;
    pub const MINUTE: u32 = 1 << 4;
    pub const SECOND: u32 = 1 << 5;
    pub const FRACTION: u32 = 1 << 6;
    pub const TIME: u32 = HOUR | MINUTE | SECOND | FRACTION;
    pub const DAY_OF_YEAR: u32 = 1 << 7;
    pub const ZONE: u32 = 1 << 8;
    /// The zone is one of summer time.
    pub const SUMMER_ZONE: u32 = 1 << 9;
    pub const SUMMER: u32 = 1 << 10;
    pub const HALF: u32 = 1 << 11;
    pub const ERA: u32 = 1 << 12;
    pub const WEEKDAY: u32 = 1 << 13;
    pub const RESERVED: u32 = 1 << 14;
}

/// Where the offset comes from.
#[derive(Clone, Copy)]
enum Whence {
    Nowhere,
    Offset(i32),
    Zone(Zone),
    Abbreviation(&'static str, chrono_tz::Tz),
}

struct Decoder<'a> {
    around: &'a Surroundings,
    /// Whether only a time is asked for.
    time_only: bool,
    have: u32,
    year: i64,
    month: i64,
    day: i64,
    day_of_year: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    two_digits: bool,
    text_month: bool,
    julian: bool,
    bc: bool,
    afternoon: Option<bool>,
    whence: Whence,
    prefix: Option<Unit>,
    special: Option<Decoded>,
}

/// Reads a date, or a date and a time.
pub fn date_time(fields: &[Field], around: &Surroundings) -> Result<Decoded> {
    let mut decoder = Decoder::new(around, false);
    decoder.read(fields)?;
    decoder.finish_date_time()
}

/// Reads a time of day.
pub fn time(fields: &[Field], around: &Surroundings) -> Result<Decoded> {
    let mut decoder = Decoder::new(around, true);
    decoder.read(fields)?;
    decoder.finish_time()
}

impl<'a> Decoder<'a> {
    fn new(around: &'a Surroundings, time_only: bool) -> Decoder<'a> {
        Decoder {
            around,
            time_only,
            have: 0,
            year: 0,
            month: 0,
            day: 0,
            day_of_year: 0,
            hour: 0,
            minute: 0,
            second: 0,
            micros: 0,
            two_digits: false,
            text_month: false,
            julian: false,
            bc: false,
            afternoon: None,
            whence: Whence::Nowhere,
            prefix: None,
            special: None,
        }
    }

    fn has(&self, mask: u32) -> bool {
        self.have & mask == mask
    }

    fn read(&mut self, fields: &[Field]) -> Result<()> {
        for (index, field) in fields.iter().enumerate() {
            let found = match field.kind {
                Kind::Date => self.date_field(index, field, fields)?,
                Kind::Time => self.time_field(&field.text)?,
                Kind::Offset => {
                    self.whence = Whence::Offset(offset(&field.text)?);
                    have::ZONE
                }
                Kind::Number => match self.prefix.take() {
                    Some(unit) => self.prefixed(unit, &field.text)?,
                    None => self.number_field(index, field, fields)?,
                },
                Kind::Word | Kind::Special => {
                    let next = fields.get(index + 1);
                    match self.word(&field.text, next)? {
                        Some(found) => found,
                        None => continue,
                    }
                }
            };
            if found & self.have != 0 {
                return Err(Bad::Syntax);
            }
            self.have |= found;
        }
        Ok(())
    }

    fn date_field(&mut self, index: usize, field: &Field, fields: &[Field]) -> Result<u32> {
        if self.time_only {
            let last = fields.last().is_some_and(|field| field.kind == Kind::Date);
            let second = fields.get(1).is_some_and(|field| field.kind == Kind::Time);
            if index == 0 && fields.len() >= 2 && (last || second) {
                return self.date(&field.text);
            }
            return match field.starts_with_digit() {
                true => self.run_together_time(&field.text),
                false => self.zone(&field.text),
            };
        }
        if self.prefix == Some(Unit::Julian) {
            self.prefix = None;
            let (days, rest) = leading_number(&field.text)?;
            if days < 0 {
                return Err(Bad::Range);
            }
            self.set_julian(days);
            self.whence = Whence::Offset(offset(rest)?);
            return Ok(have::DATE | have::TIME | have::ZONE);
        }
        if self.prefix.is_none() && !self.has(have::MONTH | have::DAY) {
            return self.date(&field.text);
        }
        if !field.starts_with_digit() && self.prefix.is_none() {
            return self.zone(&field.text);
        }
        if self.prefix.take().is_some_and(|prefix| prefix != Unit::Time) {
            return Err(Bad::Syntax);
        }
        self.run_together_time(&field.text)
    }

    /// `hhmmss-zz`
    fn run_together_time(&mut self, text: &str) -> Result<u32> {
        if self.has(have::TIME) {
            return Err(Bad::Syntax);
        }
        let (time, zone) = text.split_at(text.find('-').ok_or(Bad::Syntax)?);
        self.whence = Whence::Offset(offset(zone)?);
        let known = if self.time_only { self.have | have::DATE } else { self.have };
        Ok(self.run_together(time, known)? | have::ZONE)
    }

    fn zone(&mut self, text: &str) -> Result<u32> {
        let zone = Zone::named(text).ok_or_else(|| Bad::Zone(text.to_owned()))?;
        self.whence = Whence::Zone(zone);
        Ok(have::ZONE)
    }

    fn set_julian(&mut self, julian: i64) {
        let date = civil(julian - DAY_JULIAN_EPOCH);
        (self.year, self.month, self.day) = (date.year, date.month.into(), date.day.into());
        self.julian = true;
    }

    /// `h:m`, `h:m:s`, `m:s.f`
    fn time_field(&mut self, text: &str) -> Result<u32> {
        if self.prefix.take().is_some_and(|prefix| prefix != Unit::Time) {
            return Err(Bad::Syntax);
        }
        (self.hour, self.minute, self.second, self.micros) = clock(text)?;
        // More hours than any time has, which must not overflow later on.
        if self.hour > i64::from(i32::MAX) || !self.time_only && self.is_beyond_a_day() {
            return Err(Bad::Range);
        }
        Ok(have::TIME)
    }

    fn is_beyond_a_day(&self) -> bool {
        self.hour > 24 || self.time_us() > DAY_US
    }

    /// A number behind a word that says what it is, as in `y2001m02d04`.
    fn prefixed(&mut self, unit: Unit, text: &str) -> Result<u32> {
        let (value, rest) = leading_number(text)?;
        let takes_fraction = matches!(unit, Unit::Julian | Unit::Time | Unit::Second);
        if !(rest.is_empty() || rest.starts_with('.') && takes_fraction) {
            return Err(Bad::Syntax);
        }
        Ok(match unit {
            Unit::Year => {
                self.year = value;
                have::YEAR
            }
            Unit::Month if self.has(have::MONTH) && self.has(have::HOUR) => {
                self.minute = value;
                have::MINUTE
            }
            Unit::Month => {
                self.month = value;
                have::MONTH
            }
            Unit::Day => {
                self.day = value;
                have::DAY
            }
            Unit::Hour => {
                self.hour = value;
                have::HOUR
            }
            Unit::Minute => {
                self.minute = value;
                have::MINUTE
            }
            Unit::Second => {
                self.second = value;
                if rest.is_empty() {
                    have::SECOND
                } else {
                    self.micros = fraction(rest)?;
                    have::SECOND | have::FRACTION
                }
            }
            Unit::Julian => {
                if value < 0 {
                    return Err(Bad::Range);
                }
                self.set_julian(value);
                if rest.is_empty() {
                    return Ok(have::DATE);
                }
                let share: f64 = rest.parse().map_err(|_| Bad::Syntax)?;
                self.set_time((share * DAY_US as f64) as i64);
                have::DATE | have::TIME
            }
            Unit::Time => {
                let found = self.run_together(text, self.have | have::DATE)?;
                if found != have::TIME {
                    return Err(Bad::Syntax);
                }
                found
            }
            _ => return Err(Bad::Syntax),
        })
    }

    fn set_time(&mut self, time_us: i64) {
        self.hour = time_us / HOUR_US;
        self.minute = time_us / MINUTE_US % 60;
        self.second = time_us / SECOND_US % 60;
        self.micros = time_us % SECOND_US;
    }

    fn number_field(&mut self, index: usize, field: &Field, fields: &[Field]) -> Result<u32> {
        let text = field.text.as_str();
        let point = text.find('.');
        if self.time_only {
            let known = self.have | have::DATE;
            return match point {
                Some(_)
                    if index == 0
                        && fields.len() >= 2
                        && fields.last().is_some_and(|last| last.kind == Kind::Date) =>
                {
                    self.date(text)
                }
                Some(at) if at > 2 => self.run_together(text, known),
                Some(_) => Err(Bad::Syntax),
                None if text.len() > 4 => self.run_together(text, known),
                None => self.number(text, false, known),
            };
        }
        match point {
            Some(_) if self.have & have::DATE == 0 => self.date(text),
            Some(at) if at > 2 => self.run_together(text, self.have),
            // Six digits and more are a date or time without delimiters, five a year.
            _ if text.len() >= 6 && !(self.has(have::DATE) && self.has(have::TIME)) => {
                self.run_together(text, self.have)
            }
            _ => self.number(text, self.text_month, self.have),
        }
    }

    /// A date with delimiters.
    fn date(&mut self, text: &str) -> Result<u32> {
        let mut parts: Vec<&str> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let start = rest.find(|c: char| c.is_ascii_alphanumeric()).ok_or(Bad::Syntax)?;
            rest = rest.get(start..).unwrap_or_default();
            let numeric = rest.starts_with(|c: char| c.is_ascii_digit());
            let inside =
                |c: char| if numeric { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
            let end = rest.find(|c: char| !inside(c)).unwrap_or(rest.len());
            parts.push(rest.get(..end).unwrap_or_default());
            // A delimiter goes with the part before it.
            rest =
                rest.get(end..).map(|rest| rest.get(1..).unwrap_or_default()).unwrap_or_default();
        }
        let (mut known, mut found, mut text_month) = (self.have, 0, false);
        let mut add = |mask: u32| {
            let clash = known & mask != 0;
            known |= mask;
            found |= mask;
            if clash { Err(Bad::Syntax) } else { Ok(known) }
        };
        for part in parts.iter().filter(|part| part.starts_with(|c: char| c.is_ascii_alphabetic()))
        {
            match date_word(part) {
                Some(DateWord::Ignored) => continue,
                Some(DateWord::Month(month)) => {
                    self.month = month.into();
                    text_month = true;
                    add(have::MONTH)?;
                }
                _ => return Err(Bad::Syntax),
            }
        }
        let mut so_far = add(0)?;
        for part in parts.iter().filter(|part| part.starts_with(|c: char| c.is_ascii_digit())) {
            let mask = self.number(part, text_month, so_far)?;
            so_far = add(mask)?;
        }
        match so_far & !(have::DAY_OF_YEAR | have::ZONE) {
            have::DATE => Ok(found),
            _ => Err(Bad::Syntax),
        }
    }

    /// A number whose meaning is what is missing.
    fn number(&mut self, text: &str, text_month: bool, known: u32) -> Result<u32> {
        let (value, rest) = leading_number(text)?;
        if let Some(at) = text.find('.') {
            if at > 2 {
                return self.run_together(text, known | have::DATE);
            }
            self.micros = fraction(rest)?;
        } else if !rest.is_empty() {
            return Err(Bad::Syntax);
        }
        let wide = text.len() >= 3;
        let ymd = self.around.order == DateOrder::Ymd;
        let of_date = known & have::DATE;
        if text.len() == 3 && of_date == have::YEAR && (1..=366).contains(&value) {
            self.day_of_year = value;
            return Ok(have::DAY_OF_YEAR | have::MONTH | have::DAY);
        }
        const YEAR_MONTH: u32 = have::YEAR | have::MONTH;
        const MONTH_DAY: u32 = have::MONTH | have::DAY;
        let found = match of_date {
            0 if wide || ymd => have::YEAR,
            0 if self.around.order == DateOrder::Dmy => have::DAY,
            0 => have::MONTH,
            have::YEAR => have::MONTH,
            have::MONTH if text_month && (wide || ymd) => have::YEAR,
            have::MONTH => have::DAY,
            YEAR_MONTH if text_month && wide && self.two_digits => {
                // What was taken for a year is the day.
                self.day = self.year;
                self.year = value;
                self.two_digits = false;
                return Ok(have::DAY);
            }
            YEAR_MONTH => have::DAY,
            have::DAY => have::MONTH,
            MONTH_DAY => have::YEAR,
            have::DATE => return self.run_together(text, known),
            _ => return Err(Bad::Syntax),
        };
        match found {
            have::YEAR => {
                self.year = value;
                self.two_digits = text.len() <= 2;
            }
            have::MONTH => self.month = value,
            _ => self.day = value,
        }
        Ok(found)
    }

    /// `yyyymmdd`, `yymmdd`, `hhmmss.f`, `hhmm`
    fn run_together(&mut self, text: &str, known: u32) -> Result<u32> {
        let part = |from: usize, to: usize| digits(text.get(from..to).unwrap_or_default());
        let length = match text.find('.') {
            Some(at) => {
                self.micros = fraction(text.get(at..).unwrap_or_default())?;
                at
            }
            None if known & have::DATE != have::DATE && text.len() >= 6 => {
                // The last four digits are month and day; what is before them, the year.
                let year = text.len() - 4;
                self.year = text.get(..year).unwrap_or_default().parse().map_err(|_| Bad::Range)?;
                self.month = part(year, year + 2);
                self.day = part(year + 2, year + 4);
                self.two_digits = year == 2;
                return Ok(have::DATE);
            }
            None => text.len(),
        };
        if known & have::TIME == have::TIME {
            return Err(Bad::Syntax);
        }
        match length {
            6 => (self.hour, self.minute, self.second) = (part(0, 2), part(2, 4), part(4, 6)),
            4 => (self.hour, self.minute, self.second) = (part(0, 2), part(2, 4), 0),
            _ => return Err(Bad::Syntax),
        }
        Ok(have::TIME)
    }

    /// A word; `None` for one that means nothing.
    fn word(&mut self, text: &str, next: Option<&Field>) -> Result<Option<u32>> {
        match abbreviations::find(super::words::significant(text)) {
            Some((_, Abbreviation::Fixed { east_s, summer })) => {
                self.whence = Whence::Offset(east_s);
                return Ok(Some(have::ZONE | if summer { have::SUMMER_ZONE } else { 0 }));
            }
            Some((name, Abbreviation::In(zone))) => {
                self.whence = Whence::Abbreviation(name, zone);
                return Ok(Some(have::ZONE));
            }
            None => {}
        }
        let Some(word) = date_word(text) else {
            self.whence = Whence::Zone(Zone::named(text).ok_or(Bad::Syntax)?);
            return Ok(Some(have::ZONE));
        };
        let of_date = matches!(
            word,
            DateWord::Infinity
                | DateWord::NegativeInfinity
                | DateWord::Epoch
                | DateWord::Today
                | DateWord::Tomorrow
                | DateWord::Yesterday
                | DateWord::Month(_)
                | DateWord::Weekday
        );
        if of_date && self.time_only {
            return Err(Bad::Syntax);
        }
        Ok(Some(match word {
            DateWord::Ignored => return Ok(None),
            DateWord::Infinity => self.special(Decoded::Infinity),
            DateWord::NegativeInfinity => self.special(Decoded::NegativeInfinity),
            DateWord::Epoch => self.special(Decoded::Epoch),
            DateWord::Now => {
                let local = self.around.local_now();
                self.set_day(local.div_euclid(DAY_US));
                self.set_time(local.rem_euclid(DAY_US));
                if self.time_only {
                    have::TIME
                } else {
                    self.whence = Whence::Offset(self.around.zone.offset_at_utc(self.around.now));
                    have::DATE | have::TIME | have::ZONE
                }
            }
            DateWord::Today => self.day_from_now(0),
            DateWord::Tomorrow => self.day_from_now(1),
            DateWord::Yesterday => self.day_from_now(-1),
            DateWord::Allballs => {
                self.set_time(0);
                self.whence = Whence::Offset(0);
                have::TIME | have::ZONE
            }
            DateWord::Month(month) => {
                // A number that was taken for the month is the day.
                let swapped = self.has(have::MONTH)
                    && !self.text_month
                    && !self.has(have::DAY)
                    && (1..=31).contains(&self.month);
                if swapped {
                    self.day = self.month;
                }
                self.text_month = true;
                self.month = month.into();
                if swapped { have::DAY } else { have::MONTH }
            }
            DateWord::Weekday => have::WEEKDAY,
            DateWord::Am | DateWord::Pm => {
                self.afternoon = Some(word == DateWord::Pm);
                have::HALF
            }
            DateWord::Ad | DateWord::Bc => {
                self.bc = word == DateWord::Bc;
                have::ERA
            }
            DateWord::Summer => {
                self.whence = match self.whence {
                    Whence::Offset(east_s) => Whence::Offset(east_s + 3600),
                    other => other,
                };
                have::SUMMER | have::SUMMER_ZONE
            }
            DateWord::Unit(unit) => {
                self.prefix = Some(unit);
                0
            }
            DateWord::Time => {
                let dated = self.time_only || self.has(have::DATE);
                let fits = next.is_some_and(|next| {
                    matches!(next.kind, Kind::Number | Kind::Time | Kind::Date)
                });
                if !dated || !fits {
                    return Err(Bad::Syntax);
                }
                self.prefix = Some(Unit::Time);
                0
            }
        }))
    }

    fn special(&mut self, special: Decoded) -> u32 {
        self.special = Some(special);
        have::RESERVED
    }

    fn set_day(&mut self, days: i64) {
        let date = civil(days);
        (self.year, self.month, self.day) = (date.year, date.month.into(), date.day.into());
        // The year is complete as it is.
        self.julian = true;
    }

    fn day_from_now(&mut self, days: i64) -> u32 {
        self.set_day(i64::from(timestamp_to_date(self.around.local_now())) + days);
        have::DATE
    }

    fn check_date(&mut self) -> Result<()> {
        if self.has(have::YEAR) && !self.julian {
            if self.bc {
                if self.year <= 0 {
                    return Err(Bad::Range);
                }
                self.year = 1 - self.year;
            } else if self.two_digits {
                self.year += match self.year {
                    0..70 => 2000,
                    70..100 => 1900,
                    _ => 0,
                };
            } else if self.year <= 0 {
                return Err(Bad::Range);
            }
        }
        if self.has(have::DAY_OF_YEAR) {
            self.set_day(days_of(self.year, 1, 1) + self.day_of_year - 1);
        }
        if self.has(have::MONTH) && !(1..=12).contains(&self.month)
            || self.has(have::DAY) && !(1..=31).contains(&self.day)
        {
            return Err(Bad::MonthOrDay);
        }
        if self.has(have::DATE) && self.day > i64::from(days_in_month(self.year, self.month as u32))
        {
            return Err(Bad::Range);
        }
        Ok(())
    }

    fn apply_half(&mut self) -> Result<()> {
        match self.afternoon {
            Some(_) if self.hour > 12 => return Err(Bad::Range),
            Some(false) if self.hour == 12 => self.hour = 0,
            Some(true) if self.hour != 12 => self.hour += 12,
            _ => {}
        }
        Ok(())
    }

    fn time_us(&self) -> i64 {
        self.hour * HOUR_US + self.minute * MINUTE_US + self.second * SECOND_US + self.micros
    }

    fn civil(&self) -> Civil {
        Civil { year: self.year, month: self.month as u32, day: self.day as u32 }
    }

    /// The offset at a local time.
    fn east_s(&self, local: i64) -> Result<i32> {
        let whence = match self.whence {
            _ if !self.has(have::ZONE) => Whence::Nowhere,
            whence => whence,
        };
        // `dst` goes with a standard offset.
        if self.has(have::SUMMER) && !matches!(whence, Whence::Offset(_)) {
            return Err(Bad::Syntax);
        }
        Ok(match whence {
            Whence::Nowhere => self.around.zone.offset_at_local(local),
            Whence::Offset(east_s) => east_s,
            Whence::Zone(zone) => zone.offset_at_local(local),
            Whence::Abbreviation(name, zone) => {
                offset_of(name, zone, Zone::Named(zone).to_utc(local))
            }
        })
    }

    fn finish_date_time(mut self) -> Result<Decoded> {
        self.check_date()?;
        self.apply_half()?;
        if let Some(special) = self.special {
            return Ok(special);
        }
        if !self.has(have::DATE) {
            return Err(Bad::Syntax);
        }
        let (date, time_us) = (self.civil(), self.time_us());
        let days = days_of(date.year, date.month, date.day);
        let local = days.saturating_mul(DAY_US).saturating_add(time_us);
        Ok(Decoded::At { date, time_us, east_s: self.east_s(local)? })
    }

    fn finish_time(mut self) -> Result<Decoded> {
        self.check_date()?;
        self.apply_half()?;
        let outside = !(0..60).contains(&self.minute)
            || !(0..=60).contains(&self.second)
            || self.hour < 0
            || !(0..=SECOND_US).contains(&self.micros);
        if outside || self.is_beyond_a_day() {
            return Err(Bad::Range);
        }
        if !self.has(have::TIME) {
            return Err(Bad::Syntax);
        }
        if let Whence::Zone(zone) = self.whence
            && !self.has(have::DATE)
        {
            // Only a zone that keeps one offset does without a date.
            self.whence = Whence::Offset(zone.fixed_offset().ok_or(Bad::Syntax)?);
        }
        let date = match self.have & have::DATE {
            have::DATE => self.civil(),
            // A date that the offset depends on has to be whole.
            1.. if !matches!(self.whence, Whence::Offset(_)) => return Err(Bad::Syntax),
            _ => civil(self.around.local_now().div_euclid(DAY_US)),
        };
        let time_us = self.time_us();
        let days = days_of(date.year, date.month, date.day);
        let local = days.saturating_mul(DAY_US).saturating_add(time_us);
        Ok(Decoded::At { date, time_us, east_s: self.east_s(local)? })
    }
}
