//! `pg_cairn.ranges`: the parts that the key space is cut into.

use super::{OfServer, System};
use crate::lock_names::index_of;
use crate::row::Row;
use crate::types::{Datum, Type};

/// The relation.
pub(super) static RANGES: OfServer = OfServer {
    oid: 13_001,
    schema: "pg_cairn",
    name: "ranges",
    columns: &[
        ("range_id", Type::Int8),
        ("relation", Type::Text),
        ("start_key", Type::Text),
        ("end_key", Type::Text),
        ("generation", Type::Int8),
        ("bytes", Type::Int8),
        ("keys", Type::Int8),
        ("reads_per_s", Type::Float8),
        ("writes_per_s", Type::Float8),
    ],
    rows,
};

fn rows(system: &System) -> Vec<Row> {
    let owner = |key: &[u8]| {
        let (table, index) = index_of(key, &system.schema)?;
        Some(match index.storage == table.primary.storage {
            true => table.name.clone(),
            false => index.name.clone(),
        })
    };
    let hex = |key: &[u8]| key.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let ranges = system.manager.store().ranges().into_iter().map(|range| {
        let statistics = range.statistics();
        let descriptor = &range.descriptor;
        vec![
            Datum::Int64(descriptor.id as i64),
            owner(&descriptor.span.start).map_or(Datum::Null, Datum::Text),
            Datum::Text(hex(&descriptor.span.start)),
            Datum::Text(hex(&descriptor.span.end)),
            Datum::Int64(descriptor.generation as i64),
            Datum::Int64(statistics.bytes as i64),
            Datum::Int64(statistics.keys as i64),
            Datum::Float64(statistics.reads_per_s),
            Datum::Float64(statistics.writes_per_s),
        ]
    });
    ranges.collect()
}
