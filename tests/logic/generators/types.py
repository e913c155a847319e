"""Each type with its edge values: what it reads, how its values compare, compute, aggregate and are found."""

from itertools import product

INTEGERS = {
    "int2": (-32768, 32767),
    "int4": (-2147483648, 2147483647),
    "int8": (-9223372036854775808, 9223372036854775807),
}

# What each type reads, and texts that it refuses.
READS = {
    "boolean": "true|false|t|f|yes|no|y|n|on|off|1|0|TRUE|  true  |tr|of|o||2|truee|null",
    "int2": "0|-0|+7|  12  |32767|-32768|32768|-32769|1.5|1e3|abc||0x10|1_000| -  1|12a",
    "int4": "0|-0|+7|  12  |2147483647|-2147483648|2147483648|-2147483649|1.5|1e3|abc||0x10|--1|12 3",
    "int8": "0|-0|+7|  12  |9223372036854775807|-9223372036854775808|9223372036854775808|1.5|1e3|abc||99999999999999999999",
    "float4": "0|-0|1.5|1e3|1E-3|  2.5  |Infinity|-Infinity|inf|+inf|NaN|nan|3.4e38|3.5e38|1e-45|1e-46|0.1|16777217|.5|5.|abc||1e|--1|1.2.3",
    "float8": "0|-0|1.5|1e3|1E-3|  2.5  |Infinity|-Infinity|inf|NaN|1.7976931348623157e308|1.8e308|5e-324|1e-324|0.1|0.30000000000000004|123456789012345680000|1e15|1e16|.5|5.|abc||1e|infinit",
    "numeric": "0|-0|1.50|1e3|1.5e-3|  2.5  |NaN|Infinity|-inf|99999999999999999999.999999|0.000000000000000000001|.5|5.|+1|-1|abc||1e|1.2.3|e5|1 2|1e-20",
    "numeric(5,2)": "0|1.005|1.004999|999.99|999.994|999.995|-999.994|-999.995|1000|NaN|Infinity|0.001|12345e-3",
    "numeric(3,0)": "0.5|1.5|-0.5|999.4|999.5|1e2",
    "text": "a||  a  |it''s|äöü|日本|a\\b|NULL",
    "varchar(3)": "a||abc|abcd|ab  |abc  |abcd  |äöü|äöüß",
    "char(3)": "a||abc|abcd|a  |abc  |abcd |äöü",
    "name": "a||a_rather_long_name_that_has_more_than_sixty_three_bytes_and_is_cut_off_then",
    "bytea": "\\x|\\x00|\\xDEADbeef|\\xde ad|\\xg|\\x1|abc|a\\\\b|a\\000b|a\\400b|a\\b",
    "date": "2024-02-29|2023-02-29|2000-01-01|1999-12-31|0001-01-01|0001-01-01 BC|infinity|-infinity|epoch|20240102|2024-1-2|January 8, 1999|8 Jan 1999|1999.008|J2451187|2024-13-01|2024-00-10|2024-01-32|1/2/2003|31/12/2003|abc||2024-02-29 12:34",
    "time": "00:00|12:34:56|12:34:56.789|12:34:56.7891234|23:59:59.999999|24:00:00|24:00:01|25:00|12:60|12:34:60|04:05 PM|12:00 AM|040506|4:5|abc||allballs|12:34:56+02",
    "time(2)": "12:34:56.789|12:34:56.784|23:59:59.999|00:00:00.005",
    "timetz": "00:00+00|12:34:56+02|12:34:56-05:30|12:34:56.789 UTC|23:59:59.999999+14|24:00:00+00|12:34+16|12:34|abc|",
    "timestamp": "2024-02-29 12:34:56|2024-02-29|2024-02-29T12:34:56.789|2024-02-29 24:00|1999-12-31 23:59:59.9999999|0001-01-01 00:00 BC|infinity|-infinity|epoch|2024-02-30|2024-02-29 25:00|Jan 8 04:05:06 1999|2024-02-29 12:34:56+05|20240229 123456|294276-12-31 23:59:59|294277-01-01|4713-01-01 BC|abc|",
    "timestamp(0)": "2024-02-29 12:34:56.5|2024-02-29 12:34:56.4999|2024-12-31 23:59:59.6",
    "timestamptz": "2024-02-29 12:34:56+00|2024-02-29 12:34:56+05:30|2024-02-29 12:34:56 Europe/Berlin|2024-07-01 12:00 America/New_York|2024-02-29|2024-03-31 02:30 Europe/Berlin|2024-10-27 02:30 Europe/Berlin|infinity|-infinity|epoch|2024-02-29 12:34:56 Nowhere/City|2024-02-29 12:34:56+16|2024-02-29 12:34:56 EST|2024-02-29 12:34:56Z|abc|",
    "interval": "1 day|1 year 2 months 3 days 04:05:06.789|-1 day|1 day ago|1.5 days|1.5 months|2 weeks|P1Y2M3DT4H5M6S|P0001-02-03T04:05:06|1-2|1 2:03:04|04:05|@ 1 minute|1 century 2 decades|1 millisecond|3 microseconds|-1 year -2 mons|+1 day -02:03:04|1 year 12 months|30 days|36:00:00|0|infinity|abc||1 day 1 day|1 fortnight",
    "interval(0)": "1.5 seconds|1.4999 seconds",
    "interval day to second": "1 2:03:04|1 day|1 year 2 months 3 days 04:05:06",
    "uuid": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11|{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}|a0eebc999c0b4ef8bb6d6bb9bd380a11|a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11a|g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11||00000000-0000-0000-0000-000000000000",
    "json": '1|"a"|null|true|[1, 2 , 3]|{"a": 1,  "b": [true, null]}|{"a":1,"a":2}|  [ ]  |{}|1e5|"\\u00e4"|"\\ud83d\\ude00"|"\\ud83d"|{a:1}|[1,]|{"a":}|01|\'a\'||tru|[1 2]|"a|nul|-|1.|{"a":1',
    "jsonb": '1|"a"|null|true|[1, 2 , 3]|{"b": 1,  "a": [true, null]}|{"a":1,"a":2}|  [ ]  |{}|1e5|1.50|"\\u00e4"|"\\u0000"|{"bb":1,"a":2,"c":{}}|{a:1}|[1,]|{"a":}|01||tru|"a|{"a":1',
    "int4[]": '{}|{1,2,3}|{1,NULL,3}|{{1,2},{3,4}}|[0:1]={5,6}|{ 1 , 2 }|{1,2|1,2}|{{1,2},{3}}|{a}|{1,,2}||{"1"}|[1:2]={1}',
    "text[]": '{}|{a,b}|{"a b","c,d"}|{NULL,"NULL"}|{a\\"b}|{"a\\\\b"}|{{a,b},{c,d}}|{""}|{a,}|{"a|{ a b , c }',
}

# Values that stand for what is special about a type, for comparisons and all that is built on them.
VALUES = {
    "boolean": ["true", "false"],
    "int2": ["-32768", "-1", "0", "1", "32767"],
    "int4": ["-2147483648", "-1", "0", "1", "2147483647"],
    "int8": ["-9223372036854775808", "-1", "0", "1", "9223372036854775807"],
    "float4": ["-Infinity", "-1.5", "-0", "0", "1e-40", "0.1", "3e38", "Infinity", "NaN"],
    "float8": ["-Infinity", "-1e300", "-0", "0", "5e-324", "0.1", "1e300", "Infinity", "NaN"],
    "numeric": ["-Infinity", "-99999999999999999999", "-0.001", "0", "0.00", "1.10", "1.1", "12345678901234567890.5", "Infinity", "NaN"],
    "numeric(6,2)": ["-9999.99", "-0.01", "0", "0.01", "1.1", "9999.99"],
    "text": ["", " ", "A", "B", "a", "aa", "ab", "a b", "ä", "z", "日"],
    "varchar(4)": ["", " ", "A", "a", "a ", "ab", "abcd", "ä"],
    "char(4)": ["", "A", "a", "a ", "ab", "abcd", "ä"],
    "name": ["", "A", "a", "ab", "pg_class"],
    "bytea": ["\\x", "\\x00", "\\x0000", "\\x01", "\\x7f", "\\xff", "\\xff00"],
    "date": ["-infinity", "0044-03-15 BC", "0001-01-01", "1970-01-01", "2000-02-29", "2024-12-31", "9999-12-31", "infinity"],
    "time": ["00:00", "00:00:00.000001", "12:00", "23:59:59.999999", "24:00"],
    "timetz": ["00:00+00", "12:00+02", "12:00-02", "10:00+00", "23:59:59.999999+00"],
    "timestamp": ["-infinity", "0044-03-15 00:00 BC", "1970-01-01 00:00", "1999-12-31 23:59:59.999999", "2000-01-01 00:00", "2024-02-29 12:34:56.5", "infinity"],
    "timestamptz": ["-infinity", "1970-01-01 00:00+00", "1999-12-31 23:00-01", "2000-01-01 00:00+00", "2024-02-29 12:34:56.5+05:30", "infinity"],
    "interval": ["-1 year", "-1 day", "0", "1 second", "24:00:00", "1 day", "30 days", "1 month", "1 mon 1 day", "1 year"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000001", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    "jsonb": ["null", "false", "true", "0", "1.0", "1.5", '""', '"a"', "[]", "[1]", "[1,2]", "{}", '{"a":1}', '{"a":1,"b":2}'],
    "int4[]": ["{}", "{1}", "{1,2}", "{1,NULL}", "{2}", "{{1,2},{3,4}}"],
    "text[]": ["{}", "{a}", "{a,b}", "{a,NULL}", "{b}"],
}

COMPARISONS = ["=", "<>", "<", "<=", ">", ">="]
WITHOUT_MIN = {"boolean", "uuid", "bytea", "jsonb"}
FOLDERS = {"numeric(6,2)": "numeric", "numeric(5,2)": "numeric", "numeric(3,0)": "numeric", "varchar(4)": "varchar",
           "varchar(3)": "varchar", "char(4)": "char", "char(3)": "char", "time(2)": "time", "timestamp(0)": "timestamp",
           "interval(0)": "interval", "interval day to second": "interval", "int4[]": "arrays", "text[]": "arrays"}


def literal(value):
    return "'" + value.replace("'", "''") + "'"


def reading(type, texts):
    for text in texts.split("|"):
        text = text.replace("''", "'")
        yield f"SELECT {literal(text)}::{type}"
    yield f"SELECT NULL::{type}"
    yield f"SELECT pg_typeof({literal(texts.split('|')[0])}::{type})"


def table(type, name="v"):
    base = type
    yield f"CREATE TABLE {name} (id int PRIMARY KEY, x {base})"
    rows = ", ".join(f"({id}, {literal(value)})" for id, value in enumerate(VALUES[type], 1))
    yield f"INSERT INTO {name} VALUES {rows}, (100, NULL)"


def comparing(type):
    """One table of all values: every operator over all pairs, sorting, grouping, and finding through an index."""
    yield from table(type)
    some = [literal(value) for value in VALUES[type]]
    for operator in COMPARISONS:
        yield f"SELECT a.id, b.id FROM v a JOIN v b ON a.x {operator} b.x"
    yield "SELECT a.id, b.id FROM v a JOIN v b ON a.x IS NOT DISTINCT FROM b.x"
    yield "SELECT a.id, b.id, a.x = b.x, a.x < b.x FROM v a, v b WHERE a.id IN (1, 100) OR b.id IN (2, 100)"
    yield "SELECT x FROM v ORDER BY x, id"
    yield "SELECT x FROM v ORDER BY x DESC, id"
    yield "SELECT x, id FROM v ORDER BY x NULLS FIRST, id LIMIT 3"
    yield "SELECT x, id FROM v ORDER BY x DESC NULLS LAST, id OFFSET 1 LIMIT 3"
    yield "SELECT x, count(*), min(id) FROM v GROUP BY x"
    yield "SELECT DISTINCT x FROM v"
    yield "SELECT count(x), count(DISTINCT x), count(*) FROM v"
    if type not in WITHOUT_MIN:
        yield "SELECT min(x), max(x) FROM v"
        yield "SELECT min(x), max(x) FROM v WHERE id < 0"
    yield "SELECT a.x FROM v a EXCEPT SELECT x FROM v WHERE id > 2"
    yield "SELECT x FROM v UNION SELECT x FROM v"
    yield "SELECT x FROM v INTERSECT ALL SELECT x FROM v WHERE id < 4"
    yield f"SELECT id FROM v WHERE x IN ({some[0]}, {some[-1]}, NULL)"
    yield f"SELECT id FROM v WHERE x NOT IN ({some[0]}, {some[-1]})"
    yield f"SELECT id FROM v WHERE x BETWEEN {some[0]} AND {some[len(some) // 2]}"
    yield f"SELECT id FROM v WHERE x IS DISTINCT FROM {some[1]}"
    yield f"SELECT id, greatest(x, {some[0]}), least(x, {some[-1]}) FROM v"
    yield f"SELECT id, coalesce(x, {some[0]}), nullif(x, {some[0]}) FROM v"
    yield f"SELECT id, CASE x WHEN {some[0]} THEN 'first' WHEN {some[-1]} THEN 'last' ELSE 'other' END FROM v"
    yield "SELECT id, x, lag(x) OVER (ORDER BY id), first_value(x) OVER (ORDER BY x DESC, id), rank() OVER (ORDER BY x) FROM v"
    yield "CREATE INDEX v_x ON v (x)"
    for operator, value in zip(COMPARISONS * 2, some * 3):
        yield f"SELECT id FROM v WHERE x {operator} {value}"
    yield f"SELECT id FROM v WHERE x >= {some[0]} AND x < {some[-1]} ORDER BY x, id"
    yield "SELECT id FROM v WHERE x IS NULL"
    yield "SELECT count(*) FROM v WHERE x IS NOT NULL"
    yield f"UPDATE v SET x = {some[-1]} WHERE x = {some[0]} RETURNING id, x"
    yield f"DELETE FROM v WHERE x = {some[-1]} RETURNING id"
    yield "SELECT id, x FROM v"
    yield f"CREATE TABLE u (x {type} UNIQUE)"
    yield "INSERT INTO u SELECT DISTINCT x FROM v WHERE x IS NOT NULL"
    yield f"INSERT INTO u VALUES ({some[1]})"
    yield "INSERT INTO u VALUES (NULL), (NULL)"
    yield "SELECT count(*) FROM u"
    yield f"CREATE TABLE d (id int, x {type} DEFAULT {some[0]} NOT NULL)"
    yield "INSERT INTO d VALUES (1, DEFAULT), (2, DEFAULT)"
    yield "INSERT INTO d VALUES (3, NULL)"
    yield "INSERT INTO d (id) VALUES (4) RETURNING *"


def integer_arithmetic(type, low, high):
    values = [low, low + 1, -1, 0, 1, 2, 7, high]
    for operator in ["+", "-", "*", "/", "%"]:
        for a, b in product(values[::2] + [high], values):
            if (values.index(a) + values.index(b)) % 2 == 0 or b == 0:
                yield f"SELECT ({literal(str(a))}::{type} {operator} {literal(str(b))}::{type})"
    for value in values:
        yield f"SELECT -({literal(str(value))}::{type}), abs({literal(str(value))}::{type})"
        yield f"SELECT ~{literal(str(value))}::{type}, sign({literal(str(value))}::{type}), {literal(str(value))}::{type}::text"
    for operator, b in product(["&", "|", "#"], [0, 1, 12, -1]):
        yield f"SELECT {literal('10')}::{type} {operator} {literal(str(b))}::{type}"
    for operator, b in product(["<<", ">>"], [0, 1, 3, 31, 33]):
        yield f"SELECT {literal('10')}::{type} {operator} {b}"
    for a, b in [(12, 18), (0, 5), (-12, 18), (low, 0), (low, low), (7, 13)]:
        yield f"SELECT gcd({literal(str(a))}::{type}, {literal(str(b))}::{type})"
        yield f"SELECT lcm({literal(str(a))}::{type}, {literal(str(b))}::{type})"
    for other in INTEGERS:
        for operator in ["+", "*", "/", "<"]:
            yield f"SELECT 7::{type} {operator} 3::{other}, pg_typeof(7::{type} {operator} 3::{other})"
    for other in ["float4", "float8", "numeric"]:
        for operator in ["+", "/", "="]:
            yield f"SELECT 7::{type} {operator} 2::{other}, pg_typeof(7::{type} {operator} 2::{other})"
    for value in ["1.5", "2.5", "-1.5", "-2.5", "0.49999", "1e10", "NaN", "Infinity"]:
        yield f"SELECT {literal(value)}::float8::{type}"
        yield f"SELECT {literal(value)}::numeric::{type}"


def float_arithmetic(type):
    values = ["0", "-0", "1.5", "-2.25", "1e30", "Infinity", "-Infinity", "NaN"] + (["1e300", "1e-300"] if type == "float8" else ["1e-30"])
    for operator in ["+", "-", "*", "/"]:
        for a, b in product(values, values):
            if (values.index(a) * 3 + values.index(b)) % 4 == 0 or "1e3" in a and "1e3" in b:
                yield f"SELECT {literal(a)}::{type} {operator} {literal(b)}::{type}"
    for value in values + ["0.5", "2.5", "-0.5", "8"]:
        yield f"SELECT abs({literal(value)}::{type}), -({literal(value)}::{type}), sign({literal(value)}::{type})"
        yield f"SELECT ceil({literal(value)}::{type}), floor({literal(value)}::{type}), round({literal(value)}::{type}), trunc({literal(value)}::{type})"
        yield f"SELECT sqrt({literal(value)}::{type})"
        yield f"SELECT cbrt({literal(value)}::{type})"
        yield f"SELECT |/ {literal(value)}::float8, ||/ {literal(value)}::float8"
    for a, b in product(["2", "-2", "0", "Infinity", "NaN", "1"], ["0", "2", "-1", "0.5", "Infinity", "NaN"]):
        yield f"SELECT power({literal(a)}::{type}, {literal(b)}::{type})"
    for function, value in product(["exp", "ln", "log"], ["1", "0", "-1", "10", "1000", "Infinity", "NaN"]):
        yield f"SELECT {function}({literal(value)}::{type})"


def numeric_arithmetic():
    values = ["0", "1.10", "-2.5", "3", "0.003", "123456789012345678901234567890", "1e-20", "NaN", "Infinity", "-Infinity"]
    for operator in ["+", "-", "*", "/", "%"]:
        for a, b in product(values, values):
            if (values.index(a) + 2 * values.index(b)) % 3 == 0 or b == "0":
                yield f"SELECT {literal(a)}::numeric {operator} {literal(b)}::numeric"
    for value in ["0", "1.5", "2.5", "-1.5", "-2.5", "0.005", "1234.5678", "NaN", "Infinity", "1e20", "-0.4"]:
        x = f"{literal(value)}::numeric"
        yield f"SELECT abs({x}), -({x}), sign({x})"
        yield f"SELECT ceil({x}), floor({x}), round({x}), trunc({x})"
        yield f"SELECT round({x}, 2), trunc({x}, 2)"
        yield f"SELECT round({x}, -2), trunc({x}, -2)"
        yield f"SELECT scale({x}), min_scale({x}), trim_scale({x})"
        yield f"SELECT sqrt({x})"
        yield f"SELECT mod({x}, 2), div({x}, 2)"
        yield f"SELECT {x}::text, {x}::float8"
        yield f"SELECT {x} + 1, {x} * 2, {x} / 4, pg_typeof({x} / 4)"
    for a, b in product(["2", "10.5", "0", "-2", "-8"], ["0", "2", "-1", "0.5", "3"]):
        yield f"SELECT power({a}::numeric, {b}::numeric)"
    for function, value in product(["exp", "ln", "log"], ["1", "2", "0", "-1", "100"]):
        yield f"SELECT {function}({value}::numeric)"
    for a, b in [("48", "18"), ("0", "5"), ("1.5", "0.6"), ("-4", "6")]:
        yield f"SELECT gcd({a}::numeric, {b}::numeric), lcm({a}::numeric, {b}::numeric)"
    for expression in ["1 / 3.0", "2 / 3::numeric", "10.0 / 3", "1.0 * 1.00", "0.1 + 0.2", "1e3", "1.5e-3", "100 * 1.10", "7 % 2.5",
                       "-7 % 2.5", "1.10 = 1.1", "1 / 0.0", "0.0 / 0", "9.99::numeric(2,1)", "99.99::numeric(3,1)", "1::numeric(10,5)",
                       "1::numeric(0)", "1::numeric(1001)", "1::numeric(5,-2)", "12345::numeric(5,-2)", "0.00123::numeric(3,5)",
                       "factorial(20)", "factorial(0)", "factorial(-1)", "width_bucket(5.5, 0, 10, 4)", "width_bucket(0, 10, 0, 4)",
                       "width_bucket(5, 5, 5, 4)", "log(2, 64)", "log(2.0, 0)", "1::numeric ^ 0.5", "2 ^ -1", "2 ^ 0.5::numeric",
                       "numeric_inc(1.5)", "1.5::numeric::int", "-1.5::numeric::int", "(-1.5)::numeric::int", "sum(x) FROM (VALUES (1.10), (2.2)) v(x)",
                       "avg(x) FROM (VALUES (1), (2)) v(x)", "avg(x) FROM (VALUES (1.0), (2.55)) v(x)", "stddev(x) FROM (VALUES (1.0), (2.0), (4)) v(x)",
                       "variance(x) FROM (VALUES (1), (2), (4)) v(x)", "sum(x) FROM (VALUES ('NaN'::numeric), (1)) v(x)",
                       "sum(x) FROM (VALUES ('Infinity'::numeric), ('-Infinity')) v(x)"]:
        yield f"SELECT {expression}"


def boolean_logic():
    values = ["true", "false", "NULL::boolean"]
    for a, b in product(values, values):
        yield f"SELECT {a} AND {b}, {a} OR {b}, {a} = {b}, {a} <> {b}, {a} < {b}"
    for a in values:
        yield f"SELECT NOT {a}, {a} IS TRUE, {a} IS NOT TRUE, {a} IS FALSE, {a} IS NOT FALSE, {a} IS UNKNOWN, {a} IS NOT UNKNOWN, {a} IS NULL"
    yield from table("boolean")
    for condition in ["x", "NOT x", "x IS TRUE", "x IS NOT TRUE", "x IS UNKNOWN", "x = true", "x <> false", "x IS DISTINCT FROM true", "x OR id = 1",
                      "x AND id = 1", "x::int = 1", "x IN (true, NULL)", "NOT (x AND NULL)", "coalesce(x, true)"]:
        yield f"SELECT id FROM v WHERE {condition}"
    for aggregate in ["bool_and(x)", "bool_or(x)", "every(x)", "bool_and(x) FILTER (WHERE id < 2)", "count(*) FILTER (WHERE x)", "sum(x::int)", "min(x)"]:
        yield f"SELECT {aggregate} FROM v"
    for expression in ["true::int", "2::boolean", "0::boolean", "true::text", "'yes'::boolean::text", "true::int8", "1.0::boolean", "true + 1", "true AND 1",
                       "NOT 0", "true || 'x'", "length(true)", "boolean 't'", "bool('on'::text)", "true::char", "true::varchar(2)"]:
        yield f"SELECT {expression}"


def files():
    made = {}
    for type, texts in READS.items():
        folder = FOLDERS.get(type, type)
        made.setdefault(f"types/{folder}/input.slt", []).extend(reading(type, texts))
    for type in VALUES:
        folder = FOLDERS.get(type, type)
        suffix = "" if folder == type else "_" + "".join(c if c.isalnum() else "_" for c in type).strip("_")
        made[f"types/{folder}/comparison{suffix}.slt"] = list(comparing(type))
    for type, (low, high) in INTEGERS.items():
        made[f"types/{type}/arithmetic.slt"] = list(integer_arithmetic(type, low, high))
    for type in ["float4", "float8"]:
        made[f"types/{type}/arithmetic.slt"] = list(float_arithmetic(type))
    made["types/numeric/arithmetic.slt"] = list(numeric_arithmetic())
    made["types/boolean/logic.slt"] = list(boolean_logic())
    return made
