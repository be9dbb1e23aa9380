# The words people and CI use. `make test` is everything that CI runs.

CARGO_TARGET_DIR ?= $(HOME)/.cache/lakegate/target
export CARGO_TARGET_DIR

PYTHON ?= python3
VENV := $(CARGO_TARGET_DIR)/python
# --locked: what was reviewed in Cargo.lock is what is built. Always the whole workspace: a part of it would enable other
# features of shared dependencies and build them all again.
BINARIES := cargo build --locked --workspace

.PHONY: demo test bench oracle fuzz fmt lint deny clients

demo:
	$(BINARIES) --profile demo
	deploy/sandbox/demo.sh "$(CARGO_TARGET_DIR)/demo"

test: lint
	cargo test --workspace --locked
	$(MAKE) clients

# Figures of this machine, each beside peers of the same run; tests/bench/__init__.py says which and how to choose.
bench: $(VENV)/installed-for-bench
	$(BINARIES) --release
	LAKEGATE_BINARIES="$(CARGO_TARGET_DIR)/release" PYTHONPATH=tests "$(VENV)/bin/python" -m bench

# More comparisons of the guard's oracle than `make test` makes: make oracle N=100000 SEED=1000
N ?= 10000
SEED ?= 0
oracle:
	LAKEGATE_ORACLE_COMPARISONS=$(N) LAKEGATE_ORACLE_SEED=$(SEED) cargo test --workspace --locked --test suite -- oracle::

# One fuzz target under libFuzzer: make fuzz TARGET=row_filter SECONDS=600. What it finds on its way stays with the build
# output, and is where the next run goes on. The versions are the server's own, from its lock file. Without a sanitizer:
# the server has no unsafe code of its own, and all of DataFusion is instrumented as it is.
TARGET ?= row_filter
SECONDS ?= 60
FUZZED := $(CARGO_TARGET_DIR)/fuzz
fuzz:
	@cargo +nightly fuzz --version >/dev/null 2>&1 || { \
		echo "needs the nightly compiler and cargo-fuzz:"; \
		echo "  rustup toolchain install nightly --profile minimal && cargo install --locked cargo-fuzz"; exit 1; }
	cp Cargo.lock tests/fuzz/Cargo.lock
	mkdir -p "$(FUZZED)/found/$(TARGET)"
	cargo +nightly fuzz run --fuzz-dir tests/fuzz --target-dir "$(FUZZED)" --sanitizer none $(TARGET) \
		"$(FUZZED)/found/$(TARGET)" tests/fuzz/corpus/$(TARGET) -- \
		-max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=4096 -max_len=8192

fmt:
	cargo fmt --all
	rustfmt --edition 2024 tests/fuzz/fuzz_targets/*.rs

lint:
	cargo fmt --all --check
	rustfmt --edition 2024 --check tests/fuzz/fuzz_targets/*.rs
	cargo clippy --workspace --all-targets --locked -- -D warnings
	$(MAKE) deny

deny:
	@if command -v cargo-deny >/dev/null 2>&1; then \
		cargo deny --locked check; \
	else \
		echo "skipped: licences, bans and advisories need cargo-deny (cargo install --locked cargo-deny)"; \
	fi

# Real drivers against the real server and the sandbox, all three started by tests/python/conftest.py.
clients: $(VENV)/installed
	$(BINARIES)
	LAKEGATE_BINARIES="$(CARGO_TARGET_DIR)/debug" "$(VENV)/bin/python" -m pytest tests/python client/python/tests

$(VENV)/installed: tests/python/requirements.txt
	$(PYTHON) -m venv "$(VENV)"
	"$(VENV)/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/python/requirements.txt
	touch "$@"

# One by one: a peer that this machine cannot have is a line in the table, and is tried again the next time.
$(VENV)/installed-for-bench: $(VENV)/installed tests/bench/requirements.txt
	@missing=; \
	for peer in $$(grep -v '^#' tests/bench/requirements.txt); do \
		"$(VENV)/bin/python" -m pip install --quiet --disable-pip-version-check -c tests/python/requirements.txt "$$peer" \
			|| missing="$$missing $$peer"; \
	done; \
	if [ -z "$$missing" ]; then touch "$@"; else echo "not installed:$$missing"; fi
