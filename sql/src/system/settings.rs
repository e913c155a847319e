//! `pg_settings`: what SHOW ALL shows.

use super::{Asked, text};
use crate::error::Result;
use crate::row::Row;
use crate::types::Datum;

/// pg_settings.
///
/// # Errors
/// If the session that asks has ended.
pub fn settings(asked: &Asked<'_>) -> Result<Vec<Row>> {
    let backend = asked.system.sessions.get(asked.system.session)?;
    let all = backend.activity.lock().settings.all();
    let rows = all.into_iter().map(|(name, value)| {
        let value = text(value);
        let mut row = vec![text(name), value.clone(), Datum::Null, text("Settings")];
        // short_desc and extra_desc.
        row.extend([Datum::Null, Datum::Null]);
        row.extend([text("user"), text("string"), text("session")]);
        // min_val, max_val and enumvals.
        row.extend([Datum::Null, Datum::Null, Datum::Null]);
        row.extend([value.clone(), value, Datum::Null, Datum::Null, Datum::Bool(false)]);
        row
    });
    Ok(rows.collect())
}
