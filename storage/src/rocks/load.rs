//! Many writes: as tables, past the log, where their keys are alone, else in batches.
//!
//! A table that is written sorted and goes in as a file is written once; what goes through a
//! memtable is written again by each compaction. But with user-defined timestamps RocksDB takes a
//! file only under a condition (`db/external_sst_file_ingestion_job.cc`): between its first key and
//! its last no version of any other key may be in a memtable or a table, not even a deletion, and no
//! running compaction may be writing there. Without timestamps it would flush the memtable and give
//! the file a sequence number above the rest; with them it refuses. It is the judge of that,
//! atomically with the ingestion: the look at the keys here only saves making files that have no
//! chance. What is refused is written in batches, which is always possible.

use std::path::Path;
use std::sync::atomic::Ordering;

use rocksdb::{
    ErrorKind, IngestExternalFileOptions, ReadOptions, SstFileWriter, WriteBatch, WriteOptions,
};

use super::{DRAFT, RocksEngine, add, encode};
use crate::engine::{Span, Write};
use crate::{Result, Timestamp};

/// Fewer bytes than this are not worth a file.
const MIN_TABLE_BYTES: usize = 1 << 20;
/// One batch: others wait in RocksDB's queue while it is written.
const BATCH_BYTES: usize = 1 << 20;

fn bytes(write: &Write) -> usize {
    write.key.len() + write.value.as_ref().map_or(0, Vec::len)
}

impl RocksEngine {
    /// See [`crate::Engine::load`].
    pub(super) fn load_writes(&self, writes: &[Write]) -> Result<()> {
        debug_assert!(writes.is_sorted_by(|a, b| a.key < b.key), "keys rise");
        let is_large = writes.iter().map(bytes).sum::<usize>() >= MIN_TABLE_BYTES;
        if is_large && self.is_free(writes)? && self.ingest(writes)? {
            return Ok(());
        }
        self.write_batches(writes)
    }

    /// Whether no version of any key is between the first and the last of `writes`.
    fn is_free(&self, writes: &[Write]) -> Result<bool> {
        let (Some(first), Some(last)) = (writes.first(), writes.last()) else { return Ok(true) };
        // A start timestamp makes the iterator show every version, deletions included.
        let mut options = ReadOptions::default();
        options.set_timestamp(encode(Timestamp::MAX));
        options.set_iter_start_ts(encode(Timestamp::MIN));
        options.set_iterate_upper_bound(Span::point(&last.key).end);
        let mut versions = self.db.raw_iterator_cf_opt(self.data()?, options);
        versions.seek(&first.key);
        let found = versions.valid();
        versions.status()?;
        Ok(!found)
    }

    /// Adds `writes` as a table: durable when it returns. False, and nothing is done, if RocksDB
    /// refuses it.
    pub(crate) fn ingest(&self, writes: &[Write]) -> Result<bool> {
        if writes.is_empty() {
            return Ok(true);
        }
        let number = self.ingests.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.join(format!("{DRAFT}{number}.sst"));
        let ingested = self.write_table(&path, writes).and_then(|()| self.take_table(&path));
        // Where it was taken the file is gone. Else, what stays goes at the next opening.
        if !matches!(ingested, Ok(true)) {
            let _ = std::fs::remove_file(&path);
        }
        if ingested? {
            self.dead.note(writes);
            return Ok(true);
        }
        Ok(false)
    }

    fn write_table(&self, path: &Path, writes: &[Write]) -> Result<()> {
        let mut file = SstFileWriter::create(&self.table);
        file.open(path)?;
        for write in writes {
            match &write.value {
                Some(value) => file.put_with_ts(&write.key, encode(write.at), value)?,
                None => file.delete_with_ts(&write.key, encode(write.at))?,
            }
        }
        Ok(file.finish()?)
    }

    fn take_table(&self, path: &Path) -> Result<bool> {
        let mut options = IngestExternalFileOptions::default();
        options.set_move_files(true);
        match self.db.ingest_external_file_cf_opts(self.data()?, &options, vec![path]) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::InvalidArgument => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn write_batches(&self, writes: &[Write]) -> Result<()> {
        let data = self.data()?;
        let mut options = WriteOptions::default();
        // They go through the log although nobody needs them there: RocksDB writes nothing past it
        // while it writes over old log files.
        // When compactions fall behind, this waits for them before others have to.
        options.set_low_pri(true);
        let mut batch = WriteBatch::default();
        for write in writes {
            add(&mut batch, data, write);
            if batch.size_in_bytes() >= BATCH_BYTES {
                self.db.write_opt(std::mem::take(&mut batch), &options)?;
            }
        }
        if !batch.is_empty() {
            self.db.write_opt(batch, &options)?;
        }
        self.dead.note(writes);
        Ok(())
    }
}
