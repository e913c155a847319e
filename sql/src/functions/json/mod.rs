//! Functions and operators of json and jsonb.
//!
//! Those of json read its text and give parts of it as they are written; those of jsonb go
//! through its bytes. Comparisons of jsonb are no functions: they compare the form that equal values
//! share, as for other types.

mod access;
mod aggregate;
mod build;
mod contain;
mod convert;
mod edit;
mod inspect;
mod make;
mod populate;
mod set_path;
pub mod sets;

pub use aggregate::JsonAccumulator;
pub use convert::{JsonForm, context, from_jsonb};
pub use populate::RECORDS;

use super::{Function, Kernel, arg, pure};
use crate::error::{Error, Result, SqlState};
use crate::types::array::Array;
use crate::types::json::View;
use crate::types::{Datum, Type};

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::InvalidParameterValue, message)
}

/// The jsonb that is argument `index`.
fn view(args: &[Datum], index: usize) -> Result<View<'_>> {
    View::new(arg(args, index).as_bytes()?)
}

/// A text, or NULL.
fn text_or_null(text: Option<impl Into<String>>) -> Datum {
    text.map_or(Datum::Null, |text| Datum::Text(text.into()))
}

/// The texts of an array that is argument `index`; NULLs stay as they are.
fn texts(args: &[Datum], index: usize) -> Result<Vec<Option<String>>> {
    let array = Array::read(arg(args, index))?;
    let items = array.items.into_iter().map(|item| match item {
        Datum::Null => Ok(None),
        Datum::Text(text) => Ok(Some(text)),
        other => Err(Error::internal(format!("expected text, found {other:?}"))),
    });
    items.collect()
}

/// A function that looks at NULLs itself.
fn lenient(name: &'static str, args: &'static [Type], returns: Type, kernel: Kernel) -> Function {
    Function { strict: false, ..pure(name, args, returns, kernel) }
}

pub(super) fn register(all: &mut Vec<Function>) {
    access::register(all);
    contain::register(all);
    edit::register(all);
    inspect::register(all);
    make::register(all);
    set_path::register(all);
}
