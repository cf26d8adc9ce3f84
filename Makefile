# The policy's module, the local host that runs it, and everything that checks them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

TARGET := wasm32-wasip1
RELEASE := target/$(TARGET)/release
SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock
# Native builds share one profile (Cargo.toml).
CARGO_FLAGS := --profile host --locked
RUNNER := target/host/azwi-policy
RUNNER_SOURCES := $(shell find check runner -name '*.rs' -o -name Cargo.toml) docs/check.md docs/troubleshooting.md Cargo.toml Cargo.lock
WALKTHROUGH := examples/walkthrough


.PHONY: all
all: policy.wasm $(RUNNER)

policy.wasm: $(SOURCES) hack/build-wasm.sh hack/optimize-wasm.sh
	./hack/build-wasm.sh
	./hack/optimize-wasm.sh $(RELEASE)/azure_workload_identity_policy.wasm policy.wasm

# Kubewarden's metadata and this README, put into the module by kwctl.
annotated-policy.wasm: policy.wasm metadata.yml README.md
	@command -v kwctl >/dev/null || { echo "annotated-policy.wasm needs kwctl: https://docs.kubewarden.io/howtos/install-kwctl"; exit 1; }
	# Kubewarden's release workflow makes policy.wasm itself, without wasm-opt: here it is optimised in any case.
	@mkdir -p target
	if command -v wasm-opt >/dev/null; then ./hack/optimize-wasm.sh policy.wasm target/optimized.wasm; else cp policy.wasm target/optimized.wasm; fi
	kwctl annotate -m metadata.yml -u README.md -o annotated-policy.wasm target/optimized.wasm

$(RUNNER): $(RUNNER_SOURCES)
	# With the features that the whole workspace wants, so that `make test` does not compile wasmtime again.
	cargo build $(CARGO_FLAGS) --workspace --bin azwi-policy
	@touch $(RUNNER)

# YADA's pod goes in, the pod with its identity comes out; the article's check is the last line.
.PHONY: run
run: policy.wasm $(RUNNER)
	@$(RUNNER) check --policy policy.wasm --settings $(WALKTHROUGH)/settings.yaml $(WALKTHROUGH)/serviceaccount.yaml $(WALKTHROUGH)/pod.yaml
	@$(RUNNER) check --policy policy.wasm --settings $(WALKTHROUGH)/settings.yaml -o env $(WALKTHROUGH)/serviceaccount.yaml $(WALKTHROUGH)/pod.yaml

.PHONY: fmt
fmt:
	cargo fmt --all -- --check

.PHONY: lint
lint:
	cargo clippy --workspace --all-targets $(CARGO_FLAGS) -- -D warnings

.PHONY: test
test: fmt
	@./hack/need.sh jq jq
	rm -rf target/summary
	# What is fetched and what is compiled, beside each other.
	$(MAKE) --no-print-directory --jobs=2 --output-sync policy.wasm tools
	$(MAKE) --no-print-directory lint
	# All at once: built package by package, wasmtime would be compiled a second time, with other features.
	cargo build --workspace --all-targets $(CARGO_FLAGS)
	@touch $(RUNNER) $(CONFORMANCE)
	$(MAKE) --no-print-directory manifests workflows scripts
	cargo test --workspace $(CARGO_FLAGS)
	$(MAKE) --no-print-directory conformance
	$(MAKE) --no-print-directory budgets
	$(MAKE) --no-print-directory fuzz TIME=20
	$(MAKE) --no-print-directory e2e-tests
	# Both wait more than they work.
	$(MAKE) --no-print-directory --jobs=2 --output-sync e2e-sdk playground-test
	@$(CONFORMANCE) summary

# What a cluster gets of deploy/: the base and each overlay, rendered, for the tests to read. kustomize is built from its Go
# module; where there is no Go, only the files themselves are read.
OVERLAYS := base overlays/default-policy-server overlays/webhook-scope overlays/monitor overlays/fallback
.PHONY: manifests
manifests: $(if $(shell command -v go),target/bin/kustomize) $(RUNNER)
	@rm -rf target/manifests target/deploy && cp -r deploy target/deploy
	@# What a user does: the tenant, and the fallback made from it.
	sed -i.as-it-stands 's/REPLACE_WITH_YOUR_TENANT_ID/2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1/' target/deploy/base/policy.yaml
	$(RUNNER) fallback --settings target/deploy/base/policy.yaml > target/deploy/overlays/fallback/fallback.yaml
	$(if $(shell command -v go),mkdir -p target/manifests && for overlay in $(OVERLAYS); do \
	  target/bin/kustomize build "target/deploy/$$overlay" > "target/manifests/$$(basename "$$overlay").yaml"; done)

target/bin/kustomize:
	GOBIN=$(CURDIR)/target/bin go install sigs.k8s.io/kustomize/kustomize/v5@v5.7.1

# GitHub's workflows, by actionlint, built from its Go module.
.PHONY: workflows
workflows: $(if $(shell command -v go),target/bin/actionlint)
	$(if $(shell command -v go),target/bin/actionlint,@echo "no Go here: the workflows were not checked")

target/bin/actionlint:
	GOBIN=$(CURDIR)/target/bin go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.7

# The shell scripts.
.PHONY: scripts
scripts:
	@./hack/need.sh shellcheck shellcheck
	shellcheck deploy/late/register.sh examples/aks/setup.sh e2e/cluster/run.sh e2e/sdk/run.sh hack/*.sh .ci/run

# The policy against the azure-workload-identity webhook: with layout Fixed against version 1.6.0 itself, which is built from its Go
# module (CASES generated pods from SEED on), and with the default layout against what the webhook of today answered once
# (tests/recorded). Then both and others in any order, and Kubernetes' own validation of what comes out.
CASES ?= 6000
PASSES ?= 4000
PODS ?= 20000
SEED ?= 20261124
ORACLE := target/oracle
KUBERNETES := target/kubernetes
CONFORMANCE := target/host/conformance
.PHONY: conformance
conformance: policy.wasm $(CONFORMANCE) $(if $(shell command -v go),$(ORACLE) $(KUBERNETES))
	$(CONFORMANCE) recorded
	$(if $(shell command -v go),\
	  $(CONFORMANCE) live $(ORACLE) --cases $(CASES) --seed $(SEED) \
	    && $(CONFORMANCE) passes $(ORACLE) --kubernetes $(KUBERNETES) --cases $(PASSES) \
	    && $(CONFORMANCE) valid $(KUBERNETES) --cases $(PODS) \
	    && $(CONFORMANCE) conditions $(KUBERNETES) \
	    && $(CONFORMANCE) fallback $(KUBERNETES) \
	    && $(CONFORMANCE) yaml $(KUBERNETES),\
	  for check in conformance passes validity conditions fallback yaml; do $(CONFORMANCE) skipped "$$check" "no Go here to build the webhook and Kubernetes with"; done)

$(ORACLE): $(shell find conformance/oracle -type f)
	cd conformance/oracle && go vet ./... && go build -o ../../$(ORACLE) .

# Kubernetes' own defaulting, validation and CEL, from its Go module.
$(KUBERNETES): $(shell find conformance/kubernetes -type f)
	cd conformance/kubernetes && go vet ./... && go build -o ../../$(KUBERNETES) .

$(CONFORMANCE): $(shell find conformance/src check/src runner/src -name '*.rs') conformance/Cargo.toml runner/Cargo.toml Cargo.lock
	cargo build $(CARGO_FLAGS) --workspace --bin conformance
	@touch $(CONFORMANCE)

# What the tests need that cargo does not build with the workspace.
.PHONY: tools cargo-fuzz
tools: cargo-fuzz $(if $(shell command -v go),target/bin/kustomize target/bin/actionlint $(ORACLE) $(KUBERNETES))

cargo-fuzz:
	@command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --locked --quiet --debug

# Coverage-guided fuzzing, natively, for TIME seconds with each target: JSON is mutated as JSON. What it finds new goes to
# fuzz/corpus, which begins as what hours of it have found (corpus.tar.gz), a crash to fuzz/artifacts.
# cargo-fuzz is installed where it is missing; no nightly compiler is needed.
TIME ?= 60
FUZZ_TARGETS := sequences validate validate_settings
.PHONY: fuzz
fuzz: $(CONFORMANCE) cargo-fuzz
	$(CONFORMANCE) seeds target/seeds/validate
	cd fuzz && { [ -d corpus ] || tar -xzf corpus.tar.gz; } && for target in $(FUZZ_TARGETS); do \
	  mkdir -p "corpus/$$target" "../target/seeds/$$target"; \
	  cargo fuzz run --sanitizer none "$$target" "corpus/$$target" "seeds/$$target" "../target/seeds/$$target" -- \
	    -max_total_time=$(TIME) -max_len=20000 -print_final_stats=1 2>&1 | tee "../target/fuzz-$$target.log" | grep -E '^(Done|stat::|SUMMARY|==)'; \
	done
	$(CONFORMANCE) fuzzed $(FUZZ_TARGETS:%=target/fuzz-%.log)

# Changes that the tests must notice, one by one (tests/mutants.txt): some ten seconds each.
.PHONY: mutants
mutants: policy.wasm $(RUNNER)
	./hack/mutants.sh

# The article's test: unmodified Azure SDKs (Python, and JavaScript, Go and Java where they are) in the pod that the policy
# made, against an issuer, Microsoft Entra and Key Vault on loopback.
.PHONY: e2e-sdk
e2e-sdk: policy.wasm $(RUNNER)
	./e2e/sdk/run.sh -s

# What judges manifests, for the page in the browser: the crate check as a module.
target/engine.wasm: $(shell find check playground/engine -name '*.rs' -o -name Cargo.toml) Cargo.toml Cargo.lock hack/build-wasm.sh hack/optimize-wasm.sh
	./hack/build-wasm.sh engine
	./hack/optimize-wasm.sh $(RELEASE)/engine.wasm target/engine.wasm

# The policy in the browser: a folder that any static host serves, and that opens from disk.
PLAYGROUND := playground/dist/index.html
.PHONY: playground playground-serve playground-test
playground: $(PLAYGROUND)
$(PLAYGROUND): policy.wasm target/engine.wasm questions-ui.yml $(wildcard examples/*/*.yaml) \
    $(shell find playground -path '*/node_modules' -prune -o -path '*/dist' -prune -o -type f -print)
	@command -v npm >/dev/null || { echo "The playground needs Node.js with npm: https://nodejs.org"; exit 1; }
	cd playground && npm ci --no-audit --no-fund --silent && npm run --silent build

playground-serve: playground
	cd playground && npm run --silent serve -- --open

# In a real browser, and against azwi-policy.
playground-test: $(RUNNER) $(CONFORMANCE) $(if $(shell command -v npm),$(PLAYGROUND))
	-@./hack/need.sh chromium chromium
	$(if $(shell command -v npm),@mkdir -p target/summary; cd playground && { node --test test/*.test.mjs > ../target/playground.log 2>&1 || { cat ../target/playground.log; exit 1; }; } \
	  && sed -nE 's/^# +(an edit.*|a megabyte.*|[0-9]+ (files|examples|objects).*|pass [0-9]+|skipped [0-9]+)$$/\1/p' ../target/playground.log > ../target/summary/playground \
	  && cat ../target/summary/playground,$(CONFORMANCE) skipped playground "no npm here")

# The README's picture of the playground, as its tests have it.
docs/playground.png: playground-test
	cp target/playground/walkthrough.png docs/playground.png

# The floor that costs are set against: a policy that only reads the request, built in the same way.
noop.wasm: $(shell find benches/noop -type f) Cargo.toml Cargo.lock hack/build-wasm.sh
	./hack/build-wasm.sh noop-policy target/noop
	./hack/optimize-wasm.sh target/noop/$(TARGET)/release/noop_policy.wasm noop.wasm

BUDGETS := benches/budgets.txt
# What the policy costs, beside the floor and (with Go) the webhook; fails where a budget or a ratio is missed.
.PHONY: bench
bench: policy.wasm noop.wasm target/engine.wasm $(if $(shell command -v go),$(ORACLE))
	cargo build --profile measured --locked --package azwi-policy
	target/measured/azwi-policy bench --against noop.wasm --threads 2 --budgets $(BUDGETS) $(if $(shell command -v go),--webhook $(ORACLE))
	target/measured/azwi-policy bench --engine target/engine.wasm

# The counted figures alone, which are the same at every run; and every two things that a request can repeat or lengthen, together:
# how cost grows, and the ceilings of the PAIRS that cost most (0: of all, half an hour).
PAIRS ?= 24
.PHONY: budgets
budgets: policy.wasm target/engine.wasm $(RUNNER) $(CONFORMANCE)
	@$(RUNNER) bench --count --budgets $(BUDGETS) -o budgets > target/counted.txt
	@$(RUNNER) bench --pairs $(PAIRS)
	@$(RUNNER) bench --count --engine target/engine.wasm
	@$(CONFORMANCE) within-budgets $(BUDGETS)

# The README's picture of what `make run` prints.
docs/run.svg: policy.wasm $(RUNNER) $(CONFORMANCE) $(wildcard $(WALKTHROUGH)/*.yaml)
	CLICOLOR_FORCE=1 $(RUNNER) check --settings $(WALKTHROUGH)/settings.yaml $(WALKTHROUGH)/serviceaccount.yaml $(WALKTHROUGH)/pod.yaml \
	  | $(CONFORMANCE) picture "make run" > docs/run.svg

docs/cost.svg: policy.wasm $(RUNNER)
	$(RUNNER) bench --count --plot docs/cost.svg -o budgets > target/counted.txt

# Advisories (where the database can be had), licences, sources and duplicate versions; deny.toml has the exceptions.
.PHONY: deny
deny:
	@command -v cargo-deny >/dev/null || cargo install cargo-deny --locked --quiet
	cargo deny --locked check --hide-inclusion-graph bans licenses sources
	@test -z "$$(cargo tree --locked --package azure-workload-identity-policy --edges normal,no-proc-macro --duplicates --target wasm32-wasip1)" \
	  || { echo "the module has crates in two versions:"; cargo tree --locked --package azure-workload-identity-policy --edges normal,no-proc-macro --duplicates --target wasm32-wasip1; exit 1; }
	cargo deny --locked check --hide-inclusion-graph advisories || echo "advisories were not checked, or there are some: see above"

# Puts the annotated module into a registry: make push REGISTRY=ghcr.io/owner/policies [TAG=v0.1.0] [KWCTL_FLAGS=…]
TAG ?= v$(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
.PHONY: push
push: annotated-policy.wasm
	@test -n "$(REGISTRY)" || { echo "say where: make push REGISTRY=ghcr.io/owner/policies"; exit 1; }
	kwctl push $(KWCTL_FLAGS) annotated-policy.wasm registry://$(REGISTRY)/azure-workload-identity:$(TAG)

# Artifact Hub's form of metadata.yml, by kwctl; its date changes each time.
.PHONY: artifacthub-pkg
artifacthub-pkg:
	kwctl scaffold artifacthub --metadata-path metadata.yml --questions-path questions-ui.yml > artifacthub-pkg.yml

# With kwctl on the PATH this runs the annotated module through it, and without kwctl through azwi-policy.
.PHONY: e2e-tests
e2e-tests: policy.wasm $(RUNNER) $(if $(shell command -v kwctl),annotated-policy.wasm)
	@./hack/need.sh bats bats
	@./hack/need.sh jq jq
	bats e2e.bats

.PHONY: clean
clean:
	cargo clean
	rm -f policy.wasm annotated-policy.wasm noop.wasm
