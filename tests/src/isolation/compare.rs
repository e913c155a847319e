//! What one server did in an interleaving, beside what another one did.
//!
//! Only the first step that differs is told, since others follow from it. The line for it names the spec, the level,
//! the step and both outcomes, not the interleaving: many have the same difference.
//! `tests/isolation/differences.txt` has such lines with a reason after ` -- `.

use std::collections::BTreeMap;

use super::Level;
use super::run::{Outcome, Run};
use super::server::Answer;
use super::spec::Spec;

/// SQLSTATE of a deadlock.
const DEADLOCK: &str = "40P01";

/// The line for the first difference between an interleaving on PostgreSQL and on cairn.
pub fn difference(spec: &Spec, level: Level, postgres: &Run, cairn: &Run) -> Option<String> {
    // Whom a deadlock ends is up to chance.
    if has_deadlock(postgres) && has_deadlock(cairn) {
        return None;
    }
    let mut taken = vec![0; spec.sessions.len()];
    for session in &postgres.order {
        let step = taken[*session];
        let (here, there) = (&postgres.outcomes[*session][step], &cairn.outcomes[*session][step]);
        if here != there {
            let name = &spec.sessions[*session].steps[step].name;
            let (here, there) = (describe(here), describe(there));
            return Some(format!("{}, {level}, {name}: {here} / {there}", spec.name));
        }
        taken[*session] += 1;
    }
    if postgres.last != cairn.last {
        let (here, there) = (postgres.last.join(" "), cairn.last.join(" "));
        return Some(format!("{}, {level}, final: {here} / {there}", spec.name));
    }
    None
}

fn has_deadlock(run: &Run) -> bool {
    run.outcomes.iter().flatten().any(|outcome| outcome.answer.fails(DEADLOCK))
}

fn describe(outcome: &Outcome) -> String {
    let waits = if outcome.waited { "waits, " } else { "" };
    match &outcome.answer {
        Answer::Failed(code) => format!("{waits}{code}"),
        Answer::Done { rows, count } if rows.is_empty() => format!("{waits}count {count}"),
        Answer::Done { rows, .. } => format!("{waits}rows {}", rows.join(" ")),
    }
}

/// The reasons in a file of differences, by the line without them. `#` begins a comment.
pub fn read_differences(text: &str) -> Result<BTreeMap<String, String>, String> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let lines = lines.map(|line| match line.split_once(" -- ") {
        Some((difference, reason)) => Ok((difference.to_owned(), reason.to_owned())),
        None => Err(format!("no reason is given: {line}")),
    });
    lines.collect()
}
