//! Types whose values cannot be compared: they cannot be sorted, grouped or told apart.

use super::Bound;
use crate::error::{Error, Result, SqlState};
use crate::types::Type;

/// Refuses to sort by what has no order.
pub(super) fn sortable(bound: &Bound) -> Result<()> {
    match bound.kind() {
        kind if kind.is_comparable() => Ok(()),
        kind => Err(Error::new(
            SqlState::UndefinedFunction,
            format!("could not identify an ordering operator for type {}", kind.name()),
        )
        .hint("Use an explicit ordering operator or modify the query.")
        .at(bound.position)),
    }
}

/// Refuses to group by what is not equal to anything.
pub(super) fn groupable(kind: Type, position: Option<usize>) -> Result<()> {
    match kind.is_comparable() {
        true => Ok(()),
        false => Err(Error::new(
            SqlState::UndefinedFunction,
            format!("could not identify an equality operator for type {}", kind.name()),
        )
        .at(position)),
    }
}
