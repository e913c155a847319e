//! Who waits for whom.

use std::collections::HashSet;
use std::sync::Arc;

use cairn_txn::TransactionManager;

use crate::error::{Error, Result};
use crate::row::stateful::Stateful;
use crate::sessions::Sessions;
use crate::types::array::Array;
use crate::types::{Datum, Type};

/// `pg_blocking_pids(process)`: the sessions that have the lock which a session waits for, or are ahead
/// of it in the queue.
pub struct Blocking {
    /// Knows the locks.
    pub manager: Arc<TransactionManager>,
}

impl std::fmt::Debug for Blocking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Stateful for Blocking {
    fn name(&self) -> &'static str {
        "pg_blocking_pids"
    }

    fn returns(&self) -> Type {
        Type::Int4Array
    }

    fn run(&self, args: &[Datum]) -> Result<Datum> {
        let [Datum::Int32(process), _] = args else { return Ok(Datum::Null) };
        let mut blockers: Vec<Datum> = Vec::new();
        for wait in self.manager.locks().waits(i64::from(*process)) {
            let blocker = Datum::Int32(wait.blocker.session as i32);
            if !blockers.contains(&blocker) {
                blockers.push(blocker);
            }
        }
        Ok(Array::of(Type::Int4, blockers)?.to_datum())
    }
}

/// `pg_isolation_test_session_is_blocked(process, processes)`: whether a session waits for a lock that
/// one of the others has, itself or by way of sessions that wait for it in turn; or for a safe
/// snapshot, of whomever.
pub struct IsBlocked {
    /// Knows the locks.
    pub manager: Arc<TransactionManager>,
    /// Know who waits for a safe snapshot.
    pub sessions: Arc<Sessions>,
}

impl std::fmt::Debug for IsBlocked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Stateful for IsBlocked {
    fn name(&self) -> &'static str {
        "pg_isolation_test_session_is_blocked"
    }

    fn returns(&self) -> Type {
        Type::Bool
    }

    fn run(&self, args: &[Datum]) -> Result<Datum> {
        let [Datum::Int32(process), others @ Datum::Bytes(_), _] = args else {
            return Ok(Datum::Null);
        };
        let others = Array::read(others)?.items;
        if others.iter().any(Datum::is_null) {
            return Err(Error::internal("array must not contain nulls"));
        }
        let others = others.iter().map(Datum::as_i64).collect::<Result<HashSet<i64>>>()?;
        if self.sessions.awaits_safe_snapshot(i64::from(*process)) {
            return Ok(Datum::Bool(true));
        }
        let (mut seen, mut next) = (HashSet::new(), vec![i64::from(*process)]);
        while let Some(session) = next.pop() {
            if !seen.insert(session) {
                continue;
            }
            for wait in self.manager.locks().waits(session) {
                if others.contains(&wait.blocker.session) {
                    return Ok(Datum::Bool(true));
                }
                next.push(wait.blocker.session);
            }
        }
        Ok(Datum::Bool(false))
    }
}
