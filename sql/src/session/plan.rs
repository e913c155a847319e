//! Plans, and the cache that all sessions share.
//!
//! A plan is generic: parameters, the time zone and the clock are bound at each execution. It is
//! valid for the catalog version it was made for. Statements are found again by their text and
//! the parameter types their client declared.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use cairn_txn::LockMode;
use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::sqlparser::ast::{Query, SetExpr, Statement};
use parking_lot::{Mutex, RwLock};

use super::locking::Locking;
use super::merge::When;
use super::modify::{Main, StatementPart, With};
use super::rules::Effect;
use super::upsert::Upsert;
use super::{BinderView, Columns, PlanKey, PlanMap, Prepared, Session};
use crate::binder::changes::{BoundPart, note_parts, note_parts_of};
use crate::binder::cursor::CurrentOf;
use crate::binder::dml::{BoundModify, ColumnSource, Operation};
use crate::binder::locking::BoundLocking;
use crate::binder::{Binder, OutputColumn, Settings as _};
use crate::catalog::{Schema, Table};
use crate::error::{Error, Result};
use crate::optimizer::optimize;
use crate::parser::Parsed;
use crate::relation::Hints;
use crate::row::RowPlan;
use crate::row::expr::RowExpr;
use crate::row::modify::InsertColumn;
use crate::row::rules::{Condition, Rules};
use crate::types::Type;

/// A plan for a statement that reads or changes rows.
#[derive(Debug)]
pub struct Plan {
    /// Catalog version it holds for.
    pub(super) version: u64,
    /// Types of the parameters.
    pub parameters: Vec<Type>,
    /// The tables used, with the locks they need.
    pub tables: Vec<(Arc<Table>, LockMode)>,
    /// Whether it calls functions that act on the session.
    pub has_calls: bool,
    /// The row that a cursor is on, if it is about that one.
    pub(super) current_of: Option<CurrentOf>,
    /// What to do.
    pub action: Action,
}

/// A source of rows, in the forms that the two executors run.
#[derive(Debug)]
pub struct Source {
    /// Optimized.
    pub logical: LogicalPlan,
    /// If the row executor can run it.
    pub rows: Option<RowPlan>,
}

/// What a plan does.
#[derive(Debug)]
pub enum Action {
    /// Reads.
    Query {
        /// The query.
        source: Source,
        /// The result's columns.
        columns: Columns,
    },
    /// Reads and locks.
    Lock(Locking),
    /// Changes rows.
    Modify(Modify),
    /// Has parts that run by themselves.
    With(With),
}

impl Action {
    /// The changes in it.
    fn modifies(&mut self) -> Vec<&mut Modify> {
        match self {
            Action::Query { .. } | Action::Lock(_) => Vec::new(),
            Action::Modify(modify) => vec![modify],
            Action::With(with) => with.modifies(),
        }
    }
}

/// A change of rows.
#[derive(Debug)]
pub struct Modify {
    /// The table.
    pub table: Arc<Table>,
    /// What to do with each row.
    pub operation: Operation,
    /// For INSERT: the columns, compiled.
    pub insert: Vec<InsertColumn>,
    /// For INSERT: what to do about rows that are in the way.
    pub on_conflict: Option<Box<Upsert>>,
    /// For MERGE: the clauses, compiled.
    pub merge: Vec<When>,
    /// Yields rows to change.
    pub source: Source,
    /// Conditions that new rows have to fulfil, with the views whose they are.
    pub view_checks: Vec<Condition>,
    /// Whether it may yield several rows for one of the table.
    pub repeats: bool,
    /// RETURNING, over the table's row.
    pub returning: Option<(Columns, Vec<RowExpr>)>,
    /// What the rows have to satisfy.
    pub rules: Arc<Rules>,
    /// Whether what is evaluated while rows are changed has subqueries.
    pub reads_later: bool,
    /// The parts of the statement that those subqueries read.
    later_parts: BTreeSet<usize>,
}

impl Modify {
    /// The columns of RETURNING.
    fn columns(&self) -> Option<&Columns> {
        self.returning.as_ref().map(|(columns, _)| columns)
    }

    /// What it does to rows.
    pub(super) fn effects(&self) -> Vec<Effect<'_>> {
        match (&self.operation, &self.on_conflict) {
            (Operation::Insert(_), None) => vec![Effect::Adds],
            (Operation::Insert(_), Some(upsert)) => {
                let updates = upsert.positions().map(Effect::Updates);
                std::iter::once(Effect::Adds).chain(updates).collect()
            }
            (Operation::Update(positions), _) => vec![Effect::Updates(positions)],
            (Operation::Delete, _) => vec![Effect::Deletes],
            (Operation::Merge(_), _) => self.merge.iter().filter_map(When::effect).collect(),
        }
    }

    /// Adds the parts of the statement that this one reads.
    pub(super) fn note_parts(&self, parts: &mut BTreeSet<usize>) -> Result<()> {
        parts.extend(&self.later_parts);
        Ok(note_parts(&self.source.logical, parts)?)
    }
}

impl Plan {
    /// The result's columns, if it has one.
    pub fn columns(&self) -> Option<&Columns> {
        match &self.action {
            Action::Query { columns, .. } => Some(columns),
            Action::Lock(locking) => Some(&locking.columns),
            Action::Modify(modify) => modify.columns(),
            Action::With(With { main: Main::Modify(modify), .. }) => modify.columns(),
            Action::With(With { main: Main::Query(_, columns), .. }) => Some(columns),
            Action::With(With { main: Main::Lock(locking), .. }) => Some(&locking.columns),
        }
    }

    /// Whether another plan may be better for some values of the parameters.
    pub(super) fn hinges_on_parameters(&self) -> bool {
        let hinges =
            |source: &Source| source.rows.as_ref().is_some_and(RowPlan::hinges_on_parameters);
        match &self.action {
            Action::Query { source, .. } => hinges(source),
            Action::Lock(locking) => hinges(&locking.source),
            Action::Modify(modify) => hinges(&modify.source),
            Action::With(With { parts, main, .. }) => {
                parts.iter().any(|part| hinges(part.source()))
                    || match main {
                        Main::Query(source, _) => hinges(source),
                        Main::Lock(locking) => hinges(&locking.source),
                        Main::Modify(modify) => hinges(&modify.source),
                    }
            }
        }
    }

    /// The command's name, if it changes rows.
    pub fn changes(&self) -> Option<&'static str> {
        match &self.action {
            Action::Query { .. } | Action::Lock(_) => None,
            Action::Modify(modify) => Some(modify.operation.word()),
            Action::With(with) => with.changes(),
        }
    }
}

/// Plans by statement.
pub(super) struct PlanCache {
    plans: PlanMap,
    lifted: LiftedMap,
    /// BEGIN, COMMIT and their like, by their texts: to parse them costs more than to run them.
    unplanned: RwLock<HashMap<Box<str>, Arc<Prepared>>>,
    capacity: usize,
}

/// Longest text of a statement without a plan that is kept parsed.
const MAX_UNPLANNED_BYTES: usize = 64;

/// Statements without their literals, with the catalog version they were tried at; `None` for one
/// that has no plan in this form.
type LiftedMap = Mutex<HashMap<PlanKey, (u64, Option<Arc<Prepared>>)>>;

/// Bytes of text that count as one plan: a plan takes memory as its text is long.
const BYTES_PER_PLAN: usize = 512;

fn weight(key: &PlanKey) -> usize {
    1 + key.0.len() / BYTES_PER_PLAN
}

fn weight_of<'a>(keys: impl Iterator<Item = &'a PlanKey>) -> usize {
    keys.map(weight).sum()
}

impl PlanCache {
    pub(super) fn new(capacity: usize) -> PlanCache {
        let (plans, lifted) = (PlanMap::default(), LiftedMap::default());
        PlanCache { plans, lifted, unplanned: RwLock::default(), capacity }
    }

    pub(super) fn get(&self, key: &PlanKey, version: u64) -> Option<Arc<Plan>> {
        self.plans.lock().get(key).filter(|plan| plan.version == version).cloned()
    }

    /// A statement without a plan, parsed.
    pub(super) fn unplanned(&self, sql: &str) -> Option<Arc<Prepared>> {
        match sql.len() <= MAX_UNPLANNED_BYTES {
            true => self.unplanned.read().get(sql).cloned(),
            false => None,
        }
    }

    pub(super) fn put_unplanned(&self, sql: &str, prepared: Arc<Prepared>) {
        let mut unplanned = self.unplanned.write();
        if sql.len() <= MAX_UNPLANNED_BYTES && unplanned.len() < self.capacity {
            unplanned.insert(sql.into(), prepared);
        }
    }

    /// What is known of a statement without its literals.
    pub(super) fn lifted(&self, key: &PlanKey, version: u64) -> Option<Option<Arc<Prepared>>> {
        let lifted = self.lifted.lock();
        let (tried_at, prepared) = lifted.get(key)?;
        (*tried_at == version).then(|| prepared.clone())
    }

    pub(super) fn put_lifted(&self, key: PlanKey, version: u64, prepared: Option<Arc<Prepared>>) {
        let mut lifted = self.lifted.lock();
        if weight_of(lifted.keys()) + weight(&key) > self.capacity {
            lifted.clear();
        }
        lifted.insert(key, (version, prepared));
    }

    fn put(&self, key: PlanKey, plan: Arc<Plan>) {
        let mut plans = self.plans.lock();
        if weight_of(plans.keys()) + weight(&key) > self.capacity {
            // Plans of an older catalog are useless; if there are none, start over.
            plans.retain(|_, old| old.version == plan.version);
            if weight_of(plans.keys()) + weight(&key) > self.capacity {
                plans.clear();
            }
        }
        plans.insert(key, plan);
    }
}

pub(super) fn make_source(plan: &LogicalPlan) -> Result<Source> {
    let logical = optimize(plan)?;
    let rows = match RowPlan::compile(&logical) {
        Ok(rows) => Some(rows),
        Err(Error::Report(report))
            if report.state == crate::error::SqlState::FeatureNotSupported =>
        {
            None
        }
        Err(error) => return Err(error),
    };
    Ok(Source { logical, rows })
}

impl Session {
    /// The plan of a statement; `None` for one that is executed directly.
    pub(super) fn plan(&self, prepared: &Prepared) -> Result<Option<Arc<Plan>>> {
        let (Parsed::Sql(statement) | Parsed::AsOf(statement, _)) = &*prepared.parsed else {
            return Ok(None);
        };
        if !is_planned(statement) {
            return Ok(None);
        }
        let shared = self.uses_shared_plans();
        let version = self.schema_version();
        if let Some(plan) = &prepared.pinned
            && plan.version == version
        {
            return Ok(Some(plan.clone()));
        }
        if shared
            && let Some(plan) = &*prepared.last_plan.lock()
            && plan.version == version
        {
            return Ok(Some(plan.clone()));
        }
        let key = (prepared.sql.clone(), prepared.declared.clone());
        if shared && let Some(plan) = self.database.plans.get(&key, version) {
            *prepared.last_plan.lock() = Some(plan.clone());
            return Ok(Some(plan));
        }
        let in_draft = self.block.as_ref().is_some_and(|block| block.draft.is_some());
        let keeps = !shared && !in_draft && prepared.alone;
        if keeps && let Some(plan) = self.own_plans.lock().get(&key, &self.settings, version) {
            return Ok(Some(plan));
        }
        let declared = prepared.declared.iter().map(|kind| kind.map(|kind| self.current(kind)));
        let declared: Vec<Option<Type>> = declared.collect();
        let (plan, generic) = self.make_plan(statement, &prepared.sql, &declared)?;
        let plan = Arc::new(plan);
        if keeps && generic && plan.version == version {
            self.own_plans.lock().put(key, &self.settings, version, plan.clone());
            return Ok(Some(plan));
        }
        // The text names one statement only if it holds just one.
        if shared && generic && prepared.alone {
            self.database.plans.put(key, plan.clone());
            *prepared.last_plan.lock() = Some(plan.clone());
        }
        Ok(Some(plan))
    }

    /// Whether this session sees the catalog as everybody does.
    pub(super) fn uses_shared_plans(&self) -> bool {
        let catalog = &self.database.catalog;
        self.block.as_ref().is_none_or(|block| block.draft.is_none())
            && !self.has_temporary
            && self.settings.is_plain_path()
            && self.settings.hints() == Hints::default()
            && (!catalog.has_namespaces() || !catalog.current().has_namespace(&self.settings.user))
    }

    pub(super) fn style(&self) -> crate::types::io::Style {
        crate::types::io::Style {
            zone: self.settings.zone,
            now: self.now(),
            extra_float_digits: self.settings.extra_float_digits(),
            bytea_escape: self.settings.bytea_escape(),
            dates: self.settings.dates(),
            intervals: self.settings.intervals(),
            names: None,
        }
    }

    fn binder_view<'a>(&'a self, schema: &'a Arc<Schema>) -> BinderView<'a> {
        let (settings, database) = (&self.settings, &self.database);
        BinderView { settings, id: self.id, path: self.path(), database, schema }
    }

    fn style_with_names(&self, view: &BinderView<'_>) -> crate::types::io::Style {
        crate::types::io::Style { names: Some(view.names()), ..self.style() }
    }

    /// Plans a statement; also whether the plan serves every session.
    pub(super) fn make_plan(
        &self,
        statement: &Statement,
        sql: &str,
        declared: &[Option<Type>],
    ) -> Result<(Plan, bool)> {
        let schema = self.schema();
        let view = self.binder_view(&schema);
        let binder = Binder::new(&schema, sql, self.style_with_names(&view), &view, declared);
        let action = match statement {
            Statement::Query(query) => plan_query(&binder, query)?,
            Statement::Insert(insert) => plan_modify(binder.insert(insert)?)?,
            Statement::Update(update) => plan_modify(binder.update(update)?)?,
            Statement::Delete(delete) => plan_modify(binder.delete(delete)?)?,
            Statement::Merge(merge) => plan_modify(binder.merge(merge)?)?,
            other => return Err(Error::internal(format!("no plan for {other}"))),
        };
        let parts = binder.take_changes();
        let mut action = match parts.is_empty() {
            true => action,
            false => {
                let parts = parts.into_iter().map(compile_part).collect::<Result<_>>()?;
                Action::With(With::new(parts, action)?)
            }
        };
        let tables = binder.tables_used().into_iter().map(|table| {
            let mode = match &action {
                Action::Modify(modify) if modify.table.id == table.id => LockMode::RowExclusive,
                Action::With(with) => with.table_lock(table.id),
                Action::Lock(locking) if locking.locks.iter().any(|l| l.table.id == table.id) => {
                    LockMode::RowShare
                }
                _ => LockMode::AccessShare,
            };
            (table, mode)
        });
        let mut tables: Vec<(Arc<Table>, LockMode)> = tables.collect();
        let mut is_generic = binder.is_generic();
        for modify in action.modifies() {
            is_generic &= self.add_rules(modify, &mut tables)?;
        }
        let plan = Plan {
            version: schema.version,
            parameters: binder.parameter_types()?,
            tables,
            has_calls: binder.has_calls(),
            current_of: binder.take_current_of(),
            action,
        };
        if plan.current_of.is_some() && matches!(plan.action, Action::With(_)) {
            return Err(Error::unsupported("CURRENT OF beside WITH queries that change rows"));
        }
        Ok((plan, is_generic))
    }

    /// Runs `work` with a binder, for statements that are not plans.
    pub(super) fn with_binder<T>(
        &self,
        sql: &str,
        work: impl FnOnce(&Binder<'_>) -> Result<T>,
    ) -> Result<T> {
        self.with_binder_for(sql, &[], |binder, _| work(binder))
    }

    /// The same with the types of parameters, and the version of the catalog.
    pub(super) fn with_binder_for<T>(
        &self,
        sql: &str,
        declared: &[Option<Type>],
        work: impl FnOnce(&Binder<'_>, u64) -> Result<T>,
    ) -> Result<T> {
        let schema = self.schema();
        let view = self.binder_view(&schema);
        let binder = Binder::new(&schema, sql, self.style_with_names(&view), &view, declared);
        work(&binder, schema.version)
    }
}

/// Whether a statement has a plan, or is executed directly.
pub(super) fn is_planned(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::Query(_)
            | Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::Merge(_)
    )
}

/// Whether the body of a query changes rows.
fn is_change(body: &SetExpr) -> bool {
    matches!(body, SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_))
}

fn plan_query(binder: &Binder<'_>, query: &Query) -> Result<Action> {
    if is_change(&query.body) {
        binder.begin_top();
        binder.bind_with(&query.with)?;
        if let Some(bound) = binder.change(&query.body)? {
            return plan_modify(bound);
        }
    }
    if !query.locks.is_empty() {
        let bound = binder.locking_query(query)?;
        if !bound.locks.is_empty() {
            return compile_locking(bound).map(Action::Lock);
        }
        let (source, columns) = (make_source(&bound.query.plan)?, bound.query.columns.into());
        return Ok(Action::Query { source, columns });
    }
    let bound = binder.top_query(query)?;
    Ok(Action::Query { source: make_source(&bound.plan)?, columns: bound.columns.into() })
}

fn plan_modify(bound: BoundModify) -> Result<Action> {
    compile_modify(bound).map(Action::Modify)
}

fn compile_part(bound: BoundPart) -> Result<StatementPart> {
    Ok(match bound {
        BoundPart::Modify(modify) => StatementPart::Modify(Box::new(compile_modify(*modify)?)),
        BoundPart::Lock(locking) => StatementPart::Lock(Box::new(compile_locking(*locking)?)),
    })
}

fn compile_locking(mut bound: BoundLocking) -> Result<Locking> {
    let source = make_source(&bound.query.plan)?;
    let columns = std::mem::take(&mut bound.query.columns).into();
    Locking::new(source, columns, bound)
}

fn compile_modify(bound: BoundModify) -> Result<Modify> {
    let (empty, schema) = (DFSchema::empty(), &bound.schema);
    let insert = match &bound.operation {
        Operation::Insert(columns) => compile_columns(columns, &empty)?,
        _ => Vec::new(),
    };
    let merge = match &bound.operation {
        Operation::Merge(whens) => {
            let whens = whens.iter().map(|when| When::compile(when, schema));
            whens.collect::<Result<_>>()?
        }
        _ => Vec::new(),
    };
    let on_conflict = bound.on_conflict.as_ref().map(Upsert::compile).transpose()?.map(Box::new);
    let reads_later = bound.expressions().any(crate::binder::subplan::has_subplan);
    let mut later_parts = BTreeSet::new();
    for expr in bound.expressions() {
        note_parts_of(expr, &mut later_parts)?;
    }
    let returning = match bound.returning {
        None => None,
        Some(items) => {
            let (columns, exprs): (Vec<OutputColumn>, Vec<Expr>) = items.into_iter().unzip();
            let exprs = exprs.iter().map(|expr| RowExpr::compile(expr, schema));
            Some((columns.into(), exprs.collect::<Result<_>>()?))
        }
    };
    let view_checks = bound.view_checks.iter().map(|(view, condition)| {
        Ok(Condition { name: view.clone(), expr: RowExpr::compile(condition, schema)? })
    });
    let view_checks = view_checks.collect::<Result<_>>()?;
    Ok(Modify {
        view_checks,
        source: make_source(&bound.source)?,
        table: bound.table,
        operation: bound.operation,
        insert,
        on_conflict,
        merge,
        repeats: bound.repeats,
        returning,
        rules: Arc::default(),
        reads_later,
        later_parts,
    })
}

/// Compiles where the columns of an inserted row come from.
pub(super) fn compile_columns(
    columns: &[ColumnSource],
    empty: &DFSchema,
) -> Result<Vec<InsertColumn>> {
    let compiled = columns.iter().map(|column| match column {
        ColumnSource::Input(index) => Ok(InsertColumn::Input(*index)),
        ColumnSource::Default(expr) => RowExpr::compile(expr, empty).map(InsertColumn::Default),
        ColumnSource::RowNumber => Ok(InsertColumn::RowNumber),
    });
    compiled.collect()
}
