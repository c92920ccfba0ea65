#!/bin/sh
# Says in one line what is wrong when Go is missing or older than go.mod asks for.
set -eu
cd "$(dirname "$0")/.."

need=$(sed -n 's/^go \([0-9]*\.[0-9]*\).*/\1/p' go.mod)
get="install Go $need or later from https://go.dev/dl/"

if ! command -v go >/dev/null; then
	echo "go is not on PATH: $get" >&2
	exit 1
fi
# Without GOTOOLCHAIN, Go 1.21 and later fetch what go.mod asks for by themselves.
if ! have=$(go env GOVERSION 2>/dev/null); then
	have=$(GOTOOLCHAIN=local GOWORK=off GO111MODULE=off go env GOVERSION 2>/dev/null || true)
	echo "${have:-this go} is too old or does not work: $get" >&2
	exit 1
fi
minor=$(echo "$have" | sed -n 's/.*go1\.\([0-9]*\).*/\1/p')
if [ "${minor:-0}" -lt "${need#1.}" ]; then
	echo "$have is too old: $get" >&2
	exit 1
fi
