//! Rows and keys as error messages show them, and the errors that show them.

use super::Row;
use crate::catalog::{Index, Table};
use crate::error::{Error, Result, SqlState};
use crate::system::definitions::index_column;
use crate::types::Datum;
use crate::types::io::{self, Style};

/// Characters of a value that are shown.
const MAX_SHOWN: usize = 64;

/// `1, abc, null`
pub fn describe_row(table: &Table, row: &[Datum], style: &Style) -> Result<String> {
    let mut shown = Vec::new();
    for (index, column) in table.visible() {
        shown.push(match row.get(index) {
            None | Some(Datum::Null) => "null".to_owned(),
            Some(value) => {
                let text = io::to_text(column.kind().kind, value, style)?;
                match text.char_indices().nth(MAX_SHOWN) {
                    Some((cut, _)) => format!("{}...", text.get(..cut).unwrap_or_default()),
                    None => text,
                }
            }
        });
    }
    Ok(shown.join(", "))
}

/// `(a, b)=(1, 2)`
pub fn describe_key(
    table: &Table,
    columns: &[usize],
    row: &[Datum],
    style: &Style,
) -> Result<String> {
    let values = columns.iter().filter_map(|position| row.get(*position)).cloned();
    describe_values(table, columns, &values.collect::<Row>(), style)
}

/// The same of values in the order of the columns.
pub fn describe_values(
    table: &Table,
    columns: &[usize],
    values: &[Datum],
    style: &Style,
) -> Result<String> {
    let mut names = Vec::new();
    let mut shown = Vec::new();
    for (position, value) in columns.iter().zip(values) {
        let Some(column) = table.columns.get(*position) else { continue };
        names.push(column.name.clone());
        shown.push(match value {
            Datum::Null => "null".into(),
            value => io::to_text(column.kind().kind, value, style)?,
        });
    }
    Ok(format!("({})=({})", names.join(", "), shown.join(", ")))
}

/// The same of a row's key in an index.
fn describe_entry(table: &Table, index: &Index, row: &[Datum], style: &Style) -> Result<String> {
    if !index.is_computed() {
        return describe_key(table, &index.columns, row, style);
    }
    let values = table.computed_values(index, row)?.unwrap_or_default();
    let mut shown = Vec::new();
    for (at, value) in values.iter().enumerate() {
        shown.push(match value {
            Datum::Null => "null".into(),
            value => io::to_text(table.key_type(index, at).kind, value, style)?,
        });
    }
    let names = (1..=values.len()).filter_map(|number| index_column(table, index, number, true));
    Ok(format!("({})=({})", names.collect::<Vec<_>>().join(", "), shown.join(", ")))
}

/// The error of a row whose key another one has.
pub fn duplicate(table: &Table, index: &Index, row: &[Datum], style: &Style) -> Result<Error> {
    let key = describe_entry(table, index, row, style)?;
    Ok(Error::new(
        SqlState::UniqueViolation,
        format!("duplicate key value violates unique constraint \"{}\"", index.name),
    )
    .detail(format!("Key {key} already exists."))
    .table(table)
    .constraint(&index.name))
}

/// The error of an index that cannot be made because this row's key occurs twice.
pub fn could_not_create(
    table: &Table,
    index: &Index,
    row: &[Datum],
    style: &Style,
) -> Result<Error> {
    let key = describe_entry(table, index, row, style)?;
    Ok(Error::new(
        SqlState::UniqueViolation,
        format!("could not create unique index \"{}\"", index.name),
    )
    .detail(format!("Key {key} is duplicated."))
    .table(table)
    .constraint(&index.name))
}

/// The error of a column without value in some row of a table.
pub fn contains_null(table: &Table, column: &str) -> Error {
    Error::new(
        SqlState::NotNullViolation,
        format!("column \"{column}\" of relation \"{}\" contains null values", table.name),
    )
    .table(table)
    .column(column)
}

/// The error of a condition that some row of a table does not fulfil.
pub fn is_violated(table: &Table, check: &str) -> Error {
    Error::new(
        SqlState::CheckViolation,
        format!(
            "check constraint \"{check}\" of relation \"{}\" is violated by some row",
            table.name
        ),
    )
    .table(table)
    .constraint(check)
}
