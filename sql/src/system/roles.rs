//! Roles: the one that people are, and PostgreSQL's role of whoever owns the database, which owns
//! the schema `public`. Tools compare that schema's owner and privileges with those of a new database.

use super::{
    Asked, CATALOG_NAMESPACE, INFORMATION_NAMESPACE, PUBLIC_NAMESPACE, class_oid, oid, text,
};
use super::{SUPERUSER, SUPERUSER_OID};
use crate::error::Result;
use crate::row::Row;
use crate::types::array::Array;
use crate::types::{Datum, Type};

/// pg_authid.oid of pg_database_owner.
const DATABASE_OWNER_OID: u32 = 6171;

/// The role that is whoever owns the database.
pub const DATABASE_OWNER: &str = "pg_database_owner";

const ROLES: [(u32, &str); 2] = [(SUPERUSER_OID, SUPERUSER), (DATABASE_OWNER_OID, DATABASE_OWNER)];

/// The name of a role.
pub fn name_of(oid: u32) -> Option<&'static str> {
    ROLES.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name)
}

/// The number of a role.
pub fn oid_of(name: &str) -> Option<u32> {
    ROLES.iter().find(|(_, known)| *known == name).map(|(oid, _)| *oid)
}

/// pg_authid.
pub fn roles(_: &Asked<'_>) -> Result<Vec<Row>> {
    let rows = ROLES.iter().map(|(number, name)| {
        let may = Datum::Bool(*number == SUPERUSER_OID);
        let mut row = vec![oid(*number), text(*name), may.clone(), Datum::Bool(true)];
        row.extend((0..5).map(|_| may.clone()));
        row.extend([Datum::Int32(-1), Datum::Null, Datum::Null]);
        row
    });
    Ok(rows.collect())
}

/// Owner and privileges of a schema as pg_namespace has them.
pub fn of_namespace(number: u32) -> Result<[Datum; 2]> {
    let owner = if number == PUBLIC_NAMESPACE { DATABASE_OWNER_OID } else { SUPERUSER_OID };
    let is_initial = matches!(number, CATALOG_NAMESPACE | PUBLIC_NAMESPACE | INFORMATION_NAMESPACE);
    let name = name_of(owner).unwrap_or_default();
    let privileges = match is_initial {
        true => {
            let items = [format!("{name}=UC/{name}"), format!("=U/{name}")];
            Array::of(Type::AclItem, items.map(Datum::Text).into())?.to_datum()
        }
        false => Datum::Null,
    };
    Ok([oid(owner), privileges])
}

/// pg_init_privs.
pub fn initial_privileges(_: &Asked<'_>) -> Result<Vec<Row>> {
    let namespaces = [CATALOG_NAMESPACE, PUBLIC_NAMESPACE].into_iter();
    let rows = namespaces.map(|number| {
        let [_, privileges] = of_namespace(number)?;
        let class = oid(class_oid::PG_NAMESPACE);
        Ok(vec![oid(number), class, Datum::Int32(0), text("i"), privileges])
    });
    rows.collect()
}
