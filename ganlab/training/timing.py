"""Measures which form of a step is fastest here, and how many steps make a chunk.

On a CPU, XLA makes dense networks about twice as fast and convolutions several times slower, and folded up-sampling helps large
images more than small ones; how much depends on the machine. So the forms are tried, on the real step, and the state is put back
afterwards.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ganlab.models.folding import fold_objective
from ganlab.training.checkpoints import restore, snapshot
from ganlab.training.draws import Draws
from ganlab.training.stages import Objective
from ganlab.training.trainer import Stepper

_CHUNK_SECONDS = 0.5  # signals, pictures and checkpoints wait for the end of a chunk
_MOST_STEPS = 200
# A form takes some seconds to compile: a run that has less left to train would not earn them back.
_WORTH_COMPILING = 20.0

MakeSteps = Callable[[Objective, bool], Stepper]


@dataclass(frozen=True)
class Choice:
    """The form of a run's steps; part of every checkpoint, because a resumed run must compute the same numbers.

    Attributes:
        jit: whether XLA compiles them.
        room: most steps in a chunk.
        seconds: what was measured: a step in each form that was tried, and one pass through each network.
        fold: whether up-sampling and the convolution after it are one transposed convolution.
    """

    jit: bool
    room: int
    seconds: Mapping[str, float]
    fold: bool = False

    def facts(self) -> dict:
        return asdict(self)


def choose_steps(
    backend: Any, make_steps: MakeSteps, objective: Objective, draws: Draws, jit: bool | str, steps: int
) -> tuple[Stepper, Choice]:
    """The steps to train with, compiled as `jit` says ("auto": as measured) and folded where that measures faster.

    Args:
        backend: a module of training.steps.
        make_steps: builds its Steps of an objective, for jit True or False.
        objective: whose variables are as before when this returns.
        draws: makes the random numbers of the measured steps.
        jit: True, False or "auto".
        steps: how many will be trained, for whether compiling another form can pay.
    """
    before = snapshot(objective.variables())
    trial = _Trial(make_steps, draws)
    first, *others = backend.JIT if jit == "auto" else (jit,)
    trial.measure("xla" if first else "plain", objective, first)
    folded = fold_objective(objective)
    if trial.fastest * steps > _WORTH_COMPILING:
        if folded is not objective:
            trial.measure("folded_xla" if first else "folded", folded, first)
        best = folded if trial.choice.fold else objective
        if others and _xla_passes_are_faster(backend, best, trial.seconds):
            trial.measure("folded_xla" if trial.choice.fold else "xla", best, True)
    restore(objective.variables(), before, "the state before measuring")
    return trial.chosen, trial.choice


class _Trial:
    """Measures forms of a step one after the other and keeps the fastest."""

    def __init__(self, make_steps: MakeSteps, draws: Draws):
        self.make_steps, self.draws = make_steps, draws
        self.seconds: dict[str, float] = {}
        self.fastest = np.inf
        self.chosen: Any = None
        self.choice: Any = None

    def measure(self, form: str, objective: Objective, jit: bool) -> None:
        steps = self.make_steps(objective, jit)
        # XLA compiles for one size of chunk: that of the other form, if one was measured.
        room = self.choice.room if self.choice else 32 if jit else 8
        self.seconds[form] = _seconds_a_step(steps, self.draws, room)
        if self.seconds[form] < self.fastest:
            self.fastest = self.seconds[form]
            longest = _room(self.fastest)
            self.chosen = steps
            self.choice = Choice(jit, min(room, longest) if jit else longest, self.seconds, bool(objective.folded))


def _xla_passes_are_faster(backend: Any, objective: Objective, measured: dict[str, float]) -> bool:
    """Compares single passes of the networks first: a whole step of convolutions under XLA can take half a minute on a CPU."""
    samples = max(stage.samples for stage in objective.stages)
    for form, jit in (("plain_passes", False), ("xla_passes", True)):
        measured[form] = sum(backend.pass_seconds(objective.called(name), samples, jit) for name in objective.networks)
    return measured["xla_passes"] < measured["plain_passes"]


def _room(seconds: float) -> int:
    return int(np.clip(_CHUNK_SECONDS / seconds, 1, _MOST_STEPS))


def _seconds_a_step(steps: Stepper, draws: Draws, room: int) -> float:
    """Seconds a step after compilation: the best of at least two chunks that take a third of a second together."""
    steps.run(draws.take(0, 1), 0, room)  # compiles
    fastest, spent, count, chunks = np.inf, 0.0, 1, 0
    while spent < 0.3 or chunks < 2:
        taken = draws.take(0, count)
        start = time.perf_counter()
        steps.run(taken, 0, room)
        passed = time.perf_counter() - start
        fastest = min(fastest, passed / count)
        spent, chunks = spent + passed, chunks + 1
        count = min(2 * count, room)
    return float(fastest)
