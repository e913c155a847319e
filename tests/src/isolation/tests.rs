//! The parts that need no server.

use std::collections::BTreeSet;

use super::compare::{difference, read_differences};
use super::judge::{is_like, permutations};
use super::run::{Outcome, Run};
use super::server::Answer;
use super::spec::{Claim, Condition, Mode, Spec};
use super::{Level, interleavings};

const TEXT: &str = "# A comment.

tables
CREATE TABLE t (id int)

setup
DELETE FROM t

final
SELECT id FROM t

teardown
DROP TABLE t

session A
a1: SELECT id FROM t
# Another one.
ac: COMMIT

session B read only
b1: SELECT ': ' AS x

anomaly odd: a1 shows 1|2 and B commits
anomaly odd: final counts 3
anomaly even: b1 fails 40001

expect read committed: odd, not serializable
expect repeatable read: none
expect repeatable read on cairn: even
expect serializable: none
";

fn spec() -> Spec {
    Spec::parse("test", TEXT).unwrap()
}

#[test]
fn specs_are_read() {
    let spec = spec();
    assert_eq!(spec.tables, ["CREATE TABLE t (id int)"]);
    assert_eq!(spec.setup, ["DELETE FROM t"]);
    assert_eq!(spec.last, "SELECT id FROM t");
    assert_eq!(spec.teardown, ["DROP TABLE t"]);
    assert_eq!(spec.step_counts(), [2, 1]);
    assert_eq!(spec.sessions[1].mode, Mode::ReadOnly);
    assert_eq!(spec.sessions[1].steps[0].sql, "SELECT ': ' AS x");
    let shows = Condition::Step(0, 0, Claim::Shows("1|2".into()));
    assert_eq!(spec.anomalies[0].conditions, [shows, Condition::Commits(1)]);
    assert_eq!(spec.anomalies[1].conditions, [Condition::Last(Claim::Counts(3))]);
    let expected = |level, on_cairn| spec.expected(level, on_cairn).iter().map(String::as_str);
    assert!(expected(Level::ReadCommitted, true).eq(["not serializable", "odd"]));
    assert_eq!(expected(Level::RepeatableRead, false).count(), 0);
    assert!(expected(Level::RepeatableRead, true).eq(["even"]));
}

#[test]
fn nonsense_in_specs_is_refused() {
    for (good, bad) in [
        ("a1 shows", "a2 shows"),
        ("a1 shows 1|2", "a1 shows"),
        ("B commits", "C commits"),
        ("final counts 3", "final counts x"),
        ("session B read only", "session B readonly"),
        ("b1: SELECT", "a1: SELECT"),
        ("expect serializable: none", "expect snapshot: none"),
        ("expect serializable: none", "expect serializable: strange"),
        ("expect serializable: none", "expect read committed: none"),
        ("expect serializable: none\n", ""),
        ("\nfinal\nSELECT id FROM t\n", ""),
        ("setup", "set-up"),
    ] {
        assert!(TEXT.contains(good));
        assert!(Spec::parse("test", &TEXT.replacen(good, bad, 1)).is_err(), "{good} -> {bad}");
    }
}

#[test]
fn interleavings_are_all_or_a_sample() {
    assert_eq!(interleavings::count(&[2, 1]), 3);
    assert_eq!(interleavings::count(&[3, 3, 5]), 9240);
    assert_eq!(interleavings::choose(&[2, 1], 3, ""), [[0, 0, 1], [0, 1, 0], [1, 0, 0]]);
    let all: BTreeSet<_> = interleavings::choose(&[3, 3, 2], 560, "").into_iter().collect();
    assert_eq!(all.len(), 560);
    let some = interleavings::choose(&[3, 3, 2], 100, "name");
    assert_eq!(some.len(), 100);
    assert!(some.iter().all(|order| all.contains(order)));
    assert_eq!(some, interleavings::choose(&[3, 3, 2], 100, "name"));
    assert_ne!(some, interleavings::choose(&[3, 3, 2], 100, "another"));
}

fn done(rows: &[&str]) -> Answer {
    let count = rows.len() as u64;
    Answer::Done { rows: rows.iter().map(|row| (*row).to_owned()).collect(), count }
}

/// Of [`spec`], when B comes first.
fn run(read: Answer, waited: bool, last: &str) -> Run {
    let outcome = |answer, waited| Outcome { answer, waited };
    Run {
        order: vec![1, 0, 0],
        outcomes: vec![
            vec![outcome(read, waited), outcome(done(&[]), false)],
            vec![outcome(done(&["x"]), false)],
        ],
        committed: vec![0, 1],
        last: vec![last.to_owned()],
    }
}

#[test]
fn runs_are_alike_if_answers_and_rows_are() {
    let serial = run(done(&["1"]), false, "1");
    assert!(is_like(&run(done(&["1"]), true, "1"), &serial));
    assert!(is_like(&run(Answer::Failed("40001".into()), true, "1"), &serial));
    assert!(!is_like(&run(Answer::Failed("23505".into()), false, "1"), &serial));
    assert!(!is_like(&run(done(&["2"]), false, "1"), &serial));
    assert!(!is_like(&run(done(&["1"]), false, "2"), &serial));
    assert_eq!(permutations(&[]), [[0; 0]]);
    assert_eq!(permutations(&[1, 2]), [[1, 2], [2, 1]]);
    assert_eq!(permutations(&[0, 1, 2]).len(), 6);
}

#[test]
fn differences_are_told_once() {
    let spec = spec();
    let told = |here: &Run, there: &Run| difference(&spec, Level::Serializable, here, there);
    let here = run(done(&["1", "2"]), false, "1");
    assert_eq!(told(&here, &run(done(&["1", "2"]), false, "1")), None);
    let there = run(done(&[]), true, "2");
    let line = "test, serializable, a1: rows 1 2 / waits, count 0";
    assert_eq!(told(&here, &there).as_deref(), Some(line));
    let there = run(done(&["1", "2"]), false, "2");
    assert_eq!(told(&here, &there).as_deref(), Some("test, serializable, final: 1 / 2"));
    let deadlock = || run(Answer::Failed("40P01".into()), true, "1");
    assert_eq!(told(&deadlock(), &run(Answer::Failed("40P01".into()), true, "2")), None);
    assert!(told(&deadlock(), &here).is_some());
    let read = read_differences(&format!("# head\n\n{line} -- because -- so\n")).unwrap();
    assert_eq!(read.get(line).map(String::as_str), Some("because -- so"));
    assert!(read_differences(line).is_err());
}
