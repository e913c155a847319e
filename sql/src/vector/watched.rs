//! What ends a vectorized execution, and lets others have its threads.
//!
//! DataFusion's operators wait where their inputs do. A join makes many rows of few and then asks its
//! inputs rarely, so its output is watched: it fails when the statement is to end, and from time to
//! time waits for nothing. One whose condition rejects all pairs has no output either, so its
//! condition is watched as well.

use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties, RecordBatchStream,
    SendableRecordBatchStream,
};
use futures::{Stream, StreamExt};

use crate::row::Env;

/// How long the output of a join comes before it waits for nothing.
const SLICE: Duration = Duration::from_millis(10);

/// A condition that fails when its statement is to end.
#[derive(Debug)]
struct WatchedCondition {
    env: Arc<Env>,
    signature: Signature,
}

impl PartialEq for WatchedCondition {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.env, &other.env)
    }
}

impl Eq for WatchedCondition {}

impl Hash for WatchedCondition {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.env).hash(state);
    }
}

impl ScalarUDFImpl for WatchedCondition {
    fn name(&self) -> &str {
        "watched"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        self.env.check_cancel()?;
        let condition = args.args.into_iter().next();
        condition.ok_or_else(|| DataFusionError::Internal("a condition without value".into()))
    }
}

/// A join's condition, watched.
pub(super) fn condition(condition: Expr, env: &Arc<Env>) -> Expr {
    let signature = Signature::any(1, Volatility::Volatile);
    let watched = ScalarUDF::from(WatchedCondition { env: env.clone(), signature });
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(watched), vec![condition]))
}

/// A plan with its joins watched.
pub(super) fn joins(
    plan: Arc<dyn ExecutionPlan>,
    env: &Arc<Env>,
) -> DfResult<Arc<dyn ExecutionPlan>> {
    let watched = plan.transform_up(|node| {
        let any = &*node as &dyn std::any::Any;
        let is_join =
            any.is::<CrossJoinExec>() || any.is::<NestedLoopJoinExec>() || any.is::<HashJoinExec>();
        Ok(match is_join {
            true => Transformed::yes(Arc::new(WatchedExec { join: node, env: env.clone() }) as _),
            false => Transformed::no(node),
        })
    });
    Ok(watched?.data)
}

/// A join whose output is watched.
#[derive(Debug)]
struct WatchedExec {
    join: Arc<dyn ExecutionPlan>,
    env: Arc<Env>,
}

impl DisplayAs for WatchedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl ExecutionPlan for WatchedExec {
    fn name(&self) -> &str {
        "WatchedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.join.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.join]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let join = children.into_iter().next();
        let join = join.ok_or_else(|| DataFusionError::Internal("a watch without join".into()))?;
        Ok(Arc::new(WatchedExec { join, env: self.env.clone() }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        let rows = self.join.execute(partition, context)?;
        Ok(Box::pin(Watched { rows, env: self.env.clone(), began: None }))
    }
}

/// The output of a join.
struct Watched {
    rows: SendableRecordBatchStream,
    env: Arc<Env>,
    began: Option<Instant>,
}

impl Stream for Watched {
    type Item = DfResult<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Err(error) = self.env.check_cancel() {
            return Poll::Ready(Some(Err(error.into())));
        }
        let now = Instant::now();
        if now - *self.began.get_or_insert(now) >= SLICE {
            self.began = None;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = self.rows.poll_next_unpin(context);
        if polled.is_pending() {
            self.began = None;
        }
        polled
    }
}

impl RecordBatchStream for Watched {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}
