//! Joins: by index look-ups where one side has an index on its join columns, else by hashing
//! that side, or by trying all pairs.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::logical_expr::{Expr, Filter, Join as LogicalJoin, LogicalPlan, SubqueryAlias};

use super::compile::{Compiler, compile_all};
use super::expr::RowExpr;
use super::narrow::{self, Narrowing};
use super::profile::Lines;
use super::selectivity::rows_of;
use super::{Flow, Frame, Node, Row, Sink, passes};
use crate::binder::placeholder;
use crate::codec;
use crate::error::{Error, Result};
use crate::types::Datum;

/// A compiled join.
#[derive(Debug)]
pub(super) struct Join {
    pub(super) left: Box<Node>,
    pub(super) right: Box<Node>,
    right_width: usize,
    pub(super) left_width: usize,
    pub(super) join_type: JoinType,
    method: Method,
    /// Over the columns of left and right.
    filter: Vec<RowExpr>,
}

#[derive(Debug)]
enum Method {
    /// For each left row, its keys go to these slots and the right side is read by index.
    Index { keys: Vec<RowExpr>, slots: Vec<usize> },
    /// As `Index`, with the sides exchanged: for each right row.
    IndexSwapped { keys: Vec<RowExpr>, slots: Vec<usize> },
    /// The right side is held in memory, hashed by its keys.
    Hash {
        left: Vec<RowExpr>,
        right: Vec<RowExpr>,
        /// Whether NULL equals NULL, as set operations want it.
        null_safe: bool,
        /// Which side is asked for what the other one has.
        narrowing: Option<Narrowing>,
    },
}

pub(super) fn compile_join(compiler: &mut Compiler, join: &LogicalJoin) -> Result<Join> {
    if join.null_aware {
        return Err(Error::unsupported("this kind of join"));
    }
    let (lefts, rights): (Vec<Expr>, Vec<Expr>) = join.on.iter().cloned().unzip();
    let (left_schema, right_schema) = (join.left.schema(), join.right.schema());
    let both = left_schema.join(right_schema)?;
    let filter = match &join.filter {
        Some(filter) => vec![RowExpr::compile(filter, &both)?],
        None => Vec::new(),
    };
    let null_safe = join.null_equality == datafusion::common::NullEquality::NullEqualsNull;
    let indexable = !lefts.is_empty() && !null_safe;
    let mut method = None;
    let (mut left, mut right) = (None, None);
    let by_right = matches!(
        join.join_type,
        JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti
    );
    // Where both sides could be looked up, the one with fewer rows asks.
    let asks_right = indexable
        && join.join_type == JoinType::Inner
        && matches!((rows_of(&join.left), rows_of(&join.right)), (Some(l), Some(r)) if r * 2.0 < l);
    if asks_right {
        let slots: Vec<usize> = lefts.iter().map(|_| compiler.allocate_slot()).collect();
        if let Some(looked_up) = looked_up(compiler, &join.left, &lefts, &slots)? {
            left = Some(looked_up);
            method =
                Some(Method::IndexSwapped { keys: compile_all(&rights, right_schema)?, slots });
        }
    }
    if indexable && by_right && method.is_none() {
        let slots: Vec<usize> = rights.iter().map(|_| compiler.allocate_slot()).collect();
        if let Some(looked_up) = looked_up(compiler, &join.right, &rights, &slots)? {
            right = Some(looked_up);
            method = Some(Method::Index { keys: compile_all(&lefts, left_schema)?, slots });
        }
    }
    if indexable && !asks_right && method.is_none() && join.join_type == JoinType::Inner {
        let slots: Vec<usize> = lefts.iter().map(|_| compiler.allocate_slot()).collect();
        if let Some(looked_up) = looked_up(compiler, &join.left, &lefts, &slots)? {
            left = Some(looked_up);
            method =
                Some(Method::IndexSwapped { keys: compile_all(&rights, right_schema)?, slots });
        }
    }
    let scans_before = compiler.full_scans.len();
    let mut left = match left {
        Some(left) => left,
        None => compiler.node(&join.left)?,
    };
    let mut right = match right {
        Some(right) => right,
        None => compiler.node(&join.right)?,
    };
    let method = match method {
        Some(method) => method,
        None => {
            let left_keys = compile_all(&lefts, left_schema)?;
            let right_keys = compile_all(&rights, right_schema)?;
            // Where a table is read in full there are too many values to ask for.
            let narrowing = match indexable && compiler.full_scans.len() == scans_before {
                true => narrow::choose(
                    join.join_type,
                    (&mut left, &left_keys),
                    (&mut right, &right_keys),
                    &mut || compiler.allocate_slot(),
                ),
                false => None,
            };
            Method::Hash { left: left_keys, right: right_keys, null_safe, narrowing }
        }
    };
    Ok(Join {
        left: Box::new(left),
        right: Box::new(right),
        left_width: left_schema.fields().len(),
        right_width: right_schema.fields().len(),
        join_type: join.join_type,
        method,
        filter,
    })
}

/// The side compiled with its keys equal to the slots, if that makes it an index look-up.
fn looked_up(
    compiler: &mut Compiler,
    side: &LogicalPlan,
    keys: &[Expr],
    slots: &[usize],
) -> Result<Option<Node>> {
    let mut conditions = Vec::new();
    for (key, slot) in keys.iter().zip(slots) {
        use datafusion::logical_expr::ExprSchemable;
        let layout = key.get_type(side.schema())?;
        let value = placeholder(format!("$j{slot}"), layout);
        conditions.push(crate::binder::equals(key.clone(), value));
    }
    let Some(pushed) = push_conditions(side, conditions)? else { return Ok(None) };
    let scans_before = compiler.full_scans.len();
    let node = compiler.node(&pushed)?;
    let by_index = match scan_of(&node) {
        Some(scan) => scan.access.has_equality() && scan.hints.nestloop,
        None => false,
    };
    if !by_index {
        compiler.full_scans.truncate(scans_before);
        return Ok(None);
    }
    Ok(Some(node))
}

fn scan_of(node: &Node) -> Option<&super::Scan> {
    match node {
        Node::Scan(scan) => Some(scan),
        Node::Filter { input, .. } | Node::Project { input, .. } => scan_of(input),
        _ => None,
    }
}

/// Moves conditions over the output of `plan` down into its scan.
fn push_conditions(plan: &LogicalPlan, conditions: Vec<Expr>) -> Result<Option<LogicalPlan>> {
    use datafusion::common::tree_node::{Transformed, TreeNode};
    let replaced = |conditions: Vec<Expr>, by: &dyn Fn(usize) -> Option<Expr>| {
        let schema = plan.schema();
        let conditions = conditions.into_iter().map(|condition| {
            let rewritten = condition.transform(|expr| match &expr {
                Expr::Column(column) => match schema.maybe_index_of_column(column).and_then(by) {
                    Some(inner) => Ok(Transformed::yes(inner)),
                    None => Ok(Transformed::no(expr)),
                },
                _ => Ok(Transformed::no(expr)),
            });
            Ok(rewritten?.data)
        });
        conditions.collect::<Result<Vec<Expr>>>()
    };
    Ok(match plan {
        LogicalPlan::TableScan(scan) => {
            let mut scan = scan.clone();
            if scan.fetch.is_some() {
                return Ok(None);
            }
            scan.filters.extend(conditions);
            Some(LogicalPlan::TableScan(scan))
        }
        LogicalPlan::Filter(filter) => {
            let Some(input) = push_conditions(&filter.input, conditions)? else { return Ok(None) };
            Some(LogicalPlan::Filter(Filter::try_new(filter.predicate.clone(), Arc::new(input))?))
        }
        LogicalPlan::Projection(projection) => {
            let conditions = replaced(conditions, &|index| {
                let mut expr = projection.expr.get(index)?;
                while let Expr::Alias(alias) = expr {
                    expr = &alias.expr;
                }
                Some(expr.clone())
            })?;
            let Some(input) = push_conditions(&projection.input, conditions)? else {
                return Ok(None);
            };
            let mut projection = projection.clone();
            projection.input = Arc::new(input);
            Some(LogicalPlan::Projection(projection))
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let inner = alias.input.schema().columns();
            let conditions =
                replaced(conditions, &|index| inner.get(index).cloned().map(Expr::Column))?;
            let Some(input) = push_conditions(&alias.input, conditions)? else { return Ok(None) };
            // What lies above names the columns by the alias.
            let alias = SubqueryAlias::try_new(Arc::new(input), alias.alias.clone())?;
            Some(LogicalPlan::SubqueryAlias(alias))
        }
        _ => None,
    })
}

fn joined(left: &[Datum], right: &[Datum]) -> Row {
    let mut row = Vec::with_capacity(left.len() + right.len());
    row.extend_from_slice(left);
    row.extend_from_slice(right);
    row
}

impl Join {
    pub(super) fn run(&self, frame: &Frame<'_>, sink: &mut Sink<'_>) -> Result<Flow> {
        match &self.method {
            Method::Index { keys, slots } => self.left.run(frame, &mut |left| {
                if !bind(keys, slots, &left, frame)? {
                    return self.unmatched_left(left, sink);
                }
                let mut found = false;
                let mut flow = ControlFlow::Continue(());
                let _ = self.right.run(frame, &mut |right| {
                    frame.env.tick(1)?;
                    let row = joined(&left, &right);
                    if !passes(&self.filter, &row, frame)? {
                        return Ok(ControlFlow::Continue(()));
                    }
                    found = true;
                    flow = match self.join_type {
                        JoinType::Inner | JoinType::Left => sink(row)?,
                        _ => ControlFlow::Break(()),
                    };
                    Ok(flow)
                })?;
                match self.join_type {
                    JoinType::Inner | JoinType::Left if found => Ok(flow),
                    JoinType::LeftSemi if found => sink(left),
                    _ if found => Ok(ControlFlow::Continue(())),
                    _ => self.unmatched_left(left, sink),
                }
            }),
            Method::IndexSwapped { keys, slots } => self.right.run(frame, &mut |right| {
                if !bind(keys, slots, &right, frame)? {
                    return Ok(ControlFlow::Continue(()));
                }
                self.left.run(frame, &mut |left| {
                    frame.env.tick(1)?;
                    let row = joined(&left, &right);
                    match passes(&self.filter, &row, frame)? {
                        true => sink(row),
                        false => Ok(ControlFlow::Continue(())),
                    }
                })
            }),
            Method::Hash { left, right, null_safe, narrowing } => {
                let key = |keys: &[RowExpr], row: &[Datum]| key_of(keys, row, frame, *null_safe);
                let (left_key, right_key) =
                    (|row: &[Datum]| key(left, row), |row: &[Datum]| key(right, row));
                let read_left = |sink: &mut Sink<'_>| self.left.run(frame, sink);
                match narrowing {
                    None => self.run_hash(read_left, left_key, right_key, |_| Ok(()), frame, sink),
                    Some(Narrowing::RightFirst(asked)) => {
                        let put = |rows: &[Row]| narrow::put(asked, right, rows, frame);
                        self.run_hash(read_left, left_key, right_key, put, frame, sink)
                    }
                    Some(Narrowing::LeftFirst(asked)) => {
                        let mut lefts = Vec::new();
                        let _ = self.left.run(frame, &mut |row| {
                            lefts.push(row);
                            Ok(ControlFlow::Continue(()))
                        })?;
                        narrow::put(asked, left, &lefts, frame)?;
                        let read_left = |sink: &mut Sink<'_>| {
                            for row in lefts {
                                if sink(row)?.is_break() {
                                    return Ok(ControlFlow::Break(()));
                                }
                            }
                            Ok(ControlFlow::Continue(()))
                        };
                        self.run_hash(read_left, left_key, right_key, |_| Ok(()), frame, sink)
                    }
                }
            }
        }
    }

    fn unmatched_left(&self, left: Row, sink: &mut Sink<'_>) -> Result<Flow> {
        match self.join_type {
            JoinType::LeftAnti => sink(left),
            JoinType::Left | JoinType::Full => {
                let mut row = left;
                row.resize(self.left_width + self.right_width, Datum::Null);
                sink(row)
            }
            _ => Ok(ControlFlow::Continue(())),
        }
    }

    fn run_hash(
        &self,
        read_left: impl FnOnce(&mut Sink<'_>) -> Result<Flow>,
        left_key: impl Fn(&[Datum]) -> Result<Option<Vec<u8>>>,
        right_key: impl Fn(&[Datum]) -> Result<Option<Vec<u8>>>,
        right_is_read: impl FnOnce(&[Row]) -> Result<()>,
        frame: &Frame<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<Flow> {
        let mut rights: Vec<Row> = Vec::new();
        let mut table: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        let _ = self.right.run(frame, &mut |row| {
            if let Some(key) = right_key(&row)? {
                table.entry(key).or_default().push(rights.len());
            }
            rights.push(row);
            Ok(ControlFlow::Continue(()))
        })?;
        right_is_read(&rights)?;
        let mut matched = vec![false; rights.len()];
        let flow = read_left(&mut |left| {
            let candidates = match left_key(&left)? {
                Some(key) => table.get(&key).map_or(&[][..], Vec::as_slice),
                None => &[],
            };
            let mut found = false;
            for index in candidates {
                let Some(right) = rights.get(*index) else { continue };
                frame.env.tick(1)?;
                let row = joined(&left, right);
                if !passes(&self.filter, &row, frame)? {
                    continue;
                }
                found = true;
                if let Some(flag) = matched.get_mut(*index) {
                    *flag = true;
                }
                match self.join_type {
                    JoinType::LeftSemi => return sink(left),
                    JoinType::LeftAnti => return Ok(ControlFlow::Continue(())),
                    JoinType::RightSemi | JoinType::RightAnti => {}
                    _ => {
                        if sink(row)?.is_break() {
                            return Ok(ControlFlow::Break(()));
                        }
                    }
                }
            }
            if found { Ok(ControlFlow::Continue(())) } else { self.unmatched_left(left, sink) }
        })?;
        if flow.is_break() {
            return Ok(flow);
        }
        for (right, matched) in rights.into_iter().zip(matched) {
            let row = match (self.join_type, matched) {
                (JoinType::Right | JoinType::Full, false) => {
                    joined(&vec![Datum::Null; self.left_width], &right)
                }
                (JoinType::RightSemi, true) | (JoinType::RightAnti, false) => right,
                _ => continue,
            };
            if sink(row)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    pub(super) fn explain(&self, depth: usize, lines: &mut Lines<'_>) {
        let indent = if depth == 0 { String::new() } else { "  ".repeat(depth) + "->  " };
        let method = match &self.method {
            Method::Index { .. } | Method::IndexSwapped { .. } => "Index Nested Loop",
            Method::Hash { left, .. } if left.is_empty() => "Nested Loop",
            Method::Hash { .. } => "Hash",
        };
        lines.push(format!("{indent}{method} {} Join", self.join_type));
        self.left.explain(depth + 1, lines);
        self.right.explain(depth + 1, lines);
    }
}

/// Puts the keys into their slots; false if one is NULL, which equals nothing.
fn bind(keys: &[RowExpr], slots: &[usize], row: &[Datum], frame: &Frame<'_>) -> Result<bool> {
    for (key, slot) in keys.iter().zip(slots) {
        let value = key.eval(row, frame)?;
        if value.is_null() {
            return Ok(false);
        }
        frame.set_joined(*slot, value);
    }
    Ok(true)
}

/// The hash key of a row; `None` if a key is NULL, unless NULL equals NULL.
fn key_of(
    keys: &[RowExpr],
    row: &[Datum],
    frame: &Frame<'_>,
    null_safe: bool,
) -> Result<Option<Vec<u8>>> {
    let mut encoded = Vec::new();
    for key in keys {
        let value = key.eval(row, frame)?;
        if value.is_null() && !null_safe {
            return Ok(None);
        }
        codec::encode_datum(&value, &mut encoded);
    }
    Ok(Some(encoded))
}
