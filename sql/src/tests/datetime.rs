//! Dates, times and timestamps: input and output as PostgreSQL 15 has them, the clocks of time
//! zones, and the arithmetic of the calendar.

use chrono::{Datelike, Months};
use proptest::prelude::*;
use proptest::sample::select;

use super::{any_timestamp, call, check, config, echo, shown};
use crate::types::datetime::style::BadDateStyle;
use crate::types::datetime::{self, DateStyle, Surroundings, Zone};
use crate::types::interval::{DAY_US, Interval};
use crate::types::io::{Style, from_text, parse_interval, to_text};
use crate::types::{Datum, Type};

fn in_zone(zone: &str) -> Style {
    Style { zone: Zone::parse(zone).unwrap(), ..Style::default() }
}

fn around(zone: Zone) -> Surroundings {
    Style { zone, ..Style::default() }.surroundings()
}

#[test]
fn dates() {
    check(
        r"
        1999-01-08 | January 8, 1999 | 1/8/1999 | 1999-Jan-08 | 08-Jan-1999 => 1999-01-08
        08-Jan-99 | 19990108 => 1999-01-08 ; Jan-08-99 => 1999-01-08 ; Jan-08-1999 => 1999-01-08 ; 01/02/03 => 2003-01-02
        02.01.2020 => 2020-02-01 ; 100-01-02 => 0100-01-02 ; 10000-01-01 => 10000-01-01
        2020-01-01 10:00 => 2020-01-01 ; 0099-01-08 BC | January 8, 99 BC => 0099-01-08 BC
        2000-02-29 => 2000-02-29 ; infinity => infinity ; -infinity => -infinity
        epoch => 1970-01-01
        1900-02-29 | 2020-13-01 | 2020-01-00 | 0000-01-01 | 13/02/2020 => ~ field value out of range
        '' | garbage => ~ invalid input syntax
        ",
        |text| echo(&format!("date {text}"), &Style::default()),
    );
}

#[test]
fn times() {
    check(
        r"
        04:05:06.789 => 04:05:06.789 ; 04:05 => 04:05:00 ; 1:2:3.4567891 => 01:02:03.456789
        04:05 PM => 16:05:00 ; 12:00 AM => 00:00:00 ; 12:30 pm => 12:30:00
        24:00:00 | 23:59:60 | 23:59:59.9999999 => 24:00:00
        04:05:06-08:00 | 2003-04-12 04:05:06 America/New_York => 04:05:06
        13:00 PM | 24:00:01 | 23:60:00 | 23:59:60.5 => ~ field value out of range
        ",
        |text| echo(&format!("time {text}"), &Style::default()),
    );
}

#[test]
fn timestamps() {
    check(
        r"
        2020-01-02T03:04:05 | 2020-1-2 3:4:5 | 2020-01-02 03:04:05+02 => 2020-01-02 03:04:05
        Thu Jan 02 03:04:05 2020 => 2020-01-02 03:04:05
        2020-01-02 03:04:05.123456789 => 2020-01-02 03:04:05.123457
        2020-01-02 03:04:05.9999995 => 2020-01-02 03:04:06
        2020-01-02 24:00:00 => 2020-01-03 00:00:00 ; 2020-01-02 1:2:3 am => 2020-01-02 01:02:03
        2020-01-02 03:04:05 BC => 2020-01-02 03:04:05 BC ; -infinity => -infinity
        epoch => 1970-01-01 00:00:00 ; 2020-01-01 12 => ~ invalid input syntax
        ",
        |text| echo(&format!("timestamp {text}"), &Style::default()),
    );
    // Among these a time that clocks skip, one that they show twice, and one of those two.
    check(
        r#"
        2020-01-02 03:04:05+02 | 2020-01-02 03:04:05 +02 => 2020-01-02 01:04:05+00
        2020-01-02 03:04:05-0330 => 2020-01-02 06:34:05+00
        2020-01-02 03:04:05+05:30:15 => 2020-01-01 21:33:50+00
        2020-01-02 03:04:05Z => 2020-01-02 03:04:05+00
        2020-01-02 03:04:05 PST => 2020-01-02 11:04:05+00
        2020-07-02 03:04:05 america/new_york => 2020-07-02 07:04:05+00
        2020-01-02 03:04:05 EST5EDT => 2020-01-02 08:04:05+00
        2020-03-08 02:30:00 America/New_York => 2020-03-08 07:30:00+00
        2020-11-01 01:30:00 America/New_York => 2020-11-01 06:30:00+00
        2020-11-01 01:30:00 EDT => 2020-11-01 05:30:00+00
        1850-01-01 00:00:00 Europe/Berlin => 1849-12-31 23:06:32+00
        2020-01-01 10:00:00 +02 BC => 2020-01-01 08:00:00+00 BC
        2020-01-02 Nowhere/Land => ~ time zone "nowhere/land" not recognized
        1 day => ~ invalid input syntax
        "#,
        |text| echo(&format!("timestamptz {text}"), &Style::default()),
    );
}

#[test]
fn orders_and_formats() {
    check(
        r"
        iso,mdy date 01/02/03 => 2003-01-02 ; iso,dmy date 01/02/03 => 2003-02-01
        iso,ymd date 01/02/03 => 2001-02-03 ; iso,mdy date 99-01-08 => ~ field value out of range
        sql,dmy date 2003-02-01 => 01/02/2003 ; sql,mdy date 2003-02-01 BC => 02/01/2003 BC
        german timestamp 2003-02-01 04:05:06.7 => 01.02.2003 04:05:06.7
        postgres,mdy timestamp 2003-02-01 04:05:06 => Sat Feb 01 04:05:06 2003
        postgres,dmy timestamptz 2003-02-01 04:05:06+01 BC => Sun 01 Feb 03:05:06 2003 UTC BC
        sql,mdy timestamptz 2003-02-01 04:05:06+01 => 02/01/2003 03:05:06 UTC
        german timestamptz infinity => infinity
        ",
        |line| {
            let (dates, rest) = line.split_once(' ').unwrap();
            let dates = DateStyle::default().changed(dates).unwrap();
            echo(rest, &Style { dates, ..Style::default() })
        },
    );
}

#[test]
fn date_styles_change_by_their_words() {
    check(
        r"
        sql => SQL, MDY ; german => German, DMY ; german,mdy => German, MDY ; ymd => ISO, YMD
        Postgres,European => Postgres, DMY ; iso, us => ISO, MDY ; iso,sql | dmy,mdy => Conflict
        metric => Word
        ",
        |words| match DateStyle::default().changed(words) {
            Ok(style) => style.to_string(),
            Err(BadDateStyle::Conflict) => "Conflict".into(),
            Err(BadDateStyle::Word(_)) => "Word".into(),
        },
    );
}

#[test]
fn times_with_zones() {
    check(
        r"
        timetz 10:11:12.5+02 => 10:11:12.5+02 ; timetz 10:11 PST => 10:11:00-08
        timetz 10:11 => 10:11:00+00 ; timetz 24:00:00-15:59:59 => 24:00:00-15:59:59
        timetz 2020-07-01 10:00 America/New_York => 10:00:00-04 ; timetz allballs => 00:00:00+00
        timetz 10:00 America/New_York | timetz 2020-01-01 => ~ invalid input syntax
        timetz 10:00+16 => ~ time zone displacement out of range
        ",
        |line| echo(line, &Style::default()),
    );
    // The same moment: the clock further east comes first.
    let encoded = ["10:00+02", "09:00+01", "08:00+00", "08:00:00.000001+00"]
        .map(|text| datetime::parse_timetz(text, &around(Zone::UTC)).unwrap().encode());
    assert!(encoded.is_sorted());
}

#[test]
fn zones_with_rules_of_their_own() {
    check(
        r"
        ABC5DEF,M3.2.0,M11.1.0 2020-03-08 06:59:59+00 => 2020-03-08 01:59:59-05
        ABC5DEF,M3.2.0,M11.1.0 2020-03-08 07:00:00+00 => 2020-03-08 03:00:00-04
        ABC5DEF 2020-11-01 06:00:00+00 => 2020-11-01 01:00:00-05
        <+0330>-3:30 2020-11-01 06:00:00+00 => 2020-11-01 09:30:00+03:30
        XYZ-10ZYX,J60/0,300/0 2021-03-01 00:00:00+00 => 2021-03-01 11:00:00+11
        PST8PDT 1800-01-01 08:00:00+00 => 1800-01-01 00:00:00-08
        America/New_York 2150-07-01 12:00:00+00 => 2150-07-01 08:00:00-04
        ",
        |line| {
            let (zone, text) = line.split_once(' ').unwrap();
            echo(&format!("timestamptz {text}"), &in_zone(zone))
        },
    );
    for bad in ["ABC", "", "ABC200", "ABC5DEF,M13.1.0,M11.1.0", "ABC5DEF,M3.2.0"] {
        assert_eq!(Zone::named(bad), None, "{bad}");
    }
}

#[test]
fn limits() {
    check(
        r"
        date 4714-11-24 BC => 4714-11-24 BC
        date 4714-11-23 BC => ~ date out of range ; date 5874898-01-01 => ~ date out of range
        date 5874897-12-31 => 5874897-12-31
        timestamp 294277-01-01 => ~ timestamp out of range ; timestamp 4714-11-23 23:59:59 BC => ~ timestamp out of range
        timestamp 294276-12-31 23:59:59.999999 => 294276-12-31 23:59:59.999999
        ",
        |line| echo(line, &Style::default()),
    );
}

#[test]
fn clocks_of_zones() {
    check(
        r"
        America/New_York 2020-03-08 06:59:59+00 => 2020-03-08 01:59:59-05
        America/New_York 2020-03-08 07:00:00+00 => 2020-03-08 03:00:00-04
        America/New_York 2020-11-01 05:30:00+00 => 2020-11-01 01:30:00-04
        America/New_York 2020-11-01 06:30:00+00 => 2020-11-01 01:30:00-05
        America/New_York 2020-07-01 12:00:00 => 2020-07-01 12:00:00-04
        America/New_York infinity => infinity
        Asia/Kolkata 2020-07-01 12:00:00+00 => 2020-07-01 17:30:00+05:30
        America/St_Johns 2020-11-01 06:30:00+00 => 2020-11-01 03:00:00-03:30
        Europe/Berlin 2020-03-29 02:30 => 2020-03-29 03:30:00+02
        Europe/Berlin 2020-10-25 02:30 => 2020-10-25 02:30:00+01
        Europe/Berlin 1850-01-01 00:00:00+00 => 1850-01-01 00:53:28+00:53:28
        Europe/Berlin 0044-03-15 12:00+00 BC => 0044-03-15 12:53:28+00:53:28 BC
        ",
        |line| {
            let (zone, text) = line.split_once(' ').unwrap();
            echo(&format!("timestamptz {text}"), &in_zone(zone))
        },
    );
}

#[test]
fn days_are_counted_on_the_clocks_of_the_zone() {
    check(
        r"
        2020-03-07 02:30 + 1 day => 2020-03-08 03:30:00-04
        2020-03-07 12:00 + 1 day => 2020-03-08 12:00:00-04
        2020-03-07 12:00 + 24 hours => 2020-03-08 13:00:00-04
        2020-10-31 12:00 + 1 day 1 hour => 2020-11-01 13:00:00-05
        2020-01-31 12:00 + 6 months => 2020-07-31 12:00:00-04
        ",
        |line| {
            let (start, interval) = line.split_once(" + ").unwrap();
            let zone = Zone::parse("America/New_York").unwrap();
            let start = datetime::parse_timestamp(start, true, &around(zone)).unwrap();
            let interval = parse_interval(interval, -1, &Style::default()).unwrap();
            let moved = datetime::add_interval_in_zone(start, &interval, zone);
            shown(moved.map(|moved| datetime::format_timestamp(moved, Some(zone))))
        },
    );
}

#[test]
fn words_for_now() {
    // 2020-07-01 23:30 in UTC is already the second of July in Berlin.
    let now = datetime::parse_timestamp("2020-07-01 23:30", false, &around(Zone::UTC)).unwrap();
    let style = Style { now, ..in_zone("Europe/Berlin") };
    check(
        r"
        date today => 2020-07-02 ; date tomorrow => 2020-07-03 ; date yesterday => 2020-07-01
        time now => 01:30:00 ; timestamp now => 2020-07-02 01:30:00
        timestamp today => 2020-07-02 00:00:00 ; timestamptz now => 2020-07-02 01:30:00+02
        timestamptz yesterday => 2020-07-01 00:00:00+02
        ",
        |line| echo(line, &style),
    );
}

#[test]
fn precision() {
    // Halves are rounded away from PostgreSQL's epoch: down before 2000.
    check(
        r"
        3 2020-01-02 03:04:05.123456 => 2020-01-02 03:04:05.123
        3 2020-01-02 03:04:05.1235 => 2020-01-02 03:04:05.124
        3 1999-12-31 23:59:59.9996 => 2000-01-01 00:00:00
        3 1999-12-31 23:59:59.9995 => 1999-12-31 23:59:59.999
        0 2020-01-02 03:04:05.6 => 2020-01-02 03:04:06 ; 0 infinity => infinity
        ",
        |line| {
            let (digits, text) = line.split_once(' ').unwrap();
            let value = datetime::parse_timestamp(text, false, &around(Zone::UTC)).unwrap();
            let rounded = datetime::round_to_precision(value, digits.parse().unwrap());
            datetime::format_timestamp(rounded, None)
        },
    );
}

#[test]
fn arithmetic() {
    check(
        r"
        + timestamp 2020-01-31, interval 1 month => 2020-02-29 00:00:00
        - timestamp 2020-03-31, interval 1 month => 2020-02-29 00:00:00
        + timestamp 2020-01-01, interval 1 month => 2020-02-01 00:00:00
        + timestamp 2020-01-02, interval 1 month => 2020-02-02 00:00:00
        + timestamp 2020-02-29, interval 1 year => 2021-02-28 00:00:00
        - timestamp 0001-01-15, interval 1 month => 0001-12-15 00:00:00 BC
        + date 2020-01-31, interval 1 mon -1 day => 2020-02-28 00:00:00
        + timestamp 2020-01-31 12:00, interval 1 mon 1 day -13 hours => 2020-02-29 23:00:00
        + timestamp infinity, interval 1 day => infinity
        - timestamp 4714-11-24 BC, interval 1 day => ~ timestamp out of range
        + timestamp 2020-01-01, interval 178000000 years => ~ timestamp out of range
        - timestamp 2020-03-01, timestamp 2020-02-28 12:00 => 1 day 12:00:00
        - timestamp 2020-01-01, timestamp 2020-02-28 12:00 => -58 days -12:00:00
        + date 2020-01-01, int4 60 => 2020-03-01 ; - date 2020-03-01, date 2020-02-01 => 29
        + time 10:00, interval 25 hours => 11:00:00 ; - time 10:00, interval 11 hours => 23:00:00
        - time 10:00, time 11:30 => -01:30:00
        age timestamp 2001-04-10, timestamp 1957-06-13 => 43 years 9 mons 27 days
        age timestamp 2020-03-01, timestamp 2020-01-31 => 1 mon 1 day
        age timestamp 2020-01-31, timestamp 2020-03-01 => -1 mons -1 days
        age timestamp 2020-03-01, timestamp 2019-02-28 12:00 => 1 year 12:00:00
        age timestamp 2020-02-29, timestamp 2019-03-30 => 10 mons 30 days
        make_date int4 2020, int4 2, int4 29 => 2020-02-29
        make_date int4 -44, int4 3, int4 15 => 0044-03-15 BC
        make_date int4 2021, int4 2, int4 29 => ~ date field value out of range
        ",
        call,
    );
}

#[test]
fn fields() {
    check(
        r"
        date_trunc week 2020-03-01 10:00 => 2020-02-24 00:00:00
        date_trunc century 2000-06-15 => 1901-01-01 00:00:00
        date_trunc decade 0005-06-15 BC => 0011-01-01 00:00:00 BC
        date_trunc century 0055-08-10 BC => 0100-01-01 00:00:00 BC
        date_trunc quarter 2020-06-15 => 2020-04-01 00:00:00
        date_trunc hour 1999-01-01 10:59 => 1999-01-01 10:00:00
        date_trunc milliseconds 1999-01-01 10:00:01.1239 => 1999-01-01 10:00:01.123
        extract century 2000-06-15 => 20
        extract century 0100-06-15 BC | extract millennium 0001-06-15 BC => -1
        extract decade 0011-06-15 BC => -1
        extract century 0101-06-15 BC | extract year 0002-06-15 BC => -2
        extract isoyear 0002-06-15 BC => -2 ; extract isoyear 2021-01-01 => 2020
        extract week 2021-01-01 => 53 ; extract dow 2021-01-03 => 0 ; extract isodow 2021-01-03 => 7
        extract doy 2020-12-31 => 366 ; extract epoch 1969-12-31 23:59:59.5 => -0.500000
        extract julian 2020-01-01 12:00 => 2458850.50000000000000000000
        extract milliseconds 2020-01-01 12:00:01.5 => 1500.000
        extract microseconds 2020-01-01 12:00:01.5 => 1500000 ; extract epoch infinity => Infinity
        extract hour infinity => NULL
        ",
        |line| {
            let words: Vec<&str> = line.splitn(3, ' ').collect();
            call(&format!("{} text {}, timestamp {}", words[0], words[1], words[2]))
        },
    );
    assert_eq!(call("extract text epoch, date 2020-01-01"), "1577836800");
    assert!(call("extract text hour, date 2020-01-01").ends_with("not supported for type date"));
}

#[test]
fn offsets_as_names_of_zones_count_westward() {
    // POSIX's sign in a name, ISO's in a timestamp.
    check(
        r"
        Europe/Berlin => 2020-07-01 10:00:00+00 ; Etc/GMT+5 => 2020-07-01 17:00:00+00
        +05:30 => 2020-07-01 17:30:00+00 ; -3 => 2020-07-01 09:00:00+00
        ",
        |zone| call(&format!("timezone text {zone}, timestamp 2020-07-01 12:00")),
    );
}

const ZONES: &[&str] =
    &["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "-03:30"];

proptest! {
    #![proptest_config(config())]

    #[test]
    fn text_comes_back_in_every_zone(timestamp in any_timestamp(), zone in select(ZONES)) {
        let style = in_zone(zone);
        let value = Datum::Int64(timestamp);
        let text = to_text(Type::Timestamptz, &value, &style).unwrap();
        prop_assert_eq!(from_text(Type::Timestamptz, &text, &style).unwrap(), value, "{}", text);
    }

    #[test]
    fn local_times_come_back(timestamp in any_timestamp(), zone in select(ZONES)) {
        // The moment need not: a clock that is set back shows an hour twice.
        let zone = Zone::parse(zone).unwrap();
        let local = zone.to_local(timestamp);
        prop_assert_eq!(zone.to_local(zone.to_utc(local)), local);
    }

    #[test]
    fn months_end_on_the_last_day_at_most(timestamp in any_timestamp(), months in 0..2000u32) {
        let start = datetime::to_chrono(timestamp).unwrap();
        let by = Interval { months: months as i32, days: 0, microseconds: 0 };
        let moved = |by: &Interval| {
            let moved = datetime::add_interval(timestamp, by);
            moved.ok().and_then(datetime::to_chrono)
        };
        prop_assert_eq!(moved(&by), start.checked_add_months(Months::new(months)));
        // Backwards as long as that stays in PostgreSQL's calendar.
        if start.year() > -2000 {
            let back = start.checked_sub_months(Months::new(months));
            prop_assert_eq!(moved(&by.neg().unwrap()), back);
        }
    }

    #[test]
    fn days_and_dates_agree(timestamp in any_timestamp(), days in 0..10_000i32) {
        let by = Interval { months: 0, days, microseconds: 0 };
        let moved = datetime::add_interval(timestamp, &by).unwrap();
        prop_assert_eq!(moved - timestamp, i64::from(days) * DAY_US);
        let dates = [moved, timestamp].map(datetime::timestamp_to_date);
        prop_assert_eq!(dates[0] - dates[1], days);
    }
}
