//! The operators and functions that queries are made of, by type.
//!
//! In a template `{i}` is a value of type `int`, and so on (see [`hole`]); `{x}` is of the type of the whole, all `{y}`
//! of one template are of some type, and all `{k}` are the same text, which shrinking leaves alone. Nothing here depends on the time, on chance, or on the order of rows, and
//! divisions are by what is not zero, since PostgreSQL leaves open which of two conditions fails first.

use super::tree::Type;

/// The type that a letter stands for; `x` and `y` depend on where they are.
pub fn hole(letter: char) -> Option<Type> {
    Some(match letter {
        'b' => Type::Bool,
        'i' => Type::Int,
        'l' => Type::Long,
        'n' => Type::Numeric,
        'f' => Type::Float,
        's' => Type::Text,
        'd' => Type::Date,
        't' => Type::Timestamp,
        'v' => Type::Interval,
        _ => return None,
    })
}

/// Values of any type.
pub const OF_ANY: &[&str] = &[
    "coalesce({x}, {x})",
    "coalesce({x}, {x}, {x})",
    "nullif({x}, {x})",
    "greatest({x}, {x})",
    "least({x}, {x}, {x})",
    "CASE WHEN {b} THEN {x} ELSE {x} END",
    "CASE WHEN {b} THEN {x} WHEN {b} THEN {x} END",
    "CASE {y} WHEN {y} THEN {x} WHEN {y} THEN {x} ELSE {x} END",
];

const BOOL: &[&str] = &[
    "({y} = {y})",
    "({y} <> {y})",
    "({y} < {y})",
    "({y} <= {y})",
    "({y} > {y})",
    "({y} >= {y})",
    "({y} IS NULL)",
    "({y} IS NOT NULL)",
    "({y} IS DISTINCT FROM {y})",
    "({y} IS NOT DISTINCT FROM {y})",
    "({b} AND {b})",
    "({b} OR {b})",
    "({b} AND {b} AND {b})",
    "({b} OR {b} OR {b})",
    "(NOT {b})",
    "({b} IS TRUE)",
    "({b} IS NOT TRUE)",
    "({b} IS FALSE)",
    "({b} IS UNKNOWN)",
    "({y} IN ({y}, {y}, {y}))",
    "({y} NOT IN ({y}, {y}))",
    "({y} BETWEEN {y} AND {y})",
    "({y} NOT BETWEEN {y} AND {y})",
    "({s} LIKE '%a%')",
    "({s} LIKE '_b%')",
    "({s} NOT LIKE 'a_')",
    "({s} ILIKE '%B')",
    "({s} ~ '^[a-c]+$')",
    "starts_with({s}, {s})",
    "({i} = {l})",
    "({i} < {n})",
    "({l} >= {n})",
    "({f} > {i})",
    "({n} = {f})",
    "({d} < {t})",
    "({d} + {v} > {t})",
    "(({y}, {i}) = ({y}, {i}))",
    "(({i}, {s}) < ({i}, {s}))",
    "({y} = ANY (ARRAY[{y}, {y}]))",
    "({i} <> ALL (ARRAY[{i}, {i}, {i}]))",
    "(ARRAY[{i}, {i}] @> ARRAY[{i}])",
    "(ARRAY[{s}, {s}] && ARRAY[{s}])",
    "(ARRAY[{i}, {i}] < ARRAY[{i}, {i}, {i}])",
    "(jsonb_build_object('a', {i}) @> jsonb_build_object('a', 1))",
    "(to_jsonb({s}) = to_jsonb({s}))",
];

const INT: &[&str] = &[
    "({i} + {i})",
    "({i} - {i})",
    "({i} * {i})",
    "({i} / nullif({i}, 0))",
    "({i} % nullif({i}, 0))",
    "(- {i})",
    "abs({i})",
    "length({s})",
    "octet_length({s})",
    "strpos({s}, {s})",
    "ascii({s})",
    "({d} - {d})",
    "({i} & {i})",
    "({i} | {i})",
    "({i} # {i})",
    "({i} << 2)",
    "({i} >> 1)",
    "(~ {i})",
    "({n} % 1000)::int",
    "({b})::int",
    "extract(year FROM {d})::int",
    "extract(dow FROM {t})::int",
    "mod({i}, nullif({i}, 0))",
    "gcd({i}, {i})",
    "(ARRAY[{i}, {i}, {i}])[2]",
    "cardinality(ARRAY[{y}, {y}])",
    "array_position(ARRAY[{i}, {i}, {i}], {i})",
    "array_length(array_remove(ARRAY[{i}, {i}], {i}), 1)",
    "(jsonb_build_array({i}, {s}) ->> 0)::int",
    "jsonb_array_length(jsonb_build_array({y}, {i}))",
];

const LONG: &[&str] = &[
    "({l} + {l})",
    "({l} - {i})",
    "({i} + {l})",
    "({l} * {i})",
    "({l} / nullif({l}, 0))",
    "({l} % nullif({i}, 0))",
    "({i})::int8",
    "abs({l})",
    "(- {l})",
    "({l} & {l})",
];

const NUMERIC: &[&str] = &[
    "({n} + {n})",
    "({n} - {n})",
    "({n} * {n})",
    "({n} / nullif({n}, 0))",
    "({n} % nullif({n}, 0))",
    "(- {n})",
    "abs({n})",
    "sign({n})",
    "round({n})",
    "round({n}, 1)",
    "trunc({n}, 1)",
    "ceil({n})",
    "floor({n})",
    "({i} * {n})",
    "({n} + {l})",
    "({i} / nullif({n}, 0))",
    "({i})::numeric",
    "({l})::numeric(12,3)",
    "extract(day FROM {d})",
    "extract(epoch FROM {v})",
];

const FLOAT: &[&str] = &[
    "({f} + {f})",
    "({f} - {f})",
    "({f} * {f})",
    "({f} / nullif({f}, 0))",
    "(- {f})",
    "abs({f})",
    "sqrt(abs({f}))",
    "floor({f})",
    "ceil({f})",
    "round({f})",
    "trunc({f})",
    "({f} + {i})",
    "({n} * {f})",
    "({i})::float8",
    "({n})::float8",
    "sign({f})",
];

const TEXT: &[&str] = &[
    "({s} || {s})",
    "({s} || {i})",
    "({d} || {s})",
    "upper({s})",
    "lower({s})",
    "initcap({s})",
    "reverse({s})",
    "trim({s})",
    "ltrim({s}, 'ab')",
    "left({s}, 2)",
    "right({s}, -1)",
    "substr({s}, 2)",
    "substring({s} FROM 1 FOR 2)",
    "replace({s}, {s}, {s})",
    "translate({s}, 'abc', 'xy')",
    "lpad({s}, 6, '*')",
    "rpad({s}, 4)",
    "concat({s}, {y}, {s})",
    "concat_ws('-', {s}, {s})",
    "split_part({s}, ',', 1)",
    "repeat({s}, 2)",
    "md5({s})",
    "({y})::text",
    "({s})::varchar(2)::text",
    "regexp_replace({s}, '[ab]', '#')",
    "to_char({d}, 'YYYY-MM-DD Dy')",
    "to_char({i}, '9999')",
    "array_to_string(ARRAY[{s}, {s}], ',', '*')",
    "(ARRAY[{s}, {s}] || {s})::text",
    "(string_to_array({s}, ','))[1]",
    "jsonb_build_object('k', {s}, 'v', {i})::text",
    "(json_build_object('k', {s}) ->> 'k')",
    "to_jsonb({i})::text",
];

const DATE: &[&str] = &["({d} + {i} % 1000)", "({d} - 30)", "({t})::date", "({d} + 1)"];

const TIMESTAMP: &[&str] = &[
    "({t} + {v})",
    "({t} - {v})",
    "({d} + {v})",
    "({d})::timestamp",
    "date_trunc('month', {t})",
    "date_trunc('hour', {t})",
    "({d} + time '12:34:56')",
];

const INTERVAL: &[&str] =
    &["({t} - {t})", "({v} + {v})", "({v} * 2)", "(- {v})", "({i} % 100 * interval '1 day')"];

/// Values of a type.
pub fn of(type_: Type) -> &'static [&'static str] {
    match type_ {
        Type::Bool => BOOL,
        Type::Int => INT,
        Type::Long => LONG,
        Type::Numeric => NUMERIC,
        Type::Float => FLOAT,
        Type::Text => TEXT,
        Type::Date => DATE,
        Type::Timestamp => TIMESTAMP,
        Type::Interval => INTERVAL,
    }
}

/// Aggregates of a type. Those of floats are of whole columns alone, whose sums are exact in any order.
pub fn aggregates(type_: Type) -> &'static [&'static str] {
    match type_ {
        Type::Bool => &["bool_and({b})", "bool_or({b})", "every({b})"],
        Type::Int => &["min({i})", "max({i})"],
        Type::Long => &[
            "count(*)",
            "count({y})",
            "count(DISTINCT {y})",
            "sum({i})",
            "max({l})",
            "sum(DISTINCT {i})",
        ],
        Type::Numeric => &["sum({n})", "sum({l})", "avg({i})", "avg({n})", "min({n})", "max({n})"],
        Type::Float => &["min({f})", "max({f})"],
        Type::Text => &["min({s})", "max({s})", "string_agg({k}, ',' ORDER BY {k})"],
        Type::Date => &["min({d})", "max({d})"],
        Type::Timestamp => &["min({t})", "max({t})"],
        Type::Interval => &["min({v})", "max({v})", "sum({v})"],
    }
}

/// Window functions of a type that give the same to rows that are equal in the order.
pub fn windows(type_: Type) -> &'static [&'static str] {
    match type_ {
        Type::Bool => &["bool_or({b})"],
        Type::Int => &["max({i})", "min({i})"],
        Type::Long => &["rank()", "dense_rank()", "count(*)", "count({y})", "sum({i})"],
        Type::Numeric => &["sum({n})", "avg({i})", "sum({l})"],
        Type::Float => &["max({f})", "percent_rank()", "cume_dist()"],
        Type::Text => &["min({s})", "max({s})"],
        Type::Date => &["min({d})"],
        Type::Timestamp => &["max({t})"],
        Type::Interval => &["max({v})"],
    }
}

/// Constants of a type, the first of them what shrinking puts for values.
pub fn constants(type_: Type) -> &'static [&'static str] {
    match type_ {
        Type::Bool => &["true", "false", "NULL::boolean"],
        Type::Int => &["1", "0", "2", "3", "7", "10", "(-1)", "(-5)", "100", "NULL::int"],
        Type::Long => &["1::bigint", "0::bigint", "5000000000", "(-7)::bigint", "NULL::bigint"],
        Type::Numeric => &["1.0", "0.00", "0.5", "2.50", "(-1.25)", "100.001", "NULL::numeric"],
        Type::Float => &[
            "1::float8",
            "0::float8",
            "0.5::float8",
            "'-2.5'::float8",
            "1e10::float8",
            "NULL::float8",
        ],
        Type::Text => &[
            "'a'::text",
            "''::text",
            "'b'",
            "'ab'::text",
            "'abc'",
            "'a,b'::text",
            "'B '::text",
            "NULL::text",
        ],
        Type::Date => {
            &["date '2024-01-01'", "date '2024-02-29'", "date '1999-12-31'", "NULL::date"]
        }
        Type::Timestamp => &[
            "timestamp '2024-01-01 00:00'",
            "timestamp '2024-02-29 12:34:56.5'",
            "NULL::timestamp",
        ],
        Type::Interval => {
            &["interval '1 day'", "interval '1 month'", "interval '-2 hours'", "NULL::interval"]
        }
    }
}
