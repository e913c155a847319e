"""Functions of text, bytea and numbers, each with the arguments that are special to it."""

from itertools import product

TEXTS = ["''", "'a'", "'Hello'", "'  a b  '", "'äöüß'", "'日本語'", "NULL"]
COUNTS = ["0", "1", "3", "-1", "10", "NULL"]

# A function or expression, with the values that each of its holes takes.
STRINGS = [
    ("length({})", TEXTS),
    ("char_length({}), octet_length({}), bit_length({})", TEXTS),
    ("upper({}), lower({}), initcap({})", TEXTS + ["'hELLO wORLD-foo_bar 1st'"]),
    ("reverse({})", TEXTS),
    ("trim({}), ltrim({}), rtrim({}), btrim({})", ["'  a b  '", "''", "'   '", "NULL"]),
    ("trim({} FROM 'xyxabcxyx')", ["BOTH 'x'", "LEADING 'xy'", "TRAILING 'xy'", "'xy'", "BOTH ''", "BOTH NULL", "BOTH"]),
    ("btrim('xyxabcxyx', {})", ["'x'", "'xy'", "''", "NULL"]),
    ("ascii({})", TEXTS),
    ("chr({})", ["65", "228", "0", "1114111", "1114112", "-1", "NULL", "55296"]),
    ("repeat('ab', {})", COUNTS),
    ("'Hello' LIKE {}", ["'H%'", "'h%'", "'%l_o'", "'Hello'", "''", "'%'", "'_____'", "'____'", "'He\\llo'", "'He\\\\%'", "NULL", "'Hello\\'"]),
    ("'Hello' ILIKE {}", ["'h%'", "'%L_O'", "'hello'", "'x'", "NULL"]),
    ("'a%b_c' LIKE {}", ["'a\\%b\\_c'", "'a!%b!_c' ESCAPE '!'", "'a%b_c' ESCAPE ''", "'a!' ESCAPE '!'", "'ab' ESCAPE 'xy'"]),
    ("'Hello' NOT LIKE {}, 'Hello' ~~ {}, 'Hello' !~~ {}", ["'H%'", "'x%'"]),
    ("'abc' SIMILAR TO {}", ["'abc'", "'a'", "'%(b|d)%'", "'(b|c)%'", "'a_c'", "'a[bc]+'", "'abc|d'", "NULL", "'a{2}bc'"]),
    ("'Hello' ~ {}", ["'^H'", "'l{2}'", "'^h'", "'(?i)^h'", "'[a-z]+$'", "''", "'('", "'a{2,1}'", "'\\d'", "'\\w+'", "NULL", "'[[:upper:]]'"]),
    ("'Hello' ~* {}, 'Hello' !~ {}, 'Hello' !~* {}", ["'^h'", "'X'"]),
    ("substring('Hello' FROM {})", ["1", "2", "0", "-1", "6", "10", "NULL", "2 FOR 3", "0 FOR 2", "-2 FOR 5", "3 FOR 0", "3 FOR -1", "3 FOR NULL", "2 FOR 2147483647", "'l+'", "'(l)(o)'", "'x'"]),
    ("substr('Hello', {})", ["1", "0", "-3", "2, 2", "2, 0", "2, -1", "99, 1", "-2147483648, 1", "1, 2147483647"]),
    ("left('Hello', {}), right('Hello', {})", COUNTS + ["-10"]),
    ("lpad('Hello', {}), rpad('Hello', {})", ["8", "3", "0", "-1", "NULL", "8, 'xy'", "8, ''", "3, 'xy'", "8, NULL"]),
    ("replace('Hello', {})", ["'l', 'L'", "'', 'x'", "'Hello', ''", "'l', NULL", "'ll', 'lll'", "'x', 'y'"]),
    ("translate('Hello', {})", ["'el', 'ip'", "'elo', 'i'", "'', 'x'", "'e', ''", "'ll', 'xy'", "NULL, 'x'"]),
    ("position({} IN 'Hello')", ["'l'", "'x'", "''", "'lo'", "NULL"]),
    ("strpos('Hello', {})", ["'l'", "'x'", "''"]),
    ("split_part('a,b,,c', ',', {})", ["1", "2", "3", "4", "5", "-1", "-4", "-5", "0", "NULL"]),
    ("split_part({})", ["'abc', '', 1", "'abc', '', 2", "'', ',', 1", "'axxbxxc', 'xx', 2"]),
    ("concat({})", ["'a', 'b'", "'a', NULL, 'b'", "NULL", "1, true, 2.50, 'x'", "'a', date '2024-01-02'", "1.0::float8, NULL, ''"]),
    ("concat_ws({})", ["',', 'a', 'b'", "',', 'a', NULL, 'b'", "NULL, 'a', 'b'", "',', NULL", "'', 1, 2", "'-', true, 1.5"]),
    ("'a' || {}", ["'b'", "NULL", "1", "true", "1.50", "date '2024-01-02'", "''", "'b'::char(3)", "interval '1 day'"]),
    ("md5({})", ["''", "'a'", "'äöü'", "NULL", "'\\x00'::bytea"]),
    ("to_hex({})", ["0", "255", "-1", "9223372036854775807", "NULL"]),
    ("quote_ident({})", ["'a'", "'A'", "'a b'", "'a\"b'", "'select'", "''", "'1a'", "'ä'"]),
    ("quote_literal({}), quote_nullable({})", ["'a'", "'a''b'", "'a\\b'", "NULL", "1", "1.5"]),
    ("format({})", ["'Hello %s', 'World'", "'%s %s', 1, NULL", "'%I', 'a b'", "'%L', 'it''s'", "'%L', NULL", "'%%'", "'%2$s %1$s', 'a', 'b'", "'%5s|%-5s|', 'a', 'b'", "'%*s', 5, 'a'",
                    "'%s'", "'%x', 1", "'%', 1", "'%I', NULL", "'abc'", "NULL, 1", "'%1$s %1$s', 'a'", "'%0$s', 'a'"]),
    ("starts_with('Hello', {}), 'Hello' ^@ {}", ["'He'", "'he'", "''", "NULL"]),
    ("overlay('Hello' PLACING {})", ["'XX' FROM 2", "'XX' FROM 2 FOR 3", "'' FROM 2 FOR 1", "'XX' FROM 6", "'XX' FROM 0", "'XX' FROM 2 FOR 0", "NULL FROM 2"]),
    ("regexp_replace('foobarbaz', {})", ["'b..', 'X'", "'b..', 'X', 'g'", "'b(..)', 'X\\1Y', 'g'", "'B', 'x', 'i'", "'z', '\\&\\&'", "'(', 'x'", "'b', 'x', 'q'", "'x*', '-', 'g'", "'a', 'X', 1, 2", "'a', NULL"]),
    ("regexp_count('abcabc', {})", ["'a'", "'a', 2", "'A', 1, 'i'", "'x'"]),
    ("regexp_instr('abcabc', {})", ["'b'", "'b', 3", "'b', 1, 2", "'x'"]),
    ("regexp_like('Hello', {})", ["'h'", "'h', 'i'", "'l+'"]),
    ("regexp_substr('foobarbaz', {})", ["'b..'", "'b..', 5", "'b..', 1, 2", "'x'"]),
    ("encode({})", ["'abc', 'hex'", "'abc', 'base64'", "'a\\000b', 'escape'", "'abc', 'xyz'", "'\\xdeadbeef', 'base64'", "'', 'hex'"]),
    ("decode({})", ["'616263', 'hex'", "'YWJj', 'base64'", "'a\\000b', 'escape'", "'xyz', 'hex'", "'6', 'hex'", "'YW', 'base64'", "'a', 'nope'"]),
    ("convert_from({})", ["'abc', 'UTF8'", "'\\xff', 'UTF8'", "'\\xe4', 'LATIN1'"]),
    ("convert_to('ä', {})", ["'UTF8'", "'LATIN1'", "'nope'"]),
    ("get_byte('\\x010203'::bytea, {}), get_bit('\\x010203'::bytea, {})", ["0", "2", "3", "-1"]),
    ("set_byte('\\x010203'::bytea, {})", ["0, 255", "3, 1", "1, 256"]),
    ("length('\\x0102'::bytea), octet_length('\\x'::bytea), {}", ["'\\x01'::bytea || '\\x02'::bytea", "substring('\\x010203'::bytea FROM 2)", "position('\\x02'::bytea IN '\\x010203'::bytea)",
                                                                 "sha256('abc'::bytea)", "md5('abc'::bytea)", "btrim('\\x010203'::bytea, '\\x01'::bytea)", "overlay('\\x010203'::bytea PLACING '\\xff'::bytea FROM 2)"]),
    ("to_number({})", ["'12,454.8-', '99G999D9S'", "'1.5', '9.9'", "'-12', 'S99'", "'abc', '999'", "'', '9'"]),
    ("to_char({})", ["125, '999'", "-125, '999'", "125, '00000'", "125.8, '999D9'", "1234567, '9,999,999'", "12345, '999'", "0.1, '0.99'", "-0.5, 'SG0.99'", "485, 'RN'", "1, '9th'", "125, 'FM999'",
                     "12.3, 'FM99.99'", "148.5, '999.990'", "1e10::float8, '9.99EEEE'", "'NaN'::float8, '999'", "-12, '99PR'", "12, '99MI'", "0, '99'", "NULL::int, '9'", "1234.5678::numeric, '9999.99'", "12, 'L99'", "5::int8, '099V99'"]),
    ("string_to_array({})", ["'a,b,c', ','", "'a,b', NULL", "'a,,b', ',', ''", "'', ','", "NULL, ','", "'abc', ''"]),
    ("array_to_string(ARRAY['a', NULL, 'b'], {})", ["','", "',', '*'", "NULL"]),
    ("parse_ident({})", ["'a.b'", "'\"A b\".c'", "'a.'"]),
    ("normalize({}), {} IS NORMALIZED", ["'ä'", "U&'a\\0308'"]),
    ("{}", ["U&'\\00e4\\+01F600'", "U&'!00e4' UESCAPE '!'", "E'a\\tb\\x41\\101'", "E'\\u00e4'", "$$a'b$$", "$x$a$$b$x$", "'a' 'b'", "'a'\n'b'", "B'101'", "X'1F'", "N'abc'", "e'a''b'"]),
    ("unistr({})", ["'\\00e4'", "'\\+01F600'", "'\\zzzz'"]),
    ("string_agg(x, {}) FROM (VALUES ('a'), (NULL), ('b')) v(x)", ["','", "NULL", "''", "',' ORDER BY x DESC"]),
    ("num_nulls({}), num_nonnulls({})", ["1, NULL, 'a'", "NULL", "1"]),
    ("'abc' < {}, 'abc' = {}, 'abc' COLLATE \"C\" < {}", ["'abd'", "'ABC'", "'ab'", "'abc '", "NULL"]),
    ("'a'::char(3) = {}", ["'a'", "'a  '", "'a '::text", "'a '::varchar", "'a'::char(5)"]),
]

MATH = [
    ("abs({}), sign({})", ["-1.5", "0", "NULL", "'-2'::int8"]),
    ("round({})", ["2.5", "-2.5", "3.5", "0.5::float8", "1.5::float8", "2.5::float8", "1234.567, 1", "1234.567, -2", "5.015, 2", "1e20", "NULL", "1.5, NULL", "1.5::float8, 1"]),
    ("trunc({})", ["2.9", "-2.9", "2.9::float8", "1234.567, 1", "1234.567, -2", "42::int"]),
    ("ceil({}), ceiling({}), floor({})", ["2.1", "-2.1", "2", "-0.5::float8", "NULL"]),
    ("mod({})", ["7, 3", "-7, 3", "7, -3", "7.5, 2", "7, 0", "5::int8, 3::int2"]),
    ("div({})", ["7, 2", "-7, 2", "7.5, 2", "1, 0"]),
    ("power({})", ["2, 10", "2.0, 0.5", "-8, 1.0/3", "0, -1", "0, 0", "2, -2", "10, 400", "2::float8, 3::int"]),
    ("{} ^ 2", ["3", "-3", "1.5", "2::int8", "0.1::float8"]),
    ("sqrt({})", ["4", "2", "2.0", "-1", "0", "1e100", "NULL"]),
    ("cbrt({})", ["27", "-8", "2"]),
    ("exp({}), ln(exp({}))", ["0", "1", "1.5", "-2.0"]),
    ("ln({})", ["1", "10.0", "0", "-1", "2.718281828459045"]),
    ("log({}), log10({})", ["100", "1000.0", "0", "2"]),
    ("log({})", ["2, 8", "10, 1000.0", "1, 10", "2.0, 0.5"]),
    ("sin({}), cos({}), tan({})", ["0", "1", "-1.5", "1e10", "'Infinity'", "NULL"]),
    ("asin({}), acos({})", ["0", "1", "-0.5", "2"]),
    ("atan({}), cot({})", ["1", "-0.5", "0"]),
    ("atan2({})", ["1, 1", "-1, -1", "0, 0", "0, -1"]),
    ("sinh({}), cosh({}), tanh({})", ["0", "1", "-2"]),
    ("asinh({}), acosh({}), atanh({})", ["1", "0.5", "0"]),
    ("sind({}), cosd({}), tand({})", ["0", "30", "45", "90", "180"]),
    ("degrees({}), radians({})", ["0", "1", "180", "pi()"]),
    ("width_bucket({})", ["5.35, 0.024, 10.06, 5", "0, 1, 10, 3", "11, 1, 10, 3", "5, 10, 1, 3", "5, 1, 10, 0", "10, 1, 10, 3", "'NaN', 1, 10, 3", "5, 1, 1, 3", "5.0::float8, 0, 10, 5"]),
    ("gcd({}), lcm({})", ["12, 18", "0, 0", "-4, 6", "1.5, 0.5", "3::int8, 9"]),
    ("factorial({})", ["0", "5", "30", "-1"]),
    ("greatest({}), least({})", ["1, 2, 3", "1, NULL, 3", "NULL, NULL", "1, 2.5", "'a', 'b'", "date '2024-01-01', '2023-01-01'", "1, 'a'", "1"]),
    ("{}", ["5 & 3", "5 | 3", "5 # 3", "~5", "1 << 4", "256 >> 4", "5 % 3", "-5 % 3", "|/ 25", "||/ 27", "@ -5", "2 ^ 3 ^ 2", "-2 ^ 2", "5 ! ", "2 + 3 * 4", "(2 + 3) * 4", "10 - 4 - 3", "100 / 10 / 2",
            "- - 5", "1 + 2 = 3", "1 < 2 = true", "NOT 1 = 2", "1 = 1 AND 2 = 3 OR true", "2 * 3 || 'x'", "1 IS NULL = false", "1 BETWEEN 0 AND 2 AND true", "5 BETWEEN SYMMETRIC 10 AND 1",
            "5 NOT BETWEEN 1 AND 4", "1 <> 2 IS TRUE", "pi()", "1e400::float8", "1e400", "0.1 + 0.2", "0.1::float8 + 0.2::float8", "1.0::float4 / 3", "1::float8 / 3", "123456789::float4",
            "1.0::float4::float8", "0.1::float4::float8", "0.1::float4 = 0.1", "0.1::float4 = 0.1::float4", "2147483647 + 1", "2147483647 * 2::int8", "(-2147483648)::int4 / -1", "(-32768)::int2 % -1::int2",
            "5 / 2", "-5 / 2", "5 / -2.0", "1 / 3", "1 / 3.0", "1.0 / 3.0", "2 / 0.3", "1e0 / 7", "1.000 * 2.00", "10 % 3.3", "1.5 // 2", "5 =< 3", "5 => 3", "5 != 3", "5 <> 3", "5 == 5"]),
]

CONDITIONALS = [
    ("CASE {} END", ["WHEN true THEN 1 ELSE 2", "WHEN false THEN 1", "WHEN NULL THEN 1 ELSE 2", "1 WHEN 1 THEN 'a' WHEN 2 THEN 'b'", "NULL WHEN NULL THEN 'a' ELSE 'b'", "3 WHEN 1 THEN 'a'", "WHEN 1 = 1 THEN 1 WHEN 1/0 = 1 THEN 2",
                      "1 WHEN 1.0 THEN 'a'", "'1' WHEN 1 THEN 'a'", "WHEN 1 THEN 2", "1 WHEN 'a' THEN 2", "WHEN true THEN 1 ELSE 'x'", "WHEN true THEN 1 ELSE 2.5", "WHEN true THEN NULL ELSE 1", "WHEN false THEN 1/0 ELSE 0", "ELSE 1"]),
    ("coalesce({})", ["1, 2", "NULL, 2", "NULL, NULL", "NULL, 'a', 'b'", "1, 'a'", "1, 1/0", "NULL, 1.5, 2", ""]),
    ("nullif({})", ["1, 1", "1, 2", "NULL, 1", "1, NULL", "'a', 'a'", "1, '1'", "1, 'a'", "1.0, 1", "1"]),
    ("1 IN ({})", ["1, 2", "2, 3", "2, NULL", "1, NULL", "NULL", "'1', '2'", "1.0", "", "SELECT 1", "SELECT 2 WHERE false", "SELECT NULL::int", "(1)"]),
    ("1 NOT IN ({})", ["1, 2", "2, 3", "2, NULL", "NULL", "SELECT 2 WHERE false", "SELECT NULL::int"]),
    ("NULL IN ({})", ["1", "NULL", "SELECT 1 WHERE false"]),
    ("{}", ["(1, 2) = (1, 2)", "(1, 2) < (1, 3)", "(1, NULL) = (1, 2)", "(1, NULL) = (2, 2)", "(1, NULL) < (2, 1)", "(NULL, 1) < (NULL, 2)", "ROW(1, 2) = ROW(1, 2)", "(1, 2) IN ((1, 2), (3, 4))", "(1, 2) = (1, 2, 3)",
            "(1, NULL) IS NULL", "ROW(NULL, NULL) IS NULL", "ROW(1, 2) IS NOT NULL", "ROW(1, NULL) IS NOT NULL", "(1, 2) IS DISTINCT FROM (1, 2)", "(1, NULL) IS NOT DISTINCT FROM (1, NULL)", "(1, 2) IN (SELECT 1, 2)", "(1, 2) NOT IN (SELECT 1, NULL::int)",
            "1 IS DISTINCT FROM NULL", "NULL IS DISTINCT FROM NULL", "NULL = NULL", "NULL <> NULL", "NULL AND false", "NULL OR true", "NOT NULL::boolean", "1 = ANY (ARRAY[1, 2])", "1 = ALL (ARRAY[1, 1])", "1 = ANY ('{2,NULL}')", "1 <> ALL ('{}'::int[])",
            "1 = ANY (SELECT 1)", "1 > ALL (SELECT 2 WHERE false)", "1 = SOME (SELECT NULL::int)", "1 < ANY (VALUES (1), (2))", "EXISTS (SELECT 1 WHERE false)", "NOT EXISTS (SELECT NULL)", "(SELECT 1 WHERE false) IS NULL", "(SELECT 1 UNION SELECT 2)", "(SELECT 1, 2)"]),
]


def expand(template, values):
    for value in values:
        yield f"SELECT {template.replace('{}', value)}"


def over_rows():
    """The same functions over rows, where they run on columns rather than on constants."""
    yield "CREATE TABLE s (id int PRIMARY KEY, x text, n int)"
    yield "INSERT INTO s VALUES (1, 'Hello', 2), (2, '', 0), (3, NULL, 1), (4, '  pad ', -1), (5, 'äöü日', 3), (6, 'a,b,c', NULL), (7, 'ABC', 100)"
    for expression in ["length(x)", "upper(x)", "lower(x)", "initcap(x)", "reverse(x)", "x || x", "x || n", "n || x", "concat(x, n, x)", "concat_ws('-', x, n)", "trim(x)", "ltrim(x, 'H ')", "substr(x, 2)", "substr(x, n)",
                       "substring(x FROM 1 FOR 2)", "left(x, n)", "right(x, n)", "lpad(x, 8, '*')", "rpad(x, n, '-')", "repeat(x, n)", "replace(x, 'l', 'L')", "translate(x, 'abc', 'xyz')", "position('l' IN x)", "strpos(x, ',')",
                       "split_part(x, ',', 2)", "ascii(x)", "md5(x)", "x LIKE '%a%'", "x ILIKE '%A%'", "x ~ '^[A-Z]'", "x SIMILAR TO '%(a|l)%'", "regexp_replace(x, '[aeiou]', '#', 'g')", "coalesce(x, 'none')", "nullif(x, '')", "starts_with(x, 'H')",
                       "octet_length(x)", "quote_literal(x)", "quote_nullable(x)", "format('%s=%s', x, n)", "encode(x::bytea, 'hex')", "to_hex(n)", "n::text", "x::varchar(2)", "x::char(3)", "x::name", "x > 'B'", "greatest(x, 'B')", "x = ''",
                       "abs(n)", "n % 3", "n / 2", "n * 1.5", "power(n, 2)", "sign(n)", "n::float8 / 3", "round(n / 3.0, 2)", "CASE WHEN n > 1 THEN x END", "CASE n WHEN 0 THEN 'zero' WHEN 1 THEN 'one' ELSE 'many' END", "n BETWEEN 0 AND 2", "n IN (0, 1, NULL)",
                       "n IS NULL", "n IS DISTINCT FROM 1", "(n, x) < (2, 'a')", "n & 1", "n << 1", "-n", "mod(n, 2)", "chr(65 + abs(n))"]:
        yield f"SELECT id, {expression} FROM s"
    for condition in ["length(x) > 3", "x LIKE 'H%'", "x LIKE '%'", "x NOT LIKE '%a%'", "upper(x) = x", "x || 'a' = 'a'", "n > length(x)", "x ~ '[0-9]'", "x IS NULL OR n IS NULL", "left(x, 1) IN ('H', 'A')", "trim(x) <> x", "x > 'a'", "x < 'a'", "x BETWEEN 'A' AND 'I'", "n * 2 = 4", "n + id = 3", "coalesce(n, 0) = 0", "NOT (n > 0)"]:
        yield f"SELECT id FROM s WHERE {condition}"
        yield f"SELECT count(*) FROM s WHERE NOT ({condition})"


def series():
    for arguments in ["1, 3", "3, 1", "1, 10, 3", "10, 1, -4", "1, 1", "0, 5, 0", "NULL, 3", "1::int8, 3", "-1, 1", "1.5, 4.0, 0.5", "2147483645, 2147483647"]:
        yield f"SELECT * FROM generate_series({arguments})"
    for query in ["SELECT generate_series(1, 3)", "SELECT generate_series(1, 2), 'x'", "SELECT generate_series(1, 2), generate_series(1, 3)", "SELECT g * 2 FROM generate_series(1, 3) AS g", "SELECT g.n FROM generate_series(1, 3) AS g(n)",
                  "SELECT count(*), sum(g) FROM generate_series(1, 100) g", "SELECT a, b FROM generate_series(1, 2) a, generate_series(1, 2) b ORDER BY a, b", "SELECT * FROM generate_series(1, 3) WITH ORDINALITY", "SELECT * FROM generate_series(1, 2) WITH ORDINALITY AS g(v, n)",
                  "SELECT * FROM generate_series(timestamp '2024-01-01', timestamp '2024-01-03', interval '1 day')", "SELECT * FROM generate_series(date '2024-01-01', date '2024-01-02', '12 hours')",
                  "SELECT x, g FROM (VALUES (1), (2)) v(x), generate_series(1, x) g ORDER BY x, g", "SELECT (SELECT sum(g) FROM generate_series(1, x) g) FROM (VALUES (1), (3)) v(x)", "SELECT g FROM generate_series(1, 5) g WHERE g % 2 = 0 ORDER BY g DESC LIMIT 1",
                  "SELECT unnest(ARRAY[1, 2, NULL])", "SELECT * FROM unnest(ARRAY[1, 2], ARRAY['a', 'b', 'c'])", "SELECT x, unnest(ARRAY[x, x + 1]) FROM (VALUES (1), (5)) v(x)", "SELECT * FROM unnest('{a,b}'::text[]) WITH ORDINALITY", "SELECT regexp_split_to_table('a b c', ' ')",
                  "SELECT regexp_matches('foobarbaz', 'b(.)(.)', 'g')", "SELECT string_to_table('a,b,c', ',')", "SELECT regexp_split_to_array('a1b22c', '[0-9]+')", "SELECT regexp_match('foobar', 'o(.)')", "SELECT * FROM generate_subscripts(ARRAY['a', 'b'], 1)"]:
        yield query


def files():
    made = {}
    for name, table, size in [("strings", STRINGS, 16), ("math", MATH, 40), ("conditionals", CONDITIONALS, 40)]:
        for start in range(0, len(table), size):
            suffix = "" if len(table) <= size else f"_{start // size + 1}"
            made[f"functions/{name}/{name}{suffix}.slt"] = [sql for entry in table[start : start + size] for sql in expand(*entry)]
    made["functions/rows/rows.slt"] = list(over_rows())
    made["functions/sets/sets.slt"] = list(series())
    return made
