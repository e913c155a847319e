//! LATERAL: items of FROM that use the items to their left.
//!
//! Such an item is bound a level down, so that columns of its neighbours become parameters, like those of
//! an outer query. Where it is joined with the neighbours whose columns they are, it becomes the
//! right side of an [`Apply`].

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, JoinType};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};

use super::from::Item;
use super::{Binder, Level, Scope, placeholder};
use crate::error::{Error, Result};
use crate::operator::{Apply, Kind, Lateral, Operator, Output};

impl Binder<'_> {
    /// How many columns stand beside the item of FROM that is being bound.
    pub(super) fn count_beside(&self) -> usize {
        self.levels.borrow().last().map_or(0, |level| level.beside.len())
    }

    /// Leaves `keep` columns beside the next item of FROM, and puts these behind them.
    pub(super) fn put_beside(&self, keep: usize, scope: &Scope, barred: bool) {
        let mut levels = self.levels.borrow_mut();
        let Some(level) = levels.last_mut() else { return };
        level.beside.truncate(keep);
        let kept: Vec<Column> = level.beside.iter().map(|column| column.column.clone()).collect();
        level.barred.retain(|column| kept.contains(column));
        if barred {
            level.barred.extend(scope.columns.iter().map(|column| column.column.clone()));
        }
        level.beside.extend(scope.columns.iter().cloned());
    }

    /// Binds an item that may use those beside it; also what it uses of them, by slot. It may find those
    /// out of reach too, to be told so. `clause` is how an error calls the item that says that no
    /// aggregate of theirs may stand in it.
    pub(super) fn beside<T>(
        &self,
        clause: &'static str,
        bind: impl FnOnce() -> Result<T>,
    ) -> Result<(T, Vec<(usize, Expr)>)> {
        let columns =
            self.levels.borrow().last().map(|level| {
                level.out_of_reach.columns.iter().chain(&level.beside).cloned().collect()
            });
        let before = self.replace_scope(Scope { columns: columns.unwrap_or_default() });
        let _none = self.forbid(clause);
        self.levels.borrow_mut().push(Level { repeats: true, ..Level::default() });
        let bound = bind();
        let level = self.levels.borrow_mut().pop();
        self.replace_scope(before);
        Ok((bound?, level.map(|level| level.captured).unwrap_or_default()))
    }

    /// Joins two items of FROM. No conditions: their product.
    pub(super) fn combine(
        &self,
        left: Item,
        right: Item,
        scope: Scope,
        join_type: JoinType,
        conditions: Vec<Expr>,
    ) -> Result<Item> {
        let schema = left.plan.schema();
        let (of_left, others): (Vec<_>, Vec<_>) =
            right.laterals.into_iter().partition(|(_, expr)| {
                matches!(expr, Expr::Column(column) if schema.maybe_index_of_column(column).is_some())
            });
        let laterals = left.laterals.into_iter().chain(others).collect();
        let plan = match (of_left.is_empty(), conditions.is_empty()) {
            (true, true) => LogicalPlanBuilder::new(left.plan).cross_join(right.plan)?.build()?,
            (true, false) => LogicalPlanBuilder::new(left.plan)
                .join_on(right.plan, join_type, conditions)?
                .build()?,
            (false, _) => self.apply_plan(left.plan, right.plan, of_left, join_type, conditions)?,
        };
        Ok(Item { plan, scope, laterals })
    }

    pub(super) fn apply_plan(
        &self,
        left: LogicalPlan,
        mut right: LogicalPlan,
        used: Vec<(usize, Expr)>,
        join_type: JoinType,
        conditions: Vec<Expr>,
    ) -> Result<LogicalPlan> {
        let (mut slots, mut args): (Vec<usize>, Vec<Expr>) = used.into_iter().unzip();
        let conditions = conditions.into_iter().filter(|condition| *condition != lit(true));
        let mut condition = conjunction(conditions);
        let outer = match join_type {
            JoinType::Inner => false,
            JoinType::Left => true,
            _ => return Err(Error::internal("LATERAL on the wrong side of an outer join")),
        };
        if outer && let Some(condition) = condition.take() {
            // It decides which rows there are beside one, so it goes to them.
            let schema = left.schema().clone();
            let condition = condition.transform(|expr| {
                let Expr::Column(column) = &expr else { return Ok(Transformed::no(expr)) };
                let Some(index) = schema.maybe_index_of_column(column) else {
                    return Ok(Transformed::no(expr));
                };
                let layout = schema.field(index).data_type().clone();
                let slot = match args.iter().position(|arg| *arg == expr) {
                    Some(at) => slots.get(at).copied().unwrap_or_default(),
                    None => {
                        let slot = self.fresh_slot();
                        slots.push(slot);
                        args.push(expr);
                        slot
                    }
                };
                Ok(Transformed::yes(placeholder(format!("$o{slot}"), layout)))
            })?;
            right = LogicalPlanBuilder::new(right).filter(condition.data)?.build()?;
        }
        let added = right.schema().iter().map(|(qualifier, field)| {
            let field = field.as_ref().clone().with_nullable(true);
            (qualifier.cloned(), Arc::new(field))
        });
        let output = Output::Adds(added.collect());
        let right = Arc::new(Lateral { plan: right, slots });
        let plan = Operator::plan(Kind::Apply(Apply { args, right, outer }), left, output)?;
        Ok(match condition {
            Some(condition) => LogicalPlanBuilder::new(plan).filter(condition)?.build()?,
            None => plan,
        })
    }

    pub(super) fn fresh_slot(&self) -> usize {
        let slot = self.next_slot.get();
        self.next_slot.set(slot + 1);
        slot
    }
}
