//! Writes that came in the order of their keys.
//!
//! A load mostly adds rows in order. A tree would search its place for each of them and allocate
//! twice; here a row is appended to what came before, in the form that a run has on disk, and found
//! by bisection. A key that does not come behind the last one is not for a tail.

use std::ops::Range;

use cairn_storage::{Direction, Span};

use crate::spill::{Record, put_record, take_record};

/// New keys with their values, rising.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    records: Vec<u8>,
    /// Where each record begins.
    starts: Vec<usize>,
    /// The last key, within `records`.
    last: Range<usize>,
}

impl Tail {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// The greatest key, if there is one.
    pub fn last(&self) -> Option<&[u8]> {
        if self.is_empty() { None } else { self.records.get(self.last.clone()) }
    }

    /// Adds a key behind all others. False, and nothing done, if it does not belong there.
    pub fn append(&mut self, key: &[u8], value: &[u8]) -> bool {
        if self.last().is_some_and(|last| last >= key) {
            return false;
        }
        self.starts.push(self.records.len());
        put_record(&mut self.records, (key, Some(value), false));
        let end = self.records.len() - value.len();
        self.last = end - key.len()..end;
        true
    }

    fn at(&self, index: usize) -> Option<Record<'_>> {
        let start = self.starts.get(index)?;
        take_record(&mut self.records.get(*start..)?)
    }

    /// How many keys come before `key`.
    fn position(&self, key: &[u8]) -> usize {
        let before = |start: &usize| {
            let record = self.records.get(*start..).and_then(|mut rest| take_record(&mut rest));
            record.is_some_and(|(found, _, _)| found < key)
        };
        self.starts.partition_point(before)
    }

    /// The value of `key`, if it is in here.
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        if self.last()? < key {
            return None;
        }
        let (found, value, _) = self.at(self.position(key))?;
        if found == key { value } else { None }
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Record<'_>> {
        (0..self.len()).filter_map(|index| self.at(index))
    }

    /// Those whose keys are in `span`, in order of `direction`.
    pub fn range(
        &self,
        span: &Span,
        direction: Direction,
    ) -> Box<dyn Iterator<Item = Record<'_>> + '_> {
        let start = self.position(&span.start);
        let end = if span.end.is_empty() { self.len() } else { self.position(&span.end) };
        let records = (start..end.max(start)).filter_map(|index| self.at(index));
        match direction {
            Direction::Forward => Box::new(records),
            Direction::Reverse => Box::new(records.rev()),
        }
    }

    /// Forgets all, and keeps the memory for what comes.
    pub fn clear(&mut self) {
        self.records.clear();
        self.starts.clear();
        self.last = 0..0;
    }
}
