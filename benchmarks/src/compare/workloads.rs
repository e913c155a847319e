//! What is measured: the list of workloads, and how each runs.

use super::data::Data;
use super::pgbench::{self, Load, Script};
use super::report::Unit;
use super::servers::Server;
use super::timed::{Aborts, Latency, Timed};
use super::{Compare, bulk};
use crate::tpcc::{self, Isolation, Result, Terminals, connect};

/// Terminals of TPC-C.
const TERMINALS: usize = 8;
/// Credit checks that make it TPC-C++.
const CREDIT_CHECK_PERCENT: i32 = 4;
/// Rows of pgbench_accounts for each unit of scale.
const ACCOUNTS_PER_SCALE: u64 = 100_000;

/// A hundred rows of [`Data::RangeRows`], by its index.
const RANGE_SCRIPT: &str = "\\set low random(0, 199900)\n\\set high :low + 100\n\
    SELECT id, amount, note FROM range_rows WHERE amount >= :low AND amount < :high \
    ORDER BY amount LIMIT 100;\n";
const HOT_SCRIPT: &str = "UPDATE hot_row SET hits = hits + 1 WHERE id = 1;\n";

/// SIBENCH (Cahill, "Serializable Isolation for Snapshot Databases", 2009, section 5.2): each transaction changes
/// one row or looks for the least value of all, so every update is an rw-conflict with every query
/// beside it. Rows, percent of updates, and a name for the mix.
const SIBENCH: [(u32, u32, &str); 4] =
    [(10, 50, "half"), (100, 50, "half"), (1000, 50, "half"), (100, 10, "mostly-reads")];

/// pgbench's own scripts: for our names, for its, and for people.
const BUILTINS: [(&str, &str, &str); 3] = [
    ("select", "select-only", "-S"),
    ("update", "simple-update", "-N"),
    ("tpcb", "tpcb-like", "TPC-B"),
];

/// What there is to do.
enum Task {
    Pgbench(Load),
    /// Making pgbench's tables.
    Init,
    Tpcc(Terminals),
    Copy,
    Insert,
}

/// Something to measure.
pub struct Workload {
    /// For `--only` and for comparing reports, so it stays as it is.
    pub name: String,
    /// For people.
    pub title: String,
    /// Of its throughput.
    pub unit: Unit,
    /// The tables it wants.
    pub data: Data,
    /// Whether the README shows it.
    pub headline: bool,
    /// Whether it runs on the server that does nothing, instead of the two others.
    pub floor: bool,
    task: Task,
}

/// All workloads, those on the same tables together and those that only read first.
pub fn all() -> Vec<Workload> {
    let mut all = vec![Workload {
        name: "init".into(),
        title: "pgbench -i (s)".into(),
        unit: Unit::Seconds,
        data: Data::Accounts,
        headline: true,
        floor: false,
        task: Task::Init,
    }];
    for (kind, builtin, title) in BUILTINS {
        for mode in ["simple", "prepared"] {
            for clients in [1, 8, 32, 256] {
                let script = Script::Builtin(builtin);
                let load = Load { script, mode, clients, reconnect: false, isolation: None };
                all.push(Workload {
                    headline: clients == 8 || (kind, mode, clients) == ("tpcb", "prepared", 32),
                    ..of_load(kind, &format!("pgbench {title} {mode}"), Data::Accounts, load)
                });
            }
        }
    }
    let script = Script::Builtin("select-only");
    let load = Load { script, mode: "simple", clients: 8, reconnect: true, isolation: None };
    all.push(of_load("connect", "pgbench -C -S simple", Data::Accounts, load));
    let script = Script::Text(RANGE_SCRIPT.into());
    let load = Load { script, mode: "prepared", clients: 8, reconnect: false, isolation: None };
    all.push(of_load("range", "100 rows by a secondary index, prepared", Data::RangeRows, load));
    for clients in [8, 32] {
        let script = Script::Text(HOT_SCRIPT.into());
        let load = Load { script, mode: "prepared", clients, reconnect: false, isolation: None };
        all.push(Workload {
            headline: clients == 8,
            ..of_load("hot-row", "update of one row, prepared", Data::HotRow, load)
        });
    }
    all.push(of_bulk("insert/simple/8", "INSERT of 100 rows, 8 clients (rows/s)", Task::Insert));
    all.push(of_bulk("copy", "COPY FROM STDIN (rows/s)", Task::Copy));
    for (rows, updates, mix) in SIBENCH {
        for isolation in [Isolation::RepeatableRead, Isolation::Serializable] {
            all.push(of_sibench(rows, updates, mix, isolation));
        }
    }
    for warehouses in [2, 10] {
        for isolation in
            [Isolation::ReadCommitted, Isolation::RepeatableRead, Isolation::Serializable]
        {
            all.push(of_tpcc("tpcc", "TPC-C", warehouses, 0, isolation));
        }
    }
    for isolation in [Isolation::RepeatableRead, Isolation::Serializable] {
        all.push(Workload {
            headline: false,
            ..of_tpcc("tpcc++", "TPC-C++", 10, CREDIT_CHECK_PERCENT, isolation)
        });
    }
    for mode in ["simple", "prepared"] {
        let script = Script::Builtin("select-only");
        let load = Load { script, mode, clients: 8, reconnect: false, isolation: None };
        all.push(Workload {
            headline: false,
            floor: true,
            ..of_load("floor/select", &format!("pgbench -S {mode}"), Data::Nothing, load)
        });
    }
    all
}

fn of_load(kind: &str, title: &str, data: Data, load: Load) -> Workload {
    let plural = if load.clients == 1 { "" } else { "s" };
    Workload {
        name: format!("{kind}/{}/{}", load.mode, load.clients),
        title: format!("{title}, {} client{plural} (tps)", load.clients),
        unit: Unit::Tps,
        data,
        headline: true,
        floor: false,
        task: Task::Pgbench(load),
    }
}

/// A level as the last part of a workload's name.
fn level_name(isolation: Isolation) -> String {
    isolation.sql().to_lowercase().replace(' ', "-")
}

fn of_tpcc(
    kind: &str,
    title: &str,
    warehouses: i32,
    credit_check: i32,
    isolation: Isolation,
) -> Workload {
    let level = isolation.sql();
    Workload {
        name: format!("{kind}/{warehouses}/{}", level_name(isolation)),
        title: format!("{title}, {warehouses} warehouses, {level} (New-Orders/min)"),
        unit: Unit::NewOrdersPerMin,
        data: Data::Warehouses(warehouses),
        headline: true,
        floor: false,
        task: Task::Tpcc(Terminals { count: TERMINALS, warehouses, isolation, credit_check }),
    }
}

fn of_sibench(rows: u32, updates: u32, mix: &str, isolation: Isolation) -> Workload {
    let level = isolation.sql();
    let script = Script::Text(format!(
        "\\set id random(1, {rows})\n\\set kind random(1, 100)\n\\if :kind <= {updates}\n\
         UPDATE sibench SET v = v + 1 WHERE id = :id;\n\\else\n\
         SELECT id FROM sibench ORDER BY v LIMIT 1;\n\\endif\n"
    ));
    let isolation_name = level_name(isolation);
    let isolation = Some(isolation);
    let load = Load { script, mode: "prepared", clients: 8, reconnect: false, isolation };
    Workload {
        name: format!("sibench/{rows}/{mix}/{isolation_name}"),
        title: format!("SIBENCH, {rows} rows, {updates} % updates, {level}, 8 clients (tps)"),
        unit: Unit::Tps,
        data: Data::Sibench(rows),
        headline: false,
        floor: false,
        task: Task::Pgbench(load),
    }
}

fn of_bulk(name: &str, title: &str, task: Task) -> Workload {
    Workload {
        name: name.into(),
        title: title.into(),
        unit: Unit::RowsPerS,
        data: Data::Nothing,
        headline: true,
        floor: false,
        task,
    }
}

impl Workload {
    /// What workloads that differ only in their level have in common. They take turns, because what
    /// is of interest is what one level costs over another.
    pub fn family(&self) -> &str {
        match self.isolation().and_then(|_| self.name.rsplit_once('/')) {
            Some((family, _)) => family,
            None => &self.name,
        }
    }

    /// The level that it asks for.
    fn isolation(&self) -> Option<Isolation> {
        match &self.task {
            Task::Tpcc(terminals) => Some(terminals.isolation),
            Task::Pgbench(load) => load.isolation,
            Task::Init | Task::Copy | Task::Insert => None,
        }
    }

    /// Fails if the server refuses what the workload is about, before tables are loaded in vain.
    pub async fn probe(&self, server: &Server) -> Result<()> {
        if let Some(isolation) = self.isolation() {
            let client = connect(&server.url()).await?;
            let begin = format!("BEGIN ISOLATION LEVEL {}", isolation.sql());
            client.batch_execute(&begin).await?;
            client.batch_execute("ROLLBACK").await?;
        }
        Ok(())
    }

    /// Whether a run before the first one makes a difference that the tables do not show.
    pub fn warms_up(&self) -> bool {
        !matches!(self.task, Task::Init | Task::Copy)
    }

    /// What comes before each run, and is not measured.
    pub async fn reset(&self, server: &Server) -> Result<()> {
        match self.task {
            Task::Copy | Task::Insert => bulk::reset(&server.url()).await,
            Task::Pgbench(_) | Task::Init | Task::Tpcc(_) => Ok(()),
        }
    }

    /// Runs once. Runs of one `seed` ask for the same, where the choice is ours.
    pub async fn run(
        &self,
        server: &Server,
        options: &Compare,
        duration_s: u64,
        seed: u64,
    ) -> Result<Timed> {
        match &self.task {
            Task::Pgbench(load) => {
                pgbench::run(&options.postgres_bin, server, load, duration_s).await
            }
            Task::Init => {
                let scale = options.scale;
                let took_s = pgbench::init(&options.postgres_bin, server, scale).await?;
                let operations = u64::from(scale) * ACCOUNTS_PER_SCALE;
                Ok(Timed { throughput: took_s, operations, latency: None, aborts: None })
            }
            Task::Tpcc(terminals) => {
                let done = tpcc::measure(&server.url(), terminals, duration_s, seed).await?;
                Ok(Timed {
                    throughput: done.new_orders_per_minute,
                    operations: done.committed,
                    latency: done.new_order_us.as_ref().and_then(Latency::of),
                    aborts: Some(Aborts {
                        serialization_failures: done.serialization_failures,
                        deadlocks: done.deadlocks,
                        given_up: done.given_up,
                    }),
                })
            }
            Task::Copy => bulk::copy(&server.url(), options.copy_rows).await,
            Task::Insert => bulk::insert(&server.url(), duration_s).await,
        }
    }
}
