//! How many rows conditions leave, by what ANALYZE has found out. Without it nothing is estimated.

use std::cmp::Ordering;

use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, Operator, TableScan};

use super::access::{Condition, conditions_of};
use crate::catalog::Table;
use crate::catalog::statistics::{ColumnStatistics, value_of};
use crate::codec::encode_key;
use crate::relation::{Relation, Source};
use crate::types::{Datum, Type};

/// The part of rows that a range takes of which nothing is known, as in PostgreSQL.
const UNKNOWN_RANGE: f64 = 1.0 / 3.0;
/// The same of a value.
const UNKNOWN_VALUE: f64 = 0.005;
/// The same of any other condition.
const UNKNOWN_CONDITION: f64 = 1.0 / 3.0;

fn constant(expr: &Expr) -> Option<Datum> {
    match expr {
        Expr::Literal(value, _) => Datum::from_scalar(value).ok().filter(|value| !value.is_null()),
        _ => None,
    }
}

fn ordered(kind: Type, one: &Datum, other: &Datum) -> Ordering {
    let key = |value: &Datum| {
        let mut key = Vec::new();
        encode_key(kind, value, &mut key);
        key
    };
    match (one.as_i64(), other.as_i64()) {
        (Ok(one), Ok(other)) => one.cmp(&other),
        _ => key(one).cmp(&key(other)),
    }
}

/// The part of rows that have a value in a column.
fn of_value(kind: Type, column: &ColumnStatistics, rows: f64, value: Option<&Datum>) -> f64 {
    let common: f64 = column.common.iter().map(|(_, part)| part).sum();
    let others = (column.distinct_in(rows) - column.common.len() as f64).max(1.0);
    let other = ((1.0 - column.null_fraction - common) / others).max(0.0);
    match value {
        Some(value) => {
            let is_it = |bytes: &Vec<u8>| {
                value_of(bytes).is_some_and(|known| ordered(kind, &known, value).is_eq())
            };
            let known = column.common.iter().find(|(bytes, _)| is_it(bytes));
            known.map_or(other, |(_, part)| *part)
        }
        None => (1.0 - column.null_fraction) / column.distinct_in(rows).max(1.0),
    }
}

/// The part of rows that are below a value in a column.
fn below(kind: Type, column: &ColumnStatistics, value: &Datum) -> f64 {
    let is_below =
        |bytes: &Vec<u8>| value_of(bytes).is_some_and(|known| ordered(kind, &known, value).is_lt());
    let common = column.common.iter().filter(|(bytes, _)| is_below(bytes));
    let common: f64 = common.map(|(_, part)| part).sum();
    let all: f64 = column.common.iter().map(|(_, part)| part).sum();
    let others = (1.0 - column.null_fraction - all).max(0.0);
    let under = column.bounds.iter().take_while(|bytes| is_below(bytes)).count();
    let part = match column.bounds.len() {
        0 | 1 => 0.5,
        count => (under as f64 - 0.5).clamp(0.0, (count - 1) as f64) / (count - 1) as f64,
    };
    common + others * part
}

/// The part of a table's rows that fulfil these conditions, all of one column.
pub(super) fn of_column(table: &Table, position: usize, conditions: &[&Condition]) -> f64 {
    let statistics = table.statistics.as_ref();
    let rows = statistics.map_or(1.0, |found| found.rows);
    let column = statistics.and_then(|found| found.columns.get(&position));
    let kind = table.columns.get(position).map_or(Type::Text, |column| column.kind().kind);
    let mut part: f64 = 1.0;
    let (mut low, mut high) = (0.0, 1.0);
    for condition in conditions {
        let value = condition.values.first().and_then(constant);
        match (condition.op, column) {
            (Operator::Eq, Some(column)) => {
                let parts: f64 = match condition.of_array {
                    true => of_value(kind, column, rows, None) * condition.count() as f64,
                    false => condition
                        .values
                        .iter()
                        .map(|value| of_value(kind, column, rows, constant(value).as_ref()))
                        .sum(),
                };
                part = part.min(parts);
            }
            (Operator::Eq, None) => part = part.min(UNKNOWN_VALUE * condition.count() as f64),
            (op, Some(column)) => match (op, value) {
                (Operator::Lt | Operator::LtEq, Some(value)) => {
                    high = f64::min(high, below(kind, column, &value));
                }
                (_, Some(value)) => low = f64::max(low, below(kind, column, &value)),
                (_, None) => part *= UNKNOWN_RANGE,
            },
            _ => part *= UNKNOWN_RANGE,
        }
    }
    (part * (high - low).max(0.0)).clamp(0.0, 1.0)
}

/// About how many rows a plan gives; `None` if nobody knows.
pub(super) fn rows_of(plan: &LogicalPlan) -> Option<f64> {
    match plan {
        LogicalPlan::TableScan(scan) => scanned_rows(scan),
        LogicalPlan::Filter(filter) => Some((rows_of(&filter.input)? * UNKNOWN_CONDITION).max(1.0)),
        LogicalPlan::Projection(projection) => rows_of(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => rows_of(&alias.input),
        LogicalPlan::Sort(sort) => {
            let rows = rows_of(&sort.input)?;
            Some(sort.fetch.map_or(rows, |fetch| rows.min(fetch as f64)))
        }
        LogicalPlan::Join(join) => {
            let (left, right) = (rows_of(&join.left)?, rows_of(&join.right)?);
            Some(match join.on.is_empty() {
                true => left * right,
                false => left.max(right),
            })
        }
        _ => None,
    }
}

/// About how many rows a scan gives; `None` if nobody knows.
pub(super) fn scanned_rows(scan: &TableScan) -> Option<f64> {
    let Source::Table(table) = Relation::source_of(&scan.source)? else { return None };
    let mut rows = table.statistics.as_ref()?.rows;
    let conditions = conditions_of(&scan.filters);
    let mut columns: Vec<usize> = conditions.iter().map(|c| c.column).collect();
    columns.sort_unstable();
    columns.dedup();
    for column in columns {
        let of: Vec<&Condition> = conditions.iter().filter(|c| c.column == column).collect();
        rows *= of_column(table, column, &of);
    }
    let conjuncts: usize = scan.filters.iter().map(|filter| split_conjunction(filter).len()).sum();
    let unknown = conjuncts.saturating_sub(conditions.len());
    rows *= UNKNOWN_CONDITION.powi(unknown as i32);
    Some(scan.fetch.map_or(rows, |fetch| rows.min(fetch as f64)).max(1.0))
}
