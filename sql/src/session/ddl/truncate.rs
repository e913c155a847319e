//! TRUNCATE.

use std::sync::Arc;

use cairn_txn::LockMode;
use datafusion::sql::sqlparser::ast::{self, CascadeOption, TruncateIdentityOption};

use super::super::Session;
use crate::binder::position::token_after;
use crate::catalog::{Sequence, Table};
use crate::error::{Error, Result, SqlState};

impl Session {
    pub(super) async fn truncate(&mut self, truncate: &ast::Truncate, sql: &str) -> Result<()> {
        let foreign =
            [(truncate.if_exists, "EXISTS"), (truncate.partitions.is_some(), "PARTITION")];
        if let Some((_, word)) = foreign.into_iter().find(|(is_there, _)| *is_there) {
            let message = format!("syntax error at or near \"{word}\"");
            let position = token_after(sql, 1, &[word]);
            return Err(Error::new(SqlState::SyntaxError, message).at(position));
        }
        self.lock_catalog().await?;
        let mut tables: Vec<Arc<Table>> = Vec::new();
        for target in &truncate.table_names {
            let table = self.find_table(&target.name)?;
            if table.definition.is_some() {
                let message = format!("\"{}\" is not a table", table.name);
                return Err(Error::new(SqlState::WrongObjectType, message));
            }
            if !tables.iter().any(|other| other.id == table.id) {
                self.lock_table(&table, LockMode::AccessExclusive).await?;
                tables.push(table);
            }
        }
        if truncate.cascade == Some(CascadeOption::Cascade) {
            self.add_referrers(&mut tables).await?;
        }
        let schema = self.schema();
        for table in &tables {
            self.check_not_pending(table, "TRUNCATE")?;
            let others = schema.referrers(table.id).into_iter();
            let mut others = others.filter(|(child, _)| !tables.iter().any(|t| t.id == child.id));
            if let Some((child, _)) = others.next() {
                let child = &child.name;
                return Err(Error::new(
                    SqlState::FeatureNotSupported,
                    "cannot truncate a table referenced in a foreign key constraint",
                )
                .detail(format!("Table \"{child}\" references \"{}\".", table.name))
                .hint(format!(
                    "Truncate table \"{child}\" at the same time, or use TRUNCATE ... CASCADE."
                )));
            }
        }
        let restart = truncate.identity == Some(TruncateIdentityOption::Restart);
        for table in tables {
            self.empty(&table, restart).await?;
        }
        Ok(())
    }

    /// Adds the tables that refer to these, and those that refer to them.
    async fn add_referrers(&mut self, tables: &mut Vec<Arc<Table>>) -> Result<()> {
        let schema = self.schema();
        let mut next = 0;
        while let Some(table) = tables.get(next).cloned() {
            next += 1;
            for (child, _) in schema.referrers(table.id) {
                if tables.iter().any(|other| other.id == child.id) {
                    continue;
                }
                self.skip(format!("truncate cascades to table \"{}\"", child.name));
                self.lock_table(child, LockMode::AccessExclusive).await?;
                tables.push(child.clone());
            }
        }
        Ok(())
    }

    /// Gives a table new places for its rows and entries.
    pub(super) async fn empty(&mut self, table: &Table, restart: bool) -> Result<Table> {
        let mut changed = table.clone();
        if restart {
            let schema = self.schema();
            let owned = schema.sequences().filter(|sequence| sequence.owner == Some(table.id));
            let owned: Vec<Arc<Sequence>> = owned.cloned().collect();
            for sequence in owned {
                self.restart_sequence(&sequence, sequence.start)?;
            }
        }
        let changed = self.draft(|draft| {
            for index in table.all_indexes() {
                draft.discard_storage(index.storage)?;
            }
            changed.primary.storage = draft.schema.allocate_id();
            for index in &mut changed.indexes {
                index.storage = draft.schema.allocate_id();
            }
            draft.put_table(changed.clone())?;
            Ok(changed)
        })?;
        self.anchor(&changed).await?;
        Ok(changed)
    }
}
