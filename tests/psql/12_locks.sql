-- 12 locks: row locks of joins and in all modes, LOCK TABLE, advisory locks, timeouts
SET timezone = 'UTC';
SET client_min_messages = warning;
DROP TABLE IF EXISTS lock_a, lock_b;
RESET client_min_messages;
CREATE TABLE lock_a (id int PRIMARY KEY, x int);
CREATE TABLE lock_b (id int PRIMARY KEY, aid int);
INSERT INTO lock_a VALUES (1, 1), (2, 2), (3, 3);
INSERT INTO lock_b VALUES (1, 1), (2, 1);

-- modes
SELECT * FROM lock_a WHERE id = 1 FOR UPDATE;
SELECT * FROM lock_a WHERE id = 1 FOR NO KEY UPDATE;
SELECT * FROM lock_a WHERE id = 1 FOR SHARE;
SELECT * FROM lock_a WHERE id = 1 FOR KEY SHARE;
SELECT * FROM lock_a ORDER BY id FOR NO KEY UPDATE NOWAIT;
SELECT * FROM lock_a ORDER BY id FOR KEY SHARE SKIP LOCKED;
SELECT * FROM lock_a ORDER BY id FOR READ ONLY;
SELECT id FROM lock_a ORDER BY id FOR UPDATE LIMIT 1;
SELECT id FROM lock_a ORDER BY id LIMIT 2 OFFSET 1 FOR UPDATE SKIP LOCKED;
SELECT id FROM lock_a ORDER BY id FOR UPDATE SKIP LOCKED OFFSET 2;

-- joins, OF, several clauses
SELECT a.id, b.id FROM lock_a a JOIN lock_b b ON a.id = b.aid ORDER BY b.id FOR UPDATE;
SELECT a.id, b.id FROM lock_a a, lock_b b WHERE a.id = b.aid ORDER BY b.id FOR UPDATE OF a, b;
SELECT a.id FROM lock_a a JOIN lock_b b ON a.id = b.aid ORDER BY b.id FOR UPDATE OF a FOR KEY SHARE OF b NOWAIT;
SELECT a.id, b.id FROM lock_a a LEFT JOIN lock_b b ON a.id = b.aid ORDER BY 1, 2 FOR UPDATE OF a;
SELECT a.id, b.id FROM lock_a a LEFT JOIN lock_b b ON a.id = b.aid FOR UPDATE;
SELECT a.id, b.id FROM lock_a a RIGHT JOIN lock_b b ON a.id = b.aid FOR NO KEY UPDATE OF a;
SELECT a.id, b.id FROM lock_a a, lock_a b WHERE a.id = b.id ORDER BY 1 FOR SHARE OF b;
SELECT count(*) FROM lock_a WHERE id IN (SELECT aid FROM lock_b);
SELECT 1 FOR UPDATE;
SELECT g FROM generate_series(1, 2) g FOR UPDATE;
WITH c AS (SELECT id FROM lock_a) SELECT * FROM c ORDER BY id FOR UPDATE;

-- refused
SELECT * FROM lock_a FOR UPDATE OF nosuch;
SELECT * FROM lock_a FOR KEY SHARE OF lock_a, lock_b;
SELECT * FROM lock_a AS q FOR UPDATE OF lock_a;
SELECT * FROM lock_a FOR NO KEY UPDATE OF public.lock_a;
SELECT DISTINCT x FROM lock_a FOR NO KEY UPDATE;
SELECT x FROM lock_a GROUP BY x FOR KEY SHARE;
SELECT 1 FROM lock_a HAVING true FOR SHARE;
SELECT count(*) FROM lock_a FOR KEY SHARE;
SELECT row_number() OVER () FROM lock_a FOR SHARE;
SELECT x FROM lock_a UNION SELECT x FROM lock_a FOR NO KEY UPDATE;
VALUES (1) FOR UPDATE;
WITH c AS (SELECT id FROM lock_a) SELECT * FROM c FOR UPDATE OF c;
SELECT g FROM generate_series(1, 2) g FOR UPDATE OF g;
SELECT * FROM lock_a FOR UPDATE SKIP LOCKED NOWAIT;
BEGIN READ ONLY;
SELECT * FROM lock_a FOR KEY SHARE;
ROLLBACK;
BEGIN READ ONLY;
SELECT * FROM lock_a FOR NO KEY UPDATE;
ROLLBACK;

-- LOCK TABLE
LOCK TABLE lock_a;
BEGIN;
LOCK TABLE lock_a;
LOCK TABLE lock_a, ONLY lock_b IN SHARE ROW EXCLUSIVE MODE NOWAIT;
LOCK lock_a * IN ACCESS SHARE MODE;
LOCK TABLE public.lock_a IN ROW SHARE MODE;
LOCK TABLE lock_a IN ROW EXCLUSIVE MODE;
LOCK TABLE lock_a IN SHARE UPDATE EXCLUSIVE MODE;
LOCK TABLE lock_a IN SHARE MODE;
LOCK TABLE lock_a IN EXCLUSIVE MODE;
LOCK TABLE lock_a IN ACCESS EXCLUSIVE MODE;
COMMIT;
BEGIN;
LOCK TABLE nosuch;
ROLLBACK;
BEGIN;
LOCK TABLE lock_a_pkey;
ROLLBACK;
BEGIN;
LOCK TABLE lock_a IN FOO MODE;
ROLLBACK;
BEGIN READ ONLY;
LOCK TABLE lock_a IN ROW EXCLUSIVE MODE;
LOCK TABLE lock_a IN SHARE MODE;
ROLLBACK;

-- advisory locks
SELECT pg_advisory_lock(1);
SELECT pg_advisory_lock(1);
SELECT pg_advisory_unlock(1), pg_advisory_unlock(1);
SELECT pg_advisory_unlock(1);
SELECT pg_advisory_unlock_shared(1);
SELECT pg_advisory_unlock(1, 2);
SELECT pg_try_advisory_lock(5), pg_try_advisory_lock_shared(5), pg_try_advisory_xact_lock(6);
SELECT pg_try_advisory_lock(1, 2), pg_try_advisory_xact_lock_shared(3, 4);
SELECT locktype, classid, objid, objsubid, mode, granted FROM pg_locks WHERE locktype = 'advisory' ORDER BY 2, 3, 5;
BEGIN;
SELECT pg_advisory_xact_lock(7);
SAVEPOINT s;
SELECT pg_advisory_xact_lock_shared(-1), pg_advisory_lock(4294967297);
SELECT classid, objid, objsubid, mode FROM pg_catalog.pg_locks WHERE locktype = 'advisory' ORDER BY 1, 2, 4;
ROLLBACK TO s;
SELECT classid, objid, objsubid, mode FROM pg_locks WHERE locktype = 'advisory' ORDER BY 1, 2, 4;
ROLLBACK;
SELECT classid, objid, objsubid, mode FROM pg_locks WHERE locktype = 'advisory' ORDER BY 1, 2, 4;
SELECT pg_advisory_unlock_all();
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
SELECT pg_advisory_lock(NULL), pg_try_advisory_lock(NULL::bigint) IS NULL;
SELECT pg_typeof(pg_advisory_unlock_all()), pg_typeof(pg_try_advisory_xact_lock(8));
SELECT pg_advisory_lock(1.5);
SELECT pg_advisory_lock(1, 2, 3);
SELECT pg_advisory_lock(3000000000, 2);
SELECT id, pg_try_advisory_xact_lock(id) FROM lock_a ORDER BY id;
SELECT pg_advisory_lock(9);
DISCARD ALL;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
SELECT pg_isolation_test_session_is_blocked(pg_backend_pid(), '{1,2}');

-- who is there
SELECT datname, usename, state, backend_type FROM pg_stat_activity WHERE pid = pg_backend_pid();
SELECT count(*) FROM pg_stat_activity WHERE pid = pg_backend_pid() AND xact_start <= query_start AND backend_start <= xact_start;

-- timeouts
SET lock_timeout = '1.5s';
SHOW lock_timeout;
SET lock_timeout = 1.7;
SHOW lock_timeout;
SET lock_timeout = '3000000000';
SET lock_timeout = '5 lightyears';
SET statement_timeout = '100us';
SHOW statement_timeout;
SET statement_timeout = '-1';
RESET lock_timeout;
SHOW deadlock_timeout;
SET deadlock_timeout = '2s';
SHOW deadlock_timeout;
SET deadlock_timeout = 0;
RESET deadlock_timeout;
DROP TABLE lock_a, lock_b;
