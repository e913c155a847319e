//! Where a cursor stands among its rows, and how it moves.
//!
//! Its query gives rows in one direction and once. A cursor that can go back keeps those that it has
//! read. Position 0 is before the first row, position n on the n-th one, and one more than there are
//! rows behind the last one.

use std::collections::VecDeque;
use std::sync::Arc;

use cairn_txn::ReadView;

use super::kept::{Budget, KeptRows};
use crate::catalog::Table;
use crate::error::{Error, Result, SqlState};
use crate::parser::cursor::{ALL, Direction};
use crate::row::Row;
use crate::session::outcome::Rows;
use crate::types::Datum;

/// Rows read from the query at a time.
const ROWS_PER_READ: usize = 1024;

/// Whether a cursor goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scroll {
    /// It was asked for.
    Asked,
    /// Nobody asked, but the query is one that PostgreSQL reads backward: as long as there is room.
    Possible,
    /// No.
    No,
}

/// A table whose rows a locking cursor reads: the columns of a row stand at `start` and behind.
#[derive(Clone, Debug)]
pub struct Locked {
    /// The table.
    pub table: Arc<Table>,
    /// Where its columns begin.
    pub start: usize,
}

/// The rows of a cursor and its place among them.
pub struct Place {
    source: Rows,
    ready: VecDeque<Row>,
    /// Whether the query has given all.
    is_read: bool,
    /// Rows that the query has given.
    read: u64,
    position: u64,
    scroll: Scroll,
    kept: Option<KeptRows>,
    /// Number of the first row that is kept.
    kept_from: u64,
    /// Columns that clients see; those behind them tell where the row is from.
    width: usize,
    /// The rest of the current row.
    behind: Row,
    /// What a cursor has locked nobody else changes: rows that its own transaction has are passed over.
    locked: Vec<Locked>,
    /// Whether it ended with an error.
    failed: bool,
}

/// The way a FETCH goes, when the cursor stands where it begins.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Towards the first row.
    pub backward: bool,
    /// Rows to go.
    pub left: u64,
}

impl Run {
    const NOWHERE: Run = Run { backward: false, left: 0 };

    fn new(backward: bool, count: i64) -> Run {
        let left = if count == ALL { u64::MAX } else { count.unsigned_abs() };
        Run { backward: backward != (count < 0), left }
    }
}

fn only_forward() -> Error {
    Error::new(SqlState::ObjectNotInPrerequisiteState, "cursor can only scan forward")
        .hint("Declare it with SCROLL option to enable backward scan.")
}

impl Place {
    /// Before the first of these rows, `width` of whose columns clients see.
    pub fn new(
        source: Rows,
        scroll: Scroll,
        budget: &Arc<Budget>,
        width: usize,
        locked: Vec<Locked>,
    ) -> Place {
        let kept = (scroll != Scroll::No).then(|| KeptRows::new(budget.clone()));
        Place {
            source,
            ready: VecDeque::new(),
            is_read: false,
            read: 0,
            position: 0,
            scroll,
            kept,
            kept_from: 0,
            width,
            behind: Row::new(),
            locked,
            failed: false,
        }
    }

    /// Behind rows that have been given away already.
    pub fn skip_to(&mut self, read: u64) {
        (self.read, self.position) = (read, read);
    }

    /// It gives no more.
    pub fn fail(&mut self) {
        self.failed = true;
    }

    /// Whether it gives no more, because of an error.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Whether it is on a row.
    fn is_on_row(&self) -> bool {
        self.position > 0 && !self.is_behind_last()
    }

    fn is_behind_last(&self) -> bool {
        self.position > self.read
    }

    /// What stands behind the columns of the current row; `None` if there is no such row.
    pub fn current(&self) -> Option<&[Datum]> {
        self.is_on_row().then_some(self.behind.as_slice())
    }

    /// The next row of the query.
    async fn read_one(&mut self) -> Result<Option<Row>> {
        if self.ready.is_empty() && !self.is_read {
            self.ready = Box::pin(self.source.next(ROWS_PER_READ)).await?.into();
            self.is_read = self.ready.is_empty();
        }
        let Some(row) = self.ready.pop_front() else { return Ok(None) };
        self.read += 1;
        if let Some(kept) = &mut self.kept {
            match kept.push(row.clone()) {
                Ok(()) => {}
                Err(_) if self.scroll == Scroll::Possible => {
                    (self.kept, self.scroll) = (None, Scroll::No);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Some(row))
    }

    fn kept_row(&mut self, number: u64) -> Result<Row> {
        let lost = || Error::internal("a cursor has lost a row");
        let number = number.checked_sub(self.kept_from).ok_or_else(lost)?;
        self.kept.as_mut().map(|kept| kept.get(number)).transpose()?.flatten().ok_or_else(lost)
    }

    fn give(&mut self, mut row: Row) -> Row {
        self.behind = row.split_off(self.width.min(row.len()));
        row
    }

    /// Whether the current transaction has changed a row that the cursor has locked.
    fn is_changed(&self, row: &[Datum], view: &ReadView) -> Result<bool> {
        for locked in &self.locked {
            let end = locked.start + locked.table.columns.len();
            let stored = row.get(locked.start..end).unwrap_or_default();
            let now = view.get(&locked.table.row_key(stored))?;
            let now = now.map(|bytes| locked.table.decode_row(&bytes)).transpose()?;
            if now.as_deref() != Some(stored) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// One row on. Rows that this view has otherwise than they were are passed over, if they are locked.
    async fn forward(&mut self, view: Option<&ReadView>) -> Result<Option<Row>> {
        if self.is_behind_last() {
            return Ok(None);
        }
        loop {
            let row = match self.position < self.read {
                true => Some(self.kept_row(self.position)?),
                false => self.read_one().await?,
            };
            self.position += 1;
            let Some(row) = row else { return Ok(None) };
            match view {
                Some(view) if self.is_changed(&row, view)? => {}
                _ => return Ok(Some(self.give(row))),
            }
        }
    }

    fn backward(&mut self) -> Result<Option<Row>> {
        if self.scroll == Scroll::No {
            return Err(only_forward());
        }
        self.position = self.position.saturating_sub(1);
        match self.position.checked_sub(1) {
            None => Ok(None),
            Some(number) => {
                let row = self.kept_row(number)?;
                Ok(Some(self.give(row)))
            }
        }
    }

    /// The next row of a run; `None` at its end.
    pub async fn next(&mut self, run: &mut Run, view: Option<&ReadView>) -> Result<Option<Row>> {
        if run.left == 0 {
            return Ok(None);
        }
        let row = match run.backward {
            true => self.backward()?,
            false => self.forward(view).await?,
        };
        run.left = if row.is_some() { run.left - 1 } else { 0 };
        Ok(row)
    }

    async fn go(&mut self, mut run: Run, view: Option<&ReadView>) -> Result<()> {
        while self.next(&mut run, view).await?.is_some() {}
        Ok(())
    }

    /// Before the first row.
    fn rewind(&mut self) -> Result<()> {
        if self.position > 0 && self.scroll == Scroll::No {
            return Err(only_forward());
        }
        self.position = 0;
        Ok(())
    }

    /// Goes to where `direction` begins; what is left are the rows that it asks for.
    pub async fn begin(&mut self, direction: Direction, view: Option<&ReadView>) -> Result<Run> {
        let (backward, count) = match direction {
            Direction::Forward(0) | Direction::Backward(0) | Direction::Relative(0) => {
                if !self.is_on_row() {
                    return Ok(Run::NOWHERE);
                }
                self.backward()?;
                return Ok(Run::new(false, 1));
            }
            Direction::Forward(count) => return Ok(Run::new(false, count)),
            Direction::Backward(count) => return Ok(Run::new(true, count)),
            Direction::Absolute(0) => {
                self.rewind()?;
                return Ok(Run::NOWHERE);
            }
            Direction::Absolute(count) if count > 0 => {
                let place = count.unsigned_abs();
                if place <= self.position {
                    if self.scroll == Scroll::No {
                        return Err(only_forward());
                    }
                    // On the row behind it, or behind the last one.
                    while self.position > place {
                        self.backward()?;
                    }
                    self.position -= 1;
                    return Ok(Run::new(false, 1));
                }
                self.go(Run { backward: false, left: place - self.position - 1 }, view).await?;
                return Ok(Run::new(false, 1));
            }
            Direction::Absolute(count) => {
                self.go(Run { backward: false, left: u64::MAX }, view).await?;
                (true, count.saturating_neg())
            }
            Direction::Relative(count) => (count < 0, count.saturating_abs()),
        };
        let far = Run { backward, left: count.unsigned_abs() - 1 };
        self.go(far, view).await?;
        Ok(Run::new(backward, 1))
    }

    /// Passes by the rows that `direction` asks for, and counts them. To go nowhere tells whether there
    /// is a row.
    pub async fn pass(&mut self, direction: Direction, view: Option<&ReadView>) -> Result<u64> {
        let nowhere = [Direction::Forward(0), Direction::Backward(0), Direction::Relative(0)];
        if nowhere.contains(&direction) {
            return Ok(u64::from(self.is_on_row()));
        }
        let mut run = self.begin(direction, view).await?;
        let mut count = 0;
        while self.next(&mut run, view).await?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// Reads what the query still gives and keeps it, so that the query and its snapshot can go.
    pub async fn hold(&mut self, budget: &Arc<Budget>) -> Result<()> {
        if self.scroll == Scroll::Possible {
            self.scroll = Scroll::Asked;
        }
        if self.kept.is_none() {
            self.kept = Some(KeptRows::new(budget.clone()));
            self.kept_from = self.read;
        }
        while self.read_one().await?.is_some() {}
        self.behind = Row::new();
        Ok(())
    }
}
