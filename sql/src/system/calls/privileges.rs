//! `has_table_privilege` and its kin. The one role is a superuser: it has every privilege on what
//! there is.

use super::shown::{Class, exists};
use super::{CatalogFunction, Known, function};
use crate::error::{Error, Result, SqlState};
use crate::system::names::{self, split_name};
use crate::system::roles;
use crate::types::Type::{Bool, Int2, Name, Oid, Text};
use crate::types::{Datum, Type};

const TABLE: &[&str] =
    &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "RULE"];
const COLUMN: &[&str] = &["SELECT", "INSERT", "UPDATE", "REFERENCES"];
const SEQUENCE: &[&str] = &["USAGE", "SELECT", "UPDATE"];
const SCHEMA: &[&str] = &["CREATE", "USAGE"];
const DATABASE: &[&str] = &["CREATE", "TEMPORARY", "TEMP", "CONNECT"];
const EXECUTE: &[&str] = &["EXECUTE"];
const USAGE: &[&str] = &["USAGE"];
const CREATE: &[&str] = &["CREATE"];
const ROLE: &[&str] = &["USAGE", "MEMBER"];

macro_rules! checks {
    ($all:ident; $($name:literal $code:ident $class:ident $words:ident;)*) => {
        $(
            fn $code(known: &Known, args: &[Datum]) -> Result<Datum> {
                check(known, args, Class::$class, $words)
            }
            $all.push(function($name, &[Text, Text], Bool, $code));
            $all.push(function($name, &[Oid, Text], Bool, $code));
            $all.push(function($name, &[Name, Text, Text], Bool, $code));
            $all.push(function($name, &[Name, Oid, Text], Bool, $code));
            $all.push(function($name, &[Oid, Text, Text], Bool, $code));
            $all.push(function($name, &[Oid, Oid, Text], Bool, $code));
        )*
    };
}

pub(super) fn register(all: &mut Vec<CatalogFunction>) {
    checks! {
        all;
        "has_table_privilege" table Relation TABLE;
        "has_any_column_privilege" any_column Relation COLUMN;
        "has_sequence_privilege" sequence Relation SEQUENCE;
        "has_schema_privilege" schema Schema SCHEMA;
        "has_database_privilege" database Database DATABASE;
        "has_function_privilege" routine Function EXECUTE;
        "has_type_privilege" of_type Type USAGE;
        "has_language_privilege" language Language USAGE;
        "has_tablespace_privilege" tablespace Tablespace CREATE;
        "pg_has_role" role Role ROLE;
    }
    const COLUMNS: &[&[Type]] = &[
        &[Text, Text, Text],
        &[Text, Int2, Text],
        &[Oid, Text, Text],
        &[Oid, Int2, Text],
        &[Name, Text, Text, Text],
        &[Name, Text, Int2, Text],
        &[Name, Oid, Text, Text],
        &[Name, Oid, Int2, Text],
    ];
    for args in COLUMNS {
        all.push(function("has_column_privilege", args, Bool, column));
    }
}

fn check_words(words: &str, known: &[&str]) -> Result<()> {
    for word in words.split(',') {
        let upper = word.trim().to_uppercase();
        let plain = upper.strip_suffix(" WITH GRANT OPTION").unwrap_or(&upper);
        let plain = plain.strip_suffix(" WITH ADMIN OPTION").unwrap_or(plain);
        if !known.contains(&plain) {
            return Err(Error::new(
                SqlState::InvalidParameterValue,
                format!("unrecognized privilege type: \"{}\"", word.trim()),
            ));
        }
    }
    Ok(())
}

fn check_user(user: &Datum) -> Result<()> {
    match user {
        Datum::Text(name) if roles::oid_of(name).is_none() && name != "public" => {
            Err(Error::new(SqlState::UndefinedObject, format!("role \"{name}\" does not exist")))
        }
        _ => Ok(()),
    }
}

/// The number of an object that a name or a number means; `None` for a number of nothing.
fn object(known: &Known, class: Class, object: &Datum) -> Result<Option<u32>> {
    let Datum::Text(name) = object else {
        let oid = u32::try_from(object.as_i64()?).unwrap_or_default();
        return Ok(exists(known, class, oid).then_some(oid));
    };
    let undefined =
        |state, what: &str| Err(Error::new(state, format!("{what} \"{name}\" does not exist")));
    let kind = match class {
        Class::Relation => Type::Regclass,
        Class::Schema => Type::Regnamespace,
        Class::Function => Type::Regprocedure,
        Class::Type => Type::Regtype,
        Class::Role => Type::Regrole,
        // The session's own, under whatever name it was asked for.
        Class::Database => return Ok(Some(crate::lock_names::DATABASE_OID)),
        Class::Language => match split_name(name)?.last().map(String::as_str) {
            Some("internal") => return Ok(Some(12)),
            _ => return undefined(SqlState::UndefinedObject, "language"),
        },
        Class::Tablespace => match name.as_str() {
            "pg_default" => return Ok(Some(1663)),
            "pg_global" => return Ok(Some(1664)),
            _ => return undefined(SqlState::UndefinedObject, "tablespace"),
        },
    };
    let found = match class {
        // These are taken as they are.
        Class::Schema => names::namespace(name),
        Class::Role => roles::oid_of(name),
        _ => Some(u32::try_from(known.names.parse(kind, name)?.as_i64()?).unwrap_or_default()),
    };
    match found {
        Some(oid) => Ok(Some(oid)),
        None if class == Class::Schema => undefined(SqlState::InvalidSchemaName, "schema"),
        None => undefined(SqlState::UndefinedObject, "role"),
    }
}

fn check(known: &Known, args: &[Datum], class: Class, words: &[&str]) -> Result<Datum> {
    let [user @ .., named, asked] = args else { return Ok(Datum::Null) };
    user.iter().try_for_each(check_user)?;
    let found = object(known, class, named)?;
    check_words(asked.as_str()?, words)?;
    Ok(found.map_or(Datum::Null, |_| Datum::Bool(true)))
}

fn column(known: &Known, args: &[Datum]) -> Result<Datum> {
    let [user @ .., named, column, asked] = args else { return Ok(Datum::Null) };
    user.iter().try_for_each(check_user)?;
    let Some(oid) = object(known, Class::Relation, named)? else { return Ok(Datum::Null) };
    if let (Datum::Text(name), Some(table)) = (column, known.names.schema.table_by_id(oid))
        && table.position(name).is_none()
    {
        return Err(Error::new(
            SqlState::UndefinedColumn,
            format!("column \"{name}\" of relation \"{}\" does not exist", table.name),
        ));
    }
    check_words(asked.as_str()?, COLUMN)?;
    Ok(Datum::Bool(true))
}
