"""The training loop: draw, step, callbacks. This module knows neither backends nor files."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ganlab.training.draws import Draws

CHUNK_SECONDS = 0.5  # signals, pictures and checkpoints wait for the end of a chunk


@dataclass(frozen=True)
class Chunk:
    """The steps that were performed last: rows (steps, columns); the last row belongs to `step`, counted from 1."""

    step: int
    columns: tuple[str, ...]
    rows: np.ndarray
    seconds: float

    def column(self, name: str) -> np.ndarray:
        return self.rows[:, self.columns.index(name)]


class Callback:
    """Reacts to the training after each chunk. `next_due` names the steps at which a chunk must end."""

    def next_due(self, step: int) -> int | None:
        """The first step after `step` at which a chunk must end, or None."""
        return None

    def on_chunk(self, chunk: Chunk) -> None:
        """Called after every chunk, in the order of the callbacks."""


class Stepper(Protocol):
    def run(self, draws: dict[str, np.ndarray], first: int, room: int) -> np.ndarray: ...


class Trainer:
    """Trains one run from one step to another in chunks of about CHUNK_SECONDS.

    Args:
        steps: performs steps, see `backends.steps.Steps`.
        columns: names of the columns of the rows that `steps` returns.
        draws: makes the steps' random numbers.
        callbacks: called in this order.
        room: most steps of a chunk.
    """

    def __init__(
        self, steps: Stepper, columns: tuple[str, ...], draws: Draws, callbacks: Sequence[Callback], room: int
    ):
        self.steps, self.columns, self.draws, self.callbacks, self.room = steps, columns, draws, callbacks, room

    def train(self, done: int, total: int) -> None:
        """Performs steps done + 1 to total. The first chunk is one step, because a backend compiles in it."""
        count = 1
        while done < total:
            end = next_end(done, min(done + count, total), self.callbacks)
            start = time.perf_counter()
            rows = self.steps.run(self.draws.take(done, end - done), done, self.room)
            seconds = time.perf_counter() - start
            for callback in self.callbacks:
                callback.on_chunk(Chunk(end, self.columns, rows, seconds))
            count = int(np.clip(CHUNK_SECONDS * len(rows) / seconds, 1, self.room))
            done = end


def next_end(done: int, latest: int, callbacks: Sequence[Callback]) -> int:
    """The last step of the next chunk: `latest`, or an earlier step at which a callback wants a chunk to end."""
    return min([latest, *(due for callback in callbacks if (due := callback.next_due(done)) is not None)])


def next_multiple(step: int, every: int | None) -> int | None:
    """The first multiple of `every` after `step`."""
    return None if every is None else (step // every + 1) * every
