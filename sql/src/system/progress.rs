//! `pg_stat_progress_create_index`: how far indexes are that are built beside writers.

use super::{OfServer, System};
use crate::lock_names::DATABASE_OID;
use crate::row::Row;
use crate::types::{Datum, Type};

/// The relation.
pub(super) static CREATE_INDEX: OfServer = OfServer {
    oid: 12_312,
    schema: "pg_catalog",
    name: "pg_stat_progress_create_index",
    columns: &[
        ("pid", Type::Int4),
        ("datid", Type::Oid),
        ("datname", Type::Name),
        ("relid", Type::Oid),
        ("index_relid", Type::Oid),
        ("command", Type::Text),
        ("phase", Type::Text),
        ("lockers_total", Type::Int8),
        ("lockers_done", Type::Int8),
        ("current_locker_pid", Type::Int8),
        ("blocks_total", Type::Int8),
        ("blocks_done", Type::Int8),
        ("tuples_total", Type::Int8),
        ("tuples_done", Type::Int8),
        ("partitions_total", Type::Int8),
        ("partitions_done", Type::Int8),
    ],
    rows,
};

fn rows(system: &System) -> Vec<Row> {
    let mut rows = Vec::new();
    for backend in system.sessions.all() {
        let Some(build) = backend.building.lock().clone() else { continue };
        let text = |text: &str| Datum::Text(text.to_owned());
        let oid = |oid: u32| Datum::Int64(i64::from(oid));
        let number = |number: u64| Datum::Int64(number as i64);
        rows.push(vec![
            Datum::Int32(backend.id as i32),
            oid(DATABASE_OID),
            text(&backend.activity.lock().settings.database),
            oid(build.table),
            oid(build.index),
            text(build.command),
            text(build.phase),
            number(build.lockers_total as u64),
            number(build.lockers_done as u64),
            number(0),
            // There are no blocks.
            number(0),
            number(0),
            number(build.rows_total),
            number(build.rows_done),
            number(0),
            number(0),
        ]);
    }
    rows
}
