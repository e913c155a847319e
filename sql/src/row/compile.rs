//! From an optimized logical plan to a row plan.
//!
//! What this executor has no operator for (window functions) is error 0A000 here, which sends
//! the statement to the vectorized one.

use std::sync::Arc;

use cairn_txn::storage::Direction;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, TableReference};
use datafusion::logical_expr::expr::Sort as SortExpr;
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan, TableScan};

use super::access::Access;
use super::expr::RowExpr;
use super::join::compile_join;
use super::{AggregateCall, Node, RowPlan, Scan};
use crate::binder::subplan::subplan_of;
use crate::catalog::index_span;
use crate::error::{Error, Result};
use crate::functions::aggregates::{SortKey, aggregate_of};
use crate::relation::{Relation, Source};

/// State of one compilation.
pub(super) struct Compiler {
    pub(super) full_scans: Vec<cairn_txn::storage::Span>,
    next_slot: usize,
    generates: bool,
}

/// Slots above these belong to index joins; binders do not count that far.
const FIRST_JOIN_SLOT: usize = 100_000;

/// Compiles an optimized plan.
pub fn compile(plan: &LogicalPlan) -> Result<RowPlan> {
    let mut compiler =
        Compiler { full_scans: Vec::new(), next_slot: FIRST_JOIN_SLOT, generates: false };
    let root = compiler.node(plan)?;
    Ok(RowPlan {
        root,
        full_scans: compiler.full_scans,
        generates: compiler.generates,
        uses_outer: uses_outer(plan)?,
    })
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
}

/// Whether a plan uses columns of a query around it, itself or in its own subqueries.
fn uses_outer(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                match expr {
                    Expr::Placeholder(parameter) => found |= parameter.id.starts_with("$o"),
                    Expr::ScalarFunction(function) => {
                        if let Some(inner) = subplan_of(function) {
                            found |= uses_outer(&inner.plan)?;
                        }
                    }
                    _ => {}
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}

impl Compiler {
    pub(super) fn allocate_slot(&mut self) -> usize {
        self.next_slot += 1;
        self.next_slot
    }

    pub(super) fn node(&mut self, plan: &LogicalPlan) -> Result<Node> {
        Ok(match plan {
            LogicalPlan::TableScan(scan) => self.scan(scan)?,
            LogicalPlan::SubqueryAlias(alias) => self.node(&alias.input)?,
            LogicalPlan::Filter(filter) => Node::Filter {
                predicate: RowExpr::compile(&filter.predicate, filter.input.schema())?,
                input: Box::new(self.node(&filter.input)?),
            },
            LogicalPlan::Projection(projection) => Node::Project {
                exprs: compile_all(&projection.expr, projection.input.schema())?,
                input: Box::new(self.node(&projection.input)?),
            },
            LogicalPlan::Limit(limit) => {
                let empty = DFSchema::empty();
                let count = |expr: &Option<Box<Expr>>| {
                    expr.as_ref().map(|expr| RowExpr::compile(expr, &empty)).transpose()
                };
                Node::Limit {
                    skip: count(&limit.skip)?,
                    fetch: count(&limit.fetch)?,
                    input: Box::new(self.node(&limit.input)?),
                }
            }
            LogicalPlan::Sort(sort) => {
                let mut input = self.node(&sort.input)?;
                if reads_in_order(&mut input, &sort.input, &sort.expr) {
                    return Ok(match sort.fetch {
                        None => input,
                        Some(fetch) => Node::Limit {
                            input: Box::new(input),
                            skip: None,
                            fetch: Some(RowExpr::Literal(crate::types::Datum::Int64(fetch as i64))),
                        },
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
                Node::Aggregate {
                    groups: compile_all(&aggregate.group_expr, schema)?,
                    calls,
                    input: Box::new(self.node(&aggregate.input)?),
                }
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let columns: Vec<Expr> =
                    input.schema().columns().into_iter().map(Expr::Column).collect();
                Node::Aggregate {
                    groups: compile_all(&columns, input.schema())?,
                    calls: Vec::new(),
                    input: Box::new(self.node(input)?),
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
            Source::Series(args) => {
                self.generates = true;
                Node::Series {
                    bounds: compile_all(args, &DFSchema::empty())?,
                    filter: compile_all(&scan.filters, &full)?,
                    width: output.len(),
                }
            }
            Source::Ranges => Node::Ranges { filter: compile_all(&scan.filters, &full)?, output },
            Source::Table(table) => {
                let empty = DFSchema::empty();
                let access = Access::choose(table, &scan.filters, &mut |expr| {
                    RowExpr::compile(expr, &empty)
                })?;
                if access.index.is_none() {
                    self.full_scans.push(index_span(table.primary.storage));
                }
                let mut needed = output.clone();
                for filter in &scan.filters {
                    needed.extend(
                        filter
                            .column_refs()
                            .into_iter()
                            .filter_map(|column| full.maybe_index_of_column(column)),
                    );
                }
                needed.sort_unstable();
                needed.dedup();
                let narrow = narrowed(scan, &full, &needed)?;
                Node::Scan(Scan {
                    table: table.clone(),
                    access,
                    output: output
                        .iter()
                        .filter_map(|column| needed.binary_search(column).ok())
                        .collect(),
                    filter: compile_all(&scan.filters, &narrow)?,
                    needed,
                    direction: Direction::Forward,
                })
            }
        };
        Ok(match scan.fetch {
            None => node,
            Some(fetch) => Node::Limit {
                input: Box::new(node),
                skip: None,
                fetch: Some(RowExpr::Literal(crate::types::Datum::Int64(fetch as i64))),
            },
        })
    }
}

/// The relation's whole schema under the scan's name: what filters refer to.
fn relation_schema(scan: &TableScan) -> Result<DFSchema> {
    Ok(DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?)
}

fn narrowed(scan: &TableScan, full: &DFSchema, columns: &[usize]) -> Result<DFSchema> {
    let qualifier: TableReference = scan.table_name.clone();
    let fields = columns
        .iter()
        .map(|column| (Some(qualifier.clone()), Arc::new(full.field(*column).as_ref().clone())));
    Ok(DFSchema::new_with_metadata(fields.collect(), Default::default())?)
}

pub(super) fn compile_all(exprs: &[Expr], schema: &DFSchema) -> Result<Vec<RowExpr>> {
    exprs.iter().map(|expr| RowExpr::compile(expr, schema)).collect()
}

/// Whether the scan under `node` yields rows in the order of `keys`; turns it around if that is
/// what it takes.
fn reads_in_order(node: &mut Node, plan: &LogicalPlan, keys: &[SortExpr]) -> bool {
    let Some(first) = keys.first() else { return false };
    let descending = !first.asc;
    // The index order has NULLs last, and first when read backwards.
    let uniform = keys.iter().all(|key| key.asc != descending && key.nulls_first == descending);
    let columns = keys.iter().map(|key| scan_column(plan, &key.expr)).collect::<Option<Vec<_>>>();
    let (Some(columns), true) = (columns, uniform) else { return false };
    let Some(scan) = scan_below(node) else { return false };
    let Some((fixed, ordering)) = scan.access.order(&scan.table) else { return false };
    let wanted: Vec<usize> = columns.into_iter().filter(|column| !fixed.contains(column)).collect();
    if wanted.len() > ordering.len() || !ordering.starts_with(&wanted) {
        return false;
    }
    scan.direction = if descending { Direction::Reverse } else { Direction::Forward };
    true
}

fn scan_below(node: &mut Node) -> Option<&mut Scan> {
    match node {
        Node::Scan(scan) => Some(scan),
        Node::Filter { input, .. } | Node::Project { input, .. } => scan_below(input),
        _ => None,
    }
}

/// The table column that an expression over `plan`'s output is, through projections.
fn scan_column(plan: &LogicalPlan, expr: &Expr) -> Option<usize> {
    let column = match expr {
        Expr::Column(column) => column,
        Expr::ScalarFunction(function) => match crate::functions::udf::scalar_of(function)? {
            crate::functions::Scalar::Canonical(_) => {
                return scan_column(plan, function.args.first()?);
            }
            _ => return None,
        },
        _ => return None,
    };
    match plan {
        LogicalPlan::Filter(filter) => scan_column(&filter.input, expr),
        LogicalPlan::Projection(projection) => {
            let index = plan.schema().maybe_index_of_column(column)?;
            let mut source = projection.expr.get(index)?;
            while let Expr::Alias(alias) = source {
                source = &alias.expr;
            }
            scan_column(&projection.input, source)
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let index = plan.schema().maybe_index_of_column(column)?;
            let inner: Column = alias.input.schema().columns().get(index)?.clone();
            scan_column(&alias.input, &Expr::Column(inner))
        }
        LogicalPlan::TableScan(_) => column.name.strip_prefix('c')?.parse().ok(),
        _ => None,
    }
}
