"""`ganlab evaluate`: computes metrics of runs from their checkpoints."""

import click

from ganlab.cli.output import backend_option, json_option, print_json, print_tables, results_option


@click.command("evaluate")
@click.argument("runs", nargs=-1, required=True)
@click.option("--step", type=click.IntRange(1), help="The checkpoint's step; the newest by default.")
@click.option("--metric", "metrics", multiple=True, help="A metric's name; those of the run's config by default.")
@backend_option
@json_option
@results_option
def command(runs, step, metrics, backend, as_json, results):
    """Compute metrics of RUNS (folders, names or identities) from a checkpoint, and add them to their metrics.jsonl."""
    import dataclasses

    from ganlab.flows.evaluate import evaluate_run
    from ganlab.reports.table import Table, number, numbers, texts
    from ganlab.runs.records import find_run

    folders = [find_run(results, run) for run in runs]
    found = [(folder, *evaluate_run(folder, step, metrics, backend)) for folder in folders]
    if as_json:
        rows = [{"run": str(f), "step": at, **dataclasses.asdict(v)} for f, at, values in found for v in values]
        print_json({"format": 1, "values": rows})
        return
    columns = [*texts("run"), *numbers("step"), *texts("metric"), *numbers("value", "floor")]
    rows = [[f.name, str(at), v.name, number(v.value), number(v.floor)] for f, at, values in found for v in values]
    print_tables([Table(columns, rows)])
