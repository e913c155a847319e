//! What the names of relations in definitions mean, by search_path.

use std::sync::Arc;

use datafusion::sql::sqlparser::ast::ObjectName;

use super::Session;
use super::constraints::truncate_name;
use crate::binder::relation_name;
use crate::catalog::names::{PUBLIC, RelationName, SearchPath, is_temporary};
use crate::error::{Error, Result, SqlState};

/// The error of a schema that is not there.
pub(super) fn undefined_schema(name: &str) -> Error {
    Error::new(SqlState::InvalidSchemaName, format!("schema \"{name}\" does not exist"))
}

impl Session {
    /// Where bare names are looked up.
    pub(super) fn path(&self) -> Arc<SearchPath> {
        let mut kept = self.path.lock();
        if let Some((settings, path)) = &*kept
            && Arc::ptr_eq(settings, &self.settings)
        {
            return path.clone();
        }
        let settings = &self.settings;
        let path = Arc::new(SearchPath::new(settings.search_path(), &settings.user, self.id));
        *kept = Some((settings.clone(), path.clone()));
        path
    }

    /// The relation that a name means; if there is none, the one that it would be.
    pub(super) fn named(&self, name: &ObjectName) -> Result<RelationName> {
        let (schema, name) = relation_name(name)?;
        self.named_in(schema.as_deref(), truncate_name(name))
    }

    /// The same of a name without the statement's quotes.
    pub(super) fn named_in(&self, schema: Option<&str>, name: String) -> Result<RelationName> {
        let path = self.path();
        let catalog = self.schema();
        match schema {
            Some(schema) if !catalog.has_namespace(path.schema(schema)) => {
                Err(undefined_schema(schema))
            }
            Some(schema) => Ok(RelationName::new(path.schema(schema), name)),
            None => Ok(catalog.find(&path, None, &name).unwrap_or_else(|| {
                RelationName::new(catalog.creation_schema(&path).unwrap_or(PUBLIC), name)
            })),
        }
    }

    /// The name of a relation that is to be made.
    pub(super) fn new_name(&self, name: &ObjectName, temporary: bool) -> Result<RelationName> {
        let (schema, name) = relation_name(name)?;
        let name = truncate_name(name);
        let path = self.path();
        let catalog = self.schema();
        let Some(schema) = schema else {
            if temporary {
                return Ok(RelationName::new(path.temporary(), name));
            }
            let schema = catalog.creation_schema(&path).ok_or_else(|| {
                Error::new(SqlState::InvalidSchemaName, "no schema has been selected to create in")
            })?;
            return self.check_creation(schema).map(|()| RelationName::new(schema, name));
        };
        let schema = path.schema(&schema);
        if !catalog.has_namespace(schema) {
            return Err(undefined_schema(schema));
        }
        if temporary && schema != path.temporary() {
            return Err(Error::new(
                SqlState::InvalidTableDefinition,
                "cannot create temporary relation in non-temporary schema",
            ));
        }
        if is_temporary(schema) && schema != path.temporary() {
            return Err(Error::new(
                SqlState::InvalidTableDefinition,
                "cannot create relations in temporary schemas of other sessions",
            ));
        }
        self.check_creation(schema).map(|()| RelationName::new(schema, name))
    }

    /// Refuses to make something in a schema of the server's own.
    pub(super) fn check_creation(&self, schema: &str) -> Result<()> {
        match schema {
            "pg_catalog" | "information_schema" | "pg_cairn" => Err(Error::new(
                SqlState::InsufficientPrivilege,
                format!("permission denied for schema {schema}"),
            )),
            _ => Ok(()),
        }
    }
}
