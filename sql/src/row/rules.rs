//! What the rows of a table have to satisfy, compiled once for many of them.
//!
//! A row that is about to be written is *completed*: its generated columns are computed, and NOT
//! NULL and CHECK looked at. What concerns other rows is noted ([`super::event`]) and looked at when
//! the statement has ended.

use std::borrow::Cow;
use std::sync::Arc;

use super::describe::describe_row;
use super::expr::RowExpr;
use super::reference::Reference;
use super::{Env, Frame};
use crate::catalog::Table;
use crate::error::{Error, Result, SqlState};
use crate::types::Datum;
use crate::types::io::Style;

/// The rules of one table.
#[derive(Debug, Default)]
pub struct Rules {
    /// Its generated columns.
    pub generated: Vec<Generated>,
    /// Its conditions, in the order in which PostgreSQL looks at them: by their names.
    pub checks: Vec<Condition>,
    /// Its foreign keys.
    pub references: Vec<Arc<Reference>>,
    /// Foreign keys that refer to it.
    pub referrers: Vec<Arc<Reference>>,
}

/// A generated column.
#[derive(Debug)]
pub struct Generated {
    /// Its position.
    pub column: usize,
    /// Its value, over the row.
    pub expr: RowExpr,
    /// The columns that this uses.
    pub uses: Vec<usize>,
}

/// A CHECK constraint.
#[derive(Debug)]
pub struct Condition {
    /// Its name.
    pub name: String,
    /// The condition, over the row.
    pub expr: RowExpr,
}

impl Generated {
    /// Whether it has another value, or may have, when these columns have.
    fn follows(&self, changed: Option<&[usize]>) -> bool {
        changed.is_none_or(|changed| {
            changed.iter().any(|column| *column == self.column || self.uses.contains(column))
        })
    }
}

impl Rules {
    /// The columns that change when these do, themselves included.
    pub fn changed_with<'p>(&self, positions: &'p [usize]) -> Cow<'p, [usize]> {
        let generated = self.generated.iter().filter(|generated| {
            generated.follows(Some(positions)) && !positions.contains(&generated.column)
        });
        let mut changed = Cow::Borrowed(positions);
        for generated in generated {
            changed.to_mut().push(generated.column);
        }
        changed
    }

    /// Completes a row, of which these columns are new; `None`: all of them.
    pub fn complete(
        &self,
        table: &Table,
        row: &mut [Datum],
        changed: Option<&[usize]>,
        env: &Env,
        style: &Style,
    ) -> Result<()> {
        for generated in self.generated.iter().filter(|generated| generated.follows(changed)) {
            let value = generated.expr.eval(row, &Frame::new(env))?;
            if let Some(place) = row.get_mut(generated.column) {
                *place = value;
            }
        }
        self.check(table, row, env, style)
    }

    /// Refuses a row with NULL where there may be none, or with a condition that is false.
    fn check(&self, table: &Table, row: &[Datum], env: &Env, style: &Style) -> Result<()> {
        for (column, value) in table.columns.iter().zip(row) {
            if column.not_null && !column.hidden && value.is_null() {
                return Err(Error::new(
                    SqlState::NotNullViolation,
                    format!(
                        "null value in column \"{}\" of relation \"{}\" violates not-null constraint",
                        column.name, table.name
                    ),
                )
                .detail(failing_row(table, row, style)?)
                .table(table)
                .column(&column.name));
            }
        }
        if let Some(name) = self.violated(row, env)? {
            return Err(Error::new(
                SqlState::CheckViolation,
                format!(
                    "new row for relation \"{}\" violates check constraint \"{name}\"",
                    table.name
                ),
            )
            .detail(failing_row(table, row, style)?)
            .table(table)
            .constraint(name));
        }
        Ok(())
    }

    /// The name of the first condition that is false.
    pub fn violated(&self, row: &[Datum], env: &Env) -> Result<Option<&str>> {
        for condition in &self.checks {
            if let Datum::Bool(false) = condition.expr.eval(row, &Frame::new(env))? {
                return Ok(Some(&condition.name));
            }
        }
        Ok(None)
    }
}

/// Refuses a row that a view does not show, if it came in through that view.
pub fn check_views(
    conditions: &[Condition],
    table: &Table,
    row: &[Datum],
    env: &Env,
    style: &Style,
) -> Result<()> {
    for condition in conditions {
        if !condition.expr.eval(row, &Frame::new(env))?.is_true() {
            let message = format!("new row violates check option for view \"{}\"", condition.name);
            return Err(Error::new(SqlState::WithCheckOptionViolation, message)
                .detail(failing_row(table, row, style)?));
        }
    }
    Ok(())
}

fn failing_row(table: &Table, row: &[Datum], style: &Style) -> Result<String> {
    Ok(format!("Failing row contains ({}).", describe_row(table, row, style)?))
}
