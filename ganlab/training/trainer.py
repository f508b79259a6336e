"""The training loop: draw, step, callbacks. It knows neither backend nor files."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ganlab.training.draws import Draws


@dataclass(frozen=True)
class Chunk:
    """Steps that have just been performed: rows (steps, columns), the last one of step number `step`, counted from 1."""

    step: int
    columns: tuple[str, ...]
    rows: np.ndarray
    seconds: float

    def column(self, name: str) -> np.ndarray:
        return self.rows[:, self.columns.index(name)]


class Callback:
    """Something that happens beside the training. `next_due` makes chunks end where it wants to look."""

    def next_due(self, step: int) -> int | None:
        """The first step after `step` at which a chunk must end for it, or None."""
        return None

    def on_chunk(self, chunk: Chunk) -> None:
        """Called after every chunk, in the order in which the callbacks were given."""


class Audience:
    """The callbacks of one run, in the order in which they are called.

    A trainer of one run has one audience; a trainer of several runs in one step has one for each.
    """

    def __init__(self, callbacks: Sequence[Callback]):
        self.callbacks = tuple(callbacks)

    def next_due(self, step: int) -> int | None:
        """The first step after `step` at which one of them wants a chunk to end, or None."""
        return min((due for c in self.callbacks if (due := c.next_due(step)) is not None), default=None)

    def tell(self, chunk: Chunk) -> None:
        for callback in self.callbacks:
            callback.on_chunk(chunk)


class Stepper(Protocol):
    def run(self, draws: dict[str, np.ndarray], first: int, room: int) -> np.ndarray: ...


class Trainer:
    """Trains one run from one step to another in chunks.

    Args:
        steps: performs steps, see `backends.steps.Steps`.
        columns: names of the columns of the rows that `steps` returns.
        draws: makes the steps' random numbers.
        callbacks: in the order in which they are called.
        room: the most steps one chunk holds.
    """

    def __init__(
        self, steps: Stepper, columns: tuple[str, ...], draws: Draws, callbacks: Sequence[Callback], room: int
    ):
        self.steps, self.columns, self.draws, self.room = steps, columns, draws, room
        self.audience = Audience(callbacks)

    def train(self, done: int, total: int) -> None:
        """Performs steps done + 1 to total."""
        while done < total:
            end = min(done + self.room, total, self.audience.next_due(done) or total)
            start = time.perf_counter()
            rows = self.steps.run(self.draws.take(done, end - done), done, self.room)
            self.audience.tell(Chunk(end, self.columns, rows, time.perf_counter() - start))
            done = end


def next_multiple(step: int, every: int | None) -> int | None:
    """The first multiple of `every` after `step`."""
    return None if every is None else (step // every + 1) * every
