"""`ganlab evaluate`: metrics of a run's checkpoint, long after its training."""

from collections.abc import Sequence
from pathlib import Path

from ganlab.config.loading import load_resolved
from ganlab.config.steps import stretch_of
from ganlab.errors import GanlabError
from ganlab.flows.load import load_checkpoint, load_discriminator, load_training_data
from ganlab.runs.containment import require_contained
from ganlab.runs.folder import RunFolder
from ganlab.runs.forms import read_summary
from ganlab.runs.locks import locked
from ganlab.runs.records import read_run
from ganlab.storage.writing import guarding, write_json


def kept_steps(path: Path) -> list[int]:
    """The steps of a run's generator checkpoints, of its last phase. Raises: CheckpointError if there is none."""
    folder = RunFolder(path)
    require_contained(path)
    config = load_resolved(folder.config)
    last = folder.generator_step(None)
    phase = stretch_of(config, last).number
    return [step for step in folder.generator_steps() if stretch_of(config, step).number == phase]


def evaluate_run(
    path: Path,
    step: int | None,
    metrics: Sequence[str],
    backend: str | None = None,
    splits: Sequence[int] | None = None,
) -> tuple[int, list]:
    """Evaluates a checkpoint by the named metrics, or those of its config, and adds the values to the run's folder.

    `splits` are more numbers of splits for Inception Scores: see `protocols.with_splits`.

    Returns: the step and the values.

    Raises: LockedError while the run is being trained; GanlabError if the run was trained on other data than those here.
    """
    folder, status = RunFolder(path), read_run(path).status
    if "identity" not in status:
        raise GanlabError(f"{folder.status_file}: damaged: identity is missing")
    with locked(folder.results, status["identity"]) as require_own, guarding(path, require_own):
        loaded = load_checkpoint(folder, step, backend)
        from ganlab.data.options import plain_error_at
        from ganlab.metrics import protocols
        from ganlab.metrics.evaluation import evaluate_networks
        from ganlab.runs.logs import metric_table

        config, dataset = loaded.config, load_training_data(loaded)
        wanted = protocols.resolve(
            list(metrics) or config.metrics, dataset, plain_error_at if metrics else config.error_at
        )
        wanted = protocols.with_splits(wanted, splits) if splits else wanted
        judged = any(metric.subject == "discriminator" for metric in wanted) and "discriminator" in config.networks
        discriminator = load_discriminator(loaded, dataset) if judged else None
        values = evaluate_networks(folder, loaded.step, wanted, dataset, loaded.sampler, discriminator)
        if folder.summary.exists():
            summary = read_summary(folder.summary)
            finished = summary["steps"] if summary["status"] == "finished" else None
            write_json(folder.summary, summary | {"metrics": metric_table(folder, finished)})
    return loaded.step, values
