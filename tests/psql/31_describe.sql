-- psql's \d and its kin, and what clients ask of the system catalogs.
CREATE TABLE dsc_parent (
    id integer PRIMARY KEY,
    name varchar(20) NOT NULL DEFAULT 'x',
    price numeric(10,2) CHECK (price > 0),
    CONSTRAINT dsc_name UNIQUE (name));
CREATE TABLE dsc_child (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parent_id integer REFERENCES dsc_parent (id) ON DELETE CASCADE,
    s serial,
    note text DEFAULT 'n',
    created timestamptz DEFAULT now(),
    tags text[],
    flag boolean NOT NULL DEFAULT true,
    amount double precision DEFAULT -1);
CREATE INDEX dsc_child_note ON dsc_child (note, parent_id);
CREATE UNIQUE INDEX dsc_child_s ON dsc_child (s) INCLUDE (note);
CREATE SEQUENCE dsc_sq INCREMENT 2 MAXVALUE 100;
COMMENT ON TABLE dsc_child IS 'a child';
COMMENT ON COLUMN dsc_child.note IS 'a note';

\d dsc_parent
\d dsc_child
\d+ dsc_child
\d dsc_child_note
\d dsc_child_s
\d dsc_child_pkey
\d dsc_sq
\d dsc_child_s_seq
\d dsc_child_id_seq
\dt dsc_*
\di dsc_*
\ds dsc_*
\dv dsc_*
\d dsc_nothing
\dt public.dsc_parent
\du
\dd dsc_*
\dp dsc_nothing

-- Numbers and names.
SELECT 'dsc_child'::regclass, 'public.dsc_child'::regclass, 'pg_class'::regclass;
SELECT 'dsc_child'::regclass::oid = oid, oid::regclass FROM pg_class WHERE relname = 'dsc_child';
SELECT 'dsc_nothing'::regclass;
SELECT 'nowhere.dsc_nothing'::regclass;
SELECT to_regclass('dsc_nothing'), to_regclass('dsc_parent'), to_regtype('int4'), to_regtype('nothing');
SELECT 'int4'::regtype, 'integer[]'::regtype, '_int4'::regtype, 'timestamp with time zone'::regtype::oid;
SELECT 'nothing'::regtype;
SELECT 'public'::regnamespace, 'pg_catalog'::regnamespace::oid;
SELECT 'nothing'::regnamespace;
SELECT 1247::regclass, 0::regclass, '-'::regclass::oid, 4000000000::oid::regclass;
SELECT 'a'::"char", 'abc'::"char", pg_typeof('a'::"char");
SELECT '1 2 3'::int2vector, ('1 2 3'::int2vector)[0], '7 8'::oidvector;

-- Catalogs.
SELECT relname, relkind, relnatts, relchecks, relhasindex FROM pg_class WHERE relname LIKE 'dsc\_%' ORDER BY 1;
SELECT attname, atttypid::regtype, atttypmod, attnum, attnotnull, atthasdef, attidentity, attgenerated
  FROM pg_attribute WHERE attrelid = 'dsc_child'::regclass AND attnum > 0 ORDER BY attnum;
SELECT indexrelid::regclass, indisunique, indisprimary, indnatts, indnkeyatts, indkey
  FROM pg_index WHERE indrelid = 'dsc_child'::regclass ORDER BY 1::text;
SELECT conname, contype, conkey, confrelid::regclass, confkey, confdeltype, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE conrelid IN ('dsc_child'::regclass, 'dsc_parent'::regclass) ORDER BY conname;
SELECT adnum, pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'dsc_child'::regclass ORDER BY 1;
SELECT oid, typname, typlen, typtype, typcategory, typelem, typarray, typinput, typreceive
  FROM pg_type WHERE typname IN ('bool', 'int4', '_int4', 'text', 'varchar', 'numeric', 'timestamptz') ORDER BY oid;
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'dsc_child' ORDER BY 1;
SELECT schemaname, tablename, tableowner, hasindexes FROM pg_tables WHERE tablename LIKE 'dsc\_%' ORDER BY 2;
SELECT sequencename, data_type, start_value, min_value, max_value, increment_by, cycle, last_value
  FROM pg_sequences WHERE sequencename LIKE 'dsc\_%' ORDER BY 1;

-- Functions.
SELECT format_type(1043, 24), format_type(23, NULL), format_type(1700, 655366), format_type(1009, -1), format_type(0, 0);
SELECT pg_get_indexdef('dsc_child_note'::regclass), pg_get_indexdef('dsc_child_note'::regclass, 2, true);
SELECT pg_get_serial_sequence('dsc_child', 's'), pg_get_serial_sequence('dsc_child', 'note');
SELECT pg_get_serial_sequence('dsc_child', 'nothing');
SELECT pg_get_userbyid(10), pg_table_is_visible('dsc_child'::regclass), pg_table_is_visible(0);
SELECT has_table_privilege('dsc_child', 'SELECT'), has_table_privilege('dsc_child', 'SELECT, INSERT WITH GRANT OPTION');
SELECT has_table_privilege('dsc_child', 'nothing');
SELECT has_table_privilege('dsc_nothing', 'SELECT');
SELECT has_schema_privilege('public', 'USAGE'), has_column_privilege('dsc_child', 'note', 'SELECT');
SELECT obj_description('dsc_child'::regclass, 'pg_class'), col_description('dsc_child'::regclass, 4);
SELECT current_schemas(true), current_schemas(false);
SELECT pg_size_pretty(10::bigint), pg_size_pretty(10240::bigint), pg_size_pretty(123456789::bigint), pg_size_pretty(-20000::bigint);
SELECT pg_encoding_to_char(6), pg_char_to_encoding('UTF8'), pg_is_in_recovery();
SELECT 1 OPERATOR(pg_catalog.+) 2, 'a' OPERATOR(pg_catalog.=) 'b', 'ab' OPERATOR(pg_catalog.~) '^(a.)$' COLLATE pg_catalog.default;
SELECT pg_catalog.length('abc'), 'x'::pg_catalog.text, '7'::pg_catalog.int4;

-- What is not committed is there, for its own transaction.
BEGIN;
CREATE TABLE dsc_new (a integer);
ALTER TABLE dsc_parent RENAME TO dsc_renamed;
SELECT relname FROM pg_class WHERE relname IN ('dsc_new', 'dsc_parent', 'dsc_renamed') ORDER BY 1;
SELECT 'dsc_renamed'::regclass, to_regclass('dsc_parent');
ROLLBACK;
SELECT relname FROM pg_class WHERE relname IN ('dsc_new', 'dsc_parent', 'dsc_renamed') ORDER BY 1;

-- Numbers stay.
SELECT 'dsc_child_note'::regclass::oid AS before \gset
TRUNCATE dsc_child;
ALTER INDEX dsc_child_note RENAME TO dsc_child_renamed;
SELECT 'dsc_child_renamed'::regclass::oid = :before;

-- The standard's views.
SELECT table_name, table_type, is_insertable_into FROM information_schema.tables WHERE table_name LIKE 'dsc\_%' ORDER BY 1;
SELECT column_name, ordinal_position, column_default, is_nullable, data_type, character_maximum_length,
       numeric_precision, numeric_scale, datetime_precision, udt_name, is_identity, identity_generation
  FROM information_schema.columns WHERE table_name = 'dsc_child' ORDER BY ordinal_position;
SELECT constraint_name, constraint_type, is_deferrable FROM information_schema.table_constraints
  WHERE table_name = 'dsc_child' AND constraint_type <> 'CHECK' ORDER BY 1;
SELECT constraint_name, column_name, ordinal_position, position_in_unique_constraint
  FROM information_schema.key_column_usage WHERE table_name = 'dsc_child' ORDER BY 1, 3;
SELECT constraint_name, unique_constraint_name, match_option, update_rule, delete_rule
  FROM information_schema.referential_constraints WHERE constraint_name LIKE 'dsc\_%';
SELECT constraint_name, table_name, column_name FROM information_schema.constraint_column_usage
  WHERE constraint_name LIKE 'dsc\_%' ORDER BY 1, 3;
SELECT constraint_name, check_clause FROM information_schema.check_constraints WHERE constraint_name LIKE 'dsc\_%';
SELECT sequence_name, data_type, start_value, maximum_value, increment FROM information_schema.sequences
  WHERE sequence_name LIKE 'dsc\_%' ORDER BY 1;

-- A user's table of the name of a catalog is found with its schema.
CREATE TABLE public.pg_inherits (mine integer);
SELECT count(*) FROM pg_inherits WHERE inhrelid = 0;
SELECT mine FROM public.pg_inherits;
DROP TABLE public.pg_inherits;
DROP SEQUENCE dsc_sq;
DROP TABLE dsc_child, dsc_parent;
