//! Where and when a report was made, and of what: without these its numbers mean nothing.

use std::path::Path;
use std::process::Command;

use serde::Serialize;

use super::Compare;
use super::servers::cairn_program;
use crate::tpcc::Result;

/// The facts.
#[derive(Serialize)]
pub struct Machine {
    pub cores: usize,
    pub cpu: String,
    pub memory_mb: u64,
    pub kernel: String,
    pub date: String,
    pub postgresql: String,
    pub cairn: String,
    /// Of the working directory's repository, if it is one.
    pub commit: Option<String>,
}

/// The value behind `name :` in a file of /proc.
fn fact(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = pairs.find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned())
}

fn first_line(program: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}

impl Machine {
    /// Asks the machine and the programs; what cannot be found out is empty.
    pub fn read(options: &Compare) -> Result<Machine> {
        let memory = fact("/proc/meminfo", "MemTotal").unwrap_or_default();
        let memory_kb = memory.split(' ').next().and_then(|number| number.parse::<u64>().ok());
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let version = |program: &Path| first_line(program, &["--version"]).unwrap_or_default();
        Ok(Machine {
            cores: std::thread::available_parallelism()?.get(),
            cpu: fact("/proc/cpuinfo", "model name").unwrap_or_default(),
            memory_mb: memory_kb.unwrap_or(0) / 1024,
            kernel: kernel.trim().to_owned(),
            date: chrono::Utc::now().format("%Y-%m-%d %H:%M UTC").to_string(),
            postgresql: version(&options.postgres_bin.join("postgres")),
            cairn: version(&cairn_program(options)?),
            commit: first_line(Path::new("git"), &["describe", "--always", "--dirty"]),
        })
    }
}
