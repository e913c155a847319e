-- Subqueries as keys of indexes.
CREATE TABLE ia (id int PRIMARY KEY, k int, t text);
INSERT INTO ia SELECT g, g % 10, 't' || g FROM generate_series(1, 3000) g;
CREATE INDEX ON ia (k);
SELECT * FROM ia WHERE id = ANY (ARRAY(SELECT 5 UNION SELECT 7)) ORDER BY id;
SELECT * FROM ia WHERE id = (SELECT max(id) FROM ia);
SELECT * FROM ia WHERE id = (SELECT max(id)::bigint - 1 FROM ia) AND t <> 'x';
SELECT * FROM ia WHERE id > (SELECT max(id) - 3 FROM ia) ORDER BY id;
SELECT * FROM ia WHERE id = (SELECT NULL::int);
SELECT count(*) FROM ia WHERE k = (SELECT 3) AND id < (SELECT 50);
SELECT (SELECT t FROM ia WHERE ia.id = (SELECT x + 1)) FROM generate_series(1, 2) x;
SELECT * FROM ia WHERE id = (SELECT id FROM ia WHERE k = 5);
SELECT id FROM ia WHERE id > (SELECT 10) ORDER BY id LIMIT 2;
UPDATE ia SET t = 'u' WHERE id = (SELECT min(id) FROM ia) RETURNING *;
DELETE FROM ia WHERE id = ANY (ARRAY(SELECT 3)) RETURNING *;
SELECT t FROM ia WHERE id = ANY (ARRAY(SELECT NULL::int)) OR id = (SELECT 9);
DROP TABLE ia;
