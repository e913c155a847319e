-- 06 select, part 2: set operations, VALUES, subqueries, CTEs, windows, errors
SET timezone = 'UTC';
SET client_min_messages = warning;
DROP TABLE IF EXISTS dept, emp, proj, nums, empty_t;
RESET client_min_messages;
CREATE TABLE dept (id int PRIMARY KEY, name text, city text);
CREATE TABLE emp (id int PRIMARY KEY, name text NOT NULL, dept_id int, boss_id int, salary numeric(10,2), hired date, active boolean);
CREATE TABLE proj (dept_id int, title text, budget int, PRIMARY KEY (dept_id, title));
CREATE TABLE nums (n int, label text);
CREATE TABLE empty_t (a int, b text, c numeric);
INSERT INTO dept VALUES (1, 'eng', 'Oslo'), (2, 'ops', 'Rome'), (3, 'hr', NULL), (4, 'void', 'Oslo');
INSERT INTO emp VALUES
  (1, 'Ann', 1, NULL, 9000, '2015-01-10', true),
  (2, 'Bob', 1, 1, 7000, '2018-03-01', true),
  (3, 'Cid', 1, 1, 7000, '2019-07-15', false),
  (4, 'Dee', 2, 1, 5000.50, '2017-11-20', true),
  (5, 'Eve', 2, 4, NULL, '2021-02-02', NULL),
  (6, 'Fay', 3, 1, 6500, '2020-05-05', false),
  (7, 'Gus', NULL, NULL, 3000, '2022-09-09', true),
  (8, 'Hal', 9, 4, 4000, NULL, true);
INSERT INTO proj VALUES (1, 'alpha', 100), (1, 'beta', 200), (2, 'gamma', 300), (5, 'orphan', 50);
INSERT INTO nums VALUES (1, 'one'), (2, 'two'), (NULL, 'none'), (3, NULL), (2, 'deux');

-- set operations and VALUES
SELECT 1 AS x UNION SELECT 2 UNION SELECT 1 ORDER BY x;
SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 1 ORDER BY x DESC;
SELECT dept_id FROM emp INTERSECT SELECT id FROM dept ORDER BY 1;
SELECT id FROM dept EXCEPT SELECT dept_id FROM emp ORDER BY 1;
SELECT n FROM nums INTERSECT ALL SELECT dept_id FROM emp ORDER BY 1;
SELECT dept_id FROM emp EXCEPT ALL SELECT n FROM nums ORDER BY 1;
SELECT NULL UNION SELECT NULL;
SELECT 1 UNION SELECT 2.5 ORDER BY 1;
SELECT 'a' AS c UNION SELECT 'b' UNION (SELECT 'c' ORDER BY 1 LIMIT 1) ORDER BY c DESC LIMIT 2;
SELECT 1 UNION SELECT 2 INTERSECT SELECT 2 ORDER BY 1;
(SELECT 1 UNION SELECT 2) INTERSECT SELECT 2;
VALUES (1, 'one'), (2, 'two'), (3, NULL);
VALUES (3), (1), (2) ORDER BY 1 LIMIT 2;
VALUES (1), (2.5), (NULL);
SELECT column1 AS a, column2 AS b FROM (VALUES (1, 'x'), (2, 'y')) AS v ORDER BY a DESC;
SELECT * FROM generate_series(1, 5) ORDER BY 1;
SELECT g, g * g AS sq FROM generate_series(10, 1, -3) AS g ORDER BY g;
SELECT count(*), sum(g) FROM generate_series(1, 1000) AS t (g);
SELECT * FROM generate_series(5, 1);
SELECT * FROM generate_series(1, 5, 0);
SELECT generate_series(1, 3) AS s;

-- subqueries
SELECT name, (SELECT d.name FROM dept d WHERE d.id = e.dept_id) AS dept FROM emp e ORDER BY id;
SELECT name FROM emp WHERE salary = (SELECT max(salary) FROM emp);
SELECT name FROM emp WHERE dept_id IN (SELECT id FROM dept WHERE city = 'Oslo') ORDER BY id;
SELECT name FROM dept WHERE id NOT IN (SELECT dept_id FROM emp);
SELECT name FROM dept WHERE id NOT IN (SELECT dept_id FROM emp WHERE dept_id IS NOT NULL);
SELECT name FROM dept d WHERE EXISTS (SELECT 1 FROM emp e WHERE e.dept_id = d.id AND e.active) ORDER BY id;
SELECT name FROM dept d WHERE NOT EXISTS (SELECT * FROM emp e WHERE e.dept_id = d.id) ORDER BY id;
SELECT name FROM emp e WHERE salary > (SELECT avg(salary) FROM emp x WHERE x.dept_id = e.dept_id) ORDER BY id;
SELECT name FROM emp WHERE salary >= ALL (SELECT salary FROM emp WHERE salary IS NOT NULL);
SELECT name FROM emp WHERE salary < ANY (SELECT salary FROM emp WHERE dept_id = 2) ORDER BY id;
SELECT name FROM emp WHERE dept_id = SOME (SELECT dept_id FROM proj) ORDER BY id;
SELECT 1 > ALL (SELECT a FROM empty_t) AS all_empty, 1 > ANY (SELECT a FROM empty_t) AS any_empty, (SELECT a FROM empty_t) AS scalar_empty;
SELECT t.dept_id, t.total FROM (SELECT dept_id, sum(salary) AS total FROM emp GROUP BY dept_id) AS t WHERE t.total > 5000 ORDER BY t.total;
SELECT (id, dept_id) IN (SELECT 1, 1) AS pair_in, id FROM emp WHERE id <= 2 ORDER BY id;
SELECT d.id, (SELECT count(*) FROM emp e WHERE e.dept_id = d.id) AS heads, (SELECT max(e.salary) FROM emp e WHERE e.dept_id = d.id) AS top FROM dept d ORDER BY heads DESC, d.id;
SELECT name FROM emp e WHERE (SELECT count(*) FROM emp x WHERE x.boss_id = e.id) >= 2 ORDER BY name;
SELECT id FROM emp WHERE id = (SELECT id FROM emp);
SELECT id FROM emp WHERE id IN (SELECT id, name FROM emp);
SELECT (SELECT id, name FROM emp WHERE id = 1);
SELECT * FROM (SELECT 1);
SELECT * FROM (SELECT id FROM emp WHERE id < 3) sub ORDER BY sub.id;

-- CTEs
WITH a AS (SELECT 1 AS x) SELECT * FROM a;
WITH a AS (SELECT id, name FROM emp WHERE active), b AS (SELECT count(*) AS n FROM a) SELECT a.name, b.n FROM a, b ORDER BY a.id;
WITH t (k, v) AS (VALUES (1, 'x'), (2, 'y')) SELECT v, k FROM t ORDER BY k;
WITH totals AS (SELECT dept_id, sum(salary) AS s FROM emp GROUP BY dept_id) SELECT d.name, t.s FROM totals t JOIN dept d ON d.id = t.dept_id WHERE t.s > (SELECT avg(s) FROM totals) ORDER BY d.id;
WITH a AS (SELECT 1 AS x) SELECT a1.x, a2.x FROM a a1 JOIN a a2 ON a1.x = a2.x;
WITH a AS (SELECT 1), a AS (SELECT 2) SELECT * FROM a;
WITH a AS (SELECT 1) SELECT * FROM b;

-- window functions
SELECT id, row_number() OVER (ORDER BY id DESC) AS rn FROM emp ORDER BY id;
SELECT id, dept_id, salary, rank() OVER (PARTITION BY dept_id ORDER BY salary DESC NULLS LAST) AS rk, dense_rank() OVER (ORDER BY salary DESC NULLS LAST) AS dr FROM emp ORDER BY id;
SELECT id, sum(salary) OVER (PARTITION BY dept_id) AS dept_total, count(*) OVER () AS n FROM emp ORDER BY id;
SELECT id, sum(id) OVER (ORDER BY id) AS running, avg(salary) OVER (PARTITION BY active) AS act_avg FROM emp ORDER BY id;
SELECT * FROM (SELECT name, dept_id, row_number() OVER (PARTITION BY dept_id ORDER BY salary DESC NULLS LAST, id) AS rn FROM emp) AS t WHERE rn = 1 ORDER BY dept_id;
SELECT dept_id, sum(salary) AS s, rank() OVER (ORDER BY sum(salary) DESC NULLS LAST) AS r FROM emp GROUP BY dept_id ORDER BY r;
SELECT row_number() FROM emp;
SELECT id FROM emp WHERE row_number() OVER (ORDER BY id) = 1;

-- errors
SELECT nosuch FROM emp;
SELECT emp.nosuch FROM emp;
SELECT e.name FROM emp;
SELECT emp.name FROM emp e;
SELECT x.name FROM emp;
SELECT nam FROM emp;
SELECT id FROM emp, dept;
SELECT name FROM emp e JOIN dept d ON e.dept_id = d.id;
SELECT * FROM emp JOIN dept USING (nosuch);
SELECT * FROM emp JOIN dept ON emp.dept_id;
SELECT * FROM emp, emp;
SELECT * FROM nosuch;
SELECT * FROM emp ORDER BY nosuch;
SELECT id FROM emp ORDER BY 5;
SELECT DISTINCT dept_id FROM emp ORDER BY id;
SELECT dept_id, name FROM emp GROUP BY dept_id;
SELECT name, count(*) FROM emp;
SELECT dept_id FROM emp GROUP BY dept_id ORDER BY salary;
SELECT dept_id FROM emp GROUP BY dept_id HAVING salary > 1;
SELECT e.name FROM emp e GROUP BY e.dept_id;
SELECT id FROM emp WHERE count(*) > 1;
SELECT sum(count(*)) FROM emp;
SELECT count(*) FROM emp GROUP BY count(*);
SELECT count(*) FROM emp GROUP BY 3;
SELECT nosuchfunc(1);
SELECT length(id) FROM emp;
SELECT sum(name) FROM emp;
SELECT name + 1 FROM emp;
SELECT name = 1 FROM emp;
SELECT id = 'x' FROM emp;
SELECT id || id FROM emp;
SELECT active + 1 FROM emp;
SELECT 1 UNION SELECT 'a';
SELECT 1 UNION SELECT true;
SELECT 1, 2 UNION SELECT 1;
SELECT 1 AS x UNION SELECT 2 ORDER BY y;
VALUES (1, 2), (3);
SELECT id FROM emp WHERE 1;
SELECT id FROM emp LIMIT 'x';
SELECT * FROM emp WHERE;
SELECT id name dept FROM emp;
SELEC 1;
SELECT 1 FROM;
SELECT (1;
);
SELECT 1 +;
SELECT count(DISTINCT *) FROM emp;
SELECT max(*) FROM emp;
SELECT count() FROM emp;
SELECT emp.* FROM dept;
SELECT *;
SELECT (1, 2) = (1, 2, 3);
SELECT CASE WHEN 1 = 1 THEN 2 FROM emp;
-- conditions without columns, above an aggregate that gives a row for no rows
SELECT 1 FROM (SELECT max(id) FROM emp) x(c) WHERE 2 < 1.0;
SELECT count(*) FROM emp HAVING 2 < 1.0;
SELECT c FROM (SELECT count(*) FROM emp) x(c) WHERE 1.0 < 2 AND c > 0;
SELECT dept_id, count(*) FROM emp GROUP BY GROUPING SETS ((dept_id), ()) HAVING 2 < 1.0;
SELECT count(*) FROM emp WHERE 2 < 1.0;
DROP TABLE dept, emp, proj, nums, empty_t;
