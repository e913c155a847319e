//! COLLATE. All texts sort by their bytes, as collation "C" has it.

use datafusion::sql::sqlparser::ast::{Expr as Sql, ObjectName};

use super::{Binder, Bound, name_parts};
use crate::error::{Error, Result, SqlState};
use crate::types::{Category, Type};

/// The collations that sort by bytes. The default one does, too.
const BY_BYTES: &[&str] = &["C", "POSIX", "default", "ucs_basic"];

/// Whether PostgreSQL has a collation of this name on some system: one of ICU, or that of a locale.
fn is_of_locale(name: &str) -> bool {
    let is_language = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_lowercase());
    name.ends_with("-x-icu") || name == "unicode" || name.split('_').next().is_some_and(is_language)
}

impl Binder<'_> {
    /// `value COLLATE name`
    pub(super) fn collate(&self, sql: &Sql, collation: &ObjectName) -> Result<Bound> {
        let position = self.position_before(collation, &["COLLATE"]);
        let value = self.expr(sql)?;
        let kind = value.kind();
        let element = kind.element().unwrap_or(kind);
        if element.category() != Category::String && !matches!(element, Type::Name | Type::Unknown)
        {
            let message = format!("collations are not supported by type {}", kind.name());
            return Err(Error::new(SqlState::DatatypeMismatch, message).at(position));
        }
        let name = name_parts(collation).pop().unwrap_or_default();
        if BY_BYTES.contains(&name.as_str()) {
            return Ok(value);
        }
        if is_of_locale(&name) {
            return Err(Error::unsupported(format!("collation \"{name}\"")).at(position));
        }
        let message = format!("collation \"{name}\" for encoding \"UTF8\" does not exist");
        Err(Error::new(SqlState::UndefinedObject, message).at(position))
    }
}
