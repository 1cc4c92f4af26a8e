# make run    builds the server and the ready-made plugins, and serves them
# make test   passes the tests
# Everything needs Go; other targets say what else they need.

GO      ?= go
PLUGINS := $(filter-out internal,$(notdir $(patsubst %/,%,$(wildcard plugins/*/))))
PLUGINS := $(filter-out build,$(PLUGINS))
WASM    := $(PLUGINS:%=plugins/build/%.wasm)
GUESTS  := $(wildcard testplugins/*.wat testplugins/hostile/*.wat)
CONFORMANCE := $(patsubst %/build,%,$(wildcard testplugins/conformance/*/build))

.PHONY: all build plugins run test hostile lint check-files graph graph-check graph-doc config-doc completions vuln fuzz tools guests conformance conformance-guests projects sdk-test sdk-table client client-deps bench clean help

all: build plugins

## build: the server, in bin/azuhost
build:
	$(GO) build -trimpath -o bin/azuhost ./cmd/azuhost

## plugins: the ready-made plugins, in plugins/build
plugins: $(WASM)

plugins/build/%.wasm: FORCE
	@mkdir -p plugins/build
	GOOS=wasip1 GOARCH=wasm $(GO) build -buildmode=c-shared -trimpath -ldflags='-s -w' -o $@ ./plugins/$*

## run: serve the ready-made plugins and the playground on http://localhost:4000/
run: build plugins
	./bin/azuhost serve --config plugins/azuhost.yaml --playground

## test: the tests; TESTFLAGS=-race as CI has it
TESTFLAGS ?=
test:
	$(GO) test $(TESTFLAGS) ./...

## hostile: hostile plugins, and the cost of a publication, with strict limits (on a quiet machine)
hostile:
	AZUHOST_STRICT=1 $(GO) test -count=1 -run '^TestPublishCost$$' ./cmd/azuhost
	AZUHOST_STRICT=1 $(GO) test -count=1 -timeout 20m -run '^TestHostile$$' ./testplugins/hostile

## check-files: fails where git tracks a file over 500 KB, or a binary that is not a guest of the tests
check-files:
	.ci/check-files

## lint: what CI checks beside the tests
lint: check-files
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'gofmt -w these files'; exit 1; }
	$(GO) vet ./...
	GOOS=wasip1 GOARCH=wasm $(GO) vet ./sdk/go/... ./plugins/...
	$(GO) tool staticcheck ./...

## graph: print which packages import which, by floors (internal/importgraph/floors.go)
graph:
	@$(GO) run ./internal/importgraph

## graph-check: fails where an import points up, or a package is on no floor
graph-check:
	$(GO) run ./internal/importgraph -check docs/ARCHITECTURE.md

## graph-doc: write the list of floors into docs/ARCHITECTURE.md
graph-doc:
	$(GO) run ./internal/importgraph -write docs/ARCHITECTURE.md

## config-doc: write the tables of docs/CONFIG.md
config-doc:
	$(GO) test -count=1 -run '^TestReference$$' ./cmd/azuhost/internal/config -update

## completions: the shells' completions, in build/completions
completions:
	@rm -rf build/completions && mkdir -p build/completions
	@set -e; for shell in bash zsh fish; do $(GO) run ./cmd/azuhost completion $$shell >build/completions/azuhost.$$shell; done
	@$(GO) run ./cmd/azuhost completion powershell >build/completions/azuhost.ps1

## vuln: known vulnerabilities in what is used
vuln:
	$(GO) tool govulncheck ./...

## fuzz: every fuzz target for FUZZTIME (30s)
FUZZTIME ?= 30s
fuzz:
	@set -e; $(GO) list -f '{{.Dir}}' ./... | while read -r dir; do \
	  for f in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$dir/*_test.go 2>/dev/null | cut -c6-); do \
	    echo "$$dir $$f"; (cd $$dir && $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) .); \
	  done; \
	done

## tools: the compilers of guests that npm and PyPI have, in build/tools; the others are in .ci/run
tools:
	.ci/tools

## guests: rebuild the .wasm files in testplugins from their sources (needs wat2wasm, of wabt, and every guest's compiler)
guests: conformance-guests
	@command -v wat2wasm >/dev/null || { echo 'wat2wasm is missing: install wabt'; exit 1; }
	for f in $(GUESTS); do wat2wasm $$f -o $${f%.wat}.wasm; done
	for f in build/guests/*.wasm; do \
	  if [ $$(wc -c <$$f) -lt 100000 ]; then cp $$f testplugins/conformance/$$(basename $$f .wasm)/guest.wasm; fi; \
	done

## conformance: the behaviours and the chat in every language, with guests built from their sources
conformance: conformance-guests
	AZUHOST_GUESTS=$(CURDIR)/build/guests $(GO) test -count=1 -timeout 10m ./testplugins/conformance ./testplugins/chat ./sdk

conformance-guests:
	@rm -rf build/guests && mkdir -p build/guests
	@set -e; for dir in $(CONFORMANCE); do echo "build $$dir/guest"; $$dir/build $(CURDIR)/build/guests/$$(basename $$dir).wasm; done

## projects: azuhost new, build, test and dev in every language; what is missing, but TinyGo, fails (needs make tools)
projects:
	AZUHOST_GUESTS=all $(GO) test -count=1 -timeout 10m -run '^TestNewProjects$$' ./cmd/azuhost

## sdk-table: measure what the SDKs make, and write the table of sdk/README.md (on a quiet machine)
sdk-table:
	@rm -rf build/table && mkdir -p build/table
	AZUHOST_GUESTS=all AZUHOST_ECHOES=$(CURDIR)/build/table $(GO) test -count=1 -run TestReadme ./sdk
	GOOS=wasip1 GOARCH=wasm $(GO) build -buildmode=c-shared -trimpath -ldflags='-s -w' -o build/table/go.wasm ./plugins/echo
	GOOS=wasip1 GOARCH=wasm $(GO) build -buildmode=c-shared -trimpath -ldflags='-s -w' -o build/table/go-chat.wasm ./plugins/chat
	@set -e; for f in sdk/*/examples/chat/build; do $$f $(CURDIR)/build/table/$$(echo $$f | cut -d/ -f2)-chat.wasm; done
	build/azuhost build -o build/table/js.wasm sdk/js/examples/echo/echo.ts
	AZUHOST_SDK_TABLE=$(CURDIR)/build/table $(GO) test -count=1 -v -run TestSDKTable ./host/internal/plugin

## sdk-test: the tests that SDKs have in their own languages (needs cargo)
sdk-test:
	@if [ -x /usr/bin/cargo ] && [ -d /usr/lib/rustlib ]; then \
	  PATH=/usr/bin:$$PATH cargo test -q --manifest-path sdk/rust/Cargo.toml --target-dir build/cargo; \
	else \
	  cargo test -q --manifest-path sdk/rust/Cargo.toml --target-dir build/cargo; \
	fi

## client: build clients/js/dist from its sources
client: client-deps
	cd clients/js && npm run --silent build

## client-deps: what building and testing clients/js needs (needs npm)
client-deps: clients/js/node_modules/.package-lock.json

clients/js/node_modules/.package-lock.json: clients/js/package.json clients/js/package-lock.json
	cd clients/js && npm ci --ignore-scripts --no-audit --no-fund

## bench: benchmarks of the packages
bench:
	$(GO) test -run '^$$' -bench . -benchmem ./host/...

clean:
	rm -rf bin build plugins/build

help:
	@sed -n 's/^## //p' Makefile

FORCE:
