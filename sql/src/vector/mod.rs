//! The vectorized executor: DataFusion's, over the same scans.
//!
//! A cached plan is generic; an execution binds the parameters as literals, gives subqueries
//! their environment, and plans physically. Scans decode rows straight into Arrow builders, one
//! partition a range. Everything runs on a thread pool of its own with a bounded memory pool, so that a
//! long report neither starves short transactions of threads nor takes all memory.

mod feed;
mod scan;
mod watched;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::catalog::Session;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result as DfResult;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::context::SessionConfig;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan, UserDefinedLogicalNode};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use futures::StreamExt;
use tokio::sync::mpsc;

use crate::binder::subplan;
use crate::error::{Error, Result};
use crate::functions::udf;
use crate::operator::Operator;
use crate::row::expr::{Parameter, parameter_of};
use crate::row::{Env, Row};
use crate::types::Datum;

/// Rows of a batch.
const BATCH_ROWS: usize = 8192;
/// Batches that wait for a slow client.
const BATCHES_IN_FLIGHT: usize = 4;

/// Runs plans on DataFusion.
pub struct VectorExecutor {
    runtime: Option<tokio::runtime::Runtime>,
    resources: Arc<RuntimeEnv>,
    threads: usize,
}

impl VectorExecutor {
    /// With this many threads and this much memory for sorting, hashing and grouping.
    pub fn new(threads: usize, memory_bytes: usize) -> Result<VectorExecutor> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("vector")
            .thread_stack_size(crate::parser::STACK_BYTES)
            .enable_all()
            .build()
            .map_err(|error| Error::internal(format!("no threads for queries: {error}")))?;
        let pool = Arc::new(FairSpillPool::new(memory_bytes));
        let resources = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc()?;
        Ok(VectorExecutor { runtime: Some(runtime), resources, threads })
    }

    fn state(&self, env: &Arc<Env>) -> SessionState {
        // Tests such as IS TRUE are never NULL, but to DataFusion's physical plans they may be, which its
        // check of an aggregate's input takes for an error.
        let config = SessionConfig::new()
            .with_target_partitions(self.threads)
            .with_batch_size(BATCH_ROWS)
            .with_create_default_catalog_and_schema(false)
            .set_bool("datafusion.execution.skip_physical_aggregate_schema_check", true);
        SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(self.resources.clone())
            .with_query_planner(Arc::new(Planner { env: env.clone() }))
            .build()
    }

    /// Runs an optimized plan; rows arrive in batches.
    pub fn run(&self, plan: &LogicalPlan, env: Arc<Env>) -> mpsc::Receiver<Result<Vec<Row>>> {
        let (sender, receiver) = mpsc::channel(BATCHES_IN_FLIGHT);
        let state = self.state(&env);
        env.moves(true);
        let plan = bind(plan, &env);
        let work = async move {
            let outcome = async {
                let planned = state.query_planner().create_physical_plan(&plan?, &state).await?;
                let planned = watched::joins(planned, &env)?;
                if let Some(profile) = &env.kept.profile {
                    profile.note_physical(&planned);
                }
                let mut stream = execute_stream(planned, state.task_ctx())?;
                while let Some(batch) = stream.next().await {
                    let batch = batch?;
                    env.check_cancel()?;
                    if sender.send(Ok(to_rows(&batch)?)).await.is_err() {
                        break;
                    }
                }
                Ok::<(), Error>(())
            };
            // A client that has gone away reads no more: then the work stops.
            let ended = tokio::select! {
                ended = outcome => ended,
                () = sender.closed() => return,
            };
            if let Err(error) = ended {
                let _ = sender.send(Err(error)).await;
            }
        };
        if let Some(runtime) = &self.runtime {
            runtime.spawn(work);
        }
        receiver
    }

    /// The physical plan for people.
    pub async fn explain(&self, plan: &LogicalPlan, env: Arc<Env>) -> Result<Vec<String>> {
        let state = self.state(&env);
        let plan = bind(plan, &env)?;
        let planned = state.query_planner().create_physical_plan(&plan, &state).await?;
        let shown = datafusion::physical_plan::displayable(planned.as_ref()).indent(false);
        Ok(shown.to_string().lines().map(str::to_owned).collect())
    }
}

/// A plan that has run, with what it has measured.
pub fn measured_lines(plan: &Arc<dyn ExecutionPlan>) -> Vec<String> {
    use datafusion::physical_plan::display::DisplayableExecutionPlan;
    let shown = DisplayableExecutionPlan::with_metrics(plan.as_ref()).indent(false);
    shown.to_string().lines().map(str::to_owned).collect()
}

impl Drop for VectorExecutor {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn to_rows(batch: &RecordBatch) -> Result<Vec<Row>> {
    let row = |index| {
        let columns = batch.columns().iter();
        columns.map(|column| Datum::from_array(column.as_ref(), index)).collect::<Result<Row>>()
    };
    (0..batch.num_rows()).map(row).collect()
}

/// The plan with parameters as literals and subqueries ready to run.
fn bind(plan: &LogicalPlan, env: &Arc<Env>) -> Result<LogicalPlan> {
    let bound = plan.clone().transform_up(|node| {
        let bound = node.map_expressions(|expr| {
            expr.transform_up(|expr| match &expr {
                Expr::Placeholder(placeholder) => {
                    let value = match parameter_of(&placeholder.id)? {
                        Parameter::Client(index) => env.params.get(index).cloned(),
                        Parameter::Context(context) => Some(env.context(context)),
                        Parameter::Outer(slot) => env.outer.get(slot).cloned(),
                        // Joins of this executor bind nothing.
                        Parameter::Joined(_) => None,
                    };
                    let value = value.ok_or_else(|| Error::internal("a parameter is not bound"))?;
                    let layout = placeholder.field.as_ref().map(|field| field.data_type().clone());
                    let layout = layout.unwrap_or(datafusion::arrow::datatypes::DataType::Utf8);
                    Ok(Transformed::yes(Expr::Literal(value.to_scalar(&layout)?, None)))
                }
                Expr::ScalarFunction(function) => match subplan::subplan_of(function) {
                    Some(plan) => {
                        let args = function.args.clone();
                        let bound = subplan::call(plan.clone(), Some(env.clone()), args);
                        // The name of the result column is the same for all of them.
                        Ok(Transformed::yes(bound))
                    }
                    None => Ok(match udf::cancelable(function, env) {
                        Some(cancelable) => Transformed::yes(cancelable),
                        None => Transformed::no(expr),
                    }),
                },
                _ => Ok(Transformed::no(expr)),
            })
        })?;
        Ok(match bound.data {
            LogicalPlan::Join(mut join) => {
                let filter = join.filter.take();
                join.filter = filter.map(|filter| watched::condition(filter, env));
                Transformed::yes(LogicalPlan::Join(join))
            }
            data => Transformed { data, ..bound },
        })
    })?;
    Ok(bound.data)
}

#[derive(Debug)]
struct Planner {
    env: Arc<Env>,
}

#[async_trait]
impl QueryPlanner for Planner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let scans = Arc::new(ScanPlanner { env: self.env.clone() });
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![scans]);
        planner.create_physical_plan(plan, session).await
    }
}

struct ScanPlanner {
    env: Arc<Env>,
}

#[async_trait]
impl ExtensionPlanner for ScanPlanner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> DfResult<Option<Arc<dyn ExecutionPlan>>> {
        let operator = node.as_any().downcast_ref::<Operator>();
        let (Some(operator), [input]) = (operator, inputs) else { return Ok(None) };
        let planner = DefaultPhysicalPlanner::default();
        let input = planner.optimize_physical_plan(input.clone(), session, |_, _| {})?;
        let input = watched::joins(input, &self.env)?;
        let schema = Arc::new(node.schema().as_arrow().clone());
        let exec = feed::OperatorExec::new(operator, schema, input, self.env.clone())?;
        Ok(Some(Arc::new(exec)))
    }

    async fn plan_table_scan(
        &self,
        _: &dyn PhysicalPlanner,
        scan: &TableScan,
        _: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> DfResult<Option<Arc<dyn ExecutionPlan>>> {
        let exec = scan::ScanExec::new(scan, self.env.clone())?;
        Ok(Some(Arc::new(exec)))
    }
}
