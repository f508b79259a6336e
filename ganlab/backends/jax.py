"""Training steps on JAX: gradients, compilation and the loop over a chunk of steps."""

import contextlib
from collections.abc import Callable, Mapping

import jax
import keras
import numpy as np
from jax import numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec

from ganlab.backends import steps
from ganlab.backends.steps import pad
from ganlab.errors import ConfigError
from ganlab.models.flops import has_convolutions
from ganlab.training.stages import Objective, Pass, Update, Values

JIT = (False, True)  # what `jit` can be: a step in one compiled call, or a chunk


def input_gradient(function: Callable[[jax.Array], jax.Array], points: jax.Array) -> jax.Array:
    """Gradient of the sum of function(points) with respect to points; itself differentiable."""
    scope = _Scope()

    def total(points):
        with scope:
            outputs = function(points)
        return jnp.sum(outputs), scope.state_mapping

    gradient, assigned = jax.grad(total, has_aux=True)(points)
    scope.carry_out(assigned)
    return gradient


def set_device(device: str) -> str:
    """Chooses auto, cpu or gpu before anything is built; returns what will be used, such as "gpu: NVIDIA H200"."""
    found = jax.devices()[0]  # an accelerator stands before the CPU
    if device == "gpu" and found.platform == "cpu":
        raise ConfigError("device: gpu was asked for, but JAX sees none here; expected auto or cpu")
    if device == "cpu" or found.platform == "cpu":
        jax.config.update("jax_default_device", jax.devices("cpu")[0])
        return "cpu"
    return f"{found.platform}: {found.device_kind}"


def known_jit(objective: Objective, steps: int) -> bool | None:
    """What `jit: auto` is without a measurement: on a CPU convolutions in a compiled loop take twice as long; None: not known."""
    device = jax.config.jax_default_device or jax.devices()[0]
    return False if device.platform == "cpu" and has_convolutions(objective) else None


def on_devices(count: int) -> contextlib.AbstractContextManager:
    """A scope whose variables live on each of `count` devices, which then share the batches of `Steps`."""
    if count == 1:
        return contextlib.nullcontext()
    chosen = jax.config.jax_default_device or jax.devices()[0]
    found = keras.distribution.list_devices(chosen.platform)
    if count > len(found):
        raise ConfigError(f"devices: {count} were asked for, but JAX sees {len(found)} here ({', '.join(found)})")
    return keras.distribution.DataParallel(devices=found[:count], auto_shard_dataset=False).scope()


class _Scope(keras.StatelessScope):
    """Variables as values inside a function that JAX differentiates; what it assigns comes out as a value of the function.

    It begins with the values of the scope around it. A weight that is assigned (spectral normalization does so) has the
    gradient of what it became, as in TensorFlow.
    """

    def __init__(self):
        super().__init__(collect_losses=True)
        self.own: dict[int, jax.Array] = {}

    def of(self, variables, weights):
        """The scope with values of its own for the variables that the gradient is taken of."""
        self.own = {id(variable): weight for variable, weight in zip(variables, weights, strict=True)}
        return self

    def __enter__(self):
        super().__enter__()
        around = self.original_scope
        self.losses = []
        self.weights = getattr(around, "weights", {}) | self.own
        self.state_mapping = getattr(around, "state_mapping", {}) | self.own
        return self

    def add_update(self, update):
        variable, value = update
        weight = self.weights.get(id(variable))
        if weight is not None:
            value = jax.lax.stop_gradient(value) + (weight - jax.lax.stop_gradient(weight))
        super().add_update((variable, value))

    def carry_out(self, assigned):
        if self.original_scope is not None:
            self.original_scope.state_mapping.update(assigned)


class Steps(steps.Steps):
    """Performs an objective's stages, a step or a chunk of steps in one compiled call.

    Args:
        objective, data, value_range: see `steps.Steps`.
        jit: whether the loop over a chunk is compiled too, which on a CPU makes convolutions many times slower.
    """

    def __init__(
        self, objective: Objective, data: Mapping[str, np.ndarray], value_range: tuple[float, float], jit: bool
    ):
        super().__init__(objective, data, value_range)
        self.jit = jit
        self.variables = [variable for owned in objective.variables().values() for variable in owned]
        place = self.variables[0].value.sharding
        self.mesh = place.mesh if isinstance(place, NamedSharding) else None  # with several devices
        put = jnp.asarray if self.mesh is None else lambda array: jax.device_put(array, self._over(None))
        self.data = {name: put(array) for name, array in self.arrays.items()}
        # Donated: the memory of the old state becomes that of the new one.
        self._chunk = jax.jit(self._run_chunk if jit else self._run_step, donate_argnames="state")

    def run(self, draws: dict[str, np.ndarray], first: int, room: int) -> np.ndarray:
        steps = len(next(iter(draws.values())))
        state = [variable.value for variable in self.variables]
        if self.jit:
            draws = {name: pad(array, room) for name, array in draws.items()}
            state, rows = self._chunk(state, self.data, draws, first, steps)
        else:
            rows = []
            for k in range(steps):  # nothing waits for the device within the chunk
                numbers = {name: array[k] for name, array in draws.items()}
                state, row = self._chunk(state, self.data, numbers, first + k)
                rows.append(row)
        for variable, value in zip(self.variables, state, strict=True):
            variable.assign(value)
        return np.asarray(rows)[:steps].astype(np.float64)

    def _run_chunk(self, state, data, draws, first, steps):
        room = len(next(iter(draws.values())))
        rows = jnp.zeros((room, self.column_count), jnp.float32)

        def body(k, carried):
            state, rows = carried
            numbers = {name: array[k] for name, array in draws.items()}
            state, row = self._run_step(state, data, numbers, first + k)
            return state, rows.at[k].set(row)

        return jax.lax.fori_loop(0, steps, body, (state, rows))

    def _run_step(self, state, data, numbers, step):
        with keras.StatelessScope(zip(self.variables, state, strict=True)) as scope:
            if self.mesh is not None:
                over = self._over("batch")
                numbers = {name: jax.lax.with_sharding_constraint(array, over) for name, array in numbers.items()}
            row = jnp.stack([log.astype(jnp.float32) for log in self._step(self._values(data, numbers), step)])
        return [scope.get_current_value(variable) for variable in self.variables], row

    def _over(self, axis):
        """Whole on every device (None), or a part of the first axis on each ("batch", as Keras names it)."""
        return NamedSharding(self.mesh, PartitionSpec(axis))

    def _float(self, step):
        return jnp.asarray(step, jnp.float32)

    def _rows(self, array, rows):
        gathered = array[rows]
        return gathered.astype(jnp.float32) * self.scale + self.low if gathered.dtype == jnp.uint8 else gathered

    def _pass(self, stage: Pass, values: Values):
        network = self.objective.networks[stage.network]
        variables = network.trainable_variables
        scope = _Scope()

        def forward(weights):
            with scope.of(variables, weights):
                output = network(stage.inputs(values), training=True).astype(jnp.float32)
                regularization = _regularization([network])
            return (output, regularization), scope.state_mapping

        (output, _), tape, assigned = jax.vjp(forward, [v.value for v in variables], has_aux=True)
        scope.carry_out(assigned)
        return output, tape

    def _gradients(self, update: Update, values: Values, tapes: dict, step: jax.Array):
        variables = self._variables(update)
        scope = _Scope()

        def gradients_of(with_lazy: bool):
            ends = {}
            if update.through is not None:
                ends[update.through] = values[update.through]

            def loss_of(weights, ends):
                with scope.of(variables, weights):
                    loss, logs = update.loss(values | ends, with_lazy)
                    loss = loss + _regularization(self._regularized(update))
                return loss, (logs, scope.state_mapping)

            weights = [variable.value for variable in variables]
            (own, pulled), (logs, assigned) = jax.grad(loss_of, (0, 1), has_aux=True)(weights, ends)
            if update.through is None:
                return own, logs, assigned
            (pulled,) = tapes[update.through]((pulled[update.through], jnp.ones(())))
            return self._added(update, own, pulled), logs, assigned

        if update.lazy_every == 1:
            gradients, logs, assigned = gradients_of(True)
        else:
            due = step % update.lazy_every == 0
            gradients, logs, assigned = jax.lax.cond(due, lambda: gradients_of(True), lambda: gradients_of(False))
        scope.carry_out(assigned)
        return gradients, logs

    def _apply(self, name: str, gradients: list, variables: list) -> None:
        self.objective.optimizers[name].apply(gradients, variables)


def _regularization(networks: list) -> jax.Array:
    """The sum of the regularizers written in layers, of weights and of the outputs of a network's last run."""
    losses = (loss.astype(jnp.float32) for network in networks for loss in network.losses)
    return sum(losses, jnp.zeros(()))
