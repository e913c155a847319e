//! Sizes of relations: what their ranges hold, which are live statistics and no exact count.

use super::{CatalogFunction, Known, arg, function, oid_arg, volatile};
use crate::catalog::{Index, index_span};
use crate::error::Result;
use crate::system::names::{Stored, shown_indexes};
use crate::types::Type::{Int8, Name, Numeric as NumericType, Oid, Regclass, Text};
use crate::types::{Datum, Numeric};

pub(super) fn register(all: &mut Vec<CatalogFunction>) {
    all.extend([
        volatile("pg_relation_size", &[Regclass], Int8, relation),
        volatile("pg_relation_size", &[Regclass, Text], Int8, relation),
        volatile("pg_table_size", &[Regclass], Int8, relation),
        volatile("pg_indexes_size", &[Regclass], Int8, indexes),
        volatile("pg_total_relation_size", &[Regclass], Int8, total),
        volatile("pg_database_size", &[Oid], Int8, database),
        volatile("pg_database_size", &[Name], Int8, database),
        function("pg_size_pretty", &[Int8], Text, pretty),
        function("pg_size_pretty", &[NumericType], Text, pretty_numeric),
    ]);
}

fn bytes_of(known: &Known, index: &Index) -> i64 {
    let span = index_span(index.storage);
    let ranges = known.manager.store().ranges();
    let own = ranges.iter().filter(|range| {
        let other = &range.descriptor.span;
        span.start <= other.start && other.start < span.end
    });
    own.map(|range| range.statistics().bytes as i64).sum()
}

fn relation(known: &Known, args: &[Datum]) -> Result<Datum> {
    // A relation has no forks but the first.
    if let Datum::Text(fork) = arg(args, 1)
        && fork != "main"
    {
        return Ok(Datum::Int64(0));
    }
    Ok(match known.names.by_oid(oid_arg(args, 0)?) {
        Some(Stored::Table(table)) => Datum::Int64(bytes_of(known, &table.primary)),
        // The rows are the primary index.
        Some(Stored::Index(table, index)) if index.storage == table.primary.storage => {
            Datum::Int64(0)
        }
        Some(Stored::Index(_, index)) => Datum::Int64(bytes_of(known, index)),
        Some(Stored::Sequence(_) | Stored::View(_)) => Datum::Int64(0),
        None => Datum::Null,
    })
}

fn indexes(known: &Known, args: &[Datum]) -> Result<Datum> {
    let Some(table) = known.names.schema.table_by_id(oid_arg(args, 0)?) else {
        return Ok(Datum::Null);
    };
    let own = shown_indexes(table).filter(|index| index.storage != table.primary.storage);
    Ok(Datum::Int64(own.map(|index| bytes_of(known, index)).sum()))
}

fn total(known: &Known, args: &[Datum]) -> Result<Datum> {
    match (relation(known, args)?, indexes(known, args)?) {
        (Datum::Int64(rows), Datum::Int64(indexes)) => Ok(Datum::Int64(rows + indexes)),
        (rows, _) => Ok(rows),
    }
}

fn database(known: &Known, _: &[Datum]) -> Result<Datum> {
    let ranges = known.manager.store().ranges();
    Ok(Datum::Int64(ranges.iter().map(|range| range.statistics().bytes as i64).sum()))
}

const UNITS: &[&str] = &["bytes", "kB", "MB", "GB", "TB", "PB"];
/// Sizes from here on are shown in the next unit.
const LIMIT: i128 = 10 * 1024;

/// As PostgreSQL does it: halves are kept until the last unit, which is rounded.
fn pretty_size(size: i128) -> String {
    let mut size = size;
    let mut doubled = false;
    for (position, unit) in UNITS.iter().enumerate() {
        let limit = if doubled { 2 * LIMIT - 1 } else { LIMIT };
        if size.abs() < limit || position + 1 == UNITS.len() {
            let rounded = if doubled { (size + size.signum()) / 2 } else { size };
            return format!("{rounded} {unit}");
        }
        // From here on in halves of the next unit.
        size /= if doubled { 1 << 10 } else { 1 << 9 };
        doubled = true;
    }
    String::new()
}

fn pretty(_: &Known, args: &[Datum]) -> Result<Datum> {
    Ok(Datum::Text(pretty_size(i128::from(arg(args, 0).as_i64()?))))
}

fn pretty_numeric(_: &Known, args: &[Datum]) -> Result<Datum> {
    let number = Numeric::decode(arg(args, 0).as_bytes()?)?;
    let shown = number.to_string();
    let Some(whole) = number.to_i64() else {
        return Ok(Datum::Text(format!("{shown} bytes")));
    };
    Ok(Datum::Text(match i128::from(whole).abs() < LIMIT {
        true => format!("{shown} bytes"),
        false => pretty_size(i128::from(whole)),
    }))
}
