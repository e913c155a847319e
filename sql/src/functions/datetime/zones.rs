//! Other clocks: `AT TIME ZONE`, which is the function `timezone`.

use super::{Function, int, interval, pure};
use crate::error::{Error, Result, SqlState};
use crate::functions::arg;
use crate::types::Datum;
use crate::types::Type::{Interval as IntervalType, Text, Timestamp, Timestamptz};
use crate::types::datetime::{self, Place, Zone};
use crate::types::interval::SECOND_US;

/// The error of a zone that there is none of.
pub(super) fn unknown_zone(name: &str) -> Error {
    Error::new(SqlState::InvalidParameterValue, format!("time zone \"{name}\" not recognized"))
}

/// A zone that the statement names.
pub(super) fn named_zone(args: &[Datum], i: usize) -> Result<Place> {
    let name = arg(args, i).as_str()?;
    Place::parse(name).ok_or_else(|| unknown_zone(name))
}

/// The zone of a place. Of an abbreviation with several meanings it is the one at a moment.
pub(super) fn zone_at(place: Place, utc: i64) -> Zone {
    match place {
        Place::Zone(zone) => zone,
        place => Zone::Fixed(place.offset_at_utc(utc)),
    }
}

/// A zone given as an interval, which has nothing but a time.
pub(super) fn offset(args: &[Datum], i: usize) -> Result<Zone> {
    let value = interval(args, i)?;
    if value.months != 0 || value.days != 0 {
        let message = format!("interval time zone \"{value}\" must not include months or days");
        return Err(Error::new(SqlState::InvalidParameterValue, message));
    }
    Ok(Zone::Fixed((value.microseconds / SECOND_US) as i32))
}

fn to_utc(place: Place, local: i64) -> Result<Datum> {
    Ok(Datum::Int64(datetime::checked_timestamp(place.to_utc(local))?))
}

fn to_local(place: Place, utc: i64) -> Result<Datum> {
    Ok(Datum::Int64(datetime::checked_timestamp(place.to_local(utc))?))
}

pub(super) fn register(all: &mut Vec<Function>) {
    all.extend([
        pure("timezone", &[Text, Timestamptz], Timestamp, |a| {
            to_local(named_zone(a, 0)?, int(a, 1)?)
        }),
        pure("timezone", &[Text, Timestamp], Timestamptz, |a| {
            to_utc(named_zone(a, 0)?, int(a, 1)?)
        }),
        pure("timezone", &[IntervalType, Timestamptz], Timestamp, |a| {
            to_local(Place::Zone(offset(a, 0)?), int(a, 1)?)
        }),
        pure("timezone", &[IntervalType, Timestamp], Timestamptz, |a| {
            to_utc(Place::Zone(offset(a, 0)?), int(a, 1)?)
        }),
    ]);
}
