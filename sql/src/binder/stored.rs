//! What names in FROM stand for: stored tables, views and sequences.
//!
//! A view's text is bound by a binder of its own, in which nothing of the statement is in sight. Names in
//! it stand for what they stood for when the view was made.

use std::sync::Arc;

use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, Query, Statement};

use super::locking::RangedKind;
use super::query::rename_columns;
use super::updatable::Change;
use super::{Binder, Bound, BoundQuery, OutputColumn, Scope, context};
use crate::catalog::names::{Named, is_temporary};
use crate::catalog::view::{Use, View};
use crate::catalog::{Column, Sequence, Table};
use crate::error::{Error, Result, SqlState};
use crate::functions::Context;
use crate::parser::{self, Parsed};
use crate::row::computed::Programs;
use crate::row::sequence::{self, Operation};
use crate::types::{Type, TypeMod};

/// A relation that is in the catalog.
pub(super) enum Stored {
    Table(Arc<Table>),
    View(Arc<View>),
    Sequence(Arc<Sequence>),
}

/// The names of a relation's columns, with their positions.
type Names = Vec<(usize, String)>;

impl Binder<'_> {
    /// What a name stands for.
    pub(super) fn named(&self, schema: Option<&str>, name: &str) -> Option<Named> {
        if let Some(view) = self.view {
            let same = |used: &&Use| used.schema.as_deref() == schema && used.name == name;
            let id = view.uses.iter().find(same)?.id;
            let found = [
                self.schema.table_by_id(id).map(|table| Named::Table(table.id)),
                self.schema.view_by_id(id).map(|view| Named::View(view.id)),
                self.schema.sequence_by_id(id).map(|sequence| Named::Sequence(sequence.id)),
            ];
            return found.into_iter().flatten().next();
        }
        let found = self.schema.find(self.settings.path(), schema, name)?;
        self.schema.named(&found)
    }

    /// A relation by name, with the columns that the text knows of.
    pub(super) fn stored(&self, schema: Option<&str>, name: &str) -> Result<(Stored, Names)> {
        let found = self.named(schema, name);
        let missing = || Error::internal(format!("relation {name} is missing from the catalog"));
        let (stored, id, mut names): (Stored, u32, Names) = match found {
            Some(Named::Table(id)) => {
                let table = self.schema.table_by_id(id).ok_or_else(missing)?;
                Programs::prepare(table, self)?;
                let names = table.visible().map(|(at, column)| (at, column.name.clone()));
                (Stored::Table(table.clone()), id, names.collect())
            }
            Some(Named::View(id)) => {
                let view = self.schema.view_by_id(id).ok_or_else(missing)?;
                let names = view.columns.iter().enumerate();
                let names = names.map(|(at, column)| (at, column.name.clone()));
                (Stored::View(view.clone()), id, names.collect())
            }
            Some(Named::Sequence(id)) => {
                let sequence = self.schema.sequence_by_id(id).ok_or_else(missing)?;
                (Stored::Sequence(sequence.clone()), id, Names::new())
            }
            Some(Named::Index(_)) => {
                return Err(Error::new(
                    SqlState::WrongObjectType,
                    format!("\"{name}\" is an index"),
                ));
            }
            None => {
                let shown = schema.map_or(name.to_owned(), |schema| format!("{schema}.{name}"));
                return Err(Error::new(
                    SqlState::UndefinedTable,
                    format!("relation \"{shown}\" does not exist"),
                ));
            }
        };
        let temporary = match &stored {
            Stored::Table(table) => Some(&table.schema),
            Stored::View(view) => Some(&view.schema),
            Stored::Sequence(_) => None,
        };
        if temporary.is_some_and(|s| is_temporary(s) && s != self.settings.path().temporary()) {
            return Err(Error::new(
                SqlState::FeatureNotSupported,
                "cannot access temporary tables of other sessions",
            ));
        }
        if let Some(view) = self.view {
            let same = |used: &&Use| used.schema.as_deref() == schema && used.name == name;
            if let Some(used) = view.uses.iter().find(same) {
                let there = |(at, _): &&(usize, String)| names.iter().any(|(other, _)| other == at);
                names = used.columns.iter().filter(there).cloned().collect();
            }
        }
        self.note_use(schema, name, id, &names);
        Ok((stored, names))
    }

    /// Notes that the text names a relation, for the view that may be made of it.
    pub(super) fn note_use(&self, schema: Option<&str>, name: &str, id: u32, columns: &Names) {
        let mut uses = self.uses.borrow_mut();
        let Some(uses) = uses.as_mut() else { return };
        let same = |used: &Use| used.schema.as_deref() == schema && used.name == name;
        if !uses.iter().any(same) {
            uses.push(Use {
                schema: schema.map(str::to_owned),
                name: name.to_owned(),
                id,
                columns: columns.clone(),
                needed: Vec::new(),
            });
        }
    }

    /// Notes that the text names a column.
    pub(super) fn note_column(&self, origin: Option<(u32, i16)>) {
        let Some((id, number)) = origin else { return };
        let mut uses = self.uses.borrow_mut();
        let Some(uses) = uses.as_mut() else { return };
        let position = usize::try_from(number - 1).unwrap_or_default();
        for used in uses.iter_mut().filter(|used| used.id == id) {
            if !used.needed.contains(&position) {
                used.needed.push(position);
            }
        }
    }

    /// A table by name, to be changed; or the one behind a view, and the view.
    pub(super) fn table(
        &self,
        schema: Option<&str>,
        name: &str,
        change: Change,
    ) -> Result<(Arc<Table>, Option<Arc<View>>)> {
        match self.stored(schema, name)?.0 {
            Stored::Table(table) if table.definition.is_some() => Err(Error::new(
                SqlState::WrongObjectType,
                format!("cannot change materialized view \"{name}\""),
            )),
            Stored::Table(table) => {
                self.note_table(&table);
                Ok((table, None))
            }
            Stored::View(view) => Ok((self.table_behind(&view, change)?, Some(view))),
            Stored::Sequence(_) => Err(Error::new(
                SqlState::WrongObjectType,
                format!("cannot change sequence \"{name}\""),
            )),
        }
    }

    /// Refuses to read a materialized view without rows, but for the definition of another one.
    pub(super) fn check_populated(&self, table: &Table) -> Result<()> {
        if table.definition.is_none() || table.is_populated || self.uses.borrow().is_some() {
            return Ok(());
        }
        let message = format!("materialized view \"{}\" has not been populated", table.name);
        Err(Error::new(SqlState::ObjectNotInPrerequisiteState, message)
            .hint("Use the REFRESH MATERIALIZED VIEW command."))
    }

    /// Notes that the plan reads or changes a table.
    pub(super) fn note_table(&self, table: &Arc<Table>) {
        let mut used = self.tables_used.borrow_mut();
        if !used.iter().any(|other| other.id == table.id) {
            used.push(table.clone());
        }
    }

    /// A view as an item of FROM.
    pub(super) fn view_relation(
        &self,
        view: &View,
        shown: &str,
        alias: Option<&ast::TableAlias>,
    ) -> Result<(LogicalPlan, Scope)> {
        let mut query = self.nested(|| self.query_of(view))?;
        if let Some(alias) = alias {
            rename_columns(&mut query, alias)?;
        }
        self.range_over(shown, RangedKind::View);
        self.derived(shown, query)
    }

    /// A view's query, its columns named as the view's.
    pub fn query_of(&self, view: &View) -> Result<BoundQuery> {
        let parsed = parse_query(&view.query)?;
        let inner = self.inner(view);
        let bound = inner.top_query(&parsed)?;
        let types: Vec<TypeMod> = view.columns.iter().map(Column::declared).collect();
        let mut bound = inner.cast_outputs(bound, &types)?;
        self.take_over(&inner);
        for (at, (output, column)) in bound.columns.iter_mut().zip(&view.columns).enumerate() {
            output.name.clone_from(&column.name);
            output.origin = i16::try_from(at + 1).ok().map(|number| (view.id, number));
        }
        Ok(bound)
    }

    /// A binder of a view's text.
    pub(super) fn inner<'v>(&'v self, view: &'v View) -> Binder<'v> {
        let inner = Binder {
            view: Some(view),
            ..Binder::new(self.schema, &view.query, self.style.clone(), self.settings, &[])
        };
        inner.depth.set(self.depth.get());
        inner.next_name.set(self.next_name.get());
        inner.next_slot.set(self.next_slot.get());
        inner
    }

    /// Takes over what a binder of a view's text has found.
    pub(super) fn take_over(&self, inner: &Binder<'_>) {
        self.next_name.set(inner.next_name.get());
        self.next_slot.set(inner.next_slot.get());
        self.session_values.set(self.session_values.get() || inner.session_values.get());
        self.has_calls.set(self.has_calls.get() || inner.has_calls.get());
        inner.tables_used.borrow().iter().for_each(|table| self.note_table(table));
    }

    /// A sequence as an item of FROM: its state, as one row.
    pub(super) fn sequence_relation(
        &self,
        sequence: &Arc<Sequence>,
        shown: &str,
        alias: Option<&ast::TableAlias>,
    ) -> Result<(LogicalPlan, Scope)> {
        let parts = [
            ("last_value", Operation::LastValue, Type::Int8),
            ("log_cnt", Operation::LogCount, Type::Int8),
            ("is_called", Operation::IsCalled, Type::Bool),
        ];
        let mut exprs: Vec<Expr> = Vec::new();
        let mut columns = Vec::new();
        for (name, operation, kind) in parts {
            let args = vec![context(Context::Session)];
            let sequences = self.settings.sequences();
            let call = sequence::call(operation, Some(sequence.clone()), sequences, args);
            exprs.push(Bound::new(call, kind).expr.alias(self.fresh("x")));
            let ty = TypeMod::plain(kind);
            columns.push(OutputColumn { name: name.into(), ty, origin: None, position: None });
        }
        let plan = LogicalPlanBuilder::empty(true).project(exprs)?.build()?;
        let mut query = BoundQuery { plan, columns };
        if let Some(alias) = alias {
            rename_columns(&mut query, alias)?;
        }
        self.range_over(shown, RangedKind::System);
        self.derived(shown, query)
    }

    /// Keeps what the text names from now on.
    pub fn record_uses(&self) {
        *self.uses.borrow_mut() = Some(Vec::new());
    }

    /// What the text has named since.
    pub fn take_uses(&self) -> Vec<Use> {
        self.uses.borrow_mut().take().unwrap_or_default()
    }

    /// A sequence by the text that names it for `nextval` and its kin.
    pub(super) fn sequence_named(&self, text: &str) -> Result<Arc<Sequence>> {
        let (schema, name) = split_name(text);
        let shown = schema.as_deref().map_or(name.clone(), |schema| format!("{schema}.{name}"));
        let id = match self.named(schema.as_deref(), &name) {
            Some(Named::Sequence(id)) => id,
            Some(_) => {
                return Err(Error::new(
                    SqlState::WrongObjectType,
                    format!("\"{name}\" is not a sequence"),
                ));
            }
            None => {
                return Err(Error::new(
                    SqlState::UndefinedTable,
                    format!("relation \"{shown}\" does not exist"),
                ));
            }
        };
        self.note_use(schema.as_deref(), &name, id, &Names::new());
        let sequence = self.schema.sequence_by_id(id).cloned();
        sequence.ok_or_else(|| Error::internal("a sequence without a descriptor"))
    }
}

/// A query by its text.
pub fn parse_query(sql: &str) -> Result<Query> {
    let mut statements = parser::parse(sql)?;
    match (statements.pop(), statements.is_empty()) {
        (Some((Parsed::Sql(statement), _)), true) => match *statement {
            Statement::Query(query) => Ok(*query),
            _ => Err(Error::internal("the text of a view is no query")),
        },
        _ => Err(Error::internal("the text of a view is no query")),
    }
}

/// The schema and the name in text such as `"My Schema".seq`, as regclass reads it.
pub fn split_name(text: &str) -> (Option<String>, String) {
    let mut parts: Vec<String> = Vec::new();
    let mut part = String::new();
    let mut quoted = false;
    let mut chars = text.trim().chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                part.push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(std::mem::take(&mut part)),
            c if quoted => part.push(c),
            c => part.extend(c.to_lowercase()),
        }
    }
    (parts.pop(), part)
}
