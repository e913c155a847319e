//! Changing rows: locks, constraints, index maintenance.
//!
//! A statement first collects what its source query yields, then changes row by row, so it
//! never sees its own changes. Before a row is changed it is locked; if READ COMMITTED then
//! finds a version newer than the statement's snapshot, the statement ends with
//! [`Error::Restart`]: the caller takes its writes back, keeps the locks and runs it again on a
//! new snapshot. As the locks stay, each run gets further than the one before.
//!
//! What a change leaves to check is in [`Writer::events`]. Whoever made the changes sees to it that
//! they are looked at.

use std::ops::ControlFlow;
use std::sync::Arc;

use cairn_txn::storage::{Direction, Span};
use cairn_txn::{Conflict, Isolation, LockMode, LockOutcome, ReadView, Transaction, WaitPolicy};

use super::describe::duplicate;
use super::event::{Event, Refers, Twice, Vacated};
use super::reference::Wanted;
use super::rules::Rules;
use super::{Env, Frame, Row};
use crate::catalog::index::Entry;
use crate::catalog::sequences::Sequences;
use crate::catalog::{Index, Table};
use crate::codec;
use crate::error::{Error, Result};
use crate::row::expr::RowExpr;
use crate::types::Datum;
use crate::types::io::Style;

/// How an inserted column gets its value, compiled.
#[derive(Debug)]
pub enum InsertColumn {
    /// From the source row.
    Input(usize),
    /// Computed.
    Default(RowExpr),
    /// The next row number.
    RowNumber,
}

/// At SERIALIZABLE a new key of a unique index must not depend on what the snapshot does not show:
/// that somebody has deleted its row since. Entries go under the lock of their row, so the lock of
/// the key does not tell.
pub(super) fn check_entry(transaction: &Transaction, entry: &[u8]) -> Result<()> {
    if transaction.isolation() == Isolation::Serializable && transaction.is_behind(entry)? {
        return Err(cairn_txn::Error::Serialization(Conflict::ConcurrentDelete).into());
    }
    Ok(())
}

/// Writes rows of one table.
pub struct Writer<'a> {
    /// The table.
    pub table: &'a Arc<Table>,
    /// What its rows have to satisfy.
    pub rules: &'a Rules,
    /// Where that is evaluated.
    pub env: &'a Env,
    /// For messages about rows.
    pub style: &'a Style,
    /// Whether the table is locked against everyone else, so that rows need no locks.
    pub exclusive: bool,
    /// The columns that an update changes; `None`: all of them.
    pub changed: Option<&'a [usize]>,
    /// What is to be looked at when the statement has ended.
    pub events: Vec<Event>,
}

impl<'a> Writer<'a> {
    /// A writer of rows that are new as a whole.
    pub fn new(
        table: &'a Arc<Table>,
        rules: &'a Rules,
        env: &'a Env,
        style: &'a Style,
        exclusive: bool,
    ) -> Writer<'a> {
        Writer { table, rules, env, style, exclusive, changed: None, events: Vec::new() }
    }

    /// The row that an INSERT makes of a source row.
    pub fn make_row(
        &self,
        columns: &[InsertColumn],
        mut source: Row,
        env: &Env,
        sequences: &Sequences,
    ) -> Result<Row> {
        let is_input = |(at, column): (usize, &InsertColumn)| matches!(column, InsertColumn::Input(index) if *index == at);
        if columns.len() == source.len() && columns.iter().enumerate().all(is_input) {
            return Ok(source);
        }
        let frame = Frame::new(env);
        let values = columns.iter().map(|column| match column {
            InsertColumn::Input(index) => {
                Ok(source.get_mut(*index).map_or(Datum::Null, std::mem::take))
            }
            InsertColumn::Default(expr) => expr.eval(&[], &frame),
            InsertColumn::RowNumber => sequences.next_row_number(self.table.id).map(Datum::Int64),
        });
        values.collect()
    }

    /// The same for columns that are computed from the source row.
    pub fn compute_row(
        &self,
        columns: &[InsertColumn],
        source: &[Datum],
        env: &Env,
        sequences: &Sequences,
    ) -> Result<Row> {
        let frame = Frame::new(env);
        let values = columns.iter().map(|column| match column {
            InsertColumn::Input(index) => Ok(source.get(*index).cloned().unwrap_or(Datum::Null)),
            InsertColumn::Default(expr) => expr.eval(source, &frame),
            InsertColumn::RowNumber => sequences.next_row_number(self.table.id).map(Datum::Int64),
        });
        values.collect()
    }

    /// Computes generated columns, and refuses a row that violates a constraint by itself.
    pub fn complete(&self, row: &mut [Datum]) -> Result<()> {
        self.rules.complete(self.table, row, self.changed, self.env, self.style)
    }

    /// Adds a row.
    pub async fn insert(&mut self, transaction: &mut Transaction, row: &mut [Datum]) -> Result<()> {
        self.complete(row)?;
        self.add(transaction, row).await
    }

    /// Adds a row that is complete.
    pub(super) async fn add(&mut self, transaction: &mut Transaction, row: &[Datum]) -> Result<()> {
        let key = self.add_unnoted(transaction, row).await?;
        self.note_added(row, &key)
    }

    async fn add_unnoted(
        &mut self,
        transaction: &mut Transaction,
        row: &[Datum],
    ) -> Result<Vec<u8>> {
        let key = self.table.row_key(row);
        if self.table.has_primary_key() {
            if !self.exclusive {
                transaction.lock_unique(&key).await?;
            }
            if transaction.get_latest(&key)?.is_some() {
                return Err(duplicate(self.table, &self.table.primary, row, self.style)?);
            }
        }
        self.put_new(transaction, row, &key).await?;
        Ok(key)
    }

    /// Adds a row whose primary key is known to be new, and is locked.
    pub(super) async fn insert_new_key(
        &mut self,
        transaction: &mut Transaction,
        row: &[Datum],
        key: &[u8],
    ) -> Result<()> {
        self.put_new(transaction, row, key).await?;
        self.note_added(row, key)
    }

    async fn put_new(
        &mut self,
        transaction: &mut Transaction,
        row: &[Datum],
        key: &[u8],
    ) -> Result<()> {
        let table = self.table;
        for index in &table.indexes {
            self.add_entry(transaction, index, row, key).await?;
        }
        Ok(transaction.put(key.to_vec(), codec::encode_row(row), false)?)
    }

    async fn add_entry(
        &mut self,
        transaction: &mut Transaction,
        index: &Index,
        row: &[Datum],
        key: &[u8],
    ) -> Result<()> {
        let Some(entry) = self.table.entry(index, row, key)? else { return Ok(()) };
        self.put_entry(transaction, index, row, key, entry).await
    }

    async fn put_entry(
        &mut self,
        transaction: &mut Transaction,
        index: &Index,
        row: &[Datum],
        key: &[u8],
        entry: Entry,
    ) -> Result<()> {
        if entry.is_unique {
            if !self.claim_entry(transaction, index, &entry.key).await? {
                return Err(duplicate(self.table, index, row, self.style)?);
            }
        } else if index.deferral.is_some()
            && (index.nulls_not_distinct || !self.table.has_null(index, row))
        {
            let columns = self.table.index_key(index, row);
            // Whoever has added this key before, or may be about to, is waited for when it is looked at.
            let is_new = self.exclusive
                || transaction.lock_name(&columns, LockMode::ForUpdate, WaitPolicy::Skip).await?;
            if !is_new || !is_free(transaction, index, &columns, key)? {
                let (table, index) = (self.table.clone(), index.name.clone());
                self.events.push(Event::Twice(Twice { table, index, row_key: key.to_vec() }));
            }
        }
        Ok(transaction.put(entry.key, self.table.entry_value(index, row, key), false)?)
    }

    /// Locks a key of a unique index; whether it is new.
    pub(super) async fn claim_entry(
        &self,
        transaction: &mut Transaction,
        index: &Index,
        entry: &[u8],
    ) -> Result<bool> {
        if !self.exclusive {
            transaction.lock_unique(entry).await?;
        }
        if let Some(value) = transaction.get_latest(entry)? {
            // Whoever is about to delete that row, or to give it another key, decides.
            let (row_key, _) = index.split_value(&value)?;
            if !transaction.await_free(row_key, LockMode::ForKeyShare).await?
                || transaction.get_latest(entry)?.is_some()
            {
                return Ok(false);
            }
        }
        check_entry(transaction, entry)?;
        Ok(true)
    }

    /// Locks a row that was read, by its key, and finds out whether it is still as it was read.
    pub async fn lock(
        &self,
        transaction: &mut Transaction,
        key: &[u8],
        mode: LockMode,
        policy: WaitPolicy,
    ) -> Result<bool> {
        // Also where the table is locked: the lock is what tells an older snapshot of the change.
        match transaction.lock_row(key, mode, policy).await? {
            LockOutcome::Unchanged => Ok(true),
            LockOutcome::Changed => Err(Error::Restart),
            LockOutcome::Skipped => Ok(false),
        }
    }

    /// Removes a row that is locked.
    pub fn delete(&mut self, transaction: &mut Transaction, row: &[Datum]) -> Result<()> {
        self.remove(transaction, row)?;
        for reference in &self.rules.referrers {
            if let Some(key) = reference.referred_key(row) {
                let values = reference.referred_values(row);
                let reference = reference.clone();
                self.events.push(Event::Vacated(Vacated { reference, key, values, new: None }));
            }
        }
        Ok(())
    }

    fn remove(&self, transaction: &mut Transaction, row: &[Datum]) -> Result<()> {
        let key = self.table.row_key(row);
        for index in &self.table.indexes {
            if let Some(entry) = self.table.entry(index, row, &key)? {
                transaction.delete(entry.key)?;
            }
        }
        Ok(transaction.delete(key)?)
    }

    /// Replaces a row that is locked. Entries of indexes that do not depend on what changed stay; where
    /// only included columns did, the entry gets a new value under its old key.
    pub async fn update(
        &mut self,
        transaction: &mut Transaction,
        old: &[Datum],
        new: &mut [Datum],
    ) -> Result<()> {
        self.complete(new)?;
        let (old_key, new_key) = (self.table.row_key(old), self.table.row_key(new));
        if old_key != new_key {
            // A row under another key is another row to storage. For others it was updated, though.
            transaction.lock_name(&old_key, LockMode::ForNoKeyUpdate, WaitPolicy::Block).await?;
            self.remove(transaction, old)?;
            self.add_unnoted(transaction, new).await?;
            return self.note_changed(old, new, &new_key, true);
        }
        let (table, rules) = (self.table, self.rules);
        let changed = self.changed.map(|positions| rules.changed_with(positions));
        for index in &table.indexes {
            if changed.as_ref().is_some_and(|changed| !depends(table, index, changed)) {
                continue;
            }
            let before = table.entry(index, old, &old_key)?;
            let after = table.entry(index, new, &new_key)?;
            if before != after {
                if let Some(before) = before {
                    transaction.delete(before.key)?;
                }
                if let Some(after) = after {
                    self.put_entry(transaction, index, new, &new_key, after).await?;
                }
            } else if let Some(after) = after.filter(|_| !index.include.is_empty()) {
                // As bytes: values that are equal may still look different.
                let value = table.entry_value(index, new, &new_key);
                if value != table.entry_value(index, old, &old_key) {
                    transaction.put(after.key, value, true)?;
                }
            }
        }
        transaction.put(new_key.clone(), codec::encode_row(new), true)?;
        self.note_changed(old, new, &new_key, false)
    }

    /// Replaces a row that is locked by one with the same values in all indexes and foreign keys.
    pub fn replace(
        &self,
        transaction: &mut Transaction,
        key: Vec<u8>,
        new: &mut [Datum],
    ) -> Result<()> {
        self.complete(new)?;
        Ok(transaction.put(key, codec::encode_row(new), true)?)
    }

    /// Notes what a new row refers to.
    pub(super) fn note_added(&mut self, row: &[Datum], key: &[u8]) -> Result<()> {
        for reference in &self.rules.references {
            match reference.wanted(row)? {
                Wanted::Nothing => {}
                wanted => {
                    let (reference, row_key) = (reference.clone(), key.to_vec());
                    self.events.push(Event::Refers(Refers { reference, row_key, wanted }));
                }
            }
        }
        Ok(())
    }

    /// Notes what a row referred to, and was referred to by, if that has changed. Checks that wait
    /// look for a row by its key, so one that is `moved` is noted again.
    fn note_changed(
        &mut self,
        old: &[Datum],
        new: &[Datum],
        key: &[u8],
        moved: bool,
    ) -> Result<()> {
        for reference in &self.rules.referrers {
            if reference.is_referred_changed(old, new)
                && let Some(key) = reference.referred_key(old)
            {
                let (values, new) =
                    (reference.referred_values(old), reference.referred_values(new));
                let (reference, new) = (reference.clone(), Some(new));
                self.events.push(Event::Vacated(Vacated { reference, key, values, new }));
            }
        }
        for reference in &self.rules.references {
            let wanted = reference.wanted(new)?;
            let again = moved && reference.key.deferral.is_some();
            if wanted != Wanted::Nothing && (again || wanted != reference.wanted(old)?) {
                let (reference, row_key) = (reference.clone(), key.to_vec());
                self.events.push(Event::Refers(Refers { reference, row_key, wanted }));
            }
        }
        Ok(())
    }

    /// Whether some index depends on one of these columns, or some foreign key.
    pub fn is_indexed(&self, positions: &[usize]) -> bool {
        let positions = self.rules.changed_with(positions);
        self.table.primary.columns.iter().any(|column| positions.contains(column))
            || self.table.indexes.iter().any(|index| depends(self.table, index, &positions))
            || self.rules.references.iter().any(|reference| reference.has_column(&positions))
    }

    /// The lock that a change of the columns at these positions needs: one of key columns excludes
    /// everyone. Included columns are in no key.
    pub fn update_mode(&self, positions: &[usize]) -> LockMode {
        let positions = self.rules.changed_with(positions);
        let mut keys = referable(self.table).flat_map(|index| &index.columns);
        match keys.any(|column| positions.contains(column)) {
            true => LockMode::ForUpdate,
            false => LockMode::ForNoKeyUpdate,
        }
    }
}

/// Whether a row's entry, or whether it has one, depends on one of these columns.
fn depends(table: &Table, index: &Index, positions: &[usize]) -> bool {
    let mut columns = index.columns.iter().chain(&index.include);
    columns.any(|column| positions.contains(column))
        || index.is_computed()
            && table
                .programs
                .of(index)
                .is_none_or(|program| program.uses.iter().any(|column| positions.contains(column)))
}

/// The indexes whose keys a foreign key may refer to.
fn referable(table: &Table) -> impl Iterator<Item = &Index> {
    table.all_indexes().filter(|index| index.claims_unique() && !index.is_computed())
}

/// The lock that a change of one row needs: one that gives key columns the values that they have
/// excludes nobody who does not change the row.
pub struct RowLocks {
    /// Columns of unique keys that are set.
    keys: Vec<usize>,
    /// Whether those values are all that decides.
    by_values: bool,
}

impl Writer<'_> {
    /// The locks that changes of the columns at these positions need.
    pub fn row_locks(&self, positions: &[usize]) -> RowLocks {
        let changed = self.rules.changed_with(positions);
        let keys = referable(self.table).flat_map(|index| index.columns.iter().copied());
        let keys: Vec<usize> = keys.filter(|column| changed.contains(column)).collect();
        RowLocks { by_values: keys.iter().all(|column| positions.contains(column)), keys }
    }
}

impl RowLocks {
    /// The lock of a row, with its new value of a column.
    pub fn mode<'d>(&self, old: &[Datum], new: impl Fn(usize) -> Option<&'d Datum>) -> LockMode {
        match self.by_values && self.keys.iter().all(|key| old.get(*key) == new(*key)) {
            true => LockMode::ForNoKeyUpdate,
            false => LockMode::ForUpdate,
        }
    }
}

/// Whether no other row has a key in an index whose entries go by more than that.
pub fn is_free(
    transaction: &Transaction,
    index: &Index,
    columns: &[u8],
    row_key: &[u8],
) -> Result<bool> {
    let shown_by = |view: ReadView| other_rows(&view, index, columns, row_key);
    if !shown_by(transaction.latest())?.is_empty() {
        return Ok(false);
    }
    // As in `check_entry`.
    match transaction.isolation() == Isolation::Serializable
        && !shown_by(transaction.untold_view())?.is_empty()
    {
        true => Err(cairn_txn::Error::Serialization(Conflict::ConcurrentDelete).into()),
        false => Ok(true),
    }
}

/// The keys of the rows that have a key in an index whose entries go by more than that, but for one
/// row.
pub fn other_rows(
    view: &ReadView,
    index: &Index,
    columns: &[u8],
    row_key: &[u8],
) -> Result<Vec<Vec<u8>>> {
    let (mut others, mut failed) = (Vec::new(), None);
    view.scan(&Span::prefix(columns), Direction::Forward, &mut |_, value| match index
        .split_value(value)
    {
        Ok((key, _)) if key == row_key => ControlFlow::Continue(()),
        Ok((key, _)) => {
            others.push(key.to_vec());
            ControlFlow::Continue(())
        }
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    })?;
    failed.map_or(Ok(others), Err)
}
