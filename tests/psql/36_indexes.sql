-- Orders of key columns
CREATE TABLE o (id int PRIMARY KEY, a int, b text, c numeric, d float8, e bytea);
CREATE INDEX o_a_desc ON o (a DESC);
CREATE INDEX o_ab ON o (a ASC NULLS FIRST, b DESC NULLS LAST);
CREATE INDEX o_b ON o (b DESC);
CREATE INDEX o_c ON o (c DESC NULLS LAST, d);
CREATE INDEX o_e ON o (e DESC);
INSERT INTO o VALUES (1, 5, 'five', 5.50, 1e10, '\x00'), (2, NULL, 'x', NULL, 'NaN', '\x0000'),
  (3, -1, '', -1, '-Infinity', '\xff'), (4, 5, NULL, 5.5, 0, '\xff00'), (5, 0, 'xx', 1e30, -0.0, ''),
  (6, 2147483647, 'x', 'NaN', 1, NULL), (7, -2147483648, E'a\tb', -1e30, 2, '\x00ff');
SELECT id FROM o WHERE a > -5 ORDER BY a DESC, id LIMIT 4;
SELECT id FROM o ORDER BY a DESC, id LIMIT 3;
SELECT id FROM o ORDER BY a DESC NULLS LAST, id LIMIT 3;
SELECT id FROM o ORDER BY a NULLS FIRST, b DESC NULLS LAST LIMIT 3;
SELECT id FROM o ORDER BY a DESC NULLS LAST, b NULLS FIRST LIMIT 3;
SELECT id FROM o WHERE a = 5 ORDER BY b DESC NULLS LAST;
SELECT id FROM o WHERE a = 5 ORDER BY b NULLS FIRST;
SELECT id FROM o WHERE a = 5 ORDER BY b DESC;
SELECT id FROM o WHERE b >= 'x' ORDER BY b DESC, id;
SELECT id FROM o WHERE b > 'x' ORDER BY id;
SELECT id FROM o WHERE b < 'x' ORDER BY id;
SELECT id FROM o WHERE b <= 'x' AND b > '' ORDER BY id;
SELECT id FROM o WHERE c >= 5.5 ORDER BY id;
SELECT id FROM o WHERE c < 5.50 ORDER BY id;
SELECT id FROM o WHERE c = 5.5 AND d > 0 ORDER BY id;
SELECT id FROM o WHERE e > '\x00' ORDER BY id;
SELECT id FROM o WHERE e <= '\x0000' ORDER BY id;
SELECT id, encode(e, 'hex') FROM o WHERE e IS NOT NULL ORDER BY e DESC;
SELECT min(a), max(a), min(b), max(b), min(c), max(c) FROM o;
UPDATE o SET a = a + 1 WHERE a BETWEEN -1 AND 5;
SELECT id, a FROM o ORDER BY a DESC NULLS LAST LIMIT 5;
\d o
SELECT indexrelid::regclass, indoption, indkey FROM pg_index WHERE indrelid = 'o'::regclass ORDER BY 1::text;
SELECT pg_get_indexdef('o_ab'::regclass), pg_get_indexdef('o_ab'::regclass, 2, true);

-- Unique keys in other orders
CREATE TABLE u (a int, b int);
CREATE UNIQUE INDEX u_a ON u (a DESC NULLS LAST);
INSERT INTO u VALUES (1, 1), (2, 2), (NULL, 3), (NULL, 4);
INSERT INTO u VALUES (2, 5);
INSERT INTO u VALUES (2, 5) ON CONFLICT (a) DO UPDATE SET b = excluded.b RETURNING *;
CREATE TABLE uc (a int REFERENCES u (a));
INSERT INTO uc VALUES (1), (2), (NULL);
INSERT INTO uc VALUES (3);
DELETE FROM u WHERE a = 1;
UPDATE u SET a = 3 WHERE a = 2;
ALTER TABLE u ADD CONSTRAINT u_key UNIQUE USING INDEX u_a;
DROP TABLE uc;

-- Expressions
CREATE TABLE x (id int PRIMARY KEY, name text, a int, b int, v varchar(10), t timestamptz, n numeric);
CREATE INDEX ON x (lower(name));
CREATE INDEX ON x ((a + b), upper(name));
CREATE UNIQUE INDEX x_v ON x (lower(v));
CREATE INDEX x_first ON x (left(name, 1), id DESC);
CREATE INDEX ON x ((n * 2));
CREATE INDEX ON x ((a + b), (a - b));
INSERT INTO x VALUES (1, 'Bob', 1, 2, 'One', now(), 1.50), (2, 'alice', 3, 4, 'Two', now(), 2), (3, 'BOB', NULL, 1, NULL, now(), NULL),
  (4, NULL, 0, 3, NULL, now(), 1.5);
SELECT id FROM x WHERE lower(name) = 'bob' ORDER BY id;
SELECT id FROM x WHERE lower(name) IN ('bob', 'alice') ORDER BY id;
SELECT id FROM x WHERE lower(name) > 'alice' ORDER BY id;
SELECT id FROM x WHERE a + b = 3 ORDER BY id;
SELECT id FROM x WHERE a + b >= 3 AND a + b < 7 ORDER BY id;
SELECT id FROM x WHERE a + b = 3 AND upper(name) = 'BOB';
SELECT id FROM x WHERE n * 2 = 3 ORDER BY id;
SELECT id FROM x WHERE lower(v) = 'two';
SELECT id FROM x ORDER BY lower(name), id;
SELECT id, lower(name) FROM x ORDER BY lower(name) DESC, id LIMIT 2;
INSERT INTO x (id, v) VALUES (5, 'TWO');
UPDATE x SET v = 'ONE' WHERE id = 2;
UPDATE x SET v = 'tWO' WHERE id = 2;
UPDATE x SET name = 'Carol' WHERE id = 1;
UPDATE x SET a = 10 WHERE id = 1;
SELECT id FROM x WHERE lower(name) = 'bob' ORDER BY id;
SELECT id FROM x WHERE lower(name) = 'carol' ORDER BY id;
SELECT id FROM x WHERE a + b = 12 ORDER BY id;
DELETE FROM x WHERE id = 3;
SELECT id FROM x WHERE lower(name) = 'bob';
INSERT INTO x (id, v) VALUES (6, 'TWO') ON CONFLICT (lower(v)) DO UPDATE SET name = 'upserted';
INSERT INTO x (id, v) VALUES (7, 'TWO') ON CONFLICT (lower(v)) DO NOTHING;
INSERT INTO x (id, v) VALUES (7, 'TWO') ON CONFLICT (v) DO NOTHING;
INSERT INTO x (id, v) VALUES (7, 'TWO') ON CONFLICT (upper(v)) DO NOTHING;
INSERT INTO x (id, v) VALUES (7, 'TWO') ON CONFLICT DO NOTHING;
SELECT id, name, v FROM x ORDER BY id;
\d x
SELECT indexrelid::regclass::text, indkey, pg_get_expr(indexprs, indrelid) FROM pg_index WHERE indrelid = 'x'::regclass ORDER BY 1;
SELECT attrelid::regclass::text, attnum, attname, format_type(atttypid, atttypmod) FROM pg_attribute
  WHERE attrelid::regclass::text LIKE 'x\_%' ORDER BY 1, 2;
CREATE INDEX ON x (now());
CREATE INDEX ON x ((t::date));
CREATE INDEX ON x ((a + random()));
CREATE INDEX ON x (sum(a));
CREATE INDEX ON x (lower(nix));
CREATE INDEX ON x (nix);
CREATE INDEX ON x (lower(a));
ALTER TABLE x RENAME COLUMN name TO label;
SELECT id FROM x WHERE lower(label) = 'carol';
\d x_lower_idx
ALTER TABLE x DROP COLUMN label;
\d x
ALTER TABLE x ALTER COLUMN a TYPE bigint;
SELECT id FROM x WHERE a + b = 12;
\d x_expr_idx1

-- Partial
CREATE TABLE p (id int PRIMARY KEY, state text, a int, done bool NOT NULL DEFAULT false, k int);
CREATE UNIQUE INDEX p_open ON p (k) WHERE NOT done;
CREATE INDEX p_state ON p (state) WHERE state <> 'closed';
CREATE INDEX p_a ON p (a) WHERE a > 10 AND state IS NOT NULL;
CREATE INDEX p_null ON p (id) WHERE a IS NULL;
INSERT INTO p VALUES (1, 'new', 5, false, 1), (2, 'closed', 15, true, 1), (3, 'open', 20, false, 2), (4, NULL, 30, true, 2), (5, 'open', NULL, true, 1);
SELECT id FROM p WHERE NOT done ORDER BY k;
SELECT id FROM p WHERE k = 1 AND NOT done;
SELECT id FROM p WHERE k = 1 ORDER BY id;
SELECT id FROM p WHERE state = 'open' ORDER BY id;
SELECT id FROM p WHERE state = 'closed' ORDER BY id;
SELECT id FROM p WHERE a > 12 AND state = 'open' ORDER BY id;
SELECT id FROM p WHERE a > 12 ORDER BY id;
SELECT id FROM p WHERE a > 5 AND state = 'closed' ORDER BY id;
SELECT id FROM p WHERE a IS NULL;
INSERT INTO p VALUES (6, 'new', 1, false, 1);
INSERT INTO p VALUES (6, 'new', 1, true, 1);
UPDATE p SET done = false WHERE id = 2;
UPDATE p SET done = true WHERE id = 1;
UPDATE p SET done = false WHERE id = 2;
UPDATE p SET done = false WHERE id = 5;
SELECT id FROM p WHERE k = 1 AND NOT done;
SELECT id FROM p WHERE k = 1 AND done ORDER BY id;
UPDATE p SET state = 'closed' WHERE id = 3;
SELECT id FROM p WHERE state = 'open' ORDER BY id;
UPDATE p SET state = 'open' WHERE id IN (2, 3);
SELECT id FROM p WHERE state = 'open' ORDER BY id;
INSERT INTO p VALUES (7, 'new', 1, false, 2) ON CONFLICT (k) WHERE NOT done DO UPDATE SET a = 100 RETURNING id, a;
INSERT INTO p VALUES (7, 'new', 1, false, 2) ON CONFLICT (k) DO NOTHING;
INSERT INTO p VALUES (7, 'new', 1, true, 2) ON CONFLICT (k) WHERE NOT done DO NOTHING;
INSERT INTO p VALUES (8, 'new', 1, false, 2) ON CONFLICT DO NOTHING;
INSERT INTO p VALUES (8, 'new', 1, false, 2) ON CONFLICT (k) WHERE NOT done AND a > 5 DO NOTHING;
SELECT * FROM p ORDER BY id;
\d p
SELECT indexrelid::regclass::text, pg_get_expr(indpred, indrelid) FROM pg_index WHERE indrelid = 'p'::regclass ORDER BY 1;
CREATE TABLE pr (k int REFERENCES p (k));
ALTER TABLE p ADD CONSTRAINT p_k UNIQUE USING INDEX p_open;
CREATE UNIQUE INDEX p_dup ON p (state) WHERE a < 100;
CREATE INDEX ON p (a) WHERE a;
CREATE INDEX ON p (a) WHERE now() > '2000-01-01';
CREATE INDEX ON p (a) WHERE nix > 1;
CREATE TABLE pl (LIKE p INCLUDING ALL);
\d pl
ALTER TABLE p DROP COLUMN done;
\d p

-- Names, classes, collations
CREATE TABLE c (a text, b varchar(5), c int, d text[], e json);
CREATE INDEX c_1 ON c (a text_pattern_ops, b varchar_pattern_ops DESC, c int4_ops);
CREATE INDEX c_2 ON c (a COLLATE "C", b COLLATE "POSIX" varchar_ops NULLS FIRST);
CREATE INDEX c_3 ON c USING btree (lower(a) text_pattern_ops);
CREATE INDEX IF NOT EXISTS c_3 ON c (c);
CREATE INDEX c_3 ON c (c);
CREATE INDEX ON c (c nix_ops);
CREATE INDEX ON c (a int4_ops);
CREATE INDEX ON c (c COLLATE "C");
CREATE INDEX ON c (a COLLATE "nix");
CREATE INDEX ON c (e);
CREATE INDEX ON c USING nix (c);
CREATE INDEX ON c (d, a, a);
CREATE INDEX ON c (coalesce(a, ''));
\d c

-- Storage parameters
CREATE TABLE s (a int) WITH (fillfactor = 70, autovacuum_enabled = off);
CREATE INDEX s_a ON s (a) WITH (fillfactor = 50, deduplicate_items = false);
SELECT relname, reloptions FROM pg_class WHERE relname IN ('s', 's_a') ORDER BY 1;
\d+ s
\d s_a
ALTER TABLE s SET (fillfactor = 80, toast.autovacuum_enabled = false, autovacuum_vacuum_scale_factor = 0.5);
ALTER TABLE s RESET (autovacuum_enabled);
ALTER INDEX s_a SET (fillfactor = 60);
ALTER INDEX s_a RESET (deduplicate_items);
SELECT relname, reloptions FROM pg_class WHERE relname IN ('s', 's_a') ORDER BY 1;
ALTER TABLE s SET (fillfactor = 5);
ALTER TABLE s SET (fillfactor = x);
ALTER TABLE s SET (fillfactor = 3.5);
ALTER TABLE s SET (autovacuum_enabled = perhaps);
ALTER TABLE s SET (autovacuum_vacuum_scale_factor = 200);
ALTER TABLE s SET (vacuum_index_cleanup = maybe);
ALTER TABLE s SET (nix = 1);
ALTER TABLE s SET (nix.fillfactor = 1);
ALTER TABLE s SET (fillfactor = 70, fillfactor = 80);
ALTER INDEX s_a SET (fillfactor = 5);
ALTER INDEX s_a SET (autovacuum_enabled = on);
CREATE INDEX ON s (a) WITH (fillfactor = 101);
CREATE TABLE s2 WITH (fillfactor = 40) AS SELECT 1 AS one;
SELECT reloptions FROM pg_class WHERE relname = 's2';
CREATE TABLE s3 (a int) WITH (nix);
DROP TABLE o, u, x, p, pl, c, s, s2;
