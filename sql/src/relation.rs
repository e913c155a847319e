//! What a plan scans: a table, or rows that are computed.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableSource, TableType};

use crate::catalog::Table;
use crate::functions::sets::SetCall;
use crate::system::SystemRelation;

/// The source of a relation's rows.
#[derive(Clone, Debug)]
pub enum Source {
    /// A stored table.
    Table(Arc<Table>),
    /// Functions in FROM.
    Functions(Arc<Functions>),
    /// A system relation.
    System(&'static SystemRelation),
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

/// A relation in a plan. It knows nothing of transactions: those come with an execution.
#[derive(Debug)]
pub struct Relation {
    /// Where rows come from.
    pub source: Source,
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
            Source::System(relation) => {
                let fields = relation.columns.iter().enumerate().map(|(position, (_, kind))| {
                    Field::new(format!("c{position}"), kind.layout(), true)
                });
                Arc::new(Schema::new(fields.collect::<Vec<_>>()))
            }
        };
        Arc::new(Relation { source, schema })
    }

    /// The name of a column of functions in FROM: unlike any table's, so that conditions on one are
    /// not taken for conditions on the other.
    pub fn column_of_function(position: usize) -> String {
        format!("f{position}")
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
