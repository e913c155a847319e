//! Numbers: operators and mathematical functions, with PostgreSQL's overflow rules.

use super::{Function, arg, pure};
use crate::error::{Error, Result, SqlState};
use crate::types::Type::{Bool, Float4, Float8, Int2, Int4, Int8, Numeric as NumericType};
use crate::types::{Datum, Numeric, Type};

fn range_error(kind: Type) -> Error {
    let name = kind.name();
    Error::new(SqlState::NumericValueOutOfRange, format!("{name} out of range"))
}

fn division_by_zero() -> Error {
    Error::new(SqlState::DivisionByZero, "division by zero")
}

macro_rules! integers {
    ($all:ident, $kind:ident, $shape:ident, $rust:ty, $args1:expr, $args2:expr) => {{
        fn get(args: &[Datum], i: usize) -> Result<$rust> {
            match arg(args, i) {
                Datum::$shape(v) => Ok(*v),
                other => Err(Error::internal(format!("expected an integer, found {other:?}"))),
            }
        }
        fn wrap(value: Option<$rust>) -> Result<Datum> {
            value.map(Datum::$shape).ok_or_else(|| range_error($kind))
        }
        fn quotient(a: $rust, b: $rust) -> Result<Datum> {
            if b == 0 { Err(division_by_zero()) } else { wrap(a.checked_div(b)) }
        }
        fn remainder(a: $rust, b: $rust) -> Result<Datum> {
            if b == 0 { Err(division_by_zero()) } else { Ok(Datum::$shape(a.wrapping_rem(b))) }
        }
        fn gcd(a: $rust, b: $rust) -> Result<$rust> {
            let (mut a, mut b) = (a, b);
            while b != 0 {
                (a, b) = (b, a.wrapping_rem(b));
            }
            a.checked_abs().ok_or_else(|| range_error($kind))
        }
        const ONE: &[Type] = $args1;
        const TWO: &[Type] = $args2;
        $all.extend([
            pure("+", TWO, $kind, |a| wrap(get(a, 0)?.checked_add(get(a, 1)?))),
            pure("-", TWO, $kind, |a| wrap(get(a, 0)?.checked_sub(get(a, 1)?))),
            pure("*", TWO, $kind, |a| wrap(get(a, 0)?.checked_mul(get(a, 1)?))),
            pure("/", TWO, $kind, |a| quotient(get(a, 0)?, get(a, 1)?)),
            pure("%", TWO, $kind, |a| remainder(get(a, 0)?, get(a, 1)?)),
            pure("mod", TWO, $kind, |a| remainder(get(a, 0)?, get(a, 1)?)),
            pure("&", TWO, $kind, |a| Ok(Datum::$shape(get(a, 0)? & get(a, 1)?))),
            pure("|", TWO, $kind, |a| Ok(Datum::$shape(get(a, 0)? | get(a, 1)?))),
            pure("#", TWO, $kind, |a| Ok(Datum::$shape(get(a, 0)? ^ get(a, 1)?))),
            pure("~", ONE, $kind, |a| Ok(Datum::$shape(!get(a, 0)?))),
            pure("-", ONE, $kind, |a| wrap(get(a, 0)?.checked_neg())),
            pure("+", ONE, $kind, |a| Ok(Datum::$shape(get(a, 0)?))),
            pure("abs", ONE, $kind, |a| wrap(get(a, 0)?.checked_abs())),
            pure("gcd", TWO, $kind, |a| Ok(Datum::$shape(gcd(get(a, 0)?, get(a, 1)?)?))),
            pure("lcm", TWO, $kind, |a| {
                let (x, y) = (get(a, 0)?, get(a, 1)?);
                if x == 0 || y == 0 {
                    return Ok(Datum::$shape(0));
                }
                wrap((x / gcd(x, y)?).checked_mul(y).and_then(|v| v.checked_abs()))
            }),
        ]);
    }};
}

macro_rules! shifts {
    ($all:ident, $kind:ident, $shape:ident) => {
        $all.extend([
            pure("<<", &[$kind, Int4], $kind, |a| match arg(a, 0) {
                Datum::$shape(v) => Ok(Datum::$shape(v.wrapping_shl(arg(a, 1).as_i32()? as u32))),
                _ => Ok(Datum::Null),
            }),
            pure(">>", &[$kind, Int4], $kind, |a| match arg(a, 0) {
                Datum::$shape(v) => Ok(Datum::$shape(v.wrapping_shr(arg(a, 1).as_i32()? as u32))),
                _ => Ok(Datum::Null),
            }),
        ]);
    };
}

macro_rules! floats {
    ($all:ident, $kind:ident, $shape:ident, $rust:ty) => {{
        fn get(args: &[Datum], i: usize) -> Result<$rust> {
            Ok(arg(args, i).as_f64()? as $rust)
        }
        /// An infinite result of finite operands is an overflow, a zero of non-zeros an underflow.
        fn checked(value: $rust, overflows: bool, underflows: bool) -> Result<Datum> {
            let error = |text| Err(Error::new(SqlState::NumericValueOutOfRange, text));
            if value.is_infinite() && overflows {
                return error("value out of range: overflow");
            }
            if value == 0.0 && underflows {
                return error("value out of range: underflow");
            }
            Ok(Datum::$shape(value))
        }
        fn finite(a: $rust, b: $rust) -> bool {
            a.is_finite() && b.is_finite()
        }
        const ONE: &[Type] = &[$kind];
        const TWO: &[Type] = &[$kind, $kind];
        $all.extend([
            pure("+", TWO, $kind, |a| {
                let (x, y) = (get(a, 0)?, get(a, 1)?);
                checked(x + y, finite(x, y), false)
            }),
            pure("-", TWO, $kind, |a| {
                let (x, y) = (get(a, 0)?, get(a, 1)?);
                checked(x - y, finite(x, y), false)
            }),
            pure("*", TWO, $kind, |a| {
                let (x, y) = (get(a, 0)?, get(a, 1)?);
                checked(x * y, finite(x, y), x != 0.0 && y != 0.0)
            }),
            pure("/", TWO, $kind, |a| {
                let (x, y) = (get(a, 0)?, get(a, 1)?);
                if y == 0.0 && !x.is_nan() {
                    return Err(division_by_zero());
                }
                checked(x / y, finite(x, y), x != 0.0 && y.is_finite())
            }),
            pure("-", ONE, $kind, |a| Ok(Datum::$shape(-get(a, 0)?))),
            pure("+", ONE, $kind, |a| Ok(Datum::$shape(get(a, 0)?))),
            pure("abs", ONE, $kind, |a| Ok(Datum::$shape(get(a, 0)?.abs()))),
        ]);
    }};
}

fn num(args: &[Datum], i: usize) -> Result<Numeric> {
    Numeric::decode(arg(args, i).as_bytes()?)
}

fn float(args: &[Datum], i: usize) -> Result<f64> {
    arg(args, i).as_f64()
}

fn numeric(value: Numeric) -> Result<Datum> {
    Ok(Datum::Bytes(value.checked()?.encode()))
}

fn float_power(x: f64, y: f64) -> Result<Datum> {
    let bad = |text| Err(Error::new(SqlState::InvalidArgumentForPowerFunction, text));
    if x == 0.0 && y < 0.0 {
        return bad("zero raised to a negative power is undefined");
    }
    if x < 0.0 && x.is_finite() && y.is_finite() && y.floor() != y {
        return bad("a negative number raised to a non-integer power yields a complex result");
    }
    let result = x.powf(y);
    if result.is_infinite() && x.is_finite() && y.is_finite() {
        let text = "value out of range: overflow";
        return Err(Error::new(SqlState::NumericValueOutOfRange, text));
    }
    Ok(Datum::Float64(result))
}

fn logarithm(x: f64, log: fn(f64) -> f64) -> Result<Datum> {
    let bad = |text| Err(Error::new(SqlState::InvalidArgumentForLogarithm, text));
    match x {
        0.0 => bad("cannot take logarithm of zero"),
        x if x < 0.0 => bad("cannot take logarithm of a negative number"),
        x => Ok(Datum::Float64(log(x))),
    }
}

/// Logarithms and exponentials of `numeric`, computed in float8: sixteen significant digits.
fn numeric_via_float(value: f64) -> Result<Datum> {
    let magnitude = if value == 0.0 { 0 } else { value.abs().log10().floor() as i64 };
    let digits = (16 - magnitude - 1 + i64::from(magnitude < 0)).clamp(0, 1000);
    numeric(Numeric::from_f64(value, 17).round(digits.max(if magnitude >= 0 {
        16 - magnitude - 1
    } else {
        16
    })))
}

pub(super) fn register(all: &mut Vec<Function>) {
    integers!(all, Int2, Int16, i16, &[Int2], &[Int2, Int2]);
    integers!(all, Int4, Int32, i32, &[Int4], &[Int4, Int4]);
    integers!(all, Int8, Int64, i64, &[Int8], &[Int8, Int8]);
    shifts!(all, Int2, Int16);
    shifts!(all, Int4, Int32);
    shifts!(all, Int8, Int64);
    floats!(all, Float4, Float32, f32);
    floats!(all, Float8, Float64, f64);
    // Mixed operands are computed in float8.
    for name in ["+", "-", "*", "/"] {
        let wide = all.iter().find(|f| f.name == name && f.args == [Float8, Float8]);
        if let Some(kernel) = wide.map(|f| f.kernel) {
            all.push(pure(name, &[Float4, Float8], Float8, kernel));
            all.push(pure(name, &[Float8, Float4], Float8, kernel));
        }
    }
    const N1: &[Type] = &[NumericType];
    const N2: &[Type] = &[NumericType, NumericType];
    const F1: &[Type] = &[Float8];
    const F2: &[Type] = &[Float8, Float8];
    all.extend([
        pure("+", N2, NumericType, |a| numeric(num(a, 0)?.add(&num(a, 1)?))),
        pure("-", N2, NumericType, |a| numeric(num(a, 0)?.sub(&num(a, 1)?))),
        pure("*", N2, NumericType, |a| numeric(num(a, 0)?.mul(&num(a, 1)?))),
        pure("/", N2, NumericType, |a| numeric(num(a, 0)?.div(&num(a, 1)?)?)),
        pure("%", N2, NumericType, |a| numeric(num(a, 0)?.rem(&num(a, 1)?)?)),
        pure("mod", N2, NumericType, |a| numeric(num(a, 0)?.rem(&num(a, 1)?)?)),
        pure("div", N2, NumericType, |a| numeric(num(a, 0)?.div_trunc(&num(a, 1)?)?)),
        pure("^", N2, NumericType, |a| numeric(num(a, 0)?.power(&num(a, 1)?)?)),
        pure("power", N2, NumericType, |a| numeric(num(a, 0)?.power(&num(a, 1)?)?)),
        pure("pow", N2, NumericType, |a| numeric(num(a, 0)?.power(&num(a, 1)?)?)),
        pure("-", N1, NumericType, |a| numeric(num(a, 0)?.neg())),
        pure("+", N1, NumericType, |a| numeric(num(a, 0)?)),
        pure("abs", N1, NumericType, |a| numeric(num(a, 0)?.abs())),
        pure("sign", N1, NumericType, |a| match num(a, 0)? {
            Numeric::NaN => numeric(Numeric::NaN),
            value => numeric(Numeric::from_i64(i64::from(value.signum()))),
        }),
        pure("round", N1, NumericType, |a| numeric(num(a, 0)?.round(0))),
        pure("round", &[NumericType, Int4], NumericType, |a| {
            numeric(num(a, 0)?.round(i64::from(arg(a, 1).as_i32()?)))
        }),
        pure("trunc", N1, NumericType, |a| numeric(num(a, 0)?.trunc(0))),
        pure("trunc", &[NumericType, Int4], NumericType, |a| {
            numeric(num(a, 0)?.trunc(i64::from(arg(a, 1).as_i32()?)))
        }),
        pure("ceil", N1, NumericType, |a| numeric(num(a, 0)?.ceil())),
        pure("ceiling", N1, NumericType, |a| numeric(num(a, 0)?.ceil())),
        pure("floor", N1, NumericType, |a| numeric(num(a, 0)?.floor())),
        pure("sqrt", N1, NumericType, |a| numeric(num(a, 0)?.sqrt()?)),
        pure("scale", N1, Int4, |a| Ok(Datum::Int32(num(a, 0)?.scale() as i32))),
        pure("exp", N1, NumericType, |a| numeric_via_float(num(a, 0)?.to_f64().exp())),
        pure("ln", N1, NumericType, |a| {
            numeric_via_float(logarithm(num(a, 0)?.to_f64(), f64::ln)?.as_f64()?)
        }),
        pure("log", N1, NumericType, |a| {
            numeric_via_float(logarithm(num(a, 0)?.to_f64(), f64::log10)?.as_f64()?)
        }),
        pure("log", N2, NumericType, |a| {
            let base = logarithm(num(a, 0)?.to_f64(), f64::ln)?.as_f64()?;
            let value = logarithm(num(a, 1)?.to_f64(), f64::ln)?.as_f64()?;
            numeric_via_float(value / base)
        }),
        pure("^", F2, Float8, |a| float_power(float(a, 0)?, float(a, 1)?)),
        pure("power", F2, Float8, |a| float_power(float(a, 0)?, float(a, 1)?)),
        pure("pow", F2, Float8, |a| float_power(float(a, 0)?, float(a, 1)?)),
        pure("sign", F1, Float8, |a| {
            let x = float(a, 0)?;
            Ok(Datum::Float64(if x > 0.0 {
                1.0
            } else if x < 0.0 {
                -1.0
            } else {
                0.0
            }))
        }),
        pure("round", F1, Float8, |a| Ok(Datum::Float64(float(a, 0)?.round_ties_even()))),
        pure("trunc", F1, Float8, |a| Ok(Datum::Float64(float(a, 0)?.trunc()))),
        pure("ceil", F1, Float8, |a| Ok(Datum::Float64(float(a, 0)?.ceil()))),
        pure("ceiling", F1, Float8, |a| Ok(Datum::Float64(float(a, 0)?.ceil()))),
        pure("floor", F1, Float8, |a| Ok(Datum::Float64(float(a, 0)?.floor()))),
        pure("sqrt", F1, Float8, |a| {
            let x = float(a, 0)?;
            if x < 0.0 {
                return Err(Error::new(
                    SqlState::InvalidArgumentForPowerFunction,
                    "cannot take square root of a negative number",
                ));
            }
            Ok(Datum::Float64(x.sqrt()))
        }),
        pure("|/", F1, Float8, |a| Ok(Datum::Float64(float(a, 0)?.sqrt()))),
        pure("||/", F1, Float8, |a| Ok(Datum::Float64(float(a, 0)?.cbrt()))),
        pure("cbrt", F1, Float8, |a| Ok(Datum::Float64(float(a, 0)?.cbrt()))),
        pure("exp", F1, Float8, |a| {
            let (x, result) = (float(a, 0)?, float(a, 0)?.exp());
            let overflow = result.is_infinite() && x.is_finite();
            if overflow || result == 0.0 && x.is_finite() {
                let word = if overflow { "overflow" } else { "underflow" };
                let message = format!("value out of range: {word}");
                return Err(Error::new(SqlState::NumericValueOutOfRange, message));
            }
            Ok(Datum::Float64(result))
        }),
        pure("ln", F1, Float8, |a| logarithm(float(a, 0)?, f64::ln)),
        pure("log", F1, Float8, |a| logarithm(float(a, 0)?, f64::log10)),
        pure("log10", F1, Float8, |a| logarithm(float(a, 0)?, f64::log10)),
        pure("sin", F1, Float8, |a| Ok(Datum::Float64(float(a, 0)?.sin()))),
        pure("cos", F1, Float8, |a| Ok(Datum::Float64(float(a, 0)?.cos()))),
        pure("tan", F1, Float8, |a| Ok(Datum::Float64(float(a, 0)?.tan()))),
        pure("atan", F1, Float8, |a| Ok(Datum::Float64(float(a, 0)?.atan()))),
        pure("atan2", F2, Float8, |a| Ok(Datum::Float64(float(a, 0)?.atan2(float(a, 1)?)))),
        pure("degrees", F1, Float8, |a| Ok(Datum::Float64(float(a, 0)?.to_degrees()))),
        pure("radians", F1, Float8, |a| Ok(Datum::Float64(float(a, 0)?.to_radians()))),
        pure("pi", &[], Float8, |_| Ok(Datum::Float64(std::f64::consts::PI))),
        pure("isfinite", F1, Bool, |a| Ok(Datum::Bool(float(a, 0)?.is_finite()))),
        Function {
            volatile: true,
            ..pure("random", &[], Float8, |_| Ok(Datum::Float64(rand::random::<f64>())))
        },
    ]);
}
