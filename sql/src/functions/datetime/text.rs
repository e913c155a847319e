//! Dates, times and numbers by templates: `to_char` and its reverse.

use super::{Function, ZONE, contextual, int, interval, pure, zone};
use crate::functions::arg;
use crate::types::Type::{
    Date, Interval as IntervalType, Numeric as NumericType, Text, Timestamp, Timestamptz,
};
use crate::types::datetime::{self, to_char};
use crate::types::{Datum, Numeric, format};

pub(super) fn register(all: &mut Vec<Function>) {
    all.extend([
        pure("to_char", &[Timestamp, Text], Text, |a| {
            to_char::timestamp(int(a, 0)?, None, arg(a, 1).as_str()?)
        }),
        contextual("to_char", &[Timestamptz, Text], Text, ZONE, |a| {
            to_char::timestamp(int(a, 0)?, Some(zone(a, 2)?), arg(a, 1).as_str()?)
        }),
        pure("to_char", &[IntervalType, Text], Text, |a| {
            to_char::interval(&interval(a, 0)?, arg(a, 1).as_str()?)
        }),
        pure("to_char", &[NumericType, Text], Text, |a| {
            format::number(&Numeric::decode(arg(a, 0).as_bytes()?)?, arg(a, 1).as_str()?)
        }),
        contextual("to_timestamp", &[Text, Text], Timestamptz, ZONE, |a| {
            let (text, template) = (arg(a, 0).as_str()?, arg(a, 1).as_str()?);
            datetime::to_timestamp(text, template, zone(a, 2)?).map(Datum::Int64)
        }),
        pure("to_date", &[Text, Text], Date, |a| {
            datetime::to_date(arg(a, 0).as_str()?, arg(a, 1).as_str()?).map(Datum::Int32)
        }),
    ]);
}
