//! DROP TABLE and DROP INDEX, and what depends on what is dropped.

use std::sync::Arc;

use cairn_txn::LockMode;
use datafusion::sql::sqlparser::ast;

use super::super::Session;
use super::super::settings::Severity;
use super::{public_name, undefined_table};
use crate::catalog::{Index, Table};
use crate::error::{Error, Result, SqlState};

/// Something that cannot be without what is dropped.
pub(super) struct Dependent {
    /// As messages call it.
    pub what: String,
    /// What of that it needs.
    pub on: String,
    /// A foreign key: its table's number and its name.
    pub key: Option<(u32, String)>,
}

impl Session {
    /// The foreign keys that stand on an index of a table. `on` is what they depend on then.
    pub(super) fn dependents_of_index(
        &self,
        table: &Table,
        index: &Index,
        on: &str,
        dependents: &mut Vec<Dependent>,
    ) {
        let schema = self.schema();
        let own = table.foreign_keys.iter().filter(|key| key.table == table.id);
        let own = own.map(|key| (table, key));
        let others = schema.referrers(table.id).into_iter();
        let others = others.filter(|(child, _)| child.id != table.id);
        let others = others.map(|(child, key)| (&**child, key));
        for (child, key) in own.chain(others).filter(|(_, key)| key.index == index.name) {
            dependents.push(Dependent {
                what: format!("constraint {} on table {}", key.name, child.name),
                on: on.to_owned(),
                key: Some((child.id, key.name.clone())),
            });
        }
    }

    /// Refuses to drop something that others depend on, unless they are to go with it.
    pub(super) fn cascade(
        &mut self,
        object: &str,
        dependents: &[Dependent],
        cascade: bool,
    ) -> Result<()> {
        self.cascade_as(
            &format!("cannot drop {object} because other objects depend on it"),
            dependents,
            cascade,
        )
    }

    fn cascade_as(
        &mut self,
        refusal: &str,
        dependents: &[Dependent],
        cascade: bool,
    ) -> Result<()> {
        if dependents.is_empty() {
            return Ok(());
        }
        if !cascade {
            let lines = dependents.iter().map(|d| format!("{} depends on {}", d.what, d.on));
            return Err(Error::new(SqlState::DependentObjectsStillExist, refusal)
                .detail(lines.collect::<Vec<_>>().join("\n"))
                .hint("Use DROP ... CASCADE to drop the dependent objects too."));
        }
        match dependents {
            [only] => self.skip(format!("drop cascades to {}", only.what)),
            many => {
                let lines = many.iter().map(|d| format!("drop cascades to {}", d.what));
                let detail = lines.collect::<Vec<_>>().join("\n");
                let message = format!("drop cascades to {} other objects", many.len());
                let notice = Error::new(SqlState::SuccessfulCompletion, message).detail(detail);
                self.tell(Severity::Notice, notice);
            }
        }
        Ok(())
    }

    /// Drops foreign keys that depended on something; those of `table`, which is being changed, in
    /// its new descriptor.
    pub(super) async fn drop_dependents(
        &mut self,
        mut table: Option<&mut Table>,
        dependents: &[Dependent],
    ) -> Result<()> {
        for (id, name) in dependents.iter().filter_map(|dependent| dependent.key.as_ref()) {
            if let Some(table) = table.as_deref_mut().filter(|table| table.id == *id) {
                table.foreign_keys.retain(|key| key.name != *name);
                continue;
            }
            let Some(child) = self.schema().table_by_id(*id).cloned() else { continue };
            self.lock_table(&child, LockMode::AccessExclusive).await?;
            let mut changed = (*child).clone();
            changed.foreign_keys.retain(|key| key.name != *name);
            self.draft(|draft| draft.put_table(changed))?;
        }
        Ok(())
    }

    pub(super) async fn drop_tables(
        &mut self,
        names: &[ast::ObjectName],
        if_exists: bool,
        cascade: bool,
    ) -> Result<()> {
        self.lock_catalog().await?;
        let mut tables: Vec<Arc<Table>> = Vec::new();
        for name in names {
            let wanted = match public_name(name) {
                Ok(wanted) => wanted,
                Err(Error::Report(report))
                    if if_exists && report.state == SqlState::InvalidSchemaName =>
                {
                    self.skip(format!("{}, skipping", report.message));
                    continue;
                }
                Err(error) => return Err(error),
            };
            match self.schema().table(&wanted).cloned() {
                Some(table) if tables.iter().any(|other| other.id == table.id) => {}
                Some(table) => tables.push(table),
                None if if_exists => {
                    self.skip(format!("table \"{wanted}\" does not exist, skipping"));
                }
                None if self.schema().is_taken(&wanted) => {
                    let error = Error::new(
                        SqlState::WrongObjectType,
                        format!("\"{wanted}\" is not a table"),
                    );
                    return Err(match self.schema().index(&wanted).is_some() {
                        true => error.hint("Use DROP INDEX to remove an index."),
                        false => error.hint("Use DROP SEQUENCE to remove a sequence."),
                    });
                }
                None => return Err(undefined_table("table", &wanted)),
            }
        }
        for table in &tables {
            self.lock_table(table, LockMode::AccessExclusive).await?;
        }
        let schema = self.schema();
        let mut dependents = Vec::new();
        for table in &tables {
            let others = schema.referrers(table.id).into_iter();
            let others = others.filter(|(child, _)| !tables.iter().any(|t| t.id == child.id));
            dependents.extend(others.map(|(child, key)| Dependent {
                what: format!("constraint {} on table {}", key.name, child.name),
                on: format!("table {}", table.name),
                key: Some((child.id, key.name.clone())),
            }));
        }
        let refusal = match tables.as_slice() {
            [table] => {
                format!("cannot drop table {} because other objects depend on it", table.name)
            }
            _ => "cannot drop desired object(s) because other objects depend on them".to_owned(),
        };
        self.cascade_as(&refusal, &dependents, cascade)?;
        for table in &tables {
            self.check_not_pending(table, "DROP TABLE")?;
        }
        self.drop_dependents(None, &dependents).await?;
        for table in tables {
            self.draft(|draft| draft.drop_table(&table))?;
        }
        Ok(())
    }

    pub(super) async fn drop_index(
        &mut self,
        name: &ast::ObjectName,
        if_exists: bool,
        cascade: bool,
    ) -> Result<()> {
        self.lock_catalog().await?;
        let wanted = public_name(name)?;
        let schema = self.schema();
        let Some((table, index)) = schema.index(&wanted) else {
            if schema.is_taken(&wanted) {
                return Err(Error::new(
                    SqlState::WrongObjectType,
                    format!("\"{wanted}\" is not an index"),
                )
                .hint("Use DROP TABLE to remove a table."));
            }
            if if_exists {
                self.skip(format!("index \"{wanted}\" does not exist, skipping"));
                return Ok(());
            }
            return Err(Error::new(
                SqlState::UndefinedObject,
                format!("index \"{wanted}\" does not exist"),
            ));
        };
        if index.constraint {
            return Err(Error::new(
                SqlState::DependentObjectsStillExist,
                format!(
                    "cannot drop index {wanted} because constraint {wanted} on table {} requires it",
                    table.name
                ),
            )
            .hint(format!("You can drop constraint {wanted} on table {} instead.", table.name)));
        }
        self.lock_table(table, LockMode::AccessExclusive).await?;
        self.check_not_pending(table, "DROP INDEX")?;
        let object = format!("index {wanted}");
        let mut dependents = Vec::new();
        self.dependents_of_index(table, index, &object, &mut dependents);
        self.cascade(&object, &dependents, cascade)?;
        let mut changed = (**table).clone();
        self.drop_dependents(Some(&mut changed), &dependents).await?;
        let storage = index.storage;
        self.draft(|draft| {
            changed.indexes.retain(|other| other.storage != storage);
            draft.discard_storage(storage)?;
            draft.put_table(changed)
        })
    }
}
