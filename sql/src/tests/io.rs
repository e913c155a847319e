//! The text and binary forms of every type: what is written is read again, PostgreSQL's own bytes
//! are understood, and malformed input is an error.

use proptest::prelude::*;
use proptest::sample::select;

use super::{KINDS, check, config, echo, hex, shown, unhex, value};
use crate::error::{Error, SqlState};
use crate::types::io::{Style, apply_typmod, from_binary, from_text, to_text, write_binary};
use crate::types::{Datum, Type, TypeMod};

#[test]
fn integers_and_booleans() {
    check(
        r"
        int4 '  42 ' => 42 ; int4 +5 => 5 ; int4 -2147483648 => -2147483648
        int4 2147483648 => ~ value {} is out of range for type integer
        int2 32768 => ~ value {} is out of range for type smallint
        int4 - 5 | int4 4.0 | int8 '' | bool o | bool truee | bool '' => ~ invalid input syntax
        oid 4294967295 | oid -1 => 4294967295
        oid 4294967296 => ~ value {} is out of range for type oid ; regtype int4 => integer
        regtype nope => ~ type {} does not exist ; bool ' TRUE ' | bool ye => t ; bool of => f
        ",
        |line| echo_typed(line, &Style::default()),
    );
}

#[test]
fn floats() {
    check(
        r"
        float8 1.0 => 1 ; float8 -0 => -0 ; float8 1e14 => 100000000000000 ; float8 1e15 => 1e+15
        float8 123456789012345680 => 1.2345678901234568e+17 ; float8 1e-4 => 0.0001
        float8 1e-5 => 1e-05 ; float8 4.9e-324 => 5e-324
        float8 1.7976931348623157e308 => 1.7976931348623157e+308 ; float8 ' NaN ' => NaN
        float8 inf => Infinity ; float4 100000 => 100000 ; float4 1e6 => 1e+06
        float4 123456.7 => 123456.7 ; float4 16777216 => 1.6777216e+07
        float4 3.4028235e38 => 3.4028235e+38
        float8 1e400 | float8 1e-400 => ~ {} is out of range for type double precision
        float4 3.4028236e38 | float4 1e-46 => ~ {} is out of range for type real
        float8 1e | float8 infinit => ~ invalid input syntax
        ",
        |line| echo_typed(line, &Style::default()),
    );
    let few = Style { extra_float_digits: 0, ..Style::default() };
    let write = |value: Datum| to_text(Type::Float8, &value, &few).unwrap();
    assert_eq!(write(Datum::Float64(0.1 * 3.0)), "0.3");
    assert_eq!(write(Datum::Float64(123_456_789.123_456_79)), "123456789.123457");
    assert_eq!(write(Datum::Float32(1_234_567.0)), "1.23457e+06");
}

#[test]
fn bytes() {
    check(
        r#"
        bytea \xDEADbeef => \xdeadbeef ; bytea \x de ad => \xdead
        bytea abc\\d\001 => \x6162635c6401
        bytea \xd => ~ invalid hexadecimal data: odd number of digits
        bytea \xzz => ~ invalid hexadecimal digit: "z"
        bytea \400 | bytea \12 => ~ invalid input syntax
        uuid {A0EEBC999C0B4EF8BB6D6BB9BD380A11} => a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11
        uuid a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11 => a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11
        "#,
        |line| echo_typed(line, &Style::default()),
    );
    for text in [
        "",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1",
        "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "a0eebc999-c0b-4ef8-bb6d-6bb9bd380a11",
        "+0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    ] {
        let expected = format!("ERROR: invalid input syntax for type uuid: \"{text}\"");
        assert_eq!(echo(Type::Uuid, text), expected);
    }
    let escape = Style { bytea_escape: true, ..Style::default() };
    let value = Datum::Bytes(vec![0, 0xff, b'\\', b'a', b' ', b'~', 0x7f]);
    assert_eq!(to_text(Type::Bytea, &value, &escape).unwrap(), "\\000\\377\\\\a ~\\177");
}

#[test]
fn lengths() {
    let rows = [
        ((Type::Varchar, 3, true, "abcdef"), "abc|"),
        ((Type::Varchar, 2, true, "é日x"), "é日|"),
        ((Type::Varchar, 2, false, "ab  "), "ab|"),
        ((Type::Varchar, 2, false, "abc"), "ERROR: value too long for type character varying(2)"),
        ((Type::Bpchar, 3, false, "é"), "é  |"),
        ((Type::Bpchar, 3, false, "abc "), "abc|"),
        ((Type::Bpchar, 3, false, "abcd"), "ERROR: value too long for type character(3)"),
        ((Type::Bpchar, 2, true, "abc"), "ab|"),
    ];
    check(rows, |(kind, length, explicit, text)| {
        let target = TypeMod::with_length(*kind, *length);
        let fitted = apply_typmod(target, Datum::Text((*text).into()), *explicit);
        shown(fitted.and_then(|fitted| Ok(format!("{}|", fitted.as_str()?))))
    });
}

/// The type, a value of it, and PostgreSQL's binary form.
const BINARY: &[(Type, &str, &str)] = &[
    (Type::Bool, "t", "01"),
    (Type::Int2, "-2", "fffe"),
    (Type::Float4, "1.5", "3fc00000"),
    (Type::Float8, "-0.1", "bfb999999999999a"),
    (Type::Oid, "4294967295", "ffffffff"),
    (Type::Regtype, "integer", "00000017"),
    (Type::Text, "héé", "68c3a9c3a9"),
    (Type::Bytea, "\\x00ff", "00ff"),
    (Type::Uuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc999c0b4ef8bb6d6bb9bd380a11"),
    (Type::Date, "1999-12-31", "ffffffff"),
    (Type::Date, "infinity", "7fffffff"),
    (Type::Time, "04:05:06", "000000036c8bc080"),
    (Type::Timestamp, "2000-01-01 00:00:01", "00000000000f4240"),
    (Type::Timestamptz, "1999-12-31 23:59:59+00", "fffffffffff0bdc0"),
    (Type::Interval, "1 year 2 mons 3 days 04:05:06.789", "000000036c97ca88000000030000000e"),
    (Type::Interval, "-1 days", "0000000000000000ffffffff00000000"),
    (Type::Numeric, "12345.6789", "0003000100000004000109291a85"),
];

#[test]
fn binary_forms_are_postgresqls() {
    let style = Style::default();
    for (kind, text, bytes) in BINARY {
        let value = from_text(*kind, text, &style).unwrap();
        let mut out = Vec::new();
        write_binary(*kind, &value, &mut out).unwrap();
        assert_eq!(hex(&out), *bytes, "{kind:?} {text}");
        assert_eq!(from_binary(*kind, &out).unwrap(), value);
    }
}

#[test]
fn malformed_binary_input_is_refused() {
    use SqlState::{
        CharacterNotInRepertoire, DatetimeFieldOverflow, InvalidBinaryRepresentation,
    };
    let rows = [
        (Type::Bool, "", InvalidBinaryRepresentation),
        (Type::Int4, "000000", InvalidBinaryRepresentation),
        (Type::Int4, "0000000000", InvalidBinaryRepresentation),
        (Type::Uuid, "00", InvalidBinaryRepresentation),
        (Type::Interval, "0000000000000000ffffffff000000", InvalidBinaryRepresentation),
        (Type::Numeric, "00010000000000002710", InvalidBinaryRepresentation),
        (Type::Text, "ff", CharacterNotInRepertoire),
        (Type::Text, "6100", CharacterNotInRepertoire),
        (Type::Time, "ffffffffffffffff", DatetimeFieldOverflow),
        (Type::Time, "000000141dd76001", DatetimeFieldOverflow),
        // Beyond the calendar, though not infinite.
        (Type::Date, "7ffffffe", DatetimeFieldOverflow),
        (Type::Date, "80000001", DatetimeFieldOverflow),
        (Type::Timestamp, "7ffffffffffffffe", DatetimeFieldOverflow),
        (Type::Timestamptz, "8000000000000001", DatetimeFieldOverflow),
    ];
    for (kind, bytes, state) in rows {
        match from_binary(kind, &unhex(bytes)) {
            Err(Error::Report(report)) => assert_eq!(report.state, state, "{kind:?} {bytes}"),
            other => panic!("{kind:?} {bytes}: {other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn both_forms_come_back((kind, value) in select(KINDS).prop_flat_map(|k| (Just(k), value(k)))) {
        // By name, since NaN differs from itself.
        let print = |value: &Datum| format!("{value:?}");
        let plain = Style::default();
        for style in [&plain, &Style { bytea_escape: true, ..plain.clone() }] {
            let text = to_text(kind, &value, style).unwrap();
            let read = from_text(kind, &text, style).unwrap();
            prop_assert_eq!(print(&read), print(&value), "{:?} {}", kind, text);
        }
        let mut bytes = Vec::new();
        write_binary(kind, &value, &mut bytes).unwrap();
        prop_assert_eq!(print(&from_binary(kind, &bytes).unwrap()), print(&value));
    }

    #[test]
    fn arbitrary_input_is_read_or_refused(
        kind in select(KINDS),
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..20),
            prop::collection::vec(any::<u8>(), 8),
            prop::collection::vec(any::<u8>(), 4),
        ],
    ) {
        if let Ok(value) = from_binary(kind, &bytes) {
            let mut again = Vec::new();
            write_binary(kind, &value, &mut again).unwrap();
            let read = from_binary(kind, &again).unwrap();
            prop_assert_eq!(format!("{:?}", read), format!("{:?}", value));
            prop_assert!(to_text(kind, &value, &Style::default()).is_ok());
        }
    }

    #[test]
    fn arbitrary_text_is_read_or_refused(
        kind in select(KINDS),
        words in prop::collection::vec(
            select(vec![
                "1", "-", "12", "2020", "31", ":", ".", "+", " ", "e", "T", "BC", "PM", "Jan", "é",
                "day", "mons", "ago", "P", "UTC", "infinity", "\\", "x", "/", "00:00", "99999999",
            ]),
            0..8,
        ),
    ) {
        let style = Style::default();
        let text = words.concat();
        if let Ok(value) = from_text(kind, &text, &style) {
            // What was read has a text form, and that form means the same.
            let form = to_text(kind, &value, &style).unwrap();
            let read = from_text(kind, &form, &style).map(|read| format!("{read:?}"));
            prop_assert_eq!(read.ok(), Some(format!("{:?}", value)), "{} {}", text, form);
        }
    }
}
