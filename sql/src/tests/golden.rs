//! Scripts of SQL on a fresh in-memory database, with what they must print: results, plans, and
//! the keys in storage. They pin what other tests cannot see: which executor and which index a
//! statement uses, and the bytes that a later version has to read again.
//!
//! A script's commands are
//!
//! ```text
//! > SELECT ...            runs SQL and prints its rows and its command tag
//! [plan] > SELECT ...     the same, behind its EXPLAIN
//! !> INSERT ...           must fail, and prints SQLSTATE, message and detail
//! keys TABLE              prints the keys and values of all indexes of a table
//! ```
//!
//! Output is made with `UPDATE_GOLDENFILES=1 cargo test -p cairn-sql golden`, and then reviewed.

use std::error::Error as StdError;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use cairn_txn::clock::SystemClock;
use cairn_txn::storage::memory::MemoryEngine;
use cairn_txn::storage::{Direction, Store, StoreOptions};
use cairn_txn::{Isolation, TransactionManager};
use datafusion::arrow::datatypes::DataType;
use goldenscript::Context;
use tokio::runtime::Runtime;

use super::hex;
use crate::binder::OutputColumn;
use crate::catalog::names::RelationName;
use crate::catalog::{Catalog, Index, Table, index_prefix, index_span};
use crate::codec::decode_stored;
use crate::error::{Error, Result};
use crate::session::{Database, Options, Outcome, Session};
use crate::types::io::{Style, to_text};
use crate::types::{Datum, Type};

/// What goldenscript wants of a command.
pub(super) type Output = std::result::Result<String, Box<dyn StdError>>;

#[derive(goldenscript::Command)]
pub(super) enum Command {
    /// The keys and values of a table.
    Keys(String),
    /// SQL, which is the command's name.
    #[command(other)]
    Sql(goldenscript::Command),
}

/// A database with one session.
pub(super) struct Runner {
    pub(super) runtime: Runtime,
    pub(super) session: Session,
    manager: Arc<TransactionManager>,
}

impl Runner {
    pub(super) fn new() -> Runner {
        let (engine, options) = (Arc::new(MemoryEngine::new()), StoreOptions::default());
        let store = Store::on_engine(engine, None, &options, Box::new(|_| {})).unwrap();
        let (store, clock) = (Arc::new(store), Arc::new(SystemClock));
        let manager = TransactionManager::open(store, clock, cairn_txn::Options::default());
        let manager = manager.unwrap();
        let database = Database::open(manager.clone(), Options::default()).unwrap();
        // Long reads of the row executor use `block_in_place`, which takes a multi-threaded runtime.
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        Runner { runtime, session: Session::new(database, "postgres", "postgres"), manager }
    }

    pub(super) fn sql(&mut self, sql: &str) -> Output {
        let lines = self.runtime.block_on(query(&mut self.session, sql));
        let lines = lines.map_err(|error| {
            self.session.fail();
            let report = error.into_report();
            let detail = report.detail.map_or(String::new(), |detail| format!(" ({detail})"));
            format!("{} {}{detail}", report.state.code(), report.message)
        });
        Ok(lines?.join("\n"))
    }

    fn keys(&self, name: &str) -> Output {
        let schema = Catalog::load(&self.manager)?.current();
        let table = schema.table(&RelationName::new("public", name)).ok_or("no such table")?;
        let view = self.manager.begin(Isolation::ReadCommitted).latest();
        let mut lines = Vec::new();
        for index in table.all_indexes() {
            lines.push(format!("{}:", index.name));
            view.scan(&index_span(index.storage), Direction::Forward, &mut |key, value| {
                let value = match index.storage == table.primary.storage {
                    true => format!("{} {:?}", hex(value), decode_stored(value).unwrap()),
                    false => show_value(table, index, value),
                };
                lines.push(format!("  {} -> {value}", show_key(table, index, key)));
                ControlFlow::Continue(())
            })?;
        }
        Ok(lines.join("\n"))
    }
}

impl goldenscript::Runner for Runner {
    type Command = Command;

    fn run(&mut self, command: &Command, context: &Context) -> Output {
        match command {
            Command::Keys(table) => self.keys(table),
            Command::Sql(sql) => {
                sql.consume_args().reject_next()?;
                if !context.tags.contains("plan") {
                    return self.sql(&sql.name);
                }
                let plan = self.sql(&format!("EXPLAIN {}", sql.name))?;
                Ok(format!("{plan}\n{}", self.sql(&sql.name)?))
            }
        }
    }
}

/// Runs a query string as the server does.
async fn query(session: &mut Session, sql: &str) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for (statement, params) in session.parse(sql)? {
        match session.execute(&statement, params).await? {
            Outcome::Empty => {}
            Outcome::Command(tag) => lines.push(tag),
            Outcome::Rows(mut rows) => {
                loop {
                    let batch = rows.next(usize::MAX).await?;
                    if batch.is_empty() {
                        break;
                    }
                    for row in &batch {
                        lines.push(show_row(&rows.columns, row)?);
                    }
                }
                lines.push(rows.tag());
            }
            Outcome::CopyIn(_) | Outcome::CopyOut(_) => {
                return Err(Error::unsupported("COPY in a script"));
            }
        }
    }
    session.finish_implicit().await?;
    Ok(lines)
}

fn show_row(columns: &[OutputColumn], row: &[Datum]) -> Result<String> {
    let style = Style::default();
    let values = columns.iter().zip(row).map(|(column, value)| match value {
        Datum::Null => Ok("NULL".to_owned()),
        value => to_text(column.ty.kind, value, &style),
    });
    Ok(values.collect::<Result<Vec<_>>>()?.join(" | "))
}

/// A key in hex, with blanks between the storage id, the columns, and the row's own key.
fn show_key(table: &Table, index: &Index, key: &[u8]) -> String {
    let (prefix, mut rest) = key.split_at(index_prefix(index.storage).len());
    let mut parts = vec![format!("t{}", hex(&prefix[1..]))];
    for at in 0..index.columns.len() {
        let kind = table.key_type(index, at).kind;
        let (column, behind) =
            rest.split_at(key_column_length(kind, index.order(at).descending, rest));
        parts.push(hex(column));
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(show_key(table, &table.primary, rest));
    }
    parts.join(" ")
}

/// The value of an entry: the row's key, and the included columns.
fn show_value(table: &Table, index: &Index, value: &[u8]) -> String {
    let (row_key, included) = index.split_value(value).unwrap();
    let row_key = show_key(table, &table.primary, row_key);
    match index.include.is_empty() {
        true => row_key,
        false => format!("{row_key} {} {:?}", hex(included), decode_stored(included).unwrap()),
    }
}

/// Bytes of the first column of a key, its marker included.
fn key_column_length(kind: Type, descending: bool, key: &[u8]) -> usize {
    if key[0] != 1 {
        return 1;
    }
    match kind.layout() {
        DataType::Boolean => 2,
        // In a key as a float8.
        DataType::Float32 => 9,
        DataType::Utf8 | DataType::Binary => {
            let zero = if descending { 0xff } else { 0 };
            let mut at = 1;
            while key[at..at + 2] != [zero, zero] {
                at += if key[at] == zero { 2 } else { 1 };
            }
            at + 2
        }
        layout => 1 + layout.primitive_width().unwrap(),
    }
}

macro_rules! scripts {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/scripts");
            let script = scripts.join(concat!(stringify!($name), ".txt"));
            goldenscript::run(&mut Runner::new(), script).unwrap();
        })*
    };
}

scripts! { access arrays changes computed_indexes constraints include joins key_layout indexes order queries vectorized }
