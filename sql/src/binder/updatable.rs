//! INSERT, UPDATE and DELETE of a view that shows columns of one table, or of another such view.
//!
//! The statement is bound against the view's columns as if they were all that the table has: a copy of
//! the table's descriptor bears the view's names, in its order, and conceals the other columns.
//! Positions are the table's, so what comes out of it is a change of the table. What the view computes
//! has positions behind those, at which nothing is stored: names are bound to them like to any column,
//! and the expressions take their places then.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, Query, Select, SetExpr, TableFactor};

use super::dml::RETURNING;
use super::on_conflict::EXCLUDED;
use super::stored::{Stored, parse_query};
use super::{Binder, Level, Scope, ScopeColumn, column_of, fold};
use crate::catalog::view::{CheckOption, View};
use crate::catalog::{Column, Table};
use crate::error::{Error, Result, SqlState};
use crate::types::TypeMod;

/// What is done to the rows of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Insert,
    Update,
    Delete,
    Merge,
}

impl Change {
    /// The error of a view that does not take it, and why.
    fn refused(self, view: &View, why: &str) -> Error {
        let (what, doing, event) = match self {
            Change::Merge => {
                let message = format!("cannot execute MERGE on relation \"{}\"", view.name);
                return Error::new(SqlState::FeatureNotSupported, message)
                    .detail("This operation is not supported for views.");
            }
            Change::Insert => ("insert into", "inserting into", "INSERT"),
            Change::Update => ("update", "updating", "UPDATE"),
            Change::Delete => ("delete from", "deleting from", "DELETE"),
        };
        Error::new(
            SqlState::ObjectNotInPrerequisiteState,
            format!("cannot {what} view \"{}\"", view.name),
        )
        .detail(why)
        .hint(format!(
            "To enable {doing} the view, provide an INSTEAD OF {event} trigger or an unconditional \
             ON {event} DO INSTEAD rule."
        ))
    }
}

/// Why a query's rows are not those of a table, by its clauses.
fn obstacle(query: &Query) -> std::result::Result<&Select, &'static str> {
    let single =
        "Views that do not select from a single table or view are not automatically updatable.";
    if query.with.is_some() {
        return Err("Views containing WITH are not automatically updatable.");
    }
    let select = match &*query.body {
        SetExpr::Select(select) => select,
        SetExpr::SetOperation { .. } => {
            return Err(
                "Views containing UNION, INTERSECT, or EXCEPT are not automatically updatable.",
            );
        }
        _ => return Err(single),
    };
    if select.distinct.is_some() {
        return Err("Views containing DISTINCT are not automatically updatable.");
    }
    if !matches!(&select.group_by, ast::GroupByExpr::Expressions(keys, _) if keys.is_empty()) {
        return Err("Views containing GROUP BY are not automatically updatable.");
    }
    if select.having.is_some() {
        return Err("Views containing HAVING are not automatically updatable.");
    }
    if query.limit_clause.is_some() || query.fetch.is_some() {
        return Err("Views containing LIMIT or OFFSET are not automatically updatable.");
    }
    Ok(select)
}

/// Qualifier of a table's columns in what is known of a view.
const BASE: &str = "\0base";
/// Qualifier of the columns that a view reads, while its expressions are bound.
const BELOW: &str = "\0below";
const NO_SINGLE: &str =
    "Views that do not select from a single table or view are not automatically updatable.";

/// A column of a view.
#[derive(Clone, Debug)]
struct Output {
    /// Over the table's columns.
    expr: Expr,
    ty: TypeMod,
    /// The view that computes it, and its name there.
    computed_by: (String, String),
    /// What an INSERT that does not name it puts there, if that is not the table's own default.
    default: Option<String>,
}

/// The condition of a view.
#[derive(Clone, Debug)]
struct Condition {
    /// Of which view.
    view: String,
    /// Over the table's columns.
    expr: Expr,
    /// Whether new rows have to fulfil it.
    is_checked: bool,
}

/// A view as columns and rows of a table.
struct Shape {
    base: Arc<Table>,
    outputs: Vec<Output>,
    /// Those of the innermost view first.
    conditions: Vec<Condition>,
}

/// Position in the table of what is no more than a column of it.
fn base_position(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Column(column) if column.relation.as_ref()?.table() == BASE => {
            column.name.strip_prefix('c')?.parse().ok()
        }
        _ => None,
    }
}

/// The expression with what `find` has for its columns, by qualifier and position.
fn replace(expr: Expr, find: &dyn Fn(&str, usize) -> Option<Expr>) -> Result<Expr> {
    let replaced = expr.transform_up(|expr| {
        let found = match &expr {
            Expr::Column(column) => column.relation.as_ref().and_then(|relation| {
                let position = column.name.strip_prefix('c')?.parse().ok()?;
                find(relation.table(), position)
            }),
            _ => None,
        };
        Ok(found.map_or_else(|| Transformed::no(expr), Transformed::yes))
    })?;
    Ok(replaced.data)
}

/// The same with the table's columns under another qualifier.
fn qualified(expr: Expr, qualifier: &str) -> Result<Expr> {
    replace(expr, &|relation, position| {
        let column = column_of(qualifier, &format!("c{position}"));
        (relation == BASE).then(|| Expr::Column(column))
    })
}

/// What rows are added to a view by: the expressions of its select list, with `None` for what is
/// expanded to columns.
fn items(select: &Select, width: usize) -> Vec<Option<&ast::Expr>> {
    let mut found = Vec::new();
    for item in &select.projection {
        match item {
            ast::SelectItem::UnnamedExpr(expr) | ast::SelectItem::ExprWithAlias { expr, .. } => {
                found.push(Some(expr));
            }
            _ => found.extend(std::iter::repeat_n(None, width)),
        }
    }
    found
}

impl Binder<'_> {
    /// What a view is made of, as far as rows can be changed through it.
    fn shape(&self, view: &View, change: Change, check: Option<CheckOption>) -> Result<Shape> {
        self.nested(|| self.shape_within(view, change, check))
    }

    /// `check` is that of the view around it, as far as it reaches here.
    fn shape_within(
        &self,
        view: &View,
        change: Change,
        check: Option<CheckOption>,
    ) -> Result<Shape> {
        if change == Change::Merge {
            return Err(change.refused(view, ""));
        }
        let query = parse_query(&view.query)?;
        let select = obstacle(&query).map_err(|why| change.refused(view, why))?;
        let inner = self.inner(view);
        let bound = inner.top_query(&query)?;
        let is = |wanted: fn(&LogicalPlan) -> bool| bound.plan.exists(|node| Ok(wanted(node)));
        let single = match select.from.as_slice() {
            [item] if item.joins.is_empty() => match &item.relation {
                TableFactor::Table { name, args: None, alias, .. } => Some((name, alias)),
                _ => None,
            },
            _ => None,
        };
        let cascaded = check == Some(CheckOption::Cascaded)
            || view.check_option == Some(CheckOption::Cascaded);
        let own_check = if cascaded { Some(CheckOption::Cascaded) } else { view.check_option };
        // What is wrong below is told first: what follows looks at the plan of all of it.
        let below = match single {
            Some((name, alias)) => {
                let (schema, relation) = super::relation_name(name)?;
                let (stored, names) = inner.stored(schema.as_deref(), &relation)?;
                let shape = match &stored {
                    Stored::View(below) => {
                        Some(self.shape(below, change, own_check.filter(|_| cascaded))?)
                    }
                    _ => None,
                };
                Some((relation, alias, stored, names, shape))
            }
            None => None,
        };
        if is(|node| matches!(node, LogicalPlan::Aggregate(_)))? {
            let why = "Views that return aggregate functions are not automatically updatable.";
            return Err(change.refused(view, why));
        }
        if is(|node| matches!(node, LogicalPlan::Window(_)))? {
            let why = "Views that return window functions are not automatically updatable.";
            return Err(change.refused(view, why));
        }
        if is(crate::operator::is_project_set)? {
            let why = "Views that return set-returning functions are not automatically updatable.";
            return Err(change.refused(view, why));
        }
        let Some((relation, alias, stored, names, shape)) = below else {
            return Err(change.refused(view, NO_SINGLE));
        };
        let mut shape = match (&stored, shape) {
            (_, Some(shape)) => shape,
            (Stored::Table(base), None) => Shape {
                base: base.clone(),
                outputs: (0..)
                    .zip(&base.columns)
                    .map(|(at, column): (usize, _)| Output {
                        expr: Expr::Column(column_of(BASE, &format!("c{at}"))),
                        ty: column.kind(),
                        computed_by: Default::default(),
                        default: None,
                    })
                    .collect(),
                conditions: Vec::new(),
            },
            _ => return Err(change.refused(view, NO_SINGLE)),
        };
        let below_id = match &stored {
            Stored::Table(base) => base.id,
            Stored::View(below) => below.id,
            Stored::Sequence(_) => 0,
        };
        let called = alias.as_ref().map_or(relation.clone(), |alias| fold(&alias.name));
        let renamed =
            alias.iter().flat_map(|alias| &alias.columns).map(|column| fold(&column.name));
        let mut renamed = renamed.collect::<Vec<_>>().into_iter();
        let columns = names.iter().filter_map(|(at, name)| {
            Some(ScopeColumn {
                relation: called.clone(),
                name: renamed.next().unwrap_or_else(|| name.clone()),
                column: column_of(BELOW, &format!("c{at}")),
                ty: shape.outputs.get(*at)?.ty,
                merged_away: false,
                unlisted: false,
                origin: None,
            })
        });
        let scope = Scope { columns: columns.collect() };
        inner.levels.borrow_mut().push(Level { scope, ..Level::default() });
        let below = |expr: Expr| {
            replace(expr, &|relation, at| {
                let output = shape.outputs.get(at).filter(|_| relation == BELOW)?;
                Some(output.expr.clone())
            })
        };
        let exprs = items(select, names.len());
        let outputs = bound.columns.iter().enumerate().map(|(at, output)| {
            let named = view.columns.get(at);
            let default = named.and_then(|column| column.default.clone());
            let (id, number) = output.origin.unwrap_or_default();
            if id == below_id
                && let Some(plain) = shape.outputs.get((number as usize).wrapping_sub(1))
            {
                let default = default.or_else(|| plain.default.clone());
                return Ok(Output { default, ..plain.clone() });
            }
            let Some(Some(expr)) = exprs.get(at).filter(|_| exprs.len() == bound.columns.len())
            else {
                return Err(Error::unsupported("a change of rows of a view with such columns"));
            };
            let expr = inner.settle(inner.expr(expr)?)?;
            let computed_by = named.map(|column| (view.name.clone(), column.name.clone()));
            let (ty, expr) = (output.ty, below(expr.expr)?);
            Ok(Output { ty, expr, computed_by: computed_by.unwrap_or_default(), default })
        });
        let outputs = outputs.collect::<Result<Vec<_>>>();
        let condition = match &select.selection {
            None => Ok(None),
            Some(condition) => inner
                .expr(condition)
                .and_then(|condition| below(inner.expect_bool(condition, "WHERE")?.expr).map(Some)),
        };
        inner.levels.borrow_mut().pop();
        let (outputs, condition) = (outputs?, condition?);
        self.take_over(&inner);
        shape.outputs = outputs;
        shape.conditions.extend(condition.map(|expr| Condition {
            view: view.name.clone(),
            expr,
            is_checked: own_check.is_some(),
        }));
        Ok(shape)
    }

    /// Why rows of a view cannot be changed, if they cannot.
    pub fn why_not_updatable(&self, view: &View) -> Result<Option<String>> {
        match self.table_behind(view, Change::Update) {
            Ok(_) => Ok(None),
            Err(Error::Report(report)) if report.detail.is_some() => Ok(report.detail),
            Err(error) => Err(error),
        }
    }

    /// Whether each column of a view can be set; `None` if its rows cannot be changed.
    pub fn updatable_columns(&self, view: &View) -> Result<Option<Vec<bool>>> {
        match self.shape(view, Change::Delete, None) {
            Ok(shape) => {
                let outputs = shape.outputs.iter();
                Ok(Some(outputs.map(|output| base_position(&output.expr).is_some()).collect()))
            }
            Err(Error::Report(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The table behind a view, with the view's columns.
    pub(super) fn table_behind(&self, view: &View, change: Change) -> Result<Arc<Table>> {
        let shape = self.shape(view, change, None)?;
        let positions = shape.outputs.iter().map(|output| base_position(&output.expr));
        let positions: Vec<Option<usize>> = positions.collect();
        if change != Change::Delete && positions.iter().all(Option::is_none) {
            let why = "Views that have no updatable columns are not automatically updatable.";
            return Err(change.refused(view, why));
        }
        let mut shown = (*shape.base).clone();
        shown.name.clone_from(&view.name);
        for column in &mut shown.columns {
            column.concealed = true;
        }
        let width = shown.columns.len();
        let mut computed = Vec::new();
        for ((output, position), named) in shape.outputs.iter().zip(positions).zip(&view.columns) {
            let column = position.and_then(|position| shown.columns.get_mut(position));
            match (column, position) {
                (Some(column), Some(position)) if column.concealed => {
                    column.name.clone_from(&named.name);
                    column.concealed = false;
                    if let Some(default) = &output.default {
                        (column.default, column.sequence) = (Some(default.clone()), None);
                    }
                    shown.order.push(position);
                }
                _ => {
                    shown.order.push(width + shown.computed.len());
                    shown.computed.push(Column::new(named.name.clone(), output.ty));
                    computed.push((output.expr.clone(), output.computed_by.clone()));
                }
            }
        }
        let (mut checks, mut conditions) = (Vec::new(), Vec::new());
        for condition in shape.conditions {
            let of_row = (condition.view, qualified(condition.expr, RETURNING)?);
            if condition.is_checked {
                checks.push(of_row.clone());
            }
            conditions.push(of_row);
        }
        (*self.view_checks.borrow_mut(), *self.view_conditions.borrow_mut()) = (checks, conditions);
        *self.computed.borrow_mut() = computed;
        self.note_table(&shape.base);
        Ok(Arc::new(shown))
    }

    /// The conditions of the rows that the view shows which is changed, in the same form.
    pub(super) fn take_view_conditions(&self) -> Vec<(String, Expr)> {
        self.view_conditions.take()
    }

    /// The conditions that new rows of the view that is changed have to fulfil, over the table's row.
    pub(super) fn take_view_checks(&self) -> Vec<(String, Expr)> {
        self.view_checks.take()
    }

    /// What a view computes, in the place of the columns that stand for it.
    pub(super) fn expand_computed(&self, expr: Expr, table: &Table) -> Result<Expr> {
        if table.computed.is_empty() {
            return Ok(expr);
        }
        let computed = self.computed.borrow();
        let width = table.columns.len();
        replace(expr, &|relation, position| {
            let (computed, _) = computed.get(position.checked_sub(width)?)?;
            let known = relation == RETURNING || relation == EXCLUDED;
            known.then(|| qualified(computed.clone(), relation).ok()).flatten()
        })
    }

    /// The column of the table that a column of a view stands for, if another one does, too.
    pub(super) fn shown_twice(&self, table: &Table, position: usize) -> Option<usize> {
        let at = position.checked_sub(table.columns.len())?;
        self.computed.borrow().get(at).and_then(|(expr, _)| base_position(expr))
    }

    /// Refuses to set what a view computes.
    pub(super) fn check_settable(
        &self,
        table: &Table,
        position: usize,
        change: Change,
    ) -> Result<()> {
        let Some(at) = position.checked_sub(table.columns.len()) else { return Ok(()) };
        let doing = if change == Change::Insert { "insert into" } else { "update" };
        let computed = self.computed.borrow();
        let missing = || Error::internal("no such column");
        let (_, (view, name)) = computed.get(at).ok_or_else(missing)?;
        let message = format!("cannot {doing} column \"{name}\" of view \"{view}\"");
        let detail = "View columns that are not columns of their base relation are not updatable.";
        Err(Error::new(SqlState::FeatureNotSupported, message).detail(detail))
    }

    /// The table as it is, of a copy that bears the names of a view.
    pub(super) fn base_of(&self, table: Arc<Table>) -> Arc<Table> {
        match self.schema.table_by_id(table.id) {
            Some(base) => base.clone(),
            None => table,
        }
    }

    /// The rows of a view as rows of its table, and behind them what the view computes.
    pub(super) fn rows_behind(
        &self,
        view: &View,
        table: &Table,
        shown: &str,
        change: Change,
    ) -> Result<(LogicalPlan, Scope)> {
        let shape = self.shape(view, change, None)?;
        let (schema, name) = (&shape.base.schema, &shape.base.name);
        let (plan, _) = self.named_relation(Some(schema), name, None, None)?;
        let stored = plan.schema().columns();
        let of_row = |expr: Expr| {
            replace(expr, &|relation, position| {
                let column = stored.get(position).filter(|_| relation == BASE)?;
                Some(Expr::Column(column.clone()))
            })
        };
        let mut plan = LogicalPlanBuilder::new(plan);
        for condition in shape.conditions {
            plan = plan.filter(of_row(condition.expr)?)?;
        }
        let mut columns = stored.clone();
        if !table.computed.is_empty() {
            let all = stored.iter().cloned().map(Expr::Column);
            let mut exprs: Vec<Expr> = all.collect();
            for (expr, _) in self.computed.borrow().iter() {
                let name = self.fresh("x");
                columns.push(datafusion::common::Column::new_unqualified(&name));
                exprs.push(of_row(expr.clone())?.alias(name));
            }
            plan = plan.project(exprs)?;
        }
        let scope = table.visible().filter_map(|(position, column)| {
            let origin = (position < stored.len()).then_some((table.id, position as i16 + 1));
            Some(ScopeColumn {
                relation: shown.to_owned(),
                name: column.name.clone(),
                column: columns.get(position)?.clone(),
                ty: column.kind(),
                merged_away: false,
                unlisted: false,
                origin,
            })
        });
        let scope = Scope { columns: scope.collect() };
        Ok((plan.build()?, scope))
    }
}
