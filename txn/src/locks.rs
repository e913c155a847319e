//! The lock table: rows and tables, in memory, sharded by key.
//!
//! A lock is named by a key. Rows are locked under their own key, tables under keys that no row
//! has. Requests that conflict wait in FIFO order; a holder that asks for more goes to the head
//! of the queue, because nobody behind it can be served before it finishes anyway. A request for a row
//! stands behind others only if a holder is in its way: who wants to share a row that is shared gets it also
//! while a writer waits, as in PostgreSQL. For tables, and what else has a name, nobody overtakes.
//!
//! Locks have owners. Those of one session, its transaction and the session itself, are one *party*:
//! they do not conflict with each other, and wait for at most one lock at a time. [`deadlock`] has what
//! happens if parties wait in a circle.
//!
//! An entry outlives its lock until no snapshot in use is older than the key's last commit:
//! that is how a writer learns, without reading the engine, that the row changed after its
//! snapshot. Who only wants the key to stay as it is ([`LockMode::ForKeyShare`]) is told of commits that
//! held the lock in the mode that this excludes. Keys that were locked and not written keep nothing. When a long-lived snapshot keeps too many entries alive they are dropped all the
//! same, and the shard remembers up to which timestamp it has forgotten
//! ([`LastCommit::Forgotten`]); the engine is asked then.

mod deadlock;

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::SystemTime;

use cairn_storage::Timestamp;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::sync::oneshot;

use crate::{Error, Result};

/// Identity of a transaction while it lives, or of another owner of locks.
pub type TransactionId = u64;

/// Number of a session, as its client knows it; 0: none.
pub type SessionId = i64;

/// Who owns a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The owner's own number.
    pub id: TransactionId,
    /// The session that it is of.
    pub session: SessionId,
}

/// Owners that wait as one: a session, or an owner without one.
type Party = (SessionId, TransactionId);

impl Owner {
    fn party(self) -> Party {
        (self.session, if self.session == 0 { self.id } else { 0 })
    }
}

/// One edge of a deadlock, or of a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Who waits.
    pub waiter: Owner,
    /// The lock.
    pub key: Box<[u8]>,
    /// The mode that it is asked for in.
    pub mode: LockMode,
    /// Who is in the way: a holder, or somebody further ahead in the queue.
    pub blocker: Owner,
}

/// A lock that is held or waited for, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockInfo {
    /// The lock.
    pub key: Box<[u8]>,
    /// Whose it is, or is to be.
    pub owner: Owner,
    /// In which mode; an owner with several has an entry for each.
    pub mode: LockMode,
    /// Since when it is waited for; `None` if it is held.
    pub waiting_since: Option<SystemTime>,
}

/// Who asks for a lock, and what it has already.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    /// Who.
    pub owner: Owner,
    /// Its locks.
    pub held: &'a [HeldLock],
    /// Whether others of its party have locks, too.
    pub party_holds: bool,
}

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
    /// All modes, by number.
    const ALL: [LockMode; 12] = [
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
    ];

    fn bit(self) -> Modes {
        1 << self as u8
    }

    /// Whether it is one for rows.
    fn is_of_row(self) -> bool {
        matches!(self, ForKeyShare | ForShare | ForNoKeyUpdate | ForUpdate)
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
    owner: Owner,
    mode: LockMode,
    since: SystemTime,
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
    holders: SmallVec<[(Owner, Modes); 1]>,
    queue: VecDeque<Waiter>,
    last_commit: Timestamp,
    /// The last commit by one who held the lock in [`ForUpdate`].
    last_key_commit: Timestamp,
    /// Whether whoever committed last had also held it in [`ForNoKeyUpdate`].
    was_updated: bool,
}

impl Entry {
    fn new(key: &[u8], hash: u64) -> Entry {
        Entry {
            key: key.into(),
            hash,
            holders: SmallVec::new(),
            queue: VecDeque::new(),
            last_commit: Timestamp::MIN,
            last_key_commit: Timestamp::MIN,
            was_updated: false,
        }
    }

    fn is_idle(&self) -> bool {
        self.holders.is_empty() && self.queue.is_empty()
    }

    fn compatible(&self, owner: Owner, mode: LockMode) -> bool {
        let (conflicts, party) = (mode.conflicts(), owner.party());
        self.holders.iter().all(|(other, modes)| modes & conflicts == 0 || other.party() == party)
    }

    fn grant(&mut self, owner: Owner, mode: LockMode) {
        match self.holders.iter_mut().find(|(other, _)| *other == owner) {
            Some((_, modes)) => *modes |= mode.bit(),
            None => self.holders.push((owner, mode.bit())),
        }
    }

    /// Serves the queue in its order. Nobody overtakes a waiter that it conflicts with.
    fn serve(&mut self) {
        let mut waited_for: Modes = 0;
        let mut index = 0;
        while let Some(waiter) = self.queue.get(index) {
            if waiter.mode.conflicts() & waited_for != 0
                || !self.compatible(waiter.owner, waiter.mode)
            {
                waited_for |= waiter.mode.bit();
                index += 1;
                continue;
            }
            let Some(waiter) = self.queue.remove(index) else { break };
            // A waiter that has gone away has dropped its end; its lock is not granted.
            if waiter.granted.send(()).is_ok() {
                self.grant(waiter.owner, waiter.mode);
            }
        }
    }

    /// Whether a request has to stand behind one who waits.
    fn is_behind_waiter(&self, mode: LockMode) -> bool {
        let conflicts = |waiter: &Waiter| waiter.mode.bit() & mode.conflicts() != 0;
        !mode.is_of_row() && self.queue.iter().any(conflicts)
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

    /// What is known of the last commit of an entry's key, or of one without entry, that matters to who
    /// locks it.
    fn last_commit(&self, entry: Option<&Entry>, mode: LockMode) -> LastCommit {
        match entry {
            // Of the others one may have been forgotten before the last one came.
            Some(entry) if mode == ForKeyShare && entry.last_key_commit >= self.forgotten => {
                LastCommit::At(entry.last_key_commit)
            }
            Some(entry) if mode != ForKeyShare && entry.last_commit > Timestamp::MIN => {
                LastCommit::At(entry.last_commit)
            }
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
    /// What each waiting party waits for; also serializes deadlock detection.
    waiting: Mutex<HashMap<Party, Vec<u8>>>,
}

/// Removes a waiter whose future was dropped before it was granted.
struct WaitGuard<'a> {
    table: &'a LockTable,
    key: &'a [u8],
    owner: Owner,
    mode: LockMode,
    granted: bool,
}

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        self.table.waiting.lock().remove(&self.owner.party());
        if self.granted {
            return;
        }
        let hash = self.table.hash(self.key);
        let mut shard = self.table.shard(hash).lock();
        if let Some(entry) = shard.find_mut(self.key, hash) {
            let before = entry.queue.len();
            entry.queue.retain(|waiter| waiter.owner != self.owner);
            if entry.queue.len() == before {
                // Granted in the instant before the wait was given up.
                release_mode(entry, self.owner.id, self.mode.bit());
            }
            entry.serve();
        }
    }
}

fn release_mode(entry: &mut Entry, owner: TransactionId, modes: Modes) {
    if let Some((_, held)) = entry.holders.iter_mut().find(|(other, _)| other.id == owner) {
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

/// What [`LockTable::ask`] came to.
enum Asked {
    Answered(Acquired, LastCommit),
    /// The lock is to come.
    Queued(HeldLock, oneshot::Receiver<()>),
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
            !held && !entry.is_behind_waiter(mode)
        };
        shard.find(key, hash).is_none_or(free)
    }

    /// Who holds `key` in a mode that conflicts with `mode`.
    pub fn holders(&self, key: &[u8], mode: LockMode) -> Vec<TransactionId> {
        let hash = self.hash(key);
        let shard = self.shard(hash).lock();
        let holders = shard.find(key, hash).map_or(&[][..], |entry| entry.holders.as_slice());
        let conflicting = holders.iter().filter(|(_, modes)| modes & mode.conflicts() != 0);
        conflicting.map(|(owner, _)| owner.id).collect()
    }

    /// Takes the lock `key` in `mode`, waiting as `policy` says; tells also when the key last
    /// changed. `oldest_snapshot` is asked now and then, to forget what nobody needs.
    ///
    /// # Errors
    /// [`Error::LockNotAvailable`] as `policy` says, [`Error::Deadlock`] if to wait would close a
    /// cycle.
    pub async fn acquire(
        &self,
        asker: Asker<'_>,
        key: &[u8],
        mode: LockMode,
        policy: WaitPolicy,
        oldest_snapshot: impl Fn() -> Timestamp,
    ) -> Result<(Acquired, LastCommit)> {
        let owner = asker.owner;
        let (lock, receiver) = match self.ask(asker, key, mode, policy, oldest_snapshot)? {
            Asked::Answered(acquired, last_commit) => return Ok((acquired, last_commit)),
            Asked::Queued(lock, receiver) => (lock, receiver),
        };
        let mut guard = WaitGuard { table: self, key, owner, mode, granted: false };
        self.check_deadlock(&asker, key)?;
        if receiver.await.is_err() {
            return Err(Error::LockNotAvailable);
        }
        guard.granted = true;
        let shard = self.shard(lock.hash).lock();
        let last_commit = shard.last_commit(shard.find(key, lock.hash), mode);
        drop(shard);
        Ok((Acquired::New(lock), last_commit))
    }

    /// The same without waiting: a lock that is taken is [`Acquired::Skipped`].
    pub fn try_acquire(
        &self,
        asker: Asker<'_>,
        key: &[u8],
        mode: LockMode,
        oldest_snapshot: impl Fn() -> Timestamp,
    ) -> Acquired {
        match self.ask(asker, key, mode, WaitPolicy::Skip, oldest_snapshot) {
            Ok(Asked::Answered(acquired, _)) => acquired,
            Ok(Asked::Queued(..)) | Err(_) => Acquired::Skipped,
        }
    }

    /// Takes a lock, or queues for it.
    fn ask(
        &self,
        asker: Asker<'_>,
        key: &[u8],
        mode: LockMode,
        policy: WaitPolicy,
        oldest_snapshot: impl Fn() -> Timestamp,
    ) -> Result<Asked> {
        let owner = asker.owner;
        let hash = self.hash(key);
        let mut shard = self.shard(hash).lock();
        if shard.entries.len() >= shard.sweep_at {
            shard.sweep(oldest_snapshot());
        }
        if shard.find(key, hash).is_none() {
            shard.entries.insert_unique(hash, Entry::new(key, hash), |entry| entry.hash);
        }
        let last_commit = shard.last_commit(shard.find(key, hash), mode);
        let answer = |acquired| Ok(Asked::Answered(acquired, last_commit));
        let Some(entry) = shard.find_mut(key, hash) else {
            return answer(Acquired::Skipped);
        };
        let held = entry.holders.iter().find(|(other, _)| *other == owner).map(|(_, m)| *m);
        if held.is_some_and(|modes| modes & mode.bit() != 0) {
            return answer(Acquired::AlreadyHeld);
        }
        let lock = HeldLock { key: entry.key.clone(), hash, mode };
        let party = owner.party();
        let is_holder = entry.holders.iter().any(|(other, _)| other.party() == party);
        // New requests wait behind those that they conflict with; holders only for holders.
        if (is_holder || !entry.is_behind_waiter(mode)) && entry.compatible(owner, mode) {
            entry.grant(owner, mode);
            return answer(Acquired::New(lock));
        }
        match policy {
            WaitPolicy::NoWait => return Err(Error::LockNotAvailable),
            WaitPolicy::Skip => return answer(Acquired::Skipped),
            WaitPolicy::Block => {}
        }
        let (granted, receiver) = oneshot::channel();
        let waiter = Waiter { owner, mode, since: SystemTime::now(), granted };
        match is_holder {
            true => entry.queue.push_front(waiter),
            false => entry.queue.push_back(waiter),
        }
        Ok(Asked::Queued(lock, receiver))
    }

    /// All locks that are held or waited for, in no order. A shard at a time, so the whole
    /// may never have been true at once.
    pub fn list(&self) -> Vec<LockInfo> {
        let mut all = Vec::new();
        for shard in &self.shards {
            for entry in &shard.lock().entries {
                let info = |owner, mode, waiting_since| LockInfo {
                    key: Box::from(&*entry.key),
                    owner,
                    mode,
                    waiting_since,
                };
                for (owner, modes) in &entry.holders {
                    let held = LockMode::ALL.into_iter().filter(|mode| modes & mode.bit() != 0);
                    all.extend(held.map(|mode| info(*owner, mode, None)));
                }
                let queue = entry.queue.iter();
                all.extend(queue.map(|w| info(w.owner, w.mode, Some(w.since))));
            }
        }
        all
    }

    /// Gives one mode of a lock back, as when a savepoint is rolled back.
    pub fn release(&self, owner: TransactionId, lock: &HeldLock) {
        self.finish(owner, lock, lock.mode.bit(), None);
    }

    /// Gives a lock back at the end of a transaction; `commit` is the timestamp
    /// at which the key was written, if it was.
    pub fn release_all(&self, owner: TransactionId, lock: &HeldLock, commit: Option<Timestamp>) {
        self.finish(owner, lock, Modes::MAX, commit);
    }

    fn finish(
        &self,
        owner: TransactionId,
        lock: &HeldLock,
        modes: Modes,
        commit: Option<Timestamp>,
    ) {
        let mut shard = self.shard(lock.hash).lock();
        let same_key = |entry: &Entry| *entry.key == *lock.key;
        let Ok(mut occupied) = shard.entries.find_entry(lock.hash, same_key) else { return };
        let entry = occupied.get_mut();
        if let Some(at) = commit {
            entry.last_commit = entry.last_commit.max(at);
            let held = entry.holders.iter().find(|(other, _)| other.id == owner);
            if let Some((_, held)) = held {
                entry.was_updated = held & ForNoKeyUpdate.bit() != 0;
                if held & ForUpdate.bit() != 0 {
                    entry.last_key_commit = entry.last_key_commit.max(at);
                }
            }
        }
        release_mode(entry, owner, modes);
        entry.serve();
        if entry.is_idle() && entry.last_commit == Timestamp::MIN {
            occupied.remove();
        }
    }

    /// Whether whoever last committed a change of a key had held it in [`ForNoKeyUpdate`]: a row that is
    /// gone had then been updated before, or has got another key. False if that was forgotten.
    pub fn was_updated(&self, key: &[u8]) -> bool {
        let hash = self.hash(key);
        self.shard(hash).lock().find(key, hash).is_some_and(|entry| entry.was_updated)
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
