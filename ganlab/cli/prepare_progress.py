"""How `ganlab prepare` shows that it is alive: a bar on a terminal, a line every ten seconds otherwise."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

import click

_SECONDS_BETWEEN_LINES = 10.0


@contextlib.contextmanager
def progress(limit: int | None) -> Iterator[Callable]:
    """Gives a function to call with each `Progress`.

    Args:
        limit: how many images are wanted; the bar counts them where there are more photos than that.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    # Photos a second are counted after the first block of this process, which pays for loading the detector.
    began, first = 0.0, 0
    told = time.perf_counter()
    columns = BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn()
    with Bar(*columns, transient=True, disable=not sys.stdout.isatty()) as bar:
        task = bar.add_task("starting", total=None)

        def notify(at) -> None:
            nonlocal began, first, told
            now = time.perf_counter()
            text = f"{at.images} images"
            if at.fresh and not first:
                began, first = now, at.fresh
            elif at.fresh > first:
                text += f"  {(at.fresh - first) / (now - began):.1f} photos/s"
            done, total = (at.images, limit) if limit is not None and limit < at.total else (at.photos, at.total)
            bar.update(task, completed=done, total=total, description=text)
            if bar.disable and (now - told >= _SECONDS_BETWEEN_LINES or done >= total):
                told = now
                click.echo(f"{at.photos}/{at.total} photos  {text}")
                sys.stdout.flush()

        yield notify
