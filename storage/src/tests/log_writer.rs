//! What the log tells whom when the disk fails under it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

use crate::engine::{Batch, Direction, Engine, Span, Visit, Write};
use crate::log_writer::{LogWriter, OnFatal, Submission};
use crate::memory::MemoryEngine;
use crate::ranges::Ranges;
use crate::row_cache::RowCache;
use crate::{Error, Result, Timestamp};

type Row = (Vec<u8>, Vec<u8>);

/// Fails one write or sync when told to, and works again afterwards, like a disk that lost pages.
#[derive(Default)]
struct FailsOnce {
    inner: MemoryEngine,
    write: AtomicBool,
    sync: AtomicBool,
}

fn fail(armed: &AtomicBool) -> Result<()> {
    match armed.swap(false, Ordering::Relaxed) {
        true => Err(Error::Engine("no space left".into())),
        false => Ok(()),
    }
}

macro_rules! delegate {
    ($(fn $name:ident($($arg:ident: $of:ty),*) -> $result:ty;)*) => {
        $(fn $name(&self, $($arg: $of),*) -> $result { self.inner.$name($($arg),*) })*
    };
}

impl Engine for FailsOnce {
    fn write(&self, batch: &Batch) -> Result<()> {
        fail(&self.write)?;
        self.inner.write(batch)
    }

    fn sync(&self) -> Result<()> {
        fail(&self.sync)?;
        self.inner.sync()
    }

    delegate! {
        fn get(key: &[u8], at: Timestamp) -> Result<Option<Vec<u8>>>;
        fn multi_get(keys: &[Vec<u8>], at: Timestamp) -> Result<Vec<Option<Vec<u8>>>>;
        fn scan(span: &Span, at: Timestamp, way: Direction, visit: &mut Visit<'_>) -> Result<()>;
        fn newest_version(key: &[u8]) -> Result<Option<Timestamp>>;
        fn collect_garbage(bound: Timestamp) -> Result<()>;
        fn garbage_bound() -> Timestamp;
        fn flush() -> Result<()>;
        fn load(writes: &[Write]) -> Result<()>;
        fn checkpoint(dir: &Path) -> Result<()>;
        fn system_get(key: &[u8]) -> Result<Option<Vec<u8>>>;
        fn system_scan(prefix: &[u8]) -> Result<Vec<Row>>;
    }
}

fn put(key: &str) -> Batch {
    let (at, value) = (Timestamp(1), Some(b"v".to_vec()));
    Batch { writes: vec![Write { at, key: key.into(), value, existed: false }], system: Vec::new() }
}

/// Everything that is heard, in order, around a failure that `arm` asks for.
fn heard_around(arm: impl Fn(&FailsOnce)) -> Vec<String> {
    let engine = Arc::new(FailsOnce::default());
    let ranges = Arc::new(Ranges::load(&*engine).unwrap());
    let (events, heard) = channel();
    let fatal = events.clone();
    let on_fatal: OnFatal = Box::new(move |_: &Error| drop(fatal.send("fatal".to_string())));
    let log =
        LogWriter::start(engine.clone(), ranges, Arc::new(RowCache::new(0)), on_fatal).unwrap();
    let submit = |key: &'static str, sync: bool| {
        let (written, done) = (events.clone(), events.clone());
        log.submit(Submission {
            batch: put(key),
            at: None,
            sync,
            written: Some(Box::new(move || drop(written.send(format!("{key} written"))))),
            done: Box::new(move |result: Result<()>| {
                assert!(matches!(result, Ok(()) | Err(Error::LogFailed(_))));
                let how = if result.is_ok() { "acknowledged" } else { "failed" };
                drop(done.send(format!("{key} {how}")));
            }),
        });
    };
    submit("before", true);
    log.submit_and_wait(Batch::default()).unwrap();
    arm(&engine);
    submit("broken", true);
    assert!(matches!(log.submit_and_wait(Batch::default()), Err(Error::LogFailed(_))));
    submit("later", true);
    submit("unsynced", false);
    log.close();
    for key in ["later", "unsynced"] {
        assert_eq!(engine.get(key.as_bytes(), Timestamp::MAX).unwrap(), None, "{key}");
    }
    heard.try_iter().collect()
}

#[test]
fn a_failed_sync_is_fatal_once_and_nothing_is_acknowledged_after_it() {
    let heard = heard_around(|engine| engine.sync.store(true, Ordering::Relaxed));
    assert_eq!(heard[..2], ["before written", "before acknowledged"]);
    assert_eq!(heard[2..5], ["broken written", "fatal", "broken failed"]);
    assert_eq!(heard[5..], ["later failed", "unsynced failed"]);
}

#[test]
fn a_failed_write_is_fatal_once_and_is_not_said_to_be_written() {
    let heard = heard_around(|engine| engine.write.store(true, Ordering::Relaxed));
    assert_eq!(heard[..2], ["before written", "before acknowledged"]);
    assert_eq!(heard[2..], ["fatal", "broken failed", "later failed", "unsynced failed"]);
}

#[test]
fn without_a_thread_the_owner_says_when_the_log_is_synced() {
    let engine = Arc::new(FailsOnce::default());
    let ranges = Arc::new(Ranges::load(&*engine).unwrap());
    let rows = Arc::new(RowCache::new(0));
    let log = LogWriter::manual(engine.clone(), ranges, rows, Box::new(|_| {}));
    let (events, heard) = channel();
    let submit = |key: &'static str| {
        let (written, done) = (events.clone(), events.clone());
        log.submit(Submission {
            batch: put(key),
            at: None,
            sync: true,
            written: Some(Box::new(move || drop(written.send(format!("{key} written"))))),
            done: Box::new(move |result: Result<()>| {
                drop(done.send(format!("{key} {}", result.is_ok())));
            }),
        });
    };
    submit("a");
    submit("b");
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), ["a written", "b written"]);
    log.sync_pending();
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), ["a true", "b true"]);
    // Who waits syncs for all; closing finishes what is queued.
    submit("c");
    log.submit_and_wait(Batch::default()).unwrap();
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), ["c written", "c true"]);
    submit("d");
    engine.sync.store(true, Ordering::Relaxed);
    log.close();
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), ["d written", "d false"]);
}
