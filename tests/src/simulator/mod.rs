//! Transactions under a scheduler that a seed decides, with power cuts.
//!
//! The transaction layer runs as it is, on the engine in memory, on one thread. Simulated clients
//! are futures; a seed decides who takes the next step, when the log is synced, ranges are looked
//! after and garbage is collected, how the clock moves, which client vanishes in the middle, and
//! when the power fails and how much of what was not synced is on disk all the same. Nothing else has a
//! say (hash tables have random seeds, but only look-ups go through them), so a seed that failed
//! fails again, step by step.
//!
//! What clients saw is a [`History`], which the [checker](crate::history) holds to the levels that
//! they asked for. Beside that: an acknowledged commit outlives any crash, clients never wait for each
//! other in a circle, and in the end nothing is locked and no snapshot is in the way of garbage.
//!
//! * [`executor`], [`random`], [`clock`] and [`engine`] take the place of the runtime, of chance, time
//!   and disk.
//! * [`keys`] is what is stored, [`statement`] what is done to it, [`client`] who does it.
//! * [`world`] is what clients share, [`record`] keeps what happened.

pub mod client;
pub mod clock;
pub mod engine;
pub mod executor;
pub mod keys;
pub mod random;
pub mod record;
pub mod statement;
#[cfg(test)]
mod tests;
pub mod world;

use std::fmt::Display;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use cairn_storage::{Background, Store, StoreOptions};
use cairn_txn::ssi::Rules;
use cairn_txn::{Access, Isolation, LockMode, Options, TransactionManager};

use crate::history::{History, Level, Operation, Order, check};
use client::Client;
use clock::SimulatedClock;
use engine::TornEngine;
use executor::{Executor, block_on};
use random::Random;
use world::{Shape, World};

/// The levels of the transaction layer, each with what it is held to.
pub const LEVELS: &[(Isolation, Level)] = &[
    (Isolation::ReadCommitted, Level::ReadCommitted),
    (Isolation::RepeatableRead, Level::SnapshotIsolation),
    (Isolation::Serializable, Level::Serializable),
];

/// What all seeds of a series have in common.
#[derive(Clone, Debug)]
pub struct Config {
    /// Transactions that clients begin, retries included.
    pub transactions: u64,
    /// Levels that they may run at.
    pub levels: Vec<(Isolation, Level)>,
    /// Whether syncs do nothing: a fault that has to be found.
    pub disk_lies: bool,
    /// The rules of SERIALIZABLE: one that is left out is a fault that has to be found.
    pub rules: Rules,
    /// Changes what a seed has decided beforehand.
    pub reshape: fn(&mut Shape),
}

impl Default for Config {
    fn default() -> Self {
        Config {
            transactions: 300,
            levels: LEVELS.to_vec(),
            disk_lies: false,
            rules: Rules::all(),
            reshape: |_| {},
        }
    }
}

/// What a simulation that went well was like.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    /// What was done and seen.
    pub history: History,
    /// Everything that happened, in its order.
    pub trace: Vec<String>,
    /// Power cuts.
    pub crashes: u64,
}

/// When the simulated clock starts, in milliseconds since the Unix epoch.
const START_MS: u64 = 1_700_000_000_000;
/// How long old versions are kept, in simulated time.
const RETENTION: Duration = Duration::from_millis(20);
/// Memory of the row cache: little, so that it evicts.
const ROW_CACHE_BYTES: usize = 256 << 10;
/// Ranges above this are split: little, so that they are.
const RANGE_SPLIT_BYTES: u64 = 2_000;
/// Steps for each transaction after which a simulation will not end.
const MAX_STEPS: u64 = 20_000;
/// Lines of the trace in the report of a failure.
const TAIL_LINES: usize = 80;
/// The session of what is done while no clients run.
const OWN_SESSION: u64 = 0;

/// Runs the simulation of `seed`.
///
/// # Errors
///
/// If something happened that may not: says what, how to run it again, and what came before.
pub fn run(seed: u64, config: &Config) -> Result<Report, String> {
    let mut simulation = Simulation::new(seed, config)?;
    let outcome = simulation.run();
    let mut record = simulation.world.record();
    outcome.map_err(|what| {
        let trace = record.trace();
        let tail = trace.get(trace.len().saturating_sub(TAIL_LINES)..).unwrap_or_default();
        format!(
            "seed {seed} failed: {what}\n\nIt was {:?}; the last steps were:\n{}\n\nRun it again: {}",
            simulation.world.shape(),
            tail.join("\n"),
            replay(seed, config),
        )
    })?;
    let transactions = record.finish();
    let trace = record.trace().to_vec();
    let history = history_of(transactions);
    Ok(Report { history, trace, crashes: simulation.crashes })
}

/// The command that runs a seed again.
pub fn replay(seed: u64, config: &Config) -> String {
    format!(
        "SIM_FIRST_SEED={seed} SIM_SEEDS=1 SIM_TRANSACTIONS={} \
         cargo test --release --workspace --test transactions every_seed -- --nocapture",
        config.transactions
    )
}

/// The first transaction is the setup, and the last one read everything.
fn history_of(transactions: Vec<crate::history::Transaction>) -> History {
    let last = transactions.len() - 1;
    let (setup, final_read) = (Some(0), Some(last));
    History { transactions, setup, final_read, order: Order::RealTime }
}

fn open(
    engine: Arc<TornEngine>,
    clock: Arc<SimulatedClock>,
    transactions: &Options,
) -> Result<Manager, String> {
    let options = StoreOptions {
        row_cache_bytes: ROW_CACHE_BYTES,
        range_split_bytes: RANGE_SPLIT_BYTES,
        background: Background::Manual,
        ..StoreOptions::default()
    };
    // The log fails after each power cut, and is then no longer anybody's.
    let store = Store::on_engine(engine, None, &options, Box::new(|_| {})).map_err(text)?;
    TransactionManager::open(Arc::new(store), clock, transactions.clone()).map_err(text)
}

type Manager = Arc<TransactionManager>;

fn text(error: impl Display) -> String {
    error.to_string()
}

struct Simulation {
    world: Rc<World>,
    executor: Executor,
    engine: Arc<TornEngine>,
    clock: Arc<SimulatedClock>,
    options: Options,
    /// The session in each of the executor's slots.
    sessions: Vec<u64>,
    last_session: u64,
    last_slot: usize,
    max_steps: u64,
    crashes: u64,
}

impl Simulation {
    fn new(seed: u64, config: &Config) -> Result<Simulation, String> {
        let mut random = Random::new(seed);
        let mut shape = Shape::new(&mut random, &config.levels);
        (config.reshape)(&mut shape);
        let options = Options {
            gc_retention: RETENTION,
            ssi_limits: shape.ssi_limits,
            ssi_rules: config.rules,
            ..Options::default()
        };
        let clients = shape.clients;
        let engine = Arc::new(TornEngine::new(config.disk_lies));
        let clock = Arc::new(SimulatedClock::at(START_MS));
        let manager = open(engine.clone(), clock.clone(), &options)?;
        Ok(Simulation {
            world: Rc::new(World::new(shape, random, manager, config.transactions)),
            executor: Executor::new(clients),
            engine,
            clock,
            options,
            sessions: vec![OWN_SESSION; clients],
            last_session: OWN_SESSION,
            last_slot: 0,
            max_steps: (config.transactions + 1) * MAX_STEPS,
            crashes: 0,
        })
    }

    fn run(&mut self) -> Result<(), String> {
        self.set_up()?;
        (0..self.sessions.len()).for_each(|slot| self.spawn(slot));
        while !self.executor.running().is_empty() {
            self.step()?;
            if let Some(failure) = self.world.failure() {
                return Err(failure);
            }
        }
        if self.world.shape().crashes && self.world.one_in(2) {
            self.crash()?;
        }
        self.world.manager().store().sync_log();
        self.world.record().finish();
        self.world.forget_shared();
        self.read_everything()?;
        self.check_for_leaks()?;
        self.world.manager().close();
        let history = history_of(self.world.record().finish());
        let levels = self.world.shape().levels.iter().map(|(_, level)| *level);
        let level = levels.max().unwrap_or(Level::ReadCommitted);
        let anomalies = check(&history, level);
        match anomalies.is_empty() {
            true => Ok(()),
            false => Err(anomalies.iter().map(|anomaly| format!("\n{anomaly}")).collect()),
        }
    }

    fn spawn(&mut self, slot: usize) {
        self.last_session += 1;
        self.sessions[slot] = self.last_session;
        let client = Client::new(self.world.clone(), self.last_session);
        self.executor.spawn(slot, client.run());
    }

    fn note(&self, what: impl Display) {
        self.world.record().note(what);
    }

    /// What happens next.
    fn step(&mut self) -> Result<(), String> {
        let world = self.world.clone();
        let shape = world.shape();
        world.record().steps += 1;
        if world.record().steps > self.max_steps {
            return Err("there is no end to it".into());
        }
        if world.one_in(shape.sync_one_in) {
            self.note("sync");
            world.manager().store().sync_log();
        }
        self.turn_clock();
        if world.one_in(150) {
            self.note("collect garbage");
            world.manager().collect_garbage().map_err(text)?;
        }
        if world.one_in(300) {
            let changed = world.manager().store().maintain(Duration::from_secs(1));
            self.note(format_args!("maintain: {} ranges", changed.map_err(text)?));
        }
        if world.one_in(shape.drop_one_in) {
            let slot = world.one_of(&self.executor.running());
            self.executor.cancel(slot);
            world.record().abandoned(self.sessions[slot]);
            self.spawn(slot);
        }
        // While there is work left, so that there is something to lose.
        if shape.crashes && !world.is_done() && world.one_in(2500) {
            self.crash()?;
            (0..self.sessions.len()).for_each(|slot| self.spawn(slot));
        }
        let mut ready = self.executor.ready();
        if ready.is_empty() {
            self.note("all wait: sync");
            world.manager().store().sync_log();
            ready = self.executor.ready();
        }
        if ready.is_empty() {
            return Err("all clients wait, and nothing is left to wait for".into());
        }
        let goes_on = shape.is_sticky && ready.contains(&self.last_slot) && !world.one_in(5);
        if !goes_on {
            self.last_slot = world.one_of(&ready);
        }
        self.executor.poll(self.last_slot);
        Ok(())
    }

    fn turn_clock(&self) {
        let world = &self.world;
        if world.one_in(10) {
            self.clock.advance(world.below(4));
        }
        if world.one_in(3000) {
            let by_ms = world.below(300);
            self.note(format_args!("the clock goes back by {by_ms} ms"));
            self.clock.go_back(by_ms);
        }
    }

    /// Cuts the power, and starts again on what is on disk, without clients.
    fn crash(&mut self) -> Result<(), String> {
        let world = self.world.clone();
        self.crashes += 1;
        for (slot, session) in self.sessions.iter().enumerate() {
            self.executor.cancel(slot);
            world.record().abandoned(*session);
        }
        let unsynced = self.engine.unsynced();
        let kept = world.below(unsynced as u64 + 1) as usize;
        self.note(format_args!("the power fails: {kept} of {unsynced} unsynced batches stay"));
        let (engine, lost) = self.engine.cut_power(kept).map_err(text)?;
        // What is queued holds on to the manager, and fails now.
        world.manager().close();
        world.record().crashed(&lost)?;
        self.engine = Arc::new(engine);
        match world.one_in(4) {
            true => self.clock.go_back(world.below(10_000)),
            false => self.clock.advance(world.below(10_000)),
        }
        world.set_manager(open(self.engine.clone(), self.clock.clone(), &self.options)?);
        Ok(())
    }

    /// Lists are there and empty, which is how lists that are not there read, and registers have
    /// values.
    fn set_up(&self) -> Result<(), String> {
        let world = &self.world;
        let manager = world.manager();
        world.record().begin(OWN_SESSION, Level::ReadCommitted);
        let mut transaction = manager.begin(Isolation::ReadCommitted);
        transaction.begin_statement(Access::Write);
        let mut operations = Vec::new();
        for key in world.shape().keys.preloaded() {
            let mut values = Vec::new();
            if !keys::is_list(key) {
                let value = world.value();
                values.push(value);
                operations.push(Operation::Write { key, value });
            }
            let row = keys::encode_values(&values);
            transaction.put(keys::encode(key), row, false).map_err(text)?;
        }
        world.record().did(OWN_SESSION, operations);
        let stamp = world.record().committing(OWN_SESSION);
        transaction.on_commit(Box::new(move |at| {
            stamp.store(at.0, std::sync::atomic::Ordering::Relaxed);
        }));
        let commit = transaction.commit(true);
        block_on(commit, || manager.store().sync_log()).map_err(text)?;
        world.record().committed(OWN_SESSION);
        Ok(())
    }

    /// The last transaction, which sees all that was committed.
    fn read_everything(&self) -> Result<(), String> {
        let world = &self.world;
        let manager = world.manager();
        world.record().begin(OWN_SESSION, Level::ReadCommitted);
        let mut transaction = manager.begin(Isolation::ReadCommitted);
        transaction.begin_statement(Access::Read);
        let mut operations = Vec::new();
        for group in 0..world.shape().keys.groups {
            let range = keys::group(group);
            let rows = statement::scan(&transaction.view(), &range).map_err(text)?;
            operations.push(rows.into_operation(range));
        }
        transaction.end_statement();
        world.record().did(OWN_SESSION, operations);
        world.record().committing(OWN_SESSION);
        block_on(transaction.commit(true), || manager.store().sync_log()).map_err(text)?;
        world.record().committed(OWN_SESSION);
        Ok(())
    }

    /// Nobody is left, so nothing may be locked, and no snapshot may be in use.
    fn check_for_leaks(&self) -> Result<(), String> {
        let manager = self.world.manager();
        if !manager.locks().is_free(keys::TABLE, LockMode::AccessExclusive) {
            return Err("the table is still locked".into());
        }
        for key in self.world.all_keys() {
            if !manager.locks().is_free(&keys::encode(key), LockMode::ForUpdate) {
                return Err(format!("key {key} is still locked"));
            }
        }
        // Once all commits are older than the retention only a snapshot can hold the bound back.
        let newest = manager.begin(Isolation::ReadCommitted).snapshot_at();
        self.clock.advance(newest.unix_ms());
        manager.collect_garbage().map_err(text)?;
        let bound = manager.store().garbage_bound();
        match bound == newest {
            true => Ok(()),
            false => Err(format!("a snapshot is left: the bound is {bound:?}, not {newest:?}")),
        }
    }
}
