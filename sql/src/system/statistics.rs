//! `pg_stats` and `pg_statistic`: what ANALYZE has found out.

use std::sync::Arc;

use super::classes::tables;
use super::{Asked, facts, oid, text};
use crate::catalog::Table;
use crate::catalog::statistics::{ColumnStatistics, value_of};
use crate::error::Result;
use crate::row::Row;
use crate::types::array::{Array, Dimension};
use crate::types::io::{self, Style};
use crate::types::{Datum, Type};

fn array(element: Type, items: Vec<Datum>) -> Datum {
    let length = items.len() as i32;
    match length {
        0 => Datum::Null,
        _ => Array { element, dimensions: vec![Dimension { length, lower: 1 }], items }.to_datum(),
    }
}

fn real(value: f64) -> Datum {
    Datum::Float32(value as f32)
}

/// Values as the text of an array.
fn values<'v>(kind: Type, values: impl Iterator<Item = &'v Vec<u8>>) -> Result<Datum> {
    let style = Style::default();
    let mut items = Vec::new();
    for value in values {
        let Some(value) = value_of(value) else { continue };
        items.push(Datum::Text(io::to_text(kind, &value, &style)?));
    }
    match array(Type::Text, items) {
        Datum::Null => Ok(Datum::Null),
        shown => Ok(text(io::to_text(Type::Text.array().unwrap_or(Type::Text), &shown, &style)?)),
    }
}

fn each(
    asked: &Asked<'_>,
    column: &str,
    mut row: impl FnMut(&Table, usize, &ColumnStatistics) -> Result<Row>,
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let all: Vec<Arc<Table>> = tables(asked, column);
    for table in &all {
        let Some(statistics) = &table.statistics else { continue };
        for (position, _) in table.visible() {
            if let Some(found) = statistics.columns.get(&position) {
                rows.push(row(table, position, found)?);
            }
        }
    }
    Ok(rows)
}

fn kind_of(table: &Table, position: usize) -> Type {
    table.columns.get(position).map_or(Type::Text, |column| column.kind().kind)
}

/// pg_stats.
pub fn stats(asked: &Asked<'_>) -> Result<Vec<Row>> {
    each(asked, "", |table, position, found| {
        let kind = kind_of(table, position);
        let name = table.columns.get(position).map_or("", |column| column.name.as_str());
        let freqs = found.common.iter().map(|(_, part)| real(*part)).collect();
        Ok(vec![
            text(table.schema.as_str()),
            text(table.name.as_str()),
            text(name),
            Datum::Bool(false),
            real(found.null_fraction),
            Datum::Int32(found.average_width),
            real(found.distinct),
            values(kind, found.common.iter().map(|(value, _)| value))?,
            array(Type::Float4, freqs),
            values(kind, found.bounds.iter())?,
            found.correlation.map_or(Datum::Null, real),
            Datum::Null,
            Datum::Null,
            Datum::Null,
        ])
    })
}

/// pg_statistic.
pub fn statistic(asked: &Asked<'_>) -> Result<Vec<Row>> {
    const MCV: i16 = 1;
    const HISTOGRAM: i16 = 2;
    const CORRELATION: i16 = 3;
    each(asked, "starelid", |table, position, found| {
        let kind = kind_of(table, position);
        let mut slots: Vec<(i16, Datum, Datum)> = Vec::new();
        if !found.common.is_empty() {
            let freqs = found.common.iter().map(|(_, part)| real(*part)).collect();
            let common = values(kind, found.common.iter().map(|(value, _)| value))?;
            slots.push((MCV, array(Type::Float4, freqs), common));
        }
        if !found.bounds.is_empty() {
            slots.push((HISTOGRAM, Datum::Null, values(kind, found.bounds.iter())?));
        }
        if let Some(correlation) = found.correlation {
            let numbers = array(Type::Float4, vec![real(correlation)]);
            slots.push((CORRELATION, numbers, Datum::Null));
        }
        slots.resize(5, (0, Datum::Null, Datum::Null));
        let mut row = vec![
            oid(table.id),
            Datum::Int16(position as i16 + 1),
            Datum::Bool(false),
            real(found.null_fraction),
            Datum::Int32(found.average_width),
            real(found.distinct),
        ];
        row.extend(slots.iter().map(|(slot, ..)| Datum::Int16(*slot)));
        row.extend(slots.iter().map(|_| oid(0)));
        let collation = |slot: i16| if slot == 0 { 0 } else { facts::collation(kind) };
        row.extend(slots.iter().map(|(slot, ..)| oid(collation(*slot))));
        row.extend(slots.iter().map(|(_, numbers, _)| numbers.clone()));
        row.extend(slots.iter().map(|(.., values)| values.clone()));
        Ok(row)
    })
}
