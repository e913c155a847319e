//! Joins with system relations: what one side has in its join columns is asked of the other.
//!
//! A join reads one side, puts the values of its keys aside, and a system relation on the other side
//! makes the rows that have them and no others. The join still compares: a relation may make more rows
//! than it is asked for.

use datafusion::common::JoinType;

use super::expr::RowExpr;
use super::{Frame, Node, Row};
use crate::error::Result;
use crate::types::Datum;

/// Which side of a join is read first; the positions of the keys that the other one is asked for, and
/// the slots of their values.
#[derive(Debug)]
pub(super) enum Narrowing {
    /// The left side, and the right one is asked.
    LeftFirst(Vec<(usize, usize)>),
    /// The other way round.
    RightFirst(Vec<(usize, usize)>),
}

/// Whether rows of a plan are looked up, or written out, so that there are few of them.
fn is_asked(node: &Node) -> bool {
    match node {
        Node::System { lookups, narrowed, .. } => !lookups.is_empty() || !narrowed.is_empty(),
        Node::Values { .. } => true,
        Node::Filter { input, .. }
        | Node::Project { input, .. }
        | Node::Sort { input, .. }
        | Node::Aggregate { input, .. } => is_asked(input),
        Node::Join(join) => is_asked(&join.left) || is_asked(&join.right),
        Node::Union { inputs } => inputs.iter().all(is_asked),
        _ => false,
    }
}

/// Has system relations below a plan ask for the values in a slot, where they become the plan's column
/// at `position`. False if there are none.
fn ask(node: &mut Node, position: usize, slot: usize) -> bool {
    match node {
        Node::System { output, narrowed, .. } => match output.get(position) {
            Some(column) => {
                narrowed.push((*column, slot));
                true
            }
            None => false,
        },
        Node::Filter { input, .. } | Node::Sort { input, fetch: None, .. } => {
            ask(input, position, slot)
        }
        Node::Project { input, exprs } => match exprs.get(position) {
            Some(RowExpr::Column(inner)) => ask(input, *inner, slot),
            _ => false,
        },
        Node::Join(join) => match (position.checked_sub(join.left_width), join.join_type) {
            (None, JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti) => {
                ask(&mut join.left, position, slot)
            }
            (Some(position), JoinType::Inner | JoinType::Right) => {
                ask(&mut join.right, position, slot)
            }
            _ => false,
        },
        Node::Union { inputs } => {
            let asked = inputs.iter_mut().map(|input| ask(input, position, slot));
            asked.fold(false, |any, asked| any | asked)
        }
        _ => false,
    }
}

/// Has a side asked for its keys as far as they are columns of system relations.
fn ask_keys(
    side: &mut Node,
    keys: &[RowExpr],
    allocate: &mut dyn FnMut() -> usize,
) -> Vec<(usize, usize)> {
    let mut asked = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        let RowExpr::Column(position) = key else { continue };
        let slot = allocate();
        if ask(side, *position, slot) {
            asked.push((at, slot));
        }
    }
    asked
}

/// How a join that hashes is narrowed, if it is. Rows that find no partner and go up all the same must
/// be on the side that is read in full.
pub(super) fn choose(
    join_type: JoinType,
    (left, left_keys): (&mut Node, &[RowExpr]),
    (right, right_keys): (&mut Node, &[RowExpr]),
    allocate: &mut dyn FnMut() -> usize,
) -> Option<Narrowing> {
    use JoinType::*;
    let by_left = matches!(join_type, Inner | Left | LeftSemi | LeftAnti | RightSemi);
    let by_right = matches!(join_type, Inner | Right | LeftSemi | RightSemi | RightAnti);
    let prefers_right = by_right && !is_asked(left) && is_asked(right);
    if by_left && !prefers_right {
        let asked = ask_keys(right, right_keys, allocate);
        if !asked.is_empty() {
            return Some(Narrowing::LeftFirst(asked));
        }
    }
    let asked = if by_right { ask_keys(left, left_keys, allocate) } else { Vec::new() };
    (!asked.is_empty()).then_some(Narrowing::RightFirst(asked))
}

/// Puts the values of keys aside, but for NULLs, which equal nothing.
pub(super) fn put(
    asked: &[(usize, usize)],
    keys: &[RowExpr],
    rows: &[Row],
    frame: &Frame<'_>,
) -> Result<()> {
    for (at, slot) in asked {
        let Some(key) = keys.get(*at) else { continue };
        let mut values = Vec::with_capacity(rows.len());
        for row in rows {
            let value = key.eval(row, frame)?;
            if !value.is_null() {
                values.push(value);
            }
        }
        let mut all = frame.narrowed.borrow_mut();
        match all.iter_mut().find(|(of, _)| of == slot) {
            Some((_, old)) => *old = values,
            None => all.push((*slot, values)),
        }
    }
    Ok(())
}

/// The values that were put into a slot.
pub(super) fn values(slot: usize, frame: &Frame<'_>) -> Option<Vec<Datum>> {
    let all = frame.narrowed.borrow();
    all.iter().find(|(of, _)| *of == slot).map(|(_, values)| values.clone())
}
