//! Locks that a client asks for: SELECT ... FOR UPDATE and its kin, and LOCK TABLE.

use std::ops::ControlFlow;
use std::sync::Arc;

use cairn_txn::{LockMode, LockOutcome, Transaction, WaitPolicy};
use datafusion::common::DFSchema;
use datafusion::sql::sqlparser::ast::{Lock, LockTableMode, LockTableTarget, ObjectName};
use futures::FutureExt;

use super::execute::limited;
use super::outcome::{Outcome, Rows};
use super::plan::Source;
use super::{Columns, Session};
use crate::binder::locking::{BoundLocking, RowLock, words};
use crate::binder::relation_name;
use crate::catalog::Table;
use crate::catalog::names::Named;
use crate::error::{Error, Result, SqlState};
use crate::row::expr::RowExpr;
use crate::row::{Env, Flow, Frame, Row, count_of};
use crate::types::Datum;

/// A query whose rows are locked.
#[derive(Debug)]
pub struct Locking {
    /// The query; rows to lock follow its columns.
    pub source: Source,
    /// The result's columns.
    pub columns: Columns,
    /// The tables whose rows are locked, in the order in which the rows follow.
    pub locks: Vec<RowLock>,
    /// Whether the rows to lock stay behind the columns, for a cursor.
    pub(super) keeps_rows: bool,
    /// OFFSET and LIMIT of the rows that were locked.
    limit: Option<(Option<RowExpr>, Option<RowExpr>)>,
}

/// The rows that come through OFFSET and LIMIT.
struct Window {
    skip: usize,
    left: usize,
    rows: Vec<Row>,
}

impl Window {
    /// Takes a row that was locked.
    fn take(&mut self, row: Row) {
        if self.skip > 0 {
            self.skip -= 1;
        } else {
            self.left -= 1;
            self.rows.push(row);
        }
    }

    /// Locks a row and takes it, if that can be done without waiting.
    fn try_take(
        &mut self,
        locking: &Locking,
        transaction: &mut Transaction,
        mut row: Row,
    ) -> Result<Flow> {
        if self.left > 0 {
            let locked = locking.lock(transaction, &mut row).now_or_never();
            if locked.ok_or_else(|| Error::internal("a lock that does not wait has waited"))?? {
                self.take(row);
            }
        }
        Ok(match self.left {
            0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
    }
}

impl Locking {
    /// Compiles what was bound; its source has been made.
    pub(super) fn new(source: Source, columns: Columns, bound: BoundLocking) -> Result<Locking> {
        let empty = DFSchema::empty();
        let compile = |expr| RowExpr::compile(&expr, &empty);
        let limit = match bound.limit {
            None => None,
            Some((skip, fetch)) => {
                Some((skip.map(compile).transpose()?, fetch.map(compile).transpose()?))
            }
        };
        Ok(Locking { source, columns, locks: bound.locks, keeps_rows: false, limit })
    }

    fn window(&self, env: &Env) -> Result<Window> {
        let (mut skip, mut left) = (None, None);
        if let Some((offset, limit)) = &self.limit {
            let frame = Frame::new(env);
            skip = count_of(offset, &frame, "OFFSET")?;
            left = count_of(limit, &frame, "LIMIT")?;
        }
        let (skip, left) = (skip.unwrap_or(0), left.unwrap_or(usize::MAX));
        Ok(Window { skip, left, rows: Vec::new() })
    }

    /// Locks all that a row stands for, and leaves the result's columns of it. False if one lock is
    /// held by somebody else and is to be skipped.
    async fn lock(&self, transaction: &mut Transaction, row: &mut Row) -> Result<bool> {
        let mut start = self.columns.len();
        for lock in &self.locks {
            let end = start + lock.table.columns.len();
            let stored = row.get(start..end);
            let stored = stored.ok_or_else(|| Error::internal("a row without its locked part"))?;
            start = end;
            let key = lock.table.row_key(stored);
            match transaction.lock_row(&key, lock.mode, lock.policy).await {
                Ok(LockOutcome::Unchanged) => {}
                Ok(LockOutcome::Changed) => return Err(Error::Restart),
                Ok(LockOutcome::Skipped) => return Ok(false),
                Err(cairn_txn::Error::LockNotAvailable) => {
                    let name = &lock.table.name;
                    return Err(not_available(&format!("row in relation \"{name}\"")));
                }
                Err(error) => return Err(error.into()),
            }
        }
        if !self.keeps_rows {
            row.truncate(self.columns.len());
        }
        Ok(true)
    }
}

fn not_available(what: &str) -> Error {
    Error::new(SqlState::LockNotAvailable, format!("could not obtain lock on {what}"))
}

impl Session {
    /// Reads rows and locks them.
    pub(super) async fn lock_rows(
        &mut self,
        locking: &Locking,
        params: &Arc<Vec<Datum>>,
    ) -> Result<Outcome> {
        let env = self.env(params.clone());
        let rows = self.locked_rows(locking, env).await?;
        Ok(Outcome::Rows(Rows::ready(locking.columns.clone(), rows, "SELECT")))
    }

    /// Rows that are read and locked.
    pub(super) async fn locked_rows(&mut self, locking: &Locking, env: Env) -> Result<Vec<Row>> {
        let first = locking.locks.first().map_or(LockMode::ForUpdate, |lock| lock.mode);
        self.check_writable(&format!("SELECT {}", words(first)))?;
        let mut window = locking.window(&env)?;
        let never_waits = locking.locks.iter().all(|lock| lock.policy != WaitPolicy::Block);
        if !never_waits {
            let rows = self.collect(&locking.source, env).await?;
            let lock_timeout = self.settings.lock_timeout();
            let transaction = &mut self.block().transaction;
            for mut row in rows {
                if window.left == 0 {
                    break;
                }
                if limited(lock_timeout, locking.lock(transaction, &mut row)).await? {
                    window.take(row);
                }
            }
        } else {
            if let Some(plan) = self.rows_here(&locking.source, &env) {
                // A queue's consumer looks no further than to the first rows that nobody has.
                let transaction = &mut self.block().transaction;
                match plan.run_here(&env, &mut |row| window.try_take(locking, transaction, row)) {
                    // Rows that are locked by now are this transaction's.
                    Err(Error::TooLong) => window = locking.window(&env)?,
                    Err(error) => return Err(error),
                    Ok(()) => return Ok(window.rows),
                }
            }
            let mut more = self.database.vector.run(&locking.source.logical, Arc::new(env));
            let transaction = &mut self.block().transaction;
            'all: while let Some(batch) = more.recv().await {
                for row in batch? {
                    if window.try_take(locking, transaction, row)?.is_break() {
                        break 'all;
                    }
                }
            }
        }
        Ok(window.rows)
    }

    /// LOCK TABLE. ONLY and `*` tell of child tables, which no table has.
    pub(super) async fn lock_tables(&mut self, lock: &Lock) -> Result<Outcome> {
        self.require_block("LOCK TABLE")?;
        let mode = match &lock.lock_mode {
            Some(LockTableMode::AccessShare) => LockMode::AccessShare,
            Some(LockTableMode::RowShare) => LockMode::RowShare,
            Some(LockTableMode::RowExclusive) => LockMode::RowExclusive,
            Some(LockTableMode::ShareUpdateExclusive) => LockMode::ShareUpdateExclusive,
            Some(LockTableMode::Share) => LockMode::Share,
            Some(LockTableMode::ShareRowExclusive) => LockMode::ShareRowExclusive,
            Some(LockTableMode::Exclusive) => LockMode::Exclusive,
            None | Some(LockTableMode::AccessExclusive) => LockMode::AccessExclusive,
        };
        let policy = if lock.nowait { WaitPolicy::NoWait } else { WaitPolicy::Block };
        for LockTableTarget { name, .. } in &lock.tables {
            // Whoever had it before may have dropped it, and made another of that name.
            loop {
                let table = self.table_to_lock(name)?;
                let version = self.schema_version();
                self.lock_table_as(&table, mode, policy).await?;
                if self.schema_version() == version {
                    break;
                }
            }
        }
        Ok(Outcome::Command("LOCK TABLE".into()))
    }

    fn table_to_lock(&self, name: &ObjectName) -> Result<Arc<Table>> {
        let (schema, name) = relation_name(name)?;
        let known = self.schema();
        let found = known.find(&self.path(), schema.as_deref(), &name);
        if let Some(table) = found.as_ref().and_then(|found| known.table(found)) {
            return Ok(table.clone());
        }
        let other = match found.and_then(|found| known.named(&found)) {
            Some(Named::View(_)) => return Err(Error::unsupported("LOCK TABLE of a view")),
            Some(Named::Index(_)) => Some("indexes"),
            Some(Named::Sequence(_)) => Some("sequences"),
            _ => None,
        };
        if let Some(other) = other {
            return Err(Error::new(
                SqlState::WrongObjectType,
                format!("cannot lock relation \"{name}\""),
            )
            .detail(format!("This operation is not supported for {other}.")));
        }
        let shown = schema.map_or(name.clone(), |schema| format!("{schema}.{name}"));
        let message = format!("relation \"{shown}\" does not exist");
        Err(Error::new(SqlState::UndefinedTable, message))
    }

    async fn lock_table_as(
        &mut self,
        table: &Table,
        mode: LockMode,
        policy: WaitPolicy,
    ) -> Result<()> {
        let lock_timeout = self.settings.lock_timeout();
        let block = self.block();
        if block.locked.contains(&(table.id, mode)) {
            return Ok(());
        }
        let name = table.lock_name();
        let lock = block.transaction.lock_name(&name, mode, policy);
        let locked = limited(lock_timeout, async { Ok(lock.await?) }).await;
        locked.map_err(|error| match error {
            Error::Transaction(cairn_txn::Error::LockNotAvailable) => {
                not_available(&format!("relation \"{}\"", table.name))
            }
            other => other,
        })?;
        self.block().locked.push((table.id, mode));
        Ok(())
    }
}
