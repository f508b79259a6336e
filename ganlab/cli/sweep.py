"""`ganlab sweep`: trains a folder of configs, or a study."""

import contextlib
import sys

import click

from ganlab.cli.completion import config_keys
from ganlab.cli.output import UserPath, integers, json_option, print_json, print_tables, raise_all, results_option


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
    paths, overrides, seeds, workers, together, on, address, track, results, dry_run, rerun, fail_fast, as_json, quiet
):
    """Train all configs at each PATH.

    PATH is a folder of *.yaml, a study.yaml, one config, a pattern such as 'configs/exp*.yaml', or the name of a config or
    study that ships with ganlab, such as winkler2018.
    Finished runs are left as they are, interrupted ones go on, failed ones wait for --rerun failed.
    """
    from ganlab.sweeps.search import search_at

    if address and on != "ray":
        raise click.UsageError("--address: expected with --on ray")
    overrides = (*overrides, f"track={track}") if track else overrides
    silent, boards = quiet or as_json, []
    search = search_at(paths, overrides, seeds)
    configs = search.ask() if search else _configs(paths, overrides, seeds)
    try:
        while configs:  # a search has several turns
            if not (silent or dry_run):
                click.echo(f"{search or ', '.join(map(str, paths))}: checking {_runs(len(configs))}", err=True)
            states, due = _planned(configs, results, rerun, not dry_run, silent)
            group = _grouping(due, workers, silent) if together else None
            if dry_run and (due or not search):
                _show_plan(states, results, group and group(due), as_json)
                return
            if on == "slurm-array":
                _write_slurm_array(due, results, workers, search or together)
                return
            with _board(list(states), silent) as board:
                boards.append(board)
                board.leave({job: state for job, state in states.items() if job not in due})
                _executor(on, address)(results, workers, fail_fast, group).execute(due, board)
            if not search or (fail_fast and board.has_failed()):
                break
            search.tell(list(states))
            configs = search.ask()
    finally:
        if as_json and boards:
            runs = [run for board in boards for run in board.as_dicts()]
            print_json({"format": 1, "runs": runs} | ({"trials": search.as_dicts()} if search else {}))
    if quiet and not as_json:
        for job in (job for board in boards for job in board.entries):
            click.echo(job.folder)
    for board in boards:
        board.require_finished()
    if not silent:
        click.echo(f"{search.result() if search else boards[0].counts()}; see: ganlab report")


def _write_slurm_array(due, results, workers, needs_sweep):
    from ganlab.sweeps.slurm import write_slurm_array

    if needs_sweep:
        raise click.UsageError(
            "--on slurm-array: trains each run alone; a search and --together need --on local or --on ray"
        )
    if not due:
        click.echo("no run is left", err=True)
        return
    script = write_slurm_array(due, results, workers)
    click.echo(script)
    click.echo(f"{_runs(len(due))}; start them by: sbatch {script}", err=True)


def _configs(paths, overrides, seeds):
    from ganlab.sweeps.configs import configs_of

    found = [configs_of(path, overrides, seeds) for path in paths]
    configs, problems = ([each for part in parts for each in part] for parts in zip(*found, strict=True))
    raise_all(problems, f"{len(problems)} mistakes; no run was started")
    return configs


def _planned(configs, results, rerun, may_download, silent):
    """Each job with its state, and the jobs to train."""
    from ganlab.sweeps.jobs import is_due, state_of
    from ganlab.sweeps.survey import survey

    jobs, problems = survey(configs, results, fresh=rerun == "all", may_download=may_download)
    raise_all(problems, f"{len(problems)} mistakes; no run was started")
    for job in () if silent else jobs:
        for label in job.also_named:
            click.echo(f"{label}: the same run as {job.label}; trained once", err=True)
    states = {job: state_of(job, results) for job in jobs}
    return states, [job for job, state in states.items() if is_due(state, rerun)]


def _executor(on, address):
    """What makes the executor of a place."""
    if on == "ray":
        from functools import partial

        from ganlab.sweeps.on_ray import RayExecutor

        return partial(RayExecutor, address=address)
    from ganlab.sweeps.local import LocalExecutor

    return LocalExecutor


def _board(jobs, silent):
    from ganlab.sweeps.board import Board, LiveBoard

    if not silent and sys.stdout.isatty():
        from rich.console import Console

        return LiveBoard(jobs, Console())
    return contextlib.nullcontext(Board(jobs, (lambda line: None) if silent else click.echo))


def _grouping(due, workers, quiet):
    """The function that groups runs for this machine. Says which runs cannot train together with others."""
    from functools import partial

    from ganlab.sweeps.groups import grouped, reason_alone
    from ganlab.sweeps.resources import available_gpus, device_memory

    on_gpu = bool(available_gpus())

    reasons = {job: reason for job in due if (reason := reason_alone(job, on_gpu))}
    for reason in dict.fromkeys(reasons.values()) if not quiet else ():
        labels = [job.label for job in reasons if reasons[job] == reason]
        click.echo(f"alone: {', '.join(labels[:3])}{' ...' if labels[3:] else ''}: {reason}", err=True)
    return partial(grouped, memory=device_memory(), on_gpu=on_gpu, workers=workers)


def _show_plan(states, results, groups, as_json):
    from collections import Counter

    from ganlab.reports.table import Table, duration, numbers, texts
    from ganlab.sweeps.cost import CostModel
    from ganlab.sweeps.jobs import steps_done

    costs = CostModel(results)
    left = {job: None if state == "finished" else costs.seconds_left(job) for job, state in states.items()}
    several = [jobs for jobs in groups or [] if len(jobs) > 1]
    group_of = {job: number for number, jobs in enumerate(several, 1) for job in jobs}
    if as_json:
        facts = ({"state": states[job], "seconds_left": left[job], "group": group_of.get(job)} for job in states)
        runs = [job.describe() | found for job, found in zip(states, facts, strict=True)]
        print_json({"format": 1, "runs": runs})
        return
    columns = [*texts("run", "state"), *numbers("step", "time left"), *(numbers("group") if several else [])]
    rows = [
        [job.label, state, f"{steps_done(job)}/{job.steps}", "" if left[job] is None else duration(left[job])]
        + ([str(group_of.get(job, ""))] if several else [])
        for job, state in states.items()
    ]
    notes = [f"{_runs(len(rows))}: {', '.join(f'{n} {state}' for state, n in Counter(states.values()).items())}"]
    known = [seconds for seconds in left.values() if seconds is not None]
    unknown = sum(state != "finished" for state in states.values()) - len(known)
    if known:
        rest = f", and {_runs(unknown)} that no finished run resembles" if unknown else ""
        notes.append(f"about {duration(sum(known))} one after another{rest}")
    print_tables([Table(columns, rows, notes=notes)])


def _runs(count):
    return f"{count} run{'s' * (count != 1)}"
