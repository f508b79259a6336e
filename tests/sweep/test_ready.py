"""Processes that wait for their run; one loads a framework, the others are told before they have."""

import os
import subprocess
import sys
import time

import pytest

from ganlab.sweep.ready import ReadyProcesses

NOWHERE = dict(os.environ)


@pytest.fixture
def ready():
    processes = ReadyProcesses(2)
    yield processes
    processes.close()


def ended(process: subprocess.Popen) -> int:
    return process.wait(timeout=300)


def test_it_does_what_the_command_does_and_says_it_in_the_log(tmp_path, ready):
    log = tmp_path / "log"
    log.write_text("earlier\n")
    ready.add("tensorflow", NOWHERE)
    process = ready.begin("tensorflow", NOWHERE, ["run", str(tmp_path / "none.yaml")], log)
    alone = subprocess.run(
        [sys.executable, "-m", "ganlab", "run", str(tmp_path / "none.yaml")], capture_output=True, text=True
    )
    assert ended(process) == alone.returncode == 2
    assert log.read_text() == "earlier\n" + alone.stderr


def test_a_framework_that_is_not_there_does_not_keep_a_run_from_saying_so(tmp_path, ready):
    ready.add("none", NOWHERE)
    process = ready.begin("none", NOWHERE, ["run", str(tmp_path / "none.yaml")], tmp_path / "log")
    assert ended(process) == 2 and "none.yaml" in (tmp_path / "log").read_text()


def test_a_run_gets_none_that_was_made_for_another_backend_or_environment(tmp_path, ready):
    ready.add("none", NOWHERE)
    assert ready.begin("other", NOWHERE, ["ls"], tmp_path / "log") is None
    assert ready.begin("none", {**NOWHERE, "OMP_NUM_THREADS": "1"}, ["ls"], tmp_path / "log") is None
    ready.keep([{**NOWHERE, "OMP_NUM_THREADS": "1"}])
    assert ready.begin("none", NOWHERE, ["ls"], tmp_path / "log") is None, "it was of no use and has been ended"


def test_no_more_wait_than_runs_train_at_a_time(tmp_path, ready):
    for _ in range(3):
        ready.add("none", NOWHERE)
    begun = [ready.begin("none", NOWHERE, ["--version"], tmp_path / "log") for _ in range(3)]
    assert [process is not None for process in begun] == [True, True, False]
    assert [ended(process) for process in begun[:2]] == [0, 0]


def test_one_that_has_died_takes_no_run(tmp_path, ready):
    ready.add("none", NOWHERE)
    ((_, _, process),) = ready.waiting
    process.kill()
    process.wait()
    assert ready.begin("none", NOWHERE, ["ls"], tmp_path / "log") is None and not ready.waiting


def test_it_ends_when_the_sweep_is_killed():
    sweep = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, time\nfrom ganlab.sweep.ready import ReadyProcesses\nready = ReadyProcesses(1)\n"
            "ready.add('none', os.environ)\nprint(ready.waiting[0][2].pid, flush=True)\ntime.sleep(600)",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    waiting = int(sweep.stdout.readline())
    sweep.kill()
    sweep.communicate()
    deadline = time.monotonic() + 300
    while alive(waiting):
        assert time.monotonic() < deadline, "it waits for a sweep that is gone"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has collected does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
