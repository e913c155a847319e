//! What is temporary: relations in a schema of the session's own, which go with it.
//!
//! They are stored as others are, so a crash leaves them behind; the next start does not load them
//! ([`crate::catalog::clear_leftovers`]). While a session has some, names can mean something else in it
//! than in others, so it keeps its plans to itself.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use cairn_txn::storage::Direction;

use super::plan::Plan;
use super::settings::Settings;
use super::{PlanKey, Session};
use crate::catalog::names::temporary_schema;
use crate::catalog::{OnCommit, Table, index_span};
use crate::error::Result;

/// Plans of one session, for these settings and this version of the catalog.
#[derive(Default)]
pub(super) struct OwnPlans {
    made_for: Option<(Arc<Settings>, u64)>,
    plans: HashMap<PlanKey, Arc<Plan>>,
}

/// Most plans that a session keeps to itself.
const MAX_OWN_PLANS: usize = 200;

impl OwnPlans {
    fn refresh(&mut self, settings: &Arc<Settings>, version: u64) {
        let fits = self
            .made_for
            .as_ref()
            .is_some_and(|(known, at)| Arc::ptr_eq(known, settings) && *at == version);
        if !fits {
            self.plans.clear();
            self.made_for = Some((settings.clone(), version));
        }
    }

    pub fn get(
        &mut self,
        key: &PlanKey,
        settings: &Arc<Settings>,
        version: u64,
    ) -> Option<Arc<Plan>> {
        self.refresh(settings, version);
        self.plans.get(key).cloned()
    }

    pub fn put(&mut self, key: PlanKey, settings: &Arc<Settings>, version: u64, plan: Arc<Plan>) {
        self.refresh(settings, version);
        if self.plans.len() >= MAX_OWN_PLANS {
            self.plans.clear();
        }
        self.plans.insert(key, plan);
    }
}

impl Session {
    /// Does what ON COMMIT of temporary tables asks for, before the transaction commits.
    pub(super) async fn commit_temporary(&mut self) -> Result<()> {
        if self.block.is_none() {
            return Ok(());
        }
        let own = temporary_schema(self.id);
        let schema = self.schema();
        let tables = schema.tables().filter(|table| table.schema == own);
        let tables: Vec<Arc<Table>> = tables.cloned().collect();
        for table in tables {
            match table.on_commit {
                OnCommit::PreserveRows => {}
                OnCommit::DeleteRows => self.delete_all(&table)?,
                OnCommit::Drop => self.drop_at_commit(&table).await?,
            }
        }
        Ok(())
    }

    /// Deletes the rows that a transaction has put into a table: it had none before.
    fn delete_all(&mut self, table: &Table) -> Result<()> {
        let transaction = &mut self.block().transaction;
        if !transaction.has_writes() {
            return Ok(());
        }
        for index in table.all_indexes() {
            let mut keys = Vec::new();
            let span = index_span(index.storage);
            transaction.latest().scan(&span, Direction::Forward, &mut |key, _| {
                keys.push(key.to_vec());
                ControlFlow::Continue(())
            })?;
            for key in keys {
                transaction.delete(key)?;
            }
        }
        Ok(())
    }

    /// Drops everything temporary that the session has.
    pub(super) async fn drop_own_temporary(&mut self) -> Result<()> {
        match self.has_temporary {
            true => self.drop_temporary(&temporary_schema(self.id)).await,
            false => Ok(()),
        }
    }

    /// Sees to it that what is temporary goes when the session ends. Nobody can name it any more.
    pub(super) fn leave_temporary(&mut self) {
        if !std::mem::take(&mut self.has_temporary) {
            return;
        }
        // Without a runtime the server is ending, and the next start clears it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let schema = temporary_schema(self.id);
        let (user, name) = (self.settings.user.clone(), self.settings.database.clone());
        let database = self.database.clone();
        runtime.spawn(async move {
            let mut session = Session::new(database, &user, &name);
            let dropped = match session.drop_temporary(&schema).await {
                Ok(()) => session.commit().await,
                Err(error) => Err(error),
            };
            if let Err(error) = dropped {
                tracing::warn!(%error, "could not drop what a session left behind");
            }
        });
    }
}
