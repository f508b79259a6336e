"""`ganlab rm`: moves runs to the trash."""

from pathlib import Path

import click

from ganlab.cli.completion import run_names
from ganlab.cli.output import results_option


@click.command("rm")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, shell_complete=run_names)
@results_option
def command(runs: tuple[str, ...], results: Path) -> None:
    """Move runs to the folder .trash in the folder of results, and print where they are now.

    RUN is a folder, a name, an identity, or a pattern such as 'short-*' for all runs whose names fit.

    A run that trains is left where it is. To undo, move a folder back; to free the disk, delete .trash.
    """
    from ganlab.runs.records import named_runs
    from ganlab.runs.trash import move_to_trash

    for run in named_runs(results, runs):  # a wrong name moves nothing
        click.echo(move_to_trash(run))
