//! What was measured, as it is written down and read again.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tokio_postgres::error::SqlState;

use super::Compare;
use super::cost::Cost;
use super::machine::Machine;
use super::timed::{Aborts, Latency, Timed};
use super::usage::Usage;
use super::workloads::Workload;
use crate::tpcc::{Error, Result, describe};

/// Of a throughput.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Tps,
    RowsPerS,
    NewOrdersPerMin,
    /// Not a throughput, but how long it took.
    Seconds,
}

impl Unit {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Tps => "tps",
            Unit::RowsPerS => "rows/s",
            Unit::NewOrdersPerMin => "New-Orders/min",
            Unit::Seconds => "s",
        }
    }

    /// How many times as fast as PostgreSQL cairn is.
    pub fn ratio(self, postgresql: f64, cairn: f64) -> f64 {
        match self {
            Unit::Seconds => postgresql / cairn,
            _ => cairn / postgresql,
        }
    }
}

/// A run on a server, and what that used.
#[derive(Serialize)]
pub struct Round {
    throughput: f64,
    operations: u64,
    latency: Option<Latency>,
    aborts: Option<Aborts>,
    server_cpu_s: f64,
    disk_written_bytes: Option<u64>,
}

impl Round {
    /// From a run and its use.
    pub fn new(timed: &Timed, usage: &Usage) -> Round {
        Round {
            throughput: timed.throughput,
            operations: timed.operations,
            latency: timed.latency,
            aborts: timed.aborts,
            server_cpu_s: usage.cpu_s,
            disk_written_bytes: usage.written_bytes,
        }
    }

    /// In a few words.
    pub fn summary(&self, unit: Unit) -> String {
        let latency = self.latency.map(|latency| format!(", p99 {:.2} ms", latency.p99_ms));
        let latency = latency.unwrap_or_default();
        let aborts = self.aborts.map(|aborts| {
            let Aborts { serialization_failures, deadlocks, given_up } = aborts;
            format!(", {serialization_failures} x 40001, {deadlocks} x 40P01, {given_up} given up")
        });
        let aborts = aborts.unwrap_or_default();
        format!("{:.1} {}{latency}{aborts}", self.throughput, unit.name())
    }

    /// In the workload's unit.
    pub fn throughput(&self) -> f64 {
        self.throughput
    }
}

/// The medians of some rounds, each value by itself.
#[derive(Serialize)]
pub struct Medians {
    pub throughput: f64,
    pub latency: Option<Latency>,
    pub cpu_us_per_operation: f64,
    pub written_kb_per_operation: Option<f64>,
}

/// The value in the middle, or between the two that are; `None` of none.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get(sorted.len().saturating_sub(1) / 2)?;
    Some((lower + upper) / 2.0)
}

impl Medians {
    fn of(rounds: &[Round]) -> Option<Medians> {
        let latency = |of: fn(&Latency) -> f64| {
            median(rounds.iter().filter_map(|round| round.latency.as_ref()).map(of))
        };
        let latency = || {
            Some(Latency {
                p50_ms: latency(|latency| latency.p50_ms)?,
                p95_ms: latency(|latency| latency.p95_ms)?,
                p99_ms: latency(|latency| latency.p99_ms)?,
            })
        };
        let each = |amount: f64, round: &Round| amount / round.operations.max(1) as f64;
        let cpu_us = rounds.iter().map(|round| each(round.server_cpu_s * 1e6, round));
        let written_kb = rounds.iter().filter_map(|round| {
            round.disk_written_bytes.map(|bytes| each(bytes as f64 / 1024.0, round))
        });
        Some(Medians {
            throughput: median(rounds.iter().map(|round| round.throughput))?,
            latency: latency(),
            cpu_us_per_operation: median(cpu_us)?,
            written_kb_per_operation: median(written_kb),
        })
    }
}

/// What one server did with a workload.
#[derive(Default, Serialize)]
pub struct Side {
    rounds: Vec<Round>,
    /// Why it does not do it at all.
    pub refused: Option<String>,
    /// Why it should have, and did not.
    pub failed: Option<String>,
    /// Of the rounds, if it came to the end.
    pub median: Option<Medians>,
}

impl Side {
    /// What was measured.
    pub fn rounds(&self) -> &[Round] {
        &self.rounds
    }

    /// The aborts of all rounds, and the transactions that did not abort in the end; `None` if
    /// nothing can be tried again.
    pub fn aborts(&self) -> Option<(Aborts, u64)> {
        let counted =
            self.rounds.iter().filter_map(|round| Some((round.aborts?, round.operations)));
        counted.reduce(|one, other| (one.0.and(other.0), one.1 + other.1))
    }

    /// Whether there is something left to measure.
    pub fn is_open(&self) -> bool {
        self.refused.is_none() && self.failed.is_none()
    }

    /// Notes a round.
    pub fn add(&mut self, round: Round) {
        self.rounds.push(round);
    }

    /// Notes an error, which is the end.
    pub fn end(&mut self, error: &Error) {
        let code = error.downcast_ref::<tokio_postgres::Error>().and_then(|error| error.code());
        match code == Some(&SqlState::FEATURE_NOT_SUPPORTED) {
            true => self.refused = Some(describe(error)),
            false => self.failed = Some(describe(error)),
        }
    }

    fn finish(&mut self) {
        if self.is_open() {
            self.median = Medians::of(&self.rounds);
        }
    }
}

/// A workload on both servers.
#[derive(Serialize)]
pub struct Comparison {
    pub name: String,
    pub title: String,
    pub unit: Unit,
    pub headline: bool,
    pub postgresql: Side,
    pub cairn: Side,
    /// Of the medians; above 1 cairn is faster.
    pub ratio: Option<f64>,
    /// Of each round.
    pub ratios: Vec<f64>,
}

/// A workload on the server that does nothing.
#[derive(Serialize)]
pub struct Floor {
    pub name: String,
    pub unit: Unit,
    pub server: Side,
}

/// How it was measured.
#[derive(Serialize)]
pub struct Settings {
    pub rounds: u32,
    pub duration_s: u64,
    pub scale: u32,
    pub cache_mb: u32,
    pub copy_rows: u32,
    /// By TCP, or by Unix sockets.
    pub tcp: bool,
}

/// Everything.
#[derive(Serialize)]
pub struct Report {
    pub machine: Machine,
    pub settings: Settings,
    pub comparisons: Vec<Comparison>,
    pub costs: Vec<Cost>,
    pub floors: Vec<Floor>,
}

impl Report {
    /// With nothing in it yet.
    pub fn new(options: &Compare, machine: Machine) -> Report {
        let settings = Settings {
            rounds: options.rounds,
            duration_s: options.duration_s,
            scale: options.scale,
            cache_mb: options.cache_mb,
            copy_rows: options.copy_rows,
            tcp: options.tcp,
        };
        let (comparisons, costs, floors) = (Vec::new(), Vec::new(), Vec::new());
        Report { machine, settings, comparisons, costs, floors }
    }

    /// Notes what PostgreSQL and cairn, or only the floor, did.
    pub fn add(&mut self, workload: &Workload, sides: impl Iterator<Item = Side>) {
        let mut sides = sides.map(|mut side| {
            side.finish();
            side
        });
        let mut side = || sides.next().unwrap_or_default();
        let (name, unit) = (workload.name.clone(), workload.unit);
        if workload.floor {
            self.floors.push(Floor { name, unit, server: side() });
            return;
        }
        let (postgresql, cairn) = (side(), side());
        let ratio = postgresql.median.as_ref().zip(cairn.median.as_ref());
        let rounds = postgresql.rounds.iter().zip(&cairn.rounds);
        let comparison = Comparison {
            title: workload.title.clone(),
            headline: workload.headline,
            ratio: ratio
                .map(|(postgresql, cairn)| unit.ratio(postgresql.throughput, cairn.throughput)),
            ratios: rounds
                .map(|(postgresql, cairn)| unit.ratio(postgresql.throughput, cairn.throughput))
                .collect(),
            name,
            unit,
            postgresql,
            cairn,
        };
        self.costs.extend(Cost::of(&comparison, &self.comparisons));
        self.comparisons.push(comparison);
    }

    /// Whether something went wrong.
    pub fn has_failures(&self) -> bool {
        let compared = self.comparisons.iter();
        let mut sides = compared
            .flat_map(|comparison| [&comparison.postgresql, &comparison.cairn])
            .chain(self.floors.iter().map(|floor| &floor.server));
        sides.any(|side| side.failed.is_some())
    }

    /// Writes it down.
    pub fn write(&self, path: &Path) -> Result<()> {
        std::fs::write(path, serde_json::to_string_pretty(self)?)
            .map_err(|error| format!("could not write {}: {error}", path.display()).into())
    }
}

/// What is of interest of an earlier report.
#[derive(Deserialize)]
pub struct Previous {
    comparisons: Vec<PreviousRatio>,
}

#[derive(Deserialize)]
struct PreviousRatio {
    name: String,
    ratio: Option<f64>,
}

impl Previous {
    /// Reads what [`Report::write`] wrote.
    pub fn read(path: &Path) -> Result<Previous> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("could not read {}: {error}", path.display()))?;
        serde_json::from_str(&text)
            .map_err(|error| format!("{} is no report: {error}", path.display()).into())
    }

    /// The ratio of a workload then.
    pub fn ratio(&self, name: &str) -> Option<f64> {
        self.comparisons.iter().find(|comparison| comparison.name == name)?.ratio
    }
}
