//! Running PostgreSQL's own load generator, and reading what it prints and logs.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use hdrhistogram::Histogram;

use super::servers::Server;
use super::timed::{Aborts, Latency, Timed, histogram};
use crate::tpcc::{Isolation, Result};

/// Part of the transactions whose latencies are logged: enough for a p99, too few to cost much.
const SAMPLING_RATE: &str = "0.1";
/// The machine has few cores, and the server needs some.
const THREADS: &str = "2";
/// Times that a transaction is tried at a level at which it may be aborted.
const MAX_TRIES: &str = "1000";
/// Lines of pgbench's complaints that are passed on.
const SHOWN_LINES: usize = 3;

/// What a transaction is.
pub enum Script {
    /// One of pgbench's own, by name.
    Builtin(&'static str),
    /// In pgbench's language.
    Text(String),
}

/// A load.
pub struct Load {
    /// What each transaction does.
    pub script: Script,
    /// How statements are sent: `simple` or `prepared`.
    pub mode: &'static str,
    /// Connections.
    pub clients: usize,
    /// Whether each transaction has a connection of its own.
    pub reconnect: bool,
    /// The level of transactions, which are tried again until they commit. With none they run at the
    /// server's own, and fail once and for all.
    pub isolation: Option<Isolation>,
}

/// Runs a load for a time.
pub async fn run(bin: &Path, server: &Server, load: &Load, duration_s: u64) -> Result<Timed> {
    let scratch = tempfile::tempdir()?;
    let mut command = pgbench(bin, server);
    command.args(["-n", "-j", THREADS, "-M", load.mode, "-l", "--sampling-rate", SAMPLING_RATE]);
    command.arg("--log-prefix").arg(scratch.path().join("log"));
    command.args(["-c", &load.clients.to_string(), "-T", &duration_s.to_string()]);
    match &load.script {
        Script::Builtin(name) => command.args(["-b", *name]),
        Script::Text(text) => {
            let path = scratch.path().join("script");
            std::fs::write(&path, text)?;
            command.arg("-f").arg(path)
        }
    };
    if load.reconnect {
        command.arg("-C");
    }
    if let Some(isolation) = load.isolation {
        let level = isolation.sql().to_lowercase().replace(' ', "\\ ");
        command.env("PGOPTIONS", format!("-c default_transaction_isolation={level}"));
        command.args(["--max-tries", MAX_TRIES]);
    }
    command.arg("postgres");
    let printed = Printed::parse(&output(command).await?)?;
    // What is being tried again when the time is over counts as failed.
    let cut_off = if load.isolation.is_some() { load.clients as u64 } else { 0 };
    if printed.failed > cut_off {
        return Err(format!("{} transactions failed", printed.failed).into());
    }
    let mut latencies_us = histogram()?;
    for entry in std::fs::read_dir(scratch.path())? {
        let entry = entry?;
        // One a thread.
        if entry.file_name().to_string_lossy().starts_with("log") {
            read_log(&std::fs::read_to_string(entry.path())?, &mut latencies_us);
        }
    }
    Ok(Timed {
        throughput: printed.tps,
        operations: printed.transactions,
        latency: Latency::of(&latencies_us),
        // One statement on one row deadlocks with nobody.
        aborts: printed
            .retries
            .map(|count| Aborts { serialization_failures: count, ..Aborts::default() }),
    })
}

/// Makes and fills pgbench's tables; gives the seconds that took.
pub async fn init(bin: &Path, server: &Server, scale: u32) -> Result<f64> {
    let mut command = pgbench(bin, server);
    command.args(["-i", "-q", "-s", &scale.to_string(), "postgres"]);
    let started = Instant::now();
    output(command).await?;
    Ok(started.elapsed().as_secs_f64())
}

fn pgbench(bin: &Path, server: &Server) -> Command {
    let mut command = Command::new(bin.join("pgbench"));
    command.args(["-h", &server.host(), "-U", "postgres", "-p", &server.port.to_string()]);
    command
}

async fn output(mut command: Command) -> Result<String> {
    let output = tokio::task::spawn_blocking(move || command.output())
        .await?
        .map_err(|error| format!("could not run pgbench: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaints = String::from_utf8_lossy(&output.stderr);
    let first: Vec<&str> = complaints.lines().take(SHOWN_LINES).collect();
    Err(format!("pgbench failed ({}): {}", output.status, first.join(" / ")).into())
}

/// The end of pgbench's output.
#[derive(Debug, PartialEq)]
pub struct Printed {
    /// Transactions a second.
    pub tps: f64,
    /// Transactions that ended well.
    pub transactions: u64,
    /// Transactions that did not.
    pub failed: u64,
    /// Tries after the first ones, if there may be any.
    pub retries: Option<u64>,
}

impl Printed {
    /// Reads what pgbench 15 prints.
    pub fn parse(text: &str) -> Result<Printed> {
        let number = |label: &str| {
            let values = text.lines().filter_map(|line| line.strip_prefix(label));
            let value = values.filter_map(|rest| rest.split_whitespace().next()).next();
            value.ok_or_else(|| format!("pgbench does not say {label:?}"))
        };
        let retries = number("total number of retries: ").ok();
        Ok(Printed {
            tps: number("tps = ")?.parse()?,
            transactions: number("number of transactions actually processed: ")?.parse()?,
            failed: number("number of failed transactions: ")?.parse()?,
            retries: retries.map(str::parse::<u64>).transpose()?,
        })
    }
}

/// Adds the latencies of a log: the third field of each line, unless the transaction failed.
pub fn read_log(text: &str, latencies_us: &mut Histogram<u64>) {
    for line in text.lines() {
        if let Some(us) = line.split(' ').nth(2).and_then(|field| field.parse().ok()) {
            latencies_us.saturating_record(us);
        }
    }
}
