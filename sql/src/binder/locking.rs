//! SELECT ... FOR UPDATE and its kin: which tables of FROM are locked, and how.
//!
//! The rows to lock come out of the query's plan behind its own columns: for each locked table all
//! columns of its row, because the key is made of them.

use std::sync::Arc;

use cairn_txn::{LockMode, WaitPolicy};
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, Ident, NonBlock, SetExpr};

use super::locking_part::hand_on;
use super::{Binder, BoundQuery, Level, column_of, fold};
use crate::catalog::Table;
use crate::error::{Error, Result, SqlState};
use crate::operator::{Kind, Operator};
use crate::parser::locking::read;

/// An item of FROM, as a locking clause finds it.
#[derive(Clone, Debug)]
pub(super) struct Ranged {
    /// The name that it goes by.
    pub(super) name: String,
    pub(super) kind: RangedKind,
    /// Whether an outer join may give NULLs in its place.
    nullable: bool,
}

impl Ranged {
    /// Whether an outer join may give NULLs in its place.
    pub(super) fn is_nullable(&self) -> bool {
        self.nullable
    }
}

/// What an item of FROM is.
#[derive(Clone, Debug)]
pub(super) enum RangedKind {
    /// A table, with its qualifier in the plan.
    Table(Arc<Table>, String),
    Derived,
    View,
    CommonTable,
    /// A join with a name.
    Join,
    Function,
    System,
}

/// The rows of one table that a query locks.
#[derive(Clone, Debug)]
pub struct RowLock {
    /// The table.
    pub table: Arc<Table>,
    /// How.
    pub mode: LockMode,
    /// What to do about rows that are locked already.
    pub policy: WaitPolicy,
}

/// A bound locking query.
#[derive(Debug)]
pub struct BoundLocking {
    /// The query; in its plan's output the locked rows follow its columns, in the order of `locks`.
    pub query: BoundQuery,
    /// The tables whose rows are locked; none: it is a query like any other.
    pub locks: Vec<RowLock>,
    /// OFFSET and LIMIT that count rows that were locked, so that those skipped do not count.
    pub limit: Option<(Option<Expr>, Option<Expr>)>,
}

/// The mode as a locking clause has it.
pub fn words(mode: LockMode) -> &'static str {
    match mode {
        LockMode::ForKeyShare => "FOR KEY SHARE",
        LockMode::ForShare => "FOR SHARE",
        LockMode::ForNoKeyUpdate => "FOR NO KEY UPDATE",
        _ => "FOR UPDATE",
    }
}

fn rank(policy: WaitPolicy) -> u8 {
    match policy {
        WaitPolicy::Block => 0,
        WaitPolicy::Skip => 1,
        WaitPolicy::NoWait => 2,
    }
}

fn refused(message: String) -> Error {
    Error::new(SqlState::FeatureNotSupported, message)
}

impl Binder<'_> {
    /// Notes an item of FROM.
    pub(super) fn range_over(&self, name: &str, kind: RangedKind) {
        if let Some(level) = self.levels.borrow_mut().last_mut() {
            level.ranged.push(Ranged { name: name.to_owned(), kind, nullable: false });
        }
    }

    /// Number of items of FROM so far.
    pub(super) fn ranged(&self) -> usize {
        self.levels.borrow().last().map_or(0, |level| level.ranged.len())
    }

    /// Notes that an outer join may give NULLs in place of these items.
    pub(super) fn make_nullable(&self, items: std::ops::Range<usize>) {
        if let Some(level) = self.levels.borrow_mut().last_mut() {
            let count = items.len();
            for item in level.ranged.iter_mut().skip(items.start).take(count) {
                item.nullable = true;
            }
        }
    }

    /// Binds a query with locking clauses.
    pub fn locking_query(&self, query: &ast::Query) -> Result<BoundLocking> {
        self.at_top.set(true);
        self.locking_level(query)
    }

    /// The same at a level of its own.
    pub(super) fn locking_level(&self, query: &ast::Query) -> Result<BoundLocking> {
        let mut query = match self.one_query(query)? {
            Some(one) => one,
            None => query.clone(),
        };
        hand_on(&mut query);
        let clauses = query.locks.iter().map(|clause| {
            let policy = match clause.nonblock {
                None => WaitPolicy::Block,
                Some(NonBlock::Nowait) => WaitPolicy::NoWait,
                Some(NonBlock::SkipLocked) => WaitPolicy::Skip,
            };
            let (mode, of) = read(clause);
            (mode, policy, of)
        });
        let clauses: Vec<(LockMode, WaitPolicy, Vec<&Ident>)> = clauses.collect();
        let first = clauses.first().map_or("FOR UPDATE", |(mode, ..)| words(*mode));
        check_form(&query.body, first)?;
        self.levels.borrow_mut().push(Level::default());
        let bound = self.query_to_lock(&query);
        let level = self.levels.borrow_mut().pop();
        let BoundQuery { plan, columns } = bound?;
        check_plan(&plan, first)?;
        let ranged = level.map(|level| level.selected_from).unwrap_or_default();
        let locked = self.locked(&clauses, &ranged)?;
        let skips = locked.iter().any(|(lock, _)| lock.policy == WaitPolicy::Skip);
        let (plan, limit) = match plan {
            LogicalPlan::Limit(limit) if skips => {
                let counts = (limit.skip.map(|e| *e), limit.fetch.map(|e| *e));
                (Arc::unwrap_or_clone(limit.input), Some(counts))
            }
            plan => (plan, None),
        };
        let query = self.settle_outputs(BoundQuery { plan, columns })?;
        let rows = locked.iter().flat_map(|(lock, unique)| {
            (0..lock.table.columns.len()).map(move |index| column_of(unique, &format!("c{index}")))
        });
        let plan = with_rows(query.plan, &rows.collect::<Vec<_>>())?;
        let locks = locked.into_iter().map(|(lock, _)| lock).collect();
        Ok(BoundLocking { query: BoundQuery { plan, columns: query.columns }, locks, limit })
    }

    /// The tables that the clauses lock, with their qualifiers in the plan.
    fn locked(
        &self,
        clauses: &[(LockMode, WaitPolicy, Vec<&Ident>)],
        ranged: &[Ranged],
    ) -> Result<Vec<(RowLock, String)>> {
        let mut chosen: Vec<Option<(LockMode, WaitPolicy)>> = vec![None; ranged.len()];
        for (mode, policy, of) in clauses {
            let words = words(*mode);
            let name = match of.as_slice() {
                [] => None,
                [name] => Some(*name),
                [name, ..] => {
                    return Err(Error::new(
                        SqlState::SyntaxError,
                        format!("{words} must specify unqualified relation names"),
                    )
                    .at(self.position(name.span)));
                }
            };
            if let Some(ident) = name {
                let position = self.position(ident.span);
                let name = fold(ident);
                let item = ranged.iter().find(|item| item.name == name).ok_or_else(|| {
                    Error::new(
                        SqlState::UndefinedTable,
                        format!("relation \"{name}\" in {words} clause not found in FROM clause"),
                    )
                    .at(position)
                })?;
                let what = match item.kind {
                    RangedKind::CommonTable => Some("a WITH query"),
                    RangedKind::Function => Some("a function"),
                    RangedKind::Join => Some("a join"),
                    _ => None,
                };
                if let Some(what) = what {
                    return Err(
                        refused(format!("{words} cannot be applied to {what}")).at(position)
                    );
                }
            }
            for (item, chosen) in ranged.iter().zip(&mut chosen) {
                if name.is_some_and(|name| fold(name) != item.name) {
                    continue;
                }
                match item.kind {
                    RangedKind::Table(ref table, _) if table.definition.is_some() => {
                        let name = &table.name;
                        return Err(Error::new(
                            SqlState::WrongObjectType,
                            format!("cannot lock rows in materialized view \"{name}\""),
                        ));
                    }
                    RangedKind::Table(..) | RangedKind::Derived if item.nullable => {
                        return Err(refused(format!(
                            "{words} cannot be applied to the nullable side of an outer join"
                        )));
                    }
                    RangedKind::Table(..) => {
                        let (held, waits) = chosen.unwrap_or((*mode, *policy));
                        let mode = if *mode as u8 > held as u8 { *mode } else { held };
                        let policy = if rank(*policy) > rank(waits) { *policy } else { waits };
                        *chosen = Some((mode, policy));
                    }
                    RangedKind::View => {
                        return Err(Error::unsupported(format!("{words} of a view")));
                    }
                    // It has the clause itself.
                    RangedKind::Derived => {}
                    RangedKind::CommonTable
                    | RangedKind::Join
                    | RangedKind::Function
                    | RangedKind::System => {}
                }
            }
        }
        let locked = ranged.iter().zip(chosen).filter_map(|(item, chosen)| {
            let (mode, policy) = chosen?;
            let RangedKind::Table(table, unique) = &item.kind else { return None };
            Some((RowLock { table: table.clone(), mode, policy }, unique.clone()))
        });
        Ok(locked.collect())
    }
}

fn not_allowed(words: &str, what: &str) -> Error {
    refused(format!("{words} is not allowed with {what}"))
}

/// Refuses locking clauses of an operand of a set operation.
pub(super) fn check_operand(operand: &SetExpr) -> Result<()> {
    let SetExpr::Query(query) = operand else { return Ok(()) };
    match query.locks.first() {
        Some(clause) => Err(not_allowed(words(read(clause).0), "UNION/INTERSECT/EXCEPT")),
        None => check_operand(&query.body),
    }
}

pub(super) fn check_form(body: &SetExpr, words: &str) -> Result<()> {
    let select = match body {
        SetExpr::Select(select) => select,
        SetExpr::SetOperation { .. } => {
            return Err(not_allowed(words, "UNION/INTERSECT/EXCEPT"));
        }
        SetExpr::Values(_) => return Err(refused(format!("{words} cannot be applied to VALUES"))),
        _ => return Err(Error::unsupported(format!("{words} of this form of query"))),
    };
    if select.distinct.is_some() {
        return Err(not_allowed(words, "DISTINCT clause"));
    }
    if !matches!(&select.group_by, ast::GroupByExpr::Expressions(keys, _) if keys.is_empty()) {
        return Err(not_allowed(words, "GROUP BY clause"));
    }
    match select.having {
        Some(_) => Err(not_allowed(words, "HAVING clause")),
        None => Ok(()),
    }
}

/// Refuses plans whose rows are not rows of tables.
pub(super) fn check_plan(plan: &LogicalPlan, words: &str) -> Result<()> {
    let mut node = plan;
    loop {
        node = match node {
            LogicalPlan::Projection(projection) => projection.input.as_ref(),
            LogicalPlan::Filter(filter) => filter.input.as_ref(),
            LogicalPlan::Sort(sort) => sort.input.as_ref(),
            LogicalPlan::Limit(limit) => limit.input.as_ref(),
            LogicalPlan::Aggregate(_) => return Err(not_allowed(words, "aggregate functions")),
            LogicalPlan::Extension(extension) => match Operator::of(extension) {
                Some(Operator { kind: Kind::Window(_), .. }) => {
                    return Err(not_allowed(words, "window functions"));
                }
                Some(Operator { kind: Kind::ProjectSet(_), .. }) => {
                    let what = "set-returning functions in the target list";
                    return Err(not_allowed(words, what));
                }
                _ => return Ok(()),
            },
            _ => return Ok(()),
        };
    }
}

/// The plan with these columns of its scans behind its own.
pub(super) fn with_rows(plan: LogicalPlan, rows: &[Column]) -> Result<LogicalPlan> {
    let own = plan.schema().columns();
    let carrying = carry(plan, rows)?;
    let all = own.into_iter().chain(rows.iter().cloned()).map(Expr::Column);
    Ok(LogicalPlanBuilder::new(carrying).project(all.collect::<Vec<_>>())?.build()?)
}

/// Lets these columns pass through the projections above their scans.
fn carry(plan: LogicalPlan, rows: &[Column]) -> Result<LogicalPlan> {
    Ok(match plan {
        LogicalPlan::Projection(projection) => {
            let mut exprs = projection.expr;
            let schema = projection.schema;
            let missing = rows.iter().filter(|row| schema.maybe_index_of_column(row).is_none());
            exprs.extend(missing.cloned().map(Expr::Column));
            let input = carry(Arc::unwrap_or_clone(projection.input), rows)?;
            LogicalPlanBuilder::new(input).project(exprs)?.build()?
        }
        LogicalPlan::Filter(filter) => {
            let input = carry(Arc::unwrap_or_clone(filter.input), rows)?;
            LogicalPlanBuilder::new(input).filter(filter.predicate)?.build()?
        }
        LogicalPlan::Sort(sort) => {
            let input = carry(Arc::unwrap_or_clone(sort.input), rows)?;
            LogicalPlanBuilder::new(input).sort(sort.expr)?.build()?
        }
        LogicalPlan::Limit(limit) => LogicalPlan::Limit(datafusion::logical_expr::Limit {
            input: Arc::new(carry(Arc::unwrap_or_clone(limit.input), rows)?),
            ..limit
        }),
        // A scan or a join has them all.
        source => source,
    })
}
