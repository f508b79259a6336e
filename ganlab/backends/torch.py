"""Training steps on PyTorch: gradients and the loop over a chunk of steps."""

import contextlib
import functools
from collections.abc import Callable, Iterator

import keras
import numpy as np
import torch
from torch.optim.adam import adam

from ganlab.errors import ConfigError
from ganlab.training.stages import Objective, Pass, Update, Values, combine_logs

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


class Steps:
    """Performs an objective's stages, a step at a time.

    Args:
        objective: what one step does.
        images: training data, uint8 (N, ...), kept on the device.
        value_range: (low, high) that 0 and 255 become.
        jit: False: each operation runs by itself.
    """

    def __init__(self, objective: Objective, images: np.ndarray, value_range: tuple[float, float], jit: bool):
        self.objective = objective
        self.images = keras.ops.convert_to_tensor(images)
        self.low, self.scale = value_range[0], (value_range[1] - value_range[0]) / 255.0
        self.jit = jit
        # Passes that no update goes back through need no graph.
        self.through = {stage.through for stage in objective.stages if isinstance(stage, Update)}

    def run(self, draws: dict[str, np.ndarray], first: int, room: int) -> np.ndarray:
        """Performs len(draws) steps from step `first`, counted from 0.

        Args:
            draws: name -> (steps, ...), see `training.draws`.
            first: index of the first step.
            room: most steps a chunk has.

        Returns: float64 (steps, columns), the objective's columns.
        """
        draws = {name: keras.ops.convert_to_tensor(array) for name, array in draws.items()}
        rows = self._run_chunk(self.images, draws, first)
        return rows.cpu().numpy().astype(np.float64)

    def _run_chunk(self, images, draws, first):
        steps = len(next(iter(draws.values())))
        rows = []
        for k in range(steps):
            values = {name: self._value(images, name, numbers[k]) for name, numbers in draws.items()}
            rows.append(torch.stack([log.to(torch.float32) for log in self._step(values, first + k)]))
        # The rows stay on the device until here: nothing waits for it within a chunk.
        return torch.stack(rows)

    def _value(self, images, name, numbers):
        if self.objective.draws[name].kind != "images":
            return numbers
        gathered = images[numbers]
        if gathered.dtype != torch.uint8:
            return gathered
        return gathered.to(torch.float32) * self.scale + self.low

    def _step(self, values: Values, step: int) -> list[torch.Tensor]:
        values, tapes, logs = dict(values), {}, {}
        for stage in self.objective.stages:
            if isinstance(stage, Pass):
                self._pass(stage, values, tapes)
            else:
                self._update(stage, values, tapes, step, logs)
        return combine_logs(self.objective, logs)

    def _pass(self, stage: Pass, values: Values, tapes: dict) -> None:
        network = self.objective.called(stage.network)
        with torch.set_grad_enabled(stage.name in self.through), _Scope() as scope:
            output = network(stage.inputs(values), training=True).to(torch.float32)
            regularization = _regularization(network)
        scope.carry_out()
        values[stage.name], tapes[stage.name] = output.detach(), (output, regularization)

    def _update(self, update: Update, values: Values, tapes: dict, step: int, logs: dict) -> None:
        network = self.objective.networks[update.network]
        variables = [variable.value for variable in network.trainable_variables]

        def gradients_of(with_lazy: bool):
            ends = {}
            if update.through is not None:
                ends[update.through] = values[update.through].detach().requires_grad_()
            with _Scope() as scope:
                loss, new_logs = update.loss(values | ends, with_lazy)
                if update.through is None:
                    loss = loss + _regularization(network)
            # Not backward(), which would leave gradients in the other network too.
            gradients = torch.autograd.grad(loss, [*ends.values(), *variables], allow_unused=True)
            scope.carry_out()
            if update.through is None:
                return gradients, new_logs
            pulled, *own = gradients
            output, regularization = tapes[update.through]
            end = torch.sum(output * pulled) + regularization
            pulled = torch.autograd.grad(end, variables, allow_unused=True)
            return [a if b is None else a + b for a, b in zip(pulled, own, strict=True)], new_logs

        gradients, new_logs = gradients_of(step % update.lazy_every == 0)
        optimizer = self.objective.optimizers[update.network]
        with adam_in_one_pass(optimizer):
            optimizer.apply(gradients, network.trainable_variables)
        with torch.no_grad():
            for action in update.after:
                action(torch.full((), step, dtype=torch.float32, device=self.images.device))
        for name, value in new_logs.items():
            logs.setdefault(name, []).append(value.detach())


def _regularization(network: keras.Model) -> torch.Tensor:
    """The sum of the regularizers written in layers, of weights and of the outputs of the network's last pass."""
    return sum((loss.to(torch.float32) for loss in network.losses), keras.ops.zeros(()))
