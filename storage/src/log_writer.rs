//! Group commit: one thread owns the log.
//!
//! Submitted batches queue up while the previous group is being synced; the thread then writes
//! all of them as one engine batch and syncs once. So the cost of a sync is shared by whoever
//! came meanwhile, no executor thread ever blocks on the disk, and batches are written and become
//! durable in the order of their submission, which lets the layer above publish timestamps in
//! order. Between the write and the sync each submitter hears that its batch can be read: whoever
//! acts on that may not tell a client before its own, later submission is done.
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
use crate::{Error, Result, Timestamp};

/// Most writes merged into one engine batch.
const MAX_GROUP_WRITES: usize = 100_000;

/// Called once a batch is durable (or, when it asked for no sync, written), or has failed.
pub type Done = Box<dyn FnOnce(Result<()>) + Send>;

/// Called once a batch is written and can be read, before it is durable.
pub type Written = Box<dyn FnOnce() + Send>;

/// Called with the first failure of the log. The server's handler ends the process.
pub type OnFatal = Box<dyn Fn(&Error) + Send>;

/// A batch on its way into the log.
pub struct Submission {
    /// The changes. An empty batch is a barrier: done when all before it are.
    pub batch: Batch,
    /// Timestamp of all its versions, if they do not have theirs yet.
    pub at: Option<Timestamp>,
    /// Whether `done` waits for the disk.
    pub sync: bool,
    /// Hears that the batch is written. Must be short.
    pub written: Option<Written>,
    /// Hears of the end. Must be short.
    pub done: Done,
}

/// A panic on the log's thread leaves batches neither done nor failed: as fatal as a failed write.
struct FatalOnPanic<'a>(&'a OnFatal);

impl Drop for FatalOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.0)(&Error::LogFailed("the log's thread panicked".into()));
        }
    }
}

/// Handle of the log's thread. Dropping it finishes what is queued and joins the thread.
pub struct LogWriter {
    queue: Mutex<Option<Sender<Submission>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl LogWriter {
    /// Starts the thread.
    pub fn start(
        engine: Arc<dyn Engine>,
        ranges: Arc<Ranges>,
        on_fatal: OnFatal,
    ) -> Result<LogWriter> {
        let (queue, jobs) = channel();
        let thread = std::thread::Builder::new()
            .name("log-writer".into())
            .spawn(move || run(&*engine, &ranges, &jobs, &on_fatal))
            .map_err(|error| Error::LogFailed(format!("no thread for it: {error}")))?;
        Ok(LogWriter { queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)) })
    }

    /// Queues a batch; its callbacks run on the log's thread.
    pub fn submit(&self, job: Submission) {
        let rejected = match &*self.queue.lock() {
            Some(queue) => queue.send(job).err().map(|error| error.0),
            None => Some(job),
        };
        if let Some(job) = rejected {
            (job.done)(Err(Error::LogFailed("the store is closed".into())));
        }
    }

    /// Queues `batch` and waits until it is durable. For callers that may block.
    pub fn submit_and_wait(&self, batch: Batch) -> Result<()> {
        let (sender, receiver) = channel();
        let done: Done = Box::new(move |result| drop(sender.send(result)));
        self.submit(Submission { batch, at: None, sync: true, written: None, done });
        receiver.recv().map_err(|_| Error::LogFailed("the log's thread ended".into()))?
    }

    /// Finishes what is queued and ends the thread.
    pub fn close(&self) {
        self.queue.lock().take();
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

/// Several submissions as one batch.
#[derive(Default)]
struct Group {
    batch: Batch,
    sync: bool,
    written: Vec<Written>,
    done: Vec<Done>,
}

impl Group {
    fn add(&mut self, job: Submission) {
        let mut batch = job.batch;
        if let Some(at) = job.at {
            batch.writes.iter_mut().for_each(|write| write.at = at);
        }
        match self.batch.writes.is_empty() {
            true => self.batch.writes = batch.writes,
            false => self.batch.writes.extend(batch.writes),
        }
        // Of several values for one key of the system space only the last counts.
        self.batch.system.retain(|(key, _)| batch.system.iter().all(|(new, _)| new != key));
        self.batch.system.extend(batch.system);
        self.sync |= job.sync;
        self.written.extend(job.written);
        self.done.push(job.done);
    }
}

fn run(engine: &dyn Engine, ranges: &Ranges, jobs: &Receiver<Submission>, on_fatal: &OnFatal) {
    let _guard = FatalOnPanic(on_fatal);
    let mut failed: Option<Error> = None;
    while let Ok(first) = jobs.recv() {
        let mut group = Group::default();
        group.add(first);
        while group.batch.writes.len() < MAX_GROUP_WRITES
            && let Ok(job) = jobs.try_recv()
        {
            group.add(job);
        }
        let done = std::mem::take(&mut group.done);
        let result = match &failed {
            Some(error) => Err(error.clone()),
            None => write_group(engine, ranges, group)
                .map_err(|error| Error::LogFailed(error.to_string())),
        };
        if let Err(error) = &result
            && failed.is_none()
        {
            on_fatal(error);
            failed = Some(error.clone());
        }
        for done in done {
            done(result.clone());
        }
    }
}

fn write_group(engine: &dyn Engine, ranges: &Ranges, group: Group) -> Result<()> {
    if !group.batch.is_empty() {
        engine.write(&group.batch)?;
        ranges.note_writes(&group.batch.writes);
    }
    for written in group.written {
        written();
    }
    if group.sync {
        engine.sync()?;
    }
    Ok(())
}
