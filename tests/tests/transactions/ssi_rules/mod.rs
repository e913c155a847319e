//! Each rule of SERIALIZABLE is needed: with one left out, the evidence fails.
//!
//! Every rule has [schedules], spelled out step by step, that need it; and the simulator, with nothing but
//! chance, finds out almost every rule that is missing. The rules that only save aborts are the other way
//! round: without them nothing is wrong, and more transactions fail.

mod schedules;
mod stage;

use std::sync::Mutex;
use std::time::Instant;

use cairn_tests::history::{Level, Phenomenon};
use cairn_tests::simulator::Config;
use cairn_tests::simulator::keys::KeySpace;
use cairn_tests::simulator::world::{LITTLE_MEMORY, Shape};
use cairn_txn::Isolation;
use cairn_txn::ssi::{Rule, Rules};

use crate::{from_env, run_seed, share_out};

#[test]
fn each_rule_has_schedules_that_need_it() {
    for rule in Rule::ALL {
        for (index, schedule) in schedules::of(*rule).iter().enumerate() {
            let (with, without) = (schedule(Rules::all()), schedule(Rules::without(*rule)));
            let name = format!("{rule:?}, schedule {index}");
            assert!(with.anomalies.is_empty(), "{name}, with all rules: {:?}", with.anomalies);
            if rule.only_saves() {
                assert!(without.anomalies.is_empty(), "{name}: {:?}", without.anomalies);
                assert!(without.failures > with.failures, "{name}: it saves nothing");
            } else {
                assert!(!without.anomalies.is_empty(), "{name}: nothing is wrong without it");
            }
        }
    }
}

/// Seeds after which a missing rule must be found out.
const MOST_SEEDS: u64 = 1000;
/// Seeds that must be in order, of each shape.
const CLEAN_SEEDS: u64 = 50;

/// What is different from what the seed decides.
type Reshape = fn(&mut Shape);

fn config(rules: Rules, reshape: Reshape) -> Config {
    let levels = vec![(Isolation::Serializable, Level::Serializable)];
    Config { transactions: 200, levels, rules, reshape, ..Config::default() }
}

/// Without conditions: those only make it harder to find out about other rules.
fn any_shape(shape: &mut Shape) {
    shape.filters = false;
}

fn with_little_memory(shape: &mut Shape) {
    any_shape(shape);
    shape.ssi_limits = LITTLE_MEMORY;
}

/// Commits are written and not durable for a while, and few clients are there to do something meanwhile.
fn with_rare_syncs(shape: &mut Shape) {
    any_shape(shape);
    shape.clients = 3;
    shape.crashes = false;
    shape.sync_one_in = 30;
}

/// The same, with little memory and few keys.
fn with_rare_syncs_and_little_memory(shape: &mut Shape) {
    with_rare_syncs(shape);
    shape.clients = 4;
    shape.keys = KeySpace { groups: 1, lists: 1, registers: 2, slots: 2 };
    shape.ssi_limits = LITTLE_MEMORY;
}

/// What makes circles of three: each reads what the next one changes, and not what the one before it does.
fn with_skew(shape: &mut Shape) {
    any_shape(shape);
    shape.is_skewed = true;
    shape.clients = 6;
    shape.keys.groups = 3;
}

fn with_adopted_snapshots(shape: &mut Shape) {
    any_shape(shape);
    shape.adopts_one_in = 2;
}

fn with_adopted_snapshots_and_little_memory(shape: &mut Shape) {
    with_adopted_snapshots(shape);
    with_little_memory(shape);
}

/// Few keys, and conditions on their values.
fn with_filters(shape: &mut Shape) {
    shape.keys = KeySpace { groups: 1, lists: 2, registers: 2, slots: 2 };
    shape.filters = true;
    shape.is_skewed = false;
}

fn with_filters_and_little_memory(shape: &mut Shape) {
    with_filters(shape);
    shape.ssi_limits = LITTLE_MEMORY;
}

const SHAPES: &[Reshape] = &[
    any_shape,
    with_little_memory,
    with_rare_syncs,
    with_rare_syncs_and_little_memory,
    with_skew,
    with_adopted_snapshots,
    with_adopted_snapshots_and_little_memory,
    with_filters,
];

/// Under which conditions the simulator shows that a rule is missing. `None`: it has no statement that does.
fn shape_for(rule: Rule) -> Option<Reshape> {
    match rule {
        // Its statements read what they change, so another rule has found the conflict already.
        Rule::FirstCommitter => None,
        // It takes hundreds of seeds: a snapshot has to be taken over while only a reader is left on it.
        Rule::JoinsWriter => None,
        // It adds no keys that were deleted, as its readers could not tell one absence from another.
        Rule::LateDeletes => None,
        // Its transactions are too small for files.
        Rule::WritesInMemory => None,
        // Its clients see the rows of a scan when that has ended.
        Rule::AheadOfRows => None,
        Rule::KeptForRunning
        | Rule::WidenedKeys
        | Rule::WidenedRanges
        | Rule::WidenedCommits
        | Rule::WidenedTimes
        | Rule::WidenedOut
        | Rule::CoarseCommits
        | Rule::EndedReaders
        | Rule::LargeCommits => Some(with_little_memory),
        Rule::ReaderWrote
        | Rule::ReaderMustNotWrite
        | Rule::BehindWrote
        | Rule::BehindMustNotWrite => Some(with_skew),
        Rule::AdoptedIsTracked | Rule::SafeSeesJoined => Some(with_adopted_snapshots),
        Rule::JoinsRunning => Some(with_adopted_snapshots_and_little_memory),
        Rule::UntrackedSeesAll | Rule::SafeSeesAll => Some(with_rare_syncs),
        Rule::KeptForSettled => Some(with_rare_syncs_and_little_memory),
        Rule::NewRows | Rule::OldRows | Rule::OtherFilters => Some(with_filters),
        Rule::WidenedFilters => Some(with_filters_and_little_memory),
        _ => Some(any_shape),
    }
}

/// Whether a simulation failed because its history is not serializable.
fn is_anomaly(what: &str) -> bool {
    use Phenomenon::*;
    let told = |phenomenon: Phenomenon| what.contains(&format!("\n{phenomenon}: "));
    [GSingle, GNonadjacent, G2Item, G2].into_iter().any(told)
}

#[test]
fn the_simulator_finds_out_which_rule_is_missing() {
    let most = from_env("SIM_RULE_SEEDS", MOST_SEEDS);
    let missed = Mutex::new(Vec::new());
    let needed: Vec<(Rule, Reshape)> = Rule::ALL
        .iter()
        .filter(|rule| !rule.only_saves())
        .filter_map(|rule| Some((*rule, shape_for(*rule)?)))
        .collect();
    share_out(needed.len() as u64, |index| {
        let (rule, reshape) = needed[index as usize];
        let (config, started) = (config(Rules::without(rule), reshape), Instant::now());
        let found = (1..=most).find(|seed| match run_seed(*seed, &config) {
            Ok(_) => false,
            Err(what) if is_anomaly(&what) => true,
            Err(what) => panic!("without {rule:?}: {what}"),
        });
        let seconds = started.elapsed().as_secs_f64();
        match found {
            Some(seed) => eprintln!("{rule:?} is missed at seed {seed}, {seconds:.1} s"),
            None => missed.lock().unwrap().push(rule),
        }
    });
    let missed = missed.into_inner().unwrap();
    assert!(missed.is_empty(), "{most} seeds do not miss {missed:?}");
}

#[test]
fn nothing_is_wrong_without_the_rules_that_save_aborts() {
    let saving = Rule::ALL.iter().filter(|rule| rule.only_saves());
    let sets: Vec<Rules> =
        std::iter::once(Rules::all()).chain(saving.map(|rule| Rules::without(*rule))).collect();
    let cases: Vec<_> =
        sets.iter().flat_map(|rules| SHAPES.iter().map(|shape| config(*rules, *shape))).collect();
    share_out(cases.len() as u64, |index| {
        let config = &cases[index as usize];
        for seed in 1..=CLEAN_SEEDS {
            run_seed(seed, config).unwrap_or_else(|what| panic!("{config:?}: {what}"));
        }
    });
}
