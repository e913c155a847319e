//! COPY TO STDOUT: the rows of a query, or of what RETURNING says, as records, made as the client takes them.

use datafusion::sql::sqlparser::ast::{self, SetExpr};

use super::copy::{Format, HEADER, Header, Kind, TRAILER, encode_csv, encode_text};
use super::outcome::{Outcome, Rows};
use super::{Prepared, Session};
use crate::binder::OutputColumn;
use crate::catalog::Table;
use crate::error::{Error, Result, SqlState};
use crate::parser::Parsed;
use crate::parser::create_as::has_into;
use crate::types::Datum;
use crate::types::io::{self, Style};

/// A COPY TO STDOUT in progress.
pub struct CopyOut {
    pub(super) rows: Rows,
    format: Format,
    style: Style,
    has_begun: bool,
    has_ended: bool,
    count: u64,
}

/// Records of a COPY TO STDOUT, each with its end. To be used again.
#[derive(Default)]
pub struct Lines {
    bytes: Vec<u8>,
    /// A line that is being made.
    text: String,
    ends: Vec<usize>,
}

impl Lines {
    /// The records in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default())
    }

    fn end(&mut self) {
        self.ends.push(self.bytes.len());
    }

    fn end_line(&mut self) {
        self.text.push('\n');
        self.bytes.extend(self.text.as_bytes());
        self.text.clear();
        self.end();
    }
}

impl CopyOut {
    /// Number of columns.
    pub fn width(&self) -> usize {
        self.rows.columns.len()
    }

    /// Whether the data is binary.
    pub fn is_binary(&self) -> bool {
        self.format.kind == Kind::Binary
    }

    /// Puts the next records into `lines`; false at the end.
    pub async fn next(&mut self, lines: &mut Lines) -> Result<bool> {
        lines.bytes.clear();
        lines.ends.clear();
        let rows = self.rows.next(usize::MAX).await?;
        let columns = self.rows.columns.clone();
        if !std::mem::replace(&mut self.has_begun, true) {
            if self.is_binary() {
                lines.bytes.extend(HEADER);
                lines.end();
            } else if self.format.header != Header::No {
                self.put_names(&columns, lines);
            }
        }
        for row in &rows {
            match self.is_binary() {
                true => put_tuple(row, &columns, lines)?,
                false => self.put_line(row, &columns, lines)?,
            }
        }
        self.count += rows.len() as u64;
        if rows.is_empty() && self.is_binary() && !std::mem::replace(&mut self.has_ended, true) {
            lines.bytes.extend(TRAILER);
            lines.end();
        }
        Ok(!lines.ends.is_empty())
    }

    fn put_names(&self, columns: &[OutputColumn], lines: &mut Lines) {
        for (index, column) in columns.iter().enumerate() {
            if index > 0 {
                lines.text.push(char::from(self.format.delimiter));
            }
            match self.format.kind {
                Kind::Csv => {
                    let alone = columns.len() == 1;
                    encode_csv(&self.format, &column.name, false, alone, &mut lines.text);
                }
                _ => encode_text(&self.format, &column.name, &mut lines.text),
            }
        }
        lines.end_line();
    }

    fn put_line(&self, row: &[Datum], columns: &[OutputColumn], lines: &mut Lines) -> Result<()> {
        for (index, (value, column)) in row.iter().zip(columns).enumerate() {
            if index > 0 {
                lines.text.push(char::from(self.format.delimiter));
            }
            if value.is_null() {
                lines.text.push_str(&self.format.null);
                continue;
            }
            let text = io::to_text(column.ty.kind, value, &self.style)?;
            match self.format.kind {
                Kind::Csv => {
                    let force = self.format.force_quote.has(&column.name);
                    encode_csv(&self.format, &text, force, columns.len() == 1, &mut lines.text);
                }
                _ => encode_text(&self.format, &text, &mut lines.text),
            }
        }
        lines.end_line();
        Ok(())
    }

    /// The command tag, with the rows delivered so far.
    pub fn tag(&self) -> String {
        format!("COPY {}", self.count)
    }
}

fn put_tuple(row: &[Datum], columns: &[OutputColumn], lines: &mut Lines) -> Result<()> {
    lines.bytes.extend((row.len() as i16).to_be_bytes());
    for (value, column) in row.iter().zip(columns) {
        if value.is_null() {
            lines.bytes.extend((-1i32).to_be_bytes());
            continue;
        }
        let start = lines.bytes.len();
        lines.bytes.extend([0; 4]);
        io::write_binary(column.ty.kind, value, &mut lines.bytes)?;
        let length = (lines.bytes.len() - start - 4) as i32;
        if let Some(place) = lines.bytes.get_mut(start..start + 4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }
    lines.end();
    Ok(())
}

impl Session {
    pub(super) async fn copy_out(
        &mut self,
        query: &ast::Query,
        format: Format,
        sql: &str,
        table: Option<&Table>,
    ) -> Result<Outcome> {
        let relation = table.map_or("", |table| table.name.as_str());
        let exists = |name: &str| table.is_some_and(|table| table.position(name).is_some());
        if let SetExpr::Merge(_) = *query.body {
            return Err(Error::new(SqlState::FeatureNotSupported, "MERGE not supported in COPY"));
        }
        if has_into(query) {
            let message = "COPY (SELECT INTO) is not supported";
            return Err(Error::new(SqlState::FeatureNotSupported, message));
        }
        let parsed = Parsed::Sql(Box::new(ast::Statement::Query(Box::new(query.clone()))));
        let prepared = Prepared::new(sql.into(), parsed, Vec::new(), false);
        let plan = self.plan_and_lock(&prepared).await?;
        if plan.has_calls {
            return Err(Error::unsupported("COPY of a query that acts on the session"));
        }
        if plan.columns().is_none() {
            let message = "COPY query must have a RETURNING clause";
            return Err(Error::new(SqlState::FeatureNotSupported, message));
        }
        let style = Style { names: Some(self.names()), ..self.style() };
        match Box::pin(self.execute_planned(&prepared, Vec::new())).await? {
            Outcome::Rows(rows) => {
                let names: Vec<String> =
                    rows.columns.iter().map(|column| column.name.clone()).collect();
                format.check_columns(&names, relation, exists)?;
                let (has_begun, has_ended) = (false, false);
                let copy = CopyOut { rows, format, style, has_begun, has_ended, count: 0 };
                Ok(Outcome::CopyOut(Box::new(copy)))
            }
            _ => Err(Error::internal("a query without rows")),
        }
    }
}
