//! COPY between a relation and the client, and FROM STDIN.
//!
//! Rows are read as they come and inserted in batches. The rows go where all writes of a
//! transaction do, to memory and then to files, so the input may be larger than memory. What else
//! would grow with it are the locks of its rows: a table without rows is locked as a whole at once,
//! and any other when the COPY has locked many of its rows, if nobody else writes to it.

mod binary;
mod csv;
mod options;
mod text;

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use cairn_txn::storage::Direction;
use cairn_txn::{Access, LockMode, WaitPolicy};
use datafusion::common::DFSchema;
use datafusion::sql::sqlparser::ast;

use super::Session;
use super::outcome::Outcome;
use super::plan::compile_columns;
use super::rules::Effect;
use crate::binder::dml::ColumnSource;
use crate::binder::fold;
use crate::binder::position::token_before;
use crate::catalog::{Table, index_span};
use crate::error::{Error, Result, SqlState};
use crate::functions::strings::quote_ident;
use crate::parser::Parsed;
use crate::parser::copy::{Copy, CopySource};
use crate::row::event::{Event, Refers};
use crate::row::guard::GuardCall;
use crate::row::modify::{InsertColumn, Writer};
use crate::row::rules::Rules;
use crate::row::{Env, Row};
use crate::types::Datum;
use crate::types::io::{self, Style};

use binary::Record;
use csv::LineScan;

pub(super) use binary::{HEADER, TRAILER};
pub(super) use csv::encode as encode_csv;
pub(super) use options::{Format, Header, Kind};
pub(super) use text::encode as encode_text;

/// Rows and bytes of input that are added together, as in PostgreSQL.
const BATCH_ROWS: usize = 1000;
const BATCH_BYTES: usize = 64 << 10;
/// Most of the input that a message shows.
const MAX_SHOWN_BYTES: usize = 100;
/// Longest line of input.
const MAX_LINE_BYTES: usize = 64 << 20;
/// Rows of a COPY that are locked one by one before it tries to lock the table instead, and rows
/// after which it tries again.
const ROWS_BEFORE_TABLE_LOCK: u64 = 100_000;
const ROWS_PER_TRY: u64 = 10_000;

/// Memory of what is left to look at when all rows are there.
const MAX_EVENTS_BYTES: usize = 1 << 30;

/// A COPY FROM STDIN in progress.
pub struct CopyIn {
    table: Arc<Table>,
    /// Target of each input column.
    targets: Vec<usize>,
    /// Their names.
    names: Vec<String>,
    columns: Vec<InsertColumn>,
    format: Format,
    env: Env,
    style: Style,
    /// Input that does not yet make a record.
    partial: Vec<u8>,
    /// How far the end of a CSV line has been looked for.
    scan: LineScan,
    /// The same in text.
    seen: usize,
    /// Whether the header of binary data has been read.
    has_begun: bool,
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
    /// What values of each input column have to satisfy, if it is of a domain.
    guards: Vec<Option<GuardCall>>,
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
pub(super) struct Fields {
    text: Vec<u8>,
    places: Vec<Option<Range<usize>>>,
}

impl Fields {
    fn clear(&mut self) {
        self.text.clear();
        self.places.clear();
    }

    fn len(&self) -> usize {
        self.places.len()
    }

    /// What has been put into `text` since `start` is the next field.
    fn end_field(&mut self, start: usize, is_null: bool) {
        self.places.push((!is_null).then_some(start..self.text.len()));
    }

    fn bytes(&self, at: usize) -> Option<Option<&[u8]>> {
        let place = self.places.get(at)?;
        Some(place.as_ref().and_then(|place| self.text.get(place.clone())))
    }

    fn get(&self, at: usize) -> Option<Option<&str>> {
        let place = self.places.get(at)?;
        let text = |place: &Range<usize>| std::str::from_utf8(self.text.get(place.clone())?).ok();
        Some(place.as_ref().and_then(text))
    }
}

/// As much of the input as messages show.
fn shown(text: &str) -> Cow<'_, str> {
    let mut end = text.len().min(MAX_SHOWN_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    match text.get(..end) {
        Some(start) if end < text.len() => format!("{start}...").into(),
        _ => text.into(),
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

    /// Whether the data is binary.
    pub fn is_binary(&self) -> bool {
        self.format.kind == Kind::Binary
    }
}

impl CopyIn {
    /// Compares the names in the first line, which has been decoded, with those of the columns.
    fn match_header(&self, line: &[u8]) -> Result<()> {
        let bad = |message: String| {
            let line = shown(&String::from_utf8_lossy(line)).into_owned();
            let place = format!("COPY {}, line {}: \"{line}\"", self.table.name, self.line);
            Err(Error::new(SqlState::BadCopyFileFormat, message).context(place))
        };
        let (found, expected) = (self.fields.len(), self.names.len());
        if found != expected {
            return bad(format!(
                "wrong number of fields in header line: got {found}, expected {expected}"
            ));
        }
        for (at, name) in self.names.iter().enumerate() {
            let mismatch = format!("column name mismatch in header line field {}", at + 1);
            match self.fields.get(at).flatten() {
                None => {
                    let null = &self.format.null;
                    return bad(format!(
                        "{mismatch}: got null value (\"{null}\"), expected \"{name}\""
                    ));
                }
                Some(found) if found != name => {
                    return bad(format!("{mismatch}: got \"{found}\", expected \"{name}\""));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// Leaves events to the end of a COPY.
fn keep_events(copy: &mut CopyIn, events: Vec<Event>) -> Result<()> {
    copy.events_bytes += events.iter().map(Event::bytes).sum::<usize>();
    if copy.events_bytes > MAX_EVENTS_BYTES {
        return Err(Error::new(
            SqlState::ProgramLimitExceeded,
            "too many rows refer to rows of the same COPY",
        ));
    }
    copy.events.extend(events);
    Ok(())
}

impl Session {
    pub(super) async fn copy(&mut self, copy: &Copy, sql: &str) -> Result<Outcome> {
        let format = Format::new(&copy.options, copy.to_client, sql)?;
        if copy.filter.is_some() {
            return Err(Error::unsupported("COPY with WHERE"));
        }
        match (&copy.source, copy.to_client) {
            (CopySource::Query(query), true) => self.copy_out(query, format, sql, None).await,
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
                        ast::Statement::Query(query) => {
                            let relation = self.named(name)?;
                            let table = self.schema().table(&relation).cloned();
                            self.copy_out(&query, format, &text, table.as_deref()).await
                        }
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
        let relation = self.named(name)?;
        let (table, rules) = loop {
            let version = self.schema_version();
            if self.schema().view(&relation).is_some() {
                let message = format!("cannot copy to view \"{relation}\"");
                return Err(Error::new(SqlState::WrongObjectType, message)
                    .hint("To enable copying to a view, provide an INSTEAD OF INSERT trigger."));
            }
            let table = self.schema().table(&relation).cloned().ok_or_else(|| {
                let message = format!("relation \"{relation}\" does not exist");
                Error::new(SqlState::UndefinedTable, message)
            })?;
            let (rules, _) = self.rules(&table)?;
            self.lock_table(&table, LockMode::RowExclusive).await?;
            for (reached, mode) in self.reached_tables(&table, &rules, &[Effect::Adds]) {
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
        let name_of = |target: &usize| table.columns.get(*target).map(|column| column.name.clone());
        let names: Vec<String> = targets.iter().filter_map(name_of).collect();
        format.check_columns(&names, &relation, |name| table.position(name).is_some())?;
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
        let guards = self.with_binder(sql, |binder| {
            let columns = targets.iter().filter_map(|target| table.columns.get(*target));
            columns.map(|column| binder.guard_of(column.declared().kind)).collect::<Result<_>>()
        })?;
        self.block().transaction.begin_statement(Access::Write);
        let env = self.env(Arc::new(Vec::new()));
        // Only defaults are evaluated, and they read no tables.
        let env = Env { view: env.view.without_own_writes(), ..env };
        let style = Style { names: Some(self.names()), ..self.style() };
        self.lock_if_empty(&table).await?;
        let alone = self.alone && !self.in_block();
        Ok(Outcome::CopyIn(Box::new(CopyIn {
            table,
            targets,
            names,
            columns,
            format,
            env,
            style,
            partial: Vec::new(),
            scan: LineScan::default(),
            seen: 0,
            has_begun: false,
            fields: Fields::default(),
            batch: Vec::new(),
            lines: Vec::new(),
            batch_bytes: 0,
            line: 0,
            rows: 0,
            rows_at_try: ROWS_BEFORE_TABLE_LOCK,
            ended: false,
            guards,
            rules,
            alone,
            events: Vec::new(),
            events_bytes: 0,
        })))
    }

    /// The columns that COPY of a table to the client has.
    fn columns_to_copy(&self, name: &ast::ObjectName) -> Result<Vec<String>> {
        let relation = self.named(name)?;
        let schema = self.schema();
        if schema.view(&relation).is_some() {
            let message = format!("cannot copy from view \"{relation}\"");
            return Err(Error::new(SqlState::WrongObjectType, message)
                .hint("Try the COPY (SELECT ...) TO variant."));
        }
        let Some(table) = schema.table(&relation) else { return Ok(vec!["*".to_owned()]) };
        if table.columns.iter().all(|column| column.generated.is_none()) {
            return Ok(vec!["*".to_owned()]);
        }
        let columns = table.visible().filter(|(_, column)| column.generated.is_none());
        Ok(columns.map(|(_, column)| quote_ident(&column.name)).collect())
    }

    /// Refuses to copy generated columns.
    fn check_copied(&self, name: &ast::ObjectName, columns: &[ast::Ident]) -> Result<()> {
        let relation = self.named(name)?;
        let schema = self.schema();
        let Some(table) = schema.table(&relation) else { return Ok(()) };
        let mut found =
            columns.iter().filter_map(|column| table.columns.get(table.position(&fold(column))?));
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
        while !copy.is_full() && !input.is_empty() {
            let rest = input.get(taken..).unwrap_or_default();
            match self.copy_record(copy, rest) {
                Ok(Some(bytes)) => taken += bytes,
                Ok(None) => break,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
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

    /// Takes the first record of the input; its length, or none if it is not all there.
    fn copy_record(&mut self, copy: &mut CopyIn, input: &[u8]) -> Result<Option<usize>> {
        let end = match copy.format.kind {
            Kind::Text => text::line_end(&mut copy.seen, input),
            Kind::Csv => copy.scan.line_end(&copy.format, input),
            Kind::Binary => return self.copy_tuple(copy, input),
        };
        let Some(end) = end else { return Ok(None) };
        self.copy_line(copy, input.get(..end).unwrap_or_default())?;
        Ok(Some(end + 1))
    }

    fn copy_tuple(&mut self, copy: &mut CopyIn, input: &[u8]) -> Result<Option<usize>> {
        if !copy.has_begun {
            let header = binary::header(input)?;
            copy.has_begun = header.is_some();
            return Ok(header);
        }
        if copy.ended {
            let message = "received copy data after EOF marker";
            return match input.is_empty() {
                true => Ok(None),
                false => Err(Error::new(SqlState::BadCopyFileFormat, message)),
            };
        }
        let mut fields = std::mem::take(&mut copy.fields);
        let place = format!("COPY {}, line {}", copy.table.name, copy.line + 1);
        let record = binary::record(input, copy.targets.len(), &mut fields);
        let record = record.map_err(|error| error.context(place));
        copy.fields = fields;
        Ok(match record? {
            Record::Partial => None,
            Record::End(bytes) => {
                copy.ended = true;
                Some(bytes)
            }
            Record::Row(bytes) => {
                copy.line += 1;
                let row = self.copy_row(copy, &[])?;
                copy.batch.push(row);
                copy.lines.push(copy.line);
                copy.batch_bytes += bytes;
                Some(bytes)
            }
        })
    }

    /// Adds the rows of the batch.
    pub async fn copy_batch(&mut self, copy: &mut CopyIn) -> Result<()> {
        copy.env.check_cancel()?;
        tokio::task::yield_now().await;
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
    /// refer to may be one of these, and a key that occurs twice may be changed. References to nothing
    /// are looked at again in the end.
    async fn look_at_batch(&mut self, copy: &mut CopyIn, events: Vec<Event>) -> Result<()> {
        let (now, later): (Vec<Event>, Vec<Event>) = events.into_iter().partition(|event| {
            matches!(event, Event::Refers(refers)
                if refers.reference.parent.id != refers.reference.child.id)
        });
        keep_events(copy, later)?;
        let due = match copy.alone {
            true => now,
            false => self.put_off(now)?,
        };
        let due = due.into_iter().filter_map(|event| match event {
            Event::Refers(refers) => Some(refers),
            _ => None,
        });
        let due: Vec<Refers> = due.collect();
        if due.is_empty() {
            return Ok(());
        }
        match Box::pin(self.check_references(&due)).await {
            // What is wrong with later rows comes first: as in PostgreSQL, this is told of in the end.
            Err(Error::Report(report)) if report.state == SqlState::ForeignKeyViolation => {
                keep_events(copy, due.into_iter().map(Event::Refers).collect())
            }
            checked => checked,
        }
    }

    /// Ends a COPY FROM STDIN; gives its command tag.
    pub async fn copy_done(&mut self, mut copy: Box<CopyIn>) -> Result<String> {
        while !self.copy_data(&mut copy, &[])? {
            self.copy_batch(&mut copy).await?;
        }
        let rest = std::mem::take(&mut copy.partial);
        match copy.format.kind {
            Kind::Binary if !copy.ended => {
                let message = "unexpected EOF in COPY data";
                let place = format!("COPY {}, line {}", copy.table.name, copy.line + 1);
                return Err(Error::new(SqlState::BadCopyFileFormat, message).context(place));
            }
            Kind::Text | Kind::Csv if !rest.is_empty() => self.copy_line(&mut copy, &rest)?,
            _ => {}
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
        let mut fields = std::mem::take(&mut copy.fields);
        let decoded = match copy.format.kind {
            Kind::Csv => csv::decode(&copy.format, line, &copy.names, &mut fields),
            _ => text::decode(&copy.format, line, &mut fields),
        };
        copy.fields = fields;
        decoded.map_err(|error| {
            let place = format!("COPY {}, line {}", copy.table.name, copy.line);
            error.context(match copy.format.kind {
                Kind::Csv => format!("{place}: \"{}\"", shown(&String::from_utf8_lossy(line))),
                _ => place,
            })
        })?;
        if copy.line == 1 && copy.format.header != Header::No {
            return match copy.format.header {
                Header::Match => copy.match_header(line),
                _ => Ok(()),
            };
        }
        let row = self.copy_row(copy, line)?;
        copy.batch.push(row);
        copy.lines.push(copy.line);
        copy.batch_bytes += line.len();
        Ok(())
    }

    fn copy_row(&mut self, copy: &mut CopyIn, line: &[u8]) -> Result<Row> {
        let place = |rest: String| format!("COPY {}, line {}{rest}", copy.table.name, copy.line);
        let whole = || place(format!(": \"{}\"", shown(&String::from_utf8_lossy(line))));
        let bad =
            |message: String| Error::new(SqlState::BadCopyFileFormat, message).context(whole());
        let fields = &copy.fields;
        let is_binary = copy.is_binary();
        if fields.places.len() > copy.targets.len() {
            return Err(bad("extra data after last expected column".into()));
        }
        let mut values = Vec::with_capacity(fields.places.len());
        for (at, target) in copy.targets.iter().enumerate() {
            let Some(column) = copy.table.columns.get(*target) else { continue };
            let target = column.kind();
            let guarded = |value: Datum| match copy.guards.get(at) {
                Some(Some(call)) => call.admit(value, &copy.env),
                _ => Ok(value),
            };
            let null = || {
                let place = || place(format!(", column {}: null input", column.name));
                guarded(Datum::Null).map_err(|error| error.context(place()))
            };
            if is_binary {
                let Some(bytes) = fields.bytes(at).flatten() else {
                    values.push(null()?);
                    continue;
                };
                let value = io::from_binary(target.kind, bytes)
                    .and_then(|value| io::apply_typmod(target, value, false))
                    .and_then(guarded);
                values.push(
                    value.map_err(|error| {
                        error.context(place(format!(", column {}", column.name)))
                    })?,
                );
                continue;
            }
            let Some(text) = fields.get(at) else {
                return Err(bad(format!("missing data for column \"{}\"", column.name)));
            };
            let Some(text) = text else {
                values.push(null()?);
                continue;
            };
            let value = io::from_text(target.kind, text, &copy.style)
                .and_then(|value| io::apply_typmod(target, value, false))
                .and_then(guarded);
            values.push(value.map_err(|error| {
                error.context(place(format!(", column {}: \"{}\"", column.name, shown(text))))
            })?);
        }
        let sequences = &self.database.sequences;
        let writer = Writer::new(&copy.table, &copy.rules, &copy.env, &copy.style, false);
        let row = writer.make_row(&copy.columns, values, &copy.env, sequences);
        let mut row = row.map_err(|error| error.context(whole()))?;
        writer.complete(&mut row).map_err(|error| error.context(whole()))?;
        Ok(row)
    }
}
