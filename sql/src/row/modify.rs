//! Changing rows: locks, constraints, index maintenance.
//!
//! A statement first collects what its source query yields, then changes row by row, so it
//! never sees its own changes. Before a row is changed it is locked; if READ COMMITTED then
//! finds a version newer than the statement's snapshot, the statement ends with
//! [`Error::Restart`]: the caller takes its writes back, keeps the locks and runs it again on a
//! new snapshot. As the locks stay, each run gets further than the one before.

use cairn_txn::{Conflict, Isolation, LockMode, LockOutcome, Transaction, WaitPolicy};

use super::{Env, Frame, Row};
use crate::binder::dml::Operation;
use crate::catalog::sequences::Sequences;
use crate::catalog::{Index, Table};
use crate::codec;
use crate::error::{Error, Result, SqlState};
use crate::row::expr::RowExpr;
use crate::types::Datum;
use crate::types::io::{self, Style};

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
    pub table: &'a Table,
    /// For messages about rows.
    pub style: &'a Style,
    /// Whether the table is locked against everyone else, so that rows need no locks.
    pub exclusive: bool,
}

impl Writer<'_> {
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

    /// Refuses a row with NULL where there may be none.
    pub fn check_not_null(&self, row: &[Datum]) -> Result<()> {
        for (column, value) in self.table.columns.iter().zip(row) {
            if column.not_null && !column.hidden && value.is_null() {
                return Err(Error::new(
                    SqlState::NotNullViolation,
                    format!(
                        "null value in column \"{}\" of relation \"{}\" violates not-null constraint",
                        column.name, self.table.name
                    ),
                )
                .detail(format!("Failing row contains ({}).", self.describe_row(row)?))
                .table(&self.table.name)
                .column(&column.name));
            }
        }
        Ok(())
    }

    fn describe_row(&self, row: &[Datum]) -> Result<String> {
        let mut shown = Vec::new();
        for (index, column) in self.table.visible() {
            shown.push(match row.get(index) {
                None | Some(Datum::Null) => "null".to_owned(),
                Some(value) => {
                    let text = io::to_text(column.kind().kind, value, self.style)?;
                    match text.char_indices().nth(64) {
                        Some((cut, _)) => format!("{}...", text.get(..cut).unwrap_or_default()),
                        None => text,
                    }
                }
            });
        }
        Ok(shown.join(", "))
    }

    /// The error of an index that cannot be made because this row's key occurs twice.
    pub fn could_not_create(&self, index: &Index, row: &[Datum]) -> Result<Error> {
        let key = self.describe_key(index, row)?;
        Ok(Error::new(
            SqlState::UniqueViolation,
            format!("could not create unique index \"{}\"", index.name),
        )
        .detail(format!("Key {key} is duplicated."))
        .table(&self.table.name)
        .constraint(&index.name))
    }

    fn describe_key(&self, index: &Index, row: &[Datum]) -> Result<String> {
        let mut names = Vec::new();
        let mut values = Vec::new();
        for position in &index.columns {
            let (Some(column), Some(value)) =
                (self.table.columns.get(*position), row.get(*position))
            else {
                continue;
            };
            names.push(column.name.clone());
            values.push(match value {
                Datum::Null => "null".into(),
                value => io::to_text(column.kind().kind, value, self.style)?,
            });
        }
        Ok(format!("({})=({})", names.join(", "), values.join(", ")))
    }

    pub(super) fn duplicate(&self, index: &Index, row: &[Datum]) -> Result<Error> {
        let key = self.describe_key(index, row)?;
        Ok(Error::new(
            SqlState::UniqueViolation,
            format!("duplicate key value violates unique constraint \"{}\"", index.name),
        )
        .detail(format!("Key {key} already exists."))
        .table(&self.table.name)
        .constraint(&index.name))
    }

    /// Adds a row.
    pub async fn insert(&self, transaction: &mut Transaction, row: &[Datum]) -> Result<()> {
        self.check_not_null(row)?;
        let key = self.table.row_key(row);
        if self.table.has_primary_key() {
            if !self.exclusive {
                transaction.lock_unique(&key).await?;
            }
            if transaction.get_latest(&key)?.is_some() {
                return Err(self.duplicate(&self.table.primary, row)?);
            }
        }
        self.insert_new_key(transaction, row, key).await
    }

    /// Adds a row whose primary key is known to be new, and is locked.
    pub(super) async fn insert_new_key(
        &self,
        transaction: &mut Transaction,
        row: &[Datum],
        key: Vec<u8>,
    ) -> Result<()> {
        for index in &self.table.indexes {
            self.add_entry(transaction, index, row, &key).await?;
        }
        Ok(transaction.put(key, codec::encode_row(row), false)?)
    }

    async fn add_entry(
        &self,
        transaction: &mut Transaction,
        index: &Index,
        row: &[Datum],
        key: &[u8],
    ) -> Result<()> {
        let entry = self.table.entry_key(index, row, key);
        if index.unique
            && !self.table.has_null(index, row)
            && !self.claim_entry(transaction, index, &entry).await?
        {
            return Err(self.duplicate(index, row)?);
        }
        Ok(transaction.put(entry, self.table.entry_value(index, row, key), false)?)
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
    pub fn delete(&self, transaction: &mut Transaction, row: &[Datum]) -> Result<()> {
        let key = self.table.row_key(row);
        for index in &self.table.indexes {
            transaction.delete(self.table.entry_key(index, row, &key))?;
        }
        Ok(transaction.delete(key)?)
    }

    /// Replaces a row that is locked. Entries of indexes whose columns did not change stay; where
    /// only included ones did, the entry gets a new value under its old key.
    pub async fn update(
        &self,
        transaction: &mut Transaction,
        old: &[Datum],
        new: &[Datum],
    ) -> Result<()> {
        self.check_not_null(new)?;
        let (old_key, new_key) = (self.table.row_key(old), self.table.row_key(new));
        if old_key != new_key {
            // A row under another key is another row to storage.
            self.delete(transaction, old)?;
            return self.insert(transaction, new).await;
        }
        for index in &self.table.indexes {
            let before = self.table.entry_key(index, old, &old_key);
            let after = self.table.entry_key(index, new, &new_key);
            if before != after {
                transaction.delete(before)?;
                self.add_entry(transaction, index, new, &new_key).await?;
            } else if !index.include.is_empty() {
                // As bytes: values that are equal may still look different.
                let value = self.table.entry_value(index, new, &new_key);
                if value != self.table.entry_value(index, old, &old_key) {
                    transaction.put(after, value, true)?;
                }
            }
        }
        Ok(transaction.put(new_key, codec::encode_row(new), true)?)
    }

    /// Replaces a row that is locked by one with the same values in all indexes.
    pub fn replace(
        &self,
        transaction: &mut Transaction,
        key: Vec<u8>,
        new: &[Datum],
    ) -> Result<()> {
        self.check_not_null(new)?;
        Ok(transaction.put(key, codec::encode_row(new), true)?)
    }

    /// Whether some index has one of these columns, in its keys or its values.
    pub fn is_indexed(&self, positions: &[usize]) -> bool {
        let keys = self.table.all_indexes().flat_map(|index| &index.columns);
        let mut columns = keys.chain(self.table.indexes.iter().flat_map(|index| &index.include));
        columns.any(|column| positions.contains(column))
    }

    /// The lock an operation needs: one that changes key columns excludes everyone. Included
    /// columns are in no key.
    pub fn lock_mode(&self, operation: &Operation) -> LockMode {
        match operation {
            Operation::Update(positions) => self.update_mode(positions),
            _ => LockMode::ForUpdate,
        }
    }

    /// The lock that a change of the columns at these positions needs.
    pub fn update_mode(&self, positions: &[usize]) -> LockMode {
        let mut unique = self.table.all_indexes().filter(|index| index.unique);
        match unique.any(|i| positions.iter().any(|p| i.columns.contains(p))) {
            true => LockMode::ForUpdate,
            false => LockMode::ForNoKeyUpdate,
        }
    }
}
