//! Short reads outside of a block, the statement that servers answer most.
//!
//! At READ COMMITTED such a statement needs no transaction: it takes a snapshot, reads and is over
//! before its session does anything else. It waits for nothing, so it is no future either. The locks
//! of its tables need not be taken, only looked at: what a table loses after that look, the
//! snapshot still has.

use std::sync::Arc;

use super::outcome::Rows;
use super::plan::{Action, Source};
use super::{Columns, Prepared, Session};
use crate::error::Result;
use crate::row::{Env, RowPlan};
use crate::types::{Datum, datetime};

/// Runs a short plan to its end.
pub(super) fn run_rows(plan: &RowPlan, columns: &Columns, env: &Env) -> Result<Rows> {
    // Rows that came before an error reach the client before it, as from PostgreSQL.
    let mut found = Vec::new();
    match plan.collect_into(env, &mut found).err() {
        Some(error) if found.is_empty() => Err(error),
        failed => {
            let mut rows = Rows::ready(columns.clone(), found, "SELECT");
            rows.failed = failed;
            Ok(rows)
        }
    }
}

impl Session {
    /// Executes a short read outside of a block, which has nothing to wait for. `None` leaves the
    /// statement, with its parameters, to [`Session::execute`].
    pub fn execute_now(
        &mut self,
        prepared: &Prepared,
        params: &mut Vec<Datum>,
    ) -> Option<Result<Rows>> {
        if self.block.is_some() || self.settings.default_isolation() == "repeatable read" {
            return None;
        }
        let plan = self.plan(prepared).ok()??;
        let Action::Query { source: Source { rows: Some(rows), .. }, columns } = &plan.action
        else {
            return None;
        };
        if params.len() < plan.parameters.len() {
            return None;
        }
        let names = plan.tables.iter().map(|(table, _)| table.lock_name());
        let view = self.database.manager.read_now(names)?;
        // A change of the catalog that the snapshot holds has been installed before.
        let changed = self.schema_version() != plan.version
            || plan.tables.iter().any(|(table, _)| table.valid_from > view.at());
        if changed || !rows.is_short(&view) {
            return None;
        }
        let cancel = self.cancel.reset();
        self.implicit_now.get_or_insert_with(datetime::now);
        let env = self.env_on(view, Arc::new(std::mem::take(params)), cancel);
        Some(run_rows(rows, columns, &env))
    }
}
