"""`ganlab evaluate`: computes metrics of runs from their checkpoints."""

from pathlib import Path

import click

from ganlab.cli.completion import metric_names, run_names
from ganlab.cli.output import backend_option, integers, json_option, print_json, print_tables, results_option


@click.command("evaluate")
@click.argument("runs", nargs=-1, required=True, shell_complete=run_names)
@click.option("--step", type=click.IntRange(1), help="The checkpoint's step; the newest by default.")
@click.option(
    "--all-steps", is_flag=True, help="Every checkpoint that the run kept; of a run with phases, of the last one."
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    shell_complete=metric_names,
    help="A metric's name; those of the run's config by default.",
)
@click.option("--splits", callback=integers(1), metavar="1,2,5", help="More numbers of splits for Inception Scores.")
@backend_option
@json_option
@results_option
def command(
    runs: tuple[str, ...],
    step: int | None,
    all_steps: bool,
    metrics: tuple[str, ...],
    splits: list[int] | None,
    backend: str | None,
    as_json: bool,
    results: Path,
) -> None:
    """Compute metrics of RUNS from a checkpoint, and add them to their metrics.jsonl.

    RUNS are folders, names, identities, or patterns such as 'short-*' for all runs whose names fit.

    An Inception Score is the mean of ten splits; its deviation over the splits stands behind it.
    """
    import dataclasses

    from ganlab.flows.evaluate import evaluate_run, kept_steps
    from ganlab.reports.table import Table, numbers, spread, texts
    from ganlab.runs.records import named_runs

    if step and all_steps:
        raise click.UsageError("--step and --all-steps: expected one of them")
    wanted = [
        (folder, at) for folder in named_runs(results, runs) for at in (kept_steps(folder) if all_steps else [step])
    ]
    found = [(folder, *evaluate_run(folder, at, metrics, backend, splits)) for folder, at in wanted]
    for folder in dict.fromkeys(folder for folder, _, values in found if not values):
        hint = "choose one, such as --metric fd200_random"
        click.echo(f"{folder.name}: nothing measured: its config chooses no metric for its data; {hint}", err=True)
    if as_json:
        rows = [{"run": str(f), "step": at, **dataclasses.asdict(v)} for f, at, values in found for v in values]
        print_json({"format": 1, "values": rows})
        return
    columns = [*texts("run"), *numbers("step"), *texts("metric"), *numbers("value", "floor")]
    values = [(f.name, at, v) for f, at, values in found for v in values]
    tables = [
        Table(columns, [[run, at, v.name, spread(v.value, v.details.get("sd")), v.floor] for run, at, v in values])
    ]
    columns = [*texts("run"), *numbers("step"), *texts("metric"), *numbers("splits", "mean", "sd")]
    scores = [
        [run, at, v.name, n, s["mean"], s["sd"]]
        for run, at, v in values
        for n, s in v.details.get("by_splits", {}).items()
    ]
    print_tables([*(tables if values else []), *([Table(columns, scores)] if scores else [])])
