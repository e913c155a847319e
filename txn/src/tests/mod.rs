//! Transactions on the in-memory engine.

mod bulk;
mod lock_queues;
mod pipeline;
mod session_locks;
mod spill;
mod ssi;
mod ssi_filter;
mod timestamps;

use std::sync::Arc;
use std::time::Duration;

use cairn_storage::memory::MemoryEngine;
use cairn_storage::{Direction, Span, Store, StoreOptions};

use crate::clock::SystemClock;
use crate::{
    Access, Conflict, Error, Isolation, LockMode, LockOutcome, Options, Transaction,
    TransactionManager, WaitPolicy,
};

pub(super) fn manager() -> Arc<TransactionManager> {
    manager_with(Options::default())
}

fn manager_with(transactions: Options) -> Arc<TransactionManager> {
    let engine = Arc::new(MemoryEngine::new());
    let options = StoreOptions::default();
    let store = Store::on_engine(engine, None, &options, Box::new(|_| {})).unwrap();
    TransactionManager::open(Arc::new(store), Arc::new(SystemClock), transactions).unwrap()
}

pub(super) async fn set(manager: &Arc<TransactionManager>, key: &[u8], value: &[u8]) {
    let mut t = manager.begin(Isolation::ReadCommitted);
    t.begin_statement(Access::Write);
    t.lock_row(key, LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
    t.put(key.to_vec(), value.to_vec(), true).unwrap();
    t.commit(true).await.unwrap();
}

pub(super) fn get(t: &Transaction, key: &[u8]) -> Option<Vec<u8>> {
    t.view().get(key).unwrap()
}

#[tokio::test]
async fn read_committed_sees_commits_between_statements_and_repeatable_read_does_not() {
    let manager = manager();
    set(&manager, b"k", b"1").await;
    let mut rc = manager.begin(Isolation::ReadCommitted);
    let mut rr = manager.begin(Isolation::RepeatableRead);
    rc.begin_statement(Access::Write);
    rr.begin_statement(Access::Write);
    set(&manager, b"k", b"2").await;
    assert_eq!(get(&rc, b"k"), Some(b"1".to_vec()));
    rc.begin_statement(Access::Write);
    rr.begin_statement(Access::Write);
    assert_eq!(get(&rc, b"k"), Some(b"2".to_vec()));
    assert_eq!(get(&rr, b"k"), Some(b"1".to_vec()));
}

#[tokio::test]
async fn the_first_committer_wins() {
    let manager = manager();
    set(&manager, b"k", b"1").await;
    let mut rr = manager.begin(Isolation::RepeatableRead);
    rr.begin_statement(Access::Write);
    set(&manager, b"k", b"2").await;
    let conflict = rr.lock_row(b"k", LockMode::ForUpdate, WaitPolicy::Block).await;
    assert!(matches!(conflict, Err(Error::Serialization(Conflict::ConcurrentUpdate))));
    let mut rc = manager.begin(Isolation::ReadCommitted);
    rc.begin_statement(Access::Write);
    drop(rr);
    set(&manager, b"k", b"3").await;
    let outcome = rc.lock_row(b"k", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
    assert_eq!(outcome, LockOutcome::Changed);
}

#[tokio::test]
async fn a_waiter_gets_the_lock_when_the_holder_ends() {
    let manager = manager();
    let mut holder = manager.begin(Isolation::ReadCommitted);
    holder.lock_row(b"k", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
    let mut other = manager.begin(Isolation::ReadCommitted);
    let busy = other.lock_row(b"k", LockMode::ForShare, WaitPolicy::NoWait).await;
    assert!(matches!(busy, Err(Error::LockNotAvailable)));
    let skipped = other.lock_row(b"k", LockMode::ForShare, WaitPolicy::Skip).await.unwrap();
    assert_eq!(skipped, LockOutcome::Skipped);
    let waiting = tokio::spawn(async move {
        other.lock_row(b"k", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap()
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!waiting.is_finished());
    holder.rollback();
    assert_eq!(waiting.await.unwrap(), LockOutcome::Unchanged);
    assert!(manager.locks().is_empty());
}

#[tokio::test]
async fn a_wait_that_is_given_up_leaves_no_trace() {
    let manager = manager();
    let mut holder = manager.begin(Isolation::ReadCommitted);
    holder.lock_row(b"k", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
    let mut other = manager.begin(Isolation::ReadCommitted);
    let wait = other.lock_row(b"k", LockMode::ForUpdate, WaitPolicy::Block);
    assert!(tokio::time::timeout(Duration::from_millis(10), wait).await.is_err());
    drop(other);
    drop(holder);
    assert!(manager.locks().is_empty());
}

#[tokio::test]
async fn the_request_that_closes_a_cycle_fails() {
    let manager = manager();
    let mut a = manager.begin(Isolation::ReadCommitted);
    let mut b = manager.begin(Isolation::ReadCommitted);
    a.lock_row(b"x", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
    b.lock_row(b"y", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
    let waiting = tokio::spawn(async move {
        let outcome = a.lock_row(b"y", LockMode::ForUpdate, WaitPolicy::Block).await;
        (a, outcome)
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    let deadlock = b.lock_row(b"x", LockMode::ForUpdate, WaitPolicy::Block).await;
    let Err(Error::Deadlock(cycle)) = deadlock else { panic!("no deadlock found") };
    assert_eq!(cycle.len(), 2);
    assert_eq!(&*cycle[0].key, b"x");
    assert_eq!(cycle[0].blocker, cycle[1].waiter);
    drop(b);
    let (a, outcome) = waiting.await.unwrap();
    assert!(outcome.is_ok());
    drop(a);
    assert!(manager.locks().is_empty());
}

#[tokio::test]
async fn savepoints_take_back_writes_and_locks() {
    let manager = manager();
    let mut t = manager.begin(Isolation::ReadCommitted);
    t.begin_statement(Access::Write);
    t.put(b"a".to_vec(), b"1".to_vec(), false).unwrap();
    let savepoint = t.savepoint();
    t.lock_row(b"b", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
    t.put(b"a".to_vec(), b"2".to_vec(), false).unwrap();
    t.put(b"b".to_vec(), b"3".to_vec(), false).unwrap();
    t.rollback_to(savepoint);
    assert_eq!(get(&t, b"a"), Some(b"1".to_vec()));
    assert_eq!(get(&t, b"b"), None);
    let mut other = manager.begin(Isolation::ReadCommitted);
    other.lock_row(b"b", LockMode::ForUpdate, WaitPolicy::NoWait).await.unwrap();
    t.release_savepoint();
    t.commit(true).await.unwrap();
    other.begin_statement(Access::Write);
    assert_eq!(get(&other, b"a"), Some(b"1".to_vec()));
}

#[tokio::test]
async fn a_key_is_waited_for_and_not_kept() {
    let manager = manager();
    let mut holder = manager.begin(Isolation::ReadCommitted);
    holder.begin_statement(Access::Write);
    holder.lock_row(b"k", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
    let mut waiter = manager.begin(Isolation::ReadCommitted);
    waiter.begin_statement(Access::Write);
    assert!(!waiter.await_free(b"other", LockMode::ForUpdate).await.unwrap());
    {
        let mut free = Box::pin(waiter.await_free(b"k", LockMode::ForKeyShare));
        assert!(is_pending(&mut free).await);
        holder.commit(true).await.unwrap();
        assert!(free.await.unwrap());
    }
    let mut other = manager.begin(Isolation::ReadCommitted);
    other.begin_statement(Access::Write);
    let outcome = other.lock_row(b"k", LockMode::ForUpdate, WaitPolicy::NoWait).await.unwrap();
    assert_eq!(outcome, LockOutcome::Unchanged);
    // A lock of its own stays as it was.
    assert!(other.await_free(b"k", LockMode::ForKeyShare).await.unwrap());
    let taken = waiter.lock_row(b"k", LockMode::ForKeyShare, WaitPolicy::NoWait).await;
    assert!(matches!(taken, Err(Error::LockNotAvailable)));
}

#[tokio::test]
async fn a_transaction_is_behind_what_others_have_changed_since_its_snapshot() {
    let manager = manager();
    set(&manager, b"k", b"1").await;
    let mut rr = manager.begin(Isolation::RepeatableRead);
    rr.begin_statement(Access::Write);
    assert!(!rr.is_behind(b"k").unwrap());
    assert!(!rr.is_behind(b"new").unwrap());
    let mut deleter = manager.begin(Isolation::ReadCommitted);
    deleter.begin_statement(Access::Write);
    deleter.lock_row(b"k", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
    deleter.delete(b"k".to_vec()).unwrap();
    deleter.commit(true).await.unwrap();
    set(&manager, b"new", b"1").await;
    assert!(rr.is_behind(b"k").unwrap());
    assert!(rr.is_behind(b"new").unwrap());
    // What it then adds itself, as a new key, it is not behind, and may change again.
    rr.lock_unique(b"k").await.unwrap();
    rr.put(b"k".to_vec(), b"2".to_vec(), false).unwrap();
    assert!(!rr.is_behind(b"k").unwrap());
    let outcome = rr.lock_row(b"k", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
    assert_eq!(outcome, LockOutcome::Unchanged);
}

#[tokio::test]
async fn a_scan_merges_own_writes_with_the_snapshot() {
    let manager = manager();
    for key in [b"a", b"b", b"c"] {
        set(&manager, key, b"old").await;
    }
    let mut t = manager.begin(Isolation::ReadCommitted);
    t.begin_statement(Access::Write);
    t.delete(b"b".to_vec()).unwrap();
    t.put(b"c".to_vec(), b"new".to_vec(), true).unwrap();
    t.put(b"d".to_vec(), b"new".to_vec(), false).unwrap();
    let read = |direction| {
        let mut keys = Vec::new();
        t.view()
            .scan(&Span::default(), direction, &mut |key, value| {
                keys.push(format!("{}{}", key[0] as char, value[0] as char));
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        keys
    };
    assert_eq!(read(Direction::Forward), ["ao", "cn", "dn"]);
    assert_eq!(read(Direction::Reverse), ["dn", "cn", "ao"]);
}

#[tokio::test]
async fn concurrent_increments_are_not_lost() {
    let manager = manager();
    set(&manager, b"n", &0u64.to_le_bytes()).await;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let manager = manager.clone();
        tasks.push(tokio::spawn(async move {
            for _ in 0..50 {
                let mut t = manager.begin(Isolation::ReadCommitted);
                t.begin_statement(Access::Write);
                t.lock_row(b"n", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
                let old = t.latest().get(b"n").unwrap().unwrap();
                let next = u64::from_le_bytes(old.try_into().unwrap()) + 1;
                t.put(b"n".to_vec(), next.to_le_bytes().to_vec(), true).unwrap();
                t.commit(true).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let t = manager.begin(Isolation::ReadCommitted);
    assert_eq!(get(&t, b"n"), Some(400u64.to_le_bytes().to_vec()));
}

#[tokio::test]
async fn none_exists_looks_at_the_newest_state_under_its_own_writes() {
    let manager = manager();
    let key = |number: u16| number.to_be_bytes().to_vec();
    for number in (0..200).step_by(2) {
        set(&manager, &key(number), b"row").await;
    }
    let mut t = manager.begin(Isolation::ReadCommitted);
    t.begin_statement(Access::Write);
    let none = |t: &Transaction, numbers: &[u16]| {
        let keys: Vec<Vec<u8>> = numbers.iter().map(|number| key(*number)).collect();
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        t.none_exists(&keys).unwrap()
    };
    assert!(none(&t, &[]));
    assert!(none(&t, &[1]));
    assert!(none(&t, &[1, 3, 5]));
    assert!(!none(&t, &[1, 4, 5]));
    // Far apart: too much in between to walk over.
    assert!(none(&t, &[1, 199]));
    assert!(none(&t, &[1, 101, 300]));
    assert!(!none(&t, &[1, 100, 300]));
    assert!(!none(&t, &[0, 101, 300]));
    assert!(!none(&t, &[1, 101, 198]));
    // Another's commit after the statement's snapshot counts, as do its own changes.
    set(&manager, &key(7), b"late").await;
    assert!(!none(&t, &[5, 7, 9]));
    t.delete(key(100)).unwrap();
    assert!(none(&t, &[99, 100, 101]));
    assert!(none(&t, &[1, 100, 300]));
    assert!(t.add(key(9), b"own".to_vec()).unwrap());
    assert!(!t.add(key(9), b"twice".to_vec()).unwrap());
    assert!(!none(&t, &[9]));
    assert!(t.add(key(100), b"again".to_vec()).unwrap());
    assert_eq!(get(&t, &key(100)), Some(b"again".to_vec()));
    let savepoint = t.savepoint();
    assert!(t.add(key(11), b"gone".to_vec()).unwrap());
    t.rollback_to(savepoint);
    t.release_savepoint();
    assert!(none(&t, &[11]));
    t.commit(true).await.unwrap();
    let t = manager.begin(Isolation::ReadCommitted);
    assert_eq!(t.get_latest(&key(9)).unwrap(), Some(b"own".to_vec()));
    assert_eq!(t.get_latest(&key(11)).unwrap(), None);
}

#[tokio::test]
async fn a_view_without_a_transaction_is_refused_while_its_table_is_locked() {
    let manager = manager();
    set(&manager, b"k", b"1").await;
    let names = || [b"L/table".as_slice()].into_iter();
    let view = manager.read_now(names()).unwrap();
    assert_eq!(view.get(b"k").unwrap(), Some(b"1".to_vec()));
    let mut writer = manager.begin(Isolation::ReadCommitted);
    writer.lock_name(b"L/table", LockMode::RowExclusive, WaitPolicy::Block).await.unwrap();
    assert!(manager.read_now(names()).is_some());
    let mut ddl = manager.begin(Isolation::ReadCommitted);
    {
        let waits = ddl.lock_name(b"L/table", LockMode::AccessExclusive, WaitPolicy::Block);
        tokio::pin!(waits);
        assert!(is_pending(&mut waits).await, "it waits");
        assert!(manager.read_now(names()).is_none(), "nobody overtakes who waits");
        writer.rollback();
        waits.await.unwrap();
    }
    assert!(manager.read_now(names()).is_none());
    ddl.rollback();
    assert!(manager.read_now(names()).is_some());
}

/// Polls once; true if the future is not done.
async fn is_pending(future: &mut (impl Future + Unpin)) -> bool {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
    })
    .await
}
