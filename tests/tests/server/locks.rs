//! Sessions in each other's way: row, table and advisory locks, deadlocks, snapshots that travel.

use std::time::Duration;

use cairn_tests::Cairn;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

use crate::connect;

/// The default of cairn.statement_retries, and the first run.
const MAX_TRIES: usize = 11;

struct Server {
    cairn: Cairn,
    _dir: tempfile::TempDir,
}

impl Server {
    fn start() -> Server {
        let dir = tempfile::tempdir().unwrap();
        Server { cairn: Cairn::start(&dir.path().join("data"), &[]), _dir: dir }
    }

    /// A session with its process id.
    async fn session(&self) -> Session {
        let client = connect(&self.cairn).await;
        let pid = values(&client, "SELECT pg_backend_pid()").await.unwrap();
        Session { client, pid }
    }
}

struct Session {
    client: Client,
    pid: String,
}

/// The rows of the last statement, columns by blanks and rows by semicolons.
async fn values(client: &Client, sql: &str) -> Result<String, Error> {
    let mut rows = Vec::new();
    for message in client.simple_query(sql).await? {
        if let SimpleQueryMessage::Row(row) = message {
            let columns = (0..row.len()).map(|at| row.get(at).unwrap_or("null").to_owned());
            rows.push(columns.collect::<Vec<_>>().join(" "));
        }
    }
    Ok(rows.join("; "))
}

impl Session {
    async fn ask(&self, sql: &str) -> String {
        match values(&self.client, sql).await {
            Ok(rows) => rows,
            Err(error) => error.code().map_or("?", |code| code.code()).to_owned(),
        }
    }

    /// Whether it waits for one of the others.
    async fn is_blocked_by(&self, observer: &Session, others: &[&Session]) -> bool {
        let others: Vec<&str> = others.iter().map(|other| other.pid.as_str()).collect();
        let (pid, others) = (&self.pid, others.join(","));
        let sql = format!("SELECT pg_isolation_test_session_is_blocked({pid}, '{{{others}}}')");
        observer.ask(&sql).await == "t"
    }

    async fn wait_until_blocked_by(&self, observer: &Session, other: &Session) {
        for _ in 0..1000 {
            if self.is_blocked_by(observer, &[other]).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{} does not wait for {}", self.pid, other.pid);
    }
}

const TABLES: &str = "CREATE TABLE a (id int PRIMARY KEY, n int);
    CREATE TABLE b (id int PRIMARY KEY, a int);
    INSERT INTO a SELECT g, 0 FROM generate_series(1, 5) g;
    INSERT INTO b SELECT g, g FROM generate_series(1, 5) g";

#[tokio::test]
async fn a_queue_gives_each_consumer_its_own_row() {
    let server = Server::start();
    let (one, two, three) =
        (server.session().await, server.session().await, server.session().await);
    one.ask(TABLES).await;
    let next = "SELECT id FROM a ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED";
    assert_eq!(one.ask(&format!("BEGIN; {next}")).await, "1");
    assert_eq!(two.ask(&format!("BEGIN; {next}")).await, "2");
    let rest = "SELECT id FROM a ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 2 OFFSET 1";
    assert_eq!(three.ask(rest).await, "4; 5");
    assert_eq!(three.ask("SELECT id FROM a WHERE id = 1 FOR UPDATE NOWAIT").await, "55P03");
    one.ask("ROLLBACK").await;
    assert_eq!(three.ask(next).await, "1");
}

#[tokio::test]
async fn row_locks_conflict_as_their_modes_say() {
    let server = Server::start();
    let (one, two) = (server.session().await, server.session().await);
    one.ask(TABLES).await;
    let modes = ["KEY SHARE", "SHARE", "NO KEY UPDATE", "UPDATE"];
    for (held, asked) in (0..4).flat_map(|held| (0..4).map(move |asked| (held, asked))) {
        // Chapter 13.3.2, table 13.3.
        let conflicts = matches!((held.min(asked), held.max(asked)), (_, 3) | (1 | 2, 2));
        let (held, asked) = (modes[held], modes[asked]);
        one.ask(&format!("BEGIN; SELECT 1 FROM a WHERE id = 1 FOR {held}")).await;
        let answer = two.ask(&format!("SELECT 1 FROM a WHERE id = 1 FOR {asked} NOWAIT")).await;
        assert_eq!(answer, if conflicts { "55P03" } else { "1" }, "{held}, {asked}");
        one.ask("ROLLBACK").await;
    }
    // Of a join, only what is named.
    one.ask("BEGIN; SELECT 1 FROM a JOIN b ON a.id = b.a WHERE a.id = 2 FOR UPDATE OF b").await;
    assert_eq!(two.ask("SELECT id FROM a WHERE id = 2 FOR UPDATE NOWAIT").await, "2");
    assert_eq!(two.ask("SELECT id FROM b WHERE id = 2 FOR UPDATE NOWAIT").await, "55P03");
    one.ask("ROLLBACK").await;
    one.ask("BEGIN; SELECT 1 FROM a JOIN b ON a.id = b.a WHERE a.id = 2 FOR UPDATE").await;
    assert_eq!(two.ask("SELECT id FROM a WHERE id = 2 FOR UPDATE NOWAIT").await, "55P03");
    // What changed after the snapshot cannot be locked at REPEATABLE READ.
    two.ask("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM a").await;
    one.ask("UPDATE a SET n = 1 WHERE id = 2; COMMIT").await;
    assert_eq!(two.ask("SELECT n FROM a WHERE id = 2 FOR KEY SHARE").await, "40001");
}

#[tokio::test]
async fn tables_are_locked_in_every_mode() {
    let server = Server::start();
    let (one, two) = (server.session().await, server.session().await);
    one.ask(TABLES).await;
    let modes = [
        "ACCESS SHARE",
        "ROW SHARE",
        "ROW EXCLUSIVE",
        "SHARE UPDATE EXCLUSIVE",
        "SHARE",
        "SHARE ROW EXCLUSIVE",
        "EXCLUSIVE",
        "ACCESS EXCLUSIVE",
    ];
    // Chapter 13.3.1, table 13.2: the modes that each conflicts with.
    let conflicts = [
        &[7][..],
        &[6, 7],
        &[4, 5, 6, 7],
        &[3, 4, 5, 6, 7],
        &[2, 3, 5, 6, 7],
        &[2, 3, 4, 5, 6, 7],
        &[1, 2, 3, 4, 5, 6, 7],
        &[0, 1, 2, 3, 4, 5, 6, 7],
    ];
    for (held, asked) in (0..8).flat_map(|held| (0..8).map(move |asked| (held, asked))) {
        one.ask(&format!("BEGIN; LOCK TABLE a IN {} MODE", modes[held])).await;
        let lock = format!("BEGIN; LOCK TABLE a IN {} MODE NOWAIT", modes[asked]);
        let expected = if conflicts[held].contains(&asked) { "55P03" } else { "" };
        assert_eq!(two.ask(&lock).await, expected, "{}, {}", modes[held], modes[asked]);
        two.ask("ROLLBACK").await;
        one.ask("ROLLBACK").await;
    }
    one.ask("BEGIN; LOCK a").await;
    two.ask("SET lock_timeout = 50").await;
    assert_eq!(two.ask("SELECT count(*) FROM a").await, "55P03");
    assert_eq!(two.ask("BEGIN; LOCK a IN ROW SHARE MODE").await, "55P03");
    two.ask("ROLLBACK").await;
    let shown = "SELECT mode, granted FROM pg_locks WHERE locktype = 'relation'";
    assert_eq!(two.ask(shown).await, "AccessExclusiveLock t");
}

#[tokio::test]
async fn advisory_locks_are_waited_for_and_counted_once() {
    let server = Server::start();
    let (one, two, watch) =
        (server.session().await, server.session().await, server.session().await);
    one.ask("SELECT pg_advisory_lock(2)").await;
    assert_eq!(
        two.ask("SELECT pg_try_advisory_lock_shared(2), pg_try_advisory_lock(3)").await,
        "f t"
    );
    two.ask("SET lock_timeout = 50").await;
    assert_eq!(two.ask("SELECT pg_advisory_lock(2)").await, "55P03");
    two.ask("SET lock_timeout = 0; SET statement_timeout = 50").await;
    assert_eq!(two.ask("SELECT pg_advisory_xact_lock(2)").await, "57014");
    two.ask("SET statement_timeout = 0").await;
    // It runs twice, and takes each lock once.
    let wait = two.ask("SELECT pg_advisory_lock(1), pg_advisory_lock(2), pg_advisory_lock(3)");
    let release = async {
        two.wait_until_blocked_by(&watch, &one).await;
        let waits = "SELECT wait_event_type, wait_event, state FROM pg_stat_activity WHERE pid = ";
        assert_eq!(watch.ask(&format!("{waits}{}", two.pid)).await, "Lock advisory active");
        assert_eq!(one.ask("SELECT pg_advisory_unlock(2)").await, "t");
    };
    let (answer, ()) = tokio::join!(wait, release);
    assert_eq!(answer, "  ");
    for (lock, times) in [(1, 1), (2, 1), (3, 2)] {
        for time in 0..=times {
            let expected = if time < times { "t" } else { "f" };
            let unlock = format!("SELECT pg_advisory_unlock({lock})");
            assert_eq!(two.ask(&unlock).await, expected, "lock {lock}, time {time}");
        }
    }
    // Those of a transaction go with it, those of a session with that.
    one.ask("BEGIN; SELECT pg_advisory_xact_lock(1, 2); SELECT pg_advisory_lock(4)").await;
    assert_eq!(two.ask("SELECT pg_try_advisory_lock(1, 2)").await, "f");
    one.ask("ROLLBACK").await;
    assert_eq!(two.ask("SELECT pg_try_advisory_lock(1, 2), pg_try_advisory_lock(4)").await, "t f");
    drop(one);
    assert_eq!(two.ask("SELECT pg_advisory_lock(4)").await, "");
}

#[tokio::test]
async fn a_statement_that_runs_again_changes_a_setting_once() {
    let server = Server::start();
    let (one, two, watch) =
        (server.session().await, server.session().await, server.session().await);
    one.ask("SELECT pg_advisory_lock(1)").await;
    two.ask("SET application_name = 'a'").await;
    let append =
        "set_config('application_name', current_setting('application_name') || 'b', false)";
    let select = format!("SELECT {append}, pg_advisory_lock(1)");
    let wait = two.ask(&select);
    let release = async {
        two.wait_until_blocked_by(&watch, &one).await;
        assert_eq!(one.ask("SELECT pg_advisory_unlock(1)").await, "t");
    };
    let (answer, ()) = tokio::join!(wait, release);
    assert_eq!(answer, "ab ");
    assert_eq!(two.ask("SHOW application_name").await, "ab");
}

#[tokio::test]
async fn a_deadlock_is_told_in_the_words_of_postgresql() {
    let server = Server::start();
    let (one, two, watch) =
        (server.session().await, server.session().await, server.session().await);
    one.ask(TABLES).await;
    one.ask("BEGIN; UPDATE a SET n = 1 WHERE id = 1").await;
    two.ask("BEGIN; LOCK TABLE b; SELECT pg_advisory_lock(7, 8)").await;
    let wait = one.ask("SELECT pg_advisory_xact_lock(7, 8)");
    let close = async {
        one.wait_until_blocked_by(&watch, &two).await;
        let error = values(&two.client, "UPDATE a SET n = 2 WHERE id = 1").await.unwrap_err();
        two.ask("ROLLBACK; SELECT pg_advisory_unlock_all()").await;
        error
    };
    let (_, error) = tokio::join!(wait, close);
    let error = error.as_db_error().unwrap();
    assert_eq!((error.code().code(), error.message()), ("40P01", "deadlock detected"));
    assert_eq!(error.hint(), Some("See server log for query details."));
    let detail: Vec<&str> = error.detail().unwrap().lines().collect();
    let (a, b) = (&one.pid, &two.pid);
    let of_row = format!("Process {b} waits for ShareLock on transaction ");
    assert!(detail[0].starts_with(&of_row), "{detail:?}");
    assert!(detail[0].ends_with(&format!("; blocked by process {a}.")), "{detail:?}");
    let of_advisory = format!(
        "Process {a} waits for ExclusiveLock on advisory lock [5,7,8,2]; blocked by process {b}."
    );
    assert_eq!(detail[1], of_advisory);
}

#[tokio::test]
async fn a_first_statement_is_run_again_until_it_has_been_tried_enough() {
    let server = Server::start();
    let (one, watch) = (server.session().await, server.session().await);
    watch.ask(TABLES).await;
    let add = "UPDATE a SET n = n + 1 WHERE id = 1";
    let mut others = Vec::new();
    for _ in 0..MAX_TRIES {
        others.push(server.session().await);
    }
    for enough in [MAX_TRIES - 1, MAX_TRIES] {
        // Each of them commits a change while the session waits for it.
        others[0].ask(&format!("BEGIN; {add}")).await;
        let retried = async {
            one.ask("BEGIN ISOLATION LEVEL REPEATABLE READ").await;
            let answer = one.ask(&format!("{add} RETURNING id")).await;
            one.ask("COMMIT").await;
            answer
        };
        let commits = async {
            for (at, other) in others.iter().take(enough).enumerate() {
                one.wait_until_blocked_by(&watch, other).await;
                match others.get(at + 1).filter(|_| at + 1 < enough) {
                    None => drop(other.ask("COMMIT").await),
                    Some(next) => {
                        // The next one queues behind the session, which lets go when it fails.
                        next.ask("BEGIN").await;
                        let waits = next.ask(add);
                        let commit = async {
                            next.wait_until_blocked_by(&watch, &one).await;
                            other.ask("COMMIT").await
                        };
                        tokio::join!(waits, commit);
                    }
                }
            }
        };
        let (answer, ()) = tokio::join!(retried, commits);
        assert_eq!(answer, if enough < MAX_TRIES { "1" } else { "40001" }, "{enough} conflicts");
    }
    // Not once the client has seen something of the transaction.
    others[0].ask(&format!("BEGIN; {add}")).await;
    one.ask("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM b").await;
    let wait = one.ask(add);
    let commit = async {
        one.wait_until_blocked_by(&watch, &others[0]).await;
        others[0].ask("COMMIT").await
    };
    assert_eq!(tokio::join!(wait, commit).0, "40001");
}

#[tokio::test]
async fn snapshots_are_handed_over_and_taken_of_the_past() {
    let server = Server::start();
    let (one, two) = (server.session().await, server.session().await);
    // Times before this are not readable, and the server's clock may start ahead.
    one.ask(TABLES).await;
    let level = "BEGIN ISOLATION LEVEL REPEATABLE READ";
    let id = one.ask(&format!("{level}; SELECT pg_export_snapshot()")).await;
    let now = two.ask("SELECT clock_timestamp()").await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    two.ask("UPDATE a SET n = 5 WHERE id = 1").await;
    let import = format!("{level}; SET TRANSACTION SNAPSHOT '{id}'; SELECT n FROM a WHERE id = 1");
    assert_eq!(two.ask(&import).await, "0");
    two.ask("COMMIT").await;
    one.ask("COMMIT").await;
    assert_eq!(two.ask(&import).await, "22023", "its transaction has ended");
    two.ask("ROLLBACK").await;
    // The past.
    let as_of = |time: &str| format!("SELECT n FROM a AS OF SYSTEM TIME '{time}' WHERE id = 1");
    assert_eq!(two.ask(&as_of(&now)).await, "0");
    assert_eq!(two.ask("SELECT n FROM a WHERE id = 1").await, "5");
    assert_eq!(two.ask(&as_of("now")).await, "5");
    let block = format!("BEGIN AS OF SYSTEM TIME '{now}'; SELECT n FROM a WHERE id = 1");
    assert_eq!(two.ask(&block).await, "0");
    assert_eq!(two.ask("DELETE FROM a").await, "25006");
    two.ask("ROLLBACK").await;
    assert_eq!(two.ask(&as_of("10 minutes")).await, "22023", "the future");
    assert_eq!(two.ask(&as_of("-2 hours")).await, "22023", "no longer kept");
    one.ask("CREATE INDEX ON a (n)").await;
    assert_eq!(two.ask(&as_of(&now)).await, "22023", "the table has changed");
    assert_eq!(two.ask(&format!("BEGIN; {}", as_of("-1s"))).await, "0A000");
}

#[tokio::test]
async fn deferrable_waits_for_a_safe_snapshot() {
    let server = Server::start();
    let (one, two) = (server.session().await, server.session().await);
    one.ask(TABLES).await;
    one.ask("BEGIN ISOLATION LEVEL SERIALIZABLE; UPDATE a SET n = 1 WHERE id = 1").await;
    two.ask("SET statement_timeout = 100").await;
    let begin = "BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE";
    let read = "SELECT n FROM a WHERE id = 1";
    assert_eq!(two.ask(&format!("{begin}; {read}")).await, "57014");
    two.ask("ROLLBACK; SET statement_timeout = 0").await;
    let both = format!("{begin}; {read}");
    let wait = two.ask(&both);
    let commit = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        one.ask("COMMIT").await
    };
    // The snapshot is the one that it has waited with.
    assert_eq!(tokio::join!(wait, commit).0, "0");
}
