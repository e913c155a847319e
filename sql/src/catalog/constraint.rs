//! What a descriptor tells of constraints.
//!
//! Expressions are kept as SQL text over the names of the table's columns, and bound again for each
//! plan; what renames a column changes them ([`crate::parser::stored`]). A foreign key knows columns by
//! their positions, which never change, and tables by their numbers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::names::RelationName;
use super::{Schema, Table};

/// Longest name, as in PostgreSQL.
pub const MAX_NAME_BYTES: usize = 63;

/// CHECK.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// pg_constraint.oid; 0 until it is stored.
    #[serde(default)]
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The condition.
    pub expression: String,
    /// Whether all rows are known to fulfil it.
    pub valid: bool,
    /// COMMENT ON.
    #[serde(default)]
    pub comment: Option<String>,
}

/// When a constraint that is DEFERRABLE is checked, unless SET CONSTRAINTS says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deferral {
    /// At the end of each statement.
    Immediate,
    /// When the transaction commits.
    Deferred,
}

/// What happens to rows that refer to one that is deleted or gets another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum Action {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

/// FOREIGN KEY.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// pg_constraint.oid; 0 until it is stored.
    #[serde(default)]
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Positions of the referring columns.
    pub columns: Vec<usize>,
    /// The table that is referred to.
    pub table: u32,
    /// Positions of that table's columns, in the order of `columns`.
    pub referred: Vec<usize>,
    /// The name of the unique index over them.
    pub index: String,
    /// MATCH FULL.
    pub full: bool,
    /// ON DELETE.
    pub on_delete: Action,
    /// ON UPDATE.
    pub on_update: Action,
    /// The columns that ON DELETE sets; none: all of them.
    pub set_columns: Vec<usize>,
    /// `None`: NOT DEFERRABLE.
    pub deferral: Option<Deferral>,
    /// Whether all rows are known to fulfil it.
    pub valid: bool,
    /// COMMENT ON.
    #[serde(default)]
    pub comment: Option<String>,
}

/// A constraint: its table's number and its name.
pub type ConstraintId = (u32, String);

impl Table {
    /// Gives numbers to what has none: indexes those of their storage, constraints new ones, unless they
    /// have been stored before.
    pub(super) fn number_parts(&mut self, before: Option<&Table>, schema: &Schema) {
        for index in std::iter::once(&mut self.primary).chain(&mut self.indexes) {
            index.id = index.oid();
        }
        for check in self.checks.iter_mut().filter(|check| check.id == 0) {
            let known = before.and_then(|table| table.checks.iter().find(|c| c.name == check.name));
            check.id = known.map_or(0, |check| check.id);
            if check.id == 0 {
                check.id = schema.allocate_id();
            }
        }
        for key in self.foreign_keys.iter_mut().filter(|key| key.id == 0) {
            let mut all = before.into_iter().flat_map(|table| &table.foreign_keys);
            key.id = all.find(|known| known.name == key.name).map_or(0, |key| key.id);
            if key.id == 0 {
                key.id = schema.allocate_id();
            }
        }
    }

    /// Whether a constraint has this name.
    pub fn has_constraint(&self, name: &str) -> bool {
        self.checks.iter().any(|check| check.name == name)
            || self.foreign_keys.iter().any(|key| key.name == name)
            || self.all_indexes().any(|index| index.constraint && index.name == name)
    }
}

impl Schema {
    /// The foreign keys that refer to a table, with the tables that have them, in the order in which
    /// these were made.
    pub fn referrers(&self, table: u32) -> Vec<(&Arc<Table>, &ForeignKey)> {
        let keys = self.referring(table).flat_map(|child| {
            let of_child = child.foreign_keys.iter().filter(move |key| key.table == table);
            of_child.map(move |key| (child, key))
        });
        keys.collect()
    }

    /// Whether a table of a schema has a constraint of this name.
    fn has_constraint(&self, schema: &str, name: &str) -> bool {
        let mut tables = self.tables().filter(|table| table.schema == schema);
        tables.any(|table| table.has_constraint(name))
    }

    /// A name for a constraint, made of these parts: with a number behind it if a constraint of this
    /// or another table has it.
    pub fn free_constraint_name(&self, parts: &[&str], label: &str, table: &Table) -> String {
        free_name(parts, label, |name| {
            table.has_constraint(name) || self.has_constraint(&table.schema, name)
        })
    }

    /// The same for a sequence or an index of `schema`, whose name no relation may have; nor, if it is of a
    /// constraint of `table`, any constraint.
    pub fn free_relation_name(
        &self,
        schema: &str,
        parts: &[&str],
        label: &str,
        table: Option<&Table>,
    ) -> String {
        let is_own = |name: &str| {
            table.is_some_and(|table| {
                table.name == name
                    || table.indexes.iter().any(|index| index.name == name)
                    || table.has_constraint(name)
                    || self.has_constraint(schema, name)
            })
        };
        free_name(parts, label, |name| {
            self.is_taken(&RelationName::new(schema, name)) || is_own(name)
        })
    }
}

fn free_name(parts: &[&str], label: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (1..).map(|number| format!("{label}{number}"));
    let labels = std::iter::once(label.to_owned()).chain(numbered);
    let mut names = labels.map(|label| object_name(parts, &label));
    names.find(|name| !is_taken(name)).unwrap_or_default()
}

/// A name made of the name of a table, perhaps those of columns, and a label, as PostgreSQL makes
/// them (`makeObjectName`): what is too long is cut off where it is longest.
pub fn object_name(parts: &[&str], label: &str) -> String {
    let mut lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let room = MAX_NAME_BYTES.saturating_sub(label.len() + parts.len());
    while lengths.iter().sum::<usize>() > room {
        // Of two that are as long the second one.
        match lengths.iter_mut().max_by_key(|length| **length) {
            Some(length) => *length = length.saturating_sub(1),
            None => break,
        }
    }
    let mut words: Vec<&str> = Vec::new();
    for (part, length) in parts.iter().zip(lengths) {
        words.push(truncated(part, length));
    }
    words.push(label);
    words.join("_")
}

/// The first `bytes` of a name, at a boundary of a character.
pub fn truncated(name: &str, bytes: usize) -> &str {
    let mut end = name.len().min(bytes);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or_default()
}
