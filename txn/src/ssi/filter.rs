//! Filters: which of the rows in a range a read has used.
//!
//! A read with a condition leaves the condition beside its range. A write of a row that the condition
//! rejects, both as the row was and as it is then, changes nothing for the reader and draws no edge;
//! `README.md` beside the crate has the argument. To this layer a condition is a [`RowFilter`]: it
//! knows no SQL.
//!
//! A filter outlives its statement, and even its transaction, so it holds all that it needs. That
//! memory is counted; where filters take too much, reads are noted without. Testing rows takes time, too, some of
//! it while other commits wait: what is not tested for that may match.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cairn_storage::{Store, Timestamp, Write};

use super::{Rule, Rules};

/// A condition on rows, or on entries of an index.
///
/// It is a function of key and value alone, and quick. What a read tells of a row that this rejects
/// must not depend on more than that the row is rejected: neither on its content, nor on whether it is
/// there.
pub trait RowFilter: Any + fmt::Debug + Send + Sync {
    /// Whether the read used, or would have used, a row of this key and value. True if that cannot be
    /// told.
    fn may_match(&self, key: &[u8], value: &[u8]) -> bool;

    /// Whether `other` always gives the same answer, as far as that is quickly seen.
    fn is_same(&self, other: &dyn RowFilter) -> bool;

    /// Memory that it takes beside its own size.
    fn heap_bytes(&self) -> usize;
}

/// Bookkeeping of a filter.
const OVERHEAD_BYTES: usize = 48;

/// A filter as it is kept beside what was read.
#[derive(Clone)]
pub struct Filter(Arc<Counted<dyn RowFilter>>);

struct Counted<F: ?Sized> {
    bytes: usize,
    in_use_bytes: Arc<AtomicUsize>,
    rows: F,
}

impl<F: ?Sized> Drop for Counted<F> {
    fn drop(&mut self) {
        self.in_use_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Filter {
    fn may_match(&self, key: &[u8], value: &[u8]) -> bool {
        self.0.rows.may_match(key, value)
    }

    /// Whether both are known to give the same answers.
    pub(super) fn is_same(&self, other: &Filter) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.rows.is_same(&other.0.rows)
    }
}

/// Counts the memory of all filters in use.
pub(super) struct Filters {
    in_use_bytes: Arc<AtomicUsize>,
    limit_bytes: usize,
}

impl Filters {
    pub fn new(limit_bytes: usize) -> Filters {
        Filters { in_use_bytes: Arc::default(), limit_bytes }
    }

    /// `None` if there is no room for it.
    pub fn keep<F: RowFilter>(&self, rows: F) -> Option<Filter> {
        let bytes = size_of::<F>() + rows.heap_bytes() + OVERHEAD_BYTES;
        let before = self.in_use_bytes.fetch_add(bytes, Ordering::Relaxed);
        // Counted from here on, and no more once it is dropped.
        let counted = Counted { bytes, in_use_bytes: self.in_use_bytes.clone(), rows };
        (before.saturating_add(bytes) <= self.limit_bytes).then(|| Filter(Arc::new(counted)))
    }

    pub fn in_use_bytes(&self) -> usize {
        self.in_use_bytes.load(Ordering::Relaxed)
    }
}

/// A write of one key.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The new value, `None` for a deletion.
    pub new: Option<&'a [u8]>,
}

impl<'a> Change<'a> {
    pub(super) fn of(write: &'a Write) -> Change<'a> {
        Change { key: &write.key, new: write.value.as_deref() }
    }
}

/// Holds filters against both sides of writes, so many times.
pub(super) struct Tests<'a> {
    store: &'a Store,
    rules: Rules,
    left: usize,
    /// The answer when no more are left, or a row cannot be read.
    in_doubt: bool,
}

impl Tests<'_> {
    pub fn new(store: &Store, rules: Rules, left: usize, in_doubt: bool) -> Tests<'_> {
        Tests { store, rules, left, in_doubt }
    }

    /// Whether who has read with `filter` may notice `change`, of what is there at `before`.
    pub fn concerns(&mut self, filter: &Filter, change: Change<'_>, before: Timestamp) -> bool {
        self.counted(|tests| {
            let (has_new, has_old) = tests.sides();
            has_new && change.new.is_some_and(|new| filter.may_match(change.key, new))
                || has_old && tests.admits_at(filter, change.key, before)
        })
    }

    /// The same of the commit of `key` at `at`, which the store has.
    pub fn concerned(&mut self, filter: &Filter, key: &[u8], at: Timestamp) -> bool {
        let before = Timestamp(at.0.saturating_sub(1));
        self.counted(|tests| {
            let (has_new, has_old) = tests.sides();
            has_new && tests.admits_at(filter, key, at)
                || has_old && tests.admits_at(filter, key, before)
        })
    }

    fn sides(&self) -> (bool, bool) {
        (self.rules.has(Rule::NewRows), self.rules.has(Rule::OldRows))
    }

    fn counted(&mut self, test: impl FnOnce(&Self) -> bool) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return self.in_doubt };
        self.left = left;
        test(self)
    }

    fn admits_at(&self, filter: &Filter, key: &[u8], at: Timestamp) -> bool {
        match self.store.get(key, at) {
            Ok(value) => value.is_some_and(|value| filter.may_match(key, &value)),
            Err(_) => self.in_doubt,
        }
    }
}
