# `make serve` and `make test` are all that a fresh clone needs; each builds the environment first if it is not there.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: setup serve test lint format generate bench fuzz docs

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt client/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11")'
	@echo "Building the environment in .venv, once; this takes about three minutes."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt torch
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[dev]' --editable client
	@touch $(STAMP)

serve: $(STAMP)
	$(BIN)/svge serve

# Two at a time, a file at one of them; products of so small matrices gain nothing from more threads.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: $(STAMP)
	$(BIN)/python client/generate_sync.py

bench: $(STAMP)
	$(BIN)/python -m benchmarks.digits_search

fuzz: $(STAMP)
	$(BIN)/python -m tests.service.contract.fuzz --examples 650

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build
