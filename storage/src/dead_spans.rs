//! Where nothing but tombstones is left: the worked-off end of a queue.
//!
//! A table that is filled at one end and emptied at the other has its oldest row behind all those that
//! were deleted since the last compaction, and whoever looks for it walks over their tombstones. A scan
//! that had to do so leaves a note here: from this key up to that one nothing is live, for snapshots at
//! or above its own. The next scan from there starts behind.
//!
//! The notes stay right as the row cache does: a batch is told of ([`DeadSpans::note`]) when the engine
//! has it and before a snapshot shows it. A key that is put cuts the span around it short, and a scan
//! that comes with a note ([`DeadSpans::add`]) from an older snapshot than the last put of its shard is
//! turned away. A shard is a part of the key space with one prefix, which is to say an index, unless two
//! share a hash.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::Timestamp;
use crate::engine::{INDEX_PREFIX_BYTES as PREFIX_BYTES, Write};

/// Fewer tombstones than this are not worth a note.
pub(crate) const MIN_TOMBSTONES: u64 = 16;
const SHARDS: usize = 64;
/// Notes of a shard; beyond that it starts over.
const MAX_SPANS: usize = 1024;

struct Dead {
    end: Vec<u8>,
    /// For snapshots at or above this.
    since: Timestamp,
}

#[derive(Default)]
struct Shard {
    last_put: Timestamp,
    /// By their first keys. They do not overlap.
    spans: BTreeMap<Vec<u8>, Dead>,
}

impl Shard {
    /// The span that `key` is in, and its first key.
    fn around(&self, key: &[u8]) -> Option<(&Vec<u8>, &Dead)> {
        let before = (std::ops::Bound::Unbounded, std::ops::Bound::Included(key));
        let found = self.spans.range::<[u8], _>(before).next_back();
        found.filter(|(_, dead)| key < dead.end.as_slice())
    }
}

/// See the module's head.
pub(crate) struct DeadSpans {
    shards: Vec<Mutex<Shard>>,
}

impl Default for DeadSpans {
    fn default() -> Self {
        DeadSpans { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl DeadSpans {
    fn shard(&self, key: &[u8]) -> &Mutex<Shard> {
        let prefix = key.iter().take(PREFIX_BYTES);
        let hash = prefix.fold(0usize, |hash, byte| hash.wrapping_mul(31) + usize::from(*byte));
        &self.shards[hash % SHARDS]
    }

    /// Where a forward scan from `start` at the snapshot `at` may begin instead.
    pub fn skip(&self, start: &[u8], at: Timestamp) -> Option<Vec<u8>> {
        let shard = self.shard(start).lock();
        let (_, dead) = shard.around(start).filter(|(_, dead)| dead.since <= at)?;
        Some(dead.end.clone())
    }

    /// Notes that a scan at the snapshot `at` found nothing from `start` up to `end`.
    pub fn add(&self, start: &[u8], end: &[u8], at: Timestamp) {
        let prefix = |key: &[u8]| key.get(..PREFIX_BYTES).map(<[u8]>::to_vec);
        if start >= end || prefix(start).is_none() || prefix(start) != prefix(end) {
            return;
        }
        let mut shard = self.shard(start).lock();
        if shard.last_put > at {
            return;
        }
        let dead = Dead { end: end.to_vec(), since: at };
        // The scan began inside a span that its snapshot was too old for.
        if shard.around(start).is_some_and(|(first, _)| first != start) {
            return;
        }
        if shard.spans.len() >= MAX_SPANS {
            shard.spans.clear();
        }
        // Also those that the same span, now seen further, runs into: a put cuts one span only.
        let overlapped: Vec<Vec<u8>> = shard
            .spans
            .range(start.to_vec()..end.to_vec())
            .map(|(first, _)| first.clone())
            .collect();
        for first in overlapped {
            shard.spans.remove(&first);
        }
        shard.spans.insert(start.to_vec(), dead);
    }

    /// Takes note of writes that the engine has and no snapshot shows yet.
    pub fn note(&self, writes: &[Write]) {
        for write in writes.iter().filter(|write| write.value.is_some()) {
            let mut shard = self.shard(&write.key).lock();
            shard.last_put = shard.last_put.max(write.at);
            if shard.spans.is_empty() {
                continue;
            }
            let Some(first) = shard.around(&write.key).map(|(first, _)| first.clone()) else {
                continue;
            };
            if first == write.key {
                shard.spans.remove(&first);
            } else if let Some(dead) = shard.spans.get_mut(&first) {
                dead.end.clone_from(&write.key);
            }
        }
    }
}
