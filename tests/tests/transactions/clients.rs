//! Real clients on a server that is killed: at each level, what they saw is judged.
//!
//! `HISTORY_SECONDS` (for a level), `HISTORY_KILL_EVERY_S`, `HISTORY_CLIENTS` and `HISTORY_SEED` make it longer and
//! other; the name of a test runs one level.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cairn_tests::history::Level;
use cairn_tests::workload::{Config, run};

use crate::from_env;

/// Two servers at a time would only slow each other down. Also for other tests with load.
pub static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

const DEFAULT_SECONDS: u64 = 15;
const DEFAULT_KILL_EVERY_S: u64 = 6;
const DEFAULT_CLIENTS: u64 = 8;
/// So few would be no evidence.
const LEAST_COMMITS: u64 = 500;

fn keeps_its_promises(level: Level) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let seconds = from_env("HISTORY_SECONDS", DEFAULT_SECONDS);
    let config = Config {
        level,
        duration: Duration::from_secs(seconds),
        kill_every: Duration::from_secs(from_env("HISTORY_KILL_EVERY_S", DEFAULT_KILL_EVERY_S)),
        clients: from_env("HISTORY_CLIENTS", DEFAULT_CLIENTS),
        seed: from_env("HISTORY_SEED", 1),
    };
    let report = run(&config).unwrap_or_else(|what| panic!("{config:?}: {what}"));
    assert!(report.kills > 0, "{report:?}");
    if seconds >= DEFAULT_SECONDS {
        assert!(report.counts.committed >= LEAST_COMMITS, "{report:?}");
        // The load is such that it would show if a level were no better than the one below.
        assert_ne!(report.breaks_next_level, Some(false), "{report:?}");
    }
}

#[test]
fn clients_at_read_committed() {
    keeps_its_promises(Level::ReadCommitted);
}

#[test]
fn clients_at_repeatable_read() {
    keeps_its_promises(Level::SnapshotIsolation);
}

#[test]
fn clients_at_serializable() {
    keeps_its_promises(Level::Serializable);
}
