//! The leaf of vectorized plans: a scan of the row executor's, into Arrow batches.

use std::ops::ControlFlow;
use std::sync::Arc;

use cairn_txn::storage::Span;
use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result as DfResult;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{LogicalPlan, TableScan};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
    SendableRecordBatchStream,
};

use super::{BATCH_ROWS, BATCHES_IN_FLIGHT};
use crate::catalog::index_span;
use crate::error::Result;
use crate::relation::{Relation, Source};
use crate::row::profile::Detail;
use crate::row::{Env, Row, RowPlan};
use crate::types::datum::ArrayBuilder;

/// A scan with its filters, one partition a range.
#[derive(Debug)]
pub struct ScanExec {
    plan: Arc<RowPlan>,
    env: Arc<Env>,
    schema: SchemaRef,
    /// What part of the table each partition reads; `None`: all.
    parts: Vec<Option<Span>>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl ScanExec {
    /// A scan in `env`.
    pub fn new(scan: &TableScan, env: Arc<Env>) -> Result<ScanExec> {
        let env = Arc::new(Env { view: env.view.clone().ahead(), ..(*env).clone() });
        let plan = Arc::new(RowPlan::compile(&LogicalPlan::TableScan(scan.clone()))?);
        let schema: SchemaRef = Arc::new(scan.projected_schema.as_arrow().clone());
        let parts = match Relation::of(&scan.source).map(|relation| &relation.source) {
            Some(Source::Table(table)) if scan.fetch.is_none() && plan.is_full_scan() => {
                let parts = env.view.cut(&index_span(table.primary.storage));
                parts.into_iter().map(Some).collect()
            }
            _ => vec![None],
        };
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            Partitioning::UnknownPartitioning(parts.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        let metrics = ExecutionPlanMetricsSet::new();
        Ok(ScanExec { plan, env, schema, parts, properties, metrics })
    }
}

impl DisplayAs for ScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ranges = self.parts.len();
        write!(
            f,
            "ScanExec: {} (partitions: {ranges})",
            self.plan.explain(Detail::default()).join("; ")
        )
    }
}

impl ExecutionPlan for ScanExec {
    fn name(&self) -> &str {
        "ScanExec"
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

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(
        &self,
        partition: usize,
        _: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        let mut stream = RecordBatchReceiverStream::builder(self.schema.clone(), BATCHES_IN_FLIGHT);
        let sender = stream.tx();
        let (plan, env, schema) = (self.plan.clone(), self.env.clone(), self.schema.clone());
        let part = self.parts.get(partition).cloned().flatten();
        let given = MetricBuilder::new(&self.metrics).output_rows(partition);
        stream.spawn_blocking(move || {
            let mut rows: Vec<Row> = Vec::with_capacity(BATCH_ROWS);
            let send = |rows: &mut Vec<Row>| -> Result<bool> {
                let batch = to_batch(&schema, rows)?;
                given.add(rows.len());
                rows.clear();
                Ok(sender.blocking_send(Ok(batch)).is_ok())
            };
            plan.run_part(&env, part.as_ref(), &mut |row| {
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

pub(super) fn to_batch(schema: &SchemaRef, rows: &[Row]) -> Result<RecordBatch> {
    let mut columns = Vec::with_capacity(schema.fields().len());
    for (index, field) in schema.fields().iter().enumerate() {
        let mut builder = ArrayBuilder::new(field.data_type())?;
        for row in rows {
            builder.append(row.get(index).unwrap_or(&crate::types::Datum::Null))?;
        }
        columns.push(builder.finish());
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
        .map_err(|error| datafusion::error::DataFusionError::from(error).into())
}
