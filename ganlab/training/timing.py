"""Measures which compilation of a step is faster here, and how many steps make a chunk.

On a CPU, XLA makes dense networks about twice as fast and convolutions several times slower, and how much depends on the machine:
so both are tried, on the real step, and the state is put back afterwards.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ganlab.training.checkpoints import restore, snapshot
from ganlab.training.draws import Draws
from ganlab.training.stages import Objective
from ganlab.training.trainer import Stepper

_CHUNK_SECONDS = 0.5  # signals, pictures and checkpoints wait for the end of a chunk
_MOST_STEPS = 200
# XLA takes some seconds to compile: a run that has less left to train would not earn them back.
_WORTH_COMPILING = 20.0


@dataclass(frozen=True)
class Choice:
    """How the steps of a run are compiled; part of every checkpoint, because a resumed run must compute the same numbers.

    Attributes:
        jit: whether XLA compiles them.
        room: most steps in a chunk.
        seconds: what was measured: a step, "plain" and under "xla", and one pass through each network.
    """

    jit: bool
    room: int
    seconds: Mapping[str, float]

    def facts(self) -> dict:
        return asdict(self)


def choose_steps(
    backend: Any,
    make_steps: Callable[[bool], Stepper],
    objective: Objective,
    draws: Draws,
    jit: bool | str,
    steps: int,
) -> tuple[Stepper, Choice]:
    """The steps to train with, compiled as `jit` says ("auto": as measured).

    Args:
        backend: a module of training.steps.
        make_steps: builds its Steps for jit True or False.
        objective: whose variables are as before when this returns.
        draws: makes the random numbers of the measured steps.
        jit: True, False or "auto".
        steps: how many will be trained, for whether compiling can pay.
    """
    before = snapshot(objective.variables())
    measured: dict[str, float] = {}
    chosen = choice = None
    if jit is not True:
        chosen = make_steps(False)
        measured["plain"] = _seconds_a_step(chosen, draws, 8)
        choice = Choice(False, _room(measured["plain"]), measured)
    worth_it = jit == "auto" and measured["plain"] * steps > _WORTH_COMPILING
    if jit is True or (worth_it and _xla_passes_are_faster(backend, objective, measured)):
        compiled = make_steps(True)
        room = choice.room if choice else 32
        measured["xla"] = _seconds_a_step(compiled, draws, room)
        if jit is True or measured["xla"] < measured["plain"]:
            # A chunk of the size that is compiled already, unless it would take too long.
            chosen, choice = compiled, Choice(True, min(room, _room(measured["xla"])), measured)
    restore(objective.variables(), before, "the state before measuring")
    return chosen, choice


def _xla_passes_are_faster(backend: Any, objective: Objective, measured: dict[str, float]) -> bool:
    """Compares single passes of the networks first: a whole step of convolutions under XLA can take half a minute on a CPU."""
    samples = max(stage.samples for stage in objective.stages)
    for name, jit in (("plain_passes", False), ("xla_passes", True)):
        passes = (backend.pass_seconds(network, samples, jit) for network in objective.networks.values())
        measured[name] = sum(passes)
    return measured["xla_passes"] < measured["plain_passes"]


def _room(seconds: float) -> int:
    return int(np.clip(_CHUNK_SECONDS / seconds, 1, _MOST_STEPS))


def _seconds_a_step(steps: Stepper, draws: Draws, room: int) -> float:
    """Seconds a step after compilation: the best of a few chunks that take a third of a second together."""
    steps.run(draws.take(0, 1), 0, room)  # compiles
    fastest, spent, count = np.inf, 0.0, 1
    while spent < 0.3:
        taken = draws.take(0, count)
        start = time.perf_counter()
        steps.run(taken, 0, room)
        passed = time.perf_counter() - start
        fastest = min(fastest, passed / count)
        spent += passed
        count = min(2 * count, room)
    return float(fastest)
