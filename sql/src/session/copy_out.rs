//! COPY TO STDOUT: the rows of a query as lines, made as the client takes them.

use std::sync::Arc;

use cairn_txn::Access;
use datafusion::sql::sqlparser::ast::{self, SetExpr};

use super::Session;
use super::copy::Format;
use super::outcome::{Outcome, Rows};
use super::plan::Action;
use crate::error::{Error, Result};
use crate::types::Datum;
use crate::types::io::{self, Style};

/// A COPY TO STDOUT in progress.
pub struct CopyOut {
    pub(super) rows: Rows,
    format: Format,
    style: Style,
    header: bool,
    count: u64,
}

/// Lines of a COPY TO STDOUT, each with its end. To be used again.
#[derive(Default)]
pub struct Lines {
    text: String,
    ends: Vec<usize>,
}

impl Lines {
    /// The lines in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.text.get(start..*end).unwrap_or_default())
    }

    fn end(&mut self) {
        self.text.push('\n');
        self.ends.push(self.text.len());
    }
}

impl CopyOut {
    /// Number of columns.
    pub fn width(&self) -> usize {
        self.rows.columns.len()
    }

    /// Puts the next lines into `lines`; false at the end.
    pub async fn next(&mut self, lines: &mut Lines) -> Result<bool> {
        lines.text.clear();
        lines.ends.clear();
        let rows = self.rows.next(usize::MAX).await?;
        let columns = self.rows.columns.clone();
        let is_first = std::mem::take(&mut self.header);
        if is_first {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            lines.text.push_str(&names.join(&char::from(self.format.delimiter).to_string()));
            lines.end();
        }
        for row in &rows {
            for (index, (value, column)) in row.iter().zip(columns.iter()).enumerate() {
                if index > 0 {
                    lines.text.push(char::from(self.format.delimiter));
                }
                match value {
                    Datum::Null => lines.text.push_str(&self.format.null),
                    value => {
                        let text = io::to_text(column.ty.kind, value, &self.style)?;
                        self.format.encode(&text, &mut lines.text);
                    }
                }
            }
            lines.end();
        }
        self.count += rows.len() as u64;
        Ok(is_first || !rows.is_empty())
    }

    /// The command tag, with the rows delivered so far.
    pub fn tag(&self) -> String {
        format!("COPY {}", self.count)
    }
}

impl Format {
    fn encode(&self, value: &str, out: &mut String) {
        for c in value.chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                '\u{b}' => out.push_str("\\v"),
                c if c == char::from(self.delimiter) => {
                    out.push('\\');
                    out.push(c);
                }
                c => out.push(c),
            }
        }
    }
}

impl Session {
    pub(super) async fn copy_out(
        &mut self,
        query: &ast::Query,
        format: Format,
        sql: &str,
    ) -> Result<Outcome> {
        if !matches!(
            *query.body,
            SetExpr::Select(_)
                | SetExpr::SetOperation { .. }
                | SetExpr::Values(_)
                | SetExpr::Query(_)
        ) {
            return Err(Error::unsupported("COPY of this statement"));
        }
        let statement = ast::Statement::Query(Box::new(query.clone()));
        let (plan, _) = self.make_plan(&statement, sql, &[])?;
        if plan.has_calls {
            return Err(Error::unsupported("COPY of a query that acts on the session"));
        }
        for (table, mode) in &plan.tables {
            self.lock_table(table, *mode).await?;
        }
        let Action::Query { source, columns, .. } = &plan.action else {
            return Err(Error::unsupported("COPY of a locking query"));
        };
        self.await_safe_snapshot().await?;
        let style = self.style();
        self.begin_statement(&plan, Access::Read)?;
        let env = self.env(Arc::new(Vec::new()));
        match self.read_source(source, columns, env)? {
            Outcome::Rows(rows) => {
                let header = format.header;
                let copy = CopyOut { rows, format, style, header, count: 0 };
                Ok(Outcome::CopyOut(Box::new(copy)))
            }
            _ => Err(Error::internal("a query without rows")),
        }
    }
}
