//! `pg_sleep` and its kin as functions of a plan. Like those on advisory locks they end the statement, which
//! runs again when the time is over: no thread sleeps.

use std::sync::Arc;

use cairn_txn::Lifetime;

use super::stateful::Stateful;
use crate::error::Result;
use crate::sessions::{Action, Call, Sessions};
use crate::types::datetime;
use crate::types::interval::Interval;
use crate::types::{Datum, Type};

/// How the end of a sleep is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// In seconds.
    Seconds,
    /// As an interval.
    Length,
    /// As a timestamptz.
    Moment,
}

/// A function that sleeps.
#[derive(Clone)]
pub struct SleepCall {
    name: &'static str,
    end: End,
    sessions: Arc<Sessions>,
}

impl std::fmt::Debug for SleepCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl SleepCall {
    /// The function of this name, if there is one.
    pub fn named(name: &str, sessions: Arc<Sessions>) -> Option<SleepCall> {
        let (name, end) = match name {
            "pg_sleep" => ("pg_sleep", End::Seconds),
            "pg_sleep_for" => ("pg_sleep_for", End::Length),
            "pg_sleep_until" => ("pg_sleep_until", End::Moment),
            _ => return None,
        };
        Some(SleepCall { name, end, sessions })
    }

    /// The type of its argument.
    pub fn argument(&self) -> Type {
        match self.end {
            End::Seconds => Type::Float8,
            End::Length => Type::Interval,
            End::Moment => Type::Timestamptz,
        }
    }

    fn action(&self, end: &Datum) -> Result<Action> {
        Ok(match self.end {
            // What is negative or no number is over at once.
            End::Seconds => Action::Sleep((end.as_f64()? * 1e6) as u64),
            End::Length => {
                let length = Interval::decode(end.as_bytes()?)?.estimate_us();
                Action::Sleep(u64::try_from(length.max(0)).unwrap_or(u64::MAX))
            }
            End::Moment => match end.as_i64()? {
                moment if moment <= datetime::now() => Action::Sleep(0),
                moment => Action::SleepUntil(moment),
            },
        })
    }
}

impl Stateful for SleepCall {
    fn name(&self) -> &'static str {
        self.name
    }

    fn returns(&self) -> Type {
        Type::Void
    }

    fn run(&self, args: &[Datum]) -> Result<Datum> {
        let [end, session] = args else { return Ok(Datum::Null) };
        if end.is_null() {
            return Ok(Datum::Null);
        }
        let action = self.action(end)?;
        if action != Action::Sleep(0) {
            let call = Call { action, shared: false, lifetime: Lifetime::Transaction, lock: None };
            self.sessions.get(session.as_i64()?)?.call(call)?;
        }
        Ok(Datum::Text(String::new()))
    }
}
