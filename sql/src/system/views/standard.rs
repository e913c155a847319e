//! The views of `information_schema`.

/// What is told of each type: in a query with `a.atttypid` and `a.atttypmod`.
macro_rules! of_type {
    () => {
        "CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY' \
         ELSE pg_catalog.format_type(a.atttypid, NULL) END AS data_type, \
         CASE WHEN a.atttypid IN (1042, 1043) AND a.atttypmod <> -1 THEN a.atttypmod - 4 END \
         AS character_maximum_length, \
         CASE WHEN a.atttypid IN (25, 1042, 1043) THEN \
         CASE WHEN a.atttypmod = -1 THEN 1073741824 ELSE (a.atttypmod - 4) * 4 END END \
         AS character_octet_length, \
         CASE a.atttypid WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24 \
         WHEN 701 THEN 53 WHEN 1700 THEN \
         CASE WHEN a.atttypmod <> -1 THEN (a.atttypmod - 4) / 65536 END END AS numeric_precision, \
         CASE WHEN a.atttypid IN (21, 23, 20, 700, 701) THEN 2 WHEN a.atttypid = 1700 THEN 10 END \
         AS numeric_precision_radix, \
         CASE WHEN a.atttypid IN (21, 23, 20) THEN 0 WHEN a.atttypid = 1700 \
         AND a.atttypmod <> -1 THEN (a.atttypmod - 4) % 65536 END AS numeric_scale, \
         CASE WHEN a.atttypid = 1082 THEN 0 WHEN a.atttypid IN (1083, 1114, 1184, 1186) THEN \
         CASE WHEN a.atttypmod < 0 THEN 6 ELSE a.atttypmod END END AS datetime_precision, "
    };
}

/// Constraints with their tables: `c` and `r`.
macro_rules! constraints {
    () => {
        " FROM pg_catalog.pg_constraint c \
         JOIN pg_catalog.pg_class r ON r.oid = c.conrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace \
         CROSS JOIN pg_catalog.pg_database d "
    };
}

/// What the owner of each table may do with it.
const PRIVILEGES: &str = "SELECT pg_catalog.pg_get_userbyid(c.relowner) AS grantor, \
     pg_catalog.pg_get_userbyid(c.relowner) AS grantee, d.datname AS table_catalog, \
     n.nspname AS table_schema, c.relname AS table_name, p.privilege_type, \
     'YES' AS is_grantable, \
     CASE WHEN p.privilege_type = 'SELECT' THEN 'YES' ELSE 'NO' END AS with_hierarchy \
     FROM pg_catalog.pg_class c \
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     CROSS JOIN pg_catalog.pg_database d \
     CROSS JOIN (VALUES ('INSERT'), ('SELECT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), \
     ('REFERENCES'), ('TRIGGER')) AS p(privilege_type) \
     WHERE c.relkind IN ('r', 'v')";

/// By name.
pub(super) const VIEWS: &[(&str, &str)] = &[
    (
        "information_schema_catalog_name",
        "SELECT datname AS catalog_name FROM pg_catalog.pg_database",
    ),
    ("enabled_roles", "SELECT rolname AS role_name FROM pg_catalog.pg_authid"),
    (
        "schemata",
        "SELECT d.datname AS catalog_name, n.nspname AS schema_name, \
         pg_catalog.pg_get_userbyid(n.nspowner) AS schema_owner \
         FROM pg_catalog.pg_namespace n CROSS JOIN pg_catalog.pg_database d",
    ),
    (
        "tables",
        "SELECT d.datname AS table_catalog, n.nspname AS table_schema, c.relname AS table_name, \
         CASE WHEN c.relkind = 'r' THEN 'BASE TABLE' ELSE 'VIEW' END AS table_type, \
         CASE WHEN c.relkind = 'r' THEN 'YES' ELSE 'NO' END AS is_insertable_into, \
         'NO' AS is_typed \
         FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         CROSS JOIN pg_catalog.pg_database d \
         WHERE c.relkind IN ('r', 'v')",
    ),
    (
        "views",
        "SELECT d.datname AS table_catalog, n.nspname AS table_schema, c.relname AS table_name, \
         pg_catalog.pg_get_viewdef(c.oid) AS view_definition, CASE \
         WHEN 'check_option=cascaded' = ANY (c.reloptions) THEN 'CASCADED' \
         WHEN 'check_option=local' = ANY (c.reloptions) THEN 'LOCAL' ELSE 'NONE' END \
         AS check_option, \
         CASE WHEN pg_catalog.pg_relation_is_updatable(c.oid, false) & 20 = 20 THEN 'YES' \
         ELSE 'NO' END AS is_updatable, \
         CASE WHEN pg_catalog.pg_relation_is_updatable(c.oid, false) & 8 = 8 THEN 'YES' \
         ELSE 'NO' END AS is_insertable_into, 'NO' AS is_trigger_updatable, \
         'NO' AS is_trigger_deletable, 'NO' AS is_trigger_insertable_into \
         FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         CROSS JOIN pg_catalog.pg_database d \
         WHERE c.relkind = 'v'",
    ),
    (
        "columns",
        concat!(
            "SELECT d.datname AS table_catalog, n.nspname AS table_schema, \
             c.relname AS table_name, a.attname AS column_name, \
             a.attnum::integer AS ordinal_position, \
             CASE WHEN a.attgenerated = '' THEN \
             pg_catalog.pg_get_expr(e.adbin, e.adrelid) END AS column_default, \
             CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END AS is_nullable, ",
            of_type!(),
            "d.datname AS udt_catalog, 'pg_catalog' AS udt_schema, t.typname AS udt_name, \
             a.attnum::text AS dtd_identifier, 'NO' AS is_self_referencing, \
             CASE WHEN a.attidentity <> '' THEN 'YES' ELSE 'NO' END AS is_identity, \
             CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END \
             AS identity_generation, \
             s.seqstart::text AS identity_start, s.seqincrement::text AS identity_increment, \
             s.seqmax::text AS identity_maximum, s.seqmin::text AS identity_minimum, \
             CASE WHEN s.seqcycle THEN 'YES' ELSE 'NO' END AS identity_cycle, \
             CASE WHEN a.attgenerated <> '' THEN 'ALWAYS' ELSE 'NEVER' END AS is_generated, \
             CASE WHEN a.attgenerated <> '' THEN \
             pg_catalog.pg_get_expr(e.adbin, e.adrelid) END AS generation_expression, \
             CASE WHEN c.relkind = 'r' OR c.relkind = 'v' \
             AND pg_catalog.pg_column_is_updatable(c.oid, a.attnum, false) THEN 'YES' \
             ELSE 'NO' END AS is_updatable \
             FROM pg_catalog.pg_attribute a \
             JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
             CROSS JOIN pg_catalog.pg_database d \
             LEFT JOIN pg_catalog.pg_attrdef e \
             ON e.adrelid = a.attrelid AND e.adnum = a.attnum \
             LEFT JOIN (pg_catalog.pg_depend p JOIN pg_catalog.pg_sequence s \
             ON p.classid = 1259 AND p.objid = s.seqrelid AND p.deptype = 'i') \
             ON p.refclassid = 1259 AND p.refobjid = a.attrelid AND p.refobjsubid = a.attnum \
             WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v')"
        ),
    ),
    (
        "sequences",
        "SELECT d.datname AS sequence_catalog, n.nspname AS sequence_schema, \
         c.relname AS sequence_name, pg_catalog.format_type(s.seqtypid, NULL) AS data_type, \
         CASE s.seqtypid WHEN 21 THEN 16 WHEN 23 THEN 32 ELSE 64 END AS numeric_precision, \
         2 AS numeric_precision_radix, 0 AS numeric_scale, s.seqstart::text AS start_value, \
         s.seqmin::text AS minimum_value, s.seqmax::text AS maximum_value, \
         s.seqincrement::text AS increment, \
         CASE WHEN s.seqcycle THEN 'YES' ELSE 'NO' END AS cycle_option \
         FROM pg_catalog.pg_sequence s \
         JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         CROSS JOIN pg_catalog.pg_database d \
         WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend p WHERE p.classid = 1259 \
         AND p.objid = c.oid AND p.deptype = 'i')",
    ),
    (
        "table_constraints",
        concat!(
            "SELECT d.datname AS constraint_catalog, n.nspname AS constraint_schema, \
             c.conname AS constraint_name, d.datname AS table_catalog, n.nspname AS table_schema, \
             r.relname AS table_name, CASE c.contype WHEN 'c' THEN 'CHECK' \
             WHEN 'f' THEN 'FOREIGN KEY' WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE' END \
             AS constraint_type, \
             CASE WHEN c.condeferrable THEN 'YES' ELSE 'NO' END AS is_deferrable, \
             CASE WHEN c.condeferred THEN 'YES' ELSE 'NO' END AS initially_deferred, \
             'YES' AS enforced, \
             CASE WHEN c.contype = 'u' THEN (SELECT CASE WHEN x.indnullsnotdistinct THEN 'NO' \
             ELSE 'YES' END FROM pg_catalog.pg_index x WHERE x.indexrelid = c.conindid) END \
             AS nulls_distinct",
            constraints!(),
            "UNION ALL SELECT d.datname, n.nspname, n.oid::text || '_' || r.oid::text || '_' \
             || a.attnum::text || '_not_null', d.datname, n.nspname, r.relname, 'CHECK', 'NO', \
             'NO', 'YES', NULL \
             FROM pg_catalog.pg_attribute a \
             JOIN pg_catalog.pg_class r ON r.oid = a.attrelid \
             JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace \
             CROSS JOIN pg_catalog.pg_database d \
             WHERE r.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull"
        ),
    ),
    (
        "key_column_usage",
        concat!(
            "SELECT d.datname AS constraint_catalog, n.nspname AS constraint_schema, \
             c.conname AS constraint_name, d.datname AS table_catalog, n.nspname AS table_schema, \
             r.relname AS table_name, a.attname AS column_name, \
             pg_catalog.array_position(c.conkey, a.attnum) AS ordinal_position, \
             CASE WHEN c.contype = 'f' THEN (SELECT pg_catalog.array_position(x.indkey, \
             c.confkey[pg_catalog.array_position(c.conkey, a.attnum)]) + 1 \
             FROM pg_catalog.pg_index x WHERE x.indexrelid = c.conindid) END \
             AS position_in_unique_constraint",
            constraints!(),
            "JOIN pg_catalog.pg_attribute a \
             ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) \
             WHERE c.contype IN ('p', 'u', 'f')"
        ),
    ),
    (
        "constraint_column_usage",
        "SELECT d.datname AS table_catalog, n.nspname AS table_schema, r.relname AS table_name, \
         a.attname AS column_name, d.datname AS constraint_catalog, \
         n.nspname AS constraint_schema, c.conname AS constraint_name \
         FROM pg_catalog.pg_constraint c \
         JOIN pg_catalog.pg_class r \
         ON r.oid = CASE WHEN c.contype = 'f' THEN c.confrelid ELSE c.conrelid END \
         JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid \
         AND a.attnum = ANY (CASE WHEN c.contype = 'f' THEN c.confkey ELSE c.conkey END) \
         CROSS JOIN pg_catalog.pg_database d",
    ),
    (
        "constraint_table_usage",
        "SELECT d.datname AS table_catalog, n.nspname AS table_schema, r.relname AS table_name, \
         d.datname AS constraint_catalog, n.nspname AS constraint_schema, \
         c.conname AS constraint_name \
         FROM pg_catalog.pg_constraint c \
         JOIN pg_catalog.pg_class r \
         ON r.oid = CASE WHEN c.contype = 'f' THEN c.confrelid ELSE c.conrelid END \
         JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace \
         CROSS JOIN pg_catalog.pg_database d \
         WHERE c.contype IN ('f', 'p', 'u')",
    ),
    (
        "referential_constraints",
        concat!(
            "SELECT d.datname AS constraint_catalog, n.nspname AS constraint_schema, \
             c.conname AS constraint_name, d.datname AS unique_constraint_catalog, \
             n.nspname AS unique_constraint_schema, u.conname AS unique_constraint_name, \
             CASE c.confmatchtype WHEN 'f' THEN 'FULL' ELSE 'NONE' END AS match_option, \
             CASE c.confupdtype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' \
             WHEN 'd' THEN 'SET DEFAULT' WHEN 'r' THEN 'RESTRICT' ELSE 'NO ACTION' END \
             AS update_rule, \
             CASE c.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' \
             WHEN 'd' THEN 'SET DEFAULT' WHEN 'r' THEN 'RESTRICT' ELSE 'NO ACTION' END \
             AS delete_rule",
            constraints!(),
            "LEFT JOIN pg_catalog.pg_constraint u \
             ON u.conindid = c.conindid AND u.contype IN ('p', 'u') \
             WHERE c.contype = 'f'"
        ),
    ),
    (
        "check_constraints",
        concat!(
            "SELECT d.datname AS constraint_catalog, n.nspname AS constraint_schema, \
             c.conname AS constraint_name, \
             substring(pg_catalog.pg_get_constraintdef(c.oid) FROM 7) AS check_clause",
            constraints!(),
            "WHERE c.contype = 'c' \
             UNION ALL SELECT d.datname, n.nspname, n.oid::text || '_' || r.oid::text || '_' \
             || a.attnum::text || '_not_null', a.attname || ' IS NOT NULL' \
             FROM pg_catalog.pg_attribute a \
             JOIN pg_catalog.pg_class r ON r.oid = a.attrelid \
             JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace \
             CROSS JOIN pg_catalog.pg_database d \
             WHERE r.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull"
        ),
    ),
    ("table_privileges", PRIVILEGES),
    ("role_table_grants", PRIVILEGES),
    (
        "routines",
        "SELECT d.datname AS specific_catalog, n.nspname AS specific_schema, \
         p.proname || '_' || p.oid::text AS specific_name, d.datname AS routine_catalog, \
         n.nspname AS routine_schema, p.proname AS routine_name, \
         CASE p.prokind WHEN 'f' THEN 'FUNCTION' END AS routine_type, \
         CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY' \
         ELSE pg_catalog.format_type(t.oid, NULL) END AS data_type, \
         d.datname AS type_udt_catalog, 'pg_catalog' AS type_udt_schema, \
         t.typname AS type_udt_name, '0' AS dtd_identifier, 'EXTERNAL' AS routine_body, \
         p.prosrc AS routine_definition, p.prosrc AS external_name, \
         'INTERNAL' AS external_language, 'GENERAL' AS parameter_style, \
         CASE WHEN p.provolatile = 'i' THEN 'YES' ELSE 'NO' END AS is_deterministic, \
         'MODIFIES' AS sql_data_access, \
         CASE WHEN p.proisstrict THEN 'YES' ELSE 'NO' END AS is_null_call, \
         'YES' AS schema_level_routine, 0 AS max_dynamic_result_sets, \
         'INVOKER' AS security_type, 'NO' AS as_locator, 'NO' AS is_udt_dependent \
         FROM pg_catalog.pg_proc p \
         JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
         LEFT JOIN pg_catalog.pg_type t ON t.oid = p.prorettype \
         CROSS JOIN pg_catalog.pg_database d",
    ),
    (
        "character_sets",
        "SELECT 'UTF8' AS character_set_name, 'UCS' AS character_repertoire, \
         'UTF8' AS form_of_use, datname AS default_collate_catalog, \
         'pg_catalog' AS default_collate_schema, 'C' AS default_collate_name \
         FROM pg_catalog.pg_database",
    ),
    (
        "collations",
        "SELECT d.datname AS collation_catalog, 'pg_catalog' AS collation_schema, \
         c.collname AS collation_name, 'NO PAD' AS pad_attribute \
         FROM pg_catalog.pg_collation c CROSS JOIN pg_catalog.pg_database d",
    ),
    (
        "element_types",
        "SELECT d.datname AS object_catalog, n.nspname AS object_schema, \
         c.relname AS object_name, 'TABLE' AS object_type, \
         a.attnum::text AS collection_type_identifier, \
         pg_catalog.format_type(t.typelem, NULL) AS data_type, d.datname AS udt_catalog, \
         'pg_catalog' AS udt_schema, e.typname AS udt_name, \
         'a' || a.attnum::text AS dtd_identifier \
         FROM pg_catalog.pg_attribute a \
         JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
         JOIN pg_catalog.pg_type e ON e.oid = t.typelem \
         CROSS JOIN pg_catalog.pg_database d \
         WHERE a.attnum > 0 AND NOT a.attisdropped AND t.typlen = -1 \
         AND c.relkind IN ('r', 'v')",
    ),
];
