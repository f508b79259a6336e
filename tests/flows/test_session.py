"""A run that goes on in another process ends as one that was never stopped."""

import json
import shutil

import keras
import pytest

from ganlab.experiment import run_experiment
from ganlab.flows.plan import plan_experiment
from ganlab.runs.folder import RunFolder
from ganlab.training import health
from tests.training.tiny import tiny_config

BLANK = [{"Dense": {"units": 64, "kernel_initializer": "zeros"}}, {"Reshape": {"target_shape": [8, 8, 1]}}]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run whose generator makes one picture, and its plan."""
    folder = tmp_path_factory.mktemp("results")
    config = tiny_config(
        generator=BLANK,
        discriminator=["Flatten", {"Dense": {"units": 1}}],
        optimizer={"SGD": {"learning_rate": 1e-6}},
        train={"steps": 6},
        output={"checkpoint_every": 3, "samples_every": None, "grid": [1, 2]},
        metrics=[],
        jit=False,
        backend=keras.backend.backend(),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANLAB_CACHE", str(folder / "cache"))
        patch.setattr(health, "ENOUGH_STEPS", 0)
        run_experiment(plan_experiment(config, folder), folder, quiet=True)
        yield folder, config


@pytest.fixture
def killed(finished, tmp_path):
    """The same run as it is left by a process that is killed between its last checkpoint and its summary."""
    results, config = finished
    shutil.copytree(results, tmp_path / "results")
    plan = plan_experiment(config, tmp_path / "results")
    summary = json.loads(plan.folder.summary.read_text())
    plan.folder.summary.unlink()
    plan.folder.set_status("running")
    return plan, summary


def go_on(plan, results) -> RunFolder:
    return run_experiment(plan, results, quiet=True)


def test_the_run_collapses(finished):
    results, config = finished
    summary = json.loads(plan_experiment(config, results).folder.summary.read_text())
    assert (summary["status"], summary["verdict"]) == ("finished", "collapsed") and summary["reason"]


@pytest.mark.parametrize("checkpoint_of_before", [False, True])
def test_a_run_killed_after_its_last_checkpoint_keeps_its_verdict(killed, tmp_path, checkpoint_of_before):
    plan, before = killed
    if checkpoint_of_before:  # which left the verdict in status.json alone
        manifest = plan.folder.state(6) / "MANIFEST.json"
        content = json.loads(manifest.read_text())
        del content["health"]
        manifest.write_text(json.dumps(content))
    folder = go_on(plan, tmp_path / "results")
    after = json.loads(folder.summary.read_text())
    times = ("seconds", "training_seconds", "steps_per_second", "images_per_second")
    assert {key: value for key, value in after.items() if key not in times} == {
        key: value for key, value in before.items() if key not in times
    }
    assert (folder.status()["verdict"], folder.status()["reason"]) == (before["verdict"], before["reason"])
