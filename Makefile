# `make run` is all a new machine needs, once it has Python 3.11 or newer and make.
# Everything is installed into .venv from the lock files; a stamp there makes the next run quick.

.DELETE_ON_ERROR:
.PHONY: run test test-slow soak quick bench lint lock openapi clean

VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev

# The first of these that runs and is new enough; `make PYTHON=/path/to/python run` overrides.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	if $$python -c '$(NEW_ENOUGH)' >/dev/null 2>&1; then echo $$python; break; fi; done)

run: $(RUN)
	@exec $(BIN)/dipcheck serve

# Everything but the slow part; needs no network and at most ten minutes. Two processes, a file of tests to each at a time.
test: lint
	$(BIN)/python -m pytest -m 'not slow' --numprocesses 2 --dist loadfile

# Kills, outages, browser runs and every-row checks; at most 45 minutes.
test-slow: $(DEV)
	$(BIN)/python -m pytest -m slow

# A thousand kills under load: about an hour on two cores.
soak: $(DEV)
	DIPCHECK_TEST_KILLS=1000 $(BIN)/python -m pytest -m slow tests/faults/test_kills.py

# What needs no database: seconds.
quick: $(DEV)
	$(BIN)/python -m pytest -m 'not db and not slow'

bench: $(DEV)
	$(BIN)/python -m bench

lint: $(DEV)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict

# Resolve all dependencies anew. setuptools is locked too, so that installing this project needs no network.
LOCK := pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe --build-deps-for editable \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links
lock: $(DEV)
	$(BIN)/$(LOCK) --output-file requirements.lock pyproject.toml
	$(BIN)/$(LOCK) --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

openapi: $(RUN)
	$(BIN)/dipcheck openapi > openapi.yaml.part && mv openapi.yaml.part openapi.yaml

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

define install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(1)
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
endef

$(RUN): requirements.lock pyproject.toml | $(BIN)/python
	$(call install,requirements.lock)

$(DEV): requirements-dev.lock pyproject.toml | $(BIN)/python
	$(call install,requirements-dev.lock)

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "dipcheck needs Python 3.11 or newer and found none." >&2; \
		echo "On Debian 12, Ubuntu 24.04 or newer: apt install python3 python3-venv" >&2; \
		echo "If it is installed elsewhere: make PYTHON=/path/to/python run" >&2; exit 1; fi
	@if ! $(PYTHON) -c '$(NEW_ENOUGH)'; then \
		echo "dipcheck needs Python 3.11 or newer; $(PYTHON) is older, or is none." >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import venv, ensurepip' >/dev/null 2>&1; then \
		echo "$(PYTHON) cannot make virtual environments: its package venv is missing." >&2; \
		$(PYTHON) -c 'import sys; print("On Debian or Ubuntu: apt install python3-venv  (or python%d.%d-venv)" % sys.version_info[:2])' >&2; \
		exit 1; fi
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
