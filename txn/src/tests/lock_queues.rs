//! Who waits behind whom, who passes, and which circles are none with another order.

use std::pin::Pin;
use std::sync::Arc;

use super::{is_pending, manager, set};
use crate::LockMode::{
    AccessExclusive, AccessShare, ForKeyShare, ForNoKeyUpdate, ForShare, ForUpdate, RowExclusive,
    Share, ShareUpdateExclusive,
};
use crate::{
    Access, Conflict, Error, Isolation, LockMode, LockOutcome, Result, Transaction,
    TransactionManager, WaitPolicy,
};

type Waiting<'t> = Pin<Box<dyn Future<Output = Result<bool>> + 't>>;

fn begin(manager: &Arc<TransactionManager>) -> Transaction {
    manager.begin(Isolation::ReadCommitted)
}

async fn take(t: &mut Transaction, key: &[u8], mode: LockMode) {
    assert!(t.lock_name(key, mode, WaitPolicy::NoWait).await.unwrap());
}

/// Asks for a lock that is not to be had yet.
async fn wait_for<'t>(t: &'t mut Transaction, key: &'t [u8], mode: LockMode) -> Waiting<'t> {
    let mut waiting: Waiting<'t> = Box::pin(t.lock_name(key, mode, WaitPolicy::Block));
    assert!(is_pending(&mut waiting).await, "it waits");
    waiting
}

#[tokio::test]
async fn who_shares_a_row_passes_a_waiting_writer_and_at_tables_nobody_passes() {
    let cases = [
        (ForShare, ForUpdate, ForShare, true),
        (ForKeyShare, ForUpdate, ForNoKeyUpdate, true),
        (ForNoKeyUpdate, ForNoKeyUpdate, ForKeyShare, true),
        (ForNoKeyUpdate, ForNoKeyUpdate, ForShare, false),
        (AccessShare, AccessExclusive, AccessShare, false),
        (RowExclusive, Share, RowExclusive, false),
        (Share, RowExclusive, AccessShare, true),
    ];
    for (held, wanted, late, passes) in cases {
        let manager = manager();
        let (mut holder, mut writer, mut third) =
            (begin(&manager), begin(&manager), begin(&manager));
        take(&mut holder, b"k", held).await;
        let writes = wait_for(&mut writer, b"k", wanted).await;
        let passed = third.lock_name(b"k", late, WaitPolicy::Skip).await.unwrap();
        assert_eq!(passed, passes, "{late:?} past {wanted:?}");
        holder.rollback();
        drop(third);
        assert!(writes.await.unwrap());
        writer.rollback();
        assert!(manager.locks().is_empty());
    }
}

#[tokio::test]
async fn who_waits_for_a_row_is_served_in_the_order_of_asking() {
    let manager = manager();
    let (mut holder, mut writer, mut reader) = (begin(&manager), begin(&manager), begin(&manager));
    take(&mut holder, b"k", ForUpdate).await;
    let writes = wait_for(&mut writer, b"k", ForUpdate).await;
    let mut reads = wait_for(&mut reader, b"k", ForShare).await;
    holder.rollback();
    assert!(writes.await.unwrap());
    assert!(is_pending(&mut reads).await);
    writer.rollback();
    assert!(reads.await.unwrap());
}

#[tokio::test]
async fn a_key_that_stays_may_be_shared_whatever_else_changed() {
    for isolation in [Isolation::RepeatableRead, Isolation::Serializable] {
        let manager = manager();
        set(&manager, b"k", b"1").await;
        let mut old = manager.begin(isolation);
        old.begin_statement(Access::Read);
        let mut other = manager.begin(isolation);
        other.begin_statement(Access::Write);
        other.lock_row(b"k", ForNoKeyUpdate, WaitPolicy::Block).await.unwrap();
        other.put(b"k".to_vec(), b"2".to_vec(), true).unwrap();
        other.commit(true).await.unwrap();
        let shared = old.lock_row(b"k", ForKeyShare, WaitPolicy::Block).await.unwrap();
        assert_eq!(shared, LockOutcome::Unchanged);
        let shared = old.lock_row(b"k", ForShare, WaitPolicy::Block).await;
        assert!(matches!(shared, Err(Error::Serialization(Conflict::ConcurrentUpdate))));
        old.rollback();

        let mut old = manager.begin(isolation);
        old.begin_statement(Access::Read);
        let mut other = manager.begin(isolation);
        other.begin_statement(Access::Write);
        other.lock_row(b"k", ForUpdate, WaitPolicy::Block).await.unwrap();
        other.delete(b"k".to_vec()).unwrap();
        other.commit(true).await.unwrap();
        let shared = old.lock_row(b"k", ForKeyShare, WaitPolicy::Block).await;
        assert!(matches!(shared, Err(Error::Serialization(Conflict::ConcurrentDelete))));
    }
}

/// Two share a table each, somebody waits for each of the tables, and both want the other table, too.
#[tokio::test]
async fn a_circle_over_queues_is_opened_by_another_order() {
    let manager = manager();
    let (mut d1, mut d2) = (begin(&manager), begin(&manager));
    let (mut e1, mut e2) = (begin(&manager), begin(&manager));
    take(&mut d1, b"a1", AccessShare).await;
    take(&mut d2, b"a2", AccessShare).await;
    let e1_waits = wait_for(&mut e1, b"a1", AccessExclusive).await;
    let mut e2_waits = wait_for(&mut e2, b"a2", AccessExclusive).await;
    let d1_waits = wait_for(&mut d1, b"a2", AccessShare).await;
    // Somebody has to pass: it is who waits already.
    let mut d2_waits = wait_for(&mut d2, b"a1", AccessShare).await;
    assert!(d1_waits.await.unwrap());
    d1.rollback();
    assert!(e1_waits.await.unwrap());
    assert!(is_pending(&mut d2_waits).await);
    e1.rollback();
    assert!(d2_waits.await.unwrap());
    assert!(is_pending(&mut e2_waits).await);
    d2.rollback();
    assert!(e2_waits.await.unwrap());
    e2.rollback();
    assert!(manager.locks().is_empty());
}

#[tokio::test]
async fn one_passes_as_many_as_it_takes() {
    let manager = manager();
    let (mut s1, mut s2) = (begin(&manager), begin(&manager));
    let (mut s3, mut s4) = (begin(&manager), begin(&manager));
    take(&mut s1, b"a1", ShareUpdateExclusive).await;
    take(&mut s2, b"a2", AccessShare).await;
    let s2_waits = wait_for(&mut s2, b"a1", ShareUpdateExclusive).await;
    let s3_waits = wait_for(&mut s3, b"a2", AccessExclusive).await;
    let mut s4_waits = wait_for(&mut s4, b"a2", AccessExclusive).await;
    let passes = s1.lock_name(b"a2", ShareUpdateExclusive, WaitPolicy::Block).await;
    assert!(passes.unwrap());
    s1.rollback();
    assert!(s2_waits.await.unwrap());
    s2.rollback();
    assert!(s3_waits.await.unwrap());
    assert!(is_pending(&mut s4_waits).await, "the others keep their order");
    s3.rollback();
    assert!(s4_waits.await.unwrap());
}

#[tokio::test]
async fn a_circle_of_holders_is_a_deadlock_also_behind_a_queue() {
    let manager = manager();
    let (mut a, mut b, mut c) = (begin(&manager), begin(&manager), begin(&manager));
    take(&mut a, b"x", AccessShare).await;
    take(&mut b, b"y", AccessShare).await;
    let c_waits = wait_for(&mut c, b"y", AccessExclusive).await;
    let a_waits = wait_for(&mut a, b"y", AccessExclusive).await;
    // It could pass `c`, and `a` would still be in its way.
    let asked = b.lock_name(b"x", AccessExclusive, WaitPolicy::Block).await;
    assert!(matches!(asked, Err(Error::Deadlock(_))));
    b.rollback();
    assert!(c_waits.await.unwrap());
    c.rollback();
    assert!(a_waits.await.unwrap());
}
