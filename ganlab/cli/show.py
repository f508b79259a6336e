"""`ganlab show`: shows one run's state, hyperparameters, scores, cost and pictures."""

from pathlib import Path

import click

from ganlab.cli.completion import run_names
from ganlab.cli.output import json_option, print_json, print_tables, results_option


@click.command("show")
@click.argument("run", shell_complete=run_names)
@results_option
@json_option
def command(run: str, results: Path, as_json: bool) -> None:
    """Show one run: its state, hyperparameters, scores, cost, and the paths of its pictures.

    RUN is a run folder, its name, a config's name, or the first digits of an identity.
    """
    from ganlab.reports.runs import run_document, run_tables
    from ganlab.runs.records import find_run, read_run

    record = read_run(find_run(results, run))
    if as_json:
        print_json(run_document(record))
    else:
        print_tables(run_tables(record))
