"""Numbers of a config that follow a schedule over the steps, in other places than a learning rate."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
from keras.optimizers.schedules import LearningRateSchedule

from ganlab.config.document import Keys
from ganlab.config.schema import Config
from ganlab.models.arguments import ErrorAt, build_named

Tensor = Any


class Place(NamedTuple):
    """A number of a config: its keys, and the lowest and the highest value."""

    keys: Keys
    low: float
    high: float


def build_schedules(config: Config) -> dict[Keys, LearningRateSchedule]:
    """The schedules that a config has in the place of numbers, by their keys. Those of optimizers are not among them.

    Raises: ConfigError, located, for an unknown schedule, a wrong argument, or a value at the first or the last step that the
        number could not have.
    """
    found = {}
    for place, written in _places(config):
        if isinstance(written, dict):
            found[place.keys] = build_schedule(written, place, config.train.steps, config.error_at)
    return found


def build_schedule(written: dict, place: Place, steps: int | None, error_at: ErrorAt) -> LearningRateSchedule:
    """One schedule from `{Name: {arguments}}`; without `steps`, the value at the first step alone is checked."""
    schedule = build_named("learning_rate", written, place.keys, error_at)
    for step in (0, (steps or 1) - 1):
        if not place.low <= (value := float(schedule(step))) <= place.high:
            message = f"expected values from {place.low:g} to {place.high:g}, received {value:g} at step {step}"
            raise error_at(place.keys, message)
    return schedule


def _places(config: Config) -> Iterator[tuple[Place, Any]]:
    yield Place(("train", "ema"), 0.0, 1.0), config.train.ema
    for name, penalty in getattr(config, "penalty", {}).items():  # a VAE has none
        yield Place(("penalty", name, "weight"), 0.0, float("inf")), penalty.weight
    if adaptive := getattr(config, "adaptive", None):
        yield Place(("adaptive", "probability"), 0.0, 1.0), adaptive.probability


class ScheduledAdam(keras.optimizers.Adam):
    """Keras' Adam with a `beta_2` that follows a schedule over the network's updates.

    As in PyTorch programs that change `betas` between updates, the corrections take the present value as if it had always
    been there.
    """

    @property
    def beta_2(self) -> Tensor:
        return self._beta_2(self.iterations)

    @beta_2.setter
    def beta_2(self, schedule: LearningRateSchedule) -> None:
        self._beta_2 = schedule

    def update_step(self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor) -> None:
        """Keras' own, under another name: updates that the backends replace take a number as `beta_2`."""
        super().update_step(gradient, variable, learning_rate)
