//! Statistics of pairs of floats: correlation, covariance and linear regression.
//!
//! The sums are those that PostgreSQL keeps (after Youngs and Cramer, 1971), so that results agree to the
//! last digit.

use crate::error::{Error, Result, SqlState};
use crate::types::{Datum, Type};

/// What is computed of the pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum Pair {
    Corr,
    CovarPop,
    CovarSamp,
    AvgX,
    AvgY,
    Count,
    Intercept,
    R2,
    Slope,
    Sxx,
    Sxy,
    Syy,
}

impl Pair {
    /// The statistic of this name.
    pub fn named(name: &str) -> Option<Pair> {
        Some(match name {
            "corr" => Pair::Corr,
            "covar_pop" => Pair::CovarPop,
            "covar_samp" => Pair::CovarSamp,
            "regr_avgx" => Pair::AvgX,
            "regr_avgy" => Pair::AvgY,
            "regr_count" => Pair::Count,
            "regr_intercept" => Pair::Intercept,
            "regr_r2" => Pair::R2,
            "regr_slope" => Pair::Slope,
            "regr_sxx" => Pair::Sxx,
            "regr_sxy" => Pair::Sxy,
            "regr_syy" => Pair::Syy,
            _ => return None,
        })
    }

    /// Result type.
    pub fn returns(self) -> Type {
        if self == Pair::Count { Type::Int8 } else { Type::Float8 }
    }
}

/// Sums over one column: how many values, their sum, and the sum of the squares of what they differ from
/// their mean.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments {
    /// N
    pub count: f64,
    /// Sx
    pub sum: f64,
    /// Sxx
    pub squares: f64,
}

fn overflow() -> Error {
    Error::new(SqlState::NumericValueOutOfRange, "value out of range: overflow")
}

impl Moments {
    /// Adds a value; also by how much it differs from the mean, times the count.
    pub fn add(&mut self, value: f64) -> Result<f64> {
        let before = *self;
        self.count += 1.0;
        self.sum += value;
        let difference = value * self.count - self.sum;
        if before.count > 0.0 {
            self.squares += difference * difference / (self.count * before.count);
            if self.sum.is_infinite() || self.squares.is_infinite() {
                if !before.sum.is_infinite() && !value.is_infinite() {
                    return Err(overflow());
                }
                self.squares = f64::NAN;
            }
        } else if !value.is_finite() {
            self.squares = f64::NAN;
        }
        Ok(difference)
    }

    /// Adds other values; also by how much the means differ.
    pub fn merge(&mut self, other: &Moments) -> f64 {
        if other.count == 0.0 || self.count == 0.0 {
            if self.count == 0.0 {
                *self = *other;
            }
            return 0.0;
        }
        let (n, m) = (self.count, other.count);
        let difference = self.sum / n - other.sum / m;
        self.count = n + m;
        self.sum += other.sum;
        self.squares += other.squares + n * m * difference * difference / self.count;
        difference
    }
}

/// Sums over two columns.
#[derive(Debug, Default)]
pub struct PairMoments {
    x: Moments,
    y: Moments,
    /// Sxy
    products: f64,
}

impl PairMoments {
    /// Adds a pair.
    ///
    /// # Errors
    /// If a sum overflows.
    pub fn add(&mut self, y: f64, x: f64) -> Result<()> {
        let before = self.x.count;
        let (dx, dy) = (self.x.add(x)?, self.y.add(y)?);
        if before > 0.0 {
            self.products += dx * dy / (self.x.count * before);
            if self.products.is_infinite() {
                let finite = [x, y, self.x.sum, self.y.sum].iter().all(|v| v.is_finite());
                if finite {
                    return Err(overflow());
                }
                self.products = f64::NAN;
            }
        } else if !x.is_finite() || !y.is_finite() {
            self.products = f64::NAN;
        }
        Ok(())
    }

    /// The intermediate form.
    pub fn save(&self) -> Vec<Datum> {
        let PairMoments { x, y, products } = self;
        let sums = [x.count, x.sum, x.squares, y.sum, y.squares, *products];
        sums.map(Datum::Float64).to_vec()
    }

    /// Adds an intermediate form.
    ///
    /// # Errors
    /// If it is none.
    pub fn merge(&mut self, saved: &[Datum]) -> Result<()> {
        let sum = |i: usize| saved.get(i).unwrap_or(&Datum::Null).as_f64();
        let x = Moments { count: sum(0)?, sum: sum(1)?, squares: sum(2)? };
        let y = Moments { count: x.count, sum: sum(3)?, squares: sum(4)? };
        let (n, m) = (self.x.count, x.count);
        let (dx, dy) = (self.x.merge(&x), self.y.merge(&y));
        self.products += sum(5)?;
        if n > 0.0 && m > 0.0 {
            self.products += n * m * dx * dy / (n + m);
        }
        Ok(())
    }

    /// The result.
    pub fn finish(&self, pair: Pair) -> Datum {
        let PairMoments { x, y, products } = self;
        let n = x.count;
        if pair == Pair::Count {
            return Datum::Int64(n as i64);
        }
        let least = if pair == Pair::CovarSamp { 2.0 } else { 1.0 };
        if n < least {
            return Datum::Null;
        }
        let vertical = x.squares == 0.0;
        Datum::Float64(match pair {
            Pair::Count => n,
            Pair::Sxx => x.squares,
            Pair::Syy => y.squares,
            Pair::Sxy => *products,
            Pair::AvgX => x.sum / n,
            Pair::AvgY => y.sum / n,
            Pair::CovarPop => products / n,
            Pair::CovarSamp => products / (n - 1.0),
            Pair::Corr if vertical || y.squares == 0.0 => return Datum::Null,
            Pair::Corr => products / (x.squares * y.squares).sqrt(),
            Pair::R2 | Pair::Slope | Pair::Intercept if vertical => return Datum::Null,
            Pair::R2 if y.squares == 0.0 => 1.0,
            Pair::R2 => (products * products) / (x.squares * y.squares),
            Pair::Slope => products / x.squares,
            Pair::Intercept => (y.sum - x.sum * products / x.squares) / n,
        })
    }
}
