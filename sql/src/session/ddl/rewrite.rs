//! What a change of a table asks of its rows: storing them anew, looking at them, filling indexes.
//!
//! All of it reads a part of the rows at a time ([`super::super::fill`]), so memory does not grow with
//! the table. The table is locked against everyone else, or at least against changes that would not
//! fulfil what is looked at.

use std::ops::ControlFlow;
use std::sync::Arc;

use cairn_txn::storage::{Direction, Span};

use super::super::Session;
use super::super::constraints::check_has_order;
use super::super::fill;
use super::super::rules::{compile_own, compile_reference};
use super::alter::Work;
use super::foreign_key::check_types;
use crate::catalog::constraint::ForeignKey;
use crate::catalog::{Index, Table, index_span};
use crate::codec;
use crate::error::{Error, Result, SqlState};
use crate::parser::parse_expression;
use crate::row::describe::{contains_null, could_not_create, describe_key, is_violated};
use crate::row::reference::{Reference, Wanted};
use crate::row::rules::Rules;
use crate::row::{Env, Frame};
use crate::types::Datum;

/// Rows whose references are looked at together.
const VALIDATED_ROWS: usize = if cfg!(test) { 4 } else { 10_000 };

impl Session {
    /// Puts a changed table into the catalog, and its rows in order.
    pub(super) async fn store_altered(&mut self, mut work: Work) -> Result<()> {
        if work.rewrites {
            let schema = self.schema();
            work.table.primary.storage = schema.allocate_id();
            for index in &mut work.table.indexes {
                index.storage = schema.allocate_id();
            }
            for column in &mut work.table.columns {
                column.missing = None;
            }
        }
        if !work.retyped.is_empty() {
            self.retype_expressions(&mut work.table)?;
        }
        let (old, table) = (work.old.clone(), Arc::new(work.table.clone()));
        let is_kept = |index: &&Index| table.all_indexes().any(|o| o.storage == index.storage);
        let gone: Vec<u32> =
            old.all_indexes().filter(|i| !is_kept(i)).map(|index| index.storage).collect();
        let stored = (*table).clone();
        self.draft(|draft| {
            gone.iter().try_for_each(|storage| draft.discard_storage(*storage))?;
            draft.put_table(stored)
        })?;
        let is_new = |index: &Index| !old.all_indexes().any(|o| o.storage == index.storage);
        if table.all_indexes().any(is_new) {
            self.anchor(&table).await?;
        }
        let rules = self.with_binder("", |binder| compile_own(binder, &table))?;
        let checks: Vec<&str> = match work.retyped.is_empty() {
            true => work.checks.iter().map(String::as_str).collect(),
            false => {
                let valid = table.checks.iter().filter(|check| check.valid);
                valid.map(|check| check.name.as_str()).collect()
            }
        };
        if work.rewrites {
            self.rewrite(&work, &table, &rules, &checks).await?;
            for index in &table.indexes {
                self.fill_index(&table, index).await?;
            }
        } else {
            if !work.not_null.is_empty() || !checks.is_empty() {
                self.verify(&work, &table, &rules, &checks).await?;
            }
            for name in &work.fills {
                if let Some(index) = table.indexes.iter().find(|index| index.name == *name) {
                    self.fill_index(&table, index).await?;
                }
            }
        }
        self.validate_keys(&work, &table).await
    }

    /// What indexes compute may have other types when columns have.
    fn retype_expressions(&mut self, table: &mut Table) -> Result<()> {
        let known = table.clone();
        for index in &mut table.indexes {
            for expression in &mut index.expressions {
                let expr = parse_expression(&expression.sql)?;
                let bound = self.with_binder("", |binder| binder.index_expression(&known, &expr));
                let (_, kind) = bound?;
                check_has_order(kind.kind)?;
                (expression.type_oid, expression.typmod) = (kind.kind.oid(), kind.typmod);
            }
        }
        Ok(())
    }

    fn evaluation(&mut self) -> Env {
        let env = self.env(Arc::new(Vec::new()));
        // No table is read.
        Env { view: env.view.without_own_writes(), ..env }
    }

    /// Stores the rows of a table anew.
    async fn rewrite(
        &mut self,
        work: &Work,
        table: &Arc<Table>,
        rules: &Rules,
        checks: &[&str],
    ) -> Result<()> {
        let (env, style) = (self.evaluation(), self.style());
        let sequences = self.database.sequences.clone();
        let old = &work.old;
        let all: Vec<usize> = (0..old.columns.len()).collect();
        let numbers_rows = !table.has_primary_key() && old.has_primary_key();
        let transaction = &mut self.block().transaction;
        let mut make = |_: &[u8], row: &[Datum]| {
            env.check_cancel()?;
            let mut new = row.to_vec();
            new.resize(table.columns.len(), Datum::Null);
            for (position, expr) in &work.values {
                let value = expr.eval(row, &Frame::new(&env))?;
                if let Some(place) = new.get_mut(*position) {
                    *place = value;
                }
            }
            for generated in &rules.generated {
                let value = generated.expr.eval(&new, &Frame::new(&env))?;
                if let Some(place) = new.get_mut(generated.column) {
                    *place = value;
                }
            }
            for (column, place) in table.columns.iter().zip(&mut new) {
                if column.dropped || column.hidden && table.has_primary_key() {
                    *place = Datum::Null;
                } else if column.hidden && numbers_rows {
                    *place = Datum::Int64(sequences.next_row_number(table.id)?);
                }
            }
            look_at(work, table, rules, checks, &new, &env)?;
            Ok(Some((table.row_key(&new), codec::encode_row(&new))))
        };
        match fill::fill(transaction, old, &all, true, &mut make).await? {
            None => Ok(()),
            Some(value) => {
                let row = table.decode_row(&value)?;
                Err(could_not_create(table, &table.primary, &row, &style)?)
            }
        }
    }

    /// Looks at the rows of a table that stay as they are.
    async fn verify(
        &mut self,
        work: &Work,
        table: &Arc<Table>,
        rules: &Rules,
        checks: &[&str],
    ) -> Result<()> {
        let env = self.evaluation();
        let view = self.block().transaction.latest();
        let mut rest = index_span(table.primary.storage);
        loop {
            let (mut last, mut failed, mut count) = (None, None, 0);
            view.scan(&rest, Direction::Forward, &mut |key, value| {
                let looked = env.check_cancel().and_then(|()| {
                    let row = table.decode_row(value)?;
                    look_at(work, table, rules, checks, &row, &env)
                });
                if let Err(error) = looked {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
                count += 1;
                if count < VALIDATED_ROWS {
                    return ControlFlow::Continue(());
                }
                last = Some(key.to_vec());
                ControlFlow::Break(())
            })?;
            if let Some(error) = failed {
                return Err(error);
            }
            match last {
                Some(last) => rest.start = Span::point(&last).end,
                None => return Ok(()),
            }
            tokio::task::yield_now().await;
        }
    }

    /// Makes the entries of a new index. The table is locked.
    pub(super) async fn fill_index(&mut self, table: &Table, index: &Index) -> Result<()> {
        let style = self.style();
        let filled = fill::fill_index(&mut self.block().transaction, table, index);
        let Some(row) = filled.await? else { return Ok(()) };
        Err(could_not_create(table, index, &row, &style)?)
    }

    /// Looks at the foreign keys of a table that are new or on other values than before, and at those
    /// that refer to it.
    async fn validate_keys(&mut self, work: &Work, table: &Arc<Table>) -> Result<()> {
        let schema = self.schema();
        let is_retyped = |columns: &[usize]| columns.iter().any(|c| work.retyped.contains(c));
        let mut keys: Vec<(Arc<Table>, Arc<Table>, ForeignKey)> = Vec::new();
        for key in &table.foreign_keys {
            let parent = match key.table == table.id {
                true => Some(table),
                false => schema.table_by_id(key.table),
            };
            let parent = parent.ok_or_else(|| Error::internal("a foreign key without table"))?;
            if work.keys.contains(&key.name)
                || is_retyped(&key.columns)
                || key.table == table.id && is_retyped(&key.referred)
            {
                keys.push((table.clone(), parent.clone(), key.clone()));
            }
        }
        for (child, key) in schema.referrers(table.id) {
            if child.id != table.id && is_retyped(&key.referred) {
                keys.push((child.clone(), table.clone(), key.clone()));
            }
        }
        for (child, parent, key) in &keys {
            check_types(child, &key.columns, parent, &key.referred, &key.name)?;
        }
        for (child, parent, key) in &keys {
            let is_new = work.keys.contains(&key.name) && child.id == table.id;
            if is_new || work.rewrites && key.valid {
                let reference =
                    self.with_binder("", |binder| compile_reference(binder, child, parent, key))?;
                self.validate_key(&reference).await?;
            }
        }
        Ok(())
    }

    /// Looks whether what the rows of a table refer to is there.
    async fn validate_key(&mut self, reference: &Reference) -> Result<()> {
        let cancel = self.cancel.flag();
        let style = self.style();
        let view = self.block().transaction.latest();
        let child = &reference.child;
        let mut rows = index_span(child.primary.storage);
        while !rows.is_empty() {
            if cancel.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(crate::row::canceled());
            }
            // A part of the rows: what each refers to, and its values.
            let mut part: Vec<(Wanted, Vec<u8>)> = Vec::new();
            let (mut last, mut failed) = (None, None);
            view.scan(&rows, Direction::Forward, &mut |key, value| {
                match child.decode_row(value).and_then(|row| reference.wanted(&row)) {
                    Ok(Wanted::Nothing) => {}
                    Ok(wanted) => part.push((wanted, value.to_vec())),
                    Err(error) => {
                        failed = Some(error);
                        return ControlFlow::Break(());
                    }
                }
                if part.len() < VALIDATED_ROWS {
                    return ControlFlow::Continue(());
                }
                last = Some(key.to_vec());
                ControlFlow::Break(())
            })?;
            if let Some(error) = failed {
                return Err(error);
            }
            let keys = part.iter().filter_map(|(wanted, _)| match wanted {
                Wanted::Key(key) => Some(key.clone()),
                _ => None,
            });
            let mut keys: Vec<Vec<u8>> = keys.collect();
            keys.sort_unstable();
            keys.dedup();
            let found = view.multi_get(&keys)?;
            let is_there = |key: &Vec<u8>| {
                let at = keys.binary_search(key).ok();
                at.and_then(|at| found.get(at)).is_some_and(Option::is_some)
            };
            let refused = part.iter().find(|(wanted, _)| match wanted {
                Wanted::Key(key) => !is_there(key),
                _ => true,
            });
            if let Some((wanted, value)) = refused {
                let error = Error::new(
                    SqlState::ForeignKeyViolation,
                    format!(
                        "insert or update on table \"{}\" violates foreign key constraint \"{}\"",
                        child.name, reference.key.name
                    ),
                )
                .table(child)
                .constraint(&reference.key.name);
                if *wanted == Wanted::Mixed {
                    return Err(error.detail(
                        "MATCH FULL does not allow mixing of null and nonnull key values.",
                    ));
                }
                let row = child.decode_row(value)?;
                let shown = describe_key(child, &reference.key.columns, &row, &style)?;
                let parent = &reference.parent.name;
                return Err(
                    error.detail(format!("Key {shown} is not present in table \"{parent}\"."))
                );
            }
            match last {
                Some(last) => rows.start = Span::point(&last).end,
                None => return Ok(()),
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

/// Refuses a row that is no longer allowed.
fn look_at(
    work: &Work,
    table: &Table,
    rules: &Rules,
    checks: &[&str],
    row: &[Datum],
    env: &Env,
) -> Result<()> {
    for position in &work.not_null {
        if let (Some(Datum::Null), Some(column)) =
            (row.get(*position), table.columns.get(*position))
        {
            return Err(contains_null(table, &column.name));
        }
    }
    for condition in rules.checks.iter().filter(|c| checks.contains(&c.name.as_str())) {
        if let Datum::Bool(false) = condition.expr.eval(row, &Frame::new(env))? {
            return Err(is_violated(table, &condition.name));
        }
    }
    Ok(())
}
