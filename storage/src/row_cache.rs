//! The newest versions of rows that were read by key, in memory.
//!
//! A look-up in the engine searches memtables, filters, an index and a block; what most look-ups
//! find is a row that was read a moment ago and has not changed. An entry holds the newest written
//! version of its key, and since when it is known to be that: every read at or above that timestamp
//! has this answer, and older snapshots ask the engine.
//!
//! It stays right because a batch is noted here ([`RowCache::note`]) when the engine has it and before
//! anybody can have a snapshot that shows it: what is cached is replaced, and what is not leaves its
//! timestamp in a small table, indexed by hash. A reader that comes back from the engine with what it saw
//! at its snapshot ([`RowCache::fill`]) is turned away if that table knows of a later write of the key (or of
//! another with the same hash, which costs no more than a miss). A write that is not noted yet will be, and
//! finds the entry.
//!
//! Eviction is CLOCK (Corbató, "A paging experiment with the Multics system", 1968), by bytes, within
//! each of the shards.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use parking_lot::Mutex;

use crate::Timestamp;
use crate::engine::Write;

const SHARDS: usize = 64;
/// Timestamps of last writes that a shard keeps, by hash.
const LAST_WRITES: usize = 1024;
/// Memory of an entry beside key and value.
const ENTRY_OVERHEAD_BYTES: usize = 96;
/// An entry may take up to this part of its shard.
const MAX_PART: usize = 8;

struct Entry {
    hash: u64,
    key: Box<[u8]>,
    value: Box<[u8]>,
    /// Reads at or above this see `value`.
    since: Timestamp,
    /// Read since the hand came by.
    referenced: bool,
}

impl Entry {
    fn bytes(&self) -> usize {
        self.key.len() + self.value.len() + ENTRY_OVERHEAD_BYTES
    }
}

struct Shard {
    entries: Vec<Entry>,
    /// Positions in `entries`.
    index: HashTable<u32>,
    bytes: usize,
    hand: usize,
    /// For each hash the last noted write of a key with it.
    last_write: Vec<Timestamp>,
}

impl Shard {
    fn position(&self, key: &[u8], hash: u64) -> Option<usize> {
        let same = |at: &u32| self.entries.get(*at as usize).is_some_and(|e| *e.key == *key);
        self.index.find(hash, same).map(|at| *at as usize)
    }

    fn remove(&mut self, position: usize) {
        let Some(entry) = self.entries.get(position) else { return };
        if let Ok(found) = self.index.find_entry(entry.hash, |at| *at as usize == position) {
            found.remove();
        }
        let last = self.entries.len() - 1;
        if position != last
            && let Some(moved) = self.entries.get(last)
            && let Some(at) = self.index.find_mut(moved.hash, |at| *at as usize == last)
        {
            *at = position as u32;
        }
        self.bytes -= self.entries.swap_remove(position).bytes();
    }

    /// Makes room for `bytes`.
    fn evict(&mut self, bytes: usize, capacity_bytes: usize) {
        while self.bytes + bytes > capacity_bytes && !self.entries.is_empty() {
            if self.hand >= self.entries.len() {
                self.hand = 0;
            }
            match self.entries.get_mut(self.hand) {
                Some(entry) if entry.referenced => {
                    entry.referenced = false;
                    self.hand += 1;
                }
                _ => self.remove(self.hand),
            }
        }
    }

    fn insert(&mut self, entry: Entry) {
        let position = self.entries.len() as u32;
        let hash = entry.hash;
        self.bytes += entry.bytes();
        self.entries.push(entry);
        let entries = &self.entries;
        let hash_of = |at: &u32| entries.get(*at as usize).map_or(0, |entry| entry.hash);
        self.index.insert_unique(hash, position, hash_of);
    }
}

/// See the module's head.
pub struct RowCache {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    shard_bytes: usize,
}

impl RowCache {
    /// A cache of up to `capacity_bytes`; none at all if that is zero.
    pub fn new(capacity_bytes: usize) -> RowCache {
        let shard = || Shard {
            entries: Vec::new(),
            index: HashTable::new(),
            bytes: 0,
            hand: 0,
            last_write: vec![Timestamp::MIN; LAST_WRITES],
        };
        RowCache {
            shards: (0..SHARDS).map(|_| Mutex::new(shard())).collect(),
            hasher: RandomState::default(),
            shard_bytes: capacity_bytes / SHARDS,
        }
    }

    fn locate(&self, key: &[u8]) -> (u64, &Mutex<Shard>) {
        let hash = self.hasher.hash_one(key);
        (hash, &self.shards[(hash >> 32) as usize % SHARDS])
    }

    /// The value of `key` at `at`, if that is known here.
    pub fn get(&self, key: &[u8], at: Timestamp) -> Option<Vec<u8>> {
        let (hash, shard) = self.locate(key);
        let mut shard = shard.lock();
        let position = shard.position(key, hash)?;
        let entry = shard.entries.get_mut(position)?;
        if entry.since > at {
            return None;
        }
        entry.referenced = true;
        Some(entry.value.to_vec())
    }

    /// Takes what the engine has for `key` at the snapshot `at`.
    pub fn fill(&self, key: &[u8], at: Timestamp, value: &[u8]) {
        let (hash, shard) = self.locate(key);
        let bytes = key.len() + value.len() + ENTRY_OVERHEAD_BYTES;
        if bytes > self.shard_bytes / MAX_PART {
            return;
        }
        let mut shard = shard.lock();
        let later = shard.last_write.get(hash as usize % LAST_WRITES).is_none_or(|w| *w > at);
        if later || shard.position(key, hash).is_some() {
            return;
        }
        shard.evict(bytes, self.shard_bytes);
        let (key, value) = (key.into(), value.into());
        shard.insert(Entry { hash, key, value, since: at, referenced: false });
    }

    /// Takes note of writes that the engine has and no snapshot shows yet.
    pub fn note(&self, writes: &[Write]) {
        for write in writes {
            let (hash, shard) = self.locate(&write.key);
            let mut shard = shard.lock();
            if let Some(last) = shard.last_write.get_mut(hash as usize % LAST_WRITES) {
                *last = write.at.max(*last);
            }
            let Some(position) = shard.position(&write.key, hash) else { continue };
            let new = write.value.as_ref().filter(|value| {
                write.key.len() + value.len() + ENTRY_OVERHEAD_BYTES <= self.shard_bytes / MAX_PART
            });
            let (Some(new), Some(entry)) = (new, shard.entries.get_mut(position)) else {
                shard.remove(position);
                continue;
            };
            let before = entry.bytes();
            if entry.value.len() == new.len() {
                entry.value.copy_from_slice(new);
            } else {
                entry.value = new.as_slice().into();
            }
            entry.since = write.at;
            let after = entry.bytes();
            shard.bytes = shard.bytes - before + after;
            shard.evict(0, self.shard_bytes);
        }
    }

    /// Memory in use, roughly.
    pub fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().bytes).sum()
    }
}
