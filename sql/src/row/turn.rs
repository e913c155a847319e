//! How long an execution keeps the thread that it is on.
//!
//! Most statements are over in microseconds, and run where their connection is served. One that turns
//! out to be long must not keep that thread from its other connections, nor from the timers and
//! sockets that would end it. A read is given up there and begins anew on the threads of the
//! vectorized executor ([`Error::TooLong`]); a change lets others have the thread between two rows
//! ([`Env::pause`]). A thread of the vectorized executor that evaluates for long has another thread
//! take over its other work: an operator there can look no other way, as one that finds no rows
//! gives nobody else a chance.
//!
//! Executors look here every few hundred rows, and every few looks at the clock.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::Instant;

use super::{CANCEL_CHECK_ROWS, Env, RowPlan, Sink, canceled};
use crate::error::{Error, Result, SqlState};

/// Looks between two at the clock.
const LOOKS: u32 = 8;
/// A read that takes longer goes elsewhere.
const READ_TIME: Duration = Duration::from_millis(20);
/// A change that takes longer lets others go first.
const CHANGE_TIME: Duration = Duration::from_millis(5);
/// An evaluation on a thread of the vectorized executor that takes longer leaves the rest to another.
const WORKER_TIME: Duration = Duration::from_millis(10);
/// What another thread is given to take over.
const HANDOVER_TIME: Duration = Duration::from_micros(100);

thread_local! {
    /// When this thread last offered its other work.
    static OFFERED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The turn of an execution.
pub(super) struct Turn {
    ticks: AtomicU32,
    looks: AtomicU32,
    /// Whether it is a read that can begin anew elsewhere.
    can_move: AtomicBool,
    /// Whether it is on the threads of the vectorized executor.
    has_moved: AtomicBool,
    /// Whether a change is to let others go first.
    is_over: AtomicBool,
    began: Mutex<Option<Instant>>,
    deadline: Option<Instant>,
}

impl Turn {
    /// The turn of a statement that is to end by then.
    pub(super) fn new(deadline: Option<Instant>) -> Turn {
        Turn {
            ticks: AtomicU32::new(0),
            looks: AtomicU32::new(0),
            can_move: AtomicBool::new(false),
            has_moved: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            began: Mutex::new(None),
            deadline,
        }
    }

    /// Begins anew.
    fn renew(&self) {
        *self.began.lock() = None;
        self.is_over.store(false, Ordering::Relaxed);
    }

    fn look(&self) -> Result<()> {
        // Threads that count at the same time may lose some of it.
        let looks = self.looks.load(Ordering::Relaxed).wrapping_add(1);
        self.looks.store(looks, Ordering::Relaxed);
        match looks.is_multiple_of(LOOKS) {
            true => self.look_at_clock(),
            false => Ok(()),
        }
    }

    #[cold]
    fn look_at_clock(&self) -> Result<()> {
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            return Err(statement_timeout());
        }
        let took = now - *self.began.lock().get_or_insert(now);
        if self.has_moved.load(Ordering::Relaxed) {
            if took >= WORKER_TIME {
                offer_work(now);
            }
        } else if self.can_move.load(Ordering::Relaxed) {
            if took >= READ_TIME {
                return Err(Error::TooLong);
            }
        } else if took >= CHANGE_TIME {
            self.is_over.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Lets another thread do what this one would do next, if there is one that gets to it.
fn offer_work(now: Instant) {
    let lately = OFFERED.get().is_some_and(|offered| now - offered < WORKER_TIME);
    let is_worker = || {
        let runtime = Handle::try_current();
        runtime.is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
    };
    if !lately && is_worker() {
        OFFERED.set(Some(now));
        tokio::task::block_in_place(|| std::thread::sleep(HANDOVER_TIME));
    }
}

/// The error of a statement that has taken longer than it may.
pub fn statement_timeout() -> Error {
    Error::new(SqlState::QueryCanceled, "canceling statement due to statement timeout")
}

impl Env {
    /// Fails if the statement is to end, or is not to go on here.
    pub fn check_cancel(&self) -> Result<()> {
        match self.cancel.load(Ordering::Relaxed) {
            true => Err(canceled()),
            false => self.kept.turn.look(),
        }
    }

    /// The same, every few hundred rows; `rows` more have been looked at.
    pub(crate) fn tick(&self, rows: usize) -> Result<()> {
        let before = self.kept.turn.ticks.load(Ordering::Relaxed) as usize;
        let after = before.wrapping_add(rows);
        self.kept.turn.ticks.store(after as u32, Ordering::Relaxed);
        match before / CANCEL_CHECK_ROWS == after / CANCEL_CHECK_ROWS {
            true => Ok(()),
            false => self.check_cancel(),
        }
    }

    /// Fails if the statement is to end, and lets others have the thread if it has had it for long.
    pub async fn pause(&self) -> Result<()> {
        self.check_cancel()?;
        let turn = &self.kept.turn;
        if turn.is_over.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
            turn.renew();
        }
        Ok(())
    }

    /// The execution goes on on threads of the vectorized executor, or has come back.
    pub(crate) fn moves(&self, there: bool) {
        self.kept.turn.has_moved.store(there, Ordering::Relaxed);
        self.kept.turn.renew();
    }
}

impl RowPlan {
    /// Runs the plan into `sink` where connections are served.
    ///
    /// # Errors
    /// [`Error::TooLong`] if that takes too long; then it is to run elsewhere.
    pub fn run_here(&self, env: &Env, sink: &mut Sink<'_>) -> Result<()> {
        let turn = &env.kept.turn;
        turn.can_move.store(true, Ordering::Relaxed);
        let ran = self.run(env, sink);
        turn.can_move.store(false, Ordering::Relaxed);
        ran
    }
}
