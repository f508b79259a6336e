"""`ganlab evaluate`: computes metrics of runs from their checkpoints."""

import click

from ganlab.cli.output import backend_option, json_option, print_json, print_tables, results_option


@click.command("evaluate")
@click.argument("runs", nargs=-1, required=True)
@click.option("--step", type=click.IntRange(1), help="The checkpoint's step; the newest by default.")
@click.option(
    "--all-steps", is_flag=True, help="Every checkpoint that the run kept; of a run with phases, of the last one."
)
@click.option("--metric", "metrics", multiple=True, help="A metric's name; those of the run's config by default.")
@backend_option
@json_option
@results_option
def command(runs, step, all_steps, metrics, backend, as_json, results):
    """Compute metrics of RUNS (folders, names or identities) from a checkpoint, and add them to their metrics.jsonl."""
    import dataclasses

    from ganlab.flows.evaluate import evaluate_run, kept_steps
    from ganlab.reports.table import Table, number, numbers, texts
    from ganlab.runs.records import find_run

    if step and all_steps:
        raise click.UsageError("--step and --all-steps: expected one of them")
    folders = [find_run(results, run) for run in runs]
    wanted = [(folder, at) for folder in folders for at in (kept_steps(folder) if all_steps else [step])]
    found = [(folder, *evaluate_run(folder, at, metrics, backend)) for folder, at in wanted]
    if as_json:
        rows = [{"run": str(f), "step": at, **dataclasses.asdict(v)} for f, at, values in found for v in values]
        print_json({"format": 1, "values": rows})
        return
    columns = [*texts("run"), *numbers("step"), *texts("metric"), *numbers("value", "floor")]
    rows = [[f.name, str(at), v.name, number(v.value), number(v.floor)] for f, at, values in found for v in values]
    print_tables([Table(columns, rows)])
