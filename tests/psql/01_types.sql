-- 01 types: scalar types, literals, casts, arithmetic, errors
SET timezone = 'UTC';

-- boolean
SELECT true, false, 't'::boolean, 'yes'::bool, 'on'::bool, '1'::bool, 'FALSE'::bool, ' no '::bool, 'off'::bool, '0'::bool;
SELECT 1::boolean AS one, 0::boolean AS zero, true::int AS t, false::int AS f, true::text AS tt, false::text AS ft;
SELECT true AND NULL AS a, false AND NULL AS b, true OR NULL AS c, false OR NULL AS d, NOT true AS e, NOT NULL::bool AS f;
SELECT true > false AS gt, true IS TRUE AS ist, NULL::bool IS NOT TRUE AS isnt, NULL::bool IS UNKNOWN AS unk, false IS NOT FALSE AS nf;
SELECT 'maybe'::boolean;
SELECT ''::boolean;
SELECT bool 'true' AS typed_literal;

-- integers: literals and ranges
SELECT 32767::int2 AS a, (-32768)::int2 AS b, 2147483647 AS c, (-2147483648)::int4 AS d, 9223372036854775807 AS e;
SELECT pg_typeof(1), pg_typeof(2147483648), pg_typeof(9223372036854775808), pg_typeof(1.5), pg_typeof(1e3), pg_typeof('x'), pg_typeof(NULL), pg_typeof(true);
SELECT 32768::int2;
SELECT 2147483648::int4;
SELECT 9223372036854775808::int8;
SELECT '32768'::int2;
SELECT '2147483648'::int;
SELECT '9223372036854775808'::bigint;
SELECT 'abc'::int;
SELECT ''::int;
SELECT '12x'::bigint;
SELECT '1.5'::int;
SELECT ' 42 '::int AS padded, '-7'::int AS neg, '+7'::int2 AS plus;
SELECT int4 '17' AS typed, CAST('18' AS bigint) AS casted, int8(19) AS functional;
SELECT 2147483647 + 1;
SELECT (-2147483648)::int4 - 1;
SELECT 65536 * 65536;
SELECT 32767::int2 + 1::int2;
SELECT 9223372036854775807 + 1;
SELECT -(-32768)::int2;
SELECT abs((-2147483648)::int4);
SELECT 1 / 0;
SELECT 1 % 0;
SELECT 1::int8 / 0;
SELECT 1::int2 / 0::int2;
SELECT mod(5, 0);

-- integer arithmetic
SELECT 7 / 2 AS a, -7 / 2 AS b, 7 % 3 AS c, -7 % 3 AS d, 7 % -3 AS e, 2 + 3 * 4 AS f, (2 + 3) * 4 AS g, -2 - -3 AS h;
SELECT pg_typeof(1::int2 + 1::int2) AS a, pg_typeof(1::int2 + 1) AS b, pg_typeof(1 + 1::int8) AS c, pg_typeof(1 / 2) AS d, pg_typeof(1 + 1.0) AS e, pg_typeof(1 + 1::float4) AS f, pg_typeof(1.0 + 1::float8) AS g, pg_typeof(1::float4 + 1::float4) AS h;
SELECT 2 ^ 10 AS p, pg_typeof(2 ^ 10) AS tp, 2.0 ^ 3 AS n, pg_typeof(2.0 ^ 3) AS tn;
SELECT abs(-5) AS a, abs(-5::int8) AS b, mod(17, 5) AS c, mod(-17, 5) AS d, sign(-3) AS e, pg_typeof(abs(-5::int2)) AS f;

-- integer casts and rounding
SELECT 2.7::int AS a, 2.5::int AS b, 3.5::int AS c, -2.5::int AS d, -2.7::int AS e, 2.5::float8::int AS f, 3.5::float8::int AS g, (-2.5)::float8::int AS h;
SELECT 2.4999::int2 AS a, 1e9::int AS b, 99999.5::int8 AS c;
SELECT 1e10::int;
SELECT 1e20::float8::int8;
SELECT 40000.4::int2;
SELECT 'NaN'::numeric::int;
SELECT 'NaN'::float8::int;
SELECT 100000::int2;
SELECT 3000000000::int8::int4;
SELECT true::int8;

-- numeric
SELECT 1.10 AS a, 1.100::numeric(5,2) AS b, 123.456::numeric(5,1) AS c, 0.005::numeric(3,2) AS d, -0.005::numeric(3,2) AS e, 1e-5 AS f, 1.5e3 AS g, .5 AS h, 12345678901234567890.123456789 AS i;
SELECT 123.45::numeric(4,2);
SELECT 99.995::numeric(4,2);
SELECT 1000::numeric(3);
SELECT 'abc'::numeric;
SELECT '1e'::numeric;
SELECT ''::numeric(5,2);
SELECT '  1.50  '::numeric AS padded, 'NaN'::numeric AS nan, '-0'::numeric AS negzero, '1e3'::numeric AS sci, '0.000'::numeric AS zeros;
SELECT 1.0 / 3 AS a, 2 / 3.0 AS b, 10.0 / 4 AS c, 1 / 7.000 AS d, 100000.0 / 3 AS e, 0.001 / 3 AS f, 22.0 / 7.0 AS g;
SELECT 1.5 + 2.25 AS a, 1.50 - 0.5 AS b, 1.5 * 1.5 AS c, 0.10 * 3 AS d, 7.5 % 2 AS e, -7.5 % 2 AS f, 1.1 + 2 AS g;
SELECT 1.0 / 0;
SELECT 1.5 % 0;
SELECT round(2.5) AS a, round(-2.5) AS b, round(3.14159, 2) AS c, round(2.675, 2) AS d, round(1234.5678, -2) AS e, round(5, 1) AS f, round(2.5::float8) AS g, round(3.5::float8) AS h, round(-0.4) AS i;
SELECT trunc(2.9) AS a, trunc(-2.9) AS b, trunc(3.14159, 3) AS c, trunc(1234.5, -2) AS d, trunc(-2.9::float8) AS e;
SELECT ceil(1.2) AS a, ceil(-1.2) AS b, floor(1.8) AS c, floor(-1.8) AS d, ceiling(1.01) AS e, ceil(1.2::float8) AS f, floor(-1.8::float8) AS g;
SELECT pg_typeof(round(2)) AS a, pg_typeof(round(2.5)) AS b, pg_typeof(round(2.5, 1)) AS c, pg_typeof(ceil(2.5)) AS d, pg_typeof(floor(2.5::float8)) AS e, pg_typeof(ceil(2)) AS f;
SELECT round(2.5::float8, 1);
SELECT sqrt(16) AS a, sqrt(2) AS b, sqrt(2.0) AS c, sqrt(2.25::numeric) AS d, pg_typeof(sqrt(4)) AS e, pg_typeof(sqrt(4.0)) AS f;
SELECT sqrt(-1);
SELECT sqrt(-1.0);
SELECT power(2, 10) AS a, power(2.0, 3) AS b, power(2::float8, 0.5::float8) AS c, power(9.0, 0.5) AS d, pg_typeof(power(2, 3)) AS e, pg_typeof(power(2.0, 3)) AS f, power(10, -2) AS g;
SELECT power(0, -1);
SELECT power(-8, 0.5::float8);
SELECT power(10::float8, 400);
SELECT sign(-2.5) AS a, sign(0) AS b, sign(3.5::float8) AS c, abs(-1.50) AS d, abs(-1.5::float8) AS e, mod(7.5, 2) AS f, mod(10, 3.3) AS g, -(-1.5) AS h, + 4 AS i;
SELECT 1.10 = 1.1 AS eq, 1.10::text AS txt, 0.1 + 0.2 = 0.3 AS exact, 'NaN'::numeric = 'NaN'::numeric AS nan_eq, 'NaN'::numeric > 1e100 AS nan_gt;

-- floats
SELECT 1.5::float4 AS a, 0.1::float4 AS b, 0.1::float8 AS c, 1e15::float8 AS d, 1e16::float8 AS e, 123456789.123::float8 AS f, 1e-5::float8 AS g, 0.0001::float8 AS h, 1e21::float8 AS i, 16777217::float4 AS j;
SELECT 'NaN'::float8 AS a, 'Infinity'::float8 AS b, '-inf'::float4 AS c, '-0'::float8 AS d, 'infinity'::float8 > 1e308 AS e, 'NaN'::float8 = 'NaN'::float8 AS f;
SELECT 0.1::float8 + 0.2::float8 AS a, 1::float8 / 3 AS b, 1::float4 / 3::float4 AS c, 2.5::float8 * 2 AS d, 0.1::float4::float8 AS e, 1/3::float8::numeric AS f, 0.1::float8::numeric AS g, 1234567.891::float4 AS h;
SELECT 1::float8 / 0;
SELECT 0::float4 / 0::float4;
SELECT 1e308::float8 * 10;
SELECT 1e-300::float8 * 1e-300::float8;
SELECT '1e400'::float8;
SELECT '1e39'::float4;
SELECT 'xyz'::float8;
SELECT ''::float4;
SELECT 1e300::float8::float4;
SELECT 5.0::float8 % 2;
SELECT real '2.5' AS r, double precision '2.5' AS d, float '1' AS f, CAST(1 AS real) AS cr, pg_typeof(CAST(1 AS float)) AS tf, pg_typeof(1::float(10)) AS tf10;

-- text, varchar, char
SELECT 'it''s' AS quoted, E'tab\there' AS esc, E'uni\u00e9' AS uni, $$dollar 'q'$$ AS dollar, $x$a$$b$x$ AS tagged, 'con'
'cat' AS continued;
SELECT 'abcdef'::varchar(3) AS v, 'abcdef'::char(3) AS c, 'ab'::char(5) AS padded, length('ab'::char(5)) AS len, octet_length('ab'::char(5)) AS olen, 'ab'::char(5) || '|' AS cat, 'ab'::char(5) = 'ab' AS eq;
SELECT 123::text AS a, 1.50::text AS b, (1.0::float8)::text AS c, true::varchar AS d, 12345::varchar(3) AS e, 'x'::char AS f, 'xyz'::char AS g;
SELECT pg_typeof('a'::varchar) AS a, pg_typeof('a'::char(2)) AS b, pg_typeof('a'::text) AS c, pg_typeof('a' || 'b') AS d, pg_typeof('a'::varchar || 'b'::varchar) AS e;
SELECT 'a' < 'b' AS a, 'B' < 'a' AS b, 'abc' < 'abcd' AS c, 'a ' = 'a' AS d, '' IS NULL AS e, 'é' > 'z' AS f;
SELECT 'a'::varchar(0);

-- bytea
SELECT '\xdeadBEEF'::bytea AS a, 'abc'::bytea AS b, '\x'::bytea AS c, 'a\\b\001'::bytea AS d, length('\x0102'::bytea) AS e, octet_length('\x010203'::bytea) AS f;
SELECT '\x01'::bytea || '\x02'::bytea AS cat, '\x01'::bytea < '\x02'::bytea AS lt, '\x61'::bytea = 'a'::bytea AS eq, pg_typeof('\x00'::bytea) AS t;
SELECT '\xabc'::bytea;
SELECT '\xzz'::bytea;
SELECT 'a\b'::bytea;

-- typed columns
SET client_min_messages = warning;
DROP TABLE IF EXISTS t_types;
RESET client_min_messages;
CREATE TABLE t_types (id int PRIMARY KEY, b boolean, i2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision, n numeric, np numeric(6,2), t text, v varchar(5), c char(4), by bytea);
INSERT INTO t_types VALUES (1, true, 1, 2, 3, 1.5, 2.5, 3.14159, 3.14159, 'text', 'varch', 'ch', '\x0102');
INSERT INTO t_types VALUES (2, 'f', '10', '20', '30', '1.25', '2.25', '1.10', '1.1', 'two', 'v', 'c', 'bytes');
INSERT INTO t_types VALUES (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO t_types (id, i2, i4, i8, np) VALUES (4, 2.5, 3.5, 4.4, 1234.565);
INSERT INTO t_types (id, f4, f8, n) VALUES (5, 1, 2, 3);
SELECT * FROM t_types ORDER BY id;
INSERT INTO t_types (id, i2) VALUES (10, 40000);
INSERT INTO t_types (id, i4) VALUES (10, 3000000000);
INSERT INTO t_types (id, np) VALUES (10, 12345.6);
INSERT INTO t_types (id, v) VALUES (10, 'toolong');
INSERT INTO t_types (id, c) VALUES (10, 'toolong');
INSERT INTO t_types (id, v, c) VALUES (11, 'abcde   ', 'ab       ');
INSERT INTO t_types (id, v) VALUES (12, 'abcdef'::varchar(5));
INSERT INTO t_types (id, i4) VALUES (10, 'ten');
INSERT INTO t_types (id, b) VALUES (10, 'perhaps');
INSERT INTO t_types (id, t) VALUES (13, 42);
UPDATE t_types SET v = 'much too long' WHERE id = 1;
UPDATE t_types SET i2 = i2 * 40000 WHERE id = 1;
SELECT id, v, length(v) AS lv, c, length(c) AS lc, t FROM t_types WHERE id > 10 ORDER BY id;

-- aggregate result types
SELECT pg_typeof(sum(i2)) AS i2, pg_typeof(sum(i4)) AS i4, pg_typeof(sum(i8)) AS i8, pg_typeof(sum(f4)) AS f4, pg_typeof(sum(f8)) AS f8, pg_typeof(sum(n)) AS n FROM t_types;
SELECT pg_typeof(avg(i2)) AS i2, pg_typeof(avg(i4)) AS i4, pg_typeof(avg(i8)) AS i8, pg_typeof(avg(f4)) AS f4, pg_typeof(avg(f8)) AS f8, pg_typeof(avg(n)) AS n FROM t_types;
SELECT pg_typeof(min(i2)) AS i2, pg_typeof(max(v)) AS v, pg_typeof(max(c)) AS c, pg_typeof(count(*)) AS cnt FROM t_types;
SELECT sum(i2) AS s2, sum(i4) AS s4, sum(i8) AS s8, sum(f4) AS sf4, sum(f8) AS sf8, sum(n) AS sn, sum(np) AS snp FROM t_types;
SELECT avg(i2) AS s2, avg(i4) AS s4, avg(i8) AS s8, avg(f4) AS sf4, avg(f8) AS sf8, avg(n) AS sn, avg(np) AS snp FROM t_types;
SELECT min(b::int) AS minb, max(t) AS maxt, min(v) AS minv, max(c) AS maxc, count(b) AS cb, count(*) AS c FROM t_types;
SELECT sum(b) FROM t_types;
SELECT max(b) FROM t_types;
SELECT sum(t) FROM t_types;

-- mixed comparisons
SELECT id FROM t_types WHERE i4 = 2.0 ORDER BY id;
SELECT id FROM t_types WHERE i4 > 2.5 ORDER BY id;
SELECT id FROM t_types WHERE f8 = '2.25' ORDER BY id;
SELECT id FROM t_types WHERE c = 'ch' ORDER BY id;
SELECT id FROM t_types WHERE by = '\x0102' ORDER BY id;
SELECT id FROM t_types WHERE b ORDER BY id;
SELECT id FROM t_types WHERE i4;
SELECT id FROM t_types WHERE t = 5;
SELECT id FROM t_types WHERE i4 = 'abc';
SELECT 1 + 'a';
SELECT 1 + '2' AS unknown_to_int;
SELECT 'a'::text + 1;
SELECT true + 1;
SELECT -'a'::text;
SELECT NOT 1;

-- greatest, least, coalesce, nullif, case
SELECT greatest(1, 3, 2) AS g, least(1, 3, 2) AS l, greatest(1, NULL, 2) AS gn, least(NULL::int, NULL) AS ln, greatest('a', 'b') AS gt, greatest(1, 2.5) AS gm, pg_typeof(greatest(1, 2.5)) AS gmt;
SELECT coalesce(NULL, 1) AS a, coalesce(NULL, NULL, 'x') AS b, coalesce(NULL::int, 2.5) AS c, coalesce(NULL) IS NULL AS d, nullif(1, 1) AS e, nullif(1, 2) AS f, nullif('a', 'b') AS g;
SELECT CASE WHEN 1 = 1 THEN 'yes' ELSE 'no' END, CASE 2 WHEN 1 THEN 'one' WHEN 2 THEN 'two' END, CASE 9 WHEN 1 THEN 'one' END, CASE WHEN NULL THEN 1 ELSE 2 END;
SELECT CASE WHEN true THEN 1 ELSE 2.5 END AS v, pg_typeof(CASE WHEN true THEN 1 ELSE 2.5 END) AS t, pg_typeof(coalesce(1::int2, 1::int8)) AS ct;
SELECT id, CASE WHEN i4 IS NULL THEN 'null' WHEN i4 > 10 THEN 'big' ELSE 'small' END AS size FROM t_types ORDER BY id;
SELECT CASE WHEN i4 <> 0 THEN 100 / i4 ELSE 0 END AS safe FROM t_types WHERE id IN (1, 2) ORDER BY id;
SELECT coalesce(1, 'a');
SELECT CASE WHEN true THEN 1 ELSE 'x' END;
SELECT CASE WHEN true THEN 1 ELSE true END;
SELECT greatest(1, true);
SELECT nullif(1, 'a');
SELECT CASE WHEN 1 THEN 2 END;
SELECT 1::nosuchtype;
SELECT CAST(1 AS date);
SELECT true::numeric;
SELECT '\x01'::bytea::int;
CREATE TABLE t_bad (a nosuchtype);
CREATE TABLE t_bad (a numeric(0));
CREATE TABLE t_bad (a numeric(5,2,1));
CREATE TABLE t_bad (a int(4));
DROP TABLE t_types;
