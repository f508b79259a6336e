"""`ganlab schema`: prints the config language for editors."""

import click

from ganlab.cli.output import UserPath, print_json, write_file


@click.command("schema")
@click.option("--out", type=UserPath(dir_okay=False), help="Write to this file.")
def command(out):
    """Print the JSON Schema of config files, with every layer name, for editors."""
    from ganlab.backends.select import select_backend
    from ganlab.config.json_schema import config_json_schema
    from ganlab.reports.table import to_json

    select_backend("tensorflow")
    from ganlab.models.single_layers import layer_names

    schema = config_json_schema(list(layer_names()))
    if out is None:
        print_json(schema)
    else:
        write_file(out, to_json(schema))
