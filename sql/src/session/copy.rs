//! COPY between a relation and the client, in text format: its options, and FROM STDIN.
//!
//! Lines are read as they come and inserted in batches. The rows go where all writes of a
//! transaction do, to memory and then to files, so the input may be larger than memory. What else
//! would grow with it are the locks of its rows: a table without rows is locked as a whole at once,
//! and any other when the COPY has locked many of its rows, if nobody else writes to it.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use cairn_txn::storage::Direction;
use cairn_txn::{Access, LockMode, WaitPolicy};
use datafusion::common::DFSchema;
use datafusion::sql::sqlparser::ast;
use memchr::{memchr, memchr2};

use super::Session;
use super::outcome::Outcome;
use super::plan::compile_columns;
use crate::binder::dml::{ColumnSource, Operation};
use crate::binder::position::{position_of, token_before};
use crate::binder::{fold, relation_name};
use crate::catalog::{Table, index_span};
use crate::error::{Error, Result, SqlState};
use crate::functions::strings::quote_ident;
use crate::parser::{Copy, CopyOption, CopySource, Parsed};
use crate::row::event::Event;
use crate::row::modify::{InsertColumn, Writer};
use crate::row::rules::Rules;
use crate::row::{Env, Row};
use crate::types::Datum;
use crate::types::io::{self, Style};

/// Rows and bytes of input that are added together, as in PostgreSQL.
const BATCH_ROWS: usize = 1000;
const BATCH_BYTES: usize = 64 << 10;
/// Longest line of input.
const MAX_LINE_BYTES: usize = 64 << 20;
/// Rows of a COPY that are locked one by one before it tries to lock the table instead, and rows
/// after which it tries again.
const ROWS_BEFORE_TABLE_LOCK: u64 = 100_000;
const ROWS_PER_TRY: u64 = 10_000;

/// Memory of what is left to look at when all rows are there.
const MAX_EVENTS_BYTES: usize = 1 << 30;

/// The format of the lines.
#[derive(Clone, Debug)]
pub(super) struct Format {
    pub delimiter: u8,
    pub null: String,
    pub header: bool,
}

/// A COPY FROM STDIN in progress.
pub struct CopyIn {
    table: Arc<Table>,
    /// Target of each input column.
    targets: Vec<usize>,
    columns: Vec<InsertColumn>,
    format: Format,
    env: Env,
    style: Style,
    /// Input that does not yet make a line.
    partial: Vec<u8>,
    /// Kept for its memory.
    fields: Fields,
    /// Rows that wait to be added, with their lines' numbers.
    batch: Vec<Row>,
    lines: Vec<u64>,
    batch_bytes: usize,
    line: u64,
    rows: u64,
    /// At this number of rows it tries to lock the table.
    rows_at_try: u64,
    ended: bool,
    /// What the rows have to satisfy.
    rules: Arc<Rules>,
    /// Whether it is all of its transaction.
    alone: bool,
    /// What cannot be looked at before all rows are there.
    events: Vec<Event>,
    events_bytes: usize,
}

/// The fields of a line; `None` is NULL.
#[derive(Default)]
struct Fields {
    text: Vec<u8>,
    places: Vec<Option<Range<usize>>>,
}

impl Fields {
    fn get(&self, at: usize) -> Option<Option<&str>> {
        let place = self.places.get(at)?;
        let text = |place: &Range<usize>| std::str::from_utf8(self.text.get(place.clone())?).ok();
        Some(place.as_ref().and_then(text))
    }
}

impl CopyIn {
    fn is_full(&self) -> bool {
        self.batch.len() >= BATCH_ROWS || self.batch_bytes >= BATCH_BYTES
    }

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

    /// Splits a line into its fields, without their escapes, into `out`.
    fn decode(&self, line: &[u8], out: &mut Fields) -> Result<()> {
        out.text.clear();
        out.places.clear();
        let mut rest = line;
        // What the field looked like before its escapes were resolved decides whether it is NULL.
        let (mut raw, mut start) = (line, 0);
        let finish = |out: &mut Fields, raw: &[u8], start: usize| {
            let null = raw == self.null.as_bytes();
            out.places.push((!null).then_some(start..out.text.len()));
        };
        while let Some(at) = memchr2(self.delimiter, b'\\', rest) {
            let (plain, tail) = rest.split_at(at);
            out.text.extend(plain);
            let Some((byte, tail)) = tail.split_first() else { break };
            rest = tail;
            if *byte == self.delimiter {
                let length = raw.len() - rest.len() - 1;
                finish(out, raw.get(..length).unwrap_or_default(), start);
                (raw, start) = (rest, out.text.len());
            } else {
                unescape(&mut rest, &mut out.text);
            }
        }
        out.text.extend(rest);
        finish(out, raw, start);
        io::utf8(&out.text).map(|_| ())
    }
}

/// What stands behind a backslash.
fn unescape(rest: &mut &[u8], out: &mut Vec<u8>) {
    let next = |rest: &mut &[u8]| {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        Some(*byte)
    };
    let digit =
        |rest: &&[u8], radix: u32| rest.first().and_then(|byte| char::from(*byte).to_digit(radix));
    let number = |rest: &mut &[u8], mut value: u32, radix: u32, most: usize| {
        for _ in 0..most {
            let Some(digit) = digit(rest, radix) else { break };
            value = value * radix + digit;
            next(rest);
        }
        value as u8
    };
    out.push(match next(rest) {
        None => b'\\',
        Some(b'b') => 8,
        Some(b'f') => 12,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'v') => 11,
        Some(octal @ b'0'..=b'7') => number(rest, u32::from(octal - b'0'), 8, 2),
        Some(b'x') if digit(rest, 16).is_some() => number(rest, 0, 16, 2),
        Some(other) => other,
    });
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
                let names: Vec<String> = match columns.as_slice() {
                    [] => self.columns_to_copy(name)?,
                    columns => {
                        self.check_copied(name, columns)?;
                        columns.iter().map(ToString::to_string).collect()
                    }
                };
                let list = names.join(", ");
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

    async fn copy_in(
        &mut self,
        name: &ast::ObjectName,
        columns: &[ast::Ident],
        format: Format,
        sql: &str,
    ) -> Result<Outcome> {
        self.check_writable("COPY FROM")?;
        let (_, relation) = relation_name(name)?;
        let (table, rules) = loop {
            let version = self.schema_version();
            let table = self.schema().table(&relation).cloned().ok_or_else(|| {
                let message = format!("relation \"{relation}\" does not exist");
                Error::new(SqlState::UndefinedTable, message)
            })?;
            let (rules, _) = self.rules(&table)?;
            self.lock_table(&table, LockMode::RowExclusive).await?;
            let operation = Operation::Insert(Vec::new());
            for (reached, mode) in self.reached_tables(&table, &rules, &operation) {
                self.lock_table(&reached, mode).await?;
            }
            if self.schema_version() == version {
                break (table, rules);
            }
        };
        self.check_copied(name, columns)?;
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
            let columns = table.visible().filter(|(_, column)| column.generated.is_none());
            targets = columns.map(|(index, _)| index).collect();
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
        let style = self.style();
        self.lock_if_empty(&table).await?;
        let alone = self.alone && !self.in_block();
        Ok(Outcome::CopyIn(Box::new(CopyIn {
            table,
            targets,
            columns,
            format,
            env,
            style,
            partial: Vec::new(),
            fields: Fields::default(),
            batch: Vec::new(),
            lines: Vec::new(),
            batch_bytes: 0,
            line: 0,
            rows: 0,
            rows_at_try: ROWS_BEFORE_TABLE_LOCK,
            ended: false,
            rules,
            alone,
            events: Vec::new(),
            events_bytes: 0,
        })))
    }

    /// The columns that COPY of a table to the client has.
    fn columns_to_copy(&self, name: &ast::ObjectName) -> Result<Vec<String>> {
        let (_, relation) = relation_name(name)?;
        let schema = self.schema();
        let Some(table) = schema.table(&relation) else { return Ok(vec!["*".to_owned()]) };
        if table.columns.iter().all(|column| column.generated.is_none()) {
            return Ok(vec!["*".to_owned()]);
        }
        let columns = table.visible().filter(|(_, column)| column.generated.is_none());
        Ok(columns.map(|(_, column)| quote_ident(&column.name)).collect())
    }

    /// Refuses to copy generated columns.
    fn check_copied(&self, name: &ast::ObjectName, columns: &[ast::Ident]) -> Result<()> {
        let (_, relation) = relation_name(name)?;
        let schema = self.schema();
        let Some(table) = schema.table(&relation) else { return Ok(()) };
        let mut found = columns.iter().filter_map(|column| {
            table.columns.get(table.position(&fold(column))?)
        });
        match found.find(|column| column.generated.is_some()) {
            None => Ok(()),
            Some(column) => Err(Error::new(
                SqlState::InvalidColumnReference,
                format!("column \"{}\" is a generated column", column.name),
            )
            .detail("Generated columns cannot be used in COPY.")),
        }
    }

    /// Locks a table without rows against other writers, if there are none: then the rows that come
    /// need no locks of their own.
    async fn lock_if_empty(&mut self, table: &Table) -> Result<()> {
        let block = self.block();
        let mut empty = true;
        block.transaction.latest().scan(
            &index_span(table.primary.storage),
            Direction::Forward,
            &mut |_, _| {
                empty = false;
                ControlFlow::Break(())
            },
        )?;
        match empty {
            true => self.exclude_writers(table).await,
            false => Ok(()),
        }
    }

    /// Locks a table against other writers, if there are none.
    async fn exclude_writers(&mut self, table: &Table) -> Result<()> {
        let (block, mode) = (self.block(), LockMode::ShareRowExclusive);
        if block.transaction.lock_name(&table.lock_name(), mode, WaitPolicy::Skip).await? {
            block.locked.push((table.id, mode));
        }
        Ok(())
    }

    /// Locks the table, if there are no other writers, once many rows have been locked.
    async fn lock_if_many(&mut self, copy: &mut CopyIn) -> Result<()> {
        if copy.rows < copy.rows_at_try {
            return Ok(());
        }
        copy.rows_at_try = copy.rows + ROWS_PER_TRY;
        let table = &copy.table;
        let locks_rows =
            table.has_primary_key() || table.indexes.iter().any(|index| index.claims_unique());
        match locks_rows && !self.block().excludes_writers(table.id) {
            true => self.exclude_writers(table).await,
            false => Ok(()),
        }
    }

    /// Takes data of a COPY FROM STDIN: reads its lines into the batch. False once that is full:
    /// [`Session::copy_batch`] is to be called, and this again with nothing.
    pub fn copy_data(&mut self, copy: &mut CopyIn, data: &[u8]) -> Result<bool> {
        copy.partial.extend(data);
        let mut input = std::mem::take(&mut copy.partial);
        let mut taken = 0;
        let mut result = Ok(());
        while result.is_ok()
            && !copy.is_full()
            && let Some(rest) = input.get(taken..)
            && let Some(length) = memchr(b'\n', rest)
        {
            result = self.copy_line(copy, rest.get(..length).unwrap_or_default());
            taken += length + 1;
        }
        input.drain(..taken.min(input.len()));
        copy.partial = input;
        result?;
        if copy.partial.len() > MAX_LINE_BYTES && !copy.is_full() {
            return Err(Error::new(
                SqlState::ProgramLimitExceeded,
                "line of COPY data is too long",
            ));
        }
        Ok(!copy.is_full())
    }

    /// Adds the rows of the batch.
    pub async fn copy_batch(&mut self, copy: &mut CopyIn) -> Result<()> {
        copy.env.check_cancel()?;
        self.lock_if_many(copy).await?;
        let (batch, lines) = (std::mem::take(&mut copy.batch), std::mem::take(&mut copy.lines));
        copy.batch_bytes = 0;
        let block = self.block();
        let exclusive = block.excludes_writers(copy.table.id);
        let mut writer = Writer::new(&copy.table, &copy.rules, &copy.env, &copy.style, exclusive);
        let inserted = writer.add_all(&mut block.transaction, &batch).await;
        inserted.map_err(|(position, error)| {
            let line = lines.get(position).copied().unwrap_or(copy.line);
            error.context(format!("COPY {}, line {line}", copy.table.name))
        })?;
        copy.rows += batch.len() as u64;
        let events = std::mem::take(&mut writer.events);
        self.look_at_batch(copy, events).await
    }

    /// Looks at what the rows of a batch have left, but for what later rows may yet settle: what they
    /// refer to may be one of these, and a key that occurs twice may be changed.
    async fn look_at_batch(&mut self, copy: &mut CopyIn, events: Vec<Event>) -> Result<()> {
        let (now, later): (Vec<Event>, Vec<Event>) = events.into_iter().partition(|event| {
            matches!(event, Event::Refers(refers)
                if refers.reference.parent.id != refers.reference.child.id)
        });
        copy.events_bytes += later.iter().map(Event::bytes).sum::<usize>();
        if copy.events_bytes > MAX_EVENTS_BYTES {
            return Err(Error::new(
                SqlState::ProgramLimitExceeded,
                "too many rows refer to rows of the same COPY",
            ));
        }
        copy.events.extend(later);
        match copy.alone {
            true => Box::pin(self.run_events(now, &copy.env, false)).await,
            false => Box::pin(self.finish_statement(now, &copy.env)).await,
        }
    }

    /// Ends a COPY FROM STDIN; gives its command tag.
    pub async fn copy_done(&mut self, mut copy: Box<CopyIn>) -> Result<String> {
        while !self.copy_data(&mut copy, &[])? {
            self.copy_batch(&mut copy).await?;
        }
        if !copy.partial.is_empty() {
            let line = std::mem::take(&mut copy.partial);
            self.copy_line(&mut copy, &line)?;
        }
        self.copy_batch(&mut copy).await?;
        let events = std::mem::take(&mut copy.events);
        match copy.alone {
            true => Box::pin(self.run_events(events, &copy.env, false)).await?,
            false => Box::pin(self.finish_statement(events, &copy.env)).await?,
        }
        self.block().transaction.end_statement();
        Ok(format!("COPY {}", copy.rows))
    }

    fn copy_line(&mut self, copy: &mut CopyIn, line: &[u8]) -> Result<()> {
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
        let row = self.copy_row(copy, line)?;
        copy.batch.push(row);
        copy.lines.push(copy.line);
        copy.batch_bytes += line.len();
        Ok(())
    }

    fn copy_row(&mut self, copy: &mut CopyIn, line: &[u8]) -> Result<Row> {
        let place = |rest: String| format!("COPY {}, line {}{rest}", copy.table.name, copy.line);
        let whole = || {
            let shown: String = String::from_utf8_lossy(line).chars().take(100).collect();
            place(format!(": \"{shown}\""))
        };
        let bad =
            |message: String| Error::new(SqlState::BadCopyFileFormat, message).context(whole());
        let mut fields = std::mem::take(&mut copy.fields);
        let decoded = copy.format.decode(line, &mut fields);
        decoded.map_err(|error| error.context(place(String::new())))?;
        if fields.places.len() > copy.targets.len() {
            return Err(bad("extra data after last expected column".into()));
        }
        let mut values = Vec::with_capacity(fields.places.len());
        for (at, target) in copy.targets.iter().enumerate() {
            let Some(column) = copy.table.columns.get(*target) else { continue };
            let Some(text) = fields.get(at) else {
                return Err(bad(format!("missing data for column \"{}\"", column.name)));
            };
            let Some(text) = text else {
                values.push(Datum::Null);
                continue;
            };
            let target = column.kind();
            let value = io::from_text(target.kind, text, &copy.style)
                .and_then(|value| io::apply_typmod(target, value, false));
            values.push(value.map_err(|error| {
                let shown: String = text.chars().take(100).collect();
                error.context(place(format!(", column {}: \"{shown}\"", column.name)))
            })?);
        }
        let sequences = &self.database.sequences;
        let writer = Writer::new(&copy.table, &copy.rules, &copy.env, &copy.style, false);
        let row = writer.make_row(&copy.columns, values, &copy.env, sequences);
        let mut row = row.map_err(|error| error.context(whole()))?;
        writer.complete(&mut row).map_err(|error| error.context(whole()))?;
        copy.fields = fields;
        Ok(row)
    }
}
