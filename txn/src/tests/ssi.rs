//! SERIALIZABLE: what is dangerous fails, what is not goes through, and memory has an end.

use std::ops::ControlFlow;
use std::sync::Arc;

use cairn_storage::{Direction, Span};

use super::{get, manager, set};
use crate::ssi::Limits;
use crate::{
    Access, Conflict, Error, Isolation, LockMode, Options, Transaction, TransactionManager,
    WaitPolicy,
};

fn begin(manager: &Arc<TransactionManager>) -> Transaction {
    let mut t = manager.begin(Isolation::Serializable);
    t.begin_statement(Access::Write);
    t
}

fn begin_read_only(manager: &Arc<TransactionManager>) -> Transaction {
    let mut t = manager.begin(Isolation::Serializable);
    t.set_read_only(true);
    t.begin_statement(Access::Read);
    t
}

async fn write(t: &mut Transaction, key: &[u8], value: &[u8]) -> crate::Result<()> {
    t.lock_row(key, LockMode::ForUpdate, WaitPolicy::Block).await?;
    t.put(key.to_vec(), value.to_vec(), true)
}

async fn insert(t: &mut Transaction, key: &[u8]) -> crate::Result<()> {
    t.lock_unique(key).await?;
    t.put(key.to_vec(), b"new".to_vec(), false)
}

/// Keys of an index, up to `limit` of them, each with its value.
fn scan(t: &Transaction, prefix: &[u8], limit: usize) -> crate::Result<usize> {
    let mut count = 0;
    t.view().scan(&Span::prefix(prefix), Direction::Forward, &mut |_, _| {
        count += 1;
        if count == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(count)
}

fn is_dependency<T>(result: &crate::Result<T>) -> bool {
    matches!(result, Err(Error::Serialization(Conflict::Dependency(_))))
}

#[tokio::test]
async fn write_skew_fails_and_its_retry_does_not() {
    let manager = manager();
    set(&manager, b"table1", b"1").await;
    set(&manager, b"table2", b"1").await;
    let (mut a, mut b) = (begin(&manager), begin(&manager));
    get(&a, b"table1");
    get(&a, b"table2");
    get(&b, b"table1");
    get(&b, b"table2");
    write(&mut a, b"table1", b"0").await.unwrap();
    write(&mut b, b"table2", b"0").await.unwrap();
    a.commit(true).await.unwrap();
    assert!(is_dependency(&b.commit(true).await));
    let mut again = begin(&manager);
    get(&again, b"table1");
    write(&mut again, b"table2", b"0").await.unwrap();
    again.commit(true).await.unwrap();
    assert!(manager.locks().len() < 10);
}

#[tokio::test]
async fn snapshot_isolation_lets_write_skew_through() {
    let manager = manager();
    set(&manager, b"table1", b"1").await;
    set(&manager, b"table2", b"1").await;
    let mut both = Vec::new();
    for (read, written) in [(b"table1", b"table2"), (b"table2", b"table1")] {
        let mut t = manager.begin(Isolation::RepeatableRead);
        t.begin_statement(Access::Write);
        get(&t, read);
        write(&mut t, written, b"0").await.unwrap();
        both.push(t);
    }
    for t in both {
        t.commit(true).await.unwrap();
    }
}

#[tokio::test]
async fn a_range_that_was_read_is_guarded_against_new_rows() {
    let manager = manager();
    let (mut a, mut b) = (begin(&manager), begin(&manager));
    assert_eq!(scan(&a, b"table", 100).unwrap(), 0);
    assert_eq!(scan(&b, b"table", 100).unwrap(), 0);
    insert(&mut a, b"table1").await.unwrap();
    insert(&mut b, b"table2").await.unwrap();
    b.commit(true).await.unwrap();
    assert!(is_dependency(&a.commit(true).await));
}

#[tokio::test]
async fn a_range_is_read_only_as_far_as_its_scan_went() {
    let manager = manager();
    set(&manager, b"queue1", b"").await;
    set(&manager, b"queue2", b"").await;
    let (mut a, mut b) = (begin(&manager), begin(&manager));
    assert_eq!(scan(&a, b"queue", 1).unwrap(), 1);
    assert_eq!(scan(&b, b"other", 1).unwrap(), 0);
    // What is added at the queue's other end was not read.
    insert(&mut b, b"queue9").await.unwrap();
    insert(&mut a, b"other1").await.unwrap();
    b.commit(true).await.unwrap();
    a.commit(true).await.unwrap();
}

#[tokio::test]
async fn one_edge_is_no_reason_to_fail() {
    let manager = manager();
    set(&manager, b"table1", b"1").await;
    let (mut a, mut b) = (begin(&manager), begin(&manager));
    get(&a, b"table1");
    write(&mut b, b"table1", b"2").await.unwrap();
    write(&mut a, b"table3", b"2").await.unwrap();
    b.commit(true).await.unwrap();
    a.commit(true).await.unwrap();
}

/// Fekete, O'Neil and O'Neil, "A read-only transaction anomaly under snapshot isolation" (2004).
#[tokio::test]
async fn a_read_only_transaction_that_saw_the_first_commit_fails() {
    let manager = manager();
    set(&manager, b"checking", b"0").await;
    set(&manager, b"savings_", b"0").await;
    let mut withdraw = begin(&manager);
    get(&withdraw, b"checking");
    get(&withdraw, b"savings_");
    let mut deposit = begin(&manager);
    get(&deposit, b"savings_");
    write(&mut deposit, b"savings_", b"20").await.unwrap();
    deposit.commit(true).await.unwrap();
    let report = begin_read_only(&manager);
    assert_eq!(get(&report, b"savings_"), Some(b"20".to_vec()));
    get(&report, b"checking");
    report.commit(true).await.unwrap();
    assert!(is_dependency(&write(&mut withdraw, b"checking", b"-11").await));
}

#[tokio::test]
async fn what_cannot_commit_any_more_fails_at_once() {
    let manager = manager();
    let (mut a, mut b) = (begin(&manager), begin(&manager));
    for t in [&a, &b] {
        get(t, b"table1");
        get(t, b"table2");
    }
    write(&mut b, b"table2", b"0").await.unwrap();
    write(&mut a, b"table1", b"0").await.unwrap();
    a.commit(true).await.unwrap();
    // Its write was harmless until the other one committed.
    assert!(is_dependency(&b.view().get(b"table3")));
}

#[tokio::test]
async fn the_same_fails_at_the_reader_when_that_comes_last() {
    let manager = manager();
    set(&manager, b"checking", b"0").await;
    set(&manager, b"savings_", b"0").await;
    let mut withdraw = begin(&manager);
    get(&withdraw, b"checking");
    get(&withdraw, b"savings_");
    set_serializable(&manager, b"savings_", b"20").await;
    let report = begin_read_only(&manager);
    assert_eq!(get(&report, b"savings_"), Some(b"20".to_vec()));
    write(&mut withdraw, b"checking", b"-11").await.unwrap();
    withdraw.commit(true).await.unwrap();
    assert!(is_dependency(&report.view().get(b"checking")));
}

#[tokio::test]
async fn a_reader_that_came_before_the_first_commit_is_harmless_until_it_writes() {
    let manager = manager();
    set(&manager, b"checking", b"0").await;
    set(&manager, b"savings_", b"0").await;
    for writes in [false, true] {
        let mut report = begin(&manager);
        get(&report, b"unrelated");
        let mut withdraw = begin(&manager);
        get(&withdraw, b"savings_");
        set_serializable(&manager, b"savings_", b"20").await;
        write(&mut withdraw, b"checking", b"-11").await.unwrap();
        withdraw.commit(true).await.unwrap();
        get(&report, b"checking");
        match writes {
            false => drop(report.commit(true).await.unwrap()),
            true => assert!(is_dependency(&write(&mut report, b"unrelated", b"1").await)),
        }
    }
}

async fn set_serializable(manager: &Arc<TransactionManager>, key: &[u8], value: &[u8]) {
    let mut t = begin(manager);
    get(&t, key);
    write(&mut t, key, value).await.unwrap();
    t.commit(true).await.unwrap();
}

#[tokio::test]
async fn a_writer_that_failed_overwrote_nothing() {
    let manager = manager();
    set(&manager, b"table1", b"1").await;
    let (mut a, mut b) = (begin(&manager), begin(&manager));
    get(&a, b"table1");
    write(&mut b, b"table1", b"2").await.unwrap();
    b.rollback();
    write(&mut a, b"table2", b"2").await.unwrap();
    a.commit(true).await.unwrap();
}

#[tokio::test]
async fn a_key_that_was_looked_for_is_a_conflict_where_the_transaction_could_go_on() {
    let manager = manager();
    for (key, looks, ends) in
        [(b"table1", true, false), (b"table2", false, false), (b"table3", true, true)]
    {
        let (mut a, mut b) = (begin(&manager), begin(&manager));
        a.set_ends_with_error(ends);
        if looks {
            assert_eq!(get(&a, key), None);
        }
        insert(&mut b, key).await.unwrap();
        b.commit(true).await.unwrap();
        let locked = a.lock_unique(key).await;
        let conflict = Error::Serialization(Conflict::ConcurrentInsert).to_string();
        assert_eq!(
            locked.map_err(|error| error.to_string()),
            if looks && !ends { Err(conflict) } else { Ok(()) }
        );
    }
}

/// What is in the way of a duplicate comes before it, as in PostgreSQL.
#[tokio::test]
async fn a_key_that_both_looked_for_is_a_dependency() {
    let manager = manager();
    let (mut a, mut b) = (begin(&manager), begin(&manager));
    for t in [&a, &b] {
        assert_eq!(scan(t, b"table", 10).unwrap(), 0);
    }
    insert(&mut b, b"table1").await.unwrap();
    b.commit(true).await.unwrap();
    assert!(is_dependency(&a.lock_unique(b"table1").await));
}

#[tokio::test]
async fn a_key_deleted_after_the_snapshot_cannot_be_added_again() {
    let manager = manager();
    set(&manager, b"table1", b"1").await;
    let mut a = begin(&manager);
    let mut b = begin(&manager);
    b.lock_row(b"table1", LockMode::ForUpdate, WaitPolicy::Block).await.unwrap();
    b.delete(b"table1".to_vec()).unwrap();
    b.commit(true).await.unwrap();
    let locked = a.lock_unique(b"table1").await;
    assert!(matches!(locked, Err(Error::Serialization(Conflict::ConcurrentDelete))));
}

#[tokio::test]
async fn a_safe_snapshot_waits_for_writers_and_then_needs_no_notes() {
    let manager = manager();
    set(&manager, b"savings_", b"0").await;
    let mut writer = begin(&manager);
    write(&mut writer, b"savings_", b"1").await.unwrap();
    let waiting = {
        let manager = manager.clone();
        tokio::spawn(async move {
            let mut t = manager.begin(Isolation::Serializable);
            t.set_read_only(true);
            t.await_safe_snapshot().await.unwrap();
            get(&t, b"savings_")
        })
    };
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    writer.commit(true).await.unwrap();
    assert!(waiting.await.unwrap().is_some());
}

#[tokio::test]
async fn entries_go_with_those_who_need_them() {
    let manager = manager();
    for round in 0..3000u32 {
        let mut t = begin(&manager);
        get(&t, &[b"table".as_slice(), &round.to_be_bytes()].concat());
        insert(&mut t, &[b"table".as_slice(), &round.to_be_bytes()].concat()).await.unwrap();
        t.commit(true).await.unwrap();
    }
    assert!(manager.conflicts().len() < 2100, "{} entries", manager.conflicts().len());
}

/// Over the bound, edges are found that are not there, and none is missed.
#[tokio::test]
async fn memory_is_bounded_and_write_skew_is_still_found() {
    let limits = Limits { points: 64, ranges: 16, ..Limits::default() };
    for reads in [10u32, 1000] {
        for finish_first in [false, true] {
            let options = Options { ssi_limits: limits, ..Options::default() };
            let manager = super::manager_with(options);
            let key = |i: u32| [b"table".as_slice(), &i.to_be_bytes()].concat();
            let (mut a, mut b) = (begin(&manager), begin(&manager));
            for i in 0..reads {
                assert_eq!(get(&a, &key(i)), None);
                assert_eq!(scan(&b, &key(i), 1).unwrap(), 0);
            }
            // Others come and go meanwhile; `a` and `b` keep all of them.
            for i in 0..reads {
                set_new(&manager, &[b"other".as_slice(), &i.to_be_bytes()].concat()).await;
            }
            insert(&mut a, &key(3)).await.unwrap();
            insert(&mut b, &key(5)).await.unwrap();
            let (first, second) = if finish_first { (a, b) } else { (b, a) };
            first.commit(true).await.unwrap();
            assert!(is_dependency(&second.commit(true).await));
            let most = (limits.points + limits.ranges + 1) * crate::ssi::SHARDS;
            assert!(manager.conflicts().len() <= most);
        }
    }
}

async fn set_new(manager: &Arc<TransactionManager>, key: &[u8]) {
    let mut t = begin(manager);
    insert(&mut t, key).await.unwrap();
    t.commit(true).await.unwrap();
}
