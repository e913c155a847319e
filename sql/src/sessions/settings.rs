//! Settings as the running statement reads and changes them: `current_setting` and `set_config`.
//!
//! A function in the middle of a statement cannot reach the session itself. It reads what others see
//! of the session's settings, and changes that; the session takes it over once the statement has
//! ended well.

use std::sync::Arc;

use super::{Backend, Offer};
use crate::error::{Error, Result};
use crate::parser::transaction::Level;
use crate::session::Settings;

/// What a transaction is like, where settings tell of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Characteristics {
    /// Its isolation level.
    pub level: Level,
    /// READ ONLY.
    pub read_only: bool,
    /// DEFERRABLE.
    pub deferrable: bool,
}

impl Characteristics {
    /// The value of the setting that tells of one; `None` if `name` is another setting's.
    pub fn show(self, name: &str) -> Option<&'static str> {
        let on = |on: bool| if on { "on" } else { "off" };
        Some(match name.to_ascii_lowercase().as_str() {
            "transaction_isolation" => self.level.name(),
            "transaction_read_only" => on(self.read_only),
            "transaction_deferrable" => on(self.deferrable),
            _ => return None,
        })
    }
}

/// Changes of settings, in their order: the values to go back to at the end of the transaction; `None` if
/// a change is to last.
pub type Made = Vec<(String, Option<String>)>;

/// What a statement that may change settings goes back to, and what it has changed.
#[derive(Debug)]
pub(super) struct Changes {
    before: Arc<Settings>,
    made: Made,
}

/// Settings that a statement has changed.
#[derive(Debug)]
pub struct Changed {
    /// All settings, as they are now.
    pub settings: Arc<Settings>,
    /// What was changed.
    pub made: Made,
}

impl Backend {
    /// The value of a setting, as the running statement finds it.
    ///
    /// # Errors
    /// If there is no such setting.
    pub fn setting(&self, name: &str) -> Result<String> {
        let activity = self.activity.lock();
        match activity.characteristics.show(name) {
            Some(shown) => Ok(shown.to_owned()),
            None => activity.settings.show(name),
        }
    }

    /// Changes a setting, until the end of the transaction if `local`; `None` goes back to the
    /// default. What it returns is the new value.
    ///
    /// # Errors
    /// Those of SET, and where the session would not learn of the change.
    pub fn set_config(&self, name: &str, value: Option<&str>, local: bool) -> Result<String> {
        let mut changes = self.changes.lock();
        let Some(changes) = &mut *changes else {
            return Err(Error::unsupported("set_config here"));
        };
        let mut activity = self.activity.lock();
        if activity.characteristics.show(name).is_some() {
            return Err(Error::unsupported(format!("set_config of {name}")));
        }
        let before = local.then(|| activity.settings.show(name)).transpose()?;
        let settings = Arc::make_mut(&mut activity.settings);
        settings.set(name, value)?;
        changes.made.push((name.to_owned(), before));
        settings.show(name)
    }

    /// A statement begins that may change settings.
    pub fn begin_changes(&self) {
        let before = self.activity.lock().settings.clone();
        *self.changes.lock() = Some(Changes { before, made: Vec::new() });
    }

    /// The statement is to run again.
    pub(super) fn rewind_changes(&self) {
        if let Some(changes) = &mut *self.changes.lock() {
            self.activity.lock().settings = changes.before.clone();
            changes.made.clear();
        }
    }

    /// The statement was canceled, wherever it was.
    pub fn abandon(&self) {
        self.end_changes(true);
        self.offer(Offer::Nothing);
        self.begin_calls();
    }

    /// The statement has ended: what it has changed, which is nothing if it has failed.
    pub fn end_changes(&self, failed: bool) -> Option<Changed> {
        let Changes { before, made } = self.changes.lock().take()?;
        let mut activity = self.activity.lock();
        if failed {
            activity.settings = before;
            return None;
        }
        let settings = activity.settings.clone();
        (!Arc::ptr_eq(&settings, &before)).then_some(Changed { settings, made })
    }
}
