"""The training loop: draw, step, callbacks. This module imports neither backends nor files."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ganlab.training.draws import Draws

if TYPE_CHECKING:
    from ganlab.backends.steps import Steps

CHUNK_SECONDS = 0.5  # signals, pictures and checkpoints wait for the end of a chunk


@dataclass(frozen=True)
class Chunk:
    """The steps that were performed last.

    Attributes:
        step: the last of them, counted from 1.
        columns: names of the columns.
        rows: (steps, columns).
        seconds: that the steps took.
        lost: the path of a weight that is not finite after them, or None.
    """

    step: int
    columns: tuple[str, ...]
    rows: np.ndarray
    seconds: float
    lost: str | None = None

    def column(self, name: str) -> np.ndarray:
        return self.rows[:, self.columns.index(name)]


class Callback:
    """Reacts to the training after each chunk. `next_due` names the steps at which a chunk must end."""

    def next_due(self, step: int) -> int | None:
        """The first step after `step` at which a chunk must end, or None."""
        return None

    def on_chunk(self, chunk: Chunk) -> None:
        """Called after every chunk, in the order of the callbacks."""


class Trainer:
    """Trains one run from one step to another in chunks of about CHUNK_SECONDS.

    While a chunk is performed, a thread draws the numbers of the next one. A backend that works beside the host performs a
    chunk while the callbacks of the chunk before are called.

    Args:
        steps: performs steps.
        columns: names of the columns of the rows that `steps` returns.
        draws: makes the steps' random numbers.
        callbacks: called in this order.
        room: most steps of a chunk.
    """

    def __init__(
        self, steps: "Steps", columns: tuple[str, ...], draws: Draws, callbacks: Sequence[Callback], room: int
    ):
        self.steps, self.columns, self.draws, self.callbacks, self.room = steps, columns, draws, callbacks, room

    def train(self, done: int, total: int) -> None:
        """Performs steps done + 1 to total. The first chunks are one step each: a backend compiles in the first one.

        The length of a chunk is chosen when the chunk before it begins, so that its numbers can be drawn meanwhile.
        """
        if done >= total:
            return
        count, chunk = 1, None
        with ThreadPoolExecutor(1, "draws") as ahead:

            def draw(first: int) -> tuple[int, Any]:
                """The last step of the chunk after step `first`, and its numbers, which a thread draws."""
                end = min(first + count, next_due(first, self.callbacks) or total, total)
                return end, ahead.submit(lambda: self.steps.send(self.draws.take(first, end - first), self.room))

            following = draw(done)
            while done < total:
                end, sent = following
                finish = self.steps.start(sent.result(), done)
                if end < total:
                    following = draw(end)
                self._call_back(chunk)
                rows, seconds = finish()
                chunk = Chunk(end, self.columns, rows, seconds, self.steps.lost())
                count = int(np.clip(CHUNK_SECONDS * (end - done) / seconds, 1, self.room))
                done = end
        self._call_back(chunk)

    def _call_back(self, chunk: Chunk | None) -> None:
        for callback in self.callbacks if chunk else ():
            callback.on_chunk(chunk)


def next_due(step: int, callbacks: Iterable[Callback]) -> int | None:
    """The first step after `step` at which a callback wants a chunk to end, or None."""
    return min((due for callback in callbacks if (due := callback.next_due(step)) is not None), default=None)


def next_multiple(step: int, every: int | None) -> int | None:
    """The first multiple of `every` after `step`."""
    return None if every is None else (step // every + 1) * every
