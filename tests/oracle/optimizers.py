"""Optimizers and learning-rate schedules, after their Keras pages; the state has the names of a run's state."""

import math
from collections.abc import Mapping

import numpy as np

DEFAULT_RATE = {"Adam": 0.001, "RMSprop": 0.001, "SGD": 0.01}


class Optimizer:
    """One network's optimizer.

    Args:
        written: as a config has it, `{Adam: {learning_rate: 0.001}}` or a name.
        arrays: its variables: name -> array, as a state has them.
    """

    def __init__(self, written, arrays: Mapping[str, np.ndarray]):
        self.kind, self.options = (written, {}) if isinstance(written, str) else next(iter(written.items()))
        self.options = self.options or {}
        self.arrays = {name: np.array(array, np.float64) for name, array in arrays.items()}
        self.count = next(name for name in arrays if name.endswith("/iteration"))

    def slots(self, kind: str) -> list[str]:
        """The names of one variable for each weight."""
        return [name for name in self.arrays if name.endswith(f"_{kind}")]

    def moved(self, values: list[np.ndarray], gradients: list[np.ndarray]) -> list[np.ndarray]:
        """The weights after one update."""
        step = self.arrays[self.count]
        rate = learning_rate(self.options.get("learning_rate", DEFAULT_RATE[self.kind]), float(step))
        update = {"Adam": self._adam, "RMSprop": self._rmsprop, "SGD": self._sgd}[self.kind]
        moved = [
            value + update(index, gradient, rate, int(step) + 1)
            for index, (value, gradient) in enumerate(zip(values, gradients, strict=True))
        ]
        self.arrays[self.count] = step + 1
        return moved

    def _averaged(self, kind: str, index: int, decay: float, new: np.ndarray) -> np.ndarray:
        name = self.slots(kind)[index]
        self.arrays[name] = decay * self.arrays[name] + (1.0 - decay) * new
        return self.arrays[name]

    def _adam(self, index: int, gradient: np.ndarray, rate: float, count: int) -> np.ndarray:
        # Kingma and Ba 2015, before section 2.1: both corrections in the rate, epsilon beside the uncorrected root.
        first = self.options.get("beta_1", 0.9)
        second = learning_rate(self.options.get("beta_2", 0.999), count - 1)
        momentum = self._averaged("momentum", index, first, gradient)
        velocity = self._averaged("velocity", index, second, gradient**2)
        corrected = rate * math.sqrt(1.0 - second**count) / (1.0 - first**count)
        return -corrected * momentum / (np.sqrt(velocity) + self.options.get("epsilon", 1e-7))

    def _rmsprop(self, index: int, gradient: np.ndarray, rate: float, count: int) -> np.ndarray:
        decay = self.options.get("rho", 0.9)
        square = self._averaged("velocity", index, decay, gradient**2) + self.options.get("epsilon", 1e-7)
        if self.options.get("centered", False):
            square = square - self._averaged("average_gradient", index, decay, gradient) ** 2
        return -self._carried(index, rate * gradient / np.sqrt(square))

    def _carried(self, index: int, move: np.ndarray) -> np.ndarray:
        share = self.options.get("momentum", 0.0)
        if not share:
            return move
        name = self.slots("momentum")[index]
        self.arrays[name] = share * self.arrays[name] + move
        return self.arrays[name]

    def _sgd(self, index: int, gradient: np.ndarray, rate: float, count: int) -> np.ndarray:
        share = self.options.get("momentum", 0.0)
        if not share:
            return -rate * gradient
        name = self.slots("momentum")[index]
        self.arrays[name] = share * self.arrays[name] - rate * gradient
        return share * self.arrays[name] - rate * gradient if self.options.get("nesterov") else self.arrays[name]


def learning_rate(written, step: float) -> float:
    """The rate of an update, or another number that may follow a schedule; `step` counts those before it."""
    if not isinstance(written, dict):
        return written
    ((kind, options),) = written.items()
    if kind == "PiecewiseConstantDecay":
        passed = sum(step > boundary for boundary in options["boundaries"])
        return options["values"][passed]
    first = options["initial_learning_rate"]
    share = step / options["decay_steps"]
    if kind in ("ExponentialDecay", "InverseTimeDecay"):
        share = math.floor(share) if options.get("staircase") else share
        rate = options["decay_rate"]
        return first * rate**share if kind == "ExponentialDecay" else first / (1.0 + rate * share)
    share = min(share, 1.0)
    if kind == "PolynomialDecay":
        last = options.get("end_learning_rate", 0.0001)
        return (first - last) * (1.0 - share) ** options.get("power", 1.0) + last
    assert kind == "CosineDecay", kind
    alpha = options.get("alpha", 0.0)
    return first * ((1.0 - alpha) * 0.5 * (1.0 + math.cos(math.pi * share)) + alpha)
