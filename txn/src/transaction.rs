//! The transaction: the only seam that the SQL layer sees.

use std::sync::Arc;

use cairn_storage::Timestamp;

use crate::buffer::WriteBuffer;
use crate::locks::{Acquired, LastCommit, LockMode, TransactionId, WaitPolicy};
use crate::manager::{OnCommit, TransactionManager};
use crate::timestamps::Snapshot;
use crate::view::ReadView;
use crate::{Conflict, Error, Result};

/// Isolation levels that this layer enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Isolation {
    /// A snapshot per statement.
    #[default]
    ReadCommitted,
    /// A snapshot per transaction; the first committer wins.
    RepeatableRead,
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

/// A point that a transaction can return to.
#[derive(Clone, Copy, Debug)]
pub struct Savepoint {
    undo_mark: usize,
    locks: usize,
}

/// A running transaction. Dropping it aborts.
pub struct Transaction {
    manager: Arc<TransactionManager>,
    id: TransactionId,
    isolation: Isolation,
    snapshot: Option<Snapshot>,
    buffer: Arc<WriteBuffer>,
    /// In the order taken, so that a savepoint is a length.
    locks: Vec<(Vec<u8>, LockMode)>,
    on_commit: Option<OnCommit>,
}

impl Transaction {
    pub(crate) fn new(
        manager: Arc<TransactionManager>,
        id: TransactionId,
        isolation: Isolation,
    ) -> Transaction {
        Transaction {
            manager,
            id,
            isolation,
            snapshot: None,
            buffer: Arc::new(WriteBuffer::default()),
            locks: Vec::new(),
            on_commit: None,
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

    /// Whether a snapshot has been taken and is kept until the end.
    pub fn has_snapshot(&self) -> bool {
        self.snapshot.is_some()
    }

    /// Starts a statement: at READ COMMITTED, on a new snapshot.
    pub fn begin_statement(&mut self) {
        if self.isolation == Isolation::ReadCommitted || self.snapshot.is_none() {
            self.snapshot = Some(self.manager.timestamps().snapshot());
        }
    }

    /// Ends a statement: at READ COMMITTED its snapshot is no longer in the way of
    /// garbage collection.
    pub fn end_statement(&mut self) {
        if self.isolation == Isolation::ReadCommitted {
            self.snapshot = None;
        }
    }

    fn snapshot_at(&self) -> Timestamp {
        match &self.snapshot {
            Some(snapshot) => snapshot.at(),
            None => self.manager.timestamps().published(),
        }
    }

    /// The statement's snapshot under this transaction's own writes so far.
    pub fn view(&self) -> ReadView {
        ReadView::new(self.manager.store().clone(), self.snapshot_at(), self.buffer.clone())
    }

    /// The newest committed state under this transaction's own writes. What a writer looks at
    /// once it holds the lock, and what unique checks go by.
    pub fn latest(&self) -> ReadView {
        let at = self.manager.timestamps().published();
        ReadView::new(self.manager.store().clone(), at, self.buffer.clone())
    }

    /// Locks a row. At REPEATABLE READ a row that changed after the snapshot is an error.
    pub async fn lock_row(
        &mut self,
        key: &[u8],
        mode: LockMode,
        policy: WaitPolicy,
    ) -> Result<LockOutcome> {
        if self.lock_name(key, mode, policy).await? == Acquired::Skipped {
            return Ok(LockOutcome::Skipped);
        }
        let snapshot = self.snapshot_at();
        let changed = match self.manager.locks().last_commit(key) {
            LastCommit::At(at) => at > snapshot,
            LastCommit::Forgotten(upper) if upper <= snapshot => false,
            LastCommit::Forgotten(_) => {
                self.manager.store().newest_version(key)?.is_some_and(|at| at > snapshot)
            }
        };
        match (changed, self.isolation) {
            (false, _) => Ok(LockOutcome::Unchanged),
            (true, Isolation::ReadCommitted) => Ok(LockOutcome::Changed),
            (true, Isolation::RepeatableRead) => {
                let conflict = match self.latest().get(key)? {
                    Some(_) => Conflict::ConcurrentUpdate,
                    None => Conflict::ConcurrentDelete,
                };
                Err(Error::Serialization(conflict))
            }
        }
    }

    /// Locks a key for a uniqueness check and the write that follows it. The newest state
    /// decides at every level, so a change after the snapshot is no conflict here.
    pub async fn lock_unique(&mut self, key: &[u8]) -> Result<()> {
        self.lock_name(key, LockMode::ForUpdate, WaitPolicy::Block).await.map(|_| ())
    }

    /// Locks a table, or anything else that has a name no row has.
    pub async fn lock_name(
        &mut self,
        key: &[u8],
        mode: LockMode,
        policy: WaitPolicy,
    ) -> Result<Acquired> {
        let timestamps = self.manager.timestamps();
        let oldest = || timestamps.oldest();
        let acquired = self.manager.locks().acquire(self.id, key, mode, policy, oldest).await?;
        if acquired == Acquired::New {
            self.locks.push((key.to_vec(), mode));
        }
        Ok(acquired)
    }

    /// Sets `key`. `existed` says whether a live version was seen. The caller holds the
    /// key's lock, or the lock of something that stands for it.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>, existed: bool) -> Result<()> {
        self.write(key, Some(value), existed)
    }

    /// Deletes `key`, which the caller saw and has locked.
    pub fn delete(&mut self, key: Vec<u8>) -> Result<()> {
        self.write(key, None, true)
    }

    fn write(&mut self, key: Vec<u8>, value: Option<Vec<u8>>, existed: bool) -> Result<()> {
        let limit_bytes = self.manager.max_transaction_bytes();
        if self.buffer.bytes() > limit_bytes {
            return Err(Error::TooLarge { limit_bytes });
        }
        Arc::make_mut(&mut self.buffer).write(key, value, existed);
        Ok(())
    }

    /// Sets what runs when the commit is durable, before anyone can see it. There is one such
    /// action; a later one replaces it.
    pub fn on_commit(&mut self, action: OnCommit) {
        self.on_commit = Some(action);
    }

    /// Whether anything is to be written.
    pub fn has_writes(&self) -> bool {
        !self.buffer.writes().is_empty()
    }

    /// Opens a savepoint inside all open ones.
    pub fn savepoint(&mut self) -> Savepoint {
        let undo_mark = Arc::make_mut(&mut self.buffer).savepoint();
        Savepoint { undo_mark, locks: self.locks.len() }
    }

    /// Closes the innermost savepoint, keeping what was done since.
    pub fn release_savepoint(&mut self) {
        Arc::make_mut(&mut self.buffer).release();
    }

    /// Takes back everything since `savepoint`, locks included. It stays open; the caller has
    /// released those inside it.
    pub fn rollback_to(&mut self, savepoint: Savepoint) {
        Arc::make_mut(&mut self.buffer).rollback_to(savepoint.undo_mark);
        while self.locks.len() > savepoint.locks {
            let Some((key, mode)) = self.locks.pop() else { break };
            self.manager.locks().release(self.id, &key, mode);
        }
    }

    /// Takes back the writes since `savepoint` and keeps the locks: what a statement does
    /// before it runs again.
    pub fn rollback_writes(&mut self, savepoint: Savepoint) {
        Arc::make_mut(&mut self.buffer).rollback_to(savepoint.undo_mark);
    }

    /// Gives up all writes and locks at once; nothing is left to commit.
    pub fn abort(&mut self) {
        self.buffer = Arc::default();
        self.snapshot = None;
        for (key, _) in std::mem::take(&mut self.locks) {
            self.manager.locks().release_all(self.id, &key, None);
        }
    }

    /// Commits; returns once the writes are visible and, if asked, durable. Its timestamp is
    /// returned unless there was nothing to write.
    pub async fn commit(mut self, durable: bool) -> Result<Option<Timestamp>> {
        self.snapshot = None;
        if !self.has_writes() {
            return Ok(None);
        }
        let buffer = Arc::unwrap_or_clone(std::mem::take(&mut self.buffer));
        let locks = std::mem::take(&mut self.locks);
        let done =
            self.manager.clone().submit(self.id, buffer, locks, durable, self.on_commit.take());
        match done.await {
            Ok(result) => result.map(Some),
            Err(_) => Err(Error::Storage(cairn_storage::Error::LogFailed(
                "the log's thread ended before the commit".into(),
            ))),
        }
    }

    /// Aborts. The same as dropping, but says so.
    pub fn rollback(self) {}
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.abort();
        self.manager.ended(self.id);
    }
}
