//! ALTER COLUMN, DROP COLUMN and DROP CONSTRAINT.

use std::sync::Arc;

use cairn_txn::LockMode;
use datafusion::sql::sqlparser::ast;

use super::super::Session;
use super::super::rules::row_schema;
use super::alter::{Work, undefined_constraint};
use super::column::{check_identity_type, serial, type_of, without_position};
use super::composites::check_not_itself;
use super::drop::Dependent;
use super::identity::{SequenceOf, add_sequence, retype_sequence};
use super::undefined_column;
use crate::binder::constraint::keeps_values;
use crate::binder::fold;
use crate::catalog::types::row_type_oid;
use crate::catalog::{Column, Identity, Index, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::{ColumnAction, Drop, IdentityClause, RelationKind, SequenceOption};
use crate::parser::{parse_expression, stored};
use crate::row::expr::RowExpr;

/// What a column is in its table, for messages.
fn of_relation(table: &Table, column: &str, what: &str) -> String {
    format!("column \"{column}\" of relation \"{}\" {what}", table.name)
}

fn not_ready(message: String) -> Error {
    Error::new(SqlState::ObjectNotInPrerequisiteState, message)
}

fn syntax(message: String) -> Error {
    Error::new(SqlState::SyntaxError, message)
}

/// The generated columns that use a column, by their names.
fn users(table: &Table, column: &str) -> Result<Vec<String>> {
    let mut users = Vec::new();
    for (_, other) in table.visible() {
        if let Some(sql) = &other.generated
            && other.name != column
            && stored::names(&parse_expression(sql)?).iter().any(|name| name == column)
        {
            users.push(other.name.clone());
        }
    }
    Ok(users)
}

impl Session {
    pub(super) async fn alter_column(
        &mut self,
        work: &mut Work,
        name: &str,
        action: &ColumnAction,
        sql: &str,
    ) -> Result<()> {
        let position = work.table.position(name);
        let position = position.ok_or_else(|| undefined_column(&work.table, name))?;
        match action {
            ColumnAction::Type(data_type, using) => {
                self.alter_type(work, position, data_type, using.as_ref(), sql)
            }
            ColumnAction::SetDefault(expr) => {
                let column = changeable_default(&mut work.table, position, false)?;
                let checked = self.with_binder(sql, |binder| binder.check_default(column, expr));
                checked.map_err(without_position)?;
                column.default = Some(stored::to_text(expr));
                column.sequence = None;
                Ok(())
            }
            ColumnAction::DropDefault => {
                let column = changeable_default(&mut work.table, position, true)?;
                (column.default, column.sequence) = (None, None);
                Ok(())
            }
            ColumnAction::SetNotNull => {
                let column = column_mut(&mut work.table, position)?;
                if !std::mem::replace(&mut column.not_null, true) {
                    work.not_null.push(position);
                }
                Ok(())
            }
            ColumnAction::DropNotNull => drop_not_null(&mut work.table, position),
            ColumnAction::AddIdentity(clause) => self.add_identity(work, position, clause),
            ColumnAction::SetIdentity(always, options) => {
                self.set_identity(&mut work.table, position, *always, options)
            }
            ColumnAction::DropIdentity(if_exists) => {
                self.drop_identity(&mut work.table, position, *if_exists)
            }
            ColumnAction::DropExpression(if_exists) => {
                let table_name = work.table.name.clone();
                let column = column_mut(&mut work.table, position)?;
                if column.generated.take().is_some() {
                    return Ok(());
                }
                let message = format!(
                    "column \"{name}\" of relation \"{table_name}\" is not a stored generated column"
                );
                match if_exists {
                    true => self.skip(format!("{message}, skipping")),
                    false => return Err(not_ready(message)),
                }
                Ok(())
            }
        }
    }

    fn alter_type(
        &mut self,
        work: &mut Work,
        position: usize,
        data_type: &ast::DataType,
        using: Option<&ast::Expr>,
        sql: &str,
    ) -> Result<()> {
        let column = work.table.columns.get(position).map_or("", |column| &column.name);
        if let Some(view) = self.schema().views_on(work.table.id, Some(position)).first() {
            let view = self.describe(RelationKind::View, &view.full_name());
            return Err(Error::new(
                SqlState::FeatureNotSupported,
                "cannot alter type of a column used by a view or rule",
            )
            .detail(format!("rule _RETURN on {view} depends on column \"{column}\"")));
        }
        if serial(data_type).is_some() {
            let name = data_type.to_string().to_lowercase();
            return Err(Error::new(
                SqlState::UndefinedObject,
                format!("type \"{name}\" does not exist"),
            ));
        }
        let column = column_mut(&mut work.table, position)?.clone();
        if let Some(user) = users(&work.table, &column.name)?.first() {
            return Err(Error::new(
                SqlState::FeatureNotSupported,
                "cannot alter type of a column used by a generated column",
            )
            .detail(format!(
                "Column \"{}\" is used by generated column \"{user}\".",
                column.name
            )));
        }
        let target = type_of(data_type, &self.names(), sql, None)?;
        self.check_rows_not_stored(&work.old)?;
        check_not_itself(target.kind, row_type_oid(work.table.id), &work.table.name)?;
        if column.identity.is_some() {
            check_identity_type(target.kind)?;
        }
        if column.generated.is_some() && using.is_some() {
            return Err(Error::new(
                SqlState::InvalidColumnDefinition,
                "cannot specify USING when altering type of generated column",
            )
            .detail(format!("Column \"{}\" is a generated column.", column.name)));
        }
        if work.retyped.contains(&position) {
            return Err(Error::new(
                SqlState::FeatureNotSupported,
                format!("cannot alter type of column \"{}\" twice", column.name),
            ));
        }
        // Rows are as they were before the statement.
        let old = work.old.clone();
        let expr =
            self.with_binder(sql, |binder| binder.transform(&old, position, target, using))?;
        if let Some(default) = &column.default {
            self.with_binder(sql, |binder| binder.retyped_default(&column, default, target))?;
        }
        if using.is_some() || !keeps_values(column.declared(), target) {
            work.rewrites = true;
            if column.generated.is_none() {
                work.values.push((position, RowExpr::compile(&expr, &row_schema(&old)?)?));
            }
        }
        work.retyped.push(position);
        let (kind, sequence) = (column.kind().kind, column.sequence);
        if let Some(sequence) = sequence.filter(|_| column.identity.is_some()) {
            self.draft(|draft| retype_sequence(draft, sequence, kind, target.kind))?;
        }
        let column = column_mut(&mut work.table, position)?;
        column.set_kind(target);
        Ok(())
    }

    fn add_identity(
        &mut self,
        work: &mut Work,
        position: usize,
        clause: &IdentityClause,
    ) -> Result<()> {
        let table = &mut work.table;
        let column = column_mut(table, position)?.clone();
        let kind = column.kind().kind;
        check_identity_type(kind)?;
        let refuse = |what: &str| Err(not_ready(of_relation(table, &column.name, what)));
        if !column.not_null {
            return refuse("must be declared NOT NULL before identity can be added");
        }
        if column.identity.is_some() {
            return refuse("is already an identity column");
        }
        if column.default.is_some() || column.sequence.is_some() || column.generated.is_some() {
            return refuse("already has a default value");
        }
        let sequence = SequenceOf { kind, options: clause.options.clone() };
        self.draft(|draft| add_sequence(draft, table, position, &sequence))?;
        column_mut(table, position)?.identity = Some(kind_of(clause.always));
        Ok(())
    }

    fn set_identity(
        &mut self,
        table: &mut Table,
        position: usize,
        always: Option<bool>,
        options: &[SequenceOption],
    ) -> Result<()> {
        let column = column_mut(table, position)?;
        if column.identity.is_none() {
            let name = column.name.clone();
            return Err(not_ready(of_relation(table, &name, "is not an identity column")));
        }
        if let Some(always) = always {
            column.identity = Some(kind_of(always));
        }
        match options.is_empty() {
            true => Ok(()),
            false => self.change_sequence(table, position, options),
        }
    }

    fn drop_identity(&mut self, table: &mut Table, position: usize, if_exists: bool) -> Result<()> {
        let column = column_mut(table, position)?;
        if column.identity.take().is_none() {
            let name = column.name.clone();
            let message = of_relation(table, &name, "is not an identity column");
            return match if_exists {
                true => {
                    self.skip(format!("{message}, skipping"));
                    Ok(())
                }
                false => Err(not_ready(message)),
            };
        }
        let sequence = column.sequence.take();
        self.drop_sequence(sequence)
    }

    fn drop_sequence(&mut self, sequence: Option<u32>) -> Result<()> {
        self.draft(|draft| {
            let known = sequence.and_then(|id| draft.schema.sequence_by_id(id)).cloned();
            known.map_or(Ok(()), |sequence| draft.drop_sequence(&sequence))
        })
    }

    pub(super) async fn drop_column(&mut self, work: &mut Work, drop: &Drop) -> Result<()> {
        let name = fold(&drop.name);
        let Some(position) = work.table.position(&name) else {
            if drop.if_exists {
                let table = &work.table.name;
                self.skip(format!(
                    "column \"{name}\" of relation \"{table}\" does not exist, skipping"
                ));
                return Ok(());
            }
            return Err(undefined_column(&work.table, &name));
        };
        let object = format!("column {name} of table {}", work.table.name);
        let mut gone = vec![position];
        let mut dependents = Vec::new();
        for user in users(&work.table, &name)? {
            gone.extend(work.table.position(&user));
            dependents.push(Dependent {
                what: format!("column {user} of table {}", work.table.name),
                on: object.clone(),
                key: None,
                object: None,
            });
        }
        for position in &gone {
            let indexes = indexes_with(&work.table, *position);
            for index in &indexes {
                self.dependents_of_index(&work.table, index, &object, &mut dependents);
            }
        }
        // Its own foreign keys over the column go with it.
        dependents.retain(|dependent| match &dependent.key {
            Some((table, key)) if *table == work.table.id => {
                let own = work.table.foreign_keys.iter().find(|other| other.name == *key);
                own.is_none_or(|own| !own.columns.iter().any(|column| gone.contains(column)))
            }
            _ => true,
        });
        let mut views = Vec::new();
        for position in &gone {
            let (id, column) = (work.table.id, Some(*position));
            self.dependent_views(id, column, &object, &mut views, &mut dependents);
        }
        self.cascade(&object, &dependents, drop.cascade)?;
        self.drop_dependents(Some(&mut work.table), &dependents).await?;
        for position in gone {
            for index in indexes_with(&work.table, position) {
                work.remove_index(&index);
            }
            self.remove_column(work, position)?;
        }
        Ok(())
    }

    /// Drops a column whose dependents go, too.
    pub(super) async fn drop_column_of(
        &mut self,
        table: &Arc<Table>,
        position: usize,
    ) -> Result<()> {
        self.lock_table(table, LockMode::AccessExclusive).await?;
        self.check_not_pending(table, "ALTER TABLE")?;
        let mut work = Work::new(table.clone());
        for index in indexes_with(&work.table, position) {
            work.remove_index(&index);
        }
        self.remove_column(&mut work, position)?;
        self.store_altered(work).await
    }

    /// Takes a column away. Its place in the rows stays, and its values with it.
    fn remove_column(&mut self, work: &mut Work, position: usize) -> Result<()> {
        let table = &mut work.table;
        let Some(column) = table.columns.get(position).cloned() else { return Ok(()) };
        let mut kept = Vec::new();
        for check in std::mem::take(&mut table.checks) {
            let names = stored::names(&parse_expression(&check.expression)?);
            if !names.contains(&column.name) {
                kept.push(check);
            }
        }
        table.checks = kept;
        table.foreign_keys.retain(|key| !key.columns.contains(&position));
        let schema = self.schema();
        let owned = schema.sequences().filter(|sequence| {
            let is_own = sequence.owner == Some(table.id) && sequence.column == Some(position);
            is_own || column.sequence == Some(sequence.id)
        });
        let owned: Vec<u32> = owned.map(|sequence| sequence.id).collect();
        owned.into_iter().try_for_each(|id| self.drop_sequence(Some(id)))?;
        let column = column_mut(&mut work.table, position)?;
        let name = format!("........pg.dropped.{}........", position + 1);
        *column = Column {
            name,
            dropped: true,
            missing: column.missing.clone(),
            ..Column::new(String::new(), column.kind())
        };
        work.not_null.retain(|other| *other != position);
        work.values.retain(|(other, _)| *other != position);
        let table = &work.table;
        work.checks.retain(|name| table.checks.iter().any(|check| check.name == *name));
        work.keys.retain(|name| table.foreign_keys.iter().any(|key| key.name == *name));
        Ok(())
    }

    pub(super) async fn drop_constraint(&mut self, work: &mut Work, drop: &Drop) -> Result<()> {
        let name = fold(&drop.name);
        let table = &mut work.table;
        if let Some(at) = table.checks.iter().position(|check| check.name == name) {
            table.checks.remove(at);
            return Ok(());
        }
        if let Some(at) = table.foreign_keys.iter().position(|key| key.name == name) {
            let key = table.foreign_keys.remove(at);
            let parent = self.schema().table_by_id(key.table).cloned();
            if let Some(parent) = parent.filter(|parent| parent.id != work.old.id) {
                self.lock_table(&parent, LockMode::AccessExclusive).await?;
                self.check_not_pending(&parent, "ALTER TABLE")?;
            }
            return Ok(());
        }
        let is_wanted = |index: &&Index| index.constraint && index.name == name;
        let Some(index) = table.all_indexes().find(is_wanted).cloned() else {
            if drop.if_exists {
                let message = format!(
                    "constraint \"{name}\" of relation \"{}\" does not exist, skipping",
                    table.name
                );
                self.skip(message);
                return Ok(());
            }
            return Err(undefined_constraint(table, &name));
        };
        let mut dependents = Vec::new();
        self.dependents_of_index(table, &index, &format!("index {name}"), &mut dependents);
        let object = format!("constraint {name} on table {}", table.name);
        self.cascade(&object, &dependents, drop.cascade)?;
        self.drop_dependents(Some(&mut work.table), &dependents).await?;
        work.remove_index(&index);
        Ok(())
    }
}

fn kind_of(always: bool) -> Identity {
    if always { Identity::Always } else { Identity::ByDefault }
}

fn column_mut(table: &mut Table, position: usize) -> Result<&mut Column> {
    table.columns.get_mut(position).ok_or_else(|| Error::internal("no such column"))
}

/// The indexes that hold a column.
fn indexes_with(table: &Table, position: usize) -> Vec<Index> {
    let has = |index: &&Index| index.uses_column(table, position);
    table.all_indexes().filter(has).cloned().collect()
}

/// A column whose default may be changed.
fn changeable_default(table: &mut Table, position: usize, drops: bool) -> Result<&mut Column> {
    let column = column_mut(table, position)?;
    let what = match (column.identity, &column.generated) {
        (Some(_), _) => Some(("is an identity column", "IDENTITY")),
        (_, Some(_)) => Some(("is a generated column", "EXPRESSION")),
        _ => None,
    };
    if let Some((what, drop)) = what {
        let name = column.name.clone();
        let error = syntax(of_relation(table, &name, what));
        let hint = format!("Use ALTER TABLE ... ALTER COLUMN ... DROP {drop} instead.");
        return Err(if drops { error.hint(hint) } else { error });
    }
    column_mut(table, position)
}

fn drop_not_null(table: &mut Table, position: usize) -> Result<()> {
    let column = column_mut(table, position)?;
    if column.identity.is_some() {
        let name = column.name.clone();
        return Err(syntax(of_relation(table, &name, "is an identity column")));
    }
    let name = column.name.clone();
    if table.primary_key().is_some_and(|key| key.columns.contains(&position)) {
        return Err(Error::new(
            SqlState::InvalidTableDefinition,
            format!("column \"{name}\" is in a primary key"),
        ));
    }
    column_mut(table, position)?.not_null = false;
    Ok(())
}
