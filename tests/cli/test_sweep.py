"""`ganlab sweep` from its command line, with processes that train, are stopped and are killed."""

import contextlib
import csv
import functools
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ganlab.runs.folder import RunFolder
from ganlab.runs.records import find_runs, read_run
from tests.cli.test_main import FRAMEWORKS, loaded_by
from tests.forks import Fork, runs_in_forks, survey_in_forks
from tests.sweeps.examples import write_config, write_study

# Long enough to be met in the middle of its training, with a checkpoint now and then.
LONG = ["-o", "train.steps=4000", "-o", "output={checkpoint_every: 200, samples_every: 1000, grid: [2, 2]}"]


def start(*words) -> subprocess.Popen:
    environment = {key: value for key, value in os.environ.items() if key != "GANLAB_DEBUG"}
    command = [sys.executable, "-m", "ganlab", "sweep", *map(str, words)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )


@pytest.fixture
def sweep(ganlab, monkeypatch):
    """Runs the command to its end in this process, as `ganlab` does. Its runs are processes, forked ones."""
    survey_in_forks(monkeypatch)
    runs_in_forks(monkeypatch)
    return functools.partial(ganlab, "sweep")


def trainers(results: Path) -> list[int]:
    """The processes that train, as the owners of locks say; without those whose file is just being written or removed."""
    found = []
    for owner in (results / ".locks").glob("*.owner"):
        with contextlib.suppress(OSError, ValueError):
            found.append(json.loads(owner.read_text())["pid"])
    return found


def rows(folder: Path) -> list[int]:
    with RunFolder(folder).history.open() as file:
        return [int(row["step"]) for row in csv.DictReader(file)]


def wait_for(condition, process) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


def have_checkpoints(results: Path, count: int) -> bool:
    """Whether as many runs are in the middle of their training."""
    runs = [RunFolder(run) for run in find_runs(results)]
    return sum(run.status()["status"] == "running" and bool(run.state_steps()) for run in runs) >= count


def assert_complete(folder: Path, steps: int) -> None:
    files = RunFolder(folder)
    run = read_run(folder)
    assert run.finished and run.summary["steps"] == steps
    assert rows(folder) == list(range(1, steps + 1))
    expected = {files.config, files.environment, files.status_file, files.models, files.drawing, files.history}
    expected |= {files.losses, files.outputs, files.samples, files.film, files.checkpoints, files.summary}
    assert [path for path in expected if not path.exists()] == []
    assert files.sample_steps() == [*range(1000, steps + 1, 1000)]
    assert files.generator_steps()[-1] == files.state_steps()[-1] == steps
    assert not [path for path in folder.rglob("*") if path.name.startswith(".")], "half-written files"


def test_every_mistake_stops_the_sweep_before_anything_is_written(sweep, tmp_path):
    path = write_study(tmp_path, "matrix: {train.batch_size: [0, 8], loss: [hing, hinge]}")
    code, out, err = sweep(path, "--results", tmp_path / "results")
    lines = err.splitlines()
    assert (code, out, len(lines)) == (2, "", 3)
    assert f"{path}:2:29: train.batch_size: expected an integer >= 1, received 0" in lines
    assert lines[-1] == "2 mistakes; no run was started"
    assert not (tmp_path / "results").exists()


def test_one_mistake_is_one_line(sweep, tmp_path):
    path = write_config(tmp_path, "tiny.yaml", "dim: 4", "dim: 0")
    assert sweep(path, "--results", tmp_path / "results") == (
        2, "", f"{path}:3:10: latent.dim: expected an integer >= 1, received 0\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    "words", [["-j", "0"], ["--seeds", "a"], ["--seeds", "1,-1"], ["--on", "moon"], ["--rerun", "x"]]
)
def test_wrong_usage_exits_with_2(sweep, tmp_path, words):
    code, out, _ = sweep(write_config(tmp_path), *words)
    assert (code, out) == (2, "")


def test_missing_data_exits_with_7(sweep, tmp_path):
    path = write_config(tmp_path, "tiny.yaml", "{name: digits}", f"{{name: folder, source: {tmp_path}/gone}}")
    code, _, err = sweep(path, "--seeds", "0,1", "--results", tmp_path / "results")
    assert code == 7 and err.count("data.source: ") == 1  # said once, though two runs need it


def test_several_paths_and_patterns_are_one_sweep(sweep, tmp_path):
    for name in ("exp1", "exp2", "other"):
        write_config(tmp_path, f"{name}.yaml", "name: tiny", f"name: {name}\nseed: {ord(name[-1])}")
    code, out, _ = sweep(tmp_path / "exp*.yaml", tmp_path / "exp2.yaml", tmp_path / "other.yaml", "--dry-run", "--json")
    runs = json.loads(out)["runs"]
    assert code == 0 and [run["name"] for run in runs] == ["exp1", "exp2", "other"]
    assert [run["also_named"] for run in runs] == [[], [], []]


def test_a_dry_run_needs_no_framework_in_its_own_process_and_writes_nothing(tmp_path):
    path = write_study(tmp_path, "matrix: {train.batch_size: [8, 16]}\nseeds: [0, 1]")
    assert not loaded_by("sweep", str(path), "--dry-run", "--results", str(tmp_path / "results")) & FRAMEWORKS
    assert not (tmp_path / "results").exists()


def states(results: Path) -> dict[str, bytes]:
    """What the status of each run says, by the name of its folder."""
    return {run.name: (run / "status.json").read_bytes() for run in find_runs(results)}


def test_a_killed_sweep_goes_on_to_the_end_and_says_what_failed(sweep, tmp_path):
    results = tmp_path / "results"
    path = write_study(
        tmp_path, "include: [{latent.dim: 2}, {discriminator.optimizer.Adam.learning_rate: 1e36}]"
    )  # the second diverges
    words = [path, "--results", results, *LONG]
    process = start(*words)  # one run at a time: the second has not begun
    wait_for(lambda: have_checkpoints(results, 1), process)
    process.kill()
    for pid in trainers(results):
        os.kill(pid, signal.SIGKILL)
    process.communicate()
    (killed,) = (run for run in find_runs(results) if RunFolder(run).state_steps())

    code, out, err = sweep(*words, "-j", "2")
    assert code == 3, (out, err)
    assert "tiny-dim=2-seed0: goes on after step" in out and "tiny-dim=2-seed0: finished in " in out
    assert_complete(killed, 4000)
    (diverged,) = re.findall(r"(\S+): diverged: (.*) \(full output: (.*)\)", out)
    assert Path(diverged[2]).read_text().splitlines()[-1] == diverged[1]
    assert err.splitlines()[-1].startswith("2 runs: 1 finished, 1 diverged: ") and "--rerun failed" in err
    before = states(results)

    code, out, _ = sweep(*words, "--dry-run", "--json")
    plan = json.loads(out)["runs"]
    assert code == 0 and [row["state"] for row in plan] == ["finished", "diverged"]
    assert plan[0]["seconds_left"] is None and states(results) == before


@pytest.mark.slow
def test_what_is_finished_is_skipped_and_what_failed_waits_for_rerun(sweep, tmp_path):
    results, configs = tmp_path / "results", tmp_path / "configs"
    write_config(configs, "good.yaml", "name: tiny", "name: good")
    wild = write_config(configs, "wild.yaml", "name: tiny", "name: wild")
    wild.write_text(wild.read_text().replace("learning_rate: 1e-3", "learning_rate: 1e36"))
    for name, code in (("good", 0), ("wild", 4)):  # as an earlier sweep would have left them
        assert Fork(tmp_path, "run", f"configs/{name}.yaml", "-q").wait(timeout=300) == code
    before = states(results)
    assert len(before) == 2
    code, out, err = sweep(configs, "--results", results, "-q")
    assert code == 3 and out.splitlines() == [str(run) for run in find_runs(results)]
    assert "diverged (earlier)" in err and states(results) == before

    code, out, _ = sweep(configs, "--results", results, "--rerun", "failed", "--json")
    assert code == 3 and [row["state"] for row in json.loads(out)["runs"]] == ["finished", "diverged"]
    changed = [name for name, status in states(results).items() if status != before[name]]
    assert len(changed) == 1 and changed[0].startswith("wild-")


@pytest.mark.slow(longest=True)
def test_a_signal_lets_runs_save_and_a_second_ctrl_c_kills_them(tmp_path):
    results = tmp_path / "results"
    # So long that none ends while the other, on a busy machine, has not begun.
    endless = [*LONG, "-o", "train.steps=1000000"]
    words = [write_study(tmp_path, "seeds: [0, 1]"), "--results", results, "-j", "2", *endless]
    process = start(*words)
    wait_for(lambda: have_checkpoints(results, 2), process)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 75 and err.splitlines()[-1].startswith("stopped by SIGTERM; the same command"), err
    assert out.count("stopped by SIGTERM after saving step") == 2
    for run in find_runs(results):
        files = RunFolder(run)
        assert files.status()["status"] == "stopped"
        assert rows(run)[-1] == files.state_steps()[-1]

    process = start(*words)
    wait_for(lambda: len(trainers(results)) == 2 and have_checkpoints(results, 2), process)
    processes = trainers(results)
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)  # so that they cannot save and leave before the second Ctrl-C
    process.send_signal(signal.SIGINT)
    while "SIGINT: 2 of the runs save and stop; Ctrl-C again kills them" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130 and "Traceback" not in err, err
    assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]


def test_together_names_the_runs_that_train_alone_and_shows_no_group_for_them(sweep, tmp_path):
    path = write_config(tmp_path)
    code, out, err = sweep(path, "--seeds", "0,1", "--together", "--dry-run", "--results", tmp_path / "results")
    assert code == 0 and "alone: tiny-seed0, tiny-seed1: backend tensorflow; expected jax" in err
    expected = [["tiny-seed0", "new", "0/60"], ["tiny-seed1", "new", "0/60"]]
    assert [line.split() for line in out.splitlines()[1:3]] == expected


@pytest.mark.slow(longest=True)
def test_runs_train_together_are_killed_together_and_go_on_together(tmp_path):
    pytest.importorskip("jax")
    results = tmp_path / "results"
    words = (write_config(tmp_path), "-o", "backend=jax", "--seeds", "0,1,2", "--together", *LONG, "--results", results)
    process = start(*words)
    wait_for(lambda: len(list(results.glob("digits/*/checkpoints/state-000200"))) == 3, process)
    (trainer,) = set(trainers(results))
    os.kill(trainer, signal.SIGKILL)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 3 and "killed by SIGKILL" in err
    process = start(*words)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    for folder in find_runs(results):
        assert read_run(folder).finished and rows(folder) == list(range(1, 4001))
        assert json.loads((folder / "environment.json").read_text())["lanes"] == 3
    assert "go" in out and "3 runs: 3 finished" in out


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("optuna") is None, reason="the extra 'search' is not installed")
def test_a_search_trains_its_trials_and_goes_on_after_them(sweep, tmp_path):
    space = "space: {latent.dim: {range: [2, 60]}}"
    study = "search: {metric: is1k_classifier, trials: 1, " + space + "}"
    path = write_study(tmp_path, study)
    options = ("-o", "metrics=[is1k_classifier]", "-o", "train.steps=3", "--results", tmp_path / "results", "--json")
    code, out, _ = sweep(path, *options)
    (first,) = json.loads(out)["trials"]
    assert code == 0 and 2 <= first["values"]["latent.dim"] <= 60
    (run,) = find_runs(tmp_path / "results")
    assert first["score"] == read_run(run).metrics["is1k_classifier"]["last"]
    before = read_run(run).updated
    path.write_text(path.read_text().replace("trials: 1,", "trials: 2,"))
    code, out, _ = sweep(path, *options)
    assert code == 0 and json.loads(out)["trials"][0] == first and read_run(run).updated == before
    assert len(find_runs(tmp_path / "results")) == len(json.loads(out)["runs"]) == 2


def test_a_script_for_slurm_has_the_runs_that_are_left_and_starts_none(sweep, tmp_path):
    path, results = write_config(tmp_path), tmp_path / "results"
    code, out, err = sweep(path, "--seeds", "0,1", "--on", "slurm-array", "--results", results, "-q")
    script = results / ".sweep" / "slurm-array.sh"
    assert (code, out) == (0, f"{script}\n") and err == f"2 runs; start them by: sbatch {script}\n"
    assert script.read_text().count(".yaml") == 2 and find_runs(results) == []
    for refused in ("--json", "--fail-fast"):
        code, out, err = sweep(path, "--on", "slurm-array", "--results", results, refused)
        assert (code, out) == (2, "") and "need --on local or --on ray" in err
