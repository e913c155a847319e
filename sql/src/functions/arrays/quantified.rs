//! `x op ANY (array)` and `x op ALL (array)`.

use datafusion::logical_expr::Operator;

use super::spread::Entry;
use crate::codec;
use crate::error::Result;
use crate::functions::Scalar;
use crate::row::expr::compare;
use crate::types::array::Reader;
use crate::types::{Datum, Type};

/// What is asked of each element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// A comparison of values of this type.
    Compare(Operator, Type),
    /// An operator of the table of functions.
    Call(Entry),
}

/// The form with its operator settled. The arguments are the left side, for a comparison in the form
/// that equal values share, the array, and what the operator takes besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quantified {
    /// What is asked.
    pub test: Test,
    /// ANY rather than ALL.
    pub any: bool,
}

/// An array that is asked about more than once.
#[derive(Debug)]
pub struct Prepared {
    /// The elements but NULLs; for a comparison in the form that equal values share, and sorted.
    items: Vec<Datum>,
    has_null: bool,
}

/// Answers for one row after the other: an array that comes again and again is made ready once.
pub struct Asker {
    form: Quantified,
    last: Option<(Datum, Option<Prepared>)>,
}

impl Asker {
    /// Of this form.
    pub fn new(form: Quantified) -> Asker {
        Asker { form, last: None }
    }

    /// The value for these arguments.
    ///
    /// # Errors
    /// The operator's own.
    pub fn ask(&mut self, args: &[Datum]) -> Result<Datum> {
        let [probe, array, context @ ..] = args else { return Ok(Datum::Null) };
        let prepared = match self.last.take() {
            Some((before, prepared)) if before == *array => prepared,
            _ => self.form.prepare(array)?,
        };
        let (_, prepared) = self.last.insert((array.clone(), prepared));
        match prepared {
            None => Ok(Datum::Null),
            Some(prepared) => self.form.ask(probe, prepared, context),
        }
    }
}

impl Quantified {
    /// For plans that people read.
    pub fn name(&self) -> String {
        let quantifier = if self.any { "any" } else { "all" };
        match self.test {
            Test::Compare(operator, _) => format!("{operator} {quantifier}"),
            Test::Call(Entry(function)) => format!("{} {quantifier}", function.name),
        }
    }

    /// Whether it holds for the elements of an array alone: `= ANY`.
    pub fn is_in(&self) -> bool {
        self.any && matches!(self.test, Test::Compare(Operator::Eq, _))
    }

    /// The value for these arguments.
    ///
    /// # Errors
    /// The operator's own.
    pub fn call(&self, args: &[Datum]) -> Result<Datum> {
        Asker::new(*self).ask(args)
    }

    /// An array ready to be asked about; `None` for NULL.
    ///
    /// # Errors
    /// If it is no array.
    pub fn prepare(&self, array: &Datum) -> Result<Option<Prepared>> {
        if array.is_null() {
            return Ok(None);
        }
        let reader = Reader::new(array.as_bytes()?)?;
        let mut prepared = Prepared { items: Vec::new(), has_null: false };
        for item in reader {
            match item? {
                Datum::Null => prepared.has_null = true,
                item => prepared.items.push(match self.test {
                    Test::Compare(_, kind) => codec::canonical(kind, item),
                    Test::Call(_) => item,
                }),
            }
        }
        if self.is_search() {
            prepared.items.sort_by(Datum::compare);
        }
        Ok(Some(prepared))
    }

    /// Whether one look tells: `= ANY`, and `<> ALL`, which is its opposite.
    fn is_search(&self) -> bool {
        match self.test {
            Test::Compare(Operator::Eq, _) => self.any,
            Test::Compare(Operator::NotEq, _) => !self.any,
            _ => false,
        }
    }

    /// The value for a left side.
    ///
    /// # Errors
    /// The operator's own.
    pub fn ask(&self, probe: &Datum, array: &Prepared, context: &[Datum]) -> Result<Datum> {
        if array.items.is_empty() && !array.has_null {
            return Ok(Datum::Bool(!self.any));
        }
        if self.is_search() {
            if probe.is_null() {
                return Ok(Datum::Null);
            }
            return Ok(match array.items.binary_search_by(|item| item.compare(probe)) {
                Ok(_) => Datum::Bool(self.any),
                Err(_) if array.has_null => Datum::Null,
                Err(_) => Datum::Bool(!self.any),
            });
        }
        // ANY is settled by a true, ALL by a false.
        let mut result = Datum::Bool(!self.any);
        let null = array.has_null.then_some(&Datum::Null);
        for item in array.items.iter().chain(null) {
            let value = match self.test {
                Test::Compare(operator, _) => compare(probe, operator, item),
                Test::Call(Entry(function)) => {
                    let mut args = vec![probe.clone(), item.clone()];
                    args.extend_from_slice(context);
                    Scalar::Builtin(function).call(&args)?
                }
            };
            match value {
                Datum::Bool(value) if value == self.any => return Ok(Datum::Bool(self.any)),
                Datum::Null => result = Datum::Null,
                _ => {}
            }
        }
        Ok(result)
    }
}
