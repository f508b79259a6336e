"""The progress of `ganlab prepare`: a bar on a terminal, a line every now and then elsewhere."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

import click

_SECONDS_BETWEEN_LINES = 10.0


@contextlib.contextmanager
def progress(limit: int | None) -> Iterator[Callable]:
    """Gives a function to call with each `Progress`; `limit` is how many images are wanted."""
    since = photos = None

    def speed(fresh: int) -> str:
        """Photos a second of this process. The first block pays for loading the detector and is not counted."""
        nonlocal since, photos
        if fresh and since is None:
            since, photos = time.perf_counter(), fresh
        return (
            ""
            if since is None or fresh == photos
            else f"{(fresh - photos) / (time.perf_counter() - since):.1f} photos/s"
        )

    with (_bar if sys.stdout.isatty() else _lines)() as show:

        def notify(at) -> None:
            counts_images = limit is not None and limit < at.total
            done, total = (at.images, limit) if counts_images else (at.photos, at.total)
            show(at, done, total, "  ".join(filter(None, (f"{at.images} images", speed(at.fresh)))))

        yield notify


@contextlib.contextmanager
def _bar() -> Iterator[Callable]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn()
    with RichProgress(*columns, transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda at, done, total, text: bar.update(task, completed=done, total=total, description=text)


@contextlib.contextmanager
def _lines() -> Iterator[Callable]:
    last = time.perf_counter()

    def show(at, done: int, total: int, text: str) -> None:
        nonlocal last
        if time.perf_counter() - last >= _SECONDS_BETWEEN_LINES or done >= total:
            last = time.perf_counter()
            click.echo(f"{at.photos}/{at.total} photos  {text}")
            sys.stdout.flush()

    yield show
