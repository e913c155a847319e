//! Operators that DataFusion lacks, as nodes of its logical plans.
//!
//! Each has one input and gives its columns on, with columns of its own behind them or without
//! some at the end. The row executor runs them; in a vectorized plan they are leaves that feed it with
//! the rows of their input, which DataFusion makes.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::FieldRef;
use datafusion::common::{DFSchema, DFSchemaRef, TableReference};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};

use crate::functions::sets::SetCall;
use crate::functions::windows::{Bound, FrameClause, WindowCall};

/// Whether a node makes sets of rows by calls in a select list.
pub fn is_project_set(node: &LogicalPlan) -> bool {
    let LogicalPlan::Extension(node) = node else { return false };
    let operator = node.node.as_any().downcast_ref::<Operator>();
    operator.is_some_and(|operator| matches!(operator.kind, Kind::ProjectSet(_)))
}

/// A column that an operator adds.
pub type Added = (Option<TableReference>, FieldRef);

/// What an operator does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// LATERAL: for each row of the input, the rows of a plan that uses it.
    Apply(Apply),
    /// For each row of the input, the rows of calls that advance together.
    ProjectSet(ProjectSet),
    /// The first row of those that follow each other with equal keys.
    DistinctOn(Vec<Expr>),
    /// For each row of the input one for each grouping set.
    Expand(Box<Expand>),
    /// Window functions over one window, by which the rows are sorted.
    Window(Box<Window>),
    /// LIMIT, and all rows behind it whose keys are those of the last one.
    Ties(Box<Ties>),
}

/// For each row, the rows of another plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Apply {
    /// What of the row goes to the slots.
    pub args: Vec<Expr>,
    /// The other plan.
    pub right: Arc<Lateral>,
    /// Whether a row without others stays, with NULLs beside it.
    pub outer: bool,
}

/// For each row, the rows of calls of set-returning functions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProjectSet {
    /// The calls, with one column each.
    pub calls: Vec<SetCall>,
}

/// Rows for grouping sets: behind the input's columns stand the keys, NULL where the set lacks them,
/// the number of the set, and, if a set is empty, whether the row is one of the input. For each empty
/// set there is one that is not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Expand {
    /// The keys.
    pub keys: Vec<Expr>,
    /// The sets of keys, by place.
    pub sets: Vec<Vec<usize>>,
}

/// Calls over one window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// PARTITION BY.
    pub partition: Vec<Expr>,
    /// The keys of ORDER BY.
    pub order: Vec<Expr>,
    /// The frame.
    pub frame: FrameClause,
    /// The calls, with one column each.
    pub calls: Vec<WindowCall>,
}

/// FETCH FIRST ... WITH TIES.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ties {
    /// OFFSET.
    pub skip: Option<Expr>,
    /// The number of rows.
    pub fetch: Expr,
    /// By which the input is sorted.
    pub keys: Vec<Expr>,
}

/// A plan whose parameters `$o<slot>` are columns of the rows beside it.
#[derive(Debug)]
pub struct Lateral {
    /// Not optimized yet.
    pub plan: LogicalPlan,
    /// Where the row's columns go.
    pub slots: Vec<usize>,
}

impl PartialEq for Lateral {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Lateral {}

impl Hash for Lateral {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self).hash(state);
    }
}

/// How an operator's columns follow from its input's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// All of them, and these.
    Adds(Vec<Added>),
    /// The first ones only.
    Keeps(usize),
}

/// An operator over its input.
#[derive(Clone, Debug)]
pub struct Operator {
    /// What it does.
    pub kind: Kind,
    /// Where its rows come from.
    pub input: LogicalPlan,
    output: Output,
    schema: DFSchemaRef,
}

impl PartialEq for Operator {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.output == other.output && self.input == other.input
    }
}

impl Eq for Operator {}

impl Hash for Operator {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kind.hash(state);
        self.output.hash(state);
        self.input.hash(state);
    }
}

impl PartialOrd for Operator {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl Kind {
    /// Calls `visit` for each expression over the input's rows.
    fn each_expr(&mut self, visit: &mut dyn FnMut(&mut Expr)) {
        match self {
            Kind::Apply(apply) => apply.args.iter_mut().for_each(visit),
            Kind::ProjectSet(project) => {
                project.calls.iter_mut().flat_map(|call| &mut call.args).for_each(visit);
            }
            Kind::DistinctOn(keys) => keys.iter_mut().for_each(visit),
            Kind::Expand(expand) => expand.keys.iter_mut().for_each(visit),
            Kind::Window(window) => {
                let Window { partition, order, frame, calls } = &mut **window;
                partition.iter_mut().chain(order).for_each(&mut *visit);
                for bound in [&mut frame.start, &mut frame.end] {
                    if let Bound::Preceding(offset) | Bound::Following(offset) = bound {
                        visit(offset);
                    }
                }
                frame.range.iter_mut().map(|range| &mut range.expr).for_each(&mut *visit);
                for call in calls {
                    call.args.iter_mut().chain(&mut call.filter).for_each(&mut *visit);
                }
            }
            Kind::Ties(ties) => {
                let Ties { skip, fetch, keys } = &mut **ties;
                skip.iter_mut().chain([fetch]).chain(keys).for_each(visit);
            }
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Kind::Apply(Apply { outer: false, .. }) => "Lateral",
            Kind::Apply(Apply { outer: true, .. }) => "Lateral Left",
            Kind::ProjectSet(_) => "ProjectSet",
            Kind::DistinctOn(_) => "Unique",
            Kind::Window(_) => "WindowAgg",
            Kind::Expand(_) => "GroupingSets",
            Kind::Ties(_) => "LimitWithTies",
        }
    }
}

impl Operator {
    /// An operator over `input`.
    pub fn new(kind: Kind, input: LogicalPlan, output: Output) -> DfResult<Operator> {
        // A row that is not of the input has NULLs only.
        let nullable = matches!(kind, Kind::Expand(_));
        let own = input.schema().iter().map(|(qualifier, field)| match nullable {
            true => {
                let field = field.as_ref().clone().with_nullable(true);
                (qualifier.cloned(), FieldRef::new(field))
            }
            false => (qualifier.cloned(), field.clone()),
        });
        let fields: Vec<Added> = match &output {
            Output::Adds(added) => own.chain(added.iter().cloned()).collect(),
            Output::Keeps(count) => own.take(*count).collect(),
        };
        let schema = Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?);
        Ok(Operator { kind, input, output, schema })
    }

    /// The same as a plan.
    pub fn plan(kind: Kind, input: LogicalPlan, output: Output) -> DfResult<LogicalPlan> {
        let node = Arc::new(Operator::new(kind, input, output)?);
        Ok(LogicalPlan::Extension(Extension { node }))
    }

    /// The operator that a node of a plan is, if it is one of ours.
    pub fn of(extension: &Extension) -> Option<&Operator> {
        extension.node.as_any().downcast_ref::<Operator>()
    }
}

impl UserDefinedLogicalNodeCore for Operator {
    fn name(&self) -> &str {
        self.kind.name()
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        let mut exprs = Vec::new();
        self.kind.clone().each_expr(&mut |expr| exprs.push(std::mem::take(expr)));
        exprs
    }

    /// A condition on the columns of one row of the input may be checked before.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        let names = |fields: &mut dyn Iterator<Item = &FieldRef>| {
            fields.map(|field| field.name().clone()).collect()
        };
        match (&self.kind, &self.output) {
            (Kind::Apply(_) | Kind::ProjectSet(_), Output::Adds(added)) => {
                names(&mut added.iter().map(|(_, field)| field))
            }
            // A condition on the partition holds for all of it or none.
            (Kind::Window(window), _) => {
                let is_key = |field: &&FieldRef| {
                    window.partition.iter().any(
                        |key| matches!(key, Expr::Column(column) if column.name == *field.name()),
                    )
                };
                names(&mut self.schema.fields().iter().filter(|field| !is_key(field)))
            }
            _ => names(&mut self.schema.fields().iter()),
        }
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())
    }

    fn with_exprs_and_inputs(
        &self,
        exprs: Vec<Expr>,
        mut inputs: Vec<LogicalPlan>,
    ) -> DfResult<Operator> {
        let mut kind = self.kind.clone();
        let mut exprs = exprs.into_iter();
        kind.each_expr(&mut |expr| {
            if let Some(new) = exprs.next() {
                *expr = new;
            }
        });
        let input = inputs.pop().unwrap_or_else(|| self.input.clone());
        Operator::new(kind, input, self.output.clone())
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        match self.output {
            Output::Adds(_) => {
                let width = self.input.schema().fields().len();
                let own = output_columns.iter().copied().filter(|column| *column < width);
                Some(vec![own.collect()])
            }
            Output::Keeps(_) => None,
        }
    }
}
