//! `nextval` and its kin as functions of a plan.

use std::sync::Arc;

use datafusion::logical_expr::Expr;

use super::stateful::{self, Stateful};
use crate::catalog::Sequence;
use crate::catalog::sequences::Sequences;
use crate::error::{Error, Result};
use crate::types::{Datum, Type};

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Operation {
    Next,
    Current,
    Last,
    Set,
    LastValue,
    LogCount,
    IsCalled,
}

/// A call on a sequence.
struct SequenceCall {
    operation: Operation,
    sequence: Option<Arc<Sequence>>,
    sequences: Arc<Sequences>,
}

impl std::fmt::Debug for SequenceCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}({:?})", self.operation, self.sequence.as_ref().map(|s| &s.name))
    }
}

/// A call as an expression; the session's number is the last argument.
pub fn call(
    operation: Operation,
    sequence: Option<Arc<Sequence>>,
    sequences: Arc<Sequences>,
    args: Vec<Expr>,
) -> Expr {
    stateful::call(Arc::new(SequenceCall { operation, sequence, sequences }), args)
}

impl Stateful for SequenceCall {
    fn name(&self) -> &'static str {
        "nextval"
    }

    fn returns(&self) -> Type {
        match self.operation {
            Operation::IsCalled => Type::Bool,
            _ => Type::Int8,
        }
    }

    fn run(&self, args: &[Datum]) -> Result<Datum> {
        let session = args.last().map_or(Ok(0), Datum::as_i64)?;
        let sequence =
            || self.sequence.as_deref().ok_or_else(|| Error::internal("a call without a sequence"));
        Ok(Datum::Int64(match self.operation {
            Operation::Next => self.sequences.next(sequence()?, session)?,
            Operation::Current => self.sequences.current(sequence()?, session)?,
            Operation::Last => self.sequences.last(session)?,
            Operation::LastValue => self.sequences.state(sequence()?)?.last,
            Operation::LogCount => self.sequences.state(sequence()?)?.log_count(sequence()?),
            Operation::IsCalled => {
                return Ok(Datum::Bool(self.sequences.state(sequence()?)?.is_called));
            }
            Operation::Set => {
                let Some(Datum::Int64(value)) = args.first() else { return Ok(Datum::Null) };
                let is_called = match args {
                    [_, Datum::Bool(is_called), _] => *is_called,
                    _ => true,
                };
                self.sequences.set(sequence()?, *value, is_called, session)?;
                *value
            }
        }))
    }
}
