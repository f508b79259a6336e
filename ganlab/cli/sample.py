"""`ganlab sample`: makes images from a checkpoint."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganlab.cli.completion import run_names
from ganlab.cli.output import UserPath, backend_option, hinting_at_out, results_option

if TYPE_CHECKING:
    import numpy as np

    from ganlab.config.schema import Latent

_MOST_IN_A_GRID = 10_000
_BATCH = 1000  # samples in memory as floats


@click.command("sample")
@click.argument("run", shell_complete=run_names)
@click.option("--step", type=click.IntRange(1), help="The checkpoint's step; the newest by default.")
@click.option("--count", type=click.IntRange(1, 100_000), default=25, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the latents.")
@click.option(
    "--label",
    metavar="CLASS|all",
    help="The class of all images, by name or number, or all: COUNT images of each class, a row a class; with --interpolate "
    "one row after another has the next class.",
)
@click.option("--interpolate", is_flag=True, help="Rows of ten images, each from one latent to another.")
@click.option("--each", is_flag=True, help="Write single images, for other programs, to --out DIR or --out FILE.npz.")
@click.option(
    "--out",
    type=UserPath(),
    help="The picture, as .png, .jpg or another suffix; a PNG in the run's folder by default.",
)
@backend_option
@results_option
def command(
    run: str,
    step: int | None,
    count: int,
    seed: int,
    label: str | None,
    interpolate: bool,
    each: bool,
    out: Path | None,
    backend: str | None,
    results: Path,
) -> None:
    """Make a grid of images from a checkpoint of RUN (a folder, a name or an identity); no data set is needed.

    With --each, single images: PNG files in a new folder, or an .npz with the arrays arr_0 (uint8 images) and arr_1 (labels,
    equally many of each class).
    """
    from ganlab.flows.load import load_checkpoint
    from ganlab.pictures.samples import require_picture, write_samples
    from ganlab.pictures.singles import require_place, write_singles
    from ganlab.runs.folder import RunFolder
    from ganlab.runs.records import find_run

    if each and (interpolate or out is None):
        raise click.UsageError("--each: expected --out DIR or --out FILE.npz, without --interpolate")
    if not each and count > _MOST_IN_A_GRID:
        raise click.UsageError(f"--count: expected at most {_MOST_IN_A_GRID:,} without --each, received {count:,}")
    if out:
        (require_place if each else require_picture)(out)
    loaded = load_checkpoint(RunFolder(find_run(results, run)), step, backend)
    sampler, data_range = loaded.sampler, loaded.config.data.range
    chosen = None if label is None else loaded.class_of(label)
    columns = 1 if each else 10 if interpolate else count if label == "all" else math.ceil(math.sqrt(count))
    count = count * sampler.classes if label == "all" else count
    rows = math.ceil(count / columns)
    latents = _latents(loaded.config.latent, seed, count, (rows, columns) if interpolate else None)
    labels = loaded.labels(len(latents), columns, chosen)
    if each:
        parts = [slice(start, start + _BATCH) for start in range(0, count, _BATCH)]
        batches = (sampler.images(latents[part], None if labels is None else labels[part]) for part in parts)
        write_singles(out, batches, labels, data_range)
        click.echo(out)
        return
    target = out or loaded.folder.extra_sample("interpolation" if interpolate else "sample", loaded.step, seed)
    with hinting_at_out(out):
        write_samples(target, sampler.images(latents, labels), (rows, columns), data_range)
    click.echo(target)


def _latents(latent: "Latent", seed: int, count: int, grid: tuple[int, int] | None) -> "np.ndarray":
    """Latents (count, latent.size); of a grid, rows from one latent to another. Codes stay along a row."""
    from ganlab.training.draws import latents_of
    from ganlab.training.sampling import interpolate

    if grid is None:
        return latents_of(latent, seed, "sample", count)
    rows, columns = grid
    ends = latents_of(latent, seed, "interpolate", 2 * rows).reshape(rows, 2, latent.size)
    return interpolate(ends, columns, latent.distribution, latent.codes)
