//! `pg_timezone_names` and `pg_timezone_abbrevs`: the zones that there are, and how they are abbreviated.

use super::{Asked, text};
use crate::error::Result;
use crate::row::Row;
use crate::types::Datum;
use crate::types::datetime::abbreviations::{ALL, Abbreviation};
use crate::types::datetime::{self, Zone, is_summer_of, offset_of};
use crate::types::interval::{Interval, SECOND_US};

fn offset(east_s: i32) -> Datum {
    let microseconds = i64::from(east_s) * SECOND_US;
    Datum::Bytes(Interval { microseconds, ..Interval::default() }.encode())
}

/// pg_timezone_names.
///
/// # Errors
/// None.
pub fn names(_: &Asked<'_>) -> Result<Vec<Row>> {
    let now = datetime::now();
    let rows = chrono_tz::TZ_VARIANTS.iter().map(|tz| {
        let zone = Zone::Named(*tz);
        vec![
            text(tz.name()),
            text(zone.abbreviation(now)),
            offset(zone.offset_at_utc(now)),
            Datum::Bool(zone.is_summer(now)),
        ]
    });
    Ok(rows.collect())
}

/// pg_timezone_abbrevs.
///
/// # Errors
/// None.
pub fn abbreviations(_: &Asked<'_>) -> Result<Vec<Row>> {
    let now = datetime::now();
    let rows = ALL.iter().map(|(name, meaning)| {
        let (east_s, summer) = match meaning {
            Abbreviation::Fixed { east_s, summer } => (*east_s, *summer),
            Abbreviation::In(zone) => (offset_of(name, *zone, now), is_summer_of(name, *zone, now)),
        };
        vec![text(name.to_ascii_uppercase()), offset(east_s), Datum::Bool(summer)]
    });
    Ok(rows.collect())
}
