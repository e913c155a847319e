//! Adding many rows at a time.
//!
//! One row after the other would look for each key by itself. Here the keys of a batch are locked,
//! then looked for together: most batches come in order and go where nothing is yet, and
//! then one look at the span from the first key to the last settles all of them. Where something is
//! in the way, the rows go in one by one, which finds out which is to blame.

use cairn_txn::Transaction;

use super::Row;
use super::modify::{Writer, check_entry};
use crate::codec;
use crate::error::{Error, Result};

/// Keys and values of an index.
pub type Entries = Vec<(Vec<u8>, Vec<u8>)>;

impl Writer<'_> {
    /// Adds rows. An error comes with the position of the row that it is about.
    pub async fn insert_all(
        &mut self,
        transaction: &mut Transaction,
        rows: &mut [Row],
    ) -> std::result::Result<(), (usize, Error)> {
        let mut refused = None;
        for (position, row) in rows.iter_mut().enumerate() {
            if let Err(error) = self.complete(row) {
                refused = Some((position, error));
                break;
            }
        }
        let Some((position, error)) = refused else {
            return self.add_all(transaction, rows).await;
        };
        // Those before it come first, and what is wrong with them.
        self.add_all(transaction, rows.get(..position).unwrap_or_default()).await?;
        Err((position, error))
    }

    /// Adds rows that are complete.
    pub async fn add_all(
        &mut self,
        transaction: &mut Transaction,
        rows: &[Row],
    ) -> std::result::Result<(), (usize, Error)> {
        // Where keys may occur twice for a while, each row finds out by itself.
        let waits = self.table.indexes.iter().any(|index| index.deferral.is_some());
        if rows.len() > 1 && !waits && self.add_new(transaction, rows).await.map_err(|e| (0, e))? {
            return Ok(());
        }
        for (position, row) in rows.iter().enumerate() {
            self.add(transaction, row).await.map_err(|error| (position, error))?;
        }
        Ok(())
    }

    /// Adds rows if all their keys are new; else false, and nothing is changed.
    async fn add_new(&mut self, transaction: &mut Transaction, rows: &[Row]) -> Result<bool> {
        let keys: Vec<Vec<u8>> = rows.iter().map(|row| self.table.row_key(row)).collect();
        let mut all: Vec<Entries> = Vec::new();
        for index in &self.table.indexes {
            let mut unique = Vec::new();
            let mut entries = Vec::with_capacity(rows.len());
            for (row, key) in rows.iter().zip(&keys) {
                let Some(entry) = self.table.entry(index, row, key)? else { continue };
                if entry.is_unique {
                    unique.push(entry.key.clone());
                }
                entries.push((entry.key, self.table.entry_value(index, row, key)));
            }
            if !self.are_new(transaction, &unique).await? {
                return Ok(false);
            }
            unique.iter().try_for_each(|entry| check_entry(transaction, entry))?;
            all.push(entries);
        }
        if self.table.has_primary_key() && !self.are_new(transaction, &keys).await? {
            return Ok(false);
        }
        for (row, key) in rows.iter().zip(&keys) {
            self.note_added(row, key)?;
        }
        let values = rows.iter().map(|row| codec::encode_row(row));
        for (key, value) in keys.into_iter().zip(values).chain(all.into_iter().flatten()) {
            if !transaction.add(key, value)? {
                return Err(Error::internal("a key that was new is there already"));
            }
        }
        Ok(true)
    }

    /// Locks keys, and says whether they are new and all different.
    async fn are_new(&self, transaction: &mut Transaction, keys: &[Vec<u8>]) -> Result<bool> {
        if !self.exclusive {
            for key in keys {
                transaction.lock_unique(key).await?;
            }
        }
        let mut sorted: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        if !sorted.is_sorted_by(|a, b| a < b) {
            sorted.sort_unstable();
            if sorted.windows(2).any(|pair| pair.first() == pair.last()) {
                return Ok(false);
            }
        }
        Ok(transaction.none_exists(&sorted)?)
    }
}

/// Sorts entries by their keys. If a key occurs twice, the value of its second entry.
pub fn sort_entries(entries: &mut Entries) -> Option<&[u8]> {
    entries.sort_unstable();
    let twice = entries.windows(2).find(|pair| match pair {
        [(a, _), (b, _)] => a == b,
        _ => false,
    });
    twice.and_then(|pair| pair.last()).map(|(_, value)| value.as_slice())
}
