//! The timestamp oracle and the registry of snapshots.
//!
//! Commit timestamps rise strictly, also across restarts: no batch has a timestamp beyond the
//! high-water mark, which is in the log before it or with it. Two marks trail behind and move in commit
//! order: `visible`, up to which everything is written, and `settled`, up to which it is also as
//! durable as its committer asked for. Who only reads does so at `settled`, and has nothing to wait
//! for; who writes does so at `visible`, and its own commit is durable after what it has seen. The
//! registry knows every snapshot in use; its minimum bounds garbage collection and the memory of
//! the lock table.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cairn_storage::Timestamp;
use parking_lot::Mutex;

use crate::clock::Clock;

/// Allocates, publishes and tracks timestamps.
pub struct Timestamps {
    clock: Arc<dyn Clock>,
    last: AtomicU64,
    /// The timestamp that a bulk commit has taken ahead of its turn; 0 if there is none.
    reservation: AtomicU64,
    visible: AtomicU64,
    settled: AtomicU64,
    in_use: Mutex<BTreeMap<Timestamp, usize>>,
}

/// A registered snapshot; dropping it lets its versions be collected.
pub struct Snapshot {
    at: Timestamp,
    owner: Arc<Timestamps>,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Snapshot({:?})", self.at)
    }
}

impl Snapshot {
    /// The timestamp that it reads at.
    pub fn at(&self) -> Timestamp {
        self.at
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        let mut in_use = self.owner.in_use.lock();
        if let Some(count) = in_use.get_mut(&self.at) {
            *count -= 1;
            if *count == 0 {
                in_use.remove(&self.at);
            }
        }
    }
}

impl Timestamps {
    /// Continues after `high_water`, the last timestamp of an earlier run.
    pub fn new(clock: Arc<dyn Clock>, high_water: Timestamp) -> Timestamps {
        Timestamps {
            clock,
            last: AtomicU64::new(high_water.0),
            reservation: AtomicU64::new(0),
            visible: AtomicU64::new(high_water.0),
            settled: AtomicU64::new(high_water.0),
            in_use: Mutex::new(BTreeMap::new()),
        }
    }

    /// The next commit timestamp. The caller serializes calls with the log's queue.
    pub fn allocate(&self) -> Timestamp {
        let wall = Timestamp::from_unix_ms(self.clock.now_ms());
        let following = Timestamp(self.last.load(Ordering::Acquire)).next();
        let mut next = wall.max(following);
        let reservation = self.reservation.load(Ordering::Acquire);
        if reservation != 0 && next.0 >= reservation {
            // The clock has come to a commit whose turn it is not yet: timestamps stay behind
            // that. There is room: they rise by one, and a millisecond has 2^18 of them.
            next = following;
            assert!(next.0 < reservation, "commits have used up all timestamps before another");
        }
        self.last.store(next.0, Ordering::Release);
        next
    }

    /// Takes a timestamp that lies ahead, for a commit that is written beside the others. Until
    /// its turn comes with [`Timestamps::claim`] all that are allocated are before it. There is
    /// one at a time; `None` if there is one whose turn never came, because the log has failed. The
    /// caller serializes this with [`Timestamps::allocate`].
    pub fn reserve(&self, ahead_ms: u64) -> Option<Timestamp> {
        let last = Timestamp(self.last.load(Ordering::Acquire));
        let now_ms = self.clock.now_ms().max(last.unix_ms());
        let at = Timestamp::from_unix_ms(now_ms + ahead_ms);
        let (order, failed) = (Ordering::AcqRel, Ordering::Acquire);
        self.reservation.compare_exchange(0, at.0, order, failed).ok().map(|_| at)
    }

    /// The turn of the reserved timestamp has come: what is allocated from now on is after it.
    /// Serialized as [`Timestamps::reserve`] is.
    pub fn claim(&self) {
        let at = self.reservation.swap(0, Ordering::AcqRel);
        assert!(at > self.last.load(Ordering::Acquire), "a reservation lies ahead");
        self.last.store(at, Ordering::Release);
    }

    /// Everything up to `at` is written.
    pub fn publish(&self, at: Timestamp) {
        let before = self.visible.swap(at.0, Ordering::AcqRel);
        assert!(before < at.0, "timestamps are published in rising order");
    }

    /// Everything up to `at` is as durable as was asked.
    pub fn settle(&self, at: Timestamp) {
        let before = self.settled.swap(at.0, Ordering::AcqRel);
        assert!(before < at.0, "timestamps settle in rising order");
        assert!(at <= self.visible(), "what is durable is visible");
    }

    /// The newest written timestamp.
    pub fn visible(&self) -> Timestamp {
        Timestamp(self.visible.load(Ordering::Acquire))
    }

    /// The newest durable timestamp.
    pub fn settled(&self) -> Timestamp {
        Timestamp(self.settled.load(Ordering::Acquire))
    }

    /// Registers a snapshot: of everything written if `newest`, else of everything durable.
    pub fn snapshot(self: &Arc<Self>, newest: bool) -> Snapshot {
        // Read under the registry's lock, so that `oldest` cannot pass by in between.
        let mut in_use = self.in_use.lock();
        let at = if newest { self.visible() } else { self.settled() };
        *in_use.entry(at).or_insert(0) += 1;
        Snapshot { at, owner: self.clone() }
    }

    /// Registers a snapshot of what was durable at `at`, which is not after now. The caller finds out
    /// behind this whether that is still kept.
    pub fn snapshot_at(self: &Arc<Self>, at: Timestamp) -> Snapshot {
        let mut in_use = self.in_use.lock();
        let at = at.min(self.settled());
        *in_use.entry(at).or_insert(0) += 1;
        Snapshot { at, owner: self.clone() }
    }

    /// No snapshot in use, or yet to be taken at the present, is older.
    pub fn oldest(&self) -> Timestamp {
        let in_use = self.in_use.lock();
        let settled = self.settled();
        in_use.keys().next().map_or(settled, |oldest| settled.min(*oldest))
    }

    /// The wall clock.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }
}
