//! A foreign key from its clause to a descriptor.

use std::sync::Arc;

use cairn_txn::LockMode;

use super::super::Session;
use super::super::constraints::{Key, constraint_exists, place_of};
use super::undefined_table;
use crate::binder::fold;
use crate::catalog::constraint::{Action, ForeignKey};
use crate::catalog::{Index, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::{ActionKind, MatchClause, ReferentialAction};
use crate::row::reference::can_refer;

/// Most columns of a foreign key, as in PostgreSQL.
const MAX_KEY_COLUMNS: usize = 32;

fn action(clause: &Option<ReferentialAction>) -> Action {
    match clause.as_ref().map_or(ActionKind::NoAction, |action| action.kind) {
        ActionKind::NoAction => Action::NoAction,
        ActionKind::Restrict => Action::Restrict,
        ActionKind::Cascade => Action::Cascade,
        ActionKind::SetNull => Action::SetNull,
        ActionKind::SetDefault => Action::SetDefault,
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::InvalidForeignKey, message)
}

fn columns_of(table: &Table, names: &[String]) -> Result<Vec<usize>> {
    let positions = names.iter().map(|name| {
        table.position(name).ok_or_else(|| {
            Error::new(
                SqlState::UndefinedColumn,
                format!("column \"{name}\" referenced in foreign key constraint does not exist"),
            )
        })
    });
    let positions = positions.collect::<Result<Vec<_>>>()?;
    match positions.len() > MAX_KEY_COLUMNS {
        false => Ok(positions),
        true => Err(Error::new(
            SqlState::TooManyColumns,
            format!("cannot have more than {MAX_KEY_COLUMNS} keys in a foreign key"),
        )),
    }
}

/// The unique index over these columns of the table that is referred to.
fn unique_index<'t>(parent: &'t Table, referred: &[usize]) -> Result<&'t Index> {
    for (at, column) in referred.iter().enumerate() {
        if referred.iter().take(at).any(|other| other == column) {
            return Err(invalid("foreign key referenced-columns list must not contain duplicates"));
        }
    }
    let fits = |index: &&Index| {
        index.columns.len() == referred.len()
            && !index.is_computed()
            && index.is_public()
            && index.columns.iter().all(|column| referred.contains(column))
            && (index.storage != parent.primary.storage || parent.has_primary_key())
    };
    let fitting = || parent.all_indexes().filter(fits);
    if let Some(index) = fitting().find(|index| index.unique) {
        return Ok(index);
    }
    Err(match fitting().any(|index| index.deferral.is_some()) {
        true => Error::new(
            SqlState::ObjectNotInPrerequisiteState,
            format!(
                "cannot use a deferrable unique constraint for referenced table \"{}\"",
                parent.name
            ),
        ),
        false => invalid(format!(
            "there is no unique constraint matching given keys for referenced table \"{}\"",
            parent.name
        )),
    })
}

/// The primary key of the table that is referred to.
fn primary_key(parent: &Table) -> Result<&Index> {
    match parent.primary_key() {
        None => Err(Error::new(
            SqlState::UndefinedObject,
            format!("there is no primary key for referenced table \"{}\"", parent.name),
        )),
        Some(index) if index.deferral.is_some() => Err(Error::new(
            SqlState::ObjectNotInPrerequisiteState,
            format!("cannot use a deferrable primary key for referenced table \"{}\"", parent.name),
        )),
        Some(index) => Ok(index),
    }
}

/// Refuses actions that would set generated columns.
fn check_generated(table: &Table, columns: &[usize], key: &Key) -> Result<()> {
    let generated = |position: &usize| {
        table.columns.get(*position).is_some_and(|column| column.generated.is_some())
    };
    if !columns.iter().any(generated) {
        return Ok(());
    }
    let sets = |action| matches!(action, Action::SetNull | Action::SetDefault);
    let on_update = action(&key.references.on_update);
    let what = match sets(on_update) || on_update == Action::Cascade {
        true => "ON UPDATE",
        false if sets(action(&key.references.on_delete)) => "ON DELETE",
        false => return Ok(()),
    };
    Err(Error::new(
        SqlState::SyntaxError,
        format!("invalid {what} action for foreign key constraint containing generated column"),
    ))
}

/// Refuses columns that do not compare with what they refer to.
pub(super) fn check_types(
    child: &Table,
    columns: &[usize],
    parent: &Table,
    referred: &[usize],
    name: &str,
) -> Result<()> {
    for (from, to) in columns.iter().zip(referred) {
        let (Some(from), Some(to)) = (child.columns.get(*from), parent.columns.get(*to)) else {
            return Err(Error::internal("no such column"));
        };
        let (from_kind, to_kind) = (from.kind().kind, to.kind().kind);
        match can_refer(from_kind, to_kind) {
            Some(true) => {}
            Some(false) => {
                return Err(Error::new(
                    SqlState::DatatypeMismatch,
                    format!("foreign key constraint \"{name}\" cannot be implemented"),
                )
                .detail(format!(
                    "Key columns \"{}\" and \"{}\" are of incompatible types: {} and {}.",
                    from.name,
                    to.name,
                    from.kind().display(),
                    to.kind().display()
                )));
            }
            None => {
                let (from, to) = (from_kind.name(), to_kind.name());
                return Err(Error::unsupported(format!("a foreign key from {from} to {to}")));
            }
        }
    }
    Ok(())
}

impl Session {
    /// Refuses what a foreign key's clauses say and none can have.
    pub(super) fn check_key_clauses(&self, key: &Key, sql: &str) -> Result<()> {
        if let Some((MatchClause::Partial, span)) = key.references.match_type {
            return Err(Error::new(
                SqlState::FeatureNotSupported,
                "MATCH PARTIAL not yet implemented",
            )
            .at(place_of(sql, span)));
        }
        if let Some(on_update) = &key.references.on_update
            && !on_update.columns.is_empty()
        {
            let what = match on_update.kind {
                ActionKind::SetDefault => "SET DEFAULT",
                _ => "SET NULL",
            };
            return Err(Error::new(
                SqlState::FeatureNotSupported,
                format!("a column list with {what} is only supported for ON DELETE actions"),
            )
            .at(place_of(sql, on_update.span)));
        }
        Ok(())
    }

    /// Adds a foreign key to a table that is being defined. The table that it refers to is locked
    /// against writers. The key's name.
    pub(super) async fn add_key(&mut self, table: &mut Table, key: &Key) -> Result<String> {
        let name = match &key.name {
            Some(name) if table.has_constraint(name) => {
                return Err(constraint_exists(table, name));
            }
            Some(name) => name.clone(),
            None => {
                let columns = key.columns.join("_");
                let parts = [table.name.as_str(), columns.as_str()];
                self.schema().free_constraint_name(&parts, "fkey", table)
            }
        };
        let wanted = self.named(&key.references.table)?;
        let parent: Arc<Table> = match self.schema().table(&wanted) {
            // It may refer to itself while it is being made.
            None if key.references.table.0.len() == 1 && wanted.name == table.name => {
                Arc::new(table.clone())
            }
            Some(parent) if parent.id == table.id => Arc::new(table.clone()),
            Some(parent) => parent.clone(),
            None if self.schema().index(&wanted).is_some() => {
                return Err(Error::new(
                    SqlState::WrongObjectType,
                    format!("\"{wanted}\" is an index"),
                ));
            }
            None if self.schema().is_taken(&wanted) => {
                return Err(Error::new(
                    SqlState::WrongObjectType,
                    format!("referenced relation \"{wanted}\" is not a table"),
                ));
            }
            None => return Err(undefined_table("relation", &wanted)),
        };
        if parent.is_temporary() != table.is_temporary() {
            let kind = if table.is_temporary() { "temporary" } else { "permanent" };
            return Err(Error::new(
                SqlState::InvalidTableDefinition,
                format!("constraints on {kind} tables may reference only {kind} tables"),
            ));
        }
        if parent.id != table.id {
            self.lock_table(&parent, LockMode::ShareRowExclusive).await?;
        }
        let columns = columns_of(table, &key.columns)?;
        let set: Vec<String> = match &key.references.on_delete {
            Some(action) => action.columns.iter().map(fold).collect(),
            None => Vec::new(),
        };
        let mut set_columns = Vec::new();
        for (name, position) in set.iter().zip(columns_of(table, &set)?) {
            if !columns.contains(&position) {
                return Err(Error::new(
                    SqlState::InvalidColumnReference,
                    format!(
                        "column \"{name}\" referenced in ON DELETE SET action must be part of foreign key"
                    ),
                ));
            }
            if !set_columns.contains(&position) {
                set_columns.push(position);
            }
        }
        let (referred, index) = match key.references.columns.is_empty() {
            true => {
                let index = primary_key(&parent)?;
                (index.columns.clone(), index)
            }
            false => {
                let names: Vec<String> = key.references.columns.iter().map(fold).collect();
                let referred = columns_of(&parent, &names)?;
                let index = unique_index(&parent, &referred)?;
                (referred, index)
            }
        };
        check_generated(table, &columns, key)?;
        if columns.len() != referred.len() {
            return Err(invalid(
                "number of referencing and referenced columns for foreign key disagree",
            ));
        }
        check_types(table, &columns, &parent, &referred, &name)?;
        let full = matches!(key.references.match_type, Some((MatchClause::Full, _)));
        table.foreign_keys.push(ForeignKey {
            id: 0,
            name: name.clone(),
            columns,
            table: parent.id,
            referred,
            index: index.name.clone(),
            full,
            on_delete: action(&key.references.on_delete),
            on_update: action(&key.references.on_update),
            set_columns,
            deferral: key.deferral,
            valid: key.validate,
            comment: None,
        });
        Ok(name)
    }
}
