//! One long random history on RocksDB and on a plain model, which have to agree on every answer.
//!
//! `mirror.rs` runs many short histories, which proptest can shrink; none fills a memtable. This
//! one is long and the memtable as small as RocksDB allows, so that flushes and compactions run
//! all the time and reads merge memtables, tables and what garbage collection left of them. It
//! also closes and opens the store, copies it and ingests tables.
//!
//! The history is the same every time; `MODEL_STEPS` and `MODEL_SEED` ask for a longer or another
//! one. A mismatch names the seed, the step and the operation. A seed repeats the operations, but
//! not the moments at which RocksDB flushes and compacts in the background.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Arguments, Debug};
use std::ops::ControlFlow;
use std::path::Path;

use tempfile::TempDir;

use crate::engine::{Batch, Direction, Engine, Span, Write};
use crate::rocks::{RocksEngine, RocksOptions};
use crate::{Error, Timestamp};

/// What keys are made of: the bytes at which encodings and ends of prefixes go wrong.
const BYTES: [u8; 5] = [0x00, 0x01, b'k', 0xfe, 0xff];
const SYSTEM_PREFIXES: [&[u8]; 3] = [b"r/", b"r\xff", b"\xff\xff"];
const MAX_KEY_BYTES: usize = 6;

type Row = (Vec<u8>, Vec<u8>);
/// What a step found: the mismatch, described.
type Outcome = Result<(), String>;

/// The splitmix64 generator.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

#[derive(Default)]
struct Model {
    data: BTreeMap<Vec<u8>, BTreeMap<Timestamp, Option<Vec<u8>>>>,
    system: BTreeMap<Vec<u8>, Vec<u8>>,
    bound: Timestamp,
}

impl Model {
    fn get(&self, key: &[u8], at: Timestamp) -> Option<Vec<u8>> {
        self.data.get(key)?.range(..=at).next_back()?.1.clone()
    }

    fn scan(&self, span: &Span, at: Timestamp, direction: Direction, limit: usize) -> Vec<Row> {
        let unbounded = span.end.is_empty();
        let keys = self.data.keys().filter(|key| **key >= span.start);
        let keys = keys.filter(|key| unbounded || **key < span.end);
        let row = |key: &Vec<u8>| Some((key.clone(), self.get(key, at)?));
        match direction {
            Direction::Forward => keys.filter_map(row).take(limit).collect(),
            Direction::Reverse => keys.rev().filter_map(row).take(limit).collect(),
        }
    }

    fn system_scan(&self, prefix: &[u8]) -> Vec<Row> {
        let rows = self.system.iter().filter(|(key, _)| key.starts_with(prefix));
        rows.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// The newest version, unless the bound allows to have forgotten it.
    fn newest_version(&self, key: &[u8]) -> Option<Timestamp> {
        let newest = *self.data.get(key)?.last_key_value()?.0;
        (newest >= self.bound).then_some(newest)
    }

    fn write(&mut self, batch: &Batch) {
        for Write { at, key, value, .. } in &batch.writes {
            self.data.entry(key.clone()).or_default().insert(*at, value.clone());
        }
        for (key, value) in &batch.system {
            match value {
                Some(value) => self.system.insert(key.clone(), value.clone()),
                None => self.system.remove(key),
            };
        }
    }

    /// Only keeps a long history from filling the memory; no answer depends on it.
    fn collect_garbage(&mut self, bound: Timestamp) {
        self.bound = self.bound.max(bound);
        for versions in self.data.values_mut() {
            let seen = versions.range(..=self.bound).next_back().map(|(at, _)| *at);
            if let Some(seen) = seen {
                *versions = versions.split_off(&seen);
            }
        }
    }
}

/// Fails unless the engine's answer is the model's.
fn agree<T: PartialEq + Debug>(
    operation: Arguments<'_>,
    answer: crate::Result<T>,
    expected: T,
) -> Outcome {
    if answer.as_ref().is_ok_and(|answer| *answer == expected) {
        return Ok(());
    }
    let expected: crate::Result<T> = Ok(expected);
    let (answer, expected) = (format!("{answer:?}"), format!("{expected:?}"));
    // The surroundings of the first difference: all rows of a scan would fill pages.
    let same = answer.bytes().zip(expected.bytes()).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(300);
    let (answer, expected) = (&answer[from..], &expected[from..]);
    Err(format!("{operation}: engine …{answer:.600}, model …{expected:.600}"))
}

fn open(dir: &Path) -> Result<RocksEngine, String> {
    let options = RocksOptions { cache_bytes: 1 << 20, memtable_bytes: 64 << 10 };
    RocksEngine::open(dir, &options).map_err(|error| format!("open {}: {error}", dir.display()))
}

fn scan(
    engine: &RocksEngine,
    span: &Span,
    at: Timestamp,
    direction: Direction,
    limit: usize,
) -> crate::Result<Vec<Row>> {
    let mut found = Vec::new();
    engine.scan(span, at, direction, &mut |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(found)
}

/// Fails unless an engine that was just opened holds what the model does.
fn same_contents(after: &str, engine: &RocksEngine, model: &Model, past: Timestamp) -> Outcome {
    agree(format_args!("bound after {after}"), Ok(engine.garbage_bound()), model.bound)?;
    let (system, expected) = (engine.system_scan(b""), model.system_scan(b""));
    agree(format_args!("system space after {after}"), system, expected)?;
    let (all, direction, limit) = (Span::default(), Direction::Forward, usize::MAX);
    for at in [model.bound, past, Timestamp::MAX] {
        let rows = scan(engine, &all, at, direction, limit);
        let expected = model.scan(&all, at, direction, limit);
        agree(format_args!("rows at {at:?} after {after}"), rows, expected)?;
    }
    Ok(())
}

struct History {
    random: Random,
    /// `None` only between closing and opening. Before `dir`, so that it is closed first.
    engine: Option<RocksEngine>,
    dir: TempDir,
    model: Model,
    keys: Vec<Vec<u8>>,
    now: u64,
    ingests: u32,
}

impl History {
    fn new(seed: u64) -> History {
        let mut random = Random(seed);
        let mut keys = BTreeSet::new();
        while keys.len() < 300 {
            let bytes = 1 + random.below(MAX_KEY_BYTES as u64);
            keys.insert((0..bytes).map(|_| *random.pick(&BYTES)).collect::<Vec<u8>>());
        }
        let dir = tempfile::tempdir().unwrap();
        let engine = Some(open(&dir.path().join("store")).unwrap());
        let (model, keys) = (Model::default(), keys.into_iter().collect());
        History { random, engine, dir, model, keys, now: 1, ingests: 0 }
    }

    fn engine(&self) -> &RocksEngine {
        self.engine.as_ref().unwrap()
    }

    /// A key that may have been written, or sometimes one right beside it.
    fn key(&mut self) -> Vec<u8> {
        let mut key = self.random.pick(&self.keys).clone();
        if self.random.below(10) == 0 {
            key.push(*self.random.pick(&BYTES));
        }
        key
    }

    fn system_key(&mut self) -> Vec<u8> {
        let prefix = *self.random.pick(&SYSTEM_PREFIXES);
        [prefix, &[self.random.below(20) as u8]].concat()
    }

    /// Any bytes that tell which version they are of.
    fn value(&mut self) -> Vec<u8> {
        let mut value = self.now.to_be_bytes().to_vec();
        value.resize(10 + self.random.below(291) as usize, self.random.below(256) as u8);
        value
    }

    /// A timestamp that can be read at, often one of the extremes.
    fn at(&mut self) -> Timestamp {
        let bound = self.model.bound.0;
        Timestamp(match self.random.below(8) {
            0 => bound,
            1 => self.now,
            2 => u64::MAX,
            _ => bound + self.random.below(self.now - bound + 1),
        })
    }

    /// Empty, inverted and unbounded ones among them.
    fn span(&mut self) -> Span {
        match self.random.below(5) {
            0 => Span::prefix(&self.key()[..1]),
            1 => Span::new(self.key(), Vec::new()),
            2 => Span::new(Vec::new(), self.key()),
            _ => Span::new(self.key(), self.key()),
        }
    }

    fn step(&mut self) -> Outcome {
        match self.random.below(1000) {
            0 => match self.random.below(5) {
                0 => self.reopen(),
                1 => self.checkpoint(),
                2 => self.ingest(),
                _ => self.load(),
            },
            1..=2 => agree(format_args!("flush"), self.engine().flush(), ()),
            3..=6 => agree(format_args!("sync"), self.engine().sync(), ()),
            7..=11 => self.collect_garbage(),
            12..=29 => self.read_too_old(),
            30..=89 => self.read_system(),
            90..=149 => {
                let (key, bound) = (self.key(), self.model.bound);
                let newest = self.engine().newest_version(&key);
                let newest = newest.map(|newest| newest.filter(|at| *at >= bound));
                let expected = self.model.newest_version(&key);
                agree(format_args!("newest_version {key:x?}"), newest, expected)
            }
            150..=229 => self.scan(),
            230..=329 => {
                // More than the 32 keys of which RocksDB makes one round.
                let count = 1 + self.random.below(40);
                let keys: Vec<_> = (0..count).map(|_| self.key()).collect();
                let at = self.at();
                let expected = keys.iter().map(|key| self.model.get(key, at)).collect();
                let values = self.engine().multi_get(&keys, at);
                agree(format_args!("multi_get {keys:x?} at {at:?}"), values, expected)
            }
            330..=629 => {
                let (key, at) = (self.key(), self.at());
                let (value, expected) = (self.engine().get(&key, at), self.model.get(&key, at));
                agree(format_args!("get {key:x?} at {at:?}"), value, expected)
            }
            _ => self.write(),
        }
    }

    fn write(&mut self) -> Outcome {
        let mut batch = Batch::default();
        // Gaps, so that the timestamps differ in more than their lowest bytes.
        self.now += 1 + self.random.below(1000);
        for _ in 0..self.random.below(7) {
            let key = self.random.pick(&self.keys).clone();
            let repeated = batch.writes.iter().any(|write: &Write| write.key == key);
            self.now += u64::from(repeated || self.random.below(2) == 0);
            let value = (self.random.below(4) > 0).then(|| self.value());
            batch.writes.push(Write { at: Timestamp(self.now), key, value, existed: false });
        }
        for _ in 0..self.random.below(8).saturating_sub(5) {
            let value = (self.random.below(3) > 0).then(|| self.value());
            batch.system.push((self.system_key(), value));
        }
        agree(format_args!("write {batch:x?}"), self.engine().write(&batch), ())?;
        self.model.write(&batch);
        Ok(())
    }

    fn scan(&mut self) -> Outcome {
        let (span, at) = (self.span(), self.at());
        let direction = *self.random.pick(&[Direction::Forward, Direction::Reverse]);
        let limit = *self.random.pick(&[1, 2, 20, usize::MAX]);
        let rows = scan(self.engine(), &span, at, direction, limit);
        let expected = self.model.scan(&span, at, direction, limit);
        agree(format_args!("scan {span:x?} at {at:?} {direction:?} {limit}"), rows, expected)
    }

    fn read_system(&mut self) -> Outcome {
        let key = self.system_key();
        let (value, expected) = (self.engine().system_get(&key), self.model.system.get(&key));
        agree(format_args!("system_get {key:x?}"), value, expected.cloned())?;
        let prefix = &key[..self.random.below(3) as usize];
        let (rows, expected) = (self.engine().system_scan(prefix), self.model.system_scan(prefix));
        agree(format_args!("system_scan {prefix:x?}"), rows, expected)
    }

    fn read_too_old(&mut self) -> Outcome {
        if self.model.bound == Timestamp::MIN {
            return Ok(());
        }
        let (key, span) = (self.key(), self.span());
        let at = Timestamp(self.random.below(self.model.bound.0));
        let engine = self.engine();
        let answers = [
            engine.get(&key, at).map(drop),
            engine.multi_get(&[key], at).map(drop),
            scan(engine, &span, at, Direction::Forward, usize::MAX).map(drop),
        ];
        match answers.iter().all(|answer| matches!(answer, Err(Error::SnapshotTooOld))) {
            true => Ok(()),
            false => Err(format!("get, multi_get, scan below the bound, at {at:?}: {answers:?}")),
        }
    }

    fn collect_garbage(&mut self) -> Outcome {
        let before = self.model.bound.0;
        // A bound below an earlier one changes nothing.
        let bound = Timestamp(match self.random.below(4) {
            0 => self.random.below(before + 1),
            _ => before + self.random.below(self.now - before + 1),
        });
        agree(format_args!("collect below {bound:?}"), self.engine().collect_garbage(bound), ())?;
        self.model.collect_garbage(bound);
        let found = Ok(self.engine().garbage_bound());
        agree(format_args!("bound after collecting below {bound:?}"), found, self.model.bound)
    }

    fn reopen(&mut self) -> Outcome {
        drop(self.engine.take());
        self.engine = Some(open(&self.dir.path().join("store"))?);
        let past = self.at();
        same_contents("reopening", self.engine(), &self.model, past)
    }

    fn checkpoint(&mut self) -> Outcome {
        let dir = self.dir.path().join("copy");
        agree(format_args!("checkpoint"), self.engine().checkpoint(&dir), ())?;
        let past = self.at();
        same_contents("a checkpoint", &open(&dir)?, &self.model, past)?;
        std::fs::remove_dir_all(&dir).map_err(|error| format!("remove checkpoint: {error}"))
    }

    /// RocksDB takes a table into a family with timestamps only where there are no keys yet, and
    /// no running compaction's output: so each run is above all keys there are. Later steps
    /// write and read its keys like the others.
    fn ingest(&mut self) -> Outcome {
        self.ingests += 1;
        self.now += 1;
        let prefix = [0xff_u8; MAX_KEY_BYTES + 1];
        let run = self.ingests.to_be_bytes();
        let keys = (0..1 + self.random.below(20) as u8).map(|n| [&prefix[..], &run, &[n]].concat());
        let at = Timestamp(self.now);
        let writes: Vec<Write> =
            keys.map(|key| Write { at, key, value: Some(self.value()), existed: false }).collect();
        let done = self.engine().ingest(&writes);
        agree(format_args!("ingest run {} at {at:?}", self.ingests), done, true)?;
        self.keys.extend(writes.iter().map(|write| write.key.clone()));
        self.model.write(&Batch { writes, system: Vec::new() });
        Ok(())
    }

    /// Puts and deletions past the log, among other keys. A table of them is refused or taken,
    /// depending on what is around; then they are loaded again, as after a crash.
    fn load(&mut self) -> Outcome {
        self.now += 1;
        let at = Timestamp(self.now);
        let keys: BTreeSet<Vec<u8>> = (0..20).map(|_| self.key()).collect();
        let mut writes = Vec::new();
        for key in keys {
            let value = (self.random.below(4) > 0).then(|| self.value());
            writes.push(Write { at, key, value, existed: false });
        }
        if let Err(error) = self.engine().ingest(&writes) {
            return Err(format!("ingest among others at {at:?}: {error}"));
        }
        agree(format_args!("load at {at:?}"), self.engine().load(&writes), ())?;
        self.model.write(&Batch { writes, system: Vec::new() });
        Ok(())
    }
}

#[test]
fn a_long_history_agrees_with_the_model() {
    let asked = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let steps = asked("MODEL_STEPS").unwrap_or(60_000);
    let seed = asked("MODEL_SEED").unwrap_or(1);
    let mut history = History::new(seed);
    for step in 0..steps {
        if let Err(mismatch) = history.step() {
            panic!("seed {seed}, step {step}: {mismatch}");
        }
    }
}
