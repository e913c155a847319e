//! CREATE TABLE AS and SELECT INTO: the table is made and filled by one transaction, so its rows need no
//! locks and go in a batch at a time.

use std::sync::Arc;

use cairn_txn::{Access, LockMode};
use datafusion::sql::sqlparser::ast::Statement;

use super::constraints::place;
use super::ddl::new_table;
use super::ddl::text;
use super::outcome::Outcome;
use super::plan::{Action, Plan, Source};
use super::storage_parameters::{self, Target};
use super::{Columns, Prepared, Session};
use crate::binder::fold;
use crate::catalog::names::is_temporary;
use crate::catalog::view::View;
use crate::catalog::{Column, MAX_COLUMNS, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::Parsed;
use crate::parser::create_as::{CreateAs, CreateSource};
use crate::row::modify::Writer;
use crate::row::rules::Rules;
use crate::row::{Env, Row};
use crate::types::{Datum, Type};

/// Rows that are added together.
const BATCH_ROWS: usize = 1000;

impl Session {
    pub(super) async fn create_as(&mut self, create: &CreateAs, sql: &str) -> Result<Outcome> {
        let command = match create.materialized {
            Some(_) => "CREATE MATERIALIZED VIEW",
            None if create.is_select_into => "SELECT INTO",
            None => "CREATE TABLE AS",
        };
        self.check_writable(command)?;
        let mut parameters = Vec::new();
        storage_parameters::set(&mut parameters, Target::Table, &create.options)?;
        let (prepared, params) = self.source_of(create, sql)?;
        let name = self
            .new_name(&create.name, create.temporary)
            .map_err(|error| error.at(place(sql, &create.name)))?;
        let is_temporary = is_temporary(&name.schema);
        if create.on_commit.is_some() && !is_temporary {
            return Err(Error::new(
                SqlState::InvalidTableDefinition,
                "ON COMMIT can only be used on temporary tables",
            ));
        }
        self.lock_catalog().await?;
        // Errors of the query come before those of the name.
        let plan = self.plan_and_lock(&prepared).await?;
        if self.exists_already(&name, create.if_not_exists)? {
            let tag = create.materialized.map_or("CREATE TABLE AS", |_| command);
            return Ok(Outcome::Command(tag.into()));
        }
        let Some(columns) = plan.columns().filter(|_| !matches!(plan.action, Action::Modify(_)))
        else {
            return Err(Error::unsupported(format!("{command} of this query")));
        };
        if plan.has_calls {
            return Err(Error::unsupported(format!(
                "{command} of a query that acts on the session"
            )));
        }
        let columns = columns_of(columns, create)?;
        let definition = match (&create.materialized, &create.source) {
            (Some((start, end)), CreateSource::Query(query)) => {
                Some(self.definition_of(query, text(sql, *start, *end), &name, &columns, sql)?)
            }
            _ => None,
        };
        self.has_temporary |= is_temporary;
        let table = self.draft(|draft| {
            let mut table = new_table(draft.schema, name, columns);
            table.is_populated = definition.is_some() && create.with_data;
            table.definition =
                definition.map(|definition| Box::new(View { id: table.id, ..definition }));
            table.parameters = parameters;
            table.on_commit = create.on_commit.unwrap_or_default();
            let table = Arc::new(table);
            draft.put_table((*table).clone())?;
            Ok(table)
        })?;
        self.lock_table(&table, LockMode::AccessExclusive).await?;
        self.anchor(&table).await?;
        if !create.with_data {
            let tag = match create.source {
                CreateSource::Query(_) if create.materialized.is_some() => command,
                CreateSource::Query(_) => "CREATE TABLE AS",
                CreateSource::Execute(..) => "SELECT 0",
            };
            return Ok(Outcome::Command(tag.into()));
        }
        let count = match &plan.action {
            Action::Query { source, .. } => self.fill_from(&plan, source, &table, params).await?,
            _ => {
                let filled = self.execute_with_restarts(&plan, Arc::new(params), false);
                let Outcome::Rows(mut rows) = Box::pin(filled).await? else {
                    return Err(Error::internal("a query without rows"));
                };
                let (rows, failed) = rows.take_ready();
                if let Some(error) = failed {
                    return Err(error);
                }
                self.begin_statement(&plan, Access::Write)?;
                let count = self.fill_table(&table, rows.into()).await?;
                self.block().transaction.end_statement();
                count
            }
        };
        Ok(Outcome::Command(format!("SELECT {count}")))
    }

    async fn fill_from(
        &mut self,
        plan: &Plan,
        source: &Source,
        table: &Arc<Table>,
        params: Vec<Datum>,
    ) -> Result<usize> {
        self.begin_statement(plan, Access::Write)?;
        let env = self.env(Arc::new(params));
        if let Some(rows) = self.rows_here(source, &env) {
            match rows.collect(&env) {
                Err(Error::TooLong) => {}
                rows => {
                    drop(env);
                    let count = self.fill_table(table, rows?).await?;
                    self.block().transaction.end_statement();
                    return Ok(count);
                }
            }
        }
        let mut count = 0;
        let mut more = self.database.vector.run(&source.logical, Arc::new(env));
        while let Some(rows) = more.recv().await {
            count += self.fill_table(table, rows?).await?;
        }
        self.block().transaction.end_statement();
        Ok(count)
    }

    /// The statement that fills the table, and its parameters.
    fn source_of(&mut self, create: &CreateAs, sql: &str) -> Result<(Arc<Prepared>, Vec<Datum>)> {
        match &create.source {
            CreateSource::Query(query) => {
                let parsed = Parsed::Sql(Box::new(Statement::Query(query.clone())));
                let prepared = Prepared::new(sql.into(), parsed, Vec::new(), false);
                if let Some(plan) = self.plan(&prepared)? {
                    no_parameters(&plan)?;
                }
                Ok((Arc::new(prepared), Vec::new()))
            }
            CreateSource::Execute(name, parameters) => {
                let name = fold(name);
                let prepared = self.prepared(&name)?;
                if !matches!(&*prepared.parsed, Parsed::Sql(statement)
                    if matches!(**statement, Statement::Query(_)))
                {
                    return Err(Error::new(
                        SqlState::WrongObjectType,
                        "prepared statement is not a SELECT",
                    ));
                }
                let values = self.parameter_values(&prepared, &name, parameters, sql)?;
                Ok((prepared, values))
            }
        }
    }

    /// Adds rows to a table that nobody else knows.
    pub(super) async fn fill_table(&mut self, table: &Arc<Table>, rows: Vec<Row>) -> Result<usize> {
        let count = rows.len();
        let (style, sequences) = (self.style(), self.database.sequences.clone());
        let env = self.env(Arc::default());
        let env = Env { view: env.view.without_own_writes(), ..env };
        // It has no constraints yet.
        let rules = Rules::default();
        let transaction = &mut self.block().transaction;
        let mut writer = Writer::new(table, &rules, &env, &style, true);
        let mut rows = rows.into_iter();
        loop {
            let mut batch: Vec<Row> = rows.by_ref().take(BATCH_ROWS).collect();
            if batch.is_empty() {
                return Ok(count);
            }
            env.check_cancel()?;
            tokio::task::yield_now().await;
            for row in &mut batch {
                row.push(Datum::Int64(sequences.next_row_number(table.id)?));
            }
            writer.add_all(transaction, &batch).await.map_err(|(_, error)| error)?;
        }
    }
}

fn no_parameters(plan: &Plan) -> Result<()> {
    match plan.parameters.is_empty() {
        true => Ok(()),
        false => Err(Error::new(SqlState::UndefinedParameter, "there is no parameter $1")),
    }
}

/// The columns of a table that is made of these.
fn columns_of(outputs: &Columns, create: &CreateAs) -> Result<Vec<Column>> {
    if create.columns.len() > outputs.len() {
        return Err(Error::new(SqlState::SyntaxError, "too many column names were specified"));
    }
    if outputs.len() > MAX_COLUMNS {
        return Err(Error::new(
            SqlState::TooManyColumns,
            format!("tables can have at most {MAX_COLUMNS} columns"),
        ));
    }
    let mut columns: Vec<Column> = Vec::new();
    for (index, output) in outputs.iter().enumerate() {
        let name = create.columns.get(index).map_or_else(|| output.name.clone(), fold);
        if columns.iter().any(|column| column.name == name) {
            return Err(Error::new(
                SqlState::DuplicateColumn,
                format!("column \"{name}\" specified more than once"),
            ));
        }
        if matches!(output.ty.kind, Type::Void | Type::Record) {
            let kind = output.ty.kind.name();
            return Err(Error::new(
                SqlState::InvalidTableDefinition,
                format!("column \"{name}\" has pseudo-type {kind}"),
            ));
        }
        columns.push(Column::new(name, output.ty));
    }
    Ok(columns)
}
