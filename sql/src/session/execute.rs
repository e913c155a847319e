//! Executing statements.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::Poll;
use std::time::Duration;

use cairn_txn::{Access, Isolation, LockMode, ReadView, WaitPolicy};
use datafusion::sql::sqlparser::ast::{self, DiscardObject, Reset, Set, Statement};

use super::explain_form::Form;
use super::outcome::{Outcome, Rows, Watch};
use super::plan::{Action, Plan, Source, is_planned};
use super::read_now::run_rows;
use super::settings::Severity;
use super::{Columns, Prepared, Session};
use crate::binder::position::{next_token, position_of, token_after};
use crate::binder::{OutputColumn, fold, name_parts};
use crate::error::{Error, Result, SqlState};
use crate::functions::strings::quote_ident;
use crate::parser::Parsed;
use crate::parser::create_as::has_into;
use crate::row::kept::Kept;
use crate::row::{Env, Frame, Row, RowPlan};
use crate::types::interval::{HOUR_US, Interval};
use crate::types::{Datum, Type, TypeMod};

fn text_column(name: &str) -> OutputColumn {
    OutputColumn {
        name: name.to_owned(),
        ty: TypeMod::plain(Type::Text),
        origin: None,
        position: None,
    }
}

/// Waits for locks no longer than lock_timeout says.
pub(super) async fn limited<T>(
    lock_timeout: Option<Duration>,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    match lock_timeout {
        None => work.await,
        Some(limit) => tokio::time::timeout(limit, work).await.map_err(|_| timed_out())?,
    }
}

/// Refuses a statement with fewer values than it has parameters.
pub(super) fn check_parameters(plan: &Plan, params: &[Datum], sql: &str) -> Result<()> {
    if params.len() >= plan.parameters.len() {
        return Ok(());
    }
    let missing = format!("${}", params.len() + 1);
    let position = token_after(sql, 1, &[&missing]);
    let message = format!("there is no parameter {missing}");
    Err(Error::new(SqlState::UndefinedParameter, message).at(position))
}

impl Session {
    /// Executes a statement once, until it is canceled or its deadline has come.
    pub(super) async fn execute_watched(
        &mut self,
        prepared: &Prepared,
        params: Vec<Datum>,
    ) -> Result<Outcome> {
        let flag = self.cancel.reset();
        self.note_statement(prepared);
        self.check_not_failed(&prepared.parsed)?;
        let cancel = self.cancel.clone();
        let is_end = matches!(&*prepared.parsed, Parsed::Sql(statement)
            if matches!(**statement, Statement::Commit { .. } | Statement::Rollback { .. }));
        if is_end {
            // Whether a commit happened must not become unknown.
            return self.execute_inner(prepared, params).await;
        }
        let watch = Watch { cancel, flag, deadline: self.deadline };
        // On the heap: an await copies what it waits for into the future around it, and there are
        // many around this one. Most statements end at the first poll, and only the others are
        // worth watching.
        let mut run = Box::pin(self.execute_inner(prepared, params));
        let first = poll_fn(|context| Poll::Ready(run.as_mut().poll(context))).await;
        let mut outcome = match first {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => tokio::select! {
                biased;
                outcome = &mut run => outcome,
                error = watch.ended() => Err(error),
            },
        };
        drop(run);
        if outcome.is_err() {
            self.backend.abandon();
        }
        if let Err(Error::Transaction(cairn_txn::Error::Deadlock(cycle))) = &outcome {
            self.log_deadlock(cycle);
        }
        let rows = match &mut outcome {
            Ok(Outcome::Rows(rows)) => Some(rows),
            Ok(Outcome::CopyOut(copy)) => Some(&mut copy.rows),
            _ => None,
        };
        if let Some(rows) = rows {
            rows.watch = rows.more.is_some().then_some(watch);
        }
        outcome
    }

    pub(super) async fn execute_inner(
        &mut self,
        prepared: &Prepared,
        params: Vec<Datum>,
    ) -> Result<Outcome> {
        match &*prepared.parsed {
            Parsed::Empty => Ok(Outcome::Empty),
            Parsed::Maintenance { vacuum, analyze, tables } => {
                Box::pin(self.maintenance(*vacuum, *analyze, tables, prepared.alone)).await
            }
            Parsed::Copy(copy) => Box::pin(self.copy(copy, &prepared.sql)).await,
            Parsed::CreateAs(create) => Box::pin(self.create_as(create, &prepared.sql)).await,
            Parsed::Modes(modes) => self.transaction_modes(modes),
            Parsed::Definition(definition) => {
                Box::pin(self.define(definition, &prepared.sql, prepared.alone)).await
            }
            Parsed::Constraints(set) => Box::pin(self.set_constraints(set)).await,
            Parsed::Cursor(statement) => {
                Box::pin(self.run_cursor_statement(statement, prepared, params)).await
            }
            Parsed::AsOf(_, time) => {
                self.read_one_as_of(time)?;
                // Its transaction is read-only now.
                self.note_statement(prepared);
                self.execute_planned(prepared, params).await
            }
            Parsed::Sql(statement) => match &**statement {
                planned if is_planned(planned) => self.execute_planned(prepared, params).await,
                other => Box::pin(self.execute_utility(other, &prepared.sql, prepared.alone)).await,
            },
        }
    }

    /// Locks the tables of a plan; plans again if one changed meanwhile.
    pub(super) async fn plan_and_lock(&mut self, prepared: &Prepared) -> Result<Arc<Plan>> {
        loop {
            let plan = self
                .plan(prepared)?
                .ok_or_else(|| Error::internal("a statement without a plan"))?;
            if self.lock_tables_of(&plan).await? {
                return Ok(plan);
            }
        }
    }

    /// Locks the tables of a plan; false if the plan is out of date then.
    pub(super) async fn lock_tables_of(&mut self, plan: &Plan) -> Result<bool> {
        let version = self.schema_version();
        for (table, mode) in &plan.tables {
            self.lock_table(table, *mode).await?;
        }
        let is_current = self.schema_version() == version;
        if is_current {
            self.await_safe_snapshot().await?;
        }
        Ok(is_current)
    }

    pub(super) async fn lock_table(
        &mut self,
        table: &crate::catalog::Table,
        mode: LockMode,
    ) -> Result<()> {
        let lock_timeout = self.settings.lock_timeout();
        let block = self.block();
        if block.locked.contains(&(table.id, mode)) {
            return Ok(());
        }
        let name = table.lock_name();
        let lock = block.transaction.lock_name(&name, mode, WaitPolicy::Block);
        limited(lock_timeout, async { Ok(lock.await?) }).await?;
        self.block().locked.push((table.id, mode));
        Ok(())
    }

    pub(super) async fn execute_planned(
        &mut self,
        prepared: &Prepared,
        mut params: Vec<Datum>,
    ) -> Result<Outcome> {
        let plan = self.plan_and_lock(prepared).await?;
        if let Some(what) = plan.changes() {
            self.check_writable(what)?;
        }
        check_parameters(&plan, &params, &prepared.sql)?;
        if let Some(current) = &plan.current_of {
            params.truncate(plan.parameters.len());
            params.extend(self.current_key(current).await?);
        }
        let params = Arc::new(params);
        if plan.has_calls {
            return self.execute_with_calls(&plan, params).await;
        }
        match &plan.action {
            Action::Query { source, columns } => {
                self.begin_statement(&plan, Access::Read)?;
                let env = self.env(params);
                self.read_source(source, columns, env)
            }
            _ => self.execute_with_restarts(&plan, params, false).await,
        }
    }

    /// The environment of a statement on the transaction's current snapshot.
    pub(super) fn env(&mut self, params: Arc<Vec<Datum>>) -> Env {
        let view = self.block().transaction.view();
        let cancel = self.cancel.flag();
        self.env_on(view, params, cancel)
    }

    pub(super) fn env_on(
        &mut self,
        view: ReadView,
        params: Arc<Vec<Datum>>,
        cancel: Arc<AtomicBool>,
    ) -> Env {
        let limit_bytes = self.database.options.vector_memory_bytes;
        let mut kept = Kept::new(limit_bytes, self.deadline);
        kept.profile.clone_from(&self.profile);
        Env {
            view,
            params,
            now: self.now(),
            surroundings: self.surroundings(),
            outer: Vec::new(),
            working: Vec::new(),
            epoch: 0,
            kept: Arc::new(kept),
            changed: Vec::new(),
            cancel,
        }
    }

    pub(super) fn read_source(
        &self,
        source: &Source,
        columns: &Columns,
        env: Env,
    ) -> Result<Outcome> {
        if let Some(rows) = self.rows_here(source, &env) {
            match run_rows(rows, columns, &env) {
                Err(Error::TooLong) => {}
                ran => return ran.map(Outcome::Rows),
            }
        }
        let more = self.database.vector.run(&source.logical, Arc::new(env));
        Ok(Outcome::Rows(Rows::streamed(columns.clone(), more)))
    }

    /// The plan of a read that is to run on this thread: a long one must not keep other sessions off
    /// it.
    pub(super) fn rows_here<'s>(&self, source: &'s Source, env: &Env) -> Option<&'s RowPlan> {
        source.rows.as_ref().filter(|rows| !self.is_long && rows.is_short(&env.view))
    }

    pub(super) async fn collect(&self, source: &Source, env: Env) -> Result<Vec<Row>> {
        if let Some(rows) = self.rows_here(source, &env) {
            match rows.collect(&env) {
                // Its calls are answered as they were.
                Err(Error::TooLong) => self.backend.rewind_calls(),
                ran => return ran,
            }
        }
        let env = Arc::new(env);
        let mut more = self.database.vector.run(&source.logical, env.clone());
        let mut all = Vec::new();
        while let Some(batch) = more.recv().await {
            all.extend(batch?);
        }
        env.moves(false);
        Ok(all)
    }

    /// Runs a statement that locks rows; again when READ COMMITTED met a newer version. One that has
    /// begun before, and waited, goes on with the snapshot that it has.
    pub(super) async fn execute_with_restarts(
        &mut self,
        plan: &Plan,
        params: Arc<Vec<Datum>>,
        mut has_begun: bool,
    ) -> Result<Outcome> {
        loop {
            if !std::mem::take(&mut has_begun) {
                self.begin_statement(plan, Access::Write)?;
            }
            let block = self.block();
            let savepoint = block.transaction.savepoint();
            let outcome = match &plan.action {
                Action::Modify(modify) => self.modify(modify, &params).await,
                Action::With(with) => Box::pin(self.modify_all(with, &params)).await,
                Action::Lock(locking) => self.lock_rows(locking, &params).await,
                Action::Query { .. } => Err(Error::internal("a query has nothing to restart")),
            };
            let block = self.block();
            if matches!(outcome, Err(Error::Restart)) {
                assert!(block.transaction.isolation() == Isolation::ReadCommitted);
                block.transaction.rollback_writes(savepoint);
                block.transaction.release_savepoint();
                self.backend.rewind_calls();
                continue;
            }
            if matches!(outcome, Err(Error::WouldWait(_))) {
                block.transaction.rollback_writes(savepoint);
                block.transaction.release_savepoint();
                return outcome;
            }
            block.transaction.release_savepoint();
            block.transaction.end_statement();
            // Outside of a block the rows go out before the commit that would wait for this.
            if !block.explicit && matches!(outcome, Ok(Outcome::Rows(_))) {
                block.transaction.settled().await?;
            }
            return outcome;
        }
    }

    /// Starts a statement on its snapshot.
    pub(super) fn begin_statement(&mut self, plan: &Plan, access: Access) -> Result<()> {
        self.block().note_run();
        let transaction = &mut self.block().transaction;
        transaction.begin_statement(access);
        // An index made later has no entries that this snapshot could read.
        let newer = |at| plan.tables.iter().find(|(table, _)| table.valid_from > at);
        if newer(transaction.snapshot_at()).is_some() {
            transaction.begin_statement(Access::Write);
        }
        match newer(transaction.snapshot_at()) {
            None => Ok(()),
            Some((table, _)) if self.block().is_as_of => Err(Error::new(
                SqlState::InvalidParameterValue,
                format!("table \"{}\" was defined or changed after AS OF SYSTEM TIME", table.name),
            )
            .table(table)),
            Some((table, _)) => Err(Error::new(
                SqlState::SerializationFailure,
                "could not serialize access due to concurrent change of a table's definition",
            )
            .table(table)),
        }
    }

    /// VACUUM: old versions go by themselves, so the bound is just moved now. ANALYZE: see
    /// [`super::analyze`]. Both check the names.
    async fn maintenance(
        &mut self,
        vacuum: bool,
        analyze: bool,
        tables: &[(String, Vec<String>)],
        alone: bool,
    ) -> Result<Outcome> {
        if vacuum {
            if self.status() != super::Status::Idle || !alone {
                return Err(Error::new(
                    SqlState::ActiveSqlTransaction,
                    "VACUUM cannot run inside a transaction block",
                ));
            }
            self.database.manager.collect_garbage()?;
        }
        let schema = self.schema();
        let mut analyzed: Vec<(Arc<crate::catalog::Table>, Vec<usize>)> = Vec::new();
        for (name, columns) in tables {
            let found = schema.find(&self.path(), None, name);
            let table = found.and_then(|name| schema.table(&name)).ok_or_else(|| {
                Error::new(SqlState::UndefinedTable, format!("relation \"{name}\" does not exist"))
            })?;
            if let Some(column) = columns.iter().find(|column| table.position(column).is_none()) {
                return Err(Error::new(
                    SqlState::UndefinedColumn,
                    format!("column \"{column}\" of relation \"{name}\" does not exist"),
                ));
            }
            let positions = columns.iter().filter_map(|column| table.position(column));
            analyzed.push((table.clone(), positions.collect()));
        }
        if analyze {
            if tables.is_empty() {
                let own = self.path().temporary().to_owned();
                let seen = |table: &&Arc<crate::catalog::Table>| {
                    !table.is_temporary() || table.schema == own
                };
                analyzed.extend(schema.tables().filter(seen).map(|t| (t.clone(), Vec::new())));
                analyzed.sort_by_key(|(table, _)| table.id);
            }
            for (table, columns) in analyzed {
                self.analyze(&table, &columns).await?;
            }
        }
        Ok(Outcome::Command(if vacuum { "VACUUM" } else { "ANALYZE" }.into()))
    }

    /// The result columns of a statement that is not planned.
    pub(super) fn utility_columns(&self, parsed: &Parsed) -> Result<Option<Columns>> {
        let statement = match parsed {
            Parsed::Sql(statement) => statement,
            Parsed::Cursor(statement) => return Ok(self.fetched_columns(statement)),
            _ => return Ok(None),
        };
        Ok(match &**statement {
            Statement::ShowVariable { variable } => Some(show_columns(variable)),
            Statement::Explain { analyze, verbose, format, options, .. } => {
                let form = Form::new(*analyze, *verbose, format.as_ref(), options.as_deref())?;
                Some([form.column()].into())
            }
            Statement::Execute { name, .. } => {
                let name = name.as_ref().map(|name| name_parts(name).join(".")).unwrap_or_default();
                self.prepared(&name)?.columns.clone()
            }
            _ => None,
        })
    }

    async fn execute_utility(
        &mut self,
        statement: &Statement,
        sql: &str,
        alone: bool,
    ) -> Result<Outcome> {
        let done = |tag: &str| Ok(Outcome::Command(tag.to_owned()));
        match statement {
            Statement::Commit { chain, .. } => self.end_block(true, *chain).await,
            Statement::Rollback { chain, savepoint: None } => self.end_block(false, *chain).await,
            Statement::Rollback { savepoint: Some(name), .. } => self.rollback_to(name),
            Statement::Savepoint { name } => self.savepoint(name),
            Statement::ReleaseSavepoint { name } => self.release(name),
            Statement::Set(set) => self.set(set),
            Statement::Reset(reset) => {
                match &reset.reset {
                    Reset::ALL => {
                        self.block();
                        self.settings_mut().reset_all()?;
                        self.block().local.clear();
                    }
                    Reset::ConfigurationParameter(name) => {
                        self.reset_setting(&name_parts(name).join("."))?;
                    }
                }
                done("RESET")
            }
            Statement::ShowVariable { variable } => self.show(variable),
            Statement::Discard { object_type } => match object_type {
                DiscardObject::ALL => {
                    self.forget_all_prepared();
                    self.portals.clear();
                    self.settings_mut().reset_all()?;
                    self.database.sequences.forget_session(self.id);
                    self.drop_own_temporary().await?;
                    self.backend.locks.release_all();
                    done("DISCARD ALL")
                }
                DiscardObject::TEMP => {
                    self.drop_own_temporary().await?;
                    done("DISCARD TEMP")
                }
                DiscardObject::PLANS => done("DISCARD PLANS"),
                DiscardObject::SEQUENCES => {
                    self.database.sequences.forget_session(self.id);
                    done("DISCARD SEQUENCES")
                }
            },
            Statement::Prepare { name, data_types, statement } => {
                let (name, name_span) = (fold(name), name.span);
                if self.prepared.contains(&name) {
                    return Err(Error::new(
                        SqlState::DuplicatePreparedStatement,
                        format!("prepared statement \"{name}\" already exists"),
                    ));
                }
                let place = position_of(sql, name_span.start.line, name_span.start.column);
                let first = place.and_then(|at| token_after(sql, at, &["AS"]));
                let first = first.and_then(|at| next_token(sql, at));
                if !is_planned(statement) {
                    let text = statement.to_string();
                    let word = text.split_whitespace().next().unwrap_or_default();
                    return Err(Error::new(
                        SqlState::SyntaxError,
                        format!("syntax error at or near \"{word}\""),
                    )
                    .at(first));
                }
                let mut next = place.and_then(|at| token_after(sql, at, &["("]));
                let mut declared = Vec::new();
                for data_type in data_types {
                    next = next.and_then(|at| next_token(sql, at));
                    let ty = crate::binder::types::type_of(data_type, &self.names())
                        .map_err(|e| e.at(next))?;
                    declared.push(Some(ty.kind));
                    next = next.and_then(|at| token_after(sql, at, &[","]));
                }
                if let Statement::Query(query) = &**statement
                    && has_into(query)
                {
                    return Err(Error::unsupported("PREPARE of SELECT INTO"));
                }
                let parsed = Parsed::Sql(statement.clone());
                // The inner statement's own text finds its plan again. It stays in its place, for positions.
                let is_before = |at: usize| first.is_some_and(|first| at + 1 < first);
                let text = sql.chars().enumerate().map(|(at, char)| match char {
                    '\n' => char,
                    _ if is_before(at) => ' ',
                    _ => char,
                });
                let text: Arc<str> = text.collect::<String>().into();
                let prepared = self.prepare_parsed(parsed, text, declared)?;
                self.keep_prepared(&name, sql.into(), prepared, true);
                done("PREPARE")
            }
            Statement::Execute { name, parameters, .. } => {
                let name = name.as_ref().map(|name| name_parts(name).join(".")).unwrap_or_default();
                Box::pin(self.execute_prepared(&name, parameters, sql)).await
            }
            Statement::Deallocate { name, .. } => {
                if name.value.eq_ignore_ascii_case("all") && name.quote_style.is_none() {
                    self.forget_all_prepared();
                    return done("DEALLOCATE ALL");
                }
                let name = fold(name);
                self.prepared(&name)?;
                self.close_prepared(&name);
                done("DEALLOCATE")
            }
            Statement::Explain { statement, analyze, verbose, format, options, .. } => {
                let form = Form::new(*analyze, *verbose, format.as_ref(), options.as_deref())?;
                Box::pin(self.explain(statement, form, sql)).await
            }
            Statement::Lock(lock) => Box::pin(self.lock_tables(lock)).await,
            other => Box::pin(self.execute_ddl(other, sql, alone)).await,
        }
    }

    async fn execute_prepared(
        &mut self,
        name: &str,
        parameters: &[ast::Expr],
        sql: &str,
    ) -> Result<Outcome> {
        let prepared = self.prepared(name)?;
        let values = self.parameter_values(&prepared, name, parameters, sql)?;
        Box::pin(self.execute_inner(&prepared, values)).await
    }

    /// The values that EXECUTE gives to the parameters of a statement.
    pub(super) fn parameter_values(
        &mut self,
        prepared: &Prepared,
        name: &str,
        parameters: &[ast::Expr],
        sql: &str,
    ) -> Result<Vec<Datum>> {
        if parameters.len() != prepared.parameters.len() {
            return Err(Error::new(
                SqlState::SyntaxError,
                format!("wrong number of parameters for prepared statement \"{name}\""),
            )
            .detail(format!(
                "Expected {} parameters but got {}.",
                prepared.parameters.len(),
                parameters.len()
            )));
        }
        let exprs = self.with_binder(sql, |binder| {
            let pairs = parameters.iter().zip(&prepared.parameters).enumerate();
            let values = pairs.map(|(at, (sql, kind))| binder.parameter_value(at + 1, sql, *kind));
            let values = values.collect::<Result<Vec<_>>>()?;
            match binder.has_calls() {
                true => Err(Error::unsupported("a parameter of EXECUTE that acts on the session")),
                false => Ok(values),
            }
        })?;
        let env = self.env(Arc::new(Vec::new()));
        let frame = Frame::new(&env);
        let empty = datafusion::common::DFSchema::empty();
        let values = exprs
            .iter()
            .map(|expr| crate::row::expr::RowExpr::compile(expr, &empty)?.eval(&[], &frame));
        values.collect()
    }

    fn set(&mut self, set: &Set) -> Result<Outcome> {
        let done = Ok(Outcome::Command("SET".into()));
        match set {
            Set::SingleAssignment { scope, variable, values, .. } => {
                let name = name_parts(variable).join(".");
                let local = matches!(scope, Some(ast::ContextModifier::Local));
                let value = match name.eq_ignore_ascii_case("search_path") {
                    true => quoted_list(values)?,
                    false => setting_value(values)?,
                };
                self.set_one(&name, value.as_deref(), local)?;
                done
            }
            Set::SetTimeZone { local, value } => {
                let value = match value {
                    ast::Expr::Interval(_) | ast::Expr::Cast { .. } => {
                        Some(self.hours_of_zone(value)?)
                    }
                    value => setting_value(std::slice::from_ref(value))?,
                };
                self.set_one("TimeZone", value.as_deref(), *local)?;
                done
            }
            Set::SetNames { charset_name, .. } => {
                self.set_one("client_encoding", Some(&charset_name.value), false)?;
                done
            }
            Set::SetNamesDefault {} => {
                self.set_one("client_encoding", None, false)?;
                done
            }
            other => Err(Error::unsupported(format!("SET {other}"))),
        }
    }

    /// SET TIME ZONE INTERVAL: the offset, in hours.
    fn hours_of_zone(&mut self, sql: &ast::Expr) -> Result<String> {
        let refused = |message| Err(Error::new(SqlState::InvalidParameterValue, message));
        let expr = self.with_binder("", |binder| binder.parameter_value(1, sql, Type::Interval))?;
        let env = self.env(Arc::new(Vec::new()));
        let empty = datafusion::common::DFSchema::empty();
        let compiled = crate::row::expr::RowExpr::compile(&expr, &empty)?;
        let value = compiled.eval(&[], &Frame::new(&env))?;
        let value = Interval::decode(value.as_bytes()?)?;
        if value.months != 0 {
            return refused("cannot specify months in time zone interval");
        }
        if value.days != 0 {
            return refused("cannot specify days in time zone interval");
        }
        Ok((value.microseconds as f64 / HOUR_US as f64).to_string())
    }

    fn set_one(&mut self, name: &str, value: Option<&str>, local: bool) -> Result<()> {
        if let Some(mode) = Session::mode_of_setting(name, value)? {
            return self.set_mode(&mode, local);
        }
        if local {
            if self.status() != super::Status::Open {
                super::Settings::clone(&self.settings).set(name, value)?;
                let message = "SET LOCAL can only be used in transaction blocks";
                self.notice(Severity::Warning, SqlState::NoActiveSqlTransaction, message);
                return Ok(());
            }
            let before = self.settings.show(name)?;
            self.settings_mut().set(name, value)?;
            self.block().note_setting(name, Some(before));
            return Ok(());
        }
        // A transaction has to exist for ROLLBACK to undo the change.
        self.block();
        self.settings_mut().set(name, value)?;
        self.block().note_setting(name, None);
        Ok(())
    }

    fn show(&self, variable: &[ast::Ident]) -> Result<Outcome> {
        let columns = show_columns(variable);
        let name = show_name(variable);
        let row = match name.as_str() {
            "all" => {
                let all = self.settings.all().into_iter();
                let rows = all.map(|(name, value)| {
                    vec![Datum::Text(name), Datum::Text(value), Datum::Text(String::new())]
                });
                return Ok(Outcome::Rows(Rows::ready(columns, rows.collect(), "SHOW")));
            }
            name => match self.show_mode(name) {
                Some(shown) => shown.to_owned(),
                None => self.settings.show(name)?,
            },
        };
        Ok(Outcome::Rows(Rows::ready(columns, vec![vec![Datum::Text(row)]], "SHOW")))
    }
}

pub(super) fn timed_out() -> Error {
    Error::new(SqlState::LockNotAvailable, "canceling statement due to lock timeout")
}

fn show_name(variable: &[ast::Ident]) -> String {
    let words: Vec<String> = variable.iter().map(|ident| ident.value.to_lowercase()).collect();
    words
        .join(if words.len() == 2 && words.first().is_some_and(|w| w == "time") {
            " "
        } else {
            "."
        })
        .replace("transaction.isolation.level", "transaction isolation level")
}

fn show_columns(variable: &[ast::Ident]) -> Columns {
    match show_name(variable).as_str() {
        "all" => ["name", "setting", "description"].map(text_column).into(),
        "transaction isolation level" => [text_column("transaction_isolation")].into(),
        name => {
            let name = super::Settings::canonical_name(if name == "time zone" {
                "TimeZone"
            } else {
                name
            });
            [text_column(&name)].into()
        }
    }
}

/// As [`setting_value`], each name quoted where it has to be.
fn quoted_list(values: &[ast::Expr]) -> Result<Option<String>> {
    let mut names = Vec::new();
    for value in values {
        let one = setting_value(std::slice::from_ref(value))?;
        let name = match (value, one) {
            (_, None) => return Ok(None),
            (ast::Expr::Identifier(ident), _) => fold(ident),
            (_, Some(text)) => text,
        };
        names.push(quote_ident(&name));
    }
    Ok(Some(names.join(", ")))
}

/// The text of what stands behind SET x =; `None` for DEFAULT.
fn setting_value(values: &[ast::Expr]) -> Result<Option<String>> {
    let text = |value: &ast::Expr| -> Result<String> {
        Ok(match value {
            ast::Expr::Identifier(ident) => ident.value.clone(),
            ast::Expr::Value(value) => match &value.value {
                ast::Value::SingleQuotedString(text) | ast::Value::EscapedStringLiteral(text) => {
                    text.clone()
                }
                other => other.to_string(),
            },
            other => other.to_string(),
        })
    };
    if let [ast::Expr::Identifier(ident)] = values
        && ident.quote_style.is_none()
        && ident.value.eq_ignore_ascii_case("default")
    {
        return Ok(None);
    }
    let parts = values.iter().map(text).collect::<Result<Vec<_>>>()?;
    Ok(Some(parts.join(", ")))
}
