//! Rows in the order of an index: ORDER BY without a sort, MIN and MAX by one look.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlan, SortExpr};

use cairn_txn::storage::Direction;

use super::access::{Access, computed_place, ordering_of};
use super::covering::Covering;
use super::expr::RowExpr;
use super::{Node, SHORT_SCAN_ROWS, Scan};
use crate::catalog::{Index, Table};
use crate::codec::KeyOrder;
use crate::functions::Scalar;
use crate::functions::aggregates::{Kind, aggregate_of};
use crate::functions::udf::scalar_of;
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
    let Some(scan) = scan_below(node) else { return false };
    let table = scan.table.clone();
    let resolved = keys.iter().map(|key| resolve(plan, &key.expr));
    let Some(resolved) = resolved.collect::<Option<Vec<_>>>() else { return false };
    // The keys by their places in an index, but for those that have one value.
    let keys_in = |index: &Index, fixed: &[usize]| {
        let computed = match index.is_computed() {
            true => table.programs.of(index)?.expressions.as_slice(),
            false => &[],
        };
        let mut wanted = Vec::new();
        for (key, expr) in keys.iter().zip(&resolved) {
            let column = key_place(expr, computed)?;
            if !fixed.contains(&column) {
                wanted.push((column, key));
            }
        }
        Some(wanted)
    };
    let Some((fixed, ordering)) = scan.access.order(&table) else { return false };
    let index = scan.access.index.as_deref().unwrap_or(&table.primary);
    let own = keys_in(index, &fixed);
    if let Some(direction) = own.and_then(|wanted| direction(&table, &ordering, &wanted)) {
        scan.direction = direction;
        return true;
    }
    let wants_order = few || !scan.hints.seqscan;
    let may_choose = scan.hints.indexscan && scan.access.index.is_none() && scan.filter.is_empty();
    if !wants_order || !may_choose {
        return false;
    }
    let whole = table.indexes.iter().filter(|i| i.is_public() && i.predicate.is_none());
    let ordered = whole.filter_map(|index| {
        let direction = direction(&table, &ordering_of(index), &keys_in(index, &[])?)?;
        let covering = Covering::new(&table, index, &scan.needed);
        Some((index, direction, covering.filter(|_| scan.hints.indexonlyscan)))
    });
    // The first that has all that is needed, or else the first.
    let best = ordered.min_by_key(|(.., covering)| covering.is_none());
    let Some((index, direction, covering)) = best else { return false };
    scan.covering = covering;
    scan.access = Access::whole(index);
    scan.direction = direction;
    true
}

/// The direction in which an index that is ordered by these columns gives the order of `wanted`.
fn direction(
    table: &Table,
    ordering: &[(usize, KeyOrder)],
    wanted: &[(usize, &SortExpr)],
) -> Option<Direction> {
    if wanted.len() > ordering.len() {
        return None;
    }
    let fits = |forward: bool| {
        ordering.iter().zip(wanted).all(|((column, order), (wanted, key))| {
            let has_nulls = table.columns.get(*column).is_none_or(|column| !column.not_null);
            column == wanted
                && (key.asc != order.descending) == forward
                && (!has_nulls || (key.nulls_first == order.nulls_first) == forward)
        })
    };
    match (fits(true), fits(false)) {
        (true, _) => Some(Direction::Forward),
        (_, true) => Some(Direction::Reverse),
        _ => None,
    }
}

/// The scan that gives a node its rows, one for one or fewer.
pub(super) fn scan_below(node: &mut Node) -> Option<&mut Scan> {
    match node {
        Node::Scan(scan) => Some(scan),
        Node::Filter { input, .. } | Node::Project { input, .. } => scan_below(input),
        _ => None,
    }
}

/// What an expression over `plan`'s output is of the table below it, through projections.
fn resolve(plan: &LogicalPlan, expr: &Expr) -> Option<Expr> {
    let replaced = |by: &dyn Fn(usize) -> Option<Expr>| {
        let replaced = expr.clone().transform(|expr| match &expr {
            Expr::Column(column) => {
                let found = plan.schema().maybe_index_of_column(column).and_then(by);
                let found = found.ok_or_else(|| DataFusionError::Internal("no column".into()))?;
                Ok(Transformed::yes(found))
            }
            _ => Ok(Transformed::no(expr)),
        });
        replaced.ok().map(|replaced| replaced.data)
    };
    match plan {
        LogicalPlan::Filter(filter) => resolve(&filter.input, expr),
        LogicalPlan::Projection(projection) => {
            let below = replaced(&|index| {
                let mut source = projection.expr.get(index)?;
                while let Expr::Alias(alias) = source {
                    source = &alias.expr;
                }
                Some(source.clone())
            });
            resolve(&projection.input, &below?)
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let columns = alias.input.schema().columns();
            let below = replaced(&|index| columns.get(index).cloned().map(Expr::Column));
            resolve(&alias.input, &below?)
        }
        LogicalPlan::TableScan(_) => Some(expr.clone()),
        _ => None,
    }
}

/// The place in a key of what rows are ordered by.
fn key_place(expr: &Expr, computed: &[Expr]) -> Option<usize> {
    if let Some(place) = computed_place(expr, computed) {
        return Some(place);
    }
    match expr {
        Expr::Column(column) => column.name.strip_prefix('c')?.parse().ok(),
        Expr::ScalarFunction(function) => match scalar_of(function)? {
            Scalar::Canonical(_) => key_place(function.args.first()?, computed),
            _ => None,
        },
        _ => None,
    }
}
