//! The engine in memory: an ordered map under one lock.
//!
//! It exists to be obviously right. Tests compare RocksDB with it, and the layers above run on
//! it where a test wants no disk.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::path::Path;

use parking_lot::RwLock;

use crate::engine::{Batch, Direction, Engine, Span, Visit, Write};
use crate::{Error, Result, Timestamp};

/// The versions of one key, oldest first; `None` is a deletion.
type Versions = Vec<(Timestamp, Option<Vec<u8>>)>;

#[derive(Default)]
struct State {
    data: BTreeMap<Vec<u8>, Versions>,
    system: BTreeMap<Vec<u8>, Vec<u8>>,
    gc_bound: Timestamp,
}

/// An [`Engine`] without a disk.
#[derive(Default)]
pub struct MemoryEngine {
    state: RwLock<State>,
}

impl MemoryEngine {
    /// An empty store.
    pub fn new() -> MemoryEngine {
        MemoryEngine::default()
    }
}

impl State {
    fn check_bound(&self, at: Timestamp) -> Result<()> {
        if at < self.gc_bound { Err(Error::SnapshotTooOld) } else { Ok(()) }
    }

    fn put(&mut self, key: &[u8], at: Timestamp, value: Option<Vec<u8>>) {
        let versions = self.data.entry(key.to_vec()).or_default();
        match versions.last_mut() {
            Some((last, slot)) if *last == at => *slot = value,
            last => {
                assert!(last.is_none_or(|(last, _)| *last < at), "versions must rise");
                versions.push((at, value));
            }
        }
    }
}

fn visible(versions: &Versions, at: Timestamp) -> Option<&Vec<u8>> {
    let newest = versions.partition_point(|(ts, _)| *ts <= at).checked_sub(1)?;
    versions.get(newest)?.1.as_ref()
}

impl Engine for MemoryEngine {
    fn get(&self, key: &[u8], at: Timestamp) -> Result<Option<Vec<u8>>> {
        let state = self.state.read_recursive();
        state.check_bound(at)?;
        Ok(state.data.get(key).and_then(|versions| visible(versions, at)).cloned())
    }

    fn multi_get(&self, keys: &[Vec<u8>], at: Timestamp) -> Result<Vec<Option<Vec<u8>>>> {
        keys.iter().map(|key| self.get(key, at)).collect()
    }

    fn scan(
        &self,
        span: &Span,
        at: Timestamp,
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        let state = self.state.read_recursive();
        state.check_bound(at)?;
        if span.is_empty() {
            return Ok(());
        }
        let end = if span.end.is_empty() {
            Bound::Unbounded
        } else {
            Bound::Excluded(span.end.as_slice())
        };
        let range = state.data.range::<[u8], _>((Bound::Included(span.start.as_slice()), end));
        let mut step = |(key, versions): (&Vec<u8>, &Versions)| match visible(versions, at) {
            Some(value) => visit(key, value),
            None => ControlFlow::Continue(()),
        };
        let _ = match direction {
            Direction::Forward => range.into_iter().try_for_each(&mut step),
            Direction::Reverse => range.into_iter().rev().try_for_each(&mut step),
        };
        Ok(())
    }

    fn newest_version(&self, key: &[u8]) -> Result<Option<Timestamp>> {
        let state = self.state.read_recursive();
        Ok(state.data.get(key).and_then(|versions| versions.last()).map(|(ts, _)| *ts))
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        let mut state = self.state.write();
        for write in &batch.writes {
            state.put(&write.key, write.at, write.value.clone());
        }
        for (key, value) in &batch.system {
            match value {
                Some(value) => state.system.insert(key.clone(), value.clone()),
                None => state.system.remove(key),
            };
        }
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn collect_garbage(&self, bound: Timestamp) -> Result<()> {
        let mut state = self.state.write();
        state.gc_bound = state.gc_bound.max(bound);
        let bound = state.gc_bound;
        state.data.retain(|_, versions| {
            let seen_at_bound = versions.partition_point(|(ts, _)| *ts <= bound);
            versions.drain(..seen_at_bound.saturating_sub(1));
            if versions.first().is_some_and(|(ts, value)| *ts < bound && value.is_none()) {
                versions.remove(0);
            }
            !versions.is_empty()
        });
        Ok(())
    }

    fn garbage_bound(&self) -> Timestamp {
        self.state.read_recursive().gc_bound
    }

    fn flush(&self) -> Result<()> {
        Ok(())
    }

    fn load(&self, writes: &[Write]) -> Result<()> {
        let mut state = self.state.write();
        for write in writes {
            state.put(&write.key, write.at, write.value.clone());
        }
        Ok(())
    }

    fn checkpoint(&self, dir: &Path) -> Result<()> {
        Err(Error::Io {
            action: "write a checkpoint of the in-memory engine to",
            path: dir.to_path_buf(),
            message: "it has no files".into(),
        })
    }

    fn system_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.state.read_recursive().system.get(key).cloned())
    }

    fn system_scan(&self, prefix: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let state = self.state.read_recursive();
        let rows = state.system.range(prefix.to_vec()..);
        Ok(rows
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }
}
