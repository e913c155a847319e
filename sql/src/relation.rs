//! What a plan scans: a table, or rows that are computed.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableSource, TableType};

use crate::catalog::Table;

/// The source of a relation's rows.
#[derive(Clone, Debug)]
pub enum Source {
    /// A stored table.
    Table(Arc<Table>),
    /// `generate_series(start, stop, step)` over int8: constant expressions.
    Series(Vec<Expr>),
    /// `cairn.ranges`: the key space's ranges.
    Ranges,
}

/// A relation in a plan. It knows nothing of transactions: those come with an execution.
#[derive(Debug)]
pub struct Relation {
    /// Where rows come from.
    pub source: Source,
    schema: SchemaRef,
}

/// Names and layouts of the columns of `cairn.ranges`.
pub const RANGES_COLUMNS: &[(&str, crate::types::Type)] = &[
    ("range_id", crate::types::Type::Int8),
    ("relation", crate::types::Type::Text),
    ("start_key", crate::types::Type::Text),
    ("end_key", crate::types::Type::Text),
    ("generation", crate::types::Type::Int8),
    ("bytes", crate::types::Type::Int8),
    ("keys", crate::types::Type::Int8),
    ("reads_per_s", crate::types::Type::Float8),
    ("writes_per_s", crate::types::Type::Float8),
];

impl Relation {
    /// A relation over `source`.
    pub fn new(source: Source) -> Arc<Relation> {
        let schema = match &source {
            Source::Table(table) => table.arrow_schema(),
            Source::Series(_) => {
                Arc::new(Schema::new(vec![Field::new("c0", DataType::Int64, true)]))
            }
            Source::Ranges => {
                let fields = RANGES_COLUMNS.iter().enumerate().map(|(position, (_, kind))| {
                    Field::new(format!("c{position}"), kind.layout(), true)
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
