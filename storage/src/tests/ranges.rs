//! Ranges through the store, and who may open a data directory.

use std::sync::Arc;

use crate::data_dir::DataDir;
use crate::engine::{Batch, Span, Write};
use crate::log_writer::LogWriter;
use crate::memory::MemoryEngine;
use crate::ranges::Ranges;
use crate::row_cache::RowCache;
use crate::{Engine, Error, Timestamp};

struct Fixture {
    engine: Arc<dyn Engine>,
    ranges: Arc<Ranges>,
    log: LogWriter,
}

fn fixture() -> Fixture {
    let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
    let ranges = Arc::new(Ranges::load(&*engine).unwrap());
    let log = LogWriter::start(
        engine.clone(),
        ranges.clone(),
        Arc::new(RowCache::new(0)),
        Box::new(|_| {}),
    )
    .unwrap();
    Fixture { engine, ranges, log }
}

fn fill(f: &Fixture, prefix: &str, rows: u32, at: u64) {
    let writes = (0..rows).map(|n| Write {
        at: Timestamp(at),
        key: format!("{prefix}{n:06}").into(),
        value: Some(vec![7; 100]),
        existed: false,
    });
    f.log.submit_and_wait(Batch { writes: writes.collect(), system: Vec::new() }).unwrap();
}

#[test]
fn a_range_above_the_limit_splits_in_the_middle_and_survives_reloading() {
    let f = fixture();
    fill(&f, "k", 1000, 1);
    let changed = f.ranges.maintain(&*f.engine, &f.log, 20_000, Timestamp::MAX, 1.0).unwrap();
    assert!(changed > 0);
    for _ in 0..5 {
        f.ranges.maintain(&*f.engine, &f.log, 20_000, Timestamp::MAX, 1.0).unwrap();
    }
    assert!(f.ranges.tiles());
    assert!(f.ranges.list().len() >= 5);
    let keys: u64 = f.ranges.list().iter().map(|range| range.statistics().keys).sum();
    assert_eq!(keys, 1000);
    f.ranges.persist_statistics(&f.log).unwrap();
    let again = Ranges::load(&*f.engine).unwrap();
    assert!(again.tiles());
    assert_eq!(again.list().len(), f.ranges.list().len());
}

#[test]
fn small_neighbours_merge_but_not_across_an_anchor() {
    let f = fixture();
    f.ranges.anchor(&f.log, b"m").unwrap();
    f.ranges.split_at(&*f.engine, &f.log, b"c", Timestamp::MAX).unwrap();
    f.ranges.split_at(&*f.engine, &f.log, b"x", Timestamp::MAX).unwrap();
    assert_eq!(f.ranges.list().len(), 4);
    f.ranges.maintain(&*f.engine, &f.log, 1 << 20, Timestamp::MAX, 1.0).unwrap();
    let starts: Vec<_> =
        f.ranges.list().iter().map(|range| range.descriptor.span.start.clone()).collect();
    assert_eq!(starts, [b"".to_vec(), b"m".to_vec()]);
    f.ranges.release_anchor(&f.log, b"m").unwrap();
    f.ranges.maintain(&*f.engine, &f.log, 1 << 20, Timestamp::MAX, 1.0).unwrap();
    assert_eq!(f.ranges.list().len(), 1);
}

#[test]
fn a_span_is_cut_at_boundaries() {
    let f = fixture();
    f.ranges.anchor(&f.log, b"b").unwrap();
    f.ranges.anchor(&f.log, b"d").unwrap();
    let parts = f.ranges.cut(&Span::new("a", "c"));
    assert_eq!(parts, [Span::new("a", "b"), Span::new("b", "c")]);
}

#[test]
fn a_directory_is_opened_once_and_only_if_it_is_ours() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data");
    let held = DataDir::open(&path).unwrap();
    assert!(matches!(DataDir::open(&path), Err(Error::InUse(_))));
    drop(held);
    DataDir::open(&path).unwrap();
    std::fs::write(path.join("CAIRN"), "cairn data directory\nformat 999\n").unwrap();
    assert!(matches!(DataDir::open(&path), Err(Error::Format { found: 999, .. })));
    let other = dir.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("letter.txt"), "dear").unwrap();
    assert!(matches!(DataDir::open(&other), Err(Error::NotOurs(_))));
}
