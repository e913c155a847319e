//! What the keys of the lock table stand for: rows, tables, advisory locks.

use cairn_txn::LockMode;
use cairn_txn::locks::Wait;
use cairn_txn::storage::INDEX_PREFIX_BYTES;

use crate::catalog::{Index, Schema, Table, index_prefix};

/// The database's number, PostgreSQL's for `postgres`.
pub const DATABASE_OID: u32 = 5;

const ADVISORY: &[u8] = b"L/advisory/";
const TABLE: &[u8] = b"L/table/";

/// An advisory lock's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Advisory {
    /// One of 64 bits.
    Whole(i64),
    /// Two of 32 bits. They lie in a space of their own.
    Pair(i32, i32),
}

impl Advisory {
    /// classid, objid and objsubid, as pg_locks shows them.
    pub fn parts(self) -> (u32, u32, u16) {
        match self {
            Advisory::Whole(number) => ((number as u64 >> 32) as u32, number as u32, 1),
            Advisory::Pair(class, object) => (class as u32, object as u32, 2),
        }
    }

    /// Its key in the lock table.
    pub fn key(self) -> Vec<u8> {
        let (class, object, space) = self.parts();
        let mut key = ADVISORY.to_vec();
        key.extend(space.to_be_bytes());
        key.extend(class.to_be_bytes());
        key.extend(object.to_be_bytes());
        key
    }
}

/// What a key of the lock table stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locked {
    /// A table, by its number.
    Table(u32),
    /// A row, or an entry of a unique index, by its table's number; `None`: of a table that is gone.
    Row(Option<u32>),
    /// An advisory lock: classid, objid, objsubid.
    Advisory(u32, u32, u16),
    /// Something of ours, such as the catalog.
    Other,
}

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// The table and the index that a key belongs to.
pub fn index_of<'s>(key: &[u8], schema: &'s Schema) -> Option<(&'s Table, &'s Index)> {
    let prefix = key.get(..INDEX_PREFIX_BYTES)?;
    let mut all = schema.tables().flat_map(|table| {
        let table: &Table = table;
        table.all_indexes().map(move |index| (table, index))
    });
    all.find(|(_, index)| index_prefix(index.storage) == prefix)
}

/// What a key of the lock table stands for.
pub fn locked(key: &[u8], schema: &Schema) -> Locked {
    if let Some(id) = key.strip_prefix(TABLE).and_then(number) {
        return Locked::Table(id);
    }
    let advisory = key.strip_prefix(ADVISORY).and_then(|rest| {
        let (space, rest) = rest.split_first_chunk::<2>()?;
        let (class, object) = rest.split_at_checked(4)?;
        Some(Locked::Advisory(number(class)?, number(object)?, u16::from_be_bytes(*space)))
    });
    match advisory {
        Some(advisory) => advisory,
        None if key.starts_with(b"t") => {
            Locked::Row(index_of(key, schema).map(|(table, _)| table.id))
        }
        None => Locked::Other,
    }
}

/// PostgreSQL's name of a mode. Its rows are locked by way of modes of tables, too.
pub fn mode_name(mode: LockMode) -> &'static str {
    match mode {
        LockMode::AccessShare | LockMode::ForKeyShare => "AccessShareLock",
        LockMode::RowShare | LockMode::ForShare => "RowShareLock",
        LockMode::RowExclusive => "RowExclusiveLock",
        LockMode::ShareUpdateExclusive => "ShareUpdateExclusiveLock",
        LockMode::Share => "ShareLock",
        LockMode::ShareRowExclusive => "ShareRowExclusiveLock",
        LockMode::Exclusive | LockMode::ForNoKeyUpdate => "ExclusiveLock",
        LockMode::AccessExclusive | LockMode::ForUpdate => "AccessExclusiveLock",
    }
}

/// The detail of a deadlock, a line an edge, in PostgreSQL's words.
pub fn describe_deadlock(cycle: &[Wait]) -> String {
    let lines = cycle.iter().map(|wait| {
        // Tables and rows need no schema here: the number of a table is in its lock's key, and a
        // row is waited for by way of the transaction that has it.
        let (mode, what) = match locked(&wait.key, &Schema::default()) {
            Locked::Table(id) => {
                (mode_name(wait.mode), format!("relation {id} of database {DATABASE_OID}"))
            }
            Locked::Advisory(class, object, space) => (
                mode_name(wait.mode),
                format!("advisory lock [{DATABASE_OID},{class},{object},{space}]"),
            ),
            Locked::Row(_) => ("ShareLock", format!("transaction {}", wait.blocker.id)),
            Locked::Other => (mode_name(wait.mode), "the catalog".to_owned()),
        };
        format!(
            "Process {} waits for {mode} on {what}; blocked by process {}.",
            wait.waiter.session, wait.blocker.session
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}
