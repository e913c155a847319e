//! Functions on the catalog, and conversions that look names up in it.

use std::sync::Arc;

use datafusion::logical_expr::Expr;

use super::call::{no_function, not_unique};
use super::{Binder, Bound};
use crate::error::Result;
use crate::functions::resolve::Resolution;
use crate::row::stateful;
use crate::system::calls::{self, CatalogCall, Known, NamesCast};
use crate::types::Type;

/// Functions that are bound by their names and have no place in a table.
const BY_NAME: &[&str] = &[
    "current_database",
    "current_schema",
    "current_setting",
    "currval",
    "lastval",
    "nextval",
    "pg_advisory_lock",
    "pg_advisory_lock_shared",
    "pg_advisory_unlock",
    "pg_advisory_unlock_all",
    "pg_advisory_unlock_shared",
    "pg_advisory_xact_lock",
    "pg_advisory_xact_lock_shared",
    "pg_backend_pid",
    "pg_blocking_pids",
    "pg_export_snapshot",
    "pg_try_advisory_lock",
    "pg_try_advisory_lock_shared",
    "pg_try_advisory_xact_lock",
    "pg_try_advisory_xact_lock_shared",
    "pg_typeof",
    "quote_literal",
    "quote_nullable",
    "set_config",
    "setval",
    "version",
];

/// Whether the binder has a function of this name that is in no table.
pub fn calls_by_name(name: &str) -> bool {
    BY_NAME.contains(&name)
        || calls::is_named(name)
        || crate::functions::sets::is_set_returning(name)
}

impl Binder<'_> {
    /// A call of a function on the catalog, if there is one of this name.
    pub(super) fn catalog_call(&self, name: &str, args: &[Bound]) -> Option<Result<Bound>> {
        let kinds: Vec<Type> = args.iter().map(Bound::kind).collect();
        Some(match calls::resolve(name, &kinds)? {
            Ok(function) => {
                let known = Known {
                    names: self.settings.names(),
                    manager: self.settings.manager(),
                    sequences: self.settings.sequences(),
                };
                let converted = args.iter().zip(function.signature.args);
                let converted =
                    converted.map(|(arg, kind)| Ok(self.implicit(arg.clone(), *kind)?.expr));
                converted.collect::<Result<Vec<Expr>>>().map(|exprs| {
                    let call = CatalogCall { function, known };
                    Bound::new(stateful::call(Arc::new(call), exprs), function.signature.returns)
                })
            }
            Err(Resolution::Ambiguous) => Err(not_unique(name, &kinds)),
            Err(_) => Err(no_function(name, &kinds)),
        })
    }

    /// A conversion between strings and relations' numbers; `None` if it is another one.
    pub(super) fn names_cast(&self, from: Type, to: Type, value: &Expr) -> Option<Expr> {
        let element = |kind: Type| kind.element().unwrap_or(kind);
        let looks_up = match (element(from), element(to)) {
            (Type::Regclass | Type::Regtype, other) | (other, Type::Regclass | Type::Regtype) => {
                other.is_string()
            }
            _ => false,
        };
        looks_up.then(|| {
            let cast = NamesCast { from, to, names: self.settings.names() };
            stateful::call(Arc::new(cast), vec![value.clone()])
        })
    }
}
