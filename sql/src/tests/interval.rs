//! Intervals: input and output as PostgreSQL 15 has them, arithmetic on the three parts, and the
//! limits of each.

use proptest::prelude::*;

use super::{any_interval, call, check, config, echo, shown};
use crate::types::datetime::IntervalStyle;
use crate::types::interval::Interval;
use crate::types::interval::range::{self, Range};
use crate::types::io::{Style, parse_interval};

#[test]
fn text() {
    check(
        r"
        1 year 2 mons 3 days 04:05:06.789 => 1 year 2 mons 3 days 04:05:06.789
        1 DAY 2 Hours => 1 day 02:00:00 ; -1 mon +2 days => -1 mons +2 days
        -1 year -2 mons +3 days -04:05:06 => -1 years -2 mons +3 days -04:05:06
        1 year -1 day => 1 year -1 days ; -1-2 => -1 years -2 mons
        1-2 3 4:05:06 | P1Y2M3DT4H5M6S | P0001-02-03T04:05:06 => 1 year 2 mons 3 days 04:05:06
        -3 4:05:06 => -3 days +04:05:06 ; 3 -4:05:06 => 3 days -04:05:06 ; 4:05 => 04:05:00
        4:05.5 => 00:04:05.5 ; 25:00:00 => 25:00:00 ; 00:00:60 | @ 1 minute => 00:01:00
        100 => 00:01:40 ; 0 => 00:00:00 ; 1.5 days => 1 day 12:00:00
        -1.5 days => -1 days -12:00:00 ; 1.5 months => 1 mon 15 days ; 0.7 months => 21 days
        1.5 years => 1 year 6 mons ; 0.3 years => 4 mons ; 1.5 weeks => 10 days 12:00:00
        1.5 weeks 1.5 days => 11 days 24:00:00 ; 1 decade 1 century => 110 years
        1 day 2 hours ago => -1 days -02:00:00 ; - 1 day => -1 days ; 1h 30m 15s => 01:30:15
        1h30m | PT1.5H => 01:30:00 ; 250 ms => 00:00:00.25 ; 12:34:56.7891234 => 12:34:56.789123
        P-1Y2M => -10 mons ; P0.5Y => 6 mons
        P | '' | day | 1 fortnight | 1 2 | 1 day 1 day => ~ invalid input syntax
        ",
        |text| echo(&format!("interval {text}"), &Style::default()),
    );
}

#[test]
fn styles() {
    check(
        r"
        postgres_verbose 1 year 2 mons 3 days 04:05:06.7 => @ 1 year 2 mons 3 days 4 hours 5 mins 6.7 secs
        postgres_verbose -1 day +2:03 => @ 1 day -2 hours -3 mins ago ; postgres_verbose 0 => @ 0
        sql_standard 1 year 2 mons => 1-2 ; sql_standard 1 day 2:03 => 1 2:03:00
        sql_standard 1 year -1 day => +1-0 -1 +0:00:00 ; sql_standard -1 2:03:04 => -1 2:03:04
        sql_standard -1 day -2:03 => -1 2:03:00 ; sql_standard 0 => 0
        iso_8601 1 year 2 mons 3 days 04:05:06.7 => P1Y2M3DT4H5M6.7S ; iso_8601 0 => PT0S
        iso_8601 -1 day -00:00:00.5 => P-1DT-0.5S
        ",
        |line| {
            let (style, text) = line.split_once(' ').unwrap();
            let intervals = IntervalStyle::named(style).unwrap();
            echo(&format!("interval {text}"), &Style { intervals, ..Style::default() })
        },
    );
}

#[test]
fn ranges() {
    check(
        r"
        year 1-2 => 1 year ; year to month 14 => 1 year 2 mons ; day to second 1 2:03:04.5 => 1 day 02:03:04.5
        minute to second 12:34 => 00:12:34 ; hour to minute 12:34:56 => 12:34:00 ; minute 90.5 => 01:30:00
        day 1 day 23:00 => 1 day ; second 1.5 => 00:00:01.5 ; hour to minute 12:34 => 12:34:00
        ",
        |line| {
            let digit = line.find(|c: char| c.is_ascii_digit()).unwrap();
            let (fields, text) = line.split_at(digit);
            let fields = fields.trim();
            let (first, last) = match fields.split_once(" to ") {
                Some((first, last)) => (first, Some(last)),
                None => (fields, None),
            };
            let typmod = Range::named(first, last).unwrap().typmod(None);
            let value = parse_interval(text, typmod, &Style::default());
            shown(value.map(|value| range::apply(typmod, value).to_string()))
        },
    );
}

#[test]
fn limits() {
    check(
        r"
        178956970 years => 178956970 years ; -178956970 years -8 mons => -178956970 years -8 mons
        178956971 years => ~ interval out of range ; 2147483647 days => 2147483647 days
        -2147483648 days => -2147483648 days
        2147483648 days | 00:60:00 | 2562047789 hours => ~ interval field value out of range
        9007199254740993 us => 2501999:47:34.740993 ; 2600000:00:00.000001 => 2600000:00:00.000001
        2562047788:00:54.775806 => 2562047788:00:54.775806
        2562047788:00:54.775807 => 2562047788:00:54.775807
        ",
        |text| echo(&format!("interval {text}"), &Style::default()),
    );
}

#[test]
fn arithmetic() {
    check(
        r"
        * interval 1 day, float8 1.5 => 1 day 12:00:00
        * interval 1 mon, float8 -0.5 | / interval -1 mon, float8 2 => -15 days
        * interval 1 mon, float8 1.1 => 1 mon 3 days
        * interval 1 mon 15 days 12:00, float8 2 => 2 mons 30 days 24:00:00
        * interval 100 days, float8 0.123456789 => 12 days 08:17:46.65696
        * interval 1 year 1 mon 1 day, float8 0.33 => 4 mons 9 days 00:43:12
        * interval 2147483647 days, float8 2 => ~ interval out of range
        * interval 1 mon, float8 NaN => ~ interval out of range
        / interval 2147483647 days, float8 0.5 => ~ interval out of range
        + interval 2147483647 days, interval 1 day => ~ interval out of range
        / interval 1 day, float8 3 => 08:00:00 ; / interval 10 days, float8 3 => 3 days 08:00:00
        / interval 1 year, float8 7 => 1 mon 21 days 10:17:08.5344
        / interval 00:00:01, float8 3 => 00:00:00.333333
        / interval 1 day, float8 0 => ~ division by zero
        - interval 1 mon, interval 1 day => 1 mon -1 days
        justify_hours interval 27 hours => 1 day 03:00:00
        justify_hours interval 1 day -1 hour => 23:00:00
        justify_hours interval -1 day 1 hour => -23:00:00
        justify_hours interval 2147483647 days 24 hours => ~ interval out of range
        justify_days interval 35 days => 1 mon 5 days
        justify_days interval 1 mon -1 day => 29 days
        ",
        call,
    );
}

#[test]
fn fields() {
    check(
        r"
        extract epoch 1 year 1 mon 1 day 1 sec => 34236001.000000
        extract epoch -1 year 1 day => -31471200.000000 ; extract day 1 mon 40 days => 40
        extract hour -25:30:00 => -25 ; extract second -00:00:01.5 => -1.500000
        extract decade -15 years => -1 ; date_trunc day 1 mon 2 days 3 hours => 1 mon 2 days
        date_trunc hour -1 day -02:30 => -1 days -02:00:00
        date_trunc quarter 1 year 5 mons => 1 year 3 mons
        ",
        |line| {
            let words: Vec<&str> = line.splitn(3, ' ').collect();
            call(&format!("{} text {}, interval {}", words[0], words[1], words[2]))
        },
    );
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_form_comes_back(value in any_interval()) {
        prop_assert_eq!(parse_interval(&value.to_string(), -1, &Style::default()).unwrap(), value, "{}", value);
        prop_assert_eq!(Interval::decode(&value.encode()).unwrap(), value);
    }

    #[test]
    fn parts_add_up(a in any_interval(), b in any_interval()) {
        // Halved, so that the sums fit.
        let half = |i: Interval| Interval { months: i.months / 2, days: i.days / 2, ..i };
        let (a, b) = (half(a), half(b));
        let sum = a.add(&b).unwrap();
        prop_assert_eq!(sum.estimate_us(), a.estimate_us() + b.estimate_us());
        prop_assert_eq!(sum.add(&b.neg().unwrap()).unwrap(), a);
    }

    #[test]
    fn whole_multiples_are_exact(value in any_interval(), factor in -9..10i32) {
        let small = |i: Interval| Interval {
            months: i.months / 10, days: i.days / 10, microseconds: i.microseconds / 10,
        };
        let value = small(value);
        let product = value.mul(f64::from(factor)).unwrap();
        prop_assert_eq!(product.months, value.months * factor);
        prop_assert_eq!(product.days, value.days * factor);
        prop_assert_eq!(product.microseconds, value.microseconds * i64::from(factor));
    }
}
