//! What time it is.

use super::{Context, Function, ZONE, contextual, zone};
use crate::error::Result;
use crate::functions::arg;
use crate::types::Datum;
use crate::types::Type::{Text, Timestamptz};
use crate::types::datetime::calendar::{moment, weekday};
use crate::types::datetime::output::{DAYS, MONTHS};
use crate::types::datetime::{self, format_time};

/// `timeofday()`: the present moment as the C library words it, to the microsecond.
fn time_of_day(args: &[Datum]) -> Result<Datum> {
    let zone = zone(args, 0)?;
    let utc = datetime::now();
    let now = moment(zone.to_local(utc));
    let short = |names: &[&'static str], index: u32| {
        names.get(index as usize).and_then(|name| name.get(..3)).unwrap_or_default()
    };
    let time = format_time(now.time_us);
    let (seconds, fraction) = time.split_once('.').unwrap_or((&time, ""));
    Ok(Datum::Text(format!(
        "{} {} {:02} {seconds}.{fraction:0<6} {:04} {}",
        short(&DAYS, weekday(now.days)),
        short(&MONTHS, now.date.month - 1),
        now.date.day,
        now.date.year,
        zone.abbreviation(utc),
    )))
}

pub(super) fn register(all: &mut Vec<Function>) {
    const NOW: &[Context] = &[Context::Now];
    for name in ["now", "transaction_timestamp", "statement_timestamp"] {
        all.push(contextual(name, &[], Timestamptz, NOW, |a| Ok(arg(a, 0).clone())));
    }
    all.push(Function {
        volatile: true,
        ..super::pure("clock_timestamp", &[], Timestamptz, |_| Ok(Datum::Int64(datetime::now())))
    });
    all.push(Function { volatile: true, ..contextual("timeofday", &[], Text, ZONE, time_of_day) });
}
