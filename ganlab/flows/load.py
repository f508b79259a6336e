"""Loads the generator of a run at one step from the run folder alone, and the data of its training."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganlab.backends.select import select_backend
from ganlab.config.loading import load_resolved
from ganlab.config.schema import Config, Form
from ganlab.config.steps import last_stretch, stretch_of
from ganlab.errors import CheckpointError, ConfigError, GanlabError, did_you_mean
from ganlab.runs.containment import require_contained
from ganlab.runs.folder import RunFolder

if TYPE_CHECKING:
    import numpy as np

    from ganlab.data.dataset import Dataset
    from ganlab.models.network import Network
    from ganlab.training.sampling import Sampler


@dataclass(frozen=True)
class Checkpointed:
    """A run's generator at one step; `sampler` draws from it. `class_names` are the names of the labels, if they have any."""

    folder: RunFolder
    config: Config
    step: int
    sampler: "Sampler"
    class_names: list[str]

    def class_of(self, label: str | int) -> int | None:
        """The class that a user names, or numbers from 0; None for `all`.

        Raises: ConfigError for an unknown class, and for a generator that takes no labels.
        """
        classes, names, label = self.sampler.classes, self.class_names, str(label)
        if classes is None:
            raise ConfigError("label: the generator of this run takes no labels")
        if label == "all":
            return None
        if label in names[:classes]:
            return names.index(label)
        if not (label.isascii() and label.isdigit() and int(label) < classes):
            words = [name for name in names if not name.isdigit()]
            known = f"a class from 0 to {classes - 1}{', its name' if words else ''} or all"
            hint = f".{did_you_mean(label, words)}" if words else ""
            raise ConfigError(f"label: expected {known}, received '{label}'{hint}")
        return int(label)

    def labels(self, count: int, each: int, chosen: int | None) -> "np.ndarray | None":
        """The class of each of `count` samples, int (count,); None for a generator that takes no labels.

        Args:
            count: of the samples.
            each: so many samples in a row have one class, if no class is chosen.
            chosen: the class of all samples.
        """
        if self.sampler.classes is None:
            return None
        import numpy as np

        return np.arange(count) // each % self.sampler.classes if chosen is None else np.full(count, chosen)


def load_checkpoint(folder: RunFolder, step: int | None = None, backend: str | None = None) -> Checkpointed:
    """Rebuilds the generator from config.yaml and loads a checkpoint's weights; needs no data set.

    Args:
        folder: of the run.
        step: of the checkpoint; by default the newest whole one. Damaged newer ones are named on standard error.
        backend: for the computation; None for the one of the training.

    Raises: CheckpointError, if the step is missing or the weights do not fit; GanlabError, if the folder contains links.
    """
    require_contained(folder.path)
    config = load_resolved(folder.config)
    newest = folder.generator_step(step)
    candidates = [newest] if step is not None else folder.generator_steps()[::-1]
    select_backend(backend or config.backend)
    from ganlab.training.sampling import Sampler

    step, generator = _load_first(folder, candidates, config)
    class_names = folder.status().get("class_names", [])
    return Checkpointed(folder, config, step, Sampler(generator, config, step), class_names)


def load_training_data(loaded: Checkpointed) -> "Dataset":
    """The data that a run was trained on, in the size of its last phase.

    Raises: GanlabError for other data than those of the training, and for a checkpoint of an earlier phase.
    """
    from ganlab.data.registry import load_dataset

    folder, config = loaded.folder, loaded.config
    last = last_stretch(config)
    if stretch_of(config, loaded.step).number != last.number:
        raise GanlabError(f"{folder.path}: step {loaded.step} is of an earlier phase, whose images have another size")
    if "data_fingerprint" not in (status := folder.status()):
        raise GanlabError(f"{folder.status_file}: damaged: data_fingerprint is missing")
    dataset = load_dataset(last.data(config), config.error_at)
    here = f"the data of {config.data.name} here ({dataset.source})"
    if dataset.fingerprint != status["data_fingerprint"]:
        raise GanlabError(f"{folder.path}: {here} are not its training data")
    # Earlier versions did not write down which labels they read.
    if status.get("label_fingerprint", dataset.label_fingerprint()) != dataset.label_fingerprint():
        raise GanlabError(f"{folder.path}: {here} have other labels than its training data")
    return dataset


def load_discriminator(loaded: Checkpointed, dataset: "Dataset") -> "Network":
    """The discriminator of a run at the step of `loaded`, from the whole training state of this step.

    Raises: CheckpointError if there is no such state, or it is damaged.
    """
    from ganlab.models.building import build_network
    from ganlab.training.checkpoints import read_state, restore

    folder, config, step = loaded.folder, loaded.config, loaded.step
    if step not in folder.state_steps():
        there = ", ".join(map(str, folder.state_steps())) or "none"
        raise CheckpointError(
            f"{folder.path}: no state of step {step}, which would hold the discriminator; there are {there}"
        )
    network = build_network(config, "discriminator", dataset.form, stretch_of(config, step))
    restore({"networks/discriminator": network.variables}, read_state(folder.state(step))[0], str(folder.state(step)))
    return network


def _load_first(folder: RunFolder, steps: list[int], config: Config) -> tuple[int, Any]:
    """The first of the steps whose weights are whole, and the generator with these weights."""
    from ganlab.models.building import build_network
    from ganlab.storage.weights import read_weights

    errors, classes = [], folder.status().get("classes")
    form = Form(None, classes) if type(classes) is int else None  # earlier versions wrote no classes, and had no labels
    for step in steps:
        generator = build_network(config, "generator", form, stretch_of(config, step))
        try:
            read_weights(folder.generator_weights(step), generator.model)
        except CheckpointError as error:
            errors.append(error)
            continue
        for error in errors:
            print(f"{error} The one before is used.", file=sys.stderr)
        return step, generator
    raise errors[0]
