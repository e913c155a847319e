//! `(start, end) OVERLAPS (start, end)`, where an end may be given as a length.

use super::datetime::{shift_time, shift_timestamp, shift_timestamptz};
use super::{Context, Function, arg, contextual, pure};
use crate::error::Result;
use crate::types::Type::{Bool, Interval, Time, Timestamp, Timestamptz, Timetz};
use crate::types::datetime::TimeTz;
use crate::types::{Datum, Type};

/// A time as it comes, or NULL.
fn time(value: &Datum) -> Result<Option<i64>> {
    match value {
        Datum::Null => Ok(None),
        value => value.as_i64().map(Some),
    }
}

/// The period of two arguments, of which a known one comes first.
fn period(
    args: &[Datum],
    at: usize,
    shift: impl Fn(&Datum, &Datum) -> Result<Datum>,
) -> Result<(Option<i64>, Option<i64>)> {
    let (start, end) = (arg(args, at), arg(args, at + 1));
    let end = match (start, end) {
        (Datum::Null, Datum::Bytes(_)) => None,
        (start, Datum::Bytes(_)) => time(&shift(start, end)?)?,
        (_, end) => time(end)?,
    };
    Ok(match (time(start)?, end) {
        (None, end) => (end, None),
        (Some(start), Some(end)) => (Some(start.min(end)), Some(start.max(end))),
        (start, None) => (start, None),
    })
}

fn overlaps(args: &[Datum], shift: impl Fn(&Datum, &Datum) -> Result<Datum>) -> Result<Datum> {
    let (a, b) = (period(args, 0, &shift)?, period(args, 2, &shift)?);
    let ((Some(a_start), a_end), (Some(b_start), b_end)) = (a, b) else { return Ok(Datum::Null) };
    if a_start == b_start {
        let known = a_end.is_some() && b_end.is_some();
        return Ok(if known { Datum::Bool(true) } else { Datum::Null });
    }
    // The period that begins first has to reach into the other.
    let (end, later, other_end) = match a_start < b_start {
        true => (a_end, b_start, b_end),
        false => (b_end, a_start, a_end),
    };
    Ok(match end {
        None => Datum::Null,
        Some(end) if later < end => Datum::Bool(true),
        Some(_) if other_end.is_none() => Datum::Null,
        Some(_) => Datum::Bool(false),
    })
}

fn of_times(args: &[Datum]) -> Result<Datum> {
    overlaps(args, |start, by| shift_time(&[start.clone(), by.clone()], 1))
}

/// As numbers that compare as they do.
fn of_times_with_zone(args: &[Datum]) -> Result<Datum> {
    let number = |value: &Datum| {
        let Datum::Bytes(bytes) = value else { return Ok(Datum::Null) };
        let time = TimeTz::decode(bytes)?;
        Ok(Datum::Int64((time.utc_us() << 18) - i64::from(time.east_s)))
    };
    let args: Vec<Datum> = args.iter().map(number).collect::<Result<_>>()?;
    overlaps(&args, |start, _| Ok(start.clone()))
}

fn of_timestamps(args: &[Datum]) -> Result<Datum> {
    overlaps(args, |start, by| shift_timestamp(&[start.clone(), by.clone()], false))
}

fn of_timestamps_in_zone(args: &[Datum]) -> Result<Datum> {
    let zone = arg(args, 4);
    overlaps(args, |start, by| shift_timestamptz(&[start.clone(), by.clone(), zone.clone()], false))
}

pub(super) fn register(all: &mut Vec<Function>) {
    static TIMES: [[Type; 4]; 4] = shapes(Time);
    static TIMESTAMPS: [[Type; 4]; 4] = shapes(Timestamp);
    static IN_ZONE: [[Type; 4]; 4] = shapes(Timestamptz);
    let not_strict = |function| Function { strict: false, ..function };
    for args in &TIMES {
        all.push(not_strict(pure("overlaps", args, Bool, of_times)));
    }
    static WITH_ZONE: [Type; 4] = [Timetz; 4];
    all.push(not_strict(pure("overlaps", &WITH_ZONE, Bool, of_times_with_zone)));
    for args in &TIMESTAMPS {
        all.push(not_strict(pure("overlaps", args, Bool, of_timestamps)));
    }
    for args in &IN_ZONE {
        let zone = &[Context::Zone];
        all.push(not_strict(contextual("overlaps", args, Bool, zone, of_timestamps_in_zone)));
    }
}

/// Each end may be a time or a length.
const fn shapes(kind: Type) -> [[Type; 4]; 4] {
    [
        [kind, kind, kind, kind],
        [kind, Interval, kind, Interval],
        [kind, Interval, kind, kind],
        [kind, kind, kind, Interval],
    ]
}
