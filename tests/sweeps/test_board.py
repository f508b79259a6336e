import io
from pathlib import Path

import pytest
from rich.console import Console

from ganlab.config.loading import load_config
from ganlab.sweeps.board import Board, LiveBoard
from ganlab.sweeps.jobs import Job
from tests.sweeps.examples import write_config


@pytest.fixture
def jobs(tmp_path):
    config = load_config(write_config(tmp_path))
    return [Job(config, "c", f"{n}", 60, tmp_path / f"run{n}") for n in range(4)]


def write_history(job, steps):
    job.folder.mkdir(exist_ok=True)
    (job.folder / "history.csv").write_text("step,seconds\n" + "".join(f"{n + 1},0.1\n" for n in range(steps)))


def test_counts_follow_what_happens(jobs):
    board = Board(jobs, lambda line: None)
    assert board.counts() == "4 runs: 4 waiting"
    board.known(jobs[0], "finished")
    board.started(jobs[1], Path("log"))
    board.started(jobs[2], Path("log"))
    board.ended(jobs[2], "diverged", "d_loss is nan", 3.0)
    assert board.counts() == "4 runs: 1 finished, 1 running, 1 waiting, 1 diverged"
    assert board.running() == [jobs[1]] and board.has_failed()
    assert list(board.unfinished()) == jobs[1:]


def test_a_run_that_failed_before_this_sweep_does_not_count_for_fail_fast(jobs):
    board = Board(jobs, lambda line: None)
    write_history(jobs[0], 40)
    board.known(jobs[0], "failed", "earlier")
    assert not board.has_failed()
    described = board.as_dicts()[0]
    assert (described["state"], described["message"], described["step"]) == ("failed", "earlier", 40)


def test_a_resumed_run_says_where_it_goes_on(jobs):
    lines = []
    board = Board(jobs, lines.append)
    write_history(jobs[0], 40)
    board.started(jobs[0], Path("log"))
    board.ended(jobs[0], "finished", "", 12.3)
    assert lines == ["tiny-seed0: goes on after step 40 (1 of 4)", "tiny-seed0: finished in 12 s"]


def test_a_message_cannot_steer_the_terminal(jobs):
    lines = []
    board = Board(jobs, lines.append)
    board.started(jobs[0], Path("log"))
    board.ended(jobs[0], "failed", "\x1b[2Jgone", 1.0)
    assert lines[-1] == "tiny-seed0: failed:  [2Jgone (full output: log)"


def test_a_terminal_shows_a_bar_for_each_run_at_work(jobs):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, height=30, color_system=None)
    with LiveBoard(jobs, console) as board:
        board.started(jobs[0], Path("log"))
        board.started(jobs[1], Path("log"))
        board.ended(jobs[1], "failed", "no space left [red]", 3.0)
        write_history(jobs[0], 30)
        board.looked -= 2
        board.tick()
        (bar,) = board.progress.tasks
        assert (bar.description, bar.completed, bar.total) == ("tiny-seed0", 30, 60)
        board.ended(jobs[0], "finished", "", 3.0)
        board.show(0)
        assert not board.progress.tasks
    text = screen.getvalue()
    assert "30/60" in text and "failed: no space left [red]" in text and "tiny-seed0: started (1 of 4)" in text
