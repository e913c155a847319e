"""Every type to every other: explicitly, and when assigned."""

VALUES = {
    "boolean": ["true"],
    "int2": ["-7", "32767"],
    "int4": ["70000", "-1"],
    "int8": ["5000000000", "12"],
    "float4": ["1.5", "-3.4e30"],
    "float8": ["2.5", "1e20"],
    "numeric": ["3.5", "123456789012.75"],
    "text": ["12", "abc"],
    "varchar(5)": ["1.5", "true"],
    "char(5)": ["7", "ab"],
    "name": ["12"],
    "bytea": ["\\x3132"],
    "date": ["2024-02-29"],
    "time": ["12:34:56.789"],
    "timetz": ["12:34:56.789+02"],
    "timestamp": ["2024-02-29 12:34:56.789"],
    "timestamptz": ["2024-02-29 12:34:56.789+02"],
    "interval": ["1 day 02:03:04"],
    "uuid": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    "json": ["1"],
    "jsonb": ["1", "true"],
    "int4[]": ["{1,2}"],
}
TARGETS = {**{type: type for type in VALUES}, "varchar(5)": "varchar(3)", "numeric": "numeric(4,1)", "char(5)": "char(3)"}


def plain(type):
    return "".join(c if c.isalnum() else "_" for c in type.replace("[]", "_array")).strip("_")


def explicit(type):
    for value in VALUES[type]:
        for target in TARGETS.values():
            yield f"SELECT '{value}'::{type}::{target}"


def assigned(target):
    yield f"CREATE TABLE t (x {target})"
    for type, values in VALUES.items():
        yield f"INSERT INTO t VALUES ('{values[0]}'::{type})"
    yield "SELECT x FROM t"


def resolving():
    """What types operators, UNION, CASE and VALUES settle on."""
    types = ["int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar", "date", "timestamp", "timestamptz", "interval", "boolean"]
    values = {"text": "'a'", "varchar": "'b'", "date": "'2024-01-01'", "timestamp": "'2024-01-01'", "timestamptz": "'2024-01-01'", "interval": "'1 day'", "boolean": "'t'"}
    for index, left in enumerate(types):
        for right in types[index + 1 :]:
            a, b = (f"{values.get(type, '1')}::{type}" for type in (left, right))
            yield f"SELECT pg_typeof(x) FROM (SELECT {a} AS x UNION ALL SELECT {b}) AS u"
            yield f"SELECT {a} = {b}"
            yield f"SELECT pg_typeof(coalesce({a}, {b}))"
    for expression in ["CASE WHEN true THEN 1 ELSE 2.5 END", "CASE WHEN true THEN 1 ELSE '2' END", "CASE WHEN true THEN NULL ELSE '2' END",
                       "coalesce(NULL, NULL)", "coalesce(NULL, 'a')", "nullif(1, 1.0)", "greatest(1, 2.5, 3::int8)", "NULL", "'a'", "1", "2147483648",
                       "9223372036854775808", "1.0", "1e5", "'1' + 1", "1 + '1'", "ARRAY[1, 2.5]", "1 || 'a'", "'a' || 'b'", "-2147483648", "date '2024-01-01' + 1",
                       "date '2024-01-02' - date '2024-01-01'", "'2024-01-01' - date '2023-01-01'", "timestamp '2024-01-01' - '1 day'", "sum(1)", "sum(1::int8)",
                       "sum(1.5)", "sum(1::float4)", "avg(1)", "count(*)", "max('a'::varchar)", "length('a')", "round(1.5)", "round(1.5::float8)", "1 / 2", "1 / 2.0",
                       "2 ^ 3", "sqrt(4)", "abs(-1::int2)", "extract(year FROM date '2024-01-01')", "date_trunc('day', timestamp '2024-01-01')", "now()", "current_date",
                       "upper('a')", "substring('abc' FROM 2)", "lower(NULL)", "NOT NULL", "1 = NULL", "row_number() OVER ()", "lag(1) OVER ()", "ntile(2) OVER ()"]:
        yield f"SELECT pg_typeof({expression})"
    for statement in ["SELECT 1 UNION SELECT 'a'", "SELECT 1 UNION SELECT '2'", "SELECT NULL UNION SELECT 1", "VALUES (1), (2.5)", "VALUES (1), ('a')", "VALUES (NULL), ('a')",
                      "SELECT 'a' = 1", "SELECT 1 = '1'", "SELECT 'a'::text = 1", "SELECT date '2024-01-01' = 'abc'", "SELECT '1' = '1'", "SELECT 1 IN ('1', 2)", "SELECT 1 IN ('a')",
                      "SELECT 1.5 IN (1, 2)", "SELECT '2024-01-01' < date '2024-01-02'", "SELECT 1 BETWEEN '0' AND 2.5", "SELECT CASE 1 WHEN '1' THEN 'a' END", "SELECT true = 'yes'",
                      "SELECT 1 + true", "SELECT 'a' + 'b'", "SELECT '1' + '2'", "SELECT 'a' || 1", "SELECT 1 || 2", "SELECT -'a'", "SELECT - '1'", "SELECT NOT 'yes'", "SELECT +1, - -1"]:
        yield statement


def files():
    made = {f"casts/explicit_{plain(type)}.slt": list(explicit(type)) for type in VALUES}
    made |= {f"casts/assigned_{plain(target)}.slt": list(assigned(TARGETS[target])) for target in VALUES}
    made["casts/resolving.slt"] = list(resolving())
    return made
