//! For each rule a schedule that needs it.
//!
//! `A` and `B` are the two of a write skew, `R`, `W` and `F` the `T1`, `T2` and `T3` of a dangerous structure
//! (the reader, the writer, the first to commit). Others are there to make something happen. What is
//! on the far side is told one key at a time also where memory is short on the near one.

use cairn_tests::history::Key;
use cairn_tests::simulator::keys;
use cairn_txn::ssi::{Limits, Rule, Rules};

use super::stage::Parity::{Even, Odd};
use super::stage::{Name, Outcome, Stage};

/// A schedule under the rules that it is given.
pub type Schedule = fn(Rules) -> Outcome;

const A: Name = 1;
const B: Name = 2;
const R: Name = 3;
const W: Name = 4;
const F: Name = 5;
/// One who fills memory, and what it does that with.
const CROWD: Name = 6;
const OTHER: Name = 7;
const OLDEST: Name = 8;

fn near(number: u64) -> Key {
    keys::register(0, number)
}

fn far(number: u64) -> Key {
    keys::register(1, number)
}

/// Four keys of a group are told one by one.
const FEW_POINTS: Limits = Limits { points: 4, ranges: 64, filter_bytes: 1 << 20 };
/// Three ranges of a group are.
const FEW_RANGES: Limits = Limits { points: 1000, ranges: 3, filter_bytes: 1 << 20 };

type Read = fn(&mut Stage, Name, Key);
type Begin = fn(&mut Stage, Name);

/// The schedules of a rule. Without the rule each must show an anomaly, or, if the rule only saves
/// aborts, fail more transactions.
pub fn of(rule: Rule) -> &'static [Schedule] {
    match rule {
        Rule::KeyReaders | Rule::OutAtCommit | Rule::ReaderCommitted => {
            &[|rules| commit_meets_read(Stage::new(rules), Stage::read)]
        }
        Rule::RangeReaders => &[|rules| commit_meets_read(Stage::new(rules), Stage::scan)],
        Rule::KeyCommits => &[|rules| read_meets_commit(rules, Stage::read)],
        Rule::RangeCommits => &[|rules| read_meets_commit(rules, Stage::scan)],
        Rule::OutAtRead => &[
            |rules| read_meets_commit(rules, Stage::read),
            |rules| read_meets_commit(rules, Stage::scan),
        ],
        Rule::OutOfCommitted | Rule::BehindSawFirst => &[|rules| reads_behind(rules, Stage::begin)],
        Rule::UntrackedAlone => &[|rules| reads_behind(rules, Stage::begin_read_only)],
        Rule::ReaderSawFirst => &[overwritten_after_its_end],
        Rule::ReaderWrote => &[wrote_before_it_is_overwritten],
        Rule::ReaderMustNotWrite => &[writes_after_it_is_overwritten],
        Rule::BehindWrote => &[wrote_before_it_reads_behind],
        Rule::BehindMustNotWrite => &[writes_after_it_has_read_behind],
        Rule::KeptForRunning | Rule::CoarseCommits => &[commit_is_told_coarsely],
        Rule::KeptForSettled => &[commit_is_not_durable],
        Rule::WidenedKeys => &[keys_become_a_range],
        Rule::WidenedRanges => &[ranges_become_one],
        Rule::WidenedCommits => &[commits_become_a_range],
        Rule::WidenedTimes => &[a_later_commit_joins, a_later_reader_joins],
        Rule::WidenedOut => &[a_committed_pivot_is_told_coarsely],
        Rule::EndedReaders => &[a_reader_that_ended_is_told_coarsely],
        Rule::LargeCommits => &[a_commit_has_many_keys],
        Rule::UntrackedSeesAll => &[|rules| snapshot_between(rules, Stage::begin_read_only)],
        Rule::SafeSeesAll => &[|rules| snapshot_between(rules, Stage::begin_deferrable)],
        Rule::SafeWaits | Rule::SafeHasNoEdge => {
            &[|rules| reads_behind(rules, Stage::begin_deferrable)]
        }
        Rule::NewRows => &[|rules| row_comes_in(rules, true), |rules| row_comes_in(rules, false)],
        Rule::OldRows => &[|rules| row_goes_out(rules, true), |rules| row_goes_out(rules, false)],
        Rule::OtherFilters => &[reads_a_key_again, reads_a_range_again],
        Rule::WidenedFilters => &[filtered_keys_become_a_range, filtered_ranges_become_one],
        Rule::FirstCommitter => &[overwrites_what_it_does_not_see],
        Rule::LateDeletes => &[adds_what_it_does_not_see_deleted],
        Rule::WritesInMemory => {
            &[|rules| commit_meets_read(Stage::with_spills(rules), Stage::read)]
        }
        Rule::AheadOfRows => &[commits_before_its_scan_has_ended],
        Rule::AdoptedIsTracked => &[takes_over_a_snapshot],
        Rule::JoinsRunning => &[takes_over_a_snapshot_too_late],
        Rule::JoinsWriter => &[takes_over_a_snapshot_of_a_reader],
        Rule::SafeSeesJoined => &[takes_over_a_snapshot_behind_one_who_waits],
        Rule::FailedReaders => &[a_reader_failed],
        Rule::FailedWriters => &[a_writer_failed],
        Rule::HarmlessReaders => &[only_reads_behind, has_only_read],
        Rule::FirstOfThree => &[the_reader_was_first],
        Rule::ScanEnds => &[reads_the_head_of_a_queue],
        Rule::Filters => &[changes_what_nobody_looks_for],
    }
}

/// A write skew in which both have read before one commits.
fn commit_meets_read(mut s: Stage, read: Read) -> Outcome {
    s.begin(A);
    s.begin(B);
    read(&mut s, A, near(1));
    read(&mut s, B, near(2));
    s.write(A, near(2));
    s.write(B, near(1));
    s.commit(A);
    s.commit(B);
    s.finish()
}

/// A write skew in which one reads after the other has committed.
fn read_meets_commit(rules: Rules, read: Read) -> Outcome {
    let mut s = Stage::new(rules);
    s.begin(A);
    s.begin(B);
    s.read(A, near(1));
    s.write(A, near(2));
    s.commit(A);
    read(&mut s, B, near(2));
    s.write(B, near(1));
    s.commit(B);
    s.finish()
}

/// `W` has read what `F` commits after that.
fn first_commit(s: &mut Stage) {
    s.begin(W);
    s.read(W, far(1));
    s.begin(F);
    s.write(F, far(1));
    s.commit(F);
}

/// Fekete, O'Neil and O'Neil, "A read-only transaction anomaly under snapshot isolation" (2004).
fn reads_behind(rules: Rules, begin: Begin) -> Outcome {
    let mut s = Stage::new(rules);
    first_commit(&mut s);
    begin(&mut s, R);
    s.write(W, near(1));
    s.commit(W);
    s.read(R, far(1));
    s.read(R, near(1));
    s.commit(R);
    s.finish()
}

/// The same with a reader that has ended when the writer commits.
fn overwritten_after_its_end(rules: Rules) -> Outcome {
    let mut s = Stage::new(rules);
    first_commit(&mut s);
    s.begin(R);
    s.read(R, far(1));
    s.read(R, near(1));
    s.commit(R);
    s.write(W, near(1));
    s.commit(W);
    s.finish()
}

/// The three of a cycle of rw-edges begin, the third one commits.
fn three_begin(rules: Rules, reads_first: bool) -> Stage {
    let mut s = Stage::new(rules);
    s.begin(R);
    s.begin(W);
    s.begin(F);
    if reads_first {
        s.read(R, near(1));
    }
    s.read(W, far(1));
    s.read(F, near(2));
    s.write(F, far(1));
    s.commit(F);
    s
}

fn wrote_before_it_is_overwritten(rules: Rules) -> Outcome {
    let mut s = three_begin(rules, true);
    s.write(R, near(2));
    s.write(W, near(1));
    s.commit(W);
    s.commit(R);
    s.finish()
}

fn writes_after_it_is_overwritten(rules: Rules) -> Outcome {
    let mut s = three_begin(rules, true);
    s.write(W, near(1));
    s.commit(W);
    s.write(R, near(2));
    s.commit(R);
    s.finish()
}

fn wrote_before_it_reads_behind(rules: Rules) -> Outcome {
    let mut s = three_begin(rules, false);
    s.write(W, near(1));
    s.commit(W);
    s.write(R, near(2));
    s.read(R, near(1));
    s.commit(R);
    s.finish()
}

fn writes_after_it_has_read_behind(rules: Rules) -> Outcome {
    let mut s = three_begin(rules, false);
    s.write(W, near(1));
    s.commit(W);
    s.read(R, near(1));
    s.write(R, near(2));
    s.commit(R);
    s.finish()
}

/// Begins, and reads keys of the near group until there are too many.
fn crowd(s: &mut Stage, read: Read, keys: impl IntoIterator<Item = u64>) {
    s.begin(CROWD);
    keys.into_iter().for_each(|number| read(s, CROWD, near(number)));
}

/// A write skew in which memory runs out before the second one reads.
fn commit_is_told_coarsely(rules: Rules) -> Outcome {
    let mut s = Stage::with_limits(rules, FEW_POINTS);
    s.begin(A);
    s.begin(B);
    s.read(A, near(1));
    s.write(A, near(2));
    s.commit(A);
    crowd(&mut s, Stage::read, 4..=6);
    s.read(B, near(2));
    s.write(B, near(1));
    s.commit(B);
    s.commit(CROWD);
    s.finish()
}

/// One that begins after a commit, on a snapshot that does not show it yet.
fn commit_is_not_durable(rules: Rules) -> Outcome {
    let mut s = Stage::with_limits(rules, FEW_POINTS);
    s.begin(A);
    s.read(A, far(0));
    s.write(A, near(1));
    s.write_commit(A);
    s.begin_on_newest(CROWD);
    (4..=7).for_each(|number| s.read(CROWD, near(number)));
    s.begin(B);
    s.read(B, near(1));
    s.write(B, far(0));
    s.commit(B);
    s.commit(CROWD);
    s.finish()
}

fn keys_become_a_range(rules: Rules) -> Outcome {
    let mut s = Stage::with_limits(rules, FEW_POINTS);
    s.begin(A);
    s.begin(B);
    s.read(A, near(0));
    s.read(A, near(1));
    s.write(A, far(0));
    s.commit(A);
    crowd(&mut s, Stage::read, 4..=6);
    s.read(B, far(0));
    s.write(B, near(1));
    s.commit(B);
    s.commit(CROWD);
    s.finish()
}

fn ranges_become_one(rules: Rules) -> Outcome {
    let mut s = Stage::with_limits(rules, FEW_RANGES);
    s.begin(A);
    s.begin(B);
    s.scan(A, near(0));
    s.scan(A, near(2));
    crowd(&mut s, Stage::scan, 4..=5);
    s.read(B, far(0));
    s.write(B, near(2));
    s.commit(B);
    s.write(A, far(0));
    s.commit(A);
    s.commit(CROWD);
    s.finish()
}

fn commits_become_a_range(rules: Rules) -> Outcome {
    let mut s = Stage::with_limits(rules, FEW_POINTS);
    s.begin(A);
    s.begin(B);
    s.read(A, far(0));
    s.write(A, near(1));
    s.write(A, near(2));
    s.commit(A);
    crowd(&mut s, Stage::read, 4..=6);
    s.read(B, near(2));
    s.write(B, far(0));
    s.commit(B);
    s.commit(CROWD);
    s.finish()
}

/// The first of two commits that become one is in the reader's snapshot.
fn a_later_commit_joins(rules: Rules) -> Outcome {
    let mut s = Stage::with_limits(rules, FEW_POINTS);
    s.begin(OLDEST);
    s.begin(OTHER);
    s.write(OTHER, near(1));
    s.commit(OTHER);
    s.begin(B);
    s.begin(A);
    s.read(A, far(0));
    s.write(A, near(2));
    s.commit(A);
    crowd(&mut s, Stage::read, 4..=6);
    s.read(B, near(2));
    s.write(B, far(0));
    s.commit(B);
    s.commit(CROWD);
    s.commit(OLDEST);
    s.finish()
}

/// The first of two readers that become one has ended before the first commit of the structure.
fn a_later_reader_joins(rules: Rules) -> Outcome {
    let mut s = Stage::with_limits(rules, FEW_RANGES);
    s.begin(B);
    s.begin(OTHER);
    s.scan(OTHER, near(0));
    s.write(OTHER, far(3));
    s.commit(OTHER);
    s.begin(A);
    s.scan(A, near(2));
    s.write(A, far(0));
    s.commit(A);
    crowd(&mut s, Stage::scan, 4..=5);
    s.read(B, far(0));
    s.write(B, near(2));
    s.commit(B);
    s.commit(CROWD);
    s.finish()
}

fn a_committed_pivot_is_told_coarsely(rules: Rules) -> Outcome {
    let mut s = Stage::with_limits(rules, FEW_POINTS);
    first_commit(&mut s);
    s.begin(R);
    s.write(W, near(1));
    s.commit(W);
    crowd(&mut s, Stage::read, 4..=7);
    s.read(R, far(1));
    s.read(R, near(1));
    s.commit(R);
    s.commit(CROWD);
    s.finish()
}

fn a_reader_that_ended_is_told_coarsely(rules: Rules) -> Outcome {
    let mut s = Stage::with_limits(rules, FEW_RANGES);
    s.begin(A);
    s.begin(B);
    s.scan(A, near(1));
    s.write(A, far(0));
    s.commit(A);
    crowd(&mut s, Stage::scan, 4..=6);
    s.read(B, far(0));
    s.write(B, near(1));
    s.commit(B);
    s.commit(CROWD);
    s.finish()
}

fn a_commit_has_many_keys(rules: Rules) -> Outcome {
    let mut s = Stage::with_limits(rules, FEW_POINTS);
    s.begin(A);
    s.begin(B);
    s.read(A, far(0));
    (1..=4).for_each(|number| s.write(A, near(number)));
    s.commit(A);
    s.read(B, near(4));
    s.write(B, far(0));
    s.commit(B);
    s.finish()
}

/// A snapshot that shows the first commit, and not the one of the pivot, which has ended all the same.
fn snapshot_between(rules: Rules, begin: Begin) -> Outcome {
    let mut s = Stage::new(rules);
    first_commit(&mut s);
    s.write(W, near(1));
    s.write_commit(W);
    begin(&mut s, R);
    s.read(R, far(1));
    s.read(R, near(1));
    s.commit(R);
    s.finish()
}

/// `A` looks for odd values, before or after `B` has changed one, and writes what `B` has read.
fn changes_behind_a_select(rules: Rules, first: bool, change: fn(&mut Stage)) -> Outcome {
    let mut s = Stage::new(rules);
    s.begin(A);
    s.begin(B);
    if first {
        s.select(A, near(0)..near(4), Odd);
    }
    s.read(B, far(0));
    change(&mut s);
    s.commit(B);
    if !first {
        s.select(A, near(0)..near(4), Odd);
    }
    s.write(A, far(0));
    s.commit(A);
    s.finish()
}

fn row_comes_in(rules: Rules, first: bool) -> Outcome {
    changes_behind_a_select(rules, first, |s| s.write_as(B, near(1), Odd))
}

fn row_goes_out(rules: Rules, first: bool) -> Outcome {
    changes_behind_a_select(rules, first, |s| s.write_as(B, near(2), Even))
}

/// `A` has read an even value, the second time without a condition.
fn reads_again(rules: Rules, read: fn(&mut Stage)) -> Outcome {
    let mut s = Stage::new(rules);
    s.begin(A);
    s.begin(B);
    read(&mut s);
    s.read(B, far(0));
    s.write_as(B, near(1), Even);
    s.commit(B);
    s.write(A, far(0));
    s.commit(A);
    s.finish()
}

fn reads_a_key_again(rules: Rules) -> Outcome {
    reads_again(rules, |s| {
        s.select(A, near(1)..near(2), Odd);
        s.read(A, near(1));
    })
}

fn reads_a_range_again(rules: Rules) -> Outcome {
    reads_again(rules, |s| {
        s.select(A, near(0)..near(3), Odd);
        s.scan(A, near(1));
    })
}

/// The key that comes first was read with a condition, the other one without.
fn filtered_keys_become_a_range(rules: Rules) -> Outcome {
    let mut s = Stage::with_limits(rules, FEW_POINTS);
    s.begin(A);
    s.begin(B);
    s.select(A, near(0)..near(1), Odd);
    s.read(A, near(1));
    s.write(A, far(0));
    s.commit(A);
    crowd(&mut s, Stage::read, 4..=6);
    s.read(B, far(0));
    s.write_as(B, near(1), Even);
    s.commit(B);
    s.commit(CROWD);
    s.finish()
}

fn filtered_ranges_become_one(rules: Rules) -> Outcome {
    let mut s = Stage::with_limits(rules, FEW_RANGES);
    s.begin(A);
    s.begin(B);
    s.select(A, near(0)..near(2), Even);
    s.scan(A, near(2));
    crowd(&mut s, Stage::scan, 4..=5);
    s.read(B, far(0));
    s.write_as(B, near(2), Odd);
    s.commit(B);
    s.write(A, far(0));
    s.commit(A);
    s.commit(CROWD);
    s.finish()
}

/// Each looks for values of one parity, and changes one of them.
fn changes_what_nobody_looks_for(rules: Rules) -> Outcome {
    let mut s = Stage::new(rules);
    s.begin(A);
    s.begin(B);
    s.select(A, near(0)..near(4), Odd);
    s.select(B, near(0)..near(4), Even);
    s.write_as(A, near(2), Odd);
    s.write_as(B, near(1), Even);
    s.commit(A);
    s.commit(B);
    s.finish()
}

fn overwrites_what_it_does_not_see(rules: Rules) -> Outcome {
    let mut s = Stage::new(rules);
    s.begin(A);
    s.begin(B);
    s.write(A, near(1));
    s.write(A, near(2));
    s.commit(A);
    s.read(B, near(1));
    s.write(B, near(2));
    s.commit(B);
    s.finish()
}

/// A row goes with its entry in a unique index, and another row comes with the same.
fn adds_what_it_does_not_see_deleted(rules: Rules) -> Outcome {
    let mut s = Stage::new(rules);
    s.begin(A);
    s.begin(B);
    s.read(B, near(1));
    s.delete(A, near(1));
    s.delete(A, far(1));
    s.commit(A);
    s.insert(B, far(1));
    s.commit(B);
    s.finish()
}

fn commits_before_its_scan_has_ended(rules: Rules) -> Outcome {
    let mut s = Stage::new(rules);
    first_commit(&mut s);
    s.begin(R);
    s.write(W, near(1));
    s.commit(W);
    s.read(R, far(1));
    s.commit_within_scan(R, near(1));
    s.finish()
}

fn takes_over_a_snapshot(rules: Rules) -> Outcome {
    let mut s = Stage::new(rules);
    s.begin(OTHER);
    let shared = s.share(OTHER);
    s.adopt(A, &shared);
    s.begin(B);
    s.read(A, near(1));
    s.read(B, near(2));
    s.write(A, near(2));
    s.write(B, near(1));
    s.commit(A);
    s.commit(B);
    s.commit(OTHER);
    s.finish()
}

/// What was concurrent with it is forgotten by then.
fn takes_over_a_snapshot_too_late(rules: Rules) -> Outcome {
    let mut s = Stage::with_limits(rules, FEW_POINTS);
    first_commit(&mut s);
    s.begin(OTHER);
    let shared = s.share(OTHER);
    s.write(W, near(1));
    s.commit(W);
    s.commit(OTHER);
    crowd(&mut s, Stage::read, 4..=7);
    s.adopt_read_only(R, &shared);
    s.read(R, far(1));
    s.read(R, near(1));
    s.commit(R);
    s.commit(CROWD);
    s.finish()
}

/// `W` takes over the snapshot of one that `R`, as READ ONLY DEFERRABLE, waits for.
fn takes_over_a_snapshot_behind_one_who_waits(rules: Rules) -> Outcome {
    let mut s = Stage::new(rules);
    s.begin(OTHER);
    let shared = s.share(OTHER);
    s.begin(F);
    s.write(F, far(1));
    s.commit(F);
    s.begin_deferrable(R);
    s.adopt(W, &shared);
    s.commit(OTHER);
    s.read(W, far(1));
    s.write(W, near(1));
    s.commit(W);
    s.read(R, far(1));
    s.read(R, near(1));
    s.commit(R);
    s.finish()
}

/// `W` takes over a snapshot on which somebody still reads, when `R`, as READ ONLY, has seen nobody who may
/// write.
fn takes_over_a_snapshot_of_a_reader(rules: Rules) -> Outcome {
    let mut s = Stage::new(rules);
    s.begin(OTHER);
    let shared = s.share(OTHER);
    s.begin_read_only(OLDEST);
    s.commit(OTHER);
    s.begin(F);
    s.write(F, far(1));
    s.commit(F);
    s.begin_read_only(R);
    s.adopt(W, &shared);
    s.read(W, far(1));
    s.write(W, near(1));
    s.commit(W);
    s.read(R, far(1));
    s.read(R, near(1));
    s.commit(R);
    s.commit(OLDEST);
    s.finish()
}

fn a_reader_failed(rules: Rules) -> Outcome {
    let mut s = Stage::new(rules);
    first_commit(&mut s);
    s.begin(R);
    s.read(R, near(1));
    s.rollback(R);
    s.write(W, near(1));
    s.commit(W);
    s.finish()
}

/// `B` fails as it commits, and `W` reads what it would have overwritten.
fn a_writer_failed(rules: Rules) -> Outcome {
    let mut s = Stage::new(rules);
    s.begin(A);
    s.begin(B);
    s.begin(R);
    s.begin(W);
    s.read(A, near(1));
    s.read(B, near(2));
    s.write(A, near(2));
    s.write(B, near(1));
    s.commit(A);
    s.commit(B);
    s.read(R, far(2));
    s.write(R, far(3));
    s.commit(R);
    s.read(W, near(1));
    s.write(W, far(2));
    s.commit(W);
    s.finish()
}

fn only_reads_behind(rules: Rules) -> Outcome {
    let mut s = three_begin(rules, false);
    s.write(W, near(1));
    s.commit(W);
    s.read(R, near(1));
    s.commit(R);
    s.finish()
}

fn has_only_read(rules: Rules) -> Outcome {
    let mut s = three_begin(rules, true);
    s.write(W, near(1));
    s.commit(W);
    s.commit(R);
    s.finish()
}

fn the_reader_was_first(rules: Rules) -> Outcome {
    let mut s = Stage::new(rules);
    s.begin(W);
    s.begin(R);
    s.read(R, near(1));
    s.write(R, far(0));
    s.commit(R);
    s.read(W, far(1));
    s.begin(F);
    s.write(F, far(1));
    s.commit(F);
    s.write(W, near(1));
    s.commit(W);
    s.finish()
}

fn reads_the_head_of_a_queue(rules: Rules) -> Outcome {
    let mut s = Stage::new(rules);
    s.begin(A);
    s.begin(B);
    s.scan_to_first(A, near(1)..near(7));
    s.read(B, far(0));
    s.write(B, near(5));
    s.commit(B);
    s.write(A, far(0));
    s.commit(A);
    s.finish()
}
