//! The contract between cairn and a storage engine.
//!
//! An engine is an ordered map of byte strings. Each key has versions, one per timestamp at
//! which it was put or deleted; a read names the timestamp it reads at and sees, of each key,
//! the newest version not above it. Scans call a visitor instead of returning an iterator:
//! rows are seen in place without a copy, no cursor outlives its call (so none pins
//! old files while a client is slow), and no lifetime leaks into the layers above. A caller
//! that stops early resumes from the key after the last one it saw.

use std::ops::ControlFlow;
use std::path::Path;

use crate::{Result, Timestamp};

/// The first bytes of a key say which index it is of: no scan for a reader leaves its index.
pub const INDEX_PREFIX_BYTES: usize = 5;

/// A half-open interval of keys. An empty `end` means "to the end of the key space".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First key inside.
    pub start: Vec<u8>,
    /// First key outside; empty: none.
    pub end: Vec<u8>,
}

impl Span {
    /// The keys from `start` up to, not including, `end`.
    pub fn new(start: impl Into<Vec<u8>>, end: impl Into<Vec<u8>>) -> Span {
        Span { start: start.into(), end: end.into() }
    }

    /// All keys that begin with `prefix`.
    pub fn prefix(prefix: &[u8]) -> Span {
        Span { start: prefix.to_vec(), end: prefix_end(prefix) }
    }

    /// Exactly one key.
    pub fn point(key: &[u8]) -> Span {
        let mut end = key.to_vec();
        end.push(0);
        Span { start: key.to_vec(), end }
    }

    /// Whether no key can be inside.
    pub fn is_empty(&self) -> bool {
        !self.end.is_empty() && self.start >= self.end
    }

    /// Whether `key` is inside.
    pub fn contains(&self, key: &[u8]) -> bool {
        key >= self.start.as_slice() && (self.end.is_empty() || key < self.end.as_slice())
    }

    /// The part that both spans cover.
    pub fn intersect(&self, other: &Span) -> Span {
        let start = self.start.clone().max(other.start.clone());
        let end = match (self.end.is_empty(), other.end.is_empty()) {
            (true, _) => other.end.clone(),
            (_, true) => self.end.clone(),
            _ => self.end.clone().min(other.end.clone()),
        };
        Span { start, end }
    }
}

/// The first key after all keys that begin with `prefix`; empty when there is none.
pub fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            break;
        }
    }
    end
}

/// Order in which a scan visits keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest key first.
    Forward,
    /// Largest key first.
    Reverse,
}

/// One change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The version's timestamp.
    pub at: Timestamp,
    /// The key.
    pub key: Vec<u8>,
    /// The new value, or `None` for a deletion.
    pub value: Option<Vec<u8>>,
    /// Whether the key had a live version before; feeds the ranges' key counts.
    pub existed: bool,
}

/// Changes that become visible and durable together or not at all. The versions of one key
/// are in rising order of their timestamps, also across batches.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Changes of versioned keys.
    pub writes: Vec<Write>,
    /// Changes of the system space: unversioned keys of the store's own.
    pub system: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Batch {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.system.is_empty()
    }
}

/// Called for each key and value; `Break` ends the scan.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// A versioned, ordered key-value store. See the module's head for the semantics.
pub trait Engine: Send + Sync + 'static {
    /// The value of `key` at `at`.
    fn get(&self, key: &[u8], at: Timestamp) -> Result<Option<Vec<u8>>>;

    /// The values of several keys at `at`, in the order asked.
    fn multi_get(&self, keys: &[Vec<u8>], at: Timestamp) -> Result<Vec<Option<Vec<u8>>>>;

    /// Visits the live keys of `span` at `at`, in order.
    fn scan(
        &self,
        span: &Span,
        at: Timestamp,
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<()>;

    /// Timestamp of the newest version of `key`, deletions included. Versions below the
    /// garbage-collection bound may be forgotten.
    fn newest_version(&self, key: &[u8]) -> Result<Option<Timestamp>>;

    /// Applies `batch` atomically. It is visible when this returns, and durable after the
    /// next [`Engine::sync`].
    fn write(&self, batch: &Batch) -> Result<()>;

    /// Makes everything written so far durable.
    fn sync(&self) -> Result<()>;

    /// Allows the engine to drop versions that no read at or above `bound` can see. Reads
    /// below `bound` fail with [`crate::Error::SnapshotTooOld`] from now on.
    fn collect_garbage(&self, bound: Timestamp) -> Result<()>;

    /// The highest bound given to [`Engine::collect_garbage`], also in earlier runs.
    fn garbage_bound(&self) -> Timestamp;

    /// Moves what only memory and the log hold to where no replay is needed. All that was written
    /// or loaded before is durable when it returns.
    fn flush(&self) -> Result<()>;

    /// What can wait and makes the rest faster. Called every few seconds; may block.
    fn tend(&self) -> Result<()> {
        Ok(())
    }

    /// Applies many writes, past the log where it can. Their keys rise without repetition. They can be read when
    /// it returns, and are durable after the next [`Engine::sync`]. A crash before that leaves
    /// any part of them: the caller loads them again, before anyone has written their keys anew,
    /// and shows no snapshot of a part.
    fn load(&self, writes: &[Write]) -> Result<()>;

    /// Drops what it easily can of `span`, which nobody reads or writes any more: any versions of
    /// any keys, or none. Before that it makes durable what was written so far, as that says that
    /// nobody does.
    fn discard(&self, _span: &Span) -> Result<()> {
        Ok(())
    }

    /// Writes a consistent copy of the whole store into `dir`, which must not exist.
    fn checkpoint(&self, dir: &Path) -> Result<()>;

    /// Reads an unversioned key of the system space.
    fn system_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// All keys of the system space that begin with `prefix`, in order.
    fn system_scan(&self, prefix: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>>;
}
