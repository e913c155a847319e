//! ALTER ... OWNER TO. One role owns all that people make, so there is only to see whether what is named
//! is there, and whether the role is that one.

use super::super::Session;
use super::super::naming::undefined_schema;
use super::undefined_table;
use crate::binder::fold;
use crate::catalog::names::Named;
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::RelationKind;
use crate::parser::definition::owner::{Owned, SetOwner};
use crate::system::{PUBLIC_NAMESPACE, SUPERUSER, names, roles};

impl Session {
    pub(super) fn set_owner(&mut self, set: &SetOwner) -> Result<()> {
        let schema = self.schema();
        let mut has = SUPERUSER;
        match &set.owned {
            Owned::Relation(kind, name) => {
                let wanted = self.named(name)?;
                let Some(found) = schema.named(&wanted) else {
                    if set.if_exists {
                        self.skip(format!("relation \"{wanted}\" does not exist, skipping"));
                        return Ok(());
                    }
                    return Err(undefined_table("relation", &wanted));
                };
                let is_other = match kind {
                    RelationKind::View => !matches!(found, Named::View(_)),
                    RelationKind::MaterializedView => self.kind_of(found) != *kind,
                    RelationKind::Sequence => !matches!(found, Named::Sequence(_)),
                    RelationKind::Index => !matches!(found, Named::Index(_)),
                    RelationKind::Table => false,
                };
                if is_other {
                    let message = format!("\"{wanted}\" is not a {}", kind.name());
                    return Err(Error::new(SqlState::WrongObjectType, message));
                }
            }
            Owned::Type(name, _) => drop(self.type_to_alter(name)?),
            Owned::Schema(name) => {
                let name = fold(name);
                if !schema.has_namespace(&name) {
                    return Err(undefined_schema(&name));
                }
                if names::namespace(&name) == Some(PUBLIC_NAMESPACE) {
                    has = roles::DATABASE_OWNER;
                }
            }
        }
        let wanted = set.role.as_ref().map_or_else(|| SUPERUSER.to_owned(), fold);
        if roles::oid_of(&wanted).is_none() {
            let message = format!("role \"{wanted}\" does not exist");
            return Err(Error::new(SqlState::UndefinedObject, message));
        }
        match wanted == has {
            true => Ok(()),
            false => Err(Error::unsupported(format!("another owner than {has}"))),
        }
    }
}
