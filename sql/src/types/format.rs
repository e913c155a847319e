//! The template patterns of `to_char`.

use chrono::{Datelike, NaiveDateTime, Timelike};

use super::datetime::{self, Zone};
use super::interval::{HOUR_US, Interval, MINUTE_US, SECOND_US};
use super::{Datum, Numeric};
use crate::error::{Error, Result};

/// What a template is filled from.
struct Fields {
    time: NaiveDateTime,
    hours: i64,
    zone: Option<(Zone, i64)>,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const ROMAN: [&str; 12] =
    ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];

/// The patterns, longest first among those with a common start.
const PATTERNS: &[&str] = &[
    "HH24", "HH12", "HH", "MI", "MS", "US", "SSSSS", "SSSS", "SS", "AM", "PM", "A.M.", "P.M.",
    "am", "pm", "a.m.", "p.m.", "Y,YYY", "YYYY", "YYY", "YY", "Y", "IYYY", "IYY", "IY", "BC", "AD",
    "MONTH", "Month", "month", "MON", "Mon", "mon", "MM", "DAY", "Day", "day", "DY", "Dy", "dy",
    "DDD", "DD", "D", "IDDD", "ID", "IW", "WW", "W", "CC", "J", "Q", "RM", "rm", "TZH", "TZM",
    "TZ", "tz", "OF",
];

/// `to_char(timestamp, text)`; with a zone, of a timestamptz.
pub fn timestamp(timestamp: i64, zone: Option<Zone>, template: &str) -> Result<Datum> {
    let local = zone.map_or(timestamp, |zone| zone.to_local(timestamp));
    let Some(time) = datetime::to_chrono(local) else { return Ok(Datum::Null) };
    let fields =
        Fields { time, hours: i64::from(time.hour()), zone: zone.map(|zone| (zone, timestamp)) };
    fill(&fields, template)
}

/// `to_char(interval, text)`.
pub fn interval(value: &Interval, template: &str) -> Result<Datum> {
    let years = value.months / 12;
    let us = value.microseconds;
    let day = value.days;
    let mut out = template.to_owned();
    for (pattern, text) in [
        ("YYYY", format!("{years:04}")),
        ("MM", format!("{:02}", value.months % 12)),
        ("DD", format!("{day:02}")),
        ("HH24", format!("{:02}", us / HOUR_US)),
        ("HH12", format!("{:02}", (us / HOUR_US + 11) % 12 + 1)),
        ("HH", format!("{:02}", (us / HOUR_US + 11) % 12 + 1)),
        ("MI", format!("{:02}", us / MINUTE_US % 60)),
        ("SS", format!("{:02}", us / SECOND_US % 60)),
        ("MS", format!("{:03}", us % SECOND_US / 1000)),
        ("US", format!("{:06}", us % SECOND_US)),
    ] {
        out = out.replace(pattern, &text);
    }
    Ok(Datum::Text(out))
}

fn fill(fields: &Fields, template: &str) -> Result<Datum> {
    let mut out = String::new();
    let mut rest = template;
    while let Some(c) = rest.chars().next() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (text, after) = quoted.split_once('"').unwrap_or((quoted, ""));
            out.push_str(text);
            rest = after;
            continue;
        }
        let (fill_mode, body) = match rest.strip_prefix("FM").or_else(|| rest.strip_prefix("fm")) {
            Some(body) => (true, body),
            None => (false, rest),
        };
        let upper = body.to_ascii_uppercase();
        let found = PATTERNS.iter().find(|pattern| body.starts_with(**pattern)).or_else(|| {
            // Apart from names, patterns may be written in lower case.
            PATTERNS.iter().find(|pattern| upper.starts_with(**pattern))
        });
        let Some(pattern) = found else {
            out.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or("");
            continue;
        };
        rest = body.get(pattern.len()..).unwrap_or("");
        let text = field(fields, pattern, fill_mode)?;
        let suffix = rest.get(..2).filter(|s| s.eq_ignore_ascii_case("th"));
        out.push_str(&text);
        if let Some(suffix) = suffix
            && text.bytes().all(|b| b.is_ascii_digit())
        {
            let ordinal = ordinal(&text);
            out.push_str(&if suffix == "TH" { ordinal.to_uppercase() } else { ordinal.into() });
            rest = rest.get(2..).unwrap_or("");
        }
    }
    Ok(Datum::Text(out))
}

fn ordinal(digits: &str) -> &'static str {
    let teens =
        digits.len() > 1 && digits.get(digits.len() - 2..).is_some_and(|t| t.starts_with('1'));
    match digits.as_bytes().last() {
        Some(b'1') if !teens => "st",
        Some(b'2') if !teens => "nd",
        Some(b'3') if !teens => "rd",
        _ => "th",
    }
}

fn field(fields: &Fields, pattern: &str, fill_mode: bool) -> Result<String> {
    let time = &fields.time;
    let number = |value: i64, width: usize| {
        if fill_mode { value.to_string() } else { format!("{value:0width$}") }
    };
    let name = |text: &str, width: usize| {
        if fill_mode { text.to_owned() } else { format!("{text:width$}") }
    };
    let month = MONTHS.get(time.month0() as usize).copied().unwrap_or_default();
    let day = DAYS.get(time.weekday().num_days_from_sunday() as usize).copied().unwrap_or_default();
    let short = |text: &str| text.get(..3).unwrap_or_default().to_owned();
    let year = i64::from(time.year());
    let shown_year = if year > 0 { year } else { 1 - year };
    let half =
        |am: &str, pm: &str| if fields.hours % 24 >= 12 { pm.to_owned() } else { am.to_owned() };
    let hour12 = (fields.hours + 11) % 12 + 1;
    let micros = i64::from(time.nanosecond() / 1000);
    let offset = fields.zone.map(|(zone, utc)| zone.offset_at_utc(utc)).unwrap_or(0);
    Ok(match pattern {
        "HH24" => number(fields.hours, 2),
        "HH12" | "HH" => number(hour12, 2),
        "MI" => number(i64::from(time.minute()), 2),
        "SS" => number(i64::from(time.second()), 2),
        "MS" => format!("{:03}", micros / 1000),
        "US" => format!("{micros:06}"),
        "SSSS" | "SSSSS" => time.num_seconds_from_midnight().to_string(),
        "AM" | "PM" => half("AM", "PM"),
        "am" | "pm" => half("am", "pm"),
        "A.M." | "P.M." => half("A.M.", "P.M."),
        "a.m." | "p.m." => half("a.m.", "p.m."),
        "Y,YYY" => format!("{},{:03}", shown_year / 1000, shown_year % 1000),
        "YYYY" => number(shown_year, 4),
        "YYY" => number(shown_year % 1000, 3),
        "YY" => number(shown_year % 100, 2),
        "Y" => (shown_year % 10).to_string(),
        "IYYY" => number(i64::from(time.iso_week().year()), 4),
        "IYY" => number(i64::from(time.iso_week().year()) % 1000, 3),
        "IY" => number(i64::from(time.iso_week().year()) % 100, 2),
        "BC" | "AD" => if year > 0 { "AD" } else { "BC" }.to_owned(),
        "MONTH" => name(&month.to_uppercase(), 9),
        "Month" => name(month, 9),
        "month" => name(&month.to_lowercase(), 9),
        "MON" => short(month).to_uppercase(),
        "Mon" => short(month),
        "mon" => short(month).to_lowercase(),
        "MM" => number(i64::from(time.month()), 2),
        "DAY" => name(&day.to_uppercase(), 9),
        "Day" => name(day, 9),
        "day" => name(&day.to_lowercase(), 9),
        "DY" => short(day).to_uppercase(),
        "Dy" => short(day),
        "dy" => short(day).to_lowercase(),
        "DDD" => number(i64::from(time.ordinal()), 3),
        "DD" => number(i64::from(time.day()), 2),
        "D" => (time.weekday().num_days_from_sunday() + 1).to_string(),
        "ID" => time.weekday().number_from_monday().to_string(),
        "IDDD" => {
            let day = (time.iso_week().week() - 1) * 7 + time.weekday().number_from_monday();
            number(i64::from(day), 3)
        }
        "IW" => number(i64::from(time.iso_week().week()), 2),
        "WW" => number(i64::from(time.ordinal0() / 7 + 1), 2),
        "W" => (time.day0() / 7 + 1).to_string(),
        "CC" => number((year + 99).div_euclid(100), 2),
        "J" => (i64::from(time.num_days_from_ce()) + 1_721_425).to_string(),
        "Q" => (time.month0() / 3 + 1).to_string(),
        "RM" => name(ROMAN.get(time.month0() as usize).copied().unwrap_or_default(), 4),
        "rm" => name(&ROMAN.get(time.month0() as usize).unwrap_or(&"").to_lowercase(), 4),
        "TZ" => fields.zone.map(|(zone, utc)| zone.abbreviation(utc)).unwrap_or_default(),
        "tz" => {
            fields.zone.map(|(zone, utc)| zone.abbreviation(utc).to_lowercase()).unwrap_or_default()
        }
        "TZH" => format!("{:+03}", offset / 3600),
        "TZM" => format!("{:02}", offset.abs() / 60 % 60),
        "OF" => datetime::format_offset(offset),
        other => return Err(Error::unsupported(format!("to_char pattern \"{other}\""))),
    })
}

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
