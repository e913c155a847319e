-- 04 ddl, part 2: indexes, ALTER TABLE ADD PRIMARY KEY, TRUNCATE, transactional DDL
SET timezone = 'UTC';
SET client_min_messages = warning;
DROP TABLE IF EXISTS d1, d2, d_idx, d_idx_pkey, d_tx;
RESET client_min_messages;

-- indexes
CREATE TABLE d_idx (id int PRIMARY KEY, a int, b text, c int);
INSERT INTO d_idx SELECT g, g % 10, 'name' || g, g * 2 FROM generate_series(1, 100) AS g;
CREATE INDEX d_idx_a ON d_idx (a);
CREATE INDEX d_idx_a ON d_idx (a);
CREATE INDEX IF NOT EXISTS d_idx_a ON d_idx (a);
CREATE INDEX d_idx_ab ON d_idx (a DESC, b);
CREATE UNIQUE INDEX d_idx_c ON d_idx (c);
CREATE TABLE d2 (a int, b text);
INSERT INTO d2 VALUES (1, 'x'), (2, 'y'), (3, 'y'), (4, NULL), (5, NULL);
CREATE UNIQUE INDEX d2_b ON d2 (b);
DELETE FROM d2 WHERE a = 3;
CREATE UNIQUE INDEX d2_b ON d2 (b);
INSERT INTO d2 VALUES (6, 'x');
INSERT INTO d2 VALUES (6, NULL);
CREATE UNIQUE INDEX ON d2 (a, b);
INSERT INTO d2 VALUES (6, 'z');
INSERT INTO d2 VALUES (6, 'z');
DROP TABLE d2;
CREATE INDEX ON d_idx (nosuch);
CREATE INDEX d_bad ON nosuch (a);
CREATE INDEX ON d_idx (b);
SELECT count(*) FROM d_idx WHERE a = 3;
SELECT id FROM d_idx WHERE a = 3 AND b > 'name5' ORDER BY id;
SELECT id FROM d_idx WHERE b = 'name42';
SELECT id, c FROM d_idx WHERE c BETWEEN 20 AND 26 ORDER BY c DESC;
INSERT INTO d_idx VALUES (101, 1, 'x', 20);
UPDATE d_idx SET c = 22 WHERE id = 10;
DROP INDEX d_idx_c;
INSERT INTO d_idx VALUES (101, 1, 'x', 20);
SELECT id FROM d_idx WHERE c = 20 ORDER BY id;
DROP INDEX d_idx_c;
DROP INDEX IF EXISTS d_idx_c;
DROP INDEX d_idx_a, d_idx_ab;
DROP INDEX d_idx_b_idx;
DROP INDEX d_idx;
DROP TABLE d_idx_pkey;
DROP INDEX d_idx_pkey;
CREATE TABLE d_idx_pkey (a int);
CREATE INDEX d_idx ON d_idx (a);
SELECT * FROM d_idx_pkey;

-- alter table
CREATE TABLE d1 (a int, b int, c text);
INSERT INTO d1 VALUES (1, 1, 'x'), (2, 1, 'y');
ALTER TABLE d1 ADD PRIMARY KEY (b);
ALTER TABLE d1 ADD PRIMARY KEY (nosuch);
ALTER TABLE d1 ADD PRIMARY KEY (a);
ALTER TABLE d1 ADD PRIMARY KEY (b);
INSERT INTO d1 VALUES (1, 2, 'z');
INSERT INTO d1 VALUES (NULL, 2, 'z');
DROP TABLE d1;
CREATE TABLE d1 (a int, b int);
INSERT INTO d1 VALUES (NULL, 1);
ALTER TABLE d1 ADD PRIMARY KEY (a);
ALTER TABLE d1 ADD CONSTRAINT d1_pk PRIMARY KEY (b);
INSERT INTO d1 VALUES (2, 1);
DROP TABLE d1;

-- truncate
CREATE TABLE d1 (id serial, v int);
INSERT INTO d1 (v) VALUES (1), (2);
TRUNCATE TABLE d1;
SELECT count(*) FROM d1;
INSERT INTO d1 (v) VALUES (3) RETURNING id;
CREATE TABLE d2 (a int);
INSERT INTO d2 VALUES (1);
TRUNCATE d1, d2;
TRUNCATE d1, nosuch;
SELECT (SELECT count(*) FROM d1) AS c1, (SELECT count(*) FROM d2) AS c2;
DROP TABLE d1, d2;


-- transactional DDL
BEGIN;
CREATE TABLE d_tx (a int PRIMARY KEY);
INSERT INTO d_tx VALUES (1), (2);
SELECT * FROM d_tx ORDER BY a;
ROLLBACK;
SELECT * FROM d_tx;
BEGIN;
CREATE TABLE d_tx (a int);
INSERT INTO d_tx VALUES (1), (1);
COMMIT;
BEGIN;
DROP TABLE d_tx;
SELECT * FROM d_tx;
ROLLBACK;
SELECT * FROM d_tx;
BEGIN;
DROP TABLE d_tx;
CREATE TABLE d_tx (a text, b int);
INSERT INTO d_tx VALUES ('new', 1);
SELECT * FROM d_tx;
ROLLBACK;
SELECT * FROM d_tx;
BEGIN;
TRUNCATE d_tx;
SELECT count(*) FROM d_tx;
ROLLBACK;
SELECT count(*) FROM d_tx;
BEGIN;
CREATE INDEX d_tx_a ON d_tx (a);
ROLLBACK;
DROP INDEX d_tx_a;
BEGIN;
CREATE UNIQUE INDEX d_tx_a ON d_tx (a);
ROLLBACK;
BEGIN;
SAVEPOINT s;
CREATE TABLE d2 (a int);
ROLLBACK TO s;
CREATE TABLE d2 (b text);
INSERT INTO d2 VALUES ('kept');
COMMIT;
SELECT b FROM d2;

-- cleanup
DROP TABLE d2, d_idx, d_tx;
DROP TABLE IF EXISTS d2, d_idx;
