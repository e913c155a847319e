"""Dates and times: fields, truncation, arithmetic, formats, time zones."""

from itertools import product

FIELDS = ["century", "day", "decade", "dow", "doy", "epoch", "hour", "isodow", "isoyear", "julian", "microseconds", "millennium", "milliseconds", "minute", "month", "quarter", "second", "week", "year", "timezone", "timezone_hour", "nonsense"]
UNITS = ["microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade", "century", "millennium", "nonsense"]
MOMENTS = {
    "date": ["2024-02-29", "0001-01-01 BC", "infinity"],
    "timestamp": ["2024-12-30 23:59:59.123456", "1969-12-31 00:00:00", "-infinity"],
    "timestamptz": ["2024-07-01 12:34:56.5+02", "1900-01-01 00:00:00+00"],
    "interval": ["1 year 2 mons 3 days 04:05:06.789", "-10 days", "400 days 25:00"],
    "time": ["12:34:56.789"],
}
DATES = ["date '2024-02-29'", "date '2023-12-31'", "date 'infinity'"]
STAMPS = ["timestamp '2024-02-29 12:00'", "timestamp '2024-03-31 23:59:59.5'", "timestamp '-infinity'"]
ZONED = ["timestamptz '2024-03-30 12:00+00'", "timestamptz '2024-10-26 12:00+00'"]
SPANS = ["interval '1 day'", "interval '1 month'", "interval '-1 year'", "interval '36:00:00.5'", "interval '1 mon -1 day 01:00'"]
TIMES = ["time '00:00'", "time '23:30:00.25'"]


def fields():
    for type, values in MOMENTS.items():
        for value, field in product(values, FIELDS):
            if value in (values[0], values[-1]) or field in ("year", "epoch", "week", "day", "century"):
                yield f"SELECT extract({field} FROM {type} '{value}')"
    for type in MOMENTS:
        for field in ["year", "hour", "epoch", "dow"]:
            yield f"SELECT date_part('{field}', {type} '{MOMENTS[type][0]}'), pg_typeof(date_part('{field}', {type} '{MOMENTS[type][0]}'))"


def truncation():
    for type, values in list(MOMENTS.items())[:4]:
        for value, unit in product(values, UNITS):
            yield f"SELECT date_trunc('{unit}', {type} '{value}')"
    yield "SELECT date_trunc('day', timestamptz '2024-03-31 12:00+00', 'America/New_York')"
    yield "SELECT date_trunc('hour', time '12:34:56')"
    for stride, source, origin in [("15 minutes", "2020-02-11 15:44:17", "2001-01-01"), ("2 hours 30 min", "2020-02-11 15:44:17", "2020-02-11 00:05"), ("1 month", "2020-02-11", "2001-01-01"), ("0 days", "2020-02-11", "2001-01-01"), ("7 days", "2020-02-11", "2020-02-12")]:
        yield f"SELECT date_bin('{stride}', timestamp '{source}', timestamp '{origin}')"


def arithmetic():
    for a, b in product(DATES, DATES):
        yield f"SELECT {a} - {b}, {a} < {b}"
    for a, b in product(DATES + STAMPS + ZONED + TIMES, SPANS):
        yield f"SELECT {a} + {b}"
        yield f"SELECT {a} - {b}"
    for a, b in product(DATES, ["1", "-30", "1000000", "0"]):
        yield f"SELECT {a} + {b}, {a} - {b}"
    for a, b in product(STAMPS[:2] + ZONED, STAMPS + ZONED):
        yield f"SELECT {a} - {b}"
        yield f"SELECT {a} = {b}, {a} < {b}"
    for a, b in product(DATES, STAMPS[:1] + ZONED[:1]):
        yield f"SELECT {a} - {b}, {a} < {b}, {a} = {b}"
    for a, b in product(SPANS, SPANS):
        yield f"SELECT {a} + {b}, {a} - {b}, {a} < {b}"
    for span, factor in product(SPANS, ["2", "0.5", "-1.5", "0", "1e10", "'NaN'"]):
        yield f"SELECT {span} * {factor}"
        yield f"SELECT {span} / {factor}"
    for a, b in product(TIMES, TIMES):
        yield f"SELECT {a} - {b}, {a} = {b}"
    for expression in ["date '2024-01-01' + time '12:00'", "date '2024-01-31' + interval '1 month'", "timestamp '2024-01-31' + interval '1 month' + interval '1 month'", "timestamp '2024-01-31' + interval '2 months'", "timestamp '2024-03-31' - interval '1 month'",
                       "date '2024-01-01' + 1.5", "date '2024-01-01' + date '2024-01-01'", "date '2024-01-01' * 2", "2 * interval '1 day'", "- interval '1 day'", "interval '1 day' - date '2024-01-01'", "date '5874897-12-31' + 1", "timestamp '294276-12-31' + interval '1 year'",
                       "timestamp '2024-01-01' + 1", "time '12:00' + time '12:00'", "time '12:00' + date '2024-01-01'", "time '23:00' + interval '2 hours'", "interval '1 month' = interval '30 days'", "interval '1 day' = interval '24 hours'", "interval '1 year' > interval '360 days'"]:
        yield f"SELECT {expression}"


def functions():
    for expression in ["age(timestamp '2024-02-29', timestamp '2000-03-01')", "age(timestamp '2000-03-01', timestamp '2024-02-29')", "age(timestamptz '2024-02-29 00:00+00', timestamptz '2023-02-28 12:00+00')", "age(date '2024-02-29', date '2023-02-28')",
                       "age(timestamp 'infinity', timestamp '2024-01-01')", "make_date(2024, 2, 29)", "make_date(2023, 2, 29)", "make_date(-44, 3, 15)", "make_date(0, 1, 1)", "make_time(12, 30, 15.5)", "make_time(24, 0, 0)", "make_time(25, 0, 0)", "make_time(12, 60, 0)",
                       "make_timestamp(2024, 2, 29, 12, 30, 15.5)", "make_timestamp(2024, 13, 1, 0, 0, 0)", "make_timestamptz(2024, 2, 29, 12, 30, 15.5, 'Europe/Berlin')", "make_timestamptz(2024, 2, 29, 12, 30, 15.5, 'Nowhere')", "make_interval(1, 2, 3, 4, 5, 6, 7.5)", "make_interval(days => 10)",
                       "make_interval(secs => 3.25, hours => 1)", "make_interval()", "justify_days(interval '65 days')", "justify_hours(interval '50:00')", "justify_interval(interval '1 mon -1 hour')", "justify_interval(interval '-35 days 30:00')", "isfinite(date 'infinity')",
                       "isfinite(timestamp '2024-01-01')", "isfinite(interval '1 day')", "to_timestamp(0)", "to_timestamp(1700000000.5)", "to_timestamp('Infinity')", "to_timestamp('NaN')", "to_date('2024-02-29', 'YYYY-MM-DD')", "to_date('29 Feb 2024', 'DD Mon YYYY')", "to_date('20240229', 'YYYYMMDD')",
                       "to_date('2024-13-01', 'YYYY-MM-DD')", "to_date('2024 60', 'YYYY DDD')", "to_date('abc', 'YYYY')", "to_date('24-1-2', 'YY-MM-DD')", "to_date('2024-W09-4', 'IYYY-\"W\"IW-ID')", "to_timestamp('2024-02-29 12:34:56', 'YYYY-MM-DD HH24:MI:SS')",
                       "to_timestamp('12:34 PM', 'HH12:MI AM')", "to_timestamp('2024-02-29 25', 'YYYY-MM-DD HH24')", "to_timestamp('2024-02-29 12:34:56.789', 'YYYY-MM-DD HH24:MI:SS.MS')", "to_timestamp('05 Dec 2000', 'DD FMMonth YYYY')", "date '2024-02-29'::timestamp", "timestamp '2024-02-29 23:59'::date",
                       "timestamp '2024-02-29 23:59:59.5'::time", "timestamp '2024-02-29 23:59:59.123456'::timestamp(3)", "timestamptz '2024-02-29 23:00+00'::date", "time '12:34'::interval", "interval '25:10:00'::time", "interval '1 day 02:03'::time", "date '2024-02-29'::timestamptz",
                       "(timestamp '2024-01-01', timestamp '2024-02-01') OVERLAPS (timestamp '2024-01-15', interval '1 month')", "(date '2024-01-01', date '2024-02-01') OVERLAPS (date '2024-02-01', date '2024-03-01')", "(time '10:00', time '12:00') OVERLAPS (time '11:00', time '13:00')",
                       "current_date = now()::date", "now() = transaction_timestamp()", "now() = current_timestamp", "statement_timestamp() >= now()", "clock_timestamp() >= statement_timestamp()", "localtimestamp = now()::timestamp", "current_time::time(0) = localtime(0)", "timeofday() IS NOT NULL",
                       "date 'epoch'", "date 'today' = current_date", "date 'yesterday' + 1 = date 'today'", "timestamp 'now' >= now()::timestamp", "date_trunc('day', timestamp 'tomorrow') = date 'today' + 1", "interval '1' year", "interval '1-2' year to month", "interval '3 4:05' day to minute", "interval '1.5' hour",
                       "interval '10' second(1)", "interval(2) '1.2345 seconds'", "extract(epoch FROM timestamp '2024-01-01' - timestamp '2023-01-01') / 86400", "date_part('year', age(timestamp '2024-01-01', timestamp '1990-05-05'))", "pg_typeof(date '2024-01-01' + interval '1 day')", "pg_typeof(date '2024-01-02' - date '2024-01-01')",
                       "pg_typeof(timestamp '2024-01-01' - timestamp '2023-01-01')", "pg_typeof(time '12:00' - time '11:00')", "pg_typeof(date '2024-01-01' + time '12:00')", "pg_typeof(current_time)", "pg_typeof(localtimestamp)"]:
        yield f"SELECT {expression}"


def formats():
    patterns = ["YYYY-MM-DD HH24:MI:SS", "YY Y YYY Y,YYY", "Month|month|MONTH|Mon|mon|MON", "FMMonth FMDay FMDD", "Day|day|DAY|Dy|dy|DY", "DDD DD D ID J", "HH HH12 AM a.m. p.M.", "SSSS SSSSS MS US FF1 FF3 FF6", "Q CC W WW IW", "IYYY IYY IY I IDDD", "TZ tz OF TZH:TZM", "DDth ddTH FMDDth", "\"text\" YYYY\\\"", "RM rm FMRM", "YYYY AD bc B.C.", "", "xyz", "HH24HH24", "TMMonth"]
    for value, pattern in product(["timestamp '2024-02-09 15:04:05.678901'", "date '0044-03-15 BC'", "timestamptz '2024-07-01 00:00:00+02'", "interval '1 day 15:04:05.5'"], patterns):
        yield f"SELECT to_char({value}, '{pattern}')"


def zones():
    yield "SET timezone = 'America/New_York'"
    moments = ["2024-01-15 12:00", "2024-07-15 12:00", "2024-03-10 02:30", "2024-11-03 01:30", "1900-01-01 00:00", "2050-07-01 00:00"]
    names = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "EST", "EST5EDT", "+03", "-05:30", "Etc/GMT+5", "Nowhere/City", ""]
    for moment in moments:
        yield f"SELECT timestamptz '{moment}', timestamptz '{moment}+00', timestamp '{moment}'::timestamptz"
        for name in names:
            yield f"SELECT timestamp '{moment}' AT TIME ZONE '{name}', timestamptz '{moment}+00' AT TIME ZONE '{name}'"
    for zone in ["UTC", "Europe/Berlin", "Asia/Kolkata", "+5", "-3.5", "'<+0330>-03:30'"]:
        yield f"SET timezone = {zone if zone.startswith(chr(39)) else repr(zone)}"
        yield "SHOW timezone"
        yield "SELECT timestamptz '2024-07-01 12:00+00', timestamptz 'epoch', timestamptz '2024-12-31 23:30'::date"
        yield "SELECT extract(timezone FROM timestamptz '2024-07-01 12:00+00'), date_trunc('day', timestamptz '2024-07-01 12:00+00')"
        yield "SELECT timestamptz '2024-03-30 12:00' + interval '1 day', timestamptz '2024-03-30 12:00' + interval '24 hours'"
    yield "SET timezone = 'Nowhere/City'"
    yield "SET TIME ZONE INTERVAL '-08:00' HOUR TO MINUTE"
    yield "SET TIME ZONE 5"
    yield "SELECT timestamptz '2024-07-01 12:00+00'"
    yield "SET TIME ZONE LOCAL"
    yield "SELECT timestamptz '2024-07-01 12:00 Europe/Berlin', timestamptz '2024-07-01 12:00 PST'"
    yield "SELECT time '12:00' AT TIME ZONE 'UTC'"
    yield "SELECT timestamp '2024-07-01 12:00' AT TIME ZONE INTERVAL '2 hours'"


def over_rows():
    yield "CREATE TABLE e (id int PRIMARY KEY, d date, t time, ts timestamp, tz timestamptz, i interval)"
    yield "INSERT INTO e VALUES (1, '2024-02-29', '12:34:56', '2024-02-29 12:34:56.5', '2024-02-29 12:00+00', '1 day'), (2, '2023-12-31', '00:00', '2023-12-31 23:59:59', '2024-01-01 00:30+01', '1 mon 2 days 03:04'), (3, NULL, NULL, NULL, NULL, NULL), (4, '0001-01-01', '23:59:59.999', '1970-01-01', '1970-01-01 00:00+00', '-1 hour')"
    for expression in ["d + 1", "d - 1", "d - date '2024-01-01'", "d + i", "d + t", "ts + i", "ts - i", "tz + i", "ts - timestamp '2024-01-01'", "tz - timestamptz '2024-01-01 00:00+00'", "t + i", "i * 2", "i / 2", "-i", "extract(year FROM d)", "extract(dow FROM d)", "extract(epoch FROM ts)", "extract(hour FROM t)",
                       "date_trunc('month', ts)", "date_trunc('week', ts)", "date_part('day', i)", "age(ts, timestamp '2000-01-01')", "to_char(ts, 'YYYY-MM-DD HH24:MI:SS.MS')", "to_char(d, 'FMDay, DD Mon YYYY')", "to_char(i, 'DD HH24:MI')", "d::text", "ts::date", "ts::time", "tz::timestamp", "ts::timestamptz", "d::timestamp", "i::text",
                       "tz AT TIME ZONE 'Europe/Berlin'", "ts AT TIME ZONE 'Europe/Berlin'", "d = ts", "d < tz", "ts = tz", "justify_interval(i)", "isfinite(d)", "coalesce(d, date '1999-09-09')", "greatest(d, date '2024-01-01')", "d IS NULL", "d BETWEEN '2023-01-01' AND '2024-01-31'", "ts::timestamp(0)", "date_bin('1 hour', ts, '2000-01-01')"]:
        yield f"SELECT id, {expression} FROM e"
    for condition in ["d > '2024-01-01'", "d = '2024-02-29'", "ts >= '2023-12-31'::date", "tz < now()", "extract(month FROM d) = 2", "t < '12:00'", "i > '1 day'", "d + 1 = '2024-01-01'", "ts::date = d", "date_trunc('year', ts) = '2024-01-01'", "d IN ('2024-02-29', '2023-12-31')", "i = interval '24 hours'"]:
        yield f"SELECT id FROM e WHERE {condition}"
    yield "SELECT extract(year FROM d) AS y, count(*), min(ts), max(tz), sum(i), avg(i) FROM e GROUP BY 1 ORDER BY 1"
    yield "SELECT date_trunc('month', d), count(*) FROM e GROUP BY date_trunc('month', d) ORDER BY 1"
    yield "SELECT id, d, lag(d) OVER (ORDER BY d), d - lag(d) OVER (ORDER BY d) FROM e ORDER BY d, id"
    yield "SELECT sum(i), avg(i), min(i), max(i) FROM e"
    yield "SELECT min(t), max(t), sum(t::interval), avg(t::interval) FROM e"


def files():
    return {
        "functions/datetime/fields.slt": list(fields()),
        "functions/datetime/truncation.slt": list(truncation()),
        "functions/datetime/arithmetic.slt": list(arithmetic()),
        "functions/datetime/functions.slt": list(functions()),
        "functions/datetime/formats.slt": list(formats()),
        "functions/datetime/zones.slt": list(zones()),
        "functions/datetime/rows.slt": list(over_rows()),
    }
