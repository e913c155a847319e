//! What dropped tables and crashed sessions leave behind, and its clearing in the background.

use std::sync::Arc;
use std::time::Instant;

use cairn_txn::TransactionManager;
use cairn_txn::storage::{Direction, Span};

use super::{Catalog, GARBAGE, index_prefix, index_span};
use crate::error::Result;

/// Most rows of a dropped table that one clearing transaction deletes.
const CLEAR_BATCH: usize = 1_000;
/// For each moment of clearing so many of rest: nobody waits for it.
const CLEAR_REST: u32 = 4;

/// Takes away what sessions of an earlier run left behind: they ended in a crash.
pub async fn clear_leftovers(manager: &Arc<TransactionManager>, catalog: &Catalog) -> Result<()> {
    let leftovers = std::mem::take(&mut *catalog.leftovers.lock());
    if leftovers.is_empty() {
        return Ok(());
    }
    let mut transaction = manager.begin(cairn_txn::Isolation::ReadCommitted);
    for (key, storages) in leftovers {
        transaction.delete(key)?;
        for storage in storages {
            let mark = [GARBAGE, &storage.to_be_bytes()].concat();
            transaction.put(mark, Vec::new(), false)?;
        }
    }
    transaction.commit(false).await?;
    Ok(())
}

/// Clears the rows of dropped tables, in small transactions. Resumes after a crash, because the
/// marks go last.
pub async fn clear_garbage(manager: &Arc<TransactionManager>) -> Result<()> {
    let mut marks = Vec::new();
    let view = manager.begin(cairn_txn::Isolation::ReadCommitted).latest();
    view.scan(&Span::prefix(GARBAGE), Direction::Forward, &mut |key, _| {
        marks.push(key.to_vec());
        std::ops::ControlFlow::Continue(())
    })?;
    for mark in marks {
        let storage = mark.get(GARBAGE.len()..).and_then(|id| id.try_into().ok());
        let Some(storage) = storage.map(u32::from_be_bytes) else { continue };
        let mut span = index_span(storage);
        // Most of a large table; the rest is deleted.
        manager.store().discard(&span)?;
        loop {
            let started = Instant::now();
            let mut transaction = manager.begin(cairn_txn::Isolation::ReadCommitted);
            let mut keys = Vec::new();
            transaction.latest().scan(&span, Direction::Forward, &mut |key, _| {
                keys.push(key.to_vec());
                match keys.len() < CLEAR_BATCH {
                    true => std::ops::ControlFlow::Continue(()),
                    false => std::ops::ControlFlow::Break(()),
                }
            })?;
            // What is cleared leaves tombstones, which would be walked over again and again.
            if let Some(last) = keys.last() {
                span.start = Span::point(last).end;
            }
            let done = keys.len() < CLEAR_BATCH;
            for key in keys {
                transaction.delete(key)?;
            }
            if done {
                transaction.delete(mark.clone())?;
            }
            transaction.commit(false).await?;
            if done {
                manager.store().release_range(&index_prefix(storage))?;
                break;
            }
            tokio::time::sleep(started.elapsed() * CLEAR_REST).await;
        }
    }
    Ok(())
}
