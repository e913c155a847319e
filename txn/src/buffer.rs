//! A transaction's private writes.
//!
//! Kept in key order, so that a scan merges them with the snapshot. While a savepoint is open,
//! every change also notes what it replaced; rolling back replays the notes
//! backwards. Nobody else reads this buffer, so an abort just drops it.
//!
//! When there are too many writes for memory they are moved to a run ([`crate::spill`]). The tree
//! and the runs are layers: the tree is the newest, and a key in a newer layer hides it in an older
//! one. Only writes that the innermost savepoint does not have to bring back go into a run, so
//! rolling back to a savepoint drops the runs made since, and is otherwise as without them: what
//! was there before the savepoint is still in the tree, with its notes, or in an older run.
//!
//! New keys that come in order go to a tail ([`crate::tail`]), one for each index, which is a layer
//! between the runs and the tree. Tails hold only what was added since the innermost savepoint was
//! opened: opening one moves them into the tree, and rolling back drops them.

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use cairn_storage::{Batch, Direction, Span, Timestamp, Write};

use crate::Result;
use crate::spill::{self, Layer, Merge, Record, Run, SpillArea};
use crate::tail::Tail;

/// A pending write of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The new value, `None` for a deletion.
    pub value: Option<Vec<u8>>,
    /// Whether the key was live before this transaction first wrote it.
    pub existed: bool,
}

/// A state that a savepoint goes back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    undo: usize,
    runs: usize,
    /// How many savepoints are around it.
    depth: usize,
}

/// Pending writes in key order.
#[derive(Clone, Debug, Default)]
pub struct WriteBuffer {
    writes: BTreeMap<Vec<u8>, Pending>,
    undo: Vec<(Vec<u8>, Option<Pending>)>,
    /// Of the open savepoints, the innermost last.
    marks: Vec<Mark>,
    bytes: usize,
    /// Of different indexes.
    tails: Vec<Tail>,
    /// The oldest first.
    runs: Vec<Arc<Run>>,
    /// What the last spill had to leave, in bytes.
    left_bytes: usize,
}

/// Writes of a span in order, as they are read.
pub type Writes<'a> = Box<dyn Iterator<Item = Result<(Cow<'a, [u8]>, Cow<'a, Pending>)>> + 'a>;

/// Bookkeeping that a tree entry costs beside key and value.
const ENTRY_OVERHEAD_BYTES: usize = 64;
/// And an entry of a tail.
const TAIL_OVERHEAD_BYTES: usize = 17;
/// Keys that begin with the same bytes share a tail: they are of one index.
const TAIL_PREFIX_BYTES: usize = 5;
/// The indexes of one table, mostly.
const MAX_TAILS: usize = 8;

fn cost(key: &[u8], pending: &Pending) -> usize {
    key.len() + pending.value.as_ref().map_or(0, Vec::len) + ENTRY_OVERHEAD_BYTES
}

fn tail_cost(key: &[u8], value: &[u8]) -> usize {
    key.len() + value.len() + TAIL_OVERHEAD_BYTES
}

/// The tail where `key` belongs if it is the greatest; none if there are too many others.
fn tail_of<'a>(tails: &'a mut Vec<Tail>, key: &[u8]) -> Option<&'a mut Tail> {
    let prefix = key.get(..TAIL_PREFIX_BYTES)?;
    let of_index = |tail: &Tail| tail.last().is_none_or(|last| last.starts_with(prefix));
    let position = match tails.iter().position(of_index) {
        Some(position) => position,
        None if tails.len() < MAX_TAILS => {
            tails.push(Tail::default());
            tails.len() - 1
        }
        None => return None,
    };
    tails.get_mut(position)
}

/// A write of the tree as runs have it.
pub(crate) fn record<'a>(key: &'a [u8], pending: &'a Pending) -> Record<'a> {
    (key, pending.value.as_deref(), pending.existed)
}

fn own((key, value, existed): Record<'_>) -> spill::Entry {
    (key.to_vec(), Pending { value: value.map(<[u8]>::to_vec), existed })
}

impl WriteBuffer {
    /// Whether there are no writes.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && !self.has_tails() && self.runs.is_empty()
    }

    fn has_tails(&self) -> bool {
        self.tails.iter().any(|tail| !tail.is_empty())
    }

    /// Whether some of the writes are in runs.
    pub fn has_runs(&self) -> bool {
        !self.runs.is_empty()
    }

    /// Memory in use, roughly.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The write of `key`, if there is one.
    pub fn get(&self, key: &[u8]) -> Result<Option<Pending>> {
        if let Some(pending) = self.writes.get(key) {
            return Ok(Some(pending.clone()));
        }
        if let Some(value) = self.tails.iter().find_map(|tail| tail.get(key)) {
            return Ok(Some(Pending { value: Some(value.to_vec()), existed: false }));
        }
        for run in self.runs.iter().rev() {
            if let Some(pending) = run.get(key)? {
                return Ok(Some(pending));
            }
        }
        Ok(None)
    }

    /// Visits all writes in order: the keys and their new values.
    pub fn try_for_each(
        &self,
        mut visit: impl FnMut(&[u8], Option<&[u8]>) -> Result<()>,
    ) -> Result<()> {
        let mut writes = self.range(&Span::default(), Direction::Forward)?;
        writes.try_for_each(|write| {
            let (key, pending) = write?;
            visit(&key, pending.value.as_deref())
        })
    }

    /// Whether `key` may be written; false is certain, and true too where there are no runs.
    pub fn may_hold(&self, key: &[u8]) -> bool {
        self.writes.contains_key(key)
            || self.tails.iter().any(|tail| tail.get(key).is_some())
            || self.runs.iter().any(|run| run.may_hold(key))
    }

    /// The writes of the keys in `span`, which is not empty.
    pub fn range(&self, span: &Span, direction: Direction) -> Result<Writes<'_>> {
        let end = match span.end.as_slice() {
            [] => Bound::Unbounded,
            end => Bound::Excluded(end),
        };
        let tree = self.writes.range::<[u8], _>((Bound::Included(span.start.as_slice()), end));
        if self.runs.is_empty() && !self.has_tails() {
            let writes: Writes<'_> = match direction {
                Direction::Forward => Box::new(tree.map(lend)),
                Direction::Reverse => Box::new(tree.rev().map(lend)),
            };
            return Ok(writes);
        }
        let runs = self.runs.iter();
        let mut layers: Vec<Layer<'_>> =
            runs.map(|run| Box::new(run.cursor(span, direction)) as Layer<'_>).collect();
        let tails = self.tails.iter().filter(|tail| !tail.is_empty());
        layers.extend(tails.map(|tail| -> Layer<'_> {
            Box::new(tail.range(span, direction).map(|record| Ok(own(record))))
        }));
        let newest: Layer<'_> = match direction {
            Direction::Forward => Box::new(tree.map(copy)),
            Direction::Reverse => Box::new(tree.rev().map(copy)),
        };
        layers.push(newest);
        let merged = Merge::new(layers, direction)?;
        Ok(Box::new(merged.map(|entry| entry.map(give))))
    }

    /// Sets or deletes `key`. `existed` says whether the caller saw a live version.
    pub fn write(&mut self, key: Vec<u8>, value: Option<Vec<u8>>, existed: bool) {
        let old = self.writes.get(&key);
        let existed = old.map_or(existed, |old| old.existed);
        let pending = Pending { value, existed };
        self.bytes += cost(&key, &pending);
        self.bytes -= old.map_or(0, |old| cost(&key, old));
        if self.marks.is_empty() {
            self.writes.insert(key, pending);
        } else {
            let old = self.writes.insert(key.clone(), pending);
            self.undo.push((key, old));
        }
    }

    /// Adds `key`, which nobody else has. False, and nothing done, if this transaction has added
    /// it just before: of the runs, only the last is looked at.
    pub fn add(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<bool> {
        match self.writes.entry(key) {
            Entry::Occupied(entry) if entry.get().value.is_some() => return Ok(false),
            Entry::Occupied(mut entry) => {
                let pending = Pending { value: Some(value), existed: entry.get().existed };
                self.bytes += pending.value.as_ref().map_or(0, Vec::len);
                if self.marks.is_empty() {
                    entry.insert(pending);
                } else {
                    let key = entry.key().clone();
                    let old = entry.insert(pending);
                    self.undo.push((key, Some(old)));
                }
            }
            Entry::Vacant(entry) => {
                let key = entry.key();
                if self.tails.iter().any(|tail| tail.get(key).is_some()) {
                    return Ok(false);
                }
                for run in self.runs.iter().rev().take(MAX_TAILS + 1) {
                    if let Some(added) = run.get(key)? {
                        if added.value.is_some() {
                            return Ok(false);
                        }
                        break;
                    }
                }
                if let Some(tail) = tail_of(&mut self.tails, key)
                    && tail.append(key, &value)
                {
                    self.bytes += tail_cost(key, &value);
                    return Ok(true);
                }
                let pending = Pending { value: Some(value), existed: false };
                self.bytes += cost(entry.key(), &pending);
                if !self.marks.is_empty() {
                    self.undo.push((entry.key().clone(), None));
                }
                entry.insert(pending);
            }
        }
        Ok(true)
    }

    /// Moves what the tails hold into the tree.
    fn drain_tails(&mut self) {
        for tail in std::mem::take(&mut self.tails) {
            for (key, pending) in tail.iter().map(own) {
                self.bytes -= tail_cost(&key, pending.value.as_deref().unwrap_or_default());
                match self.writes.entry(key) {
                    // It was changed after it had been added.
                    Entry::Occupied(mut newer) => newer.get_mut().existed = false,
                    Entry::Vacant(entry) => {
                        self.bytes += cost(entry.key(), &pending);
                        if !self.marks.is_empty() {
                            self.undo.push((entry.key().clone(), None));
                        }
                        entry.insert(pending);
                    }
                }
            }
        }
    }

    fn drop_tails(&mut self) {
        for tail in std::mem::take(&mut self.tails) {
            let cost = |(key, value, _): Record<'_>| tail_cost(key, value.unwrap_or_default());
            let bytes = tail.iter().map(cost);
            self.bytes -= bytes.sum::<usize>();
        }
    }

    /// Opens a savepoint; the mark is for [`WriteBuffer::rollback_to`].
    pub fn savepoint(&mut self) -> Mark {
        self.drain_tails();
        let (undo, runs, depth) = (self.undo.len(), self.runs.len(), self.marks.len());
        let mark = Mark { undo, runs, depth };
        self.marks.push(mark);
        mark
    }

    /// Closes the innermost savepoint, keeping its changes.
    pub fn release(&mut self) {
        assert!(self.marks.pop().is_some(), "released without a savepoint");
        if self.marks.is_empty() {
            self.undo.clear();
        }
    }

    /// Takes back all changes since `mark`. The savepoint stays open.
    pub fn rollback_to(&mut self, mark: Mark) {
        self.drop_tails();
        while self.undo.len() > mark.undo {
            let Some((key, old)) = self.undo.pop() else { break };
            self.bytes -= self.writes.get(&key).map_or(0, |pending| cost(&key, pending));
            match old {
                Some(pending) => {
                    self.bytes += cost(&key, &pending);
                    self.writes.insert(key, pending);
                }
                None => drop(self.writes.remove(&key)),
            }
        }
        self.runs.truncate(mark.runs);
        // A statement that was canceled did not close its own.
        self.marks.truncate(mark.depth + 1);
        self.left_bytes = self.left_bytes.min(self.bytes);
    }

    /// Whether more than `limit_bytes` have come to memory since the last spill.
    pub fn is_full(&self, limit_bytes: usize) -> bool {
        self.bytes > self.left_bytes.saturating_add(limit_bytes)
    }

    /// Moves writes to a run: all, or with a savepoint open those of keys that were not in the tree
    /// when the innermost was opened. Blocks on the disk; after an error all are still there.
    pub fn spill(&mut self, area: &SpillArea) -> Result<()> {
        self.spill_tails(area)?;
        match self.marks.last() {
            None => self.spill_all(area)?,
            Some(mark) => self.spill_since(mark.undo, area)?,
        }
        self.left_bytes = self.bytes;
        Ok(())
    }

    fn spill_tails(&mut self, area: &SpillArea) -> Result<()> {
        for tail in self.tails.iter_mut().filter(|tail| !tail.is_empty()) {
            self.runs.push(area.write(tail.iter(), tail.len())?);
            let cost = |(key, value, _): Record<'_>| tail_cost(key, value.unwrap_or_default());
            self.bytes -= tail.iter().map(cost).sum::<usize>();
            tail.clear();
        }
        Ok(())
    }

    fn spill_all(&mut self, area: &SpillArea) -> Result<()> {
        if self.writes.is_empty() {
            return Ok(());
        }
        self.runs
            .push(area.write(self.writes.iter().map(|(k, p)| record(k, p)), self.writes.len())?);
        self.writes.clear();
        self.bytes = 0;
        Ok(())
    }

    fn spill_since(&mut self, mark: usize, area: &SpillArea) -> Result<()> {
        let since = self.undo.get(mark..).unwrap_or_default();
        // The first note of a key since the mark tells whether it was there: backwards, the last.
        let mut before: HashSet<&[u8]> = HashSet::new();
        for (key, old) in since.iter().rev() {
            match old {
                Some(_) => before.insert(key),
                None => before.remove(key.as_slice()),
            };
        }
        let keys = since.iter().map(|(key, _)| key);
        let mut new: Vec<&Vec<u8>> = keys.filter(|key| !before.contains(key.as_slice())).collect();
        new.sort_unstable();
        new.dedup();
        if new.is_empty() {
            return Ok(());
        }
        let writes = new.iter().filter_map(|key| self.writes.get_key_value(key.as_slice()));
        let run = area.write(writes.map(|(key, pending)| record(key, pending)), new.len())?;
        for key in &new {
            if let Some(pending) = self.writes.remove(key.as_slice()) {
                self.bytes -= cost(key, &pending);
            }
        }
        // What was there before the mark keeps its notes.
        let keeps = since.iter().map(|(key, _)| before.contains(key.as_slice()));
        let keeps: Vec<bool> = keeps.collect();
        let notes = self.undo.split_off(mark);
        let kept = notes.into_iter().zip(keeps).filter(|(_, keeps)| *keeps);
        self.undo.extend(kept.map(|(note, _)| note));
        self.runs.push(run);
        Ok(())
    }

    /// All writes as runs, the oldest first. Blocks on the disk.
    pub fn into_runs(mut self, area: &SpillArea) -> Result<Vec<Arc<Run>>> {
        self.spill_tails(area)?;
        self.spill_all(area)?;
        Ok(self.runs)
    }

    /// The batch that commits these writes, of which none are in runs; its timestamp is yet to
    /// come.
    pub fn into_batch(mut self) -> Batch {
        assert!(self.runs.is_empty(), "runs are no batch");
        if !self.writes.is_empty() {
            self.drain_tails();
        }
        self.tails.sort_unstable_by(|a, b| a.last().cmp(&b.last()));
        let added = self.tails.iter().flat_map(Tail::iter).map(own);
        let writes = added.chain(self.writes);
        let writes = writes
            // A key that this transaction both made and deleted was never there.
            .filter(|(_, pending)| pending.value.is_some() || pending.existed)
            .map(|(key, pending)| Write {
                at: Timestamp::MIN,
                key,
                value: pending.value,
                existed: pending.existed,
            });
        Batch { writes: writes.collect(), system: Vec::new() }
    }
}

/// A write as it is read: lent by the tree, or given by a run.
type Own<'a> = (Cow<'a, [u8]>, Cow<'a, Pending>);

fn lend<'a>((key, pending): (&'a Vec<u8>, &'a Pending)) -> Result<Own<'a>> {
    Ok((Cow::Borrowed(key.as_slice()), Cow::Borrowed(pending)))
}

fn give<'a>((key, pending): spill::Entry) -> Own<'a> {
    (Cow::Owned(key), Cow::Owned(pending))
}

fn copy((key, pending): (&Vec<u8>, &Pending)) -> Result<spill::Entry> {
    Ok((key.clone(), pending.clone()))
}
