//! Whether one session waits for others.

use std::collections::HashSet;
use std::sync::Arc;

use cairn_txn::TransactionManager;

use crate::error::{Error, Result, SqlState};
use crate::row::stateful::Stateful;
use crate::sessions::Sessions;
use crate::types::{Datum, Type};

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
        f.write_str("pg_isolation_test_session_is_blocked")
    }
}

/// The numbers of an array's text, such as `{1,2}`.
fn numbers(text: &str) -> Result<HashSet<i64>> {
    let malformed = |detail: &str| {
        Error::new(
            SqlState::InvalidTextRepresentation,
            format!("malformed array literal: \"{text}\""),
        )
        .detail(detail)
    };
    let inner = text
        .trim()
        .strip_prefix('{')
        .ok_or_else(|| malformed("Array value must start with \"{\" or dimension information."))?;
    let inner = inner.strip_suffix('}').ok_or_else(|| malformed("Unexpected end of input."))?;
    let items = inner.split(',').map(str::trim).filter(|item| !item.is_empty());
    let numbers = items.map(|item| {
        item.parse::<i32>().map(i64::from).map_err(|_| {
            Error::new(
                SqlState::InvalidTextRepresentation,
                format!("invalid input syntax for type integer: \"{item}\""),
            )
        })
    });
    numbers.collect()
}

impl Stateful for IsBlocked {
    fn name(&self) -> &'static str {
        "pg_isolation_test_session_is_blocked"
    }

    fn returns(&self) -> Type {
        Type::Bool
    }

    fn run(&self, args: &[Datum]) -> Result<Datum> {
        let [Datum::Int32(process), Datum::Text(others), _] = args else { return Ok(Datum::Null) };
        let others = numbers(others)?;
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
