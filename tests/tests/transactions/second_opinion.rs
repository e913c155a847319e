//! What a judge says who is not ours: the crate `adya`, Elle's checks in Rust, with its own load.
//!
//! adya decides what transactions do (append to lists and read them, or write and read registers, in a few
//! keys at a time), records who asked what and when, infers the order of versions, and looks for aborted and
//! intermediate reads, lost updates and cycles of dependencies, also of those with the order of
//! time. Only the SQL is ours, because its own has ON CONFLICT. Meanwhile the server is killed now and then.
//!
//! It knows no predicates: that part has only our own judge. `ADYA_SECONDS` (for each level and load) makes it
//! longer, in rounds; `ADYA_SEED` other.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use adya::r#gen::{GenOpts, Kind, TxnOp};
use adya::run::{Client, Outcome, RunOpts, Stats};
use adya::{History, Opts, Valid, Workload};
use cairn_tests::workload::server::{Killer, Server};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Error, NoTls};

use super::clients::ONE_AT_A_TIME;
use crate::from_env;

const DEFAULT_SECONDS: u64 = 6;
const PROCESSES: usize = 8;
/// A history of a longer time would take too much memory.
const MAX_ROUND: Duration = Duration::from_secs(30);
const KILL_EVERY: Duration = Duration::from_secs(4);
/// For the cycles of one component, where there should be none, and where one is enough.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(60);
const SHORT_SEARCH_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the server may take to come back, while tables are made.
const RESTART_TIMEOUT: Duration = Duration::from_secs(60);
/// What a transaction may fail for.
const EXPECTED: [&str; 4] = ["40001", "40P01", "23505", LOST];
const LOST: &str = "lost connection";

const PREPARE: &str = "\
    DROP TABLE IF EXISTS adya_lists;
    DROP TABLE IF EXISTS adya_registers;
    CREATE TABLE adya_lists (k bigint PRIMARY KEY, v text NOT NULL);
    CREATE TABLE adya_registers (k bigint PRIMARY KEY, v bigint NOT NULL)";
const READ_LIST: &str = "SELECT v FROM adya_lists WHERE k = $1";
const APPEND: &str = "UPDATE adya_lists SET v = v || ',' || $2::text WHERE k = $1";
const ADD_LIST: &str = "INSERT INTO adya_lists (k, v) VALUES ($1, $2)";
const READ_REGISTER: &str = "SELECT v FROM adya_registers WHERE k = $1";
const WRITE: &str = "UPDATE adya_registers SET v = $2 WHERE k = $1";
const ADD_REGISTER: &str = "INSERT INTO adya_registers (k, v) VALUES ($1, $2)";

/// A level, what it is held to with the order of time, and what it need not be.
struct Promise {
    sql: &'static str,
    model: &'static str,
    beyond: Option<&'static str>,
}

const READ_COMMITTED: Promise = Promise {
    sql: "READ COMMITTED",
    model: "strong-read-committed",
    beyond: Some("snapshot-isolation"),
};
const REPEATABLE_READ: Promise = Promise {
    sql: "REPEATABLE READ",
    model: "strong-snapshot-isolation",
    beyond: Some("serializable"),
};
const SERIALIZABLE: Promise =
    Promise { sql: "SERIALIZABLE", model: "strict-serializable", beyond: None };

/// How often transactions were refused for what.
type Refusals = Arc<Mutex<BTreeMap<String, u64>>>;

/// One of adya's processes, with a connection and a runtime to drive it.
struct Process {
    runtime: Runtime,
    client: tokio_postgres::Client,
    begin: String,
    is_list: bool,
    refusals: Refusals,
}

fn failure(error: impl std::fmt::Display) -> adya::Error {
    adya::Error::new(error.to_string())
}

impl Process {
    fn connect(
        url: &str,
        level: &str,
        is_list: bool,
        refusals: &Refusals,
    ) -> Result<Box<dyn Client>, adya::Error> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failure)?;
        let (client, connection) =
            runtime.block_on(tokio_postgres::connect(url, NoTls)).map_err(failure)?;
        runtime.spawn(connection);
        let begin = format!("BEGIN ISOLATION LEVEL {level}");
        Ok(Box::new(Process { runtime, client, begin, is_list, refusals: refusals.clone() }))
    }

    fn note(&self, error: &Error) -> String {
        let is_io = error.source().is_some_and(|source| source.is::<std::io::Error>());
        let why = match error.code() {
            Some(code) => code.code().to_owned(),
            None if error.is_closed() || is_io => LOST.to_owned(),
            None => error.to_string(),
        };
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        *refusals.entry(why).or_default() += 1;
        error.to_string()
    }

    /// All but the commit. Each read gives a list, or a register as none or one.
    async fn body(&self, operations: &[TxnOp]) -> Result<Vec<Option<Vec<i64>>>, Error> {
        self.client.batch_execute(&self.begin).await?;
        let mut reads = Vec::with_capacity(operations.len());
        for operation in operations {
            reads.push(match *operation {
                TxnOp::Append(k, v) => {
                    let text = v.to_string();
                    if self.client.execute(APPEND, &[&k, &text]).await? == 0 {
                        self.client.execute(ADD_LIST, &[&k, &text]).await?;
                    }
                    None
                }
                TxnOp::Write(k, v) => {
                    if self.client.execute(WRITE, &[&k, &v]).await? == 0 {
                        self.client.execute(ADD_REGISTER, &[&k, &v]).await?;
                    }
                    None
                }
                TxnOp::Read(k) if self.is_list => {
                    let row = self.client.query_opt(READ_LIST, &[&k]).await?;
                    let text: Option<&str> = row.as_ref().map(|row| row.get(0));
                    Some(adya::run::parse_list(text))
                }
                TxnOp::Read(k) => {
                    let row = self.client.query_opt(READ_REGISTER, &[&k]).await?;
                    Some(row.map(|row| row.get::<_, i64>(0)).into_iter().collect())
                }
            });
        }
        Ok(reads)
    }
}

impl Client for Process {
    fn txn(&mut self, operations: &[TxnOp]) -> Outcome {
        let this = &*self;
        this.runtime.block_on(async {
            let reads = match this.body(operations).await {
                Ok(reads) => reads,
                Err(error) => {
                    // A connection that is gone shows in the next transaction, too.
                    let _ = this.client.batch_execute("ROLLBACK").await;
                    return Outcome::Fail(this.note(&error));
                }
            };
            match this.client.batch_execute("COMMIT").await {
                Ok(()) => Outcome::Ok(reads),
                Err(error) if error.as_db_error().is_some() => Outcome::Fail(this.note(&error)),
                Err(error) => Outcome::Info(this.note(&error)),
            }
        })
    }

    fn healthy(&mut self) -> bool {
        !self.client.is_closed()
    }
}

/// Makes the tables anew, whatever happens to the server meanwhile.
fn prepare(server: &Server) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let started = Instant::now();
    loop {
        let made: Result<(), Error> = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&server.url(), NoTls).await?;
            let connection = tokio::spawn(connection);
            let made = client.batch_execute(PREPARE).await;
            connection.abort();
            made
        });
        match made {
            Ok(()) => return,
            Err(error) if error.as_db_error().is_some() => panic!("{error:?}"),
            Err(error) => assert!(started.elapsed() < RESTART_TIMEOUT, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn verdict(history: &History, workload: Workload, model: &str, timeout: Duration) -> adya::Report {
    let models = vec![model.to_owned()];
    // A transaction that reads a register and then writes it does so in that order.
    let options = Opts { models, timeout, wfr_keys: true, ..Opts::default() };
    adya::check(history, workload, &options)
}

fn explain(report: &adya::Report) -> String {
    let found = report.anomalies.iter().flat_map(|(kind, all)| {
        all.iter().take(3).map(move |anomaly| format!("{kind}: {}", anomaly.explanation))
    });
    found.collect::<Vec<_>>().join("\n")
}

fn agrees(promise: &Promise, is_list: bool) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let (kind, workload, name) = match is_list {
        true => (Kind::ListAppend, Workload::ListAppend, "lists"),
        false => (Kind::RwRegister, Workload::RwRegister, "registers"),
    };
    let seconds = from_env("ADYA_SECONDS", DEFAULT_SECONDS);
    let mut seed = from_env("ADYA_SEED", 1);
    let dir = tempfile::tempdir().unwrap();
    let server = Arc::new(Server::start(&dir.path().join("data")));
    let killer = Killer::start(server.clone(), KILL_EVERY, seed);
    let refusals = Refusals::default();
    let (started, duration) = (Instant::now(), Duration::from_secs(seconds));
    let (mut total, mut goes_beyond) = (Stats::default(), false);
    while let Some(left) = duration.checked_sub(started.elapsed()).filter(|left| !left.is_zero()) {
        prepare(&server);
        let options = RunOpts {
            processes: PROCESSES,
            txns: usize::MAX,
            time_limit: Some(left.min(MAX_ROUND)),
            r#gen: GenOpts { kind, ..GenOpts::default() },
            seed,
            nemesis: None,
        };
        seed += 1;
        let connect = || Process::connect(&server.url(), promise.sql, is_list, &refusals);
        let Ok((recorded, stats)) = adya::run::run(&connect, &options) else {
            // The server was just being killed when it tried its first connection.
            continue;
        };
        let history = History::from_json(&recorded).unwrap();
        let report = verdict(&history, workload, promise.model, SEARCH_TIMEOUT);
        assert_eq!(
            report.valid,
            Valid::True,
            "{name} at {} are not {}: {}",
            promise.sql,
            promise.model,
            explain(&report)
        );
        if let Some(beyond) = promise.beyond.filter(|_| !goes_beyond) {
            let report = verdict(&history, workload, beyond, SHORT_SEARCH_TIMEOUT);
            goes_beyond = report.valid == Valid::False;
        }
        total.ok += stats.ok;
        total.fail += stats.fail;
        total.info += stats.info;
        eprintln!(
            "adya, {name} at {}, {:.0} s: {} committed, {} aborted, {} unknown, {} kills; refused: {:?}",
            promise.sql,
            started.elapsed().as_secs_f64(),
            total.ok,
            total.fail,
            total.info,
            server.kills(),
            refusals.lock().unwrap(),
        );
    }
    killer.stop();
    let refusals = refusals.lock().unwrap();
    let unexpected: Vec<_> =
        refusals.keys().filter(|code| !EXPECTED.contains(&code.as_str())).collect();
    assert!(unexpected.is_empty(), "refused for {unexpected:?}");
    assert!(total.ok > 0, "nothing was committed");
    // Of registers too little is known for that.
    if is_list && seconds >= DEFAULT_SECONDS && promise.beyond.is_some() {
        assert!(goes_beyond, "the load does not tell {} from what is above it", promise.sql);
    }
}

#[test]
fn adya_on_lists_at_read_committed() {
    agrees(&READ_COMMITTED, true);
}

#[test]
fn adya_on_lists_at_repeatable_read() {
    agrees(&REPEATABLE_READ, true);
}

#[test]
fn adya_on_lists_at_serializable() {
    agrees(&SERIALIZABLE, true);
}

#[test]
fn adya_on_registers_at_read_committed() {
    agrees(&READ_COMMITTED, false);
}

#[test]
fn adya_on_registers_at_repeatable_read() {
    agrees(&REPEATABLE_READ, false);
}

#[test]
fn adya_on_registers_at_serializable() {
    agrees(&SERIALIZABLE, false);
}
