//! EXPLAIN: which executor runs a statement, and how it reaches its rows.

use std::sync::Arc;
use std::time::Instant;

use datafusion::sql::sqlparser::ast::Statement;

use super::locking::Locking;
use super::outcome::{Outcome, Rows};
use super::plan::{Action, Plan, Source};
use cairn_txn::Access;

use super::{Prepared, Session};
use crate::binder::OutputColumn;
use crate::error::{Error, Result};
use crate::parser::Parsed;
use crate::types::{Datum, Type, TypeMod};

impl Session {
    pub(super) async fn explain(
        &mut self,
        statement: &Statement,
        analyze: bool,
        sql: &str,
    ) -> Result<Outcome> {
        let parsed = Parsed::Sql(Box::new(statement.clone()));
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
        let (head, source): (Option<String>, &Source) = match &plan.action {
            Action::Query { source, .. } => (None, source),
            Action::Lock(Locking { source, locks, .. }) => {
                let locks = locks.iter().map(|lock| format!("{:?}", lock.mode));
                let locks = locks.collect::<Vec<_>>().join(", ");
                (Some(format!("Lock Rows ({locks})")), source)
            }
            Action::Modify(modify) => {
                let word = match modify.operation {
                    crate::binder::dml::Operation::Insert(_) => "Insert",
                    crate::binder::dml::Operation::Update(_) => "Update",
                    crate::binder::dml::Operation::Delete => "Delete",
                };
                (Some(format!("{word} on {}", modify.table.name)), &modify.source)
            }
        };
        let changes = head.is_some();
        let mut lines = Vec::new();
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
                let physical = self.database.vector.explain(&source.logical, Arc::new(env)).await?;
                lines.extend(physical.into_iter().map(|line| format!("{indent}{line}")));
            }
        }
        Ok(lines)
    }
}
