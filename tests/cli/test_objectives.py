"""Runs of other objectives than `gan` under the commands: run, verify, show, sample, evaluate, report, and a stop on the way."""

import contextlib
import json
import shutil

import pytest

from tests.cli.experiments import the_run, train
from tests.reliability.runs import CONFIGS, STEPS, outcome, require_same

COLUMNS = {"vae": "loss,reconstruction,kl", "evolutionary": "mutation,fitness,fitness_diversity"}


@pytest.fixture(scope="module", params=COLUMNS)
def objective(request):
    return request.param


@pytest.fixture(scope="module")
def whole(tmp_path_factory, cache, objective):
    """A folder with the results of a run that was not stopped."""
    folder = tmp_path_factory.mktemp(objective)
    train(folder, CONFIGS[objective], cache)
    return folder


@pytest.fixture
def run(whole, tmp_path):
    shutil.copytree(whole / "results", tmp_path / "results")
    return the_run(tmp_path / "results")


def test_a_run_has_its_columns_and_verifies(ganlab, run, objective):
    assert COLUMNS[objective] in (run / "history.csv").read_text().splitlines()[0]
    assert ganlab("verify", "results")[0] == 0
    assert ganlab("show", "tiny")[0] == 0


def test_its_checkpoints_are_sampled_and_evaluated(ganlab, run, objective, tmp_path):
    assert ganlab("sample", "tiny", "--count", 4, "--out", "four.png")[0] == 0
    assert (tmp_path / "four.png").stat().st_size
    code, out, _ = ganlab("evaluate", "tiny", "--metric", "fd500_random", "--json")
    (value,) = json.loads(out)["values"]
    assert code == 0 and (value["step"], value["name"]) == (STEPS, "fd500_random")


def test_it_stands_in_the_table_of_the_gans(ganlab, run, objective):
    assert ganlab("run", "tiny.yaml", "-q", "-o", "name=a_gan", "-o", "metrics=[is1k_classifier]")[0] == 0
    code, out, _ = ganlab("report", "--format", "json")
    assert code == 0 and {cell["name"] for cell in json.loads(out)["cells"]} == {"tiny", "a_gan"}


def test_only_a_vae_leaves_reconstructions(run, objective):
    found = [path.name for path in sorted((run / "samples").glob("reconstructions-*.png"))]
    assert found == ([f"reconstructions-{step:06d}.png" for step in (6, 12, 18, 24)] if objective == "vae" else [])
    assert (run / "real_and_generated.png").is_file()


@pytest.mark.slow
def test_a_stopped_run_ends_as_if_it_had_not_stopped(ganlab, whole, objective, tmp_path, monkeypatch):
    (tmp_path / "tiny.yaml").write_text(CONFIGS[objective])

    @contextlib.contextmanager
    def watched(*_):
        yield lambda: "SIGTERM" if any(tmp_path.glob("results/*/*/checkpoints/state-000009")) else None

    with monkeypatch.context() as patched:
        patched.setattr("ganlab.experiment.watched_signals", watched)
        assert ganlab("run", "tiny.yaml", "-q")[0] == 75
    assert ganlab("run", "tiny.yaml", "-q")[0] == 0
    require_same(outcome(tmp_path / "results"), outcome(whole / "results"))
