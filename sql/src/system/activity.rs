//! `pg_stat_activity`: what sessions do.

use std::sync::atomic::Ordering;

use super::locks::kind;
use super::{OfServer, System};
use crate::lock_names::{DATABASE_OID, Locked, locked};
use crate::row::Row;
use crate::sessions::{Backend, State};
use crate::types::{Datum, Type};

/// The relation.
pub(super) static ACTIVITY: OfServer = OfServer {
    oid: 12_222,
    schema: "pg_catalog",
    name: "pg_stat_activity",
    columns: &[
        ("datid", Type::Oid),
        ("datname", Type::Name),
        ("pid", Type::Int4),
        ("leader_pid", Type::Int4),
        ("usesysid", Type::Oid),
        ("usename", Type::Name),
        ("application_name", Type::Text),
        ("client_addr", Type::Text),
        ("client_hostname", Type::Text),
        ("client_port", Type::Int4),
        ("backend_start", Type::Timestamptz),
        ("xact_start", Type::Timestamptz),
        ("query_start", Type::Timestamptz),
        ("state_change", Type::Timestamptz),
        ("wait_event_type", Type::Text),
        ("wait_event", Type::Text),
        ("state", Type::Text),
        ("backend_xid", Type::Text),
        ("backend_xmin", Type::Text),
        ("query_id", Type::Int8),
        ("query", Type::Text),
        ("backend_type", Type::Text),
    ],
    rows,
};

/// The number of PostgreSQL's first user.
const USER_OID: i64 = 10;

fn rows(system: &System) -> Vec<Row> {
    system.sessions.all().iter().map(|backend| row(backend, system)).collect()
}

fn row(backend: &Backend, system: &System) -> Row {
    let text = |text: &str| Datum::Text(text.to_owned());
    let time = |time: Option<i64>| time.map_or(Datum::Null, Datum::Int64);
    let activity = backend.activity.lock().clone();
    let waits = system.manager.locks().waits(backend.id);
    let (event_type, event) = match (waits.first(), activity.state) {
        (Some(wait), _) => {
            let event = match locked(&wait.key, &system.schema) {
                // What PostgreSQL waits for is the end of who has the row.
                Locked::Row(_) => "transactionid",
                other => kind(other),
            };
            (text("Lock"), text(event))
        }
        (None, _) if backend.awaits_safe_snapshot.load(Ordering::Relaxed) => {
            (text("IPC"), text("SafeSnapshot"))
        }
        (None, State::Active) => (Datum::Null, Datum::Null),
        (None, _) => (text("Client"), text("ClientRead")),
    };
    let state = match activity.state {
        State::Active => "active",
        State::Idle => "idle",
        State::IdleInTransaction => "idle in transaction",
        State::IdleInFailedTransaction => "idle in transaction (aborted)",
    };
    let client = activity.client;
    // A Unix socket has no address, and its port is told as -1.
    let port = client.map_or(-1, |client| i32::from(client.port()));
    vec![
        Datum::Int64(i64::from(DATABASE_OID)),
        text(&activity.settings.database),
        Datum::Int32(backend.id as i32),
        Datum::Null,
        Datum::Int64(USER_OID),
        text(&activity.settings.user),
        Datum::Text(activity.settings.show("application_name").unwrap_or_default()),
        client.map_or(Datum::Null, |client| Datum::Text(client.ip().to_string())),
        Datum::Null,
        Datum::Int32(port),
        Datum::Int64(backend.started),
        time(activity.xact_start),
        time(activity.query_start),
        Datum::Int64(activity.state_change),
        event_type,
        event,
        text(state),
        activity.transaction.map_or(Datum::Null, |id| Datum::Text(id.to_string())),
        Datum::Null,
        Datum::Null,
        text(&activity.query),
        text("client backend"),
    ]
}
