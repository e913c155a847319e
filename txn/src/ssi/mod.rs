//! Serializable snapshot isolation: which transactions may not commit together.
//!
//! A transaction under snapshot isolation behaves as if it ran alone unless it is part of a *dangerous
//! structure*: `T1 -rw-> T2 -rw-> T3`, where an edge says that its left end read what its right end
//! overwrote (a row, or a range that a row was added to), both edges are between concurrent
//! transactions, and `T3` is the first of the three to commit (Fekete et al., "Making Snapshot
//! Isolation Serializable", TODS 2005; Cahill, Röhm and Fekete, SIGMOD 2008; Ports and Grittner,
//! VLDB 2012). Here one of the three fails before the last of them has committed.
//!
//! A write is private until its transaction commits, so an edge begins to matter when its right end
//! commits, and there it is drawn: a commit looks for those who have read what it writes, and a read
//! looks for commits that its snapshot is too old for. So every edge leads to a transaction that has
//! committed, and all that has to be remembered about the edges out of a transaction is when the
//! first of their right ends committed: [`State::earliest_out`]. `README.md` beside the crate has
//! the argument that this is enough.
//!
//! What is read and written is in [`space`], conditions on what is read in [`filter`]; this file has the
//! rules, and [`rules`] their names.

mod filter;
mod rules;
mod space;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cairn_storage::{Span, Store, Timestamp, Write};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::locks::TransactionId;
use crate::timestamps::{Snapshot, Timestamps};
use crate::{Conflict, Error, Result};
pub use filter::{Change, Filter, RowFilter};
use filter::{Filters, Tests};
pub use rules::{Rule, Rules};
pub use space::SHARDS;
use space::{Mark, Met, Newer, Reader, Spaces};

/// An rw-antidependency that closed a dangerous structure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Who has read.
    pub reader: TransactionId,
    /// Who has written what the other one read, and has an edge out itself.
    pub writer: TransactionId,
    /// The first to commit of those that overwrote what `writer` read did so here.
    pub first_commit: Timestamp,
    /// What was read and written: a key within the range that was read.
    pub key: Box<[u8]>,
}

/// A serializable transaction, as the others see it. It outlives its end while a concurrent one runs.
#[derive(Debug)]
pub struct Party {
    id: TransactionId,
    snapshot: Timestamp,
    rules: Rules,
    /// [`RUNNING`], [`ABORTED`], or the timestamp that it ended at: that of its commit, or of its
    /// snapshot if it has written nothing.
    end: AtomicU64,
    state: Mutex<State>,
}

const RUNNING: u64 = 0;
const ABORTED: u64 = u64::MAX;

#[derive(Debug, Default)]
struct State {
    /// When the first of those committed that overwrote what this one has read. Final once it has
    /// committed: whoever overwrites later commits later, and so is not the first of its structure.
    earliest_out: Option<Timestamp>,
    /// It has written something, or has committed and had.
    wrote: bool,
    /// It is harmless while it only reads: this is what a write of its own would complete.
    must_not_write: Option<Dependency>,
    /// What it has written was looked at since `earliest_out` became what it is.
    is_checked: bool,
    /// Those who may write and have taken over its snapshot.
    joined: Vec<Arc<Party>>,
}

fn failure(dependency: Dependency) -> Error {
    Error::Serialization(Conflict::Dependency(Box::new(dependency)))
}

impl State {
    fn overwritten_at(&mut self, at: Timestamp) {
        if self.earliest_out.is_none_or(|before| at < before) {
            self.earliest_out = Some(at);
            self.is_checked = false;
        }
    }
}

impl State {
    /// Whether its owner, as `T1`, makes a dangerous structure with a `T2` whose edge out leads to
    /// one that committed at `first_commit`.
    fn is_dangerous(&self, owner: &Party, first_commit: Timestamp) -> bool {
        let rules = owner.rules;
        match owner.ended() {
            Some(ABORTED) if rules.has(Rule::FailedReaders) => false,
            _ if first_commit <= owner.snapshot && rules.has(Rule::ReaderSawFirst) => true,
            Some(end) => {
                let is_late = end >= first_commit.0 || !rules.has(Rule::FirstOfThree);
                self.wrote && is_late && rules.has(Rule::ReaderCommitted)
            }
            None if self.wrote => rules.has(Rule::ReaderWrote),
            None => !rules.has(Rule::HarmlessReaders),
        }
    }
}

impl Party {
    fn ended(&self) -> Option<u64> {
        Some(self.end.load(Ordering::Acquire)).filter(|end| *end != RUNNING)
    }

    fn has_aborted(&self) -> bool {
        self.ended() == Some(ABORTED)
    }

    /// Whether nobody who runs, or will, is concurrent with it. (One that has written nothing can be in
    /// a structure only with a `T2` that is older than a commit in its snapshot.)
    fn is_gone(&self, horizon: Timestamp) -> bool {
        self.ended().is_some_and(|end| end == ABORTED || end <= horizon.0)
    }

    /// Whether one who has ended is no reason for one who only reads, on a snapshot at `at`, to be in
    /// danger.
    fn leaves_safe(&self, at: Timestamp) -> bool {
        let state = self.state.lock();
        self.has_aborted() || !state.wrote || state.earliest_out.is_none_or(|out| out > at)
    }

    /// It is about to write.
    ///
    /// # Errors
    /// A serialization failure if that completes a dangerous structure.
    pub fn begin_write(&self) -> Result<()> {
        let mut state = self.state.lock();
        if let Some(dependency) = state.must_not_write.clone() {
            return Err(failure(dependency));
        }
        state.wrote = true;
        Ok(())
    }

    /// Whether it has an edge out, and its writes so far were not looked at with that in mind.
    fn is_unchecked(&self) -> bool {
        let mut state = self.state.lock();
        let unchecked = state.wrote && state.earliest_out.is_some() && !state.is_checked;
        state.is_checked |= unchecked;
        unchecked
    }

    /// A transaction with an edge out is about to overwrite what this one has read, and has not
    /// committed yet: as [`Party::is_overwritten`], without a trace.
    fn would_be_overwritten(
        &self,
        writer: TransactionId,
        first_commit: Timestamp,
        key: &[u8],
    ) -> Result<()> {
        let state = self.state.lock();
        match state.is_dangerous(self, first_commit) {
            true => {
                Err(failure(Dependency { reader: self.id, writer, first_commit, key: key.into() }))
            }
            false => Ok(()),
        }
    }

    /// It has read what `mark`'s writer has overwritten and committed since: the edge from it to
    /// there, drawn by the reader. If the writer has an edge out too, this one is a `T1`.
    fn reads_behind(&self, mark: &Mark, key: &[u8]) -> Result<()> {
        let mut state = self.state.lock();
        if self.rules.has(Rule::OutAtRead) {
            state.overwritten_at(mark.at);
        }
        let Some(first_commit) = mark.earliest_out else { return Ok(()) };
        let dependency =
            || Dependency { reader: self.id, writer: mark.writer, first_commit, key: key.into() };
        // One that only reads is not in danger unless it saw the first commit: else it can be
        // thought to have run before all three (Ports and Grittner, section 4.1).
        let saw_first = first_commit <= self.snapshot && self.rules.has(Rule::BehindSawFirst);
        let wrote = state.wrote && self.rules.has(Rule::BehindWrote);
        if saw_first || wrote || !self.rules.has(Rule::HarmlessReaders) {
            return Err(failure(dependency()));
        }
        if self.rules.has(Rule::BehindMustNotWrite) {
            state.must_not_write.get_or_insert_with(dependency);
        }
        Ok(())
    }

    /// A transaction that commits at `at` overwrites what this one has read: the edge from this one to
    /// the writer, drawn by the writer. `writer_out` is the writer's own edge out, if it has one.
    fn is_overwritten(
        &self,
        at: Timestamp,
        writer: TransactionId,
        writer_out: Option<Timestamp>,
        key: &[u8],
    ) -> Result<()> {
        let mut state = self.state.lock();
        let runs = self.ended().is_none();
        if runs && self.rules.has(Rule::OutAtCommit) {
            state.overwritten_at(at);
        }
        let Some(first_commit) = writer_out else { return Ok(()) };
        let dependency = || Dependency { reader: self.id, writer, first_commit, key: key.into() };
        if state.is_dangerous(self, first_commit) {
            return Err(failure(dependency()));
        }
        if runs && self.rules.has(Rule::ReaderMustNotWrite) {
            state.must_not_write.get_or_insert_with(dependency);
        }
        Ok(())
    }
}

/// How many entries a part of the key space may keep before it is told more coarsely.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Reads and writes of single keys, in each of the [`SHARDS`] parts.
    pub points: usize,
    /// Ranges read, in each part.
    pub ranges: usize,
    /// Memory of filters in all of them.
    pub filter_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { points: 1 << 15, ranges: 1 << 12, filter_bytes: 32 << 20 }
    }
}

/// Filters that a commit tests, while others wait for it: so many, and so many for each of its writes.
const COMMIT_TESTS: usize = 256;
const WRITE_TESTS: usize = 4;
/// Filters tested by a read, or to foresee the outcome of a commit.
const READ_TESTS: usize = 4096;

/// Those that run.
#[derive(Default)]
struct Running {
    /// With the number of transactions on each.
    snapshots: BTreeMap<Timestamp, usize>,
    /// Those that may write.
    writers: BTreeMap<TransactionId, Arc<Party>>,
    /// The newest commit of those that wrote. It may not be in new snapshots yet, which show what is
    /// durable.
    last_commit: Timestamp,
}

impl Running {
    /// Whether a transaction on a new snapshot is concurrent with no writer.
    fn is_quiet(&self, snapshot: &Snapshot, rules: Rules) -> bool {
        let is_alone = self.writers.is_empty() || !rules.has(Rule::UntrackedAlone);
        let sees_all = self.last_commit <= snapshot.at() || !rules.has(Rule::UntrackedSeesAll);
        is_alone && sees_all
    }

    fn add(
        &mut self,
        id: TransactionId,
        read_only: bool,
        snapshot: Timestamp,
        rules: Rules,
    ) -> Arc<Party> {
        let (end, state) = (AtomicU64::new(RUNNING), Mutex::default());
        let party = Arc::new(Party { id, snapshot, rules, end, state });
        *self.snapshots.entry(snapshot).or_insert(0) += 1;
        if !read_only {
            self.writers.insert(id, party.clone());
        }
        party
    }
}

/// A snapshot, and the transactions that ran when it was taken and may write.
pub struct Candidate {
    /// The snapshot.
    pub snapshot: Snapshot,
    writers: Vec<Arc<Party>>,
}

/// All serializable transactions of a server, and what they have read and written.
pub struct Conflicts {
    timestamps: Arc<Timestamps>,
    /// Has the rows that filters are tested with.
    store: Arc<Store>,
    running: Mutex<Running>,
    spaces: Spaces,
    filters: Filters,
    rules: Rules,
    /// Changes whenever one ends.
    ends: watch::Sender<u64>,
}

impl Conflicts {
    /// Nobody yet.
    pub fn new(
        timestamps: Arc<Timestamps>,
        store: Arc<Store>,
        limits: Limits,
        rules: Rules,
    ) -> Conflicts {
        Conflicts {
            timestamps,
            store,
            running: Mutex::default(),
            spaces: Spaces::new(limits, rules),
            filters: Filters::new(limits.filter_bytes),
            rules,
            ends: watch::Sender::new(0),
        }
    }

    /// The rules that there are.
    pub(crate) fn rules(&self) -> Rules {
        self.rules
    }

    /// Takes a snapshot and makes its transaction known. No party comes back if the snapshot is safe
    /// as it is: one who only reads while nobody writes can be in no structure.
    pub fn begin(
        &self,
        id: TransactionId,
        read_only: bool,
        newest: bool,
    ) -> (Snapshot, Option<Arc<Party>>) {
        // One step, so that the horizon cannot pass by in between.
        let mut running = self.running.lock();
        let snapshot = self.timestamps.snapshot(newest);
        if read_only && running.is_quiet(&snapshot, self.rules) {
            return (snapshot, None);
        }
        let party = running.add(id, read_only, snapshot.at(), self.rules);
        (snapshot, Some(party))
    }

    /// Makes a transaction known that takes over a snapshot at `at` of one that is known. `None` if
    /// nobody runs on that any more, who may write if this one may: then what is concurrent with it may
    /// have been forgotten, or somebody may count on there being no such transaction.
    pub fn join(&self, id: TransactionId, read_only: bool, at: Timestamp) -> Option<Arc<Party>> {
        let mut running = self.running.lock();
        if !running.snapshots.contains_key(&at) && self.rules.has(Rule::JoinsRunning) {
            return None;
        }
        let host = running.writers.values().find(|writer| writer.snapshot == at).cloned();
        if host.is_none() && !read_only && self.rules.has(Rule::JoinsWriter) {
            return None;
        }
        let party = running.add(id, read_only, at, self.rules);
        if let Some(host) = host.filter(|_| !read_only) {
            host.state.lock().joined.push(party.clone());
        }
        Some(party)
    }

    /// A snapshot that may turn out to be safe (DEFERRABLE; Ports and Grittner, section 4.3), with
    /// those who decide that. `None` while a writer has ended whose commit new snapshots do not show.
    pub fn candidate(&self) -> Option<Candidate> {
        let running = self.running.lock();
        let writers = running.writers.values().cloned().collect();
        let snapshot = self.timestamps.snapshot(false);
        let sees_all = running.last_commit <= snapshot.at() || !self.rules.has(Rule::SafeSeesAll);
        sees_all.then_some(Candidate { snapshot, writers })
    }

    /// Waits until all writers of a candidate have ended, and all who have taken over their snapshots. It
    /// is safe if none of them has an edge out to one that committed before it: then one who only reads on
    /// it can be in no structure.
    pub async fn is_safe(&self, candidate: &Candidate) -> bool {
        if !self.rules.has(Rule::SafeWaits) {
            return true;
        }
        let mut ends = self.ends.subscribe();
        let mut writers = candidate.writers.clone();
        while let Some(writer) = writers.pop() {
            while writer.ended().is_none() {
                // The sender lives as long as this does.
                let _ = ends.changed().await;
            }
            if !writer.leaves_safe(candidate.snapshot.at()) && self.rules.has(Rule::SafeHasNoEdge) {
                return false;
            }
            // Nobody joins one who has ended.
            if self.rules.has(Rule::SafeSeesJoined) {
                writers.extend(writer.state.lock().joined.iter().cloned());
            }
        }
        true
    }

    /// Nobody concurrent with one that ended here, or before, runs or will.
    fn horizon(&self) -> Timestamp {
        let running = self.running.lock();
        let coming = match self.rules.has(Rule::KeptForSettled) {
            true => self.timestamps.settled(),
            false => self.timestamps.visible(),
        };
        let oldest = running.snapshots.keys().next();
        let oldest = oldest.filter(|_| self.rules.has(Rule::KeptForRunning));
        oldest.map_or(coming, |oldest| coming.min(*oldest))
    }

    /// A filter for reads to be noted with; `None` if filters take too much memory.
    pub fn keep_filter(&self, rows: impl RowFilter) -> Option<Filter> {
        self.filters.keep(rows).filter(|_| self.rules.has(Rule::Filters))
    }

    /// Notes that `reader` has read `key` at its snapshot, whether or not anything was there. With a
    /// filter, it has only used what that lets pass.
    ///
    /// # Errors
    /// A serialization failure if that completes a dangerous structure.
    pub fn read_key(&self, reader: &Arc<Party>, key: &[u8], filter: Option<&Filter>) -> Result<()> {
        let newer = self.spaces.read_key(reader, key, filter, || self.horizon());
        self.read_behind(reader, key, filter, &newer)
    }

    /// Notes that `reader` has read all of `span` at its snapshot, with a filter all that it lets pass.
    ///
    /// # Errors
    /// As [`Conflicts::read_key`].
    pub fn read_span(
        &self,
        reader: &Arc<Party>,
        span: &Span,
        filter: Option<&Filter>,
    ) -> Result<()> {
        let newer = self.spaces.read_span(reader, span, filter, || self.horizon());
        self.read_behind(reader, &span.start, filter, &newer)
    }

    /// A read at `start`, or from there on, has met newer commits.
    fn read_behind(
        &self,
        reader: &Arc<Party>,
        start: &[u8],
        filter: Option<&Filter>,
        newer: &[Newer],
    ) -> Result<()> {
        // A commit leaves its marks before the store has what it wrote.
        let written = self.timestamps.visible();
        let mut tests = self.tests(READ_TESTS, true);
        newer.iter().try_for_each(|Newer { key, mark }| {
            if let (Some(filter), Some(key)) = (filter, key)
                && mark.at <= written
                && !tests.concerned(filter, key, mark.at)
            {
                return Ok(());
            }
            reader.reads_behind(mark, key.as_deref().unwrap_or(start))
        })
    }

    fn tests(&self, most: usize, in_doubt: bool) -> Tests<'_> {
        Tests::new(&self.store, self.rules, most, in_doubt)
    }

    /// Fails what cannot commit any more as soon as that is known, not only when it wants to commit: a
    /// transaction that has an edge out, and writes that others have read. `each` visits all that it
    /// has written, and is asked to only if there is a need to look at them.
    ///
    /// # Errors
    /// A serialization failure.
    pub fn check_writes(
        &self,
        writer: &Arc<Party>,
        each: impl FnOnce(&mut dyn FnMut(Change<'_>) -> Result<()>) -> Result<()>,
    ) -> Result<()> {
        if !writer.is_unchecked() {
            return Ok(());
        }
        // What is in doubt here is settled by the commit.
        let mut tests = self.tests(READ_TESTS, false);
        each(&mut |change| self.foresee(writer, change, &mut tests))
    }

    /// As [`Conflicts::check_writes`], for one key that is about to be written.
    ///
    /// # Errors
    /// A serialization failure.
    pub fn check_write(&self, writer: &Arc<Party>, change: Change<'_>) -> Result<()> {
        self.foresee(writer, change, &mut self.tests(COMMIT_TESTS, false))
    }

    /// As [`Conflicts::check_write`], of a write that will not be.
    ///
    /// # Errors
    /// A serialization failure.
    pub fn check_duplicate(&self, writer: &Arc<Party>, key: &[u8]) -> Result<()> {
        // Whatever readers have looked for: it fails in any case.
        self.foresee(writer, Change { key, new: None }, &mut self.tests(0, true))
    }

    fn foresee(
        &self,
        writer: &Arc<Party>,
        change: Change<'_>,
        tests: &mut Tests<'_>,
    ) -> Result<()> {
        let Some(first_commit) = writer.state.lock().earliest_out else { return Ok(()) };
        let before = self.timestamps.visible();
        for Reader { party, filter } in self.spaces.readers(writer, change.key) {
            if filter.is_none_or(|filter| tests.concerns(&filter, change, before)) {
                party.would_be_overwritten(writer.id, first_commit, change.key)?;
            }
        }
        Ok(())
    }

    /// Whether `reader` is known to have read `key`.
    pub fn has_read(&self, reader: &Arc<Party>, key: &[u8]) -> bool {
        self.spaces.has_read(reader, key)
    }

    /// Commits `writer` at `at` with these writes, whose keys rise. The caller lets one commit at a
    /// time, in the order of their timestamps, and nobody sees this one before it returns. What the writes
    /// replace is in the store, and visible.
    ///
    /// # Errors
    /// A serialization failure if one that has read some of the keys and the writer, which has
    /// an edge out, are a dangerous structure. The caller then ends the writer as aborted.
    pub fn commit(&self, writer: &Arc<Party>, at: Timestamp, writes: &[Write]) -> Result<()> {
        let earliest_out = {
            let state = writer.state.lock();
            // One that must not write has been told so when it wanted to.
            assert!(state.wrote, "what commits with writes has said that it writes");
            state.earliest_out
        };
        let left_out = earliest_out.filter(|_| self.rules.has(Rule::OutOfCommitted));
        let most = COMMIT_TESTS + WRITE_TESTS * writes.len();
        let (mut tests, before) = (self.tests(most, true), self.timestamps.visible());
        let met = self.spaces.write(writer, at, left_out, writes, most, || self.horizon());
        let mut done: Vec<&Arc<Party>> = Vec::new();
        for Met { reader: Reader { party, filter }, change } in &met {
            if done.iter().any(|known| Arc::ptr_eq(known, party))
                || filter.as_ref().is_some_and(|filter| !tests.concerns(filter, *change, before))
            {
                continue;
            }
            done.push(party);
            party.is_overwritten(at, writer.id, earliest_out, change.key)?;
        }
        self.end(writer, Some(at), true);
        Ok(())
    }

    /// A transaction without writes has ended well.
    pub fn finish_read_only(&self, party: &Arc<Party>) {
        self.end(party, Some(party.snapshot), false);
    }

    /// A transaction has failed or was rolled back.
    pub fn abort(&self, party: &Arc<Party>) {
        self.end(party, None, false);
    }

    fn end(&self, party: &Arc<Party>, at: Option<Timestamp>, wrote: bool) {
        {
            let mut state = party.state.lock();
            state.wrote = wrote;
            let end = at.map_or(ABORTED, |at| at.0.clamp(RUNNING + 1, ABORTED - 1));
            let before = party.end.swap(end, Ordering::AcqRel);
            assert!(before == RUNNING, "a transaction ends once");
        }
        let mut running = self.running.lock();
        if let Some(count) = running.snapshots.get_mut(&party.snapshot) {
            *count -= 1;
            if *count == 0 {
                running.snapshots.remove(&party.snapshot);
            }
        }
        running.writers.remove(&party.id);
        if let Some(at) = at.filter(|_| wrote) {
            running.last_commit = running.last_commit.max(at);
        }
        drop(running);
        self.ends.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Number of entries, for tests of the memory bound.
    pub fn len(&self) -> usize {
        self.spaces.len()
    }

    /// Memory of all filters in use.
    pub fn filter_bytes(&self) -> usize {
        self.filters.in_use_bytes()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
