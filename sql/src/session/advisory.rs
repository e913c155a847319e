//! Statements that call functions on advisory locks, on their own snapshot, or on settings, or that sleep.
//!
//! A function on locks cannot wait where it is called, in the middle of an executor. So it ends the
//! statement with [`Error::WouldWait`]; the session waits for the lock and runs the statement
//! again. Its calls up to that point are answered as they were before
//! ([`Backend::call`](crate::sessions::Backend::call)), so each is made once, however often the
//! statement runs. Rows reach the client when all calls have been made, and changed settings the
//! session.

use std::sync::Arc;

use cairn_txn::Access;
use cairn_txn::locks::Wait;

use super::Session;
use super::execute::limited;
use super::outcome::{Outcome, Rows};
use super::plan::{Action, Plan};
use super::settings::Severity;
use crate::error::{Error, Result, SqlState};
use crate::lock_names::describe_deadlock;
use crate::sessions::{Changed, Offer};
use crate::types::Datum;

impl Session {
    /// Runs a statement whose functions act on the session.
    pub(super) async fn execute_with_calls(
        &mut self,
        plan: &Plan,
        params: Arc<Vec<Datum>>,
    ) -> Result<Outcome> {
        self.backend.begin_calls();
        self.backend.begin_changes();
        let outcome = self.execute_until_called(plan, params).await;
        self.backend.offer(Offer::Nothing);
        if let Some(changed) = self.backend.end_changes(outcome.is_err()) {
            self.take_over(changed);
        }
        for warning in self.backend.take_warnings() {
            self.notice(Severity::Warning, SqlState::Warning, warning);
        }
        // What a statement that failed had taken stays, as what it had written does not.
        if outcome.is_ok() {
            self.backend.finish_calls();
        }
        self.backend.begin_calls();
        outcome
    }

    async fn execute_until_called(
        &mut self,
        plan: &Plan,
        params: Arc<Vec<Datum>>,
    ) -> Result<Outcome> {
        let mut has_begun = false;
        loop {
            let outcome = match &plan.action {
                Action::Query { source, columns } => {
                    if !has_begun {
                        self.begin_statement(plan, Access::Read)?;
                        self.offer_snapshot();
                    }
                    let env = self.env(params.clone());
                    let rows = self.collect(source, env).await;
                    rows.map(|rows| Outcome::Rows(Rows::ready(columns.clone(), rows, "SELECT")))
                }
                _ => Box::pin(self.execute_with_restarts(plan, params.clone(), has_begun)).await,
            };
            let Err(Error::WouldWait(call)) = outcome else { return outcome };
            let backend = self.backend.clone();
            let is_lock = call.lock.is_some();
            let limit = self.settings.lock_timeout().filter(|_| is_lock);
            limited(limit, backend.wait_for(*call)).await?;
            has_begun = true;
        }
    }

    /// Goes on with settings that a statement has changed.
    fn take_over(&mut self, changed: Changed) {
        // The transaction has to know the former ones first, for a rollback.
        let block = self.block();
        for (name, before) in changed.made {
            block.note_setting(&name, before);
        }
        self.settings = changed.settings;
    }

    /// Lets the statement export its snapshot, but from within a savepoint.
    fn offer_snapshot(&mut self) {
        let block = self.block();
        let offer = match block.transaction.share_snapshot() {
            _ if block.has_savepoints() => Offer::InSavepoint,
            Some(snapshot) => Offer::Snapshot(block.transaction.id(), snapshot),
            None => Offer::Nothing,
        };
        self.backend.offer(offer);
    }

    /// Tells the log what those did who are in a deadlock.
    pub(super) fn log_deadlock(&self, cycle: &[Wait]) {
        let queries = cycle.iter().map(|wait| {
            let id = wait.waiter.session;
            let query = match self.database.sessions.get(id) {
                Ok(backend) => backend.activity.lock().query.to_string(),
                Err(_) => "<backend information not available>".to_owned(),
            };
            format!("Process {id}: {query}")
        });
        let queries = queries.collect::<Vec<_>>().join("\n");
        tracing::warn!("deadlock detected\n{}\n{queries}", describe_deadlock(cycle));
    }
}
