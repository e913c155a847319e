//! Queries: SELECT with all its clauses, VALUES, set operations, WITH.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::Sort as SortExpr;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::sql::sqlparser::ast::{
    self, Distinct, GroupByExpr, LimitClause, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier,
};

use super::call::{Extracted, Extraction};
use super::expr::{canonical, common_type};
use super::{Binder, Bound, BoundQuery, CommonTable, Level, OutputColumn, Scope, computed, fold};
use crate::error::{Error, Result, SqlState};
use crate::functions::aggregates::{self, Aggregate, Kind};
use crate::functions::casts::CastLevel;
use crate::types::{Datum, Type, TypeMod};

/// Most columns of a result, as in PostgreSQL.
const MAX_TARGETS: usize = 1664;

/// An item of the select list.
struct Target {
    name: String,
    bound: Bound,
    origin: Option<(u32, i16)>,
}

/// Restores what may be extracted when it goes out of scope.
pub(super) struct Forbidden<'b, 'a> {
    binder: &'b Binder<'a>,
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

    pub(super) fn extract_aggregate(&self, expr: Expr) -> String {
        self.extract(expr, "a", |extraction| &mut extraction.aggregates)
    }

    pub(super) fn extract_window(&self, expr: Expr) -> String {
        self.extract(expr, "w", |extraction| &mut extraction.windows)
    }

    /// Binds the statement's query at a level of its own.
    pub fn top_query(&self, query: &Query) -> Result<BoundQuery> {
        self.levels.borrow_mut().push(Level::default());
        let bound = self.query(query);
        self.levels.borrow_mut().pop();
        let mut bound = bound?;
        // A literal that nothing gave a type is text.
        let types = bound.columns.iter().map(|column| match column.ty.kind {
            Type::Unknown => TypeMod::plain(Type::Text),
            _ => column.ty,
        });
        let types = types.collect::<Vec<_>>();
        bound = self.cast_outputs(bound, &types)?;
        Ok(bound)
    }

    /// Binds a query at the current level.
    pub(super) fn query(&self, query: &Query) -> Result<BoundQuery> {
        if query.for_clause.is_some()
            || query.settings.is_some()
            || !query.pipe_operators.is_empty()
        {
            return Err(Error::unsupported("this clause"));
        }
        let outer_tables = self.common_tables.borrow().len();
        self.bind_with(&query.with)?;
        let bound = self.query_body(query);
        self.common_tables.borrow_mut().truncate(outer_tables);
        bound
    }

    /// Binds WITH queries; they stay in sight.
    pub fn bind_with(&self, with: &Option<ast::With>) -> Result<()> {
        if let Some(with) = with {
            if with.recursive {
                return Err(Error::unsupported("WITH RECURSIVE"));
            }
            for cte in &with.cte_tables {
                self.levels.borrow_mut().push(Level::default());
                let bound = self.nested(|| self.query(&cte.query));
                let level = self.levels.borrow_mut().pop();
                if level.is_some_and(|level| !level.captured.is_empty()) {
                    return Err(Error::unsupported("a correlated WITH query"));
                }
                let mut bound = bound?;
                let types = bound.columns.iter().map(|column| match column.ty.kind {
                    Type::Unknown => TypeMod::plain(Type::Text),
                    _ => column.ty,
                });
                let types = types.collect::<Vec<_>>();
                bound = self.cast_outputs(bound, &types)?;
                rename_columns(&mut bound, &cte.alias)?;
                let name = fold(&cte.alias.name);
                let twice = |other: &&ast::Cte| fold(&other.alias.name) == name;
                if with.cte_tables.iter().filter(twice).count() > 1 {
                    return Err(Error::new(
                        SqlState::DuplicateAlias,
                        format!("WITH query name \"{name}\" specified more than once"),
                    )
                    .at(self.position(cte.alias.name.span)));
                }
                self.common_tables.borrow_mut().push(CommonTable { name, query: bound });
            }
        }
        Ok(())
    }

    fn query_body(&self, query: &Query) -> Result<BoundQuery> {
        let order: &[ast::OrderByExpr] = match &query.order_by {
            None => &[],
            Some(order) => match &order.kind {
                OrderByKind::Expressions(keys) => keys,
                OrderByKind::All(_) => return Err(Error::unsupported("ORDER BY ALL")),
            },
        };
        let mut bound = match &*query.body {
            SetExpr::Select(select) => self.select(select, order)?,
            other => {
                let body = self.set_expr(other)?;
                self.order_outputs(body, order)?
            }
        };
        bound.plan = self.limit(query, bound.plan)?;
        Ok(bound)
    }

    fn set_expr(&self, body: &SetExpr) -> Result<BoundQuery> {
        match body {
            SetExpr::Select(select) => self.select(select, &[]),
            SetExpr::Query(query) => self.query(query),
            SetExpr::Values(values) => self.values(values),
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                self.set_operation(left, *op, *set_quantifier, right)
            }
            SetExpr::Table(table) => {
                let name = table.table_name.clone().unwrap_or_default();
                let (plan, scope) = self.named_relation(None, &name.to_lowercase(), None, None)?;
                let targets = scope.columns.iter().map(|column| Target {
                    name: column.name.clone(),
                    bound: Bound {
                        expr: Expr::Column(column.column.clone()),
                        ty: column.ty,
                        position: None,
                    },
                    origin: column.origin,
                });
                self.project(plan, targets.collect())
            }
            _ => Err(Error::unsupported("a data-modifying query here")),
        }
    }

    fn values(&self, values: &ast::Values) -> Result<BoundQuery> {
        let width = values.rows.first().map_or(0, |row| row.content.len());
        let mut columns: Vec<Vec<Bound>> = vec![Vec::new(); width];
        self.levels.borrow_mut().push(Level::default());
        let bound = (|| {
            for row in &values.rows {
                if row.content.len() != width {
                    return Err(Error::new(
                        SqlState::SyntaxError,
                        "VALUES lists must all be the same length",
                    ));
                }
                for (column, expr) in columns.iter_mut().zip(&row.content) {
                    column.push(self.expr(expr)?);
                }
            }
            Ok(())
        })();
        let level = self.levels.borrow_mut().pop();
        bound?;
        if let (Some(level), Some(outer)) = (level, self.levels.borrow_mut().last_mut()) {
            outer.captured.extend(level.captured);
        }
        let mut outputs = Vec::new();
        let mut unified = Vec::new();
        for (index, column) in columns.into_iter().enumerate() {
            let (column, ty) = self.unify(column, "VALUES")?;
            outputs.push(OutputColumn { name: format!("column{}", index + 1), ty, origin: None });
            unified.push(column);
        }
        let rows = (0..values.rows.len()).map(|row| {
            unified.iter().filter_map(|column| column.get(row)).map(|b| b.expr.clone()).collect()
        });
        let plan = LogicalPlanBuilder::values(rows.collect::<Vec<Vec<Expr>>>())?.build()?;
        // Give the columns names that are new.
        let names: Vec<Column> = plan.schema().columns();
        let renamed = names.into_iter().map(|column| Expr::Column(column).alias(self.fresh("x")));
        let plan = LogicalPlanBuilder::new(plan).project(renamed.collect::<Vec<_>>())?.build()?;
        Ok(BoundQuery { plan, columns: outputs })
    }

    fn set_operation(
        &self,
        left: &SetExpr,
        op: SetOperator,
        quantifier: SetQuantifier,
        right: &SetExpr,
    ) -> Result<BoundQuery> {
        let all = match quantifier {
            SetQuantifier::All => true,
            SetQuantifier::Distinct | SetQuantifier::None => false,
            other => return Err(Error::unsupported(format!("{other}"))),
        };
        let (name, left, right) = (op.to_string(), self.set_expr(left)?, self.set_expr(right)?);
        if left.columns.len() != right.columns.len() {
            return Err(Error::new(
                SqlState::SyntaxError,
                format!("each {name} query must have the same number of columns"),
            ));
        }
        let mut columns = Vec::new();
        for (a, b) in left.columns.iter().zip(&right.columns) {
            let ty = common_type(&[a.ty, b.ty], &name, &[])?;
            columns.push(OutputColumn { name: a.name.clone(), ty, origin: None });
        }
        let types: Vec<TypeMod> = columns.iter().map(|column| column.ty).collect();
        let mut left = self.cast_outputs(left, &types)?;
        let mut right = self.cast_outputs(right, &types)?;
        if matches!(op, SetOperator::Intersect | SetOperator::Except | SetOperator::Minus) {
            left = self.canonical_if_needed(left)?;
            right = self.canonical_if_needed(right)?;
            if all {
                // Number equal rows; then the n-th of them matches only the n-th.
                left.plan = self.number_equal_rows(left.plan)?;
                right.plan = self.number_equal_rows(right.plan)?;
            } else {
                left.plan = self.distinct_plan(left.plan, &types)?;
            }
        }
        let plan = match op {
            SetOperator::Union => {
                // Both sides under the same names: the optimizer relies on either's.
                let names = left.plan.schema().columns().into_iter().map(|column| column.name);
                let columns = right.plan.schema().columns().into_iter().zip(names);
                let renamed = columns.map(|(column, name)| Expr::Column(column).alias(name));
                let renamed = renamed.collect::<Vec<_>>();
                let right = LogicalPlanBuilder::new(right.plan).project(renamed)?.build()?;
                LogicalPlanBuilder::new(left.plan).union(right)?.build()?
            }
            SetOperator::Intersect => LogicalPlanBuilder::intersect(left.plan, right.plan, true)?,
            SetOperator::Except | SetOperator::Minus => {
                LogicalPlanBuilder::except(left.plan, right.plan, true)?
            }
        };
        let outputs: Vec<Column> = plan.schema().columns().into_iter().take(types.len()).collect();
        let renamed = outputs.into_iter().map(|column| Expr::Column(column).alias(self.fresh("x")));
        let mut plan =
            LogicalPlanBuilder::new(plan).project(renamed.collect::<Vec<_>>())?.build()?;
        if op == SetOperator::Union && !all {
            plan = self.distinct_plan(plan, &types)?;
        }
        Ok(BoundQuery { plan, columns })
    }

    fn canonical_if_needed(&self, query: BoundQuery) -> Result<BoundQuery> {
        let mixed = query.columns.iter().any(|c| matches!(c.ty.kind, Type::Float4 | Type::Float8));
        if mixed { self.canonical_outputs(query) } else { Ok(query) }
    }

    fn number_equal_rows(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        use datafusion::logical_expr::expr::{WindowFunction, WindowFunctionParams};
        use datafusion::logical_expr::{WindowFrame, WindowFunctionDefinition};
        let columns = plan.schema().columns();
        let row_number = datafusion::functions_window::row_number::row_number_udwf();
        let window = Expr::WindowFunction(Box::new(WindowFunction {
            fun: WindowFunctionDefinition::WindowUDF(row_number),
            params: WindowFunctionParams {
                args: Vec::new(),
                partition_by: columns.into_iter().map(Expr::Column).collect(),
                order_by: Vec::new(),
                window_frame: WindowFrame::new(None),
                filter: None,
                null_treatment: None,
                distinct: false,
            },
        }));
        let window = window.alias(self.fresh("w"));
        Ok(LogicalPlanBuilder::new(plan).window(vec![window])?.build()?)
    }

    /// Casts the columns of a query where their types differ from `types`.
    pub(super) fn cast_outputs(&self, query: BoundQuery, types: &[TypeMod]) -> Result<BoundQuery> {
        if query.columns.iter().map(|column| column.ty.kind).eq(types.iter().map(|ty| ty.kind)) {
            return Ok(query);
        }
        let inputs = query.plan.schema().columns();
        let mut exprs = Vec::new();
        let mut columns = Vec::new();
        for ((column, ty), input) in query.columns.into_iter().zip(types).zip(inputs) {
            let bound = Bound { expr: Expr::Column(input), ty: column.ty, position: None };
            let from = column.ty.kind;
            let cast = self.convert(bound, *ty, CastLevel::Implicit)?.ok_or_else(|| {
                Error::new(
                    SqlState::CannotCoerce,
                    format!("cannot cast type {} to {}", from.name(), ty.kind.name()),
                )
            })?;
            exprs.push(cast.expr.alias(self.fresh("x")));
            columns.push(OutputColumn { ty: *ty, ..column });
        }
        let plan = LogicalPlanBuilder::new(query.plan).project(exprs)?.build()?;
        Ok(BoundQuery { plan, columns })
    }

    /// Puts the columns of a query into the form that equal values share.
    pub(super) fn canonical_outputs(&self, query: BoundQuery) -> Result<BoundQuery> {
        if !query.columns.iter().any(|column| column.ty.kind.needs_canonical_form()) {
            return Ok(query);
        }
        let inputs = query.plan.schema().columns();
        let exprs = query.columns.iter().zip(inputs).map(|(column, input)| {
            canonical(column.ty.kind, Expr::Column(input)).alias(self.fresh("x"))
        });
        let exprs = exprs.collect::<Vec<_>>();
        let plan = LogicalPlanBuilder::new(query.plan).project(exprs)?.build()?;
        Ok(BoundQuery { plan, ..query })
    }

    /// Removes duplicates, by canonical form where the layouts of equal values may differ.
    fn distinct_plan(&self, plan: LogicalPlan, types: &[TypeMod]) -> Result<LogicalPlan> {
        let inputs = plan.schema().columns();
        let mut groups = Vec::new();
        let mut firsts = Vec::new();
        let mut outputs = Vec::new();
        for (column, ty) in inputs.into_iter().zip(types) {
            let (key, out) = (self.fresh("g"), self.fresh("x"));
            let value = Expr::Column(column);
            if ty.kind.needs_canonical_form() {
                let first = Aggregate {
                    kind: Kind::First,
                    input: ty.kind,
                    distinct: false,
                    order: Vec::new(),
                };
                let name = self.fresh("a");
                groups.push(canonical(ty.kind, value.clone()).alias(key));
                firsts.push(aggregates::call(first, vec![value], None).alias(&name));
                outputs.push(computed(&name).alias(out));
            } else {
                groups.push(value.alias(&key));
                outputs.push(computed(&key).alias(out));
            }
        }
        if groups.is_empty() {
            return Ok(LogicalPlanBuilder::new(plan).limit(0, Some(1))?.build()?);
        }
        Ok(LogicalPlanBuilder::new(plan).aggregate(groups, firsts)?.project(outputs)?.build()?)
    }

    fn project(&self, plan: LogicalPlan, targets: Vec<Target>) -> Result<BoundQuery> {
        let mut exprs = Vec::new();
        let mut columns = Vec::new();
        for target in targets {
            exprs.push(target.bound.expr.alias(self.fresh("x")));
            columns.push(OutputColumn {
                name: target.name,
                ty: target.bound.ty,
                origin: target.origin,
            });
        }
        let plan = LogicalPlanBuilder::new(plan).project(exprs)?.build()?;
        Ok(BoundQuery { plan, columns })
    }

    fn select(&self, select: &Select, order: &[ast::OrderByExpr]) -> Result<BoundQuery> {
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
        self.finish_select(plan, targets, sort, &select.distinct)
    }

    fn finish_select(
        &self,
        plan: LogicalPlan,
        targets: Vec<Target>,
        sort: Vec<SortExpr>,
        distinct: &Option<Distinct>,
    ) -> Result<BoundQuery> {
        match distinct {
            Some(Distinct::On(_)) => return Err(Error::unsupported("DISTINCT ON")),
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
                for key in sort {
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
                        ));
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
            return Err(Error::new(
                SqlState::TooManyColumns,
                format!("target lists can have at most {MAX_TARGETS} entries"),
            ));
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
            let column = OutputColumn { name: target.name, ty: bound.ty, origin: target.origin };
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

    /// ORDER BY over a set operation or VALUES: output columns only.
    fn order_outputs(&self, query: BoundQuery, order: &[ast::OrderByExpr]) -> Result<BoundQuery> {
        if order.is_empty() {
            return Ok(query);
        }
        let outputs = query.plan.schema().columns();
        let mut keys = Vec::new();
        for key in order {
            let position = self.position_of(&key.expr);
            let index = match (&key.expr, ordinal_of(&key.expr)) {
                (_, Some(ordinal)) => {
                    let index = ordinal.checked_sub(1).filter(|index| *index < outputs.len());
                    Some(index.ok_or_else(|| bad_ordinal("ORDER BY", ordinal).at(position))?)
                }
                (ast::Expr::Identifier(ident), None) => {
                    let name = fold(ident);
                    let found = query.columns.iter().position(|column| column.name == name);
                    Some(found.ok_or_else(|| {
                        Error::new(
                            SqlState::UndefinedColumn,
                            format!("column \"{name}\" does not exist"),
                        )
                        .at(position)
                    })?)
                }
                _ => None,
            };
            let found = index.and_then(|i| Some((outputs.get(i)?, query.columns.get(i)?)));
            let Some((column, output)) = found else {
                return Err(Error::new(
                    SqlState::FeatureNotSupported,
                    "invalid UNION/INTERSECT/EXCEPT ORDER BY clause",
                )
                .detail("Only result column names can be used, not expressions or functions.")
                .hint("Add the expression/function to every SELECT, or move the UNION into a FROM clause.")
                .at(position));
            };
            let bound = Bound { expr: Expr::Column(column.clone()), ty: output.ty, position };
            keys.push(sort_expr(&key.options, bound));
        }
        let plan = LogicalPlanBuilder::new(query.plan).sort(keys)?.build()?;
        Ok(BoundQuery { plan, ..query })
    }

    fn limit(&self, query: &Query, plan: LogicalPlan) -> Result<LogicalPlan> {
        let (limit, offset) = match (&query.limit_clause, &query.fetch) {
            (None, None) => return Ok(plan),
            (Some(LimitClause::LimitOffset { limit, offset, limit_by }), fetch)
                if limit_by.is_empty() =>
            {
                let fetched = fetch.as_ref().and_then(|fetch| fetch.quantity.as_ref());
                (limit.as_ref().or(fetched), offset.as_ref().map(|offset| &offset.value))
            }
            (None, Some(fetch)) => (fetch.quantity.as_ref(), None),
            _ => return Err(Error::unsupported("this form of LIMIT")),
        };
        if query.fetch.as_ref().is_some_and(|fetch| fetch.with_ties || fetch.percent) {
            return Err(Error::unsupported("FETCH WITH TIES"));
        }
        let one = query.fetch.as_ref().is_some_and(|fetch| fetch.quantity.is_none());
        let bind = |expr: Option<&ast::Expr>, what: &str| -> Result<Option<Expr>> {
            let Some(expr) = expr else { return Ok(None) };
            let bound = self.expr(expr)?;
            let (from, position) = (bound.kind(), bound.position);
            let count = self.convert(bound, TypeMod::plain(Type::Int8), CastLevel::Assignment)?;
            let count = count.ok_or_else(|| {
                Error::new(
                    SqlState::DatatypeMismatch,
                    format!("argument of {what} must be type bigint, not type {}", from.name()),
                )
                .at(position)
            })?;
            // The plan wants a literal where there is one.
            Ok(Some(match fold_constant(&count.expr) {
                Some(Datum::Null) => return Ok(None),
                Some(Datum::Int64(value)) if value < 0 => {
                    let state = match what {
                        "LIMIT" => SqlState::InvalidRowCountInLimitClause,
                        _ => SqlState::InvalidRowCountInResultOffsetClause,
                    };
                    return Err(Error::new(state, format!("{what} must not be negative")));
                }
                Some(Datum::Int64(value)) => lit(value),
                _ => count.expr,
            }))
        };
        let fetch = if one { Some(lit(1i64)) } else { bind(limit, "LIMIT")? };
        let skip = bind(offset, "OFFSET")?;
        if fetch.is_none() && skip.is_none() {
            return Ok(plan);
        }
        Ok(LogicalPlan::Limit(datafusion::logical_expr::Limit {
            skip: skip.map(Box::new),
            fetch: fetch.map(Box::new),
            input: Arc::new(plan),
        }))
    }
}

/// The value of an expression without columns or parameters.
fn fold_constant(expr: &Expr) -> Option<Datum> {
    match expr {
        Expr::Literal(value, _) => Datum::from_scalar(value).ok(),
        Expr::ScalarFunction(function) => {
            let scalar = crate::functions::udf::scalar_of(function)?;
            let args = function.args.iter().map(fold_constant).collect::<Option<Vec<_>>>()?;
            scalar.call(&args).ok()
        }
        _ => None,
    }
}

fn is_canonical(function: &datafusion::logical_expr::expr::ScalarFunction) -> bool {
    matches!(
        crate::functions::udf::scalar_of(function),
        Some(crate::functions::Scalar::Canonical(_))
    )
}

fn sort_expr(options: &ast::OrderByOptions, bound: Bound) -> SortExpr {
    let asc = options.asc.unwrap_or(true);
    let nulls_first = options.nulls_first.unwrap_or(!asc);
    SortExpr { expr: canonical(bound.kind(), bound.expr), asc, nulls_first }
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

fn ordinal_of(expr: &ast::Expr) -> Option<usize> {
    match expr {
        ast::Expr::Value(value) => match &value.value {
            ast::Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

fn bad_ordinal(clause: &str, ordinal: usize) -> Error {
    Error::new(
        SqlState::InvalidColumnReference,
        format!("{clause} position {ordinal} is not in select list"),
    )
}

/// Renames the columns of a WITH query or derived table by its alias's list.
pub(super) fn rename_columns(query: &mut BoundQuery, alias: &ast::TableAlias) -> Result<()> {
    if alias.columns.len() > query.columns.len() {
        return Err(Error::new(
            SqlState::InvalidColumnReference,
            format!(
                "table \"{}\" has {} columns available but {} columns specified",
                fold(&alias.name),
                query.columns.len(),
                alias.columns.len()
            ),
        ));
    }
    for (column, name) in query.columns.iter_mut().zip(&alias.columns) {
        column.name = fold(&name.name);
    }
    Ok(())
}

/// The name PostgreSQL gives to a column without alias (FigureColname).
fn implied_name(expr: &ast::Expr) -> String {
    use ast::Expr as Sql;
    fn strength(expr: &ast::Expr) -> Option<(String, u8)> {
        let strong = |name: &str| Some((name.to_owned(), 2));
        match expr {
            Sql::Identifier(ident) => Some((fold(ident), 2)),
            Sql::CompoundIdentifier(parts) => parts.last().map(|part| (fold(part), 2)),
            Sql::Function(function) => {
                let parts = super::name_parts(&function.name);
                parts.last().map(|name| (name.clone(), 2))
            }
            Sql::Nested(inner) | Sql::Collate { expr: inner, .. } => strength(inner),
            Sql::Cast { expr, data_type, .. } => match strength(expr) {
                Some((name, 2)) => Some((name, 2)),
                _ => Some((type_label(data_type), 1)),
            },
            Sql::TypedString(typed) => Some((type_label(&typed.data_type), 1)),
            Sql::Interval(_) => Some(("interval".into(), 1)),
            Sql::Case { else_result, .. } => match else_result.as_deref().and_then(strength) {
                Some((name, 2)) => Some((name, 2)),
                _ => Some(("case".into(), 1)),
            },
            Sql::Exists { .. } => strong("exists"),
            Sql::Subquery(query) => match &*query.body {
                SetExpr::Select(select) => match select.projection.first() {
                    Some(SelectItem::UnnamedExpr(expr)) => strength(expr),
                    Some(SelectItem::ExprWithAlias { alias, .. }) => Some((fold(alias), 2)),
                    _ => None,
                },
                _ => None,
            },
            Sql::Extract { .. } => strong("extract"),
            Sql::Position { .. } => strong("position"),
            Sql::Substring { shorthand, .. } => {
                strong(if *shorthand { "substr" } else { "substring" })
            }
            Sql::Trim { trim_where, .. } => strong(match trim_where {
                Some(ast::TrimWhereField::Leading) => "ltrim",
                Some(ast::TrimWhereField::Trailing) => "rtrim",
                _ => "btrim",
            }),
            Sql::Ceil { .. } => strong("ceil"),
            Sql::Floor { .. } => strong("floor"),
            Sql::AtTimeZone { .. } => strong("timezone"),
            _ => None,
        }
    }
    strength(expr).map_or("?column?".into(), |(name, _)| name)
}

fn type_label(data_type: &ast::DataType) -> String {
    let kind = super::types::type_of(data_type).map(|ty| ty.kind);
    match kind {
        Ok(Type::Bool) => "bool".into(),
        Ok(Type::Int2) => "int2".into(),
        Ok(Type::Int4) => "int4".into(),
        Ok(Type::Int8) => "int8".into(),
        Ok(Type::Float4) => "float4".into(),
        Ok(Type::Float8) => "float8".into(),
        Ok(Type::Varchar) => "varchar".into(),
        Ok(Type::Bpchar) => "bpchar".into(),
        Ok(Type::Time) => "time".into(),
        Ok(Type::Timestamp) => "timestamp".into(),
        Ok(Type::Timestamptz) => "timestamptz".into(),
        Ok(kind) => kind.name().into(),
        Err(_) => "?column?".into(),
    }
}

/// Moves expressions above a GROUP BY: grouped expressions become the group's columns,
/// aggregates already are columns, and any other column has to be determined by the group.
struct Grouping<'b, 'a> {
    binder: &'b Binder<'a>,
    scope: &'b Scope,
    /// Expression, name of its column above, type.
    keys: Vec<(Expr, String, Type)>,
    /// Columns that a primary key among the keys determines.
    firsts: Vec<(Column, String, Type)>,
}

impl Grouping<'_, '_> {
    fn rewrite(&mut self, expr: &Expr) -> Result<Expr> {
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

    fn plan(self, input: LogicalPlan, extracted: Vec<Extracted>) -> Result<LogicalPlan> {
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
