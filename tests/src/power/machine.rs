//! A machine with a database on a disk whose power can fail.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cairn_storage::data_dir::DataDir;
use cairn_storage::rocks::{RocksEngine, RocksOptions};
use cairn_storage::{Direction, Engine, Store, StoreOptions, Timestamp};
use cairn_test_disk::Disk;
use cairn_txn::clock::{Clock, SystemClock};
use cairn_txn::{Access, Isolation, Options, TransactionManager};
use tempfile::TempDir;

use super::keys::{self, Found, Id};
use crate::simulator::random::Random;

/// Little, so that it is flushed and compacted all the time.
const MEMTABLE_BYTES: usize = 64 << 10;
const CACHE_BYTES: usize = 1 << 20;
const RANGE_SPLIT_BYTES: u64 = 64 << 10;
/// Writes beyond this go through files.
pub const SPILL_BYTES: usize = 128 << 10;
const RETENTION: Duration = Duration::from_millis(50);
const COLLECT_EVERY: Duration = Duration::from_millis(20);
/// How long threads may take to let go of an engine that is closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Where the transaction layer keeps the name of files that are committed and not yet loaded.
const BULK_RECORD: &[u8] = b"txn/bulk_commit";

fn rocks() -> RocksOptions {
    RocksOptions { cache_bytes: CACHE_BYTES, memtable_bytes: MEMTABLE_BYTES }
}

/// The system's clock, some time off.
struct Skewed(i64);

impl Clock for Skewed {
    fn now_ms(&self) -> u64 {
        SystemClock.now_ms().saturating_add_signed(self.0)
    }
}

/// See the module's head.
pub struct Machine {
    /// What it stores things on.
    pub disk: Arc<Disk>,
    dir: TempDir,
}

/// A database that is up.
pub struct Running {
    /// Begins transactions.
    pub manager: Arc<TransactionManager>,
    /// The engine beneath.
    pub engine: Arc<RocksEngine>,
}

impl Machine {
    /// A new one, without a database.
    pub fn new() -> Result<Machine, String> {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let attic = dir.path().join("attic");
        std::fs::create_dir(&attic).map_err(|error| error.to_string())?;
        Ok(Machine { disk: Arc::new(Disk::new(&attic)), dir })
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Leaves its files for somebody to look at, and says where.
    pub fn keep(self) -> PathBuf {
        self.dir.keep()
    }

    /// Starts the database. `None` if the power fails before it is up.
    pub fn start(&self, random: &mut Random) -> Result<Option<Running>, String> {
        let data = DataDir::open(&self.data()).map_err(|error| error.to_string())?;
        let engine = RocksEngine::open_in(&self.disk.env(), &data.engine_path(), &rocks());
        let engine = match engine {
            Ok(engine) => Arc::new(engine),
            Err(_) if self.disk.is_off() => return Ok(None),
            Err(error) => return Err(format!("the engine could not be opened: {error}")),
        };
        if let Err(what) = lose_files(&*engine, &data.spill_path(), random)
            && !self.disk.is_off()
        {
            return Err(what);
        }
        // Clocks go back, too.
        let skew_ms = [0, -3_600_000, 20_000][random.below(3) as usize];
        let manager = open(engine.clone(), data, skew_ms);
        match manager {
            Ok(manager) => Ok(Some(Running { manager, engine })),
            Err(_) if self.disk.is_off() => let_go(engine).map(|()| None),
            Err(error) => Err(format!("the database could not be opened: {error}")),
        }
    }

    /// Starts the database on the files as they are, without a disk in between.
    pub fn start_plainly(&self) -> Result<Running, String> {
        let data = DataDir::open(&self.data()).map_err(|error| error.to_string())?;
        let engine = RocksEngine::open(&data.engine_path(), &rocks());
        let engine = Arc::new(engine.map_err(|error| error.to_string())?);
        let manager = open(engine.clone(), data, 0).map_err(|error| error.to_string())?;
        Ok(Running { manager, engine })
    }
}

fn open(
    engine: Arc<RocksEngine>,
    data: DataDir,
    skew_ms: i64,
) -> cairn_txn::Result<Arc<TransactionManager>> {
    let options = StoreOptions {
        rocks: rocks(),
        row_cache_bytes: CACHE_BYTES,
        range_split_bytes: RANGE_SPLIT_BYTES,
        ..StoreOptions::default()
    };
    let store = Store::on_engine(engine, Some(data), &options, Box::new(|_| {}))?;
    let options = Options {
        gc_retention: RETENTION,
        gc_interval: COLLECT_EVERY,
        spill_bytes: SPILL_BYTES,
        ..Options::default()
    };
    TransactionManager::open(Arc::new(store), Arc::new(Skewed(skew_ms)), options)
}

/// Files of large transactions are written past the disk. Those that no record names have not been
/// committed, and need not have been synced: anything may have become of them.
fn lose_files(engine: &dyn Engine, spills: &Path, random: &mut Random) -> Result<(), String> {
    let Ok(entries) = std::fs::read_dir(spills) else { return Ok(()) };
    let record = engine.system_get(BULK_RECORD).map_err(|error| error.to_string())?;
    let record = record.unwrap_or_default();
    for entry in entries {
        let entry = entry.map_err(|error| error.to_string())?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let is_named = record.windows(name.len()).any(|part| part == name);
        let lost = match random.below(3) {
            _ if is_named => Ok(()),
            0 => std::fs::remove_file(entry.path()),
            1 => std::fs::write(entry.path(), b"lost"),
            _ => Ok(()),
        };
        lost.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Waits until nobody else has the engine, and closes it.
fn let_go(engine: Arc<RocksEngine>) -> Result<(), String> {
    let started = Instant::now();
    while Arc::strong_count(&engine) > 1 {
        if started.elapsed() > CLOSE_TIMEOUT {
            return Err("somebody holds on to an engine that is closed".into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(engine);
    Ok(())
}

impl Running {
    /// Ends it, in order if there is power. Nobody else may hold on to its parts for long.
    pub fn stop(self) -> Result<(), String> {
        self.manager.close();
        drop(self.manager);
        let_go(self.engine)
    }

    /// Everything that is there, and the timestamp that it was read at.
    pub fn read(&self) -> Result<(Found, Timestamp), String> {
        let failed = |error: cairn_txn::Error| format!("could not be read: {error}");
        let mut transaction = self.manager.begin(Isolation::ReadCommitted);
        transaction.begin_statement(Access::Read);
        let view = transaction.view();
        let mut found = Found::default();
        let mut wrong = None;
        let mut see = |seen: Result<(), String>| match seen {
            Ok(()) => ControlFlow::Continue(()),
            Err(what) => {
                wrong = Some(what);
                ControlFlow::Break(())
            }
        };
        let mut visit = |key: &[u8], value: &[u8]| see(found.add_row(key, value));
        view.scan(&keys::rows(), Direction::Forward, &mut visit).map_err(failed)?;
        let mut visit = |key: &[u8], value: &[u8]| see(found.add_slot(key, value));
        view.scan(&keys::slots(), Direction::Forward, &mut visit).map_err(failed)?;
        match wrong {
            None => Ok((found, view.at())),
            Some(what) => Err(what),
        }
    }

    /// Where ranges start.
    pub fn range_starts(&self) -> BTreeSet<Vec<u8>> {
        let ranges = self.manager.store().ranges();
        ranges.iter().map(|range| range.descriptor.span.start.clone()).collect()
    }

    /// Whether the rows of a commit have no version after `at`.
    pub fn is_not_after(&self, id: Id, at: Timestamp) -> Result<bool, String> {
        let newest = self.engine.newest_version(&keys::row_key(id, 0));
        let newest = newest.map_err(|error| format!("could not be read: {error}"))?;
        Ok(newest.is_none_or(|newest| newest <= at))
    }
}
