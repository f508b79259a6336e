"""The part of training steps that all backends share: the stages of a step in order, and the data they read."""

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from ganlab.training.stages import Compute, Gradient, Objective, Pass, Stage, Together, Update, Values, combine_logs

Tensor = Any
Gradients = list[Tensor]


class Steps:
    """Performs an objective's stages. A backend's subclass adds gradients, compilation and the loop over a chunk.

    Args:
        objective: the stages of one step.
        data: name -> array (N, ...) of the training data, such as `images` and `labels`. Steps keep them on the device.
        value_range: (low, high). uint8 data are scaled so that 0 becomes low and 255 becomes high; float32 data are not scaled.
        jit: whether XLA compiles a chunk of steps.

    Attributes:
        note: what went otherwise than `jit` says, for the records of the run; None mostly.
    """

    note: str | None = None

    def __init__(
        self, objective: Objective, data: Mapping[str, np.ndarray], value_range: tuple[float, float], jit: bool
    ):
        self.objective, self.jit = objective, jit
        self.low, self.scale = value_range[0], (value_range[1] - value_range[0]) / 255.0
        self.column_count = len(objective.columns)
        self.trainable = {name: network.trainable_variables for name, network in objective.networks.items()}
        # Not every weight changes a loss: training does not read moving statistics.
        self.weights = [variable for network in objective.networks.values() for variable in network.variables]
        wanted = {array for draw in objective.draws.values() if draw.kind == "rows" for array in draw.arrays}
        self.arrays = {name: array for name, array in data.items() if name in wanted}
        self.data = {name: self._put(array) for name, array in self.arrays.items()}

    def send(self, draws: dict[str, np.ndarray], room: int) -> Any:
        """Prepares the draws of a chunk for `start`: brings them to the device, where that saves time. Any thread may call it."""
        return draws, room

    def start(self, sent: Any, first: int) -> Callable[[], tuple[np.ndarray, float]]:
        """Begins the steps first, first + 1, ...: as many as there are draws.

        Returns: a function that waits for the end of the steps and puts the new state into the variables. It returns the rows,
            see `run`, and the seconds that the steps took. Before this call, the variables have the state from before the steps.
        """

        def finish() -> tuple[np.ndarray, float]:
            begun = time.perf_counter()
            draws, room = sent
            rows = self.run(draws, first, room)
            return rows, time.perf_counter() - begun

        return finish

    def lost(self) -> str | None:
        """The path of the first weight of a network that is not finite, or None."""
        for variable in self.weights:
            if not np.isfinite(np.asarray(variable, np.float32)).all():
                return variable.path
        return None

    def run(self, draws: dict[str, np.ndarray], first: int, room: int) -> np.ndarray:
        """Performs the steps first, first + 1, ...: as many as there are draws.

        Args:
            draws: name -> (steps, ...), see `training.draws`.
            first: index of the first step, from 0.
            room: most steps in a chunk. XLA compiles for this number; shorter chunks are padded, and the padding is not performed.

        Returns: float64 (steps, columns), the objective's columns.
        """
        raise NotImplementedError

    def _put(self, array: np.ndarray) -> Tensor:
        return ops.convert_to_tensor(array)

    def _gather(self, array: Tensor, rows: Tensor) -> Tensor:
        return array[rows]

    def _values(self, data: dict[str, Tensor], numbers: dict[str, Tensor], step: Tensor) -> Values:
        """The values of one step: its number, its random numbers, and the rows of the data that they choose."""
        values = {"step": ops.cast(step, "float32")}
        for name, draw in self.objective.draws.items():
            if draw.kind != "rows":
                values[name] = numbers[name]
                continue
            chosen = numbers[name]
            mirrored = chosen < 0 if draw.mirror else None
            chosen = ops.where(mirrored, -1 - chosen, chosen) if draw.mirror else chosen
            for array in draw.arrays:
                rows = self._gather(data[array], chosen)
                if draw.mirror and array == "images":
                    rows = ops.where(mirrored[:, None, None, None], ops.flip(rows, axis=2), rows)
                if keras.backend.standardize_dtype(rows.dtype) == "uint8":
                    rows = ops.cast(rows, "float32") * self.scale + self.low
                values[name if array == "images" else f"{name}.{array}"] = rows
        return values

    def _step(self, values: Values, step: Tensor) -> list[Tensor]:
        """Performs the stages of one step; `step` is an integer. Returns one scalar for each column."""
        values, tapes, logs = dict(values), {}, {}
        for stage in self.objective.stages:
            if isinstance(stage, Pass):
                values[stage.name], tapes[stage.name] = self._pass(stage, values)
            elif isinstance(stage, Compute):
                values |= self._compute(stage, values)
                for name in stage.logs:
                    logs.setdefault(name, []).append(values[name])
            elif isinstance(stage, Gradient):
                values[stage.name], found = self._gradients(stage.update, values, tapes, step)
                values |= found
            else:
                self._move(stage, values, tapes, step, logs)
        return combine_logs(self.objective, logs)

    def _move(self, stage: Stage, values: Values, tapes: dict, step: Tensor, logs: dict) -> None:
        updates = stage.updates if isinstance(stage, Together) else (stage,)
        moves = [(update, *self._gradients(update, values, tapes, step)) for update in updates]
        for update, gradients, new_logs in moves:
            start = 0
            for name in update.networks:
                variables = self.trainable[name]
                self._apply(name, gradients[start : start + len(variables)], variables)
                start += len(variables)
            self._after(update, values)
            for name, value in new_logs.items():
                logs.setdefault(name, []).append(value)

    def _apply(self, name: str, gradients: list, variables: list) -> None:
        self.objective.optimizers[name].apply(gradients, variables)

    def _after(self, update: Update, values: Values) -> None:
        for action in update.after:
            action(values)

    def _compute(self, stage: Compute, values: Values) -> Values:
        return stage.function(values)

    def _variables(self, update: Update) -> list:
        """The weights that an update moves, network by network."""
        return [variable for name in update.networks for variable in self.trainable[name]]

    def _added(self, update: Update, own: Gradients, pulled: Gradients) -> Gradients:
        """The gradients of an update's variables: `own`, plus `pulled` for the network of its pass."""
        added, start = list(own), 0
        for name in update.networks:
            count = len(self.trainable[name])
            if name == self.objective.pass_named(update.through).network:
                for index, (one, other) in enumerate(zip(pulled, own[start : start + count], strict=True), start):
                    added[index] = one if other is None else one + other
            start += count
        return added

    def _regularizers(self, update: Update) -> Tensor:
        """The regularizers that an update's loss adds; the network of its pass has added its own in the pass."""
        through = update.through and self.objective.pass_named(update.through).network
        return regularization(*(self.objective.networks[name] for name in update.networks if name != through))


def regularization(*networks: Any) -> Tensor:
    """The sum of the layers' regularizers: of weights, and of the outputs of a network's last run.

    The sum is one operation: TensorFlow rewrites a chain of additions, into another order in each process.
    """
    losses = [ops.cast(loss, "float32") for network in networks for loss in network.losses]
    return ops.sum(ops.stack(losses)) if losses else ops.zeros(())


def pad(array: np.ndarray, room: int) -> np.ndarray:
    """The array with zeros behind it, `room` rows in all."""
    if len(array) == room:
        return array
    return np.concatenate([array, np.zeros((room - len(array), *array.shape[1:]), array.dtype)])


@contextlib.contextmanager
def adam_replaced(optimizer: keras.Optimizer, method: str, update: Callable | None) -> Iterator[None]:
    """Replaces one method of an Adam optimizer by `update(optimizer, ...)` in the block.

    Optimizers with another update, and a missing `update`, change nothing.
    """
    if not update or type(optimizer).update_step is not keras.optimizers.Adam.update_step or optimizer.amsgrad:
        yield
        return
    setattr(optimizer, method, functools.partial(update, optimizer))
    try:
        yield
    finally:
        delattr(optimizer, method)
