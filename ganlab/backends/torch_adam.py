"""Adam's update on PyTorch in one pass through memory. Keras' own takes about ten.

The update is the same except for rounding (Kingma and Ba 2015, arXiv 1412.6980, efficient form before section 2.1).
"""

import contextlib
import functools
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping

import keras
import numpy as np
import torch

from ganlab.training.stages import Objective

Rate = float | torch.Tensor


def fused_adam(
    optimizer: keras.optimizers.Adam,
    gradients: list,
    variables: list,
    learning_rate: Rate,
    corrected_rate: torch.Tensor | None = None,
) -> None:
    """Adam's update of all variables by PyTorch's fused operation, on a CPU or on CUDA; elsewhere Keras' own update.

    Args:
        optimizer, gradients, variables, learning_rate: of Keras' `_parallel_update_step`.
        corrected_rate: the learning rate times the corrections of both moments, if it is known already.
    """
    weights, moments, squares, is_able = _memory(optimizer, tuple(map(id, variables)), variables)
    if not is_able:
        type(optimizer)._parallel_update_step(optimizer, gradients, variables, learning_rate)
        return
    # PyTorch adds epsilon to the root of the corrected square, Keras to the root of the square itself. So PyTorch gets a step
    # number at which nothing is left to correct, and Keras' corrections stand in the learning rate.
    steps = _constants(1e9, weights[0].device)
    torch._fused_adam_(
        weights,
        [gradient.to(weight.dtype).contiguous() for gradient, weight in zip(gradients, weights, strict=True)],
        moments,
        squares,
        [],
        [steps] * len(weights),
        amsgrad=False,
        lr=_corrected_rate(optimizer, learning_rate) if corrected_rate is None else corrected_rate,
        beta1=optimizer.beta_1,
        beta2=optimizer.beta_2,
        weight_decay=0.0,  # Keras has applied its own before
        eps=optimizer.epsilon,
        maximize=False,
    )


_MEMORY: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def _memory(optimizer: keras.optimizers.Adam, names: tuple[int, ...], variables: list) -> tuple[list, list, list, bool]:
    """Weights, both moments, and whether the operation can read them: contiguous memory of a CPU or of CUDA.

    The tensors of variables stay the same, so they are looked up once.
    """
    known = _MEMORY.setdefault(optimizer, {})
    if names not in known:
        places = [optimizer._get_variable_index(variable) for variable in variables]
        weights = [variable.value for variable in variables]
        kept = [[each[place].value for place in places] for each in (optimizer._momentums, optimizer._velocities)]
        every = (*weights, *kept[0], *kept[1])
        known[names] = weights, *kept, all(a.is_contiguous() and a.device.type in ("cpu", "cuda") for a in every)
    return known[names]


def _corrected_rate(optimizer: keras.optimizers.Adam, learning_rate: Rate) -> Rate:
    """The learning rate times the corrections of both moments. On a GPU a tensor: reading it would wait for the device."""
    iterations = keras.ops.convert_to_tensor(optimizer.iterations)  # with accumulated gradients it is no variable
    if iterations.device.type == "cpu":
        return float(_corrected(float(learning_rate), optimizer, int(iterations) + 1))
    left = 1 - torch.pow(_constants((optimizer.beta_1, optimizer.beta_2), iterations.device), iterations + 1)
    return keras.ops.convert_to_tensor(learning_rate) * (torch.sqrt(left[1]) / left[0])


def _corrected(rate: float, optimizer: keras.optimizers.Adam, count: np.ndarray | int) -> np.ndarray | float:
    """The same on the host, for the update number `count`, from 1."""
    return rate * np.sqrt(1 - optimizer.beta_2**count) / (1 - optimizer.beta_1**count)


@functools.cache
def _constants(values: float | tuple[float, ...], device: torch.device) -> torch.Tensor:
    return torch.tensor(values, device=device)


def _numbered(objective: Objective) -> dict[str, list[int]]:
    """Network -> the numbers of its updates in a step, from 1. An update that is taken back leaves its number to the next."""
    numbers: dict[str, list[int]] = {}
    done: Counter[str] = Counter()
    for update in objective.updates:
        for name in update.networks:
            numbers.setdefault(name, []).append(done[name] + 1)
            done[name] += update.counts
    return numbers


class HostRates:
    """Constant learning rates as numbers of the host, which a recorded step cannot ask the device for.

    For Adam these are the corrected rates of all updates of a chunk. Its count of updates stays on the host within a chunk.
    """

    def __init__(self, objective: Objective):
        moved = _numbered(objective)
        self._rates = {
            name: float(optimizer.learning_rate)
            for name, optimizer in objective.optimizers.items()
            if isinstance(optimizer._learning_rate, keras.Variable) and name in moved
        }
        self._updates = {
            name: (objective.optimizers[name], np.array(moved[name]))
            for name in self._rates
            if type(objective.optimizers[name]).update_step is keras.optimizers.Adam.update_step
            and not objective.optimizers[name].amsgrad
            and not objective.optimizers[name].gradient_accumulation_steps
        }
        self._ready: dict[str, Iterator[torch.Tensor]] = {}

    @contextlib.contextmanager
    def counted(self, steps: int) -> Iterator[dict[str, np.ndarray]]:
        """Gives the rates of a chunk: "rate NETWORK" -> float32 (steps, updates a step). Counts the updates at its end."""
        rates, counts = {}, {}
        for name, (optimizer, places) in self._updates.items():
            counts[name] = int(optimizer.iterations)
            numbers = counts[name] + places + places.max() * np.arange(steps, dtype=np.float64)[:, None]
            rates[f"rate {name}"] = _corrected(self._rates[name], optimizer, numbers).astype(np.float32)
            optimizer._iterations.assign_add = lambda value: None
        try:
            yield rates
        finally:
            for name, (optimizer, places) in self._updates.items():
                del optimizer._iterations.assign_add
                optimizer.iterations.assign(counts[name] + steps * int(places.max()))

    def begin(self, numbers: Mapping[str, torch.Tensor]) -> None:
        """Begins a step, whose numbers have its rates."""
        self._ready = {name: iter(numbers[f"rate {name}"].unbind()) for name in self._updates}

    def take(self, name: str) -> torch.Tensor | None:
        """The rate of the next update of a network; None for an optimizer that computes its own."""
        return next(self._ready[name]) if name in self._ready else None

    @contextlib.contextmanager
    def known(self, name: str, optimizer: keras.Optimizer) -> Iterator[None]:
        """In the block, a network's optimizer has its constant learning rate as a number."""
        if name not in self._rates:
            yield
            return
        optimizer._get_current_learning_rate = lambda: self._rates[name]
        try:
            yield
        finally:
            del optimizer._get_current_learning_rate
