"""`ganlab init`: writes a first config for a data set."""

import os
import shlex
from pathlib import Path

import click

from ganlab.cli.output import UserPath, write_file


@click.command("init")
@click.argument("dataset")
@click.option("--size", type=click.IntRange(1), help="Pixels on a side after resizing.")
@click.option("--source", type=UserPath(exists=True), help="With DATASET folder: a folder or zip file of images.")
@click.option("--out", type=UserPath(dir_okay=False), help="The config.  [default: DATASET.yaml]")
def command(dataset: str, size: int | None, source: Path | None, out: Path | None) -> None:
    """Write a config with comments for DATASET: a small GAN whose networks fit its images, to start from.

    DATASET is a name that `ganlab data` lists. A file that exists is not replaced.
    """
    from ganlab.config.loading import read_data
    from ganlab.errors import ConfigError
    from ganlab.flows.init import first_config

    out = out or Path(f"{dataset}.yaml")
    if os.path.lexists(out):
        raise ConfigError(f"{out}: exists; --out names another file")
    # A config's own paths start at its folder, so an absolute one is true anywhere.
    where = None if source is None else str(source.resolve())
    write_file(out, first_config(read_data("init", name=dataset, image_size=size, source=where)))
    click.echo(f"see: ganlab check {shlex.quote(str(out))}", err=True)
