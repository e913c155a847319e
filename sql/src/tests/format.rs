//! `to_char` against PostgreSQL 15.

use super::{check, shown};
use crate::error::Result;
use crate::types::datetime::{self, Zone, to_char};
use crate::types::io::{Style, parse_interval};
use crate::types::{Datum, Numeric, format};

/// In brackets, since blanks at the ends count.
fn text(result: Result<Datum>) -> String {
    shown(result.and_then(|value| Ok(format!("[{}]", value.as_str()?))))
}

fn of_timestamp(text_of_time: &str, zone: Option<Zone>, template: &str) -> String {
    let time =
        datetime::parse_timestamp(text_of_time, zone.is_some(), &Style::default().surroundings())
            .unwrap();
    text(to_char::timestamp(time, zone, template))
}

#[test]
fn timestamps() {
    check(
        r#"
        YYYY-MM-DD HH24:MI:SS => [2009-06-03 14:05:07]
        yyyy-mm-dd hh:mi pm => [2009-06-03 02:05 pm]
        HH12:MI:SS AM HH:MI A.M. => [02:05:07 PM 02:05 P.M.] ; MS US SSSS => [012 012345 50707]
        Y,YYY YYY YY Y => [2,009 009 09 9] ; IYYY-IW-ID IDDD => [2009-23-3 157]
        IYY IY I => [009 09 9] ; BC bc A.D. b.c. => [AD ad A.D. a.d.]
        Month|MONTH|month|FMMonth| => [June     |JUNE     |june     |June|]
        Mon MON mon Dy DY dy => [Jun JUN jun Wed WED wed]
        Day|DAY|day|FMDay => [Wednesday|WEDNESDAY|wednesday|Wednesday]
        DDD DD D WW W Q CC J => [154 03 4 22 1 2 21 2454986] ; RM|rm|FMRM| => [VI  |vi  |VI|]
        DDth FMDDTH Dth YYYYth => [03rd 3RD 4th 2009th] ; FMHH24:FMMI:FMSS FMMS => [14:5:7 012]
        "at" HH24 "YYYY" => [at 14 YYYY] ; YYYY\"x => [2009"x] ; FF1 FF3 FF6 => [0 012 012345]
        TMMonth => [June] ; HH24MISS => [140507] ; OF TZH:TZM|TZ => [+00 +00:00|]
        "#,
        |template| of_timestamp("2009-06-03 14:05:07.012345", None, template),
    );
    check(
        r"
        2021-01-01 12:00 @ IYYY-IW-ID IDDD HH12 AM => [2020-53-5 369 12 PM]
        2000-11-11 00:00 @ DDth CC HH12 AM => [11th 20 12 AM]
        2001-02-22 03:04 @ DDth CC => [22nd 21]
        2020-12-31 23:59:59.999999 @ SS US WW W Q => [59 999999 53 5 4]
        0044-03-15 BC 00:30 @ YYYY-MM-DD BC J => [0044-03-15 BC 1705428]
        0044-03-15 BC 00:30 @ CC IYYY => [-01 0044]
        12345-06-15 12:00 @ YYYY Y,YYY => [12345 12,345]
        ",
        |line| {
            let (time, template) = line.split_once(" @ ").unwrap();
            of_timestamp(time, None, template)
        },
    );
}

#[test]
fn zones() {
    check(
        r"
        America/New_York @ 2020-07-01 12:00+00 => [08:00 EDT edt -04 -04:00]
        America/New_York @ 2020-01-01 12:00+00 => [07:00 EST est -05 -05:00]
        Asia/Kolkata @ 2020-07-01 12:00+00 => [17:30 IST ist +05:30 +05:30]
        America/St_Johns @ 2020-01-01 12:00+00 => [08:30 NST nst -03:30 -03:30]
        ",
        |line| {
            let (zone, time) = line.split_once(" @ ").unwrap();
            of_timestamp(time, Zone::parse(zone), "HH24:MI TZ tz OF TZH:TZM")
        },
    );
}

#[test]
fn intervals() {
    check(
        r#"
        1 year 2 mons 3 days 27:05:06.789 @ YYYY-MM-DD HH24:MI:SS.MS => [0001-02-03 27:05:06.789]
        1 year 2 mons 3 days 27:05:06.789 @ HH12:MI US => [03:05 789000]
        1 year 2 mons 3 days 27:05:06.789 @ FMHH24:FMMI SSSS => [27:5 97506]
        -1 day -02:03:04.5 @ DD HH24:MI:SS => [-1 -02:-03:-04]
        -1 year -2 mons @ YYYY MM => [-0001 -02] ; 12:00 @ HH12 AM => [12 PM]
        1 day @ "HH24" DD => [HH24 01]
        1 day @ Day => ~ invalid format specification for an interval value
        "#,
        |line| {
            let (value, template) = line.split_once(" @ ").unwrap();
            text(to_char::interval(
                &parse_interval(value, -1, &Style::default()).unwrap(),
                template,
            ))
        },
    );
}

#[test]
fn numbers() {
    check(
        r"
        1234567.891 @ 9,999,999.99 => [ 1,234,567.89]
        -1234567.891 @ 9,999,999.99 => [-1,234,567.89]
        1234567.891 @ FM9,999,999.99 => [1,234,567.89] ; 12 @ 9,099 => [   012]
        12 @ 0,099 => [ 0,012] ; 1234.5 @ 9G999D99 => [ 1,234.50] ; -1234.5 @ S9999.99 => [-1234.50]
        1234.5 @ S9999.99 => [+1234.50] ; -1234.5 @ 9999.99S | -1234.5 @ 9999.99MI => [1234.50-]
        1234.5 @ 9999.99MI => [1234.50 ] ; -12 @ 9999 => [  -12] ; 12 @ 0000 => [ 0012]
        -12 @ 00000 => [-00012] ; 0.5 @ 9.99 => [  .50] ; 0.5 @ 0.99 => [ 0.50]
        0.5 @ FM9.99 => [.5] ; 0.5 @ FM0.00 => [0.50] ; 0 @ 9 | -0.4 @ 9 => [ 0] ; 0 @ 9.9 => [  .0]
        0 @ FM0.9 => [0.] ; ? 0 @ FM9.9 => [0.] ; 0 @ FM990.00 => [0.00] ; 12 @ FM99.99 => [12.]
        12 @ FM0099.990 => [0012.000] ; 148.5 @ FM999.990 => [148.500] ; 12345 @ 999 => [ ###]
        -12345 @ 999 => [-###] ; 1234567 @ 9,999 => [ #,###] ; 9.999 @ 9.99 => [ #.##]
        2.5 @ 9 => [ 3] ; 123 @ 9 9 9 => [ 1 2 3] ; NaN @ 999 => [ NaN] ; ? 12 @ SG99 => [+12]
        ? 12 @ $99 => [$ 12]
        ",
        |line| {
            let (value, template) = line.split_once(" @ ").unwrap();
            text(format::number(&Numeric::parse(value).unwrap(), template))
        },
    );
}
