//! Queries in parentheses with clauses behind them: `(SELECT ... LIMIT 3) ORDER BY a` is one query with the
//! clauses of both, of which each may be there once. (PostgreSQL's insertSelectOptions.)

use datafusion::sql::sqlparser::ast::{LimitClause, OrderByKind, Query, SetExpr};

use super::Binder;
use crate::error::{Error, Result, SqlState};

fn twice(clause: &str, position: Option<usize>) -> Error {
    Error::new(SqlState::SyntaxError, format!("multiple {clause} clauses not allowed")).at(position)
}

impl Binder<'_> {
    /// The query that one in parentheses and the clauses around it are; `None` if it has no parentheses.
    pub(super) fn one_query(&self, query: &Query) -> Result<Option<Query>> {
        let SetExpr::Query(inner) = &*query.body else { return Ok(None) };
        let mut one = match self.one_query(inner)? {
            Some(one) => one,
            None => (**inner).clone(),
        };
        if let Some(order) = &query.order_by {
            if one.order_by.is_some() {
                let first = match &order.kind {
                    OrderByKind::Expressions(keys) => keys.first(),
                    OrderByKind::All(_) => None,
                };
                return Err(twice("ORDER BY", first.and_then(|key| self.position_of(&key.expr))));
            }
            one.order_by = Some(order.clone());
        }
        // PostgreSQL puts those of the query inside behind those around it.
        let inside = std::mem::take(&mut one.locks);
        one.locks = query.locks.iter().cloned().chain(inside).collect();
        self.merge_limits(&mut one.limit_clause, &query.limit_clause)?;
        if let Some(with) = &query.with {
            if one.with.is_some() {
                return Err(twice("WITH", self.position(with.with_token.0.span)));
            }
            one.with = Some(with.clone());
        }
        Ok(Some(one))
    }

    fn merge_limits(
        &self,
        inside: &mut Option<LimitClause>,
        around: &Option<LimitClause>,
    ) -> Result<()> {
        let Some(around) = around else { return Ok(()) };
        let Some(before) = inside else {
            *inside = Some(around.clone());
            return Ok(());
        };
        let (
            LimitClause::LimitOffset { limit, offset, .. },
            LimitClause::LimitOffset { limit: new_limit, offset: new_offset, .. },
        ) = (before, around)
        else {
            return Err(Error::unsupported("this form of LIMIT"));
        };
        if let Some(new) = new_offset {
            if offset.is_some() {
                return Err(twice("OFFSET", self.position_of(&new.value)));
            }
            *offset = Some(new.clone());
        }
        if let Some(new) = new_limit {
            if limit.is_some() {
                return Err(twice("LIMIT", self.position_of(new)));
            }
            *limit = Some(new.clone());
        }
        Ok(())
    }
}
