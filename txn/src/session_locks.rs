//! Locks of a session that its transaction's statements do not take as such: those that functions
//! take in the middle of a statement, for the session or for its current transaction.
//!
//! A lock of the session outlives transactions, is counted, and is given back as often as it was
//! taken. One of the transaction goes with it, or with the savepoint behind which it was taken.
//! Each kind has an owner of its own in the lock table, so that neither's end gives up the other's.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::Result;
use crate::locks::{
    Acquired, Asker, HeldLock, LastCommit, LockMode, Owner, SessionId, TransactionId, WaitPolicy,
};
use crate::manager::TransactionManager;

/// How long a lock is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lifetime {
    /// Until it is given back, or the session ends.
    Session,
    /// Until the transaction ends.
    Transaction,
}

#[derive(Default)]
struct Held {
    /// With the number of times that each was taken.
    session: Vec<(HeldLock, usize)>,
    /// In the order taken.
    transaction: Vec<HeldLock>,
}

/// The locks of one session. Dropping it gives them up.
pub struct SessionLocks {
    manager: Arc<TransactionManager>,
    session: SessionId,
    /// Owners of the two kinds.
    of_session: TransactionId,
    of_transaction: TransactionId,
    held: Mutex<Held>,
    /// Number of locks in `held`, to be looked at without its lock.
    count: AtomicUsize,
}

impl std::fmt::Debug for SessionLocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionLocks").field("session", &self.session).finish()
    }
}

impl SessionLocks {
    /// None yet. The number of the session is not 0.
    pub fn new(manager: &Arc<TransactionManager>, session: SessionId) -> Arc<SessionLocks> {
        assert!(session != 0, "0 stands for no session");
        Arc::new(SessionLocks {
            manager: manager.clone(),
            session,
            of_session: manager.next_id(),
            of_transaction: manager.next_id(),
            held: Mutex::default(),
            count: AtomicUsize::new(0),
        })
    }

    /// The session's number.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Whether there are any.
    pub(crate) fn any(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    /// Whether the transaction has any.
    pub fn has_any_of_transaction(&self) -> bool {
        self.any() && !self.held.lock().transaction.is_empty()
    }

    fn owner(&self, lifetime: Lifetime) -> Owner {
        let id = match lifetime {
            Lifetime::Session => self.of_session,
            Lifetime::Transaction => self.of_transaction,
        };
        Owner { id, session: self.session }
    }

    fn asker(&self, lifetime: Lifetime) -> Asker<'static> {
        // The transaction's own locks are out of sight here, so the graph is walked in any case.
        Asker { owner: self.owner(lifetime), held: &[], party_holds: true }
    }

    /// Takes a lock if it is free for this session. False if it is not.
    pub fn try_acquire(&self, lifetime: Lifetime, key: &[u8], mode: LockMode) -> bool {
        let oldest = || self.manager.timestamps().oldest();
        let acquired = self.manager.locks().try_acquire(self.asker(lifetime), key, mode, oldest);
        self.note(lifetime, key, mode, acquired)
    }

    /// Takes a lock, waiting for it.
    ///
    /// # Errors
    /// [`crate::Error::Deadlock`] if to wait would close a cycle.
    pub async fn acquire(&self, lifetime: Lifetime, key: &[u8], mode: LockMode) -> Result<()> {
        let oldest = || self.manager.timestamps().oldest();
        let (asker, policy) = (self.asker(lifetime), WaitPolicy::Block);
        let asked = self.manager.locks().acquire(asker, key, mode, policy, oldest).await;
        let (acquired, _): (Acquired, LastCommit) = asked?;
        self.note(lifetime, key, mode, acquired);
        Ok(())
    }

    fn note(&self, lifetime: Lifetime, key: &[u8], mode: LockMode, acquired: Acquired) -> bool {
        let mut held = self.held.lock();
        match (acquired, lifetime) {
            (Acquired::Skipped, _) => return false,
            (Acquired::New(lock), Lifetime::Session) => held.session.push((lock, 1)),
            (Acquired::New(lock), Lifetime::Transaction) => held.transaction.push(lock),
            (Acquired::AlreadyHeld, Lifetime::Session) => {
                let same = |(lock, _): &&mut (HeldLock, usize)| is(lock, key, mode);
                if let Some((_, times)) = held.session.iter_mut().find(same) {
                    *times += 1;
                }
            }
            (Acquired::AlreadyHeld, Lifetime::Transaction) => {}
        }
        self.recount(&held);
        true
    }

    fn recount(&self, held: &Held) {
        self.count.store(held.session.len() + held.transaction.len(), Ordering::Relaxed);
    }

    /// Gives a lock of the session back once. False if it has none of this mode.
    pub fn release(&self, key: &[u8], mode: LockMode) -> bool {
        let mut held = self.held.lock();
        let Some(at) = held.session.iter().position(|(lock, _)| is(lock, key, mode)) else {
            return false;
        };
        if let Some((_, times)) = held.session.get_mut(at)
            && *times > 1
        {
            *times -= 1;
            return true;
        }
        let (lock, _) = held.session.swap_remove(at);
        self.manager.locks().release(self.of_session, &lock);
        self.recount(&held);
        true
    }

    /// Gives all locks of the session up, those of the transaction not.
    pub fn release_all(&self) {
        let mut held = self.held.lock();
        for (lock, _) in held.session.drain(..) {
            self.manager.locks().release(self.of_session, &lock);
        }
        self.recount(&held);
    }

    /// How many locks the transaction has, for [`SessionLocks::truncate`].
    pub(crate) fn mark(&self) -> usize {
        if self.any() { self.held.lock().transaction.len() } else { 0 }
    }

    /// Gives the locks of the transaction up that came after a mark.
    pub(crate) fn truncate(&self, mark: usize) {
        if !self.any() {
            return;
        }
        let mut held = self.held.lock();
        while held.transaction.len() > mark {
            let Some(lock) = held.transaction.pop() else { break };
            self.manager.locks().release(self.of_transaction, &lock);
        }
        self.recount(&held);
    }
}

fn is(lock: &HeldLock, key: &[u8], mode: LockMode) -> bool {
    lock.mode == mode && *lock.key == *key
}

impl Drop for SessionLocks {
    fn drop(&mut self) {
        self.release_all();
        self.truncate(0);
    }
}
