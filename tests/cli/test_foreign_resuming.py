"""`ganlab run` that would go on in a folder which someone else has had: links and pipes are refused, links above it are not."""

import json
import os
import shutil

import pytest

from ganlab.config.loading import load_config
from ganlab.flows.plan import plan_experiment
from tests.cli.experiments import files_below, the_run
from tests.hostile.watch import watching

NAMES = ["status.json", "history.csv", "metrics.jsonl", "samples", "samples.gif", "checkpoints", "models"]
NAMES += ["checkpoints/state-000008", "checkpoints/state-000008/variables.npz", "new"]
START = ("run", "tiny.yaml", "-q")


@pytest.fixture
def run(trained):
    return the_run(trained / "results")


@pytest.fixture
def stopped(run):
    """The run as it was left after step 8."""
    status = json.loads((run / "status.json").read_text()) | {"status": "stopped", "checkpoint": 8}
    (run / "status.json").write_text(json.dumps(status))
    shutil.rmtree(run / "checkpoints/state-000012")
    return run


@pytest.mark.parametrize("name", NAMES)
def test_a_link_is_refused_before_anything_is_read_or_changed(ganlab, trained, stopped, name):
    outside = trained / "outside"
    outside.mkdir()
    (stopped / "new").write_text("of no name that ganlab knows")
    (stopped / name).rename(outside / "it")
    (stopped / name).symlink_to(outside / "it")
    before = files_below(trained)
    line = f"{stopped.relative_to(trained) / name}: refused: a link, in a run folder\n"
    with watching(outside) as touched:
        for words in (START, (*START, "--dry-run"), ("run", "tiny.yaml", "--json")):
            assert ganlab(*words) == (1, "", line)
        assert touched() == set()
        (outside / "it").rename(outside / "moved")
        assert touched() != set()
        (outside / "moved").rename(outside / "it")
    assert files_below(trained) == before


def test_a_sweep_refuses_every_folder_with_a_link_before_it_starts_a_run(ganlab, trained, stopped):
    """One sweep of as many seeds as there are names, each with a link of that name in its folder."""
    outside, runs = trained / "outside", {}
    for seed, name in enumerate(NAMES):
        config = load_config(trained / "tiny.yaml", seed=seed)
        runs[name] = plan_experiment(config, trained / "results").folder.path
        if runs[name] != stopped:
            shutil.copytree(stopped, runs[name])
    for number, (name, run) in enumerate(runs.items()):
        (run / "new").write_text("of no name that ganlab knows")
        (outside / str(number)).mkdir(parents=True)
        (run / name).rename(outside / str(number) / "it")
        (run / name).symlink_to(outside / str(number) / "it")
    before = files_below(trained)
    seeds = ",".join(str(seed) for seed in range(len(NAMES)))
    with watching(outside) as touched:
        code, out, err = ganlab("sweep", "tiny.yaml", "--seeds", seeds)
        assert touched() == set()
    lines = [f"{run.relative_to(trained) / name}: refused: a link, in a run folder" for name, run in runs.items()]
    assert (code, out) == (1, "") and err.splitlines()[-len(NAMES) - 1 : -1] == lines
    assert files_below(trained) == before


def test_a_pipe_is_not_waited_for(ganlab, stopped):
    (stopped / "history.csv").unlink()
    os.mkfifo(stopped / "history.csv")
    code, out, err = ganlab(*START)
    assert (code, out) == (1, "") and err.endswith("history.csv: refused: no regular file, in a run folder\n")


@pytest.mark.parametrize("place", ["results/digits", "results/digits/RUN"])
@pytest.mark.parametrize("target", ["other disk", "nowhere", "results/elsewhere"])
def test_a_link_in_the_place_of_the_folder_is_refused_wherever_it_leads(ganlab, trained, stopped, place, target):
    path = trained / place.replace("RUN", stopped.name)
    path.rename(trained / "other disk")
    if target == "results/elsewhere":
        (trained / "other disk").rename(trained / target)
    path.symlink_to(trained / target)
    before = files_below(trained)
    for words in (START, (*START, "--dry-run")):
        line = f"{path.relative_to(trained)}: refused: a link, in a folder of results\n"
        assert ganlab(*words) == (1, "", line)
    assert files_below(trained) == before and path.is_symlink()


@pytest.mark.parametrize("place", ["results/digits", "results/digits/RUN"])
@pytest.mark.parametrize(
    "words", [("ls",), ("report",), ("verify", "results"), ("evaluate", "tiny"), ("sample", "tiny")]
)
def test_no_other_command_opens_what_lies_behind_a_link(ganlab, trained, run, place, words):
    outside, path = trained / "outside", trained / place.replace("RUN", run.name)
    path.rename(outside)
    path.symlink_to(outside)
    with watching(outside) as touched:
        code, out, err = ganlab(*words)
        assert touched() == set()
    assert code != 0 and "Traceback" not in err
    assert words[0] in ("evaluate", "sample") or f"{path.relative_to(trained)}: refused: a link" in out + err


def test_a_user_who_names_a_link_means_the_folder_behind_it(ganlab, trained, run):
    (trained / "results" / "digits").rename(trained / "outside")
    (trained / "results" / "digits").symlink_to(trained / "outside")
    assert ganlab("show", run)[0] == ganlab("report", "results/digits")[0] == ganlab("verify", "results/digits")[0] == 0


def test_beside_it_a_new_run_can_start(ganlab, stopped):
    (stopped / "link").symlink_to("nowhere")
    code, out, _ = ganlab(*START, "--fresh", "--dry-run")
    assert code == 0 and "samples_every" in out


def test_the_folder_of_results_may_be_a_link(ganlab, trained, stopped):
    disk, path = trained.parent / "other disk", trained / "results"
    path.rename(disk)
    path.symlink_to(disk)
    code, out, err = ganlab(*START)
    assert (code, out, err) == (0, f"{stopped.relative_to(trained)}\n", "") and path.is_symlink()
    assert json.loads((stopped / "status.json").read_text())["status"] == "finished"
    assert (stopped / "checkpoints/state-000012/MANIFEST.json").is_file() and ganlab("verify", stopped)[0] == 0


def test_no_run_starts_from_weights_behind_a_link(ganlab, trained, run):
    (run / "checkpoints").rename(trained / "outside")
    (run / "checkpoints").symlink_to(trained / "outside")
    with watching(trained / "outside") as touched:
        code, out, err = ganlab("run", "tiny.yaml", "--results", "new", "--init-from", run)
        assert touched() == set()
    assert (code, out) == (1, "") and err.endswith("checkpoints: refused: a link, in a run folder\n")


class TestWhatLiesBesideTheRun:
    """Locks and logs of a folder of results that was someone else's."""

    @pytest.fixture
    def thesis(self, trained):
        (trained / "outside").mkdir()
        (trained / "outside" / "thesis.txt").write_text("a year of work\n")
        return trained / "outside" / "thesis.txt"

    @pytest.mark.parametrize("name", [".locks", ".locks/ID.lock", ".locks/ID.owner"])
    @pytest.mark.parametrize("words", [START, ("evaluate", "tiny")], ids=lambda words: words[0])
    def test_no_command_opens_a_lock_that_is_a_link(self, ganlab, trained, stopped, thesis, name, words):
        identity = json.loads((stopped / "status.json").read_text())["identity"]
        path = trained / "results" / name.replace("ID", identity[:16])
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(thesis if path.suffix else thesis.parent)
        before = files_below(trained)
        with watching(thesis.parent) as touched:
            code, out, err = ganlab(*words)
            assert touched() == set()
        line = f"{path.relative_to(trained)}: refused: a link, in a folder of results\n"
        assert (code, out, err.count("\n")) == (1, "", 1) and err.endswith(line)
        assert files_below(trained) == before


@pytest.mark.parametrize("identity", ["../../uv", "ABSOLUTE", "0/../../../uv", "\0", 7, None, ["../../uv"], {"a": 1}])
@pytest.mark.parametrize("words", [("evaluate", "tiny"), START, ("verify", "results")], ids=lambda words: words[0])
def test_an_identity_that_is_a_path_removes_no_file(ganlab, trained, stopped, identity, words):
    for name in ("uv.lock", "uv.owner"):
        (trained / name).write_text("mine\n")
    status = json.loads((stopped / "status.json").read_text())
    identity = str(trained / "uv") if identity == "ABSOLUTE" else identity
    (stopped / "status.json").write_text(json.dumps(status | {"identity": identity}))
    before = files_below(trained)
    code, out, err = ganlab(*words)
    assert code == (6 if words[0] == "verify" else 1)
    assert "status.json: damaged: identity: expected 64 hex digits, received " in out + err
    assert files_below(trained) == before
