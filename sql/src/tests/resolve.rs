//! The choice between overloads: for each call the result type that PostgreSQL 15's `pg_typeof`
//! gives, or its error.

use super::{check, kind_of};
use crate::functions::named;
use crate::functions::resolve::{Resolution, common_operand_type, resolve};
use crate::types::Type;

/// A function and the types of its arguments, to the result type.
fn outcome(words: &str) -> String {
    let (name, kinds) = words.split_once(' ').unwrap();
    let kinds: Vec<Type> = kinds.split(' ').map(kind_of).collect();
    match resolve(named(name), &kinds) {
        Resolution::Found(function) => function.returns.name().to_owned(),
        Resolution::NoMatch => "does not exist".into(),
        Resolution::Ambiguous => "is not unique".into(),
    }
}

#[test]
fn operators() {
    check(
        r"
        + int4 numeric | % int4 numeric | ^ int4 numeric => numeric
        + int2 int4 | << int4 int2 | + unknown int4 | - date unknown => integer
        / int2 int8 => bigint
        + int4 float4 | + float4 float8 | + numeric float4 | + int8 float4 => double precision
        ^ int4 int4 | ^ float4 int4 => double precision ; ~ int2 => smallint
        + bool int4 | + oid int4 | / unknown interval => does not exist
        - timestamp unknown | - timestamptz unknown | - time unknown => interval
        * interval unknown | * unknown interval => interval
        || unknown unknown | || name unknown | || varchar varchar => text
        || bytea unknown => bytea
        + timestamp unknown | + unknown timestamp => timestamp without time zone
        + date unknown | + unknown date | + unknown unknown | - unknown => is not unique
        ",
        outcome,
    );
}

#[test]
fn operators_of_dates_and_times() {
    check(
        r"
        + date int4 | + int4 date => date
        + date interval | + date time | + time date | + interval date => timestamp without time zone
        - date timestamp | - timestamptz timestamp | * interval int4 | * int4 interval => interval
        * numeric interval | / interval int4 => interval
        - timestamptz interval | + interval timestamptz => timestamp with time zone
        + time interval | + interval time => time without time zone
        ",
        outcome,
    );
}

#[test]
fn functions() {
    check(
        r"
        abs int2 => smallint
        abs unknown | sqrt int4 | round int4 | round float4 | round unknown => double precision
        sign int4 | power int4 int4 | power float4 numeric => double precision
        power unknown unknown => double precision
        sqrt numeric | power int4 numeric | mod int8 numeric | log int4 int4 => numeric
        extract text date => numeric
        mod int2 int4 | gcd int2 int4 | length unknown | length varchar => integer
        mod float8 int4 | length int4 | upper bool | repeat unknown int8 => does not exist
        upper unknown | substring unknown int4 | substring unknown unknown => text
        repeat unknown int2 | concat int4 bool unknown | to_char int4 unknown => text
        to_char unknown unknown | to_hex unknown | date_trunc unknown unknown => is not unique
        isfinite unknown => is not unique ; date_trunc unknown date => timestamp with time zone
        isfinite date => boolean ; age unknown unknown => interval
        ",
        outcome,
    );
}

/// Reals are compared in double precision: 16777217 is not 16777216::real.
#[test]
fn sides_of_a_comparison() {
    let common = |left, right| match common_operand_type(left, right) {
        Some(kind) => kind.name(),
        None => "none",
    };
    check(
        r"
        unknown date => date ; unknown unknown => text ; int2 int8 => bigint ; int4 oid => oid
        int4 numeric => numeric ; float4 float8 | numeric float8 => double precision
        int4 float4 | int8 float4 | numeric float4 => double precision
        varchar text | name text | bpchar text => text ; bpchar varchar => character
        date timestamp => timestamp without time zone ; time interval => interval
        date timestamptz | timestamp timestamptz => timestamp with time zone
        int4 bool | int4 text | date int4 => none
        ",
        |line| {
            let (left, right) = line.split_once(' ').unwrap();
            let (left, right) = (kind_of(left), kind_of(right));
            assert_eq!(common(left, right), common(right, left), "{line}");
            common(left, right).to_owned()
        },
    );
}
