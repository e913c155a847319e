//! What is in the tables, and which key of a history each row is.
//!
//! `lists` has lists as text, `cells` has registers. Keys come in groups: transactions work on one or two
//! groups at a time, and all transactions of a round on the groups of that round. A cell is found by its
//! primary key or, through an index, by its group, so both kinds of scan are of a range of a history's
//! keys.
//!
//! Cells are there from the start, or filled by several clients in a race (slots), or inserted by one
//! and never removed (fresh ones). Movers go over to the next group, once: to the checker that
//! deletes one register and writes another, so a scan by the index has to notice.

use std::ops::Range;

use crate::history::{Key, Operation, Value};

/// Makes the tables.
pub(super) const SCHEMA: &str = "\
    CREATE TABLE lists (k bigint PRIMARY KEY, v text NOT NULL);
    CREATE TABLE cells (k bigint PRIMARY KEY, g bigint NOT NULL, v bigint NOT NULL);
    CREATE INDEX cells_g ON cells (g)";

/// Lists have keys of their own, so that they lie in no range of cells.
const LISTS: Key = 1 << 48;
/// Keys of lists that a group has.
const LIST_KEYS: Key = 1 << 4;
/// Keys of cells that a group has, as a shift.
const CELL_BITS: u32 = 16;
const DELETABLE: Key = 1 << 7;
const SLOTS: Key = 1 << 8;
const FRESH: Key = 1 << 9;
const MOVERS: Key = 1 << 15;
/// Where the previous group's movers go.
const MOVED: Key = MOVERS + (1 << 8);

/// How many each group has of everything.
pub(super) const LISTS_PER_GROUP: u64 = 4;
pub(super) const REGISTERS_PER_GROUP: u64 = 3;
pub(super) const DELETABLE_PER_GROUP: u64 = 4;
pub(super) const SLOTS_PER_GROUP: u64 = 4;
pub(super) const MOVERS_PER_GROUP: u64 = 3;

fn first(group: u64) -> Key {
    group << CELL_BITS
}

/// The lists of some groups.
pub(super) fn lists(groups: &Range<u64>) -> Range<Key> {
    LISTS + groups.start * LIST_KEYS..LISTS + groups.end * LIST_KEYS
}

/// The cells of some groups, with their movers and those that came from the group before.
pub(super) fn cells(groups: &Range<u64>) -> Range<Key> {
    first(groups.start)..first(groups.end)
}

/// Those cells of a group whose primary keys are in its range for good.
pub(super) fn settled(group: u64) -> Range<Key> {
    first(group)..first(group) + MOVERS
}

pub(super) fn list(group: u64, number: u64) -> Key {
    LISTS + group * LIST_KEYS + number
}

pub(super) fn register(group: u64, number: u64) -> Key {
    first(group) + number
}

pub(super) fn deletable(group: u64, number: u64) -> Key {
    first(group) + DELETABLE + number
}

pub(super) fn slot(group: u64, number: u64) -> Key {
    first(group) + SLOTS + number
}

/// A key that one transaction uses once.
///
/// # Panics
///
/// If a round has more of them than a group has room for.
pub(super) fn fresh(group: u64, number: u64) -> Key {
    assert!(FRESH + number < MOVERS, "too many fresh keys in a round");
    first(group) + FRESH + number
}

pub(super) fn mover(group: u64, number: u64) -> Key {
    first(group) + MOVERS + number
}

/// The group of a cell's primary key; a mover may be in the next one.
pub(super) fn home(cell: Key) -> u64 {
    cell >> CELL_BITS
}

/// The key in the history of a cell in a group.
pub(super) fn place(cell: Key, group: u64) -> Key {
    match home(cell) == group {
        true => cell,
        false => first(group) + MOVED + (cell & (MOVED - MOVERS - 1)),
    }
}

/// A key as SQL has it.
///
/// # Panics
///
/// If it is none of this module's.
pub(super) fn sql(number: u64) -> i64 {
    i64::try_from(number).expect("keys, groups and values fit into a bigint")
}

/// A bigint as a key, a group or a value.
///
/// # Panics
///
/// If it is negative: no such row was written.
pub(super) fn unsql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_else(|_| panic!("{number} was never written"))
}

/// The elements of a list's text.
///
/// # Panics
///
/// If it is none.
pub(super) fn elements(text: &str) -> Vec<Value> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts.map(|part| part.parse().unwrap_or_else(|_| panic!("{text:?} is no list"))).collect()
}

/// The rows that groups begin with, as INSERTs and as the operations of a history.
pub(super) fn preload(
    groups: Range<u64>,
    mut value: impl FnMut() -> Value,
) -> (Vec<String>, Vec<Operation>) {
    let (mut list_rows, mut cell_rows, mut operations) = (Vec::new(), Vec::new(), Vec::new());
    for group in groups {
        // An empty list reads as one that is not there: to the checker there is nothing to write.
        list_rows.extend((0..LISTS_PER_GROUP).map(|n| format!("({}, '')", list(group, n))));
        let registers = (0..REGISTERS_PER_GROUP).map(|n| register(group, n));
        let deletable = (0..DELETABLE_PER_GROUP).map(|n| deletable(group, n));
        let movers = (0..MOVERS_PER_GROUP).map(|n| mover(group, n));
        for key in registers.chain(deletable).chain(movers) {
            let value = value();
            cell_rows.push(format!("({key}, {group}, {value})"));
            operations.push(Operation::Write { key, value });
        }
    }
    let insert =
        |table: &str, rows: &[String]| format!("INSERT INTO {table} VALUES {}", rows.join(", "));
    (vec![insert("lists", &list_rows), insert("cells", &cell_rows)], operations)
}
