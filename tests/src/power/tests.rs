//! That the judge hears.

use std::collections::BTreeSet;

use cairn_storage::Timestamp;

use super::journal::Journal;
use super::keys::{Found, row_key, row_value, slot_key, slot_value};

/// Commits with the number of their rows, and slots with who has them.
type Outcome<'a> = (&'a [(u64, u32)], &'a [(u8, u64)]);

fn found(rows: &[(u64, u32)], slots: &[(u8, u64)]) -> Found {
    let mut found = Found::default();
    for (id, count) in rows {
        for part in 0..*count {
            found.add_row(&row_key(*id, part), &row_value(*id, part, 100)).unwrap();
        }
    }
    for (slot, id) in slots {
        found.add_slot(&slot_key(*slot), &slot_value(*id)).unwrap();
    }
    found
}

/// Commits 1 to 4, of 2 rows each: 1 takes slots 0 and 1, 2 leaves slot 0, 3 is a bulk commit and takes
/// slot 2, of 4 nobody knows whether it was written. Only the first is acknowledged.
fn journal() -> Journal {
    let mut journal = Journal::default();
    journal.begin(2, false, vec![(0, true), (1, true)]);
    journal.begin(2, false, vec![(0, false)]);
    journal.begin(2, true, vec![(2, true)]);
    journal.begin(2, false, vec![(1, true)]);
    journal.written(1, Timestamp(10));
    journal.acknowledged(1);
    journal.written(2, Timestamp(20));
    journal.anchored(b"row/".to_vec());
    journal
}

fn judge(journal: &mut Journal, found: Found, visible: u64) -> Result<Vec<u64>, String> {
    let starts = BTreeSet::from([Vec::new(), b"row/".to_vec()]);
    journal.judge(found, &starts, Timestamp(visible)).map(|verdict| verdict.there)
}

fn complaint(rows: &[(u64, u32)], slots: &[(u8, u64)]) -> String {
    judge(&mut journal(), found(rows, slots), 99).unwrap_err()
}

#[test]
fn what_may_be_left_is_found_right() {
    let outcomes: [Outcome<'_>; 4] = [
        (&[(1, 2)], &[(0, 1), (1, 1)]),
        (&[(1, 2), (2, 2)], &[(1, 1)]),
        (&[(1, 2), (3, 2)], &[(0, 1), (1, 1), (2, 3)]),
        (&[(1, 2), (2, 2), (3, 2), (4, 2)], &[(1, 4), (2, 3)]),
    ];
    for (rows, slots) in outcomes {
        let there: Vec<u64> = rows.iter().map(|(id, _)| *id).collect();
        assert_eq!(judge(&mut journal(), found(rows, slots), 99), Ok(there));
    }
}

#[test]
fn what_may_not_be_left_is_found_out() {
    assert!(complaint(&[], &[]).contains("commit 1 was acknowledged and is gone"));
    assert!(complaint(&[(1, 1)], &[(0, 1), (1, 1)]).contains("commit 1 is torn"));
    let skipped = complaint(&[(1, 2), (4, 2)], &[(0, 1), (1, 4)]);
    assert!(
        skipped.contains("commit 4 is there, and 2, which came before it, is gone"),
        "{skipped}"
    );
    assert!(complaint(&[(1, 2), (2, 2)], &[(0, 1), (1, 1)]).contains("slots are"));
    assert!(complaint(&[(1, 2), (7, 2)], &[(0, 1), (1, 1)]).contains("commit 7"));
    let mut journal = journal();
    let starts = BTreeSet::from([Vec::new()]);
    let found = found(&[(1, 2)], &[(0, 1), (1, 1)]);
    let unanchored = journal.judge(found, &starts, Timestamp(99)).unwrap_err();
    assert!(unanchored.contains("no range starts at"), "{unanchored}");
}

#[test]
fn what_an_earlier_start_has_settled_stays() {
    let mut journal = journal();
    judge(&mut journal, found(&[(1, 2)], &[(0, 1), (1, 1)]), 99).unwrap();
    let back = judge(&mut journal, found(&[(1, 2), (2, 2)], &[(1, 1)]), 99).unwrap_err();
    assert!(back.contains("commit 2 was gone after an earlier start and is back"), "{back}");
    let gone = judge(&mut journal, found(&[], &[]), 99).unwrap_err();
    assert!(gone.contains("commit 1 was there after an earlier start and is gone"), "{gone}");
}

#[test]
fn timestamps_do_not_go_back() {
    let early = judge(&mut journal(), found(&[(1, 2)], &[(0, 1), (1, 1)]), 5).unwrap_err();
    assert!(early.contains("all is to be read at"), "{early}");
    let mut journal = journal();
    judge(&mut journal, found(&[(1, 2)], &[(0, 1), (1, 1)]), 99).unwrap();
    let id = journal.begin(1, false, Vec::new());
    assert_eq!(journal.complaint(), None);
    journal.written(id, Timestamp(99));
    assert!(journal.complaint().unwrap().contains("comes after"));
}

#[test]
fn rows_are_what_was_written() {
    let mut found = Found::default();
    let mut damaged = row_value(5, 0, 100);
    damaged[50] ^= 1;
    assert!(found.add_row(&row_key(5, 0), &damaged).is_err());
    assert!(found.add_row(&row_key(5, 0), &row_value(5, 1, 100)).is_err());
    assert!(found.add_row(&row_key(5, 1), &row_value(5, 1, 100)).is_err(), "0 is missing");
    assert!(found.add_row(b"row/5", b"").is_err());
    assert!(found.add_slot(b"slot/", b"").is_err());
    assert!(found.rows.values().all(|count| *count == 0) && found.slots.is_empty());
}
