//! Tables, indexes and sequences: what they are, how they are stored, and who sees which version.
//!
//! A descriptor is a row like any other, in the same versioned key space, so DDL commits and
//! rolls back with its transaction. In memory the whole catalog is one immutable [`Schema`];
//! a commit that changed descriptors swaps in a new one before its timestamp is published, so
//! no snapshot can see rows whose table it does not know. A transaction that changes the
//! catalog works on its own copy until then, and holds [`CATALOG_LOCK`], so that copies never
//! diverge.
//!
//! # Keys
//!
//! ```text
//! c t <table id>                descriptor of a table, as JSON
//! c s <sequence id>             descriptor of a sequence
//! c v <view id>                 descriptor of a view
//! c n <schema id>               descriptor of a schema
//! c y <type id>                 descriptor of a type
//! c g <storage id>              rows of a dropped table, to be cleared
//! c a <table id>                what ANALYZE has found out about a table
//! s <sequence id>               how far a sequence has been handed out
//! t <storage id> <key columns>  a row, or an entry of an index
//! ```
//!
//! The value of an entry is the key of its row; where an index includes columns, with its length
//! before it and their values behind it.

pub mod constraint;
mod draft;
mod garbage;
pub mod index;
mod lookup;
pub mod names;
pub mod routine;
pub mod sequences;
pub mod statistics;
pub mod types;
pub mod view;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use cairn_txn::storage::{Direction, INDEX_PREFIX_BYTES, Span, Timestamp};
use cairn_txn::{ReadView, TransactionManager};
use datafusion::arrow::datatypes::{Field, Schema as ArrowSchema, SchemaRef};
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::error::{Error, Result, SqlState};
use crate::row::computed::Programs;
use crate::types::{Datum, Type, TypeMod};
use constraint::{Check, ForeignKey};
pub use draft::Draft;
pub use garbage::{clear_garbage, clear_leftovers};
pub use index::{Index, IndexState};
use names::{Named, RelationName};
use routine::Routine;
use statistics::Statistics;
use types::TypeDescriptor;
use view::View;

/// Held exclusively by a transaction that changes descriptors.
pub const CATALOG_LOCK: &[u8] = b"L/catalog";

/// Most columns of a table that names find, as in PostgreSQL.
pub const MAX_COLUMNS: usize = 1600;

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// pg_type.oid of its type.
    pub type_oid: u32,
    /// Its modifier, or -1.
    pub typmod: i32,
    /// NOT NULL.
    pub not_null: bool,
    /// DEFAULT, as SQL text.
    pub default: Option<String>,
    /// The sequence behind serial or identity.
    pub sequence: Option<u32>,
    /// Kind of identity column.
    pub identity: Option<Identity>,
    /// The row number of a table without primary key, NULL in others: no name finds it.
    pub hidden: bool,
    /// GENERATED ALWAYS AS ... STORED, as SQL text.
    #[serde(default)]
    pub generated: Option<String>,
    /// Whether it was dropped: rows have a place for it, and no name finds it.
    #[serde(default)]
    pub dropped: bool,
    /// For one that was added later: its value in rows that were written before, as
    /// [`codec::encode_datum`] writes it.
    #[serde(default)]
    pub missing: Option<Vec<u8>>,
    /// COMMENT ON.
    #[serde(default)]
    pub comment: Option<String>,
    /// Whether no name finds it in the view through which a statement sees the table. Never stored.
    #[serde(skip)]
    pub concealed: bool,
    /// What `type_oid` stands for, if that is a type of a user's.
    #[serde(skip)]
    pub user_type: Option<Type>,
}

/// GENERATED ... AS IDENTITY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Identity {
    /// ALWAYS.
    Always,
    /// BY DEFAULT.
    ByDefault,
}

impl Column {
    /// A column without constraints.
    pub fn new(name: String, kind: TypeMod) -> Column {
        Column {
            name,
            type_oid: kind.kind.oid(),
            typmod: kind.typmod,
            not_null: false,
            default: None,
            sequence: None,
            identity: None,
            hidden: false,
            generated: None,
            dropped: false,
            missing: None,
            comment: None,
            concealed: false,
            user_type: kind.kind.user().map(|_| kind.kind),
        }
    }

    /// Type and modifier of what is stored: of a domain, those of its base type.
    pub fn kind(&self) -> TypeMod {
        self.declared().base()
    }

    /// Type and modifier as they were given.
    pub fn declared(&self) -> TypeMod {
        let kind = self.user_type.or_else(|| Type::from_oid(self.type_oid));
        TypeMod { kind: kind.unwrap_or(Type::Text), typmod: self.typmod }
    }

    /// Gives it another type.
    pub fn set_kind(&mut self, kind: TypeMod) {
        let Column { type_oid, typmod, user_type, .. } = Column::new(String::new(), kind);
        (self.type_oid, self.typmod, self.user_type) = (type_oid, typmod, user_type);
    }
}

/// A table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Never reused.
    pub id: u32,
    /// Its schema.
    #[serde(default = "names::public")]
    pub schema: String,
    /// Its name.
    pub name: String,
    /// In order.
    pub columns: Vec<Column>,
    /// Holds the rows. Over the hidden column when there is no primary key.
    pub primary: Index,
    /// The others.
    pub indexes: Vec<Index>,
    /// Storage parameters, as `name=value`.
    #[serde(default)]
    pub parameters: Vec<String>,
    /// CHECK, in the order in which they were made.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// FOREIGN KEY, in the order in which they were made.
    #[serde(default)]
    pub foreign_keys: Vec<ForeignKey>,
    /// COMMENT ON.
    #[serde(default)]
    pub comment: Option<String>,
    /// Of a materialized view: what its rows are made of.
    #[serde(default)]
    pub definition: Option<Box<view::View>>,
    /// Whether a materialized view has been filled.
    #[serde(default)]
    pub is_populated: bool,
    /// What becomes of a temporary table when a transaction commits.
    #[serde(default)]
    pub on_commit: OnCommit,
    /// Snapshots before this do not find rows by all indexes. Not stored: no snapshot outlives the
    /// server.
    #[serde(skip)]
    pub valid_from: Timestamp,
    /// Of a table as a view shows it: the positions of its columns in the view's order; none: as they
    /// are. Never stored.
    #[serde(skip)]
    pub order: Vec<usize>,
    /// What that view computes, at the positions behind those of the columns. Never stored.
    #[serde(skip)]
    pub computed: Vec<Column>,
    /// What its indexes compute, compiled when it is first used. Never stored.
    #[serde(skip)]
    pub programs: Programs,
    /// What ANALYZE has found out. Stored by itself.
    #[serde(skip)]
    pub statistics: Option<Arc<Statistics>>,
}

/// ON COMMIT, of a temporary table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnCommit {
    /// PRESERVE ROWS.
    #[default]
    PreserveRows,
    /// DELETE ROWS.
    DeleteRows,
    /// DROP.
    Drop,
}

/// A schema that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Namespace {
    /// Shares the numbers of tables.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: String,
}

/// A sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    /// Shares the numbers of tables.
    pub id: u32,
    /// Its schema.
    #[serde(default = "names::public")]
    pub schema: String,
    /// Its name.
    pub name: String,
    /// pg_type.oid of the type that bounds it.
    #[serde(default = "int8_oid")]
    pub type_oid: u32,
    /// How many values a session takes at a time.
    #[serde(default = "one")]
    pub cache: i64,
    /// The number of its state, if that is not its own: each time it starts anew it gets another.
    #[serde(default)]
    pub state: Option<u32>,
    /// First value.
    pub start: i64,
    /// Step.
    pub increment: i64,
    /// Last value in the direction of the step, or the least.
    pub min: i64,
    /// The greatest.
    pub max: i64,
    /// Whether it starts over.
    pub cycle: bool,
    /// The table that takes it along when dropped.
    pub owner: Option<u32>,
    /// The position of the column that does.
    #[serde(default)]
    pub column: Option<usize>,
    /// COMMENT ON.
    #[serde(default)]
    pub comment: Option<String>,
}

fn int8_oid() -> u32 {
    Type::Int8.oid()
}

fn one() -> i64 {
    1
}

impl Sequence {
    /// One that counts up from 1.
    pub fn new(id: u32, name: RelationName, kind: Type) -> Sequence {
        Sequence {
            id,
            schema: name.schema,
            name: name.name,
            type_oid: kind.oid(),
            cache: 1,
            state: None,
            start: 1,
            increment: 1,
            min: 1,
            max: i64::MAX,
            cycle: false,
            owner: None,
            column: None,
            comment: None,
        }
    }

    /// The type that bounds it.
    pub fn kind(&self) -> Type {
        Type::from_oid(self.type_oid).unwrap_or(Type::Int8)
    }

    /// The number of its state.
    pub fn state(&self) -> u32 {
        self.state.unwrap_or(self.id)
    }

    /// Its name with its schema.
    pub fn full_name(&self) -> RelationName {
        RelationName::new(self.schema.clone(), self.name.clone())
    }
}

impl Table {
    /// Its name with its schema.
    pub fn full_name(&self) -> RelationName {
        RelationName::new(self.schema.clone(), self.name.clone())
    }

    /// Whether only its session sees it.
    pub fn is_temporary(&self) -> bool {
        names::is_temporary(&self.schema)
    }

    /// Its indexes that names find.
    pub fn named_indexes(&self) -> impl Iterator<Item = &Index> {
        let primary = self.primary.storage;
        self.all_indexes().filter(move |index| index.constraint || index.storage != primary)
    }

    /// Whether rows are stored by a primary key. One that is DEFERRABLE is a secondary index.
    pub fn has_primary_key(&self) -> bool {
        self.primary.constraint
    }

    /// The primary key.
    pub fn primary_key(&self) -> Option<&Index> {
        match self.primary.constraint {
            true => Some(&self.primary),
            false => self.indexes.iter().find(|index| index.primary),
        }
    }

    /// The columns that names find.
    pub fn visible(&self) -> impl Iterator<Item = (usize, &Column)> {
        let count = if self.order.is_empty() { self.columns.len() } else { self.order.len() };
        let columns = (0..count).filter_map(|at| {
            let position = self.order.get(at).copied().unwrap_or(at);
            let computed = || self.computed.get(position - self.columns.len());
            Some((position, self.columns.get(position).or_else(computed)?))
        });
        columns.filter(|(_, column)| !column.hidden && !column.dropped && !column.concealed)
    }

    /// Position of a visible column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.visible().find(|(_, column)| column.name == name).map(|(position, _)| position)
    }

    /// The primary index and the others.
    pub fn all_indexes(&self) -> impl Iterator<Item = &Index> {
        std::iter::once(&self.primary).chain(&self.indexes)
    }

    /// The Arrow schema of its rows: `c0`, `c1`, ... in the columns' layouts.
    pub fn arrow_schema(&self) -> SchemaRef {
        let fields = self.columns.iter().enumerate().map(|(position, column)| {
            let nullable = !column.not_null || column.hidden;
            Field::new(format!("c{position}"), column.kind().kind.layout(), nullable)
        });
        Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()))
    }

    /// All columns of a stored row.
    pub fn decode_row(&self, bytes: &[u8]) -> Result<Vec<Datum>> {
        let wanted: Vec<usize> = (0..self.columns.len()).collect();
        let mut row = Vec::with_capacity(wanted.len());
        self.decode_columns(bytes, &wanted, &mut row)?;
        Ok(row)
    }

    /// The columns of a stored row at `wanted`, which rises.
    pub fn decode_columns(
        &self,
        bytes: &[u8],
        wanted: &[usize],
        out: &mut Vec<Datum>,
    ) -> Result<()> {
        codec::decode_columns(bytes, wanted, out, |column| {
            // The row is older than the column.
            self.columns.get(column).and_then(|column| column.missing.as_deref())
        })
    }

    /// Name under which the table is locked.
    pub fn lock_name(&self) -> [u8; 12] {
        let mut name = *b"L/table/\0\0\0\0";
        name[8..].copy_from_slice(&self.id.to_be_bytes());
        name
    }
}

/// First bytes of all keys of an index: [`INDEX_PREFIX_BYTES`] of them.
pub fn index_prefix(storage: u32) -> Vec<u8> {
    let mut key = Vec::with_capacity(32);
    key.push(b't');
    key.extend(storage.to_be_bytes());
    debug_assert!(key.len() == INDEX_PREFIX_BYTES);
    key
}

/// The keys of an index.
pub fn index_span(storage: u32) -> Span {
    Span::prefix(&index_prefix(storage))
}

fn table_key(id: u32) -> Vec<u8> {
    [b"ct".as_slice(), &id.to_be_bytes()].concat()
}

fn sequence_key(id: u32) -> Vec<u8> {
    [b"cs".as_slice(), &id.to_be_bytes()].concat()
}

fn view_key(id: u32) -> Vec<u8> {
    [b"cv".as_slice(), &id.to_be_bytes()].concat()
}

fn routine_key(id: u32) -> Vec<u8> {
    [b"cf".as_slice(), &id.to_be_bytes()].concat()
}

fn type_key(id: u32) -> Vec<u8> {
    [b"cy".as_slice(), &id.to_be_bytes()].concat()
}

fn namespace_key(id: u32) -> Vec<u8> {
    [b"cn".as_slice(), &id.to_be_bytes()].concat()
}

const GARBAGE: &[u8] = b"cg";
const STATISTICS: &[u8] = b"ca";

fn statistics_key(id: u32) -> Vec<u8> {
    [STATISTICS, &id.to_be_bytes()].concat()
}

/// Numbers below are kept for cairn's own use, as PostgreSQL keeps its oids.
const FIRST_ID: u32 = 16_384;

/// All descriptors, at one version.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// Rises with every change.
    pub version: u64,
    names: HashMap<RelationName, Named>,
    tables: HashMap<u32, Arc<Table>>,
    views: HashMap<u32, Arc<View>>,
    sequences: HashMap<u32, Arc<Sequence>>,
    routines: HashMap<u32, Arc<Routine>>,
    namespaces: HashMap<String, Arc<Namespace>>,
    statistics: HashMap<u32, Arc<Statistics>>,
    types: HashMap<u32, Arc<TypeDescriptor>>,
    /// Numbers of types and their array types by name.
    type_names: HashMap<RelationName, u32>,
    /// What the numbers of these types stand for.
    resolved: HashMap<u32, Type>,
    /// Descriptors that sessions of an earlier run left behind: their keys, and the storage of their
    /// rows.
    leftovers: Vec<(Vec<u8>, Vec<u32>)>,
    lookups: lookup::Lookups,
    /// Shared by all drafts: a number that a rolled-back transaction used is not used again.
    last_id: Arc<AtomicU32>,
}

impl Schema {
    /// Finds a table by name.
    pub fn table(&self, name: &RelationName) -> Option<&Arc<Table>> {
        match self.named(name)? {
            Named::Table(id) => self.tables.get(&id),
            _ => None,
        }
    }

    /// Finds a table by number.
    pub fn table_by_id(&self, id: u32) -> Option<&Arc<Table>> {
        self.tables.get(&id)
    }

    /// All tables.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.values()
    }

    /// Finds the table of an index by the index's name.
    pub fn index(&self, name: &RelationName) -> Option<(&Arc<Table>, &Index)> {
        let Named::Index(table) = self.named(name)? else { return None };
        let table = self.tables.get(&table)?;
        table.named_indexes().find(|index| index.name == name.name).map(|index| (table, index))
    }

    /// Finds a view by name.
    pub fn view(&self, name: &RelationName) -> Option<&Arc<View>> {
        match self.named(name)? {
            Named::View(id) => self.views.get(&id),
            _ => None,
        }
    }

    /// Finds a view by number.
    pub fn view_by_id(&self, id: u32) -> Option<&Arc<View>> {
        self.views.get(&id)
    }

    /// All views.
    pub fn views(&self) -> impl Iterator<Item = &Arc<View>> {
        self.views.values()
    }

    /// Finds a sequence by name.
    pub fn sequence(&self, name: &RelationName) -> Option<&Arc<Sequence>> {
        match self.named(name)? {
            Named::Sequence(id) => self.sequences.get(&id),
            _ => None,
        }
    }

    /// All sequences.
    pub fn sequences(&self) -> impl Iterator<Item = &Arc<Sequence>> {
        self.sequences.values()
    }

    /// Finds a sequence by number.
    pub fn sequence_by_id(&self, id: u32) -> Option<&Arc<Sequence>> {
        self.sequences.get(&id)
    }

    /// The schemas that were made.
    pub fn namespaces(&self) -> impl Iterator<Item = &Arc<Namespace>> {
        self.namespaces.values()
    }

    /// Finds a schema that was made.
    pub fn namespace(&self, name: &str) -> Option<&Arc<Namespace>> {
        self.namespaces.get(name)
    }

    fn insert_table(&mut self, mut table: Arc<Table>) {
        let statistics = self.statistics.get(&table.id);
        if table.statistics.as_ref() != statistics {
            Arc::make_mut(&mut table).statistics = statistics.cloned();
        }
        self.remove_table(table.id);
        self.lookups.forget();
        let indexes = table.named_indexes().map(|index| index.name.as_str());
        for name in indexes {
            let name = RelationName::new(table.schema.clone(), name);
            self.names.insert(name, Named::Index(table.id));
        }
        self.names.insert(table.full_name(), Named::Table(table.id));
        self.tables.insert(table.id, table);
    }

    fn remove_table(&mut self, id: u32) -> bool {
        let Some(old) = self.tables.remove(&id) else { return false };
        self.lookups.forget();
        let is_its =
            |what: &Named| matches!(what, Named::Table(of) | Named::Index(of) if *of == id);
        let names = old.named_indexes().map(|index| old.full_name().beside(index.name.as_str()));
        for name in names.chain([old.full_name()]) {
            if self.names.get(&name).is_some_and(is_its) {
                self.names.remove(&name);
            }
        }
        true
    }

    fn insert_view(&mut self, view: Arc<View>) {
        self.remove_view(view.id);
        self.lookups.forget();
        self.names.insert(view.full_name(), Named::View(view.id));
        self.views.insert(view.id, view);
    }

    fn remove_view(&mut self, id: u32) -> bool {
        let Some(old) = self.views.remove(&id) else { return false };
        self.lookups.forget();
        self.names.remove(&old.full_name());
        true
    }

    fn insert_sequence(&mut self, sequence: Arc<Sequence>) {
        self.remove_sequence(sequence.id);
        self.lookups.forget();
        self.names.insert(sequence.full_name(), Named::Sequence(sequence.id));
        self.sequences.insert(sequence.id, sequence);
    }

    fn remove_sequence(&mut self, id: u32) -> bool {
        let Some(old) = self.sequences.remove(&id) else { return false };
        self.lookups.forget();
        self.names.remove(&old.full_name());
        true
    }

    /// A number for a new table, index or sequence.
    pub fn allocate_id(&self) -> u32 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn load(view: &ReadView) -> Result<Schema> {
        let last_id = Arc::new(AtomicU32::new(FIRST_ID));
        let mut schema = Schema { last_id, ..Schema::default() };
        let mut failed = None;
        view.scan(&Span::prefix(b"c"), Direction::Forward, &mut |key, value| {
            if let Err(error) = schema.load_descriptor(key, value) {
                failed = Some(error);
                return std::ops::ControlFlow::Break(());
            }
            std::ops::ControlFlow::Continue(())
        })?;
        // States of sequences outlive a rollback of what made the sequence.
        view.scan(&Span::prefix(sequences::PREFIX), Direction::Forward, &mut |key, _| {
            schema.note_id(key.get(sequences::PREFIX.len()..));
            std::ops::ControlFlow::Continue(())
        })?;
        schema.resolve_types();
        failed.map_or(Ok(schema), Err)
    }

    /// Keeps a number that is in use, or was, from being given out.
    fn note_id(&self, bytes: Option<&[u8]>) {
        if let Some(id) = bytes.and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes) {
            self.last_id.fetch_max(id, Ordering::Relaxed);
        }
    }

    fn load_descriptor(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let corrupted = |error: serde_json::Error| {
            Error::new(SqlState::DataCorrupted, format!("unreadable descriptor: {error}"))
        };
        if key.starts_with(b"ct") {
            let table: Table = serde_json::from_slice(value).map_err(corrupted)?;
            let storages: Vec<u32> = table.all_indexes().map(|index| index.storage).collect();
            let indexes = table.all_indexes().flat_map(|index| [index.storage, index.id]);
            let checks = table.checks.iter().map(|check| check.id);
            let keys = table.foreign_keys.iter().map(|key| key.id);
            let ids = indexes.chain(checks).chain(keys).chain([table.id]);
            ids.for_each(|id| self.note_id(Some(&id.to_be_bytes())));
            // Temporary ones have outlived their session in a crash.
            match table.is_temporary() {
                true => self.leftovers.push((key.to_vec(), storages)),
                false => self.insert_table(Arc::new(table)),
            }
        } else if key.starts_with(b"cs") {
            let sequence: Sequence = serde_json::from_slice(value).map_err(corrupted)?;
            self.note_id(Some(&sequence.id.to_be_bytes()));
            self.note_id(Some(&sequence.state().to_be_bytes()));
            match names::is_temporary(&sequence.schema) {
                true => self.leftovers.push((key.to_vec(), Vec::new())),
                false => self.insert_sequence(Arc::new(sequence)),
            }
        } else if key.starts_with(b"cv") {
            let view: View = serde_json::from_slice(value).map_err(corrupted)?;
            self.note_id(Some(&view.id.to_be_bytes()));
            match names::is_temporary(&view.schema) {
                true => self.leftovers.push((key.to_vec(), Vec::new())),
                false => self.insert_view(Arc::new(view)),
            }
        } else if let Some(id) = key.strip_prefix(STATISTICS) {
            // They come before the tables.
            if let Some(id) = id.try_into().ok().map(u32::from_be_bytes) {
                let statistics: Statistics = serde_json::from_slice(value).map_err(corrupted)?;
                self.insert_statistics(id, Arc::new(statistics));
            }
        } else if key.starts_with(b"cf") {
            let routine: Routine = serde_json::from_slice(value).map_err(corrupted)?;
            self.note_id(Some(&routine.id.to_be_bytes()));
            self.routines.insert(routine.id, Arc::new(routine));
        } else if key.starts_with(b"cn") {
            let namespace: Namespace = serde_json::from_slice(value).map_err(corrupted)?;
            self.note_id(Some(&namespace.id.to_be_bytes()));
            self.namespaces.insert(namespace.name.clone(), Arc::new(namespace));
        } else if key.starts_with(b"cy") {
            let made: TypeDescriptor = serde_json::from_slice(value).map_err(corrupted)?;
            made.ids().into_iter().for_each(|id| self.note_id(Some(&id.to_be_bytes())));
            match names::is_temporary(&made.schema) {
                true => self.leftovers.push((key.to_vec(), Vec::new())),
                false => self.insert_type(Arc::new(made)),
            }
        } else if let Some(id) = key.strip_prefix(GARBAGE) {
            self.note_id(Some(id));
        }
        Ok(())
    }
}

/// The catalog of one server.
pub struct Catalog {
    current: RwLock<Arc<Schema>>,
    /// Of `current`, for those who only ask whether it has changed.
    version: AtomicU64,
    /// Whether `current` has schemas that were made.
    has_namespaces: AtomicBool,
    /// What sessions of an earlier run left behind, until it is cleared.
    leftovers: Mutex<Vec<(Vec<u8>, Vec<u32>)>>,
}

impl Catalog {
    /// Reads all descriptors.
    pub fn load(manager: &Arc<TransactionManager>) -> Result<Catalog> {
        let transaction = manager.begin(cairn_txn::Isolation::ReadCommitted);
        let mut schema = Schema::load(&transaction.latest())?;
        let version = AtomicU64::new(schema.version);
        let has_namespaces = AtomicBool::new(!schema.namespaces.is_empty());
        let leftovers = Mutex::new(std::mem::take(&mut schema.leftovers));
        let current = RwLock::new(Arc::new(schema));
        Ok(Catalog { current, version, has_namespaces, leftovers })
    }

    /// The newest committed version.
    pub fn current(&self) -> Arc<Schema> {
        self.current.read().clone()
    }

    /// The version of [`Catalog::current`].
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Whether there are schemas that were made.
    pub fn has_namespaces(&self) -> bool {
        self.has_namespaces.load(Ordering::Acquire)
    }

    /// Makes `schema` the newest version. Called while the transaction that made it commits.
    pub fn install(&self, mut schema: Schema, at: Timestamp) {
        let mut current = self.current.write();
        schema.commit_labels();
        for table in schema.tables.values_mut() {
            let Some(before) = current.tables.get(&table.id) else {
                continue;
            };
            let readable = |index: &Index| {
                let same = |b: &Index| b.storage == index.storage && b.is_public();
                !index.is_public() || before.all_indexes().any(same)
            };
            let new = table.all_indexes().filter(|index| !readable(index));
            if let Some(from) = new.map(|index| index.filled_at.unwrap_or(at)).max() {
                let table = Arc::make_mut(table);
                table.valid_from = table.valid_from.max(from);
            }
        }
        schema.version = current.version + 1;
        let version = schema.version;
        self.has_namespaces.store(!schema.namespaces.is_empty(), Ordering::Release);
        *current = Arc::new(schema);
        self.version.store(version, Ordering::Release);
    }
}
