//! ALTER TABLE: several actions as one change.
//!
//! Actions are sorted into PostgreSQL's passes: what is dropped goes first, then types change, then
//! columns come, and then what is said of them. Each changes the descriptor; what that asks of the
//! rows is collected ([`Work`]) and done once, in the end ([`super::rewrite`]).

use std::sync::Arc;

use cairn_txn::LockMode;
use datafusion::sql::sqlparser::tokenizer::Span;

use super::super::Session;
use super::super::constraints::{
    Constraints, Unique, add_unique, no_key_column, second_primary_key, table_attributes,
};
use super::super::rules::row_schema;
use super::super::settings::Severity;
use super::super::storage_parameters::{self, Target};
use super::column::{NewColumn, without_position};
use super::composites::check_not_itself;
use super::identity::add_sequence;
use super::undefined_column;
use crate::binder::constraint::is_constant;
use crate::binder::fold;
use crate::catalog::constraint::ForeignKey;
use crate::catalog::index::KeyOptions;
use crate::catalog::types::row_type_oid;
use crate::catalog::{Index, MAX_COLUMNS, Table};
use crate::codec;
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::{
    Action, AlterTable, Attribute, ColumnAction, ColumnDefinition, ConstraintKind,
};
use crate::row::Frame;
use crate::row::expr::RowExpr;
use crate::types::{Datum, Type};

/// A change of a table under way.
pub(super) struct Work {
    /// As it was.
    pub old: Arc<Table>,
    /// As it will be.
    pub table: Table,
    /// Whether its rows are stored anew.
    pub rewrites: bool,
    /// For that, new values of columns, over the old rows.
    pub values: Vec<(usize, RowExpr)>,
    /// Columns that were said to have no NULL.
    pub not_null: Vec<usize>,
    /// Conditions to look at, by their names.
    pub checks: Vec<String>,
    /// Foreign keys of the table to look at, by their names.
    pub keys: Vec<String>,
    /// Whether types have changed, so that everything that uses them is looked at again.
    pub retyped: Vec<usize>,
    /// Indexes that are new, or whose keys are, by their names.
    pub fills: Vec<String>,
}

impl Work {
    /// Nothing is changed yet.
    pub fn new(table: Arc<Table>) -> Work {
        Work {
            table: (*table).clone(),
            old: table,
            rewrites: false,
            values: Vec::new(),
            not_null: Vec::new(),
            checks: Vec::new(),
            keys: Vec::new(),
            retyped: Vec::new(),
            fills: Vec::new(),
        }
    }
}

/// The pass of an action.
fn pass(action: &Action) -> u8 {
    match action {
        Action::DropColumn(_) | Action::DropConstraint(_) => 0,
        Action::Column(_, action) => match &**action {
            ColumnAction::DropDefault
            | ColumnAction::DropNotNull
            | ColumnAction::DropIdentity(_)
            | ColumnAction::DropExpression(_) => 0,
            ColumnAction::Type(..) => 1,
            ColumnAction::SetNotNull | ColumnAction::SetIdentity(..) => 3,
            ColumnAction::SetDefault(_) | ColumnAction::AddIdentity(_) => 5,
        },
        Action::AddColumn(..) => 2,
        Action::AddConstraint(_) => 4,
        Action::Validate(_) | Action::AlterConstraint(..) | Action::Parameters(..) => 6,
        Action::RenameTable(_) | Action::RenameColumn(..) | Action::RenameConstraint(..) => 7,
    }
}

/// The lock that actions need, as in PostgreSQL.
fn lock_of(actions: &[Action]) -> LockMode {
    let is_foreign_key = |action: &Action| {
        matches!(action, Action::AddConstraint(constraint)
            if matches!(constraint.kind, ConstraintKind::ForeignKey(..)))
    };
    // Rows that come meanwhile fulfil the constraint.
    let lets_write =
        |action: &Action| matches!(action, Action::Validate(_) | Action::Parameters(..));
    if actions.iter().all(lets_write) {
        return LockMode::ShareUpdateExclusive;
    }
    match actions.iter().all(|action| is_foreign_key(action) || lets_write(action)) {
        true => LockMode::ShareRowExclusive,
        false => LockMode::AccessExclusive,
    }
}

/// The error of a constraint that a table does not have.
pub(super) fn undefined_constraint(table: &Table, name: &str) -> Error {
    Error::new(
        SqlState::UndefinedObject,
        format!("constraint \"{name}\" of relation \"{}\" does not exist", table.name),
    )
}

impl Session {
    pub(super) async fn alter_table(&mut self, alter: &AlterTable, sql: &str) -> Result<()> {
        self.lock_catalog().await?;
        match alter.actions.as_slice() {
            [Action::RenameTable(to)] => {
                return self.rename_relation(&alter.name, alter.if_exists, to).await;
            }
            [Action::RenameColumn(from, to)] => {
                let Some(table) = self.table_to_alter(alter)? else { return Ok(()) };
                return self.rename_column(&table, &fold(from), to).await;
            }
            [Action::RenameConstraint(from, to)] => {
                let Some(table) = self.table_to_alter(alter)? else { return Ok(()) };
                return self.rename_constraint(&table, &fold(from), to).await;
            }
            _ => {}
        }
        let Some(table) = self.table_to_alter(alter)? else { return Ok(()) };
        self.lock_table(&table, lock_of(&alter.actions)).await?;
        self.check_not_pending(&table, "ALTER TABLE")?;
        let mut work = Work::new(table);
        let mut actions: Vec<&Action> = alter.actions.iter().collect();
        actions.sort_by_key(|action| pass(action));
        // Constraints come in the order of their kinds, those of new columns among them.
        let mut constraints = Constraints::default();
        let mut actions = actions.into_iter().peekable();
        while let Some(action) = actions.next_if(|action| pass(action) < 5) {
            self.alter(&mut work, action, &mut constraints, sql).await?;
        }
        for key in &constraints.keys {
            self.check_key_clauses(key, sql)?;
        }
        let (first, others): (Vec<Unique>, Vec<Unique>) =
            constraints.uniques.into_iter().partition(|unique| unique.index.is_some());
        for unique in first.into_iter().chain(others) {
            self.alter_unique(&mut work, &unique)?;
        }
        constraints.uniques = Vec::new();
        while let Some(action) = actions.next_if(|action| pass(action) < 6) {
            self.alter(&mut work, action, &mut constraints, sql).await?;
        }
        for condition in &constraints.checks {
            let name = self.add_check(&mut work.table, condition, &[], sql);
            let name = name.map_err(without_position)?;
            if condition.validate {
                work.checks.push(name);
            }
        }
        for key in &constraints.keys {
            let name = self.add_key(&mut work.table, key).await?;
            if key.validate {
                work.keys.push(name);
            }
        }
        for action in actions {
            self.alter(&mut work, action, &mut constraints, sql).await?;
        }
        self.store_altered(work).await
    }

    /// The table that a statement is about; `None` if IF EXISTS is content without.
    fn table_to_alter(&mut self, alter: &AlterTable) -> Result<Option<Arc<Table>>> {
        match self.find_table(&alter.name) {
            Ok(table) => Ok(Some(table)),
            Err(Error::Report(report))
                if alter.if_exists && report.state == SqlState::UndefinedTable =>
            {
                let name = self.named(&alter.name)?;
                self.skip(format!("relation \"{name}\" does not exist, skipping"));
                Ok(None)
            }
            Err(Error::Report(report)) if report.state == SqlState::WrongObjectType => {
                let name = self.named(&alter.name)?;
                let action = match alter.actions.first() {
                    Some(Action::AddColumn(..)) => "ADD COLUMN",
                    Some(Action::DropColumn(_)) => "DROP COLUMN",
                    Some(Action::AddConstraint(_)) => "ADD CONSTRAINT",
                    Some(Action::DropConstraint(_)) => "DROP CONSTRAINT",
                    _ => return Err(Error::Report(report)),
                };
                Err(Error::new(
                    SqlState::WrongObjectType,
                    format!("ALTER action {action} cannot be performed on relation \"{name}\""),
                )
                .detail(self.not_supported(&name)))
            }
            Err(error) => Err(error),
        }
    }

    async fn alter(
        &mut self,
        work: &mut Work,
        action: &Action,
        constraints: &mut Constraints,
        sql: &str,
    ) -> Result<()> {
        match action {
            Action::AddColumn(if_not_exists, definition) => {
                self.add_column(work, *if_not_exists, definition, constraints, sql)
            }
            Action::DropColumn(drop) => self.drop_column(work, drop).await,
            Action::Column(name, action) => self.alter_column(work, &fold(name), action, sql).await,
            Action::AddConstraint(constraint) => constraints.add(constraint, sql),
            Action::AlterConstraint(name, attributes) => {
                alter_constraint(&mut work.table, &fold(name), attributes, sql)
            }
            Action::Validate(name) => validate(work, &fold(name)),
            Action::DropConstraint(drop) => self.drop_constraint(work, drop).await,
            Action::Parameters(true, parameters) => {
                storage_parameters::set(&mut work.table.parameters, Target::Table, parameters)
            }
            Action::Parameters(false, parameters) => {
                storage_parameters::reset(&mut work.table.parameters, Target::Table, parameters)
            }
            Action::RenameTable(_) | Action::RenameColumn(..) | Action::RenameConstraint(..) => {
                Err(Error::new(SqlState::SyntaxError, "RENAME stands alone in ALTER TABLE"))
            }
        }
    }

    fn add_column(
        &mut self,
        work: &mut Work,
        if_not_exists: bool,
        definition: &ColumnDefinition,
        constraints: &mut Constraints,
        sql: &str,
    ) -> Result<()> {
        let name = fold(&definition.name);
        if work.table.position(&name).is_some() {
            let message =
                format!("column \"{name}\" of relation \"{}\" already exists", work.table.name);
            if if_not_exists {
                let message = format!("{message}, skipping");
                self.notice(Severity::Notice, SqlState::DuplicateColumn, message);
                return Ok(());
            }
            return Err(Error::new(SqlState::DuplicateColumn, message));
        }
        // Hidden and dropped columns count, too: their places are taken.
        if work.table.columns.len() > MAX_COLUMNS {
            return Err(Error::new(
                SqlState::TooManyColumns,
                format!("tables can have at most {MAX_COLUMNS} columns"),
            ));
        }
        let row = row_type_oid(work.table.id);
        let new = NewColumn::new(&work.table.name, definition, constraints, &self.names(), sql)?;
        check_not_itself(new.column.declared().kind, row, &work.table.name)?;
        let is_null = |sql: &String| sql.eq_ignore_ascii_case("null");
        if !new.column.default.as_ref().is_none_or(is_null) || new.column.generated.is_some() {
            self.check_rows_not_stored(&work.table)?;
        }
        let position = work.table.columns.len();
        work.table.columns.push(new.column.clone());
        self.check_values(&work.table, &new, sql).map_err(without_position)?;
        if let Some(sequence) = &new.sequence {
            let table = &mut work.table;
            self.draft(|draft| add_sequence(draft, table, position, sequence))?;
        }
        self.fill_column(work, position)?;
        if new.column.not_null {
            work.not_null.push(position);
        }
        Ok(())
    }

    /// Gives the rows that are there a value for a new column. One that is the same for all of them
    /// is kept with the column.
    fn fill_column(&mut self, work: &mut Work, position: usize) -> Result<()> {
        let column = work.table.columns.get(position);
        let column = column.cloned().ok_or_else(|| Error::internal("no such column"))?;
        let (expr, schema) = match &column.generated {
            Some(sql) => {
                let expr =
                    self.with_binder("", |b| b.stored_generated(&work.table, &column, sql))?;
                (expr, row_schema(&work.table)?)
            }
            None => {
                let expr = self.with_binder("", |binder| binder.default_of(&column))?;
                (expr, datafusion::common::DFSchema::empty())
            }
        };
        // A domain's conditions are looked at for each row, of which there may be none.
        let is_domain = matches!(column.declared().kind, Type::Domain(_) | Type::UserArray(_));
        let constant = !is_domain && is_constant(&expr)?;
        let expr = RowExpr::compile(&expr, &schema)?;
        let mut missing = Vec::new();
        if constant {
            let env = self.env(Arc::new(Vec::new()));
            let value = expr.eval(&[], &Frame::new(&env))?;
            codec::encode_datum(&value, &mut missing);
            work.values.push((position, RowExpr::Literal(value)));
        } else {
            codec::encode_datum(&Datum::Null, &mut missing);
            work.rewrites = true;
            if column.generated.is_none() {
                work.values.push((position, expr));
            }
        }
        if let Some(column) = work.table.columns.get_mut(position) {
            column.missing = Some(missing);
        }
        Ok(())
    }

    /// Adds a unique constraint or primary key, of an index that is there or a new one.
    fn alter_unique(&mut self, work: &mut Work, unique: &Unique) -> Result<()> {
        if unique.primary && work.table.primary_key().is_some() {
            return Err(second_primary_key(&work.table));
        }
        if unique.index.is_some() {
            return self.use_index(work, unique);
        }
        for name in &unique.columns {
            if work.table.position(name).is_none() {
                return Err(match unique.primary {
                    true => undefined_column(&work.table, name),
                    false => no_key_column(name),
                });
            }
        }
        if let Some(name) = unique.include.iter().find(|n| work.table.position(n).is_none()) {
            return Err(no_key_column(name));
        }
        let schema = self.schema();
        add_unique(&schema, &mut work.table, unique)?;
        work.note_key(unique);
        Ok(())
    }

    /// UNIQUE or PRIMARY KEY USING INDEX.
    fn use_index(&mut self, work: &mut Work, unique: &Unique) -> Result<()> {
        let wanted = unique.index.as_deref().unwrap_or_default();
        let fail = |state, message: String| Err(Error::new(state, message).at(unique.position));
        let own = work.table.indexes.iter().position(|index| index.name == wanted);
        let index = match (own, self.schema().index(&work.table.full_name().beside(wanted))) {
            (Some(at), _) => work.table.indexes.get(at).cloned(),
            (None, Some((_, index))) if index.constraint => Some(index.clone()),
            (None, Some(_)) => {
                return fail(
                    SqlState::ObjectNotInPrerequisiteState,
                    format!("index \"{wanted}\" does not belong to table \"{}\"", work.table.name),
                );
            }
            (None, None) => None,
        };
        let Some(index) = index else {
            return fail(SqlState::UndefinedObject, format!("index \"{wanted}\" does not exist"));
        };
        if index.constraint {
            let message = format!("index \"{wanted}\" is already associated with a constraint");
            return fail(SqlState::ObjectNotInPrerequisiteState, message);
        }
        if !index.is_public() {
            let message = format!("index \"{wanted}\" is not valid");
            return fail(SqlState::ObjectNotInPrerequisiteState, message);
        }
        let unsorted = index.options.iter().position(|options| *options != KeyOptions::default());
        let unfit = match () {
            () if !index.unique => Some(format!("\"{wanted}\" is not a unique index")),
            () if !index.expressions.is_empty() => {
                Some(format!("index \"{wanted}\" contains expressions"))
            }
            () if index.predicate.is_some() => Some(format!("\"{wanted}\" is a partial index")),
            () => unsorted.map(|at| {
                let at = at + 1;
                format!(
                    "index \"{wanted}\" column number {at} does not have default sorting behavior"
                )
            }),
        };
        if let Some(message) = unfit {
            let detail = "Cannot create a primary key or unique constraint using such an index.";
            return Err(Error::new(SqlState::WrongObjectType, message)
                .detail(detail)
                .at(unique.position));
        }
        let name = unique.name.clone().unwrap_or_else(|| wanted.to_owned());
        if name != wanted {
            self.skip(format!(
                "ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index \"{wanted}\" to \"{name}\""
            ));
        }
        let names = |positions: &[usize]| -> Vec<String> {
            let columns = positions.iter().filter_map(|at| work.table.columns.get(*at));
            columns.map(|column| column.name.clone()).collect()
        };
        let as_new = Unique {
            name: Some(name),
            columns: names(&index.columns),
            include: names(&index.include),
            primary: unique.primary,
            nulls_not_distinct: index.nulls_not_distinct,
            deferral: unique.deferral,
            index: None,
            position: unique.position,
        };
        // What stays as it is keeps its entries.
        if let (Some(at), false, None) = (own, unique.primary, unique.deferral)
            && let Some(kept) = work.table.indexes.get_mut(at)
        {
            kept.constraint = true;
            kept.name = as_new.name.unwrap_or_default();
            return Ok(());
        }
        work.table.indexes.retain(|other| other.name != wanted);
        // So that its name is free.
        let interim = work.table.clone();
        self.draft(|draft| draft.put_table(interim))?;
        let schema = self.schema();
        add_unique(&schema, &mut work.table, &as_new)?;
        work.note_key(&as_new);
        Ok(())
    }
}

impl Work {
    /// Notes what a new unique constraint asks of the rows.
    fn note_key(&mut self, unique: &Unique) {
        if unique.primary {
            let columns = self.table.primary_key().map(|key| key.columns.clone());
            let old = |position: &usize| {
                self.old.columns.get(*position).is_some_and(|column| column.not_null)
            };
            self.not_null.extend(columns.iter().flatten().filter(|position| !old(position)));
        }
        match unique.primary && unique.deferral.is_none() {
            // Rows lie by their primary key.
            true => self.rewrites = true,
            false => self.fills.extend(self.table.indexes.last().map(|index| index.name.clone())),
        }
    }

    /// Takes an index away, with what it stands for.
    pub fn remove_index(&mut self, index: &Index) {
        if index.storage != self.table.primary.storage {
            self.table.indexes.retain(|other| other.storage != index.storage);
            self.fills.retain(|name| *name != index.name);
            return;
        }
        // Without a primary key rows lie by their numbers.
        let hidden = self.table.columns.iter().position(|column| column.hidden);
        let name = format!("{}_rows", self.table.name);
        self.table.primary = Index::new(index.storage, name, hidden.into_iter().collect());
        self.table.primary.unique = true;
        self.rewrites = true;
    }
}

fn alter_constraint(
    table: &mut Table,
    name: &str,
    attributes: &[(Attribute, Span)],
    sql: &str,
) -> Result<()> {
    let (deferral, _) = table_attributes(attributes, "ALTER CONSTRAINT statement", sql)?;
    if !table.has_constraint(name) {
        return Err(undefined_constraint(table, name));
    }
    match table.foreign_keys.iter_mut().find(|key| key.name == name) {
        Some(key) => {
            key.deferral = deferral;
            Ok(())
        }
        None => Err(Error::new(
            SqlState::WrongObjectType,
            format!(
                "constraint \"{name}\" of relation \"{}\" is not a foreign key constraint",
                table.name
            ),
        )),
    }
}

fn validate(work: &mut Work, name: &str) -> Result<()> {
    let mut keys = work.table.foreign_keys.iter_mut();
    let key: Option<&mut ForeignKey> = keys.find(|key| key.name == name);
    if let Some(key) = key {
        if !std::mem::replace(&mut key.valid, true) {
            work.keys.push(name.to_owned());
        }
        return Ok(());
    }
    if let Some(check) = work.table.checks.iter_mut().find(|check| check.name == name) {
        if !std::mem::replace(&mut check.valid, true) {
            work.checks.push(name.to_owned());
        }
        return Ok(());
    }
    if !work.table.has_constraint(name) {
        return Err(undefined_constraint(&work.table, name));
    }
    Err(Error::new(
        SqlState::WrongObjectType,
        format!(
            "constraint \"{name}\" of relation \"{}\" is not a foreign key or check constraint",
            work.table.name
        ),
    ))
}
