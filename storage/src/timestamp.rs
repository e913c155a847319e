//! Hybrid-logical timestamps in TiKV's layout, so that both backends speak one language.

use std::fmt;

/// Bits of the logical counter below the milliseconds.
const LOGICAL_BITS: u32 = 18;

/// A 64-bit hybrid-logical timestamp: Unix milliseconds `<< 18 |` counter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Before every version.
    pub const MIN: Timestamp = Timestamp(0);
    /// After every version.
    pub const MAX: Timestamp = Timestamp(u64::MAX);

    /// The first timestamp of a millisecond.
    pub fn from_unix_ms(ms: u64) -> Timestamp {
        Timestamp(ms << LOGICAL_BITS)
    }

    /// The wall-clock part, in Unix milliseconds.
    pub fn unix_ms(self) -> u64 {
        self.0 >> LOGICAL_BITS
    }

    /// The next timestamp.
    pub fn next(self) -> Timestamp {
        Timestamp(self.0.saturating_add(1))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.unix_ms(), self.0 & ((1 << LOGICAL_BITS) - 1))
    }
}
