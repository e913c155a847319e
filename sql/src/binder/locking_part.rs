//! Locking clauses in subqueries, and of subqueries in FROM.
//!
//! A subquery with a locking clause is a part of the statement, as a WITH query that changes rows is: it runs
//! once, before what reads it, and to its end, so it locks all of its rows, whatever the query
//! around it makes of them.

use std::collections::HashSet;

use datafusion::common::TableReference;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{
    LockClause, Query, Select, SetExpr, TableFactor, TableWithJoins,
};

use super::changes::BoundPart;
use super::{Binder, BoundQuery, fold};
use crate::error::{Error, Result};
use crate::parser::locking::{narrowed, read};
use crate::plan_walk::{Part, walk};
use crate::relation::{Relation, Source};
use crate::row::expr::{Parameter, parameter_of};

impl Binder<'_> {
    /// Binds a subquery with locking clauses.
    pub(super) fn locking_part(&self, query: &Query) -> Result<BoundQuery> {
        if self.view.is_some() {
            return Err(Error::unsupported("a locking clause in a view"));
        }
        let bound = self.locking_level(query)?;
        if bound.locks.is_empty() {
            return Ok(bound.query);
        }
        if uses_outer(&bound.query.plan)? {
            return Err(Error::unsupported(
                "a locking clause in a subquery that uses columns of those around it",
            ));
        }
        let columns = bound.query.columns.clone();
        let part = self.changes.borrow().len();
        self.changes.borrow_mut().push(BoundPart::Lock(Box::new(bound)));
        let layouts = columns.iter().map(|column| column.ty.kind.layout()).collect();
        let relation = Relation::new(Source::Changed(part, layouts));
        let unique = self.fresh("t");
        let scan = LogicalPlanBuilder::scan(TableReference::bare(unique.as_str()), relation, None)?;
        Ok(BoundQuery { plan: scan.build()?, columns })
    }
}

/// Whether a plan uses columns of queries around it.
fn uses_outer(plan: &LogicalPlan) -> Result<bool> {
    let mut used = HashSet::new();
    let mut bound = HashSet::new();
    walk(plan, &mut |part| match part {
        Part::Binds(slots) => bound.extend(slots.iter().copied()),
        Part::Expr(Expr::Placeholder(placeholder)) => {
            if let Ok(Parameter::Outer(slot)) = parameter_of(&placeholder.id) {
                used.insert(slot);
            }
        }
        _ => {}
    })?;
    Ok(used.difference(&bound).next().is_some())
}

/// Hands locking clauses on to the subqueries in FROM that they concern.
pub(super) fn hand_on(query: &mut Query) {
    let clauses = query.locks.clone();
    if let SetExpr::Select(select) = &mut *query.body {
        hand_to(select, &clauses);
    }
}

fn hand_to(select: &mut Select, clauses: &[LockClause]) {
    select.from.iter_mut().for_each(|item| hand_to_item(item, clauses));
}

fn hand_to_item(item: &mut TableWithJoins, clauses: &[LockClause]) {
    let factors = std::iter::once(&mut item.relation);
    for factor in factors.chain(item.joins.iter_mut().map(|join| &mut join.relation)) {
        match factor {
            TableFactor::NestedJoin { table_with_joins, .. } => {
                hand_to_item(table_with_joins, clauses);
            }
            TableFactor::Derived { subquery, alias, .. }
                if !matches!(*subquery.body, SetExpr::Values(_)) =>
            {
                let name = alias.as_ref().map(|alias| fold(&alias.name));
                let concerned = clauses.iter().filter(|clause| match read(clause).1.as_slice() {
                    [] => true,
                    [of] => Some(fold(of)) == name,
                    _ => false,
                });
                subquery.locks.extend(concerned.map(narrowed));
            }
            _ => {}
        }
    }
}
