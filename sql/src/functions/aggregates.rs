//! Aggregates: one implementation for both executors.
//!
//! A [`State`] takes rows of datums. Its intermediate form is one byte string, so that the
//! vectorized executor can combine partial aggregates of parallel scans. `DISTINCT` and
//! `ORDER BY` inside an aggregate collect the rows first ([`State::Collected`]).

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use crate::codec;
use crate::error::{Error, Result, SqlState};
use crate::functions::arrays::ArrayAccumulator;
use crate::functions::casts::{self, CastLevel};
use crate::functions::json::JsonAccumulator;
use crate::functions::moments::{Moments, Pair, PairMoments};
use crate::functions::ordered_sets::{self, OrderedSet};
use crate::types::interval::Interval;
use crate::types::{Datum, Numeric, Type};

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum Kind {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    BoolAnd,
    BoolOr,
    StringAgg,
    ArrayAgg,
    JsonAgg {
        binary: bool,
        object: bool,
    },
    Variance {
        sample: bool,
        root: bool,
    },
    /// Bits, combined by AND, OR or XOR.
    Bits(Bits),
    /// A statistic of pairs.
    Pair(Pair),
    /// Over rows in order. The direct arguments come first.
    OrderedSet(OrderedSet),
    /// Any one value of the group, for columns that the group determines.
    First,
}

/// How bits are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum Bits {
    And,
    Or,
    Xor,
}

/// An order key inside an aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SortKey {
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST.
    pub nulls_first: bool,
}

/// An aggregate with its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Aggregate {
    /// What is computed.
    pub kind: Kind,
    /// Type of the first argument; `Void` for `count(*)`.
    pub input: Type,
    /// DISTINCT.
    pub distinct: bool,
    /// ORDER BY keys, which follow the arguments proper.
    pub order: Vec<SortKey>,
}

/// The aggregate called `name` for these arguments, and the types it wants them in.
pub fn resolve(name: &str, args: &[Type]) -> Option<(Kind, Vec<Type>)> {
    use Type::*;
    let variance = |sample, root| {
        let kind = Kind::Variance { sample, root };
        match args {
            [Float4 | Float8] => Some((kind, vec![Float8])),
            [Int2 | Int4 | Int8 | Numeric] => Some((kind, vec![Numeric])),
            _ => None,
        }
    };
    match (name, args) {
        ("count", [_]) => Some((Kind::Count, args.to_vec())),
        ("sum", [Int2 | Int4 | Int8 | Numeric | Float4 | Float8 | Interval]) => {
            Some((Kind::Sum, args.to_vec()))
        }
        ("avg", [Int2 | Int4 | Int8 | Numeric | Float4 | Float8 | Interval]) => {
            Some((Kind::Avg, args.to_vec()))
        }
        ("min" | "max", [kind])
            if !matches!(kind, Bool | Uuid | Json | Jsonb | Void | Bytea) && !kind.is_row() =>
        {
            let kind = match kind {
                Unknown | Varchar | Name => Text,
                kind => *kind,
            };
            Some((if name == "min" { Kind::Min } else { Kind::Max }, vec![kind]))
        }
        ("bool_and" | "every", [Bool | Unknown]) => Some((Kind::BoolAnd, vec![Bool])),
        ("bool_or", [Bool | Unknown]) => Some((Kind::BoolOr, vec![Bool])),
        ("string_agg", [Bytea, Bytea | Unknown]) => Some((Kind::StringAgg, vec![Bytea, Bytea])),
        ("string_agg", [a, b]) if a.is_string() && b.is_string() => {
            Some((Kind::StringAgg, vec![Text, Text]))
        }
        ("array_agg", [kind]) if kind.array().is_some() => Some((Kind::ArrayAgg, vec![*kind])),
        ("json_agg" | "jsonb_agg", [kind]) => {
            let binary = name == "jsonb_agg";
            Some((Kind::JsonAgg { binary, object: false }, vec![*kind]))
        }
        ("json_object_agg" | "jsonb_object_agg", [_, _]) => {
            let binary = name == "jsonb_object_agg";
            Some((Kind::JsonAgg { binary, object: true }, args.to_vec()))
        }
        ("bit_and" | "bit_or" | "bit_xor", [kind @ (Int2 | Int4 | Int8)]) => {
            let bits = match name {
                "bit_and" => Bits::And,
                "bit_or" => Bits::Or,
                _ => Bits::Xor,
            };
            Some((Kind::Bits(bits), vec![*kind]))
        }
        ("variance" | "var_samp", _) => variance(true, false),
        ("var_pop", _) => variance(false, false),
        ("stddev" | "stddev_samp", _) => variance(true, true),
        ("stddev_pop", _) => variance(false, true),
        (name, [y, x]) => {
            let pair = Pair::named(name)?;
            let fits = |kind: &Type| casts::level(*kind, Float8) == Some(CastLevel::Implicit);
            (fits(y) && fits(x)).then(|| (Kind::Pair(pair), vec![Float8; 2]))
        }
        _ => None,
    }
}

/// Whether a function of this name is an aggregate.
pub fn is_aggregate(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "count",
        "sum",
        "avg",
        "min",
        "max",
        "bool_and",
        "bool_or",
        "every",
        "string_agg",
        "array_agg",
        "json_agg",
        "jsonb_agg",
        "json_object_agg",
        "jsonb_object_agg",
        "variance",
        "var_samp",
        "var_pop",
        "stddev",
        "stddev_samp",
        "stddev_pop",
        "bit_and",
        "bit_or",
        "bit_xor",
    ];
    NAMES.contains(&name) || Pair::named(name).is_some()
}

impl Aggregate {
    /// Result type.
    pub fn returns(&self) -> Type {
        use Type::*;
        match (self.kind, self.input) {
            (Kind::Count, _) => Int8,
            (Kind::Sum, Int2 | Int4) => Int8,
            (Kind::Sum, Int8) => Numeric,
            (Kind::Avg, Int2 | Int4 | Int8) => Numeric,
            (Kind::Avg, Float4) => Float8,
            (Kind::BoolAnd | Kind::BoolOr, _) => Bool,
            (Kind::JsonAgg { binary: true, .. }, _) => Jsonb,
            (Kind::JsonAgg { .. }, _) => Json,
            (Kind::ArrayAgg, input) => input.array().unwrap_or(input),
            (Kind::Pair(pair), _) => pair.returns(),
            (Kind::OrderedSet(set), input) => set.returns(input),
            (_, input) => input,
        }
    }

    /// Whether the result shows in which order the rows came.
    pub fn shows_order(&self) -> bool {
        matches!(self.kind, Kind::ArrayAgg | Kind::StringAgg | Kind::JsonAgg { .. })
            && self.order.is_empty()
            && !self.distinct
    }

    /// A state without rows.
    pub fn start(&self) -> State {
        if self.distinct || !self.order.is_empty() {
            return State::Collected { aggregate: self.clone(), rows: Vec::new() };
        }
        self.start_plain()
    }

    fn start_plain(&self) -> State {
        use Type::*;
        match (self.kind, self.input) {
            (Kind::Count, Void) => State::Count { all: true, count: 0 },
            (Kind::Count, _) => State::Count { all: false, count: 0 },
            (Kind::Sum, Int2 | Int4) => State::Int { sum: None },
            (Kind::Sum | Kind::Avg, Float4 | Float8) => {
                State::Float { sum: 0.0, count: 0, kind: self.kind, input: self.input }
            }
            (Kind::Sum | Kind::Avg, Interval) => State::Interval {
                sum: crate::types::interval::Interval::default(),
                count: 0,
                kind: self.kind,
            },
            (Kind::Sum | Kind::Avg, _) => State::Numeric {
                sum: crate::types::Numeric::from_i64(0),
                count: 0,
                kind: self.kind,
            },
            (Kind::Variance { sample, root }, Numeric) => State::NumericVariance {
                sum: crate::types::Numeric::from_i64(0),
                squares: crate::types::Numeric::from_i64(0),
                count: 0,
                sample,
                root,
            },
            (Kind::Variance { sample, root }, _) => {
                State::Variance { moments: Moments::default(), sample, root }
            }
            (Kind::Min | Kind::Max, input) => {
                State::Extreme { best: Datum::Null, max: self.kind == Kind::Max, input }
            }
            (Kind::BoolAnd | Kind::BoolOr, _) => {
                State::Bool { value: None, all: self.kind == Kind::BoolAnd }
            }
            (Kind::StringAgg, _) => State::Join { joined: None, first_delimiter: Datum::Null },
            (Kind::ArrayAgg, input) => State::Array(ArrayAccumulator::new(input)),
            (Kind::JsonAgg { binary, object }, input) => {
                State::Json(JsonAccumulator::new(binary, object, input))
            }
            (Kind::Bits(bits), input) => State::Bits { value: None, bits, input },
            (Kind::Pair(pair), _) => State::Pair { moments: PairMoments::default(), pair },
            (Kind::First | Kind::OrderedSet(_), _) => State::First { value: None },
        }
    }
}

/// A running aggregate.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are the textbook's")]
pub enum State {
    Count { all: bool, count: i64 },
    Int { sum: Option<i64> },
    Float { sum: f64, count: i64, kind: Kind, input: Type },
    Numeric { sum: Numeric, count: i64, kind: Kind },
    Interval { sum: Interval, count: i64, kind: Kind },
    Extreme { best: Datum, max: bool, input: Type },
    Bool { value: Option<bool>, all: bool },
    Join { joined: Option<Datum>, first_delimiter: Datum },
    Variance { moments: Moments, sample: bool, root: bool },
    Bits { value: Option<i64>, bits: Bits, input: Type },
    Pair { moments: PairMoments, pair: Pair },
    NumericVariance { sum: Numeric, squares: Numeric, count: i64, sample: bool, root: bool },
    First { value: Option<Datum> },
    Array(ArrayAccumulator),
    Json(JsonAccumulator),
    Collected { aggregate: Aggregate, rows: Vec<Vec<Datum>> },
}

fn to_numeric(value: &Datum) -> Result<Numeric> {
    match value {
        Datum::Bytes(bytes) => Numeric::decode(bytes),
        integer => Ok(Numeric::from_i64(integer.as_i64()?)),
    }
}

fn is_better(input: Type, max: bool, value: &Datum, best: &Datum) -> bool {
    if best.is_null() {
        return true;
    }
    let order = match input.needs_canonical_form() {
        true => {
            codec::canonical(input, value.clone()).compare(&codec::canonical(input, best.clone()))
        }
        false => value.compare(best),
    };
    order == if max { Ordering::Greater } else { Ordering::Less }
}

fn append(left: Datum, delimiter: &Datum, right: &Datum) -> Result<Datum> {
    Ok(match (left, right) {
        (Datum::Text(mut text), right) => {
            if let Datum::Text(delimiter) = delimiter {
                text.push_str(delimiter);
            }
            text.push_str(right.as_str()?);
            Datum::Text(text)
        }
        (Datum::Bytes(mut bytes), right) => {
            if let Datum::Bytes(delimiter) = delimiter {
                bytes.extend(delimiter);
            }
            bytes.extend(right.as_bytes()?);
            Datum::Bytes(bytes)
        }
        (other, _) => return Err(Error::internal(format!("cannot join {other:?}"))),
    })
}

fn overflow() -> Error {
    Error::new(SqlState::NumericValueOutOfRange, "bigint out of range")
}

impl State {
    /// Takes one row's arguments.
    pub fn update(&mut self, args: &[Datum]) -> Result<()> {
        let value = args.first().unwrap_or(&Datum::Null);
        match self {
            State::Count { all, count } => *count += i64::from(*all || !value.is_null()),
            State::Collected { rows, .. } => rows.push(args.to_vec()),
            State::First { value: first } => {
                first.get_or_insert_with(|| value.clone());
            }
            State::Array(array) => array.push(value)?,
            State::Json(json) => json.push(args)?,
            _ if value.is_null() => {}
            State::Int { sum } => {
                let total = sum.unwrap_or(0).checked_add(value.as_i64()?);
                *sum = Some(total.ok_or_else(overflow)?);
            }
            State::Float { sum, count, .. } => {
                *sum += value.as_f64()?;
                *count += 1;
            }
            State::Numeric { sum, count, .. } => {
                *sum = sum.add(&to_numeric(value)?);
                *count += 1;
            }
            State::Interval { sum, count, .. } => {
                *sum = sum.add(&Interval::decode(value.as_bytes()?)?)?;
                *count += 1;
            }
            State::Extreme { best, max, input } => {
                if is_better(*input, *max, value, best) {
                    *best = value.clone();
                }
            }
            State::Bool { value: result, all } => {
                let value = value.as_bool()?;
                *result = Some(match (*result, *all) {
                    (None, _) => value,
                    (Some(before), true) => before && value,
                    (Some(before), false) => before || value,
                });
            }
            State::Join { joined, first_delimiter } => {
                let delimiter = args.get(1).unwrap_or(&Datum::Null);
                *joined = Some(match joined.take() {
                    None => {
                        *first_delimiter = delimiter.clone();
                        value.clone()
                    }
                    Some(before) => append(before, delimiter, value)?,
                });
            }
            State::Variance { moments, .. } => drop(moments.add(value.as_f64()?)?),
            State::Bits { value: combined, bits, .. } => {
                let value = value.as_i64()?;
                *combined = Some(match (*combined, *bits) {
                    (None, _) => value,
                    (Some(before), Bits::And) => before & value,
                    (Some(before), Bits::Or) => before | value,
                    (Some(before), Bits::Xor) => before ^ value,
                });
            }
            State::Pair { moments, .. } => match args {
                [y, x] if !x.is_null() => moments.add(y.as_f64()?, x.as_f64()?)?,
                _ => {}
            },
            State::NumericVariance { sum, squares, count, .. } => {
                let x = to_numeric(value)?;
                *squares = squares.add(&x.mul(&x));
                *sum = sum.add(&x);
                *count += 1;
            }
        }
        Ok(())
    }

    /// Takes away a row that was added, where that undoes it exactly: counts, and sums that are no
    /// floats. `digits` are those behind the point that the numerics left over have at most.
    pub fn remove(&mut self, args: &[Datum], digits: Option<u32>) -> Result<()> {
        let value = args.first().unwrap_or(&Datum::Null);
        match self {
            State::Count { all: true, count } => *count -= 1,
            _ if value.is_null() => {}
            State::Count { count, .. } => *count -= 1,
            State::Int { sum } => {
                let total = sum.unwrap_or(0).checked_sub(value.as_i64()?);
                *sum = Some(total.ok_or_else(overflow)?);
            }
            State::Numeric { sum, count, .. } => {
                let rest = sum.sub(&to_numeric(value)?);
                *sum = digits.map_or_else(|| rest.clone(), |digits| rest.round(digits.into()));
                *count -= 1;
            }
            State::Interval { sum, count, .. } => {
                *sum = sum.add(&Interval::decode(value.as_bytes()?)?.neg()?)?;
                *count -= 1;
            }
            other => return Err(Error::internal(format!("{other:?} cannot lose rows"))),
        }
        Ok(())
    }

    /// The intermediate form.
    pub fn save(&self) -> Vec<u8> {
        let optional = |value: &Option<Datum>| value.clone().into_iter().collect::<Vec<_>>();
        codec::encode_row(&match self {
            State::Count { count, .. } => vec![Datum::Int64(*count)],
            State::Int { sum } => vec![sum.map_or(Datum::Null, Datum::Int64)],
            State::Float { sum, count, .. } => vec![Datum::Float64(*sum), Datum::Int64(*count)],
            State::Numeric { sum, count, .. } => {
                vec![Datum::Bytes(sum.encode()), Datum::Int64(*count)]
            }
            State::Interval { sum, count, .. } => {
                vec![Datum::Bytes(sum.encode()), Datum::Int64(*count)]
            }
            State::Extreme { best, .. } => vec![best.clone()],
            State::Bool { value, .. } => vec![value.map_or(Datum::Null, Datum::Bool)],
            State::Join { joined, first_delimiter } => {
                vec![joined.clone().unwrap_or(Datum::Null), first_delimiter.clone()]
            }
            State::Variance { moments: Moments { count, sum, squares }, .. } => {
                [*count, *sum, *squares].map(Datum::Float64).to_vec()
            }
            State::Bits { value, .. } => vec![value.map_or(Datum::Null, Datum::Int64)],
            State::Pair { moments, .. } => moments.save(),
            State::NumericVariance { sum, squares, count, .. } => vec![
                Datum::Bytes(sum.encode()),
                Datum::Bytes(squares.encode()),
                Datum::Int64(*count),
            ],
            State::First { value } => optional(value),
            // None if it has no elements.
            State::Array(array) if array.is_empty() => Vec::new(),
            State::Array(array) => vec![array.finish()],
            State::Json(json) => json.save(),
            State::Collected { rows, .. } => {
                rows.iter().map(|row| Datum::Bytes(codec::encode_row(row))).collect()
            }
        })
    }

    /// Adds an intermediate form of the same aggregate.
    pub fn merge(&mut self, saved: &[u8]) -> Result<()> {
        let saved = codec::decode_stored(saved)?;
        let part = |i: usize| saved.get(i).unwrap_or(&Datum::Null);
        match self {
            State::Count { count, .. } => *count += part(0).as_i64()?,
            State::Collected { rows, .. } => {
                for row in &saved {
                    rows.push(codec::decode_stored(row.as_bytes()?)?);
                }
            }
            State::First { value } => {
                if value.is_none() {
                    *value = saved.into_iter().next();
                }
            }
            State::Json(json) => json.merge(&saved)?,
            _ if part(0).is_null() => {}
            State::Array(array) => array.merge(part(0))?,
            State::Int { sum } => {
                let total = sum.unwrap_or(0).checked_add(part(0).as_i64()?);
                *sum = Some(total.ok_or_else(overflow)?);
            }
            State::Float { sum, count, .. } => {
                *sum += part(0).as_f64()?;
                *count += part(1).as_i64()?;
            }
            State::Numeric { sum, count, .. } => {
                *sum = sum.add(&to_numeric(part(0))?);
                *count += part(1).as_i64()?;
            }
            State::Interval { sum, count, .. } => {
                *sum = sum.add(&Interval::decode(part(0).as_bytes()?)?)?;
                *count += part(1).as_i64()?;
            }
            State::Join { joined, first_delimiter } => {
                *joined = Some(match joined.take() {
                    None => {
                        *first_delimiter = part(1).clone();
                        part(0).clone()
                    }
                    Some(before) => append(before, part(1), part(0))?,
                });
            }
            State::Variance { moments, .. } => {
                let (count, sum, squares) =
                    (part(0).as_f64()?, part(1).as_f64()?, part(2).as_f64()?);
                moments.merge(&Moments { count, sum, squares });
            }
            State::Pair { moments, .. } => moments.merge(&saved)?,
            State::NumericVariance { sum, squares, count, .. } => {
                *sum = sum.add(&to_numeric(part(0))?);
                *squares = squares.add(&to_numeric(part(1))?);
                *count += part(2).as_i64()?;
            }
            State::Extreme { .. } | State::Bool { .. } | State::Bits { .. } => {
                self.update(&saved)?;
            }
        }
        Ok(())
    }

    /// The result.
    pub fn finish(&self) -> Result<Datum> {
        Ok(match self {
            State::Count { count, .. } => Datum::Int64(*count),
            State::Int { sum } => sum.map_or(Datum::Null, Datum::Int64),
            State::Float { count: 0, .. }
            | State::Numeric { count: 0, .. }
            | State::Interval { count: 0, .. } => Datum::Null,
            State::Float { sum, kind: Kind::Sum, input: Type::Float4, .. } => {
                Datum::Float32(*sum as f32)
            }
            State::Float { sum, kind: Kind::Sum, .. } => Datum::Float64(*sum),
            State::Float { sum, count, .. } => Datum::Float64(*sum / *count as f64),
            State::Numeric { sum, kind: Kind::Sum, .. } => Datum::Bytes(sum.encode()),
            State::Numeric { sum, count, .. } => {
                Datum::Bytes(sum.div(&Numeric::from_i64(*count))?.encode())
            }
            State::Interval { sum, kind: Kind::Sum, .. } => Datum::Bytes(sum.encode()),
            State::Interval { sum, count, .. } => Datum::Bytes(sum.div(*count as f64)?.encode()),
            State::Extreme { best, .. } => best.clone(),
            State::Bool { value, .. } => value.map_or(Datum::Null, Datum::Bool),
            State::Join { joined, .. } => joined.clone().unwrap_or(Datum::Null),
            State::First { value } => value.clone().unwrap_or(Datum::Null),
            State::Array(array) if array.is_empty() => Datum::Null,
            State::Array(array) => array.finish(),
            State::Json(json) => json.finish()?,
            State::Bits { value, input, .. } => match (value, input) {
                (None, _) => Datum::Null,
                (Some(value), Type::Int2) => Datum::Int16(*value as i16),
                (Some(value), Type::Int4) => Datum::Int32(*value as i32),
                (Some(value), _) => Datum::Int64(*value),
            },
            State::Pair { moments, pair } => moments.finish(*pair),
            State::Variance { moments: Moments { count, squares, .. }, sample, root } => {
                let divisor = if *sample { count - 1.0 } else { *count };
                if divisor <= 0.0 {
                    return Ok(Datum::Null);
                }
                let variance = squares / divisor;
                Datum::Float64(if *root { variance.sqrt() } else { variance })
            }
            State::NumericVariance { sum, squares, count, sample, root } => {
                let divisor = if *sample { count - 1 } else { *count };
                if divisor <= 0 {
                    return Ok(Datum::Null);
                }
                let n = Numeric::from_i64(*count);
                let top = n.mul(squares).sub(&sum.mul(sum));
                let result = match top.signum() {
                    0 => Numeric::from_i64(0),
                    _ => {
                        let variance = top.div(&n.mul(&Numeric::from_i64(divisor)))?;
                        if *root { variance.sqrt_to(variance.scale())? } else { variance }
                    }
                };
                Datum::Bytes(result.encode())
            }
            State::Collected { aggregate, rows } => finish_collected(aggregate, rows)?,
        })
    }
}

fn finish_collected(aggregate: &Aggregate, rows: &[Vec<Datum>]) -> Result<Datum> {
    let mut rows: Vec<&Vec<Datum>> = rows.iter().collect();
    let keys_from = rows.first().map_or(0, |row| row.len() - aggregate.order.len());
    rows.sort_by(|a, b| {
        let keys = aggregate.order.iter().zip(keys_from..);
        let orders = keys.map(|(key, i)| compare_key(key, a.get(i), b.get(i)));
        let by_keys = orders.into_iter().find(|order| *order != Ordering::Equal);
        by_keys.unwrap_or_else(|| match aggregate.distinct {
            true => compare_arguments(aggregate, a, b, keys_from),
            false => Ordering::Equal,
        })
    });
    if let Kind::OrderedSet(set) = aggregate.kind {
        return ordered_sets::finish(set, aggregate, &rows, keys_from);
    }
    let mut state = aggregate.start_plain();
    let mut seen = HashSet::new();
    for row in rows {
        let args = row.get(..keys_from).unwrap_or(row);
        if aggregate.distinct {
            let mut args = args.to_vec();
            if let Some(first) = args.first_mut() {
                *first = codec::canonical(aggregate.input, std::mem::replace(first, Datum::Null));
            }
            if !seen.insert(codec::encode_row(&args)) {
                continue;
            }
        }
        state.update(args)?;
    }
    state.finish()
}

/// The order in which DISTINCT goes over rows that ORDER BY leaves open: by the arguments.
fn compare_arguments(aggregate: &Aggregate, a: &[Datum], b: &[Datum], count: usize) -> Ordering {
    let key = SortKey { descending: false, nulls_first: false };
    let first =
        |row: &[Datum]| row.first().map(|value| codec::canonical(aggregate.input, value.clone()));
    let rest = || {
        let mut orders = (1..count).map(|i| compare_key(&key, a.get(i), b.get(i)));
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    };
    compare_key(&key, first(a).as_ref(), first(b).as_ref()).then_with(rest)
}

/// Order of two values under ASC/DESC and NULLS FIRST/LAST.
pub fn compare_key(key: &SortKey, a: Option<&Datum>, b: Option<&Datum>) -> Ordering {
    let (a, b) = (a.unwrap_or(&Datum::Null), b.unwrap_or(&Datum::Null));
    match (a.is_null(), b.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) if key.nulls_first => Ordering::Less,
        (true, false) => Ordering::Greater,
        (false, true) if key.nulls_first => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) if key.descending => b.compare(a),
        (false, false) => a.compare(b),
    }
}

/// The DataFusion face of an [`Aggregate`].
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct AggregateUdf {
    aggregate: Aggregate,
    name: String,
    signature: Signature,
}

/// A call of `aggregate`, the order keys behind the arguments.
pub fn call(aggregate: Aggregate, args: Vec<Expr>, filter: Option<Expr>) -> Expr {
    let udf = AggregateUdf {
        name: format!("{aggregate:?}").to_lowercase(),
        aggregate,
        signature: Signature::user_defined(Volatility::Immutable),
    };
    Expr::AggregateFunction(AggregateFunction::new_udf(
        Arc::new(AggregateUDF::from(udf)),
        args,
        false,
        filter.map(Box::new),
        Vec::new(),
        None,
    ))
}

/// The [`Aggregate`] that an expression computes, if it is one of ours.
pub fn aggregate_of(function: &AggregateFunction) -> Option<&Aggregate> {
    let inner = function.func.inner().as_ref() as &dyn std::any::Any;
    inner.downcast_ref::<AggregateUdf>().map(|udf| &udf.aggregate)
}

/// The function itself, for use over a window.
pub fn udaf(aggregate: Aggregate) -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(AggregateUdf {
        name: format!("{aggregate:?}").to_lowercase(),
        aggregate,
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

impl AggregateUDFImpl for AggregateUdf {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(self.aggregate.returns().layout())
    }

    fn coerce_types(&self, args: &[DataType]) -> DfResult<Vec<DataType>> {
        Ok(args.to_vec())
    }

    fn accumulator(&self, _: AccumulatorArgs) -> DfResult<Box<dyn Accumulator>> {
        let layout = self.aggregate.returns().layout();
        Ok(Box::new(StateAccumulator { state: self.aggregate.start(), layout }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> DfResult<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[state]", args.name), DataType::Binary, true))])
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn default_value(&self, layout: &DataType) -> DfResult<ScalarValue> {
        match self.aggregate.kind {
            Kind::Count => Ok(ScalarValue::Int64(Some(0))),
            _ => ScalarValue::try_new_null(layout),
        }
    }
}

#[derive(Debug)]
struct StateAccumulator {
    state: State,
    layout: DataType,
}

impl Accumulator for StateAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        let rows = values.first().map_or(0, |array| array.len());
        if let (State::Count { all, count }, Some(array)) = (&mut self.state, values.first()) {
            let nulls = if *all { 0 } else { array.null_count() };
            *count += (rows - nulls) as i64;
            return Ok(());
        }
        let mut args = Vec::with_capacity(values.len());
        for row in 0..rows {
            args.clear();
            for array in values {
                args.push(Datum::from_array(array, row)?);
            }
            self.state.update(&args)?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        Ok(self.state.finish()?.to_scalar(&self.layout)?)
    }

    fn size(&self) -> usize {
        let collected = match &self.state {
            State::Collected { rows, .. } => rows.len() * 64,
            State::Join { joined: Some(Datum::Text(text)), .. } => text.len(),
            State::Array(array) => array.size_bytes(),
            State::Json(json) => json.size_bytes(),
            _ => 0,
        };
        size_of_val(self) + collected
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Binary(Some(self.state.save()))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        for array in states {
            for row in 0..array.len() {
                if let Datum::Bytes(saved) = Datum::from_array(array, row)? {
                    self.state.merge(&saved)?;
                }
            }
        }
        Ok(())
    }
}
