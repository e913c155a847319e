#!/usr/bin/env bash
# PostgreSQL 15's own isolation specs, run by its own isolationtester against any server.
#
# usage: postgres.sh HOST PORT [SPEC...]
#
# Debian's package postgresql-15 has the tester; the specs and what they are to print are in its source
# package, which postgres_source.sh fetches once into SOURCE. Prints one line a spec, in the order of PostgreSQL's
# schedule:
#
#   SPEC passes
#   SPEC differs
#   SPEC lacks: MESSAGE     the first thing it asks for that the server does not know
#
# With CACHE/results/SPEC.out as what was printed and SPEC.diff as how it differs; and on stderr, in the end, how
# many of each there are and what is lacking most. Exit status 0 if all specs ran, whatever came of them; 2 if
# they could not run.
#
# A fresh PostgreSQL 15 passes them all. As with pg_regress they run in a database isolation_regression and with
# DateStyle Postgres; where a server has not these, in the database postgres and with ISO.
#
# environment: CACHE (default target/postgres-isolation), SOURCE (default target/postgres-source), ISOLATIONTESTER
# (the program), SPEC_TIMEOUT (seconds for one spec, default 30), STEP_TIMEOUT (for one step, default 20)
set -euo pipefail

if [ "$#" -lt 2 ]; then
    echo "usage: $0 HOST PORT [SPEC...]" >&2
    exit 2
fi
host=$1 port=$2
shift 2

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${CACHE:-$here/../../target/postgres-isolation}
tester=${ISOLATIONTESTER:-/usr/lib/postgresql/15/lib/pgxs/src/test/isolation/isolationtester}
mkdir -p "$cache/results"
cache=$(cd "$cache" && pwd)
source=${SOURCE:-$here/../../target/postgres-source}

"$here/../postgres_source.sh" "$source" || exit 2
if ! [ -x "$tester" ]; then
    echo "no $tester: install postgresql-15" >&2
    exit 2
fi
cd "$source/isolation"
if [ "$#" -eq 0 ]; then
    # shellcheck disable=SC2046 # One word a spec.
    set -- $(awk '$1 == "test:" { print $2 }' isolation_schedule)
fi

# As pg_regress sets them; nothing else of the caller's may change what is sent or printed.
unset PGUSER PGSERVICE PGCLIENTENCODING PGSSLMODE PGDATESTYLE LANGUAGE
# Statements that met a conflict before their client has seen anything are not run again.
export PGOPTIONS="-c cairn.statement_retries=0"
export LC_ALL=C PGTZ=PST8PDT PGCONNECT_TIMEOUT=10 PGISOLATIONTIMEOUT=${STEP_TIMEOUT:-20}

execute() { # database statement
    psql -X -q -h "$host" -p "$port" -U postgres -d "$1" -c "$2" </dev/null >/dev/null 2>&1
}

if ! execute postgres "SELECT 1"; then
    echo "no server at $host:$port" >&2
    exit 2
fi
execute postgres "CREATE DATABASE isolation_regression" || true
dbname=isolation_regression
execute "$dbname" "SELECT 1" || dbname=postgres
export PGDATESTYLE="Postgres, MDY"
execute "$dbname" "SELECT 1" || export PGDATESTYLE="ISO, MDY"

# A spec that fails in its setup leaves its tables behind.
clean_up() { # spec
    grep -oiE 'create +(unlogged +)?table +(if +not +exists +)?"?[a-z_0-9.]+' "specs/$1.spec" | awk '{ print $NF }' |
        sort -u | while read -r table; do
        execute "$dbname" "DROP TABLE IF EXISTS ${table//\"/} CASCADE" || true
    done || true
}

# The first message in the output that says that something is not there, and that PostgreSQL does not print.
missing() { # spec
    grep -hoE '(ERROR|FATAL):  .*(is not supported|syntax error|does not exist|unrecognized configuration|not implemented).*' \
        "$cache/results/$1.out" |
        sed -E 's/^(ERROR|FATAL):  //' | while read -r message; do
        if ! grep -qF -- "$message" "expected/$1"*.out; then
            echo "$message"
        fi
    done | head -n 1
}

verdicts=()
for spec in "$@"; do
    out=$cache/results/$spec.out
    PGAPPNAME=isolation/$spec timeout -k 5 "${SPEC_TIMEOUT:-30}" "$tester" \
        "host=$host port=$port user=postgres dbname=$dbname" <"specs/$spec.spec" >"$out" 2>&1 ||
        echo "isolationtester ended with status $?" >>"$out"
    verdict=differs
    rm -f "$cache/results/$spec.diff"
    for expected in "expected/$spec.out" "expected/$spec"_[0-9].out; do
        if [ -f "$expected" ] && diff -w "$expected" "$out" >/dev/null; then
            verdict=passes
        fi
    done
    if [ "$verdict" != passes ]; then
        diff -wU3 "expected/$spec.out" "$out" >"$cache/results/$spec.diff" || true
        lacking=$(missing "$spec" || true)
        if [ -n "$lacking" ]; then
            verdict="lacks: $lacking"
        fi
        clean_up "$spec"
    fi
    echo "$spec $verdict"
    verdicts+=("$verdict")
done
{
    echo
    printf '%s\n' "${verdicts[@]}" | sort | uniq -c | sort -rn
} >&2
