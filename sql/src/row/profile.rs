//! What EXPLAIN ANALYZE has measured: rows and time of each node of a plan, in either executor.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::physical_plan::ExecutionPlan;
use parking_lot::Mutex;

use super::{Flow, Frame, Node, Row, Sink};
use crate::error::Result;

/// Of one node, over all its runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measured {
    /// How often it ran.
    pub loops: u64,
    /// The rows that it gave.
    pub rows: u64,
    /// The time that it and what is below it took.
    pub time: Duration,
}

/// Of a plan.
#[derive(Debug, Default)]
pub struct Profile {
    /// Whether times are told.
    pub timing: bool,
    /// Nodes of the row executor, by their addresses: a plan stays where it is while it is explained.
    nodes: Mutex<HashMap<usize, Measured>>,
    /// Plans of the vectorized executor, which measure themselves.
    physical: Mutex<Vec<Arc<dyn ExecutionPlan>>>,
}

impl Profile {
    /// Nothing yet.
    pub fn new(timing: bool) -> Profile {
        Profile { timing, ..Profile::default() }
    }

    /// Runs a node.
    pub(super) fn run(&self, node: &Node, frame: &Frame<'_>, sink: &mut Sink<'_>) -> Result<Flow> {
        let (started, mut rows, mut above) = (Instant::now(), 0, Duration::ZERO);
        let flow = node.run_plain(frame, &mut |row: Row| {
            rows += 1;
            let handed = Instant::now();
            let flow = sink(row);
            above += handed.elapsed();
            flow
        });
        let time = started.elapsed().saturating_sub(above);
        let mut nodes = self.nodes.lock();
        let measured = nodes.entry(std::ptr::from_ref(node) as usize).or_default();
        measured.loops += 1;
        measured.rows += rows;
        measured.time += time;
        flow
    }

    /// Keeps a plan of the vectorized executor that is about to run.
    pub fn note_physical(&self, plan: &Arc<dyn ExecutionPlan>) {
        self.physical.lock().push(plan.clone());
    }

    /// The first plan of the vectorized executor, if one ran.
    pub fn physical(&self) -> Option<Arc<dyn ExecutionPlan>> {
        self.physical.lock().first().cloned()
    }

    /// What is told of a node.
    pub(super) fn of(&self, node: &Node) -> String {
        let nodes = self.nodes.lock();
        let Some(measured) = nodes.get(&(std::ptr::from_ref(node) as usize)) else {
            return " (never executed)".to_owned();
        };
        let loops = measured.loops.max(1);
        let rows = (measured.rows as f64 / loops as f64).round();
        let time = match self.timing {
            true => {
                format!("time={:.3} ", measured.time.as_secs_f64() * 1000.0 / loops as f64)
            }
            false => String::new(),
        };
        format!(" (actual {time}rows={rows} loops={})", measured.loops)
    }
}

/// What of a plan is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detail<'a> {
    /// Estimated rows.
    pub costs: bool,
    /// The columns of scans.
    pub verbose: bool,
    /// What was measured.
    pub profile: Option<&'a Profile>,
}

/// Lines of a plan as it is shown.
pub struct Lines<'a> {
    /// The lines.
    pub text: Vec<String>,
    /// What they tell.
    pub detail: Detail<'a>,
}

impl Lines<'_> {
    pub(super) fn push(&mut self, line: String) {
        self.text.push(line);
    }

    /// Adds to what a line says.
    pub(super) fn append(&mut self, at: usize, more: &str) {
        if let Some(line) = self.text.get_mut(at) {
            line.push_str(more);
        }
    }
}
