//! The engine in memory, with a log that a power cut can tear.
//!
//! It keeps every batch in the order of the writes and knows up to which of them it was synced. After
//! a cut another engine starts on a prefix of them: all that was synced, and as many of the others as
//! happened to be on disk already, since batches are written in order and each is all there or not at
//! all.

use std::collections::BTreeSet;
use std::path::Path;

use cairn_storage::engine::Visit;
use cairn_storage::memory::MemoryEngine;
use cairn_storage::{Batch, Direction, Engine, Error, Result, Span, Timestamp, Write};
use parking_lot::Mutex;

#[derive(Default)]
struct Log {
    batches: Vec<Batch>,
    /// Batches before this are durable.
    synced: usize,
    is_cut: bool,
}

/// See the module's head.
#[derive(Default)]
pub struct TornEngine {
    memory: MemoryEngine,
    log: Mutex<Log>,
    /// Whether syncs succeed without doing anything, as on a disk that lies.
    lies: bool,
}

impl TornEngine {
    /// An empty engine; if it `lies`, its syncs do nothing.
    pub fn new(lies: bool) -> TornEngine {
        TornEngine { lies, ..TornEngine::default() }
    }

    /// The number of batches that a power cut may lose.
    pub fn unsynced(&self) -> usize {
        let log = self.log.lock();
        log.batches.len() - log.synced
    }

    /// Cuts the power: nothing works from now on. Returns the engine that is found afterwards if
    /// `kept` unsynced batches were on disk all the same, and the timestamps of all versions lost.
    pub fn cut_power(&self, kept: usize) -> Result<(TornEngine, BTreeSet<Timestamp>)> {
        let mut log = self.log.lock();
        assert!(!log.is_cut, "there is no power to cut");
        log.is_cut = true;
        let mut batches = std::mem::take(&mut log.batches);
        let lost = batches.split_off(log.synced + kept);
        let after = TornEngine::new(self.lies);
        for batch in &batches {
            after.memory.write(batch)?;
        }
        // The bound is the engine's own and may have been on disk before all of that.
        after.memory.collect_garbage(self.memory.garbage_bound())?;
        *after.log.lock() = Log { synced: batches.len(), batches, is_cut: false };
        let lost = lost.iter().flat_map(|batch| &batch.writes).map(|write| write.at);
        Ok((after, lost.collect()))
    }
}

fn check(log: &Log) -> Result<()> {
    match log.is_cut {
        true => Err(Error::Engine("there is no power".into())),
        false => Ok(()),
    }
}

impl Engine for TornEngine {
    fn get(&self, key: &[u8], at: Timestamp) -> Result<Option<Vec<u8>>> {
        self.memory.get(key, at)
    }

    fn multi_get(&self, keys: &[Vec<u8>], at: Timestamp) -> Result<Vec<Option<Vec<u8>>>> {
        self.memory.multi_get(keys, at)
    }

    fn scan(
        &self,
        span: &Span,
        at: Timestamp,
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        self.memory.scan(span, at, direction, visit)
    }

    fn newest_version(&self, key: &[u8]) -> Result<Option<Timestamp>> {
        self.memory.newest_version(key)
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        let mut log = self.log.lock();
        check(&log)?;
        log.batches.push(batch.clone());
        self.memory.write(batch)
    }

    fn sync(&self) -> Result<()> {
        let mut log = self.log.lock();
        check(&log)?;
        if !self.lies {
            log.synced = log.batches.len();
        }
        Ok(())
    }

    fn collect_garbage(&self, bound: Timestamp) -> Result<()> {
        self.memory.collect_garbage(bound)
    }

    fn garbage_bound(&self) -> Timestamp {
        self.memory.garbage_bound()
    }

    fn flush(&self) -> Result<()> {
        self.sync()
    }

    fn load(&self, writes: &[Write]) -> Result<()> {
        self.write(&Batch { writes: writes.to_vec(), system: Vec::new() })
    }

    fn checkpoint(&self, dir: &Path) -> Result<()> {
        self.memory.checkpoint(dir)
    }

    fn system_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.memory.system_get(key)
    }

    fn system_scan(&self, prefix: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.memory.system_scan(prefix)
    }
}
