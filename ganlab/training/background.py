"""Writing files beside the training: in one thread, in the order in which they were handed over.

So a state stands in its place only after all that was handed over before it, and training does not wait for a disk.
"""

import queue
import threading
from collections.abc import Callable

_ROOM = 2  # writes that may wait: each keeps a copy of what it writes in memory


class BackgroundWriter:
    """Performs writes one after the other while the training goes on.

    The first write that fails is the last one: nothing that was handed over after it is written, and its error is
    raised in the training's thread at the end of the next chunk, by the next `submit` or by `flush`.
    """

    def __init__(self, room: int = _ROOM):
        """Args: room: writes that may wait before `submit` does."""
        self._waiting: queue.Queue[Callable[[], None] | None] = queue.Queue(room)
        self._error: BaseException | None = None
        # A daemon: a process that dies of an error nobody foresaw must not hang on it.
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def submit(self, write: Callable[[], None]) -> None:
        """Hands over a write. It must own its data: what training changes meanwhile would be torn."""
        self.raise_error()
        self._waiting.put(write)

    def flush(self) -> None:
        """Returns when all that was handed over is written."""
        self._waiting.join()
        self.raise_error()

    def close(self) -> None:
        """Writes what still waits and ends the thread. Raises nothing: where that matters, `flush` was called before."""
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
                del write  # and the copies it holds, while the thread waits for the next one
                self._waiting.task_done()
