# What a person types here. `make help` lists it; nothing but Go and make is needed, and PostgreSQL's server programs
# for `run` and `test`.

GO           ?= go
ARGS         ?=
TIMEOUT      ?= 20m
# Tests that run at once in a package: most of them wait.
PARALLEL     ?= 6
# Packages that `test` has at work at once, where it is not to be the number of processors.
AT_ONCE      ?=
SEED         ?= 0
MINUTES      ?= 10
BENCH        ?= .
BENCHTIME    ?= 1s
COUNT        ?= 1
COVER_FLOOR  ?= 85
# Of the command line alone, as SKIP and RACE below: elsewhere the same names mean other things.
IMAGE         = postgres:17-alpine
# A tag, for `notes` and `dist`; which platforms `dist` builds for, all by default.
VERSION      ?=
PLATFORMS    ?=
# Go stamps commit and date into the binary, where there is a repository that git can read.
VCS          := $(shell git rev-parse --quiet --verify HEAD >/dev/null 2>&1 && echo true || echo false)

# The programs of a checkout come first, so that tests and `run` use the pinned Temporal CLI.
export PATH := $(CURDIR)/bin:$(PATH)
export CGO_ENABLED ?= 0
# Everything is compiled the way a release is, so that building, testing and releasing share what was compiled. What only
# a debugger would read is left out, which is a quarter of the time of a first build; stack traces have their lines.
# MARKETDATA_GCFLAGS says otherwise, for archives too and for images out of those of `make local-images`, which keep what
# they were made with: without inlining (-l), compilers work a third less.
GCFLAGS := $(or $(MARKETDATA_GCFLAGS),-dwarf=false)
export GOFLAGS := $(strip $(shell $(GO) env GOFLAGS) -trimpath '-gcflags=all=$(GCFLAGS)')
export GOWORK := off

# Packages with generated or golden files that `-update` rewrites, in tests named …IsCurrent or …AreCurrent. Not
# workflows: its histories belong to releases and are recorded by hand.
GOLDEN := $(filter-out ./workflows/,$(sort $(dir $(shell grep -rl --include='*_test.go' 'flag.Bool."update"' . 2>/dev/null))))
# Packages with benchmarks: the others need not be linked.
BENCHED = $(sort $(dir $(shell grep -rl --include='*_test.go' '^func Benchmark' . 2>/dev/null)))
# Tests that prove something of real time: minutes of waiting in which neither tool sees anything new.
PROOFS := TestBudgetHoldsAtEverySecond|TestPausedProviderIsNotAsked|TestTerminatedInTheUI|TestScheduleMissesWhatIsLaterThanItsCatchup|TestTenYearsOfMinutesStayShort

# Packages whose tests run the product in their own process: the race detector does not see into others.
RACE        = $(shell $(GO) list ./... | grep -v -E '/(chaos|docs|drill)$$')
# What `test-race` leaves out besides, and `bench` and `container-test`, as a regular expression.
SKIP        =

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build bin/temporal ## start the whole stack with demo data (make run ARGS="--api-port 9080"); Ctrl-C stops it
	@exec bin/marketdata dev $(ARGS)

.PHONY: build
build: ## build bin/marketdata
	@mkdir -p bin
	$(GO) build -buildvcs=$(VCS) -ldflags '-s -w' -o bin/marketdata ./cmd/marketdata

# Tests measure what they cover as they go: every statement of the module counts, whichever package's test runs it. What
# vet would look for before each of them, `make lint` looks for once. Asked for the coverage of a package without tests, Go
# would compile another tool: such packages are not asked, and `make coverage` fails where nothing of one was measured.
define run_tests
packages=$$($(GO) list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...) && $(GO) test -vet=off -timeout $(TIMEOUT) \
	$(if $(AT_ONCE),-p $(AT_ONCE)) -parallel $(PARALLEL) -covermode=set -coverpkg=./... -coverprofile=coverage.new $$packages
@mv coverage.new coverage.out
endef

.PHONY: test
test: bin/temporal ## unit, integration and end-to-end tests
	$(run_tests)

.PHONY: test-race
test-race: bin/temporal ## the same under the race detector, without proofs of real time; SKIP and RACE narrow it (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -vet=off -race -timeout 30m -parallel $(PARALLEL) -skip '$(PROOFS)$(if $(SKIP),|$(SKIP))' $(RACE)

.PHONY: browser-test
browser-test: bin/temporal ## what an operator does in the Temporal UI, done by a browser (needs Chromium)
	$(GO) test -vet=off -count=1 -timeout $(TIMEOUT) -tags browser -run '^TestOperatorHealsAChunkInTheUI$$' ./e2e/

.PHONY: coverage
coverage: coverage.out bin/delivery ## test coverage of the whole module, of the last `make test`; fails below COVER_FLOOR percent
	@bin/delivery coverage -floor $(COVER_FLOOR)

# Code that is newer than the last measurement is tested first.
coverage.out: $(shell git ls-files --cached --others --exclude-standard '*.go' '*.sql' go.mod 2>/dev/null) | bin/temporal
	$(run_tests)

# The second build of the product is another file, for workers that are replaced by a new version.
.PHONY: chaos
chaos: build bin/temporal ## attack a stack of its own for a while and prove that nothing was lost (make chaos SEED=1 MINUTES=10)
	$(GO) build -buildvcs=$(VCS) -ldflags '-s -w -buildid=next' -o bin/marketdata-next ./cmd/marketdata
	$(GO) build -o bin/chaos ./cmd/chaos
	bin/chaos -seed $(SEED) -minutes $(MINUTES) $(ARGS)

.PHONY: backup-drill
backup-drill: build bin/temporal ## back a loaded platform up, restore it into an empty server, prove that the copy is equal and works
	$(GO) build -o bin/drill ./cmd/drill
	bin/drill $(ARGS)

.PHONY: bench
bench: bin/temporal ## all benchmarks (BENCH=Load BENCHTIME=5s COUNT=5)
	$(GO) test -vet=off -run '^$$' -bench '$(BENCH)' -skip '$(SKIP)' -benchtime $(BENCHTIME) -count $(COUNT) -benchmem -timeout 60m $(BENCHED)

.PHONY: lint
lint: bin/golangci-lint ## golangci-lint and the formatters, without changing a file
	bin/golangci-lint run --allow-parallel-runners ./...
	bin/golangci-lint fmt --diff ./...

.PHONY: fmt
fmt: bin/golangci-lint ## format with gofumpt and sort imports
	bin/golangci-lint fmt ./...

.PHONY: workflowcheck
workflowcheck: bin/workflowcheck ## look for non-determinism in workflow code
	bin/workflowcheck -config tools/workflowcheck/config.yaml ./workflows/... ./worker/...

.PHONY: generate
generate: bin/temporal ## rewrite generated and golden files
	$(GO) test -vet=off -timeout $(TIMEOUT) $(GOLDEN) -run '(Is|Are)Current$$' -update

# Works on a copy, so it neither needs a clean work tree nor changes it.
.PHONY: verify
verify: bin/temporal ## prove that generated and golden files and go.mod are current
	@copy=$$(mktemp -d) && trap 'rm -rf "$$copy"' EXIT && mkdir -p "$$copy/tree/bin" && cp bin/temporal "$$copy/tree/bin/" && \
	git ls-files --cached --others --exclude-standard | while read -r file; do [ ! -f "$$file" ] || echo "$$file"; done \
		> "$$copy/files" && tar -cf - -T "$$copy/files" | tar -xf - -C "$$copy/tree" && \
	cp -r "$$copy/tree" "$$copy/before" && $(MAKE) --no-print-directory -C "$$copy/tree" generate && \
	{ diff -ru "$$copy/before" "$$copy/tree" || { echo "these files are not current: run make generate"; exit 1; }; }
	$(GO) mod tidy -diff
	$(GO) mod verify

.PHONY: badge
badge: coverage.out bin/delivery ## coverage of the last `make test` as coverage.svg; TABLE=FILE adds a table in Markdown
	bin/delivery coverage -floor $(COVER_FLOOR) -badge coverage.svg $(if $(TABLE),-table '$(TABLE)')

.PHONY: actionlint
actionlint: bin/actionlint ## check the workflows, and with shellcheck, where it is installed, their scripts and those of .ci
	bin/actionlint
	@if command -v shellcheck > /dev/null; then shellcheck --external-sources --severity warning .ci/run .ci/containers $$(git ls-files '*.sh'); else echo "shellcheck is missing: scripts were not checked"; fi

.PHONY: vuln
vuln: bin/govulncheck bin/delivery ## known vulnerabilities in code that is reached; says NOT CHECKED and fails where no database can be asked
	bin/delivery vuln -tool bin/govulncheck ./cmd/...

.PHONY: secrets
secrets: bin/gitleaks ## secrets in files and in the history; proves first that a planted one is found
	.ci/secrets.sh

.PHONY: licences
licences: bin/delivery ## docs/licences.md is current, and every licence is one of those allowed
	bin/delivery licences

.PHONY: notes
notes: bin/delivery ## what CHANGELOG.md says of a version (make notes VERSION=v0.1.0, or unreleased)
	@bin/delivery notes $(VERSION)

.PHONY: sbom
sbom: build bin/delivery ## the bill of materials of bin/marketdata, as CycloneDX JSON
	bin/delivery sbom -o bin/marketdata.cdx.json bin/marketdata

.PHONY: dist
dist: bin/delivery ## archives of a release with checksums, the same bytes for the same commit (make dist PLATFORMS=linux/amd64)
	bin/delivery dist -o dist -version '$(VERSION)' -platforms '$(PLATFORMS)' -gcflags '$(GCFLAGS)'

# What a build of the image is told of its commit: the same commit gives the same layers.
COMMIT       = $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
MODIFIED     = $(shell test -z "$$(git status --porcelain 2>/dev/null)" || echo -modified)
EPOCH        = $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
IMAGE_STAMP  = MARKETDATA_VERSION=$(shell git describe --tags --match 'v*' 2>/dev/null || echo dev) MARKETDATA_COMMIT=$(COMMIT)$(MODIFIED) \
	MARKETDATA_SOURCE_DATE_EPOCH=$(EPOCH) MARKETDATA_BUILT_AT=$(shell date -u -d @$(EPOCH) +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u -r $(EPOCH) +%Y-%m-%dT%H:%M:%SZ)
# Docker's own plugin where there is one, else the pinned one.
COMPOSE      = $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo bin/docker-compose)
COMPOSE_TOOL = $(filter bin/docker-compose,$(COMPOSE))

.PHONY: image
image: $(COMPOSE_TOOL) ## build the container image marketdata:local
	$(IMAGE_STAMP) $(COMPOSE) build api

# The first start chooses secrets of its own; later ones go on with what .env says. Everything else keeps the defaults, so
# that an upgrade brings new ones along.
.PHONY: up
up: $(COMPOSE_TOOL) ## start the platform in containers, in the background, with secrets of its own (make up ARGS="--profile demo")
	$(if $(findstring --env-file,$(ARGS)),@echo 'make up looks at .env alone: put the settings there' >&2; exit 1)
	@deploy/prepare.sh .
	$(IMAGE_STAMP) $(COMPOSE) up --build --detach --wait --wait-timeout 600
	$(if $(ARGS),$(IMAGE_STAMP) $(COMPOSE) $(ARGS) up --build --detach)
	@$(COMPOSE) $(ARGS) ps

.PHONY: down
down: $(COMPOSE_TOOL) ## stop the containers; volumes and secrets stay
	$(COMPOSE) --profile demo down

# Which of them `local-images` makes.
LOCAL        = go postgres temporal
.PHONY: local-images
local-images: $(if $(filter temporal,$(LOCAL)),bin/temporal bin/temporal-server bin/temporal-sql-tool bin/temporal-ui-server) ## make the images of deploy/compose.local.yml, for machines without a registry
	$(foreach name,$(LOCAL),deploy/local/$(name)-image.sh marketdata-local/$(name) &&) true

.PHONY: container-test
container-test: ## the database tests against PostgreSQL in a container and nothing else (IMAGE=marketdata-local/postgres)
	MARKETDATA_TEST_DATABASE_URL= MARKETDATA_TEST_POSTGRES_IMAGE=$(IMAGE) $(GO) test -vet=off -count=1 -timeout $(TIMEOUT) -parallel $(PARALLEL) -skip '$(SKIP)' ./db ./db/audit ./db/schema

.PHONY: compose-test
compose-test: bin/docker-compose bin/docker-buildx ## run the stack of containers, attack it, and prove that no bar was lost (needs local-images)
	$(GO) test -vet=off -tags compose -count=1 -v -timeout 40m -run '^TestCompose' ./deploy/

.PHONY: tools
tools: bin/temporal bin/golangci-lint bin/gofumpt bin/workflowcheck bin/actionlint bin/govulncheck bin/gitleaks ## build every tool into bin/

.PHONY: clean
clean: ## remove what was built and measured; the data below .marketdata/ stay
	rm -rf bin dist coverage.out coverage.new coverage.svg

# Each tool is pinned in a module of its own, so that its dependencies never touch the product's.
bin/temporal: tools/temporal/go.mod tools/temporal/go.sum
	@echo "building the Temporal CLI with its server and UI; two to five minutes, once"
	$(call build_tool,temporal,github.com/temporalio/cli/cmd/temporal)

bin/temporal-server: tools/temporal/go.mod tools/temporal/go.sum
	$(call build_tool,temporal,go.temporal.io/server/cmd/server)

bin/temporal-sql-tool: tools/temporal/go.mod tools/temporal/go.sum
	$(call build_tool,temporal,go.temporal.io/server/cmd/tools/sql)

bin/temporal-ui-server: tools/temporal/go.mod tools/temporal/go.sum
	$(call build_tool,temporal,github.com/temporalio/ui-server/v2/cmd/server)

bin/docker-compose: tools/compose/go.mod tools/compose/go.sum
	$(call build_tool,compose,github.com/docker/compose/v2/cmd,-X github.com/docker/compose/v2/internal.Version=$(call version_of,compose,github.com/docker/compose/v2))

bin/docker-buildx: tools/compose/go.mod tools/compose/go.sum
	$(call build_tool,compose,github.com/docker/buildx/cmd/buildx,-X github.com/docker/buildx/version.Version=$(call version_of,compose,github.com/docker/buildx))

bin/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	$(call build_tool,lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint)

bin/gofumpt: tools/lint/go.mod tools/lint/go.sum
	$(call build_tool,lint,mvdan.cc/gofumpt)

bin/workflowcheck: tools/workflowcheck/go.mod tools/workflowcheck/go.sum
	$(call build_tool,workflowcheck,go.temporal.io/sdk/contrib/tools/workflowcheck)

bin/actionlint: tools/actionlint/go.mod tools/actionlint/go.sum
	$(call build_tool,actionlint,github.com/rhysd/actionlint/cmd/actionlint)

bin/govulncheck: tools/vuln/go.mod tools/vuln/go.sum
	$(call build_tool,vuln,golang.org/x/vuln/cmd/govulncheck)

bin/gitleaks: tools/secrets/go.mod tools/secrets/go.sum
	$(call build_tool,secrets,github.com/zricethezav/gitleaks/v8)

bin/delivery: $(wildcard delivery/*.go cmd/delivery/*.go) go.mod
	@mkdir -p bin
	$(GO) build -buildvcs=false -o bin/delivery ./cmd/delivery

# Compose refuses a buildx that does not tell its version.
version_of = $(shell cd tools/$(1) && $(GO) list -m -f '{{.Version}}' $(2))

define build_tool
	@mkdir -p bin
	cd tools/$(1) && CGO_ENABLED=0 $(GO) build -buildvcs=false -ldflags '-s -w $(3)' -o $(CURDIR)/$@ $(2)
	@touch $@
endef
