//! Filling a new index from the rows that its table has.
//!
//! Rows are read a part at a time. The entries of a part are sorted and added to the transaction,
//! which moves them to files when they are many ([`cairn_txn`]'s spill), so memory holds one part
//! and not the table, and between two parts other connections have their turn. The table is locked against everyone else: nothing changes between two
//! parts, and neither rows nor keys need locks.

use std::ops::ControlFlow;

use cairn_txn::Transaction;
use cairn_txn::storage::{Direction, Span};

use crate::catalog::{Index, Table, index_span};
use crate::error::{Error, Result};
use crate::row::Row;
use crate::row::bulk::{Entries, sort_entries};
use crate::types::Datum;

/// Memory of a part; little in tests, so that small tables have several.
const PART_BYTES: usize = if cfg!(test) { 256 } else { 4 << 20 };
/// What an entry costs beside its key and value.
const ENTRY_OVERHEAD_BYTES: usize = 80;

/// A key and its value.
type Entry = (Vec<u8>, Vec<u8>);

/// Makes an entry of a row that comes as it is stored, and with the columns that were asked for;
/// the others are NULL. `None` if the row has none.
pub(super) type Make<'a> = dyn FnMut(&[u8], &[Datum]) -> Result<Option<Entry>> + Send + 'a;

/// Adds the entries of a secondary index. If it is to be unique and a key occurs twice, a row that
/// has it.
pub(super) async fn fill_index(
    transaction: &mut Transaction,
    table: &Table,
    index: &Index,
) -> Result<Option<Row>> {
    let mut columns = index.key_columns(table);
    columns.extend(index.include.iter().chain(&table.primary.columns));
    let mut make = |_: &[u8], row: &[Datum]| {
        let key = table.row_key(row);
        let entry = table.entry(index, row, &key)?;
        Ok(entry.map(|entry| (entry.key, table.entry_value(index, row, &key))))
    };
    let twice = fill(transaction, table, &columns, index.unique, &mut make).await?;
    let Some(value) = twice else { return Ok(None) };
    let (row_key, _) = index.split_value(&value)?;
    let row = transaction.get_latest(row_key)?;
    Ok(Some(table.decode_row(&row.unwrap_or_default())?))
}

/// Adds what `make` makes of each row of `table`, of which it looks at `columns`. If keys are to be
/// `unique` and one occurs twice, the value of its second entry.
pub(super) async fn fill(
    transaction: &mut Transaction,
    table: &Table,
    columns: &[usize],
    unique: bool,
    make: &mut Make<'_>,
) -> Result<Option<Vec<u8>>> {
    let mut columns = columns.to_vec();
    columns.sort_unstable();
    columns.dedup();
    let mut rows = index_span(table.primary.storage);
    let mut row = vec![Datum::Null; table.columns.len()];
    let mut found = Vec::with_capacity(columns.len());
    let mut greatest: Vec<u8> = Vec::new();
    loop {
        let mut entries = Entries::new();
        let last = read_part(transaction, &rows, &mut entries, &mut |value| {
            table.decode_columns(value, &columns, &mut found)?;
            for (position, datum) in columns.iter().zip(found.drain(..)) {
                if let Some(place) = row.get_mut(*position) {
                    *place = datum;
                }
            }
            make(value, &row)
        })?;
        if let Some(value) = sort_entries(&mut entries) {
            return Ok(Some(value.to_vec()));
        }
        // Rows often come in the order of the key. Keys behind all that were added are new.
        let ahead = entries.first().is_none_or(|(key, _)| *key > greatest);
        if unique
            && !ahead
            && let Some(value) = find_added(transaction, &entries)?
        {
            return Ok(Some(value));
        }
        if let Some((key, _)) = entries.last().filter(|(key, _)| *key > greatest) {
            greatest.clone_from(key);
        }
        for (key, value) in entries {
            if !transaction.add(key, value)? {
                return Err(Error::internal("a new index has entries already"));
            }
        }
        match last {
            None => return Ok(None),
            Some(last) => rows.start = Span::point(&last).end,
        }
        tokio::task::yield_now().await;
    }
}

/// Reads rows until their entries are a part. The key of the last row, unless it was the table's.
fn read_part(
    transaction: &Transaction,
    rows: &Span,
    entries: &mut Entries,
    entry_of: &mut dyn FnMut(&[u8]) -> Result<Option<Entry>>,
) -> Result<Option<Vec<u8>>> {
    let (mut last, mut failed, mut bytes) = (None, None, 0);
    transaction.latest().scan(rows, Direction::Forward, &mut |key, value| {
        match entry_of(value) {
            Ok(None) => return ControlFlow::Continue(()),
            Ok(Some(entry)) => {
                bytes += entry.0.len() + entry.1.len() + ENTRY_OVERHEAD_BYTES;
                entries.push(entry);
            }
            Err(error) => {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        }
        if bytes < PART_BYTES {
            return ControlFlow::Continue(());
        }
        last = Some(key.to_vec());
        ControlFlow::Break(())
    })?;
    failed.map_or(Ok(last), Err)
}

/// The value of an entry, of these in the order of their keys, whose key was added before.
fn find_added(transaction: &Transaction, entries: &[Entry]) -> Result<Option<Vec<u8>>> {
    let keys: Vec<&[u8]> = entries.iter().map(|(key, _)| key.as_slice()).collect();
    if transaction.none_exists(&keys)? {
        return Ok(None);
    }
    for (key, value) in entries {
        if transaction.get_latest(key)?.is_some() {
            return Ok(Some(value.clone()));
        }
    }
    Ok(None)
}
