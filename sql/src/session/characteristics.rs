//! What a transaction is like: its level, whether it writes, whether it waits for a safe snapshot,
//! and which snapshot it takes over.

use std::sync::atomic::{AtomicBool, Ordering};

use cairn_txn::Isolation;
use cairn_txn::storage::Timestamp;

use super::Session;
use super::outcome::Outcome;
use super::settings::{Severity, boolean};
use crate::error::{Error, Result, SqlState};
use crate::parser::transaction::{Level, Mode, Modes};
use crate::sessions::Characteristics;
use crate::types::datetime::{self, Surroundings};
use crate::types::io;

/// The level at which a level of this name runs.
pub(super) fn isolation(level: Level) -> Isolation {
    match level {
        Level::ReadUncommitted | Level::ReadCommitted => Isolation::ReadCommitted,
        Level::RepeatableRead => Isolation::RepeatableRead,
        Level::Serializable => Isolation::Serializable,
    }
}

fn active(message: &str) -> Error {
    Error::new(SqlState::ActiveSqlTransaction, message)
}

/// Shows that something goes on, until it is dropped: a future may be, too.
struct Shown<'a>(&'a AtomicBool);

impl Shown<'_> {
    fn new(flag: &AtomicBool) -> Shown<'_> {
        flag.store(true, Ordering::Relaxed);
        Shown(flag)
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Session {
    pub(super) fn transaction_modes(&mut self, modes: &Modes) -> Result<Outcome> {
        match modes {
            Modes::Begin(is_start, modes) => {
                self.begin(modes)?;
                let tag = if *is_start { "START TRANSACTION" } else { "BEGIN" };
                return Ok(Outcome::Command(tag.into()));
            }
            Modes::Set(modes) => {
                if !self.in_block() {
                    self.warn_outside("SET TRANSACTION");
                    return Ok(Outcome::Command("SET".into()));
                }
                self.apply_modes(modes)?;
            }
            Modes::Snapshot(id) => {
                if !self.in_block() {
                    self.warn_outside("SET TRANSACTION");
                }
                self.import_snapshot(id)?;
            }
            Modes::Session(modes) => self.set_session_modes(modes)?,
        }
        Ok(Outcome::Command("SET".into()))
    }

    fn warn_outside(&mut self, what: &str) {
        let message = format!("{what} can only be used in transaction blocks");
        self.notice(Severity::Warning, SqlState::NoActiveSqlTransaction, message);
    }

    fn begin(&mut self, modes: &[Mode]) -> Result<()> {
        if self.in_block() {
            let message = "there is already a transaction in progress";
            self.notice(Severity::Warning, SqlState::ActiveSqlTransaction, message);
        } else {
            self.block().explicit = true;
        }
        self.apply_modes(modes).inspect_err(|_| self.fail())
    }

    fn apply_modes(&mut self, modes: &[Mode]) -> Result<()> {
        modes.iter().try_for_each(|mode| self.apply_mode(mode))
    }

    fn apply_mode(&mut self, mode: &Mode) -> Result<()> {
        let block = self.block();
        let (has_run, is_nested) = (block.has_run(), block.has_savepoints());
        match mode {
            Mode::Isolation(level) if block.level == *level => {}
            Mode::Isolation(_) if has_run => {
                let message = "SET TRANSACTION ISOLATION LEVEL must be called before any query";
                return Err(active(message));
            }
            Mode::Isolation(_) if is_nested => {
                return Err(active(
                    "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction",
                ));
            }
            Mode::Isolation(level) => block.set_level(*level),
            Mode::ReadOnly(false) if block.read_only && is_nested => {
                return Err(active(
                    "cannot set transaction read-write mode inside a read-only transaction",
                ));
            }
            Mode::ReadOnly(false) if block.read_only && has_run => {
                let message = "transaction read-write mode must be set before any query";
                return Err(active(message));
            }
            Mode::ReadOnly(read_only) => block.set_read_only(*read_only),
            Mode::Deferrable(_) if is_nested => {
                return Err(active(
                    "SET TRANSACTION [NOT] DEFERRABLE cannot be called within a subtransaction",
                ));
            }
            Mode::Deferrable(_) if has_run => {
                return Err(active(
                    "SET TRANSACTION [NOT] DEFERRABLE must be called before any query",
                ));
            }
            Mode::Deferrable(deferrable) => block.deferrable = *deferrable,
            Mode::AsOf(time) => self.read_as_of(time)?,
        }
        Ok(())
    }

    fn set_session_modes(&mut self, modes: &[Mode]) -> Result<()> {
        for mode in modes {
            let word = |on: bool| if on { "on" } else { "off" };
            let (name, value) = match mode {
                Mode::Isolation(level) => ("default_transaction_isolation", level.name()),
                Mode::ReadOnly(on) => ("default_transaction_read_only", word(*on)),
                Mode::Deferrable(on) => ("default_transaction_deferrable", word(*on)),
                Mode::AsOf(_) => {
                    return Err(Error::unsupported("AS OF SYSTEM TIME for a whole session"));
                }
            };
            self.settings_mut().set(name, Some(value))?;
        }
        Ok(())
    }

    /// The mode that a setting of the current transaction stands for; `None` if `name` is another
    /// setting's. `value` is `None` for the default.
    pub(super) fn mode_of_setting(name: &str, value: Option<&str>) -> Result<Option<Mode>> {
        let lower = name.to_ascii_lowercase();
        let on = |value: Option<&str>| match value {
            None => Ok(false),
            Some(value) => Ok::<bool, Error>(boolean(&lower, value)? == "on"),
        };
        Ok(Some(match lower.as_str() {
            "transaction_isolation" => {
                let value = value.unwrap_or(Level::ReadCommitted.name());
                let level = Level::named(value).ok_or_else(|| {
                    let names = Level::ALL.map(Level::name).join(", ");
                    Error::new(
                        SqlState::InvalidParameterValue,
                        format!("invalid value for parameter \"{lower}\": \"{value}\""),
                    )
                    .hint(format!("Available values: {names}."))
                })?;
                Mode::Isolation(level)
            }
            "transaction_read_only" => Mode::ReadOnly(on(value)?),
            "transaction_deferrable" => Mode::Deferrable(on(value)?),
            _ => return Ok(None),
        }))
    }

    /// SET of such a setting. It is the current transaction's alone.
    pub(super) fn set_mode(&mut self, mode: &Mode, local: bool) -> Result<()> {
        if local && !self.in_block() {
            self.warn_outside("SET LOCAL");
            return Ok(());
        }
        self.apply_mode(mode)
    }

    /// RESET of a setting.
    pub(super) fn reset_setting(&mut self, name: &str) -> Result<()> {
        let Some(mode) = Session::mode_of_setting(name, None)? else {
            self.block();
            self.settings_mut().set(name, None)?;
            self.block().note_setting(name, None);
            return Ok(());
        };
        if matches!(mode, Mode::Isolation(_)) && !self.in_block() {
            self.warn_outside("RESET TRANSACTION");
        }
        self.apply_mode(&mode)
    }

    /// The value of a setting that is the transaction's; `None` if `name` is another setting's.
    pub(super) fn show_mode(&self, name: &str) -> Option<&'static str> {
        self.characteristics().show(match name {
            "transaction isolation level" => "transaction_isolation",
            name => name,
        })
    }

    /// What the current transaction is like; what the next one will be, if there is none.
    pub(super) fn characteristics(&self) -> Characteristics {
        match &self.block {
            Some(block) => Characteristics {
                level: block.level,
                read_only: block.read_only,
                deferrable: block.deferrable,
            },
            None => Characteristics {
                level: self.settings.default_level(),
                read_only: self.settings.default_read_only(),
                deferrable: self.settings.default_deferrable(),
            },
        }
    }

    /// SERIALIZABLE READ ONLY DEFERRABLE: waits for a snapshot on which nothing can conflict, unless
    /// there is a snapshot. The caller's future may be dropped meanwhile.
    pub(super) async fn await_safe_snapshot(&mut self) -> Result<()> {
        let backend = self.backend.clone();
        let block = self.block();
        if block.wants_safe_snapshot() {
            let _shown = Shown::new(&backend.awaits_safe_snapshot);
            block.transaction.await_safe_snapshot().await?;
        }
        Ok(())
    }

    /// SET TRANSACTION SNAPSHOT.
    fn import_snapshot(&mut self, id: &str) -> Result<()> {
        let refused = |message: &str| Error::new(SqlState::FeatureNotSupported, message);
        let found = self.database.sessions.exported(id);
        let block = self.block();
        if block.has_run() || block.has_savepoints() {
            return Err(active("SET TRANSACTION SNAPSHOT must be called before any query"));
        }
        let level = block.transaction.isolation();
        if level == Isolation::ReadCommitted {
            return Err(refused(
                "a snapshot-importing transaction must have isolation level SERIALIZABLE or REPEATABLE READ",
            ));
        }
        let unknown = || {
            Error::new(
                SqlState::InvalidParameterValue,
                format!("invalid snapshot identifier: \"{id}\""),
            )
        };
        let snapshot = found.ok_or_else(unknown)?;
        if level == Isolation::Serializable {
            if snapshot.isolation() != Isolation::Serializable {
                return Err(refused(
                    "a serializable transaction cannot import a snapshot from a non-serializable transaction",
                ));
            }
            if snapshot.is_read_only() && !block.read_only {
                return Err(refused(
                    "a non-read-only serializable transaction cannot import a snapshot from a read-only transaction",
                ));
            }
        }
        if !block.transaction.adopt_snapshot(&snapshot) {
            return Err(unknown());
        }
        block.note_run();
        Ok(())
    }

    /// AS OF SYSTEM TIME: the current transaction reads what was committed up to then, and only reads.
    pub(super) fn read_as_of(&mut self, time: &str) -> Result<()> {
        let now = datetime::now();
        let style = self.style();
        // An interval counts from now, a time stands for itself.
        let at = match datetime::parse_timestamp(
            time,
            true,
            &Surroundings { now, ..style.surroundings() },
        ) {
            Ok(at) => at,
            Err(error) => match io::parse_interval(time, -1, &style) {
                Ok(interval) => datetime::add_interval_in_zone(now, &interval, style.zone)?,
                Err(_) => return Err(error),
            },
        };
        let invalid = |message: String| {
            Err(Error::new(
                SqlState::InvalidParameterValue,
                format!("AS OF SYSTEM TIME: {message}"),
            ))
        };
        if at > now {
            return invalid(format!("cannot specify timestamp in the future ({time})"));
        }
        let block = self.block();
        if block.has_run() {
            return Err(active("AS OF SYSTEM TIME must be set before any query"));
        }
        let unix_ms = u64::try_from(datetime::to_unix_us(at) / 1000).unwrap_or(0);
        // All of that millisecond: what was committed by then is in sight.
        let at = Timestamp(Timestamp::from_unix_ms(unix_ms.saturating_add(1)).0.saturating_sub(1));
        block.set_read_only(true);
        block.set_level(Level::RepeatableRead);
        if !block.transaction.read_as_of(at) {
            return invalid(format!("{time} is before the time that old versions are kept for"));
        }
        block.is_as_of = true;
        block.note_run();
        Ok(())
    }

    /// AS OF SYSTEM TIME of one query, which is then all of its transaction.
    pub(super) fn read_one_as_of(&mut self, time: &str) -> Result<()> {
        if self.in_block() {
            return Err(Error::unsupported("AS OF SYSTEM TIME of a query in a transaction block")
                .hint("Begin the transaction with BEGIN AS OF SYSTEM TIME."));
        }
        self.read_as_of(time)
    }
}
