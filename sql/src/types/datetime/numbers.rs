//! Numbers within dates and times: fractions, offsets, times of day.

use crate::types::interval::SECOND_US;

/// Why a text is not a date or time.
#[derive(Clone, Debug, PartialEq)]
pub enum Bad {
    /// It does not read as one.
    Syntax,
    /// A field is too large.
    Range,
    /// A month or day is too large, which may be because they change places.
    MonthOrDay,
    /// An offset is too large.
    Displacement,
    /// There is no such zone.
    Zone(String),
}

/// What reading a field comes to.
pub type Result<T> = std::result::Result<T, Bad>;

/// A number of 32 bits at the start of a text, and what follows.
pub fn leading_number(text: &str) -> Result<(i64, &str)> {
    let (value, rest) = leading_integer(text)?;
    match i32::try_from(value) {
        Ok(_) => Ok((value, rest)),
        Err(_) => Err(Bad::Range),
    }
}

/// A number at the start of a text, and what follows.
fn leading_integer(text: &str) -> Result<(i64, &str)> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(text.len() - unsigned.len() + digits);
    match digits {
        0 => Err(Bad::Syntax),
        _ => {
            let value = number.trim_start_matches('+').parse().map_err(|_| Bad::Range)?;
            Ok((value, rest))
        }
    }
}

/// A number that is nothing but digits.
pub fn digits(text: &str) -> i64 {
    text.parse().unwrap_or(0)
}

/// A fraction of a second, with its point, in microseconds.
pub fn fraction(text: &str) -> Result<i64> {
    if text == "." {
        return Ok(0);
    }
    let only_digits = text.strip_prefix('.').is_some_and(|t| t.bytes().all(|b| b.is_ascii_digit()));
    match text.parse::<f64>() {
        Ok(value) if only_digits => Ok((value * 1e6).round_ties_even() as i64),
        _ => Err(Bad::Syntax),
    }
}

/// `+hh`, `+hhmm`, `+hh:mm`, `+hh:mm:ss`: seconds east.
pub fn offset(text: &str) -> Result<i32> {
    let sign = match text.bytes().next() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Err(Bad::Syntax),
    };
    let displaced = |bad| if bad == Bad::Range { Bad::Displacement } else { bad };
    let body = text.get(1..).unwrap_or_default();
    let (mut hours, mut rest) = leading_number(body).map_err(displaced)?;
    let (mut minutes, mut seconds) = (0, 0);
    if let Some(next) = rest.strip_prefix(':') {
        (minutes, rest) = leading_number(next).map_err(displaced)?;
        if let Some(next) = rest.strip_prefix(':') {
            (seconds, rest) = leading_number(next).map_err(displaced)?;
        }
    } else if rest.is_empty() && text.len() > 3 {
        (hours, minutes) = (hours / 100, hours % 100);
    }
    let fits =
        (0..=15).contains(&hours) && (0..60).contains(&minutes) && (0..60).contains(&seconds);
    if !fits {
        return Err(Bad::Displacement);
    }
    match rest {
        "" => Ok(sign * (hours * 3600 + minutes * 60 + seconds) as i32),
        _ => Err(Bad::Syntax),
    }
}

/// Hours, minutes, seconds and microseconds; `m:s.f` has no hours.
pub fn clock(text: &str) -> Result<(i64, i64, i64, i64)> {
    let (mut hour, rest) = leading_integer(text)?;
    let (mut minute, rest) = leading_number(rest.strip_prefix(':').ok_or(Bad::Syntax)?)?;
    let (mut second, mut micros) = (0, 0);
    if rest.starts_with('.') {
        micros = fraction(rest)?;
        (hour, minute, second) = (0, hour, minute);
    } else if let Some(rest) = rest.strip_prefix(':') {
        let (value, rest) = leading_number(rest)?;
        second = value;
        if !rest.is_empty() {
            micros = fraction(rest)?;
        }
    } else if !rest.is_empty() {
        return Err(Bad::Syntax);
    }
    let fits = hour >= 0
        && (0..60).contains(&minute)
        && (0..=60).contains(&second)
        && (0..=SECOND_US).contains(&micros);
    if fits { Ok((hour, minute, second, micros)) } else { Err(Bad::Range) }
}
