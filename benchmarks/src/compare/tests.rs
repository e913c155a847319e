//! What can go wrong without a server: reading what other programs print.

use super::cost::Ratio;
use super::pgbench::{Printed, read_log};
use super::readme::between;
use super::report::{Unit, median};
use super::table::number;
use super::timed::{Latency, histogram};
use super::usage::{Stat, sectors_written};
use super::workloads;

const PRINTED: &str = "\
pgbench (15.20 (Debian 15.20-0+deb12u1))
transaction type: <builtin: select only>
scaling factor: 10
query mode: prepared
number of clients: 8
number of threads: 2
maximum number of tries: 1
duration: 2 s
number of transactions actually processed: 54321
number of failed transactions: 3 (0.006%)
latency average = 0.294 ms
initial connection time = 9.513 ms
tps = 27200.123456 (without initial connection time)
";

#[test]
fn the_output_of_pgbench_is_read() {
    let expected = Printed { tps: 27200.123456, transactions: 54321, failed: 3, retries: None };
    assert_eq!(Printed::parse(PRINTED).unwrap(), expected);
    assert!(Printed::parse("tps = 1").is_err());
    // With --max-tries.
    let retried = "number of transactions retried: 177 (0.505%)\ntotal number of retries: 180\n";
    let printed = Printed::parse(&format!("{PRINTED}{retried}")).unwrap();
    assert_eq!(printed, Printed { retries: Some(180), ..expected });
}

#[test]
fn the_log_of_pgbench_is_read() {
    let mut latencies_us = histogram().unwrap();
    read_log(
        "0 199 1000 0 1175850568 995598\n1 5 failed 0 1 2\n0 200 3000 0 1 2\n",
        &mut latencies_us,
    );
    assert_eq!(latencies_us.len(), 2);
    let latency = Latency::of(&latencies_us).unwrap();
    assert!((latency.p50_ms - 1.0).abs() < 0.01, "{}", latency.p50_ms);
    assert!((latency.p99_ms - 3.0).abs() < 0.01, "{}", latency.p99_ms);
    assert!(Latency::of(&histogram().unwrap()).is_none());
}

#[test]
fn the_time_of_a_process_is_read_behind_its_name() {
    let line = "42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 10 20 300 4000 20 0 1 0 5 6 7";
    assert_eq!(Stat::parse(line), Some(Stat { parent: 7, ticks: 4330 }));
    assert_eq!(Stat::parse("42 (a) S 7"), None);
}

#[test]
fn sectors_are_those_of_disks() {
    let text = "   7 0 loop0 1 1 1 1 1 1 5 1 1 1 1\n 254 0 vda 1 2 3 4 5 6 700 8 0 1 2\n";
    assert_eq!(sectors_written(text, |name| name == "vda"), Some(700));
    assert_eq!(sectors_written(text, |_| false), None);
}

#[test]
fn medians_and_ratios() {
    assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
    assert_eq!(median([4.0, 1.0].into_iter()), Some(2.5));
    assert_eq!(median(std::iter::empty()), None);
    assert_eq!(Unit::Tps.ratio(2.0, 3.0), 1.5);
    assert_eq!(Unit::Seconds.ratio(3.0, 2.0), 1.5);
}

#[test]
fn numbers_have_the_digits_that_matter() {
    assert_eq!(
        [number(27351.6), number(999.4), number(12.34), number(0.5)].join(" "),
        "27,352 999 12.3 0.50"
    );
}

#[test]
fn only_what_is_between_the_lines_is_replaced() {
    let text = "a\n<!-- benchmark -->\nold\n<!-- /benchmark -->\nb\n";
    let expected = "a\n<!-- benchmark -->\nnew\n<!-- /benchmark -->\nb\n";
    assert_eq!(between(text, "new\n").unwrap(), expected);
    assert!(between("nothing", "new\n").is_err());
}

#[test]
fn workloads_have_names_of_their_own() {
    let mut names: Vec<String> = workloads::all().into_iter().map(|w| w.name).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    for name in ["select/prepared/8", "tpcc/10/repeatable-read", "floor/select/simple/8", "copy"] {
        assert!(names.iter().any(|other| other == name), "{name}");
    }
}

#[test]
fn levels_of_a_workload_are_a_family() {
    let all = workloads::all();
    let families: Vec<_> = all.chunk_by(|one, next| one.family() == next.family()).collect();
    let sizes = |family: &str| -> Vec<usize> {
        let own = families.iter().filter(|chunk| chunk[0].family() == family);
        own.map(|chunk| chunk.len()).collect()
    };
    assert_eq!(sizes("tpcc/10"), [3]);
    assert_eq!(sizes("tpcc++/10"), [2]);
    assert_eq!(sizes("sibench/100/half"), [2]);
    assert_eq!(sizes("select/prepared/8"), [1]);
}

#[test]
fn levels_are_compared_round_by_round() {
    let expected = Ratio { median: 0.75, low: 0.5, high: 1.0 };
    assert_eq!(Ratio::of(&[5.0, 20.0, 15.0], &[10.0, 20.0, 20.0]), Some(expected));
    assert_eq!(Ratio::of(&[5.0], &[]), None);
}
