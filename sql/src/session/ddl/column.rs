//! A column from its clauses.
//!
//! The clauses are read in the order written, for the same errors as PostgreSQL's. What they say of
//! values is looked at when all columns are known.

use datafusion::sql::sqlparser::ast::{self, Expr};

use super::super::Session;
use super::super::constraints::{Constraints, misplaced, place_of, truncate_name};
use super::composites::check_storable;
use super::identity::SequenceOf;
use crate::binder::position::next_token;
use crate::binder::{fold, name_parts, types};
use crate::catalog::{Column, Identity, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::{ColumnClauseKind, ColumnDefinition, IdentityClause};
use crate::parser::stored;
use crate::system::names::Names;
use crate::types::{Type, TypeMod};

/// A column that is to be made.
pub(super) struct NewColumn {
    pub column: Column,
    /// The sequence behind it.
    pub sequence: Option<SequenceOf>,
    /// Its DEFAULT, as it was written.
    default: Option<Expr>,
    /// Its expression, if it is generated.
    generated: Option<Expr>,
}

pub(super) fn serial(data_type: &ast::DataType) -> Option<Type> {
    let ast::DataType::Custom(name, _) = data_type else { return None };
    match name_parts(name).last().map(String::as_str) {
        Some("serial" | "serial4") => Some(Type::Int4),
        Some("bigserial" | "serial8") => Some(Type::Int8),
        Some("smallserial" | "serial2") => Some(Type::Int2),
        _ => None,
    }
}

fn is_array_of_serial(data_type: &ast::DataType) -> bool {
    match data_type {
        ast::DataType::Array(ast::ArrayElemTypeDef::SquareBracket(element, _)) => {
            serial(element).is_some() || is_array_of_serial(element)
        }
        _ => false,
    }
}

/// The type of a definition that begins at `start`.
pub(super) fn type_of(
    data_type: &ast::DataType,
    names: &Names,
    sql: &str,
    start: Option<usize>,
) -> Result<TypeMod> {
    types::type_of(data_type, names).map_err(|e| e.at(start.and_then(|at| next_token(sql, at))))
}

/// The error of a sequence for a column of another type than an integer.
pub(super) fn check_identity_type(kind: Type) -> Result<()> {
    match kind {
        Type::Int2 | Type::Int4 | Type::Int8 => Ok(()),
        _ => Err(Error::new(
            SqlState::InvalidParameterValue,
            "identity column type must be smallint, integer, or bigint",
        )),
    }
}

/// What has been said of a column so far.
#[derive(Default)]
struct Said {
    null: bool,
    default: bool,
    identity: bool,
    generated: bool,
}

impl NewColumn {
    /// A column of the table `table`, of that name; with its constraints.
    pub fn new(
        table: &str,
        definition: &ColumnDefinition,
        constraints: &mut Constraints,
        names: &Names,
        sql: &str,
    ) -> Result<NewColumn> {
        let name = truncate_name(fold(&definition.name));
        let start = place_of(sql, definition.name.span);
        let serial = serial(&definition.data_type);
        if is_array_of_serial(&definition.data_type) {
            let message = "array of serial is not implemented";
            return Err(Error::new(SqlState::FeatureNotSupported, message)
                .at(start.and_then(|at| next_token(sql, at))));
        }
        let kind = match serial {
            Some(kind) => TypeMod::plain(kind),
            None => {
                let ty = type_of(&definition.data_type, names, sql, start)?;
                check_storable(ty.kind, &name)?;
                ty
            }
        };
        let mut new = NewColumn {
            column: Column::new(name, kind),
            sequence: None,
            default: None,
            generated: None,
        };
        let mut said = Said::default();
        // An attribute goes with the constraint before it.
        let mut takes_attributes = false;
        let clauses = &definition.clauses;
        for (at, clause) in clauses.iter().enumerate() {
            let position = place_of(sql, clause.span);
            let behind = clauses.get(at + 1..).unwrap_or_default().iter();
            let more = behind.map(|clause| (&clause.kind, clause.span));
            if let ColumnClauseKind::Attribute(attribute) = clause.kind {
                if !takes_attributes {
                    return Err(misplaced(attribute).at(position));
                }
                continue;
            }
            takes_attributes = matches!(
                clause.kind,
                ColumnClauseKind::PrimaryKey
                    | ColumnClauseKind::Unique(_)
                    | ColumnClauseKind::References(_)
            );
            let name = new.column.name.clone();
            if constraints.add_of_column(&name, &clause.name, &clause.kind, position, more, sql)? {
                new.column.not_null |= clause.kind == ColumnClauseKind::PrimaryKey;
                continue;
            }
            new.say(table, &mut said, &clause.kind, sql).map_err(|error| error.at(position))?;
        }
        if let Some(kind) = serial {
            new.say_default(table, &mut said)?;
            new.say_null(table, &mut said, true)?;
            new.sequence = Some(SequenceOf { kind, options: Vec::new() });
        }
        Ok(new)
    }

    /// A column of another table, whose values have been looked at there.
    pub fn known(column: Column, sequence: Option<SequenceOf>) -> NewColumn {
        NewColumn { column, sequence, default: None, generated: None }
    }

    fn conflict(&self, what: &str, table: &str) -> Error {
        let column = &self.column.name;
        let message = format!("{what} for column \"{column}\" of table \"{table}\"");
        Error::new(SqlState::SyntaxError, message)
    }

    fn say_null(&mut self, table: &str, said: &mut Said, not_null: bool) -> Result<()> {
        if said.null && self.column.not_null != not_null {
            return Err(self.conflict("conflicting NULL/NOT NULL declarations", table));
        }
        said.null = true;
        self.column.not_null = not_null;
        Ok(())
    }

    fn say_default(&mut self, table: &str, said: &mut Said) -> Result<()> {
        if said.default {
            return Err(self.conflict("multiple default values specified", table));
        }
        said.default = true;
        self.check_said(table, said)
    }

    fn check_said(&self, table: &str, said: &Said) -> Result<()> {
        let both = match (said.default, said.identity, said.generated) {
            (true, true, _) => "both default and identity specified",
            (true, _, true) => "both default and generation expression specified",
            (_, true, true) => "both identity and generation expression specified",
            _ => return Ok(()),
        };
        Err(self.conflict(both, table))
    }

    fn say(
        &mut self,
        table: &str,
        said: &mut Said,
        clause: &ColumnClauseKind,
        sql: &str,
    ) -> Result<()> {
        match clause {
            ColumnClauseKind::Null => self.say_null(table, said, false),
            ColumnClauseKind::NotNull => self.say_null(table, said, true),
            ColumnClauseKind::Default(expr) => {
                self.say_default(table, said)?;
                self.column.default = Some(stored::to_text(expr));
                self.default = Some(expr.clone());
                Ok(())
            }
            ColumnClauseKind::Identity(IdentityClause { always, options }) => {
                if said.identity {
                    return Err(self.conflict("multiple identity specifications", table));
                }
                let kind = self.column.kind().kind;
                check_identity_type(kind).map_err(without_position)?;
                let identity = if *always { Identity::Always } else { Identity::ByDefault };
                let options = options.clone();
                self.sequence = Some(SequenceOf { kind, options });
                self.column.identity = Some(identity);
                said.identity = true;
                self.say_null(table, said, true)?;
                self.check_said(table, said)
            }
            ColumnClauseKind::Generated(by_default, expr) => {
                if let Some(span) = by_default {
                    return Err(Error::new(
                        SqlState::SyntaxError,
                        "for a generated column, GENERATED ALWAYS must be specified",
                    )
                    .at(place_of(sql, *span)));
                }
                if said.generated {
                    return Err(self.conflict("multiple generation clauses specified", table));
                }
                said.generated = true;
                self.column.generated = Some(stored::to_text(expr));
                self.generated = Some(expr.clone());
                self.check_said(table, said)
            }
            ColumnClauseKind::Collate(collation) => match name_parts(collation).last() {
                Some(name) if matches!(name.as_str(), "C" | "POSIX" | "default" | "ucs_basic") => {
                    Ok(())
                }
                _ => Err(Error::unsupported(format!("collation {collation}"))),
            },
            ColumnClauseKind::Check(_)
            | ColumnClauseKind::Unique(_)
            | ColumnClauseKind::PrimaryKey
            | ColumnClauseKind::References(_)
            | ColumnClauseKind::Attribute(_) => {
                Err(Error::internal("a clause of a column that is a constraint"))
            }
        }
    }
}

/// An error whose place in the statement PostgreSQL does not tell.
pub(super) fn without_position(error: Error) -> Error {
    match error {
        Error::Report(mut report) => {
            report.position = None;
            Error::Report(report)
        }
        other => other,
    }
}

impl Session {
    /// Looks at what a column of `table`, which has it already, says of its values.
    pub(super) fn check_values(&self, table: &Table, new: &NewColumn, sql: &str) -> Result<()> {
        self.with_binder(sql, |binder| {
            if let Some(expr) = &new.default {
                binder.check_default(&new.column, expr)?;
            }
            if let Some(expr) = &new.generated {
                binder.generated(table, &new.column, expr)?;
            }
            Ok(())
        })
    }
}
