-- 02 datetime: date, time, timestamp, timestamptz, interval, uuid
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';

-- date
SELECT '2024-02-29'::date AS a, DATE '2024-01-31' AS b, '20240105'::date AS c, 'Jan 5, 2024'::date AS d, '1/2/2024'::date AS e, '5 March 2024'::date AS f, '0001-01-01'::date AS g, '0044-03-15 BC'::date AS h;
SELECT '2024-01-31'::date + 1 AS a, '2024-03-01'::date - 1 AS b, '2024-03-01'::date - '2024-02-01'::date AS c, 7 + '2024-12-28'::date AS d, pg_typeof('2024-03-01'::date - '2024-02-01'::date) AS e;
SELECT '2024-01-31'::date + interval '1 month' AS a, pg_typeof('2024-01-31'::date + interval '1 day') AS b, '2024-03-31'::date - interval '1 month' AS c, '2024-01-01'::date + time '10:30' AS d;
SELECT '2024-01-01'::date < '2024-01-02' AS lt, '2024-01-01'::date = timestamp '2024-01-01 00:00' AS eq, date '2024-01-01' BETWEEN '2023-12-31' AND '2024-01-01' AS btw;
SELECT 'infinity'::date AS a, '-infinity'::date AS b, 'epoch'::date AS c, 'infinity'::date > '9999-12-31' AS d;
SELECT '2024-02-30'::date;
SELECT '2023-02-29'::date;
SELECT 'not a date'::date;
SELECT '2024-13-01'::date;
SELECT ''::date;
SELECT '2024-01-32'::date;
SELECT make_date(2024, 2, 29) AS a, make_date(1999, 12, 31) AS b, pg_typeof(make_date(2024, 1, 1)) AS c;
SELECT make_date(2023, 2, 29);
SELECT make_date(2023, 13, 1);
SELECT '2024-01-01'::date + '2024-01-01'::date;
SELECT '2024-01-01'::date * 2;

-- time
SELECT '10:30'::time AS a, '10:30:15.123456'::time AS b, '23:59:59'::time AS c, '04:05 PM'::time AS d, '040506'::time AS e, '24:00:00'::time AS f, '10:30:15.6789'::time(2) AS g;
SELECT time '10:30' + interval '45 minutes' AS a, time '23:30' + interval '1 hour' AS b, time '10:00' - time '08:30' AS c, time '10:00' < time '11:00' AS d, pg_typeof(time '10:00' - time '08:30') AS e;
SELECT '25:00'::time;
SELECT '10:61'::time;
SELECT 'bogus'::time;

-- timestamp
SELECT '2024-07-15 10:30:00'::timestamp AS a, '2024-07-15T10:30:00.123456'::timestamp AS b, '2024-07-15'::timestamp AS c, '2024-07-15 10:30:00.5'::timestamp AS d, '2024-07-15 10:30:00+05'::timestamp AS e, '2024-07-15 10:30:00.987654'::timestamp(3) AS f;
SELECT timestamp '2024-07-15 10:30' + interval '1 day 2 hours' AS a, timestamp '2024-07-15' - timestamp '2024-07-01 12:00' AS b, timestamp '2024-01-31' + interval '1 month' AS c, timestamp '2024-03-31 12:00' - interval '1 month 1 day' AS d;
SELECT '2024-07-15 10:30:00'::timestamp::date AS d, '2024-07-15 10:30:00'::timestamp::time AS t, '2024-07-15 10:30:00'::timestamp::text AS x, '2024-07-15'::date::timestamp AS ts;
SELECT 'infinity'::timestamp AS a, '-infinity'::timestamptz AS b, 'infinity'::timestamp > timestamp '2999-01-01' AS c, 'epoch'::timestamp AS d;
SELECT '2024-07-15 25:00:00'::timestamp;
SELECT '2024-02-30 10:00:00'::timestamp;
SELECT 'garbage'::timestamp;
SELECT '2024-07-15 10:30 Nowhere/Land'::timestamptz;
SELECT timestamp '2024-01-01' + timestamp '2024-01-01';
SELECT timestamp '2024-01-01' + 1;

-- timestamptz
SELECT '2024-07-15 10:30:00+02'::timestamptz AS a, '2024-07-15 10:30:00Z'::timestamptz AS b, '2024-07-15 10:30:00 America/New_York'::timestamptz AS c, '2024-07-15 10:30:00-03:30'::timestamptz AS d, '2024-01-15 10:30 EST'::timestamptz AS e;
SELECT '2024-07-15 10:30:00+00'::timestamptz AT TIME ZONE 'America/New_York' AS ny, '2024-07-15 10:30:00'::timestamp AT TIME ZONE 'America/New_York' AS from_ny, '2024-07-15 10:30:00+00'::timestamptz AT TIME ZONE 'UTC' AS utc;
SELECT pg_typeof(now()) AS now, pg_typeof(current_date) AS cd, pg_typeof(current_timestamp) AS ct, pg_typeof(localtimestamp) AS lt, now() = now() AS stable, now() > '2020-01-01' AS after2020, current_date >= date '2020-01-01' AS d;
SELECT timestamptz '2024-07-15 10:30+00' - timestamptz '2024-07-14 09:00+00' AS diff, timestamptz '2024-07-15 10:30+00' + interval '1 month' AS plus, timestamptz '2024-07-15 12:00+02' = timestamptz '2024-07-15 10:00Z' AS eq;
SELECT '2024-07-15 10:30+00'::timestamptz AT TIME ZONE 'Mars/Phobos';

SET timezone = 'America/New_York';
SHOW timezone;
SELECT '2024-07-15 10:30:00+00'::timestamptz AS summer, '2024-01-15 10:30:00+00'::timestamptz AS winter, '2024-07-15 10:30:00'::timestamptz AS local, '2024-07-15 10:30:00'::timestamp::timestamptz AS cast_up, '2024-07-15 10:30:00+00'::timestamptz::timestamp AS cast_down;
SELECT timestamptz '2024-03-10 01:30' + interval '1 hour' AS spring_h, timestamptz '2024-03-09 12:00' + interval '1 day' AS spring_d, timestamptz '2024-03-09 12:00' + interval '24 hours' AS spring_24, '2024-03-10 02:30'::timestamptz AS gap;
SELECT '2024-11-03 01:30'::timestamptz AS ambiguous, timestamptz '2024-11-03 00:30' + interval '2 hours' AS fall, date_trunc('day', timestamptz '2024-07-15 03:00+00') AS trunc_day;
SELECT extract(timezone FROM timestamptz '2024-07-15 10:30+00') AS off, extract(hour FROM timestamptz '2024-07-15 10:30+00') AS h, timestamptz '2024-07-15 02:00+00'::date AS d, '2024-07-15'::date::timestamptz AS midnight;
SET timezone = 'Europe/Berlin';
SHOW timezone;
SELECT '2024-07-15 10:30:00+00'::timestamptz AS summer, '2024-01-15 10:30:00+00'::timestamptz AS winter, '2024-03-31 02:30'::timestamptz AS gap, '2024-10-27 02:30'::timestamptz AS ambiguous;
SELECT timestamptz '2024-10-27 00:00' + interval '1 day' AS plus_day, timestamptz '2024-10-28 00:00' - timestamptz '2024-10-27 00:00' AS long_day, date_trunc('month', timestamptz '2024-07-15 10:30+00') AS m, to_char(timestamptz '2024-07-15 10:30+00', 'YYYY-MM-DD HH24:MI:SS TZ') AS tc;
SELECT '2024-07-15 10:30'::timestamptz AT TIME ZONE 'Asia/Tokyo' AS tokyo, timestamp '2024-07-15 10:30' AT TIME ZONE 'Asia/Kolkata' AS from_kolkata, '2024-07-15 10:30'::timestamptz AT TIME ZONE interval '-5 hours' AS iv;
SET timezone = '-3';
SELECT '2024-07-15 10:30:00+00'::timestamptz AS fixed;
SET timezone = 'Nowhere/Land';
SET timezone = 'UTC';

-- interval formatting
SELECT interval '1 year 2 months 3 days 04:05:06' AS a, interval '1 day' AS b, interval '25 hours' AS c, interval '90 minutes' AS d, interval '-1 day' AS e, interval '1 day -1 hour' AS f, interval '0' AS g, interval '1.5 hours' AS h, interval '2 weeks' AS i;
SELECT interval '1' day AS a, interval '3' month AS b, interval '1-2' year to month AS c, '1 12:30:00'::interval AS d, 'P1Y2M3DT4H5M6S'::interval AS e, interval '1 year -1 month' AS f, interval '-1 year -2 months' AS g, interval '3 hours ago' AS h, interval '1.5 days' AS i, interval '0.5 month' AS j;
SELECT interval '1 millisecond' AS a, interval '1.123456 seconds' AS b, interval '100 days' AS c, interval '14 months' AS d, interval '-00:00:01.5' AS e, interval '1 century' AS f, interval '10 years 1 sec' AS g;
SELECT interval '1 day' + interval '2 hours' AS a, interval '1 day' * 2.5 AS b, interval '1 hour' / 4 AS c, -interval '1 day' AS d, interval '1 month' - interval '1 day' AS e, 3 * interval '10 minutes' AS f, interval '1 month' / 2 AS g;
SELECT interval '1 day' = interval '24 hours' AS eq, interval '1 month' = interval '30 days' AS eq30, interval '1 month' > interval '29 days' AS gt, interval '1 year' > interval '365 days' AS y;
SELECT 'bogus'::interval;
SELECT interval '1 fortnight';
SELECT ''::interval;
SELECT interval '1 day' + 1;
SELECT interval '1 day' / 0;

-- extract, date_part, date_trunc
SELECT extract(year FROM timestamp '2024-07-15 10:30:45.678') AS y, extract(month FROM date '2024-07-15') AS m, extract(day FROM date '2024-07-15') AS d, extract(hour FROM timestamp '2024-07-15 10:30:45') AS h, extract(minute FROM time '10:30:45') AS mi, extract(second FROM timestamp '2024-07-15 10:30:45.678') AS s;
SELECT extract(dow FROM date '2024-07-14') AS dow, extract(isodow FROM date '2024-07-14') AS isodow, extract(doy FROM date '2024-07-14') AS doy, extract(week FROM date '2024-12-30') AS wk, extract(isoyear FROM date '2024-12-30') AS iy, extract(quarter FROM date '2024-07-14') AS q, extract(century FROM date '2024-07-14') AS c, extract(decade FROM date '2024-07-14') AS dec;
SELECT extract(epoch FROM timestamp '2024-07-15 10:30:45.5') AS e, extract(epoch FROM interval '1 day 1 hour') AS ei, extract(epoch FROM timestamptz '2024-07-15 10:30+02') AS etz, extract(milliseconds FROM time '10:30:45.678') AS ms, extract(microseconds FROM time '10:30:45.678') AS us;
SELECT extract(days FROM interval '40 days 3 hours') AS d, extract(hour FROM interval '40 days 27 hours') AS h, extract(month FROM interval '14 months') AS m, extract(year FROM interval '14 months') AS y;
SELECT pg_typeof(extract(year FROM date '2024-07-15')) AS t, pg_typeof(date_part('year', date '2024-07-15')) AS tp, date_part('year', date '2024-07-15') AS p, date_part('second', timestamp '2024-07-15 10:30:45.678') AS s;
SELECT extract(hour FROM date '2024-07-15');
SELECT extract(bogus FROM timestamp '2024-07-15');
SELECT extract(year FROM time '10:00');
SELECT date_trunc('year', timestamp '2024-07-15 10:30:45.678') AS y, date_trunc('quarter', timestamp '2024-08-15 10:30') AS q, date_trunc('month', timestamp '2024-07-15 10:30') AS m, date_trunc('week', timestamp '2024-07-17 10:30') AS w, date_trunc('day', timestamp '2024-07-15 10:30') AS d, date_trunc('hour', timestamp '2024-07-15 10:30') AS h, date_trunc('minute', timestamp '2024-07-15 10:30:45') AS mi, date_trunc('second', timestamp '2024-07-15 10:30:45.678') AS s;
SELECT date_trunc('month', date '2024-07-15') AS d, pg_typeof(date_trunc('month', date '2024-07-15')) AS td, date_trunc('hour', interval '3 days 04:05:06') AS i;
SELECT date_trunc('bogus', timestamp '2024-07-15');

-- age
SELECT age(timestamp '2024-07-15', timestamp '2020-02-29') AS a, age(date '2024-03-01', date '2024-01-31') AS b, age(timestamp '2024-01-01', timestamp '2024-07-15 10:30') AS c, age(timestamp '2024-07-15 10:30', timestamp '2024-07-15 10:30') AS d;

-- to_char
SELECT to_char(timestamp '2024-07-05 14:08:09', 'YYYY-MM-DD HH24:MI:SS') AS a, to_char(timestamp '2024-07-05 14:08:09', 'Mon DD, YYYY') AS b, to_char(timestamp '2024-07-05 14:08:09', 'Day') || '|' AS c, to_char(date '2024-07-05', 'FMDay, FMDD FMMonth YYYY') AS d, to_char(timestamp '2024-07-05 14:08:09', 'HH12:MI AM') AS e;
SELECT to_char(timestamp '2024-07-05 14:08:09.123456', 'MS US') AS a, to_char(date '2024-07-05', 'Dy DDD D Q WW IW') AS b, to_char(date '2024-07-05', 'DD/MM/YY') AS c, to_char(date '2024-07-05', 'MONTH month MON mon DAY dy') AS d, to_char(timestamp '2024-07-05 00:08', 'HH:MI am "text"') AS e, to_char(date '2024-07-03', 'DDth') AS f;
SELECT to_char(interval '1 day 2 hours 3 minutes', 'DD HH24:MI:SS') AS i, to_char(time '14:05', 'HH24:MI') AS t;

-- datestyle
SET datestyle = 'German, DMY';
SELECT '31.12.2024'::date AS d, timestamp '2024-12-31 10:30' AS t;
SET datestyle = 'SQL, MDY';
SELECT '12/31/2024'::date AS d, timestamp '2024-12-31 10:30:00.25' AS t;
SELECT '31/12/2024'::date;
SET datestyle = 'ISO, DMY';
SELECT '01/02/2024'::date AS first_of_feb;
SET datestyle = 'ISO, MDY';
SELECT '01/02/2024'::date AS second_of_jan;

-- uuid
SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS a, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid AS b, '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'::uuid AS c, 'a0eebc999c0b4ef8bb6d6bb9bd380a11'::uuid AS d;
SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid = 'A0EEBC999C0B4EF8BB6D6BB9BD380A11' AS eq, '00000000-0000-0000-0000-000000000001'::uuid < '00000000-0000-0000-0000-000000000002'::uuid AS lt, pg_typeof(gen_random_uuid()) AS t, length(gen_random_uuid()::text) AS len, gen_random_uuid() = gen_random_uuid() AS same;
SELECT 'not-a-uuid'::uuid;
SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1'::uuid;
SELECT 1::uuid;

-- in a table
SET client_min_messages = warning;
DROP TABLE IF EXISTS t_events;
RESET client_min_messages;
CREATE TABLE t_events (id uuid PRIMARY KEY, d date NOT NULL, tm time, ts timestamp, tz timestamptz DEFAULT '2024-01-01 00:00:00+00', iv interval);
INSERT INTO t_events (id, d, tm, ts, iv) VALUES ('00000000-0000-0000-0000-000000000001', '2024-01-15', '08:30', '2024-01-15 08:30:00', '1 hour');
INSERT INTO t_events VALUES ('00000000-0000-0000-0000-000000000002', '2024-02-15', '09:45:30.5', '2024-02-15 09:45:30.5', '2024-02-15 09:45:30.5+01', '2 days 03:00');
INSERT INTO t_events VALUES ('00000000-0000-0000-0000-000000000003', '2024-02-20', NULL, 'infinity', NULL, NULL);
INSERT INTO t_events VALUES ('00000000-0000-0000-0000-000000000003', '2024-02-20');
INSERT INTO t_events VALUES ('xyz', '2024-02-20');
INSERT INTO t_events (id, d) VALUES ('00000000-0000-0000-0000-000000000004', 'tomorrowish');
INSERT INTO t_events (id, d) VALUES ('00000000-0000-0000-0000-000000000004', 20240220);
INSERT INTO t_events (id, d) VALUES ('00000000-0000-0000-0000-000000000004', NULL);
SELECT * FROM t_events ORDER BY id;
SELECT id, ts + iv AS until, tz AT TIME ZONE 'America/New_York' AS ny FROM t_events ORDER BY id;
SELECT date_trunc('month', d)::date AS month, count(*), min(d), max(d) FROM t_events GROUP BY 1 ORDER BY 1;
SELECT extract(month FROM d) AS m, sum(iv) AS total, avg(iv) AS mean, max(tm) AS latest FROM t_events GROUP BY extract(month FROM d) ORDER BY m;
SELECT count(*) FROM t_events WHERE ts >= '2024-01-01' AND ts < '2024-02-01';
SELECT id FROM t_events WHERE d + 10 > '2024-02-25' ORDER BY d;
SELECT id FROM t_events WHERE id = '00000000-0000-0000-0000-000000000002';
SELECT g::date AS day FROM generate_series(timestamp '2024-02-27', timestamp '2024-03-02', interval '1 day') AS g ORDER BY 1;
SELECT d, row_number() OVER (ORDER BY d DESC) AS rn FROM t_events ORDER BY d;
UPDATE t_events SET ts = ts + interval '1 year', d = d + 365 WHERE id = '00000000-0000-0000-0000-000000000001' RETURNING d, ts;
DELETE FROM t_events WHERE d < '2024-03-01'::date - interval '5 days';
SELECT id, d FROM t_events ORDER BY d;
DROP TABLE t_events;
