//! An immutable view: a snapshot with one transaction's own writes laid over it.
//!
//! Cheap to make and free of lifetimes, so that parallel scans on other threads can hold
//! one. The writes are shared with the transaction and copied only if it writes while a view
//! is still alive.

use std::ops::ControlFlow;
use std::sync::Arc;

use cairn_storage::engine::Visit;
use cairn_storage::{Direction, Span, Store, Timestamp};

use crate::Result;
use crate::buffer::WriteBuffer;
use crate::ssi::{Conflicts, Party};
use crate::timestamps::Snapshot;

/// Notes what a serializable transaction reads. A read is noted once it is done, as far as it went:
/// what it shows does not change, and whoever commits in between leaves marks that it finds then.
#[derive(Clone)]
pub(crate) struct Tracker {
    pub party: Arc<Party>,
    pub conflicts: Arc<Conflicts>,
    /// Note the whole of a scan before it starts.
    pub ahead: bool,
}

/// What a statement reads from.
#[derive(Clone)]
pub struct ReadView {
    store: Arc<Store>,
    at: Timestamp,
    /// Keeps the versions it reads from being collected.
    _snapshot: Option<Arc<Snapshot>>,
    own: Arc<WriteBuffer>,
    /// At SERIALIZABLE.
    tracker: Option<Tracker>,
}

impl ReadView {
    /// A view of `store` at `at` under `own`.
    pub fn new(
        store: Arc<Store>,
        at: Timestamp,
        snapshot: Option<Arc<Snapshot>>,
        own: Arc<WriteBuffer>,
    ) -> ReadView {
        debug_assert!(snapshot.as_ref().is_none_or(|snapshot| snapshot.at() == at));
        ReadView { store, at, _snapshot: snapshot, own, tracker: None }
    }

    pub(crate) fn tracked(self, tracker: Option<Tracker>) -> ReadView {
        ReadView { tracker, ..self }
    }

    /// A view for scans whose rows get about before they have ended: at SERIALIZABLE, others know
    /// of such a scan from its start.
    pub fn ahead(mut self) -> ReadView {
        if let Some(tracker) = &mut self.tracker {
            tracker.ahead = true;
        }
        self
    }

    /// The same without the transaction's own writes, which it can then change without a copy.
    pub fn without_own_writes(self) -> ReadView {
        ReadView { own: Arc::default(), ..self }
    }

    /// The snapshot's timestamp.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The value of `key`.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self.own.writes().get(key) {
            Some(pending) => Ok(pending.value.clone()),
            None => {
                let value = self.store.get(key, self.at)?;
                if let Some(tracker) = &self.tracker {
                    tracker.conflicts.read_key(&tracker.party, key)?;
                }
                Ok(value)
            }
        }
    }

    /// The values of `keys`, in the order asked.
    pub fn multi_get(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        let mut values = self.store.multi_get(keys, self.at)?;
        if let Some(tracker) = &self.tracker {
            for key in keys {
                tracker.conflicts.read_key(&tracker.party, key)?;
            }
        }
        if !self.own.writes().is_empty() {
            for (key, value) in keys.iter().zip(&mut values) {
                if let Some(pending) = self.own.writes().get(key) {
                    *value = pending.value.clone();
                }
            }
        }
        Ok(values)
    }

    /// Visits the live keys of `span` in order until the visitor breaks.
    pub fn scan(&self, span: &Span, direction: Direction, visit: &mut Visit<'_>) -> Result<()> {
        if span.is_empty() {
            return Ok(());
        }
        let Some(tracker) = &self.tracker else {
            return self.scan_untracked(span, direction, visit);
        };
        if tracker.ahead {
            tracker.conflicts.read_span(&tracker.party, span)?;
            return self.scan_untracked(span, direction, visit);
        }
        let mut read = span.clone();
        self.scan_untracked(span, direction, &mut |key, value| {
            let flow = visit(key, value);
            if flow.is_break() {
                match direction {
                    Direction::Forward => read.end = Span::point(key).end,
                    Direction::Reverse => read.start = key.to_vec(),
                }
            }
            flow
        })?;
        tracker.conflicts.read_span(&tracker.party, &read)
    }

    fn scan_untracked(
        &self,
        span: &Span,
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        if self.own.writes().is_empty() {
            return Ok(self.store.scan(span, self.at, direction, visit)?);
        }
        let end = match span.end.as_slice() {
            [] => std::ops::Bound::Unbounded,
            end => std::ops::Bound::Excluded(end),
        };
        let start = std::ops::Bound::Included(span.start.as_slice());
        let own = self.own.writes().range::<[u8], _>((start, end));
        match direction {
            Direction::Forward => self.merge(span, direction, own, visit),
            Direction::Reverse => self.merge(span, direction, own.rev(), visit),
        }
    }

    fn merge<'a>(
        &self,
        span: &Span,
        direction: Direction,
        own: impl Iterator<Item = (&'a Vec<u8>, &'a crate::buffer::Pending)>,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        let mut own = own.peekable();
        let mut flow = ControlFlow::Continue(());
        let comes_first = |a: &[u8], b: &[u8]| match direction {
            Direction::Forward => a < b,
            Direction::Reverse => a > b,
        };
        self.store.scan(span, self.at, direction, &mut |key, value| {
            while let Some((own_key, pending)) = own.next_if(|(own, _)| comes_first(own, key)) {
                if let Some(value) = &pending.value {
                    flow = visit(own_key, value);
                    flow?;
                }
            }
            flow = match own.next_if(|(own, _)| own.as_slice() == key) {
                Some((_, pending)) => match &pending.value {
                    Some(value) => visit(key, value),
                    None => ControlFlow::Continue(()),
                },
                None => visit(key, value),
            };
            flow
        })?;
        for (key, pending) in own {
            if flow.is_break() {
                break;
            }
            if let Some(value) = &pending.value {
                flow = visit(key, value);
            }
        }
        Ok(())
    }

    /// `span` cut at range boundaries: the units of a parallel scan.
    pub fn cut(&self, span: &Span) -> Vec<Span> {
        self.store.cut(span)
    }

    /// Estimated bytes and keys of the ranges that `span` touches.
    pub fn estimate(&self, span: &Span) -> (u64, u64) {
        self.store.estimate(span)
    }
}
