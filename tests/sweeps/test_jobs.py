import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from ganlab.config.loading import load_config
from ganlab.runs.locks import holder_of, locked, make_folder
from ganlab.sweeps.jobs import Job, state_of, steps_done
from tests.sweeps.examples import write_config


@pytest.fixture
def job(tmp_path):
    config = load_config(write_config(tmp_path))
    return Job(config, "c" * 64, "a" * 64, 60, tmp_path / "results" / "digits" / "tiny-seed0-aaaaaaaa")


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


def set_status(job, status):
    job.folder.mkdir(parents=True, exist_ok=True)
    (job.folder / "status.json").write_text(json.dumps({"status": status}))


def hold_lock_in_another_process(results, identity):
    """A process that takes the lock and holds it until it is killed."""
    code = (
        "import sys, time; from pathlib import Path; from ganlab.runs.locks import locked\n"
        "with locked(Path(sys.argv[1]), sys.argv[2]): print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(results), identity], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_label_is_name_and_seed(job):
    assert job.label == "tiny-seed0"


def test_a_run_without_a_folder_is_new(job, results):
    assert state_of(job, results) == "new"
    assert not results.exists()


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("finished", "finished"),
        ("failed", "failed"),
        ("diverged", "diverged"),
        ("stopped", "resumable"),
        ("created", "resumable"),
        ("running", "resumable"),  # nobody holds its lock: the process has died
    ],
)
def test_the_state_is_what_the_folder_says(job, results, status, state):
    set_status(job, status)
    assert state_of(job, results) == state
    assert state_of(replace(job, fresh=True), results) == "new"


def test_a_damaged_status_counts_as_failed(job, results):
    job.folder.mkdir(parents=True)
    (job.folder / "status.json").write_text("{")
    assert state_of(job, results) == "failed"


def test_a_run_is_running_while_a_process_holds_its_lock_and_resumable_once_it_is_killed(job, results):
    set_status(job, "running")
    with hold_lock_in_another_process(results, job.identity) as process:
        assert state_of(job, results) == "running"
        assert state_of(replace(job, fresh=True), results) == "running"
        assert holder_of(results, job.identity).startswith(f"process {process.pid} on ")
        process.kill()
    assert state_of(job, results) == "resumable"


def test_looking_at_a_lock_does_not_take_it(results):
    with hold_lock_in_another_process(results, "b" * 64) as process:
        process.kill()
    assert holder_of(results, "b" * 64) is None
    with locked(results, "b" * 64):
        assert holder_of(results, "b" * 64) == f"process {os.getpid()} on {os.uname().nodename}"


def test_a_folder_of_locks_that_was_made_before_stays(results):
    make_folder(results)
    with locked(results, "b" * 64):
        pass
    assert (results / ".locks").is_dir()


def test_steps_done_is_the_last_whole_row(job):
    assert steps_done(job) == 0
    job.folder.mkdir(parents=True)
    history = job.folder / "history.csv"
    history.write_text("step,d_loss,seconds\n")
    assert steps_done(job) == 0
    history.write_text("step,d_loss,seconds\n" + "".join(f"{step},0.5,0.1\n" for step in range(1, 1001)) + "1001,0.")
    start = time.perf_counter()
    assert steps_done(job) == 1000
    assert time.perf_counter() - start < 0.1
