//! The views of `pg_catalog`.

macro_rules! tables_of {
    ($where:literal) => {
        concat!(
            "SELECT c.oid AS relid, n.nspname AS schemaname, c.relname \
             FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind = 'r' AND ",
            $where
        )
    };
}

macro_rules! indexes_of {
    ($where:literal) => {
        concat!(
            "SELECT c.oid AS relid, i.oid AS indexrelid, n.nspname AS schemaname, c.relname, \
             i.relname AS indexrelname \
             FROM pg_catalog.pg_index x \
             JOIN pg_catalog.pg_class c ON c.oid = x.indrelid \
             JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE ",
            $where
        )
    };
}

const USERS: &str = "SELECT rolname AS usename, oid AS usesysid, rolcreatedb AS usecreatedb, \
     rolsuper AS usesuper, rolreplication AS userepl, rolbypassrls AS usebypassrls, \
     '********' AS passwd, rolvaliduntil AS valuntil \
     FROM pg_catalog.pg_authid WHERE rolcanlogin";

/// By name.
pub(super) const VIEWS: &[(&str, &str)] = &[
    (
        "pg_roles",
        "SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, \
         rolreplication, rolconnlimit, '********' AS rolpassword, rolvaliduntil, rolbypassrls, oid \
         FROM pg_catalog.pg_authid",
    ),
    ("pg_user", USERS),
    ("pg_shadow", USERS),
    (
        "pg_tables",
        "SELECT n.nspname AS schemaname, c.relname AS tablename, \
         pg_catalog.pg_get_userbyid(c.relowner) AS tableowner, c.relhasindex AS hasindexes, \
         c.relhasrules AS hasrules, c.relhastriggers AS hastriggers, \
         c.relrowsecurity AS rowsecurity \
         FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind = 'r'",
    ),
    (
        "pg_views",
        "SELECT n.nspname AS schemaname, c.relname AS viewname, \
         pg_catalog.pg_get_userbyid(c.relowner) AS viewowner, \
         pg_catalog.pg_get_viewdef(c.oid) AS definition \
         FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind = 'v'",
    ),
    (
        "pg_matviews",
        "SELECT n.nspname AS schemaname, c.relname AS matviewname, \
         pg_catalog.pg_get_userbyid(c.relowner) AS matviewowner, c.relhasindex AS hasindexes, \
         c.relispopulated AS ispopulated, pg_catalog.pg_get_viewdef(c.oid) AS definition \
         FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind = 'm'",
    ),
    (
        "pg_indexes",
        "SELECT n.nspname AS schemaname, c.relname AS tablename, i.relname AS indexname, \
         pg_catalog.pg_get_indexdef(i.oid) AS indexdef \
         FROM pg_catalog.pg_index x \
         JOIN pg_catalog.pg_class c ON c.oid = x.indrelid \
         JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace",
    ),
    (
        "pg_sequences",
        "SELECT n.nspname AS schemaname, c.relname AS sequencename, \
         pg_catalog.pg_get_userbyid(c.relowner) AS sequenceowner, \
         s.seqtypid::pg_catalog.regtype AS data_type, s.seqstart AS start_value, \
         s.seqmin AS min_value, s.seqmax AS max_value, s.seqincrement AS increment_by, \
         s.seqcycle AS cycle, s.seqcache AS cache_size, \
         pg_catalog.pg_sequence_last_value(c.oid) AS last_value \
         FROM pg_catalog.pg_sequence s \
         JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace",
    ),
    ("pg_stat_all_tables", tables_of!("true")),
    ("pg_stat_sys_tables", tables_of!("n.nspname IN ('pg_catalog', 'information_schema')")),
    ("pg_stat_user_tables", tables_of!("n.nspname NOT IN ('pg_catalog', 'information_schema')")),
    ("pg_statio_all_tables", tables_of!("true")),
    ("pg_statio_sys_tables", tables_of!("n.nspname IN ('pg_catalog', 'information_schema')")),
    ("pg_statio_user_tables", tables_of!("n.nspname NOT IN ('pg_catalog', 'information_schema')")),
    ("pg_stat_all_indexes", indexes_of!("true")),
    ("pg_stat_user_indexes", indexes_of!("n.nspname NOT IN ('pg_catalog', 'information_schema')")),
    ("pg_statio_all_indexes", indexes_of!("true")),
    (
        "pg_statio_user_indexes",
        indexes_of!("n.nspname NOT IN ('pg_catalog', 'information_schema')"),
    ),
    (
        "pg_stat_database",
        "SELECT d.oid AS datid, d.datname, \
         (SELECT count(*) FROM pg_catalog.pg_stat_activity)::integer AS numbackends \
         FROM pg_catalog.pg_database d",
    ),
];
