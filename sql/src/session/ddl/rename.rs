//! RENAME, of relations, columns and constraints.
//!
//! Texts that the catalog keeps name columns and sequences, and foreign keys the indexes that they stand
//! on: these change along.

use std::sync::Arc;

use cairn_txn::LockMode;
use datafusion::sql::sqlparser::ast::{Ident, ObjectName};

use super::super::Session;
use super::super::constraints::{constraint_exists, truncate_name};
use super::{duplicate_relation, undefined_table};
use crate::binder::fold;
use crate::catalog::names::RelationName;
use crate::catalog::{Draft, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::{RelationKind, Rename};
use crate::parser::stored;

impl Session {
    /// ALTER INDEX and ALTER SEQUENCE ... RENAME TO.
    pub(super) async fn rename(&mut self, rename: &Rename) -> Result<()> {
        self.lock_catalog().await?;
        let wanted = self.named(&rename.name)?;
        let schema = self.schema();
        let is_other = match rename.kind {
            RelationKind::View => schema.view(&wanted).is_none(),
            RelationKind::MaterializedView => {
                schema.table(&wanted).is_none_or(|table| table.definition.is_none())
            }
            _ => schema.sequence(&wanted).is_none(),
        };
        // ALTER INDEX renames what else there is, too; the others do not.
        if is_other && rename.kind != RelationKind::Index && schema.is_taken(&wanted) {
            return Err(Error::new(
                SqlState::WrongObjectType,
                format!("\"{wanted}\" is not a {}", rename.kind.name()),
            ));
        }
        self.rename_relation(&rename.name, rename.if_exists, &rename.to).await
    }

    /// Renames a table, an index with its constraint, or a sequence.
    pub(super) async fn rename_relation(
        &mut self,
        name: &ObjectName,
        if_exists: bool,
        to: &Ident,
    ) -> Result<()> {
        let wanted = self.named(name)?;
        let to = truncate_name(fold(to));
        let schema = self.schema();
        if let Some(table) = schema.table(&wanted) {
            self.lock_table(table, LockMode::AccessExclusive).await?;
            self.check_free(&wanted.beside(to.as_str()))?;
            let changed = Table { name: to, ..(**table).clone() };
            return self.draft(|draft| draft.put_table(changed));
        }
        if let Some(view) = schema.view(&wanted) {
            self.check_free(&wanted.beside(to.as_str()))?;
            let mut changed = (**view).clone();
            changed.name = to;
            return self.draft(|draft| draft.put_view(changed));
        }
        if let Some((table, index)) = schema.index(&wanted) {
            self.check_free(&wanted.beside(to.as_str()))?;
            if index.constraint && table.has_constraint(&to) {
                return Err(constraint_exists(table, &to));
            }
            return self.draft(|draft| rename_index(draft, table, &wanted, &to));
        }
        if let Some(sequence) = schema.sequence(&wanted) {
            self.check_free(&wanted.beside(to.as_str()))?;
            let mut changed = (**sequence).clone();
            changed.name.clone_from(&to);
            return self.draft(|draft| {
                draft.put_sequence(changed)?;
                rename_sequence_in_defaults(draft, &wanted, &to)
            });
        }
        if if_exists {
            self.skip(format!("relation \"{wanted}\" does not exist, skipping"));
            return Ok(());
        }
        Err(undefined_table("relation", &wanted))
    }

    fn check_free(&self, name: &RelationName) -> Result<()> {
        match self.schema().is_taken(name) {
            true => Err(duplicate_relation(name)),
            false => Ok(()),
        }
    }

    pub(super) async fn rename_column(
        &mut self,
        table: &Arc<Table>,
        from: &str,
        to: &Ident,
    ) -> Result<()> {
        self.lock_table(table, LockMode::AccessExclusive).await?;
        let to = truncate_name(fold(to));
        let Some(position) = table.position(from) else {
            return Err(Error::new(
                SqlState::UndefinedColumn,
                format!("column \"{from}\" does not exist"),
            ));
        };
        if table.position(&to).is_some() {
            return Err(Error::new(
                SqlState::DuplicateColumn,
                format!("column \"{to}\" of relation \"{}\" already exists", table.name),
            ));
        }
        let mut changed = (**table).clone();
        for check in &mut changed.checks {
            check.expression = stored::rename_column(&check.expression, from, &to)?;
        }
        for column in &mut changed.columns {
            if let Some(sql) = &mut column.generated {
                *sql = stored::rename_column(sql, from, &to)?;
            }
        }
        for index in &mut changed.indexes {
            for expression in &mut index.expressions {
                expression.sql = stored::rename_column(&expression.sql, from, &to)?;
            }
            if let Some(sql) = &mut index.predicate {
                *sql = stored::rename_column(sql, from, &to)?;
            }
        }
        if let Some(column) = changed.columns.get_mut(position) {
            column.name = to;
        }
        self.draft(|draft| draft.put_table(changed))
    }

    pub(super) async fn rename_constraint(
        &mut self,
        table: &Arc<Table>,
        from: &str,
        to: &Ident,
    ) -> Result<()> {
        self.lock_table(table, LockMode::AccessExclusive).await?;
        let to = truncate_name(fold(to));
        if !table.has_constraint(from) {
            return Err(Error::new(
                SqlState::UndefinedObject,
                format!("constraint \"{from}\" for table \"{}\" does not exist", table.name),
            ));
        }
        if table.has_constraint(&to) {
            return Err(constraint_exists(table, &to));
        }
        if table.all_indexes().any(|index| index.constraint && index.name == from) {
            self.check_free(&table.full_name().beside(to.as_str()))?;
            return self.draft(|draft| rename_index(draft, table, from, &to));
        }
        let mut changed = (**table).clone();
        for check in changed.checks.iter_mut().filter(|check| check.name == from) {
            check.name.clone_from(&to);
        }
        for key in changed.foreign_keys.iter_mut().filter(|key| key.name == from) {
            key.name.clone_from(&to);
        }
        self.draft(|draft| draft.put_table(changed))
    }
}

/// Renames an index, for those too that stand on it.
fn rename_index(draft: &mut Draft<'_>, table: &Arc<Table>, from: &str, to: &str) -> Result<()> {
    let mut changed = (**table).clone();
    let others = &mut changed.indexes;
    for index in std::iter::once(&mut changed.primary).chain(others) {
        if index.name == from {
            to.clone_into(&mut index.name);
        }
    }
    draft.put_table(changed)?;
    let schema = &*draft.schema;
    let referrers = schema.referrers(table.id).into_iter().filter(|(_, key)| key.index == from);
    let children: Vec<Arc<Table>> = referrers.map(|(child, _)| child.clone()).collect();
    for child in children {
        let Some(child) = draft.schema.table_by_id(child.id).cloned() else { continue };
        let mut changed = (*child).clone();
        for key in changed.foreign_keys.iter_mut() {
            if key.table == table.id && key.index == from {
                to.clone_into(&mut key.index);
            }
        }
        draft.put_table(changed)?;
    }
    Ok(())
}

/// Renames a sequence in the defaults that call functions on it.
fn rename_sequence_in_defaults(draft: &mut Draft<'_>, from: &str, to: &str) -> Result<()> {
    let names = |sql: &Option<String>| sql.as_ref().is_some_and(|sql| sql.contains(from));
    let users =
        draft.schema.tables().filter(|table| table.columns.iter().any(|c| names(&c.default)));
    let users: Vec<Arc<Table>> = users.cloned().collect();
    for table in users {
        let mut changed = (*table).clone();
        for column in changed.columns.iter_mut() {
            if let Some(sql) = &mut column.default {
                *sql = stored::rename_sequence(sql, from, to)?;
            }
        }
        draft.put_table(changed)?;
    }
    Ok(())
}
