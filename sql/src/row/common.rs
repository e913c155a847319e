//! WITH queries that are run by themselves: recursive ones, and those whose rows several parts of a plan
//! read.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::compile::compile_subplan;
use super::dependence;
use super::{CANCEL_CHECK_ROWS, Env, Flow, Row, RowPlan, Sink};
use crate::codec;
use crate::error::{Error, Result};
use crate::relation::Common;
use crate::types::Type;

/// A compiled WITH query.
#[derive(Debug)]
pub struct CommonProgram {
    /// The query, or its non-recursive term.
    pub(super) plan: RowPlan,
    pub(super) recursion: Option<RecursionProgram>,
    columns: Vec<Type>,
    /// Whether its rows depend on columns of outer queries, or on a working table around it.
    is_dependent: bool,
}

#[derive(Debug)]
pub(super) struct RecursionProgram {
    pub(super) term: RowPlan,
    id: usize,
    distinct: bool,
}

impl CommonProgram {
    fn compile(common: &Common) -> Result<CommonProgram> {
        let recursion = match &common.recursion {
            None => None,
            Some(recursion) => Some(RecursionProgram {
                term: compile_subplan(&recursion.term)?,
                id: recursion.id,
                distinct: recursion.distinct,
            }),
        };
        Ok(CommonProgram {
            plan: compile_subplan(&common.plan)?,
            recursion,
            columns: common.columns.clone(),
            is_dependent: dependence::of_common(common)?,
        })
    }

    /// The program of a WITH query, which all of its readers share.
    pub(super) fn of(common: &Common) -> Result<Arc<CommonProgram>> {
        let compiled = common.compiled.get_or_init(|| {
            CommonProgram::compile(common).map(Arc::new).map_err(|error| error.to_string())
        });
        compiled.clone().map_err(|error| Error::unsupported(format!("this WITH query ({error})")))
    }

    /// Its rows into `sink`. Those that several read are made once.
    pub(super) fn read(
        self: &Arc<Self>,
        common: &Common,
        env: &Env,
        sink: &mut dyn FnMut(&Row) -> Result<Flow>,
    ) -> Result<Flow> {
        if !common.is_shared() {
            return self.run(env, &mut |row| sink(&row));
        }
        let epoch = if self.is_dependent { env.epoch } else { 0 };
        let rows = env.kept.common(std::ptr::from_ref(common) as usize, epoch, || {
            if common.is_given {
                return Err(Error::internal("a WITH query was not run before its readers"));
            }
            let mut account = env.kept.account();
            let mut rows = Vec::new();
            let _ = self.run(env, &mut |row| {
                account.add_row(&row)?;
                rows.push(row);
                Ok(ControlFlow::Continue(()))
            })?;
            account.keep();
            Ok(rows)
        })?;
        for (index, row) in rows.iter().enumerate() {
            if index.is_multiple_of(CANCEL_CHECK_ROWS) {
                env.check_cancel()?;
            }
            if sink(row)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn run(&self, env: &Env, sink: &mut Sink<'_>) -> Result<Flow> {
        let Some(recursion) = &self.recursion else {
            let mut flow = ControlFlow::Continue(());
            self.plan.run(env, &mut |row| {
                flow = sink(row)?;
                Ok(flow)
            })?;
            return Ok(flow);
        };
        // Keys of all rows so far, for UNION.
        let mut seen: Option<HashSet<Vec<u8>>> = recursion.distinct.then(HashSet::new);
        let mut of_seen = env.kept.account();
        let mut flow = ControlFlow::Continue(());
        let mut working: Vec<Row> = Vec::new();
        let mut of_working = env.kept.account();
        let mut inner = env.clone();
        let mut first = true;
        while first || !working.is_empty() {
            env.check_cancel()?;
            let mut next: Vec<Row> = Vec::new();
            let mut of_next = env.kept.account();
            let mut take = |row: Row| -> Result<Flow> {
                if let Some(seen) = &mut seen {
                    let key = self.key(&row);
                    let bytes = key.len() + size_of::<Vec<u8>>();
                    if !seen.insert(key) {
                        return Ok(ControlFlow::Continue(()));
                    }
                    of_seen.add(bytes)?;
                }
                of_next.add_row(&row)?;
                next.push(row.clone());
                flow = sink(row)?;
                Ok(flow)
            };
            match first {
                true => self.plan.run(env, &mut take)?,
                false => {
                    inner.set_working(recursion.id, Arc::new(std::mem::take(&mut working)));
                    recursion.term.run(&inner, &mut take)?;
                }
            }
            if flow.is_break() {
                break;
            }
            first = false;
            (working, of_working) = (next, of_next);
        }
        drop(of_working);
        Ok(flow)
    }

    /// What rows that count as equal share.
    fn key(&self, row: &Row) -> Vec<u8> {
        let canonical = row.iter().zip(&self.columns);
        let canonical = canonical.map(|(datum, kind)| codec::canonical(*kind, datum.clone()));
        codec::encode_row(&canonical.collect::<Row>())
    }
}
