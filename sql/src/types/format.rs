//! `to_char` of numbers.

use super::{Datum, Numeric};
use crate::error::{Error, Result};

/// `to_char(numeric, text)` for the digit, group, point and sign patterns.
pub fn number(value: &Numeric, template: &str) -> Result<Datum> {
    let (fill_mode, body) = match template.strip_prefix("FM") {
        Some(body) => (true, body),
        None => (false, template),
    };
    let supported = |c: char| "09.,GDSMI$ -/%:".contains(c);
    if !body.chars().all(supported) {
        return Err(Error::unsupported(format!("to_char number pattern \"{template}\"")));
    }
    let normal = body.replace('D', ".").replace('G', ",").replace("MI", "~");
    let (whole, fraction) = normal.split_once('.').unwrap_or((&normal, ""));
    let is_digit = |c: &char| matches!(c, '0' | '9');
    let places = fraction.chars().filter(is_digit).count();
    let width = whole.chars().filter(is_digit).count();
    let rounded = value.round(places as i64);
    let negative = rounded.signum() < 0;
    let text = rounded.abs().to_string();
    let (int_digits, fraction_digits) = text.split_once('.').unwrap_or((&text, ""));
    let int_digits = if int_digits == "0" && width > 0 && places > 0 { "" } else { int_digits };
    let overflow = int_digits.len() > width;
    let padded = format!("{int_digits:>width$}");
    let mut digits = padded.chars();
    let mut out = String::new();
    let first_zero = whole.find('0');
    let mut started = false;
    for (at, c) in whole.char_indices() {
        match c {
            '0' | '9' => {
                let digit = if overflow { Some('#') } else { digits.next() };
                let forced = first_zero.is_some_and(|zero| at >= zero);
                match digit {
                    Some(' ') if forced => {
                        out.push('0');
                        started = true;
                    }
                    Some(' ') | None => out.push(' '),
                    Some(digit) => {
                        out.push(digit);
                        started = true;
                    }
                }
            }
            ',' => out.push(if started { ',' } else { ' ' }),
            'S' | '~' => {}
            other => out.push(other),
        }
    }
    if normal.contains('.') {
        out.push('.');
        let mut digits = fraction_digits.chars();
        for c in fraction.chars() {
            match c {
                '0' | '9' => out.push(if overflow { '#' } else { digits.next().unwrap_or('0') }),
                'S' | '~' => {}
                other => out.push(other),
            }
        }
        if fill_mode {
            let keep = fraction.rfind('0').map_or(0, |at| at + 1);
            let least = out.len() - places + keep;
            while out.len() > least && out.ends_with('0') {
                out.pop();
            }
        }
    }
    let sign = if negative {
        "-"
    } else if normal.contains('S') {
        "+"
    } else {
        " "
    };
    let body = out.trim_start();
    let blank = out.len() - body.len();
    let signed = if normal.ends_with('~') {
        format!("{out}{}", if negative { "-" } else { " " })
    } else if normal.ends_with('S') {
        format!("{out}{sign}")
    } else {
        format!("{}{sign}{body}", " ".repeat(blank))
    };
    Ok(Datum::Text(if fill_mode { signed.trim().to_owned() } else { signed }))
}
