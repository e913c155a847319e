//! What PostgreSQL 15 calls built-in objects and numbers them: clients know many of these numbers.
//!
//! The lists in `data/`, which `data/generate.sh` makes, name more than cairn has. What is listed is only told of if the tables that
//! the binder works from have it, so that no client is promised what cannot be called.

use std::sync::LazyLock;

use crate::functions::aggregates::is_aggregate;
use crate::functions::casts::{self, CastLevel};
use crate::functions::{self};
use crate::types::Type;

/// pg_proc.
#[derive(Debug)]
pub struct Procedure {
    /// Its number.
    pub oid: u32,
    /// Its name.
    pub name: &'static str,
    /// The number of the type of its result.
    pub returns: u32,
    /// Those of its arguments.
    pub args: Vec<u32>,
    /// pg_proc.prokind.
    pub kind: &'static str,
    /// pg_proc.provolatile.
    pub volatility: &'static str,
    /// pg_proc.proisstrict.
    pub strict: bool,
    /// pg_proc.proretset.
    pub returns_set: bool,
    /// Whether the last argument is VARIADIC.
    pub variadic: bool,
}

/// A line of a list.
#[derive(Debug)]
pub struct Fields(Vec<&'static str>);

impl Fields {
    /// A field as it is written.
    pub fn text(&self, index: usize) -> &'static str {
        self.0.get(index).copied().unwrap_or_default()
    }

    /// A field that is a number.
    pub fn number(&self, index: usize) -> i64 {
        self.text(index).parse().unwrap_or_default()
    }

    /// A field that is the number of an object.
    pub fn oid(&self, index: usize) -> u32 {
        self.number(index) as u32
    }

    /// A field that is true or false.
    pub fn is_true(&self, index: usize) -> bool {
        self.text(index) == "t"
    }
}

fn lines(list: &'static str) -> Vec<Fields> {
    list.lines().map(|line| Fields(line.split('\t').collect())).collect()
}

/// All functions.
pub static PROCEDURES: LazyLock<Vec<Procedure>> = LazyLock::new(|| {
    let all = lines(include_str!("data/functions.tsv")).into_iter().map(|line| Procedure {
        oid: line.oid(0),
        name: line.text(1),
        returns: line.oid(2),
        args: line.text(3).split(' ').filter_map(|oid| oid.parse().ok()).collect(),
        kind: line.text(4),
        volatility: line.text(5),
        strict: line.is_true(6),
        returns_set: line.is_true(7),
        variadic: line.is_true(8),
    });
    all.filter(exists).collect()
});

/// Whether cairn has a function: for itself, or as input and output of a type.
fn exists(procedure: &Procedure) -> bool {
    if of_types(procedure) {
        return true;
    }
    if procedure.kind == "a" {
        return is_aggregate(procedure.name);
    }
    let args: Option<Vec<Type>> = procedure.args.iter().map(|oid| Type::from_oid(*oid)).collect();
    let Some(args) = args else { return false };
    let found = functions::named(procedure.name).any(|function| function.args == args);
    found || crate::binder::calls_by_name(procedure.name)
}

fn of_types(procedure: &Procedure) -> bool {
    TYPES.iter().any(|line| (10..=15).any(|field| line.oid(field) == procedure.oid))
}

/// A function by number.
pub fn procedure(oid: u32) -> Option<&'static Procedure> {
    let found = PROCEDURES.binary_search_by_key(&oid, |procedure| procedure.oid);
    PROCEDURES.get(found.ok()?)
}

/// pg_type, in its order of columns as far as they are not the same for all; see `data/generate.sh`.
pub static TYPES: LazyLock<Vec<Fields>> = LazyLock::new(|| {
    let all = lines(include_str!("data/types.tsv")).into_iter();
    all.filter(|line| Type::from_oid(line.oid(0)).is_some()).collect()
});

/// pg_operator: those that the binder finds.
pub static OPERATORS: LazyLock<Vec<Fields>> = LazyLock::new(|| {
    let all = lines(include_str!("data/operators.tsv")).into_iter();
    all.filter(|line| {
        let args: Option<Vec<Type>> = [line.oid(5), line.oid(6)]
            .into_iter()
            .filter(|oid| *oid != 0)
            .map(Type::from_oid)
            .collect();
        let Some(args) = args else { return false };
        let compares = matches!(line.text(1), "=" | "<>" | "<" | "<=" | ">" | ">=");
        let alike = matches!(args.as_slice(), [left, right] if left == right);
        compares && alike || functions::named(line.text(1)).any(|function| function.args == args)
    })
    .collect()
});

/// pg_cast: those that the binder makes at the same level.
pub static CASTS: LazyLock<Vec<Fields>> = LazyLock::new(|| {
    let all = lines(include_str!("data/casts.tsv")).into_iter();
    all.filter(|line| {
        let types = (Type::from_oid(line.oid(1)), Type::from_oid(line.oid(2)));
        let (Some(from), Some(to)) = types else { return false };
        match casts::level(from, to) {
            Some(CastLevel::Implicit) => line.text(4) == "i",
            Some(CastLevel::Assignment) => line.text(4) == "a",
            Some(CastLevel::Explicit) => line.text(4) == "e",
            None => false,
        }
    })
    .collect()
});

/// pg_opclass: those of indexes, which are all of access method btree.
pub static OPERATOR_CLASSES: LazyLock<Vec<Fields>> = LazyLock::new(|| {
    let all = lines(include_str!("data/opclasses.tsv")).into_iter();
    all.filter(|line| Type::from_oid(line.oid(4)).is_some()).collect()
});

/// pg_opfamily.
pub static OPERATOR_FAMILIES: LazyLock<Vec<Fields>> =
    LazyLock::new(|| lines(include_str!("data/opfamilies.tsv")));

/// The relations of pg_catalog and information_schema: their names, numbers and kinds, and the names
/// and types of their columns.
pub static RELATIONS: LazyLock<Vec<Fields>> =
    LazyLock::new(|| lines(include_str!("data/relations.tsv")));

/// The default operator class of a type in an index.
pub fn operator_class(kind: Type) -> u32 {
    // What a type has in common with another one, as varchar has with text.
    let kind = match kind {
        Type::Varchar => Type::Text,
        kind if kind.is_reg() => Type::Oid,
        kind if kind.is_array() => Type::AnyArray,
        kind => kind,
    };
    let of_kind = |line: &&Fields| line.oid(4) == kind.oid() && line.is_true(5);
    OPERATOR_CLASSES.iter().find(of_kind).map_or(0, |line| line.oid(0))
}

/// pg_am.oid of btree.
const BTREE: u32 = 403;

/// The number of a btree operator class that goes by a name, and of the type that it is for.
pub fn named_operator_class(name: &str) -> Option<(u32, u32)> {
    let named = |line: &&Fields| line.oid(1) == BTREE && line.text(2) == name;
    OPERATOR_CLASSES.iter().find(named).map(|line| (line.oid(0), line.oid(4)))
}

/// pg_type.typcollation.
pub fn collation(kind: Type) -> u32 {
    let line = TYPES.iter().find(|line| line.oid(0) == kind.oid());
    line.map_or(0, |line| line.oid(18))
}
