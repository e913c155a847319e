//! Queries as a whole: WITH, the body, ORDER BY and LIMIT over it.

use std::sync::Arc;

use datafusion::logical_expr::expr::Sort as SortExpr;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::sql::sqlparser::ast::{self, LimitClause, OrderByKind, Query, SetExpr};

use super::expr::canonical;
use super::{Binder, Bound, BoundQuery, CommonTable, Level, fold};
use crate::error::{Error, Result, SqlState};
use crate::functions::casts::CastLevel;
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
        if !query.locks.is_empty() {
            return Err(Error::unsupported("a locking clause in a subquery"));
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

    /// Binds WITH queries; they stay in sight.
    pub fn bind_with(&self, with: &Option<ast::With>) -> Result<()> {
        let at_top = self.at_top.replace(false);
        if let Some(with) = with {
            if with.recursive {
                return Err(Error::unsupported("WITH RECURSIVE"));
            }
            self.check_names(with)?;
            for cte in &with.cte_tables {
                if let Some(changing) = self.changing_table(cte, at_top)? {
                    self.common_tables.borrow_mut().push(changing);
                    continue;
                }
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
                self.common_tables.borrow_mut().push(CommonTable {
                    name,
                    query: bound,
                    gives_nothing: false,
                });
            }
        }
        Ok(())
    }

    /// Each WITH query has a name of its own.
    fn check_names(&self, with: &ast::With) -> Result<()> {
        for (index, cte) in with.cte_tables.iter().enumerate() {
            let name = fold(&cte.alias.name);
            if with.cte_tables.iter().take(index).any(|other| fold(&other.alias.name) == name) {
                return Err(Error::new(
                    SqlState::DuplicateAlias,
                    format!("WITH query name \"{name}\" specified more than once"),
                )
                .at(self.position(cte.alias.name.span)));
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

pub(super) fn sort_expr(options: &ast::OrderByOptions, bound: Bound) -> SortExpr {
    let asc = options.asc.unwrap_or(true);
    let nulls_first = options.nulls_first.unwrap_or(!asc);
    SortExpr { expr: canonical(bound.kind(), bound.expr), asc, nulls_first }
}

pub(super) fn ordinal_of(expr: &ast::Expr) -> Option<usize> {
    match expr {
        ast::Expr::Value(value) => match &value.value {
            ast::Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn bad_ordinal(clause: &str, ordinal: usize) -> Error {
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
