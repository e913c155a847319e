//! System relations: what can be asked about the server in SQL.
//!
//! Their rows are made when they are read, from what is in memory, and are no part of any snapshot.

pub mod activity;
pub mod blocked;
pub mod locks;
pub mod ranges;

use std::sync::Arc;

use cairn_txn::TransactionManager;

use crate::catalog::Schema;
use crate::row::Row;
use crate::sessions::Sessions;
use crate::types::Type;

/// What system relations tell of.
#[derive(Clone)]
pub struct System {
    /// Locks, ranges and times.
    pub manager: Arc<TransactionManager>,
    /// The catalog, as the session that asks sees it.
    pub schema: Arc<Schema>,
    /// The sessions.
    pub sessions: Arc<Sessions>,
}

/// A system relation.
pub struct SystemRelation {
    /// Its schema.
    pub schema: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// Names and types of its columns.
    pub columns: &'static [(&'static str, Type)],
    /// Makes its rows.
    pub rows: fn(&System) -> Vec<Row>,
}

impl std::fmt::Debug for SystemRelation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

static RELATIONS: &[&SystemRelation] = &[&activity::ACTIVITY, &locks::LOCKS, &ranges::RANGES];

/// Finds a system relation. Those in `pg_catalog` are found without their schema, before any table.
pub fn find(schema: Option<&str>, name: &str) -> Option<&'static SystemRelation> {
    let schema = schema.unwrap_or("pg_catalog");
    let mut all = RELATIONS.iter().copied();
    all.find(|relation| relation.schema == schema && relation.name == name)
}
