//! TPC-C (revision 5.11): loading, running and checking.
//!
//! * [`schema`] and [`load`] make the database of clause 1 and 4.3.
//! * [`transactions`] are the five of clause 2, as a normal application would write them, on the
//!   terminals' own [`client`], and TPC-C++'s credit check.
//! * [`driver`] runs terminals in the specified mix, counts and times; [`report`] shows it.
//! * [`summary`] is a run in a few numbers, for `cairn-bench compare`.
//! * [`check`] verifies the twelve consistency conditions of clause 3.3.2.

mod check;
mod client;
mod driver;
mod load;
mod random;
mod report;
mod schema;
mod summary;
#[cfg(test)]
mod tests;
mod transactions;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use indicatif::ProgressBar;
use tokio_postgres::{Client, NoTls};

pub use driver::describe;
pub use load::load;
pub use summary::{Terminals, measure};

/// Any error, shown to the user.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
/// Result of a benchmark step.
pub type Result<T> = std::result::Result<T, Error>;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Create the tables and fill them.
    Load(Load),
    /// Run terminals and report.
    Run(Run),
    /// Verify the consistency conditions of clause 3.3.2.
    Check(Check),
}

#[derive(Args)]
pub struct Load {
    #[command(flatten)]
    target: Target,
    /// Connections that load at the same time.
    #[arg(long, default_value_t = 2)]
    connections: usize,
}

#[derive(Args, Clone)]
pub struct Target {
    /// Server, as postgresql://user@host:port/database.
    #[arg(long, default_value = "postgresql://postgres@127.0.0.1:5432/postgres")]
    url: String,
    /// Number of warehouses.
    #[arg(long, default_value_t = 1)]
    warehouses: i32,
}

#[derive(Args, Clone)]
pub struct Run {
    #[command(flatten)]
    target: Target,
    /// Terminals, each with a connection of its own.
    #[arg(long, default_value_t = 8)]
    terminals: usize,
    /// How long to measure, in seconds.
    #[arg(long, value_name = "S", default_value_t = 60)]
    duration_s: u64,
    /// How long to run before measuring, in seconds.
    #[arg(long, value_name = "S", default_value_t = 5)]
    warmup_s: u64,
    /// Keep the keying and think times of clause 5.2.5.
    #[arg(long)]
    think: bool,
    /// Isolation level of all transactions.
    #[arg(long, value_enum, default_value_t = Isolation::ReadCommitted)]
    isolation: Isolation,
    /// Times a transaction is tried again after 40001 or 40P01.
    #[arg(long, default_value_t = 100)]
    retries: u32,
    /// Percent of transactions that are credit checks instead of New-Orders; 4 makes it TPC-C++.
    #[arg(
        long, value_name = "PERCENT", default_value_t = 0,
        value_parser = clap::value_parser!(i32).range(0..=45)
    )]
    credit_check: i32,
    /// Seed of the terminals' choices.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the report as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report as a page with a plot.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Append every acknowledged New-Order to this file, for `check --acknowledged`.
    #[arg(long, value_name = "FILE")]
    acknowledged: Option<PathBuf>,
}

#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    target: Target,
    /// Also look for every order in this file, written by `run --acknowledged`.
    #[arg(long, value_name = "FILE")]
    acknowledged: Option<PathBuf>,
}

/// Isolation levels by PostgreSQL's names.
#[derive(Clone, Copy, ValueEnum)]
pub enum Isolation {
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

impl Isolation {
    /// As SQL spells it.
    pub fn sql(self) -> &'static str {
        match self {
            Isolation::ReadCommitted => "READ COMMITTED",
            Isolation::RepeatableRead => "REPEATABLE READ",
            Isolation::Serializable => "SERIALIZABLE",
        }
    }
}

/// Opens a connection for all but the terminals; its driver ends with it.
pub async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(async move {
        // Its errors reach the client's own calls.
        let _ = connection.await;
    });
    Ok(client)
}

/// Carries out a command; false if a check failed.
pub async fn run(command: Command) -> Result<bool> {
    match command {
        Command::Load(load) => {
            let Target { url, warehouses } = &load.target;
            let progress = ProgressBar::new(0);
            load::load(url, *warehouses, load.connections, progress).await.map(|()| true)
        }
        Command::Run(run) => driver::run(&run).await,
        Command::Check(check) => {
            check::check(&check.target.url, check.acknowledged.as_deref()).await
        }
    }
}
