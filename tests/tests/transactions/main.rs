//! Evidence for isolation and durability: the transaction layer under the simulator, seed after seed,
//! [without one of its rules](ssi_rules), when it has to fail, and on RocksDB when the [power fails](power);
//! [real clients](clients)
//! under our own judge and under [another one](second_opinion); whole servers under [isolation specs](isolation) of
//! our own and [PostgreSQL's](postgres_specs).
//!
//! `SIM_SEEDS`, `SIM_FIRST_SEED` and `SIM_TRANSACTIONS` (for each seed) make it longer; a seed that fails
//! says how to run it alone.

mod clients;
mod isolation;
mod postgres_specs;
mod power;
mod second_opinion;
mod ssi_rules;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cairn_tests::simulator::{Config, Report, replay, run};

const DEFAULT_SEEDS: u64 = 300;
/// Between two lines about how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(10);

fn from_env(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(value) => value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")),
        Err(_) => default,
    }
}

/// Does `work` with each index below `count`, on all processors.
fn share_out(count: u64, work: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(0);
    let all = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return;
            }
            work(index);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(all)).collect();
        for worker in workers {
            worker.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
}

/// Runs a seed; one that panics says which it was.
fn run_seed(seed: u64, config: &Config) -> Result<Report, String> {
    catch_unwind(AssertUnwindSafe(|| run(seed, config))).unwrap_or_else(|panic| {
        eprintln!("seed {seed} panicked. Run it again: {}", replay(seed, config));
        resume_unwind(panic)
    })
}

#[test]
fn every_seed_keeps_its_promises() {
    let config = Config::default();
    let transactions = from_env("SIM_TRANSACTIONS", config.transactions);
    let config = Config { transactions, ..config };
    let (seeds, first) = (from_env("SIM_SEEDS", DEFAULT_SEEDS), from_env("SIM_FIRST_SEED", 1));
    let (done, crashes) = (AtomicU64::new(0), AtomicU64::new(0));
    let started = Instant::now();
    let said = Mutex::new(started);
    share_out(seeds, |index| {
        let report = run_seed(first + index, &config).unwrap_or_else(|what| panic!("{what}"));
        crashes.fetch_add(report.crashes, Ordering::Relaxed);
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        let mut said = said.lock().unwrap();
        if said.elapsed() > PROGRESS_INTERVAL || done == seeds {
            *said = Instant::now();
            eprintln!(
                "{done} of {seeds} seeds, {} transactions, {} power cuts, {:.0} s",
                done * config.transactions,
                crashes.load(Ordering::Relaxed),
                started.elapsed().as_secs_f64(),
            );
        }
    });
    if seeds >= DEFAULT_SEEDS {
        assert!(crashes.into_inner() > 0, "no seed has cut the power");
    }
}

#[test]
fn two_runs_of_a_seed_are_the_same() {
    let config = Config::default();
    for seed in [1, 2, 3, 17, 4711] {
        let [one, two] = [(); 2].map(|()| run_seed(seed, &config).unwrap());
        for (step, (one, two)) in one.trace.iter().zip(&two.trace).enumerate() {
            assert_eq!(one, two, "seed {seed}, line {step} of the trace");
        }
        assert!(one == two, "seed {seed}");
    }
}

#[test]
fn a_disk_that_lies_is_found_out() {
    let config = Config { disk_lies: true, ..Config::default() };
    let mut found = (1..=30).filter_map(|seed| run(seed, &config).err());
    assert!(found.any(|what| what.contains("was acknowledged")));
}
