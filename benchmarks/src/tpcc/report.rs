//! The report of a run: text, JSON, and a page with a plot.

use std::collections::BTreeMap;

use plotters::prelude::*;
use serde::Serialize;

use super::driver::Tally;
use super::transactions::Kind;
use super::{Result, Run};

/// Everything a run found out.
#[derive(Serialize)]
pub struct Report {
    warehouses: i32,
    terminals: usize,
    duration_s: u64,
    isolation: &'static str,
    think_times: bool,
    credit_check_percent: i32,
    /// New-Orders a minute: tpmC.
    new_orders_per_minute: f64,
    /// Committed transactions of all kinds a second.
    commits_per_s: f64,
    transactions: Vec<Line>,
    /// Commits in each second.
    per_second: Vec<u64>,
}

#[derive(Serialize)]
struct Line {
    name: &'static str,
    committed: u64,
    rolled_back: u64,
    serialization_failures: u64,
    deadlocks: u64,
    failed: u64,
    mean_ms: f64,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

impl Report {
    /// From the tallies of all terminals.
    pub fn new(run: &Run, tallies: &BTreeMap<Kind, Tally>, per_second: Vec<u64>) -> Report {
        let ms = |us: u64| us as f64 / 1000.0;
        let lines = Kind::ALL.iter().filter_map(|kind| {
            let tally = tallies.get(kind)?;
            let latency = &tally.latency_us;
            Some(Line {
                name: kind.name(),
                committed: tally.committed,
                rolled_back: tally.rolled_back,
                serialization_failures: tally.serialization_failures,
                deadlocks: tally.deadlocks,
                failed: tally.failed,
                mean_ms: latency.mean() / 1000.0,
                p50_ms: ms(latency.value_at_quantile(0.50)),
                p95_ms: ms(latency.value_at_quantile(0.95)),
                p99_ms: ms(latency.value_at_quantile(0.99)),
                max_ms: ms(latency.max()),
            })
        });
        let seconds = run.duration_s.max(1) as f64;
        let committed = |tally: &Tally| tally.committed as f64;
        let new_orders = tallies.get(&Kind::NewOrder).map_or(0.0, committed);
        Report {
            warehouses: run.target.warehouses,
            terminals: run.terminals,
            duration_s: run.duration_s,
            isolation: run.isolation.sql(),
            think_times: run.think,
            credit_check_percent: run.credit_check,
            new_orders_per_minute: new_orders * 60.0 / seconds,
            commits_per_s: tallies.values().map(committed).sum::<f64>() / seconds,
            transactions: lines.collect(),
            per_second,
        }
    }

    fn title(&self) -> String {
        let credit_checks = match self.credit_check_percent {
            0 => String::new(),
            percent => format!(", with {percent} % credit checks"),
        };
        format!(
            "TPC-C, {} warehouses, {} terminals, {} s, {}{}{credit_checks}",
            self.warehouses,
            self.terminals,
            self.duration_s,
            self.isolation,
            if self.think_times { ", with keying and think times" } else { "" }
        )
    }
}

/// Prints the report as text.
pub fn print(report: &Report) {
    println!("{}", report.title());
    println!(
        "{:.0} New-Orders/min, {:.0} commits/s",
        report.new_orders_per_minute, report.commits_per_s
    );
    println!(
        "{:<13} {:>9} {:>7} {:>6} {:>6} {:>6} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "",
        "committed",
        "rolled",
        "40001",
        "40P01",
        "failed",
        "mean ms",
        "p50",
        "p95",
        "p99",
        "max"
    );
    for line in &report.transactions {
        println!(
            "{:<13} {:>9} {:>7} {:>6} {:>6} {:>6} {:>8.2} {:>8.2} {:>8.2} {:>8.2} {:>8.2}",
            line.name,
            line.committed,
            line.rolled_back,
            line.serialization_failures,
            line.deadlocks,
            line.failed,
            line.mean_ms,
            line.p50_ms,
            line.p95_ms,
            line.p99_ms,
            line.max_ms
        );
    }
}

fn plot(report: &Report) -> Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (900, 360)).into_drawing_area();
        area.fill(&WHITE)?;
        let top = report.per_second.iter().max().copied().unwrap_or(1).max(1) as f64 * 1.1;
        let seconds = report.per_second.len().max(1) as f64;
        let mut chart = ChartBuilder::on(&area)
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(60)
            .build_cartesian_2d(0f64..seconds, 0f64..top)?;
        chart.configure_mesh().x_desc("seconds").y_desc("commits/s").draw()?;
        let points = report.per_second.iter().enumerate();
        let points = points.map(|(second, count)| (second as f64, *count as f64));
        chart.draw_series(LineSeries::new(points, &BLUE))?;
        area.present()?;
    }
    Ok(svg)
}

/// The report as a page.
pub fn html(report: &Report) -> Result<String> {
    let mut rows = String::new();
    for line in &report.transactions {
        rows += &format!(
            "<tr><th>{}<td>{}<td>{}<td>{}<td>{}<td>{:.2}<td>{:.2}<td>{:.2}<td>{:.2}<td>{:.2}</tr>\n",
            line.name,
            line.committed,
            line.rolled_back,
            line.serialization_failures,
            line.deadlocks,
            line.mean_ms,
            line.p50_ms,
            line.p95_ms,
            line.p99_ms,
            line.max_ms
        );
    }
    Ok(format!(
        "<!doctype html><meta charset=utf-8><title>{title}</title>\n\
         <style>body{{font:15px sans-serif;margin:2em}}td,th{{padding:.3em .8em;text-align:right}}\
         th{{text-align:left}}</style>\n\
         <h1>{title}</h1><p>{orders:.0} New-Orders/min, {commits:.0} commits/s</p>\n{plot}\n\
         <table><tr><th><th>committed<th>rolled back<th>40001<th>40P01<th>mean ms<th>p50<th>p95\
         <th>p99<th>max</tr>\n{rows}</table>\n",
        title = report.title(),
        orders = report.new_orders_per_minute,
        commits = report.commits_per_s,
        plot = plot(report)?,
    ))
}
