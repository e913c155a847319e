//! Frames: which rows of a partition a window function sees from a row.

use std::cmp::Ordering;
use std::ops::Range;

use super::expr::RowExpr;
use super::{Frame, Row};
use crate::error::{Error, Result, SqlState};
use crate::functions::Context;
use crate::functions::windows::{Bound, Exclude, FrameClause, RangeKey, Units};
use crate::types::datetime::{self, TimeTz, Zone};
use crate::types::interval::Interval;
use crate::types::{Datum, Numeric, Type};

/// A compiled frame.
#[derive(Debug)]
pub(super) struct FramePlan {
    units: Units,
    start: End,
    end: End,
    pub(super) exclude: Exclude,
    range: Option<Key>,
}

#[derive(Debug)]
enum End {
    UnboundedPreceding,
    Preceding(RowExpr),
    CurrentRow,
    Following(RowExpr),
    UnboundedFollowing,
}

#[derive(Debug)]
struct Key {
    expr: RowExpr,
    kind: Type,
    descending: bool,
    nulls_first: bool,
}

impl FramePlan {
    pub(super) fn compile(
        clause: &FrameClause,
        compile: impl Fn(&datafusion::logical_expr::Expr) -> Result<RowExpr>,
    ) -> Result<FramePlan> {
        let end = |bound: &Bound| {
            Ok::<End, Error>(match bound {
                Bound::UnboundedPreceding => End::UnboundedPreceding,
                Bound::Preceding(offset) => End::Preceding(compile(offset)?),
                Bound::CurrentRow => End::CurrentRow,
                Bound::Following(offset) => End::Following(compile(offset)?),
                Bound::UnboundedFollowing => End::UnboundedFollowing,
            })
        };
        let range = match &clause.range {
            None => None,
            Some(RangeKey { expr, kind, descending, nulls_first }) => Some(Key {
                expr: compile(expr)?,
                kind: *kind,
                descending: *descending,
                nulls_first: *nulls_first,
            }),
        };
        Ok(FramePlan {
            units: clause.units,
            start: end(&clause.start)?,
            end: end(&clause.end)?,
            exclude: clause.exclude,
            range,
        })
    }

    /// Whether it begins with the first row of the partition, and leaves nothing out.
    pub(super) fn only_grows(&self) -> bool {
        matches!(self.start, End::UnboundedPreceding) && self.exclude == Exclude::NoOthers
    }
}

/// The groups of rows in a partition that the window's order does not tell apart.
pub(super) struct Peers {
    /// For each row, its group.
    pub(super) group: Vec<usize>,
    /// Where each group starts, and the end of the last.
    pub(super) starts: Vec<usize>,
}

impl Peers {
    /// Groups by the keys of rows in order; without keys all rows are one group.
    pub(super) fn of(keys: &[Row], count: usize) -> Peers {
        let mut peers = Peers { group: Vec::with_capacity(count), starts: Vec::new() };
        for row in 0..count {
            let is_new = row == 0
                || match (keys.get(row - 1), keys.get(row)) {
                    (Some(before), Some(key)) => {
                        !before.iter().zip(key).all(|(a, b)| a.compare(b).is_eq())
                    }
                    _ => false,
                };
            if is_new {
                peers.starts.push(row);
            }
            peers.group.push(peers.starts.len().saturating_sub(1));
        }
        peers.starts.push(count);
        peers
    }

    fn start(&self, group: usize) -> usize {
        self.starts.get(group).copied().unwrap_or_default()
    }

    /// The rows of a row's group.
    pub(super) fn around(&self, row: usize) -> Range<usize> {
        let group = self.group.get(row).copied().unwrap_or_default();
        self.start(group)..self.start(group + 1)
    }

    fn count(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }
}

/// Finds the frames of a partition's rows, one after the other.
pub(super) struct Frames<'f> {
    plan: &'f FramePlan,
    peers: &'f Peers,
    count: usize,
    start_offset: Datum,
    end_offset: Datum,
    /// For offsets of RANGE: the key of each row.
    keys: Vec<Datum>,
    zone: Option<Zone>,
    /// Ends in RANGE only move on.
    start_at: usize,
    end_at: usize,
}

fn offset_of(end: &End, what: &str, units: Units, frame: &Frame<'_>) -> Result<Datum> {
    let (End::Preceding(offset) | End::Following(offset)) = end else { return Ok(Datum::Null) };
    let value = offset.eval(&[], frame)?;
    if value.is_null() {
        let message = format!("frame {what} offset must not be null");
        return Err(Error::new(SqlState::NullValueNotAllowed, message));
    }
    if units != Units::Range && value.as_i64()? < 0 {
        let message = format!("frame {what} offset must not be negative");
        return Err(Error::new(SqlState::InvalidPrecedingOrFollowingSize, message));
    }
    Ok(value)
}

/// A number of rows or groups.
fn rows_of(offset: &Datum) -> Result<usize> {
    Ok(usize::try_from(offset.as_i64()?).unwrap_or(usize::MAX))
}

impl<'f> Frames<'f> {
    pub(super) fn new(
        plan: &'f FramePlan,
        peers: &'f Peers,
        rows: &[Row],
        frame: &Frame<'_>,
    ) -> Result<Frames<'f>> {
        let mut frames = Frames {
            plan,
            peers,
            count: rows.len(),
            start_offset: offset_of(&plan.start, "starting", plan.units, frame)?,
            end_offset: offset_of(&plan.end, "ending", plan.units, frame)?,
            keys: Vec::new(),
            zone: None,
            start_at: 0,
            end_at: 0,
        };
        if let Some(key) = &plan.range {
            let keys = rows.iter().map(|row| key.expr.eval(row, frame));
            frames.keys = keys.collect::<Result<_>>()?;
            if key.kind == Type::Timestamptz {
                let zone = frame.env.context(Context::Zone);
                frames.zone = Zone::parse(zone.as_str()?);
            }
        }
        Ok(frames)
    }

    /// The frame of a row, with what is excluded still in it. Rows have to be asked for in order.
    pub(super) fn frame(&mut self, row: usize) -> Result<Range<usize>> {
        let start = self.start(row)?;
        let end = self.end(row)?;
        Ok(start..end.max(start))
    }

    fn start(&mut self, row: usize) -> Result<usize> {
        let group = self.peers.group.get(row).copied().unwrap_or_default();
        Ok(match (&self.plan.start, self.plan.units) {
            (End::UnboundedPreceding, _) => 0,
            (End::UnboundedFollowing, _) => self.count,
            (End::CurrentRow, Units::Rows) => row,
            (End::CurrentRow, _) => self.peers.start(group),
            (End::Preceding(_), Units::Rows) => row.saturating_sub(rows_of(&self.start_offset)?),
            (End::Following(_), Units::Rows) => {
                row.saturating_add(rows_of(&self.start_offset)?).min(self.count)
            }
            (End::Preceding(_), Units::Groups) => {
                self.peers.start(group.saturating_sub(rows_of(&self.start_offset)?))
            }
            (End::Following(_), Units::Groups) => {
                let group = group.saturating_add(rows_of(&self.start_offset)?);
                self.peers.start(group.min(self.peers.count()))
            }
            (End::Preceding(_) | End::Following(_), Units::Range) => {
                while self.start_at < self.count && !self.is_inside(self.start_at, row, true)? {
                    self.start_at += 1;
                }
                self.start_at
            }
        })
    }

    fn end(&mut self, row: usize) -> Result<usize> {
        let group = self.peers.group.get(row).copied().unwrap_or_default();
        Ok(match (&self.plan.end, self.plan.units) {
            (End::UnboundedPreceding, _) => 0,
            (End::UnboundedFollowing, _) => self.count,
            (End::CurrentRow, Units::Rows) => row + 1,
            (End::CurrentRow, _) => self.peers.start(group + 1),
            (End::Preceding(_), Units::Rows) => {
                (row + 1).saturating_sub(rows_of(&self.end_offset)?)
            }
            (End::Following(_), Units::Rows) => {
                (row + 1).saturating_add(rows_of(&self.end_offset)?).min(self.count)
            }
            (End::Preceding(_), Units::Groups) => {
                match group.checked_sub(rows_of(&self.end_offset)?) {
                    Some(group) => self.peers.start(group + 1),
                    None => 0,
                }
            }
            (End::Following(_), Units::Groups) => {
                let group = group.saturating_add(rows_of(&self.end_offset)?);
                self.peers.start(group.saturating_add(1).min(self.peers.count()))
            }
            (End::Preceding(_) | End::Following(_), Units::Range) => {
                while self.end_at < self.count && self.is_inside(self.end_at, row, false)? {
                    self.end_at += 1;
                }
                self.end_at
            }
        })
    }

    /// Whether a row is not before the start, or not behind the end, that `current` has.
    fn is_inside(&self, other: usize, current: usize, of_start: bool) -> Result<bool> {
        let key = self.plan.range.as_ref();
        let key = key.ok_or_else(|| Error::internal("a RANGE offset without a sort key"))?;
        let null = Datum::Null;
        let other = self.keys.get(other).unwrap_or(&null);
        let current = self.keys.get(current).unwrap_or(&null);
        if other.is_null() || current.is_null() {
            // NULLs are peers of each other, and beyond all offsets from all else.
            let other_first = match (other.is_null(), current.is_null()) {
                (true, true) => return Ok(true),
                (true, false) => key.nulls_first,
                (false, _) => !key.nulls_first,
            };
            return Ok(other_first != of_start);
        }
        let (offset, end) = match of_start {
            true => (&self.start_offset, &self.plan.start),
            false => (&self.end_offset, &self.plan.end),
        };
        let subtract = matches!(end, End::Preceding(_)) != key.descending;
        let order = self.compare(key.kind, other, current, offset, subtract)?;
        // In descending order what comes first is greater.
        let order = if key.descending { order.reverse() } else { order };
        Ok(if of_start { order.is_ge() } else { order.is_le() })
    }

    /// How `value` compares with `base` moved by `offset`.
    fn compare(
        &self,
        kind: Type,
        value: &Datum,
        base: &Datum,
        offset: &Datum,
        subtract: bool,
    ) -> Result<Ordering> {
        let negative = || {
            Error::new(
                SqlState::InvalidPrecedingOrFollowingSize,
                "invalid preceding or following size in window function",
            )
        };
        Ok(match kind {
            Type::Int2 | Type::Int4 | Type::Int8 => {
                let offset = i128::from(offset.as_i64()?);
                if offset < 0 {
                    return Err(negative());
                }
                let base = i128::from(base.as_i64()?);
                let moved = if subtract { base - offset } else { base + offset };
                i128::from(value.as_i64()?).cmp(&moved)
            }
            Type::Float4 | Type::Float8 => {
                let offset = offset.as_f64()?;
                if offset.is_nan() || offset < 0.0 {
                    return Err(negative());
                }
                let (value, base) = (value.as_f64()?, base.as_f64()?);
                compare_floats(value, base, offset, subtract)
            }
            Type::Numeric => {
                let offset = Numeric::decode(offset.as_bytes()?)?;
                if matches!(offset, Numeric::NaN) || offset.signum() < 0 {
                    return Err(negative());
                }
                let value = Numeric::decode(value.as_bytes()?)?;
                let base = Numeric::decode(base.as_bytes()?)?;
                compare_numerics(&value, &base, &offset, subtract)
            }
            _ => {
                let offset = Interval::decode(offset.as_bytes()?)?;
                // Of a time only that part counts which is less than a day.
                let is_negative = match kind {
                    Type::Time | Type::Timetz => offset.microseconds < 0,
                    _ => offset.estimate_us() < 0,
                };
                if is_negative {
                    return Err(negative());
                }
                let by = if subtract { offset.neg()? } else { offset };
                self.compare_times(kind, value, base, &by)?
            }
        })
    }

    fn compare_times(
        &self,
        kind: Type,
        value: &Datum,
        base: &Datum,
        by: &Interval,
    ) -> Result<Ordering> {
        Ok(match kind {
            Type::Date => {
                let value = datetime::date_to_timestamp(value.as_i32()?)?;
                let base = datetime::date_to_timestamp(base.as_i32()?)?;
                value.cmp(&datetime::add_interval(base, by)?)
            }
            Type::Timestamp => value.as_i64()?.cmp(&datetime::add_interval(base.as_i64()?, by)?),
            Type::Timestamptz => {
                let zone = self.zone.ok_or_else(|| Error::internal("no time zone"))?;
                let moved = datetime::add_interval_in_zone(base.as_i64()?, by, zone)?;
                value.as_i64()?.cmp(&moved)
            }
            Type::Timetz => {
                let value = TimeTz::decode(value.as_bytes()?)?;
                let base = TimeTz::decode(base.as_bytes()?)?;
                let moved = base.utc_us().saturating_add(by.microseconds);
                value.utc_us().cmp(&moved).then(base.east_s.cmp(&value.east_s))
            }
            // The clock does not wrap around here.
            Type::Time => value.as_i64()?.cmp(&base.as_i64()?.saturating_add(by.microseconds)),
            _ => {
                let value = Interval::decode(value.as_bytes()?)?;
                let base = Interval::decode(base.as_bytes()?)?;
                value.estimate_us().cmp(&base.add(by)?.estimate_us())
            }
        })
    }
}

/// Of floats: NaN is behind all else, and what is infinitely far from infinity is everywhere.
fn compare_floats(value: f64, base: f64, offset: f64, subtract: bool) -> Ordering {
    match (value.is_nan(), base.is_nan()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let moved = if subtract { base - offset } else { base + offset };
    // Not a number: an infinity less itself.
    value.partial_cmp(&moved).unwrap_or(Ordering::Equal)
}

/// The same of numerics.
fn compare_numerics(value: &Numeric, base: &Numeric, offset: &Numeric, subtract: bool) -> Ordering {
    match (value, base) {
        (Numeric::NaN, Numeric::NaN) => return Ordering::Equal,
        (Numeric::NaN, _) => return Ordering::Greater,
        (_, Numeric::NaN) => return Ordering::Less,
        _ => {}
    }
    match if subtract { base.sub(offset) } else { base.add(offset) } {
        Numeric::NaN => Ordering::Equal,
        moved => value.compare(&moved),
    }
}
