//! `pg_constraint`.

use super::names::shown_indexes;
use super::names::stored_namespace;
use super::{Asked, classes, definitions, oid, text};
use crate::catalog::constraint::{Action, Deferral, ForeignKey};
use crate::catalog::types::TypeShape;
use crate::catalog::{Schema, Table};
use crate::error::Result;
use crate::row::Row;
use crate::types::array::Array;
use crate::types::{Datum, Type};
use std::sync::Arc;

/// A line.
struct Line<'a> {
    oid: u32,
    name: &'a str,
    kind: &'static str,
    deferral: Option<Deferral>,
    valid: bool,
    index: u32,
    columns: Vec<usize>,
    foreign: Option<&'a ForeignKey>,
    condition: Option<&'a str>,
}

fn numbers(columns: &[usize]) -> Result<Datum> {
    let items = columns.iter().map(|at| Datum::Int16(*at as i16 + 1)).collect();
    Ok(Array::of(Type::Int2, items)?.to_datum())
}

fn action(action: Action) -> &'static str {
    match action {
        Action::NoAction => "a",
        Action::Restrict => "r",
        Action::Cascade => "c",
        Action::SetNull => "n",
        Action::SetDefault => "d",
    }
}

/// The number of the operator `=` of the type of each referred column.
fn equality(schema: &Schema, key: &ForeignKey) -> Result<Datum> {
    let referred = schema.table_by_id(key.table);
    let operators = key.referred.iter().map(|at| {
        let column = referred.and_then(|table| table.columns.get(*at));
        let kind = match column.map_or(Type::Text, |column| column.kind().kind) {
            Type::Varchar => Type::Text,
            kind => kind,
        };
        let found = super::facts::OPERATORS.iter().find(|line| {
            line.text(1) == "=" && line.oid(5) == kind.oid() && line.oid(6) == kind.oid()
        });
        oid(found.map_or(0, |line| line.oid(0)))
    });
    Ok(Array::of(Type::Oid, operators.collect())?.to_datum())
}

impl Line<'_> {
    fn row(self, table: &Table, schema: &Schema) -> Result<Row> {
        let of_key = |value: fn(&ForeignKey) -> &'static str| text(self.foreign.map_or(" ", value));
        let equal = match self.foreign {
            Some(key) => equality(schema, key)?,
            None => Datum::Null,
        };
        let set_columns = match self.foreign.filter(|key| !key.set_columns.is_empty()) {
            Some(key) => numbers(&key.set_columns)?,
            None => Datum::Null,
        };
        Ok(vec![
            oid(self.oid),
            text(self.name),
            oid(stored_namespace(schema, &table.schema)),
            text(self.kind),
            Datum::Bool(self.deferral.is_some()),
            Datum::Bool(self.deferral == Some(Deferral::Deferred)),
            Datum::Bool(self.valid),
            oid(table.id),
            oid(0),
            oid(self.index),
            oid(0),
            oid(self.foreign.map_or(0, |key| key.table)),
            of_key(|key| action(key.on_update)),
            of_key(|key| action(key.on_delete)),
            of_key(|key| if key.full { "f" } else { "s" }),
            Datum::Bool(true),
            Datum::Int32(0),
            // What is inherited by no table is so by all of them, but for conditions.
            Datum::Bool(self.kind != "c"),
            match self.columns.is_empty() {
                true => Datum::Null,
                false => numbers(&self.columns)?,
            },
            match self.foreign {
                Some(key) => numbers(&key.referred)?,
                None => Datum::Null,
            },
            equal.clone(),
            equal.clone(),
            equal,
            set_columns,
            Datum::Null,
            self.condition.map_or(Datum::Null, text),
        ])
    }
}

fn of_table<'t>(table: &'t Table, schema: &Schema) -> Vec<Line<'t>> {
    let mut lines = Vec::new();
    for check in &table.checks {
        lines.push(Line {
            oid: check.id,
            name: &check.name,
            kind: "c",
            deferral: None,
            valid: check.valid,
            index: 0,
            columns: definitions::columns_in(&check.expression, table),
            foreign: None,
            condition: Some(&check.expression),
        });
    }
    for index in shown_indexes(table).filter(|index| index.constraint) {
        let is_primary = table.primary_key().is_some_and(|key| key.storage == index.storage);
        lines.push(Line {
            oid: index.oid(),
            name: &index.name,
            kind: if is_primary { "p" } else { "u" },
            deferral: index.deferral,
            valid: true,
            index: index.oid(),
            columns: index.columns.clone(),
            foreign: None,
            condition: None,
        });
    }
    for key in &table.foreign_keys {
        let referred = schema.table_by_id(key.table);
        let index = referred.and_then(|table| {
            table.all_indexes().find(|index| index.name == key.index).map(|index| index.oid())
        });
        lines.push(Line {
            oid: key.id,
            name: &key.name,
            kind: "f",
            deferral: key.deferral,
            valid: key.valid,
            index: index.unwrap_or_default(),
            columns: key.columns.clone(),
            foreign: Some(key),
            condition: None,
        });
    }
    lines
}

/// The conditions of domains.
fn of_domains(asked: &Asked<'_>) -> Vec<Row> {
    let schema = &asked.system.schema;
    let mut rows = Vec::new();
    for made in schema.types().filter(|made| asked.wants("contypid", made.id)) {
        let TypeShape::Domain(domain) = &made.shape else { continue };
        for check in domain.checks.iter().filter(|check| asked.wants("oid", check.id)) {
            rows.push(vec![
                oid(check.id),
                text(check.name.as_str()),
                oid(stored_namespace(schema, &made.schema)),
                text("c"),
                Datum::Bool(false),
                Datum::Bool(false),
                Datum::Bool(check.valid),
                oid(0),
                oid(made.id),
                oid(0),
                oid(0),
                oid(0),
                text(" "),
                text(" "),
                text(" "),
                Datum::Bool(true),
                Datum::Int32(0),
                Datum::Bool(false),
                Datum::Null,
                Datum::Null,
                Datum::Null,
                Datum::Null,
                Datum::Null,
                Datum::Null,
                Datum::Null,
                text(check.expression.as_str()),
            ]);
        }
    }
    rows
}

/// The tables whose constraints are asked for, by the column that leaves the fewest.
fn tables(asked: &Asked<'_>, referred: Option<&[u32]>) -> Vec<Arc<Table>> {
    match referred {
        _ if asked.oids("conrelid").is_some() => classes::tables(asked, "conrelid"),
        // Constraints that are no foreign keys refer to no table.
        Some(referred) if !referred.contains(&0) => {
            let schema = &asked.system.schema;
            let referring = referred.iter().flat_map(|table| schema.referring(*table));
            let mut found: Vec<Arc<Table>> = referring.cloned().collect();
            found.sort_by_key(|table| table.id);
            found.dedup_by_key(|table| table.id);
            found
        }
        _ => classes::tables_with(asked, "oid"),
    }
}

/// pg_constraint.
pub fn constraints(asked: &Asked<'_>) -> Result<Vec<Row>> {
    let schema = &asked.system.schema;
    let (oids, referred) = (asked.oids("oid"), asked.oids("confrelid"));
    let mut rows = Vec::new();
    for table in tables(asked, referred.as_deref()) {
        for line in of_table(&table, schema) {
            let of_other = referred.as_ref().is_some_and(|referred| {
                referred.binary_search(&line.foreign.map_or(0, |key| key.table)).is_err()
            });
            let unasked = oids.as_ref().is_some_and(|oids| oids.binary_search(&line.oid).is_err());
            if !of_other && !unasked {
                rows.push(line.row(&table, schema)?);
            }
        }
    }
    if asked.wants("conrelid", 0) && referred.is_none() {
        rows.extend(of_domains(asked));
    }
    Ok(rows)
}
