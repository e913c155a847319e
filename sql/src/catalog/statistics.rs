//! What ANALYZE has found out about a table, in PostgreSQL's terms (pg_statistic).
//!
//! Values are kept as [`crate::codec::encode_datum`] writes them, and the order of bounds is that of keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Schema, Table};
use crate::codec::RowReader;
use crate::types::Datum;

/// Of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// How many rows it had.
    pub rows: f64,
    /// How many bytes these took.
    pub bytes: u64,
    /// Of its columns, by their positions.
    pub columns: BTreeMap<usize, ColumnStatistics>,
    /// How many rows its indexes had that do not have all, by pg_class.oid.
    #[serde(default)]
    pub indexes: BTreeMap<u32, f64>,
}

/// Of a column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnStatistics {
    /// The part of rows that have NULL.
    pub null_fraction: f64,
    /// Bytes of a value.
    pub average_width: i32,
    /// How many values there are; if negative, in proportion to the rows.
    pub distinct: f64,
    /// The most frequent values with the parts of rows that have them.
    pub common: Vec<(Vec<u8>, f64)>,
    /// Values that divide the others into parts of as many rows each.
    pub bounds: Vec<Vec<u8>>,
    /// How far the order of values is that of rows.
    pub correlation: Option<f64>,
}

impl ColumnStatistics {
    /// How many values a table of so many rows has.
    pub fn distinct_in(&self, rows: f64) -> f64 {
        if self.distinct < 0.0 { -self.distinct * rows } else { self.distinct }
    }
}

/// A value that is kept.
pub fn value_of(bytes: &[u8]) -> Option<Datum> {
    RowReader::new(bytes).next_datum().ok()
}

/// Bytes that PostgreSQL would count as a page.
const PAGE_BYTES: u64 = 8192;

impl Statistics {
    /// pg_class.relpages.
    pub fn pages(&self) -> i32 {
        i32::try_from(self.bytes.div_ceil(PAGE_BYTES)).unwrap_or(i32::MAX)
    }
}

impl Schema {
    /// What is known of a table.
    pub fn statistics(&self, table: u32) -> Option<&Arc<Statistics>> {
        self.statistics.get(&table)
    }

    /// Takes over what is known of a table.
    pub(super) fn insert_statistics(&mut self, table: u32, statistics: Arc<Statistics>) {
        if let Some(known) = self.tables.get_mut(&table) {
            let mut changed: Table = (**known).clone();
            changed.statistics = Some(statistics.clone());
            *known = Arc::new(changed);
        }
        self.statistics.insert(table, statistics);
    }
}
