//! Rows that cursors keep, in memory and in a file.

use std::sync::Arc;

use crate::error::{Error, SqlState};
use crate::session::cursor::kept::{Budget, KeptRows};
use crate::types::Datum;

fn row(number: u64) -> Vec<Datum> {
    let text = "x".repeat((number % 700) as usize);
    vec![Datum::Int64(number as i64), Datum::Text(text), Datum::Null]
}

#[test]
fn rows_are_found_again_in_memory_and_in_a_file() {
    for memory in [1 << 30, 100_000, 0] {
        let budget = Arc::new(Budget::new(memory, 1 << 30));
        let mut kept = KeptRows::new(budget);
        for number in 0..5_000 {
            kept.push(row(number)).unwrap();
            assert_eq!(kept.get(number).unwrap(), Some(row(number)));
        }
        for number in (0..5_000).rev().chain((0..5_000).step_by(777)) {
            assert_eq!(kept.get(number).unwrap(), Some(row(number)));
        }
        assert_eq!(kept.get(5_000).unwrap(), None);
    }
}

#[test]
fn all_cursors_of_a_session_share_its_limits() {
    let budget = Arc::new(Budget::new(10_000, 200_000));
    let fill = |kept: &mut KeptRows| (0..).find_map(|number| kept.push(row(number)).err());
    let mut first = KeptRows::new(budget.clone());
    let mut second = KeptRows::new(budget.clone());
    for kept in [&mut first, &mut second] {
        match fill(kept) {
            Some(Error::Report(report)) => {
                assert_eq!(report.state, SqlState::ConfigurationLimitExceeded);
            }
            other => panic!("{other:?}"),
        }
    }
    drop((first, second));
    let mut third = KeptRows::new(budget);
    for number in 0..200 {
        third.push(row(number)).unwrap();
    }
    assert_eq!(third.get(0).unwrap(), Some(row(0)));
}
