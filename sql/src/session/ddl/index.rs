//! CREATE INDEX.

use cairn_txn::LockMode;
use datafusion::sql::sqlparser::ast;

use super::super::Session;
use super::super::constraints::{
    check_has_order, check_sortable, check_width, column_part, positions, told_apart, truncate_name,
};
use super::super::storage_parameters::{self, Target};
use super::undefined_table;
use crate::binder::index_key::IndexKey;
use crate::binder::{fold, relation_name};
use crate::catalog::index::{FIRST_EXPRESSION, KeyExpression, KeyOptions};
use crate::catalog::{Index, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::AlterIndex;
use crate::parser::stored;
use crate::row::computed::Programs;
use crate::types::{Type, TypeMod};

impl Session {
    pub(super) async fn create_index(
        &mut self,
        create: &ast::CreateIndex,
        sql: &str,
    ) -> Result<()> {
        check_method(create)?;
        // Nobody else sees a temporary table.
        let is_online = create.concurrently
            && !self.find_table(&create.table_name).is_ok_and(|table| table.is_temporary());
        if is_online {
            return self.create_index_online(create, sql).await;
        }
        self.lock_catalog().await?;
        let Some((table, index)) = self.define_index(create, sql)? else { return Ok(()) };
        self.lock_table(&table, LockMode::AccessExclusive).await?;
        self.check_not_pending(&table, "CREATE INDEX")?;
        let index = Index { storage: self.schema().allocate_id(), ..index };
        let table = self.draft(|draft| {
            let mut changed = (*table).clone();
            changed.indexes.push(index.clone());
            draft.put_table(changed.clone())?;
            Ok(changed)
        })?;
        self.anchor(&table).await?;
        self.with_binder("", |binder| Programs::prepare(&table, binder))?;
        self.fill_index(&table, &index).await
    }

    /// ALTER INDEX SET and RESET.
    pub(super) async fn alter_index(&mut self, alter: &AlterIndex) -> Result<()> {
        self.lock_catalog().await?;
        let wanted = self.named(&alter.name)?;
        let schema = self.schema();
        let Some((table, index)) = schema.index(&wanted) else {
            if schema.is_taken(&wanted) {
                return Err(Error::new(
                    SqlState::WrongObjectType,
                    format!("\"{wanted}\" is not an index"),
                ));
            }
            if alter.if_exists {
                self.skip(format!("relation \"{wanted}\" does not exist, skipping"));
                return Ok(());
            }
            return Err(undefined_table("relation", &wanted));
        };
        let mut parameters = index.parameters.clone();
        match alter.sets {
            true => storage_parameters::set(&mut parameters, Target::Index, &alter.parameters)?,
            false => storage_parameters::reset(&mut parameters, Target::Index, &alter.parameters)?,
        }
        self.lock_table(table, LockMode::ShareUpdateExclusive).await?;
        let mut changed = (**table).clone();
        let mut indexes = std::iter::once(&mut changed.primary).chain(&mut changed.indexes);
        if let Some(index) = indexes.find(|other| other.storage == index.storage) {
            index.parameters = parameters;
        }
        self.draft(|draft| draft.put_table(changed))
    }

    /// The index that a statement defines, and its table; `None` if it is there and that will do.
    pub(in super::super) fn define_index(
        &mut self,
        create: &ast::CreateIndex,
        sql: &str,
    ) -> Result<Option<(std::sync::Arc<Table>, Index)>> {
        let table = self.find_table(&create.table_name).map_err(|error| match error {
            Error::Report(report) if report.state == SqlState::WrongObjectType => {
                let name = self.named(&create.table_name).unwrap_or_default();
                Error::new(report.state, format!("cannot create index on relation \"{name}\""))
                    .detail(self.not_supported(&name))
            }
            other => other,
        })?;
        let included: Vec<String> = create.include.iter().map(fold).collect();
        check_width(create.columns.len() + included.len())?;
        let keys = create.columns.iter().map(IndexKey::new).collect::<Result<Vec<_>>>()?;
        let names: Vec<String> = keys.iter().map(IndexKey::name).collect();
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
            return Ok(None);
        }
        let mut index = Index::new(0, wanted.name, Vec::new());
        index.unique = create.unique;
        index.nulls_not_distinct = create.nulls_distinct == Some(false);
        if let Some(predicate) = &create.predicate {
            self.with_binder(sql, |binder| binder.index_predicate(&table, predicate))?;
            index.predicate = Some(stored::to_text(without_parentheses(predicate)));
        }
        let named = told_apart(&names);
        let mut options = Vec::new();
        for (at, key) in keys.iter().enumerate() {
            let kind = match key.column() {
                Some(name) => {
                    let found = positions(&table, &[name])?;
                    check_sortable(&table, &found)?;
                    index.columns.extend(&found);
                    let column = found.first().and_then(|at| table.columns.get(*at));
                    column.map_or(TypeMod::plain(Type::Text), |column| column.kind())
                }
                None => {
                    let bound =
                        self.with_binder(sql, |binder| binder.index_expression(&table, key.expr));
                    let (_, kind) = bound?;
                    if kind.kind == Type::Record {
                        let name = named.get(at).cloned().unwrap_or_default();
                        return Err(Error::new(
                            SqlState::InvalidTableDefinition,
                            format!("column \"{name}\" has pseudo-type record"),
                        ));
                    }
                    check_has_order(kind.kind)?;
                    index.columns.push(FIRST_EXPRESSION + index.expressions.len());
                    index.expressions.push(KeyExpression {
                        sql: stored::to_text(key.expr),
                        name: named.get(at).cloned().unwrap_or_default(),
                        type_oid: kind.kind.oid(),
                        typmod: kind.typmod,
                    });
                    kind
                }
            };
            options.push(key.options(kind.kind)?);
        }
        index.include = positions(&table, &included)?;
        if options.iter().any(|options| *options != KeyOptions::default()) {
            index.options = options;
        }
        index.parameters = storage_parameters::of_index(&create.with)?;
        Ok(Some((table, index)))
    }
}

fn without_parentheses(expr: &ast::Expr) -> &ast::Expr {
    match expr {
        ast::Expr::Nested(inner) => without_parentheses(inner),
        other => other,
    }
}

/// Refuses access methods that are not there.
pub(super) fn check_method(create: &ast::CreateIndex) -> Result<()> {
    let method = create.using.as_ref().map(|method| method.to_string().to_lowercase());
    match method.as_deref() {
        None | Some("btree") => Ok(()),
        Some(known @ ("hash" | "gist" | "gin" | "spgist" | "brin")) => {
            Err(Error::unsupported(format!("index method {known}")))
        }
        Some(other) => Err(Error::new(
            SqlState::UndefinedObject,
            format!("access method \"{other}\" does not exist"),
        )),
    }
}
