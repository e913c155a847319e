//! Tests of types, functions and the row format. Values that are not self-evident were asked of
//! PostgreSQL 15; this module holds the means by which tables of them are checked.

mod codec;
mod datetime;
mod format;
mod interval;
mod io;
mod numeric;
mod resolve;

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

use crate::error::Result;
use crate::functions::casts;
use crate::functions::resolve::{Resolution, expected};
use crate::functions::{Context, Scalar, named};
use crate::types::datetime::{DATE_INFINITY, DATE_NEGATIVE_INFINITY, INFINITY, NEGATIVE_INFINITY};
use crate::types::interval::{DAY_US, Interval};
use crate::types::io::{Style, from_text, to_text};
use crate::types::{Datum, Numeric, Type};

/// Every type.
const KINDS: &[Type] = &[
    Type::Bool,
    Type::Int2,
    Type::Int4,
    Type::Int8,
    Type::Float4,
    Type::Float8,
    Type::Numeric,
    Type::Text,
    Type::Varchar,
    Type::Bpchar,
    Type::Name,
    Type::Bytea,
    Type::Date,
    Type::Time,
    Type::Timestamp,
    Type::Timestamptz,
    Type::Interval,
    Type::Uuid,
    Type::Oid,
    Type::Regtype,
    Type::Unknown,
];

/// The same cases every time; `PROPTEST_CASES` and `PROPTEST_RNG_SEED` ask for others.
fn config() -> ProptestConfig {
    let asked = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    ProptestConfig {
        cases: asked("PROPTEST_CASES").map_or(512, |cases| cases as u32),
        rng_seed: RngSeed::Fixed(asked("PROPTEST_RNG_SEED").unwrap_or(1)),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Fails with all rows whose outcome is not the expected one.
fn check<I: Debug>(
    rows: impl IntoIterator<Item = (I, &'static str)>,
    actual: impl Fn(&I) -> String,
) {
    let mut wrong = Vec::new();
    for (input, expected) in rows {
        let actual = actual(&input);
        if actual != expected {
            wrong.push(format!("{input:?}: expected {expected:?}, found {actual:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn shown(result: Result<String>) -> String {
    result.unwrap_or_else(|error| format!("ERROR: {error}"))
}

/// A value read from text and written again.
fn echo(kind: Type, text: &str) -> String {
    let style = Style::default();
    shown(from_text(kind, text, &style).and_then(|value| to_text(kind, &value, &style)))
}

/// A cast of a value given as text.
fn convert(from: Type, to: Type, text: &str) -> String {
    let style = Style::default();
    let value = from_text(from, text, &style).and_then(|v| casts::cast(from, to, &v, &style));
    shown(value.and_then(|value| to_text(to, &value, &style)))
}

/// A call as the binder and the executor would do it, with TimeZone UTC.
fn call(name: &str, args: &[(Type, &str)]) -> String {
    let style = Style::default();
    let kinds: Vec<Type> = args.iter().map(|(kind, _)| *kind).collect();
    let function = match crate::functions::resolve::resolve(named(name), &kinds) {
        Resolution::Found(function) => function,
        Resolution::NoMatch => return "no match".into(),
        Resolution::Ambiguous => return "ambiguous".into(),
    };
    let run = || -> Result<String> {
        let mut values = Vec::new();
        for (i, (kind, text)) in args.iter().enumerate() {
            let value = from_text(*kind, text, &style)?;
            values.push(casts::cast(*kind, expected(function, i), &value, &style)?);
        }
        for context in function.context {
            values.push(match context {
                Context::Zone => Datum::Text("UTC".into()),
                Context::FloatDigits => Datum::Int32(1),
                Context::Now | Context::Session => Datum::Int64(0),
            });
        }
        match Scalar::Builtin(function).call(&values)? {
            Datum::Null => Ok("NULL".into()),
            value => to_text(function.returns, &value, &style),
        }
    };
    shown(run())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = (0..text.len()).step_by(2);
    digits.map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Numbers small and large, many of them equal to another one of a different scale.
fn any_numeric() -> impl Strategy<Value = Numeric> {
    let coefficient =
        prop_oneof![-200..200i128, any::<i64>().prop_map(i128::from), any::<i128>()];
    prop_oneof![
        12 => (coefficient, 0..45u32).prop_map(|(digits, scale)| Numeric::new(digits, scale)),
        4 => (-9..10i128, 0..5u32)
            .prop_map(|(value, scale)| Numeric::new(value * 10i128.pow(scale), scale)),
        1 => select(vec![Numeric::NaN, Numeric::Infinity, Numeric::NegativeInfinity]),
    ]
}

/// Intervals whose time part is exact in a float8.
fn any_interval() -> impl Strategy<Value = Interval> {
    let time = -(1i64 << 50)..1 << 50;
    let wide = (-i32::MAX..i32::MAX, -i32::MAX..i32::MAX, time);
    // These are often equal although their parts differ.
    let narrow = (-2..3i32, -60..61i32, (-3..4i64).prop_map(|days| days * DAY_US));
    prop_oneof![wide, narrow].prop_map(|(months, days, microseconds)| Interval {
        months,
        days,
        microseconds,
    })
}

/// Few characters, so that equal strings and prefixes are common.
fn any_string() -> impl Strategy<Value = String> {
    let letters = select(vec!['a', 'b', ' ', '\u{1}', '\\', 'é', '日', '\u{10ffff}']);
    prop::collection::vec(letters, 0..6).prop_map(|letters| letters.into_iter().collect())
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(0u8), Just(1u8), Just(0xff_u8), any::<u8>()];
    prop::collection::vec(byte, 0..6)
}

/// From PostgreSQL's earliest timestamp to the latest one of chrono's calendar.
fn any_timestamp() -> impl Strategy<Value = i64> {
    prop_oneof![
        -211_813_488_000_000_000..8_200_000_000_000_000_000i64,
        -DAY_US * 800..DAY_US * 20_000,
    ]
}

/// Values of a type, apart from NULL.
fn value(kind: Type) -> BoxedStrategy<Datum> {
    match kind {
        Type::Bool => any::<bool>().prop_map(Datum::Bool).boxed(),
        Type::Int2 => any::<i16>().prop_map(Datum::Int16).boxed(),
        Type::Int4 => prop_oneof![-3..4i32, any::<i32>()].prop_map(Datum::Int32).boxed(),
        Type::Int8 => prop_oneof![-3..4i64, any::<i64>()].prop_map(Datum::Int64).boxed(),
        Type::Float4 => prop_oneof![
            prop::num::f32::ANY,
            select(vec![0.0, -0.0, 1.0, -1.0, f32::NAN, f32::INFINITY, f32::MIN_POSITIVE]),
        ]
        .prop_map(Datum::Float32)
        .boxed(),
        Type::Float8 => prop_oneof![
            prop::num::f64::ANY,
            select(vec![0.0, -0.0, 1.0, -1.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE]),
        ]
        .prop_map(Datum::Float64)
        .boxed(),
        Type::Numeric => any_numeric().prop_map(|v| Datum::Bytes(v.encode())).boxed(),
        Type::Interval => any_interval().prop_map(|v| Datum::Bytes(v.encode())).boxed(),
        Type::Bytea => any_bytes().prop_map(Datum::Bytes).boxed(),
        Type::Uuid => any::<[u8; 16]>().prop_map(|v| Datum::Bytes(v.to_vec())).boxed(),
        Type::Date => prop_oneof![
            8 => -2_451_545..90_000_000i32,
            1 => select(vec![DATE_INFINITY, DATE_NEGATIVE_INFINITY]),
        ]
        .prop_map(Datum::Int32)
        .boxed(),
        Type::Time => (0..=DAY_US).prop_map(Datum::Int64).boxed(),
        Type::Timestamp | Type::Timestamptz => prop_oneof![
            8 => any_timestamp(),
            1 => select(vec![INFINITY, NEGATIVE_INFINITY]),
        ]
        .prop_map(Datum::Int64)
        .boxed(),
        Type::Oid => any::<u32>().prop_map(|oid| Datum::Int64(i64::from(oid))).boxed(),
        Type::Regtype => {
            select(KINDS).prop_map(|kind| Datum::Int64(i64::from(kind.oid()))).boxed()
        }
        _ => any_string().prop_map(Datum::Text).boxed(),
    }
}
