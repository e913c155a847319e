//! Queries of cursors, and conditions on the row that one is on.
//!
//! PostgreSQL finds the current row in the plan: a cursor whose rows are those of one table knows where
//! each stands. Here such rows carry the columns of the table's key, behind the columns of the query.

use std::sync::Arc;

use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::sqlparser::ast;

use super::expr::binary;
use super::locking::{RangedKind, check_form, check_plan, with_rows};
use super::{Binder, BoundQuery, Level, column_of, placeholder};
use crate::catalog::Table;
use crate::error::{Error, Result, SqlState};
use crate::types::Type;

/// CURRENT OF in a statement: the values of the table's key are parameters behind the client's own.
#[derive(Clone, Debug)]
pub struct CurrentOf {
    /// The cursor.
    pub cursor: String,
    /// The table that is changed.
    pub table: Arc<Table>,
}

impl Binder<'_> {
    /// Binds the query of a cursor. If its rows are those of one table, the columns of that table's key
    /// follow its own.
    pub fn cursor_query(&self, query: &ast::Query) -> Result<(BoundQuery, Option<Arc<Table>>)> {
        self.at_top.set(true);
        self.levels.borrow_mut().push(Level::default());
        let bound = self.query_to_lock(query);
        let level = self.levels.borrow_mut().pop();
        let bound = bound?;
        let is_simple = check_form(&query.body, "").is_ok() && check_plan(&bound.plan, "").is_ok();
        let bound = self.settle_outputs(bound)?;
        let ranged = level.map(|level| level.selected_from).unwrap_or_default();
        let [item] = ranged.as_slice() else { return Ok((bound, None)) };
        let RangedKind::Table(table, unique) = &item.kind else { return Ok((bound, None)) };
        if !is_simple {
            return Ok((bound, None));
        }
        let key = table.primary.columns.iter();
        let key: Vec<_> = key.map(|column| column_of(unique, &format!("c{column}"))).collect();
        // A plan of another form does not let the columns through.
        Ok(match with_rows(bound.plan.clone(), &key) {
            Ok(plan) => (BoundQuery { plan, columns: bound.columns }, Some(table.clone())),
            Err(_) => (bound, None),
        })
    }

    /// The condition that a row of `plan`, which begins with the columns of `table`, is the current one
    /// of a cursor.
    pub(super) fn is_current(
        &self,
        cursor: &str,
        table: &Table,
        plan: &LogicalPlan,
    ) -> Result<Expr> {
        let base = self.base_of(Arc::new(table.clone()));
        if base.name != table.name {
            let message = "WHERE CURRENT OF on a view is not implemented";
            return Err(Error::new(SqlState::FeatureNotSupported, message));
        }
        // All parameters of the statement are known: the condition is bound last.
        let first = self.parameters.borrow().len() + 1;
        let columns = plan.schema().columns();
        let mut condition: Option<Expr> = None;
        for (at, position) in base.primary.columns.iter().enumerate() {
            let missing = || Error::internal("a table without its key");
            let column = columns.get(*position).cloned().ok_or_else(missing)?;
            let kind = base.columns.get(*position).map_or(Type::Text, |column| column.kind().kind);
            let value = placeholder(format!("${}", first + at), kind.layout());
            let equal = super::equals(Expr::Column(column), value);
            condition = Some(match condition {
                None => equal,
                Some(before) => binary(before, datafusion::logical_expr::Operator::And, equal),
            });
        }
        let current = CurrentOf { cursor: cursor.to_owned(), table: base };
        if self.current_of.replace(Some(current)).is_some() {
            return Err(Error::unsupported("several CURRENT OF in one statement"));
        }
        condition.ok_or_else(|| Error::internal("a table without a key"))
    }

    /// CURRENT OF, if the statement has it.
    pub fn take_current_of(&self) -> Option<CurrentOf> {
        self.current_of.take()
    }
}
