-- Arrays: types, input and output, constructors, subscripts, operators, functions.

-- Input and output
SELECT '{1,2,NULL,"a b"}'::text[];
SELECT '[0:2]={1,2,3}'::int[], '{{1,2},{3,4}}'::int[], '{}'::int[], ' { } '::int[];
SELECT '[1:1] = {1}'::int[], ' [1:1]={1}'::int[], '[1:1] [2:3]={{1,2}}'::int[], '[3]={1,2,3}'::int[], '[-2:-1]={1,2}'::int[];
SELECT '{a b , "c" , d\  }'::text[], '{\NULL,null,Null,"NULL"}'::text[], '{"a\"b",a\"b,\\}'::text[], '{ "" }'::text[];
SELECT array['', 'null', 'NULL', 'a"b', 'a\b', 'a,b', 'a{b', 'a b', 'x', E'\t', null];
SELECT '{t,f}'::bool[], '{1.50,NaN}'::numeric[], '{2020-01-01}'::date[], '{"2020-01-01 10:00"}'::timestamp[], '{\\x01}'::bytea[], '{1 day}'::interval[];
SELECT '{1e15,1.5}'::float8[], '{1e6}'::float4[], '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'::uuid[], '{04:05:06}'::time[], '{a,b}'::name[], '{1,2}'::oid[], '{int4,text}'::regtype[];
SELECT '{abcdef}'::varchar(3)[], '{ab}'::char(4)[], '{1.256}'::numeric(5,2)[];
SELECT '{1}'::int[][][3], '{1}'::_int4, '{a}'::pg_catalog._text, cast('{1}' as int array), cast('{1}' as int array[3]);
SET timezone TO 'Asia/Tokyo';
SELECT '{2020-01-01 00:00+00}'::timestamptz[], '{2020-01-01 00:00+00}'::timestamptz[]::text, array['2020-01-01 00:00+00'::timestamptz]::text[];
RESET timezone;
SET extra_float_digits TO -5;
SELECT array[1.123456789012345::float8], array[1.123456789012345::float8]::text, array_to_string(array[1.123456789012345::float8], ',');
RESET extra_float_digits;
SELECT '{1,{2}}'::int[];
SELECT '{{1},2}'::int[];
SELECT '{{1,2},{3}}'::int[];
SELECT '{1'::int[];
SELECT '{1}}'::int[];
SELECT 'abc'::int[];
SELECT '{,}'::int[];
SELECT '{1,}'::int[];
SELECT '{"a" b}'::text[];
SELECT '{"}'::text[];
SELECT '{a\'::text[];
SELECT '[1:2]={1}'::int[];
SELECT '[2:1]={1}'::int[];
SELECT '[]={1}'::int[];
SELECT '[1:]={1}'::int[];
SELECT '[1:2}={1}'::int[];
SELECT '[1:1]{1}'::int[];
SELECT '[1:1]=1'::int[];
SELECT '{{{{{{{1}}}}}}}'::int[];
SELECT '[2147483647:2147483647]={1}'::int[];
SELECT '{1,x}'::int[];
SELECT '{""}'::int[];

-- Types
SELECT pg_typeof('{1}'::int[]), pg_typeof(array['a'::varchar]), pg_typeof((array[1])[1]), pg_typeof((array[1])[1:1]), 'int[]'::regtype, '_text'::regtype, 'varchar[][]'::regtype;
SELECT 'foo[]'::regtype;
CREATE TABLE bad (a foo[]);
CREATE TABLE bad (a serial[]);
SELECT '{1}'::int[]::int;
SELECT '{1}'::int[]::bigint[], '{1.5}'::numeric[]::int[], '{1,2}'::int[]::text, '{1,2}'::text::int[], '{1,a}'::text[]::varchar(1)[], '{t}'::bool[]::text[];
SELECT '{1}'::int[]::date[];
SELECT '{a}'::text[]::int[];

-- Constructors
SELECT ARRAY[1,2,3], ARRAY[1, 2.5, '3'], ARRAY['a', null], ARRAY[null], ARRAY[ARRAY[1,2],ARRAY[3,4]], ARRAY[[1,2],[3,4]], ARRAY['{1,2}'::int[], '{3,4}'];
SELECT ARRAY[]::int[], ARRAY[[],[]]::int[], ARRAY[1,2]::text[], ARRAY['1','2']::int[], ARRAY[1.5,2.5]::int[], ARRAY[[1],[2.5]];
SELECT ARRAY[null::int[]], ARRAY['{}'::int[], '{}'::int[]];
SELECT ARRAY[];
SELECT ARRAY[1, 'a'];
SELECT ARRAY[1, true];
SELECT ARRAY[1, '{2}'::int[]];
SELECT ARRAY[[1,2],[3]];
SELECT ARRAY['{}'::int[], '{1}'::int[]];
SELECT ARRAY['a']::int[];
SELECT ARRAY[1]::date[];
SELECT ARRAY[[[[[[[1]]]]]]];
SELECT ARRAY(SELECT 1 UNION SELECT 2 ORDER BY 1), ARRAY(SELECT 1 WHERE false), ARRAY(SELECT array[1,2] UNION ALL SELECT array[3,4]), ARRAY(SELECT null), ARRAY(SELECT 'a');
SELECT ARRAY(SELECT 1, 2);
SELECT ARRAY(SELECT '{1}'::int[] UNION ALL SELECT '{1,2}');
SELECT x, ARRAY(SELECT x + y FROM (VALUES (1),(2)) w(y)) FROM (VALUES (10),(20)) v(x);

-- Subscripts
SELECT (array[1,2,3])[2], ('{1,2,3}'::int[])[2:3], (array[[1,2],[3,4]])[1][2], (array[[1,2],[3,4]])[1], (array[[1,2],[3,4]])[1:2][2];
SELECT (array[1,2,3])[null], (array[1,2,3])[0], (array[1,2,3])[:2], (array[1,2,3])[2:], (array[1,2,3])[:], (array[1,2,3])[3:2], (array[1,2,3])[null:2];
SELECT (array[1,2,3])['1'], (array[1,2,3])[1.6], (SELECT array[5,6])[2], ('[0:1]={5,6}'::int[])[0], ('[0:1]={5,6}'::int[])[0:1];
SELECT (array[1,2,3])['a'];
SELECT (array[1,2,3])[now()];
SELECT (1)[1];
SELECT ('a'::text)[1];
SELECT (array[1]).x;
SELECT array[1,2,3][1];
SELECT (array[1])[1][1][1][1][1][1][1];

-- ANY and ALL
SELECT 1 = ANY(array[1,2]), 3 = ANY('{1,2}'), 1 <> ALL(array[2,3]), 1 = ANY(array[2,null]), null = ANY(array[1]), null::int = ANY('{}'::int[]), 1 = ALL('{}'::int[]), 1 = ANY(null::int[]), 1 > SOME(array[0,5]);
SELECT 1 = ANY('{{1,2},{3,4}}'::int[]), 1.0 = ANY(array[1,2]), 1 = ANY(array[1.0]), 1::int8 = ANY(array[1]), 'a'::bpchar = ANY(array['a '::text]), 'a'::text = ANY(array['a '::bpchar]), 1 = ANY(array[]::int[]), 1 <> ALL(array[1,null]), 2 <> ALL(array[1,null]), 5 >= ALL(array[1,5]), 5 < ANY(array[1,5]);
SELECT 'a' LIKE ANY(array['b','a%']), 'a' NOT LIKE ALL(array['b','c%']), 'x' LIKE ALL(array['x%']), 'a' ~ ANY(array['b','^a']), 'a' ILIKE ANY('{A}'), 'a' LIKE ANY('{}'), 'a' LIKE ANY(array[null,'b']);
SELECT 1 = ANY(1);
SELECT 1 = ANY('1');
SELECT 1 = ANY(array['a']);
SELECT '{1}'::int[] = ANY(array['{1}'::int[]]);
SELECT '{1}'::int[] = ANY('{1}');
SELECT 1 = ANY('{1,a}');

-- Comparison
SELECT array[1,2] = array[1,2], array[1,2] < array[1,3], array[1,2] < array[1], array[1,null] < array[1,2], '[0:1]={1,2}'::int[] = array[1,2], '[0:1]={1,2}'::int[] < array[1,2], array[[1,2]] > array[1,2], array[1,2] <> array[[1,2]];
SELECT array[1] = '{1}', '{1}' = array[1], '{1.0}'::numeric[] = '{1.00}', '{a}'::char(3)[] = '{"a "}'::char(3)[], '{1}'::int[] IS DISTINCT FROM '{1}', '{1}'::int[] IN ('{1}','{2}'), '{1}'::int[] BETWEEN '{0}' AND '{2}', '{1}'::int[] IS NULL;
SELECT array[1] = array[1::int8];
SELECT array['a'::varchar] = array['a'::text];
SELECT array[1] = 1;
SELECT coalesce('{1}'::int[], '{2}'::numeric[]), greatest('{1}'::int[],'{2}'), least('{1}'::int[],'{1,2}'), nullif('{1}'::int[],'{1}'), CASE WHEN true THEN '{1}'::int[] ELSE '{2}' END;

-- Concatenation
SELECT array[1,2] || 3, 0 || array[1,2], array[1] || array[2], array[1] || '{2}', '{2}' || array[1], array[1] || null, null || array[1];
SELECT array['a'] || 'b'::text, array[1] || 2::int8, array[1] || 2.5, array[[1,2]] || array[3,4], array[1,2] || array[[3,4]], array[[1,2]]||array[[3,4]], '{}'::int[] || array[1], array[1] || '{}'::int[];
SELECT '[0:1]={1,2}'::int[] || 3, 3 || '[0:1]={1,2}'::int[], '[0:1]={1,2}'::int[] || '[5:6]={1,2}'::int[];
SELECT pg_typeof(array[1] || 2::int8), pg_typeof(array['a'::varchar] || 'b'::text), pg_typeof('{a}' || array['b'::name]);
SELECT array[1] || 'a';
SELECT array['a'] || 'b';
SELECT array[1] || 'x'::text;
SELECT array['b'] || 1;
SELECT array[[1,2]] || array[3];
SELECT array[[1,2]] || 3;
SELECT array[1] || array[[[1]]];

-- Containment
SELECT array[1,2,3] @> array[3,1], array[1] <@ array[1,2], array[1,2] && array[2,3], array[1] @> '{}', array[null::int] @> array[null::int], array[1,null] && array[null::int], array[1,null,2] @> array[1,2], array[[1,2],[3,4]] @> array[4,1];
SELECT array[1] @> array['a'];
SELECT array[1] @> array[1::int8];

-- Functions
SELECT array_length(array[1,2],1), array_length(array[1,2],2), array_length('{}'::int[],1), array_ndims(array[[1,2]]), array_ndims('{}'::int[]), array_dims(array[[1,2],[3,4]]), array_dims('[0:1]={1,2}'::int[]), array_dims('{}'::int[]);
SELECT array_upper('[0:1]={1,2}'::int[],1), array_lower('[0:1]={1,2}'::int[],1), cardinality(array[[1,2],[3,4]]), cardinality('{}'::int[]), array_length(array[1],0), array_length(null::int[],1);
SELECT array_length(1,1);
SELECT array_length(array[1,2], 1.5);
SELECT array_ndims(1);
SELECT array_append(array[1],2), array_append(null,1), array_append(null::int[],1), array_append(array[1],null), array_prepend(1,array[2]), array_prepend(1,null), array_cat(array[1],array[2]), array_cat(null,array[1]), array_cat(array[1],null);
SELECT array_append('{1}', 2), array_append(array[1], '2'), array_append(array[1], 2.5), array_cat('{a}','{b}'), array_append(null,null), array_cat(null,null);
SELECT array_append(array[[1]],2);
SELECT array_append(array[1], 'x'::text);
SELECT array_position(array['a','b','a'],'a'), array_position(array['a','b','a'],'a',2), array_position(array[1,null],null), array_positions(array[1,2,1],1), array_positions(array[1],2), array_position(array[1],2), array_position(null::int[],1), array_positions(null::int[], 1), array_position('[0:1]={1,2}'::int[], 1);
SELECT array_position(array[1], 1, null);
SELECT array_position(array[[1]],1);
SELECT array_remove(array[1,2,1],1), array_remove(array[1,null],null), array_remove('{}'::int[],1), array_remove(null::int[],1), array_remove('[5:6]={1,2}'::int[],1), array_remove(array[1],1);
SELECT array_remove(array[[1]],1);
SELECT array_replace(array[1,2,1],1,9), array_replace(array[[1,null]],null,3), array_replace(array[1],1,null), array_replace(array[1,2],1,2.5);
SELECT array_to_string(array[1,null,3],','), array_to_string(array[1,null,3],',','*'), array_to_string(array[[1,2],[3,4]],','), array_to_string('{}'::int[],','), array_to_string(array['a b'],','), array_to_string(array[true,false],','), array_to_string(null::int[],','), array_to_string(array[1],null);
SELECT string_to_array('a,b,,c',','), string_to_array('a,b',',','b'), string_to_array('abc',null), string_to_array('',','), string_to_array('abc',''), string_to_array(null,','), string_to_array('a,b',',',null), string_to_array('', null), string_to_array('','', '');
SELECT array_fill(7,array[3]), array_fill(7,array[2,2]), array_fill(7,array[2],array[5]), array_fill(null::int,array[2]), array_fill('x'::text,array[1]), array_fill(1,'{}'), array_fill(1,array[0]);
SELECT array_fill(7,null);
SELECT array_fill(7,array[[1]]);
SELECT array_fill(7,array[1,null]);
SELECT array_fill(7,array[1,1],array[1]);
SELECT array_fill(7,array[1,1,1,1,1,1,1]);
SELECT trim_array(array[1,2,3],2), trim_array(array[1,2],0), trim_array(array[[1,2],[3,4]],1), trim_array('[5:7]={1,2,3}'::int[],1), trim_array(array[1],1), trim_array('{}'::int[],0);
SELECT trim_array(array[1],2);
SELECT trim_array(array[1],-1);
SELECT regexp_match('foobarbequebaz','ba.'), regexp_match('foobarbequebaz','(bar)(beque)'), regexp_match('abc','x'), regexp_match('abc','(x)?b'), regexp_match('ABC','b','i');
SELECT regexp_match('abc','b','g');
SELECT regexp_match('abc','b','!');
SELECT regexp_split_to_array('a  b c','\s+'), regexp_split_to_array('abc',''), regexp_split_to_array('aXbxc','x','i'), regexp_split_to_array('',','), regexp_split_to_array('abc','b*'), regexp_split_to_array(' a ',' ');
SELECT regexp_split_to_array('a,b',',','g');
SELECT concat(VARIADIC array[1,2,3]), concat(VARIADIC array[true,null]), concat(VARIADIC '{}'::int[]) = '', concat(VARIADIC null::int[]) IS NULL, concat_ws(',', VARIADIC array[[1,2],[3,4]]), concat_ws(',', VARIADIC null::int[]) IS NULL, format('%s, %s', VARIADIC array['a','b']), format('Hello', VARIADIC null::text[]);
SELECT concat_ws(',', VARIADIC 10);
SELECT upper(VARIADIC array['a']);
SELECT width_bucket(5, array[1,3,5,10]), width_bucket(0.5, array[1,3]::numeric[]), width_bucket(5, '{}'), width_bucket('NaN'::float8, array[1,'NaN']::float8[]);
SELECT width_bucket(5, array[3,4,null]);
SELECT width_bucket(5, array[array[1,2],array[3,4]]);
SELECT pg_blocking_pids(0), pg_typeof(pg_blocking_pids(0)), pg_isolation_test_session_is_blocked(0, '{2}'), pg_isolation_test_session_is_blocked(0, array[1]);
SELECT pg_isolation_test_session_is_blocked(0, '{a}');

-- Aggregates
SELECT array_agg(x), array_agg(x ORDER BY x DESC), array_agg(DISTINCT x), array_agg(DISTINCT x ORDER BY x DESC), array_agg(x) FILTER (WHERE x > 1) FROM (VALUES (2),(1),(null),(2)) v(x);
SELECT array_agg(x) FROM (VALUES ('{1,2}'::int[]),('{3,4}')) v(x);
SELECT array_agg(x) FROM (VALUES ('{1,2}'::int[]),('{3}')) v(x);
SELECT array_agg(x) FROM (VALUES ('{1,2}'::int[]),(null)) v(x);
SELECT array_agg(x) FROM (VALUES ('{}'::int[]),('{}')) v(x);
SELECT array_agg(1) WHERE false;
SELECT array_agg('a');
SELECT array_agg(1,2);
SELECT x, array_agg(x) OVER (ORDER BY x) FROM (VALUES (2),(1)) v(x) ORDER BY x;
SELECT string_agg(DISTINCT x, ',') FROM (VALUES ('b'),('a'),('b')) v(x);
SELECT min(x), max(x), count(DISTINCT x) FROM (VALUES ('{1,2}'::int[]),('{1}'),('{1,null}'),('{1}')) v(x);
SELECT (array_agg(x ORDER BY x))[2] FROM (VALUES (2),(1)) v(x);

-- Tables
CREATE TABLE arrays (id int PRIMARY KEY, a int[], b text[] DEFAULT '{x,y}', c varchar(3)[], d int[3][4], e int ARRAY, f int ARRAY[4], g numeric(5,2)[], h _int4, i timestamp(0)[], j char(2)[]);
INSERT INTO arrays (id,a,c,g,i,j) VALUES (1,'{1,2,3}','{abc}','{1.255}','{"2020-01-01 10:00:00.6"}','{a}');
INSERT INTO arrays (id,c) VALUES (2,'{abcd}');
INSERT INTO arrays (id,c) VALUES (2,array['abcd']);
INSERT INTO arrays (id,c) VALUES (2,array['abcd']::varchar(3)[]);
INSERT INTO arrays (id,a) VALUES (3,array[1.5,2.5]);
INSERT INTO arrays (id,a) VALUES (4,array['1','2']);
INSERT INTO arrays (id,a) VALUES (4,array[]);
INSERT INTO arrays (id,a) VALUES (4,7);
INSERT INTO arrays (id,b,d) VALUES (5,array[1,2],array[[1,2],[3,4]]);
SELECT * FROM arrays ORDER BY id;
SELECT id, a[1], arrays.a[2], b[1:1], d[1][2] FROM arrays ORDER BY id;
SELECT id FROM arrays WHERE a[1] = 1 OR 4 = ANY(d) ORDER BY id;
SELECT id FROM arrays WHERE id = ANY(array[1,3,3,99]) ORDER BY id;
SELECT id FROM arrays WHERE id = ANY('{5,null,2}') ORDER BY id;
SELECT id FROM arrays WHERE id <> ALL('{5,2}') ORDER BY id;
SELECT id FROM arrays WHERE id = ANY('{1,5000000000}'::bigint[]) ORDER BY id;
SELECT id FROM arrays WHERE id = ANY(null::int[]) OR b @> '{y}' ORDER BY id;
SELECT a FROM arrays WHERE a > '{1}' ORDER BY a DESC NULLS LAST;
SELECT b, count(*) FROM arrays GROUP BY b ORDER BY b;
SELECT DISTINCT b FROM arrays ORDER BY b;
SELECT x.id, y.id FROM arrays x JOIN arrays y ON x.b = y.b AND x.id < y.id ORDER BY 1, 2;
COPY arrays (id, a, b, d) TO STDOUT;
COPY arrays (id, a, b) FROM STDIN;
10	{7,8}	{"a\\"b",NULL,"c\\\\d"}
11	[0:1]={1,2}	{}
\.
SELECT id, a, b FROM arrays WHERE id >= 10 ORDER BY id;
COPY arrays (id, a) FROM STDIN;
12	{1,2
\.
DROP TABLE arrays;

-- Elements and slices set
CREATE TABLE parts (id int PRIMARY KEY, a int[], b text[], c varchar(3)[], d int[], e int[] DEFAULT '{7,8}');
INSERT INTO parts (id, a, b) VALUES (1, '{1,2,3}', '{x,y}'), (2, null, null), (3, '{{1,2},{3,4}}', null);
UPDATE parts SET a[2] = 20 WHERE id = 1 RETURNING a;
UPDATE parts SET a[5] = 50 WHERE id = 1 RETURNING a;
UPDATE parts SET a[0] = 0 WHERE id = 1 RETURNING a;
UPDATE parts SET a[1:2] = '{100,200}' WHERE id = 1 RETURNING a;
UPDATE parts SET a[1:2] = array[7] WHERE id = 1;
UPDATE parts SET a[7:8] = array[7,8,9] WHERE id = 1 RETURNING a;
UPDATE parts SET a[3][1] = 1 WHERE id = 1;
UPDATE parts SET a[null] = 1 WHERE id = 1;
UPDATE parts SET a[1] = null WHERE id = 1 RETURNING a;
UPDATE parts SET a[1:1] = null WHERE id = 1 RETURNING a;
UPDATE parts SET a[1] = 'x' WHERE id = 1;
UPDATE parts SET a[1] = now() WHERE id = 1;
UPDATE parts SET a[1:2] = now() WHERE id = 1;
UPDATE parts SET a['x'] = 1 WHERE id = 1;
UPDATE parts SET id[1] = 1 WHERE id = 1;
UPDATE parts SET nope[1] = 1 WHERE id = 1;
UPDATE parts SET a[1] = 1, a[2] = 2, a[3] = 3 WHERE id = 2 RETURNING a;
UPDATE parts SET a[1] = a[2], b[1] = 'z' WHERE id = 2 RETURNING a, b;
UPDATE parts SET a[a[1]] = id + 40 WHERE id = 2 RETURNING a;
UPDATE parts SET a = null, a[1] = 2;
UPDATE parts SET a[1] = 2, a = null;
UPDATE parts SET a[1] = DEFAULT WHERE id = 2;
UPDATE parts SET d[2][2] = 5 WHERE id = 2 RETURNING d;
UPDATE parts SET a[2][2] = 9 WHERE id = 3 RETURNING a;
UPDATE parts SET a[1:2][1:1] = '{{5},{6}}' WHERE id = 3 RETURNING a;
UPDATE parts SET a[3][1] = 9 WHERE id = 3;
UPDATE parts SET a[:] = '{9,9,9}' WHERE id = 2 RETURNING a;
UPDATE parts SET a[:2] = '{8,8}' WHERE id = 2 RETURNING a;
UPDATE parts SET a[2:] = '{6,6}' WHERE id = 2 RETURNING a;
UPDATE parts SET d[:2] = '{1,2}' WHERE id = 1;
UPDATE parts SET d[2:3] = '{1,2}' WHERE id = 1 RETURNING d;
UPDATE parts SET c[1] = 'abcd' WHERE id = 2;
UPDATE parts SET c[1] = 'abc' WHERE id = 2 RETURNING c;
UPDATE parts SET (a[1], b[2]) = (5, 'q') WHERE id = 2 RETURNING a, b;
UPDATE parts SET (a[1], b[2]) = (SELECT 6, 'r') WHERE id = 2 RETURNING a, b;
UPDATE parts p SET e[1] = v.n FROM (VALUES (1, 70), (2, 80)) v(id, n) WHERE v.id = p.id RETURNING p.id, p.e;
INSERT INTO parts (id, a[1], a[2], b[1]) VALUES (10, 1, 2, 'x') RETURNING id, a, b, e;
INSERT INTO parts (id, a[1:2]) VALUES (11, '{1,2}') RETURNING id, a;
INSERT INTO parts (id, a[2], a[1]) SELECT 12, 20, 10 RETURNING id, a;
INSERT INTO parts (id, a[1]) VALUES (13, 1), (14, null) RETURNING id, a;
INSERT INTO parts (id, a[1], a) VALUES (15, 1, '{1}');
INSERT INTO parts (id, a, a[1]) VALUES (15, '{1}', 1);
INSERT INTO parts (id, a[1]) VALUES (15, DEFAULT);
INSERT INTO parts (id, a[1]) VALUES (15, 'x');
INSERT INTO parts (id) VALUES (10) ON CONFLICT (id) DO UPDATE SET a[3] = parts.a[1] + 100 RETURNING a;
SELECT id, a FROM parts WHERE id >= 10 ORDER BY id;
DROP TABLE parts;

-- Keys
CREATE TABLE keyed (k int[] PRIMARY KEY, v text[] UNIQUE, n numeric[]);
INSERT INTO keyed VALUES ('{2}','{a}','{1.00}'), ('{1,2}','{b}','{1.00}'), ('{1}','{a,b}','{2}'), ('{}','{}','{}'), ('{1,null}',null,null), ('{{1}}','{{a}}',null), ('[0:0]={1}',null,null);
INSERT INTO keyed VALUES ('{1,2}',null,null);
INSERT INTO keyed VALUES ('{9}','{{a}}',null);
SELECT k, v FROM keyed ORDER BY k;
SELECT k FROM keyed ORDER BY k DESC LIMIT 2;
SELECT k FROM keyed WHERE k = '{1,2}';
SELECT k FROM keyed WHERE k >= '{1}' AND k < '{2}' ORDER BY k;
SELECT k FROM keyed WHERE k IN ('{1}', '{2}', '{3}') ORDER BY k;
SELECT v FROM keyed WHERE v = '{a}';
SELECT min(k), max(k), min(v) FROM keyed;
SELECT n, count(*) FROM keyed GROUP BY n ORDER BY n;
CREATE INDEX keyed_n ON keyed (n);
SELECT k FROM keyed WHERE n = '{1}' ORDER BY k;
UPDATE keyed SET k = k || 5 WHERE k = '{2}' RETURNING k;
DELETE FROM keyed WHERE k = '{}' RETURNING *;
SELECT k FROM keyed ORDER BY k;

-- Set operations
SELECT '{1}'::int[] UNION SELECT '{2}'::bigint[] ORDER BY 1;
SELECT '{1}'::int[] UNION SELECT '{2}'::text[];
SELECT n FROM keyed WHERE n IS NOT NULL UNION SELECT '{1.00}' ORDER BY 1;
SELECT k FROM keyed INTERSECT SELECT '{1}'::int[] ORDER BY 1;
SELECT k FROM keyed EXCEPT ALL SELECT '{1}'::int[] ORDER BY 1;
SELECT k, 1::float8 FROM keyed INTERSECT SELECT '{1,2}'::int[], 1 ORDER BY 1;
SELECT array[1.0] INTERSECT ALL SELECT array[1.00];
SELECT 1.0 INTERSECT SELECT 1.00;
SELECT 1.0 EXCEPT SELECT 1.00;
DROP TABLE keyed;

-- Parameters
CREATE TABLE points (id int PRIMARY KEY, name text);
INSERT INTO points VALUES (1,'a'), (2,'b'), (3,'c'), (4,null);
PREPARE by_ids AS SELECT * FROM points WHERE id = ANY($1) ORDER BY id;
EXECUTE by_ids('{1,3,7,null}');
EXECUTE by_ids(array[2]);
EXECUTE by_ids('{}');
EXECUTE by_ids(null);
EXECUTE by_ids('x');
PREPARE by_names(text[]) AS SELECT id FROM points WHERE name = ANY($1) OR name LIKE ANY($1) ORDER BY id;
EXECUTE by_names('{a,"c%"}');
PREPARE parts(int[]) AS SELECT $1[1], $1[1:2], $1 || 5, array_length($1, 1);
EXECUTE parts('{5,6,7}');
PREPARE made AS SELECT array[$1,2], array_append($2, 2), $3 || array['x'];
EXECUTE made('7', '{1}', '{w}');
PREPARE untyped AS SELECT $1[1];
UPDATE points SET name = 'z' WHERE id = ANY(array[1,2]) RETURNING id;
DELETE FROM points WHERE id <> ALL(array[3,4]) RETURNING id;
SELECT * FROM points ORDER BY id;
DROP TABLE points;
