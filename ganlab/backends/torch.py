"""Training steps on PyTorch: gradients and the loop over a chunk of steps."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping

import keras
import numpy as np
import torch
from torch.optim.adam import adam

from ganlab.backends import steps
from ganlab.errors import ConfigError
from ganlab.training.stages import Compute, Objective, Pass, Update, Values

JIT = (False,)  # what `jit` can be: nothing is compiled


def input_gradient(function: Callable[[torch.Tensor], torch.Tensor], points: torch.Tensor) -> torch.Tensor:
    """Gradient of the sum of function(points) with respect to points; itself differentiable."""
    if not points.requires_grad:
        points = points.detach().requires_grad_()
    outputs = function(points)
    return torch.autograd.grad(outputs.sum(), points, create_graph=True)[0]


def set_device(device: str) -> str:
    """Chooses auto, cpu or gpu before anything is built; returns what will be used, such as "gpu: NVIDIA H200"."""
    gpu = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else None
    if device == "gpu" and gpu is None:
        raise ConfigError("device: gpu was asked for, but PyTorch sees none here; expected auto or cpu")
    if device == "cpu" or gpu is None:
        keras.device("cpu").__enter__()  # for the rest of the process: everything is built in it
        return "cpu"
    return "gpu: " + (torch.cuda.get_device_name() if gpu == "cuda" else "Apple, through MPS")


def on_devices(count: int) -> contextlib.AbstractContextManager:
    """A scope whose variables live on each of `count` devices; Keras has that on JAX only."""
    if count > 1:
        raise ConfigError(
            f"devices: expected 1 with the backend torch, received {count}; Keras distributes on jax only"
        )
    return contextlib.nullcontext()


@contextlib.contextmanager
def adam_in_one_pass(optimizer: keras.Optimizer) -> Iterator[None]:
    """While it lasts, an optimizer whose update is Adam's computes it on a CPU by PyTorch's fused operation; others do not.

    The same update but for rounding; Keras' own passes through memory about ten times.
    """
    if type(optimizer).update_step is not keras.optimizers.Adam.update_step or optimizer.amsgrad:
        yield
        return
    # On PyTorch Keras moves all variables at once.
    optimizer._parallel_update_step = functools.partial(_fused_adam, optimizer, optimizer._parallel_update_step)
    try:
        yield
    finally:
        del optimizer._parallel_update_step


def _fused_adam(optimizer, otherwise: Callable, gradients: list, variables: list, learning_rate: torch.Tensor) -> None:
    weights = [variable.value for variable in variables]
    places = [optimizer._get_variable_index(variable) for variable in variables]
    moments, squares = (
        [kept[place].value for place in places] for kept in (optimizer._momentums, optimizer._velocities)
    )
    # The operation reads memory as it lies. On a GPU the count would have to be waited for.
    if not all(array.is_contiguous() and array.device.type == "cpu" for array in (*weights, *moments, *squares)):
        otherwise(gradients, variables, learning_rate)
        return
    done = int(optimizer.iterations)
    adam(
        weights,
        [gradient.to(weight.dtype).contiguous() for gradient, weight in zip(gradients, weights, strict=True)],
        moments,
        squares,
        [],
        [torch.tensor(float(done)) for _ in weights],  # which it counts up
        fused=True,
        amsgrad=False,
        beta1=optimizer.beta_1,
        beta2=optimizer.beta_2,
        lr=float(learning_rate),
        weight_decay=0.0,  # Keras' own, before this
        # PyTorch adds epsilon to the root of the corrected square, Keras to that of the square as it is.
        eps=optimizer.epsilon / (1 - optimizer.beta_2 ** (done + 1)) ** 0.5,
        maximize=False,
    )


class _Scope(keras.StatelessScope):
    """Keeps what a pass assigns until the pass backward has read the values that the pass forward did.

    A weight that is assigned (spectral normalization does so) has the gradient of what it became, as in TensorFlow.
    """

    def __init__(self):
        super().__init__(collect_losses=True)
        self.assigned = {}

    def get_current_value(self, variable):
        value = super().get_current_value(variable)
        return variable._value if value is None else value  # regularizers want one of every weight

    def add_update(self, update):
        variable, value = update
        if variable.trainable:
            weight = variable.value
            value = value.detach() + (weight - weight.detach())
        self.assigned[id(variable)] = variable, value
        super().add_update((variable, value))

    def carry_out(self):
        for variable, value in self.assigned.values():
            variable.assign(value)


class Steps(steps.Steps):
    """Performs an objective's stages, a step at a time.

    Args:
        objective, data, value_range: see `steps.Steps`.
        jit: False: each operation runs by itself.
    """

    def __init__(
        self, objective: Objective, data: Mapping[str, np.ndarray], value_range: tuple[float, float], jit: bool
    ):
        super().__init__(objective, data, value_range)
        self.data = {name: keras.ops.convert_to_tensor(array) for name, array in self.arrays.items()}
        self.jit = jit
        # Passes that no update goes back through need no graph.
        self.through = {update.through for update in objective.updates}

    def run(self, draws: dict[str, np.ndarray], first: int, room: int) -> np.ndarray:
        draws = {name: keras.ops.convert_to_tensor(array) for name, array in draws.items()}
        rows = self._run_chunk(self.data, draws, first)
        return rows.cpu().numpy().astype(np.float64)

    def _run_chunk(self, data, draws, first):
        steps = len(next(iter(draws.values())))
        rows = []
        for k in range(steps):
            values = self._values(data, {name: numbers[k] for name, numbers in draws.items()})
            rows.append(torch.stack([log.to(torch.float32) for log in self._step(values, first + k)]))
        # The rows stay on the device until here: nothing waits for it within a chunk.
        return torch.stack(rows)

    def _float(self, step):
        return keras.ops.full((), float(step))

    def _rows(self, array, rows):
        gathered = array[rows]
        return gathered.to(torch.float32) * self.scale + self.low if gathered.dtype == torch.uint8 else gathered

    def _pass(self, stage: Pass, values: Values):
        network = self.objective.networks[stage.network]
        with torch.set_grad_enabled(stage.name in self.through), _Scope() as scope:
            output = network(stage.inputs(values), training=True).to(torch.float32)
            regularization = _regularization([network])
        scope.carry_out()
        return output.detach(), (output, regularization)

    def _gradients(self, update: Update, values: Values, tapes: dict, step: int):
        variables = [variable.value for variable in self._variables(update)]
        ends = {}
        if update.through is not None:
            ends[update.through] = values[update.through].detach().requires_grad_()
        with _Scope() as scope:
            loss, logs = update.loss(values | ends, step % update.lazy_every == 0)
            loss = loss + _regularization(self._regularized(update))
        # Not backward(), which would leave gradients in the other network too.
        gradients = torch.autograd.grad(loss, [*ends.values(), *variables], allow_unused=True)
        scope.carry_out()
        logs = {name: value.detach() for name, value in logs.items()}
        if update.through is None:
            return gradients, logs
        pulled, *own = gradients
        output, regularization = tapes[update.through]
        network = self.objective.networks[self.objective.pass_named(update.through).network]
        end = torch.sum(output * pulled) + regularization
        moved = [variable.value for variable in network.trainable_variables]
        return self._added(update, own, torch.autograd.grad(end, moved, allow_unused=True)), logs

    def _apply(self, name: str, gradients: list, variables: list) -> None:
        optimizer = self.objective.optimizers[name]
        with adam_in_one_pass(optimizer):
            optimizer.apply(gradients, variables)

    def _after(self, update: Update, values: Values) -> None:
        with torch.no_grad():
            super()._after(update, values)

    def _compute(self, stage: Compute, values: Values) -> Values:
        with torch.no_grad():
            return super()._compute(stage, values)


def _regularization(networks: list) -> torch.Tensor:
    """The sum of the regularizers written in layers, of weights and of the outputs of a network's last run."""
    losses = (loss.to(torch.float32) for network in networks for loss in network.losses)
    return sum(losses, keras.ops.zeros(()))
