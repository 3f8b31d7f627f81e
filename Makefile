# Needs the system's Python 3.10 to 3.13 with pip, nothing else. Everything is installed into .venv.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help install format lint test demo notebooks bench clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*  ## \(.*\)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

install: $(VENV)/.dev  ## make .venv and install the project's and the developers' requirements

format: $(VENV)/.dev  ## sort the imports and format the code
	@$(RUN) -m ruff check --fix-only --quiet .
	@$(RUN) -m ruff format .

lint: $(VENV)/.dev  ## check style and formatting with ruff, types with mypy
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy

test: $(VENV)/.dev  ## run the tests and the doctests
	@$(RUN) -m pytest --numprocesses auto --maxprocesses 8 --dist worksteal

demo: $(VENV)/.installed  ## train on drawn people for a few minutes and write pictures of the result
	@$(RUN) -m paddle_pose demo

notebooks: $(VENV)/.installed  ## execute the notebooks and keep their pictures
	@OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(RUN) scripts/build_notebooks.py notebooks/*.py

bench: $(VENV)/.installed  ## measure speed beside mmpose and others (benchmarks/make_peers.sh installs them)
	@$(RUN) benchmarks/benchmark.py $(BENCH)

clean:  ## remove .venv and the caches; output/ stays
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps inside .venv are written last, so an interrupted installation is taken up again.
$(VENV)/.dev: requirements/dev.txt requirements/export.txt $(VENV)/.installed
	$(PIP) install -r requirements/dev.txt
	@touch $@

$(VENV)/.installed: requirements.txt requirements/base.txt requirements/cpu.txt | $(VENV)/.created
	$(PIP) install -r requirements.txt
	@touch $@

# A bare Debian has no ensurepip, so that `venv` fails: there the system's pip puts a pip into an environment made without.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo 'error: "$(PYTHON)" is missing or not Python 3.10 to 3.13, which Paddle 3 needs.' >&2; \
	  echo 'Name one that is: PYTHON=python3.12 make $(or $(MAKECMDGOALS),demo)' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { $(PYTHON) -m venv --clear --without-pip $(VENV) && \
	  $(PYTHON) -m pip install --target "$$($(RUN) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" pip; }
	@touch $@
