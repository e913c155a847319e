//! System relations that are queries over others.

use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, Statement};

use super::query::rename_columns;
use super::{Binder, Bound, BoundQuery, OutputColumn, Scope};
use crate::error::{Error, Result};
use crate::functions::casts::CastLevel;
use crate::parser::{Parsed, parse};
use crate::system::SystemRelation;
use crate::types::TypeMod;

impl Binder<'_> {
    /// The rows of a system view, under the name `shown`.
    pub(super) fn system_view(
        &self,
        relation: &SystemRelation,
        query: &str,
        shown: &str,
        alias: Option<&ast::TableAlias>,
    ) -> Result<(LogicalPlan, Scope)> {
        let unreadable = || Error::internal(format!("the query of {relation:?} is unreadable"));
        let (parsed, _) = parse(query)?.pop().ok_or_else(unreadable)?;
        let Parsed::Sql(statement) = parsed else { return Err(unreadable()) };
        let Statement::Query(query) = *statement else { return Err(unreadable()) };
        // WITH queries of the statement are not in sight there.
        let outside = std::mem::take(&mut *self.common_tables.borrow_mut());
        let bound = self.nested(|| self.query(&query));
        *self.common_tables.borrow_mut() = outside;
        let mut bound = self.in_columns_of(relation, bound?)?;
        if let Some(alias) = alias {
            rename_columns(&mut bound, alias)?;
        }
        self.derived(shown, bound)
    }

    /// The columns of a relation, from those of a query that have the same names. What the query has
    /// not is NULL.
    fn in_columns_of(&self, relation: &SystemRelation, query: BoundQuery) -> Result<BoundQuery> {
        let inputs = query.plan.schema().columns();
        let (mut exprs, mut columns) = (Vec::new(), Vec::new());
        for (name, kind) in &relation.columns {
            let ty = TypeMod::plain(*kind);
            let found = query.columns.iter().zip(&inputs).find(|(column, _)| column.name == *name);
            let value = match found {
                Some((column, input)) => {
                    let input = Expr::Column(input.clone());
                    let input = Bound { expr: input, ty: column.ty, position: None };
                    let value = self.convert(input, ty, CastLevel::Assignment)?;
                    value.ok_or_else(|| {
                        Error::internal(format!("column {name} of {relation:?} has another type"))
                    })?
                }
                None => self.null(*kind)?,
            };
            exprs.push(value.expr.alias(self.fresh("x")));
            let name = (*name).to_owned();
            columns.push(OutputColumn { name, ty, origin: None, position: None });
        }
        let plan = LogicalPlanBuilder::new(query.plan).project(exprs)?.build()?;
        Ok(BoundQuery { plan, columns })
    }
}
