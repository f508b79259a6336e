"""`ganlab sweep`: a folder of configs, or a study, becomes finished run folders."""

import contextlib
import sys

import click

from ganlab.cli.output import UserPath, json_option, print_json, print_tables, raise_all, results_option

_DUE = ("new", "resumable", "running")  # running elsewhere: looked at again, and taken over if it dies
_FAILED = ("failed", "diverged")


def _seeds(context, parameter, text):
    if text is None:
        return None
    words = text.split(",")
    if not all(word.strip().isdecimal() for word in words):
        raise click.BadParameter("expected integers >= 0 with commas between, as in 0,1,2")
    return list(dict.fromkeys(map(int, words)))


@click.command("sweep")
@click.argument("path", type=UserPath())
@click.option(
    "-o", "--override", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of all configs."
)
@click.option("--seeds", callback=_seeds, metavar="0,1,2", help="Train every config once with each seed.")
@click.option("-j", "--jobs", "workers", type=click.IntRange(1), default=1, show_default=True, help="Runs at a time.")
@click.option("--on", type=click.Choice(["local"]), default="local", show_default=True, help="Where the runs train.")
@results_option
@click.option("--dry-run", is_flag=True, help="Validate, and show what is done and what is left; train nothing.")
@click.option("--rerun", type=click.Choice(["failed", "all"]), help="Run these again: failed (and diverged) or all.")
@click.option("--fail-fast", is_flag=True, help="Stop all runs when the first one fails.")
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Print only the folders.")
def command(path, overrides, seeds, workers, on, results, dry_run, rerun, fail_fast, as_json, quiet):
    """Train all configs at PATH: a folder of *.yaml, a study.yaml or one config.

    Finished runs are left as they are, interrupted ones go on, failed ones wait for --rerun failed.
    """
    from ganlab.sweep.configs import configs_of
    from ganlab.sweep.jobs import state_of
    from ganlab.sweep.local import LocalExecutor
    from ganlab.sweep.survey import survey

    configs, problems = configs_of(path, overrides, seeds)
    raise_all(problems, f"{len(problems)} mistakes in {len(configs) + len(problems)} runs; none was started")
    if not (quiet or as_json or dry_run):
        click.echo(f"{path}: checking {_runs(len(configs))}", err=True)
    with {"local": LocalExecutor}[on](results, workers, fail_fast) as executor:
        if not dry_run:
            executor.prepare([config.backend for config in configs])
        jobs, problems = survey(configs, results, fresh=rerun == "all")
        raise_all(problems, f"{len(problems)} mistakes in {len(configs)} runs; none was started")
        states = {job: state_of(job, results) for job in jobs}
        if dry_run:
            _show_plan(states, results, as_json)
            return
        due = [job for job, state in states.items() if state in _DUE or (rerun and state in _FAILED)]
        with _board(jobs, quiet or as_json) as board:
            for job in jobs:
                if job not in due:
                    board.known(job, states[job], "" if states[job] == "finished" else "earlier")
            try:
                executor.execute(due, board)
            finally:
                if as_json:
                    print_json(board.as_dicts())
    if quiet and not as_json:
        for job in jobs:
            click.echo(job.folder)
    _conclude(board, quiet or as_json)


@contextlib.contextmanager
def _board(jobs, silent):
    from ganlab.sweep.board import Board

    if not silent and sys.stdout.isatty():
        from rich.console import Console

        from ganlab.sweep.live import LiveBoard

        with LiveBoard(jobs, Console()) as board:
            yield board
    else:
        yield Board(jobs, (lambda line: None) if silent else click.echo)


def _conclude(board, silent):
    """Says what came out, and fails if not everything is finished."""
    from ganlab.errors import SweepFailedError

    unfinished = board.unfinished()
    if not unfinished:
        if not silent:
            click.echo(f"{board.counts()}; see: ganlab report")
        return
    said = {job: f" ({entry.message})" if entry.message else "" for job, entry in unfinished.items()}
    words = "; ".join(f"{job.label} {entry.state}{said[job]}" for job, entry in unfinished.items())
    again = "; --rerun failed tries them again" if any(e.state in _FAILED for e in unfinished.values()) else ""
    raise SweepFailedError(f"{board.counts()}: {words}{again}")


def _show_plan(states, results, as_json):
    from collections import Counter

    from ganlab.reports.table import Table, numbers, texts
    from ganlab.sweep.board import describe
    from ganlab.sweep.cost import CostModel, duration, total
    from ganlab.sweep.jobs import steps_done

    costs = CostModel(results)
    left = {job: costs.estimate(job) for job, state in states.items() if state != "finished"}
    costs_of = {job: (cost.seconds, cost.basis) if (cost := left.get(job)) else (None, None) for job in states}
    if as_json:
        keys = ("state", "seconds_left", "judged_by")
        found = states.items()
        print_json([describe(job) | dict(zip(keys, (s, *costs_of[job]), strict=True)) for job, s in found])
        return
    columns = [*texts("run", "state"), *numbers("step", "time left"), *texts("judged by")]
    rows = []
    for job, state in states.items():
        done, (seconds, basis) = 0 if job.fresh else steps_done(job.folder), costs_of[job]
        rows.append([job.label, state, f"{done}/{job.steps}", *([duration(seconds), basis] if basis else ["", ""])])
    counts = ", ".join(f"{count} {state}" for state, count in Counter(states.values()).items())
    notes = [f"{_runs(len(rows))}: {counts}", total([*left.values()])]
    print_tables([Table(columns, rows, notes=[note for note in notes if note])])


def _runs(count):
    return f"{count} run{'s' * (count != 1)}"
