//! The tables that workloads want, and what is done between loading and measuring.

use indicatif::ProgressBar;

use super::servers::{Kind, Server};
use super::{Compare, bulk, pgbench};
use crate::tpcc::{self, Result, connect};

/// Connections that load TPC-C.
const LOADERS: usize = 2;
/// Rows of the table that is read by ranges of an indexed column.
const RANGE_ROWS: u64 = 200_000;
/// Has no divisor in common with the rows, so its multiples are a permutation of them.
const STRIDE: u64 = 7919;

/// Which tables. They stay until others of the same name are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// None, or such that each round makes its own.
    Nothing,
    /// pgbench's.
    Accounts,
    /// TPC-C's, of so many warehouses.
    Warehouses(i32),
    /// `range_rows`, with an index on a column that scatters.
    RangeRows,
    /// `hot_row`, of one row.
    HotRow,
    /// SIBENCH's `sibench`, of so many rows.
    Sibench(u32),
}

/// Makes and fills the tables.
pub async fn load(data: Data, server: &Server, options: &Compare) -> Result<()> {
    let url = server.url();
    match data {
        Data::Nothing => Ok(()),
        Data::Accounts => {
            pgbench::init(&options.postgres_bin, server, options.scale).await.map(|_| ())
        }
        Data::Warehouses(count) => tpcc::load(&url, count, LOADERS, ProgressBar::hidden()).await,
        Data::RangeRows => range_rows(&url).await,
        Data::HotRow => {
            let client = connect(&url).await?;
            client.batch_execute("DROP TABLE IF EXISTS hot_row").await?;
            client.batch_execute("CREATE TABLE hot_row (id int PRIMARY KEY, hits int)").await?;
            client.batch_execute("INSERT INTO hot_row (id, hits) VALUES (1, 0)").await?;
            Ok(())
        }
        Data::Sibench(rows) => {
            let client = connect(&url).await?;
            client.batch_execute("DROP TABLE IF EXISTS sibench").await?;
            client.batch_execute("CREATE TABLE sibench (id int PRIMARY KEY, v int)").await?;
            let fill = "INSERT INTO sibench (id, v) SELECT g, 0 FROM generate_series";
            client.batch_execute(&format!("{fill}(1, {rows}) g")).await?;
            Ok(())
        }
    }
}

async fn range_rows(url: &str) -> Result<()> {
    let client = connect(url).await?;
    client.batch_execute("DROP TABLE IF EXISTS range_rows").await?;
    let create = "CREATE TABLE range_rows (id int PRIMARY KEY, amount int, note text)";
    client.batch_execute(create).await?;
    client.batch_execute("CREATE INDEX range_rows_amount ON range_rows (amount)").await?;
    let rows = (0..RANGE_ROWS).map(|id| {
        let amount = id * STRIDE % RANGE_ROWS;
        format!("{id}\t{amount}\tnote number {amount} of this table")
    });
    bulk::copy_in(&client, "range_rows", rows).await?;
    Ok(())
}

/// Puts a server in order behind loading or another workload, so that neither of the two begins a
/// workload with work left over, and PostgreSQL has the statistics that it plans by.
pub async fn tidy(server: &Server) -> Result<()> {
    if server.kind == Kind::Floor {
        return Ok(());
    }
    let client = connect(&server.url()).await?;
    client.batch_execute("VACUUM ANALYZE").await?;
    if server.kind == Kind::PostgreSql {
        client.batch_execute("CHECKPOINT").await?;
    }
    Ok(())
}
