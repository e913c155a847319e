//! EXPLAIN: which executor runs a statement, and how it reaches its rows.

use std::sync::Arc;
use std::time::Instant;

use datafusion::sql::sqlparser::ast::Statement;

use super::explain_form::Form;
use super::locking::Locking;
use super::modify::{Main, StatementPart, With};
use super::outcome::{Outcome, Rows};
use super::plan::{Action, Modify, Plan, Source};
use cairn_txn::Access;

use super::{Prepared, Session};
use crate::binder::dml::Operation;
use crate::error::{Error, Result};
use crate::parser::Parsed;
use crate::parser::create_as::take_into;
use crate::row::Env;
use crate::row::profile::{Detail, Profile};
use crate::types::Datum;
use crate::vector::measured_lines;

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
        form: Form,
        sql: &str,
    ) -> Result<Outcome> {
        let mut statement = statement.clone();
        // SELECT INTO is planned as its query.
        if let Statement::Query(query) = &mut statement
            && take_into(&mut query.body).is_some()
            && form.analyze
        {
            return Err(Error::unsupported("EXPLAIN ANALYZE of SELECT INTO"));
        }
        let parsed = Parsed::Sql(Box::new(statement));
        let mut prepared = Prepared::new(sql.into(), parsed, Vec::new(), false);
        let planning = Instant::now();
        let plan =
            self.plan(&prepared)?.ok_or_else(|| Error::unsupported("EXPLAIN of this statement"))?;
        let planned_ms = planning.elapsed().as_secs_f64() * 1000.0;
        let mut more: Vec<(String, serde_json::Value)> = Vec::new();
        let mut profile = None;
        let mut executed_ms = None;
        let mut rows_given = None;
        if form.analyze {
            // The plan that is shown is the one that runs.
            prepared.pinned = Some(plan.clone());
            let measured = Arc::new(Profile::new(form.timing));
            self.profile = Some(measured.clone());
            let started = Instant::now();
            let ran = Box::pin(self.execute_for_explain(&prepared)).await;
            self.profile = None;
            rows_given = Some(ran?);
            executed_ms = Some(started.elapsed().as_secs_f64() * 1000.0);
            profile = Some(measured);
        }
        let detail =
            Detail { costs: form.costs, verbose: form.verbose, profile: profile.as_deref() };
        let lines = self.explain_plan(&plan, detail).await?;
        if let Some(rows) = rows_given {
            more.push(("Rows".to_owned(), rows.to_string().into()));
        }
        if form.settings {
            let changed = self.settings.changed_planner_settings();
            if !changed.is_empty() {
                let shown = changed.iter().map(|(name, value)| format!("{name} = '{value}'"));
                let shown = shown.collect::<Vec<_>>().join(", ");
                more.push(("Settings".to_owned(), shown.into()));
            }
        }
        if form.summary {
            let ms = |ms: f64| serde_json::Value::from((ms * 1000.0).round() / 1000.0);
            more.push(("Planning Time".to_owned(), ms(planned_ms)));
            if let Some(executed_ms) = executed_ms {
                more.push(("Execution Time".to_owned(), ms(executed_ms)));
            }
        }
        let rows = form.rows(&lines, &more);
        let rows = rows.into_iter().map(|line| vec![Datum::Text(line)]).collect();
        Ok(Outcome::Rows(Rows::ready([form.column()].into(), rows, "EXPLAIN")))
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

    async fn explain_plan(&mut self, plan: &Plan, detail: Detail<'_>) -> Result<Vec<String>> {
        self.await_safe_snapshot().await?;
        self.begin_statement(plan, Access::Read)?;
        let params = plan.parameters.iter().map(|_| Datum::Null).collect();
        let env = self.env(Arc::new(params));
        match &plan.action {
            Action::Query { source, .. } => self.explain_source(None, source, &env, detail).await,
            Action::Lock(locking) => {
                self.explain_source(Some(locks(locking)), &locking.source, &env, detail).await
            }
            Action::Modify(modify) => {
                self.explain_source(Some(heading(modify)), &modify.source, &env, detail).await
            }
            Action::With(With { parts, main, .. }) => {
                let (head, source) = match main {
                    Main::Query(source, _) => (None, &**source),
                    Main::Lock(locking) => (Some(locks(locking)), &locking.source),
                    Main::Modify(modify) => (Some(heading(modify)), &modify.source),
                };
                let mut lines = self.explain_source(head, source, &env, detail).await?;
                for (number, part) in (1..).zip(parts) {
                    lines.push(format!("  CTE part {number}"));
                    let (head, source) = match part {
                        StatementPart::Modify(modify) => (heading(modify), &modify.source),
                        StatementPart::Lock(locking) => (locks(locking), &locking.source),
                    };
                    let part = self.explain_source(Some(head), source, &env, detail).await?;
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
        detail: Detail<'_>,
    ) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        let changes = head.is_some();
        let indent = if changes { "  ->  " } else { "" };
        match &source.rows {
            Some(rows)
                if detail.profile.is_none_or(|profile| profile.physical().is_none())
                    && (changes || rows.is_short(&env.view)) =>
            {
                lines.push("Executor: row".to_owned());
                lines.extend(head);
                lines
                    .extend(rows.explain(detail).into_iter().map(|line| format!("{indent}{line}")));
            }
            _ => {
                lines.push("Executor: vectorized".to_owned());
                lines.extend(head);
                let physical = match detail.profile.and_then(Profile::physical) {
                    Some(ran) => measured_lines(&ran),
                    None => {
                        let env = Arc::new(env.clone());
                        self.database.vector.explain(&source.logical, env).await?
                    }
                };
                lines.extend(physical.into_iter().map(|line| format!("{indent}{line}")));
            }
        }
        Ok(lines)
    }
}
