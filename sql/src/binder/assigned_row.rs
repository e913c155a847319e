//! `SET (a, b) = ...`: several columns set from a row.

use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast;

use super::dml::Assignments;
use super::subplan::Form;
use super::{Binder, Bound, BoundQuery, OutputColumn, computed};
use crate::error::{Error, Result, SqlState};
use crate::row::tuple;
use crate::types::TypeMod;

/// What a column of an UPDATE is set to.
pub(super) enum Assigned<'a> {
    Expr(&'a ast::Expr),
    /// A column of a subquery.
    Bound(Bound),
}

/// Whether a call is ROW(...).
fn is_row(call: &ast::Function) -> bool {
    let [name] = call.name.0.as_slice() else { return false };
    let name = name.as_ident().filter(|name| name.quote_style.is_none());
    name.is_some_and(|name| name.value.eq_ignore_ascii_case("row"))
}

/// The values of ROW(...), if they are all written one by one.
fn row_values(call: &ast::Function) -> Option<Vec<&ast::Expr>> {
    let ast::FunctionArguments::List(list) = &call.args else { return None };
    if !is_row(call) {
        return None;
    }
    let values = list.args.iter().map(|arg| match arg {
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    values.collect()
}

impl Binder<'_> {
    /// The values of `(a, b) = ...`: a row constructor's, or the columns of a subquery.
    pub(super) fn assigned_row<'a>(
        &self,
        value: &'a ast::Expr,
        count: usize,
        bound: &mut Assignments,
    ) -> Result<Vec<Assigned<'a>>> {
        let wrong_count = |position| {
            let message = "number of columns does not match number of values";
            Err(Error::new(SqlState::SyntaxError, message).at(position))
        };
        let mut inner = value;
        while let ast::Expr::Nested(nested) = inner {
            inner = nested;
        }
        match (value, inner) {
            (ast::Expr::Tuple(values), _) if values.len() == count => {
                Ok(values.iter().map(Assigned::Expr).collect())
            }
            (ast::Expr::Tuple(values), _) => {
                let first = values.first();
                wrong_count(first.and_then(|value| self.position_before(value, &["("])))
            }
            (ast::Expr::Function(call), _) if row_values(call).is_some() => {
                let values = row_values(call).unwrap_or_default();
                match values.len() == count {
                    true => Ok(values.into_iter().map(Assigned::Expr).collect()),
                    false => wrong_count(self.position_of(value)),
                }
            }
            (ast::Expr::Function(call), _) if is_row(call) => {
                let values = self.row_values(value)?.unwrap_or_default();
                match values.len() == count {
                    true => Ok(values.into_iter().map(Assigned::Bound).collect()),
                    false => wrong_count(self.position_of(value)),
                }
            }
            (_, ast::Expr::Subquery(query)) => {
                let name = self.fresh("x");
                let (row, columns) = self.row_of(query)?;
                if columns.len() != count {
                    return wrong_count(self.position_before(&**query, &["("]));
                }
                bound.rows.push((name.clone(), row));
                let columns = columns.into_iter().enumerate().map(|(index, column)| {
                    let kind = column.ty.kind;
                    let expr = tuple::field(computed(&name), index, kind);
                    Assigned::Bound(Bound { expr, ty: column.ty, position: column.position })
                });
                Ok(columns.collect())
            }
            _ => Err(Error::new(
                SqlState::FeatureNotSupported,
                "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression",
            )
            .at(self.position_of(inner))),
        }
    }

    /// A subquery whose row is one value, and the columns that can be taken out of it.
    fn row_of(&self, query: &ast::Query) -> Result<(Expr, Vec<OutputColumn>)> {
        let (query, captured) = self.subquery_of(query)?;
        let BoundQuery { plan, columns } = self.settle_outputs(query)?;
        let values = plan.schema().columns().into_iter().map(Expr::Column).collect();
        let row = tuple::pack(values).alias(self.fresh("x"));
        let plan = LogicalPlanBuilder::new(plan).project(vec![row])?.build()?;
        let packed = OutputColumn {
            name: String::new(),
            ty: TypeMod::plain(tuple::PACKED),
            origin: None,
            position: None,
        };
        let query = BoundQuery { plan, columns: vec![packed] };
        let call = self.make_subplan(query, captured, Form::Scalar, Vec::new())?;
        Ok((call.expr, columns))
    }
}
