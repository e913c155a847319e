"""Aggregates of every type, grouping, grouping sets, and window functions."""

from itertools import product

from .types import VALUES, literal

TYPES = ["boolean", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar(4)", "char(4)", "name", "bytea", "date", "time", "timestamp", "timestamptz", "interval", "uuid"]
NUMBERS = ["int2", "int4", "int8", "float4", "float8", "numeric"]
SMALL = {"int2": ["1", "2", "2", "-7"], "int4": ["1", "2", "2", "-7"], "int8": ["1", "2", "2", "-7"], "float4": ["0.5", "2.25", "2.25", "-7"], "float8": ["0.5", "2.25", "2.25", "-7"], "numeric": ["0.50", "2.25", "2.250", "-7"],
         "interval": ["1 day", "02:00", "02:00", "-1 mon"], "boolean": ["true", "false", "true", "true"]}
TABLE = [
    "CREATE TABLE t (id int PRIMARY KEY, g text, h int, x int, y numeric(8,2), z float8)",
    "INSERT INTO t VALUES (1, 'a', 1, 10, 1.50, 0.5), (2, 'a', 2, 20, NULL, 1.5), (3, 'a', 1, NULL, 2.25, -2), (4, 'b', 1, 10, 3.00, NULL), (5, 'b', NULL, 5, -1.00, 4), (6, NULL, 2, 7, 0, 1), (7, NULL, NULL, 10, 10.10, 2), (8, 'c', 2, 20, 5, 8)",
]


def aggregates(type):
    values = SMALL.get(type, VALUES[type][:4])
    yield f"CREATE TABLE v (id int PRIMARY KEY, g int, x {type})"
    rows = ", ".join(f"({id}, {id % 2}, {literal(value)})" for id, value in enumerate(values, 1))
    yield f"INSERT INTO v VALUES {rows}, (10, 0, NULL), (11, 2, NULL)"
    names = ["count", "min", "max"]
    if type in NUMBERS:
        names += ["sum", "avg", "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp"]
    if type in ["int2", "int4", "int8"]:
        names += ["bit_and", "bit_or", "bit_xor"]
    if type == "interval":
        names += ["sum", "avg"]
    if type == "boolean":
        names = ["count", "bool_and", "bool_or", "every"]
    for name in names:
        yield f"SELECT {name}(x), pg_typeof({name}(x)) FROM v"
        yield f"SELECT {name}(x) FROM v WHERE x IS NULL"
        yield f"SELECT {name}(DISTINCT x), {name}(x) FILTER (WHERE id > 1) FROM v"
        yield f"SELECT g, {name}(x) FROM v GROUP BY g"
        yield f"SELECT {name}(x) OVER (ORDER BY id) FROM v ORDER BY id"
    for name in {"sum", "avg", "min", "max", "bool_and", "string_agg"} - set(names):
        yield f"SELECT {name}(x) FROM v" if name != "string_agg" else "SELECT string_agg(x, ',' ORDER BY id) FROM v"
    yield "SELECT array_agg(x ORDER BY id) FROM v"
    yield "SELECT x, count(*) FROM v GROUP BY x HAVING count(*) > 1"
    yield "SELECT mode() WITHIN GROUP (ORDER BY x) FROM v"


def grouping():
    yield from TABLE
    for key in ["g", "h", "g, h", "h, g", "1", "upper(g)", "g || 'x'", "x > 7", "x % 3", "coalesce(g, 'none')", "g IS NULL", "CASE WHEN h = 1 THEN 'one' END", "id", "()", "(g, h)", "g, g", "x / 10, g"]:
        selected = {"1": "g", "()": "1", "(g, h)": "g, h"}.get(key, key)
        yield f"SELECT {selected}, count(*), sum(x), avg(y), max(z) FROM t GROUP BY {key}"
        yield f"SELECT count(*) FROM t GROUP BY {key}" if key != "1" else "SELECT g FROM t GROUP BY 1"
    for having in ["count(*) > 1", "sum(x) > 20", "sum(x) IS NULL", "g = 'a'", "g IS NOT NULL AND max(h) = 2", "false", "NULL", "count(DISTINCT x) = 2", "avg(x) > (SELECT avg(x) FROM t)", "x > 1", "every(x > 5)"]:
        yield f"SELECT g, count(*) FROM t GROUP BY g HAVING {having}"
    for having in ["count(*) > 1", "count(*) > 100", "max(x) = 20", "g = 'a'", "true", "1 = 0"]:
        yield f"SELECT count(*) FROM t HAVING {having}"
    for query in ["SELECT g, x FROM t GROUP BY g", "SELECT * FROM t GROUP BY id", "SELECT g, h, x FROM t GROUP BY id", "SELECT t.* FROM t GROUP BY g", "SELECT count(*) FROM t WHERE sum(x) > 1", "SELECT sum(sum(x)) FROM t", "SELECT g FROM t GROUP BY count(*)", "SELECT g AS k, count(*) FROM t GROUP BY k", "SELECT x AS g, count(*) FROM t GROUP BY g",
                  "SELECT sum(x) + count(*), max(x) - min(x), sum(x * 2) / count(x) FROM t", "SELECT sum(x) AS s FROM t GROUP BY g ORDER BY s NULLS FIRST", "SELECT g, sum(x) FROM t GROUP BY g ORDER BY sum(x) DESC NULLS LAST, g", "SELECT count(*), count(x), count(y), count(z), count(1), count(NULL) FROM t", "SELECT count() FROM t", "SELECT count(x, y) FROM t",
                  "SELECT sum(g) FROM t", "SELECT sum(*) FROM t", "SELECT avg(x), avg(y), avg(z), sum(y), sum(z) FROM t", "SELECT min(g), max(g), min(y), max(z) FROM t", "SELECT sum(DISTINCT x), count(DISTINCT g), avg(DISTINCT x) FROM t", "SELECT count(DISTINCT (g, h)) FROM t", "SELECT string_agg(g, ',' ORDER BY id) FROM t", "SELECT string_agg(DISTINCT g, ',' ORDER BY g DESC) FROM t",
                  "SELECT string_agg(DISTINCT g, ',' ORDER BY id) FROM t", "SELECT g, string_agg(x::text, '-' ORDER BY x DESC NULLS LAST) FROM t GROUP BY g", "SELECT array_agg(x ORDER BY x DESC) FROM t", "SELECT g, array_agg(DISTINCT h ORDER BY h) FROM t GROUP BY g", "SELECT bool_and(x > 5), bool_or(x > 15), every(h IS NULL) FROM t", "SELECT g, bool_or(x > 9) FROM t GROUP BY g",
                  "SELECT bit_and(x), bit_or(x), bit_xor(x) FROM t", "SELECT count(*) FILTER (WHERE x > 7), sum(x) FILTER (WHERE g = 'a'), sum(x) FILTER (WHERE false) FROM t", "SELECT g, count(*) FILTER (WHERE h = 1) FROM t GROUP BY g", "SELECT max(x) FILTER (WHERE max(x) > 1) FROM t", "SELECT corr(x, z), covar_pop(x, z), covar_samp(x, z) FROM t WHERE id < 6",
                  "SELECT regr_slope(x, z), regr_intercept(x, z), regr_r2(x, z), regr_count(x, z) FROM t WHERE id < 6", "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM t", "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY x) FROM t", "SELECT percentile_cont(1.5) WITHIN GROUP (ORDER BY x) FROM t", "SELECT g, mode() WITHIN GROUP (ORDER BY x) FROM t GROUP BY g",
                  "SELECT rank(10) WITHIN GROUP (ORDER BY x), dense_rank(10) WITHIN GROUP (ORDER BY x) FROM t", "SELECT sum(x) FROM t GROUP BY ()", "SELECT 1 FROM t GROUP BY ()", "SELECT 'x' FROM t HAVING count(*) > 0", "SELECT g FROM t GROUP BY g HAVING g > 'a' OR g IS NULL", "SELECT g, (SELECT count(*) FROM t u WHERE u.g = t.g) FROM t GROUP BY g", "SELECT DISTINCT count(*) FROM t GROUP BY g",
                  "SELECT g, h, sum(x) FROM t GROUP BY g, h ORDER BY g, h", "SELECT max(g || h) FROM t", "SELECT sum(CASE WHEN h = 1 THEN x ELSE 0 END) FROM t", "SELECT g, sum(x) / NULLIF(sum(h), 0) FROM t GROUP BY g", "SELECT stddev(x), variance(y), stddev_pop(z) FROM t WHERE id = 1", "SELECT sum(x::int8 * 1000000000000000000) FROM t", "SELECT sum(2147483647) FROM t", "SELECT count(*) * 1.0 / 3 FROM t",
                  "SELECT avg(x)::int, round(avg(x), 2) FROM t", "SELECT sum(y), pg_typeof(sum(y)), sum(x), pg_typeof(sum(x)), pg_typeof(sum(z)) FROM t", "SELECT g, count(*) c FROM t GROUP BY 1 HAVING count(*) = 2 ORDER BY c, g", "SELECT x, count(*) FROM t GROUP BY x ORDER BY 2 DESC, 1 LIMIT 2", "SELECT count(*) FROM (SELECT g FROM t GROUP BY g) u", "SELECT max(c) FROM (SELECT count(*) c FROM t GROUP BY g) u"]:
        yield query
    for sets in ["GROUPING SETS ((g), (h))", "GROUPING SETS ((g, h), (g), ())", "ROLLUP (g, h)", "CUBE (g, h)", "ROLLUP (g), h", "GROUPING SETS (g, ())", "GROUPING SETS (())", "ROLLUP ((g, h))", "CUBE (g), CUBE (h)", "GROUPING SETS (ROLLUP (g), CUBE (h))", "GROUPING SETS ((g), (g))", "DISTINCT ROLLUP (g), ROLLUP (g)"]:
        columns = [column for column in "gh" if column in sets.lower().replace("grouping sets", "")]
        listed = ", ".join(columns) or "1"
        yield f"SELECT {listed}, count(*), sum(x) FROM t GROUP BY {sets}"
        if columns:
            yield f"SELECT {listed}, GROUPING({listed}), sum(x) FROM t GROUP BY {sets}"
            yield f"SELECT {listed}, max(y) FROM t GROUP BY {sets} HAVING count(*) > 2 ORDER BY {listed}, 2 NULLS FIRST"
    for query in ["SELECT g, GROUPING(x) FROM t GROUP BY g", "SELECT GROUPING(g) FROM t GROUP BY g", "SELECT g, sum(x) FROM t GROUP BY ROLLUP (g) ORDER BY GROUPING(g), g", "SELECT coalesce(g, 'all'), count(*) FROM t WHERE g IS NOT NULL GROUP BY CUBE (g) ORDER BY 1", "SELECT g || 'x', count(*) FROM t GROUP BY ROLLUP (g || 'x')", "SELECT g, count(*) FROM t WHERE false GROUP BY ROLLUP (g)", "SELECT g, count(*) FROM t WHERE false GROUP BY g"]:
        yield query


FRAMES = ["", "ROWS UNBOUNDED PRECEDING", "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", "ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING", "ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING", "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
          "RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", "RANGE BETWEEN 5 PRECEDING AND 5 FOLLOWING", "GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW", "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW", "RANGE UNBOUNDED PRECEDING EXCLUDE TIES"]


def windows():
    yield from TABLE
    for function in ["row_number()", "rank()", "dense_rank()", "percent_rank()", "cume_dist()", "ntile(3)", "lag(x)", "lead(x)", "lag(x, 2)", "lead(x, 1, -1)", "lag(x, 0)", "lag(x, -1)", "first_value(x)", "last_value(x)", "nth_value(x, 2)", "count(*)", "count(x)", "sum(x)", "avg(x)", "min(x)", "max(x)", "sum(y)", "avg(z)", "bool_and(x > 5)", "string_agg(g, ',')", "stddev(x)"]:
        yield f"SELECT id, {function} OVER (ORDER BY id) FROM t"
        yield f"SELECT id, {function} OVER (PARTITION BY g ORDER BY id) FROM t"
        yield f"SELECT id, {function} OVER (PARTITION BY h ORDER BY x, id) FROM t"
        if function not in ("row_number()", "ntile(3)") and not function.startswith(("lag", "lead", "first", "last", "nth", "string")):
            yield f"SELECT id, {function} OVER (ORDER BY x) FROM t"
            yield f"SELECT id, {function} OVER (PARTITION BY g) FROM t"
    for frame, function in product(FRAMES, ["sum(x)", "count(*)", "first_value(id)", "last_value(id)", "min(x)", "nth_value(id, 2)", "avg(y)"]):
        yield f"SELECT id, {function} OVER (ORDER BY {'x, id' if not ('5 PRE' in frame) else 'id'} {frame}) FROM t"
    for query in ["SELECT id, sum(x) OVER w, count(*) OVER w FROM t WINDOW w AS (PARTITION BY g ORDER BY id)", "SELECT id, sum(x) OVER (w ORDER BY id) FROM t WINDOW w AS (PARTITION BY g)", "SELECT id, sum(x) OVER w FROM t WINDOW w AS (ORDER BY id ROWS 1 PRECEDING)", "SELECT id, sum(x) OVER nope FROM t", "SELECT id FROM t WHERE row_number() OVER () = 1", "SELECT g, sum(sum(x)) OVER (ORDER BY g) FROM t GROUP BY g",
                  "SELECT g, rank() OVER (ORDER BY count(*) DESC, g) FROM t GROUP BY g", "SELECT g, count(*), sum(count(*)) OVER () FROM t GROUP BY g", "SELECT DISTINCT g, count(*) OVER (PARTITION BY g) FROM t", "SELECT id FROM t ORDER BY row_number() OVER (ORDER BY id DESC)", "SELECT id, sum(x) FILTER (WHERE h = 1) OVER (ORDER BY id) FROM t", "SELECT id, rank() FILTER (WHERE true) OVER (ORDER BY id) FROM t",
                  "SELECT id, count(DISTINCT g) OVER () FROM t", "SELECT id, sum(row_number() OVER ()) OVER () FROM t", "SELECT sum(row_number() OVER ()) FROM t", "SELECT id, lag(g, 1, 'none') OVER (ORDER BY id) FROM t", "SELECT id, lag(x, 1, 2.5) OVER (ORDER BY id) FROM t", "SELECT id, lag(x, 1, 'a') OVER (ORDER BY id) FROM t", "SELECT id, ntile(0) OVER (ORDER BY id) FROM t", "SELECT id, ntile(NULL) OVER (ORDER BY id) FROM t",
                  "SELECT id, nth_value(x, 0) OVER (ORDER BY id) FROM t", "SELECT id, row_number() FROM t", "SELECT id, lower(g) OVER () FROM t", "SELECT id, x - lag(x) OVER (ORDER BY id) AS d FROM t ORDER BY d NULLS FIRST, id", "SELECT * FROM (SELECT id, row_number() OVER (PARTITION BY g ORDER BY id) AS r FROM t) u WHERE r = 1 ORDER BY id", "SELECT id, sum(x) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED FOLLOWING AND CURRENT ROW) FROM t",
                  "SELECT id, sum(x) OVER (ORDER BY id ROWS -1 PRECEDING) FROM t", "SELECT id, sum(x) OVER (RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t", "SELECT id, sum(x) OVER (ORDER BY g RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t", "SELECT id, sum(x) OVER (ORDER BY id DESC RANGE BETWEEN 2 PRECEDING AND CURRENT ROW) FROM t", "SELECT id, sum(x) OVER (ORDER BY y RANGE BETWEEN 1.5 PRECEDING AND 1.5 FOLLOWING) FROM t",
                  "SELECT id, sum(x) OVER (ORDER BY x NULLS FIRST RANGE BETWEEN 3 PRECEDING AND CURRENT ROW) FROM t", "SELECT id, count(*) OVER (ORDER BY date '2024-01-01' + id RANGE BETWEEN '1 day' PRECEDING AND CURRENT ROW) FROM t", "SELECT id, avg(x) OVER (PARTITION BY g, h ORDER BY id) FROM t", "SELECT id, first_value(x) OVER (PARTITION BY g ORDER BY x DESC NULLS LAST, id), last_value(x) OVER (PARTITION BY g ORDER BY x) IS NULL FROM t",
                  "SELECT id, row_number() OVER (ORDER BY g NULLS FIRST, id DESC), dense_rank() OVER (ORDER BY g NULLS FIRST) FROM t", "SELECT count(*) OVER () FROM t WHERE false", "SELECT id, max(x) OVER () - x FROM t WHERE x IS NOT NULL", "SELECT g, x, sum(x) OVER (PARTITION BY g) * 1.0 / sum(x) OVER () FROM t WHERE g IS NOT NULL AND x IS NOT NULL", "SELECT row_number() OVER (ORDER BY id) FROM t LIMIT 2 OFFSET 3",
                  "SELECT id, CASE WHEN row_number() OVER (ORDER BY id) % 2 = 0 THEN 'even' ELSE 'odd' END FROM t", "SELECT id FROM t GROUP BY id HAVING row_number() OVER () > 1", "SELECT id, rank() OVER (ORDER BY (SELECT max(x) FROM t u WHERE u.g = t.g), id) FROM t", "SELECT id, first_value(x) IGNORE NULLS OVER (ORDER BY id) FROM t"]:
        yield query


def files():
    made = {f"queries/aggregates/{''.join(c if c.isalnum() else '_' for c in type).strip('_')}.slt": list(aggregates(type)) for type in TYPES}
    made["queries/grouping/grouping.slt"] = list(grouping())
    made["queries/windows/windows.slt"] = list(windows())
    return made
