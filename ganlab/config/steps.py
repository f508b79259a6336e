"""How many steps a config trains, and in which phase a step lies."""

import math
from dataclasses import dataclass

from ganlab.config.schema import Config, Data


@dataclass(frozen=True)
class Stretch:
    """Steps that are trained with the same networks: a phase of a run, or the whole run."""

    number: int | None  # of the phase, from 1; None for a run without phases
    start: int  # steps before it
    end: int  # steps done when it is over
    fade: int = 0  # steps from its start over which new layers come in
    image_size: int | None = None  # of its data; None for that of the config

    def data(self, config: Config) -> Data:
        """The config's `data` section with the image size of this stretch."""
        if self.image_size is None:
            return config.data
        return config.data.model_copy(update={"image_size": self.image_size})

    def share_at(self, step: int) -> float:
        """How far new layers have come in at a step, from 0 to 1."""
        return min(1.0, (step - self.start) / self.fade) if self.fade else 1.0


def total_steps(config: Config, count: int) -> int:
    """`train.steps`, those of all phases, or the steps in which `count` samples are seen `train.epochs` times."""
    if config.phases:
        return sum(phase.steps for phase in config.phases)
    if config.train.steps is not None:
        return config.train.steps
    return max(1, math.ceil(config.train.epochs * count / config.rows_a_step()))


def stretches(config: Config, total: int) -> list[Stretch]:
    """The phases of a run of `total` steps, or the run as one."""
    found, start = [], 0
    for number, phase in enumerate(config.phases, 1):
        found.append(Stretch(number, start, start + phase.steps, phase.fade, phase.image_size))
        start += phase.steps
    return found or [Stretch(None, 0, total)]


def stretch_of(config: Config, step: int) -> Stretch:
    """The stretch that a checkpoint of this step belongs to: the one that ends there, or in which it lies."""
    found = stretches(config, max(step, 1))
    return next((stretch for stretch in found if step <= stretch.end), found[-1])
