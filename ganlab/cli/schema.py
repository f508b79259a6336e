"""`ganlab schema`: the config language for editors."""

import json
from pathlib import Path

import click

from ganlab.cli.output import write_file


@click.command("schema")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
def command(out):
    """Print the JSON Schema of config files, with every layer name, for editors."""
    from ganlab.backends.select import select_backend
    from ganlab.config.json_schema import config_json_schema

    select_backend("tensorflow")
    from ganlab.models.single_layers import layer_names

    text = json.dumps(config_json_schema(list(layer_names())), indent=2) + "\n"
    if out is None:
        click.echo(text, nl=False)
    else:
        write_file(out, text)
