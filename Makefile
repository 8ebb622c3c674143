# The Python that makes .venv: `make test PYTHON=python3.13` in a fresh clone.
PYTHON ?= python3
# Passed on, for instance `make test ARGS="tests/projects -x"` or `make lock ARGS=--upgrade`.
ARGS ?=

# Without --no-deps, pip 23 would look past the pin of `coverage` for the newest `coverage[toml]`.
PIP_INSTALL = .venv/bin/python -m pip install --quiet --disable-pip-version-check \
	--require-hashes --no-deps --only-binary :all:
UV_COMPILE = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header $(ARGS)
PRODUCTION = env BASE_URL=https://timetracker.example.com ALLOWED_HOSTS=timetracker.example.com

.PHONY: install serve test test-all fuzz check schema lock bench bench-quick

install: .venv/development

# The service with demo data on http://127.0.0.1:8000
serve: .venv/runtime
	.venv/bin/python manage.py serve --demo

# The fast tests on SQLite, and at the same time on PostgreSQL with Redis: three minutes
test: .venv/development
	.venv/bin/python -m tests.run_legs $(ARGS)

# Every test: also faults, a short fuzz and pages in a browser
test-all: .venv/development
	.venv/bin/python -m tests.run_legs --all

# What chance finds: the published schema against a server, then random histories on a model
fuzz: .venv/development
	.venv/bin/python -m tests.faults.fuzz $(ARGS)
	HISTORIES=100 .venv/bin/python -m tests.run_legs -n 0 tests/test_histories.py

# Everything that a machine can say without running the tests
check: .venv/development
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python manage.py makemigrations --check --dry-run
	$(PRODUCTION) .venv/bin/python manage.py check --deploy --fail-level WARNING
	.venv/bin/python manage.py spectacular --validate --fail-on-warn --file .venv/schema.yml
	diff -u schema.yml .venv/schema.yml

# What each operation costs, with 1 000 000 entries: benchmarks/README.md
bench: .venv/development
	.venv/bin/python -m benchmarks $(ARGS)

# The essential in a minute, with 100 000: for use while working
bench-quick: .venv/development
	.venv/bin/python -m benchmarks --quick $(ARGS)

# The published OpenAPI document, from the code
schema: .venv/development
	.venv/bin/python manage.py spectacular --file schema.yml

# The pinned versions, from pyproject.toml; the two files agree with each other
lock: .venv/development
	$(UV_COMPILE) --output-file requirements.txt pyproject.toml
	$(UV_COMPILE) --constraints requirements.txt --group dev --output-file requirements-dev.txt pyproject.toml

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/runtime: requirements.txt | .venv/bin/python
	$(PIP_INSTALL) -r requirements.txt
	touch $@

.venv/development: requirements-dev.txt | .venv/bin/python
	$(PIP_INSTALL) -r requirements-dev.txt
	touch $@
