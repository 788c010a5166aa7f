# Two commands for a newcomer: 'make demo' and 'make test'. Each sets up what it needs in this folder, without root.

PYTHON ?= python3
UV := .uv/bin/uv
BIN := .venv/bin
JOBS ?= 2
export UV_PYTHON_DOWNLOADS = never

.PHONY: demo test check tests setup format docs sample bench clean help

help: ## What there is
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/'

demo: setup ## Analyze the sample capture: devices, conversations, and a staged attack that is found
	@$(BIN)/hauberk analyze samples/site.pcapng --learn 50% --format text || test $$? -eq 1

test: check tests ## Run every check and every test

check: setup ## Style, types, architecture, dependencies, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src
	$(BIN)/interrogate -q src
	$(BIN)/typos
	$(UV) lock --check

tests: setup ## The tests alone
	$(BIN)/pytest -n $(JOBS) --dist loadgroup

format: setup ## Bring the code into form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup ## Write the reference pages anew from the code
	$(BIN)/python scripts/generate_reference.py

sample: setup ## Record the sample capture anew (root, network namespaces)
	$(UV) run --frozen --group sample python scripts/record_sample.py samples/site.pcapng

bench: setup ## Measure speed beside the peers
	$(UV) run --frozen --group bench python benchmarks/throughput.py

setup: .venv/ready ## Prepare the environment

.venv/ready: pyproject.toml uv.lock | $(UV)
	@$(UV) sync --frozen --quiet --compile-bytecode --python $(PYTHON)
	@$(BIN)/python -m compileall -q src
	@$(BIN)/python -c 'from hauberk.detect.warm import warm; from hauberk.sense.sensor import Sensor; Sensor().warm(); warm()'
	@touch $@

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Hauberk needs Python 3.11 or later; set PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up; this takes about a minute the first time."
	@$(PYTHON) -m venv .uv
	@.uv/bin/pip install --quiet --disable-pip-version-check 'uv>=0.9'

clean: ## Remove what was set up
	rm -rf .uv .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
