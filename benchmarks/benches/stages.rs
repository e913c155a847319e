//! What each stage costs that a statement goes through, from the bottom up: storage, transactions,
//! SQL, protocol. Run a part with `cargo bench -p cairn-benchmarks --bench stages -- sql/`.
//!
//! The layers above storage run on the engine in memory, so that their own cost shows.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use cairn_server::{frame, reply};
use cairn_sql::binder::OutputColumn;
use cairn_sql::session::{Database, Options, Outcome, Prepared, Session};
use cairn_sql::types::io::Style;
use cairn_sql::types::{Datum, Type, TypeMod};
use cairn_storage::memory::MemoryEngine;
use cairn_storage::rocks::{RocksEngine, RocksOptions};
use cairn_storage::{Batch, Direction, Engine, Span, Store, StoreOptions, Timestamp, Write};
use cairn_txn::clock::SystemClock;
use cairn_txn::{Access, Isolation, LockMode, TransactionManager, WaitPolicy};
use criterion::{BatchSize, Criterion, Throughput};
use tokio::runtime::Runtime;

/// The server's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rows to choose from.
const ROWS: u32 = 100_000;
/// Rows of a scan.
const SCANNED: usize = 100;
/// Rows of a COPY.
const COPIED: u32 = 1000;

/// Numbers below [`ROWS`] in no order, each as likely as the next.
struct Scattered(u32);

impl Scattered {
    fn draw(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((u64::from(self.0) * u64::from(ROWS)) >> 32) as u32
    }
}

fn key(number: u32) -> Vec<u8> {
    let mut key = b"table/".to_vec();
    key.extend(number.to_be_bytes());
    key
}

fn write(number: u32, at: Timestamp) -> Write {
    Write { at, key: key(number), value: Some(vec![7; 100]), existed: true }
}

fn storage_engine(c: &mut Criterion, name: &str, engine: &dyn Engine) {
    for first in (0..ROWS).step_by(1000) {
        let writes = (first..first + 1000).map(|number| write(number, Timestamp(1))).collect();
        engine.write(&Batch { writes, system: Vec::new() }).unwrap();
    }
    engine.flush().unwrap();
    let (mut scattered, mut clock) = (Scattered(1), 1);
    let mut group = c.benchmark_group(format!("storage/{name}"));
    group.bench_function("get", |b| {
        b.iter(|| engine.get(&key(scattered.draw()), Timestamp::MAX).unwrap());
    });
    group.bench_function("scan of 100", |b| {
        b.iter(|| {
            let mut left = SCANNED;
            let span = Span::new(key(scattered.draw()), Vec::new());
            let mut visit = |key: &[u8], value: &[u8]| {
                black_box((key, value));
                left -= 1;
                if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            engine.scan(&span, Timestamp::MAX, Direction::Forward, &mut visit).unwrap();
        });
    });
    let mut one = |sync: bool| {
        clock += 1;
        let writes = vec![write(scattered.draw(), Timestamp(clock))];
        engine.write(&Batch { writes, system: Vec::new() }).unwrap();
        if sync {
            engine.sync().unwrap();
        }
    };
    group.bench_function("write", |b| b.iter(|| one(false)));
    group.bench_function("write and sync", |b| b.iter(|| one(true)));
    group.finish();
}

fn storage(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let rocks = RocksEngine::open(&dir.path().join("rocks"), &RocksOptions::default()).unwrap();
    storage_engine(c, "rocks", &rocks);
    storage_engine(c, "memory", &MemoryEngine::new());
}

fn manager() -> Arc<TransactionManager> {
    let (engine, options) = (Arc::new(MemoryEngine::new()), StoreOptions::default());
    let store = Store::on_engine(engine, None, &options, Box::new(|_| {})).unwrap();
    let (store, clock) = (Arc::new(store), Arc::new(SystemClock));
    TransactionManager::open(store, clock, cairn_txn::Options::default()).unwrap()
}

/// As in the server, where statements may block a thread.
fn runtime() -> Runtime {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(1).enable_all().build().unwrap()
}

fn transactions(c: &mut Criterion) {
    let (runtime, manager, mut scattered) = (runtime(), manager(), Scattered(1));
    let mut group = c.benchmark_group("txn");
    group.bench_function("begin and snapshot", |b| {
        b.iter(|| {
            let mut t = manager.begin(Isolation::ReadCommitted);
            t.begin_statement(Access::Read);
            t.snapshot_at()
        });
    });
    for (name, commits) in [("lock, put, roll back", false), ("lock, put, commit", true)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                runtime.block_on(async {
                    let (key, policy) = (key(scattered.draw()), WaitPolicy::Block);
                    let mut t = manager.begin(Isolation::ReadCommitted);
                    t.begin_statement(Access::Write);
                    t.lock_row(&key, LockMode::ForUpdate, policy).await.unwrap();
                    t.put(key, vec![7; 100], true).unwrap();
                    t.end_statement();
                    match commits {
                        true => {
                            t.commit(true).await.unwrap();
                        }
                        false => t.rollback(),
                    }
                });
            });
        });
    }
    group.finish();
    manager.close();
}

/// A session on a table like pgbench_accounts.
struct Sql {
    runtime: Runtime,
    database: Arc<Database>,
    session: Session,
}

impl Sql {
    fn open() -> Sql {
        let database = Database::open(manager(), Options::default()).unwrap();
        let session = Session::new(database.clone(), "postgres", "postgres");
        let mut sql = Sql { runtime: runtime(), database, session };
        sql.query(
            "CREATE TABLE accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84))",
        );
        for first in (1..=ROWS).step_by(COPIED as usize) {
            sql.copy(lines(first).as_bytes());
        }
        sql
    }

    fn prepare(&mut self, name: &str, sql: &str) -> Arc<Prepared> {
        self.session.prepare(name, sql, &[]).unwrap();
        self.session.prepared(name).unwrap()
    }

    /// To the end of the implicit transaction, as the server does at Sync; gives the rows.
    fn execute(&mut self, statement: &Prepared, mut params: Vec<Datum>) -> usize {
        let session = &mut self.session;
        if let Some(rows) = session.execute_now(statement, &mut params) {
            session.finish_reads();
            return rows.unwrap().take_ready().0.len();
        }
        self.runtime.block_on(async {
            let mut count = 0;
            if let Outcome::Rows(mut rows) = session.execute(statement, params).await.unwrap() {
                while !rows.is_done() {
                    count += rows.next(usize::MAX).await.unwrap().len();
                }
            }
            session.finish_implicit().await.unwrap();
            count
        })
    }

    fn query(&mut self, text: &str) -> usize {
        let statements = self.session.parse(text).unwrap();
        statements.into_iter().map(|(statement, params)| self.execute(&statement, params)).sum()
    }

    fn copy(&mut self, data: &[u8]) {
        let session = &mut self.session;
        self.runtime.block_on(async {
            let mut statements = session.parse("COPY accounts FROM STDIN").unwrap();
            let (statement, params) = statements.pop().unwrap();
            let outcome = session.execute(&statement, params).await.unwrap();
            let Outcome::CopyIn(mut copy) = outcome else { panic!("this is a COPY") };
            let mut more = session.copy_data(&mut copy, data).unwrap();
            while !more {
                session.copy_batch(&mut copy).await.unwrap();
                more = session.copy_data(&mut copy, &[]).unwrap();
            }
            session.copy_done(copy).await.unwrap();
            session.finish_implicit().await.unwrap();
        });
    }
}

fn lines(first: u32) -> String {
    (first..first + COPIED).map(|aid| format!("{aid}\t1\t0\tfiller\n")).collect()
}

fn int(value: u32) -> Datum {
    Datum::Int32(value as i32)
}

fn statements(c: &mut Criterion) {
    let (mut sql, mut scattered, mut fresh) = (Sql::open(), Scattered(1), 10 * ROWS);
    let mut group = c.benchmark_group("sql");
    let select = sql.prepare("select", "SELECT abalance FROM accounts WHERE aid = $1");
    group.bench_function("point SELECT", |b| {
        b.iter(|| sql.execute(&select, vec![int(scattered.draw() + 1)]));
    });
    let update =
        sql.prepare("update", "UPDATE accounts SET abalance = abalance + $1 WHERE aid = $2");
    group.bench_function("UPDATE", |b| {
        b.iter(|| sql.execute(&update, vec![int(1), int(scattered.draw() + 1)]));
    });
    let text = "INSERT INTO accounts (aid, bid, abalance, filler) VALUES ($1, 1, 0, 'filler')";
    let insert = sql.prepare("insert", text);
    group.bench_function("INSERT", |b| {
        b.iter(|| {
            fresh += 1;
            sql.execute(&insert, vec![int(fresh)])
        });
    });
    group.bench_function("plan, new text", |b| {
        b.iter(|| {
            fresh += 1;
            let text = format!("SELECT abalance AS a{fresh} FROM accounts WHERE aid = $1");
            sql.session.prepare("", &text, &[]).unwrap();
        });
    });
    group.bench_function("plan, only literals are new", |b| {
        b.iter(|| {
            let aid = scattered.draw() + 1;
            let text = format!("SELECT abalance FROM accounts WHERE aid = {aid};");
            sql.session.parse(&text).unwrap()
        });
    });
    group.throughput(Throughput::Elements(u64::from(COPIED)));
    group.bench_function("COPY of 1,000 rows", |b| {
        let batch = || {
            fresh += COPIED;
            lines(fresh)
        };
        b.iter_batched(batch, |data| sql.copy(data.as_bytes()), BatchSize::SmallInput);
    });
    group.finish();
    sql.session.end();
    sql.database.close();
}

/// Bind, Execute and Sync, as a driver sends them.
fn messages() -> BytesMut {
    let mut input = BytesMut::new();
    // No name, the statement's name, text, one parameter, text.
    let bind: &[u8] = b"\0P0_0\0\0\0\0\x01\0\0\0\x0512345\0\0";
    for (kind, body) in [(b'B', bind), (b'E', b"\0\0\0\0\0".as_slice()), (b'S', b"".as_slice())] {
        input.put_u8(kind);
        input.put_u32(body.len() as u32 + 4);
        input.put_slice(body);
    }
    input
}

fn protocol(c: &mut Criterion) {
    let mut group = c.benchmark_group("server");
    let sent = messages();
    group.bench_function("read Bind, Execute, Sync", |b| {
        b.iter(|| {
            let (mut input, mut count) = (sent.clone(), 0);
            while let Some((kind, body)) = frame::next(&mut input).unwrap() {
                count += 1;
                if kind == b'B' {
                    let mut fields = frame::Fields(&body);
                    black_box((fields.string().unwrap(), fields.string().unwrap()));
                    black_box((fields.int16s().unwrap(), fields.values().unwrap()));
                    black_box(fields.int16s().unwrap());
                }
            }
            assert_eq!(count, 3);
        });
    });
    let kinds = [("aid", Type::Int4), ("bid", Type::Int4), ("filler", Type::Text)];
    let columns = kinds.map(|(name, kind)| OutputColumn {
        name: name.into(),
        ty: TypeMod::plain(kind),
        origin: None,
        position: None,
    });
    let row = [Datum::Int32(12_345), Datum::Int32(-7), Datum::Text("x".repeat(84))];
    let (style, mut scratch, mut out) =
        (Style::default(), reply::Scratch::default(), BytesMut::new());
    for (name, formats) in [("DataRow in text", [0i16]), ("DataRow in binary", [1])] {
        group.bench_function(name, |b| {
            b.iter(|| {
                out.clear();
                reply::data_row(&mut out, &row, &columns, &formats, &style, &mut scratch).unwrap();
                out.len()
            });
        });
    }
    group.finish();
}

fn main() {
    let criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    let mut criterion = criterion.configure_from_args();
    storage(&mut criterion);
    transactions(&mut criterion);
    statements(&mut criterion);
    protocol(&mut criterion);
    criterion.final_summary();
}
