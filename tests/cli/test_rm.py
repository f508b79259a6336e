import os

import pytest

from ganlab.runs.locks import locked
from ganlab.runs.records import read_run
from tests.cli.experiments import files_below
from tests.run_folders import write_run


@pytest.fixture
def results(ganlab, tmp_path):
    return tmp_path / "results"


def test_moves_runs_to_the_trash_from_where_they_can_come_back(ganlab, results):
    run, other = write_run(results), write_run(results, "exp01", dataset="mnist")
    before = files_below(run)
    code, out, err = ganlab("rm", "quickstart", "mnist/" + other.name)
    trashed = results / ".trash" / "digits" / run.name
    assert (code, err) == (0, "") and out.splitlines()[0].endswith(f"results/.trash/digits/{run.name}")
    assert not run.exists() and not other.exists() and files_below(trashed) == before
    assert "no runs in results" in ganlab("ls")[2]
    os.rename(trashed, run)
    assert "quickstart" in ganlab("ls")[1]


def test_a_run_of_the_same_name_in_the_trash_is_kept(ganlab, results):
    for _ in range(3):
        run = write_run(results)
        assert ganlab("rm", run)[0] == 0
    assert sorted(path.name for path in (results / ".trash" / "digits").iterdir()) == [
        run.name,
        f"{run.name}-2",
        f"{run.name}-3",
    ]


def test_a_pattern_names_several_runs(ganlab, results):
    names = ("short-loss=hinge", "short-loss=minimax", "other")
    runs = [write_run(results, name, seed=seed) for name in names for seed in (0, 1)]
    out = ganlab("report", "short-*", "--format", "csv")[1]
    assert "short-loss=hinge" in out and "short-loss=minimax" in out and "other" not in out
    code, _, err = ganlab("rm", "shrt-*")
    assert code == 2 and err.startswith("shrt-*: no such run in results.")
    assert ganlab("rm", "short-*-seed1", runs[2].name)[0] == 0
    assert [run.exists() for run in runs] == [True, False, False, False, True, True]


def test_a_run_that_trains_is_left(ganlab, results):
    run = write_run(results, status="running")
    with locked(results, read_run(run).status["identity"]):
        code, out, err = ganlab("rm", "quickstart")
    assert (code, out) == (5, "") and err.startswith("this run is being trained by process ")
    assert run.exists() and not (results / ".trash").exists()


def test_a_wrong_name_moves_nothing(ganlab, results):
    run = write_run(results)
    code, _, err = ganlab("rm", "quickstart", "quickstrat")
    assert code == 2 and "no such run in results. Did you mean 'quickstart'?" in err and run.exists()


def test_links_are_refused(ganlab, results, tmp_path):
    run = write_run(results)
    (run / "link").symlink_to(tmp_path)
    assert ganlab("rm", "quickstart")[::2] == (1, f"results/digits/{run.name}/link: refused: a link, in a run folder\n")
    (run / "link").unlink()
    (tmp_path / "elsewhere").mkdir()
    (results / ".trash").symlink_to(tmp_path / "elsewhere")
    code, _, err = ganlab("rm", "quickstart")
    assert code == 1 and err.endswith(".trash: refused: a link, in a folder of results\n")
    assert run.exists() and not [*(tmp_path / "elsewhere").iterdir()]


def test_a_damaged_status_is_named(ganlab, results):
    run = write_run(results)
    (run / "status.json").write_text("{")
    code, _, err = ganlab("rm", run)
    assert code == 1 and "status.json: damaged" in err and run.exists()
