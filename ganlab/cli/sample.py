"""`ganlab sample`: makes images from a checkpoint."""

import click

from ganlab.cli.output import PicturePath, backend_option, results_option


@click.command("sample")
@click.argument("run")
@click.option("--step", type=click.IntRange(1), help="The checkpoint's step; the newest by default.")
@click.option("--count", type=click.IntRange(1, 10_000), default=25, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the latents.")
@click.option(
    "--label", metavar="CLASS|all", help="The class of all images, or COUNT images of each class, a row a class."
)
@click.option("--interpolate", is_flag=True, help="Rows of ten images, each from one latent to another.")
@click.option(
    "--out",
    type=PicturePath(dir_okay=False),
    help="The picture, as .png, .jpg or another suffix; a PNG in the run's folder by default.",
)
@backend_option
@results_option
def command(run, step, count, seed, label, interpolate, out, backend, results):
    """Make a grid of images from a checkpoint of RUN (a folder, a name or an identity); no data set is needed."""
    import math

    import numpy as np

    from ganlab.flows.load import load_checkpoint
    from ganlab.pictures.samples import write_samples
    from ganlab.runs.folder import RunFolder
    from ganlab.runs.records import find_run
    from ganlab.training.draws import draw_latents
    from ganlab.training.sampling import interpolate as between

    loaded = load_checkpoint(RunFolder(find_run(results, run)), step, backend)
    sampler, latent = loaded.sampler, loaded.config.latent
    chosen = None if label is None else _class_of(label, sampler.classes)
    columns = 10 if interpolate else count if label == "all" else math.ceil(math.sqrt(count))
    count = count * sampler.classes if label == "all" else count
    rows = math.ceil(count / columns)
    if interpolate:
        ends = draw_latents(seed, "interpolate", 2 * rows, latent.dim, latent.distribution)
        latents = between(ends.reshape(rows, 2, latent.dim), columns, latent.distribution)
    else:
        latents = draw_latents(seed, "sample", count, latent.dim, latent.distribution)
    # With labels, each row shows one class.
    labels = np.arange(len(latents)) // columns % sampler.classes if sampler.classes else None
    if chosen is not None:
        labels = np.full(len(latents), chosen)
    samples = sampler.images(latents, labels)
    target = out or loaded.folder.extra_sample("interpolation" if interpolate else "sample", loaded.step, seed)
    write_samples(target, samples, (rows, columns), loaded.config.data.range)
    click.echo(target)


def _class_of(label: str, classes: int | None) -> int | None:
    """The class that `--label` names; None for "all"."""
    if classes is None:
        raise click.UsageError("--label: the generator of this run takes no labels")
    if label == "all":
        return None
    if not (label.isascii() and label.isdigit() and int(label) < classes):
        raise click.UsageError(f"--label: expected a class from 0 to {classes - 1} or all, received '{label}'")
    return int(label)
