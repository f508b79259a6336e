"""A run is the same run from wherever a command is started, and however its folder is called."""

import json
import shutil
from pathlib import Path

import pytest

from ganlab.runs.locks import locked
from tests.cli.experiments import files_below, the_run

# Where the command is started, in words of the folders of `trained`, and how it calls the run from there.
PLACES = {
    "beside the results": (".", "results/digits/RUN"),
    "in the results": ("results", "digits/RUN"),
    "beside the run": ("results/digits", "RUN"),
    "in the run": ("results/digits/RUN", "."),
    "in a folder of the run": ("results/digits/RUN/samples", ".."),
    "by a way around": ("results", "../results/digits/../digits/RUN"),
    "by a link to the run": ("elsewhere", "link"),
    "by a link to the results": ("elsewhere", "all/digits/RUN"),
    "by a link to the data set": ("elsewhere", "digits/RUN"),
}


@pytest.fixture(params=PLACES)
def called(request, trained, ganlab, monkeypatch):
    """How the run is called from the folder that is the current one now."""
    run = the_run(trained / "results")
    (trained / "elsewhere").mkdir()
    for link, target in {"link": run, "all": trained / "results", "digits": trained / "results" / "digits"}.items():
        (trained / "elsewhere" / link).symlink_to(target)
    folder, name = (words.replace("RUN", run.name) for words in PLACES[request.param])
    monkeypatch.chdir(trained / folder)
    return name


def test_evaluate_adds_its_values_to_the_run_and_leaves_nothing_else(ganlab, trained, called):
    before = set(files_below(trained))
    code, _, err = ganlab("evaluate", called)
    lines = (the_run(trained / "results") / "metrics.jsonl").read_text().splitlines()
    assert code == 0 and len(lines) == 2 and set(files_below(trained)) == before, err


def test_evaluate_waits_for_whoever_trains_it(ganlab, trained, called):
    identity = json.loads((the_run(trained / "results") / "status.json").read_text())["identity"]
    with locked(trained / "results", identity):
        code, _, err = ganlab("evaluate", called)
        assert code == 5 and err.startswith("this run is being trained by process ")
        assert "being trained by process" in ganlab("verify", called)[1]


def test_the_other_commands_find_it(ganlab, trained, called):
    run = the_run(trained / "results")
    (run / "summary.json").rename(trained / "summary.json")  # so that only the folder's name tells what it is
    shown = ganlab("show", called)[1]
    assert shown.startswith("digits/tiny\n") and run.name[-8:] in shown
    (trained / "summary.json").rename(run / "summary.json")
    assert json.loads(ganlab("report", called, "--format", "json")[1])["runs"][0]["name"] == "tiny"
    assert ganlab("diff", called, called)[0] == ganlab("verify", called)[0] == 0
    code, out, _ = ganlab("sample", called)
    assert code == 0 and Path(out.strip()).samefile(run / "samples" / "sample-000012-seed0.png")
    words = ("run", trained / "tiny.yaml", "--init-from", called, "--dry-run", "--results", trained / "new")
    assert ganlab(*words)[0] == 0 and not (trained / "new").exists()


@pytest.mark.parametrize("place", ["results", "results/digits", "elsewhere"])
def test_a_report_of_the_folder_in_which_it_is_started_has_the_run(ganlab, trained, monkeypatch, place):
    (trained / "elsewhere").symlink_to(trained / "results" / "digits")
    monkeypatch.chdir(trained / place)
    for command in (("report", ".", "--format", "json"), ("verify", ".", "--json")):
        assert ganlab(*command)[0] == 0
    assert len(json.loads(ganlab("report", ".", "--format", "json")[1])["runs"]) == 1


@pytest.mark.parametrize("step", ["", ":8"])
@pytest.mark.parametrize("folder", ["outputs/13:20:00", "a:b", "c:4"])
def test_a_run_to_start_from_may_have_colons_in_its_path(ganlab, trained, folder, step):
    run = the_run(trained / "results")
    shutil.copytree(run, trained / folder / "digits" / run.name)
    words = ("run", "tiny.yaml", "--results", "new", "--dry-run", "--init-from")
    code, _, err = ganlab(*words, f"{folder}/digits/{run.name}{step}")
    assert code == 0, err


def test_a_run_to_start_from_may_end_like_a_step(ganlab, trained):
    run = the_run(trained / "results")
    shutil.copytree(run, trained / "kept" / "digits" / "best:4")
    words = ("run", "tiny.yaml", "--results", "new", "--dry-run", "--init-from")
    assert ganlab(*words, "kept/digits/best:4")[0] == ganlab(*words, "kept/digits/best:4:8")[0] == 0
