//! Run-time settings: the ones that drivers send and that cairn gives a meaning.
//!
//! Each setting has one meaning and a checked set of values. A value that would ask for
//! behaviour cairn does not have is refused rather than stored.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cairn_txn::Isolation;

use super::characteristics::isolation;
use super::planner_settings;
use crate::error::{Error, Result, SqlState};
use crate::parser::transaction::Level;
use crate::relation::Hints;
use crate::types::datetime::style::BadDateStyle;
use crate::types::datetime::{DateStyle, IntervalStyle, Zone};

/// Severities of messages below errors, in PostgreSQL's order for `client_min_messages`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are PostgreSQL's")]
pub enum Severity {
    Debug,
    Log,
    Notice,
    Warning,
    Error,
    /// What was asked for: told whatever `client_min_messages` says.
    Info,
}

impl Severity {
    /// As it goes over the wire.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Debug => "DEBUG",
            Severity::Log => "LOG",
            Severity::Notice => "NOTICE",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
            Severity::Info => "INFO",
        }
    }
}

/// A session's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The user.
    pub user: String,
    /// The database's name.
    pub database: String,
    values: BTreeMap<&'static str, String>,
    /// From connection start: what RESET goes back to.
    defaults: BTreeMap<&'static str, String>,
    /// TimeZone, read.
    pub zone: Zone,
    /// client_min_messages, read.
    pub client_min_messages: Severity,
    read: Read,
}

/// Values that statements ask for, out of their texts once and for all.
#[derive(Clone, Debug, Default)]
struct Read {
    extra_float_digits: i32,
    statement_retries: u32,
    bytea_escape: bool,
    dates: DateStyle,
    intervals: IntervalStyle,
    durable: bool,
    statement_timeout: Option<Duration>,
    lock_timeout: Option<Duration>,
    idle_in_transaction_timeout: Option<Duration>,
    search_path: Arc<[String]>,
    is_plain_path: bool,
    hints: Hints,
    default_level: Level,
    default_read_only: bool,
    default_deferrable: bool,
}

impl Read {
    fn new(values: &BTreeMap<&'static str, String>) -> Read {
        let text = |name: &str| values.get(name).map_or("", String::as_str);
        let timeout = |name: &str| {
            let ms = milliseconds(name, text(name)).unwrap_or(0);
            (ms > 0).then(|| Duration::from_millis(ms))
        };
        let search_path: Vec<String> = search_path(text("search_path")).collect();
        Read {
            extra_float_digits: text("extra_float_digits").parse().unwrap_or(1),
            statement_retries: text("cairn.statement_retries").parse().unwrap_or_default(),
            bytea_escape: text("bytea_output") == "escape",
            dates: DateStyle::default().changed(text("DateStyle")).unwrap_or_default(),
            intervals: IntervalStyle::named(text("IntervalStyle")).unwrap_or_default(),
            durable: text("synchronous_commit") == "on",
            statement_timeout: timeout("statement_timeout"),
            lock_timeout: timeout("lock_timeout"),
            idle_in_transaction_timeout: timeout("idle_in_transaction_session_timeout"),
            default_level: Level::named(text("default_transaction_isolation")).unwrap_or_default(),
            default_read_only: text("default_transaction_read_only") == "on",
            default_deferrable: text("default_transaction_deferrable") == "on",
            is_plain_path: matches!(
                search_path.iter().map(String::as_str).collect::<Vec<_>>().as_slice(),
                ["public"] | ["$user", "public"]
            ),
            hints: planner_settings::hints(|name| values.get(name).map(String::as_str)),
            search_path: search_path.into(),
        }
    }
}

/// Name as SHOW spells it, value at start, and whether clients are told of changes.
const SETTINGS: &[(&str, &str, bool)] = &[
    ("application_name", "", true),
    ("bytea_output", "hex", false),
    ("cairn.statement_retries", "10", false),
    ("check_function_bodies", "on", false),
    ("client_encoding", "UTF8", true),
    ("client_min_messages", "notice", false),
    ("DateStyle", "ISO, MDY", true),
    ("deadlock_timeout", "1s", false),
    ("default_table_access_method", "heap", false),
    ("default_tablespace", "", false),
    ("default_transaction_deferrable", "off", false),
    ("default_transaction_isolation", "read committed", false),
    ("default_transaction_read_only", "off", true),
    ("extra_float_digits", "1", false),
    ("idle_in_transaction_session_timeout", "0", false),
    ("IntervalStyle", "postgres", true),
    ("lock_timeout", "0", false),
    ("row_security", "on", false),
    ("search_path", "\"$user\", public", false),
    ("standard_conforming_strings", "on", true),
    ("statement_timeout", "0", false),
    ("synchronize_seqscans", "off", false),
    ("synchronous_commit", "on", false),
    ("TimeZone", "UTC", true),
    ("xmloption", "content", false),
];

/// The greatest value of cairn.statement_retries.
const MAX_RETRIES: i32 = 1000;

/// Settings that tell of the server and cannot be changed.
const FIXED: &[(&str, &str)] = &[
    ("integer_datetimes", "on"),
    ("is_superuser", "on"),
    ("lc_collate", "C"),
    ("lc_ctype", "C"),
    ("max_identifier_length", "63"),
    ("server_encoding", "UTF8"),
    ("server_version", "15.0"),
    ("server_version_num", "150000"),
];

fn find(name: &str) -> Option<&'static str> {
    let wanted = if name.eq_ignore_ascii_case("time zone") { "TimeZone" } else { name };
    let mut known = SETTINGS.iter().map(|(name, ..)| *name);
    known
        .find(|known| known.eq_ignore_ascii_case(wanted))
        .or_else(|| planner_settings::find(wanted))
}

fn invalid(name: &str, value: &str) -> Error {
    Error::new(
        SqlState::InvalidParameterValue,
        format!("invalid value for parameter \"{name}\": \"{value}\""),
    )
}

fn letters_and_digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// The spelling of a Boolean setting's value that SHOW gives.
pub(super) fn boolean(name: &str, value: &str) -> Result<&'static str> {
    match value.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" | "t" | "y" => Ok("on"),
        "off" | "false" | "no" | "0" | "f" | "n" => Ok("off"),
        _ => Err(Error::new(
            SqlState::InvalidParameterValue,
            format!("parameter \"{name}\" requires a Boolean value"),
        )),
    }
}

/// An integer in a range, as SHOW gives it.
fn integer(name: &str, value: &str, least: i32, most: i32) -> Result<String> {
    let number: i32 = value.trim().parse().map_err(|_| invalid(name, value))?;
    match (least..=most).contains(&number) {
        true => Ok(number.to_string()),
        false => Err(Error::new(
            SqlState::InvalidParameterValue,
            format!(
                "{number} is outside the valid range for parameter \"{name}\" ({least} .. {most})"
            ),
        )),
    }
}

/// Milliseconds with PostgreSQL's units.
fn milliseconds(name: &str, value: &str) -> Result<u64> {
    milliseconds_from(name, value, 0)
}

/// The same, but no fewer than `least`.
fn milliseconds_from(name: &str, value: &str, least: i32) -> Result<u64> {
    let text = value.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit = text.get(digits.len()..).unwrap_or_default().trim();
    let number: f64 = digits.parse().map_err(|_| invalid(name, value))?;
    let factor = match unit {
        "us" => 0.001,
        "" | "ms" => 1.0,
        "s" => 1000.0,
        "min" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => {
            return Err(invalid(name, value).hint(
                "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".",
            ));
        }
    };
    let ms = (number * factor).round_ties_even();
    if !ms.is_finite() || ms > f64::from(i32::MAX) || ms < f64::from(i32::MIN) {
        return Err(invalid(name, value).hint("Value exceeds integer range."));
    }
    if ms < f64::from(least) {
        return Err(Error::new(
            SqlState::InvalidParameterValue,
            format!(
                "{ms} ms is outside the valid range for parameter \"{name}\" ({least} .. 2147483647)"
            ),
        ));
    }
    Ok(ms as u64)
}

/// The schemas that a search_path names.
fn search_path(path: &str) -> impl Iterator<Item = String> {
    let mut names = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        let (name, behind) = match rest.strip_prefix('"') {
            None => {
                let (name, behind) = rest.split_once(',').unwrap_or((rest, ""));
                (name.trim().to_lowercase(), behind)
            }
            Some(quoted) => {
                let end = quoted.find('"').unwrap_or(quoted.len());
                let (name, behind) = quoted.split_at(end);
                (name.to_owned(), behind.split_once(',').map_or("", |(_, behind)| behind))
            }
        };
        names.push(name);
        rest = behind.trim();
    }
    names.into_iter()
}

fn show_milliseconds(ms: u64) -> String {
    for (factor, unit) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")] {
        if ms > 0 && ms.is_multiple_of(factor) {
            return format!("{}{unit}", ms / factor);
        }
    }
    if ms == 0 { "0".into() } else { format!("{ms}ms") }
}

impl Settings {
    /// What a session starts with.
    pub fn new(user: &str, database: &str) -> Settings {
        let values: BTreeMap<_, _> = SETTINGS
            .iter()
            .map(|(name, value, _)| (*name, *value))
            .chain(planner_settings::all())
            .map(|(name, value)| (name, value.to_owned()))
            .collect();
        Settings {
            user: user.to_owned(),
            database: database.to_owned(),
            defaults: values.clone(),
            read: Read::new(&values),
            values,
            zone: Zone::UTC,
            client_min_messages: Severity::Notice,
        }
    }

    fn unknown(name: &str) -> Error {
        Error::new(
            SqlState::UndefinedObject,
            format!("unrecognized configuration parameter \"{name}\""),
        )
    }

    /// The value of a setting.
    pub fn show(&self, name: &str) -> Result<String> {
        if let Some(value) = find(name).and_then(|name| self.values.get(name)) {
            return Ok(value.clone());
        }
        let fixed = FIXED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        match fixed {
            Some((_, value)) => Ok((*value).to_owned()),
            None if name.eq_ignore_ascii_case("session_authorization") => Ok(self.user.clone()),
            None => Err(Settings::unknown(name)),
        }
    }

    /// The name of a setting as SHOW spells it.
    pub fn canonical_name(name: &str) -> String {
        let fixed = FIXED.iter().map(|(known, _)| *known);
        let mut fixed = fixed.filter(|known| known.eq_ignore_ascii_case(name));
        find(name).or_else(|| fixed.next()).unwrap_or(name).to_owned()
    }

    /// Changes a setting; `None` goes back to the default.
    pub fn set(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        let Some(name) = find(name) else {
            if FIXED.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                return Err(Error::new(
                    SqlState::CantChangeRuntimeParam,
                    format!("parameter \"{}\" cannot be changed", name.to_ascii_lowercase()),
                ));
            }
            return Err(Settings::unknown(name));
        };
        let default = self.defaults.get(name).cloned().unwrap_or_default();
        let value = value.unwrap_or(&default);
        let stored = self.checked(name, value)?;
        self.values.insert(name, stored);
        self.read = Read::new(&self.values);
        Ok(())
    }

    fn checked(&mut self, name: &str, value: &str) -> Result<String> {
        let lower = value.to_ascii_lowercase();
        let one_of = |allowed: &[&str]| match allowed.contains(&lower.as_str()) {
            true => Ok(lower.clone()),
            false => {
                let hint = format!("Available values: {}.", allowed.join(", "));
                Err(invalid(&name.to_ascii_lowercase(), value).hint(hint))
            }
        };
        Ok(match name {
            "application_name" => {
                let clean = value.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' });
                clean.take(63).collect()
            }
            // Only letters and digits count, as in PostgreSQL: drivers send `utf-8`, even quoted.
            "client_encoding" => match letters_and_digits(&lower).as_str() {
                "utf8" | "unicode" => "UTF8".into(),
                "sqlascii" | "latin1" | "win1252" | "eucjp" => {
                    return Err(Error::unsupported(format!("client_encoding {value}")));
                }
                _ => return Err(invalid(name, value)),
            },
            "TimeZone" => {
                let zone = match lower.as_str() {
                    "default" | "local" => Some(Zone::UTC),
                    _ => match value.parse::<f64>() {
                        Ok(hours) => Some(Zone::Fixed((hours * 3600.0).round() as i32)),
                        Err(_) => Zone::named(value),
                    },
                };
                self.zone = zone.ok_or_else(|| invalid(name, value))?;
                self.zone.name()
            }
            "DateStyle" => {
                let changed = self.read.dates.changed(value);
                let style = changed.map_err(|bad| {
                    invalid(name, value).detail(match bad {
                        BadDateStyle::Word(word) => format!("Unrecognized key word: \"{word}\"."),
                        BadDateStyle::Conflict => {
                            "Conflicting \"datestyle\" specifications.".into()
                        }
                    })
                })?;
                style.to_string()
            }
            "IntervalStyle" => {
                one_of(&["postgres", "postgres_verbose", "sql_standard", "iso_8601"])?
            }
            "standard_conforming_strings" => match boolean(name, value)? {
                "on" => "on".into(),
                _ => return Err(Error::unsupported("standard_conforming_strings off")),
            },
            "synchronous_commit" => match lower.as_str() {
                "local" | "remote_write" | "remote_apply" => "on".into(),
                _ => boolean(name, value)?.into(),
            },
            "default_transaction_read_only" | "default_transaction_deferrable" => {
                boolean(name, value)?.into()
            }
            "bytea_output" => one_of(&["hex", "escape"])?,
            "default_transaction_isolation" => {
                one_of(&["serializable", "repeatable read", "read committed", "read uncommitted"])?
            }
            "client_min_messages" => {
                self.client_min_messages = match lower.as_str() {
                    "error" => Severity::Error,
                    "warning" => Severity::Warning,
                    "notice" => Severity::Notice,
                    "log" => Severity::Log,
                    "debug" | "debug1" | "debug2" | "debug3" | "debug4" | "debug5" => {
                        Severity::Debug
                    }
                    _ => {
                        return Err(invalid(name, value).hint(
                            "Available values: debug5, debug4, debug3, debug2, debug1, log, notice, warning, error.",
                        ));
                    }
                };
                lower
            }
            "extra_float_digits" => integer(name, value, -15, 3)?,
            "cairn.statement_retries" => integer(name, value, 0, MAX_RETRIES)?,
            "statement_timeout" | "lock_timeout" | "idle_in_transaction_session_timeout" => {
                show_milliseconds(milliseconds(name, value)?)
            }
            // No table has policies. Bodies of functions are checked whatever this says; dumps, which turn it
            // off, make what a function uses before it.
            "check_function_bodies" | "row_security" => boolean(name, value)?.into(),
            // A scan begins where its table does, and tables are in one place and of one kind.
            "synchronize_seqscans" => match boolean(name, value)? {
                "off" => "off".into(),
                _ => return Err(Error::unsupported("synchronize_seqscans on")),
            },
            "default_tablespace" | "default_table_access_method" | "xmloption" => {
                match SETTINGS.iter().find(|(known, ..)| *known == name) {
                    Some((_, only, _)) if *only == lower => lower,
                    _ => return Err(Error::unsupported(format!("{name} = {value}"))),
                }
            }
            // Deadlocks are found when they arise, without a delay that could be set.
            "deadlock_timeout" => show_milliseconds(milliseconds_from(name, value, 1)?),
            name if planner_settings::find(name).is_some() => {
                planner_settings::checked(name, value)?
            }
            _ => value.to_owned(),
        })
    }

    /// Takes the current values as the ones RESET goes back to.
    pub fn keep_as_defaults(&mut self) {
        self.defaults = self.values.clone();
    }

    /// RESET ALL.
    pub fn reset_all(&mut self) -> Result<()> {
        let names: Vec<&'static str> = self.values.keys().copied().collect();
        names.into_iter().try_for_each(|name| self.set(name, None))
    }

    /// Settings that clients are told of, with their values.
    pub fn reported(&self) -> Vec<(&'static str, String)> {
        let reported = SETTINGS.iter().filter(|(_, _, reported)| *reported);
        let values =
            reported.map(|(name, ..)| (*name, self.values.get(name).cloned().unwrap_or_default()));
        let fixed = ["integer_datetimes", "is_superuser", "server_encoding", "server_version"];
        let fixed = FIXED.iter().filter(|(name, _)| fixed.contains(name));
        let fixed = fixed.map(|(name, value)| (*name, (*value).to_owned()));
        values.chain(fixed).chain([("session_authorization", self.user.clone())]).collect()
    }

    /// Settings of the planner that are not as they are by default.
    pub fn changed_planner_settings(&self) -> Vec<(&'static str, String)> {
        let all = planner_settings::all();
        let changed = all.filter_map(|(name, default)| {
            let value = self.values.get(name)?;
            (value != default).then(|| (name, value.clone()))
        });
        changed.collect()
    }

    /// What plans are to leave out.
    pub fn hints(&self) -> Hints {
        self.read.hints
    }

    /// extra_float_digits.
    pub fn extra_float_digits(&self) -> i32 {
        self.read.extra_float_digits
    }

    /// How often a statement is run again that met a conflict before its client has seen anything.
    pub fn statement_retries(&self) -> u32 {
        self.read.statement_retries
    }

    /// Whether bytea_output is escape.
    pub fn bytea_escape(&self) -> bool {
        self.read.bytea_escape
    }

    /// DateStyle.
    pub fn dates(&self) -> DateStyle {
        self.read.dates
    }

    /// IntervalStyle.
    pub fn intervals(&self) -> IntervalStyle {
        self.read.intervals
    }

    /// Whether a commit waits for the disk.
    pub fn durable(&self) -> bool {
        self.read.durable
    }

    /// statement_timeout, if set.
    pub fn statement_timeout(&self) -> Option<Duration> {
        self.read.statement_timeout
    }

    /// lock_timeout, if set.
    pub fn lock_timeout(&self) -> Option<Duration> {
        self.read.lock_timeout
    }

    /// idle_in_transaction_session_timeout, if set.
    pub fn idle_in_transaction_timeout(&self) -> Option<Duration> {
        self.read.idle_in_transaction_timeout
    }

    /// default_transaction_isolation, by its name.
    pub fn default_level(&self) -> Level {
        self.read.default_level
    }

    /// The level that default_transaction_isolation runs at.
    pub fn default_isolation(&self) -> Isolation {
        isolation(self.read.default_level)
    }

    /// default_transaction_read_only.
    pub fn default_read_only(&self) -> bool {
        self.read.default_read_only
    }

    /// default_transaction_deferrable.
    pub fn default_deferrable(&self) -> bool {
        self.read.default_deferrable
    }

    /// The schemas that search_path lists.
    pub fn search_path(&self) -> &[String] {
        &self.read.search_path
    }

    /// Whether search_path leads to nothing but schema `public`, unless there is a schema of the user's
    /// name.
    pub fn is_plain_path(&self) -> bool {
        self.read.is_plain_path
    }

    /// All settings, for SHOW ALL.
    pub fn all(&self) -> Vec<(String, String)> {
        let values = self.values.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let fixed = FIXED.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        values.chain(fixed).collect()
    }
}
