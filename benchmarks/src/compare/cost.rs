//! What SERIALIZABLE costs a server over REPEATABLE READ: its throughput at the one, divided by that at
//! the other, which took turns.
//!
//! That says more than two comparisons with PostgreSQL do: the bar for cairn is 7 % on TPC-C with 10 warehouses
//! and 8 terminals, and 10 % on SIBENCH.

use serde::Serialize;

use super::report::{Comparison, Side, median};

/// The end of a workload's name, after what workloads of different levels have in common.
const SERIALIZABLE: &str = "/serializable";
const REPEATABLE_READ: &str = "/repeatable-read";

/// See the module's head. Of workloads whose unit is a throughput.
#[derive(Debug, PartialEq, Serialize)]
pub struct Cost {
    /// What the two workloads have in common.
    pub name: String,
    pub postgresql: Option<Ratio>,
    pub cairn: Option<Ratio>,
}

/// SERIALIZABLE divided by REPEATABLE READ.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ratio {
    /// Of the rounds' ratios: the two of a round were measured close to each other.
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl Ratio {
    /// From throughputs by round; `None` of none.
    pub fn of(serializable: &[f64], repeatable_read: &[f64]) -> Option<Ratio> {
        let ratios = serializable.iter().zip(repeatable_read).map(|(one, other)| one / other);
        Some(Ratio {
            median: median(ratios.clone())?,
            low: ratios.clone().reduce(f64::min)?,
            high: ratios.reduce(f64::max)?,
        })
    }

    fn of_sides(serializable: &Side, repeatable_read: &Side) -> Option<Ratio> {
        if !serializable.is_open() || !repeatable_read.is_open() {
            return None;
        }
        let throughputs = |side: &Side| -> Vec<f64> {
            side.rounds().iter().map(|round| round.throughput()).collect()
        };
        Ratio::of(&throughputs(serializable), &throughputs(repeatable_read))
    }
}

impl Cost {
    /// If `comparison` is of a workload at SERIALIZABLE, and the same at REPEATABLE READ was before.
    pub fn of(comparison: &Comparison, before: &[Comparison]) -> Option<Cost> {
        let name = comparison.name.strip_suffix(SERIALIZABLE)?;
        let is_other = |other: &&Comparison| other.name.strip_suffix(REPEATABLE_READ) == Some(name);
        let other = before.iter().find(is_other)?;
        Some(Cost {
            name: name.into(),
            postgresql: Ratio::of_sides(&comparison.postgresql, &other.postgresql),
            cairn: Ratio::of_sides(&comparison.cairn, &other.cairn),
        })
    }
}
