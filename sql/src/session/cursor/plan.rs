//! The plan of a cursor's query.

use cairn_txn::LockMode;
use datafusion::logical_expr::LogicalPlan;

use super::Target;
use super::position::Locked;
use crate::binder::changes::BoundPart;
use crate::binder::locking::words;
use crate::error::{Error, Result, SqlState};
use crate::operator::{Kind, Operator};
use crate::parser::cursor::Declare;
use crate::parser::locking::read;
use crate::session::Session;
use crate::session::locking::Locking;
use crate::session::plan::{Action, Plan, Source, make_source};
use crate::types::Type;

/// Whether PostgreSQL reads the rows of such a query backward without keeping them.
pub(super) fn reads_backward(source: &Source) -> bool {
    fn reads(plan: &LogicalPlan) -> bool {
        match plan {
            LogicalPlan::TableScan(_) | LogicalPlan::Values(_) | LogicalPlan::Sort(_) => true,
            LogicalPlan::Projection(projection) => reads(&projection.input),
            LogicalPlan::Filter(filter) => reads(&filter.input),
            LogicalPlan::Limit(limit) => reads(&limit.input),
            LogicalPlan::SubqueryAlias(alias) => reads(&alias.input),
            LogicalPlan::Extension(node) => {
                let operator = node.node.as_any().downcast_ref::<Operator>();
                operator.is_some_and(|op| matches!(op.kind, Kind::Ties(_)) && reads(&op.input))
            }
            LogicalPlan::Union(union) => union.inputs.iter().all(|input| reads(input)),
            _ => false,
        }
    }
    reads(&source.logical)
}

/// Refuses what does not go with a locking clause.
fn check_locking(declare: &Declare) -> Result<()> {
    let Some(clause) = declare.query.locks.first() else { return Ok(()) };
    let words = words(read(clause).0);
    let (state, message, detail) = if declare.hold {
        (
            SqlState::FeatureNotSupported,
            format!("DECLARE CURSOR WITH HOLD ... {words} is not supported"),
            "Holdable cursors must be READ ONLY.",
        )
    } else if declare.scroll {
        (
            SqlState::FeatureNotSupported,
            format!("DECLARE SCROLL CURSOR ... {words} is not supported"),
            "Scrollable cursors must be READ ONLY.",
        )
    } else if declare.insensitive {
        (
            SqlState::InvalidCursorDefinition,
            format!("DECLARE INSENSITIVE CURSOR ... {words} is not valid"),
            "Insensitive cursors must be READ ONLY.",
        )
    } else {
        return Ok(());
    };
    Err(Error::new(state, message).detail(detail))
}

impl Session {
    /// Plans the query of a cursor.
    pub(super) fn plan_cursor(
        &self,
        declare: &Declare,
        sql: &str,
        declared: &[Option<Type>],
    ) -> Result<(Plan, Target)> {
        self.with_binder_for(sql, declared, |binder, version| {
            let query = &declare.query;
            let (action, target) = if query.locks.is_empty() {
                let (bound, table) = binder.cursor_query(query)?;
                let source = make_source(&bound.plan)?;
                let target = table.map_or(Target::Nothing, Target::Simple);
                (Action::Query { source, columns: bound.columns.into() }, target)
            } else {
                let mut bound = binder.locking_query(query)?;
                check_locking(declare)?;
                let source = make_source(&bound.query.plan)?;
                let columns = std::mem::take(&mut bound.query.columns);
                let mut start = columns.len();
                let locked = bound.locks.iter().map(|lock| {
                    let locked = Locked { table: lock.table.clone(), start };
                    start += lock.table.columns.len();
                    locked
                });
                let target = Target::Locked(locked.collect());
                match bound.locks.is_empty() {
                    true => (Action::Query { source, columns: columns.into() }, target),
                    false => {
                        let mut locking = Locking::new(source, columns.into(), bound)?;
                        locking.keeps_rows = true;
                        (Action::Lock(locking), target)
                    }
                }
            };
            let parts = binder.take_changes();
            if parts.iter().any(|part| matches!(part, BoundPart::Modify(_))) {
                let message = "DECLARE CURSOR must not contain data-modifying statements in WITH";
                return Err(Error::new(SqlState::FeatureNotSupported, message));
            }
            if !parts.is_empty() {
                return Err(Error::unsupported("a cursor of a query with a locking subquery"));
            }
            let tables = binder.tables_used().into_iter().map(|table| {
                let mode = match &action {
                    Action::Lock(locking)
                        if locking.locks.iter().any(|lock| lock.table.id == table.id) =>
                    {
                        LockMode::RowShare
                    }
                    _ => LockMode::AccessShare,
                };
                (table, mode)
            });
            let plan = Plan {
                version,
                tables: tables.collect(),
                parameters: binder.parameter_types()?,
                has_calls: binder.has_calls(),
                current_of: None,
                action,
            };
            Ok((plan, target))
        })
    }
}
