//! A run without waits, as a few numbers instead of a report: for whoever compares runs.

use hdrhistogram::Histogram;
use indicatif::ProgressBar;

use super::transactions::Kind;
use super::{Isolation, Result, Run, Target, driver};

/// Tries of a transaction before it is given up.
const RETRIES: u32 = 100;

/// Who runs what.
#[derive(Clone, Copy)]
pub struct Terminals {
    /// How many.
    pub count: usize,
    /// Warehouses of the database.
    pub warehouses: i32,
    /// Isolation level of all transactions.
    pub isolation: Isolation,
    /// Percent of credit checks.
    pub credit_check: i32,
}

/// What came of a run.
pub struct Summary {
    /// tpmC, if it were measured by the rules.
    pub new_orders_per_minute: f64,
    /// Commits of all kinds.
    pub committed: u64,
    /// Tries that ended with 40001.
    pub serialization_failures: u64,
    /// Tries that ended with 40P01.
    pub deadlocks: u64,
    /// Transactions that were given up after too many tries.
    pub given_up: u64,
    /// Latencies of New-Order, if there were any.
    pub new_order_us: Option<Histogram<u64>>,
}

/// Runs terminals without keying and think times, and without a word.
pub async fn measure(
    url: &str,
    terminals: &Terminals,
    duration_s: u64,
    seed: u64,
) -> Result<Summary> {
    let run = Run {
        target: Target { url: url.to_owned(), warehouses: terminals.warehouses },
        terminals: terminals.count,
        duration_s,
        warmup_s: 0,
        think: false,
        isolation: terminals.isolation,
        retries: RETRIES,
        credit_check: terminals.credit_check,
        seed,
        json: None,
        html: None,
        acknowledged: None,
    };
    let mut measured = driver::measure(&run, ProgressBar::hidden()).await?;
    measured.check()?;
    let tallies = measured.tallies.values();
    let committed = tallies.clone().map(|tally| tally.committed).sum();
    let serialization_failures = tallies.clone().map(|tally| tally.serialization_failures).sum();
    let deadlocks = tallies.clone().map(|tally| tally.deadlocks).sum();
    let given_up = tallies.map(|tally| tally.failed).sum();
    let new_orders = measured.tallies.remove(&Kind::NewOrder);
    let count = new_orders.as_ref().map_or(0, |tally| tally.committed);
    Ok(Summary {
        new_orders_per_minute: count as f64 * 60.0 / duration_s.max(1) as f64,
        committed,
        serialization_failures,
        deadlocks,
        given_up,
        new_order_us: new_orders.map(|tally| tally.latency_us),
    })
}
