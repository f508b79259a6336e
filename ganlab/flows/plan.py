"""The plan of one run: its data, number of steps, identity and folder."""

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ganlab.config.identity import identity_of
from ganlab.config.schema import Config
from ganlab.config.steps import Stretch, final_data, stretches, total_steps
from ganlab.data.dataset import Dataset
from ganlab.data.registry import load_dataset
from ganlab.runs.containment import require_contained, require_unlinked
from ganlab.runs.folder import RunFolder
from ganlab.trackers import require_installed
from ganlab.training.checkpoints import newest_state


@dataclass(frozen=True)
class Plan:
    """One run before anything is built."""

    config: Config
    dataset: Dataset
    steps: int
    cell: str
    identity: str
    folder: RunFolder

    def stretches_left(self) -> list[Stretch]:
        """The stretches that have steps left, or the last one. Damaged checkpoints are set aside.

        Raises: CheckpointError if there are checkpoints and none is whole.
        """
        found = stretches(self.config, self.steps)
        if len(found) == 1:
            return found
        state = newest_state(self.folder)
        return [stretch for stretch in found if stretch.end > (state[0] if state else 0)] or found[-1:]

    def dataset_of(self, stretch: Stretch) -> Dataset:
        """The data of a stretch. The last stretch has `dataset`."""
        if stretch.end == self.steps:
            return self.dataset
        return load_dataset(stretch.data(self.config), self.config.error_at)


def plan_experiment(
    config: Config, results: Path, fresh: bool = False, start: str | None = None, dataset: Dataset | None = None
) -> Plan:
    """Loads the data and names the run.

    Args:
        config: the experiment.
        results: the folder of all runs.
        fresh: whether the run starts again, in a new folder.
        start: identifies the weights of another run (--init-from).
        dataset: `final_data`, if they are loaded.

    Raises:
        ConfigError: the program of `track` is not installed.
        GanlabError: the run's folder is a link, or holds links or pipes. Nothing in it was read.
    """
    require_installed(config.track, partial(config.error_at, ("track",)))
    os.environ["KERAS_BACKEND"] = config.backend  # a download may load Keras first
    if dataset is None:
        dataset = load_dataset(final_data(config), config.error_at)
    steps = total_steps(config, dataset.count)
    origin = dataset.origin(with_labels=config.reads_labels)
    cell, identity = identity_of(config, origin if start is None else f"{origin} from {start}", steps)
    folder = _folder_of(results / config.data.name, config, identity, fresh)
    require_unlinked(results, folder.path)
    if folder.path.exists():
        require_contained(folder.path)
    return Plan(config, dataset, steps, cell, identity, folder)


def _folder_of(parent: Path, config: Config, identity: str, fresh: bool) -> RunFolder:
    """The newest folder of a run; with `fresh` a new one beside it: NAME, NAME-2, NAME-3, ...

    A run that began under another name of the config keeps its folder, for a name is no part of an identity.
    """
    end = f"seed{config.seed}-{identity[:8]}"
    name = f"{config.name}-{end}"
    if not (parent / name).exists():
        name = next((run.name for run in sorted(parent.glob(f"*-{end}"))), name)
    path, number = parent / name, 2
    while (following := parent / f"{name}-{number}").exists():
        path, number = following, number + 1
    return RunFolder(following if fresh and (parent / name).exists() else path)
