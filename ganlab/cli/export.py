"""`ganlab export`: sends run folders to MLflow or TensorBoard."""

import re
from pathlib import Path

import click

from ganlab.cli.completion import run_names
from ganlab.cli.output import fail_for, results_option


@click.command("export")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, shell_complete=run_names)
@click.option("--to", required=True, metavar="mlflow[:URI]|tensorboard[:FOLDER]", help="The tracker, and its address.")
@results_option
def command(runs: tuple[str, ...], to: str, results: Path) -> None:
    """Send runs to a tracker: hyperparameters, losses and metrics over steps, grids, files, verdict.

    RUN is a run folder, its name, a config's name (the runs of all its seeds), or an identity. The URI of MLflow is a server's
    (mlflow:http://localhost:5000) or a database's (mlflow:sqlite:///runs.db); by default it is mlflow.db in the folder of all
    runs. The folder of TensorBoard is .tensorboard there by default. A second export makes no duplicates.
    """
    from ganlab.config.fields import TRACKER, TRACKER_WORDS
    from ganlab.errors import ConfigError, GanlabError
    from ganlab.runs.records import runs_of
    from ganlab.trackers import open_tracker
    from ganlab.trackers.content import read_content

    if not re.fullmatch(TRACKER, to):
        raise ConfigError(f"--to {to}: expected {TRACKER_WORDS}")
    tracker, problems = open_tracker(to, results), []
    for folder in dict.fromkeys(folder for run in runs for folder in runs_of(results, run)):
        try:
            content = read_content(folder)
        except GanlabError as error:  # damaged; the others are sent
            problems.append(str(error))
            continue
        try:
            tracker.send(content)
            click.echo(folder)
        except ConfigError:  # nobody answers at the address
            raise
        except GanlabError as error:
            problems.append(str(error))
    click.echo(f"see: {tracker.viewer}", err=True)
    fail_for(problems)
