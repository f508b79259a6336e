"""The executor with real processes. These runs fail before they load a framework, but for one that trains."""

import json
import os
import re
import threading
import time
from dataclasses import replace

import pytest

from ganlab.config.loading import load_config
from ganlab.errors import GanlabError
from ganlab.flows.plan import plan_experiment
from ganlab.runs.folder import RunFolder
from ganlab.sweeps.board import Board
from ganlab.sweeps.jobs import Job
from ganlab.sweeps.local import LocalExecutor
from ganlab.sweeps.process import log_of
from tests.forks import runs_in_forks
from tests.hostile.watch import watching
from tests.sweeps.examples import write_config
from tests.sweeps.test_jobs import hold_lock_in_another_process


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


@pytest.fixture
def failing(tmp_path, results):
    """Jobs whose pictures have gone since they were checked."""

    def make(name):
        data = f"{{name: folder, source: {tmp_path}/gone}}"
        path = write_config(tmp_path, f"{name}.yaml", "name: tiny\ndata: {name: digits}", f"name: {name}\ndata: {data}")
        identity = name.ljust(64, "0")
        return Job(load_config(path), "c" * 64, identity, 60, results / "folder" / f"{name}-seed0-{identity[:8]}")

    return make


class Notes(Board):
    """A board that keeps its lines."""

    def __init__(self, jobs):
        self.lines = []
        super().__init__(jobs, self.lines.append)


def states(board):
    return [entry.state for entry in board.entries.values()]


def test_a_failing_run_does_not_stop_the_others_and_says_why(results, failing, tmp_path):
    jobs = [failing("a"), failing("b"), failing("c")]
    board = Notes(jobs)
    LocalExecutor(results, workers=2).execute(jobs, board)
    assert states(board) == ["failed"] * 3
    for job in jobs:
        log = log_of(job, results)
        assert str(tmp_path / "gone") in board.entries[job].message
        assert log.read_text().strip().splitlines()[-1] == board.entries[job].message
        assert f"{job.label}: failed: {board.entries[job].message} (full output: {log})" in board.lines
    assert not jobs[0].folder.exists()


def test_a_group_that_fails_fails_for_each_of_its_runs_and_says_why(results, failing, tmp_path):
    jobs = [failing("a"), failing("b")]
    board = Notes(jobs)
    LocalExecutor(results, group=lambda jobs: [tuple(jobs)]).execute(jobs, board)
    assert states(board) == ["failed", "failed"]
    for job in jobs:
        assert str(tmp_path / "gone") in board.entries[job].message
        assert board.entries[job].log == log_of(jobs[0], results), "one log for the group"
        assert load_config(log_of(job, results).with_suffix(".yaml")) == job.config


def test_what_a_run_says_is_kept_over_several_attempts(results, failing):
    job = failing("a")
    for _ in range(2):
        LocalExecutor(results).execute([job], Notes([job]))
    assert len(log_of(job, results).read_text().splitlines()) == 2


def test_a_resolved_config_is_left_from_which_the_run_can_be_tried_alone(results, failing):
    job = failing("a")
    LocalExecutor(results).execute([job], Notes([job]))
    assert load_config(log_of(job, results).with_suffix(".yaml")) == job.config


def test_fail_fast_starts_nothing_after_the_first_failure(results, failing):
    jobs = [failing(name) for name in "abc"]
    board = Notes(jobs)
    LocalExecutor(results, fail_fast=True).execute(jobs, board)
    assert states(board) == ["failed", "waiting", "waiting"]
    assert "a run failed: 0 of the runs save and stop" in board.lines


def test_a_run_of_another_process_is_left_to_it_and_taken_over_when_it_dies(results, failing):
    job = failing("a")
    board = Notes([job])
    with hold_lock_in_another_process(results, job.identity) as process:
        threading.Timer(1.0, process.kill).start()
        start = time.monotonic()
        LocalExecutor(results).execute([job], board)
        assert time.monotonic() - start > 1.0
        assert re.fullmatch(
            rf"a-seed0: process {process.pid} on .* trains this run; looking again later", board.lines[0]
        )
    assert states(board) == ["failed"], "it was started once the lock was free"
    assert board.lines[1] == "a-seed0: started (1 of 1)"


@pytest.mark.parametrize(("status", "state"), [("finished", "finished"), ("diverged", "diverged")])
def test_what_another_process_brings_to_an_end_is_not_run_again(results, failing, status, state):
    job = failing("a")
    board = Notes([job])
    with hold_lock_in_another_process(results, job.identity) as process:

        def end():
            job.folder.mkdir(parents=True)
            (job.folder / "status.json").write_text(json.dumps({"status": status}))
            process.kill()

        threading.Timer(0.5, end).start()
        LocalExecutor(results).execute([job], board)
    assert states(board) == [state] and not log_of(job, results).exists()


def test_a_fresh_run_asks_for_a_fresh_folder(results, failing):
    job = replace(failing("a"), fresh=True)
    job.folder.mkdir(parents=True)
    (job.folder / "status.json").write_text('{"status": "finished"}')
    board = Notes([job])
    LocalExecutor(results).execute([job], board)
    assert states(board) == ["failed"], "it was started although the old one is finished"


def test_nothing_to_do_makes_no_folder(results):
    LocalExecutor(results).execute([], Notes([]))
    assert not results.exists()


@pytest.mark.parametrize("place", [".sweep", ".sweep/folder", ".sweep/folder/RUN.log", ".sweep/folder/RUN.yaml"])
@pytest.mark.parametrize("is_pipe", [False, True])
def test_no_log_is_opened_behind_a_link_nor_waited_for_as_a_pipe(results, failing, tmp_path, place, is_pipe):
    job, mine = failing("a"), tmp_path / "mine"
    path = results / place.replace("RUN", job.folder.name)
    path.parent.mkdir(parents=True)
    mine.mkdir()
    (mine / "thesis.txt").write_text("a year of work")
    if is_pipe:
        os.mkfifo(path)
    else:
        path.symlink_to(mine / "thesis.txt" if path.suffix else mine)
    kind = "no regular file" if is_pipe else "a link"
    with watching(mine) as touched:
        with pytest.raises(GanlabError, match=f"^{path}: refused: {kind}, in a folder of results$"):
            LocalExecutor(results).execute([job], Notes([job]))
        assert touched() == set()
    assert [file.name for file in mine.iterdir()] == ["thesis.txt"]


def test_a_run_that_is_given_up_saves_and_stops_and_its_other_seeds_do_not_start(results, tmp_path, monkeypatch):
    runs_in_forks(monkeypatch)
    path = write_config(tmp_path, "tiny.yaml", "steps: 60,", "steps: 1000000,")
    plans = [plan_experiment(load_config(path, seed=seed), results) for seed in (0, 1)]
    jobs = [Job(plan.config, plan.cell, plan.identity, plan.steps, plan.folder.path) for plan in plans]
    board, executor = Notes(jobs), LocalExecutor(results)
    executor.pruned = lambda job: "worse" if RunFolder(jobs[0].folder).state_steps() else None
    executor.execute(jobs, board)
    assert states(board) == ["pruned", "pruned"] and board.counts() == "2 runs: 2 pruned"
    board.require_finished()  # raises if a run is left
    assert RunFolder(jobs[0].folder).status()["status"] == "stopped" and not jobs[1].folder.exists()
    assert board.lines[-1] == "tiny-seed1: pruned: worse"
