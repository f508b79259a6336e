"""`ganlab run`: trains the GAN of a config file and leaves a finished run folder."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganlab.cli.completion import config_keys
from ganlab.cli.output import UserPath, print_json

if TYPE_CHECKING:
    import numpy as np

    from ganlab.config.schema import Config
    from ganlab.data.dataset import Dataset
    from ganlab.flows.plan import Plan
    from ganlab.runs.folder import RunFolder


@click.command("run")
@click.argument("config", type=UserPath())
@click.option(
    "-o",
    "--override",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=config_keys,
    help="Override a key of the config.",
)
@click.option("--seed", type=int, help="Override the config's seed.")
@click.option("--results", type=UserPath(), default=Path("results"), show_default=True)
@click.option("--backend", help="Override the config's backend.")
@click.option("--track", metavar="mlflow[:URI]|tensorboard[:FOLDER]", help="Override the config's track.")
@click.option("--fresh", is_flag=True, help="Start again, in a new folder beside the old one.")
@click.option("--init-from", metavar="RUN[:STEP]", help="Start from the weights of another run's checkpoint.")
@click.option(
    "--dry-run", is_flag=True, help="Print the resolved config. Train and download nothing, and write no run."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON; with --dry-run, the plan.")
@click.option("-q", "--quiet", is_flag=True, help="Print only the folder.")
def command(
    config: Path,
    overrides: tuple[str, ...],
    seed: int | None,
    results: Path,
    backend: str | None,
    track: str | None,
    fresh: bool,
    init_from: str | None,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train the GAN that CONFIG describes, and measure it.

    CONFIG is a YAML file, or the name of a config that ships with ganlab, such as quickstart or exp18.
    An unfinished run of the same config continues from its last checkpoint. A finished run stays as it is.
    """
    from ganlab.config.shipped import config_path
    from ganlab.data.registry import needs_download
    from ganlab.experiment import run_experiment
    from ganlab.flows.plan import plan_experiment
    from ganlab.sweeps.configs import load_experiment

    said = {"backend": backend, "track": track}
    overrides = (*overrides, *(f"{key}={value}" for key, value in said.items() if value))
    loaded = load_experiment(config_path(config), overrides, seed)
    start, origin = _start(results, init_from)
    if dry_run and needs_download(loaded.data.name):
        said = f"{loaded.data.name} is not on this machine; the run downloads it, and its folder is known only then"
        click.echo(said, err=True)
        _show_plan(loaded, as_json)
        return
    plan = plan_experiment(loaded, results, fresh, origin)
    state = plan.folder.status().get("status", "new")
    if not (quiet or as_json):
        work = f"{plan.steps} steps on {plan.dataset.count} images of {loaded.data.name}"
        click.echo(f"{plan.folder.path}  ({state}, {work})", err=dry_run)
        _advise(loaded, plan.dataset)
    if plan.dataset.note:
        click.echo(f"{plan.dataset.source}: {plan.dataset.note}", err=True)
    if dry_run:
        _show_plan(loaded, as_json, plan, state)
        return
    if missing := state == "finished" and _unmeasured(plan.folder, loaded.metrics):
        words = [str(plan.folder.path), *(word for name in missing for word in ("--metric", name))]
        click.echo(f"finished before; other metrics are computed by: ganlab evaluate {shlex.join(words)}", err=True)
    folder = run_experiment(plan, results, start, quiet or as_json)
    if as_json:
        click.echo(folder.summary.read_text(encoding="utf-8"), nl=False)
    elif quiet:
        click.echo(folder.path)
    else:
        click.echo(f"finished; see: ganlab show {shlex.quote(str(folder.path))}")


def _advise(config: "Config", dataset: "Dataset") -> None:
    from ganlab.flows.advice import note_of_metrics, warnings_of

    for line in warnings_of(config, dataset.form):
        click.echo(f"warning: {line}", err=True)
    if note := note_of_metrics(config, dataset.form, dataset.count):
        click.echo(note, err=True)


def _show_plan(config: "Config", as_json: bool, plan: "Plan | None" = None, state: str | None = None) -> None:
    """Prints the resolved config as YAML, or as JSON with the plan, whose values are null until the data are here."""
    from ganlab.config.loading import dump_config

    if not as_json:
        click.echo(dump_config(config), nl=False)
        return
    found = {
        "folder": plan and str(plan.folder.path),
        "state": state,
        "identity": plan and plan.identity,
        "cell": plan and plan.cell,
        "steps": plan.steps if plan else config.train.steps,
        "images": plan and plan.dataset.count,
    }
    print_json({"format": 1, **found, "config": config.model_dump()})


def _unmeasured(folder: "RunFolder", metrics: list[str] | str) -> list[str]:
    """The metrics that a config names and a finished run has no value of."""
    from ganlab.runs.records import read_run

    known = {name.split(".")[0] for name in read_run(folder.path).metrics}
    return [name for name in metrics if name not in known] if metrics != "auto" else []


def _start(results: Path, init_from: str | None) -> "tuple[dict[str, np.ndarray], str] | tuple[None, None]":
    """The weights to start from and a word that identifies them; (None, None) without --init-from."""
    if init_from is None:
        return None, None
    from ganlab.paths import user_path
    from ganlab.runs.containment import require_contained
    from ganlab.runs.folder import RunFolder
    from ganlab.runs.records import find_run, is_run
    from ganlab.training.checkpoints import state_at

    selector, _, step = init_from.rpartition(":")  # the path of a run may have colons
    if is_run(user_path(init_from)) or not (step.isascii() and step.isdigit() and len(step) < 20):
        selector, step = init_from, ""
    folder = RunFolder(find_run(results, selector))
    require_contained(folder.path)  # someone else may have made it
    return state_at(folder, int(step) if step else None)
