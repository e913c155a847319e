-- Enums: definitions, order, keys, functions, casts, and what depends on them.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
SELECT typname, typtype, typcategory, typlen, typbyval FROM pg_type WHERE typname IN ('mood', '_mood') ORDER BY 1;
SELECT enumlabel, enumsortorder FROM pg_enum WHERE enumtypid = 'mood'::regtype ORDER BY 2;
SELECT 'ok'::mood, 'nosuch'::mood;
SELECT 'ok'::mood, pg_typeof('ok'::mood), pg_typeof('{ok}'::mood[]), NULL::mood;
CREATE TYPE mood AS ENUM ('a');

CREATE TYPE empty_one AS ENUM ();
SELECT enum_range(NULL::empty_one), enum_first(NULL::empty_one);
CREATE TYPE long AS ENUM ('a123456789b123456789c123456789d123456789e123456789f123456789g1234');
SELECT 'ok'::mood < 'happy'::mood, 'ok'::mood = 'ok', 'sad' > 'ok'::mood, greatest('ok'::mood, 'sad');
SELECT 'ok'::mood = 'ok'::text;
SELECT 'ok'::text::mood, 'ok'::mood::text || '!', 'ok'::mood || '!';
SELECT 1::mood;
SELECT 'ok'::mood::int;
SELECT 'ok'::nosuch;
SELECT 'ok'::nosuch.mood;
SELECT 'ok'::public.mood, format_type('mood'::regtype, NULL), to_regtype('mood[]'), to_regtype('nomood');

-- As columns: keys, indexes, groups, sorts, joins
CREATE TABLE person (name text, now mood PRIMARY KEY, moods mood[], old mood DEFAULT 'ok');
INSERT INTO person VALUES ('a', 'happy', '{sad,ok}'), ('b', 'sad', ARRAY['happy','sad']::mood[]), ('c', 'ok', NULL);
INSERT INTO person VALUES ('d', 'sad');
INSERT INTO person VALUES ('d', 'x');
INSERT INTO person VALUES ('d', 1);
INSERT INTO person VALUES ('d', 'ok'::text);
SELECT * FROM person ORDER BY now;
SELECT * FROM person ORDER BY moods;
SELECT * FROM person WHERE now > 'sad' ORDER BY now DESC;
SELECT * FROM person WHERE now = ANY ('{sad,happy}') ORDER BY 1;
SELECT * FROM person WHERE now IN ('sad', 'ok') ORDER BY 1;
SELECT min(now), max(now), min(old), count(DISTINCT now), array_agg(now ORDER BY now) FROM person;
CREATE INDEX person_old ON person (old);
ALTER TYPE mood ADD VALUE 'angry' BEFORE 'sad';
ALTER TYPE mood ADD VALUE 'fine' AFTER 'ok';
ALTER TYPE mood ADD VALUE 'great';
ALTER TYPE mood ADD VALUE 'great';
ALTER TYPE mood ADD VALUE IF NOT EXISTS 'great';
ALTER TYPE mood ADD VALUE 'x' BEFORE 'nosuch';
INSERT INTO person VALUES ('e', 'angry', '{great}', 'fine'), ('f', 'great', '{fine,angry}', 'angry'), ('g', 'fine', '{}', 'sad');
SELECT * FROM person ORDER BY now;
SELECT * FROM person ORDER BY old, name;
SELECT name FROM person WHERE now < 'ok' ORDER BY now;
SELECT name FROM person WHERE now BETWEEN 'ok' AND 'happy' ORDER BY now;
SELECT name FROM person WHERE old <= 'sad' ORDER BY old, name;
SELECT enumlabel, enumsortorder FROM pg_enum WHERE enumtypid = 'mood'::regtype ORDER BY 2;
SELECT a.name, b.name FROM person a JOIN person b ON a.now = b.old ORDER BY 1, 2;
SELECT now, count(*) FROM person GROUP BY now ORDER BY now;
SELECT DISTINCT old FROM person ORDER BY old;
SELECT old FROM person UNION SELECT now FROM person ORDER BY 1;
SELECT unnest(enum_range(NULL::mood)), generate_subscripts(enum_range('ok'::mood, NULL), 1);
SELECT enum_first(NULL::mood), enum_last('ok'::mood), enum_range('sad'::mood, 'fine'::mood), enum_range(NULL, 'ok'::mood);
SELECT enum_first(1);
SELECT enum_first(NULL);
SELECT moods[1], moods || 'ok'::mood, array_to_string(moods, '/'), to_json(moods), array_position(moods, 'sad') FROM person WHERE name = 'a';
SELECT row(now, moods) FROM person WHERE name = 'a';
SELECT jsonb_build_object(now, moods) FROM person WHERE name = 'a';
SELECT coalesce(NULL, now), CASE WHEN true THEN now ELSE 'ok' END, nullif(now, 'sad') FROM person WHERE name = 'b';
UPDATE person SET old = 'great', moods[1] = 'ok' WHERE now = 'sad';
SELECT * FROM person WHERE name = 'b';
DELETE FROM person WHERE now = 'angry';
COPY person FROM stdin;
z	angry	{ok}	sad
\.
COPY person FROM stdin;
z	angryy	{ok}	sad
\.
COPY (SELECT * FROM person ORDER BY now) TO stdout;
PREPARE p(mood) AS SELECT name FROM person WHERE now = $1;
EXECUTE p('ok');
PREPARE q AS SELECT name FROM person WHERE now = $1;
EXECUTE q('happy');
EXECUTE q('unhappy');
DEALLOCATE ALL;

-- New names
ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';
ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';
ALTER TYPE mood RENAME VALUE 'ok' TO 'blue';
SELECT name, now FROM person ORDER BY now;
ALTER TYPE mood RENAME TO feeling;
SELECT pg_typeof(now), pg_typeof(moods) FROM person LIMIT 1;
SELECT 'ok'::mood;
CREATE SCHEMA other;
ALTER TYPE feeling SET SCHEMA other;
SELECT pg_typeof(now), now FROM person ORDER BY now LIMIT 1;
SELECT 'ok'::feeling;
SELECT 'ok'::other.feeling;
SET search_path = public, other;
SELECT pg_typeof(now), 'ok'::feeling FROM person LIMIT 1;
RESET search_path;
ALTER TYPE other.feeling SET SCHEMA public;
ALTER TYPE nosuch ADD VALUE 'x';
ALTER TYPE int4 ADD VALUE 'x';

-- In transactions
BEGIN;
ALTER TYPE feeling ADD VALUE 'new';
SAVEPOINT s;
SELECT 'new'::feeling;
ROLLBACK TO s;
SELECT enum_last(NULL::feeling);
ROLLBACK TO s;
SELECT enum_first(NULL::feeling);
COMMIT;
SELECT 'new'::feeling;
BEGIN;
CREATE TYPE gone AS ENUM ('a');
SELECT 'a'::gone;
ROLLBACK;
SELECT 'a'::gone;
BEGIN;
ALTER TYPE feeling RENAME VALUE 'ok' TO 'okay';
SELECT 'okay'::feeling;
ROLLBACK;
SELECT 'okay'::feeling;

-- Foreign keys, views, dependents
CREATE TABLE child (f feeling REFERENCES person);
INSERT INTO child VALUES ('ok');
INSERT INTO child VALUES ('new');
DELETE FROM person WHERE now = 'ok';
CREATE VIEW v AS SELECT now, name FROM person WHERE now > 'blue';
SELECT * FROM v ORDER BY 1;
DROP TYPE feeling;
DROP TYPE nosuch;
DROP TYPE IF EXISTS nosuch, empty_one;
DROP TYPE feeling CASCADE;
SELECT * FROM person ORDER BY 1;

SELECT count(*) FROM pg_type WHERE typname LIKE '%feeling';
CREATE TABLE t (a int);
CREATE TYPE t AS ENUM ('x');
CREATE TYPE pg_temp.tt AS ENUM ('x', 'y');
SELECT 'y'::pg_temp.tt, 'x'::tt;
CREATE TEMP TABLE temp_of (a tt);
INSERT INTO temp_of VALUES ('y'), ('x');
SELECT * FROM temp_of ORDER BY a;
DROP TYPE tt CASCADE;
DROP TABLE person, child, t, temp_of;
CREATE TYPE other.e AS ENUM ('a');
DROP SCHEMA other;
DROP SCHEMA other CASCADE;
