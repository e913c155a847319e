//! Aggregates of outer queries: one whose arguments name columns of queries around it only belongs to the
//! innermost of those.

use std::collections::HashSet;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr;

use super::Binder;
use crate::error::Result;
use crate::plan_walk::{Part, walk_expr};
use crate::row::expr::{Parameter, parameter_of};

/// How much each level had noted before something was bound.
pub(super) struct Mark(Vec<(usize, usize)>);

impl Binder<'_> {
    pub(super) fn mark(&self) -> Mark {
        let levels = self.levels.borrow();
        Mark(levels.iter().map(|level| (level.captured.len(), level.named.len())).collect())
    }

    /// Forgets what was noted since.
    pub(super) fn rewind(&self, mark: Mark) {
        for (level, (captured, named)) in self.levels.borrow_mut().iter_mut().zip(mark.0) {
            level.captured.truncate(captured);
            level.named.truncate(named);
        }
    }

    /// The outer level whose columns these expressions name; `None` if they name some of this level,
    /// or none at all.
    pub(super) fn outer_level_of<'e>(
        &self,
        exprs: impl Iterator<Item = &'e Expr>,
    ) -> Result<Option<usize>> {
        let mut slots = HashSet::new();
        let mut bound = HashSet::new();
        for expr in exprs {
            let mut own = false;
            expr.apply(|expr| {
                own |= matches!(expr, Expr::Column(_));
                Ok(TreeNodeRecursion::Continue)
            })?;
            if own {
                return Ok(None);
            }
            walk_expr(expr, &mut |part| match part {
                Part::Binds(slots) => bound.extend(slots.iter().copied()),
                Part::Expr(Expr::Placeholder(placeholder)) => {
                    if let Ok(Parameter::Outer(slot)) = parameter_of(&placeholder.id) {
                        slots.insert(slot);
                    }
                }
                _ => {}
            })?;
        }
        let levels = self.levels.borrow();
        let of_slot = |slot: &usize| {
            let captures = |(_, level): &(usize, &super::Level)| {
                level.captured.iter().any(|(other, _)| other == slot)
            };
            let found = levels.iter().enumerate().skip(1).find(captures);
            found.map(|(depth, _)| depth - 1)
        };
        Ok(slots.difference(&bound).filter_map(of_slot).max())
    }

    /// Works at an outer level, as if there were none inside.
    pub(super) fn at_level<T>(&self, depth: usize, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let inside = self.levels.borrow_mut().split_off(depth + 1);
        let result = work();
        self.levels.borrow_mut().extend(inside);
        result
    }
}
