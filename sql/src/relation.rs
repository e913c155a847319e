//! What a plan scans: a table, or rows that are computed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{
    Expr, LogicalPlan, TableProviderFilterPushDown, TableSource, TableType,
};

use crate::catalog::Table;
use crate::functions::sets::SetCall;
use crate::row::common::CommonProgram;
use crate::system::SystemRelation;
use crate::types::Type;

/// The source of a relation's rows.
#[derive(Clone, Debug)]
pub enum Source {
    /// A stored table.
    Table(Arc<Table>),
    /// Functions in FROM.
    Functions(Arc<Functions>),
    /// A system relation.
    System(&'static SystemRelation),
    /// What a part of the statement that changes rows has returned, with the layouts of its columns.
    Changed(usize, Vec<DataType>),
    /// A WITH query that is run by itself.
    Common(Arc<Common>),
    /// What the recursive term of a WITH query reads of that query.
    Working(Arc<WorkingTable>),
}

/// A WITH query that is run by itself.
#[derive(Debug)]
pub struct Common {
    /// Its name.
    pub name: String,
    /// The query, not optimized yet; of a recursive one the term that is not.
    pub plan: LogicalPlan,
    /// The term that is, if there is one.
    pub recursion: Option<Recursion>,
    /// Types of its columns.
    pub columns: Vec<Type>,
    /// Whether its rows are there before the plan runs.
    pub is_given: bool,
    /// Whether it is read more than once in an execution.
    shared: AtomicBool,
    references: AtomicUsize,
    /// Compiled at first use.
    pub compiled: OnceLock<std::result::Result<Arc<CommonProgram>, String>>,
}

/// The recursive term of a WITH query.
#[derive(Debug)]
pub struct Recursion {
    /// The term, not optimized yet.
    pub term: LogicalPlan,
    /// The number of its working table.
    pub id: usize,
    /// UNION, without ALL.
    pub distinct: bool,
}

/// The rows that a recursive WITH query got in the round before.
#[derive(Debug)]
pub struct WorkingTable {
    /// The query's name.
    pub name: String,
    /// The number by which it is found.
    pub id: usize,
    /// Types of its columns.
    pub columns: Vec<Type>,
}

impl Common {
    /// A WITH query that nobody reads yet.
    pub fn new(
        name: String,
        plan: LogicalPlan,
        recursion: Option<Recursion>,
        columns: Vec<Type>,
    ) -> Common {
        Common {
            name,
            plan,
            recursion,
            columns,
            is_given: false,
            shared: AtomicBool::new(false),
            references: AtomicUsize::new(0),
            compiled: OnceLock::new(),
        }
    }

    /// Notes a reader, and whether it may read more than once.
    pub fn refer(&self, repeatedly: bool) {
        let before = self.references.fetch_add(1, Ordering::Relaxed);
        if repeatedly || before > 0 {
            self.shared.store(true, Ordering::Relaxed);
        }
    }

    /// Whether its rows are kept for the next reader.
    pub fn is_shared(&self) -> bool {
        self.is_given || self.shared.load(Ordering::Relaxed)
    }
}

/// Calls whose rows stand beside each other; those that have fewer than others end with NULLs.
/// Their arguments are constant, but for parameters.
#[derive(Debug)]
pub struct Functions {
    /// The calls.
    pub calls: Vec<SetCall>,
    /// Whether a last column numbers the rows.
    pub ordinality: bool,
}

/// What plans may use, where there is a choice: `enable_seqscan` and its kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the settings")]
pub struct Hints {
    pub seqscan: bool,
    pub indexscan: bool,
    pub indexonlyscan: bool,
    pub nestloop: bool,
}

impl Default for Hints {
    fn default() -> Hints {
        Hints { seqscan: true, indexscan: true, indexonlyscan: true, nestloop: true }
    }
}

/// A relation in a plan. It knows nothing of transactions: those come with an execution.
#[derive(Debug)]
pub struct Relation {
    /// Where rows come from.
    pub source: Source,
    /// How they are not to be reached.
    pub hints: Hints,
    schema: SchemaRef,
}

impl Relation {
    /// A relation over `source`.
    pub fn new(source: Source) -> Arc<Relation> {
        let schema = match &source {
            Source::Table(table) => table.arrow_schema(),
            Source::Functions(functions) => {
                let columns = functions.calls.iter().flat_map(|call| &call.columns);
                let layouts = columns.map(|kind| kind.layout());
                let layouts = layouts.chain(functions.ordinality.then_some(DataType::Int64));
                let fields = layouts.enumerate().map(|(position, layout)| {
                    Field::new(Relation::column_of_function(position), layout, true)
                });
                Arc::new(Schema::new(fields.collect::<Vec<_>>()))
            }
            Source::Common(common) => common_schema(&common.columns),
            Source::Working(table) => common_schema(&table.columns),
            Source::System(relation) => {
                let fields = relation.all_columns().enumerate().map(|(position, (_, kind))| {
                    Field::new(format!("c{position}"), kind.layout(), true)
                });
                Arc::new(Schema::new(fields.collect::<Vec<_>>()))
            }
            Source::Changed(_, layouts) => {
                let fields = layouts.iter().enumerate().map(|(position, layout)| {
                    Field::new(format!("c{position}"), layout.clone(), true)
                });
                Arc::new(Schema::new(fields.collect::<Vec<_>>()))
            }
        };
        Arc::new(Relation { source, schema, hints: Hints::default() })
    }

    /// A table whose rows are not to be reached in every way.
    pub fn of_table(table: Arc<Table>, hints: Hints) -> Arc<Relation> {
        let schema = table.arrow_schema();
        Arc::new(Relation { source: Source::Table(table), schema, hints })
    }

    /// The name of a column of functions in FROM: unlike any table's, so that conditions on one are
    /// not taken for conditions on the other.
    pub fn column_of_function(position: usize) -> String {
        format!("f{position}")
    }

    /// The name of a column of a WITH query that is run by itself.
    pub fn column_of_common(position: usize) -> String {
        format!("r{position}")
    }

    /// Where the rows behind a plan's table source come from, if it is ours.
    pub fn source_of(source: &Arc<dyn TableSource>) -> Option<&Source> {
        Relation::of(source).map(|relation| &relation.source)
    }

    /// The relation behind a plan's table source, if it is ours.
    pub fn of(source: &Arc<dyn TableSource>) -> Option<&Relation> {
        (source.as_ref() as &dyn std::any::Any).downcast_ref::<Relation>()
    }
}

fn common_schema(columns: &[Type]) -> SchemaRef {
    let fields = columns.iter().enumerate().map(|(position, kind)| {
        Field::new(Relation::column_of_common(position), kind.layout(), true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

impl TableSource for Relation {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DfResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Exact; filters.len()])
    }
}
