//! Queries as a whole: WITH, the body, ORDER BY and LIMIT over it.

use std::sync::Arc;

use datafusion::logical_expr::expr::Sort as SortExpr;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::sql::sqlparser::ast::{self, LimitClause, NonBlock, OrderByKind, Query, SetExpr};

use super::comparable::sortable;
use super::expr::canonical;
use super::{Binder, Bound, BoundQuery, Level, Scope, fold};
use crate::error::{Error, Result, SqlState};
use crate::functions::casts::CastLevel;
use crate::operator::{Kind, Operator, Output, Ties};
use crate::parser::forms::WITH_TIES;
use crate::types::{Datum, Type, TypeMod};

impl Binder<'_> {
    /// Binds the statement's query at a level of its own.
    pub fn top_query(&self, query: &Query) -> Result<BoundQuery> {
        self.at_top.set(true);
        self.levels.borrow_mut().push(Level::default());
        let bound = self.query(query);
        self.levels.borrow_mut().pop();
        self.settle_outputs(bound?)
    }

    /// A literal that nothing gave a type is text.
    pub(super) fn settle_outputs(&self, bound: BoundQuery) -> Result<BoundQuery> {
        let types = bound.columns.iter().map(|column| match column.ty.kind {
            Type::Unknown => TypeMod::plain(Type::Text),
            _ => column.ty,
        });
        let types = types.collect::<Vec<_>>();
        self.cast_outputs(bound, &types)
    }

    /// Binds a query at the current level.
    pub(super) fn query(&self, query: &Query) -> Result<BoundQuery> {
        if let Some(one) = self.one_query(query)? {
            return self.query(&one);
        }
        if !query.locks.is_empty() {
            return self.locking_part(query);
        }
        self.query_to_lock(query)
    }

    /// The same for one whose locking clauses the caller sees to.
    pub(super) fn query_to_lock(&self, query: &Query) -> Result<BoundQuery> {
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
            SetExpr::Values(values) if !order.is_empty() => self.ordered_values(values, order)?,
            other => {
                let body = self.set_expr(other)?;
                if let Some(level) = self.levels.borrow_mut().last_mut() {
                    level.selected_scope = Scope::default();
                }
                self.order_outputs(body, order)?
            }
        };
        bound.plan = self.limit(query, bound.plan)?;
        Ok(bound)
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
            let ordinal = ordinal_of(&key.expr, "ORDER BY", outputs.len());
            let index = match (&key.expr, ordinal.map_err(|error| error.at(position))?) {
                (_, Some(index)) => Some(index),
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
            sortable(&bound)?;
            keys.push(sort_expr(&key.options, bound));
        }
        let plan = LogicalPlanBuilder::new(query.plan).sort(keys)?.build()?;
        Ok(BoundQuery { plan, ..query })
    }

    fn limit(&self, query: &Query, plan: LogicalPlan) -> Result<LogicalPlan> {
        // FETCH is LIMIT since the statement was parsed.
        let (limit, offset) = match (&query.limit_clause, &query.fetch) {
            (None, None) => return Ok(plan),
            (Some(LimitClause::LimitOffset { limit, offset, limit_by }), None)
                if limit_by.is_empty() =>
            {
                (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
            }
            _ => return Err(Error::unsupported("this form of LIMIT")),
        };
        let with_ties = limit.and_then(|limit| marked(limit, WITH_TIES));
        let bind = |expr: Option<&ast::Expr>, what: &'static str| -> Result<Option<Expr>> {
            let Some(expr) = expr else { return Ok(None) };
            let bound = self.without_variables(expr, what)?;
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
        if let Some(count) = with_ties {
            let fetch = match bind(Some(count), "LIMIT")? {
                Some(fetch) => fetch,
                None => self.null(Type::Int8)?.expr,
            };
            let skips = query.locks.iter().any(|lock| lock.nonblock == Some(NonBlock::SkipLocked));
            return with_last_peers(plan, bind(offset, "OFFSET")?, fetch, skips);
        }
        let fetch = bind(limit, "LIMIT")?;
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

/// The argument of a call that marks a form which sqlparser does not read.
pub(super) fn marked<'e>(expr: &'e ast::Expr, marker: &str) -> Option<&'e ast::Expr> {
    let ast::Expr::Function(function) = expr else { return None };
    let is_marker = |part: &ast::ObjectNamePart| part.as_ident().map(|i| &*i.value) == Some(marker);
    let ([name], ast::FunctionArguments::List(list)) = (function.name.0.as_slice(), &function.args)
    else {
        return None;
    };
    match list.args.as_slice() {
        [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(arg))] if is_marker(name) => {
            Some(arg)
        }
        _ => None,
    }
}

/// FETCH ... WITH TIES over a sorted plan, below the projection that leaves sort keys out.
fn with_last_peers(
    plan: LogicalPlan,
    skip: Option<Expr>,
    fetch: Expr,
    skips_locked: bool,
) -> Result<LogicalPlan> {
    if let LogicalPlan::Projection(projection) = plan {
        let input = Arc::unwrap_or_clone(projection.input);
        let input = with_last_peers(input, skip, fetch, skips_locked)?;
        return Ok(LogicalPlanBuilder::new(input).project(projection.expr)?.build()?);
    }
    let sort = match &plan {
        LogicalPlan::Sort(sort) => Some(sort),
        LogicalPlan::Extension(extension) => match Operator::of(extension) {
            Some(Operator {
                kind: Kind::DistinctOn(_), input: LogicalPlan::Sort(sort), ..
            }) => Some(sort),
            _ => None,
        },
        _ => None,
    };
    let keys = sort.map(|sort| sort.expr.iter().map(|key| key.expr.clone()).collect());
    let keys: Vec<Expr> = keys.ok_or_else(|| {
        Error::new(SqlState::SyntaxError, "WITH TIES cannot be specified without ORDER BY clause")
    })?;
    if skips_locked {
        let message = "SKIP LOCKED and WITH TIES options cannot be used together";
        return Err(Error::new(SqlState::SyntaxError, message));
    }
    let kind = Kind::Ties(Box::new(Ties { skip, fetch, keys }));
    Ok(Operator::plan(kind, plan, Output::Adds(Vec::new()))?)
}

impl Binder<'_> {
    /// Binds an expression of a clause that may not name the query's columns.
    fn without_variables(&self, expr: &ast::Expr, clause: &'static str) -> Result<Bound> {
        let scope = self.levels.borrow().last().map(|level| level.selected_scope.clone());
        let before = self.replace_scope(scope.unwrap_or_default());
        let _none = self.forbid(clause);
        let bound = self.expr(expr);
        self.replace_scope(before);
        let bound = bound?;
        if bound.expr.any_column_refs() {
            return Err(Error::new(
                SqlState::InvalidColumnReference,
                format!("argument of {clause} must not contain variables"),
            )
            .at(bound.position));
        }
        Ok(bound)
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

pub(super) fn sort_expr(options: &ast::OrderByOptions, bound: Bound) -> SortExpr {
    let asc = options.asc.unwrap_or(true);
    let nulls_first = options.nulls_first.unwrap_or(!asc);
    SortExpr { expr: canonical(bound.kind(), bound.expr), asc, nulls_first }
}

/// The item of a select list that a key of ORDER BY, GROUP BY or DISTINCT ON names by its number, of
/// so many. A key that is another constant is an error.
pub(super) fn ordinal_of(key: &ast::Expr, clause: &str, items: usize) -> Result<Option<usize>> {
    let (value, negative) = match key {
        ast::Expr::Nested(inner) => return ordinal_of(inner, clause, items),
        ast::Expr::Value(value) => (&value.value, false),
        ast::Expr::UnaryOp { op: ast::UnaryOperator::Minus, expr } => match &**expr {
            ast::Expr::Value(value) if matches!(value.value, ast::Value::Number(..)) => {
                (&value.value, true)
            }
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    let number = match value {
        ast::Value::Placeholder(_) => return Ok(None),
        ast::Value::Number(digits, _) => digits.parse::<i32>().ok(),
        _ => None,
    };
    let Some(number) = number else {
        let message = format!("non-integer constant in {clause}");
        return Err(Error::new(SqlState::SyntaxError, message));
    };
    let number = if negative { -i64::from(number) } else { i64::from(number) };
    let index = usize::try_from(number - 1).ok().filter(|index| *index < items);
    match index {
        Some(index) => Ok(Some(index)),
        None => Err(Error::new(
            SqlState::InvalidColumnReference,
            format!("{clause} position {number} is not in select list"),
        )),
    }
}

/// An alias's list names no more columns than there are.
pub(super) fn check_alias(alias: &ast::TableAlias, what: &str, available: usize) -> Result<()> {
    if alias.columns.len() > available {
        return Err(Error::new(
            SqlState::InvalidColumnReference,
            format!(
                "{what} \"{}\" has {available} columns available but {} columns specified",
                fold(&alias.name),
                alias.columns.len()
            ),
        ));
    }
    Ok(())
}

/// Renames the columns of a WITH query or derived table by its alias's list.
pub(super) fn rename_columns(query: &mut BoundQuery, alias: &ast::TableAlias) -> Result<()> {
    check_alias(alias, "table", query.columns.len())?;
    for (column, name) in query.columns.iter_mut().zip(&alias.columns) {
        column.name = fold(&name.name);
    }
    Ok(())
}
