import io
import os
import sys

import numpy as np
import pytest
import rich
from rich.console import Console

from ganlab.training import progress
from ganlab.training.progress import Bar, Lines
from ganlab.training.trainer import Chunk

ERASED = "\x1b[1A\x1b[2K"  # one line up, and clear it
COLUMNS = ("d_loss", "g_loss", "d_real")


def chunk(step: int, count: int = 10) -> Chunk:
    return Chunk(step, COLUMNS, np.tile([1.25, 0.5, 0.9], (count, 1)), 0.1)


def test_a_line_has_step_speed_and_mean_losses(capsys):
    lines = Lines(0, 10)
    lines.since -= 2.0  # as if two seconds had passed
    lines.on_chunk(chunk(10))
    printed = capsys.readouterr().out
    assert printed.startswith("step 10/10  ") and printed.endswith(" steps/s  d_loss 1.250  g_loss 0.500\n")
    assert float(printed.split()[2]) == pytest.approx(5.0, abs=0.2)


def test_lines_come_every_ten_seconds_and_at_the_end(capsys):
    lines = Lines(0, 100)
    lines.on_chunk(chunk(10))
    assert capsys.readouterr().out == ""
    lines.since -= 10.0
    lines.on_chunk(chunk(20))
    assert capsys.readouterr().out.startswith("step 20/100  ")
    lines.on_chunk(chunk(30))
    assert capsys.readouterr().out == ""
    lines.on_chunk(chunk(100))
    assert capsys.readouterr().out.startswith("step 100/100  ")


def test_a_resumed_run_counts_its_own_steps_for_the_speed(capsys):
    lines = Lines(90, 100)
    lines.since -= 2.0
    lines.on_chunk(chunk(100))
    assert float(capsys.readouterr().out.split()[2]) == pytest.approx(5.0, abs=0.2)


def test_the_bar_moves_and_shows_speed_and_losses():
    bar = Bar(20, 100)
    try:
        assert bar.progress.tasks[0].completed == 20
        bar.on_chunk(chunk(30))
        task = bar.progress.tasks[0]
        assert (task.completed, task.total) == (30, 100)
        assert task.description == "100 steps/s  d_loss 1.250  g_loss 0.500"
    finally:
        bar.close()


def test_the_bar_is_on_the_terminal_until_it_is_closed(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(rich, "_console", Console(file=shown, force_terminal=True, width=120))
    bar = Bar(20, 100)
    bar.on_chunk(chunk(30))
    bar.progress.refresh()
    assert "30/100" in shown.getvalue() and not shown.getvalue().endswith(ERASED)
    bar.close()
    assert shown.getvalue().endswith(ERASED)


class TestALine:
    def test_is_written_at_once(self, monkeypatch, tmp_path):
        with (tmp_path / "log").open("w") as log:
            monkeypatch.setattr(sys, "stdout", log)
            Lines(0, 10).on_chunk(chunk(10))
            assert (tmp_path / "log").read_text().startswith("step 10/10")

    def test_that_nobody_reads_does_not_stop_the_training_and_later_ones_go_nowhere(self, monkeypatch):
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "w") as output:
            monkeypatch.setattr(sys, "stdout", output)
            Lines(0, 10).on_chunk(chunk(10))
            assert os.path.samestat(os.fstat(writer), os.stat(os.devnull))


@pytest.mark.parametrize(("terminal", "kind"), [(True, Bar), (False, Lines)])
def test_the_form_fits_where_the_output_goes(monkeypatch, terminal, kind):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    shown = progress.progress(0, 10)
    shown.close()
    assert type(shown) is kind
