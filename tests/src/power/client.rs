//! Who writes while the power is on: clients that commit, and one that looks after the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cairn_storage::Engine;
use cairn_storage::rocks::RocksEngine;
use cairn_test_disk::Disk;
use cairn_txn::{Access, Isolation, LockMode, Result, Transaction, TransactionManager, WaitPolicy};
use parking_lot::Mutex;

use super::journal::Journal;
use super::keys::{Id, SLOTS, row_key, row_value, slot_key, slot_value};
use super::machine::SPILL_BYTES;
use crate::simulator::random::Random;

/// One commit in so many is a bulk commit, and one in so many of those is large enough to be ingested.
const BULK_EVERY: u64 = 40;
const INGESTED_EVERY: u64 = 2;
/// Most bytes of a row.
const MAX_ROW_BYTES: u64 = 1000;
/// Rows of a bulk commit: twice what memory has room for, on the average.
const BULK_ROWS: u64 = 4 * SPILL_BYTES as u64 / MAX_ROW_BYTES;
/// Rows of one that is ingested: more than the smallest table, which is 1 MiB.
const INGESTED_ROWS: u64 = 2600;

/// What clients share.
pub struct World {
    /// Begins transactions.
    pub manager: Arc<TransactionManager>,
    /// What they have done.
    pub journal: Arc<Mutex<Journal>>,
    /// Whether they are to end.
    pub is_over: AtomicBool,
    /// What they are stored on. Without power, errors are to be expected.
    pub disk: Arc<Disk>,
}

impl World {
    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    /// Notes an error that no power failure explains.
    fn note<T, E: std::fmt::Display>(&self, doing: &str, result: std::result::Result<T, E>) {
        if let Err(error) = result
            && !self.disk.is_off()
        {
            self.journal.lock().complain(format!("{doing} failed: {error}"));
        }
    }
}

/// Commits until an error.
pub async fn write(world: Arc<World>, mut random: Random) {
    while world.goes_on() {
        let result = commit(&world, &mut random).await;
        let is_error = result.is_err();
        world.note("a commit", result);
        if is_error {
            return;
        }
    }
}

/// Locks a few slots; those that are taken may be left empty.
async fn lock_slots(t: &mut Transaction, random: &mut Random) -> Result<Vec<(u8, bool, bool)>> {
    let mut slots = Vec::new();
    let first = random.below(u64::from(SLOTS)) as u8;
    // In rising order, so that nobody waits in a circle.
    for slot in first..SLOTS.min(first + random.below(4) as u8) {
        let key = slot_key(slot);
        t.lock_row(&key, LockMode::ForUpdate, WaitPolicy::Block).await?;
        let was_taken = t.get_latest(&key)?.is_some();
        let takes = !was_taken || random.below(4) > 0;
        slots.push((slot, was_taken, takes));
    }
    Ok(slots)
}

fn add_rows(t: &mut Transaction, id: Id, rows: u32, random: &mut Random) -> Result<()> {
    for part in 0..rows {
        let bytes = random.below(MAX_ROW_BYTES) as u32;
        t.put(row_key(id, part), row_value(id, part, bytes), false)?;
    }
    Ok(())
}

async fn commit(world: &World, random: &mut Random) -> Result<()> {
    let is_bulk = random.below(BULK_EVERY) == 0;
    let is_ingested = is_bulk && random.below(INGESTED_EVERY) == 0;
    let rows = match (is_bulk, is_ingested) {
        (false, _) => 1 + random.below(4),
        (true, false) => BULK_ROWS,
        (true, true) => INGESTED_ROWS,
    };
    let rows = rows as u32;
    let mut t = world.manager.begin(Isolation::ReadCommitted);
    t.begin_statement(Access::Write);
    let slots = match is_ingested {
        // A table is taken only where there are no keys of others.
        true => Vec::new(),
        false => lock_slots(&mut t, random).await?,
    };
    let noted = slots.iter().map(|(slot, _, takes)| (*slot, *takes)).collect();
    let id = world.journal.lock().begin(rows, is_bulk, noted);
    for (slot, was_taken, takes) in slots {
        match takes {
            true => t.put(slot_key(slot), slot_value(id), was_taken)?,
            false => t.delete(slot_key(slot))?,
        }
    }
    add_rows(&mut t, id, rows, random)?;
    let journal = world.journal.clone();
    t.on_commit(Box::new(move |at| journal.lock().written(id, at)));
    // Bulk commits are durable whatever is asked for.
    let is_durable = is_bulk || random.below(8) > 0;
    t.commit(is_durable).await?;
    if is_durable {
        world.journal.lock().acknowledged(id);
    }
    Ok(())
}

/// Flushes, makes room in the log, looks after ranges and collects garbage.
pub fn look_after(world: &World, engine: &RocksEngine, mut random: Random) {
    let store = world.manager.store().clone();
    while world.goes_on() {
        let key = row_key(world.journal.lock().last() + random.below(50), 0);
        match random.below(9) {
            0 => world.note("a flush", engine.flush()),
            1 | 2 => world.note("making room", engine.tend()),
            3 => world.note("a round over the ranges", store.maintain(Duration::from_millis(10))),
            4 => world.note("a split", store.split_range(&key)),
            5 => world.note("a garbage collection", world.manager.collect_garbage()),
            6 => {
                let anchored = store.anchor_range(&key);
                if anchored.is_ok() {
                    world.journal.lock().anchored(key);
                }
                world.note("an anchor", anchored);
            }
            _ => {}
        }
        std::thread::sleep(Duration::from_micros(random.below(8000)));
    }
}
