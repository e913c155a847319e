//! `pg_locks`: locks that are held and waited for.
//!
//! Rows are locked in the lock table here, not in the rows themselves: they have a line each, of
//! `locktype` tuple, in the mode of tables that PostgreSQL uses for theirs.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{OfServer, System};
use crate::lock_names::{DATABASE_OID, Locked, locked, mode_name};
use crate::row::Row;
use crate::types::{Datum, Type, datetime};

/// The relation.
pub(super) static LOCKS: OfServer = OfServer {
    oid: 12_073,
    schema: "pg_catalog",
    name: "pg_locks",
    columns: &[
        ("locktype", Type::Text),
        ("database", Type::Oid),
        ("relation", Type::Oid),
        ("page", Type::Int4),
        ("tuple", Type::Int2),
        ("virtualxid", Type::Text),
        ("transactionid", Type::Text),
        ("classid", Type::Oid),
        ("objid", Type::Oid),
        ("objsubid", Type::Int2),
        ("virtualtransaction", Type::Text),
        ("pid", Type::Int4),
        ("mode", Type::Text),
        ("granted", Type::Bool),
        ("fastpath", Type::Bool),
        ("waitstart", Type::Timestamptz),
    ],
    rows,
};

/// The kind of a lock, as pg_locks and wait events call it.
pub(super) fn kind(locked: Locked) -> &'static str {
    match locked {
        Locked::Table(_) => "relation",
        Locked::Row(_) => "tuple",
        Locked::Advisory(..) => "advisory",
        Locked::Other => "object",
    }
}

fn timestamptz(time: SystemTime) -> Datum {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let us = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    Datum::Int64(datetime::from_unix_us(us))
}

fn rows(system: &System) -> Vec<Row> {
    let locks = system.manager.locks().list().into_iter().map(|lock| {
        let text = |text: &str| Datum::Text(text.to_owned());
        let oid = |number: u32| Datum::Int64(i64::from(number));
        let locked = locked(&lock.key, &system.schema);
        let relation = match locked {
            Locked::Table(id) | Locked::Row(Some(id)) => oid(id),
            _ => Datum::Null,
        };
        let (class, object, space) = match locked {
            Locked::Advisory(class, object, space) => {
                (oid(class), oid(object), Datum::Int16(space as i16))
            }
            _ => (Datum::Null, Datum::Null, Datum::Null),
        };
        vec![
            text(kind(locked)),
            oid(DATABASE_OID),
            relation,
            Datum::Null,
            Datum::Null,
            Datum::Null,
            Datum::Null,
            class,
            object,
            space,
            Datum::Text(format!("{}/{}", lock.owner.session, lock.owner.id)),
            Datum::Int32(lock.owner.session as i32),
            text(mode_name(lock.mode)),
            Datum::Bool(lock.waiting_since.is_none()),
            Datum::Bool(false),
            lock.waiting_since.map_or(Datum::Null, timestamptz),
        ]
    });
    locks.collect()
}
