-- 17 on conflict: arbiters, DO NOTHING, DO UPDATE, excluded, RETURNING, tags, errors; OVERRIDING; clauses that PostgreSQL has not
SET timezone = 'UTC';
SET client_min_messages = warning;
DROP TABLE IF EXISTS stock, pairs, plain, parents, numbered, many, words, defaulted;
RESET client_min_messages;
CREATE TABLE stock (id int PRIMARY KEY, name text NOT NULL, qty int DEFAULT 7, code varchar(4) UNIQUE, price numeric(8,2));
CREATE TABLE pairs (a int, b int, v text, n int DEFAULT 0, PRIMARY KEY (a, b));
CREATE TABLE plain (a int, b text);
CREATE UNIQUE INDEX plain_a ON plain (a);

-- DO NOTHING
INSERT INTO stock VALUES (1, 'apple', 10, 'a', 1.5), (2, 'pear', 20, 'b', 2.5);
INSERT INTO stock VALUES (1, 'again', 1, 'z', 1) ON CONFLICT DO NOTHING;
INSERT INTO stock VALUES (1, 'again', 1, 'z', 1) ON CONFLICT (id) DO NOTHING;
INSERT INTO stock VALUES (3, 'fig', 1, 'a', 1) ON CONFLICT DO NOTHING;
INSERT INTO stock VALUES (3, 'fig', 1, 'a', 1) ON CONFLICT (code) DO NOTHING;
INSERT INTO stock VALUES (3, 'fig', 1, 'a', 1) ON CONFLICT ON CONSTRAINT stock_code_key DO NOTHING;
INSERT INTO stock VALUES (3, 'fig', 1, 'a', 1) ON CONFLICT (id) DO NOTHING;
INSERT INTO stock VALUES (1, 'fig', 1, 'q', 1) ON CONFLICT (code) DO NOTHING;
INSERT INTO stock VALUES (3, 'fig', 30, 'c', 3.5) ON CONFLICT DO NOTHING;
INSERT INTO stock VALUES (4, 'kiwi'), (4, 'kiwi again'), (5, 'lime') ON CONFLICT DO NOTHING;
INSERT INTO stock VALUES (1, 'x'), (6, 'plum'), (2, 'y') ON CONFLICT (id) DO NOTHING RETURNING id, name, qty;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT DO NOTHING RETURNING *;
INSERT INTO stock SELECT g, 'gen' || g FROM generate_series(1, 9) g ON CONFLICT DO NOTHING RETURNING id;
SELECT * FROM stock ORDER BY id;

-- DO UPDATE
INSERT INTO stock VALUES (1, 'apple', 5) ON CONFLICT (id) DO UPDATE SET qty = stock.qty + excluded.qty;
INSERT INTO stock VALUES (1, 'Apple', 5) ON CONFLICT (id) DO UPDATE SET qty = stock.qty + excluded.qty, name = excluded.name RETURNING *;
INSERT INTO stock VALUES (10, 'new', 5) ON CONFLICT (id) DO UPDATE SET qty = stock.qty + excluded.qty RETURNING id, name, qty;
INSERT INTO stock AS s VALUES (2, 'Pear', 1) ON CONFLICT (id) DO UPDATE SET qty = s.qty * 2 RETURNING s.id, s.qty;
INSERT INTO stock AS s VALUES (2, 'Pear', 1) ON CONFLICT (id) DO UPDATE SET qty = stock.qty * 2;
INSERT INTO stock VALUES (2, 'Pear', 1) ON CONFLICT (id) DO UPDATE SET qty = 0 WHERE stock.qty < 10 RETURNING id;
INSERT INTO stock VALUES (2, 'Pear', 1) ON CONFLICT (id) DO UPDATE SET qty = 0 WHERE stock.qty < 10;
INSERT INTO stock VALUES (2, 'Pear', 1) ON CONFLICT (id) DO UPDATE SET qty = 0 WHERE excluded.qty < stock.qty RETURNING id, qty;
INSERT INTO stock VALUES (11, 'other id', 1, 'c') ON CONFLICT (code) DO UPDATE SET price = 9.999 RETURNING *;
INSERT INTO stock VALUES (11, 'other id', 1, 'c') ON CONFLICT ON CONSTRAINT stock_code_key DO UPDATE SET name = excluded.name || stock.name RETURNING id, name;
INSERT INTO stock (id, name) VALUES (3, 'd') ON CONFLICT (id) DO UPDATE SET qty = DEFAULT, code = DEFAULT, (name, price) = (excluded.name, 1 + 1) RETURNING *;
INSERT INTO stock (id, name) VALUES (3, 'd') ON CONFLICT (id) DO UPDATE SET (name, qty) = ROW('row', 3) RETURNING name, qty;
INSERT INTO stock (id, name) VALUES (3, 'd') ON CONFLICT (id) DO UPDATE SET (name, qty) = (SELECT 'sub ' || max(s.id), count(*) FROM stock s WHERE s.id < excluded.id) RETURNING name, qty;
INSERT INTO stock (id, name) VALUES (3, 'd') ON CONFLICT (id) DO UPDATE SET qty = (SELECT max(id) FROM stock) RETURNING qty;
INSERT INTO stock (id, name) VALUES (3, 'd') ON CONFLICT (id) DO UPDATE SET qty = 8 WHERE EXISTS (SELECT 1 FROM stock s WHERE s.name = excluded.name) RETURNING qty;
INSERT INTO stock (id, name, code) VALUES (4, 'd', NULL) ON CONFLICT (code) DO UPDATE SET qty = 8;
INSERT INTO stock (id, name, code) VALUES (40, 'null code', NULL) ON CONFLICT (code) DO UPDATE SET qty = 8 RETURNING id, qty;
INSERT INTO stock VALUES (1, 'm1', 1), (20, 'm2', 2), (2, 'm3', 3) ON CONFLICT (id) DO UPDATE SET name = excluded.name, qty = excluded.qty RETURNING id, name, qty;
INSERT INTO stock SELECT id, upper(name), qty FROM stock WHERE id < 4 ORDER BY id ON CONFLICT (id) DO UPDATE SET name = excluded.name;
INSERT INTO stock (id, name) SELECT 1, 'through a select' ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING id, name;
WITH src AS (SELECT 1 AS id, 'cte' AS name) INSERT INTO stock (id, name) SELECT * FROM src ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING stock.*;
SELECT * FROM stock ORDER BY id;

-- a key that DO UPDATE changes
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET id = 101 RETURNING id, name;
INSERT INTO stock VALUES (2, 'x') ON CONFLICT (id) DO UPDATE SET id = 3;
INSERT INTO stock VALUES (2, 'x') ON CONFLICT (id) DO UPDATE SET code = 'k' RETURNING id, code;
INSERT INTO stock VALUES (3, 'x') ON CONFLICT (id) DO UPDATE SET code = 'k' RETURNING id, code;
INSERT INTO stock VALUES (1, 'back', 1, 'k') ON CONFLICT (code) DO UPDATE SET id = excluded.id RETURNING id, name, code;
SELECT id, code FROM stock WHERE id < 4 OR id > 100 ORDER BY id;

-- arbiters of several columns, in any order
INSERT INTO pairs VALUES (1, 1, 'a'), (1, 2, 'b');
INSERT INTO pairs VALUES (1, 1, 'A') ON CONFLICT (a, b) DO UPDATE SET v = excluded.v, n = pairs.n + 1 RETURNING *;
INSERT INTO pairs VALUES (1, 2, 'B') ON CONFLICT (b, a) DO UPDATE SET v = excluded.v, n = pairs.n + 1 RETURNING *;
INSERT INTO pairs VALUES (1, 2, 'B') ON CONFLICT (b, a, b) DO NOTHING;
INSERT INTO pairs VALUES (1, 2, 'B') ON CONFLICT ON CONSTRAINT pairs_pkey DO UPDATE SET n = -1 RETURNING n;
INSERT INTO pairs VALUES (1, 2, 'B') ON CONFLICT (a) DO NOTHING;
INSERT INTO pairs VALUES (1, 2, 'B') ON CONFLICT (a, b, v) DO NOTHING;
INSERT INTO pairs VALUES (1, 2, 'B') ON CONFLICT (v) DO UPDATE SET n = 1;
INSERT INTO plain VALUES (1, 'x') ON CONFLICT (a) DO UPDATE SET b = 'y' RETURNING *;
INSERT INTO plain VALUES (1, 'x') ON CONFLICT (a) DO UPDATE SET b = 'y' RETURNING *;
INSERT INTO plain VALUES (1, 'x') ON CONFLICT (a) WHERE b > 'a' DO UPDATE SET b = 'z' RETURNING *;
INSERT INTO plain VALUES (NULL, 'x'), (NULL, 'y') ON CONFLICT (a) DO UPDATE SET b = 'never';
INSERT INTO plain VALUES (1, 'x') ON CONFLICT (b) DO NOTHING;
INSERT INTO plain VALUES (1, 'x') ON CONFLICT ON CONSTRAINT plain_a DO NOTHING;
SELECT * FROM plain ORDER BY a, b;

-- twice in one command
INSERT INTO stock VALUES (50, 'one', 1), (50, 'two', 2) ON CONFLICT (id) DO UPDATE SET qty = stock.qty + 1;
INSERT INTO stock VALUES (3, 'one', 1), (3, 'two', 2) ON CONFLICT (id) DO UPDATE SET qty = stock.qty + 1;
INSERT INTO stock VALUES (3, 'one', 1), (60, 'two', 2) ON CONFLICT (id) DO UPDATE SET id = 60;
INSERT INTO stock VALUES (3, 'one', 1), (3, 'two', 2) ON CONFLICT (id) DO UPDATE SET qty = 1 WHERE false;
INSERT INTO stock VALUES (3, 'one', 1), (3, 'two', 2) ON CONFLICT (id) DO NOTHING;
SELECT count(*) FROM stock WHERE id IN (50, 60);
BEGIN;
INSERT INTO stock VALUES (50, 'own', 1);
INSERT INTO stock VALUES (50, 'own', 1) ON CONFLICT (id) DO UPDATE SET qty = stock.qty + 1 RETURNING qty;
INSERT INTO stock VALUES (50, 'own', 1) ON CONFLICT (id) DO UPDATE SET qty = stock.qty + 1 RETURNING qty;
DELETE FROM stock WHERE id = 50;
INSERT INTO stock VALUES (50, 'anew', 1) ON CONFLICT (id) DO UPDATE SET qty = stock.qty + 1 RETURNING name, qty;
UPDATE stock SET id = 51 WHERE id = 50;
INSERT INTO stock VALUES (50, 'anew', 1) ON CONFLICT (id) DO NOTHING RETURNING id;
ROLLBACK;

-- other constraints hold all the same
INSERT INTO stock VALUES (1, NULL) ON CONFLICT (id) DO UPDATE SET qty = 1;
INSERT INTO stock VALUES (1, NULL) ON CONFLICT DO NOTHING;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = NULL;
INSERT INTO stock VALUES (70, 'x', 1, 'k') ON CONFLICT (id) DO UPDATE SET name = 'y';
INSERT INTO stock VALUES (2, 'x') ON CONFLICT (id) DO UPDATE SET code = 'k';
INSERT INTO stock VALUES (2, 'x') ON CONFLICT (id) DO UPDATE SET code = 'too long';
INSERT INTO stock VALUES (2, 'x') ON CONFLICT (id) DO UPDATE SET qty = 1 / (stock.id - 2);

-- errors of binding
INSERT INTO stock VALUES (1, 'x') ON CONFLICT DO UPDATE SET qty = 1;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (nosuch) DO NOTHING;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id, nosuch) DO NOTHING;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (lower(nosuch)) DO NOTHING;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) WHERE nosuch > 1 DO NOTHING;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) WHERE
  id > 1 AND count(*) > 1 DO NOTHING;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) WHERE id DO NOTHING;
INSERT INTO stock (id) VALUES (qty);
INSERT INTO stock (id) VALUES (1), (codes);
INSERT INTO stock AS s (id) SELECT qty;
INSERT INTO stock (id) SELECT stock.id FROM pairs;
INSERT INTO stock (id) SELECT ids FROM plain;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (qty) DO NOTHING;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (lower(name)) DO NOTHING;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT ON CONSTRAINT nosuch DO NOTHING;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET nosuch = 1;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET qty = nosuch;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET qty = qty + 1;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET qty = 1 WHERE qty > 1;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET qty = excluded.nosuch;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET excluded.qty = 1;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET stock.qty = 1;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET qty = 1, qty = 2;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET qty = 'many';
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET qty = true;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET qty = 1 WHERE stock.qty;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET qty = count(*);
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET qty = 1 WHERE count(*) > 1;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET (name, qty) = ('one');
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET (name, qty) = ('one', 2, 3);
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET (name, qty) = (SELECT 'one');
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET qty = 1 RETURNING excluded.qty;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id) DO DELETE;
INSERT INTO stock VALUES (1, 'x') ON CONFLICT (id);
INSERT INTO stock VALUES (1, 'x') ON DUPLICATE KEY UPDATE qty = 1;
INSERT OR REPLACE INTO stock VALUES (1, 'x');
INSERT INTO stock s VALUES (1, 'x');
UPDATE stock SET qty = 1 LIMIT 1;
UPDATE stock SET qty = 1 ORDER BY id LIMIT 1;
DELETE FROM stock LIMIT 1;
DELETE FROM stock ORDER BY id LIMIT 1;

-- identity columns
CREATE TABLE numbered (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, by_default int GENERATED BY DEFAULT AS IDENTITY, v text);
INSERT INTO numbered (v) VALUES ('a');
INSERT INTO numbered (id, v) VALUES (10, 'b');
INSERT INTO numbered (id, v) OVERRIDING SYSTEM VALUE VALUES (10, 'b') RETURNING *;
INSERT INTO numbered OVERRIDING SYSTEM VALUE VALUES (11, 12, 'c') RETURNING *;
INSERT INTO numbered AS n (id, v) OVERRIDING SYSTEM VALUE SELECT 13, 'd' RETURNING n.*;
INSERT INTO numbered (id, v) OVERRIDING USER VALUE VALUES (20, 'e') RETURNING *;
INSERT INTO numbered OVERRIDING USER VALUE VALUES (21, 22, 'f'), (23, 24, 'g') RETURNING *;
INSERT INTO numbered OVERRIDING USER VALUE SELECT id + 100, by_default, v FROM numbered WHERE v = 'a' RETURNING *;
INSERT INTO numbered (by_default, v) VALUES (30, 'h'), (DEFAULT, 'i') RETURNING *;
INSERT INTO numbered (id, v) VALUES (DEFAULT, 'j') RETURNING id;
INSERT INTO numbered (id, v) VALUES (DEFAULT, 'j'), (5, 'k') RETURNING id;
INSERT INTO numbered (id, v) OVERRIDING SYSTEM VALUE VALUES (10, 'up') ON CONFLICT (id) DO UPDATE SET v = excluded.v RETURNING *;
INSERT INTO numbered (id, v) OVERRIDING SYSTEM VALUE VALUES (10, 'up') ON CONFLICT (id) DO UPDATE SET id = 11;
INSERT INTO numbered (v) OVERRIDING SYSTEM VALUE DEFAULT VALUES;
INSERT INTO numbered OVERRIDING VALUES (1);
INSERT INTO numbered DEFAULT VALUES RETURNING v;
INSERT INTO numbered DEFAULT VALUES ON CONFLICT DO NOTHING RETURNING v;
SELECT * FROM numbered ORDER BY id, by_default;

-- defaults that are taken although nothing is inserted
CREATE TABLE defaulted (n serial, k int UNIQUE);
INSERT INTO defaulted (k) VALUES (1), (1), (2) ON CONFLICT DO NOTHING;
INSERT INTO defaulted (k) VALUES (1), (3) ON CONFLICT (k) DO UPDATE SET n = excluded.n RETURNING *;
SELECT * FROM defaulted ORDER BY k;

-- many rows
CREATE TABLE many (id int PRIMARY KEY, n int NOT NULL, UNIQUE (n, id));
INSERT INTO many SELECT g, 0 FROM generate_series(1, 3000, 3) g;
INSERT INTO many SELECT g, 1 FROM generate_series(1, 3000) g ON CONFLICT (id) DO UPDATE SET n = many.n + 10;
SELECT n, count(*) FROM many GROUP BY n ORDER BY n;
INSERT INTO many SELECT g, 5 FROM generate_series(2500, 3500) g ON CONFLICT DO NOTHING;
SELECT n, count(*) FROM many GROUP BY n ORDER BY n;
INSERT INTO many SELECT id, n FROM many ON CONFLICT (n, id) DO UPDATE SET n = excluded.n + 1;
INSERT INTO many SELECT id, n FROM many WHERE n = 2 ON CONFLICT (id, n) DO UPDATE SET n = excluded.n + 1;
SELECT n, count(*) FROM many GROUP BY n ORDER BY n;

-- prepared
PREPARE up (int, text, int) AS INSERT INTO stock VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET qty = stock.qty + $3, name = $2 WHERE stock.qty < $3 * 100 RETURNING id, name, qty;
EXECUTE up (200, 'p', 1);
EXECUTE up (200, 'q', 2);
EXECUTE up (200, 'r', 0);
DEALLOCATE up;
DROP TABLE stock, pairs, plain, numbered, defaulted, many;
