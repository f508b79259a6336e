"""`ganlab sample`: makes images from a checkpoint."""

import click

from ganlab.cli.output import UserPath, backend_option, results_option
from ganlab.errors import did_you_mean


@click.command("sample")
@click.argument("run")
@click.option("--step", type=click.IntRange(1), help="The checkpoint's step; the newest by default.")
@click.option("--count", type=click.IntRange(1, 10_000), default=25, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the latents.")
@click.option(
    "--label",
    metavar="CLASS|all",
    help="The class of all images, by name or number, or COUNT images of each class, a row a class.",
)
@click.option("--interpolate", is_flag=True, help="Rows of ten images, each from one latent to another.")
@click.option(
    "--out",
    type=UserPath(dir_okay=False),
    help="The picture, as .png, .jpg or another suffix; a PNG in the run's folder by default.",
)
@backend_option
@results_option
def command(run, step, count, seed, label, interpolate, out, backend, results):
    """Make a grid of images from a checkpoint of RUN (a folder, a name or an identity); no data set is needed."""
    import math

    import numpy as np
    from PIL import Image

    from ganlab.errors import ConfigError
    from ganlab.flows.load import load_checkpoint
    from ganlab.pictures.samples import write_samples
    from ganlab.runs.folder import RunFolder
    from ganlab.runs.records import find_run
    from ganlab.training.draws import draw_latents
    from ganlab.training.sampling import interpolate as between

    if out and Image.registered_extensions().get(out.suffix.lower()) not in Image.SAVE:
        raise ConfigError(f"--out {out}: expected a name with the suffix of a picture, such as .png or .jpg")
    loaded = load_checkpoint(RunFolder(find_run(results, run)), step, backend)
    sampler, latent = loaded.sampler, loaded.config.latent
    chosen = None if label is None else _class_of(label, sampler.classes, loaded.class_names)
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


def _class_of(label: str, classes: int | None, names: list[str]) -> int | None:
    """The class that `--label` names, or numbers from 0; None for "all"."""
    if classes is None:
        raise click.UsageError("--label: the generator of this run takes no labels")
    if label == "all":
        return None
    if label in names[:classes]:
        return names.index(label)
    if not (label.isascii() and label.isdigit() and int(label) < classes):
        words = [name for name in names if not name.isdigit()]
        known = f"a class from 0 to {classes - 1}{', its name' if words else ''} or all"
        hint = f".{did_you_mean(label, words)}" if words else ""
        raise click.UsageError(f"--label: expected {known}, received '{label}'{hint}")
    return int(label)
