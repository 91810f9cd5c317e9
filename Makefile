# Each target installs what it needs into .venv and does nothing twice. Only Python >= 3.11 and make are assumed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# The lock files are complete and hashed, so nothing is resolved and nothing unlisted can come in.
INSTALL := install --no-deps --require-hashes --only-binary :all:
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo demo-kafka up test kill-rounds lint format types bench schemas template lock clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Spark Portfolio needs Python 3.11 or newer; '$(PYTHON)' is not. Name another: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.python requirements.txt pyproject.toml
	@echo "installing into $(VENV) ..."
	@$(PIP) $(INSTALL) -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.txt
	@echo "installing what tests and lints need ..."
	@$(PIP) $(INSTALL) -r requirements-dev.txt
	@touch $@

# An independent client of the exchanges. It pins its HTTP stack to the patch, so it lives by itself.
$(VENV)-ccxt/.done: tests/ccxt/requirements.txt
	@echo "installing the independent client ..."
	@$(PYTHON) -m venv $(VENV)-ccxt
	@$(VENV)-ccxt/bin/python -m pip --disable-pip-version-check --quiet $(INSTALL) -r tests/ccxt/requirements.txt
	@touch $@

install: $(VENV)/.runtime ## Install the product into .venv

install-dev: $(VENV)/.dev $(VENV)-ccxt/.done ## Install what tests, lints and benchmarks need too

demo: install ## Run everything in one process against simulated exchanges
	@exec $(BIN)/spark-portfolio up --demo

demo-kafka: install ## Run the same on a fresh Apache Kafka, each part as a process (needs Java 17 and Maven)
	@exec $(BIN)/python -m localkafka.demo

up: install ## Run everything with the keys from .env: in one process, or on Kafka with one for each part
	@exec $(BIN)/spark-portfolio up

test: install-dev ## Run all tests (PYTEST_ARGS=... for some)
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

kill-rounds: install-dev ## Kill random processes at random moments on a real Kafka, then check the history (ROUNDS=50)
	@exec $(BIN)/python -m tests.history.rounds

lint: $(VENV)/.dev ## Check style, types and the import table
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/unit/test_imports.py

format: $(VENV)/.dev ## Bring the code into its form
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

bench: install-dev ## Measure, as ratios; prints a table and writes benchmarks/results.json
	@$(BIN)/python -m benchmarks

schemas: install ## Write the JSON Schemas of all events and the AsyncAPI document
	@$(BIN)/spark-portfolio schemas

template: install ## Write .env.template from the settings
	@$(BIN)/spark-portfolio env-template > .env.template

UV := $(BIN)/python -m uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet
lock: $(VENV)/.dev ## Write the lock files anew (needs uv, which it fetches)
	@$(PIP) install uv
	@$(UV) pyproject.toml --extra build -o requirements.txt
	@$(UV) pyproject.toml --extra build --extra dev -c requirements.txt -o requirements-dev.txt
	@$(UV) tests/ccxt/requirements.in -o tests/ccxt/requirements.txt

clean: ## Remove what was installed and cached (never state or settings)
	@rm -rf $(VENV) $(VENV)-ccxt build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
