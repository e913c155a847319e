//! The portals of a session: what Bind has made, and the cursors of DECLARE. To PostgreSQL they are one
//! kind of thing, with one kind of name.
//!
//! A portal lives as long as its transaction, or the savepoint that it was made in. A cursor WITH HOLD
//! lives on once that has committed. Those with names are listed, for `pg_cursors`.

use std::sync::Arc;

use super::cursor::Cursor;
use super::named::Named;
use super::{Outcome, Prepared};
use crate::sessions::{Backend, CursorLine};
use crate::types::{Datum, datetime};

/// Most portals of a session.
pub const MAX_PORTALS: usize = 10_000;

/// A portal: a statement with its parameters, perhaps half read.
pub struct Portal {
    /// The statement.
    pub prepared: Arc<Prepared>,
    /// Parameter values.
    pub params: Vec<Datum>,
    /// Formats of the result's columns, as in Bind.
    pub formats: Vec<i16>,
    /// Its result, once started.
    pub outcome: Option<Outcome>,
    /// What FETCH reads, once there is such a thing.
    pub(super) cursor: Option<Box<Cursor>>,
    /// How many savepoints it was made in.
    pub(super) level: usize,
}

impl Portal {
    /// What Bind has made.
    pub fn bound(prepared: Arc<Prepared>, params: Vec<Datum>, formats: Vec<i16>) -> Portal {
        Portal { prepared, params, formats, outcome: None, cursor: None, level: 0 }
    }

    /// Whether SQL has made a cursor of it.
    pub fn is_cursor(&self) -> bool {
        self.cursor.is_some()
    }

    fn line(&self) -> CursorLine {
        let cursor = self.cursor.as_ref();
        CursorLine {
            statement: self.prepared.sql.clone(),
            is_holdable: cursor.is_some_and(|cursor| cursor.hold),
            is_binary: cursor.is_some_and(|cursor| cursor.binary),
            is_scrollable: cursor.is_some_and(|cursor| cursor.scrolls),
            creation_time: datetime::now(),
        }
    }
}

/// Portals by name.
pub struct Portals {
    named: Named<Portal>,
    backend: Arc<Backend>,
}

impl Portals {
    pub(super) fn new(backend: Arc<Backend>) -> Portals {
        Portals { named: Named::default(), backend }
    }

    /// The portal called `name`.
    pub fn get(&self, name: &str) -> Option<&Portal> {
        self.named.get(name)
    }

    /// The portal called `name`, to change.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Portal> {
        self.named.get_mut(name)
    }

    /// Whether there is one called `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.named.contains(name)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.named.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// Opens one, in place of another of that name.
    pub(super) fn open(&mut self, name: &str, portal: Portal) {
        if !name.is_empty() {
            self.backend.cursors.lock().insert(name.to_owned(), portal.line());
        }
        self.named.insert(name, portal);
    }

    /// Takes one out while it runs.
    pub fn take(&mut self, name: &str) -> Option<Portal> {
        self.named.remove(name)
    }

    /// Puts back what was taken out.
    pub fn put_back(&mut self, name: &str, portal: Portal) {
        self.named.insert(name, portal);
    }

    /// Closes one; false if there is none.
    pub fn close(&mut self, name: &str) -> bool {
        let found = self.named.remove(name).is_some();
        if found && !name.is_empty() {
            self.backend.cursors.lock().remove(name);
        }
        found
    }

    /// Closes all.
    pub(super) fn clear(&mut self) {
        self.retain(|_| false);
    }

    /// Closes what does not outlive its transaction.
    pub(super) fn end_transaction(&mut self) {
        self.retain(|portal| portal.cursor.as_ref().is_some_and(|cursor| cursor.is_held));
    }

    /// Closes what was made since there were so many savepoints.
    pub(super) fn roll_back_to(&mut self, level: usize) {
        self.retain(|portal| portal.level <= level);
    }

    /// What was made in savepoints beyond this many belongs to those around them.
    pub(super) fn release_to(&mut self, level: usize) {
        for (_, portal) in self.named.iter_mut() {
            portal.level = portal.level.min(level);
        }
    }

    /// The cursors WITH HOLD of the current transaction.
    pub(super) fn unheld(&mut self) -> impl Iterator<Item = &mut Cursor> {
        let cursors = self.named.iter_mut().filter_map(|(_, portal)| portal.cursor.as_deref_mut());
        cursors.filter(|cursor| cursor.hold && !cursor.is_held)
    }

    /// Whether there are such cursors.
    pub(super) fn has_to_hold(&mut self) -> bool {
        self.unheld().next().is_some()
    }

    fn retain(&mut self, mut keep: impl FnMut(&Portal) -> bool) {
        if self.named.retain(&mut keep) {
            let named = &self.named;
            self.backend.cursors.lock().retain(|name, _| named.contains(name));
        }
    }
}
