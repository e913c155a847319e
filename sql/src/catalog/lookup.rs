//! Look-ups of descriptors by what they hold: numbers of indexes and constraints, names without a
//! schema, tables that are referred to. They are made when a version of the catalog is first asked
//! for one, and forgotten when it changes.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::names::RelationName;
use super::{Schema, Table};

#[derive(Debug, Default)]
struct Found {
    /// Tables by the numbers of their indexes and constraints.
    parts: HashMap<u32, u32>,
    /// Relations by bare name.
    names: HashMap<String, Vec<RelationName>>,
    /// Tables with foreign keys, by the table that these refer to; rising.
    referrers: HashMap<u32, Vec<u32>>,
}

/// What was made, if it was.
#[derive(Clone, Debug, Default)]
pub(super) struct Lookups(OnceLock<Arc<Found>>);

impl Lookups {
    /// For any change of what has a name or a number.
    pub(super) fn forget(&mut self) {
        self.0.take();
    }
}

impl Schema {
    fn found(&self) -> &Found {
        self.lookups.0.get_or_init(|| {
            let mut found = Found::default();
            for table in self.tables() {
                let indexes = table.all_indexes().map(super::Index::oid);
                let checks = table.checks.iter().map(|check| check.id);
                let keys = table.foreign_keys.iter().map(|key| key.id);
                found.parts.extend(indexes.chain(checks).chain(keys).map(|id| (id, table.id)));
                for key in &table.foreign_keys {
                    found.referrers.entry(key.table).or_default().push(table.id);
                }
            }
            for tables in found.referrers.values_mut() {
                tables.sort_unstable();
                tables.dedup();
            }
            for name in self.all_named() {
                found.names.entry(name.name.clone()).or_default().push(name);
            }
            Arc::new(found)
        })
    }

    /// The table that has an index or a constraint of this number.
    pub fn table_with(&self, id: u32) -> Option<&Arc<Table>> {
        self.table_by_id(*self.found().parts.get(&id)?)
    }

    /// The relations of this name in any schema, in the order of their schemas.
    pub fn relations_named(&self, name: &str) -> &[RelationName] {
        self.found().names.get(name).map_or(&[], Vec::as_slice)
    }

    /// The tables with foreign keys that refer to a table, in the order in which they were made.
    pub fn referring(&self, table: u32) -> impl Iterator<Item = &Arc<Table>> {
        let tables = self.found().referrers.get(&table).map_or(&[][..], Vec::as_slice);
        tables.iter().filter_map(|id| self.table_by_id(*id))
    }
}
