"""`ganlab data`: the data sets there are."""

import click

from ganlab.cli.output import json_option, print_json, print_tables


@click.command("data")
@json_option
def command(as_json):
    """List the data sets: where each was found, image counts, shapes, classes and checksums."""
    from ganlab.data import list_datasets
    from ganlab.reports.table import table_of

    datasets = list_datasets()
    if as_json:
        print_json({"format": 1, "datasets": datasets})
    else:
        print_tables([table_of(datasets)])
