//! A transaction's private writes.
//!
//! Kept in key order, so that a scan merges them with the snapshot. While a savepoint is open,
//! every change also notes what it replaced; rolling back replays the notes
//! backwards. Nobody else reads this buffer, so an abort just drops it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use cairn_storage::{Batch, Timestamp, Write};

/// A pending write of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The new value, `None` for a deletion.
    pub value: Option<Vec<u8>>,
    /// Whether the key was live before this transaction first wrote it.
    pub existed: bool,
}

/// Pending writes in key order.
#[derive(Clone, Debug, Default)]
pub struct WriteBuffer {
    writes: BTreeMap<Vec<u8>, Pending>,
    undo: Vec<(Vec<u8>, Option<Pending>)>,
    open_savepoints: usize,
    bytes: usize,
}

/// Bookkeeping that a tree entry costs beside key and value.
const ENTRY_OVERHEAD_BYTES: usize = 64;

fn cost(key: &[u8], pending: &Pending) -> usize {
    key.len() + pending.value.as_ref().map_or(0, Vec::len) + ENTRY_OVERHEAD_BYTES
}

impl WriteBuffer {
    /// The writes in key order.
    pub fn writes(&self) -> &BTreeMap<Vec<u8>, Pending> {
        &self.writes
    }

    /// Memory in use, roughly.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Sets or deletes `key`. `existed` says whether the caller saw a live version.
    pub fn write(&mut self, key: Vec<u8>, value: Option<Vec<u8>>, existed: bool) {
        let old = self.writes.get(&key);
        let existed = old.map_or(existed, |old| old.existed);
        let pending = Pending { value, existed };
        self.bytes += cost(&key, &pending);
        self.bytes -= old.map_or(0, |old| cost(&key, old));
        if self.open_savepoints > 0 {
            let old = self.writes.insert(key.clone(), pending);
            self.undo.push((key, old));
        } else {
            self.writes.insert(key, pending);
        }
    }

    /// Adds `key`, which nobody else has. False, and nothing done, if this transaction has it.
    pub fn add(&mut self, key: Vec<u8>, value: Vec<u8>) -> bool {
        match self.writes.entry(key) {
            Entry::Occupied(entry) if entry.get().value.is_some() => return false,
            Entry::Occupied(mut entry) => {
                let pending = Pending { value: Some(value), existed: entry.get().existed };
                self.bytes += pending.value.as_ref().map_or(0, Vec::len);
                if self.open_savepoints > 0 {
                    let key = entry.key().clone();
                    let old = entry.insert(pending);
                    self.undo.push((key, Some(old)));
                } else {
                    entry.insert(pending);
                }
            }
            Entry::Vacant(entry) => {
                let pending = Pending { value: Some(value), existed: false };
                self.bytes += cost(entry.key(), &pending);
                if self.open_savepoints > 0 {
                    self.undo.push((entry.key().clone(), None));
                }
                entry.insert(pending);
            }
        }
        true
    }

    /// Opens a savepoint; the mark is for [`WriteBuffer::rollback_to`].
    pub fn savepoint(&mut self) -> usize {
        self.open_savepoints += 1;
        self.undo.len()
    }

    /// Closes the innermost savepoint, keeping its changes.
    pub fn release(&mut self) {
        assert!(self.open_savepoints > 0, "released without a savepoint");
        self.open_savepoints -= 1;
        if self.open_savepoints == 0 {
            self.undo.clear();
        }
    }

    /// Takes back all changes since `mark`. The savepoint stays open.
    pub fn rollback_to(&mut self, mark: usize) {
        while self.undo.len() > mark {
            let Some((key, old)) = self.undo.pop() else { break };
            self.bytes -= self.writes.get(&key).map_or(0, |pending| cost(&key, pending));
            match old {
                Some(pending) => {
                    self.bytes += cost(&key, &pending);
                    self.writes.insert(key, pending);
                }
                None => drop(self.writes.remove(&key)),
            }
        }
    }

    /// The batch that commits these writes; its timestamp is yet to come.
    pub fn into_batch(self) -> Batch {
        let writes = self.writes.into_iter();
        let writes = writes
            // A key that this transaction both made and deleted was never there.
            .filter(|(_, pending)| pending.value.is_some() || pending.existed)
            .map(|(key, pending)| Write {
                at: Timestamp::MIN,
                key,
                value: pending.value,
                existed: pending.existed,
            });
        Batch { writes: writes.collect(), system: Vec::new() }
    }
}
