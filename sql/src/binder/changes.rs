//! WITH queries that change rows: each is a part of the statement, run once, whether it is read or not. To those
//! who read it, what it returns is a relation.

use std::collections::BTreeSet;

use datafusion::common::TableReference;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, SetExpr, Statement};

use super::common::CommonTable;
use super::dml::{Assignments, BoundModify, Operation};
use super::locking::BoundLocking;
use super::merge::MergeAction;
use super::query::rename_columns;
use super::recursion::read_by;
use super::{Binder, BoundQuery, fold};
use crate::error::{Error, Result, SqlState};
use crate::plan_walk::{Part, walk, walk_expr};
use crate::relation::{Relation, Source};

/// A part of a statement that runs by itself.
#[derive(Debug)]
pub enum BoundPart {
    /// A WITH query that changes rows.
    Modify(Box<BoundModify>),
    /// A subquery that locks them.
    Lock(Box<BoundLocking>),
}

impl Binder<'_> {
    /// Binds a statement that changes rows; `None` if it is another one.
    pub fn change(&self, body: &SetExpr) -> Result<Option<BoundModify>> {
        Ok(Some(match body {
            SetExpr::Insert(Statement::Insert(insert)) => self.insert(insert)?,
            SetExpr::Update(Statement::Update(update)) => self.update(update)?,
            SetExpr::Delete(Statement::Delete(delete)) => self.delete(delete)?,
            SetExpr::Merge(Statement::Merge(merge)) => self.merge(merge)?,
            _ => return Ok(None),
        }))
    }

    /// The parts that run by themselves; a relation that reads one names it by its place here.
    pub fn take_changes(&self) -> Vec<BoundPart> {
        self.changes.take()
    }

    /// Says that the next WITH is that of the statement itself.
    pub fn begin_top(&self) {
        self.at_top.set(true);
    }

    /// Binds a WITH query if it changes rows.
    pub(super) fn changing_table(
        &self,
        cte: &ast::Cte,
        may_recur: bool,
        at_top: bool,
    ) -> Result<Option<CommonTable>> {
        let body = &*cte.query.body;
        let position = self.position(cte.alias.name.span);
        let refusal = match body {
            SetExpr::Merge(_) => Some("MERGE not supported in WITH query"),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) if at_top => None,
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) => {
                Some("WITH clause containing a data-modifying statement must be at the top level")
            }
            _ => return Ok(None),
        };
        if let Some(message) = refusal {
            return Err(Error::new(SqlState::FeatureNotSupported, message).at(position));
        }
        let name = fold(&cte.alias.name);
        if may_recur && !read_by(&cte.query, std::slice::from_ref(&name)).is_empty() {
            let message =
                format!("recursive query \"{name}\" must not contain data-modifying statements");
            return Err(Error::new(SqlState::InvalidRecursion, message).at(position));
        }
        let outer_tables = self.common_tables.borrow().len();
        self.bind_with(&cte.query.with)?;
        let bound = self.nested(|| self.change(body));
        self.common_tables.borrow_mut().truncate(outer_tables);
        let bound = bound?.ok_or_else(|| Error::internal("a change that is none"))?;
        let part = self.changes.borrow().len();
        let gives_nothing = bound.returning.is_none();
        let columns = bound.returning.iter().flatten().map(|(column, _)| column.clone());
        let columns = columns.collect::<Vec<_>>();
        self.changes.borrow_mut().push(BoundPart::Modify(Box::new(bound)));
        let layouts = columns.iter().map(|column| column.ty.kind.layout()).collect();
        let relation = Relation::new(Source::Changed(part, layouts));
        let unique = self.fresh("t");
        let scan = LogicalPlanBuilder::scan(TableReference::bare(unique.as_str()), relation, None)?;
        let mut query = BoundQuery { plan: scan.build()?, columns };
        if !gives_nothing {
            self.check_columns(cte, query.columns.len())?;
            rename_columns(&mut query, &cte.alias)?;
        }
        Ok(Some(CommonTable::inline(name, query, gives_nothing)))
    }
}

impl BoundModify {
    /// The expressions that are evaluated while rows are changed.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let returning = self.returning.iter().flatten().map(|(_, expr)| expr);
        let update = self.on_conflict.iter().filter_map(|conflict| conflict.update.as_ref());
        let update = update.flat_map(|update| {
            let visible = update.visible.iter().map(|(_, condition)| condition);
            update.assignments.expressions().chain(update.condition.iter()).chain(visible)
        });
        let whens = match &self.operation {
            Operation::Merge(whens) => whens.as_slice(),
            _ => &[],
        };
        let whens = whens.iter().flat_map(|when| {
            let action: Box<dyn Iterator<Item = &Expr>> = match &when.action {
                MergeAction::Nothing | MergeAction::Delete => Box::new(std::iter::empty()),
                MergeAction::Update(assignments) => Box::new(assignments.expressions()),
                MergeAction::Insert(columns) => {
                    Box::new(columns.iter().filter_map(|column| match column {
                        super::dml::ColumnSource::Default(expr) => Some(expr),
                        _ => None,
                    }))
                }
            };
            when.condition.iter().chain(action)
        });
        let checks = self.view_checks.iter().map(|(_, condition)| condition);
        returning.chain(update).chain(whens).chain(checks)
    }
}

impl Assignments {
    pub(super) fn expressions_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        let rows = self.rows.iter_mut().map(|(_, row)| row);
        rows.chain(self.values.iter_mut().map(|(_, value)| value))
    }

    fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let rows = self.rows.iter().map(|(_, row)| row);
        rows.chain(self.values.iter().map(|(_, value)| value))
    }
}

/// Adds the parts of the statement that a plan reads.
pub fn note_parts(plan: &LogicalPlan, parts: &mut BTreeSet<usize>) -> DfResult<()> {
    walk(plan, &mut |part| note(part, parts))
}

/// The same for an expression.
pub fn note_parts_of(expr: &Expr, parts: &mut BTreeSet<usize>) -> DfResult<()> {
    walk_expr(expr, &mut |part| note(part, parts))
}

fn note(part: Part<'_>, parts: &mut BTreeSet<usize>) {
    if let Part::Source(Source::Changed(part, _)) = part {
        parts.insert(*part);
    }
}
