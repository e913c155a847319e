//! `numeric`: results and their scales as PostgreSQL 15 gives them, laws of arithmetic, and the
//! text, binary and stored forms.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::{any_numeric, call, check, config, convert, echo, shown, unhex};
use crate::types::Numeric;
use crate::types::io::Style;

fn parse(text: &str) -> Numeric {
    Numeric::parse(text).unwrap()
}

fn is_finite(value: &Numeric) -> bool {
    matches!(value, Numeric::Finite { .. })
}

/// A function or operator, then its arguments. Those after the first are literals of unknown type.
fn eval(words: &str) -> String {
    let (name, args) = words.split_once(' ').unwrap();
    call(&format!("{name} numeric {}", args.replace(' ', ", unknown ")))
}

#[test]
fn arithmetic() {
    check(
        r"
        + 1.5 2.25 => 3.75 ; - 1.0 0.999 => 0.001 ; - 1.5 1.5 => 0.0 ; * 1.50 2.0 => 3.000
        * -1 0.00 => 0.00 ; / 1.0 3 => 0.33333333333333333333 ; / 2 3.0 => 0.66666666666666666667
        / 100.0 3 => 33.3333333333333333 ; / 1.0 7e10 => 0.0000000000142857142857142857
        / 1e20 3 => 33333333333333333333 ; / 0.0001 3 => 0.000033333333333333333333
        / 12345.678 0.0001 => 123456780.000000000000 ; / 0 5.00 => 0.00000000000000000000
        / -10 4.0 => -2.5000000000000000 ; / 9999.0 9999 => 1.00000000000000000000
        / 10000.0 9999 => 1.0001000100010001 ; / 5.0 1e-10 => 50000000000.0000000000
        % 7.5 -2 => 1.5 ; % -7.5 2 => -1.5 ; % 5.5 0.3 => 0.1 ; % 10.0 3.33 => 0.01 ; % 1e20 7 => 2
        div -7.5 2 | round -2.5 => -3 ; div 1e30 7 => 142857142857142857142857142857
        round 2.5 | scale 1.500 => 3 ; round -0.4 | round 12345.6789 -5 | / 5 Infinity => 0
        round 99.995 2 => 100.00 ; round 1.5 4 => 1.5000 ; round 55 -2 => 100
        trunc -2.567 1 => -2.5 ; trunc 1299 -2 => 1200 ; floor -1.5 | floor -2.00 => -2
        ceil -1.5 => -1 ; ceil 0.0001 => 1 ; sqrt 2 => 1.414213562373095
        sqrt 0 => 0.000000000000000 ; sqrt 144.0 => 12.000000000000000
        sqrt 1e21 => 31622776601.68379 ; sqrt 0.00000002 => 0.0001414213562373095
        sqrt 1e-20 => 0.0000000001000000000000000 ; sqrt 99999999.0 => 9999.9999499999999
        sqrt -1 => ~ cannot take square root of a negative number
        / 1.0 0 | % 1.0 0.00 | / Infinity 0 => ~ division by zero
        + NaN 1 | - Infinity Infinity | * Infinity 0 | / NaN 0 => NaN ; / -Infinity -2 => Infinity
        % 5 Infinity => 5
        ",
        eval,
    );
}

#[test]
fn integral_powers() {
    // The scale is 16, or the base's if that is more.
    check(
        r"
        ^ 2 10 => 1024.0000000000000000 ; ^ 2.0 -3 => 0.1250000000000000
        ^ -1.5 -3 => -0.2962962962962963 ; ^ 2.5 3 => 15.6250000000000000
        ^ 1.1 20 => 6.7274999493256001 ; ^ 0.5 10 => 0.0009765625000000
        ^ 10.0 20 => 100000000000000000000.0000000000000000
        ^ 10.0 -20 | ^ 0.0 2 => 0.0000000000000000
        ^ 1.00000000000000000001 2 => 1.00000000000000000002
        ^ 123.456 0 | ^ 0.0 0 => 1.0000000000000000
        ^ 0 -1 => ~ zero raised to a negative power is undefined
        ^ 10 131072 => ~ value overflows numeric format ; ^ -Infinity 3 => -Infinity
        ^ NaN 0 | ^ 1 NaN => 1
        ^ -8 0.5 => ~ a negative number raised to a non-integer power yields a complex result
        ",
        eval,
    );
}

#[test]
fn text() {
    check(
        r"
        ' 12.50 ' => 12.50 ; .5 => 0.5 ; 5. => 5 ; +1.0 => 1.0 ; -0.00 => 0.00 ; -.5e-3 => -0.0005
        1.50e1 => 15.0 ; 1e5 => 100000 ; inf => Infinity ; -INF => -Infinity ; nan => NaN
        1e131072 => ~ value overflows numeric format ; 1e-20000 => ~ value overflows numeric format
        1e | . | '' | --1 | -nan | 1 2 | 1_000 => ~ invalid input syntax
        ",
        |text| echo(&format!("numeric {text}"), &Style::default()),
    );
}

#[test]
fn precision_and_scale() {
    check(
        r"
        999.994 5 2 => 999.99 ; 999.995 5 2 | 1.5 2 2 | Infinity 3 1 => ~ numeric field overflow
        -0.005 3 2 => -0.01 ; 0.5 3 0 => 1 ; 1 3 2 => 1.00 ; NaN 3 1 => NaN
        ",
        |line| {
            let words: Vec<&str> = line.split(' ').collect();
            let [precision, scale] = [1, 2].map(|i| words[i].parse().unwrap());
            let fitted = parse(words[0]).with_typmod(precision, scale);
            shown(fitted.map(|value| value.to_string()))
        },
    );
}

#[test]
fn casts() {
    check(
        r"
        numeric int4 2.5 => 3 ; numeric int4 -2.5 => -3 ; numeric int4 2147483647.4 => 2147483647
        numeric int4 2147483647.5 | float8 int4 1e10 | float8 int4 NaN => ~ integer out of range
        numeric int8 NaN => ~ cannot convert NaN to bigint ; numeric float8 1e30 => 1e+30
        numeric float4 0.1 => 0.1 ; float8 numeric 0 | float4 numeric 0 => 0
        float8 numeric 100 => 100 ; float8 numeric 1e20 => 100000000000000000000
        float8 numeric 1.23456789012345678 => 1.23456789012346 ; float8 numeric 1e-7 => 0.0000001
        float4 numeric 123456.789 => 123457 ; float8 numeric -inf => -Infinity
        float8 int4 2.5 => 2 ; float8 int4 3.5 => 4 ; int8 int2 32768 => ~ smallint out of range
        float8 float4 1e39 => ~ value out of range: overflow
        ",
        convert,
    );
    // Too many digits to quote the message.
    assert!(convert("numeric float8 1e400").ends_with("type double precision"));
    assert!(convert("numeric float8 1e-400").ends_with("type double precision"));
}

#[test]
fn other_numbers() {
    check(
        r"
        + int2 32767, int2 1 | / int2 -32768, int2 -1 => ~ smallint out of range
        - int4 -2147483648, int4 1 | gcd int4 -2147483648, int4 0 => ~ integer out of range
        lcm int4 2147483647, int4 2 => ~ integer out of range
        * int8 9223372036854775807, int8 2 => ~ bigint out of range ; / int4 -7, int4 2 => -3
        % int4 -7, int4 2 => -1 ; % int4 -2147483648, int4 -1 => 0
        / int4 5, int4 0 | % int4 5, int4 0 | / float8 1, float8 0 => ~ division by zero
        << int4 1, int4 33 => 2 ; >> int4 -8, int4 1 => -4
        * float8 1e308, float8 10 => ~ value out of range: overflow
        * float8 1e-308, float8 1e-308 => ~ value out of range: underflow
        / float8 NaN, float8 0 | - float8 inf, float8 inf => NaN
        / float4 1, float4 3 => 0.33333334
        ^ float8 0, float8 -1 => ~ zero raised to a negative power is undefined
        ^ float8 NaN, float8 0 => 1
        round float8 2.5 => 2 ; round float8 -2.5 => -2
        exp float8 1000 => ~ value out of range: overflow
        exp float8 -1000 => ~ value out of range: underflow
        ln float8 0 => ~ cannot take logarithm of zero
        sqrt float8 -1 => ~ cannot take square root of a negative number
        ",
        call,
    );
}

#[test]
fn binary_input() {
    // Digits beyond the scale are cut, zeros that lead are ignored.
    let read = |bytes: &str| Numeric::from_binary(&unhex(bytes)).map(|value| value.to_string());
    assert_eq!(read("0001ffff000000020505").as_deref(), Some("0.12"));
    assert_eq!(read("0002000000000001000104d2").as_deref(), Some("1.1"));
    assert_eq!(read("000200010000000000000001").as_deref(), Some("1"));
    // In turn: no digits, a digit of 10000, an unknown sign, too large a scale, cut short.
    let malformed =
        "0001000000000000 00010000000000002710 0000000012340000 00010000000040000001 00";
    for bytes in malformed.split(' ') {
        assert_eq!(read(bytes), None, "{bytes}");
    }
}

#[test]
fn the_largest_numbers_are_stored_unchanged() {
    for text in ["1e40000", "-1e70000", "9.99e131071", "1e-16383", "-123e-16383"] {
        let value = parse(text).checked().unwrap();
        // Not assert_eq, which would print all the digits.
        assert!(Numeric::decode(&value.encode()).unwrap() == value, "{text}");
    }
    let order = parse("1e100000").encode().cmp(&parse("1e99999").encode());
    assert_eq!(order, Ordering::Greater);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_form_comes_back(value in any_numeric()) {
        prop_assert_eq!(&parse(&value.to_string()), &value);
        prop_assert_eq!(&Numeric::decode(&value.encode()).unwrap(), &value);
        let mut binary = Vec::new();
        value.to_binary(&mut binary);
        prop_assert_eq!(Numeric::from_binary(&binary), Some(value));
    }

    #[test]
    fn binary_input_does_not_panic(
        digits in prop::collection::vec(prop_oneof![8 => 0..10_000u16, 1 => any::<u16>()], 0..6),
        weight in prop_oneof![8 => -6..6i16, 1 => any::<i16>()],
        sign in prop::sample::select(vec![0u16, 0x4000, 0xc000, 0xd000, 0xf000, 1]),
        scale in prop_oneof![8 => 0..40u16, 1 => any::<u16>()],
    ) {
        let head = [digits.len() as u16, weight as u16, sign, scale];
        let words = head.iter().chain(&digits);
        let bytes: Vec<u8> = words.flat_map(|word| word.to_be_bytes()).collect();
        let valid = sign != 1 && scale <= 16_383 && digits.iter().all(|digit| *digit < 10_000);
        match Numeric::from_binary(&bytes) {
            None => prop_assert!(!valid),
            Some(value) => {
                let mut again = Vec::new();
                value.to_binary(&mut again);
                prop_assert!(Numeric::from_binary(&again) == Some(value));
            }
        }
    }

    #[test]
    fn laws(a in any_numeric(), b in any_numeric()) {
        prop_assume!(is_finite(&a) && is_finite(&b));
        let equal = |x: &Numeric, y: &Numeric| x.compare(y) == Ordering::Equal;
        prop_assert!(equal(&a.add(&b).sub(&b), &a));
        prop_assert_eq!(a.add(&b).scale(), a.scale().max(b.scale()));
        prop_assert_eq!(a.mul(&b), b.mul(&a));
        prop_assert_eq!(a.mul(&b).scale(), a.scale() + b.scale());
        prop_assert!(equal(&a.ceil(), &a.neg().floor().neg()));
        prop_assert!(a.floor().compare(&a).is_le() && a.ceil().compare(&a).is_ge());
        prop_assume!(b.signum() != 0);
        let (whole, rest) = (a.div_trunc(&b).unwrap(), a.rem(&b).unwrap());
        prop_assert!(equal(&whole.mul(&b).add(&rest), &a));
        prop_assert!(rest.abs().compare(&b.abs()).is_lt());
        prop_assert!(rest.signum() == 0 || rest.signum() == a.signum());
        // The quotient errs by half a unit of its last digit at most.
        let quotient = a.div(&b).unwrap();
        let error = quotient.mul(&b).sub(&a).abs();
        let bound = b.abs().mul(&Numeric::new(5, quotient.scale() + 1));
        prop_assert!(error.compare(&bound).is_le());
    }

    #[test]
    fn rounding(value in any_numeric(), digits in -6..20i64) {
        prop_assume!(is_finite(&value));
        let (round, trunc) = (value.round(digits), value.trunc(digits));
        prop_assert_eq!(i64::from(round.scale()), digits.max(0));
        let unit = parse(&format!("1e{}", -digits));
        let error = round.sub(&value).abs().mul(&Numeric::from_i64(2));
        prop_assert!(error.compare(&unit).is_le());
        prop_assert!(trunc.abs().compare(&value.abs()).is_le());
        prop_assert!(value.sub(&trunc).abs().compare(&unit).is_lt());
    }
}
