# The commands of this project. `make` alone lists them.
#
# Everything runs from .venv, which is built from requirements.lock when it is missing or out of date.
# Two stamps inside .venv say how far a build has come: an interrupted one leaves none and starts again.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
LOCKED := .venv/.locked
COMPLETE := .venv/.complete

# Processes for the tests; a file's tests stay in one, and share what it has made.
JOBS ?= 2

# More words for the command, as in `make bench ARGS=--json`.
ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help .venv demo serve test check check-deep soak bench screens lock newcomer

help:  ## list the targets
	@grep -hE '^[a-z.-]+:.*  ## ' $(MAKEFILE_LIST) | sed -E 's/:.*  ## /\t/' | expand -t 14

.venv: $(COMPLETE)  ## build the environment, with every extra

# pip's own words go to a log: the first address that `make demo` prints is the sign-in link.
$(LOCKED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Agnes Console needs Python 3.11 or newer as $(PYTHON); say which with: make PYTHON=python3.12" >&2; exit 1; }
	@echo "building .venv, about a minute"
	@rm -f $(COMPLETE) $(LOCKED)
	@$(PYTHON) -m venv --clear .venv
	@$(PIP) install --require-hashes -r requirements.lock >.venv/pip.log 2>&1 || { cat .venv/pip.log >&2; exit 1; }
	@touch $@

$(COMPLETE): $(LOCKED) pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation -e . >.venv/pip.log 2>&1 || { cat .venv/pip.log >&2; exit 1; }
	@touch $@

demo: .venv  ## start the console with demo data and print a sign-in link
	@$(BIN)/agnes demo $(ARGS)

serve: .venv  ## start the console on your own data
	@$(BIN)/agnes serve $(ARGS)

test: check  ## everything that must hold: check, then the tests, in JOBS processes
	@$(BIN)/python -m pytest -q --instafail -n $(JOBS) --dist loadfile --max-worker-restart 1 $(ARGS)

check: .venv  ## lint, format, types, import rules; no test runs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

check-deep: .venv  ## the tests with many more examples for each property, and a fuzzer on transcripts
	@$(BIN)/python -m pytest -q --timeout 3600 --hypothesis-profile=deep $(ARGS)
	@$(BIN)/python tests/fuzz_transcript.py -runs=20000

soak: .venv  ## the long tests: crashes, leaks
	@$(BIN)/python -m pytest -q -m soak --timeout 1800 $(ARGS)

newcomer:  ## walk the path of somebody new, in a fresh clone with an environment of its own
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && git clone -q . "$$dir/agnes" && cd "$$dir/agnes" \
	  && $(MAKE) --no-print-directory .venv && $(BIN)/python -m pytest -q tests/test_newcomer.py

bench: .venv  ## measure against the budgets; needs minutes
	@$(BIN)/python -m bench $(ARGS)

screens: .venv  ## take the pictures of docs/screens anew; ARGS names some of them
	@$(BIN)/python -m tests.browser.screens $(ARGS)

lock: .venv  ## write requirements.lock anew from pyproject.toml; ARGS=--upgrade for newer versions
	@$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	  --generate-hashes --no-header --quiet -o requirements.lock $(ARGS)
