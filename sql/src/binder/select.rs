//! SELECT: its list, WHERE, GROUP BY, HAVING, DISTINCT, and ORDER BY over columns that the list
//! does not show.

use datafusion::logical_expr::expr::Sort as SortExpr;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{
    self, Distinct, GroupByExpr, Select, SelectItem, SelectItemQualifiedWildcardKind,
};

use super::call::Extraction;
use super::expr::canonical;
use super::grouping::Grouping;
use super::naming::implied_name;
use super::query::{bad_ordinal, ordinal_of, sort_expr};
use super::{Binder, Bound, BoundQuery, Level, OutputColumn, Scope, computed, fold};
use crate::error::{Error, Result, SqlState};
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
        let plain = select.top.is_none()
            && select.into.is_none()
            && select.lateral_views.is_empty()
            && select.qualify.is_none()
            && select.named_window.is_empty()
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
    fn pass_captures_on(&self, level: Option<Level>) {
        let (Some(level), Some(outer)) = (level, self.levels.borrow_mut().pop()) else { return };
        let mut outer = outer;
        outer.captured.extend(level.captured);
        outer.selected_from = level.ranged;
        self.levels.borrow_mut().push(outer);
    }

    fn select_inner(&self, select: &Select, order: &[ast::OrderByExpr]) -> Result<BoundQuery> {
        let (mut plan, scope) = self.from(&select.from)?;
        self.set_scope(scope.clone());
        if let Some(condition) = &select.selection {
            let _none = self.forbid("WHERE");
            let condition = self.expect_bool(self.expr(condition)?, "WHERE")?;
            plan = LogicalPlanBuilder::new(plan).filter(condition.expr)?.build()?;
        }
        let mut targets = self.targets(&select.projection, &scope)?;
        let having = match &select.having {
            Some(having) => Some(self.expect_bool(self.expr(having)?, "HAVING")?),
            None => None,
        };
        let group_by = self.group_by(&select.group_by, &targets, &scope)?;
        let mut sort = self.order_targets(order, &mut targets)?;
        let extraction = match self.levels.borrow_mut().last_mut() {
            Some(level) => std::mem::take(&mut level.extraction),
            None => Extraction::default(),
        };
        let grouped = !group_by.is_empty() || !extraction.aggregates.is_empty() || having.is_some();
        let mut windows = extraction.windows;
        if grouped {
            let mut grouping =
                Grouping { binder: self, scope: &scope, keys: Vec::new(), firsts: Vec::new() };
            for key in group_by {
                let (name, kind) = (self.fresh("g"), key.kind());
                grouping.keys.push((key.expr, name, kind));
            }
            for target in &mut targets {
                target.bound.expr = grouping.rewrite(&target.bound.expr)?;
            }
            let having = having.map(|having| grouping.rewrite(&having.expr)).transpose()?;
            for key in &mut sort {
                key.expr = grouping.rewrite(&key.expr)?;
            }
            for window in &mut windows {
                window.expr = grouping.rewrite(&window.expr)?;
            }
            plan = grouping.plan(plan, extraction.aggregates)?;
            if let Some(having) = having {
                plan = LogicalPlanBuilder::new(plan).filter(having)?.build()?;
            }
        }
        if !windows.is_empty() {
            // A node each: those of one node would have to agree on their order.
            for window in windows {
                let expr = window.expr.alias(window.name);
                plan = LogicalPlanBuilder::new(plan).window(vec![expr])?.build()?;
            }
        }
        self.finish_select(plan, targets, sort, order, &select.distinct)
    }

    fn finish_select(
        &self,
        plan: LogicalPlan,
        targets: Vec<Target>,
        sort: Vec<SortExpr>,
        order: &[ast::OrderByExpr],
        distinct: &Option<Distinct>,
    ) -> Result<BoundQuery> {
        match distinct {
            Some(Distinct::On(_)) => Err(Error::unsupported("DISTINCT ON")),
            Some(Distinct::Distinct) => {
                let inputs: Vec<Expr> = targets.iter().map(|t| t.bound.expr.clone()).collect();
                let types: Vec<TypeMod> = targets.iter().map(|t| t.bound.ty).collect();
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
            _ if sort.is_empty() => self.project(plan, targets),
            _ => {
                // Sort keys are computed beside the outputs and then left out.
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
                    let same = exprs.iter().take(visible).position(|expr| match expr {
                        Expr::Alias(alias) => *alias.expr == key.expr,
                        _ => false,
                    });
                    let expr = match same.and_then(|position| outputs.get(position)) {
                        Some(output) => output.clone(),
                        None => {
                            let name = self.fresh("k");
                            exprs.push(key.expr.alias(&name));
                            computed(&name)
                        }
                    };
                    keys.push(SortExpr { expr, asc: key.asc, nulls_first: key.nulls_first });
                }
                let hidden = exprs.len() > visible;
                let mut plan = LogicalPlanBuilder::new(plan).project(exprs)?.sort(keys)?;
                if hidden {
                    plan = plan.project(outputs)?;
                }
                Ok(BoundQuery { plan: plan.build()?, columns })
            }
        }
    }

    pub(super) fn set_scope(&self, scope: Scope) {
        if let Some(level) = self.levels.borrow_mut().last_mut() {
            level.scope = scope;
        }
    }

    fn targets(&self, items: &[SelectItem], scope: &Scope) -> Result<Vec<Target>> {
        let mut targets = Vec::new();
        for item in items {
            match item {
                SelectItem::UnnamedExpr(expr) => {
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
                    if scope.columns.is_empty() {
                        return Err(Error::new(
                            SqlState::SyntaxError,
                            "SELECT * with no tables specified is not valid",
                        )
                        .at(self.position_of(item)));
                    }
                    let visible = scope.columns.iter().filter(|column| !column.merged_away);
                    let visible = visible.inspect(|column| self.note_column(column.origin));
                    targets.extend(visible.map(column_target));
                }
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    _,
                ) => {
                    let parts = super::name_parts(name);
                    let relation = parts.last().cloned().unwrap_or_default();
                    let of_it = scope.columns.iter().filter(|column| column.relation == relation);
                    let before = targets.len();
                    let of_it = of_it.inspect(|column| self.note_column(column.origin));
                    targets.extend(of_it.map(column_target));
                    if targets.len() == before {
                        return Err(Error::new(
                            SqlState::UndefinedTable,
                            format!("missing FROM-clause entry for table \"{relation}\""),
                        )
                        .at(self.position_of(item)));
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

    fn group_by(
        &self,
        group_by: &GroupByExpr,
        targets: &[Target],
        scope: &Scope,
    ) -> Result<Vec<Bound>> {
        let GroupByExpr::Expressions(exprs, modifiers) = group_by else {
            return Err(Error::unsupported("GROUP BY ALL"));
        };
        if !modifiers.is_empty() {
            return Err(Error::unsupported("GROUP BY modifiers"));
        }
        let _none = self.forbid("GROUP BY");
        let mut keys = Vec::new();
        for expr in exprs {
            let position = self.position_of(expr);
            if let Some(ordinal) = ordinal_of(expr) {
                let target = ordinal.checked_sub(1).and_then(|index| targets.get(index));
                let target = target.ok_or_else(|| bad_ordinal("GROUP BY", ordinal).at(position))?;
                keys.push(self.settle(target.bound.clone())?);
                continue;
            }
            // An input column comes before an output name here.
            if let ast::Expr::Identifier(ident) = expr {
                let name = fold(ident);
                let is_input = scope.columns.iter().any(|column| column.name == name);
                let output = targets.iter().find(|target| target.name == name);
                if let (false, Some(target)) = (is_input, output) {
                    keys.push(target.bound.clone());
                    continue;
                }
            }
            if matches!(
                expr,
                ast::Expr::Rollup(_) | ast::Expr::Cube(_) | ast::Expr::GroupingSets(_)
            ) {
                return Err(Error::unsupported("GROUPING SETS"));
            }
            let bound = self.expr(expr)?;
            keys.push(self.settle(bound)?);
        }
        Ok(keys)
    }

    pub(super) fn sort_keys(&self, keys: &[ast::OrderByExpr]) -> Result<Vec<SortExpr>> {
        let bound = keys.iter().map(|key| {
            let bound = self.expr(&key.expr)?;
            let bound = self.settle(bound)?;
            Ok(sort_expr(&key.options, bound))
        });
        bound.collect()
    }

    fn order_targets(
        &self,
        order: &[ast::OrderByExpr],
        targets: &mut [Target],
    ) -> Result<Vec<SortExpr>> {
        let mut keys = Vec::new();
        for key in order {
            let position = self.position_of(&key.expr);
            let by_ordinal = match ordinal_of(&key.expr) {
                Some(ordinal) => {
                    let index = ordinal.checked_sub(1).filter(|index| *index < targets.len());
                    Some(index.ok_or_else(|| bad_ordinal("ORDER BY", ordinal).at(position))?)
                }
                None => None,
            };
            let by_name = match &key.expr {
                ast::Expr::Identifier(ident) => {
                    let name = fold(ident);
                    targets.iter().position(|target| target.name == name)
                }
                _ => None,
            };
            let bound = match by_ordinal.or(by_name).and_then(|index| targets.get_mut(index)) {
                Some(target) => {
                    target.bound = self.settle(target.bound.clone())?;
                    target.bound.clone()
                }
                None => {
                    let bound = self.expr(&key.expr)?;
                    self.settle(bound)?
                }
            };
            keys.push(sort_expr(&key.options, bound));
        }
        Ok(keys)
    }
}

fn is_canonical(function: &datafusion::logical_expr::expr::ScalarFunction) -> bool {
    matches!(
        crate::functions::udf::scalar_of(function),
        Some(crate::functions::Scalar::Canonical(_))
    )
}

fn column_target(column: &super::ScopeColumn) -> Target {
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
