//! CREATE TABLE.

use cairn_txn::LockMode;

use super::super::Session;
use super::super::constraints::{Constraints, Unique, add_unique, place};
use super::super::settings::Severity;
use super::super::storage_parameters::{self, Target};
use super::column::NewColumn;
use super::identity::add_sequence;
use super::like::Copied;
use super::new_table;
use crate::binder::name_parts;
use crate::catalog::{Column, MAX_COLUMNS, names};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::{CreateTable, Element};

impl Session {
    pub(super) async fn create_table(&mut self, create: &CreateTable, sql: &str) -> Result<()> {
        let mut parameters = Vec::new();
        storage_parameters::set(&mut parameters, Target::Table, &create.parameters)?;
        let name = self
            .new_name(&create.name, create.temporary)
            .map_err(|error| error.at(place(sql, &create.name)))?;
        let is_temporary = names::is_temporary(&name.schema);
        if create.on_commit.is_some() && !is_temporary {
            return Err(Error::new(
                SqlState::InvalidTableDefinition,
                "ON COMMIT can only be used on temporary tables",
            ));
        }
        if let Some(written) =
            name_parts(&create.name).pop().filter(|written| *written != name.name)
        {
            self.notice(
                Severity::Notice,
                SqlState::NameTooLong,
                format!("identifier \"{written}\" will be truncated to \"{name}\""),
            );
        }
        self.lock_catalog().await?;
        if self.exists_already(&name, create.if_not_exists)? {
            return Ok(());
        }
        let mut constraints = Constraints::default();
        let mut columns: Vec<NewColumn> = Vec::new();
        let mut copies: Vec<Copied> = Vec::new();
        for element in &create.elements {
            match element {
                Element::Column(definition) => {
                    columns.push(NewColumn::new(
                        &name,
                        definition,
                        &mut constraints,
                        &self.names(),
                        sql,
                    )?);
                }
                Element::Constraint(constraint) => constraints.add(constraint, sql)?,
                Element::Like(like) => {
                    let (copied, copy) = self.like(like, columns.len(), sql)?;
                    columns.extend(copied);
                    copies.push(copy);
                }
            }
            if columns.len() > MAX_COLUMNS {
                return Err(Error::new(
                    SqlState::TooManyColumns,
                    format!("tables can have at most {MAX_COLUMNS} columns"),
                ));
            }
        }
        for key in &constraints.keys {
            self.check_key_clauses(key, sql)?;
        }
        for (at, new) in columns.iter().enumerate() {
            let name = &new.column.name;
            if columns.iter().take(at).any(|other| other.column.name == *name) {
                return Err(Error::new(
                    SqlState::DuplicateColumn,
                    format!("column \"{name}\" specified more than once"),
                ));
            }
        }
        let all: Vec<Column> = columns.iter().map(|new| new.column.clone()).collect();
        let schema = self.schema();
        let mut table = new_table(&schema, name, all);
        table.parameters = parameters;
        table.on_commit = create.on_commit.unwrap_or_default();
        self.has_temporary |= is_temporary;
        for new in &columns {
            self.check_values(&table, new, sql)?;
        }
        for copy in &copies {
            copy.add_checks(&mut table);
        }
        let mut made = Vec::new();
        for condition in &constraints.checks {
            made.push(self.add_check(&mut table, condition, &made, sql)?);
        }
        for unique in distinct(constraints.uniques) {
            if unique.index.is_some() {
                return Err(Error::new(
                    SqlState::FeatureNotSupported,
                    "cannot use an existing index in CREATE TABLE",
                )
                .at(unique.position));
            }
            add_unique(&schema, &mut table, &unique)?;
        }
        for copy in &copies {
            copy.add_indexes(&schema, &mut table)?;
        }
        for key in &constraints.keys {
            self.add_key(&mut table, key).await?;
        }
        let table = self.draft(|draft| {
            for (position, new) in columns.iter().enumerate() {
                if let Some(sequence) = &new.sequence {
                    add_sequence(draft, &mut table, position, sequence)?;
                }
            }
            draft.put_table(table.clone())?;
            Ok(table)
        })?;
        self.lock_table(&table, LockMode::AccessExclusive).await?;
        self.anchor(&table).await
    }
}

/// Unique constraints without those that say the same as another one; the primary key first.
fn distinct(uniques: Vec<Unique>) -> Vec<Unique> {
    let (first, others): (Vec<Unique>, Vec<Unique>) =
        uniques.into_iter().partition(|unique| unique.primary);
    let mut kept: Vec<Unique> = first;
    for unique in others {
        let same = kept.iter_mut().find(|other| {
            other.index.is_none()
                && unique.index.is_none()
                && other.columns == unique.columns
                && other.include == unique.include
                && other.nulls_not_distinct == unique.nulls_not_distinct
                && other.deferral == unique.deferral
        });
        match same {
            Some(other) if other.name.is_none() => other.name = unique.name,
            Some(_) => {}
            None => kept.push(unique),
        }
    }
    kept
}
