//! INSERT, UPDATE and DELETE of a view that shows columns of one table.
//!
//! The statement is bound against the view's columns as if they were all that the table has: a copy of
//! the table's descriptor bears the view's names and conceals the other columns. Positions are the
//! table's, so what comes out of it is a change of the table.

use std::sync::Arc;

use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, Query, Select, SetExpr, TableFactor};

use super::stored::{Stored, parse_query};
use super::{Binder, Level, Scope, fold};
use crate::catalog::Table;
use crate::catalog::view::View;
use crate::error::{Error, Result, SqlState};

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
                return Error::new(SqlState::WrongObjectType, message)
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

impl Binder<'_> {
    /// The table behind a view, with the view's names of its columns.
    pub(super) fn table_behind(&self, view: &View, change: Change) -> Result<Arc<Table>> {
        if change == Change::Merge {
            return Err(change.refused(view, ""));
        }
        let query = parse_query(&view.query)?;
        let select = obstacle(&query).map_err(|why| change.refused(view, why))?;
        let inner = self.inner(view);
        let bound = inner.top_query(&query)?;
        self.take_over(&inner);
        let is = |wanted: fn(&LogicalPlan) -> bool| bound.plan.exists(|node| Ok(wanted(node)));
        if is(|node| matches!(node, LogicalPlan::Aggregate(_)))? {
            let why = "Views that return aggregate functions are not automatically updatable.";
            return Err(change.refused(view, why));
        }
        if is(|node| matches!(node, LogicalPlan::Window(_)))? {
            let why = "Views that return window functions are not automatically updatable.";
            return Err(change.refused(view, why));
        }
        let single =
            "Views that do not select from a single table or view are not automatically updatable.";
        let [item] = select.from.as_slice() else { return Err(change.refused(view, single)) };
        let TableFactor::Table { name, args: None, alias, .. } = &item.relation else {
            return Err(change.refused(view, single));
        };
        if !item.joins.is_empty() {
            return Err(change.refused(view, single));
        }
        let (schema, relation) = super::relation_name(name)?;
        let Stored::Table(base) = inner.stored(schema.as_deref(), &relation)?.0 else {
            return Err(Error::unsupported("a change of rows of a view of a view"));
        };
        if alias.as_ref().is_some_and(|alias| !alias.columns.is_empty()) {
            return Err(Error::unsupported(
                "a change of rows of a view that renames columns in FROM",
            ));
        }
        let mut positions = Vec::new();
        for output in &bound.columns {
            match output.origin {
                Some((id, number)) if id == base.id => positions.push(number as usize - 1),
                _ => {
                    return Err(Error::unsupported(
                        "a change of rows of a view that computes columns",
                    ));
                }
            }
        }
        if !positions.is_sorted_by(|a, b| a < b) {
            return Err(Error::unsupported(
                "a change of rows of a view whose columns are in another order than the table's",
            ));
        }
        let mut shown = (*base).clone();
        shown.name.clone_from(&view.name);
        for (position, column) in shown.columns.iter_mut().enumerate() {
            let found = positions.iter().position(|other| *other == position);
            match found.and_then(|at| view.columns.get(at)) {
                Some(named) => column.name.clone_from(&named.name),
                None => column.concealed = true,
            }
        }
        self.note_table(&base);
        Ok(Arc::new(shown))
    }

    /// The table as it is, of a copy that bears the names of a view.
    pub(super) fn base_of(&self, table: Arc<Table>) -> Arc<Table> {
        match self.schema.table_by_id(table.id) {
            Some(base) => base.clone(),
            None => table,
        }
    }

    /// The rows of a view as rows of its table.
    pub(super) fn rows_behind(
        &self,
        view: &View,
        table: &Table,
        shown: &str,
    ) -> Result<(LogicalPlan, Scope)> {
        let base = self.base_of(Arc::new(table.clone()));
        let query = parse_query(&view.query)?;
        let SetExpr::Select(select) = &*query.body else {
            return Err(Error::internal("a view without SELECT"));
        };
        let (plan, scope) = self.named_relation(Some(&base.schema), &base.name, None, None)?;
        let plan = match (&select.selection, select.from.as_slice()) {
            (Some(condition), [item]) => {
                let TableFactor::Table { name, alias, .. } = &item.relation else {
                    return Err(Error::internal("a view without a table"));
                };
                let (schema, relation) = super::relation_name(name)?;
                let called = alias.as_ref().map_or(relation.clone(), |alias| fold(&alias.name));
                let inner = self.inner(view);
                let (_, names) = inner.stored(schema.as_deref(), &relation)?;
                let mut known = Scope::default();
                for column in &scope.columns {
                    let position = column.origin.map(|(_, number)| number as usize - 1);
                    let name = names.iter().find(|(at, _)| Some(*at) == position);
                    let Some((_, name)) = name else { continue };
                    let mut column = column.clone();
                    (column.relation, column.name) = (called.clone(), name.clone());
                    known.columns.push(column);
                }
                inner.levels.borrow_mut().push(Level { scope: known, ..Level::default() });
                let condition = inner.expect_bool(inner.expr(condition)?, "WHERE")?;
                self.take_over(&inner);
                LogicalPlanBuilder::new(plan).filter(condition.expr)?.build()?
            }
            _ => plan,
        };
        let columns = scope.columns.into_iter().filter_map(|mut column| {
            let position = column.origin.map(|(_, number)| number as usize - 1)?;
            let named = table.columns.get(position).filter(|named| !named.concealed)?;
            (column.relation, column.name) = (shown.to_owned(), named.name.clone());
            Some(column)
        });
        let columns = columns.collect();
        Ok((plan, Scope { columns }))
    }
}
