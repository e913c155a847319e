//! Transactions on RocksDB under power failures.
//!
//! A database on a [disk](cairn_test_disk) of which every sync is known: clients commit, with group commit and all
//! threads as in a server, while memtables are flushed, tables compacted and ingested, ranges split and
//! old versions collected; then the power fails in the middle of some operation of the disk. When it is back, what
//! was not synced is there or not, and the database starts, often only to lose its power again. What it
//! finds has to be this:
//!
//! * Every commit that was acknowledged as durable, with all its rows.
//! * Each other commit with all its rows or none; of commits one after the other, the first. Bulk commits
//!   are committed ahead of their turn, so each of them is there or not for itself.
//! * Slots that commits take from each other, as the last of those left them.
//! * What was there after an earlier start; and what was gone then is not back.
//! * No version that is newer than what is read, and from then on only newer commits, although clocks go
//!   back.
//! * Ranges that tile the key space, with the boundaries that were acknowledged.
//!
//! Where the [simulator](crate::simulator) owns time and order and has no disk, this has RocksDB with its threads
//! and files: a seed decides what is asked for, when the power fails and what is left, but two runs of it are
//! not the same.
//!
//! * [`machine`] is a database with its disk, [`client`] who writes.
//! * [`keys`] is what is stored, [`journal`] remembers it and judges.

pub mod client;
pub mod journal;
pub mod keys;
pub mod machine;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::task::JoinSet;

use crate::simulator::random::Random;
use client::{World, look_after, write};
use journal::{Journal, Verdict};
use machine::{Machine, Running};

/// What all seeds of a series have in common.
#[derive(Clone, Debug)]
pub struct Config {
    /// How often the power fails while clients write.
    pub failures: u64,
    /// Whether syncs of logs do nothing: a fault that has to be found.
    pub disk_lies: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config { failures: 4, disk_lies: false }
    }
}

/// What happened in runs that went well.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// Power failures while clients wrote.
    pub failures: u64,
    /// Power failures while the database started.
    pub failures_at_start: u64,
    /// Commits that were acknowledged, and are there.
    pub acknowledged: u64,
    /// Commits that were not, and are there all the same.
    pub others: u64,
    /// Commits that were written, and are gone.
    pub lost: u64,
    /// Bulk commits that are there.
    pub bulk: u64,
    /// Logs that were written over older ones.
    pub logs_reused: u64,
    /// Tables that were ingested.
    pub ingested: u64,
    /// Failures at which files or names were lost.
    pub losses: u64,
}

impl Report {
    /// With another's numbers added.
    pub fn and(self, other: Report) -> Report {
        Report {
            failures: self.failures + other.failures,
            failures_at_start: self.failures_at_start + other.failures_at_start,
            acknowledged: self.acknowledged + other.acknowledged,
            others: self.others + other.others,
            lost: self.lost + other.lost,
            bulk: self.bulk + other.bulk,
            logs_reused: self.logs_reused + other.logs_reused,
            ingested: self.ingested + other.ingested,
            losses: self.losses + other.losses,
        }
    }

    fn add(&mut self, verdict: &Verdict) {
        self.acknowledged += verdict.acknowledged;
        self.others += verdict.there.len() as u64 - verdict.acknowledged;
        self.lost += verdict.lost;
        self.bulk += verdict.bulk;
    }
}

const WRITERS: u64 = 6;
/// How long clients write if the power does not fail before.
const MAX_WRITING: Duration = Duration::from_secs(2);
/// Operations of the disk in which that happens, at the latest.
const MAX_OPERATIONS: u64 = 2500;
/// Behind the beginning of a log it happens within so many. There it matters which of two logs is synced.
const OPERATIONS_BEHIND_LOG: u64 = 20;
/// The same for a start: it takes about as many.
const OPERATIONS_AT_START: u64 = 80;
/// So many that it does not fail.
const NEVER: u64 = 1 << 40;

/// Runs a seed.
///
/// # Errors
///
/// If something is not as it has to be: says what, and where the files are.
pub fn run(seed: u64, config: &Config) -> Result<Report, String> {
    let machine = Machine::new()?;
    let mut run = Run {
        machine,
        journal: Arc::default(),
        random: Random::new(seed),
        report: Report::default(),
    };
    let outcome = run.run(config);
    let Run { machine, report, .. } = run;
    match outcome {
        Ok(()) => Ok(report),
        Err(what) if config.disk_lies => Err(what),
        Err(what) => Err(format!("{what}. The files are in {}", machine.keep().display())),
    }
}

struct Run {
    machine: Machine,
    journal: Arc<Mutex<Journal>>,
    random: Random,
    report: Report,
}

impl Run {
    fn run(&mut self, config: &Config) -> Result<(), String> {
        if config.disk_lies {
            self.machine.disk.lie_about_logs();
        }
        for _ in 0..config.failures {
            let running = self.start()?;
            self.write(running)?;
            self.report.failures += 1;
            self.restore();
        }
        // In the end nothing happens, and a plain start finds the same.
        let running = self.start()?;
        let (found, _) = running.read()?;
        running.stop()?;
        let running = self.machine.start_plainly()?;
        let (found_plainly, _) = running.read()?;
        running.stop()?;
        if found_plainly != found {
            return Err("an orderly end and a start have changed what is there".into());
        }
        let counts = self.machine.disk.counts();
        self.report.logs_reused = counts.logs_reused;
        self.report.ingested = counts.links;
        Ok(())
    }

    /// The power is back.
    fn restore(&mut self) {
        let seed = self.random.bits();
        self.report.losses += u64::from(self.machine.disk.restore(seed));
    }

    /// Starts the database and judges what it finds, after any number of failures.
    fn start(&mut self) -> Result<Running, String> {
        loop {
            let operations = match self.random.below(2) {
                0 => 1 + self.random.below(OPERATIONS_AT_START),
                _ => NEVER,
            };
            self.machine.disk.cut_after(operations);
            if let Some(running) = self.machine.start(&mut self.random)? {
                let read = running.read();
                // Unless there is power now, what was read may not have been made durable.
                if !self.machine.disk.is_off() {
                    let (found, visible) = read?;
                    let starts = running.range_starts();
                    let verdict = self.journal.lock().judge(found, &starts, visible)?;
                    for id in &verdict.there {
                        if !running.is_not_after(*id, visible)? {
                            return Err(format!("commit {id} has a version after {visible:?}"));
                        }
                    }
                    self.report.add(&verdict);
                    self.machine.disk.cut_after(NEVER);
                    return Ok(running);
                }
                running.stop()?;
            }
            self.report.failures_at_start += 1;
            self.restore();
        }
    }

    /// Clients write until the power fails.
    fn write(&mut self, running: Running) -> Result<(), String> {
        let world = Arc::new(World {
            manager: running.manager.clone(),
            journal: self.journal.clone(),
            is_over: AtomicBool::new(false),
            disk: self.machine.disk.clone(),
        });
        let disk = &self.machine.disk;
        disk.cut_after(1 + self.random.below(MAX_OPERATIONS));
        if self.random.below(2) == 0 {
            let operations = 1 + self.random.below(OPERATIONS_BEHIND_LOG);
            disk.cut_behind_log(self.random.below(6), operations);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .map_err(|error| error.to_string())?;
        let writers: Vec<_> = (0..WRITERS).map(|_| Random::new(self.random.bits())).collect();
        let random = Random::new(self.random.bits());
        std::thread::scope(|scope| {
            let (engine, of_thread) = (running.engine.clone(), world.clone());
            scope.spawn(move || look_after(&of_thread, &engine, random));
            runtime.block_on(async {
                let mut tasks = JoinSet::new();
                for random in writers {
                    tasks.spawn(write(world.clone(), random));
                }
                let started = Instant::now();
                while !disk.is_off() && started.elapsed() < MAX_WRITING {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                disk.cut_after(0);
                world.is_over.store(true, Ordering::Relaxed);
                // Who waits for a lock of a commit that failed would wait for ever.
                tasks.abort_all();
                while let Some(ended) = tasks.join_next().await {
                    if ended.is_err_and(|error| error.is_panic()) {
                        world.journal.lock().complain("a client panicked".into());
                    }
                }
            });
            // This waits for bulk commits, which fail.
            drop(runtime);
        });
        drop(world);
        running.stop()?;
        match self.journal.lock().complaint() {
            None => Ok(()),
            Some(what) => Err(what.into()),
        }
    }
}
