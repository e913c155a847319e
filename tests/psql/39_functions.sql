-- Functions in SQL.
CREATE TABLE items (id int PRIMARY KEY, name text, price numeric);
INSERT INTO items SELECT i, 'item ' || i, i * 1.25 FROM generate_series(1, 6) i;
CREATE FUNCTION add_one(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + 1';
SELECT add_one(1), add_one(add_one(5)), add_one(NULL);
SELECT id, add_one(id) FROM items WHERE add_one(id) = 3;
CREATE FUNCTION total(low int, high int DEFAULT 100) RETURNS numeric AS $$
  SELECT sum(price) FROM items WHERE id BETWEEN low AND $2
$$ LANGUAGE SQL STABLE;
SELECT total(2), total(2, 3), total(low => 5), total(high => 2, low => 1), total(50);
SELECT id, total(id, id + 1) FROM items ORDER BY id;
CREATE FUNCTION strictly(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS 'SELECT coalesce(a, 0) + coalesce(b, 0)';
SELECT strictly(1, 2), strictly(1, NULL);
CREATE FUNCTION loosely(a int, b int) RETURNS int LANGUAGE sql CALLED ON NULL INPUT AS 'SELECT coalesce(a, 0) + coalesce(b, 0)';
SELECT loosely(1, NULL);
CREATE FUNCTION standard(x int) RETURNS int RETURN x * 2;
SELECT standard(21);
CREATE FUNCTION atomic_body(x int) RETURNS text BEGIN ATOMIC SELECT CASE WHEN x > 1 THEN name ELSE 'small' END FROM items WHERE id = x; END;
SELECT atomic_body(1), atomic_body(3), atomic_body(99);
CREATE FUNCTION first_name() RETURNS text LANGUAGE sql AS 'SELECT name FROM items ORDER BY id DESC';
SELECT first_name();
-- overloads
CREATE FUNCTION kind(int) RETURNS text LANGUAGE sql AS $$SELECT 'int'$$;
CREATE FUNCTION kind(text) RETURNS text LANGUAGE sql AS $$SELECT 'text'$$;
CREATE FUNCTION kind(int, int) RETURNS text LANGUAGE sql AS $$SELECT 'two'$$;
SELECT kind(1), kind('a'::text), kind(1, 2), kind(1::smallint);
CREATE FUNCTION upper(int) RETURNS text LANGUAGE sql AS $$SELECT 'mine'$$;
SELECT upper('x'), upper(1);
-- sets
CREATE FUNCTION cheap(numeric) RETURNS SETOF text LANGUAGE sql AS 'SELECT name FROM items WHERE price < $1 ORDER BY id';
SELECT * FROM cheap(4);
SELECT c FROM cheap(3) AS c;
SELECT i.id, c.n FROM items i, cheap(i.price) AS c(n) WHERE i.id < 4 ORDER BY 1, 2;
CREATE FUNCTION listed(lowest int) RETURNS TABLE (number int, label text) LANGUAGE sql AS $$
  SELECT id, name FROM items WHERE id >= lowest ORDER BY id
$$;
SELECT * FROM listed(5);
SELECT label FROM listed(4) l WHERE number < 6;
SELECT i.id, l.label FROM items i LEFT JOIN LATERAL listed(i.id + 4) l ON true ORDER BY 1, 2;
CREATE FUNCTION whole(int) RETURNS SETOF items LANGUAGE sql AS 'SELECT * FROM items WHERE id > $1';
SELECT name, price FROM whole(4) ORDER BY 1;
CREATE FUNCTION with_sub(int) RETURNS SETOF int LANGUAGE sql AS 'SELECT id FROM items WHERE price > (SELECT avg(price) FROM items WHERE id <> $1) ORDER BY 1';
SELECT * FROM with_sub(6);
CREATE FUNCTION strict_set(int) RETURNS SETOF int LANGUAGE sql STRICT AS 'SELECT id FROM items WHERE id > coalesce($1, 0)';
SELECT count(*) FROM strict_set(NULL);
SELECT count(*) FROM strict_set(3);
-- in views, prepared statements, other functions
CREATE FUNCTION twice(numeric) RETURNS numeric LANGUAGE sql AS 'SELECT $1 * 2';
CREATE FUNCTION four_times(numeric) RETURNS numeric LANGUAGE sql AS 'SELECT twice(twice($1))';
CREATE VIEW priced AS SELECT id, four_times(price) AS p FROM items;
SELECT * FROM priced WHERE id < 3 ORDER BY id;
PREPARE q(int) AS SELECT total($1, 4), four_times($1);
EXECUTE q(2);
UPDATE items SET price = twice(price) WHERE id = add_one(0) RETURNING price;
SELECT sum(twice(price)), count(DISTINCT kind(id)) FROM items;
-- definitions and errors
CREATE FUNCTION add_one(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE FUNCTION add_one(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + 10';
SELECT add_one(1);
CREATE OR REPLACE FUNCTION add_one(int) RETURNS text LANGUAGE sql AS $$SELECT 'x'$$;
CREATE FUNCTION bad(int) RETURNS int LANGUAGE sql AS $$SELECT 'x'::text$$;
CREATE FUNCTION bad(int) RETURNS int LANGUAGE sql AS 'SELECT 1, 2';
CREATE FUNCTION bad(int) RETURNS int LANGUAGE klingon AS 'SELECT 1';
CREATE FUNCTION bad(int) LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION bad(int) RETURNS int AS 'SELECT 1';
CREATE FUNCTION bad(a int, a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION bad(a int DEFAULT 1, b int) RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT add_one();
SELECT add_one('a', 'b');
SELECT no_such(1);
DROP FUNCTION kind;
DROP FUNCTION kind(text);
DROP FUNCTION kind(numeric);
DROP FUNCTION no_such;
DROP FUNCTION IF EXISTS no_such(int);
DROP FUNCTION four_times(numeric);
DROP FUNCTION four_times(numeric) CASCADE;
BEGIN;
DROP FUNCTION standard(int);
ROLLBACK;
SELECT standard(1);
DROP FUNCTION atomic_body(int);
DROP TABLE items CASCADE;
