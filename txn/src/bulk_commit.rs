//! The commit of a transaction whose writes are in files.
//!
//! They are too many for one batch of the log, and writing them takes seconds in which others want
//! to commit. So the files themselves are the log of this commit, and it has these steps:
//!
//! 1. What is still in memory becomes the last run, and all runs are made durable.
//! 2. A record in the system space names the runs and a timestamp that lies ahead of the clock.
//!    When that record is durable the transaction is committed. Others go on to commit, at
//!    timestamps before this one, so no snapshot comes near it; they cannot write the same keys,
//!    as the transaction keeps its locks.
//! 3. The runs are merged and loaded into the engine at that timestamp, past the log where it can.
//! 4. The log is synced: what was loaded past it is durable already.
//! 5. In the order of commits, the record goes and the timestamp becomes visible; the locks are
//!    released. When that is durable, the files are removed.
//!
//! After a crash the next start finds the record, or does not. If it does, it loads the runs again
//! from the beginning: what was loaded is overwritten by the same. That is right because nobody
//! has written those keys since: the record goes in the batch before which nobody gets the locks.
//!
//! An error before the record takes the transaction back. One after it is as final as one of the
//! log: the transaction is committed and cannot be shown.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::time::{Duration, Instant};

use cairn_storage::log_writer::{Submission, Written};
use cairn_storage::{Batch, Store, Timestamp, Write};
use tokio::sync::oneshot;

use crate::Result;
use crate::buffer::WriteBuffer;
use crate::locks::{HeldLock, TransactionId};
use crate::manager::{HIGH_WATER, OnCommit, RESERVED_MS, TransactionManager, log_ended};
use crate::spill::{Merge, Run, SpillArea};

/// The bulk commit that is not yet all in the engine.
pub(crate) const RECORD: &[u8] = b"txn/bulk_commit";
/// How far ahead its timestamp lies: others have 2^18 timestamps in each millisecond.
const AHEAD_MS: u64 = 10_000;
/// Keys and values that are loaded together.
const GROUP_BYTES: usize = 16 << 20;
/// Groups that are merged and wait to be loaded.
const GROUPS_AHEAD: usize = 1;
/// How often the log tells how far a commit is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(10);

/// The record: timestamp, then for each run the length of its name, the name, and its size; numbers
/// are little-endian, of 8 bytes.
pub(crate) fn encode(at: Timestamp, runs: &[Arc<Run>]) -> Vec<u8> {
    let mut out = at.0.to_le_bytes().to_vec();
    for run in runs {
        let name = run.name().unwrap_or_default();
        out.extend((name.len() as u64).to_le_bytes());
        out.extend(name.as_bytes());
        out.extend(run.bytes().to_le_bytes());
    }
    out
}

fn decode(bytes: &[u8]) -> Option<(Timestamp, Vec<(String, u64)>)> {
    let mut rest = bytes;
    let number = |rest: &mut &[u8]| -> Option<u64> {
        let (head, tail) = rest.split_first_chunk::<8>()?;
        *rest = tail;
        Some(u64::from_le_bytes(*head))
    };
    let at = Timestamp(number(&mut rest)?);
    let mut runs = Vec::new();
    while !rest.is_empty() {
        let length = usize::try_from(number(&mut rest)?).ok()?;
        let (name, tail) = rest.split_at_checked(length)?;
        rest = tail;
        runs.push((std::str::from_utf8(name).ok()?.to_owned(), number(&mut rest)?));
    }
    Some((at, runs))
}

/// Loads runs into the engine at `at`, unless `go_on` ends it. One thread merges them, another
/// loads what is merged.
fn load(
    store: &Store,
    runs: &[Arc<Run>],
    at: Timestamp,
    go_on: impl Fn() -> Result<()>,
) -> Result<()> {
    std::thread::scope(|scope| {
        let (sender, groups) = sync_channel::<Vec<Write>>(GROUPS_AHEAD);
        let loader = scope.spawn(move || groups.iter().try_for_each(|group| store.load(&group)));
        let merged = merge(runs, at, |group| {
            go_on()?;
            // It fails only if the loader has, which is the error to tell.
            Ok(sender.send(group).is_ok())
        });
        drop(sender);
        match loader.join() {
            Ok(loaded) => loaded?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        merged
    })
}

/// Merges runs and gives them away in groups, until `give` wants no more.
fn merge(
    runs: &[Arc<Run>],
    at: Timestamp,
    mut give: impl FnMut(Vec<Write>) -> Result<bool>,
) -> Result<()> {
    let (mut group, mut group_bytes) = (Vec::new(), 0);
    let (mut keys, started, mut told) = (0, Instant::now(), Instant::now());
    for entry in Merge::of_runs(runs)? {
        let (key, pending) = entry?;
        // A key that the transaction both made and deleted was never there.
        if pending.value.is_none() && !pending.existed {
            continue;
        }
        group_bytes += key.len() + pending.value.as_ref().map_or(0, Vec::len);
        group.push(Write { at, key, value: pending.value, existed: pending.existed });
        if group_bytes < GROUP_BYTES {
            continue;
        }
        keys += group.len();
        let next = Vec::with_capacity(group.len());
        if !give(std::mem::replace(&mut group, next))? {
            return Ok(());
        }
        group_bytes = 0;
        if told.elapsed() >= PROGRESS_INTERVAL {
            told = Instant::now();
            tracing::info!(
                keys,
                seconds = started.elapsed().as_secs(),
                "committing a large transaction"
            );
        }
    }
    give(group).map(|_| ())
}

/// Submits a change of the system space; the end is told to the receiver.
fn submit(
    store: &Store,
    system: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    written: Option<Written>,
    settled: impl FnOnce() + Send + 'static,
) -> Receiver<cairn_storage::Result<()>> {
    let (sender, receiver) = channel();
    let done = move |result: cairn_storage::Result<()>| {
        if result.is_ok() {
            settled();
        }
        let _ = sender.send(result);
    };
    let batch = Batch { writes: Vec::new(), system };
    store.submit(Submission { batch, at: None, sync: true, written, done: Box::new(done) });
    receiver
}

fn wait(receiver: &Receiver<cairn_storage::Result<()>>) -> Result<()> {
    match receiver.recv() {
        Ok(result) => Ok(result?),
        Err(_) => Err(log_ended()),
    }
}

/// Makes all that is in the log durable.
fn sync(store: &Store) -> Result<()> {
    wait(&submit(store, Vec::new(), None, || {}))
}

/// At the start: loads what a bulk commit of an earlier process has not shown.
pub(crate) fn finish_interrupted(store: &Store, spills: &SpillArea) -> Result<()> {
    let Some(record) = store.system_get(RECORD)? else { return Ok(()) };
    let (at, names) = decode(&record).ok_or_else(|| {
        cairn_storage::Error::Corrupted("unreadable record of a bulk commit".into())
    })?;
    tracing::info!(runs = names.len(), "finishing a large transaction's commit");
    let runs = names.iter().map(|(name, bytes)| spills.reopen(name, *bytes));
    let runs = runs.collect::<Result<Vec<_>>>()?;
    load(store, &runs, at, || Ok(()))?;
    sync(store)?;
    // The files go with all others that are left.
    wait(&submit(store, vec![(RECORD.to_vec(), None)], None, || {}))
}

/// A panic behind the record leaves a transaction committed and not shown.
struct FatalOnPanic<'a>(&'a Store);

impl Drop for FatalOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let error = "a bulk commit panicked".into();
            self.0.fail(&cairn_storage::Error::LogFailed(error));
        }
    }
}

/// Locks of a transaction, each with whether its key was changed.
type Locks = Vec<(bool, HeldLock)>;

impl TransactionManager {
    /// Commits a transaction with runs on a thread that may block. It is always durable.
    pub(crate) fn submit_bulk(
        self: Arc<Self>,
        id: TransactionId,
        buffer: WriteBuffer,
        locks: Vec<HeldLock>,
        on_commit: Option<OnCommit>,
    ) -> oneshot::Receiver<Result<Timestamp>> {
        let (sender, receiver) = oneshot::channel();
        tokio::task::spawn_blocking(move || {
            let result = self.commit_bulk(id, buffer, locks, on_commit);
            // Who hears of the end may close the store and open it again.
            drop(self);
            let _ = sender.send(result);
        });
        receiver
    }

    fn commit_bulk(
        self: &Arc<Self>,
        id: TransactionId,
        buffer: WriteBuffer,
        locks: Vec<HeldLock>,
        on_commit: Option<OnCommit>,
    ) -> Result<Timestamp> {
        // Now and then this says of a key that was only locked that it changed, which makes the
        // next who locks it look at it once more.
        let changed = |lock: &HeldLock| buffer.may_hold(&lock.key);
        let locks: Locks = locks.into_iter().map(|lock| (changed(&lock), lock)).collect();
        let prepared = buffer.into_runs(self.spills()).and_then(|runs| {
            self.spills().sync(&runs)?;
            Ok(runs)
        });
        let turn = self.bulk_turn.lock();
        let runs = prepared.and_then(|runs| self.check_open().map(|()| runs));
        let runs = match runs {
            Ok(runs) => runs,
            Err(error) => {
                for (_, lock) in locks {
                    self.locks.release_all(id, &lock, None);
                }
                return Err(error);
            }
        };
        let _guard = FatalOnPanic(&self.store);
        runs.iter().for_each(|run| run.keep(true));
        let at = self.announce(&runs)?;
        let loaded = load(&self.store, &runs, at, || self.check_open());
        // The log may be on the disk in another order than it was written, as long as nobody syncs it.
        let loaded = loaded.and_then(|()| sync(&self.store));
        if let Err(error) = loaded {
            // At a shutdown nothing is wrong: the next start goes on.
            self.check_open()?;
            self.store.fail(&cairn_storage::Error::LogFailed(error.to_string()));
            return Err(error);
        }
        self.show(id, at, locks, on_commit)?;
        runs.iter().for_each(|run| run.keep(false));
        drop(turn);
        Ok(at)
    }

    fn check_open(&self) -> Result<()> {
        match self.is_closing.load(Ordering::Acquire) {
            true => Err(log_ended()),
            false => Ok(()),
        }
    }

    /// Reserves the timestamp and makes the record durable.
    fn announce(&self, runs: &[Arc<Run>]) -> Result<Timestamp> {
        let order = self.commit_order.lock();
        let at = self.timestamps.reserve(AHEAD_MS).ok_or_else(log_ended)?;
        let high_water = Timestamp::from_unix_ms(at.unix_ms() + RESERVED_MS).0;
        let high_water = high_water.max(self.reserved.load(Ordering::Relaxed));
        self.reserved.store(high_water, Ordering::Relaxed);
        let mut system = vec![(HIGH_WATER.to_vec(), Some(high_water.to_le_bytes().to_vec()))];
        // What is in memory does not outlive the process, nor do its runs.
        if self.spills().is_on_disk() {
            system.push((RECORD.to_vec(), Some(encode(at, runs))));
        }
        let done = submit(&self.store, system, None, || {});
        drop(order);
        wait(&done)?;
        Ok(at)
    }

    /// Makes the reserved timestamp visible in its turn, and takes the record back.
    fn show(
        self: &Arc<Self>,
        id: TransactionId,
        at: Timestamp,
        locks: Locks,
        on_commit: Option<OnCommit>,
    ) -> Result<()> {
        let (writer, settler) = (self.clone(), self.clone());
        let written = move || {
            if let Some(on_commit) = on_commit {
                on_commit(at);
            }
            writer.timestamps.publish(at);
            for (changed, lock) in locks {
                writer.locks.release_all(id, &lock, changed.then_some(at));
            }
        };
        let order = self.commit_order.lock();
        self.timestamps.claim();
        let system = vec![(RECORD.to_vec(), None)];
        let settled = move || settler.timestamps.settle(at);
        let done = submit(&self.store, system, Some(Box::new(written)), settled);
        drop(order);
        wait(&done)
    }
}
