//! Access paths: which index to read, and which of its keys.

use std::ops::ControlFlow;
use std::sync::Arc;

use cairn_txn::Filter;
use cairn_txn::storage::engine::prefix_end;
use cairn_txn::storage::{Direction, Span};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::computed::unqualified;
use super::covering::Covering;
use super::expr::RowExpr;
use super::implication::{hinges_on_parameters, implies};
use super::selectivity::of_column;
use super::stateful::stateful_of;
use super::{CANCEL_CHECK_ROWS, Flow, Frame};
use crate::binder::subplan::{has_subplan, subplan_of};
use crate::catalog::index::FIRST_EXPRESSION;
use crate::catalog::{Index, Table, index_prefix, index_span};
use crate::codec::{self, KEY_NULL, KEY_VALUE, KeyOrder};
use crate::error::{Error, Result};
use crate::functions::arrays::ArrayForm;
use crate::functions::{Scalar, udf};
use crate::relation::Hints;
use crate::types::array::Reader;
use crate::types::{Datum, Type};

/// Entries of a secondary index that are read at a time: first few, as many scans end early, then
/// more, as each time costs a seek.
const ENTRY_BATCHES: [usize; 3] = [16, 256, 4096];
/// Rows of them that are fetched together.
const FETCH_BATCH: usize = 32;
/// Most combinations of IN lists that become key look-ups.
const MAX_POINTS: usize = 1000;
/// How many elements an array counts for in that.
const ARRAY_VALUES: usize = 10;
/// Most look-ups of a run, if the values of one column do not come to more: what further columns
/// would narrow is left to the filter.
const MAX_COMBINATIONS: usize = 100_000;

/// What a path has to give.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Columns.
    pub needed: &'a [usize],
    /// What it may use.
    pub hints: Hints,
}

/// Which keys of an index to read.
#[derive(Debug)]
pub struct Access {
    /// The index; `None` reads the whole table.
    pub index: Option<Arc<Index>>,
    /// For each of the first key columns the values it may have.
    equal: Vec<Values>,
    /// Bounds of the next key column, and whether they are inside.
    lower: Option<(RowExpr, bool)>,
    upper: Option<(RowExpr, bool)>,
    /// Whether a partial index would do for some values of parameters.
    pub hinges: bool,
}

/// The values that a key column may have.
#[derive(Debug)]
enum Values {
    /// These.
    Listed(Vec<RowExpr>),
    /// The elements of an array.
    OfArray(RowExpr),
}

impl Values {
    /// Whether it is one value.
    fn is_single(&self) -> bool {
        matches!(self, Values::Listed(values) if values.len() == 1)
    }

    /// What they are in a run; no NULLs.
    fn eval(&self, kind: Type, frame: &Frame<'_>) -> Result<Vec<Datum>> {
        let mut found = Vec::new();
        match self {
            Values::Listed(values) => {
                for value in values {
                    found.extend(fit(kind, value.eval(&[], frame)?));
                }
            }
            Values::OfArray(array) => {
                if let Datum::Bytes(bytes) = array.eval(&[], frame)? {
                    for item in Reader::new(&bytes)? {
                        found.extend(fit(kind, item?));
                    }
                }
            }
        }
        Ok(found)
    }
}

/// A condition `column op constant` found in a filter.
pub(super) struct Condition {
    pub column: usize,
    pub op: Operator,
    pub values: Vec<Expr>,
    /// Whether the only one of the values is an array, whose elements are meant.
    pub of_array: bool,
}

impl Condition {
    /// How many values there are; of an array nobody knows when the plan is made.
    pub fn count(&self) -> usize {
        if self.of_array { ARRAY_VALUES } else { self.values.len() }
    }
}

/// The place in a key of an expression that keeps its order: a column or one of `computed`, itself or
/// in its canonical form, or widened.
fn ordered_column(expr: &Expr, computed: &[Expr]) -> Option<usize> {
    if let Some(place) = computed_place(expr, computed) {
        return Some(place);
    }
    match expr {
        Expr::Column(column) => column.name.strip_prefix('c')?.parse().ok(),
        Expr::ScalarFunction(ScalarFunction { args, .. }) => {
            let Expr::ScalarFunction(function) = expr else { return None };
            match udf::scalar_of(function)? {
                Scalar::Canonical(_) => {}
                Scalar::Cast { from, to } if widens(from, to) => {}
                _ => return None,
            }
            ordered_column(args.first()?, computed)
        }
        _ => None,
    }
}

/// Where an expression stands among those that an index computes.
pub(super) fn computed_place(expr: &Expr, computed: &[Expr]) -> Option<usize> {
    if computed.is_empty() || matches!(expr, Expr::Literal(..) | Expr::Placeholder(_)) {
        return None;
    }
    let expr = unqualified(expr);
    computed.iter().position(|other| *other == expr).map(|at| FIRST_EXPRESSION + at)
}

fn widens(from: Type, to: Type) -> bool {
    use Type::*;
    matches!((from, to), (Int2, Int4 | Int8) | (Int4, Int8))
        || (matches!(from, Text | Varchar | Name | Bpchar) && matches!(to, Text | Varchar))
}

fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(..) | Expr::Placeholder(_) => true,
        Expr::ScalarFunction(function) => {
            let is_pure = match udf::scalar_of(function) {
                Some(scalar) => !scalar.is_volatile(),
                None if subplan_of(function).is_some() => true,
                None => stateful_of(function).is_some_and(|function| !function.is_volatile()),
            };
            is_pure && function.args.iter().all(is_constant)
        }
        _ => false,
    }
}

fn condition(column: usize, op: Operator, values: Vec<Expr>) -> Condition {
    Condition { column, op, values, of_array: false }
}

/// Whether a condition compares a column with what a subquery gives that does not depend on the row. The
/// optimizer leaves it above the scan, where no index would help.
pub(super) fn is_subquery_lookup(conjunct: &Expr) -> bool {
    has_subplan(conjunct) && in_list_condition(conjunct, &[]).is_some()
}

/// `column = ANY (array)`
fn array_condition(function: &ScalarFunction, computed: &[Expr]) -> Option<Condition> {
    let Scalar::Array(ArrayForm::Quantified(form)) = udf::scalar_of(function)? else { return None };
    let [probe, array] = function.args.as_slice() else { return None };
    let usable = form.is_in() && is_constant(array);
    let column = ordered_column(probe, computed).filter(|_| usable)?;
    Some(Condition { column, op: Operator::Eq, values: vec![array.clone()], of_array: true })
}

fn condition_of(expr: &Expr, computed: &[Expr]) -> Option<Condition> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expr else { return None };
    match op {
        Operator::Eq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq => {
            if let (Some(column), true) = (ordered_column(left, computed), is_constant(right)) {
                return Some(condition(column, *op, vec![(**right).clone()]));
            }
            if let (true, Some(column)) = (is_constant(left), ordered_column(right, computed)) {
                let op = op.swap()?;
                return Some(condition(column, op, vec![(**left).clone()]));
            }
            None
        }
        Operator::Or => {
            let (a, b) = (condition_of(left, computed)?, condition_of(right, computed)?);
            let same = a.column == b.column && a.op == Operator::Eq && b.op == Operator::Eq;
            let values = a.values.into_iter().chain(b.values).collect();
            same.then(|| condition(a.column, Operator::Eq, values))
        }
        _ => None,
    }
}

fn in_list_condition(expr: &Expr, computed: &[Expr]) -> Option<Condition> {
    let list = match expr {
        Expr::InList(list) => list,
        Expr::ScalarFunction(function) => return array_condition(function, computed),
        _ => return condition_of(expr, computed),
    };
    let usable = !list.negated && list.list.iter().all(is_constant);
    let column = ordered_column(&list.expr, computed).filter(|_| usable)?;
    Some(condition(column, Operator::Eq, list.list.clone()))
}

/// The conditions on columns in filters.
pub(super) fn conditions_of(filters: &[Expr]) -> Vec<Condition> {
    let conjuncts =
        filters.iter().flat_map(|f| datafusion::logical_expr::utils::split_conjunction(f));
    conjuncts.filter_map(|conjunct| in_list_condition(conjunct, &[])).collect()
}

/// The values that filters ask for in columns of a relation whose rows are computed.
#[derive(Debug)]
pub struct Lookups(Vec<(usize, Values)>);

impl Lookups {
    /// Those of filters over the relation's columns `c0`, `c1`, ...
    ///
    /// # Errors
    /// If a value cannot be compiled.
    pub(super) fn new(
        filters: &[Expr],
        compile: &mut dyn FnMut(&Expr) -> Result<RowExpr>,
    ) -> Result<Lookups> {
        let conjuncts =
            filters.iter().flat_map(|f| datafusion::logical_expr::utils::split_conjunction(f));
        let mut found = Vec::new();
        let conditions = conjuncts.filter_map(|conjunct| in_list_condition(conjunct, &[]));
        for condition in conditions.filter(|condition| condition.op == Operator::Eq) {
            let mut values =
                condition.values.iter().map(&mut *compile).collect::<Result<Vec<_>>>()?;
            let values = match values.pop_if(|_| condition.of_array) {
                Some(array) => Values::OfArray(array),
                None => Values::Listed(values),
            };
            found.push((condition.column, values));
        }
        Ok(Lookups(found))
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values in a run, by position of the column.
    ///
    /// # Errors
    /// Those of the expressions.
    pub(super) fn eval(&self, frame: &Frame<'_>) -> Result<Vec<(usize, Vec<Datum>)>> {
        let values = self.0.iter();
        values.map(|(column, values)| Ok((*column, values.eval(Type::Oid, frame)?))).collect()
    }
}

impl Access {
    /// Whether a condition is true of all rows that are read by this path, as it has chosen them.
    pub(super) fn settles(&self, filter: &Expr) -> bool {
        let Some(index) = &self.index else { return false };
        let (fixed, rest) = index.columns.split_at(self.equal.len().min(index.columns.len()));
        let is_bounded = self.lower.is_some() || self.upper.is_some();
        let bounded = rest.first().filter(|_| is_bounded);
        datafusion::logical_expr::utils::split_conjunction(filter).into_iter().all(|conjunct| {
            in_list_condition(conjunct, &[]).is_some_and(|condition| match condition.op {
                Operator::Eq => fixed.contains(&condition.column),
                _ => bounded == Some(&condition.column),
            })
        })
    }

    /// Reads everything.
    pub fn full() -> Access {
        Access { index: None, equal: Vec::new(), lower: None, upper: None, hinges: false }
    }

    /// The best path for these conditions, each over the table's columns `c0`, `c1`, ... Of indexes
    /// that would do as well, one that has all columns that are `needed`.
    pub(super) fn choose(
        table: &Table,
        filters: &[Expr],
        wanted: Wanted<'_>,
        compile: &mut dyn FnMut(&Expr) -> Result<RowExpr>,
    ) -> Result<Access> {
        let Wanted { needed, hints } = wanted;
        let conjuncts =
            || filters.iter().flat_map(|f| datafusion::logical_expr::utils::split_conjunction(f));
        let plain: Vec<Condition> = conjuncts().filter_map(|c| in_list_condition(c, &[])).collect();
        let mut given: Option<Vec<Expr>> = None;
        let mut hinges = false;
        let mut best: Option<Candidate<'_>> = None;
        for index in table.all_indexes().filter(|index| index.is_public()) {
            let mut own = None;
            let mut score = 0;
            if index.is_computed() {
                let Some(program) = table.programs.of(index) else { continue };
                let given =
                    given.get_or_insert_with(|| conjuncts().map(unqualified).collect::<Vec<_>>());
                if !implies(given, &program.predicate) {
                    hinges |= hinges_on_parameters(given, &program.predicate);
                    continue;
                }
                // A partial index has fewer rows than the table.
                score = usize::from(index.predicate.is_some()) * 3;
                let computed = &program.expressions;
                own = (!computed.is_empty()).then(|| {
                    conjuncts().filter_map(|c| in_list_condition(c, computed)).collect::<Vec<_>>()
                });
            }
            let conditions = own.as_ref().unwrap_or(&plain);
            let matched = index.columns.iter().take_while(|column| {
                conditions.iter().any(|c| c.column == **column && c.op == Operator::Eq)
            });
            let matched = matched.count();
            let range = index.columns.get(matched).is_some_and(|column| {
                conditions.iter().any(|c| c.column == *column && c.op != Operator::Eq)
            });
            let is_only = !hints.seqscan && index.storage != table.primary.storage;
            let has_all = (matched > 0 || range || score > 0 || is_only)
                && (hints.indexonlyscan || index.storage == table.primary.storage)
                && (index.storage == table.primary.storage
                    || Covering::new(table, index, needed).is_some());
            let complete = matched == index.columns.len() && index.unique;
            score += usize::from(complete) * 1000
                + matched * 10
                + usize::from(range) * 5
                + usize::from(has_all);
            let only_entries = has_all && index.storage != table.primary.storage;
            if score == 0 || !hints.indexscan && !only_entries {
                continue;
            }
            let cost = match complete {
                true => table.statistics.as_ref().map(|_| 1.0),
                false => cost(table, index, conditions, matched, has_all),
            };
            let is_better = match &best {
                None => true,
                Some(best) => match (cost, best.cost) {
                    // What differs by little is decided by what is sure.
                    (Some(one), Some(other)) if (one - other).abs() > one.max(other) / 10.0 => {
                        one < other
                    }
                    _ => score > best.score,
                },
            };
            if is_better {
                best = Some(Candidate { score, cost, index, own });
            }
        }
        let mut access = Access { hinges, ..Access::full() };
        let Some(Candidate { index, own, .. }) = best else { return Ok(access) };
        let conditions = own.unwrap_or(plain);
        let mut points = 1;
        for column in &index.columns {
            let mut found =
                conditions.iter().filter(|c| c.column == *column && c.op == Operator::Eq);
            let shortest = found.by_ref().min_by_key(|c| c.count());
            let Some(condition) = shortest else {
                for condition in conditions.iter().filter(|c| c.column == *column) {
                    let Some(value) = condition.values.first() else { continue };
                    let value = compile(value)?;
                    match condition.op {
                        Operator::Gt => access.lower = Some((value, false)),
                        Operator::GtEq => access.lower = Some((value, true)),
                        Operator::Lt => access.upper = Some((value, false)),
                        Operator::LtEq => access.upper = Some((value, true)),
                        _ => {}
                    }
                }
                break;
            };
            points *= condition.count();
            if points > MAX_POINTS {
                break;
            }
            let mut values =
                condition.values.iter().map(&mut *compile).collect::<Result<Vec<_>>>()?;
            access.equal.push(match values.pop_if(|_| condition.of_array) {
                Some(array) => Values::OfArray(array),
                None => Values::Listed(values),
            });
        }
        let unbounded = access.equal.is_empty() && access.lower.is_none() && access.upper.is_none();
        if unbounded && index.predicate.is_none() && hints.seqscan {
            return Ok(access);
        }
        access.index = Some(Arc::new(index.clone()));
        Ok(access)
    }

    /// Reads all of an index, for its order.
    pub fn whole(index: &Index) -> Access {
        Access { index: Some(Arc::new(index.clone())), ..Access::full() }
    }

    /// Whether some leading key column is fixed.
    pub fn has_equality(&self) -> bool {
        !self.equal.is_empty()
    }

    /// Whether it reads an index from its first entry to the last.
    pub fn is_unbounded(&self) -> bool {
        self.equal.is_empty() && self.lower.is_none() && self.upper.is_none()
    }

    /// If the rows come out ordered by one value of each leading column, those, and the columns
    /// that order them.
    pub(super) fn order(&self, table: &Table) -> Option<(Vec<usize>, Ordering)> {
        let index = self.index.as_deref().unwrap_or(&table.primary);
        if !self.equal.iter().all(Values::is_single) {
            return None;
        }
        let mut fixed = ordering_of(index);
        let ordering = fixed.split_off(self.equal.len().min(fixed.len()));
        Some((fixed.into_iter().map(|(column, _)| column).collect(), ordering))
    }

    /// For EXPLAIN.
    pub fn describe(&self, table: &Table, backward: &str, covering: bool) -> String {
        match &self.index {
            None => format!("Seq Scan{backward} on {}", table.name),
            Some(index) => {
                let is_point = self.equal.len() == index.columns.len() && index.unique;
                let how = match (is_point, covering) {
                    (true, _) => "Point Lookup",
                    (false, true) => "Index Only Scan",
                    (false, false) => "Index Scan",
                };
                let columns = index.columns.iter().take(self.equal.len());
                let named = |c: &usize| match index.expression(*c) {
                    Some(expression) => expression.sql.clone(),
                    None => table.columns.get(*c).map_or("?", |c| c.name.as_str()).to_owned(),
                };
                let mut on: Vec<String> = columns.map(|c| named(c) + " =").collect();
                if (self.lower.is_some() || self.upper.is_some())
                    && let Some(column) = index.columns.get(self.equal.len())
                {
                    on.push(format!("{} range", named(column)));
                }
                let on =
                    if on.is_empty() { String::new() } else { format!(" ({})", on.join(", ")) };
                format!("{how}{backward} using {} on {}{on}", index.name, table.name)
            }
        }
    }

    /// The key ranges to read, in key order, and whether each is one key of a unique index. None when
    /// a bound is NULL.
    fn spans(&self, table: &Table, frame: &Frame<'_>) -> Result<(Vec<Span>, bool)> {
        let Some(index) = &self.index else {
            let whole = index_span(table.primary.storage);
            let span = frame.part.map_or(whole.clone(), |part| part.intersect(&whole));
            return Ok((vec![span], false));
        };
        let kind_at = |position: usize| table.key_type(index, position).kind;
        let mut prefixes = vec![index_prefix(index.storage)];
        let mut complete = true;
        for (position, values) in self.equal.iter().enumerate() {
            let (kind, order) = (kind_at(position), index.order(position));
            let values = values.eval(kind, frame)?;
            let count = prefixes.len().saturating_mul(values.len());
            if prefixes.len() > 1 && count > MAX_COMBINATIONS {
                complete = false;
                break;
            }
            let mut next = Vec::with_capacity(count);
            for value in &values {
                for prefix in &prefixes {
                    let mut key = prefix.clone();
                    codec::encode_key_in(kind, value, order, &mut key);
                    next.push(key);
                }
            }
            prefixes = next;
        }
        prefixes.sort();
        prefixes.dedup();
        if !complete || (self.lower.is_none() && self.upper.is_none()) {
            let points = complete && index.unique && self.equal.len() == index.columns.len();
            return Ok((prefixes.iter().map(|prefix| Span::prefix(prefix)).collect(), points));
        }
        let (kind, order) = (kind_at(self.equal.len()), index.order(self.equal.len()));
        let bound = |bound: &Option<(RowExpr, bool)>| -> Result<Option<(Datum, bool)>> {
            let Some((expr, inclusive)) = bound else { return Ok(None) };
            Ok(Some((expr.eval(&[], frame)?, *inclusive)))
        };
        let (lower, upper) = (bound(&self.lower)?, bound(&self.upper)?);
        let is_null =
            |bound: &Option<(Datum, bool)>| bound.as_ref().is_some_and(|(v, _)| v.is_null());
        if is_null(&lower) || is_null(&upper) {
            return Ok((Vec::new(), false));
        }
        let (first, last) = if order.descending { (upper, lower) } else { (lower, upper) };
        let spans = prefixes.into_iter().map(|prefix| {
            let at = |value: &Datum| {
                let mut key = prefix.clone();
                codec::encode_key_in(kind, value, order, &mut key);
                key
            };
            let behind = |marker: u8| [prefix.as_slice(), &[marker]].concat();
            // A bound outside the column's type bounds nothing: the filter decides. NULLs satisfy
            // no bound, on whichever side they are.
            let start = match first.as_ref().and_then(|(v, i)| Some((fit(kind, v.clone())?, *i))) {
                None if order.nulls_first => behind(KEY_VALUE),
                None => prefix.clone(),
                Some((value, true)) => at(&value),
                Some((value, false)) => prefix_end(&at(&value)),
            };
            let end = match last.as_ref().and_then(|(v, i)| Some((fit(kind, v.clone())?, *i))) {
                None => behind(KEY_NULL),
                Some((value, true)) => prefix_end(&at(&value)),
                Some((value, false)) => at(&value),
            };
            Span { start, end }
        });
        Ok((spans.filter(|span| !span.is_empty()).collect(), false))
    }

    /// Passes the matching rows on.
    pub(super) fn read(
        &self,
        table: &Table,
        how: Reading<'_>,
        frame: &Frame<'_>,
        emit: &mut Emit<'_>,
    ) -> Result<Flow> {
        let Reading { direction, entries, filter } = how;
        let (mut spans, points) = self.spans(table, frame)?;
        if direction == Direction::Reverse {
            spans.reverse();
        }
        let secondary = self.index.as_ref().filter(|index| index.storage != table.primary.storage);
        if points && spans.len() > 1 && !(entries && secondary.is_some()) {
            return get_all(spans, secondary.map(|index| &**index), filter, frame, emit);
        }
        for span in spans {
            let view = &frame.env.view;
            let flow = match (secondary, points) {
                (None, true) => match view.get_where(&span.start, filter)? {
                    Some(value) => emit(Found::Row(&value))?,
                    None => ControlFlow::Continue(()),
                },
                (Some(_), true) if entries => match view.get_where(&span.start, filter)? {
                    Some(value) => emit(Found::Entry(&span.start, &value))?,
                    None => ControlFlow::Continue(()),
                },
                (Some(index), true) => match view.get(&span.start)? {
                    Some(value) => {
                        let (row_key, _) = index.split_value(&value)?;
                        let row = view.get_where(row_key, filter)?;
                        emit(Found::Row(&row.ok_or_else(rowless)?))?
                    }
                    None => ControlFlow::Continue(()),
                },
                (None, false) => scan(&span, how, frame, &mut |_, value| emit(Found::Row(value)))?,
                (Some(_), false) if entries => {
                    let mut pass = |key: &[u8], value: &[u8]| emit(Found::Entry(key, value));
                    scan(&span, how, frame, &mut pass)?
                }
                (Some(index), false) => scan_through(index, &span, how, frame, emit)?,
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// The columns of an index and how they are ordered.
pub(super) fn ordering_of(index: &Index) -> Ordering {
    let columns = index.columns.iter().enumerate();
    columns.map(|(at, column)| (*column, index.order(at))).collect()
}

/// A value as one of the column's type, if it is one: `int8 = 5000000000` finds no `int4`.
fn fit(kind: Type, value: Datum) -> Option<Datum> {
    match (kind, value) {
        (_, Datum::Null) => None,
        (Type::Int2, value @ (Datum::Int32(_) | Datum::Int64(_))) => {
            i16::try_from(value.as_i64().ok()?).ok().map(Datum::Int16)
        }
        (Type::Int4, value @ (Datum::Int16(_) | Datum::Int64(_))) => {
            i32::try_from(value.as_i64().ok()?).ok().map(Datum::Int32)
        }
        (_, value) => Some(value),
    }
}

/// Columns of a key, by which rows are ordered.
pub(super) type Ordering = Vec<(usize, KeyOrder)>;

/// An index that would do.
struct Candidate<'t> {
    /// How much it fixes.
    score: usize,
    /// What it costs, if that is known.
    cost: Option<f64>,
    index: &'t Index,
    /// The conditions on what it computes, if it does.
    own: Option<Vec<Condition>>,
}

/// What a row that is fetched through its entry costs, in entries.
const FETCH_COST: f64 = 4.0;

/// What it costs to read by an index whose first columns are fixed, and the next bounded, in rows; by what
/// ANALYZE has found out.
fn cost(
    table: &Table,
    index: &Index,
    conditions: &[Condition],
    fixed: usize,
    has_all: bool,
) -> Option<f64> {
    let statistics = table.statistics.as_ref()?;
    let mut rows = statistics.indexes.get(&index.oid()).copied().unwrap_or(statistics.rows);
    for column in index.columns.iter().take(fixed + 1) {
        let of: Vec<&Condition> = conditions.iter().filter(|c| c.column == *column).collect();
        rows *= of_column(table, *column, &of);
    }
    Some(rows.max(1.0) * if has_all { 1.0 } else { FETCH_COST })
}

/// How a path is read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    /// The order of keys.
    pub direction: Direction,
    /// Whether the entries of a secondary index will do.
    pub entries: bool,
    /// Which of the rows, or entries if those will do, are used at all: serializable transactions are
    /// to know. A row that is reached through an entry has that, but not the entry, which does not say
    /// what is in the row.
    pub filter: Option<&'a Filter>,
}

/// What a scan finds.
pub(super) enum Found<'a> {
    /// A row's value.
    Row(&'a [u8]),
    /// An entry's key and value.
    Entry(&'a [u8], &'a [u8]),
}

/// Takes what is found.
pub(super) type Emit<'a> = dyn FnMut(Found<'_>) -> Result<Flow> + 'a;

/// Takes a key and its value.
type EmitPair<'a> = dyn FnMut(&[u8], &[u8]) -> Result<Flow> + 'a;

fn rowless() -> Error {
    Error::new(crate::error::SqlState::DataCorrupted, "index entry without a row")
}

/// Passes the rows on that have one of these keys, or whose entries of a secondary index have.
fn get_all(
    spans: Vec<Span>,
    secondary: Option<&Index>,
    filter: Option<&Filter>,
    frame: &Frame<'_>,
    emit: &mut Emit<'_>,
) -> Result<Flow> {
    let view = &frame.env.view;
    let of_keys = filter.filter(|_| secondary.is_none());
    let keys: Vec<Vec<u8>> = spans.into_iter().map(|span| span.start).collect();
    for some in keys.chunks(FETCH_BATCH) {
        frame.env.tick(FETCH_BATCH)?;
        let mut found: Vec<Vec<u8>> =
            view.multi_get_where(some, of_keys)?.into_iter().flatten().collect();
        if let Some(index) = secondary {
            let rows = found.iter().map(|entry| Ok(index.split_value(entry)?.0.to_vec()));
            let rows = view.multi_get_where(&rows.collect::<Result<Vec<_>>>()?, filter)?;
            found = rows.into_iter().map(|row| row.ok_or_else(rowless)).collect::<Result<_>>()?;
        }
        for row in &found {
            if emit(Found::Row(row))?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn scan(span: &Span, how: Reading<'_>, frame: &Frame<'_>, emit: &mut EmitPair<'_>) -> Result<Flow> {
    let mut result = Ok(ControlFlow::Continue(()));
    let mut count = 0usize;
    frame.env.view.scan_where(span, how.direction, how.filter, &mut |key, value| {
        count += 1;
        if count.is_multiple_of(CANCEL_CHECK_ROWS)
            && let Err(error) = frame.env.check_cancel()
        {
            result = Err(error);
            return ControlFlow::Break(());
        }
        result = emit(key, value);
        match &result {
            Ok(flow) => *flow,
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    frame.env.tick(count % CANCEL_CHECK_ROWS)?;
    result
}

/// Reads index entries in batches and fetches their rows.
fn scan_through(
    index: &Index,
    span: &Span,
    how: Reading<'_>,
    frame: &Frame<'_>,
    emit: &mut Emit<'_>,
) -> Result<Flow> {
    let direction = how.direction;
    let mut span = span.clone();
    let (mut batch, mut batches) = (0, ENTRY_BATCHES.into_iter());
    loop {
        frame.env.check_cancel()?;
        batch = batches.next().unwrap_or(batch);
        let mut keys: Vec<Vec<u8>> = Vec::new();
        let (mut last, mut failed) = (Vec::new(), None);
        frame.env.view.scan(&span, direction, &mut |key, value| {
            match index.split_value(value) {
                Ok((row_key, _)) => keys.push(row_key.to_vec()),
                Err(error) => {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
            }
            if keys.len() == batch {
                last = key.to_vec();
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        for some in keys.chunks(FETCH_BATCH) {
            frame.env.tick(FETCH_BATCH)?;
            for value in frame.env.view.multi_get_where(some, how.filter)? {
                if emit(Found::Row(&value.ok_or_else(rowless)?))?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        if keys.len() < batch {
            return Ok(ControlFlow::Continue(()));
        }
        match direction {
            Direction::Forward => {
                last.push(0);
                span.start = last;
            }
            Direction::Reverse => span.end = last,
        }
    }
}
