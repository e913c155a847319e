//! What a power failure leaves of an engine: all that was synced, and of the rest a beginning. Whole
//! transactions under power failures are in the crate `cairn-tests`.

use std::ops::ControlFlow;

use cairn_test_disk::Disk;

use crate::Timestamp;
use crate::engine::{Batch, Direction, Engine, Span, Write};
use crate::rocks::{RocksEngine, RocksOptions};

const SYNCED: u64 = 20;
const WRITTEN: u64 = 40;

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
        let dir = tempfile::tempdir().unwrap();
        let (store, attic) = (dir.path().join("store"), dir.path().join("attic"));
        std::fs::create_dir(&attic).unwrap();
        let disk = Disk::new(&attic);
        let options = RocksOptions { cache_bytes: 1 << 20, memtable_bytes: 1 << 20 };
        let engine = RocksEngine::open_in(&disk.env(), &store, &options).unwrap();
        (0..SYNCED).for_each(|n| write(&engine, n));
        engine.sync().unwrap();
        (SYNCED..WRITTEN).for_each(|n| write(&engine, n));
        disk.cut_after(0);
        assert!(engine.sync().is_err());
        drop(engine);
        disk.restore(seed);
        let engine = RocksEngine::open_in(&disk.env(), &store, &options).unwrap();
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
        disk.cut_after(0);
        drop(engine);
        disk.restore(seed);
        let engine = RocksEngine::open_in(&disk.env(), &store, &options).unwrap();
        assert_eq!(rows(&engine).len() as u64, count + 1, "seed {seed}");
    }
    assert!(none && some && all, "the disk loses what it may");
}
