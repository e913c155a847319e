//! Functions that act on more than their arguments, such as `nextval`.
//!
//! They carry what they act on with them, because that is no part of the transaction; which session
//! calls comes as their last argument. They are volatile: each row calls them.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use crate::error::Result;
use crate::functions::udf::each_row;
use crate::types::{Datum, Type};

/// Such a function.
pub trait Stateful: fmt::Debug + Send + Sync {
    /// Its name in plans.
    fn name(&self) -> &'static str;
    /// The type of what it returns.
    fn returns(&self) -> Type;
    /// Whether each call may differ. What only looks at the definitions that the plan holds for does
    /// not.
    fn is_volatile(&self) -> bool {
        true
    }
    /// What two calls have in common that are the same for the same arguments; `None`: nothing.
    fn identity(&self) -> Option<(usize, usize)> {
        None
    }
    /// Calls it.
    ///
    /// # Errors
    /// Its own.
    fn run(&self, args: &[Datum]) -> Result<Datum>;
}

/// The DataFusion face of a [`Stateful`].
#[derive(Debug)]
struct StatefulUdf {
    function: Arc<dyn Stateful>,
    signature: Signature,
}

impl StatefulUdf {
    fn identity(&self) -> (usize, usize) {
        let address = Arc::as_ptr(&self.function).cast::<()>() as usize;
        self.function.identity().unwrap_or((0, address))
    }
}

impl PartialEq for StatefulUdf {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for StatefulUdf {}

impl Hash for StatefulUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

/// A call as an expression.
pub fn call(function: Arc<dyn Stateful>, args: Vec<Expr>) -> Expr {
    let volatility =
        if function.is_volatile() { Volatility::Volatile } else { Volatility::Immutable };
    let signature = Signature::user_defined(volatility);
    let udf = StatefulUdf { function, signature };
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::from(udf)), args))
}

/// The function that an expression calls, if it is such a one.
pub fn stateful_of(function: &ScalarFunction) -> Option<&Arc<dyn Stateful>> {
    let inner = function.func.inner().as_ref() as &dyn std::any::Any;
    inner.downcast_ref::<StatefulUdf>().map(|udf| &udf.function)
}

impl ScalarUDFImpl for StatefulUdf {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(self.function.returns().layout())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> DfResult<FieldRef> {
        Ok(Arc::new(Field::new(self.name(), self.function.returns().layout(), true)))
    }

    fn coerce_types(&self, args: &[DataType]) -> DfResult<Vec<DataType>> {
        Ok(args.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let layout = self.function.returns().layout();
        let scalars = args.args.iter().map(|arg| match arg {
            ColumnarValue::Scalar(value) => Some(Datum::from_scalar(value)),
            ColumnarValue::Array(_) => None,
        });
        // One call will do, and there may be no rows: the optimizer wants the value.
        if !self.function.is_volatile()
            && let Some(scalars) = scalars.collect::<Option<Result<Vec<Datum>>>>()
        {
            let value = self.function.run(&scalars?)?.to_scalar(&layout)?;
            return Ok(ColumnarValue::Scalar(value));
        }
        each_row(&args, &layout, |row| self.function.run(row))
    }
}
