"""What `ganlab run` is going to do: the data, the number of steps, the identity and the folder of one experiment."""

import os
from dataclasses import dataclass
from pathlib import Path

from ganlab.config.identity import identity_of
from ganlab.config.schema import Config
from ganlab.config.steps import total_steps
from ganlab.data.dataset import Dataset
from ganlab.data.registry import load_dataset
from ganlab.runs.containment import require_contained, require_unlinked
from ganlab.runs.folder import RunFolder


@dataclass(frozen=True)
class Plan:
    """One experiment before anything is built: what will be trained, on what, and where it goes."""

    config: Config
    dataset: Dataset
    steps: int
    cell: str
    identity: str
    folder: RunFolder


def plan_experiment(
    config: Config, results: Path, fresh: bool = False, start: str | None = None, dataset: Dataset | None = None
) -> Plan:
    """Loads the data and names the run.

    Args:
        config: the experiment.
        results: the folder of all runs.
        fresh: whether it starts again, in a new folder.
        start: identifies the weights another run gives it, with --init-from.
        dataset: what `config.data` describes, where it is loaded already.

    Raises:
        GanlabError: if the run would go on in a folder that holds links or pipes, or behind a link; nothing was read there.
    """
    os.environ["KERAS_BACKEND"] = config.backend  # whoever needs Keras first, such as a download, takes this one
    dataset = dataset or load_dataset(config.data, config.error_at)
    steps = total_steps(config, dataset.count)
    origin = dataset.fingerprint if start is None else f"{dataset.fingerprint} from {start}"
    cell, identity = identity_of(config, origin, steps)
    folder = _folder_of(results / config.data.name, f"{config.name}-seed{config.seed}-{identity[:8]}", fresh)
    require_unlinked(results, folder.path)
    if folder.path.exists():
        require_contained(folder.path)
    return Plan(config, dataset, steps, cell, identity, folder)


def _folder_of(parent: Path, name: str, fresh: bool) -> RunFolder:
    """The newest folder of that name; with `fresh` a new one beside it: NAME, NAME-2, NAME-3, ..."""
    number = 1
    while (parent / _numbered(name, number + 1)).exists():
        number += 1
    if fresh and (parent / name).exists():
        number += 1
    return RunFolder(parent / _numbered(name, number))


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"
