//! What the types that stand for others in the table of functions come to in a call (chapter 38.2.5).
//!
//! All of `anyelement` and `anyarray` name one type, which the arguments have as they are. Those of
//! the family of `anycompatible` name one that the arguments can be converted to.

use super::Function;
use super::casts::{self, CastLevel};
use super::resolve::expected;
use crate::types::Type;

/// The types of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Of the arguments.
    pub args: Vec<Type>,
    /// Of the result.
    pub returns: Type,
    /// What the function's types stand for.
    pub element: Option<Type>,
}

/// Why there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsettled {
    /// The arguments contradict each other, or the function.
    Mismatch,
    /// Nothing tells.
    Unknown,
}

/// Whether an argument of type `from` may be one of a type that stands for others.
pub(super) fn accepts(from: Type, to: Type) -> bool {
    match to {
        Type::AnyArray | Type::AnyCompatibleArray => from.is_array() || from == Type::Unknown,
        Type::AnyEnum => matches!(from, Type::Enum(_) | Type::Unknown),
        _ => to.is_polymorphic(),
    }
}

/// Whether the arguments agree on what the function's types stand for.
pub(super) fn is_consistent(function: &Function, args: &[Type]) -> bool {
    settle(function, args) != Err(Unsettled::Mismatch)
}

/// The type that all of these can take by themselves.
fn common(kinds: &[Type]) -> Option<Type> {
    let implicit = |from, to| casts::level(from, to) == Some(CastLevel::Implicit);
    let mut chosen = *kinds.first()?;
    for kind in kinds {
        if kind.category() != chosen.category() {
            return None;
        }
        if !chosen.is_preferred() && implicit(chosen, *kind) && !implicit(*kind, chosen) {
            chosen = *kind;
        }
    }
    kinds.iter().all(|kind| implicit(*kind, chosen)).then_some(chosen)
}

/// The types of a call of `function`.
///
/// # Errors
/// Why there are none.
pub fn settle(function: &Function, args: &[Type]) -> Result<Settled, Unsettled> {
    let declared: Vec<Type> = (0..args.len()).map(|index| expected(function, index)).collect();
    if !declared.iter().any(|kind| kind.is_polymorphic()) {
        return Ok(Settled { args: declared, returns: function.returns, element: None });
    }
    let mut known: Vec<Type> = Vec::new();
    let mut compatible = false;
    for (kind, declared) in args.iter().zip(&declared) {
        compatible |= matches!(declared, Type::AnyCompatible | Type::AnyCompatibleArray);
        match declared {
            kind if !kind.is_polymorphic() => {}
            _ if *kind == Type::Unknown => {}
            Type::AnyArray | Type::AnyCompatibleArray => {
                known.push(kind.element().ok_or(Unsettled::Mismatch)?);
            }
            _ => known.push(*kind),
        }
    }
    let element = match (known.first(), compatible) {
        (None, _) if declared.contains(&Type::AnyEnum) => return Err(Unsettled::Mismatch),
        (None, true) => Type::Text,
        (None, false) => return Err(Unsettled::Unknown),
        (Some(_), true) => common(&known).ok_or(Unsettled::Mismatch)?,
        (Some(first), false) if known.iter().all(|kind| kind == first) => *first,
        _ => return Err(Unsettled::Mismatch),
    };
    // There is no array of arrays: they are one with more dimensions.
    let array = if element.is_array() { None } else { element.array() };
    let concrete = |declared: Type| match declared {
        Type::AnyArray | Type::AnyCompatibleArray => array.ok_or(Unsettled::Mismatch),
        Type::AnyElement | Type::AnyCompatible => Ok(element),
        Type::AnyEnum if !matches!(element, Type::Enum(_)) => Err(Unsettled::Mismatch),
        Type::AnyEnum => Ok(element),
        other => Ok(other),
    };
    Ok(Settled {
        args: declared.iter().map(|kind| concrete(*kind)).collect::<Result<_, _>>()?,
        returns: concrete(function.returns)?,
        element: Some(element),
    })
}
