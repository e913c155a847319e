//! EXPLAIN: which executor runs a statement, and how it reaches its rows.

use std::sync::Arc;
use std::time::Instant;

use datafusion::sql::sqlparser::ast::Statement;

use super::locking::Locking;
use super::modify::{Main, StatementPart, With};
use super::outcome::{Outcome, Rows};
use super::plan::{Action, Modify, Plan, Source};
use cairn_txn::Access;

use super::{Prepared, Session};
use crate::binder::OutputColumn;
use crate::binder::dml::Operation;
use crate::error::{Error, Result};
use crate::parser::Parsed;
use crate::parser::create_as::take_into;
use crate::row::Env;
use crate::types::{Datum, Type, TypeMod};

/// How rows are locked.
fn locks(locking: &Locking) -> String {
    let modes = locking.locks.iter().map(|lock| format!("{:?}", lock.mode));
    format!("Lock Rows ({})", modes.collect::<Vec<_>>().join(", "))
}

/// What a change does, and how it settles conflicts.
fn heading(modify: &Modify) -> String {
    let word = match modify.operation {
        Operation::Insert(_) => "Insert",
        Operation::Update(_) => "Update",
        Operation::Delete => "Delete",
        Operation::Merge(_) => "Merge",
    };
    let table = &modify.table;
    let Some(upsert) = &modify.on_conflict else { return format!("{word} on {}", table.name) };
    let arbiters = table.all_indexes().filter(|index| upsert.arbiters.contains(&index.storage));
    let arbiters = arbiters.map(|index| index.name.as_str()).collect::<Vec<_>>().join(", ");
    let resolution = if upsert.update.is_some() { "UPDATE" } else { "NOTHING" };
    format!("{word} on {} (conflict in {arbiters}: {resolution})", table.name)
}

impl Session {
    pub(super) async fn explain(
        &mut self,
        statement: &Statement,
        analyze: bool,
        sql: &str,
    ) -> Result<Outcome> {
        let mut statement = statement.clone();
        // SELECT INTO is planned as its query.
        if let Statement::Query(query) = &mut statement
            && take_into(&mut query.body).is_some()
            && analyze
        {
            return Err(Error::unsupported("EXPLAIN ANALYZE of SELECT INTO"));
        }
        let parsed = Parsed::Sql(Box::new(statement));
        let prepared = Prepared::new(sql.into(), parsed, Vec::new(), false);
        let plan =
            self.plan(&prepared)?.ok_or_else(|| Error::unsupported("EXPLAIN of this statement"))?;
        let mut lines = self.explain_plan(&plan).await?;
        if analyze {
            let started = Instant::now();
            let outcome = Box::pin(self.execute_for_explain(&prepared)).await?;
            lines.push(format!("Rows: {outcome}"));
            let ms = started.elapsed().as_secs_f64() * 1000.0;
            lines.push(format!("Execution Time: {ms:.3} ms"));
        }
        let column = OutputColumn {
            name: "QUERY PLAN".into(),
            ty: TypeMod::plain(Type::Text),
            origin: None,
            position: None,
        };
        let rows = lines.into_iter().map(|line| vec![Datum::Text(line)]).collect();
        Ok(Outcome::Rows(Rows::ready([column].into(), rows, "EXPLAIN")))
    }

    async fn execute_for_explain(&mut self, prepared: &Prepared) -> Result<u64> {
        let mut count = 0;
        if let Outcome::Rows(mut rows) = self.execute(prepared, Vec::new()).await? {
            loop {
                let batch = rows.next(usize::MAX).await?;
                if batch.is_empty() {
                    break;
                }
                count += batch.len() as u64;
            }
        }
        Ok(count)
    }

    async fn explain_plan(&mut self, plan: &Plan) -> Result<Vec<String>> {
        self.await_safe_snapshot().await?;
        self.begin_statement(plan, Access::Read)?;
        let params = plan.parameters.iter().map(|_| Datum::Null).collect();
        let env = self.env(Arc::new(params));
        match &plan.action {
            Action::Query { source, .. } => self.explain_source(None, source, &env).await,
            Action::Lock(locking) => {
                self.explain_source(Some(locks(locking)), &locking.source, &env).await
            }
            Action::Modify(modify) => {
                self.explain_source(Some(heading(modify)), &modify.source, &env).await
            }
            Action::With(With { parts, main, .. }) => {
                let (head, source) = match main {
                    Main::Query(source, _) => (None, &**source),
                    Main::Lock(locking) => (Some(locks(locking)), &locking.source),
                    Main::Modify(modify) => (Some(heading(modify)), &modify.source),
                };
                let mut lines = self.explain_source(head, source, &env).await?;
                for (number, part) in (1..).zip(parts) {
                    lines.push(format!("  CTE part {number}"));
                    let (head, source) = match part {
                        StatementPart::Modify(modify) => (heading(modify), &modify.source),
                        StatementPart::Lock(locking) => (locks(locking), &locking.source),
                    };
                    let part = self.explain_source(Some(head), source, &env).await?;
                    lines.extend(part.into_iter().map(|line| format!("    {line}")));
                }
                Ok(lines)
            }
        }
    }

    /// How the rows of a source are reached; `head` is what becomes of them, if they are not the result.
    async fn explain_source(
        &self,
        head: Option<String>,
        source: &Source,
        env: &Env,
    ) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        let changes = head.is_some();
        let indent = if changes { "  ->  " } else { "" };
        match &source.rows {
            Some(rows) if changes || rows.is_short(&env.view) => {
                lines.push("Executor: row".to_owned());
                lines.extend(head);
                lines.extend(rows.explain().into_iter().map(|line| format!("{indent}{line}")));
            }
            _ => {
                lines.push("Executor: vectorized".to_owned());
                lines.extend(head);
                let env = Arc::new(env.clone());
                let physical = self.database.vector.explain(&source.logical, env).await?;
                lines.extend(physical.into_iter().map(|line| format!("{indent}{line}")));
            }
        }
        Ok(lines)
    }
}
