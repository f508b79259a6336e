"""A run that goes on in another process ends as one that was never stopped."""

import json
import shutil

import keras
import pytest

from ganlab.backends import load_backend
from ganlab.errors import CheckpointError
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


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("health", {"verdict": ["ok"]}, "no health report: verdict "),
        ("health", "ok", "no health report: verdict "),
        ("compiled", {"jit": False, "room": 0}, "no form of a step: jit False, fold False, room 0"),
        ("compiled", None, "no form of a step: jit None"),
    ],
)
def test_a_manifest_from_elsewhere_is_checked(killed, tmp_path, key, value, message):
    plan, _ = killed
    manifest = plan.folder.state(6) / "MANIFEST.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {key: value}))
    with pytest.raises(CheckpointError) as caught:
        go_on(plan, tmp_path / "results")
    assert str(caught.value).startswith(f"{plan.folder.path}: damaged: the manifest of its newest state: {message}")


def test_a_checkpoint_says_what_went_otherwise_than_its_form(finished, tmp_path, monkeypatch):
    steps = load_backend(keras.backend.backend()).Steps
    monkeypatch.setattr(steps, "note", "no CUDA graph: no reason")
    plan = plan_experiment(finished[1], tmp_path)
    manifest = json.loads((go_on(plan, tmp_path).state(6) / "MANIFEST.json").read_text())
    assert manifest["note"] == "no CUDA graph: no reason"
    results, config = finished
    assert "note" not in (plan_experiment(config, results).folder.state(6) / "MANIFEST.json").read_text()


def test_pictures_and_metrics_that_fail_leave_a_finished_run(finished, tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise ArithmeticError("no")

    for name in ("training.callbacks.write_samples", "metrics.evaluation.evaluate_all"):
        monkeypatch.setattr(f"ganlab.{name}", fail)
    for name in ("write_models", "plots.write_losses", "plots.write_outputs"):
        monkeypatch.setattr(f"ganlab.flows.session.{name}", fail)
    config = finished[1].model_copy(update={"metrics": ["is1k_classifier"]})
    plan = plan_experiment(config, tmp_path)
    folder = go_on(plan, tmp_path)
    said = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[0].rpartition("/")[2] for line in said if "not drawn" in line] == [
        *("gan.png", "000006.png", "losses.png", "outputs.png")
    ]
    assert sum(": no metrics at step 6: ArithmeticError: no; `ganlab evaluate " in line for line in said) == 1
    assert json.loads(folder.summary.read_text())["metrics"] == {} and folder.state(6).exists()
    assert folder.status()["status"] == "finished"
    assert folder.status()["not_drawn"] == ["models/gan.png", "samples/000006.png", "losses.png", "outputs.png"]
