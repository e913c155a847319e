//! DataFusion's optimizer, with the rules that serve both executors.
//!
//! Types are settled before, so the analyzer's coercion is not used. Rules that copy
//! expressions to save work for vectors (common subexpressions, leaf extraction) would only
//! obscure row plans.

use std::sync::LazyLock;

use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::{Optimizer, OptimizerContext};

use crate::error::Result;

const LEFT_OUT: &[&str] = &[
    "common_sub_expression_eliminate",
    "extract_leaf_expressions",
    "push_down_leaf_projections",
    "single_distinct_aggregation_to_group_by",
];

static OPTIMIZER: LazyLock<Optimizer> = LazyLock::new(|| {
    let rules = Optimizer::new().rules;
    Optimizer::with_rules(rules.into_iter().filter(|r| !LEFT_OUT.contains(&r.name())).collect())
});

/// Optimizes a bound plan.
pub fn optimize(plan: &LogicalPlan) -> Result<LogicalPlan> {
    let context = OptimizerContext::new().with_max_passes(3).with_skip_failing_rules(false);
    Ok(OPTIMIZER.optimize(plan.clone(), &context, |_, _| {})?)
}
