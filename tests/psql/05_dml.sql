-- 05 dml: INSERT, UPDATE, DELETE, RETURNING, constraint violations, tags
SET timezone = 'UTC';
SET client_min_messages = warning;
DROP TABLE IF EXISTS items, log, pairs, typed;
RESET client_min_messages;
CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL, qty int DEFAULT 0, price numeric(8,2), tag varchar(8) UNIQUE);
CREATE TABLE log (n serial PRIMARY KEY, msg text DEFAULT 'empty', at timestamp DEFAULT '2024-01-01 00:00:00');
CREATE TABLE pairs (a int, b int, v text, PRIMARY KEY (a, b));
CREATE TABLE typed (id int PRIMARY KEY, b boolean, n numeric, f float8, d date, ts timestamptz, by bytea, u uuid, c char(3));

-- INSERT forms
INSERT INTO items VALUES (1, 'apple', 10, 1.5, 'a');
INSERT INTO items VALUES (2, 'pear', 5, 2.25, 'b'), (3, 'fig', 7, 0.333, 'c'), (4, 'kiwi', NULL, NULL, NULL);
INSERT INTO items (name, id) VALUES ('plum', 5);
INSERT INTO items (id, name, qty) VALUES (6, 'lime', DEFAULT), (7, 'date', 3);
INSERT INTO items VALUES (8, 'short row');
INSERT INTO items SELECT id + 100, upper(name), qty, price FROM items WHERE id <= 2;
INSERT INTO items (id, name) SELECT 200 + g, 'gen' || g FROM generate_series(1, 3) AS g;
INSERT INTO items SELECT * FROM items WHERE false;
INSERT INTO log DEFAULT VALUES;
INSERT INTO log DEFAULT VALUES RETURNING *;
INSERT INTO log (msg) VALUES (DEFAULT), ('hi'), (NULL) RETURNING n, msg;
INSERT INTO items VALUES (9, 'ret', 1, 9.999, 'r') RETURNING id, name, price, price * qty AS total;
INSERT INTO items (id, name) VALUES (10, 'x'), (11, 'y') RETURNING *;
INSERT INTO items (id, name) SELECT 12, 'sel' RETURNING id AS new_id, length(name), 'const' AS k;
INSERT INTO items (id, name, qty) VALUES (13, 'calc' || 1, 2 * 21 - length('ab'));
INSERT INTO items (id, name, price) VALUES (14, 'sub', (SELECT max(price) FROM items)) RETURNING price;
WITH src AS (SELECT 15 AS id, 'cte' AS name) INSERT INTO items (id, name) SELECT id, name FROM src;
INSERT INTO items AS i (id, name) VALUES (16, 'alias') RETURNING i.id;
INSERT INTO items (id, name) (VALUES (17, 'paren values'));
INSERT INTO items (id, name) SELECT 18, 'a' UNION ALL SELECT 19, 'b' ORDER BY 1;
SELECT * FROM items ORDER BY id;
SELECT * FROM log ORDER BY n;

-- INSERT errors
INSERT INTO items VALUES (1, 'dup', 1, 1, 'z');
INSERT INTO items VALUES (50, 'dup tag', 1, 1, 'a');
INSERT INTO items VALUES (50, NULL, 1, 1, 'q');
INSERT INTO items (id) VALUES (50);
INSERT INTO items (name) VALUES ('no id');
INSERT INTO items VALUES (50, 'first ok', 1, 1, 'ok'), (50, 'second bad', 1, 1, 'bad');
SELECT count(*) FROM items WHERE id = 50;
INSERT INTO items VALUES (50, 'too', 1, 1, 'many', 6);
INSERT INTO items (id, name) VALUES (50);
INSERT INTO items (id, name) VALUES (50, 'a', 3);
INSERT INTO items (id, name) SELECT 50;
INSERT INTO items (id) SELECT 50, 'x';
INSERT INTO items (id, name) VALUES (50, 'a'), (51);
INSERT INTO items (id, nosuch) VALUES (50, 'a');
INSERT INTO items (id, id) VALUES (50, 51);
INSERT INTO nosuch VALUES (1);
INSERT INTO items (id, name) VALUES ('abc', 'x');
INSERT INTO items (id, name) VALUES (true, 'x');
INSERT INTO items (id, name) VALUES (now(), 'x');
INSERT INTO items (id, name, qty) VALUES (50, 'x', 'many'::text);
INSERT INTO items (id, name, price) VALUES (50, 'x', 1234567.89);
INSERT INTO items (id, name, tag) VALUES (50, 'x', '123456789');
INSERT INTO items (id, name, qty) VALUES (50, 'x', 99999999999);
INSERT INTO items (id, name, qty) VALUES (50, 'x', 1 / 0);
INSERT INTO items (id, name) VALUES (50, nosuchcol);
INSERT INTO items (id, name) SELECT 'fifty'::text, 'x';
INSERT INTO items VALUES (50, 'x') RETURNING nosuch;
INSERT INTO items;
INSERT items VALUES (1);
INSERT INTO items VALUES (50, 'x',);
INSERT INTO items (id, name) VALUES (50, 'x')) RETURNING id;
SELECT max(id) FROM items;

-- implicit conversions on assignment
INSERT INTO typed VALUES (1, 't', 1, 1, '2024-05-06', '2024-05-06 07:08:09+02', '\x00ff', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'ab');
INSERT INTO typed (id, n, f, d, ts) VALUES (2.4, 1.50, 2, timestamp '2024-01-02 03:04', date '2024-01-02');
INSERT INTO typed (id, c) VALUES (3, 'x'), ('4', 'yz');
INSERT INTO typed (id, b) VALUES (5, 1);
INSERT INTO typed (id, d) VALUES (5, 'not a date');
INSERT INTO typed (id, d) VALUES (5, 5);
INSERT INTO typed (id, f) VALUES (5, 'one'::text);
INSERT INTO typed (id, by) VALUES (5, 'abc'::text);
INSERT INTO typed (id, u) VALUES (5, 'abc');
INSERT INTO typed (id, ts) VALUES (5, 12);
INSERT INTO typed (id, c) VALUES (5, 'abcd');
SELECT * FROM typed ORDER BY id;

-- UPDATE
UPDATE items SET qty = 100 WHERE id = 1;
UPDATE items SET qty = qty + 1, price = price * 2 WHERE id IN (1, 2);
UPDATE items SET qty = qty - 1 WHERE id = 1 RETURNING id, qty, name || '!' AS nm;
UPDATE items SET name = upper(name) WHERE id = 3 RETURNING *;
UPDATE items SET qty = NULL, tag = DEFAULT WHERE id = 3 RETURNING qty, tag;
UPDATE items SET qty = DEFAULT WHERE qty IS NULL;
UPDATE items SET qty = 1 WHERE id = 999;
UPDATE items SET qty = 1 WHERE id = 999 RETURNING id;
UPDATE items SET qty = price, price = qty WHERE id = 2 RETURNING qty, price;
UPDATE items SET (name, qty) = ('multi', 42) WHERE id = 4 RETURNING name, qty;
UPDATE items SET qty = (SELECT count(*) FROM log) WHERE id = 5 RETURNING qty;
UPDATE items AS i SET name = i.name || '?' WHERE i.id = 6 RETURNING i.name;
UPDATE items SET qty = CASE WHEN qty > 10 THEN 10 ELSE qty END WHERE id < 100;
SELECT id, name, qty, price, tag FROM items ORDER BY id;
UPDATE items SET price = round(coalesce(price, 1) * 1.1, 2);
SELECT sum(price) AS total, count(price) AS n FROM items;

-- UPDATE of the primary key
UPDATE items SET id = 301 WHERE id = 201;
UPDATE items SET id = 1 WHERE id = 2;
UPDATE items SET id = id + 1000 WHERE id > 100;
SELECT id FROM items WHERE id > 100 ORDER BY id;
INSERT INTO pairs VALUES (1, 1, 'a'), (1, 2, 'b'), (2, 1, 'c');
UPDATE pairs SET a = 1 WHERE a = 2;
UPDATE pairs SET b = 3 WHERE a = 1 AND b = 2 RETURNING *;
UPDATE pairs SET a = 1, b = 2 WHERE a = 2 RETURNING *;
SELECT * FROM pairs ORDER BY a, b;
UPDATE pairs SET a = NULL WHERE b = 1;
INSERT INTO pairs VALUES (1, 3, 'dup');

-- UPDATE errors
UPDATE items SET nosuch = 1;
UPDATE items SET qty = nosuch;
UPDATE items SET qty = 'abc' WHERE id = 1;
UPDATE items SET qty = true WHERE id = 1;
UPDATE items SET name = NULL WHERE id = 1;
UPDATE items SET tag = 'b' WHERE id = 1;
UPDATE items SET qty = 1, qty = 2;
UPDATE items SET price = 9999999 WHERE id = 1;
UPDATE items SET qty = qty / (id - 1) WHERE id = 1;
UPDATE items SET qty = 1 WHERE nosuch = 2;
UPDATE items SET qty = 1 WHERE name = 5;
UPDATE items SET qty = 1 WHERE qty;
UPDATE items SET qty = count(*);
UPDATE items SET items.qty = 1;
UPDATE items SET (name, qty) = ('one');
UPDATE nosuch SET a = 1;
UPDATE items qty = 1;
UPDATE items SET qty = (SELECT id FROM items) WHERE id = 1;

-- DELETE
DELETE FROM items WHERE id = 1201;
DELETE FROM items WHERE id = 16 RETURNING *;
DELETE FROM items WHERE id = 17 RETURNING id, name AS was;
DELETE FROM items WHERE id = 17 RETURNING id;
DELETE FROM items WHERE id IN (SELECT n + 1200 FROM log);
DELETE FROM items AS i WHERE i.id = 15;
DELETE FROM items WHERE name LIKE 'A%' AND qty IS NOT NULL;
DELETE FROM items WHERE nosuch = 1;
DELETE FROM items WHERE id = 'x';
DELETE FROM items RETURNING nosuch;
DELETE FROM nosuch;
DELETE items;
SELECT id, name FROM items ORDER BY id;
DELETE FROM items;
SELECT count(*) FROM items;
DELETE FROM items;
INSERT INTO items VALUES (1, 'reborn', 1, 1, 'a') RETURNING *;

-- many rows, atomicity
INSERT INTO pairs SELECT g / 100 + 10, g % 100, 'bulk' FROM generate_series(0, 999) AS g;
SELECT count(*), min(a), max(a), sum(b) FROM pairs WHERE v = 'bulk';
INSERT INTO pairs SELECT 10, 200 - g, 'again' FROM generate_series(1, 150) AS g;
SELECT count(*) FROM pairs WHERE v = 'again';
UPDATE pairs SET v = 'even' WHERE v = 'bulk' AND b % 2 = 0;
UPDATE pairs SET a = a + 100 WHERE a >= 10;
SELECT v, count(*), min(a), max(a) FROM pairs GROUP BY v ORDER BY v;
DELETE FROM pairs WHERE a > 100 AND b >= 10;
SELECT count(*) FROM pairs;
DROP TABLE items, log, pairs, typed;
