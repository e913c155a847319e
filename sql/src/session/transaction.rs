//! Transaction blocks: BEGIN to COMMIT, savepoints, and the failed state.

use std::sync::Arc;

use cairn_txn::{Isolation, LockMode, Savepoint, Transaction};
use datafusion::sql::sqlparser::ast::Statement;

use super::characteristics::isolation;
use super::deferred::{Mark, Pending};
use super::settings::{Settings, Severity};
use super::{Outcome, Session};
use crate::binder::fold;
use crate::catalog::Schema;
use crate::error::{Error, Result, SqlState};
use crate::parser::Parsed;
use crate::parser::transaction::Level;
use crate::types::datetime;

/// What ReadyForQuery says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Outside of a block.
    Idle,
    /// Inside one.
    Open,
    /// Inside a failed one.
    Failed,
}

struct Named {
    name: String,
    savepoint: Savepoint,
    settings: Arc<Settings>,
    local: Vec<(String, String)>,
    draft: Option<Arc<Schema>>,
    pending: Mark,
    read_only: bool,
}

/// A transaction and what SQL knows of it.
pub(super) struct Block {
    pub transaction: Transaction,
    /// Whether BEGIN was given; else it ends with the query string.
    pub explicit: bool,
    failed: bool,
    /// The level's name; READ UNCOMMITTED runs as READ COMMITTED.
    pub level: Level,
    pub read_only: bool,
    pub deferrable: bool,
    /// Whether it reads the past: AS OF SYSTEM TIME.
    pub is_as_of: bool,
    /// Whether a statement has had a snapshot.
    has_run: bool,
    savepoints: Vec<Named>,
    /// The catalog with this transaction's changes.
    pub draft: Option<Arc<Schema>>,
    /// The checks that wait for its end.
    pub pending: Pending,
    /// The transaction's start, as a timestamptz.
    pub now: i64,
    /// What a rollback goes back to, and what SET LOCAL is undone to.
    settings_before: Arc<Settings>,
    /// Settings changed by SET LOCAL, with the values to go back to.
    pub local: Vec<(String, String)>,
    /// Locks on tables are held in these modes, so they are asked for once.
    pub locked: Vec<(u32, LockMode)>,
}

impl Block {
    /// Whether a statement has had a snapshot, or something was changed.
    pub fn has_run(&self) -> bool {
        self.has_run || self.transaction.has_snapshot() || self.transaction.has_writes()
    }

    /// A statement gets its snapshot.
    pub fn note_run(&mut self) {
        self.has_run = true;
    }

    /// Goes on with a new transaction, as if no statement had been run.
    pub fn restart(&mut self, mut transaction: Transaction) {
        transaction.set_read_only(self.read_only);
        transaction.set_ends_with_error(true);
        self.transaction = transaction;
        self.has_run = false;
        self.locked.clear();
        self.pending = Pending::default();
    }

    /// How many savepoints it is in.
    pub fn savepoint_count(&self) -> usize {
        self.savepoints.len()
    }

    /// Notes that a setting has changed until the end of the transaction, when `before` is its value again.
    /// `None`: the change is to last, whatever was to end with the transaction.
    pub fn note_setting(&mut self, name: &str, before: Option<String>) {
        let name = Settings::canonical_name(name);
        match before {
            Some(before) => self.local.push((name, before)),
            None => self.local.retain(|(other, _)| *other != name),
        }
    }

    /// Whether it is in a savepoint.
    pub fn has_savepoints(&self) -> bool {
        !self.savepoints.is_empty()
    }

    /// Changes the level, before there is a snapshot.
    pub fn set_level(&mut self, level: Level) {
        self.level = level;
        self.transaction.set_isolation(isolation(level));
    }

    /// Whether its first statement waits for a safe snapshot.
    pub fn wants_safe_snapshot(&self) -> bool {
        self.deferrable
            && self.read_only
            && self.transaction.isolation() == Isolation::Serializable
            && !self.transaction.has_snapshot()
    }

    pub fn set_read_only(&mut self, read_only: bool) {
        self.read_only = read_only;
        self.transaction.set_read_only(read_only);
    }

    /// Whether its locks keep everybody else from changing the table.
    pub fn excludes_writers(&self, table: u32) -> bool {
        let excludes = |mode: LockMode| {
            matches!(mode, LockMode::ShareRowExclusive | LockMode::AccessExclusive)
        };
        self.locked.iter().any(|(id, mode)| *id == table && excludes(*mode))
    }
}

impl Session {
    /// The state for ReadyForQuery.
    pub fn status(&self) -> Status {
        match &self.block {
            Some(block) if block.failed => Status::Failed,
            Some(block) if block.explicit => Status::Open,
            _ => Status::Idle,
        }
    }

    /// In a failed block only its end is accepted.
    pub(super) fn check_not_failed(&self, parsed: &Parsed) -> Result<()> {
        if self.status() != Status::Failed {
            return Ok(());
        }
        let ends = match parsed {
            Parsed::Sql(statement) => {
                matches!(**statement, Statement::Rollback { .. } | Statement::Commit { .. })
            }
            Parsed::Empty => true,
            Parsed::Maintenance { .. }
            | Parsed::Copy(_)
            | Parsed::CreateAs(_)
            | Parsed::Modes(_)
            | Parsed::Definition(_)
            | Parsed::Constraints(_)
            | Parsed::Cursor(_)
            | Parsed::AsOf(..) => false,
        };
        if ends {
            return Ok(());
        }
        Err(Error::new(
            SqlState::InFailedSqlTransaction,
            "current transaction is aborted, commands ignored until end of transaction block",
        ))
    }

    /// The current transaction; starts an implicit one if there is none.
    pub(super) fn block(&mut self) -> &mut Block {
        if self.block.is_none() {
            let level = self.settings.default_level();
            let manager = &self.database.manager;
            let mut transaction = manager.begin_in(&self.backend.locks, isolation(level));
            let read_only = self.settings.default_read_only();
            transaction.set_read_only(read_only);
            transaction.set_ends_with_error(true);
            self.block = Some(Block {
                transaction,
                explicit: false,
                failed: false,
                level,
                read_only,
                deferrable: self.settings.default_deferrable(),
                is_as_of: false,
                has_run: false,
                savepoints: Vec::new(),
                draft: None,
                pending: Pending::default(),
                now: self.implicit_now.take().unwrap_or_else(datetime::now),
                settings_before: self.settings.clone(),
                local: Vec::new(),
                locked: Vec::new(),
            });
        }
        self.block.as_mut().expect("a block was just made")
    }

    /// The start of the current transaction.
    pub(super) fn now(&self) -> i64 {
        match (&self.block, self.implicit_now) {
            (Some(block), _) => block.now,
            (None, Some(now)) => now,
            (None, None) => datetime::now(),
        }
    }

    /// After an error: a block is failed, an implicit transaction is gone.
    pub fn fail(&mut self) {
        match &mut self.block {
            Some(block) if block.explicit => {
                block.failed = true;
                // What the failed part held is given up now, not at ROLLBACK: others wait.
                match block.savepoints.last() {
                    Some(named) => block.transaction.rollback_to(named.savepoint),
                    None => {
                        block.transaction.abort();
                        self.backend.end_exports();
                    }
                }
                block.locked.clear();
            }
            Some(_) => self.roll_back(),
            None => self.implicit_now = None,
        }
    }

    /// Ends an implicit transaction, at the end of a query string or at Sync.
    pub async fn finish_implicit(&mut self) -> Result<()> {
        match &self.block {
            Some(block) if !block.explicit => self.commit().await,
            Some(_) => Ok(()),
            None => {
                self.finish_reads();
                Ok(())
            }
        }
    }

    /// Ends an implicit transaction that has only read and so never had a block. A portal lives as
    /// long as its transaction.
    pub fn finish_reads(&mut self) {
        self.portals.end_transaction();
        self.implicit_now = None;
    }

    fn restore_local(&mut self, local: Vec<(String, String)>) {
        for (name, value) in local.into_iter().rev() {
            let _ = self.settings_mut().set(&name, Some(&value));
        }
    }

    pub(super) async fn commit(&mut self) -> Result<()> {
        if let Err(error) = self.check_pending().await {
            self.roll_back();
            return Err(error);
        }
        if self.has_temporary
            && let Err(error) = Box::pin(self.commit_temporary()).await
        {
            self.roll_back();
            return Err(error);
        }
        if self.portals.has_to_hold()
            && let Err(error) = Box::pin(self.hold_cursors()).await
        {
            self.roll_back();
            return Err(error);
        }
        self.portals.end_transaction();
        let Some(mut block) = self.block.take() else { return Ok(()) };
        self.backend.end_exports();
        self.restore_local(std::mem::take(&mut block.local));
        let mut clear = false;
        if let Some(draft) = block.draft.take() {
            let catalog = self.database.catalog.clone();
            let schema = Arc::unwrap_or_clone(draft);
            block.transaction.on_commit(Box::new(move |at| catalog.install(schema, at)));
            clear = true;
        }
        let settings_before = block.settings_before;
        let result = block.transaction.commit(self.settings.durable()).await;
        if let Err(error) = result {
            self.settings = settings_before;
            return Err(error.into());
        }
        if clear {
            let database = self.database.clone();
            tokio::spawn(async move {
                if let Err(error) = database.clear_garbage().await {
                    tracing::warn!(%error, "could not clear dropped tables");
                }
            });
        }
        Ok(())
    }

    fn roll_back(&mut self) {
        self.portals.end_transaction();
        if let Some(block) = self.block.take() {
            self.backend.end_exports();
            self.settings = block.settings_before;
            block.transaction.rollback();
        }
    }

    fn warn(&mut self, state: SqlState, message: &str) {
        self.notice(Severity::Warning, state, message);
    }

    pub(super) fn in_block(&self) -> bool {
        self.block.as_ref().is_some_and(|block| block.explicit)
    }

    pub(super) fn require_block(&self, what: &str) -> Result<()> {
        match self.in_block() {
            true => Ok(()),
            false => Err(Error::new(
                SqlState::NoActiveSqlTransaction,
                format!("{what} can only be used in transaction blocks"),
            )),
        }
    }

    pub(super) async fn end_block(&mut self, commit: bool, chain: bool) -> Result<Outcome> {
        if !self.in_block() {
            if chain {
                let word = if commit { "COMMIT" } else { "ROLLBACK" };
                return Err(Error::new(
                    SqlState::NoActiveSqlTransaction,
                    format!("{word} AND CHAIN can only be used in transaction blocks"),
                ));
            }
            let message = "there is no transaction in progress";
            self.warn(SqlState::NoActiveSqlTransaction, message);
        }
        let characteristics = self.block.as_ref().map(|b| (b.level, b.read_only, b.deferrable));
        let failed = self.status() == Status::Failed;
        let tag = if commit && !failed { "COMMIT" } else { "ROLLBACK" };
        if tag == "COMMIT" {
            self.commit().await?;
        } else {
            self.roll_back();
        }
        if let (true, Some((level, read_only, deferrable))) = (chain, characteristics) {
            let block = self.block();
            block.explicit = true;
            block.set_level(level);
            block.set_read_only(read_only);
            block.deferrable = deferrable;
        }
        Ok(Outcome::Command(tag.into()))
    }

    pub(super) fn savepoint(
        &mut self,
        name: &datafusion::sql::sqlparser::ast::Ident,
    ) -> Result<Outcome> {
        self.require_block("SAVEPOINT")?;
        let (name, settings) = (fold(name), self.settings.clone());
        let block = self.block();
        let savepoint = block.transaction.savepoint();
        let (draft, read_only) = (block.draft.clone(), block.read_only);
        let (pending, local) = (block.pending.mark(), block.local.clone());
        let named = Named { name, savepoint, settings, local, draft, pending, read_only };
        block.savepoints.push(named);
        block.transaction.set_ends_with_error(false);
        Ok(Outcome::Command("SAVEPOINT".into()))
    }

    fn find_savepoint(&mut self, name: &str) -> Result<usize> {
        let block = self.block();
        let found = block.savepoints.iter().rposition(|named| named.name == name);
        found.ok_or_else(|| {
            Error::new(
                SqlState::InvalidSavepointSpecification,
                format!("savepoint \"{name}\" does not exist"),
            )
        })
    }

    pub(super) fn release(
        &mut self,
        name: &datafusion::sql::sqlparser::ast::Ident,
    ) -> Result<Outcome> {
        self.require_block("RELEASE SAVEPOINT")?;
        let index = self.find_savepoint(&fold(name))?;
        let block = self.block();
        while block.savepoints.len() > index {
            // What was set inside ends with it, as in PostgreSQL.
            if let Some(named) = block.savepoints.pop() {
                block.set_read_only(named.read_only);
            }
            block.transaction.release_savepoint();
        }
        let ends = block.savepoints.is_empty();
        block.transaction.set_ends_with_error(ends);
        self.portals.release_to(index);
        Ok(Outcome::Command("RELEASE".into()))
    }

    pub(super) fn rollback_to(
        &mut self,
        name: &datafusion::sql::sqlparser::ast::Ident,
    ) -> Result<Outcome> {
        self.require_block("ROLLBACK TO SAVEPOINT")?;
        let index = self.find_savepoint(&fold(name))?;
        let block = self.block();
        while block.savepoints.len() > index + 1 {
            block.savepoints.pop();
            block.transaction.release_savepoint();
        }
        block.failed = false;
        block.locked.clear();
        if let Some(named) = block.savepoints.last() {
            block.transaction.rollback_to(named.savepoint);
            block.pending.rollback_to(&named.pending);
            block.draft.clone_from(&named.draft);
            block.local.clone_from(&named.local);
            let (settings, read_only) = (named.settings.clone(), named.read_only);
            block.set_read_only(read_only);
            self.settings = settings;
        }
        self.portals.roll_back_to(index);
        Ok(Outcome::Command("ROLLBACK".into()))
    }

    /// Refuses a change in a read-only transaction.
    pub(super) fn check_writable(&mut self, what: &str) -> Result<()> {
        match self.block().read_only {
            false => Ok(()),
            true => Err(Error::new(
                SqlState::ReadOnlySqlTransaction,
                format!("cannot execute {what} in a read-only transaction"),
            )),
        }
    }
}
