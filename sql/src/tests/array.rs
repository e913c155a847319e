//! Arrays: their text and binary forms, their order, subscripts and functions, as PostgreSQL 15 has
//! them.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::{call, check, config, echo, hex, kind_of, shown, unhex, value};
use crate::codec::{canonical, encode_key};
use crate::error::{Error, SqlState};
use crate::functions::Scalar;
use crate::functions::arrays::{ArrayForm, Bounds, nest};
use crate::types::array::{Array, Dimension, MAX_ITEMS, count_items};
use crate::types::io::{Style, apply_typmod, from_binary, from_text, to_text, write_binary};
use crate::types::{Datum, Type, TypeMod};

/// An error with its detail.
fn detailed(result: crate::error::Result<String>) -> String {
    match result {
        Err(Error::Report(report)) => {
            format!("ERROR: {}: {}", report.message, report.detail.unwrap_or_default())
        }
        other => shown(other),
    }
}

#[test]
fn text_is_read_and_written() {
    check(
        r#"
        _text '{1,2,NULL,"a b"}' => {1,2,NULL,"a b"} ; _int4 '[0:2]={1,2,3}' => [0:2]={1,2,3}
        _int4 '{}' | _int4 ' { } ' => {} ; _int4 '{1} ' | _int4 '[1:1] = {1}' => {1}
        _int4 '{ {1 , 2 } , {3,4} }' => {{1,2},{3,4}} ; _int4 ' [1:1]={1}' => {1}
        _int4 '[1:1] [2:3]={{1,2}}' => [1:1][2:3]={{1,2}} ; _int4 '[3]={1,2,3}' => {1,2,3}
        _int4 '[-2:-1]={1,2}' => [-2:-1]={1,2} ; _int4 '[2147483646:2147483646]={1}' => [2147483646:2147483646]={1}
        _int4 '[99999999999:99999999999]={1}' => [1215752191:1215752191]={1}
        _int4 '[-2147483648:-2147483648]={1}' => [-2147483648:-2147483648]={1}
        _text '{a b , "c" , d\  }' => {"a b",c,"d "}
        _text '{\NULL,null,Null,"NULL"}' => {"NULL",NULL,NULL,"NULL"}
        _text '{"a\"b",a\"b,\\}' => {"a\"b","a\"b","\\"} ; _text '{ "" }' => {""}
        _text '{{"a"},{b}}' => {{a},{b}} ; _text '{"a,b","c{d}"}' => {"a,b","c{d}"}
        _text '{{{a,b},{c,d}},{{e,f},{g,h}}}' => {{{a,b},{c,d}},{{e,f},{g,h}}}
        _bool '{t,false}' => {t,f} ; _numeric '{1.50,NaN}' => {1.50,NaN} ; _date '{2020-01-01}' => {2020-01-01}
        _timestamp '{"2020-01-01 10:00"}' => {"2020-01-01 10:00:00"} ; _interval '{1 day}' => {"1 day"}
        _bytea '{\\x01,"\\x0203"}' => {"\\x01","\\x0203"} ; _float8 '{1e15,-0}' => {1e+15,-0}
        regtype _int4 | regtype int[] | regtype 'integer []' | regtype int4[][] => integer[]
        regtype varchar[] => character varying[] ; regtype nope[] => ~ does not exist
        "#,
        |line| echo(line, &Style::default()),
    );
}

#[test]
fn malformed_text_is_refused() {
    check(
        r#"
        '' | abc | \{a} | } => Array value must start with "{" or dimension information.
        {1,{2}} | {1{2}} => Unexpected "{" character.
        {{1},2} | {"a" b} | {a "b"} | {"1"2} | {1"2"} | {{a},b} => Unexpected array element.
        {{}} | {1,} | {{1},{}} | {{},{1}} | {{1},} => Unexpected "}" character.
        {,} | {{1},,{2}} => Unexpected "," character. ; {"a"\b} => Unexpected "\" character.
        {{1,2},{3}} | {{1},{2,3}} | {{{1},{2}},{3}} => Multidimensional arrays must have sub-arrays with matching dimensions.
        {{1},{{2}}} => Multidimensional arrays must have sub-arrays with matching dimensions.
        {1 | {" | {"} | {a\ | {"a\ | {{1} => Unexpected end of input.
        {1}} | {1}x | {}} | {}{} | {1,2}{ => Junk after closing right brace.
        [1:2]={1} | [1:2147483647]={1} | [-2147483648:2147483647]={1} | [1:1]={{1}} => Specified array dimensions do not match array contents.
        []={1} => "[" must introduce explicitly-specified array dimensions.
        [1:]={1} => Missing array dimension value. ; [1:2}={1} => Missing "]" after array dimensions.
        [1:1]{1} => Missing "=" after array dimensions. ; [1:1]=1 => Array contents must start with "{".
        "#,
        |text| {
            let read = from_text(Type::TextArray, text, &Style::default());
            let outcome = detailed(read.map(|_| String::new()));
            let expected = format!("ERROR: malformed array literal: \"{text}\": ");
            outcome.strip_prefix(&expected).unwrap_or(&outcome).to_owned()
        },
    );
    check(
        r#"
        _int4 '[2:1]={1}' | _int4 '[1:0]={}' => ~ upper bound cannot be less than lower bound
        _int4 '{{{{{{{1}}}}}}}' => ~ number of array dimensions (7) exceeds the maximum allowed (6)
        _int4 '[1:1][1:1][1:1][1:1][1:1][1:1][1:1]={1}' => ~ number of array dimensions (7)
        _int4 '[2147483647:2147483647]={1}' => ~ array lower bound is too large: 2147483647
        _int4 '[2147483646:2147483647]={1,2}' => ~ array lower bound is too large: 2147483646
        _int4 '{1,x}' => ~ invalid input syntax for type integer: "x"
        _int4 '{""}' => ~ invalid input syntax for type integer: ""
        "#,
        |line| echo(line, &Style::default()),
    );
}

#[test]
fn the_binary_form_is_postgresqls() {
    check(
        r#"
        _int4 {1,NULL,-2} => 00000001000000010000001700000003000000010000000400000001ffffffff00000004fffffffe
        _text {} => 000000000000000000000019
        _text [0:1][2:2]={{a},{""}} => 00000002000000000000001900000002000000000000000100000002000000016100000000
        _numeric {1.5} => 0000000100000000000006a400000001000000010000000c000200000000000100011388
        _bool {t,f} => 000000010000000000000010000000020000000100000001010000000100
        _date {2000-01-02} => 00000001000000000000043a00000001000000010000000400000001
        "#,
        |line| {
            let (kind, text) = line.split_once(' ').unwrap();
            let kind = kind_of(kind);
            let value = from_text(kind, text, &Style::default()).unwrap();
            let mut out = Vec::new();
            write_binary(kind, &value, &mut out).unwrap();
            assert_eq!(from_binary(kind, &out).unwrap(), value, "{line}");
            hex(&out)
        },
    );
}

#[test]
fn malformed_binary_input_is_refused() {
    use SqlState::{
        CharacterNotInRepertoire, DatatypeMismatch, InvalidBinaryRepresentation,
        ProgramLimitExceeded, ProtocolViolation,
    };
    let rows = [
        ("", ProtocolViolation, "insufficient data left in message"),
        ("00000000", ProtocolViolation, "insufficient data left in message"),
        (
            "ffffffff0000000000000019",
            InvalidBinaryRepresentation,
            "invalid number of dimensions: -1",
        ),
        (
            "000000070000000000000019",
            ProgramLimitExceeded,
            "number of array dimensions (7) exceeds the maximum allowed (6)",
        ),
        ("000000010000000200000019", InvalidBinaryRepresentation, "invalid array flags"),
        (
            "000000000000000000000017",
            DatatypeMismatch,
            "binary data has array element type 23 (integer) instead of expected 25 (text)",
        ),
        (
            "000000010000000000000019ffffffff00000001",
            ProgramLimitExceeded,
            "array size exceeds the maximum allowed (16777215)",
        ),
        (
            "0000000100000000000000197fffffff00000001",
            ProgramLimitExceeded,
            "array size exceeds the maximum allowed (16777215)",
        ),
        (
            "000000010000000000000019000000017fffffff0000000161",
            ProgramLimitExceeded,
            "array lower bound is too large: 2147483647",
        ),
        (
            "00000001000000000000001900000001000000010000",
            ProtocolViolation,
            "insufficient data left in message",
        ),
        (
            "0000000100000000000000190000000100000001fffffffe",
            InvalidBinaryRepresentation,
            "insufficient data left in message",
        ),
        (
            "000000010000000000000019000000010000000100000002aa",
            InvalidBinaryRepresentation,
            "insufficient data left in message",
        ),
        (
            "00000001000000000000001900000001000000010000000161ff",
            InvalidBinaryRepresentation,
            "incorrect binary data format in bind parameter",
        ),
        (
            "000000010000000000000019000000010000000100000001ff",
            CharacterNotInRepertoire,
            "invalid byte sequence for encoding \"UTF8\": 0xff",
        ),
    ];
    for (bytes, state, message) in rows {
        match from_binary(Type::TextArray, &unhex(bytes)) {
            Err(Error::Report(report)) => {
                assert_eq!((report.state, report.message.as_str()), (state, message), "{bytes}");
            }
            other => panic!("{bytes}: {other:?}"),
        }
    }
    // An element that is too long is told by its number.
    let long = unhex("00000001000000000000001700000001000000010000000500000001000000");
    let message = from_binary(Type::Int4Array, &long[..29]).unwrap_err().to_string();
    assert_eq!(message, "improper binary format in array element 1");
    // Dimensions without elements are none.
    let empty = from_binary(Type::TextArray, &unhex("0000000100000000000000190000000000000001"));
    assert_eq!(empty.unwrap(), Array::empty(Type::Text).to_datum());
}

#[test]
fn modifiers_are_of_the_elements() {
    let cut = |text: &str, explicit| {
        let value = from_text(Type::VarcharArray, text, &Style::default()).unwrap();
        let target = TypeMod::with_length(Type::VarcharArray, 3);
        let fitted = apply_typmod(target, value, explicit);
        shown(fitted.and_then(|value| to_text(Type::VarcharArray, &value, &Style::default())))
    };
    assert_eq!(cut("{abcd,NULL,a}", true), "{abc,NULL,a}");
    assert_eq!(cut("{abcd}", false), "ERROR: value too long for type character varying(3)");
    let display = |kind, length| TypeMod::with_length(kind, length).display();
    assert_eq!(display(Type::VarcharArray, 3), "character varying(3)[]");
    let numeric = TypeMod { kind: Type::NumericArray, ..TypeMod::numeric(5, 2) };
    assert_eq!(numeric.display(), "numeric(5,2)[]");
}

fn array(kind: Type, text: &str) -> Datum {
    match text {
        "NULL" => Datum::Null,
        text => from_text(kind, text, &Style::default()).unwrap(),
    }
}

fn print(kind: Type, value: crate::error::Result<Datum>) -> String {
    detailed(value.and_then(|value| match value {
        Datum::Null => Ok("NULL".into()),
        value => to_text(kind, &value, &Style::default()),
    }))
}

/// `1`, `1:2`, `:2`, `NULL` and so on, apart by commas: the arguments and which bounds are given.
fn subscripts(text: &str) -> (Option<Bounds>, Vec<Datum>) {
    let number = |text: &str| match text {
        "NULL" | "" => Datum::Null,
        digits => Datum::Int32(digits.parse().unwrap()),
    };
    if !text.contains(':') {
        return (None, text.split(',').map(number).collect());
    }
    let (mut bounds, mut values) = (Bounds::default(), Vec::new());
    for (at, range) in text.split(',').enumerate() {
        let (low, high) = range.split_once(':').unwrap();
        bounds = bounds.with(at, !low.is_empty(), !high.is_empty());
        values.extend([number(low), number(high)]);
    }
    (Some(bounds), values)
}

#[test]
fn subscripts_read() {
    check(
        "
        {1,2,3} at 2 => 2 ; {1,2,3} at 0 | {1,2,3} at NULL | {1,2} at 3 | {} at 1 | NULL at 1 => NULL
        {{1,2},{3,4}} at 1,2 => 2 ; {{1,2},{3,4}} at 1 | {1,2} at 1,1 | {{1,2}} at 2,1 => NULL
        [0:1]={5,6} at 0 => 5 ; {1,NULL} at 2 => NULL ; {1} at 2147483647 | {1} at -2147483648 => NULL
        {1,2,3} at 2:3 => {2,3} ; {1,2,3} at :2 => {1,2} ; {1,2,3} at 2: => {2,3} ; {1,2,3} at : => {1,2,3}
        {1,2,3} at 3:2 | {1,2,3} at 5:9 | {} at 1:1 | {1,2} at 1:1,1:1 => {} ; {1,2,3} at NULL:2 | NULL at 1:1 => NULL
        {1,2,3} at -5:2 => {1,2} ; [0:2]={1,2,3} at 1:2 => {2,3} ; {{1,2},{3,4}} at 1:2,2:2 => {{2},{4}}
        {{1,2},{3,4}} at 2:2 => {{3,4}} ; {1,2} at -2147483648:2147483647 => {1,2}
        ",
        |line| {
            let (text, at) = line.split_once(" at ").unwrap();
            let (bounds, at) = subscripts(at);
            let form = ArrayForm::Subscript { element: Type::Int4, bounds };
            let mut args = vec![array(Type::Int4Array, text)];
            args.extend(at);
            print(form.returns(), form.call(&args))
        },
    );
}

#[test]
fn subscripts_assign() {
    check(
        "
        {1,2,3} at 2 20 => {1,20,3} ; {1,2,3} at 5 50 => {1,2,3,NULL,50} ; {1} at 0 0 => [0:1]={0,1}
        {1} at -2 7 => [-2:1]={7,NULL,NULL,1} ; NULL at 1 2 => {2} ; {} at 2,2 5 => [2:2][2:2]={{5}}
        {1,2} at 1 NULL => {NULL,2} ; {{1,2},{3,4}} at 2,2 9 => {{1,2},{3,9}}
        {1} at 1,1 1 => ~ wrong number of array subscripts ; {1} at NULL 1 => ~ array subscript in assignment must not be null
        {{1,2},{3,4}} at 3,1 9 => ~ array subscript out of range
        {1} at 2147483647 1 => ~ array size exceeds the maximum allowed
        {1} at -2147483648 1 => ~ array size exceeds the maximum allowed
        {} at 2147483647 1 => ~ array lower bound is too large: 2147483647
        {1,2,3} at 1:2 {8,9} => {8,9,3} ; {1,2,3} at 1:2 {7} => ~ source array too small
        {1,2,3} at : {7,8,9} => {7,8,9} ; {1,2,3} at :2 {8,8} => {8,8,3} ; {1,2,3} at 2: {6,6} => {1,6,6}
        {1} at 3:4 {7,8,9} => {1,NULL,7,8} ; {5} at -1:0 {1,2} => [-1:1]={1,2,5}
        {1,2} at 1:1 NULL => {1,2} ; NULL at 1:1 NULL => {} ; NULL at 2:3 {1,2} => [2:3]={1,2}
        {} at :2 {1,2} => ~ array slice subscript must provide both boundaries
        {1} at 2:1 {1} => ~ upper bound cannot be less than lower bound
        {{1,2},{3,4}} at 1:2,1:1 {{5},{6}} => {{5,2},{6,4}} ; {{1,2},{3,4}} at 2:2 {8,9} => {{1,2},{8,9}}
        {{1,2},{3,4}} at 1:3,1:1 {1,2,3} => ~ array subscript out of range
        {1} at 1:1,1:1 {1} => ~ wrong number of array subscripts
        {1} at 1:NULL {1} => ~ array subscript in assignment must not be null
        ",
        |line| {
            let (text, rest) = line.split_once(" at ").unwrap();
            let (at, value) = rest.split_once(' ').unwrap();
            let (bounds, at) = subscripts(at);
            let kind = if bounds.is_some() { Type::Int4Array } else { Type::Int4 };
            let form = ArrayForm::Assign { element: Type::Int4, bounds };
            let mut args = vec![array(Type::Int4Array, text), array(kind, value)];
            args.extend(at);
            print(Type::Int4Array, form.call(&args))
        },
    );
}

#[test]
fn arrays_of_arrays() {
    check(
        "
        {1,2} {3,4} => {{1,2},{3,4}} ; {{1}} {{2}} => {{{1}},{{2}}} ; {} {} | NULL {} | NULL => {}
        {1} {1,2} | {1} {} | NULL {1} | {1} {{1}} | {1} [0:0]={1} => ~ must have array expressions with matching dimensions
        {{{{{{1}}}}}} => ~ number of array dimensions (7) exceeds the maximum allowed (6)
        ",
        |line| {
            let arrays: Vec<Datum> =
                line.split(' ').map(|text| array(Type::Int4Array, text)).collect();
            print(Type::Int4Array, nest(Type::Int4, &arrays))
        },
    );
}

#[test]
fn functions() {
    check(
        r#"
        array_append _int4 {1}, int4 2 => {1,2} ; array_append _int4 {}, int4 2 => {2}
        array_prepend int4 3, _int4 [0:1]={1,2} => [0:2]={3,1,2} ; array_append _int4 [0:1]={1,2}, int4 3 => [0:2]={1,2,3}
        array_append _int4 {{1}}, int4 2 => ~ argument must be empty or one-dimensional array
        || _int4 {1}, numeric 2.5 => {1,2.5} ; || int8 1, _int4 {2} | || _int4 {1}, _int8 {2} => {1,2}
        array_cat _int4 {{1,2}}, _int4 {3,4} | array_cat _int4 {1,2}, _int4 {{3,4}} => {{1,2},{3,4}}
        array_cat _int4 [0:1]={1,2}, _int4 [5:6]={1,2} => [0:3]={1,2,1,2} ; array_cat _int4 {}, _int4 {1} => {1}
        array_cat _int4 {{1,2}}, _int4 {3} | array_cat _int4 {1}, _int4 {{{1}}} => ~ cannot concatenate incompatible arrays
        || _int4 {1}, text x | array_append _int4 {1}, text x | array_cat _int4 {1}, int4 2 | @> _int4 {1}, _int8 {1} => does not exist
        array_length _int4 {1,2}, int4 1 | cardinality _int4 {1,2} | array_ndims _int4 {{1}} => 2
        "#,
        call,
    );
    check(
        r#"
        array_length _int4 {1,2}, int4 2 | array_length _int4 {}, int4 1 | array_ndims _int4 {} | array_dims _int4 {} => NULL
        array_length _int4 {1}, int4 0 | array_length _int4 {1}, int4 -1 | array_upper _int4 {}, int4 1 => NULL
        array_dims _int4 {{1,2},{3,4}} => [1:2][1:2] ; array_dims _int4 [0:1]={1,2} => [0:1] ; cardinality _int4 {} => 0
        array_lower _int4 [0:1]={1,2}, int4 1 => 0 ; array_upper _int4 [0:1]={1,2}, int4 1 => 1
        array_position _text {a,b,a}, text a => 1 ; array_position _text {a,b,a}, text a, int4 2 => 3
        array_position _int4 [0:1]={1,2}, int4 1 => 0 ; array_position _numeric {1.0,2}, numeric 2.00 => 2
        array_position _int4 {1}, int4 2 | array_position _int4 {}, int4 2 => NULL
        array_positions _int4 {1,2,1}, int4 1 => {1,3} ; array_positions _int4 {1}, int4 2 => {}
        array_position _int4 {{1}}, int4 1 | array_positions _int4 {{1}}, int4 1 => ~ searching for elements in multidimensional arrays
        array_remove _int4 {1,2,1}, int4 1 => {2} ; array_remove _int4 [5:6]={1,2}, int4 1 => [5:5]={2}
        array_remove _int4 {1}, int4 1 => {} ; array_remove _int4 {{1}}, int4 1 => ~ removing elements from multidimensional arrays
        array_replace _int4 {1,2,1}, int4 1, int4 9 => {9,2,9} ; array_replace _int4 {{1,2}}, int4 2, numeric 3.5 => {{1,3.5}}
        @> _int4 {1,2,3}, _int4 {3,1} | @> _int4 {1}, _int4 {} | <@ _int4 {1,1}, _int4 {1,2} | && _int4 {1,2}, _int4 {2,3} => t
        @> _int4 {1,NULL}, _int4 {NULL} | && _int4 {NULL}, _int4 {NULL} | && _int4 {}, _int4 {} | @> _int4 {1}, _int4 {2} => f
        @> _int4 {{1,2},{3,4}}, _int4 {4,1} | @> _numeric {1.0}, _numeric {1.00} | && _bpchar {a}, _bpchar {"a  "} => t
        array_to_string _int4 {1,NULL,3}, text - => 1-3 ; array_to_string _int4 {{1,2},{3,4}}, text - => 1-2-3-4
        array_to_string _text {"a b"}, text -, text * => a b ; array_to_string _int4 {1,NULL}, text -, text * => 1-*
        array_to_string _bool {t,f}, text - => t-f
        string_to_array text a-b--c, text - => {a,b,"",c} ; string_to_array text a-b, text -, text b => {a,NULL}
        array_fill int4 7, _int4 {3} => {7,7,7} ; array_fill int4 7, _int4 {2,2} => {{7,7},{7,7}} ; array_fill int4 7, _int4 {0} => {}
        array_fill int4 7, _int4 {2}, _int4 {5} => [5:6]={7,7} ; array_fill int4 7, _int4 {} => {}
        array_fill int4 7, _int4 {-1} | array_fill int4 7, _int4 {100000,100000} => ~ array size exceeds the maximum allowed
        array_fill int4 7, _int4 {{1}} | array_fill int4 7, _int4 {1,1}, _int4 {1} => ~ wrong number of array subscripts
        array_fill int4 7, _int4 {1,NULL} => ~ dimension values cannot be null
        array_fill int4 7, _int4 {1,1,1,1,1,1,1} => ~ number of array dimensions (7) exceeds the maximum allowed (6)
        trim_array _int4 {1,2,3}, int4 2 => {1} ; trim_array _int4 [5:7]={1,2,3}, int4 1 => {1,2} ; trim_array _int4 {1}, int4 1 => {}
        trim_array _int4 {{1,2},{3,4}}, int4 1 => {{1,2}} ; trim_array _int4 {}, int4 0 => {}
        trim_array _int4 {1}, int4 2 => ~ number of elements to trim must be between 0 and 1
        trim_array _int4 {1}, int4 -1 => ~ number of elements to trim must be between 0 and 1
        regexp_match text foobarbequebaz, text ba. => {bar} ; regexp_match text foobarbequebaz, text (bar)(beque) => {bar,beque}
        regexp_match text abc, text x => NULL ; regexp_match text abc, text (x)?b => {NULL} ; regexp_match text ABC, text b, text i => {B}
        regexp_match text abc, text b, text g => ~ regexp_match() does not support the "global" option
        regexp_match text abc, text b, text z => ~ invalid regular expression option: "z"
        regexp_split_to_array text abc, text b* => {a,c} ; regexp_split_to_array text aXbxc, text x, text i => {a,b,c}
        "#,
        call,
    );
}

/// The order of arrays, taken from their elements.
fn order(element: Type, a: &Array, b: &Array) -> Ordering {
    let each = a.items.iter().zip(&b.items).map(|(a, b)| match (a.is_null(), b.is_null()) {
        (false, false) => canonical(element, a.clone()).compare(&canonical(element, b.clone())),
        (left, right) => left.cmp(&right),
    });
    let lengths = |array: &Array| {
        array.dimensions.iter().map(|dimension| dimension.length).collect::<Vec<_>>()
    };
    let lowers = |array: &Array| {
        array.dimensions.iter().map(|dimension| dimension.lower).collect::<Vec<_>>()
    };
    let first = each.into_iter().find(|order| order.is_ne());
    first
        .unwrap_or(Ordering::Equal)
        .then(a.items.len().cmp(&b.items.len()))
        .then(a.dimensions.len().cmp(&b.dimensions.len()))
        .then(lengths(a).cmp(&lengths(b)))
        .then(lowers(a).cmp(&lowers(b)))
}

#[test]
fn keys_rise() {
    let rising = [
        "{}",
        "{-1}",
        "[0:0]={1}",
        "{1}",
        "{{1}}",
        "[1:1][2:2]={{1}}",
        "[0:1]={1,2}",
        "{1,2}",
        "{{1,2}}",
        "{{1},{2}}",
        "{1,3}",
        "{1,NULL}",
        "{2}",
        "{NULL}",
    ];
    let keys = rising.map(|text| {
        let mut key = Vec::new();
        encode_key(Type::Int4Array, &array(Type::Int4Array, text), &mut key);
        key
    });
    assert!(keys.is_sorted_by(|a, b| a < b));
    // Dimensions come before lower bounds.
    let (a, b) = ("[5:5][1:2][1:1]={{{1},{2}}}", "[1:1][1:1][1:2]={{{1,2}}}");
    let [a, b] = [a, b].map(|text| canonical(Type::Int4Array, array(Type::Int4Array, text)));
    assert_eq!(a.compare(&b), Ordering::Greater);
}

#[test]
fn a_key_of_the_ordered_form_is_the_same() {
    let value = array(Type::NumericArray, "{1.50,NULL,-2}");
    let ordered = canonical(Type::NumericArray, value.clone());
    assert_eq!(canonical(Type::NumericArray, ordered.clone()), ordered);
    let key = |value: &Datum| {
        let mut key = Vec::new();
        encode_key(Type::NumericArray, value, &mut key);
        key
    };
    assert_eq!(key(&value), key(&ordered));
    assert_eq!(key(&value), key(&array(Type::NumericArray, "{1.5,NULL,-2.0}")));
}

#[test]
fn copies_are_limited() {
    let long = "x".repeat(1 << 20);
    let fill = call(&format!("array_fill text {long}, _int4 {{300}}"));
    assert_eq!(fill, "ERROR: array size exceeds the maximum allowed (268435456)");
    let many = "a,".repeat(299) + "a";
    let replace = call(&format!("array_replace _text {{{many}}}, text a, text {long}"));
    assert_eq!(replace, "ERROR: array size exceeds the maximum allowed (268435456)");
}

#[test]
fn sizes_are_limited() {
    let dimension = |length, lower| Dimension { length, lower };
    assert_eq!(count_items(&[]).unwrap(), 0);
    assert_eq!(count_items(&[dimension(MAX_ITEMS as i32, 1)]).unwrap(), MAX_ITEMS);
    let beyond = [
        vec![dimension(MAX_ITEMS as i32 + 1, 1)],
        vec![dimension(1 << 16, 1); 2],
        vec![dimension(i32::MAX, 1); 6],
        vec![dimension(-1, 1)],
        vec![dimension(1, 1); 7],
        vec![dimension(2, i32::MAX - 1)],
    ];
    for dimensions in beyond {
        assert!(count_items(&dimensions).is_err(), "{dimensions:?}");
    }
}

fn element_kinds() -> impl Strategy<Value = Type> {
    let names = "bool int4 int8 float8 numeric text bpchar bytea date interval uuid";
    prop::sample::select(names.split(' ').map(kind_of).collect::<Vec<_>>())
}

fn any_array(element: Type) -> impl Strategy<Value = Array> {
    let shapes =
        vec![vec![], vec![1], vec![2], vec![3], vec![1, 2], vec![2, 1], vec![2, 2], vec![1, 1, 2]];
    let shape = prop::sample::select(shapes);
    shape.prop_flat_map(move |lengths| {
        let count = if lengths.is_empty() { 0 } else { lengths.iter().product::<usize>() };
        // Text knows one NaN.
        let value = value(element).prop_map(|value| match value {
            Datum::Float64(float) if float.is_nan() => Datum::Float64(f64::NAN),
            value => value,
        });
        let item = prop_oneof![8 => value, 1 => Just(Datum::Null)];
        let lowers = prop::collection::vec(prop_oneof![6 => Just(1), 1 => -1..3i32], lengths.len());
        (prop::collection::vec(item, count), lowers).prop_map(move |(items, lowers)| {
            let dimensions = lengths.iter().zip(lowers);
            let dimensions =
                dimensions.map(|(length, lower)| Dimension { length: *length as i32, lower });
            Array { element, dimensions: dimensions.collect(), items }
        })
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn all_forms_come_back(array in element_kinds().prop_flat_map(any_array)) {
        // By name, since NaN differs from itself.
        let print = |value: &Datum| format!("{value:?}");
        let kind = array.element.array().unwrap();
        let value = array.to_datum();
        prop_assert_eq!(format!("{:?}", Array::read(&value).unwrap()), format!("{array:?}"));
        let text = to_text(kind, &value, &Style::default()).unwrap();
        let read = from_text(kind, &text, &Style::default()).unwrap();
        prop_assert_eq!(print(&read), print(&value), "{}", text);
        let mut bytes = Vec::new();
        write_binary(kind, &value, &mut bytes).unwrap();
        prop_assert_eq!(print(&from_binary(kind, &bytes).unwrap()), print(&value));
    }

    #[test]
    fn keys_sort_as_arrays(
        (a, b) in element_kinds().prop_flat_map(|kind| (any_array(kind), any_array(kind)))
    ) {
        let kind = a.element.array().unwrap();
        let expected = order(a.element, &a, &b);
        let key = |array: &Array| {
            let mut key = Vec::new();
            encode_key(kind, &array.to_datum(), &mut key);
            key
        };
        prop_assert_eq!(key(&a).cmp(&key(&b)), expected);
        let (a, b) = (canonical(kind, a.to_datum()), canonical(kind, b.to_datum()));
        prop_assert_eq!(a.compare(&b), expected);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(
        bytes in prop::collection::vec(prop_oneof![0..3u8, any::<u8>()], 0..60)
    ) {
        let value = Datum::Bytes(bytes.clone());
        let _ = Array::read(&value);
        let _ = to_text(Type::TextArray, &value, &Style::default());
        let mut key = Vec::new();
        encode_key(Type::Int4Array, &value, &mut key);
        for kind in [Type::Int4Array, Type::TextArray] {
            if let Ok(array) = from_binary(kind, &bytes) {
                prop_assert!(to_text(kind, &array, &Style::default()).is_ok());
            }
        }
    }

    #[test]
    fn arbitrary_text_is_read_or_refused(
        words in prop::collection::vec(
            prop::sample::select(vec!["{", "}", ",", "\"", "\\", " ", "a", "NULL", "[1:2]=", "[", "]", ":", "1", "-"]),
            0..12,
        ),
    ) {
        let style = Style::default();
        if let Ok(value) = from_text(Type::TextArray, &words.concat(), &style) {
            let text = to_text(Type::TextArray, &value, &style).unwrap();
            prop_assert_eq!(from_text(Type::TextArray, &text, &style).unwrap(), value);
        }
    }
}

#[test]
fn forms_differ_by_their_types() {
    let make = |element| Scalar::Array(ArrayForm::Make { element, nested: false });
    assert_eq!(make(Type::Int4), make(Type::Int4));
    assert_ne!(make(Type::Int4), make(Type::Int8));
    assert_eq!(make(Type::Int4).returns(), Type::Int4Array);
}
