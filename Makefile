# `make` lists what can be done. All of it happens in .venv, which is made when it is first needed.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip -qq --disable-pip-version-check
DEMO = $(BIN)/zoapets demo $(if $(PORT),--port $(PORT)) $(if $(SIZE),--size $(SIZE))
COMPILE = pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
  --no-annotate $(if $(UPGRADE),--upgrade)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo demo-reset serve test proofs coverage mutants bench check format formatted lint types contracts \
  migration lock wheel clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.runtime ## a whole installation with made-up hospitals, on this machine (PORT=3000 SIZE=bench)
	@$(DEMO)

demo-reset: .venv/.runtime ## the same from the beginning: what was done in it is forgotten
	@$(DEMO) --reset

serve: .venv/.runtime ## serve the API, configured by the environment (see .env.example)
	@$(BIN)/zoapets serve

test: .venv/.dev ## the whole suite, on a PostgreSQL and a Valkey of its own (ARGS=tests/tenancy)
	@$(BIN)/pytest -n 2 --dist worksteal $(ARGS)

proofs: .venv/.dev ## the whole of tests/proofs, with a report in .proofs (ARGS=tests/proofs/access)
	@$(BIN)/python -m tests.proofs $(ARGS)

coverage: .venv/.dev ## the suite, with its branches counted: all of core and of every rules.py, 95 % of the rest
	@$(BIN)/pytest -q -n 2 --dist worksteal --cov --cov-report= $(ARGS)
	@$(BIN)/coverage report --include='src/zoapets/core/*,*/rules.py' --fail-under=100
	@$(BIN)/coverage report --omit='src/zoapets/core/*,*/rules.py' --fail-under=95

mutants: .venv/.dev ## small changes to tenancy, sign-in and the rules of doses that no test notices (ARGS="--every 5 tokens")
	@$(BIN)/python -m tools.mutants $(ARGS)

bench: .venv/.runtime ## measure, in under 15 minutes, with a report in .bench (ONLY="limit rows" QUICK=1)
	@$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick)

check: formatted lint types contracts test ## all that must hold before a change is taken; what .ci/run runs

format: .venv/.dev ## write the code as the formatter would
	@$(BIN)/ruff format .

formatted: .venv/.dev
	@$(BIN)/ruff format --check --quiet . || { echo "Run: make format"; exit 1; }

lint: .venv/.dev ## ruff, with every rule that pyproject.toml does not give a reason against
	@$(BIN)/ruff check --quiet .

types: .venv/.dev ## mypy --strict
	@$(BIN)/mypy src tests tools benchmarks

contracts: .venv/.dev ## which part may import which (import-linter)
	@$(BIN)/lint-imports --no-logo

migration: .venv/.dev ## write the migration that the entities ask for (NAME=add_x)
	@$(BIN)/python -m tools.migration "$(NAME)"

lock: ## pin the dependencies anew, with a uv that is fetched for the moment (UPGRADE=1 takes newer ones)
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && set -e && \
	$(PYTHON) -m venv "$$tools" && "$$tools/bin/pip" --quiet --disable-pip-version-check install uv && \
	export UV_NO_CONFIG=1 && unset PIP_FIND_LINKS && \
	"$$tools/bin/uv" $(COMPILE) --extra build -o requirements.lock pyproject.toml && \
	"$$tools/bin/uv" $(COMPILE) --extra dev -o requirements-dev.lock pyproject.toml && \
	$(PYTHON) tools/lock.py stamp

wheel: .venv/.dev ## dist/zoapets-*.whl
	@$(BIN)/python -m build --wheel --no-isolation

clean: ## remove what was made here, but no data
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
	find src tests tools benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Python 3.11 or later is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing into .venv (once, about half a minute)"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# The developers' lock holds all of the other one.
.venv/.dev: requirements-dev.lock requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing into .venv, with the developers' tools (once, about a minute)"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch .venv/.runtime $@
