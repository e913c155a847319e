//! CREATE SCHEMA, and SET SCHEMA of relations.

use cairn_txn::LockMode;

use super::super::Session;
use super::super::constraints::truncate_name;
use super::super::naming::undefined_schema;
use super::super::settings::Severity;
use super::undefined_table;
use crate::binder::fold;
use crate::catalog::names::{Named, is_temporary};
use crate::catalog::{Namespace, Sequence, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::{CreateSchema, RelationKind, SetSchema};

impl Session {
    pub(super) async fn create_schema(&mut self, create: &CreateSchema) -> Result<()> {
        let user = self.settings.user.clone();
        let owner = match &create.owner {
            None => user,
            Some(role) => match fold(role).as_str() {
                "current_user" | "current_role" | "session_user" if role.quote_style.is_none() => {
                    user
                }
                role if role == user => user,
                role => {
                    return Err(Error::new(
                        SqlState::UndefinedObject,
                        format!("role \"{role}\" does not exist"),
                    ));
                }
            },
        };
        let name = create.name.as_ref().map_or_else(|| owner.clone(), fold);
        let name = truncate_name(name);
        if name.starts_with("pg_") {
            return Err(Error::new(
                SqlState::ReservedName,
                format!("unacceptable schema name \"{name}\""),
            )
            .detail("The prefix \"pg_\" is reserved for system schemas."));
        }
        self.lock_catalog().await?;
        if self.schema().has_namespace(&name) {
            let message = format!("schema \"{name}\" already exists");
            if create.if_not_exists {
                let message = format!("{message}, skipping");
                self.notice(Severity::Notice, SqlState::DuplicateSchema, message);
                return Ok(());
            }
            return Err(Error::new(SqlState::DuplicateSchema, message));
        }
        let id = self.schema().allocate_id();
        self.draft(|draft| draft.put_namespace(Namespace { id, name, owner }))
    }

    pub(super) async fn set_schema(&mut self, set: &SetSchema) -> Result<()> {
        self.lock_catalog().await?;
        let wanted = self.named(&set.name)?;
        let schema = self.schema();
        let Some(found) = schema.named(&wanted) else {
            if set.if_exists {
                self.skip(format!("relation \"{wanted}\" does not exist, skipping"));
                return Ok(());
            }
            return Err(undefined_table("relation", &wanted));
        };
        let is_other = match set.kind {
            RelationKind::View => !matches!(found, Named::View(_)),
            RelationKind::MaterializedView => self.kind_of(found) != set.kind,
            RelationKind::Sequence => !matches!(found, Named::Sequence(_)),
            _ => matches!(found, Named::Index(_)),
        };
        if is_other {
            let message = match set.kind {
                RelationKind::Table => format!("\"{wanted}\" is not a table, view, or sequence"),
                kind => format!("\"{wanted}\" is not a {}", kind.name()),
            };
            return Err(Error::new(SqlState::WrongObjectType, message));
        }
        let target = fold(&set.schema);
        let path = self.path();
        let target = path.schema(&target).to_owned();
        if !schema.has_namespace(&target) {
            return Err(undefined_schema(&target));
        }
        if is_temporary(&target) || is_temporary(&wanted.schema) {
            return Err(Error::new(
                SqlState::FeatureNotSupported,
                "cannot move objects into or out of temporary schemas",
            ));
        }
        self.check_creation(&target)?;
        if target == wanted.schema {
            return Ok(());
        }
        let check_free = |name: &str| {
            let taken = schema.is_taken(&crate::catalog::names::RelationName::new(&*target, name));
            match taken {
                true => Err(Error::new(
                    SqlState::DuplicateTable,
                    format!("relation \"{name}\" already exists in schema \"{target}\""),
                )),
                false => Ok(()),
            }
        };
        check_free(&wanted)?;
        match found {
            Named::Table(id) => {
                let Some(table) = schema.table_by_id(id) else { return Ok(()) };
                self.lock_table(table, LockMode::AccessExclusive).await?;
                table.named_indexes().try_for_each(|index| check_free(&index.name))?;
                let owned = schema.sequences().filter(|s| s.owner == Some(id));
                let owned: Vec<_> = owned.cloned().collect();
                owned.iter().try_for_each(|sequence| check_free(&sequence.name))?;
                let moved = Table { schema: target.clone(), ..(**table).clone() };
                self.draft(|draft| {
                    for sequence in owned {
                        let moved = Sequence { schema: target.clone(), ..(*sequence).clone() };
                        draft.put_sequence(moved)?;
                    }
                    draft.put_table(moved)
                })
            }
            Named::View(id) => {
                let Some(view) = schema.view_by_id(id) else { return Ok(()) };
                let mut moved = (**view).clone();
                moved.schema = target;
                self.draft(|draft| draft.put_view(moved))
            }
            Named::Sequence(id) => {
                let Some(sequence) = schema.sequence_by_id(id) else { return Ok(()) };
                if let Some(owner) = sequence.owner.and_then(|id| schema.table_by_id(id)) {
                    return Err(Error::new(
                        SqlState::FeatureNotSupported,
                        "cannot move an owned sequence into another schema",
                    )
                    .detail(format!(
                        "Sequence \"{}\" is linked to table \"{}\".",
                        sequence.name, owner.name
                    )));
                }
                let moved = Sequence { schema: target, ..(**sequence).clone() };
                self.draft(|draft| draft.put_sequence(moved))
            }
            Named::Index(_) => Ok(()),
        }
    }
}
