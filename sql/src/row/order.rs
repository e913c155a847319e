//! Rows in the order of an index: ORDER BY without a sort, MIN and MAX by one look.

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan, SortExpr};

use cairn_txn::storage::Direction;

use super::access::Access;
use super::covering::Covering;
use super::expr::RowExpr;
use super::{Node, SHORT_SCAN_ROWS, Scan};
use crate::functions::aggregates::{Kind, aggregate_of};
use crate::types::Datum;

/// Whether a LIMIT leaves few rows. One that is a parameter is taken to.
pub(super) fn is_few(fetch: &Option<RowExpr>) -> bool {
    match fetch {
        None => false,
        Some(RowExpr::Literal(Datum::Int64(rows))) => *rows <= SHORT_SCAN_ROWS as i64,
        Some(_) => true,
    }
}

/// Whether a plan is a sort, or a projection of one.
pub(super) fn sort_below(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Sort(_) => true,
        LogicalPlan::Projection(projection) => sort_below(&projection.input),
        _ => false,
    }
}

/// Whether the rows of a plan are in the order that a sort has given them.
pub(super) fn is_sorted(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Sort(_) => true,
        LogicalPlan::Projection(projection) => is_sorted(&projection.input),
        LogicalPlan::Filter(filter) => is_sorted(&filter.input),
        LogicalPlan::Limit(limit) => is_sorted(&limit.input),
        LogicalPlan::SubqueryAlias(alias) => is_sorted(&alias.input),
        _ => false,
    }
}

/// Whether these aggregates are one MIN or MAX that the first row has, if they are read in the
/// right order; makes the scan under `node` read in it.
pub(super) fn settled_by_first(node: &mut Node, plan: &LogicalPlan, calls: &[Expr]) -> bool {
    let [call] = calls else { return false };
    let mut call = call;
    while let Expr::Alias(alias) = call {
        call = &alias.expr;
    }
    let Expr::AggregateFunction(function) = call else { return false };
    let (Some(aggregate), [arg]) = (aggregate_of(function), function.params.args.as_slice()) else {
        return false;
    };
    let asc = match aggregate.kind {
        Kind::Min => true,
        Kind::Max => false,
        _ => return false,
    };
    let plain = function.params.filter.is_none() && !aggregate.distinct;
    let key = SortExpr { expr: arg.clone(), asc, nulls_first: !asc };
    plain && reads_in_order(node, plan, &[key], true)
}

/// Whether the scan under `node` yields rows in the order of `keys`; turns it around if that is
/// what it takes. One that would read its whole table reads an index with that order if only a
/// `few` rows are wanted: each costs a look-up then.
pub(super) fn reads_in_order(
    node: &mut Node,
    plan: &LogicalPlan,
    keys: &[SortExpr],
    few: bool,
) -> bool {
    let Some(first) = keys.first() else { return false };
    let descending = !first.asc;
    // The index order has NULLs last, and first when read backwards.
    let uniform = keys.iter().all(|key| key.asc != descending && key.nulls_first == descending);
    let columns = keys.iter().map(|key| scan_column(plan, &key.expr)).collect::<Option<Vec<_>>>();
    let (Some(columns), true) = (columns, uniform) else { return false };
    let Some(scan) = scan_below(node) else { return false };
    let Some((fixed, ordering)) = scan.access.order(&scan.table) else { return false };
    let wanted: Vec<usize> = columns.into_iter().filter(|column| !fixed.contains(column)).collect();
    if !ordering.starts_with(&wanted) {
        let is_full = scan.access.index.is_none() && scan.filter.is_empty();
        let table = scan.table.clone();
        let ordered = table.indexes.iter().filter(|index| index.columns.starts_with(&wanted));
        let ordered = ordered.map(|index| (index, Covering::new(&table, index, &scan.needed)));
        // The first that has all that is needed, or else the first.
        let best = ordered.min_by_key(|(_, covering)| covering.is_none());
        let (true, Some((index, covering))) = (few && is_full, best) else { return false };
        scan.covering = covering;
        scan.access = Access::whole(index);
    }
    scan.direction = if descending { Direction::Reverse } else { Direction::Forward };
    true
}

/// The scan that gives a node its rows, one for one or fewer.
pub(super) fn scan_below(node: &mut Node) -> Option<&mut Scan> {
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
