# The words people and CI use. `make test` is everything that CI runs.

CARGO_TARGET_DIR ?= $(HOME)/.cache/lakegate/target
export CARGO_TARGET_DIR

PYTHON ?= python3
VENV := $(CARGO_TARGET_DIR)/python
MATRIX := $(CARGO_TARGET_DIR)/clients
NODE := $(CARGO_TARGET_DIR)/clients-node
JARS := $(CARGO_TARGET_DIR)/clients-java
# Of the version that the workspace uses, which is in the path so that another one is built.
ARROW_FLIGHT := $(shell sed -n '/^name = "arrow-flight"$$/{n;s/^version = "\(.*\)"$$/\1/p;}' Cargo.lock)
FLIGHT_SQL_CLIENT := $(CARGO_TARGET_DIR)/arrow-flight-$(ARROW_FLIGHT)/bin/flight_sql_client
PYTEST_MATRIX := "$(MATRIX)/bin/python" -m pytest tests/clients
NODE_PACKAGES := $(if $(shell command -v npm),$(NODE)/installed)
NODE_ENVIRONMENT := $(if $(NODE_PACKAGES),LAKEGATE_NODE_MODULES="$(NODE)")
# What the Java client needs of the jars that come with it.
JAR_NAMES := arrow- checker-qual commons-codec failureaccess flatbuffers-java flight- grpc- guava jackson-annotations \
	jackson-core jackson-databind jackson-datatype-jsr310 jsr305 netty- perfmark protobuf-java slf4j-api
# --locked: what was reviewed in Cargo.lock is what is built. Always the whole workspace: a part of it would enable other
# features of shared dependencies and build them all again.
BINARIES := cargo build --locked --workspace

.PHONY: demo test release bench oracle compare mutants abuse fuzz fmt lint format deny clients test-java

demo:
	$(BINARIES)
	deploy/sandbox/demo.sh "$(CARGO_TARGET_DIR)/debug"

# One build is linted, tested and talked to: clippy's driver is the compiler with more lints, and only the workspace's own
# crates go through it. With `cargo clippy` all dependencies would be built a second time for their metadata.
test: export RUSTC_WORKSPACE_WRAPPER := clippy-driver
test: export CLIPPY_ARGS := -Dwarnings
test: format deny
	cargo test --workspace --locked
	$(MAKE) clients

# What is deployed: optimised across crates. For all processors of the architecture, or for some: make release CPU=x86-64-v3
CPU ?=
RELEASE := $(CARGO_TARGET_DIR)$(if $(CPU),/$(CPU))
release:
	$(if $(CPU),RUSTFLAGS="-C target-cpu=$(CPU)" CARGO_TARGET_DIR="$(RELEASE)") \
		cargo build --locked --profile dist --package lakegate-server --package lakegate-client --bin lakegate-server --bin lakegate

# Figures of this machine, each beside peers of the same run; tests/bench/__init__.py says which and how to choose.
bench: $(VENV)/installed-for-bench
	$(BINARIES) --release
	LAKEGATE_BINARIES="$(CARGO_TARGET_DIR)/release" PYTHONPATH=tests "$(VENV)/bin/python" -m bench

# More comparisons of the guard's oracle than `make test` makes: make oracle N=100000 SEED=1000
N ?= 10000
SEED ?= 0
oracle:
	LAKEGATE_ORACLE_COMPARISONS=$(N) LAKEGATE_ORACLE_SEED=$(SEED) cargo test --workspace --locked --test suite -- oracle::

# Random statements, compared with DuckDB's answers: make compare N=100000 SEED=1000
compare: $(VENV)/installed-for-compare
	$(BINARIES)
	"$(VENV)/bin/python" -m pytest -q tests/compare
	LAKEGATE_BINARIES="$(CARGO_TARGET_DIR)/debug" LAKEGATE_COMPARE_STATEMENTS=$(N) LAKEGATE_COMPARE_SEED=$(SEED) \
		PYTHONPATH=tests "$(VENV)/bin/python" -m compare

# Whether the tests of the guard notice a guard that is broken: with each fault of server/src/mutant.rs in turn. `make test`
# does it with some of them.
mutants:
	cargo test --workspace --locked --test suite -- --ignored --nocapture mutants::

# All of what harms nobody; `make test` sends one of three.
abuse:
	LAKEGATE_ABUSE_CASE= cargo test --workspace --locked --test suite -- --nocapture abuse::

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

lint: format deny
	cargo clippy --workspace --all-targets --locked -- -D warnings

format:
	cargo fmt --all --check
	rustfmt --edition 2024 --check tests/fuzz/fuzz_targets/*.rs

deny:
	@if command -v cargo-deny >/dev/null 2>&1; then \
		cargo deny --locked check; \
	else \
		echo "skipped: licences, bans and advisories need cargo-deny (cargo install --locked cargo-deny)"; \
	fi

# Real drivers against the real server and the sandbox, which the conftest.py of each folder starts. Node's part of the matrix
# is skipped, and says so, where there is no npm.
clients: $(VENV)/installed $(MATRIX)/installed $(NODE_PACKAGES) $(FLIGHT_SQL_CLIENT)
	$(BINARIES)
	LAKEGATE_BINARIES="$(CARGO_TARGET_DIR)/debug" "$(VENV)/bin/python" -m pytest tests/python client/python/tests
	LAKEGATE_BINARIES="$(CARGO_TARGET_DIR)/debug" "$(VENV)/bin/python" -m pytest -q client/python/suite
	LAKEGATE_BINARIES="$(CARGO_TARGET_DIR)/debug" LAKEGATE_FLIGHT_SQL_CLIENT="$(FLIGHT_SQL_CLIENT)" \
		$(NODE_ENVIRONMENT) $(PYTEST_MATRIX) -rs
	$(MAKE) compare N=5000

# The Java client's jars are part of a Python package of 251 MB.
test-java: $(MATRIX)/installed $(JARS)/installed
	$(BINARIES)
	LAKEGATE_BINARIES="$(CARGO_TARGET_DIR)/debug" LAKEGATE_JARS="$(JARS)" $(PYTEST_MATRIX)/test_other_languages.py -rs -k java

$(MATRIX)/installed: tests/clients/requirements.txt
	$(PYTHON) -m venv "$(MATRIX)"
	"$(MATRIX)/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/clients/requirements.txt
	touch "$@"

# The command line that arrow-flight brings is no part of a build that merely depends on the crate.
$(FLIGHT_SQL_CLIENT):
	env -u RUSTC_WORKSPACE_WRAPPER cargo install --locked --quiet --debug arrow-flight --version "$(ARROW_FLIGHT)" --features cli,flight-sql,tls-ring \
		--bin flight_sql_client --root "$(CARGO_TARGET_DIR)/arrow-flight-$(ARROW_FLIGHT)"

# Outside of the source tree, and without running anything that a package brings.
$(NODE)/installed: tests/clients/node/package-lock.json
	mkdir -p "$(NODE)"
	cp tests/clients/node/package.json tests/clients/node/package-lock.json "$(NODE)"
	cd "$(NODE)" && npm ci --ignore-scripts --no-audit --no-fund --silent
	touch "$@"

# Only the jars that the client needs stay.
$(JARS)/installed: tests/clients/requirements-java.txt $(MATRIX)/installed
	mkdir -p "$(JARS)"
	"$(MATRIX)/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps -d "$(JARS)" -r tests/clients/requirements-java.txt
	"$(MATRIX)/bin/python" -m zipfile -e "$(JARS)"/deephaven_server-*.whl "$(JARS)/unpacked"
	for name in $(JAR_NAMES); do mv "$(JARS)"/unpacked/deephaven_server/jars/$$name*.jar "$(JARS)"; done
	rm -r "$(JARS)/unpacked" "$(JARS)"/*.whl
	touch "$@"

$(VENV)/installed: tests/python/requirements.txt
	$(PYTHON) -m venv "$(VENV)"
	"$(VENV)/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/python/requirements.txt
	touch "$@"

$(VENV)/installed-for-compare: $(VENV)/installed tests/compare/requirements.txt
	"$(VENV)/bin/python" -m pip install --quiet --disable-pip-version-check -c tests/python/requirements.txt \
		-r tests/compare/requirements.txt
	touch "$@"

# One by one: a peer that this machine cannot have is a line in the table, and is tried again the next time.
$(VENV)/installed-for-bench: $(VENV)/installed tests/bench/requirements.txt
	@missing=; \
	for peer in $$(grep -v '^#' tests/bench/requirements.txt); do \
		"$(VENV)/bin/python" -m pip install --quiet --disable-pip-version-check -c tests/python/requirements.txt "$$peer" \
			|| missing="$$missing $$peer"; \
	done; \
	if [ -z "$$missing" ]; then touch "$@"; else echo "not installed:$$missing"; fi
