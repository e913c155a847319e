//! Terminals: choosing, running, retrying, counting and timing transactions.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::oneshot;
use tokio_postgres::error::SqlState;

use super::client::{Client, ServerError};
use super::random::Random;
use super::report::{self, Report};
use super::transactions::{Input, Kind, Outcome, Terminal};
use super::{Error, Result, Run};

/// Longest latency that is told apart, in microseconds.
const MAX_LATENCY_US: u64 = 600_000_000;
/// How often the progress is shown.
const TICK: Duration = Duration::from_millis(500);

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
    /// Given up after too many tries, or with another error.
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

    /// The one of a kind; made when it is first wanted.
    fn of(tallies: &mut BTreeMap<Kind, Tally>, kind: Kind) -> Result<&mut Tally> {
        Ok(match tallies.entry(kind) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Tally::new()?),
        })
    }

    /// Counts a transaction, whatever came of it.
    fn count(
        &mut self,
        ended: &Result<Option<Outcome>>,
        tries: &Tries,
        latency: Duration,
    ) -> Result<()> {
        let us = u64::try_from(latency.as_micros()).unwrap_or(MAX_LATENCY_US);
        self.latency_us.record(us.clamp(1, MAX_LATENCY_US))?;
        self.serialization_failures += tries.serialization_failures;
        self.deadlocks += tries.deadlocks;
        match ended {
            Ok(Some(Outcome::Committed(_))) => self.committed += 1,
            Ok(Some(Outcome::RolledBack)) => self.rolled_back += 1,
            Ok(None) | Err(_) => self.failed += 1,
        }
        Ok(())
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

/// Tries of one transaction that ended with an error after which it is tried again.
#[derive(Default)]
struct Tries {
    serialization_failures: u64,
    deadlocks: u64,
}

struct Shared {
    started: Instant,
    warmup: Duration,
    until: Duration,
    stop: AtomicBool,
    acknowledged: Option<Mutex<File>>,
}

impl Shared {
    fn is_over(&self) -> bool {
        self.started.elapsed() >= self.until || self.stop.load(Ordering::Relaxed)
    }

    /// Ends all terminals after the transactions that they are at.
    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
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
    let (done, measured) = oneshot::channel();
    let run = run.clone();
    // Terminals block, and there may be more of them than tokio has threads for that.
    thread::Builder::new().name("terminals".into()).spawn(move || {
        // Nobody waits for it if the command was interrupted.
        let _ = done.send(drive(&run, &progress));
    })?;
    measured.await.map_err(|_| "the terminals' thread panicked")?
}

/// Connects the terminals and runs them, each in a thread of its own.
fn drive(run: &Run, progress: &ProgressBar) -> Result<Measured> {
    let acknowledged = match &run.acknowledged {
        None => None,
        Some(path) => Some(Mutex::new(OpenOptions::new().create(true).append(true).open(path)?)),
    };
    let mut terminals = Vec::new();
    for index in 0..run.terminals {
        let warehouses = run.target.warehouses as usize;
        let (w_id, d_id) = (index % warehouses + 1, index / warehouses % 10 + 1);
        let client = Client::connect(&run.target.url)?;
        terminals.push(Terminal::new(client, run.isolation, w_id as i32, d_id as i32)?);
    }
    let warmup = Duration::from_secs(run.warmup_s);
    let shared = Shared {
        started: Instant::now(),
        warmup,
        until: warmup + Duration::from_secs(run.duration_s),
        stop: AtomicBool::new(false),
        acknowledged,
    };
    let results = serve_all(terminals, run, &shared, progress)?;
    progress.finish_and_clear();
    let mut tallies = BTreeMap::new();
    let mut per_second = vec![0; run.duration_s as usize];
    let mut errors = Vec::new();
    for results in results {
        for (kind, tally) in &results.tallies {
            Tally::of(&mut tallies, *kind)?.merge(tally)?;
        }
        for (total, count) in per_second.iter_mut().zip(&results.per_second) {
            *total += count;
        }
        errors.extend(results.error);
    }
    Ok(Measured { tallies, per_second, errors })
}

fn serve_all(
    terminals: Vec<Terminal>,
    run: &Run,
    shared: &Shared,
    progress: &ProgressBar,
) -> Result<Vec<Results>> {
    thread::scope(|scope| -> Result<Vec<Results>> {
        let mut threads = Vec::new();
        for (index, terminal) in terminals.into_iter().enumerate() {
            let random = Random::new(run.seed.wrapping_mul(1_000_003) + index as u64);
            let thread = thread::Builder::new().name(format!("terminal {index}"));
            let spawned = thread.spawn_scoped(scope, move || {
                // The others need not run on if the whole run has failed.
                serve(terminal, random, run, shared).inspect_err(|_| shared.stop())
            });
            threads.push(spawned.inspect_err(|_| shared.stop())?);
        }
        while !shared.is_over() {
            thread::sleep(TICK.min(shared.until.saturating_sub(shared.started.elapsed())));
            progress.set_position(shared.started.elapsed().as_secs());
        }
        let mut all = Vec::new();
        for thread in threads {
            all.push(thread.join().map_err(|_| "a terminal panicked")??);
        }
        Ok(all)
    })
}

fn serve(
    mut terminal: Terminal,
    mut random: Random,
    run: &Run,
    shared: &Shared,
) -> Result<Results> {
    let warehouses = run.target.warehouses;
    let mut results = Results { tallies: BTreeMap::new(), per_second: Vec::new(), error: None };
    while !shared.is_over() {
        let kind = Kind::choose(run.credit_check, &mut random);
        let input = Input::choose(kind, terminal.w_id, terminal.d_id, warehouses, &mut random);
        let (keying_s, mean_think_s) = kind.times_s();
        if run.think {
            thread::sleep(Duration::from_secs_f64(keying_s));
        }
        let begun = Instant::now();
        let mut tries = Tries::default();
        let ended = attempt(&mut terminal, &input, run.retries, &mut tries);
        let elapsed = shared.started.elapsed();
        match &ended {
            Ok(Some(Outcome::Committed(order))) => {
                if let (Some((w, d, o)), Some(file)) = (order, &shared.acknowledged) {
                    let mut file = file.lock().map_err(|_| "a terminal panicked")?;
                    writeln!(file, "{w} {d} {o}")?;
                }
            }
            Ok(Some(Outcome::RolledBack) | None) => {}
            Err(error) => {
                results.error = Some(describe(error));
                shared.stop();
            }
        }
        if elapsed >= shared.warmup {
            Tally::of(&mut results.tallies, kind)?.count(&ended, &tries, begun.elapsed())?;
            if matches!(ended, Ok(Some(Outcome::Committed(_)))) {
                let second = (elapsed - shared.warmup).as_secs() as usize;
                if results.per_second.len() <= second {
                    results.per_second.resize(second + 1, 0);
                }
                results.per_second[second] += 1;
            }
        }
        if run.think {
            // Negative exponential, cut at ten times the mean (clause 5.2.5.4).
            let seconds = -random.fraction().max(1e-9).ln() * mean_think_s;
            thread::sleep(Duration::from_secs_f64(seconds.min(10.0 * mean_think_s)));
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

/// Runs a transaction until it ends otherwise than with 40001 or 40P01; `None` if it does not in so many
/// tries. A terminal then goes on with the next one: that is what the level costs with this server.
fn attempt(
    terminal: &mut Terminal,
    input: &Input,
    retries: u32,
    tries: &mut Tries,
) -> Result<Option<Outcome>> {
    for _ in 0..retries {
        let error = match terminal.run(input) {
            Ok(outcome) => return Ok(Some(outcome)),
            Err(error) => error,
        };
        let code = error.downcast_ref::<ServerError>().map(|error| error.code.clone());
        match code {
            Some(SqlState::T_R_SERIALIZATION_FAILURE) => tries.serialization_failures += 1,
            Some(SqlState::T_R_DEADLOCK_DETECTED) => tries.deadlocks += 1,
            _ => return Err(error),
        }
    }
    Ok(None)
}
