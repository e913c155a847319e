-- Domains: conditions, defaults, what functions see of them, and changes.
CREATE DOMAIN posint AS int CHECK (VALUE > 0);
CREATE DOMAIN even AS posint CONSTRAINT is_even CHECK (VALUE % 2 = 0) NOT NULL;
CREATE DOMAIN code AS varchar(4) DEFAULT 'none' CHECK (VALUE <> 'ABC');
CREATE DOMAIN pair AS int[] CHECK (array_length(VALUE, 1) = 2);
CREATE DOMAIN price AS numeric(6,2);
SELECT typname, typtype, typcategory, typnotnull, typbasetype::regtype, typtypmod, typdefault FROM pg_type WHERE typtype = 'd' AND typnamespace = 'public'::regnamespace ORDER BY 1;
SELECT conname, contype, contypid::regtype, convalidated, pg_get_constraintdef(oid) FROM pg_constraint WHERE contypid <> 0 AND conname <> 'is_even' AND connamespace = 'public'::regnamespace ORDER BY 1;
SELECT 1::posint, '2'::posint, 4::even, 'ab'::code, '{1,2}'::pair, 1.234::price;
SELECT 0::posint;
SELECT '-1'::posint;
SELECT 3::even;
SELECT 0::even;
SELECT NULL::posint, NULL::code;
SELECT NULL::even;
SELECT 'ABC'::code;
SELECT 'abcdef'::code;
SELECT '{1,2,3}'::pair;
SELECT ARRAY[1,2]::pair, ARRAY[1]::pair;
SELECT 'x'::posint;
SELECT true::price;
SELECT pg_typeof(1::posint), pg_typeof(1::posint + 1), pg_typeof(coalesce(1::posint, 2)), pg_typeof(coalesce(1::posint, 2::posint)), pg_typeof('{1,2}'::pair), pg_typeof('{1,2}'::pair || 3);
SELECT 1::posint + 2::even, 'ab'::code || 'c', upper('ab'::code), ('{5,6}'::pair)[2], length('ab'::code);
SELECT 1::posint = 1, 1::posint < 2::even, 1::posint IN (1, 2), 2::posint = ANY ('{1,2}');
SELECT sum(x), max(x), array_agg(x) FROM (VALUES (1::posint), (2::posint)) v(x);
SELECT 1::posint UNION SELECT 2 ORDER BY 1;
CREATE DOMAIN posint AS int;
CREATE DOMAIN d AS nosuch;
CREATE DOMAIN d AS int NULL NOT NULL;
CREATE DOMAIN d AS int DEFAULT 1 DEFAULT 2;
CREATE DOMAIN d AS int UNIQUE;
CREATE DOMAIN d AS int PRIMARY KEY;
CREATE DOMAIN d AS int CHECK (VALUE);
CREATE DOMAIN d AS int CHECK (x > 1);
CREATE DOMAIN d AS int CHECK (VALUE > (SELECT 1));
CREATE DOMAIN d AS int DEFAULT 'x';
CREATE DOMAIN d AS int CONSTRAINT a CHECK (VALUE > 1) CONSTRAINT a CHECK (VALUE > 2);

CREATE TABLE t (a posint PRIMARY KEY, b even, c code, d pair, e price DEFAULT 1, f posint[]);
\d t
INSERT INTO t VALUES (1, 2, 'x', '{1,2}', 1.999, '{1,2}');
INSERT INTO t (a, b) VALUES (2, 4);
INSERT INTO t (a) VALUES (3);
INSERT INTO t (a, b) VALUES (0, 2);
INSERT INTO t (a, b) VALUES (3, 3);
INSERT INTO t (a, b) VALUES (3, NULL);
INSERT INTO t (a, b, c) VALUES (3, 2, 'ABC');
INSERT INTO t (a, b, c) VALUES (3, 2, 'abcde');
INSERT INTO t (a, b, d) VALUES (3, 2, '{1}');
INSERT INTO t (a, b, f) VALUES (3, 2, ARRAY[0]);
INSERT INTO t SELECT a + 10, b, c, d, e, f FROM t;
INSERT INTO t SELECT a - 20, b FROM t;
SELECT * FROM t ORDER BY a;
UPDATE t SET a = a - 1 WHERE a = 1;
UPDATE t SET b = b + 1;
UPDATE t SET b = NULL;
UPDATE t SET d[2] = 7 WHERE a = 1;
UPDATE t SET d[3] = 7 WHERE a = 1;
UPDATE t SET f[1] = 0 WHERE a = 1;
UPDATE t SET c = DEFAULT, e = 5.555 WHERE a = 2 RETURNING *;
INSERT INTO t VALUES (1, 2) ON CONFLICT (a) DO UPDATE SET b = 5;
INSERT INTO t VALUES (1, 2) ON CONFLICT (a) DO UPDATE SET b = 8 RETURNING a, b;
SELECT * FROM t WHERE a = 1;
SELECT * FROM t WHERE a = 1::posint;
COPY t FROM stdin;
5	6	q	{1,2}	3	\N
\.
COPY t FROM stdin;
-5	6	q	{1,2}	3	\N
\.
COPY t FROM stdin;
6	\N	q	{1,2}	3	\N
\.
COPY t (a, b, f) FROM stdin;
6	2	{1,0}
\.
COPY t (a, b) FROM stdin;
7	8
\.
SELECT * FROM t ORDER BY a;
PREPARE p AS INSERT INTO t (a, b) VALUES ($1, $2);
EXECUTE p(20, 2);
EXECUTE p(-20, 2);
EXECUTE p(21, NULL);
PREPARE q AS SELECT $1::posint * 2;
EXECUTE q(4);
EXECUTE q(-4);
DEALLOCATE ALL;

-- Changes
ALTER DOMAIN posint ADD CONSTRAINT small CHECK (VALUE < 20);
ALTER DOMAIN posint ADD CONSTRAINT small CHECK (VALUE < 100);
ALTER DOMAIN posint ADD CONSTRAINT small CHECK (VALUE < 200);
ALTER DOMAIN posint ADD CONSTRAINT later CHECK (VALUE < 10) NOT VALID;
SELECT 11::posint;
ALTER DOMAIN posint VALIDATE CONSTRAINT later;
ALTER DOMAIN posint VALIDATE CONSTRAINT nosuch;
ALTER DOMAIN posint DROP CONSTRAINT later;
SELECT 11::posint;
ALTER DOMAIN posint DROP CONSTRAINT later;
ALTER DOMAIN posint DROP CONSTRAINT IF EXISTS later;
ALTER DOMAIN posint RENAME CONSTRAINT small TO smaller;
ALTER DOMAIN posint RENAME CONSTRAINT small TO smaller;
SELECT 200::posint;
ALTER DOMAIN code SET NOT NULL;
UPDATE t SET c = 'y';
ALTER DOMAIN code SET NOT NULL;
UPDATE t SET c = NULL;
ALTER DOMAIN code DROP NOT NULL;
ALTER DOMAIN code SET DEFAULT 'deft';
INSERT INTO t (a, b) VALUES (30, 2) RETURNING c;
ALTER DOMAIN code DROP DEFAULT;
INSERT INTO t (a, b) VALUES (31, 2) RETURNING c;

ALTER DOMAIN posint ADD UNIQUE (value);
ALTER DOMAIN even RENAME TO evens;
SELECT 3::evens;
ALTER TABLE t ADD COLUMN g evens;
ALTER TABLE t ADD COLUMN g evens DEFAULT 2;
ALTER TABLE t ADD COLUMN h evens DEFAULT 3;
ALTER TABLE t ALTER COLUMN e TYPE posint;
ALTER TABLE t ALTER COLUMN e TYPE posint USING 1;
SELECT a, e, g FROM t ORDER BY a LIMIT 2;
COMMENT ON DOMAIN posint IS 'above zero';
COMMENT ON CONSTRAINT smaller ON DOMAIN posint IS 'and small';
SELECT obj_description('posint'::regtype, 'pg_type'), obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conname = 'smaller';
CREATE VIEW v AS SELECT a, b, 5::posint AS five FROM t;
SELECT pg_typeof(a), pg_typeof(five) FROM v LIMIT 1;
ALTER DOMAIN int4 SET NOT NULL;
ALTER DOMAIN nosuch SET NOT NULL;
DROP DOMAIN posint;
DROP DOMAIN posint CASCADE;
SELECT * FROM t ORDER BY c, d LIMIT 2;
DROP DOMAIN nosuch;
DROP DOMAIN IF EXISTS nosuch;
CREATE TYPE en AS ENUM ('a', 'b', 'c');
DROP DOMAIN en;
CREATE DOMAIN few AS en CHECK (VALUE IN ('a', 'b'));
SELECT 'a'::few, 'c'::few;
DROP TYPE en;
DROP TYPE en CASCADE;
DROP TABLE t;
DROP DOMAIN code, pair;
DROP TYPE price;
