//! Benchmarks that run against any server that speaks PostgreSQL's protocol.

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
}

fn main() -> ExitCode {
    let Command::Tpcc(command) = Cli::parse().command;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(tpcc::run(command)),
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
