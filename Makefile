# Each target installs what it needs into .venv and does nothing twice. Only Python >= 3.11 and make are assumed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# The lock files are complete and hashed, so nothing is resolved and nothing unlisted can come in.
INSTALL := install --no-deps --require-hashes --only-binary :all:
PYTEST_ARGS ?=
VITEST ?= 1
# Finds the Node.js that builds the page, and installs the page's packages when they do not match their lock file.
PAGE := $(BIN)/python hatch_build.py
NPM := $(PAGE) --npm
GET_NODE = { $(PAGE) --find-node >/dev/null || \
  { echo "installing Node.js into $(VENV) ..." && $(PIP) $(INSTALL) -r requirements-node.txt; }; }

.DEFAULT_GOAL := help
.PHONY: help install install-dev page page-dev demo demo-kafka up test kill-rounds lint format bench screenshots \
  schemas api-types template lock clean

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
	@SPARK_PAGE=skip $(PIP) install --no-deps --no-build-isolation --no-index -e .
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

page: $(VENV)/.runtime ## Build the page when it is missing or older than its sources
	@$(PAGE) --check 2>/dev/null || { $(GET_NODE) && $(PAGE); }

page-dev: $(VENV)/.runtime ## Install what builds, tests and lints the page: its packages, and a Node.js where none fits
	@$(GET_NODE)
	@$(PAGE) --packages

demo: install page ## Run everything in one process against simulated exchanges
	@exec $(BIN)/spark-portfolio up --demo

demo-kafka: install page ## Run the same on a fresh Apache Kafka, each part as a process (needs Java 17 and Maven)
	@exec $(BIN)/python -m localkafka.demo

up: install page ## Run everything with the keys from .env: in one process, or on Kafka with one for each part
	@exec $(BIN)/spark-portfolio up

test: install-dev page page-dev ## Run all tests (PYTEST_ARGS=... for some; VITEST=0 without those of the page's own code)
	@if [ "$(VITEST)" != 0 ]; then $(NPM) test; fi
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

kill-rounds: install-dev ## Kill random processes at random moments on a real Kafka, then check the history (ROUNDS=50)
	@exec $(BIN)/python -m tests.history.rounds

lint: $(VENV)/.dev page-dev ## Check style, types and the import table
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/unit/test_imports.py
	@$(NPM) --silent run lint
	@$(NPM) --silent run types
	@$(NPM) --silent run api-types -- --check

format: $(VENV)/.dev page-dev ## Bring the code into its form
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .
	@$(NPM) --silent run format

bench: install-dev page ## Measure, as ratios; prints a table and writes benchmarks/results.json
	@$(BIN)/python -m benchmarks

screenshots: install-dev page ## Photograph the page in every state, both languages and both themes
	@$(BIN)/python -m tests.browser.screenshots

schemas: install ## Write the JSON Schemas of all events and the AsyncAPI document
	@$(BIN)/spark-portfolio schemas

OPENAPI := web/src/api/openapi.json
api-types: install page-dev ## Write the page's types of the API from the API's own description
	@$(BIN)/python -c 'from api.openapi import openapi_document as made; print(made().decode())' > $(OPENAPI).new
	@$(BIN)/python -m json.tool --no-ensure-ascii --indent 2 $(OPENAPI).new $(OPENAPI) && rm $(OPENAPI).new
	@$(NPM) --silent run api-types

template: install ## Write .env.template from the settings
	@$(BIN)/spark-portfolio env-template > .env.template

UV := $(BIN)/python -m uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet
lock: $(VENV)/.dev ## Write the lock files anew (needs uv, which it fetches)
	@$(PIP) install uv
	@$(UV) pyproject.toml --extra build -o requirements.txt
	@$(UV) pyproject.toml --extra build --extra dev -c requirements.txt -o requirements-dev.txt
	@$(UV) tests/ccxt/requirements.in -o tests/ccxt/requirements.txt
	@$(PAGE) --requirement | $(UV) - -o requirements-node.txt

clean: ## Remove what was installed and cached (never state or settings)
	@rm -rf $(VENV) $(VENV)-ccxt build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info api/static web/node_modules
