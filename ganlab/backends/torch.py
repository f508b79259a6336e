"""Training steps on PyTorch: gradients and the loop over a chunk of steps."""

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import torch

from ganlab.backends import steps, torch_layers
from ganlab.backends.cuda_graphs import GraphSteps, Packed
from ganlab.backends.select import MPS
from ganlab.backends.steps import adam_replaced, regularization
from ganlab.backends.torch_adam import HostRates, fused_adam
from ganlab.errors import ConfigError
from ganlab.models.network import COMPUTATIONS
from ganlab.training.stages import Compute, Logs, Objective, Pass, Update, Values

COMPUTATIONS.update(torch_layers.COMPUTATIONS)
# Values of the config's `jit`: each operation runs by itself, or a step is recorded as a CUDA graph.
JIT = (False, True) if torch.cuda.is_available() else (False,)
on_devices = contextlib.nullcontext  # a config gives it one device


def input_gradient(function: Callable[[torch.Tensor], torch.Tensor], points: torch.Tensor) -> torch.Tensor:
    """Gradient of the sum of function(points) with respect to points. It can be differentiated again."""
    if not points.requires_grad:
        points = points.detach().requires_grad_()
    outputs = function(points)
    return torch.autograd.grad(outputs.sum(), points, create_graph=True)[0]


def set_device(device: str) -> str:
    """Chooses auto, cpu or gpu before anything is built. Returns "cpu" or the name of the device, "gpu: NVIDIA H200"."""
    gpu = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else None
    if device == "gpu" and gpu is None:
        raise ConfigError("device: gpu was asked for, but PyTorch sees none here; expected auto or cpu")
    if device == "cpu" or gpu is None:
        keras.device("cpu").__enter__()  # for the rest of the process
        return "cpu"
    if gpu == "mps":
        return MPS
    # As TensorFlow and JAX do on their own: products of float32 matrices with 11 bits of mantissa. Shapes never change in training,
    # so measuring each convolution's algorithms once pays.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    return f"gpu: {torch.cuda.get_device_name()}"


def list_devices() -> dict[str, str]:
    """Name -> description, the CPU first: {"cpu:0": "CPU", "gpu:0": "NVIDIA H100"}. `keras.device` takes the names."""
    cards = {f"gpu:{number}": torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())}
    metal = {"mps": "Apple GPU"} if torch.backends.mps.is_available() else {}
    return {"cpu:0": "CPU", **cards, **metal}


class _Scope(keras.StatelessScope):
    """Delays assignments of a forward pass until the backward pass is done: both must read the same values.

    A weight that is assigned, as in spectral normalization, has the gradient of its new value, as in TensorFlow.
    """

    def __init__(self) -> None:
        super().__init__(collect_losses=True)
        self.assigned = {}
        self.moving_statistics = torch_layers.MovingStatistics()

    def get_current_value(self, variable: keras.Variable) -> torch.Tensor:
        value = super().get_current_value(variable)
        return variable._value if value is None else value  # regularizers read every weight

    def add_update(self, update: tuple[keras.Variable, torch.Tensor]) -> None:
        variable, value = update
        if variable.trainable:
            weight = variable.value
            value = value.detach() + (weight - weight.detach())
        self.assigned[id(variable)] = variable, value
        super().add_update((variable, value))

    def carry_out(self) -> None:
        if self.assigned:
            variables, values = zip(*self.assigned.values(), strict=True)
            with torch.no_grad():
                torch._foreach_copy_([variable.value for variable in variables], [*values])
        self.moving_statistics.carry_out()


class Steps(steps.Steps):
    """Performs an objective's stages, a step at a time.

    Args:
        objective, data, value_range: see `steps.Steps`.
        jit: whether a step is recorded as a CUDA graph. Otherwise each operation runs by itself.
    """

    def __init__(
        self, objective: Objective, data: Mapping[str, np.ndarray], value_range: tuple[float, float], jit: bool
    ):
        super().__init__(objective, data, value_range, jit)
        self.graphs: GraphSteps | None = None
        self.rates = HostRates(objective)
        self.moved = {name: [v.value for v in variables] for name, variables in self.trainable.items()}
        self.regularized: dict[str, bool] = {}
        # A pass needs a graph only if an update goes back through it.
        self.through = {update.through for update in objective.updates}

    def send(self, draws: dict[str, np.ndarray], room: int) -> Any:
        return (self._graphs(room).pack(draws) if self.jit else draws), room

    def run(self, draws: dict[str, np.ndarray] | Packed, first: int, room: int) -> np.ndarray:
        if self.jit:
            graphs = self._graphs(room)
            packed = draws if isinstance(draws, Packed) else graphs.pack(draws)
            with self.rates.counted(packed.steps) as rates:
                rows = graphs.run(packed, rates, first)
            self.note = graphs.note
        else:
            draws = {name: keras.ops.convert_to_tensor(array) for name, array in draws.items()}
            steps = len(next(iter(draws.values())))
            # The rows stay on the device until here: the host does not wait within a chunk.
            rows = torch.stack(
                [self._row({n: a[k] for n, a in draws.items()}, first + k, first + k) for k in range(steps)]
            )
        return rows.cpu().numpy().astype(np.float64)

    def lost(self) -> str | None:
        finite = torch.stack([torch.isfinite(variable.value).all() for variable in self.weights]).tolist()
        return next(
            (variable.path for variable, is_finite in zip(self.weights, finite, strict=True) if not is_finite), None
        )

    def _graphs(self, room: int) -> GraphSteps:
        if self.graphs is None:
            self.graphs = GraphSteps(self._row, self._variant, self.column_count, room)
        return self.graphs

    def _row(self, numbers: dict[str, torch.Tensor], step: torch.Tensor | int, number: int) -> torch.Tensor:
        """Performs the step `number`; its layers read the same number as `step`."""
        if self.jit:
            self.rates.begin(numbers)
        logs = self._step(self._values(self.data, numbers, step), number)
        return torch.stack([log.to(torch.float32) for log in logs])

    def _variant(self, number: int) -> tuple[bool, ...]:
        """Which lazy terms are due in a step."""
        return tuple(number % update.lazy_every == 0 for update in self.objective.updates)

    def _pass(self, stage: Pass, values: Values) -> tuple[torch.Tensor, list[torch.Tensor]]:
        network = self.objective.networks[stage.network]
        with torch.set_grad_enabled(stage.name in self.through), _Scope() as scope:
            output = network(stage.inputs(values), training=True).to(torch.float32)
            ends = [output, regularization(network)] if self._is_regularized(stage.network) else [output]
        scope.carry_out()
        return output.detach(), ends

    def _gradients(
        self, update: Update, values: Values, tapes: dict, step: int
    ) -> tuple[Sequence[torch.Tensor | None], Logs]:
        variables = [weight for name in update.networks for weight in self.moved[name]]
        ends = {}
        if update.through is not None:
            ends[update.through] = values[update.through].detach().requires_grad_()
        with _Scope() as scope:
            loss, logs = update.loss(values | ends, step % update.lazy_every == 0)
            if any(self._is_regularized(name) for name in update.networks):
                loss = loss + self._regularizers(update)
        # Not backward(): it would leave gradients in the other network too.
        gradients = torch.autograd.grad(loss, [*ends.values(), *variables], allow_unused=True)
        scope.carry_out()
        logs = {name: value.detach() for name, value in logs.items()}
        if update.through is None:
            return gradients, logs
        pulled, *own = gradients
        earlier = tapes[update.through]  # the pass' output, and its regularizers if there are any
        slopes = [pulled, *(torch.ones_like(end) for end in earlier[1:])]
        moved = self.moved[self.objective.pass_named(update.through).network]
        return self._added(update, own, torch.autograd.grad(earlier, moved, slopes, allow_unused=True)), logs

    def _is_regularized(self, name: str) -> bool:
        """Whether a network that has run has regularizers, of weights or of outputs."""
        if name not in self.regularized:
            self.regularized[name] = bool(self.objective.networks[name].losses)
        return self.regularized[name]

    def _apply(self, name: str, gradients: list, variables: list) -> None:
        optimizer = self.objective.optimizers[name]
        of_host = self.rates.known(name, optimizer) if self.jit else contextlib.nullcontext()
        adam = functools.partial(fused_adam, corrected_rate=self.rates.take(name)) if self.jit else fused_adam
        # On PyTorch, Keras moves all variables in one call.
        with of_host, adam_replaced(optimizer, "_parallel_update_step", adam):
            super()._apply(name, gradients, variables)

    def _after(self, update: Update, values: Values) -> None:
        with torch.no_grad():
            super()._after(update, values)

    def _compute(self, stage: Compute, values: Values) -> Values:
        with torch.no_grad():
            return super()._compute(stage, values)
