//! The report for the README: the main workloads as Markdown, between two lines of it.

use std::path::Path;

use super::report::Report;
use super::table::{spread, throughput};
use crate::tpcc::Result;

const OPEN: &str = "<!-- benchmark -->\n";
const CLOSE: &str = "<!-- /benchmark -->";

/// Fails if a file has no place for the table.
pub fn check(path: &Path) -> Result<()> {
    between(&read(path)?, "").map(|_| ())
}

/// Puts the table in its place.
pub fn rewrite(path: &Path, report: &Report) -> Result<()> {
    let text = between(&read(path)?, &markdown(report))?;
    std::fs::write(path, text)
        .map_err(|error| format!("could not write {}: {error}", path.display()).into())
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| format!("could not read {}: {error}", path.display()).into())
}

/// A text with what is between the two lines replaced.
pub fn between(text: &str, inner: &str) -> Result<String> {
    let missing = |line: &str| format!("there is no line {:?}", line.trim_end());
    let (before, rest) = text.split_once(OPEN).ok_or_else(|| missing(OPEN))?;
    let (_, after) = rest.split_once(CLOSE).ok_or_else(|| missing(CLOSE))?;
    Ok(format!("{before}{OPEN}{inner}{CLOSE}{after}"))
}

fn markdown(report: &Report) -> String {
    let (machine, settings) = (&report.machine, &report.settings);
    let mut text = format!(
        "Measured by `cairn-bench compare` on {}: {} cores ({}), {} GB, caches of {} MB, \
         fsync on on both sides, clients on {}; medians of {} rounds of {} s, the servers in turn; \
         `pgbench -s {}`, TPC-C with 8 terminals without waits. A ratio above 1 means that cairn \
         is faster; behind it is its range over the rounds.\n\n",
        machine.date,
        machine.cores,
        machine.cpu,
        machine.memory_mb.div_ceil(1024),
        settings.cache_mb,
        if settings.tcp { "TCP" } else { "Unix sockets" },
        settings.rounds,
        settings.duration_s,
        settings.scale,
    );
    text += "| workload | PostgreSQL 15 | cairn | ratio (rounds) |\n|---|---:|---:|---:|\n";
    for comparison in report.comparisons.iter().filter(|comparison| comparison.headline) {
        let ratio = match comparison.ratio.zip(spread(comparison)) {
            Some((ratio, (low, high))) => format!("{ratio:.2} ({low:.2} to {high:.2})"),
            None => String::new(),
        };
        text += &format!(
            "| {} | {} | {} | {ratio} |\n",
            comparison.title,
            throughput(&comparison.postgresql),
            throughput(&comparison.cairn)
        );
    }
    text
}
