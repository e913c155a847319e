-- 37 COPY: foreign keys are looked at when all rows are there, so other errors come first
SET client_min_messages = warning;
DROP TABLE IF EXISTS copy_child, copy_parent;
RESET client_min_messages;
CREATE TABLE copy_parent (id int PRIMARY KEY);
CREATE TABLE copy_child (id int PRIMARY KEY, parent int REFERENCES copy_parent, up int REFERENCES copy_child);
INSERT INTO copy_parent SELECT n FROM generate_series(1, 10) n;
\set QUIET on
\o /tmp/copy_child.tsv
\t on
\a
SELECT n || E'\t' || CASE n WHEN 5 THEN 99 WHEN 7 THEN 98 ELSE n % 10 + 1 END || E'\t\\N' FROM generate_series(1, 3000) n;
\o
\o /tmp/copy_child_bad.tsv
SELECT n || E'\t' || CASE n WHEN 5 THEN '99' WHEN 2900 THEN 'x' ELSE '1' END || E'\t\\N' FROM generate_series(1, 3000) n;
\o
\o /tmp/copy_child_twice.tsv
SELECT CASE n WHEN 2900 THEN 3 ELSE n END || E'\t' || CASE n WHEN 5 THEN '99' ELSE '1' END || E'\t\\N' FROM generate_series(1, 3000) n;
\o
\o /tmp/copy_child_up.tsv
SELECT n || E'\t' || CASE n WHEN 2000 THEN '99' ELSE '1' END || E'\t' || CASE n WHEN 1500 THEN 4000 ELSE 3000 END FROM generate_series(1, 3000) n;
\o
\t off
\a
\set QUIET off
\copy copy_child FROM '/tmp/copy_child.tsv'
\copy copy_child FROM '/tmp/copy_child_bad.tsv'
\copy copy_child FROM '/tmp/copy_child_twice.tsv'
\copy copy_child FROM '/tmp/copy_child_up.tsv'
SELECT count(*) FROM copy_child;
INSERT INTO copy_parent VALUES (98), (99);
\copy copy_child FROM '/tmp/copy_child.tsv'
SELECT count(*), min(parent), max(parent) FROM copy_child;
\! rm -f /tmp/copy_child.tsv /tmp/copy_child_bad.tsv /tmp/copy_child_twice.tsv /tmp/copy_child_up.tsv
DROP TABLE copy_child, copy_parent;
