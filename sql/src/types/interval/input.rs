//! Intervals out of text: PostgreSQL's form with units, SQL's, and ISO 8601's two.
//!
//! Fields are read from right to left, so that a unit is known when its number comes.

use super::range::{Range, length_us};
use super::{DAY_US, DAYS_OF_MONTH, HOUR_US, Interval, MINUTE_US, SECOND_US};
use crate::types::datetime::scan::{self, Field, Kind};
use crate::types::datetime::style::IntervalStyle;
use crate::types::datetime::words::{IntervalWord, Unit, interval_word};
use crate::types::datetime::{Bad, clock};

/// Why a string is not an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It does not read as one.
    Syntax,
    /// A field is too large.
    Field,
    /// Its parts are too large together.
    Range,
}

type Parsed<T> = std::result::Result<T, Malformed>;

/// Parses an interval. Which fields a number without unit counts is `range`'s; in style `sql_standard` a
/// sign at the start is everything's.
///
/// # Errors
/// If it is none.
pub fn parse(text: &str, range: Range, style: IntervalStyle) -> Parsed<Interval> {
    let fields = scan::fields(text).ok_or(Malformed::Syntax);
    let parts = match fields.and_then(|fields| by_fields(&fields, range, style)) {
        Err(Malformed::Syntax) => iso_8601(text)?,
        parts => parts?,
    };
    parts.finish()
}

/// A number: an exact whole, and a fraction of the same sign.
#[derive(Clone, Copy)]
struct Number {
    whole: i64,
    fraction: f64,
}

/// Fields summed up exactly; fractions cascade downwards unit by unit.
#[derive(Default)]
struct Parts {
    years: i32,
    months: i32,
    days: i32,
    microseconds: i64,
}

impl Parts {
    fn add_microseconds(&mut self, whole: i64, scale: i64) -> Option<()> {
        self.microseconds = self.microseconds.checked_add(whole.checked_mul(scale)?)?;
        Some(())
    }

    fn add_fraction(&mut self, fraction: f64, scale: i64) -> Option<()> {
        let exact = fraction * scale as f64;
        let whole = exact.trunc();
        let rest = exact - whole;
        let rounded = whole as i64 + i64::from(rest > 0.5) - i64::from(rest < -0.5);
        self.microseconds = self.microseconds.checked_add(rounded)?;
        Some(())
    }

    fn add_days(&mut self, whole: i64, scale: i32) -> Option<()> {
        let days = i32::try_from(whole).ok()?.checked_mul(scale)?;
        self.days = self.days.checked_add(days)?;
        Some(())
    }

    /// A fraction of so many days.
    fn add_fraction_of_days(&mut self, fraction: f64, days: i32) -> Option<()> {
        let exact = fraction * f64::from(days);
        self.days = self.days.checked_add(exact.trunc() as i32)?;
        self.add_fraction(exact.fract(), DAY_US)
    }

    fn add_years(&mut self, value: Number, scale: i32) -> Option<()> {
        let years = i32::try_from(value.whole).ok()?.checked_mul(scale)?;
        self.years = self.years.checked_add(years)?;
        let months = (value.fraction * f64::from(scale) * 12.0).round_ties_even();
        self.months = self.months.checked_add(months as i32)?;
        Some(())
    }

    /// Adds a number of units; `None` if that is too much.
    fn add(&mut self, unit: Unit, value: Number) -> Option<()> {
        match unit {
            Unit::Day => {
                self.add_days(value.whole, 1)?;
                self.add_fraction(value.fraction, DAY_US)
            }
            Unit::Week => {
                self.add_days(value.whole, 7)?;
                self.add_fraction_of_days(value.fraction, 7)
            }
            Unit::Month => {
                let months = i32::try_from(value.whole).ok()?;
                self.months = self.months.checked_add(months)?;
                self.add_fraction_of_days(value.fraction, DAYS_OF_MONTH)
            }
            Unit::Year => self.add_years(value, 1),
            Unit::Decade => self.add_years(value, 10),
            Unit::Century => self.add_years(value, 100),
            Unit::Millennium => self.add_years(value, 1000),
            unit => {
                let scale = length_us(unit)?;
                self.add_microseconds(value.whole, scale)?;
                self.add_fraction(value.fraction, scale)
            }
        }
    }

    fn negate(&mut self) -> Option<()> {
        self.years = self.years.checked_neg()?;
        self.months = self.months.checked_neg()?;
        self.days = self.days.checked_neg()?;
        self.microseconds = self.microseconds.checked_neg()?;
        Some(())
    }

    fn finish(self) -> Parsed<Interval> {
        let months = i64::from(self.years) * 12 + i64::from(self.months);
        let months = i32::try_from(months).map_err(|_| Malformed::Range)?;
        Ok(Interval { months, days: self.days, microseconds: self.microseconds })
    }
}

/// Hours, minutes and seconds in microseconds.
fn time(text: &str, range: Range) -> Parsed<i64> {
    let (hour, minute, second, micros) = clock(text).map_err(|bad| match bad {
        Bad::Range => Malformed::Field,
        _ => Malformed::Syntax,
    })?;
    let two_numbers = text.bytes().filter(|byte| *byte == b':').count() == 1;
    let (hour, minute, second) = match two_numbers && !text.contains('.') {
        true if range.is_minute_to_second() => (0, hour, minute),
        _ => (hour, minute, second),
    };
    let rest = minute * MINUTE_US + second * SECOND_US + micros;
    let hours = hour.checked_mul(HOUR_US).and_then(|hours| hours.checked_add(rest));
    hours.ok_or(Malformed::Field)
}

/// A field's number; `1-2` is years and months.
fn number(text: &str, unit: &mut Unit) -> Parsed<Number> {
    let negative = text.starts_with('-');
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let end = body.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = body.split_at_checked(end).ok_or(Malformed::Syntax)?;
    let signed = |digits: &str| -> Parsed<i64> {
        match (digits, negative) {
            ("", _) => Ok(0),
            (digits, true) => format!("-{digits}").parse().map_err(|_| Malformed::Field),
            (digits, false) => digits.parse().map_err(|_| Malformed::Field),
        }
    };
    let mut whole = signed(digits)?;
    if let Some(months) = rest.strip_prefix('-') {
        let count = months.bytes().take_while(u8::is_ascii_digit).count();
        let (months, rest) = months.split_at_checked(count).ok_or(Malformed::Syntax)?;
        let months = signed(months)?;
        if months.abs() >= 12 {
            return Err(Malformed::Field);
        }
        if !rest.is_empty() {
            return Err(Malformed::Syntax);
        }
        *unit = Unit::Month;
        let years = whole.checked_mul(12).and_then(|years| years.checked_add(months));
        whole = years.ok_or(Malformed::Field)?;
        return Ok(Number { whole, fraction: 0.0 });
    }
    let fraction = match rest {
        "" => 0.0,
        "." => 0.0,
        rest => {
            let digits = rest.strip_prefix('.').ok_or(Malformed::Syntax)?;
            if !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(Malformed::Syntax);
            }
            rest.parse::<f64>().map_err(|_| Malformed::Syntax)?
        }
    };
    Ok(Number { whole, fraction: if negative { -fraction } else { fraction } })
}

/// Microsecond to second as one bit each: seconds with a fraction are all three.
fn bits(unit: Unit, fraction: f64) -> u32 {
    let bit = |unit: Unit| 1u32 << unit as u32;
    match unit {
        Unit::Second if fraction != 0.0 => {
            bit(Unit::Second) | bit(Unit::Millisecond) | bit(Unit::Microsecond)
        }
        unit => bit(unit),
    }
}

fn is_unit_of_intervals(unit: Unit) -> bool {
    use Unit::{Century, Decade, Millennium, Month, Week, Year};
    matches!(unit, Week | Month | Year | Decade | Century | Millennium) || length_us(unit).is_some()
}

fn by_fields(fields: &[Field], range: Range, style: IntervalStyle) -> Parsed<Parts> {
    let signed = |field: &Field| field.text.starts_with(['-', '+']);
    let all_negative = style == IntervalStyle::SqlStandard
        && fields.first().is_some_and(|field| field.text.starts_with('-'))
        && !fields.iter().skip(1).any(signed);
    // A time has a fraction of a second, which may be 0.
    let time_bits = bits(Unit::Hour, 0.0) | bits(Unit::Minute, 0.0) | bits(Unit::Second, 0.5);
    let mut parts = Parts::default();
    let (mut used, mut ago) = (0u32, false);
    // The unit of the next number to the left, if one was said.
    let mut unit = None;
    let mut unitless = false;
    for field in fields.iter().rev() {
        let found = match field.kind {
            Kind::Time => {
                let time = time(&field.text, range)?;
                parts.microseconds = if all_negative { -time } else { time };
                (unit, unitless) = (Some(Unit::Day), false);
                time_bits
            }
            Kind::Offset if field.text.contains(':') => {
                let body = field.text.get(1..).unwrap_or_default();
                let time = time(body, range).map_err(|_| Malformed::Syntax)?;
                let negative = field.text.starts_with('-') || all_negative;
                parts.microseconds = if negative { -time } else { time };
                (unit, unitless) = (Some(Unit::Day), false);
                time_bits
            }
            Kind::Number | Kind::Date | Kind::Offset => {
                if unitless {
                    return Err(Malformed::Syntax);
                }
                let mut of = unit.unwrap_or_else(|| range.last_unit());
                let mut value = number(&field.text, &mut of)?;
                if all_negative {
                    value.whole = -value.whole.checked_abs().ok_or(Malformed::Field)?;
                    value.fraction = -value.fraction.abs();
                }
                if !is_unit_of_intervals(of) {
                    return Err(Malformed::Syntax);
                }
                parts.add(of, value).ok_or(Malformed::Field)?;
                // What stands before hours are days.
                unit = Some(if of == Unit::Hour { Unit::Day } else { of });
                bits(of, value.fraction)
            }
            Kind::Word | Kind::Special => {
                unitless = false;
                match interval_word(&field.text) {
                    Some(IntervalWord::Unit(named)) => unit = Some(named),
                    Some(IntervalWord::Ago) => {
                        ago = true;
                        unitless = true;
                    }
                    None => return Err(Malformed::Syntax),
                }
                0
            }
        };
        if found & used != 0 {
            return Err(Malformed::Syntax);
        }
        used |= found;
    }
    if used == 0 {
        return Err(Malformed::Syntax);
    }
    if ago {
        parts.negate().ok_or(Malformed::Field)?;
    }
    Ok(parts)
}

/// A reader of ISO 8601's forms.
struct Iso<'a> {
    rest: &'a str,
}

impl Iso<'_> {
    /// A number, and its digits before the point.
    fn number(&mut self) -> Parsed<(Number, usize)> {
        let text = self.rest;
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let width = unsigned.bytes().take_while(u8::is_ascii_digit).count();
        let tail = unsigned.get(width..).unwrap_or_default();
        let fraction = match tail.strip_prefix('.') {
            Some(digits) => 1 + digits.bytes().take_while(u8::is_ascii_digit).count(),
            None => 0,
        };
        let mut length = text.len() - unsigned.len() + width + fraction;
        // An exponent, as numbers of C have it.
        let after = text.get(length..).unwrap_or_default();
        if let Some(exponent) = after.strip_prefix(['e', 'E']) {
            let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            let count = digits.bytes().take_while(u8::is_ascii_digit).count();
            if count > 0 {
                length += 1 + exponent.len() - digits.len() + count;
            }
        }
        let (number, rest) = text.split_at_checked(length).ok_or(Malformed::Syntax)?;
        let value: f64 = number.parse().map_err(|_| Malformed::Syntax)?;
        if !(-1.0e15..=1.0e15).contains(&value) {
            return Err(Malformed::Field);
        }
        self.rest = rest;
        let whole = value.trunc();
        Ok((Number { whole: whole as i64, fraction: value - whole }, width))
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }
}

/// `P1Y2M3DT4H5M6S`, or the alternative forms `P0001-02-03T04:05:06` and `P00010203T040506`.
fn iso_8601(text: &str) -> Parsed<Parts> {
    let mut reader = Iso { rest: text.strip_prefix('P').ok_or(Malformed::Syntax)? };
    if reader.rest.is_empty() {
        return Err(Malformed::Syntax);
    }
    let mut parts = Parts::default();
    let (mut in_date, mut has_field) = (true, false);
    let whole = |whole: i64| Number { whole, fraction: 0.0 };
    let field = |done: Option<()>| done.ok_or(Malformed::Field);
    while !reader.rest.is_empty() {
        if let Some(rest) = reader.rest.strip_prefix('T') {
            reader.rest = rest;
            (in_date, has_field) = (false, false);
            continue;
        }
        let (value, width) = reader.number()?;
        let unit = reader.next();
        match (in_date, unit) {
            (true, Some('Y')) => field(parts.add(Unit::Year, value))?,
            (true, Some('M')) => field(parts.add(Unit::Month, value))?,
            (true, Some('W')) => field(parts.add(Unit::Week, value))?,
            (true, Some('D')) => field(parts.add(Unit::Day, value))?,
            (false, Some('H')) => field(parts.add(Unit::Hour, value))?,
            (false, Some('M')) => field(parts.add(Unit::Minute, value))?,
            (false, Some('S')) => field(parts.add(Unit::Second, value))?,
            (true, Some('T') | None) if width == 8 && !has_field => {
                field(parts.add(Unit::Year, whole(value.whole / 10_000)))?;
                field(parts.add(Unit::Month, whole(value.whole / 100 % 100)))?;
                field(parts.add(Unit::Day, Number { whole: value.whole % 100, ..value }))?;
                in_date = false;
                continue;
            }
            (false, None) if width == 6 && !has_field => {
                field(parts.add(Unit::Hour, whole(value.whole / 10_000)))?;
                field(parts.add(Unit::Minute, whole(value.whole / 100 % 100)))?;
                field(parts.add(Unit::Second, Number { whole: value.whole % 100, ..value }))?;
            }
            (true, Some('T' | '-') | None) if !has_field => {
                field(parts.add(Unit::Year, value))?;
                if unit == Some('-') {
                    field(parts.add(Unit::Month, reader.number()?.0))?;
                    if let Some(rest) = reader.rest.strip_prefix('-') {
                        reader.rest = rest;
                        field(parts.add(Unit::Day, reader.number()?.0))?;
                    }
                    if !reader.rest.is_empty() && !reader.rest.starts_with('T') {
                        return Err(Malformed::Syntax);
                    }
                    continue;
                }
                (in_date, has_field) = (false, false);
                continue;
            }
            (false, Some(':') | None) if !has_field => {
                field(parts.add(Unit::Hour, value))?;
                if unit.is_some() {
                    field(parts.add(Unit::Minute, reader.number()?.0))?;
                    if let Some(rest) = reader.rest.strip_prefix(':') {
                        reader.rest = rest;
                        field(parts.add(Unit::Second, reader.number()?.0))?;
                    }
                    if !reader.rest.is_empty() {
                        return Err(Malformed::Syntax);
                    }
                }
            }
            _ => return Err(Malformed::Syntax),
        }
        has_field = true;
    }
    Ok(parts)
}
