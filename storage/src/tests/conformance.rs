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

fn loaded(at: u64, key: Vec<u8>, value: Option<Vec<u8>>) -> Write {
    Write { at: Timestamp(at), key, value, existed: false }
}

#[test]
fn loaded_writes_are_read_at_their_timestamp_and_may_be_loaded_again() {
    on_each_engine(|engine| {
        for key in 0..10u8 {
            put(engine, 3, &char::from(b'a' + key).to_string(), Some("old"));
        }
        // Among other keys, over them, and deletions.
        let writes = [
            loaded(5, b"a".to_vec(), Some(b"new".to_vec())),
            loaded(5, b"b".to_vec(), None),
            loaded(5, b"bb".to_vec(), Some(b"new".to_vec())),
        ];
        for _ in 0..2 {
            engine.load(&writes).unwrap();
            let span = Span::new("a", "d");
            assert_eq!(scan(engine, &span, 4, Direction::Forward), ["a=old", "b=old", "c=old"]);
            assert_eq!(scan(engine, &span, 5, Direction::Forward), ["a=new", "bb=new", "c=old"]);
            assert_eq!(engine.newest_version(b"b").unwrap(), Some(Timestamp(5)));
        }
        put(engine, 6, "b", Some("late"));
        assert_eq!(engine.get(b"b", Timestamp(6)).unwrap(), Some(b"late".to_vec()));
        engine.load(&[]).unwrap();
    });
}

#[test]
fn many_writes_can_be_loaded_where_nothing_is_and_where_something_is() {
    // Enough for tables of their own: above 1 MiB.
    let rows = |at: u64, step: u16| -> Vec<Write> {
        let key = |n: u16| n.to_be_bytes().to_vec();
        (0..400u16).map(|n| loaded(at, key(n * step), Some(vec![at as u8; 5000]))).collect()
    };
    on_each_engine(|engine| {
        engine.load(&rows(5, 2)).unwrap();
        assert_eq!(engine.get(&[0, 84], Timestamp(5)).unwrap(), Some(vec![5; 5000]));
        assert_eq!(engine.get(&[0, 84], Timestamp(4)).unwrap(), None);
        // The same once more, and others in between and behind.
        engine.load(&rows(5, 2)).unwrap();
        engine.load(&rows(7, 3)).unwrap();
        let mut seen = [0, 0];
        engine
            .scan(&Span::default(), Timestamp(7), Direction::Forward, &mut |_, value| {
                seen[usize::from(value[0] == 7)] += 1;
                ControlFlow::Continue(())
            })
            .unwrap();
        // Multiples of 2 below 800 without those of 6, and 400 multiples of 3.
        assert_eq!(seen, [400 - 134, 400]);
        engine.flush().unwrap();
        assert_eq!(engine.get(&[0, 6], Timestamp(6)).unwrap(), Some(vec![5; 5000]));
        assert_eq!(engine.get(&[0, 6], Timestamp(7)).unwrap(), Some(vec![7; 5000]));
    });
}

#[test]
fn a_table_is_ingested_only_where_no_other_key_is() {
    let dir = tempfile::tempdir().unwrap();
    let options = RocksOptions { cache_bytes: 1 << 20, memtable_bytes: 1 << 20 };
    let engine = RocksEngine::open(dir.path(), &options).unwrap();
    put(&engine, 3, "m", None);
    let writes = |keys: [&str; 2], at| keys.map(|key| loaded(at, key.into(), Some(vec![1])));
    assert!(engine.ingest(&writes(["a", "b"], 5)).unwrap());
    for flushed in [false, true] {
        assert!(!engine.ingest(&writes(["l", "n"], 6)).unwrap(), "flushed: {flushed}");
        engine.flush().unwrap();
    }
    assert!(!engine.ingest(&writes(["aa", "c"], 7)).unwrap());
    assert!(engine.ingest(&writes(["n", "o"], 8)).unwrap());
    assert_eq!(engine.get(b"b", Timestamp(5)).unwrap(), Some(vec![1]));
    assert_eq!(engine.get(b"l", Timestamp(9)).unwrap(), None);
    let mut files = std::fs::read_dir(dir.path()).unwrap();
    let is_draft = |name: std::ffi::OsString| name.to_string_lossy().starts_with("ingest-");
    assert!(!files.any(|file| is_draft(file.unwrap().file_name())));
}

#[test]
fn what_was_loaded_and_synced_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let options = RocksOptions { cache_bytes: 1 << 20, memtable_bytes: 1 << 20 };
    {
        let engine = RocksEngine::open(dir.path(), &options).unwrap();
        engine.load(&[loaded(10, b"k".to_vec(), Some(b"a".to_vec()))]).unwrap();
        engine.sync().unwrap();
    }
    let engine = RocksEngine::open(dir.path(), &options).unwrap();
    assert_eq!(engine.get(b"k", Timestamp::MAX).unwrap(), Some(b"a".to_vec()));
}

#[test]
fn what_is_discarded_goes_as_files_and_nothing_beside_it() {
    on_each_engine(|engine| {
        for key in ["a", "b", "c"] {
            put(engine, 3, key, Some("x"));
        }
        engine.flush().unwrap();
        engine.discard(&Span::point(b"b")).unwrap();
        assert_eq!(engine.get(b"a", Timestamp(4)).unwrap(), Some(b"x".to_vec()));
        assert_eq!(engine.get(b"c", Timestamp(4)).unwrap(), Some(b"x".to_vec()));
    });
    let dir = tempfile::tempdir().unwrap();
    let options = RocksOptions { cache_bytes: 1 << 20, memtable_bytes: 1 << 20 };
    let engine = RocksEngine::open(dir.path(), &options).unwrap();
    for (first, last) in [("a", "b"), ("c", "d"), ("e", "f")] {
        let writes = [first, last].map(|key| loaded(5, key.into(), Some(vec![1])));
        assert!(engine.ingest(&writes).unwrap());
    }
    engine.discard(&Span::new(b"c".to_vec(), b"e".to_vec())).unwrap();
    let found = ["a", "b", "c", "d", "e", "f"]
        .map(|key| engine.get(key.as_bytes(), Timestamp::MAX).unwrap().is_some());
    assert_eq!(found, [true, true, false, false, true, true]);
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
