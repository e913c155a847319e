//! An immutable view: a snapshot with one transaction's own writes laid over it.
//!
//! Cheap to make and free of lifetimes, so that parallel scans on other threads can hold
//! one. The writes are shared with the transaction and copied only if it writes while a view
//! is still alive; those in runs are never copied.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;

use cairn_storage::engine::Visit;
use cairn_storage::{Direction, Span, Store, Timestamp};

use crate::Result;
use crate::buffer::{Pending, WriteBuffer, Writes};
use crate::ssi::{Change, Conflicts, Filter, Party, RowFilter, Rule};
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
            tracker.ahead = tracker.conflicts.rules().has(Rule::AheadOfRows);
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

    /// The filter of reads that are about to be made. `None`, and nothing is made, where nobody needs
    /// to know what this view reads, which is so but at SERIALIZABLE.
    pub fn filter<F: RowFilter>(&self, make: impl FnOnce() -> Option<F>) -> Option<Filter> {
        let tracker = self.tracker.as_ref()?;
        tracker.conflicts.keep_filter(make()?)
    }

    /// The value of `key`.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.get_where(key, None)
    }

    /// As [`ReadView::get`], for a caller that forgets a value which `filter` rejects: to it that is as
    /// if there were none.
    pub fn get_where(&self, key: &[u8], filter: Option<&Filter>) -> Result<Option<Vec<u8>>> {
        match self.own.get(key)? {
            Some(pending) => Ok(pending.value),
            None => {
                let value = self.store.get(key, self.at)?;
                if let Some(tracker) = &self.tracker {
                    tracker.conflicts.read_key(&tracker.party, key, filter)?;
                    self.check_own(tracker)?;
                }
                Ok(value)
            }
        }
    }

    /// The values of `keys`, in the order asked.
    pub fn multi_get(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        self.multi_get_where(keys, None)
    }

    /// As [`ReadView::multi_get`] and [`ReadView::get_where`].
    pub fn multi_get_where(
        &self,
        keys: &[Vec<u8>],
        filter: Option<&Filter>,
    ) -> Result<Vec<Option<Vec<u8>>>> {
        let mut values = self.store.multi_get(keys, self.at)?;
        if let Some(tracker) = &self.tracker {
            for key in keys {
                tracker.conflicts.read_key(&tracker.party, key, filter)?;
            }
            self.check_own(tracker)?;
        }
        if !self.own.is_empty() {
            for (key, value) in keys.iter().zip(&mut values) {
                if let Some(pending) = self.own.get(key)? {
                    *value = pending.value;
                }
            }
        }
        Ok(values)
    }

    /// Visits the live keys of `span` in order until the visitor breaks.
    pub fn scan(&self, span: &Span, direction: Direction, visit: &mut Visit<'_>) -> Result<()> {
        self.scan_where(span, direction, None, visit)
    }

    /// As [`ReadView::scan`], for a visitor that goes on at what `filter` rejects as if it had not been
    /// there.
    pub fn scan_where(
        &self,
        span: &Span,
        direction: Direction,
        filter: Option<&Filter>,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        if span.is_empty() {
            return Ok(());
        }
        let Some(tracker) = &self.tracker else {
            return self.scan_untracked(span, direction, visit);
        };
        if tracker.ahead {
            tracker.conflicts.read_span(&tracker.party, span, filter)?;
            self.check_own(tracker)?;
            return self.scan_untracked(span, direction, visit);
        }
        let mut read = span.clone();
        self.scan_untracked(span, direction, &mut |key, value| {
            let flow = visit(key, value);
            if flow.is_break() && tracker.conflicts.rules().has(Rule::ScanEnds) {
                match direction {
                    Direction::Forward => read.end = Span::point(key).end,
                    Direction::Reverse => read.start = key.to_vec(),
                }
            }
            flow
        })?;
        tracker.conflicts.read_span(&tracker.party, &read, filter)?;
        self.check_own(tracker)
    }

    /// What was read may have made what was written before a reason to fail.
    fn check_own(&self, tracker: &Tracker) -> Result<()> {
        tracker.conflicts.check_writes(&tracker.party, |visit| {
            self.own.try_for_each(|key, new| visit(Change { key, new }))
        })
    }

    fn scan_untracked(
        &self,
        span: &Span,
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        if self.own.is_empty() {
            return Ok(self.store.scan(span, self.at, direction, visit)?);
        }
        let mut overlay = Overlay::new(self.own.range(span, direction)?, direction)?;
        let mut flow = Ok(ControlFlow::Continue(()));
        self.store.scan(span, self.at, direction, &mut |key, value| {
            flow = overlay.row(key, value, visit);
            match flow {
                Ok(flow) => flow,
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        match flow? {
            ControlFlow::Continue(()) => overlay.rest(visit),
            ControlFlow::Break(()) => Ok(()),
        }
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

/// A transaction's own writes of a span, on their way over the rows of a snapshot.
struct Overlay<'a> {
    writes: Writes<'a>,
    next: Option<(Cow<'a, [u8]>, Cow<'a, Pending>)>,
    direction: Direction,
}

impl<'a> Overlay<'a> {
    fn new(mut writes: Writes<'a>, direction: Direction) -> Result<Overlay<'a>> {
        let next = writes.next().transpose()?;
        Ok(Overlay { writes, next, direction })
    }

    /// Visits what comes before the snapshot's next row, and that row as the writes leave it.
    fn row(&mut self, key: &[u8], value: &[u8], visit: &mut Visit<'_>) -> Result<ControlFlow<()>> {
        loop {
            let order = self.next.as_ref().map(|(own, _)| match self.direction {
                Direction::Forward => own.as_ref().cmp(key),
                Direction::Reverse => key.cmp(own.as_ref()),
            });
            if order.is_none_or(Ordering::is_gt) {
                return Ok(visit(key, value));
            }
            let flow = self.own(visit)?;
            if flow.is_break() || order.is_some_and(Ordering::is_eq) {
                return Ok(flow);
            }
        }
    }

    /// Visits the next write, unless it is a deletion.
    fn own(&mut self, visit: &mut Visit<'_>) -> Result<ControlFlow<()>> {
        let following = self.writes.next().transpose()?;
        let own = std::mem::replace(&mut self.next, following);
        Ok(match own.as_ref().and_then(|(key, own)| Some((key, own.value.as_ref()?))) {
            Some((key, value)) => visit(key, value),
            None => ControlFlow::Continue(()),
        })
    }

    /// Visits what is left behind the last row of the snapshot.
    fn rest(&mut self, visit: &mut Visit<'_>) -> Result<()> {
        while self.next.is_some() {
            if self.own(visit)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}
