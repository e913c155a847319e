//! SELECT: its list, WHERE, GROUP BY, HAVING, DISTINCT, and ORDER BY over columns that the list
//! does not show.

use datafusion::logical_expr::expr::Sort as SortExpr;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{
    self, Distinct, Select, SelectItem, SelectItemQualifiedWildcardKind,
};

use super::call::Extraction;
use super::comparable::{groupable, sortable};
use super::expr::canonical;
use super::grouping::Grouping;
use super::naming::implied_name;
use super::query::{ordinal_of, sort_expr};
use super::srf::{self, Sets};
use super::window::{Definition, ExtractedWindow, NoWindows};
use super::{Binder, Bound, BoundQuery, Level, OutputColumn, Scope, ScopeColumn, fold};
use crate::error::{Error, Result, SqlState};
use crate::parser::forms::NOTHING;
use crate::types::TypeMod;

/// Most columns of a result, as in PostgreSQL.
pub(super) const MAX_TARGETS: usize = 1664;

pub(super) fn too_many_targets() -> Error {
    Error::new(
        SqlState::TooManyColumns,
        format!("target lists can have at most {MAX_TARGETS} entries"),
    )
}

/// An item of the select list.
pub(super) struct Target {
    pub(super) name: String,
    pub(super) bound: Bound,
    pub(super) origin: Option<(u32, i16)>,
}

impl Binder<'_> {
    pub(super) fn project(&self, plan: LogicalPlan, targets: Vec<Target>) -> Result<BoundQuery> {
        let mut exprs = Vec::new();
        let mut columns = Vec::new();
        for target in targets {
            exprs.push(target.bound.expr.alias(self.fresh("x")));
            columns.push(OutputColumn {
                name: target.name,
                ty: target.bound.ty,
                origin: target.origin,
                position: target.bound.position,
            });
        }
        let plan = LogicalPlanBuilder::new(plan).project(exprs)?.build()?;
        Ok(BoundQuery { plan, columns })
    }

    pub(super) fn select(&self, select: &Select, order: &[ast::OrderByExpr]) -> Result<BoundQuery> {
        if let Some(into) = &select.into {
            let message = "SELECT ... INTO is not allowed here";
            return Err(Error::new(SqlState::SyntaxError, message).at(self.position_of(&into.name)));
        }
        let plain = select.top.is_none()
            && select.lateral_views.is_empty()
            && select.qualify.is_none()
            && select.connect_by.is_empty();
        if !plain {
            return Err(Error::unsupported("this clause of SELECT"));
        }
        // A level of its own for scope and extraction; captures pass through to the caller's.
        self.levels.borrow_mut().push(Level::default());
        let bound = self.select_inner(select, order);
        let level = self.levels.borrow_mut().pop();
        self.pass_captures_on(level);
        bound
    }

    /// A select's own level lies inside the level that its subquery opened: a column captured
    /// from there is not outer at all, and one captured from further out is the opener's.
    pub(super) fn pass_captures_on(&self, level: Option<Level>) {
        let (Some(level), Some(outer)) = (level, self.levels.borrow_mut().pop()) else { return };
        let mut outer = outer;
        outer.captured.extend(level.captured);
        outer.selected_from = level.ranged;
        outer.selected_scope = level.scope;
        self.levels.borrow_mut().push(outer);
    }

    fn select_inner(&self, select: &Select, order: &[ast::OrderByExpr]) -> Result<BoundQuery> {
        let (mut plan, scope) = self.from(&select.from)?;
        self.set_scope(scope.clone());
        self.name_windows(&select.named_window)?;
        let mut targets = {
            let _sets = self.sets(Sets::Allowed);
            if select.from.is_empty() {
                self.check_star(&select.projection)?;
            }
            self.targets(&select.projection, &scope)?
        };
        if let Some(condition) = &select.selection {
            let _none = self.forbid("WHERE");
            let condition = self.expect_bool(self.expr(condition)?, "WHERE")?;
            plan = LogicalPlanBuilder::new(plan).filter(condition.expr)?.build()?;
        }
        let _sets = self.sets(Sets::Allowed);
        let having = match &select.having {
            Some(having) => {
                let _no_sets = self.sets(Sets::NotIn("HAVING"));
                let _no_windows = self.no_windows(NoWindows::Having);
                Some(self.expect_bool(self.expr(having)?, "HAVING")?)
            }
            None => None,
        };
        let group_by = self.group_by(&select.group_by, &targets, &scope)?;
        let mut sort = self.order_targets(order, &mut targets)?;
        let mut on = match &select.distinct {
            Some(Distinct::On(keys)) => self.distinct_keys(keys, &mut targets)?,
            _ => Vec::new(),
        };
        self.bind_named_windows()?;
        let extraction = match self.levels.borrow_mut().last_mut() {
            Some(level) => std::mem::take(&mut level.extraction),
            None => Extraction::default(),
        };
        if !extraction.aggregates.is_empty()
            && self.levels.borrow().last().is_some_and(|level| level.reads_working)
        {
            let message =
                "aggregate functions are not allowed in a recursive query's recursive term";
            return Err(
                Error::new(SqlState::InvalidRecursion, message).at(extraction.first_aggregate)
            );
        }
        let grouped = group_by.exists
            || !extraction.aggregates.is_empty()
            || !extraction.groupings.is_empty()
            || having.is_some();
        let mut windows = extraction.windows;
        let mut definitions = extraction.windows_here.definitions;
        // What is grouped by is computed below, what windows are over next, all else above both.
        let keys: Vec<Expr> = group_by.keys.iter().map(|key| key.expr.clone()).collect();
        let (sets, mut later_sets) = srf::part_needed(extraction.sets, &keys);
        plan = self.project_sets(plan, sets)?;
        if grouped {
            let mut grouping = Grouping::new(self, &scope, group_by, extraction.groupings)?;
            for (arg, position) in &extraction.direct_args {
                grouping.rewrite(arg).map_err(|error| {
                    error.at(*position).detail(
                        "Direct arguments of an ordered-set aggregate must use only grouped columns.",
                    )
                })?;
            }
            for (item, target) in targets.iter_mut().enumerate() {
                target.bound.expr = grouping.rewrite_item(item, &target.bound.expr)?;
            }
            let having = having.map(|having| grouping.rewrite(&having.expr)).transpose()?;
            for key in &mut sort {
                key.expr = grouping.rewrite(&key.expr)?;
            }
            for key in &mut on {
                key.expr = grouping.rewrite(&key.expr)?;
            }
            for expr in window_exprs(&mut windows, &mut definitions) {
                *expr = grouping.rewrite(expr)?;
            }
            for arg in later_sets.iter_mut().flat_map(|set| &mut set.call.args) {
                *arg = grouping.rewrite(arg)?;
            }
            plan = grouping.plan(plan, extraction.aggregates)?;
            if let Some(having) = having {
                plan = LogicalPlanBuilder::new(plan).filter(having)?.build()?;
            }
        }
        let over = window_exprs(&mut windows, &mut definitions);
        let over: Vec<Expr> = over.into_iter().map(|expr| expr.clone()).collect();
        let (sets, later_sets) = srf::part_needed(later_sets, &over);
        plan = self.project_sets(plan, sets)?;
        plan = self.window_plan(plan, &windows, &definitions)?;
        plan = self.project_sets(plan, later_sets)?;
        self.finish_select(plan, targets, sort, order, &select.distinct, on)
    }

    fn finish_select(
        &self,
        plan: LogicalPlan,
        targets: Vec<Target>,
        sort: Vec<SortExpr>,
        order: &[ast::OrderByExpr],
        distinct: &Option<Distinct>,
        on: Vec<Bound>,
    ) -> Result<BoundQuery> {
        match distinct {
            Some(Distinct::Distinct) => {
                let inputs: Vec<Expr> = targets.iter().map(|t| t.bound.expr.clone()).collect();
                let types: Vec<TypeMod> = targets.iter().map(|t| t.bound.ty).collect();
                targets.iter().try_for_each(|t| groupable(t.bound.kind(), t.bound.position))?;
                let mut query = self.project(plan, targets)?;
                query.plan = self.distinct_plan(query.plan, &types)?;
                if sort.is_empty() {
                    return Ok(query);
                }
                // Each key is a column of the list, found by its expression.
                let outputs = query.plan.schema().columns();
                let mut keys = Vec::new();
                for (key, written) in sort.into_iter().zip(order) {
                    let (kind, plain) = match &key.expr {
                        Expr::ScalarFunction(f) if is_canonical(f) => {
                            (true, f.args.first().cloned().unwrap_or_default())
                        }
                        other => (false, other.clone()),
                    };
                    let position = inputs.iter().position(|input| *input == plain);
                    let column = position.and_then(|p| Some((outputs.get(p)?, types.get(p)?)));
                    let Some((column, ty)) = column else {
                        return Err(Error::new(
                            SqlState::InvalidColumnReference,
                            "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
                        )
                        .at(self.position_of(&written.expr)));
                    };
                    let column = Expr::Column(column.clone());
                    let expr = if kind { canonical(ty.kind, column) } else { column };
                    keys.push(SortExpr { expr, ..key });
                }
                query.plan = LogicalPlanBuilder::new(query.plan).sort(keys)?.build()?;
                Ok(query)
            }
            Some(Distinct::On(_)) => self.distinct_on(plan, targets, sort, on),
            _ if sort.is_empty() => self.project(plan, targets),
            _ => {
                let sorted = self.sorted(plan, targets, sort)?;
                let mut plan = LogicalPlanBuilder::new(sorted.plan);
                if sorted.hides {
                    plan = plan.project(sorted.outputs)?;
                }
                Ok(BoundQuery { plan: plan.build()?, columns: sorted.columns })
            }
        }
    }

    pub(super) fn set_scope(&self, scope: Scope) {
        if let Some(level) = self.levels.borrow_mut().last_mut() {
            level.scope = scope;
        }
    }

    /// Refuses a star for which there are no relations.
    fn check_star(&self, items: &[SelectItem]) -> Result<()> {
        let star = items.iter().find(|item| matches!(item, SelectItem::Wildcard(_)));
        match star {
            None => Ok(()),
            Some(item) => Err(Error::new(
                SqlState::SyntaxError,
                "SELECT * with no tables specified is not valid",
            )
            .at(self.position_of(item))),
        }
    }

    fn targets(&self, items: &[SelectItem], scope: &Scope) -> Result<Vec<Target>> {
        let mut targets = Vec::new();
        for item in items {
            match item {
                SelectItem::UnnamedExpr(ast::Expr::Identifier(ident)) if ident.value == NOTHING => {
                }
                SelectItem::UnnamedExpr(expr) => {
                    if let Some(fields) = self.expanded_targets(expr)? {
                        targets.extend(fields);
                        continue;
                    }
                    let bound = self.expr(expr)?;
                    let origin = origin_of(&bound, scope);
                    targets.push(Target { name: implied_name(expr), bound, origin });
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    let bound = self.expr(expr)?;
                    let origin = origin_of(&bound, scope);
                    targets.push(Target { name: fold(alias), bound, origin });
                }
                SelectItem::Wildcard(_) => {
                    let listed = |column: &&ScopeColumn| !column.merged_away && !column.unlisted;
                    let visible = scope.columns.iter().filter(listed);
                    let visible = visible.inspect(|column| self.note_column(column.origin));
                    targets.extend(visible.map(column_target));
                }
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    _,
                ) => {
                    let parts = super::name_parts(name);
                    let relation = parts.last().cloned().unwrap_or_default();
                    let listed =
                        |column: &&ScopeColumn| column.relation == relation && !column.unlisted;
                    let of_it = scope.columns.iter().filter(listed);
                    let before = targets.len();
                    let of_it = of_it.inspect(|column| self.note_column(column.origin));
                    targets.extend(of_it.map(column_target));
                    if targets.len() == before {
                        let position = self.position_of(item);
                        let Some(found) = self.relation_columns(&relation, position) else {
                            return Err(self.unknown_relation(&relation).at(position));
                        };
                        targets.extend(found.columns.into_iter().map(|(name, bound)| Target {
                            name,
                            bound,
                            origin: None,
                        }));
                    }
                }
                other => return Err(Error::unsupported(format!("select item {other}"))),
            }
        }
        if targets.len() > MAX_TARGETS {
            return Err(too_many_targets());
        }
        Ok(targets)
    }

    /// Bound RETURNING items: names and expressions.
    pub(super) fn returning(
        &self,
        items: &[SelectItem],
        scope: &Scope,
    ) -> Result<Vec<(OutputColumn, Expr)>> {
        let targets = self.targets(items, scope)?;
        let items = targets.into_iter().map(|target| {
            let bound = self.settle(target.bound)?;
            let column = OutputColumn {
                name: target.name,
                ty: bound.ty,
                origin: target.origin,
                position: bound.position,
            };
            Ok((column, bound.expr))
        });
        items.collect()
    }

    pub(super) fn order_targets(
        &self,
        order: &[ast::OrderByExpr],
        targets: &mut [Target],
    ) -> Result<Vec<SortExpr>> {
        let keys = order.iter().map(|key| {
            let bound = self.key_of(&key.expr, targets, "ORDER BY")?;
            sortable(&bound)?;
            Ok(sort_expr(&key.options, bound))
        });
        keys.collect()
    }

    fn distinct_keys(&self, keys: &[ast::Expr], targets: &mut [Target]) -> Result<Vec<Bound>> {
        let keys = keys.iter().map(|key| {
            let bound = self.key_of(key, targets, "DISTINCT ON")?;
            groupable(bound.kind(), bound.position)?;
            Ok(bound)
        });
        keys.collect()
    }

    /// A key of ORDER BY or DISTINCT ON: a number or a name means an item of the select list.
    fn key_of(&self, key: &ast::Expr, targets: &mut [Target], clause: &str) -> Result<Bound> {
        let position = self.position_of(key);
        let by_ordinal = ordinal_of(key, clause, targets.len());
        let by_ordinal = by_ordinal.map_err(|error| error.at(position))?;
        let by_name = match key {
            ast::Expr::Identifier(ident) => {
                let name = fold(ident);
                let mut named = targets.iter().enumerate().filter(|(_, t)| t.name == name);
                let first = named.next();
                let differs = |(_, other): (usize, &Target)| {
                    first.is_some_and(|(_, first)| first.bound.expr != other.bound.expr)
                };
                if named.any(differs) {
                    return Err(Error::new(
                        SqlState::AmbiguousColumn,
                        format!("{clause} \"{name}\" is ambiguous"),
                    )
                    .at(position));
                }
                first.map(|(index, _)| index)
            }
            _ => None,
        };
        match by_ordinal.or(by_name).and_then(|index| targets.get_mut(index)) {
            Some(target) => {
                target.bound = self.settle(target.bound.clone())?;
                Ok(target.bound.clone().at(position))
            }
            None => {
                let bound = self.expr(key)?;
                self.settle(bound)
            }
        }
    }
}

fn is_canonical(function: &datafusion::logical_expr::expr::ScalarFunction) -> bool {
    matches!(
        crate::functions::udf::scalar_of(function),
        Some(crate::functions::Scalar::Canonical(_))
    )
}

/// All expressions over rows in calls over windows, and in these.
fn window_exprs<'w>(
    calls: &'w mut [ExtractedWindow],
    definitions: &'w mut [Definition],
) -> Vec<&'w mut Expr> {
    let of_calls = calls
        .iter_mut()
        .flat_map(|window| window.call.args.iter_mut().chain(&mut window.call.filter));
    let of_windows = definitions.iter_mut().flat_map(|definition| {
        let order = definition.order.iter_mut().map(|key| &mut key.expr);
        let range = definition.frame.range.iter_mut().map(|range| &mut range.expr);
        definition.partition.iter_mut().chain(order).chain(range)
    });
    of_calls.chain(of_windows).collect()
}

pub(super) fn column_target(column: &super::ScopeColumn) -> Target {
    Target {
        name: column.name.clone(),
        bound: Bound { expr: Expr::Column(column.column.clone()), ty: column.ty, position: None },
        origin: column.origin,
    }
}

fn origin_of(bound: &Bound, scope: &Scope) -> Option<(u32, i16)> {
    let Expr::Column(column) = &bound.expr else { return None };
    scope.columns.iter().find(|candidate| candidate.column == *column)?.origin
}
