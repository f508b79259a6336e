"""Training steps of several runs on JAX: one compiled step trains all of them, at once or in turns."""

import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

import jax
import keras
import numpy as np
from jax import numpy as jnp

from ganlab.backends.jax import State, Steps
from ganlab.config.document import Keys
from ganlab.models.network import Network
from ganlab.training.stages import Objective


class LaneSteps(Steps):
    """Performs the same steps of several runs, the lanes. Draws are (steps, lanes, ...), rows (steps, lanes, columns).

    Args:
        objectives: one for each lane, over networks of its own and with equal shapes. The first one's stages are performed.
        data, value_range, jit: see `steps.Steps`.
        scalars: place in the config -> one number for each lane, for the numbers in which the lanes differ.
        vary: gives the first objective with other scalars, of one lane. It is called while the step is traced.
    """

    def __init__(
        self,
        objectives: Sequence[Objective],
        data: Mapping[str, np.ndarray],
        value_range: tuple[float, float],
        jit: bool,
        scalars: Mapping[Keys, np.ndarray] = MappingProxyType({}),
        vary: Callable[[Mapping[Keys, jax.Array]], AbstractContextManager[Objective]] = contextlib.nullcontext,
    ):
        super().__init__(objectives[0], data, value_range, jit)
        self.scalars, self.vary = {f"scalar {'.'.join(place)}": (place, scalars[place]) for place in scalars}, vary
        self.owned = [[v for owned in objective.variables().values() for v in owned] for objective in objectives]
        self.state = self._joined([[variable.value for variable in owned] for owned in self.owned])
        self.shares: list[State] = []  # the state of each lane after the last chunk

    def _joined(self, states: list[State]) -> Any:
        """The state of all lanes, as steps take it."""
        return states

    def _divided(self, state: Any) -> list[State]:
        """The state of each lane."""
        return state

    def _with_scalars(self, draws: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        steps = len(next(iter(draws.values())))
        scalars = {name: np.tile(values.astype(np.float32), (steps, 1)) for name, (_, values) in self.scalars.items()}
        return draws | scalars

    def show(self, lane: int) -> None:
        """Puts the state of a lane into the variables of its own objective. Any thread may call it."""
        for variable, value in zip(self.owned[lane], self.shares[lane], strict=True):
            variable.assign(value)

    def lost(self) -> list[str | None]:
        """For each lane, the path of the first weight of a network that is not finite, or None."""
        return [next((v.path for v, f in zip(self.weights, row, strict=True) if not f), None) for row in self.finite]

    def _run_step(
        self, state: State, data: dict[str, jax.Array], numbers: dict[str, jax.Array], step: jax.Array
    ) -> tuple[State, jax.Array]:
        """One step of one lane."""
        if not self.scalars:
            return super()._run_step(state, data, numbers, step)
        given = self.objective
        with self.vary({place: numbers[name] for name, (place, _) in self.scalars.items()}) as self.objective:
            try:
                return super()._run_step(state, data, numbers, step)
            finally:
                self.objective = given

    def _perform(self, state: Any, sent: Any, first: int) -> tuple[Any, Any]:
        state, rows = self._perform_all(state, sent, first)
        self._newest = self._divided(state)  # before the next chunk begins: a device works in this order
        return state, rows

    def _read(self) -> Any:
        return self.state

    def _write(self, state: Any) -> None:
        self.state, self.shares = state, self._newest


class StackedSteps(LaneSteps):
    """Each operation works on the stacked lanes."""

    def send(self, draws: dict[str, np.ndarray], room: int) -> Any:
        return super().send(self._with_scalars(draws), room)

    def _joined(self, states: list[State]) -> State:
        return _stack(states)

    def _divided(self, state: State) -> list[State]:
        return _divide(state)

    def _perform_all(self, state: State, sent: Any, first: int) -> tuple[State, Any]:
        return Steps._perform(self, state, sent, first)

    @property
    def _row_shape(self) -> tuple[int, ...]:
        return (len(self.owned), self.column_count)

    def _are_finite(self, state: State) -> jax.Array:
        return jax.vmap(super()._are_finite)(state)

    def _run_step(
        self, state: State, data: dict[str, jax.Array], numbers: dict[str, jax.Array], step: jax.Array
    ) -> tuple[State, jax.Array]:
        return jax.vmap(super()._run_step, (0, None, 0, None))(state, data, numbers, step)


class SeparateSteps(LaneSteps):
    """The lanes take turns in one compiled chunk.

    For convolutions: stacked kernels make them grouped ones, which took four times as long on a CPU.
    """

    def send(self, draws: dict[str, np.ndarray], room: int) -> list[Any]:
        draws = self._with_scalars(draws)
        return [super(SeparateSteps, self).send(_of_lane(draws, lane), room) for lane in range(len(self.owned))]

    def _perform_all(self, state: list[State], sent: list[Any], first: int) -> tuple[list[State], list[Any]]:
        done = [Steps._perform(self, of_lane, numbers, first) for of_lane, numbers in zip(state, sent, strict=True)]
        return [of_lane for of_lane, _ in done], [rows for _, rows in done]

    def _fetch(self, rows: list[Any], sent: list[Any]) -> np.ndarray:
        return np.stack([super(SeparateSteps, self)._fetch(*each) for each in zip(rows, sent, strict=True)], axis=1)

    def _are_finite(self, state: list[State]) -> jax.Array:
        return jnp.stack([super(SeparateSteps, self)._are_finite(of_lane) for of_lane in state])


def _of_lane(draws: dict[str, np.ndarray], lane: int) -> dict[str, np.ndarray]:
    return {name: np.ascontiguousarray(array[:, lane]) for name, array in draws.items()}


@jax.jit
def _stack(states: list[State]) -> State:
    return [jnp.stack(values) for values in zip(*states, strict=True)]


@jax.jit
def _divide(state: State) -> list[State]:
    return [[value[lane] for value in state] for lane in range(len(state[0]))]


def predicting_together(networks: Sequence[Network]) -> list[Network]:
    """The networks, of equal shapes. One compilation serves the predictions of all of them."""

    @jax.jit
    def output(weights: list[jax.Array], values: dict[str, np.ndarray]) -> jax.Array:
        with keras.StatelessScope(zip(networks[0].variables, weights, strict=True)):
            return networks[0](values)

    return [_Predicting(**{f.name: getattr(n, f.name) for f in dataclasses.fields(n)}, output=output) for n in networks]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Predicting(Network):
    """A network whose output another function computes from its weights."""

    output: Callable[[list[jax.Array], dict[str, np.ndarray]], jax.Array]

    def predict(self, values: np.ndarray | Mapping[str, np.ndarray]) -> np.ndarray:
        values = values if isinstance(values, Mapping) else {"input": values}
        taken = {name: values[name] for name in self.inputs}
        return np.asarray(self.output([variable.value for variable in self.variables], taken), np.float32)
