//! The lock table: rows and tables, in memory, sharded by key.
//!
//! A lock is named by a key. Rows are locked under their own key, tables under keys that no row
//! has. Requests that conflict wait in FIFO order; a holder that asks for more goes to the head
//! of the queue, because nobody behind it can be served before it finishes anyway.
//!
//! Deadlocks are found when they arise: a cycle can only be closed by a request that starts to
//! wait while somebody waits for its own locks, so each such request walks the waits-for graph
//! once, under one mutex that serializes walkers. Edges are read from the shards during the walk rather than stored, so they are never
//! stale.
//!
//! An entry outlives its lock until no snapshot in use is older than the key's last commit:
//! that is how a writer learns, without reading the engine, that the row changed after its
//! snapshot. Keys that were locked and not written keep nothing. When a long-lived snapshot keeps too many entries alive they are dropped all the
//! same, and the shard remembers up to which timestamp it has forgotten
//! ([`LastCommit::Forgotten`]); the engine is asked then.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::BuildHasher;
use std::sync::Arc;

use cairn_storage::Timestamp;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::sync::oneshot;

use crate::{Error, Result};

/// Identity of a transaction while it lives.
pub type TransactionId = u64;

/// The modes of PostgreSQL: four for rows (chapter 13.3.2), eight for tables (13.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are PostgreSQL's")]
#[repr(u8)]
pub enum LockMode {
    ForKeyShare,
    ForShare,
    ForNoKeyUpdate,
    ForUpdate,
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

use LockMode::*;

/// A set of modes, one bit each.
type Modes = u16;

const fn set(modes: &[LockMode]) -> Modes {
    let mut bits = 0;
    let mut i = 0;
    while i < modes.len() {
        bits |= 1 << modes[i] as u8;
        i += 1;
    }
    bits
}

impl LockMode {
    fn bit(self) -> Modes {
        1 << self as u8
    }

    /// The modes that another transaction may not hold at the same time.
    const fn conflicts(self) -> Modes {
        match self {
            ForKeyShare => set(&[ForUpdate]),
            ForShare => set(&[ForNoKeyUpdate, ForUpdate]),
            ForNoKeyUpdate => set(&[ForShare, ForNoKeyUpdate, ForUpdate]),
            ForUpdate => set(&[ForKeyShare, ForShare, ForNoKeyUpdate, ForUpdate]),
            AccessShare => set(&[AccessExclusive]),
            RowShare => set(&[Exclusive, AccessExclusive]),
            RowExclusive => set(&[Share, ShareRowExclusive, Exclusive, AccessExclusive]),
            ShareUpdateExclusive => {
                set(&[ShareUpdateExclusive, Share, ShareRowExclusive, Exclusive, AccessExclusive])
            }
            Share => set(&[
                RowExclusive,
                ShareUpdateExclusive,
                ShareRowExclusive,
                Exclusive,
                AccessExclusive,
            ]),
            ShareRowExclusive => set(&[
                RowExclusive,
                ShareUpdateExclusive,
                Share,
                ShareRowExclusive,
                Exclusive,
                AccessExclusive,
            ]),
            Exclusive => set(&[
                RowShare,
                RowExclusive,
                ShareUpdateExclusive,
                Share,
                ShareRowExclusive,
                Exclusive,
                AccessExclusive,
            ]),
            AccessExclusive => set(&[
                AccessShare,
                RowShare,
                RowExclusive,
                ShareUpdateExclusive,
                Share,
                ShareRowExclusive,
                Exclusive,
                AccessExclusive,
            ]),
        }
    }
}

/// What to do when a lock is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitPolicy {
    /// Wait for it.
    Block,
    /// Fail with [`Error::LockNotAvailable`].
    NoWait,
    /// Report that it is taken.
    Skip,
}

/// What the lock table knows about the last commit of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastCommit {
    /// At this timestamp, or before every snapshot in use.
    At(Timestamp),
    /// Perhaps as late as this; the engine knows.
    Forgotten(Timestamp),
}

/// Idle entries a shard keeps for their commit timestamps before it forgets them.
const MAX_IDLE_ENTRIES: usize = 1 << 16;
const SHARDS: usize = 64;

struct Waiter {
    transaction: TransactionId,
    mode: LockMode,
    granted: oneshot::Sender<()>,
}

/// A lock that a transaction holds.
#[derive(Clone, Debug)]
pub struct HeldLock {
    /// Its name.
    pub key: Arc<[u8]>,
    hash: u64,
    /// The mode it was asked for in.
    pub mode: LockMode,
}

struct Entry {
    key: Arc<[u8]>,
    hash: u64,
    /// Nearly always one.
    holders: SmallVec<[(TransactionId, Modes); 1]>,
    queue: VecDeque<Waiter>,
    last_commit: Timestamp,
}

impl Entry {
    fn new(key: &[u8], hash: u64) -> Entry {
        Entry {
            key: key.into(),
            hash,
            holders: SmallVec::new(),
            queue: VecDeque::new(),
            last_commit: Timestamp::MIN,
        }
    }

    fn is_idle(&self) -> bool {
        self.holders.is_empty() && self.queue.is_empty()
    }

    fn compatible(&self, transaction: TransactionId, mode: LockMode) -> bool {
        let conflicts = mode.conflicts();
        self.holders.iter().all(|(id, modes)| *id == transaction || modes & conflicts == 0)
    }

    fn grant(&mut self, transaction: TransactionId, mode: LockMode) {
        match self.holders.iter_mut().find(|(id, _)| *id == transaction) {
            Some((_, modes)) => *modes |= mode.bit(),
            None => self.holders.push((transaction, mode.bit())),
        }
    }

    /// Serves the queue in its order. Nobody overtakes a waiter that it conflicts with.
    fn serve(&mut self) {
        let mut waited_for: Modes = 0;
        let mut index = 0;
        while let Some(waiter) = self.queue.get(index) {
            if waiter.mode.conflicts() & waited_for != 0
                || !self.compatible(waiter.transaction, waiter.mode)
            {
                waited_for |= waiter.mode.bit();
                index += 1;
                continue;
            }
            let Some(waiter) = self.queue.remove(index) else { break };
            // A waiter that has gone away has dropped its end; its lock is not granted.
            if waiter.granted.send(()).is_ok() {
                self.grant(waiter.transaction, waiter.mode);
            }
        }
    }

    fn conflicts_with_waiter(&self, mode: LockMode) -> bool {
        self.queue.iter().any(|waiter| waiter.mode.bit() & mode.conflicts() != 0)
    }

    /// The transactions that `transaction`, waiting here, waits for.
    fn blockers(&self, transaction: TransactionId) -> Vec<(TransactionId, LockMode)> {
        let Some(position) = self.queue.iter().position(|w| w.transaction == transaction) else {
            return Vec::new();
        };
        let Some(mode) = self.queue.get(position).map(|waiter| waiter.mode) else {
            return Vec::new();
        };
        let conflicts = mode.conflicts();
        let holders = self.holders.iter().filter(|(_, modes)| modes & conflicts != 0);
        let ahead = self.queue.iter().take(position).filter(|w| w.mode.bit() & conflicts != 0);
        holders
            .map(|(id, _)| *id)
            .chain(ahead.map(|waiter| waiter.transaction))
            .filter(|id| *id != transaction)
            .map(|id| (id, mode))
            .collect()
    }
}

#[derive(Default)]
struct Shard {
    entries: HashTable<Entry>,
    /// Commits up to here may have been forgotten.
    forgotten: Timestamp,
    /// Number of entries at which to look for idle ones next.
    sweep_at: usize,
}

impl Shard {
    fn find(&self, key: &[u8], hash: u64) -> Option<&Entry> {
        self.entries.find(hash, |entry| *entry.key == *key)
    }

    fn find_mut(&mut self, key: &[u8], hash: u64) -> Option<&mut Entry> {
        self.entries.find_mut(hash, |entry| *entry.key == *key)
    }

    /// What is known of the last commit of an entry's key, or of one without entry.
    fn last_commit(&self, entry: Option<&Entry>) -> LastCommit {
        match entry {
            Some(entry) if entry.last_commit > Timestamp::MIN => LastCommit::At(entry.last_commit),
            _ if self.forgotten > Timestamp::MIN => LastCommit::Forgotten(self.forgotten),
            _ => LastCommit::At(Timestamp::MIN),
        }
    }

    /// Drops idle entries that no snapshot needs, and all idle ones when they are too many.
    fn sweep(&mut self, oldest_snapshot: Timestamp) {
        self.entries.retain(|entry| !entry.is_idle() || entry.last_commit > oldest_snapshot);
        if self.entries.len() > MAX_IDLE_ENTRIES {
            let mut forgotten = self.forgotten;
            self.entries.retain(|entry| {
                if entry.is_idle() {
                    forgotten = forgotten.max(entry.last_commit);
                }
                !entry.is_idle()
            });
            self.forgotten = forgotten;
        }
        self.sweep_at = (self.entries.len() * 2).max(1024);
    }
}

/// All locks of one server.
pub struct LockTable {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    /// What each waiting transaction waits for; also serializes deadlock detection.
    waiting: Mutex<HashMap<TransactionId, Vec<u8>>>,
}

/// Removes a waiter whose future was dropped before it was granted.
struct WaitGuard<'a> {
    table: &'a LockTable,
    key: &'a [u8],
    transaction: TransactionId,
    mode: LockMode,
    granted: bool,
}

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        self.table.waiting.lock().remove(&self.transaction);
        if self.granted {
            return;
        }
        let hash = self.table.hash(self.key);
        let mut shard = self.table.shard(hash).lock();
        if let Some(entry) = shard.find_mut(self.key, hash) {
            let before = entry.queue.len();
            entry.queue.retain(|waiter| waiter.transaction != self.transaction);
            if entry.queue.len() == before {
                // Granted in the instant before the wait was given up.
                release_mode(entry, self.transaction, self.mode.bit());
            }
            entry.serve();
        }
    }
}

fn release_mode(entry: &mut Entry, transaction: TransactionId, modes: Modes) {
    if let Some((_, held)) = entry.holders.iter_mut().find(|(id, _)| *id == transaction) {
        *held &= !modes;
    }
    entry.holders.retain(|(_, held)| *held != 0);
}

/// Result of asking for a lock.
#[derive(Clone, Debug)]
pub enum Acquired {
    /// Held from now on, and was not in this mode before.
    New(HeldLock),
    /// Was held already.
    AlreadyHeld,
    /// Taken by someone else, and the policy was to skip.
    Skipped,
}

impl Default for LockTable {
    fn default() -> Self {
        LockTable {
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::default())).collect(),
            hasher: RandomState::default(),
            waiting: Mutex::new(HashMap::new()),
        }
    }
}

impl LockTable {
    fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }

    fn shard(&self, hash: u64) -> &Mutex<Shard> {
        // The table inside takes its buckets from the low bits.
        &self.shards[(hash >> 32) as usize % SHARDS]
    }

    /// Whether nobody holds or waits for `key` in a mode that conflicts with `mode`.
    pub fn is_free(&self, key: &[u8], mode: LockMode) -> bool {
        let hash = self.hash(key);
        let shard = self.shard(hash).lock();
        let free = |entry: &Entry| {
            let held = entry.holders.iter().any(|(_, modes)| modes & mode.conflicts() != 0);
            !held && !entry.conflicts_with_waiter(mode)
        };
        shard.find(key, hash).is_none_or(free)
    }

    /// Takes the lock `key` in `mode`, waiting as `policy` says; tells also when the key last
    /// changed. `oldest_snapshot` is asked now and then, to forget what nobody needs. `held` are
    /// the locks it has.
    pub async fn acquire(
        &self,
        transaction: TransactionId,
        key: &[u8],
        mode: LockMode,
        policy: WaitPolicy,
        held: &[HeldLock],
        oldest_snapshot: impl Fn() -> Timestamp,
    ) -> Result<(Acquired, LastCommit)> {
        let holds = held;
        let hash = self.hash(key);
        let (lock, receiver) = {
            let mut shard = self.shard(hash).lock();
            if shard.entries.len() >= shard.sweep_at {
                shard.sweep(oldest_snapshot());
            }
            if shard.find(key, hash).is_none() {
                shard.entries.insert_unique(hash, Entry::new(key, hash), |entry| entry.hash);
            }
            let last_commit = shard.last_commit(shard.find(key, hash));
            let Some(entry) = shard.find_mut(key, hash) else {
                return Ok((Acquired::Skipped, last_commit));
            };
            let held = entry.holders.iter().find(|(id, _)| *id == transaction).map(|(_, m)| *m);
            if held.is_some_and(|modes| modes & mode.bit() != 0) {
                return Ok((Acquired::AlreadyHeld, last_commit));
            }
            let lock = HeldLock { key: entry.key.clone(), hash, mode };
            // New requests wait behind those that they conflict with; holders only for holders.
            if (held.is_some() || !entry.conflicts_with_waiter(mode))
                && entry.compatible(transaction, mode)
            {
                entry.grant(transaction, mode);
                return Ok((Acquired::New(lock), last_commit));
            }
            match policy {
                WaitPolicy::NoWait => return Err(Error::LockNotAvailable),
                WaitPolicy::Skip => return Ok((Acquired::Skipped, last_commit)),
                WaitPolicy::Block => {}
            }
            let (granted, receiver) = oneshot::channel();
            let waiter = Waiter { transaction, mode, granted };
            match held {
                Some(_) => entry.queue.push_front(waiter),
                None => entry.queue.push_back(waiter),
            }
            (lock, receiver)
        };
        let mut guard = WaitGuard { table: self, key, transaction, mode, granted: false };
        self.check_deadlock(transaction, key, holds)?;
        if receiver.await.is_err() {
            return Err(Error::LockNotAvailable);
        }
        guard.granted = true;
        let shard = self.shard(hash).lock();
        let last_commit = shard.last_commit(shard.find(key, hash));
        Ok((Acquired::New(lock), last_commit))
    }

    fn check_deadlock(
        &self,
        transaction: TransactionId,
        key: &[u8],
        held: &[HeldLock],
    ) -> Result<()> {
        let mut waiting = self.waiting.lock();
        waiting.insert(transaction, key.to_vec());
        // Nobody waits for one whose locks nobody asks for, so it closes no cycle. (Who asks for
        // one of them from now on walks the graph itself.)
        let wanted = |lock: &HeldLock| {
            let shard = self.shard(lock.hash).lock();
            shard.find(&lock.key, lock.hash).is_some_and(|entry| !entry.queue.is_empty())
        };
        if !held.iter().any(wanted) {
            return Ok(());
        }
        let mut path = Vec::new();
        let mut seen = HashSet::new();
        if !self.reaches(&waiting, transaction, transaction, &mut path, &mut seen) {
            return Ok(());
        }
        let lines = path.iter().map(|(waiter, mode, holder)| {
            format!(
                "Transaction {waiter} waits for {mode:?} lock; blocked by transaction {holder}."
            )
        });
        Err(Error::Deadlock { detail: lines.collect::<Vec<_>>().join("\n") })
    }

    /// Depth-first search from `from` to `target`; `path` holds the edges found.
    fn reaches(
        &self,
        waiting: &HashMap<TransactionId, Vec<u8>>,
        from: TransactionId,
        target: TransactionId,
        path: &mut Vec<(TransactionId, LockMode, TransactionId)>,
        seen: &mut HashSet<TransactionId>,
    ) -> bool {
        let Some(key) = waiting.get(&from) else { return false };
        let blockers = {
            let hash = self.hash(key);
            let shard = self.shard(hash).lock();
            shard.find(key, hash).map(|entry| entry.blockers(from)).unwrap_or_default()
        };
        for (blocker, mode) in blockers {
            path.push((from, mode, blocker));
            if blocker == target {
                return true;
            }
            if seen.insert(blocker) && self.reaches(waiting, blocker, target, path, seen) {
                return true;
            }
            path.pop();
        }
        false
    }

    /// Gives one mode of a lock back, as when a savepoint is rolled back.
    pub fn release(&self, transaction: TransactionId, lock: &HeldLock) {
        self.finish(transaction, lock, lock.mode.bit(), None);
    }

    /// Gives a lock back at the end of a transaction; `commit` is the timestamp
    /// at which the key was written, if it was.
    pub fn release_all(
        &self,
        transaction: TransactionId,
        lock: &HeldLock,
        commit: Option<Timestamp>,
    ) {
        self.finish(transaction, lock, Modes::MAX, commit);
    }

    fn finish(
        &self,
        transaction: TransactionId,
        lock: &HeldLock,
        modes: Modes,
        commit: Option<Timestamp>,
    ) {
        let mut shard = self.shard(lock.hash).lock();
        let same_key = |entry: &Entry| *entry.key == *lock.key;
        let Ok(mut occupied) = shard.entries.find_entry(lock.hash, same_key) else { return };
        let entry = occupied.get_mut();
        release_mode(entry, transaction, modes);
        if let Some(at) = commit {
            entry.last_commit = entry.last_commit.max(at);
        }
        entry.serve();
        if entry.is_idle() && entry.last_commit == Timestamp::MIN {
            occupied.remove();
        }
    }

    /// Number of entries, for tests of the memory bound.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().entries.len()).sum()
    }

    /// Whether nothing is locked or remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
