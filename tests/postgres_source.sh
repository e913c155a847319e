#!/usr/bin/env bash
# The tests of PostgreSQL 15 that cairn is measured by: src/test/isolation and src/test/regress of Debian's source
# package, as DIR/isolation and DIR/regress.
#
# usage: postgres_source.sh DIR
#
# Fetched once; does nothing if they are there. Nothing of them is kept in this repository. They come through apt,
# which checks signatures. Its lists of sources are our own, so that the machine's are left as they are. Exit
# status 0 if the tests are there.
set -euo pipefail

if [ "$#" -ne 1 ]; then
    echo "usage: $0 DIR" >&2
    exit 2
fi
mkdir -p "$1"
dir=$(cd "$1" && pwd)

fetch() {
    local apt=$dir/apt options version
    mkdir -p "$apt/lists/partial" "$apt/tests"
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
        sort -u | sed 's|^|deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] |' \
        >"$apt/sources.list"
    options=(-q -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=-
        -o "Dir::State::lists=$apt/lists" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" update
    apt-cache "${options[@]}" showsrc postgresql-15 | sed -n 's/^Version: //p' | sort -rVu >"$apt/versions"
    # The newest version may be listed and not there.
    while read -r version; do
        if (cd "$apt" && apt-get "${options[@]}" source --download-only "postgresql-15=$version"); then
            break
        fi
    done <"$apt/versions"
    tar -xjf "$apt"/postgresql-15_*.orig.tar.bz2 --strip-components=3 -C "$apt/tests" --wildcards \
        '*/src/test/isolation/*' '*/src/test/regress/*' || return 1
    rm -rf "$dir/isolation" "$dir/regress"
    mv "$apt/tests/isolation" "$apt/tests/regress" "$dir"
    rm -rf "$apt"
    touch "$dir/complete"
}

# Tests that run at the same time wait here for the first of them.
exec 9>"$dir/lock"
flock 9
if ! [ -f "$dir/complete" ]; then
    # As a condition a function runs without errexit, so it returns what failed by itself.
    fetch >"$dir/fetch.log" 2>&1 || {
        cat "$dir/fetch.log" >&2
        exit 2
    }
fi
