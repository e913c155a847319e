//! Checks that wait for the end of their transaction, and SET CONSTRAINTS.
//!
//! Events of constraints that are deferred stay with the transaction block, in their order. They are
//! looked at when it commits or when SET CONSTRAINTS makes their constraints immediate; those that
//! a savepoint has seen checked wait again when it is rolled back, and those made in it are gone.
//! They go by the keys of rows: what counts is what a row has become.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::sql::sqlparser::ast::ObjectName;
use tokio::time::Instant;

use super::naming::undefined_schema;
use super::outcome::{Outcome, Watch};
use super::settings::Severity;
use super::{Session, Status};
use crate::binder::name_parts;
use crate::catalog::Table;
use crate::catalog::constraint::{ConstraintId, Deferral};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::SetConstraints;
use crate::row::Env;
use crate::row::event::{Event, Refers, Twice, Vacated};
use crate::row::rules::Rules;

/// Memory of the events of a transaction; little in tests, so that few rows are too many.
const MAX_PENDING_BYTES: usize = if cfg!(test) { 64 << 10 } else { 1 << 30 };

/// The checks of a transaction that wait.
#[derive(Default)]
pub(super) struct Pending {
    modes: Modes,
    events: Vec<Event>,
    /// Which of them have been checked, in the order in which that was done.
    checked: Vec<usize>,
    bytes: usize,
}

/// What SET CONSTRAINTS has said: whether constraints are deferred.
#[derive(Clone, Default)]
struct Modes {
    all: Option<bool>,
    named: Arc<HashMap<ConstraintId, bool>>,
}

/// A table with its rules.
type Known = (Arc<Table>, Arc<Rules>);

/// Where a savepoint goes back to.
#[derive(Clone)]
pub(super) struct Mark {
    modes: Modes,
    events: usize,
    checked: usize,
}

impl Modes {
    fn is_deferred(&self, constraint: (u32, &str), deferral: Option<Deferral>) -> bool {
        let Some(initially) = deferral else { return false };
        let named = match self.named.is_empty() {
            true => None,
            false => self.named.get(&(constraint.0, constraint.1.to_owned())).copied(),
        };
        named.or(self.all).unwrap_or(initially == Deferral::Deferred)
    }
}

impl Pending {
    /// For a savepoint.
    pub fn mark(&self) -> Mark {
        let (events, checked) = (self.events.len(), self.checked.len());
        Mark { modes: self.modes.clone(), events, checked }
    }

    /// Goes back to a savepoint.
    pub fn rollback_to(&mut self, mark: &Mark) {
        self.modes = mark.modes.clone();
        self.checked.truncate(mark.checked);
        for event in self.events.drain(mark.events.min(self.events.len())..) {
            self.bytes -= event.bytes();
        }
    }

    fn waiting(&self) -> impl Iterator<Item = (usize, &Event)> {
        let checked: HashSet<usize> = self.checked.iter().copied().collect();
        self.events.iter().enumerate().filter(move |(at, _)| !checked.contains(at))
    }

    /// Whether anything waits.
    pub fn is_empty(&self) -> bool {
        self.events.len() == self.checked.len()
    }

    fn push(&mut self, event: Event) -> Result<()> {
        self.bytes += event.bytes();
        if self.bytes > MAX_PENDING_BYTES {
            return Err(Error::new(
                SqlState::ProgramLimitExceeded,
                "too many checks of deferred constraints in this transaction",
            )
            .hint("SET CONSTRAINTS ALL IMMEDIATE checks what has been changed so far."));
        }
        self.events.push(event);
        Ok(())
    }
}

impl Session {
    /// Of these events, those that are due; the others wait.
    pub(super) fn put_off(&mut self, events: Vec<Event>) -> Result<Vec<Event>> {
        // The transaction ends with this statement, so there is nothing to wait for.
        if self.alone && !self.in_block() {
            return Ok(events);
        }
        let pending = &mut self.block().pending;
        let mut due = Vec::with_capacity(events.len());
        for event in events {
            match pending.modes.is_deferred(event.constraint(), event.deferral()) {
                true => pending.push(event)?,
                false => due.push(event),
            }
        }
        Ok(due)
    }

    /// Looks at all that waits, before a commit. As others may have to be waited for, it can be
    /// canceled.
    pub(super) async fn check_pending(&mut self) -> Result<()> {
        if self.block.as_ref().is_none_or(|block| block.pending.is_empty()) {
            return Ok(());
        }
        let timeout = self.settings.statement_timeout();
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let (cancel, flag) = (self.cancel.clone(), self.cancel.flag());
        let watch = Watch { cancel, flag, deadline };
        tokio::select! {
            biased;
            checked = Box::pin(self.check_waiting(|_| true)) => checked,
            error = watch.ended() => Err(error),
        }
    }

    /// Looks at what waits and is chosen.
    async fn check_waiting(&mut self, chosen: impl Fn(&Event) -> bool) -> Result<()> {
        let pending = &self.block().pending;
        let waiting = pending.waiting().filter(|(_, event)| chosen(event));
        let (places, events): (Vec<usize>, Vec<Event>) =
            waiting.map(|(at, event)| (at, event.clone())).unzip();
        if events.is_empty() {
            return Ok(());
        }
        let events = self.as_defined(events)?;
        let env = self.env(Arc::new(Vec::new()));
        // Nothing is evaluated on it.
        let env = Env { view: env.view.without_own_writes(), ..env };
        self.run_events(events, &env, true).await?;
        let block = self.block();
        block.pending.checked.extend(places);
        if block.pending.is_empty() && !block.has_savepoints() {
            let modes = std::mem::take(&mut block.pending.modes);
            block.pending = Pending { modes, ..Pending::default() };
        }
        Ok(())
    }

    /// Events by the constraints as they are now; those of constraints that are gone are gone.
    fn as_defined(&self, events: Vec<Event>) -> Result<Vec<Event>> {
        let schema = self.schema();
        let mut known: HashMap<u32, Option<Known>> = HashMap::new();
        let mut current = Vec::with_capacity(events.len());
        for event in events {
            let (id, name) = event.constraint();
            let known = match known.entry(id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(match schema.table_by_id(id) {
                    Some(table) => Some((table.clone(), self.rules(table)?.0)),
                    None => None,
                }),
            };
            let Some((table, rules)) = known else { continue };
            let reference = rules.references.iter().find(|other| other.key.name == name).cloned();
            current.extend(match (event, reference) {
                (Event::Twice(twice), _) => {
                    Some(Event::Twice(Twice { table: table.clone(), ..twice }))
                }
                (Event::Refers(refers), Some(reference)) => {
                    Some(Event::Refers(Refers { reference, ..refers }))
                }
                (Event::Vacated(vacated), Some(reference)) => {
                    Some(Event::Vacated(Vacated { reference, ..vacated }))
                }
                (_, None) => None,
            });
        }
        Ok(current)
    }

    /// SET CONSTRAINTS.
    pub(super) async fn set_constraints(&mut self, set: &SetConstraints) -> Result<Outcome> {
        if self.status() != Status::Open {
            let message = "SET CONSTRAINTS can only be used in transaction blocks";
            self.notice(Severity::Warning, SqlState::NoActiveSqlTransaction, message);
        }
        let deferred = set.deferred;
        if set.names.is_empty() {
            let modes = &mut self.block().pending.modes;
            *modes = Modes { all: Some(deferred), named: Arc::default() };
            if !deferred {
                self.check_waiting(|_| true).await?;
            }
            return Ok(Outcome::Command("SET CONSTRAINTS".into()));
        }
        let mut found = Vec::new();
        for name in &set.names {
            self.find_constraints(name, deferred, &mut found)?;
        }
        let modes = &mut self.block().pending.modes;
        let named = Arc::make_mut(&mut modes.named);
        named.extend(found.iter().map(|constraint| (constraint.clone(), deferred)));
        if !deferred {
            self.check_waiting(|event| {
                let (table, name) = event.constraint();
                found.iter().any(|(id, other)| *id == table && other == name)
            })
            .await?;
        }
        Ok(Outcome::Command("SET CONSTRAINTS".into()))
    }

    /// The constraints of a name.
    fn find_constraints(
        &self,
        name: &ObjectName,
        deferred: bool,
        found: &mut Vec<ConstraintId>,
    ) -> Result<()> {
        let parts = name_parts(name);
        let (path, catalog) = (self.path(), self.schema());
        let mut schemas: Vec<String> = path.schemas().to_vec();
        if let [.., schema, _] = parts.as_slice() {
            let schema = path.schema(schema);
            if !catalog.has_namespace(schema) {
                return Err(undefined_schema(schema));
            }
            schemas = vec![schema.to_owned()];
        }
        let wanted = parts.last().map_or("", String::as_str);
        // The first schema that has such constraints has them all.
        let has = |schema: &&String| {
            catalog.tables().any(|t| t.schema == **schema && t.has_constraint(wanted))
        };
        let schema = schemas.iter().find(has);
        let before = found.len();
        for table in catalog.tables().filter(|table| schema == Some(&table.schema)) {
            let keys = table.foreign_keys.iter().map(|key| (&key.name, key.deferral));
            let indexes = table.all_indexes().filter(|index| index.constraint);
            let indexes = indexes.map(|index| (&index.name, index.deferral));
            for (name, deferral) in keys.chain(indexes).filter(|(name, _)| *name == wanted) {
                if deferral.is_none() && deferred {
                    return Err(Error::new(
                        SqlState::WrongObjectType,
                        format!("constraint \"{name}\" is not deferrable"),
                    ));
                }
                found.push((table.id, name.clone()));
            }
        }
        match found.len() > before {
            true => Ok(()),
            false => Err(Error::new(
                SqlState::UndefinedObject,
                format!("constraint \"{wanted}\" does not exist"),
            )),
        }
    }

    /// Refuses to change a table of which rows wait to be checked.
    pub(super) fn check_not_pending(&mut self, table: &Table, what: &str) -> Result<()> {
        let pending = &self.block().pending;
        if pending.is_empty() || !pending.waiting().any(|(_, event)| event.table().id == table.id) {
            return Ok(());
        }
        Err(Error::new(
            SqlState::ObjectInUse,
            format!("cannot {what} \"{}\" because it has pending trigger events", table.name),
        ))
    }
}
