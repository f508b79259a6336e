"""`ganlab sweep` from its command line, with processes that train, are stopped and are killed."""

import csv
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
from tests.sweep.examples import write_config, write_study

# Long enough to be met in the middle of its training, with a checkpoint now and then.
LONG = ["-o", "train.steps=4000", "-o", "output={checkpoint_every: 200, samples_every: 1000, grid: [2, 2]}"]


def start(*words) -> subprocess.Popen:
    environment = {key: value for key, value in os.environ.items() if key != "GANLAB_DEBUG"}
    command = [sys.executable, "-m", "ganlab", "sweep", *map(str, words)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )


def sweep(*words) -> tuple[int, str, str]:
    """Runs the command to its end: (exit code, stdout, stderr)."""
    process = start(*words)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def trainers(results: Path) -> list[int]:
    """The processes that train, as the owners of locks say."""
    return [json.loads(owner.read_text())["pid"] for owner in (results / ".locks").glob("*.owner")]


def rows(folder: Path) -> list[int]:
    with RunFolder(folder).history.open() as file:
        return [int(row["step"]) for row in csv.DictReader(file)]


def wait_for(condition, process) -> None:
    deadline = time.monotonic() + 120
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


def test_every_mistake_stops_the_sweep_before_anything_is_written(tmp_path):
    path = write_study(tmp_path, "matrix: {train.batch_size: [0, 8], loss: [hing, hinge]}")
    code, out, err = sweep(path, "--results", tmp_path / "results")
    lines = err.splitlines()
    assert (code, out, len(lines)) == (2, "", 4)
    assert f"{path}:2:29: train.batch_size: expected an integer >= 1, received 0" in lines
    assert lines[-1] == "3 mistakes in 4 runs; none was started"
    assert not (tmp_path / "results").exists()


def test_one_mistake_is_one_line(tmp_path):
    path = write_config(tmp_path, "tiny.yaml", "dim: 4", "dim: 0")
    assert sweep(path, "--results", tmp_path / "results") == (
        2, "", f"{path}:3:10: latent.dim: expected an integer >= 1, received 0\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    "words", [["-j", "0"], ["--seeds", "a"], ["--seeds", "1,-1"], ["--on", "ray"], ["--rerun", "x"]]
)
def test_wrong_usage_exits_with_2(tmp_path, words):
    code, out, _ = sweep(write_config(tmp_path), *words)
    assert (code, out) == (2, "")


def test_missing_data_exits_with_7(tmp_path):
    path = write_config(tmp_path, "tiny.yaml", "{name: digits}", f"{{name: folder, source: {tmp_path}/gone}}")
    code, _, err = sweep(path, "--seeds", "0,1", "--results", tmp_path / "results")
    assert code == 7 and err.count("data.source: ") == 1  # said once, though two runs need it


def test_a_dry_run_needs_no_framework_in_its_own_process_and_writes_nothing(tmp_path):
    path = write_study(tmp_path, "matrix: {train.batch_size: [8, 16]}\nseeds: [0, 1]")
    assert not loaded_by("sweep", str(path), "--dry-run", "--results", str(tmp_path / "results")) & FRAMEWORKS
    assert not (tmp_path / "results").exists()


@pytest.mark.slow
def test_a_sweep_trains_skips_what_is_finished_and_reports_failures(tmp_path):
    results = tmp_path / "results"
    path = write_study(
        tmp_path, "include: [{latent.dim: 2}, {discriminator.optimizer.Adam.learning_rate: 1e36}]"
    )  # the second diverges
    words = [path, "--results", results, "-j", "2"]
    code, out, err = sweep(*words)
    good = "tiny-dim_2-seed0"
    assert code == 3, (out, err)
    assert re.search(rf"{good}: finished in \d+ s", out)
    (diverged,) = re.findall(r"(\S+): diverged: (.*) \(all it said: (.*)\)", out)
    assert diverged[0] != good and Path(diverged[2]).read_text().splitlines()[-1] == diverged[1]
    assert err.splitlines()[-1].startswith("2 runs: 1 finished, 1 diverged: ") and "--rerun failed" in err
    before = {run: (run / "status.json").read_bytes() for run in find_runs(results)}

    code, out, err = sweep(*words)  # the failed one waits for --rerun
    assert code == 3 and "started" not in out and "diverged (earlier)" in err
    code, out, _ = sweep(*words, "--dry-run", "--json")
    plan = {row["name"]: row for row in json.loads(out)}
    assert code == 0 and [row["state"] for row in plan.values()] == ["finished", "diverged"]
    assert [row["judged_by"] for row in plan.values()] == [None, "FLOPs"]
    assert {run: (run / "status.json").read_bytes() for run in find_runs(results)} == before

    code, out, _ = sweep(*words, "--rerun", "failed", "--json")
    assert code == 3 and [row["state"] for row in json.loads(out)] == ["finished", "diverged"]
    changed = [run for run, content in before.items() if (run / "status.json").read_bytes() != content]
    assert len(changed) == 1 and "learning_rate" in changed[0].name


@pytest.mark.slow
def test_a_sweep_that_is_killed_goes_on_to_the_end(tmp_path):
    results = tmp_path / "results"
    words = [write_study(tmp_path, "seeds: [0, 1, 2]"), "--results", results, "-j", "2", *LONG]
    process = start(*words)
    # Two run at a time, but on a busy machine one may be far ahead of the other.
    wait_for(lambda: have_checkpoints(results, 1), process)
    process.kill()
    for pid in trainers(results):
        os.kill(pid, signal.SIGKILL)
    process.communicate()
    reached = [run for run in find_runs(results) if RunFolder(run).state_steps()]
    assert reached

    code, out, err = sweep(*words)
    assert code == 0, (out, err)
    # A run killed before its first checkpoint may have rows of history: it is said to go on, too.
    assert out.count("goes on after step") >= len(reached)
    assert "3 runs: 3 finished" in out
    for run in find_runs(results):
        assert_complete(run, 4000)
    code, out, err = sweep(*words, "-q")
    assert code == 0 and out.splitlines() == [str(run) for run in find_runs(results)], err


@pytest.mark.slow
def test_a_signal_lets_runs_save_and_a_second_ctrl_c_kills_them(tmp_path):
    results = tmp_path / "results"
    # So long that none ends while the other, on a busy machine, has not begun.
    endless = [*LONG, "-o", "train.steps=1000000"]
    words = [write_study(tmp_path, "seeds: [0, 1]"), "--results", results, "-j", "2", *endless]
    process = start(*words)
    wait_for(lambda: have_checkpoints(results, 2), process)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
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
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in err, err
    assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]


@pytest.mark.slow
def test_two_sweeps_share_the_work_and_never_train_a_run_twice(tmp_path):
    results = tmp_path / "results"
    words = [write_study(tmp_path, "seeds: [0, 1]"), "--results", results, *LONG, "-o", "train.steps=2000"]
    both = [start(*words), start(*words)]
    outs = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], outs
    assert all("2 runs: 2 finished" in out for out, _ in outs)
    for run in find_runs(results):
        assert_complete(run, 2000)
    logs = [log.read_text() for log in (results / ".sweep").rglob("*.log")]
    assert len(logs) == 2 and [len(re.findall(r"step 2000/2000", log)) for log in logs] == [1, 1]
