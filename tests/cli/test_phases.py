"""A run whose networks grow: two phases with images of different sizes in one folder."""

import contextlib
import json

import keras
import numpy as np
import pytest

from ganlab.config.loading import load_config
from ganlab.errors import ConfigError, GanlabError
from ganlab.flows.load import load_checkpoint
from ganlab.pictures.samples import write_samples
from ganlab.runs.folder import RunFolder
from ganlab.storage.weights import check_weights
from tests.cli.experiments import states, the_run, train
from tests.reliability.runs import GROWING

CONFIG = f"""\
name: growing
data: {{name: digits}}
latent: {{dim: 4}}
{GROWING}"""
CONFIG += """\
discriminator:
  layers:
    - phases: [2]
      layers: [AveragePooling2D: {pool_size: 2}]
    - Flatten
    - Dense: {units: 8, activation: relu}
    - Dropout: {rate: 0.3}
    - Dense: {units: 1}
  optimizer: {Adam: {learning_rate: 1.0e-3}}
loss: non_saturating
phases: [{image_size: 4, steps: 6}, {image_size: 8, steps: 8, fade: 4}]
train: {batch_size: 8}
output: {samples_every: 4, checkpoint_every: 3, keep_checkpoints: all, grid: [2, 3]}
metrics: []
jit: false
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory, cache):
    """The folder of a run that was not stopped."""
    return train(tmp_path_factory.mktemp("whole"), CONFIG, cache)


@pytest.fixture
def growing(ganlab, tmp_path):
    (tmp_path / "growing.yaml").write_text(CONFIG)
    return lambda *words: ganlab("run", "growing.yaml", "-q", *words)


@pytest.fixture
def stopped_after(monkeypatch, tmp_path):
    """Has a signal come as soon as history.csv has so many steps."""

    def patch(steps):
        @contextlib.contextmanager
        def watched(*_):
            yield lambda: "SIGTERM" if history_lines(tmp_path) > steps else None

        monkeypatch.setattr("ganlab.experiment.watched_signals", watched)

    def history_lines(folder):
        return sum(path.read_text().count("\n") for path in folder.glob("stopped/*/*/history.csv"))

    return patch


def body_of(run, step):
    """The kernel of the generator's dense layer, which is in both phases."""
    return check_weights(run / "checkpoints" / f"generator-{step:06d}.weights.h5")["layers/dense/vars/0"]


def test_both_phases_leave_one_folder_that_verifies(growing, ganlab, tmp_path):
    assert growing()[0] == 0
    run = the_run(tmp_path / "results")
    assert [line.split(",")[0] for line in (run / "history.csv").read_text().splitlines()[1:]] == [
        str(step) for step in range(1, 15)
    ]
    assert ganlab("verify", "results")[0] == 0
    assert not np.array_equal(body_of(run, 6), body_of(run, 14))
    assert json.loads((run / "summary.json").read_text())["steps"] == 14
    for step in (3, 14):  # a checkpoint of either phase is sampled with the networks of its own phase
        assert ganlab("sample", "growing", "--step", step, "--count", 4, "--out", f"{step}.png")[0] == 0


def test_pictures_show_the_new_layers_as_far_as_they_have_come_in(growing, ganlab, tmp_path):
    """At step 8 half of the fade is over: the picture of the training is the one that a checkpoint gives later."""
    assert growing("-o", "output.samples_at=[8]", "-o", "output.checkpoint_every=8", "-o", "output.grid=[2, 2]")[0] == 0
    run = the_run(tmp_path / "results")
    loaded = load_checkpoint(RunFolder(run), 8)
    assert loaded.sampler.step == 8
    write_samples(tmp_path / "later.png", loaded.sampler.grid(2, 2), (2, 2), "tanh")
    assert (tmp_path / "later.png").read_bytes() == (run / "samples" / "000008.png").read_bytes()
    loaded.sampler.step = 14  # when the fade is over
    write_samples(tmp_path / "after.png", loaded.sampler.grid(2, 2), (2, 2), "tanh")
    assert (tmp_path / "after.png").read_bytes() != (run / "samples" / "000008.png").read_bytes()


def test_metrics_compare_with_the_images_of_the_last_phase(growing, ganlab, tmp_path):
    small = CONFIG.replace("units: 16", "units: 4").replace("[4, 4, 1]", "[2, 2, 1]")
    small = small.replace("image_size: 8", "image_size: 4").replace(
        "image_size: 4, steps: 6", "image_size: 2, steps: 6"
    )
    (tmp_path / "growing.yaml").write_text(small)
    assert growing()[0] == 0
    code, out, _ = ganlab("evaluate", "growing", "--metric", "fd500_random", "--json")
    (value,) = json.loads(out)["values"]
    assert code == 0 and (value["step"], value["name"]) == (14, "fd500_random")
    out = ganlab("evaluate", "growing", "--metric", "fd500_random", "--all-steps", "--json")[1]
    assert {value["step"] for value in json.loads(out)["values"]} == {9, 12, 14}
    code, out, err = ganlab("evaluate", "growing", "--metric", "fd500_random", "--step", 6)
    assert (code, out) == (1, "") and err.endswith("step 6 is of an earlier phase, whose images have another size\n")


def test_layers_in_both_phases_go_on_with_their_weights(growing, tmp_path, monkeypatch):
    still = ["-o", "generator.optimizer={SGD: {learning_rate: 0.0}}"]
    assert growing(*still)[0] == 0
    run = the_run(tmp_path / "results")
    assert np.array_equal(body_of(run, 6), body_of(run, 14))


@pytest.mark.parametrize("steps", [3, 6, 8])
def test_a_run_stopped_in_either_phase_ends_as_if_it_had_not_stopped(
    growing, whole, stopped_after, tmp_path, steps, monkeypatch
):
    keras.utils.clear_session()  # Keras numbers seed generators over the process; a new process begins at 0
    with monkeypatch.context():
        stopped_after(steps)
        code = growing("--results", "stopped")[0]
        assert code == 75
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    keras.utils.clear_session()
    assert growing("--results", "stopped")[0] == 0
    expected, resumed = states(whole, 14), states(the_run(tmp_path / "stopped"), 14)
    assert expected.keys() == resumed.keys()
    assert [name for name in expected if not np.array_equal(expected[name], resumed[name])] == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("fade: 4", "fade: 9", "phases[1].fade: expected at most 8 (the phase's steps), received 9"),
        ("train: {batch_size: 8}", "train: {batch_size: 8, steps: 3}", "train.steps: expected none beside phases"),
        ("steps: 6}", "steps: 0}", "phases[0].steps: expected an integer >= 1, received 0"),
    ],
)
def test_wrong_phases_are_one_line(tmp_path, old, new, message):
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG.replace(old, new))
    with pytest.raises(ConfigError, match="^" + str(path)) as caught:
        load_config(path)
    assert message in str(caught.value)


def test_weights_of_another_run_start_the_first_phase_alone(growing, ganlab, tmp_path):
    """The networks of the second phase are larger."""
    short = "phases=[{image_size: 4, steps: 12}, {image_size: 8, steps: 1}]"
    assert growing("--results", "old", "-o", short)[0] == 0
    code, _, err = growing("-o", "name=again", "--init-from", f"{the_run(tmp_path / 'old')}:12")
    assert (code, err) == (0, "") and ganlab("verify", "results")[0] == 0


def test_an_error_between_two_phases_is_in_the_status(growing, tmp_path, monkeypatch):
    from ganlab.flows.session import Session

    build = Session.__init__

    def failing(self, plan, stretch, *more):
        if stretch.start:
            raise GanlabError("the weights do not fit")
        build(self, plan, stretch, *more)

    with monkeypatch.context() as patched:
        patched.setattr(Session, "__init__", failing)
        assert growing()[0] == 1
    folder = RunFolder(the_run(tmp_path / "results"))
    status = folder.status()
    assert (status["status"], status["reason"]) == ("failed", "the weights do not fit")
    assert growing()[0] == 0 and folder.status()["status"] == "finished"
