"""Writes files in one thread beside the training, in the order of `submit`.

Training does not wait for the disk, and a state gets its name only after all earlier writes.
"""

import queue
import threading
from collections.abc import Callable

_ROOM = 2  # waiting writes: each keeps a copy of its data in memory


class BackgroundWriter:
    """Performs writes one after the other while the training continues.

    A write that fails ends the writing: later writes are dropped, and the error is raised in the training's thread by the next
    `submit`, `flush` or `raise_error`.
    """

    def __init__(self, room: int = _ROOM):
        """Starts the thread. `room` writes may wait; `submit` then waits too."""
        self._waiting: queue.Queue[Callable[[], None] | None] = queue.Queue(room)
        self._error: BaseException | None = None
        # A daemon: a process that dies of an unforeseen error must not wait for this thread.
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def submit(self, write: Callable[[], None]) -> None:
        """Adds a write. The write must own its data: training changes its own arrays meanwhile."""
        self.raise_error()
        self._waiting.put(write)

    def flush(self) -> None:
        """Returns when all submitted writes are done."""
        self._waiting.join()
        self.raise_error()

    def close(self) -> None:
        """Performs the waiting writes and ends the thread. Raises nothing; call `flush` first to see errors."""
        self._waiting.put(None)
        self._thread.join()

    def raise_error(self) -> None:
        """Raises the error of a write that failed."""
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (write := self._waiting.get()) is not None:
            try:
                if self._error is None:
                    write()
            except BaseException as error:
                self._error = error
            finally:
                del write  # frees its copies while the thread waits for the next write
                self._waiting.task_done()
