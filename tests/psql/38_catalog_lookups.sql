-- Catalogs are joined and looked up by number and name: what is asked of one relation because of another.
CREATE TABLE parent (id int PRIMARY KEY, name text UNIQUE);
CREATE TABLE child (id int PRIMARY KEY, parent int CONSTRAINT child_parent REFERENCES parent, CONSTRAINT child_positive CHECK (id > 0));
CREATE INDEX child_by_parent ON child (parent);
CREATE SCHEMA other;
CREATE TABLE other.child (x int);
COMMENT ON INDEX child_by_parent IS 'an index';
COMMENT ON CONSTRAINT child_parent ON child IS 'a key';
-- "char" has text in common with varchar and name.
SELECT 'r'::"char" = 'r'::varchar, 'r'::"char" = ANY (ARRAY['v'::varchar, 'r']), 'r'::"char" <> 'r'::name, 'r'::"char" < 's'::varchar;
SELECT relname FROM pg_class WHERE relkind = ANY (ARRAY['r'::varchar, 'p'::varchar]) AND relname LIKE 'child%' ORDER BY relnamespace;
-- Regular expressions of one name, and of more.
SELECT n.nspname, c.relname FROM pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname ~ '^(child)$' ORDER BY 1;
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname OPERATOR(pg_catalog.~) '^child$' COLLATE pg_catalog.default ORDER BY 1;
SELECT relname FROM pg_class WHERE relname ~ '^(child|parent)$' ORDER BY relnamespace, 1;
SELECT relname FROM pg_class WHERE relname ~ '^(chil.)$' ORDER BY relnamespace, 1;
SELECT relname FROM pg_class WHERE relname ~ '^()$' OR relname ~ '^child_p' ORDER BY 1;
SELECT count(*) FROM pg_class WHERE relname ~ NULL;
-- Joins from each side.
SELECT c.relname, i.relname, x.indisprimary FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid WHERE c.relname = 'child' ORDER BY 2;
SELECT i.relname, c.relname FROM pg_class i JOIN pg_index x ON x.indexrelid = i.oid JOIN pg_class c ON x.indrelid = c.oid WHERE i.relname = 'child_by_parent';
SELECT c.relname, x.indexrelid IS NULL FROM pg_class c LEFT JOIN pg_index x ON x.indrelid = c.oid WHERE c.relname IN ('child', 'parent') ORDER BY 1, 2, c.oid;
SELECT c.relname, x.indexrelid IS NULL FROM pg_index x RIGHT JOIN pg_class c ON x.indrelid = c.oid WHERE c.relname IN ('child', 'parent') ORDER BY 1, 2, c.oid;
SELECT c.relname, d.relname FROM (SELECT * FROM pg_class WHERE relname = 'child') c FULL JOIN (SELECT * FROM pg_class WHERE relname = 'parent') d ON c.oid = d.oid ORDER BY 1, 2;
SELECT relname FROM pg_class c WHERE NOT EXISTS (SELECT 1 FROM pg_index x WHERE x.indrelid = c.oid) AND relname IN ('child', 'parent') ORDER BY 1;
SELECT conname FROM pg_constraint WHERE confrelid IN (SELECT oid FROM pg_class WHERE relname = 'parent') ORDER BY 1;
SELECT conname FROM pg_constraint WHERE confrelid = 'parent'::regclass;
SELECT conname FROM pg_constraint WHERE conrelid = 'child'::regclass AND confrelid = 0 ORDER BY 1;
SELECT r.conname, c.relname, d.description FROM pg_constraint r JOIN pg_class c ON c.oid = r.conrelid LEFT JOIN pg_description d ON d.objoid = r.oid WHERE r.oid = (SELECT oid FROM pg_constraint WHERE conname = 'child_parent');
SELECT c.relname, d.description FROM pg_description d JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass WHERE c.relname ~ '^child';
SELECT obj_description('child_by_parent'::regclass, 'pg_class');
-- What changes in a transaction is found there.
BEGIN;
ALTER INDEX child_by_parent RENAME TO child_index;
SELECT relname FROM pg_class WHERE relname IN ('child_index', 'child_by_parent');
DROP TABLE other.child;
SELECT count(*) FROM pg_class WHERE relname = 'child';
ALTER TABLE child DROP CONSTRAINT child_parent;
SELECT count(*) FROM pg_constraint WHERE confrelid = 'parent'::regclass;
ROLLBACK;
SELECT relname FROM pg_class WHERE relname IN ('child_index', 'child_by_parent');
SELECT count(*) FROM pg_constraint WHERE confrelid = 'parent'::regclass;
DROP TABLE child, parent, other.child;
DROP SCHEMA other;
