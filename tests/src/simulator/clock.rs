//! The simulation's time: it moves when the scheduler moves it, also backwards.

use std::sync::atomic::{AtomicU64, Ordering};

use cairn_txn::clock::Clock;

/// A clock that somebody else turns.
pub struct SimulatedClock(AtomicU64);

impl SimulatedClock {
    /// A clock that shows `now_ms`, in milliseconds since the Unix epoch.
    pub fn at(now_ms: u64) -> SimulatedClock {
        SimulatedClock(AtomicU64::new(now_ms))
    }

    /// Turns it forward.
    pub fn advance(&self, by_ms: u64) {
        self.0.fetch_add(by_ms, Ordering::Relaxed);
    }

    /// Turns it back.
    pub fn go_back(&self, by_ms: u64) {
        self.0.fetch_sub(by_ms, Ordering::Relaxed);
    }
}

impl Clock for SimulatedClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
