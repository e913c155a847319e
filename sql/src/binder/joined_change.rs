//! UPDATE ... FROM and DELETE ... USING: relations beside the one that is changed.
//!
//! The source query is the join of all of them. What RETURNING takes from the others is carried along in
//! its rows, behind what the change itself needs.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, TableReference};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, TableWithJoins};

use super::dml::{RETURNING, Returning};
use super::from::both;
use super::{Binder, Level, Scope};
use crate::catalog::Table;
use crate::error::Result;

/// The columns of a table as RETURNING finds them.
pub(super) fn row_schema(table: &Table) -> Result<DFSchema> {
    let qualifier = TableReference::bare(RETURNING);
    Ok(DFSchema::try_from_qualified_schema(qualifier, &table.arrow_schema())?)
}

/// Adds the columns of `plan` that an expression uses to `noted`.
pub(super) fn note_columns(expr: &Expr, plan: &LogicalPlan, noted: &mut Vec<Column>) -> Result<()> {
    expr.apply(|expr| {
        if let Expr::Column(column) = expr
            && plan.schema().maybe_index_of_column(column).is_some()
            && !noted.contains(column)
        {
            noted.push(column.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

impl Binder<'_> {
    /// The product of the changed relation with those of FROM or USING, which it cannot be named in, and
    /// the scope of those.
    pub(super) fn joined_with(
        &self,
        target: (LogicalPlan, Scope),
        items: &[TableWithJoins],
    ) -> Result<(LogicalPlan, Scope, Scope)> {
        let (plan, scope) = target;
        if items.is_empty() {
            return Ok((plan, scope, Scope::default()));
        }
        let (others, other_scope) = self.others(&scope, items)?;
        let plan = LogicalPlanBuilder::new(plan).cross_join(others)?.build()?;
        Ok((plan, both(scope, other_scope.clone())?, other_scope))
    }

    /// Relations beside the changed one, whose columns are out of their reach.
    pub(super) fn others(
        &self,
        target: &Scope,
        items: &[TableWithJoins],
    ) -> Result<(LogicalPlan, Scope)> {
        let level = Level { out_of_reach: target.clone(), ..Level::default() };
        self.levels.borrow_mut().push(level);
        let bound = self.from(items);
        self.levels.borrow_mut().pop();
        bound
    }

    /// Binds RETURNING of a change whose source has other relations, too; also the columns of those that
    /// it takes, which the source has to carry along.
    pub(super) fn carrying(
        &self,
        table: &Table,
        shown: &str,
        items: &Option<Vec<ast::SelectItem>>,
        plan: &LogicalPlan,
        others: Scope,
    ) -> Result<(Returning, Vec<Column>)> {
        let returning = self.bind_returning(table, shown, items, others, Scope::default())?;
        let mut carried = Vec::new();
        for (_, expr) in returning.iter().flatten() {
            note_columns(expr, plan, &mut carried)?;
        }
        Ok((returning, carried))
    }

    /// The columns of the table as it has become, and those carried along.
    pub(super) fn carrying_schema(
        &self,
        table: &Table,
        plan: &LogicalPlan,
        carried: &[Column],
    ) -> Result<DFSchema> {
        let row = row_schema(table)?;
        let own = row.iter().map(|(qualifier, field)| (qualifier.cloned(), field.clone()));
        let mut fields = own.collect::<Vec<_>>();
        for column in carried {
            let (qualifier, field) = plan.schema().qualified_field_from_column(column)?;
            fields.push((qualifier.cloned(), field.clone()));
        }
        Ok(DFSchema::new_with_metadata(fields, Default::default())?)
    }
}
