//! An error that a statement raises when it comes to a value, and not before: there may be no rows.

use crate::error::{Error, Report, Result};
use crate::row::stateful::Stateful;
use crate::types::{Datum, Type};

/// The error, in place of a value.
#[derive(Debug)]
pub struct Raise {
    /// What is raised.
    pub report: Report,
    /// The type that the value would have.
    pub kind: Type,
}

impl Stateful for Raise {
    fn name(&self) -> &'static str {
        "raise"
    }

    fn returns(&self) -> Type {
        self.kind
    }

    fn run(&self, _: &[Datum]) -> Result<Datum> {
        Err(Error::Report(Box::new(self.report.clone())))
    }
}
