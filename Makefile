# Needs the system's Python 3.10 to 3.13 with pip, nothing else. Everything is installed into .venv; test-light makes .venv-light,
# test-versions a .venv-paddle-VERSION for each version, docs and dist make .venv-docs and .venv-dist.
PYTHON ?= python3
BIN := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
VENV := .venv
LIGHT := .venv-light
DOCS := .venv-docs
DIST := .venv-dist
RUN := $(VENV)/$(BIN)/python
PIP := $(RUN) -m pip --disable-pip-version-check
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help install format lint test test-light test-versions fuzz demo announce-demo notebooks bench docs dist clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

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

# build/ would keep modules that are gone. -c /dev/null: without the plugins and paths of pyproject.toml, so that the
# installed package is tested, in an environment that holds nothing but what it asks for.
test-light: $(LIGHT)/.created  ## install the package without Paddle into .venv-light and test that it predicts
	@rm -rf build
	@$(LIGHT)/$(BIN)/python -m pip --disable-pip-version-check install --quiet . "$$(grep '^pytest==' requirements/tools.txt)"
	@OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} PYTHONPATH="$(CURDIR)/tests" $(LIGHT)/$(BIN)/pytest -c /dev/null --rootdir . \
	  -p no:cacheprovider --import-mode=importlib -W error -q tests/light

# What a user does from training to prediction, and every export; the first and the newest release unless VERSIONS names others.
VERSIONS ?= 3.0.0 newest
test-versions: $(VERSIONS:%=.venv-paddle-%/.installed)  ## train, resume, evaluate, export and predict with several versions of Paddle
	@set -e; for version in $(VERSIONS); do \
	  python=.venv-paddle-$$version/$(BIN)/python; \
	  echo "Paddle $$($$python -c 'import paddle; print(paddle.__version__)' 2>/dev/null)"; \
	  $$python -m pytest -q -p no:cacheprovider --numprocesses auto --maxprocesses 2 --dist loadfile \
	    tests/e2e/test_train_val_predict.py tests/e2e/test_export.py; \
	done

FUZZ ?= --count 2000
fuzz: $(VENV)/.dev  ## read 2,000 mutated files of every format in processes with 4 GB; takes hours
	@nice -n 10 $(RUN) tests/faults/mutate.py $(FUZZ)

demo: announce-demo $(VENV)/.installed  ## train on synthetic people for a few minutes and write images of the result
	@$(RUN) -m paddle_pose demo

# The first prerequisite of demo: printed before anything is installed.
announce-demo:
	@test -e $(VENV)/.installed || printf '%s\n' \
	  "The first time, make demo creates the Python environment $(VENV) and installs" \
	  "Paddle and other packages into it: about 500 MB to download, a few minutes in" \
	  "which pip prints nothing. Then the demo begins, and says how long it takes."

notebooks: $(VENV)/.installed  ## execute the notebooks and keep their outputs
	@OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(RUN) scripts/build_notebooks.py notebooks/*.py

bench: $(VENV)/.installed  ## measure speed beside mmpose and others (benchmarks/make_peers.sh installs them)
	@$(RUN) benchmarks/benchmark.py $(BENCH)

docs: $(DOCS)/.installed  ## build the documentation site in build/site; broken links are errors
	@$(DOCS)/$(BIN)/python scripts/build_docs_site.py

# The wheel is built from the source distribution.
dist: $(DIST)/.created  ## build the source distribution and the wheel in dist
	@rm -rf build/lib dist
	@$(DIST)/$(BIN)/python -m pip --disable-pip-version-check install --quiet "$$(grep '^build==' requirements/tools.txt)"
	@$(DIST)/$(BIN)/python -m build

clean:  ## remove the environments and the caches; output/ stays
	rm -rf $(VENV) $(LIGHT) $(DOCS) $(DIST) .venv-paddle-* .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps inside .venv are written last, so an interrupted installation is taken up again.
$(VENV)/.dev: requirements/dev.txt requirements/export.txt requirements/tools.txt $(VENV)/.installed
	$(PIP) install -r requirements/dev.txt
	@touch $@

BASE := base predict train notebooks opencv paddle
$(VENV)/.installed: requirements.txt $(BASE:%=requirements/%.txt) | $(VENV)/.created
	@$(PIP) install --quiet -r requirements.txt
	@touch $@

.venv-paddle-%/.installed: requirements.txt $(wildcard requirements/*.txt) | .venv-paddle-%/.created
	.venv-paddle-$*/$(BIN)/python -m pip --disable-pip-version-check install -r requirements/dev.txt \
	  "paddlepaddle$(if $(filter newest,$*),,==$*)"
	@touch $@

$(DOCS)/.installed: requirements/docs.txt | $(DOCS)/.created
	@$(DOCS)/$(BIN)/python -m pip --disable-pip-version-check install --quiet -r requirements/docs.txt
	@touch $@

# A bare Debian has no ensurepip, so that `venv` fails: there the system's pip puts a pip into an environment made without.
$(VENV)/.created $(LIGHT)/.created $(DOCS)/.created $(DIST)/.created $(VERSIONS:%=.venv-paddle-%/.created): %/.created:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo 'error: "$(PYTHON)" is missing or not Python 3.10 to 3.13, which Paddle 3 needs.' >&2; \
	  echo 'Name one that is: PYTHON=python3.12 make $(or $(MAKECMDGOALS),demo)' >&2; exit 1; }
	@$(PYTHON) -m venv $* || { $(PYTHON) -m venv --clear --without-pip $* && \
	  $(PYTHON) -m pip install --target "$$($*/$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" pip; }
	@touch $@
