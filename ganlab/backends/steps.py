"""What training steps share on all backends: the stages of a step in their order, and the data they read."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ganlab.training.stages import Compute, Objective, Pass, Stage, Together, Update, Values, combine_logs

Tensor = Any
Gradients = list[Tensor]


class Steps:
    """Performs an objective's stages. A backend's class says how: gradients, compilation and the loop over a chunk.

    Args:
        objective: what one step does.
        data: the arrays of the training data by name, such as `images` and `labels`, shape (N, ...), kept on the device.
        value_range: (low, high) that 0 and 255 of uint8 data become; float32 data are taken as they are.
    """

    def __init__(self, objective: Objective, data: Mapping[str, np.ndarray], value_range: tuple[float, float]):
        self.objective = objective
        self.low, self.scale = value_range[0], (value_range[1] - value_range[0]) / 255.0
        self.column_count = len(objective.columns)
        wanted = {array for draw in objective.draws.values() if draw.kind == "rows" for array in draw.arrays}
        self.arrays = {name: array for name, array in data.items() if name in wanted}

    def run(self, draws: dict[str, np.ndarray], first: int, room: int) -> np.ndarray:
        """Performs len(draws) steps from step `first`, counted from 0.

        Args:
            draws: name -> (steps, ...), see `training.draws`.
            first: index of the first step.
            room: most steps a chunk has. XLA compiles for one size, so shorter chunks are padded (and not performed).

        Returns: float64 (steps, columns), the objective's columns.
        """
        raise NotImplementedError

    def _values(self, data: dict[str, Tensor], numbers: dict[str, Tensor]) -> Values:
        """The values of one step: its random numbers, and the rows of the data that they choose."""
        values = {}
        for name, draw in self.objective.draws.items():
            if draw.kind != "rows":
                values[name] = numbers[name]
                continue
            for array in draw.arrays:
                values[name if array == "images" else f"{name}.{array}"] = self._rows(data[array], numbers[name])
        return values

    def _step(self, values: Values, step: Tensor) -> list[Tensor]:
        """Performs the stages of one step, which is an integer of the backend's; returns a scalar a column."""
        values, tapes, logs = {**values, "step": self._float(step)}, {}, {}
        for stage in self.objective.stages:
            if isinstance(stage, Pass):
                values[stage.name], tapes[stage.name] = self._pass(stage, values)
            elif isinstance(stage, Compute):
                values |= self._compute(stage, values)
            else:
                self._move(stage, values, tapes, step, logs)
        return combine_logs(self.objective, logs)

    def _move(self, stage: Stage, values: Values, tapes: dict, step: Tensor, logs: dict) -> None:
        updates = stage.updates if isinstance(stage, Together) else (stage,)
        moves = [(update, *self._gradients(update, values, tapes, step)) for update in updates]
        for update, gradients, new_logs in moves:
            start = 0
            for name in update.networks:
                variables = self.objective.networks[name].trainable_variables
                self._apply(name, gradients[start : start + len(variables)], variables)
                start += len(variables)
            self._after(update, values)
            for name, value in new_logs.items():
                logs.setdefault(name, []).append(value)

    def _after(self, update: Update, values: Values) -> None:
        for action in update.after:
            action(values)

    def _compute(self, stage: Compute, values: Values) -> Values:
        return stage.function(values)

    def _variables(self, update: Update) -> list:
        """What an update moves, network by network."""
        return [v for name in update.networks for v in self.objective.networks[name].trainable_variables]

    def _added(self, update: Update, own: Gradients, pulled: Gradients) -> Gradients:
        """Gradients of all variables of an update, where those through its pass belong to the pass' network."""
        added, start = list(own), 0
        for name in update.networks:
            count = len(self.objective.networks[name].trainable_variables)
            if name == self.objective.pass_named(update.through).network:
                for index, (one, other) in enumerate(zip(pulled, own[start : start + count], strict=True), start):
                    added[index] = one if other is None else one + other
            start += count
        return added

    def _regularized(self, update: Update) -> list:
        """The networks of an update whose regularizers its loss adds: not that of the pass it goes through, which has its own."""
        through = update.through and self.objective.pass_named(update.through).network
        return [self.objective.networks[name] for name in update.networks if name != through]


def pad(array: np.ndarray, room: int) -> np.ndarray:
    """The array with zeros behind it, `room` rows in all."""
    if len(array) == room:
        return array
    return np.concatenate([array, np.zeros((room - len(array), *array.shape[1:]), array.dtype)])
