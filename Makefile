# The policy's module, the local host that runs it, and everything that checks them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

TARGET := wasm32-wasip1
RELEASE := target/$(TARGET)/release
SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock
RUNNER := target/release/policy-runner
RUNNER_SOURCES := $(shell find runner -name '*.rs' -o -name Cargo.toml) Cargo.toml Cargo.lock
WALKTHROUGH := examples/walkthrough


.PHONY: all
all: policy.wasm $(RUNNER)

policy.wasm: $(SOURCES) hack/build-wasm.sh
	./hack/build-wasm.sh
	cp $(RELEASE)/*.wasm policy.wasm

# Kubewarden's metadata and this README, put into the module by kwctl.
annotated-policy.wasm: policy.wasm metadata.yml README.md
	@command -v kwctl >/dev/null || { echo "annotated-policy.wasm needs kwctl: https://docs.kubewarden.io/howtos/install-kwctl"; exit 1; }
	kwctl annotate -m metadata.yml -u README.md -o annotated-policy.wasm policy.wasm

$(RUNNER): $(RUNNER_SOURCES)
	cargo build --release --locked --package policy-runner
	@touch $(RUNNER)

# YADA's pod goes in, the pod with its identity comes out; the article's check is the last line.
.PHONY: run
run: policy.wasm $(RUNNER)
	@$(RUNNER) try --policy policy.wasm --settings $(WALKTHROUGH)/settings.yaml $(WALKTHROUGH)/serviceaccount.yaml $(WALKTHROUGH)/pod.yaml
	@$(RUNNER) try --policy policy.wasm --settings $(WALKTHROUGH)/settings.yaml -o env $(WALKTHROUGH)/serviceaccount.yaml $(WALKTHROUGH)/pod.yaml

.PHONY: fmt
fmt:
	cargo fmt --all -- --check

.PHONY: lint
lint:
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: test
test: fmt lint policy.wasm $(RUNNER)
	cargo test --workspace --locked
	$(MAKE) --no-print-directory conformance
	$(MAKE) --no-print-directory e2e-tests

# The policy against what the azure-workload-identity webhook answered to generated cases. With ORACLE=PROGRAM, CASES=N and
# SEED=N the webhook is asked anew: a program that runs it, cases as JSON lines in, answers as JSON lines out.
CASES ?= 6000
SEED ?= 20261124
.PHONY: conformance
conformance: policy.wasm
	cargo build --release --locked --package conformance
	$(if $(ORACLE),target/release/conformance record --cases $(CASES) --seed $(SEED) $(ORACLE))
	target/release/conformance check

# With kwctl on the PATH this runs the annotated module through it, without through policy-runner.
.PHONY: e2e-tests
e2e-tests: policy.wasm $(RUNNER) $(if $(shell command -v kwctl),annotated-policy.wasm)
	@./hack/need.sh bats bats
	@./hack/need.sh jq jq
	bats e2e.bats

.PHONY: clean
clean:
	cargo clean
	rm -f policy.wasm annotated-policy.wasm
