-- 06 select: column names, WHERE, joins, grouping, ordering, DISTINCT
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

-- basics and column naming
SELECT 1, 'a', 1 + 1, NULL, true;
SELECT 1 AS a, 2 a2, 3 AS "A b";
SELECT upper('x'), length('abc'), coalesce(NULL, 1), nullif(1, 2), greatest(1, 2), CASE WHEN true THEN 1 END, 1::int, 'x'::varchar(3), CAST(2 AS text), now() IS NULL, NOT true, -1, current_date IS NULL;
SELECT count(*), sum(salary), max(name), min(hired), bool_and(active) FROM emp;
SELECT (SELECT max(id) FROM emp), (SELECT 1 AS inner_name), EXISTS (SELECT 1), (1 + 2), ('x' || 'y');
SELECT name, name, id, name AS id FROM emp WHERE id = 1;
SELECT *, id, * FROM nums, (SELECT 1 AS id) AS s ORDER BY n NULLS LAST, label LIMIT 2;
SELECT e.*, d.name FROM emp AS e, dept AS d WHERE e.dept_id = d.id AND e.id < 3 ORDER BY e.id;
SELECT emp.name, emp.salary * 12 AS yearly, extract(year FROM hired) FROM emp ORDER BY emp.id;
SELECT FROM emp WHERE id < 3;
SELECT e FROM (SELECT 1 AS e) AS t;

-- WHERE
SELECT id FROM emp WHERE salary > 5000 AND active ORDER BY id;
SELECT id FROM emp WHERE salary > 5000 OR dept_id = 2 ORDER BY id;
SELECT id FROM emp WHERE NOT active ORDER BY id;
SELECT id FROM emp WHERE active IS NOT TRUE ORDER BY id;
SELECT id FROM emp WHERE active IS NULL OR hired IS NULL ORDER BY id;
SELECT id FROM emp WHERE dept_id <> 1 ORDER BY id;
SELECT id FROM emp WHERE dept_id = NULL;
SELECT id FROM emp WHERE dept_id IS DISTINCT FROM 1 ORDER BY id;
SELECT id FROM emp WHERE dept_id IS NOT DISTINCT FROM NULL ORDER BY id;
SELECT id FROM emp WHERE salary BETWEEN 4000 AND 7000 ORDER BY id;
SELECT id FROM emp WHERE salary NOT BETWEEN 4000 AND 7000 ORDER BY id;
SELECT id FROM emp WHERE id BETWEEN 5 AND 3;
SELECT id FROM emp WHERE dept_id IN (1, 3) ORDER BY id;
SELECT id FROM emp WHERE dept_id NOT IN (1, 3) ORDER BY id;
SELECT id FROM emp WHERE dept_id NOT IN (1, NULL) ORDER BY id;
SELECT id FROM emp WHERE name IN ('Ann', 'Zed', 'Cid') ORDER BY id;
SELECT 1 IN (1, NULL) AS a, 2 IN (1, NULL) AS b, 2 NOT IN (1, 3) AS c, NULL IN (1) AS d, 1 = ANY (SELECT 1) AS e;
SELECT (1, 2) = (1, 2) AS a, (1, 2) < (1, 3) AS b, (2, 1) > (1, 9) AS c, (1, NULL) = (1, 2) AS d, (1, 2) <> (1, 3) AS e, (1, 2) IN ((1, 2), (3, 4)) AS f;
SELECT id FROM emp WHERE (dept_id, salary) = (1, 7000) ORDER BY id;
SELECT id FROM emp WHERE (salary, id) > (5000, 3) ORDER BY salary, id;

-- joins
SELECT e.name, d.name FROM emp e JOIN dept d ON e.dept_id = d.id ORDER BY e.id;
SELECT e.name, d.name AS dept FROM emp e LEFT JOIN dept d ON e.dept_id = d.id ORDER BY e.id;
SELECT e.name, d.name AS dept FROM emp e RIGHT JOIN dept d ON e.dept_id = d.id ORDER BY d.id, e.id;
SELECT e.name, d.name AS dept FROM emp e FULL JOIN dept d ON e.dept_id = d.id ORDER BY e.id, d.id;
SELECT d.name, p.title FROM dept d CROSS JOIN proj p WHERE d.id < 3 ORDER BY d.id, p.title;
SELECT d.name, n.n FROM dept d, nums n WHERE d.id = n.n ORDER BY d.id, n.label;
SELECT dept_id, e.name, p.title FROM emp e JOIN proj p USING (dept_id) ORDER BY dept_id, e.id, p.title;
SELECT * FROM proj JOIN (SELECT id AS dept_id, city FROM dept) AS d USING (dept_id) ORDER BY title;
SELECT * FROM proj NATURAL JOIN (SELECT id AS dept_id, city FROM dept) AS d ORDER BY title;
SELECT dept_id, title, city FROM proj FULL JOIN (SELECT id AS dept_id, city FROM dept) AS d USING (dept_id) ORDER BY dept_id, title;
SELECT * FROM proj NATURAL LEFT JOIN (SELECT id AS dept_id, name FROM dept) AS d ORDER BY title;
SELECT e.name, b.name AS boss FROM emp e LEFT JOIN emp b ON e.boss_id = b.id ORDER BY e.id;
SELECT e.name, b.name AS boss, bb.name AS grand FROM emp e JOIN emp b ON e.boss_id = b.id LEFT JOIN emp bb ON b.boss_id = bb.id ORDER BY e.id;
SELECT d.name, count(e.id) AS heads, count(*) AS rows FROM dept d LEFT JOIN emp e ON e.dept_id = d.id AND e.active GROUP BY d.id, d.name ORDER BY d.id;
SELECT a.id, b.id FROM emp a JOIN emp b ON a.salary = b.salary AND a.id < b.id ORDER BY 1, 2;
SELECT a.id, b.id FROM emp a JOIN emp b ON a.salary > b.salary * 2 ORDER BY 1, 2;
SELECT d.name, e.name FROM dept d LEFT JOIN emp e ON e.dept_id = d.id WHERE e.id IS NULL ORDER BY d.id;
SELECT d.name, e.name, p.title FROM (dept d LEFT JOIN emp e ON e.dept_id = d.id) LEFT JOIN proj p ON p.dept_id = d.id ORDER BY d.id, e.id, p.title;
SELECT count(*) FROM emp CROSS JOIN dept CROSS JOIN proj;
SELECT e.name, e2.cnt FROM emp e JOIN (SELECT boss_id, count(*) AS cnt FROM emp GROUP BY boss_id) AS e2 ON e2.boss_id = e.id ORDER BY e.id;
SELECT x.a, x.b FROM (VALUES (1, 'x'), (2, 'y')) AS x (a, b) JOIN nums ON n = x.a ORDER BY x.a, label;

-- aggregates, GROUP BY, HAVING
SELECT count(*), count(salary), count(DISTINCT dept_id), sum(salary), avg(salary), min(salary), max(salary) FROM emp;
SELECT dept_id, count(*), sum(salary), round(avg(salary), 2) AS avg FROM emp GROUP BY dept_id ORDER BY dept_id NULLS FIRST;
SELECT dept_id, count(*) FROM emp GROUP BY dept_id HAVING count(*) > 1 ORDER BY dept_id;
SELECT dept_id, max(salary) AS top FROM emp WHERE active GROUP BY dept_id HAVING max(salary) > 4000 ORDER BY top DESC;
SELECT dept_id, bool_and(active), bool_or(active), every(active) FROM emp GROUP BY dept_id ORDER BY dept_id;
SELECT dept_id, string_agg(name, ',' ORDER BY name DESC) AS names FROM emp GROUP BY dept_id ORDER BY dept_id;
SELECT count(*) FILTER (WHERE active) AS act, count(*) FILTER (WHERE NOT active) AS inact, sum(salary) FILTER (WHERE dept_id = 1) AS eng, string_agg(name, '+' ORDER BY id) FILTER (WHERE salary > 6000) AS rich FROM emp;
SELECT extract(year FROM hired) AS y, count(*) FROM emp GROUP BY y ORDER BY y;
SELECT salary > 5000 AS high, count(*) FROM emp GROUP BY salary > 5000 ORDER BY 1;
SELECT dept_id, active, count(*) FROM emp GROUP BY 1, 2 ORDER BY 1, 2;
SELECT dept_id % 2 AS parity, sum(id), sum(id) * 2 AS dbl, count(*) + 1 AS c FROM emp GROUP BY parity ORDER BY parity;
SELECT count(*) FROM emp HAVING count(*) > 100;
SELECT 'any' AS x FROM emp HAVING count(*) > 1;
SELECT sum(DISTINCT salary), count(DISTINCT salary), avg(DISTINCT salary) FROM emp;
SELECT count(*), count(a), sum(a), avg(c), min(b), max(b), bool_and(a > 1), string_agg(b, ',') FROM empty_t;
SELECT a, count(*) FROM empty_t GROUP BY a;
SELECT sum(n), min(label), max(label), count(n), count(DISTINCT n) FROM nums;
SELECT d.name, sum(p.budget) AS total FROM dept d JOIN proj p ON p.dept_id = d.id GROUP BY d.id ORDER BY total, d.name;
SELECT max(length(name)), sum(CASE WHEN active THEN 1 ELSE 0 END), sum(id * id), max(id) - min(id) FROM emp;
SELECT min(cnt), max(cnt) FROM (SELECT count(*) AS cnt FROM emp GROUP BY dept_id) AS t;

-- ORDER BY, LIMIT, DISTINCT
SELECT n, label FROM nums ORDER BY n, label;
SELECT n, label FROM nums ORDER BY n DESC, label DESC;
SELECT n FROM nums ORDER BY n NULLS FIRST;
SELECT n FROM nums ORDER BY n DESC NULLS LAST;
SELECT id, salary FROM emp ORDER BY salary DESC NULLS LAST, id DESC LIMIT 3;
SELECT name, salary * 2 AS dbl FROM emp ORDER BY dbl NULLS FIRST, name;
SELECT name FROM emp ORDER BY length(name), lower(name) DESC;
SELECT id, name FROM emp ORDER BY 2 DESC;
SELECT id FROM emp ORDER BY -id LIMIT 2;
SELECT id FROM emp ORDER BY id LIMIT 3 OFFSET 2;
SELECT id FROM emp ORDER BY id OFFSET 6;
SELECT id FROM emp ORDER BY id LIMIT 0;
SELECT id FROM emp ORDER BY id LIMIT ALL OFFSET 7;
SELECT id FROM emp ORDER BY id LIMIT NULL OFFSET 7;
SELECT id FROM emp ORDER BY id LIMIT 1 + 1;
SELECT id FROM emp LIMIT -1;
SELECT id FROM emp OFFSET -1;
SELECT DISTINCT dept_id FROM emp ORDER BY dept_id;
SELECT DISTINCT dept_id, active FROM emp ORDER BY dept_id DESC, active;
SELECT DISTINCT n FROM nums ORDER BY n NULLS FIRST;
SELECT DISTINCT salary > 5000 AS high FROM emp ORDER BY high;

DROP TABLE dept, emp, proj, nums, empty_t;
