//! An engine, its ranges, its log and its maintenance: what transactions run on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::background::Background;
use crate::data_dir::DataDir;
use crate::engine::{Direction, Engine, Span, Visit, Write};
use crate::log_writer::{LogWriter, OnFatal, Submission};
use crate::ranges::{Range, Ranges};
use crate::rocks::{RocksEngine, RocksOptions};
use crate::row_cache::RowCache;
use crate::{Error, Result, Timestamp};

/// How often ranges are looked at.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(2);
/// How many maintenance rounds pass between writes of the statistics.
const ROUNDS_PER_PERSIST: u32 = 15;

/// Settings of a store.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Sizes of the engine on disk.
    pub rocks: RocksOptions,
    /// Memory for rows that are read by key.
    pub row_cache_bytes: usize,
    /// A range above this many bytes is split.
    pub range_split_bytes: u64,
    /// Who syncs the log and looks after the ranges.
    pub background: Background,
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions {
            rocks: RocksOptions::default(),
            row_cache_bytes: 256 << 20,
            range_split_bytes: 64 << 20,
            background: Background::Threads,
        }
    }
}

/// The storage layer's face to the transactions.
pub struct Store {
    engine: Arc<dyn Engine>,
    ranges: Arc<Ranges>,
    rows: Arc<RowCache>,
    log: Arc<LogWriter>,
    maintenance: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
    range_split_bytes: u64,
    background: Background,
    dir: Option<DataDir>,
}

impl Store {
    /// Opens or creates the store in `dir`. `on_fatal` hears of a log that cannot be written.
    pub fn open(dir: &Path, options: &StoreOptions, on_fatal: OnFatal) -> Result<Store> {
        let dir = DataDir::open(dir)?;
        let engine = Arc::new(RocksEngine::open(&dir.engine_path(), &options.rocks)?);
        Store::on_engine(engine, Some(dir), options, on_fatal)
    }

    /// A store on any engine.
    pub fn on_engine(
        engine: Arc<dyn Engine>,
        dir: Option<DataDir>,
        options: &StoreOptions,
        on_fatal: OnFatal,
    ) -> Result<Store> {
        let ranges = Arc::new(Ranges::load(&*engine)?);
        let rows = Arc::new(RowCache::new(options.row_cache_bytes));
        let (background, range_split_bytes) = (options.background, options.range_split_bytes);
        let parts = (engine.clone(), ranges.clone(), rows.clone());
        let log = match background {
            Background::Threads => LogWriter::start(parts.0, parts.1, parts.2, on_fatal)?,
            Background::Manual => LogWriter::manual(parts.0, parts.1, parts.2, on_fatal),
        };
        let log = Arc::new(log);
        let maintenance = match background {
            Background::Threads => {
                let parts = (engine.clone(), ranges.clone(), log.clone());
                Some(start_maintenance(parts.0, parts.1, parts.2, range_split_bytes)?)
            }
            Background::Manual => None,
        };
        let maintenance = Mutex::new(maintenance);
        Ok(Store { engine, ranges, rows, log, maintenance, range_split_bytes, background, dir })
    }

    /// Who does the work that no caller waits for.
    pub fn background(&self) -> Background {
        self.background
    }

    /// Syncs what was submitted and tells its submitters: what a thread does, unless the store's
    /// background is [`Background::Manual`].
    pub fn sync_log(&self) {
        self.log.sync_pending();
    }

    /// One round over the ranges, as a thread does it now and then unless the store's background
    /// is [`Background::Manual`]: splits, merges and refreshes rates, which are per second of the
    /// time `since` the round before. Returns how many ranges changed. Blocks on the log.
    pub fn maintain(&self, since: Duration) -> Result<usize> {
        let (split_bytes, interval_s) = (self.range_split_bytes, since.as_secs_f64());
        self.ranges.maintain(&*self.engine, &self.log, split_bytes, Timestamp::MAX, interval_s)
    }

    /// The value of `key` at `at`.
    pub fn get(&self, key: &[u8], at: Timestamp) -> Result<Option<Vec<u8>>> {
        self.ranges.note_read(key);
        if let Some(value) = self.rows.get(key, at) {
            return Ok(Some(value));
        }
        let value = self.engine.get(key, at)?;
        if let Some(value) = &value {
            self.rows.fill(key, at, value);
        }
        Ok(value)
    }

    /// The values of `keys` at `at`, in the order asked.
    pub fn multi_get(&self, keys: &[Vec<u8>], at: Timestamp) -> Result<Vec<Option<Vec<u8>>>> {
        let mut values = Vec::with_capacity(keys.len());
        let mut missing = Vec::new();
        for key in keys {
            self.ranges.note_read(key);
            let value = self.rows.get(key, at);
            if value.is_none() {
                missing.push(key.clone());
            }
            values.push(value);
        }
        if missing.is_empty() {
            return Ok(values);
        }
        let mut found = self.engine.multi_get(&missing, at)?.into_iter();
        for (key, value) in keys.iter().zip(&mut values) {
            if value.is_none() {
                *value = found.next().flatten();
                if let Some(value) = value {
                    self.rows.fill(key, at, value);
                }
            }
        }
        Ok(values)
    }

    /// Visits the live keys of `span` at `at`.
    pub fn scan(
        &self,
        span: &Span,
        at: Timestamp,
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        self.ranges.note_read(&span.start);
        self.engine.scan(span, at, direction, visit)
    }

    /// See [`Engine::newest_version`].
    pub fn newest_version(&self, key: &[u8]) -> Result<Option<Timestamp>> {
        self.engine.newest_version(key)
    }

    /// Queues a batch for the log; batches become visible and durable in the order of the
    /// calls.
    pub fn submit(&self, submission: Submission) {
        self.log.submit(submission);
    }

    /// See [`Engine::load`]. The caches and statistics hear of it as of a batch.
    pub fn load(&self, writes: &[Write]) -> Result<()> {
        self.engine.load(writes)?;
        self.rows.note(writes);
        self.ranges.note_writes(writes);
        Ok(())
    }

    /// See [`Engine::flush`].
    pub fn flush(&self) -> Result<()> {
        self.engine.flush()
    }

    /// See [`Engine::discard`].
    pub fn discard(&self, span: &Span) -> Result<()> {
        self.engine.discard(span)
    }

    /// Makes an error final, as one of the log is: nothing is accepted any more.
    pub fn fail(&self, error: &Error) {
        self.log.fail(error);
    }

    /// Where the layer above keeps its temporary files; `None` if the store has no directory.
    pub fn spill_path(&self) -> Option<PathBuf> {
        self.dir.as_ref().map(DataDir::spill_path)
    }

    /// See [`Engine::garbage_bound`].
    pub fn garbage_bound(&self) -> Timestamp {
        self.engine.garbage_bound()
    }

    /// See [`Engine::collect_garbage`].
    pub fn collect_garbage(&self, bound: Timestamp) -> Result<()> {
        self.engine.collect_garbage(bound)
    }

    /// Reads a key of the system space.
    pub fn system_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.engine.system_get(key)
    }

    /// The ranges in key order.
    pub fn ranges(&self) -> Vec<Arc<Range>> {
        self.ranges.list()
    }

    /// `span` cut at range boundaries: the units of a parallel scan.
    pub fn cut(&self, span: &Span) -> Vec<Span> {
        self.ranges.cut(span)
    }

    /// Estimated bytes and keys of the ranges that `span` touches.
    pub fn estimate(&self, span: &Span) -> (u64, u64) {
        self.ranges.estimate(span)
    }

    /// Gives `key` a range that starts there for good. Blocks on the log.
    pub fn anchor_range(&self, key: &[u8]) -> Result<()> {
        self.ranges.anchor(&self.log, key)
    }

    /// Takes back [`Store::anchor_range`]. Blocks on the log.
    pub fn release_range(&self, key: &[u8]) -> Result<()> {
        self.ranges.release_anchor(&self.log, key)
    }

    /// Splits the range of `key` there. Blocks on the log.
    pub fn split_range(&self, key: &[u8]) -> Result<()> {
        self.ranges.split_at(&*self.engine, &self.log, key, Timestamp::MAX)
    }

    /// Stops maintenance, persists the statistics and closes the log. Idempotent.
    pub fn close(&self) {
        if let Some((stop, thread)) = self.maintenance.lock().take() {
            drop(stop);
            let _ = thread.join();
            if let Err(error) = self.ranges.persist_statistics(&self.log) {
                tracing::warn!(%error, "could not persist range statistics");
            }
        }
        self.log.close();
        // Nothing is left in the log to be replayed at the next start.
        if let Err(error) = self.engine.flush() {
            tracing::warn!(%error, "could not flush the engine");
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

/// Looks after the ranges now and then until the sender is dropped.
fn start_maintenance(
    engine: Arc<dyn Engine>,
    ranges: Arc<Ranges>,
    log: Arc<LogWriter>,
    split_bytes: u64,
) -> Result<(Sender<()>, JoinHandle<()>)> {
    let (stop, stopped) = channel::<()>();
    let work = move || {
        let mut round = 0;
        let mut before = Instant::now();
        while stopped.recv_timeout(MAINTENANCE_INTERVAL)
            == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
        {
            let interval_s = before.elapsed().as_secs_f64();
            before = Instant::now();
            round += 1;
            let changed = ranges.maintain(&*engine, &log, split_bytes, Timestamp::MAX, interval_s);
            match changed {
                Ok(0) => {}
                Ok(changed) => tracing::info!(changed, "split or merged ranges"),
                Err(error) => tracing::warn!(%error, "range maintenance failed"),
            }
            if let Err(error) = engine.tend() {
                tracing::warn!(%error, "engine maintenance failed");
            }
            if round % ROUNDS_PER_PERSIST == 0
                && let Err(error) = ranges.persist_statistics(&log)
            {
                tracing::warn!(%error, "could not persist range statistics");
            }
        }
    };
    let thread = std::thread::Builder::new()
        .name("ranges".into())
        .spawn(work)
        .map_err(|error| Error::Engine(format!("no thread for maintenance: {error}")))?;
    Ok((stop, thread))
}
