"""`ganlab sweep`: trains a folder of configs, or a study."""

import contextlib
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganlab.cli.completion import config_keys
from ganlab.cli.output import UserPath, integers, json_option, print_json, print_tables, raise_all, results_option
from ganlab.errors import GanlabError

if TYPE_CHECKING:
    from ganlab.flows.sweep import Sweep
    from ganlab.sweeps.board import Board
    from ganlab.sweeps.executor import Executor
    from ganlab.sweeps.jobs import Job


@click.command("sweep")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=UserPath())
@click.option(
    "-o",
    "--override",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=config_keys,
    help="Override a key of all configs; KEY=A,B trains each with A and with B.",
)
@click.option("--seeds", callback=integers(0), metavar="0,1,2", help="Train every config once with each seed.")
@click.option("-j", "--jobs", "workers", type=click.IntRange(1), default=1, show_default=True, help="Runs at a time.")
@click.option(
    "--together", is_flag=True, help="Train runs that differ in seeds and scalars as lanes of one step (backend jax)."
)
@click.option(
    "--on",
    type=click.Choice(["local", "ray", "slurm-array"]),
    default="local",
    show_default=True,
    help="Where the runs train; slurm-array only writes a script for sbatch.",
)
@click.option(
    "--address", metavar="HOST:PORT", help="The Ray cluster of --on ray. [default: $RAY_ADDRESS, or this machine]"
)
@click.option("--track", metavar="mlflow[:URI]|tensorboard[:FOLDER]", help="Override the track of all configs.")
@results_option
@click.option(
    "--dry-run",
    is_flag=True,
    help="Validate, and show the state of each run and the time left; train and download nothing.",
)
@click.option("--rerun", type=click.Choice(["failed", "all"]), help="Run these again: failed (and diverged) or all.")
@click.option("--fail-fast", is_flag=True, help="Stop all runs when the first one fails.")
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Print only the folders.")
def command(
    paths: tuple[Path, ...],
    overrides: tuple[str, ...],
    seeds: list[int] | None,
    workers: int,
    together: bool,
    on: str,
    address: str | None,
    track: str | None,
    results: Path,
    dry_run: bool,
    rerun: str | None,
    fail_fast: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train all configs at each PATH.

    PATH is a folder of *.yaml, a study.yaml, one config, a pattern such as 'configs/exp*.yaml', or the name of a config or
    study that ships with ganlab, such as winkler2018.
    Finished runs are left as they are, interrupted ones go on, failed ones wait for --rerun failed.
    """
    from functools import partial

    from ganlab.flows.sweep import Sweep
    from ganlab.sweeps.groups import grouping_here
    from ganlab.sweeps.plan_tables import plan_document, plan_table

    if address and on != "ray":
        raise click.UsageError("--address: expected with --on ray")
    overrides = (*overrides, f"track={track}") if track else overrides
    silent = quiet or as_json
    say = (lambda line: None) if silent else partial(click.echo, err=True)
    executor = _executor(on, address)
    with _all_mistakes():
        sweep = Sweep(paths, overrides, seeds, results, rerun, say)
        if on == "slurm-array" and (sweep.search or together or fail_fast or (as_json and not dry_run)):
            raise click.UsageError(
                "--on slurm-array: writes a script that trains each run alone; a search, --together, --fail-fast and --json "
                "need --on local or --on ray"
            )
        try:
            for turn in sweep.turns(may_download=not dry_run):
                group = grouping_here(turn.due, workers, say) if together else None
                if dry_run and (turn.due or not sweep.search):
                    shown = turn.states, turn.due, results, group(turn.due) if group else []
                    print_json(plan_document(*shown)) if as_json else print_tables([plan_table(*shown)])
                    return
                if on == "slurm-array":
                    _write_slurm_array(turn.due, results, workers)
                    return
                with _board(list(turn.states), silent) as board:
                    sweep.train(turn, executor(results, workers, fail_fast, group), board)
                if fail_fast and board.has_failed():
                    break
        finally:
            if as_json and sweep.boards and not (dry_run and turn.due):  # else the plan was printed
                print_json(sweep.as_dict())
    _tell_end(sweep, quiet, as_json)


def _tell_end(sweep: "Sweep", quiet: bool, as_json: bool) -> None:
    """With --quiet the folders, by default the outcome in a line. An error if a run is not finished."""
    if quiet and not as_json:
        for job in sweep.jobs:
            click.echo(job.folder)
    sweep.require_finished()
    if not (quiet or as_json):
        click.echo(f"{sweep.outcome()}; see: ganlab report")


@contextlib.contextmanager
def _all_mistakes() -> Iterator[None]:
    """Prints every mistake of the configs, each on a line."""
    try:
        yield
    except GanlabError as error:
        problems = [error, *error.others]
        raise_all(problems, f"{len(problems)} mistakes; no run was started")


def _write_slurm_array(due: "list[Job]", results: Path, workers: int) -> None:
    from ganlab.sweeps.jobs import count_runs
    from ganlab.sweeps.slurm import write_slurm_array

    if not due:
        click.echo("no run is left", err=True)
        return
    script = write_slurm_array(due, results, workers)
    click.echo(script)
    click.echo(f"{count_runs(len(due))}; start them by: sbatch {shlex.quote(str(script))}", err=True)


def _executor(on: str, address: str | None) -> "Callable[..., Executor]":
    """What makes the executor of a place."""
    if on == "ray":
        from functools import partial

        from ganlab.sweeps.on_ray import RayExecutor, require_installed

        require_installed()  # before configs are checked, which takes a while
        return partial(RayExecutor, address=address)
    from ganlab.sweeps.local import LocalExecutor

    return LocalExecutor


def _board(jobs: "list[Job]", silent: bool) -> "contextlib.AbstractContextManager[Board]":
    from ganlab.sweeps.board import Board, LiveBoard

    if not silent and sys.stdout.isatty():
        from rich.console import Console

        return LiveBoard(jobs, Console())
    return contextlib.nullcontext(Board(jobs, (lambda line: None) if silent else click.echo))
