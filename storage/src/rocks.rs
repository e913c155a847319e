//! The engine on RocksDB, with user-defined timestamps.
//!
//! Column family `data` holds the versioned keys. Its comparator is RocksDB's own for 64-bit
//! timestamps, chosen through an option string because the C interface has no call for it; a
//! comparator of ours would cost a call out of C++ for every comparison. The
//! default column family is the unversioned system space. Both share one log, so one batch
//! changes both atomically. `load` is the way for many writes.

mod load;
mod log_room;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rocksdb::perf::{PerfContext, PerfMetric, PerfStatsLevel, set_perf_stats};
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DBRawIteratorWithThreadMode,
    DBRecoveryMode, DBWithThreadMode, Env, FlushOptions, Options, ReadOptions, SingleThreaded,
    WriteBatch, WriteOptions,
};

use log_room::LogRoom;

use crate::dead_spans::{DeadSpans, MIN_TOMBSTONES};
use crate::engine::{Batch, Direction, Engine, Span, Visit, Write};
use crate::{Error, Result, Timestamp};

// Column families are fixed at opening, so nothing guards their handles.
type Db = DBWithThreadMode<SingleThreaded>;

const DATA: &str = "data";
const COMPARATOR: &str = "comparator=leveldb.BytewiseComparator.u64ts";

/// Flushed memtables that wait for a compaction into the rows below.
const L0_FILES: i32 = 6;

/// Log files that are kept to be written over, in place of new ones.
const RECYCLED_LOGS: usize = 4;

/// Sizes that an operator may want to set.
#[derive(Clone, Debug)]
pub struct RocksOptions {
    /// Block cache, in bytes.
    pub cache_bytes: usize,
    /// One memtable, in bytes; up to four may be in memory.
    pub memtable_bytes: usize,
}

impl Default for RocksOptions {
    fn default() -> Self {
        RocksOptions { cache_bytes: 1 << 30, memtable_bytes: 128 << 20 }
    }
}

/// An [`Engine`] on RocksDB.
pub struct RocksEngine {
    db: Db,
    dir: PathBuf,
    gc_bound: AtomicU64,
    /// How tables are written that are ingested.
    table: Options,
    ingests: AtomicU64,
    dead: DeadSpans,
    memtable_bytes: usize,
    room: LogRoom,
}

impl From<rocksdb::Error> for Error {
    fn from(error: rocksdb::Error) -> Self {
        Error::Engine(error.into_string())
    }
}

/// RocksDB's `u64ts` comparators take a timestamp as a little-endian fixed64.
fn encode(ts: Timestamp) -> [u8; 8] {
    ts.0.to_le_bytes()
}

fn decode(bytes: &[u8]) -> Result<Timestamp> {
    let bytes = bytes.try_into().map_err(|_| Error::Corrupted("timestamp size".into()))?;
    Ok(Timestamp(u64::from_le_bytes(bytes)))
}

/// Prefix of the tables that are made to be ingested.
const DRAFT: &str = "ingest-";

/// Removes what an interrupted ingest left. A draft may be a second name of a live table, so it
/// must not be written to again.
fn remove_drafts(dir: &Path) -> Result<()> {
    let failed = |error: std::io::Error| Error::Engine(format!("could not tidy up: {error}"));
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_string_lossy().starts_with(DRAFT) {
            std::fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    Ok(())
}

fn data_options(options: &RocksOptions, cache: &Cache) -> Result<Options> {
    let mut data = Options::default().get_options_from_string(COMPARATOR)?;
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_bloom_filter(10.0, false);
    // Indexes and filters (about a sixtieth of the data) stay in memory beside the cache: a look-up
    // of each of them in the cache would cost more than searching them.
    table.set_cache_index_and_filter_blocks(false);
    data.set_block_based_table_factory(&table);
    data.set_compression_type(rocksdb::DBCompressionType::Lz4);
    data.set_write_buffer_size(options.memtable_bytes);
    // Most reads look for rows that are in tables: a filter keeps them from searching memtables.
    data.set_memtable_whole_key_filtering(true);
    data.set_memtable_prefix_bloom_ratio(0.05);
    data.set_max_write_buffer_number(4);
    data.set_level_zero_file_num_compaction_trigger(L0_FILES);
    data.set_level_compaction_dynamic_level_bytes(true);
    Ok(data)
}

/// Adds a write of a versioned key to a batch.
fn add(batch: &mut WriteBatch, data: &ColumnFamily, write: &Write) {
    match &write.value {
        Some(value) => batch.put_cf_with_ts(data, &write.key, encode(write.at), value),
        None => batch.delete_cf_with_ts(data, &write.key, encode(write.at)),
    }
}

impl RocksEngine {
    /// Opens the store in `dir`, creating it when it is not there.
    pub fn open(dir: &Path, options: &RocksOptions) -> Result<RocksEngine> {
        RocksEngine::open_in(&Env::new()?, dir, options)
    }

    /// The same with files in `env`. Tests open stores on disks of their own.
    pub fn open_in(env: &Env, dir: &Path, options: &RocksOptions) -> Result<RocksEngine> {
        // Unlike the LRU cache's, its look-ups take no lock. Zero: it finds out the size of blocks.
        let cache = Cache::new_hyper_clock_cache(options.cache_bytes, 0);
        let mut shared = Options::default();
        shared.create_if_missing(true);
        shared.create_missing_column_families(true);
        // One flush and one compaction at a time. Compactions take what processor time nothing else
        // wants: what they tidy up can wait, and clients cannot.
        shared.set_max_background_jobs(2);
        let mut env = env.clone();
        env.lower_thread_pool_cpu_priority();
        env.lower_high_priority_thread_pool_cpu_priority();
        shared.set_env(&env);
        // Batches come one at a time.
        shared.set_allow_concurrent_memtable_write(false);
        shared.set_enable_write_thread_adaptive_yield(false);
        shared.set_bytes_per_sync(1 << 20);
        shared.set_keep_log_file_num(5);
        // Both families flush together: else the small one, which every commit touches, would
        // keep logs alive long after the other's rows are in tables, and a start replays logs.
        shared.set_atomic_flush(true);
        // A file that is written over keeps its size, so a sync of it writes no metadata: on ext4 that
        // takes little more than half as long.
        shared.set_recycle_log_file_num(RECYCLED_LOGS);
        // Behind the end of such a log is what was in the file before, so a replay ends at the first
        // record that is not a whole one of this log, and goes on with the next log only if that
        // begins with the number that is due. It cannot tell the end from damage: commits behind a
        // damaged record are gone, without a word. The modes that would refuse to open then, also
        // refuse to write over logs.
        shared.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
        shared.set_max_total_wal_size(2 * options.memtable_bytes as u64);
        shared.set_skip_stats_update_on_db_open(true);
        let families = [
            ColumnFamilyDescriptor::new("default", Options::default()),
            ColumnFamilyDescriptor::new(DATA, data_options(options, &cache)?),
        ];
        remove_drafts(dir)?;
        let mut table = data_options(options, &cache)?;
        table.set_env(&env);
        let db = Db::open_cf_descriptors(&shared, dir, families)?;
        let engine = RocksEngine {
            db,
            dir: dir.to_path_buf(),
            gc_bound: AtomicU64::new(0),
            table,
            ingests: AtomicU64::new(0),
            dead: DeadSpans::default(),
            memtable_bytes: options.memtable_bytes,
            room: LogRoom::default(),
        };
        let bound = engine.db.get_full_history_ts_low(engine.data()?)?;
        if !bound.is_empty() {
            engine.gc_bound.store(decode(&bound)?.0, Ordering::Release);
        }
        Ok(engine)
    }

    fn data(&self) -> Result<&ColumnFamily> {
        self.db.cf_handle(DATA).ok_or_else(|| Error::Corrupted("no data column family".into()))
    }

    fn flush_families(&self) -> Result<()> {
        let default = self.db.cf_handle("default");
        let families: Vec<_> = default.into_iter().chain([self.data()?]).collect();
        Ok(self.db.flush_cfs_opt(&families, &FlushOptions::default())?)
    }

    fn read_options(&self, at: Timestamp) -> Result<ReadOptions> {
        if at.0 < self.gc_bound.load(Ordering::Acquire) {
            return Err(Error::SnapshotTooOld);
        }
        let mut options = ReadOptions::default();
        options.set_timestamp(encode(at));
        Ok(options)
    }
}

thread_local! {
    static COUNTS: PerfContext = {
        set_perf_stats(PerfStatsLevel::EnableCount);
        PerfContext::default()
    };
}

/// Tombstones that this thread's iterators have walked over.
pub(crate) fn tombstones() -> u64 {
    COUNTS.with(|counts| counts.metric(PerfMetric::InternalDeleteSkippedCount))
}

impl RocksEngine {
    /// Goes to the first live key from `start` on, over known tombstones without a look.
    fn seek(&self, rows: &mut DBRawIteratorWithThreadMode<'_, Db>, span: &Span, at: Timestamp) {
        let before = tombstones();
        match self.dead.skip(&span.start, at) {
            Some(behind) => rows.seek(behind),
            None => rows.seek(&span.start),
        }
        if tombstones().wrapping_sub(before) < MIN_TOMBSTONES {
            return;
        }
        match rows.key() {
            Some(found) => self.dead.add(&span.start, found, at),
            None if rows.status().is_ok() => self.dead.add(&span.start, &span.end, at),
            None => {}
        }
    }
}

impl Engine for RocksEngine {
    fn get(&self, key: &[u8], at: Timestamp) -> Result<Option<Vec<u8>>> {
        let options = self.read_options(at)?;
        let value = self.db.get_pinned_cf_opt(self.data()?, key, &options)?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn multi_get(&self, keys: &[Vec<u8>], at: Timestamp) -> Result<Vec<Option<Vec<u8>>>> {
        let options = self.read_options(at)?;
        let values = self.db.batched_multi_get_cf_opt(self.data()?, keys, false, &options);
        values.into_iter().map(|value| Ok(value?.map(|value| value.to_vec()))).collect()
    }

    fn scan(
        &self,
        span: &Span,
        at: Timestamp,
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        let mut options = self.read_options(at)?;
        if span.is_empty() {
            return Ok(());
        }
        options.set_iterate_lower_bound(span.start.as_slice());
        if !span.end.is_empty() {
            options.set_iterate_upper_bound(span.end.as_slice());
        }
        let mut rows = self.db.raw_iterator_cf_opt(self.data()?, options);
        match direction {
            Direction::Forward => self.seek(&mut rows, span, at),
            Direction::Reverse => rows.seek_to_last(),
        }
        while let Some((key, value)) = rows.item() {
            if let ControlFlow::Break(()) = visit(key, value) {
                return Ok(());
            }
            match direction {
                Direction::Forward => rows.next(),
                Direction::Reverse => rows.prev(),
            }
        }
        Ok(rows.status()?)
    }

    fn newest_version(&self, key: &[u8]) -> Result<Option<Timestamp>> {
        // A start timestamp makes the iterator show every version, deletions included.
        let span = Span::point(key);
        let mut options = ReadOptions::default();
        options.set_timestamp(encode(Timestamp::MAX));
        options.set_iter_start_ts(encode(Timestamp(self.gc_bound.load(Ordering::Acquire))));
        options.set_iterate_upper_bound(span.end);
        let mut versions = self.db.raw_iterator_cf_opt(self.data()?, options);
        versions.seek(key);
        let newest = versions.timestamp().map(decode).transpose()?;
        versions.status()?;
        Ok(newest)
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        let data = self.data()?;
        let mut rocks = WriteBatch::default();
        for write in &batch.writes {
            add(&mut rocks, data, write);
        }
        for (key, value) in &batch.system {
            match value {
                Some(value) => rocks.put(key, value),
                None => rocks.delete(key),
            }
        }
        self.room.note(rocks.size_in_bytes());
        self.db.write_opt(rocks, &WriteOptions::default())?;
        self.dead.note(&batch.writes);
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        Ok(self.db.flush_wal(true)?)
    }

    fn collect_garbage(&self, bound: Timestamp) -> Result<()> {
        let previous = self.gc_bound.fetch_max(bound.0, Ordering::AcqRel);
        if bound.0 > previous {
            self.db.increase_full_history_ts_low(self.data()?, encode(bound))?;
        }
        Ok(())
    }

    fn garbage_bound(&self) -> Timestamp {
        Timestamp(self.gc_bound.load(Ordering::Acquire))
    }

    fn flush(&self) -> Result<()> {
        self.flush_families()
    }

    fn tend(&self) -> Result<()> {
        self.make_log_room()
    }

    fn load(&self, writes: &[Write]) -> Result<()> {
        self.load_writes(writes)
    }

    /// Files that have nothing else go at once, without a tombstone for each key.
    fn discard(&self, span: &Span) -> Result<()> {
        // They are gone for good when this returns, so it must not be lost why: a power failure
        // would bring back the table that was dropped, and not its rows.
        self.sync()?;
        Ok(self.db.delete_file_in_range_cf(self.data()?, &span.start, &span.end)?)
    }

    fn checkpoint(&self, dir: &Path) -> Result<()> {
        Ok(rocksdb::checkpoint::Checkpoint::new(&self.db)?.create_checkpoint(dir)?)
    }

    fn system_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.db.get(key)?)
    }

    fn system_scan(&self, prefix: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut rows = self.db.raw_iterator();
        rows.seek(prefix);
        let mut found = Vec::new();
        while let Some((key, value)) = rows.item() {
            if !key.starts_with(prefix) {
                break;
            }
            found.push((key.to_vec(), value.to_vec()));
            rows.next();
        }
        rows.status()?;
        Ok(found)
    }
}
