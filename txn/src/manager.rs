//! Begins transactions, commits them in order, and collects what nobody can see any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use cairn_storage::log_writer::Submission;
use cairn_storage::{Background, Batch, Store, Timestamp};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::Result;
use crate::buffer::WriteBuffer;
use crate::bulk_commit::finish_interrupted;
use crate::clock::Clock;
use crate::locks::{HeldLock, LockMode, LockTable, TransactionId};
use crate::session_locks::SessionLocks;
use crate::spill::SpillArea;
use crate::ssi::{Conflicts, Limits, Party, Rules};
use crate::timestamps::Timestamps;
use crate::transaction::{Isolation, Transaction};
use crate::view::ReadView;

/// Runs when a commit is written, before it becomes visible, with its timestamp.
pub type OnCommit = Box<dyn FnOnce(Timestamp) + Send + Sync>;

/// A timestamp that no commit has passed. It is moved ahead of them in steps, so that few batches
/// carry it; after a crash timestamps go on behind it.
pub(crate) const HIGH_WATER: &[u8] = b"txn/high_water";
/// The length of such a step.
pub(crate) const RESERVED_MS: u64 = 5_000;

/// Settings of the transaction layer.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long old versions stay readable.
    pub gc_retention: Duration,
    /// How often the garbage-collection bound moves.
    pub gc_interval: Duration,
    /// Memory for one transaction's writes; what is beyond goes to temporary files.
    pub spill_bytes: usize,
    /// Most memory for what of one transaction has to stay in memory: locks, and writes that a
    /// savepoint may bring back.
    pub max_transaction_bytes: usize,
    /// Memory for what serializable transactions have read and written.
    pub ssi_limits: Limits,
    /// The rules that serializability rests on: all, but for tests that show that each is needed.
    pub ssi_rules: Rules,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            gc_retention: Duration::from_secs(60),
            gc_interval: Duration::from_secs(10),
            spill_bytes: 64 << 20,
            max_transaction_bytes: 4 << 30,
            ssi_limits: Limits::default(),
            ssi_rules: Rules::all(),
        }
    }
}

/// One a server.
pub struct TransactionManager {
    pub(crate) store: Arc<Store>,
    pub(crate) timestamps: Arc<Timestamps>,
    pub(crate) locks: LockTable,
    pub(crate) conflicts: Arc<Conflicts>,
    options: Options,
    /// The oldest snapshot that can have been of this run of the server.
    first: Timestamp,
    next_id: AtomicU64,
    /// The high-water mark in the store: no commit is newer. Changes under `commit_order`.
    pub(crate) reserved: AtomicU64,
    /// Makes taking a commit timestamp and queueing its batch one step.
    pub(crate) commit_order: Mutex<()>,
    spills: SpillArea,
    /// Held by the bulk commit whose turn it is.
    pub(crate) bulk_turn: Mutex<()>,
    /// Tells bulk commits to stop where they are; the next start goes on.
    pub(crate) is_closing: AtomicBool,
    collector: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
}

impl TransactionManager {
    /// Starts on `store`, after the last timestamp that it holds. Garbage is collected by a thread,
    /// unless the store's background is [`Background::Manual`].
    pub fn open(
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Arc<TransactionManager>> {
        let spills = SpillArea::open(store.spill_path())?;
        finish_interrupted(&store, &spills)?;
        spills.clear()?;
        let high_water = match store.system_get(HIGH_WATER)? {
            None => Timestamp::MIN,
            Some(bytes) => {
                let bytes = bytes.as_slice().try_into().map_err(|_| {
                    cairn_storage::Error::Corrupted("unreadable high-water timestamp".into())
                })?;
                Timestamp(u64::from_le_bytes(bytes))
            }
        };
        // A bound that outlived the commits before it must not lie ahead of all snapshots.
        let high_water = high_water.max(store.garbage_bound());
        let timestamps = Arc::new(Timestamps::new(clock, high_water));
        let now = Timestamp::from_unix_ms(timestamps.now_ms());
        let (limits, rules) = (options.ssi_limits, options.ssi_rules);
        let conflicts = Conflicts::new(timestamps.clone(), store.clone(), limits, rules);
        let manager = Arc::new(TransactionManager {
            store,
            conflicts: Arc::new(conflicts),
            timestamps,
            locks: LockTable::default(),
            options,
            first: high_water.max(now),
            next_id: AtomicU64::new(1),
            reserved: AtomicU64::new(0),
            commit_order: Mutex::new(()),
            spills,
            bulk_turn: Mutex::new(()),
            is_closing: AtomicBool::new(false),
            collector: Mutex::new(None),
        });
        if manager.store.background() == Background::Threads {
            manager.start_collector()?;
        }
        Ok(manager)
    }

    fn start_collector(self: &Arc<Self>) -> Result<()> {
        let (stop, stopped) = channel::<()>();
        let manager = Arc::downgrade(self);
        let interval = self.options.gc_interval;
        let work = move || {
            while stopped.recv_timeout(interval) == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                let Some(manager) = manager.upgrade() else { return };
                if let Err(error) = manager.collect_garbage() {
                    tracing::warn!(%error, "garbage collection failed");
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("garbage-collector".into())
            .spawn(work)
            .map_err(|error| cairn_storage::Error::Engine(format!("no thread: {error}")))?;
        *self.collector.lock() = Some((stop, thread));
        Ok(())
    }

    /// Lets the engine drop what is older than the retention and than every snapshot.
    pub fn collect_garbage(&self) -> Result<()> {
        let retention_ms = u64::try_from(self.options.gc_retention.as_millis()).unwrap_or(u64::MAX);
        // After a clock that went back the last commit tells the time.
        let now_ms = self.timestamps.now_ms().max(self.timestamps.settled().unix_ms());
        let bound = Timestamp::from_unix_ms(now_ms.saturating_sub(retention_ms));
        Ok(self.store.collect_garbage(bound.min(self.timestamps.oldest()))?)
    }

    /// Begins a transaction. It has no snapshot until its first statement.
    pub fn begin(self: &Arc<Self>, isolation: Isolation) -> Transaction {
        Transaction::new(self.clone(), self.next_id(), isolation, None)
    }

    /// Begins a transaction of a session. It ends with those of the session's locks that are the
    /// transaction's, so there is one at a time.
    pub fn begin_in(
        self: &Arc<Self>,
        session: &Arc<SessionLocks>,
        isolation: Isolation,
    ) -> Transaction {
        Transaction::new(self.clone(), self.next_id(), isolation, Some(session.clone()))
    }

    /// The oldest timestamp that may be read at. What caches know of older ones is not right: they hear
    /// of what is written while they are there.
    pub(crate) fn oldest_readable(&self) -> Timestamp {
        self.first.max(self.store.garbage_bound())
    }

    /// A number for an owner of locks.
    pub(crate) fn next_id(&self) -> TransactionId {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// A view of what is durable, for a statement that needs no transaction: it reads, and ends
    /// before anything else happens. `None` if one of its tables is locked against readers.
    pub fn read_now(&self, mut tables: impl Iterator<Item = impl AsRef<[u8]>>) -> Option<ReadView> {
        // The snapshot comes first: whoever locks a table after this look changes nothing in it.
        let snapshot = Arc::new(self.timestamps.snapshot(false));
        if !tables.all(|table| self.locks.is_free(table.as_ref(), LockMode::AccessShare)) {
            return None;
        }
        let at = snapshot.at();
        Some(ReadView::new(self.store.clone(), at, Some(snapshot), Arc::default()))
    }

    /// The newest commit that is written.
    pub fn newest_commit(&self) -> Timestamp {
        self.timestamps.visible()
    }

    /// No snapshot in use, or yet to be taken at the present, is older.
    pub fn oldest_snapshot(&self) -> Timestamp {
        self.timestamps.oldest()
    }

    /// The storage beneath.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The lock table.
    pub fn locks(&self) -> &LockTable {
        &self.locks
    }

    pub(crate) fn conflicts(&self) -> &Arc<Conflicts> {
        &self.conflicts
    }

    pub(crate) fn timestamps(&self) -> &Arc<Timestamps> {
        &self.timestamps
    }

    pub(crate) fn max_transaction_bytes(&self) -> usize {
        self.options.max_transaction_bytes
    }

    pub(crate) fn spills(&self) -> &SpillArea {
        &self.spills
    }

    pub(crate) fn spill_bytes(&self) -> usize {
        self.options.spill_bytes
    }

    /// Writes one key in a transaction of its own without waiting. It is in the log before
    /// any commit that starts later. The caller serializes writes of one key.
    pub fn write_behind(self: &Arc<Self>, key: Vec<u8>, value: Vec<u8>) {
        let mut buffer = WriteBuffer::default();
        buffer.write(key, Some(value), true);
        let id = self.next_id();
        drop(self.clone().submit(id, buffer, Vec::new(), None, false, None));
    }

    /// The commit pipeline; see the head of this crate.
    pub(crate) fn submit(
        self: Arc<Self>,
        id: TransactionId,
        buffer: WriteBuffer,
        locks: Vec<HeldLock>,
        party: Option<Arc<Party>>,
        durable: bool,
        on_commit: Option<OnCommit>,
    ) -> Result<oneshot::Receiver<Result<Timestamp>>> {
        let (sender, receiver) = oneshot::channel();
        // What was only locked did not change: nobody who locks it later is told that it did.
        let changed = |lock: &HeldLock| buffer.may_hold(&lock.key);
        let locks: Vec<_> = locks.into_iter().map(|lock| (changed(&lock), lock)).collect();
        let mut batch = buffer.into_batch();
        let (writer, timestamps) = (self.clone(), self.timestamps.clone());
        let order = self.commit_order.lock();
        let at = self.timestamps.allocate();
        if let Some(party) = &party
            && let Err(error) = self.conflicts.commit(party, at, &batch.writes)
        {
            drop(order);
            self.conflicts.abort(party);
            for (_, lock) in locks {
                self.locks.release_all(id, &lock, None);
            }
            return Err(error);
        }
        let mut reserved = self.reserved.load(Ordering::Relaxed);
        if at.0 > reserved {
            reserved = Timestamp::from_unix_ms(at.unix_ms() + RESERVED_MS).0;
            batch.system.push((HIGH_WATER.to_vec(), Some(reserved.to_le_bytes().to_vec())));
            self.reserved.store(reserved, Ordering::Relaxed);
        }
        let written = move || {
            if let Some(on_commit) = on_commit {
                on_commit(at);
            }
            writer.timestamps.publish(at);
            // Until its lock is released nobody asks for a key's last commit, so it may be
            // noted after publishing.
            for (changed, lock) in locks {
                writer.locks.release_all(id, &lock, changed.then_some(at));
            }
        };
        let done = move |result: cairn_storage::Result<()>| {
            if result.is_ok() {
                timestamps.settle(at);
            }
            let _ = sender.send(result.map(|()| at).map_err(Into::into));
        };
        self.store.submit(Submission {
            batch,
            at: Some(at),
            sync: durable,
            written: Some(Box::new(written)),
            done: Box::new(done),
        });
        drop(order);
        Ok(receiver)
    }

    /// Resolves once everything that is visible now is settled.
    pub(crate) async fn barrier(&self) -> Result<()> {
        let (sender, receiver) = oneshot::channel();
        self.store.submit(Submission {
            batch: Batch::default(),
            at: None,
            sync: false,
            written: None,
            done: Box::new(move |result| drop(sender.send(result))),
        });
        match receiver.await {
            Ok(result) => Ok(result?),
            Err(_) => Err(log_ended()),
        }
    }

    /// Stops garbage collection and bulk commits, and closes the store. Idempotent.
    pub fn close(&self) {
        self.is_closing.store(true, Ordering::Release);
        drop(self.bulk_turn.lock());
        if let Some((stop, thread)) = self.collector.lock().take() {
            drop(stop);
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
        self.store.close();
    }
}

pub(crate) fn log_ended() -> crate::Error {
    crate::Error::Storage(cairn_storage::Error::LogFailed("the log's thread ended".into()))
}

impl Drop for TransactionManager {
    fn drop(&mut self) {
        self.close();
    }
}
