//! Set operations and VALUES, and what both need: columns of one type, rows without duplicates.

use datafusion::common::{Column, NullEquality};
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder, Projection};
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{self, SetExpr, SetOperator, SetQuantifier};

use super::call::VALUES;
use super::comparable::groupable;
use super::expr::{canonical, common_type};
use super::locking::check_operand;
use super::select::{MAX_TARGETS, Target, column_target, too_many_targets};
use super::window::{Definition, ExtractedWindow};
use super::{Binder, Bound, BoundQuery, Level, OutputColumn, computed};
use crate::error::{Error, Result, SqlState};
use crate::functions::aggregates::{self, Aggregate, Kind};
use crate::functions::casts::{self, CastLevel};
use crate::functions::windows::{FrameClause, WindowCall, WindowFunction};
use crate::types::{Type, TypeMod};

impl Binder<'_> {
    /// The rows of VALUES are all as long as the first.
    pub(super) fn check_width(&self, row: &[ast::Expr], width: usize) -> Result<()> {
        match row.len() == width {
            true => Ok(()),
            false => {
                let message = "VALUES lists must all be the same length";
                let position = row.first().and_then(|expr| self.position_of(expr));
                Err(Error::new(SqlState::SyntaxError, message).at(position))
            }
        }
    }

    pub(super) fn set_expr(&self, body: &SetExpr) -> Result<BoundQuery> {
        match body {
            SetExpr::Select(select) => self.select(select, &[]),
            SetExpr::Query(query) => self.query(query),
            SetExpr::Values(values) => self.values(values),
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                self.set_operation(left, *op, *set_quantifier, right)
            }
            _ => Err(Error::unsupported("a data-modifying query here")),
        }
    }

    fn values(&self, values: &ast::Values) -> Result<BoundQuery> {
        let width = values.rows.first().map_or(0, |row| row.content.len());
        if width > MAX_TARGETS {
            return Err(too_many_targets());
        }
        let mut columns: Vec<Vec<Bound>> = vec![Vec::new(); width];
        self.levels.borrow_mut().push(Level::default());
        let bound = (|| -> Result<()> {
            let _none = self.forbid(VALUES);
            for row in &values.rows {
                self.check_width(&row.content, width)?;
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
            let name = format!("column{}", index + 1);
            let position = column.first().and_then(|bound| bound.position);
            outputs.push(OutputColumn { name, ty, origin: None, position });
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

    /// VALUES with ORDER BY, whose keys may be any expressions over its columns.
    pub(super) fn ordered_values(
        &self,
        values: &ast::Values,
        order: &[ast::OrderByExpr],
    ) -> Result<BoundQuery> {
        let query = self.values(values)?;
        self.levels.borrow_mut().push(Level::default());
        let bound = (|| -> Result<BoundQuery> {
            let (plan, scope) = self.derived("*VALUES*", query)?;
            let mut targets: Vec<Target> = scope.columns.iter().map(column_target).collect();
            self.set_scope(scope);
            let _none = self.forbid("ORDER BY");
            let sort = self.order_targets(order, &mut targets)?;
            let sorted = self.sorted(plan, targets, sort)?;
            let mut plan = LogicalPlanBuilder::new(sorted.plan);
            if sorted.hides {
                plan = plan.project(sorted.outputs)?;
            }
            Ok(BoundQuery { plan: plan.build()?, columns: sorted.columns })
        })();
        let level = self.levels.borrow_mut().pop();
        self.pass_captures_on(level);
        bound
    }

    /// Refuses INTO in a SELECT of a set operation that is not the first.
    fn check_into(&self, operand: &SetExpr) -> Result<()> {
        let into = match operand {
            SetExpr::Select(select) => select.into.as_ref(),
            SetExpr::SetOperation { left, .. } => return self.check_into(left),
            SetExpr::Query(query) => return self.check_into(&query.body),
            _ => None,
        };
        let Some(into) = into else { return Ok(()) };
        let message = "INTO is only allowed on first SELECT of UNION/INTERSECT/EXCEPT";
        Err(Error::new(SqlState::SyntaxError, message).at(self.position_of(&into.name)))
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
        check_operand(left)?;
        let (name, left) = (op.to_string(), self.set_expr(left)?);
        self.check_into(right)?;
        check_operand(right)?;
        let right = self.set_expr(right)?;
        if left.columns.len() != right.columns.len() {
            return Err(Error::new(
                SqlState::SyntaxError,
                format!("each {name} query must have the same number of columns"),
            )
            .at(right.columns.first().and_then(|column| column.position)));
        }
        let mut columns = Vec::new();
        for (a, b) in left.columns.iter().zip(&right.columns) {
            let ty = common_type(&[a.ty, b.ty], &name, &[a.position, b.position])?;
            for side in [a, b] {
                if casts::level(side.ty.kind, ty.kind) != Some(CastLevel::Implicit) {
                    let (from, to) = (side.ty.kind.name(), ty.kind.name());
                    return Err(Error::new(
                        SqlState::CannotCoerce,
                        format!("{name} could not convert type {from} to {to}"),
                    )
                    .at(side.position));
                }
            }
            columns.push(OutputColumn { ty, origin: None, ..a.clone() });
        }
        let types: Vec<TypeMod> = columns.iter().map(|column| column.ty).collect();
        let left = self.cast_outputs(left, &types)?;
        let right = self.cast_outputs(right, &types)?;
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
            SetOperator::Intersect => {
                self.matched(left.plan, right.plan, JoinType::LeftSemi, all, &types)?
            }
            SetOperator::Except | SetOperator::Minus => {
                self.matched(left.plan, right.plan, JoinType::LeftAnti, all, &types)?
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

    /// INTERSECT and EXCEPT: the left rows that have an equal row on the right, or have none.
    fn matched(
        &self,
        mut left: LogicalPlan,
        right: LogicalPlan,
        join_type: JoinType,
        all: bool,
        types: &[TypeMod],
    ) -> Result<LogicalPlan> {
        if !all {
            left = self.distinct_plan(left, types)?;
        }
        let (mut left, mut left_keys) = self.with_keys(left, types)?;
        let (mut right, mut right_keys) = self.with_keys(right, types)?;
        if all {
            // Number equal rows; then the n-th of them matches only the n-th.
            left = self.number_equal_rows(left, &mut left_keys)?;
            right = self.number_equal_rows(right, &mut right_keys)?;
        }
        if left_keys.is_empty() {
            // Rows without columns are all equal.
            let one = || Expr::Literal(ScalarValue::Boolean(Some(true)), None);
            let (a, b) = (self.fresh("k"), self.fresh("k"));
            left = LogicalPlanBuilder::new(left).project(vec![one().alias(&a)])?.build()?;
            right = LogicalPlanBuilder::new(right).project(vec![one().alias(&b)])?.build()?;
            left_keys.push(Column::new_unqualified(a));
            right_keys.push(Column::new_unqualified(b));
        }
        let keys = (left_keys, right_keys);
        let nulls = NullEquality::NullEqualsNull;
        let joined =
            LogicalPlanBuilder::new(left).join_detailed(right, join_type, keys, None, nulls)?;
        Ok(joined.build()?)
    }

    /// The columns of a plan under new names, and behind them the form that equal values share where
    /// layouts of equal values may differ; also the columns by which rows are equal.
    fn with_keys(
        &self,
        plan: LogicalPlan,
        types: &[TypeMod],
    ) -> Result<(LogicalPlan, Vec<Column>)> {
        let (mut columns, mut forms, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        for (column, ty) in plan.schema().columns().into_iter().zip(types) {
            groupable(ty.kind, None)?;
            let value = Expr::Column(column);
            let (name, key) = (self.fresh("x"), self.fresh("k"));
            if ty.kind.needs_canonical_form() {
                forms.push(canonical(ty.kind, value.clone()).alias(&key));
                keys.push(Column::new_unqualified(key));
            } else {
                keys.push(Column::new_unqualified(&name));
            }
            columns.push(value.alias(name));
        }
        columns.append(&mut forms);
        Ok((LogicalPlanBuilder::new(plan).project(columns)?.build()?, keys))
    }

    /// Numbers the rows that are equal by `keys`, of which the number is another one then.
    fn number_equal_rows(&self, plan: LogicalPlan, keys: &mut Vec<Column>) -> Result<LogicalPlan> {
        let partition = keys.iter().cloned().map(Expr::Column).collect();
        let frame = FrameClause::default();
        let definition = Definition { partition, order: Vec::new(), frame };
        let function = WindowFunction::RowNumber;
        let call = WindowCall { function, args: Vec::new(), filter: None };
        let name = self.fresh("w");
        keys.push(Column::new_unqualified(&name));
        let number = ExtractedWindow { name, call, definition: 0, returns: Type::Int8 };
        self.window_plan(plan, &[number], &[definition])
    }

    /// Casts the columns of a query where their types differ from `types`.
    pub(super) fn cast_outputs(&self, query: BoundQuery, types: &[TypeMod]) -> Result<BoundQuery> {
        let mut query = query;
        self.read_open_values(&mut query, types)?;
        if query.columns.iter().map(|column| column.ty.kind).eq(types.iter().map(|ty| ty.kind)) {
            return Ok(query);
        }
        let inputs = query.plan.schema().columns();
        let mut exprs = Vec::new();
        let mut columns = Vec::new();
        for ((column, ty), input) in query.columns.into_iter().zip(types).zip(inputs) {
            let position = column.position;
            let bound = Bound { expr: Expr::Column(input), ty: column.ty, position };
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

    /// Literals and parameters of open type that are columns become values of `types` where they stand,
    /// so that the error of one that cannot be has its place.
    fn read_open_values(&self, query: &mut BoundQuery, types: &[TypeMod]) -> Result<()> {
        let LogicalPlan::Projection(projection) = &query.plan else { return Ok(()) };
        let mut exprs = projection.expr.clone();
        let mut changed = false;
        for ((column, ty), expr) in query.columns.iter_mut().zip(types).zip(&mut exprs) {
            let Expr::Alias(alias) = expr else { continue };
            let is_value = matches!(*alias.expr, Expr::Literal(..) | Expr::Placeholder(_));
            if !is_value || column.ty.kind != Type::Unknown || ty.kind == Type::Unknown {
                continue;
            }
            let (expr, position) = ((*alias.expr).clone(), column.position);
            let open = Bound { expr, ty: column.ty, position };
            if let Some(value) = self.convert(open, *ty, CastLevel::Implicit)? {
                *alias.expr = value.expr;
                column.ty = value.ty;
                changed = true;
            }
        }
        if changed {
            let input = projection.input.clone();
            query.plan = LogicalPlan::Projection(Projection::try_new(exprs, input)?);
        }
        Ok(())
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
    pub(super) fn distinct_plan(
        &self,
        plan: LogicalPlan,
        types: &[TypeMod],
    ) -> Result<LogicalPlan> {
        let inputs = plan.schema().columns();
        let mut groups = Vec::new();
        let mut firsts = Vec::new();
        let mut outputs = Vec::new();
        for (column, ty) in inputs.into_iter().zip(types) {
            groupable(ty.kind, None)?;
            let (key, out) = (self.fresh("g"), self.fresh("x"));
            let value = Expr::Column(column);
            if ty.kind.needs_canonical_form() {
                let first = Aggregate {
                    kind: Kind::First,
                    input: ty.kind.base(),
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
}
