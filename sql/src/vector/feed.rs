//! An operator of ours in a vectorized plan: the row executor runs it, fed with its input.
//!
//! To DataFusion it is a leaf. Its input is a plan of its own, optimized by itself, so that an order
//! of rows that the operator relies on is that of a whole query: nothing comes between.

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result as DfResult;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
    SendableRecordBatchStream, displayable, execute_stream,
};
use futures::StreamExt;
use tokio::sync::mpsc;

use super::scan::to_batch;
use super::{BATCH_ROWS, BATCHES_IN_FLIGHT, to_rows};
use crate::error::{Error, Result};
use crate::operator::Operator;
use crate::row::profile::Detail;
use crate::row::{Env, Row, RowPlan};

/// An operator over the rows of a plan.
#[derive(Debug)]
pub struct OperatorExec {
    plan: Arc<RowPlan>,
    input: Arc<dyn ExecutionPlan>,
    env: Arc<Env>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl OperatorExec {
    /// An operator in `env` over `input`, which is optimized.
    pub fn new(
        operator: &Operator,
        schema: SchemaRef,
        input: Arc<dyn ExecutionPlan>,
        env: Arc<Env>,
    ) -> Result<OperatorExec> {
        let env = Arc::new(Env { view: env.view.clone().ahead(), ..(*env).clone() });
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        let plan = Arc::new(RowPlan::compile_fed(operator)?);
        Ok(OperatorExec { plan, input, env, schema, properties })
    }
}

impl DisplayAs for OperatorExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = displayable(self.input.as_ref()).indent(false).to_string();
        let input = shown.lines().map(str::trim).collect::<Vec<_>>().join("; ");
        write!(f, "OperatorExec: {} <= {input}", self.plan.explain(Detail::default()).join("; "))
    }
}

impl ExecutionPlan for OperatorExec {
    fn name(&self) -> &str {
        "OperatorExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let mut input = execute_stream(self.input.clone(), context)?;
        let mut stream = RecordBatchReceiverStream::builder(self.schema.clone(), BATCHES_IN_FLIGHT);
        let (feeder, mut fed) = mpsc::channel::<Result<Vec<Row>>>(BATCHES_IN_FLIGHT);
        stream.spawn(async move {
            while let Some(batch) = input.next().await {
                let rows = batch.map_err(Error::from).and_then(|batch| to_rows(&batch));
                // Whoever is fed may have had enough.
                if feeder.send(rows).await.is_err() {
                    break;
                }
            }
            Ok(())
        });
        let sender = stream.tx();
        let (plan, env, schema) = (self.plan.clone(), self.env.clone(), self.schema.clone());
        stream.spawn_blocking(move || {
            let mut rows: Vec<Row> = Vec::with_capacity(BATCH_ROWS);
            let send = |rows: &mut Vec<Row>| -> Result<bool> {
                let batch = to_batch(&schema, rows)?;
                rows.clear();
                Ok(sender.blocking_send(Ok(batch)).is_ok())
            };
            let feed = move |sink: &mut crate::row::Sink<'_>| {
                while let Some(batch) = fed.blocking_recv() {
                    for row in batch? {
                        if sink(row)?.is_break() {
                            return Ok(ControlFlow::Break(()));
                        }
                    }
                }
                Ok(ControlFlow::Continue(()))
            };
            plan.run_fed(&env, Box::new(feed), &mut |row| {
                rows.push(row);
                if rows.len() == BATCH_ROWS && !send(&mut rows)? {
                    return Ok(ControlFlow::Break(()));
                }
                Ok(ControlFlow::Continue(()))
            })?;
            if !rows.is_empty() {
                send(&mut rows)?;
            }
            Ok(())
        });
        Ok(stream.build())
    }
}
