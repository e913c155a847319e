//! What a change of a row leaves to check or to do once its statement, or its transaction, has ended.
//!
//! PostgreSQL queues triggers for this. The order is its own: row by row, and for a row first what
//! is to happen to those that refer to it, then what it refers to.

use std::sync::Arc;

use super::Row;
use super::reference::{Reference, Wanted};
use crate::catalog::Table;
use crate::catalog::constraint::{Action, Deferral};

/// Something to check or to do.
#[derive(Clone, Debug)]
pub enum Event {
    /// A row refers to something: is that there?
    Refers(Refers),
    /// A row that others may refer to is gone, or has another key: do they?
    Vacated(Vacated),
    /// A row may have a key that another one has: does it still?
    Twice(Twice),
}

/// A row that refers to something.
#[derive(Clone, Debug)]
pub struct Refers {
    /// By which foreign key.
    pub reference: Arc<Reference>,
    /// The row's own key.
    pub row_key: Vec<u8>,
    /// What it refers to, as it was written.
    pub wanted: Wanted,
}

/// A row that is gone or has another key.
#[derive(Clone, Debug)]
pub struct Vacated {
    /// The foreign key by which others may refer to it.
    pub reference: Arc<Reference>,
    /// Its key in the index that this stands on.
    pub key: Vec<u8>,
    /// The values that were referred to, in the order of the foreign key.
    pub values: Row,
    /// The values that it has instead; `None` if it was deleted.
    pub new: Option<Row>,
}

/// A row whose key may not be unique.
#[derive(Clone, Debug)]
pub struct Twice {
    /// Its table.
    pub table: Arc<Table>,
    /// The name of the index.
    pub index: String,
    /// The row's own key.
    pub row_key: Vec<u8>,
}

impl Event {
    /// The table that triggers it.
    pub fn table(&self) -> &Arc<Table> {
        match self {
            Event::Refers(refers) => &refers.reference.child,
            Event::Vacated(vacated) => &vacated.reference.parent,
            Event::Twice(twice) => &twice.table,
        }
    }

    /// The constraint that it is for: its table's number and its name.
    pub fn constraint(&self) -> (u32, &str) {
        match self {
            Event::Refers(Refers { reference, .. }) | Event::Vacated(Vacated { reference, .. }) => {
                (reference.child.id, &reference.key.name)
            }
            Event::Twice(twice) => (twice.table.id, &twice.index),
        }
    }

    /// When it is due, if it can wait at all: actions cannot.
    pub fn deferral(&self) -> Option<Deferral> {
        match self {
            Event::Refers(refers) => refers.reference.key.deferral,
            Event::Vacated(vacated) => match vacated.action() {
                Action::NoAction => vacated.reference.key.deferral,
                _ => None,
            },
            Event::Twice(twice) => {
                let index = twice.table.indexes.iter().find(|index| index.name == twice.index);
                index.and_then(|index| index.deferral)
            }
        }
    }

    /// Memory that it takes, roughly.
    pub fn bytes(&self) -> usize {
        let own = match self {
            Event::Refers(Refers { row_key, wanted, .. }) => {
                let wanted = if let Wanted::Key(key) = wanted { key.len() } else { 0 };
                row_key.len() + wanted
            }
            Event::Vacated(Vacated { key, values, .. }) => {
                key.len() + values.len() * size_of::<crate::types::Datum>()
            }
            Event::Twice(Twice { index, row_key, .. }) => index.len() + row_key.len(),
        };
        size_of::<Event>() + own
    }
}

impl Vacated {
    /// What is to happen to those that refer to it.
    pub fn action(&self) -> Action {
        self.reference.action(self.new.is_none())
    }
}
