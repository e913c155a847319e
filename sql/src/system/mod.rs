//! System relations: `pg_catalog` and `information_schema`, and what can be asked about the server.
//!
//! Their rows are made when they are read. What tells of definitions is made from the descriptors that
//! the transaction sees, its own included; what tells of the server is no part of any snapshot. Names
//! and types of columns are PostgreSQL's. A relation without content is about something that cairn
//! does not have.
//!
//! A relation is read with the values that the statement asks for in columns such as `oid` and
//! `relname` ([`Asked`]), and makes no more rows than it must: a look-up costs no more with a thousand
//! tables. Some are queries over others ([`views`]).

pub mod activity;
pub mod blocked;
pub mod builtins;
pub mod calls;
pub mod classes;
pub mod constraints;
pub mod cursors;
pub mod definitions;
pub mod facts;
pub mod locks;
pub mod names;
mod progress;
pub mod ranges;
mod rewrite;
pub mod roles;
pub mod routines;
pub mod settings;
pub mod statistics;
pub mod types;
pub mod views;
mod zones;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use cairn_txn::TransactionManager;

use crate::catalog::Schema;
use crate::error::Result;
use crate::row::Row;
use crate::sessions::Sessions;
use crate::types::{Datum, Type};

/// The schema of the catalogs.
pub const CATALOG_SCHEMA: &str = "pg_catalog";
/// The schema of standard SQL's views of them.
pub const INFORMATION_SCHEMA: &str = "information_schema";
/// The schema of users' tables.
pub const PUBLIC_SCHEMA: &str = "public";
/// The schema of what only cairn has.
pub const OWN_SCHEMA: &str = "pg_cairn";
/// Numbers of the schemas: PostgreSQL's, where clients know them.
pub const CATALOG_NAMESPACE: u32 = 11;
/// See [`CATALOG_NAMESPACE`].
pub const PUBLIC_NAMESPACE: u32 = 2200;
/// See [`CATALOG_NAMESPACE`].
pub const INFORMATION_NAMESPACE: u32 = 13_207;
/// See [`CATALOG_NAMESPACE`].
pub const OWN_NAMESPACE: u32 = 13_000;
/// All schemas.
pub const NAMESPACES: &[(u32, &str)] = &[
    (CATALOG_NAMESPACE, CATALOG_SCHEMA),
    (PUBLIC_NAMESPACE, PUBLIC_SCHEMA),
    (OWN_NAMESPACE, OWN_SCHEMA),
    (INFORMATION_NAMESPACE, INFORMATION_SCHEMA),
];
/// The one role.
pub const SUPERUSER: &str = "postgres";
/// Its number.
pub const SUPERUSER_OID: u32 = 10;
/// The collations: all of them sort bytewise.
pub const COLLATIONS: &[(u32, &str)] = &[(100, "default"), (950, "C"), (951, "POSIX")];

/// Numbers of pg_class, pg_namespace and others, where one relation's rows name another.
pub mod class_oid {
    #![allow(missing_docs, reason = "the names are PostgreSQL's")]
    pub const PG_TYPE: u32 = 1247;
    pub const PG_CLASS: u32 = 1259;
    pub const PG_ATTRDEF: u32 = 2604;
    pub const PG_CONSTRAINT: u32 = 2606;
    pub const PG_REWRITE: u32 = 2618;
    pub const PG_NAMESPACE: u32 = 2615;
}

/// What system relations tell of.
#[derive(Clone)]
pub struct System {
    /// Locks, ranges and times.
    pub manager: Arc<TransactionManager>,
    /// The catalog, as the session that asks sees it.
    pub schema: Arc<Schema>,
    /// The sessions.
    pub sessions: Arc<Sessions>,
    /// The number of the one that asks.
    pub session: i64,
    /// The name of its database.
    pub database: String,
}

/// Makes the rows of a relation, as far as they are asked for.
pub type Maker = fn(&Asked<'_>) -> Result<Vec<Row>>;

/// Where rows come from.
#[derive(Clone, Copy)]
pub enum Content {
    /// Made from definitions.
    Rows(Maker),
    /// Made from what the server does.
    Server(fn(&System) -> Vec<Row>),
    /// A query over other relations.
    Query(&'static str),
    /// Nothing: cairn has no such thing.
    Empty,
}

/// A system relation.
pub struct SystemRelation {
    /// pg_class.oid.
    pub oid: u32,
    /// Its schema.
    pub schema: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// pg_class.relkind.
    pub kind: &'static str,
    /// Names and types of its columns.
    pub columns: Vec<(&'static str, Type)>,
    /// Where its rows come from.
    pub content: Content,
}

impl std::fmt::Debug for SystemRelation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// The system column that says which relation a row is of.
pub const TABLE_OID: &str = "tableoid";

impl SystemRelation {
    /// Names and types of the columns that its rows have: behind its own the system column of those
    /// that PostgreSQL has as tables.
    pub fn all_columns(&self) -> impl Iterator<Item = (&'static str, Type)> {
        let of_system = (self.kind == "r").then_some((TABLE_OID, Type::Oid));
        self.columns.iter().copied().chain(of_system)
    }

    /// Its rows: at least those that have the values that are asked for.
    ///
    /// # Errors
    /// If something in the catalog is unreadable.
    pub fn rows(
        &'static self,
        system: &System,
        wanted: &[(usize, Vec<Datum>)],
    ) -> Result<Vec<Row>> {
        let mut rows = match self.content {
            Content::Rows(rows) => rows(&Asked { system, relation: self, wanted })?,
            Content::Server(rows) => rows(system),
            Content::Query(_) | Content::Empty => Vec::new(),
        };
        if self.all_columns().nth(self.columns.len()).is_some() {
            rows.iter_mut().for_each(|row| row.push(oid(self.oid)));
        }
        Ok(rows)
    }
}

/// What a statement asks of a relation.
pub struct Asked<'a> {
    /// What to tell of.
    pub system: &'a System,
    relation: &'static SystemRelation,
    /// Positions of columns, and the values one of which they must have.
    wanted: &'a [(usize, Vec<Datum>)],
}

impl Asked<'_> {
    fn values(&self, column: &str) -> Option<&[Datum]> {
        let position = self.relation.columns.iter().position(|(name, _)| *name == column)?;
        let found = self.wanted.iter().find(|(wanted, _)| *wanted == position);
        found.map(|(_, values)| values.as_slice())
    }

    /// The numbers that are asked for in a column; `None`: all.
    pub fn oids(&self, column: &str) -> Option<Vec<u32>> {
        let values = self.values(column)?.iter();
        let mut oids: Vec<u32> = values
            .filter_map(|value| value.as_i64().ok().and_then(|oid| u32::try_from(oid).ok()))
            .collect();
        oids.sort_unstable();
        oids.dedup();
        Some(oids)
    }

    /// The names that are asked for in a column; `None`: all.
    pub fn names(&self, column: &str) -> Option<Vec<&str>> {
        let values = self.values(column)?.iter();
        let mut names: Vec<&str> = values.filter_map(|value| value.as_str().ok()).collect();
        names.sort_unstable();
        names.dedup();
        Some(names)
    }

    /// Whether rows with this number in a column are asked for.
    pub fn wants(&self, column: &str, oid: u32) -> bool {
        self.oids(column).is_none_or(|oids| oids.contains(&oid))
    }
}

/// What is told of the server, in columns of cairn's own choice.
struct OfServer {
    oid: u32,
    schema: &'static str,
    name: &'static str,
    columns: &'static [(&'static str, Type)],
    rows: fn(&System) -> Vec<Row>,
}

const OF_SERVER: &[&OfServer] = &[
    &activity::ACTIVITY,
    &cursors::CURSORS,
    &cursors::PREPARED,
    &locks::LOCKS,
    &progress::CREATE_INDEX,
    &ranges::RANGES,
];

static RELATIONS: LazyLock<Vec<SystemRelation>> = LazyLock::new(|| {
    let listed = facts::RELATIONS.iter().map(|line| {
        let (schema, name) = line.text(0).split_once('.').unwrap_or_default();
        let columns = line.text(3).split(',').filter_map(|column| {
            let (name, kind) = column.split_once(' ')?;
            Some((name, column_type(kind)))
        });
        let content = match rows_of(schema, name) {
            Some(rows) => Content::Rows(rows),
            None => views::query(schema, name).map_or(Content::Empty, Content::Query),
        };
        let (oid, kind, columns) = (line.oid(1), line.text(2), columns.collect());
        SystemRelation { oid, schema, name, kind, columns, content }
    });
    let of_server = OF_SERVER.iter().map(|relation| SystemRelation {
        oid: relation.oid,
        schema: relation.schema,
        name: relation.name,
        kind: "v",
        columns: relation.columns.to_vec(),
        content: Content::Server(relation.rows),
    });
    listed.chain(of_server).collect()
});

static BY_NAME: LazyLock<HashMap<(&'static str, &'static str), usize>> = LazyLock::new(|| {
    let all = RELATIONS.iter().enumerate();
    all.map(|(position, relation)| ((relation.schema, relation.name), position)).collect()
});

fn column_type(name: &str) -> Type {
    Type::all().find(|kind| kind.catalog_name() == name).unwrap_or(Type::Text)
}

fn rows_of(schema: &str, name: &str) -> Option<Maker> {
    if schema != CATALOG_SCHEMA {
        return None;
    }
    Some(match name {
        "pg_aggregate" => builtins::aggregates,
        "pg_am" => builtins::access_methods,
        "pg_attrdef" => classes::defaults,
        "pg_attribute" => classes::attributes,
        "pg_authid" => roles::roles,
        "pg_cast" => builtins::casts,
        "pg_class" => classes::classes,
        "pg_collation" => builtins::collations,
        "pg_constraint" => constraints::constraints,
        "pg_database" => builtins::databases,
        "pg_depend" => classes::dependencies,
        "pg_description" => classes::descriptions,
        "pg_enum" => types::enums,
        "pg_index" => classes::indexes,
        "pg_init_privs" => roles::initial_privileges,
        "pg_language" => builtins::languages,
        "pg_namespace" => builtins::namespaces,
        "pg_opclass" => builtins::operator_classes,
        "pg_operator" => builtins::operators,
        "pg_opfamily" => builtins::operator_families,
        "pg_proc" => builtins::procedures,
        "pg_rewrite" => rewrite::rules,
        "pg_sequence" => classes::sequences,
        "pg_settings" => settings::settings,
        "pg_statistic" => statistics::statistic,
        "pg_stats" => statistics::stats,
        "pg_tablespace" => builtins::tablespaces,
        "pg_timezone_abbrevs" => zones::abbreviations,
        "pg_timezone_names" => zones::names,
        "pg_type" => builtins::types,
        _ => return None,
    })
}

/// All system relations.
pub fn relations() -> &'static [SystemRelation] {
    &RELATIONS
}

/// Finds a system relation. Those in `pg_catalog` are found without their schema, before any table.
pub fn find(schema: Option<&str>, name: &str) -> Option<&'static SystemRelation> {
    let position = BY_NAME.get(&(schema.unwrap_or(CATALOG_SCHEMA), name))?;
    RELATIONS.get(*position)
}

/// The name of a pseudo-type that only declarations of PostgreSQL's functions have.
pub fn pseudo_type(oid: u32) -> Option<&'static str> {
    Some(match oid {
        2249 => "record",
        2275 => "cstring",
        2276 => "\"any\"",
        2278 => "void",
        2281 => "internal",
        2287 => "record[]",
        1263 => "cstring[]",
        _ => return None,
    })
}

fn text(text: impl Into<String>) -> Datum {
    Datum::Text(text.into())
}

fn oid(oid: u32) -> Datum {
    Datum::Int64(i64::from(oid))
}
