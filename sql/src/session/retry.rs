//! Running a statement again that failed to be serializable, before its client has seen anything.
//!
//! At REPEATABLE READ and SERIALIZABLE a conflict with a concurrent transaction is error 40001, which
//! clients answer by running their transaction again. Where the failed statement is the first of its
//! transaction, the server does that itself, on a new snapshot: nothing of the transaction has
//! reached the client, so there is nothing that could have been different.
//!
//! A statement that is a whole query string outside of a block is committed before its results are
//! sent, so that a conflict found at the commit is one of these, too. In the extended protocol the
//! commit comes with Sync, behind the results: there it is not. Neither is it where rows are sent
//! while they are made, or once they have been.
//!
//! The setting `cairn.statement_retries` says how often; 0 is what PostgreSQL does.

use cairn_txn::Isolation;
use tokio::time::Instant;

use super::characteristics::isolation;
use super::outcome::Outcome;
use super::plan::is_planned;
use super::{Prepared, Session};
use crate::error::{Error, Result};
use crate::parser::Parsed;
use crate::types::Datum;

/// Whether transactions got in each other's way.
pub(super) fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::Transaction(cairn_txn::Error::Serialization(_)))
}

impl Session {
    /// Whether nothing has happened in the current transaction that the next statement could not
    /// happen without, or again.
    fn is_at_start(&mut self) -> bool {
        let block = self.block();
        block.transaction.isolation() != Isolation::ReadCommitted
            && !block.has_run()
            && !block.has_savepoints()
            && block.draft.is_none()
            && block.locked.is_empty()
            && !self.backend.locks.has_any_of_transaction()
    }

    /// Says whether the statement to come is all of its query string.
    pub fn set_alone(&mut self, alone: bool) {
        self.alone = alone;
    }

    /// Executes a statement with its parameters. On error the caller calls [`Session::fail`].
    pub async fn execute(&mut self, prepared: &Prepared, params: Vec<Datum>) -> Result<Outcome> {
        let timeout = self.settings.statement_timeout();
        self.deadline = timeout.map(|timeout| Instant::now() + timeout);
        let is_planned =
            matches!(&*prepared.parsed, Parsed::Sql(statement) if is_planned(statement));
        if !is_planned || !self.is_at_start() {
            return self.execute_watched(prepared, params).await;
        }
        let mut retries = self.settings.statement_retries();
        loop {
            let ran = self.execute_watched(prepared, params.clone());
            let mut outcome = Box::pin(ran).await;
            if outcome.as_ref().is_ok_and(|outcome| self.may_commit_before(outcome)) {
                // Without a watch: whether a commit happened must not become unknown.
                outcome = Box::pin(self.commit()).await.and(outcome);
            }
            if !outcome.as_ref().is_err_and(is_conflict) || retries == 0 {
                return outcome;
            }
            retries -= 1;
            self.restart_transaction();
        }
    }

    /// Whether a statement is all of its transaction, and has all of its results.
    fn may_commit_before(&self, outcome: &Outcome) -> bool {
        let is_complete = match outcome {
            Outcome::Rows(rows) => rows.more.is_none() && rows.failed.is_none(),
            Outcome::Command(_) => true,
            _ => false,
        };
        self.alone && is_complete && !self.in_block()
    }

    /// A new transaction in place of the current one, with its characteristics.
    fn restart_transaction(&mut self) {
        let (manager, locks) = (self.database.manager.clone(), self.backend.locks.clone());
        // Without a block the commit has failed, and the next statement makes a new one.
        let Some(block) = &mut self.block else { return };
        // First the old one ends: they share what functions have locked.
        block.transaction.abort();
        block.restart(manager.begin_in(&locks, isolation(block.level)));
    }
}
