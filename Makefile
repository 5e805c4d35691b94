# The words of the house. `.ci/run` and the README use the same ones.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
SITE = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
CRATE := engine/native
# pg_query's build reads C headers through libclang: the one from the package index, with the C compiler's own headers.
NATIVE_ENV = LIBCLANG_PATH="$(SITE)/clang/native" BINDGEN_EXTRA_CLANG_ARGS="-I$$($${CC:-cc} -print-file-name=include)"
# Tests of the core ask what it does, not how fast: our own code is compiled for them in half the time, what it stands on as it is.
SOONER := --config 'profile.release.package.sallyport_native.opt-level=1'
RUST_SOURCES := $(shell find $(CRATE)/src $(CRATE)/grammar -type f 2>/dev/null) $(CRATE)/Cargo.toml $(CRATE)/Cargo.lock
SELECT ?= tests
CHECK ?=
AUTOGEN ?=
TARGET ?=
MINUTES ?= 10
# All tests but those of the house, which `check` runs, as two runs at once: one core each (tests/house/test_layout.py holds that no
# folder is left out).
FIRST_HALF := tests/unit tests/e2e --ignore=tests/e2e/bypass --ignore=tests/e2e/identity --ignore=tests/e2e/audit
SECOND_HALF := tests/conformance tests/property tests/fuzz tests/interop tests/e2e/bypass tests/e2e/identity tests/e2e/audit
PYTEST = $(BIN)/python -m pytest -q -m "not long"

# Whatever the caller's environment says: every process that tests start reads the same sources, and errors that are values cost no backtrace.
unexport PYTHONDONTWRITEBYTECODE
export RUST_LIB_BACKTRACE := 0

.PHONY: install build check check-python check-rust test first-half second-half long fuzz bench demo protos format clean help

help: ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.packages: pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer found; set PYTHON=/path/to/python"; exit 3; }
	@command -v cargo >/dev/null || { echo "make: no cargo found; install Rust 1.85 or newer"; exit 3; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	touch $@

$(VENV)/.fuzz: $(VENV)/.packages
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group fuzz
	touch $@

$(VENV)/.native: $(VENV)/.packages $(RUST_SOURCES)
	$(NATIVE_ENV) PIP_QUIET=1 VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --quiet
	touch $@

install: $(VENV)/.native ## a virtual environment with everything, the Rust core built

build: install ## a wheel in dist/
	$(NATIVE_ENV) $(BIN)/maturin build --release --out dist

check: install ## format, lint, types, layers, house rules, Rust
	$(MAKE) --no-print-directory --jobs=2 --keep-going check-python check-rust

check-python:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/stubtest engine._native --ignore-missing-stub
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/house

check-rust:
	cd $(CRATE) && cargo fmt --all --check
	cd $(CRATE) && export $(NATIVE_ENV) && cargo clippy --release --workspace --all-targets -- -D warnings
	cd $(CRATE) && export $(NATIVE_ENV) && cargo test --release --workspace --no-default-features --quiet --lib --tests $(SOONER)

test: install ## every test that takes seconds; SELECT=tests/unit for a part
	$(if $(filter tests,$(SELECT)),$(MAKE) --no-print-directory --jobs=2 --keep-going first-half second-half,$(PYTEST) $(SELECT))

first-half second-half:
	$(PYTEST) -p no:cacheprovider $(if $(filter first-half,$@),$(FIRST_HALF),$(SECOND_HALF))

long: install ## soaks, long fuzzing, hundreds of kills; results in docs/measured/
	$(BIN)/python -m pytest -q -m long -o timeout=7200 -o faulthandler_timeout=7200 $(SELECT)
	$(if $(filter tests,$(SELECT)),$(MAKE) --no-print-directory fuzz)

fuzz: install $(VENV)/.fuzz ## coverage-guided fuzzing, ten minutes a parser; TARGET=sql MINUTES=1 for less
	export $(NATIVE_ENV) && $(BIN)/python -m tests.fuzz.guided $(TARGET) --minutes $(MINUTES)

bench: install ## every promise of bench/budgets.toml, measured
	$(BIN)/python -m bench

demo: install ## a real PostgreSQL behind the gateway, lines to paste; CHECK=1 pastes them itself, ALL=1 shows SSH, HTTP and Kubernetes too, AUTOGEN=1 plays a team of agents
	$(BIN)/sallyport demo $(if $(CHECK),--check,) $(if $(ALL),--all,) $(if $(AUTOGEN),--autogen,)

protos: install ## the generated protobuf files, anew
	$(BIN)/python -m grpc_proto.generate

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd $(CRATE) && cargo fmt --all

clean:
	rm -rf $(VENV) $(CRATE)/target dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
