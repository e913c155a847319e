//! What a statement gives: a command tag, or rows as they come, under the watch of cancel and
//! timeout.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::cursor::Fetch;
use super::{Cancel, Columns, CopyIn, CopyOut};
use crate::error::{Error, Result};
use crate::row::{Row, canceled, statement_timeout};

/// Rows handed over at a time.
const ROWS_PER_TURN: usize = 1024;

/// What a statement gives.
pub enum Outcome {
    /// There was no statement.
    Empty,
    /// A command tag.
    Command(String),
    /// Rows.
    Rows(Rows),
    /// Waits for data: COPY FROM STDIN.
    CopyIn(Box<CopyIn>),
    /// Lines to come: COPY TO STDOUT.
    CopyOut(Box<CopyOut>),
}

/// The rows of a result, as they come.
pub struct Rows {
    /// Names and types.
    pub columns: Columns,
    /// How a client that asks for no formats gets them; none: as text.
    pub formats: Vec<i16>,
    ready: VecDeque<Row>,
    pub(super) more: Option<More>,
    /// First word of the command tag; the count follows.
    tag: &'static str,
    count: u64,
    pub(super) watch: Option<Watch>,
    /// Comes behind the rows that are ready.
    pub(super) failed: Option<Error>,
}

/// Where further rows come from.
pub(super) enum More {
    /// From an executor.
    Batches(mpsc::Receiver<Result<Vec<Row>>>),
    /// From a cursor.
    Fetch(Box<Fetch>),
}

impl More {
    /// Some rows; `None` at the end.
    async fn next(&mut self, limit: usize) -> Option<Result<Vec<Row>>> {
        match self {
            More::Batches(batches) => batches.recv().await,
            More::Fetch(fetch) => fetch.next(limit.min(ROWS_PER_TURN)).await.transpose(),
        }
    }
}

/// What ends a statement whose rows are still coming.
pub(super) struct Watch {
    pub(super) cancel: Arc<Cancel>,
    pub(super) flag: Arc<AtomicBool>,
    pub(super) deadline: Option<Instant>,
}

impl Watch {
    /// Resolves with the error when the statement is to end.
    pub(super) async fn ended(&self) -> Error {
        let timeout = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let notified = self.cancel.notify.notified();
        if self.flag.load(Ordering::Relaxed) {
            return canceled();
        }
        let error = tokio::select! {
            () = notified => canceled(),
            () = timeout => statement_timeout(),
        };
        self.flag.store(true, Ordering::Relaxed);
        error
    }

    /// Fails if the statement is to end.
    fn check(&self) -> Result<()> {
        if self.flag.load(Ordering::Relaxed) {
            return Err(canceled());
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => {
                self.flag.store(true, Ordering::Relaxed);
                Err(statement_timeout())
            }
            _ => Ok(()),
        }
    }
}

impl Rows {
    /// Rows that are all there.
    pub fn ready(columns: Columns, rows: Vec<Row>, tag: &'static str) -> Rows {
        let (formats, ready, more) = (Vec::new(), rows.into(), None);
        Rows { columns, formats, ready, more, tag, count: 0, watch: None, failed: None }
    }

    pub(super) fn streamed(columns: Columns, more: mpsc::Receiver<Result<Vec<Row>>>) -> Rows {
        let mut rows = Rows::ready(columns, Vec::new(), "SELECT");
        rows.more = Some(More::Batches(more));
        rows
    }

    /// What a cursor is asked for.
    pub(super) fn fetched(columns: Columns, fetch: Fetch, tag: &'static str) -> Rows {
        let mut rows = Rows::ready(columns, Vec::new(), tag);
        rows.more = Some(More::Fetch(Box::new(fetch)));
        rows
    }

    /// Up to `limit` further rows; none at the end.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<Row>> {
        while self.ready.is_empty() {
            let Some(more) = &mut self.more else { break };
            let batch = match &self.watch {
                None => more.next(limit).await,
                Some(watch) => {
                    // Rows may come so fast that nothing is ever waited for.
                    watch.check()?;
                    tokio::select! {
                        biased;
                        batch = more.next(limit) => batch,
                        error = watch.ended() => Some(Err(error)),
                    }
                }
            };
            match batch {
                Some(batch) => self.ready.extend(batch?),
                None => self.more = None,
            }
        }
        if self.ready.is_empty()
            && let Some(error) = self.failed.take()
        {
            return Err(error);
        }
        let take = self.ready.len().min(limit).min(ROWS_PER_TURN);
        self.count += take as u64;
        Ok(self.ready.drain(..take).collect())
    }

    /// All rows of a result that is not streamed, and the error that comes behind them.
    pub fn take_ready(&mut self) -> (VecDeque<Row>, Option<Error>) {
        assert!(self.more.is_none(), "there are rows to come");
        self.count += self.ready.len() as u64;
        (std::mem::take(&mut self.ready), self.failed.take())
    }

    /// Whether the result is known to be read to its end.
    pub fn is_done(&self) -> bool {
        self.ready.is_empty() && self.more.is_none() && self.failed.is_none()
    }

    /// How many rows were given.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The command tag, with the rows delivered so far.
    pub fn tag(&self) -> String {
        match self.tag {
            "INSERT" => format!("INSERT 0 {}", self.count),
            "SHOW" | "EXPLAIN" => self.tag.to_owned(),
            tag => format!("{tag} {}", self.count),
        }
    }

    /// Starts counting again: each Execute of a portal reports its own rows.
    pub fn restart_count(&mut self) {
        self.count = 0;
    }
}
