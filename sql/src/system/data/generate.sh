#!/usr/bin/env bash
# Writes the lists beside this file anew from a PostgreSQL 15.
#
# usage: generate.sh URL
#
# They hold all that PostgreSQL has built in; facts.rs tells only of what cairn has of it. The list of
# relations, relations.tsv, is not among them: it is edited by hand where cairn stores another type.
set -euo pipefail
url=${1:?usage: generate.sh URL}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
list() { psql -X -q -A -t -F $'\t' -d "$url" -c "$2" >"$here/$1.tsv"; }

list types "SELECT t.oid, typname, typlen, typbyval, typtype, typcategory, typispreferred, typdelim,
    typelem, typarray, typinput::oid, typoutput::oid, typreceive::oid, typsend::oid, typmodin::oid,
    typmodout::oid, typalign, typstorage, typcollation, typsubscript::oid
  FROM pg_type t WHERE typnamespace = 11 AND typtype IN ('b', 'p') AND typrelid = 0
    AND NOT EXISTS (SELECT FROM pg_type e WHERE e.oid = t.typelem AND e.typrelid <> 0) ORDER BY oid"
list functions "SELECT oid, proname, prorettype, proargtypes, prokind, provolatile, proisstrict,
    proretset, provariadic <> 0
  FROM pg_proc WHERE pronamespace = 11 ORDER BY oid"
list operators "SELECT oid, oprname, oprkind, oprcanmerge, oprcanhash, oprleft, oprright, oprresult,
    oprcom, oprnegate, oprcode::oid, oprrest::oid, oprjoin::oid
  FROM pg_operator ORDER BY oid"
list casts "SELECT oid, castsource, casttarget, castfunc, castcontext, castmethod
  FROM pg_cast ORDER BY oid"
