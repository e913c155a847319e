//! json, jsonb and jsonpath: their text, their errors, the order of jsonb, and what paths lead to,
//! as PostgreSQL 15 has them.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::{any_numeric, any_string, call, check, config, convert, echo, shown};
use crate::codec::{canonical, encode_key};
use crate::error::{Error, SqlState};
use crate::types::io::{Style, from_binary, from_text, to_text, write_binary};
use crate::types::json::{Json, MAX_DEPTH, compare_keys};
use crate::types::{Datum, Numeric, Type};

/// Detail and context of the error that a text gives.
fn complaint(kind: Type, text: &str) -> String {
    match from_text(kind, text, &Style::default()) {
        Err(Error::Report(report)) => format!(
            "{} {} {}",
            report.state.code(),
            report.detail.unwrap_or_default(),
            report.context.unwrap_or_default()
        ),
        other => shown(other.and_then(|value| to_text(kind, &value, &Style::default()))),
    }
}

#[test]
fn text_is_read_and_written() {
    check(
        r#"
        json ' {"b" : 1,"a":[ ]}' =>  {"b" : 1,"a":[ ]}
        jsonb '{"b":1,"a":2,"b":3}' => {"a": 2, "b": 3}
        jsonb '{"aa":1,"b":2,"":3}' => {"": 3, "b": 2, "aa": 1}
        jsonb '[1.50,-0.0,1e2,12345678901234567890.5]' => [1.50, 0.0, 100, 12345678901234567890.5]
        jsonb '"\u00e9\ud83d\ude00\/\"\\\n"' => "é😀/\"\\\n"
        jsonb '"\u0001"' => "\u0001" ; json '"\u0000"' => "\u0000" ; json '"\ud800"' => "\ud800"
        jsonb null => null ; jsonb '[]' => [] ; jsonb '{}' => {} ; jsonb '[true,false]' => [true, false]
        _jsonb '{"{\"a\":1}",NULL}' => {"{\"a\": 1}",NULL}
        jsonb 1e400000 => ~ value overflows numeric format
        "#,
        |line| echo(line, &Style::default()),
    );
}

#[test]
fn errors_show_the_token_and_the_line() {
    check(
        r#"
        '' => 22P02 The input string ended unexpectedly. JSON data, line 1: 
        '{"a":1,}' => 22P02 Expected string, but found "}". JSON data, line 1: {"a":1,}
        '{,' => 22P02 Expected string or "}", but found ",". JSON data, line 1: {,
        '{"a" 1}' => 22P02 Expected ":", but found "1". JSON data, line 1: {"a" 1...
        '{"a":1 "b"}' => 22P02 Expected "," or "}", but found ""b"". JSON data, line 1: {"a":1 "b"...
        '[1 2]' => 22P02 Expected "," or "]", but found "2". JSON data, line 1: [1 2...
        '[,]' => 22P02 Expected JSON value, but found ",". JSON data, line 1: [,...
        '[1' => 22P02 The input string ended unexpectedly. JSON data, line 1: [1
        '1 2' => 22P02 Expected end of input, but found "2". JSON data, line 1: 1 2
        'truex y' => 22P02 Token "truex" is invalid. JSON data, line 1: truex...
        '01' => 22P02 Token "01" is invalid. JSON data, line 1: 01
        '1.e3 4' => 22P02 Token "1.e3" is invalid. JSON data, line 1: 1.e3...
        '"abc' => 22P02 Token ""abc" is invalid. JSON data, line 1: "abc
        '"a\qc"' => 22P02 Escape sequence "\q" is invalid. JSON data, line 1: "a\q...
        '"\u00g"' => 22P02 "\u" must be followed by four hexadecimal digits. JSON data, line 1: "\u00g...
        "#,
        |text| complaint(Type::Json, text).trim_end().to_owned(),
    );
    check(
        r#"
        '"\u0000x"' => 22P05 \u0000 cannot be converted to text. JSON data, line 1: "\u0000...
        '"\ud800x"' => 22P02 Unicode low surrogate must follow a high surrogate. JSON data, line 1: "\ud800x...
        '"\ud800\ud800"' => 22P02 Unicode high surrogate must not follow a high surrogate. JSON data, line 1: "\ud800\ud800...
        '"\udc00"' => 22P02 Unicode low surrogate must follow a high surrogate. JSON data, line 1: "\udc00...
        "#,
        |text| complaint(Type::Jsonb, text),
    );
    let lines = complaint(Type::Json, "{\"one\": 1,\n\"two\":,\n\"three\": 3}");
    assert_eq!(lines, "22P02 Expected JSON value, but found \",\". JSON data, line 2: \"two\":,");
    let control = complaint(Type::Json, "\"a\nb\"");
    assert_eq!(control, "22P02 Character with value 0x0a must be escaped. JSON data, line 1: \"a");
    let long = format!("[\"{}\", x]", "é".repeat(60));
    assert_eq!(
        complaint(Type::Json, &long),
        format!("22P02 Token \"x\" is invalid. JSON data, line 1: ...{}\", x...", "é".repeat(22))
    );
}

#[test]
fn what_nests_too_deep_is_an_error() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let read = |kind, depth| from_text(kind, &nested(depth), &Style::default());
    for kind in [Type::Json, Type::Jsonb] {
        assert!(read(kind, MAX_DEPTH).is_ok());
        let error = read(kind, MAX_DEPTH + 1).unwrap_err();
        assert!(matches!(error, Error::Report(r) if r.state == SqlState::StatementTooComplex));
    }
}

#[test]
fn parts_are_reached() {
    check(
        r#"
        -> json {"a":[1,{"b":2}],"a":0}, text a => 0
        -> json [1,{"b" :2}], int4 1 => {"b" :2} ; -> json [1,2], int4 -1 => 2
        -> json [1,2], int4 2 | -> json {"a":1}, int4 0 | -> json 1, int4 0 => NULL
        ->> json {"a":"x\n"}, text b | ->> json {"a":null}, text a => NULL
        ->> jsonb {"a":"x"}, text a => x ; ->> jsonb {"a":[1,2]}, text a => [1, 2]
        -> jsonb 1, int4 0 | -> jsonb 1, int4 -1 => 1 ; -> jsonb 1, int4 1 => NULL
        #> jsonb {"a":[1,{"b":2}]}, _text {a,1,b} | #> jsonb {"a":[1,{"b":2}]}, _text {a,-1,b} => 2
        #>> json "foo", _text {} | #>> jsonb "foo", _text {} => foo
        #> jsonb {"a":1}, _text {a,b} | #> json [1], _text {x} | #> json [1], _text {NULL} => NULL
        @> jsonb {"a":[1,2,{"b":3}]}, jsonb {"a":[{"b":3},1]} | @> jsonb [1,2], jsonb 1 => t
        @> jsonb [[1]], jsonb 1 | @> jsonb {"a":1}, jsonb {"a":"1"} | @> jsonb 1, jsonb [1] => f
        '? jsonb {"a":1}, text a' | '? jsonb ["a"], text a' | '? jsonb "a", text a' => t
        '? jsonb [1], text 1' | ?& jsonb {"a":1}, _text {a,b} | ?| jsonb {"a":1}, _text {} => f
        "#,
        call,
    );
}

#[test]
fn changes_leave_a_new_value() {
    check(
        r#"
        || jsonb {"a":1}, jsonb {"a":2} => {"a": 2} ; || jsonb {"a":1}, jsonb 1 => [{"a": 1}, 1]
        || jsonb [1], jsonb [] => [1] ; - jsonb ["a","b"], text a => ["b"]
        - jsonb [1,2,3], int4 -1 => [1, 2] ; - jsonb {}, int4 1 => ~ cannot delete from object
        - jsonb 1, text a => ~ cannot delete from scalar
        #- jsonb {"a":[1,2]}, _text {a,0} => {"a": [2]}
        #- jsonb [1], _text {a} => ~ path element at position 1 is not an integer: "a"
        jsonb_set jsonb {"a":1}, _text {b}, jsonb 2 => {"a": 1, "b": 2}
        jsonb_set jsonb {"a":1}, _text {b}, jsonb 2, bool f => {"a": 1}
        jsonb_set jsonb [1,2], _text {-9}, jsonb 0 => [0, 1, 2]
        jsonb_set jsonb 1, _text {a}, jsonb 0 => ~ cannot set path in scalar
        jsonb_insert jsonb [1,2], _text {1}, jsonb 0, bool t => [1, 2, 0]
        jsonb_insert jsonb {"a":1}, _text {a}, jsonb 0 => ~ cannot replace existing key
        jsonb_strip_nulls jsonb {"a":null,"b":[null]} => {"b": [null]}
        json_object _text {a} => ~ array must have even number of elements
        "#,
        call,
    );
}

#[test]
fn casts_out_of_jsonb_want_a_fitting_value() {
    check(
        r#"
        jsonb int4 1.5 => 2 ; jsonb numeric 1.50 => 1.50 ; jsonb bool true => t
        jsonb int4 "1" => ~ cannot cast jsonb string to type integer
        jsonb bool 1 => ~ cannot cast jsonb numeric to type boolean
        jsonb int2 70000 => ~ smallint out of range ; jsonb int8 [] => ~ cannot cast jsonb array
        json jsonb {"a":1} => {"a": 1} ; jsonb text {"a":1} => {"a": 1}
        "#,
        convert,
    );
}

#[test]
fn paths_are_read_and_written() {
    check(
        r#"
        jsonpath '$.a[*]?(@.b==1&&!(@.c>2||exists(@.d))).type()' => $."a"[*]?(@."b" == 1 && !(@."c" > 2 || exists (@."d"))).type()
        jsonpath 'lax $ . "a b" . * [last - 1 to last, 3] .** {2 to last}.** .**{3}' => $."a b".*[last - 1 to last,3].**{2 to last}.**.**{3}
        jsonpath 'strict ($.a + 1) * 2 - -$.b / 3 % 4' => strict (($."a" + 1) * 2 - (-$."b" / 3) % 4)
        jsonpath '$x + 1.50e1' => ($"x" + 15.0)
        jsonpath '' => ~ invalid input syntax for type jsonpath
        jsonpath '$.' => ~ syntax error at end of jsonpath input
        jsonpath '@.a' => ~ @ is not allowed in root expressions
        jsonpath '$[1 = 2]' => ~ syntax error at or near "=" of jsonpath input
        jsonpath '1 && 2' => ~ syntax error at or near "&&" of jsonpath input
        jsonpath '$ ? (last > 1)' => ~ LAST is allowed only in array subscripts
        jsonpath '"abc' => ~ unexpected end of quoted string
        "#,
        |line| echo(line, &Style::default()),
    );
    let deep = "(".repeat(100_000) + "$" + &")".repeat(100_000);
    assert!(from_text(Type::Jsonpath, &deep, &Style::default()).is_err());
    let minus = "-".repeat(100_000) + "$";
    assert!(from_text(Type::Jsonpath, &minus, &Style::default()).is_err());
}

#[test]
fn paths_lead_to_items() {
    check(
        r#"
        jsonb_path_query_array jsonb {"a":[1,2,{"b":3}]}, jsonpath $.a[*] => [1, 2, {"b": 3}]
        jsonb_path_query_array jsonb [{"a":1},{"a":2}], jsonpath $.a => [1, 2]
        jsonb_path_query_array jsonb [1,2,3], jsonpath '$[*] ? (@ > 1)' => [2, 3]
        jsonb_path_query_array jsonb [1,2,3], jsonpath '$[last]' => [3]
        jsonb_path_query_array jsonb {"a":{"b":1}}, jsonpath $.** => [{"a": {"b": 1}}, {"b": 1}, 1]
        jsonb_path_query_array jsonb [1,2], jsonpath '-$[*]' => [-1, -2]
        jsonb_path_query_array jsonb [1,"a"], jsonpath '$[0] + $[1]' => ~ right operand of jsonpath operator +
        jsonb_path_query_array jsonb 1, jsonpath 'strict $.a' => ~ member accessor can only be applied to an object
        jsonb_path_query_array jsonb 1, jsonpath 'strict $[0]' => ~ array accessor can only be applied to an array
        jsonb_path_query_array jsonb 1, jsonpath $x => ~ could not find jsonpath variable "x"
        jsonb_path_query_array jsonb 5, jsonpath '$ ? (@ > $x)', jsonb {"x":3} => [5]
        jsonb_path_query_first jsonb [], jsonpath $[*] => NULL
        jsonb_path_match jsonb 1, jsonpath '$ == 1' => t
        jsonb_path_match jsonb 1, jsonpath $ => ~ single boolean result is expected
        @@ jsonb 1, jsonpath $ | @@ jsonb 1, jsonpath '$ == "1"' | @? jsonb 1, jsonpath '$ + "x"' => NULL
        @? jsonb {"a":1}, jsonpath $.a | @? jsonb "abc", jsonpath '$ ? (@ like_regex "^A" flag "i")' => t
        @? jsonb {"a":1}, jsonpath $.b | @? jsonb "abc", jsonpath '$ ? (@ starts with "b")' => f
        "#,
        call,
    );
}

fn any_json() -> impl Strategy<Value = Json> {
    let finite = any_numeric().prop_filter("finite", |number| {
        !matches!(number, Numeric::NaN | Numeric::Infinity | Numeric::NegativeInfinity)
    });
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        finite.prop_map(Json::Number),
        any_string().prop_map(Json::String),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            prop::collection::vec((any_string(), inner), 0..4).prop_map(Json::object),
        ]
    })
}

fn class(json: &Json) -> u8 {
    match json {
        Json::Null => 0,
        Json::String(_) => 1,
        Json::Number(_) => 2,
        Json::Bool(_) => 3,
        Json::Array(_) => 4,
        Json::Object(_) => 5,
    }
}

/// PostgreSQL's order, as its manual tells it, of parts.
fn order(a: &Json, b: &Json) -> Ordering {
    match (a, b) {
        (Json::Bool(a), Json::Bool(b)) => a.cmp(b),
        (Json::Number(a), Json::Number(b)) => a.compare(b),
        (Json::String(a), Json::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Json::Array(a), Json::Array(b)) => {
            let parts = a.iter().zip(b).map(|(a, b)| order(a, b));
            a.len().cmp(&b.len()).then(parts.fold(Ordering::Equal, Ordering::then))
        }
        (Json::Object(a), Json::Object(b)) => {
            let parts = a.iter().zip(b).map(|((k, v), (l, w))| k.cmp(l).then(order(v, w)));
            a.len().cmp(&b.len()).then(parts.fold(Ordering::Equal, Ordering::then))
        }
        _ => class(a).cmp(&class(b)),
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn jsonb_survives_text_and_bytes(json in any_json()) {
        let value = json.to_datum().unwrap();
        prop_assert_eq!(&Json::read(&value).unwrap(), &json);
        let text = to_text(Type::Jsonb, &value, &Style::default()).unwrap();
        prop_assert_eq!(&from_text(Type::Jsonb, &text, &Style::default()).unwrap(), &value);
        let mut bytes = Vec::new();
        write_binary(Type::Jsonb, &value, &mut bytes).unwrap();
        prop_assert_eq!(bytes[0], 1);
        prop_assert_eq!(&from_binary(Type::Jsonb, &bytes).unwrap(), &value);
    }

    #[test]
    fn jsonb_sorts_as_its_shared_form(a in any_json(), b in any_json()) {
        let empty = |json: &Json| *json == Json::Array(Vec::new());
        let expected = match (empty(&a), empty(&b)) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => order(&a, &b),
        };
        let (a, b) = (a.to_datum().unwrap(), b.to_datum().unwrap());
        let shared = |value: &Datum| canonical(Type::Jsonb, value.clone());
        prop_assert_eq!(shared(&a).compare(&shared(&b)), expected);
        prop_assert_eq!(shared(&shared(&a)), shared(&a));
        let key = |value: &Datum| {
            let mut key = Vec::new();
            encode_key(Type::Jsonb, value, &mut key);
            key
        };
        prop_assert_eq!(key(&a).cmp(&key(&b)), expected);
    }

    #[test]
    fn objects_keep_the_last_value_of_a_key(pairs in prop::collection::vec((any_string(), 0..9i64), 0..6)) {
        let number = |value: i64| Json::Number(Numeric::from_i64(value));
        let given = pairs.iter().map(|(key, value)| (key.clone(), number(*value))).collect();
        let Json::Object(kept) = Json::object(given) else { unreachable!("an object") };
        prop_assert!(kept.windows(2).all(|two| compare_keys(&two[0].0, &two[1].0).is_lt()));
        for (key, value) in &kept {
            let last = pairs.iter().rev().find(|(name, _)| name == key).unwrap().1;
            prop_assert_eq!(value, &number(last));
        }
    }
}
