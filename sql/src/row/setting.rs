//! `current_setting` and `set_config` as functions of a plan.

use std::sync::Arc;

use super::stateful::Stateful;
use crate::error::{Error, Result, SqlState};
use crate::sessions::Sessions;
use crate::types::{Datum, Type};

/// Which function.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Operation {
    Current,
    Set,
}

/// A function on settings.
pub struct SettingCall {
    /// Which one.
    pub operation: Operation,
    /// Know their settings.
    pub sessions: Arc<Sessions>,
}

impl std::fmt::Debug for SettingCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Stateful for SettingCall {
    fn name(&self) -> &'static str {
        match self.operation {
            Operation::Current => "current_setting",
            Operation::Set => "set_config",
        }
    }

    fn returns(&self) -> Type {
        Type::Text
    }

    fn run(&self, args: &[Datum]) -> Result<Datum> {
        let session = args.last().map_or(Ok(0), Datum::as_i64)?;
        let backend = self.sessions.get(session)?;
        match (self.operation, args) {
            (Operation::Current, [Datum::Text(name), _]) => backend.setting(name).map(Datum::Text),
            // The one error is that there is no such setting.
            (Operation::Current, [Datum::Text(name), Datum::Bool(true), _]) => {
                Ok(backend.setting(name).map_or(Datum::Null, Datum::Text))
            }
            (Operation::Current, [Datum::Text(name), Datum::Bool(false), _]) => {
                backend.setting(name).map(Datum::Text)
            }
            // Strict.
            (Operation::Current, _) => Ok(Datum::Null),
            (Operation::Set, [Datum::Text(name), value, local, _]) => {
                let value = match value {
                    Datum::Text(value) => Some(value.as_str()),
                    _ => None,
                };
                let local = matches!(local, Datum::Bool(true));
                backend.set_config(name, value, local).map(Datum::Text)
            }
            (Operation::Set, _) => {
                Err(Error::new(SqlState::NullValueNotAllowed, "SET requires parameter name"))
            }
        }
    }
}
