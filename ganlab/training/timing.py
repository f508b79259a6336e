"""Measures which form of a step is fastest here, and how many steps make a chunk.

Folded up-sampling and XLA help some networks and not others; how much depends on the machine. So the forms are tried, on the
real step, and the state is put back afterwards. Only what a backend knows is not tried.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ganlab.models.flops import step_flops
from ganlab.models.folding import fold_objective
from ganlab.training.checkpoints import restore, snapshot
from ganlab.training.draws import Draws
from ganlab.training.stages import Objective
from ganlab.training.trainer import Stepper

_CHUNK_SECONDS = 0.5  # signals, pictures and checkpoints wait for the end of a chunk
_MOST_STEPS = 200
_LARGEST_ROOM = 10_000  # of a file that says one: a chunk's random numbers must fit into memory
# A form takes some seconds to compile: a run that has less left to train would not earn them back.
_WORTH_COMPILING = 20.0
_CAUTIOUS_RATE = 1e11  # operations a second that any machine of today does, for the first guess of a chunk

MakeSteps = Callable[[Objective, bool], Stepper]


@dataclass(frozen=True)
class Choice:
    """The form of a run's steps; part of every checkpoint, because a resumed run must compute the same numbers.

    Attributes:
        jit: whether XLA compiles them.
        room: most steps in a chunk.
        seconds: what was measured: a step in each form that was tried.
        fold: whether up-sampling and the convolution after it are one transposed convolution.
    """

    jit: bool
    room: int
    seconds: Mapping[str, float]
    fold: bool = False

    def facts(self) -> dict:
        return asdict(self)

    @classmethod
    def of(cls, facts: Any) -> "Choice":
        """The choice whose `facts` were written to a file. Raises: ValueError for others."""
        try:
            choice = cls(**facts)
        except TypeError as error:
            raise ValueError(f"no form of a step: {error}") from error
        is_right = type(choice.jit) is type(choice.fold) is bool and type(choice.room) is int
        if not (is_right and 1 <= choice.room <= _LARGEST_ROOM and isinstance(choice.seconds, dict)):
            raise ValueError(f"no form of a step: jit {choice.jit}, fold {choice.fold}, room {choice.room}")
        return choice


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
    first, *others = backend.JIT if jit == "auto" else (jit,)
    if others and (known := backend.known_jit(objective, steps)) is not None:
        first, others = known, []
    seconds: dict[str, float] = {}
    folded = fold_objective(objective)
    best = _Form("xla" if first else "plain", objective, first, _first_room(objective) if first else 8)
    best.compile(make_steps, draws)
    _race([best], draws, seconds)
    if seconds[best.name] * steps > _WORTH_COMPILING:
        if folded is not objective:
            rival = _Form("folded_xla" if best.jit else "folded", folded, best.jit, best.room)
            best = _faster(best, rival, make_steps, draws, seconds)
        if others:
            # XLA compiles for one size of chunk: as many steps as the plain form has in one.
            name, room = "folded_xla" if best.name == "folded" else "xla", _room(seconds[best.name])
            rival = _Form(name, best.objective, True, room)
            best = _faster(best, rival, make_steps, draws, seconds)
    restore(objective.variables(), before, "the state before measuring")
    longest = _room(seconds[best.name])
    room = min(best.room, longest) if best.jit else longest
    is_folded = folded is not objective and best.objective is folded
    return best.steps, Choice(best.jit, room, seconds, is_folded)


@dataclass
class _Form:
    """One form of a step: its name in the manifest, what it does, how it is compiled, the most steps of its chunks."""

    name: str
    objective: Objective
    jit: bool
    room: int
    steps: Any = None

    def compile(self, make_steps: MakeSteps, draws: Draws) -> None:
        self.steps = make_steps(self.objective, self.jit)
        self.steps.run(draws.take(0, 1), 0, self.room)


def _faster(best: _Form, rival: _Form, make_steps: MakeSteps, draws: Draws, seconds: dict[str, float]) -> _Form:
    rival.compile(make_steps, draws)
    _race([best, rival], draws, seconds)
    return rival if seconds[rival.name] < seconds[best.name] else best


def _first_room(objective: Objective) -> int:
    """Most steps in a chunk that is compiled before a step was measured: XLA would have to compile another one anew."""
    return _room(max(step_flops(objective), 1) / _CAUTIOUS_RATE)


def _room(seconds: float) -> int:
    return int(np.clip(_CHUNK_SECONDS / seconds, 1, _MOST_STEPS))


def _race(forms: list[_Form], draws: Draws, seconds: dict[str, float]) -> None:
    """Writes each form's seconds a step, the best of its chunks; forms take turns, so that a busy moment hits all.

    Stops early once a form leads by a third after a quarter of the time.
    """
    spent, count, turns = 0.0, 1, 0
    while spent < 0.3 * len(forms) ** 2 or turns < 2:
        for form in forms:
            taken = draws.take(0, min(count, form.room))
            start = time.perf_counter()
            form.steps.run(taken, 0, form.room)
            passed = time.perf_counter() - start
            seconds[form.name] = min(seconds.get(form.name, np.inf), passed / min(count, form.room))
            spent += passed
        count, turns = 2 * count, turns + 1
        times = [seconds[form.name] for form in forms]
        if turns >= 2 and spent > 0.075 * len(forms) ** 2 and max(times) > 4 / 3 * min(times):
            return
