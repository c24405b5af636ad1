# What can be done with a clone of graph-magics. `make help` lists it.
#
# Every target makes what it needs first: a virtual environment in .venv, with the
# package and its tools. Any Python from 3.11 on will do; PYTHON=... says which.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LOWEST := .venv-lowest

# Three files of tests at the same time, for those of a browser wait for much of their time, and so
# come early; the cells of a notebook stay together.
AT_ONCE := --numprocesses 3 --dist loadfile --no-loadscope-reorder

export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Asked for another Python than the one .venv was made with: it is made again.
ifneq ($(PYTHON),)
ifneq ($(PYTHON),$(shell cat $(STAMP) 2>/dev/null))
.PHONY: $(STAMP)
endif
endif
PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: help demo test test-lowest bench pictures lint lab clean

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

demo: $(STAMP) ## run the first tutorial on real data; print the comparison, the page and the drawing
	@$(BIN)/python notebooks/demo.py

test: $(STAMP) ## run every test: units, properties, doctests, notebooks, JupyterLab in a browser
	$(BIN)/python -m pytest $(AT_ONCE)

test-lowest: $(LOWEST)/.installed ## run every test on the oldest libraries that pyproject.toml admits
	@# Lax: an older scikit-learn fits other models, so the tutorials run but show other answers.
	$(LOWEST)/bin/python -m pytest $(AT_ONCE) --nbval-lax

bench: $(STAMP) ## measure; takes some minutes
	@set -e; for script in tests/benchmarks/bench_*.py; do $(BIN)/python $$script; done

pictures: $(STAMP) ## make the pictures of the README anew
	$(BIN)/python -m tests.pictures

lint: $(STAMP) ## check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

lab: $(STAMP) ## open the notebooks in JupyterLab
	$(BIN)/python -m jupyterlab --allow-root notebooks

clean: ## remove whatever make has made
	rm -rf .venv .venv-lowest .demo .artifacts dist
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find graph_magics tests notebooks -name __pycache__ -prune -exec rm -rf {} +

define new_venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "graph-magics needs Python 3.11 or newer, and '$(PYTHON)' is not that."; \
	    echo "Say which Python to take, such as: make $(or $(MAKECMDGOALS),test) PYTHON=python3.12"; \
	    exit 1; } >&2
	@echo "Installing graph-magics and its tools into $(@D) (a minute or two, once)"
	@$(PYTHON) -m venv --clear $(@D)
endef

$(STAMP): pyproject.toml
	$(new_venv)
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@echo $(PYTHON) > $@

$(LOWEST)/.installed: pyproject.toml
	$(new_venv)
	@$(@D)/bin/python -c 'import tomllib; \
	    project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	    extras = project["optional-dependencies"]; \
	    print(*project["dependencies"], *extras["dask"], *extras["test"], sep="\n")' \
	    | sed 's/>=/==/' > $(@D)/lowest.txt
	@$(@D)/bin/python -m pip install --quiet --requirement $(@D)/lowest.txt --editable .
	@echo $(PYTHON) > $@
