//! Exact decimal numbers of any precision, with PostgreSQL's display scale, NaN and infinities.
//!
//! A finite value is `coefficient * 10^-scale`, where `scale` is also the number of fractional
//! digits shown: `1.0` and `1.00` are equal but print differently. The encoded form
//! keeps that and sorts bytewise by value:
//!
//! ```text
//! sign/class byte | exponent, 2 bytes | digit pairs + 1, then 0 | display scale, 2 bytes
//! ```
//!
//! For negative numbers exponent and digits are complemented. Without its last two bytes
//! the encoding is canonical: equal values have equal bytes. Scales of results follow
//! PostgreSQL's `numeric.c` (`select_div_scale`, `numeric_power`, `numeric_sqrt`).

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

use crate::error::{Error, Result, SqlState};

/// Most digits before the decimal point, as PostgreSQL's limit.
const MAX_INTEGER_DIGITS: usize = 131_072;
/// Most digits after it.
const MAX_SCALE: u32 = 16_383;
/// Most pairs of digits on either side of the point.
const MAX_PAIRS: i64 = (MAX_INTEGER_DIGITS as i64 + 2) / 2;
const MIN_SIGNIFICANT_DIGITS: i64 = 16;
const MAX_RESULT_SCALE: i64 = 1000;
/// Digits a base-10000 digit of PostgreSQL's holds.
const DEC_DIGITS: i64 = 4;

const NEGATIVE_INFINITY: u8 = 0x10;
const NEGATIVE: u8 = 0x40;
const ZERO: u8 = 0x80;
const POSITIVE: u8 = 0xc0;
const INFINITY: u8 = 0xf0;
const NAN: u8 = 0xf8;
/// In pairs of digits: 65,536 before the point and 8,192 behind it fit three bytes.
const EXPONENT_BIAS: i64 = 0x80_0000;

/// A `numeric` value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Numeric {
    /// Not a number; equal to itself and greater than everything else.
    NaN,
    /// Greater than every finite value.
    Infinity,
    /// Less than every finite value.
    NegativeInfinity,
    /// `coefficient * 10^-scale`.
    Finite {
        /// All digits, as one integer.
        coefficient: BigInt,
        /// Digits after the decimal point.
        scale: u32,
    },
}

use Numeric::{Finite, Infinity, NaN, NegativeInfinity};

fn ten_to(power: u32) -> BigInt {
    BigInt::from(10).pow(power)
}

pub(super) fn overflow() -> Error {
    Error::new(SqlState::NumericValueOutOfRange, "value overflows numeric format")
}

/// `a / b`, rounded half away from zero.
fn div_round(a: &BigInt, b: &BigInt) -> BigInt {
    let quotient = a / b;
    let remainder = a - &quotient * b;
    if remainder.magnitude() * 2u32 >= *b.magnitude() {
        match a.sign() == b.sign() {
            true => quotient + 1,
            false => quotient - 1,
        }
    } else {
        quotient
    }
}

fn is_zero(value: &BigInt) -> bool {
    value.sign() == Sign::NoSign
}

impl Numeric {
    /// `coefficient * 10^-scale`.
    pub fn new(coefficient: impl Into<BigInt>, scale: u32) -> Numeric {
        Finite { coefficient: coefficient.into(), scale }
    }

    /// An integer.
    pub fn from_i64(value: i64) -> Numeric {
        Numeric::new(value, 0)
    }

    /// As PostgreSQL casts from float8: 15 significant digits.
    pub fn from_f64(value: f64, significant_digits: usize) -> Numeric {
        if value.is_nan() {
            return NaN;
        }
        if value.is_infinite() {
            return if value > 0.0 { Infinity } else { NegativeInfinity };
        }
        let text = format!("{value:.*e}", significant_digits - 1);
        match Numeric::parse(&text) {
            Some(Finite { coefficient, scale }) => trim_zeros(coefficient, scale),
            other => other.unwrap_or(NaN),
        }
    }

    /// The nearest float8.
    pub fn to_f64(&self) -> f64 {
        match self {
            NaN => f64::NAN,
            Infinity => f64::INFINITY,
            NegativeInfinity => f64::NEG_INFINITY,
            finite => finite.to_string().parse().unwrap_or(f64::NAN),
        }
    }

    /// Rounded to an integer, if it is finite and fits.
    pub fn to_i64(&self) -> Option<i64> {
        match self.round(0) {
            Finite { coefficient, .. } => i64::try_from(coefficient).ok(),
            _ => None,
        }
    }

    /// Parses PostgreSQL's input syntax (white space already trimmed); `None` if malformed.
    pub fn parse(text: &str) -> Option<Numeric> {
        match text.to_ascii_lowercase().as_str() {
            "nan" => return Some(NaN),
            "infinity" | "inf" | "+infinity" | "+inf" => return Some(Infinity),
            "-infinity" | "-inf" => return Some(NegativeInfinity),
            _ => {}
        }
        let (negative, body) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match body.find(['e', 'E']) {
            Some(at) => (body.get(..at)?, body.get(at + 1..)?.parse::<i64>().ok()?),
            None => (body, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return None;
        }
        let mut coefficient: BigInt = format!("0{whole}{fraction}").parse().ok()?;
        let mut scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        if scale < 0 {
            coefficient *= ten_to(u32::try_from(-scale).ok().filter(|n| *n < 200_000)?);
            scale = 0;
        }
        if negative {
            coefficient = -coefficient;
        }
        Some(Numeric::new(coefficient, u32::try_from(scale).ok().filter(|n| *n < 200_000)?))
    }

    /// Whether a text that [`Numeric::parse`] does not take is a number all the same.
    pub fn is_huge(text: &str) -> bool {
        let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
        let digits = exponent.trim_start_matches(['+', '-']);
        let digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        digits && Numeric::parse(mantissa).is_some()
    }

    /// As [`Numeric::checked`]; but what was written with more digits than fit is an error.
    pub fn checked_input(self) -> Result<Numeric> {
        match &self {
            Finite { scale, .. } if *scale > MAX_SCALE => Err(overflow()),
            _ => self.checked(),
        }
    }

    /// Checks the format's limits.
    pub fn checked(self) -> Result<Numeric> {
        match self {
            Finite { coefficient, scale } => {
                let digits = coefficient.magnitude().bits() as usize * 30103 / 100_000 + 1;
                // The estimate may be one too high.
                let most = MAX_INTEGER_DIGITS + scale as usize;
                if digits > most && coefficient.magnitude() >= ten_to(most as u32).magnitude() {
                    return Err(overflow());
                }
                let value = Finite { coefficient, scale };
                Ok(if scale > MAX_SCALE { value.round(i64::from(MAX_SCALE)) } else { value })
            }
            other => Ok(other),
        }
    }

    /// Fits the value into `numeric(precision, scale)`.
    pub fn with_typmod(&self, precision: u32, scale: u32) -> Result<Numeric> {
        let rounded = match self {
            Finite { .. } => self.round(i64::from(scale)),
            NaN => return Ok(NaN),
            _ => {
                return Err(field_overflow().detail(format!(
                    "A field with precision {precision}, scale {scale} cannot hold an infinite value."
                )));
            }
        };
        if let Finite { coefficient, .. } = &rounded
            && *coefficient.magnitude() >= *ten_to(precision).magnitude()
        {
            let power = i64::from(precision) - i64::from(scale);
            let bound = if power == 0 { "1".to_owned() } else { format!("10^{power}") };
            return Err(field_overflow().detail(format!(
                "A field with precision {precision}, scale {scale} must round to an absolute value less than {bound}."
            )));
        }
        Ok(rounded)
    }

    /// Rounded half away from zero to `digits` fractional digits, which may be negative.
    pub fn round(&self, digits: i64) -> Numeric {
        self.rescale(digits, div_round)
    }

    /// Cut to `digits` fractional digits.
    pub fn trunc(&self, digits: i64) -> Numeric {
        self.rescale(digits, |a, b| a / b)
    }

    fn rescale(&self, digits: i64, divide: impl Fn(&BigInt, &BigInt) -> BigInt) -> Numeric {
        let Finite { coefficient, scale } = self else { return self.clone() };
        let digits = digits.clamp(-(MAX_INTEGER_DIGITS as i64), i64::from(MAX_SCALE));
        let drop = i64::from(*scale) - digits;
        if drop <= 0 {
            return Numeric::new(coefficient * ten_to((-drop) as u32), digits as u32);
        }
        let cut = divide(coefficient, &ten_to(drop as u32));
        if digits < 0 {
            return Numeric::new(cut * ten_to((-digits) as u32), 0);
        }
        Numeric::new(cut, digits as u32)
    }

    /// The largest integer not above.
    pub fn floor(&self) -> Numeric {
        let down = self.trunc(0);
        match down.compare(self) {
            Ordering::Greater => down.sub(&Numeric::from_i64(1)),
            _ => down,
        }
    }

    /// The smallest integer not below.
    pub fn ceil(&self) -> Numeric {
        self.neg().floor().neg()
    }

    /// `-self`.
    pub fn neg(&self) -> Numeric {
        match self {
            NaN => NaN,
            Infinity => NegativeInfinity,
            NegativeInfinity => Infinity,
            Finite { coefficient, scale } => Numeric::new(-coefficient, *scale),
        }
    }

    /// `|self|`.
    pub fn abs(&self) -> Numeric {
        if self.signum() < 0 { self.neg() } else { self.clone() }
    }

    /// -1, 0 or 1; 1 for NaN.
    pub fn signum(&self) -> i32 {
        match self {
            NaN | Infinity => 1,
            NegativeInfinity => -1,
            Finite { coefficient, .. } => match coefficient.sign() {
                Sign::Minus => -1,
                Sign::NoSign => 0,
                Sign::Plus => 1,
            },
        }
    }

    /// `self + other`.
    pub fn add(&self, other: &Numeric) -> Numeric {
        match (self, other) {
            (Finite { coefficient: a, scale: s }, Finite { coefficient: b, scale: t }) => {
                match s.cmp(t) {
                    Ordering::Equal => Numeric::new(a + b, *s),
                    Ordering::Less => Numeric::new(a * ten_to(t - s) + b, *t),
                    Ordering::Greater => Numeric::new(a + b * ten_to(s - t), *s),
                }
            }
            (NaN, _) | (_, NaN) => NaN,
            (Infinity, NegativeInfinity) | (NegativeInfinity, Infinity) => NaN,
            (Finite { .. }, special) | (special, _) => special.clone(),
        }
    }

    /// `self - other`.
    pub fn sub(&self, other: &Numeric) -> Numeric {
        self.add(&other.neg())
    }

    /// `self * other`.
    pub fn mul(&self, other: &Numeric) -> Numeric {
        match (self, other) {
            (Finite { coefficient: a, scale: s }, Finite { coefficient: b, scale: t }) => {
                Numeric::new(a * b, s + t)
            }
            (NaN, _) | (_, NaN) => NaN,
            _ => match self.signum() * other.signum() {
                1 => Infinity,
                -1 => NegativeInfinity,
                _ => NaN,
            },
        }
    }

    /// `self / other`, to the scale that PostgreSQL chooses.
    pub fn div(&self, other: &Numeric) -> Result<Numeric> {
        if let Some(result) = self.div_special(other)? {
            return Ok(result);
        }
        let scale = self.div_scale(other);
        Ok(self.div_to_scale(other, scale))
    }

    fn div_special(&self, other: &Numeric) -> Result<Option<Numeric>> {
        Ok(match (self, other) {
            (NaN, _) | (_, NaN) => Some(NaN),
            (_, Finite { coefficient, .. }) if is_zero(coefficient) => {
                return Err(Error::new(SqlState::DivisionByZero, "division by zero"));
            }
            (Finite { .. }, Finite { .. }) => None,
            (Finite { .. }, _) => Some(Numeric::from_i64(0)),
            (_, Finite { .. }) if self.signum() * other.signum() > 0 => Some(Infinity),
            (_, Finite { .. }) => Some(NegativeInfinity),
            _ => Some(NaN),
        })
    }

    fn div_to_scale(&self, other: &Numeric, scale: u32) -> Numeric {
        let (Finite { coefficient: a, scale: s }, Finite { coefficient: b, scale: t }) =
            (self, other)
        else {
            return NaN;
        };
        let shift = i64::from(scale) + i64::from(*t) - i64::from(*s);
        let (mut a, mut b) = (a.clone(), b.clone());
        if shift >= 0 {
            a *= ten_to(shift as u32);
        } else {
            b *= ten_to((-shift) as u32);
        }
        Numeric::new(div_round(&a, &b), scale)
    }

    /// Weight and value of the first base-10000 digit, as `numeric.c` has them.
    fn leading_digit(&self) -> (i64, i64) {
        let Finite { coefficient, scale } = self else { return (0, 0) };
        let digits = coefficient.magnitude().to_string();
        if digits == "0" {
            return (0, 0);
        }
        let point = digits.len() as i64 - i64::from(*scale);
        let weight = (point - 1).div_euclid(DEC_DIGITS);
        let take = (point - weight * DEC_DIGITS) as usize;
        let head: String = digits.chars().chain(std::iter::repeat('0')).take(take).collect();
        (weight, head.parse().unwrap_or(0))
    }

    fn div_scale(&self, other: &Numeric) -> u32 {
        let (weight1, first1) = self.leading_digit();
        let (weight2, first2) = other.leading_digit();
        let mut weight = weight1 - weight2;
        if first1 <= first2 {
            weight -= 1;
        }
        let scale = MIN_SIGNIFICANT_DIGITS - weight * DEC_DIGITS;
        let scale = scale.max(i64::from(self.scale())).max(i64::from(other.scale()));
        scale.clamp(0, MAX_RESULT_SCALE) as u32
    }

    /// Fractional digits shown.
    pub fn scale(&self) -> u32 {
        match self {
            Finite { scale, .. } => *scale,
            _ => 0,
        }
    }

    /// The remainder of truncating division.
    pub fn rem(&self, other: &Numeric) -> Result<Numeric> {
        match (self, other) {
            (NaN, _) | (_, NaN) => Ok(NaN),
            (_, Finite { coefficient, .. }) if is_zero(coefficient) => {
                Err(Error::new(SqlState::DivisionByZero, "division by zero"))
            }
            (Finite { coefficient: a, scale: s }, Finite { coefficient: b, scale: t }) => {
                let scale = (*s).max(*t);
                let a = a * ten_to(scale - s);
                let b = b * ten_to(scale - t);
                Ok(Numeric::new(a % b, scale))
            }
            (Finite { .. }, _) => Ok(self.clone()),
            _ => Ok(NaN),
        }
    }

    /// `div(a, b)`: the quotient cut to an integer.
    pub fn div_trunc(&self, other: &Numeric) -> Result<Numeric> {
        if let Some(result) = self.div_special(other)? {
            return Ok(result);
        }
        let quotient = self.sub(&self.rem(other)?);
        Ok(quotient.div_to_scale(other, 0))
    }

    /// The square root.
    pub fn sqrt(&self) -> Result<Numeric> {
        let (weight, _) = self.leading_digit();
        let root_weight = (weight + 1) * DEC_DIGITS / 2 - 1;
        let digits = (MIN_SIGNIFICANT_DIGITS - root_weight).max(i64::from(self.scale()));
        self.sqrt_to(digits.clamp(0, MAX_RESULT_SCALE) as u32)
    }

    /// The same with so many digits behind the point.
    ///
    /// # Errors
    /// If it is negative.
    pub fn sqrt_to(&self, digits: u32) -> Result<Numeric> {
        match self {
            Finite { coefficient, scale } => {
                if coefficient.sign() == Sign::Minus {
                    return Err(Error::new(
                        SqlState::InvalidArgumentForPowerFunction,
                        "cannot take square root of a negative number",
                    ));
                }
                // One digit more than shown, so that the rounding below is right.
                let shifted = coefficient * ten_to(2 * (digits + 1) - (*scale).min(2 * digits));
                Ok(Numeric::new(shifted.sqrt(), digits + 1).round(i64::from(digits)))
            }
            NegativeInfinity => Err(Error::new(
                SqlState::InvalidArgumentForPowerFunction,
                "cannot take square root of a negative number",
            )),
            other => Ok(other.clone()),
        }
    }

    /// `self ^ exponent`. Exact before rounding for integral exponents; through float8 otherwise.
    pub fn power(&self, exponent: &Numeric) -> Result<Numeric> {
        let whole = exponent.to_i64().filter(|n| {
            Numeric::from_i64(*n).compare(exponent) == Ordering::Equal && n.abs() < 200_000
        });
        // One to any power and anything to the power of zero are one, NaN included.
        let one = Numeric::from_i64(1);
        let finite = matches!((self, exponent), (Finite { .. }, Finite { .. }));
        if !finite && (self.compare(&one) == Ordering::Equal || exponent.signum() == 0) {
            return Ok(one);
        }
        let (Finite { coefficient, scale }, Some(n)) = (self, whole) else {
            let result = self.to_f64().powf(exponent.to_f64());
            if result.is_nan() && self.signum() < 0 {
                return Err(Error::new(
                    SqlState::InvalidArgumentForPowerFunction,
                    "a negative number raised to a non-integer power yields a complex result",
                ));
            }
            let finite = matches!((self, exponent), (Finite { .. }, Finite { .. }));
            if result.is_infinite() && finite {
                return Err(overflow());
            }
            return Ok(Numeric::from_f64(result, 17).round(MIN_SIGNIFICANT_DIGITS));
        };
        if is_zero(coefficient) && n < 0 {
            return Err(Error::new(
                SqlState::InvalidArgumentForPowerFunction,
                "zero raised to a negative power is undefined",
            ));
        }
        let magnitude = self.to_f64().abs().log10() * n as f64;
        if magnitude >= MAX_INTEGER_DIGITS as f64 {
            return Err(overflow());
        }
        let digits = MIN_SIGNIFICANT_DIGITS.max(i64::from(*scale)).min(MAX_RESULT_SCALE);
        let power = n.unsigned_abs() as u32;
        if magnitude.abs() > 2.0 * f64::from(MAX_SCALE) && n < 0
            || magnitude < -f64::from(MAX_SCALE)
        {
            return Ok(Numeric::new(0, digits as u32));
        }
        let exact = Numeric::new(coefficient.pow(power), scale * power);
        match n < 0 {
            true => Ok(Numeric::from_i64(1).div_to_scale(&exact, digits as u32)),
            false => Ok(exact.round(digits)),
        }
    }

    /// PostgreSQL's order.
    pub fn compare(&self, other: &Numeric) -> Ordering {
        fn class(value: &Numeric) -> u8 {
            match value {
                NegativeInfinity => 0,
                Finite { .. } => 1,
                Infinity => 2,
                NaN => 3,
            }
        }
        match (self, other) {
            (Finite { .. }, Finite { .. }) => self.sub(other).signum().cmp(&0),
            _ => class(self).cmp(&class(other)),
        }
    }

    /// The sortable encoding of the module's head.
    pub fn encode(&self) -> Vec<u8> {
        let (coefficient, scale) = match self {
            NaN => return vec![NAN],
            Infinity => return vec![INFINITY],
            NegativeInfinity => return vec![NEGATIVE_INFINITY],
            Finite { coefficient, scale } => (coefficient, *scale),
        };
        let shown = (scale as u16).to_be_bytes();
        if is_zero(coefficient) {
            return vec![ZERO, shown[0], shown[1]];
        }
        // Pairs of digits are aligned to the decimal point.
        let mut digits = match u64::try_from(coefficient.magnitude().clone()) {
            Ok(small) => small.to_string(),
            Err(_) => coefficient.magnitude().to_string(),
        };
        if scale % 2 == 1 {
            digits.push('0');
        }
        if digits.len() % 2 == 1 {
            digits.insert(0, '0');
        }
        let exponent = (digits.len() / 2) as i64 - i64::from(scale.div_ceil(2));
        let negative = coefficient.sign() == Sign::Minus;
        let flip = if negative { 0xff } else { 0 };
        let mut out = Vec::with_capacity(8 + digits.len() / 2);
        out.push(if negative { NEGATIVE } else { POSITIVE });
        let biased = (exponent + EXPONENT_BIAS) as u32;
        assert!(biased < 1 << 24, "the number is larger than any that passed the checks");
        let [_, biased @ ..] = biased.to_be_bytes();
        out.extend(biased.map(|byte| byte ^ flip));
        let digits = digits.trim_end_matches('0').as_bytes();
        for pair in digits.chunks(2) {
            let high = pair.first().map_or(0, |d| d - b'0');
            let low = pair.get(1).map_or(0, |d| d - b'0');
            out.push((high * 10 + low + 1) ^ flip);
        }
        out.push(flip);
        out.extend(shown);
        out
    }

    /// Reads [`Numeric::encode`]'s form.
    pub fn decode(bytes: &[u8]) -> Result<Numeric> {
        let corrupted = || Error::new(SqlState::DataCorrupted, "unreadable numeric value");
        let (class, rest) = bytes.split_first().ok_or_else(corrupted)?;
        match *class {
            NAN => return Ok(NaN),
            INFINITY => return Ok(Infinity),
            NEGATIVE_INFINITY => return Ok(NegativeInfinity),
            _ => {}
        }
        let (body, shown) = rest.split_last_chunk::<2>().ok_or_else(corrupted)?;
        let scale = u32::from(u16::from_be_bytes(*shown));
        if *class == ZERO {
            return Ok(Numeric::new(0, scale));
        }
        let flip = if *class == NEGATIVE { 0xff } else { 0 };
        let (exponent, body) = body.split_first_chunk::<3>().ok_or_else(corrupted)?;
        let [high, middle, low] = exponent.map(|byte| byte ^ flip);
        let exponent = i64::from(u32::from_be_bytes([0, high, middle, low])) - EXPONENT_BIAS;
        if !(-MAX_PAIRS..=MAX_PAIRS).contains(&exponent) {
            return Err(corrupted());
        }
        let (_, pairs) = body.split_last().ok_or_else(corrupted)?;
        // The pairs stand for an integer times 100^(exponent - pairs).
        let fraction_digits = (pairs.len() as i64 - exponent) * 2;
        let mut coefficient = if pairs.len() <= 9 {
            let digits = pairs.iter().map(|byte| u64::from((byte ^ flip).wrapping_sub(1)));
            BigInt::from(digits.fold(0u64, |sum, pair| sum * 100 + pair))
        } else {
            let mut text = String::with_capacity(pairs.len() * 2);
            for byte in pairs {
                let pair = (byte ^ flip).wrapping_sub(1);
                text.push(char::from(b'0' + pair / 10));
                text.push(char::from(b'0' + pair % 10));
            }
            text.parse().map_err(|_| corrupted())?
        };
        let shift = i64::from(scale) - fraction_digits;
        if shift >= 0 {
            coefficient *= ten_to(shift as u32);
        } else {
            coefficient /= ten_to((-shift) as u32);
        }
        Ok(Numeric::new(if flip == 0 { coefficient } else { -coefficient }, scale))
    }

    /// The part of an encoding that is the same for equal values.
    pub fn canonical(encoded: &[u8]) -> &[u8] {
        match encoded.len() {
            0 | 1 => encoded,
            length => encoded.get(..length - 2).unwrap_or(encoded),
        }
    }

    /// PostgreSQL's binary format: counts, sign and base-10000 digits, big-endian.
    pub fn to_binary(&self, out: &mut Vec<u8>) {
        let (coefficient, scale) = match self {
            NaN => return out.extend([0, 0, 0, 0, 0xc0, 0, 0, 0]),
            Infinity => return out.extend([0, 0, 0, 0, 0xd0, 0, 0, 0]),
            NegativeInfinity => return out.extend([0, 0, 0, 0, 0xf0, 0, 0, 0]),
            Finite { coefficient, scale } => (coefficient, *scale),
        };
        let pad = (4 - scale % 4) % 4;
        let mut text = coefficient.magnitude().to_string();
        text.extend(std::iter::repeat_n('0', pad as usize));
        let lead = (4 - text.len() % 4) % 4;
        let text = "0".repeat(lead) + &text;
        let groups = text.as_bytes().chunks(4);
        let mut digits: Vec<u16> = groups
            .map(|group| group.iter().fold(0, |sum, d| sum * 10 + u16::from(d - b'0')))
            .collect();
        let mut weight = digits.len() as i64 - i64::from((scale + pad) / 4) - 1;
        while digits.first() == Some(&0) {
            digits.remove(0);
            weight -= 1;
        }
        while digits.last() == Some(&0) {
            digits.pop();
        }
        if digits.is_empty() {
            weight = 0;
        }
        out.extend((digits.len() as u16).to_be_bytes());
        out.extend((weight as i16).to_be_bytes());
        let sign: u16 = if coefficient.sign() == Sign::Minus { 0x4000 } else { 0 };
        out.extend(sign.to_be_bytes());
        out.extend((scale as u16).to_be_bytes());
        for digit in digits {
            out.extend(digit.to_be_bytes());
        }
    }

    /// Reads PostgreSQL's binary format; `None` if malformed.
    pub fn from_binary(bytes: &[u8]) -> Option<Numeric> {
        let (head, digits) = bytes.split_first_chunk::<8>()?;
        let word = |i: usize| u16::from_be_bytes([head[2 * i], head[2 * i + 1]]);
        let (count, weight, sign, scale) = (word(0), word(1) as i16, word(2), u32::from(word(3)));
        if digits.len() != usize::from(count) * 2 || scale > MAX_SCALE {
            return None;
        }
        match sign {
            0xc000 => return Some(NaN),
            0xd000 => return Some(Infinity),
            0xf000 => return Some(NegativeInfinity),
            0 | 0x4000 => {}
            _ => return None,
        }
        let mut coefficient = BigInt::from(0);
        for pair in digits.chunks_exact(2) {
            let digit = u16::from_be_bytes([pair[0], pair[1]]);
            if digit > 9999 {
                return None;
            }
            coefficient = coefficient * 10_000 + digit;
        }
        let fraction_digits = (i64::from(count) - 1 - i64::from(weight)) * DEC_DIGITS;
        let shift = i64::from(scale) - fraction_digits;
        if shift >= 0 {
            coefficient *= ten_to(shift as u32);
        } else {
            coefficient /= ten_to((-shift) as u32);
        }
        Some(Numeric::new(if sign == 0 { coefficient } else { -coefficient }, scale))
    }
}

fn field_overflow() -> Error {
    Error::new(SqlState::NumericValueOutOfRange, "numeric field overflow")
}

fn trim_zeros(coefficient: BigInt, scale: u32) -> Numeric {
    if is_zero(&coefficient) {
        return Numeric::new(0, 0);
    }
    let text = coefficient.magnitude().to_string();
    let zeros = text.len() - text.trim_end_matches('0').len();
    let drop = (zeros as u32).min(scale);
    Numeric::new(coefficient / ten_to(drop), scale - drop)
}

impl std::fmt::Display for Numeric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (coefficient, scale) = match self {
            NaN => return f.write_str("NaN"),
            Infinity => return f.write_str("Infinity"),
            NegativeInfinity => return f.write_str("-Infinity"),
            Finite { coefficient, scale } => (coefficient, *scale as usize),
        };
        let mut digits = coefficient.magnitude().to_string();
        if digits.len() <= scale {
            digits = "0".repeat(scale + 1 - digits.len()) + &digits;
        }
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let sign = if coefficient.sign() == Sign::Minus { "-" } else { "" };
        match fraction {
            "" => write!(f, "{sign}{whole}"),
            fraction => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}
