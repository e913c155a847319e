//! Advisory locks: `pg_advisory_lock` and its kin as functions of a plan.

use std::sync::Arc;

use cairn_txn::Lifetime;

use super::stateful::Stateful;
use crate::error::Result;
use crate::lock_names::Advisory;
use crate::sessions::{Action, Call, Sessions};
use crate::types::{Datum, Type};

/// A function on advisory locks.
#[derive(Clone)]
pub struct AdvisoryCall {
    name: &'static str,
    /// All but the lock.
    call: Call,
    sessions: Arc<Sessions>,
}

impl std::fmt::Debug for AdvisoryCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const FUNCTIONS: &[(&str, Action, Lifetime, bool)] = &[
    ("pg_advisory_lock", Action::Lock, Lifetime::Session, false),
    ("pg_advisory_lock_shared", Action::Lock, Lifetime::Session, true),
    ("pg_advisory_xact_lock", Action::Lock, Lifetime::Transaction, false),
    ("pg_advisory_xact_lock_shared", Action::Lock, Lifetime::Transaction, true),
    ("pg_try_advisory_lock", Action::Try, Lifetime::Session, false),
    ("pg_try_advisory_lock_shared", Action::Try, Lifetime::Session, true),
    ("pg_try_advisory_xact_lock", Action::Try, Lifetime::Transaction, false),
    ("pg_try_advisory_xact_lock_shared", Action::Try, Lifetime::Transaction, true),
    ("pg_advisory_unlock", Action::Unlock, Lifetime::Session, false),
    ("pg_advisory_unlock_shared", Action::Unlock, Lifetime::Session, true),
    ("pg_advisory_unlock_all", Action::UnlockAll, Lifetime::Session, false),
];

impl AdvisoryCall {
    /// The function of this name, if there is one.
    pub fn named(name: &str, sessions: Arc<Sessions>) -> Option<AdvisoryCall> {
        let (name, action, lifetime, shared) =
            *FUNCTIONS.iter().find(|(known, ..)| *known == name)?;
        let call = Call { action, shared, lifetime, lock: None };
        Some(AdvisoryCall { name, call, sessions })
    }

    /// Whether it takes no arguments.
    pub fn is_of_all(&self) -> bool {
        self.call.action == Action::UnlockAll
    }
}

impl Stateful for AdvisoryCall {
    fn name(&self) -> &'static str {
        self.name
    }

    fn returns(&self) -> Type {
        match self.call.action {
            Action::Try | Action::Unlock => Type::Bool,
            _ => Type::Void,
        }
    }

    fn run(&self, args: &[Datum]) -> Result<Datum> {
        let lock = match args {
            [Datum::Int64(number), _] => Some(Advisory::Whole(*number)),
            [Datum::Int32(class), Datum::Int32(object), _] => Some(Advisory::Pair(*class, *object)),
            [_] => None,
            // Strict.
            _ => return Ok(Datum::Null),
        };
        let session = args.last().map_or(Ok(0), Datum::as_i64)?;
        let done = self.sessions.get(session)?.call(Call { lock, ..self.call })?;
        Ok(match self.returns() {
            Type::Void => Datum::Text(String::new()),
            _ => Datum::Bool(done),
        })
    }
}
