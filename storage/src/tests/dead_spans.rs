//! Scans over the worked-off end of a queue give what they always gave, and walk less.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use proptest::prelude::*;

use crate::engine::{Batch, Direction, Engine, Span, Write};
use crate::rocks::{RocksEngine, RocksOptions, tombstones};
use crate::{Error, Timestamp};

fn engine() -> (tempfile::TempDir, RocksEngine) {
    let dir = tempfile::tempdir().unwrap();
    let options = RocksOptions { cache_bytes: 1 << 20, memtable_bytes: 1 << 20 };
    let engine = RocksEngine::open(&dir.path().join("db"), &options).unwrap();
    (dir, engine)
}

fn key(number: u16) -> Vec<u8> {
    [b"queue".as_slice(), &number.to_be_bytes()].concat()
}

fn write(engine: &RocksEngine, at: u64, numbers: impl Iterator<Item = u16>, value: Option<u8>) {
    let value = value.map(|byte| vec![byte]);
    let one = |number| Write {
        at: Timestamp(at),
        key: key(number),
        value: value.clone(),
        existed: value.is_none(),
    };
    let batch = Batch { writes: numbers.map(one).collect(), system: Vec::new() };
    engine.write(&batch).unwrap();
}

fn first(engine: &RocksEngine, span: &Span, at: u64) -> Option<Vec<u8>> {
    let mut found = None;
    let scanned = engine.scan(span, Timestamp(at), Direction::Forward, &mut |key, _| {
        found = Some(key.to_vec());
        ControlFlow::Break(())
    });
    scanned.unwrap();
    found
}

#[test]
fn the_second_scan_walks_over_no_tombstones() {
    let (_dir, engine) = engine();
    write(&engine, 1, 0..1000, Some(1));
    write(&engine, 2, 0..900, None);
    let span = Span::new(key(0), key(1000));
    let walked = |at, expected| {
        let before = tombstones();
        assert_eq!(first(&engine, &span, at), expected);
        tombstones() - before
    };
    assert_eq!(walked(2, Some(key(900))), 900);
    assert_eq!(walked(2, Some(key(900))), 0);
    assert_eq!(walked(1, Some(key(0))), 0, "an older snapshot has what was there");
    write(&engine, 3, 900..950, None);
    assert_eq!(walked(3, Some(key(950))), 50);
    assert_eq!(walked(3, Some(key(950))), 0);
    write(&engine, 4, 20..21, Some(4));
    assert_eq!(walked(4, Some(key(20))), 0, "what is put again is found");
    write(&engine, 5, std::iter::once(20).chain(950..1000), None);
    assert_eq!(walked(5, None), 980);
    assert_eq!(walked(5, None), 0, "also when nothing is left");
}

#[test]
fn a_note_from_before_a_put_is_turned_away() {
    let (_dir, engine) = engine();
    write(&engine, 1, 0..100, Some(1));
    write(&engine, 2, 0..90, None);
    write(&engine, 3, 50..51, Some(3));
    let span = Span::new(key(0), key(100));
    assert_eq!(first(&engine, &span, 2), Some(key(90)));
    assert_eq!(first(&engine, &span, 3), Some(key(50)));
}

#[test]
fn a_span_that_grows_takes_in_those_behind_it() {
    let (_dir, engine) = engine();
    write(&engine, 1, 0..200, Some(1));
    write(&engine, 2, (0..50).chain(60..150), None);
    let scan = |from: u16, at| first(&engine, &Span::new(key(from), key(200)), at);
    assert_eq!(scan(0, 2), Some(key(50)));
    assert_eq!(scan(60, 2), Some(key(150)));
    write(&engine, 3, 50..60, None);
    assert_eq!(scan(0, 3), Some(key(150)));
    write(&engine, 4, 100..101, Some(4));
    assert_eq!(scan(0, 4), Some(key(100)));
    assert_eq!(scan(60, 4), Some(key(100)));
}

#[derive(Clone, Debug)]
enum Step {
    Put(u16),
    /// From, how many.
    Delete(u16, u16),
    /// From where, and how many commits back.
    Scan(u16, u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => (0u16..300).prop_map(Step::Put),
        2 => (0u16..300, 1u16..80).prop_map(|(from, count)| Step::Delete(from, count)),
        4 => (0u16..300, 0u64..3).prop_map(|(from, back)| Step::Scan(from, back)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_scan_is_right(steps in proptest::collection::vec(step(), 1..120)) {
        let (_dir, engine) = engine();
        let mut versions: BTreeMap<(u16, u64), bool> = BTreeMap::new();
        write(&engine, 1, 0..300, Some(1));
        versions.extend((0..300).map(|number| ((number, 1), true)));
        let mut now = 1;
        for step in steps {
            match step {
                Step::Put(number) => {
                    now += 1;
                    write(&engine, now, number..number + 1, Some(0));
                    versions.insert((number, now), true);
                }
                Step::Delete(from, count) => {
                    now += 1;
                    write(&engine, now, from..from + count, None);
                    versions.extend((from..from + count).map(|number| ((number, now), false)));
                }
                Step::Scan(from, back) => {
                    let at = now.saturating_sub(back).max(1);
                    let live = |number: &u16| {
                        let seen = versions.range((*number, 0)..=(*number, at)).next_back();
                        seen.is_some_and(|(_, live)| *live)
                    };
                    let expected = (from..400).find(live).map(key);
                    let span = Span::new(key(from), key(400));
                    prop_assert_eq!(first(&engine, &span, at), expected);
                }
            }
        }
    }
}

#[test]
fn a_snapshot_below_the_bound_is_still_refused() {
    let (_dir, engine) = engine();
    write(&engine, 1, 0..100, Some(1));
    write(&engine, 5, 0..90, None);
    let span = Span::new(key(0), key(100));
    assert_eq!(first(&engine, &span, 5), Some(key(90)));
    engine.collect_garbage(Timestamp(6)).unwrap();
    let scanned =
        engine.scan(&span, Timestamp(5), Direction::Forward, &mut |_, _| ControlFlow::Break(()));
    assert!(matches!(scanned, Err(Error::SnapshotTooOld)));
}
