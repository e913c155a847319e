\set VERBOSITY default
\set SHOW_CONTEXT never
-- A temporary table comes before others of its name.
CREATE TABLE tt_a (id int PRIMARY KEY, what text);
INSERT INTO tt_a VALUES (1, 'permanent');
SELECT * FROM tt_a;
CREATE TEMP TABLE tt_a (id int PRIMARY KEY, what text, more int);
SELECT * FROM tt_a;
INSERT INTO tt_a VALUES (1, 'temporary', 5);
SELECT * FROM tt_a;
SELECT * FROM public.tt_a;
SELECT * FROM pg_temp.tt_a;
UPDATE tt_a SET more = more + 1;
UPDATE public.tt_a SET what = 'changed';
SELECT * FROM tt_a;
SELECT * FROM public.tt_a;
INSERT INTO tt_a VALUES (1, 'again', 5);
CREATE TEMP TABLE tt_a (a int);
CREATE TEMP TABLE IF NOT EXISTS tt_a (a int);
CREATE INDEX ON tt_a (more);
DROP TABLE tt_a;
SELECT * FROM tt_a;
DROP TABLE tt_a;
SELECT * FROM tt_a;
-- Prepared statements find what there is at their execution.
CREATE TABLE tt_b (a int);
INSERT INTO tt_b VALUES (1);
PREPARE tt_q AS SELECT a FROM tt_b;
EXECUTE tt_q;
CREATE TEMP TABLE tt_b (a int);
INSERT INTO tt_b VALUES (2);
EXECUTE tt_q;
DROP TABLE tt_b;
EXECUTE tt_q;
DEALLOCATE tt_q;
DROP TABLE tt_b;
-- Words.
CREATE TEMPORARY TABLE tt_c (a int DEFAULT 3, b serial, CHECK (a > 0));
CREATE LOCAL TEMP TABLE tt_d (a int);
INSERT INTO tt_c (a) VALUES (1), (2);
INSERT INTO tt_c (a) VALUES (0);
SELECT * FROM tt_c ORDER BY b;
CREATE TEMP TABLE public.tt_e (a int);
CREATE TEMP TABLE pg_temp.tt_e (a int);
CREATE TABLE pg_temp.tt_f (a int);
CREATE TABLE tt_g (a int) ON COMMIT DROP;
DROP TABLE tt_c, tt_d, tt_e, tt_f;
-- ON COMMIT.
CREATE TEMP TABLE tt_h (a int) ON COMMIT DELETE ROWS;
INSERT INTO tt_h VALUES (1);
SELECT * FROM tt_h;
BEGIN;
INSERT INTO tt_h VALUES (1), (2);
SELECT * FROM tt_h ORDER BY a;
COMMIT;
SELECT * FROM tt_h;
BEGIN;
CREATE TEMP TABLE tt_i (a int) ON COMMIT DROP;
INSERT INTO tt_i VALUES (1);
SELECT * FROM tt_i;
COMMIT;
SELECT * FROM tt_i;
CREATE TEMP TABLE tt_j (a int) ON COMMIT DROP;
SELECT * FROM tt_j;
CREATE TEMP TABLE tt_k (a int) ON COMMIT PRESERVE ROWS;
INSERT INTO tt_k VALUES (1);
SELECT * FROM tt_k;
BEGIN;
CREATE TEMP TABLE tt_l (a int);
ROLLBACK;
SELECT * FROM tt_l;
-- Foreign keys.
CREATE TABLE tt_m (a int PRIMARY KEY);
CREATE TEMP TABLE tt_n (a int REFERENCES tt_m);
CREATE TEMP TABLE tt_o (a int PRIMARY KEY);
CREATE TABLE tt_p (a int REFERENCES tt_o);
CREATE TEMP TABLE tt_q (a int REFERENCES tt_o);
INSERT INTO tt_q VALUES (1);
-- Views over temporary tables.
CREATE VIEW tt_v AS SELECT a FROM tt_k;
SELECT * FROM tt_v;
DROP TABLE tt_k;
DROP TABLE tt_k CASCADE;
CREATE TEMP VIEW tt_w AS SELECT 1 AS one;
SELECT * FROM tt_w;
CREATE TEMP SEQUENCE tt_s;
SELECT nextval('tt_s'), nextval('pg_temp.tt_s');
DISCARD TEMP;
SELECT * FROM tt_w;
SELECT nextval('tt_s');
-- They go with their session.
CREATE TEMP TABLE tt_x (a int);
\c -
SELECT * FROM tt_x;
CREATE TEMP TABLE tt_x (b text);
SELECT * FROM tt_x;
DROP TABLE tt_m;
