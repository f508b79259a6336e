"""Stopping politely: the first signal is remembered until a checkpoint is saved, a second Ctrl-C leaves at once."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

_POLITE = ("SIGINT", "SIGTERM", "SIGUSR1")
_STANDARD = (0, 1, 2)  # input, output, error
Asked = Callable[[], str | None]


@contextlib.contextmanager
def watched_signals(before_leaving: Callable[[], None] = lambda: None) -> Iterator[Asked]:
    """Gives a function that names the signal that asked this process to stop, or None.

    Closing the terminal (SIGHUP) does not lose a run: it goes on, and what it prints goes nowhere.

    Args:
        before_leaving: called when a second Ctrl-C comes, in the middle of whatever happens then.
    """
    asked: list[str] = []
    terminal = [descriptor for descriptor in _STANDARD if os.isatty(descriptor)]  # once it is closed nobody can tell

    def remember(number: int, frame) -> None:
        if asked and number == signal.SIGINT:
            try:
                before_leaving()
            finally:
                os._exit(130)  # the checkpoint before this one is whole
        asked.append(signal.Signals(number).name)

    handlers = dict.fromkeys(_POLITE, remember) | {"SIGHUP": lambda number, frame: print_nowhere(terminal)}
    previous = {
        name: signal.signal(getattr(signal, name), handlers[name]) for name in handlers if hasattr(signal, name)
    }
    try:
        yield lambda: asked[0] if asked else None
    finally:
        for name, handler in previous.items():
            signal.signal(getattr(signal, name), handler)


def print_nowhere(descriptors: list[int]) -> None:
    """Lets standard input and output lead to nothing: writing to a terminal or a pipe that is gone is an error."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
