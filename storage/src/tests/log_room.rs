//! Room in the log: when it is made, that commits go into it, how much it is, and that nothing of it is
//! ever read back.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::files::{copy, logs, newest_log};
use crate::engine::{Batch, Direction, Engine, Span, Write};
use crate::rocks::{RocksEngine, RocksOptions};
use crate::{Result, Timestamp};

const MEMTABLE_BYTES: usize = 1 << 20;
const VALUE_BYTES: usize = 1000;
/// Rows after which room is worth it, and some more.
const SOME: u64 = 80;
/// Rows of a full memtable, and some more.
const FULL: u64 = 1200;

fn open(dir: &Path) -> Result<RocksEngine> {
    RocksEngine::open(dir, &RocksOptions { cache_bytes: 1 << 20, memtable_bytes: MEMTABLE_BYTES })
}

fn value(n: u64) -> Vec<u8> {
    vec![(n % 251) as u8; VALUE_BYTES]
}

/// An engine and the rows in it, which are numbered.
struct Store {
    dir: TempDir,
    engine: RocksEngine,
    rows: u64,
}

impl Store {
    fn new() -> Store {
        let dir = tempfile::tempdir().unwrap();
        let engine = open(&dir.path().join("store")).unwrap();
        Store { dir, engine, rows: 0 }
    }

    fn add(&mut self, rows: u64) {
        for _ in 0..rows {
            let (at, key) = (Timestamp(self.rows + 1), self.rows.to_be_bytes().to_vec());
            let write = Write { at, key, value: Some(value(self.rows)), existed: false };
            self.engine.write(&Batch { writes: vec![write], system: Vec::new() }).unwrap();
            self.rows += 1;
        }
        let system = vec![(b"rows".to_vec(), Some(self.rows.to_be_bytes().to_vec()))];
        self.engine.write(&Batch { writes: Vec::new(), system }).unwrap();
        self.engine.sync().unwrap();
    }

    fn files(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// The length of the log that is written to.
    fn log_bytes(&self) -> u64 {
        newest_log(&self.files()).1
    }

    /// With the first room made.
    fn with_room() -> Store {
        let mut store = Store::new();
        store.add(SOME);
        store.engine.tend().unwrap();
        store.add(1);
        store.engine.tend().unwrap();
        store
    }

    /// Opens a copy of the files as they are, and finds the rows in it and nothing else.
    fn check_copy(&self, name: &str) {
        let copied = self.dir.path().join(name);
        copy(&self.files(), &copied);
        let engine = open(&copied).unwrap();
        let mut rows = 0;
        let mut visit = |key: &[u8], found: &[u8]| {
            assert_eq!(key, u64::to_be_bytes(rows), "{name}");
            assert_eq!(found, value(rows), "{name}, row {rows}");
            rows += 1;
            ControlFlow::Continue(())
        };
        engine.scan(&Span::default(), Timestamp::MAX, Direction::Forward, &mut visit).unwrap();
        assert_eq!(rows, self.rows, "{name}");
        let system = vec![(b"rows".to_vec(), self.rows.to_be_bytes().to_vec())];
        assert_eq!(engine.system_scan(b"").unwrap(), system, "{name}");
    }
}

#[test]
fn a_store_that_is_hardly_written_to_gets_no_room() {
    let mut store = Store::new();
    store.engine.tend().unwrap();
    store.add(SOME / 4);
    for _ in 0..3 {
        store.engine.tend().unwrap();
    }
    assert!(store.log_bytes() < MEMTABLE_BYTES as u64 / 10);
}

#[test]
fn commits_go_into_room_that_was_made_ahead() {
    let mut store = Store::with_room();
    // Both logs that take turns have room, each until the memtable is full.
    for turn in 0..2 {
        let (log, bytes) = newest_log(&store.files());
        assert!(bytes >= MEMTABLE_BYTES as u64, "the log of turn {turn} has {bytes} bytes");
        let end = store.rows + FULL;
        loop {
            assert!(store.rows < end, "the memtable never fills");
            store.add(20);
            let (newest, bytes_now) = newest_log(&store.files());
            if newest != log {
                break;
            }
            assert_eq!(bytes_now, bytes, "a log with room does not grow");
        }
    }
}

#[test]
fn room_is_made_once_and_takes_a_bounded_part_of_the_disk() {
    let mut store = Store::with_room();
    let all = |store: &Store| logs(&store.files()).iter().map(|(_, bytes)| bytes).sum::<u64>();
    let bytes = all(&store);
    // Two logs, each with what was in it before and a memtable's worth of room.
    assert!(bytes < 5 * MEMTABLE_BYTES as u64 / 2, "{bytes} bytes");
    for _ in 0..5 {
        store.add(1);
        store.engine.tend().unwrap();
        assert_eq!(all(&store), bytes);
    }
    for _ in 0..5 {
        store.add(FULL);
        store.engine.tend().unwrap();
        store.engine.flush().unwrap();
        let logs = logs(&store.files());
        assert!(logs.len() <= 6, "{logs:?}");
        assert!(logs.iter().all(|(_, bytes)| *bytes < 2 * MEMTABLE_BYTES as u64), "{logs:?}");
    }
}

#[test]
fn what_a_killed_process_leaves_is_read_back_without_the_padding() {
    let mut store = Store::new();
    store.add(SOME);
    store.check_copy("before");
    store.engine.tend().unwrap();
    store.check_copy("first");
    store.add(1);
    store.engine.tend().unwrap();
    store.check_copy("second");
    // Over the padding: the log has rows, and padding behind them.
    for part in 0..8 {
        store.add(FULL / 4);
        store.check_copy(&format!("part {part}"));
    }
    store.engine.flush().unwrap();
    store.check_copy("flushed");
}
