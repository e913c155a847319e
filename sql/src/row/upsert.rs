//! Adding a row unless there is one with its key: INSERT ... ON CONFLICT.
//!
//! The newest state decides, as for every unique key, not the snapshot. First comes a look without a
//! lock: where a row is in the way nothing has to be claimed. Else the key is claimed, which waits
//! for whoever is adding it; if there is a row then, it starts over.

use cairn_txn::{Conflict, Isolation, LockMode, LockOutcome, Transaction, WaitPolicy};

use super::Row;
use super::describe::duplicate;
use super::modify::Writer;
use crate::catalog::{Index, index_prefix};
use crate::error::{Error, Result};
use crate::types::Datum;

/// The row that is in the way of another one.
struct Occupant {
    /// Its key in the index that forbids two of them.
    entry: Vec<u8>,
    /// Its own.
    key: Vec<u8>,
    /// As it is stored, if that was seen.
    value: Option<Vec<u8>>,
}

/// What became of a row.
#[derive(Debug)]
pub enum Proposed {
    /// It was added, under this key.
    Added(Vec<u8>),
    /// Another one is in its way.
    Barred {
        /// That one's key.
        key: Vec<u8>,
        /// And what it is, if it has been locked.
        row: Row,
    },
}

impl Writer<'_> {
    /// Adds a row, unless another one has its key in one of `arbiters`, which are storage ids of
    /// unique indexes. That one is locked in `mode`, if there is one, in its newest version.
    pub async fn propose(
        &mut self,
        transaction: &mut Transaction,
        row: &[Datum],
        arbiters: &[u32],
        mode: Option<LockMode>,
    ) -> Result<Proposed> {
        let key = self.table.row_key(row);
        loop {
            if let Some((key, row)) = self.barrier(transaction, row, arbiters, mode).await? {
                return Ok(Proposed::Barred { key, row });
            }
            if self.claim(transaction, row, &key, arbiters).await? {
                self.insert_new_key(transaction, row, &key).await?;
                return Ok(Proposed::Added(key));
            }
        }
    }

    /// The key of a row that has the key of this one in one of `arbiters`, and the row, as
    /// [`Writer::propose`] finds it.
    pub async fn barrier(
        &self,
        transaction: &mut Transaction,
        row: &[Datum],
        arbiters: &[u32],
        mode: Option<LockMode>,
    ) -> Result<Option<(Vec<u8>, Row)>> {
        let key = self.table.row_key(row);
        while let Some(occupant) = self.occupant(transaction, row, &key, arbiters)? {
            let found = match mode {
                None => self.stays(transaction, &occupant).await?.then(Row::new),
                Some(mode) => self.lock_occupant(transaction, &occupant, mode).await?,
            };
            if let Some(row) = found {
                return Ok(Some((occupant.key, row)));
            }
        }
        Ok(None)
    }

    /// The indexes that `arbiters` name.
    fn arbiters(&self, arbiters: &[u32]) -> impl Iterator<Item = &'_ Index> {
        self.table.all_indexes().filter(|index| arbiters.contains(&index.storage))
    }

    /// The key that a row has in an index, if that holds it to it.
    fn claimed(&self, index: &Index, row: &[Datum], key: &[u8]) -> Result<Option<Vec<u8>>> {
        if self.is_primary(index) {
            return Ok(Some(key.to_vec()));
        }
        let entry = self.table.entry(index, row, key)?;
        Ok(entry.filter(|entry| entry.is_unique).map(|entry| entry.key))
    }

    fn is_primary(&self, index: &Index) -> bool {
        index.storage == self.table.primary.storage
    }

    fn occupant(
        &self,
        transaction: &Transaction,
        row: &[Datum],
        key: &[u8],
        arbiters: &[u32],
    ) -> Result<Option<Occupant>> {
        for index in self.arbiters(arbiters) {
            let Some(entry) = self.claimed(index, row, key)? else { continue };
            let Some(value) = transaction.get_latest(&entry)? else { continue };
            return Ok(Some(match self.is_primary(index) {
                true => Occupant { key: entry.clone(), entry, value: Some(value) },
                false => {
                    let key = index.split_value(&value)?.0.to_vec();
                    Occupant { entry, key, value: None }
                }
            }));
        }
        Ok(None)
    }

    /// Whether the entry of an occupant still leads to it.
    fn is_there(&self, transaction: &Transaction, occupant: &Occupant) -> Result<bool> {
        let Some(value) = transaction.get_latest(&occupant.entry)? else { return Ok(false) };
        if occupant.entry == occupant.key {
            return Ok(true);
        }
        let index = self
            .table
            .indexes
            .iter()
            .find(|index| occupant.entry.starts_with(&index_prefix(index.storage)));
        let index = index.ok_or_else(|| Error::internal("an entry of no index"))?;
        Ok(index.split_value(&value)?.0 == occupant.key)
    }

    /// Waits for whoever may be deleting the occupant or changing its key; whether it is still there.
    async fn stays(&self, transaction: &mut Transaction, occupant: &Occupant) -> Result<bool> {
        let waited = transaction.await_free(&occupant.key, LockMode::ForKeyShare).await?;
        if waited && !self.is_there(transaction, occupant)? {
            return Ok(false);
        }
        // Nothing may come of a row that the snapshot does not show.
        if transaction.isolation() != Isolation::ReadCommitted
            && transaction.is_behind(&occupant.key)?
        {
            return Err(cairn_txn::Error::Serialization(Conflict::ConcurrentUpdate).into());
        }
        self.note_read(transaction, occupant)?;
        Ok(true)
    }

    /// Locks the occupant; its newest version, if it is still there.
    async fn lock_occupant(
        &self,
        transaction: &mut Transaction,
        occupant: &Occupant,
        mode: LockMode,
    ) -> Result<Option<Row>> {
        let outcome = match transaction.lock_row(&occupant.key, mode, WaitPolicy::Block).await {
            // What the snapshot shows and has gone since, or has another key, is in nobody's way.
            Err(cairn_txn::Error::Serialization(_))
                if transaction.isolation() == Isolation::RepeatableRead
                    && !self.is_there(transaction, occupant)? =>
            {
                return Ok(None);
            }
            outcome => outcome?,
        };
        let value = match (&occupant.value, outcome) {
            // What was seen is no older than the snapshot.
            (Some(value), LockOutcome::Unchanged) => Some(value.clone()),
            (None, LockOutcome::Unchanged) => transaction.get_latest(&occupant.key)?,
            _ => match self.is_there(transaction, occupant)? {
                true => transaction.get_latest(&occupant.key)?,
                false => None,
            },
        };
        let Some(value) = value else { return Ok(None) };
        self.note_read(transaction, occupant)?;
        self.table.decode_row(&value).map(Some)
    }

    /// At SERIALIZABLE what was found is a read like any other: the snapshot shows it, too.
    fn note_read(&self, transaction: &Transaction, occupant: &Occupant) -> Result<()> {
        if transaction.isolation() == Isolation::Serializable {
            let view = transaction.view();
            view.get(&occupant.entry)?;
            view.get(&occupant.key)?;
        }
        Ok(())
    }

    /// Locks the key of a row in all of the arbiters and in the primary index. False if there is one
    /// in one of the arbiters now.
    async fn claim(
        &self,
        transaction: &mut Transaction,
        row: &[Datum],
        key: &[u8],
        arbiters: &[u32],
    ) -> Result<bool> {
        if self.table.has_primary_key() {
            if !self.exclusive {
                transaction.lock_unique(key).await?;
            }
            if transaction.get_latest(key)?.is_some() {
                return match arbiters.contains(&self.table.primary.storage) {
                    true => Ok(false),
                    false => Err(duplicate(self.table, &self.table.primary, row, self.style)?),
                };
            }
        }
        for index in self.table.indexes.iter().filter(|i| arbiters.contains(&i.storage)) {
            let Some(entry) = self.claimed(index, row, key)? else { continue };
            if !self.claim_entry(transaction, index, &entry).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
