//! The report for the terminal.

use indicatif::HumanCount;

use super::cost::Ratio;
use super::report::{Comparison, Medians, Previous, Report, Side};
use super::timed::Aborts;

const HEAD: [&str; 12] = [
    "workload",
    "unit",
    "PG",
    "cairn",
    "ratio",
    "rounds",
    "PG p99 ms",
    "cairn",
    "PG CPU us",
    "cairn",
    "PG KB",
    "cairn",
];

/// A number with as many digits as matter.
pub fn number(value: f64) -> String {
    if value >= 1000.0 {
        HumanCount(value.round() as u64).to_string()
    } else if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// The throughput of a side, or why there is none.
pub fn throughput(side: &Side) -> String {
    match &side.median {
        Some(median) => number(median.throughput),
        None if side.refused.is_some() => "not available".into(),
        None => "failed".into(),
    }
}

/// The smallest and the largest ratio of the rounds.
pub fn spread(comparison: &Comparison) -> Option<(f64, f64)> {
    let ratios = comparison.ratios.iter().copied();
    ratios.clone().reduce(f64::min).zip(ratios.reduce(f64::max))
}

fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), number)
}

fn line(comparison: &Comparison, previous: Option<&Previous>) -> Vec<String> {
    let sides = [&comparison.postgresql, &comparison.cairn];
    let spread = spread(comparison).filter(|_| comparison.ratio.is_some());
    let spread = spread.map(|(low, high)| format!("{low:.2}..{high:.2}"));
    let mut cells = vec![
        comparison.name.clone(),
        comparison.unit.name().into(),
        throughput(sides[0]),
        throughput(sides[1]),
        comparison.ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.2}")),
        spread.unwrap_or_else(|| "-".into()),
    ];
    let values: [fn(&Medians) -> Option<f64>; 3] = [
        |median| median.latency.map(|latency| latency.p99_ms),
        |median| Some(median.cpu_us_per_operation),
        |median| median.written_kb_per_operation,
    ];
    for value in values {
        for side in sides {
            cells.push(optional(side.median.as_ref().and_then(value)));
        }
    }
    if let Some(previous) = previous {
        let change = previous.ratio(&comparison.name).zip(comparison.ratio);
        let change = change.map(|(then, now)| format!("{:+.0}%", (now / then - 1.0) * 100.0));
        cells.push(change.unwrap_or_else(|| "-".into()));
    }
    cells
}

/// Lines of cells, as wide as the widest of their column; the first two are flush left.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        for (column, (cell, width)) in line.iter().zip(widths.iter().copied()).enumerate() {
            let padded = match column {
                0 | 1 => format!("{cell:<width$}  "),
                _ => format!("{cell:>width$}  "),
            };
            text.push_str(&padded);
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// What a side had to try again, and its part of all tries.
fn aborts(side: &Side) -> Option<String> {
    let (Aborts { serialization_failures, deadlocks, given_up }, done) = side.aborts()?;
    let aborted = serialization_failures + deadlocks;
    let percent = aborted as f64 * 100.0 / (aborted + done).max(1) as f64;
    let tries =
        format!("{serialization_failures} x 40001, {deadlocks} x 40P01 ({percent:.2} % of tries)");
    Some(match given_up {
        0 => tries,
        _ => format!("{tries}, {given_up} given up after all of theirs"),
    })
}

fn ratio(ratio: Option<Ratio>) -> String {
    match ratio {
        Some(Ratio { median, low, high }) => format!("{median:.3} ({low:.3}..{high:.3})"),
        None => "-".into(),
    }
}

/// The report as a table, with what is not in it behind it.
pub fn text(report: &Report, previous: Option<&Previous>) -> String {
    let mut head: Vec<String> = HEAD.map(String::from).to_vec();
    if previous.is_some() {
        head.push("change".into());
    }
    let mut lines = vec![head];
    lines.extend(report.comparisons.iter().map(|comparison| line(comparison, previous)));
    let mut text = match report.comparisons.is_empty() {
        true => String::new(),
        false => aligned(&lines),
    };
    for floor in &report.floors {
        let cpu_us = floor.server.median.as_ref().map(|median| median.cpu_us_per_operation);
        let (amount, cpu_us) = (throughput(&floor.server), optional(cpu_us));
        let unit = floor.unit.name();
        text += &format!("{}: {amount} {unit}, {cpu_us} us of CPU each\n", floor.name);
    }
    for comparison in &report.comparisons {
        let sides = [("PostgreSQL", &comparison.postgresql), ("cairn", &comparison.cairn)];
        for (server, aborts) in sides.map(|(server, side)| (server, aborts(side))) {
            if let Some(aborts) = aborts {
                text += &format!("{} {server} aborted: {aborts}\n", comparison.name);
            }
        }
    }
    for cost in &report.costs {
        text += &format!(
            "{}: SERIALIZABLE / REPEATABLE READ: PostgreSQL {}, cairn {}\n",
            cost.name,
            ratio(cost.postgresql),
            ratio(cost.cairn)
        );
    }
    for comparison in &report.comparisons {
        for (name, side) in [("PostgreSQL", &comparison.postgresql), ("cairn", &comparison.cairn)] {
            if let Some(why) = side.failed.as_ref().or(side.refused.as_ref()) {
                text += &format!("{} {name}: {why}\n", comparison.name);
            }
        }
    }
    text
}
