"""A table on a terminal that shows the runs at work; lines about events scroll away above it."""

import time
from collections.abc import Sequence

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ganlab.reports.table import printable
from ganlab.sweep.board import Board, Entry
from ganlab.sweep.cost import duration
from ganlab.sweep.jobs import Job


class LiveBoard(Board):
    """A board that shows running and failed jobs in a table inside a `with` block."""

    def __init__(self, jobs: Sequence[Job], console: Console):
        super().__init__(jobs, lambda line: console.print(Text(line)))
        self.live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> "LiveBoard":
        self.live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.live.stop()

    def started(self, job, log):
        super().started(job, log)
        self.show(time.monotonic())

    def show(self, now):
        self.live.update(self.table(now), refresh=True)

    def table(self, now: float) -> Table:
        """The table at a time of the monotonic clock."""
        table = Table(title=self.counts(), title_justify="left", box=None, pad_edge=False)
        for heading in ("run", "", "step", "time", "left"):
            table.add_column(heading, justify="right" if heading in ("step", "time", "left") else "left")
        for job, entry in self.entries.items():
            if entry.state == "running":
                bar = ProgressBar(total=job.steps, completed=entry.step, width=20)
                passed = now - entry.since
                left = _left(entry, job.steps, passed)
                table.add_row(job.label, bar, f"{entry.step}/{job.steps}", duration(passed), left)
            elif entry.state in ("failed", "diverged", "elsewhere"):
                words = Text(f"{entry.state}: {printable(entry.message)}", style="" if entry.log is None else "red")
                table.add_row(job.label, words, "", "", "")
        return table


def _left(entry: Entry, steps: int, passed: float) -> str:
    made = entry.step - entry.first_step
    return duration(passed / made * (steps - entry.step)) if made > 0 else ""
