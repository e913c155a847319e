//! The rules of tables ([`crate::row::rules`]), compiled for one version of the catalog and shared by
//! all sessions; and the tables that a change reaches through foreign keys.

use std::collections::HashMap;
use std::sync::Arc;

use cairn_txn::LockMode;
use datafusion::common::{DFSchema, TableReference};
use parking_lot::Mutex;

use super::Session;
use super::plan::Modify;
use crate::binder::Binder;
use crate::binder::dml::RETURNING;
use crate::catalog::constraint::{Action, ForeignKey};
use crate::catalog::{Schema, Table};
use crate::error::{Error, Result};
use crate::parser::{parse_expression, stored};
use crate::row::computed::Programs;
use crate::row::expr::RowExpr;
use crate::row::reference::Reference;
use crate::row::rules::{Condition, Generated, Rules};

/// What a statement does to rows of a table.
#[derive(Clone, Copy, Debug)]
pub(super) enum Effect<'a> {
    /// Adds some.
    Adds,
    /// Changes the columns at these positions.
    Updates(&'a [usize]),
    /// Removes some.
    Deletes,
}

/// Rules by the numbers of tables, for one version of the catalog.
#[derive(Default)]
pub(super) struct RulesCache(Mutex<(u64, HashMap<u32, Arc<Rules>>)>);

impl RulesCache {
    fn get(&self, table: u32, version: u64) -> Option<Arc<Rules>> {
        let cache = self.0.lock();
        (cache.0 == version).then(|| cache.1.get(&table).cloned())?
    }

    fn put(&self, table: u32, version: u64, rules: Arc<Rules>) {
        let mut cache = self.0.lock();
        if cache.0 != version {
            *cache = (version, HashMap::new());
        }
        cache.1.insert(table, rules);
    }
}

/// The columns of a table's rows, for what is compiled over them.
pub(super) fn row_schema(table: &Table) -> Result<DFSchema> {
    let qualifier = TableReference::bare(RETURNING);
    Ok(DFSchema::try_from_qualified_schema(qualifier, &table.arrow_schema())?)
}

fn parent_of<'s>(schema: &'s Schema, key: &ForeignKey) -> Result<&'s Arc<Table>> {
    let parent = schema.table_by_id(key.table);
    parent.ok_or_else(|| Error::internal("a foreign key refers to a table that is missing"))
}

/// Compiles the rules that a table has by itself.
pub(super) fn compile_own(binder: &Binder<'_>, table: &Table) -> Result<Rules> {
    Programs::prepare(table, binder)?;
    let schema = row_schema(table)?;
    let mut rules = Rules::default();
    for (position, column) in table.visible() {
        let Some(sql) = &column.generated else { continue };
        let expr = binder.stored_generated(table, column, sql)?;
        let names = stored::names(&parse_expression(sql)?);
        rules.generated.push(Generated {
            column: position,
            expr: RowExpr::compile(&expr, &schema)?,
            uses: names.iter().filter_map(|name| table.position(name)).collect(),
        });
    }
    let mut checks: Vec<_> = table.checks.iter().collect();
    checks.sort_by(|a, b| a.name.cmp(&b.name));
    for check in checks {
        let expr = binder.stored_condition(table, &check.expression)?;
        let expr = RowExpr::compile(&expr, &schema)?;
        rules.checks.push(Condition { name: check.name.clone(), expr });
    }
    Ok(rules)
}

/// Compiles a foreign key.
pub(super) fn compile_reference(
    binder: &Binder<'_>,
    child: &Arc<Table>,
    parent: &Arc<Table>,
    key: &ForeignKey,
) -> Result<Arc<Reference>> {
    let mut defaults = Vec::new();
    if key.on_delete == Action::SetDefault || key.on_update == Action::SetDefault {
        let empty = DFSchema::empty();
        for position in &key.columns {
            let column = child.columns.get(*position);
            let column = column.ok_or_else(|| Error::internal("no such column"))?;
            defaults.push(RowExpr::compile(&binder.default_of(column)?, &empty)?);
        }
    }
    let (child, parent) = (child.clone(), parent.clone());
    Reference::new(child, parent, key.clone(), defaults).map(Arc::new)
}

impl Session {
    /// The rules of a table; also whether they are the same for every session.
    pub(super) fn rules(&self, table: &Arc<Table>) -> Result<(Arc<Rules>, bool)> {
        let shared = self.uses_shared_plans();
        let version = self.schema_version();
        if shared && let Some(rules) = self.database.rules.get(table.id, version) {
            return Ok((rules, true));
        }
        let schema = self.schema();
        let (rules, generic) = self.with_binder("", |binder| {
            let mut rules = compile_own(binder, table)?;
            for key in &table.foreign_keys {
                let parent = parent_of(&schema, key)?;
                rules.references.push(compile_reference(binder, table, parent, key)?);
            }
            for (child, key) in schema.referrers(table.id) {
                rules.referrers.push(compile_reference(binder, child, table, key)?);
            }
            Ok((rules, binder.is_generic()))
        })?;
        let rules = Arc::new(rules);
        if shared && generic && schema.version == version {
            self.database.rules.put(table.id, version, rules.clone());
        }
        Ok((rules, generic))
    }

    /// Gives a change its rules, and adds the tables that it reaches by them to `tables`. Whether the
    /// rules are the same for every session.
    pub(super) fn add_rules(
        &self,
        modify: &mut Modify,
        tables: &mut Vec<(Arc<Table>, LockMode)>,
    ) -> Result<bool> {
        let (rules, generic) = self.rules(&modify.table)?;
        for (table, mode) in self.reached_tables(&modify.table, &rules, &modify.effects()) {
            let own = modify.table.id == table.id;
            if !own && !tables.iter().any(|(other, m)| other.id == table.id && *m == mode) {
                tables.push((table, mode));
            }
        }
        modify.rules = rules;
        Ok(generic)
    }

    /// The tables that a change of rows reaches through foreign keys, with the locks they need.
    pub(super) fn reached_tables(
        &self,
        table: &Arc<Table>,
        rules: &Rules,
        effects: &[Effect<'_>],
    ) -> Vec<(Arc<Table>, LockMode)> {
        if rules.references.is_empty() && rules.referrers.is_empty() {
            return Vec::new();
        }
        let mut reached = Reached { schema: self.schema(), tables: Vec::new(), seen: Vec::new() };
        for effect in effects {
            match effect {
                Effect::Adds => reached.refers(table, None),
                Effect::Updates(positions) => {
                    reached.updates(table, &rules.changed_with(positions));
                }
                Effect::Deletes => reached.deletes(table),
            }
        }
        reached.tables
    }
}

/// What a change reaches, as it is collected.
struct Reached {
    schema: Arc<Schema>,
    tables: Vec<(Arc<Table>, LockMode)>,
    /// Changes that were followed: a table, and the columns updated (none: rows are deleted).
    seen: Vec<(u32, Vec<usize>)>,
}

impl Reached {
    fn add(&mut self, table: &Arc<Table>, mode: LockMode) {
        if !self.tables.iter().any(|(other, known)| other.id == table.id && *known == mode) {
            self.tables.push((table.clone(), mode));
        }
    }

    fn is_new(&mut self, table: &Table, positions: &[usize]) -> bool {
        let step = (table.id, positions.to_vec());
        let is_new = !self.seen.contains(&step);
        if is_new {
            self.seen.push(step);
        }
        is_new
    }

    /// The tables that rows refer to when these columns are new; `None`: all.
    fn refers(&mut self, table: &Arc<Table>, positions: Option<&[usize]>) {
        let schema = self.schema.clone();
        for key in &table.foreign_keys {
            let concerned =
                positions.is_none_or(|positions| key.columns.iter().any(|c| positions.contains(c)));
            if concerned && let Some(parent) = schema.table_by_id(key.table) {
                self.add(parent, LockMode::RowShare);
            }
        }
    }

    fn deletes(&mut self, table: &Arc<Table>) {
        if !self.is_new(table, &[]) {
            return;
        }
        let schema = self.schema.clone();
        for (child, key) in schema.referrers(table.id) {
            match key.on_delete {
                Action::Cascade => {
                    self.add(child, LockMode::RowExclusive);
                    self.deletes(child);
                }
                Action::SetNull | Action::SetDefault => {
                    self.add(child, LockMode::RowExclusive);
                    let set =
                        if key.set_columns.is_empty() { &key.columns } else { &key.set_columns };
                    self.updates(child, set);
                }
                Action::NoAction | Action::Restrict => self.add(child, LockMode::RowShare),
            }
        }
    }

    fn updates(&mut self, table: &Arc<Table>, positions: &[usize]) {
        if !self.is_new(table, positions) {
            return;
        }
        self.refers(table, Some(positions));
        let schema = self.schema.clone();
        for (child, key) in schema.referrers(table.id) {
            if !key.referred.iter().any(|column| positions.contains(column)) {
                continue;
            }
            match key.on_update {
                Action::Cascade | Action::SetNull | Action::SetDefault => {
                    self.add(child, LockMode::RowExclusive);
                    self.updates(child, &key.columns);
                }
                Action::NoAction | Action::Restrict => self.add(child, LockMode::RowShare),
            }
        }
    }
}
