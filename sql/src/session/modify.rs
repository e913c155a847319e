//! Changing the rows that a query yields, and statements of several parts: WITH queries that change rows,
//! and subqueries that lock them.
//!
//! All parts of a statement read the same snapshot, and none sees what another one changes but by what
//! that one returns. Each runs once and to its end: those that the statement reads before it, the others
//! after it, the last one first, as in PostgreSQL.

use std::collections::BTreeSet;
use std::sync::Arc;

use cairn_txn::{LockMode, WaitPolicy};

use super::execute::limited;
use super::locking::Locking;
use super::outcome::{Outcome, Rows};
use super::plan::{Action, Modify, Source};
use super::{Columns, Session};
use crate::binder::changes::note_parts;
use crate::binder::dml::Operation;
use crate::error::{Error, Result};
use crate::row::event::Event;
use crate::row::modify::Writer;
use crate::row::rules::check_views;
use crate::row::touched::Touched;
use crate::row::{Env, Frame, Row};
use crate::types::Datum;

/// What expressions are evaluated in while rows are changed. The transaction's own writes would be
/// copied with the first change, if the statement still held on to them; only subqueries need them: as
/// they were before the statement.
pub(super) fn env_for_changes(modify: &Modify, env: Env) -> Env {
    match modify.reads_later {
        true => env,
        false => Env { view: env.view.without_own_writes(), ..env },
    }
}

/// What a change has done.
#[derive(Default)]
pub(super) struct Changed {
    /// Number of rows.
    pub count: usize,
    /// What RETURNING makes of them.
    rows: Vec<Row>,
    /// What is left to look at when the statement ends.
    pub events: Vec<Event>,
}

impl Changed {
    /// A row was changed; `row` is what RETURNING finds.
    pub(super) fn returning(&mut self, modify: &Modify, row: &[Datum], env: &Env) -> Result<()> {
        if let Some((_, exprs)) = &modify.returning {
            let frame = Frame::new(env);
            let values = exprs.iter().map(|expr| expr.eval(row, &frame));
            self.rows.push(values.collect::<Result<Row>>()?);
        }
        Ok(())
    }

    fn outcome(self, modify: &Modify) -> Outcome {
        let tag = modify.operation.word();
        match &modify.returning {
            Some((columns, _)) => Outcome::Rows(Rows::ready(columns.clone(), self.rows, tag)),
            None if tag == "INSERT" => Outcome::Command(format!("INSERT 0 {}", self.count)),
            None => Outcome::Command(format!("{tag} {}", self.count)),
        }
    }
}

/// A part of a statement that runs by itself.
#[derive(Debug)]
pub enum StatementPart {
    /// Changes rows.
    Modify(Box<Modify>),
    /// Locks rows.
    Lock(Box<Locking>),
}

impl StatementPart {
    /// What gives its rows.
    pub(super) fn source(&self) -> &Source {
        match self {
            StatementPart::Modify(modify) => &modify.source,
            StatementPart::Lock(locking) => &locking.source,
        }
    }

    fn modify(&self) -> Option<&Modify> {
        match self {
            StatementPart::Modify(modify) => Some(modify),
            StatementPart::Lock(_) => None,
        }
    }
}

/// A statement with parts that run by themselves.
#[derive(Debug)]
pub struct With {
    /// These parts.
    pub parts: Vec<StatementPart>,
    /// The statement itself.
    pub main: Main,
    /// The parts that run before it, and those that run after it, in their order.
    before: Vec<usize>,
    after: Vec<usize>,
}

/// What a statement with such queries does itself.
#[derive(Debug)]
pub enum Main {
    /// Reads.
    Query(Box<Source>, Columns),
    /// Reads and locks.
    Lock(Box<Locking>),
    /// Changes rows.
    Modify(Box<Modify>),
}

impl With {
    /// The changes in it.
    fn all_modifies(&self) -> impl Iterator<Item = &Modify> {
        let main = match &self.main {
            Main::Modify(modify) => Some(&**modify),
            Main::Query(..) | Main::Lock(_) => None,
        };
        self.parts.iter().filter_map(StatementPart::modify).chain(main)
    }

    /// The locks in it.
    fn all_locks(&self) -> impl Iterator<Item = &Locking> {
        let main = match &self.main {
            Main::Lock(locking) => Some(&**locking),
            Main::Query(..) | Main::Modify(_) => None,
        };
        let parts = self.parts.iter().filter_map(|part| match part {
            StatementPart::Lock(locking) => Some(&**locking),
            StatementPart::Modify(_) => None,
        });
        parts.chain(main)
    }

    /// The lock that it needs of the table with this id.
    pub(super) fn table_lock(&self, table: u32) -> LockMode {
        if self.all_modifies().any(|modify| modify.table.id == table) {
            LockMode::RowExclusive
        } else if self.all_locks().any(|locking| locking.locks.iter().any(|l| l.table.id == table))
        {
            LockMode::RowShare
        } else {
            LockMode::AccessShare
        }
    }

    /// The command's name, if it changes rows.
    pub(super) fn changes(&self) -> Option<&'static str> {
        self.all_modifies().next()?;
        Some(match &self.main {
            Main::Query(..) | Main::Lock(_) => "SELECT",
            Main::Modify(modify) => modify.operation.word(),
        })
    }

    /// The changes in it.
    pub(super) fn modifies(&mut self) -> Vec<&mut Modify> {
        let main = match &mut self.main {
            Main::Modify(modify) => Some(&mut **modify),
            Main::Query(..) | Main::Lock(_) => None,
        };
        let parts = self.parts.iter_mut().filter_map(|part| match part {
            StatementPart::Modify(modify) => Some(&mut **modify),
            StatementPart::Lock(_) => None,
        });
        parts.chain(main).collect()
    }

    /// Finds out what runs when.
    pub(super) fn new(parts: Vec<StatementPart>, action: Action) -> Result<With> {
        let main = match action {
            Action::Query { source, columns } => Main::Query(Box::new(source), columns),
            Action::Modify(modify) => Main::Modify(Box::new(modify)),
            Action::Lock(locking) => Main::Lock(Box::new(locking)),
            Action::With(_) => return Err(Error::internal("parts of parts of a statement")),
        };
        let mut with = With { parts, main, before: Vec::new(), after: Vec::new() };
        let mut read = BTreeSet::new();
        match &with.main {
            Main::Query(source, _) => note_parts(&source.logical, &mut read)?,
            Main::Lock(locking) => note_parts(&locking.source.logical, &mut read)?,
            Main::Modify(modify) => modify.note_parts(&mut read)?,
        }
        let mut order = Vec::new();
        for part in read {
            with.visit(part, &mut order)?;
        }
        let before = order.len();
        // What locks rows that nobody reads does not run.
        let changes =
            |part: &usize| with.parts.get(*part).is_some_and(|part| part.modify().is_some());
        for part in (0..with.parts.len()).rev().filter(changes) {
            with.visit(part, &mut order)?;
        }
        with.after = order.split_off(before);
        with.before = order;
        Ok(with)
    }

    /// Appends a part, and before it those that it reads.
    fn visit(&self, part: usize, order: &mut Vec<usize>) -> Result<()> {
        if order.contains(&part) {
            return Ok(());
        }
        let mut read = BTreeSet::new();
        match self.parts.get(part) {
            Some(StatementPart::Modify(modify)) => modify.note_parts(&mut read)?,
            Some(StatementPart::Lock(locking)) => note_parts(&locking.source.logical, &mut read)?,
            None => {}
        }
        // A part can read only those before it.
        for other in read.into_iter().filter(|other| *other < part) {
            self.visit(other, order)?;
        }
        order.push(part);
        Ok(())
    }
}

/// Rows that are inserted together.
const INSERTED_ROWS: usize = 1000;

impl Session {
    /// Runs a statement that is one change.
    pub(super) async fn modify(
        &mut self,
        modify: &Modify,
        params: &Arc<Vec<Datum>>,
    ) -> Result<Outcome> {
        let env = self.env(params.clone());
        let mut touched = Touched::default();
        if modify.repeats {
            touched.keep();
        }
        let mut changed = self.change(modify, env, &mut touched).await?;
        if !changed.events.is_empty() {
            self.finish_changes(std::mem::take(&mut changed.events), params).await?;
        }
        Ok(changed.outcome(modify))
    }

    /// Looks at what a statement has left.
    async fn finish_changes(&mut self, events: Vec<Event>, params: &Arc<Vec<Datum>>) -> Result<()> {
        let env = self.env(params.clone());
        let env = Env { view: env.view.without_own_writes(), ..env };
        Box::pin(self.finish_statement(events, &env)).await
    }

    /// Runs a statement with parts that run by themselves.
    pub(super) async fn modify_all(
        &mut self,
        with: &With,
        params: &Arc<Vec<Datum>>,
    ) -> Result<Outcome> {
        let mut env = self.env(params.clone());
        env.changed = vec![Arc::default(); with.parts.len()];
        let mut touched = Touched::default();
        touched.keep();
        let mut events = Vec::new();
        for part in &with.before {
            events.extend(self.run_part(with, *part, &mut env, &mut touched).await?);
        }
        let outcome = match &with.main {
            Main::Query(source, columns) => {
                let rows = self.collect(source, env.clone()).await?;
                Outcome::Rows(Rows::ready(columns.clone(), rows, "SELECT"))
            }
            Main::Lock(locking) => {
                let rows = Box::pin(self.locked_rows(locking, env.clone())).await?;
                Outcome::Rows(Rows::ready(locking.columns.clone(), rows, "SELECT"))
            }
            Main::Modify(modify) => {
                let changed = self.change(modify, env.clone(), &mut touched);
                let mut changed = Box::pin(changed).await?;
                events.append(&mut changed.events);
                changed.outcome(modify)
            }
        };
        for part in &with.after {
            events.extend(self.run_part(with, *part, &mut env, &mut touched).await?);
        }
        drop(env);
        if !events.is_empty() {
            self.finish_changes(events, params).await?;
        }
        Ok(outcome)
    }

    async fn run_part(
        &mut self,
        with: &With,
        part: usize,
        env: &mut Env,
        touched: &mut Touched,
    ) -> Result<Vec<Event>> {
        let no_part = || Error::internal("no such part of the statement");
        let (rows, events) = match with.parts.get(part).ok_or_else(no_part)? {
            StatementPart::Modify(modify) => {
                let changed = Box::pin(self.change(modify, env.clone(), touched)).await?;
                (changed.rows, changed.events)
            }
            StatementPart::Lock(locking) => {
                (Box::pin(self.locked_rows(locking, env.clone())).await?, Vec::new())
            }
        };
        *env.changed.get_mut(part).ok_or_else(no_part)? = Arc::new(rows);
        Ok(events)
    }

    /// Changes the rows that a query yields.
    async fn change(
        &mut self,
        modify: &Modify,
        env: Env,
        touched: &mut Touched,
    ) -> Result<Changed> {
        match (&modify.operation, &modify.on_conflict) {
            (Operation::Insert(_), Some(upsert)) => {
                Box::pin(self.upsert(modify, upsert, env, touched)).await
            }
            (Operation::Merge(_), _) => Box::pin(self.merge(modify, env, touched)).await,
            _ => self.change_plainly(modify, env, touched).await,
        }
    }

    async fn change_plainly(
        &mut self,
        modify: &Modify,
        env: Env,
        touched: &mut Touched,
    ) -> Result<Changed> {
        let rows = self.collect(&modify.source, env.clone()).await?;
        let env = env_for_changes(modify, env);
        let style = self.style();
        let sequences = self.database.sequences.clone();
        let lock_timeout = self.settings.lock_timeout();
        let block = self.block();
        let exclusive = block.excludes_writers(modify.table.id);
        let mut writer = Writer::new(&modify.table, &modify.rules, &env, &style, exclusive);
        if let Operation::Update(positions) = &modify.operation {
            writer.changed = Some(positions);
        }
        let width = modify.table.columns.len();
        let locks = match &modify.operation {
            Operation::Update(positions) => Some((writer.row_locks(positions), positions)),
            _ => None,
        };
        let indexed = match &modify.operation {
            Operation::Update(positions) => writer.is_indexed(positions),
            _ => true,
        };
        let transaction = &mut block.transaction;
        let mut changed = Changed::default();
        if let Operation::Insert(_) = &modify.operation {
            let mut rows = rows.into_iter();
            loop {
                let some = rows.by_ref().take(INSERTED_ROWS);
                let make = |row| writer.make_row(&modify.insert, row, &env, &sequences);
                let mut new = some.map(make).collect::<Result<Vec<_>>>()?;
                let added = async {
                    let added = writer.insert_all(transaction, &mut new).await;
                    added.map_err(|(_, error)| error)
                };
                limited(lock_timeout, added).await?;
                if touched.keeps() {
                    new.iter().for_each(|row| touched.add(modify.table.row_key(row)));
                }
                changed.count += new.len();
                for row in &new {
                    check_views(&modify.view_checks, &modify.table, row, &env, &style)?;
                    changed.returning(modify, row, &env)?;
                }
                if rows.len() == 0 {
                    break;
                }
                env.check_cancel()?;
                tokio::task::yield_now().await;
            }
            changed.events = std::mem::take(&mut writer.events);
            return Ok(changed);
        }
        for mut row in rows {
            env.pause().await?;
            let values = row.split_off(width.min(row.len()));
            let key = modify.table.row_key(&row);
            // Joined with several rows, it is changed by the first of them.
            if touched.has(&key) {
                continue;
            }
            let mode = match &locks {
                None => LockMode::ForUpdate,
                Some((locks, positions)) => locks.mode(&row, |column| {
                    values.get(positions.iter().position(|position| *position == column)?)
                }),
            };
            limited(lock_timeout, async {
                writer.lock(transaction, &key, mode, WaitPolicy::Block).await
            })
            .await?;
            changed.count += 1;
            let mut values = values.into_iter();
            if touched.keeps() {
                touched.add(key.clone());
            }
            let Operation::Update(positions) = &modify.operation else {
                writer.delete(transaction, &row)?;
                row.extend(values);
                changed.returning(modify, &row, &env)?;
                continue;
            };
            let old = indexed.then(|| row.clone());
            for (position, value) in positions.iter().zip(&mut values) {
                if let Some(column) = row.get_mut(*position) {
                    *column = value;
                }
            }
            match old {
                None => writer.replace(transaction, key, &mut row)?,
                Some(old) => {
                    limited(lock_timeout, writer.update(transaction, &old, &mut row)).await?;
                    if touched.keeps() {
                        touched.add(modify.table.row_key(&row));
                    }
                }
            }
            row.extend(values);
            check_views(&modify.view_checks, &modify.table, &row, &env, &style)?;
            changed.returning(modify, &row, &env)?;
        }
        changed.events = std::mem::take(&mut writer.events);
        Ok(changed)
    }
}
