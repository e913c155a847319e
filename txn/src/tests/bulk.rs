//! Commits of transactions whose writes are in files: what is there afterwards, what others see
//! meanwhile, and what a start does that finds one unfinished.

use std::path::Path;
use std::sync::Arc;

use cairn_storage::engine::Batch;
use cairn_storage::log_writer::Submission;
use cairn_storage::rocks::RocksOptions;
use cairn_storage::{Store, StoreOptions, Timestamp};

use super::pipeline::HeldSync;
use super::{get, set};
use crate::buffer::WriteBuffer;
use crate::bulk_commit::{RECORD, encode};
use crate::clock::SystemClock;
use crate::{
    Access, Isolation, LockMode, LockOutcome, Options, Transaction, TransactionManager, WaitPolicy,
};

fn options() -> Options {
    Options { spill_bytes: 4000, ..Options::default() }
}

fn open(dir: &Path) -> crate::Result<Arc<TransactionManager>> {
    let rocks = RocksOptions { cache_bytes: 1 << 20, memtable_bytes: 1 << 20 };
    let store_options = StoreOptions { rocks, ..StoreOptions::default() };
    let store = Store::open(dir, &store_options, Box::new(|_| {}))?;
    TransactionManager::open(Arc::new(store), Arc::new(SystemClock), options())
}

fn key(n: u32) -> Vec<u8> {
    [b"row/".as_slice(), &n.to_be_bytes()].concat()
}

fn add_rows(t: &mut Transaction, rows: std::ops::Range<u32>) {
    for n in rows {
        assert!(t.add(key(n), vec![n as u8; 50]).unwrap());
    }
}

fn files(dir: &Path) -> usize {
    std::fs::read_dir(dir.join("spill")).unwrap().count()
}

fn reader(manager: &Arc<TransactionManager>) -> Transaction {
    let mut t = manager.begin(Isolation::ReadCommitted);
    t.begin_statement(Access::Read);
    t
}

#[tokio::test]
async fn what_was_committed_from_files_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    {
        let manager = open(dir.path()).unwrap();
        set(&manager, &key(5000), b"old").await;
        set(&manager, &key(5001), b"old").await;
        let mut t = manager.begin(Isolation::ReadCommitted);
        t.begin_statement(Access::Write);
        add_rows(&mut t, 0..2000);
        t.put(key(5000), b"new".to_vec(), true).unwrap();
        t.delete(key(5001)).unwrap();
        t.delete(key(7)).unwrap();
        add_rows(&mut t, 2000..2500);
        assert!(files(dir.path()) > 10);
        let at = t.commit(true).await.unwrap().unwrap();
        assert_eq!(files(dir.path()), 0);
        // What comes later is after it, although it was ahead of the clock.
        set(&manager, &key(9), b"late").await;
        assert!(reader(&manager).snapshot_at() > at);
    }
    for _ in 0..2 {
        let manager = open(dir.path()).unwrap();
        let t = reader(&manager);
        assert_eq!(get(&t, &key(0)), Some(vec![0; 50]));
        assert_eq!(get(&t, &key(7)), None);
        assert_eq!(get(&t, &key(9)), Some(b"late".to_vec()));
        assert_eq!(get(&t, &key(2499)), Some(vec![2499u32 as u8; 50]));
        assert_eq!(get(&t, &key(5000)), Some(b"new".to_vec()));
        assert_eq!(get(&t, &key(5001)), None);
    }
}

#[tokio::test]
async fn a_transaction_that_does_not_commit_leaves_no_files() {
    let dir = tempfile::tempdir().unwrap();
    let manager = open(dir.path()).unwrap();
    let mut t = manager.begin(Isolation::ReadCommitted);
    t.begin_statement(Access::Write);
    let savepoint = t.savepoint();
    add_rows(&mut t, 0..500);
    assert!(files(dir.path()) > 0);
    t.rollback_to(savepoint);
    assert_eq!(files(dir.path()), 0);
    add_rows(&mut t, 0..500);
    drop(t);
    assert_eq!(files(dir.path()), 0);
    assert_eq!(get(&reader(&manager), &key(1)), None);
    drop(manager);
    // What a crash left goes at the next start.
    std::fs::write(dir.path().join("spill/77.run"), b"left").unwrap();
    let manager = open(dir.path()).unwrap();
    assert_eq!(files(dir.path()), 0);
    assert_eq!(get(&reader(&manager), &key(1)), None);
}

/// A directory as a crash leaves it behind the record of a bulk commit.
async fn interrupted(dir: &Path) {
    let manager = open(dir).unwrap();
    set(&manager, &key(1), b"old").await;
    set(&manager, &key(2), b"old").await;
    let mut buffer = WriteBuffer::default();
    buffer.add(key(0), b"new".to_vec()).unwrap();
    buffer.add(key(3), b"new".to_vec()).unwrap();
    buffer.write(key(1), Some(b"new".to_vec()), true);
    buffer.spill(manager.spills()).unwrap();
    buffer.write(key(3), None, true);
    buffer.write(key(2), None, true);
    let runs = buffer.into_runs(manager.spills()).unwrap();
    // One of a tail, and two of the tree.
    assert_eq!(runs.len(), 3);
    runs.iter().for_each(|run| run.keep(true));
    // A second ahead of all others, as a reservation is.
    let at = Timestamp::from_unix_ms(reader(&manager).snapshot_at().unix_ms() + 1000);
    let record = (RECORD.to_vec(), Some(encode(at, &runs)));
    manager.store().submit(Submission {
        batch: Batch { writes: Vec::new(), system: vec![record] },
        at: None,
        sync: true,
        written: None,
        done: Box::new(|result: cairn_storage::Result<()>| result.unwrap()),
    });
    manager.barrier().await.unwrap();
}

#[tokio::test]
async fn a_start_finishes_what_was_committed_and_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    interrupted(dir.path()).await;
    assert_eq!(files(dir.path()), 3);
    for _ in 0..2 {
        let manager = open(dir.path()).unwrap();
        assert_eq!(files(dir.path()), 0);
        assert_eq!(manager.store().system_get(RECORD).unwrap(), None);
        let t = reader(&manager);
        let stored = |n| get(&t, &key(n));
        assert_eq!(stored(0), Some(b"new".to_vec()));
        assert_eq!(stored(1), Some(b"new".to_vec()));
        assert_eq!(stored(2), None);
        assert_eq!(stored(3), None);
    }
}

#[tokio::test]
async fn a_start_does_not_pass_over_a_damaged_file() {
    let dir = tempfile::tempdir().unwrap();
    interrupted(dir.path()).await;
    let run = std::fs::read_dir(dir.path().join("spill")).unwrap().next().unwrap().unwrap();
    let mut bytes = std::fs::read(run.path()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(run.path(), bytes).unwrap();
    assert!(open(dir.path()).is_err());
    assert_eq!(files(dir.path()), 3, "nothing is thrown away");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_commit_while_a_bulk_commit_is_written_and_see_nothing_of_it() {
    let engine = Arc::new(HeldSync::default());
    let store = Store::on_engine(engine.clone(), None, &StoreOptions::default(), Box::new(|_| {}));
    let manager =
        TransactionManager::open(Arc::new(store.unwrap()), Arc::new(SystemClock), options())
            .unwrap();
    set(&manager, b"k", b"1").await;
    engine.hold_load(true);
    let mut bulk = manager.begin(Isolation::ReadCommitted);
    bulk.begin_statement(Access::Write);
    bulk.lock_row(b"locked", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
    bulk.put(b"locked".to_vec(), b"bulk".to_vec(), false).unwrap();
    add_rows(&mut bulk, 0..500);
    let commit = tokio::spawn(bulk.commit(true));
    let mut second = manager.begin(Isolation::ReadCommitted);
    second.begin_statement(Access::Write);
    second.put(b"second".to_vec(), b"bulk".to_vec(), false).unwrap();
    for n in 1000..1500 {
        assert!(second.add(key(n), vec![1; 50]).unwrap());
    }
    let second = tokio::spawn(second.commit(false));
    for n in 0..50u8 {
        set(&manager, b"k", &[n]).await;
        let t = reader(&manager);
        assert_eq!(get(&t, b"k"), Some(vec![n]));
        assert_eq!(get(&t, &key(1)), None);
    }
    let mut waiter = manager.begin(Isolation::ReadCommitted);
    waiter.begin_statement(Access::Write);
    let skipped = waiter.lock_row(b"locked", LockMode::ForUpdate, WaitPolicy::Skip).await.unwrap();
    assert_eq!(skipped, LockOutcome::Skipped);
    assert!(!commit.is_finished() && !second.is_finished());
    engine.hold_load(false);
    let outcome = waiter.lock_row(b"locked", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
    assert_eq!(outcome, LockOutcome::Changed);
    assert_eq!(waiter.get_latest(b"locked").unwrap(), Some(b"bulk".to_vec()));
    let first = commit.await.unwrap().unwrap();
    assert!(second.await.unwrap().unwrap() != first);
    let t = reader(&manager);
    assert_eq!(get(&t, &key(1)), Some(vec![1; 50]));
    assert_eq!(get(&t, &key(1001)), Some(vec![1; 50]));
    assert_eq!(get(&t, b"k"), Some(vec![49]));
    drop((t, waiter));
    assert!(manager.locks().is_free(b"locked", LockMode::ForUpdate));
}
