-- Many rows at a time, and rows in the order of an index.
CREATE TABLE b (id int PRIMARY KEY, k text UNIQUE, n int NOT NULL DEFAULT 7, d numeric(6,2), c char(4));
CREATE INDEX b_n ON b (n, k);
COPY b (id, k, n) FROM stdin;
5	e	50
3	c	30
1	a	10
\.
SELECT * FROM b ORDER BY id;
-- A duplicate within what is copied, and of what was there.
COPY b (id, k, n) FROM stdin;
10	j	1
11	k	2
10	l	3
\.
COPY b (id, k, n) FROM stdin;
12	m	1
13	a	2
14	o	3
\.
COPY b (id, k, n) FROM stdin;
2	b	1
3	cc	2
4	d	3
\.
COPY b (id, k, n) FROM stdin;
20	t	1
21	u	\N
22	v	3
\.
COPY b (id, k, n) FROM stdin;
20	t	1
21	u	x
\.
COPY b (id, k, n) FROM stdin;
20	t	1
21	u	2	3
\.
COPY b (id, k, n) FROM stdin;
20	t
\.
COPY b (id, k, n) FROM stdin;
20	t\tab\\back\nline	1
21	\N	2
22	\x41\102\q	3
\.
SELECT id, k, n FROM b ORDER BY id;
-- Rows between rows, some of them deleted in the same transaction.
BEGIN;
DELETE FROM b WHERE id IN (3, 5);
COPY b (id, k, n) FROM stdin;
2	b	20
3	c	31
4	d	40
5	e	51
\.
SELECT id, k, n FROM b ORDER BY id;
SAVEPOINT s;
COPY b (id, k, n) FROM stdin;
6	f	60
5	g	70
\.
ROLLBACK TO s;
COPY b (id, k, n) FROM stdin;
6	f	60
\.
SELECT count(*) FROM b;
ROLLBACK TO s;
SELECT count(*) FROM b;
COMMIT;
INSERT INTO b (id, k, n) VALUES (30, 'x', 1), (31, 'y', 2), (30, 'z', 3);
INSERT INTO b (id, k, n) VALUES (30, 'x', 1), (31, 'y', 2), (1, 'z', 3);
INSERT INTO b (id, k, n) VALUES (30, 'x', 1), (31, 'y', NULL);
INSERT INTO b (id, k, n) VALUES (30, NULL, 1), (31, NULL, 2) RETURNING id, k, n + 1 AS m;
INSERT INTO b SELECT 100 + i, 'r' || i, i % 5, i / 4.0, 'c' || i % 3 FROM generate_series(1, 40) AS g(i);
INSERT INTO b SELECT i, 's' || i FROM generate_series(99, 101) AS g(i);
SELECT count(*), sum(id) FROM b;
-- MIN and MAX.
SELECT min(id), max(id) FROM b;
SELECT min(id) FROM b;
SELECT max(id) FROM b;
SELECT min(k) FROM b;
SELECT max(k) FROM b;
SELECT max(k) FROM b WHERE n = 3;
SELECT min(k) FROM b WHERE n = 3 AND id > 110;
SELECT max(k) FROM b WHERE n = 99;
SELECT max(n) FROM b WHERE n < 4;
SELECT min(n) FILTER (WHERE id > 5) FROM b;
SELECT max(d) FROM b;
SELECT count(DISTINCT n), max(n) FROM b;
SELECT (SELECT max(k) FROM b AS i WHERE i.n = o.n) AS m, n FROM b AS o WHERE id < 6 ORDER BY id;
-- ORDER BY with LIMIT.
SELECT id FROM b ORDER BY id LIMIT 3;
SELECT id FROM b ORDER BY id DESC LIMIT 3;
SELECT id, k FROM b ORDER BY k LIMIT 3;
SELECT id, k FROM b ORDER BY k DESC LIMIT 4;
SELECT id, k FROM b ORDER BY k DESC NULLS LAST LIMIT 3;
SELECT id, k FROM b ORDER BY k NULLS FIRST, id LIMIT 4;
SELECT id, n, k FROM b ORDER BY n, k LIMIT 5;
SELECT id, n, k FROM b ORDER BY n DESC, k DESC LIMIT 5;
SELECT id, n, k FROM b ORDER BY n DESC, k, id LIMIT 5;
SELECT id, d FROM b WHERE d > 3 ORDER BY k LIMIT 3 OFFSET 2;
SELECT id, n FROM b WHERE n = 2 ORDER BY k LIMIT 2;
SELECT id FROM b ORDER BY k LIMIT 0;
SELECT * FROM (SELECT id, k FROM b ORDER BY k LIMIT 5) AS s ORDER BY id;
-- What an index has, and what only the row has.
SELECT k, n, id FROM b WHERE n = 4 ORDER BY id;
SELECT n FROM b WHERE n > 20 ORDER BY n;
SELECT d, c FROM b WHERE n = 4 ORDER BY id;
SELECT count(*) FROM b WHERE n = 1;
SELECT id FROM b WHERE k = 'r7';
SELECT d FROM b WHERE k = 'r7';
UPDATE b SET n = 4 WHERE k = 'r7' RETURNING id, n;
SELECT k, n, id FROM b WHERE n = 4 ORDER BY id;
DELETE FROM b WHERE n = 4;
SELECT k, n, id FROM b WHERE n = 4 ORDER BY id;
BEGIN;
INSERT INTO b (id, k, n) VALUES (500, 'aa', 4);
SELECT k, n, id FROM b WHERE n = 4;
SELECT min(k) FROM b WHERE n = 4;
SELECT max(id) FROM b;
ROLLBACK;
SELECT max(id) FROM b;
-- A queue.
CREATE TABLE q (id int PRIMARY KEY, v int);
INSERT INTO q SELECT i, i FROM generate_series(1, 300) AS g(i);
DELETE FROM q WHERE id <= 200;
SELECT id FROM q ORDER BY id LIMIT 1;
SELECT id FROM q ORDER BY id LIMIT 1;
INSERT INTO q VALUES (50, 1);
SELECT id FROM q ORDER BY id LIMIT 2;
SELECT min(id) FROM q;
DELETE FROM q WHERE id = 50;
SELECT min(id), count(*) FROM q;
DELETE FROM q;
SELECT min(id) FROM q;
SELECT id FROM q ORDER BY id LIMIT 1;
INSERT INTO q VALUES (7, 7);
SELECT id FROM q ORDER BY id LIMIT 1;
DROP TABLE b, q;
