//! What a plan scans: a table, or rows that are computed.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableSource, TableType};

use crate::catalog::Table;
use crate::system::SystemRelation;

/// The source of a relation's rows.
#[derive(Clone, Debug)]
pub enum Source {
    /// A stored table.
    Table(Arc<Table>),
    /// `generate_series(start, stop, step)` over int8: constant expressions.
    Series(Vec<Expr>),
    /// A system relation.
    System(&'static SystemRelation),
    /// What a part of the statement that changes rows has returned, with the layouts of its columns.
    Changed(usize, Vec<DataType>),
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
            Source::Series(_) => {
                Arc::new(Schema::new(vec![Field::new("c0", DataType::Int64, true)]))
            }
            Source::System(relation) => {
                let fields = relation.columns.iter().enumerate().map(|(position, (_, kind))| {
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
        Arc::new(Relation { source, schema })
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
