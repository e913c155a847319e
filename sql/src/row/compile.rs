//! From an optimized logical plan to a row plan.
//!
//! What this executor has no operator for (window functions) is error 0A000 here, which sends
//! the statement to the vectorized one.

use std::sync::Arc;

use cairn_txn::storage::Direction;
use datafusion::common::{DFSchema, TableReference};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Distinct, Expr, Filter, LogicalPlan, TableScan, lit};

use super::access::{self, Access, Lookups, Wanted};
use super::common::CommonProgram;
use super::computed::unqualified;
use super::covering::Covering;
use super::expr::RowExpr;
use super::join::compile_join;
use super::selectivity::scanned_rows;
use super::sets::Calls;
use super::tracked::{self, TrackedFilter};
use super::{AggregateCall, Node, RowPlan, Scan, dependence, order};
use crate::catalog::{Index, Table, index_span};
use crate::error::{Error, Result};
use crate::functions::aggregates::{SortKey, aggregate_of};
use crate::operator::Operator;
use crate::plan_walk::subqueries_may_run_long;
use crate::relation::{Relation, Source};
use crate::types::Datum;

/// State of one compilation.
#[derive(Default)]
pub(super) struct Compiler {
    pub(super) full_scans: Vec<cairn_txn::storage::Span>,
    next_slot: usize,
    pub(super) generates: bool,
    /// Whether some scan would use a partial index for some values of parameters.
    hinges: bool,
    /// Whether a sort that comes next is cut off after a few rows.
    few: bool,
}

/// Compiles an optimized plan.
pub fn compile(plan: &LogicalPlan) -> Result<RowPlan> {
    let mut compiler = Compiler::default();
    let root = compiler.node(plan)?;
    compiler.generates |= subqueries_may_run_long(plan)?;
    compiler.finish(root, dependence::of_plan(plan)?)
}

/// Optimizes and compiles the plan of a subquery.
pub fn compile_subplan(plan: &LogicalPlan) -> Result<RowPlan> {
    compile(&crate::optimizer::optimize(plan)?)
}

impl RowPlan {
    /// Compiles an optimized plan.
    pub fn compile(plan: &LogicalPlan) -> Result<RowPlan> {
        compile(plan)
    }

    /// Compiles an operator whose input feeds it.
    pub fn compile_fed(operator: &Operator) -> Result<RowPlan> {
        let mut compiler = Compiler::default();
        let root = compiler.operator(operator, Some(Node::Feed))?;
        compiler.finish(root, false)
    }
}

impl Compiler {
    fn finish(self, root: Node, uses_outer: bool) -> Result<RowPlan> {
        let Compiler { full_scans, generates, hinges, .. } = self;
        Ok(RowPlan { root, full_scans, generates, hinges, uses_outer })
    }

    /// Notes that a run of this plan runs another one.
    pub(super) fn reads_as_well(&mut self, other: &RowPlan) {
        self.full_scans.extend(other.full_scans.iter().cloned());
        self.generates |= other.generates;
        self.hinges |= other.hinges;
    }

    pub(super) fn allocate_slot(&mut self) -> usize {
        self.next_slot += 1;
        self.next_slot - 1
    }

    pub(super) fn node(&mut self, plan: &LogicalPlan) -> Result<Node> {
        Ok(match plan {
            LogicalPlan::TableScan(scan) => self.scan(scan)?,
            LogicalPlan::SubqueryAlias(alias) => self.node(&alias.input)?,
            LogicalPlan::Filter(filter) => {
                let (input, predicate) = match subquery_lookups(filter) {
                    Some((scan, left)) => (Arc::new(scan), left),
                    None => (filter.input.clone(), filter.predicate.clone()),
                };
                Node::Filter {
                    predicate: RowExpr::compile(&predicate, input.schema())?,
                    input: Box::new(self.node(&input)?),
                }
            }
            LogicalPlan::Projection(projection) => Node::Project {
                exprs: compile_all(&projection.expr, projection.input.schema())?,
                input: Box::new(self.node(&projection.input)?),
            },
            LogicalPlan::Limit(limit) => {
                let empty = DFSchema::empty();
                let count = |expr: &Option<Box<Expr>>| {
                    expr.as_ref().map(|expr| RowExpr::compile(expr, &empty)).transpose()
                };
                let fetch = count(&limit.fetch)?;
                let limited = order::is_few(&fetch);
                let mut input = match order::sort_below(&limit.input) {
                    true if limited => self.few(|compiler| compiler.node(&limit.input))?,
                    _ => self.node(&limit.input)?,
                };
                if limited {
                    self.ends_early(&mut input);
                }
                Node::Limit { skip: count(&limit.skip)?, fetch, input: Box::new(input) }
            }
            LogicalPlan::Sort(sort) => {
                let few = std::mem::take(&mut self.few);
                let mut input = self.node(&sort.input)?;
                let fetch = sort.fetch.map(|n| RowExpr::Literal(Datum::Int64(n as i64)));
                let few = few || order::is_few(&fetch);
                if order::reads_in_order(&mut input, &sort.input, &sort.expr, few) {
                    if few {
                        self.ends_early(&mut input);
                    }
                    return Ok(match fetch {
                        None => input,
                        fetch => Node::Limit { input: Box::new(input), skip: None, fetch },
                    });
                }
                let keys = sort.expr.iter().map(|key| {
                    let expr = RowExpr::compile(&key.expr, sort.input.schema())?;
                    Ok((expr, SortKey { descending: !key.asc, nulls_first: key.nulls_first }))
                });
                let keys = keys.collect::<Result<_>>()?;
                Node::Sort { input: Box::new(input), keys, fetch: sort.fetch }
            }
            LogicalPlan::Aggregate(aggregate) => {
                let schema = aggregate.input.schema();
                let mut calls = Vec::new();
                for expr in &aggregate.aggr_expr {
                    let mut call = expr;
                    while let Expr::Alias(alias) = call {
                        call = &alias.expr;
                    }
                    let Expr::AggregateFunction(function) = call else {
                        return Err(Error::unsupported(format!("aggregate {call}")));
                    };
                    let ours = aggregate_of(function)
                        .ok_or_else(|| Error::unsupported(format!("aggregate {call}")))?;
                    let filter = function.params.filter.as_ref();
                    calls.push(AggregateCall {
                        aggregate: ours.clone(),
                        args: compile_all(&function.params.args, schema)?,
                        filter: filter.map(|f| RowExpr::compile(f, schema)).transpose()?,
                    });
                }
                let (scans, generates) = (self.full_scans.len(), self.generates);
                let mut input = self.node(&aggregate.input)?;
                let shows_order = calls.iter().any(|call| call.aggregate.shows_order());
                if shows_order && order::is_sorted(&aggregate.input) {
                    // The other executor drops a sort that nothing above it asks for.
                    self.full_scans.truncate(scans);
                    self.generates = generates;
                }
                let first = aggregate.group_expr.is_empty()
                    && order::settled_by_first(&mut input, &aggregate.input, &aggregate.aggr_expr);
                if first {
                    self.ends_early(&mut input);
                }
                Node::Aggregate {
                    groups: compile_all(&aggregate.group_expr, schema)?,
                    calls,
                    input: Box::new(input),
                    first,
                }
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let columns: Vec<Expr> =
                    input.schema().columns().into_iter().map(Expr::Column).collect();
                Node::Aggregate {
                    groups: compile_all(&columns, input.schema())?,
                    calls: Vec::new(),
                    input: Box::new(self.node(input)?),
                    first: false,
                }
            }
            LogicalPlan::Join(join) => Node::Join(compile_join(self, join)?),
            LogicalPlan::Union(union) => {
                let inputs = union.inputs.iter().map(|input| self.node(input));
                Node::Union { inputs: inputs.collect::<Result<_>>()? }
            }
            LogicalPlan::Values(values) => {
                let empty = DFSchema::empty();
                let rows = values.values.iter().map(|row| compile_all(row, &empty));
                Node::Values { rows: rows.collect::<Result<_>>()? }
            }
            LogicalPlan::EmptyRelation(empty) => {
                let rows = if empty.produce_one_row { vec![Vec::new()] } else { Vec::new() };
                Node::Values { rows }
            }
            LogicalPlan::Extension(extension) => match Operator::of(extension) {
                Some(operator) => self.operator(operator, None)?,
                None => return Err(Error::internal("a node of an unknown kind")),
            },
            other => return Err(Error::unsupported(format!("operator {}", other.display()))),
        })
    }

    fn scan(&mut self, scan: &TableScan) -> Result<Node> {
        let relation = Relation::of(&scan.source)
            .ok_or_else(|| Error::internal("a scan of an unknown source"))?;
        let full = relation_schema(scan)?;
        let width = full.fields().len();
        let output: Vec<usize> = scan.projection.clone().unwrap_or_else(|| (0..width).collect());
        let node = match &relation.source {
            Source::Functions(functions) => {
                let (calls, ordinality) = (&functions.calls, functions.ordinality);
                let calls = Calls::compile(calls, ordinality, &DFSchema::empty())?;
                self.generates |= calls.is_unbounded();
                Node::Functions { calls, filter: compile_all(&scan.filters, &full)?, output }
            }
            Source::Common(common) => {
                let program = CommonProgram::of(common)?;
                self.reads_as_well(&program.plan);
                if let Some(recursion) = &program.recursion {
                    self.generates = true;
                    self.reads_as_well(&recursion.term);
                }
                let filter = compile_all(&scan.filters, &full)?;
                Node::Common { common: common.clone(), program, filter, output }
            }
            Source::Working(table) => {
                let filter = compile_all(&scan.filters, &full)?;
                Node::Working { table: table.clone(), filter, output }
            }
            Source::System(relation) => {
                let empty = DFSchema::empty();
                let mut compile = |expr: &Expr| RowExpr::compile(expr, &empty);
                let lookups = Lookups::new(&scan.filters, &mut compile)?;
                let filter = compile_all(&scan.filters, &full)?;
                Node::System { relation, lookups, narrowed: Vec::new(), filter, output }
            }
            Source::Changed(part, _) => {
                Node::Changed { part: *part, filter: compile_all(&scan.filters, &full)?, output }
            }
            Source::Table(table) => {
                let needed_for = |filters: &[Expr]| {
                    let used = filters.iter().flat_map(Expr::column_refs);
                    let used = used.filter_map(|column| full.maybe_index_of_column(column));
                    let mut needed: Vec<usize> = output.iter().copied().chain(used).collect();
                    needed.sort_unstable();
                    needed.dedup();
                    needed
                };
                let needed = needed_for(&scan.filters);
                let empty = DFSchema::empty();
                let wanted = Wanted { needed: &needed, hints: relation.hints };
                let access = Access::choose(table, &scan.filters, wanted, &mut |expr| {
                    RowExpr::compile(expr, &empty)
                })?;
                let left = access.index.as_ref().and_then(|index| left_open(table, index, scan));
                let (filters, needed) = match &left {
                    Some(left) => (left.as_slice(), needed_for(left)),
                    None => (scan.filters.as_slice(), needed),
                };
                match &access.index {
                    None => self.full_scans.push(index_span(table.primary.storage)),
                    Some(index) if access.is_unbounded() => {
                        self.full_scans.push(index_span(index.storage));
                    }
                    Some(_) => {}
                }
                self.hinges |= access.hinges;
                let narrow = narrowed(scan, &full, &needed)?;
                let index = access.index.as_deref();
                let covering = index.filter(|_| relation.hints.indexonlyscan);
                let covering = covering.and_then(|index| Covering::new(table, index, &needed));
                let filter = compile_all(filters, &narrow)?;
                let covered_by = index.filter(|_| covering.is_some());
                let tracked = match tracked::useful(&filter, filters, &access) {
                    [] => None,
                    used => TrackedFilter::compile(used, scan, &full, table, covered_by)?,
                };
                Node::Scan(Box::new(Scan {
                    table: table.clone(),
                    covering,
                    tracked: tracked.map(Arc::new),
                    access,
                    hints: relation.hints,
                    estimate: table.statistics.as_ref().and_then(|_| scanned_rows(scan)),
                    output: output
                        .iter()
                        .filter_map(|column| needed.binary_search(column).ok())
                        .collect(),
                    filter,
                    needed,
                    direction: Direction::Forward,
                }))
            }
        };
        let mut node = node;
        let fetch = scan.fetch.map(|n| RowExpr::Literal(Datum::Int64(n as i64)));
        if order::is_few(&fetch) {
            self.ends_early(&mut node);
        }
        Ok(match fetch {
            None => node,
            fetch => Node::Limit { input: Box::new(node), skip: None, fetch },
        })
    }

    /// Compiles what is below a LIMIT that leaves few rows.
    fn few(&mut self, work: impl FnOnce(&mut Compiler) -> Result<Node>) -> Result<Node> {
        self.few = true;
        let node = work(self);
        self.few = false;
        node
    }

    /// A scan that ends after a few rows, all of which it passes on, is short however large its
    /// table is.
    fn ends_early(&mut self, node: &mut Node) {
        let filters = matches!(node, Node::Filter { .. });
        if let Some(scan) = order::scan_below(node)
            && scan.filter.is_empty()
            && !filters
        {
            let index = scan.access.index.as_deref().unwrap_or(&scan.table.primary);
            let spans = [index_span(index.storage), index_span(scan.table.primary.storage)];
            if let Some(at) = self.full_scans.iter().rposition(|full| spans.contains(full)) {
                self.full_scans.remove(at);
            }
        }
    }
}

/// The filters of a scan without those that are true of all rows of a partial index; `None` if there
/// are none of these.
fn left_open(table: &Table, index: &Index, scan: &TableScan) -> Option<Vec<Expr>> {
    index.predicate.as_ref()?;
    let program = table.programs.of(index)?;
    let is_open = |filter: &&Expr| {
        let parts = split_conjunction_owned((*filter).clone());
        !parts.iter().all(|part| program.predicate.contains(&unqualified(part)))
    };
    let left: Vec<Expr> = scan.filters.iter().filter(is_open).cloned().collect();
    (left.len() < scan.filters.len()).then_some(left)
}

/// The scan below a filter with those conditions of it that compare columns with the results of subqueries,
/// and what is left of the filter; `None` if it has none or filters something else.
fn subquery_lookups(filter: &Filter) -> Option<(LogicalPlan, Expr)> {
    let LogicalPlan::TableScan(scan) = &*filter.input else { return None };
    if scan.fetch.is_some() || !matches!(Relation::source_of(&scan.source), Some(Source::Table(_)))
    {
        return None;
    }
    let conjuncts = split_conjunction_owned(filter.predicate.clone());
    let (lookups, left): (Vec<_>, Vec<_>) =
        conjuncts.into_iter().partition(access::is_subquery_lookup);
    if lookups.is_empty() {
        return None;
    }
    let mut scan = scan.clone();
    scan.filters.extend(lookups);
    Some((LogicalPlan::TableScan(scan), conjunction(left).unwrap_or(lit(true))))
}

/// The relation's whole schema under the scan's name: what filters refer to.
fn relation_schema(scan: &TableScan) -> Result<DFSchema> {
    Ok(DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?)
}

pub(super) fn narrowed(scan: &TableScan, full: &DFSchema, columns: &[usize]) -> Result<DFSchema> {
    let qualifier: TableReference = scan.table_name.clone();
    let fields = columns
        .iter()
        .map(|column| (Some(qualifier.clone()), Arc::new(full.field(*column).as_ref().clone())));
    Ok(DFSchema::new_with_metadata(fields.collect(), Default::default())?)
}

pub(super) fn compile_all(exprs: &[Expr], schema: &DFSchema) -> Result<Vec<RowExpr>> {
    exprs.iter().map(|expr| RowExpr::compile(expr, schema)).collect()
}
