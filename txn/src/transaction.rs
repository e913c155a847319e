//! The transaction: the only seam that the SQL layer sees.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cairn_storage::{Direction, Span, Timestamp};

use crate::buffer::{Mark, WriteBuffer};
use crate::locks::{
    Acquired, Asker, HeldLock, LastCommit, LockMode, Owner, TransactionId, WaitPolicy,
};
use crate::manager::{OnCommit, TransactionManager, log_ended};
use crate::session_locks::SessionLocks;
use crate::ssi::{Change, Party, Rule};
use crate::timestamps::Snapshot;
use crate::view::{ReadView, Tracker};
use crate::{Conflict, Error, Result};

/// Isolation levels that this layer enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Isolation {
    /// A snapshot per statement.
    #[default]
    ReadCommitted,
    /// A snapshot per transaction; the first committer wins.
    RepeatableRead,
    /// The same, and the outcome is as if transactions had run one after the other.
    Serializable,
}

/// Whether a statement only reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It does.
    Read,
    /// It changes or locks rows.
    Write,
}

/// What a row lock found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockOutcome {
    /// The row is as the snapshot shows it.
    Unchanged,
    /// READ COMMITTED only: a newer version was committed; look at it before writing.
    Changed,
    /// Someone else holds it, and the policy was to skip.
    Skipped,
}

/// What a row may refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referenced {
    /// The value of its key.
    pub value: Vec<u8>,
    /// Whether it is this transaction's own write. Then nobody else can take it away.
    pub own: bool,
}

/// A snapshot that another transaction can take over while the one that it is of runs.
#[derive(Clone, Debug)]
pub struct SharedSnapshot {
    snapshot: Arc<Snapshot>,
    isolation: Isolation,
    read_only: bool,
    party: Option<Arc<Party>>,
}

impl SharedSnapshot {
    /// The level of its transaction.
    pub fn isolation(&self) -> Isolation {
        self.isolation
    }

    /// Whether its transaction only reads.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }
}

/// Bookkeeping that a lock costs beside its key.
const LOCK_OVERHEAD_BYTES: usize = 160;

/// A point that a transaction can return to.
#[derive(Clone, Copy, Debug)]
pub struct Savepoint {
    mark: Mark,
    locks: usize,
    /// Of those that functions took.
    session_locks: usize,
}

/// A running transaction. Dropping it aborts.
pub struct Transaction {
    manager: Arc<TransactionManager>,
    id: TransactionId,
    isolation: Isolation,
    read_only: bool,
    snapshot: Option<Arc<Snapshot>>,
    /// At SERIALIZABLE, once it has a snapshot that is not safe by itself.
    party: Option<Arc<Party>>,
    /// The newest commit that it has seen: no answer leaves before that is settled.
    seen: AtomicU64,
    buffer: Arc<WriteBuffer>,
    /// In the order taken, so that a savepoint is a length.
    locks: Vec<HeldLock>,
    /// Memory of its locks, roughly.
    lock_bytes: usize,
    on_commit: Option<OnCommit>,
    /// Whether an error of a statement is its end.
    ends_with_error: bool,
    /// Locks of the session that it is part of.
    session: Option<Arc<SessionLocks>>,
}

impl Transaction {
    pub(crate) fn new(
        manager: Arc<TransactionManager>,
        id: TransactionId,
        isolation: Isolation,
        session: Option<Arc<SessionLocks>>,
    ) -> Transaction {
        Transaction {
            manager,
            id,
            isolation,
            read_only: false,
            snapshot: None,
            party: None,
            seen: AtomicU64::new(0),
            buffer: Arc::new(WriteBuffer::default()),
            locks: Vec::new(),
            lock_bytes: 0,
            on_commit: None,
            ends_with_error: false,
            session,
        }
    }

    /// The transaction's number, unique in this run of the server.
    pub fn id(&self) -> TransactionId {
        self.id
    }

    /// The level it runs at.
    pub fn isolation(&self) -> Isolation {
        self.isolation
    }

    /// Changes the level. Only before the first statement has taken a snapshot.
    pub fn set_isolation(&mut self, isolation: Isolation) {
        assert!(self.snapshot.is_none(), "the snapshot has been taken");
        self.isolation = isolation;
    }

    /// Declares that it will not write. Only before the first statement has taken a snapshot does
    /// it make a difference.
    pub fn set_read_only(&mut self, read_only: bool) {
        self.read_only = read_only;
    }

    /// Takes a snapshot on which nothing that this read-only transaction reads can conflict,
    /// waiting for those who write if it has to: DEFERRABLE.
    ///
    /// # Errors
    /// If the log has failed.
    pub async fn await_safe_snapshot(&mut self) -> Result<()> {
        assert!(self.read_only && self.isolation == Isolation::Serializable);
        let conflicts = self.manager.conflicts();
        loop {
            let Some(candidate) = conflicts.candidate() else {
                self.manager.barrier().await?;
                continue;
            };
            if conflicts.is_safe(&candidate).await {
                self.snapshot = Some(Arc::new(candidate.snapshot));
                return Ok(());
            }
        }
    }

    /// Takes the snapshot of a moment of the past, which is kept until the end: for one that only
    /// reads, at REPEATABLE READ. False if what was replaced since then may be gone, or if it lies
    /// before the start of the server.
    pub fn read_as_of(&mut self, at: Timestamp) -> bool {
        assert!(self.read_only && self.isolation == Isolation::RepeatableRead);
        assert!(self.snapshot.is_none(), "the snapshot has been taken");
        // Registered first: from then on the bound does not pass it.
        let snapshot = self.manager.timestamps().snapshot_at(at);
        if snapshot.at() < self.manager.oldest_readable() {
            return false;
        }
        self.snapshot = Some(Arc::new(snapshot));
        true
    }

    /// The snapshot of the statement, for another transaction to take over.
    pub fn share_snapshot(&self) -> Option<SharedSnapshot> {
        Some(SharedSnapshot {
            snapshot: self.snapshot.clone()?,
            isolation: self.isolation,
            read_only: self.read_only,
            party: self.party.clone(),
        })
    }

    /// Takes over a snapshot of another transaction. At SERIALIZABLE that one is at the same level,
    /// and only reads only if this one does. False if it has ended, but for others on its snapshot.
    pub fn adopt_snapshot(&mut self, shared: &SharedSnapshot) -> bool {
        assert!(self.snapshot.is_none(), "the snapshot has been taken");
        if self.isolation == Isolation::Serializable {
            assert!(shared.isolation == Isolation::Serializable);
            assert!(self.read_only || !shared.read_only);
            // Where nothing can conflict with the other one, nothing can with this one.
            if shared.party.is_some() && self.has_rule(Rule::AdoptedIsTracked) {
                let at = shared.snapshot.at();
                self.party = self.manager.conflicts().join(self.id, self.read_only, at);
                if self.party.is_none() {
                    return false;
                }
            }
        }
        // The answers of both wait until what the snapshot shows is durable.
        self.saw(shared.snapshot.at());
        self.snapshot = Some(shared.snapshot.clone());
        true
    }

    /// Whether a snapshot has been taken and is kept until the end.
    pub fn has_snapshot(&self) -> bool {
        self.snapshot.is_some()
    }

    /// Starts a statement: at READ COMMITTED, on a new snapshot. One that only reads sees what is
    /// durable; one that writes sees what is written, because else it would always be late on rows
    /// that many change.
    pub fn begin_statement(&mut self, access: Access) {
        if self.isolation == Isolation::ReadCommitted || self.snapshot.is_none() {
            // Once it has seen what is not settled it may not go back.
            let newest = access == Access::Write || self.has_seen_unsettled();
            let snapshot = match self.isolation {
                Isolation::Serializable => {
                    let conflicts = self.manager.conflicts();
                    let (snapshot, party) = conflicts.begin(self.id, self.read_only, newest);
                    self.party = party;
                    snapshot
                }
                _ => self.manager.timestamps().snapshot(newest),
            };
            if newest {
                self.saw(snapshot.at());
            }
            self.snapshot = Some(Arc::new(snapshot));
        }
    }

    fn saw(&self, at: Timestamp) {
        self.seen.fetch_max(at.0, Ordering::Relaxed);
    }

    fn has_seen_unsettled(&self) -> bool {
        self.seen.load(Ordering::Relaxed) > self.manager.timestamps().settled().0
    }

    /// Waits until all that this transaction has seen is durable. A commit does that itself.
    pub async fn settled(&self) -> Result<()> {
        match self.has_seen_unsettled() {
            true => self.manager.barrier().await,
            false => Ok(()),
        }
    }

    /// Ends a statement: at READ COMMITTED its snapshot is no longer in the way of
    /// garbage collection.
    pub fn end_statement(&mut self) {
        if self.isolation == Isolation::ReadCommitted {
            self.snapshot = None;
        }
    }

    /// Timestamp of the snapshot that a statement reads at.
    pub fn snapshot_at(&self) -> Timestamp {
        match &self.snapshot {
            Some(snapshot) => snapshot.at(),
            None => self.manager.timestamps().settled(),
        }
    }

    /// The statement's snapshot under this transaction's own writes so far.
    pub fn view(&self) -> ReadView {
        let tracker = self.party.as_ref().map(|party| {
            let (party, conflicts) = (party.clone(), self.manager.conflicts().clone());
            Tracker { party, conflicts, ahead: false }
        });
        self.untold_view().tracked(tracker)
    }

    /// The same, but what is read there counts for nothing at SERIALIZABLE.
    pub fn untold_view(&self) -> ReadView {
        let (store, snapshot) = (self.manager.store().clone(), self.snapshot.clone());
        ReadView::new(store, self.snapshot_at(), snapshot, self.buffer.clone())
    }

    /// The newest committed state under this transaction's own writes. What a writer looks at
    /// once it holds the lock, and what unique checks go by.
    pub fn latest(&self) -> ReadView {
        let snapshot = Arc::new(self.manager.timestamps().snapshot(true));
        let at = snapshot.at();
        self.saw(at);
        ReadView::new(self.manager.store().clone(), at, Some(snapshot), self.buffer.clone())
    }

    /// The newest committed value of `key`, or this transaction's own.
    pub fn get_latest(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if let Some(pending) = self.buffer.get(key)? {
            return Ok(pending.value);
        }
        let at = self.manager.timestamps().visible();
        self.saw(at);
        Ok(self.manager.store().get(key, at)?)
    }

    /// Locks a row. At REPEATABLE READ a row that changed after the snapshot is an error.
    pub async fn lock_row(
        &mut self,
        key: &[u8],
        mode: LockMode,
        policy: WaitPolicy,
    ) -> Result<LockOutcome> {
        let Some(last_commit) = self.lock(key, mode, policy).await? else {
            return Ok(LockOutcome::Skipped);
        };
        // What it has written itself it has held since then.
        let newer = self.is_newer(last_commit, key)? && self.buffer.get(key)?.is_none();
        match (newer, self.isolation) {
            (false, _) => Ok(LockOutcome::Unchanged),
            (true, Isolation::ReadCommitted) => Ok(LockOutcome::Changed),
            (true, Isolation::Serializable) if !self.has_rule(Rule::FirstCommitter) => {
                Ok(LockOutcome::Unchanged)
            }
            (true, Isolation::RepeatableRead | Isolation::Serializable) => {
                let conflict = match self.get_latest(key)? {
                    None if !self.manager.locks().was_updated(key) => Conflict::ConcurrentDelete,
                    _ => Conflict::ConcurrentUpdate,
                };
                Err(Error::Serialization(conflict))
            }
        }
    }

    /// Locks a key for a uniqueness check and the write that follows it. The newest state
    /// decides, so a change after the snapshot is no conflict here; but at SERIALIZABLE, where
    /// nothing may depend on what the snapshot does not show, unless it ends in an error anyway.
    pub async fn lock_unique(&mut self, key: &[u8]) -> Result<()> {
        let last_commit = self.lock(key, LockMode::ForUpdate, WaitPolicy::Block).await?;
        let Some(party) = &self.party else { return Ok(()) };
        if !last_commit.is_some_and(|last| self.is_newer(last, key).unwrap_or(true)) {
            return Ok(());
        }
        let conflicts = self.manager.conflicts();
        match self.get_latest(key)? {
            // It would be a duplicate, but the write may not come so far. And one that looked for the key
            // must not go on behind that error: in no serial order it would have missed the key, and then
            // met it.
            Some(_) => {
                conflicts.check_duplicate(party, key)?;
                match !self.ends_with_error && conflicts.has_read(party, key) {
                    true => Err(Error::Serialization(Conflict::ConcurrentInsert)),
                    false => Ok(()),
                }
            }
            None if !self.has_rule(Rule::LateDeletes) => Ok(()),
            None => Err(Error::Serialization(Conflict::ConcurrentDelete)),
        }
    }

    /// Says whether an error of a statement will be the end of the transaction, as there is no savepoint
    /// to go back to.
    pub fn set_ends_with_error(&mut self, ends: bool) {
        self.ends_with_error = ends;
    }

    fn has_rule(&self, rule: Rule) -> bool {
        self.manager.conflicts().rules().has(rule)
    }

    /// Whether `key`, last committed as told, changed after the snapshot.
    fn is_newer(&self, last_commit: LastCommit, key: &[u8]) -> Result<bool> {
        self.is_newer_than(self.snapshot_at(), last_commit, key)
    }

    fn is_newer_than(&self, then: Timestamp, last_commit: LastCommit, key: &[u8]) -> Result<bool> {
        Ok(match last_commit {
            LastCommit::At(at) => at > then,
            LastCommit::Forgotten(upper) if upper <= then => false,
            LastCommit::Forgotten(_) => {
                self.manager.store().newest_version(key)?.is_some_and(|at| at > then)
            }
        })
    }

    /// Where a check of a foreign key looks: at READ COMMITTED in the newest state, else in the
    /// snapshot.
    pub fn referenced_at(&self) -> Timestamp {
        if self.isolation != Isolation::ReadCommitted {
            return self.snapshot_at();
        }
        let at = self.manager.timestamps().visible();
        self.saw(at);
        at
    }

    /// The values of keys at [`Transaction::referenced_at`], or this transaction's own. These reads
    /// are not told to others at SERIALIZABLE: whoever removes what was found is in the way of the
    /// lock that follows, or has been.
    pub fn find_referenced(
        &self,
        keys: &[Vec<u8>],
        at: Timestamp,
    ) -> Result<Vec<Option<Referenced>>> {
        let store = self.manager.store();
        let stored = match keys {
            [key] => vec![store.get(key, at)?],
            keys => store.multi_get(keys, at)?,
        };
        let found = keys.iter().zip(stored).map(|(key, stored)| {
            Ok(match self.buffer.get(key)? {
                Some(pending) => pending.value.map(|value| Referenced { value, own: true }),
                None => stored.map(|value| Referenced { value, own: false }),
            })
        });
        found.collect()
    }

    /// Locks a row that was read as of `at`. True if it has changed since.
    pub async fn lock_seen(&mut self, key: &[u8], mode: LockMode, at: Timestamp) -> Result<bool> {
        match self.lock(key, mode, WaitPolicy::Block).await? {
            Some(last_commit) => self.is_newer_than(at, last_commit, key),
            None => Ok(true),
        }
    }

    /// Waits until nobody else holds `key` in a mode that excludes `mode`, and keeps no lock for it. False if
    /// there was nothing to wait for.
    pub async fn await_free(&mut self, key: &[u8], mode: LockMode) -> Result<bool> {
        if self.manager.locks().is_free(key, mode) {
            return Ok(false);
        }
        let locks = self.locks.len();
        self.lock(key, mode, WaitPolicy::Block).await?;
        self.release_locks_behind(locks);
        Ok(true)
    }

    /// Whether others have changed `key` after the snapshot, as storage tells it: for keys that are
    /// changed under the lock of another one.
    pub fn is_behind(&self, key: &[u8]) -> Result<bool> {
        if self.buffer.get(key)?.is_some() {
            return Ok(false);
        }
        let newest = self.manager.store().newest_version(key)?;
        Ok(newest.is_some_and(|at| at > self.snapshot_at()))
    }

    /// Locks a table, or anything else that has a name no row has. False if it was skipped.
    pub async fn lock_name(
        &mut self,
        key: &[u8],
        mode: LockMode,
        policy: WaitPolicy,
    ) -> Result<bool> {
        Ok(self.lock(key, mode, policy).await?.is_some())
    }

    /// Locks a key, and tells when it last changed; `None` if it was skipped.
    async fn lock(
        &mut self,
        key: &[u8],
        mode: LockMode,
        policy: WaitPolicy,
    ) -> Result<Option<LastCommit>> {
        let timestamps = self.manager.timestamps();
        self.check_size()?;
        let oldest = || timestamps.oldest();
        let locks = self.manager.locks();
        let (mut session, mut party_holds) = (0, false);
        if let Some(of_session) = &self.session {
            (session, party_holds) = (of_session.session(), of_session.any());
        }
        let owner = Owner { id: self.id, session };
        let asker = Asker { owner, held: &self.locks, party_holds };
        let asked = locks.acquire(asker, key, mode, policy, oldest).await?;
        let (acquired, last_commit) = asked;
        match acquired {
            Acquired::New(lock) => {
                self.lock_bytes += key.len() + LOCK_OVERHEAD_BYTES;
                self.locks.push(lock);
            }
            Acquired::AlreadyHeld => {}
            Acquired::Skipped => return Ok(None),
        }
        Ok(Some(last_commit))
    }

    /// Sets `key`. `existed` says whether a live version was seen. The caller holds the
    /// key's lock, or the lock of something that stands for it.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>, existed: bool) -> Result<()> {
        self.write(key, Some(value), existed)
    }

    /// Adds `key`, of which [`Transaction::none_exists`] has said that it is new. False, and
    /// nothing done, if the transaction itself has added it since.
    pub fn add(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<bool> {
        self.check_size()?;
        self.check_dependencies(Change { key: &key, new: Some(&value) })?;
        let added = Arc::make_mut(&mut self.buffer).add(key, value)?;
        self.spill_if_full()?;
        Ok(added)
    }

    /// Whether none of `keys`, which rise, has a value in the newest state and this transaction's
    /// own. The caller has locked them. Reads the span from the first to the last of them, or
    /// each one if too much else is in between.
    pub fn none_exists(&self, keys: &[&[u8]]) -> Result<bool> {
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(true) };
        debug_assert!(keys.is_sorted());
        let view = self.latest();
        let span = Span { start: first.to_vec(), end: Span::point(last).end };
        let (mut next, mut others, mut found) = (0, 0, false);
        view.scan(&span, Direction::Forward, &mut |key, _| {
            while keys.get(next).is_some_and(|wanted| *wanted < key) {
                next += 1;
            }
            found = keys.get(next).is_some_and(|wanted| *wanted == key);
            others += 1;
            match found || others > keys.len() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
        if found || others <= keys.len() {
            return Ok(!found);
        }
        let rest: Vec<Vec<u8>> = keys.iter().skip(next).map(|key| key.to_vec()).collect();
        Ok(view.multi_get(&rest)?.iter().all(Option::is_none))
    }

    /// Deletes `key`, which the caller saw and has locked.
    pub fn delete(&mut self, key: Vec<u8>) -> Result<()> {
        self.write(key, None, true)
    }

    fn check_size(&self) -> Result<()> {
        let limit_bytes = self.manager.max_transaction_bytes();
        match self.buffer.bytes() + self.lock_bytes > limit_bytes {
            true => Err(Error::TooLarge { limit_bytes }),
            false => Ok(()),
        }
    }

    /// At SERIALIZABLE a write may be what completes a dangerous structure.
    fn check_dependencies(&self, change: Change<'_>) -> Result<()> {
        let Some(party) = &self.party else { return Ok(()) };
        party.begin_write()?;
        let conflicts = self.manager.conflicts();
        conflicts.check_writes(party, |visit| {
            self.buffer.try_for_each(|key, new| visit(Change { key, new }))
        })?;
        conflicts.check_write(party, change)
    }

    fn write(&mut self, key: Vec<u8>, value: Option<Vec<u8>>, existed: bool) -> Result<()> {
        self.check_size()?;
        self.check_dependencies(Change { key: &key, new: value.as_deref() })?;
        Arc::make_mut(&mut self.buffer).write(key, value, existed);
        self.spill_if_full()
    }

    /// Moves writes to a file when there are too many for memory.
    fn spill_if_full(&mut self) -> Result<()> {
        // A serializable one is checked as it commits, in one step: its writes have to be at hand.
        let stays = self.party.is_some() && self.has_rule(Rule::WritesInMemory);
        if stays || !self.buffer.is_full(self.manager.spill_bytes()) {
            return Ok(());
        }
        let (buffer, area) = (Arc::make_mut(&mut self.buffer), self.manager.spills());
        buffer.spill(area)
    }

    /// Sets what runs when the commit is written, before anyone can see it. There is one such
    /// action; a later one replaces it.
    pub fn on_commit(&mut self, action: OnCommit) {
        self.on_commit = Some(action);
    }

    /// Whether anything is to be written.
    pub fn has_writes(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Opens a savepoint inside all open ones.
    pub fn savepoint(&mut self) -> Savepoint {
        let mark = Arc::make_mut(&mut self.buffer).savepoint();
        let session_locks = self.session.as_ref().map_or(0, |session| session.mark());
        Savepoint { mark, locks: self.locks.len(), session_locks }
    }

    /// Closes the innermost savepoint, keeping what was done since.
    pub fn release_savepoint(&mut self) {
        Arc::make_mut(&mut self.buffer).release();
    }

    /// Takes back everything since `savepoint`, locks included. It stays open; the caller has
    /// released those inside it.
    pub fn rollback_to(&mut self, savepoint: Savepoint) {
        Arc::make_mut(&mut self.buffer).rollback_to(savepoint.mark);
        self.release_locks_behind(savepoint.locks);
        if let Some(session) = &self.session {
            session.truncate(savepoint.session_locks);
        }
    }

    /// Gives back all locks but the first `count`.
    fn release_locks_behind(&mut self, count: usize) {
        while self.locks.len() > count {
            let Some(lock) = self.locks.pop() else { break };
            self.lock_bytes -= lock.key.len() + LOCK_OVERHEAD_BYTES;
            self.manager.locks().release(self.id, &lock);
        }
    }

    /// Takes back the writes since `savepoint` and keeps the locks: what a statement does
    /// before it runs again.
    pub fn rollback_writes(&mut self, savepoint: Savepoint) {
        Arc::make_mut(&mut self.buffer).rollback_to(savepoint.mark);
    }

    /// Gives up all writes and locks at once; nothing is left to commit.
    pub fn abort(&mut self) {
        if self.has_writes() {
            self.buffer = Arc::default();
        }
        self.snapshot = None;
        if let Some(party) = self.party.take() {
            self.manager.conflicts().abort(&party);
        }
        self.lock_bytes = 0;
        for lock in std::mem::take(&mut self.locks) {
            self.manager.locks().release_all(self.id, &lock, None);
        }
        if let Some(session) = &self.session {
            session.truncate(0);
        }
    }

    /// Commits; returns once the writes are visible and, if asked, durable, as is all that the
    /// transaction has seen. Its timestamp is returned unless there was nothing to write.
    pub async fn commit(mut self, durable: bool) -> Result<Option<Timestamp>> {
        self.snapshot = None;
        if !self.has_writes() {
            if let Some(party) = self.party.take() {
                self.manager.conflicts().finish_read_only(&party);
            }
            self.settled().await?;
            return Ok(None);
        }
        let buffer = Arc::unwrap_or_clone(std::mem::take(&mut self.buffer));
        let locks = std::mem::take(&mut self.locks);
        let (manager, party) = (self.manager.clone(), self.party.take());
        let on_commit = self.on_commit.take();
        let done = match buffer.has_runs() {
            true => manager.submit_bulk(self.id, buffer, locks, on_commit),
            false => manager.submit(self.id, buffer, locks, party, durable, on_commit)?,
        };
        match done.await {
            Ok(result) => result.map(Some),
            Err(_) => Err(log_ended()),
        }
    }

    /// Aborts. The same as dropping, but says so.
    pub fn rollback(self) {}
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.abort();
    }
}
