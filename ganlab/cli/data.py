"""`ganlab data`: the data sets there are, and a grid of real images of one of them."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganlab.cli.output import UserPath, json_option, print_json, print_tables
from ganlab.errors import ConfigError, GanlabError

if TYPE_CHECKING:
    import numpy as np

    from ganlab.data.dataset import Dataset


class Grid(click.ParamType):
    """Rows and columns, as 5x5."""

    name = "grid"

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        if not (match := re.fullmatch(r"([1-9]\d?)x([1-9]\d?)", value, re.ASCII)):
            self.fail(f"expected rows and columns from 1 to 99, such as 5x5, received '{value}'", param, ctx)
        return int(match[1]), int(match[2])


@click.command("data")
@click.argument("name", required=False)
@click.option("--grid", type=Grid(), metavar="RxC", help="Rows and columns of images.  [default: 5x5]")
@click.option("--seed", type=click.IntRange(0), help="Of the choice of images.  [default: 0]")
@click.option("--out", type=UserPath(dir_okay=False), help="The picture, as .png, .jpg or another suffix.")
@json_option
def command(name: str | None, grid: tuple[int, int] | None, seed: int | None, out: Path | None, as_json: bool) -> None:
    """List the data sets: where each was found, image counts, shapes, classes and checksums.

    With NAME and --out, write a grid of its training images instead. NAME is a data set, or a config, whose `data`
    section is taken. With labels, each row shows one class, as in the grids of labelled runs.
    """
    if name is None and (grid, seed, out) == (None, None, None):
        _list(as_json)
        return
    if name is None or out is None or as_json:
        raise click.UsageError("a grid of images needs NAME and --out; it goes without --json")
    from ganlab.pictures.images import write_grid
    from ganlab.pictures.samples import require_picture

    grid = grid or (5, 5)
    require_picture(out)
    write_grid(out, choose_images(_load(name), *grid, seed or 0), *grid)
    click.echo(out)


def _list(as_json: bool) -> None:
    from ganlab.data import list_datasets
    from ganlab.reports.table import table_of

    datasets = list_datasets()
    if as_json:
        print_json({"format": 1, "datasets": datasets})
    else:
        print_tables([table_of(datasets)])


def _load(name: str) -> "Dataset":
    from pydantic import ValidationError

    from ganlab.config.loading import load_config
    from ganlab.config.schema import Data
    from ganlab.config.steps import final_data
    from ganlab.data.registry import load_dataset

    if name.endswith((".yaml", ".yml")):
        config = load_config(Path(name))
        return load_dataset(final_data(config), config.error_at)
    try:
        options = Data(name=name)
    except ValidationError:
        message = "expected a data set or a config; in a config, a folder of pictures is {name: folder, source: FOLDER}"
        raise ConfigError(f"{name}: {message}") from None
    return load_dataset(options)


def choose_images(dataset: "Dataset", rows: int, columns: int, seed: int) -> "np.ndarray":
    """Distinct training images for a grid, uint8 (rows * columns, H, W, C). With labels, a row has one class.

    Raises:
        GanlabError: the data are no images, or too few.
    """
    import numpy as np

    from ganlab.training.draws import generator_of

    images, labels = dataset.train.images, dataset.train.labels
    if images.ndim != 4:
        raise GanlabError(f"{dataset.name}: expected images, received samples of the shape {dataset.shape}")
    order = generator_of(seed, "real grid").permutation(dataset.count)
    classes = dataset.form.classes or 1
    kinds = np.zeros(dataset.count, int) if labels is None else labels[order]
    chosen = []
    for row in range(rows):
        of_class = order[kinds == row % classes]
        taken = of_class[row // classes * columns :][:columns]
        if len(taken) < columns:
            needed = (row // classes + 1) * columns
            kind = "" if labels is None else f" of class {(dataset.class_names or range(classes))[row % classes]}"
            raise ConfigError(f"--grid {rows}x{columns}: {dataset.name} has {len(of_class)} images{kind}, not {needed}")
        chosen.append(taken)
    return images[np.concatenate(chosen)]
