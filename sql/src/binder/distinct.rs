//! Sorting by columns that the select list does not show, and DISTINCT ON over what is sorted.

use datafusion::logical_expr::expr::Sort as SortExpr;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use super::expr::canonical;
use super::select::Target;
use super::{Binder, Bound, BoundQuery, OutputColumn, computed};
use crate::error::{Error, Result, SqlState};
use crate::functions::{Scalar, udf};
use crate::operator::{Kind, Operator, Output};

/// A select list that is sorted, with the sort keys beside it.
pub(super) struct Sorted {
    pub(super) plan: LogicalPlan,
    /// The list's columns in the plan.
    pub(super) outputs: Vec<Expr>,
    pub(super) columns: Vec<OutputColumn>,
    /// Whether the plan has columns beside those.
    pub(super) hides: bool,
    /// The keys over the plan.
    keys: Vec<SortExpr>,
}

/// Whether `key` is `expr`, or its canonical form.
fn is_form_of(key: &Expr, expr: &Expr) -> bool {
    let inner = match key {
        Expr::ScalarFunction(function) => match udf::scalar_of(function) {
            Some(Scalar::Canonical(_)) => function.args.first(),
            _ => None,
        },
        _ => None,
    };
    inner == Some(expr)
}

impl Binder<'_> {
    /// Sorts a select list; keys that it does not show are computed beside it.
    pub(super) fn sorted(
        &self,
        plan: LogicalPlan,
        targets: Vec<Target>,
        sort: Vec<SortExpr>,
    ) -> Result<Sorted> {
        let mut exprs = Vec::new();
        let mut columns = Vec::new();
        let mut outputs = Vec::new();
        for target in targets {
            let name = self.fresh("x");
            outputs.push(computed(&name));
            exprs.push(target.bound.expr.alias(name));
            columns.push(OutputColumn {
                name: target.name,
                ty: target.bound.ty,
                origin: target.origin,
                position: target.bound.position,
            });
        }
        let mut keys = Vec::new();
        let visible = exprs.len();
        for key in sort {
            // What differs from call to call must not be called again.
            let same = exprs.iter().take(visible).zip(&columns).zip(&outputs).find_map(
                |((expr, column), output)| match expr {
                    Expr::Alias(alias) if *alias.expr == key.expr => Some(output.clone()),
                    Expr::Alias(alias)
                        if alias.expr.is_volatile() && is_form_of(&key.expr, &alias.expr) =>
                    {
                        Some(canonical(column.ty.kind, output.clone()))
                    }
                    _ => None,
                },
            );
            let expr = match same {
                Some(output) => output,
                None => {
                    let name = self.fresh("k");
                    exprs.push(key.expr.alias(&name));
                    computed(&name)
                }
            };
            keys.push(SortExpr { expr, asc: key.asc, nulls_first: key.nulls_first });
        }
        let hides = exprs.len() > visible;
        let plan = LogicalPlanBuilder::new(plan).project(exprs)?.sort(keys.clone())?.build()?;
        Ok(Sorted { plan, outputs, columns, hides, keys })
    }

    /// DISTINCT ON: the first row of those with equal keys, in the order of ORDER BY. That has to begin
    /// with the keys, in any order.
    pub(super) fn distinct_on(
        &self,
        plan: LogicalPlan,
        targets: Vec<Target>,
        mut sort: Vec<SortExpr>,
        on: Vec<Bound>,
    ) -> Result<BoundQuery> {
        let mismatch = |position: Option<usize>| {
            Error::new(
                SqlState::InvalidColumnReference,
                "SELECT DISTINCT ON expressions must match initial ORDER BY expressions",
            )
            .at(position)
        };
        let on: Vec<(Expr, Option<usize>)> =
            on.into_iter().map(|key| (canonical(key.kind(), key.expr), key.position)).collect();
        let mut count = 0;
        for (index, key) in sort.iter().enumerate() {
            if let Some((_, position)) = on.iter().find(|(expr, _)| *expr == key.expr) {
                if count < index {
                    return Err(mismatch(*position));
                }
                count = index + 1;
            }
        }
        let more = sort.len() > count;
        for (expr, position) in on {
            if sort.iter().take(count).any(|key| key.expr == expr) {
                continue;
            }
            if more {
                return Err(mismatch(position));
            }
            sort.push(SortExpr { expr, asc: true, nulls_first: false });
            count += 1;
        }
        let sorted = self.sorted(plan, targets, sort)?;
        let keys = sorted.keys.into_iter().take(count).map(|key| key.expr).collect();
        let plan = Operator::plan(Kind::DistinctOn(keys), sorted.plan, Output::Adds(Vec::new()))?;
        let mut plan = LogicalPlanBuilder::new(plan);
        if sorted.hides {
            plan = plan.project(sorted.outputs)?;
        }
        Ok(BoundQuery { plan: plan.build()?, columns: sorted.columns })
    }
}
