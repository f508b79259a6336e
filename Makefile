# make demo   makes the environment, installs ganlab and trains the quickstart
# make test   makes the environment with test extras and runs the suite; make test-all runs its slow tests, too
# make test-backends  runs the suites of training, objectives, backends, models and metrics on TensorFlow, JAX and PyTorch;
#             make test-parity holds the three against each other
# make test-peers   compares the metrics with other programs' (pytorch-fid, torch-fidelity, clean-fid, torchmetrics, prdc)
# make test-extras  installs the extras mlflow, tensorboard, search, video and docs, and runs the tests that skip without them
# make lint   checks style, and the Dockerfile with hadolint
# make docs   writes docs/cli.md and docs/api.md; make site builds the pages as a web site; make clean removes the environment
# make torture  kills runs and sweeps, and lets every file operation fail: an hour; see docs/reliability.md
# make mutants  changes an operator, number or statement at a time and asks the tests; MUTANTS=PATH for one module
# make smoke  trains every config for 20 steps and the zoo for 2 (those whose data are here), and looks at what each leaves
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-slow test-all test-fast test-backends test-parity parity on-jax on-torch test-peers test-extras torture mutants smoke lint docs site clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# An environment is current when its stamp is newer than what describes it. A larger one has what each smaller one has.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

$(VENV)/.installed: setup.cfg pyproject.toml | $(BIN)/python
	$(INSTALL) -e .
	touch $@

$(VENV)/.installed-dev: setup.cfg pyproject.toml | $(BIN)/python
	$(INSTALL) -e '.[dev]'
	touch $(VENV)/.installed $@

$(VENV)/.installed-backends: setup.cfg pyproject.toml | $(BIN)/python
	$(INSTALL) -e '.[dev,torch,jax]'
	touch $(VENV)/.installed $(VENV)/.installed-dev $@

$(VENV)/.installed-peers: setup.cfg pyproject.toml | $(BIN)/python
	$(INSTALL) -e '.[dev,torch,jax,fid]'
	touch $(VENV)/.installed $(VENV)/.installed-dev $(VENV)/.installed-backends $@

demo: $(VENV)/.installed
	$(BIN)/ganlab run configs/quickstart.yaml
	@# Asked for its folder, for there may be other runs of that name.
	$(BIN)/ganlab show $$($(BIN)/ganlab run configs/quickstart.yaml --quiet)

PYTEST := $(BIN)/python -m pytest
# A process more than processors (tests/conftest.py); one that has nothing left to do takes over tests that wait for another.
# Each needs a gigabyte.
PARALLEL := -n auto --dist worksteal
ONE_BY_ONE := -n auto --dist load --maxschedchunk 1 # in their order: the longest first (tests/conftest.py)
BY_FILE := -n auto --dist loadfile # tests of a file share what they train
PARITY := tests/backends/test_parity.py tests/backends/test_devices.py tests/cli/test_backends.py \
	tests/reliability/test_backends.py
# What is of one backend alone.
ON_JAX := tests/flows/test_together.py tests/backends/test_kept_compilations.py
ON_TORCH := tests/backends/test_cuda_graphs.py tests/backends/test_torch_layers.py tests/backends/test_torch_tutorial.py \
	tests/backends/test_fused_adam.py tests/backends/test_steps.py
# Other programs' metrics, and files of weights that PyTorch writes.
PEERS := tests/metrics/test_peers.py tests/metrics/test_resizing.py tests/metrics/test_inception.py \
	tests/metrics/test_inception_weights.py tests/metrics/test_inception_files.py
# What skips without an extra.
EXTRAS := tests/trackers tests/cli/test_export.py tests/cli/test_track.py tests/sweeps/test_search.py tests/flows/test_sweep.py \
	tests/pictures/test_video.py tests/test_docs.py::TestSite tests/cli/test_sweep.py::test_a_search_trains_its_trials_and_goes_on_after_them
WITHOUT_PARITY := $(PARITY:%=--ignore=%)
# Slow ones that `make test-backends` runs, on each backend.
ON_EACH := tests/backends/test_residual_runs.py

test: $(VENV)/.installed-dev
	$(PYTEST) $(PARALLEL) -m "not slow" $(WITHOUT_PARITY)

test-slow: $(VENV)/.installed-dev
	$(PYTEST) $(ONE_BY_ONE) -m slow $(filter-out $(PARITY) $(ON_EACH),$(shell grep -rl --include='test_*.py' 'mark\.slow' tests))

test-all: test test-slow

test-fast: $(VENV)/.installed-dev
	$(PYTEST) $(PARALLEL) -m "not slow and not data" $(WITHOUT_PARITY) --ignore=tests/reliability

test-backends: $(VENV)/.installed-backends
	$(PYTEST) $(PARITY)
	GANLAB_TEST_BACKEND=jax $(PYTEST) $(ON_JAX)
	for backend in tensorflow jax torch; do \
		GANLAB_TEST_BACKEND=$$backend $(PYTEST) tests/training tests/objectives tests/backends tests/models tests/metrics tests/oracle \
			$(WITHOUT_PARITY) || exit 1; done

# These tests compile many steps, for a few calls each: XLA leaves out what makes a program fast. `make test-backends` runs
# them with the programs that users have.
# Nor have they work for several threads: PyTorch's took most of the time by waiting for each other.
QUICKLY := OMP_NUM_THREADS=1 XLA_FLAGS="--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true --xla_cpu_use_fusion_emitters=false"

# Most of what is on JAX is one file, which keeps one processor busy.
test-parity: $(VENV)/.installed-backends
	$(MAKE) -j 2 parity on-jax on-torch

parity:
	$(QUICKLY) $(PYTEST) $(BY_FILE) -rs $(PARITY)

on-jax:
	$(QUICKLY) GANLAB_TEST_BACKEND=jax $(PYTEST) $(ON_JAX)

on-torch:
	$(QUICKLY) GANLAB_TEST_BACKEND=torch $(PYTEST) $(ON_TORCH)

test-peers: $(VENV)/.installed-peers
	$(PYTEST) $(BY_FILE) -rs $(PEERS)

test-extras: $(VENV)/.installed-dev
	$(INSTALL) -e '.[mlflow,tensorboard,search,video,docs]'
	$(PYTEST) -rs $(EXTRAS)

torture: $(VENV)/.installed-dev
	$(BIN)/python -m tests.reliability.kills --kills 200
	$(BIN)/python -m tests.reliability.faults

mutants: $(VENV)/.installed-dev
	$(BIN)/python -m tests.mutants $(MUTANTS)

smoke: $(VENV)/.installed-dev
	GANLAB_SMOKE=all $(PYTEST) tests/test_smoke.py -rs --durations=0

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/hadolint Dockerfile

# docs/cli.md is what the commands' --help says, docs/api.md what the docstrings of the Python names say.
docs: $(VENV)/.installed
	$(BIN)/python docs/make_cli.py
	$(BIN)/python docs/make_api.py

site: $(VENV)/.installed-dev
	$(INSTALL) -e '.[docs]'
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) build *.egg-info
