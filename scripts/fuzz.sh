#!/bin/sh
# fuzz.sh [time] runs every fuzz test of the module for that long, a minute if it
# is not said. What makes one fail is kept in the package's testdata/fuzz, and
# tried by `make test` from then on.
set -eu
cd "$(dirname "$0")/.."
time=${1:-1m}

# Only packages that have one are compiled.
dirs=$(grep -rl --include='*_test.go' --exclude-dir=node_modules '^func Fuzz' . | xargs -n1 dirname | sort -u)
for dir in $dirs; do
	for name in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$dir"/*_test.go); do
		echo "== $dir $name for $time"
		go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 10x "$dir"
	done
done
