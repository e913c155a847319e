//! Primary keys, unique constraints and the indexes behind them, and conditions, from their clauses
//! to descriptors.

use datafusion::sql::sqlparser::ast::{self, Spanned};
use datafusion::sql::sqlparser::tokenizer::Span;

use super::Session;
use crate::binder::fold;
use crate::binder::position::position_of;
use crate::catalog::constraint::{Check, Deferral, MAX_NAME_BYTES, truncated};
use crate::catalog::{Index, Schema, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::{
    Attribute, ColumnClauseKind, ConstraintKind, NullsDistinct, References, TableConstraint,
};
use crate::parser::stored;
use crate::types::Type;

/// Most columns of an index, as in PostgreSQL.
const MAX_INDEX_COLUMNS: usize = 32;

/// Constraints to be made, each kind in the order written. This is the order of the kinds, too.
#[derive(Default)]
pub(super) struct Constraints {
    pub checks: Vec<Condition>,
    pub uniques: Vec<Unique>,
    pub keys: Vec<Key>,
}

/// A condition to be made a constraint.
pub(super) struct Condition {
    pub name: Option<String>,
    pub expr: ast::Expr,
    /// Whether rows that are there already are looked at.
    pub validate: bool,
}

/// A unique constraint to be made.
pub(super) struct Unique {
    pub name: Option<String>,
    pub columns: Vec<String>,
    /// INCLUDE.
    pub include: Vec<String>,
    pub primary: bool,
    pub nulls_not_distinct: bool,
    pub deferral: Option<Deferral>,
    /// USING INDEX.
    pub index: Option<String>,
    /// Where it stands in the statement.
    pub position: Option<usize>,
}

/// A foreign key to be made.
pub(super) struct Key {
    pub name: Option<String>,
    pub columns: Vec<String>,
    pub references: References,
    pub deferral: Option<Deferral>,
    /// Whether rows that are there already are looked at.
    pub validate: bool,
}

pub(super) fn place(sql: &str, node: &impl Spanned) -> Option<usize> {
    place_of(sql, node.span())
}

pub(super) fn place_of(sql: &str, span: Span) -> Option<usize> {
    position_of(sql, span.start.line, span.start.column)
}

pub(super) fn truncate_name(name: String) -> String {
    truncated(&name, MAX_NAME_BYTES).to_owned()
}

fn named(name: &Option<ast::Ident>) -> Option<String> {
    name.as_ref().map(|name| truncate_name(fold(name)))
}

fn syntax_error(message: &str) -> Error {
    Error::new(SqlState::SyntaxError, message)
}

/// When a constraint is checked, as said of a column's constraint. `more` follows it.
pub(super) fn column_deferral<'c>(
    more: impl Iterator<Item = (&'c ColumnClauseKind, Span)>,
    sql: &str,
) -> Result<Option<Deferral>> {
    let (mut deferrable, mut deferred): (Option<bool>, Option<bool>) = (None, None);
    for (kind, span) in more {
        let ColumnClauseKind::Attribute(attribute) = kind else { break };
        let at = |message| Err(syntax_error(message).at(place_of(sql, span)));
        let must_be = "constraint declared INITIALLY DEFERRED must be DEFERRABLE";
        match attribute {
            Attribute::Deferrable | Attribute::NotDeferrable => {
                if deferrable.is_some() {
                    return at("multiple DEFERRABLE/NOT DEFERRABLE clauses not allowed");
                }
                deferrable = Some(*attribute == Attribute::Deferrable);
                if deferrable == Some(false) && deferred == Some(true) {
                    return at(must_be);
                }
            }
            _ => {
                if deferred.is_some() {
                    return at("multiple INITIALLY IMMEDIATE/DEFERRED clauses not allowed");
                }
                deferred = Some(*attribute == Attribute::InitiallyDeferred);
                if deferrable == Some(false) && deferred == Some(true) {
                    return at(must_be);
                }
            }
        }
    }
    Ok(deferral(deferrable, deferred))
}

fn deferral(deferrable: Option<bool>, deferred: Option<bool>) -> Option<Deferral> {
    match (deferrable, deferred) {
        (Some(false), _) | (None, None | Some(false)) => None,
        (_, Some(true)) => Some(Deferral::Deferred),
        (Some(true), _) => Some(Deferral::Immediate),
    }
}

/// An attribute of a column that is none of a constraint.
pub(super) fn misplaced(attribute: Attribute) -> Error {
    let clause = match attribute {
        Attribute::Deferrable => "DEFERRABLE",
        Attribute::NotDeferrable => "NOT DEFERRABLE",
        Attribute::InitiallyDeferred => "INITIALLY DEFERRED",
        Attribute::InitiallyImmediate => "INITIALLY IMMEDIATE",
        Attribute::NotValid => "NOT VALID",
        Attribute::NoInherit => "NO INHERIT",
    };
    syntax_error(&format!("misplaced {clause} clause"))
}

/// What is said behind a constraint of a table: when it is checked, and whether it is at once.
pub(super) fn table_attributes(
    attributes: &[(Attribute, Span)],
    kind: &str,
    sql: &str,
) -> Result<(Option<Deferral>, bool)> {
    let has = |wanted| attributes.iter().any(|(attribute, _)| *attribute == wanted);
    for (at, (attribute, span)) in attributes.iter().enumerate() {
        let before = attributes.get(..at).unwrap_or_default();
        let had = |wanted| before.iter().any(|(attribute, _)| *attribute == wanted);
        let pair = |one, other| *attribute == one && had(other) || *attribute == other && had(one);
        let message = if pair(Attribute::NotDeferrable, Attribute::InitiallyDeferred) {
            "constraint declared INITIALLY DEFERRED must be DEFERRABLE"
        } else if pair(Attribute::NotDeferrable, Attribute::Deferrable)
            || pair(Attribute::InitiallyImmediate, Attribute::InitiallyDeferred)
        {
            "conflicting constraint properties"
        } else {
            continue;
        };
        return Err(syntax_error(message).at(place_of(sql, *span)));
    }
    let refused = |what: &str| {
        let message = format!("{kind} constraints cannot be marked {what}");
        Err(Error::new(SqlState::FeatureNotSupported, message))
    };
    let deferred = has(Attribute::InitiallyDeferred);
    let deferrable = deferred || has(Attribute::Deferrable);
    match kind {
        "CHECK" if deferrable => return refused("DEFERRABLE"),
        "CHECK" => {}
        "FOREIGN KEY" if has(Attribute::NoInherit) => return refused("NO INHERIT"),
        "FOREIGN KEY" => {}
        _ if has(Attribute::NotValid) => return refused("NOT VALID"),
        _ if has(Attribute::NoInherit) => return refused("NO INHERIT"),
        _ => {}
    }
    Ok((deferral(deferrable.then_some(true), Some(deferred)), !has(Attribute::NotValid)))
}

impl Constraints {
    /// Adds a constraint of a table.
    pub fn add(&mut self, constraint: &TableConstraint, sql: &str) -> Result<()> {
        let (name, position) = (named(&constraint.name), place_of(sql, constraint.span));
        let attributes = |kind: &str| table_attributes(&constraint.attributes, kind, sql);
        let unique_kind = |primary| if primary { "PRIMARY KEY" } else { "UNIQUE" };
        match &constraint.kind {
            ConstraintKind::Check(expr) => {
                let (_, validate) = attributes("CHECK")?;
                self.checks.push(Condition { name, expr: expr.clone(), validate });
            }
            ConstraintKind::Unique(clause) => {
                let (deferral, _) = attributes(unique_kind(clause.primary))?;
                let columns: Vec<String> = clause.columns.iter().map(fold).collect();
                let include: Vec<String> = clause.include.iter().map(fold).collect();
                check_width(columns.len() + include.len())?;
                self.uniques.push(Unique {
                    name,
                    columns,
                    include,
                    primary: clause.primary,
                    nulls_not_distinct: clause.nulls == NullsDistinct::NotDistinct,
                    deferral,
                    index: None,
                    position,
                });
            }
            ConstraintKind::UsingIndex(primary, index) => {
                let (deferral, _) = attributes(unique_kind(*primary))?;
                self.uniques.push(Unique {
                    name,
                    columns: Vec::new(),
                    include: Vec::new(),
                    primary: *primary,
                    nulls_not_distinct: false,
                    deferral,
                    index: Some(fold(index)),
                    position,
                });
            }
            ConstraintKind::ForeignKey(columns, references) => {
                let (deferral, validate) = attributes("FOREIGN KEY")?;
                self.keys.push(Key {
                    name,
                    columns: columns.iter().map(fold).collect(),
                    references: references.clone(),
                    deferral,
                    validate,
                });
            }
        }
        Ok(())
    }

    /// Adds a constraint that a column has, behind which `more` clauses stand. False if it is none.
    pub fn add_of_column<'c>(
        &mut self,
        column: &str,
        name: &Option<ast::Ident>,
        kind: &ColumnClauseKind,
        position: Option<usize>,
        more: impl Iterator<Item = (&'c ColumnClauseKind, Span)>,
        sql: &str,
    ) -> Result<bool> {
        let name = named(name);
        match kind {
            ColumnClauseKind::Check(expr) => {
                self.checks.push(Condition { name, expr: expr.clone(), validate: true });
            }
            ColumnClauseKind::PrimaryKey | ColumnClauseKind::Unique(_) => {
                let not_distinct = ColumnClauseKind::Unique(NullsDistinct::NotDistinct);
                self.uniques.push(Unique {
                    name,
                    columns: vec![column.to_owned()],
                    include: Vec::new(),
                    primary: *kind == ColumnClauseKind::PrimaryKey,
                    nulls_not_distinct: *kind == not_distinct,
                    deferral: column_deferral(more, sql)?,
                    index: None,
                    position,
                });
            }
            ColumnClauseKind::References(references) => self.keys.push(Key {
                name,
                columns: vec![column.to_owned()],
                references: references.clone(),
                deferral: column_deferral(more, sql)?,
                validate: true,
            }),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Refuses an index of too many columns.
pub(super) fn check_width(columns: usize) -> Result<()> {
    match columns > MAX_INDEX_COLUMNS {
        false => Ok(()),
        true => Err(Error::new(
            SqlState::TooManyColumns,
            format!("cannot use more than {MAX_INDEX_COLUMNS} columns in an index"),
        )),
    }
}

/// What stands for its columns in the name of an index that is given none: their names, told apart
/// by numbers.
pub(super) fn column_part(columns: &[String], included: &[String]) -> String {
    told_apart(columns.iter().chain(included)).join("_")
}

/// Names, with numbers behind those that came before.
pub(super) fn told_apart<'n>(names: impl IntoIterator<Item = &'n String>) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for name in names {
        let numbered = (1..).map(|n| format!("{name}{n}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        let free = names.find(|name| !parts.contains(name));
        parts.extend(free);
    }
    parts
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
    kinds.map(|column| column.kind().kind).try_for_each(check_has_order)
}

/// Refuses a type whose values have no order as that of a key.
pub(super) fn check_has_order(kind: Type) -> Result<()> {
    match kind.is_comparable() {
        true => Ok(()),
        false => Err(Error::new(
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

fn key_positions(table: &Table, unique: &Unique) -> Result<Vec<usize>> {
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

/// The error of a name that another constraint of the table has.
pub(super) fn constraint_exists(table: &Table, name: &str) -> Error {
    Error::new(
        SqlState::DuplicateObject,
        format!("constraint \"{name}\" for relation \"{}\" already exists", table.name),
    )
}

/// Refuses the name of an index of a constraint that something else has.
pub(super) fn check_index_name(schema: &Schema, table: &Table, name: &str) -> Result<()> {
    let mut own = table.all_indexes().filter(|index| index.storage != table.primary.storage);
    if schema.is_taken(&table.full_name().beside(name))
        || table.name == name
        || own.any(|index| index.name == name)
    {
        return Err(Error::new(
            SqlState::DuplicateTable,
            format!("relation \"{name}\" already exists"),
        ));
    }
    match table.has_constraint(name) {
        true => Err(constraint_exists(table, name)),
        false => Ok(()),
    }
}

/// The name that a unique constraint has, or is given.
fn unique_name(schema: &Schema, table: &Table, unique: &Unique) -> Result<String> {
    if let Some(name) = &unique.name {
        check_index_name(schema, table, name)?;
        return Ok(name.clone());
    }
    Ok(match unique.primary {
        true => schema.free_relation_name(&table.schema, &[&table.name], "pkey", Some(table)),
        false => {
            let columns = column_part(&unique.columns, &unique.include);
            schema.free_relation_name(&table.schema, &[&table.name, &columns], "key", Some(table))
        }
    })
}

/// The error of a second primary key.
pub(super) fn second_primary_key(table: &Table) -> Error {
    Error::new(
        SqlState::InvalidTableDefinition,
        format!("multiple primary keys for table \"{}\" are not allowed", table.name),
    )
}

/// Adds a unique constraint or primary key with an index of its own to a table that is being
/// defined. A primary key becomes what rows are stored by, unless it is checked late.
pub(super) fn add_unique(schema: &Schema, table: &mut Table, unique: &Unique) -> Result<()> {
    if unique.primary && table.primary_key().is_some() {
        return Err(second_primary_key(table).at(unique.position));
    }
    let columns = key_positions(table, unique)?;
    let include = included_positions(table, unique)?;
    let name = unique_name(schema, table, unique)?;
    if unique.primary {
        for position in &columns {
            if let Some(column) = table.columns.get_mut(*position) {
                column.not_null = true;
            }
        }
    }
    let stores_rows = unique.primary && unique.deferral.is_none();
    let storage = if stores_rows { table.primary.storage } else { schema.allocate_id() };
    let index = Index {
        include,
        unique: unique.deferral.is_none(),
        constraint: true,
        primary: unique.primary,
        nulls_not_distinct: unique.nulls_not_distinct,
        deferral: unique.deferral,
        ..Index::new(storage, name, columns)
    };
    match stores_rows {
        true => table.primary = index,
        false => table.indexes.push(index),
    }
    Ok(())
}

impl Session {
    /// Adds a condition to a table that is being defined, in one statement with those of the names
    /// `made` so far. The condition's name.
    pub(super) fn add_check(
        &self,
        table: &mut Table,
        condition: &Condition,
        made: &[String],
        sql: &str,
    ) -> Result<String> {
        self.with_binder(sql, |binder| binder.condition(table, &condition.expr))?;
        let name = match &condition.name {
            Some(name) if made.contains(name) => {
                return Err(Error::new(
                    SqlState::DuplicateObject,
                    format!("check constraint \"{name}\" already exists"),
                ));
            }
            Some(name) if table.has_constraint(name) => {
                return Err(constraint_exists(table, name));
            }
            Some(name) => name.clone(),
            None => {
                let names = stored::names(&condition.expr);
                let columns = names.iter().filter(|name| table.position(name).is_some());
                let columns: Vec<&str> = columns.map(String::as_str).collect();
                let parts = match columns.as_slice() {
                    [column] => vec![table.name.as_str(), column],
                    _ => vec![table.name.as_str()],
                };
                self.schema().free_constraint_name(&parts, "check", table)
            }
        };
        table.checks.push(Check {
            id: 0,
            name: name.clone(),
            expression: stored::to_text(&condition.expr),
            valid: condition.validate,
            comment: None,
        });
        Ok(name)
    }
}
