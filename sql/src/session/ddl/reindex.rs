//! REINDEX.

use std::sync::Arc;

use cairn_txn::LockMode;

use super::super::Session;
use super::super::settings::Severity;
use crate::binder::name_parts;
use crate::catalog::{Index, IndexState, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::{Reindex, ReindexKind};
use crate::row::computed::Programs;

impl Session {
    pub(super) async fn reindex(&mut self, reindex: &Reindex, alone: bool) -> Result<()> {
        let (concurrently, verbose) = reindex.modes()?;
        let what = match reindex.kind {
            ReindexKind::Index => "INDEX",
            ReindexKind::Table => "TABLE",
            ReindexKind::Schema => "SCHEMA",
            ReindexKind::Database => "DATABASE",
            ReindexKind::System => "SYSTEM",
        };
        let of_one = matches!(reindex.kind, ReindexKind::Index | ReindexKind::Table);
        if concurrently && of_one {
            self.check_outside("REINDEX CONCURRENTLY", alone)?;
        } else if !of_one {
            self.check_outside(&format!("REINDEX {what}"), alone)?;
        }
        let parts = name_parts(&reindex.name);
        let is_of_system = of_one && parts.iter().any(|part| part.starts_with("pg_"));
        if concurrently
            && is_of_system
            && self.named(&reindex.name).is_ok_and(|name| !self.schema().is_taken(&name))
            || concurrently && parts.first().is_some_and(|schema| schema == "pg_toast")
        {
            return Err(Error::new(
                SqlState::FeatureNotSupported,
                "cannot reindex system catalogs concurrently",
            ));
        }
        let mut targets: Vec<(u32, u32)> = Vec::new();
        let mut skipped = None;
        match reindex.kind {
            ReindexKind::Index => {
                let wanted = self.named(&reindex.name)?;
                let schema = self.schema();
                match schema.index(&wanted) {
                    Some((table, index)) => targets.push((table.id, index.oid())),
                    None if schema.is_taken(&wanted) => {
                        return Err(Error::new(
                            SqlState::WrongObjectType,
                            format!("\"{wanted}\" is not an index"),
                        ));
                    }
                    None => return Err(super::undefined_table("relation", &wanted)),
                }
            }
            ReindexKind::Table => {
                let wanted = self.named(&reindex.name)?;
                let table = match self.schema().table(&wanted) {
                    Some(table) => table.clone(),
                    None if self.schema().is_taken(&wanted) => {
                        return Err(Error::new(
                            SqlState::WrongObjectType,
                            format!("\"{wanted}\" is not a table or materialized view"),
                        ));
                    }
                    None => return Err(super::undefined_table("relation", &wanted)),
                };
                self.note_indexes(&table, concurrently, &mut targets);
                if targets.is_empty() {
                    skipped = Some(match concurrently {
                        true => format!(
                            "table \"{}\" has no indexes that can be reindexed concurrently",
                            table.name
                        ),
                        false => format!("table \"{}\" has no indexes to reindex", table.name),
                    });
                }
            }
            ReindexKind::Schema => {
                let name = name_parts(&reindex.name).pop().unwrap_or_default();
                let path = self.path();
                let name = path.schema(&name);
                if !self.schema().has_namespace(name) {
                    return Err(super::super::naming::undefined_schema(name));
                }
                let mut tables: Vec<Arc<Table>> = self.schema().tables().cloned().collect();
                tables.retain(|table| table.schema == name);
                tables.sort_by_key(|table| table.id);
                for table in &tables {
                    self.note_indexes(table, concurrently, &mut targets);
                }
            }
            ReindexKind::Database | ReindexKind::System => {
                let name = name_parts(&reindex.name).pop().unwrap_or_default();
                if reindex.kind == ReindexKind::System && concurrently {
                    return Err(Error::new(
                        SqlState::FeatureNotSupported,
                        "cannot reindex system catalogs concurrently",
                    ));
                }
                if name != self.settings.database {
                    return Err(Error::new(
                        SqlState::FeatureNotSupported,
                        "can only reindex the currently open database",
                    ));
                }
                if reindex.kind == ReindexKind::Database {
                    let mut tables: Vec<Arc<Table>> = self.schema().tables().cloned().collect();
                    tables.retain(|table| !table.is_temporary());
                    tables.sort_by_key(|table| table.id);
                    for table in &tables {
                        self.note_indexes(table, concurrently, &mut targets);
                    }
                }
            }
        }
        if let Some(message) = skipped {
            self.notice(Severity::Notice, SqlState::SuccessfulCompletion, message);
        }
        for (table, index) in targets {
            let Some(table) = self.schema().table_by_id(table).cloned() else { continue };
            let Some(found) = table.all_indexes().find(|other| other.oid() == index).cloned()
            else {
                continue;
            };
            // Rows are where their primary key says: there is nothing beside them.
            let is_primary = found.storage == table.primary.storage;
            match concurrently && !table.is_temporary() {
                _ if is_primary => {}
                true => {
                    if self.block.is_some() {
                        self.commit().await?;
                    }
                    self.reindex_online(table.id, index).await?;
                }
                false => self.reindex_one(&table, &found).await?,
            }
            if !of_one && !concurrently && self.block.is_some() {
                self.commit().await?;
            }
            if verbose {
                let message = format!("index \"{}\" was reindexed", found.name);
                self.notice(Severity::Info, SqlState::SuccessfulCompletion, message);
            }
        }
        Ok(())
    }

    /// The indexes of a table that are made anew with it.
    fn note_indexes(
        &mut self,
        table: &Arc<Table>,
        concurrently: bool,
        targets: &mut Vec<(u32, u32)>,
    ) {
        for index in table.named_indexes() {
            if concurrently && !index.is_public() {
                let message = format!(
                    "cannot reindex invalid index \"{}.{}\" concurrently, skipping",
                    table.schema, index.name
                );
                self.notice(Severity::Warning, SqlState::FeatureNotSupported, message);
                continue;
            }
            targets.push((table.id, index.oid()));
        }
    }

    /// Makes an index anew while its table is locked.
    async fn reindex_one(&mut self, table: &Arc<Table>, index: &Index) -> Result<()> {
        self.lock_catalog().await?;
        self.lock_table(table, LockMode::AccessExclusive).await?;
        self.check_not_pending(table, "REINDEX INDEX")?;
        let current = self.schema().table_by_id(table.id).cloned();
        let Some(current) = current else { return Ok(()) };
        let mut changed = (*current).clone();
        let storage = self.schema().allocate_id();
        let place = changed.indexes.iter_mut().find(|other| other.oid() == index.oid());
        let Some(place) = place else { return Ok(()) };
        place.id = place.oid();
        let old = std::mem::replace(&mut place.storage, storage);
        place.state = IndexState::Public;
        let made = place.clone();
        self.draft(|draft| {
            draft.discard_storage(old)?;
            draft.put_table(changed.clone())
        })?;
        self.anchor(&changed).await?;
        self.with_binder("", |binder| Programs::prepare(&changed, binder))?;
        self.fill_index(&changed, &made).await
    }
}
