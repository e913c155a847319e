//! Terminals: choosing, running, retrying, counting and timing transactions.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use tokio_postgres::error::SqlState;

use super::random::Random;
use super::report::{self, Report};
use super::transactions::{Input, Kind, Outcome, Terminal};
use super::{Error, Result, Run, connect};

/// Longest latency that is told apart, in microseconds.
const MAX_LATENCY_US: u64 = 600_000_000;

/// What happened to transactions of one kind.
pub struct Tally {
    /// From the first try to the end, in microseconds.
    pub latency_us: Histogram<u64>,
    /// Committed.
    pub committed: u64,
    /// Rolled back on purpose.
    pub rolled_back: u64,
    /// Tries that ended with 40001.
    pub serialization_failures: u64,
    /// Tries that ended with 40P01.
    pub deadlocks: u64,
    /// Given up.
    pub failed: u64,
}

impl Tally {
    fn new() -> Result<Tally> {
        Ok(Tally {
            latency_us: Histogram::new_with_bounds(1, MAX_LATENCY_US, 3)?,
            committed: 0,
            rolled_back: 0,
            serialization_failures: 0,
            deadlocks: 0,
            failed: 0,
        })
    }

    fn merge(&mut self, other: &Tally) -> Result<()> {
        self.latency_us.add(&other.latency_us)?;
        self.committed += other.committed;
        self.rolled_back += other.rolled_back;
        self.serialization_failures += other.serialization_failures;
        self.deadlocks += other.deadlocks;
        self.failed += other.failed;
        Ok(())
    }
}

struct Shared {
    started: Instant,
    warmup: Duration,
    until: Duration,
    stop: AtomicBool,
    acknowledged: Option<std::sync::Mutex<std::fs::File>>,
    progress: ProgressBar,
}

struct Results {
    tallies: BTreeMap<Kind, Tally>,
    /// Commits in each second since the start of the measurement.
    per_second: Vec<u64>,
    error: Option<String>,
}

/// What terminals did.
pub struct Measured {
    /// By kind of transaction.
    pub tallies: BTreeMap<Kind, Tally>,
    /// Commits in each second since the start of the measurement.
    pub per_second: Vec<u64>,
    /// Why terminals ended early, if some did.
    pub errors: Vec<String>,
}

impl Measured {
    /// Fails if a terminal ended early.
    pub fn check(&self) -> Result<()> {
        match self.errors.first() {
            None => Ok(()),
            Some(error) => {
                let count = self.errors.len();
                Err(format!("{count} terminals ended early; the first: {error}").into())
            }
        }
    }
}

/// Runs the benchmark; false if a transaction had to be given up.
pub async fn run(run: &Run) -> Result<bool> {
    let progress = ProgressBar::new(run.warmup_s + run.duration_s);
    progress.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} s {msg}")?);
    let measured = measure(run, progress).await?;
    let report = Report::new(run, &measured.tallies, measured.per_second.clone());
    report::print(&report);
    if let Some(path) = &run.json {
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    if let Some(path) = &run.html {
        std::fs::write(path, report::html(&report)?)?;
    }
    measured.check()?;
    Ok(measured.tallies.values().all(|tally| tally.failed == 0))
}

/// Runs the terminals to their end.
pub async fn measure(run: &Run, progress: ProgressBar) -> Result<Measured> {
    let acknowledged = match &run.acknowledged {
        None => None,
        Some(path) => Some(std::sync::Mutex::new(
            std::fs::OpenOptions::new().create(true).append(true).open(path)?,
        )),
    };
    let mut terminals = Vec::new();
    for index in 0..run.terminals {
        let warehouses = run.target.warehouses as usize;
        let (w_id, d_id) = (index % warehouses + 1, index / warehouses % 10 + 1);
        let client = connect(&run.target.url).await?;
        terminals.push(Terminal::new(client, run.isolation, w_id as i32, d_id as i32).await?);
    }
    let warmup = Duration::from_secs(run.warmup_s);
    let shared = Arc::new(Shared {
        started: Instant::now(),
        warmup,
        until: warmup + Duration::from_secs(run.duration_s),
        stop: AtomicBool::new(false),
        acknowledged,
        progress,
    });
    let mut tasks = Vec::new();
    for (index, terminal) in terminals.into_iter().enumerate() {
        let random = Random::new(run.seed.wrapping_mul(1_000_003) + index as u64);
        let (warehouses, think, retries) = (run.target.warehouses, run.think, run.retries);
        tasks.push(tokio::spawn(serve(
            terminal,
            random,
            warehouses,
            think,
            retries,
            shared.clone(),
        )));
    }
    let ticking = shared.clone();
    let ticker = tokio::spawn(async move {
        while ticking.started.elapsed() < ticking.until && !ticking.stop.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(500)).await;
            ticking.progress.set_position(ticking.started.elapsed().as_secs());
        }
    });
    let mut tallies = BTreeMap::new();
    let mut per_second = vec![0; run.duration_s as usize];
    let mut errors = Vec::new();
    for task in tasks {
        let results = task.await??;
        for (kind, tally) in &results.tallies {
            tallies.entry(*kind).or_insert(Tally::new()?).merge(tally)?;
        }
        for (total, count) in per_second.iter_mut().zip(&results.per_second) {
            *total += count;
        }
        errors.extend(results.error);
    }
    ticker.await?;
    shared.progress.finish_and_clear();
    Ok(Measured { tallies, per_second, errors })
}

async fn serve(
    mut terminal: Terminal,
    mut random: Random,
    warehouses: i32,
    think: bool,
    retries: u32,
    shared: Arc<Shared>,
) -> Result<Results> {
    let mut results = Results { tallies: BTreeMap::new(), per_second: Vec::new(), error: None };
    while shared.started.elapsed() < shared.until && !shared.stop.load(Ordering::Relaxed) {
        let kind = Kind::choose(&mut random);
        let input = Input::choose(kind, terminal.w_id, terminal.d_id, warehouses, &mut random);
        let (keying_s, mean_think_s) = kind.times_s();
        if think {
            tokio::time::sleep(Duration::from_secs_f64(keying_s)).await;
        }
        let begun = Instant::now();
        let mut tally = Tally::new()?;
        let ended = attempt(&mut terminal, &input, retries, &mut tally).await;
        let elapsed = shared.started.elapsed();
        match ended {
            Ok(Outcome::Committed(order)) => {
                tally.committed += 1;
                if let (Some((w, d, o)), Some(file)) = (order, &shared.acknowledged) {
                    let mut file = file.lock().map_err(|_| "a terminal panicked")?;
                    writeln!(file, "{w} {d} {o}")?;
                }
            }
            Ok(Outcome::RolledBack) => tally.rolled_back += 1,
            Err(error) => {
                tally.failed += 1;
                results.error = Some(describe(&error));
                shared.stop.store(true, Ordering::Relaxed);
            }
        }
        if elapsed >= shared.warmup {
            let us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(MAX_LATENCY_US);
            tally.latency_us.record(us.clamp(1, MAX_LATENCY_US))?;
            let second = (elapsed - shared.warmup).as_secs() as usize;
            if tally.committed > 0 {
                if results.per_second.len() <= second {
                    results.per_second.resize(second + 1, 0);
                }
                results.per_second[second] += 1;
            }
            results.tallies.entry(kind).or_insert(Tally::new()?).merge(&tally)?;
        }
        if think {
            // Negative exponential, cut at ten times the mean (clause 5.2.5.4).
            let seconds = -random.fraction().max(1e-9).ln() * mean_think_s;
            tokio::time::sleep(Duration::from_secs_f64(seconds.min(10.0 * mean_think_s))).await;
        }
    }
    Ok(results)
}

/// An error with its causes, on one line.
pub fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

async fn attempt(
    terminal: &mut Terminal,
    input: &Input,
    retries: u32,
    tally: &mut Tally,
) -> Result<Outcome> {
    for _ in 0..retries {
        let error = match terminal.run(input).await {
            Ok(outcome) => return Ok(outcome),
            Err(error) => error,
        };
        let code =
            error.downcast_ref::<tokio_postgres::Error>().and_then(|error| error.code().cloned());
        match code {
            Some(SqlState::T_R_SERIALIZATION_FAILURE) => tally.serialization_failures += 1,
            Some(SqlState::T_R_DEADLOCK_DETECTED) => tally.deadlocks += 1,
            _ => return Err(error),
        }
    }
    Err("a transaction failed with 40001 or 40P01 too often".into())
}
