"""GANs that really fail, and one that does not: what the folder, the history and the tables say of them.

experiments/failing_gans has longer runs of the same configs and counts false alarms.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from ganlab.runs.logs import read_history
from tests.cli.experiments import SECRET, files_below, the_run

CONFIGS = Path(__file__).parents[2] / "experiments" / "failing_gans"


def train(ganlab, folder: Path, config: str, *overrides: str) -> tuple[int, Path, str]:
    """Trains a config in `folder`/results: exit code, run folder, what stderr said."""
    options = [word for override in overrides for word in ("-o", override)]
    code, _, err = ganlab("run", CONFIGS / config, *options, "-q")
    if code == 7:
        pytest.skip(err)
    return code, the_run(folder / "results"), err


def reported(ganlab, run: Path) -> dict:
    """The verdict wherever it is told, and the last look's values in the history."""
    history = read_history(run / "history.csv")
    (listed,) = json.loads(ganlab("ls", "--json")[1])["runs"]
    (cell,) = json.loads(ganlab("report", "--format", "json")[1])["cells"]
    status, summary = (json.loads((run / name).read_text()) for name in ("status.json", "summary.json"))
    verdicts = {listed["verdict"], cell["verdict"], status["verdict"], summary["verdict"]}
    assert len(verdicts) == 1, verdicts
    return {
        "verdict": verdicts.pop(),
        "reason": status["reason"],
        **{name: history[name][-1] for name in ("diversity", "recall")},
    }


@pytest.mark.slow
def test_a_generator_that_learns_too_fast_collapses_and_everything_says_so(ganlab, tmp_path):
    code, run, err = train(ganlab, tmp_path, "failing/wild_generator.yaml", "train.steps=500")
    said = reported(ganlab, run)
    assert code == 0 and said["verdict"] == "collapsed", err
    assert said["reason"].startswith("generated images ") and said["recall"] < 0.05


@pytest.mark.slow
@pytest.mark.data
def test_the_one_layer_sigmoid_networks_of_winkler2018_collapse(ganlab, tmp_path, monkeypatch):
    code, run, err = train(ganlab, tmp_path, "failing/winkler_sigmoid.yaml", "train.steps=1000", "metrics=[]")
    assert code == 0 and reported(ganlab, run)["verdict"] == "collapsed", err


@pytest.mark.slow
def test_one_that_trains_well_is_ok_at_every_look(ganlab, tmp_path):
    code, run, _ = train(ganlab, tmp_path, "healthy/base/dense.yaml", "train.steps=750", "metrics=[]")
    looked = read_history(run / "history.csv")
    looks = np.isfinite(looked["diversity"])
    assert code == 0 and reported(ganlab, run)["verdict"] == "ok" and looks.sum() == 3
    assert (looked["diversity"][looks] > 0.6).all() and (looked["recall"][looks] > 0.2).all()


@pytest.mark.slow
def test_a_run_may_stop_when_two_looks_agree_and_keeps_its_checkpoints(ganlab, tmp_path):
    code, run, err = train(ganlab, tmp_path, "failing/wild_generator.yaml", "train.stop_on=[collapsed]", "metrics=[]")
    status = json.loads((run / "status.json").read_text())
    assert code == 1 and "stopped at step 500: collapsed: generated images " in err
    assert (status["status"], status["health"]["verdict"]) == ("failed", "collapsed")
    assert json.loads(ganlab("ls", "--json")[1])["runs"][0]["verdict"] == "collapsed"
    assert (run / "checkpoints" / "generator-000250.weights.h5").is_file()


@pytest.mark.slow
def test_a_run_that_diverges_ends_within_the_chunk_and_keeps_the_checkpoint_before(ganlab, tmp_path):
    # The rate rises from harmless to hopeless between step 30 and 40.
    rate = "{SGD: {learning_rate: {PiecewiseConstantDecay: {boundaries: [35], values: [0.001, 1.0e+36]}}}}"
    overrides = ("train.steps=60", "output.checkpoint_every=10", "metrics=[]", f"generator.optimizer={rate}")
    code, run, err = train(ganlab, tmp_path, "healthy/base/dense.yaml", *overrides)
    said = reported(ganlab, run)
    status = json.loads((run / "status.json").read_text())
    assert code == 4 and said["verdict"] == status["status"] == "diverged"
    assert "is not finite at step 3" in err and said["reason"] in err
    assert sorted(path.name for path in (run / "checkpoints").glob("state-*")) == ["state-000020", "state-000030"]
    assert len(read_history(run / "history.csv")["step"]) < 60


def test_no_file_of_a_run_holds_what_stands_in_the_environment(trained):
    files = files_below(the_run(trained / "results"))
    assert len(files) > 20 and not [name for name, content in files.items() if SECRET.encode() in content]
