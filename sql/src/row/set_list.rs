//! SET, evaluated row by row: in DO UPDATE and in MERGE, where only some rows are changed.

use std::sync::Arc;

use datafusion::arrow::datatypes::Field;
use datafusion::common::DFSchema;

use super::expr::RowExpr;
use super::tuple::PACKED;
use super::{Frame, Row};
use crate::binder::dml::Assignments;
use crate::error::Result;

/// A compiled SET list.
#[derive(Debug)]
pub struct SetList {
    /// Rows of subqueries: the values find them behind the columns of the row.
    rows: Vec<RowExpr>,
    /// Positions of the columns.
    pub positions: Vec<usize>,
    values: Vec<RowExpr>,
}

impl SetList {
    /// Compiles what was bound over rows of `schema`.
    pub fn compile(assignments: &Assignments, schema: &DFSchema) -> Result<SetList> {
        let own = schema.iter().map(|(qualifier, field)| (qualifier.cloned(), field.clone()));
        let packed = assignments
            .rows
            .iter()
            .map(|(name, _)| (None, Arc::new(Field::new(name, PACKED.layout(), true))));
        let fields = own.chain(packed).collect();
        let schema = DFSchema::new_with_metadata(fields, Default::default())?;
        let rows = assignments.rows.iter().map(|(_, row)| RowExpr::compile(row, &schema));
        let values = assignments.values.iter().map(|(_, value)| RowExpr::compile(value, &schema));
        Ok(SetList {
            rows: rows.collect::<Result<_>>()?,
            positions: assignments.values.iter().map(|(position, _)| *position).collect(),
            values: values.collect::<Result<_>>()?,
        })
    }

    /// The first `width` columns of a row with their new values.
    pub fn apply(&self, mut row: Row, width: usize, frame: &Frame<'_>) -> Result<Row> {
        for packed in &self.rows {
            let value = packed.eval(&row, frame)?;
            row.push(value);
        }
        let values = self.values.iter().map(|value| value.eval(&row, frame));
        let values = values.collect::<Result<Row>>()?;
        row.truncate(width);
        for (position, value) in self.positions.iter().zip(values) {
            if let Some(column) = row.get_mut(*position) {
                *column = value;
            }
        }
        Ok(row)
    }
}
