//! Index-only reads.
//!
//! An entry of a secondary index holds the values of its columns, in its key; in its value those
//! that it includes, and the key of its row, which holds those of the primary key. A scan that
//! needs no others leaves the row where it is: entries have versions as rows have, so nothing else
//! has to be asked who sees them.

use cairn_txn::storage::INDEX_PREFIX_BYTES;

use super::Row;
use crate::catalog::{Index, Table};
use crate::codec::{KeyOrder, KeyReader, RowReader, split_entry};
use crate::error::Result;
use crate::types::{Datum, Type};

/// How the needed columns come out of an entry.
#[derive(Debug)]
pub(super) struct Covering {
    /// For each column of the index its type and order, and where it goes.
    entry: Vec<KeyPart>,
    /// For each included column where it goes; `None` if the index includes none.
    included: Option<Vec<Option<usize>>>,
    /// For each column of the primary key the same as for `entry`; empty if none is needed.
    primary: Vec<KeyPart>,
    width: usize,
}

/// A column of a key: its type and order, and where it goes.
type KeyPart = (Type, KeyOrder, Option<usize>);

impl Covering {
    /// If the `needed` columns of `table` all are in the entries of `index`.
    pub fn new(table: &Table, index: &Index, needed: &[usize]) -> Option<Covering> {
        if index.storage == table.primary.storage {
            return None;
        }
        let mut missing: Vec<usize> = needed.to_vec();
        let mut places = |index: &Index| -> Vec<KeyPart> {
            let mut out = Vec::new();
            for (at, column) in index.columns.iter().enumerate() {
                let kind = table.key_type(index, at).kind;
                let mut place = needed.iter().position(|other| other == column);
                // A key has the canonical form alone, and each column is taken once.
                if kind.needs_canonical_form() || !missing.contains(column) {
                    place = None;
                }
                missing.retain(|other| place.is_none() || other != column);
                out.push((kind, index.order(at), place));
            }
            out
        };
        let entry = places(index);
        let mut primary = places(&table.primary);
        // Included values are as they are in the row, whatever their type.
        let mut included = Vec::new();
        for column in &index.include {
            let place = needed.iter().position(|other| other == column);
            included.push(place.filter(|_| missing.contains(column)));
            missing.retain(|other| other != column);
        }
        if !missing.is_empty() {
            return None;
        }
        if primary.iter().all(|(_, _, place)| place.is_none()) {
            primary.clear();
        }
        let included = (!included.is_empty()).then_some(included);
        Some(Covering { entry, included, primary, width: needed.len() })
    }

    /// The needed columns of an entry.
    pub fn row(&self, entry: &[u8], value: &[u8]) -> Result<Row> {
        let mut row = vec![Datum::Null; self.width];
        let mut row_key = value;
        if let Some(included) = &self.included {
            let (key, columns) = split_entry(value)?;
            row_key = key;
            let mut reader = RowReader::new(columns);
            for place in included {
                match place.and_then(|place| row.get_mut(place)) {
                    Some(slot) => *slot = reader.next_datum()?,
                    None => reader.skip()?,
                }
            }
        }
        for (key, columns) in [(entry, &self.entry), (row_key, &self.primary)] {
            if columns.is_empty() {
                continue;
            }
            let mut reader = KeyReader::new(key, INDEX_PREFIX_BYTES)?;
            for (kind, order, place) in columns {
                let value = reader.next_datum(*kind, *order)?;
                if let Some(slot) = place.and_then(|place| row.get_mut(place)) {
                    *slot = value;
                }
            }
        }
        Ok(row)
    }
}
