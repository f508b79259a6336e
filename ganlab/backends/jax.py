"""Training steps on JAX: gradients, compilation and the loop over a chunk of steps."""

import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np
from jax import numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec

from ganlab.backends import steps
from ganlab.backends.steps import Gradients, pad, regularization
from ganlab.errors import ConfigError
from ganlab.storage.cache import cache_folder
from ganlab.training.stages import Logs, Objective, Pass, Update, Values

State = list[jax.Array]  # the values of all variables that training changes, in order
Assigned = dict[int, jax.Array]  # identity of a variable -> its new value
JIT = (False, True)  # values of the config's `jit`: one compiled call performs a step, or a chunk of steps


def input_gradient(function: Callable[[jax.Array], jax.Array], points: jax.Array) -> jax.Array:
    """Gradient of the sum of function(points) with respect to points. It can be differentiated again."""
    scope = _Scope()

    def total(points: jax.Array) -> tuple[jax.Array, Assigned]:
        with scope:
            outputs = function(points)
        return jnp.sum(outputs), scope.state_mapping

    gradient, assigned = jax.grad(total, has_aux=True)(points)
    scope.carry_out(assigned)
    return gradient


def set_device(device: str) -> str:
    """Chooses auto, cpu or gpu before anything is built. Returns "cpu" or the name of the device, "gpu: NVIDIA H200"."""
    found = jax.devices()[0]  # an accelerator stands before the CPU
    if device == "gpu" and found.platform == "cpu":
        raise ConfigError("device: gpu was asked for, but JAX sees none here; expected auto or cpu")
    if device == "cpu" or found.platform == "cpu":
        jax.config.update("jax_default_device", jax.devices("cpu")[0])
        return "cpu"
    keep_compilations(cache_folder() / "jax")
    return f"{found.platform}: {found.device_kind}"


def keep_compilations(folder: Path) -> None:
    """Lets later processes read what XLA compiles in this one, unless the user keeps it elsewhere. The oldest goes above 2 GB."""
    if jax.config.jax_compilation_cache_dir is None:
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_compilation_cache_max_size", 2 * 10**9)


def list_devices() -> dict[str, str]:
    """Name -> description, the CPU first: {"cpu:0": "cpu", "gpu:0": "NVIDIA H100"}. `keras.device` takes the names."""
    default = [device for device in jax.devices() if device.platform != "cpu"]
    return {f"{device.platform}:{device.id}": device.device_kind for device in [*jax.devices("cpu"), *default]}


def on_devices(count: int) -> contextlib.AbstractContextManager:
    """A scope for building networks: each of `count` devices holds their variables, and `Steps` divides the batches."""
    if count == 1:
        return contextlib.nullcontext()
    chosen = jax.config.jax_default_device or jax.devices()[0]
    found = keras.distribution.list_devices(chosen.platform)
    if count > len(found):
        raise ConfigError(f"devices: {count} were asked for, but JAX sees {len(found)} here ({', '.join(found)})")
    return keras.distribution.DataParallel(devices=found[:count], auto_shard_dataset=False).scope()


class _Scope(keras.StatelessScope):
    """Turns variables into values inside a function that JAX differentiates. The function returns assigned values.

    The scope starts with the values of the scope around it. A weight that is assigned, as in spectral normalization, has the
    gradient of its new value, as in TensorFlow.
    """

    def __init__(self) -> None:
        super().__init__(collect_losses=True)
        self.own: Assigned = {}

    def of(self, variables: list[keras.Variable], weights: list[jax.Array]) -> "_Scope":
        """The scope with `weights` as the values of `variables`, for the gradient with respect to them."""
        self.own = {id(variable): weight for variable, weight in zip(variables, weights, strict=True)}
        return self

    def __enter__(self) -> "_Scope":
        super().__enter__()
        around = self.original_scope
        self.losses = []
        self.weights = getattr(around, "weights", {}) | self.own
        # JAX sorts a plain dictionary by its keys, which are places in memory here: each process would make another program of
        # the same step, and find no compilation of it.
        self.state_mapping = OrderedDict(getattr(around, "state_mapping", {}) | self.own)
        return self

    def add_update(self, update: tuple[keras.Variable, jax.Array]) -> None:
        variable, value = update
        weight = self.weights.get(id(variable))
        if weight is not None:
            value = jax.lax.stop_gradient(value) + (weight - jax.lax.stop_gradient(weight))
        super().add_update((variable, value))

    def carry_out(self, assigned: Assigned) -> None:
        if self.original_scope is not None:
            self.original_scope.state_mapping.update(assigned)


class Steps(steps.Steps):
    """Performs an objective's stages, a step or a chunk of steps in one compiled call.

    Args:
        objective, data, value_range: see `steps.Steps`.
        jit: whether the loop over a chunk is compiled too. On a CPU, this makes convolutions many times slower.
    """

    def __init__(
        self, objective: Objective, data: Mapping[str, np.ndarray], value_range: tuple[float, float], jit: bool
    ):
        self.variables = [variable for owned in objective.variables().values() for variable in owned]
        place = self.variables[0].value.sharding
        self.mesh = place.mesh if isinstance(place, NamedSharding) else None  # with several devices
        super().__init__(objective, data, value_range, jit)
        # A chunk's state is not donated: callbacks read it while the device performs the next chunk.
        self._chunk = jax.jit(self._run_chunk) if jit else jax.jit(self._run_step, donate_argnames="state")
        self._look = jax.jit(self._are_finite)
        self._waiting = ThreadPoolExecutor(1, "rows")

    def run(self, draws: dict[str, np.ndarray], first: int, room: int) -> np.ndarray:
        return self.start(self.send(draws, room), first)()[0]

    def send(self, draws: dict[str, np.ndarray], room: int) -> Any:
        steps = len(next(iter(draws.values())))
        if self.jit:
            draws = {name: pad(array, room) for name, array in draws.items()}
            draws = jax.device_put(draws) if self.mesh is None else draws
        return draws, steps

    def start(self, sent: Any, first: int) -> Callable[[], tuple[np.ndarray, float]]:
        begun = time.perf_counter()
        state, rows = self._perform(self._read(), sent, first)
        finite = self._look(state)
        # The thread notes the end of the steps, whatever the host does meanwhile.
        waiting = self._waiting.submit(lambda: (self._fetch(rows, sent), np.asarray(finite), time.perf_counter()))

        def finish() -> tuple[np.ndarray, float]:
            found, self.finite, ended = waiting.result()
            self._write(state)
            return found, ended - begun

        return finish

    def _perform(self, state: Any, sent: Any, first: int) -> tuple[Any, Any]:
        """Begins the steps, and does not wait for them: the new state, and the rows for `_fetch`."""
        draws, steps = sent
        if self.jit:
            return self._chunk(state, self.data, draws, first, steps)
        state, rows = [jnp.array(value) for value in state], []
        for k in range(steps):
            numbers = {name: array[k] for name, array in draws.items()}
            state, row = self._chunk(state, self.data, numbers, first + k)
            rows.append(row)
        return state, rows

    def _fetch(self, rows: Any, sent: Any) -> np.ndarray:
        return np.asarray(rows)[: sent[1]].astype(np.float64)

    def lost(self) -> str | None:
        return next((v.path for v, is_finite in zip(self.weights, self.finite, strict=True) if not is_finite), None)

    @property
    def _row_shape(self) -> tuple[int, ...]:
        return (self.column_count,)

    def _are_finite(self, state: State) -> jax.Array:
        """One truth value for each of `weights`, with which the state begins."""
        return jnp.stack([jnp.isfinite(value).all() for value in state[: len(self.weights)]])

    def _read(self) -> State:
        return [variable.value for variable in self.variables]

    def _write(self, state: State) -> None:
        for variable, value in zip(self.variables, state, strict=True):
            variable.assign(value)

    def _run_chunk(
        self,
        state: State,
        data: dict[str, jax.Array],
        draws: dict[str, jax.Array],
        first: jax.Array,
        steps: jax.Array,
    ) -> tuple[State, jax.Array]:
        room = len(next(iter(draws.values())))
        rows = jnp.zeros((room, *self._row_shape), jnp.float32)

        def body(k: jax.Array, carried: tuple[State, jax.Array]) -> tuple[State, jax.Array]:
            state, rows = carried
            numbers = {name: array[k] for name, array in draws.items()}
            state, row = self._run_step(state, data, numbers, first + k)
            return state, rows.at[k].set(row)

        return jax.lax.fori_loop(0, steps, body, (state, rows))

    def _run_step(
        self, state: State, data: dict[str, jax.Array], numbers: dict[str, jax.Array], step: jax.Array
    ) -> tuple[State, jax.Array]:
        with keras.StatelessScope(zip(self.variables, state, strict=True)) as scope:
            if self.mesh is not None:
                over = self._over("batch")
                numbers = {name: jax.lax.with_sharding_constraint(array, over) for name, array in numbers.items()}
            row = jnp.stack([log.astype(jnp.float32) for log in self._step(self._values(data, numbers, step), step)])
        return [scope.get_current_value(variable) for variable in self.variables], row

    def _over(self, axis: str | None) -> NamedSharding:
        """A placement: the whole array on every device (None), or a part of the first axis on each ("batch")."""
        return NamedSharding(self.mesh, PartitionSpec(axis))

    def _put(self, array: np.ndarray) -> jax.Array:
        return jnp.asarray(array) if self.mesh is None else jax.device_put(array, self._over(None))

    def _pass(self, stage: Pass, values: Values) -> tuple[jax.Array, Callable]:
        network = self.objective.networks[stage.network]
        variables = self.trainable[stage.network]
        scope = _Scope()

        def forward(weights: list[jax.Array]) -> tuple[tuple[jax.Array, jax.Array], Assigned]:
            with scope.of(variables, weights):
                output = network(stage.inputs(values), training=True).astype(jnp.float32)
                regularizers = regularization(network)
            return (output, regularizers), scope.state_mapping

        (output, _), tape, assigned = jax.vjp(forward, [v.value for v in variables], has_aux=True)
        scope.carry_out(assigned)
        return output, tape

    def _gradients(self, update: Update, values: Values, tapes: dict, step: jax.Array) -> tuple[Gradients, Logs]:
        variables = self._variables(update)
        scope = _Scope()

        def gradients_of(with_lazy: bool) -> tuple[Gradients, Logs, Assigned]:
            ends = {}
            if update.through is not None:
                ends[update.through] = values[update.through]

            def loss_of(weights: list[jax.Array], ends: Values) -> tuple[jax.Array, tuple[Logs, Assigned]]:
                with scope.of(variables, weights):
                    loss, logs = update.loss(values | ends, with_lazy)
                    loss = loss + self._regularizers(update)
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
