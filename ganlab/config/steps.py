"""The number of steps of a config, and the phase of a step."""

import math
from dataclasses import dataclass

from ganlab.config.document import shown
from ganlab.config.fields import MAX_INT
from ganlab.config.schema import Config, Data


@dataclass(frozen=True)
class Stretch:
    """Steps with the same networks: a phase of a run, or the whole run."""

    number: int | None  # of the phase, from 1; None for a run without phases
    start: int  # steps before it
    end: int  # steps done when it is over
    fade: int = 0  # steps over which new layers fade in
    image_size: int | None = None  # of its data; None for the size in the config

    def data(self, config: Config) -> Data:
        """The config's `data` section with the image size of this stretch."""
        if self.image_size is None:
            return config.data
        return config.data.model_copy(update={"image_size": self.image_size})

    def share_at(self, step: int) -> float:
        """The share of new layers at a step, from 0 to 1."""
        return min(1.0, (step - self.start) / self.fade) if self.fade else 1.0


def total_steps(config: Config, count: int) -> int:
    """`train.steps`, or the steps of all phases, or of `train.epochs` passes over `count` samples."""
    if config.phases:
        return sum(phase.steps for phase in config.phases)
    if config.train.steps is not None:
        return config.train.steps
    return _steps_of(config, ("train", "epochs"), config.train.epochs, count)


def sample_steps(config: Config, count: int) -> list[int]:
    """The steps of `output.samples_at`, and those that complete the passes of `output.samples_at_epochs` over `count` samples."""
    output = config.output
    keys = ("output", "samples_at_epochs")
    return sorted(
        {*output.samples_at, *(_steps_of(config, keys, passes, count) for passes in output.samples_at_epochs)}
    )


def _steps_of(config: Config, keys: tuple[str, ...], epochs: float, count: int) -> int:
    """The first step after which training has drawn `epochs` times `count` samples. Raises: ConfigError for too many."""
    steps = epochs * count / config.rows_a_step()
    if steps > MAX_INT:
        raise config.error_at(keys, f"expected fewer passes over the data, received {shown(epochs)}")
    return max(1, math.ceil(steps))


def stretches(config: Config, total: int) -> list[Stretch]:
    """The phases of a run of `total` steps, or the whole run."""
    found, start = [], 0
    for number, phase in enumerate(config.phases, 1):
        found.append(Stretch(number, start, start + phase.steps, phase.fade, phase.image_size))
        start += phase.steps
    return found or [Stretch(None, 0, total)]


def last_stretch(config: Config) -> Stretch:
    """The last phase of a run, or the whole run. Its `end` counts only for a run with phases."""
    return stretches(config, 1)[-1]


def final_data(config: Config) -> Data:
    """The `data` section of a run: that of its last phase."""
    return last_stretch(config).data(config)


def stretch_of(config: Config, step: int) -> Stretch:
    """The stretch of a checkpoint: the step lies in it, or is its end."""
    found = stretches(config, max(step, 1))
    return next((stretch for stretch in found if step <= stretch.end), found[-1])
