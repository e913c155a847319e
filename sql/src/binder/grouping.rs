//! Grouping: aggregates and window functions are taken out of the expressions that use them, and
//! what is left is moved above the GROUP BY.

use datafusion::arrow::datatypes::Field;
use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Operator, lit};

use super::call::{Extracted, Extraction, NESTED};
use super::expr::canonical;
use super::grouping_sets::{GroupBy, GroupingCall};
use super::subplan::subplan_of;
use super::{Binder, Scope, computed};
use crate::error::{Error, Result, SqlState};
use crate::functions::aggregates::{self, Aggregate, Kind};
use crate::functions::ordered_sets::OrderedSet;
use crate::operator::{Expand, Kind as OperatorKind, Output};
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

    /// Forbids aggregates within the arguments of one, unless its clause forbids them already.
    pub(super) fn forbid_nested<'b>(&'b self) -> Option<Forbidden<'b, 'a>> {
        self.extraction_forbidden().is_none().then(|| self.forbid(NESTED))
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
}

/// Moves expressions above a GROUP BY: grouped expressions become the group's columns,
/// aggregates already are columns, and any other column has to be determined by the group.
pub(super) struct Grouping<'b, 'a> {
    binder: &'b Binder<'a>,
    scope: &'b Scope,
    keys: Vec<Key>,
    /// The sets of keys; none: all keys are one.
    sets: Vec<Vec<usize>>,
    /// The column with the number of a row's set.
    set: String,
    /// Values of the calls of GROUPING, by the columns that stand for them.
    groupings: Vec<(String, Expr)>,
    /// Columns that a primary key among the keys determines.
    firsts: Vec<(Column, String, Type)>,
}

struct Key {
    expr: Expr,
    /// The item of the select list that it is.
    item: Option<usize>,
    /// Its column above.
    name: String,
    kind: Type,
}

impl<'b, 'a> Grouping<'b, 'a> {
    pub(super) fn new(
        binder: &'b Binder<'a>,
        scope: &'b Scope,
        group_by: GroupBy,
        calls: Vec<GroupingCall>,
    ) -> Result<Grouping<'b, 'a>> {
        let GroupBy { keys, items, sets, .. } = group_by;
        let set = binder.fresh("g");
        let exprs: Vec<Expr> = keys.iter().map(|key| key.expr.clone()).collect();
        let mut groupings = Vec::new();
        for call in &calls {
            let value = binder.grouping_value(call, &exprs, &sets, &computed(&set))?;
            groupings.push((call.name.clone(), value));
        }
        let keys = keys.into_iter().zip(items).map(|(key, item)| {
            let (name, kind) = (binder.fresh("g"), key.kind());
            Key { expr: key.expr, item, name, kind }
        });
        let keys = keys.collect();
        Ok(Grouping { binder, scope, keys, sets, set, groupings, firsts: Vec::new() })
    }

    /// The same for an item of the select list, which may be a key itself.
    pub(super) fn rewrite_item(&mut self, item: usize, expr: &Expr) -> Result<Expr> {
        match self.keys.iter().find(|key| key.item == Some(item) && key.expr == *expr) {
            Some(key) => Ok(computed(&key.name)),
            None => self.rewrite(expr),
        }
    }

    pub(super) fn rewrite(&mut self, expr: &Expr) -> Result<Expr> {
        let mut failed = None;
        let rewritten = expr.clone().transform_down(|node| {
            if let Some(key) = self.keys.iter().find(|key| key.expr == node) {
                return Ok(Transformed::new(computed(&key.name), true, TreeNodeRecursion::Jump));
            }
            if let Expr::ScalarFunction(function) = &node
                && subplan_of(function).is_some()
            {
                for arg in &function.args {
                    if let Some(found) = self.ungrouped(arg) {
                        failed.get_or_insert_with(|| {
                            let (relation, name) = (&found.relation, &found.name);
                            Error::new(
                                SqlState::GroupingError,
                                format!("subquery uses ungrouped column \"{relation}.{name}\" from outer query"),
                            )
                            .at(self.binder.place_named(&found.column))
                        });
                    }
                }
            }
            if let Expr::Column(column) = &node {
                if let Some((_, value)) = self.groupings.iter().find(|(name, _)| *name == column.name)
                {
                    let value = value.clone();
                    return Ok(Transformed::new(value, true, TreeNodeRecursion::Jump));
                }
                if let Some(found) = self.ungrouped(&node) {
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
                } else if let Some(found) = self.scope.columns.iter().find(|c| c.column == *column)
                {
                    let name = self.first(column, found.ty.kind);
                    return Ok(Transformed::yes(computed(&name)));
                }
            }
            Ok(Transformed::no(node))
        })?;
        match failed {
            Some(error) => Err(error),
            None => Ok(rewritten.data),
        }
    }

    /// The column that an expression is, if the group neither has nor determines it.
    fn ungrouped(&self, expr: &Expr) -> Option<&'b super::ScopeColumn> {
        let Expr::Column(column) = expr else { return None };
        if self.keys.iter().any(|key| key.expr == *expr) {
            return None;
        }
        let found = self.scope.columns.iter().find(|c| c.column == *column)?;
        (!self.is_determined(found)).then_some(found)
    }

    /// Whether all rows are grouped by a key.
    fn is_common(&self, place: usize) -> bool {
        self.sets.iter().all(|set| set.contains(&place))
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
                    let place = self.keys.iter().position(|key| key.expr == expr);
                    place.is_some_and(|place| self.is_common(place))
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

    /// For each row one in each set, with NULLs in place of the keys that the set lacks.
    fn expand(&mut self, input: LogicalPlan, extracted: &mut [Extracted]) -> Result<LogicalPlan> {
        let keys = self.keys.iter().map(|key| key.expr.clone()).collect();
        let mut added = Vec::new();
        let grouped: Vec<Expr> = self.keys.iter().map(|key| key.expr.clone()).collect();
        for key in &mut self.keys {
            let name = self.binder.fresh("k");
            added.push((None, Field::new(&name, key.kind.layout(), true).into()));
            key.expr = computed(&name);
        }
        added.push((None, Field::new(&self.set, Type::Int4.layout(), true).into()));
        for Extracted { expr, .. } in extracted.iter_mut() {
            self.direct_args_of_keys(expr, &grouped)?;
        }
        // Groups by nothing exist without rows as well: a row stands for each, which counts for no
        // aggregate.
        if self.sets.iter().any(Vec::is_empty) {
            let live = self.binder.fresh("k");
            added.push((None, Field::new(&live, Type::Bool.layout(), true).into()));
            for Extracted { expr, .. } in extracted {
                if let Expr::AggregateFunction(function) = expr {
                    let filter = function.params.filter.take();
                    let live = computed(&live);
                    function.params.filter = Some(Box::new(match filter {
                        Some(filter) => super::expr::binary(live, Operator::And, *filter),
                        None => live,
                    }));
                }
            }
        }
        let expand = Expand { keys, sets: self.sets.clone() };
        Ok(crate::operator::Operator::plan(
            OperatorKind::Expand(Box::new(expand)),
            input,
            Output::Adds(added),
        )?)
    }

    /// Direct arguments of ordered-set aggregates are made of the keys as the group has them.
    fn direct_args_of_keys(&self, call: &mut Expr, grouped: &[Expr]) -> Result<()> {
        let Expr::AggregateFunction(function) = call else { return Ok(()) };
        let count = match aggregates::aggregate_of(function) {
            Some(Aggregate { kind: Kind::OrderedSet(set), order, .. }) => match set {
                OrderedSet::Mode => 0,
                set if set.is_hypothetical() => order.len(),
                _ => 1,
            },
            _ => return Ok(()),
        };
        for arg in function.params.args.iter_mut().take(count) {
            let rewritten = arg.clone().transform_down(|node| {
                let place = grouped.iter().position(|key| *key == node);
                Ok(match place.and_then(|place| self.keys.get(place)) {
                    Some(key) => Transformed::new(key.expr.clone(), true, TreeNodeRecursion::Jump),
                    None => Transformed::no(node),
                })
            })?;
            *arg = rewritten.data;
        }
        Ok(())
    }

    pub(super) fn plan(
        mut self,
        mut input: LogicalPlan,
        mut extracted: Vec<Extracted>,
    ) -> Result<LogicalPlan> {
        let first = |expr: Expr, kind: Type, name: &str| {
            let aggregate =
                Aggregate { kind: Kind::First, input: kind, distinct: false, order: Vec::new() };
            aggregates::call(aggregate, vec![expr], None).alias(name)
        };
        let mut groups = Vec::new();
        let mut calls = Vec::new();
        if !self.sets.is_empty() {
            input = self.expand(input, &mut extracted)?;
            groups.push(computed(&self.set));
        }
        for Key { expr, name, kind, .. } in self.keys {
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
