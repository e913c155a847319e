//! `to_date` and `to_timestamp`: dates and times out of text, by a template.

use super::calendar::{Civil, EPOCH_JULIAN, civil, days_in_month, days_of, iso_week_start};
use super::output::{DAYS, MONTHS};
use super::template::{self, Convention, Key, Node, Pattern, is_separator};
use super::to_char::ROMAN;
use super::{Zone, is_date_in_range, is_timestamp_in_range, round_to_precision};
use crate::error::{Error, Result, SqlState};
use crate::types::interval::{DAY_US, HOUR_US, MINUTE_US, SECOND_US};

fn invalid(message: String) -> Error {
    Error::new(SqlState::InvalidDatetimeFormat, message)
}

fn field_out_of_range(text: &str) -> Error {
    let message = format!("date/time field value out of range: \"{text}\"");
    Error::new(SqlState::DatetimeFieldOverflow, message)
}

/// `to_timestamp(text, text)`
///
/// # Errors
/// If the text does not fit the template.
pub fn to_timestamp(text: &str, template: &str, zone: Zone) -> Result<i64> {
    let read = read(text, template)?;
    let Civil { year, month, day } = read.date;
    let midnight = days_of(year, month, day).checked_mul(DAY_US);
    let local = midnight.and_then(|midnight| midnight.checked_add(read.time_us));
    let utc = local.map(|local| match read.east_s {
        Some(east_s) => local - i64::from(east_s) * SECOND_US,
        None => zone.to_utc(local),
    });
    let utc = utc.filter(|utc| is_timestamp_in_range(*utc));
    let utc = utc.ok_or_else(super::timestamp_out_of_range)?;
    Ok(round_to_precision(utc, read.precision))
}

/// `to_date(text, text)`
///
/// # Errors
/// If the text does not fit the template.
pub fn to_date(text: &str, template: &str) -> Result<i32> {
    let Civil { year, month, day } = read(text, template)?.date;
    let days = days_of(year, month, day);
    match is_date_in_range(days) {
        true => Ok(days as i32),
        false => {
            let message = format!("date out of range: \"{text}\"");
            Err(Error::new(SqlState::DatetimeFieldOverflow, message))
        }
    }
}

struct Read {
    date: Civil,
    time_us: i64,
    east_s: Option<i32>,
    /// Digits of a second that the template has; -1: all.
    precision: i32,
}

/// The values of fields; 0 is what was not there.
#[derive(Default)]
struct Values {
    convention: Option<Convention>,
    is_12_hours: bool,
    hour: i64,
    afternoon: i64,
    minute: i64,
    second: i64,
    seconds_of_day: i64,
    /// Of the week, from Sunday, which is 1.
    weekday: i64,
    day: i64,
    day_of_year: i64,
    month: i64,
    millis: i64,
    micros: i64,
    /// Digits of a second, as FF1 to FF6 have them.
    fraction_digits: u32,
    year: i64,
    /// Digits that the template has of the year.
    year_digits: u32,
    bc: i64,
    week: i64,
    week_of_month: i64,
    century: i64,
    julian: i64,
    zone_sign: i64,
    zone_hours: i64,
    zone_minutes: i64,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_char(&mut self) {
        self.at += self.rest().chars().next().map_or(0, char::len_utf8);
    }

    fn skip_blanks(&mut self) -> i64 {
        let rest = self.rest();
        let blanks =
            rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']).len();
        self.at += blanks;
        blanks as i64
    }

    /// A number at the start, with its sign and blanks before it, and how far it reaches.
    fn leading_number(text: &str) -> (Option<i64>, usize) {
        let body = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
        let unsigned = body.strip_prefix(['-', '+']).unwrap_or(body);
        let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return (None, 0);
        }
        let end = text.len() - unsigned.len() + digits;
        let number = body.get(..body.len() - unsigned.len() + digits).unwrap_or_default();
        let value = number.trim_start_matches('+').parse().unwrap_or(i64::MAX);
        (Some(value), end)
    }

    /// Reads a number of `width` digits, or as long as it is where no digit can follow it. Also gives
    /// how many characters that took.
    fn number(&mut self, key: &Key, width: usize, greedy: bool) -> Result<(i64, usize)> {
        let start = self.at;
        self.skip_blanks();
        let rest = self.rest();
        let end = rest.char_indices().nth(width).map_or(rest.len(), |(at, _)| at);
        let piece = rest.get(..end).unwrap_or_default();
        let name = key.name;
        let hint = "If your source string is not fixed-width, try using the \"FM\" modifier.";
        let value;
        if greedy {
            let whole = self.text.get(start..).unwrap_or_default();
            let (found, used) = Self::leading_number(whole);
            value = found;
            self.at = start + used;
        } else {
            if piece.len() < width {
                return Err(invalid(format!(
                    "source string too short for \"{name}\" formatting field"
                ))
                .detail(format!(
                    "Field requires {width} characters, but only {} remain.",
                    piece.len()
                ))
                .hint(hint));
            }
            let (found, used) = Self::leading_number(piece);
            if used > 0 && used < width {
                return Err(invalid(format!("invalid value \"{piece}\" for \"{name}\""))
                    .detail(format!(
                        "Field requires {width} characters, but only {used} could be parsed."
                    ))
                    .hint(hint));
            }
            value = found;
            self.at += used;
        }
        let Some(value) = value else {
            return Err(invalid(format!("invalid value \"{piece}\" for \"{name}\""))
                .detail("Value must be an integer."));
        };
        if i32::try_from(value).is_err() {
            let message = format!("value for \"{name}\" in source string is out of range");
            return Err(Error::new(SqlState::DatetimeFieldOverflow, message)
                .detail("Value must be in the range -2147483648 to 2147483647."));
        }
        Ok((value, self.at - start))
    }

    /// Reads one of a list of names, by its place in the list.
    fn name(&mut self, key: &Key, names: &[&str]) -> Result<i64> {
        let rest = self.rest();
        let matches = |name: &&str| {
            rest.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name))
        };
        match names.iter().position(matches) {
            Some(index) => {
                self.at += names.get(index).map_or(0, |name| name.len());
                Ok(index as i64)
            }
            None => {
                let word = rest.split([' ', '\t', '\n', '\r']).next().unwrap_or_default();
                Err(invalid(format!("invalid value \"{word}\" for \"{}\"", key.name)).detail(
                    "The given value did not match any of the allowed values for this field.",
                ))
            }
        }
    }
}

/// Sets a field that may be said several times, but only one way.
fn set(field: &mut i64, value: i64, key: &Key) -> Result<()> {
    if *field != 0 && *field != value {
        return Err(invalid(format!(
            "conflicting values for \"{}\" field in formatting string",
            key.name
        ))
        .detail("This value contradicts a previous setting for the same field type."));
    }
    *field = value;
    Ok(())
}

/// Years of less than four digits are those that are nearest to 2020.
fn near_2020(year: i64) -> i64 {
    match year {
        ..70 => year + 2000,
        70..100 => year + 1900,
        100..520 => year + 2000,
        520..1000 => year + 1000,
        _ => year,
    }
}

/// Whether no digit can follow the field at `index`.
fn is_greedy(nodes: &[Node], index: usize) -> bool {
    if let Some(Node::Field { ordinal: Some(_), .. }) = nodes.get(index) {
        return true;
    }
    match nodes.get(index + 1) {
        None => true,
        Some(Node::Field { key, .. }) => !key.is_number,
        Some(Node::Char(c) | Node::Space(c) | Node::Separator(c)) => !c.is_ascii_digit(),
    }
}

impl Values {
    fn set_convention(&mut self, convention: Convention) -> Result<()> {
        if convention == Convention::None {
            return Ok(());
        }
        match self.convention {
            Some(known) if known != convention => {
                let message = "invalid combination of date conventions";
                let hint =
                    "Do not mix Gregorian and ISO week date conventions in a formatting template.";
                Err(invalid(message.into()).hint(hint))
            }
            _ => {
                self.convention = Some(convention);
                Ok(())
            }
        }
    }

    fn read(&mut self, reader: &mut Reader<'_>, nodes: &[Node]) -> Result<()> {
        let mut fixed = false;
        // How many more blanks and separators the text had than the template.
        let mut extra = 0i64;
        for (index, node) in nodes.iter().enumerate() {
            if reader.rest().is_empty() {
                break;
            }
            let is_field = matches!(node, Node::Field { .. });
            let is_fixed = matches!(node, Node::Field { key, .. } if key.pattern == Pattern::Fixed);
            if !fixed && !is_fixed && (is_field || index == 0) {
                extra += reader.skip_blanks();
            }
            match node {
                Node::Space(_) | Node::Separator(_) if fixed => reader.skip_char(),
                Node::Space(_) | Node::Separator(_) => {
                    extra -= 1;
                    let next = reader.rest().chars().next();
                    if next.is_some_and(|c| is_separator(c) || c.is_ascii_whitespace()) {
                        reader.skip_char();
                        extra += 1;
                    }
                }
                Node::Char(_) if !fixed && extra > 0 => extra -= 1,
                Node::Char(_) => reader.skip_char(),
                Node::Field { key, fill, ordinal, .. } => {
                    self.set_convention(key.convention)?;
                    if key.pattern == Pattern::Fixed {
                        fixed = true;
                    } else {
                        let greedy = *fill || is_greedy(nodes, index);
                        self.field(reader, key, greedy, extra)?;
                        if ordinal.is_some() && key.is_number {
                            reader.skip_char();
                            reader.skip_char();
                        }
                    }
                    if !fixed {
                        extra = reader.skip_blanks();
                    }
                }
            }
        }
        Ok(())
    }

    fn field(
        &mut self,
        reader: &mut Reader<'_>,
        key: &Key,
        greedy: bool,
        extra: i64,
    ) -> Result<()> {
        let width = key.name.len();
        let number = |reader: &mut Reader<'_>, width: usize| reader.number(key, width, greedy);
        match key.pattern {
            Pattern::Fixed => {}
            Pattern::Half { periods } => {
                let names: [&str; 2] = if periods { ["a.m.", "p.m."] } else { ["am", "pm"] };
                let value = reader.name(key, &names)?;
                set(&mut self.afternoon, value, key)?;
                self.is_12_hours = true;
            }
            Pattern::Era { periods } => {
                let names: [&str; 2] = if periods { ["a.d.", "b.c."] } else { ["ad", "bc"] };
                let value = reader.name(key, &names)?;
                set(&mut self.bc, value, key)?;
            }
            Pattern::Hour12 => {
                set(&mut self.hour, number(reader, 2)?.0, key)?;
                self.is_12_hours = true;
            }
            Pattern::Hour24 => set(&mut self.hour, number(reader, 2)?.0, key)?,
            Pattern::Minute => set(&mut self.minute, number(reader, width)?.0, key)?,
            Pattern::Second => set(&mut self.second, number(reader, width)?.0, key)?,
            Pattern::Milliseconds => {
                let (value, length) = number(reader, 3)?;
                set(&mut self.millis, value, key)?;
                // 25 is a quarter of a second, and so is 250.
                self.millis *= 10i64.pow(3u32.saturating_sub(length as u32));
            }
            Pattern::Microseconds | Pattern::Fraction(_) => {
                let digits = match key.pattern {
                    Pattern::Fraction(digits) => {
                        self.fraction_digits = digits;
                        digits
                    }
                    _ => 6,
                };
                let (value, length) = number(reader, digits as usize)?;
                set(&mut self.micros, value, key)?;
                self.micros *= 10i64.pow(6u32.saturating_sub(length as u32));
            }
            Pattern::SecondsOfDay => set(&mut self.seconds_of_day, number(reader, width)?.0, key)?,
            Pattern::Zone | Pattern::Offset => {
                let name = key.name.to_ascii_uppercase();
                let message = format!("formatting field \"{name}\" is only supported in to_char");
                return Err(Error::new(SqlState::FeatureNotSupported, message));
            }
            Pattern::OffsetHours => {
                let next = reader.rest().chars().next();
                if let Some(sign @ ('+' | '-' | ' ')) = next {
                    self.zone_sign = if sign == '-' { -1 } else { 1 };
                    reader.at += 1;
                } else {
                    // The sign may have been taken for a separator.
                    let before = reader.text.get(..reader.at).unwrap_or_default();
                    let minus = extra > 0 && before.ends_with('-');
                    self.zone_sign = if minus { -1 } else { 1 };
                }
                let (value, _) = reader.number(key, 2, greedy)?;
                set(&mut self.zone_hours, value, key)?;
            }
            Pattern::OffsetMinutes => {
                if self.zone_sign == 0 {
                    self.zone_sign = 1;
                }
                set(&mut self.zone_minutes, number(reader, 2)?.0, key)?;
            }
            Pattern::MonthName => {
                let value = reader.name(key, &MONTHS)?;
                set(&mut self.month, value + 1, key)?;
            }
            Pattern::MonthShort => {
                let names = MONTHS.map(|name| name.get(..3).unwrap_or(name));
                let value = reader.name(key, &names)?;
                set(&mut self.month, value + 1, key)?;
            }
            Pattern::MonthRoman => {
                // The longest first: `VIII` begins with `V`.
                let mut names = ROMAN;
                names.reverse();
                let value = reader.name(key, &names)?;
                set(&mut self.month, 12 - value, key)?;
            }
            Pattern::Month => set(&mut self.month, number(reader, width)?.0, key)?,
            Pattern::DayName => {
                let value = reader.name(key, &DAYS)?;
                set(&mut self.weekday, value, key)?;
                self.weekday += 1;
            }
            Pattern::DayShort => {
                let names = DAYS.map(|name| name.get(..3).unwrap_or(name));
                let value = reader.name(key, &names)?;
                set(&mut self.weekday, value, key)?;
                self.weekday += 1;
            }
            Pattern::DayOfYear | Pattern::IsoDayOfYear => {
                set(&mut self.day_of_year, number(reader, 3)?.0, key)?;
            }
            Pattern::Day => set(&mut self.day, number(reader, width)?.0, key)?,
            Pattern::DayOfWeek => set(&mut self.weekday, number(reader, width)?.0, key)?,
            Pattern::IsoDayOfWeek => {
                set(&mut self.weekday, number(reader, 1)?.0, key)?;
                // From Monday to Sunday there, from Sunday here.
                self.weekday = if self.weekday >= 7 { 1 } else { self.weekday + 1 };
            }
            Pattern::WeekOfYear | Pattern::IsoWeek => {
                set(&mut self.week, number(reader, width)?.0, key)?
            }
            // In which month of the quarter cannot be told.
            Pattern::Quarter => drop(number(reader, width)?),
            Pattern::Century => set(&mut self.century, number(reader, width)?.0, key)?,
            Pattern::YearWithComma => {
                let error = || invalid("invalid input string for \"Y,YYY\"".into());
                let (thousands, used) = Reader::leading_number(reader.rest());
                let thousands = thousands.ok_or_else(error)?;
                reader.at += used;
                let rest = reader.rest().strip_prefix(',').ok_or_else(error)?;
                let digits = rest.bytes().take(3).take_while(u8::is_ascii_digit).count();
                let years: i64 =
                    rest.get(..digits).unwrap_or_default().parse().map_err(|_| error())?;
                reader.at += 1 + digits;
                let year = thousands.saturating_mul(1000).saturating_add(years);
                if i32::try_from(year).is_err() {
                    let message = "value for \"Y,YYY\" in source string is out of range";
                    return Err(Error::new(SqlState::DatetimeFieldOverflow, message));
                }
                set(&mut self.year, year, key)?;
                self.year_digits = 4;
            }
            Pattern::Year(digits) | Pattern::IsoYear(digits) => {
                let (value, length) = number(reader, width)?;
                set(&mut self.year, value, key)?;
                if digits < 4 && length < 4 {
                    self.year = near_2020(self.year);
                }
                self.year_digits = digits;
            }
            Pattern::WeekOfMonth => set(&mut self.week_of_month, number(reader, width)?.0, key)?,
            Pattern::Julian => set(&mut self.julian, number(reader, width)?.0, key)?,
        }
        Ok(())
    }
}

fn read(text: &str, template: &str) -> Result<Read> {
    let nodes = template::parse(template);
    let mut values = Values::default();
    values.read(&mut Reader { text, at: 0 }, &nodes)?;
    let (mut hour, mut minute, mut second) = (0, 0, 0);
    if values.seconds_of_day != 0 {
        let all = values.seconds_of_day;
        (hour, minute, second) = (all / 3600, all / 60 % 60, all % 60);
    }
    for (field, value) in
        [(&mut second, values.second), (&mut minute, values.minute), (&mut hour, values.hour)]
    {
        if value != 0 {
            *field = value;
        }
    }
    if values.is_12_hours {
        if !(1..=12).contains(&hour) {
            return Err(invalid(format!("hour \"{hour}\" is invalid for the 12-hour clock"))
                .hint("Use the 24-hour clock, or give an hour between 1 and 12."));
        }
        if values.afternoon != 0 && hour < 12 {
            hour += 12;
        } else if values.afternoon == 0 && hour == 12 {
            hour = 0;
        }
    }
    let date = date_of(&mut values, text)?;
    let micros = values.millis * 1000 + values.micros;
    let fits = (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..60).contains(&second)
        && (0..SECOND_US).contains(&micros);
    if !fits {
        return Err(field_out_of_range(text));
    }
    let east_s = match values.zone_sign {
        0 => None,
        sign => {
            let (hours, minutes) = (values.zone_hours, values.zone_minutes);
            if !(0..=15).contains(&hours) || !(0..60).contains(&minutes) {
                let message = format!("time zone displacement out of range: \"{text}\"");
                return Err(Error::new(SqlState::InvalidTimeZoneDisplacementValue, message));
            }
            Some((sign * (hours * 3600 + minutes * 60)) as i32)
        }
    };
    let time_us = hour * HOUR_US + minute * MINUTE_US + second * SECOND_US + micros;
    let precision = match values.fraction_digits {
        0 => -1,
        digits => digits as i32,
    };
    Ok(Read { date, time_us, east_s, precision })
}

/// The date that the fields tell.
fn date_of(values: &mut Values, text: &str) -> Result<Civil> {
    let (mut year, mut month, mut day) = (0i64, 1i64, 1i64);
    let (mut has_month, mut has_day) = (false, false);
    if values.bc != 0 {
        values.century = -values.century;
    }
    let century = values.century;
    if values.year != 0 && century != 0 && values.year_digits <= 2 {
        // The year is within the century, whose last one ends in 00.
        year = values.year % 100;
        year = match (year, century >= 0) {
            (0, true) => century * 100,
            (0, false) => century * 100 + 1,
            (year, true) => year + (century - 1) * 100,
            (year, false) => (century + 1) * 100 - year + 1,
        };
    } else if values.year != 0 {
        year = if values.bc != 0 { -values.year } else { values.year };
        year += i64::from(year < 0);
    } else if century != 0 {
        year = if century >= 0 { (century - 1) * 100 + 1 } else { century * 100 + 1 };
    }
    if values.julian != 0 {
        let date = civil(values.julian - EPOCH_JULIAN);
        (year, month, day) = (date.year, date.month.into(), date.day.into());
        (has_month, has_day) = (true, true);
    }
    let iso = values.convention == Some(Convention::IsoWeek);
    if values.week != 0 {
        if iso {
            let monday = iso_week_start(year, values.week);
            // Sunday, which is 1, ends the week.
            let offset = match values.weekday {
                0 => 0,
                day if day > 1 => day - 2,
                _ => 6,
            };
            let date = civil(monday + offset);
            (year, month, day) = (date.year, date.month.into(), date.day.into());
            (has_month, has_day) = (true, true);
        } else {
            values.day_of_year = (values.week - 1) * 7 + 1;
        }
    }
    if values.week_of_month != 0 {
        values.day = (values.week_of_month - 1) * 7 + 1;
    }
    if values.day != 0 {
        (day, has_day) = (values.day, true);
    }
    if values.month != 0 {
        (month, has_month) = (values.month, true);
    }
    if values.day_of_year != 0 && (month <= 1 || day <= 1) {
        if year == 0 && values.bc == 0 {
            let message = "cannot calculate day of year without year information";
            return Err(invalid(message.into()));
        }
        (has_month, has_day) = (true, true);
        if iso {
            let date = civil(iso_week_start(year, 1) - 1 + values.day_of_year);
            (year, month, day) = (date.year, date.month.into(), date.day.into());
        } else {
            let (mut of_month, mut left) = (1u32, values.day_of_year);
            while of_month < 13 && left > i64::from(days_in_month(year, of_month)) {
                left -= i64::from(days_in_month(year, of_month));
                of_month += 1;
            }
            if month <= 1 {
                month = of_month.into();
            }
            if day <= 1 {
                day = left;
            }
        }
    }
    let bad = has_month && !(1..=12).contains(&month)
        || has_day && !(1..=31).contains(&day)
        || (1..=12).contains(&month) && day > i64::from(days_in_month(year, month as u32));
    if bad {
        return Err(field_out_of_range(text));
    }
    Ok(Civil { year, month: month as u32, day: day as u32 })
}
