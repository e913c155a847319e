//! All of a plan, with what DataFusion does not see of it: plans of subqueries, of LATERAL items and of
//! WITH queries, and arguments of functions in FROM.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, LogicalPlan};

use crate::binder::subplan::subplan_of;
use crate::functions::sets::SetCall;
use crate::operator::{Kind, Operator};
use crate::relation::{Relation, Source};

/// A part of a plan.
#[derive(Clone, Copy)]
pub enum Part<'p> {
    /// A scan.
    Source(&'p Source),
    /// An expression, each inside of another by itself.
    Expr(&'p Expr),
    /// Calls of set-returning functions.
    Calls(&'p [SetCall]),
    /// Parameters of these numbers are bound here, to columns of a plan around another.
    Binds(&'p [usize]),
}

/// Visits all parts of a plan.
pub fn walk(plan: &LogicalPlan, visit: &mut dyn FnMut(Part<'_>)) -> DfResult<()> {
    plan.apply(|node| {
        match node {
            LogicalPlan::Extension(extension) => {
                match Operator::of(extension).map(|operator| &operator.kind) {
                    Some(Kind::Apply(apply)) => {
                        visit(Part::Binds(&apply.right.slots));
                        walk(&apply.right.plan, visit)?;
                    }
                    Some(Kind::ProjectSet(project)) => visit(Part::Calls(&project.calls)),
                    _ => {}
                }
            }
            LogicalPlan::TableScan(scan) => {
                if let Some(source) = Relation::source_of(&scan.source) {
                    walk_source(source, visit)?;
                }
            }
            _ => {}
        }
        node.apply_expressions(|expr| {
            walk_expr(expr, visit)?;
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(())
}

fn walk_source(source: &Source, visit: &mut dyn FnMut(Part<'_>)) -> DfResult<()> {
    visit(Part::Source(source));
    match source {
        Source::Functions(functions) => {
            visit(Part::Calls(&functions.calls));
            for arg in functions.calls.iter().flat_map(|call| &call.args) {
                walk_expr(arg, visit)?;
            }
        }
        Source::Common(common) => {
            walk(&common.plan, visit)?;
            if let Some(recursion) = &common.recursion {
                walk(&recursion.term, visit)?;
            }
        }
        Source::Table(_) | Source::System(_) | Source::Working(_) | Source::Changed(..) => {}
    }
    Ok(())
}

/// Visits all parts of an expression.
pub fn walk_expr(expr: &Expr, visit: &mut dyn FnMut(Part<'_>)) -> DfResult<()> {
    expr.apply(|expr| {
        visit(Part::Expr(expr));
        if let Expr::ScalarFunction(function) = expr
            && let Some(inner) = subplan_of(function)
        {
            visit(Part::Binds(&inner.slots));
            walk(&inner.plan, visit)?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// Whether a plan calls functions that may give another value each time.
pub fn is_volatile(plan: &LogicalPlan) -> DfResult<bool> {
    use datafusion::logical_expr::Volatility;
    let mut found = false;
    walk(plan, &mut |part| {
        // A subquery is not what it says to the optimizer; its plan tells.
        if let Part::Expr(Expr::ScalarFunction(function)) = part
            && subplan_of(function).is_none()
        {
            found |= function.func.signature().volatility == Volatility::Volatile;
        }
    })?;
    Ok(found)
}

/// Whether a subquery in an expression of a plan may.
pub fn subqueries_may_run_long(plan: &LogicalPlan) -> DfResult<bool> {
    let mut found = false;
    plan.apply(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::ScalarFunction(function) = expr
                    && let Some(inner) = subplan_of(function)
                {
                    found |= may_run_long(&inner.plan)?;
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}

/// Whether a plan may run long whatever its tables hold: it recurs, or makes up rows.
pub fn may_run_long(plan: &LogicalPlan) -> DfResult<bool> {
    let mut found = false;
    walk(plan, &mut |part| {
        found |= match part {
            Part::Source(Source::Common(common)) => common.recursion.is_some(),
            Part::Calls(calls) => {
                calls.iter().any(|call| call.function.is_some_and(|function| function.unbounded))
            }
            _ => false,
        };
    })?;
    Ok(found)
}
