//! Short reads, the statements that servers answer most.
//!
//! They wait for nothing, so they are no futures. Outside of a block, at READ COMMITTED, such a
//! statement needs no transaction either: it takes a snapshot, reads and is over before its session
//! does anything else. The locks of its tables need not be taken then, only looked at: what a table
//! loses after that look, the snapshot still has.

use std::sync::Arc;

use cairn_txn::{Access, Isolation, ReadView, WaitPolicy};
use futures::FutureExt;

use super::outcome::Rows;
use super::plan::{Action, Plan, Source};
use super::retry::is_conflict;
use super::transaction::Status;
use super::{Columns, Prepared, Session};
use crate::error::{Error, Result};
use crate::parser::Parsed;
use crate::row::{Env, RowPlan};
use crate::types::{Datum, datetime};

/// Runs a short plan to its end.
pub(super) fn run_rows(plan: &RowPlan, columns: &Columns, env: &Env) -> Result<Rows> {
    // Rows that came before an error reach the client before it, as from PostgreSQL.
    let mut found = Vec::new();
    match plan.collect_into(env, &mut found).err() {
        Some(Error::TooLong) => Err(Error::TooLong),
        // But a scan that turns out to be a conflict has not read anything: its client may go on, behind
        // a savepoint.
        Some(error) if found.is_empty() || is_conflict(&error) => Err(error),
        failed => {
            let mut rows = Rows::ready(columns.clone(), found, "SELECT");
            rows.failed = failed;
            Ok(rows)
        }
    }
}

impl Session {
    /// Executes a short read that has nothing to wait for. `None` leaves the statement, with its
    /// parameters, to [`Session::execute`].
    pub fn execute_now(
        &mut self,
        prepared: &Prepared,
        params: &mut Vec<Datum>,
    ) -> Option<Result<Rows>> {
        if self.status() == Status::Failed
            || !self.uses_shared_plans()
            || matches!(&*prepared.parsed, Parsed::AsOf(..))
        {
            return None;
        }
        let plan = self.plan(prepared).ok()??;
        let Action::Query { source: Source { rows: Some(rows), .. }, columns } = &plan.action
        else {
            return None;
        };
        if params.len() < plan.parameters.len() || plan.has_calls {
            return None;
        }
        let view = match self.block {
            Some(_) => match self.view_in_block(&plan)? {
                Ok(view) => view,
                Err(error) => return Some(Err(error)),
            },
            None => self.view_outside(&plan)?,
        };
        if !rows.is_short(&view) {
            return None;
        }
        self.note_statement(prepared);
        let cancel = self.cancel.reset();
        self.deadline = None;
        let env = self.env_on(view, Arc::new(std::mem::take(params)), cancel);
        match run_rows(rows, columns, &env) {
            Err(Error::TooLong) => {
                self.is_long = true;
                *params = Arc::unwrap_or_clone(env.params);
                None
            }
            ran => Some(ran),
        }
    }

    /// A view for one statement that is its whole transaction.
    fn view_outside(&mut self, plan: &Plan) -> Option<ReadView> {
        if self.settings.default_isolation() != Isolation::ReadCommitted {
            return None;
        }
        let names = plan.tables.iter().map(|(table, _)| table.lock_name());
        let view = self.database.manager.read_now(names)?;
        // A change of the catalog that the snapshot holds has been installed before.
        let changed = self.schema_version() != plan.version
            || plan.tables.iter().any(|(table, _)| table.valid_from > view.at());
        if changed {
            return None;
        }
        self.implicit_now.get_or_insert_with(datetime::now);
        Some(view)
    }

    /// A view for the next statement of the open block, if the locks of its tables are to be had.
    fn view_in_block(&mut self, plan: &Plan) -> Option<Result<ReadView>> {
        if self.block().wants_safe_snapshot() {
            return None;
        }
        for (table, mode) in &plan.tables {
            let block = self.block();
            if block.locked.contains(&(table.id, *mode)) {
                continue;
            }
            let name = table.lock_name();
            let lock = block.transaction.lock_name(&name, *mode, WaitPolicy::Skip);
            // An error here comes again, and is told, where the statement goes on.
            if !lock.now_or_never()?.ok()? {
                return None;
            }
            block.locked.push((table.id, *mode));
        }
        if self.schema_version() != plan.version {
            return None;
        }
        match self.begin_statement(plan, Access::Read) {
            Ok(()) => Some(Ok(self.block().transaction.view())),
            Err(error) => Some(Err(error)),
        }
    }
}
