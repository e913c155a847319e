//! What one run of a workload gives: how much, and how long each took.

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::tpcc::Result;

/// Longest latency that is told apart, in microseconds.
const MAX_LATENCY_US: u64 = 600_000_000;

/// A run.
pub struct Timed {
    /// In the workload's unit.
    pub throughput: f64,
    /// Transactions, or rows where those are counted.
    pub operations: u64,
    /// How long they took, where there are many.
    pub latency: Option<Latency>,
    /// What had to be tried again, where that can be.
    pub aborts: Option<Aborts>,
}

/// Tries that the server aborted, and that were made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Aborts {
    /// With 40001.
    pub serialization_failures: u64,
    /// With 40P01.
    pub deadlocks: u64,
    /// Transactions that were given up because all of their tries were aborted.
    pub given_up: u64,
}

impl Aborts {
    /// Those of two runs together.
    pub fn and(self, other: Aborts) -> Aborts {
        Aborts {
            serialization_failures: self.serialization_failures + other.serialization_failures,
            deadlocks: self.deadlocks + other.deadlocks,
            given_up: self.given_up + other.given_up,
        }
    }
}

/// How long transactions took.
#[derive(Clone, Copy, Serialize)]
pub struct Latency {
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
}

impl Latency {
    /// From microseconds; `None` if there are none.
    pub fn of(us: &Histogram<u64>) -> Option<Latency> {
        let quantile_ms = |quantile| us.value_at_quantile(quantile) as f64 / 1000.0;
        (!us.is_empty()).then(|| Latency {
            p50_ms: quantile_ms(0.50),
            p95_ms: quantile_ms(0.95),
            p99_ms: quantile_ms(0.99),
        })
    }
}

/// For latencies in microseconds; longer ones than can be told apart count as the longest.
pub fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, MAX_LATENCY_US, 3)?)
}
