//! What may be seen when: the order of write, lock release, sync and acknowledgement, on an
//! engine whose sync the test holds back.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cairn_storage::engine::{Batch, Engine, Visit, Write};
use cairn_storage::memory::MemoryEngine;
use cairn_storage::{Direction, Span, Store, StoreOptions, Timestamp};
use parking_lot::{Condvar, Mutex};

use super::{get, manager, set};
use crate::clock::SystemClock;
use crate::{
    Access, Error, Isolation, LockMode, LockOutcome, Options, TransactionManager, WaitPolicy,
};

/// The in-memory engine behind a sync and a load that can be held back.
#[derive(Default)]
pub(super) struct HeldSync {
    engine: MemoryEngine,
    held: Mutex<bool>,
    changed: Condvar,
    load_held: Mutex<bool>,
    load_changed: Condvar,
}

impl HeldSync {
    fn hold(&self, held: bool) {
        *self.held.lock() = held;
        self.changed.notify_all();
    }

    pub(super) fn hold_load(&self, held: bool) {
        *self.load_held.lock() = held;
        self.load_changed.notify_all();
    }
}

type Result<T> = cairn_storage::Result<T>;

impl Engine for HeldSync {
    fn sync(&self) -> Result<()> {
        let mut held = self.held.lock();
        while *held {
            self.changed.wait(&mut held);
        }
        Ok(())
    }

    fn get(&self, key: &[u8], at: Timestamp) -> Result<Option<Vec<u8>>> {
        self.engine.get(key, at)
    }

    fn multi_get(&self, keys: &[Vec<u8>], at: Timestamp) -> Result<Vec<Option<Vec<u8>>>> {
        self.engine.multi_get(keys, at)
    }

    fn scan(
        &self,
        span: &Span,
        at: Timestamp,
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        self.engine.scan(span, at, direction, visit)
    }

    fn newest_version(&self, key: &[u8]) -> Result<Option<Timestamp>> {
        self.engine.newest_version(key)
    }

    fn write(&self, batch: &Batch) -> Result<()> {
        self.engine.write(batch)
    }

    fn collect_garbage(&self, bound: Timestamp) -> Result<()> {
        self.engine.collect_garbage(bound)
    }

    fn garbage_bound(&self) -> Timestamp {
        self.engine.garbage_bound()
    }

    fn flush(&self) -> Result<()> {
        self.engine.flush()
    }

    fn load(&self, writes: &[Write]) -> Result<()> {
        let mut held = self.load_held.lock();
        while *held {
            self.load_changed.wait(&mut held);
        }
        drop(held);
        self.engine.load(writes)
    }

    fn checkpoint(&self, dir: &Path) -> Result<()> {
        self.engine.checkpoint(dir)
    }

    fn system_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.engine.system_get(key)
    }

    fn system_scan(&self, prefix: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.engine.system_scan(prefix)
    }
}

fn held_manager() -> (Arc<HeldSync>, Arc<TransactionManager>) {
    let engine = Arc::new(HeldSync::default());
    let options = StoreOptions::default();
    let store = Store::on_engine(engine.clone(), None, &options, Box::new(|_| {})).unwrap();
    let manager =
        TransactionManager::open(Arc::new(store), Arc::new(SystemClock), Options::default());
    (engine, manager.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locks_go_before_the_sync_and_answers_after_it() {
    let (engine, manager) = held_manager();
    set(&manager, b"k", b"1").await;
    engine.hold(true);
    let mut writer = manager.begin(Isolation::ReadCommitted);
    writer.begin_statement(Access::Write);
    writer.lock_row(b"k", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
    writer.put(b"k".to_vec(), b"2".to_vec(), true).unwrap();
    let first = tokio::spawn(writer.commit(true));

    // The lock comes free although nothing is durable yet.
    let mut second = manager.begin(Isolation::ReadCommitted);
    second.lock_row(b"k", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
    assert_eq!(second.get_latest(b"k").unwrap(), Some(b"2".to_vec()));
    assert!(!first.is_finished());

    // Who only reads sees what a crash cannot take back, and waits for nothing.
    let mut reader = manager.begin(Isolation::ReadCommitted);
    reader.begin_statement(Access::Read);
    assert_eq!(get(&reader, b"k"), Some(b"1".to_vec()));
    reader.commit(true).await.unwrap();

    // Who has seen more waits for it, also with nothing to write.
    let second = tokio::spawn(second.commit(true));
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert!(!first.is_finished() && !second.is_finished());
    engine.hold(false);
    first.await.unwrap().unwrap();
    assert_eq!(second.await.unwrap().unwrap(), None);
    let mut reader = manager.begin(Isolation::ReadCommitted);
    reader.begin_statement(Access::Read);
    assert_eq!(get(&reader, b"k"), Some(b"2".to_vec()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_after_one_that_wrote_sees_no_less() {
    let (engine, manager) = held_manager();
    engine.hold(true);
    let mut writer = manager.begin(Isolation::ReadCommitted);
    writer.lock_row(b"k", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
    writer.put(b"k".to_vec(), b"1".to_vec(), false).unwrap();
    let commit = tokio::spawn(writer.commit(true));
    let mut t = manager.begin(Isolation::ReadCommitted);
    t.lock_row(b"k", LockMode::ForShare, WaitPolicy::Block).await.unwrap();
    t.begin_statement(Access::Write);
    assert_eq!(get(&t, b"k"), Some(b"1".to_vec()));
    t.begin_statement(Access::Read);
    assert_eq!(get(&t, b"k"), Some(b"1".to_vec()));
    engine.hold(false);
    commit.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_key_that_was_only_locked_did_not_change() {
    let manager = manager();
    set(&manager, b"parent", b"1").await;
    let mut a = manager.begin(Isolation::RepeatableRead);
    let mut b = manager.begin(Isolation::RepeatableRead);
    for (t, child) in [(&mut a, b"x"), (&mut b, b"y")] {
        t.begin_statement(Access::Write);
        let outcome = t.lock_row(b"parent", LockMode::ForShare, WaitPolicy::Block).await.unwrap();
        assert_eq!(outcome, LockOutcome::Unchanged);
        t.put(child.to_vec(), b"1".to_vec(), false).unwrap();
    }
    a.commit(true).await.unwrap();
    let again = b.lock_row(b"parent", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
    assert_eq!(again, LockOutcome::Unchanged);
    b.commit(true).await.unwrap();
}

#[tokio::test]
async fn a_transaction_larger_than_the_limit_fails_and_ends_clean() {
    let engine = Arc::new(MemoryEngine::new());
    let store = Store::on_engine(engine, None, &StoreOptions::default(), Box::new(|_| {})).unwrap();
    let options = Options { max_transaction_bytes: 1000, ..Options::default() };
    let manager =
        TransactionManager::open(Arc::new(store), Arc::new(SystemClock), options).unwrap();
    let mut t = manager.begin(Isolation::ReadCommitted);
    let mut failed = None;
    for n in 0..100u8 {
        if let Err(error) = t.put(vec![n], vec![0; 100], false) {
            failed = Some(error);
            break;
        }
    }
    assert!(matches!(failed, Some(Error::TooLarge { limit_bytes: 1000 })));
    t.rollback();
    let mut t = manager.begin(Isolation::ReadCommitted);
    let mut failed = None;
    for n in 0..100u8 {
        let lock = t.lock_row(&[n], LockMode::ForUpdate, WaitPolicy::Block).await;
        if let Err(error) = lock {
            failed = Some(error);
            break;
        }
    }
    assert!(matches!(failed, Some(Error::TooLarge { limit_bytes: 1000 })));
    drop(t);
    assert!(manager.locks().is_empty());
}

#[tokio::test]
async fn garbage_goes_when_no_snapshot_needs_it() {
    let engine = Arc::new(MemoryEngine::new());
    let store =
        Store::on_engine(engine.clone(), None, &StoreOptions::default(), Box::new(|_| {})).unwrap();
    let options = Options { gc_retention: Duration::ZERO, ..Options::default() };
    let manager =
        TransactionManager::open(Arc::new(store), Arc::new(SystemClock), options).unwrap();
    let versions = |at: Timestamp| engine.get(b"k", at);
    set(&manager, b"k", b"1").await;
    let mut old = manager.begin(Isolation::RepeatableRead);
    old.begin_statement(Access::Read);
    let before = old.snapshot_at();
    set(&manager, b"k", b"2").await;
    manager.collect_garbage().unwrap();
    assert_eq!(get(&old, b"k"), Some(b"1".to_vec()));
    // A view handed to another thread keeps its versions after the transaction is gone.
    let view = old.view();
    drop(old);
    manager.collect_garbage().unwrap();
    let mut seen = Vec::new();
    view.scan(&Span::default(), Direction::Forward, &mut |_, value| {
        seen.push(value.to_vec());
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(seen, [b"1".to_vec()]);
    drop(view);
    // The bound counts milliseconds: one has to pass.
    tokio::time::sleep(Duration::from_millis(5)).await;
    set(&manager, b"k", b"3").await;
    manager.collect_garbage().unwrap();
    assert!(matches!(versions(before), Err(cairn_storage::Error::SnapshotTooOld)));
}
