"""Shows the progress of a run: a bar on a terminal, otherwise a line about every ten seconds."""

import sys
import time

import numpy as np

from ganlab.training.signals import print_nowhere
from ganlab.training.trainer import Callback, Chunk

_SECONDS_BETWEEN_LINES = 10.0


def _losses(chunk: Chunk) -> str:
    shown = [name for name in chunk.columns if name.endswith("loss")]
    return "  ".join(f"{name} {np.mean(chunk.column(name)):.3f}" for name in shown)


class Bar(Callback):
    """A rich progress bar with the losses and the speed."""

    def __init__(self, done: int, total: int):
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            TimeRemainingColumn(),
            transient=True,
        )
        self.task = self.progress.add_task("", total=total, completed=done)
        self.progress.start()

    def on_chunk(self, chunk: Chunk) -> None:
        speed = len(chunk.rows) / chunk.seconds
        self.progress.update(self.task, completed=chunk.step, description=f"{speed:.0f} steps/s  {_losses(chunk)}")

    def close(self) -> None:
        self.progress.stop()


class Lines(Callback):
    """A plain line about every ten seconds."""

    def __init__(self, done: int, total: int):
        self.total, self.since, self.step = total, time.perf_counter(), done

    def on_chunk(self, chunk: Chunk) -> None:
        passed = time.perf_counter() - self.since
        if passed < _SECONDS_BETWEEN_LINES and chunk.step < self.total:
            return
        speed = (chunk.step - self.step) / passed
        try:
            print(f"step {chunk.step}/{self.total}  {speed:.1f} steps/s  {_losses(chunk)}", flush=True)
        except OSError:  # the reader has left, or the terminal is closed; training continues
            print_nowhere([sys.stdout.fileno()])
        self.since, self.step = time.perf_counter(), chunk.step

    def close(self) -> None:
        pass


def progress(done: int, total: int) -> Bar | Lines:
    """A bar if standard output is a terminal, lines otherwise."""
    return Bar(done, total) if sys.stdout.isatty() else Lines(done, total)
