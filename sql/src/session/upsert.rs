//! INSERT ... ON CONFLICT. A row goes in, or finds another one in its way; that one is locked and changed in its
//! newest version, whether or not the snapshot shows it: at READ COMMITTED nothing has to be read again.

use cairn_txn::LockMode;

use super::Session;
use super::execute::limited;
use super::modify::{Changed, env_for_changes};
use super::plan::Modify;
use crate::binder::on_conflict::OnConflict;
use crate::catalog::Table;
use crate::error::{Error, Result, SqlState};
use crate::row::expr::RowExpr;
use crate::row::modify::Writer;
use crate::row::rules::{Condition, check_views};
use crate::row::set_list::SetList;
use crate::row::touched::Touched;
use crate::row::upsert::Proposed;
use crate::row::{Env, Frame, Row};
use crate::types::Datum;

/// What is done about rows that are in the way.
#[derive(Debug)]
pub struct Upsert {
    /// Storage ids of the unique indexes that decide, up to `deferrable`.
    pub arbiters: Vec<u32>,
    /// The name of the first whose constraint can wait, which cannot decide.
    pub deferrable: Option<String>,
    /// DO UPDATE.
    pub update: Option<ConflictUpdate>,
}

/// DO UPDATE, compiled over the row that is there and behind it the one that was to be inserted.
#[derive(Debug)]
pub struct ConflictUpdate {
    set: SetList,
    condition: Option<RowExpr>,
    visible: Vec<Condition>,
}

impl Upsert {
    /// Compiles what was bound.
    pub(super) fn compile(bound: &OnConflict) -> Result<Upsert> {
        let update = match &bound.update {
            None => None,
            Some(update) => {
                let condition = update.condition.as_ref();
                let condition = condition.map(|expr| RowExpr::compile(expr, &update.schema));
                let set = SetList::compile(&update.assignments, &update.schema)?;
                let visible = update.visible.iter().map(|(view, condition)| {
                    let expr = RowExpr::compile(condition, &update.schema)?;
                    Ok(Condition { name: view.clone(), expr })
                });
                let (visible, condition) =
                    (visible.collect::<Result<_>>()?, condition.transpose()?);
                Some(ConflictUpdate { set, condition, visible })
            }
        };
        let (arbiters, deferrable) = (bound.arbiters.clone(), bound.deferrable.clone());
        Ok(Upsert { arbiters, deferrable, update })
    }

    /// The columns that it sets, if it does.
    pub(super) fn positions(&self) -> Option<&[usize]> {
        self.update.as_ref().map(|update| update.set.positions.as_slice())
    }
}

impl ConflictUpdate {
    /// What becomes of the row that is there; `None` if it stays as it is.
    fn changed(&self, old: &[Datum], new: Row, env: &Env) -> Result<Option<Row>> {
        let frame = Frame::new(env);
        let mut both = old.to_vec();
        both.extend(new);
        for condition in &self.visible {
            if !condition.expr.eval(&both, &frame)?.is_true() {
                let view = &condition.name;
                let message = format!("conflicting row is not visible through view \"{view}\"");
                return Err(Error::new(SqlState::ObjectNotInPrerequisiteState, message));
            }
        }
        match &self.condition {
            Some(condition) if !condition.eval(&both, &frame)?.is_true() => Ok(None),
            _ => self.set.apply(both, old.len(), &frame).map(Some),
        }
    }
}

/// How DO UPDATE changes a row.
struct How<'a> {
    update: &'a ConflictUpdate,
    mode: LockMode,
    /// Whether an index has one of the columns that it sets.
    indexed: bool,
}

fn second_time() -> Error {
    Error::new(
        SqlState::CardinalityViolation,
        "ON CONFLICT DO UPDATE command cannot affect row a second time",
    )
    .hint(
        "Ensure that no rows proposed for insertion within the same command have duplicate \
         constrained values.",
    )
}

fn cannot_decide(table: &Table, constraint: &str) -> Error {
    Error::new(
        SqlState::ObjectNotInPrerequisiteState,
        "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters",
    )
    .table(table)
    .constraint(constraint)
}

impl Session {
    pub(super) async fn upsert(
        &mut self,
        modify: &Modify,
        upsert: &Upsert,
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
        let how = upsert.update.as_ref().map(|update| How {
            update,
            mode: writer.update_mode(&update.set.positions),
            indexed: writer.is_indexed(&update.set.positions),
        });
        let mode = how.as_ref().map(|how| how.mode);
        let transaction = &mut block.transaction;
        let mut changed = Changed::default();
        if rows.len() > 1 {
            touched.keep();
        }
        for source in rows {
            env.pause().await?;
            let mut new = writer.make_row(&modify.insert, source, &env, &sequences)?;
            writer.changed = None;
            writer.complete(&mut new)?;
            let proposed = async {
                let arbiters = upsert.arbiters.as_slice();
                let Some(name) = &upsert.deferrable else {
                    return writer.propose(transaction, &new, arbiters, mode).await;
                };
                match writer.barrier(transaction, &new, arbiters, mode).await? {
                    Some((key, row)) => Ok(Proposed::Barred { key, row }),
                    None => Err(cannot_decide(&modify.table, name)),
                }
            };
            let row = match limited(lock_timeout, proposed).await? {
                Proposed::Added(key) => {
                    touched.add(key);
                    new
                }
                Proposed::Barred { key, row: old } => {
                    let Some(how) = &how else { continue };
                    if touched.has(&key) {
                        return Err(second_time());
                    }
                    let Some(mut row) = how.update.changed(&old, new, &env)? else { continue };
                    writer.changed = Some(&how.update.set.positions);
                    if how.indexed {
                        let update = writer.update(transaction, &old, &mut row);
                        limited(lock_timeout, update).await?;
                        if touched.keeps() {
                            touched.add(modify.table.row_key(&row));
                        }
                    } else {
                        writer.replace(transaction, key.clone(), &mut row)?;
                    }
                    touched.add(key);
                    row
                }
            };
            changed.count += 1;
            check_views(&modify.view_checks, &modify.table, &row, &env, &style)?;
            changed.returning(modify, &row, &env)?;
        }
        changed.events = std::mem::take(&mut writer.events);
        Ok(changed)
    }
}
