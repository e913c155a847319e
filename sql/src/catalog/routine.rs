//! Functions in SQL: what they take, what they return, and the text of their body.
//!
//! The body is kept as it was written and bound where the function is called, in the words of
//! search_path then, as PostgreSQL does with bodies that are strings.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Schema;
use crate::types::Type;

/// A function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Routine {
    /// Shares the numbers of tables.
    pub id: u32,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it takes.
    pub arguments: Vec<Argument>,
    /// pg_type.oid of what it returns, or of each row of that.
    pub returns: u32,
    /// SETOF.
    pub returns_set: bool,
    /// Names and types of the columns of RETURNS TABLE.
    pub columns: Vec<(String, u32)>,
    /// STRICT.
    pub strict: bool,
    /// IMMUTABLE, STABLE or VOLATILE.
    pub volatility: Volatility,
    /// The body: queries.
    pub body: String,
    /// Whether it was written as RETURN or BEGIN ATOMIC.
    pub is_standard: bool,
    /// The numbers of relations and functions that it cannot be without.
    #[serde(default)]
    pub uses: Vec<u32>,
}

/// What a function takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Argument {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// pg_type.oid of its type.
    pub type_oid: u32,
    /// DEFAULT, as SQL text.
    pub default: Option<String>,
}

/// Whether two calls with the same arguments may differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum Volatility {
    Immutable,
    Stable,
    #[default]
    Volatile,
}

impl Argument {
    /// Its type.
    pub fn kind(&self) -> Type {
        Type::from_oid(self.type_oid).unwrap_or(Type::Text)
    }
}

impl Routine {
    /// Its type of result.
    pub fn returned(&self) -> Type {
        Type::from_oid(self.returns).unwrap_or(Type::Text)
    }

    /// The types of its arguments.
    pub fn kinds(&self) -> Vec<Type> {
        self.arguments.iter().map(Argument::kind).collect()
    }

    /// As messages name it.
    pub fn signature(&self) -> String {
        let kinds: Vec<&str> = self.arguments.iter().map(|arg| arg.kind().name()).collect();
        format!("{}({})", self.name, kinds.join(", "))
    }
}

impl Schema {
    /// All functions.
    pub fn routines(&self) -> impl Iterator<Item = &Arc<Routine>> {
        self.routines.values()
    }

    /// The functions of this name in a schema.
    pub fn routines_named(&self, schema: &str, name: &str) -> Vec<Arc<Routine>> {
        let named = self.routines.values().filter(|r| r.name == name && r.schema == schema);
        let mut found: Vec<_> = named.cloned().collect();
        found.sort_by_key(|routine| routine.id);
        found
    }

    /// The functions that cannot be without an object, in the order in which they were made.
    pub fn routines_on(&self, object: u32) -> Vec<Arc<Routine>> {
        let users = self.routines.values().filter(|routine| routine.uses.contains(&object));
        let mut users: Vec<_> = users.cloned().collect();
        users.sort_by_key(|routine| routine.id);
        users
    }

    /// Whether there is a function of this name.
    pub fn has_routine(&self, name: &str) -> bool {
        !self.routines.is_empty() && self.routines.values().any(|routine| routine.name == name)
    }
}
