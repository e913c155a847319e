//! MERGE: for each row of the join the first clause that applies.

use cairn_txn::{LockMode, WaitPolicy};
use datafusion::common::DFSchema;

use super::Session;
use super::execute::limited;
use super::modify::{Changed, env_for_changes};
use super::plan::{Modify, compile_columns};
use super::rules::Effect;
use crate::binder::merge::{MergeAction, MergeWhen};
use crate::error::{Error, Result, SqlState};
use crate::row::expr::RowExpr;
use crate::row::modify::{InsertColumn, Writer};
use crate::row::set_list::SetList;
use crate::row::touched::Touched;
use crate::row::{Env, Frame};
use crate::types::Datum;

/// A WHEN clause, compiled over rows of the join: those of the table come first.
#[derive(Debug)]
pub struct When {
    matched: bool,
    condition: Option<RowExpr>,
    action: Action,
}

#[derive(Debug)]
enum Action {
    Nothing,
    Delete,
    Update(SetList),
    Insert(Vec<InsertColumn>),
}

impl When {
    /// Compiles what was bound.
    pub(super) fn compile(bound: &MergeWhen, schema: &DFSchema) -> Result<When> {
        let condition = bound.condition.as_ref();
        Ok(When {
            matched: bound.matched,
            condition: condition.map(|expr| RowExpr::compile(expr, schema)).transpose()?,
            action: match &bound.action {
                MergeAction::Nothing => Action::Nothing,
                MergeAction::Delete => Action::Delete,
                MergeAction::Update(list) => Action::Update(SetList::compile(list, schema)?),
                MergeAction::Insert(columns) => Action::Insert(compile_columns(columns, schema)?),
            },
        })
    }

    /// What its action does to rows.
    pub(super) fn effect(&self) -> Option<Effect<'_>> {
        match &self.action {
            Action::Nothing => None,
            Action::Delete => Some(Effect::Deletes),
            Action::Update(set) => Some(Effect::Updates(&set.positions)),
            Action::Insert(_) => Some(Effect::Adds),
        }
    }
}

/// The action of the first clause that applies to a row.
fn action_for<'w>(
    whens: &'w [When],
    matched: bool,
    row: &[Datum],
    env: &Env,
) -> Result<Option<&'w Action>> {
    let frame = Frame::new(env);
    for when in whens.iter().filter(|when| when.matched == matched) {
        let applies = match &when.condition {
            Some(condition) => condition.eval(row, &frame)?.is_true(),
            None => true,
        };
        if applies {
            return Ok(Some(&when.action));
        }
    }
    Ok(None)
}

fn second_time() -> Error {
    Error::new(SqlState::CardinalityViolation, "MERGE command cannot affect row a second time")
        .hint("Ensure that not more than one source row matches any one target row.")
}

impl Session {
    pub(super) async fn merge(
        &mut self,
        modify: &Modify,
        env: Env,
        touched: &mut Touched,
    ) -> Result<Changed> {
        let rows = self.collect(&modify.source, env.clone()).await?;
        let env = env_for_changes(modify, env);
        let style = self.style();
        let sequences = self.database.sequences.clone();
        let lock_timeout = self.settings.lock_timeout();
        let block = self.block();
        let exclusive = block.excludes_writers(modify.table.id);
        let mut writer = Writer::new(&modify.table, &modify.rules, &env, &style, exclusive);
        let width = modify.table.columns.len();
        // A row of the table has no NULL there, unlike one that an outer join has made up.
        let proof = modify.table.primary.columns.first().copied().unwrap_or_default();
        let transaction = &mut block.transaction;
        let mut changed = Changed::default();
        for row in rows {
            env.pause().await?;
            let matched = row.get(proof).is_some_and(|value| !value.is_null());
            let action = action_for(&modify.merge, matched, &row, &env)?;
            let set = match action {
                None | Some(Action::Nothing) => continue,
                Some(Action::Insert(columns)) => {
                    let mut new = writer.compute_row(columns, &row, &env, &sequences)?;
                    writer.changed = None;
                    limited(lock_timeout, writer.insert(transaction, &mut new)).await?;
                    touched.add(modify.table.row_key(&new));
                    changed.count += 1;
                    continue;
                }
                Some(Action::Update(set)) => Some(set),
                Some(Action::Delete) => None,
            };
            let old = row.get(..width).unwrap_or_default().to_vec();
            let key = modify.table.row_key(&old);
            if touched.has(&key) {
                return Err(second_time());
            }
            let changed_row = match set {
                None => None,
                Some(set) => Some((set, set.apply(row, width, &Frame::new(&env))?)),
            };
            let mode = match &changed_row {
                None => LockMode::ForUpdate,
                Some((set, new)) => {
                    writer.row_locks(&set.positions).mode(&old, |column| new.get(column))
                }
            };
            let lock = writer.lock(transaction, &key, mode, WaitPolicy::Block);
            limited(lock_timeout, lock).await?;
            if let Some((set, mut new)) = changed_row {
                writer.changed = Some(&set.positions);
                limited(lock_timeout, writer.update(transaction, &old, &mut new)).await?;
                touched.add(modify.table.row_key(&new));
            } else {
                writer.delete(transaction, &old)?;
            }
            touched.add(key);
            changed.count += 1;
        }
        changed.events = std::mem::take(&mut writer.events);
        Ok(changed)
    }
}
