//! What a power failure leaves of an engine: all that was synced, and of the rest a beginning. Whole
//! transactions under power failures are in the crate `cairn-tests`.

use std::ops::ControlFlow;

use cairn_test_disk::Disk;
use tempfile::TempDir;

use crate::Timestamp;
use crate::engine::{Batch, Direction, Engine, Span, Write};
use crate::rocks::{RocksEngine, RocksOptions};

const SYNCED: u64 = 20;
const WRITTEN: u64 = 40;

/// A disk, and where the store is on it.
struct Place {
    disk: Disk,
    dir: TempDir,
}

impl Place {
    fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        let attic = dir.path().join("attic");
        std::fs::create_dir(&attic).unwrap();
        Place { disk: Disk::new(&attic), dir }
    }

    fn open(&self) -> RocksEngine {
        let options = RocksOptions { cache_bytes: 1 << 20, memtable_bytes: 1 << 20 };
        RocksEngine::open_in(&self.disk.env(), &self.dir.path().join("store"), &options).unwrap()
    }

    /// What is there after a power failure.
    fn fail(&self, engine: RocksEngine, seed: u64) -> RocksEngine {
        self.disk.cut_after(0);
        drop(engine);
        self.disk.restore(seed);
        self.open()
    }
}

fn write(engine: &RocksEngine, n: u64) {
    let (at, key) = (Timestamp(n + 1), n.to_be_bytes().to_vec());
    let write = Write { at, key, value: Some(vec![n as u8; 100]), existed: false };
    engine.write(&Batch { writes: vec![write], system: Vec::new() }).unwrap();
}

fn rows(engine: &RocksEngine) -> Vec<u64> {
    let mut found = Vec::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        let n = u64::from_be_bytes(key.try_into().unwrap());
        assert_eq!(value, [n as u8; 100]);
        found.push(n);
        ControlFlow::Continue(())
    };
    engine.scan(&Span::default(), Timestamp::MAX, Direction::Forward, &mut visit).unwrap();
    found
}

/// Also says that the disk does what it is for: a log that is not synced can be lost, in whole and
/// in part, and need not be.
#[test]
fn what_was_synced_outlives_a_power_failure_and_a_part_of_the_rest_may() {
    let (mut none, mut some, mut all) = (false, false, false);
    for seed in 0..60 {
        let place = Place::new();
        let engine = place.open();
        (0..SYNCED).for_each(|n| write(&engine, n));
        engine.sync().unwrap();
        (SYNCED..WRITTEN).for_each(|n| write(&engine, n));
        place.disk.cut_after(0);
        assert!(engine.sync().is_err());
        let engine = place.fail(engine, seed);
        let found = rows(&engine);
        let count = found.len() as u64;
        assert!(found.iter().copied().eq(0..count), "seed {seed}: {found:?}");
        assert!(count >= SYNCED, "seed {seed}: {count} rows");
        none |= count == SYNCED;
        some |= (SYNCED + 1..WRITTEN).contains(&count);
        all |= count == WRITTEN;
        // What is there now stays, and goes on.
        write(&engine, count);
        engine.sync().unwrap();
        let engine = place.fail(engine, seed);
        assert_eq!(rows(&engine).len() as u64, count + 1, "seed {seed}");
    }
    assert!(none && some && all, "the disk loses what it may");
}

#[test]
fn what_is_discarded_is_so_no_earlier_than_what_says_why() {
    let mut discarded = false;
    for seed in 0..20 {
        let place = Place::new();
        let engine = place.open();
        let row = |key: &[u8]| Write {
            at: Timestamp(1),
            key: key.to_vec(),
            value: Some(vec![1]),
            existed: false,
        };
        assert!(engine.ingest(&[row(b"b"), row(b"c")]).unwrap());
        let system = vec![(b"dropped".to_vec(), Some(vec![1]))];
        engine.write(&Batch { writes: Vec::new(), system }).unwrap();
        engine.discard(&Span::new("b", "d")).unwrap();
        let engine = place.fail(engine, seed);
        let is_dropped = engine.system_get(b"dropped").unwrap().is_some();
        let is_there = engine.get(b"c", Timestamp::MAX).unwrap().is_some();
        assert!(is_dropped || is_there, "seed {seed}");
        discarded |= !is_there;
    }
    assert!(discarded, "nothing was discarded");
}
