//! The sessions of a server, as each other sees them: what they do, and what they hold beyond their
//! transactions.

mod settings;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cairn_txn::{Lifetime, LockMode, SessionId, SessionLocks, SharedSnapshot, TransactionManager};
use parking_lot::Mutex;

use crate::error::{Error, Result, SqlState};
use crate::lock_names::{Advisory, mode_name};
use crate::session::Settings;
use crate::types::{Type, datetime};

use settings::Changes;
pub use settings::{Changed, Characteristics};

/// What a session is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Runs a statement.
    Active,
    /// Waits for its client, outside of a transaction block.
    Idle,
    /// Inside one.
    IdleInTransaction,
    /// Inside one that has failed.
    IdleInFailedTransaction,
}

/// What is known of a session's doings. Times are timestamptz.
#[derive(Clone, Debug)]
pub struct Activity {
    /// Its settings, with user, database and application name.
    pub settings: Arc<Settings>,
    /// What its transaction is like.
    pub characteristics: Characteristics,
    /// Where its client is; `None` on a Unix socket.
    pub client: Option<SocketAddr>,
    /// What it is at.
    pub state: State,
    /// When `state` last changed.
    pub state_change: i64,
    /// The last statement, with parameters in place of literals where it was planned so.
    pub query: Arc<str>,
    /// When that began.
    pub query_start: Option<i64>,
    /// When the current transaction began.
    pub xact_start: Option<i64>,
    /// The current transaction's number, once it has written.
    pub transaction: Option<u64>,
}

/// How far an index is built.
#[derive(Clone, Debug)]
pub struct IndexBuild {
    /// The table.
    pub table: u32,
    /// The index.
    pub index: u32,
    /// The command, as PostgreSQL tells it.
    pub command: &'static str,
    /// What it is at, as PostgreSQL tells it.
    pub phase: &'static str,
    /// Transactions that it waits for.
    pub lockers_total: usize,
    /// How many of them have ended.
    pub lockers_done: usize,
    /// About how many rows there are.
    pub rows_total: u64,
    /// How many of them have been looked at.
    pub rows_done: u64,
}

/// A session.
#[derive(Debug)]
pub struct Backend {
    /// Its number, which clients know as the process id of its backend.
    pub id: SessionId,
    /// When it began, a timestamptz.
    pub started: i64,
    /// What it holds beyond what its statements lock.
    pub locks: Arc<SessionLocks>,
    /// What it does.
    pub activity: Mutex<Activity>,
    /// It waits until those who write have ended, for a safe snapshot.
    pub awaits_safe_snapshot: AtomicBool,
    /// Its cursors by their names.
    pub cursors: Mutex<BTreeMap<String, CursorLine>>,
    /// Its prepared statements by their names.
    pub prepared: Mutex<BTreeMap<String, PreparedLine>>,
    /// The index that it builds beside writers.
    pub building: Mutex<Option<IndexBuild>>,
    calls: Mutex<Calls>,
    exports: Mutex<Exports>,
    /// While a statement runs that may change settings.
    changes: Mutex<Option<Changes>>,
}

/// A cursor, as it is listed.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are those of pg_cursors")]
pub struct CursorLine {
    pub statement: Arc<str>,
    pub is_holdable: bool,
    pub is_binary: bool,
    pub is_scrollable: bool,
    pub creation_time: i64,
}

/// A prepared statement, as it is listed.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are those of pg_prepared_statements")]
pub struct PreparedLine {
    pub statement: Arc<str>,
    pub prepare_time: i64,
    pub parameter_types: Vec<Type>,
    pub from_sql: bool,
}

/// What a running statement may export.
#[derive(Clone, Debug, Default)]
pub enum Offer {
    /// Nothing: it is no query.
    #[default]
    Nothing,
    /// Nothing, because it runs in a savepoint.
    InSavepoint,
    /// Its snapshot, with the number of its transaction.
    Snapshot(u64, SharedSnapshot),
}

/// Snapshots that the current transaction lets others take over.
#[derive(Debug, Default)]
struct Exports {
    current: Offer,
    /// By their identifiers.
    given: Vec<(String, SharedSnapshot)>,
}

/// A call on an advisory lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// What to do.
    pub action: Action,
    /// Shared rather than exclusive.
    pub shared: bool,
    /// How long a lock that is taken is kept.
    pub lifetime: Lifetime,
    /// The lock; `None` for all.
    pub lock: Option<Advisory>,
}

/// What a call does: on an advisory lock, or nothing for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Action {
    Lock,
    Try,
    Unlock,
    UnlockAll,
    /// For so many microseconds.
    Sleep(u64),
    /// Until a moment, a timestamptz.
    SleepUntil(i64),
}

/// What the running statement's calls came to. A call that has to wait ends the statement, which
/// runs again once it has its lock: the calls that were made before are then answered from here.
#[derive(Debug, Default)]
struct Calls {
    made: Vec<(Call, bool)>,
    to_replay: HashMap<Call, VecDeque<bool>>,
    /// For the client.
    warnings: Vec<String>,
}

impl Call {
    /// As it is known by when the statement runs again. How long a sleep is may be another thing then, as where
    /// it depends on the clock.
    fn replayed(self) -> Call {
        match self.action {
            Action::Sleep(_) | Action::SleepUntil(_) => Call { action: Action::Sleep(0), ..self },
            _ => self,
        }
    }

    fn mode(&self) -> LockMode {
        if self.shared { LockMode::Share } else { LockMode::Exclusive }
    }
}

impl Backend {
    /// Does what a call says. What it returns is whether a lock was taken, or given back.
    ///
    /// # Errors
    /// [`Error::WouldWait`] if the statement has to wait and then to run again.
    pub fn call(&self, call: Call) -> Result<bool> {
        let mut calls = self.calls.lock();
        let known = calls.to_replay.get_mut(&call.replayed()).and_then(VecDeque::pop_front);
        let done = match (known, call.lock) {
            (Some(known), _) => known,
            (None, None) => match call.action {
                Action::Sleep(_) | Action::SleepUntil(_) => {
                    return Err(Error::WouldWait(Box::new(call)));
                }
                _ => {
                    self.locks.release_all();
                    true
                }
            },
            (None, Some(lock)) => {
                let (key, mode) = (lock.key(), call.mode());
                match call.action {
                    Action::Lock | Action::Try => {
                        let taken = self.locks.try_acquire(call.lifetime, &key, mode);
                        if !taken && call.action == Action::Lock {
                            return Err(Error::WouldWait(Box::new(call)));
                        }
                        taken
                    }
                    _ => {
                        let had = self.locks.release(&key, mode);
                        if !had {
                            let name = mode_name(mode);
                            let warning = format!("you don't own a lock of type {name}");
                            calls.warnings.push(warning);
                        }
                        had
                    }
                }
            }
        };
        calls.made.push((call.replayed(), done));
        Ok(done)
    }

    /// A statement begins.
    pub fn begin_calls(&self) {
        *self.calls.lock() = Calls::default();
    }

    /// The statement is to run again.
    pub fn rewind_calls(&self) {
        self.rewind_changes();
        let mut calls = self.calls.lock();
        for (call, done) in std::mem::take(&mut calls.made) {
            calls.to_replay.entry(call).or_default().push_back(done);
        }
    }

    /// Waits for the lock that a call could not have at once, or as long as it wants to. The statement is then to run again.
    ///
    /// # Errors
    /// A deadlock.
    pub async fn wait_for(&self, call: Call) -> Result<()> {
        self.rewind_calls();
        match (call.action, call.lock) {
            (Action::Sleep(us), _) => tokio::time::sleep(Duration::from_micros(us)).await,
            (Action::SleepUntil(moment), _) => {
                let us = u64::try_from(moment.saturating_sub(datetime::now())).unwrap_or(0);
                tokio::time::sleep(Duration::from_micros(us)).await;
            }
            (_, Some(lock)) => {
                self.locks.acquire(call.lifetime, &lock.key(), call.mode()).await?;
            }
            (_, None) => return Ok(()),
        }
        self.calls.lock().to_replay.entry(call.replayed()).or_default().push_back(true);
        Ok(())
    }

    /// The statement has ended well. What an earlier run of it took, and its last run did not ask
    /// for, is given back.
    pub fn finish_calls(&self) {
        let left = std::mem::take(&mut self.calls.lock().to_replay);
        for (call, results) in left {
            let takes = matches!(call.action, Action::Lock | Action::Try);
            let (true, Lifetime::Session, Some(lock)) = (takes, call.lifetime, call.lock) else {
                continue;
            };
            for _ in results.into_iter().filter(|taken| *taken) {
                self.locks.release(&lock.key(), call.mode());
            }
        }
    }

    /// Says what the running statement may export.
    pub fn offer(&self, offer: Offer) {
        self.exports.lock().current = offer;
    }

    /// Exports the snapshot of the running statement; its identifier.
    ///
    /// # Errors
    /// In a savepoint, or where there is no such snapshot.
    pub fn export_snapshot(&self) -> Result<String> {
        let mut exports = self.exports.lock();
        let (transaction, snapshot) = match exports.current.clone() {
            Offer::Snapshot(transaction, snapshot) => (transaction, snapshot),
            Offer::Nothing => return Err(Error::unsupported("pg_export_snapshot here")),
            Offer::InSavepoint => {
                return Err(Error::new(
                    SqlState::ActiveSqlTransaction,
                    "cannot export a snapshot from a subtransaction",
                ));
            }
        };
        let number = exports.given.len() + 1;
        let id = format!("{:08X}-{transaction:08X}-{number}", self.id);
        exports.given.push((id.clone(), snapshot));
        Ok(id)
    }

    /// The transaction ends, and with it what it has exported.
    pub fn end_exports(&self) {
        self.exports.lock().given.clear();
    }

    /// Warnings of the statement's calls.
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().warnings)
    }

    /// A statement begins.
    pub fn begins(
        &self,
        query: &Arc<str>,
        settings: &Arc<Settings>,
        characteristics: Characteristics,
        xact_start: Option<i64>,
    ) {
        let now = datetime::now();
        let mut activity = self.activity.lock();
        activity.state = State::Active;
        activity.state_change = now;
        activity.query_start = Some(now);
        activity.xact_start = Some(xact_start.unwrap_or(now));
        if !Arc::ptr_eq(&activity.query, query) {
            activity.query = query.clone();
        }
        if !Arc::ptr_eq(&activity.settings, settings) {
            activity.settings = settings.clone();
        }
        activity.characteristics = characteristics;
    }

    /// It waits for its client, in a transaction that began then.
    pub fn rests(&self, state: State, xact_start: Option<i64>, transaction: Option<u64>) {
        let mut activity = self.activity.lock();
        activity.state = state;
        activity.state_change = datetime::now();
        activity.xact_start = xact_start;
        activity.transaction = transaction;
    }
}

/// All sessions of a server.
#[derive(Default)]
pub struct Sessions {
    all: Mutex<BTreeMap<SessionId, Arc<Backend>>>,
}

impl Sessions {
    /// Whether a session waits for a safe snapshot.
    pub fn awaits_safe_snapshot(&self, id: SessionId) -> bool {
        let all = self.all.lock();
        all.get(&id).is_some_and(|backend| backend.awaits_safe_snapshot.load(Ordering::Relaxed))
    }

    /// Adds a session.
    pub fn add(
        &self,
        manager: &Arc<TransactionManager>,
        id: SessionId,
        settings: &Arc<Settings>,
    ) -> Arc<Backend> {
        let now = datetime::now();
        let activity = Activity {
            settings: settings.clone(),
            characteristics: Characteristics::default(),
            client: None,
            state: State::Idle,
            state_change: now,
            query: "".into(),
            query_start: None,
            xact_start: None,
            transaction: None,
        };
        let backend = Arc::new(Backend {
            id,
            started: now,
            locks: SessionLocks::new(manager, id),
            activity: Mutex::new(activity),
            awaits_safe_snapshot: AtomicBool::new(false),
            cursors: Mutex::default(),
            prepared: Mutex::default(),
            building: Mutex::default(),
            calls: Mutex::default(),
            exports: Mutex::default(),
            changes: Mutex::default(),
        });
        self.all.lock().insert(id, backend.clone());
        backend
    }

    /// Removes a session.
    pub fn remove(&self, id: SessionId) {
        self.all.lock().remove(&id);
    }

    /// A session by its number.
    ///
    /// # Errors
    /// If there is none.
    pub fn get(&self, id: SessionId) -> Result<Arc<Backend>> {
        let found = self.all.lock().get(&id).cloned();
        found.ok_or_else(|| Error::internal(format!("there is no session {id}")))
    }

    /// A snapshot that some session has exported.
    pub fn exported(&self, id: &str) -> Option<SharedSnapshot> {
        self.all().iter().find_map(|backend| {
            let exports = backend.exports.lock();
            let found = exports.given.iter().find(|(given, _)| given == id);
            found.map(|(_, snapshot)| snapshot.clone())
        })
    }

    /// All of them, by their numbers.
    pub fn all(&self) -> Vec<Arc<Backend>> {
        self.all.lock().values().cloned().collect()
    }
}
