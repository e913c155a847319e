//! The threads that serve connections.
//!
//! Each has an event loop of its own, and a connection stays with one. A runtime whose threads take work from
//! each other wakes a second thread for nearly every request, and on a machine that its clients
//! share that costs more than it brings: with loops of their own, 8 clients of `pgbench -S` got a
//! sixth more answers, and TPC-C a tenth more.
//!
//! If there are as many threads as processors, each stays on one. A request and its answer then wake
//! their receivers where they were sent from, and no other processor has to be told: TPC-C gained a
//! tenth by that, TPC-B with 32 clients a fifth.
//!
//! What stealing is good for, a thread with too much to do beside one with too little, is settled
//! between requests: from time to time a connection that is in use looks whether its thread had
//! more of its kind than another one, and goes there ([`Workers::better`]).

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

/// Connections that are in use are counted anew after this time.
const EPOCH_MS: u64 = 100;
/// How long threads are given to end.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// A thread, and the connections on it.
struct Worker {
    runtime: Handle,
    connections: AtomicUsize,
    load: Load,
}

/// How many connections were in use, in this epoch so far and in the one before.
#[derive(Default)]
struct Load {
    epoch: AtomicU64,
    now: AtomicUsize,
    before: AtomicUsize,
}

impl Load {
    /// Begins the epoch, if nobody has.
    fn enter(&self, epoch: u64) {
        let last = self.epoch.load(Ordering::Acquire);
        let begun = last < epoch
            && self
                .epoch
                .compare_exchange(last, epoch, Ordering::AcqRel, Ordering::Acquire)
                .is_ok();
        if begun {
            let counted = self.now.swap(0, Ordering::AcqRel);
            let before = if last + 1 == epoch { counted } else { 0 };
            self.before.store(before, Ordering::Release);
        }
    }
}

/// All threads.
pub struct Workers {
    workers: Vec<Worker>,
    started: Instant,
    stop: watch::Sender<bool>,
    ended: Mutex<Receiver<()>>,
}

/// A connection's part of its thread's count; given back when dropped.
pub struct Seat {
    workers: Arc<Workers>,
    number: usize,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(worker) = self.workers.workers.get(self.number) {
            worker.connections.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Workers {
    /// Starts `count` threads with stacks of `stack_bytes`.
    ///
    /// # Errors
    /// If the system has no more threads.
    pub fn start(count: usize, stack_bytes: usize) -> std::io::Result<Workers> {
        let stop = watch::Sender::new(false);
        let (end, ended) = channel();
        let mut workers = Vec::new();
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        let cores = if cores.len() == count { cores } else { Vec::new() };
        for number in 0..count.max(1) {
            let runtime = Builder::new_current_thread()
                .thread_name("server-blocking")
                .thread_stack_size(stack_bytes)
                .enable_all()
                .build()?;
            let (handle, end) = (runtime.handle().clone(), end.clone());
            let mut stopped = stop.subscribe();
            let core = cores.get(number).copied();
            std::thread::Builder::new()
                .name(format!("server-{number}"))
                // Statements nest, and their nesting becomes recursion; pages come with use only.
                .stack_size(stack_bytes)
                .spawn(move || {
                    // Where that is not allowed the system places the thread.
                    let _ = core.map(core_affinity::set_for_current);
                    let _ = runtime.block_on(stopped.wait_for(|stop| *stop));
                    runtime.shutdown_timeout(END_TIMEOUT);
                    drop(end);
                })?;
            let (connections, load) = (AtomicUsize::new(0), Load::default());
            workers.push(Worker { runtime: handle, connections, load });
        }
        Ok(Workers { workers, started: Instant::now(), stop, ended: Mutex::new(ended) })
    }

    /// The thread with the fewest connections.
    pub fn least(&self) -> usize {
        let counts = self.workers.iter().enumerate();
        let least = counts.min_by_key(|(_, worker)| worker.connections.load(Ordering::Relaxed));
        least.map_or(0, |(number, _)| number)
    }

    /// Runs a connection on a thread, to its end or until it goes to another.
    pub fn spawn(&self, number: usize, connection: impl Future<Output = ()> + Send + 'static) {
        if let Some(worker) = self.workers.get(number) {
            worker.runtime.spawn(connection);
        }
    }

    /// Counts a connection in.
    pub fn seat(self: &Arc<Self>, number: usize) -> Seat {
        if let Some(worker) = self.workers.get(number) {
            worker.connections.fetch_add(1, Ordering::Relaxed);
        }
        Seat { workers: self.clone(), number }
    }

    /// Says that a connection on the thread `number`, last told of in the epoch `told`, is in use. If
    /// another thread had at least two fewer of them in the last epoch, its number: the connection is to go there.
    pub fn better(&self, number: usize, told: &mut u64) -> Option<usize> {
        // The first is 1: a load that was never entered is at 0.
        let epoch = self.started.elapsed().as_millis() as u64 / EPOCH_MS + 1;
        if *told == epoch {
            return None;
        }
        *told = epoch;
        let own = &self.workers.get(number)?.load;
        own.enter(epoch);
        own.now.fetch_add(1, Ordering::AcqRel);
        let loads = self.workers.iter().enumerate().filter(|(other, _)| *other != number);
        let loads = loads.map(|(other, worker)| {
            worker.load.enter(epoch);
            (worker.load.before.load(Ordering::Acquire), other)
        });
        let (least, other) = loads.min()?;
        let mine = own.before.load(Ordering::Acquire);
        if mine < least + 2 {
            return None;
        }
        // The next one to look finds the balance after this move. Of two at a time one moves.
        own.before.compare_exchange(mine, mine - 1, Ordering::AcqRel, Ordering::Acquire).ok()?;
        self.workers.get(other)?.load.before.fetch_add(1, Ordering::AcqRel);
        Some(other)
    }

    /// Ends the threads; what still computes is left behind.
    pub fn end(&self) {
        self.stop.send_replace(true);
        // Nothing is ever sent: this hears of the last thread's end.
        let _ = self.ended.lock().recv_timeout(2 * END_TIMEOUT);
    }
}
