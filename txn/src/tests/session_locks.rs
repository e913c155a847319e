//! Locks that functions take: counted, beyond transactions, and part of deadlocks.

use std::time::Duration;

use super::manager;
use crate::{Error, Isolation, Lifetime, LockMode, SessionLocks, WaitPolicy};

const KEY: &[u8] = b"L/advisory";

#[tokio::test]
async fn a_lock_of_a_session_is_given_back_as_often_as_it_was_taken() {
    let manager = manager();
    let (a, b) = (SessionLocks::new(&manager, 1), SessionLocks::new(&manager, 2));
    let mode = LockMode::Exclusive;
    assert!(a.try_acquire(Lifetime::Session, KEY, mode));
    assert!(a.try_acquire(Lifetime::Session, KEY, mode));
    // The session and its transaction are in nobody's way but others'.
    assert!(a.try_acquire(Lifetime::Transaction, KEY, mode));
    assert!(a.try_acquire(Lifetime::Session, KEY, LockMode::Share));
    assert!(!b.try_acquire(Lifetime::Session, KEY, LockMode::Share));
    assert!(a.release(KEY, mode) && a.release(KEY, mode) && !a.release(KEY, mode));
    assert!(!b.try_acquire(Lifetime::Session, KEY, LockMode::Share), "the transaction has it");
    drop(manager.begin_in(&a, Isolation::ReadCommitted));
    assert!(b.try_acquire(Lifetime::Session, KEY, LockMode::Share), "shared with the session's");
    assert!(!b.try_acquire(Lifetime::Session, KEY, mode));
    a.release_all();
    assert!(b.try_acquire(Lifetime::Session, KEY, mode));
    drop((a, b));
    assert!(manager.locks().is_empty());
}

#[tokio::test]
async fn a_savepoint_gives_up_what_functions_took_behind_it() {
    let manager = manager();
    let (a, b) = (SessionLocks::new(&manager, 1), SessionLocks::new(&manager, 2));
    let mut t = manager.begin_in(&a, Isolation::ReadCommitted);
    assert!(a.try_acquire(Lifetime::Transaction, b"1", LockMode::Exclusive));
    let savepoint = t.savepoint();
    assert!(a.try_acquire(Lifetime::Transaction, b"2", LockMode::Exclusive));
    t.rollback_to(savepoint);
    t.release_savepoint();
    assert!(b.try_acquire(Lifetime::Session, b"2", LockMode::Exclusive));
    assert!(!b.try_acquire(Lifetime::Session, b"1", LockMode::Exclusive));
    t.commit(true).await.unwrap();
    assert!(b.try_acquire(Lifetime::Session, b"1", LockMode::Exclusive));
}

#[tokio::test]
async fn deadlocks_go_through_sessions_and_their_transactions() {
    let manager = manager();
    let (a, b) = (SessionLocks::new(&manager, 1), SessionLocks::new(&manager, 2));
    let mut of_a = manager.begin_in(&a, Isolation::ReadCommitted);
    let mut of_b = manager.begin_in(&b, Isolation::ReadCommitted);
    of_a.lock_row(b"row", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
    b.acquire(Lifetime::Session, KEY, LockMode::Exclusive).await.unwrap();
    let waiting = tokio::spawn(async move {
        let got = of_b.lock_row(b"row", LockMode::ForUpdate, WaitPolicy::Block).await;
        (of_b, got)
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(manager.locks().waits(2)[0].blocker.session, 1);
    let failed = a.acquire(Lifetime::Session, KEY, LockMode::Exclusive).await;
    let Err(Error::Deadlock(cycle)) = failed else { panic!("no deadlock found") };
    let sessions: Vec<_> = cycle.iter().map(|w| (w.waiter.session, w.blocker.session)).collect();
    assert_eq!(sessions, [(1, 2), (2, 1)]);
    of_a.rollback();
    let (of_b, got) = waiting.await.unwrap();
    assert!(got.is_ok());
    assert!(manager.locks().waits(2).is_empty());
    drop((of_b, a, b));
    assert!(manager.locks().is_empty());
}
