//! Futures on one thread, polled in whatever order the caller likes.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Whether a task was woken since its last poll.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    woken: Arc<Woken>,
}

/// Tasks in numbered slots.
pub struct Executor {
    tasks: Vec<Option<Task>>,
}

impl Executor {
    /// An executor with this many slots, all of them free.
    pub fn new(slots: usize) -> Executor {
        Executor { tasks: (0..slots).map(|_| None).collect() }
    }

    /// Puts a task into a slot; what was there is dropped.
    pub fn spawn(&mut self, slot: usize, future: impl Future<Output = ()> + 'static) {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        self.tasks[slot] = Some(Task { future: Box::pin(future), woken });
    }

    /// The slots of tasks that have not ended.
    pub fn running(&self) -> Vec<usize> {
        (0..self.tasks.len()).filter(|slot| self.tasks[*slot].is_some()).collect()
    }

    /// The slots of tasks that would get further if they were polled.
    pub fn ready(&self) -> Vec<usize> {
        let is_ready = |slot: &usize| {
            self.tasks[*slot].as_ref().is_some_and(|task| task.woken.0.load(Ordering::Relaxed))
        };
        (0..self.tasks.len()).filter(is_ready).collect()
    }

    /// Polls the task in a slot, which is free if that was its end.
    pub fn poll(&mut self, slot: usize) {
        let Some(task) = &mut self.tasks[slot] else { return };
        task.woken.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(task.woken.clone());
        if task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            self.tasks[slot] = None;
        }
    }

    /// Drops the task in a slot wherever it is.
    pub fn cancel(&mut self, slot: usize) {
        self.tasks[slot] = None;
    }
}

/// Lets others go first.
pub async fn pause() {
    let mut has_paused = false;
    poll_fn(|context| {
        if has_paused {
            return Poll::Ready(());
        }
        has_paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Waits for `future` until it was polled `polls` times; `None` if it was not done then, and was dropped.
pub async fn patiently<T>(future: impl Future<Output = T>, polls: u64) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

/// Polls after which what a lone future waits for will not come.
const MAX_POLLS: usize = 1000;

/// Runs `future` alone to its end; `meanwhile` does what it waits for.
pub fn block_on<T>(future: impl Future<Output = T>, mut meanwhile: impl FnMut()) -> T {
    let mut future = pin!(future);
    for _ in 0..MAX_POLLS {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => return output,
            Poll::Pending => meanwhile(),
        }
    }
    panic!("a transaction that runs alone waits for ever");
}
