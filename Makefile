# Every command of the project. `make help` lists them.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

LOCKS := environments/requirements
BIN := .venv/bin
export UV_LINK_MODE ?= hardlink
# Every notebook, worker and command is a Python of its own: compiled here once, where that may not be done later.
export UV_COMPILE_BYTECODE := 1
# The bench and tests measure and print; colours belong to terminals.
export PYTHONUNBUFFERED := 1

# uv from PATH, else our own copy under .cache.
UV = $(shell uv --version >/dev/null 2>&1 && echo uv || echo .cache/uv/bin/uv)

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':[^#]*## *' '{printf "  make %-13s %s\n", $$1, $$2}'

demo: .venv/.laptop  ## From nothing to answers: environment, sample corpus, refresh job, three searches, four questions
	@say() { printf '\n\033[1m$$ %s\033[0m\n' "$$*"; }
	$(BIN)/localbundle validate -t dev > /dev/null
	say ragops sample; $(BIN)/ragops sample
	say localbundle run refresh -t dev; $(BIN)/localbundle run refresh -t dev
	for question in "How do I make sure that a resource is released even if an error occurs?" \
	    "why does changing a list while looping over it skip elements" "format a number with thousands separators"; do
	  say "ragops search \"$$question\" -k 2"; $(BIN)/ragops search "$$question" -k 2
	done
	for question in "Is it the round brackets that make a tuple?" \
	    "Is x += 1 just shorthand, or is something else going on under the hood?" \
	    "Does the language let a handler fix the problem and resume at the failing line?" \
	    "Who painted the Mona Lisa?"; do
	  say "ragops ask \"$$question\""; $(BIN)/ragops ask "$$question"
	done
	printf '%s\n' "" "Next, with the environment on your path (source .venv/bin/activate):" \
	  "  localbundle up -t dev                                                     Spark stays: every run after it starts at once" \
	  "  localbundle run refresh -t dev                                            again: nothing to do, and it says so" \
	  "  localbundle run refresh -t dev --params landing=/path/to/folder,schema=mydocs   your own documents" \
	  "  ragops ask \"...\" --schema mydocs                                          and what they say" \
	  "  ragops documents, ragops index list, ragops index verify, localbundle runs"

lab: .venv/.laptop  ## JupyterLab on the notebooks, with Spark, dbutils and widgets as on Databricks; Ctrl-C ends it
	@$(BIN)/localbundle lab

test: .venv/.dev  ## Every test that needs no cloud
	@.ci/test

test-runtimes: .venv/.dev  ## Jobs and suites on what the runtimes ship: over an hour, 30 GB; RUNTIMES="..." for others
	@$(BIN)/python -m tests.runtimes $(RUNTIMES)

unit: .venv/.dev  ## Unit tests only
	@$(BIN)/python -m pytest tests/unit src/localbundle/tests/unit -n 2

conformance: .venv/.dev  ## The rules of Databricks' jobs, each tried on a small bundle, as a table
	@cd src/localbundle && ../../$(BIN)/python -m tests.conformance -n 2

lint: .venv/.dev  ## ruff, mypy (strict), import contracts, notebooks without outputs
	@$(BIN)/ruff check src tests
	$(BIN)/ruff format --check src tests
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.notebooks

hooks: .venv/.dev  ## In this clone: lint before each commit, and never a notebook's outputs in git
	@$(BIN)/pre-commit install
	git config filter.nbstripout.clean '$(BIN)/nbstripout --keep-id'
	git config filter.nbstripout.smudge cat
	git config diff.ipynb.textconv '$(BIN)/nbstripout -t'

bench: .venv/.dev  ## Measure cost, print each figure and write bench.json
	@$(BIN)/python -m tests.bench

lock: .venv/.dev  ## Resolve the laptop's environment, and what each job installs on its runtime, again
	@$(UV) pip compile pyproject.toml src/localbundle/pyproject.toml --extra laptop $(LOCK_FLAGS) -o $(LOCKS)/laptop.txt
	$(UV) pip compile pyproject.toml src/localbundle/pyproject.toml --extra laptop --group dev -c $(LOCKS)/laptop.txt $(LOCK_FLAGS) -o $(LOCKS)/dev.txt
	$(BIN)/python -m environments.lock

LOCK_FLAGS := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --override $(LOCKS)/overrides.txt \
	--no-annotate --custom-compile-command 'make lock'

clean:  ## Remove the environment and every local workspace
	@rm -rf .venv .cache .localbundle dist bench.json

uv:
	@if ! $(UV) --version >/dev/null 2>&1; then
	  echo "uv is missing: getting it into .cache/uv"
	  python3 -m pip install --quiet --disable-pip-version-check --target .cache/uv uv
	fi

.venv/.laptop: $(LOCKS)/laptop.txt pyproject.toml src/localbundle/pyproject.toml | uv
	@test -x $(BIN)/python || $(UV) venv --quiet --seed --python '>=3.11,<3.13' .venv
	echo "Installing and compiling the locked environment (about 7 GB; two or three minutes, once)"
	$(UV) pip install --python $(BIN)/python --no-deps --require-hashes -r $(LOCKS)/laptop.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps -e . -e src/localbundle
	touch $@

.venv/.dev: .venv/.laptop $(LOCKS)/dev.txt | uv
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r $(LOCKS)/dev.txt
	touch $@

.PHONY: help demo lab test test-runtimes unit conformance lint hooks bench lock clean uv
