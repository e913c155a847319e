//! `f(..., VARIADIC array)`: the elements of an array as the arguments that a function repeats, which take
//! anything by its text.

use super::array;
use super::strings::{STYLE, style};
use crate::error::Result;
use crate::functions::Function;
use crate::types::{Datum, io};

/// An entry of the table of functions. Each is equal to itself alone.
#[derive(Clone, Copy, Debug)]
pub struct Entry(pub &'static Function);

impl Entry {
    fn address(self) -> usize {
        std::ptr::from_ref(self.0) as usize
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Eq for Entry {}

impl std::hash::Hash for Entry {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}

/// The value for the arguments before the array, the array, and what the text of its elements depends on.
pub(super) fn call(function: Entry, args: &[Datum]) -> Result<Datum> {
    let Entry(function) = function;
    let (args, context) = args.split_at(args.len().saturating_sub(STYLE.len()));
    let fixed = args.len().saturating_sub(1);
    let mut values = args.get(..fixed).unwrap_or_default().to_vec();
    match array(args, fixed)? {
        Some(array) => {
            let style = style(context);
            for item in &array.items {
                values.push(match item {
                    Datum::Null => Datum::Null,
                    item => Datum::Text(io::to_text(array.element, item, &style)?),
                });
            }
        }
        // No arguments to format(); to the others one that is unknown.
        None if function.name == "format" => {}
        None => return Ok(Datum::Null),
    }
    (function.kernel)(&values)
}
