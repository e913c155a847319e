//! Benchmarks that run against any server that speaks PostgreSQL's protocol.

mod compare;
mod floor;
mod tpcc;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Benchmarks for cairn and PostgreSQL.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// TPC-C: order entry of a wholesale supplier.
    #[command(subcommand)]
    Tpcc(tpcc::Command),
    /// Compare cairn with PostgreSQL: throwaway servers, the same workloads in turn.
    Compare(compare::Compare),
    /// Serve canned answers to pgbench -S: the least that a server could cost.
    Floor(floor::Floor),
}

async fn run(command: Command) -> tpcc::Result<bool> {
    match command {
        Command::Tpcc(command) => tpcc::run(command).await,
        Command::Compare(options) => compare::run(&options).await,
        Command::Floor(options) => floor::run(&options).map(|()| true),
    }
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(command)),
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            let mut source = error.source();
            while let Some(inner) = source {
                eprintln!("  caused by: {inner}");
                source = inner.source();
            }
            ExitCode::FAILURE
        }
    }
}
