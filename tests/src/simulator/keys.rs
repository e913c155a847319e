//! What is in the simulated database: groups of rows, and how rows are bytes.
//!
//! Each group has lists and registers that are there from the start, slots that several clients try to
//! fill first, and registers under keys that are used once. A group is a range of keys, so that a
//! scan of it is a predicate read. To the transaction layer a list is a value like any other.

use std::ops::Range;

use cairn_storage::Span;

use crate::history::{Found, Key, Operation, Value};

/// The name that stands for the table of all rows in the lock table.
pub const TABLE: &[u8] = b"table";

const REGISTERS: Key = 1 << 8;
const SLOTS: Key = 1 << 9;
const FRESH: Key = 1 << 10;

/// How many there are of everything.
#[derive(Clone, Copy, Debug)]
pub struct KeySpace {
    /// Groups.
    pub groups: u64,
    /// Lists in each.
    pub lists: u64,
    /// Registers in each.
    pub registers: u64,
    /// Slots in each.
    pub slots: u64,
}

fn first(group: u64) -> Key {
    group << 32
}

impl KeySpace {
    /// The lists and registers that are there from the start.
    pub fn preloaded(&self) -> impl Iterator<Item = Key> {
        let KeySpace { groups, lists, registers, .. } = *self;
        (0..groups).flat_map(move |group| {
            let lists = (0..lists).map(move |number| list(group, number));
            lists.chain((0..registers).map(move |number| register(group, number)))
        })
    }
}

/// All keys of a group.
pub fn group(group: u64) -> Range<Key> {
    first(group)..first(group + 1)
}

/// The keys of a group's lists.
pub fn lists(group: u64) -> Range<Key> {
    first(group)..first(group) + REGISTERS
}

/// The keys of a group's registers and slots.
pub fn registers(group: u64) -> Range<Key> {
    first(group) + REGISTERS..first(group) + FRESH
}

/// The keys of a group that are used once.
pub fn fresh_ones(group: u64) -> Range<Key> {
    first(group) + FRESH..first(group + 1)
}

/// A list.
pub fn list(group: u64, number: u64) -> Key {
    first(group) + number
}

/// A register that is there from the start.
pub fn register(group: u64, number: u64) -> Key {
    first(group) + REGISTERS + number
}

/// A register that is there once somebody has inserted it.
pub fn slot(group: u64, number: u64) -> Key {
    first(group) + SLOTS + number
}

/// A register that one client inserts.
pub fn fresh(group: u64, number: u64) -> Key {
    first(group) + FRESH + number
}

/// Whether a key is that of a list.
pub fn is_list(key: Key) -> bool {
    key & 0xffff_ffff < REGISTERS
}

/// A key's bytes, which sort as keys do.
pub fn encode(key: Key) -> Vec<u8> {
    [b"r".as_slice(), &key.to_be_bytes()].concat()
}

/// The keys of a range.
pub fn span(keys: &Range<Key>) -> Span {
    Span::new(encode(keys.start), encode(keys.end))
}

/// The key of these bytes.
///
/// # Panics
///
/// If no key has them.
pub fn decode(bytes: &[u8]) -> Key {
    let key = bytes.strip_prefix(b"r").and_then(|key| key.try_into().ok());
    Key::from_be_bytes(key.expect("the key of a row"))
}

/// The bytes of a list; those of a register are those of a list of one.
pub fn encode_values(values: &[Value]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The values in a row.
///
/// # Panics
///
/// If it is cut off.
pub fn decode_values(row: &[u8]) -> Vec<Value> {
    let (values, rest) = row.as_chunks::<8>();
    assert!(rest.is_empty(), "a row that is cut off");
    values.iter().map(|value| Value::from_le_bytes(*value)).collect()
}

/// The last value of a row, which stands for it in conditions.
pub fn last_value(row: &[u8]) -> Option<Value> {
    row.last_chunk().map(|value| Value::from_le_bytes(*value))
}

/// What a scan found in a row.
pub fn found(key: Key, row: &[u8]) -> Found {
    let values = decode_values(row);
    match (is_list(key), values.as_slice()) {
        (true, _) => Found::List(values),
        (false, [value]) => Found::Register(*value),
        (false, _) => panic!("{values:?} is no register"),
    }
}

/// The operation that read a row.
pub fn read(key: Key, row: Option<&[u8]>) -> Operation {
    match row.map(|row| found(key, row)) {
        Some(Found::List(values)) => Operation::ReadList { key, values },
        Some(Found::Register(value)) => Operation::Read { key, value: Some(value) },
        None if is_list(key) => Operation::ReadList { key, values: Vec::new() },
        None => Operation::Read { key, value: None },
    }
}
