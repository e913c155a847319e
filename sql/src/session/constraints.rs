//! Primary keys, unique constraints and the indexes behind them, from their clauses to descriptors.

use datafusion::sql::sqlparser::ast::{self, Spanned, TableConstraint};

use crate::binder::fold;
use crate::binder::position::{position_of, token_after, token_before};
use crate::catalog::{Index, Schema, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::include::included;

/// Most columns of an index, as in PostgreSQL.
const MAX_INDEX_COLUMNS: usize = 32;
/// Longest name, as in PostgreSQL.
const MAX_NAME_BYTES: usize = 63;

/// A constraint of a table being made.
pub(super) struct Unique {
    pub name: Option<String>,
    pub columns: Vec<String>,
    /// INCLUDE.
    pub include: Vec<String>,
    pub primary: bool,
    /// Where it stands in the statement.
    pub position: Option<usize>,
}

pub(super) fn place(sql: &str, node: &impl Spanned) -> Option<usize> {
    let start = node.span().start;
    position_of(sql, start.line, start.column)
}

/// Where the `nth` of these key words behind a place stands.
pub(super) fn nth_word(sql: &str, from: Option<usize>, word: &str, nth: usize) -> Option<usize> {
    let mut at = from;
    for _ in 0..nth {
        at = token_after(sql, at? + 1, &[word]);
    }
    at
}

pub(super) fn truncate_name(name: String) -> String {
    let mut end = name.len().min(MAX_NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or_default().to_owned()
}

/// The key columns of an index that has so many `included` ones besides.
pub(super) fn index_columns(columns: &[ast::IndexColumn], included: usize) -> Result<Vec<String>> {
    if columns.len() + included > MAX_INDEX_COLUMNS {
        return Err(Error::new(
            SqlState::TooManyColumns,
            format!("cannot use more than {MAX_INDEX_COLUMNS} columns in an index"),
        ));
    }
    let names = columns.iter().map(|column| match &column.column.expr {
        ast::Expr::Identifier(ident)
            if column.column.options.asc != Some(false)
                && column.column.options.nulls_first != Some(true)
                && column.operator_class.is_none() =>
        {
            Ok(fold(ident))
        }
        _ => Err(Error::unsupported("an index on an expression, or in another order")),
    });
    names.collect()
}

/// What an index without a name is called: its table, its columns, told apart by numbers, and what
/// it is.
pub(super) fn index_name(
    table: &Table,
    columns: &[String],
    included: &[String],
    suffix: &str,
) -> String {
    let mut parts: Vec<String> = Vec::new();
    for name in columns.iter().chain(included) {
        let numbered = (1..).map(|n| format!("{name}{n}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        let free = names.find(|name| !parts.contains(name));
        parts.extend(free);
    }
    truncate_name(format!("{}_{}_{suffix}", table.name, parts.join("_")))
}

pub(super) fn positions(table: &Table, names: &[String]) -> Result<Vec<usize>> {
    let mut found = Vec::new();
    for name in names {
        let position = table.position(name).ok_or_else(|| {
            Error::new(SqlState::UndefinedColumn, format!("column \"{name}\" does not exist"))
        })?;
        found.push(position);
    }
    Ok(found)
}

/// Refuses keys whose values have no order.
pub(super) fn check_sortable(table: &Table, key: &[usize]) -> Result<()> {
    let kinds = key.iter().filter_map(|position| table.columns.get(*position));
    match kinds.map(|column| column.kind().kind).find(|kind| !kind.is_comparable()) {
        None => Ok(()),
        Some(kind) => Err(Error::new(
            SqlState::UndefinedObject,
            format!(
                "data type {} has no default operator class for access method \"btree\"",
                kind.name()
            ),
        )
        .hint("You must specify an operator class for the index or define a default operator class for the data type.")),
    }
}

/// The error of a constraint on a column that is not there.
pub(super) fn no_key_column(name: &str) -> Error {
    Error::new(SqlState::UndefinedColumn, format!("column \"{name}\" named in key does not exist"))
}

pub(super) fn key_positions(table: &Table, unique: &Unique) -> Result<Vec<usize>> {
    let mut found = Vec::new();
    for name in &unique.columns {
        let position = table.position(name);
        let position = position.ok_or_else(|| no_key_column(name).at(unique.position))?;
        if found.contains(&position) {
            let what = if unique.primary { "primary key" } else { "unique" };
            return Err(Error::new(
                SqlState::DuplicateColumn,
                format!("column \"{name}\" appears twice in {what} constraint"),
            )
            .at(unique.position));
        }
        found.push(position);
    }
    check_sortable(table, &found)?;
    Ok(found)
}

/// Of the included columns, which may be named more than once.
fn included_positions(table: &Table, unique: &Unique) -> Result<Vec<usize>> {
    let missing = |name: &String| no_key_column(name).at(unique.position);
    let names = unique.include.iter();
    names.map(|name| table.position(name).ok_or_else(|| missing(name))).collect()
}

pub(super) fn set_primary_key(
    schema: &mut Schema,
    table: &mut Table,
    unique: &Unique,
) -> Result<()> {
    let columns = key_positions(table, unique)?;
    let include = included_positions(table, unique)?;
    for position in &columns {
        if let Some(column) = table.columns.get_mut(*position) {
            column.not_null = true;
        }
    }
    let name = match &unique.name {
        Some(name) => {
            if schema.is_taken(name) {
                return Err(Error::new(
                    SqlState::DuplicateTable,
                    format!("relation \"{name}\" already exists"),
                ));
            }
            name.clone()
        }
        None => schema.free_name(&truncate_name(format!("{}_pkey", table.name))),
    };
    table.primary =
        Index { name, columns, include, unique: true, constraint: true, ..table.primary };
    Ok(())
}

pub(super) fn unique_index(schema: &mut Schema, table: &Table, unique: &Unique) -> Result<Index> {
    let columns = key_positions(table, unique)?;
    let include = included_positions(table, unique)?;
    let name = match &unique.name {
        Some(name) if schema.is_taken(name) => {
            return Err(Error::new(
                SqlState::DuplicateTable,
                format!("relation \"{name}\" already exists"),
            ));
        }
        Some(name) => name.clone(),
        None => schema.free_name(&index_name(table, &unique.columns, &unique.include, "key")),
    };
    let storage = schema.allocate_id();
    Ok(Index { storage, name, columns, include, unique: true, constraint: true })
}

pub(super) fn unique_constraint(constraint: &TableConstraint, sql: &str) -> Result<Unique> {
    let before = |columns: &[ast::IndexColumn], word: &str| {
        let first = columns.first().and_then(|column| place(sql, &column.column.expr));
        first.and_then(|at| token_before(sql, at, &[word]))
    };
    let deferral = match constraint {
        TableConstraint::PrimaryKey(key) => &key.characteristics,
        TableConstraint::Unique(key) => &key.characteristics,
        _ => &None,
    };
    if deferral.is_some() {
        return Err(Error::unsupported("a deferrable constraint"));
    }
    match constraint {
        TableConstraint::PrimaryKey(key) => {
            let include = included(&key.index_options);
            Ok(Unique {
                name: key.name.as_ref().map(fold),
                columns: index_columns(&key.columns, include.len())?,
                include,
                primary: true,
                position: before(&key.columns, "PRIMARY"),
            })
        }
        TableConstraint::Unique(key) => {
            let include = included(&key.index_options);
            Ok(Unique {
                name: key.name.as_ref().map(fold),
                columns: index_columns(&key.columns, include.len())?,
                include,
                primary: false,
                position: before(&key.columns, "UNIQUE"),
            })
        }
        TableConstraint::Check(_) => Err(Error::unsupported("CHECK")),
        TableConstraint::ForeignKey(_) => Err(Error::unsupported("FOREIGN KEY")),
        other => Err(Error::unsupported(format!("constraint {other}"))),
    }
}
