"""`ganlab prepare`: photos become a data set."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from ganlab.cli.output import UserPath

_SECONDS_BETWEEN_LINES = 10.0


@click.command("prepare")
@click.argument("dataset")
@click.option("--source", type=UserPath(), metavar="FILE|DIR", help="A zip or a folder of photos.")
@click.option("--download", is_flag=True, help="Download the photos if they are not here (celeba, by kagglehub).")
@click.option("--size", type=click.IntRange(1, 1024), help="Pixels a side.  [default: 40 for celeba, else 64]")
@click.option("--limit", type=click.IntRange(1), help="How many images are wanted.  [default: all]")
@click.option(
    "--crop",
    type=click.Choice(["box", "square", "center", "none"]),
    help="box: the face MTCNN finds; square: a square around it; center: the largest square; none: the whole photo."
    "  [default: box for celeba, else center]",
)
def command(
    dataset: str, source: Path | None, download: bool, size: int | None, limit: int | None, crop: str | None
) -> None:
    """Make the data set DATASET of photos, for configs with 'data: {name: DATASET}'.

    DATASET is celeba, afhq, or a free name for your own photos. An interrupted command goes on where it was.
    """
    from ganlab.data.photo_sources import find_photos, known_source
    from ganlab.data.prepare import Request, prepare_photos
    from ganlab.data.registry import DATASETS
    from ganlab.training.signals import watched_signals

    known = known_source(dataset, DATASETS)
    path = find_photos(dataset, known, source, download)
    request = Request(dataset, path, crop or known.crop, size or known.size, limit)
    click.echo(f"{dataset}: photos of {path}, crop {request.crop}, {request.size} x {request.size} pixels")
    with watched_signals() as stopped, _progress(limit) as notify:
        place, facts = prepare_photos(request, notify, stopped)
    counts = facts["counts"]
    click.echo(
        f"{counts['images']} images of {counts['photos']} photos "
        f"({counts['no_face']} without a face, {counts['unreadable']} unreadable): {place.folder}"
    )
    if facts["source"]["note"]:
        click.echo(facts["source"]["note"])
    if counts["no_face"] + counts["unreadable"] + counts["no_picture"]:
        click.echo(f"the files left out: {place.left_out}")
    if limit and counts["images"] < limit:
        click.echo(f"{limit} images were wanted, there are no more photos; in configs: limit: {counts['images']}")
    click.echo(f"in configs: data: {{name: {dataset}, image_size: {request.size}}}")


@contextlib.contextmanager
def _progress(limit: int | None) -> Iterator[Callable[[int, int, int, int], None]]:
    """Shows progress: a bar on a terminal, a line every ten seconds otherwise. Gives a `prepare.Notify`.

    Args:
        limit: number of images wanted; the bar counts images if there are more photos than that.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    # The speed leaves out this process' first block, in which the detector is loaded.
    began, first = 0.0, 0
    told = time.perf_counter()
    columns = BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn()
    with Progress(*columns, transient=True, disable=not sys.stdout.isatty()) as bar:
        task = bar.add_task("starting", total=None)

        def notify(photos: int, all_photos: int, images: int, fresh: int) -> None:
            nonlocal began, first, told
            now = time.perf_counter()
            text = f"{images} images"
            if fresh and not first:
                began, first = now, fresh
            elif fresh > first:
                text += f"  {(fresh - first) / (now - began):.1f} photos/s"
            done, total = (images, limit) if limit is not None and limit < all_photos else (photos, all_photos)
            bar.update(task, completed=done, total=total, description=text)
            if bar.disable and (now - told >= _SECONDS_BETWEEN_LINES or done >= total):
                told = now
                click.echo(f"{photos}/{all_photos} photos  {text}")
                sys.stdout.flush()

        yield notify
