//! What serializable transactions are told of a scan's filter.
//!
//! A read leaves its filter beside the range of keys that it has read, and writers test it with rows as they
//! were and as they make them ([`RowFilter`]). So what is left has to be a function of a row, for
//! ever: it is made of columns, literals, immutable functions, and parameters with the values
//! that they have in this execution. It holds no snapshot and asks no session.
//!
//! A scan tries its conditions one by one and leaves a row at the first that is not true. What counts is
//! therefore the first of them, up to one that is not such a function: where they reject a row, nothing else has
//! been evaluated, and no error can have told of the row. A row on which they fail themselves has been noticed: it
//! may match.
//!
//! A table whose rows are laid out anew has a new storage number, and so other keys.

use std::any::Any;
use std::sync::Arc;

use cairn_txn::RowFilter;
use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, TableScan};

use super::access::Access;
use super::compile::{compile_all, narrowed};
use super::covering::Covering;
use super::expr::{Parameter, RowExpr, Scope};
use super::quantified::OverArray;
use super::{Frame, passes};
use crate::binder::subplan::Subplan;
use crate::catalog::{Index, Table};
use crate::codec;
use crate::error::{Error, Result};
use crate::types::Datum;

/// Whether an expression is a function of the row and of the values of parameters; collects those.
fn is_immutable(expr: &RowExpr, parameters: &mut Vec<Parameter>) -> bool {
    let mut all = |exprs: &[RowExpr]| exprs.iter().all(|expr| is_immutable(expr, parameters));
    match expr {
        RowExpr::Column(_) | RowExpr::Literal(_) => true,
        RowExpr::Parameter(parameter) => {
            if !parameters.contains(parameter) {
                parameters.push(*parameter);
            }
            true
        }
        RowExpr::Compare(left, _, right) | RowExpr::And(left, right) | RowExpr::Or(left, right) => {
            is_immutable(left, parameters) && is_immutable(right, parameters)
        }
        RowExpr::Not(inner)
        | RowExpr::IsNull(inner)
        | RowExpr::Is(inner, ..)
        | RowExpr::Widen(inner) => is_immutable(inner, parameters),
        RowExpr::Case(whens, otherwise) => {
            let mut both = |(when, then): &(RowExpr, RowExpr)| {
                is_immutable(when, parameters) && is_immutable(then, parameters)
            };
            whens.iter().all(&mut both)
                && otherwise.as_ref().is_none_or(|expr| is_immutable(expr, parameters))
        }
        RowExpr::InList(probe, list, _) => all(list) && is_immutable(probe, parameters),
        RowExpr::Call(scalar, args) => !scalar.is_volatile() && all(args),
        // An array that is made ready for a run is not kept beyond it.
        RowExpr::Subplan(..) | RowExpr::Stateful(..) | RowExpr::OverArray(..) => false,
    }
}

/// Those of a scan's filters that are worth to be known, as compiled and as they were. None, if the path by
/// which rows are found says as much.
pub(super) fn useful<'f>(compiled: &[RowExpr], filters: &'f [Expr], access: &Access) -> &'f [Expr] {
    let immutable = compiled.iter().take_while(|expr| is_immutable(expr, &mut Vec::new()));
    let used = filters.get(..immutable.count()).unwrap_or_default();
    match used.iter().all(|filter| access.settles(filter)) {
        true => &[],
        false => used,
    }
}

/// The filter of a scan, for all executions.
#[derive(Debug)]
pub(super) struct TrackedFilter {
    /// Over the columns of the table that they use.
    filter: Vec<RowExpr>,
    columns: Vec<usize>,
    /// How those come out of entries, if those are what is read.
    covering: Option<Covering>,
    /// The values of those that rows from before they were added lack.
    missing: Vec<(usize, Vec<u8>)>,
    /// Whose values are bound.
    parameters: Vec<Parameter>,
}

impl TrackedFilter {
    /// Compiles what [`useful`] has chosen; `covered_by` is the index whose entries stand for rows.
    /// `None` if that has not all that it takes.
    pub fn compile(
        filters: &[Expr],
        scan: &TableScan,
        full: &DFSchema,
        table: &Table,
        covered_by: Option<&Index>,
    ) -> Result<Option<TrackedFilter>> {
        let used = filters.iter().flat_map(|filter| filter.column_refs());
        let mut columns: Vec<usize> =
            used.filter_map(|column| full.maybe_index_of_column(column)).collect();
        columns.sort_unstable();
        columns.dedup();
        let covering = match covered_by.map(|index| Covering::new(table, index, &columns)) {
            Some(None) => return Ok(None),
            covering => covering.flatten(),
        };
        let filter = compile_all(filters, &narrowed(scan, full, &columns)?)?;
        let mut parameters = Vec::new();
        let immutable = filter.iter().all(|expr| is_immutable(expr, &mut parameters));
        let missing = columns
            .iter()
            .filter_map(|column| Some((*column, table.columns.get(*column)?.missing.clone()?)));
        let missing = missing.collect();
        let tracked = TrackedFilter { filter, columns, covering, missing, parameters };
        Ok(immutable.then_some(tracked))
    }

    /// The filter of one execution.
    pub fn bind(self: &Arc<Self>, frame: &Frame<'_>) -> Option<BoundFilter> {
        let values = self.parameters.iter().map(|parameter| frame.parameter(*parameter));
        let values = values.collect::<Result<Vec<Datum>>>().ok()?;
        Some(BoundFilter { filter: self.clone(), values })
    }
}

/// A filter with the values of its parameters.
#[derive(Debug)]
pub(super) struct BoundFilter {
    filter: Arc<TrackedFilter>,
    /// As `parameters` of the filter.
    values: Vec<Datum>,
}

impl BoundFilter {
    fn admits(&self, key: &[u8], value: &[u8]) -> Result<bool> {
        let row = match &self.filter.covering {
            Some(covering) => covering.row(key, value)?,
            None => {
                let mut row = Vec::with_capacity(self.filter.columns.len());
                let missing = |column| {
                    let mut missing = self.filter.missing.iter();
                    missing.find(|(other, _)| *other == column).map(|(_, value)| value.as_slice())
                };
                codec::decode_columns(value, &self.filter.columns, &mut row, missing)?;
                row
            }
        };
        passes(&self.filter.filter, &row, self)
    }
}

impl Scope for BoundFilter {
    fn parameter(&self, parameter: Parameter) -> Result<Datum> {
        let at = self.filter.parameters.iter().position(|bound| *bound == parameter);
        let value = at.and_then(|at| self.values.get(at)).cloned();
        value.ok_or_else(|| Error::internal("a parameter is not bound"))
    }

    fn subplan(&self, _: &Arc<Subplan>, _: &[Datum]) -> Result<Datum> {
        Err(Error::internal("a subquery is no function of a row"))
    }

    fn over_array(&self, _: &OverArray, _: &[Datum]) -> Result<Datum> {
        Err(Error::internal("an array was not kept"))
    }
}

impl RowFilter for BoundFilter {
    fn may_match(&self, key: &[u8], value: &[u8]) -> bool {
        self.admits(key, value).unwrap_or(true)
    }

    fn is_same(&self, other: &dyn RowFilter) -> bool {
        let Some(other) = (other as &dyn Any).downcast_ref::<BoundFilter>() else { return false };
        // Zeros of both signs are equal, and not the same.
        let is_float = |value: &Datum| matches!(value, Datum::Float32(_) | Datum::Float64(_));
        Arc::ptr_eq(&self.filter, &other.filter)
            && self.values == other.values
            && !self.values.iter().any(is_float)
    }

    fn heap_bytes(&self) -> usize {
        let of = |value: &Datum| match value {
            Datum::Text(text) => text.capacity(),
            Datum::Bytes(bytes) => bytes.capacity(),
            _ => 0,
        };
        self.values.capacity() * size_of::<Datum>() + self.values.iter().map(of).sum::<usize>()
    }
}
