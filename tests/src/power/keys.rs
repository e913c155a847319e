//! What is stored: rows that each belong to one commit, and slots that commits take from each other.

use std::collections::BTreeMap;

use cairn_storage::Span;

/// The number of a commit.
pub type Id = u64;

/// Slots that all commits share.
pub const SLOTS: u8 = 16;

const ROWS: &[u8] = b"row/";
const SLOT: &[u8] = b"slot/";
/// Before the filling of a row: how long that is.
const HEADER_BYTES: usize = 4;

/// Key of a row.
pub fn row_key(id: Id, part: u32) -> Vec<u8> {
    [ROWS, &id.to_be_bytes(), &part.to_be_bytes()].concat()
}

fn filling(id: Id, part: u32, bytes: usize) -> impl Iterator<Item = u8> {
    let first = (id as u8).wrapping_mul(31).wrapping_add(part as u8);
    (0..bytes).map(move |n| first.wrapping_add((n / 64) as u8))
}

/// Value of a row, of about `bytes` bytes.
pub fn row_value(id: Id, part: u32, bytes: u32) -> Vec<u8> {
    let mut value = bytes.to_le_bytes().to_vec();
    value.extend(filling(id, part, bytes as usize));
    value
}

/// Key of a slot.
pub fn slot_key(slot: u8) -> Vec<u8> {
    [SLOT, &[slot]].concat()
}

/// Value of a slot that a commit has taken.
pub fn slot_value(id: Id) -> Vec<u8> {
    id.to_be_bytes().to_vec()
}

/// All rows.
pub fn rows() -> Span {
    Span::prefix(ROWS)
}

/// All slots.
pub fn slots() -> Span {
    Span::prefix(SLOT)
}

/// What a start found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// How many rows of each commit.
    pub rows: BTreeMap<Id, u32>,
    /// Who has each slot that is taken.
    pub slots: BTreeMap<u8, Id>,
}

impl Found {
    /// Takes note of a row. Fails if it is none that anyone has written.
    pub fn add_row(&mut self, key: &[u8], value: &[u8]) -> Result<(), String> {
        let known = || -> Option<(Id, u32)> {
            let (id, part) = key.strip_prefix(ROWS)?.split_first_chunk::<8>()?;
            let (id, part) = (Id::from_be_bytes(*id), u32::from_be_bytes(part.try_into().ok()?));
            let (bytes, rest) = value.split_first_chunk::<HEADER_BYTES>()?;
            let bytes = u32::from_le_bytes(*bytes) as usize;
            let is_whole = rest.len() == bytes && rest.iter().copied().eq(filling(id, part, bytes));
            is_whole.then_some((id, part))
        };
        let (id, part) = known().ok_or_else(|| format!("nobody has written {key:?}"))?;
        // Parts come in their order, so that this counts them without a gap.
        let count = self.rows.entry(id).or_default();
        if *count != part {
            return Err(format!("of commit {id} there is row {part} behind {count} others"));
        }
        *count += 1;
        Ok(())
    }

    /// Takes note of a slot. Fails if it is none.
    pub fn add_slot(&mut self, key: &[u8], value: &[u8]) -> Result<(), String> {
        match (key.strip_prefix(SLOT), value.try_into()) {
            (Some([slot]), Ok(id)) => {
                self.slots.insert(*slot, Id::from_be_bytes(id));
                Ok(())
            }
            _ => Err(format!("nobody has written {key:?}")),
        }
    }
}
