-- Types json and jsonb.

-- Input and output.
SELECT '{"b": 1,   "a": [1, 2.50, "x\u00e9\n", null, true], "b": 2}'::json;
SELECT '{"bb": 1,   "a": [1, 2.50, "x\u00e9\n", null, true], "bb": 2, "": {}}'::jsonb;
SELECT '1e2'::jsonb, '-0.00'::jsonb, '12345678901234567890.123456789'::jsonb, ' "a" '::jsonb, ' [ ] '::json;
SELECT '"\ud83d\ude00 \/ \" \\"'::jsonb, '"\ud83d\ude00"'::json, '"\u0001"'::jsonb;
SELECT ''::json;
SELECT ' '::jsonb;
SELECT '{"a": 1, }'::json;
SELECT '{"a" 1}'::json;
SELECT '{1: 2}'::json;
SELECT '{"a": 1 "b": 2}'::json;
SELECT '[1, 2 3]'::json;
SELECT '[1, 2'::json;
SELECT '[1, ]'::json;
SELECT '[,1]'::json;
SELECT 'true false'::json;
SELECT 'truex'::json;
SELECT '01'::json;
SELECT '1.'::json;
SELECT '1f2'::json;
SELECT '"abc'::json;
SELECT '"a\qc"'::json;
SELECT '"a\u00g1"'::json;
SELECT E'"a\nb"'::json;
SELECT '"\u0000"'::json;
SELECT '"\u0000"'::jsonb;
SELECT '"\ud800"'::jsonb;
SELECT '"\udc00"'::jsonb;
SELECT '"\ud800\ud800"'::jsonb;
SELECT '"\ud800x"'::jsonb;
SELECT '{"key": "a long value, of more than fifty characters in all", "and": an error}'::json;
SELECT E'{"one": 1,\n"two":,\n"three": 3}'::json;
SELECT 'å'::json;
SELECT jsonb '{"a": 1}', json '{"a":1}', pg_typeof('1'::jsonb), pg_typeof('{}'::json[]);
SELECT ARRAY['{"a": 1}'::jsonb, '"x"'], '{"{\"a\": 1}", null}'::jsonb[], ARRAY['[1]'::json]::text;

-- Comparison of jsonb.
SELECT '{"a": 1, "b": 2}'::jsonb = '{"b": 2.0, "a": 1.00}'::jsonb, '1'::jsonb = '"1"'::jsonb, '[1]'::jsonb <> '[1, 1]';
SELECT v FROM (VALUES ('null'::jsonb), ('[]'), ('{}'), ('"b"'), ('"a"'), ('10'), ('9'), ('-1'), ('1.5'), ('true'), ('false'),
  ('[1]'), ('[0, 0]'), ('[[]]'), ('[null]'), ('{"a": 1}'), ('{"b": 0}'), ('{"a": 2}'), ('{"a": 1, "b": 1}'), ('{"aa": 1}'), ('"aa"')) t(v) ORDER BY v;
SELECT v, count(*) FROM (VALUES ('1'::jsonb), ('1.0'), ('"1"'), ('[1]'), ('[1.00]')) t(v) GROUP BY v ORDER BY v;
SELECT DISTINCT v FROM (VALUES ('[1, 2]'::jsonb), ('[1,2]'), ('[2,1]')) t(v) ORDER BY 1;
SELECT '1'::json = '1'::json;
SELECT '1'::json = '1';
SELECT v FROM (VALUES ('1'::json)) t(v) ORDER BY v;
SELECT DISTINCT v FROM (VALUES ('1'::json)) t(v);
SELECT v FROM (VALUES ('1'::json)) t(v) GROUP BY v;
SELECT count(DISTINCT v) FROM (VALUES ('1'::json)) t(v);
SELECT max(v) FROM (VALUES ('1'::jsonb)) t(v);

-- Parts.
SELECT j -> 'a', j -> 'b', j -> 'x', j -> 0, j ->> 'a', j ->> 'b', j ->> 'c', j ->> 'n' FROM
  (VALUES ('{"a": [1,  2, {"x": "y"}], "b": {"k" : "v"}, "c": "text", "n": null}'::json)) t(j);
SELECT j -> 'a', j -> 'b', j -> 'x', j -> 0, j ->> 'a', j ->> 'b', j ->> 'c', j ->> 'n' FROM
  (VALUES ('{"a": [1,  2, {"x": "y"}], "b": {"k" : "v"}, "c": "text", "n": null}'::jsonb)) t(j);
SELECT j -> 0, j -> 2, j -> -1, j -> 3, j -> -4, j ->> 2, j ->> 1, j -> 'a' FROM (VALUES ('[1, null, {"a":  "b"}]'::json)) t(j);
SELECT j -> 0, j -> 2, j -> -1, j -> 3, j -> -4, j ->> 2, j ->> 1, j -> 'a' FROM (VALUES ('[1, null, {"a":  "b"}]'::jsonb)) t(j);
SELECT '1'::jsonb -> 0, '1'::jsonb -> 1, '1'::json -> 0, '"a"'::jsonb -> 'a', '"a"'::json -> 'a';
SELECT j #> '{a,2,x}', j #>> '{a,2,x}', j #> '{a,-1}', j #>> '{b}', j #> '{a,y}', j #> '{}', j #> '{a,null}' FROM
  (VALUES ('{"a": [1,  2, {"x": "y"}], "b": null}'::json)) t(j);
SELECT j #> '{a,2,x}', j #>> '{a,2,x}', j #> '{a,-1}', j #>> '{b}', j #> '{a,y}', j #> '{}', j #> '{a,null}' FROM
  (VALUES ('{"a": [1,  2, {"x": "y"}], "b": null}'::jsonb)) t(j);
SELECT '"foo"'::json #>> '{}', '"foo"'::jsonb #>> '{}', json_extract_path('{"a": {"b": [7]}}', 'a', 'b', '0'),
  jsonb_extract_path_text('{"a": {"b": ["x"]}}', 'a', 'b', '0'), jsonb_extract_path('[1]', NULL);
SELECT ('{"a": [1, {"b": 2}]}'::jsonb)['a'], ('{"a": [1, {"b": 2}]}'::jsonb)['a'][1]['b'], ('[1, 2]'::jsonb)[-1], ('{}'::jsonb)['a'][NULL];
SELECT ('[1, 2]'::jsonb)[0:1];
SELECT ('[1, 2]'::jsonb)[1.5];
SELECT ('[1, 2]'::json)[1];
SELECT '{"a": {"b": 1}}'::jsonb -> 'a' -> 'b' = '1' AND '{"a": 1}'::jsonb ->> 'a' = '1';

-- Containment and keys.
SELECT '{"a": 1, "b": [1, 2, {"c": 3}]}'::jsonb @> '{"b": [{"c": 3}, 1]}', '{"a": 1}'::jsonb @> '{"a": "1"}', '[1, 2]'::jsonb @> '1',
  '[[1, 2]]'::jsonb @> '1', '[1, 2, 2]'::jsonb @> '[2, 2, 2]', '{"a": 1}'::jsonb <@ '{"a": 1.0, "b": 2}', '[]'::jsonb @> '{}', '1'::jsonb @> '[1]', '[{"a": 1}]'::jsonb @> '{"a": 1}';
SELECT '{"a": 1, "b": 2}'::jsonb ? 'a', '{"a": 1}'::jsonb ? 'x', '["a", 1]'::jsonb ? 'a', '[1]'::jsonb ? '1', '"a"'::jsonb ? 'a';
SELECT '{"a": 1, "b": 2}'::jsonb ?| '{x,b}', '{"a": 1, "b": 2}'::jsonb ?& '{a,b}', '{"a": 1}'::jsonb ?& '{a,x}', '{"a": 1}'::jsonb ?| '{}', '{"a": 1}'::jsonb ?& '{}';

-- Changes.
SELECT '{"a": 1}'::jsonb || '{"a": 2, "b": null}', '[1]'::jsonb || '2', '1'::jsonb || '[2, 3]', '1'::jsonb || '2', '{"a": 1}'::jsonb || '[]', '{"a": 1}'::jsonb || '"x"';
SELECT '{"a": 1, "b": 2}'::jsonb - 'a', '["a", "b", "a"]'::jsonb - 'a', '[1, 2, 3]'::jsonb - 1, '[1, 2, 3]'::jsonb - -1, '[1]'::jsonb - 5, '{"a": 1, "b": 2, "c": 3}'::jsonb - '{a,c}'::text[];
SELECT '{}'::jsonb - 1;
SELECT '1'::jsonb - 'a';
SELECT '1'::jsonb - 1;
SELECT '{"a": {"b": [1, 2, 3]}}'::jsonb #- '{a,b,1}', '{"a": 1}'::jsonb #- '{x,y}', '[1, 2]'::jsonb #- '{-1}', '{}'::jsonb #- '{a}';
SELECT '"a"'::jsonb #- '{a}';
SELECT '[1]'::jsonb #- '{a}';
SELECT jsonb_set('{"a": {"b": 1}}', '{a,b}', '[2]'), jsonb_set('{"a": {"b": 1}}', '{a,c}', '2'), jsonb_set('{"a": {"b": 1}}', '{a,c}', '2', false),
  jsonb_set('{"a": 1}', '{x,y}', '2'), jsonb_set('[1, 2]', '{5}', '3'), jsonb_set('[1, 2]', '{-9}', '0'), jsonb_set('[]', '{0}', '1'), jsonb_set('{"a": 1}', '{}', '2');
SELECT jsonb_insert('[1, 2]', '{1}', '"n"'), jsonb_insert('[1, 2]', '{1}', '"n"', true), jsonb_insert('{"a": {}}', '{a,b}', '1'), jsonb_insert('[1]', '{-5}', '0');
SELECT jsonb_insert('{"a": 1}', '{a}', '2');
SELECT jsonb_set('1', '{a}', '2');
SELECT jsonb_set('[1]', '{a}', '2');
SELECT jsonb_set('[1]', '{NULL}', '2');
SELECT jsonb_set('{"a": 1}', '{a}', NULL), jsonb_set_lax('{"a": 1}', '{a}', NULL), jsonb_set_lax('{"a": 1}', '{a}', NULL, true, 'delete_key'),
  jsonb_set_lax('{"a": 1}', '{a}', NULL, true, 'return_target'), jsonb_set_lax('{"a": 1}', '{b}', NULL, false, 'use_json_null'), jsonb_set_lax('{"a": 1}', '{b}', '2');
SELECT jsonb_set_lax('{"a": 1}', '{a}', NULL, true, 'raise_exception');
SELECT jsonb_set_lax('{"a": 1}', '{a}', NULL, true, 'nonsense');
SELECT json_strip_nulls('{"a": null, "b": {"c": null, "d": [null, {"e": null}]} }'), jsonb_strip_nulls('{"a": null, "b": {"c": null, "d": [null, {"e": null}]}}');

-- Other types.
SELECT to_json(1), to_json(1.50), to_json('x"y'::text), to_json(true), to_json('2020-01-02'::date), to_json('2020-01-02 03:04:05.6'::timestamp), to_json('NaN'::numeric), to_json('Infinity'::float8), to_json(NULL::int);
SELECT to_jsonb(1), to_jsonb(1.50), to_jsonb('x"y'::text), to_jsonb(true), to_jsonb('2020-01-02'::date), to_jsonb('infinity'::timestamp), to_jsonb('NaN'::float8), to_jsonb(1e20::float8), to_jsonb('{"a":1}'::json);
SET timezone = 'UTC';
SELECT to_json('2020-01-02 03:04:05+02'::timestamptz), to_jsonb(ARRAY['2020-01-02 03:04:05+02'::timestamptz, NULL]);
SELECT to_json(ARRAY[1, NULL, 3]), to_json(ARRAY[[1, 2], [3, 4]]), to_jsonb(ARRAY[['a'], ['b']]), to_json('{}'::int[]), array_to_json(ARRAY[[1, 2], [3, 4]], true), array_to_json(ARRAY['{"a":1}'::json]);
SELECT to_json('x');
SELECT array_to_json(1);
SELECT json_build_array(), json_build_array(1, 'a', NULL, true, ARRAY[1, 2], '{"a": 1}'::json, 1.50), jsonb_build_array(1, 'a', NULL, '{"a":1}'::jsonb, '{"b":1}'::json);
SELECT json_build_object(), json_build_object('a', 1, 2, NULL, true, ARRAY['x']), jsonb_build_object('b', 1, 'a', '{"x":1}'::json, 1.5, 'c', 'b', 2);
SELECT json_build_object('a');
SELECT json_build_object(NULL, 1);
SELECT jsonb_build_object(NULL::text, 1);
SELECT jsonb_build_object(ARRAY[1], 1);
SELECT json_object('{a,1,b,NULL}'), json_object('{{a,1},{b,2}}'), jsonb_object('{a,b}', '{1,2}'), json_object('{}');
SELECT json_object('{a,b,c}');
SELECT json_object('{{a},{b}}');
SELECT json_object('{a,b}', '{1}');
SELECT jsonb_object('{NULL,1}');
SELECT '1'::jsonb::int, '1.5'::jsonb::numeric, '1.5'::jsonb::int, 'true'::jsonb::bool, '1e3'::jsonb::float8, '7'::jsonb::bigint, '"a"'::jsonb::text, '{"a":1}'::json::jsonb, '{"b":1, "a":2}'::jsonb::json, '[1]'::text::jsonb;
SELECT '"1"'::jsonb::int;
SELECT 'null'::jsonb::int;
SELECT '[]'::jsonb::numeric;
SELECT '1'::jsonb::bool;
SELECT '70000'::jsonb::int2;
SELECT 1::jsonb;
SELECT json_typeof('{}'), json_typeof('[]'), json_typeof('"a"'), json_typeof('1'), json_typeof('true'), json_typeof('null'), jsonb_typeof('{}'), jsonb_typeof('1.5'), jsonb_typeof('null');
SELECT json_array_length('[1, [2, 3]]'), jsonb_array_length('[]');
SELECT json_array_length('{}');
SELECT jsonb_array_length('1');
SELECT jsonb_pretty('{"a": [1, {"b": []}], "c": {}, "d": "x"}');

-- Aggregates.
SELECT json_agg(x), jsonb_agg(x), json_agg(x ORDER BY x DESC), json_agg(DISTINCT x % 2), jsonb_agg(x) FILTER (WHERE x > 1) FROM generate_series(1, 3) x;
SELECT json_agg(ARRAY[x, x]), jsonb_agg(ARRAY[x]), json_agg(NULLIF(x, 2)), json_agg('{"a":  1}'::json) FROM generate_series(1, 3) x;
SELECT json_object_agg(x, x * 2 ORDER BY x), jsonb_object_agg('k' || x % 2, x ORDER BY x) FROM generate_series(1, 3) x;
SELECT json_agg(x), jsonb_object_agg(x, x) FROM generate_series(1, 0) x;
SELECT json_object_agg(NULL, 1);
SELECT jsonb_object_agg(ARRAY[1], 1);

-- Parts as rows.
SELECT * FROM json_each('{"a": 1, "b": {"c":  2}, "a": null}');
SELECT * FROM json_each_text('{"a": "x", "b": {"c":  2}, "a": null}') AS t(k, v) WHERE v IS NOT NULL;
SELECT * FROM jsonb_each('{"bb": 1, "a": {"c":  2}, "b": null}');
SELECT key, value FROM jsonb_each_text('{"bb": "x", "a": {"c":  2}, "b": null}') e;
SELECT * FROM json_array_elements('[1, "a", null, [1,  2]]');
SELECT * FROM json_array_elements_text('[1, "a", null, [1,  2]]');
SELECT value, ordinality FROM jsonb_array_elements('[1, "a", null, [1,  2]]') WITH ORDINALITY;
SELECT jsonb_array_elements_text('[1, "a", null]'), json_object_keys('{"b": 1, "a": 2}');
SELECT jsonb_object_keys('{"bb": 1, "a": 2}');
SELECT * FROM json_each('[1]');
SELECT * FROM json_each('1');
SELECT * FROM jsonb_each('[1]');
SELECT * FROM json_array_elements('{}');
SELECT * FROM json_array_elements_text('1');
SELECT * FROM jsonb_array_elements('{}');
SELECT jsonb_array_elements_text('1');
SELECT json_object_keys('[]');
SELECT jsonb_object_keys('1');

-- Paths.
SELECT '$.a[*] ? (@.b == 1 && !(@.c > 2 || exists(@.d))).type()'::jsonpath, 'lax $ . "a b" . * [last - 1 to last, 3] .** {2 to last}.** .**{3}'::jsonpath;
SELECT 'strict ($.a + 1) * 2 - -$.b / 3 % 4'::jsonpath, '$.a ? (@ like_regex "^a.b$" flag "iq" && @ starts with "x" || (@ == $var) is unknown)'::jsonpath;
SELECT ''::jsonpath;
SELECT '$.'::jsonpath;
SELECT '@.a'::jsonpath;
SELECT '$.a ? (last > 1)'::jsonpath;
SELECT '1 && 2'::jsonpath;
SELECT '"abc'::jsonpath;
SELECT '$ ? (@ like_regex "a" flag "z")'::jsonpath;
SELECT jsonb_path_query('{"a": [1, 2, {"b": 3}]}', '$.a[*]');
SELECT jsonb_path_query('[{"a": 1}, {"a": 2}, {"b": 3}]', '$.a'), jsonb_path_query('[1, 2, 3]', '$[*] ? (@ > $x)', '{"x": 1}');
SELECT jsonb_path_query('{"a": 1, "b": [2, {"c": 3}]}', '$.**');
SELECT jsonb_path_query('{"a": 1, "b": [2, {"c": 3}]}', '$.**{2}'), jsonb_path_query('{"a": 1, "b": [2, 4]}', 'strict $.**{last}');
SELECT jsonb_path_query_array('[1, 2, 3, 4]', '$[last, 0 to 1, 1.9]'), jsonb_path_query_array('{"a": [1, 2]}', '$.a.size() + 1'), jsonb_path_query_array('[-1.5, 2]', '$[*].abs()'),
  jsonb_path_query_array('[-1.5, "2.50"]', '$[*].double()'), jsonb_path_query_array('[1, "a", null, true, {}, []]', '$[*].type()'), jsonb_path_query_array('[1, 2]', '-$[*]');
SELECT jsonb_path_query_first('[1, 2]', '$[*]'), jsonb_path_query_first('[]', '$[*]'), jsonb_path_query('[1, "a"]', '$[*] > 1'), jsonb_path_query('[1]', 'strict $ ? (@ > 0)');
SELECT '1'::jsonb @? '$ + "x"', '1'::jsonb @@ '$ + 1', '1'::jsonb @@ '$ == 1', '1'::jsonb @@ '$ == "1"', '{"a": 1}'::jsonb @? '$.b', '{"a": {"b": [5]}}'::jsonb @? '$.a.b ? (@ == 5)';
SELECT '{"a": null}'::jsonb @@ '$.a == null', '{"a": 1}'::jsonb @@ '$.a != null', '{"a": "abc"}'::jsonb @@ '$.a starts with "ab"', '"ABC"'::jsonb @@ '$ like_regex "^a" flag "i"', '[1, "x"]'::jsonb @@ 'exists($[*] ? (@ == "x"))', '[]'::jsonb @@ '($ == 1) is unknown';
SELECT jsonb_path_exists('{"a": 1}', '$.a ? (@ == $v)', '{"v": 1}'), jsonb_path_match('1', '$ > 0'), jsonb_path_match('1', '$', '{}', true), jsonb_path_exists('{"a": 1}', 'strict $.b', '{}', true);
SELECT jsonb_path_match('1', '$');
SELECT jsonb_path_exists('{"a": 1}', 'strict $.b');
SELECT jsonb_path_query('1', 'strict $.b');
SELECT jsonb_path_query('1', 'strict $[0]');
SELECT jsonb_path_query('[1]', 'strict $[3]');
SELECT jsonb_path_query('[1]', '$["a"]');
SELECT jsonb_path_query('1', 'strict $[*]');
SELECT jsonb_path_query('1', 'strict $.*');
SELECT jsonb_path_query('[1, "a"]', '1 + $[*]');
SELECT jsonb_path_query('[1, 0]', '$[0] / $[1]');
SELECT jsonb_path_query('[1, "a"]', '-$[*]');
SELECT jsonb_path_query('1', '$x');
SELECT jsonb_path_query('1', '$x', '1');
SELECT jsonb_path_query('1', 'strict $.size()');
SELECT jsonb_path_query('"a"', '$.double()');
SELECT jsonb_path_query('true', '$.double()');
SELECT jsonb_path_query('"a"', '$.floor()');

-- In tables.
CREATE TABLE documents (id int PRIMARY KEY, raw json, body jsonb DEFAULT '{}');
INSERT INTO documents VALUES (1, '{"a":1,  "a": 2}', '{"kind": "x", "tags": ["one", "two"], "n": 1}'), (2, '[]', '{"kind": "y", "n": 2.0}'), (3, NULL, DEFAULT);
INSERT INTO documents VALUES (4, '{', '{}');
INSERT INTO documents VALUES (4, '{}', 'nonsense');
SELECT * FROM documents ORDER BY id;
SELECT id, body ->> 'kind' AS kind FROM documents WHERE body @> '{"tags": ["two"]}' OR (body -> 'n')::int = 2 ORDER BY id;
UPDATE documents SET body = jsonb_set(body, '{n}', to_jsonb((body ->> 'n')::numeric + 1)) WHERE body ? 'n' RETURNING id, body;
SELECT d.id, e.key, e.value FROM documents d, jsonb_each(d.body) e ORDER BY d.id, e.key;
CREATE INDEX ON documents (raw);
CREATE TABLE keyed (k json PRIMARY KEY);
CREATE TABLE keyed (k jsonb PRIMARY KEY);
INSERT INTO keyed VALUES ('1'), ('"a"'), ('[]'), ('{"a": 1}'), ('{"a": [1, 2]}'), ('[1, 2]'), ('null');
INSERT INTO keyed VALUES ('{"a": 1.0}');
SELECT * FROM keyed ORDER BY k;
SELECT * FROM keyed WHERE k = '{"a": 1.00}';
SELECT * FROM keyed WHERE k > '[1]' ORDER BY k DESC;
COPY documents TO STDOUT;
COPY documents FROM STDIN;
5	{"a": "b\\nc"}	{"b": "\\u00e9", "a": [1]}
\.
SELECT * FROM documents WHERE id = 5;
DROP TABLE documents;
DROP TABLE keyed;

-- Parts of a column are set.
CREATE TABLE parts (id int PRIMARY KEY, j jsonb);
INSERT INTO parts VALUES (1, '{"a": 1}'), (2, NULL), (3, '[1]'), (4, '5');
UPDATE parts SET j['b']['c'] = '[2]' WHERE id < 3;
UPDATE parts SET j['a'] = '"x"', j['d'] = NULL WHERE id = 1;
UPDATE parts SET j[3] = '"y"' WHERE id = 3;
SELECT * FROM parts ORDER BY id;
UPDATE parts SET j[-9] = '0' WHERE id = 3;
UPDATE parts SET j['a'] = '0' WHERE id = 3;
UPDATE parts SET j['a'] = '0' WHERE id = 4;
UPDATE parts SET j['a']['b'] = '0' WHERE id = 1;
UPDATE parts SET j[NULL] = '0' WHERE id = 1;
UPDATE parts SET j['a'] = 1;
INSERT INTO parts (id, j['k']) VALUES (5, '1') RETURNING j;
DROP TABLE parts;
