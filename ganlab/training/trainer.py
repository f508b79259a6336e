"""The training loop: draw, step, callbacks. It knows neither backend nor files."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ganlab.training.draws import Draws


@dataclass(frozen=True)
class Chunk:
    """Steps that have just been performed: rows (steps, columns) of the last of which `step` is the number, from 1."""

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


class Stepper(Protocol):
    def run(self, draws: dict[str, np.ndarray], first: int, room: int) -> np.ndarray: ...


class Trainer:
    """Trains from one step to another in chunks.

    Args:
        steps: performs steps, see training.steps.
        draws: makes their random numbers.
        callbacks: in the order in which they are called.
        room: the most steps one chunk holds.
    """

    def __init__(
        self, steps: Stepper, columns: tuple[str, ...], draws: Draws, callbacks: Sequence[Callback], room: int
    ):
        self.steps, self.columns, self.draws, self.callbacks, self.room = (
            steps,
            columns,
            draws,
            callbacks,
            room,
        )

    def train(self, done: int, total: int) -> None:
        """Performs steps done + 1 to total."""
        while done < total:
            stops = [callback.next_due(done) for callback in self.callbacks]
            end = min([done + self.room, total, *(stop for stop in stops if stop is not None)])
            start = time.perf_counter()
            rows = self.steps.run(self.draws.take(done, end - done), done, self.room)
            chunk = Chunk(end, self.columns, rows, time.perf_counter() - start)
            for callback in self.callbacks:
                callback.on_chunk(chunk)
            done = end


def next_multiple(step: int, every: int | None) -> int | None:
    """The first multiple of `every` after `step`."""
    return None if every is None else (step // every + 1) * every
