//! The log: batches are written by their submitters and synced by a thread, as a group.
//!
//! A submitter writes its batch to the engine itself, one after the other: that is a copy into
//! the log's buffer and the memtable, and handing it to another thread would cost more than doing it.
//! What takes time is the sync. One thread does that, and while it waits for the disk others go on
//! writing; the next sync covers all of them. So the cost of a sync is shared by whoever came
//! meanwhile, and batches are written and become durable in the order of their submission, which
//! lets the layer above publish timestamps in order. Between the write and the sync each submitter
//! hears that its batch can be read: whoever acts on that may not tell a client before its own,
//! later submission is done.
//!
//! Without the thread ([`LogWriter::manual`]) the owner syncs when it likes: a simulation must
//! choose itself what happens when.
//!
//! A failed write or sync leaves the log in an unknown state (the kernel may have dropped the
//! dirty pages and will report success next time), so the first failure is final: it is
//! handed to the fatal handler, and every later submission fails.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use parking_lot::Mutex;

use crate::engine::{Batch, Engine};
use crate::ranges::Ranges;
use crate::row_cache::RowCache;
use crate::{Error, Result, Timestamp};

/// Called once a batch is durable (or, when it asked for no sync, written), or has failed.
pub type Done = Box<dyn FnOnce(Result<()>) + Send>;

/// Called once a batch is written and can be read, before it is durable.
pub type Written = Box<dyn FnOnce() + Send>;

/// Called with the first failure of the log. The server's handler ends the process.
pub type OnFatal = Box<dyn Fn(&Error) + Send + Sync>;

/// A batch on its way into the log.
pub struct Submission {
    /// The changes. An empty batch is a barrier: done when all before it are.
    pub batch: Batch,
    /// Timestamp of all its versions, if they do not have theirs yet.
    pub at: Option<Timestamp>,
    /// Whether `done` waits for the disk.
    pub sync: bool,
    /// Hears on the submitter's thread that the batch is written. Must be short.
    pub written: Option<Written>,
    /// Hears of the end, on the log's thread. Must be short.
    pub done: Done,
}

/// What waits for the next sync.
struct Pending {
    sync: bool,
    done: Done,
}

/// What submitters and the log's thread share.
struct Shared {
    engine: Arc<dyn Engine>,
    ranges: Arc<Ranges>,
    rows: Arc<RowCache>,
    failed: Mutex<Option<Error>>,
    on_fatal: OnFatal,
}

impl Shared {
    /// The result of a step, with the first failure made final.
    fn settle(&self, result: Result<()>) -> Result<()> {
        let mut failed = self.failed.lock();
        if let Some(error) = &*failed {
            return Err(error.clone());
        }
        result.map_err(|error| {
            let error = Error::LogFailed(error.to_string());
            (self.on_fatal)(&error);
            *failed = Some(error.clone());
            error
        })
    }

    fn write(&self, mut batch: Batch, at: Option<Timestamp>) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        if let Some(at) = at {
            batch.writes.iter_mut().for_each(|write| write.at = at);
        }
        self.engine.write(&batch)?;
        self.rows.note(&batch.writes);
        self.ranges.note_writes(&batch.writes);
        Ok(())
    }
}

/// A panic in the middle leaves batches neither done nor failed: as fatal as a failed write.
struct FatalOnPanic<'a>(&'a Shared);

impl Drop for FatalOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.0.settle(Err(Error::LogFailed("the log's thread panicked".into())));
        }
    }
}

/// The log. Dropping it finishes what is queued and joins the thread.
pub struct LogWriter {
    shared: Arc<Shared>,
    /// Held while a batch is written, so that the queue is in the order of the writes.
    queue: Mutex<Option<Sender<Pending>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// The other end of the queue, if no thread has it.
    pending: Option<Mutex<Receiver<Pending>>>,
}

impl LogWriter {
    /// Starts the thread that syncs.
    pub fn start(
        engine: Arc<dyn Engine>,
        ranges: Arc<Ranges>,
        rows: Arc<RowCache>,
        on_fatal: OnFatal,
    ) -> Result<LogWriter> {
        let shared = Arc::new(Shared { engine, ranges, rows, failed: Mutex::new(None), on_fatal });
        let (queue, pending) = channel();
        let of_thread = shared.clone();
        let thread = std::thread::Builder::new()
            .name("log-sync".into())
            .spawn(move || run(&of_thread, &pending))
            .map_err(|error| Error::LogFailed(format!("no thread for it: {error}")))?;
        let (queue, thread) = (Mutex::new(Some(queue)), Mutex::new(Some(thread)));
        Ok(LogWriter { shared, queue, thread, pending: None })
    }

    /// A log without a thread: what is queued waits for [`LogWriter::sync_pending`].
    pub fn manual(
        engine: Arc<dyn Engine>,
        ranges: Arc<Ranges>,
        rows: Arc<RowCache>,
        on_fatal: OnFatal,
    ) -> LogWriter {
        let shared = Arc::new(Shared { engine, ranges, rows, failed: Mutex::new(None), on_fatal });
        let (queue, pending) = channel();
        let (queue, thread) = (Mutex::new(Some(queue)), Mutex::new(None));
        LogWriter { shared, queue, thread, pending: Some(Mutex::new(pending)) }
    }

    /// Syncs what is queued, as one group, and tells its submitters, on the caller's thread. Does
    /// nothing if a thread does that.
    pub fn sync_pending(&self) {
        let Some(pending) = &self.pending else { return };
        let group: Vec<Pending> = pending.lock().try_iter().collect();
        finish(&self.shared, group);
    }

    /// Writes a batch and queues it for the sync.
    pub fn submit(&self, job: Submission) {
        let queue = self.queue.lock();
        let _guard = FatalOnPanic(&self.shared);
        let Some(pending) = &*queue else {
            drop(queue);
            return (job.done)(Err(Error::LogFailed("the store is closed".into())));
        };
        // What comes behind a failure must not be written: it would be out of order.
        let before = self.shared.settle(Ok(()));
        let result = before.and_then(|()| {
            let written = self.shared.write(job.batch, job.at);
            self.shared.settle(written)
        });
        if let Err(error) = result {
            drop(queue);
            return (job.done)(Err(error));
        }
        if let Some(written) = job.written {
            written();
        }
        let job = Pending { sync: job.sync, done: job.done };
        if let Err(rejected) = pending.send(job) {
            (rejected.0.done)(Err(Error::LogFailed("the log's thread ended".into())));
        }
    }

    /// Queues `batch` and waits until it is durable. For callers that may block.
    pub fn submit_and_wait(&self, batch: Batch) -> Result<()> {
        let (sender, receiver) = channel();
        let done: Done = Box::new(move |result| drop(sender.send(result)));
        self.submit(Submission { batch, at: None, sync: true, written: None, done });
        self.sync_pending();
        receiver.recv().map_err(|_| Error::LogFailed("the log's thread ended".into()))?
    }

    /// Makes an error that happened beside the log as final as one of its own.
    pub fn fail(&self, error: &Error) {
        let _ = self.shared.settle(Err(error.clone()));
    }

    /// Finishes what is queued and ends the thread.
    pub fn close(&self) {
        self.queue.lock().take();
        self.sync_pending();
        if let Some(thread) = self.thread.lock().take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.close();
    }
}

fn run(shared: &Shared, pending: &Receiver<Pending>) {
    let _guard = FatalOnPanic(shared);
    while let Ok(first) = pending.recv() {
        let mut group = vec![first];
        // A sync costs as much for one as for many. On a busy machine others are about to commit:
        // they get the processor as long as they do. On an idle one this takes no time.
        loop {
            let before = group.len();
            std::thread::yield_now();
            group.extend(pending.try_iter());
            if group.len() == before {
                break;
            }
        }
        finish(shared, group);
    }
}

/// Syncs for a group, if one of it asked for that, and tells all of it.
fn finish(shared: &Shared, group: Vec<Pending>) {
    let result = match group.iter().any(|job| job.sync) {
        true => shared.engine.sync(),
        false => Ok(()),
    };
    let result = shared.settle(result);
    for job in group {
        (job.done)(result.clone());
    }
}
