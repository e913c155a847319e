//! Elements and slices of arrays as what INSERT and UPDATE set: `SET a[1] = 2`, `INSERT INTO t (a[1:2])`.
//!
//! The column gets its whole array anew, made of the one before and the part. Several parts of one
//! column are set one after the other.

use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::ast::{self, AccessExpr};

use super::dml::Assignments;
use super::{Binder, Bound, name_parts};
use crate::catalog::{Column, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::arrays::subscripts;

/// A column that a statement sets.
pub(super) struct Target {
    /// Its name.
    pub(super) name: String,
    /// Its position in the table.
    pub(super) column: usize,
    /// None: all of it.
    pub(super) subscripts: Vec<AccessExpr>,
    /// Where it stands.
    pub(super) position: Option<usize>,
}

impl Target {
    /// An error where DEFAULT stands for a part.
    pub(super) fn check_default(&self) -> Result<()> {
        if self.subscripts.is_empty() {
            return Ok(());
        }
        let message = match self.subscripts.first() {
            Some(AccessExpr::Dot(_)) => "cannot set a subfield to DEFAULT",
            _ => "cannot set an array element to DEFAULT",
        };
        Err(Error::new(SqlState::FeatureNotSupported, message).at(self.position))
    }
}

/// For each target the place of its value in a row of the source, if it has one: parts of one column share
/// theirs.
pub(super) fn places(targets: &[Target], has_value: impl Fn(usize) -> bool) -> Vec<Option<usize>> {
    let mut places: Vec<Option<usize>> = Vec::with_capacity(targets.len());
    let mut next = 0;
    for (index, target) in targets.iter().enumerate() {
        let before = targets.iter().take(index).position(|other| other.column == target.column);
        let place = match before {
            Some(before) => places.get(before).copied().flatten(),
            None if has_value(index) => {
                next += 1;
                Some(next - 1)
            }
            None => None,
        };
        places.push(place);
    }
    places
}

impl Binder<'_> {
    /// The column that a name in a list of those to set means. What follows a dot is a field of it.
    pub(super) fn set_target(
        &self,
        table: &Table,
        name_of_target: &ast::ObjectName,
    ) -> Result<Target> {
        let written = name_parts(name_of_target).into_iter().next().unwrap_or_default();
        let position = self.position_of(name_of_target);
        let (name, mut subscripts) = subscripts(&written)?;
        let fields = name_of_target.0.iter().skip(1).filter_map(|part| part.as_ident());
        subscripts
            .extend(fields.map(|field| AccessExpr::Dot(ast::Expr::Identifier(field.clone()))));
        let column = table.position(name).ok_or_else(|| {
            Error::new(
                SqlState::UndefinedColumn,
                format!("column \"{name}\" of relation \"{}\" does not exist", table.name),
            )
            .at(position)
        })?;
        // A view may show a column twice.
        let column = self.shown_twice(table, column).unwrap_or(column);
        Ok(Target { name: name.to_owned(), column, subscripts, position })
    }

    /// Puts a value that an INSERT gives into its place in a row, converted to what is set.
    pub(super) fn put_value(
        &self,
        column: &Column,
        target: &Target,
        value: Bound,
        place: usize,
        row: &mut Vec<Expr>,
    ) -> Result<()> {
        if target.subscripts.is_empty() {
            row.push(self.assign(column, value)?);
            return Ok(());
        }
        let ty = column.kind();
        let expr = match row.get(place) {
            Some(before) => before.clone(),
            None => self.null(ty.kind)?.expr,
        };
        let array = Bound { expr, ty, position: target.position };
        let array = self.assign_subscripts(&target.name, array, &target.subscripts, value)?;
        row.truncate(place);
        row.push(self.assign(column, array)?);
        Ok(())
    }

    /// The new array of a column, a part of which an UPDATE sets, on top of what it has set before.
    pub(super) fn assigned_part(
        &self,
        table: &Table,
        column: &Column,
        target: &Target,
        value: Bound,
        assignments: &mut Assignments,
    ) -> Result<()> {
        let before = assignments.values.iter().position(|(index, _)| *index == target.column);
        let expr = match before {
            Some(before) => assignments.values.remove(before).1,
            None => self.current_value(table, target.column)?,
        };
        let array = Bound { expr, ty: column.kind(), position: target.position };
        let array = self.assign_subscripts(&target.name, array, &target.subscripts, value)?;
        let at = before.unwrap_or(assignments.values.len());
        assignments.values.insert(at, (target.column, self.assign(column, array)?));
        Ok(())
    }

    /// What a column of the changed table, whose columns are the first in scope, has in the row.
    fn current_value(&self, table: &Table, index: usize) -> Result<Expr> {
        let levels = self.levels.borrow();
        let origin = Some((table.id, index as i16 + 1));
        let columns = levels.last().map(|level| level.scope.columns.as_slice()).unwrap_or_default();
        let column = columns.iter().find(|column| column.origin == origin);
        let column = column.ok_or_else(|| Error::internal("a column is out of scope"))?;
        Ok(Expr::Column(column.column.clone()))
    }
}
