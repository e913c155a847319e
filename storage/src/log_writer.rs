//! Group commit: one thread owns the log.
//!
//! Submitted batches queue up while the previous group is being synced; the thread then writes
//! all of them as one engine batch and syncs once. So the cost of a sync is shared by whoever
//! came meanwhile, no executor thread ever blocks on the disk, and batches become durable in
//! the order of their submission, which lets the layer above publish timestamps in order.
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
use crate::{Error, Result};

/// Most writes merged into one engine batch.
const MAX_GROUP_WRITES: usize = 100_000;

/// Called once a batch is durable (or, when it asked for no sync, written), or has failed.
pub type Done = Box<dyn FnOnce(Result<()>) + Send>;

/// Called with the first failure of the log. The server's handler ends the process.
pub type OnFatal = Box<dyn Fn(&Error) + Send>;

struct Job {
    batch: Batch,
    sync: bool,
    done: Done,
}

/// Handle of the log's thread. Dropping it finishes what is queued and joins the thread.
pub struct LogWriter {
    queue: Mutex<Option<Sender<Job>>>,
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

    /// Queues `batch`; `done` runs on the log's thread, so it must be short.
    pub fn submit(&self, batch: Batch, sync: bool, done: Done) {
        let job = Job { batch, sync, done };
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
        self.submit(batch, true, Box::new(move |result| drop(sender.send(result))));
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

fn run(engine: &dyn Engine, ranges: &Ranges, jobs: &Receiver<Job>, on_fatal: &OnFatal) {
    let mut failed: Option<Error> = None;
    while let Ok(first) = jobs.recv() {
        let mut group = first.batch;
        let mut sync = first.sync;
        let mut done = vec![first.done];
        while group.writes.len() < MAX_GROUP_WRITES
            && let Ok(job) = jobs.try_recv()
        {
            group.writes.extend(job.batch.writes);
            group.system.extend(job.batch.system);
            sync |= job.sync;
            done.push(job.done);
        }
        let result = match &failed {
            Some(error) => Err(error.clone()),
            None => write_group(engine, ranges, &group, sync)
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

fn write_group(engine: &dyn Engine, ranges: &Ranges, group: &Batch, sync: bool) -> Result<()> {
    if !group.is_empty() {
        engine.write(group)?;
        ranges.note_writes(&group.writes);
    }
    if sync {
        engine.sync()?;
    }
    Ok(())
}
