//! CREATE, ALTER, DROP and TRUNCATE.
//!
//! All of it is transactional: descriptors and rows are written through the transaction, and the
//! session sees its own copy of the catalog until the commit installs it.

mod alter;
mod alter_column;
mod column;
mod comment;
mod composites;
mod create_table;
mod domains;
mod drop;
mod foreign_key;
mod identity;
mod index;
mod like;
mod materialized;
mod owner;
mod reindex;
mod rename;
mod rewrite;
mod routine;
mod schema;
mod sequence;
mod truncate;
mod types;
mod view;

use std::sync::Arc;

use cairn_txn::storage::Timestamp;
use cairn_txn::{LockMode, WaitPolicy};
use datafusion::sql::sqlparser::ast::{self, ObjectType, Statement};

use super::Session;
pub(super) use view::text;

use super::outcome::Outcome;
use super::settings::Severity;
use crate::catalog::names::RelationName;
use crate::catalog::{CATALOG_LOCK, Column, Draft, Index, OnCommit, Schema, Table, index_prefix};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::{Definition, RelationKind};
use crate::types::{Type, TypeMod};

fn undefined_table(what: &str, name: &str) -> Error {
    Error::new(SqlState::UndefinedTable, format!("{what} \"{name}\" does not exist"))
}

fn duplicate_relation(name: &str) -> Error {
    Error::new(SqlState::DuplicateTable, format!("relation \"{name}\" already exists"))
}

fn undefined_column(table: &Table, column: &str) -> Error {
    Error::new(
        SqlState::UndefinedColumn,
        format!("column \"{column}\" of relation \"{}\" does not exist", table.name),
    )
}

fn done(tag: &str) -> Result<Outcome> {
    Ok(Outcome::Command(tag.to_owned()))
}

impl Session {
    pub(super) async fn execute_ddl(
        &mut self,
        statement: &Statement,
        sql: &str,
        alone: bool,
    ) -> Result<Outcome> {
        match statement {
            Statement::CreateTable(_) => Err(Error::unsupported("this form of CREATE TABLE")),
            Statement::AlterTable(_) => Err(Error::unsupported("this form of ALTER TABLE")),
            Statement::CreateIndex(create) => {
                if create.concurrently {
                    self.check_outside("CREATE INDEX CONCURRENTLY", alone)?;
                }
                self.check_writable("CREATE INDEX")?;
                self.create_index(create, sql).await?;
                done("CREATE INDEX")
            }
            Statement::Drop { object_type, if_exists, names, cascade, .. } => match object_type {
                ObjectType::Table => {
                    self.check_writable("DROP TABLE")?;
                    self.drop_relations(RelationKind::Table, names, *if_exists, *cascade).await?;
                    done("DROP TABLE")
                }
                ObjectType::View => {
                    self.check_writable("DROP VIEW")?;
                    self.drop_relations(RelationKind::View, names, *if_exists, *cascade).await?;
                    done("DROP VIEW")
                }
                ObjectType::MaterializedView => {
                    self.check_writable("DROP MATERIALIZED VIEW")?;
                    let kind = RelationKind::MaterializedView;
                    self.drop_relations(kind, names, *if_exists, *cascade).await?;
                    done("DROP MATERIALIZED VIEW")
                }
                ObjectType::Sequence => {
                    self.check_writable("DROP SEQUENCE")?;
                    let kind = RelationKind::Sequence;
                    self.drop_relations(kind, names, *if_exists, *cascade).await?;
                    done("DROP SEQUENCE")
                }
                ObjectType::Schema => {
                    self.check_writable("DROP SCHEMA")?;
                    self.drop_schemas(names, *if_exists, *cascade).await?;
                    done("DROP SCHEMA")
                }
                ObjectType::Index => {
                    self.check_writable("DROP INDEX")?;
                    for name in names {
                        self.drop_index(name, *if_exists, *cascade).await?;
                    }
                    done("DROP INDEX")
                }
                other => Err(Error::unsupported(format!("DROP {other}"))),
            },
            Statement::Truncate(truncate) => {
                self.check_writable("TRUNCATE TABLE")?;
                self.truncate(truncate, sql).await?;
                done("TRUNCATE TABLE")
            }
            other => {
                let text = other.to_string();
                let words: Vec<&str> = text.split_whitespace().take(2).collect();
                Err(Error::unsupported(words.join(" ")))
            }
        }
    }

    /// Executes what this crate reads itself.
    pub(super) async fn define(
        &mut self,
        definition: &Definition,
        sql: &str,
        alone: bool,
    ) -> Result<Outcome> {
        match definition {
            Definition::CreateTable(create) => {
                self.check_writable("CREATE TABLE")?;
                self.create_table(create, sql).await?;
                done("CREATE TABLE")
            }
            Definition::AlterTable(alter) => {
                let tag = alter.kind.alter_tag();
                self.check_writable(tag)?;
                self.alter_table(alter, sql).await?;
                done(tag)
            }
            Definition::AlterIndex(alter) => {
                self.check_writable("ALTER INDEX")?;
                self.alter_index(alter).await?;
                done("ALTER INDEX")
            }
            Definition::DropIndexes(drop) => {
                self.check_outside("DROP INDEX CONCURRENTLY", alone)?;
                self.check_writable("DROP INDEX")?;
                self.drop_indexes_online(drop).await?;
                done("DROP INDEX")
            }
            Definition::Reindex(reindex) => {
                self.reindex(reindex, alone).await?;
                done("REINDEX")
            }
            Definition::Rename(rename) => {
                let tag = rename.kind.alter_tag();
                self.check_writable(tag)?;
                self.rename(rename).await?;
                done(tag)
            }
            Definition::SetSchema(set) => {
                let tag = set.kind.alter_tag();
                self.check_writable(tag)?;
                self.set_schema(set).await?;
                done(tag)
            }
            Definition::SetOwner(set) => {
                let tag = set.owned.alter_tag();
                self.check_writable(tag)?;
                self.set_owner(set)?;
                done(tag)
            }
            Definition::CreateView(create) => {
                self.check_writable("CREATE VIEW")?;
                self.create_view(create, sql).await?;
                done("CREATE VIEW")
            }
            Definition::AlterView(alter) => {
                self.check_writable("ALTER VIEW")?;
                self.alter_view(alter).await?;
                done("ALTER VIEW")
            }
            Definition::CreateFunction(create) => {
                self.check_writable("CREATE FUNCTION")?;
                self.create_function(create, sql).await?;
                done("CREATE FUNCTION")
            }
            Definition::DropFunction(drop) => {
                self.check_writable("DROP FUNCTION")?;
                self.drop_functions(drop).await?;
                done("DROP FUNCTION")
            }
            Definition::Refresh(refresh) => {
                self.check_writable("REFRESH MATERIALIZED VIEW")?;
                self.refresh(refresh).await?;
                done("REFRESH MATERIALIZED VIEW")
            }
            Definition::CreateSequence(create) => {
                self.check_writable("CREATE SEQUENCE")?;
                self.create_sequence(create, sql).await?;
                done("CREATE SEQUENCE")
            }
            Definition::AlterSequence(alter) => {
                self.check_writable("ALTER SEQUENCE")?;
                self.alter_sequence(alter).await?;
                done("ALTER SEQUENCE")
            }
            Definition::CreateSchema(create) => {
                self.check_writable("CREATE SCHEMA")?;
                self.create_schema(create).await?;
                done("CREATE SCHEMA")
            }
            Definition::CreateType(create) => {
                self.check_writable("CREATE TYPE")?;
                self.create_type(create, sql).await?;
                done("CREATE TYPE")
            }
            Definition::AlterType(alter) => {
                self.check_writable("ALTER TYPE")?;
                self.alter_user_type(alter, sql).await?;
                done("ALTER TYPE")
            }
            Definition::DropTypes(drop) => {
                let tag = if drop.domain { "DROP DOMAIN" } else { "DROP TYPE" };
                self.check_writable(tag)?;
                self.drop_types(drop).await?;
                done(tag)
            }
            Definition::CreateDomain(create) => {
                self.check_writable("CREATE DOMAIN")?;
                self.create_domain(create, sql).await?;
                done("CREATE DOMAIN")
            }
            Definition::AlterDomain(alter) => {
                self.check_writable("ALTER DOMAIN")?;
                self.alter_domain(alter, sql).await?;
                done("ALTER DOMAIN")
            }
            Definition::Comment(comment) => {
                self.check_writable("COMMENT")?;
                self.comment(comment).await?;
                done("COMMENT")
            }
        }
    }

    /// Makes sure that nobody else changes the catalog until this transaction ends.
    pub(super) async fn lock_catalog(&mut self) -> Result<()> {
        let block = self.block();
        let mode = LockMode::AccessExclusive;
        block.transaction.lock_name(CATALOG_LOCK, mode, WaitPolicy::Block).await?;
        if self.block().draft.is_none() {
            let current = self.database.catalog.current();
            self.block().draft = Some(current);
        }
        Ok(())
    }

    /// Changes the catalog. The lock is held.
    pub(super) fn draft<T>(
        &mut self,
        change: impl FnOnce(&mut Draft<'_>) -> Result<T>,
    ) -> Result<T> {
        let block = self.block();
        let mut shared = block.draft.take().unwrap_or_default();
        let schema: &mut Schema = Arc::make_mut(&mut shared);
        // A version of its own: plans made before do not fit any more.
        schema.version += 1;
        let result = change(&mut Draft { schema, transaction: &mut block.transaction });
        block.draft = Some(shared);
        result
    }

    fn find_table(&self, name: &ast::ObjectName) -> Result<Arc<Table>> {
        let wanted = self.named(name)?;
        let schema = self.schema();
        match schema.table(&wanted) {
            Some(table) => Ok(table.clone()),
            None if schema.is_taken(&wanted) => {
                Err(Error::new(SqlState::WrongObjectType, format!("\"{wanted}\" is not a table")))
            }
            None => Err(undefined_table("relation", &wanted)),
        }
    }

    /// The detail of what cannot be done to this kind of relation.
    fn not_supported(&self, name: &RelationName) -> String {
        let kind =
            self.schema().named(name).map_or(RelationKind::Table, |found| self.kind_of(found));
        format!("This operation is not supported for {}.", kind.plural())
    }

    /// Whether a relation is there and IF NOT EXISTS is content with that.
    pub(super) fn exists_already(
        &mut self,
        name: &RelationName,
        if_not_exists: bool,
    ) -> Result<bool> {
        match (self.schema().is_taken(name), if_not_exists) {
            (false, _) => Ok(false),
            (true, false) => Err(duplicate_relation(name)),
            (true, true) => {
                let message = format!("relation \"{name}\" already exists, skipping");
                self.notice(Severity::Notice, SqlState::DuplicateTable, message);
                Ok(true)
            }
        }
    }

    /// Says that something is left as it is.
    fn skip(&mut self, message: String) {
        self.notice(Severity::Notice, SqlState::SuccessfulCompletion, message);
    }

    /// Gives each index of a table a range of its own.
    pub(super) async fn anchor(&mut self, table: &Table) -> Result<()> {
        let store = self.database.manager.store().clone();
        let keys: Vec<_> = table.all_indexes().map(|index| index_prefix(index.storage)).collect();
        let anchored = tokio::task::spawn_blocking(move || {
            keys.iter().try_for_each(|key| store.anchor_range(key))
        });
        anchored.await.map_err(|error| Error::internal(error.to_string()))??;
        Ok(())
    }
}

/// A table without constraints, which is not in the catalog yet.
pub(super) fn new_table(schema: &Schema, name: RelationName, mut columns: Vec<Column>) -> Table {
    let id = schema.allocate_id();
    let storage = schema.allocate_id();
    let mut row_number = Column::new(String::new(), TypeMod::plain(Type::Int8));
    (row_number.not_null, row_number.hidden) = (true, true);
    columns.push(row_number);
    let mut primary = Index::new(storage, format!("{name}_rows"), vec![columns.len() - 1]);
    primary.unique = true;
    Table {
        id,
        schema: name.schema,
        name: name.name,
        columns,
        primary,
        parameters: Vec::new(),
        indexes: Vec::new(),
        checks: Vec::new(),
        foreign_keys: Vec::new(),
        comment: None,
        definition: None,
        is_populated: false,
        on_commit: OnCommit::default(),
        valid_from: Timestamp::MIN,
        order: Vec::new(),
        computed: Vec::new(),
        programs: Default::default(),
        statistics: None,
    }
}
