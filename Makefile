# The commands of README.md for people who type make. Set-up is part of each and cheap to repeat.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help book pdf epub zip test test-all lab lint clean

help:
	@echo "make book   build the book into _build/html"
	@echo "make pdf    write the book as one PDF; make epub and make zip do likewise"
	@echo "make test   run what anyone needs: unit tests, grading, nbval on every notebook"
	@echo "make test-all  and browsers, PDF and EPUB, cluster, kernels, attacks (after make book)"
	@echo "make lab    open the notebooks in JupyterLab"
	@echo "make lint   check style, imports between the packages, and types"
	@echo "make clean  remove the built book (the environment stays)"

$(INSTALLED): requirements.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "Python 3.11, 3.12 or 3.13 is needed; say which: make PYTHON=python3.12 book"; exit 2; }
	@echo "Setting up $(VENV) (a few minutes the first time) ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $(INSTALLED)

book: $(INSTALLED)
	$(BIN)/jupyter-book build -W --keep-going .
	@echo "Open $(CURDIR)/_build/html/index.html"

pdf epub zip: book
	$(BIN)/python -m bookbuild.forms $@

TESTS = $(BIN)/python -m pytest -n 2 --dist loadfile --nbval tests notebooks solutions

test: $(INSTALLED)
	$(TESTS) -m "not full"

test-all: $(INSTALLED)
	$(TESTS)

lab: $(INSTALLED)
	$(BIN)/jupyter lab --notebook-dir=.

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

clean:
	rm -rf _build
