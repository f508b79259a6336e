"""Measures which compilation of a step is faster here, and how many steps make a chunk.

On a CPU, XLA makes dense networks about twice as fast and convolutions several times slower, and how much depends on the machine:
so both are tried, on the real step, and the state is put back afterwards.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from ganlab.training.checkpoints import restore, snapshot
from ganlab.training.draws import Draws
from ganlab.training.objectives import Objective

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
        seconds: a step took when it was measured, by "plain" and "xla".
    """

    jit: bool
    room: int
    seconds: Mapping[str, float]

    def facts(self) -> dict:
        return asdict(self)


def choose_steps(
    make_steps: Callable[[bool], "object"],
    objective: Objective,
    draws: Draws,
    jit: bool | str,
    first: int,
    total: int,
) -> tuple["object", Choice]:
    """The steps to train with, compiled as `jit` says ("auto": as measured).

    Args:
        make_steps: builds the backend's Steps for jit True or False.
        objective: whose variables are as before when this returns.
        draws: makes the random numbers of the measured steps.
        jit: True, False or "auto".
        first, total: steps done and steps wanted, for whether compiling can pay.
    """
    before = snapshot(objective.variables())
    measured: dict[str, float] = {}
    chosen = choice = None
    if jit is not True:
        chosen = make_steps(False)
        measured["plain"] = _seconds_a_step(chosen, draws, first, 8)
        choice = Choice(False, _room(measured["plain"]), measured)
    if jit is True or (jit == "auto" and measured["plain"] * (total - first) > _WORTH_COMPILING):
        compiled = make_steps(True)
        room = choice.room if choice else 32
        measured["xla"] = _seconds_a_step(compiled, draws, first, room)
        if jit is True or measured["xla"] < measured["plain"]:
            # A chunk of a size that is compiled already, unless it would take too long.
            room = min(room, max(_room(measured["xla"]), 1))
            chosen, choice = compiled, Choice(True, room, measured)
    restore(objective.variables(), before, "the state before measuring")
    return chosen, choice


def _room(seconds: float) -> int:
    return int(np.clip(_CHUNK_SECONDS / seconds, 1, _MOST_STEPS))


def _seconds_a_step(steps, draws: Draws, first: int, room: int) -> float:
    """Seconds a step after compilation: the best of a few chunks that take a third of a second together."""
    steps.run(draws.take(first, 1), first, room)  # compiles
    fastest, spent, count = np.inf, 0.0, 1
    while spent < 0.3:
        taken = draws.take(first, count)
        start = time.perf_counter()
        steps.run(taken, first, room)
        passed = time.perf_counter() - start
        fastest = min(fastest, passed / count)
        spent += passed
        count = min(2 * count, room)
    return float(fastest)
