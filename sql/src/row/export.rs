//! `pg_export_snapshot` as a function of a plan.

use std::sync::Arc;

use super::stateful::Stateful;
use crate::error::Result;
use crate::sessions::Sessions;
use crate::types::{Datum, Type};

/// Exports the snapshot of the statement that calls it.
pub struct ExportSnapshot {
    /// Knows the statement's snapshot.
    pub sessions: Arc<Sessions>,
}

impl std::fmt::Debug for ExportSnapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("pg_export_snapshot")
    }
}

impl Stateful for ExportSnapshot {
    fn name(&self) -> &'static str {
        "pg_export_snapshot"
    }

    fn returns(&self) -> Type {
        Type::Text
    }

    fn run(&self, args: &[Datum]) -> Result<Datum> {
        let session = args.last().map_or(Ok(0), Datum::as_i64)?;
        self.sessions.get(session)?.export_snapshot().map(Datum::Text)
    }
}
