"""`ganlab verify`: looks for damage in run folders."""

from pathlib import Path

import click

from ganlab.cli.completion import run_names
from ganlab.cli.output import json_option, print_json, results_option

_LONGEST = 500  # characters of a finding


@click.command("verify")
@click.argument("path", metavar="PATH|RUN", shell_complete=run_names)
@results_option
@json_option
def command(path: str, results: Path, as_json: bool) -> None:
    """Check a RUN, or all run folders in PATH: checksums, weights, history, metrics, summary, pictures.

    A config's name stands for its runs of all seeds. The command prints a line for each folder and for each finding. An
    unfinished run is sound if the same command can continue it.
    """
    from ganlab.errors import CheckpointError
    from ganlab.flows.verify import run_folders_at, verify_run
    from ganlab.reports.table import printable
    from ganlab.runs.records import paths_of

    verifications = []
    for folder in (folder for found in paths_of(results, [path]) for folder in run_folders_at(found)):
        verification = verify_run(folder)
        verifications.append(verification)
        if not as_json:
            # These lines quote files. `printable` keeps control characters from the terminal.
            verdict = "damaged" if verification.damage else "ok"
            click.echo(printable(f"{verdict:<8} {folder}  ({verification.state[:_LONGEST]})"))
            for line in (*verification.damage, *verification.notes):
                click.echo(printable(f"         {line[:_LONGEST]}"))
    if as_json:
        runs = [vars(v) | {"folder": str(v.folder), "ok": not v.damage} for v in verifications]
        print_json({"format": 1, "runs": runs})
    if damaged := sum(bool(verification.damage) for verification in verifications):
        verb = "is" if damaged == 1 else "are"
        raise CheckpointError(f"{damaged} of {len(verifications)} run folders {verb} damaged")
