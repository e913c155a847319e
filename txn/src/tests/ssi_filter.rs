//! SERIALIZABLE with filters: a row that a reader's filter rejects, as it was and as it is made, is no
//! conflict, and any other is.

use std::any::Any;
use std::ops::ControlFlow;
use std::sync::Arc;

use cairn_storage::{Direction, Span, Write};

use super::{get, manager, manager_with, set};
use crate::ssi::Limits;
use crate::{
    Access, Conflict, Error, Filter, Isolation, LockMode, Options, RowFilter, Transaction,
    TransactionManager, WaitPolicy,
};

/// Rows that begin with this byte.
#[derive(Debug)]
struct First(u8);

impl RowFilter for First {
    fn may_match(&self, _: &[u8], value: &[u8]) -> bool {
        value.first() == Some(&self.0)
    }

    fn is_same(&self, other: &dyn RowFilter) -> bool {
        (other as &dyn Any).downcast_ref::<First>().is_some_and(|other| other.0 == self.0)
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}

const TABLE: &[u8] = b"table...";
const ROW: &[u8] = b"table...1";
const GUARD: &[u8] = b"guard...1";

fn begin(manager: &Arc<TransactionManager>) -> Transaction {
    let mut t = manager.begin(Isolation::Serializable);
    t.begin_statement(Access::Write);
    t
}

fn first(t: &Transaction, byte: u8) -> Filter {
    t.view().filter(|| Some(First(byte))).expect("there is room for a filter")
}

/// The number of rows of the table that begin with `byte`.
fn count(t: &Transaction, byte: u8) -> crate::Result<usize> {
    let mut count = 0;
    let filter = first(t, byte);
    let span = Span::prefix(TABLE);
    t.view().scan_where(&span, Direction::Forward, Some(&filter), &mut |_, value| {
        count += usize::from(value.first() == Some(&byte));
        ControlFlow::Continue(())
    })?;
    Ok(count)
}

async fn change(t: &mut Transaction, key: &[u8], value: Option<&[u8]>) -> crate::Result<()> {
    match (t.get_latest(key)?, value) {
        (None, Some(value)) => {
            t.lock_unique(key).await?;
            t.put(key.to_vec(), value.to_vec(), false)
        }
        (_, value) => {
            t.lock_row(key, LockMode::ForUpdate, WaitPolicy::Block).await?;
            match value {
                Some(value) => t.put(key.to_vec(), value.to_vec(), true),
                None => t.delete(key.to_vec()),
            }
        }
    }
}

fn is_dependency<T>(result: &crate::Result<T>) -> bool {
    matches!(result, Err(Error::Serialization(Conflict::Dependency(_))))
}

/// When a reader looks, by its commit's side.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    /// Before the others commit: they find it.
    Before,
    /// After: it finds what they have left.
    After,
}

/// Changes of one row, each by a transaction of its own.
struct Script<'a> {
    first: Option<&'a [u8]>,
    changes: &'a [Option<&'a [u8]>],
    /// Which of the changes is by one that has read what the reader writes.
    by_reader_of_guard: usize,
}

/// Whether a reader, whose snapshot is older than all changes, and who writes what one of their makers has
/// read, fails: it does if it comes before that one.
async fn conflicts(
    script: &Script<'_>,
    when: When,
    read: impl Fn(&Transaction) -> crate::Result<()>,
) -> bool {
    let manager = manager();
    set(&manager, GUARD, b"x").await;
    if let Some(value) = script.first {
        set(&manager, ROW, value).await;
    }
    let mut reader = begin(&manager);
    if when == When::Before {
        read(&reader).unwrap();
    }
    for (number, value) in script.changes.iter().enumerate() {
        let mut writer = begin(&manager);
        if number == script.by_reader_of_guard {
            get(&writer, GUARD);
        }
        change(&mut writer, ROW, *value).await.unwrap();
        writer.commit(true).await.unwrap();
    }
    let outcome = async {
        if when == When::After {
            read(&reader)?;
        }
        change(&mut reader, GUARD, Some(b"y")).await?;
        reader.commit(true).await
    };
    let outcome = outcome.await;
    assert!(outcome.is_ok() || is_dependency(&outcome), "{outcome:?}");
    outcome.is_err()
}

/// By each way to read, before and after.
async fn check(script: Script<'_>, expected: bool) {
    for when in [When::Before, When::After] {
        let found = conflicts(&script, when, |t| count(t, b'a').map(drop)).await;
        assert_eq!(found, expected, "a scan {when:?} of {:?}, {:?}", script.first, script.changes);
        let get = |t: &Transaction| t.view().get_where(ROW, Some(&first(t, b'a'))).map(drop);
        let found = conflicts(&script, when, get).await;
        assert_eq!(found, expected, "a get {when:?} of {:?}, {:?}", script.first, script.changes);
        let found = conflicts(&script, when, |t| {
            let keys = [ROW.to_vec(), b"table...9".to_vec()];
            t.view().multi_get_where(&keys, Some(&first(t, b'a'))).map(drop)
        });
        assert_eq!(found.await, expected, "gets {when:?}");
        // Without a filter each change counts.
        assert!(conflicts(&script, when, |t| { t.view().get(ROW).map(drop) }).await);
    }
}

#[tokio::test]
async fn a_change_counts_if_the_old_row_or_the_new_one_matches() {
    let sides: [Option<&[u8]>; 4] = [None, Some(b"a1"), Some(b"b1"), Some(b"c1")];
    for old in sides {
        for new in sides {
            if old.is_none() && new.is_none() {
                continue;
            }
            let matches = [old, new].into_iter().flatten().any(|value| value.starts_with(b"a"));
            let changes = [new];
            check(Script { first: old, changes: &changes, by_reader_of_guard: 0 }, matches).await;
        }
    }
}

#[tokio::test]
async fn of_several_changes_of_a_row_each_is_held_against_the_one_before() {
    // What brings the row in or takes it away comes after the reader, and so does what is built on that.
    type Case<'a> = (&'a [u8], [&'a [u8]; 2], [bool; 2]);
    let cases: [Case<'_>; 4] = [
        (b"b0", [b"a1", b"b2"], [true, true]),
        (b"b0", [b"b1", b"a2"], [false, true]),
        (b"a0", [b"b1", b"b2"], [true, true]),
        (b"b0", [b"b1", b"b2"], [false, false]),
    ];
    for (old, [one, two], expected) in cases {
        for (by_reader_of_guard, expected) in expected.into_iter().enumerate() {
            let changes = [Some(one), Some(two)];
            check(Script { first: Some(old), changes: &changes, by_reader_of_guard }, expected)
                .await;
        }
    }
}

/// Each adds to one kind of rows after it has counted another kind.
async fn crossing(one: u8, other: u8) -> bool {
    let manager = manager();
    set(&manager, b"table...a", b"a").await;
    set(&manager, b"table...b", b"b").await;
    let (mut a, mut b) = (begin(&manager), begin(&manager));
    assert_eq!(count(&a, b'a').unwrap(), 1);
    assert_eq!(count(&b, b'b').unwrap(), 1);
    change(&mut a, b"table...1", Some(&[one])).await.unwrap();
    change(&mut b, b"table...2", Some(&[other])).await.unwrap();
    b.commit(true).await.unwrap();
    let outcome = a.commit(true).await;
    assert!(outcome.is_ok() || is_dependency(&outcome));
    outcome.is_err()
}

#[tokio::test]
async fn write_skew_needs_rows_of_both_filters() {
    assert!(crossing(b'b', b'a').await);
    assert!(!crossing(b'a', b'b').await);
    assert!(!crossing(b'b', b'b').await);
    assert!(!crossing(b'a', b'a').await);
}

#[tokio::test]
async fn what_cannot_commit_fails_at_its_write_and_what_can_does_not() {
    for (row, fails) in [(b"a2", true), (b"b2", false)] {
        let manager = manager();
        set(&manager, ROW, b"b1").await;
        let (mut a, mut b) = (begin(&manager), begin(&manager));
        get(&a, GUARD);
        count(&b, b'a').unwrap();
        change(&mut b, GUARD, Some(b"new")).await.unwrap();
        b.commit(true).await.unwrap();
        let written = change(&mut a, ROW, Some(row)).await;
        assert_eq!(is_dependency(&written), fails, "{written:?}");
        if !fails {
            a.commit(true).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_write_that_turns_out_to_be_fatal_is_looked_at_with_its_value() {
    for (row, fails) in [(b"a2", true), (b"b2", false)] {
        let manager = manager();
        set(&manager, ROW, b"b1").await;
        let (mut a, mut b) = (begin(&manager), begin(&manager));
        get(&a, GUARD);
        count(&b, b'a').unwrap();
        change(&mut a, ROW, Some(row)).await.unwrap();
        change(&mut b, GUARD, Some(b"new")).await.unwrap();
        b.commit(true).await.unwrap();
        assert_eq!(is_dependency(&a.view().get(b"other...1")), fails);
    }
}

#[tokio::test]
async fn only_the_last_value_that_a_transaction_gives_a_row_counts() {
    let manager = manager();
    set(&manager, ROW, b"b1").await;
    let (mut a, mut b) = (begin(&manager), begin(&manager));
    get(&b, GUARD);
    count(&a, b'a').unwrap();
    change(&mut b, ROW, Some(b"a2")).await.unwrap();
    change(&mut b, ROW, Some(b"b3")).await.unwrap();
    b.commit(true).await.unwrap();
    change(&mut a, GUARD, Some(b"new")).await.unwrap();
    a.commit(true).await.unwrap();
}

#[tokio::test]
async fn who_has_read_in_several_ways_has_read_what_any_of_them_shows() {
    let script = Script { first: Some(b"c0"), changes: &[Some(b"b1")], by_reader_of_guard: 0 };
    for when in [When::Before, When::After] {
        let found = conflicts(&script, when, |t| {
            count(t, b'a')?;
            count(t, b'b').map(drop)
        });
        assert!(found.await);
        // Of one key there is one note: both filters go.
        let found = conflicts(&script, when, |t| {
            t.view().get_where(ROW, Some(&first(t, b'x')))?;
            t.view().get_where(ROW, Some(&first(t, b'b'))).map(drop)
        });
        assert!(found.await);
        let found = conflicts(&script, when, |t| {
            count(t, b'a')?;
            t.view().scan(&Span::prefix(TABLE), Direction::Forward, &mut |_, _| {
                ControlFlow::Continue(())
            })
        });
        assert!(found.await);
    }
}

#[tokio::test]
async fn a_scan_that_ends_early_has_read_so_far() {
    let manager = manager();
    for (key, value) in [(b"table...1", b"b"), (b"table...2", b"a"), (b"table...4", b"a")] {
        set(&manager, key, value).await;
    }
    for (key, fails) in [(b"table...1", true), (b"table...3", false)] {
        let (mut a, mut b) = (begin(&manager), begin(&manager));
        let filter = first(&a, b'a');
        let span = Span::prefix(TABLE);
        let mut stop = |_: &[u8], value: &[u8]| match value.first() {
            Some(b'a') => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        a.view().scan_where(&span, Direction::Forward, Some(&filter), &mut stop).unwrap();
        get(&b, GUARD);
        change(&mut b, key, Some(b"a+")).await.unwrap();
        b.commit(true).await.unwrap();
        let written = change(&mut a, GUARD, Some(b"new")).await;
        assert_eq!(is_dependency(&written), fails, "{written:?}");
    }
}

#[tokio::test]
async fn a_scan_that_is_noted_ahead_has_its_filter_too() {
    for (row, fails) in [(b"a2", true), (b"b2", false)] {
        let script =
            Script { first: Some(b"b1"), changes: &[Some(row.as_slice())], by_reader_of_guard: 0 };
        for when in [When::Before, When::After] {
            let found = conflicts(&script, when, |t| {
                let filter = first(t, b'a');
                let (span, view) = (Span::prefix(TABLE), t.view().ahead());
                view.scan_where(&span, Direction::Reverse, Some(&filter), &mut |_, _| {
                    ControlFlow::Continue(())
                })
            });
            assert_eq!(found.await, fails);
        }
    }
}

#[tokio::test]
async fn the_same_read_is_noted_once() {
    let manager = manager();
    let t = begin(&manager);
    for _ in 0..100 {
        count(&t, b'a').unwrap();
        t.view().get_where(ROW, Some(&first(&t, b'a'))).unwrap();
    }
    assert_eq!(manager.conflicts().len(), 2);
}

#[tokio::test]
async fn there_are_filters_at_serializable_alone() {
    let manager = manager();
    for isolation in [Isolation::ReadCommitted, Isolation::RepeatableRead] {
        let mut t = manager.begin(isolation);
        t.begin_statement(Access::Write);
        let filter = t.view().filter(|| -> Option<First> { panic!("nobody needs it") });
        assert!(filter.is_none());
    }
    assert!(begin(&manager).view().filter(|| None::<First>).is_none());
}

#[tokio::test]
async fn memory_of_filters_is_counted_and_bounded() {
    let limits = Limits { filter_bytes: 1000, ..Limits::default() };
    let options = Options { ssi_limits: limits, ..Options::default() };
    let manager = manager_with(options);
    let t = begin(&manager);
    let mut kept = Vec::new();
    while let Some(filter) = t.view().filter(|| Some(First(b'a'))) {
        kept.push(filter);
        assert!(kept.len() < 100);
    }
    assert!(kept.len() > 5);
    let in_use = manager.conflicts().filter_bytes();
    assert!((500..=1000).contains(&in_use), "{in_use}");
    // A clone is the same filter.
    let clone = kept.first().cloned();
    assert_eq!(manager.conflicts().filter_bytes(), in_use);
    drop((kept, clone));
    assert_eq!(manager.conflicts().filter_bytes(), 0);
    assert!(t.view().filter(|| Some(First(b'a'))).is_some());
}

#[tokio::test]
async fn filters_go_with_those_who_have_read() {
    let manager = manager();
    set(&manager, ROW, b"a").await;
    for _ in 0..3000u32 {
        let t = begin(&manager);
        count(&t, b'a').unwrap();
        t.view().get_where(ROW, Some(&first(&t, b'a'))).unwrap();
        t.commit(true).await.unwrap();
    }
    let in_use = manager.conflicts().filter_bytes();
    assert!(in_use < 10_000, "{in_use}");
}

/// A commit leaves its marks first: who comes before its rows are in the store cannot test them.
#[tokio::test]
async fn a_row_that_is_not_written_yet_may_match() {
    for written in [false, true] {
        let manager = manager();
        let mut a = begin(&manager);
        let conflicts = manager.conflicts();
        let (snapshot, party) = conflicts.begin(manager.next_id(), false, true);
        let party = party.unwrap();
        conflicts.read_key(&party, GUARD, None).unwrap();
        party.begin_write().unwrap();
        let at = manager.timestamps().allocate();
        let (key, value) = (ROW.to_vec(), Some(b"b1".to_vec()));
        conflicts.commit(&party, at, &[Write { at, key, value, existed: false }]).unwrap();
        drop(snapshot);
        if written {
            // Without the row: that nothing is there is rejected, too.
            manager.timestamps().publish(at);
        }
        count(&a, b'a').unwrap();
        assert_eq!(is_dependency(&change(&mut a, GUARD, Some(b"new")).await), !written);
    }
}

/// Beyond the bound the filters are forgotten, so a conflict is found that is none.
#[tokio::test]
async fn what_is_told_more_coarsely_has_no_filter() {
    let limits = Limits { points: 64, ranges: 16, ..Limits::default() };
    let row = |i: u32| [TABLE, &i.to_be_bytes()].concat();
    for (reads, fails) in [(4, false), (1000, true)] {
        for points in [false, true] {
            let options = Options { ssi_limits: limits, ..Options::default() };
            let manager = manager_with(options);
            let (mut a, mut b) = (begin(&manager), begin(&manager));
            for i in 0..reads {
                let (filter, key) = (first(&a, b'a'), row(i));
                match points {
                    true => drop(a.view().get_where(&key, Some(&filter)).unwrap()),
                    false => a
                        .view()
                        .scan_where(
                            &Span::prefix(&key),
                            Direction::Forward,
                            Some(&filter),
                            &mut |_, _| ControlFlow::Continue(()),
                        )
                        .unwrap(),
                }
            }
            get(&b, GUARD);
            change(&mut b, &row(1), Some(b"b")).await.unwrap();
            b.commit(true).await.unwrap();
            let written = change(&mut a, GUARD, Some(b"new")).await;
            assert_eq!(is_dependency(&written), fails, "{reads} reads, {written:?}");
            if reads == 1000 {
                assert!(manager.conflicts().filter_bytes() < 20_000);
            }
        }
    }
}

/// A commit takes for granted what it has no time to test.
#[tokio::test]
async fn a_commit_tests_so_many_filters() {
    #[derive(Debug)]
    struct Nothing;
    impl RowFilter for Nothing {
        fn may_match(&self, _: &[u8], _: &[u8]) -> bool {
            false
        }
        fn is_same(&self, _: &dyn RowFilter) -> bool {
            false
        }
        fn heap_bytes(&self) -> usize {
            0
        }
    }
    for (reads, fails) in [(100, false), (1000, true)] {
        let manager = manager();
        let (mut a, mut b) = (begin(&manager), begin(&manager));
        for _ in 0..reads {
            let filter = a.view().filter(|| Some(Nothing)).unwrap();
            let span = Span::prefix(TABLE);
            let scan =
                a.view().scan_where(&span, Direction::Forward, Some(&filter), &mut |_, _| {
                    ControlFlow::Continue(())
                });
            scan.unwrap();
        }
        get(&b, GUARD);
        change(&mut b, ROW, Some(b"b")).await.unwrap();
        b.commit(true).await.unwrap();
        assert_eq!(is_dependency(&change(&mut a, GUARD, Some(b"new")).await), fails);
    }
}
