//! Subqueries in expressions.
//!
//! A subquery becomes a scalar function in the plan of the query around it: its
//! arguments are the outer columns it uses, its kernel runs the inner plan with them. DataFusion's
//! optimizer moves it about like any function, so every form works in every clause. One
//! without outer columns runs once an execution and its result is kept, hashed for IN.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::tree_node::TreeNode;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};

use crate::functions::udf::each_row;
use crate::row::{Env, RowPlan};
use crate::types::Type;

/// How a subquery's rows become a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Its only value.
    Scalar,
    /// Whether there are rows.
    Exists,
    /// Whether the comparison holds for some row; the first arguments are the left side.
    Any(Comparison),
    /// Whether it holds for all rows.
    All(Comparison),
    /// Whether it holds for the only row.
    One(Comparison),
    /// All its values, as an array.
    Array,
}

/// The operators that ANY and ALL take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Comparison {
    Eq,
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
}

/// A subquery.
#[derive(Debug)]
pub struct Subplan {
    /// How its rows are used.
    pub form: Form,
    /// How many values of the left side come first among the arguments.
    pub probes: usize,
    /// Type of the result.
    pub returns: Type,
    /// Type of the query's first column.
    pub column: Type,
    /// The inner plan; outer columns are parameters `$o<slot>`.
    pub plan: LogicalPlan,
    /// Where the arguments go.
    pub slots: Vec<usize>,
    /// The inner plan, compiled at first use.
    pub compiled: OnceLock<std::result::Result<RowPlan, String>>,
}

/// The DataFusion face of a [`Subplan`].
#[derive(Clone, Debug)]
pub struct SubplanUdf {
    /// The subquery.
    pub subplan: Arc<Subplan>,
    /// What it runs in; set when an execution starts.
    env: Option<Arc<Env>>,
    signature: Signature,
}

impl PartialEq for SubplanUdf {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.subplan, &other.subplan)
    }
}

impl Eq for SubplanUdf {}

impl Hash for SubplanUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (Arc::as_ptr(&self.subplan) as usize).hash(state);
    }
}

/// A call of `subplan`.
pub fn call(subplan: Arc<Subplan>, env: Option<Arc<Env>>, args: Vec<Expr>) -> Expr {
    // Volatile, so that it is neither folded at planning nor copied.
    let signature = Signature::user_defined(Volatility::Volatile);
    let udf = SubplanUdf { subplan, env, signature };
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::from(udf)), args))
}

/// The subquery that an expression calls, if it does.
pub fn subplan_of(function: &ScalarFunction) -> Option<&Arc<Subplan>> {
    let inner = function.func.inner().as_ref() as &dyn std::any::Any;
    inner.downcast_ref::<SubplanUdf>().map(|udf| &udf.subplan)
}

/// Whether an expression has subqueries.
pub fn has_subplan(expr: &Expr) -> bool {
    let calls = |expr: &Expr| match expr {
        Expr::ScalarFunction(function) => Ok(subplan_of(function).is_some()),
        _ => Ok(false),
    };
    expr.exists(calls).unwrap_or(true)
}

impl ScalarUDFImpl for SubplanUdf {
    fn name(&self) -> &str {
        "subplan"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(self.subplan.returns.layout())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> DfResult<FieldRef> {
        Ok(Arc::new(Field::new("subplan", self.subplan.returns.layout(), true)))
    }

    fn coerce_types(&self, args: &[DataType]) -> DfResult<Vec<DataType>> {
        Ok(args.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let env = self.env.as_ref().ok_or_else(|| {
            crate::error::Error::internal("a subquery was evaluated outside of an execution")
        })?;
        each_row(&args, &self.subplan.returns.layout(), |row| {
            crate::row::evaluate_subplan(&self.subplan, env, row)
        })
    }
}
