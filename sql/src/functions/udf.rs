//! Scalar functions inside DataFusion: a wrapper that calls the kernel row by row.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::Scalar;
use crate::types::Datum;
use crate::types::datum::ArrayBuilder;

/// The DataFusion face of a [`Scalar`].
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ScalarUdf {
    scalar: Scalar,
    name: String,
    signature: Signature,
}

impl ScalarUdf {
    /// The function inside.
    pub fn scalar(&self) -> Scalar {
        self.scalar
    }
}

/// A call of `scalar`.
pub fn call(scalar: Scalar, args: Vec<Expr>) -> Expr {
    let volatility =
        if scalar.is_volatile() { Volatility::Volatile } else { Volatility::Immutable };
    let udf =
        ScalarUdf { scalar, name: scalar.name(), signature: Signature::user_defined(volatility) };
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::from(udf)), args))
}

/// The [`Scalar`] that an expression calls, if it is one of ours.
pub fn scalar_of(function: &ScalarFunction) -> Option<Scalar> {
    let inner = function.func.inner().as_ref() as &dyn std::any::Any;
    inner.downcast_ref::<ScalarUdf>().map(ScalarUdf::scalar)
}

impl ScalarUDFImpl for ScalarUdf {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(self.scalar.returns().layout())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> DfResult<FieldRef> {
        Ok(Arc::new(Field::new(&self.name, self.scalar.returns().layout(), true)))
    }

    fn coerce_types(&self, args: &[DataType]) -> DfResult<Vec<DataType>> {
        Ok(args.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let layout = self.scalar.returns().layout();
        let all_scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        if all_scalar && !self.scalar.is_volatile() {
            let datums = args.args.iter().map(|arg| match arg {
                ColumnarValue::Scalar(value) => Datum::from_scalar(value),
                ColumnarValue::Array(array) => Datum::from_array(array, 0),
            });
            let datums = datums.collect::<crate::error::Result<Vec<_>>>()?;
            return Ok(ColumnarValue::Scalar(self.scalar.call(&datums)?.to_scalar(&layout)?));
        }
        let mut builder = ArrayBuilder::new(&layout)?;
        let mut row = Vec::with_capacity(args.args.len());
        for index in 0..args.number_rows {
            row.clear();
            for arg in &args.args {
                row.push(match arg {
                    ColumnarValue::Array(array) => Datum::from_array(array, index)?,
                    ColumnarValue::Scalar(value) => Datum::from_scalar(value)?,
                });
            }
            builder.append(&self.scalar.call(&row)?)?;
        }
        Ok(ColumnarValue::Array(builder.finish()))
    }
}
