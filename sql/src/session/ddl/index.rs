//! CREATE INDEX.

use cairn_txn::LockMode;
use datafusion::sql::sqlparser::ast;

use super::super::Session;
use super::super::constraints::{
    check_sortable, column_part, index_columns, positions, truncate_name,
};
use crate::binder::{fold, relation_name};
use crate::catalog::Index;
use crate::error::{Error, Result, SqlState};

impl Session {
    pub(super) async fn create_index(&mut self, create: &ast::CreateIndex) -> Result<()> {
        let method = create.using.as_ref().map(|method| method.to_string().to_lowercase());
        if create.predicate.is_some() {
            return Err(Error::unsupported("a partial index"));
        }
        if create.concurrently {
            return Err(Error::unsupported("CREATE INDEX CONCURRENTLY"));
        }
        if method.is_some_and(|method| method != "btree") {
            return Err(Error::unsupported("an index method other than btree"));
        }
        self.lock_catalog().await?;
        let table = self.find_table(&create.table_name).map_err(|error| match error {
            Error::Report(report) if report.state == SqlState::WrongObjectType => {
                let name = self.named(&create.table_name).unwrap_or_default();
                Error::new(report.state, format!("cannot create index on relation \"{name}\""))
                    .detail(self.not_supported(&name))
            }
            other => other,
        })?;
        let included: Vec<String> = create.include.iter().map(fold).collect();
        let names = index_columns(&create.columns, included.len())?;
        let wanted = match &create.name {
            Some(name) => {
                let (schema, name) = relation_name(name)?;
                // An index is in the schema of its table.
                if schema.is_some() {
                    return Err(Error::new(
                        SqlState::SyntaxError,
                        "an index has no schema of its own",
                    ));
                }
                table.full_name().beside(truncate_name(name))
            }
            None => {
                let columns = column_part(&names, &included);
                let schema = self.schema();
                let parts = [table.name.as_str(), columns.as_str()];
                table.full_name().beside(schema.free_relation_name(
                    &table.schema,
                    &parts,
                    "idx",
                    None,
                ))
            }
        };
        if self.exists_already(&wanted, create.if_not_exists)? {
            return Ok(());
        }
        let columns = positions(&table, &names)?;
        check_sortable(&table, &columns)?;
        let include = positions(&table, &included)?;
        self.lock_table(&table, LockMode::AccessExclusive).await?;
        self.check_not_pending(&table, "CREATE INDEX")?;
        let unique = create.unique;
        let nulls_not_distinct = create.nulls_distinct == Some(false);
        let (table, index) = self.draft(|draft| {
            let storage = draft.schema.allocate_id();
            let index = Index {
                include,
                unique,
                nulls_not_distinct,
                ..Index::new(storage, wanted.name, columns)
            };
            let mut changed = (*table).clone();
            changed.indexes.push(index.clone());
            draft.put_table(changed.clone())?;
            Ok((changed, index))
        })?;
        self.anchor(&table).await?;
        self.fill_index(&table, &index).await
    }
}
