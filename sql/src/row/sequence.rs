//! `nextval` and its kin as functions of a plan.
//!
//! They carry the sequences with them, because they act outside of the transaction; the
//! session's number comes as their last argument.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use crate::catalog::Sequence;
use crate::catalog::sequences::Sequences;
use crate::error::{Error, Result};
use crate::types::Datum;
use crate::types::datum::ArrayBuilder;

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Operation {
    Next,
    Current,
    Last,
    Set,
}

/// A call on a sequence.
#[derive(Clone)]
pub struct SequenceCall {
    operation: Operation,
    sequence: Option<Arc<Sequence>>,
    sequences: Arc<Sequences>,
    signature: Signature,
}

impl std::fmt::Debug for SequenceCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}({:?})", self.operation, self.sequence.as_ref().map(|s| &s.name))
    }
}

impl PartialEq for SequenceCall {
    fn eq(&self, other: &Self) -> bool {
        self.operation == other.operation && self.sequence == other.sequence
    }
}

impl Eq for SequenceCall {}

impl Hash for SequenceCall {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.operation, self.sequence.as_ref().map(|sequence| sequence.id)).hash(state);
    }
}

/// A call as an expression; the session's number is the last argument.
pub fn call(
    operation: Operation,
    sequence: Option<Arc<Sequence>>,
    sequences: Arc<Sequences>,
    args: Vec<Expr>,
) -> Expr {
    let signature = Signature::user_defined(Volatility::Volatile);
    let call = SequenceCall { operation, sequence, sequences, signature };
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::from(call)), args))
}

/// The call that an expression is, if it is one.
pub fn sequence_of(function: &ScalarFunction) -> Option<&SequenceCall> {
    (function.func.inner().as_ref() as &dyn std::any::Any).downcast_ref::<SequenceCall>()
}

impl SequenceCall {
    /// Does it.
    pub fn run(&self, args: &[Datum]) -> Result<Datum> {
        let session = args.last().map_or(Ok(0), Datum::as_i64)?;
        let sequence =
            || self.sequence.as_deref().ok_or_else(|| Error::internal("a call without a sequence"));
        Ok(Datum::Int64(match self.operation {
            Operation::Next => self.sequences.next(sequence()?, session)?,
            Operation::Current => self.sequences.current(sequence()?, session)?,
            Operation::Last => self.sequences.last(session)?,
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

impl ScalarUDFImpl for SequenceCall {
    fn name(&self) -> &str {
        "nextval"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(DataType::Int64)
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> DfResult<FieldRef> {
        Ok(Arc::new(Field::new("nextval", DataType::Int64, true)))
    }

    fn coerce_types(&self, args: &[DataType]) -> DfResult<Vec<DataType>> {
        Ok(args.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let mut builder = ArrayBuilder::new(&DataType::Int64)?;
        for index in 0..args.number_rows {
            let row = args.args.iter().map(|arg| match arg {
                ColumnarValue::Array(array) => Datum::from_array(array, index),
                ColumnarValue::Scalar(value) => Datum::from_scalar(value),
            });
            builder.append(&self.run(&row.collect::<Result<Vec<_>>>()?)?)?;
        }
        Ok(ColumnarValue::Array(builder.finish()))
    }
}
