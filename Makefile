# The commands a newcomer needs. All of them make the virtual environment first; nothing is installed outside it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: help demo test check bench boards lock clean

help:  ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Vigil needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Say which: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: $(BIN)/python requirements/run.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m rules
	@touch $@

$(VENV)/dev.stamp: $(BIN)/python requirements/dev.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m rules
	@touch $@ $(VENV)/run.stamp

demo: $(VENV)/run.stamp  ## broker, database, service and a simulated community, on embedded defaults; Ctrl-C ends it
	$(BIN)/vigil demo $(ARGS)

test: $(VENV)/dev.stamp  ## all tests, on a real broker and a real database
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/dev.stamp  ## format, lint, types, order of imports, and that the boards are what their code says
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m deploy.boards --check

bench: $(VENV)/dev.stamp  ## measure speed, latency and memory; the last line is JSON
	$(BIN)/python -m bench $(ARGS)

boards: $(VENV)/dev.stamp  ## write deploy/grafana anew from deploy/boards
	$(BIN)/python -m deploy.boards

lock: $(VENV)/dev.stamp  ## pin the dependencies of pyproject.toml anew
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  --extra embedded --extra analysis --extra tracing pyproject.toml requirements/build.in -o requirements/run.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  --extra embedded --extra analysis --extra tracing --extra dev pyproject.toml requirements/build.in -o requirements/dev.txt

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
