//! DataFusion's optimizer, with the rules that serve both executors.
//!
//! Types are settled before, so the analyzer's coercion is not used. Rules that copy
//! expressions to save work for vectors (common subexpressions, leaf extraction) would only
//! obscure row plans.

use std::sync::{Arc, LazyLock};

use datafusion::common::Result as DfResult;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Aggregate, Expr, GroupingSet, LogicalPlan};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::push_down_filter::PushDownFilter;
use datafusion::optimizer::{Optimizer, OptimizerConfig, OptimizerContext, OptimizerRule};

use crate::error::Result;
use crate::operator::{Kind, Operator};

const LEFT_OUT: &[&str] = &[
    "common_sub_expression_eliminate",
    "extract_leaf_expressions",
    "push_down_leaf_projections",
    "single_distinct_aggregation_to_group_by",
];

/// DataFusion's rule, but for conditions without columns above an aggregate, or grouping sets, that give
/// a row for no rows: below it they would not keep that row from coming out.
#[derive(Debug)]
struct PushDown(PushDownFilter);

fn gives_row_for_none(aggregate: &Aggregate) -> bool {
    let is_empty_set = |sets: &GroupingSet| match sets {
        GroupingSet::Rollup(_) | GroupingSet::Cube(_) => true,
        GroupingSet::GroupingSets(sets) => sets.iter().any(Vec::is_empty),
    };
    match aggregate.group_expr.as_slice() {
        [] => true,
        [Expr::GroupingSet(sets)] => is_empty_set(sets),
        _ => false,
    }
}

impl OptimizerRule for PushDown {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> DfResult<Transformed<LogicalPlan>> {
        let gives_row = |input: &LogicalPlan| match input {
            LogicalPlan::Aggregate(aggregate) => gives_row_for_none(aggregate),
            LogicalPlan::Extension(extension) => {
                let kind = Operator::of(extension).map(|operator| &operator.kind);
                matches!(kind, Some(Kind::Expand(expand)) if expand.sets.iter().any(Vec::is_empty))
            }
            _ => false,
        };
        if let LogicalPlan::Filter(filter) = &plan
            && gives_row(&filter.input)
            && split_conjunction(&filter.predicate).iter().any(|part| !part.any_column_refs())
        {
            return Ok(Transformed::no(plan));
        }
        self.0.rewrite(plan, config)
    }
}

static OPTIMIZER: LazyLock<Optimizer> = LazyLock::new(|| {
    let rules = Optimizer::new().rules.into_iter().filter(|r| !LEFT_OUT.contains(&r.name()));
    let rules = rules.map(|rule| match rule.name() {
        "push_down_filter" => Arc::new(PushDown(PushDownFilter::new())) as _,
        _ => rule,
    });
    Optimizer::with_rules(rules.collect())
});

/// Optimizes a bound plan.
pub fn optimize(plan: &LogicalPlan) -> Result<LogicalPlan> {
    let context = OptimizerContext::new().with_max_passes(3).with_skip_failing_rules(false);
    Ok(OPTIMIZER.optimize(plan.clone(), &context, |_, _| {})?)
}
