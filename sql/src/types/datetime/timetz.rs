//! `time with time zone`: a time of day and the offset of the clock that shows it.
//!
//! Two of them compare by the time in UTC, then by the offset, the easternmost first. The encoding is
//! twelve bytes in that order, so equal values have one encoding.

use crate::error::{Error, Result, SqlState};
use crate::types::interval::{DAY_US, SECOND_US};

/// A `time with time zone` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeTz {
    /// What the clock shows, in microseconds since midnight.
    pub time_us: i64,
    /// Its offset, in seconds east.
    pub east_s: i32,
}

/// Most seconds of an offset, exclusive.
const MAX_OFFSET_S: i32 = 16 * 3600;

impl TimeTz {
    /// The time in UTC, which may lie a day before or after.
    pub fn utc_us(self) -> i64 {
        self.time_us - i64::from(self.east_s) * SECOND_US
    }

    /// The sortable encoding.
    pub fn encode(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(12);
        out.extend((self.utc_us() as u64 ^ (1 << 63)).to_be_bytes());
        out.extend(((-self.east_s) as u32 ^ (1 << 31)).to_be_bytes());
        out
    }

    /// Reads [`TimeTz::encode`]'s form.
    ///
    /// # Errors
    /// If it is none.
    pub fn decode(bytes: &[u8]) -> Result<TimeTz> {
        let parts = bytes.split_first_chunk::<8>().and_then(|(utc, rest)| {
            let west = u32::from_be_bytes(rest.try_into().ok()?) ^ (1 << 31);
            let east_s = (west as i32).checked_neg()?;
            let utc = (u64::from_be_bytes(*utc) ^ (1 << 63)) as i64;
            Some(TimeTz { time_us: utc.checked_add(i64::from(east_s) * SECOND_US)?, east_s })
        });
        parts.ok_or_else(|| Error::new(SqlState::DataCorrupted, "unreadable timetz value"))
    }

    /// The binary form of the protocol, where offsets count west.
    pub fn write_binary(self, out: &mut Vec<u8>) {
        out.extend(self.time_us.to_be_bytes());
        out.extend((-self.east_s).to_be_bytes());
    }

    /// Reads the binary form.
    ///
    /// # Errors
    /// If the time or the offset is out of range.
    pub fn from_binary(bytes: [u8; 12]) -> Result<TimeTz> {
        let (time, west) = bytes.split_at(8);
        let time_us = time.try_into().map(i64::from_be_bytes).unwrap_or_default();
        let west = west.try_into().map(i32::from_be_bytes).unwrap_or_default();
        if !(0..=DAY_US).contains(&time_us) {
            return Err(Error::new(SqlState::DatetimeFieldOverflow, "time out of range"));
        }
        if west <= -MAX_OFFSET_S || west >= MAX_OFFSET_S {
            let message = "time zone displacement out of range";
            return Err(Error::new(SqlState::InvalidTimeZoneDisplacementValue, message));
        }
        Ok(TimeTz { time_us, east_s: -west })
    }

    /// The same moment on another clock.
    pub fn at_offset(self, east_s: i32) -> TimeTz {
        let time_us = (self.utc_us() + i64::from(east_s) * SECOND_US).rem_euclid(DAY_US);
        TimeTz { time_us, east_s }
    }
}
