//! Scalar functions inside DataFusion: a wrapper that calls the kernel row by row.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::Scalar;
use super::arrays::ArrayForm;
use super::arrays::quantified::Asker;
use crate::row::Env;
use crate::types::Datum;
use crate::types::datum::ArrayBuilder;

/// The DataFusion face of a [`Scalar`].
#[derive(Debug)]
pub struct ScalarUdf {
    scalar: Scalar,
    name: String,
    signature: Signature,
    /// The execution it is in, to see when that is to stop. A join may evaluate its condition for a long time before it
    /// gives anybody else a chance to look.
    env: Option<Arc<Env>>,
}

impl PartialEq for ScalarUdf {
    fn eq(&self, other: &Self) -> bool {
        self.scalar == other.scalar
    }
}

impl Eq for ScalarUdf {}

impl Hash for ScalarUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.scalar.hash(state);
    }
}

impl ScalarUdf {
    /// The function inside.
    pub fn scalar(&self) -> Scalar {
        self.scalar
    }
}

/// A call of `scalar`.
pub fn call(scalar: Scalar, args: Vec<Expr>) -> Expr {
    make(scalar, args, None)
}

/// The same call in an execution that may be ended; `None` if it is not one of ours.
pub fn cancelable(function: &ScalarFunction, env: &Arc<Env>) -> Option<Expr> {
    Some(make(scalar_of(function)?, function.args.clone(), Some(env.clone())))
}

fn make(scalar: Scalar, args: Vec<Expr>, env: Option<Arc<Env>>) -> Expr {
    let volatility =
        if scalar.is_volatile() { Volatility::Volatile } else { Volatility::Immutable };
    let signature = Signature::user_defined(volatility);
    let udf = ScalarUdf { scalar, name: scalar.name(), signature, env };
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
        if let Some(env) = &self.env {
            env.check_cancel()?;
        }
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
        if let Scalar::Array(ArrayForm::Quantified(form)) = self.scalar {
            let mut asker = Asker::new(form);
            return each_row(&args, &layout, |row| asker.ask(row));
        }
        each_row(&args, &layout, |row| self.scalar.call(row))
    }
}

/// The values that `run` gives for the rows of a batch, in an array of `layout`.
pub fn each_row(
    args: &ScalarFunctionArgs,
    layout: &DataType,
    mut run: impl FnMut(&[Datum]) -> crate::error::Result<Datum>,
) -> DfResult<ColumnarValue> {
    let mut builder = ArrayBuilder::new(layout)?;
    let mut row = Vec::with_capacity(args.args.len());
    for index in 0..args.number_rows {
        row.clear();
        for arg in &args.args {
            row.push(match arg {
                ColumnarValue::Array(array) => Datum::from_array(array, index)?,
                ColumnarValue::Scalar(value) => Datum::from_scalar(value)?,
            });
        }
        builder.append(&run(&row)?)?;
    }
    Ok(ColumnarValue::Array(builder.finish()))
}
