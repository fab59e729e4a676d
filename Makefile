# The two commands of the README are `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint format slow bench messages docs pictures clean

demo: .venv/run.stamp  ## install, load the demo world, serve it
	@$(BIN)/mwanga demo

# What pytest makes of the test files is kept for the next run, also where the environment has Python keep nothing.
TESTS := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2

test: .venv/test.stamp  ## install what the tests need and run them on both databases
	@echo "Running the tests on SQLite and PostgreSQL."
	@$(TESTS) -m "not slow"

slow: .venv/test.stamp  ## the longer tests, and PostgreSQL's turn of those marked everyday_on_sqlite
	@$(TESTS) -m slow

lint: .venv/test.stamp  ## lint, format check, types, and who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: .venv/test.stamp
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: .venv/test.stamp  ## ratios against bare ceilings, written into docs/speed.md; make bench ARGS="--postgres --only sale"
	@$(BIN)/python -m tests.bench --write $(ARGS)

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Mwanga needs Python 3.11 or newer, this is %d.%d. Try: make demo PYTHON=python3.12" % sys.version_info[:2])'
	@echo "Creating the virtual environment in .venv."
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "Could not create .venv. On Debian: apt install python3-venv"; exit 1; }

# What is installed is what was tested: .ci/lock writes each package's version and hashes.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps

.venv/run.stamp: pyproject.toml .ci/requirements.txt | .venv/bin/python
	@echo "Installing Mwanga into .venv (once; a minute on a slow line)."
	@$(PIP) --require-hashes -r .ci/requirements.txt && $(PIP) --no-build-isolation -e . && touch $@

.venv/test.stamp: pyproject.toml .ci/requirements-test.txt | .venv/bin/python
	@echo "Installing Mwanga and what its tests need into .venv (once)."
	@$(PIP) --require-hashes -r .ci/requirements-test.txt && $(PIP) --no-build-isolation -e . && touch $@ .venv/run.stamp

clean:
	rm -rf .venv build dist

EXTRACT := $(BIN)/pybabel -q extract --no-default-keywords --no-location --no-wrap --sort-output --omit-header -k _ -k _n:1,2
UPDATE := $(BIN)/pybabel -q update --no-fuzzy-matching --ignore-obsolete --no-wrap --omit-header -N

messages: .venv/run.stamp  ## bring the catalogues up to date with the sentences of phones (mwanga) and pages (office)
	@$(EXTRACT) --ignore-dirs office -o bot/text/locales/mwanga.pot bot handlers
	@$(EXTRACT) -k N_ -F pyproject.toml -o bot/text/locales/office.pot .
	@for po in bot/text/locales/*/LC_MESSAGES/*.po; do \
		$(UPDATE) -i bot/text/locales/$$(basename $$po .po).pot -o $$po -l $$(echo $$po | cut -d/ -f4); done

docs: .venv/test.stamp  ## write the tables of the documents that are made from the code
	@$(BIN)/python -m tests.project.pages

pictures: .venv/test.stamp  ## take the pictures of the documents anew, of the demo world, in Debian's Chromium
	@$(BIN)/python -m tests.project.pictures
