//! The row cache never answers otherwise than the engine, at any snapshot and under writers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;

use proptest::prelude::*;

use crate::engine::{Batch, Write};
use crate::log_writer::Submission;
use crate::memory::MemoryEngine;
use crate::row_cache::RowCache;
use crate::{Store, StoreOptions, Timestamp};

/// Bytes that hold some of the keys below, so that entries come and go.
const SMALL_BYTES: usize = 64 * 1200;

fn write(key: u8, at: u64, value: Option<Vec<u8>>) -> Write {
    Write { at: Timestamp(at), key: vec![key], value, existed: true }
}

#[derive(Clone, Debug)]
enum Step {
    /// A key, and whether it is deleted; the length of its value.
    Write(u8, Option<u8>),
    /// A key, and how many commits ago its snapshot was taken.
    Read(u8, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = prop_oneof![
        (0u8..40, proptest::option::weighted(0.8, 0u8..120)).prop_map(|(k, v)| Step::Write(k, v)),
        (0u8..40, 0u64..4).prop_map(|(key, back)| Step::Read(key, back)),
    ];
    proptest::collection::vec(one, 1..400)
}

proptest! {
    #[test]
    fn a_hit_is_what_the_snapshot_shows(steps in steps()) {
        let cache = RowCache::new(SMALL_BYTES);
        let mut versions: BTreeMap<(u8, u64), Option<Vec<u8>>> = BTreeMap::new();
        let mut now = 1;
        for step in steps {
            match step {
                Step::Write(key, length) => {
                    now += 1;
                    let value = length.map(|length| vec![now as u8; usize::from(length)]);
                    versions.insert((key, now), value.clone());
                    cache.note(&[write(key, now, value)]);
                }
                Step::Read(key, back) => {
                    let at = now.saturating_sub(back).max(1);
                    let seen = versions.range((key, 0)..=(key, at)).next_back();
                    let seen = seen.and_then(|(_, value)| value.clone());
                    match cache.get(&[key], Timestamp(at)) {
                        Some(hit) => prop_assert_eq!(Some(hit), seen),
                        None => {
                            if let Some(value) = seen {
                                cache.fill(&[key], Timestamp(at), &value);
                            }
                        }
                    }
                }
            }
            prop_assert!(cache.bytes() <= SMALL_BYTES);
        }
    }
}

#[test]
fn what_is_read_again_stays_and_memory_is_bounded() {
    let cache = RowCache::new(SMALL_BYTES);
    let hot = b"hot".as_slice();
    cache.fill(hot, Timestamp(1), b"row");
    let mut hits = 0;
    for number in 0u32..100_000 {
        cache.fill(&number.to_be_bytes(), Timestamp(1), b"row");
        hits += u32::from(cache.get(hot, Timestamp(1)).is_some());
    }
    assert_eq!(hits, 100_000);
    assert!(cache.bytes() <= SMALL_BYTES);
    cache.fill(b"huge", Timestamp(1), &vec![0; SMALL_BYTES]);
    assert_eq!(cache.get(b"huge", Timestamp(1)), None);
}

#[test]
fn an_older_snapshot_and_a_late_fill_are_turned_away() {
    let cache = RowCache::new(1 << 20);
    cache.note(&[write(1, 10, Some(b"new".to_vec()))]);
    // A reader that looked at the engine before the write comes back after it.
    cache.fill(&[1], Timestamp(9), b"old");
    assert_eq!(cache.get(&[1], Timestamp(20)), None);
    cache.fill(&[1], Timestamp(10), b"new");
    assert_eq!(cache.get(&[1], Timestamp(9)), None);
    assert_eq!(cache.get(&[1], Timestamp(10)).as_deref(), Some(b"new".as_slice()));
    cache.note(&[write(1, 11, None)]);
    assert_eq!(cache.get(&[1], Timestamp(20)), None);
}

/// Each commit writes its number under every key, so all reads at one snapshot give the same
/// number, and it is the snapshot's.
#[test]
fn readers_beside_a_writer_see_their_snapshot() {
    const KEYS: u8 = 8;
    const COMMITS: u64 = 3000;
    let engine = Arc::new(MemoryEngine::new());
    let options = StoreOptions { row_cache_bytes: 1 << 20, ..StoreOptions::default() };
    let store = Store::on_engine(engine, None, &options, Box::new(|_| {})).unwrap();
    let (visible, done) = (Arc::new(AtomicU64::new(0)), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    let at = visible.load(Ordering::Acquire);
                    for key in 0..KEYS {
                        let value = store.get(&[key], Timestamp(at)).unwrap();
                        let expected = (at > 0).then(|| at.to_be_bytes().to_vec());
                        assert_eq!(value, expected, "key {key}");
                    }
                }
            });
        }
        for number in 1..=COMMITS {
            let value = Some(number.to_be_bytes().to_vec());
            let writes = (0..KEYS).map(|key| write(key, number, value.clone())).collect();
            let (sender, receiver) = channel();
            let visible = visible.clone();
            store.submit(Submission {
                batch: Batch { writes, system: Vec::new() },
                at: Some(Timestamp(number)),
                sync: false,
                written: Some(Box::new(move || visible.store(number, Ordering::Release))),
                done: Box::new(move |result| sender.send(result).unwrap()),
            });
            receiver.recv().unwrap().unwrap();
        }
        done.store(true, Ordering::Release);
    });
}
