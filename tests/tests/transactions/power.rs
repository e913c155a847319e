//! Transactions on RocksDB whose power fails.
//!
//! `POWER_SEEDS`, `POWER_FIRST_SEED` and `POWER_FAILURES` (for each seed) make it longer. A seed that fails
//! says where its files are; it need not fail again, as threads are not the seed's.

use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use cairn_tests::power::{Config, Report, run};

use crate::{PROGRESS_INTERVAL, from_env};

const DEFAULT_SEEDS: u64 = 12;

#[test]
fn nothing_acknowledged_is_lost_with_the_power() {
    let config = Config::default();
    let config = Config { failures: from_env("POWER_FAILURES", config.failures), ..config };
    let seeds = from_env("POWER_SEEDS", DEFAULT_SEEDS);
    let first = from_env("POWER_FIRST_SEED", 1);
    let next = AtomicU64::new(0);
    let started = Instant::now();
    let done = Mutex::new((0, Report::default(), started));
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= seeds {
                return;
            }
            let seed = first + index;
            let report = run(seed, &config).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
            let mut done = done.lock().unwrap();
            done.0 += 1;
            done.1 = done.1.and(report);
            if done.2.elapsed() > PROGRESS_INTERVAL || done.0 == seeds {
                done.2 = Instant::now();
                let seconds = started.elapsed().as_secs();
                eprintln!("{} of {seeds} seeds, {seconds} s: {:?}", done.0, done.1);
            }
        }
    };
    // They wait more than they work.
    let threads = 2 * std::thread::available_parallelism().map_or(1, |threads| threads.get());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            worker.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
    let (_, report, _) = done.into_inner().unwrap();
    if seeds >= DEFAULT_SEEDS {
        // Else it would prove less than it says.
        let seen = [
            report.failures,
            report.failures_at_start,
            report.acknowledged,
            report.others,
            report.lost,
            report.bulk,
            report.logs_reused,
            report.ingested,
            report.losses,
        ];
        assert!(seen.iter().all(|count| *count > 0), "{report:?}");
    }
}

#[test]
fn a_log_that_is_not_synced_is_found_out() {
    let config = Config { disk_lies: true, ..Config::default() };
    let mut found = (1..=20).filter_map(|seed| run(seed, &config).err());
    assert!(found.any(|what| what.contains("was acknowledged and is gone")));
}
