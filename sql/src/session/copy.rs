//! COPY between a relation and the client, in text format.
//!
//! FROM STDIN reads lines as they come and inserts them in batches, so memory is bounded by
//! the transaction's own limit, not by the input.

use std::sync::Arc;

use cairn_txn::{Access, LockMode};
use datafusion::common::DFSchema;
use datafusion::sql::sqlparser::ast::{self, SetExpr};

use super::Session;
use super::outcome::{Outcome, Rows};
use super::plan::{Action, compile_columns};
use crate::binder::dml::ColumnSource;
use crate::binder::position::{position_of, token_before};
use crate::binder::{fold, relation_name};
use crate::catalog::Table;
use crate::error::{Error, Result, SqlState};
use crate::parser::{Copy, CopyOption, CopySource, Parsed};
use crate::row::Env;
use crate::row::modify::{InsertColumn, Writer};
use crate::types::{Datum, io};

/// Longest line of input.
const MAX_LINE_BYTES: usize = 64 << 20;

/// The format of the lines.
#[derive(Clone, Debug)]
struct Format {
    delimiter: u8,
    null: String,
    header: bool,
}

/// A COPY FROM STDIN in progress.
pub struct CopyIn {
    table: Arc<Table>,
    /// Target of each input column.
    targets: Vec<usize>,
    columns: Vec<InsertColumn>,
    format: Format,
    env: Env,
    /// Input that does not yet make a line.
    partial: Vec<u8>,
    line: u64,
    rows: u64,
    ended: bool,
}

impl CopyIn {
    /// Number of columns expected, for CopyInResponse.
    pub fn width(&self) -> usize {
        self.targets.len()
    }
}

fn boolean(value: &Option<String>) -> bool {
    value.as_ref().is_none_or(|v| !matches!(v.to_lowercase().as_str(), "off" | "false" | "0"))
}

impl Format {
    fn new(options: &[CopyOption], sql: &str) -> Result<Format> {
        let mut format = Format { delimiter: b'\t', null: "\\N".into(), header: false };
        for (at, CopyOption { name, value, span }) in options.iter().enumerate() {
            let position = position_of(sql, span.start.line, span.start.column);
            if options.iter().take(at).any(|other| other.name == *name) {
                return Err(Error::new(SqlState::SyntaxError, "conflicting or redundant options")
                    .at(position));
            }
            match (name.as_str(), value) {
                ("format", Some(value)) if value.eq_ignore_ascii_case("text") => {}
                ("format", Some(value))
                    if value.eq_ignore_ascii_case("csv")
                        || value.eq_ignore_ascii_case("binary") =>
                {
                    return Err(Error::unsupported(format!("COPY format {value}")));
                }
                ("format", Some(value)) => {
                    return Err(Error::new(
                        SqlState::InvalidParameterValue,
                        format!("COPY format \"{value}\" not recognized"),
                    )
                    .at(position));
                }
                ("delimiter", Some(value)) => match value.as_bytes() {
                    [byte] if !b"\\\r\nabcdefghijklmnopqrstuvwxyz0123456789.".contains(byte) => {
                        format.delimiter = *byte;
                    }
                    [b'\r' | b'\n'] => {
                        return Err(Error::new(
                            SqlState::InvalidParameterValue,
                            "COPY delimiter cannot be newline or carriage return",
                        ));
                    }
                    [_] => {
                        return Err(Error::new(
                            SqlState::InvalidParameterValue,
                            format!("COPY delimiter cannot be \"{value}\""),
                        ));
                    }
                    _ => {
                        return Err(Error::new(
                            SqlState::FeatureNotSupported,
                            "COPY delimiter must be a single one-byte character",
                        ));
                    }
                },
                ("null", Some(value)) => format.null.clone_from(value),
                ("header", value) => format.header = boolean(value),
                // Rows are never rewritten later, so there is nothing to freeze in advance.
                ("freeze", _) => {}
                ("encoding", Some(value))
                    if value.eq_ignore_ascii_case("utf8")
                        || value.eq_ignore_ascii_case("utf-8") => {}
                (
                    name @ ("quote" | "escape" | "force_quote" | "force_not_null" | "force_null"
                    | "encoding"),
                    _,
                ) => return Err(Error::unsupported(format!("COPY option {name}"))),
                (name, _) => {
                    return Err(Error::new(
                        SqlState::SyntaxError,
                        format!("option \"{name}\" not recognized"),
                    )
                    .at(position));
                }
            }
        }
        Ok(format)
    }

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

    /// The fields of a line; `None` is NULL.
    fn decode(&self, line: &[u8]) -> Result<Vec<Option<String>>> {
        let mut fields = Vec::new();
        let mut field = Vec::new();
        let mut start = 0;
        let mut at = 0;
        loop {
            match line.get(at) {
                None => break,
                Some(byte) if *byte == self.delimiter => {
                    let raw = line.get(start..at).unwrap_or_default();
                    fields.push(self.field(raw, std::mem::take(&mut field))?);
                    at += 1;
                    start = at;
                }
                Some(b'\\') => {
                    at += 1;
                    let Some(byte) = line.get(at) else {
                        field.push(b'\\');
                        break;
                    };
                    at += 1;
                    field.push(match byte {
                        b'b' => 8,
                        b'f' => 12,
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        b'v' => 11,
                        b'0'..=b'7' => {
                            let mut value = u32::from(byte - b'0');
                            while let Some(digit @ b'0'..=b'7') = line.get(at)
                                && value < 0o40
                            {
                                value = value * 8 + u32::from(digit - b'0');
                                at += 1;
                            }
                            value as u8
                        }
                        b'x' if line.get(at).is_some_and(u8::is_ascii_hexdigit) => {
                            let mut value = 0;
                            for _ in 0..2 {
                                let digit = line.get(at).and_then(|b| char::from(*b).to_digit(16));
                                let Some(digit) = digit else { break };
                                value = value * 16 + digit;
                                at += 1;
                            }
                            value as u8
                        }
                        other => *other,
                    });
                }
                Some(byte) => {
                    field.push(*byte);
                    at += 1;
                }
            }
        }
        fields.push(self.field(line.get(start..).unwrap_or_default(), field)?);
        Ok(fields)
    }

    fn field(&self, raw: &[u8], decoded: Vec<u8>) -> Result<Option<String>> {
        if raw == self.null.as_bytes() {
            return Ok(None);
        }
        Ok(Some(io::utf8(&decoded)?.to_owned()))
    }
}

impl Session {
    pub(super) async fn copy(&mut self, copy: &Copy, sql: &str) -> Result<Outcome> {
        let format = Format::new(&copy.options, sql)?;
        match (&copy.source, copy.to_client) {
            (CopySource::Query(query), true) => self.copy_out(query, format, sql).await,
            (CopySource::Query(_), false) => {
                let position = token_before(sql, sql.chars().count() + 1, &["FROM"]);
                Err(Error::new(SqlState::SyntaxError, "syntax error at or near \"FROM\"")
                    .at(position))
            }
            (CopySource::Table(name, columns), true) => {
                let list = match columns.as_slice() {
                    [] => "*".to_owned(),
                    columns => {
                        let names = columns.iter().map(ToString::to_string);
                        names.collect::<Vec<_>>().join(", ")
                    }
                };
                let text = format!("SELECT {list} FROM {name}");
                let parsed = crate::parser::parse(&text)?.pop().map(|(parsed, _)| parsed);
                match parsed {
                    Some(Parsed::Sql(statement)) => match *statement {
                        ast::Statement::Query(query) => self.copy_out(&query, format, &text).await,
                        _ => Err(Error::internal("COPY made no query")),
                    },
                    _ => Err(Error::internal("COPY made no query")),
                }
            }
            (CopySource::Table(name, columns), false) => {
                self.copy_in(name, columns, format, sql).await
            }
        }
    }

    async fn copy_out(&mut self, query: &ast::Query, format: Format, sql: &str) -> Result<Outcome> {
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
        for (table, mode) in &plan.tables {
            self.lock_table(table, *mode).await?;
        }
        let Action::Query { columns, .. } = &plan.action else {
            return Err(Error::unsupported("COPY of a locking query"));
        };
        let columns = columns.clone();
        let style = self.style();
        self.begin_statement(&plan, Access::Read)?;
        let env = self.env(Arc::new(Vec::new()));
        let Action::Query { source, .. } = &plan.action else {
            return Err(Error::internal("the plan changed its mind"));
        };
        let mut rows = match self.read_source(source, &columns, env)? {
            Outcome::Rows(rows) => rows,
            _ => return Err(Error::internal("a query without rows")),
        };
        // Lines are made as rows are read; the tag counts rows, not lines.
        let mut lines = Vec::new();
        if format.header {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            lines.push(names.join(&char::from(format.delimiter).to_string()));
        }
        let header = lines.len();
        loop {
            let batch = rows.next(usize::MAX).await?;
            if batch.is_empty() {
                break;
            }
            for row in batch {
                let mut line = String::new();
                for (index, (value, column)) in row.iter().zip(columns.iter()).enumerate() {
                    if index > 0 {
                        line.push(char::from(format.delimiter));
                    }
                    match value {
                        Datum::Null => line.push_str(&format.null),
                        value => {
                            format.encode(&io::to_text(column.ty.kind, value, &style)?, &mut line)
                        }
                    }
                }
                lines.push(line);
            }
        }
        let count = lines.len() - header;
        let rows = lines.into_iter().map(|line| vec![Datum::Text(line + "\n")]).collect();
        let mut out = Rows::ready(columns, rows, "COPY");
        out.report_count(count as u64);
        Ok(Outcome::CopyOut(out))
    }

    async fn copy_in(
        &mut self,
        name: &ast::ObjectName,
        columns: &[ast::Ident],
        format: Format,
        sql: &str,
    ) -> Result<Outcome> {
        self.check_writable("COPY FROM")?;
        let (_, relation) = relation_name(name)?;
        let table = self.schema().table(&relation).cloned().ok_or_else(|| {
            Error::new(SqlState::UndefinedTable, format!("relation \"{relation}\" does not exist"))
        })?;
        self.lock_table(&table, LockMode::RowExclusive).await?;
        let mut targets = Vec::new();
        for column in columns {
            let wanted = fold(column);
            let index = table.position(&wanted).ok_or_else(|| {
                Error::new(
                    SqlState::UndefinedColumn,
                    format!("column \"{wanted}\" of relation \"{relation}\" does not exist"),
                )
            })?;
            if targets.contains(&index) {
                return Err(Error::new(
                    SqlState::DuplicateColumn,
                    format!("column \"{wanted}\" specified more than once"),
                ));
            }
            targets.push(index);
        }
        if columns.is_empty() {
            targets = table.visible().map(|(index, _)| index).collect();
        }
        let sources = self.with_binder(sql, |binder| {
            let columns = table.columns.iter().enumerate().map(|(index, column)| {
                Ok(match targets.iter().position(|target| *target == index) {
                    Some(input) => ColumnSource::Input(input),
                    None => binder.missing_source(&table, column)?,
                })
            });
            columns.collect::<Result<Vec<_>>>()
        })?;
        let columns = compile_columns(&sources, &DFSchema::empty())?;
        self.block().transaction.begin_statement(Access::Write);
        let env = self.env(Arc::new(Vec::new()));
        // Only defaults are evaluated, and they read no tables.
        let env = Env { view: env.view.without_own_writes(), ..env };
        let line = 0;
        Ok(Outcome::CopyIn(Box::new(CopyIn {
            table,
            targets,
            columns,
            format,
            env,
            partial: Vec::new(),
            line,
            rows: 0,
            ended: false,
        })))
    }

    /// Takes data of a COPY FROM STDIN.
    pub async fn copy_data(&mut self, copy: &mut CopyIn, data: &[u8]) -> Result<()> {
        let mut rest = data;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, tail) = rest.split_at(end);
            rest = tail.get(1..).unwrap_or_default();
            if copy.partial.is_empty() {
                self.copy_line(copy, line).await?;
            } else {
                copy.partial.extend(line);
                let line = std::mem::take(&mut copy.partial);
                self.copy_line(copy, &line).await?;
            }
        }
        copy.partial.extend(rest);
        if copy.partial.len() > MAX_LINE_BYTES {
            return Err(Error::new(
                SqlState::ProgramLimitExceeded,
                "line of COPY data is too long",
            ));
        }
        Ok(())
    }

    /// Ends a COPY FROM STDIN; gives its command tag.
    pub async fn copy_done(&mut self, mut copy: Box<CopyIn>) -> Result<String> {
        if !copy.partial.is_empty() {
            let line = std::mem::take(&mut copy.partial);
            self.copy_line(&mut copy, &line).await?;
        }
        self.block().transaction.end_statement();
        Ok(format!("COPY {}", copy.rows))
    }

    async fn copy_line(&mut self, copy: &mut CopyIn, line: &[u8]) -> Result<()> {
        if copy.ended {
            return Ok(());
        }
        copy.line += 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line == b"\\." {
            copy.ended = true;
            return Ok(());
        }
        if copy.line == 1 && copy.format.header {
            return Ok(());
        }
        copy.env.check_cancel()?;
        self.copy_row(copy, line).await?;
        copy.rows += 1;
        Ok(())
    }

    async fn copy_row(&mut self, copy: &CopyIn, line: &[u8]) -> Result<()> {
        let place = |rest: String| format!("COPY {}, line {}{rest}", copy.table.name, copy.line);
        let whole = || {
            let shown: String = String::from_utf8_lossy(line).chars().take(100).collect();
            place(format!(": \"{shown}\""))
        };
        let fields =
            copy.format.decode(line).map_err(|error| error.context(place(String::new())))?;
        let bad =
            |message: String| Error::new(SqlState::BadCopyFileFormat, message).context(whole());
        if fields.len() > copy.targets.len() {
            return Err(bad("extra data after last expected column".into()));
        }
        let style = self.style();
        let mut values = Vec::with_capacity(fields.len());
        let mut fields = fields.into_iter();
        for target in &copy.targets {
            let Some(column) = copy.table.columns.get(*target) else { continue };
            let Some(field) = fields.next() else {
                return Err(bad(format!("missing data for column \"{}\"", column.name)));
            };
            let Some(text) = field else {
                values.push(Datum::Null);
                continue;
            };
            let target = column.kind();
            let value = io::from_text(target.kind, &text, &style)
                .and_then(|value| io::apply_typmod(target, value, false));
            values.push(value.map_err(|error| {
                let shown: String = text.chars().take(100).collect();
                error.context(place(format!(", column {}: \"{shown}\"", column.name)))
            })?);
        }
        let sequences = self.database.sequences.clone();
        let block = self.block();
        let exclusive = block.locked.contains(&(copy.table.id, LockMode::AccessExclusive));
        let writer = Writer { table: &copy.table, style: &style, exclusive };
        let row = writer.make_row(&copy.columns, &values, &copy.env, &sequences)?;
        let inserted = writer.insert(&mut block.transaction, &row).await;
        inserted.map_err(|error| match &error {
            Error::Report(report) if report.state == SqlState::UniqueViolation => {
                error.context(place(String::new()))
            }
            _ => error.context(whole()),
        })
    }
}
