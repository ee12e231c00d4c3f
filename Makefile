# Every target sets up what it needs: a fresh machine with Python >= 3.11 and make is enough.
# `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The versions of Python that the project supports, the newest first; pyproject.toml names the same.
SUPPORTED := 3.14 3.13 3.12 3.11
# Whether an interpreter is one of them and can make an environment: Debian's own lacks ensurepip until python3-venv is
# installed, and a name on the path may be a shim that runs nothing.
WILL_DO := -c 'import ensurepip, sqlite3, ssl, sys, venv; sys.exit("%d.%d" % sys.version_info[:2] not in "$(SUPPORTED)".split())'
# The newest that this machine has; `make PYTHON=/path/to/python3 test` chooses another.
PYTHON ?= $(shell for p in $(SUPPORTED:%=python%) python3; do \
	if $$p $(WILL_DO) >/dev/null 2>&1; then echo $$p; break; fi; done)
VENV := .venv
BIN := $(VENV)/bin
ENV := $(VENV)/.ready
DOCS_ENV := .build/docs-env/.ready
MUTATION_ENV := .build/mutation-env/.ready

# Two workers on two cores; pytest-xdist's `auto` would count cores that a container does not have.
WORKERS ?= 2

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(ENV): requirements/dev.txt pyproject.toml
	@if [ -z "$(PYTHON)" ]; then echo "paydown needs one of Python $(SUPPORTED), with its modules venv, ensurepip, sqlite3 and ssl" \
	"(python3-venv on Debian): install one, or say make PYTHON=/path/to/python3" >&2; exit 1; fi
	@echo "Setting up $(VENV) with $$($(PYTHON) --version) (about a minute, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: setup
setup: $(ENV) ## Make the environment .venv

.PHONY: demo
demo: $(ENV) ## Start the sandbox, repay a debt, lose an answer and settle it: 20 seconds
	@$(BIN)/python examples/demo.py

.PHONY: test
test: check ## Everything: lint, types, drift, layers, unit, generator, sandbox and contract tests
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not interop and not deep"

# The parts that take too long for every change, each bounded and with a fixed seed: half an hour on two cores.
.PHONY: deep
deep: $(ENV) ## What CI runs after `make test`: recipes, interop, the whole contract suite, some chaos, a sample of mutants
	@echo "the recipes of CONTRIBUTING.md"; $(BIN)/python -m pytest -q tests/recipes -m deep
	@echo "clients of others"; $(BIN)/python -m pytest -q tests/interop -m interop
	@echo "the whole contract suite"; PAYDOWN_CONTRACT_SEED=1 $(MAKE) --no-print-directory contract
	@echo "8,000 repayments in disorder"; $(BIN)/python -m tests.chaos --workers $(WORKERS) --repayments 8000 --seed 1
	@echo "twenty wrong ideas"; $(MAKE) --no-print-directory mutants IDEAS=20

# Each in an environment of its own, where the interpreter is on the path. All are tried before one that failed is named.
.PHONY: test-all
test-all: ## The same on every supported Python that this machine has, and which ones it has not
	@passed=; failed=; absent=; \
	for version in $(SUPPORTED); do \
		if ! python$$version $(WILL_DO) >/dev/null 2>&1; then absent="$$absent $$version"; continue; fi; \
		echo "Python $$version"; \
		if $(MAKE) --no-print-directory test PYTHON=python$$version VENV=.build/envs/$$version; \
		then passed="$$passed $$version"; else failed="$$failed $$version"; fi; \
	done; \
	echo "passed:$${passed:- none}; failed:$${failed:- none}; not on this machine:$${absent:- none}"; \
	test -n "$$passed" && test -z "$$failed"

.PHONY: check
check: $(ENV) ## Lint, types (mypy, pyright), drift of generated code
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/python -m generator --check
	@$(BIN)/mypy --no-error-summary
	@found=$$($(BIN)/pyright --warnings --pythonpath $(BIN)/python) || { echo "$$found"; exit 1; }

.PHONY: generate
generate: $(ENV) ## Write generated_client/ anew from openapi/ and say what changed
	@$(BIN)/python -m generator

.PHONY: api-diff
api-diff: $(ENV) ## Say what the edits of openapi/ since the last commit change for users
	@$(BIN)/python -m generator diff

.PHONY: api-guard
api-guard: $(ENV) ## Compare the public Python names with the last tag, and name what breaks
	@tag=$$(git describe --tags --abbrev=0 2>/dev/null || true); \
	if [ -z "$$tag" ]; then echo "no tag yet: nothing is promised that could break"; else \
	$(BIN)/griffe check paydown -s src -s generated_client --against $$tag && \
	$(BIN)/griffe check paydown_wire -s generated_client --against $$tag; fi

# The report is written to reports/contract/; a seed that failed is tried again with PAYDOWN_CONTRACT_SEED=… make contract.
# Behind the suite come the parts' own checks: a change of a clock, a book or a template fails here as well.
CONTRACT = PAYDOWN_CONTRACT_REPORT=reports/contract $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal \
	tests/contract tests/client tests/sandbox tests/generator tests/faults tests/repay

.PHONY: contract
contract: export PAYDOWN_CONTRACT_PROFILE ?= full
contract: $(ENV) ## Hold document, client, sandbox and evidence to each other, and write reports/contract/
	@$(CONTRACT) -q -m "not deep"

.PHONY: contract-deep
contract-deep: export PAYDOWN_CONTRACT_PROFILE = deep
contract-deep: $(ENV) ## The same for hours, for nights; what it finds is kept in .build/contract-examples and tried first
	@$(CONTRACT) -q

.PHONY: soak
soak: $(ENV) ## Send 300,000 requests of every kind to the sandbox; then 1,000 listeners and 200 drips, together with its control API
	@$(BIN)/python -m pytest tests/sandbox/serving/test_hostile.py tests/sandbox/serving/test_soak.py tests/sandbox/serving/test_soak_memory.py -m deep -s

# atheris guides by coverage where it has a wheel; without it the same targets get changed inputs at random.
.PHONY: fuzz
fuzz: $(ENV) ## Fuzz every reader of foreign bytes for 4 minutes; what is found lies in .build/fuzz/found
	@test -d .build/fuzz/lib/atheris || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	--only-binary :all: --target .build/fuzz/lib -r requirements/fuzz.txt 2>/dev/null || true
	@PYTHONPATH=.build/fuzz/lib $(BIN)/python -m tests.fuzz

$(MUTATION_ENV): requirements/mutation.txt
	@test -x .build/mutation-env/bin/python || $(PYTHON) -m venv .build/mutation-env
	@.build/mutation-env/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/mutation.txt
	@touch $@

.PHONY: mutants
mutants: $(ENV) $(MUTATION_ENV) ## Put wrong ideas and a sample of mutations into a copy, one at a time: do tests notice? (30 minutes)
	@$(BIN)/python -m tools.mutation --jobs $(WORKERS) --interpreter $(dir $(MUTATION_ENV))bin/python \
		$(if $(IDEAS),--ideas $(IDEAS) --trust)

.PHONY: chaos
chaos: $(ENV) ## Repay 100,000 times while everything fails at once, and count what was repaid twice (7 minutes)
	@$(BIN)/python -m tests.chaos --workers $(WORKERS)

.PHONY: strangers
strangers: $(ENV) ## Repay against an exchange written from the published pages alone, world by world (10 minutes)
	@$(BIN)/python -m tests.strangers --workers $(WORKERS)

.PHONY: interop
interop: $(ENV) ## Let clients of other authors repay against the sandbox, each in its own environment
	@$(BIN)/python -m pytest tests/interop -m interop

.PHONY: lint-spec
lint-spec: $(ENV) ## Lint both documents with the tools of others (Redocly where npm is installed)
	@$(BIN)/python -m tools.spec_lint

$(DOCS_ENV): requirements/docs.txt pyproject.toml
	@test -x .build/docs-env/bin/python || $(PYTHON) -m venv .build/docs-env
	@.build/docs-env/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/docs.txt
	@touch $@

.PHONY: docs
docs: $(ENV) $(DOCS_ENV) ## Build the documentation site into site/, all assets local
	@$(BIN)/python -m tools.docs_site
	@NO_MKDOCS_2_WARNING=1 .build/docs-env/bin/mkdocs build --strict
	@$(BIN)/python -m tools.docs_site --inspect site
	@echo "site/index.html"

.PHONY: lint-container
lint-container: $(ENV) ## Lint the Dockerfile of the sandbox
	@test -x .build/lint-container/bin/hadolint || { $(PYTHON) -m venv .build/lint-container && \
	.build/lint-container/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/lint-container.txt; }
	@.build/lint-container/bin/hadolint Dockerfile

.PHONY: bench
bench: $(ENV) ## Measure every speed claim against the others, side by side (15 minutes)
	@$(BIN)/python -m benchmarks

.PHONY: bench-quick
bench-quick: $(ENV) ## The same in three minutes: fewer rounds, fewer clients
	@$(BIN)/python -m benchmarks --quick

.PHONY: lock
lock: $(ENV) ## Pin the dependencies anew, with the hashes of what a supported machine installs, without addresses
	@test -x .build/lock-env/bin/python || $(PYTHON) -m venv .build/lock-env
	@.build/lock-env/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/lock.txt
	@$(BIN)/python requirements/lock.py .build/lock-env/bin/uv

.PHONY: audit
audit: ## Ask a public database about every pinned package (where it cannot be reached, that is said)
	@test -x .build/audit-env/bin/python || $(PYTHON) -m venv .build/audit-env
	@if .build/audit-env/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/audit.txt 2>/dev/null; \
	then .build/audit-env/bin/python requirements/audit.py .build/audit-env/bin/pip-audit; \
	else .build/audit-env/bin/python requirements/audit.py .build/audit-env/bin/no-pip-audit; fi

.PHONY: clean
clean: ## Remove everything that the other targets made
	@rm -rf $(VENV) .build dist site reports .hypothesis .mypy_cache .pytest_cache .ruff_cache
