//! Functions on enums: their first and last values, and those between two.

use super::arrays::element_type;
use super::{Function, arg, pure};
use crate::error::{Error, Result, SqlState};
use crate::types::Type::{AnyArray, AnyEnum};
use crate::types::array::Array;
use crate::types::user::Label;
use crate::types::{Datum, Type, UserType};

fn enum_of(args: &[Datum]) -> Result<UserType> {
    match element_type(args)? {
        Type::Enum(user) => Ok(user),
        other => Err(Error::internal(format!("{other:?} is no enum"))),
    }
}

fn value(user: UserType, label: Option<&Label>) -> Result<Datum> {
    match label {
        Some(label) => user.use_label(label),
        None => Err(Error::new(
            SqlState::ObjectNotInPrerequisiteState,
            format!("enum {} contains no values", user.kind().name()),
        )),
    }
}

/// `enum_first(enum)`: the argument tells the type only.
fn first(args: &[Datum]) -> Result<Datum> {
    let user = enum_of(args)?;
    value(user, user.labels().first())
}

/// `enum_last(enum)`
fn last(args: &[Datum]) -> Result<Datum> {
    let user = enum_of(args)?;
    value(user, user.labels().last())
}

fn values(user: UserType, is_wanted: impl Fn(&Label) -> bool) -> Result<Datum> {
    let wanted = user.labels().iter().filter(|label| is_wanted(label));
    let items = wanted.map(|label| user.use_label(label));
    Ok(Array::of(Type::Enum(user), items.collect::<Result<_>>()?)?.to_datum())
}

/// `enum_range(enum)`
fn all(args: &[Datum]) -> Result<Datum> {
    values(enum_of(args)?, |_| true)
}

/// `enum_range(first, last)`: NULL is no bound.
fn between(args: &[Datum]) -> Result<Datum> {
    let (from, to) = (arg(args, 0), arg(args, 1));
    values(enum_of(args)?, |label| {
        let after = |bound: &Datum| bound.as_bytes().is_ok_and(|key| label.key.as_slice() < key);
        let before = |bound: &Datum| bound.as_bytes().is_ok_and(|key| label.key.as_slice() > key);
        !(after(from) || before(to))
    })
}

pub(super) fn register(all_functions: &mut Vec<Function>) {
    const ONE: &[Type] = &[AnyEnum];
    for function in [
        pure("enum_first", ONE, AnyEnum, first),
        pure("enum_last", ONE, AnyEnum, last),
        pure("enum_range", ONE, AnyArray, all),
        pure("enum_range", &[AnyEnum, AnyEnum], AnyArray, between),
    ] {
        all_functions.push(Function { strict: false, typed: true, ..function });
    }
}
