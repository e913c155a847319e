//! Arrays: the forms that SQL has a syntax for, and the functions and operators on them.
//!
//! Comparisons (`=`, `<`) are no functions: they compare the form that equal arrays share, as for
//! other types.

mod build;
mod concat;
mod form;
mod measure;
pub mod quantified;
mod search;
pub mod spread;
mod strings;
mod subscripts;

pub use build::{ArrayAccumulator, nest};
pub use form::{ArrayForm, Bounds};
pub use strings::STYLE;
pub use strings::matches;

use super::strings::MAX_RESULT_BYTES;
use super::{Function, arg, pure};
use crate::error::{Error, Result, SqlState};
use crate::types::array::Array;
use crate::types::{Datum, Type};

/// The array that is argument `index`; `None` for NULL.
fn array(args: &[Datum], index: usize) -> Result<Option<Array>> {
    match arg(args, index) {
        Datum::Null => Ok(None),
        value => Array::read(value).map(Some),
    }
}

/// The element type that follows the arguments of a [`Function::typed`] one.
pub(super) fn element_type(args: &[Datum]) -> Result<Type> {
    let handle = args.last().map_or(Ok(0), Datum::as_i64)?;
    Type::from_handle(handle as u32).ok_or_else(|| Error::internal(format!("no type {handle}")))
}

/// Refuses to make more copies of a value than there is room for.
fn check_copies(value: &Datum, count: usize) -> Result<()> {
    let bytes = match value {
        Datum::Text(text) => text.len(),
        Datum::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    match bytes.saturating_mul(count) <= MAX_RESULT_BYTES {
        true => Ok(()),
        false => Err(Error::new(
            SqlState::ProgramLimitExceeded,
            format!("array size exceeds the maximum allowed ({MAX_RESULT_BYTES})"),
        )),
    }
}

/// A function that looks at NULLs itself.
fn lenient(
    name: &'static str,
    args: &'static [Type],
    returns: Type,
    kernel: super::Kernel,
) -> Function {
    Function { strict: false, ..pure(name, args, returns, kernel) }
}

pub(super) fn register(all: &mut Vec<Function>) {
    build::register(all);
    concat::register(all);
    measure::register(all);
    search::register(all);
    strings::register(all);
}
