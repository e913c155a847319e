//! What a connection is to SQL.
//!
//! A [`Session`] owns the transaction block, the settings, the prepared statements and the
//! portals of one connection. The server drives it: it hands over statements, takes rows out of
//! [`Outcome`]s, and says when an implicit transaction ends ([`Session::finish_implicit`]: at the
//! end of a query string or at Sync). Everything sessions share is in [`Database`].

mod advisory;
mod analyze;
mod characteristics;
mod constraints;
mod copy;
mod copy_out;
mod create_as;
pub(crate) mod cursor;
mod ddl;
mod deferred;
mod execute;
mod explain;
mod explain_form;
mod fill;
mod lift;
mod locking;
mod merge;
mod modify;
mod named;
mod naming;
mod online_index;
mod outcome;
mod plan;
mod planner_settings;
mod portals;
mod read_now;
mod referential;
mod retry;
mod rules;
mod settings;
mod storage_parameters;
mod temporary;
mod transaction;
mod upsert;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use cairn_txn::TransactionManager;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::binder::{OutputColumn, Settings as BinderSettings};
use crate::catalog::names::SearchPath;
use crate::catalog::sequences::Sequences;
use crate::catalog::{Catalog, Schema};
use crate::error::{Error, Report, Result, SqlState};
use crate::lock_names::index_of;
use crate::parser::cursor::CursorStatement;
use crate::parser::{self, Parsed};
use crate::relation::Hints;
use crate::row::Surroundings;
use crate::row::profile::Profile;
use crate::sessions::{Backend, PreparedLine, Sessions, State};
use crate::system::System;
use crate::system::names::Names;
use crate::types::{Datum, Type, datetime};
use crate::vector::VectorExecutor;

pub use copy::CopyIn;
pub use copy_out::{CopyOut, Lines};
pub use locking::Locking;
pub use named::Named;
pub use outcome::{Outcome, Rows};
pub use plan::Plan;
pub use portals::{MAX_PORTALS, Portal, Portals};
pub use settings::Settings;
pub use transaction::Status;

/// Settings of the SQL layer.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads of the vectorized executor.
    pub vector_threads: usize,
    /// Memory of the vectorized executor's sorts, joins and groups.
    pub vector_memory_bytes: usize,
    /// Most prepared statements of a session.
    pub max_prepared_statements: usize,
    /// Most plans in the shared cache. One of a long text counts as several.
    pub max_cached_plans: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            vector_threads: 2,
            vector_memory_bytes: 1 << 30,
            max_prepared_statements: 10_000,
            max_cached_plans: 2_000,
        }
    }
}

/// What all sessions share.
pub struct Database {
    manager: Arc<TransactionManager>,
    catalog: Arc<Catalog>,
    sequences: Arc<Sequences>,
    sessions: Arc<Sessions>,
    vector: VectorExecutor,
    plans: plan::PlanCache,
    rules: rules::RulesCache,
    options: Options,
    next_session: AtomicI64,
}

impl Database {
    /// Opens the database on a transaction manager.
    pub fn open(manager: Arc<TransactionManager>, options: Options) -> Result<Arc<Database>> {
        Ok(Arc::new(Database {
            catalog: Arc::new(Catalog::load(&manager)?),
            sequences: Arc::new(Sequences::new(manager.clone())),
            sessions: Arc::default(),
            vector: VectorExecutor::new(options.vector_threads, options.vector_memory_bytes)?,
            plans: plan::PlanCache::new(options.max_cached_plans),
            rules: rules::RulesCache::default(),
            options,
            manager,
            next_session: AtomicI64::new(1),
        }))
    }

    /// Clears what dropped tables left behind. Runs in the background.
    pub async fn clear_garbage(&self) -> Result<()> {
        crate::catalog::clear_leftovers(&self.manager, &self.catalog).await?;
        crate::catalog::clear_garbage(&self.manager).await
    }

    /// Gives back what sequences reserved, and closes the storage. For an orderly end.
    pub fn close(&self) {
        self.sequences.settle();
        self.manager.close();
    }
}

/// How a session is asked to stop what it does.
#[derive(Default)]
pub struct Cancel {
    /// Of the current statement. What an earlier one left running keeps its own.
    flag: Mutex<Arc<AtomicBool>>,
    notify: Notify,
}

impl Cancel {
    /// Asks.
    pub fn cancel(&self) {
        self.flag.lock().store(true, Ordering::Relaxed);
        self.notify.notify_waiters();
    }

    /// The flag of a statement that begins.
    fn reset(&self) -> Arc<AtomicBool> {
        let mut flag = self.flag.lock();
        if Arc::strong_count(&flag) > 1 || flag.load(Ordering::Relaxed) {
            *flag = Arc::default();
        }
        flag.clone()
    }

    fn flag(&self) -> Arc<AtomicBool> {
        self.flag.lock().clone()
    }
}

/// A prepared statement.
#[derive(Debug)]
pub struct Prepared {
    /// The statement's text.
    pub sql: Arc<str>,
    /// Parsed.
    pub parsed: Arc<Parsed>,
    /// Types the client declared.
    declared: Vec<Option<Type>>,
    /// Types of all parameters.
    pub parameters: Vec<Type>,
    /// The result's columns, if it has one.
    pub columns: Option<Columns>,
    /// Whether it is the only statement of its text.
    alone: bool,
    /// The plan it was last executed by, as found in the shared cache.
    last_plan: Mutex<Option<Arc<Plan>>>,
    /// The plan that EXPLAIN ANALYZE has shown, and runs.
    pinned: Option<Arc<Plan>>,
}

/// The columns of a result.
pub type Columns = Arc<[OutputColumn]>;

impl Prepared {
    fn new(sql: Arc<str>, parsed: Parsed, declared: Vec<Option<Type>>, alone: bool) -> Prepared {
        Prepared {
            sql,
            parsed: Arc::new(parsed),
            parameters: declared.iter().map(|kind| kind.unwrap_or(Type::Text)).collect(),
            declared,
            columns: None,
            alone,
            last_plan: Mutex::default(),
            pinned: None,
        }
    }
}

/// A connection's SQL state.
pub struct Session {
    database: Arc<Database>,
    id: i64,
    /// Shared with what a rollback goes back to.
    settings: Arc<Settings>,
    block: Option<transaction::Block>,
    prepared: Named<Arc<Prepared>>,
    /// Open portals by name.
    pub portals: Portals,
    /// What its cursors may keep.
    cursor_budget: Arc<cursor::Budget>,
    cancel: Arc<Cancel>,
    /// What statements find around them, for these settings and this catalog.
    surroundings: Option<(Arc<Settings>, u64, Arc<Surroundings>)>,
    /// The start of the implicit transaction, while it has no need of a block.
    implicit_now: Option<i64>,
    notices: Vec<Report>,
    /// What others see of it.
    backend: Arc<Backend>,
    /// Whether the statement to come is all of its query string.
    alone: bool,
    /// When the statement is to end.
    deadline: Option<Instant>,
    /// Whether the statement to come has begun, and is too long for this thread.
    is_long: bool,
    /// Whether it has made something temporary: names mean something else here then.
    has_temporary: bool,
    /// Plans of its own, while it does not use those that are shared.
    own_plans: Mutex<temporary::OwnPlans>,
    /// What EXPLAIN ANALYZE measures, while it runs.
    profile: Option<Arc<Profile>>,
    /// Where bare names are looked up, with these settings.
    path: Mutex<Option<(Arc<Settings>, Arc<SearchPath>)>>,
}

/// Gives the binder a session's settings.
struct BinderView<'a> {
    settings: &'a Settings,
    id: i64,
    path: Arc<SearchPath>,
    database: &'a Database,
    schema: &'a Arc<Schema>,
}

impl BinderSettings for BinderView<'_> {
    fn path(&self) -> &SearchPath {
        &self.path
    }

    fn user(&self) -> String {
        self.settings.user.clone()
    }

    fn database(&self) -> String {
        self.settings.database.clone()
    }

    fn session_id(&self) -> i64 {
        self.id
    }

    fn sequences(&self) -> Arc<Sequences> {
        self.database.sequences.clone()
    }

    fn sessions(&self) -> Arc<Sessions> {
        self.database.sessions.clone()
    }

    fn names(&self) -> Names {
        Names { schema: self.schema.clone(), path: self.path.clone() }
    }

    fn manager(&self) -> Arc<TransactionManager> {
        self.database.manager.clone()
    }

    fn hints(&self) -> Hints {
        self.settings.hints()
    }
}

impl Session {
    /// A session of `user` on the database called `database_name`.
    pub fn new(database: Arc<Database>, user: &str, database_name: &str) -> Session {
        let id = database.next_session.fetch_add(1, Ordering::Relaxed);
        let settings = Arc::new(Settings::new(user, database_name));
        let backend = database.sessions.add(&database.manager, id, &settings);
        Session {
            database,
            id,
            settings,
            block: None,
            prepared: Named::default(),
            portals: Portals::new(backend.clone()),
            cursor_budget: Arc::default(),
            cancel: Arc::new(Cancel::default()),
            surroundings: None,
            implicit_now: None,
            notices: Vec::new(),
            backend,
            alone: false,
            deadline: None,
            is_long: false,
            has_temporary: false,
            own_plans: Mutex::default(),
            profile: None,
            path: Mutex::default(),
        }
    }

    /// The session's number, which clients see as the backend's process id.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// For cancelling from elsewhere.
    pub fn cancel_handle(&self) -> Arc<Cancel> {
        self.cancel.clone()
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The settings, as long as they do not change the same.
    pub fn shared_settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// The settings, to change at connection start.
    pub fn settings_mut(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }

    /// Notices and warnings since the last call.
    pub fn take_notices(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.notices)
    }

    fn notice(
        &mut self,
        severity: settings::Severity,
        state: SqlState,
        message: impl Into<String>,
    ) {
        self.tell(severity, Error::new(state, message));
    }

    /// Tells the client of something that is no error.
    fn tell(&mut self, severity: settings::Severity, notice: Error) {
        if severity >= self.settings.client_min_messages {
            let mut report = notice.into_report();
            report.context = Some(severity.name().to_owned());
            self.notices.push(report);
        }
    }

    /// The version of [`Session::schema`]. A draft has that of the catalog it was made from.
    fn schema_version(&self) -> u64 {
        match self.block.as_ref().and_then(|block| block.draft.as_ref()) {
            Some(draft) => draft.version,
            None => self.database.catalog.version(),
        }
    }

    /// The catalog as this session sees it: its own changes before the committed ones.
    fn schema(&self) -> Arc<Schema> {
        match self.block.as_ref().and_then(|block| block.draft.clone()) {
            Some(draft) => draft,
            None => self.database.catalog.current(),
        }
    }

    /// The catalog that this session sees, as names are looked up in it.
    pub fn names(&self) -> Names {
        Names { schema: self.schema(), path: self.path() }
    }

    /// Parses a query string: statements with the values of their parameters, which are
    /// literals of the text that have been lifted out of it.
    pub fn parse(&self, sql: &str) -> Result<Vec<(Arc<Prepared>, Vec<Datum>)>> {
        if let Some(known) = self.database.plans.unplanned(sql) {
            return Ok(vec![(known, Vec::new())]);
        }
        if let Some(found) = self.parse_lifted(sql)? {
            return Ok(vec![found]);
        }
        let statements = parser::parse(sql)?;
        let alone = statements.len() == 1;
        let is_unplanned = |parsed: &Parsed| match parsed {
            Parsed::Sql(statement) => !plan::is_planned(statement),
            Parsed::Cursor(statement) => !matches!(**statement, CursorStatement::Declare(_)),
            parsed => matches!(parsed, Parsed::Modes(_) | Parsed::Constraints(_)),
        };
        if let [(parsed, text)] = statements.as_slice()
            && is_unplanned(parsed)
        {
            let prepared = Prepared::new(text.clone().into(), parsed.clone(), Vec::new(), true);
            let prepared = Arc::new(prepared);
            self.database.plans.put_unplanned(sql, prepared.clone());
            return Ok(vec![(prepared, Vec::new())]);
        }
        let prepared = statements.into_iter().map(|(parsed, sql)| {
            let prepared = Prepared::new(sql.into(), parsed, Vec::new(), alone);
            (Arc::new(prepared), Vec::new())
        });
        Ok(prepared.collect())
    }

    /// A statement without its literals, if there is a plan for it in this form, with their values.
    fn parse_lifted(&self, sql: &str) -> Result<Option<(Arc<Prepared>, Vec<Datum>)>> {
        if !self.uses_shared_plans() || self.status() == Status::Failed {
            return Ok(None);
        }
        let Some(lifted) = lift::lift(sql) else { return Ok(None) };
        let declared: Vec<Option<Type>> = lifted.literals.iter().map(|l| l.kind).collect();
        let version = self.schema_version();
        let key = (Arc::from(lifted.text.as_str()), declared);
        let prepared = match self.database.plans.lifted(&key, version) {
            Some(known) => known,
            None => {
                let prepared = self.prepare_lifted(&key).ok().map(Arc::new);
                self.database.plans.put_lifted(key, version, prepared.clone());
                prepared
            }
        };
        let Some(prepared) = prepared else { return Ok(None) };
        let Some(plan) = self.plan(&prepared)? else { return Ok(None) };
        if plan.parameters.len() != lifted.literals.len() {
            return Ok(None);
        }
        let mut style = self.style();
        let named = |kind: &Type| matches!(kind, Type::Regclass | Type::Regtype);
        if plan.parameters.iter().any(named) {
            style.names = Some(self.names());
        }
        let values = lifted.literals.iter().zip(&plan.parameters);
        let values = values.map(|(literal, kind)| literal.value(*kind, sql, &style));
        Ok(Some((prepared, values.collect::<Result<_>>()?)))
    }

    /// Plans a statement without its literals. An error only means that it needs them.
    fn prepare_lifted(&self, key: &PlanKey) -> Result<Prepared> {
        let (sql, declared) = key;
        let needs_literals = || Error::internal("the statement needs its literals");
        let mut statements = parser::parse(sql)?;
        let (Some((parsed, _)), true) = (statements.pop(), statements.is_empty()) else {
            return Err(needs_literals());
        };
        let prepared = Prepared::new(sql.clone(), parsed, declared.clone(), true);
        let plan = self.plan(&prepared)?.ok_or_else(needs_literals)?;
        if plan.hinges_on_parameters() {
            return Err(needs_literals());
        }
        // A plan that is not kept would be made at each execution.
        let version = self.schema_version();
        match self.database.plans.get(key, version).is_some() {
            true => Ok(prepared),
            false => Err(needs_literals()),
        }
    }

    /// Prepares a statement: binds it, so that its parameters and result are known.
    pub fn prepare(&mut self, name: &str, sql: &str, declared: &[u32]) -> Result<()> {
        if name.is_empty() {
            // Gone even if the new one fails.
            self.prepared.remove(name);
        } else if self.prepared.contains(name) {
            return Err(Error::new(
                SqlState::DuplicatePreparedStatement,
                format!("prepared statement \"{name}\" already exists"),
            ));
        }
        if self.prepared.len() >= self.database.options.max_prepared_statements {
            return Err(Error::new(
                SqlState::ProgramLimitExceeded,
                "too many prepared statements in this session",
            ));
        }
        let mut statements = parser::parse(sql)?;
        let (Some((parsed, sql)), true) = (statements.pop(), statements.is_empty()) else {
            return Err(Error::new(
                SqlState::SyntaxError,
                "cannot insert multiple commands into a prepared statement",
            ));
        };
        let schema = self.schema();
        let declared =
            declared.iter().map(|oid| match oid {
                0 => Ok(None),
                oid => schema.type_of(*oid).map(|k| (k != Type::Unknown).then_some(k)).ok_or_else(
                    || Error::unsupported(format!("a parameter of the type with oid {oid}")),
                ),
            });
        let declared = declared.collect::<Result<Vec<_>>>()?;
        let prepared = self.prepare_parsed(parsed, sql.into(), declared)?;
        self.keep_prepared(name, prepared.sql.clone(), prepared, false);
        Ok(())
    }

    /// A type as it is now, which a statement was prepared with.
    pub fn current(&self, kind: Type) -> Type {
        match kind.user() {
            None => kind,
            Some(_) => self.schema().type_by_oid(kind.oid()).unwrap_or(kind),
        }
    }

    fn prepare_parsed(
        &mut self,
        parsed: Parsed,
        sql: Arc<str>,
        declared: Vec<Option<Type>>,
    ) -> Result<Prepared> {
        self.check_not_failed(&parsed)?;
        let mut prepared = Prepared::new(sql, parsed, declared, true);
        if let Some(plan) = self.plan(&prepared)? {
            prepared.parameters = plan.parameters.clone();
            prepared.columns = plan.columns().cloned();
        } else {
            if let Parsed::Cursor(_) = &*prepared.parsed {
                prepared.parameters = self.declared_parameters(&prepared)?;
            }
            prepared.columns = self.utility_columns(&prepared.parsed)?;
        }
        Ok(prepared)
    }

    /// A prepared statement by name.
    pub fn prepared(&self, name: &str) -> Result<Arc<Prepared>> {
        self.prepared.get(name).cloned().ok_or_else(|| {
            let what = match name {
                "" => "unnamed prepared statement does not exist".to_owned(),
                name => format!("prepared statement \"{name}\" does not exist"),
            };
            Error::new(SqlState::InvalidSqlStatementName, what)
        })
    }

    /// Forgets a prepared statement; it need not exist.
    pub fn close_prepared(&mut self, name: &str) {
        if self.prepared.remove(name).is_some() && !name.is_empty() {
            self.backend.prepared.lock().remove(name);
        }
    }

    fn forget_all_prepared(&mut self) {
        self.prepared.clear();
        self.backend.prepared.lock().clear();
    }

    /// Keeps a prepared statement under a name, and lists it as what its client has written.
    fn keep_prepared(&mut self, name: &str, written: Arc<str>, prepared: Prepared, from_sql: bool) {
        if !name.is_empty() {
            let line = PreparedLine {
                statement: written,
                prepare_time: datetime::now(),
                parameter_types: prepared.parameters.clone(),
                from_sql,
            };
            self.backend.prepared.lock().insert(name.to_owned(), line);
        }
        self.prepared.insert(name, Arc::new(prepared));
    }

    /// Ends the session: rolls back what is open, and gives up its locks.
    pub fn end(&mut self) {
        self.portals.clear();
        self.block = None;
        self.leave_temporary();
        self.backend.locks.release_all();
        self.database.sessions.remove(self.id);
        self.database.sequences.forget_session(self.id);
    }

    /// What the client is told of an error; with the names of tables, which the layers below do not
    /// know.
    pub fn report(&self, error: Error) -> Report {
        let schema = self.schema();
        error.into_report_with(|key| {
            let (table, index) = index_of(key, &schema)?;
            Some(match index.storage == table.primary.storage {
                true => format!("table \"{}\"", table.name),
                false => format!("index \"{}\" of table \"{}\"", index.name, table.name),
            })
        })
    }

    /// Notes where its client is.
    pub fn set_client(&self, client: SocketAddr) {
        self.backend.activity.lock().client = Some(client);
    }

    /// Notes that it waits for its client now.
    pub fn rest(&mut self) {
        self.is_long = false;
        let state = match self.status() {
            Status::Idle => State::Idle,
            Status::Open => State::IdleInTransaction,
            Status::Failed => State::IdleInFailedTransaction,
        };
        let block = self.block.as_ref().filter(|block| block.explicit);
        let transaction = block.map(|block| &block.transaction).filter(|t| t.has_writes());
        self.backend.rests(state, block.map(|block| block.now), transaction.map(|t| t.id()));
    }

    /// Notes that a statement begins.
    fn note_statement(&self, prepared: &Prepared) {
        let xact_start = self.block.as_ref().map(|block| block.now);
        self.backend.begins(&prepared.sql, &self.settings, self.characteristics(), xact_start);
    }

    /// What statements find around them. Made anew when settings or the catalog have changed.
    fn surroundings(&mut self) -> Arc<Surroundings> {
        let version = self.schema_version();
        if let Some((settings, at, known)) = &self.surroundings
            && Arc::ptr_eq(settings, &self.settings)
            && *at == version
        {
            return known.clone();
        }
        let system = System {
            manager: self.database.manager.clone(),
            schema: self.schema(),
            sessions: self.database.sessions.clone(),
            session: self.id,
            database: self.settings.database.clone(),
        };
        let fresh = Arc::new(Surroundings {
            zone: Datum::Text(self.settings.zone.name_for_input()),
            style: Datum::Int32(self.style().packed()),
            session: Datum::Int64(self.id),
            system,
        });
        // A draft changes without a new version.
        if self.uses_shared_plans() {
            self.surroundings = Some((self.settings.clone(), version, fresh.clone()));
        }
        fresh
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}

/// Identifies plans in the cache.
type PlanKey = (Arc<str>, Vec<Option<Type>>);
/// Shared plans.
type PlanMap = Mutex<HashMap<PlanKey, Arc<Plan>>>;
