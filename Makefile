# All set-up happens here; a machine needs Python 3.11 or later and git, nothing else.
# PYTHON counts when the environment is made. For another one beside it: make check PYTHON=python3.13 VENV=.venv-3.13
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NODE_MODULES := compat/apps/node_modules

# One more than there are cores: some tests wait for processes. What is compiled once is kept.
WORKERS = $(shell $(BIN)/python -c 'import os; print((os.cpu_count() or 1) + 1)')
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help serve test check compat bench fuzz

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: $(VENV)/.installed ## Start the server on 127.0.0.1:6379 (ARGS="--port 7000" for another port)
	@echo 'Reach it from another terminal:  redis-cli   or   $(BIN)/respstore ping   or   redis.Redis() in Python'
	@echo '(with -p, --port or port= if ARGS gives another port). Ctrl-C ends it.'
	@exec $(BIN)/respstore serve $(ARGS)

test: $(VENV)/.installed-dev ## Run the tests (needs no server)
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: $(VENV)/.installed-dev ## Format, lint, types and tests: what must hold before a commit
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict
	$(BIN)/python -m pytest -q -n $(WORKERS)

compat: $(VENV)/.installed-compat $(NODE_MODULES)/.installed ## Compare with a real redis-server (LONG=1 for the long run)
	LONG='$(LONG)' $(BIN)/python -m pytest compat -q $(ARGS)

bench: $(VENV)/.installed-compat ## Measure speed and memory beside redis-server, and beside torch's TCPStore (ARGS=--quick)
	$(BIN)/python -m compat.bench $(ARGS)

BUDGET ?= 100000
fuzz: $(VENV)/.installed-dev ## Feed BUDGET hostile inputs to the parser and the session
	$(BIN)/python -m tests.fuzz $(BUDGET)

# The Node libraries that compat/apps runs; without a lock file, for that would name a registry.
$(NODE_MODULES)/.installed: compat/apps/package.json
	@command -v npm >/dev/null || { echo 'npm is missing. On Debian and Ubuntu: apt-get install nodejs npm' >&2; exit 1; }
	npm install --prefix compat/apps --silent --no-audit --no-fund --no-package-lock
	@touch $@

# The environment: made once, installed into again when pyproject.toml changes.

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'respstore needs Python 3.11 or later; choose one with: make PYTHON=python3.11 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo 'This Python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-compat: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,compat]'
	@touch $@ $(VENV)/.installed-dev $(VENV)/.installed
