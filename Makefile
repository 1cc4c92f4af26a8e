# make run    builds the server and the ready-made plugins, and serves them
# make test   runs the tests
# make help   lists all targets
# Every target needs Go 1.26. The first one downloads the Go modules of go.mod. A
# target that needs more says so.

GO      ?= go
PLUGINS := $(filter-out internal,$(notdir $(patsubst %/,%,$(wildcard plugins/*/))))
PLUGINS := $(filter-out build,$(PLUGINS))
WASM    := $(PLUGINS:%=plugins/build/%.wasm)
GUESTS  := $(wildcard testplugins/*.wat testplugins/hostile/*.wat)
CONFORMANCE := $(patsubst %/build,%,$(wildcard testplugins/conformance/*/build))

.PHONY: all build plugins run test hostile lint check-files graph graph-check graph-doc config-doc completions vuln fuzz tools guests conformance conformance-guests projects sdk-test sdk-table client client-deps bench clean help

all: build plugins

## build: build the server, bin/azuhost
build:
	$(GO) build -trimpath -o bin/azuhost ./cmd/azuhost

## plugins: build the ready-made plugins, in plugins/build
plugins: $(WASM)

plugins/build/%.wasm: FORCE
	@mkdir -p plugins/build
	GOOS=wasip1 GOARCH=wasm $(GO) build -buildmode=c-shared -trimpath -ldflags='-s -w' -o $@ ./plugins/$*

## run: serve the ready-made plugins and the playground on http://localhost:4000/
run: build plugins
	./bin/azuhost serve --config plugins/azuhost.yaml --playground

## test: run the tests; TESTFLAGS=-race as in CI
TESTFLAGS ?=
test:
	$(GO) test $(TESTFLAGS) ./...

## hostile: test hostile plugins and the cost of a publication with strict limits (on a quiet machine)
hostile:
	AZUHOST_STRICT=1 $(GO) test -count=1 -run '^TestPublishCost$$' ./cmd/azuhost
	AZUHOST_STRICT=1 $(GO) test -count=1 -timeout 20m -run '^TestHostile$$' ./testplugins/hostile

## check-files: fail if git tracks a file over 500 KB, or a binary that is not a guest of the tests
check-files:
	.ci/check-files

## lint: run all static checks: files, imports, gofmt, vet, staticcheck
lint: check-files graph-check
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'gofmt -w these files'; exit 1; }
	$(GO) vet ./...
	GOOS=wasip1 GOARCH=wasm $(GO) vet ./sdk/go/... ./plugins/...
	$(GO) tool staticcheck ./...

## graph: print which packages import which, by floors (internal/importgraph/floors.go)
graph:
	@$(GO) run ./internal/importgraph

## graph-check: fail if an import points up, or a package is on no floor
graph-check:
	$(GO) run ./internal/importgraph -check docs/ARCHITECTURE.md

## graph-doc: write the list of floors into docs/ARCHITECTURE.md
graph-doc:
	$(GO) run ./internal/importgraph -write docs/ARCHITECTURE.md

## config-doc: write the tables of docs/CONFIG.md
config-doc:
	$(GO) test -count=1 -run '^TestReference$$' ./cmd/azuhost/internal/config -update

## completions: write the completions of the shells into build/completions
completions:
	@rm -rf build/completions && mkdir -p build/completions
	@set -e; for shell in bash zsh fish; do $(GO) run ./cmd/azuhost completion $$shell >build/completions/azuhost.$$shell; done
	@$(GO) run ./cmd/azuhost completion powershell >build/completions/azuhost.ps1

## vuln: check the dependencies for known vulnerabilities (needs a network)
vuln:
	$(GO) tool govulncheck ./...

## fuzz: run every fuzz target for FUZZTIME (30s)
FUZZTIME ?= 30s
fuzz:
	@set -e; $(GO) list -f '{{.Dir}}' ./... | while read -r dir; do \
	  for f in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$dir/*_test.go 2>/dev/null | cut -c6-); do \
	    echo "$$dir $$f"; (cd $$dir && $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) .); \
	  done; \
	done

## tools: install the compilers of guests from npm and PyPI into build/tools; .ci/run installs the others
tools:
	.ci/tools

## guests: rebuild the .wasm files in testplugins from their sources (needs wat2wasm, of wabt, and every guest's compiler)
guests: conformance-guests
	@command -v wat2wasm >/dev/null || { echo 'wat2wasm is missing: install wabt'; exit 1; }
	for f in $(GUESTS); do wat2wasm $$f -o $${f%.wat}.wasm; done
	for f in build/guests/*.wasm; do \
	  if [ $$(wc -c <$$f) -lt 100000 ]; then cp $$f testplugins/conformance/$$(basename $$f .wasm)/guest.wasm; fi; \
	done

## conformance: test every SDK, its fake host and the chat, with guests built from their sources (needs make tools)
conformance: conformance-guests
	AZUHOST_GUESTS=$(CURDIR)/build/guests $(GO) test -count=1 -timeout 10m ./testplugins/conformance ./testplugins/chat ./sdk

conformance-guests:
	@rm -rf build/guests && mkdir -p build/guests
	@set -e; for dir in $(CONFORMANCE); do echo "build $$dir/guest"; $$dir/build $(CURDIR)/build/guests/$$(basename $$dir).wasm; done

## projects: test azuhost new, build, test and dev in every language but TinyGo (needs make tools)
projects:
	AZUHOST_GUESTS=all $(GO) test -count=1 -timeout 10m -run '^TestNewProjects$$' ./cmd/azuhost

## sdk-table: measure the SDKs, and write the table of sdk/README.md (on a quiet machine)
sdk-table:
	@rm -rf build/table && mkdir -p build/table
	AZUHOST_GUESTS=all AZUHOST_ECHOES=$(CURDIR)/build/table $(GO) test -count=1 -run TestReadme ./sdk
	GOOS=wasip1 GOARCH=wasm $(GO) build -buildmode=c-shared -trimpath -ldflags='-s -w' -o build/table/go.wasm ./plugins/echo
	GOOS=wasip1 GOARCH=wasm $(GO) build -buildmode=c-shared -trimpath -ldflags='-s -w' -o build/table/go-chat.wasm ./plugins/chat
	@set -e; for f in sdk/*/examples/chat/build; do $$f $(CURDIR)/build/table/$$(echo $$f | cut -d/ -f2)-chat.wasm; done
	$(GO) run ./cmd/azuhost build -o build/table/js.wasm sdk/js/examples/echo/echo.ts
	AZUHOST_SDK_TABLE=$(CURDIR)/build/table $(GO) test -count=1 -v -run TestSDKTable ./host/internal/plugin

## sdk-test: run the tests of the SDK in Rust, and the conformance tests of the SDKs' fake hosts (needs cargo)
sdk-test:
	@if [ -x /usr/bin/cargo ] && [ -d /usr/lib/rustlib ]; then \
	  PATH=/usr/bin:$$PATH cargo test -q --manifest-path sdk/rust/Cargo.toml --target-dir build/cargo; \
	else \
	  cargo test -q --manifest-path sdk/rust/Cargo.toml --target-dir build/cargo; \
	fi
	$(GO) test -count=1 -run '^TestFakeHosts$$' ./testplugins/conformance

## client: build clients/js/dist from its sources
client: client-deps
	cd clients/js && npm run --silent build

## client-deps: install the npm packages to build and test clients/js (needs npm)
client-deps: clients/js/node_modules/.package-lock.json

clients/js/node_modules/.package-lock.json: clients/js/package.json clients/js/package-lock.json
	cd clients/js && npm ci --ignore-scripts --no-audit --no-fund

## bench: run the benchmarks of the packages
bench:
	$(GO) test -run '^$$' -bench . -benchmem ./host/... ./internal/...

## clean: remove everything that was built
clean:
	rm -rf bin build dist plugins/build

## help: list the targets
help:
	@sed -n 's/^## //p' Makefile

FORCE:
