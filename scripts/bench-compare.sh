#!/bin/sh
# bench-compare.sh runs the Go benchmarks that stand beside the hot paths, and shows
# what has changed since bench/baseline.txt. bench-compare.sh save writes that file.
set -eu
cd "$(dirname "$0")/.."
benchstat=golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da

fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
trap 'exit 1' HUP INT TERM
# Left out is what needs minutes, and what make bench measures better.
go test -run '^$' -bench . -skip 'BenchmarkApply|BenchmarkHotPageServed' -benchtime 200ms -count 6 -timeout 20m \
	./internal/event ./internal/bus ./internal/web ./services/posts ./services/query >"$fresh" ||
	{ cat "$fresh" >&2; exit 1; }
if [ "${1:-}" = save ]; then
	grep -E '^(Benchmark|pkg:|goos:|goarch:|cpu:)' "$fresh" >bench/baseline.txt
	echo 'saved in bench/baseline.txt'
	exit 0
fi
go run $benchstat bench/baseline.txt "$fresh"
