//! Materialized views: tables that are filled by a query which they keep.
//!
//! REFRESH gives the table a new place for its rows, as TRUNCATE does, and fills it; who reads the old
//! ones goes on to do so.

use std::sync::Arc;

use cairn_txn::{Access, LockMode};
use datafusion::sql::sqlparser::ast::Query;

use super::super::Session;
use super::super::plan::{Action, Plan, make_source};
use super::undefined_table;
use crate::catalog::names::{RelationName, is_temporary};
use crate::catalog::view::View;
use crate::catalog::{Column, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::Refresh;

impl Session {
    /// What a materialized view keeps of its query.
    pub(in crate::session) fn definition_of(
        &self,
        query: &Query,
        text: String,
        name: &RelationName,
        columns: &[Column],
        sql: &str,
    ) -> Result<View> {
        let uses = self.with_binder(sql, |binder| {
            binder.record_uses();
            binder.top_query(query)?;
            Ok(binder.take_uses())
        })?;
        let schema = self.schema();
        let of_session = uses.iter().any(|used| {
            let table = schema.table_by_id(used.id).map(|table| &table.schema);
            let view = schema.view_by_id(used.id).map(|view| &view.schema);
            table.or(view).is_some_and(|schema| is_temporary(schema))
        });
        if of_session {
            let message = "materialized views must not use temporary tables or views";
            return Err(Error::new(SqlState::FeatureNotSupported, message));
        }
        Ok(View {
            id: 0,
            schema: name.schema.clone(),
            name: name.name.clone(),
            columns: columns.to_vec(),
            query: text,
            uses,
            comment: None,
            check_option: None,
            security_barrier: None,
            security_invoker: None,
            updatable: None,
        })
    }

    fn materialized_view(&self, refresh: &Refresh) -> Result<Arc<Table>> {
        let wanted = self.named(&refresh.name)?;
        let schema = self.schema();
        match schema.table(&wanted) {
            Some(table) if table.definition.is_some() => Ok(table.clone()),
            None if !schema.is_taken(&wanted) => Err(undefined_table("relation", &wanted)),
            _ => {
                let message = format!("\"{wanted}\" is not a materialized view");
                Err(Error::new(SqlState::FeatureNotSupported, message))
            }
        }
    }

    fn plan_view(&self, view: &View) -> Result<Plan> {
        self.with_binder_for("", &[], |binder, version| {
            let bound = binder.query_of(view)?;
            let tables = binder.tables_used().into_iter();
            Ok(Plan {
                version,
                parameters: Vec::new(),
                tables: tables.map(|table| (table, LockMode::AccessShare)).collect(),
                has_calls: binder.has_calls(),
                current_of: None,
                action: Action::Query {
                    source: make_source(&bound.plan)?,
                    columns: bound.columns.into(),
                },
            })
        })
    }

    /// REFRESH MATERIALIZED VIEW.
    pub(super) async fn refresh(&mut self, refresh: &Refresh) -> Result<()> {
        self.lock_catalog().await?;
        let table = self.materialized_view(refresh)?;
        if refresh.concurrently {
            return Err(Error::unsupported("REFRESH MATERIALIZED VIEW CONCURRENTLY"));
        }
        self.lock_table(&table, LockMode::AccessExclusive).await?;
        let view = table.definition.as_deref();
        let view = view.ok_or_else(|| Error::internal("a materialized view without a query"))?;
        let plan = loop {
            let plan = self.plan_view(view)?;
            if self.lock_tables_of(&plan).await? {
                break plan;
            }
        };
        if plan.has_calls {
            return Err(Error::unsupported("REFRESH of a query that acts on the session"));
        }
        self.begin_statement(&plan, Access::Write)?;
        let env = self.env(Arc::default());
        let mut changed = self.empty(&table, false).await?;
        changed.is_populated = refresh.with_data;
        self.draft(|draft| draft.put_table(changed.clone()))?;
        if refresh.with_data {
            let Action::Query { source, .. } = &plan.action else {
                return Err(Error::internal("a materialized view without a query"));
            };
            // Its indexes are filled when all rows are there.
            let bare = Arc::new(Table { indexes: Vec::new(), ..changed.clone() });
            let mut more = self.database.vector.run(&source.logical, Arc::new(env));
            while let Some(rows) = more.recv().await {
                self.fill_table(&bare, rows?).await?;
            }
            for index in &changed.indexes {
                self.fill_index(&changed, index).await?;
            }
        }
        self.block().transaction.end_statement();
        Ok(())
    }
}
