//! The row executor: short reads and all changes, without Arrow.
//!
//! A [`RowPlan`] is compiled once from an optimized logical plan and kept with the cached
//! statement; parameters are bound at run time. Operators push rows into the one above them, so
//! a LIMIT stops everything below by returning `Break`, and nothing is buffered that need not be.

pub mod access;
pub mod advisory;
pub mod bulk;
pub mod common;
mod compile;
pub mod computed;
mod covering;
mod dependence;
pub mod describe;
pub mod event;
pub mod export;
pub mod expr;
mod frame;
pub mod guard;
mod implication;
mod join;
pub mod kept;
pub mod modify;
mod narrow;
mod operate;
mod order;
pub mod profile;
pub mod quantified;
pub mod raise;
pub mod reference;
pub mod rules;
mod selectivity;
pub mod sequence;
pub mod set_list;
mod sets;
pub mod setting;
pub mod sleep;
pub mod stateful;
mod subplan;
pub mod touched;
mod tracked;
pub mod tuple;
mod turn;
pub mod upsert;
mod window;

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cairn_txn::ReadView;
use cairn_txn::storage::{Direction, Span};

use crate::catalog::Table;
use crate::codec;
use crate::error::{Error, Result, SqlState};
use crate::functions::Context;
use crate::functions::aggregates::{Aggregate, SortKey, State, compare_key};
use crate::relation::{Common, Hints, WorkingTable};
use crate::system::{System, SystemRelation};
use crate::types::Datum;
use access::{Access, Found, Lookups, Reading};
use common::CommonProgram;
use covering::Covering;
use expr::{RowExpr, Scope};
use kept::Kept;
use profile::{Detail, Lines};

pub use subplan::evaluate as evaluate_subplan;
use tracked::TrackedFilter;
pub use turn::statement_timeout;

/// A row in flight.
pub type Row = Vec<Datum>;
/// Whether an operator wants more.
pub type Flow = ControlFlow<()>;
/// Where rows go.
pub type Sink<'a> = dyn FnMut(Row) -> Result<Flow> + 'a;

/// Rows between two looks at the cancel flag.
const CANCEL_CHECK_ROWS: usize = 256;
/// Full scans of more rows than this are left to the vectorized executor.
pub const SHORT_SCAN_ROWS: u64 = 2000;

/// Everything an execution reads from.
#[derive(Clone)]
pub struct Env {
    /// The snapshot with the transaction's own writes.
    pub view: ReadView,
    /// Parameters of the client.
    pub params: Arc<Vec<Datum>>,
    /// The transaction's start, as a timestamptz.
    pub now: i64,
    /// What does not change from statement to statement.
    pub surroundings: Arc<Surroundings>,
    /// Columns of outer queries, by slot.
    pub outer: Vec<Datum>,
    /// Working tables of the WITH queries that recur around, by their numbers.
    pub working: Vec<(usize, Arc<Vec<Row>>)>,
    /// Changes with `outer` and `working`.
    pub epoch: u64,
    /// What is kept until the end.
    pub kept: Arc<Kept>,
    /// What those parts of the statement have returned that change rows, as far as they have run.
    pub changed: Vec<Arc<Vec<Row>>>,
    /// Set when the client asks to stop.
    pub cancel: Arc<AtomicBool>,
}

/// What the statements of a session find around them.
pub struct Surroundings {
    /// The time zone's name.
    pub zone: Datum,
    /// What the text of values depends on.
    pub style: Datum,
    /// The session's number.
    pub session: Datum,
    /// What system relations tell of.
    pub system: System,
}

impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Env").field("at", &self.view.at()).finish()
    }
}

impl Env {
    /// The value of a [`Context`].
    pub fn context(&self, context: Context) -> Datum {
        match context {
            Context::Zone => self.surroundings.zone.clone(),
            Context::Now => Datum::Int64(self.now),
            Context::Style => self.surroundings.style.clone(),
            Context::Session => self.surroundings.session.clone(),
        }
    }

    /// Sets a column of an outer query.
    pub(crate) fn set_outer(&mut self, slot: usize, value: Datum) {
        if self.outer.len() <= slot {
            self.outer.resize(slot + 1, Datum::Null);
        }
        if let Some(place) = self.outer.get_mut(slot) {
            *place = value;
        }
        self.epoch = self.kept.next_epoch();
    }

    /// Sets a working table.
    pub(crate) fn set_working(&mut self, id: usize, rows: Arc<Vec<Row>>) {
        match self.working.iter_mut().find(|(other, _)| *other == id) {
            Some((_, place)) => *place = rows,
            None => self.working.push((id, rows)),
        }
        self.epoch = self.kept.next_epoch();
    }
}

/// The error of a statement that was asked to stop.
pub fn canceled() -> Error {
    Error::new(SqlState::QueryCanceled, "canceling statement due to user request")
}

/// One run of a plan: its environment, and what its joins look up at the moment.
pub struct Frame<'a> {
    /// What does not change.
    pub env: &'a Env,
    joined: RefCell<Vec<Datum>>,
    /// The part of the table that a full scan reads.
    part: Option<&'a Span>,
    /// Gives the rows of [`Node::Feed`], once.
    feed: RefCell<Option<Feed<'a>>>,
    kept: quantified::Kept,
    /// By slot, what system relations are asked for.
    narrowed: RefCell<Vec<(usize, Vec<Datum>)>>,
}

/// Gives rows to a run.
pub type Feed<'a> = Box<dyn FnOnce(&mut Sink<'_>) -> Result<Flow> + Send + 'a>;

impl<'a> Frame<'a> {
    /// A run in `env`.
    pub fn new(env: &'a Env) -> Frame<'a> {
        Frame {
            env,
            joined: RefCell::default(),
            part: None,
            feed: RefCell::default(),
            kept: RefCell::default(),
            narrowed: RefCell::default(),
        }
    }

    fn feed(&self, sink: &mut Sink<'_>) -> Result<Flow> {
        let feed = self.feed.take();
        feed.ok_or_else(|| Error::internal("a plan has nothing to be fed with"))?(sink)
    }

    fn set_joined(&self, slot: usize, value: Datum) {
        let mut joined = self.joined.borrow_mut();
        if joined.len() <= slot {
            joined.resize(slot + 1, Datum::Null);
        }
        if let Some(place) = joined.get_mut(slot) {
            *place = value;
        }
    }
}

/// A compiled plan.
#[derive(Debug)]
pub struct RowPlan {
    root: Node,
    /// The tables read in full: their sizes decide between the executors.
    full_scans: Vec<Span>,
    /// Whether rows are generated, nobody knows how many.
    generates: bool,
    /// Whether some scan would use a partial index for some values of parameters.
    hinges: bool,
    /// Whether columns of a query around it occur in it; settled once, as it is asked per row.
    uses_outer: bool,
}

/// A scan of a table.
#[derive(Debug)]
struct Scan {
    table: Arc<Table>,
    access: Access,
    hints: Hints,
    /// About how many rows it gives, if that is known.
    estimate: Option<f64>,
    /// Columns to decode: rising.
    needed: Vec<usize>,
    /// Positions within `needed` that go up.
    output: Vec<usize>,
    /// Over `needed`.
    filter: Vec<RowExpr>,
    /// What serializable transactions are to know of it.
    tracked: Option<Arc<TrackedFilter>>,
    direction: Direction,
    /// If the entries of its index have all that is needed.
    covering: Option<Covering>,
}

#[derive(Debug)]
enum Node {
    Scan(Box<Scan>),
    Functions {
        calls: sets::Calls,
        filter: Vec<RowExpr>,
        output: Vec<usize>,
    },
    Common {
        common: Arc<Common>,
        program: Arc<CommonProgram>,
        filter: Vec<RowExpr>,
        output: Vec<usize>,
    },
    /// What the recursive term of a WITH query reads of that query.
    Working {
        table: Arc<WorkingTable>,
        filter: Vec<RowExpr>,
        output: Vec<usize>,
    },
    Operate(Box<operate::Operate>),
    /// What somebody else feeds this run with.
    Feed,
    System {
        relation: &'static SystemRelation,
        lookups: Lookups,
        /// Columns, and slots of values that a join has for them.
        narrowed: Vec<(usize, usize)>,
        filter: Vec<RowExpr>,
        output: Vec<usize>,
    },
    /// What a part of the statement has returned.
    Changed {
        part: usize,
        filter: Vec<RowExpr>,
        output: Vec<usize>,
    },
    Filter {
        input: Box<Node>,
        predicate: RowExpr,
    },
    Project {
        input: Box<Node>,
        exprs: Vec<RowExpr>,
    },
    Limit {
        input: Box<Node>,
        skip: Option<RowExpr>,
        fetch: Option<RowExpr>,
    },
    Sort {
        input: Box<Node>,
        keys: Vec<(RowExpr, SortKey)>,
        fetch: Option<usize>,
    },
    Aggregate {
        input: Box<Node>,
        groups: Vec<RowExpr>,
        calls: Vec<AggregateCall>,
        /// Whether the first value that is not NULL settles it: MIN or MAX over rows in order.
        first: bool,
    },
    Join(join::Join),
    Union {
        inputs: Vec<Node>,
    },
    Values {
        rows: Vec<Vec<RowExpr>>,
    },
}

#[derive(Debug)]
struct AggregateCall {
    aggregate: Aggregate,
    args: Vec<RowExpr>,
    filter: Option<RowExpr>,
}

impl RowPlan {
    /// Runs the plan into `sink`.
    pub fn run(&self, env: &Env, sink: &mut Sink<'_>) -> Result<()> {
        let frame = Frame::new(env);
        self.root.run(&frame, sink).map(|_| ())
    }

    /// Runs a plan that is one full scan over a part of its table.
    pub fn run_part(&self, env: &Env, part: Option<&Span>, sink: &mut Sink<'_>) -> Result<()> {
        let frame = Frame { part, ..Frame::new(env) };
        self.root.run(&frame, sink).map(|_| ())
    }

    /// Runs a plan that gets rows from elsewhere.
    pub fn run_fed(&self, env: &Env, feed: Feed<'_>, sink: &mut Sink<'_>) -> Result<()> {
        let frame = Frame { feed: RefCell::new(Some(feed)), ..Frame::new(env) };
        self.root.run(&frame, sink).map(|_| ())
    }

    /// Whether the plan is a scan that reads its whole table.
    pub fn is_full_scan(&self) -> bool {
        matches!(&self.root, Node::Scan(scan) if scan.access.index.is_none())
    }

    /// All rows.
    pub fn collect(&self, env: &Env) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        self.collect_into(env, &mut rows)?;
        Ok(rows)
    }

    /// All rows, read where connections are served; on an error those that came before it.
    pub fn collect_into(&self, env: &Env, rows: &mut Vec<Row>) -> Result<()> {
        self.run_here(env, &mut |row| {
            rows.push(row);
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Whether no scan is long: then this executor is the faster one.
    pub fn is_short(&self, view: &ReadView) -> bool {
        !self.generates
            && self.full_scans.iter().all(|span| view.estimate(span).1 <= SHORT_SCAN_ROWS)
    }

    /// Whether another plan may be better for some values of the client's parameters.
    pub fn hinges_on_parameters(&self) -> bool {
        self.hinges
    }

    /// The plan for people, a line an operator.
    pub fn explain(&self, detail: Detail<'_>) -> Vec<String> {
        let mut lines = Lines { text: Vec::new(), detail };
        self.root.explain(0, &mut lines);
        lines.text
    }
}

/// Passes a row that others read as well on to `sink`, if it passes the filter.
fn kept(
    row: &Row,
    filter: &[RowExpr],
    output: &[usize],
    frame: &Frame<'_>,
    sink: &mut Sink<'_>,
) -> Result<Flow> {
    if !passes(filter, row, frame)? {
        return Ok(ControlFlow::Continue(()));
    }
    sink(output.iter().filter_map(|i| row.get(*i).cloned()).collect())
}

fn passes<S: Scope>(filter: &[RowExpr], row: &[Datum], frame: &S) -> Result<bool> {
    for condition in filter {
        if !condition.eval(row, frame)?.is_true() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The value of LIMIT or OFFSET, as `what` calls it; `None` for NULL.
pub(crate) fn count_of(
    expr: &Option<RowExpr>,
    frame: &Frame<'_>,
    what: &str,
) -> Result<Option<usize>> {
    let Some(expr) = expr else { return Ok(None) };
    let value = expr.eval(&[], frame)?;
    if value.is_null() {
        return Ok(None);
    }
    usize::try_from(value.as_i64()?).map(Some).map_err(|_| {
        let state = match what {
            "LIMIT" => SqlState::InvalidRowCountInLimitClause,
            _ => SqlState::InvalidRowCountInResultOffsetClause,
        };
        Error::new(state, format!("{what} must not be negative"))
    })
}

impl Node {
    fn run(&self, frame: &Frame<'_>, sink: &mut Sink<'_>) -> Result<Flow> {
        match &frame.env.kept.profile {
            None => self.run_plain(frame, sink),
            Some(profile) => profile.run(self, frame, sink),
        }
    }

    fn run_plain(&self, frame: &Frame<'_>, sink: &mut Sink<'_>) -> Result<Flow> {
        match self {
            Node::Scan(scan) => scan.run(frame, sink),
            Node::Functions { calls, filter, output } => {
                calls.run(&[], frame, &mut |row| match passes(filter, &row, frame)? {
                    true if output.len() == row.len() => sink(row),
                    true => sink(output.iter().filter_map(|i| row.get(*i).cloned()).collect()),
                    false => Ok(ControlFlow::Continue(())),
                })
            }
            Node::Common { common, program, filter, output } => {
                program.read(common, frame.env, &mut |row| kept(row, filter, output, frame, sink))
            }
            Node::Working { table, filter, output } => {
                let rows = frame.env.working.iter().find(|(id, _)| *id == table.id);
                let (_, rows) =
                    rows.ok_or_else(|| Error::internal("a working table outside of its query"))?;
                for (index, row) in rows.iter().enumerate() {
                    if index.is_multiple_of(CANCEL_CHECK_ROWS) {
                        frame.env.check_cancel()?;
                    }
                    if kept(row, filter, output, frame, sink)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(ControlFlow::Continue(()))
            }
            Node::Operate(operate) => operate.run(frame, sink),
            Node::Feed => frame.feed(sink),
            Node::System { relation, lookups, narrowed, filter, output } => {
                let mut wanted = lookups.eval(frame)?;
                wanted.extend(
                    narrowed.iter().filter_map(|(column, slot)| {
                        Some((*column, narrow::values(*slot, frame)?))
                    }),
                );
                for row in relation.rows(&frame.env.surroundings.system, &wanted)? {
                    frame.env.tick(1)?;
                    if passes(filter, &row, frame)? {
                        let row = output.iter().filter_map(|i| row.get(*i).cloned()).collect();
                        if sink(row)?.is_break() {
                            return Ok(ControlFlow::Break(()));
                        }
                    }
                }
                Ok(ControlFlow::Continue(()))
            }
            Node::Changed { part, filter, output } => {
                let rows = frame.env.changed.get(*part);
                let rows = rows.ok_or_else(|| Error::internal("a part that has not run"))?;
                for row in rows.iter() {
                    frame.env.tick(1)?;
                    if passes(filter, row, frame)? {
                        let row = output.iter().filter_map(|i| row.get(*i).cloned()).collect();
                        if sink(row)?.is_break() {
                            return Ok(ControlFlow::Break(()));
                        }
                    }
                }
                Ok(ControlFlow::Continue(()))
            }
            Node::Filter { input, predicate } => {
                input.run(frame, &mut |row| match predicate.eval(&row, frame)?.is_true() {
                    true => sink(row),
                    false => Ok(ControlFlow::Continue(())),
                })
            }
            Node::Project { input, exprs } => input.run(frame, &mut |row| {
                let projected = exprs.iter().map(|expr| expr.eval(&row, frame));
                sink(projected.collect::<Result<Row>>()?)
            }),
            Node::Limit { input, skip, fetch } => {
                let mut skip = count_of(skip, frame, "OFFSET")?.unwrap_or(0);
                let mut left = count_of(fetch, frame, "LIMIT")?.unwrap_or(usize::MAX);
                if left == 0 {
                    return Ok(ControlFlow::Continue(()));
                }
                let mut stopped_above = false;
                let _ = input.run(frame, &mut |row| {
                    if skip > 0 {
                        skip -= 1;
                        return Ok(ControlFlow::Continue(()));
                    }
                    left -= 1;
                    if sink(row)?.is_break() {
                        stopped_above = true;
                        return Ok(ControlFlow::Break(()));
                    }
                    Ok(if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
                })?;
                Ok(if stopped_above { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            }
            Node::Sort { input, keys, fetch } => {
                let mut rows: Vec<(Row, Row)> = Vec::new();
                let _ = input.run(frame, &mut |row| {
                    let key = keys.iter().map(|(expr, _)| expr.eval(&row, frame));
                    rows.push((key.collect::<Result<_>>()?, row));
                    Ok(ControlFlow::Continue(()))
                })?;
                rows.sort_by(|(a, _), (b, _)| {
                    let orders = keys.iter().enumerate();
                    let mut orders =
                        orders.map(|(i, (_, key))| compare_key(key, a.get(i), b.get(i)));
                    orders.find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
                });
                for (_, row) in rows.into_iter().take(fetch.unwrap_or(usize::MAX)) {
                    if sink(row)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(ControlFlow::Continue(()))
            }
            Node::Aggregate { input, groups, calls, first } => {
                aggregate(input, groups, calls, *first, frame, sink)
            }
            Node::Join(join) => join.run(frame, sink),
            Node::Union { inputs } => {
                for input in inputs {
                    if input.run(frame, sink)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(ControlFlow::Continue(()))
            }
            Node::Values { rows } => {
                for row in rows {
                    let row = row.iter().map(|expr| expr.eval(&[], frame));
                    if sink(row.collect::<Result<Row>>()?)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(ControlFlow::Continue(()))
            }
        }
    }

    fn explain(&self, depth: usize, lines: &mut Lines<'_>) {
        let at = lines.text.len();
        self.explain_plain(depth, lines);
        // What is computed of the rows below has no line of its own.
        if matches!(self, Node::Project { .. }) {
            return;
        }
        if let Some(profile) = lines.detail.profile {
            lines.append(at, &profile.of(self));
        }
    }

    fn explain_plain(&self, depth: usize, lines: &mut Lines<'_>) {
        let indent = if depth == 0 { String::new() } else { "  ".repeat(depth) + "->  " };
        let Detail { costs, verbose, .. } = lines.detail;
        let mut line = |text: String| lines.push(format!("{indent}{text}"));
        match self {
            Node::Scan(scan) => {
                let backward = match scan.direction {
                    Direction::Forward => "",
                    Direction::Reverse => " Backward",
                };
                let mut text = scan.access.describe(&scan.table, backward, scan.covering.is_some());
                if let Some(rows) = scan.estimate.filter(|_| costs) {
                    text.push_str(&format!(" (rows={rows:.0})"));
                }
                line(text);
                if verbose {
                    let columns = scan.output.iter().filter_map(|at| scan.needed.get(*at));
                    let columns = columns.filter_map(|at| scan.table.columns.get(*at));
                    let names: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
                    lines.push(format!("{}Output: {}", "  ".repeat(depth + 2), names.join(", ")));
                }
                if !scan.filter.is_empty() {
                    lines.push(format!("{}Filters: {}", "  ".repeat(depth + 2), scan.filter.len()));
                }
            }
            Node::Functions { calls, .. } => line(format!("Function Scan on {}", calls.names())),
            Node::Common { common, program, .. } => {
                line(format!("CTE Scan on {}", common.name));
                if let Some(recursion) = &program.recursion {
                    lines.push(format!("{}->  Recursive Union", "  ".repeat(depth + 1)));
                    program.plan.root.explain(depth + 2, lines);
                    recursion.term.root.explain(depth + 2, lines);
                } else {
                    program.plan.root.explain(depth + 1, lines);
                }
            }
            Node::Working { table, .. } => line(format!("WorkTable Scan on {}", table.name)),
            Node::Operate(operate) => operate.explain(depth, lines),
            Node::Feed => line("Feed".into()),
            Node::System { relation, .. } => line(format!("System Scan on {relation:?}")),
            Node::Changed { part, .. } => line(format!("CTE Scan on part {}", part + 1)),
            Node::Filter { input, .. } => {
                line("Filter".into());
                input.explain(depth + 1, lines);
            }
            Node::Project { input, .. } => input.explain(depth, lines),
            Node::Limit { input, .. } => {
                line("Limit".into());
                input.explain(depth + 1, lines);
            }
            Node::Sort { input, .. } => {
                line("Sort".into());
                input.explain(depth + 1, lines);
            }
            Node::Aggregate { input, groups, first, .. } => {
                line(match (groups.is_empty(), first) {
                    (_, true) => "First".into(),
                    (true, _) => "Aggregate".into(),
                    (false, _) => "HashAggregate".into(),
                });
                input.explain(depth + 1, lines);
            }
            Node::Join(join) => join.explain(depth, lines),
            Node::Union { inputs } => {
                line("Append".into());
                for input in inputs {
                    input.explain(depth + 1, lines);
                }
            }
            Node::Values { rows } if rows.len() == 1 => line("Result".into()),
            Node::Values { .. } => line("Values Scan".into()),
        }
    }
}

fn aggregate(
    input: &Node,
    groups: &[RowExpr],
    calls: &[AggregateCall],
    first: bool,
    frame: &Frame<'_>,
    sink: &mut Sink<'_>,
) -> Result<Flow> {
    let start = || calls.iter().map(|call| call.aggregate.start()).collect::<Vec<State>>();
    let mut index: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut states: Vec<(Row, Vec<State>)> = Vec::new();
    if groups.is_empty() {
        states.push((Vec::new(), start()));
    }
    let _ = input.run(frame, &mut |row| {
        let at = if groups.is_empty() {
            0
        } else {
            let key =
                groups.iter().map(|group| group.eval(&row, frame)).collect::<Result<Row>>()?;
            let encoded = codec::encode_row(&key);
            match index.get(&encoded) {
                Some(at) => *at,
                None => {
                    index.insert(encoded, states.len());
                    states.push((key, start()));
                    states.len() - 1
                }
            }
        };
        if let Some((_, states)) = states.get_mut(at) {
            for (call, state) in calls.iter().zip(states) {
                if let Some(filter) = &call.filter
                    && !filter.eval(&row, frame)?.is_true()
                {
                    continue;
                }
                let args = call.args.iter().map(|arg| arg.eval(&row, frame));
                let args = args.collect::<Result<Row>>()?;
                state.update(&args)?;
                if first && args.iter().any(|value| !value.is_null()) {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    for (mut row, states) in states {
        for state in &states {
            row.push(state.finish()?);
        }
        if sink(row)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

impl Scan {
    fn run(&self, frame: &Frame<'_>, sink: &mut Sink<'_>) -> Result<Flow> {
        let mut emit = |found: Found<'_>| -> Result<Flow> {
            let row = match (found, &self.covering) {
                (Found::Entry(entry, key), Some(covering)) => covering.row(entry, key)?,
                (Found::Entry(_, value) | Found::Row(value), _) => {
                    let mut row = Vec::with_capacity(self.needed.len());
                    self.table.decode_columns(value, &self.needed, &mut row)?;
                    row
                }
            };
            if !passes(&self.filter, &row, frame)? {
                return Ok(ControlFlow::Continue(()));
            }
            if self.output.len() == row.len() {
                return sink(row);
            }
            sink(self.output.iter().filter_map(|i| row.get(*i).cloned()).collect())
        };
        let tracked = match &self.tracked {
            Some(tracked) => frame.env.view.filter(|| tracked.bind(frame)),
            None => None,
        };
        let how = Reading {
            direction: self.direction,
            entries: self.covering.is_some(),
            filter: tracked.as_ref(),
        };
        self.access.read(&self.table, how, frame, &mut emit)
    }
}
