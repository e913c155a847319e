//! What SQL has a syntax for, as functions of a plan.

use super::quantified::Quantified;
use super::spread::{self, Entry};
use super::{build, subscripts};
use crate::error::Result;
use crate::types::{Datum, Type};

/// Which bounds of a slice's subscripts are given: for each of them two bits, the lower first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bounds(u16);

impl Bounds {
    /// The same with another subscript behind.
    pub fn with(self, subscript: usize, lower: bool, upper: bool) -> Bounds {
        let bits = u16::from(lower) | u16::from(upper) << 1;
        Bounds(self.0 | bits << (2 * subscript))
    }

    /// Whether a subscript has a lower and an upper bound.
    pub fn of(self, subscript: usize) -> (bool, bool) {
        let bits = self.0 >> (2 * subscript);
        (bits & 1 != 0, bits & 2 != 0)
    }
}

/// A form with its types settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArrayForm {
    /// `ARRAY[...]`
    Make {
        /// Type of the elements.
        element: Type,
        /// Whether the arguments are arrays, and the result has a dimension more.
        nested: bool,
    },
    /// `a[i]` or `a[i:j]`: the array, then its subscripts. A slice has two for each dimension, NULL
    /// where one is not given.
    Subscript {
        /// Type of the elements.
        element: Type,
        /// Of a slice.
        bounds: Option<Bounds>,
    },
    /// `a[i] = v` or `a[i:j] = v`: the array before, the value, and the subscripts.
    Assign {
        /// Type of the elements.
        element: Type,
        /// Of a slice.
        bounds: Option<Bounds>,
    },
    /// `x op ANY (a)` or `x op ALL (a)`
    Quantified(Quantified),
    /// `f(..., VARIADIC a)`
    Spread(Entry),
}

impl ArrayForm {
    /// For plans that people read.
    pub fn name(&self) -> String {
        match self {
            ArrayForm::Make { .. } => "array".into(),
            ArrayForm::Subscript { bounds: None, .. } => "subscript".into(),
            ArrayForm::Subscript { .. } => "slice".into(),
            ArrayForm::Assign { .. } => "assign".into(),
            ArrayForm::Quantified(quantified) => quantified.name(),
            ArrayForm::Spread(Entry(function)) => format!("{} variadic", function.name),
        }
    }

    /// Result type.
    pub fn returns(&self) -> Type {
        match self {
            ArrayForm::Subscript { element, bounds: None } => *element,
            ArrayForm::Make { element, .. }
            | ArrayForm::Subscript { element, .. }
            | ArrayForm::Assign { element, .. } => element.array().unwrap_or(Type::Text),
            ArrayForm::Quantified(_) => Type::Bool,
            ArrayForm::Spread(Entry(function)) => function.returns,
        }
    }

    /// The value for these arguments.
    ///
    /// # Errors
    /// The form's own.
    pub fn call(&self, args: &[Datum]) -> Result<Datum> {
        match (self, args) {
            (ArrayForm::Make { element, nested: false }, items) => {
                Ok(crate::types::array::Array::of(*element, items.to_vec())?.to_datum())
            }
            (ArrayForm::Make { element, nested: true }, arrays) => build::nest(*element, arrays),
            (ArrayForm::Subscript { bounds: None, .. }, [array, at @ ..]) => {
                subscripts::item(array, at)
            }
            (ArrayForm::Subscript { bounds: Some(bounds), .. }, [array, at @ ..]) => {
                subscripts::slice(array, *bounds, at)
            }
            (ArrayForm::Assign { element, bounds: None }, [array, value, at @ ..]) => {
                subscripts::set_item(*element, array, value, at)
            }
            (ArrayForm::Assign { element, bounds: Some(bounds) }, [array, value, at @ ..]) => {
                subscripts::set_slice(*element, array, value, *bounds, at)
            }
            (ArrayForm::Quantified(quantified), args) => quantified.call(args),
            (ArrayForm::Spread(function), args) => spread::call(*function, args),
            _ => Ok(Datum::Null),
        }
    }
}
