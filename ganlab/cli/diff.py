"""`ganlab diff`: the differences between two runs."""

from pathlib import Path

import click

from ganlab.cli.completion import run_names
from ganlab.cli.output import json_option, print_json, print_tables, results_option


@click.command("diff")
@click.argument("first", metavar="RUN", shell_complete=run_names)
@click.argument("second", metavar="RUN", shell_complete=run_names)
@results_option
@json_option
def command(first: str, second: str, results: Path, as_json: bool) -> None:
    """Compare two runs: config keys that differ, metrics side by side, parts of the environment that differ."""
    from ganlab.reports.difference import difference_document, difference_tables
    from ganlab.runs.records import find_run, read_run

    records = [read_run(find_run(results, run)) for run in (first, second)]
    if as_json:
        print_json(difference_document(*records))
    else:
        print_tables(difference_tables(*records))
