//! `acldefault`: the privileges that an object's owner and everybody have where none were granted or
//! revoked (PostgreSQL's `acldefault` in acl.c).

use super::{CatalogFunction, Known, arg, function, oid_arg};
use crate::error::{Error, Result};
use crate::system::roles;
use crate::types::array::Array;
use crate::types::{Datum, Type};

pub(super) fn register(all: &mut Vec<CatalogFunction>) {
    let args = &[Type::Char, Type::Oid];
    all.push(function("acldefault", args, Type::AclItemArray, default_privileges));
}

fn default_privileges(_: &Known, args: &[Datum]) -> Result<Datum> {
    let kind = arg(args, 0).as_str()?;
    // What everybody has, and the owner.
    let (all, owner) = match kind {
        "c" => ("", ""),
        "r" => ("", "arwdDxt"),
        "s" => ("", "rwU"),
        "d" => ("Tc", "CTc"),
        "f" => ("X", "X"),
        "l" | "T" => ("U", "U"),
        "L" => ("", "rw"),
        "n" => ("", "UC"),
        "p" => ("", "sA"),
        "t" => ("", "C"),
        "F" | "S" => ("", "U"),
        _ => return Err(Error::internal(format!("unrecognized object type abbreviation: {kind}"))),
    };
    let owner_oid = oid_arg(args, 1)?;
    let name = roles::name_of(owner_oid).map_or_else(|| owner_oid.to_string(), str::to_owned);
    let items = [("", all), (name.as_str(), owner)].into_iter();
    let items = items.filter(|(_, privileges)| !privileges.is_empty());
    let items = items
        .map(|(grantee, privileges)| Datum::Text(format!("{grantee}={privileges}/{name}")))
        .collect();
    Ok(Array::of(Type::AclItem, items)?.to_datum())
}
