//! Reservations: timestamps that are taken ahead of their turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cairn_storage::Timestamp;

use crate::clock::Clock;
use crate::timestamps::Timestamps;

struct SetClock(AtomicU64);

impl Clock for SetClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn others_stay_before_a_reservation_however_late_it_gets() {
    let clock = Arc::new(SetClock(AtomicU64::new(1000)));
    let timestamps = Timestamps::new(clock.clone(), Timestamp::MIN);
    let mut last = timestamps.allocate();
    let reserved = timestamps.reserve(10).unwrap();
    assert_eq!(reserved.unix_ms(), 1010);
    for now_ms in [1001, 1009, 1010, 1011, 5000, 900] {
        clock.0.store(now_ms, Ordering::Relaxed);
        for _ in 0..3 {
            let at = timestamps.allocate();
            assert!(last < at && at < reserved, "{last:?} {at:?} {reserved:?} at {now_ms}");
            last = at;
        }
    }
    timestamps.claim();
    assert!(timestamps.allocate() > reserved);
    clock.0.store(5000, Ordering::Relaxed);
    assert_eq!(timestamps.allocate().unix_ms(), 5000);
    // One that is taken while the clock is behind lies ahead all the same.
    clock.0.store(900, Ordering::Relaxed);
    assert_eq!(timestamps.reserve(10).unwrap().unix_ms(), 5010);
    assert_eq!(timestamps.reserve(10), None);
}
