//! Catalogs of what is built in: schemas, types, functions, operators, the one role and the one
//! database.

use super::facts::{self, Fields};
use super::{Asked, CATALOG_NAMESPACE, COLLATIONS, NAMESPACES, SUPERUSER_OID, oid, roles, text};
use crate::error::Result;
use crate::lock_names::DATABASE_OID;
use crate::row::Row;
use crate::types::array::{Array, Dimension};
use crate::types::{Datum, Type};

/// The tablespace of databases.
pub const TABLESPACE_OID: u32 = 1663;
/// The encoding UTF8.
pub const UTF8: i32 = 6;
/// The access method of tables.
pub const HEAP: u32 = 2;
/// The access method of indexes.
pub const BTREE: u32 = 403;

/// A vector such as pg_index.indkey: it counts from 0.
pub(super) fn vector(element: Type, items: Vec<Datum>) -> Datum {
    let length = items.len() as i32;
    let dimensions = match length {
        0 => Vec::new(),
        length => vec![Dimension { length, lower: 0 }],
    };
    Array { element, dimensions, items }.to_datum()
}

fn int2(value: i64) -> Datum {
    Datum::Int16(value as i16)
}

/// The lines of a list that are asked for by number.
fn asked_lines<'f>(asked: &Asked<'_>, lines: &'f [Fields]) -> Vec<&'f Fields> {
    match asked.oids("oid") {
        None => lines.iter().collect(),
        Some(oids) => lines.iter().filter(|line| oids.contains(&line.oid(0))).collect(),
    }
}

/// pg_namespace.
pub fn namespaces(asked: &Asked<'_>) -> Result<Vec<Row>> {
    let all = NAMESPACES.iter().map(|(number, name)| (*number, (*name).to_owned()));
    let made = asked.system.schema.namespaces().map(|made| (made.id, made.name.clone()));
    let rows = all.chain(made);
    let rows = rows.map(|(number, name)| {
        let [owner, privileges] = roles::of_namespace(number)?;
        Ok(vec![oid(number), text(name), owner, privileges])
    });
    rows.collect()
}

/// pg_type.
pub fn types(asked: &Asked<'_>) -> Result<Vec<Row>> {
    let names = asked.names("typname");
    let all = asked_lines(asked, &facts::TYPES).into_iter();
    let all = all.filter(|line| names.as_ref().is_none_or(|names| names.contains(&line.text(1))));
    let rows = all.map(|line| {
        let flag = |field| Datum::Bool(line.is_true(field));
        vec![
            oid(line.oid(0)),
            text(line.text(1)),
            oid(CATALOG_NAMESPACE),
            oid(SUPERUSER_OID),
            int2(line.number(2)),
            flag(3),
            text(line.text(4)),
            text(line.text(5)),
            flag(6),
            Datum::Bool(true),
            text(line.text(7)),
            oid(0),
            oid(line.oid(19)),
            oid(line.oid(8)),
            // Of vectors there are no arrays.
            oid(Type::from_oid(line.oid(9)).map_or(0, Type::oid)),
            oid(line.oid(10)),
            oid(line.oid(11)),
            oid(line.oid(12)),
            oid(line.oid(13)),
            oid(line.oid(14)),
            oid(line.oid(15)),
            oid(0),
            text(line.text(16)),
            text(line.text(17)),
            Datum::Bool(false),
            oid(0),
            Datum::Int32(-1),
            Datum::Int32(0),
            oid(line.oid(18)),
            Datum::Null,
            Datum::Null,
            Datum::Null,
        ]
    });
    Ok(rows.chain(super::types::users_types(asked)).collect())
}

/// pg_proc.
pub fn procedures(asked: &Asked<'_>) -> Result<Vec<Row>> {
    let (oids, names) = (asked.oids("oid"), asked.names("proname"));
    let all = facts::PROCEDURES.iter().filter(|procedure| {
        oids.as_ref().is_none_or(|oids| oids.contains(&procedure.oid))
            && names.as_ref().is_none_or(|names| names.contains(&procedure.name))
    });
    let rows = all.map(|procedure| {
        let last = procedure.args.last().copied().unwrap_or_default();
        // VARIADIC "any" is of any types, an array of elements.
        let variadic = match Type::from_oid(last).and_then(Type::element) {
            _ if !procedure.variadic => 0,
            Some(element) => element.oid(),
            None if last == Type::AnyArray.oid() => Type::AnyElement.oid(),
            None => last,
        };
        let set = procedure.returns_set;
        let args = procedure.args.iter().map(|kind| oid(*kind)).collect();
        vec![
            oid(procedure.oid),
            text(procedure.name),
            oid(CATALOG_NAMESPACE),
            oid(SUPERUSER_OID),
            // The language `internal`.
            oid(12),
            Datum::Float32(1.0),
            Datum::Float32(if set { 1000.0 } else { 0.0 }),
            oid(variadic),
            oid(0),
            text(procedure.kind),
            Datum::Bool(false),
            Datum::Bool(false),
            Datum::Bool(procedure.strict),
            Datum::Bool(set),
            text(procedure.volatility),
            text("s"),
            int2(procedure.args.len() as i64),
            int2(0),
            oid(procedure.returns),
            vector(Type::Oid, args),
            Datum::Null,
            Datum::Null,
            Datum::Null,
            Datum::Null,
            Datum::Null,
            text(procedure.name),
            Datum::Null,
            Datum::Null,
            Datum::Null,
            Datum::Null,
        ]
    });
    let mut rows: Vec<Row> = rows.collect();
    rows.extend(super::routines::procedures(asked)?);
    Ok(rows)
}

/// pg_aggregate. How states are kept is not told: there are no functions for it.
pub fn aggregates(asked: &Asked<'_>) -> Result<Vec<Row>> {
    let all = facts::PROCEDURES.iter().filter(|procedure| procedure.kind == "a");
    let all = all.filter(|procedure| asked.wants("aggfnoid", procedure.oid));
    let rows = all.map(|procedure| {
        let mut row = vec![oid(procedure.oid), text("n"), int2(0)];
        row.extend((0..8).map(|_| oid(0)));
        row.extend([Datum::Bool(false), Datum::Bool(false), text("r"), text("r")]);
        row.extend([oid(0), oid(0), Datum::Int32(0), oid(0), Datum::Int32(0)]);
        row.extend([Datum::Null, Datum::Null]);
        row
    });
    Ok(rows.collect())
}

/// pg_operator.
pub fn operators(asked: &Asked<'_>) -> Result<Vec<Row>> {
    let rows = asked_lines(asked, &facts::OPERATORS).into_iter().map(|line| {
        vec![
            oid(line.oid(0)),
            text(line.text(1)),
            oid(CATALOG_NAMESPACE),
            oid(SUPERUSER_OID),
            text(line.text(2)),
            Datum::Bool(line.is_true(3)),
            Datum::Bool(line.is_true(4)),
            oid(line.oid(5)),
            oid(line.oid(6)),
            oid(line.oid(7)),
            oid(line.oid(8)),
            oid(line.oid(9)),
            oid(line.oid(10)),
            oid(line.oid(11)),
            oid(line.oid(12)),
        ]
    });
    Ok(rows.collect())
}

/// pg_cast.
pub fn casts(asked: &Asked<'_>) -> Result<Vec<Row>> {
    let rows = asked_lines(asked, &facts::CASTS).into_iter().map(|line| {
        let numbers = (0..4).map(|field| oid(line.oid(field)));
        numbers.chain([text(line.text(4)), text(line.text(5))]).collect()
    });
    Ok(rows.collect())
}

/// pg_opclass.
pub fn operator_classes(asked: &Asked<'_>) -> Result<Vec<Row>> {
    let rows = asked_lines(asked, &facts::OPERATOR_CLASSES).into_iter().map(|line| {
        vec![
            oid(line.oid(0)),
            oid(line.oid(1)),
            text(line.text(2)),
            oid(CATALOG_NAMESPACE),
            oid(SUPERUSER_OID),
            oid(line.oid(3)),
            oid(line.oid(4)),
            Datum::Bool(line.is_true(5)),
            oid(line.oid(6)),
        ]
    });
    Ok(rows.collect())
}

/// pg_opfamily.
pub fn operator_families(asked: &Asked<'_>) -> Result<Vec<Row>> {
    let rows = asked_lines(asked, &facts::OPERATOR_FAMILIES).into_iter().map(|line| {
        vec![
            oid(line.oid(0)),
            oid(line.oid(1)),
            text(line.text(2)),
            oid(CATALOG_NAMESPACE),
            oid(SUPERUSER_OID),
        ]
    });
    Ok(rows.collect())
}

/// pg_am.
pub fn access_methods(_: &Asked<'_>) -> Result<Vec<Row>> {
    let all = [(HEAP, "heap", "t"), (BTREE, "btree", "i")];
    let rows = all.map(|(number, name, kind)| vec![oid(number), text(name), oid(0), text(kind)]);
    Ok(rows.into())
}

/// pg_collation.
pub fn collations(_: &Asked<'_>) -> Result<Vec<Row>> {
    let rows = COLLATIONS.iter().map(|(number, name)| {
        let (provider, locale) = match *name {
            "default" => ("d", Datum::Null),
            name => ("c", text(name)),
        };
        vec![
            oid(*number),
            text(*name),
            oid(CATALOG_NAMESPACE),
            oid(SUPERUSER_OID),
            text(provider),
            Datum::Bool(true),
            Datum::Int32(-1),
            locale.clone(),
            locale,
            Datum::Null,
            Datum::Null,
        ]
    });
    Ok(rows.collect())
}

/// pg_language: what the functions that there are are written in.
pub fn languages(_: &Asked<'_>) -> Result<Vec<Row>> {
    let mut row = vec![oid(12), text("internal"), oid(SUPERUSER_OID)];
    row.extend([Datum::Bool(false), Datum::Bool(false)]);
    row.extend([oid(0), oid(0), oid(0), Datum::Null]);
    Ok(vec![row])
}

/// pg_database: the one that the session is connected to.
pub fn databases(asked: &Asked<'_>) -> Result<Vec<Row>> {
    Ok(vec![vec![
        oid(DATABASE_OID),
        text(asked.system.database.as_str()),
        oid(SUPERUSER_OID),
        Datum::Int32(UTF8),
        text("c"),
        Datum::Bool(false),
        Datum::Bool(true),
        Datum::Int32(-1),
        oid(0),
        oid(0),
        oid(TABLESPACE_OID),
        text("C"),
        text("C"),
        Datum::Null,
        Datum::Null,
        Datum::Null,
    ]])
}

/// pg_tablespace.
pub fn tablespaces(_: &Asked<'_>) -> Result<Vec<Row>> {
    let all = [(TABLESPACE_OID, "pg_default"), (1664, "pg_global")];
    let rows = all.map(|(number, name)| {
        vec![oid(number), text(name), oid(SUPERUSER_OID), Datum::Null, Datum::Null]
    });
    Ok(rows.into())
}
