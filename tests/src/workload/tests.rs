//! The workload's keys, and that its judge hears.

use super::*;
use crate::history::{Found, Operation};

#[test]
fn scans_hold_the_keys_of_their_groups() {
    let groups = 7..9;
    let cells = keys::cells(&groups);
    let moved = keys::place(keys::mover(7, 2), 8);
    let all = [keys::register(7, 0), keys::deletable(7, 3), keys::slot(7, 1), keys::fresh(8, 99)];
    for key in all.into_iter().chain([keys::mover(7, 2), moved]) {
        assert!(cells.contains(&key), "{key}");
        assert_eq!(keys::place(key, keys::home(key)), key);
    }
    assert!(keys::cells(&(8..9)).contains(&moved) && keys::home(moved) == 8);
    assert!(all.iter().all(|key| keys::settled(keys::home(*key)).contains(key)));
    assert!(!keys::settled(7).contains(&keys::mover(7, 0)));
    assert_ne!(moved, keys::place(keys::mover(7, 1), 8));
    let lists = keys::lists(&groups);
    assert!(lists.contains(&keys::list(8, keys::LISTS_PER_GROUP - 1)));
    assert!(!lists.contains(&keys::list(9, 0)) && !cells.contains(&keys::list(8, 0)));
}

#[test]
fn lists_are_texts() {
    assert!(keys::elements("").is_empty());
    assert_eq!(keys::elements(",5,17"), [5, 17]);
}

#[test]
fn what_is_preloaded_is_what_the_history_says() {
    let mut value = 0;
    let (inserts, operations) = keys::preload(3..5, || {
        value += 1;
        value
    });
    assert_eq!(inserts.len(), 2);
    assert_eq!(inserts[0].matches("''").count() as u64, 2 * keys::LISTS_PER_GROUP);
    assert!(operations.iter().all(|operation| {
        let key = operation.written_key().unwrap();
        inserts[1].contains(&format!("({key}, {}, ", keys::home(key)))
    }));
    assert_eq!(operations.len() as u64, value);
}

#[test]
fn a_transaction_that_vanished_is_found() {
    let key = keys::list(1, 0);
    let append = Transaction::new(Outcome::Committed, vec![Operation::Append { key, value: 1 }]);
    let scan = |values: Vec<u64>| {
        let found = vec![(key, Found::List(values))];
        let operations = vec![Operation::Scan { keys: keys::lists(&(1..2)), found }];
        Transaction::new(Outcome::Committed, operations)
    };
    for (values, is_fine) in [(vec![1], true), (Vec::new(), false)] {
        let transactions = vec![append.clone(), scan(values)];
        let history = History { transactions, final_read: Some(1), ..History::default() };
        assert_eq!(judge(history, Level::ReadCommitted, None).is_ok(), is_fine);
    }
}
