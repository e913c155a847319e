//! Window functions over sorted rows, a partition at a time.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};

use super::expr::RowExpr;
use super::frame::{FramePlan, Frames, Peers};
use super::{CANCEL_CHECK_ROWS, Flow, Frame, Node, Row, Sink};
use crate::error::{Error, Result, SqlState};
use crate::functions::aggregates::{Aggregate, State};
use crate::functions::windows::{Exclude, WindowFunction};
use crate::operator::Window;
use crate::types::{Datum, Numeric};

/// Compiled calls over one window.
#[derive(Debug)]
pub(super) struct WindowPlan {
    partition: Vec<RowExpr>,
    order: Vec<RowExpr>,
    frame: FramePlan,
    calls: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    function: WindowFunction,
    args: Vec<RowExpr>,
    filter: Option<RowExpr>,
}

/// A partition that is being read.
struct Partition {
    rows: Vec<Row>,
    peers: Peers,
}

fn eval_all(exprs: &[RowExpr], row: &[Datum], frame: &Frame<'_>) -> Result<Row> {
    exprs.iter().map(|expr| expr.eval(row, frame)).collect()
}

fn same(a: &[Datum], b: &[Datum]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.compare(b).is_eq())
}

impl WindowPlan {
    pub(super) fn compile(
        window: &Window,
        compile: &dyn Fn(&datafusion::logical_expr::Expr) -> Result<RowExpr>,
    ) -> Result<WindowPlan> {
        let all = |exprs: &[datafusion::logical_expr::Expr]| {
            exprs.iter().map(compile).collect::<Result<Vec<_>>>()
        };
        let calls = window.calls.iter().map(|call| {
            Ok(Call {
                function: call.function.clone(),
                args: all(&call.args)?,
                filter: call.filter.as_ref().map(compile).transpose()?,
            })
        });
        Ok(WindowPlan {
            partition: all(&window.partition)?,
            order: all(&window.order)?,
            frame: FramePlan::compile(&window.frame, compile)?,
            calls: calls.collect::<Result<_>>()?,
        })
    }

    pub(super) fn run(&self, input: &Node, frame: &Frame<'_>, sink: &mut Sink<'_>) -> Result<Flow> {
        let mut account = frame.env.kept.account();
        let mut rows: Vec<Row> = Vec::new();
        let mut key: Row = Vec::new();
        let flow = input.run(frame, &mut |row| {
            let of_row = eval_all(&self.partition, &row, frame)?;
            let mut flow = ControlFlow::Continue(());
            if !rows.is_empty() && !same(&key, &of_row) {
                flow = self.finish(std::mem::take(&mut rows), frame, sink)?;
                account.clear();
            }
            key = of_row;
            account.add_row(&row)?;
            rows.push(row);
            Ok(flow)
        })?;
        if flow.is_break() || rows.is_empty() {
            return Ok(flow);
        }
        self.finish(rows, frame, sink)
    }

    /// Computes a partition and passes its rows on.
    fn finish(&self, rows: Vec<Row>, frame: &Frame<'_>, sink: &mut Sink<'_>) -> Result<Flow> {
        let keys = match self.order.is_empty() {
            true => Vec::new(),
            false => {
                let keys = rows.iter().map(|row| eval_all(&self.order, row, frame));
                keys.collect::<Result<Vec<Row>>>()?
            }
        };
        let peers = Peers::of(&keys, rows.len());
        drop(keys);
        let partition = Partition { rows, peers };
        let mut account = frame.env.kept.account();
        let mut columns = Vec::with_capacity(self.calls.len());
        for call in &self.calls {
            frame.env.check_cancel()?;
            account.add(partition.rows.len() * size_of::<Datum>())?;
            columns.push(self.column(call, &partition, frame)?.into_iter());
        }
        for mut row in partition.rows {
            row.extend(columns.iter_mut().map(|column| column.next().unwrap_or_default()));
            if sink(row)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The values of a call, one a row.
    fn column(&self, call: &Call, partition: &Partition, frame: &Frame<'_>) -> Result<Vec<Datum>> {
        use WindowFunction as F;
        let Partition { rows, peers } = partition;
        let count = rows.len();
        let rank = |row: usize| peers.around(row).start as i64 + 1;
        let each = |value: &dyn Fn(usize) -> Datum| Ok((0..count).map(value).collect());
        match &call.function {
            F::RowNumber => each(&|row| Datum::Int64(row as i64 + 1)),
            F::Rank => each(&|row| Datum::Int64(rank(row))),
            F::DenseRank => each(&|row| {
                Datum::Int64(peers.group.get(row).copied().unwrap_or_default() as i64 + 1)
            }),
            F::PercentRank => each(&|row| {
                let others = count as f64 - 1.0;
                Datum::Float64(if count > 1 { (rank(row) - 1) as f64 / others } else { 0.0 })
            }),
            F::CumeDist => each(&|row| Datum::Float64(peers.around(row).end as f64 / count as f64)),
            F::Ntile => self.ntile(call, partition, frame),
            F::Lag => self.shifted(call, partition, frame, -1),
            F::Lead => self.shifted(call, partition, frame, 1),
            F::FirstValue | F::LastValue | F::NthValue => self.of_frame(call, partition, frame),
            F::Aggregate(aggregate) => self.aggregate(call, aggregate, partition, frame),
        }
    }

    /// Buckets of equal size, the first ones a row larger if that does not come out.
    fn ntile(&self, call: &Call, partition: &Partition, frame: &Frame<'_>) -> Result<Vec<Datum>> {
        let count = partition.rows.len();
        let first = partition.rows.first().map_or(&[][..], Vec::as_slice);
        let buckets = eval_all(&call.args, first, frame)?.pop().unwrap_or_default();
        if buckets.is_null() {
            return Ok(vec![Datum::Null; count]);
        }
        let buckets = match usize::try_from(buckets.as_i64()?) {
            Ok(buckets @ 1..) => buckets,
            _ => {
                let message = "argument of ntile must be greater than zero";
                return Err(Error::new(SqlState::InvalidArgumentForNtile, message));
            }
        };
        let (size, larger) = (count / buckets, count % buckets);
        let of_larger = larger * (size + 1);
        let bucket = |row: usize| match row < of_larger {
            true => row / (size + 1),
            false => larger + (row - of_larger) / size.max(1),
        };
        Ok((0..count).map(|row| Datum::Int32(bucket(row) as i32 + 1)).collect())
    }

    /// LAG and LEAD.
    fn shifted(
        &self,
        call: &Call,
        partition: &Partition,
        frame: &Frame<'_>,
        direction: i64,
    ) -> Result<Vec<Datum>> {
        let rows = &partition.rows;
        let mut values = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let offset = match call.args.get(1) {
                None => 1,
                Some(offset) => match offset.eval(row, frame)? {
                    Datum::Null => {
                        values.push(Datum::Null);
                        continue;
                    }
                    offset => offset.as_i64()?,
                },
            };
            let at = offset.checked_mul(direction).and_then(|by| (index as i64).checked_add(by));
            let other = at.and_then(|at| rows.get(usize::try_from(at).ok()?));
            values.push(match (other, call.args.first(), call.args.get(2)) {
                (Some(other), Some(value), _) => value.eval(other, frame)?,
                (None, _, Some(default)) => default.eval(row, frame)?,
                _ => Datum::Null,
            });
        }
        Ok(values)
    }

    /// What is left of a frame when its exclusion is taken out, in order.
    fn parts(&self, frame: Range<usize>, row: usize, peers: &Peers) -> [Range<usize>; 3] {
        let Range { start, end } = frame;
        let cut = |start: usize, end: usize| start..end.max(start);
        let none = end..end;
        let (gap, current) = match self.frame.exclude {
            Exclude::NoOthers => return [start..end, none.clone(), none],
            Exclude::CurrentRow => (row..row + 1, none),
            Exclude::Group => (peers.around(row), none),
            Exclude::Ties => {
                let is_inside = (start..end).contains(&row);
                (peers.around(row), if is_inside { row..row + 1 } else { none })
            }
        };
        [cut(start, end.min(gap.start)), current, cut(start.max(gap.end), end)]
    }

    /// FIRST_VALUE, LAST_VALUE and NTH_VALUE.
    fn of_frame(
        &self,
        call: &Call,
        partition: &Partition,
        frame: &Frame<'_>,
    ) -> Result<Vec<Datum>> {
        let Partition { rows, peers } = partition;
        let mut frames = Frames::new(&self.frame, peers, rows, frame)?;
        let mut values = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let parts = self.parts(frames.frame(index)?, index, peers);
            let mut inside = parts.into_iter().flatten();
            let at = match call.function {
                WindowFunction::FirstValue => inside.next(),
                WindowFunction::LastValue => inside.next_back(),
                _ => match call.args.get(1).map(|n| n.eval(row, frame)).transpose()? {
                    None | Some(Datum::Null) => None,
                    Some(n) => match usize::try_from(n.as_i64()?) {
                        Ok(n @ 1..) => inside.nth(n - 1),
                        _ => {
                            let message = "argument of nth_value must be greater than zero";
                            return Err(Error::new(SqlState::InvalidArgumentForNthValue, message));
                        }
                    },
                },
            };
            values.push(match (at.and_then(|at| rows.get(at)), call.args.first()) {
                (Some(other), Some(value)) => value.eval(other, frame)?,
                _ => Datum::Null,
            });
        }
        Ok(values)
    }

    fn aggregate(
        &self,
        call: &Call,
        aggregate: &Aggregate,
        partition: &Partition,
        frame: &Frame<'_>,
    ) -> Result<Vec<Datum>> {
        let Partition { rows, peers } = partition;
        let mut inputs: Vec<Option<Row>> = Vec::with_capacity(rows.len());
        for row in rows {
            let takes = match &call.filter {
                None => true,
                Some(filter) => filter.eval(row, frame)?.is_true(),
            };
            inputs.push(takes.then(|| eval_all(&call.args, row, frame)).transpose()?);
        }
        let mut frames = Frames::new(&self.frame, peers, rows, frame)?;
        let mut values = Vec::with_capacity(rows.len());
        let mut sliding = Sliding::new(aggregate);
        let mut last: Option<(Range<usize>, Datum)> = None;
        let mut work = 0usize;
        for index in 0..rows.len() {
            let range = frames.frame(index)?;
            if self.frame.exclude == Exclude::NoOthers
                && let Some((before, value)) = &last
                && *before == range
            {
                values.push(value.clone());
                continue;
            }
            let value = if self.frame.exclude == Exclude::NoOthers
                && (self.frame.only_grows() || sliding.can_shrink())
            {
                sliding.move_to(range.clone(), &inputs)?
            } else {
                let mut state = aggregate.start();
                for at in self.parts(range.clone(), index, peers).into_iter().flatten() {
                    work += 1;
                    if work.is_multiple_of(CANCEL_CHECK_ROWS) {
                        frame.env.check_cancel()?;
                    }
                    if let Some(Some(args)) = inputs.get(at) {
                        state.update(args)?;
                    }
                }
                state.finish()?
            };
            if index.is_multiple_of(CANCEL_CHECK_ROWS) {
                frame.env.check_cancel()?;
            }
            last = Some((range, value.clone()));
            values.push(value);
        }
        Ok(values)
    }
}

/// The aggregate of a range that moves on: rows are added at its end, and taken away at its start
/// where that undoes exactly what adding them did.
struct Sliding<'a> {
    aggregate: &'a Aggregate,
    state: State,
    range: Range<usize>,
    /// Inputs in the state that are not NULL.
    count: usize,
    /// How many of these numerics have how many digits behind the point.
    scales: BTreeMap<u32, usize>,
    /// Whether there was NaN or an infinity, which cannot be taken away again.
    has_special: bool,
}

impl<'a> Sliding<'a> {
    fn new(aggregate: &'a Aggregate) -> Sliding<'a> {
        Sliding {
            aggregate,
            state: aggregate.start(),
            range: 0..0,
            count: 0,
            scales: BTreeMap::new(),
            has_special: false,
        }
    }

    fn can_shrink(&self) -> bool {
        !self.has_special
            && matches!(
                self.state,
                State::Count { .. }
                    | State::Int { .. }
                    | State::Numeric { .. }
                    | State::Interval { .. }
            )
    }

    fn scale_of(&mut self, args: &[Datum]) -> Result<Option<u32>> {
        let (State::Numeric { .. }, Some(Datum::Bytes(bytes))) = (&self.state, args.first()) else {
            return Ok(None);
        };
        let number = Numeric::decode(bytes)?;
        let special =
            matches!(number, Numeric::NaN | Numeric::Infinity | Numeric::NegativeInfinity);
        self.has_special |= special;
        Ok((!special).then(|| number.scale()))
    }

    fn add(&mut self, args: &[Datum]) -> Result<()> {
        self.state.update(args)?;
        if args.first().is_some_and(|arg| !arg.is_null()) {
            self.count += 1;
            if let Some(scale) = self.scale_of(args)? {
                *self.scales.entry(scale).or_default() += 1;
            }
        }
        Ok(())
    }

    fn remove(&mut self, args: &[Datum]) -> Result<()> {
        if args.first().is_some_and(|arg| !arg.is_null()) {
            self.count -= 1;
            if let Some(scale) = self.scale_of(args)?
                && let Some(count) = self.scales.get_mut(&scale)
            {
                *count -= 1;
                if *count == 0 {
                    self.scales.remove(&scale);
                }
            }
        }
        if self.count == 0 && !matches!(self.state, State::Count { all: true, .. }) {
            self.state = self.aggregate.start();
            return Ok(());
        }
        let digits = self.scales.last_key_value().map(|(scale, _)| *scale);
        self.state.remove(args, digits)
    }

    fn move_to(&mut self, range: Range<usize>, inputs: &[Option<Row>]) -> Result<Datum> {
        if range.start >= self.range.end || range.start < self.range.start {
            self.state = self.aggregate.start();
            self.count = 0;
            self.scales.clear();
            self.range = range.start..range.start;
        }
        let args = |at: usize| inputs.get(at).and_then(Option::as_ref);
        for at in self.range.end..range.end {
            if let Some(args) = args(at) {
                self.add(args)?;
            }
        }
        for at in self.range.start..range.start {
            if let Some(args) = args(at) {
                self.remove(args)?;
            }
        }
        self.range = range.start..range.end.max(self.range.end);
        self.state.finish()
    }
}
