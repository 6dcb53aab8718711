# The two commands are `make run` and `make test`; everything else is one line in `make help`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run run-fleet up test test-full coverage lock lint docs clean

PYTHON ?= python3
BIN := .venv/bin
SESSIONS ?= 3
EXECUTIONS ?= 2
# Three test files at a time, long ones first: many tests wait for a scheduler, and none shares a folder, a port or a database with another.
SIDE_BY_SIDE ?= -n 3 --dist loadfile --no-loadscope-reorder --durations=12
export ASSAY_HOME ?= $(CURDIR)/var
# Airflow starts a process for every task; without compiled modules each of them would compile thousands again.
unexport PYTHONDONTWRITEBYTECODE

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "  State lives in $(ASSAY_HOME); ASSAY_HOME=/folder moves it."

setup: .venv/.locked ## create .venv from the hashed lock; `run` and `test` do it first

# pip of the machine installs uv into a bare environment (Debian's Python has no ensurepip), and uv installs the lock.
.venv/.locked: tests/requirements.txt requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Assay needs Python 3.11 or later; found " + sys.version.split()[0] + ". Name another: make setup PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	@echo "setup: installing the locked packages into .venv (one to four minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv --without-pip .venv
	@sed -n '/^uv==/,/[^\\]$$/p' tests/requirements.txt > .venv/uv.txt
	@$(PYTHON) -m pip --disable-pip-version-check --python $(BIN)/python install --quiet --require-hashes --no-deps -r .venv/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes tests/requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

run: setup ## measure this host, check, summarize and publish: three sessions of two executions, by a real Airflow
	@$(BIN)/assay run --sessions $(SESSIONS) --executions $(EXECUTIONS)

run-fleet: setup ## the fleet without AWS: six machines of three families in an emulated EC2, by a real Airflow
	@$(BIN)/assay run-fleet

up: setup ## open the Airflow UI on 127.0.0.1; Ctrl-C stops it
	@exec $(BIN)/assay up

test: setup ## the test suite, as CI runs it
	@$(BIN)/python -m pytest -m "not full" $(SIDE_BY_SIDE) $(ARGS)

test-full: setup ## the test suite and the long matrices: faults, volume, browsers
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(ARGS)

coverage: setup ## branch coverage of include/assay by the test suite and every process that it starts; fails under 90 %
	@.ci/coverage $(SIDE_BY_SIDE) $(ARGS)

lock: setup ## resolve requirements.in and tests/requirements.in into the hashed locks
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock' tests/requirements.in -o tests/requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock' -c tests/requirements.txt requirements.in -o requirements.txt

lint: setup ## ruff, mypy --strict, locks fresh, generated docs fresh, contract kept
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/assay docs --check
	@$(BIN)/assay schema check
	@.ci/lock-is-fresh

docs: setup ## generate docs/*.md and schemas/ from the code
	@$(BIN)/assay docs

clean: ## remove .venv, caches and build leftovers; var/ with your sessions stays (remove it by hand)
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* htmlcov build dist include/*.egg-info
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
