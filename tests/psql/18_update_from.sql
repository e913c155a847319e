-- 18 update from: UPDATE ... FROM, DELETE ... USING, rows assigned to several columns, DEFAULT, ONLY; what RETURNING sees
SET timezone = 'UTC';
SET client_min_messages = warning;
DROP TABLE IF EXISTS t, s, u, plain, numbered, wide, made;
RESET client_min_messages;
CREATE TABLE t (id int PRIMARY KEY, a int, b text DEFAULT 'dflt', c numeric(6,2));
CREATE TABLE s (id int PRIMARY KEY, x int, y text);
CREATE TABLE u (sid int, z int);
CREATE TABLE plain (k int, v text);
CREATE INDEX t_a ON t (a);
INSERT INTO t VALUES (1, 10, 'a', 1), (2, 20, 'b', 2), (3, 30, 'c', 3), (4, 40, 'd', 4);
INSERT INTO s VALUES (1, 100, 'A'), (2, 200, 'B'), (9, 900, 'I');
INSERT INTO u VALUES (1, 7), (1, 7), (2, 8), (9, 9);
INSERT INTO plain VALUES (1, 'x'), (1, 'y'), (2, 'z');

-- joins
UPDATE t SET a = s.x FROM s WHERE s.id = t.id;
UPDATE t SET a = t.a + s.x, b = y FROM s WHERE s.id = t.id AND s.x < 200 RETURNING *;
UPDATE t SET a = a + 1 FROM s WHERE s.id = t.id AND t.id = 2 RETURNING s.*, t.a, a + x AS both, t.id;
UPDATE t AS q SET a = r.x FROM s AS r WHERE r.id = q.id AND q.id = 1 RETURNING q.*, r.y;
UPDATE t SET a = s.x FROM s WHERE s.id = t.id AND s.id = 777 RETURNING *;
UPDATE t SET a = 0 FROM s;
SELECT id, a FROM t ORDER BY id;
UPDATE t SET a = s.x + u.z FROM s, u WHERE s.id = t.id AND u.sid = s.id AND s.id = 2 RETURNING t.id, a, x, z;
UPDATE t SET a = s.x + u.z FROM s JOIN u ON u.sid = s.id WHERE t.id = s.id;
UPDATE t SET b = coalesce(s.y, 'none') FROM t AS self LEFT JOIN s ON s.id = self.id WHERE self.id = t.id;
UPDATE t SET b = s.y || '!' FROM s NATURAL JOIN (SELECT 1 AS id) q WHERE t.id = s.id RETURNING *;
UPDATE t SET b = q.most FROM (SELECT sid, max(z)::text AS most FROM u GROUP BY sid) q WHERE q.sid = t.id;
UPDATE t SET b = v.column2 FROM (VALUES (3, 'three'), (4, 'four')) v WHERE v.column1 = t.id;
UPDATE t SET b = v.name FROM (VALUES (3, 'III'), (4, 'IV')) v (n, name) WHERE v.n = t.id;
UPDATE t SET a = g FROM generate_series(3, 4) g WHERE g = t.id;
SELECT * FROM t ORDER BY id;

-- one row that joins with several is changed once
UPDATE t SET a = a + 1 FROM u WHERE u.sid = t.id AND t.id = 1 RETURNING t.a, z;
UPDATE t SET a = 1 FROM plain WHERE k = 1;
SELECT id, a FROM t ORDER BY id;
UPDATE t SET a = t.a + other.a FROM t other WHERE other.id = t.id + 1;
SELECT id, a FROM t ORDER BY id;
UPDATE plain SET v = plain.v || s.y FROM s WHERE s.id = plain.k;
SELECT * FROM plain ORDER BY k, v;

-- keys that change
UPDATE t SET id = t.id + s.x FROM s WHERE s.id = t.id AND s.id = 1 RETURNING t.id, s.id;
UPDATE t SET id = 1 FROM s WHERE t.id = 101 AND s.id = 1 RETURNING t.id, s.id;
UPDATE t SET id = s.id FROM s WHERE t.id = 3 AND s.id = 2;
UPDATE t SET id = t.id + 10 FROM u WHERE u.sid = t.id;
SELECT id, a FROM t ORDER BY id;
UPDATE t SET id = t.id - 10 FROM u WHERE u.sid + 10 = t.id;

-- conditions, subqueries
UPDATE t SET a = 5 FROM s WHERE s.id = t.id AND EXISTS (SELECT 1 FROM u WHERE u.sid = s.id AND u.z = 8);
UPDATE t SET a = (SELECT sum(z) FROM u WHERE u.sid = s.id) FROM s WHERE s.id = t.id;
UPDATE t SET b = (SELECT y FROM s WHERE s.id = t.id) WHERE id IN (SELECT sid FROM u);
UPDATE t SET a = x FROM s WHERE s.id = t.id AND t.id = 2 RETURNING (SELECT count(*) FROM u WHERE u.sid = t.id AND u.z < s.x) AS n, (SELECT max(a) FROM t) AS before;
SELECT * FROM t ORDER BY id;

-- several columns from a row
UPDATE t SET (a, b) = (1, 'one') WHERE id = 1 RETURNING a, b;
UPDATE t SET (b, a) = ('uno', 11) WHERE id = 1 RETURNING a, b;
UPDATE t SET (a, b) = ROW (2, DEFAULT) WHERE id = 1 RETURNING a, b;
UPDATE t SET (a, b) = (DEFAULT, DEFAULT) WHERE id = 1 RETURNING a, b;
UPDATE t SET (a) = ROW (3) WHERE id = 1 RETURNING a;
UPDATE t SET (a) = (SELECT 4) WHERE id = 1 RETURNING a;
UPDATE t SET (a, b) = (SELECT x, y FROM s WHERE s.id = t.id);
SELECT id, a, b FROM t ORDER BY id;
UPDATE t SET (a, b) = (SELECT x, y FROM s WHERE s.id = t.id), c = c + 1 WHERE id = 2 RETURNING *;
UPDATE t SET c = 9, (a, b) = (SELECT count(*), 'n' || min(z) FROM u) WHERE id = 3 RETURNING *;
UPDATE t SET (a, b) = (SELECT x + u.z, y FROM s WHERE s.id = t.id) FROM u WHERE u.sid = t.id AND t.id = 2 RETURNING a, b, z;
UPDATE t SET (a, c) = (SELECT 1, 2.345), b = 'x' WHERE id = 3 RETURNING a, b, c;
UPDATE t SET a = DEFAULT, b = DEFAULT WHERE id = 4 RETURNING a, b;

-- DELETE ... USING
DELETE FROM t USING s WHERE s.id = t.id AND s.id = 1 RETURNING *;
DELETE FROM t USING s WHERE s.id = t.id AND s.id = 1 RETURNING *;
DELETE FROM t AS q USING u WHERE u.sid = q.id AND q.id = 2 RETURNING q.b, u.*;
DELETE FROM t USING t other WHERE t.id = other.id - 1 RETURNING t.id, other.id;
DELETE FROM plain USING u WHERE u.sid = plain.k AND plain.k = 1;
DELETE FROM plain USING s, u WHERE u.sid = plain.k AND s.id = u.sid;
DELETE FROM plain USING s JOIN u ON u.sid = s.id WHERE plain.k = s.id;
SELECT count(*) FROM plain;
DELETE FROM t USING (SELECT 4 AS id) q WHERE q.id = t.id RETURNING (SELECT count(*) FROM s) AS n, q.id;
SELECT * FROM t ORDER BY id;

-- ONLY: no table has children
INSERT INTO t (id, a) VALUES (1, 1), (2, 2), (3, 3);
UPDATE ONLY t SET a = 5 WHERE id = 1 RETURNING a;
UPDATE ONLY (t) SET a = 6 WHERE id = 1 RETURNING a;
UPDATE ONLY t AS q SET a = q.a + 1 WHERE q.id = 1 RETURNING q.a;
DELETE FROM ONLY t WHERE id = 1 RETURNING a;
DELETE FROM ONLY (t) WHERE id = 2 RETURNING a;
SELECT a FROM ONLY t WHERE id = 3;
SELECT t.a FROM s, ONLY t WHERE s.id = 1 AND t.id = 3;
UPDATE t SET a = s.x FROM ONLY s WHERE s.id = 1 AND t.id = 3 RETURNING a;
DELETE FROM t USING ONLY s WHERE s.id = t.id;
TRUNCATE ONLY u, plain;
SELECT count(*) FROM u;

-- errors
UPDATE t SET a = 1 FROM t;
UPDATE t SET a = 1 FROM s, s;
UPDATE t SET a = 1 FROM s q, u q;
UPDATE t SET a = 1 FROM s JOIN t ON s.id = t.id;
UPDATE t SET a = 1 FROM nosuch;
UPDATE t SET a = s.nosuch FROM s;
UPDATE t SET s.x = 1 FROM s;
UPDATE t SET x = 1 FROM s;
UPDATE t SET a = id FROM s;
UPDATE t SET a = 1 FROM s WHERE id = 1;
UPDATE t SET a = 1 FROM s WHERE x;
UPDATE t SET a = y FROM s WHERE s.id = t.id;
UPDATE t SET a = 1 FROM (SELECT * FROM s WHERE s.id = t.id) q;
UPDATE t SET a = 1 FROM (SELECT * FROM s WHERE x = a) q;
UPDATE t SET a = 1 FROM s JOIN u ON u.sid = t.id;
UPDATE t q SET a = t.a + 1 FROM s;
UPDATE t SET a = max(x) FROM s;
UPDATE t SET a = 1 FROM s WHERE max(x) = 1;
UPDATE t SET a = 1 FROM s RETURNING nosuch.*;
UPDATE t SET a = 1 FROM s RETURNING id;
UPDATE t SET (a, b) = (1, 2, 3);
UPDATE t SET (a, b) = ROW (1);
UPDATE t SET (a, b) = 5;
UPDATE t SET (a, b) = (5);
UPDATE t SET (a, a) = (5, 6);
UPDATE t SET a = 1, (a, b) = (5, 6);
UPDATE t SET (a, nosuch) = (5, 6);
UPDATE t SET (a, b) = (SELECT 1);
UPDATE t SET (a, b) = (SELECT 1, 2, 3);
UPDATE t SET (a, b) = (SELECT 'x', 'y');
UPDATE t SET (a, b) = (SELECT x, y FROM s);
UPDATE t SET (a, b) = (SELECT x FROM s WHERE s.id = t.id);
DELETE FROM t USING t;
DELETE FROM t USING s WHERE nosuch = 1;
DELETE FROM t USING s WHERE id = 1;
DELETE FROM t USING nosuch;
DELETE FROM t USING (SELECT * FROM s WHERE s.id = t.id) q;
DELETE FROM t USING s RETURNING s.nosuch;
BEGIN READ ONLY;
UPDATE t SET a = 1 FROM s WHERE s.id = t.id;
ROLLBACK;
BEGIN READ ONLY;
DELETE FROM t USING s WHERE s.id = t.id;
ROLLBACK;

-- identity columns
CREATE TABLE numbered (id int GENERATED ALWAYS AS IDENTITY, v text);
INSERT INTO numbered (v) VALUES ('a'), ('b');
UPDATE numbered SET id = s.x FROM s;
UPDATE numbered SET (id, v) = (DEFAULT, 'c') WHERE v = 'a' RETURNING *;
UPDATE numbered SET (id, v) = (SELECT 1, 'x');
SELECT * FROM numbered ORDER BY id;

-- many rows
CREATE TABLE wide (id int PRIMARY KEY, n int, note text);
INSERT INTO wide SELECT g, g % 10, 'x' FROM generate_series(1, 5000) g;
UPDATE wide SET n = wide.n + 100 FROM generate_series(1, 5000, 2) g WHERE g = wide.id;
SELECT count(*), sum(n) FROM wide;
UPDATE wide SET n = other.n FROM wide other WHERE other.id = wide.id + 1;
SELECT count(*), sum(n), min(n), max(n) FROM wide;
DELETE FROM wide USING wide other WHERE other.id = wide.id + 1 AND other.n > 100;
SELECT count(*), sum(n) FROM wide;
UPDATE wide SET id = wide.id + 10000 FROM (SELECT id FROM wide WHERE id % 2 = 1) q WHERE q.id = wide.id;
SELECT count(*), min(id), max(id) FROM wide;

-- prepared
PREPARE move (int, text) AS UPDATE t SET b = $2 || s.y FROM s WHERE s.id = $1 AND t.id = 3 RETURNING t.b, s.x;
EXECUTE move (1, 'p');
EXECUTE move (2, 'q');
DEALLOCATE move;

-- LATERAL in FROM sees the items beside it, and not the table
UPDATE t SET a = l.n FROM s, LATERAL (SELECT count(*) AS n FROM u WHERE u.sid = s.id) l WHERE s.id = t.id AND t.id = 1 RETURNING t.id, a, n;
DELETE FROM t USING s, LATERAL (SELECT s.id + 100 AS n) l WHERE t.id = l.n RETURNING *;
UPDATE t SET a = l.n FROM LATERAL (SELECT t.id AS n) l;
UPDATE t SET a = l.n FROM s, LATERAL (SELECT c AS n) l;
UPDATE t AS k SET a = l.n FROM s, LATERAL (SELECT k.id AS n) l;
UPDATE t SET a = l.n FROM (SELECT t.id AS n) l;
UPDATE t SET a = l.n FROM (SELECT ids AS n) l;
UPDATE t SET a = n FROM generate_series(1, t.id) n;

-- IS DISTINCT FROM binds tighter than AND
UPDATE t SET a = v.x FROM (VALUES (1, 77)) v (id, x) WHERE v.id = t.id AND t.a IS DISTINCT FROM v.x AND t.id = 1 RETURNING t.id, a;
UPDATE t SET a = v.x FROM (VALUES (1, 77)) v (id, x) WHERE v.id = t.id AND t.a IS DISTINCT FROM v.x AND t.id = 1 RETURNING t.id, a;
SELECT true IS DISTINCT FROM false AND false AS a, true IS NOT DISTINCT FROM true OR false AS b, 1 IS DISTINCT FROM 1 + 1 AS c, 2 IS NOT DISTINCT FROM 1 + 1 AND 1 = 2 AS d;

DROP TABLE t, s, u, plain, numbered, wide;
