//! Tests of types, functions and the row format. Values that are not self-evident were asked of
//! PostgreSQL 15; this module holds the means by which tables of them are checked.

mod array;
mod codec;
mod datetime;
mod format;
mod golden;
mod interval;
mod io;
mod json;
mod kept_rows;
mod numeric;
mod resolve;
mod system;
mod user_types;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

use crate::error::Result;
use crate::functions::resolve::Resolution;
use crate::functions::{Context, Scalar, casts, named, polymorphic, resolve as resolution};
use crate::types::datetime::{
    DATE_INFINITY, DATE_NEGATIVE_INFINITY, INFINITY, NEGATIVE_INFINITY, TimeTz,
};
use crate::types::interval::{DAY_US, Interval};
use crate::types::io::{Style, from_text, to_text};
use crate::types::{Datum, Numeric, Type};

/// Every type that a column may have.
fn any_kind() -> impl Strategy<Value = Type> {
    let names = "bool int2 int4 int8 float4 float8 numeric text varchar bpchar name bytea uuid oid \
                 regtype date time timetz timestamp timestamptz interval";
    select(names.split_whitespace().map(kind_of).collect::<Vec<Type>>())
}

fn kind_of(name: &str) -> Type {
    Type::from_name(name).unwrap()
}

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

/// Checks a table of `input => outcome`; fails with all rows that differ.
///
/// Rows are on lines of their own or apart by ` ; `, inputs with one outcome by ` | `. An outcome
/// `~ words` is an error whose message has these words. Quotes around an input keep its blanks.
/// A row that begins with `?` is a known difference from PostgreSQL: it fails once it is none.
fn check(table: &str, actual: impl Fn(&str) -> String) {
    let mut wrong = Vec::new();
    for row in table.lines().flat_map(|line| line.split(" ; ")).filter(|row| !row.trim().is_empty())
    {
        let (known, row) = match row.trim_start().strip_prefix("? ") {
            Some(row) => (true, row),
            None => (false, row),
        };
        let (inputs, expected) = row.split_once(" => ").unwrap();
        for input in inputs.trim().split(" | ") {
            let actual = actual(unquote(input));
            let expected = expected.trim_end();
            let fits = match expected.strip_prefix("~ ") {
                Some(words) => actual.starts_with("ERROR: ") && actual.contains(words),
                None => actual == expected,
            };
            if fits == known {
                wrong.push(format!("{input} => {expected}, found {actual}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn unquote(text: &str) -> &str {
    text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(text)
}

fn shown(result: Result<String>) -> String {
    result.unwrap_or_else(|error| format!("ERROR: {error}"))
}

/// `type text`, read and written again.
fn echo(line: &str, style: &Style) -> String {
    let (kind, text) = line.split_once(' ').unwrap();
    let (kind, text) = (kind_of(kind), unquote(text));
    shown(from_text(kind, text, style).and_then(|value| to_text(kind, &value, style)))
}

/// `from to text`: a cast.
fn convert(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let (from, to, style) = (kind_of(words[0]), kind_of(words[1]), Style::default());
    let value = from_text(from, words[2], &style);
    let value = value.and_then(|value| casts::cast(from, to, &value, &style));
    shown(value.and_then(|value| to_text(to, &value, &style)))
}

/// `function type text, type text`: a call as the binder and the executor would do it, with
/// TimeZone UTC.
fn call(line: &str) -> String {
    let (name, args) = line.split_once(' ').unwrap();
    let args: Vec<_> = args.split(", ").map(|arg| arg.split_once(' ').unwrap()).collect();
    let kinds: Vec<Type> = args.iter().map(|(kind, _)| kind_of(kind)).collect();
    let function = match resolution::resolve(named(name), &kinds) {
        Resolution::Found(function) => function,
        Resolution::NoMatch => return "does not exist".into(),
        Resolution::Ambiguous => return "is not unique".into(),
    };
    let style = Style::default();
    let settled = polymorphic::settle(function, &kinds).unwrap();
    let run = || -> Result<String> {
        let mut values = Vec::new();
        for (i, (_, text)) in args.iter().enumerate() {
            let value = from_text(kinds[i], unquote(text), &style)?;
            values.push(casts::cast(kinds[i], settled.args[i], &value, &style)?);
        }
        for context in function.context {
            values.push(match context {
                Context::Zone => Datum::Text("UTC".into()),
                Context::Style => Datum::Int32(Style::default().packed()),
                Context::Now | Context::Session => Datum::Int64(0),
            });
        }
        if function.typed {
            values.push(Datum::Int64(i64::from(settled.element.unwrap().oid())));
        }
        match Scalar::Builtin(function).call(&values)? {
            Datum::Null => Ok("NULL".into()),
            value => to_text(settled.returns, &value, &style),
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
    let coefficient = prop_oneof![-200..200i128, any::<i64>().prop_map(i128::from), any::<i128>()];
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
    let calendar = -211_813_488_000_000_000..8_200_000_000_000_000_000i64;
    prop_oneof![calendar, -DAY_US * 800..DAY_US * 20_000]
}

/// Values of a type, apart from NULL.
fn value(kind: Type) -> BoxedStrategy<Datum> {
    match kind {
        Type::Bool => any::<bool>().prop_map(Datum::Bool).boxed(),
        Type::Int2 => any::<i16>().prop_map(Datum::Int16).boxed(),
        Type::Int4 => prop_oneof![-3..4i32, any::<i32>()].prop_map(Datum::Int32).boxed(),
        Type::Int8 => prop_oneof![-3..4i64, any::<i64>()].prop_map(Datum::Int64).boxed(),
        Type::Float4 => {
            let special = select(vec![0.0, -0.0, 1.0, -1.0, f32::NAN, f32::INFINITY]);
            prop_oneof![prop::num::f32::ANY, special].prop_map(Datum::Float32).boxed()
        }
        Type::Float8 => {
            let special = select(vec![0.0, -0.0, 1.0, -1.0, f64::NAN, f64::INFINITY]);
            prop_oneof![prop::num::f64::ANY, special].prop_map(Datum::Float64).boxed()
        }
        Type::Numeric => any_numeric().prop_map(|v| Datum::Bytes(v.encode())).boxed(),
        Type::Interval => any_interval().prop_map(|v| Datum::Bytes(v.encode())).boxed(),
        Type::Bytea => any_bytes().prop_map(Datum::Bytes).boxed(),
        Type::Uuid => any::<[u8; 16]>().prop_map(|v| Datum::Bytes(v.to_vec())).boxed(),
        Type::Date => {
            let infinite = select(vec![DATE_INFINITY, DATE_NEGATIVE_INFINITY]);
            let date = prop_oneof![8 => -2_451_545..90_000_000i32, 1 => infinite];
            date.prop_map(Datum::Int32).boxed()
        }
        Type::Timetz => (0..=DAY_US, -57_599..57_600i32)
            .prop_map(|(time_us, east_s)| Datum::Bytes(TimeTz { time_us, east_s }.encode()))
            .boxed(),
        Type::Time => (0..=DAY_US).prop_map(Datum::Int64).boxed(),
        Type::Timestamp | Type::Timestamptz => {
            let infinite = select(vec![INFINITY, NEGATIVE_INFINITY]);
            prop_oneof![8 => any_timestamp(), 1 => infinite].prop_map(Datum::Int64).boxed()
        }
        Type::Oid => any::<u32>().prop_map(|oid| Datum::Int64(i64::from(oid))).boxed(),
        Type::Regtype => any_kind().prop_map(|kind| Datum::Int64(i64::from(kind.oid()))).boxed(),
        _ => any_string().prop_map(Datum::Text).boxed(),
    }
}
