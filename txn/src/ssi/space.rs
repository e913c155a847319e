//! Who has read what, and who has written it: SIREAD entries and marks of commits, by key.
//!
//! The key space is cut into shards by the first bytes of keys, which say the index: a range
//! never leaves its index, so a read and a write that could meet are in one shard, and its lock
//! decides which came first. Either the reader finds the mark, or the writer finds the reader.
//!
//! Memory is bounded. Entries whose transactions have no concurrent ones left go when a shard has
//! doubled. A shard that is over its limit all the same is told more coarsely: points that one transaction
//! read become the range from the first to the last; marks become one, of everything between the first
//! and the last key written; ranges of transactions that have ended become one. What stands for several
//! has no filter. Coarse entries find edges that are not there, and never miss one that is.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use cairn_storage::engine::prefix_end;
use cairn_storage::{INDEX_PREFIX_BYTES, Span, Timestamp, Write};
use parking_lot::Mutex;
use smallvec::SmallVec;

use super::filter::{Change, Filter};
use super::{Limits, Party, Rule, Rules, State};
use crate::locks::TransactionId;

/// Parts that the key space is cut into.
pub const SHARDS: usize = 64;
/// Ranges of a shard, readers and marks of all its keys, and of one key, at which gone ones are looked
/// for.
const SWEEP_RANGES: usize = 16;
const SWEEP_POINTS: usize = 1024;
const SWEEP_ENTRY: usize = 8;
/// The last ranges of a shard are searched for one that covers a new one.
const RECENT_RANGES: usize = 8;

/// A commit of a key.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    /// Who committed.
    pub writer: TransactionId,
    /// When.
    pub at: Timestamp,
    /// The writer's own edge out, as of its commit.
    pub earliest_out: Option<Timestamp>,
    /// Says whether the writer failed after all.
    party: Arc<Party>,
}

/// A commit that the snapshot of a read is too old for.
pub(super) struct Newer {
    /// What was committed; `None` if the mark stands for several keys.
    pub key: Option<Box<[u8]>>,
    pub mark: Mark,
}

/// Who has read something, and which rows of it were used.
#[derive(Clone)]
pub(super) struct Reader {
    pub party: Arc<Party>,
    /// `None`: all rows.
    pub filter: Option<Filter>,
}

impl Reader {
    fn new(party: &Arc<Party>, filter: Option<&Filter>) -> Reader {
        Reader { party: party.clone(), filter: filter.cloned() }
    }

    fn is(&self, party: &Arc<Party>) -> bool {
        Arc::ptr_eq(&self.party, party)
    }

    /// Whether its rows include those that `filter` lets pass.
    fn includes(&self, filter: Option<&Filter>, rules: Rules) -> bool {
        match (&self.filter, filter) {
            _ if !rules.has(Rule::OtherFilters) => true,
            (None, _) => true,
            (Some(own), Some(other)) => own.is_same(other),
            (Some(_), None) => false,
        }
    }
}

#[derive(Default)]
struct Entry {
    readers: SmallVec<[Reader; 1]>,
    /// In rising order of their timestamps.
    marks: SmallVec<[Mark; 1]>,
    sweep_at: usize,
}

impl Entry {
    fn len(&self) -> usize {
        self.readers.len() + self.marks.len()
    }

    /// The commits that a snapshot is too old for.
    fn marks_behind(&self, snapshot: Timestamp, rules: Rules) -> impl Iterator<Item = &Mark> {
        let keeps_failed = !rules.has(Rule::FailedWriters);
        let marks = self.marks.iter().rev().take_while(move |mark| mark.at > snapshot);
        marks.filter(move |mark| keeps_failed || !mark.party.has_aborted())
    }

    fn sweep(&mut self, horizon: Timestamp) {
        self.readers.retain(|reader| !reader.party.is_gone(horizon));
        self.marks.retain(|mark| !mark.party.is_gone(horizon));
    }

    /// Lets go of what is gone, when there is twice as much as after the last time: else a key
    /// that all read and write would collect them. Tells how many went.
    fn make_room(&mut self, horizon: impl FnOnce() -> Timestamp) -> usize {
        let before = self.len();
        if before < self.sweep_at.max(SWEEP_ENTRY) {
            return 0;
        }
        self.sweep(horizon());
        self.sweep_at = self.len() * 2;
        before - self.len()
    }
}

struct ReadRange {
    span: Span,
    reader: Reader,
}

/// Commits of keys between two, forgotten one by one.
struct CoarseMark {
    span: Span,
    newest: Timestamp,
    earliest_out: Option<Timestamp>,
    writer: TransactionId,
    party: Arc<Party>,
}

#[derive(Default)]
struct Shard {
    keys: BTreeMap<Box<[u8]>, Entry>,
    ranges: Vec<ReadRange>,
    coarse: Vec<CoarseMark>,
    /// Readers and marks of all keys.
    points: usize,
    sweep_points_at: usize,
    sweep_ranges_at: usize,
    rules: Rules,
}

fn bounds(span: &Span) -> (Bound<&[u8]>, Bound<&[u8]>) {
    let end = match span.end.as_slice() {
        [] => Bound::Unbounded,
        end => Bound::Excluded(end),
    };
    (Bound::Included(span.start.as_slice()), end)
}

fn covers(outer: &Span, inner: &Span) -> bool {
    outer.start <= inner.start
        && (outer.end.is_empty() || (!inner.end.is_empty() && inner.end <= outer.end))
}

/// The smallest span that has both.
fn hull(a: &Span, b: &Span) -> Span {
    let end = match a.end.is_empty() || b.end.is_empty() {
        true => Vec::new(),
        false => a.end.clone().max(b.end.clone()),
    };
    Span { start: a.start.clone().min(b.start.clone()), end }
}

impl Shard {
    fn marks_behind(&self, key: &[u8], snapshot: Timestamp) -> Vec<Newer> {
        let mut newer = Vec::new();
        if let Some(entry) = self.keys.get(key).filter(|_| self.rules.has(Rule::KeyCommits)) {
            let marks = entry.marks_behind(snapshot, self.rules);
            newer.extend(marks.map(|mark| Newer { key: Some(key.into()), mark: mark.clone() }));
        }
        let span = Span::point(key);
        newer.extend(self.coarse_behind(&span, snapshot));
        newer
    }

    /// Coarse marks say that something was committed after a snapshot, and not when: perhaps right
    /// after it.
    fn coarse_behind(&self, span: &Span, snapshot: Timestamp) -> impl Iterator<Item = Newer> {
        let is_met = self.rules.has(Rule::CoarseCommits);
        let met = self.coarse.iter().filter(move |coarse| {
            is_met && coarse.newest > snapshot && !coarse.span.intersect(span).is_empty()
        });
        met.map(move |coarse| {
            let mark = Mark {
                writer: coarse.writer,
                at: snapshot.next(),
                earliest_out: coarse.earliest_out,
                party: coarse.party.clone(),
            };
            Newer { key: None, mark }
        })
    }

    fn is_covered(&self, reader: &Arc<Party>, span: &Span, filter: Option<&Filter>) -> bool {
        let recent = self.ranges.iter().rev().take(RECENT_RANGES);
        let mut own = recent.filter(|range| range.reader.is(reader));
        own.any(|range| covers(&range.span, span) && range.reader.includes(filter, self.rules))
    }

    /// Lets go of what is gone, when there is twice as much as after the last time.
    fn make_room(&mut self, limits: &Limits, horizon: impl FnOnce() -> Timestamp) {
        let due = self.points >= self.sweep_points_at.max(SWEEP_POINTS.min(limits.points))
            || self.ranges.len() >= self.sweep_ranges_at.max(SWEEP_RANGES.min(limits.ranges));
        if !due {
            return;
        }
        let horizon = horizon();
        self.keys.retain(|_, entry| {
            entry.sweep(horizon);
            entry.len() > 0
        });
        self.points = self.keys.values().map(Entry::len).sum();
        self.ranges.retain(|range| !range.reader.party.is_gone(horizon));
        self.coarse.retain(|coarse| coarse.newest > horizon);
        if self.points >= limits.points {
            self.coarsen_keys();
            self.points = self.keys.values().map(Entry::len).sum();
        }
        if self.ranges.len() >= limits.ranges {
            self.coarsen_ranges();
        }
        self.sweep_points_at = (self.points * 2).min(limits.points);
        self.sweep_ranges_at = (self.ranges.len() * 2).min(limits.ranges);
    }

    /// Turns points read into ranges, and marks of transactions that have ended into one.
    fn coarsen_keys(&mut self) {
        let mut read: BTreeMap<TransactionId, ReadRange> = BTreeMap::new();
        let mut written: Option<CoarseMark> = None;
        let mut kept: BTreeMap<Box<[u8]>, Entry> = BTreeMap::new();
        for (key, mut entry) in std::mem::take(&mut self.keys) {
            let point = Span::point(&key);
            for reader in entry.readers.drain(..) {
                let range = read
                    .entry(reader.party.id)
                    .or_insert_with(|| ReadRange { span: point.clone(), reader });
                self.widen(Rule::WidenedKeys, &mut range.span, &point);
                self.widen_filter(&mut range.reader);
            }
            for mark in std::mem::take(&mut entry.marks) {
                // One that is just committing may yet fail: its marks stay as they are.
                if mark.party.ended().is_none() {
                    entry.marks.push(mark);
                    continue;
                }
                let coarse = written.get_or_insert_with(|| CoarseMark {
                    span: point.clone(),
                    newest: mark.at,
                    earliest_out: None,
                    writer: mark.writer,
                    party: mark.party.clone(),
                });
                self.widen_commits(coarse, &point, mark.at, mark.earliest_out);
            }
            if !entry.marks.is_empty() {
                kept.insert(key, entry);
            }
        }
        self.keys = kept;
        self.ranges.extend(read.into_values());
        self.coarse.extend(written);
        if let Some(mut merged) = self.coarse.pop() {
            for coarse in std::mem::take(&mut self.coarse) {
                self.widen_commits(&mut merged, &coarse.span, coarse.newest, coarse.earliest_out);
            }
            self.coarse.push(merged);
        }
    }

    fn widen(&self, rule: Rule, span: &mut Span, to: &Span) {
        if self.rules.has(rule) {
            *span = hull(span, to);
        }
    }

    fn widen_filter(&self, reader: &mut Reader) {
        if self.rules.has(Rule::WidenedFilters) {
            reader.filter = None;
        }
    }

    /// Makes a mark stand for further commits, of keys in `span` and at `newest` or before.
    fn widen_commits(
        &self,
        coarse: &mut CoarseMark,
        span: &Span,
        newest: Timestamp,
        earliest_out: Option<Timestamp>,
    ) {
        self.widen(Rule::WidenedCommits, &mut coarse.span, span);
        if self.rules.has(Rule::WidenedTimes) {
            coarse.newest = coarse.newest.max(newest);
        }
        if self.rules.has(Rule::WidenedOut) {
            coarse.earliest_out = match (coarse.earliest_out, earliest_out) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
    }

    /// Makes one range of all that one transaction has read, and of all that those have read that
    /// have ended.
    fn coarsen_ranges(&mut self) {
        let mut running: BTreeMap<TransactionId, ReadRange> = BTreeMap::new();
        let mut ended: Option<(Span, Timestamp, u64)> = None;
        for range in std::mem::take(&mut self.ranges) {
            match range.reader.party.ended() {
                None => {
                    let id = range.reader.party.id;
                    match running.get_mut(&id) {
                        Some(all) => {
                            self.widen(Rule::WidenedRanges, &mut all.span, &range.span);
                            self.widen_filter(&mut all.reader);
                        }
                        None => drop(running.insert(id, range)),
                    }
                }
                Some(super::ABORTED) => {}
                Some(end) => {
                    let snapshot = range.reader.party.snapshot;
                    ended = Some(match ended.take() {
                        None => (range.span, snapshot, end),
                        Some((mut span, newest, last)) => {
                            self.widen(Rule::WidenedRanges, &mut span, &range.span);
                            match self.rules.has(Rule::WidenedTimes) {
                                true => (span, newest.max(snapshot), last.max(end)),
                                false => (span, newest, last),
                            }
                        }
                    });
                }
            }
        }
        self.ranges.extend(running.into_values());
        if let Some((span, snapshot, end)) = ended.filter(|_| self.rules.has(Rule::EndedReaders)) {
            // Stands for all of them: as if one had read it all, written, and ended last.
            let state = State { wrote: true, ..State::default() };
            let party = Arc::new(Party {
                id: 0,
                snapshot,
                rules: self.rules,
                end: AtomicU64::new(end),
                state: Mutex::new(state),
            });
            self.ranges.push(ReadRange { span, reader: Reader { party, filter: None } });
        }
    }
}

/// A reader that a writer has met, and what it changes there.
pub(super) struct Met<'k> {
    pub reader: Reader,
    pub change: Change<'k>,
}

/// All shards.
pub(super) struct Spaces {
    shards: Vec<Mutex<Shard>>,
    limits: Limits,
}

impl Spaces {
    pub fn new(limits: Limits, rules: Rules) -> Spaces {
        let shard = |_| Mutex::new(Shard { rules, ..Shard::default() });
        Spaces { shards: (0..SHARDS).map(shard).collect(), limits }
    }

    fn shard_of(key: &[u8]) -> usize {
        let prefix = key.iter().take(INDEX_PREFIX_BYTES);
        prefix.fold(0usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(usize::from(*byte)))
            % SHARDS
    }

    fn prefix(key: &[u8]) -> &[u8] {
        key.get(..INDEX_PREFIX_BYTES).unwrap_or(key)
    }

    /// Notes a read, and gives the commits that its snapshot is too old for.
    pub fn read_key(
        &self,
        reader: &Arc<Party>,
        key: &[u8],
        filter: Option<&Filter>,
        horizon: impl Fn() -> Timestamp,
    ) -> Vec<Newer> {
        let mut shard = self.shards[Self::shard_of(key)].lock();
        let shard = &mut *shard;
        shard.make_room(&self.limits, &horizon);
        match shard.keys.get_mut(key) {
            Some(entry) => match entry.readers.iter_mut().find(|other| other.is(reader)) {
                Some(known) if known.includes(filter, shard.rules) => {}
                // One who has read it in two ways is told more coarsely.
                Some(known) => known.filter = None,
                None => {
                    shard.points -= entry.make_room(&horizon);
                    entry.readers.push(Reader::new(reader, filter));
                    shard.points += 1;
                }
            },
            None => {
                let mut entry = Entry::default();
                entry.readers.push(Reader::new(reader, filter));
                shard.keys.insert(key.into(), entry);
                shard.points += 1;
            }
        }
        shard.marks_behind(key, reader.snapshot)
    }

    /// As [`Spaces::read_key`], of a range.
    pub fn read_span(
        &self,
        reader: &Arc<Party>,
        span: &Span,
        filter: Option<&Filter>,
        horizon: impl Fn() -> Timestamp,
    ) -> Vec<Newer> {
        let mut newer = Vec::new();
        let prefix = Self::prefix(&span.start);
        let index = Span { start: prefix.to_vec(), end: prefix_end(prefix) };
        let within = prefix.len() == INDEX_PREFIX_BYTES && covers(&index, span);
        let shards = match within {
            true => {
                let at = Self::shard_of(&span.start);
                at..at + 1
            }
            false => 0..SHARDS,
        };
        for shard in &self.shards[shards] {
            let mut shard = shard.lock();
            shard.make_room(&self.limits, &horizon);
            if !shard.is_covered(reader, span, filter) {
                let reader = Reader::new(reader, filter);
                shard.ranges.push(ReadRange { span: span.clone(), reader });
            }
            let keys = shard.keys.range::<[u8], _>(bounds(span));
            for (key, entry) in keys.filter(|_| shard.rules.has(Rule::RangeCommits)) {
                let marks = entry.marks_behind(reader.snapshot, shard.rules);
                let of_key = |mark: &Mark| Newer { key: Some(key.clone()), mark: mark.clone() };
                newer.extend(marks.map(of_key));
            }
            newer.extend(shard.coarse_behind(span, reader.snapshot));
        }
        newer
    }

    pub fn has_read(&self, reader: &Arc<Party>, key: &[u8]) -> bool {
        let shard = self.shards[Self::shard_of(key)].lock();
        let same = |other: &Reader| other.is(reader);
        shard.keys.get(key).is_some_and(|entry| entry.readers.iter().any(same))
            || shard.ranges.iter().any(|range| same(&range.reader) && range.span.contains(key))
    }

    /// Those who have read `key`, but for `writer`.
    pub fn readers(&self, writer: &Arc<Party>, key: &[u8]) -> Vec<Reader> {
        let shard = self.shards[Self::shard_of(key)].lock();
        let points = shard.keys.get(key).into_iter().flat_map(|entry| &entry.readers);
        let ranges = shard.ranges.iter().filter(|range| range.span.contains(key));
        let readers = points.chain(ranges.map(|range| &range.reader));
        readers.filter(|reader| !reader.is(writer)).cloned().collect()
    }

    /// Marks keys as written, and gives those who have read them: each once, or else with filters, of
    /// which there are at most `filters`.
    pub fn write<'k>(
        &self,
        writer: &Arc<Party>,
        at: Timestamp,
        earliest_out: Option<Timestamp>,
        writes: &'k [Write],
        mut filters: usize,
        horizon: impl Fn() -> Timestamp,
    ) -> Vec<Met<'k>> {
        let mut met: Vec<Met<'k>> = Vec::new();
        // Those that are met for certain.
        let mut known: Vec<Arc<Party>> = Vec::new();
        let mark = Mark { writer: writer.id, at, earliest_out, party: writer.clone() };
        let mut meet = |reader: &Reader, write: &'k Write| {
            if reader.is(writer) || known.iter().any(|known| reader.is(known)) {
                return;
            }
            let mut reader = reader.clone();
            match filters.checked_sub(1) {
                Some(left) if reader.filter.is_some() => filters = left,
                _ => {
                    reader.filter = None;
                    known.push(reader.party.clone());
                }
            }
            met.push(Met { reader, change: Change::of(write) });
        };
        // Keys rise, so those of an index come together: its shard is locked once.
        let mut writes = writes.iter().peekable();
        while let Some(write) = writes.next() {
            let key = write.key.as_slice();
            let at_shard = Self::shard_of(key);
            let mut shard = self.shards[at_shard].lock();
            let shard = &mut *shard;
            shard.make_room(&self.limits, &horizon);
            let (mut next, mut count, mut last) = (Some(write), 0usize, key);
            while let Some(write) = next {
                let key = write.key.as_slice();
                for range in &shard.ranges {
                    if range.span.contains(key) && shard.rules.has(Rule::RangeReaders) {
                        meet(&range.reader, write);
                    }
                }
                let mut entry = shard.keys.get_mut(key);
                if let Some(entry) = &mut entry {
                    shard.points -= entry.make_room(&horizon);
                    if shard.rules.has(Rule::KeyReaders) {
                        entry.readers.iter().for_each(|reader| meet(reader, write));
                    }
                }
                (count, last) = (count + 1, key);
                match entry {
                    // More than fit are told as one, below.
                    _ if count > self.limits.points / 2 => {}
                    Some(entry) => {
                        entry.marks.push(mark.clone());
                        shard.points += 1;
                    }
                    None => {
                        shard.points += 1;
                        let mut entry = Entry::default();
                        entry.marks.push(mark.clone());
                        shard.keys.insert(key.into(), entry);
                    }
                }
                next = writes.next_if(|write| Self::shard_of(&write.key) == at_shard);
            }
            if count > self.limits.points / 2 && shard.rules.has(Rule::LargeCommits) {
                let span = Span { start: key.to_vec(), end: Span::point(last).end };
                let (party, writer) = (writer.clone(), writer.id);
                shard.coarse.push(CoarseMark { span, newest: at, earliest_out, writer, party });
            }
        }
        met
    }

    pub fn len(&self) -> usize {
        let of = |shard: &Mutex<Shard>| {
            let shard = shard.lock();
            shard.points + shard.ranges.len() + shard.coarse.len()
        };
        self.shards.iter().map(of).sum()
    }
}
