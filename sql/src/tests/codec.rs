//! Rows and keys as bytes: what is written is read again, keys sort as their values do, and no
//! bytes whatever make the readers panic.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::{any_kind, config, value};
use crate::codec::{
    RowReader, canonical, decode_columns, decode_stored, encode_datum, encode_entry, encode_key,
    encode_row, split_entry,
};
use crate::error::{Error, SqlState};
use crate::types::interval::Interval;
use crate::types::io::{Style, from_text};
use crate::types::{Datum, Numeric, Type};

fn nullable(kind: Type) -> impl Strategy<Value = Datum> {
    prop_oneof![9 => value(kind), 1 => Just(Datum::Null)]
}

fn row() -> impl Strategy<Value = Vec<Datum>> {
    prop::collection::vec(any_kind().prop_flat_map(nullable), 0..8)
}

fn key(columns: &[(Type, &Datum)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (kind, datum) in columns {
        encode_key(*kind, datum, &mut out);
    }
    out
}

/// The order of a type's values, taken from the values and not from their encoding.
fn order(kind: Type, a: &Datum, b: &Datum) -> Ordering {
    match (kind, a, b) {
        (Type::Numeric, Datum::Bytes(a), Datum::Bytes(b)) => {
            Numeric::decode(a).unwrap().compare(&Numeric::decode(b).unwrap())
        }
        (Type::Interval, Datum::Bytes(a), Datum::Bytes(b)) => {
            let estimate = |bytes| Interval::decode(bytes).unwrap().estimate_us();
            estimate(a).cmp(&estimate(b))
        }
        (Type::Bpchar, Datum::Text(a), Datum::Text(b)) => {
            a.trim_end_matches(' ').as_bytes().cmp(b.trim_end_matches(' ').as_bytes())
        }
        _ => a.compare(b),
    }
}

/// NaN differs from itself, its name does not.
fn print(row: &[Datum]) -> String {
    format!("{row:?}")
}

fn is_corruption(error: &Error) -> bool {
    matches!(error, Error::Report(report) if report.state == SqlState::DataCorrupted)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn rows_come_back(row in row()) {
        prop_assert_eq!(print(&decode_stored(&encode_row(&row)).unwrap()), print(&row));
    }

    #[test]
    fn entries_come_back(key in prop::collection::vec(any::<u8>(), 0..300), row in row()) {
        let value = encode_entry(&key, row.iter());
        let (row_key, included) = split_entry(&value).unwrap();
        prop_assert_eq!(row_key, key.as_slice());
        prop_assert_eq!(print(&decode_stored(included).unwrap()), print(&row));
    }

    #[test]
    fn wanted_columns_come_back(row in row(), mask in any::<u8>()) {
        let wanted: Vec<usize> = (0..row.len()).filter(|i| mask >> i & 1 == 1).collect();
        let mut found = Vec::new();
        decode_columns(&encode_row(&row), &wanted, &mut found, |_| None).unwrap();
        let expected: Vec<Datum> = wanted.iter().map(|i| row[*i].clone()).collect();
        prop_assert_eq!(print(&found), print(&expected));
    }

    #[test]
    fn rows_lack_columns_that_were_added_later(row in row(), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(row.len() + 1);
        let mut later = vec![Vec::new(); row.len()];
        row.iter().zip(&mut later).for_each(|(value, bytes)| encode_datum(value, bytes));
        let wanted: Vec<usize> = (0..row.len()).collect();
        let mut found = Vec::new();
        let missing = |column: usize| (column >= cut).then(|| later[column].as_slice());
        decode_columns(&encode_row(&row[..cut]), &wanted, &mut found, missing).unwrap();
        prop_assert_eq!(print(&found), print(&row));
    }

    #[test]
    fn truncated_rows_are_corrupt_or_shorter(row in row(), cut in any::<prop::sample::Index>()) {
        let bytes = encode_row(&row);
        prop_assume!(!bytes.is_empty());
        match decode_stored(&bytes[..cut.index(bytes.len())]) {
            Ok(part) => {
                prop_assert!(part.len() < row.len());
                prop_assert_eq!(print(&part), print(&row[..part.len()]));
            }
            Err(error) => prop_assert!(is_corruption(&error)),
        }
        // A column that is not there is an error too.
        prop_assert!(decode_columns(&bytes, &[row.len()], &mut Vec::new(), |_| None).is_err());
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(
        bytes in prop::collection::vec(prop_oneof![0..12u8, any::<u8>()], 0..40)
    ) {
        let mut reader = RowReader::new(&bytes);
        let mut columns = 0;
        while !reader.is_done() && reader.skip().is_ok() {
            columns += 1;
        }
        match decode_stored(&bytes) {
            // Skipping and reading agree on where columns end.
            Ok(row) => prop_assert_eq!((row.len(), reader.is_done()), (columns, true)),
            Err(error) => prop_assert!(is_corruption(&error)),
        }
        if let Err(error) = Numeric::decode(&bytes) {
            prop_assert!(is_corruption(&error));
        }
        prop_assert_eq!(Interval::decode(&bytes).is_ok(), bytes.len() == 32);
    }

    #[test]
    fn keys_sort_as_values(
        (kind, a, b) in any_kind().prop_flat_map(|k| (Just(k), nullable(k), nullable(k)))
    ) {
        let expected = match (a.is_null(), b.is_null()) {
            (false, false) => order(kind, &a, &b),
            // NULLs are last, and alike.
            (left, right) => left.cmp(&right),
        };
        prop_assert_eq!(key(&[(kind, &a)]).cmp(&key(&[(kind, &b)])), expected);
        let same = encode_row(&[canonical(kind, a)]) == encode_row(&[canonical(kind, b)]);
        prop_assert_eq!(same, expected == Ordering::Equal);
    }

    #[test]
    fn keys_of_several_columns_sort_column_by_column(
        (kinds, a, b) in [any_kind(), any_kind(), any_kind()].prop_flat_map(|kinds| {
            let row = || kinds.map(nullable);
            (Just(kinds), row(), row())
        })
    ) {
        // The first column is often equal only if it is made so.
        for b in [&b, &[a[0].clone(), b[1].clone(), b[2].clone()]] {
            let expected = (0..3).map(|i| order(kinds[i], &a[i], &b[i])).find(|o| o.is_ne());
            let keys = [&a, b].map(|row| {
                key(&[(kinds[0], &row[0]), (kinds[1], &row[1]), (kinds[2], &row[2])])
            });
            prop_assert_eq!(keys[0].cmp(&keys[1]), expected.unwrap_or(Ordering::Equal));
        }
    }
}

/// Checks that the keys of values rise from one group to the next and are equal within a group.
fn rise(kind: Type, groups: &[Vec<Datum>]) {
    for (i, left) in groups.iter().enumerate() {
        for (j, right) in groups.iter().enumerate() {
            for (a, b) in left.iter().flat_map(|a| right.iter().map(move |b| (a, b))) {
                let order = key(&[(kind, a)]).cmp(&key(&[(kind, b)]));
                assert_eq!(order, i.cmp(&j), "{kind:?} {a:?} {b:?}");
            }
        }
    }
}

/// The same, of values as text, such as `1 < 2 = 2.0 < 3`.
fn rise_text(kind: Type, values: &str) {
    let read = |text: &str| from_text(kind, text, &Style::default()).unwrap();
    let groups = values.split(" < ").map(|group| group.split(" = ").map(read).collect());
    rise(kind, &groups.collect::<Vec<Vec<Datum>>>());
}

#[test]
fn keys_of_numbers_rise() {
    rise_text(
        Type::Numeric,
        "-Infinity < -1e40 < -100.5 < -100 = -1e2 < -99.99 < -1.01 < -1 = -1.000 < -0.1 < -0.0001 \
         < 0 = 0.00 = -0 < 0.0001 < 0.00011 < 0.1 < 0.99 < 1 = 1.0 = 1.00 < 1.0000001 < 1.5 < 2 \
         < 9.9 < 10 = 10.0 < 99 < 99.5 < 100 = 1e2 < 1e40 < Infinity < NaN",
    );
    rise_text(
        Type::Float8,
        "-Infinity < -1e308 < -1 < -1e-300 < -5e-324 < -0 = 0 < 5e-324 < 1e-300 < 1 \
         < 1.0000000000000002 < 1e308 < Infinity < NaN",
    );
    rise_text(Type::Float4, "-Infinity < -1 < -0 = 0 < 1e-45 < 1 < 1e38 < Infinity < NaN");
    rise_text(Type::Int2, "-32768 < -256 < -1 < 0 < 1 < 255 < 256 < 32767");
    rise_text(Type::Int4, "-2147483648 < -1 < 0 < 1 < 2147483647");
    rise_text(Type::Int8, "-9223372036854775808 < -1 < 0 < 1 < 9223372036854775807");
    // Whatever the sign of a NaN; NULL is last.
    let nans = [f64::NAN, -f64::NAN].map(Datum::Float64).to_vec();
    rise(Type::Float8, &[vec![Datum::Float64(f64::INFINITY)], nans, vec![Datum::Null]]);
}

#[test]
fn keys_of_strings_rise() {
    let texts = ["", "\u{1}", " ", "a", "a\u{1}", "a ", "aa", "ab", "b", "é", "日"];
    rise(Type::Text, &texts.map(|text| vec![Datum::Text(text.into())]));
    let padded = [["", "  "], ["a", "a "], ["a b", "a b "], ["aa", "aa"], ["b", "b   "]];
    rise(Type::Bpchar, &padded.map(|pair| pair.map(|text| Datum::Text(text.into())).to_vec()));
    let bytes: [&[u8]; 9] =
        [&[], &[0], &[0, 0], &[0, 1], &[0, 0xff], &[1], &[1, 0], &[0xff], &[0xff, 0]];
    rise(Type::Bytea, &bytes.map(|bytes| vec![Datum::Bytes(bytes.to_vec())]));
}

#[test]
fn keys_of_times_rise() {
    rise_text(
        Type::Interval,
        "-1 year < -1 mon = -30 days < -1 day = -24:00:00 < -23:59:59 < 0 = 1 mon -30 days \
         < 00:00:00.000001 < 1 day = 24:00:00 < 29 days 23:59:59 < 1 mon = 30 days = 720:00:00 \
         < 29 days 25:00:00 < 1 year = 12 mons = 360 days < 365 days",
    );
    rise_text(Type::Date, "-infinity < 4714-11-24 BC < 1999-12-31 < 2000-01-01 < infinity");
    rise_text(Type::Timestamp, "-infinity < 0001-01-01 BC < 1999-12-31 23:59 < infinity");
}
