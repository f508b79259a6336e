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

    A run that trains is left where it is. To undo, move a folder back; to free the disk, delete .trash.
    """
    from ganlab.runs.records import find_run
    from ganlab.runs.trash import move_to_trash

    for run in dict.fromkeys([find_run(results, run) for run in runs]):  # a wrong name moves nothing
        click.echo(move_to_trash(run))
