//! Aggregates over rows in order: percentiles, the mode, and the place that a row would have.

use super::aggregates::{Aggregate, compare_key};
use crate::error::{Error, Result, SqlState};
use crate::types::array::Array;
use crate::types::interval::Interval;
use crate::types::{Datum, Type};

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum OrderedSet {
    /// Whether for each of an array of fractions.
    PercentileCont {
        many: bool,
    },
    PercentileDisc {
        many: bool,
    },
    Mode,
    Rank,
    DenseRank,
    PercentRank,
    CumeDist,
}

impl OrderedSet {
    /// The aggregate of this name.
    pub fn named(name: &str) -> Option<OrderedSet> {
        Some(match name {
            "percentile_cont" => OrderedSet::PercentileCont { many: false },
            "percentile_disc" => OrderedSet::PercentileDisc { many: false },
            "mode" => OrderedSet::Mode,
            "rank" => OrderedSet::Rank,
            "dense_rank" => OrderedSet::DenseRank,
            "percent_rank" => OrderedSet::PercentRank,
            "cume_dist" => OrderedSet::CumeDist,
            _ => return None,
        })
    }

    /// Whether it asks for the place of a row that is given.
    pub fn is_hypothetical(self) -> bool {
        !matches!(
            self,
            OrderedSet::PercentileCont { .. }
                | OrderedSet::PercentileDisc { .. }
                | OrderedSet::Mode
        )
    }

    /// The type of the result, for values of a type.
    pub fn returns(self, input: Type) -> Type {
        match self {
            OrderedSet::PercentileCont { many: true }
            | OrderedSet::PercentileDisc { many: true } => input.array().unwrap_or(input),
            OrderedSet::PercentileCont { .. }
            | OrderedSet::PercentileDisc { .. }
            | OrderedSet::Mode => input,
            OrderedSet::Rank | OrderedSet::DenseRank => Type::Int8,
            OrderedSet::PercentRank | OrderedSet::CumeDist => Type::Float8,
        }
    }
}

/// The value for sorted rows. Behind the direct arguments each has the value that is sorted, but for the
/// hypothetical ones, and the sort keys from `keys_from` on.
pub(super) fn finish(
    set: OrderedSet,
    aggregate: &Aggregate,
    rows: &[&Vec<Datum>],
    keys_from: usize,
) -> Result<Datum> {
    if set.is_hypothetical() {
        return Ok(place(set, aggregate, rows, keys_from));
    }
    // NULLs are no values here.
    let values = rows.iter().filter_map(|row| row.get(keys_from.checked_sub(1)?));
    let values: Vec<&Datum> = values.filter(|value| !value.is_null()).collect();
    if values.is_empty() {
        return Ok(Datum::Null);
    }
    let fraction = rows.first().and_then(|row| row.first()).unwrap_or(&Datum::Null);
    match set {
        OrderedSet::PercentileCont { many } => {
            percentiles(many, aggregate.input, fraction, |fraction| {
                continuous(aggregate.input, &values, fraction)
            })
        }
        OrderedSet::PercentileDisc { many } => {
            percentiles(many, aggregate.input, fraction, |fraction| {
                let row = (fraction * values.len() as f64).ceil().max(1.0);
                Ok(values.get(row as usize - 1).map_or(Datum::Null, |value| (*value).clone()))
            })
        }
        _ => Ok(mode(rows, keys_from)),
    }
}

fn percentiles(
    many: bool,
    input: Type,
    fractions: &Datum,
    percentile: impl Fn(f64) -> Result<Datum>,
) -> Result<Datum> {
    let one = |fraction: &Datum| {
        if fraction.is_null() {
            return Ok(Datum::Null);
        }
        let fraction = fraction.as_f64()?;
        if !(0.0..=1.0).contains(&fraction) {
            let message = format!("percentile value {fraction} is not between 0 and 1");
            return Err(Error::new(SqlState::NumericValueOutOfRange, message));
        }
        percentile(fraction)
    };
    if !many || fractions.is_null() {
        return one(fractions);
    }
    let Array { dimensions, items, .. } = Array::read(fractions)?;
    let items = items.iter().map(one).collect::<Result<Vec<_>>>()?;
    Ok(Array { element: input, dimensions, items }.to_datum())
}

/// The value at a fraction of the way, between two rows if need be.
fn continuous(input: Type, values: &[&Datum], fraction: f64) -> Result<Datum> {
    let at = fraction * (values.len() - 1) as f64;
    let value = |at: f64| values.get(at as usize).copied().unwrap_or(&Datum::Null);
    let (low, high) = (value(at.floor()), value(at.ceil()));
    if at.floor() == at.ceil() {
        return Ok(low.clone());
    }
    let part = at - at.floor();
    if input == Type::Interval {
        let (low, high) = (Interval::decode(low.as_bytes()?)?, Interval::decode(high.as_bytes()?)?);
        let between = high.add(&low.neg()?)?.mul(part)?.add(&low)?;
        return Ok(Datum::Bytes(between.encode()));
    }
    let (low, high) = (low.as_f64()?, high.as_f64()?);
    Ok(Datum::Float64(low + part * (high - low)))
}

/// The most frequent value, the first of several.
fn mode(rows: &[&Vec<Datum>], keys_from: usize) -> Datum {
    let mut best: Option<(usize, &Datum)> = None;
    let mut at = 0;
    while let Some(row) = rows.get(at) {
        let key = row.get(keys_from);
        let same = rows.iter().skip(at).take_while(|other| {
            let other = other.get(keys_from).unwrap_or(&Datum::Null);
            key.unwrap_or(&Datum::Null).compare(other).is_eq()
        });
        let count = same.count();
        if let Some(value) = row.get(keys_from.saturating_sub(1))
            && !value.is_null()
            && best.is_none_or(|(most, _)| count > most)
        {
            best = Some((count, value));
        }
        at += count.max(1);
    }
    best.map_or(Datum::Null, |(_, value)| value.clone())
}

/// Where the row of the direct arguments would stand.
fn place(set: OrderedSet, aggregate: &Aggregate, rows: &[&Vec<Datum>], keys_from: usize) -> Datum {
    let compare = |row: &[Datum]| {
        let mut orders = aggregate
            .order
            .iter()
            .enumerate()
            .map(|(index, key)| compare_key(key, row.get(keys_from + index), row.get(index)));
        orders.find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    };
    let before = rows.iter().take_while(|row| compare(row).is_lt()).count();
    match set {
        OrderedSet::DenseRank => {
            let keys = |row: &'_ Vec<Datum>| row.get(keys_from..).map(<[Datum]>::to_vec);
            let mut distinct = 0i64;
            let mut last: Option<Vec<Datum>> = None;
            for row in rows.iter().take(before) {
                let key = keys(row);
                let is_new = match (&last, &key) {
                    (Some(last), Some(key)) => {
                        !last.iter().zip(key).all(|(a, b)| a.compare(b).is_eq())
                    }
                    _ => true,
                };
                distinct += i64::from(is_new);
                last = key;
            }
            Datum::Int64(distinct + 1)
        }
        OrderedSet::PercentRank if rows.is_empty() => Datum::Float64(0.0),
        OrderedSet::PercentRank => Datum::Float64(before as f64 / rows.len() as f64),
        OrderedSet::CumeDist => {
            let up_to = rows.iter().take_while(|row| compare(row).is_le()).count();
            Datum::Float64((up_to + 1) as f64 / (rows.len() + 1) as f64)
        }
        _ => Datum::Int64(before as i64 + 1),
    }
}
