//! The end of a statement: what it has left to check and to do ([`crate::row::event`]).
//!
//! Checks look at the newest state, under the lock that keeps it from changing. A row that refers to
//! another one has that one locked FOR KEY SHARE; a row that others may refer to was locked FOR
//! UPDATE before it went, so nobody can begin to refer to it, and those that do are found. Above
//! READ COMMITTED a row that the snapshot does not show is no row to refer to, and one that has
//! changed since cannot be acted on (40001), as in PostgreSQL.
//!
//! What actions change has rules and referrers of its own, whose events go to the end of the queue.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cairn_txn::storage::{Span, Timestamp};
use cairn_txn::{Conflict, Isolation, LockMode, LockOutcome, WaitPolicy};

use super::Session;
use super::execute::limited;
use crate::catalog::Table;
use crate::catalog::constraint::Action;
use crate::error::{Error, Result, SqlState};
use crate::row::describe::{describe_key, describe_values, duplicate};
use crate::row::event::{Event, Refers, Twice, Vacated};
use crate::row::modify::{Writer, is_free, other_rows};
use crate::row::reference::{Found, Reference, Wanted};
use crate::row::{Env, Frame, Row, SHORT_SCAN_ROWS};
use crate::types::Datum;
use crate::types::io::Style;

/// Rows that actions change between two looks for more.
const ACTION_BATCH: usize = 1000;

fn concurrent_update() -> Error {
    Error::Transaction(cairn_txn::Error::Serialization(Conflict::ConcurrentUpdate))
}

/// References that are looked at together.
const REFERENCES: usize = 1000;

impl Session {
    /// Looks at what a statement has left, but for what can wait until the end of the transaction.
    pub(super) async fn finish_statement(&mut self, events: Vec<Event>, env: &Env) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let due = self.put_off(events)?;
        self.run_events(due, env, false).await
    }

    /// Looks at events in their order. Those that have waited go by what their rows have become.
    pub(super) async fn run_events(
        &mut self,
        events: Vec<Event>,
        env: &Env,
        mut may_have_changed: bool,
    ) -> Result<()> {
        let mut queue = VecDeque::from(events);
        while let Some(event) = queue.pop_front() {
            env.pause().await?;
            match event {
                Event::Refers(refers) => {
                    let mut run = vec![refers];
                    while let Some(Event::Refers(_)) = queue.front()
                        && run.len() < REFERENCES
                    {
                        if let Some(Event::Refers(refers)) = queue.pop_front() {
                            run.push(refers);
                        }
                    }
                    if may_have_changed {
                        run = self.as_they_are(run)?;
                    }
                    self.check_references(&run).await?;
                }
                Event::Vacated(vacated) => {
                    let more = Box::pin(self.act(&vacated, env)).await?;
                    may_have_changed |=
                        !matches!(vacated.action(), Action::NoAction | Action::Restrict);
                    queue.extend(self.put_off(more)?);
                }
                Event::Twice(twice) => self.check_twice(&twice).await?,
            }
        }
        Ok(())
    }

    /// What rows refer to now, if they are still there.
    fn as_they_are(&mut self, run: Vec<Refers>) -> Result<Vec<Refers>> {
        let transaction = &self.block().transaction;
        let mut current = Vec::with_capacity(run.len());
        for refers in run {
            let Some(value) = transaction.get_latest(&refers.row_key)? else { continue };
            let row = refers.reference.child.decode_row(&value)?;
            match refers.reference.wanted(&row)? {
                Wanted::Nothing => {}
                wanted => current.push(Refers { wanted, ..refers }),
            }
        }
        Ok(current)
    }

    /// Checks that what rows refer to is there, and keeps it there. The first of them that refers to
    /// nothing is named.
    pub(super) async fn check_references(&mut self, run: &[Refers]) -> Result<()> {
        if let [refers] = run {
            return match self.is_there(refers).await? {
                true => Ok(()),
                false => Err(self.not_present(refers)?),
            };
        }
        let mut failed = run.len();
        // The same index may serve several foreign keys: keys tell it apart.
        let mut wanted: BTreeMap<&[u8], (usize, &Arc<Reference>)> = BTreeMap::new();
        for (at, refers) in run.iter().enumerate() {
            match &refers.wanted {
                Wanted::Nothing => {}
                Wanted::Key(key) => {
                    wanted.entry(key).or_insert((at, &refers.reference));
                }
                Wanted::Absent | Wanted::Mixed => failed = failed.min(at),
            }
        }
        let keys: Vec<Vec<u8>> = wanted.keys().map(|key| key.to_vec()).collect();
        let transaction = &self.block().transaction;
        let at = transaction.referenced_at();
        let found = match keys.is_empty() {
            true => Vec::new(),
            false => transaction.find_referenced(&keys, at)?,
        };
        for ((position, reference), (key, found)) in
            wanted.into_values().zip(keys.into_iter().zip(found))
        {
            let is_there = match found {
                None => false,
                Some(found) if found.own => true,
                Some(found) => self.hold(reference, &key, found.value, at).await?,
            };
            if !is_there {
                failed = failed.min(position);
            }
        }
        match run.get(failed) {
            Some(refers) => Err(self.not_present(refers)?),
            None => Ok(()),
        }
    }

    /// The same for one row.
    async fn is_there(&mut self, refers: &Refers) -> Result<bool> {
        let key = match &refers.wanted {
            Wanted::Nothing => return Ok(true),
            Wanted::Absent | Wanted::Mixed => return Ok(false),
            Wanted::Key(key) => key,
        };
        let transaction = &self.block().transaction;
        let at = transaction.referenced_at();
        let mut found = transaction.find_referenced(std::slice::from_ref(key), at)?;
        match found.pop().flatten() {
            None => Ok(false),
            Some(found) if found.own => Ok(true),
            Some(found) => self.hold(&refers.reference, key, found.value, at).await,
        }
    }

    /// Locks a row that was found by a key of the index that a foreign key stands on. False if it is
    /// gone.
    async fn hold(
        &mut self,
        reference: &Reference,
        key: &[u8],
        mut value: Vec<u8>,
        mut at: Timestamp,
    ) -> Result<bool> {
        let lock_timeout = self.settings.lock_timeout();
        let block = self.block();
        let exclusive = block.excludes_writers(reference.parent.id);
        let is_primary = reference.index.storage == reference.parent.primary.storage;
        let transaction = &mut block.transaction;
        if exclusive {
            // Nobody else changes it, but may have done so before.
            return match transaction.isolation() {
                Isolation::ReadCommitted => Ok(true),
                _ if transaction.get_latest(key)?.is_some() => Ok(true),
                _ => Err(concurrent_update()),
            };
        }
        loop {
            let row_key = match is_primary {
                true => key,
                false => reference.index.split_value(&value)?.0,
            };
            let lock = transaction.lock_seen(row_key, LockMode::ForKeyShare, at);
            if !limited(lock_timeout, async { Ok(lock.await?) }).await? {
                return Ok(true);
            }
            let now = transaction.referenced_at();
            match transaction.get_latest(key)? {
                Some(latest)
                    if is_primary || reference.index.split_value(&latest)?.0 == row_key =>
                {
                    return Ok(true);
                }
                _ if transaction.isolation() != Isolation::ReadCommitted => {
                    return Err(concurrent_update());
                }
                None => return Ok(false),
                // Another row has the key now.
                Some(latest) => (value, at) = (latest, now),
            }
        }
    }

    /// The error of a row that refers to nothing.
    fn not_present(&mut self, refers: &Refers) -> Result<Error> {
        let style = self.style();
        let Reference { child, parent, key, .. } = &*refers.reference;
        let error = Error::new(
            SqlState::ForeignKeyViolation,
            format!(
                "insert or update on table \"{}\" violates foreign key constraint \"{}\"",
                child.name, key.name
            ),
        );
        let detail = if refers.wanted == Wanted::Mixed {
            "MATCH FULL does not allow mixing of null and nonnull key values.".to_owned()
        } else {
            let value = self.block().transaction.get_latest(&refers.row_key)?;
            let row = child.decode_row(&value.unwrap_or_default())?;
            let shown = describe_key(child, &key.columns, &row, &style)?;
            format!("Key {shown} is not present in table \"{}\".", parent.name)
        };
        Ok(error.detail(detail).table(child).constraint(&key.name))
    }

    /// Does what a foreign key asks for when a row that was referred to is gone or has another key.
    /// What that leaves to look at.
    async fn act(&mut self, vacated: &Vacated, env: &Env) -> Result<Vec<Event>> {
        let action = vacated.action();
        if action == Action::NoAction
            && self.block().transaction.get_latest(&vacated.key)?.is_some()
        {
            // Another row has taken its place.
            return Ok(Vec::new());
        }
        let mut events = Vec::new();
        let Some(mut span) = vacated.reference.span(&vacated.values)? else { return Ok(events) };
        while !span.is_empty() {
            env.pause().await?;
            let found = self.find(vacated, &mut span, env.cancel.clone()).await?;
            match action {
                Action::NoAction | Action::Restrict => self.refuse(vacated, found).await?,
                _ => {
                    let changed = Box::pin(self.act_on(vacated, found, env)).await;
                    events.extend(changed.map_err(|error| in_statement(vacated, error))?);
                }
            }
        }
        // One that refers to the default that was just deleted has not changed.
        if action == Action::SetDefault {
            let check = Vacated { reference: as_no_action(&vacated.reference)?, ..vacated.clone() };
            events.push(Event::Vacated(check));
        }
        Ok(events)
    }

    /// Some of the rows that refer to what is gone, in the newest state.
    async fn find(
        &mut self,
        vacated: &Vacated,
        span: &mut Span,
        cancel: Arc<AtomicBool>,
    ) -> Result<Vec<Found>> {
        let view = self.block().transaction.latest();
        let reference = &vacated.reference;
        if !reference.scans() || view.estimate(span).1 <= SHORT_SCAN_ROWS {
            return reference.find(&view, &vacated.key, span, ACTION_BATCH, &cancel);
        }
        // A long scan must not keep other sessions off this thread.
        let (reference, key) = (reference.clone(), vacated.key.clone());
        let mut rest = span.clone();
        let scan = tokio::task::spawn_blocking(move || {
            let found = reference.find(&view, &key, &mut rest, ACTION_BATCH, &cancel);
            found.map(|found| (found, rest))
        });
        let scanned = scan.await.map_err(|error| Error::internal(error.to_string()))?;
        let (found, rest) = scanned?;
        *span = rest;
        Ok(found)
    }

    /// Refuses that something is gone if one of these rows still refers to it, once nobody else is
    /// about to change that.
    async fn refuse(&mut self, vacated: &Vacated, found: Vec<Found>) -> Result<()> {
        let lock_timeout = self.settings.lock_timeout();
        let style = self.style();
        let transaction = &mut self.block().transaction;
        for Found { key, .. } in found {
            let lock = transaction.lock_name(&key, LockMode::ForKeyShare, WaitPolicy::Block);
            limited(lock_timeout, async { Ok(lock.await?) }).await?;
            let still = match transaction.get_latest(&key)? {
                None => false,
                Some(value) => {
                    let row = vacated.reference.child.decode_row(&value)?;
                    vacated.reference.wanted(&row)? == Wanted::Key(vacated.key.clone())
                }
            };
            if still {
                let Reference { child, parent, key, .. } = &*vacated.reference;
                let shown = describe_values(parent, &key.referred, &vacated.values, &style)?;
                return Err(Error::new(
                    SqlState::ForeignKeyViolation,
                    format!(
                        "update or delete on table \"{}\" violates foreign key constraint \"{}\" on table \"{}\"",
                        parent.name, key.name, child.name
                    ),
                )
                .detail(format!("Key {shown} is still referenced from table \"{}\".", child.name))
                .table(child)
                .constraint(&key.name));
            }
            if transaction.isolation() != Isolation::ReadCommitted {
                return Err(concurrent_update());
            }
        }
        Ok(())
    }

    /// Deletes or changes rows that refer to what is gone.
    async fn act_on(
        &mut self,
        vacated: &Vacated,
        found: Vec<Found>,
        env: &Env,
    ) -> Result<Vec<Event>> {
        let reference = &vacated.reference;
        let (rules, _) = self.rules(&reference.child)?;
        let (style, lock_timeout) = (self.style(), self.settings.lock_timeout());
        let set = columns_set(vacated);
        let deletes = set.is_none();
        let set = set.unwrap_or_default();
        let block = self.block();
        let exclusive = block.excludes_writers(reference.child.id);
        let transaction = &mut block.transaction;
        let mut writer = Writer::new(&reference.child, &rules, env, &style, exclusive);
        if !deletes {
            writer.changed = Some(&set);
        }
        let mode = if deletes { LockMode::ForUpdate } else { writer.update_mode(&set) };
        for Found { key, mut row } in found {
            env.pause().await?;
            let lock = transaction.lock_row(&key, mode, WaitPolicy::Block);
            if limited(lock_timeout, async { Ok(lock.await?) }).await? != LockOutcome::Unchanged {
                // READ COMMITTED: what the row has become counts.
                let Some(value) = transaction.get_latest(&key)? else { continue };
                row = reference.child.decode_row(&value)?;
                if reference.wanted(&row)? != Wanted::Key(vacated.key.clone()) {
                    continue;
                }
            }
            if deletes {
                writer.delete(transaction, &row)?;
                continue;
            }
            let old = row.clone();
            for (position, value) in set.iter().zip(values_set(vacated, &set, env, &style)?) {
                if let Some(column) = row.get_mut(*position) {
                    *column = value;
                }
            }
            limited(lock_timeout, writer.update(transaction, &old, &mut row)).await?;
        }
        Ok(std::mem::take(&mut writer.events))
    }

    /// Checks that no other row has the key that a row has by now, if that is still there.
    async fn check_twice(&mut self, twice: &Twice) -> Result<()> {
        let (style, lock_timeout) = (self.style(), self.settings.lock_timeout());
        let table = &twice.table;
        let Some(index) = table.indexes.iter().find(|index| index.name == twice.index) else {
            return Ok(());
        };
        let transaction = &mut self.block().transaction;
        let Some(value) = transaction.get_latest(&twice.row_key)? else { return Ok(()) };
        let row = table.decode_row(&value)?;
        if table.has_null(index, &row) && !index.nulls_not_distinct {
            return Ok(());
        }
        let columns = table.index_key(index, &row);
        let lock = transaction.lock_name(&columns, LockMode::ForUpdate, WaitPolicy::Block);
        limited(lock_timeout, async { Ok(lock.await?) }).await?;
        for other in other_rows(&transaction.latest(), index, &columns, &twice.row_key)? {
            // Somebody may be about to delete it.
            let free = transaction.await_free(&other, LockMode::ForKeyShare);
            limited(lock_timeout, async { Ok(free.await?) }).await?;
        }
        match is_free(transaction, index, &columns, &twice.row_key)? {
            true => Ok(()),
            false => Err(duplicate(table, index, &row, &style)?),
        }
    }
}

/// The columns that an action sets; `None` if it deletes rows.
fn columns_set(vacated: &Vacated) -> Option<Vec<usize>> {
    let key = &vacated.reference.key;
    match (vacated.action(), vacated.new.is_none()) {
        (Action::Cascade, true) => None,
        (Action::SetNull | Action::SetDefault, true) if !key.set_columns.is_empty() => {
            Some(key.set_columns.clone())
        }
        _ => Some(key.columns.clone()),
    }
}

/// What an action sets these columns to.
fn values_set(vacated: &Vacated, columns: &[usize], env: &Env, style: &Style) -> Result<Row> {
    let reference = &vacated.reference;
    let all = match (vacated.action(), &vacated.new) {
        (Action::Cascade, Some(new)) => reference.cascaded(new, style)?,
        (Action::SetDefault, _) => {
            let frame = Frame::new(env);
            let values = reference.defaults.iter().map(|default| default.eval(&[], &frame));
            values.collect::<Result<Row>>()?
        }
        _ => return Ok(vec![Datum::Null; columns.len()]),
    };
    let value_of = |column: &usize| {
        let at = reference.key.columns.iter().position(|other| other == column);
        at.and_then(|at| all.get(at)).cloned().unwrap_or(Datum::Null)
    };
    Ok(columns.iter().map(value_of).collect())
}

/// The same foreign key as if it had no actions.
fn as_no_action(reference: &Reference) -> Result<Arc<Reference>> {
    let mut key = reference.key.clone();
    (key.on_delete, key.on_update, key.deferral) = (Action::NoAction, Action::NoAction, None);
    let (child, parent) = (reference.child.clone(), reference.parent.clone());
    Reference::new(child, parent, key, Vec::new()).map(Arc::new)
}

/// An error in what PostgreSQL runs as a statement of its own, which it shows.
fn in_statement(vacated: &Vacated, error: Error) -> Error {
    match error {
        Error::Report(report) if report.context.is_none() => {
            let statement = statement_of(vacated);
            Error::Report(report).context(format!("SQL statement \"{statement}\""))
        }
        other => other,
    }
}

fn statement_of(vacated: &Vacated) -> String {
    let reference = &vacated.reference;
    let quoted = |name: &str| {
        let inner = name.replace('"', "\"\"");
        format!("\"{inner}\"")
    };
    let name_of = |table: &Table, position: &usize| {
        quoted(table.columns.get(*position).map_or("", |column| column.name.as_str()))
    };
    let child = &reference.child;
    let mut parameters = 0;
    let mut parameter = || {
        parameters += 1;
        format!("${parameters}")
    };
    let head = match columns_set(vacated) {
        None => format!("DELETE FROM ONLY {}.{}", quoted(&child.schema), quoted(&child.name)),
        Some(columns) => {
            let set = columns.iter().map(|column| {
                let value = match vacated.action() {
                    Action::Cascade => parameter(),
                    Action::SetDefault => "DEFAULT".to_owned(),
                    _ => "NULL".to_owned(),
                };
                format!("{} = {value}", name_of(child, column))
            });
            let set = set.collect::<Vec<_>>().join(", ");
            format!("UPDATE ONLY {}.{} SET {set}", quoted(&child.schema), quoted(&child.name))
        }
    };
    let conditions =
        reference.key.columns.iter().map(|column| {
            format!("{} OPERATOR(pg_catalog.=) {}", parameter(), name_of(child, column))
        });
    let conditions = conditions.collect::<Vec<_>>().join(" AND ");
    format!("{head} WHERE {conditions}")
}
