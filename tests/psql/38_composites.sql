-- Composite types: values, fields, columns, changes of types, and rows of tables.
CREATE SCHEMA composites;
SET search_path = composites, public;
CREATE TYPE complex AS (r float8, i float8);
CREATE TYPE quad AS (c1 complex, c2 complex);
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN posint AS int CHECK (VALUE > 0);
CREATE TYPE mixed AS (a int, b varchar(3), m mood, ms mood[], p posint, q numeric(5,2));
\d complex
SELECT typname, typtype, typcategory, typlen, typrelid <> 0 FROM pg_type WHERE typname IN ('complex', '_complex') ORDER BY 1;
SELECT attname, atttypid::regtype, attnum FROM pg_attribute WHERE attrelid = (SELECT typrelid FROM pg_type WHERE typname = 'mixed') ORDER BY 3;
SELECT (1.1,2.2)::complex, ROW((3.3,4.4),(5.5,NULL))::quad, '(1,2)'::complex, '("(1,2)","(3,4)")'::quad;
SELECT '(1,abc,ok,"{sad,ok}",5,1.234)'::mixed, ROW(1,'abcdef','ok','{sad}',2,3.456)::mixed, pg_typeof('(1,2)'::complex);
SELECT '(1,abcd,ok,,5,1)'::mixed;
SELECT '(1,abc,bad,,5,1)'::mixed;
SELECT ROW(1,'a','ok',NULL,-1,1)::mixed;
SELECT '(1)'::complex;
SELECT '(1,2,3)'::complex;
SELECT '(1,2'::complex;
SELECT '1,2)'::complex;
SELECT '(1,2) x'::complex;
SELECT ' ( 1 , 2 )  '::complex, '(,)'::complex, '(1,)'::complex;
SELECT ROW(1)::complex;
SELECT ROW(1,2,3)::complex;
SELECT ROW(1,true)::complex;
SELECT 1::complex;
SELECT (1,2)::complex::text, '(1,2)'::text::complex, (1,2)::complex || '!';
SELECT (ROW(1,2)::complex).r, ((ROW(1,2),ROW(3,4))::quad).c2.i, (ROW(1,2)::complex).*;
SELECT (5).x;
SELECT ROW(1,2)::complex = ROW(1,2)::complex, ROW(1,2)::complex < ROW(1,3)::complex, ROW(NULL,1)::complex > ROW(2,1)::complex;
SELECT ROW(NULL,NULL)::complex IS NULL, ROW(1,NULL)::complex IS NULL, ROW(1,NULL)::complex IS NOT NULL, ROW(1,2)::complex IS NOT NULL, NULL::complex IS NULL;
SELECT ARRAY[ROW(1,2),ROW(3,4)]::complex[], ('{"(1,2)","(3,4)"}'::complex[])[2].i, (ARRAY[(1,2)::complex])[1];
SELECT * FROM unnest(ARRAY[(1,2)::complex,(3,4)]) u;
SELECT u, (u).r FROM unnest(ARRAY[(1,2)::complex,(3,4)]) u;
CREATE TYPE complex AS (a int);
CREATE TYPE bad AS (a int, a int);
CREATE TYPE bad AS (a nosuch);
CREATE TYPE bad AS (a record);
CREATE TYPE empty AS ();
SELECT '()'::empty, ROW()::empty;

-- As columns
CREATE TABLE t (id int PRIMARY KEY, c complex, q quad, m mixed, cs complex[]);
\d t
INSERT INTO t VALUES (1, (1,2), ((1,2),(3,4)), (1,'abc','ok',NULL,5,1), ARRAY[(1,2),(3,4)]::complex[]);
INSERT INTO t VALUES (2, '(5,6)', NULL, '(,,,,,)', '{"(7,8)"}'), (3, NULL, NULL, NULL, NULL);
INSERT INTO t VALUES (4, (1,2,3));
INSERT INTO t VALUES (4, 5);
INSERT INTO t (id, c.r, q.c1.i, q.c2.r) VALUES (4, 10, 11, 12);
INSERT INTO t (id, c.x) VALUES (5, 1);
INSERT INTO t (id, id.x) VALUES (5, 1);
INSERT INTO t (id, m.p) VALUES (5, -1);
INSERT INTO t (id, cs[2].r) VALUES (6, 1);
SELECT * FROM t ORDER BY id;
SELECT id, (c).r, (c).i, (q).c1.r, (t.q).c2, (m).m FROM t ORDER BY id;
SELECT c.r FROM t;
SELECT (t.c).*, cs[1].i FROM t ORDER BY id;
SELECT id FROM t WHERE (c).r > 1 ORDER BY (c).i;
SELECT id FROM t WHERE c = (5,6)::complex OR c = '(1,2)'::complex;
SELECT id FROM t WHERE c = '(1,2)';
SELECT c, count(*) FROM t GROUP BY c ORDER BY c;
UPDATE t SET c.r = (c).r + 1, c.i = 0 WHERE id = 1 RETURNING c;
UPDATE t SET q.c1.r = 100, q.c2 = (7,8) WHERE id = 3 RETURNING q;
UPDATE t SET q.c1 = 12;
UPDATE t SET m.p = 0 WHERE id = 1;
UPDATE t SET m.m = 'sad', m.ms = '{ok}' WHERE id = 1 RETURNING m;
UPDATE t SET cs[1].i = 9, cs[3] = (1,1) WHERE id = 1 RETURNING cs;
UPDATE t SET c = NULL, c.r = 1;
UPDATE t SET c.r = DEFAULT;
COPY t (id, c, q) FROM stdin;
20	(1,2)	("(1,2)","(3,4)")
21	(1	\N
\.
COPY t (id, c, q) FROM stdin;
20	(1,2)	("(1,2)","(3,4)")
\.
COPY (SELECT id, c, q, cs FROM t ORDER BY id) TO stdout;
CREATE INDEX ON t (c);
SELECT id FROM t WHERE c > (1,2)::complex ORDER BY c;
DROP INDEX t_c_idx;
CREATE VIEW v AS SELECT id, c, (c).r AS r FROM t;
SELECT * FROM v WHERE r > 1 ORDER BY id;

-- Rows of tables
CREATE TABLE p (name text, age int);
INSERT INTO p VALUES ('a', 1), ('b c', NULL);
SELECT p, pg_typeof(p), (p).name, p.* FROM p ORDER BY age;
SELECT ('x',1)::p, '(x,1)'::p, NULL::p IS NULL, (NULL::p).name;
CREATE TABLE holds (id int, p p, ps p[]);
INSERT INTO holds SELECT 1, p, array_agg(p) OVER () FROM p WHERE age = 1;
INSERT INTO holds VALUES (2, ('y', 2), ARRAY[('z',3)::p]);
SELECT id, p, (holds.p).name, ps FROM holds ORDER BY id;
ALTER TABLE p ADD COLUMN x text;
SELECT id, p, ps FROM holds ORDER BY id;
ALTER TABLE p DROP COLUMN age;
SELECT id, p, (holds.p).name FROM holds ORDER BY id;
SELECT '(n,q)'::p;
DROP TABLE p;
DROP TABLE p CASCADE;
SELECT * FROM holds ORDER BY id;
ALTER TABLE holds ADD COLUMN me holds;

-- Changes
ALTER TYPE complex ADD ATTRIBUTE z int;
SELECT id, c, (c).z FROM t ORDER BY id;
SELECT c = (5,6,NULL)::complex FROM t WHERE id = 2;
ALTER TYPE complex DROP ATTRIBUTE i;
SELECT id, c FROM t ORDER BY id;
SELECT ROW(1,-2) *< ROW(1,3), ROW(1,2) *= ROW(1,2), ROW(1.0) *= ROW(1.00), ROW('a') *<> ROW('b');
CREATE TYPE other AS (a int, b text);
ALTER TYPE other ADD ATTRIBUTE c int, DROP ATTRIBUTE a;
SELECT '(x,1)'::other;
ALTER TYPE other ADD ATTRIBUTE c int;
ALTER TYPE other DROP ATTRIBUTE nosuch;
ALTER TYPE other DROP ATTRIBUTE IF EXISTS nosuch;
ALTER TYPE other ALTER ATTRIBUTE b TYPE int;
SELECT '(x,1)'::other;
ALTER TYPE other RENAME ATTRIBUTE b TO d;
ALTER TYPE other RENAME ATTRIBUTE b TO d;
ALTER TYPE other ADD ATTRIBUTE o other;
SELECT ('(1,2)'::other).*;
\d other
ALTER TYPE mood ADD ATTRIBUTE o int;
ALTER TYPE other RENAME TO another;
SELECT ('(1,2)'::another).d;
DROP VIEW v;
DROP TYPE complex;
DROP TYPE another;
DROP TYPE complex CASCADE;
\d t
DROP TABLE t, holds;
DROP TYPE quad, mixed, empty;
