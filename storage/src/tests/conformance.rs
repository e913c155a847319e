//! What every engine has to do, run on each of them.

use std::ops::ControlFlow;

use crate::engine::{Batch, Direction, Engine, Span, Write};
use crate::memory::MemoryEngine;
use crate::rocks::{RocksEngine, RocksOptions};
use crate::{Error, Timestamp};

fn on_each_engine(test: impl Fn(&dyn Engine)) {
    test(&MemoryEngine::new());
    let dir = tempfile::tempdir().unwrap();
    let options = RocksOptions { cache_bytes: 1 << 20, memtable_bytes: 1 << 20 };
    test(&RocksEngine::open(dir.path(), &options).unwrap());
}

fn put(engine: &dyn Engine, at: u64, key: &str, value: Option<&str>) {
    let write =
        Write { at: Timestamp(at), key: key.into(), value: value.map(Into::into), existed: false };
    engine.write(&Batch { writes: vec![write], system: Vec::new() }).unwrap();
}

fn scan(engine: &dyn Engine, span: &Span, at: u64, direction: Direction) -> Vec<String> {
    let mut found = Vec::new();
    engine
        .scan(span, Timestamp(at), direction, &mut |key, value| {
            found.push(format!(
                "{}={}",
                String::from_utf8_lossy(key),
                String::from_utf8_lossy(value)
            ));
            ControlFlow::Continue(())
        })
        .unwrap();
    found
}

#[test]
fn a_read_sees_the_newest_version_not_above_its_timestamp() {
    on_each_engine(|engine| {
        put(engine, 10, "k", Some("a"));
        put(engine, 20, "k", Some("b"));
        put(engine, 30, "k", None);
        let get = |at| engine.get(b"k", Timestamp(at)).unwrap();
        assert_eq!(get(9), None);
        assert_eq!(get(10), Some(b"a".to_vec()));
        assert_eq!(get(29), Some(b"b".to_vec()));
        assert_eq!(get(30), None);
        assert_eq!(engine.newest_version(b"k").unwrap(), Some(Timestamp(30)));
        assert_eq!(engine.newest_version(b"j").unwrap(), None);
        let keys = vec![b"x".to_vec(), b"k".to_vec()];
        assert_eq!(engine.multi_get(&keys, Timestamp(20)).unwrap(), [None, Some(b"b".to_vec())]);
    });
}

#[test]
fn scans_are_ordered_bounded_and_can_stop() {
    on_each_engine(|engine| {
        for (at, key) in ["a", "b", "c", "d"].iter().enumerate() {
            put(engine, at as u64 + 1, key, Some("v"));
        }
        put(engine, 9, "c", None);
        let all = Span::default();
        assert_eq!(scan(engine, &all, 9, Direction::Forward), ["a=v", "b=v", "d=v"]);
        assert_eq!(scan(engine, &all, 9, Direction::Reverse), ["d=v", "b=v", "a=v"]);
        assert_eq!(scan(engine, &all, 3, Direction::Forward), ["a=v", "b=v", "c=v"]);
        let middle = Span::new("b", "d");
        assert_eq!(scan(engine, &middle, 8, Direction::Reverse), ["c=v", "b=v"]);
        assert!(scan(engine, &Span::new("d", "b"), 9, Direction::Forward).is_empty());
        let mut seen = 0;
        engine
            .scan(&all, Timestamp(9), Direction::Forward, &mut |_, _| {
                seen += 1;
                ControlFlow::Break(())
            })
            .unwrap();
        assert_eq!(seen, 1);
    });
}

#[test]
fn collected_versions_cannot_be_read_and_others_can() {
    on_each_engine(|engine| {
        put(engine, 10, "k", Some("a"));
        put(engine, 20, "k", Some("b"));
        engine.collect_garbage(Timestamp(20)).unwrap();
        assert!(matches!(engine.get(b"k", Timestamp(10)), Err(Error::SnapshotTooOld)));
        assert_eq!(engine.get(b"k", Timestamp(20)).unwrap(), Some(b"b".to_vec()));
    });
}

#[test]
fn ingested_rows_are_read_at_their_timestamp() {
    on_each_engine(|engine| {
        let mut rows = (0..100u8).map(|n| (vec![n], vec![n, n]));
        engine.ingest(&mut rows, Timestamp(5)).unwrap();
        assert_eq!(engine.get(&[42], Timestamp(5)).unwrap(), Some(vec![42, 42]));
        assert_eq!(engine.get(&[42], Timestamp(4)).unwrap(), None);
    });
}

#[test]
fn the_system_space_has_no_versions() {
    on_each_engine(|engine| {
        let set = |key: &str, value: Option<&str>| {
            let system = vec![(key.into(), value.map(Into::into))];
            engine.write(&Batch { writes: Vec::new(), system }).unwrap();
        };
        set("a/1", Some("x"));
        set("a/2", Some("y"));
        set("b", Some("z"));
        set("a/1", None);
        assert_eq!(engine.system_get(b"a/1").unwrap(), None);
        assert_eq!(engine.system_scan(b"a/").unwrap(), [(b"a/2".to_vec(), b"y".to_vec())]);
    });
}

#[test]
fn what_was_synced_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let options = RocksOptions { cache_bytes: 1 << 20, memtable_bytes: 1 << 20 };
    {
        let engine = RocksEngine::open(dir.path(), &options).unwrap();
        put(&engine, 10, "k", Some("a"));
        engine.sync().unwrap();
    }
    let engine = RocksEngine::open(dir.path(), &options).unwrap();
    assert_eq!(engine.get(b"k", Timestamp::MAX).unwrap(), Some(b"a".to_vec()));
}
