"""`ganlab neighbours`: shows generated images beside the nearest training images."""

from pathlib import Path

import click

from ganlab.cli.completion import run_names
from ganlab.cli.output import (
    UserPath,
    backend_option,
    hinting_at_out,
    json_option,
    print_json,
    print_tables,
    results_option,
)


@click.command("neighbours")
@click.argument("run", shell_complete=run_names)
@click.option(
    "--by", type=click.Choice(["pixels", "features"]), default="pixels", show_default=True, help="The distance."
)
@click.option("--count", type=click.IntRange(1, 100), default=10, show_default=True, help="Pairs to show.")
@click.option("--step", type=click.IntRange(1), help="The checkpoint's step; the newest by default.")
@click.option("--out", type=UserPath(dir_okay=False), help="The picture, a PNG; in the run's folder by default.")
@backend_option
@json_option
@results_option
def command(
    run: str,
    by: str,
    count: int,
    step: int | None,
    out: Path | None,
    backend: str | None,
    as_json: bool,
    results: Path,
) -> None:
    """Draw generated images of RUN above their nearest training images, and print the distances.

    The last lines compare 1,000 generated images with as many real images that were not trained on. A generator that
    repeats training images has the smaller mean distance.
    """
    from ganlab.errors import ConfigError
    from ganlab.flows.neighbours import find_neighbours
    from ganlab.pictures.pairs import write_pairs
    from ganlab.reports.table import table_of
    from ganlab.runs.records import find_run

    if out and out.suffix.lower() != ".png":
        raise ConfigError(f"--out {out}: expected a name with the suffix .png")
    found = find_neighbours(find_run(results, run), step, by, backend)
    target = out or found.folder.neighbours(found.step, by)
    title = f"generated images above, the nearest training images below, and their distances ({by})"
    with hinting_at_out(out):
        write_pairs(target, found.generated[:count], found.found[:count], found.distances[:count], title)
    groups = {"generated images": found.distances, "real images of the test split": found.held_out}
    means = [
        {"of": name, "count": len(d), "mean_distance": float(d.mean())} for name, d in groups.items() if d is not None
    ]
    pairs = zip(range(count), found.rows.tolist(), found.distances.tolist(), strict=False)
    pairs = [{"image": image, "training_image": row, "distance": distance} for image, row, distance in pairs]
    if as_json:
        picture = {"step": found.step, "by": by, "picture": str(target)}
        print_json(picture | {"pairs": pairs, "means": means})
        return
    print_tables([table_of(pairs), table_of(means)])
    click.echo(target)
