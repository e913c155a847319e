"""Joins, subqueries, set operations, WITH, ORDER BY and the like, over small tables whose NULLs and doubles are chosen."""

from itertools import product

TABLES = [
    "CREATE TABLE a (id int PRIMARY KEY, k int, s text)",
    "CREATE TABLE b (id int PRIMARY KEY, k int, t text)",
    "CREATE TABLE c (k int, s text, n numeric(6,2))",
    "CREATE TABLE none (k int, s text)",
    "INSERT INTO a VALUES (1, 1, 'x'), (2, 2, 'y'), (3, 2, NULL), (4, NULL, 'x'), (5, 5, 'z')",
    "INSERT INTO b VALUES (1, 1, 'x'), (2, 1, 'w'), (3, 2, 'y'), (4, NULL, NULL), (6, 7, 'x')",
    "INSERT INTO c VALUES (1, 'x', 1.50), (2, 'y', 2), (2, 'y', 2), (NULL, 'x', NULL), (9, NULL, -3.25)",
]
INDEXES = ["CREATE INDEX a_k ON a (k)", "CREATE INDEX b_k ON b (k, t)", "CREATE INDEX c_s ON c (s)"]
JOINS = ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]
CONDITIONS = ["a.k = b.k", "a.k = b.k AND a.s = b.t", "a.k = b.k AND b.t <> 'w'", "a.k = b.k AND a.id > 1", "a.k < b.k", "a.k = b.k OR a.s = b.t", "a.k IS NOT DISTINCT FROM b.k", "a.id = b.id", "true", "false", "a.k = 2", "a.k + 1 = b.k", "a.k = b.k AND a.k IS NULL", "coalesce(a.k, 0) = coalesce(b.k, 0)", "NULL"]
UNMERGEABLE = {"a.k < b.k", "a.k = b.k OR a.s = b.t", "a.k IS NOT DISTINCT FROM b.k", "a.k = 2"}


def joins():
    yield from TABLES
    for join, condition in product(JOINS, CONDITIONS):
        yield f"SELECT a.id, b.id FROM a {join} b ON {condition}"
    for join, condition in product(JOINS, ["a.k IS NULL", "b.k IS NULL", "b.t = 'x'", "a.s = 'x' OR b.t = 'x'", "a.id > b.id", "b.id IS NOT NULL AND a.id < 4", "coalesce(b.t, 'none') <> 'x'"]):
        yield f"SELECT a.id, a.k, b.id, b.k FROM a {join} b ON a.k = b.k WHERE {condition}"
        yield f"SELECT count(*), count(a.id), count(b.id) FROM a {join} b ON a.k = b.k WHERE {condition}"
    for join in JOINS:
        for columns in ["*", "k, a.k, b.k", "k, a.id, b.id"]:
            yield f"SELECT {columns} FROM a {join} b USING (k)"
        yield f"SELECT * FROM a NATURAL {join} b"
        yield f"SELECT * FROM a {join} c USING (k, s)"
        yield f"SELECT k, s FROM a NATURAL {join} c ORDER BY k, s"
        yield f"SELECT * FROM a {join} b USING (nothing)"
        yield f"SELECT * FROM a {join} none USING (k)"
        yield f"SELECT * FROM none {join} a ON none.k = a.k"
        yield f"SELECT x.id, y.id FROM a x {join} a y ON x.k = y.k AND x.id <> y.id"
        yield f"SELECT a.id, b.id, c.n FROM a {join} b ON a.k = b.k LEFT JOIN c ON c.k = b.k"
        yield f"SELECT a.id, b.id, c.n FROM a {join} (b JOIN c ON c.k = b.k) ON a.k = b.k"
        yield f"SELECT a.id, c.n FROM a {join} (SELECT k, max(n) AS n FROM c GROUP BY k) c ON c.k = a.k"
        yield f"SELECT a.s, count(b.id), sum(b.k) FROM a {join} b ON a.k = b.k GROUP BY a.s"
        yield f"SELECT DISTINCT a.k, b.k FROM a {join} b ON a.k = b.k"
        yield f"SELECT a.id, b.id FROM a {join} b ON a.k = b.k ORDER BY a.id NULLS FIRST, b.id DESC NULLS LAST LIMIT 4"
        yield f"SELECT a.id FROM a {join} b ON a.id = b.id {join} c ON c.k = a.k"
        yield f"SELECT a.*, b.t FROM a {join} b ON a.k = b.k AND EXISTS (SELECT 1 FROM c WHERE c.k = a.k)" if join == "JOIN" else f"SELECT (a).id, b.t FROM a {join} b ON a.k = b.k"
    for query in ["SELECT a.id, b.id FROM a, b WHERE a.k = b.k", "SELECT a.id, b.id FROM a CROSS JOIN b WHERE a.id + b.id = 5", "SELECT count(*) FROM a, b, c", "SELECT a.id, b.id FROM a, b", "SELECT a.id, b.id, c.s FROM a, b, c WHERE a.k = b.k AND b.k = c.k",
                  "SELECT a.id FROM a JOIN b ON a.k = b.k, c WHERE c.k = a.k", "SELECT a.id FROM a, b JOIN c ON a.k = c.k", "SELECT id FROM a JOIN b ON a.k = b.k", "SELECT a.id FROM a JOIN a ON true", "SELECT x.id FROM a x JOIN b x ON true", "SELECT a.id FROM a AS x",
                  "SELECT * FROM (a JOIN b ON a.id = b.id) ORDER BY a.id", "SELECT j.k FROM (a JOIN b USING (k)) AS j ORDER BY 1", "SELECT x.p, x.q FROM (SELECT id, k FROM a) AS x (p, q) ORDER BY 1", "SELECT * FROM a x (p) ORDER BY p", "SELECT p, q, r FROM a AS x (p, q, r) WHERE q = 2",
                  "SELECT * FROM a JOIN b USING (k) AS j WHERE j.k = 2", "SELECT * FROM a JOIN b USING (k, k)", "SELECT a.id FROM a JOIN b ON b.k", "SELECT a.id FROM a JOIN b ON count(*) > 1", "SELECT * FROM a NATURAL JOIN none", "SELECT k FROM a JOIN b USING (k) JOIN c USING (k) ORDER BY 1",
                  "SELECT k, s, n FROM a FULL JOIN c USING (k, s) ORDER BY k, s, n", "SELECT * FROM (VALUES (1, 'one'), (2, 'two')) AS v (k, w) JOIN a USING (k) ORDER BY id", "SELECT v.x, w.y FROM (VALUES (1), (2)) v(x) LEFT JOIN (VALUES (2), (3)) w(y) ON x = y ORDER BY x",
                  "SELECT a.id FROM a LEFT JOIN b ON a.k = b.k WHERE b.id IS NULL ORDER BY 1", "SELECT a.id FROM a WHERE NOT EXISTS (SELECT FROM b WHERE b.k = a.k) ORDER BY 1", "SELECT x.id, y.id, z.id FROM a x LEFT JOIN b y ON y.k = x.k LEFT JOIN a z ON z.id = y.id ORDER BY 1, 2, 3",
                  "SELECT a.id, l.t FROM a LEFT JOIN LATERAL (SELECT t FROM b WHERE b.k = a.k ORDER BY t LIMIT 1) l ON true ORDER BY 1", "SELECT a.id, g FROM a, LATERAL generate_series(1, a.k) g ORDER BY 1, 2", "SELECT a.id, l.m FROM a, LATERAL (SELECT max(id) AS m FROM b WHERE b.k <= a.k) l ORDER BY 1",
                  "SELECT a.id, x FROM a, (SELECT a.k AS x) l", "SELECT a.id, b.id FROM a LEFT JOIN b ON a.k = b.k AND b.id = (SELECT max(id) FROM b) ORDER BY 1"]:
        yield query
    yield from INDEXES
    for join, condition in product(JOINS, CONDITIONS[:8]):
        yield f"SELECT a.id, b.id FROM a {join} b ON {condition} WHERE a.id <> 4 OR a.id IS NULL"


def subqueries():
    yield from TABLES
    inner = ["SELECT k FROM b", "SELECT k FROM b WHERE k IS NOT NULL", "SELECT k FROM none", "SELECT NULL::int", "SELECT b.k FROM b WHERE b.id = a.id", "SELECT max(k) FROM b", "SELECT k FROM b WHERE b.t = a.s", "SELECT k FROM b UNION SELECT id FROM b"]
    for query in inner:
        for form in ["a.k IN ({})", "a.k NOT IN ({})", "EXISTS ({})", "NOT EXISTS ({})", "a.k = ANY ({})", "a.k <> ALL ({})", "a.k > ANY ({})", "a.k >= ALL ({})", "(a.k IN ({})) IS NULL"]:
            yield f"SELECT id FROM a WHERE {form.format(query)}"
        yield f"SELECT id, k IN ({query}), k = ALL ({query}) FROM a"
    scalar = ["SELECT max(k) FROM b", "SELECT k FROM b WHERE b.id = a.id", "SELECT count(*) FROM b WHERE b.k = a.k", "SELECT count(*) FROM b WHERE b.k > a.k AND b.t IS NOT NULL", "SELECT sum(n) FROM c WHERE c.k = a.k", "SELECT t FROM b WHERE b.k = a.k ORDER BY id DESC LIMIT 1",
              "SELECT string_agg(t, ',' ORDER BY t) FROM b WHERE b.k = a.k", "SELECT min(b.id + a.id) FROM b", "SELECT a.k", "SELECT k FROM b WHERE b.k = a.k", "SELECT avg(k) FROM b WHERE b.id < a.id", "SELECT 1 FROM none WHERE none.k = a.k", "SELECT a.s || max(t) FROM b WHERE b.k = a.k",
              "SELECT count(DISTINCT t) FROM b WHERE b.k = a.k HAVING count(*) > 1", "SELECT (SELECT count(*) FROM c WHERE c.k = b.k AND a.id > 1) FROM b WHERE b.id = a.id", "SELECT max(x) FROM (SELECT a.id AS x UNION SELECT b.id FROM b WHERE b.k = a.k) u"]
    for query in scalar:
        yield f"SELECT id, ({query}) FROM a"
        yield f"SELECT id FROM a WHERE ({query}) > 1" if "t FROM" not in query and "string" not in query and "||" not in query else f"SELECT id FROM a WHERE ({query}) > 'a'"
        yield f"SELECT id FROM a ORDER BY ({query}), id"
        yield f"SELECT coalesce(({query})::text, 'none'), count(*) FROM a GROUP BY 1"
    for query in ["SELECT s, count(*) FROM a GROUP BY s HAVING count(*) > (SELECT count(*) FROM none)", "SELECT s, sum(k) FROM a GROUP BY s HAVING sum(k) IN (SELECT k FROM b)", "SELECT CASE WHEN EXISTS (SELECT 1 FROM b WHERE b.k = a.k) THEN 'yes' ELSE 'no' END, count(*) FROM a GROUP BY 1",
                  "SELECT * FROM (SELECT id, k FROM a WHERE k IS NOT NULL) x WHERE x.k > 1 ORDER BY id", "SELECT x.c FROM (SELECT count(*) AS c FROM a) x", "SELECT * FROM (SELECT 1) x", "SELECT * FROM (SELECT 1 AS a, 2 AS a) x", "SELECT a FROM (SELECT 1 AS a, 2 AS a) x", "SELECT * FROM (SELECT id FROM a)",
                  "SELECT (SELECT id FROM a)", "SELECT (SELECT id, k FROM a WHERE id = 1)", "SELECT id FROM a WHERE k = (SELECT k FROM b)", "SELECT id FROM a WHERE k IN (SELECT k, id FROM b)", "SELECT id FROM a WHERE (k, s) IN (SELECT k, t FROM b)", "SELECT id FROM a WHERE (k, s) NOT IN (SELECT k, t FROM b WHERE k IS NOT NULL)",
                  "SELECT id FROM a WHERE (k, id) = (SELECT k, id FROM b WHERE id = 1)", "SELECT id FROM a WHERE (k, id) < (SELECT 2, 3)", "SELECT id FROM a WHERE (k, id) = ANY (SELECT k, id FROM b)", "SELECT id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.k = a.k AND EXISTS (SELECT 1 FROM c WHERE c.k = b.k AND c.s = a.s))",
                  "SELECT id FROM a WHERE EXISTS (SELECT count(*) FROM none)", "SELECT id FROM a WHERE k IN (SELECT b.k FROM b WHERE b.k IN (SELECT c.k FROM c WHERE c.s = a.s))", "SELECT id FROM a x WHERE k = (SELECT max(k) FROM a y WHERE y.s = x.s)", "SELECT id FROM a x WHERE id > (SELECT avg(id) FROM a y WHERE y.k = x.k OR y.k IS NULL)",
                  "SELECT id, (SELECT count(*) FROM a y WHERE y.id <= x.id) AS rank FROM a x ORDER BY rank DESC", "SELECT (SELECT x FROM (SELECT a.k + 1 AS x) y) FROM a ORDER BY id", "SELECT id FROM a WHERE k = (SELECT k FROM b WHERE b.id = a.id) OR k IS NULL", "SELECT id FROM a WHERE NOT (k IN (SELECT k FROM b) AND k > 1)",
                  "SELECT id FROM a WHERE (SELECT true)", "SELECT id FROM a WHERE (SELECT NULL)", "SELECT id FROM a LIMIT (SELECT 2)", "SELECT id FROM a ORDER BY id LIMIT (SELECT count(*) FROM c WHERE k = 2) OFFSET (SELECT 1)", "SELECT count(*) FROM a WHERE (SELECT count(*) FROM b WHERE b.id = a.id) = 1",
                  "SELECT sum((SELECT max(n) FROM c WHERE c.k = a.k)) FROM a", "SELECT max((SELECT count(*) FROM b WHERE b.k = a.k)), s FROM a GROUP BY s", "SELECT s, (SELECT max(b.k) FROM b WHERE b.t = a.s) FROM a GROUP BY s", "SELECT s, (SELECT b.k FROM b WHERE b.k = a.k LIMIT 1) FROM a GROUP BY s",
                  "SELECT id, k = SOME (VALUES (1), (2)) FROM a", "SELECT id FROM a WHERE k IN (VALUES (1), (5))", "SELECT id FROM a WHERE k = ANY (SELECT k FROM b EXCEPT SELECT 2)", "SELECT ARRAY(SELECT id FROM a ORDER BY id DESC)", "SELECT id, ARRAY(SELECT b.id FROM b WHERE b.k = a.k ORDER BY 1) FROM a", "SELECT id FROM a WHERE nope IN (SELECT k FROM b)",
                  "SELECT id FROM a WHERE k IN (SELECT a.k FROM b)", "SELECT t FROM b WHERE id IN (SELECT s FROM a)", "SELECT EXISTS (SELECT 1), EXISTS (SELECT 1 WHERE false), NOT EXISTS (SELECT 1 FROM none)", "SELECT 1 = (SELECT 1), 1 IN (SELECT 2), (SELECT 'a') || (SELECT 'b')", "SELECT row(1, 2) = (SELECT 1, 2)", "SELECT (SELECT 1 ORDER BY 1 LIMIT 1 OFFSET 1)",
                  "VALUES ((SELECT 1), (SELECT 'x'))", "SELECT b.id FROM b WHERE b.k = (SELECT a.k FROM a WHERE a.k = b.k GROUP BY a.k)", "SELECT id, (SELECT sum(x) FROM (SELECT b.k AS x FROM b WHERE b.k = a.k UNION ALL SELECT c.k FROM c WHERE c.k = a.k) u) FROM a"]:
        yield query


def set_operations():
    yield from TABLES
    operators = [f"{operation}{all}" for operation in ["UNION", "INTERSECT", "EXCEPT"] for all in ["", " ALL"]]
    for operator in operators:
        for left, right in [("SELECT k FROM a", "SELECT k FROM b"), ("SELECT k, s FROM a", "SELECT k, s FROM c"), ("SELECT s FROM c", "SELECT s FROM c"), ("SELECT k FROM a", "SELECT k FROM none"), ("SELECT k FROM none", "SELECT k FROM b"), ("VALUES (1), (1), (2), (NULL)", "VALUES (1), (NULL), (NULL)"),
                            ("SELECT k FROM a", "SELECT n FROM c"), ("SELECT 1, 'a'", "SELECT 1.0, NULL"), ("SELECT s FROM a", "SELECT k FROM b"), ("SELECT k FROM a", "SELECT k, id FROM b"), ("SELECT k FROM a WHERE k > 1", "TABLE none"), ("SELECT count(*) FROM a", "SELECT max(id) FROM b")]:
            yield f"{left} {operator} {right}"
        yield f"SELECT k FROM a {operator} SELECT k FROM b ORDER BY k DESC NULLS LAST"
        yield f"SELECT k AS x FROM a {operator} SELECT k FROM b ORDER BY x LIMIT 2 OFFSET 1"
        yield f"SELECT k FROM a {operator} SELECT k FROM b ORDER BY k + 1"
        yield f"(SELECT k FROM a ORDER BY k LIMIT 3) {operator} (SELECT k FROM b ORDER BY k DESC LIMIT 2) ORDER BY 1"
        yield f"SELECT count(*), sum(k) FROM (SELECT k FROM a {operator} SELECT k FROM b) u"
        yield f"SELECT id FROM a WHERE k IN (SELECT k FROM b {operator} SELECT k FROM c)"
        yield f"SELECT * FROM a {operator} SELECT * FROM b"
    for first, second in product(operators, operators):
        yield f"SELECT k FROM a {first} SELECT k FROM b {second} SELECT k FROM c"
    for first, second in product(operators[::2], operators[1::2]):
        yield f"SELECT k FROM a {first} (SELECT k FROM b {second} SELECT k FROM c)"
        yield f"(SELECT k FROM a {first} SELECT k FROM b) {second} SELECT k FROM c ORDER BY 1"
    for query in ["SELECT 1 UNION SELECT 2 ORDER BY 2", "SELECT 1 AS a UNION SELECT 2 AS b ORDER BY b", "SELECT 1 AS a UNION SELECT 2 ORDER BY a", "SELECT 1 UNION (SELECT 2 UNION ALL SELECT 2)", "SELECT NULL UNION SELECT NULL", "SELECT NULL UNION SELECT 'a'", "SELECT '1' UNION SELECT 1", "SELECT 1::int2 UNION SELECT 1::int8",
                  "SELECT 'a'::char(3) UNION SELECT 'a'::text", "SELECT 1 LIMIT 1 UNION SELECT 2", "SELECT 1 ORDER BY 1 UNION SELECT 2", "SELECT FROM a UNION SELECT FROM b", "SELECT k FROM a UNION DISTINCT SELECT k FROM b", "SELECT 1 EXCEPT SELECT 1", "SELECT id FROM a UNION SELECT id FROM b FETCH FIRST 2 ROWS ONLY",
                  "SELECT k, count(*) FROM (SELECT k FROM a UNION ALL SELECT k FROM b) u GROUP BY k", "SELECT u.x FROM (SELECT 1 AS x UNION SELECT 2) u JOIN a ON a.k = u.x"]:
        yield query


def with_clauses():
    yield from TABLES
    for query in ["WITH x AS (SELECT 1 AS n) SELECT * FROM x", "WITH x (p, q) AS (SELECT id, k FROM a) SELECT p FROM x WHERE q = 2", "WITH x AS (SELECT k FROM a), y AS (SELECT k FROM x WHERE k > 1) SELECT * FROM y", "WITH x AS (SELECT k FROM a) SELECT x.k, y.k FROM x, x AS y WHERE x.k = y.k",
                  "WITH x AS (SELECT k FROM a) SELECT count(*) FROM x UNION ALL SELECT count(*) FROM b", "WITH x AS (SELECT 1) SELECT * FROM x, x", "WITH x AS (SELECT 1), x AS (SELECT 2) SELECT * FROM x", "WITH x (p) AS (SELECT 1, 2) SELECT * FROM x", "WITH x (p, q) AS (SELECT 1) SELECT * FROM x",
                  "WITH a AS (SELECT 99 AS id) SELECT id FROM a", "WITH x AS (SELECT id FROM y), y AS (SELECT 1 AS id) SELECT * FROM x", "WITH x AS (VALUES (1, 'a'), (2, 'b')) SELECT * FROM x ORDER BY column1 DESC", "WITH x AS MATERIALIZED (SELECT k FROM a) SELECT count(*) FROM x", "WITH x AS NOT MATERIALIZED (SELECT k FROM a) SELECT count(*) FROM x",
                  "SELECT * FROM (WITH x AS (SELECT 1 AS n) SELECT n + 1 FROM x) y", "SELECT (WITH x AS (SELECT max(k) AS m FROM a) SELECT m FROM x)", "SELECT id FROM a WHERE k IN (WITH x AS (SELECT k FROM b) SELECT k FROM x)", "WITH x AS (SELECT 1 AS n), y AS (WITH x AS (SELECT 2 AS n) SELECT n FROM x) SELECT x.n, y.n FROM x, y",
                  "WITH x AS (SELECT s, count(*) AS c FROM a GROUP BY s) SELECT s FROM x WHERE c = (SELECT max(c) FROM x)", "WITH x AS (SELECT id, row_number() OVER (ORDER BY id DESC) AS r FROM a) SELECT id FROM x WHERE r <= 2 ORDER BY r", "WITH x AS (SELECT 1) (WITH y AS (SELECT 2) SELECT * FROM x, y)", "WITH unused AS (SELECT 1 / 0) SELECT 1",
                  "WITH x AS (SELECT id FROM a ORDER BY id LIMIT 2) SELECT b.id FROM b JOIN x USING (id) ORDER BY 1", "WITH x AS (SELECT k FROM a) SELECT id, (SELECT count(*) FROM x WHERE x.k = b.k) FROM b", "WITH x AS (SELECT * FROM a) SELECT x.* FROM x WHERE x.s = 'x' ORDER BY 1", "WITH x AS (SELECT nope FROM a) SELECT 1",
                  "WITH x AS (SELECT a.id, b.t FROM a JOIN b USING (k)) SELECT id, count(*) FROM x GROUP BY id ORDER BY id", "WITH x AS (SELECT 1 AS n UNION ALL SELECT 2) SELECT sum(n) FROM x", "WITH x AS (TABLE c) SELECT s, sum(n) FROM x GROUP BY s"]:
        yield query
    for query in ["WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT n FROM t", "WITH RECURSIVE t(n) AS (SELECT 1 UNION SELECT (n + 1) % 3 FROM t) SELECT n FROM t ORDER BY n", "WITH RECURSIVE t AS (SELECT id, k, 1 AS depth FROM a WHERE id = 1 UNION ALL SELECT a.id, a.k, depth + 1 FROM a JOIN t ON a.k = t.id AND a.id <> t.id AND depth < 4) SELECT * FROM t",
                  "WITH RECURSIVE t(n, s) AS (SELECT 1, 'a' UNION ALL SELECT n + 1, s || 'a' FROM t WHERE n < 3) SELECT * FROM t ORDER BY n", "WITH RECURSIVE f(a, b) AS (SELECT 0::int8, 1::int8 UNION ALL SELECT b, a + b FROM f WHERE b < 100) SELECT a FROM f ORDER BY a", "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT n FROM t LIMIT 5",
                  "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT count(*) FROM t) SELECT * FROM t", "WITH RECURSIVE t(n) AS (SELECT n FROM t) SELECT * FROM t", "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT 1.5 * n FROM t WHERE n < 2) SELECT * FROM t", "WITH RECURSIVE x AS (SELECT 1 AS n), t(n) AS (SELECT n FROM x UNION ALL SELECT t.n + 1 FROM t WHERE t.n < 3) SELECT sum(n) FROM t",
                  "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 100) SELECT count(*), sum(n), max(n) FROM t", "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL (SELECT n + 1 FROM t WHERE n < 3 UNION ALL SELECT n + 10 FROM t WHERE n < 3)) SELECT * FROM t", "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT t.n + 1 FROM a LEFT JOIN t ON t.n = a.id) SELECT * FROM t",
                  "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n IN (SELECT n FROM t)) SELECT * FROM t", "WITH RECURSIVE t(a, b) AS (VALUES (1, 2) UNION ALL SELECT b, a FROM t WHERE a < 0) SELECT * FROM t", "WITH RECURSIVE tree(id, path) AS (SELECT id, id::text FROM a WHERE k IS NULL UNION ALL SELECT a.id, path || '/' || a.id FROM a, tree WHERE a.k = tree.id + 1) SELECT * FROM tree"]:
        yield query


def ordering():
    yield from TABLES
    keys = ["k", "s", "k DESC", "s DESC NULLS LAST", "k NULLS FIRST", "k DESC NULLS LAST, s", "s, k DESC", "k + 1", "-k", "length(s), s", "k IS NULL, k", "2", "3 DESC, 1", "coalesce(k, 3)", "(k, s)", "CASE WHEN k = 2 THEN 0 ELSE 1 END, k", "s COLLATE \"C\"", "k USING >", "abs(k - 3)", "lower(s) DESC"]
    for key in keys:
        yield f"SELECT id, k, s FROM a ORDER BY {key}, id"
        yield f"SELECT id FROM a ORDER BY {key.replace('2', 'k') if key == '2' else 'k' if key == '3 DESC, 1' else key}, id LIMIT 2"
    for limit in ["LIMIT 2", "LIMIT 0", "LIMIT ALL", "LIMIT NULL", "OFFSET 2", "LIMIT 2 OFFSET 1", "OFFSET 1 LIMIT 2", "LIMIT 100 OFFSET 100", "LIMIT -1", "OFFSET -1", "LIMIT 1 + 1", "LIMIT '2'", "LIMIT 1.5", "LIMIT 'x'", "FETCH FIRST ROW ONLY", "FETCH FIRST 2 ROWS ONLY", "OFFSET 1 ROW FETCH NEXT 2 ROWS ONLY", "FETCH FIRST 2 ROWS WITH TIES", "LIMIT id", "LIMIT 2147483648", "OFFSET NULL"]:
        yield f"SELECT id FROM a ORDER BY id {limit}"
    yield "SELECT k FROM a ORDER BY k FETCH FIRST 2 ROWS WITH TIES"
    for query in ["SELECT id AS x FROM a ORDER BY x", "SELECT id AS x FROM a ORDER BY x + 1", "SELECT id AS k FROM a ORDER BY k", "SELECT id, id * -1 AS id2 FROM a ORDER BY id2", "SELECT s FROM a ORDER BY id", "SELECT DISTINCT s FROM a ORDER BY id", "SELECT DISTINCT s FROM a ORDER BY s", "SELECT DISTINCT k, s FROM a ORDER BY s, k", "SELECT id FROM a ORDER BY 2", "SELECT id FROM a ORDER BY 0", "SELECT id FROM a ORDER BY 'x'",
                  "SELECT id FROM a ORDER BY nope", "SELECT count(*) FROM a ORDER BY 1", "SELECT s, count(*) FROM a GROUP BY s ORDER BY count(*) DESC, s", "SELECT s FROM a GROUP BY s ORDER BY max(k), s", "SELECT s FROM a GROUP BY s ORDER BY k", "SELECT id AS a, k AS a FROM a ORDER BY a", "SELECT id AS a, id AS a FROM a ORDER BY a", "SELECT * FROM a ORDER BY a.s, a.id", "SELECT a.* FROM a ORDER BY random() * 0, id",
                  "SELECT DISTINCT ON (s) s, id FROM a ORDER BY s, id DESC", "SELECT DISTINCT ON (k) k, s FROM a ORDER BY k, s", "SELECT DISTINCT ON (s, k) id FROM a ORDER BY s, k, id", "SELECT DISTINCT ON (s) id FROM a ORDER BY id", "SELECT DISTINCT ON (1) k, id FROM a ORDER BY 1, 2", "SELECT DISTINCT ON (k % 2) id FROM a ORDER BY k % 2, id", "SELECT DISTINCT k FROM a", "SELECT DISTINCT s, k IS NULL FROM a", "SELECT DISTINCT * FROM c", "SELECT DISTINCT 1 FROM a",
                  "SELECT DISTINCT count(*) FROM a GROUP BY s", "SELECT ALL s FROM a ORDER BY 1", "SELECT count(DISTINCT s), count(DISTINCT k), count(DISTINCT (k, s)) FROM a", "TABLE a ORDER BY id DESC LIMIT 1", "VALUES (2, 'b'), (1, 'a') ORDER BY 1", "VALUES (1), (2), (3) LIMIT 2", "VALUES (1, 2), (3)", "VALUES ()", "SELECT * FROM (VALUES (1), (NULL), (2)) v(x) ORDER BY x DESC"]:
        yield query


def selecting():
    yield from TABLES
    for query in ["SELECT", "SELECT FROM a", "SELECT *", "SELECT a.*, 1 FROM a WHERE id = 1", "SELECT *, * FROM a WHERE id = 1", "SELECT a FROM a WHERE id = 1", "SELECT a.* FROM a x", "SELECT x.* FROM a x WHERE id = 1", "SELECT id id2, k \"Key\" FROM a WHERE id = 1", "SELECT id AS select FROM a WHERE id = 1", "SELECT 1 AS \"a b\"", "SELECT public.a.id FROM public.a WHERE id = 1", "SELECT postgres.public.a.id FROM a WHERE id = 1",
                  "SELECT \"ID\" FROM a", "SELECT ID FROM A WHERE Id = 1", "SELECT * FROM \"A\"", "SELECT id FROM a WHERE k", "SELECT id FROM a WHERE 'true'", "SELECT id FROM a WHERE 'x'", "SELECT id FROM a WHERE NULL", "SELECT id FROM a WHERE k = NULL", "SELECT id FROM a WHERE true AND NOT false ORDER BY id", "SELECT id FROM a WHERE count(*) > 1", "SELECT id FROM a WHERE id = 1 GROUP BY id",
                  "SELECT id FROM a WHERE k = 2 AND s = 'y'", "SELECT id FROM a WHERE k = 2 AND (s = 'y' OR s IS NULL)", "SELECT id FROM a WHERE NOT (k = 2)", "SELECT id FROM a WHERE NOT (k = 2 OR s = 'x')", "SELECT id FROM a WHERE k IN (1, 2) AND s IN ('x', NULL)", "SELECT id FROM a WHERE id BETWEEN 2 AND 4 AND k IS NOT NULL", "SELECT id FROM a WHERE id > 1 AND id > 3", "SELECT id FROM a WHERE id > 3 AND id < 2", "SELECT id FROM a WHERE id = 1 OR id = 1 OR id = 2",
                  "SELECT id FROM a WHERE (id, k) > (2, 2)", "SELECT id FROM a WHERE (id, k) IN ((1, 1), (2, 2), (3, 3))", "SELECT id FROM a WHERE id + 0 = 2", "SELECT id FROM a WHERE id = 2.0", "SELECT id FROM a WHERE id = 2.5", "SELECT id FROM a WHERE id < 2.5", "SELECT id FROM a WHERE id = '2'", "SELECT id FROM a WHERE id = '2.0'", "SELECT id FROM a WHERE id > 9999999999", "SELECT id FROM a WHERE id = 1e0", "SELECT id FROM a WHERE s = 'x   '", "SELECT id FROM a WHERE s || 'x' = 'xx'",
                  "SELECT id FROM a WHERE s LIKE '_' AND s > 'x'", "SELECT id FROM a WHERE k = k", "SELECT id FROM a WHERE k <> k", "SELECT id FROM a WHERE coalesce(k, -1) = -1", "SELECT id FROM a WHERE k IS DISTINCT FROM 2", "SELECT id FROM a WHERE (k = 2) IS NOT TRUE", "SELECT id FROM a WHERE CASE WHEN id > 2 THEN k = 5 ELSE s = 'x' END", "SELECT id FROM a WHERE id = id AND 1 = 1", "SELECT id, 1 / (id - 1) FROM a WHERE id > 1", "SELECT 1 / (id - 1) FROM a",
                  "SELECT id FROM a WHERE id > 1 AND 1 / (id - 1) > 0", "SELECT sum(k) FILTER (WHERE k > 1), count(*) FROM a", "SELECT 1 WHERE 1 = 1", "SELECT 1 WHERE false", "SELECT 1 FROM none", "SELECT count(*) FROM none", "SELECT max(k) FROM none", "SELECT 1 + 1 AS two, 'x' || 'y', now() IS NULL", "SELECT id, id FROM a WHERE id = 1", "SELECT 'a' \"b\"", "SELECT id FROM ONLY a WHERE id = 1", "SELECT id FROM a *  WHERE id = 1", "SELECT $1",
                  "SELECT id FROM a TABLESAMPLE BERNOULLI (100) ORDER BY id", "SELECT current_user, session_user, current_catalog, current_schema", "SELECT current_database(), current_schema()", "SELECT version() LIKE 'PostgreSQL 15%'", "SELECT id FROM a WHERE ctid IS NULL", "SELECT tableoid::regclass FROM a WHERE id = 1"]:
        yield query


def files():
    return {
        "queries/joins/joins.slt": list(joins()),
        "queries/subqueries/subqueries.slt": list(subqueries()),
        "queries/set_operations/set_operations.slt": list(set_operations()),
        "queries/with/with.slt": list(with_clauses()),
        "queries/ordering/ordering.slt": list(ordering()),
        "queries/selecting/selecting.slt": list(selecting()),
    }
