//! A log that ends somewhere, or is damaged somewhere: a start finds the first commits, each of them as a
//! whole, and goes on from there.
//!
//! That is all it can find: with logs that are written over, the end of what was written looks like damage.
//!
//! The log is cut at some places, and bytes are changed at some. `LOG_DAMAGE_STRIDE=1` takes every byte.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use cairn_test_disk::Disk;
use tempfile::TempDir;

use super::files::{copy, newest_log};
use crate::Timestamp;
use crate::engine::{Batch, Direction, Engine, Span, Write};
use crate::rocks::{RocksEngine, RocksOptions};

const PARTS: u8 = 3;
/// Commits behind the last flush.
const LAST: u64 = 12;
/// How many places are tried by default.
const PLACES: u64 = 50;
/// What makes older logs longer than the last one.
const FILLER_BYTES: usize = 10_000;

const NEWEST: &[u8] = b"newest";
const FILLER: &[u8] = b"filler";

/// Opens a store. What is synced stays in memory, for speed.
fn open(dir: &Path, attic: &Path) -> crate::Result<RocksEngine> {
    let options = RocksOptions { cache_bytes: 1 << 20, memtable_bytes: 64 << 10 };
    RocksEngine::open_in(&Disk::new(attic).env(), dir, &options)
}

fn key(n: u64, part: u8) -> Vec<u8> {
    [b"c/".as_slice(), &n.to_be_bytes(), &[part]].concat()
}

fn value(n: u64, part: u8) -> Vec<u8> {
    vec![part; 10 + n as usize]
}

/// Commit `n` has a few keys of its own, one that all have, and one in the system space.
fn commit(engine: &RocksEngine, n: u64) {
    let at = Timestamp(n);
    let own = (0..PARTS).map(|part| (key(n, part), value(n, part), false));
    let all = own.chain([(NEWEST.to_vec(), n.to_be_bytes().to_vec(), n > 1)]);
    let writes = all.map(|(key, value, existed)| Write { at, key, value: Some(value), existed });
    let system = vec![(NEWEST.to_vec(), Some(n.to_be_bytes().to_vec()))];
    engine.write(&Batch { writes: writes.collect(), system }).unwrap();
}

/// The number of commits that are there. Fails unless they are the first, and whole.
fn found(engine: &RocksEngine) -> Result<u64, String> {
    let mut rows = Vec::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        rows.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    let (span, direction) = (Span::prefix(b"c/"), Direction::Forward);
    let read = |error| format!("could not be read: {error}");
    engine.scan(&span, Timestamp::MAX, direction, &mut visit).map_err(read)?;
    let count = rows.len() as u64 / u64::from(PARTS);
    let parts = (1..=count).flat_map(|n| (0..PARTS).map(move |part| (n, part)));
    let expected: Vec<_> = parts.map(|(n, part)| (key(n, part), value(n, part))).collect();
    if rows != expected {
        return Err(format!("{} rows are not those of {count} commits", rows.len()));
    }
    for n in 0..=count {
        let expected = (n > 0).then(|| n.to_be_bytes().to_vec());
        if engine.get(NEWEST, Timestamp(n)).map_err(read)? != expected {
            return Err(format!("of {count} commits, the state after {n} is another"));
        }
    }
    let system = engine.system_get(NEWEST).map_err(read)?;
    if system != (count > 0).then(|| count.to_be_bytes().to_vec()) {
        return Err(format!("the system space does not belong to {count} commits"));
    }
    Ok(count)
}

/// A store as a killed process leaves it, with a log that has commits.
struct Image {
    dir: TempDir,
    log_bytes: u64,
    /// Commits in tables, and all of them.
    flushed: u64,
    all: u64,
}

impl Image {
    /// With a log that is new, or one over older ones that were longer.
    fn new(reused: bool) -> Image {
        let dir = tempfile::tempdir().unwrap();
        let (live, attic) = (dir.path().join("live"), dir.path().join("attic"));
        fs::create_dir(&attic).unwrap();
        let engine = open(&live, &attic).unwrap();
        let mut flushed = 0;
        for _ in 0..if reused { 4 } else { 0 } {
            for _ in 0..5 {
                flushed += 1;
                commit(&engine, flushed);
            }
            let system = vec![(FILLER.to_vec(), Some(vec![b'x'; FILLER_BYTES]))];
            engine.write(&Batch { writes: Vec::new(), system }).unwrap();
            engine.flush().unwrap();
        }
        let all = flushed + LAST;
        (flushed + 1..=all).for_each(|n| commit(&engine, n));
        engine.sync().unwrap();
        copy(&live, &dir.path().join("image"));
        let (_, log_bytes) = newest_log(&dir.path().join("image"));
        assert_eq!(log_bytes > FILLER_BYTES as u64, reused, "{log_bytes} bytes");
        Image { dir, log_bytes, flushed, all }
    }

    /// Positions in the log.
    fn places(&self) -> impl Iterator<Item = u64> + use<> {
        let asked = std::env::var("LOG_DAMAGE_STRIDE").ok();
        let asked = asked.map(|stride| stride.parse().expect("LOG_DAMAGE_STRIDE is a number"));
        // Odd, so that the places are at no special distance from the log's blocks.
        let stride: u64 = asked.unwrap_or((self.log_bytes / PLACES) | 1);
        let end = self.log_bytes;
        (0..).map(move |n| n * stride).take_while(move |place| *place < end)
    }

    /// Opens the store after `damage` to its log. The directory is gone with the result.
    fn open(&self, damage: impl FnOnce(&Path)) -> Opened {
        let dir = tempfile::tempdir_in(self.dir.path()).unwrap();
        let store = dir.path().join("store");
        copy(&self.dir.path().join("image"), &store);
        damage(&newest_log(&store).0);
        let attic = self.dir.path().join("attic");
        let engine = open(&store, &attic);
        Opened { engine: Some(engine), store, attic, _dir: dir }
    }
}

struct Opened {
    /// `None` only while it is opened again.
    engine: Option<crate::Result<RocksEngine>>,
    store: PathBuf,
    attic: PathBuf,
    _dir: TempDir,
}

impl Opened {
    fn found(&self) -> Result<u64, String> {
        match self.engine.as_ref().unwrap() {
            Ok(engine) => found(engine),
            Err(error) => Err(format!("could not be opened: {error}")),
        }
    }

    /// Goes on writing, and opens it once more.
    fn go_on(&mut self) {
        let count = self.found().unwrap() + 1;
        let engine = self.engine.take().unwrap().unwrap();
        commit(&engine, count);
        engine.sync().unwrap();
        drop(engine);
        self.engine = Some(open(&self.store, &self.attic));
        assert_eq!(self.found(), Ok(count));
    }
}

fn cut(log: &Path, bytes: u64) {
    fs::OpenOptions::new().write(true).open(log).unwrap().set_len(bytes).unwrap();
}

fn cut_anywhere(reused: bool) {
    let image = Image::new(reused);
    let mut before = image.flushed;
    for place in image.places() {
        let mut opened = image.open(|log| cut(log, place));
        let count = opened.found().unwrap_or_else(|what| panic!("cut at {place}: {what}"));
        assert!((before..=image.all).contains(&count), "cut at {place}: {count} after {before}");
        before = count;
        opened.go_on();
    }
    assert!(before > image.flushed, "no place is behind a commit");
    assert_eq!(image.open(|log| cut(log, 0)).found(), Ok(image.flushed));
    assert_eq!(image.open(|_| {}).found(), Ok(image.all));
}

#[test]
fn a_log_that_is_cut_anywhere_has_its_first_commits() {
    cut_anywhere(false);
}

#[test]
fn a_log_over_an_older_one_that_is_cut_anywhere_has_its_first_commits() {
    cut_anywhere(true);
}

#[test]
fn a_log_with_a_damaged_byte_has_its_first_commits() {
    for reused in [false, true] {
        let image = Image::new(reused);
        let (mut fewer, mut whole) = (0, 0);
        for (turn, place) in image.places().enumerate() {
            // One bit, or all of them.
            let bits = if turn % 2 == 0 { 1 << (turn / 2 % 8) } else { 0xff };
            let opened = image.open(|log| {
                let mut bytes = fs::read(log).unwrap();
                bytes[place as usize] ^= bits;
                fs::write(log, bytes).unwrap();
            });
            let count = opened.found().unwrap_or_else(|what| panic!("damaged at {place}: {what}"));
            assert!((image.flushed..=image.all).contains(&count), "damaged at {place}: {count}");
            match count == image.all {
                true => whole += 1,
                false => fewer += 1,
            }
        }
        assert!(fewer > 0, "damage to commits is found");
        // What is behind the end is not looked at.
        assert_eq!(whole > 0, reused);
    }
}

/// A disk writes the pages of a log in any order, so behind any of them there may be an older one. The
/// older logs consist of filler for the most part.
#[test]
fn a_log_with_a_page_of_an_older_one_has_its_first_commits() {
    const PAGE_BYTES: usize = 512;
    let image = Image::new(true);
    for page in (0..image.log_bytes as usize).step_by(PAGE_BYTES) {
        let opened = image.open(|log| {
            let mut bytes = fs::read(log).unwrap();
            let end = bytes.len().min(page + PAGE_BYTES);
            bytes[page..end].fill(b'x');
            fs::write(log, bytes).unwrap();
        });
        let count = opened.found().unwrap_or_else(|what| panic!("page at {page}: {what}"));
        assert!((image.flushed..=image.all).contains(&count), "page at {page}: {count}");
    }
}
