//! Which WITH queries a query reads, and whether one that reads itself does so in the only way that
//! the standard allows: once, from the second term of a UNION, where each row of the round before gives
//! rows by itself. (PostgreSQL's parse_cte.c.)

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    self, JoinConstraint, JoinOperator, ObjectName, Query, Select, SetExpr, SetOperator,
    SetQuantifier, TableFactor, TableWithJoins, Visit, Visitor,
};
use datafusion::sql::sqlparser::tokenizer::Span;

use super::{Binder, fold, name_parts};
use crate::error::{Error, Result, SqlState};

pub(super) use super::common::strip as unwrapped;

/// Finds relations by name, but those that a WITH inside hides.
struct Readers<'n> {
    names: &'n [String],
    hidden: Vec<Hidden>,
    found: Vec<usize>,
}

/// What the WITH of a query hides.
struct Hidden {
    names: Vec<String>,
    /// Its queries, if it is not recursive: to each of them only those before it are in sight.
    queries: Vec<*const Query>,
    /// How many of the names are in sight.
    count: usize,
}

impl Hidden {
    fn always(names: Vec<String>) -> Hidden {
        Hidden { count: names.len(), names, queries: Vec::new() }
    }

    fn by(query: &Query) -> Hidden {
        let plain = query.with.iter().filter(|with| !with.recursive);
        let queries = plain.flat_map(|with| &with.cte_tables);
        let queries = queries.map(|cte| std::ptr::from_ref(&*cte.query)).collect();
        Hidden { queries, ..Hidden::always(names_of(query)) }
    }
}

impl Readers<'_> {
    fn position(&self, name: &ObjectName) -> Option<usize> {
        let parts = name_parts(name);
        let [name] = parts.as_slice() else { return None };
        let mut hidden =
            self.hidden.iter().flat_map(|hidden| hidden.names.iter().take(hidden.count));
        if hidden.any(|hidden| hidden == name) {
            return None;
        }
        self.names.iter().position(|other| other == name)
    }
}

fn names_of(query: &Query) -> Vec<String> {
    let tables = query.with.iter().flat_map(|with| &with.cte_tables);
    tables.map(|cte| fold(&cte.alias.name)).collect()
}

impl Visitor for Readers<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if let Some(around) = self.hidden.last_mut()
            && let Some(count) = around.queries.iter().position(|other| std::ptr::eq(*other, query))
        {
            around.count = count;
        }
        self.hidden.push(Hidden::by(query));
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.hidden.pop();
        if let Some(around) = self.hidden.last_mut() {
            around.count = around.names.len();
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        if let Some(index) = self.position(name)
            && !self.found.contains(&index)
        {
            self.found.push(index);
        }
        ControlFlow::Continue(())
    }
}

/// Which of these names a query reads.
pub(super) fn read_by(query: &Query, names: &[String]) -> Vec<usize> {
    let mut readers = Readers { names, hidden: Vec::new(), found: Vec::new() };
    let _ = query.visit(&mut readers);
    readers.found
}

/// Where a reference stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Good,
    FirstTerm,
    Subquery,
    OuterJoin,
    Intersect,
    Except,
}

/// Follows the references of a query to itself.
struct Checker<'c, 'a> {
    binder: &'c Binder<'a>,
    name: &'c str,
    hidden: Vec<String>,
    place: Place,
    count: usize,
}

impl Checker<'_, '_> {
    fn at(&mut self, place: Place, check: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let before = self.place;
        if before == Place::Good {
            self.place = place;
        }
        let checked = check(self);
        self.place = before;
        checked
    }

    fn relation(&mut self, name: &ObjectName) -> Result<()> {
        let parts = name_parts(name);
        if parts.as_slice() != [self.name] || self.hidden.iter().any(|hidden| hidden == self.name) {
            return Ok(());
        }
        self.reference(self.binder.position_of(name))
    }

    fn reference(&mut self, position: Option<usize>) -> Result<()> {
        self.count += 1;
        let place = match self.place {
            Place::Good if self.count < 2 => return Ok(()),
            Place::Good => "more than once",
            Place::FirstTerm => "within its non-recursive term",
            Place::Subquery => "within a subquery",
            Place::OuterJoin => "within an outer join",
            Place::Intersect => "within INTERSECT",
            Place::Except => "within EXCEPT",
        };
        let message =
            format!("recursive reference to query \"{}\" must not appear {place}", self.name);
        Err(Error::new(SqlState::InvalidRecursion, message).at(position))
    }

    /// References in the subqueries of expressions.
    fn subqueries(&mut self, node: &impl Visit) -> Result<()> {
        struct First<'n> {
            readers: Readers<'n>,
            name: Option<ObjectName>,
        }
        impl Visitor for First<'_> {
            type Break = ();

            fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
                self.readers.pre_visit_query(query)
            }

            fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
                self.readers.post_visit_query(query)
            }

            fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
                if self.readers.position(name).is_some() {
                    self.name = Some(name.clone());
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            }
        }
        let names = [self.name.to_owned()];
        let hidden = vec![Hidden::always(self.hidden.clone())];
        let readers = Readers { names: &names, hidden, found: Vec::new() };
        let mut first = First { readers, name: None };
        let _ = node.visit(&mut first);
        match first.name {
            None => Ok(()),
            Some(name) => {
                let position = self.binder.position_of(&name);
                self.at(Place::Subquery, |checker| checker.reference(position))
            }
        }
    }

    fn query(&mut self, query: &Query) -> Result<()> {
        let hidden = self.hidden.len();
        if let Some(with) = &query.with {
            if with.recursive {
                self.hidden.extend(names_of(query));
            }
            for cte in &with.cte_tables {
                self.query(&cte.query)?;
                self.hidden.push(fold(&cte.alias.name));
            }
        }
        self.body(&query.body)?;
        self.subqueries(&query.order_by)?;
        self.subqueries(&query.limit_clause)?;
        self.hidden.truncate(hidden);
        Ok(())
    }

    fn body(&mut self, body: &SetExpr) -> Result<()> {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => self.query(query),
            SetExpr::SetOperation { op: SetOperator::Union, left, right, .. } => {
                self.body(left)?;
                self.body(right)
            }
            SetExpr::SetOperation {
                op: SetOperator::Intersect,
                set_quantifier: SetQuantifier::All,
                left,
                right,
            } => self.at(Place::Intersect, |checker| {
                checker.body(left)?;
                checker.body(right)
            }),
            SetExpr::SetOperation { op: SetOperator::Intersect, left, right, .. } => {
                self.body(left)?;
                self.body(right)
            }
            SetExpr::SetOperation { set_quantifier, left, right, .. } => {
                match set_quantifier {
                    SetQuantifier::All => {
                        self.at(Place::Except, |checker| checker.body(left))?;
                    }
                    _ => self.body(left)?,
                }
                self.at(Place::Except, |checker| checker.body(right))
            }
            other => self.subqueries(other),
        }
    }

    fn select(&mut self, select: &Select) -> Result<()> {
        for item in &select.from {
            self.joined(item)?;
        }
        let rest = Select { from: Vec::new(), ..select.clone() };
        self.subqueries(&rest)
    }

    fn joined(&mut self, item: &TableWithJoins) -> Result<()> {
        // The innermost join is the first; each takes in what stands to its left.
        match item.joins.split_last() {
            None => self.factor(&item.relation),
            Some((join, before)) => {
                let left =
                    TableWithJoins { relation: item.relation.clone(), joins: before.to_vec() };
                let (fills_left, fills_right) = super::from::nullable_sides(&join.join_operator);
                match fills_left {
                    true => self.at(Place::OuterJoin, |checker| checker.joined(&left))?,
                    false => self.joined(&left)?,
                }
                match fills_right {
                    true => self.at(Place::OuterJoin, |checker| checker.factor(&join.relation))?,
                    false => self.factor(&join.relation)?,
                }
                match condition_of(&join.join_operator) {
                    Some(condition) => self.subqueries(condition),
                    None => Ok(()),
                }
            }
        }
    }

    fn factor(&mut self, factor: &TableFactor) -> Result<()> {
        match factor {
            TableFactor::Table { name, args: None, .. } => self.relation(name),
            TableFactor::Derived { subquery, .. } => self.query(subquery),
            TableFactor::NestedJoin { table_with_joins, .. } => self.joined(table_with_joins),
            other => self.subqueries(other),
        }
    }
}

fn condition_of(operator: &JoinOperator) -> Option<&ast::Expr> {
    let constraint = match operator {
        JoinOperator::Join(c)
        | JoinOperator::Inner(c)
        | JoinOperator::Left(c)
        | JoinOperator::LeftOuter(c)
        | JoinOperator::Right(c)
        | JoinOperator::RightOuter(c)
        | JoinOperator::FullOuter(c) => c,
        _ => return None,
    };
    match constraint {
        JoinConstraint::On(condition) => Some(condition),
        _ => None,
    }
}

impl Binder<'_> {
    /// Checks the form of a query that reads itself.
    pub(super) fn check_recursion(&self, name: &str, span: Span, query: &Query) -> Result<()> {
        let SetExpr::SetOperation { op: SetOperator::Union, left, right, .. } = &*query.body else {
            return Err(Error::new(
                SqlState::InvalidRecursion,
                format!(
                    "recursive query \"{name}\" does not have the form non-recursive-term UNION [ALL] recursive-term"
                ),
            )
            .at(self.position(span)));
        };
        let mut checker =
            Checker { binder: self, name, hidden: Vec::new(), place: Place::Good, count: 0 };
        // What its own WITH names is not this query.
        let own = names_of(query);
        checker.hidden.extend(own.iter().cloned());
        checker.at(Place::FirstTerm, |checker| checker.body(left))?;
        checker.body(right)?;
        checker.hidden.clear();
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            checker.at(Place::Subquery, |checker| checker.query(&cte.query))?;
        }
        let not_implemented = |what: &str, position: Option<usize>| {
            let message = format!("{what} in a recursive query is not implemented");
            Err(Error::new(SqlState::FeatureNotSupported, message).at(position))
        };
        if let Some(order) = &query.order_by {
            let first = match &order.kind {
                ast::OrderByKind::Expressions(keys) => keys.first(),
                ast::OrderByKind::All(_) => None,
            };
            let position = first.and_then(|key| self.place_of(&key.expr));
            return not_implemented("ORDER BY", position);
        }
        if let Some(ast::LimitClause::LimitOffset { limit, offset, .. }) = &query.limit_clause {
            if let Some(offset) = offset {
                return not_implemented("OFFSET", self.position_of(&offset.value));
            }
            if let Some(limit) = limit {
                return not_implemented("LIMIT", self.position_of(limit));
            }
        }
        match query.locks.is_empty() {
            true => Ok(()),
            false => not_implemented("FOR UPDATE/SHARE", None),
        }
    }
}
