-- 15 set_config: set_config and current_setting, with parameters, in transactions, and what they refuse
SET timezone = 'UTC';
SET client_min_messages = warning;
DROP TABLE IF EXISTS set_config_t;
RESET client_min_messages;

-- reading
SET application_name = 'base';
SELECT current_setting('application_name');
SELECT current_setting('Application_Name'), current_setting('TIMEZONE');
SELECT current_setting('application_name', true), current_setting('application_name', 'no');
SELECT current_setting('nosuch_setting');
SELECT current_setting('nosuch_setting', false);
SELECT current_setting('nosuch_setting', true) IS NULL AS missing;
SELECT current_setting(NULL) IS NULL AS a, current_setting(NULL, true) IS NULL AS b, current_setting('nosuch_setting', NULL) IS NULL AS c;
SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only'), current_setting('transaction_deferrable');
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only'), current_setting('Transaction_Deferrable');
COMMIT;
SELECT x, current_setting(x) FROM (VALUES ('application_name'), ('server_encoding')) v (x);
SELECT pg_typeof(current_setting('application_name')) AS a, pg_typeof(set_config('application_name', 'base', false)) AS b;

-- a plan keeps no value
PREPARE show_name AS SELECT current_setting('application_name');
PREPARE show_any AS SELECT current_setting($1);
EXECUTE show_name;
SET application_name = 'other';
EXECUTE show_name;
EXECUTE show_any('application_name');
EXECUTE show_any('nosuch_setting');
SELECT current_setting('application_name');

-- setting
SELECT set_config('application_name', 'set', false);
SHOW application_name;
SELECT pg_catalog.set_config('application_name', current_setting('application_name') || '/' || 'more', false);
PREPARE append AS SELECT set_config('application_name', current_setting('application_name') || '/' || $1, false);
EXECUTE append('a');
EXECUTE append('b');
SHOW application_name;
PREPARE set_any AS SELECT set_config($1, $2, $3);
EXECUTE set_any('application_name', 'any', false);
SHOW application_name;
SELECT set_config('TimeZone', 'europe/berlin', false);
SELECT timestamptz '2024-07-01 12:00:00+00' AS t;
SELECT set_config('timezone', 'UTC', false);
SELECT set_config('statement_timeout', '5000', false);
SHOW statement_timeout;
SELECT set_config('statement_timeout', NULL, false);
SELECT set_config('application_name', NULL, false);
SHOW application_name;
SELECT set_config('application_name', x, false), current_setting('application_name') FROM (VALUES ('row1'), ('row2')) v (x);
SHOW application_name;
SELECT set_config('application_name', 'null_is_false', NULL);
SHOW application_name;
SELECT set_config('application_name', 'never', false) FROM (VALUES (1)) v (x) WHERE x = 2;
SHOW application_name;

-- transactions
SELECT set_config('application_name', 'base', false);
SELECT set_config('application_name', 'local', true), current_setting('application_name');
SHOW application_name;
BEGIN;
SELECT set_config('application_name', 'local', true);
SHOW application_name;
COMMIT;
SHOW application_name;
BEGIN;
SELECT set_config('application_name', 'local', true);
SELECT set_config('application_name', 'local2', true);
ROLLBACK;
SHOW application_name;
BEGIN;
SELECT set_config('application_name', 'rolled back', false);
SHOW application_name;
ROLLBACK;
SHOW application_name;
BEGIN;
SELECT set_config('application_name', 'kept', false);
SAVEPOINT sp;
SELECT set_config('application_name', 'not kept', false);
SHOW application_name;
ROLLBACK TO sp;
SHOW application_name;
COMMIT;
SHOW application_name;
SELECT set_config('application_name', 'failed', false), 1 / (length(current_setting('application_name')) - 6);
SHOW application_name;
CREATE TABLE set_config_t (id int PRIMARY KEY, name text);
INSERT INTO set_config_t VALUES (1, set_config('application_name', 'inserted', false));
INSERT INTO set_config_t VALUES (2, current_setting('application_name')), (3, current_setting('nosuch_setting', true));
UPDATE set_config_t SET name = set_config('application_name', name || '!', false) WHERE id = 2 RETURNING id, name;
SELECT * FROM set_config_t ORDER BY id;
SHOW application_name;
DROP TABLE set_config_t;

-- errors
SELECT set_config('nosuch_setting', 'x', false);
SELECT set_config('nosuch_setting', 'x', true);
SELECT set_config('server_version', 'x', false);
SELECT set_config('server_version', 'x', true);
SELECT set_config('statement_timeout', 'x', false);
SELECT set_config('extra_float_digits', '99', false), 1;
SELECT set_config(NULL, 'x', false);
SELECT set_config('application_name', 5, false);
SELECT set_config('application_name', 'x');
SELECT set_config('application_name', 'x', 'maybe');
SELECT current_setting(5);
SELECT current_setting('application_name', 1);
SELECT current_setting();
SHOW application_name;
RESET application_name;
SHOW application_name;
DEALLOCATE ALL;
