#!/usr/bin/env bash
# Differential psql tests.
#
# usage: run.sh HOST PORT_A PORT_B [files...]
#
# Runs each script (default: every NN_*.sql next to this file) through psql on
# both servers, as user postgres on database postgres, strips the LOCATION
# lines of verbose errors, and compares the combined stdout+stderr.
# Prints "ok NAME" or a unified diff (PORT_A is the expected side) per file.
# Exit status: 0 all equal, 1 some differ, 2 usage.
# PSQL_TIMEOUT (seconds, default 120) bounds each single psql run.
set -euo pipefail

if [ "$#" -lt 3 ]; then
    echo "usage: $0 HOST PORT_A PORT_B [files...]" >&2
    exit 2
fi
host=$1 port_a=$2 port_b=$3
shift 3

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "$#" -eq 0 ]; then
    set -- "$here"/[0-9][0-9]_*.sql
fi

# Nothing from the caller's environment may change what psql sends or prints.
unset PGOPTIONS PGAPPNAME PGDATESTYLE PGTZ PGGEQO PGCLIENTENCODING PGSERVICE \
    PGSSLMODE PSQL_PAGER PAGER COLUMNS
export LC_ALL=C.UTF-8 PGCONNECT_TIMEOUT=10

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

run_one() { # port script output
    local status=0
    timeout "${PSQL_TIMEOUT:-120}" psql -X -a -v VERBOSITY=verbose \
        -h "$host" -p "$1" -U postgres -d postgres <"$2" >"$3.raw" 2>&1 || status=$?
    # The port shows in connection failures only; the exit status tells a
    # lost connection (2) or a timeout (124) from a completed script.
    sed -e '/^LOCATION:  /d' "$3.raw" >"$3"
    echo "-- psql exit status $status" >>"$3"
}

failed=0
for file in "$@"; do
    name=$(basename "$file" .sql)
    run_one "$port_a" "$file" "$tmp/$name.a"
    run_one "$port_b" "$file" "$tmp/$name.b"
    if diff -u --label "$name port $port_a" --label "$name port $port_b" \
        "$tmp/$name.a" "$tmp/$name.b" >"$tmp/$name.diff"; then
        echo "ok $name"
    else
        cat "$tmp/$name.diff"
        failed=1
    fi
done
exit "$failed"
