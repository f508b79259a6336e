# make demo   makes the environment, installs ganlab and trains the quickstart
# make test   makes the environment with test extras and runs the whole suite
# make test-backends  runs the suites of training, objectives, backends, models and metrics on TensorFlow, JAX and PyTorch; make test-parity holds the
#             three against each other
# make lint   checks style; make docs writes docs/cli.md; make clean removes the environment
# make torture  kills runs and sweeps, and lets every file operation fail: an hour; see docs/reliability.md
# make smoke  trains every config for 20 steps (those whose data are here) and looks at what each leaves
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-fast test-backends test-parity torture smoke lint docs clean

# An environment is current when its stamp is newer than what describes it.
$(VENV)/.installed: setup.cfg pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

$(VENV)/.installed-backends: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,torch,jax]'
	touch $@

demo: $(VENV)/.installed
	$(BIN)/ganlab run configs/quickstart.yaml
	@# Asked for its folder, for there may be other runs of that name.
	$(BIN)/ganlab show $$($(BIN)/ganlab run configs/quickstart.yaml --quiet)

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest

test-fast: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m "not slow and not data"

PARITY := tests/backends/test_parity.py tests/backends/test_devices.py tests/cli/test_backends.py \
	tests/reliability/test_backends.py

test-backends: $(VENV)/.installed-backends
	$(BIN)/python -m pytest $(PARITY)
	for backend in tensorflow jax torch; do \
		GANLAB_TEST_BACKEND=$$backend $(BIN)/python -m pytest tests/training tests/objectives tests/backends tests/models tests/metrics \
			$(PARITY:%=--ignore=%) || exit 1; done

test-parity: $(VENV)/.installed-backends
	$(BIN)/python -m pytest -rs $(PARITY)

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
