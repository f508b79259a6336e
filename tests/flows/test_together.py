"""Runs that train together leave what they leave alone. On JAX: `GANLAB_TEST_BACKEND=jax pytest tests/flows/test_together.py`."""

import csv
import json
import os
import shutil
import signal

import keras
import numpy as np
import pytest

from ganlab.config.loading import load_config
from ganlab.errors import DivergedError, LockedError, StoppedError
from ganlab.experiment import run_experiment
from ganlab.flows import together
from ganlab.flows.plan import plan_experiment
from ganlab.flows.verify import verify_run
from ganlab.runs.folder import remove
from ganlab.runs.locks import locked
from ganlab.training.checkpoints import read_state

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="runs train together on JAX only")

SEEDS, STEPS = (0, 1, 2), 12
# Everything that a lane could share with another by mistake: random layers, drawn labels, schedules, averages, a lazy
# penalty, codes, averages of outputs, a probability and random changes of images.
CONFIG = f"""\
name: tiny
backend: jax
data: {{name: digits}}
latent: {{dim: 4, categorical: [3], continuous: 1}}
generator:
  layers:
    - Dense: {{units: 8, use_bias: false}}
    - BatchNormalization
    - Dropout: {{rate: 0.2}}
    - Dense: {{units: 64, activation: tanh}}
    - Reshape: {{target_shape: [8, 8, 1]}}
  optimizer: {{Adam: {{learning_rate: {{ExponentialDecay: {{initial_learning_rate: 1e-3, decay_steps: 5, decay_rate: 0.9}}}}}}}}
discriminator:
  layers:
    - Flatten
    - Dense: {{units: 8}}
    - LeakyReLU
    - Dropout: {{rate: 0.3}}
    - Dense: {{units: 5}}
  optimizer: {{Adam: {{learning_rate: 1e-3}}}}
loss: {{non_saturating: {{real_label: [0.8, 1.0], flip_labels: 0.1}}}}
penalty: {{r1: {{weight: 1, every: 2}}}}
lecam: {{weight: 0.3}}
consistency: {{weight: 1.0}}
adaptive: {{method: ada, target: -1.0, images: 64, interval: 2}}
train: {{steps: {STEPS}, batch_size: 8, ema: 0.9}}
output: {{samples_every: 6, checkpoint_every: 4, grid: [2, 3]}}
metrics: [is1k_classifier]
"""
# For promises that do not depend on them: they take most of the time in which a step is compiled.
REGULARIZERS = ("lecam:", "consistency:", "adaptive:")
SIMPLE_CONFIG = "".join(line for line in CONFIG.splitlines(keepends=True) if not line.startswith(REGULARIZERS))


@pytest.fixture(scope="module", autouse=True)
def compiled_once(tmp_path_factory):
    """JAX keeps what it has compiled: most runs here compile the same steps."""
    import jax

    options = {
        "jax_compilation_cache_dir": str(tmp_path_factory.mktemp("compiled")),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": 0,
    }
    before = {name: getattr(jax.config, name) for name in options}
    for name, value in options.items():
        jax.config.update(name, value)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def planning(folder, config):
    path = folder / "tiny.yaml"
    path.write_text(config)
    return lambda results, seed, *changes: plan_experiment(load_config(path, changes, seed), results)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return planning(tmp_path_factory.mktemp("config"), CONFIG)


@pytest.fixture(scope="module")
def simple_plan(tmp_path_factory):
    return planning(tmp_path_factory.mktemp("config"), SIMPLE_CONFIG)


@pytest.fixture(scope="module")
def alone(plan, tmp_path_factory):
    """The results folder of runs that trained one after another."""
    results = tmp_path_factory.mktemp("alone")
    for seed in SEEDS:
        run_experiment(plan(results, seed), results, quiet=True)
    return results


@pytest.fixture(scope="module", params=[False, True], ids=["steps", "chunks"])
def whole(request, plan, tmp_path_factory):
    """The results folder of the same runs, trained together: step by step, or in compiled chunks."""
    results = tmp_path_factory.mktemp("together")
    plans = [plan(results, seed, *(["jit=true"] if request.param else [])) for seed in SEEDS]
    assert together.train_together(plans, results) == ([None] * len(SEEDS), False)
    return results


def run_of(results, seed):
    (run,) = results.glob(f"digits/tiny-seed{seed}-*")
    return run


def rows_of(run):
    with (run / "history.csv").open() as file:
        table = [{key: float(value or "nan") for key, value in row.items()} for row in csv.DictReader(file)]
    return np.array([[value for key, value in row.items() if key != "seconds"] for row in table])


def arrays_of(run, step=STEPS):
    return read_state(run / "checkpoints" / f"state-{step:06d}")[0]


def names_in(run):
    return {path.relative_to(run).as_posix() for path in run.rglob("*")}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lane_leaves_the_files_and_numbers_of_a_run_alone(alone, whole, seed):
    expected, found = run_of(alone, seed), run_of(whole, seed)
    assert names_in(found) == names_in(expected)
    assert verify_run(found).damage == []
    np.testing.assert_allclose(rows_of(found), rows_of(expected), atol=2e-5)
    for name, array in arrays_of(expected).items():
        np.testing.assert_allclose(arrays_of(found)[name], array, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("seed", SEEDS)
def test_its_summary_differs_from_a_run_alone_in_times_only(alone, whole, seed):
    expected, found = (json.loads((run_of(results, seed) / "summary.json").read_text()) for results in (alone, whole))
    assert found.keys() == expected.keys() and found["status"] == "finished"
    assert found["metrics"]["is1k_classifier"]["last"] == pytest.approx(
        expected["metrics"]["is1k_classifier"]["last"], rel=1e-3
    )


def test_the_environment_tells_the_number_of_lanes(whole):
    for seed in SEEDS:
        assert json.loads((run_of(whole, seed) / "environment.json").read_text())["lanes"] == len(SEEDS)


def test_lanes_differ(whole):
    first, second = (arrays_of(run_of(whole, seed)) for seed in SEEDS[:2])
    assert not all(np.allclose(first[name], second[name]) for name in first if name.startswith("networks"))


def require_same_end(results, expected):
    for seed in SEEDS:
        found, arrays = arrays_of(run_of(results, seed)), arrays_of(run_of(expected, seed))
        assert [name for name in arrays if not np.array_equal(found[name], arrays[name])] == []
        np.testing.assert_array_equal(rows_of(run_of(results, seed)), rows_of(run_of(expected, seed)))


def changes_of(results):
    return ["jit=true"] if "jit: true" in (run_of(results, 0) / "config.yaml").read_text() else []


def test_after_a_kill_the_lanes_go_on_from_the_newest_step_that_all_have(whole, plan, tmp_path):
    results = tmp_path / "results"
    shutil.copytree(whole, results)
    for seed in SEEDS:  # one lane had saved step 12, the others only step 8
        run = run_of(results, seed)
        (run / "summary.json").unlink()
        (run / "status.json").write_text((run / "status.json").read_text().replace('"finished"', '"running"'))
        if seed:
            remove(run / "checkpoints" / f"state-{STEPS:06d}")
    plans = [plan(results, seed, *changes_of(whole)) for seed in SEEDS]
    assert together.train_together(plans, results) == ([None] * len(SEEDS), False)
    require_same_end(results, whole)


def test_a_signal_saves_all_lanes_at_one_step_and_they_end_as_if_there_had_been_none(
    whole, plan, tmp_path, monkeypatch
):
    plans = [plan(tmp_path, seed, *changes_of(whole)) for seed in SEEDS]
    on_chunk = together.Group.on_chunk

    def signalled(group, chunk):
        if chunk.step == 6:
            os.kill(os.getpid(), signal.SIGTERM)
        on_chunk(group, chunk)

    monkeypatch.setattr(together.Group, "on_chunk", signalled)
    errors, stopped = together.train_together(plans, tmp_path)
    assert stopped and [type(error) for error in errors] == [StoppedError] * len(SEEDS)
    assert [plan.folder.state_steps()[-1] for plan in plans] == [6] * len(SEEDS)
    monkeypatch.undo()
    run_experiment(plans[0], tmp_path, quiet=True)  # one of them alone
    assert together.train_together(plans, tmp_path) == ([None] * len(SEEDS), False)
    for seed in SEEDS:
        np.testing.assert_allclose(rows_of(run_of(tmp_path, seed)), rows_of(run_of(whole, seed)), atol=2e-5)


def test_a_lane_that_diverges_ends_alone(whole, plan, tmp_path, monkeypatch):
    plans = [plan(tmp_path, seed, *changes_of(whole)) for seed in SEEDS]
    begin = together.Lane.begin

    def spoiled(lane, *arguments):
        begin(lane, *arguments)
        if lane.plan is plans[1]:
            kernel = lane.session.models.networks["discriminator"].trainable_variables[0]
            kernel.assign(np.full(kernel.shape, np.nan, np.float32))

    monkeypatch.setattr(together.Lane, "begin", spoiled)
    errors, stopped = together.train_together(plans, tmp_path)
    assert [type(error) for error in errors] == [type(None), DivergedError, type(None)] and not stopped
    summary = json.loads(plans[1].folder.summary.read_text())
    assert summary["status"] == plans[1].folder.status()["status"] == summary["verdict"] == "diverged"
    for seed in (0, 2):
        np.testing.assert_array_equal(rows_of(run_of(tmp_path, seed)), rows_of(run_of(whole, seed)))


SCALARS = (
    [],
    ["discriminator.optimizer.Adam.learning_rate=3e-3", "penalty.r1.weight=5", "train.ema=0.5", "clip_weights=0.02"],
    [
        "generator.optimizer.Adam.learning_rate.ExponentialDecay.initial_learning_rate=5e-3",
        "generator.optimizer.Adam.learning_rate.ExponentialDecay.decay_rate=0.5",
        "loss={non_saturating: {real_label: 0.7, fake_label: [0, 0.2], flip_labels: 0}}",
        "discriminator.optimizer.Adam.beta_1=0.5",
    ],
)


CONVOLUTIONS = (
    "discriminator.layers=[{Conv2D: {filters: 2, kernel_size: 3, strides: 2}}, LeakyReLU, Flatten, {Dense: {units: 5}}]"
)


@pytest.mark.parametrize("networks", [[], [CONVOLUTIONS, "jit=true"]], ids=["stacked", "in turns"])
def test_lanes_may_differ_in_scalars(simple_plan, tmp_path, networks):
    """Rates, decays, betas, weights of penalties, averages, clipping and targets: each lane has its own."""
    common = [*networks, "metrics=[]", "clip_weights=0.5", "discriminator.optimizer.Adam.beta_1=0.9"]
    plans = {
        folder: [simple_plan(tmp_path / folder, 0, *common, f"name=tiny{n}", *more) for n, more in enumerate(SCALARS)]
        for folder in ("alone", "together")
    }
    for each in plans["alone"]:
        run_experiment(each, tmp_path / "alone", quiet=True)
    assert together.train_together(plans["together"], tmp_path / "together") == ([None] * len(SCALARS), False)
    for expected, found in zip(plans["alone"], plans["together"], strict=True):
        np.testing.assert_allclose(rows_of(found.folder.path), rows_of(expected.folder.path), atol=1e-4)
        arrays = arrays_of(found.folder.path)
        for name, array in arrays_of(expected.folder.path).items():
            np.testing.assert_allclose(arrays[name], array, atol=1e-4, err_msg=name)
    ends = [rows_of(each.folder.path)[-1] for each in plans["together"]]
    assert not np.allclose(ends[0], ends[1], atol=1e-2) and not np.allclose(ends[0], ends[2], atol=1e-2)


def test_a_run_of_another_process_and_a_finished_one_are_left_as_they_are(simple_plan, tmp_path):
    plans = [simple_plan(tmp_path, seed, "train.steps=4", "metrics=[]") for seed in SEEDS]
    run_experiment(plans[0], tmp_path, quiet=True)
    before = plans[0].folder.status()
    with locked(tmp_path, plans[1].identity):
        errors, _ = together.train_together(plans, tmp_path)
    assert [type(error) for error in errors] == [type(None), LockedError, type(None)]
    assert plans[0].folder.status() == before and not plans[1].folder.path.exists()
    assert plans[2].folder.status()["status"] == "finished"


def test_runs_without_a_common_state_are_not_thrown_back(simple_plan, tmp_path):
    changes = "train.steps=8", "metrics=[]"
    first, second = (simple_plan(tmp_path, seed, *changes) for seed in SEEDS[:2])
    run_experiment(first, tmp_path, quiet=True)
    first.folder.summary.unlink()
    first.folder.set_status("running")
    errors, _ = together.train_together([second, first], tmp_path)  # the first of them decides
    assert errors[0] is None and type(errors[1]) is StoppedError
    assert str(errors[1]) == f"{first.folder.path}: has no state of step 0; this run goes on alone"
    assert first.folder.state_steps() == [4, 8]
