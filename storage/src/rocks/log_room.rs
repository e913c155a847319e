//! Room in the log, made ahead.
//!
//! A sync of a file that grew writes its new size as well: a second write to the disk, and on ext4 it
//! makes a commit take nearly twice as long as into a file that is written over. RocksDB writes over
//! old log files once it has some (`recycle_log_file_num`), but a server that has just started has
//! none, and gets them only as fast as its memtables fill. So once it is clear that a server is
//! written to, it fills a few logs with padding that no replay heeds, a piece at a time, and lets go of
//! them: these are written over from then on. PostgreSQL fills its log files with zeros for the same reason
//! (`wal_init_zero`).
//!
//! RocksDB cuts a log to what was written to it when it closes it. So a log that has room is left to fill
//! up: whoever let go of it earlier would lose the room.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rocksdb::WriteBatch;

use super::RocksEngine;
use crate::Result;

/// Log files that are filled. With as many in use as a flush keeps, one is always free.
const FILES: usize = 2;
/// The part of a memtable that is written to the log before this is worth the room: one in so many.
const AFTER_PART: usize = 16;
/// One write. A commit may have to wait until it is on the disk.
const MAX_PIECE_BYTES: usize = 1 << 20;

/// What has been done about it.
#[derive(Default)]
pub(super) struct LogRoom {
    /// Bytes of batches, as of now and of the last step.
    written: AtomicU64,
    written_before: AtomicU64,
    /// Logs that were let go of.
    steps: AtomicUsize,
}

impl LogRoom {
    pub fn note(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl RocksEngine {
    /// A step on the way, if one is due: fills a log and lets go of it. The one that follows the last
    /// of them is the first.
    pub(super) fn make_log_room(&self) -> Result<()> {
        let steps = self.room.steps.load(Ordering::Relaxed);
        let written = self.room.written.load(Ordering::Relaxed);
        let before = self.room.written_before.load(Ordering::Relaxed);
        // A log is left behind only with a memtable, and that is flushed only if it has something.
        let due = match steps {
            0 => written >= (self.memtable_bytes / AFTER_PART) as u64,
            _ => written > before,
        };
        if steps >= FILES || !due {
            return Ok(());
        }
        let piece_bytes = self.memtable_bytes.clamp(1, MAX_PIECE_BYTES);
        let piece = vec![0; piece_bytes];
        for _ in 0..self.memtable_bytes / piece_bytes {
            let mut batch = WriteBatch::default();
            batch.put_log_data(&piece);
            self.db.write(batch)?;
            self.db.flush_wal(true)?;
        }
        self.room
            .written_before
            .store(self.room.written.load(Ordering::Relaxed), Ordering::Relaxed);
        self.flush_families()?;
        self.room.steps.store(steps + 1, Ordering::Relaxed);
        Ok(())
    }
}
