//! CREATE, ALTER, DROP and TRUNCATE.
//!
//! All of it is transactional: descriptors and rows are written through the transaction, and the
//! session sees its own copy of the catalog until the commit installs it.

use std::sync::Arc;

use cairn_txn::storage::Timestamp;
use cairn_txn::{LockMode, WaitPolicy};
use datafusion::sql::sqlparser::ast::{
    self, AlterTableOperation, ColumnOption, CreateTableOptions, GeneratedAs, ObjectType,
    SqlOption, Statement, TruncateIdentityOption,
};

use super::Session;
use super::constraints::{
    Unique, check_sortable, index_columns, index_name, no_key_column, nth_word, place, positions,
    set_primary_key, truncate_name, unique_constraint, unique_index,
};
use super::fill;
use super::outcome::Outcome;
use super::settings::Severity;
use crate::binder::position::{next_token, position_of, token_after};
use crate::binder::{fold, name_parts, relation_name, types};
use crate::catalog::{
    CATALOG_LOCK, Column, Draft, Identity, Index, MAX_COLUMNS, Schema, Sequence, Table,
    index_prefix,
};
use crate::codec;
use crate::error::{Error, Result, SqlState};
use crate::row::modify::Writer;
use crate::types::{Datum, Type};

pub(super) fn public_name(name: &ast::ObjectName) -> Result<String> {
    match relation_name(name)? {
        (None, name) => Ok(truncate_name(name)),
        (Some(schema), name) if schema == "public" => Ok(truncate_name(name)),
        (Some(schema), _) => Err(Error::new(
            SqlState::InvalidSchemaName,
            format!("schema \"{schema}\" does not exist"),
        )),
    }
}

/// Checks the WITH of a new table.
pub(super) fn check_options(options: &[SqlOption]) -> Result<()> {
    options.iter().try_for_each(|option| match option {
        // Rows are not kept in pages, so there is nothing to leave free in them.
        SqlOption::KeyValue { key, .. } if fold(key) == "fillfactor" => Ok(()),
        other => Err(Error::unsupported(format!("storage parameter {other}"))),
    })
}

fn serial(data_type: &ast::DataType) -> Option<Type> {
    let ast::DataType::Custom(name, _) = data_type else { return None };
    match name_parts(name).last().map(String::as_str) {
        Some("serial" | "serial4") => Some(Type::Int4),
        Some("bigserial" | "serial8") => Some(Type::Int8),
        Some("smallserial" | "serial2") => Some(Type::Int2),
        _ => None,
    }
}

fn is_array_of_serial(data_type: &ast::DataType) -> bool {
    match data_type {
        ast::DataType::Array(ast::ArrayElemTypeDef::SquareBracket(element, _)) => {
            serial(element).is_some() || is_array_of_serial(element)
        }
        _ => false,
    }
}

fn undefined_table(what: &str, name: &str) -> Error {
    Error::new(SqlState::UndefinedTable, format!("{what} \"{name}\" does not exist"))
}

impl Session {
    pub(super) async fn execute_ddl(
        &mut self,
        statement: &Statement,
        sql: &str,
    ) -> Result<Outcome> {
        let done = |tag: &str| Ok(Outcome::Command(tag.to_owned()));
        match statement {
            Statement::CreateTable(create) => {
                self.check_writable("CREATE TABLE")?;
                self.create_table(create, sql).await?;
                done("CREATE TABLE")
            }
            Statement::CreateIndex(create) => {
                self.check_writable("CREATE INDEX")?;
                self.create_index(create).await?;
                done("CREATE INDEX")
            }
            Statement::AlterTable(alter) => {
                self.check_writable("ALTER TABLE")?;
                self.alter_table(alter, sql).await?;
                done("ALTER TABLE")
            }
            Statement::Drop { object_type, if_exists, names, .. } => match object_type {
                ObjectType::Table => {
                    self.check_writable("DROP TABLE")?;
                    self.drop_tables(names, *if_exists).await?;
                    done("DROP TABLE")
                }
                ObjectType::Index => {
                    self.check_writable("DROP INDEX")?;
                    for name in names {
                        self.drop_index(name, *if_exists).await?;
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

    fn find_table(&mut self, name: &ast::ObjectName) -> Result<Arc<Table>> {
        let wanted = public_name(name)?;
        self.schema().table(&wanted).cloned().ok_or_else(|| undefined_table("relation", &wanted))
    }

    /// Whether a relation is there and IF NOT EXISTS is content with that.
    pub(super) fn exists_already(&mut self, name: &str, if_not_exists: bool) -> Result<bool> {
        let message = format!("relation \"{name}\" already exists");
        match (self.schema().is_taken(name), if_not_exists) {
            (false, _) => Ok(false),
            (true, false) => Err(Error::new(SqlState::DuplicateTable, message)),
            (true, true) => {
                let message = format!("{message}, skipping");
                self.notice(Severity::Notice, SqlState::DuplicateTable, message);
                Ok(true)
            }
        }
    }

    async fn create_table(&mut self, create: &ast::CreateTable, sql: &str) -> Result<()> {
        let plain = !create.temporary
            && create.query.is_none()
            && create.like.is_none()
            && create.inherits.is_none()
            && create.partition_by.is_none()
            && create.partition_of.is_none()
            && create.on_commit.is_none();
        if !plain {
            return Err(Error::unsupported("this form of CREATE TABLE"));
        }
        if let CreateTableOptions::With(options) = &create.table_options {
            check_options(options)?;
        }
        let name = public_name(&create.name).map_err(|e| e.at(place(sql, &create.name)))?;
        self.check_creation_schema(&create.name, sql)?;
        if let Some(written) = name_parts(&create.name).pop().filter(|written| *written != name) {
            self.notice(
                Severity::Notice,
                SqlState::NameTooLong,
                format!("identifier \"{written}\" will be truncated to \"{name}\""),
            );
        }
        self.lock_catalog().await?;
        if self.exists_already(&name, create.if_not_exists)? {
            return Ok(());
        }
        if create.columns.len() > MAX_COLUMNS {
            return Err(Error::new(
                SqlState::TooManyColumns,
                format!("tables can have at most {MAX_COLUMNS} columns"),
            ));
        }
        let mut columns = Vec::new();
        let mut uniques = Vec::new();
        let mut sequences = Vec::new();
        for definition in &create.columns {
            let column =
                self.column(&name, definition, columns.len(), &mut uniques, &mut sequences, sql)?;
            if columns.iter().any(|other: &Column| other.name == column.name) {
                return Err(Error::new(
                    SqlState::DuplicateColumn,
                    format!("column \"{}\" specified more than once", column.name),
                ));
            }
            columns.push(column);
        }
        for constraint in &create.constraints {
            uniques.push(unique_constraint(constraint, sql)?);
        }
        let table = self.draft(|draft| {
            let mut table = new_table(draft.schema, name, columns);
            for (column, kind) in sequences {
                add_sequence(draft, &mut table, column, kind)?;
            }
            for unique in uniques.iter().filter(|unique| unique.primary) {
                if table.has_primary_key() {
                    return Err(Error::new(
                        SqlState::InvalidTableDefinition,
                        format!(
                            "multiple primary keys for table \"{}\" are not allowed",
                            table.name
                        ),
                    )
                    .at(unique.position));
                }
                set_primary_key(draft.schema, &mut table, unique)?;
            }
            draft.put_table(table.clone())?;
            for unique in uniques.iter().filter(|unique| !unique.primary) {
                let index = unique_index(draft.schema, &table, unique)?;
                table.indexes.push(index);
                draft.put_table(table.clone())?;
            }
            Ok(table)
        })?;
        self.lock_table(&table, LockMode::AccessExclusive).await?;
        self.anchor(&table).await
    }

    /// A table without a schema in its name goes to one that search_path has.
    pub(super) fn check_creation_schema(&self, name: &ast::ObjectName, sql: &str) -> Result<()> {
        match name.0.len() > 1 || self.settings.public_in_path() {
            true => Ok(()),
            false => Err(Error::new(
                SqlState::InvalidSchemaName,
                "no schema has been selected to create in",
            )
            .at(place(sql, name))),
        }
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

    fn column(
        &mut self,
        table: &str,
        definition: &ast::ColumnDef,
        position: usize,
        uniques: &mut Vec<Unique>,
        sequences: &mut Vec<(usize, Type)>,
        sql: &str,
    ) -> Result<Column> {
        let name = truncate_name(fold(&definition.name));
        let start =
            position_of(sql, definition.name.span.start.line, definition.name.span.start.column);
        let serial = serial(&definition.data_type);
        if is_array_of_serial(&definition.data_type) {
            let message = "array of serial is not implemented";
            return Err(Error::new(SqlState::FeatureNotSupported, message)
                .at(start.and_then(|at| next_token(sql, at))));
        }
        let kind = match serial {
            Some(kind) => crate::types::TypeMod::plain(kind),
            None => types::type_of(&definition.data_type)
                .map_err(|e| e.at(start.and_then(|at| next_token(sql, at))))?,
        };
        let mut column = Column {
            name: name.clone(),
            type_oid: kind.kind.oid(),
            typmod: kind.typmod,
            not_null: serial.is_some(),
            default: None,
            sequence: None,
            identity: None,
            hidden: false,
        };
        let mut wants_sequence = serial.is_some();
        let mut nulls = 0;
        for option in &definition.options {
            match &option.option {
                option @ (ColumnOption::Null | ColumnOption::NotNull) => {
                    let not_null = *option == ColumnOption::NotNull;
                    nulls += 1;
                    if nulls > 1 && column.not_null != not_null {
                        return Err(Error::new(
                            SqlState::SyntaxError,
                            format!("conflicting NULL/NOT NULL declarations for column \"{name}\" of table \"{table}\""),
                        )
                        .at(nth_word(sql, start, "NULL", nulls)));
                    }
                    column.not_null |= not_null;
                }
                ColumnOption::Default(_) if column.default.is_some() => {
                    return Err(Error::new(
                        SqlState::SyntaxError,
                        format!("multiple default values specified for column \"{name}\" of table \"{table}\""),
                    )
                    .at(nth_word(sql, start, "DEFAULT", 2)));
                }
                ColumnOption::Default(expr) => {
                    self.with_binder(sql, |binder| binder.check_default(&column, expr))?;
                    column.default = Some(expr.to_string());
                }
                ColumnOption::PrimaryKey(_) | ColumnOption::Unique(_) => {
                    let primary = matches!(option.option, ColumnOption::PrimaryKey(_));
                    let constraint = option.name.as_ref().map(fold);
                    let word = if primary { "PRIMARY" } else { "UNIQUE" };
                    let position = start.and_then(|at| token_after(sql, at, &[word]));
                    uniques.push(Unique {
                        name: constraint,
                        columns: vec![name.clone()],
                        include: Vec::new(),
                        primary,
                        position,
                    });
                    column.not_null |= primary;
                }
                ColumnOption::Generated {
                    generated_as,
                    sequence_options,
                    generation_expr: None,
                    ..
                } => {
                    if sequence_options.as_ref().is_some_and(|options| !options.is_empty()) {
                        return Err(Error::unsupported("sequence options of an identity column"));
                    }
                    column.identity = Some(match generated_as {
                        GeneratedAs::Always => Identity::Always,
                        GeneratedAs::ByDefault => Identity::ByDefault,
                        GeneratedAs::ExpStored => {
                            return Err(Error::unsupported("a generated column"));
                        }
                    });
                    if !matches!(kind.kind, Type::Int2 | Type::Int4 | Type::Int8) {
                        return Err(Error::new(
                            SqlState::InvalidParameterValue,
                            "identity column type must be smallint, integer, or bigint",
                        ));
                    }
                    column.not_null = true;
                    wants_sequence = true;
                }
                ColumnOption::Check(_) => return Err(Error::unsupported("CHECK")),
                ColumnOption::ForeignKey(_) => return Err(Error::unsupported("FOREIGN KEY")),
                other => return Err(Error::unsupported(format!("column option {other}"))),
            }
        }
        if wants_sequence {
            sequences.push((position, kind.kind));
        }
        Ok(column)
    }

    async fn create_index(&mut self, create: &ast::CreateIndex) -> Result<()> {
        let method = create.using.as_ref().map(|method| method.to_string().to_lowercase());
        if create.predicate.is_some() {
            return Err(Error::unsupported("a partial index"));
        }
        if create.nulls_distinct == Some(false) {
            return Err(Error::unsupported("NULLS NOT DISTINCT"));
        }
        if create.concurrently {
            return Err(Error::unsupported("CREATE INDEX CONCURRENTLY"));
        }
        if method.is_some_and(|method| method != "btree") {
            return Err(Error::unsupported("an index method other than btree"));
        }
        self.lock_catalog().await?;
        let table = self.find_table(&create.table_name)?;
        let included: Vec<String> = create.include.iter().map(fold).collect();
        let names = index_columns(&create.columns, included.len())?;
        let wanted = match &create.name {
            Some(name) => public_name(name)?,
            None => self.schema().free_name(&index_name(&table, &names, &included, "idx")),
        };
        if self.exists_already(&wanted, create.if_not_exists)? {
            return Ok(());
        }
        let columns = positions(&table, &names)?;
        check_sortable(&table, &columns)?;
        let include = positions(&table, &included)?;
        self.lock_table(&table, LockMode::AccessExclusive).await?;
        let unique = create.unique;
        let (table, index) = self.draft(|draft| {
            let storage = draft.schema.allocate_id();
            let (name, constraint) = (wanted, false);
            let index = Index { storage, name, columns, include, unique, constraint };
            let mut changed = (*table).clone();
            changed.indexes.push(index.clone());
            draft.put_table(changed.clone())?;
            Ok((changed, index))
        })?;
        self.anchor(&table).await?;
        self.fill_index(&table, &index)
    }

    /// Makes the entries of a new index. The table is locked.
    fn fill_index(&mut self, table: &Table, index: &Index) -> Result<()> {
        let style = self.style();
        let Some(row) = fill::fill_index(&mut self.block().transaction, table, index)? else {
            return Ok(());
        };
        let writer = Writer { table, style: &style, exclusive: true };
        Err(writer.could_not_create(index, &row)?)
    }

    async fn alter_table(&mut self, alter: &ast::AlterTable, sql: &str) -> Result<()> {
        self.lock_catalog().await?;
        let table = match self.find_table(&alter.name) {
            Ok(table) => table,
            Err(_) if alter.if_exists => {
                let name = public_name(&alter.name)?;
                self.notice(
                    Severity::Notice,
                    SqlState::UndefinedTable,
                    format!("relation \"{name}\" does not exist, skipping"),
                );
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.lock_table(&table, LockMode::AccessExclusive).await?;
        let mut table = table;
        for operation in &alter.operations {
            let AlterTableOperation::AddConstraint { constraint, .. } = operation else {
                return Err(Error::unsupported("this form of ALTER TABLE"));
            };
            let unique = unique_constraint(constraint, sql)?;
            for name in &unique.columns {
                if table.position(name).is_none() {
                    return Err(Error::new(
                        SqlState::UndefinedColumn,
                        format!("column \"{name}\" of relation \"{}\" does not exist", table.name),
                    ));
                }
            }
            if let Some(name) = unique.include.iter().find(|name| table.position(name).is_none()) {
                return Err(no_key_column(name));
            }
            table = Arc::new(match unique.primary {
                true => self.add_primary_key(&table, &unique).await?,
                false => self.add_unique(&table, &unique).await?,
            });
        }
        Ok(())
    }

    async fn add_unique(&mut self, table: &Table, unique: &Unique) -> Result<Table> {
        let (changed, index) = self.draft(|draft| {
            let index = unique_index(draft.schema, table, unique)?;
            let mut changed = table.clone();
            changed.indexes.push(index.clone());
            draft.put_table(changed.clone())?;
            Ok((changed, index))
        })?;
        self.anchor(&changed).await?;
        self.fill_index(&changed, &index)?;
        Ok(changed)
    }

    /// Stores the rows anew, under their primary key.
    async fn add_primary_key(&mut self, table: &Table, unique: &Unique) -> Result<Table> {
        if table.has_primary_key() {
            return Err(Error::new(
                SqlState::InvalidTableDefinition,
                format!("multiple primary keys for table \"{}\" are not allowed", table.name),
            ));
        }
        let changed = self.draft(|draft| {
            let mut changed = table.clone();
            set_primary_key(draft.schema, &mut changed, unique)?;
            changed.primary.storage = draft.schema.allocate_id();
            for index in &mut changed.indexes {
                index.storage = draft.schema.allocate_id();
            }
            for index in table.all_indexes() {
                draft.discard_storage(index.storage)?;
            }
            draft.put_table(changed.clone())?;
            Ok(changed)
        })?;
        self.anchor(&changed).await?;
        let style = self.style();
        let transaction = &mut self.block().transaction;
        let writer = Writer { table: &changed, style: &style, exclusive: true };
        let key = &changed.primary.columns;
        let twice = fill::fill(transaction, table, key, true, &mut |value, row| {
            for position in key {
                if let (Some(Datum::Null), Some(column)) =
                    (row.get(*position), changed.columns.get(*position))
                {
                    return Err(Error::new(
                        SqlState::NotNullViolation,
                        format!(
                            "column \"{}\" of relation \"{}\" contains null values",
                            column.name, changed.name
                        ),
                    )
                    .table(&changed.name)
                    .column(&column.name));
                }
            }
            Ok((changed.row_key(row), value.to_vec()))
        })?;
        if let Some(value) = twice {
            let row = codec::decode_row(&value)?;
            return Err(writer.could_not_create(&changed.primary, &row)?);
        }
        for index in &changed.indexes {
            self.fill_index(&changed, index)?;
        }
        Ok(changed)
    }

    async fn drop_tables(&mut self, names: &[ast::ObjectName], if_exists: bool) -> Result<()> {
        self.lock_catalog().await?;
        let mut tables = Vec::new();
        for name in names {
            let wanted = match public_name(name) {
                Ok(wanted) => wanted,
                Err(Error::Report(report))
                    if if_exists && report.state == SqlState::InvalidSchemaName =>
                {
                    let message = format!("{}, skipping", report.message);
                    self.notice(Severity::Notice, SqlState::SuccessfulCompletion, message);
                    continue;
                }
                Err(error) => return Err(error),
            };
            match self.schema().table(&wanted).cloned() {
                Some(table) => tables.push(table),
                None if if_exists => self.notice(
                    Severity::Notice,
                    SqlState::SuccessfulCompletion,
                    format!("table \"{wanted}\" does not exist, skipping"),
                ),
                None if self.schema().is_taken(&wanted) => {
                    let error = Error::new(
                        SqlState::WrongObjectType,
                        format!("\"{wanted}\" is not a table"),
                    );
                    return Err(match self.schema().index(&wanted).is_some() {
                        true => error.hint("Use DROP INDEX to remove an index."),
                        false => error.hint("Use DROP SEQUENCE to remove a sequence."),
                    });
                }
                None => return Err(undefined_table("table", &wanted)),
            }
        }
        for table in tables {
            self.lock_table(&table, LockMode::AccessExclusive).await?;
            self.draft(|draft| draft.drop_table(&table))?;
        }
        Ok(())
    }

    async fn drop_index(&mut self, name: &ast::ObjectName, if_exists: bool) -> Result<()> {
        self.lock_catalog().await?;
        let wanted = public_name(name)?;
        let schema = self.schema();
        let Some((table, index)) = schema.index(&wanted) else {
            if schema.is_taken(&wanted) {
                return Err(Error::new(
                    SqlState::WrongObjectType,
                    format!("\"{wanted}\" is not an index"),
                )
                .hint("Use DROP TABLE to remove a table."));
            }
            if if_exists {
                self.notice(
                    Severity::Notice,
                    SqlState::SuccessfulCompletion,
                    format!("index \"{wanted}\" does not exist, skipping"),
                );
                return Ok(());
            }
            return Err(Error::new(
                SqlState::UndefinedObject,
                format!("index \"{wanted}\" does not exist"),
            ));
        };
        if index.constraint {
            return Err(Error::new(
                SqlState::DependentObjectsStillExist,
                format!(
                    "cannot drop index {wanted} because constraint {wanted} on table {} requires it",
                    table.name
                ),
            )
            .hint(format!("You can drop constraint {wanted} on table {} instead.", table.name)));
        }
        self.lock_table(table, LockMode::AccessExclusive).await?;
        let (table, storage) = (table.clone(), index.storage);
        self.draft(|draft| {
            let mut changed = (*table).clone();
            changed.indexes.retain(|other| other.storage != storage);
            draft.discard_storage(storage)?;
            draft.put_table(changed)
        })
    }

    async fn truncate(&mut self, truncate: &ast::Truncate, sql: &str) -> Result<()> {
        let foreign =
            [(truncate.if_exists, "EXISTS"), (truncate.partitions.is_some(), "PARTITION")];
        if let Some((_, word)) = foreign.into_iter().find(|(is_there, _)| *is_there) {
            let message = format!("syntax error at or near \"{word}\"");
            let position = token_after(sql, 1, &[word]);
            return Err(Error::new(SqlState::SyntaxError, message).at(position));
        }
        self.lock_catalog().await?;
        let restart = truncate.identity == Some(TruncateIdentityOption::Restart);
        for target in &truncate.table_names {
            let table = self.find_table(&target.name)?;
            self.lock_table(&table, LockMode::AccessExclusive).await?;
            let changed = self.draft(|draft| {
                let mut changed = (*table).clone();
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
            if restart {
                let schema = self.schema();
                for column in &changed.columns {
                    let sequence = column.sequence.and_then(|id| schema.sequence_by_id(id));
                    if let Some(sequence) = sequence {
                        let sequences = &self.database.sequences;
                        sequences.set(sequence, sequence.start, false, self.id)?;
                    }
                }
            }
        }
        Ok(())
    }
}

pub(super) fn new_table(schema: &mut Schema, name: String, mut columns: Vec<Column>) -> Table {
    let id = schema.allocate_id();
    let storage = schema.allocate_id();
    columns.push(Column {
        name: String::new(),
        type_oid: Type::Int8.oid(),
        typmod: -1,
        not_null: true,
        default: None,
        sequence: None,
        identity: None,
        hidden: true,
    });
    let hidden = columns.len() - 1;
    let primary = Index {
        storage,
        name: format!("{name}_rows"),
        columns: vec![hidden],
        include: Vec::new(),
        unique: true,
        constraint: false,
    };
    Table { id, name, columns, primary, indexes: Vec::new(), valid_from: Timestamp::MIN }
}

fn add_sequence(
    draft: &mut Draft<'_>,
    table: &mut Table,
    position: usize,
    kind: Type,
) -> Result<()> {
    let id = draft.schema.allocate_id();
    let owner = table.id;
    let Some(column) = table.columns.get_mut(position) else {
        return Err(Error::internal("a sequence without a column"));
    };
    let name =
        draft.schema.free_name(&truncate_name(format!("{}_{}_seq", table.name, column.name)));
    let max = match kind {
        Type::Int2 => i64::from(i16::MAX),
        Type::Int4 => i64::from(i32::MAX),
        _ => i64::MAX,
    };
    column.sequence = Some(id);
    draft.put_sequence(Sequence {
        id,
        name,
        start: 1,
        increment: 1,
        min: 1,
        max,
        cycle: false,
        owner: Some(owner),
    })
}
