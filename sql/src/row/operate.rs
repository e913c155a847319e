//! The [operators](crate::operator) that DataFusion lacks.

use std::ops::ControlFlow;

use datafusion::logical_expr::Expr;

use super::compile::{Compiler, compile_all, compile_subplan};
use super::expr::RowExpr;
use super::profile::Lines;
use super::sets::Calls;
use super::window::WindowPlan;
use super::{Flow, Frame, Node, Row, RowPlan, Sink, count_of};
use crate::error::{Error, Result, SqlState};
use crate::operator::{Kind, Operator, Ties};
use crate::types::Datum;

/// Whether two keys are the same, NULL like any value.
fn same(a: &[Datum], b: &[Datum]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.compare(b).is_eq())
}

/// A compiled operator.
#[derive(Debug)]
pub(super) struct Operate {
    input: Box<Node>,
    work: Work,
}

#[derive(Debug)]
enum Work {
    Apply {
        args: Vec<RowExpr>,
        slots: Vec<usize>,
        right: Box<RowPlan>,
        right_width: usize,
        outer: bool,
    },
    ProjectSet(Calls),
    DistinctOn(Vec<RowExpr>),
    Window(Box<WindowPlan>),
    Expand {
        keys: Vec<RowExpr>,
        sets: Vec<Vec<usize>>,
        width: usize,
    },
    Ties {
        skip: Option<RowExpr>,
        fetch: Option<RowExpr>,
        keys: Vec<RowExpr>,
    },
}

impl Compiler {
    /// Compiles an operator, its input if that is not given.
    pub(super) fn operator(&mut self, operator: &Operator, input: Option<Node>) -> Result<Node> {
        let input = match input {
            Some(input) => input,
            None => self.node(&operator.input)?,
        };
        let schema = operator.input.schema();
        let work = match &operator.kind {
            Kind::Apply(apply) => {
                let right = compile_subplan(&apply.right.plan)?;
                self.reads_as_well(&right);
                Work::Apply {
                    args: compile_all(&apply.args, schema)?,
                    slots: apply.right.slots.clone(),
                    right: Box::new(right),
                    right_width: apply.right.plan.schema().fields().len(),
                    outer: apply.outer,
                }
            }
            Kind::ProjectSet(project) => {
                let calls = Calls::compile(&project.calls, false, schema)?;
                self.generates |= calls.is_unbounded();
                Work::ProjectSet(calls)
            }
            Kind::Window(window) => {
                let compile = |expr: &Expr| RowExpr::compile(expr, schema);
                Work::Window(Box::new(WindowPlan::compile(window, &compile)?))
            }
            Kind::Expand(expand) => Work::Expand {
                keys: compile_all(&expand.keys, schema)?,
                sets: expand.sets.clone(),
                width: schema.fields().len(),
            },
            Kind::DistinctOn(keys) => Work::DistinctOn(compile_all(keys, schema)?),
            Kind::Ties(ties) => {
                let Ties { skip, fetch, keys } = &**ties;
                Work::Ties {
                    skip: skip.as_ref().map(|skip| RowExpr::compile(skip, schema)).transpose()?,
                    fetch: Some(RowExpr::compile(fetch, schema)?),
                    keys: compile_all(keys, schema)?,
                }
            }
        };
        Ok(Node::Operate(Box::new(Operate { input: Box::new(input), work })))
    }
}

impl Operate {
    pub(super) fn run(&self, frame: &Frame<'_>, sink: &mut Sink<'_>) -> Result<Flow> {
        match &self.work {
            Work::Apply { args, slots, right, right_width, outer } => {
                let mut env = frame.env.clone();
                self.input.run(frame, &mut |row| {
                    for (slot, arg) in slots.iter().zip(args) {
                        env.set_outer(*slot, arg.eval(&row, frame)?);
                    }
                    frame.env.check_cancel()?;
                    let mut found = false;
                    let mut flow = ControlFlow::Continue(());
                    right.run(&env, &mut |mut other| {
                        found = true;
                        let mut joined = Vec::with_capacity(row.len() + other.len());
                        joined.extend_from_slice(&row);
                        joined.append(&mut other);
                        flow = sink(joined)?;
                        Ok(flow)
                    })?;
                    if *outer && !found {
                        let mut joined = row;
                        joined.resize(joined.len() + right_width, Datum::Null);
                        flow = sink(joined)?;
                    }
                    Ok(flow)
                })
            }
            Work::ProjectSet(calls) => self.input.run(frame, &mut |row| {
                calls.run(&row, frame, &mut |mut values| {
                    let mut joined = Vec::with_capacity(row.len() + values.len());
                    joined.extend_from_slice(&row);
                    joined.append(&mut values);
                    sink(joined)
                })
            }),
            Work::Window(window) => window.run(&self.input, frame, sink),
            Work::Expand { keys, sets, width } => {
                let marks = sets.iter().any(Vec::is_empty);
                let expanded = |row: &[Datum], values: &[Datum], number: usize, live: bool| {
                    let set = sets.get(number).map(Vec::as_slice).unwrap_or_default();
                    let mut row = row.to_vec();
                    row.extend(values.iter().enumerate().map(|(place, value)| {
                        match set.contains(&place) {
                            true => value.clone(),
                            false => Datum::Null,
                        }
                    }));
                    row.push(Datum::Int32(number as i32));
                    if marks {
                        row.push(Datum::Bool(live));
                    }
                    row
                };
                let flow = self.input.run(frame, &mut |row| {
                    let values = keys.iter().map(|key| key.eval(&row, frame));
                    let values = values.collect::<Result<Row>>()?;
                    for number in 0..sets.len() {
                        if sink(expanded(&row, &values, number, true))?.is_break() {
                            return Ok(ControlFlow::Break(()));
                        }
                    }
                    Ok(ControlFlow::Continue(()))
                })?;
                if flow.is_break() {
                    return Ok(flow);
                }
                let nothing = vec![Datum::Null; *width];
                let values = vec![Datum::Null; keys.len()];
                for number in (0..sets.len()).filter(|n| sets.get(*n).is_some_and(Vec::is_empty)) {
                    if sink(expanded(&nothing, &values, number, false))?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(ControlFlow::Continue(()))
            }
            Work::DistinctOn(keys) => {
                let mut last: Option<Row> = None;
                self.input.run(frame, &mut |row| {
                    let key =
                        keys.iter().map(|key| key.eval(&row, frame)).collect::<Result<Row>>()?;
                    if last.as_ref().is_some_and(|last| same(last, &key)) {
                        return Ok(ControlFlow::Continue(()));
                    }
                    last = Some(key);
                    sink(row)
                })
            }
            Work::Ties { skip, fetch, keys } => {
                let mut skip = count_of(skip, frame, "OFFSET")?.unwrap_or(0);
                let mut left = count_of(fetch, frame, "LIMIT")?.ok_or_else(|| {
                    Error::new(
                        SqlState::InvalidRowCountInLimitClause,
                        "row count cannot be null in FETCH FIRST ... WITH TIES clause",
                    )
                })?;
                if left == 0 {
                    return Ok(ControlFlow::Continue(()));
                }
                let mut last: Option<Row> = None;
                let mut stopped_above = false;
                let _ = self.input.run(frame, &mut |row| {
                    if skip > 0 {
                        skip -= 1;
                        return Ok(ControlFlow::Continue(()));
                    }
                    if left <= 1 {
                        let key = keys.iter().map(|key| key.eval(&row, frame));
                        let key = key.collect::<Result<Row>>()?;
                        match &last {
                            Some(last) if !same(last, &key) => return Ok(ControlFlow::Break(())),
                            _ => last = Some(key),
                        }
                    }
                    left = left.saturating_sub(1);
                    let flow = sink(row)?;
                    stopped_above = flow.is_break();
                    Ok(flow)
                })?;
                Ok(if stopped_above { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            }
        }
    }

    fn explain_as(&self, name: &str, indent: &str, depth: usize, lines: &mut Lines<'_>) {
        lines.push(format!("{indent}{name}"));
        self.input.explain(depth + 1, lines);
    }

    pub(super) fn explain(&self, depth: usize, lines: &mut Lines<'_>) {
        let indent = if depth == 0 { String::new() } else { "  ".repeat(depth) + "->  " };
        match &self.work {
            Work::Apply { right, outer, .. } => {
                let kind = if *outer { "Left " } else { "" };
                lines.push(format!("{indent}Lateral {kind}Join"));
                self.input.explain(depth + 1, lines);
                right.root.explain(depth + 1, lines);
            }
            Work::ProjectSet(_) => self.explain_as("ProjectSet", &indent, depth, lines),
            Work::Expand { .. } => self.explain_as("GroupingSets", &indent, depth, lines),
            Work::Window(_) => self.explain_as("WindowAgg", &indent, depth, lines),
            Work::DistinctOn(_) => self.explain_as("Unique", &indent, depth, lines),
            Work::Ties { .. } => self.explain_as("Limit", &indent, depth, lines),
        }
    }
}
