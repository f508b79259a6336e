"""A finished or unfinished run read back from its folder alone: config, generator and weights of one step."""

from dataclasses import dataclass

from ganlab.backend import select_backend
from ganlab.config.loading import load_resolved
from ganlab.config.schema import Config
from ganlab.containment import require_contained
from ganlab.runfolder import RunFolder


@dataclass(frozen=True)
class Checkpointed:
    """A run's generator at one step: `sampler` draws from it."""

    folder: RunFolder
    config: Config
    step: int
    sampler: object


def load_checkpoint(folder: RunFolder, step: int | None = None) -> Checkpointed:
    """Rebuilds the generator from config.yaml and loads a checkpoint's weights; needs no data set.

    Raises:
        CheckpointError: if there is no such step or the weights do not fit.
        ConfigError, GanlabError: if the folder holds what no run leaves, such as links.
    """
    require_contained(folder.path)
    config = load_resolved(folder.config)
    step, weights = folder.generator_weights_at(step)
    select_backend(config.backend)
    from ganlab.models.gan import build_generator
    from ganlab.sampling import Sampler
    from ganlab.weight_files import read_weights

    generator = build_generator(config)
    read_weights(weights, generator)
    return Checkpointed(folder, config, step, Sampler(generator, config))
