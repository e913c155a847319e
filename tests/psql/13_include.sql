-- Columns that indexes include beside their key.
CREATE TABLE inc (id int PRIMARY KEY, a int, b text, n numeric, f float8, c char(4));
INSERT INTO inc SELECT g, g % 5, 'b' || g, g / 4.0, g / 8.0, 'c' || g FROM generate_series(1, 40) AS g;
CREATE INDEX inc_a ON inc (a) INCLUDE (b, n, f, c);
SELECT id, b, n, f, c FROM inc WHERE a = 3 ORDER BY id;
SELECT sum(n), max(b) FROM inc WHERE a > 3;
UPDATE inc SET b = 'new', n = 1.500 WHERE id = 8;
UPDATE inc SET f = '-0', c = NULL WHERE id = 13;
UPDATE inc SET a = 3, b = NULL WHERE id = 14;
DELETE FROM inc WHERE id = 18;
SELECT id, b, n, f, c FROM inc WHERE a = 3 ORDER BY id;
-- Changed and taken back.
BEGIN;
UPDATE inc SET n = n + 1 WHERE a = 3;
SELECT id, n FROM inc WHERE a = 3 ORDER BY id;
SAVEPOINT s;
UPDATE inc SET n = 0 WHERE a = 3;
ROLLBACK TO s;
INSERT INTO inc VALUES (100, 3, 'own', 7, 7, 'own');
SELECT id, n FROM inc WHERE a = 3 ORDER BY id;
ROLLBACK;
SELECT id, n FROM inc WHERE a = 3 ORDER BY id;
-- Included columns are not what has to be unique.
CREATE UNIQUE INDEX inc_id_a ON inc (id, a) INCLUDE (b);
UPDATE inc SET b = 'same';
INSERT INTO inc VALUES (1, 1, 'other');
CREATE TABLE inc_u (a int, b text, c int, UNIQUE (a) INCLUDE (b));
INSERT INTO inc_u VALUES (1, 'x', 1), (2, 'x', 2), (NULL, 'y', 3), (NULL, 'y', 4);
INSERT INTO inc_u VALUES (1, 'z', 5);
UPDATE inc_u SET a = 2 WHERE a = 1;
UPDATE inc_u SET b = 'z' WHERE a = 1;
INSERT INTO inc_u VALUES (1, 'z', 5);
SELECT a, b FROM inc_u WHERE a = 1;
SELECT * FROM inc_u ORDER BY c;
COPY inc_u FROM stdin;
10	j	10
11	\N	11
12	l	12
\.
COPY inc_u FROM stdin;
13	j	13
11	j	14
\.
SELECT a, b FROM inc_u WHERE a > 9 ORDER BY a;
CREATE UNIQUE INDEX inc_u_b ON inc_u (b) INCLUDE (a);
-- Constraints.
CREATE TABLE inc_p (a int, b text, c int, PRIMARY KEY (a) INCLUDE (b));
INSERT INTO inc_p VALUES (1, NULL, 1);
INSERT INTO inc_p VALUES (1, 'x', 1);
ALTER TABLE inc_p ADD CONSTRAINT inc_p_c UNIQUE (c) INCLUDE (a, b);
INSERT INTO inc_p VALUES (2, 'x', 1);
ALTER TABLE inc_p ADD UNIQUE (b) INCLUDE (c, c);
INSERT INTO inc_p VALUES (2, 'x', 2), (3, 'x', 3);
DROP INDEX inc_p_b_c_c1_key;
CREATE TABLE inc_q (a int, b text);
INSERT INTO inc_q VALUES (1, 'x'), (2, NULL);
ALTER TABLE inc_q ADD PRIMARY KEY (a) INCLUDE (b);
INSERT INTO inc_q VALUES (1, 'y');
INSERT INTO inc_q VALUES (NULL, 'y');
SELECT * FROM inc_q ORDER BY a;
CREATE TABLE "Inc" (a int, "B" int, b int, UNIQUE (a) INCLUDE ("B", b), UNIQUE (b) include(A));
INSERT INTO "Inc" VALUES (1, 2, 3);
INSERT INTO "Inc" VALUES (1, 2, 4);
INSERT INTO "Inc" VALUES (2, 2, 3);
-- Names.
CREATE INDEX ON inc (a) INCLUDE (b);
CREATE INDEX ON inc (a) INCLUDE (b);
CREATE INDEX ON inc (a, a) INCLUDE (a, b, b);
DROP INDEX inc_a_b_idx;
DROP INDEX inc_a_b_idx1;
DROP INDEX inc_a_a1_a2_b_b1_idx;
-- What cannot be included.
CREATE INDEX ON inc (a) INCLUDE (nothing);
CREATE INDEX ON inc (a) INCLUDE ("A");
CREATE INDEX ON inc (nothing) INCLUDE (nobody);
CREATE INDEX ON inc (a) INCLUDE (lower(b));
CREATE INDEX ON inc (a) INCLUDE (b, (a + 1));
CREATE INDEX ON inc (a) INCLUDE (a + 1);
CREATE INDEX ON inc (a) INCLUDE (b DESC);
CREATE INDEX ON inc (a) INCLUDE (b NULLS FIRST);
CREATE INDEX ON inc (a) INCLUDE (b text_ops);
CREATE INDEX ON inc (a) INCLUDE (b COLLATE "C");
CREATE INDEX ON inc (a) INCLUDE ();
CREATE INDEX ON inc INCLUDE (b);
CREATE INDEX ON inc (a) INCLUDE (b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b);
CREATE TABLE inc_bad (a int, b int, UNIQUE (a) INCLUDE (nothing));
CREATE TABLE inc_bad (a int, b int, PRIMARY KEY (a) INCLUDE (b DESC));
CREATE TABLE inc_bad (a int, b int, PRIMARY KEY (a) INCLUDE ((b)));
CREATE TABLE inc_bad (a int PRIMARY KEY INCLUDE (b), b int);
ALTER TABLE inc_q ADD UNIQUE (b) INCLUDE (nothing);
ALTER TABLE inc_q ADD UNIQUE (b) INCLUDE ();
DROP TABLE inc, inc_u, inc_p, inc_q, "Inc";
