//! Time zones: what clocks show where, and when.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use chrono::{NaiveDateTime, Offset, TimeZone};
use chrono_tz::{OffsetComponents, OffsetName, Tz};
use parking_lot::Mutex;

use super::abbreviations::{self, Abbreviation};
use super::calendar::{days_of, is_leap, moment, weekday};
use super::posix::PosixZone;
use super::{EPOCH_SECONDS, INFINITY, NEGATIVE_INFINITY};
use crate::types::interval::{DAY_US, SECOND_US};

/// A time zone: a named one, a fixed offset east of Greenwich in seconds, or one with rules of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Zone {
    /// From the tz database.
    Named(Tz),
    /// Seconds east.
    Fixed(i32),
    /// Written out.
    Posix(PosixZone),
}

/// The last year whose changes of clocks the tz database lists one by one. Those of later years are
/// as in an earlier year with the same calendar.
const LAST_LISTED_YEAR: i64 = 2099;

impl Zone {
    /// UTC.
    pub const UTC: Zone = Zone::Named(chrono_tz::UTC);

    /// The zone of this name in the tz database, or that which a POSIX specification describes.
    pub fn named(text: &str) -> Option<Zone> {
        let all = chrono_tz::TZ_VARIANTS.iter();
        let exact = text.parse().ok();
        let known = exact
            .or_else(|| all.copied().find(|zone| zone.name().eq_ignore_ascii_case(text)))
            .map(Zone::Named);
        known.or_else(|| {
            let zone = PosixZone::parse(text)?;
            // One without a name is nothing but its offset.
            Some(if zone.is_nameless() { Zone::Fixed(zone.fixed()?) } else { Zone::Posix(zone) })
        })
    }

    /// What [`Zone::name_for_input`] has written.
    pub fn parse(text: &str) -> Option<Zone> {
        match parse_offset(text) {
            Some(east_s) => Some(Zone::Fixed(east_s)),
            None => Zone::named(text),
        }
    }

    /// The name that SHOW TimeZone gives.
    pub fn name(&self) -> String {
        match self {
            Zone::Named(zone) => zone.name().to_owned(),
            Zone::Posix(zone) => zone.to_string(),
            Zone::Fixed(seconds) => {
                format!("<{}>{}", format_offset(*seconds), format_offset(-*seconds))
            }
        }
    }

    /// A name that [`Zone::parse`] reads back.
    pub fn name_for_input(&self) -> String {
        match self {
            Zone::Named(zone) => zone.name().to_owned(),
            Zone::Posix(zone) => zone.to_string(),
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
            Zone::Posix(zone) => zone.offset_at_utc(timestamp),
            Zone::Named(zone) if standard_then(*zone, timestamp).is_some() => {
                standard_then(*zone, timestamp).map_or(0, |standard| standard.0)
            }
            Zone::Named(zone) => match to_chrono(listed(timestamp)) {
                Some(utc) => zone.offset_from_utc_datetime(&utc).fix().local_minus_utc(),
                None => 0,
            },
        }
    }

    /// Whether summer time is in use at a moment in UTC.
    pub fn is_summer(&self, timestamp: i64) -> bool {
        match self {
            Zone::Fixed(_) => false,
            Zone::Posix(zone) => zone.is_summer(timestamp),
            Zone::Named(zone) => to_chrono(listed(timestamp)).is_some_and(|utc| {
                standard_then(*zone, timestamp).is_none()
                    && !zone.offset_from_utc_datetime(&utc).dst_offset().is_zero()
            }),
        }
    }

    /// The offset at which clocks there show `local`. A time skipped by a change of clocks is read with
    /// the offset before the change; one that occurs twice is the later, standard one.
    pub fn offset_at_local(&self, local: i64) -> i32 {
        let by_neighbours = || {
            let before = self.offset_at_utc(local.saturating_sub(DAY_US));
            let after = self.offset_at_utc(local.saturating_add(DAY_US));
            if before == after {
                return before;
            }
            let fits =
                |offset: i32| self.offset_at_utc(local - i64::from(offset) * SECOND_US) == offset;
            if fits(after) { after } else { before }
        };
        match self {
            Zone::Fixed(seconds) => *seconds,
            Zone::Posix(_) => by_neighbours(),
            Zone::Named(zone) if standard_then(*zone, local).is_some() => {
                standard_then(*zone, local).map_or(0, |standard| standard.0)
            }
            Zone::Named(zone) => match to_chrono(listed(local)) {
                None => 0,
                Some(time) => match zone.offset_from_local_datetime(&time) {
                    chrono::LocalResult::Single(offset) => offset.fix().local_minus_utc(),
                    chrono::LocalResult::Ambiguous(_, later) => later.fix().local_minus_utc(),
                    chrono::LocalResult::None => self.offset_at_utc(local - DAY_US),
                },
            },
        }
    }

    /// The moment at which clocks there show `local`.
    pub fn to_utc(&self, local: i64) -> i64 {
        if local == INFINITY || local == NEGATIVE_INFINITY {
            return local;
        }
        local.saturating_sub(i64::from(self.offset_at_local(local)) * SECOND_US)
    }

    /// What clocks there show at a moment in UTC.
    pub fn to_local(&self, utc: i64) -> i64 {
        if utc == INFINITY || utc == NEGATIVE_INFINITY {
            return utc;
        }
        utc.saturating_add(i64::from(self.offset_at_utc(utc)) * SECOND_US)
    }

    /// The abbreviation in use at a moment, such as CEST.
    pub fn abbreviation(&self, utc: i64) -> String {
        match self {
            Zone::Posix(zone) => zone.abbreviation(utc).to_owned(),
            Zone::Fixed(east_s) => format_offset(*east_s),
            Zone::Named(zone) => match (standard_then(*zone, utc), to_chrono(listed(utc))) {
                (Some((_, name)), _) => name.to_owned(),
                (None, Some(time)) => zone.offset_from_utc_datetime(&time).to_string(),
                (None, None) => format_offset(0),
            },
        }
    }

    /// The offset, if it has never been another one.
    pub fn fixed_offset(&self) -> Option<i32> {
        match self {
            Zone::Fixed(east_s) => Some(*east_s),
            Zone::Posix(zone) => zone.fixed(),
            Zone::Named(zone) => match spans(*zone).as_slice() {
                [only] => Some(only.east_s),
                _ => None,
            },
        }
    }
}

/// A zone as a statement names it: its abbreviations come first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// By its name.
    Zone(Zone),
    /// By an abbreviation that has meant different offsets, in lower case.
    Abbreviated(&'static str, Tz),
}

impl Place {
    /// Finds an abbreviation or a zone.
    pub fn parse(text: &str) -> Option<Place> {
        match abbreviations::find(&text.to_ascii_lowercase()) {
            Some((_, Abbreviation::Fixed { east_s, .. })) => Some(Place::Zone(Zone::Fixed(east_s))),
            Some((name, Abbreviation::In(zone))) => Some(Place::Abbreviated(name, zone)),
            None => Zone::named(text).map(Place::Zone),
        }
    }

    /// The moment at which clocks there show `local`.
    pub fn to_utc(self, local: i64) -> i64 {
        match self {
            Place::Zone(zone) => zone.to_utc(local),
            _ if local == INFINITY || local == NEGATIVE_INFINITY => local,
            Place::Abbreviated(name, zone) => {
                local
                    - i64::from(offset_of(name, zone, Zone::Named(zone).to_utc(local))) * SECOND_US
            }
        }
    }

    /// What clocks there show at a moment in UTC.
    pub fn to_local(self, utc: i64) -> i64 {
        match self {
            Place::Zone(zone) => zone.to_local(utc),
            _ if utc == INFINITY || utc == NEGATIVE_INFINITY => utc,
            Place::Abbreviated(name, zone) => {
                utc + i64::from(offset_of(name, zone, utc)) * SECOND_US
            }
        }
    }

    /// Seconds east at a moment in UTC.
    pub fn offset_at_utc(self, utc: i64) -> i32 {
        match self {
            Place::Zone(zone) => zone.offset_at_utc(utc),
            Place::Abbreviated(name, zone) => offset_of(name, zone, utc),
        }
    }
}

/// A time in which a zone kept one offset under one abbreviation.
#[derive(Debug)]
struct Span {
    /// When it began, in UTC.
    start: i64,
    east_s: i32,
    summer: bool,
    name: String,
}

/// The spans of a zone, found by looking at it every few days from 1840 to 2099 once.
fn spans(zone: Tz) -> Arc<Vec<Span>> {
    static KNOWN: LazyLock<Mutex<HashMap<Tz, Arc<Vec<Span>>>>> = LazyLock::new(Mutex::default);
    const STEP: i64 = 5 * DAY_US;
    if let Some(known) = KNOWN.lock().get(&zone) {
        return known.clone();
    }
    let at = |utc: i64| {
        let offset = zone.offset_from_utc_datetime(&to_chrono(utc).unwrap_or_default());
        (
            offset.fix().local_minus_utc(),
            !offset.dst_offset().is_zero(),
            offset.abbreviation().map(str::to_owned).unwrap_or_else(|| offset.to_string()),
        )
    };
    let mut found: Vec<Span> = Vec::new();
    let mut before = days_of(1840, 1, 1) * DAY_US;
    let mut now = at(before);
    let end = days_of(LAST_LISTED_YEAR + 1, 1, 1) * DAY_US;
    let span = |start, (east_s, summer, name)| Span { start, east_s, summer, name };
    found.push(span(i64::MIN, now.clone()));
    while before < end {
        let after = before + STEP;
        let then = at(after);
        if then != now {
            let (mut low, mut high) = (before, after);
            while high - low > SECOND_US {
                let middle = low + (high - low) / SECOND_US / 2 * SECOND_US;
                if at(middle) == now { low = middle } else { high = middle }
            }
            found.push(span(high, then.clone()));
            now = then;
        }
        before = after;
    }
    let found = Arc::new(found);
    KNOWN.lock().insert(zone, found.clone());
    found
}

/// What an abbreviation, in lower case, meant in a zone at about a moment: the last meaning it had, else
/// the first one it got later, else the offset of the zone then.
pub fn offset_of(name: &str, zone: Tz, utc: i64) -> i32 {
    let spans = spans(zone);
    let until = spans.partition_point(|span| span.start <= utc);
    let (past, future) = spans.split_at_checked(until).unwrap_or((&spans, &[]));
    let matches = |span: &&Span| span.name.eq_ignore_ascii_case(name);
    let found = past.iter().rev().find(matches).or_else(|| future.iter().find(matches));
    found.map_or_else(|| Zone::Named(zone).offset_at_utc(utc), |span| span.east_s)
}

/// Whether an abbreviation was one of summer time, at about a moment.
pub fn is_summer_of(name: &str, zone: Tz, utc: i64) -> bool {
    let spans = spans(zone);
    let until = spans.partition_point(|span| span.start <= utc);
    let (past, future) = spans.split_at_checked(until).unwrap_or((&spans, &[]));
    let matches = |span: &&Span| span.name.eq_ignore_ascii_case(name);
    let found = past.iter().rev().find(matches).or_else(|| future.iter().find(matches));
    found.is_some_and(|span| span.summer)
}

/// What a zone that is named after its hours had while the law of no city was its own. (In newer
/// editions of the tz database, which list cities only, such a name is another one of a city.)
fn standard_then(zone: Tz, timestamp: i64) -> Option<(i32, &'static str)> {
    let (hours, name, always) = match zone {
        Tz::EST5EDT => (-5, "EST", false),
        Tz::CST6CDT => (-6, "CST", false),
        Tz::MST7MDT => (-7, "MST", false),
        Tz::PST8PDT => (-8, "PST", false),
        Tz::EST => (-5, "EST", true),
        Tz::MST => (-7, "MST", true),
        Tz::HST => (-10, "HST", true),
        _ => return None,
    };
    // Summer time was the country's in both World Wars, and is from 1967 on.
    const NATIONWIDE: i64 = -12_053 * DAY_US;
    let standard = always
        || timestamp < NATIONWIDE
            && !matches!(moment(timestamp).date.year, 1918 | 1919 | 1942..=1945);
    standard.then_some((hours * 3600, name))
}

/// A timestamp of a year that the tz database lists, at which clocks are as at `timestamp`.
fn listed(timestamp: i64) -> i64 {
    // The first moment after the listed years.
    const LIMIT: i64 = 36_525 * DAY_US;
    if timestamp < LIMIT {
        return timestamp;
    }
    let year = moment(timestamp).date.year;
    let first = days_of(year, 1, 1);
    let alike = (LAST_LISTED_YEAR - 27..=LAST_LISTED_YEAR).find(|other| {
        is_leap(*other) == is_leap(year) && weekday(days_of(*other, 1, 1)) == weekday(first)
    });
    timestamp - (first - days_of(alike.unwrap_or(LAST_LISTED_YEAR), 1, 1)) * DAY_US
}

/// A timestamp as chrono's, if its year is in chrono's range.
pub fn to_chrono(timestamp: i64) -> Option<NaiveDateTime> {
    let seconds = timestamp.div_euclid(SECOND_US) + EPOCH_SECONDS;
    let nanos = (timestamp.rem_euclid(SECOND_US) * 1000) as u32;
    chrono::DateTime::from_timestamp(seconds, nanos).map(|utc| utc.naive_utc())
}

/// `+02`, `-03:30`, `+05:30:15`.
fn parse_offset(text: &str) -> Option<i32> {
    let (sign, body) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let mut seconds = 0;
    let mut fields = body.split(':');
    for unit in [3600, 60, 1] {
        let Some(field) = fields.next() else { break };
        seconds += unit * field.parse::<u16>().ok().map(i32::from)?;
    }
    fields.next().is_none().then_some(sign * seconds)
}

/// `+02` or `+05:30`.
fn format_offset(seconds: i32) -> String {
    let mut out = String::with_capacity(9);
    super::output::write_offset(seconds, &mut out);
    out
}
