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
    fn address(&self) -> usize {
        Arc::as_ptr(&self.function).cast::<()>() as usize
    }
}

impl PartialEq for StatefulUdf {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Eq for StatefulUdf {}

impl Hash for StatefulUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}

/// A call as an expression.
pub fn call(function: Arc<dyn Stateful>, args: Vec<Expr>) -> Expr {
    let signature = Signature::user_defined(Volatility::Volatile);
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
        each_row(&args, &self.function.returns().layout(), |row| self.function.run(row))
    }
}
