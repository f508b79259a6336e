# make demo   makes the environment, installs ganlab and trains the quickstart
# make test   makes the environment with test extras and runs the whole suite
# make lint   checks style; make docs writes docs/cli.md; make clean removes the environment
# make torture  kills runs and sweeps, and lets every file operation fail: an hour; see docs/reliability.md
# make smoke  trains every config for 20 steps (those whose data are here) and looks at what each leaves
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-fast torture smoke lint docs clean

# An environment is current when its stamp is newer than what describes it.
$(VENV)/.installed: setup.cfg pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

demo: $(VENV)/.installed
	$(BIN)/ganlab run configs/quickstart.yaml
	@# Asked for its folder, for there may be other runs of that name.
	$(BIN)/ganlab show $$($(BIN)/ganlab run configs/quickstart.yaml --quiet)

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest

test-fast: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m "not slow and not data"

torture: $(VENV)/.installed-dev
	$(BIN)/python -m tests.reliability.kills --kills 200
	$(BIN)/python -m tests.reliability.faults

smoke: $(VENV)/.installed-dev
	GANLAB_SMOKE=all $(BIN)/python -m pytest tests/test_smoke.py -rs --durations=0

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# docs/cli.md is what the commands' --help says.
docs: $(VENV)/.installed
	$(BIN)/python docs/make_cli.py

clean:
	rm -rf $(VENV) build *.egg-info
