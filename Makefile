# `make` lists the targets. CI calls the same ones.

GOLANGCI_LINT := 2.15.0

# make run ARGS='--port-offset 100'
ARGS ?=
# make test TESTFLAGS='-run Redrive -count=10'
TESTFLAGS ?=

# The go command cannot ask git about a checkout that belongs to another user, such
# as root's in a container; what is built to be kept is told its version by name.
export GOFLAGS := $(strip $(shell cd / && GOTOOLCHAIN=local go env GOFLAGS 2>/dev/null) -buildvcs=false)

.DEFAULT_GOAL := help
.PHONY: help run test check check-needs fmt build bench bench-long bench-compare frontend e2e-page screenshots fuzz mutants rebuild-large chaos attacks env up observe down e2e e2e-containers e2e-k8s go lint

help: ## show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | while IFS='	' read -r t d; do printf 'make %-14s %s\n' "$$t" "$$d"; done

# Not `go run`, which leaves its child behind when it is ended with SIGTERM.
run: go ## start everything in one process, on loopback only
	@sh scripts/install-missing.sh run
	@sh scripts/frontend.sh build || echo 'the page could not be built; going on with what there is' >&2
	@go build -ldflags '$(LDFLAGS)' -o bin/newsfeed ./cmd/newsfeed && exec bin/newsfeed $(ARGS)

# The race detector needs cgo, also where the environment turns it off.
test: go ## run all tests, with the race detector
	@sh scripts/install-missing.sh test
	@sh scripts/frontend.sh test
	@sh scripts/frontend.sh build
	CGO_ENABLED=1 go test -race -timeout 20m $(TESTFLAGS) ./...
	cd bench && CGO_ENABLED=1 go test -race $(TESTFLAGS) ./...

check: go check-needs lint ## formatting, go vet, linters, and which package may import which
	@files=$$($(GOFILES) -exec gofmt -l {} +) && [ -z "$$files" ] || { echo "not formatted (make fmt):" "$$files" >&2; exit 1; }
	go vet ./...
	go vet -tags containers ./e2e/containers
	go vet -tags kubernetes ./e2e/kubernetes
	cd bench && go vet ./...
	bin/golangci-lint run ./...
	cd bench && ../bin/golangci-lint run ./...
	cd infra/k8s/check && go vet . && ../../../bin/golangci-lint run --config ../../../.golangci.yml .
	@sh scripts/frontend.sh check
	go test -count=1 ./internal/arrows
	cd infra/k8s/check && go test -count=1 .

fmt: go ## format the Go code
	$(GOFILES) -exec gofmt -l -w {} +

frontend: ## build the page that the commands serve, where there is Node.js
	@sh scripts/frontend.sh build

build: go frontend ## build the commands into bin/
	go build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

# CHROMIUM says where the browser is, if not in /usr/bin/chromium.
e2e-page: go ## drive a browser through the page, with the real services
	@sh scripts/install-missing.sh page
	@$(MAKE) --no-print-directory build
	@sh scripts/frontend.sh e2e

screenshots: go ## pictures of every page and state, into frontend/screenshots
	@sh scripts/install-missing.sh page
	@$(MAKE) --no-print-directory build
	@sh scripts/frontend.sh screenshots

# make bench ARGS='-run commit', or ARGS=-write for docs/performance.md
bench: go ## measure everything beside the bare limit and the alternatives (20 min)
	@sh scripts/install-missing.sh bench
	cd bench && go run . -root .. $(ARGS)

bench-long: go ## a million rows, growth, ten minutes of writes (1 h)
	@sh scripts/install-missing.sh bench
	cd bench && go run . -root .. -long $(ARGS)

# make bench-compare ARGS=save writes the baseline anew
bench-compare: go ## run the Go benchmarks and compare them with the saved baseline (3 min)
	@sh scripts/install-missing.sh bench
	@sh scripts/bench-compare.sh $(ARGS)

rebuild-large: go ## rebuild a view of 200,000 comments under load, killed three times (10 min)
	@sh scripts/install-missing.sh bench
	NEWSFEED_LARGE=1 go test -count=1 -timeout 60m -v -run '^TestRebuildUnderLoad$$' ./services/query

# make mutants ARGS='-run brake', or ARGS='-chaos 60s' for those that make chaos must catch
mutants: go ## show that the tests fail when what they test is taken out (10 to 20 min)
	@sh scripts/install-missing.sh mutants
	go run ./internal/mutants $(ARGS)

# make chaos ARGS='-for 10m -seed 7'
chaos: go ## strike the whole system with faults of every kind, and look whether it kept its promises
	@sh scripts/install-missing.sh test
	go test -count=1 -timeout 0 -v $(TESTFLAGS) -run '^TestChaos$$' ./e2e -args chaos $(ARGS)

# make attacks ARGS='-for 60s'
attacks: go ## attack the services from outside, and look how others are served
	@sh scripts/install-missing.sh test
	go test -count=1 -timeout 0 -v $(TESTFLAGS) -run '^TestAttack' ./e2e -args attack $(ARGS)

# make fuzz FUZZTIME=10s
fuzz: go ## run every fuzz test for a minute
	@sh scripts/install-missing.sh test
	@sh scripts/fuzz.sh $(FUZZTIME)

env: ## write .env with random tokens and passwords for the containers
	@sh scripts/env.sh

up: ## build the images and start everything in containers
	VERSION='$(VERSION)' COMMIT='$(COMMIT)' docker compose up --build --wait $(ARGS)

observe: ## the same, with Prometheus, Grafana and Jaeger, and traces sent there
	COMPOSE_PROFILES=observability VERSION='$(VERSION)' COMMIT='$(COMMIT)' docker compose up --build --wait $(ARGS)

down: ## stop the containers; ARGS=-v deletes what was written, too
	COMPOSE_PROFILES=observability docker compose down $(ARGS)

e2e: e2e-page e2e-containers ## both: the page in a browser, and the containers

e2e-containers: go ## test the images, Compose and the container walkthrough, with Docker
	go test -tags containers -count=1 -timeout 28m -v $(TESTFLAGS) ./e2e/containers

# K8S_LOAD='kind load docker-image' copies images into the cluster; see infra/k8s/README.md.
e2e-k8s: go ## test infra/k8s and its walkthrough on the cluster of KUBECONFIG (15 min)
	go test -tags kubernetes -count=1 -timeout 60m -v $(TESTFLAGS) ./e2e/kubernetes

VERSION = $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT = $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS = -X newsfeed/internal/web.version=$(VERSION) -X newsfeed/internal/web.commit=$(COMMIT)

GOFILES = find . -name node_modules -prune -o -name '*.go' -type f

go:
	@sh scripts/require-go.sh

check-needs:
	@sh scripts/install-missing.sh check

lint:
	@[ "$$(bin/golangci-lint version --short 2>/dev/null)" = $(GOLANGCI_LINT) ] || { \
		echo "building golangci-lint $(GOLANGCI_LINT) into bin/, once; this takes about two minutes" && \
		GOBIN='$(CURDIR)/bin' go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(GOLANGCI_LINT); }
