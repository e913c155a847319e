//! The text and binary forms of every type: what is written is read again, PostgreSQL's own bytes
//! are understood, and malformed input is an error.

use proptest::prelude::*;
use proptest::sample::select;

use super::{any_kind, check, config, echo, hex, kind_of, shown, unhex, unquote, value};
use crate::error::{Error, SqlState};
use crate::types::io::{Style, apply_typmod, from_binary, from_text, to_text, write_binary};
use crate::types::{Datum, Type, TypeMod};

#[test]
fn numbers_and_booleans() {
    check(
        r"
        int4 '  42 ' => 42 ; int4 +5 => 5 ; int4 -2147483648 => -2147483648
        int4 2147483648 => ~ is out of range for type integer
        int2 32768 => ~ is out of range for type smallint
        int4 - 5 | int4 4.0 | int8 '' | bool o | bool truee | bool '' => ~ invalid input syntax
        oid 4294967295 | oid -1 => 4294967295
        oid 4294967296 => ~ is out of range for type oid ; regtype int4 => integer
        regtype nope => ~ does not exist ; bool ' TRUE ' | bool ye => t ; bool of => f
        float8 1.0 => 1 ; float8 -0 => -0 ; float8 1e14 => 100000000000000 ; float8 1e15 => 1e+15
        float8 123456789012345680 => 1.2345678901234568e+17 ; float8 1e-4 => 0.0001
        float8 1e-5 => 1e-05 ; float8 4.9e-324 => 5e-324
        float8 1.7976931348623157e308 => 1.7976931348623157e+308 ; float8 ' NaN ' => NaN
        float8 inf => Infinity ; float4 100000 => 100000 ; float4 1e6 => 1e+06
        float4 123456.7 => 123456.7 ; float4 16777216 => 1.6777216e+07
        float4 3.4028235e38 => 3.4028235e+38
        float8 1e400 | float8 1e-400 => ~ is out of range for type double precision
        float4 3.4028236e38 | float4 1e-46 => ~ is out of range for type real
        float8 1e | float8 infinit => ~ invalid input syntax
        ",
        |line| echo(line, &Style::default()),
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
        uuid '' | uuid a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1 => ~ invalid input syntax
        uuid {a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 => ~ invalid input syntax
        uuid a0eebc999-c0b-4ef8-bb6d-6bb9bd380a11 => ~ invalid input syntax
        ? uuid +0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 => ~ invalid input syntax
        "#,
        |line| echo(line, &Style::default()),
    );
    let escape = Style { bytea_escape: true, ..Style::default() };
    let value = Datum::Bytes(vec![0, 0xff, b'\\', b'a', b' ', b'~', 0x7f]);
    assert_eq!(to_text(Type::Bytea, &value, &escape).unwrap(), "\\000\\377\\\\a ~\\177");
}

#[test]
fn lengths() {
    check(
        r"
        varchar 3 cast abcdef => [abc] ; varchar 2 cast é日x => [é日] ; bpchar 2 cast abc => [ab]
        varchar 2 store 'ab  ' => [ab] ; bpchar 3 store é => [é  ] ; bpchar 3 store 'abc ' => [abc]
        varchar 2 store abc => ~ value too long for type character varying(2)
        bpchar 3 store abcd => ~ value too long for type character(3)
        ",
        |line| {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            let target = TypeMod::with_length(kind_of(words[0]), words[1].parse().unwrap());
            let text = Datum::Text(unquote(words[3]).to_owned());
            let fitted = apply_typmod(target, text, words[2] == "cast");
            shown(fitted.and_then(|fitted| Ok(format!("[{}]", fitted.as_str()?))))
        },
    );
}

#[test]
fn binary_forms_are_postgresqls() {
    check(
        r"
        bool t => 01 ; int2 -2 => fffe ; float4 1.5 => 3fc00000 ; float8 -0.1 => bfb999999999999a
        oid 4294967295 => ffffffff ; regtype integer => 00000017 ; text héé => 68c3a9c3a9
        bytea \x00ff => 00ff
        uuid a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 => a0eebc999c0b4ef8bb6d6bb9bd380a11
        date 1999-12-31 => ffffffff ; date infinity => 7fffffff ; time 04:05:06 => 000000036c8bc080
        timestamp 2000-01-01 00:00:01 => 00000000000f4240
        timestamptz 1999-12-31 23:59:59+00 => fffffffffff0bdc0
        interval 1 year 2 mons 3 days 04:05:06.789 => 000000036c97ca88000000030000000e
        interval -1 days => 0000000000000000ffffffff00000000
        numeric 0 => 0000000000000000 ; numeric 0.00 => 0000000000000002
        numeric 1 => 00010000000000000001 ; numeric -1.5 => 000200004000000100011388
        numeric 12345.6789 => 0003000100000004000109291a85 ; numeric NaN => 00000000c0000000
        numeric 0.0001 => 0001ffff000000040001 ; numeric 0.00001 => 0001fffe0000000503e8
        numeric 1e20 => 00010005000000000001 ; numeric -9999.9999000 => 0002000040000007270f270f
        numeric 100000000.00000001 => 000500020000000800010000000000000001
        numeric 0.12345 => 0002ffff0000000504d21388
        ",
        |line| {
            let (kind, text) = line.split_once(' ').unwrap();
            let value = from_text(kind_of(kind), text, &Style::default()).unwrap();
            let mut out = Vec::new();
            write_binary(kind_of(kind), &value, &mut out).unwrap();
            hex(&out)
        },
    );
}

#[test]
fn malformed_binary_input_is_refused() {
    use SqlState::{
        CharacterNotInRepertoire, DatetimeFieldOverflow, InvalidBinaryRepresentation,
        ProtocolViolation,
    };
    let rows = [
        // Too short is a broken message.
        (Type::Bool, "", ProtocolViolation),
        (Type::Int4, "000000", ProtocolViolation),
        (Type::Int4, "0000000000", InvalidBinaryRepresentation),
        (Type::Uuid, "00", ProtocolViolation),
        (Type::Interval, "0000000000000000ffffffff000000", ProtocolViolation),
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
    fn both_forms_come_back((kind, value) in any_kind().prop_flat_map(|k| (Just(k), value(k)))) {
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
        kind in any_kind(),
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
        kind in any_kind(),
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
