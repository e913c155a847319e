-- 10 mixed application: a small shop with customers, products, orders and items
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
SET application_name = 'shop';
SET client_min_messages = warning;
DROP TABLE IF EXISTS order_items, orders, products, customers, stock_log, monthly;
RESET client_min_messages;

-- schema
CREATE TABLE customers (
    id serial PRIMARY KEY,
    name varchar(40) NOT NULL,
    email text NOT NULL UNIQUE,
    city text,
    vip boolean NOT NULL DEFAULT false,
    credit numeric(10,2) NOT NULL DEFAULT 0,
    joined date NOT NULL
);
CREATE TABLE products (
    sku char(6) PRIMARY KEY,
    name text NOT NULL,
    category text NOT NULL,
    price numeric(8,2) NOT NULL,
    stock int NOT NULL DEFAULT 0
);
CREATE TABLE orders (
    id bigserial PRIMARY KEY,
    customer_id int NOT NULL,
    placed timestamp NOT NULL,
    status varchar(10) NOT NULL DEFAULT 'new',
    note text
);
CREATE TABLE order_items (
    order_id bigint,
    line smallint,
    sku char(6) NOT NULL,
    qty int NOT NULL,
    price numeric(8,2) NOT NULL,
    PRIMARY KEY (order_id, line)
);
CREATE TABLE stock_log (n int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sku char(6), delta int, reason text DEFAULT 'sale');
CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX orders_placed ON orders (placed DESC);
CREATE INDEX items_sku ON order_items (sku);
CREATE UNIQUE INDEX products_name ON products (name);

-- load
INSERT INTO customers (name, email, city, vip, credit, joined)
SELECT 'Customer ' || g,
       'c' || lpad(g::text, 3, '0') || '@example.com',
       CASE g % 5 WHEN 0 THEN 'Oslo' WHEN 1 THEN 'Rome' WHEN 2 THEN 'Lima' WHEN 3 THEN 'Kyoto' END,
       g % 7 = 0,
       (g * 13 % 50) * 10,
       date '2020-01-01' + g * 5
FROM generate_series(1, 120) AS g;
INSERT INTO products (sku, name, category, price, stock)
SELECT 'P' || lpad(g::text, 4, '0'),
       'Product ' || chr(64 + (g + 25) % 26 + 1) || g,
       CASE WHEN g % 3 = 0 THEN 'tools' WHEN g % 3 = 1 THEN 'toys' ELSE 'books' END,
       round(g * 3.75 + 0.99, 2),
       g * 7 % 40
FROM generate_series(1, 40) AS g;
INSERT INTO orders (customer_id, placed, status)
SELECT (g * 17) % 110 + 1,
       timestamp '2023-01-01 08:00:00' + g * interval '1 day 3 hours 7 minutes',
       CASE g % 6 WHEN 0 THEN 'cancelled' WHEN 1 THEN 'new' WHEN 2 THEN 'paid' ELSE 'shipped' END
FROM generate_series(1, 400) AS g;
INSERT INTO order_items (order_id, line, sku, qty, price)
SELECT o.id, l.n, p.sku, (o.id * l.n) % 5 + 1, p.price
FROM orders AS o
CROSS JOIN generate_series(1, 3) AS l (n)
JOIN products AS p ON p.sku = 'P' || lpad(((o.id * 7 + l.n * 11) % 40 + 1)::text, 4, '0')
WHERE l.n <= o.id % 3 + 1;
COPY products (sku, name, category, price, stock) FROM STDIN WITH (DELIMITER '|');
X00001|Mystery box|misc|49.00|3
X00002|Gift card|misc|25.00|1000
\.
ANALYZE;

-- sanity
SELECT (SELECT count(*) FROM customers) AS customers, (SELECT count(*) FROM products) AS products, (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM order_items) AS items;
SELECT * FROM customers ORDER BY id LIMIT 5;
SELECT * FROM products ORDER BY sku LIMIT 5 OFFSET 10;
SELECT * FROM orders ORDER BY placed DESC LIMIT 5;
SELECT * FROM order_items WHERE order_id BETWEEN 5 AND 8 ORDER BY order_id, line;
SELECT sum(qty), sum(qty * price), min(price), max(price), avg(price)::numeric(10,4) FROM order_items;

-- point look-ups an application does
SELECT id, name, credit FROM customers WHERE email = 'c042@example.com';
SELECT name, price FROM products WHERE sku = 'P0007';
SELECT o.id, o.placed, o.status FROM orders o WHERE o.customer_id = 18 ORDER BY o.placed;
SELECT p.name, i.qty, i.price, i.qty * i.price AS amount FROM order_items i JOIN products p USING (sku) WHERE i.order_id = 77 ORDER BY i.line;
SELECT id, name FROM customers WHERE name ILIKE '%r 11%' ORDER BY name;
SELECT id FROM customers WHERE city IS NULL ORDER BY id LIMIT 5;
SELECT name, stock FROM products WHERE category IN ('misc', 'books') AND stock < 10 ORDER BY stock, name;

-- reports
SELECT c.city, count(*) AS customers, count(*) FILTER (WHERE c.vip) AS vips, round(avg(c.credit), 2) AS avg_credit FROM customers c GROUP BY c.city ORDER BY c.city NULLS LAST;
SELECT status, count(*) AS n, min(placed)::date AS first, max(placed)::date AS last FROM orders GROUP BY status ORDER BY n DESC, status;
SELECT date_trunc('month', o.placed)::date AS month, count(DISTINCT o.id) AS orders, sum(i.qty * i.price) AS revenue FROM orders o JOIN order_items i ON i.order_id = o.id WHERE o.status <> 'cancelled' GROUP BY 1 ORDER BY 1;
SELECT extract(dow FROM placed) AS dow, to_char(min(placed), 'FMDay') AS day, count(*) FROM orders GROUP BY 1 ORDER BY 1;
SELECT p.category, sum(i.qty) AS units, sum(i.qty * i.price) AS revenue, round(sum(i.qty * i.price) * 100 / (SELECT sum(qty * price) FROM order_items), 2) AS pct FROM order_items i JOIN products p ON p.sku = i.sku GROUP BY p.category ORDER BY revenue DESC;
SELECT c.name, sum(i.qty * i.price) AS spent FROM customers c JOIN orders o ON o.customer_id = c.id JOIN order_items i ON i.order_id = o.id WHERE o.status = 'shipped' GROUP BY c.id, c.name ORDER BY spent DESC, c.id LIMIT 10;
SELECT c.city, c.vip, count(o.id) AS orders FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.city, c.vip HAVING count(o.id) > 20 ORDER BY orders DESC, c.city;
SELECT c.id, c.name FROM customers c LEFT JOIN orders o ON o.customer_id = c.id WHERE o.id IS NULL ORDER BY c.id;
SELECT count(*) FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id AND o.status = 'shipped');
SELECT p.sku, p.name FROM products p WHERE p.sku NOT IN (SELECT sku FROM order_items) ORDER BY p.sku;
SELECT o.id, count(*) AS lines, sum(i.qty) AS units, string_agg(trim(i.sku) || 'x' || i.qty, ', ' ORDER BY i.line) AS what FROM orders o JOIN order_items i ON i.order_id = o.id WHERE o.id % 50 = 0 GROUP BY o.id ORDER BY o.id;
SELECT customer_id, count(*) AS n FROM orders GROUP BY customer_id HAVING count(*) = (SELECT max(n) FROM (SELECT count(*) AS n FROM orders GROUP BY customer_id) AS t) ORDER BY customer_id LIMIT 5;
SELECT category, name, price FROM products p WHERE price = (SELECT max(price) FROM products q WHERE q.category = p.category) ORDER BY category;
SELECT CASE WHEN total < 100 THEN 'small' WHEN total < 400 THEN 'medium' ELSE 'large' END AS size, count(*), sum(total) FROM (SELECT order_id, sum(qty * price) AS total FROM order_items GROUP BY order_id) AS t GROUP BY 1 ORDER BY 2 DESC, 1;
WITH spend AS (
    SELECT o.customer_id, sum(i.qty * i.price) AS total
    FROM orders o JOIN order_items i ON i.order_id = o.id
    WHERE o.status IN ('paid', 'shipped')
    GROUP BY o.customer_id
), avg_spend AS (
    SELECT avg(total) AS a FROM spend
)
SELECT c.city, count(*) AS big_spenders, max(s.total) AS top
FROM spend s JOIN customers c ON c.id = s.customer_id CROSS JOIN avg_spend
WHERE s.total > avg_spend.a * 1.5
GROUP BY c.city ORDER BY big_spenders DESC, c.city;
SELECT * FROM (SELECT category, name, price, row_number() OVER (PARTITION BY category ORDER BY price DESC) AS rn FROM products) AS t WHERE rn <= 2 ORDER BY category, rn;
SELECT month, n, sum(n) OVER (ORDER BY month) AS running FROM (SELECT extract(month FROM placed) AS month, count(*) AS n FROM orders WHERE placed < '2023-07-01' GROUP BY 1) AS m ORDER BY month;
SELECT city FROM customers WHERE vip INTERSECT SELECT city FROM customers WHERE credit > 400 ORDER BY 1;
SELECT 'customers' AS what, count(*) FROM customers UNION ALL SELECT 'orders', count(*) FROM orders UNION ALL SELECT 'items', count(*) FROM order_items ORDER BY what;
SELECT DISTINCT p.category, o.status FROM orders o JOIN order_items i ON i.order_id = o.id JOIN products p ON p.sku = i.sku ORDER BY 1, 2;
SELECT a.id, b.id, a.city FROM customers a JOIN customers b ON a.city = b.city AND a.id < b.id WHERE a.vip AND b.vip ORDER BY 1, 2 LIMIT 8;
SELECT avg(lines)::numeric(6,3) AS avg_lines, max(lines) AS max_lines FROM (SELECT count(*) AS lines FROM order_items GROUP BY order_id) AS t;

-- placing an order
PREPARE new_order (int, timestamp) AS INSERT INTO orders (customer_id, placed) VALUES ($1, $2) RETURNING id, status;
PREPARE add_item (bigint, int, text, int) AS INSERT INTO order_items SELECT $1, $2, sku, $4, price FROM products WHERE sku = $3;
PREPARE take_stock (text, int) AS UPDATE products SET stock = stock - $2 WHERE sku = $1 AND stock >= $2 RETURNING sku, stock;
BEGIN;
EXECUTE new_order (42, '2024-06-01 12:00');
EXECUTE add_item (401, 1, 'X00001', 2);
EXECUTE take_stock ('X00001', 2);
EXECUTE add_item (401, 2, 'X00002', 1);
EXECUTE take_stock ('X00002', 1);
INSERT INTO stock_log (sku, delta) VALUES ('X00001', -2), ('X00002', -1);
COMMIT;
SELECT o.id, o.status, sum(i.qty * i.price) AS total FROM orders o JOIN order_items i ON i.order_id = o.id WHERE o.id = 401 GROUP BY o.id, o.status;
BEGIN;
EXECUTE new_order (43, '2024-06-01 12:05');
EXECUTE add_item (402, 1, 'X00001', 5);
EXECUTE take_stock ('X00001', 5);
ROLLBACK;
SELECT count(*) FROM orders WHERE id = 402;
BEGIN;
EXECUTE new_order (43, '2024-06-01 12:10');
SAVEPOINT item;
EXECUTE add_item (403, 1, 'X00002', 1);
EXECUTE add_item (403, 1, 'X00002', 1);
ROLLBACK TO item;
EXECUTE add_item (403, 1, 'X00002', 3);
EXECUTE add_item (403, 2, 'NOSUCH', 3);
COMMIT;
SELECT * FROM order_items WHERE order_id = 403;
BEGIN;
SELECT credit FROM customers WHERE id = 43 FOR UPDATE;
UPDATE customers SET credit = credit - 75 WHERE id = 43 RETURNING credit;
UPDATE orders SET status = 'paid', note = 'paid by credit' WHERE id = 403 RETURNING id, status, note;
COMMIT;

-- constraint violations
INSERT INTO customers (name, email, joined) VALUES ('Dup', 'c001@example.com', '2024-01-01');
INSERT INTO customers (name, email) VALUES ('No date', 'new@example.com');
INSERT INTO customers (name, email, joined) VALUES (repeat('x', 41), 'long@example.com', '2024-01-01');
INSERT INTO products VALUES ('P0001', 'Copy', 'toys', 1, 1);
INSERT INTO products VALUES ('P9999', 'Mystery box', 'toys', 1, 1);
INSERT INTO products VALUES ('P999999', 'Long sku', 'toys', 1, 1);
INSERT INTO order_items VALUES (401, 1, 'P0001', 1, 1);
INSERT INTO order_items VALUES (401, NULL, 'P0001', 1, 1);
UPDATE orders SET status = 'far too long status' WHERE id = 1;
UPDATE products SET price = price * 1000000 WHERE sku = 'P0001';
UPDATE customers SET email = 'c002@example.com' WHERE id = 1;
INSERT INTO stock_log (n, sku) VALUES (1, 'P0001');

-- bulk maintenance
UPDATE products SET price = round(price * 1.10, 2) WHERE category = 'toys';
UPDATE customers SET vip = true WHERE id IN (SELECT o.customer_id FROM orders o JOIN order_items i ON i.order_id = o.id GROUP BY o.customer_id HAVING sum(i.qty * i.price) > 3000);
SELECT count(*) FILTER (WHERE vip) AS vips, count(*) AS all FROM customers;
UPDATE products SET stock = stock + 10 WHERE stock < (SELECT avg(stock) FROM products WHERE category <> 'misc');
SELECT category, sum(stock) AS stock, sum(stock * price) AS value FROM products GROUP BY category ORDER BY category;
BEGIN;
DELETE FROM order_items WHERE order_id IN (SELECT id FROM orders WHERE status = 'cancelled');
DELETE FROM orders WHERE status = 'cancelled';
SELECT count(*) FROM orders;
COMMIT;
SELECT count(*) FROM order_items i LEFT JOIN orders o ON o.id = i.order_id WHERE o.id IS NULL;
CREATE TABLE monthly (month date PRIMARY KEY, orders int NOT NULL, revenue numeric(12,2));
INSERT INTO monthly SELECT date_trunc('month', o.placed)::date, count(DISTINCT o.id), sum(i.qty * i.price) FROM orders o JOIN order_items i ON i.order_id = o.id GROUP BY 1;
SELECT * FROM monthly ORDER BY month;
INSERT INTO monthly SELECT month, 0, 0 FROM monthly WHERE month = '2023-03-01';
SELECT month, revenue, rank() OVER (ORDER BY revenue DESC) AS rank FROM monthly ORDER BY rank LIMIT 5;
UPDATE orders SET status = 'archived' WHERE placed < '2023-06-01';
DELETE FROM orders WHERE status = 'archived' AND customer_id % 2 = 0;
SELECT status, count(*) FROM orders GROUP BY status ORDER BY status;
UPDATE customers SET id = id + 1000 WHERE id > 115;
SELECT id, email FROM customers WHERE id > 100 ORDER BY id DESC LIMIT 6;
INSERT INTO customers (name, email, joined) VALUES ('Newcomer', 'n@example.com', '2024-06-02') RETURNING id, vip, credit;
COPY (SELECT month, orders, revenue FROM monthly ORDER BY month LIMIT 4) TO STDOUT WITH (DELIMITER ',');
SELECT md5(string_agg(id || ':' || name || ':' || email || ':' || coalesce(city, '-') || ':' || vip || ':' || credit, ';' ORDER BY id)) AS customers_sum FROM customers;
SELECT md5(string_agg(order_id || '/' || line || '/' || sku || '/' || qty || '/' || price, ';' ORDER BY order_id, line)) AS items_sum FROM order_items;

-- mistakes an application developer makes
SELECT customer_id, placed, count(*) FROM orders GROUP BY customer_id;
SELECT id, name FROM customers JOIN orders ON customers.id = orders.customer_id;
SELECT * FROM customer;
SELECT first_name FROM customers;
SELECT o.total FROM orders o;
SELECT name FROM products WHERE price > 'expensive';
SELECT name FROM products WHERE sku = 7;
SELECT * FROM orders WHERE placed = 'last tuesday maybe';
SELECT sum(name) FROM customers;
SELECT id FROM orders WHERE customer_id = (SELECT id FROM customers);
INSERT INTO orders VALUES (1, 2);
INSERT INTO orders (id, customer_id, placed) VALUES (500, 'x', '2024-01-01');
DROP TABLE order_itemz;
VACUUM ANALYZE orders;
DEALLOCATE ALL;
DROP TABLE order_items, orders, products, customers, stock_log, monthly;
