//! Histories that are known to be good or bad, for each phenomenon.

use super::Operation::{Append, Delete, Read, ReadList, Scan, Select, Write};
use super::Outcome::{Aborted, Committed, Unknown};
use super::*;

fn append(key: Key, value: Value) -> Operation {
    Append { key, value }
}

fn list(key: Key, values: &[Value]) -> Operation {
    ReadList { key, values: values.to_vec() }
}

fn write(key: Key, value: Value) -> Operation {
    Write { key, value }
}

fn delete(key: Key, value: Value) -> Operation {
    Delete { key, value }
}

fn read(key: Key, value: Option<Value>) -> Operation {
    Read { key, value }
}

fn scan(keys: Range<Key>, found: &[(Key, Value)]) -> Operation {
    let found = found.iter().map(|(key, value)| (*key, Found::Register(*value)));
    Scan { keys, found: found.collect() }
}

fn history(transactions: Vec<(Outcome, Vec<Operation>)>) -> History {
    let transactions = transactions.into_iter();
    let transactions = transactions.map(|(outcome, steps)| Transaction::new(outcome, steps));
    History { transactions: transactions.collect(), ..History::default() }
}

/// All committed.
fn committed(transactions: Vec<Vec<Operation>>) -> History {
    history(transactions.into_iter().map(|steps| (Committed, steps)).collect())
}

/// All committed, in the order given.
fn in_order(transactions: Vec<Vec<Operation>>) -> History {
    let mut history = committed(transactions);
    for (at, transaction) in (1..).zip(&mut history.transactions) {
        transaction.commit_at = Some(at);
    }
    history
}

const LEVELS: [Level; 3] = [Level::ReadCommitted, Level::SnapshotIsolation, Level::Serializable];

fn phenomena(history: &History, level: Level) -> Vec<Phenomenon> {
    let mut found: Vec<Phenomenon> =
        check(history, level).iter().map(|anomaly| anomaly.phenomenon).collect();
    found.dedup();
    found
}

/// What is found at READ COMMITTED, at snapshot isolation, and at serializability.
fn at_each(history: &History) -> [Vec<Phenomenon>; 3] {
    LEVELS.map(|level| phenomena(history, level))
}

/// At every level the same.
fn everywhere(history: &History, expected: &[Phenomenon]) {
    assert_eq!(at_each(history), [expected, expected, expected]);
}

#[test]
fn one_after_the_other_is_right_at_every_level() {
    everywhere(&History::default(), &[]);
    let history = committed(vec![
        vec![list(1, &[]), append(1, 10), list(1, &[10]), append(1, 11), write(2, 20)],
        vec![read(2, Some(20)), write(2, 21), read(2, Some(21)), list(1, &[10, 11])],
        vec![scan(2..9, &[(2, 21)]), write(3, 30), scan(2..9, &[(2, 21), (3, 30)])],
        vec![scan(2..9, &[(2, 21), (3, 30)]), delete(3, 31), scan(2..9, &[(2, 21)])],
    ]);
    everywhere(&history, &[]);
}

#[test]
fn a_dirty_write_is_g0() {
    let history = committed(vec![
        vec![append(1, 10), append(2, 20)],
        vec![append(1, 11), append(2, 21)],
        vec![list(1, &[10, 11])],
        vec![list(2, &[21, 20])],
    ]);
    for level in LEVELS {
        assert_eq!(phenomena(&history, level).first(), Some(&Phenomenon::G0));
    }
    let anomaly = check(&history, Level::ReadCommitted).swap_remove(0).to_string();
    assert!(anomaly.contains("T0 -ww-> T1: T1 replaced 10 of key 1 with 11 of key 1"), "{anomaly}");
    assert!(anomaly.contains("T1 -ww-> T0: T0 replaced 21 of key 2 with 20 of key 2"), "{anomaly}");
    assert!(anomaly.contains("T0, Committed, Serializable: append 10 to 1; append 20 to 2"));
}

#[test]
fn a_dirty_read_is_g1a() {
    let history = history(vec![
        (Aborted, vec![append(1, 10), write(2, 20)]),
        (Committed, vec![list(1, &[10])]),
        (Committed, vec![read(2, Some(20))]),
        (Aborted, vec![list(1, &[10])]),
    ]);
    everywhere(&history, &[Phenomenon::G1a]);
    assert_eq!(check(&history, Level::ReadCommitted).len(), 2);
}

#[test]
fn a_read_of_what_its_writer_replaced_is_g1b() {
    let history = committed(vec![
        vec![append(1, 10), append(1, 11), write(2, 20), write(2, 21)],
        vec![list(1, &[10])],
        vec![read(2, Some(20))],
        vec![list(1, &[10, 11])],
    ]);
    let found = check(&history, Level::ReadCommitted);
    assert_eq!(found.iter().filter(|a| a.phenomenon == Phenomenon::G1b).count(), 2);
}

#[test]
fn reads_in_a_circle_are_g1c() {
    let history =
        committed(vec![vec![append(1, 10), list(2, &[20])], vec![append(2, 20), list(1, &[10])]]);
    for found in at_each(&history) {
        assert_eq!(found.first(), Some(&Phenomenon::G1c));
    }
}

#[test]
fn read_skew_is_g_single_and_read_committed_has_it() {
    let history = committed(vec![
        vec![list(1, &[]), list(2, &[20])],
        vec![append(1, 10), append(2, 20)],
        vec![list(1, &[10]), list(2, &[20])],
    ]);
    let [rc, si, serializable] = at_each(&history);
    assert!(rc.is_empty());
    assert_eq!(si, [Phenomenon::GSingle]);
    assert_eq!(serializable, [Phenomenon::GSingle]);
}

#[test]
fn a_second_read_that_differs_is_g_single() {
    let history = committed(vec![vec![list(1, &[]), list(1, &[10])], vec![append(1, 10)]]);
    assert_eq!(at_each(&history), [vec![], vec![Phenomenon::GSingle], vec![Phenomenon::GSingle]]);
}

#[test]
fn a_phantom_in_one_transaction_is_g_single() {
    let history =
        committed(vec![vec![scan(1..9, &[]), scan(1..9, &[(3, 30)])], vec![write(3, 30)]]);
    assert_eq!(at_each(&history), [vec![], vec![Phenomenon::GSingle], vec![Phenomenon::GSingle]]);
}

#[test]
fn a_lost_update_is_found_with_and_without_the_order_of_versions() {
    let steps = || {
        vec![
            vec![write(1, 10)],
            vec![read(1, Some(10)), write(1, 11)],
            vec![read(1, Some(10)), write(1, 12)],
        ]
    };
    let [rc, si, _] = at_each(&committed(steps()));
    assert!(rc.is_empty());
    assert!(si.contains(&Phenomenon::LostUpdate));
    let [rc, si, _] = at_each(&in_order(steps()));
    assert!(rc.is_empty());
    assert_eq!(si, [Phenomenon::GSingle, Phenomenon::LostUpdate]);
}

#[test]
fn write_skew_is_g2_item_and_snapshot_isolation_has_it() {
    let history = committed(vec![
        vec![list(1, &[]), list(2, &[]), append(1, 10)],
        vec![list(1, &[]), list(2, &[]), append(2, 20)],
        vec![list(1, &[10]), list(2, &[20])],
    ]);
    assert_eq!(at_each(&history), [vec![], vec![], vec![Phenomenon::G2Item]]);
    let anomaly = check(&history, Level::Serializable).swap_remove(0).to_string();
    assert!(
        anomaly.contains("T0 -rw-> T1: T0 read key 2 as it was at first, T1 wrote 20 of key 2")
    );
}

#[test]
fn write_skew_of_registers_needs_no_order_of_commits() {
    let history = committed(vec![
        vec![write(1, 10), write(2, 20)],
        vec![read(1, Some(10)), read(2, Some(20)), write(1, 11)],
        vec![read(1, Some(10)), read(2, Some(20)), write(2, 21)],
    ]);
    assert_eq!(at_each(&history), [vec![], vec![], vec![Phenomenon::G2Item]]);
}

#[test]
fn a_reader_can_make_the_difference() {
    // Fekete, O'Neil and O'Neil, "A read-only transaction anomaly under snapshot isolation", 2004.
    let mut steps = vec![
        vec![append(2, 20)],
        vec![list(1, &[]), list(2, &[]), append(1, 10)],
        vec![list(1, &[]), list(2, &[20])],
        vec![list(1, &[10])],
    ];
    let history = committed(steps.clone());
    assert_eq!(at_each(&history), [vec![], vec![], vec![Phenomenon::G2Item]]);
    steps.remove(2);
    everywhere(&committed(steps), &[]);
}

#[test]
fn a_long_fork_is_g_nonadjacent_and_snapshot_isolation_has_it_not() {
    let history = committed(vec![
        vec![append(1, 10)],
        vec![append(2, 20)],
        vec![list(1, &[10]), list(2, &[])],
        vec![list(1, &[]), list(2, &[20])],
    ]);
    let [rc, si, serializable] = at_each(&history);
    assert!(rc.is_empty());
    assert_eq!(si, [Phenomenon::GNonadjacent]);
    assert_eq!(serializable, [Phenomenon::GNonadjacent, Phenomenon::G2Item]);
}

#[test]
fn predicate_write_skew_is_g2() {
    let history = committed(vec![
        vec![scan(1..9, &[]), write(1, 10)],
        vec![scan(1..9, &[]), write(2, 20)],
        vec![scan(1..9, &[(1, 10), (2, 20)])],
    ]);
    assert_eq!(at_each(&history), [vec![], vec![], vec![Phenomenon::G2]]);
}

/// What ends with this digit, and what else was there.
fn select(keys: Range<Key>, digit: u64, seen: &[(Key, Value)]) -> Operation {
    let seen = seen.iter().map(|(key, value)| (*key, Found::Register(*value)));
    let filter = Filter { modulus: 10, remainder: digit };
    Select { keys, filter, seen: seen.collect() }
}

#[test]
fn write_skew_through_conditions_needs_rows_that_come_to_fulfil_them() {
    let skew = |one: Value, other: Value| {
        let seen = [(2, 20), (3, 30)];
        in_order(vec![
            vec![write(2, 20), write(3, 30)],
            vec![select(1..9, 1, &seen), write(3, one)],
            vec![select(1..9, 2, &seen), write(2, other)],
        ])
    };
    assert_eq!(at_each(&skew(32, 21)), [vec![], vec![], vec![Phenomenon::G2]]);
    everywhere(&skew(33, 21), &[]);
    everywhere(&skew(32, 24), &[]);
    // A row that is added counts as well; of several changes, the first that fulfils the condition.
    let history = in_order(vec![
        vec![write(2, 20)],
        vec![select(1..9, 1, &[(2, 20)]), write(3, 32)],
        vec![select(1..9, 2, &[(2, 20)]), write(2, 24), append(9, 90)],
        vec![list(9, &[90]), write(2, 21), write(3, 33)],
    ]);
    everywhere(&history, &[]);
    let history = in_order(vec![
        vec![write(2, 20)],
        vec![select(1..9, 1, &[(2, 20)]), append(9, 91)],
        vec![write(2, 24)],
        vec![list(9, &[]), write(2, 21)],
    ]);
    assert_eq!(phenomena(&history, Level::Serializable), [Phenomenon::G2]);
}

#[test]
fn what_its_own_transaction_overwrites_fulfils_no_condition() {
    let history = in_order(vec![
        vec![write(2, 20), write(3, 30)],
        vec![select(1..9, 1, &[(2, 20), (3, 30)]), write(3, 34)],
        vec![select(1..9, 4, &[(2, 20), (3, 30)]), write(2, 21), write(2, 25)],
    ]);
    everywhere(&history, &[]);
}

#[test]
fn a_row_that_is_passed_over_tells_who_ended_the_condition_and_no_more() {
    let history = |before: Value| {
        in_order(vec![
            vec![write(2, before), write(5, 50)],
            vec![write(2, 30), write(5, 51)],
            vec![select(1..4, 1, &[(2, 30)]), read(5, Some(50))],
        ])
    };
    assert_eq!(phenomena(&history(21), Level::SnapshotIsolation), [Phenomenon::GSingle]);
    everywhere(&history(20), &[]);
    // One that fulfils the condition was read.
    let history = in_order(vec![
        vec![write(2, 20), write(5, 50)],
        vec![write(2, 31), write(5, 51)],
        vec![select(1..4, 1, &[(2, 31)]), read(5, Some(50))],
    ]);
    assert_eq!(phenomena(&history, Level::SnapshotIsolation), [Phenomenon::GSingle]);
}

#[test]
fn write_skew_by_deletions_is_found() {
    let mut history = in_order(vec![
        vec![write(1, 10), write(2, 20)],
        vec![scan(1..9, &[(1, 10), (2, 20)]), delete(1, 11)],
        vec![scan(1..9, &[(1, 10), (2, 20)]), delete(2, 21)],
        vec![scan(1..9, &[])],
    ]);
    history.setup = Some(0);
    history.final_read = Some(3);
    assert_eq!(at_each(&history), [vec![], vec![], vec![Phenomenon::G2Item]]);
}

#[test]
fn who_sees_a_deletion_depends_on_it() {
    // T1 deletes key 1 and changes key 2; T2 sees the one and not the other.
    let mut history = in_order(vec![
        vec![write(1, 10), write(2, 20)],
        vec![delete(1, 11), write(2, 21)],
        vec![read(1, None), read(2, Some(20))],
    ]);
    history.setup = Some(0);
    assert_eq!(at_each(&history), [vec![], vec![Phenomenon::GSingle], vec![Phenomenon::GSingle]]);
    // Without the setup key 1 may just not have been there yet.
    history.setup = None;
    everywhere(&history, &[]);
}

#[test]
fn phenomena_of_weaker_transactions_are_not_held_against_them() {
    let mut history = committed(vec![
        vec![list(1, &[]), list(2, &[20])],
        vec![append(1, 10), append(2, 20)],
        vec![list(1, &[10]), list(2, &[20])],
    ]);
    history.transactions[0].level = Level::ReadCommitted;
    everywhere(&history, &[]);
    let mut history = committed(vec![
        vec![list(1, &[]), list(2, &[]), append(1, 10)],
        vec![list(1, &[]), list(2, &[]), append(2, 20)],
        vec![list(1, &[10]), list(2, &[20])],
    ]);
    history.transactions[1].level = Level::SnapshotIsolation;
    everywhere(&history, &[]);
}

#[test]
fn a_transaction_sees_its_own_changes() {
    everywhere(&committed(vec![vec![append(1, 10), list(1, &[])]]), &[Phenomenon::Internal]);
    everywhere(&committed(vec![vec![list(1, &[10]), append(1, 10)]]), &[Phenomenon::Internal]);
    everywhere(&committed(vec![vec![write(1, 10), read(1, None)]]), &[Phenomenon::Internal]);
    everywhere(&committed(vec![vec![write(1, 10), scan(0..9, &[])]]), &[Phenomenon::Internal]);
    let deleted = vec![write(1, 10), delete(1, 11), read(1, Some(10))];
    everywhere(&committed(vec![deleted]), &[Phenomenon::Internal]);
}

#[test]
fn lists_must_agree_and_have_nothing_twice_or_from_nowhere() {
    let writers = [vec![append(1, 10)], vec![append(1, 11)]];
    let with = |lists: &[&[Value]]| {
        let reads = lists.iter().map(|values| vec![list(1, values)]);
        committed(writers.iter().cloned().chain(reads).collect())
    };
    everywhere(&with(&[&[10, 11], &[10], &[]]), &[]);
    everywhere(&with(&[&[10, 11], &[11]]), &[Phenomenon::IncompatibleOrder]);
    let found = phenomena(&with(&[&[10, 10]]), Level::ReadCommitted);
    assert!(found.contains(&Phenomenon::Duplicate));
    everywhere(&with(&[&[10, 12]]), &[Phenomenon::UnwrittenRead]);
    let twice =
        Scan { keys: 0..9, found: vec![(1, Found::List(vec![])), (1, Found::List(vec![]))] };
    everywhere(&committed(vec![vec![twice]]), &[Phenomenon::Duplicate]);
}

#[test]
fn the_final_read_shows_every_committed_write() {
    let mut history = history(vec![
        (Committed, vec![append(1, 10), write(2, 20)]),
        (Unknown, vec![append(1, 11), write(2, 21)]),
        (Aborted, vec![append(1, 12)]),
        (Committed, vec![list(1, &[10]), read(2, Some(20))]),
    ]);
    history.final_read = Some(3);
    everywhere(&history, &[]);
    history.transactions[3].operations = vec![list(1, &[])];
    everywhere(&history, &[Phenomenon::LostWrite]);
    history.transactions[3].operations = vec![scan(2..3, &[])];
    everywhere(&history, &[Phenomenon::LostWrite]);
    let mut history = committed(vec![vec![write(1, 10)], vec![read(1, None)]]);
    history.setup = Some(0);
    everywhere(&history, &[Phenomenon::LostWrite]);
}

#[test]
fn an_unknown_outcome_is_a_commit_once_seen() {
    let steps = |seen: &[Value]| {
        history(vec![
            (Unknown, vec![list(2, &[20]), append(1, 10)]),
            (Committed, vec![append(2, 20), list(1, seen)]),
        ])
    };
    everywhere(&steps(&[]), &[]);
    for found in at_each(&steps(&[10])) {
        assert_eq!(found.first(), Some(&Phenomenon::G1c));
    }
}

#[test]
fn order_beside_the_data_is_respected_where_it_is_promised() {
    // Both began after the append had been acknowledged; the second one missed it.
    let mut history =
        committed(vec![vec![append(1, 10)], vec![list(1, &[10])], vec![list(1, &[])]]);
    for (at, transaction) in (0..).zip(&mut history.transactions) {
        transaction.session = Some(1);
        (transaction.start, transaction.end) = (Some(at * 10), Some(at * 10 + 5));
    }
    everywhere(&history, &[]);
    for order in [Order::Sessions, Order::RealTime] {
        history.order = order;
        let [rc, si, _] = at_each(&history);
        assert!(rc.is_empty());
        assert_eq!(si, [Phenomenon::GSingle]);
    }
    let anomaly = check(&history, Level::SnapshotIsolation).swap_remove(0).to_string();
    assert!(anomaly.contains("T2 -rw-> T0"), "{anomaly}");
    // Concurrent ones may be in any order.
    history.transactions.iter_mut().for_each(|t| (t.start, t.session) = (Some(0), None));
    everywhere(&history, &[]);
    // A cycle through moments names only transactions.
    for (index, transaction) in history.transactions.iter_mut().enumerate() {
        (transaction.session, transaction.start) = (Some(index as u64), transaction.end);
        transaction.end = transaction.start.map(|start| start + 1);
    }
    let anomaly = check(&history, Level::SnapshotIsolation).swap_remove(0).to_string();
    assert!(anomaly.contains("T1 -time-> T2: T1 had ended before T2 began"), "{anomaly}");
    assert!(!anomaly.contains("T3"), "{anomaly}");
}

#[test]
fn a_hundred_thousand_transactions_are_checked_at_once() {
    // A serial history over a thousand lists and registers, with stamps.
    let mut random = 1_u64;
    let mut lists = vec![Vec::new(); 1000];
    let mut registers = vec![None; 1000];
    let mut transactions = Vec::new();
    for at in 0..100_000 {
        let mut operations = Vec::new();
        for step in 0..4 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888);
            let slot = (random >> 33) as usize % 1000;
            let (key, value) = (slot as u64, at * 4 + step);
            match (random >> 60) % 4 {
                0 => {
                    lists[slot].push(value);
                    operations.push(append(key, value));
                }
                1 => operations.push(list(key, &lists[slot])),
                2 => {
                    registers[slot] = Some(value);
                    operations.push(write(key + 1000, value));
                }
                _ => operations.push(read(key + 1000, registers[slot])),
            }
        }
        let mut transaction = Transaction::new(Committed, operations);
        (transaction.session, transaction.commit_at) = (Some(at % 64), Some(at));
        (transaction.start, transaction.end) = (Some(at * 2), Some(at * 2 + 100));
        transactions.push(transaction);
    }
    let mut history = History { transactions, order: Order::RealTime, ..History::default() };
    everywhere(&history, &[]);
    // One read of an old version in all of that.
    let (index, key) = history
        .transactions
        .iter()
        .enumerate()
        .rev()
        .find_map(|(index, t)| {
            let key = t.operations.iter().find_map(|operation| match operation {
                ReadList { key, values } if values.len() > 20 => Some(*key),
                _ => None,
            });
            key.map(|key| (index, key))
        })
        .unwrap();
    let old = lists[key as usize][..10].to_vec();
    history.transactions[index].operations.insert(0, ReadList { key, values: old });
    assert!(phenomena(&history, Level::SnapshotIsolation).contains(&Phenomenon::GSingle));
}
