-- 09 copy: COPY FROM STDIN and COPY TO STDOUT, text format and options
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
SET client_min_messages = warning;
DROP TABLE IF EXISTS cp, cp_types, cp_pk, cp_def, cp_esc;
RESET client_min_messages;
CREATE TABLE cp (a int, b text, c numeric(8,2));

-- basic round trip (psql skips to the end-of-data mark when COPY FROM STDIN itself fails)
COPY cp FROM STDIN;
1	one	1.5
2	two	2.25
3	three words here	-3
\.
SELECT * FROM cp ORDER BY a;
COPY cp TO STDOUT;
COPY cp (b, a) TO STDOUT;
COPY (SELECT * FROM cp ORDER BY a DESC) TO STDOUT;
COPY (SELECT a * 10 AS x, upper(b), NULL, c IS NULL FROM cp ORDER BY a) TO STDOUT;
COPY (VALUES (1, 'x'), (2, NULL)) TO STDOUT;
COPY (SELECT b FROM cp WHERE false) TO STDOUT;
COPY (SELECT dept, count(*) FROM (VALUES ('x'), ('y'), ('x')) AS v (dept) GROUP BY dept ORDER BY dept) TO STDOUT;
COPY (WITH t AS (SELECT 1 AS n) SELECT n, n + 1 FROM t) TO STDOUT;

-- empty tables and empty input
TRUNCATE cp;
COPY cp TO STDOUT;
COPY cp FROM STDIN;
\.
SELECT count(*) FROM cp;

-- nulls and empty strings
COPY cp FROM STDIN;
1	\N	\N
2		0
\N	x	1
\.
SELECT a, b IS NULL AS b_null, length(b) AS len, c FROM cp ORDER BY a;
COPY (SELECT * FROM cp ORDER BY a) TO STDOUT;
COPY (SELECT * FROM cp ORDER BY a) TO STDOUT WITH (NULL 'NULL');
COPY (SELECT * FROM cp ORDER BY a) TO STDOUT (NULL '');
TRUNCATE cp;
COPY cp FROM STDIN WITH (NULL 'nil');
1	nil	nil
2	\N	3
\.
COPY cp FROM STDIN (NULL '');
3		4
4	v	
\.
SELECT a, b, b IS NULL AS b_null, c FROM cp ORDER BY a;

-- escapes
CREATE TABLE cp_esc (id int, t text);
COPY cp_esc FROM STDIN;
1	tab\there
2	line\nbreak
3	back\\slash
4	cr\rend
5	octal\101 hex\x42
6	quote ' and "double"
7	\b\f\v
8	unknown \q escape
9	unicode é 日本
10	trailing space 
11	  leading
12	\\N
13	\\.
\.
SELECT id, t, length(t) AS len FROM cp_esc WHERE id <> 7 ORDER BY id;
SELECT id, length(t) AS len, ascii(t) AS first FROM cp_esc WHERE id = 7;
COPY (SELECT * FROM cp_esc ORDER BY id) TO STDOUT;
COPY (SELECT E'a\tb\nc\\d', 'N', E'\\N') TO STDOUT;

-- column lists and defaults
CREATE TABLE cp_def (id serial PRIMARY KEY, name text NOT NULL, qty int DEFAULT 7, flag boolean DEFAULT true);
COPY cp_def (name) FROM STDIN;
alpha
beta
\.
COPY cp_def (qty, name) FROM STDIN;
5	gamma
\N	delta
\.
COPY cp_def (id, name) FROM STDIN;
100	explicit id
\.
SELECT * FROM cp_def ORDER BY id;
COPY cp_def (flag, id) TO STDOUT;
INSERT INTO cp_def (name) VALUES ('after') RETURNING id;
COPY cp_def (name, nosuch) FROM STDIN;
\.
COPY cp_def (name, name) FROM STDIN;
\.
COPY cp_def (nosuch) TO STDOUT;

-- delimiter and header options
TRUNCATE cp;
COPY cp FROM STDIN WITH (DELIMITER ',');
1,one,1
2,tw\,o,2
3,tab	ok,3
\.
COPY cp FROM STDIN DELIMITER '|';
4|four|4
\.
COPY cp FROM STDIN USING DELIMITERS ';';
5;five;5
\.
SELECT * FROM cp ORDER BY a;
COPY (SELECT * FROM cp ORDER BY a) TO STDOUT WITH (DELIMITER ',');
COPY (SELECT * FROM cp ORDER BY a) TO STDOUT WITH (FORMAT text, DELIMITER '|', NULL '-');
COPY (SELECT * FROM cp ORDER BY a) TO STDOUT DELIMITER ':' NULL 'n';
COPY cp TO STDOUT WITH (DELIMITER 'ab');
COPY cp TO STDOUT WITH (DELIMITER E'\n');
COPY cp TO STDOUT WITH (DELIMITER 'a');
COPY cp TO STDOUT WITH (NOSUCHOPTION);
COPY cp TO STDOUT WITH (FORMAT nosuch);
COPY cp TO STDOUT WITH (DELIMITER ',', DELIMITER '|');

-- all types
CREATE TABLE cp_types (id int PRIMARY KEY, b boolean, i2 smallint, i8 bigint, f4 real, f8 double precision, n numeric, v varchar(5), c char(4), by bytea, d date, tm time, ts timestamp, tz timestamptz, iv interval, u uuid);
COPY cp_types FROM STDIN;
1	t	1	2	1.5	2.5	3.14	abc	ab	\\xdeadbeef	2024-01-02	10:30	2024-01-02 10:30:00	2024-01-02 10:30:00+02	1 day 02:00	a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11
2	false	-1	-9223372036854775808	NaN	-Infinity	NaN			\\x	infinity	24:00	-infinity	infinity	-1 mon	A0EEBC999C0B4EF8BB6D6BB9BD380A12
3	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N
\.
SELECT id, b, i2, i8, f4, f8, n, v, c, by FROM cp_types ORDER BY id;
SELECT id, d, tm, ts, tz, iv, u FROM cp_types ORDER BY id;
COPY (SELECT * FROM cp_types ORDER BY id) TO STDOUT;

-- data errors: nothing of the failing COPY stays
TRUNCATE cp;
COPY cp FROM STDIN;
1	ok	1
two	bad int	2
3	ok	3
\.
COPY cp FROM STDIN;
1	missing column
\.
COPY cp FROM STDIN;
1	extra	2	columns
\.
COPY cp FROM STDIN;
1	x	not numeric
\.
COPY cp FROM STDIN;
1	x	1
2	x	99999999
\.
COPY cp FROM STDIN;
1	x	1

3	x	1
\.
COPY cp FROM STDIN;
99999999999	x	1
\.
SELECT count(*) FROM cp;
COPY cp_types (id, v) FROM STDIN;
10	toolong
\.
COPY cp_types (id, c) FROM STDIN;
10	ok
11	toolong
\.
COPY cp_types (id, b) FROM STDIN;
10	maybe
\.
COPY cp_types (id, d) FROM STDIN;
10	2024-02-30
\.
COPY cp_types (id, ts) FROM STDIN;
10	yesterdayish
\.
COPY cp_types (id, u) FROM STDIN;
10	1234
\.
COPY cp_types (id, by) FROM STDIN;
10	\\xzz
\.
COPY cp_types (id, i2) FROM STDIN;
10	40000
\.
SELECT max(id) FROM cp_types;

-- constraint errors
CREATE TABLE cp_pk (id int PRIMARY KEY, code text UNIQUE, req text NOT NULL);
COPY cp_pk FROM STDIN;
1	a	x
2	b	y
\.
COPY cp_pk FROM STDIN;
3	c	z
1	d	dup id
4	e	w
\.
COPY cp_pk FROM STDIN;
3	a	dup code
\.
COPY cp_pk FROM STDIN;
3	c	ok
4	d	\N
\.
COPY cp_pk FROM STDIN;
\N	d	null key
\.
COPY cp_pk (id, code) FROM STDIN;
5	e
\.
COPY cp_pk FROM STDIN;
6	same	x
7	same	y
\.
SELECT * FROM cp_pk ORDER BY id;

-- statement errors
COPY nosuch FROM STDIN;
\.
COPY nosuch TO STDOUT;
COPY (SELECT * FROM nosuch) TO STDOUT;
COPY (SELECT 1 FROM) TO STDOUT;
COPY (SELECT 1) FROM STDIN;
\.
COPY cp;
COPY cp FROM;
COPY (SELECT 1 / 0) TO STDOUT;
COPY (SELECT 1 / (3 - g) FROM generate_series(1, 5) AS g) TO STDOUT;

-- transactions
BEGIN;
COPY cp FROM STDIN;
1	in tx	1
\.
SELECT * FROM cp;
ROLLBACK;
SELECT count(*) FROM cp;
BEGIN;
COPY cp FROM STDIN;
1	x	bad
\.
SELECT 1;
ROLLBACK;
BEGIN;
SAVEPOINT s;
COPY cp FROM STDIN;
oops	x	1
\.
ROLLBACK TO s;
COPY cp FROM STDIN;
8	kept	1
\.
COMMIT;
COPY cp TO STDOUT;
BEGIN READ ONLY;
COPY cp TO STDOUT;
COPY cp FROM STDIN;
\.
ROLLBACK;
BEGIN;
SELECT 1 / 0;
COPY cp TO STDOUT;
ROLLBACK;

-- larger copies
TRUNCATE cp;
INSERT INTO cp SELECT g, 'row ' || g, g / 4.0 FROM generate_series(1, 30) AS g;
COPY (SELECT * FROM cp WHERE a % 3 = 0 ORDER BY a) TO STDOUT;
COPY (SELECT string_agg(b, ',' ORDER BY a) FROM cp WHERE a > 25) TO STDOUT;
SELECT count(*), sum(a), sum(c) FROM cp;
DROP TABLE cp, cp_types, cp_pk, cp_def, cp_esc;
