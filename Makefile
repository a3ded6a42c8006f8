# `make demo`, `make test` and `make test-fast` each work from a fresh clone: they make a
# virtual environment, install into it and run. PYTHON chooses the interpreter, VENV the
# place.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
WORKERS ?= 2

.PHONY: demo test test-fast test-jax test-oldest docs dist lint format benchmark clean

demo: $(VENV)/.tests
	$(BIN)/python examples/sonar_search.py sonar_search.png

# As XLA compiles for users: what runs examples, and promises on bits. All else trains
# networks of a few units, which XLA then compiles quickly and not well; in two runs, since
# a process keeps all that XLA has compiled, and Linux limits that.
QUICK = --xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false
AS_FOR_USERS = $(wildcard tests/test_*.py) tests/engine/test_engine.py \
    tests/engine/test_features.py tests/stacking/test_stacked.py \
    tests/estimators/test_raw_tables.py
OTHERS = -n $(WORKERS) $(addprefix --ignore=,$(AS_FOR_USERS))
test: $(VENV)/.tests
	$(BIN)/python -m pytest -n $(WORKERS) $(AS_FOR_USERS)
	XLA_FLAGS="$(QUICK)" $(BIN)/python -m pytest $(OTHERS) skreg tests/[a-e]*/ tests/stacking
	XLA_FLAGS="$(QUICK)" $(BIN)/python -m pytest $(OTHERS) tests/[f-r]*/ tests/search

# What breaks first, in half a minute.
test-fast: $(VENV)/.tests
	XLA_FLAGS="$(QUICK)" $(BIN)/python -m pytest -n $(WORKERS) @tests/fast.txt

# The same tests with Keras on JAX. Programs are kept on disk, so that the workers share
# them, and all are compiled quickly.
JAX_TESTS = skreg tests
test-jax: export KERAS_BACKEND = jax
test-jax: export XLA_FLAGS = $(QUICK)
test-jax: export JAX_COMPILATION_CACHE_DIR = $(abspath $(VENV)-jax/programs)
test-jax: export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS = 0
test-jax: export JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES = -1
test-jax: $(VENV)-jax/.tests
	$(VENV)-jax/bin/python -m pytest -n $(WORKERS) $(JAX_TESTS)

# The tests with the oldest versions that are supported (Python 3.11 or 3.12); what needs
# extras of today's versions is skipped.
test-oldest: $(VENV)-oldest/.tests
	$(VENV)-oldest/bin/python -m pytest -n $(WORKERS) -W default tests/[a-h]*/ tests/test_*.py
	$(VENV)-oldest/bin/python -m pytest -n $(WORKERS) -W default tests/[i-z]*/

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build

lint: $(VENV)/.tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.tests
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark: $(VENV)/.tests
	$(BIN)/python -m pip install --quiet --editable ".[benchmarks]"
	$(BIN)/python benchmarks/fit.py
	$(BIN)/python benchmarks/search.py

# Wheel and source distribution, and what the wheel gives in an empty environment: the
# README's first example.
dist: $(VENV)/.tests
	rm -rf dist $(VENV)-wheel
	$(BIN)/python -m build
	$(PYTHON) -m venv $(VENV)-wheel
	$(VENV)-wheel/bin/python -m pip install --quiet dist/*.whl
	$(VENV)-wheel/bin/python -P .ci/first_example.py
	rm -rf $(VENV)-wheel

clean:
	rm -rf $(VENV) $(VENV)-jax $(VENV)-oldest $(VENV)-wheel dist docs/_build

$(VENV)/.tests: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[tests]"
	touch $@

$(VENV)/.docs: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	touch $@

$(VENV)-jax/.tests: pyproject.toml
	$(PYTHON) -m venv $(VENV)-jax
	$(VENV)-jax/bin/python -m pip install --quiet --editable ".[tests,jax]"
	touch $@

$(VENV)-oldest/.tests: pyproject.toml tests/oldest.txt
	$(PYTHON) -m venv $(VENV)-oldest
	$(VENV)-oldest/bin/python -m pip install --quiet --requirement tests/oldest.txt \
	    --editable . hypothesis pytest pytest-xdist
	touch $@
