"""INSERT, UPDATE, DELETE and their kin: each on fresh rows, with what it returns and what is there afterwards."""

from itertools import product

FRESH = ["TRUNCATE t", "INSERT INTO t VALUES (1, 'a', 10), (2, 'b', 20), (3, 'c', NULL), (4, NULL, 40)"]
TABLES = [
    "CREATE TABLE t (id int PRIMARY KEY, s text, n int DEFAULT 7)",
    "CREATE TABLE u (id int, s text, m int)",
    "INSERT INTO u VALUES (2, 'bb', 200), (3, 'cc', NULL), (5, 'ee', 500), (5, 'ff', 501), (NULL, 'gg', 600)",
]
SEE = "SELECT * FROM t ORDER BY id"


def each(statements):
    """Each statement alone, on the same rows."""
    for statement in statements:
        yield from FRESH
        yield statement
        yield SEE


def insert():
    yield from TABLES
    yield "CREATE TABLE d (a int DEFAULT 1, b text DEFAULT 'x' || 'y', c timestamp DEFAULT '2024-01-01', e numeric(4,1) DEFAULT 1.25)"
    yield from each(["INSERT INTO t VALUES (5, 'e', 50)", "INSERT INTO t VALUES (5, 'e')", "INSERT INTO t VALUES (5)", "INSERT INTO t (id) VALUES (5), (6) RETURNING *", "INSERT INTO t (n, id) VALUES (1, 5)", "INSERT INTO t (n, id) SELECT 1, 5", "INSERT INTO t SELECT id, s, m FROM u WHERE id > 4", "INSERT INTO t SELECT DISTINCT ON (id) id, s, m FROM u WHERE id > 4 ORDER BY id, s",
                     "INSERT INTO t VALUES (1, 'dup', 1)", "INSERT INTO t VALUES (5, 'e', 1), (5, 'f', 2)", "INSERT INTO t VALUES (NULL, 'x', 1)", "INSERT INTO t VALUES ('5', 5, '5')", "INSERT INTO t VALUES ('x', 'y', 1)", "INSERT INTO t VALUES (5.5, 'y', 1.5)", "INSERT INTO t VALUES (9999999999, 'y', 1)", "INSERT INTO t VALUES (5, 'e', 1, 2)", "INSERT INTO t (id, s) VALUES (5)", "INSERT INTO t (id) VALUES (5, 6)",
                     "INSERT INTO t (id, nope) VALUES (5, 6)", "INSERT INTO t (id, id) VALUES (5, 6)", "INSERT INTO nope VALUES (1)", "INSERT INTO t DEFAULT VALUES", "INSERT INTO t VALUES (5, DEFAULT, DEFAULT) RETURNING s, n", "INSERT INTO t VALUES (5, 'e', n)", "INSERT INTO t VALUES (5, (SELECT max(s) FROM u), (SELECT count(*) FROM t)) RETURNING *", "INSERT INTO t SELECT id + 10, s, n FROM t RETURNING id, s",
                     "INSERT INTO t VALUES (5, 'e', 1) RETURNING id + n AS sum, upper(s), t.id, *", "INSERT INTO t AS x VALUES (5, 'e', 1) RETURNING x.id", "INSERT INTO t AS x VALUES (5, 'e', 1) RETURNING t.id", "INSERT INTO t VALUES (5, 'e', 1) RETURNING nope", "INSERT INTO t VALUES (5, 'e', 1) RETURNING (SELECT count(*) FROM t)", "INSERT INTO t (SELECT 5, 'e', 1)", "INSERT INTO t VALUES (5, 'e', 1), (6, 'f')",
                     "INSERT INTO t (id, s) VALUES (5, 'x'), (6, DEFAULT) RETURNING *", "INSERT INTO t WITH x AS (SELECT 5 AS a) SELECT a, 'w', a FROM x RETURNING *", "WITH x AS (SELECT 5 AS a) INSERT INTO t SELECT a, 'w', a FROM x RETURNING *", "INSERT INTO t SELECT g, 'g' || g, g * 10 FROM generate_series(5, 8) g RETURNING id", "INSERT INTO t TABLE u", "INSERT INTO t VALUES (5, 'e', 1 / 0)", "INSERT INTO t SELECT 5, 'e', id / 0 FROM u WHERE id = 2",
                     "INSERT INTO t (id, n) SELECT count(*) + 10, sum(n) FROM t RETURNING *", "INSERT INTO t SELECT id, s, n FROM t", "INSERT INTO t VALUES (5, NULL, NULL) RETURNING s IS NULL, n", "INSERT INTO public.t VALUES (5, 'e', 1)", "INSERT INTO t (t.id) VALUES (5)", "INSERT INTO t OVERRIDING SYSTEM VALUE VALUES (5, 'e', 1)", "INSERT t VALUES (5)", "INSERT INTO t VALUES 5"])
    for statement in ["INSERT INTO d DEFAULT VALUES RETURNING *", "INSERT INTO d (b) VALUES (NULL) RETURNING *", "INSERT INTO d (a, e) VALUES (2, 9.99) RETURNING *", "INSERT INTO d VALUES (DEFAULT, DEFAULT, DEFAULT, 1000)", "INSERT INTO d (e) VALUES (999.94), (999.95)", "INSERT INTO d (c) VALUES ('infinity'), ('x')", "SELECT * FROM d"]:
        yield statement


def update():
    yield from TABLES
    yield from each(["UPDATE t SET n = 1", "UPDATE t SET n = n + 1 WHERE id > 1", "UPDATE t SET n = n + 1 RETURNING id, n", "UPDATE t SET s = s || id, n = id * 2 WHERE n IS NOT NULL RETURNING *", "UPDATE t SET n = DEFAULT WHERE id = 1", "UPDATE t SET (s, n) = ('z', 0) WHERE id = 1", "UPDATE t SET (s, n) = (SELECT s, m FROM u WHERE u.id = t.id) WHERE id IN (2, 3)", "UPDATE t SET (s, n) = ROW('z', DEFAULT) WHERE id = 1",
                     "UPDATE t SET (s, n) = (SELECT 'q', 1 WHERE false)", "UPDATE t SET n = (SELECT max(m) FROM u)", "UPDATE t SET n = (SELECT m FROM u WHERE u.id = t.id AND m < 400)", "UPDATE t SET n = (SELECT m FROM u WHERE u.id = 5)", "UPDATE t SET id = id + 10", "UPDATE t SET id = id + 1", "UPDATE t SET id = 1 WHERE id = 2", "UPDATE t SET id = 1 WHERE id = 1", "UPDATE t SET id = NULL WHERE id = 1", "UPDATE t SET id = -id RETURNING id",
                     "UPDATE t SET n = id, id = id + 10 WHERE id = 1 RETURNING *", "UPDATE t SET nope = 1", "UPDATE t SET n = nope", "UPDATE t SET n = 1, n = 2", "UPDATE t SET n = 'x'", "UPDATE t SET n = '5'", "UPDATE t SET n = 5.5", "UPDATE t SET s = 5", "UPDATE t SET n = s", "UPDATE t SET n = 9999999999", "UPDATE nope SET n = 1", "UPDATE t AS x SET n = x.n + 1 WHERE x.id = 1 RETURNING x.n", "UPDATE t x SET n = t.n", "UPDATE t SET t.n = 1",
                     "UPDATE t SET n = 1 WHERE s LIKE 'a%' OR s IS NULL", "UPDATE t SET n = 1 WHERE id = 99 RETURNING *", "UPDATE t SET n = 1 WHERE id IN (SELECT id FROM u) RETURNING id", "UPDATE t SET n = 1 WHERE EXISTS (SELECT 1 FROM u WHERE u.id = t.id AND u.m IS NULL)", "UPDATE t SET n = 1 WHERE NULL", "UPDATE t SET n = 1 / (id - 2)", "UPDATE t SET n = n WHERE id = 1 RETURNING n", "UPDATE t SET n = count(*)", "UPDATE t SET n = row_number() OVER ()",
                     "UPDATE t SET n = u.m FROM u WHERE u.id = t.id", "UPDATE t SET n = u.m FROM u WHERE u.id = t.id RETURNING t.id, u.s, n", "UPDATE t SET n = x.n FROM t x WHERE x.id = t.id + 1", "UPDATE t SET n = v.b FROM (VALUES (1, 100), (2, 200)) v (a, b) WHERE t.id = v.a RETURNING *", "UPDATE t SET n = u.m FROM u", "UPDATE t SET n = u.m FROM u LEFT JOIN (SELECT 2 AS k) k ON k.k = u.id WHERE u.id = t.id AND k.k IS NULL", "UPDATE t SET n = m FROM u WHERE id = 1",
                     "WITH x AS (SELECT id FROM t ORDER BY id DESC LIMIT 2) UPDATE t SET n = 0 WHERE id IN (SELECT id FROM x) RETURNING id", "UPDATE t SET n = CASE WHEN n > 15 THEN n * 2 ELSE 0 END", "UPDATE t SET s = upper(s), n = coalesce(n, -1) RETURNING *", "UPDATE t SET n = n + (SELECT count(*) FROM t)", "UPDATE ONLY t SET n = 0 WHERE id = 1", "UPDATE t SET", "UPDATE t SET n = 1 WHERE", "UPDATE t SET n = 1 ORDER BY id"])


def delete():
    yield from TABLES
    yield from each(["DELETE FROM t", "DELETE FROM t RETURNING *", "DELETE FROM t WHERE id = 2", "DELETE FROM t WHERE id > 2 RETURNING id, s IS NULL", "DELETE FROM t WHERE n IS NULL", "DELETE FROM t WHERE n > 15 OR s = 'a'", "DELETE FROM t WHERE id = 99 RETURNING *", "DELETE FROM t WHERE id IN (SELECT id FROM u) RETURNING id", "DELETE FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.id = t.id)", "DELETE FROM t WHERE n = (SELECT max(n) FROM t)", "DELETE FROM t WHERE (id, s) IN ((1, 'a'), (2, 'x'))",
                     "DELETE FROM t x WHERE x.id = 1 RETURNING x.*", "DELETE FROM t AS x WHERE t.id = 1", "DELETE FROM t WHERE nope = 1", "DELETE FROM nope", "DELETE FROM t WHERE NULL", "DELETE FROM t WHERE 'x'", "DELETE FROM t USING u WHERE u.id = t.id", "DELETE FROM t USING u WHERE u.id = t.id RETURNING t.id, u.m", "DELETE FROM t USING t x WHERE x.id = t.id + 1 RETURNING t.id", "DELETE FROM t USING u, (SELECT 3 AS k) k WHERE u.id = t.id AND k.k = u.id", "WITH x AS (SELECT min(id) AS m FROM t) DELETE FROM t USING x WHERE t.id = x.m RETURNING *",
                     "WITH x AS (SELECT min(id) AS m FROM t) DELETE FROM t WHERE id IN (SELECT m FROM x) RETURNING id", "DELETE FROM t WHERE id = 1 / 0", "DELETE FROM t WHERE count(*) > 1", "DELETE t WHERE id = 1", "DELETE FROM t LIMIT 1", "DELETE FROM ONLY t WHERE id = 4", "TRUNCATE t", "TRUNCATE TABLE ONLY t", "TRUNCATE t, u RESTART IDENTITY CASCADE", "TRUNCATE nope"])


def on_conflict():
    yield "CREATE TABLE t (id int PRIMARY KEY, s text UNIQUE, n int DEFAULT 7)"
    yield "CREATE TABLE u (id int, s text, m int)"
    yield "INSERT INTO u VALUES (1, 'a', 100), (9, 'i', 900)"
    yield from each(["INSERT INTO t VALUES (1, 'z', 0) ON CONFLICT DO NOTHING", "INSERT INTO t VALUES (1, 'z', 0), (5, 'e', 5) ON CONFLICT DO NOTHING RETURNING *", "INSERT INTO t VALUES (5, 'a', 0) ON CONFLICT DO NOTHING RETURNING id", "INSERT INTO t VALUES (1, 'z', 0) ON CONFLICT (id) DO NOTHING", "INSERT INTO t VALUES (5, 'a', 0) ON CONFLICT (id) DO NOTHING", "INSERT INTO t VALUES (5, 'a', 0) ON CONFLICT (s) DO NOTHING", "INSERT INTO t VALUES (1, 'z', 0) ON CONFLICT (n) DO NOTHING",
                     "INSERT INTO t VALUES (1, 'z', 0) ON CONFLICT (nope) DO NOTHING", "INSERT INTO t VALUES (1, 'z', 0) ON CONFLICT ON CONSTRAINT t_pkey DO NOTHING", "INSERT INTO t VALUES (1, 'z', 0) ON CONFLICT ON CONSTRAINT nope DO NOTHING", "INSERT INTO t VALUES (1, 'z', 0) ON CONFLICT (id) DO UPDATE SET n = excluded.n", "INSERT INTO t VALUES (1, 'z', 5) ON CONFLICT (id) DO UPDATE SET n = t.n + excluded.n RETURNING *", "INSERT INTO t VALUES (1, 'z', 5) ON CONFLICT (id) DO UPDATE SET s = excluded.s, n = DEFAULT RETURNING *",
                     "INSERT INTO t VALUES (1, 'z', 5), (5, 'e', 50) ON CONFLICT (id) DO UPDATE SET n = excluded.n RETURNING id, n", "INSERT INTO t VALUES (1, 'z', 5) ON CONFLICT (id) DO UPDATE SET n = excluded.n WHERE t.n > 50 RETURNING *", "INSERT INTO t VALUES (1, 'z', 5) ON CONFLICT (id) DO UPDATE SET n = excluded.n WHERE t.n = 10 RETURNING *", "INSERT INTO t VALUES (5, 'e', 1), (5, 'f', 2) ON CONFLICT (id) DO UPDATE SET n = excluded.n", "INSERT INTO t VALUES (5, 'e', 1), (5, 'f', 2) ON CONFLICT (id) DO NOTHING RETURNING *",
                     "INSERT INTO t VALUES (1, 'b', 5) ON CONFLICT (id) DO UPDATE SET s = excluded.s", "INSERT INTO t VALUES (1, 'z', 5) ON CONFLICT (id) DO UPDATE SET id = 50 RETURNING *", "INSERT INTO t VALUES (1, 'z', 5) ON CONFLICT (id) DO UPDATE SET id = 2", "INSERT INTO t SELECT id, s, m FROM u ON CONFLICT (id) DO UPDATE SET n = excluded.n RETURNING *", "INSERT INTO t AS x VALUES (1, 'z', 5) ON CONFLICT (id) DO UPDATE SET n = x.n * 2 RETURNING x.n", "INSERT INTO t VALUES (1, 'z', 5) ON CONFLICT (id) DO UPDATE SET n = (SELECT max(m) FROM u) RETURNING n",
                     "INSERT INTO t VALUES (1, 'z', 5) ON CONFLICT (id) DO UPDATE SET (s, n) = (excluded.s, excluded.n + 1) RETURNING *", "INSERT INTO t VALUES (1, 'z', 5) ON CONFLICT DO UPDATE SET n = 1", "INSERT INTO t VALUES (1, 'z', 5) ON CONFLICT (id) DO UPDATE SET nope = 1", "INSERT INTO t VALUES (1, 'z', 5) ON CONFLICT (id, s) DO NOTHING", "INSERT INTO t VALUES (NULL, 'z', 5) ON CONFLICT DO NOTHING", "INSERT INTO t VALUES (5, NULL, 5) ON CONFLICT (s) DO UPDATE SET n = 0 RETURNING *", "INSERT INTO t VALUES (4, NULL, 5) ON CONFLICT (s) DO UPDATE SET n = 0",
                     "INSERT INTO t (id, s) VALUES (3, 'c') ON CONFLICT (id) DO UPDATE SET n = coalesce(t.n, 0) + 1 RETURNING n", "INSERT INTO t VALUES (1, 'z', 5) ON CONFLICT (id) DO UPDATE SET n = count(*)", "WITH x AS (SELECT 1 AS id) INSERT INTO t SELECT id, 'w', 1 FROM x ON CONFLICT (id) DO UPDATE SET s = 'hit' RETURNING *", "INSERT INTO t VALUES (1, 'z', 5) ON CONFLICT (id) WHERE id > 0 DO NOTHING", "INSERT INTO t VALUES (1, 'z', 5) ON CONFLICT (lower(s)) DO NOTHING"])


def modifying_with():
    yield from TABLES
    yield from each(["WITH x AS (DELETE FROM t WHERE id < 3 RETURNING *) SELECT * FROM x ORDER BY id", "WITH x AS (INSERT INTO t VALUES (5, 'e', 50) RETURNING id) SELECT id, (SELECT count(*) FROM t) FROM x", "WITH x AS (UPDATE t SET n = 0 WHERE id = 1 RETURNING *) SELECT x.n, t.n FROM x JOIN t USING (id)", "WITH x AS (DELETE FROM t RETURNING id, s, n) INSERT INTO t SELECT id + 100, s, n FROM x RETURNING id", "WITH x AS (DELETE FROM t WHERE id = 1) SELECT 1", "WITH x AS (DELETE FROM t WHERE id = 1) SELECT * FROM x",
                     "WITH x AS (INSERT INTO t VALUES (5, 'e', 5) RETURNING *), y AS (INSERT INTO u SELECT id, s, n FROM x RETURNING *) SELECT count(*) FROM y", "WITH x AS (UPDATE t SET n = 1 RETURNING id), y AS (SELECT max(id) AS m FROM x) SELECT m FROM y", "WITH x AS (INSERT INTO t VALUES (1, 'dup', 1) RETURNING id) SELECT * FROM x", "SELECT * FROM (DELETE FROM t RETURNING id) x", "SELECT * FROM (WITH x AS (DELETE FROM t RETURNING id) SELECT * FROM x) y"])


def merge():
    yield from TABLES
    yield from each(["MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN UPDATE SET n = u.m", "MERGE INTO t USING (SELECT * FROM u WHERE m <> 501) u ON t.id = u.id WHEN MATCHED THEN UPDATE SET n = u.m WHEN NOT MATCHED AND u.id IS NOT NULL THEN INSERT VALUES (u.id, u.s, u.m)", "MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE", "MERGE INTO t USING u ON t.id = u.id WHEN MATCHED AND u.m IS NULL THEN DELETE WHEN MATCHED THEN DO NOTHING",
                     "MERGE INTO t USING u ON t.id = u.id WHEN NOT MATCHED THEN INSERT (id, s) VALUES (u.id, u.s)", "MERGE INTO t AS x USING (VALUES (1, 5), (9, 6)) v (id, m) ON x.id = v.id WHEN MATCHED THEN UPDATE SET n = x.n + v.m WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'new', DEFAULT)", "MERGE INTO t USING (VALUES (1), (1)) v (id) ON t.id = v.id WHEN MATCHED THEN UPDATE SET n = 0", "MERGE INTO t USING t x ON t.id = x.id + 1 WHEN MATCHED THEN UPDATE SET n = x.n",
                     "MERGE INTO t USING u ON true WHEN MATCHED THEN DO NOTHING", "MERGE INTO t USING u ON t.id = u.id WHEN NOT MATCHED AND u.m = 500 THEN INSERT DEFAULT VALUES", "MERGE INTO nope USING u ON true WHEN MATCHED THEN DELETE", "MERGE INTO t USING u ON t.id = u.id", "MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN UPDATE SET nope = 1", "MERGE INTO t USING u ON t.id = u.id WHEN NOT MATCHED THEN UPDATE SET n = 1", "MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN INSERT VALUES (1)",
                     "WITH x AS (SELECT 1 AS id) MERGE INTO t USING x ON t.id = x.id WHEN MATCHED THEN UPDATE SET s = 'merged'"])


def transactions():
    yield from TABLES
    yield from FRESH
    for statement in ["BEGIN", "DELETE FROM t", "SELECT count(*) FROM t", "ROLLBACK", "SELECT count(*) FROM t", "BEGIN", "INSERT INTO t VALUES (5, 'e', 5)", "SAVEPOINT a", "INSERT INTO t VALUES (5, 'f', 6)", "SELECT 1", "ROLLBACK TO a", "SELECT count(*) FROM t", "INSERT INTO t VALUES (6, 'f', 6)", "RELEASE a", "ROLLBACK TO a", "COMMIT", "SELECT count(*) FROM t",
                      "START TRANSACTION", "UPDATE t SET n = 0 WHERE id = 1", "SAVEPOINT a", "UPDATE t SET n = 1 WHERE id = 1", "SAVEPOINT b", "DELETE FROM t WHERE id = 1", "ROLLBACK TO SAVEPOINT a", "SELECT n FROM t WHERE id = 1", "ROLLBACK TO b", "END", "SELECT n FROM t WHERE id = 1", "BEGIN READ ONLY", "INSERT INTO t VALUES (7, 'g', 7)", "COMMIT", "BEGIN", "CREATE TABLE w (a int)", "INSERT INTO w VALUES (1)", "SELECT * FROM w", "ROLLBACK", "SELECT * FROM w",
                      "COMMIT", "ROLLBACK", "SAVEPOINT x", "RELEASE x", "BEGIN", "BEGIN", "ABORT", "BEGIN ISOLATION LEVEL SERIALIZABLE", "SHOW transaction_isolation", "COMMIT AND CHAIN", "SHOW transaction_isolation", "ROLLBACK AND NO CHAIN", "SHOW transaction_isolation", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "BEGIN", "SELECT 1", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "ROLLBACK", "BEGIN; SELECT 1; COMMIT", SEE]:
        yield statement


def prepared():
    yield from TABLES
    yield from FRESH
    for statement in ["PREPARE p AS SELECT id FROM t WHERE n > $1 ORDER BY id", "EXECUTE p (15)", "EXECUTE p ('15')", "EXECUTE p", "EXECUTE p (1, 2)", "EXECUTE p ('x')", "EXECUTE p (NULL)", "EXECUTE p (10 + 5)", "PREPARE p AS SELECT 1", "PREPARE q (int, text) AS INSERT INTO t VALUES ($1, $2) RETURNING *", "EXECUTE q (5, 'five')", "EXECUTE q (5, 'again')", "PREPARE r (text) AS SELECT $1 || 'x', pg_typeof($1)", "EXECUTE r ('a')", "EXECUTE r (1)", "PREPARE s AS SELECT $1",
                      "PREPARE s2 AS SELECT $1 + 1, $2 || 'a'", "EXECUTE s2 (1, 'b')", "PREPARE s3 AS SELECT $2::int", "PREPARE s4 AS UPDATE t SET n = $1 WHERE id = $2 RETURNING n", "EXECUTE s4 (99, 1)", "DEALLOCATE s4", "EXECUTE s4 (99, 1)", "DEALLOCATE nope", "PREPARE s5 AS SELECT count(*) FROM t WHERE id IN ($1, $2)", "EXECUTE s5 (1, 2)", "PREPARE s6 AS SELECT id FROM t ORDER BY id LIMIT $1 OFFSET $2", "EXECUTE s6 (2, 1)", "PREPARE s7 AS VALUES ($1::date, $2::interval)", "EXECUTE s7 ('2024-01-01', '1 day')", "DEALLOCATE ALL", "EXECUTE p (1)"]:
        yield statement


def cursors():
    yield from TABLES
    yield from FRESH
    for statement in ["DECLARE c CURSOR FOR SELECT 1", "BEGIN", "DECLARE c CURSOR FOR SELECT id FROM t ORDER BY id", "FETCH c", "FETCH 2 FROM c", "FETCH ALL FROM c", "FETCH c", "CLOSE c", "FETCH c", "ROLLBACK", "BEGIN", "DECLARE c SCROLL CURSOR FOR SELECT id FROM t ORDER BY id", "FETCH LAST FROM c", "FETCH PRIOR FROM c", "FETCH FIRST FROM c", "FETCH ABSOLUTE 3 FROM c", "FETCH RELATIVE -1 FROM c", "FETCH BACKWARD ALL FROM c", "MOVE 2 FROM c", "FETCH FORWARD 1 FROM c", "COMMIT",
                      "DECLARE h CURSOR WITH HOLD FOR SELECT id FROM t ORDER BY id", "FETCH 2 FROM h", "CLOSE h", "CLOSE nope", "BEGIN", "DECLARE c CURSOR FOR SELECT * FROM t WHERE id < 3 FOR UPDATE", "FETCH c", "UPDATE t SET n = 1000 WHERE CURRENT OF c RETURNING id, n", "DELETE FROM t WHERE CURRENT OF c", "COMMIT", SEE]:
        yield statement


def files():
    return {
        "changes/insert/insert.slt": list(insert()),
        "changes/update/update.slt": list(update()),
        "changes/delete/delete.slt": list(delete()),
        "changes/on_conflict/on_conflict.slt": list(on_conflict()),
        "changes/modifying_with/modifying_with.slt": list(modifying_with()),
        "changes/merge/merge.slt": list(merge()),
        "changes/transactions/transactions.slt": list(transactions()),
        "changes/prepared/prepared.slt": list(prepared()),
        "changes/cursors/cursors.slt": list(cursors()),
    }
