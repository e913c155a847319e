//! Grouping: aggregates and window functions are taken out of the expressions that use them, and
//! what is left is moved above the GROUP BY.

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};

use super::call::{Extracted, Extraction};
use super::expr::canonical;
use super::{Binder, Scope, computed};
use crate::error::{Error, Result, SqlState};
use crate::functions::aggregates::{self, Aggregate, Kind};
use crate::types::Type;

/// Restores what may be extracted when it goes out of scope.
pub(super) struct Forbidden<'b, 'a> {
    pub(super) binder: &'b Binder<'a>,
    before: Option<&'static str>,
}

impl Drop for Forbidden<'_, '_> {
    fn drop(&mut self) {
        if let Some(level) = self.binder.levels.borrow_mut().last_mut() {
            level.extraction.forbidden_in = self.before;
        }
    }
}

impl<'a> Binder<'a> {
    pub(super) fn forbid<'b>(&'b self, clause: &'static str) -> Forbidden<'b, 'a> {
        let mut levels = self.levels.borrow_mut();
        let before =
            levels.last_mut().and_then(|level| level.extraction.forbidden_in.replace(clause));
        Forbidden { binder: self, before }
    }

    pub(super) fn extraction_forbidden(&self) -> Option<&'static str> {
        self.levels.borrow().last().and_then(|level| level.extraction.forbidden_in)
    }

    fn extract(
        &self,
        expr: Expr,
        prefix: &str,
        list: impl Fn(&mut Extraction) -> &mut Vec<Extracted>,
    ) -> String {
        let mut levels = self.levels.borrow_mut();
        let Some(level) = levels.last_mut() else { return String::new() };
        let list = list(&mut level.extraction);
        if let Some(same) = list.iter().find(|extracted| extracted.expr == expr) {
            return same.name.clone();
        }
        let name = self.fresh(prefix);
        list.push(Extracted { name: name.clone(), expr });
        name
    }

    /// Where a column of this level is named outside of aggregates.
    fn place_named(&self, column: &Column) -> Option<usize> {
        let levels = self.levels.borrow();
        let named = &levels.last()?.named;
        named.iter().find(|(other, _)| other == column)?.1
    }

    pub(super) fn extract_aggregate(&self, expr: Expr) -> String {
        self.extract(expr, "a", |extraction| &mut extraction.aggregates)
    }

    pub(super) fn extract_window(&self, expr: Expr) -> String {
        self.extract(expr, "w", |extraction| &mut extraction.windows)
    }
}

/// Moves expressions above a GROUP BY: grouped expressions become the group's columns,
/// aggregates already are columns, and any other column has to be determined by the group.
pub(super) struct Grouping<'b, 'a> {
    pub(super) binder: &'b Binder<'a>,
    pub(super) scope: &'b Scope,
    /// Expression, name of its column above, type.
    pub(super) keys: Vec<(Expr, String, Type)>,
    /// Columns that a primary key among the keys determines.
    pub(super) firsts: Vec<(Column, String, Type)>,
}

impl Grouping<'_, '_> {
    pub(super) fn rewrite(&mut self, expr: &Expr) -> Result<Expr> {
        let mut failed = None;
        let rewritten = expr.clone().transform_down(|node| {
            if let Some((_, name, _)) = self.keys.iter().find(|(key, _, _)| *key == node) {
                return Ok(Transformed::new(computed(name), true, TreeNodeRecursion::Jump));
            }
            if let Expr::Column(column) = &node
                && let Some(found) = self.scope.columns.iter().find(|c| c.column == *column)
            {
                if self.is_determined(found) {
                    let name = self.first(column, found.ty.kind);
                    return Ok(Transformed::yes(computed(&name)));
                }
                failed.get_or_insert_with(|| {
                    Error::new(
                        SqlState::GroupingError,
                        format!(
                            "column \"{}.{}\" must appear in the GROUP BY clause or be used in an aggregate function",
                            found.relation, found.name
                        ),
                    )
                    .at(self.binder.place_named(column))
                });
            }
            Ok(Transformed::no(node))
        })?;
        match failed {
            Some(error) => Err(error),
            None => Ok(rewritten.data),
        }
    }

    /// Whether the whole primary key of the column's table is grouped by.
    fn is_determined(&self, column: &super::ScopeColumn) -> bool {
        let Some((table_id, _)) = column.origin else { return false };
        let tables = self.binder.tables_used();
        let Some(table) = tables.iter().find(|table| table.id == table_id) else { return false };
        table.has_primary_key()
            && table.primary.columns.iter().all(|position| {
                let number = *position as i16 + 1;
                let of_key = self.scope.columns.iter().filter(|candidate| {
                    candidate.relation == column.relation
                        && candidate.origin == Some((table_id, number))
                });
                of_key.into_iter().any(|candidate| {
                    let expr = Expr::Column(candidate.column.clone());
                    self.keys.iter().any(|(key, _, _)| *key == expr)
                })
            })
    }

    fn first(&mut self, column: &Column, kind: Type) -> String {
        if let Some((_, name, _)) = self.firsts.iter().find(|(c, _, _)| c == column) {
            return name.clone();
        }
        let name = self.binder.fresh("a");
        self.firsts.push((column.clone(), name.clone(), kind));
        name
    }

    pub(super) fn plan(self, input: LogicalPlan, extracted: Vec<Extracted>) -> Result<LogicalPlan> {
        let first = |expr: Expr, kind: Type, name: &str| {
            let aggregate =
                Aggregate { kind: Kind::First, input: kind, distinct: false, order: Vec::new() };
            aggregates::call(aggregate, vec![expr], None).alias(name)
        };
        let mut groups = Vec::new();
        let mut calls = Vec::new();
        for (expr, name, kind) in self.keys {
            if kind.needs_canonical_form() {
                groups.push(canonical(kind, expr.clone()).alias(self.binder.fresh("g")));
                calls.push(first(expr, kind, &name));
            } else {
                groups.push(expr.alias(name));
            }
        }
        for (column, name, kind) in self.firsts {
            calls.push(first(Expr::Column(column), kind, &name));
        }
        calls.extend(extracted.into_iter().map(|call| call.expr.alias(call.name)));
        if groups.is_empty() && calls.is_empty() {
            // HAVING alone: one group, of which nothing is asked.
            let count = Aggregate {
                kind: Kind::Count,
                input: Type::Void,
                distinct: false,
                order: Vec::new(),
            };
            let call = aggregates::call(count, vec![lit(true)], None);
            calls.push(call.alias(self.binder.fresh("a")));
        }
        Ok(LogicalPlanBuilder::new(input).aggregate(groups, calls)?.build()?)
    }
}
