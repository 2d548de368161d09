# `make` alone lists what there is. Every target prepares what it needs; PYTHON=... names the Python to build on.

VENV    := .venv
BIN     := $(VENV)/bin
STAMP   := $(VENV)/.ready
PYTHON  ?= python3
# One process of tests more than there are processors: tests that wait for a server or a lock leave theirs to another.
WORKERS ?= $(shell expr $$(nproc) + 1)

export PYTHON
.DEFAULT_GOAL := help
.PHONY: help setup check format test soak bench demo clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

setup: $(STAMP)  ## make .venv with Covenant and its tools (done by the other targets when needed)

$(STAMP): pyproject.toml constraints.txt scripts/setup.sh
	@scripts/setup.sh python
	@touch $@

check: $(STAMP)  ## style, types, architecture, docs up to date: under a minute
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@if [ -f scripts/docs.py ]; then echo "$(BIN)/python scripts/docs.py --check"; $(BIN)/python scripts/docs.py --check; fi

format: $(STAMP)  ## rewrite the code in the house's format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

test: $(STAMP)  ## all tests, with restic as the second reader: under ten minutes
	@scripts/setup.sh program restic postgresql systemd-analyze
	$(BIN)/pytest --quiet -n $(WORKERS) --dist loadfile $(ARGS)

soak: $(STAMP)  ## the long tests: kill -9 runs, larger models
	@scripts/setup.sh program restic postgresql
	$(BIN)/pytest -m soak $(ARGS)

bench: $(STAMP)  ## Covenant beside restic and borg, on data it makes itself
	@scripts/setup.sh program restic borg
	$(BIN)/python -m bench $(ARGS)

demo: $(STAMP)  ## protect a small studio, ruin it, bring it back: under two minutes
	@$(BIN)/python demo/run.py $(ARGS)

clean:  ## remove everything that the other targets made here
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
