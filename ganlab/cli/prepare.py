"""`ganlab prepare`: photos become a data set."""

import click

from ganlab.cli.output import UserPath


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
def command(dataset, source, download, size, limit, crop):
    """Make the data set DATASET of photos, for configs with 'data: {name: DATASET}'.

    DATASET is celeba, afhq, or a free name for your own photos. An interrupted command goes on where it was.
    """
    from ganlab.cli.prepare_progress import progress
    from ganlab.data.photo_sources import find_photos, known_source
    from ganlab.data.prepare import Request, prepare_photos
    from ganlab.data.registry import DATASETS
    from ganlab.training.signals import watched_signals

    known = known_source(dataset, DATASETS)
    path = find_photos(dataset, known, source, download)
    request = Request(dataset, path, crop or known.crop, size or known.size, limit)
    click.echo(f"{dataset}: photos of {path}, crop {request.crop}, {request.size} x {request.size} pixels")
    with watched_signals() as stopped, progress(limit) as notify:
        place, facts = prepare_photos(request, notify, stopped)
    counts = facts["counts"]
    click.echo(
        f"{counts['images']} images of {counts['photos']} photos "
        f"({counts['no_face']} without a face, {counts['unreadable']} unreadable): {place.folder}"
    )
    if counts["no_face"] + counts["unreadable"]:
        click.echo(f"the photos left out: {place.left_out}")
    if limit and counts["images"] < limit:
        click.echo(f"{limit} images were wanted, there are no more photos; in configs: limit: {counts['images']}")
    click.echo(f"in configs: data: {{name: {dataset}, image_size: {request.size}}}")
