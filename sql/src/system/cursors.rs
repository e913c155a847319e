//! `pg_cursors` and `pg_prepared_statements`: what the session that asks has open.

use super::{OfServer, System};
use crate::row::Row;
use crate::sessions::Backend;
use crate::types::array::Array;
use crate::types::{Datum, Type};

/// The cursors.
pub(super) static CURSORS: OfServer = OfServer {
    oid: 12_077,
    schema: "pg_catalog",
    name: "pg_cursors",
    columns: &[
        ("name", Type::Text),
        ("statement", Type::Text),
        ("is_holdable", Type::Bool),
        ("is_binary", Type::Bool),
        ("is_scrollable", Type::Bool),
        ("creation_time", Type::Timestamptz),
    ],
    rows: |system| of_session(system, cursors),
};

/// The prepared statements. Executions are not counted.
pub(super) static PREPARED: OfServer = OfServer {
    oid: 12_095,
    schema: "pg_catalog",
    name: "pg_prepared_statements",
    columns: &[
        ("name", Type::Text),
        ("statement", Type::Text),
        ("prepare_time", Type::Timestamptz),
        ("parameter_types", Type::RegtypeArray),
        ("from_sql", Type::Bool),
        ("generic_plans", Type::Int8),
        ("custom_plans", Type::Int8),
    ],
    rows: |system| of_session(system, prepared),
};

fn of_session(system: &System, rows: fn(&Backend) -> Vec<Row>) -> Vec<Row> {
    system.sessions.get(system.session).map_or_else(|_| Vec::new(), |backend| rows(&backend))
}

fn text(text: &str) -> Datum {
    Datum::Text(text.to_owned())
}

fn cursors(backend: &Backend) -> Vec<Row> {
    let cursors = backend.cursors.lock();
    let rows = cursors.iter().map(|(name, cursor)| {
        vec![
            text(name),
            text(&cursor.statement),
            Datum::Bool(cursor.is_holdable),
            Datum::Bool(cursor.is_binary),
            Datum::Bool(cursor.is_scrollable),
            Datum::Int64(cursor.creation_time),
        ]
    });
    rows.collect()
}

fn prepared(backend: &Backend) -> Vec<Row> {
    let prepared = backend.prepared.lock();
    let rows = prepared.iter().map(|(name, line)| {
        let types = line.parameter_types.iter().map(|kind| Datum::Int64(kind.oid().into()));
        let types = Array::of(Type::Regtype, types.collect());
        vec![
            text(name),
            text(&line.statement),
            Datum::Int64(line.prepare_time),
            types.map_or(Datum::Null, |types| types.to_datum()),
            Datum::Bool(line.from_sql),
            Datum::Null,
            Datum::Null,
        ]
    });
    rows.collect()
}
