//! cairn beside PostgreSQL: throwaway servers, the same workloads on both in turn.
//!
//! * [`servers`] starts and ends the servers; [`usage`] reads what they used.
//! * [`workloads`] is the list of what is measured. [`data`] fills the tables it wants,
//!   [`pgbench`] and [`bulk`] do the work, TPC-C is [`crate::tpcc`]'s.
//! * [`rounds`] goes through the workloads, one server after the other; a [`timed`] run and its use
//!   make a round of the [`report`].
//! * [`table`] and [`readme`] show the report, [`cost`] compares levels in it; [`machine`] says where it
//!   was made.

mod bulk;
mod cost;
mod data;
mod machine;
mod pgbench;
mod readme;
mod report;
mod rounds;
mod servers;
mod table;
#[cfg(test)]
mod tests;
mod timed;
mod usage;
mod workloads;

use std::path::PathBuf;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::tpcc::Result;
use report::Previous;
use rounds::Bench;
use workloads::Workload;

#[derive(Args)]
pub struct Compare {
    /// Times that each workload runs on each server.
    #[arg(
        long, value_name = "N", default_value_t = 3,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    rounds: u32,
    /// How long a run takes, in seconds.
    #[arg(
        long, value_name = "S", default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    duration_s: u64,
    /// Scale factor of pgbench.
    #[arg(
        long, value_name = "N", default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    scale: u32,
    /// PostgreSQL's shared buffers and cairn's block cache, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    cache_mb: u32,
    /// Rows of a COPY.
    #[arg(
        long, value_name = "N", default_value_t = 1_000_000,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    copy_rows: u32,
    /// Run only workloads whose name contains this. May be repeated.
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Print the names of the workloads, and do nothing.
    #[arg(long)]
    list: bool,
    /// Connect by TCP. By default clients use Unix sockets, which cost both servers less.
    #[arg(long)]
    tcp: bool,
    /// The cairn program. By default it is beside this one.
    #[arg(long, value_name = "PATH")]
    cairn: Option<PathBuf>,
    /// Where PostgreSQL's programs are.
    #[arg(long, value_name = "DIR", default_value = "/usr/lib/postgresql/15/bin")]
    postgres_bin: PathBuf,
    /// Where the data directories are made. By default in the system's directory for such.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Keep the data directories.
    #[arg(long)]
    keep: bool,
    /// Write all that was measured to this file, as JSON.
    #[arg(long, value_name = "FILE", default_value = "compare.json")]
    output: PathBuf,
    /// Show how ratios changed since an earlier --output.
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// Rewrite this file between its lines `<!-- benchmark -->` and `<!-- /benchmark -->`.
    #[arg(long, value_name = "FILE")]
    readme: Option<PathBuf>,
}

/// Compares; false if a workload failed.
pub async fn run(options: &Compare) -> Result<bool> {
    let mut terminate = signal(SignalKind::terminate())?;
    // Whatever comes first: dropping the rest ends the servers.
    tokio::select! {
        done = compare(options) => done,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            Err("interrupted".into())
        }
        _ = terminate.recv() => Err("terminated".into()),
    }
}

async fn compare(options: &Compare) -> Result<bool> {
    let mut workloads = workloads::all();
    let wanted = |workload: &Workload| {
        options.only.is_empty() || options.only.iter().any(|part| workload.name.contains(part))
    };
    workloads.retain(wanted);
    if options.list {
        for workload in &workloads {
            println!("{}", workload.name);
        }
        return Ok(true);
    }
    if workloads.is_empty() {
        return Err("no workload has such a name; --list shows them".into());
    }
    // What would fail in the end should fail now.
    let previous = options.previous.as_deref().map(Previous::read).transpose()?;
    if let Some(path) = &options.readme {
        readme::check(path)?;
    }
    let mut bench = Bench::start(options, &workloads)?;
    for family in workloads.chunk_by(|one, next| one.family() == next.family()) {
        bench.run(family).await;
        // Hours of measuring should not be lost to what comes behind.
        bench.report().write(&options.output)?;
    }
    let report = bench.finish();
    println!("{}", table::text(&report, previous.as_ref()));
    if let Some(path) = &options.readme {
        readme::rewrite(path, &report)?;
    }
    Ok(!report.has_failures())
}
