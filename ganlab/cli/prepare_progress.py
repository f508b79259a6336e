"""How `ganlab prepare` shows that it is alive: a bar on a terminal, a line every now and then otherwise."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

import click

_SECONDS_BETWEEN_LINES = 10.0


@contextlib.contextmanager
def progress(limit: int | None) -> Iterator[Callable]:
    """Gives what to call with each `Progress`; photos a second are counted from the first block that this process made.

    Args:
        limit: how many images are wanted.
    """
    rate = _Rate()
    with (_bar if sys.stdout.isatty() else _lines)(rate, limit) as notify:
        yield notify


class _Rate:
    """Photos a second. The first block pays for loading the detector and is not counted, nor is what was found done."""

    def __init__(self):
        self.since = self.photos = None

    def text(self, fresh: int) -> str:
        if fresh and self.since is None:
            self.since, self.photos = time.perf_counter(), fresh
        if self.since is None or fresh == self.photos:
            return ""
        return f"{(fresh - self.photos) / (time.perf_counter() - self.since):.1f} photos/s"


def _done(at, limit: int | None) -> tuple[int, int]:
    """Counted in images where fewer are wanted than there are photos."""
    return (at.images, limit) if limit is not None and limit < at.total else (at.photos, at.total)


@contextlib.contextmanager
def _bar(rate: _Rate, limit: int | None) -> Iterator[Callable]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn()
    with RichProgress(*columns, transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def notify(at) -> None:
            done, total = _done(at, limit)
            bar.update(task, completed=done, total=total, description=_text(at, rate.text(at.fresh)))

        yield notify


@contextlib.contextmanager
def _lines(rate: _Rate, limit: int | None) -> Iterator[Callable]:
    last = time.perf_counter()

    def notify(at) -> None:
        nonlocal last
        speed = rate.text(at.fresh)
        done, total = _done(at, limit)
        if time.perf_counter() - last < _SECONDS_BETWEEN_LINES and done < total:
            return
        last = time.perf_counter()
        click.echo(f"{at.photos}/{at.total} photos  {_text(at, speed)}")
        sys.stdout.flush()

    yield notify


def _text(at, speed: str) -> str:
    return "  ".join(part for part in (f"{at.images} images", speed) if part)
