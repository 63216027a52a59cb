# DialGuard: needs Python 3.11 or newer, pip, make and git. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup test test-full demo bench site wheel lock clean

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.dialguard-ready
PIP := $(PY) -m pip --disable-pip-version-check --quiet
# PYTHON=/path/to/python chooses the interpreter of a new .venv.
PYTHON ?=
LOCK_TOOL := uv==0.13.9

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## */  make \1\t/' | expand -t 18

setup: $(STAMP)  ## make .venv with the pinned dependencies and the `dialguard` command

# The stamp is newer than both files when nothing is left to do.
$(STAMP): requirements.lock requirements-events.lock pyproject.toml
	@if [ -x $(PY) ]; then \
	  $(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "make setup: $(VENV) holds $$($(PY) -V), and 3.11 or newer is needed. Remove $(VENV) and run make setup again." >&2; exit 1; }; \
	else \
	  for python in $(PYTHON) $(if $(PYTHON),,python3.11 python3 python3.12 python3.13 python3.14); do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	  done; \
	  if [ -z "$${found:-}" ]; then \
	    echo "make setup: no Python 3.11 or newer was found$(if $(PYTHON), at '$(PYTHON)',; looked for python3.11 to python3.14 and python3). Install one, or name it: make setup PYTHON=/path/to/python" >&2; exit 1; \
	  fi; \
	  echo "Making $(VENV) with $$("$$found" -V) ..."; \
	  if ! "$$found" -m venv $(VENV); then \
	    rm -rf $(VENV); \
	    echo "make setup: '$$found -m venv' failed. Some systems ship venv apart (on Debian and Ubuntu the package is python3-venv)." >&2; exit 1; \
	  fi; \
	fi
	@echo "Installing the pinned dependencies ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --require-hashes -r requirements-events.lock 2>/dev/null || \
	  echo "durable_rules could not be built (it needs a C compiler): event rules are not run here, and their tests say so."
	@$(PIP) install --no-index --no-deps --no-build-isolation --editable .
	@$(PIP) check
	@touch $(STAMP)
	@echo "Ready: $(VENV)/bin/dialguard"

# As many processes as there are processors, four at most; JOBS=0 runs one test after the other. Who ends first takes from the others.
JOBS := logical
PYTEST := $(PY) -m pytest -q -n $(JOBS) --maxprocesses 4 --dist worksteal

test: setup  ## run the whole test suite
	$(PYTEST)

# The generator is no part of the product, and has an environment of its own.
SITE_VENV := .venv-site
SITE_PY := $(SITE_VENV)/bin/python
SITE_READY := $(SITE_VENV)/.ready
$(SITE_READY): requirements-site.lock | setup
	@[ -x $(SITE_PY) ] || $(PY) -m venv $(SITE_VENV)
	@echo "Installing the generator of the site ..."
	@$(SITE_PY) -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements-site.lock
	@touch $@

# What pip cannot bring. Valkey comes from bookworm-backports or a later Debian.
DEBIAN := redis-server valkey-server postgresql chromium sip-tester kamailio asterisk
SERVED := tests/storage tests/ledger tests/browser tests/pages/test_site.py tests/service/test_sip_clients.py tests/service/test_asterisk.py
test-full: setup $(SITE_READY)  ## run what needs Debian packages on each of them: Redis 7, Valkey, PostgreSQL, Chromium, SIPp, Kamailio, Asterisk (names what is absent), and the site
	@absent=0; \
	missing() { absent=$$((absent + 1)); echo "test-full: not run on $$1, which is not here: apt-get install $$2"; }; \
	for package in $(DEBIAN); do \
	  case $$package in redis-server|valkey-server) ;; \
	  postgresql) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing PostgreSQL postgresql; continue ;; \
	  sip-tester) command -v sipp >/dev/null || missing SIPp sip-tester; continue ;; \
	  asterisk) command -v $${DIALGUARD_ASTERISK:-asterisk} >/dev/null || missing Asterisk 'asterisk (not in Debian 12), or name one by DIALGUARD_ASTERISK'; continue ;; \
	  *) command -v $$package >/dev/null || missing $$package $$package; continue ;; esac; \
	  server=$$(command -v $$package) || { missing $$package $$package; continue; }; \
	  echo "test-full: tests/storage on $$($$server --version | cut -d' ' -f1-3)"; \
	  DIALGUARD_REDIS_SERVER=$$server $(PYTEST) tests/storage; \
	done; \
	echo "test-full: $(filter-out tests/storage,$(SERVED))"; \
	$(PYTEST) $(filter-out tests/storage,$(SERVED)); \
	echo "test-full: $$absent of $(words $(DEBIAN)) packages absent"

demo: setup  ## make a lead file and Do-Not-Call lists under demo/ and screen the leads
	@$(PY) -m simulations.demo

bench: setup  ## run the benchmarks
	$(PY) -m benchmarks

site: setup $(SITE_READY)  ## the documentation and the law as a site in build/site, to be opened from disk (FROM=2027-01-01: the law of that day)
	@$(PY) docs/site/build.py build/site --generator $(SITE_PY) $(if $(FROM),--from $(FROM))

wheel: setup  ## build the wheel into dist/
	@$(PY) -m pip --disable-pip-version-check wheel --no-index --no-deps --no-build-isolation --wheel-dir dist .

# Keeps the pinned versions that still fit; `make lock UPGRADE=--upgrade` takes the newest.
lock:  ## pin the dependencies of pyproject.toml in requirements.lock (maintainers; needs the network)
	@[ -x .venv-lock/bin/uv ] || { python3 -m venv .venv-lock && .venv-lock/bin/pip install --quiet $(LOCK_TOOL); }
	@.venv-lock/bin/uv pip compile --quiet $(UPGRADE) pyproject.toml --extra dev --output-file requirements.lock \
	  --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links
	@.venv-lock/bin/uv pip compile --quiet $(UPGRADE) --group site --output-file requirements-site.lock \
	  --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links
	@grep -c '^[a-z]' requirements.lock | sed 's/$$/ packages pinned in requirements.lock/'

clean:  ## remove what the other targets made, except .venv
	rm -rf build dist demo .pytest_cache .hypothesis .venv-lock .venv-site
	find dialguard simulations tests benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
