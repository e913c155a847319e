//! Names of relations: a schema and a name in it, and the search path that finds bare ones.
//!
//! Tables, views, sequences and indexes of one schema share their names. What is temporary lives in a
//! schema of its session's own, which others cannot name.

use super::Schema;

/// The schema that is there from the start.
pub const PUBLIC: &str = "public";
/// What a session calls its own temporary schema.
pub const PG_TEMP: &str = "pg_temp";
/// Schemas that the server has of itself.
const BUILT_IN: [&str; 4] = [PUBLIC, "pg_catalog", "information_schema", "pg_cairn"];

/// The schema of descriptors that were written before there were others.
pub(super) fn public() -> String {
    PUBLIC.to_owned()
}

/// The name of a session's temporary schema.
pub fn temporary_schema(session: i64) -> String {
    format!("pg_temp_{session}")
}

/// Whether a schema is a session's temporary one.
pub fn is_temporary(schema: &str) -> bool {
    schema.strip_prefix("pg_temp_").is_some_and(|rest| rest.parse::<i64>().is_ok())
}

/// The name of a relation with its schema. Where text is asked for it is the bare name, as messages
/// have it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelationName {
    /// The schema.
    pub schema: String,
    /// The name in it.
    pub name: String,
}

impl RelationName {
    /// `name` in `schema`.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> RelationName {
        RelationName { schema: schema.into(), name: name.into() }
    }

    /// Another name in the same schema.
    pub fn beside(&self, name: impl Into<String>) -> RelationName {
        RelationName::new(self.schema.clone(), name)
    }
}

impl std::ops::Deref for RelationName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

impl std::fmt::Display for RelationName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// What a name stands for. An index belongs to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Named {
    Table(u32),
    View(u32),
    Sequence(u32),
    Index(u32),
}

/// Where bare names are looked up, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPath {
    /// The schemas; the temporary one first, unless search_path has it elsewhere.
    schemas: Vec<String>,
    /// Whether the temporary schema is there without being asked for.
    has_implicit: bool,
    temporary: String,
}

impl SearchPath {
    /// `listed` is what search_path says.
    pub fn new(listed: &[String], user: &str, session: i64) -> SearchPath {
        let temporary = temporary_schema(session);
        let listed = listed.iter().map(|schema| match schema.as_str() {
            "$user" => user.to_owned(),
            PG_TEMP => temporary.clone(),
            other => other.to_owned(),
        });
        let mut schemas: Vec<String> = listed.collect();
        let has_implicit = !schemas.contains(&temporary);
        if has_implicit {
            schemas.insert(0, temporary.clone());
        }
        SearchPath { schemas, has_implicit, temporary }
    }

    /// One that leads to schema `public`, for no session.
    pub fn plain() -> SearchPath {
        SearchPath::new(&[public()], "", 0)
    }

    /// The session's temporary schema.
    pub fn temporary(&self) -> &str {
        &self.temporary
    }

    /// All schemas that bare names are looked up in.
    pub fn schemas(&self) -> &[String] {
        &self.schemas
    }

    /// The schemas that search_path lists.
    pub fn listed(&self) -> &[String] {
        self.schemas.get(usize::from(self.has_implicit)..).unwrap_or_default()
    }

    /// The name of a schema as the catalog has it.
    pub fn schema<'s>(&'s self, written: &'s str) -> &'s str {
        match written {
            PG_TEMP => &self.temporary,
            other => other,
        }
    }
}

impl Schema {
    /// What a name stands for.
    pub fn named(&self, name: &RelationName) -> Option<Named> {
        self.names.get(name).copied()
    }

    /// Whether a relation has this name.
    pub fn is_taken(&self, name: &RelationName) -> bool {
        self.names.contains_key(name)
    }

    /// Whether there is a schema of this name.
    pub fn has_namespace(&self, name: &str) -> bool {
        BUILT_IN.contains(&name) || is_temporary(name) || self.namespaces.contains_key(name)
    }

    /// Finds a relation by a name as it is written.
    pub fn find(
        &self,
        path: &SearchPath,
        schema: Option<&str>,
        name: &str,
    ) -> Option<RelationName> {
        if let Some(schema) = schema {
            let name = RelationName::new(path.schema(schema), name);
            return self.is_taken(&name).then_some(name);
        }
        let mut found = path.schemas().iter().map(|schema| RelationName::new(schema, name));
        found.find(|name| self.is_taken(name))
    }

    /// Whether a bare name finds this relation.
    pub fn is_in_sight(&self, path: &SearchPath, name: &RelationName) -> bool {
        self.find(path, None, &name.name).as_ref() == Some(name)
    }

    /// The schema that new relations go to, if search_path names one that exists.
    pub fn creation_schema<'p>(&self, path: &'p SearchPath) -> Option<&'p str> {
        path.listed().iter().map(String::as_str).find(|schema| self.has_namespace(schema))
    }

    /// The names of all relations.
    pub fn all_named(&self) -> Vec<RelationName> {
        let mut all: Vec<RelationName> = self.names.keys().cloned().collect();
        all.sort();
        all
    }

    /// The relations of a schema, in the order in which they were made.
    pub fn relations_in(&self, schema: &str) -> Vec<(RelationName, Named)> {
        let all = self.names.iter().filter(|(name, _)| name.schema == schema);
        let mut all: Vec<_> = all.map(|(name, what)| (name.clone(), *what)).collect();
        all.sort_by_key(|(name, what)| match what {
            Named::Table(id) | Named::View(id) | Named::Sequence(id) => (*id, name.clone()),
            Named::Index(id) => (*id, name.clone()),
        });
        all
    }
}
