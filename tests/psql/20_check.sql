-- 20 check: NOT NULL, CHECK and generated columns
SET timezone = 'UTC';
SET client_min_messages = warning;
DROP TABLE IF EXISTS k1, k2, k3, k4, k5, k6, k7, k8, k9, g1, g2, g3, g4, g5, g6;
RESET client_min_messages;

-- conditions of columns and of the table
CREATE TABLE k1 (a int CHECK (a > 0), b int CHECK (b > a), c int, CHECK (c <> 5), CHECK (a + c > 0), CONSTRAINT named CHECK (c < 100));
INSERT INTO k1 VALUES (0, 1, 1);
INSERT INTO k1 VALUES (1, 1, 1);
INSERT INTO k1 VALUES (1, 2, 5);
INSERT INTO k1 VALUES (1, 2, -1);
INSERT INTO k1 VALUES (1, 2, 500);
INSERT INTO k1 VALUES (1, NULL, NULL);
INSERT INTO k1 VALUES (NULL, NULL, NULL);
INSERT INTO k1 (b) VALUES (7);
INSERT INTO k1 SELECT 1, 2, 5;
UPDATE k1 SET c = 5;
UPDATE k1 SET a = 9 WHERE b = 7;
UPDATE k1 SET a = -1 WHERE a IS NULL RETURNING *;
SELECT * FROM k1 ORDER BY a, b, c;

-- by their names, in their order
CREATE TABLE k2 (a int CONSTRAINT zz CHECK (a > 0), b int CONSTRAINT aa CHECK (b > 0), CONSTRAINT mm CHECK (a + b > 0));
INSERT INTO k2 VALUES (-1, -1);
INSERT INTO k2 VALUES (-1, 1);
INSERT INTO k2 VALUES (-1, 5);
INSERT INTO k2 VALUES (1, 1);
DROP TABLE k2;

-- what may stand there
CREATE TABLE k2 (a int, CHECK (a > (SELECT 1)));
CREATE TABLE k2 (a int, CHECK (EXISTS (SELECT 1)));
CREATE TABLE k2 (a int, CHECK (a IN (SELECT 1)));
CREATE TABLE k2 (a int, CHECK (sum(a) > 1));
CREATE TABLE k2 (a int, CHECK (row_number() OVER () > 1));
CREATE TABLE k2 (a int, CHECK (a));
CREATE TABLE k2 (a int, CHECK (x > 1));
CREATE TABLE k2 (a int, CHECK (k2.a > 1), CHECK (other.a > 1));
CREATE TABLE k2 (a int, CHECK (a > $1));
CREATE TABLE k2 (a int, CHECK (a > 'x'));
CREATE TABLE k2 (a int, CHECK (a || 'x'));
CREATE TABLE k2 (a int, CHECK (nosuch(a)));
CREATE TABLE k2 (a int, CHECK a > 1);
CREATE TABLE k2 (a int CHECK (a > 1) DEFERRABLE);
CREATE TABLE k2 (a int, CHECK (a > 1) DEFERRABLE);
CREATE TABLE k2 (a int, CHECK (a > 1) INITIALLY DEFERRED);
CREATE TABLE k2 (a int CONSTRAINT c1 CHECK (a > 1), CONSTRAINT c1 CHECK (a > 2));
CREATE TABLE k2 (a int CONSTRAINT c1 UNIQUE, CONSTRAINT c1 CHECK (a > 2));
CREATE TABLE k2 (a int CONSTRAINT CHECK (a > 1));
CREATE TABLE k2 (a int CONSTRAINT c1);
CREATE TABLE k2 (a int DEFERRABLE);
CREATE TABLE k2 (a int INITIALLY DEFERRED);

-- forms
CREATE TABLE k2 (a int CHECK (a > 1) NO INHERIT, b int CHECK (b > 1) CHECK (b < 10) NOT NULL, CHECK (a < 100) NO INHERIT, CHECK (b <> 5) NOT VALID);
INSERT INTO k2 VALUES (0, 2);
INSERT INTO k2 VALUES (2, 1);
INSERT INTO k2 VALUES (2, 10);
INSERT INTO k2 VALUES (2, 5);
INSERT INTO k2 VALUES (100, 2);
INSERT INTO k2 VALUES (2, NULL);
INSERT INTO k2 VALUES (2, 2);
CREATE TABLE k3 ("Mixed Col" int CHECK ("Mixed Col" > 0), "select" text CHECK ("select" <> ''));
INSERT INTO k3 VALUES (0, 'x');
INSERT INTO k3 VALUES (1, '');
INSERT INTO k3 VALUES (1, 'x');

-- types and functions
CREATE TABLE k4 (a int, b varchar(3) CHECK (b = 'abc' OR b IS NULL), d date CHECK (d > '2020-01-01'), t text CHECK (t LIKE 'a%'), n numeric(5, 2) CHECK (n BETWEEN 1 AND 2), f boolean CHECK (f IS NOT FALSE), s timestamp CHECK (extract(year FROM s) = 2024), l text CHECK (length(trim(l)) > 2 AND upper(l) NOT IN ('XXX', 'YYY')), c text CHECK (CASE WHEN c = 'x' THEN false ELSE true END));
INSERT INTO k4 VALUES (1, 'abd');
INSERT INTO k4 VALUES (1, 'abc', '2019-01-01');
INSERT INTO k4 VALUES (1, 'abc', '2021-01-01', 'b');
INSERT INTO k4 VALUES (1, 'abc', '2021-01-01', repeat('b', 100), 3);
INSERT INTO k4 VALUES (1, 'abc', '2021-01-01', repeat('a', 100), 3);
INSERT INTO k4 (f) VALUES (false);
INSERT INTO k4 (s) VALUES ('2023-01-01');
INSERT INTO k4 (s) VALUES ('2024-02-29 12:00');
INSERT INTO k4 (l) VALUES ('  x  ');
INSERT INTO k4 (l) VALUES ('yyy');
INSERT INTO k4 (l) VALUES ('zzz');
INSERT INTO k4 (c) VALUES ('x');
INSERT INTO k4 (c) VALUES ('y');
SELECT s, l, c FROM k4 ORDER BY s, l, c;

-- an error in the condition
CREATE TABLE k5 (id int PRIMARY KEY, a int CHECK (10 / a > 1));
INSERT INTO k5 VALUES (1, 0);
INSERT INTO k5 VALUES (1, 3), (2, 20);
INSERT INTO k5 VALUES (1, 3);
UPDATE k5 SET a = 0;

-- several rows: the first one with something wrong
CREATE TABLE k6 (id int PRIMARY KEY, v int NOT NULL CHECK (v > 0));
INSERT INTO k6 VALUES (1, 1);
INSERT INTO k6 VALUES (2, 2), (1, 5), (3, -1);
INSERT INTO k6 VALUES (2, 2), (3, -1), (1, 5);
INSERT INTO k6 VALUES (2, 2), (3, NULL), (1, 5);
INSERT INTO k6 VALUES (2, NULL), (3, -1);
SELECT * FROM k6 ORDER BY id;

-- in a transaction, with savepoints
BEGIN;
INSERT INTO k6 VALUES (10, 10);
SAVEPOINT s;
INSERT INTO k6 VALUES (11, -1);
ROLLBACK TO s;
INSERT INTO k6 VALUES (12, 12);
COMMIT;
SELECT * FROM k6 ORDER BY id;

-- prepared
PREPARE p6 AS INSERT INTO k6 VALUES ($1, $2);
EXECUTE p6 (20, 20);
EXECUTE p6 (21, -1);
EXECUTE p6 (22, NULL);
DEALLOCATE p6;

-- COPY
COPY k6 FROM STDIN;
30	30
31	-31
\.
COPY k6 FROM STDIN;
30	30
31	\N
\.
COPY k6 (id) FROM STDIN;
32
\.
COPY k6 FROM STDIN;
33	33
\.
SELECT * FROM k6 WHERE id >= 30;

-- defaults
CREATE TABLE k7 (a int DEFAULT (SELECT 1));
CREATE TABLE k7 (a int DEFAULT sum(1));
CREATE TABLE k7 (a int DEFAULT 1 + b, b int);
CREATE TABLE k7 (a bool DEFAULT 1 IN (1, 2));
CREATE TABLE k7 (a bool DEFAULT (1 IN (1, 2)), b bool DEFAULT 1 < 2 NOT NULL, c int DEFAULT - 5 NULL, d text DEFAULT 'x' || 'y' CHECK (d <> 'z'), e int DEFAULT NULL, f date DEFAULT '2024-01-01'::date, g int CHECK (g > 5) DEFAULT 1);
INSERT INTO k7 (g) VALUES (6) RETURNING *;
INSERT INTO k7 DEFAULT VALUES;
INSERT INTO k7 (g, d) VALUES (7, 'z');

-- generated columns
CREATE TABLE g1 (a int, b int GENERATED ALWAYS AS (a * 2) STORED);
INSERT INTO g1 VALUES (1);
INSERT INTO g1 VALUES (1, DEFAULT), (2, DEFAULT);
INSERT INTO g1 (a) VALUES (3) RETURNING *;
INSERT INTO g1 VALUES (1, 5);
INSERT INTO g1 (a, b) VALUES (1, 5);
INSERT INTO g1 (a, b) SELECT 1, 2;
INSERT INTO g1 VALUES (1, DEFAULT), (2, 6);
INSERT INTO g1 (a, b) VALUES (4, DEFAULT);
UPDATE g1 SET b = 5;
UPDATE g1 SET b = DEFAULT WHERE a = 1;
UPDATE g1 SET a = a + 10 WHERE a > 1 RETURNING *;
UPDATE g1 SET a = NULL WHERE a = 12 RETURNING *;
UPDATE g1 SET (a, b) = (5, DEFAULT) WHERE a = 13 RETURNING *;
SELECT * FROM g1 ORDER BY a, b;
INSERT INTO g1 VALUES (2000000000);
DELETE FROM g1 WHERE b = 10 RETURNING *;

-- what may stand there
CREATE TABLE g2 (a int, b int GENERATED ALWAYS AS (a * 2) STORED DEFAULT 5);
CREATE TABLE g2 (a int, b int DEFAULT 5 GENERATED ALWAYS AS (a * 2) STORED);
CREATE TABLE g2 (a int, b int GENERATED ALWAYS AS (a * 2) STORED GENERATED ALWAYS AS (a * 3) STORED);
CREATE TABLE g2 (a int, b int GENERATED ALWAYS AS (a * 2) STORED, c int GENERATED ALWAYS AS (b) STORED);
CREATE TABLE g2 (a int, b int GENERATED ALWAYS AS (b * 2) STORED);
CREATE TABLE g2 (a int, b timestamptz GENERATED ALWAYS AS (now()) STORED);
CREATE TABLE g2 (a int, b text GENERATED ALWAYS AS (current_user) STORED);
CREATE TABLE g2 (a int, b float8 GENERATED ALWAYS AS (random()) STORED);
CREATE TABLE g2 (a int, b int GENERATED ALWAYS AS (sum(a)) STORED);
CREATE TABLE g2 (a int, b int GENERATED ALWAYS AS ((SELECT 1)) STORED);
CREATE TABLE g2 (a int, b int GENERATED ALWAYS AS (row_number() OVER ()) STORED);
CREATE TABLE g2 (a int, b bool GENERATED ALWAYS AS (a) STORED);
CREATE TABLE g2 (a int, b int GENERATED ALWAYS AS (nosuch) STORED);
CREATE TABLE g2 (a int, b int GENERATED ALWAYS AS IDENTITY GENERATED ALWAYS AS (a) STORED);
CREATE TABLE g2 (a int, b serial GENERATED ALWAYS AS (a) STORED);
CREATE TABLE g2 (a int, b int GENERATED BY DEFAULT AS (a) STORED);
CREATE TABLE g2 (a int, b int GENERATED ALWAYS AS (a) VIRTUAL);
CREATE TABLE g2 (a int, b int GENERATED ALWAYS AS (a));

-- with other constraints, and indexes
CREATE TABLE g2 (a int, b int GENERATED ALWAYS AS (a) STORED CHECK (b > 0) NOT NULL UNIQUE);
INSERT INTO g2 VALUES (1), (-1);
INSERT INTO g2 VALUES (1), (NULL);
INSERT INTO g2 VALUES (1), (1);
INSERT INTO g2 VALUES (1), (2);
UPDATE g2 SET a = 2 WHERE a = 1;
UPDATE g2 SET a = -1 WHERE a = 1;
UPDATE g2 SET a = 3 WHERE b = 2;
SELECT a FROM g2 WHERE b = 3;
SELECT a FROM g2 WHERE b = 2;
COPY g2 FROM STDIN;
5
6
\.
COPY g2 TO STDOUT;
COPY g2 (a) TO STDOUT;
COPY g2 (a, b) TO STDOUT;
SELECT * FROM g2 ORDER BY a;
CREATE TABLE g3 (first text, last text, name text GENERATED ALWAYS AS (first || ' ' || last) STORED, n int GENERATED ALWAYS AS (length(first) + length(last)) STORED PRIMARY KEY);
INSERT INTO g3 VALUES ('Ada', 'Lovelace'), ('Alan', 'Turing');
INSERT INTO g3 VALUES ('Kurt', 'Goedel');
INSERT INTO g3 VALUES ('Emmy', NULL);
UPDATE g3 SET last = 'King' WHERE n = 11;
SELECT * FROM g3 ORDER BY n;
UPDATE g3 SET first = 'Ala' WHERE n = 7;
UPDATE g3 SET first = 'Bob' WHERE n = 10;
UPDATE g3 SET first = 'Bo' WHERE n = 9 RETURNING n, name;
SELECT name FROM g3 WHERE n = 8;

-- cleanup
DROP TABLE k1, k2, k3, k4, k5, k6, k7, g1, g2, g3;
