"""Training steps of several runs at once on JAX: their states are stacked, and one compiled step trains all of them."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

import jax
import keras
import numpy as np
from jax import numpy as jnp

from ganlab.backends.jax import Steps
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
        vary: Callable[[Mapping[Keys, jax.Array]], AbstractContextManager[Objective]] | None = None,
    ):
        super().__init__(objectives[0], data, value_range, jit)
        self.scalars, self.vary = list(scalars.items()), vary
        self.row_shape = (len(objectives), self.column_count)
        self.owned = [[v for owned in objective.variables().values() for v in owned] for objective in objectives]
        self.state = jax.jit(_stacked)([[variable.value for variable in owned] for owned in self.owned])
        self._divide = jax.jit(_divided)
        self._shares: list[list[jax.Array]] = []

    def start(self, sent: Any, first: int) -> Callable[[], tuple[np.ndarray, float]]:
        finish = super().start(sent, first)
        shares = self._divide(self._newest)  # before the next chunk: a device works in this order

        def finished() -> tuple[np.ndarray, float]:
            done = finish()
            self._shares = shares
            return done

        return finished

    def show(self, lane: int) -> None:
        """Puts the state of a lane into the variables of its own objective. Any thread may call it."""
        for variable, value in zip(self.owned[lane], self._shares[lane], strict=True):
            variable.assign(value)

    def lost(self) -> list[str | None]:
        """For each lane, the path of the first weight of a network that is not finite, or None."""
        return [next((v.path for v, f in zip(self.weights, row, strict=True) if not f), None) for row in self.finite]

    def _are_finite(self, state):
        return jax.vmap(super()._are_finite)(state)

    def _run_step(self, state, data, numbers, step):
        def of_lane(state, numbers, values):
            if not values:
                return super(LaneSteps, self)._run_step(state, data, numbers, step)
            given = self.objective
            with self.vary({place: value for (place, _), value in zip(self.scalars, values, strict=True)}) as varied:
                self.objective = varied
                try:
                    return super(LaneSteps, self)._run_step(state, data, numbers, step)
                finally:
                    self.objective = given

        values = [jnp.asarray(each, jnp.float32) for _, each in self.scalars]
        return jax.vmap(of_lane)(state, numbers, values)

    def _read(self):
        return self.state

    def _write(self, state):
        self.state = state


def _stacked(states):
    return [jnp.stack(values) for values in zip(*states, strict=True)]


def _divided(state):
    return [[value[lane] for value in state] for lane in range(len(state[0]))]


def predicting_together(networks: Sequence[Network]) -> list[Network]:
    """The networks, of equal shapes. One compilation serves the predictions of all of them."""

    @jax.jit
    def output(weights, values):
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
