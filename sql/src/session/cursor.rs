//! Cursors in SQL: DECLARE, FETCH, MOVE, CLOSE, and the row that WHERE CURRENT OF stands for.
//!
//! A cursor is a portal whose rows are read by FETCH; one that Bind has made becomes a cursor with the
//! first FETCH. Its query runs on the snapshot of the DECLARE, while its transaction goes on. Rows that a
//! locking query gives are locked when it is declared, all of them.
//!
//! The rows of a query that reads one table have the columns of that table's key behind their own, those
//! of a locking query all columns of what they lock: by these CURRENT OF finds the row.

pub(crate) mod kept;
mod plan;
mod position;

use std::sync::Arc;

use cairn_txn::{Access, ReadView};
use tokio::sync::Mutex;

use super::execute::check_parameters;
use super::outcome::{Outcome, Rows};
use super::plan::{Action, Plan};
use super::portals::{MAX_PORTALS, Portal};
use super::{Columns, Prepared, Session};
use crate::binder::cursor::CurrentOf;
use crate::catalog::Table;
use crate::error::{Error, Result, SqlState};
use crate::parser::Parsed;
use crate::parser::cursor::{CursorStatement, Declare, Direction};
use crate::row::Row;
use crate::types::Datum;
use position::{Locked, Place, Run, Scroll};

pub(super) use kept::Budget;

/// What FETCH reads.
pub(super) struct Cursor {
    place: Arc<Mutex<Place>>,
    columns: Columns,
    /// BINARY.
    pub(super) binary: bool,
    /// SCROLL, or as good as that.
    pub(super) scrolls: bool,
    /// WITH HOLD.
    pub(super) hold: bool,
    /// Whether its transaction has committed.
    pub(super) is_held: bool,
    target: Target,
}

/// The tables whose current row CURRENT OF finds.
#[derive(Clone)]
enum Target {
    /// None.
    Nothing,
    /// This one, by the columns of its key.
    Simple(Arc<Table>),
    /// What is locked.
    Locked(Vec<Locked>),
}

/// The rows that a FETCH asks for, as they are sent.
pub(super) struct Fetch {
    place: Arc<Mutex<Place>>,
    run: Run,
    view: Option<ReadView>,
    failed: Option<Error>,
}

impl Fetch {
    /// Up to `limit` rows; `None` at the end.
    pub(super) async fn next(&mut self, limit: usize) -> Result<Option<Vec<Row>>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut place = self.place.lock().await;
        let mut rows = Vec::new();
        let mut failed = None;
        while rows.len() < limit {
            match place.next(&mut self.run, self.view.as_ref()).await {
                Ok(Some(row)) => rows.push(row),
                Ok(None) => break,
                Err(error) => {
                    place.fail();
                    failed = Some(error);
                    break;
                }
            }
        }
        match failed {
            Some(error) if rows.is_empty() => return Err(error),
            // The rows before it go out first.
            failed => self.failed = failed,
        }
        Ok((!rows.is_empty()).then_some(rows))
    }
}

impl Cursor {
    /// Reads what its query still gives and keeps it, for the time behind its transaction.
    pub(super) async fn hold(&mut self, budget: &Arc<Budget>) -> Result<()> {
        self.place.lock().await.hold(budget).await?;
        self.is_held = true;
        Ok(())
    }
}

pub(super) fn no_cursor(name: &str) -> Error {
    Error::new(SqlState::InvalidCursorName, format!("cursor \"{name}\" does not exist"))
}

fn cannot_run(name: &str) -> Error {
    let message = format!("portal \"{name}\" cannot be run");
    Error::new(SqlState::ObjectNotInPrerequisiteState, message)
}

fn invalid_state(message: String) -> Error {
    Error::new(SqlState::InvalidCursorState, message)
}

/// Refuses words of a DECLARE that contradict each other.
fn check_options(declare: &Declare) -> Result<()> {
    let both = match declare {
        Declare { scroll: true, no_scroll: true, .. } => "SCROLL and NO SCROLL",
        Declare { insensitive: true, asensitive: true, .. } => "ASENSITIVE and INSENSITIVE",
        _ => return Ok(()),
    };
    let message = format!("cannot specify both {both}");
    Err(Error::new(SqlState::InvalidCursorDefinition, message))
}

impl Session {
    /// Runs a statement about cursors.
    pub(super) async fn run_cursor_statement(
        &mut self,
        statement: &CursorStatement,
        prepared: &Prepared,
        params: Vec<Datum>,
    ) -> Result<Outcome> {
        match statement {
            CursorStatement::Declare(declare) => self.declare(declare, prepared, params).await,
            CursorStatement::Fetch { name, direction, is_move } => {
                self.fetch(name, *direction, *is_move).await
            }
            CursorStatement::Close(None) => {
                self.portals.clear();
                Ok(Outcome::Command("CLOSE CURSOR ALL".into()))
            }
            CursorStatement::Close(Some(name)) => match self.portals.close(name) {
                true => Ok(Outcome::Command("CLOSE CURSOR".into())),
                false => Err(no_cursor(name)),
            },
        }
    }

    /// The columns of what FETCH gives.
    pub(super) fn fetched_columns(&self, statement: &CursorStatement) -> Option<Columns> {
        match statement {
            CursorStatement::Fetch { name, is_move: false, .. } => {
                self.portals.get(name)?.prepared.columns.clone()
            }
            _ => None,
        }
    }

    /// Types of the parameters of a DECLARE.
    pub(super) fn declared_parameters(
        &self,
        prepared: &Prepared,
    ) -> Result<Vec<crate::types::Type>> {
        match &*prepared.parsed {
            Parsed::Cursor(statement) => match &**statement {
                CursorStatement::Declare(declare) => {
                    check_options(declare)?;
                    let (plan, _) = self.plan_cursor(declare, &prepared.sql, &prepared.declared)?;
                    Ok(plan.parameters)
                }
                _ => Ok(Vec::new()),
            },
            _ => Ok(Vec::new()),
        }
    }

    async fn declare(
        &mut self,
        declare: &Declare,
        prepared: &Prepared,
        params: Vec<Datum>,
    ) -> Result<Outcome> {
        check_options(declare)?;
        let kinds: Vec<_> = prepared.parameters.iter().map(|kind| Some(*kind)).collect();
        let (plan, target) = loop {
            let planned = self.plan_cursor(declare, &prepared.sql, &kinds)?;
            if self.lock_tables_of(&planned.0).await? {
                break planned;
            }
        };
        if declare.name.is_empty() {
            let message = "invalid cursor name: must not be empty";
            return Err(Error::new(SqlState::InvalidCursorName, message));
        }
        if !declare.hold && prepared.alone {
            self.require_block("DECLARE CURSOR")?;
        }
        if self.portals.contains(&declare.name) {
            return Err(Error::new(
                SqlState::DuplicateCursor,
                format!("cursor \"{}\" already exists", declare.name),
            ));
        }
        if self.portals.len() >= MAX_PORTALS {
            return Err(Error::new(SqlState::ProgramLimitExceeded, "too many portals"));
        }
        let scroll = match &plan.action {
            _ if declare.scroll => Scroll::Asked,
            Action::Query { source, .. } if !declare.no_scroll && plan::reads_backward(source) => {
                Scroll::Possible
            }
            _ => Scroll::No,
        };
        check_parameters(&plan, &params, &prepared.sql)?;
        let rows = self.open_rows(&plan, params).await?;
        let columns = plan.columns().cloned().unwrap_or_else(|| Vec::new().into());
        let locked = match &target {
            Target::Locked(locked) => locked.clone(),
            _ => Vec::new(),
        };
        let mut place = Place::new(rows, scroll, &self.cursor_budget, columns.len(), locked);
        if declare.hold && !self.in_block() && prepared.alone {
            // Its transaction ends here, and may fail.
            place.hold(&self.cursor_budget).await?;
        }
        let cursor = Cursor {
            place: Arc::new(Mutex::new(place)),
            columns: columns.clone(),
            binary: declare.binary,
            scrolls: scroll != Scroll::No,
            hold: declare.hold,
            is_held: false,
            target,
        };
        let mut shown =
            Prepared::new(prepared.sql.clone(), (*prepared.parsed).clone(), Vec::new(), false);
        shown.columns = Some(columns);
        let formats = if declare.binary { vec![1] } else { Vec::new() };
        let mut portal = Portal::bound(Arc::new(shown), Vec::new(), formats);
        portal.cursor = Some(Box::new(cursor));
        self.open_portal(&declare.name, portal);
        Ok(Outcome::Command("DECLARE CURSOR".into()))
    }

    /// Opens a portal in the current transaction.
    pub fn open_portal(&mut self, name: &str, mut portal: Portal) {
        portal.level = self.block.as_ref().map_or(0, |block| block.savepoint_count());
        self.portals.open(name, portal);
    }

    /// The rows of a cursor's query. What goes wrong while they are made is told when they are fetched.
    async fn open_rows(&mut self, plan: &Plan, params: Vec<Datum>) -> Result<Rows> {
        let params = Arc::new(params);
        if plan.has_calls {
            return match self.execute_with_calls(plan, params).await? {
                Outcome::Rows(rows) => Ok(rows),
                _ => Err(Error::internal("a cursor without rows")),
            };
        }
        let outcome = match &plan.action {
            Action::Query { source, columns } => {
                self.begin_statement(plan, Access::Read)?;
                // Each FETCH has a time limit of its own.
                let deadline = self.deadline.take();
                let env = self.env(params);
                self.deadline = deadline;
                match self.read_source(source, columns, env) {
                    Err(error) => {
                        let mut rows = Rows::ready(columns.clone(), Vec::new(), "SELECT");
                        rows.failed = Some(error);
                        Ok(Outcome::Rows(rows))
                    }
                    outcome => outcome,
                }
            }
            _ => self.execute_with_restarts(plan, params, false).await,
        };
        match outcome? {
            Outcome::Rows(rows) => Ok(rows),
            _ => Err(Error::internal("a cursor without rows")),
        }
    }

    /// The cursor of a portal; one that Bind has made is started for that.
    async fn cursor(&mut self, name: &str) -> Result<&mut Cursor> {
        let portal = self.portals.get_mut(name).ok_or_else(|| no_cursor(name))?;
        if portal.cursor.is_none() {
            let (prepared, outcome) = (portal.prepared.clone(), portal.outcome.take());
            let outcome = match outcome {
                Some(outcome) => outcome,
                None => {
                    if prepared.columns.is_none() {
                        return Err(cannot_run(name));
                    }
                    let params = std::mem::take(&mut portal.params);
                    Box::pin(self.execute_inner(&prepared, params)).await?
                }
            };
            let Outcome::Rows(rows) = outcome else { return Err(cannot_run(name)) };
            let (columns, count) = (rows.columns.clone(), rows.count());
            let mut place =
                Place::new(rows, Scroll::No, &self.cursor_budget, columns.len(), Vec::new());
            place.skip_to(count);
            let portal = self.portals.get_mut(name).ok_or_else(|| no_cursor(name))?;
            portal.cursor = Some(Box::new(Cursor {
                place: Arc::new(Mutex::new(place)),
                columns,
                binary: false,
                scrolls: false,
                hold: false,
                is_held: false,
                target: Target::Nothing,
            }));
        }
        let portal = self.portals.get_mut(name).ok_or_else(|| no_cursor(name))?;
        portal.cursor.as_deref_mut().ok_or_else(|| no_cursor(name))
    }

    async fn fetch(&mut self, name: &str, direction: Direction, is_move: bool) -> Result<Outcome> {
        let cursor = Box::pin(self.cursor(name)).await?;
        let (place, columns) = (cursor.place.clone(), cursor.columns.clone());
        let (binary, locks) = (cursor.binary, matches!(cursor.target, Target::Locked(_)));
        // What the transaction has changed of the rows that it has locked.
        let view = locks.then(|| self.block().transaction.view());
        let mut at = place.lock().await;
        if at.has_failed() {
            return Err(cannot_run(name));
        }
        let moved = match is_move {
            true => at.pass(direction, view.as_ref()).await.map(Err),
            false => at.begin(direction, view.as_ref()).await.map(Ok),
        };
        if moved.is_err() {
            at.fail();
        }
        drop(at);
        let run = match moved? {
            Ok(run) => run,
            Err(count) => return Ok(Outcome::Command(format!("MOVE {count}"))),
        };
        let mut rows = Rows::fetched(columns, Fetch { place, run, view, failed: None }, "FETCH");
        if binary {
            rows.formats = vec![1];
        }
        Ok(Outcome::Rows(rows))
    }

    /// What Execute of a cursor gives: up to so many further rows.
    pub async fn execute_cursor(&mut self, name: &str, limit: Option<usize>) -> Result<Rows> {
        let cursor = Box::pin(self.cursor(name)).await?;
        let (place, columns) = (cursor.place.clone(), cursor.columns.clone());
        let left = limit.map_or(u64::MAX, |limit| limit as u64);
        let run = Run { backward: false, left };
        let view = matches!(cursor.target, Target::Locked(_));
        let view = view.then(|| self.block().transaction.view());
        Ok(Rows::fetched(columns, Fetch { place, run, view, failed: None }, "SELECT"))
    }

    /// Reads what the cursors WITH HOLD of this transaction still have to give, as it commits.
    pub(super) async fn hold_cursors(&mut self) -> Result<()> {
        for cursor in self.portals.unheld() {
            cursor.hold(&self.cursor_budget).await?;
        }
        Ok(())
    }

    /// The key of the row that a cursor is on.
    pub(super) async fn current_key(&mut self, current: &CurrentOf) -> Result<Vec<Datum>> {
        let CurrentOf { cursor: name, table } = current;
        let portal = self.portals.get(name).ok_or_else(|| no_cursor(name))?;
        let not_simple = || {
            invalid_state(format!(
                "cursor \"{name}\" is not a simply updatable scan of table \"{}\"",
                table.name
            ))
        };
        let Some(cursor) = &portal.cursor else { return Err(not_simple()) };
        if cursor.is_held {
            return Err(invalid_state(format!(
                "cursor \"{name}\" is held from a previous transaction"
            )));
        }
        let place = cursor.place.lock().await;
        let unplaced = || invalid_state(format!("cursor \"{name}\" is not positioned on a row"));
        match &cursor.target {
            Target::Simple(read) if read.id == table.id => {
                Ok(place.current().ok_or_else(unplaced)?.to_vec())
            }
            Target::Nothing | Target::Simple(_) => Err(not_simple()),
            Target::Locked(locked) => {
                let mut of_table = locked.iter().filter(|locked| locked.table.id == table.id);
                let (found, more) = (of_table.next(), of_table.next().is_some());
                let (has, references) = match (found, more) {
                    (Some(_), true) => ("has multiple", "references"),
                    _ => ("does not have a", "reference"),
                };
                let Some(found) = found.filter(|_| !more) else {
                    return Err(invalid_state(format!(
                        "cursor \"{name}\" {has} FOR UPDATE/SHARE {references} to table \"{}\"",
                        table.name
                    )));
                };
                // The place counts from the columns that clients see.
                let start = found.start - cursor.columns.len();
                let row = place.current().ok_or_else(unplaced)?;
                let key = found.table.primary.columns.iter();
                let key = key.map(|column| row.get(start + column).cloned());
                key.collect::<Option<_>>().ok_or_else(|| Error::internal("a row without a key"))
            }
        }
    }
}
