//! Indexes that are built, made anew and dropped while others change the table: CONCURRENTLY.
//!
//! An index is first [`IndexState::WriteOnly`]: whoever changes rows keeps it, and nobody reads by it.
//! Once all transactions have ended that may not know of it, what it lacks are rows from before. These
//! are added a part at a time, each in a transaction of its own that holds the part's rows against
//! changes. When no snapshot is in use that is older than the last part, the index becomes public. To
//! drop one takes the way back. Between these steps nothing is held, so nobody waits for the whole, and
//! each step looks whether the index is still there. What is left behind by an error or a crash is a
//! write-only index: not valid, as PostgreSQL calls it, to be dropped or made anew
//! ([decision 9](../../../docs/decisions/0009-indexes-are-built-beside-writers.md)).

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use cairn_txn::storage::{Direction, Span};
use cairn_txn::{Isolation, LockMode, Transaction, WaitPolicy};
use datafusion::sql::sqlparser::ast;

use super::execute::limited;
use super::{Session, Status};
use crate::catalog::index::Entry;
use crate::catalog::{Index, IndexState, Table, index_span};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::DropIndexes;
use crate::row::computed::Programs;
use crate::row::describe::could_not_create;
use crate::sessions::{Backend, IndexBuild};

/// Rows that are added in one transaction; few in tests, so that small tables have several parts.
const PART_ROWS: usize = if cfg!(test) { 3 } else { 500 };
/// How often is looked whether those have ended who are waited for.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How often a row is tried again whose locks closed a circle.
const MAX_DEADLOCKS: usize = 100;

/// An index that is under way.
#[derive(Clone, Copy)]
struct Built {
    table: u32,
    storage: u32,
}

/// Takes what is told of a build away when that ends, however it does.
struct Shown(Arc<Backend>);

impl Drop for Shown {
    fn drop(&mut self) {
        *self.0.building.lock() = None;
    }
}

/// What became of a row.
enum Added {
    /// Its entry is there, or it has none.
    Done,
    /// Somebody else is at it.
    Busy,
    /// Another row has its key.
    Twice(Vec<u8>),
}

fn vanished() -> Error {
    Error::new(
        SqlState::UndefinedObject,
        "the index was dropped or made anew by another transaction while it was built",
    )
}

impl Session {
    /// Refuses what has several transactions of its own inside of one.
    pub(super) fn check_outside(&self, command: &str, alone: bool) -> Result<()> {
        match self.status() == Status::Idle && self.block.is_none() && alone {
            true => Ok(()),
            false => Err(Error::new(
                SqlState::ActiveSqlTransaction,
                format!("{command} cannot run inside a transaction block"),
            )),
        }
    }

    fn show_build(&self, build: IndexBuild) -> Shown {
        *self.backend.building.lock() = Some(build);
        Shown(self.backend.clone())
    }

    fn note_phase(&self, phase: &'static str) {
        if let Some(build) = &mut *self.backend.building.lock() {
            build.phase = phase;
            (build.lockers_total, build.lockers_done) = (0, 0);
        }
    }

    /// CREATE INDEX CONCURRENTLY.
    pub(super) async fn create_index_online(
        &mut self,
        create: &ast::CreateIndex,
        sql: &str,
    ) -> Result<()> {
        self.lock_catalog().await?;
        let Some((table, index)) = self.define_index(create, sql)? else { return Ok(()) };
        let storage = self.schema().allocate_id();
        let index = Index { storage, state: IndexState::WriteOnly, ..index };
        self.add_write_only(&table, index).await?;
        let shown = IndexBuild {
            table: table.id,
            index: storage,
            command: "CREATE INDEX CONCURRENTLY",
            phase: "initializing",
            lockers_total: 0,
            lockers_done: 0,
            rows_total: 0,
            rows_done: 0,
        };
        let _shown = self.show_build(shown);
        let built = Built { table: table.id, storage };
        let filled_at = self.fill_online(built).await?;
        self.lock_catalog().await?;
        let table = self.database.catalog.current().table_by_id(built.table).cloned();
        let mut changed = (*table.ok_or_else(vanished)?).clone();
        let index = changed.indexes.iter_mut().find(|index| index.storage == storage);
        let index = index.ok_or_else(vanished)?;
        (index.state, index.filled_at) = (IndexState::Public, Some(filled_at));
        self.draft(|draft| draft.put_table(changed))?;
        self.commit().await
    }

    /// Adds an index that nobody reads by. Ends the transaction.
    async fn add_write_only(&mut self, table: &Table, index: Index) -> Result<()> {
        self.lock_table(table, LockMode::ShareUpdateExclusive).await?;
        let mut changed = table.clone();
        changed.indexes.push(index);
        self.draft(|draft| draft.put_table(changed.clone()))?;
        self.anchor(&changed).await?;
        self.commit().await
    }

    /// Gives a write-only index the rows that it lacks. When the last of them was added.
    async fn fill_online(&mut self, built: Built) -> Result<cairn_txn::storage::Timestamp> {
        self.note_phase("waiting for writers before build");
        self.await_holders(built.table, LockMode::Share).await?;
        self.note_phase("building index: scanning table");
        let table = self.current_table(built)?.0;
        let rows = index_span(table.primary.storage);
        if let Some(build) = &mut *self.backend.building.lock() {
            let view = self.database.manager.begin(Isolation::ReadCommitted).latest();
            build.rows_total = view.estimate(&rows).1;
        }
        let mut busy = Vec::new();
        let mut left = rows;
        while !left.is_empty() {
            left = self.fill_part(built, left, &mut busy).await?;
            for key in std::mem::take(&mut busy) {
                self.fill_row(built, &key).await?;
            }
            // Others are on this thread, too.
            tokio::task::yield_now().await;
        }
        let filled_at = self.database.manager.newest_commit();
        self.note_phase("waiting for old snapshots");
        while self.database.manager.oldest_snapshot() < filled_at {
            self.look_again().await?;
        }
        Ok(filled_at)
    }

    async fn look_again(&self) -> Result<()> {
        if self.cancel.flag().load(std::sync::atomic::Ordering::Relaxed) {
            return Err(crate::row::canceled());
        }
        tokio::time::sleep(LOOK_EVERY).await;
        Ok(())
    }

    /// Waits until those have ended who hold a table now in a mode that conflicts with `mode`. Who
    /// comes later knows the catalog as it is now.
    async fn await_holders(&mut self, table: u32, mode: LockMode) -> Result<()> {
        let schema = self.database.catalog.current();
        let name = schema.table_by_id(table).ok_or_else(vanished)?.lock_name();
        let locks = self.database.manager.clone();
        let mut awaited = locks.locks().holders(&name, mode);
        let total = awaited.len();
        let lock_timeout = self.settings.lock_timeout();
        let wait = async {
            while !awaited.is_empty() {
                if let Some(build) = &mut *self.backend.building.lock() {
                    build.lockers_total = total;
                    build.lockers_done = total - awaited.len();
                }
                self.look_again().await?;
                let holding = locks.locks().holders(&name, mode);
                awaited.retain(|owner| holding.contains(owner));
            }
            Ok(())
        };
        limited(lock_timeout, wait).await
    }

    /// The table and the index as everybody sees them.
    fn current_table(&self, built: Built) -> Result<(Arc<Table>, Index)> {
        let schema = self.database.catalog.current();
        let table = schema.table_by_id(built.table).ok_or_else(vanished)?.clone();
        let index = table.indexes.iter().find(|index| index.storage == built.storage);
        let index = index.ok_or_else(vanished)?.clone();
        self.with_binder("", |binder| Programs::prepare(&table, binder))?;
        Ok((table, index))
    }

    /// A transaction that keeps the table as it is.
    async fn begin_part(&self, built: Built) -> Result<(Transaction, Arc<Table>, Index)> {
        let (table, _) = self.current_table(built)?;
        let manager = &self.database.manager;
        let mut transaction = manager.begin_in(&self.backend.locks, Isolation::ReadCommitted);
        let name = table.lock_name();
        let lock = transaction.lock_name(&name, LockMode::RowExclusive, WaitPolicy::Block);
        limited(self.settings.lock_timeout(), async { Ok(lock.await?) }).await?;
        // It may have changed while the lock was waited for.
        let (table, index) = self.current_table(built)?;
        Ok((transaction, table, index))
    }

    /// Adds the entries of the first of these rows; the others, and in `busy` those that somebody else
    /// is at.
    async fn fill_part(&self, built: Built, rows: Span, busy: &mut Vec<Vec<u8>>) -> Result<Span> {
        let (mut transaction, table, index) = self.begin_part(built).await?;
        let mut keys: Vec<Vec<u8>> = Vec::new();
        transaction.latest().scan(&rows, Direction::Forward, &mut |key, _| {
            keys.push(key.to_vec());
            match keys.len() < PART_ROWS {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        })?;
        let left = match keys.last().filter(|_| keys.len() == PART_ROWS) {
            Some(last) => Span { start: Span::point(last).end, end: rows.end },
            None => Span { start: rows.end.clone(), end: rows.end },
        };
        let count = keys.len() as u64;
        for key in keys {
            let added = add_entry(&mut transaction, &table, &index, &key, WaitPolicy::Skip);
            match added.await? {
                Added::Done => {}
                Added::Busy => busy.push(key),
                Added::Twice(row) => return Err(self.twice(&table, &index, &row)?),
            }
        }
        transaction.commit(false).await?;
        if let Some(build) = &mut *self.backend.building.lock() {
            build.rows_done += count;
        }
        Ok(left)
    }

    /// Adds the entry of a row that somebody else was at.
    async fn fill_row(&self, built: Built, key: &[u8]) -> Result<()> {
        for tries in 1.. {
            let (mut transaction, table, index) = self.begin_part(built).await?;
            let added = add_entry(&mut transaction, &table, &index, key, WaitPolicy::Block);
            match limited(self.settings.lock_timeout(), added).await {
                Ok(Added::Twice(row)) => return Err(self.twice(&table, &index, &row)?),
                Ok(_) => {
                    transaction.commit(false).await?;
                    return Ok(());
                }
                // The others go on, and this has given its locks back.
                Err(Error::Transaction(cairn_txn::Error::Deadlock(_))) if tries < MAX_DEADLOCKS => {
                    drop(transaction);
                    self.look_again().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn twice(&self, table: &Table, index: &Index, value: &[u8]) -> Result<Error> {
        could_not_create(table, index, &table.decode_row(value)?, &self.style())
    }

    /// DROP INDEX CONCURRENTLY.
    pub(super) async fn drop_indexes_online(&mut self, drop: &DropIndexes) -> Result<()> {
        let [name] = drop.names.as_slice() else {
            return Err(Error::new(
                SqlState::FeatureNotSupported,
                "DROP INDEX CONCURRENTLY does not support dropping multiple objects",
            ));
        };
        if drop.cascade {
            return Err(Error::new(
                SqlState::FeatureNotSupported,
                "DROP INDEX CONCURRENTLY does not support CASCADE",
            ));
        }
        self.lock_catalog().await?;
        let Some((table, index)) = self.droppable_index(name, drop.if_exists)? else {
            return self.commit().await;
        };
        let built = Built { table: table.id, storage: index.storage };
        self.retire(&table, built).await?;
        self.remove_retired(built).await
    }

    /// Makes an index one that nobody reads by any more. Ends the transaction.
    async fn retire(&mut self, table: &Table, built: Built) -> Result<()> {
        self.lock_table(table, LockMode::ShareUpdateExclusive).await?;
        let mut changed = table.clone();
        for index in changed.indexes.iter_mut().filter(|i| i.storage == built.storage) {
            index.state = IndexState::WriteOnly;
        }
        self.draft(|draft| draft.put_table(changed))?;
        self.commit().await
    }

    /// Takes away an index that nobody reads by, once those have ended who may.
    async fn remove_retired(&mut self, built: Built) -> Result<()> {
        self.note_phase("waiting for readers before dropping");
        self.await_holders(built.table, LockMode::AccessExclusive).await?;
        self.lock_catalog().await?;
        let (table, _) = self.current_table(built)?;
        self.lock_table(&table, LockMode::ShareUpdateExclusive).await?;
        let mut changed = (*table).clone();
        changed.indexes.retain(|index| index.storage != built.storage);
        self.draft(|draft| {
            draft.discard_storage(built.storage)?;
            draft.put_table(changed)
        })?;
        self.commit().await
    }

    /// Makes an index anew beside its old entries.
    pub(super) async fn reindex_online(&mut self, table: u32, index: u32) -> Result<()> {
        self.lock_catalog().await?;
        let schema = self.schema();
        let table = schema.table_by_id(table).ok_or_else(vanished)?.clone();
        let old = table.indexes.iter().find(|old| old.oid() == index);
        let old = old.ok_or_else(vanished)?.clone();
        let taken = |suffix: &str| {
            let parts = [old.name.as_str()];
            schema.free_relation_name(&table.schema, &parts, suffix, Some(&table))
        };
        let (storage, old_name) = (schema.allocate_id(), taken("ccold"));
        let new = Index {
            storage,
            id: 0,
            name: taken("ccnew"),
            state: IndexState::WriteOnly,
            constraint: false,
            primary: false,
            comment: None,
            constraint_comment: None,
            ..old.clone()
        };
        self.add_write_only(&table, new).await?;
        let shown = IndexBuild {
            table: table.id,
            index: storage,
            command: "REINDEX CONCURRENTLY",
            phase: "initializing",
            lockers_total: 0,
            lockers_done: 0,
            rows_total: 0,
            rows_done: 0,
        };
        let _shown = self.show_build(shown);
        let built = Built { table: table.id, storage };
        let filled_at = self.fill_online(built).await?;
        // They change places: what others know the index by stays, and the old entries go.
        self.lock_catalog().await?;
        let (current, made) = self.current_table(built)?;
        self.lock_table(&current, LockMode::ShareUpdateExclusive).await?;
        let mut changed = (*current).clone();
        let place = changed.indexes.iter_mut().find(|index| index.storage == old.storage);
        let place = place.ok_or_else(vanished)?;
        place.id = place.oid();
        (place.storage, place.state) = (storage, IndexState::Public);
        place.filled_at = Some(filled_at);
        let place_id = place.id;
        let gone = changed.indexes.iter_mut().find(|i| i.storage == storage && i.oid() != place_id);
        let gone = gone.ok_or_else(vanished)?;
        gone.id = made.oid();
        (gone.storage, gone.state, gone.name) = (old.storage, IndexState::WriteOnly, old_name);
        self.draft(|draft| draft.put_table(changed))?;
        self.commit().await?;
        self.remove_retired(Built { table: table.id, storage: old.storage }).await
    }
}

/// Adds the entry of a row as it is now.
async fn add_entry(
    transaction: &mut Transaction,
    table: &Table,
    index: &Index,
    key: &[u8],
    policy: WaitPolicy,
) -> Result<Added> {
    let locked = transaction.lock_row(key, LockMode::ForShare, policy).await?;
    if locked == cairn_txn::LockOutcome::Skipped {
        return Ok(Added::Busy);
    }
    let Some(value) = transaction.get_latest(key)? else { return Ok(Added::Done) };
    let row = table.decode_row(&value)?;
    let Some(entry) = table.entry(index, &row, key)? else { return Ok(Added::Done) };
    let Entry { key: entry, is_unique } = entry;
    let others = |transaction: &Transaction| -> Result<Option<Vec<u8>>> {
        let Some(there) = transaction.get_latest(&entry)? else { return Ok(None) };
        Ok(Some(index.split_value(&there)?.0.to_vec()))
    };
    match others(transaction)? {
        Some(other) if other == key => return Ok(Added::Done),
        _ if !is_unique => {}
        _ => {
            if !transaction.lock_name(&entry, LockMode::ForUpdate, policy).await? {
                return Ok(Added::Busy);
            }
            match others(transaction)? {
                None => {}
                Some(other) if other == key => return Ok(Added::Done),
                Some(_) if policy == WaitPolicy::Skip => return Ok(Added::Busy),
                Some(other) => {
                    // Whoever is about to delete that row, or to give it another key, decides.
                    transaction.await_free(&other, LockMode::ForKeyShare).await?;
                    if others(transaction)?.is_some() {
                        return Ok(Added::Twice(value));
                    }
                }
            }
        }
    }
    let value = table.entry_value(index, &row, key);
    transaction.put(entry, value, false)?;
    Ok(Added::Done)
}
