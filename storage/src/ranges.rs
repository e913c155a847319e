//! The key space, cut into contiguous ranges.
//!
//! The ranges always tile the whole key space: the first starts at the empty key, each
//! ends where the next one starts, and the last is unbounded. Descriptors live in the
//! system space; a split or merge replaces the affected ones in one batch, so a crash leaves
//! either the old or the new tiling. Data does not move, because all ranges share one engine.
//!
//! Statistics are live counters. `bytes` and `keys` are estimates between recounts (a split
//! recounts its range exactly); reads and writes are rates over the last maintenance interval.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::engine::{Batch, Direction, Engine, Span, Write};
use crate::log_writer::LogWriter;
use crate::{Error, Result, Timestamp};

const DESCRIPTORS: &[u8] = b"range/";

/// What is persisted of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Never reused.
    pub id: u64,
    /// Rises with every change of the span.
    pub generation: u64,
    /// The keys covered.
    pub span: Span,
    /// Whether the start is a boundary that the layer above asked for, such as the
    /// start of a table; merges keep it.
    pub anchored: bool,
}

/// A range and its live statistics.
#[derive(Debug)]
pub struct Range {
    /// Identity and span.
    pub descriptor: Descriptor,
    bytes: AtomicI64,
    keys: AtomicI64,
    reads: AtomicU64,
    writes: AtomicU64,
    rates: Mutex<Rates>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Rates {
    reads_before: u64,
    writes_before: u64,
    reads_per_s: f64,
    writes_per_s: f64,
}

/// A reading of a range's statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RangeStatistics {
    /// Estimated size of live keys and values.
    pub bytes: u64,
    /// Estimated number of live keys.
    pub keys: u64,
    /// Point reads and scans a second.
    pub reads_per_s: f64,
    /// Keys written a second.
    pub writes_per_s: f64,
}

impl Range {
    fn new(descriptor: Descriptor, bytes: i64, keys: i64) -> Arc<Range> {
        Arc::new(Range {
            descriptor,
            bytes: AtomicI64::new(bytes),
            keys: AtomicI64::new(keys),
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            rates: Mutex::new(Rates::default()),
        })
    }

    /// The current statistics.
    pub fn statistics(&self) -> RangeStatistics {
        let rates = *self.rates.lock();
        RangeStatistics {
            bytes: self.bytes.load(Ordering::Relaxed).max(0).unsigned_abs(),
            keys: self.keys.load(Ordering::Relaxed).max(0).unsigned_abs(),
            reads_per_s: rates.reads_per_s,
            writes_per_s: rates.writes_per_s,
        }
    }

    fn note_write(&self, write: &Write) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let size = |value: &Vec<u8>| (write.key.len() + value.len()) as i64;
        match (&write.value, write.existed) {
            (Some(value), false) => {
                self.bytes.fetch_add(size(value), Ordering::Relaxed);
                self.keys.fetch_add(1, Ordering::Relaxed);
            }
            (None, true) => {
                let keys = self.keys.fetch_sub(1, Ordering::Relaxed).max(1);
                let mean = self.bytes.load(Ordering::Relaxed) / keys;
                self.bytes.fetch_sub(mean, Ordering::Relaxed);
            }
            (Some(_), true) | (None, false) => {}
        }
    }
}

/// One in so many reads is counted, for all of them.
const READS_PER_SAMPLE: u64 = 16;

thread_local! {
    static READS_SINCE_SAMPLE: Cell<u64> = const { Cell::new(0) };
}

/// The tiling of the key space. See the module's head for its invariants.
pub struct Ranges {
    by_start: RwLock<BTreeMap<Vec<u8>, Arc<Range>>>,
    next_id: AtomicU64,
    /// Serializes changes of the tiling; readers only take `by_start`.
    changing: Mutex<()>,
}

impl Ranges {
    /// Reads the descriptors, or starts with one range over everything.
    pub fn load(engine: &dyn Engine) -> Result<Ranges> {
        let mut by_start = BTreeMap::new();
        let mut next_id = 1;
        for (_, value) in engine.system_scan(DESCRIPTORS)? {
            let (descriptor, bytes, keys) = decode(&value)
                .ok_or_else(|| Error::Corrupted("unreadable range descriptor".into()))?;
            next_id = next_id.max(descriptor.id + 1);
            by_start.insert(descriptor.span.start.clone(), Range::new(descriptor, bytes, keys));
        }
        if by_start.is_empty() {
            let span = Span::default();
            let descriptor = Descriptor { id: 1, generation: 1, span, anchored: true };
            let mut batch = Batch::default();
            batch.system.push((descriptor_key(1), Some(encode(&descriptor, 0, 0))));
            engine.write(&batch)?;
            engine.sync()?;
            by_start.insert(Vec::new(), Range::new(descriptor, 0, 0));
            next_id = 2;
        }
        let ranges = Ranges {
            by_start: RwLock::new(by_start),
            next_id: AtomicU64::new(next_id),
            changing: Mutex::new(()),
        };
        if !ranges.tiles() {
            return Err(Error::Corrupted("range descriptors do not tile the key space".into()));
        }
        Ok(ranges)
    }

    /// Whether the invariant of the module's head holds.
    pub fn tiles(&self) -> bool {
        let by_start = self.by_start.read();
        let mut expected: Option<Vec<u8>> = Some(Vec::new());
        for (start, range) in by_start.iter() {
            if expected.as_ref() != Some(start) || range.descriptor.span.start != *start {
                return false;
            }
            let end = &range.descriptor.span.end;
            expected = if end.is_empty() { None } else { Some(end.clone()) };
        }
        expected.is_none()
    }

    /// All ranges in key order.
    pub fn list(&self) -> Vec<Arc<Range>> {
        self.by_start.read().values().cloned().collect()
    }

    /// The range that holds `key`.
    pub fn find(&self, key: &[u8]) -> Option<Arc<Range>> {
        let by_start = self.by_start.read();
        holding(&by_start, key).cloned()
    }

    /// `span`, cut at the boundaries of the ranges it crosses.
    pub fn cut(&self, span: &Span) -> Vec<Span> {
        let by_start = self.by_start.read();
        let mut parts = Vec::new();
        let before = holding(&by_start, &span.start);
        let after = by_start.range::<[u8], _>((
            std::ops::Bound::Excluded(span.start.as_slice()),
            std::ops::Bound::Unbounded,
        ));
        for range in before.into_iter().chain(after.map(|(_, range)| range)) {
            let part = range.descriptor.span.intersect(span);
            if !span.end.is_empty() && part.start >= span.end {
                break;
            }
            if !part.is_empty() {
                parts.push(part);
            }
        }
        parts
    }

    /// Estimated bytes and keys in the ranges that `span` touches.
    pub fn estimate(&self, span: &Span) -> (u64, u64) {
        let parts = self.cut(span);
        let ranges = parts.iter().filter_map(|part| self.find(&part.start));
        ranges
            .map(|range| range.statistics())
            .fold((0, 0), |sum, statistics| (sum.0 + statistics.bytes, sum.1 + statistics.keys))
    }

    /// Counts a read in the range of `key`. Only a sample looks for the range: that costs as
    /// much as a good part of the read.
    pub fn note_read(&self, key: &[u8]) {
        let since = READS_SINCE_SAMPLE.get() + 1;
        READS_SINCE_SAMPLE.set(since % READS_PER_SAMPLE);
        if since < READS_PER_SAMPLE {
            return;
        }
        let by_start = self.by_start.read();
        if let Some(range) = holding(&by_start, key) {
            range.reads.fetch_add(READS_PER_SAMPLE, Ordering::Relaxed);
        }
    }

    /// Counts writes in their ranges.
    pub fn note_writes(&self, writes: &[Write]) {
        let by_start = self.by_start.read();
        let mut current: Option<&Arc<Range>> = None;
        for write in writes {
            let key = write.key.as_slice();
            if !current.is_some_and(|range| range.descriptor.span.contains(key)) {
                current = holding(&by_start, key);
            }
            if let Some(range) = current {
                range.note_write(write);
            }
        }
    }

    /// Makes `key` the start of a range of its own, and keeps it so through merges.
    pub fn anchor(&self, log: &LogWriter, key: &[u8]) -> Result<()> {
        let _changing = self.changing.lock();
        let Some(range) = self.find(key) else { return Ok(()) };
        if range.descriptor.span.start == key {
            return self.set_anchored(log, &range, true);
        }
        // What lies beyond the boundary is not known here; the next recount finds out.
        let statistics = range.statistics();
        let left = (statistics.bytes as i64, statistics.keys as i64);
        self.replace_with_two(log, &range, key, left, (0, 0), true)
    }

    /// Lets the range that starts at `key` be merged into the one before it.
    pub fn release_anchor(&self, log: &LogWriter, key: &[u8]) -> Result<()> {
        let _changing = self.changing.lock();
        match self.find(key) {
            Some(range) if range.descriptor.span.start == key && !key.is_empty() => {
                self.set_anchored(log, &range, false)
            }
            _ => Ok(()),
        }
    }

    /// Splits the range of `key` so that one starts there.
    pub fn split_at(
        &self,
        engine: &dyn Engine,
        log: &LogWriter,
        key: &[u8],
        now: Timestamp,
    ) -> Result<()> {
        let _changing = self.changing.lock();
        let Some(range) = self.find(key) else { return Ok(()) };
        if range.descriptor.span.start == key {
            return Ok(());
        }
        let span = &range.descriptor.span;
        let left = measure(engine, &Span::new(span.start.clone(), key), now)?;
        let right = measure(engine, &Span::new(key, span.end.clone()), now)?;
        self.replace_with_two(log, &range, key, left, right, false)
    }

    /// Splits ranges above `split_bytes` in the middle, merges neighbours that together
    /// are below a quarter of it, and refreshes the rates. Returns how many ranges changed.
    pub fn maintain(
        &self,
        engine: &dyn Engine,
        log: &LogWriter,
        split_bytes: u64,
        now: Timestamp,
        interval_s: f64,
    ) -> Result<usize> {
        let mut changed = 0;
        for range in self.list() {
            let statistics = range.statistics();
            range.refresh_rates(interval_s);
            if statistics.bytes > split_bytes
                && let Some(key) = middle(engine, &range.descriptor.span, now)?
            {
                self.split_at(engine, log, &key, now)?;
                changed += 1;
            }
        }
        changed += self.merge_small(log, split_bytes / 4)?;
        Ok(changed)
    }

    /// Writes the statistics of all ranges beside their descriptors.
    pub fn persist_statistics(&self, log: &LogWriter) -> Result<()> {
        let _changing = self.changing.lock();
        let mut batch = Batch::default();
        for range in self.list() {
            batch.system.push(entry(&range));
        }
        log.submit_and_wait(batch)
    }

    fn merge_small(&self, log: &LogWriter, below_bytes: u64) -> Result<usize> {
        let _changing = self.changing.lock();
        let mut merged = 0;
        let mut left: Option<Arc<Range>> = None;
        for right in self.list() {
            let Some(previous) = left.take() else {
                left = Some(right);
                continue;
            };
            let (a, b) = (previous.statistics(), right.statistics());
            if right.descriptor.anchored || a.bytes + b.bytes >= below_bytes {
                left = Some(right);
                continue;
            }
            let descriptor = Descriptor {
                id: previous.descriptor.id,
                generation: previous.descriptor.generation.max(right.descriptor.generation) + 1,
                span: Span::new(
                    previous.descriptor.span.start.clone(),
                    right.descriptor.span.end.clone(),
                ),
                anchored: previous.descriptor.anchored,
            };
            let range =
                Range::new(descriptor, (a.bytes + b.bytes) as i64, (a.keys + b.keys) as i64);
            let mut batch = Batch::default();
            batch.system.push((descriptor_key(right.descriptor.id), None));
            batch.system.push(entry(&range));
            log.submit_and_wait(batch)?;
            let mut by_start = self.by_start.write();
            by_start.remove(&right.descriptor.span.start);
            by_start.insert(range.descriptor.span.start.clone(), range.clone());
            drop(by_start);
            left = Some(range);
            merged += 1;
        }
        Ok(merged)
    }

    fn set_anchored(&self, log: &LogWriter, range: &Range, anchored: bool) -> Result<()> {
        if range.descriptor.anchored == anchored {
            return Ok(());
        }
        let statistics = range.statistics();
        let descriptor = Descriptor { anchored, ..range.descriptor.clone() };
        let range = Range::new(descriptor, statistics.bytes as i64, statistics.keys as i64);
        let mut batch = Batch::default();
        batch.system.push(entry(&range));
        log.submit_and_wait(batch)?;
        self.by_start.write().insert(range.descriptor.span.start.clone(), range);
        Ok(())
    }

    fn replace_with_two(
        &self,
        log: &LogWriter,
        range: &Range,
        key: &[u8],
        left: (i64, i64),
        right: (i64, i64),
        anchored: bool,
    ) -> Result<()> {
        let old = &range.descriptor;
        assert!(old.span.contains(key) && old.span.start != key, "a split is inside its range");
        let generation = old.generation + 1;
        let left_descriptor = Descriptor {
            id: old.id,
            generation,
            span: Span::new(old.span.start.clone(), key),
            anchored: old.anchored,
        };
        let right_descriptor = Descriptor {
            id: self.next_id.fetch_add(1, Ordering::Relaxed),
            generation,
            span: Span::new(key, old.span.end.clone()),
            anchored,
        };
        let left = Range::new(left_descriptor, left.0, left.1);
        let right = Range::new(right_descriptor, right.0, right.1);
        let mut batch = Batch::default();
        batch.system.push(entry(&left));
        batch.system.push(entry(&right));
        log.submit_and_wait(batch)?;
        let mut by_start = self.by_start.write();
        by_start.insert(left.descriptor.span.start.clone(), left);
        by_start.insert(right.descriptor.span.start.clone(), right);
        Ok(())
    }
}

impl Range {
    fn refresh_rates(&self, interval_s: f64) {
        let reads = self.reads.load(Ordering::Relaxed);
        let writes = self.writes.load(Ordering::Relaxed);
        let mut rates = self.rates.lock();
        rates.reads_per_s = reads.saturating_sub(rates.reads_before) as f64 / interval_s;
        rates.writes_per_s = writes.saturating_sub(rates.writes_before) as f64 / interval_s;
        rates.reads_before = reads;
        rates.writes_before = writes;
    }
}

/// The range that holds `key`.
fn holding<'a>(by_start: &'a BTreeMap<Vec<u8>, Arc<Range>>, key: &[u8]) -> Option<&'a Arc<Range>> {
    let up_to = (std::ops::Bound::Unbounded, std::ops::Bound::Included(key));
    by_start.range::<[u8], _>(up_to).next_back().map(|(_, range)| range)
}

/// Live bytes and keys of `span`.
fn measure(engine: &dyn Engine, span: &Span, at: Timestamp) -> Result<(i64, i64)> {
    let (mut bytes, mut keys) = (0, 0);
    engine.scan(span, at, Direction::Forward, &mut |key, value| {
        bytes += (key.len() + value.len()) as i64;
        keys += 1;
        std::ops::ControlFlow::Continue(())
    })?;
    Ok((bytes, keys))
}

/// A key that has about half the bytes of `span` before it.
fn middle(engine: &dyn Engine, span: &Span, at: Timestamp) -> Result<Option<Vec<u8>>> {
    let half = measure(engine, span, at)?.0 / 2;
    let mut bytes = 0;
    let mut found = None;
    engine.scan(span, at, Direction::Forward, &mut |key, value| {
        bytes += (key.len() + value.len()) as i64;
        if bytes > half && key != span.start {
            found = Some(key.to_vec());
            return std::ops::ControlFlow::Break(());
        }
        std::ops::ControlFlow::Continue(())
    })?;
    Ok(found)
}

fn descriptor_key(id: u64) -> Vec<u8> {
    [DESCRIPTORS, &id.to_be_bytes()].concat()
}

fn entry(range: &Range) -> (Vec<u8>, Option<Vec<u8>>) {
    let statistics = range.statistics();
    let value = encode(&range.descriptor, statistics.bytes as i64, statistics.keys as i64);
    (descriptor_key(range.descriptor.id), Some(value))
}

/// Descriptor and statistics: five little-endian words, then the two length-prefixed bounds.
fn encode(descriptor: &Descriptor, bytes: i64, keys: i64) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(descriptor.id.to_le_bytes());
    out.extend(descriptor.generation.to_le_bytes());
    out.extend(u64::from(descriptor.anchored).to_le_bytes());
    out.extend(bytes.to_le_bytes());
    out.extend(keys.to_le_bytes());
    for bound in [&descriptor.span.start, &descriptor.span.end] {
        out.extend((bound.len() as u64).to_le_bytes());
        out.extend(bound);
    }
    out
}

fn decode(bytes: &[u8]) -> Option<(Descriptor, i64, i64)> {
    let mut rest = bytes;
    let word = |rest: &mut &[u8]| -> Option<u64> {
        let (head, tail) = rest.split_first_chunk::<8>()?;
        *rest = tail;
        Some(u64::from_le_bytes(*head))
    };
    let id = word(&mut rest)?;
    let generation = word(&mut rest)?;
    let anchored = word(&mut rest)? != 0;
    let size = word(&mut rest)? as i64;
    let keys = word(&mut rest)? as i64;
    let bound = |rest: &mut &[u8]| -> Option<Vec<u8>> {
        let length = usize::try_from(word(rest)?).ok()?;
        let (head, tail) = rest.split_at_checked(length)?;
        *rest = tail;
        Some(head.to_vec())
    };
    let start = bound(&mut rest)?;
    let end = bound(&mut rest)?;
    let span = Span { start, end };
    rest.is_empty().then_some((Descriptor { id, generation, span, anchored }, size, keys))
}
