-- 03 strings: functions, operators, pattern matching, encodings
SET timezone = 'UTC';

-- concatenation and length
SELECT 'foo' || 'bar' AS a, 'n=' || 42 AS b, 1.5 || 'x' AS c, 'a' || NULL AS d, true || '!' AS e, 'd:' || date '2024-01-02' AS f;
SELECT 1 || 2;
SELECT length('héllo') AS l, char_length('héllo') AS cl, character_length('') AS e, octet_length('héllo') AS ol, length(NULL) AS n;
SELECT length('日本語') AS l, octet_length('日本語') AS o, upper('abc') AS u, lower('ABC Def') AS w, initcap('hello wORLD foo-bar 2nd') AS i;
SELECT length(5);
SELECT upper(1);

-- substring family
SELECT substring('abcdef' FROM 2 FOR 3) AS a, substring('abcdef' FROM 4) AS b, substring('abcdef' FOR 2) AS c, substring('abcdef', 2, 3) AS d, substring('abcdef', 3) AS e, substr('abcdef', 2, 2) AS f, substr('abcdef', 5) AS g;
SELECT substring('abcdef' FROM 0 FOR 3) AS a, substring('abcdef' FROM -1 FOR 4) AS b, substring('abcdef' FROM 10) AS c, substr('héllo', 2, 1) AS d, substring('abc' FROM 2 FOR 0) AS e;
SELECT substring('abcdef' FROM 2 FOR -1);
SELECT left('abcdef', 2) AS a, left('abcdef', -2) AS b, right('abcdef', 2) AS c, right('abcdef', -2) AS d, left('abc', 10) AS e, left('abc', 0) AS f, right('héé', 1) AS g;
SELECT position('c' IN 'abcabc') AS a, position('z' IN 'abc') AS b, position('' IN 'abc') AS c, strpos('abcabc', 'bc') AS d, strpos('héllo', 'l') AS e;

-- trimming, padding
SELECT '[' || trim('  x  ') || ']' AS a, '[' || ltrim('  x  ') || ']' AS b, '[' || rtrim('  x  ') || ']' AS c, '[' || btrim('  x  ') || ']' AS d;
SELECT trim(BOTH 'x' FROM 'xxabcxx') AS a, trim(LEADING 'x' FROM 'xxabcxx') AS b, trim(TRAILING 'x' FROM 'xxabcxx') AS c, ltrim('zzytest', 'xyz') AS d, rtrim('testxxzx', 'xyz') AS e, btrim('xyxtrimyyx', 'xyz') AS f, trim('xabcx', 'x') AS g, trim(FROM '  q ') AS h;
SELECT lpad('hi', 5) AS a, lpad('hi', 5, 'xy') AS b, rpad('hi', 5, 'xy') || '|' AS c, lpad('toolong', 3) AS d, rpad('toolong', 3) AS e, lpad('42', 6, '0') AS f, rpad('hi', 4) || '|' AS g, lpad('x', 3, '') AS h;
SELECT repeat('ab', 3) AS a, repeat('ab', 0) AS b, repeat('x', -1) AS c, reverse('abc') AS d, reverse('héé') AS e, replace('abcabc', 'b', 'XX') AS f, replace('abc', '', 'x') AS g, replace('aaa', 'a', '') AS h;

-- splitting, joining, mapping
SELECT split_part('a,b,c', ',', 2) AS a, split_part('a,b,c', ',', 5) AS b, split_part('a,b,c', ',', -1) AS c, split_part('abc', ',', 1) AS d, split_part('a--b--c', '--', 3) AS e;
SELECT split_part('a,b,c', ',', 0);
SELECT concat();
SELECT concat('a', 1, NULL, true, 2.50) AS a, concat(NULL) AS b, concat_ws(', ', 'a', NULL, 'b', 3) AS c, concat_ws(NULL, 'a', 'b') AS d, concat_ws('-', NULL, NULL) AS e;
SELECT translate('12345', '143', 'ax') AS a, translate('hello', 'el', 'ip') AS b, starts_with('alphabet', 'alph') AS c, starts_with('alphabet', 'beta') AS d;
SELECT md5('abc') AS a, md5('') AS b, ascii('A') AS c, ascii('é') AS d, ascii('') AS e, chr(65) AS f, chr(233) AS g, chr(8364) AS h;
SELECT chr(0);
SELECT chr(-1);

-- LIKE
SELECT 'abc' LIKE 'abc' AS a, 'abc' LIKE 'a%' AS b, 'abc' LIKE '_b_' AS c, 'abc' LIKE 'c' AS d, 'abc' NOT LIKE '%z%' AS e, 'ABC' ILIKE 'a%' AS f, 'ABC' NOT ILIKE 'a%' AS g, NULL LIKE 'a' AS h, '' LIKE '%' AS i;
SELECT '10%' LIKE '10\%' AS a, '100' LIKE '10\%' AS b, '10%' LIKE '10#%' ESCAPE '#' AS c, 'a_b' LIKE 'a$_b' ESCAPE '$' AS d, 'axb' LIKE 'a$_b' ESCAPE '$' AS e, 'a\b' LIKE 'a\b' ESCAPE '' AS f, 'héllo' LIKE 'h_llo' AS g, E'a\nb' LIKE 'a%b' AS h;
SELECT 'abc' ~~ 'a%' AS a, 'abc' !~~ 'a%' AS b, 'abc' ~~* 'A%' AS c, 'abc' !~~* 'A%' AS d;
SELECT 'abc' LIKE 'ab\';
SELECT 'abc' LIKE 'a#bc' ESCAPE '##';
SELECT 1 LIKE '1';

-- regular expressions
SELECT 'abc' ~ 'b' AS a, 'abc' ~ '^a' AS b, 'abc' ~ 'c$' AS c, 'abc' ~ '^b' AS d, 'ABC' ~* 'abc' AS e, 'abc' !~ 'x' AS f, 'ABC' !~* 'abc' AS g, 'abc123' ~ '^[a-z]+[0-9]+$' AS h, 'foo.bar' ~ 'o\.b' AS i, 'ab' ~ 'a|x' AS j, 'tel 555-1234' ~ '\d{3}-\d{4}' AS k;
SELECT 'abc' ~ '(';
SELECT 'abc' ~ '[a';
SELECT 'abc' ~ '*a';

-- format and quoting
SELECT format('Hello %s', 'World') AS a, format('%s, %s', 1, NULL) AS b, format('%I = %L', 'my col', 'it''s') AS c, format('%I', 'plain') AS d, format('%L', NULL) AS e, format('100%%') AS f, format('%2$s %1$s', 'a', 'b') AS g, format('[%5s][%-5s]', 'ab', 'cd') AS h, format('%I', 'select') AS i, format('%L', 'back\slash') AS j, format('no args') AS k;
SELECT format('%s %s', 'only one');
SELECT format('%z', 1);
SELECT format('%I', NULL);
SELECT quote_literal('it''s') AS a, quote_literal(42) AS b, quote_literal('a\b') AS c, quote_ident('simple') AS d, quote_ident('Needs Quotes') AS e, quote_ident('with"quote') AS f, quote_ident('order') AS g, quote_nullable(NULL) AS h, quote_nullable('x') AS i, quote_literal(NULL) AS j;

-- encode and decode
SELECT encode('\xdeadbeef'::bytea, 'hex') AS a, encode('hello'::bytea, 'base64') AS b, decode('deadbeef', 'hex') AS c, decode('aGVsbG8=', 'base64') AS d, encode('a\\b\000'::bytea, 'escape') AS e, encode('', 'hex') AS f;
SELECT decode('xyz', 'hex');
SELECT decode('abc', 'hex');
SELECT decode('a!b=', 'base64');
SELECT encode('abc'::bytea, 'rot13');

-- tables of strings
SET client_min_messages = warning;
DROP TABLE IF EXISTS t_people;
RESET client_min_messages;
CREATE TABLE t_people (id int PRIMARY KEY, first varchar(20), last text, email text, code char(4), note text);
INSERT INTO t_people VALUES
  (1, 'Ada', 'Lovelace', 'ada@example.com', 'A1', 'first 100%'),
  (2, 'Grace', 'Hopper', 'grace@navy.mil', 'G22', 'under_score'),
  (3, 'Alan', 'Turing', NULL, 'T333', 'back\slash'),
  (4, 'Edsger', 'Dijkstra', 'ewd@example.com', '', ''),
  (5, 'Barbara', 'Liskov', 'liskov@example.org', NULL, NULL);
SELECT id, first || ' ' || last AS name, upper(left(first, 1)) || '. ' || last AS short FROM t_people ORDER BY id;
SELECT id, coalesce(email, '(none)') AS email, split_part(email, '@', 2) AS domain, strpos(email, '@') AS at FROM t_people ORDER BY id;
SELECT id, code, length(code) AS len, code || '|' AS cat, '[' || code::text || ']' AS br FROM t_people ORDER BY id;
SELECT id FROM t_people WHERE email LIKE '%@example.%' ORDER BY id;
SELECT id FROM t_people WHERE email NOT LIKE '%@example.%' ORDER BY id;
SELECT id FROM t_people WHERE first ILIKE 'a%' ORDER BY first;
SELECT id FROM t_people WHERE note LIKE '%\%' ORDER BY id;
SELECT id FROM t_people WHERE note LIKE '%\_%' ORDER BY id;
SELECT id FROM t_people WHERE note LIKE '%!%%' ESCAPE '!' ORDER BY id;
SELECT id FROM t_people WHERE last ~ '^[A-L]' ORDER BY last;
SELECT id FROM t_people WHERE last ~* 'L.*v' ORDER BY last;
SELECT id FROM t_people WHERE code = 'A1' OR code = 'A1  ' ORDER BY id;
SELECT id FROM t_people WHERE lower(first) = 'ada';
SELECT id FROM t_people WHERE note = '' ORDER BY id;
SELECT id, length(note) FROM t_people ORDER BY length(note) NULLS FIRST, id;
SELECT string_agg(first, ', ' ORDER BY first) AS names FROM t_people;
SELECT string_agg(email, '; ' ORDER BY id) AS emails, string_agg(NULL::text, ',') AS nothing FROM t_people;
SELECT string_agg(first, ' < ' ORDER BY length(first) DESC, first) AS by_len, string_agg(DISTINCT left(last, 1), '' ORDER BY left(last, 1)) AS initials FROM t_people;
SELECT split_part(email, '@', 2) AS domain, string_agg(first, ',' ORDER BY first DESC) AS who FROM t_people GROUP BY 1 ORDER BY 1 NULLS FIRST;
SELECT string_agg(id, ',') FROM t_people;
SELECT string_agg(id::text, ',' ORDER BY id) FROM t_people WHERE id > 100;
SELECT min(first) AS mn, max(last) AS mx, count(DISTINCT split_part(email, '@', 2)) AS domains FROM t_people;
SELECT md5(string_agg(first || last, '' ORDER BY id)) AS fingerprint FROM t_people;
SELECT concat_ws(' ', first, last, email) AS line FROM t_people ORDER BY 1;
SELECT format('%s <%s>', first, email) AS addr FROM t_people ORDER BY id;
SELECT format('INSERT INTO %I VALUES (%L, %L);', 'My People', first, note) AS stmt FROM t_people ORDER BY id;
UPDATE t_people SET email = replace(email, 'example', 'sample'), note = nullif(note, '') WHERE email LIKE '%example%';
SELECT id, email, note FROM t_people ORDER BY id;
UPDATE t_people SET first = repeat(first, 10) WHERE id = 2;
UPDATE t_people SET code = 'TOOLONG' WHERE id = 2;
INSERT INTO t_people (id, first) VALUES (6, E'multi\nline'), (7, E'tab\tand "quotes"'), (8, '日本語');
SELECT id, first FROM t_people WHERE id > 5 ORDER BY id;
SELECT first FROM t_people ORDER BY first;
SELECT first FROM t_people ORDER BY lower(last) DESC NULLS LAST, id;
SELECT DISTINCT left(email, 1) AS e FROM t_people ORDER BY e NULLS LAST;

-- errors
SELECT nosuchfunc('a');
SELECT upper('a', 'b');
SELECT repeat('a');
SELECT lpad(1, 2);
SELECT substring(12345 FROM 2 FOR 2);
SELECT 'a' - 'b';
SELECT 'a'::text - 'b'::text;
SELECT 'literal; over
two lines';
SELECT E'bad \x';
SELECT E'\u12';
SELECT "double quoted";
SELECT 'a' AS "Mixed Case", 'b' AS MixedCase, 'c' AS "with ""quotes""";
DROP TABLE t_people;
