//! Set-returning functions that take lists apart which the catalog keeps: options and privileges.

use super::arg;
use super::sets::{SetFunction, SetRows, signature};
use crate::error::{Error, Result, SqlState};
use crate::system::roles;
use crate::types::Type::{AclItemArray, Bool, Oid, Record, Text, TextArray};
use crate::types::array::Array;
use crate::types::{Datum, Type};

const OPTION: &[(&str, Type)] = &[("option_name", Text), ("option_value", Text)];
const PRIVILEGE: &[(&str, Type)] =
    &[("grantor", Oid), ("grantee", Oid), ("privilege_type", Text), ("is_grantable", Bool)];
/// The letters of privileges, in the order in which they are told.
const PRIVILEGES: [(char, &str); 14] = [
    ('a', "INSERT"),
    ('r', "SELECT"),
    ('w', "UPDATE"),
    ('d', "DELETE"),
    ('D', "TRUNCATE"),
    ('x', "REFERENCES"),
    ('t', "TRIGGER"),
    ('X', "EXECUTE"),
    ('U', "USAGE"),
    ('C', "CREATE"),
    ('T', "TEMPORARY"),
    ('c', "CONNECT"),
    ('s', "SET"),
    ('A', "ALTER SYSTEM"),
];

pub(super) fn register(all: &mut Vec<SetFunction>) {
    let options = signature("pg_options_to_table", &[TextArray], Record);
    all.push(SetFunction {
        signature: options,
        rows: options_of,
        unbounded: false,
        columns: OPTION,
    });
    let privileges = signature("aclexplode", &[AclItemArray], Record);
    all.push(SetFunction {
        signature: privileges,
        rows: privileges_of,
        unbounded: false,
        columns: PRIVILEGE,
    });
}

fn texts(list: &Datum) -> Result<Vec<String>> {
    let items = Array::read(list)?.items;
    items.iter().map(|item| Ok(item.as_str()?.to_owned())).collect()
}

fn options_of(args: &[Datum]) -> Result<SetRows> {
    let options = texts(arg(args, 0))?;
    Ok(Box::new(options.into_iter().map(|option| {
        Ok(match option.split_once('=') {
            Some((name, value)) => vec![Datum::Text(name.into()), Datum::Text(value.into())],
            None => vec![Datum::Text(option), Datum::Null],
        })
    })))
}

/// The number of a role in a list of privileges; none stands for everybody.
fn role(name: &str) -> Result<Datum> {
    let number = match name {
        "" => 0,
        other => roles::oid_of(other).or_else(|| other.parse().ok()).ok_or_else(|| {
            Error::new(SqlState::UndefinedObject, format!("role \"{other}\" does not exist"))
        })?,
    };
    Ok(Datum::Int64(i64::from(number)))
}

fn privileges_of(args: &[Datum]) -> Result<SetRows> {
    let mut rows = Vec::new();
    for item in texts(arg(args, 0))? {
        let parts = item.split_once('=').and_then(|(grantee, rest)| {
            let (letters, grantor) = rest.split_once('/')?;
            Some((grantee, letters, grantor))
        });
        let (grantee, letters, grantor) =
            parts.ok_or_else(|| Error::internal(format!("unreadable privileges {item}")))?;
        for (letter, name) in PRIVILEGES {
            if let Some((_, rest)) = letters.split_once(letter) {
                let grantable = Datum::Bool(rest.starts_with('*'));
                rows.push(vec![
                    role(grantor)?,
                    role(grantee)?,
                    Datum::Text(name.into()),
                    grantable,
                ]);
            }
        }
    }
    Ok(Box::new(rows.into_iter().map(Ok)))
}
