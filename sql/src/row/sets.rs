//! Rows of set-returning functions.

use std::ops::ControlFlow;

use datafusion::common::DFSchema;

use super::compile::compile_all;
use super::expr::RowExpr;
use super::{CANCEL_CHECK_ROWS, Flow, Frame, Row, Sink};
use crate::error::Result;
use crate::functions::sets::{SetCall, SetFunction, SetRows};
use crate::types::Datum;

/// Compiled calls that advance together.
#[derive(Debug)]
pub(super) struct Calls {
    calls: Vec<Call>,
    /// Whether the row's number is a last column.
    ordinality: bool,
}

#[derive(Debug)]
struct Call {
    function: Option<&'static SetFunction>,
    args: Vec<RowExpr>,
    width: usize,
}

impl Call {
    fn rows(&self, row: &[Datum], frame: &Frame<'_>) -> Result<SetRows> {
        let args = self.args.iter().map(|arg| arg.eval(row, frame)).collect::<Result<Row>>()?;
        match self.function {
            Some(function) => function.call(&args),
            None => Ok(Box::new(std::iter::once(Ok(args)))),
        }
    }
}

impl Calls {
    pub(super) fn compile(calls: &[SetCall], ordinality: bool, schema: &DFSchema) -> Result<Calls> {
        let calls = calls.iter().map(|call| {
            let (function, width) = (call.function, call.columns.len());
            Ok(Call { function, args: compile_all(&call.args, schema)?, width })
        });
        Ok(Calls { calls: calls.collect::<Result<_>>()?, ordinality })
    }

    /// Whether nobody knows how many rows there are.
    pub(super) fn is_unbounded(&self) -> bool {
        self.calls.iter().any(|call| call.function.is_some_and(|function| function.unbounded))
    }

    pub(super) fn names(&self) -> String {
        let names = self.calls.iter().map(|call| match call.function {
            Some(function) => function.signature.name,
            None => "value",
        });
        names.collect::<Vec<_>>().join(", ")
    }

    /// The rows for one row of input, as long as one of the calls has any.
    pub(super) fn run(
        &self,
        input: &[Datum],
        frame: &Frame<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<Flow> {
        let rows = self.calls.iter().map(|call| call.rows(input, frame));
        let mut rows = rows.collect::<Result<Vec<SetRows>>>()?;
        let mut number = 0i64;
        loop {
            let mut row = Vec::new();
            let mut ended = true;
            for (call, rows) in self.calls.iter().zip(&mut rows) {
                match rows.next().transpose()? {
                    Some(mut values) => {
                        row.append(&mut values);
                        ended = false;
                    }
                    None => row.resize(row.len() + call.width, Datum::Null),
                }
            }
            if ended {
                return Ok(ControlFlow::Continue(()));
            }
            number += 1;
            if self.ordinality {
                row.push(Datum::Int64(number));
            }
            if (number as usize).is_multiple_of(CANCEL_CHECK_ROWS) {
                frame.env.check_cancel()?;
            }
            if sink(row)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
}
