//! What an execution keeps: results of subqueries and of WITH queries that several parts of the plan
//! read, and an account of the memory that rows take.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::Row;
use super::profile::Profile;
use super::subplan::Materialized;
use super::turn::Turn;
use crate::error::{Error, Result, SqlState};
use crate::types::Datum;

/// A result that is computed by the first who asks; others wait for it.
type Shared = Arc<Mutex<Option<Arc<Vec<Row>>>>>;

/// What an execution keeps.
pub struct Kept {
    /// Results of uncorrelated subqueries, by their plans.
    pub(super) subplans: Mutex<HashMap<usize, Arc<Materialized>>>,
    /// Results of WITH queries, by their plans, and the epoch that they hold for.
    commons: Mutex<HashMap<usize, (u64, Shared)>>,
    epochs: AtomicU64,
    memory: Arc<Memory>,
    pub(super) turn: Turn,
    /// What EXPLAIN ANALYZE measures.
    pub profile: Option<Arc<Profile>>,
}

impl Kept {
    /// Nothing yet, and room for this many bytes of rows, for a statement that is to end by
    /// `deadline`.
    pub fn new(limit_bytes: usize, deadline: Option<Instant>) -> Kept {
        Kept {
            subplans: Mutex::default(),
            commons: Mutex::default(),
            epochs: AtomicU64::new(1),
            memory: Arc::new(Memory { used: AtomicUsize::new(0), limit_bytes }),
            turn: Turn::new(deadline),
            profile: None,
        }
    }

    /// A number that no other state of outer columns and working tables has.
    pub(super) fn next_epoch(&self) -> u64 {
        self.epochs.fetch_add(1, Ordering::Relaxed)
    }

    /// The rows kept under `key`, computed if there are none of this epoch.
    pub(super) fn common(
        &self,
        key: usize,
        epoch: u64,
        compute: impl FnOnce() -> Result<Vec<Row>>,
    ) -> Result<Arc<Vec<Row>>> {
        let shared = {
            let mut commons = self.commons.lock();
            let (held, shared) = commons.entry(key).or_insert_with(|| (epoch, Shared::default()));
            if *held != epoch {
                (*held, *shared) = (epoch, Shared::default());
            }
            shared.clone()
        };
        let mut rows = shared.lock();
        Ok(match &*rows {
            Some(rows) => rows.clone(),
            None => rows.insert(Arc::new(compute()?)).clone(),
        })
    }

    /// Rows that somebody made before the plan runs.
    pub fn give(&self, key: usize, rows: Vec<Row>) {
        let shared = Arc::new(Mutex::new(Some(Arc::new(rows))));
        self.commons.lock().insert(key, (0, shared));
    }

    /// An account that is empty, and is again when it goes.
    pub(super) fn account(&self) -> Account {
        Account { memory: self.memory.clone(), bytes: 0 }
    }
}

struct Memory {
    used: AtomicUsize,
    limit_bytes: usize,
}

/// Memory in use by one operator.
pub(super) struct Account {
    memory: Arc<Memory>,
    bytes: usize,
}

impl Account {
    /// Adds bytes, if the limit allows that.
    pub(super) fn add(&mut self, bytes: usize) -> Result<()> {
        let before = self.memory.used.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        if before + bytes <= self.memory.limit_bytes {
            return Ok(());
        }
        let mebibytes = self.memory.limit_bytes >> 20;
        Err(Error::new(SqlState::OutOfMemory, "out of memory")
            .detail(format!("A statement may keep {mebibytes} MiB of intermediate rows.")))
    }

    /// Adds what a row takes.
    pub(super) fn add_row(&mut self, row: &Row) -> Result<()> {
        self.add(row_bytes(row))
    }

    /// Leaves the memory in use to the end of the execution.
    pub(super) fn keep(mut self) {
        self.bytes = 0;
    }

    /// Gives all of it back.
    pub(super) fn clear(&mut self) {
        self.memory.used.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = 0;
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Memory of a row, about.
fn row_bytes(row: &Row) -> usize {
    let heap = row.iter().map(|datum| match datum {
        Datum::Text(text) => text.capacity(),
        Datum::Bytes(bytes) => bytes.capacity(),
        _ => 0,
    });
    size_of::<Row>() + row.capacity() * size_of::<Datum>() + heap.sum::<usize>()
}
